package cep

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"weir/cep/feature"
	"weir/nfa"
)

// opens is a ruleset with a rule that keeps much, one that keeps little, and a feature.
func opens(t testing.TB) *Ruleset {
	rs := rulesOf(
		makeRule(t, "few", "b -> c", nfa.Options{Within: time.Hour}, abc("b", "c")),
		makeRule(t, "many", "a -> c", nfa.Options{Within: time.Hour}, abc("a", "c")),
	)
	rs.Features = []*Feature{byCard("count", feature.Count, fAmount)}
	return rs
}

// payments of n new cards, of a kind.
func newCards(second, n int, name, kind string) (events []Event) {
	for i := range n {
		events = append(events, pay(second, fmt.Sprint(name, i), "m", kind, 1))
	}
	return events
}

// At the budget the heaviest part takes no new keys; known ones go on; below 95 % it is open
// again.
func TestBudget(t *testing.T) {
	const budget = 100 << 10
	for _, order := range []Order{WatermarkOrder, EagerOrder} {
		g, fx := NewEngine(opens(t), Options{Order: order, Budget: budget}), new(Effects)
		g.StepEvents(newCards(1, 20, "first", "a"), fx)
		if s := g.Stats().State; s.Bytes == 0 || s.Near() || s.Budget != budget {
			t.Fatalf("with 20 cards: %+v", s)
		}
		g.StepEvents(newCards(2, 500, "more", "a"), fx)
		s := g.Stats()
		if !s.State.Near() || !s.State.Rules[1].Closed || s.State.Rules[0].Closed || s.Rules[1].Refused == 0 || s.Rules[0].Refused != 0 {
			t.Fatalf("with 520 cards: %+v, refused %d", s.State, s.Rules[1].Refused)
		}
		if s.State.Bytes < budget || s.State.Bytes > budget*3/2 {
			t.Errorf("the state weighs %d, of a budget of %d", s.State.Bytes, budget)
		}
		refused := s.Rules[1].Refused
		g.StepEvents([]Event{
			pay(3, "new", "m", "a", 1), pay(4, "new", "m", "c", 1), // refused
			pay(5, "first3", "m", "a", 1), pay(6, "first3", "m", "c", 1), // known
		}, fx)
		if got := lines(fx.Alerts); len(fx.Alerts) != 1 || fx.Alerts[0].Key[0] != "first3" {
			t.Fatalf("while it is closed:\n%s", got)
		}
		if n := g.Stats().Rules[1].Refused - refused; n != 1 {
			t.Errorf("%d events were refused, want 1", n)
		}
		// An hour later all has run out.
		g.StepEvents(newCards(4000, 300, "later", "x"), fx)
		if s := g.Stats().State; s.Rules[1].Closed || s.Near() {
			t.Fatalf("an hour later: %+v", s)
		}
		g.StepEvents([]Event{pay(4001, "new", "m", "a", 1), pay(4002, "new", "m", "c", 1)}, fx)
		if len(fx.Alerts) != 2 || fx.Alerts[1].Key[0] != "new" {
			t.Errorf("open again:\n%s", lines(fx.Alerts))
		}
	}
}

// A feature that is closed counts known keys alone.
func TestBudgetOfFeatures(t *testing.T) {
	rs := keeping(byCard("sum", feature.Sum, fAmount))
	g, fx := NewEngine(rs, Options{Budget: 20 << 10}), new(Effects)
	g.StepEvents(newCards(1, 1000, "c", "a"), fx)
	s := g.Stats()
	if !s.State.Features[0].Closed || s.Features[0].Refused == 0 || s.Features[0].Refused+s.Features[0].Events != 1000 || g.FeatureKeys() != int(s.Features[0].Events) {
		t.Fatalf("%+v, %+v, %d keys", s.State, s.Features[0], g.FeatureKeys())
	}
	g.StepEvents([]Event{pay(2, "c0", "m", "a", 1), pay(2, "c999", "m", "a", 1)}, fx)
	if then := g.Stats().Features[0]; then.Events != s.Features[0].Events+1 || then.Refused != s.Features[0].Refused+1 {
		t.Errorf("%+v after %+v", then, s.Features[0])
	}
}

// A budget that is gone, or another, is in force from the next event on.
func TestBudgetAdopted(t *testing.T) {
	rs := digested(opens(t))
	g, fx := NewEngine(rs, Options{Budget: 50 << 10}), new(Effects)
	g.StepEvents(newCards(1, 500, "c", "a"), fx)
	if !g.Stats().State.Rules[1].Closed {
		t.Fatal("nothing is closed")
	}
	for _, o := range []Options{{}, {Budget: 1 << 30}} {
		next, _ := g.Adopt(&Rules{Ruleset: rs, Options: o})
		if s := next.Stats(); !s.State.Rules[1].Closed || s.Rules[1].Refused == 0 {
			t.Fatalf("what was closed is not carried on: %+v", s.State)
		}
		fx.Reset()
		next.StepEvents([]Event{pay(2, "x", "m", "x", 1), pay(3, "new", "m", "a", 1), pay(4, "new", "m", "c", 1)}, fx)
		if len(fx.Alerts) != 1 || next.Stats().State.Rules[1].Closed {
			t.Errorf("budget %d: %d alerts, %+v", o.Budget, len(fx.Alerts), next.Stats().State)
		}
	}
}

// Of many keys some are looked at: what comes of it is about what all would weigh, and the
// same whatever the shards.
func TestWeighsSome(t *testing.T) {
	rs := opens(t)
	var want []int64
	for _, shards := range []int{1, 2, 5} {
		g := NewEngine(rs, Options{Budget: 1 << 40, Shards: shards})
		g.StepEvents(newCards(1, 60_000, "card", "a"), new(Effects))
		w := g.weigh()
		if w.drawn > mostDrawn {
			t.Errorf("%d keys were looked at", w.drawn)
		}
		if want == nil {
			want = w.parts
			all := weighing{g: g, parts: make([]int64, 3), most: 1 << 30}
			all.keys(&g.layers[0], 0)
			all.records(book{g.scheme, g.ledgers}, 0)
			for i := range want {
				if x := float64(want[i]) / float64(max(all.parts[i], 1)); all.parts[i] > 0 && (x < 0.85 || x > 1.15) {
					t.Errorf("part %d: %.2f of what all weigh", i, x)
				}
			}
		}
		if !slices.Equal(w.parts, want) {
			t.Errorf("%d shards: %v, want %v", shards, w.parts, want)
		}
	}
}

// An index has what begins with zeros, and nothing that is gone.
func TestIndex(t *testing.T) {
	g, fx := NewEngine(opens(t), Options{Budget: 1 << 40}), new(Effects)
	g.StepEvents(newCards(1, 4000, "card", "a"), fx)
	some := func() (listed, wanted int) {
		s := g.layers[0].shards[0]
		for _, ks := range s.tables[0] {
			if hashOf(ks.text)>>(64-indexBits) == 0 {
				wanted++
			}
		}
		for i, ks := range s.indexes[0].all {
			if s.tables[0][ks.text] != ks || int(ks.spot) != i+1 {
				t.Fatalf("%q is listed and not there", ks.text)
			}
		}
		return len(s.indexes[0].all), wanted
	}
	if listed, wanted := some(); listed != wanted || listed < 150 {
		t.Errorf("%d of %d are listed", listed, wanted)
	}
	g.StepEvents(newCards(2, 2000, "card", "c"), fx) // these go
	if listed, wanted := some(); listed != wanted || listed > 200 {
		t.Errorf("%d of %d are listed", listed, wanted)
	}
}
