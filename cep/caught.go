package cep

import (
	"fmt"
	"runtime/debug"
	"sync/atomic"
)

// caught holds the first panic of the goroutines of a phase, to be raised again where the
// phase was asked for: a panic that nobody recovers on its own goroutine ends the process.
type caught struct{ first atomic.Pointer[string] }

// recover takes a panic. It is called by defer.
func (c *caught) recover() {
	if v := recover(); v != nil {
		text := fmt.Sprintf("%v\n%s", v, debug.Stack())
		c.first.CompareAndSwap(nil, &text)
	}
}

// raise panics, if a goroutine has.
func (c *caught) raise() {
	if text := c.first.Swap(nil); text != nil {
		panic(*text)
	}
}
