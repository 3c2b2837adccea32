//go:build failpoints

// Package failpoint ends the process at chosen places of the program, to test what a crash
// there leaves behind. It does nothing in a program that was built without the tag
// failpoints.
package failpoint

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
)

// place and left are where the process is to end, and how often that place is passed until
// then.
var (
	place string
	left  atomic.Int64
)

func init() {
	text, ok := os.LookupEnv("WEIR_FAILPOINT")
	if !ok {
		return
	}
	name, number, _ := strings.Cut(text, ":")
	n, err := strconv.ParseInt(number, 10, 64)
	if name == "" || err != nil || n < 1 {
		fmt.Fprintf(os.Stderr, "WEIR_FAILPOINT is %q: expected a name and a number from 1, like append:3\n", text)
		os.Exit(2)
	}
	place = name
	left.Store(n)
}

// Hit marks a place by its name. In a program that was built with the tag failpoints,
// the environment variable WEIR_FAILPOINT=NAME:N kills the process when the place NAME is
// reached for the N-th time, from 1.
func Hit(name string) {
	if name != place || left.Add(-1) != 0 {
		return
	}
	// A kill cannot be caught: nothing is flushed and no deferred call runs.
	p, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = p.Kill()
	}
	if err != nil {
		os.Exit(137)
	}
	select {}
}
