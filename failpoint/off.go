//go:build !failpoints

// Package failpoint ends the process at chosen places of the program, to test what a crash
// there leaves behind. It does nothing in a program that was built without the tag
// failpoints.
package failpoint

// Hit marks a place by its name. In a program that was built with the tag failpoints,
// the environment variable WEIR_FAILPOINT=NAME:N kills the process when the place NAME is
// reached for the N-th time, from 1.
func Hit(string) {}
