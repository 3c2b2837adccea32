//go:build !unix

package main

import "time"

// processorTime is what this process has had of the processors; 0: not known.
func processorTime() time.Duration { return 0 }
