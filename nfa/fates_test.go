package nfa_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"weir/nfa"
	"weir/nfa/oracle"
)

// leaf is an open match as notes tell of it.
type leaf struct {
	place  int
	count  int // events that its variable has captured
	parted bool
	match  bool
	ended  bool
	why    nfa.Why
}

// leaves follows notes.
type leaves struct {
	prog  *nfa.Program
	nodes map[int]*leaf
	began int
}

func (l *leaves) take(n nfa.Note) {
	l.one(n, n.Node, n.From, n.Captures)
	for i := range n.Others.Len() {
		from := 0
		if n.Kind == nfa.Took {
			from = n.Origins.Node(i)
		}
		l.one(n, n.Others.Node(i), from, n.Others.Captures(i))
	}
}

func (l *leaves) one(n nfa.Note, node, from int, caps nfa.Captures) {
	switch n.Kind {
	case nfa.Began, nfa.Took:
		l.nodes[node] = &leaf{place: n.Place, count: caps.Len(caps.Var())}
		if from == 0 {
			l.began++
		} else {
			l.nodes[from].parted = true
		}
	case nfa.Completed:
		l.nodes[node].match = true
	case nfa.Ended:
		l.nodes[node].ended, l.nodes[node].why = true, n.Why
	}
}

// sums counts how those ended that no other went on from, by step and reason.
func (l *leaves) sums() map[string]int {
	sums := map[string]int{}
	places := l.prog.Places()
	for _, x := range l.nodes {
		if x.parted {
			continue
		}
		step := slices.IndexFunc(l.prog.Steps(), func(s nfa.Step) bool {
			return s.Pos == places[x.place].Pos && (x.count == s.Count || x.count > s.Count && s.Count == s.Of || x.count < s.Count && s.Fewer)
		})
		switch {
		case !x.ended:
			sums[fmt.Sprint(step, " open")]++
		case x.match:
			sums[fmt.Sprint(step, " ", nfa.Finished)]++
		case x.why == nfa.Early: // the very next event came too early
			sums[fmt.Sprint(step, " ", nfa.Strict)]++
		default:
			sums[fmt.Sprint(step, " ", x.why)]++
		}
	}
	return sums
}

// TestFatesRandom: what comes out does not depend on Collect, and Fates say of every open
// match what a trace does.
func TestFatesRandom(t *testing.T) {
	n := min(*cases, 12_000)
	t.Logf("seed %d, %d rules", *seed, n)
	reasons := map[string]int{}
	for i := range n {
		c := oracle.Random(*seed<<33 + uint64(i))
		rng := oracle.Splitmix(uint64(i))
		v := variant{inOrder: rng.Below(4) == 0, timeout: rng.Below(4) == 0}
		if rng.Below(4) == 0 {
			v.open = 1 + rng.Below(4)
		}
		prog := compileVariant(t, c.Rule, v)
		l := &leaves{prog: prog, nodes: map[int]*leaf{}}
		plain := collect(&c, prog, func(m *nfa.Machine) { m.Trace = l.take }, nil)
		began, split, reached, sums := 0, 0, 0, map[string]int{}
		count := func(f *nfa.Fate) {
			switch {
			case f.Kind == nfa.Ended:
				sums[fmt.Sprint(f.Step, " ", f.Why)]++
				reasons[f.Why.String()]++
			case f.Kind == nfa.Began:
				began++
			case f.Splits:
				split++
			}
			reached += b2i(f.Enters)
		}
		got := collect(&c, prog, func(m *nfa.Machine) { m.Collect = true }, count)
		over := 0
		for step := range got.open {
			sums[fmt.Sprint(step, " open")] = got.open[step]
		}
		for _, n := range sums {
			over += n
		}
		if want := l.sums(); !slices.Equal(got.out, plain.out) || !maps.Equal(sums, want) || began != l.began || began+split != over {
			t.Fatalf("case %d: %s %+v %+v\n%+v\nevents %v end %d\nfates %v, %d began, %d split\ntrace %v, %d began\ngot   %v\nplain %v\n%s",
				i, c.Rule.Pattern, c.Rule, v, c.Conds, c.Events, c.End, sums, began, split, want, l.began, got.out, plain.out, prog)
		}
		reasons["split"] += split
		reasons["reached"] += reached
	}
	for _, want := range []string{"expired", "finished", "negated", "until", "greedy", "strict", "stopped", "unless", "consumed", "open_bound", "split", "reached"} {
		if reasons[want] == 0 {
			t.Errorf("nothing ever ended %s", want)
		}
	}
	t.Log(reasons)
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// collected is what came out of a case, and how many were open at the end by step.
type collected struct {
	out  []string
	open map[int]int
}

// collect runs a case, through bytes between any two events where fates are counted.
func collect(c *oracle.Case, prog *nfa.Program, set func(*nfa.Machine), count func(*nfa.Fate)) collected {
	m, runs := prog.NewMachine(), &nfa.Runs{}
	set(m)
	j := &judge{Case: c, prog: prog}
	r := collected{open: map[int]int{}}
	show := func(found []nfa.Match) {
		for _, x := range found {
			r.out = append(r.out, fmt.Sprint(x.Kind, x.Time, x.Events, x.Truncated))
		}
		for i := range m.Fates {
			count(&m.Fates[i])
		}
	}
	for i, e := range c.Events {
		j.event = i
		show(m.Step(runs, e.Time, nfa.Event(i+1), j, nil))
		if count == nil {
			continue
		}
		back, _, err := prog.DecodeRuns(prog.AppendRuns(nil, runs))
		if err != nil {
			panic(err)
		}
		runs = &back
	}
	show(m.Advance(runs, c.End, j, nil))
	prog.EachOpen(runs, func(step int) { r.open[step]++ })
	return r
}

// A match that ran out says when, and what it waited for.
func TestFateAwaited(t *testing.T) {
	for pattern, want := range map[string]string{
		"v1 -[<3s]-> v2":        "3s v2",
		"v1+ -> v2":             "9s v2",
		"v1{2,} -> v2":          "9s v1",
		"v1 -> v2? -> v3":       "9s v2 v3",
		"v1 -[<3s]-> v2? -> v3": "9s v3", // v2 could come for three seconds, v3 longer
		"v1 -> v2 | v1 -> v3":   "9s v2 and 9s v3",
	} {
		p, err := nfa.Parse(pattern, nil)
		if err != nil {
			t.Fatal(err)
		}
		prog, err := nfa.Compile(p, nfa.Options{Within: 9e9})
		if err != nil {
			t.Fatal(err)
		}
		c := &oracle.Case{Conds: []oracle.Cond{{Kinds: 1}, {Kinds: 2}, {Kinds: 4}}, Events: []oracle.Sample{{Kind: 0}}}
		m, runs, j := prog.NewMachine(), &nfa.Runs{}, &judge{Case: c, prog: prog}
		m.Collect = true
		m.Step(runs, 0, 1, j, nil)
		got := ""
		for at := runs.Soonest(); at != nfa.Forever; at = runs.Soonest() {
			m.Advance(runs, at, j, nil)
			for _, f := range m.Fates {
				if got != "" {
					got += " and "
				}
				got += fmt.Sprintf("%ds", f.Time/1e9)
				for _, name := range f.Awaited(nil) {
					got += " " + prog.Names[name].Text
				}
			}
		}
		if got != want {
			t.Errorf("%s: %q, want %q", pattern, got, want)
		}
	}
}
