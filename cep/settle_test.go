package cep

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"weir/cep/outcome"
	"weir/nfa"
)

// A late event of a key does not cost what all keys with a risk cost.
func BenchmarkLateWithRisks(b *testing.B) {
	for _, keys := range []int{1000, 30000} {
		b.Run(fmt.Sprint(keys), func(b *testing.B) {
			rs := rulesOf(makeRule(b, "a", "a", nfa.Options{}, abc("a")))
			rs.Risks = []NamedRisk{{Name: "r", Key: []string{"card"}, Risk: outcome.Risk{HalfLife: time.Hour}}}
			g, fx := NewEngine(rs, Options{Order: EagerOrder, Lateness: time.Hour}), new(Effects)
			for i := range keys {
				g.StepEvents([]Event{pay(1000, fmt.Sprint("k", i), "", "a", 1)}, fx)
			}
			g.StepEvents([]Event{pay(2000, "z", "", "x", 1)}, fx)
			b.ResetTimer()
			for i := range b.N {
				g.StepEvents([]Event{pay(1500, fmt.Sprint("y", i), "", "x", 1)}, fx)
			}
		})
	}
}

// What is settled, and when, changes no risk: each is what all its additions come to, in
// their order, however they came and whatever was taken back.
func TestSettle(t *testing.T) {
	for seed := range uint64(50) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		named := NamedRisk{Risk: outcome.Risk{HalfLife: 20 * time.Second}}
		r := newRisks(&Ruleset{Risks: []NamedRisk{named}})
		keys := make([]keyReader, 4)
		all := make([][]addition, len(keys))
		for i := range keys {
			keys[i].set([]string{fmt.Sprint("k", i)})
		}
		byStamp := func(a, b addition) int { return a.compare(&b) }
		low, settled := int64(0), 0
		for n := range 300 {
			i := rnd.IntN(len(keys))
			if k := len(all[i]) - 1; k >= 0 && all[i][k].at.moment >= low && rnd.IntN(3) == 0 {
				r.remove(r.find(0, &keys[i]), all[i][k])
				all[i] = all[i][:k]
			} else {
				at := low + rnd.Int64N(int64(10*time.Second))
				a := addition{at: stamp{moment: at, origin: uint64(n + 1)}, time: at, score: 1 + rnd.IntN(50)}
				r.add(r.state(0, &keys[i]), a)
				all[i] = append(all[i], a)
				slices.SortFunc(all[i], byStamp)
			}
			if rnd.IntN(4) == 0 {
				low += rnd.Int64N(int64(5 * time.Second))
				r.settle(low, low)
			}
			for i := range keys {
				var want outcome.Level
				for k := range all[i] {
					all[i][k].to(&want, named.Risk)
				}
				now, got := low+int64(10*time.Second), 0.0
				if rk := r.find(0, &keys[i]); rk != nil {
					got = r.value(rk, 0, stamp{moment: now, origin: 1000})
					settled += b2i(len(rk.pending) < len(all[i]))
					for k := range rk.pending {
						if !rk.touched && rk.pending[k].at.moment < low {
							t.Fatalf("seed %d, step %d: an addition of %d is pending at %d", seed, n, rk.pending[k].at.moment, low)
						}
					}
				}
				if want := named.Risk.Value(&want, now); got != want {
					t.Fatalf("seed %d, step %d, key %d: %v, want %v", seed, n, i, got, want)
				}
			}
		}
		if settled == 0 {
			t.Fatalf("seed %d: nothing was settled", seed)
		}
		r.settle(low, never)
		for i := range keys {
			if rk := r.find(0, &keys[i]); rk != nil && len(rk.pending) > 0 {
				t.Errorf("seed %d: something is pending in the end", seed)
			}
		}
	}
}

// Of risks with something pending settle looks at those that have changed, and those whose
// time has come.
func TestSettleLooksAtFew(t *testing.T) {
	r := newRisks(&Ruleset{Risks: []NamedRisk{{Risk: outcome.Risk{HalfLife: time.Hour}}}})
	var key keyReader
	for i := range 1000 {
		key.set([]string{fmt.Sprint(i)})
		r.add(r.state(0, &key), addition{at: stamp{int64(i), 0, 1}, time: int64(i), score: 1})
	}
	r.settle(0, 0)
	if len(r.touched) != 0 || len(r.waiting) != 1000 {
		t.Fatalf("%d are looked at each time, %d wait, want 0 and 1000", len(r.touched), len(r.waiting))
	}
	r.settle(0, 10)
	if len(r.waiting) != 990 {
		t.Errorf("%d wait once ten have been settled, want 990", len(r.waiting))
	}
}
