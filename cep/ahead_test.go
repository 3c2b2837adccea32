package cep

import (
	"testing"

	"weir/nfa"
)

// A record decoded ahead is the one that it is asked for as, also where records are missing on
// the log. Nothing behind a record of rules is decoded ahead.
func TestDecodedAhead(t *testing.T) {
	rs := rulesOf(makeRule(t, "every", "a", nfa.Options{}, map[string]Cond{"a": {}}))
	raw := func(sequence uint64) string { return pay(int(sequence), "c1", "m1", "a", 1).Raw }
	event := func(sequence uint64) Logged {
		p := Packed{Kind: PackedEvents, Body: []byte(raw(sequence) + "\n")}
		return Logged{Sequence: sequence, Appended: 1, Data: p.Append(nil)}
	}
	records := []Logged{
		{3, 1, (&Packed{Kind: PackedTick}).Append(nil)},
		event(5), event(6), event(7),
		{8, 1, (&Packed{Kind: PackedRules}).Append(nil)},
		event(9),
	}
	var a decodedAhead
	for range 2 { // its memory is used again
		a.decode(&Rules{Ruleset: rs}, records)
		for sequence := uint64(1); sequence < 12; sequence++ {
			p := a.part(sequence)
			if p == nil || p.of == nil {
				continue
			}
			if p.of != rs || p.n != 1 || p.lines[0].text != raw(sequence) {
				t.Errorf("asked for record %d, there is %s", sequence, p.lines[0].text)
			}
		}
		if whole := a.lines.n; whole != 3 {
			t.Errorf("%d lines are decoded, not 3", whole)
		}
		a.decode(&Rules{Ruleset: rs}, records[1:4])
		for sequence := uint64(5); sequence < 8; sequence++ {
			if p := a.part(sequence); p == nil || p.lines[0].text != raw(sequence) {
				t.Errorf("record %d is not there", sequence)
			}
		}
	}
}
