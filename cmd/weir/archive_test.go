package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"weir/alerts"
	"weir/cep"
	"weir/cep/stream"
	"weir/rules"
	"weir/state"
)

// archive is all that a log has ever had, as far as copies of it were taken, in memory. It
// is a log that a loop folds in one go, record by record: what the service should have
// made of it, whatever became of the service.
type archive struct {
	mu      sync.Mutex
	records []cep.Logged
	more    chan struct{}  // closed when there are more
	ids     map[string]int // of events: how often they are there

	store *state.Store
	loop  *cep.Loop
	stop  func()
}

// newArchive begins to fold an empty archive.
func newArchive(t *testing.T) *archive {
	t.Helper()
	dir := t.TempDir()
	if fast, err := os.MkdirTemp("/dev/shm", "weir-archive-"); err == nil {
		dir = fast
		t.Cleanup(func() { os.RemoveAll(fast) })
	}
	store, err := state.Open(filepath.Join(dir, "data"), state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	a := &archive{more: make(chan struct{}), ids: map[string]int{}, store: store}
	a.loop = cep.NewLoop(cep.LoopOptions{
		Log: a, Sink: store, Checkpoints: store, Compile: compilePublished, Gather: rules.Gather, Shards: 2,
		Restart: func() (*cep.Checkpoint, *cep.Recovery, error) { return nil, nil, errors.New("it panicked") },
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.loop.Run(ctx, nil, &cep.Recovery{From: -1, Incarnation: 1}, cep.Mark{}) }()
	a.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("folding the archive: %v", err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(a.stop)
	return a
}

func (a *archive) Read(ctx context.Context, after uint64, dst []cep.Logged) ([]cep.Logged, error) {
	for {
		a.mu.Lock()
		records, more := a.records, a.more
		a.mu.Unlock()
		if after < uint64(len(records)) {
			// Each record is a commit of its own, so that alerts stand under its position.
			for a.loop.Status().Stepped.Sequence < after && ctx.Err() == nil {
				time.Sleep(20 * time.Microsecond)
			}
			return append(dst, records[after]), nil
		}
		select {
		case <-ctx.Done():
			return dst, ctx.Err()
		case <-more:
		}
	}
}

func (a *archive) At(_ context.Context, sequence uint64) (cep.Logged, bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if sequence == 0 || sequence > uint64(len(a.records)) {
		return cep.Logged{}, false, nil
	}
	return a.records[sequence-1], true, nil
}

func (a *archive) Last(context.Context) (uint64, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return uint64(len(a.records)), nil
}

func (a *archive) Append(context.Context, *cep.Packed) (uint64, error) {
	return 0, errors.New("nothing is appended to an archive")
}

func (a *archive) Release(context.Context, uint64) error { return nil }

// take adds a record.
func (a *archive) take(r cep.Logged) error {
	p, err := cep.Unpack(r.Data)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	n := uint64(len(a.records))
	switch {
	case r.Sequence > n+1:
		return fmt.Errorf("the log goes on at record %d, and copies have it up to %d", r.Sequence, n)
	case r.Sequence <= n:
		if is := a.records[r.Sequence-1]; is.Sum() != r.Sum() {
			return fmt.Errorf("record %d of the log is another one than before", r.Sequence)
		}
		return nil
	}
	r.Data = bytes.Clone(r.Data)
	if p.Kind == cep.PackedSkip {
		a.loop.Skip(p.Skipped)
	}
	if p.Kind == cep.PackedEvents {
		for line := range bytes.Lines(p.Body) {
			a.ids[idOf(line)]++
		}
	}
	a.records = append(a.records, r)
	close(a.more)
	a.more = make(chan struct{})
	return nil
}

// idOf reads the id of an event of a crowd.
func idOf(line []byte) string {
	_, after, _ := bytes.Cut(line, []byte(`"id":"`))
	id, _, _ := bytes.Cut(after, []byte(`"`))
	return string(id)
}

// extend takes in what a copy of a log has beyond the archive, and compares the rest.
func (a *archive) extend(t *testing.T, dir string, size int64) (last uint64) {
	t.Helper()
	return a.extendFrom(t, stream.Options{Dir: filepath.Join(dir, "log"), Size: size})
}

// extendFrom is extend of a log that lies anywhere.
func (a *archive) extendFrom(t *testing.T, o stream.Options) (last uint64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	l, err := stream.Open(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Close(ctx); err != nil {
			t.Error(err)
		}
	}()
	if last, err = l.Last(ctx); err != nil {
		t.Fatal(err)
	}
	var list []cep.Logged
	for after := uint64(0); after < last; after = list[len(list)-1].Sequence {
		if list, err = l.Read(ctx, after, list[:0]); err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			if err := a.take(r); err != nil {
				t.Fatal(err)
			}
		}
	}
	return last
}

// folded waits until all of the archive is folded.
func (a *archive) folded(t *testing.T) {
	t.Helper()
	last, _ := a.Last(context.Background())
	for begun := time.Now(); a.loop.Status().Stepped.Sequence < last; time.Sleep(time.Millisecond) {
		if time.Since(begun) > patience {
			t.Fatalf("the archive has %d records, and is folded up to %v after %v", last, a.loop.Status().Stepped, patience)
		}
	}
}

// once checks that events are in the archive exactly once, and no other event twice.
func (a *archive) once(t *testing.T, acked map[string]bool) {
	t.Helper()
	for id, n := range a.ids {
		if n > 1 {
			t.Errorf("event %s is on the log %d times", id, n)
		}
	}
	missing := 0
	for id := range acked {
		if a.ids[id] == 0 {
			missing++
		}
	}
	if missing > 0 {
		t.Errorf("%d events that were acked are not on the log", missing)
	}
}

// stored are the alerts of a store up to a sequence number, in the order of storing, as
// far as they follow from the log.
func stored(t *testing.T, s *state.Store, until uint64) (list []string, kinds [4]int) {
	t.Helper()
	err := s.All(func(_ uint64, it *alerts.Item) error {
		if it.Position.Sequence > until || it.Unlogged {
			return nil
		}
		kinds[it.Kind]++
		list = append(list, fmt.Sprintf("%d %s", it.Version, it.Line))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list, kinds
}

// agrees checks the files of a directory whose service is dead: they stand to each other
// as they must, and the alerts are those that the archive brings up to their position.
func (a *archive) agrees(t *testing.T, dir string, last uint64) {
	t.Helper()
	s, err := state.Open(dir, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	mark, err := s.Mark()
	if err != nil {
		t.Fatal(err)
	}
	if mark.Position.Sequence > last {
		t.Errorf("the alerts are as of %v, and the log ends at %d", mark.Position, last)
	}
	heads, err := s.Checkpoints()
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range heads {
		if h.Mark.Position.Sequence > mark.Position.Sequence {
			t.Errorf("the state is as of %v, the alerts are as of %v", h.Mark.Position, mark.Position)
		}
	}
	a.folded(t)
	want, _ := stored(t, a.store, mark.Position.Sequence)
	got, _ := stored(t, s, mark.Position.Sequence)
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(got):
			t.Fatalf("%d alerts are missing, the first of them: %s", len(want)-len(got), want[i])
		case i >= len(want):
			t.Fatalf("%d alerts are too many, the first of them: %s", len(got)-len(want), got[i])
		case got[i] != want[i]:
			t.Fatalf("alert %d is\n%s\nexpected\n%s", i, got[i], want[i])
		}
	}
	notices, _, err := s.Notices()
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range notices {
		if n.Kind == alerts.Differs || n.Kind == alerts.Damaged {
			t.Errorf("notice at %v: %s", n.Position, n.Text)
		}
	}
}

// copyOf copies a data directory as it is.
func copyOf(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(to, 0o700); err != nil {
		t.Fatal(err)
	}
	return to
}
