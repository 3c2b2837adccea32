package ruletest

import (
	"math/rand/v2"
	"testing"

	"weir/cep"
)

func TestSameNumber(t *testing.T) {
	tenth := 0.1 // a constant would be added exactly
	tests := []struct {
		x    float64
		text string
		want bool
	}{
		{3, "3", true},
		{3, "3.0", true},
		{3.0001, "3", false},
		{3.04, "3.0", true},
		{3.06, "3.0", false},
		{tenth + 0.2, "0.3", true},
		{tenth + 0.2, "0.30000000000000004", true},
		{-0.001, "0.00", true},
		{-0.001, "-0.00", true},
		{8.333333333333334, "8.33", true},
		{8.333333333333334, "8.34", false},
		{1e30, "1e30", true},
		{1.5e30, "1.5e30", true},
		{1.54e30, "1.5e30", false},
		{0.00149, "1.5e-3", false},
		{12345678901234567, "12345678901234567.0", true},
	}
	for _, tt := range tests {
		if got := sameNumber(tt.x, tt.text); got != tt.want {
			t.Errorf("%v and %s: %v", tt.x, tt.text, got)
		}
	}
}

func TestNumbersList(t *testing.T) {
	tests := []struct {
		numbers []int
		want    string
	}{
		{nil, "-"},
		{[]int{1}, "1"},
		{[]int{1, 2}, "1, 2"},
		{[]int{1, 2, 3}, "1..3"},
		{[]int{1, 3, 4, 5, 7, 8}, "1, 3..5, 7, 8"},
	}
	for _, tt := range tests {
		if got := numbersList(tt.numbers); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.numbers, got, tt.want)
		}
	}
}

// TestPair holds the pairing against trying all ways: as many alerts as can be have
// one that is as expected, each a different one, and the rest of the rule is paired.
func TestPair(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	rule := &cep.Rule{ID: "r"}
	for range 2000 {
		fits := make([][]bool, random.IntN(5))
		came := make([]Alert, random.IntN(5))
		for k := range came {
			came[k] = Alert{Alert: &cep.Alert{Rule: rule, Score: k}}
		}
		var want []wanted
		for i := range fits {
			fits[i] = make([]bool, len(came))
			for k := range fits[i] {
				fits[i][k] = random.IntN(3) == 0
			}
			want = append(want, wanted{number: i, rule: "r", asked: []question{{holds: func(a *Alert) bool { return fits[i][a.Score] }}}})
		}
		p := pair(want, came)
		got := 0
		seen := map[int]bool{}
		for i, k := range p.of {
			if k < 0 {
				k = p.nearest[i]
			} else {
				got++
				if !fits[i][k] {
					t.Fatalf("%v: %d has %d", fits, i, k)
				}
			}
			if k >= 0 && (seen[k] || !p.taken[k]) {
				t.Fatalf("%v: %d stands twice, or is not taken", fits, k)
			}
			seen[k] = true
		}
		if best := mostPairs(fits, 0, map[int]bool{}); got != best {
			t.Fatalf("%v: %d pairs, want %d", fits, got, best)
		}
		delete(seen, -1)
		if len(seen) != min(len(want), len(came)) {
			t.Fatalf("%v: %d of %d and %d are paired", fits, len(seen), len(want), len(came))
		}
	}
}

// mostPairs gives how many of fits from i on can have one of their own.
func mostPairs(fits [][]bool, i int, used map[int]bool) int {
	if i == len(fits) {
		return 0
	}
	best := mostPairs(fits, i+1, used)
	for k, ok := range fits[i] {
		if ok && !used[k] {
			used[k] = true
			best = max(best, 1+mostPairs(fits, i+1, used))
			delete(used, k)
		}
	}
	return best
}

// TestTellApart: equal lines differ, and are the same JSON.
func TestTellApart(t *testing.T) {
	seen := map[string]bool{}
	d := cep.NewDecoder(&cep.Ruleset{})
	for i := range 1000 {
		line := string(tellApart([]byte(`{"ts":5}`), i))
		if seen[line] {
			t.Fatalf("%d: %q stood before", i, line)
		}
		seen[line] = true
		if ns, _, reject := d.Time(line); reject != nil || ns != 5e6 {
			t.Fatalf("%d: %q: %v", i, line, reject)
		}
	}
}
