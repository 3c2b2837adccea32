package cep

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"weir/nfa"
)

// bounded is an Engine in EagerOrder whose keys match few events again.
func bounded(rs *Ruleset, o Options, again int) *Engine {
	g := NewEngine(rs, o)
	g.setAgain(again)
	return g
}

func (g *Engine) setAgain(n int) {
	for s := range g.shards {
		s.eager.again = n
	}
}

// Keys that hold events back say in the end what they would have said at once, whatever
// batches, shards and restarts there are.
func TestBacklogsChangeNothing(t *testing.T) {
	rs := zoo(t)
	held := 0
	rapid.Check(t, func(t *rapid.T) {
		lateness := time.Duration(rapid.IntRange(1, 30).Draw(t, "lateness")) * time.Second
		events := stream(t)
		late := arrival(t, events, lateness)
		_, want := stepped(rs, Options{}, slices.Clone(events), end)
		o := Options{Lateness: lateness, Order: EagerOrder}
		again := rapid.IntRange(0, 4).Draw(t, "again")
		g, fx := bounded(rs, o, again), new(Effects)
		g.StepEvents(slices.Clone(late), fx)
		state := string(g.Append(nil))
		g.Step([]Record{end}, fx)
		same(t, "held back", left(t, fx), left(t, want))
		held += int(g.Stats().Repairs.HeldBack)

		o.Shards = rapid.IntRange(1, 3).Draw(t, "shards")
		h, parts := bounded(rs, o, again), new(Effects)
		for rest := slices.Clone(late); len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "batch")
			h.StepEvents(rest[:n], parts)
			rest = rest[n:]
			if rapid.Bool().Draw(t, "restart") {
				restored, err := Restore(rs, o, h.Append(nil))
				if err != nil {
					t.Fatal(err)
				}
				restored.setAgain(again)
				h = restored
			}
		}
		same(t, "state", string(h.Append(nil)), state)
		h.Step([]Record{end}, parts)
		same(t, "in batches", text(parts), text(fx))
	})
	if held == 0 {
		t.Error("no key held events back")
	}
}

// An event does not cost what all keys that hold back cost.
func BenchmarkWithBacklogs(b *testing.B) {
	for _, keys := range []int{10, 1000} {
		b.Run(fmt.Sprint(keys), func(b *testing.B) {
			rs := rulesOf(makeRule(b, "a", "a", nfa.Options{}, abc("a")))
			g, fx := bounded(rs, Options{Order: EagerOrder, Lateness: time.Hour}, 0), new(Effects)
			for i := range keys {
				key := fmt.Sprint("k", i)
				g.StepEvents([]Event{pay(1001, key, "", "a", 1), pay(1000, key, "", "a", 1)}, fx)
			}
			if got := g.Stats().Repairs.HeldBack; got != uint64(keys) {
				b.Fatalf("%d keys hold back", got)
			}
			b.ResetTimer()
			for i := range b.N {
				e := pay(2000, "z", "", "x", 1)
				e.Time += int64(i) * int64(time.Millisecond)
				g.StepEvents([]Event{e}, fx)
			}
		})
	}
}
