package cep

import (
	"context"
	"errors"
	"testing"
	"time"

	"weir/nfa"
)

// slowFiles take their time to save a checkpoint, and fail from then on.
type slowFiles struct {
	heldFiles
	begun, over chan struct{}
}

func (f *slowFiles) Begin(*Checkpoint, bool) (CheckpointWriter, error) {
	close(f.begun)
	return (*slowWriter)(f), nil
}

type slowWriter slowFiles

func (w *slowWriter) Add([]byte) error { return nil }

func (w *slowWriter) Commit() (Position, error) { return Position{}, w.Abort() }

func (w *slowWriter) Abort() error {
	time.Sleep(20 * time.Millisecond)
	close(w.over)
	return nil
}

func (f *slowFiles) Commit(c *Commit) error {
	select {
	case <-f.begun:
		return errCrash
	default:
		return f.heldFiles.Commit(c)
	}
}

// When Run returns for an error nothing is being saved any more: the files may be closed.
func TestRunEndsWithTheSave(t *testing.T) {
	rs := rulesOf(makeRule(t, "every", "a", nfa.Options{}, map[string]Cond{"a": {}}))
	log := &heldLog{most: 1, ended: func() {}}
	log.Append(context.Background(), &Packed{Kind: PackedRules})
	for i := range 9 {
		log.Append(context.Background(), &Packed{Kind: PackedEvents, Body: []byte(pay(i, "c1", "m1", "a", 1).Raw + "\n")})
	}
	due := make(chan time.Time)
	close(due)
	files := &slowFiles{heldFiles{crash: func(string) bool { return false }}, make(chan struct{}), make(chan struct{})}
	l := NewLoop(LoopOptions{
		Log: log, Sink: files, Checkpoints: files, Due: due,
		Compile: func([]byte) (*Rules, error) { return &Rules{Ruleset: rs}, nil },
	})
	log.stepped = func() uint64 { return l.Status().Stepped.Sequence }
	if err := l.Run(t.Context(), nil, &Recovery{From: -1, Incarnation: 1}, Mark{}); !errors.Is(err, errCrash) {
		t.Fatal(err)
	}
	select {
	case <-files.over:
	default:
		t.Error("a checkpoint is still being saved")
	}
}

// brokenLog cannot be read after its first records.
type brokenLog struct {
	heldLog
	why error
}

func (b *brokenLog) Read(ctx context.Context, after uint64, dst []Logged) ([]Logged, error) {
	if last, _ := b.Last(ctx); after >= last {
		return dst, b.why
	}
	return b.heldLog.Read(ctx, after, dst)
}

// Where the log fails and a file as well, the error of the file is what counts: after it
// nothing may go on.
func TestFileWeighsMoreThanLog(t *testing.T) {
	why := errors.New("the log does not answer")
	log := &brokenLog{heldLog{most: 9}, why}
	log.Append(context.Background(), &Packed{Kind: PackedTick})
	for _, want := range []error{why, errCrash} {
		files := &heldFiles{crash: func(string) bool { return want == errCrash }}
		l := NewLoop(LoopOptions{Log: log, Sink: files, Checkpoints: files})
		if err := l.Run(t.Context(), nil, &Recovery{From: -1, Incarnation: 1}, Mark{}); !errors.Is(err, want) || want == errCrash && errors.Is(err, why) {
			t.Errorf("%v, want %v", err, want)
		}
	}
}
