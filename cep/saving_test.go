package cep

import (
	"context"
	"testing"
	"time"

	"weir/nfa"
)

// stuckFiles let a checkpoint begin when they are told to.
type stuckFiles struct {
	heldFiles
	free chan struct{}
}

func (f *stuckFiles) Begin(c *Checkpoint, whole bool) (CheckpointWriter, error) {
	<-f.free
	return f.heldFiles.Begin(c, whole)
}

// Stepping does not wait for files that are slow: all of the log is stepped while a checkpoint
// is stuck, and what was saved then is as of where it began.
func TestSlowFiles(t *testing.T) {
	rs := rulesOf(makeRule(t, "ab", "a -> b", nfa.Options{Within: time.Hour}, abc("a", "b")))
	compile := func([]byte) (*Rules, error) {
		return &Rules{Ruleset: rs, Options: Options{Order: EagerOrder, Lateness: 9 * time.Second}}, nil
	}
	log := &heldLog{most: 1}
	log.Append(context.Background(), &Packed{Kind: PackedRules})
	for i := range 300 {
		body := ""
		for k := range 9 {
			body += pay(i, "c"+string(rune('a'+(i+k)%26)), "m1", []string{"a", "x", "b"}[(i+k)%3], 1).Raw + "\n"
		}
		log.Append(context.Background(), &Packed{Kind: PackedEvents, Body: []byte(body)})
	}
	due := make(chan time.Time, 1)
	due <- time.Time{}
	files := &stuckFiles{heldFiles{crash: func(string) bool { return false }}, make(chan struct{})}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	log.ended = func() { // all is stepped
		select {
		case <-files.free:
		default:
			close(files.free)
		}
		stop()
	}
	l := NewLoop(LoopOptions{Log: log, Sink: files, Checkpoints: files, Due: due, Compile: compile})
	log.stepped = func() uint64 { return l.Status().Stepped.Sequence }
	if err := l.Run(ctx, nil, &Recovery{From: -1, Incarnation: 1}, Mark{}); err != nil {
		t.Fatal(err)
	}
	if len(files.checkpoints) != 2 || files.checkpoints[1].Mark.Position.Sequence > 50 || files.checkpoints[0].Mark.Position.Sequence != 301 {
		t.Fatalf("checkpoints as of %v", files.marks())
	}
	for _, c := range files.checkpoints {
		whole := NewEngine(rs, Options{Order: EagerOrder, Lateness: 9 * time.Second})
		for i := range log.records[1:c.Mark.Position.Sequence] {
			r := &log.records[i+1]
			p, err := Unpack(r.Data)
			if err != nil {
				t.Fatal(err)
			}
			whole.Step([]Record{{Kind: EventsRecord, Data: p.Body, Line: 1, Appended: r.Appended}}, new(Effects))
		}
		g, err := Restore(rs, Options{Order: EagerOrder, Lateness: 9 * time.Second}, c.State)
		if err != nil {
			t.Fatal(err)
		}
		if string(g.Append(nil)) != string(whole.Append(nil)) {
			t.Errorf("the checkpoint as of %v is another state", c.Mark.Position)
		}
	}
}
