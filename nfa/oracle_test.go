package nfa_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"weir/nfa"
	"weir/nfa/oracle"
)

// program compiles a rule of the oracle from its text.
func program(t testing.TB, r oracle.Rule) *nfa.Program {
	t.Helper()
	text := r.Pattern.String()
	p, err := nfa.Parse(text, nil)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	o := nfa.Options{
		Within: time.Duration(r.Within), Gap: time.Duration(r.Gap),
		Skip: skips[r.Skip], SkipVar: r.SkipVar, Unless: r.Unless, Having: r.Having,
	}
	prog, err := nfa.Compile(p, o)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	for i, n := range prog.Names {
		if n.Text != r.Pattern.Names[i] {
			t.Fatalf("%s: name %d is %s, for the oracle %s", text, i, n.Text, r.Pattern.Names[i])
		}
	}
	return prog
}

var skips = map[oracle.Skip]nfa.SkipKind{
	oracle.None: nfa.SkipNone, oracle.PastLast: nfa.SkipPastLast, oracle.ToNext: nfa.SkipToNext,
	oracle.ToFirst: nfa.SkipToFirst, oracle.ToLast: nfa.SkipToLast,
}

// judge answers with the oracle's conditions.
type judge struct {
	prog     *nfa.Program
	holds    oracle.Holds
	captures bool // the conditions read captures
	event    int
	caps     [][]int
	events   []nfa.Event
}

func (j *judge) May(c nfa.Cond) bool {
	return j.captures || c == j.prog.Having || j.holds(j.number(c), j.event, nil)
}

func (j *judge) number(c nfa.Cond) int {
	switch c {
	case j.prog.Unless:
		return oracle.Unless
	case j.prog.Having:
		return oracle.Having
	}
	return int(c)
}

func (j *judge) Holds(c nfa.Cond, caps nfa.Captures) bool {
	if !j.captures && c != j.prog.Having {
		return true
	}
	j.caps = j.caps[:0]
	for v := range j.prog.Names {
		j.events = j.events[:0]
		if caps.Node() != 0 {
			j.events = caps.Append(j.events, v)
		}
		var of []int
		for _, e := range j.events {
			of = append(of, int(e)-1)
		}
		j.caps = append(j.caps, of)
	}
	event := j.event
	if c == j.prog.Having {
		event = -1
	}
	return j.holds(j.number(c), event, j.caps)
}

// step runs the machine over events and appends what came out to found, in the
// oracle's form; bytes sends the runs through bytes between any two events.
func step(t testing.TB, prog *nfa.Program, m *nfa.Machine, j *judge, events []oracle.Event, end int64, bytes bool, found []oracle.Match) []oracle.Match {
	t.Helper()
	runs := &nfa.Runs{}
	var out []nfa.Match
	add := func(by int) {
		for _, x := range out {
			o := oracle.Match{At: x.Time, By: -1}
			if x.Last != 0 {
				o.By = int(x.Last) - 1
			}
			for _, c := range x.Events {
				o.Word = append(o.Word, oracle.Pick{Var: int(c.Var), Event: int(c.Event) - 1})
			}
			found = append(found, o)
		}
	}
	for i, e := range events {
		j.event = i
		out = m.Step(runs, e.Time, nfa.Event(i+1), j, out[:0])
		add(i)
		if bytes {
			b := prog.AppendRuns(nil, runs)
			back, _, err := prog.DecodeRuns(b)
			if err != nil {
				t.Fatal(err)
			}
			runs = &back
		}
	}
	out = m.Advance(runs, end, j, out[:0])
	add(-1)
	return found
}

func equal(a, b []oracle.Match) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].At != b[i].At || len(a[i].Word) != len(b[i].Word) {
			return false
		}
		for k := range a[i].Word {
			if a[i].Word[k] != b[i].Word[k] {
				return false
			}
		}
	}
	return true
}

func show(ms []oracle.Match, names []string) string {
	var lines []string
	for _, m := range ms {
		var words []string
		for _, p := range m.Word {
			words = append(words, fmt.Sprintf("%s%d", names[p.Var], p.Event))
		}
		lines = append(lines, fmt.Sprintf("%s @%d", strings.Join(words, " "), m.At))
	}
	return strings.Join(lines, "; ")
}
