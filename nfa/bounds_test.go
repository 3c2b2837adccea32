package nfa

import (
	"strings"
	"testing"
	"time"
)

// feed runs a stream with one event a second and returns the machine, what is
// open in the end and what came out.
func feed(t *testing.T, prog *Program, stream string) (*Machine, *Runs, []string) {
	t.Helper()
	l := &letters{prog: prog, stream: stream}
	m, runs := prog.NewMachine(), &Runs{}
	var out []string
	for i := range len(stream) {
		l.event = i
		for _, x := range m.Step(runs, Time(i)*second, Event(i+1), l, nil) {
			s := show(prog, x)
			if x.Truncated {
				s += " truncated"
			}
			out = append(out, s)
		}
		sound(t, prog, runs)
	}
	return m, runs, out
}

func TestOpenBound(t *testing.T) {
	t.Run("nothing starts", func(t *testing.T) {
		m, runs, out := feed(t, compile(t, "a -> b", Options{Skip: SkipNone, MaxOpen: 3}), "aaaaab")
		if got := strings.Join(out, "; "); got != "a0 b5 truncated; a1 b5 truncated; a2 b5 truncated" || m.Counts.Open != 2 {
			t.Errorf("got %s, %d times at the bound", got, m.Counts.Open)
		}
		if !runs.Empty() {
			t.Errorf("%d are open", runs.Open())
		}
	})
	t.Run("the branch in the loop goes on", func(t *testing.T) {
		_, runs, out := feed(t, compile(t, "a{3,} -> b", Options{Skip: SkipNone, MaxOpen: 1}), "aaaaab")
		if got := strings.Join(out, "; "); got != "a0 a1 a2 a3 a4 b5 truncated" {
			t.Errorf("got %s", got)
		}
		if runs.Open() > 1 {
			t.Errorf("%d are open", runs.Open())
		}
	})
	t.Run("nothing splits", func(t *testing.T) {
		_, runs, out := feed(t, compile(t, "a ->> b ->> c", Options{Skip: SkipNone, MaxOpen: 2}), "abbbc")
		if got := strings.Join(out, "; "); got != "a0 b1 c4 truncated" {
			t.Errorf("got %s", got)
		}
		if runs.Open() > 2 {
			t.Errorf("%d are open", runs.Open())
		}
	})
	t.Run("the mark goes with the last open match", func(t *testing.T) {
		_, _, out := feed(t, compile(t, "a, b", Options{Skip: SkipNone, MaxOpen: 1}), "aabzab")
		if got := strings.Join(out, "; "); got != "a1 b2; a4 b5" {
			t.Errorf("got %s", got)
		}
	})
}

func TestCaptureBound(t *testing.T) {
	stream := strings.Repeat("a", 1200) + "b"
	t.Run("the loop takes no more", func(t *testing.T) {
		m, _, out := feed(t, compile(t, "a{3,} -> b", Options{MaxOpen: 50}), stream)
		if len(out) != 1 || !strings.HasPrefix(out[0], "a0 a1 ") || !strings.HasSuffix(out[0], " a999 b1200 truncated") {
			t.Errorf("got %d matches, the first %.60s", len(out), out)
		}
		if m.Counts.Captures == 0 {
			t.Error("reaching the bound is not counted")
		}
	})
	t.Run("greedy as if it said {3,1000}+", func(t *testing.T) {
		_, _, out := feed(t, compile(t, "a{3,}+ -> b", Options{}), stream)
		if len(out) != 1 || !strings.HasPrefix(out[0], "a200 a201 ") || !strings.HasSuffix(out[0], " a1199 b1200 truncated") {
			t.Errorf("got %d matches, the first %.60s", len(out), out)
		}
	})
}

// TestLargeGroups lets many open matches run out in a group that is looked
// through rarely: those that ran out match nothing, do not count as open at the
// bound, and are gone in the end.
func TestLargeGroups(t *testing.T) {
	prog := compile(t, "a -> b", Options{Skip: SkipNone, Within: 100 * time.Second, MaxOpen: 120})
	m, runs, out := feed(t, prog, strings.Repeat("a", 1000)+"b")
	if len(out) != 99 || out[0] != "a901 b1000" {
		t.Errorf("%d matches, the first %s", len(out), out[:min(1, len(out))])
	}
	if m.Counts.Open != 0 {
		t.Errorf("%d times at the bound", m.Counts.Open)
	}
	if len(runs.nodes) > 1000 {
		t.Errorf("%d nodes are kept", len(runs.nodes))
	}

	l := &letters{prog: prog, stream: strings.Repeat("a", 80)}
	runs = &Runs{}
	for i := range 80 {
		l.event = i
		m.Step(runs, Time(i)*second, Event(i+1), l, nil)
	}
	for {
		at, ok := prog.Deadline(runs)
		if !ok {
			break
		}
		m.Advance(runs, at, l, nil)
		sound(t, prog, runs)
	}
	if !runs.Empty() {
		t.Errorf("%d are open after all deadlines", runs.Open())
	}
}

func TestHeldMatches(t *testing.T) {
	prog := compile(t, "a -> b{2} | c -> d", Options{InOrder: true, Within: 10 * time.Second})
	l := &letters{prog: prog}
	if got := strings.Join(run(t, prog, l, "acdzzz+"), "; "); got != "c1 d2" {
		t.Errorf("closing: got %q", got)
	}
	if got := strings.Join(run(t, prog, l, "acdzzz"), "; "); got != "" {
		t.Errorf("held: got %q", got)
	}
	if got := strings.Join(run(t, prog, l, "acdbb"), "; "); got != "a0 b3 b4" {
		t.Errorf("the older consumes: got %q", got)
	}
}

// TestManyAtOnce completes many matches with one event, each of which consumes what
// began with it. Were all open matches looked at for each, this would take
// minutes.
func TestManyAtOnce(t *testing.T) {
	const n = 60_000
	for _, text := range []string{"a -> b+", "a -> b+ | a -> c"} {
		prog := compile(t, text, Options{Skip: SkipToNext, MaxOpen: 3 * n})
		l := &letters{prog: prog, stream: "ab"}
		m, runs := prog.NewMachine(), &Runs{}
		for i := range n {
			m.Step(runs, Time(i), Event(i+1), l, nil)
		}
		l.event = 1
		if got := len(m.Step(runs, n, n+1, l, nil)); got != n || !runs.Empty() {
			t.Errorf("%s: %d matches, %d open", text, got, runs.Open())
		}
	}
}

// BenchmarkAtBound steps a key at its bound on open matches, of which one runs out
// and one begins at nearly every event.
func BenchmarkAtBound(b *testing.B) {
	prog := compile(b, "a -> b", Options{Skip: SkipNone, Within: 10 * time.Second, MaxOpen: DefaultOpen})
	l := &letters{prog: prog, stream: "a"}
	m, runs := prog.NewMachine(), &Runs{}
	i := 0
	step := func() {
		i++
		m.Step(runs, Time(i)*second/2000, Event(i), l, nil)
	}
	for range 4 * DefaultOpen {
		step()
	}
	for b.Loop() {
		step()
	}
	b.ReportMetric(float64(runs.Open()), "open")
}

// TestLongAtBound is BenchmarkAtBound with a check: were all open matches looked
// at whenever one runs out, it would take minutes.
func TestLongAtBound(t *testing.T) {
	prog := compile(t, "a -> b", Options{Skip: SkipNone, Within: 10 * time.Second, MaxOpen: DefaultOpen})
	l := &letters{prog: prog, stream: "a"}
	m, runs := prog.NewMachine(), &Runs{}
	const n = 400_000
	for i := range n {
		m.Step(runs, Time(i)*second/2000, Event(i+1), l, nil)
		if runs.Open() > DefaultOpen {
			t.Fatalf("%d are open", runs.Open())
		}
	}
	// Half of the events find the bound reached.
	if m.Counts.Open < n/2-DefaultOpen || m.Counts.Open > n/2+DefaultOpen {
		t.Errorf("%d of %d events at the bound", m.Counts.Open, n)
	}
}
