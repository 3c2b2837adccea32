//go:build !linux

package main

// machineMemory is the memory that the process may have: not known.
func machineMemory() uint64 { return 0 }
