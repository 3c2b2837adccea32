package nfa

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestBytesOfLargeGroups compares Runs that go through bytes at every event, and
// Runs for which Step is left out where Changes says so, with others, in groups so large that they are looked through rarely and
// so close to the bound that it matters which match splits and what is open.
func TestBytesOfLargeGroups(t *testing.T) {
	patterns := []string{"a -> b", "a ->> b ->> c", "a{2,} -> b", "a ->> b | a -[<20s]-> c ->> d", "a ->> (b -[<9s]-> d)? ->> c"}
	for _, pattern := range patterns {
		for seed := range uint64(6) {
			o := Options{Skip: SkipNone, Unless: seed%3 == 0, Within: 60 * time.Second, MaxOpen: 60}
			if seed%2 == 0 {
				o.Skip = SkipToNext
			}
			prog := compile(t, pattern, o)
			stream := randomLetters(seed, "aaaaaaaaaaaaaaaabbcdzzzu", 500)
			l := &letters{prog: prog, stream: stream, unless: "u"}
			m, n, k := prog.NewMachine(), prog.NewMachine(), prog.NewMachine()
			whole, cut, left := &Runs{}, &Runs{}, &Runs{}
			for i := range stream {
				l.event = i
				// From time to time nothing happens for so long that much runs out.
				at := Time(i)*second + Time(i/100)*37*second
				want := fmt.Sprintf("%+v", marked(prog, m.Step(whole, at, Event(i+1), l, nil)))
				got := fmt.Sprintf("%+v", marked(prog, n.Step(cut, at, Event(i+1), l, nil)))
				if got != want || m.Counts.Open != n.Counts.Open {
					t.Fatalf("%s, seed %d, event %d: through bytes %s, %d times at the bound; else %s, %d times", pattern, seed, i, got, n.Counts.Open, want, m.Counts.Open)
				}
				if left.Empty() || k.Changes(left, at, l) {
					got = fmt.Sprintf("%+v", marked(prog, k.Step(left, at, Event(i+1), l, nil)))
				} else {
					got = "[]"
				}
				if got != want || m.Counts.Open != k.Counts.Open {
					t.Fatalf("%s, seed %d, event %d: with steps left out %s; else %s", pattern, seed, i, got, want)
				}
				if a, b := prog.AppendRuns(nil, whole), prog.AppendRuns(nil, left); !slices.Equal(a, b) {
					t.Fatalf("%s, seed %d, event %d: the bytes differ with steps left out", pattern, seed, i)
				}
				cut = again(t, prog, cut)
				if a, b := prog.AppendRuns(nil, whole), prog.AppendRuns(nil, cut); !slices.Equal(a, b) {
					t.Fatalf("%s, seed %d, event %d: the bytes differ", pattern, seed, i)
				}
			}
		}
	}
}

// marked writes matches, with the mark of those that may be less than there was.
func marked(p *Program, ms []Match) []string {
	var out []string
	for _, x := range ms {
		out = append(out, fmt.Sprint(show(p, x), x.Truncated))
	}
	return out
}

func randomLetters(seed uint64, from string, n int) string {
	var b strings.Builder
	x := seed*2 + 1
	for range n {
		x = x*6364136223846793005 + 1442695040888963407
		b.WriteByte(from[(x>>33)%uint64(len(from))])
	}
	return b.String()
}

// TestDecodeRunsRefuses gives bytes that no Runs can have had.
func TestDecodeRunsRefuses(t *testing.T) {
	prog := compile(t, "a -> b -> c", Options{Within: time.Minute})
	l := &letters{prog: prog, stream: "ab"}
	runs, m := &Runs{}, prog.NewMachine()
	for i := range l.stream {
		l.event = i
		m.Step(runs, Time(i+1)*second, Event(i+5), l, nil)
	}
	if _, _, err := prog.DecodeRuns(prog.AppendRuns(nil, runs)); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(r *Runs){
		"event 0":                     func(r *Runs) { r.nodes[0].event = 0 },
		"the same event twice":        func(r *Runs) { r.nodes[1].event = r.nodes[0].event },
		"events that run over":        func(r *Runs) { r.nodes[1].event = r.nodes[0].event - 1 },
		"time that goes back":         func(r *Runs) { r.nodes[1].at = r.nodes[0].at - 1 },
		"time that runs over":         func(r *Runs) { r.nodes[0].at = math.MaxInt64; r.nodes[1].at = math.MinInt64 },
		"a limit that is passed over": func(r *Runs) { r.groups[0].soonest = Forever },
		"a limit before the last":     func(r *Runs) { r.groups[0].latest = 0 },
	} {
		spoilt, _, _ := prog.DecodeRuns(prog.AppendRuns(nil, runs))
		spoil(&spoilt)
		if _, _, err := prog.DecodeRuns(prog.AppendRuns(nil, &spoilt)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestFarTimes lets an open match wait for longer than an int64 of nanoseconds
// can say.
func TestFarTimes(t *testing.T) {
	for _, c := range []struct{ pattern, want string }{
		{"a -[>1d]-> b", "a0 b1"},
		{"a -[<1d]-> !n -> b", "a0 b1"},
		{"a -[<1d]-> b", ""},
	} {
		prog := compile(t, c.pattern, Options{Skip: SkipNone})
		l := &letters{prog: prog, stream: "ab"}
		runs, m := &Runs{}, prog.NewMachine()
		var out []string
		for i, at := range []Time{math.MinInt64 + 1, math.MaxInt64 - 1} {
			l.event = i
			for _, x := range m.Step(runs, at, Event(i+1), l, nil) {
				out = append(out, show(prog, x))
			}
		}
		if got := strings.Join(out, "; "); got != c.want {
			t.Errorf("%s: %q, want %q", c.pattern, got, c.want)
		}
	}
}

// TestBytesKeepTheMark: whether a match is marked as truncated must not depend on
// when the Runs went through bytes.
func TestBytesKeepTheMark(t *testing.T) {
	prog := compile(t, "a -> b | c -> d", Options{Within: 50 * time.Second, MaxOpen: 50})
	stream := strings.Repeat("a", 51) + "zcadcd"
	times := []Time{64, 70, 71, 115, 116, 117} // of what follows the a
	var want string
	for cut := range len(stream) {
		l := &letters{prog: prog, stream: stream}
		m, runs := prog.NewMachine(), &Runs{}
		var out []string
		for i := range stream {
			l.event = i
			at := Time(min(i, 49))
			if i > 50 {
				at = times[i-51]
			}
			out = append(out, marked(prog, m.Step(runs, at*second, Event(i+1), l, nil))...)
			if i == cut-1 {
				runs = again(t, prog, runs)
			}
		}
		got := strings.Join(out, "; ")
		if cut == 0 {
			want = got
		}
		if got != want || len(out) != 2 {
			t.Errorf("cut at %d: %s; whole: %s", cut, got, want)
		}
	}
}
