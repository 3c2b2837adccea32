package cep

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// watchedCard is watched as far as rules on a card look at features of that card.
func watchedCard(t testing.TB) *Ruleset {
	rs := watched(t)
	own := []ReadID{rSpent, rCount, rBefore, rShops, rSeen, rSince, rSession}
	for _, id := range own {
		rs.Reads[id].Own = true
	}
	rs.Rules = slices.DeleteFunc(rs.Rules, func(r *Rule) bool { return r.ID == "merchant" || r.ID == "sums" })
	for _, r := range rs.Rules {
		measures := r.Measures
		r.Reads, r.Outcome, r.Measures = own, own, nil
		for _, id := range own {
			r.Measures = append(r.Measures, measures[id])
		}
	}
	return rs
}

// Whatever keys hold back, in the end alerts are those of the stream in order; and neither
// batches nor shards nor restarts change what comes out on the way.
func TestHeldBackOnTheWay(t *testing.T) {
	rs := watchedCard(t)
	var held uint64
	rapid.Check(t, func(t *rapid.T) {
		bound := func(g *Engine) *Engine {
			for _, l := range g.ledgers {
				l.past.again = 3
			}
			return g
		}
		events := stream(t)
		lateness := time.Duration(rapid.IntRange(0, 30).Draw(t, "lateness")) * time.Second
		late := arrival(t, events, lateness)
		_, sorted := stepped(rs, Options{}, slices.Clone(events), end)
		o := Options{Lateness: lateness, Order: EagerOrder}
		once, fx := bound(NewEngine(rs, o)), new(Effects)
		once.StepEvents(slices.Clone(late), fx)
		once.Step([]Record{end}, fx)
		same(t, "in the end", left(t, fx), left(t, sorted))
		held += once.Stats().Repairs.HeldBack

		g, parts := bound(NewEngine(rs, o)), new(Effects)
		for rest := slices.Clone(late); len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "batch")
			g.StepEvents(rest[:n], parts)
			rest = rest[n:]
			if rapid.Bool().Draw(t, "restart") {
				continue
			}
			state := g.Append(nil)
			o.Shards = rapid.IntRange(1, 3).Draw(t, "shards")
			var err error
			if g, err = Restore(rs, o, state); err != nil {
				t.Fatal(err)
			}
			if bound(g); string(g.Append(nil)) != string(state) {
				t.Fatal("the state that was read back is another")
			}
		}
		g.Step([]Record{end}, parts)
		got, want := append(versions(parts), "none"), append(versions(fx), "none")
		for i := range min(len(got), len(want)) {
			if got[i] != want[i] {
				t.Fatalf("alert %d of %d in parts:\n%s\nat once, of %d:\n%s", i, len(got)-1, got[i], len(want)-1, want[i])
			}
		}
		if got, want := g.Stats().Repairs, once.Stats().Repairs; got != want {
			t.Fatalf("repairs in parts %+v, at once %+v", got, want)
		}
	})
	if held == 0 {
		t.Error("no key has held back")
	}
}

// versions are all alerts as they came out.
func versions(fx *Effects) (all []string) {
	for i := range fx.Alerts {
		all = append(all, string(AppendJSON(nil, &fx.Alerts[i])))
	}
	return all
}
