package cep

import (
	"fmt"
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
