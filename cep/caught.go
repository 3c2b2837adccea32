package cep

import (
	"runtime/debug"
	"sync/atomic"
)

// caught holds the first panic of the goroutines of a phase, to be raised again where the
// phase was asked for: a panic that nobody recovers on its own goroutine ends the process.
type caught struct{ first atomic.Pointer[caughtPanic] }

// caughtPanic is a panic with where it was.
type caughtPanic struct {
	value any
	stack string
}

// recover takes a panic. It is called by defer.
func (c *caught) recover() {
	if v := recover(); v != nil {
		c.first.CompareAndSwap(nil, &caughtPanic{v, string(debug.Stack())})
	}
}

// raise panics, if a goroutine has.
func (c *caught) raise() {
	if p := c.first.Swap(nil); p != nil {
		panic(p)
	}
}
