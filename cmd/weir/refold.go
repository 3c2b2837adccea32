package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"

	"weir/cep"
	"weir/cep/stream"
	"weir/rules"
)

// errFolded is what a stretch of a log says where it ends.
var errFolded = errors.New("the end of what is folded")

// stretch is a log up to a record, to be folded again: it is read and nothing else.
type stretch struct {
	log   *stream.Log
	end   uint64 // its last record
	last  uint64 // read last; 0: none
	lines uint64 // of events, read

	read atomic.Uint64 // as last, for who watches
}

// Read is cep.Log. It fails with errFolded once all was read.
func (s *stretch) Read(ctx context.Context, after uint64, dst []cep.Logged) ([]cep.Logged, error) {
	if after >= s.end {
		return dst, errFolded
	}
	n := len(dst)
	dst, err := s.log.Read(ctx, after, dst)
	for i := n; i < len(dst); i++ {
		if dst[i].Sequence > s.end {
			dst = dst[:i]
			break
		}
		after = dst[i].Sequence
		s.lines += linesOf(dst[i].Data)
	}
	s.last = after
	s.read.Store(after)
	if err == nil && len(dst) == n {
		return dst, errFolded // what follows lies behind the end
	}
	return dst, err
}

// linesOf counts the events of a record.
func linesOf(data []byte) uint64 {
	p, err := cep.Unpack(data)
	if err != nil || p.Kind != cep.PackedEvents {
		return 0
	}
	return uint64(bytes.Count(p.Body, newline))
}

// At is cep.Log.
func (s *stretch) At(ctx context.Context, sequence uint64) (cep.Logged, bool, error) {
	return s.log.At(ctx, sequence)
}

// Last is cep.Log.
func (s *stretch) Last(context.Context) (uint64, error) { return s.end, nil }

// Append is cep.Log. Folding again adds nothing to a log.
func (s *stretch) Append(context.Context, *cep.Packed) (uint64, error) {
	return 0, errors.New("a log that is folded again takes no records")
}

// Release is cep.Log. It drops nothing.
func (s *stretch) Release(context.Context, uint64) error { return nil }

// refold is a log that is folded again, with a place for what comes of it.
type refold struct {
	log   *stream.Log
	skips []cep.Skipped
	sink  cep.Sink
	watch func(s *stretch) (done func()) // shows how far it has come; nil: nobody sees it

	notices []string        // what an operator would have been told
	state   *cep.Checkpoint // as of the last record folded; nil: as of where it began
	runs    [][]byte        // the entries that it was put together of
	records uint64          // folded
	lines   uint64          // of events in them
}

// skipped gives what the records of a log say is not to be stepped.
func skipped(controls []cep.Logged) (list []cep.Skipped) {
	for _, c := range controls {
		if p, err := cep.Unpack(c.Data); err == nil && p.Kind == cep.PackedSkip {
			list = append(list, p.Skipped)
		}
	}
	return list
}

// Begin is cep.Checkpoints: the last one is kept in memory.
func (r *refold) Begin(c *cep.Checkpoint, whole bool) (cep.CheckpointWriter, error) {
	w := &refoldWriter{of: r, state: *c}
	if !whole {
		w.runs = slices.Clone(r.runs)
	}
	return w, nil
}

// refoldWriter puts a checkpoint together in memory.
type refoldWriter struct {
	of    *refold
	state cep.Checkpoint
	runs  [][]byte // sorted entries, the oldest first
}

// Add is cep.CheckpointWriter.
func (w *refoldWriter) Add(entries []byte) error {
	run, err := cep.SortEntries(nil, entries)
	w.runs = append(w.runs, run)
	return err
}

// Commit is cep.CheckpointWriter.
func (w *refoldWriter) Commit() (cep.Position, error) {
	runs := make([]cep.Run, len(w.runs))
	for i, run := range w.runs {
		runs[i] = cep.RunOf(run)
	}
	var err error
	if w.state.State, err = cep.Assemble(runs); err != nil {
		return cep.Position{}, err
	}
	w.of.runs, w.of.state = w.runs, &w.state
	return w.state.Mark.Position, nil
}

// Abort is cep.CheckpointWriter.
func (w *refoldWriter) Abort() error { return nil }

// fold folds the records from a checkpoint (nil: from the first record) up to end.
func (r *refold) fold(ctx context.Context, from *cep.Checkpoint, incarnation, end uint64) error {
	s := &stretch{log: r.log, end: end}
	begin := cep.Mark{Position: cep.Position{Incarnation: incarnation}}
	if from != nil {
		begin = from.Mark
		begin.Position.Incarnation = incarnation
	}
	loop := cep.NewLoop(cep.LoopOptions{
		Log: s, Sink: r.sink, Checkpoints: r, Compile: compilePublished, Gather: rules.Gather, Again: r.log.Read, Shards: max(1, runtime.GOMAXPROCS(0)/2),
		Restart: func() (*cep.Checkpoint, *cep.Recovery, error) {
			return nil, nil, errors.New("the service steps it once more, and goes on without it where that panics too")
		},
		Notify: func(n *cep.Notice) { r.notices = append(r.notices, fmt.Sprintf("%s: %s", n.Position, n.Text)) },
	})
	for _, skip := range r.skips {
		loop.Skip(skip)
	}
	if r.watch != nil {
		defer r.watch(s)()
	}
	err := loop.Run(ctx, from, &cep.Recovery{Incarnation: incarnation}, begin)
	if s.last > begin.Position.Sequence {
		r.records += s.last - begin.Position.Sequence
	}
	r.lines += s.lines
	if errors.Is(err, errFolded) {
		return besideFolded(err)
	}
	if err == nil {
		return context.Cause(ctx)
	}
	for _, n := range r.notices {
		err = fmt.Errorf("%w\n%s", err, n)
	}
	return err
}

// besideFolded is what went wrong when a fold that has come to its end was brought to a
// close; nil: nothing.
func besideFolded(err error) error {
	all, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return nil
	}
	for _, e := range all.Unwrap() {
		if !errors.Is(e, errFolded) {
			return e
		}
	}
	return nil
}
