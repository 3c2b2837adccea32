package main

import "time"

// lanePace lets a run-in rest as long as it has worked: beside it stepping has half of a
// processor to itself, and a log of some millions of events is folded in tens of seconds.
type lanePace struct{}

// begin begins a batch.
func (lanePace) begin() (rest func()) {
	begun := time.Now()
	return func() { time.Sleep(min(time.Since(begun), mostRest)) }
}

// mostRest bounds a rest, where the machine is so busy that a batch takes long.
const mostRest = 200 * time.Millisecond
