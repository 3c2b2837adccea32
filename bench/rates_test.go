package bench

import (
	"slices"
	"time"
)

// rates are the events a second of groups of blocks.
type rates struct {
	all    []float64 // of the groups that are full
	blocks int       // of the group that is not
	events int
	took   time.Duration
}

// groupBlocks is how many blocks make a group: some tenths of a second.
const groupBlocks = 10

// add takes in a block of events.
func (r *rates) add(events int, took time.Duration) {
	r.blocks, r.events, r.took = r.blocks+1, r.events+events, r.took+took
	if r.blocks == groupBlocks {
		r.all = append(r.all, float64(r.events)/r.took.Seconds())
		r.blocks, r.events, r.took = 0, 0, 0
	}
}

// median is that of the groups, the last one included where there is no full one.
func (r *rates) median() float64 {
	all := slices.Sorted(slices.Values(r.all))
	if len(all) == 0 {
		return float64(r.events) / r.took.Seconds()
	}
	n := len(all)
	return (all[(n-1)/2] + all[n/2]) / 2
}
