package nfa_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/nfa"
	"weir/nfa/oracle"
)

// replay rebuilds the open matches of one Runs from notes alone, and says what is
// wrong with the notes.
type replay struct {
	prog    *nfa.Program
	places  []nfa.Place
	entries []nfa.Edge

	matches map[int]*replayed
	held    map[int]bool // those that are complete and wait for older ones
	open    []int        // at the beginning of the event or moment
	spoken  map[int]bool // entries of which a note was told at this event
	out     []nfa.Match
	told    []nfa.Note
	faults  []string
	reasons map[string]int // how often each kind and reason was told
}

type replayed struct {
	place   int
	events  []nfa.Captured
	waits   map[int]bool
	before  map[int]bool // waits at the beginning of the event
	spoken  map[int]bool // edges of which a note was told at this event
	ended   bool
	endedBy nfa.Event
	done    bool
}

func newReplay(prog *nfa.Program) *replay {
	return &replay{prog: prog, places: prog.Places(), entries: prog.Entries(), matches: map[int]*replayed{}, held: map[int]bool{}, reasons: map[string]int{}}
}

func (r *replay) fault(n nfa.Note, format string, args ...any) {
	r.faults = append(r.faults, fmt.Sprintf("%v %v of %d at event %d: ", n.Kind, n.Why, n.Node, n.Event)+fmt.Sprintf(format, args...))
}

// begin is called before each step.
func (r *replay) begin() {
	r.open, r.told, r.spoken = r.open[:0], r.told[:0], map[int]bool{}
	for id, m := range r.matches {
		if m.ended && !r.held[id] {
			delete(r.matches, id)
		}
		if !m.ended {
			r.open = append(r.open, id)
			m.spoken, m.before = map[int]bool{}, map[int]bool{}
			for k := range m.waits {
				m.before[k] = true
			}
		}
	}
	slices.Sort(r.open)
}

func (r *replay) take(n nfa.Note) {
	r.told = append(r.told, n)
	r.reasons[fmt.Sprint(n.Kind, " ", n.Why)]++
	if (n.Cond >= 0) != slices.Contains([]nfa.Why{nfa.Unfit, nfa.Early, nfa.Stopped, nfa.Absent, nfa.Negated, nfa.UntilHeld, nfa.Greedy, nfa.Strict, nfa.UnlessHeld, nfa.HavingFailed}, n.Why) {
		r.fault(n, "condition %d", n.Cond)
	}
	m := r.matches[n.Node]
	switch n.Kind {
	case nfa.Began, nfa.Took:
		r.taken(n, m)
		return
	case nfa.Passed:
		if n.Node == 0 {
			r.spoken[n.Edge] = true
			return
		}
	case nfa.Carried:
		r.fault(n, "nothing was open before tracing")
		return
	}
	if m == nil {
		r.fault(n, "no such match")
		return
	}
	if got := n.Captures.Traced(); got != n.Node || n.Place != m.place {
		r.fault(n, "captures of %d, place %d, not %d", got, n.Place, m.place)
	}
	switch n.Kind {
	case nfa.Waits:
		if m.waits[n.Edge] || m.ended {
			r.fault(n, "waits twice, or after the end")
		}
		m.waits[n.Edge] = true
	case nfa.Passed, nfa.Closed:
		if !m.waits[n.Edge] && n.Why != nfa.CaptureBound || m.ended {
			r.fault(n, "it does not wait for edge %d", n.Edge)
		}
		if n.Event != 0 {
			m.spoken[n.Edge] = true
		}
		if n.Kind == nfa.Closed {
			delete(m.waits, n.Edge)
		}
		if n.Why == nfa.Expired && (n.Limit > n.Time || n.Bound == nfa.NoBound) {
			r.fault(n, "limit %d at %d, bound %v", n.Limit, n.Time, n.Bound)
		}
	case nfa.Ended:
		if m.ended || n.Why == nfa.NoReason {
			r.fault(n, "ended twice or without a reason")
		}
		m.ended, m.endedBy = true, n.Event
	case nfa.Completed:
		m.done = true
	case nfa.Refused, nfa.Held:
		if !m.done {
			r.fault(n, "it was not complete")
		}
		r.held[n.Node] = n.Kind == nfa.Held
	case nfa.Out, nfa.RanOut:
		kind := nfa.Complete
		if n.Kind == nfa.RanOut {
			kind = nfa.TimedOut
		} else if !m.done {
			r.fault(n, "it was not complete")
		}
		for range n.Copies {
			r.out = append(r.out, nfa.Match{Kind: kind, Time: n.Limit, Events: m.events})
		}
	}
}

// taken makes the match that a capture made.
func (r *replay) taken(n nfa.Note, m *replayed) {
	if m != nil || n.Event == 0 {
		r.fault(n, "the number is used twice, or there is no event")
		return
	}
	edges := r.entries
	next := &replayed{place: n.Place, waits: map[int]bool{}, spoken: map[int]bool{}}
	if n.Kind == nfa.Took {
		from := r.matches[n.From]
		if from == nil || !slices.Contains(r.open, n.From) || !from.before[n.Edge] {
			r.fault(n, "%d was not open or did not wait for edge %d", n.From, n.Edge)
			return
		}
		from.spoken[n.Edge] = true
		next.events = slices.Clone(from.events)
		edges = r.places[from.place].Edges
	} else {
		r.spoken[n.Edge] = true
	}
	if edges[n.Edge].To != n.Place {
		r.fault(n, "the edge leads to %d, not %d", edges[n.Edge].To, n.Place)
	}
	next.events = append(next.events, nfa.Captured{Var: int32(r.places[n.Place].Name), Event: n.Event})
	r.matches[n.Node] = next
}

// end is called after each step with an event: all that was open has said something.
func (r *replay) end(e nfa.Event) {
	for _, id := range r.open {
		m := r.matches[id]
		for k := range m.before {
			if !m.spoken[k] && m.waits[k] && !m.ended {
				r.faults = append(r.faults, fmt.Sprintf("event %d: %d says nothing of edge %d", e, id, k))
			}
		}
	}
	for k := range r.entries {
		if !r.spoken[k] {
			r.faults = append(r.faults, fmt.Sprintf("event %d: nothing is said of entry %d", e, k))
		}
	}
	r.still()
}

// still checks that what is open waits for something, and nothing else does.
func (r *replay) still() {
	for id, m := range r.matches {
		if m.ended == (len(m.waits) > 0) && !m.ended {
			r.faults = append(r.faults, fmt.Sprintf("%d is open and waits for nothing", id))
		}
	}
}

func (r *replay) count() int {
	n := 0
	for _, m := range r.matches {
		if !m.ended {
			n++
		}
	}
	return n
}

// variant is options that the oracle does not know.
type variant struct {
	inOrder, timeout bool
	open             int
}

func compileVariant(t *testing.T, r oracle.Rule, v variant) *nfa.Program {
	t.Helper()
	p, err := nfa.Parse(r.Pattern.String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	prog, err := nfa.Compile(p, nfa.Options{
		Within: time.Duration(r.Within), Gap: time.Duration(r.Gap), Skip: skips[r.Skip], SkipVar: r.SkipVar,
		Unless: r.Unless, Having: r.Having, InOrder: v.inOrder, Timeout: v.timeout, MaxOpen: v.open,
	})
	if err != nil {
		t.Fatal(err)
	}
	return prog
}

// trace runs a case with or without a trace and returns what came out as text.
func trace(c *oracle.Case, prog *nfa.Program, r *replay) (out []string, open int) {
	m, runs := prog.NewMachine(), &nfa.Runs{}
	if r != nil {
		m.Trace = r.take
	}
	j := &judge{Case: c, prog: prog}
	show := func(found []nfa.Match) {
		for _, x := range found {
			out = append(out, fmt.Sprint(x.Kind, x.Time, x.Events, x.Truncated))
		}
	}
	for i, e := range c.Events {
		if r != nil {
			r.begin()
		}
		j.event = i
		show(m.Step(runs, e.Time, nfa.Event(i+1), j, nil))
		if r != nil {
			r.end(nfa.Event(i + 1))
		}
	}
	if r != nil {
		r.begin()
	}
	show(m.Advance(runs, c.End, j, nil))
	if r != nil {
		r.still()
	}
	return append(out, fmt.Sprint(m.Counts)), runs.Open()
}

// rebuilt is what came out as the notes say, sorted.
func (r *replay) rebuilt() []string {
	var list []string
	for _, x := range r.out {
		list = append(list, fmt.Sprint(x.Kind, x.Time, x.Events))
	}
	slices.Sort(list)
	return list
}

// cameOut is the same of what trace returns.
func cameOut(out []string) []string {
	var list []string
	for _, line := range out[:len(out)-1] {
		list = append(list, line[:strings.LastIndexByte(line, ' ')])
	}
	slices.Sort(list)
	return list
}

// TestTraceRandom: what comes out does not depend on a trace, and its notes alone give
// what comes out, and each open match from its beginning to its one end.
func TestTraceRandom(t *testing.T) {
	n := min(*cases, 24_000)
	t.Logf("seed %d, %d rules", *seed, n)
	reasons, failed := map[string]int{}, 0
	for i := range n {
		c := oracle.Random(*seed<<32 + uint64(i))
		rng := oracle.Splitmix(uint64(i))
		v := variant{inOrder: rng.Below(4) == 0, timeout: rng.Below(4) == 0}
		if rng.Below(4) == 0 {
			v.open = 1 + rng.Below(4)
		}
		prog := compileVariant(t, c.Rule, v)
		r := newReplay(prog)
		traced, open := trace(&c, prog, r)
		plain, _ := trace(&c, prog, nil)
		rebuilt, came := r.rebuilt(), cameOut(plain)
		if len(r.faults) > 0 || !slices.Equal(traced, plain) || !slices.Equal(rebuilt, came) || r.count() > open {
			failed++
			t.Errorf("case %d: %s %+v %+v\n%+v\nevents %v end %d\nfaults %s\nplain   %v\ntraced  %v\nrebuilt %v\nopen %d, rebuilt %d\n%s",
				i, c.Rule.Pattern, c.Rule, v, c.Conds, c.Events, c.End, strings.Join(r.faults, "\n"), plain, traced, rebuilt, open, r.count(), prog)
			if failed > 3 {
				t.FailNow()
			}
		}
		for k, n := range r.reasons {
			reasons[k] += n
		}
	}
	for _, want := range []string{
		"began ", "took ", "waits ", "passed unfit", "passed early", "passed stopped", "passed absent", "passed greedy", "closed negated", "closed until",
		"closed greedy", "closed strict", "closed early", "closed stopped", "closed expired", "closed went_on", "closed done", "ended expired", "ended negated",
		"ended greedy", "ended strict", "ended went_on", "ended done", "ended finished", "ended unless", "ended consumed", "ended open_bound",
		"completed ", "refused consumed", "refused having", "refused repeated", "held ", "out ", "ran_out ",
	} {
		if reasons[want] == 0 {
			t.Errorf("never told: %s", want)
		}
	}
	t.Log(reasons)
}

// TestTraceLong does the same with hundreds of matches open, of which those that ran
// out are not looked for at every event.
func TestTraceLong(t *testing.T) {
	patterns := []string{"v1 -> v2", "v1{2,} -> v2", "v1 ->> v2 -> v3", "v1 -> v2 -> !n3", "v1 -> (v2 -[<20ms]-> v3){2,} -> v4", "v1 -> (v2 -> v3 | v3 -> v4)"}
	reasons := map[string]int{}
	for i := range 36 {
		text := patterns[i%len(patterns)]
		rng := oracle.Splitmix(i)
		p, err := nfa.Parse(text, nil)
		if err != nil {
			t.Fatal(err)
		}
		o := nfa.Options{Within: time.Duration(40+rng.Below(80)) * time.Millisecond, Skip: nfa.SkipNone, MaxOpen: 120}
		if i%3 == 0 {
			o.Skip = nfa.SkipPastLast
		}
		if i%4 == 0 {
			o.MaxOpen = 20
		}
		prog, err := nfa.Compile(p, o)
		if err != nil {
			t.Fatal(err)
		}
		c := &oracle.Case{}
		for range prog.Names {
			c.Conds = append(c.Conds, oracle.Cond{Kinds: uint8(1 + rng.Below(31)), Rises: rng.Below(2) == 0})
		}
		at := int64(0)
		for range 150 {
			at += int64(rng.Below(3)) * int64(time.Millisecond)
			c.Events = append(c.Events, oracle.Sample{Time: at, Kind: rng.Below(len(oracle.Kinds)), Value: rng.Below(5)})
		}
		c.End = at + int64(time.Duration(rng.Below(200))*time.Millisecond)
		r := newReplay(prog)
		traced, _ := trace(c, prog, r)
		plain, _ := trace(c, prog, nil)
		if len(r.faults) > 0 || !slices.Equal(traced, plain) || !slices.Equal(r.rebuilt(), cameOut(plain)) {
			t.Fatalf("case %d: %s %+v: %d rebuilt, %d came out\n%s", i, text, o, len(r.out), len(plain)-1, strings.Join(r.faults, "\n"))
		}
		for k, n := range r.reasons {
			reasons[k] += n
		}
	}
	for _, want := range []string{"ended expired", "ended open_bound", "ended consumed", "closed expired"} {
		if reasons[want] == 0 {
			t.Errorf("never told: %s", want)
		}
	}
	t.Log(reasons)
}

// What is open when tracing begins is told first.
func TestTraceCarried(t *testing.T) {
	p, err := nfa.Parse("v1{2,} -> v2", nil)
	if err != nil {
		t.Fatal(err)
	}
	prog, err := nfa.Compile(p, nfa.Options{Within: time.Second, Skip: nfa.SkipNone})
	if err != nil {
		t.Fatal(err)
	}
	c := &oracle.Case{Conds: []oracle.Cond{{Kinds: 1}, {Kinds: 2}}, Events: []oracle.Sample{{Kind: 0}, {Kind: 0}, {Kind: 2}}}
	j := &judge{Case: c, prog: prog}
	m, runs := prog.NewMachine(), &nfa.Runs{}
	for i := range 2 {
		j.event = i
		m.Step(runs, int64(i), nfa.Event(i+1), j, nil)
	}
	back, _, err := prog.DecodeRuns(prog.AppendRuns(nil, runs))
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	m.Trace = func(n nfa.Note) {
		told = append(told, fmt.Sprint(n.Kind, n.Why, n.Node, n.Edge, n.Captures.Traced() == n.Node))
	}
	carried := []string{"carried  3 -1 true", "waits  3 0 true", "carried  2 -1 true", "waits  2 0 true", "waits  2 1 true"}
	passed := []string{"passed unfit 3 0 true", "passed unfit 2 0 true", "passed unfit 2 1 true", "passed unfit 0 0 true"}
	for i, want := range [][]string{append(carried, passed...), passed} { // nothing is carried twice
		j.event, told = 2, nil
		m.Step(&back, 3+int64(i), nfa.Event(3+i), j, nil)
		if !slices.Equal(told, want) {
			t.Errorf("got  %q\nwant %q", told, want)
		}
	}
}
