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

var errNoBase = errors.New("state: there is no checkpoint that changes could be added to")

// saver stores a checkpoint.
type saver struct {
	s     *Store
	head  Head
	whole bool
	part  *filling
	made  []uint64 // parts
	buf   []byte   // entries, as they came
	free  []byte   // memory for those sorted
}

// Begin begins to store a checkpoint, as cep.Checkpoints says. It is there once it is
// committed; the one before it stays, those before that are deleted.
func (s *Store) Begin(c *cep.Checkpoint, whole bool) (cep.CheckpointWriter, error) {
	if err := errors.Join(s.bases.failed(), s.sweep(0)); err != nil {
		return nil, err
	}
	w := &saver{s: s, whole: whole, head: Head{Mark: c.Mark, RulesAt: c.RulesAt, SavedAt: s.now()}}
	heads, err := s.Checkpoints()
	if err != nil {
		return nil, err
	}
	if !whole && (len(heads) == 0 || heads[0].Fault != nil) {
		return nil, errNoBase
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
		p, err := w.newPart()
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
	p, err := w.newPart()
	w.part = newFilling(p)
	return err
}

func (w *saver) newPart() (part, error) {
	p, err := w.s.newPart()
	w.made = append(w.made, p.number)
	return p, err
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
	if err := w.s.checkpoints.update(w.add); err != nil {
		return oldest, errors.Join(err, w.Abort())
	}
	failpoint.Hit("checkpointed")
	w.s.written(w.made...)
	w.made, w.buf, w.free = nil, nil, nil
	if err := w.s.sweep(keptHeads); err != nil {
		return oldest, err
	}
	if err := errors.Join(w.s.bases.begin(w.s), w.s.bases.failed()); err != nil {
		return oldest, err
	}
	return w.s.oldest()
}

// add puts the head. What has changed is added to the parts of the newest checkpoint, which
// may have been merged since Begin.
func (w *saver) add(tx *bbolt.Tx) error {
	w.head.parts = nil
	if !w.whole {
		newest, err := newestHead(tx)
		if err != nil {
			return err
		}
		w.head.parts = newest.parts
	}
	w.head.parts = append(w.head.parts, w.part.done())
	return w.head.add(tx)
}

// Abort is cep.CheckpointWriter. Without space deleting may fail too: then the next Begin
// does it.
func (w *saver) Abort() error {
	w.s.written(w.made...)
	w.made = nil
	return w.s.sweep(0)
}
