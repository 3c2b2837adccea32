package cep

import (
	"slices"
	"strings"
	"testing"

	"weir/nfa"
)

// Records that are decoded ahead bring what they bring when they are decoded as they are
// stepped; those behind a change of rules, and those for other rules, are left to that.
func TestDecodedAheadBringsTheSame(t *testing.T) {
	rs := rulesOf(makeRule(t, "every", "a", nfa.Options{}, map[string]Cond{"a": {}}))
	other := rulesOf(makeRule(t, "every", "a", nfa.Options{}, map[string]Cond{"a": {}}))
	events := func(n int) *Packed {
		return &Packed{Kind: PackedEvents, Body: []byte(pay(n, "c1", "m1", "a", 1).Raw + "\n\nno event\n" + pay(n+1, "c2", "m1", "a", 1).Raw)}
	}
	var records []Logged
	for i, p := range []*Packed{events(1), {Kind: PackedTick}, events(3), {Kind: PackedRules}, events(5)} {
		records = append(records, Logged{uint64(7 + i), int64(i+1) * second, p.Append(nil)})
	}
	records[1].Data = []byte{1, 0} // damaged
	a := new(decodedAhead)
	for range 2 { // its memory is used again
		a.decode(&Rules{Ruleset: rs}, records)
		for i, want := range []bool{true, false, true, false, false} {
			if p := a.part(uint64(7 + i)); (p != nil && p.of == rs) != want {
				t.Errorf("record %d is decoded: %v, want %v", i, p != nil, want)
			}
		}
		if a.part(6) != nil || a.part(12) != nil {
			t.Error("a record of another read is there")
		}
		for _, g := range []*Engine{NewEngine(rs, Options{}), NewEngine(rs, Options{Order: EagerOrder}), NewEngine(other, Options{})} {
			fx, want := new(Effects), new(Effects)
			plain := NewEngine(g.rs, g.options)
			for i := range records {
				p, err := Unpack(records[i].Data)
				if err != nil || p.Kind != PackedEvents {
					continue
				}
				r := eventsOf(&records[i], &p)
				plain.Step([]Record{r}, want)
				r.ahead = a.part(records[i].Sequence)
				if used := g.decoded(&r) == r.ahead; used != (r.ahead != nil && g.rs == rs) {
					t.Errorf("record %d as it was decoded ahead: %v", i, used)
				}
				g.Step([]Record{r}, fx)
			}
			if len(fx.Alerts) != 6 || len(fx.Rejected) != 3 {
				t.Fatalf("%d alerts, %d rejected", len(fx.Alerts), len(fx.Rejected))
			}
			for i := range want.Alerts {
				if got, want := AppendJSON(nil, &fx.Alerts[i]), AppendJSON(nil, &want.Alerts[i]); string(got) != string(want) {
					t.Errorf("alert %s, want %s", got, want)
				}
			}
			if !slices.Equal(fx.Rejected, want.Rejected) {
				t.Errorf("rejected %v, want %v", fx.Rejected, want.Rejected)
			}
			if g.rs == rs {
				a.decode(&Rules{Ruleset: rs}, records)
			}
		}
	}
	a.decode(nil, records)
	if a.part(7) != nil {
		t.Error("a record is decoded without rules")
	}
}

// What is decoded ahead of many short lines is bounded.
func TestDecodedAheadIsBounded(t *testing.T) {
	rs := rulesOf(makeRule(t, "every", "a", nfa.Options{}, map[string]Cond{"a": {}}))
	var records []Logged
	for i := range 4 {
		p := Packed{Kind: PackedEvents, Body: []byte(strings.Repeat("{}\n", aheadLines/2+1))}
		records = append(records, Logged{uint64(1 + i), second, p.Append(nil)})
	}
	a := new(decodedAhead)
	a.decode(&Rules{Ruleset: rs}, records)
	if a.part(2) == nil || a.part(3) != nil {
		t.Errorf("%d records are decoded, want 2", len(a.parts))
	}
}
