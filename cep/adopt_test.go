package cep

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// digested gives the rules of a Ruleset digests.
func digested(rs *Ruleset) *Ruleset {
	for _, r := range rs.Rules {
		r.Digest = r.ID
	}
	return rs
}

// without is rs without a rule, with a new one in its place.
func (rs *Ruleset) without(id string) *Ruleset {
	c := *rs
	c.Rules = nil
	for _, r := range rs.Rules {
		if r.ID == id {
			other := *r
			other.ID, other.Digest = "zzz", ""
			defer func() { c.Rules = append(c.Rules, &other) }()
			continue
		}
		c.Rules = append(c.Rules, r)
	}
	return &c
}

// only leaves the alerts of rules that stay.
func (fx *Effects) only() *Effects {
	some := *fx
	some.Alerts = slices.DeleteFunc(slices.Clone(fx.Alerts), func(a Alert) bool { return a.Rule.ID == "any" || a.Rule.ID == "zzz" })
	return &some
}

// Keys that hold events back when rules are adopted say in the end what they would have said
// without that, once each.
func TestAdoptWhileHeldBack(t *testing.T) {
	rs := digested(zoo(t))
	next := rs.without("any") // which sees types that others of its key do not
	held := 0
	rapid.Check(t, func(t *rapid.T) {
		lateness := time.Duration(rapid.IntRange(1, 30).Draw(t, "lateness")) * time.Second
		late := arrival(t, stream(t), lateness)
		o := Options{Lateness: lateness, Order: EagerOrder}
		again := rapid.IntRange(0, 4).Draw(t, "again")
		want, fx := bounded(rs, o, again), new(Effects)
		want.StepEvents(slices.Clone(late), fx)
		want.Step([]Record{end}, fx)

		g, got := bounded(rs, o, again), new(Effects)
		at := rapid.IntRange(0, len(late)).Draw(t, "at")
		g.StepEvents(slices.Clone(late[:at]), got)
		o.Shards = rapid.IntRange(1, 3).Draw(t, "shards")
		h, told := g.Adopt(&Rules{Ruleset: next, Options: o})
		h.setAgain(again)
		for s := range h.shards {
			held += len(s.eager.holding)
		}
		for _, p := range told.Rules {
			if was := map[string]Adoption{"any": Gone, "zzz": New}[p.Name]; p.Became != was {
				t.Fatalf("%s is %s, want %s", p.Name, p.Became, was)
			}
		}
		h.StepEvents(slices.Clone(late[at:]), got)
		h.Step([]Record{end}, got)
		same(t, "alerts", left(t, got.only()), left(t, fx.only()))
	})
	if held == 0 {
		t.Error("no key held back")
	}
}

// What hides what came before is forgotten once the watermark has passed that, and rules
// without a digest go on with nothing.
func TestBordersEnd(t *testing.T) {
	rs := zoo(t)
	for _, order := range []Order{WatermarkOrder, EagerOrder} {
		o := Options{Lateness: 10 * time.Second, Order: order}
		g := NewEngine(rs, o)
		g.StepEvents([]Event{pay(1, "c", "m", "a", 1), pay(5, "c", "m", "a", 1)}, new(Effects))
		g, told := g.Adopt(&Rules{Ruleset: rs, Options: o})
		for _, p := range told.Rules {
			if p.Became != Changed {
				t.Errorf("%s is %s", p.Name, p.Became)
			}
		}
		for _, x := range []struct{ at, left int }{{6, 1}, {15, 1}, {16, 0}} {
			g.StepEvents([]Event{pay(x.at, "c", "m", "b", 1)}, new(Effects))
			b := bordersOf(g.rs, g.order.low)
			if n := len(b.distinct()); n != x.left {
				t.Errorf("order %d: at %d s there are %d borders, want %d", order, x.at, n, x.left)
			}
			var err error
			if g, err = Restore(rs, o, g.Append(nil)); err != nil {
				t.Fatal(err)
			}
		}
	}
}
