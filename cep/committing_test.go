package cep

import (
	"context"
	"errors"
	"slices"
	"testing"

	"weir/nfa"
)

// gatedSink keeps what it is given, each time once it may.
type gatedSink struct {
	*heldFiles
	begun chan int   // has the number of alerts of a commit that has begun
	may   chan error // what becomes of it
}

func (s *gatedSink) Commit(c *Commit) error {
	s.begun <- len(c.Lines)
	if err := <-s.may; err != nil {
		return err
	}
	return s.heldFiles.Commit(c)
}

// liveLog is a log that is waited for at its end.
type liveLog struct {
	heldLog
	news chan struct{}
}

func (h *liveLog) Read(ctx context.Context, after uint64, dst []Logged) ([]Logged, error) {
	for {
		last, _ := h.Last(ctx)
		if last > after {
			r, _, err := h.At(ctx, after+1)
			return append(dst, r), err
		}
		select {
		case <-ctx.Done():
			return dst, ctx.Err()
		case <-h.news:
		}
	}
}

// committer is a loop whose commits are waited for.
type committer struct {
	*Loop
	log  *liveLog
	sink *gatedSink
	stop func()
	done chan error
	n    int
}

func newCommitter(t *testing.T) *committer {
	rs := rulesOf(makeRule(t, "every", "a", nfa.Options{}, map[string]Cond{"a": {}}))
	log := &liveLog{news: make(chan struct{}, 1)}
	log.Append(t.Context(), &Packed{Kind: PackedRules})
	sink := &gatedSink{&heldFiles{crash: func(string) bool { return false }}, make(chan int), make(chan error)}
	l := NewLoop(LoopOptions{
		Log: log, Sink: sink, Checkpoints: sink.heldFiles,
		Compile: func([]byte) (*Rules, error) { return &Rules{Ruleset: rs}, nil },
	})
	ctx, stop := context.WithCancel(t.Context())
	c := &committer{l, log, sink, stop, make(chan error, 1), 0}
	go func() { c.done <- l.Run(ctx, nil, &Recovery{Incarnation: 1}, Mark{}) }()
	return c
}

// send appends a record with an event, and waits until it is stepped.
func (c *committer) send(t *testing.T) {
	t.Helper()
	c.n++
	c.log.Append(t.Context(), &Packed{Kind: PackedEvents, Body: []byte(pay(c.n, "c1", "m1", "a", 1).Raw + "\n")})
	c.log.news <- struct{}{}
	for events := uint64(0); events < uint64(c.n); {
		if err := c.Look(t.Context(), func(g *Engine) { events = g.Stats().Events }); err != nil {
			t.Fatal(err)
		}
	}
}

// Stepping goes on while effects are committed, which are one commit with others that come
// meanwhile; what is said to be stepped is kept.
func TestCommitWhileStepping(t *testing.T) {
	c := newCommitter(t)
	c.send(t)
	if n := <-c.sink.begun; n != 1 {
		t.Fatalf("%d alerts in the first commit, want 1", n)
	}
	for range 3 {
		c.send(t)
	}
	if at := c.Status().Stepped.Sequence; at != 1 {
		t.Errorf("stepped and kept up to %d, want 1: the commit is under way", at)
	}
	c.sink.may <- nil
	if n := <-c.sink.begun; n != 3 {
		t.Errorf("%d alerts in the second commit, want 3", n)
	}
	c.sink.may <- nil
	for c.Status().Stepped.Sequence != 5 {
		c.Look(t.Context(), func(*Engine) {})
	}
	if s := c.Status(); s.Committed.Sequence != 5 || c.sink.mark.Position.Sequence != 5 || len(c.sink.alerts) != 4 {
		t.Errorf("%+v, and %d alerts up to %v", s, len(c.sink.alerts), c.sink.mark.Position)
	}
	c.stop()
	if err := <-c.done; err != nil || len(c.sink.checkpoints) != 1 || c.sink.checkpoints[0].Mark != c.sink.mark {
		t.Errorf("%v, checkpoints %v", err, c.sink.checkpoints)
	}
}

// The end of a loop waits for the commit that is under way, and commits what has gathered.
func TestCommitAtTheEnd(t *testing.T) {
	c := newCommitter(t)
	c.send(t)
	<-c.sink.begun
	c.send(t)
	c.stop()
	c.sink.may <- nil
	if n := <-c.sink.begun; n != 1 {
		t.Errorf("%d alerts in the last commit, want 1", n)
	}
	c.sink.may <- nil
	if err := <-c.done; err != nil || len(c.sink.alerts) != 2 || c.sink.mark.Position.Sequence != 3 {
		t.Errorf("%v, %d alerts up to %v", err, len(c.sink.alerts), c.sink.mark.Position)
	}
	straight := new(Effects)
	g := NewEngine(c.Rules().Ruleset, Options{})
	for _, r := range c.log.records[1:] {
		p, _ := Unpack(r.Data)
		g.Step([]Record{eventsOf(&r, &p)}, straight)
	}
	var want []string
	for i := range straight.Alerts {
		want = append(want, string(AppendJSON(nil, &straight.Alerts[i])))
	}
	if !slices.Equal(c.sink.alerts, want) {
		t.Errorf("alerts %q, want %q", c.sink.alerts, want)
	}
}

// A commit that fails ends the loop, also where nothing comes after it.
func TestCommitFails(t *testing.T) {
	c := newCommitter(t)
	c.send(t)
	<-c.sink.begun
	wrong := errors.New("the disk")
	c.sink.may <- wrong
	if err := <-c.done; !errors.Is(err, wrong) {
		t.Errorf("the loop ends with %v", err)
	}
	c.stop()
}
