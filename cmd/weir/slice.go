package main

import "time"

// A checkpoint is saved between two batches for as long as was stepped since it was saved
// before, within these bounds: under load it takes half of the time at most, and does not
// hold up what waits for longer than the second.
const (
	leastSlice = time.Millisecond
	mostSlice  = 3 * time.Millisecond
)

// saveSlices are the loop's Slice.
type saveSlices struct{ ended time.Time }

// next begins a slice.
func (s *saveSlices) next() (stop func() bool) {
	begun := time.Now()
	long := sliceAfter(begun.Sub(s.ended))
	return func() bool {
		now := time.Now()
		if now.Sub(begun) < long {
			return false
		}
		s.ended = now
		return true
	}
}

// sliceAfter is how long a slice is after so much stepping.
func sliceAfter(stepped time.Duration) time.Duration { return min(max(stepped, leastSlice), mostSlice) }
