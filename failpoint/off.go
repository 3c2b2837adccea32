//go:build !failpoints

// Package failpoint ends the process at chosen places of the program, makes stepping panic
// or slow, to test what becomes of it. It does nothing in a program that was built without
// the tag failpoints.
package failpoint

// On says whether the program was built with the tag failpoints.
const On = false

// Hit marks a place by its name. In a program that was built with the tag failpoints,
// the environment variable WEIR_FAILPOINT=NAME:N kills the process when the place NAME is
// reached for the N-th time, from 1.
func Hit(string) {}

// Panic stands before text is stepped. In a program that was built with the tag failpoints
// it panics where the environment variable WEIR_FAILPOINT_PANIC is a part of text.
func Panic([]byte) {}

// Held stands before the log is heard. In a program that was built with the tag failpoints,
// it is true while the file is there that the environment variable WEIR_FAILPOINT_HOLD names.
func Held() bool { return false }

// Slow stands after events were stepped. In a program that was built with the tag
// failpoints, the environment variable WEIR_FAILPOINT_SLOW=N makes it wait so long that no
// more than N events are stepped in a second.
func Slow(int) {}
