package nfa_test

import (
	"testing"

	"weir/nfa"
	"weir/nfa/oracle"
)

// FuzzStep compares the machine with the oracle on the rule and events of a seed,
// with the runs sent through bytes between any two events.
func FuzzStep(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed)
	}
	f.Add(uint64(7<<32 + 461473)) // `, !n` behind a repeat in a repeat
	f.Fuzz(func(t *testing.T, seed uint64) {
		c := oracle.Random(seed)
		want := c.Matches()
		prog := program(t, c.Rule)
		got := step(t, prog.NewMachine(), &judge{Case: &c, prog: prog}, true, nil)
		if names := c.Rule.Pattern.Names; !equal(got, want) {
			t.Errorf("%s\n%+v\ngot  %s\nwant %s\n%s", c.Rule.Pattern, c, show(got, names), show(want, names), prog)
		}
	})
}

// FuzzDecodeRuns gives hostile bytes to DecodeRuns: they are refused, or they
// are open matches that can be stepped and written again.
func FuzzDecodeRuns(f *testing.F) {
	for seed := range uint64(40) {
		c := oracle.Random(seed)
		prog := program(f, c.Rule)
		m, runs, j := prog.NewMachine(), &nfa.Runs{}, &judge{Case: &c, prog: prog}
		for i, e := range c.Events {
			j.event = i
			m.Step(runs, e.Time, nfa.Event(i+1), j, nil)
		}
		f.Add(seed, prog.AppendRuns(nil, runs))
	}
	f.Fuzz(func(t *testing.T, seed uint64, b []byte) {
		if len(b) > 4096 {
			return
		}
		c := oracle.Random(seed % 40)
		prog := program(t, c.Rule)
		runs, _, err := prog.DecodeRuns(b)
		if err != nil {
			return
		}
		again := prog.AppendRuns(nil, &runs)
		if _, rest, err := prog.DecodeRuns(again); err != nil || len(rest) > 0 {
			t.Fatalf("runs that were read and written cannot be read: %v, %d bytes left", err, len(rest))
		}
		m, j := prog.NewMachine(), &judge{Case: &c, prog: prog}
		for i, e := range c.Events {
			j.event = i
			m.Step(&runs, e.Time, nfa.Event(i+1), safe{j}, nil)
		}
		m.Advance(&runs, nfa.Forever, safe{j}, nil)
	})
}

// safe is a judge that looks at no captures: hostile bytes may name events that
// never were.
type safe struct{ *judge }

func (s safe) Holds(c nfa.Cond, _ nfa.Captures) bool { return c == s.prog.Having || s.May(c) }
