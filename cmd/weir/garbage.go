package main

import (
	"context"
	"math"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// The garbage collector marks all that is in use each time that the memory has grown by some
// percent of it: the fewer percent, the less memory, and the more processor time. The state
// of rules is what is in use, so most takes a tenth to a fifth less time of the whole service
// than Go's own 100 percent, at the price of memory; it comes down to that where the memory
// would be more than half of the machine's.
const (
	mostGrowth  = 200
	leastGrowth = 100
	growthStep  = 10
)

// growth is how many percent the memory may grow by, where so many bytes are in use, on a
// machine with so much memory.
func growth(used, machine uint64) int {
	if machine == 0 { // not known
		return leastGrowth
	}
	percent := float64(machine/2)/float64(max(used, 1))*100 - 100
	n := int(min(max(percent, leastGrowth), mostGrowth))
	return n / growthStep * growthStep
}

// keepGrowth sets how much the memory may grow by, as what is in use changes, until ctx ends.
// Where the environment says it (GOGC, or GOMEMLIMIT), it leaves that in force.
func keepGrowth(ctx context.Context) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	machine := machineMemory()
	clock := time.NewTicker(watchEvery)
	defer clock.Stop()
	now := math.MinInt
	for ctx.Err() == nil {
		if next := growth(usedMemory(), machine); next != now {
			debug.SetGCPercent(next)
			now = next
		}
		select {
		case <-ctx.Done():
		case <-clock.C:
		}
	}
}

// loadShare is the part of the machine's memory up to which no garbage is collected while a state
// is loaded: nearly all that is made then stays.
const loadShare = 4

// catchUp is how long none is collected after that at most, while what lay on the log is stepped:
// the first events should not wait for the whole state to be marked.
const catchUp = 3 * time.Second

// caughtUp waits until what lies on the log is stepped, or for catchUp.
func (v *service) caughtUp(ctx context.Context) {
	limit, stop := context.WithTimeout(ctx, catchUp)
	defer stop()
	last, _ := v.stream.LastAppended()
	clock := time.NewTicker(catchUp / 100)
	defer clock.Stop()
	for limit.Err() == nil && v.loop.Status().Stepped.Sequence < last {
		select {
		case <-limit.Done():
		case <-clock.C:
		}
	}
}

// loadFreely keeps the collector from running while a state is loaded, until done is called.
func loadFreely() (done func()) {
	machine := machineMemory()
	if machine == 0 || os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return func() {}
	}
	percent, limit := debug.SetGCPercent(-1), debug.SetMemoryLimit(int64(machine/loadShare))
	return func() {
		debug.SetMemoryLimit(limit)
		debug.SetGCPercent(percent)
	}
}

// usedMemory is what was in use when garbage was collected last, in bytes.
func usedMemory() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	if s[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return s[0].Value.Uint64()
}
