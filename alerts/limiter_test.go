package alerts

import (
	"fmt"
	"math"
	"testing"

	"weir/cep"
)

// came is a version of an alert of a rule at a second.
func came(rule string, second float64, version int) *Item {
	it := &Item{Rule: rule, Time: int64(second * 1e9), Version: version, Kind: cep.MatchAlert}
	if version > 1 {
		it.Kind = cep.RetractedAlert
	}
	return it
}

// TestLimiter holds what becomes of alerts where two of a rule and minute are kept.
func TestLimiter(t *testing.T) {
	type step struct {
		it     *Item
		stored bool
		want   Verdict
	}
	for name, steps := range map[string][]step{
		"two a minute":          {{came("a", 0, 1), false, Keep}, {came("a", 59.9, 1), false, Keep}, {came("a", 30, 1), false, Told}, {came("a", 31, 1), false, Count}},
		"each minute anew":      {{came("a", 0, 1), false, Keep}, {came("a", 1, 1), false, Keep}, {came("a", 60, 1), false, Keep}, {came("a", 61, 1), false, Keep}},
		"each rule for itself":  {{came("a", 0, 1), false, Keep}, {came("a", 1, 1), false, Keep}, {came("b", 1, 1), false, Keep}, {came("a", 1, 1), false, Told}, {came("b", 1, 1), false, Keep}, {came("b", 1, 1), false, Told}},
		"before the epoch":      {{came("a", -0.5, 1), false, Keep}, {came("a", -59, 1), false, Keep}, {came("a", 0, 1), false, Keep}, {came("a", -1, 1), false, Told}},
		"told once":             {{came("a", 0, 1), false, Keep}, {came("a", 0, 1), false, Keep}, {came("a", 0, 1), false, Told}, {came("a", 3600, 1), false, Keep}, {came("a", 3600, 1), false, Keep}, {came("a", 3600, 1), false, Count}},
		"told after an hour":    {{came("a", 0, 1), false, Keep}, {came("a", 0, 1), false, Keep}, {came("a", 0, 1), false, Told}, {came("a", 3660, 1), false, Keep}, {came("a", 3660, 1), false, Keep}, {came("a", 3660, 1), false, Told}},
		"a minute before":       {{came("a", 60, 1), false, Keep}, {came("a", 60, 1), false, Keep}, {came("a", 60, 1), false, Told}, {came("a", 0, 1), false, Keep}, {came("a", 0, 1), false, Keep}, {came("a", 0, 1), false, Count}},
		"versions of what is":   {{came("a", 0, 1), false, Keep}, {came("a", 0, 1), false, Keep}, {came("a", 0, 1), false, Told}, {came("a", 0, 2), true, Keep}, {came("a", 0, 3), true, Keep}},
		"versions of what not":  {{came("a", 0, 2), false, Count}, {came("a", 0, 1), false, Keep}},
		"a retraction frees no": {{came("a", 0, 1), false, Keep}, {came("a", 0, 1), false, Keep}, {came("a", 0, 2), true, Keep}, {came("a", 0, 1), false, Told}},
	} {
		l := NewLimiter()
		for i, s := range steps {
			if got := l.Judge(s.it, s.stored, 2); got != s.want {
				t.Errorf("%s, alert %d: %d, expected %d", name, i+1, got, s.want)
			}
		}
	}
	l := NewLimiter()
	for i := range 10_000 {
		if l.Judge(came("a", 0, 1), false, 0) != Keep {
			t.Fatalf("without a limit alert %d is not kept", i)
		}
	}
}

// TestLimiterReload holds that a Limiter which is made again of what changed says the same.
func TestLimiterReload(t *testing.T) {
	whole, cut := NewLimiter(), NewLimiter()
	whole.bound, cut.bound = 20, 20
	stored := map[MinuteKey]Minute{}
	for i := range 20_000 {
		it := came(fmt.Sprint("r", i*i%7), float64(i/40+(i*31)%600), 1)
		if a, b := whole.Judge(it, false, 3), cut.Judge(it, false, 3); a != b {
			t.Fatalf("alert %d: %d, after being made again %d", i, a, b)
		}
		if i%(1+i%13) != 0 {
			continue
		}
		changed, gone := cut.Changes()
		for _, k := range gone {
			delete(stored, k)
		}
		for _, m := range changed {
			stored[m.MinuteKey] = m
		}
		if len(stored) > 20 {
			t.Fatalf("%d minutes are counted, at most 20 may be", len(stored))
		}
		cut = NewLimiter()
		cut.bound = 20
		for _, m := range stored {
			cut.Load(m)
		}
	}
	if len(whole.minutes) != 20 {
		t.Errorf("%d minutes are counted: the bound was not reached", len(whole.minutes))
	}
}

// TestMinuteOf holds that minutes begin where the clock says so, at every time there is.
func TestMinuteOf(t *testing.T) {
	for _, time := range []int64{math.MinInt64, math.MinInt64 + minute, -minute - 1, -minute, -1, 0, 1, minute - 1, minute, math.MaxInt64} {
		n := MinuteOf("a", time).Number
		if rest := time - n*minute; time > math.MinInt64+minute && (rest < 0 || rest >= minute) {
			t.Errorf("time %d lies in minute %d", time, n)
		}
		if time > math.MinInt64 && MinuteOf("a", time-1).Number > n {
			t.Errorf("time %d lies in an earlier minute than what is before it", time)
		}
	}
}
