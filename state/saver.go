package state

import (
	"crypto/sha256"
	"errors"
	"slices"

	"go.etcd.io/bbolt"

	"weir/cep"
	"weir/failpoint"
)

// segmentBytes is about what one transaction writes.
const segmentBytes = segmentChunks * chunkSize

// A new base is merged when what has changed since is more than a mergeShare-th of it, or lies
// in more than mostParts parts.
const (
	mergeShare = 2
	mostParts  = 360
)

var errNoBase = errors.New("state: there is no checkpoint that changes could be added to")

// saver stores a checkpoint.
type saver struct {
	s    *Store
	head Head
	part *filling
	buf  []byte // entries, as they came
	free []byte // memory for those sorted
}

// Begin begins to store a checkpoint, as cep.Checkpoints says. It is there once it is
// committed; the one before it stays, those before that are deleted.
func (s *Store) Begin(c *cep.Checkpoint, whole bool) (cep.CheckpointWriter, error) {
	if err := s.sweep(0); err != nil {
		return nil, err
	}
	w := &saver{s: s, head: Head{Mark: c.Mark, RulesAt: c.RulesAt, SavedAt: s.now()}}
	heads, err := s.Checkpoints()
	if err != nil {
		return nil, err
	}
	if !whole {
		if len(heads) == 0 || heads[0].Fault != nil {
			return nil, errNoBase
		}
		w.head.parts = slices.Clone(heads[0].parts)
	}
	if err := w.begin(c, heads); err != nil {
		return nil, errors.Join(err, w.Abort())
	}
	return w, nil
}

// begin stores the rules, unless the checkpoint before has the same, and makes a part.
func (w *saver) begin(c *cep.Checkpoint, heads []Head) error {
	if len(heads) > 0 && heads[0].Fault == nil && heads[0].rules.sum == sha256.Sum256(c.Rules) {
		w.head.rules = heads[0].rules
	} else {
		p, err := w.s.newPart()
		if err != nil {
			return err
		}
		f := newFilling(p)
		for some := range slices.Chunk(slices.Collect(slices.Chunk(c.Rules, chunkSize)), segmentChunks) {
			if err := f.add(w.s, some); err != nil {
				return err
			}
		}
		w.head.rules = f.done()
	}
	p, err := w.s.newPart()
	w.part = newFilling(p)
	return err
}

// Add is cep.CheckpointWriter. Entries are stored in transactions of about 10 MB.
func (w *saver) Add(entries []byte) error {
	if w.buf == nil {
		w.buf = make([]byte, 0, segmentBytes+segmentBytes/10)
	}
	w.buf = append(w.buf, entries...)
	if len(w.buf) < segmentBytes {
		return nil
	}
	return w.flush()
}

func (w *saver) flush() error {
	sorted, err := cep.SortEntries(w.free[:0], w.buf)
	if err != nil {
		return err
	}
	chunks, err := chunksOf(sorted)
	if err != nil {
		return err
	}
	if err := w.part.add(w.s, chunks); err != nil {
		return err
	}
	w.free, w.buf = sorted, w.buf[:0]
	failpoint.Hit("checkpoint")
	return nil
}

// Commit is cep.CheckpointWriter.
func (w *saver) Commit() (oldest cep.Position, err error) {
	if err := w.flush(); err != nil {
		return oldest, errors.Join(err, w.Abort())
	}
	w.head.parts = append(w.head.parts, w.part.done())
	if err := w.s.checkpoints.update(w.head.add); err != nil {
		return oldest, errors.Join(err, w.Abort())
	}
	failpoint.Hit("checkpointed")
	if err := w.s.sweep(keptHeads); err != nil {
		return oldest, err
	}
	w.buf, w.free = nil, nil
	if err := w.s.merge(&w.head); err != nil && !errors.Is(err, ErrNoSpace) { // it is tried again
		return oldest, err
	}
	return w.s.oldest()
}

// Abort is cep.CheckpointWriter. Without space deleting may fail too: then the next Begin
// does it.
func (w *saver) Abort() error { return w.s.sweep(0) }

// merge makes a new base of the parts of the newest checkpoint, if that is worth it. It
// becomes that of the checkpoint when it is whole, in transactions of about 10 MB.
func (s *Store) merge(h *Head) error {
	base := h.parts[0]
	if n := len(h.parts); n == 1 || n < mostParts && (h.entryBytes()-base.size)*mergeShare <= base.size {
		return nil
	}
	var runs []cep.Run
	if err := s.checkpoints.view(func(tx *bbolt.Tx) (err error) {
		runs, err = runsOf(tx, h.parts, s.chunk)
		return err
	}); err != nil {
		return err
	}
	p, err := s.newPart()
	if err != nil {
		return err
	}
	m := merging{s: s, part: newFilling(p)}
	if err = cep.Merge(runs, m.take); err == nil {
		err = m.flush()
	}
	if err != nil {
		return errors.Join(err, s.sweep(0))
	}
	m.part.sorted = true
	merged := *h
	merged.parts = []part{m.part.done()}
	if err := s.checkpoints.update(merged.put); err != nil {
		return errors.Join(err, s.sweep(0))
	}
	*h = merged
	failpoint.Hit("merged")
	return s.sweep(0)
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
	chunks, err := chunksOf(m.buf)
	if err == nil {
		err = m.part.add(m.s, chunks)
	}
	m.buf = m.buf[:0]
	failpoint.Hit("merge")
	return err
}
