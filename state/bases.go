package state

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"go.etcd.io/bbolt"

	"weir/cep"
	"weir/failpoint"
)

// A new base is merged when what has changed since is more than a mergeShare-th of it, or lies
// in more than mostParts parts.
const (
	mergeShare = 2
	mostParts  = 360
)

// bases merges new bases, one at a time, while checkpoints are saved: one of 1 GB takes as
// long as several checkpoints, and a crash meanwhile should not cost what came since.
type bases struct {
	running  sync.WaitGroup
	merging  atomic.Bool
	stopping atomic.Bool
	fault    atomic.Pointer[error]
}

var errStopping = errors.New("state: the file is being closed")

// failed is why the last merge failed, if that was not for want of space: what is in the file
// is not known then.
func (b *bases) failed() error {
	if err := b.fault.Load(); err != nil {
		return *err
	}
	return nil
}

// begin lets a new base be made of the parts of the newest checkpoint, if that is worth it
// and none is being made.
func (b *bases) begin(s *Store) error {
	if !b.merging.CompareAndSwap(false, true) {
		return nil
	}
	var h Head
	err := s.checkpoints.view(func(tx *bbolt.Tx) (err error) {
		h, err = newestHead(tx) // of now: the parts of one that was read before may have been merged
		return err
	})
	if err != nil || !h.wantsBase() {
		b.merging.Store(false)
		return err
	}
	parts := h.parts
	s.keep(numbersOf(parts)...) // a whole checkpoint may come that does without them
	b.running.Go(func() {
		defer b.merging.Store(false)
		err := s.merge(parts)
		s.written(numbersOf(parts)...)
		if err == nil || errors.Is(err, ErrNoSpace) { // it is tried again
			err = s.sweep(0)
		}
		if err != nil && !errors.Is(err, ErrNoSpace) && !errors.Is(err, errStopping) {
			b.fault.Store(&err)
		}
	})
	return nil
}

// wantsBase reports whether a new base is worth what it takes.
func (h *Head) wantsBase() bool {
	base, n := h.parts[0], len(h.parts)
	return n > 1 && (n >= mostParts || (h.entryBytes()-base.size)*mergeShare > base.size)
}

// wait waits until no base is being made.
func (b *bases) wait() { b.running.Wait() }

// stop gives up what is being made.
func (b *bases) stop() {
	b.stopping.Store(true)
	b.running.Wait()
}

func numbersOf(parts []part) (numbers []uint64) {
	for i := range parts {
		numbers = append(numbers, parts[i].number)
	}
	return numbers
}

// merge makes a new base of parts, in transactions of about 10 MB. It takes their place in all
// checkpoints once it is whole.
func (s *Store) merge(parts []part) error {
	var runs []cep.Run
	if err := s.checkpoints.view(func(tx *bbolt.Tx) (err error) {
		runs, err = runsOf(tx, parts, s.chunk)
		return err
	}); err != nil {
		return err
	}
	p, err := s.newPart()
	if err != nil {
		return err
	}
	defer s.written(p.number)
	m := merging{s: s, part: newFilling(p)}
	if err := cep.Merge(runs, m.take); err != nil {
		return err
	}
	if err := m.flush(); err != nil {
		return err
	}
	m.part.sorted = true
	base := m.part.done()
	if err := s.checkpoints.update(func(tx *bbolt.Tx) error { return replace(tx, parts, base) }); err != nil {
		return err
	}
	failpoint.Hit("merged")
	return nil
}

// replace puts a base in the place of parts with which checkpoints begin.
func replace(tx *bbolt.Tx, parts []part, base part) error {
	var heads []Head
	if err := tx.Bucket([]byte(headsBucket)).ForEach(func(key, value []byte) error {
		h, err := readHead(key, value)
		if n := len(parts); err == nil && len(h.parts) >= n && slices.Equal(numbersOf(h.parts[:n]), numbersOf(parts)) {
			h.parts = slices.Concat([]part{base}, h.parts[n:])
			heads = append(heads, h)
		}
		return nil
	}); err != nil {
		return err
	}
	for i := range heads {
		if err := heads[i].put(tx); err != nil {
			return err
		}
	}
	return nil
}

// chunk is a copy of a chunk, in memory that is free.
func (s *Store) chunk(segment, n uint64, p *part, memory []byte) (c []byte, err error) {
	err = s.checkpoints.view(func(tx *bbolt.Tx) error {
		chunk, err := chunkIn(tx, segment, n, p)
		c = append(memory[:0], chunk...)
		return err
	})
	return c, err
}

// merging writes a new base.
type merging struct {
	s    *Store
	part *filling
	buf  []byte
}

func (m *merging) take(e *cep.Entry) error {
	if m.buf = e.Append(m.buf); len(m.buf) < segmentBytes {
		return nil
	}
	return m.flush()
}

func (m *merging) flush() error {
	if m.s.bases.stopping.Load() {
		return errStopping
	}
	chunks, err := chunksOf(m.buf)
	if err == nil {
		err = m.part.add(m.s, chunks)
	}
	m.buf = m.buf[:0]
	failpoint.Hit("merge")
	return err
}
