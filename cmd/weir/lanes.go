package main

import (
	"time"

	"weir/cep/stream"
)

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

// laneShare is the part of the size of the log, one over it, that run-ins leave free: with less
// than that it is not kept for them any more. Without them it drops what is not needed long before.
const laneShare = 8

// scarceFor reports whether a log has too little room left for run-ins.
func scarceFor(s stream.Stats) bool { return s.Size-s.Bytes < s.Size/laneShare }
