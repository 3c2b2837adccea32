package cep

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"weir/nfa"
)

// recompiled is rs with another program for the rule pair, as another version might make of the
// same source.
func recompiled(t testing.TB, rs *Ruleset) *Ruleset {
	c := *rs
	c.Rules = slices.Clone(rs.Rules)
	i := slices.IndexFunc(c.Rules, func(r *Rule) bool { return r.ID == "pair" })
	c.Rules[i] = makeRule(t, "pair", "a{2,3} -> b", nfa.Options{Within: 9 * time.Second}, abc("a", "b"))
	c.Rules[i].Digest = "another"
	return &c
}

// A rule with another program than in the state begins anew, as if it had been put in force
// where the state ends; all other rules say what they would have said.
func TestRestoreWithAnotherProgram(t *testing.T) {
	rs := digested(zoo(t))
	next := recompiled(t, rs)
	keys := 0
	rapid.Check(t, func(t *rapid.T) {
		lateness := time.Duration(rapid.IntRange(0, 20).Draw(t, "lateness")) * time.Second
		o := Options{Lateness: lateness, Order: rapid.SampledFrom([]Order{WatermarkOrder, EagerOrder}).Draw(t, "order")}
		events := arrival(t, stream(t), lateness)
		at := rapid.IntRange(0, len(events)).Draw(t, "at")
		g := NewEngine(rs, o)
		g.StepEvents(slices.Clone(events[:at]), new(Effects))
		whole := g.Append(nil)

		_, err := Restore(next, o, whole)
		if other, ok := errors.AsType[*OtherPrograms](err); !ok || !slices.Equal(other.Rules, []string{"pair"}) {
			t.Fatalf("without Drop: %v", err)
		}
		o.Shards, o.Drop = rapid.IntRange(1, 3).Draw(t, "shards"), true
		h, err := Restore(next, o, whole)
		if err != nil {
			t.Fatal(err)
		}
		told := h.Dropped()
		if len(told) != 1 || told[0].Rule != "pair" {
			t.Fatalf("dropped: %+v", told)
		}
		keys += told[0].Keys
		oracle, _ := g.Adopt(&Rules{Ruleset: next, Options: o})

		got, want := new(Effects), new(Effects)
		h.StepEvents(slices.Clone(events[at:]), got)
		h.Step([]Record{end}, got)
		oracle.StepEvents(slices.Clone(events[at:]), want)
		oracle.Step([]Record{end}, want)
		same(t, "alerts", lines(got.Alerts), lines(want.Alerts))

		again, err := Restore(next, o, h.Append(nil)) // the state is that of the new programs
		if err != nil || len(again.Dropped()) > 0 {
			t.Fatal(err, again.Dropped())
		}
	})
	if keys == 0 {
		t.Error("no matches were dropped")
	}
}

// What was dropped does not come back by entries that were saved before: the next freeze is of
// all of the state.
func TestFreezeAfterAnotherProgram(t *testing.T) {
	rs := digested(zoo(t))
	o := Options{Freezes: true, Saved: true, Drop: true}
	g, _ := stepped(rs, o, []Event{pay(1, "c1", "m1", "a", 1), pay(2, "c1", "m1", "a", 1)})
	for _, c := range []struct {
		rs   *Ruleset
		full bool
	}{{rs, false}, {recompiled(t, rs), true}} {
		h, err := Restore(c.rs, o, g.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		if f := h.Freeze(); f.Full != c.full {
			t.Errorf("the first freeze is full: %t, want %t", f.Full, c.full)
		}
	}
}

// Near misses are counted by the steps of a program: a state that has them is not read with
// another one.
func TestNearMissesOfAnotherProgram(t *testing.T) {
	rs := digested(zoo(t))
	g, _ := stepped(rs, Options{NearMisses: true}, []Event{pay(1, "c1", "m1", "a", 1)})
	_, err := Restore(recompiled(t, rs), Options{Drop: true}, g.Append(nil))
	if _, ok := errors.AsType[*OtherPrograms](err); !ok || !strings.Contains(err.Error(), "other programs of pair") {
		t.Errorf("%v", err)
	}
}
