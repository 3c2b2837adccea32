package cep

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"weir/failpoint"
)

// Checkpoints keep the latest checkpoints. package state has some.
type Checkpoints interface {
	// Begin begins to store a checkpoint: c without State, which is not changed. Where whole is
	// true the entries to be added are all of the state; else they are what has changed
	// since the last checkpoint that was committed. Begin and the methods of what it returns
	// are called on a goroutine of their own, one checkpoint at a time. An error that is not
	// ErrNoSpace ends the Loop: what is on disk is not known then.
	Begin(c *Checkpoint, whole bool) (CheckpointWriter, error)
}

// CheckpointWriter stores a checkpoint. Either Commit or Abort is called in the end.
type CheckpointWriter interface {
	// Add adds entries: whole ones, in the bytes of Entry.Append, which it does not keep. Of
	// those under one key the last counts.
	Add(entries []byte) error

	// Commit makes the checkpoint one to begin with, and returns the position of the oldest
	// one that is kept.
	Commit() (oldest Position, err error)

	// Abort drops what was added.
	Abort() error
}

// underWay is the number of pieces of about 256 KB that wait to be written at most: what is
// saved while a transaction of 10 MB is written. Beyond it saving waits; stepping does not.
const underWay = 64

// aSlice is the number of times that Frozen.Next goes on where LoopOptions.Slice does not say.
const aSlice = 16

var errAborted = errors.New("cep: the checkpoint is not finished")

// saving is a checkpoint that is being saved while stepping goes on.
type saving struct {
	of      Position
	frozen  *Frozen
	more    bool          // of frozen
	rest    [][]byte      // pieces of frozen that have found no room
	pieces  chan []byte   // to the goroutine that writes them
	written chan []byte   // back from it
	given   bool          // all: pieces is closed
	room    chan struct{} // there may be some
	aborted atomic.Bool
	fault   error // why; nil: the Loop ends
	done    chan stored
}

// stored is what became of a checkpoint.
type stored struct {
	of, oldest Position
	err        error
}

// always is ready.
var always = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// write writes a checkpoint.
func (s *saving) write(to Checkpoints, c *Checkpoint, whole bool) {
	var w CheckpointWriter
	err := guarded("saving it", func() (err error) {
		w, err = to.Begin(c, whole)
		return err
	})
	for p := range s.pieces {
		select {
		case s.room <- struct{}{}:
		default:
		}
		if err == nil && !s.aborted.Load() {
			err = guarded("saving it", func() error { failpoint.Panic([]byte("save")); return w.Add(p) })
		}
		select {
		case s.written <- p:
		default:
		}
	}
	if err == nil && s.aborted.Load() {
		err = errAborted
	}
	var oldest Position
	switch {
	case err == nil:
		err = guarded("saving it", func() (err error) {
			oldest, err = w.Commit()
			return err
		})
	case w != nil:
		err = errors.Join(err, guarded("dropping it", w.Abort))
	}
	s.done <- stored{s.of, oldest, err}
}

// give hands on what there is room for; wait waits for room.
func (s *saving) give(wait bool) {
	for len(s.rest) > 0 {
		if wait {
			s.pieces <- s.rest[0]
		} else {
			select {
			case s.pieces <- s.rest[0]:
			default:
				return
			}
		}
		s.rest[0] = nil
		s.rest = s.rest[1:]
	}
	if !s.more && !s.given {
		s.given = true
		close(s.pieces)
	}
}

// next lets more of the state be saved, if what was saved has been handed on.
func (s *saving) next(stop func() bool) {
	for len(s.written) > 0 {
		s.frozen.Free(<-s.written)
	}
	if s.give(false); s.more && len(s.rest) == 0 {
		s.rest, s.more = s.frozen.Next(stop)
		s.give(false)
	}
}

// goesOn is ready when next has something to do.
func (s *saving) goesOn() <-chan struct{} {
	switch {
	case s == nil || s.given:
		return nil
	case len(s.rest) == 0:
		return always
	}
	return s.room
}

// ends is ready when the checkpoint is stored, or will not be.
func (s *saving) ends() <-chan stored {
	if s == nil {
		return nil
	}
	return s.done
}

// checkpoint begins to save one, if one is due and none is being saved; else it lets some of
// the one that is be saved.
func (l *Loop) checkpoint() error {
	if l.saving != nil {
		s := l.saving
		if err := guarded("encoding the state", func() error { s.next(l.slice()); return nil }); err != nil {
			l.giveUp(err)
		}
		return nil
	}
	if l.at.Sequence <= max(l.saved.Sequence, l.applied) {
		return nil
	}
	if l.events == 0 {
		l.due = false // ticks alone are stepped again soon enough
	}
	if !l.due && l.events < CheckpointEvents && l.bytes < CheckpointBytes {
		return nil
	}
	return l.freeze()
}

// stretchBytes is how much is stepped between two slices of saving, some milliseconds' worth:
// where batches are long, as with a backlog, a checkpoint would wait for them else.
const stretchBytes = 64 << 10

// stretch is the number of records that are stepped before more of a checkpoint is saved.
func (l *Loop) stretch(steps []Record) int {
	if l.saving == nil || l.saving.given {
		return len(steps)
	}
	bytes := 0
	for i := range steps {
		if bytes += len(steps[i].Data); bytes >= stretchBytes {
			return i + 1
		}
	}
	return len(steps)
}

// slice says when saving makes way for stepping.
func (l *Loop) slice() (stop func() bool) {
	if l.o.Slice != nil {
		return l.o.Slice()
	}
	n := 0
	return func() bool { n++; return n >= aSlice }
}

// freeze commits the position of the state, and begins to save it.
func (l *Loop) freeze() error {
	if err := l.keep(); err != nil {
		return err
	}
	failpoint.Hit("between")
	l.due, l.events, l.bytes = false, 0, 0
	c := &Checkpoint{Mark: l.mark(), RulesAt: l.rulesAt, Rules: l.text}
	var frozen *Frozen
	err := guarded("freezing the state", func() error {
		failpoint.Panic([]byte("freeze"))
		frozen = l.engine.Freeze()
		return nil
	})
	if err != nil {
		return l.givenUp(l.at, l.engine.frozen, err)
	}
	s := &saving{of: l.at, frozen: frozen, more: true, pieces: make(chan []byte, underWay), written: make(chan []byte, underWay), room: make(chan struct{}, 1), done: make(chan stored, 1)}
	l.saving = s
	go s.write(l.o.Checkpoints, c, s.frozen.Full)
	return nil
}

// settle takes note of what became of a checkpoint.
func (l *Loop) settle(ctx context.Context, s stored) error {
	frozen, fault := l.saving.frozen, l.saving.fault
	l.saving = nil
	if _, ok := errors.AsType[*faulted](s.err); fault == nil && ok {
		fault = s.err
	}
	if fault != nil {
		return l.givenUp(s.of, frozen, fault)
	}
	if errors.Is(s.err, ErrNoSpace) {
		frozen.End(false)
		l.unsaved++
		l.notify(NoticeCheckpoint, s.of.Sequence, s.err.Error())
		return nil
	}
	if s.err != nil {
		return s.err
	}
	frozen.End(true)
	l.saved = s.of
	if err := l.o.Log.Release(ctx, l.needed(s.oldest.Sequence)); err != nil && ctx.Err() == nil {
		l.notify(NoticeCheckpoint, s.oldest.Sequence, fmt.Sprintf("records that are not needed could not be dropped: %v", err))
	}
	l.report()
	return nil
}

// saveAll hands on all of the checkpoint that is being saved, before the Engine goes.
func (l *Loop) saveAll() {
	s := l.saving
	if s == nil || s.given {
		return
	}
	s.give(true)
	for s.more {
		err := guarded("encoding the state", func() error {
			s.rest, s.more = s.frozen.Next(func() bool { return false })
			return nil
		})
		if err != nil {
			l.giveUp(err)
			return
		}
		s.give(true)
	}
}

// saveEnds waits for the checkpoint that is being saved. One of which something is still to be
// saved is given up. The Engine is not frozen again after that, but by who calls Frozen.End.
func (l *Loop) saveEnds() error {
	s := l.saving
	if s == nil {
		return nil
	}
	if !s.given {
		s.aborted.Store(true)
		s.rest, s.more = nil, false
		s.give(true)
	}
	end := <-s.done
	if l.saving = nil; end.err == nil {
		l.saved = end.of
	}
	return end.err
}
