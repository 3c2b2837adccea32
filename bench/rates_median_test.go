package bench

import (
	"testing"
	"time"
)

func TestRatesMedian(t *testing.T) {
	var r rates
	r.add(100, time.Second)
	if got := r.median(); got != 100 {
		t.Errorf("of a group that is not full: got %v events/s, want 100", got)
	}
	r = rates{}
	for group, rate := range []int{300, 100, 900, 500} {
		for range groupBlocks {
			r.add(rate, time.Second)
		}
		if want := []float64{300, 200, 300, 400}[group]; r.median() != want {
			t.Errorf("after %d groups: got %v events/s, want %v", group+1, r.median(), want)
		}
	}
	r.add(1, time.Hour)
	if got := r.median(); got != 400 {
		t.Errorf("a group that is not full counts: got %v events/s, want 400", got)
	}
}
