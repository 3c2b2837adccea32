package main

import (
	"testing"
	"time"
)

// A slice is as long as what was stepped before it, within bounds, and ends.
func TestSlice(t *testing.T) {
	for stepped, want := range map[time.Duration]time.Duration{
		0:                        leastSlice,
		-time.Hour:               leastSlice, // the clock of the machine was set
		2 * time.Millisecond:     2 * time.Millisecond,
		time.Second:              mostSlice,
		time.Duration(1<<63 - 1): mostSlice, // the first
	} {
		if got := sliceAfter(stepped); got != want {
			t.Errorf("after %v: %v, want %v", stepped, got, want)
		}
	}
	s := new(saveSlices)
	for stop := s.next(); !stop(); {
	}
	if s.ended.IsZero() {
		t.Error("the end of a slice is not known")
	}
}
