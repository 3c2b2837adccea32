package state

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"

	"go.etcd.io/bbolt"

	"weir/cep"
	"weir/cep/wire"
	"weir/failpoint"
)

const (
	headsBucket  = "heads"
	chunksBucket = "chunks"

	chunkSize     = 512 << 10
	segmentChunks = 20 // a transaction writes or deletes so many chunks: 10 MB
	keptHeads     = 2
)

// Head says what a checkpoint is.
type Head struct {
	Number     uint64 // from 1, rising
	Mark       cep.Mark
	RulesAt    uint64 // as of cep.Checkpoint
	RulesSize  uint64 // bytes
	StateSize  uint64 // bytes
	NoState    bool   // cep.Checkpoint.State is nil
	SavedAt    int64  // wall clock, nanoseconds since the epoch
	Fault      error  // the head itself is damaged: nothing but the number is known
	hash       [32]byte
	chunkBytes uint64 // of a chunk, but for the last of the rules and of the state
}

// parts are the number of chunks of the rules and of the state.
func (h *Head) parts() (rules, all uint64) {
	rules = (h.RulesSize + h.chunkBytes - 1) / h.chunkBytes
	return rules, rules + (h.StateSize+h.chunkBytes-1)/h.chunkBytes
}

func readHead(key, value []byte) (Head, error) {
	r := unseal(key, value)
	var h Head
	if len(key) == 8 {
		h.Number = binary.BigEndian.Uint64(key)
	}
	h.Mark, h.RulesAt = readMark(&r), r.Uint()
	h.RulesSize, h.StateSize, h.NoState = r.Below(1<<48), r.Below(1<<48), r.Bool()
	h.chunkBytes = 1 + r.Below(1<<30)
	copy(h.hash[:], r.Take(len(h.hash)))
	h.SavedAt = r.Int()
	return h, done(&r, headsBucket, key)
}

func (h *Head) put(tx *bbolt.Tx) error {
	var w wire.Writer
	writeMark(&w, &h.Mark)
	w.Uint(h.RulesAt)
	w.Uint(h.RulesSize)
	w.Uint(h.StateSize)
	w.Bool(h.NoState)
	w.Uint(h.chunkBytes - 1)
	w.B = append(w.B, h.hash[:]...)
	w.Int(h.SavedAt)
	key := number(h.Number)
	return tx.Bucket([]byte(headsBucket)).Put(key, seal(key, w.B))
}

// Save stores a checkpoint, in transactions of about 10 MB; it is there with the last of
// them. The one before it stays, those before that are deleted. It gives the position of
// the oldest that is kept. It is one goroutine's at a time.
func (s *Store) Save(c *cep.Checkpoint) (oldest cep.Position, err error) {
	if err := s.sweep(0); err != nil {
		return oldest, err
	}
	h := Head{
		Mark: c.Mark, RulesAt: c.RulesAt, RulesSize: uint64(len(c.Rules)), StateSize: uint64(len(c.State)), NoState: c.State == nil,
		SavedAt: s.now(), chunkBytes: chunkSize, hash: hashOf(c),
	}
	if err := s.write(&h, c); err != nil {
		// What was written is of no use. Without space, deleting it may fail too: then
		// the next call does it.
		if errors.Is(err, ErrNoSpace) {
			err = errors.Join(err, s.sweep(0))
		}
		return oldest, err
	}
	failpoint.Hit("checkpointed")
	if err := s.sweep(keptHeads); err != nil {
		return oldest, err
	}
	return s.oldest()
}

// hashOf covers the rules, their length, and the state.
func hashOf(c *cep.Checkpoint) (sum [32]byte) {
	h := sha256.New()
	h.Write(number(uint64(len(c.Rules))))
	h.Write(c.Rules)
	h.Write(c.State)
	h.Sum(sum[:0])
	return sum
}

// write stores the chunks of a checkpoint, then its head.
func (s *Store) write(h *Head, c *cep.Checkpoint) error {
	err := s.checkpoints.update(func(tx *bbolt.Tx) error {
		all := tx.Bucket([]byte(chunksBucket))
		n, err := all.NextSequence()
		if err != nil {
			return err
		}
		h.Number = n
		_, err = all.CreateBucket(number(n))
		return err
	})
	if err != nil {
		return err
	}
	rest := slices.Concat(slices.Collect(slices.Chunk(c.Rules, chunkSize)), slices.Collect(slices.Chunk(c.State, chunkSize)))
	first := uint64(0)
	for chunks := range slices.Chunk(rest, segmentChunks) {
		err := s.checkpoints.update(func(tx *bbolt.Tx) error {
			b, err := tx.Bucket([]byte(chunksBucket)).Bucket(number(h.Number)).CreateBucket(number(first))
			for i := 0; i < len(chunks) && err == nil; i++ {
				err = b.Put(chunkKey(h.Number, first+uint64(i), chunks[i]), chunks[i])
			}
			return err
		})
		if err != nil {
			return err
		}
		first += uint64(len(chunks))
		failpoint.Hit("checkpoint")
	}
	return s.checkpoints.update(h.put)
}

// chunkKey is the number of a chunk and the checksum of all that says which one it is.
func chunkKey(checkpoint, n uint64, chunk []byte) []byte {
	key := number(n)
	sum := crc32.Update(sumOf(number(checkpoint), key), castagnoli, chunk)
	return binary.BigEndian.AppendUint32(key, sum)
}

// sweep deletes chunks that are of no checkpoint, and, if keep is not 0, checkpoints but
// for the latest keep.
func (s *Store) sweep(keep int) error {
	var waste []uint64
	err := s.checkpoints.update(func(tx *bbolt.Tx) error {
		waste = nil
		heads, chunks := tx.Bucket([]byte(headsBucket)), tx.Bucket([]byte(chunksBucket))
		if keep > 0 {
			if err := dropHeads(heads, keep); err != nil {
				return err
			}
		}
		return chunks.ForEachBucket(func(key []byte) error {
			if len(key) == 8 && heads.Get(key) == nil {
				waste = append(waste, binary.BigEndian.Uint64(key))
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

// delete deletes the chunks of a checkpoint that has no head, a segment at a time.
func (s *Store) delete(checkpoint uint64) error {
	for more := true; more; {
		err := s.checkpoints.update(func(tx *bbolt.Tx) error {
			all := tx.Bucket([]byte(chunksBucket))
			b := all.Bucket(number(checkpoint))
			segment, _ := b.Cursor().First()
			if more = segment != nil; more {
				return b.DeleteBucket(segment)
			}
			return all.DeleteBucket(number(checkpoint))
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

// Load reads a checkpoint that Checkpoints listed. Every byte of it is checked.
func (s *Store) Load(h Head) (*cep.Checkpoint, error) {
	if h.Fault != nil {
		return nil, h.Fault
	}
	c := &cep.Checkpoint{Mark: h.Mark, RulesAt: h.RulesAt}
	err := s.checkpoints.view(func(tx *bbolt.Tx) error { return h.load(tx, c) })
	if err != nil {
		return nil, fmt.Errorf("checkpoint %d, as of %v: %w", h.Number, h.Mark.Position, err)
	}
	return c, nil
}

func (h *Head) load(tx *bbolt.Tx, c *cep.Checkpoint) error {
	all := tx.Bucket([]byte(chunksBucket)).Bucket(number(h.Number))
	if all == nil || h.RulesSize+h.StateSize > uint64(tx.Size()) {
		return fmt.Errorf("its chunks are not there: %w", ErrDamaged)
	}
	c.Rules = make([]byte, 0, h.RulesSize)
	if !h.NoState {
		c.State = make([]byte, 0, h.StateSize)
	}
	rules, chunks := h.parts()
	next := uint64(0)
	err := all.ForEachBucket(func(segment []byte) error {
		return all.Bucket(segment).ForEach(func(key, chunk []byte) error {
			if string(key) != string(chunkKey(h.Number, next, chunk)) {
				return fmt.Errorf("chunk %d: %w", next, ErrDamaged)
			}
			into := &c.State
			if next < rules {
				into = &c.Rules
			}
			next++
			if next > chunks || len(chunk) > cap(*into)-len(*into) {
				return fmt.Errorf("chunk %d is one too many: %w", next-1, ErrDamaged)
			}
			*into = append(*into, chunk...)
			return nil
		})
	})
	if err == nil && (next != chunks || hashOf(c) != h.hash) {
		err = fmt.Errorf("its sum: %w", ErrDamaged)
	}
	return err
}
