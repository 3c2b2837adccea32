//go:build failpoints

// Package failpoint ends the process at chosen places of the program, makes stepping panic
// or slow, to test what becomes of it. It does nothing in a program that was built without
// the tag failpoints.
package failpoint

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// On says whether the program was built with the tag failpoints.
const On = true

// place and left are where the process is to end, and how often that place is passed until
// then.
var (
	place string
	left  atomic.Int64
)

// panics is the text that may not be stepped; rate is how many events may be in a second; holds
// names a file.
var (
	panics []byte
	rate   int64
	holds  = os.Getenv("WEIR_FAILPOINT_HOLD")
)

func init() {
	panics = []byte(os.Getenv("WEIR_FAILPOINT_PANIC"))
	if text, ok := os.LookupEnv("WEIR_FAILPOINT_SLOW"); ok {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 1 {
			fmt.Fprintf(os.Stderr, "WEIR_FAILPOINT_SLOW is %q: expected a number from 1\n", text)
			os.Exit(2)
		}
		rate = n
	}
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

// Panic stands before text is stepped. In a program that was built with the tag failpoints
// it panics where the environment variable WEIR_FAILPOINT_PANIC is a part of text.
func Panic(text []byte) {
	if len(panics) > 0 && bytes.Contains(text, panics) {
		panic("failpoint: " + string(panics))
	}
}

// Held stands before the log is heard. In a program that was built with the tag failpoints,
// it is true while the file is there that the environment variable WEIR_FAILPOINT_HOLD names.
func Held() bool {
	if holds == "" {
		return false
	}
	_, err := os.Stat(holds)
	return err == nil
}

// Slow stands after events were stepped. In a program that was built with the tag
// failpoints, the environment variable WEIR_FAILPOINT_SLOW=N makes it wait so long that no
// more than N events are stepped in a second.
func Slow(events int) {
	if rate > 0 {
		time.Sleep(time.Duration(events) * time.Second / time.Duration(rate))
	}
}
