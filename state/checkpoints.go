package state

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"go.etcd.io/bbolt"

	"weir/cep"
	"weir/cep/wire"
)

const (
	headsBucket = "heads"
	keptHeads   = 2
)

// Head says what a checkpoint is.
type Head struct {
	Number  uint64 // from 1, rising
	Mark    cep.Mark
	RulesAt uint64 // as of cep.Checkpoint
	SavedAt int64  // wall clock, nanoseconds since the epoch
	Fault   error  // the head itself is damaged: nothing but the number is known
	rules   part
	parts   []part // entries, the oldest first
}

// Bytes is what rules and state take, with what has been replaced since the base.
func (h *Head) Bytes() uint64 { return h.rules.size + h.entryBytes() }

func (h *Head) entryBytes() (n uint64) {
	for i := range h.parts {
		n += h.parts[i].size
	}
	return n
}

func readHead(key, value []byte) (Head, error) {
	r := unseal(key, value)
	var h Head
	if len(key) == 8 {
		h.Number = binary.BigEndian.Uint64(key)
	}
	h.Mark, h.RulesAt = readMark(&r), r.Uint()
	h.rules = readPart(&r)
	for range r.Count(36) {
		h.parts = append(h.parts, readPart(&r))
	}
	h.SavedAt = r.Int()
	return h, done(&r, headsBucket, key)
}

// newestHead is that of the newest checkpoint; there is one.
func newestHead(tx *bbolt.Tx) (Head, error) {
	return readHead(tx.Bucket([]byte(headsBucket)).Cursor().Last())
}

// add puts the head of a new checkpoint.
func (h *Head) add(tx *bbolt.Tx) (err error) {
	if h.Number, err = tx.Bucket([]byte(headsBucket)).NextSequence(); err != nil {
		return err
	}
	return h.put(tx)
}

func (h *Head) put(tx *bbolt.Tx) error {
	var w wire.Writer
	writeMark(&w, &h.Mark)
	w.Uint(h.RulesAt)
	h.rules.put(&w)
	w.Uint(uint64(len(h.parts)))
	for i := range h.parts {
		h.parts[i].put(&w)
	}
	w.Int(h.SavedAt)
	key := number(h.Number)
	return tx.Bucket([]byte(headsBucket)).Put(key, seal(key, w.B))
}

// sweep deletes parts that are of no checkpoint and that nobody uses, and, if keep is not 0, checkpoints but
// for the latest keep. While a head is damaged it is not known which parts are its own: they
// all stay.
func (s *Store) sweep(keep int) error {
	s.sweeping.Lock()
	defer s.sweeping.Unlock()
	var waste []uint64
	err := s.checkpoints.update(func(tx *bbolt.Tx) error {
		waste = nil
		heads := tx.Bucket([]byte(headsBucket))
		if keep > 0 {
			if err := dropHeads(heads, keep); err != nil {
				return err
			}
		}
		used, known := map[uint64]bool{}, true
		if err := heads.ForEach(func(key, value []byte) error {
			h, err := readHead(key, value)
			known = known && err == nil
			used[h.rules.number] = true
			for _, p := range h.parts {
				used[p.number] = true
			}
			return nil
		}); err != nil || !known {
			return err
		}
		return tx.Bucket([]byte(partsBucket)).ForEachBucket(func(key []byte) error {
			if len(key) != 8 {
				return nil
			}
			if n := binary.BigEndian.Uint64(key); !used[n] && !s.use.has(n) {
				waste = append(waste, n)
			}
			return nil
		})
	})
	for i := 0; i < len(waste) && err == nil; i++ {
		err = s.delete(waste[i])
	}
	return err
}

// dropHeads deletes heads but for the latest keep.
func dropHeads(heads *bbolt.Bucket, keep int) error {
	var keys [][]byte
	if err := heads.ForEach(func(key, _ []byte) error {
		keys = append(keys, slices.Clone(key))
		return nil
	}); err != nil {
		return err
	}
	for i := 0; i < len(keys)-keep; i++ {
		if err := heads.Delete(keys[i]); err != nil {
			return err
		}
	}
	return nil
}

// delete deletes a part, a segment at a time.
func (s *Store) delete(part uint64) error {
	for more := true; more; {
		err := s.checkpoints.update(func(tx *bbolt.Tx) error {
			all := tx.Bucket([]byte(partsBucket))
			b := all.Bucket(number(part))
			segment, _ := b.Cursor().First()
			if more = segment != nil; more {
				return b.DeleteBucket(segment)
			}
			return all.DeleteBucket(number(part))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// oldest is the least position of a checkpoint that is kept.
func (s *Store) oldest() (p cep.Position, err error) {
	heads, err := s.Checkpoints()
	for i, h := range heads {
		if h.Fault != nil {
			return cep.Position{}, h.Fault
		}
		if i == 0 || h.Mark.Position.Sequence < p.Sequence {
			p = h.Mark.Position
		}
	}
	return p, err
}

// Checkpoints lists the checkpoints, the newest first. One whose head is damaged has a
// Fault.
func (s *Store) Checkpoints() (list []Head, err error) {
	err = s.checkpoints.view(func(tx *bbolt.Tx) error {
		list = nil
		return tx.Bucket([]byte(headsBucket)).ForEach(func(key, value []byte) error {
			h, err := readHead(key, value)
			if err != nil {
				h = Head{Number: h.Number, Fault: err}
			}
			list = append(list, h)
			return nil
		})
	})
	slices.Reverse(list)
	return list, err
}

// Newest reports whether a checkpoint is the one that Begin adds changes to.
func (s *Store) Newest(h Head) (bool, error) {
	heads, err := s.Checkpoints()
	return err == nil && len(heads) > 0 && heads[0].Fault == nil && heads[0].Number == h.Number, err
}

// Load reads a checkpoint that Checkpoints listed. Every byte of it is checked.
func (s *Store) Load(h Head) (*cep.Checkpoint, error) {
	if h.Fault != nil {
		return nil, h.Fault
	}
	c := &cep.Checkpoint{Mark: h.Mark, RulesAt: h.RulesAt}
	var ahead sync.WaitGroup
	defer ahead.Wait()
	ahead.Go(func() { readAhead(s.checkpoints.db.Path()) })
	err := s.checkpoints.view(func(tx *bbolt.Tx) error {
		key := number(h.Number)
		now, err := readHead(key, tx.Bucket([]byte(headsBucket)).Get(key)) // its parts may have been merged
		if err != nil {
			return err
		}
		return now.load(tx, c)
	})
	if err != nil {
		return nil, fmt.Errorf("checkpoint %d, as of %v: %w", h.Number, h.Mark.Position, err)
	}
	return c, nil
}

func (h *Head) load(tx *bbolt.Tx, c *cep.Checkpoint) error {
	rules, err := h.rules.stored(tx)
	if err == nil {
		err = h.rules.verify(rules)
	}
	if err != nil {
		return err
	}
	c.Rules = []byte{}
	for _, chunk := range rules {
		c.Rules = append(c.Rules, chunk.bytes...)
	}
	chunks := make(map[uint64][]storedChunk, len(h.parts))
	for i := range h.parts {
		p := &h.parts[i]
		if chunks[p.number], err = p.stored(tx); err != nil {
			return err
		}
	}
	// While they are put together it is found out whether they are those that were written.
	var verifying sync.WaitGroup
	var wrong error
	defer verifying.Wait() // whatever happens: the chunks are valid as long as the transaction
	verifying.Go(func() { wrong = guard(func() error { return h.verify(chunks) }) })
	runs, err := runsOf(tx, h.parts, func(_, n uint64, p *part, _ []byte) ([]byte, error) {
		if all := chunks[p.number]; n < uint64(len(all)) {
			return all[n].bytes, nil
		}
		return nil, fmt.Errorf("part %d, chunk %d: %w", p.number, n, ErrDamaged)
	})
	if err == nil {
		c.State, c.Begins, err = cep.AssembleSections(runs, int(h.entryBytes()))
	}
	verifying.Wait()
	switch {
	case wrong != nil:
		return wrong
	case err != nil:
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return nil
}

// verify says whether the entries are those that were written.
func (h *Head) verify(chunks map[uint64][]storedChunk) error {
	for i := range h.parts {
		if err := h.parts[i].verify(chunks[h.parts[i].number]); err != nil {
			return err
		}
	}
	return nil
}
