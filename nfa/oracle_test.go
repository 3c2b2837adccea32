package nfa_test

import (
	"flag"
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

// judge answers with the conditions of a case.
type judge struct {
	*oracle.Case
	prog   *nfa.Program
	event  int
	caps   [][]int
	events []nfa.Event
	runs   nfa.Runs
	out    []nfa.Match
	picks  []oracle.Pick
}

func (j *judge) May(c nfa.Cond) bool { return j.Case.May(j.number(c), j.event) }

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
	if c != j.prog.Having && c != j.prog.Unless && !j.Conds[c].Rises {
		return true
	}
	j.caps = j.caps[:0]
	for v := range j.prog.Names {
		var of []int
		if caps.Node() != 0 {
			j.events = caps.Append(j.events[:0], v)
			for _, e := range j.events {
				of = append(of, int(e)-1)
			}
		}
		j.caps = append(j.caps, of)
	}
	event := j.event
	if c == j.prog.Having {
		event = -1
	}
	return j.Case.Holds(j.number(c), event, j.caps)
}

// step runs the machine over the events of a case and appends what came out to found, in the
// oracle's form; bytes sends the runs through bytes between any two events.
func step(t testing.TB, m *nfa.Machine, j *judge, bytes bool, found []oracle.Match) []oracle.Match {
	t.Helper()
	prog, runs, out := j.prog, &j.runs, j.out
	runs.Reset()
	j.picks = j.picks[:0]
	add := func(by int) {
		for _, x := range out {
			o := oracle.Match{At: x.Time, By: -1}
			if x.Last != 0 {
				o.By = int(x.Last) - 1
			}
			low := len(j.picks)
			for _, c := range x.Events {
				j.picks = append(j.picks, oracle.Pick{Var: int(c.Var), Event: int(c.Event) - 1})
			}
			o.Word = j.picks[low:]
			found = append(found, o)
		}
	}
	for i, e := range j.Events {
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
	out = m.Advance(runs, j.End, j, out[:0])
	add(-1)
	j.out = out
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

var (
	seed  = flag.Uint64("seed", 1, "seed of the generated cases")
	cases = flag.Int("cases", 60_000, "number of generated rules to compare with the oracle")
)

// TestRandomRules compares the machine with the oracle on generated rules, with
// the runs sent through bytes between any two events in every fourth case.
func TestRandomRules(t *testing.T) {
	t.Logf("seed %d, %d rules", *seed, *cases)
	found, failed := 0, 0
	for i := range *cases {
		c := oracle.Random(*seed<<32 + uint64(i))
		want := c.Matches()
		found += len(want)
		prog := program(t, c.Rule)
		got := step(t, prog.NewMachine(), &judge{Case: &c, prog: prog}, i%4 == 0, nil)
		if !equal(got, want) {
			failed++
			names := c.Rule.Pattern.Names
			t.Errorf("case %d: %s\n%+v conds %+v unless %+v\nevents %v end %d\ngot  %s\nwant %s\n%s", i, c.Rule.Pattern, c.Rule, c.Conds, c.Unless, c.Events, c.End, show(got, names), show(want, names), prog)
			if failed > 5 {
				t.FailNow()
			}
		}
	}
	t.Logf("%d matches", found)
}
