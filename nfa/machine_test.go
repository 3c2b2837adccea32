package nfa

import (
	"fmt"
	"math/bits"
	"strings"
	"testing"
	"time"
)

// letters judges streams that are written as text: event i is the i-th letter at
// i seconds, and the condition of a name holds on the letter it is called like.
// Names may fit more than one letter: those in fits.
type letters struct {
	prog   *Program
	stream string
	event  int
	fits   map[string]string
	unless string
	having func(m Captures) bool
}

func (l *letters) May(c Cond) bool {
	switch c {
	case l.prog.Unless:
		return strings.IndexByte(l.unless, l.stream[l.event]) >= 0
	case l.prog.Having:
		return true
	}
	name := l.prog.Names[c].Text
	if fits, ok := l.fits[name]; ok {
		name = fits
	}
	return strings.IndexByte(name, l.stream[l.event]) >= 0
}

func (l *letters) Holds(c Cond, caps Captures) bool {
	if c == l.prog.Having {
		return l.having(caps)
	}
	return l.May(c)
}

func compile(t testing.TB, text string, o Options) *Program {
	t.Helper()
	p, err := Parse(text, nil)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	prog, err := Compile(p, o)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return prog
}

const second = Time(time.Second)

// run gives the matches of a stream: names with the places of their events, what
// came by time with @ and the second; time-outs in angle brackets. A `+` at the
// end of the stream closes all windows.
func run(t testing.TB, prog *Program, l *letters, stream string) []string {
	t.Helper()
	l.prog = prog
	closes := strings.HasSuffix(stream, "+")
	l.stream = strings.TrimSuffix(stream, "+")
	m, runs := prog.NewMachine(), &Runs{}
	var out []string
	add := func(ms []Match) {
		for _, x := range ms {
			out = append(out, show(prog, x))
		}
	}
	for i := range len(l.stream) {
		l.event = i
		add(m.Step(runs, Time(i)*second, Event(i+1), l, nil))
		sound(t, prog, runs)
		runs = again(t, prog, runs)
	}
	if closes {
		add(m.Advance(runs, Forever, l, nil))
		sound(t, prog, runs)
	}
	return out
}

func show(p *Program, x Match) string {
	var words []string
	for _, c := range x.Events {
		words = append(words, fmt.Sprintf("%s%d", p.Names[c.Var].Text, c.Event-1))
	}
	s := strings.Join(words, " ")
	if x.Last == 0 {
		s += fmt.Sprintf(" @%d", x.Time/second)
	}
	if x.Kind == TimedOut {
		s = "<" + s + ">"
	}
	return s
}

// again sends runs through bytes.
func again(t testing.TB, p *Program, r *Runs) *Runs {
	t.Helper()
	b := p.AppendRuns(nil, r)
	back, rest, err := p.DecodeRuns(b)
	if err != nil || len(rest) > 0 {
		t.Fatalf("DecodeRuns: %v, %d bytes left", err, len(rest))
	}
	if string(p.AppendRuns(nil, &back)) != string(b) {
		t.Fatal("runs that went through bytes give other bytes")
	}
	return &back
}

// sound tests what must hold of Runs between two steps.
func sound(t testing.TB, p *Program, r *Runs) {
	t.Helper()
	open := 0
	m := p.NewMachine()
	m.runs = r
	for i, g := range r.groups {
		open += len(g.runs)
		if len(g.runs) == 0 || g.live == 0 {
			t.Fatalf("group %d is empty or waits for nothing", i)
		}
		if i > 0 && r.groups[i-1].compare(g.groupKey) >= 0 {
			t.Fatal("groups are not in order")
		}
		for _, n := range g.runs {
			if limit := m.limitOf(n, g.live); limit.soonest < g.soonest || limit.latest > g.latest {
				t.Fatalf("an open match runs out in %v, outside of what its group knows", limit)
			}
			if r.nodes[n-1].place != g.place {
				t.Fatal("an open match stands in another place's group")
			}
		}
		if bits.Len64(g.live) > len(p.places[g.place].edges) {
			t.Fatal("an edge is live that does not exist")
		}
	}
	if open != r.open {
		t.Fatalf("%d open matches are counted as %d", open, r.open)
	}
}

func TestMachine(t *testing.T) {
	tests := []struct {
		pattern string
		options Options
		stream  string
		want    string // matches, joined by "; "
	}{
		{"a -> b", Options{Skip: SkipNone}, "azb", "a0 b2"},
		{"a, b", Options{Skip: SkipNone}, "azbab", "a3 b4"},
		{"a ->> b", Options{Skip: SkipNone}, "abb", "a0 b1; a0 b2"},
		{"a -> b", Options{Skip: SkipNone}, "aabb", "a0 b2; a1 b2"},
		{"a -> b", Options{}, "aabb", "a0 b2"},
		{"c -> a+", Options{Skip: SkipNone}, "caa", "c0 a1; c0 a1 a2"},
		{"a+", Options{Skip: SkipNone}, "aaa", "a0; a0 a1; a1; a0 a1 a2; a1 a2; a2"},
		{"a{2}", Options{Skip: SkipNone}, "aaa", "a0 a1; a1 a2"},
		{"a{1,2} -> b", Options{Skip: SkipNone}, "aaab", "a0 a1 b3; a0 b3; a1 a2 b3; a1 b3; a2 b3"},
		{"a++ -> b", Options{Skip: SkipNone}, "aab", "a0 a1 b2; a1 b2"},
		{"a++ -> b", Options{}, "aazab", "a0 a1 a3 b4"},
		{"a -> b? -> c", Options{Skip: SkipNone}, "abc", "a0 b1 c2; a0 c2"},
		{"a -> !n -> b", Options{Skip: SkipNone}, "anb", ""},
		{"a -> !n -> b", Options{Skip: SkipNone}, "azb", "a0 b2"},
		{"a, !n -> b", Options{Skip: SkipNone}, "anb", ""},
		{"a, !n -> b", Options{Skip: SkipNone}, "aznb", "a0 b3"},
		{"a -> !n", Options{Within: 3 * time.Second}, "azzz", "a0 @3"},
		{"a -> !n", Options{Within: 3 * time.Second}, "azn+", ""},
		{"a -> !n", Options{Within: 3 * time.Second}, "azzn", "a0 @3"},
		{"a{2,} -> !n", Options{Within: 9 * time.Second}, "aa+", "a0 a1 @9"},
		{"a, !n", Options{Skip: SkipNone}, "aazan", "a0; a1"},
		{"a -> b", Options{Within: 2 * time.Second}, "azb", ""},
		{"a -> b", Options{Within: 3 * time.Second}, "azb", "a0 b2"},
		{"a -> b", Options{Within: 3 * time.Second, Timeout: true}, "azzz", "<a0 @3>"},
		{"a -[<2s]-> b", Options{Skip: SkipNone}, "azb", ""},
		{"a -[>2s]-> b", Options{Skip: SkipNone}, "abbb", "a0 b3"},
		{"a -[2s..3s]-> b", Options{Skip: SkipNone}, "abbb", "a0 b2"},
		{"a ,[>1s] b", Options{Skip: SkipNone}, "ab", ""},
		{"(a -> b){2}", Options{Skip: SkipNone}, "abab", "a0 b1 a2 b3"},
		{"(a, b)+ -> c", Options{Skip: SkipNone}, "ababc", "a0 b1 a2 b3 c4; a0 b1 c4; a2 b3 c4"},
		{"(a -> b) within 2s -> c", Options{Skip: SkipNone}, "azbabc", "a3 b4 c5"},
		{"a+ until s -> b", Options{Skip: SkipNone}, "asab", "a0 b3; a2 b3"},
		{"a | b", Options{Skip: SkipNone}, "ab", "a0; b1"},
		{"a -> b | a -> c", Options{Skip: SkipNone}, "abc", "a0 b1; a0 c2"},
		{"a & b", Options{Skip: SkipNone}, "bab", "b0 a1; a1 b2"},
		{"(a | b)? -> c", Options{Skip: SkipNone}, "c", "c0"},
		{"a -> b | a -> b -> !n", Options{Skip: SkipNone, Within: 9 * time.Second}, "ab+", "a0 b1"},
		{"a ->> b", Options{Skip: SkipToNext}, "abb", "a0 b1"},
		{"a -> b -> c", Options{Skip: SkipToFirst, SkipVar: "b"}, "aabbcc", "a0 b2 c4"},
		{"a -> b -> c", Options{Skip: SkipToLast, SkipVar: "c"}, "aabbcc", "a0 b2 c4"},
		{"fail{3,} -> ok", Options{}, "fffo", "fail0 fail1 fail2 ok3"},
	}
	for _, tt := range tests {
		l := &letters{fits: map[string]string{"fail": "f", "ok": "o"}}
		got := strings.Join(run(t, compile(t, tt.pattern, tt.options), l, tt.stream), "; ")
		if got != tt.want {
			t.Errorf("%s (%v) on %s: got %q, want %q\n%s", tt.pattern, tt.options.Skip, tt.stream, got, tt.want, compile(t, tt.pattern, tt.options))
		}
	}
}
