package cep

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
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
