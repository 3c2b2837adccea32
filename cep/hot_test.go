package cep

import (
	"testing"
	"time"

	"weir/nfa"
)

// What an event of a key costs does not depend on how many lateness takes in.
func BenchmarkHotKey(b *testing.B) {
	rs := rulesOf(makeRule(b, "absence", "a -> !b", nfa.Options{Within: 5 * time.Second}, abc("a", "b")))
	for _, bm := range []struct {
		name     string
		kind     string
		lateness time.Duration
	}{{"trim-1000", "x", 1000}, {"trim-30000", "x", 30000}, {"absence-1000", "a", 1000}, {"absence-30000", "a", 30000}} {
		b.Run(bm.name, func(b *testing.B) {
			g, fx := NewEngine(rs, Options{Order: EagerOrder, Lateness: bm.lateness * time.Second}), new(Effects)
			one := make([]Event, 1)
			for i := range b.N + int(bm.lateness) {
				if i == int(bm.lateness) {
					b.ResetTimer()
				}
				one[0] = pay(1000+i, "c", "", bm.kind, 1)
				g.StepEvents(one, fx)
				fx.Alerts, fx.Decisions = fx.Alerts[:0], fx.Decisions[:0]
			}
		})
	}
}
