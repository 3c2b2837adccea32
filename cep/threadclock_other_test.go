//go:build !linux

package cep

import "time"

var begun = time.Now()

// threadTime is the time that has passed: what a pause takes, with what other processes take.
func threadTime() time.Duration { return time.Since(begun) }
