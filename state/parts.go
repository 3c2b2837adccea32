package state

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/crc32"
	"sync"

	"go.etcd.io/bbolt"

	"weir/cep"
	"weir/cep/wire"
)

const (
	partsBucket = "parts"

	chunkSize     = 512 << 10
	segmentChunks = 20 // a transaction writes or deletes about so many chunks: 10 MB
)

// part is something that heads refer to: rules, or entries of a state. It is a bucket of
// segments of chunks. Chunks of entries have whole ones, and the entries of a segment are
// sorted.
type part struct {
	number uint64
	size   uint64 // bytes
	chunks uint64
	sorted bool // the entries of all segments together are sorted
	sum    [32]byte
}

func (p *part) put(w *wire.Writer) {
	w.Uint(p.number)
	w.Uint(p.size)
	w.Uint(p.chunks)
	w.Bool(p.sorted)
	w.B = append(w.B, p.sum[:]...)
}

func readPart(r *wire.Reader) (p part) {
	p.number, p.size, p.chunks, p.sorted = r.Uint(), r.Below(1<<48), r.Below(1<<48), r.Bool()
	copy(p.sum[:], r.Take(len(p.sum)))
	return p
}

// chunkKey is the number of a chunk and the checksum of all that says which one it is.
func chunkKey(part, n uint64, chunk []byte) []byte {
	key := number(n)
	sum := crc32.Update(sumOf(number(part), key), castagnoli, chunk)
	return binary.BigEndian.AppendUint32(key, sum)
}

// partUse says how often parts are written or read by somebody, so that they stay though no
// checkpoint may have them.
type partUse struct {
	mu sync.Mutex
	of map[uint64]int
}

func (u *partUse) add(n int, parts ...uint64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.of == nil {
		u.of = map[uint64]int{}
	}
	for _, p := range parts {
		if u.of[p] += n; u.of[p] == 0 {
			delete(u.of, p)
		}
	}
}

func (u *partUse) has(part uint64) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.of[part] > 0
}

// keep lets parts stay until they are written.
func (s *Store) keep(parts ...uint64) { s.use.add(1, parts...) }

func (s *Store) written(parts ...uint64) { s.use.add(-1, parts...) }

// newPart makes a part that has nothing yet. It stays until it is written.
func (s *Store) newPart() (p part, err error) {
	err = s.checkpoints.update(func(tx *bbolt.Tx) error {
		all := tx.Bucket([]byte(partsBucket))
		n, err := all.NextSequence()
		if err != nil {
			return err
		}
		p = part{number: n}
		if _, err = all.CreateBucket(number(n)); err == nil {
			s.keep(n) // before sweep can see it
		}
		return err
	})
	return p, err
}

// filling is a part that is being written.
type filling struct {
	part
	hash hash.Hash
}

func newFilling(p part) *filling { return &filling{p, sha256.New()} }

// add stores a segment, in one transaction.
func (f *filling) add(s *Store, chunks [][]byte) error {
	if len(chunks) == 0 {
		return nil
	}
	err := s.checkpoints.update(func(tx *bbolt.Tx) error {
		b, err := tx.Bucket([]byte(partsBucket)).Bucket(number(f.number)).CreateBucket(number(f.chunks))
		for i := 0; i < len(chunks) && err == nil; i++ {
			err = b.Put(chunkKey(f.number, f.chunks+uint64(i), chunks[i]), chunks[i])
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, chunk := range chunks {
		f.hash.Write(chunk)
		f.size += uint64(len(chunk))
	}
	f.chunks += uint64(len(chunks))
	return nil
}

// done is the part as it is now.
func (f *filling) done() part {
	f.hash.Sum(f.sum[:0])
	return f.part
}

// chunksOf cuts sorted entries into chunks of whole ones.
func chunksOf(sorted []byte) (chunks [][]byte, err error) {
	for begun, rest := sorted, sorted; len(rest) > 0; {
		if _, rest, err = cep.ReadEntry(rest); err != nil {
			return nil, err
		}
		if n := len(begun) - len(rest); n >= chunkSize || len(rest) == 0 {
			chunks = append(chunks, begun[:n])
			begun = rest
		}
	}
	return chunks, nil
}

// storedChunk is a chunk as it lies in the file, with its key: valid as long as the transaction.
type storedChunk struct{ key, bytes []byte }

// stored are the chunks of a part, in order. Whether they are those that were written verify
// says.
func (p *part) stored(tx *bbolt.Tx) (chunks []storedChunk, err error) {
	all := tx.Bucket([]byte(partsBucket)).Bucket(number(p.number))
	if all == nil || p.size > uint64(tx.Size()) {
		return nil, fmt.Errorf("part %d is not there: %w", p.number, ErrDamaged)
	}
	err = all.ForEachBucket(func(segment []byte) error {
		if !bytes.Equal(segment, number(uint64(len(chunks)))) {
			return fmt.Errorf("part %d has the segment %x: %w", p.number, segment, ErrDamaged)
		}
		return all.Bucket(segment).ForEach(func(key, chunk []byte) error {
			chunks = append(chunks, storedChunk{key, chunk})
			return nil
		})
	})
	return chunks, err
}

// verify says whether chunks are those that were written.
func (p *part) verify(chunks []storedChunk) error {
	sum, size := sha256.New(), uint64(0)
	for n, c := range chunks {
		if !bytes.Equal(c.key, chunkKey(p.number, uint64(n), c.bytes)) {
			return fmt.Errorf("part %d, chunk %d: %w", p.number, n, ErrDamaged)
		}
		sum.Write(c.bytes)
		size += uint64(len(c.bytes))
	}
	if uint64(len(chunks)) != p.chunks || size != p.size || !bytes.Equal(sum.Sum(nil), p.sum[:]) {
		return fmt.Errorf("part %d, its sum: %w", p.number, ErrDamaged)
	}
	return nil
}

// segments are the numbers of the first chunks of the segments of a part, and the number of
// chunks.
func (p *part) segments(tx *bbolt.Tx) (firsts []uint64, err error) {
	all := tx.Bucket([]byte(partsBucket)).Bucket(number(p.number))
	if all == nil {
		return nil, fmt.Errorf("part %d is not there: %w", p.number, ErrDamaged)
	}
	err = all.ForEachBucket(func(segment []byte) error {
		if len(segment) != 8 {
			return fmt.Errorf("part %d has the segment %x: %w", p.number, segment, ErrDamaged)
		}
		firsts = append(firsts, binary.BigEndian.Uint64(segment))
		return nil
	})
	return firsts, err
}

// run gives the entries of segments of a part that are sorted together. It reads a chunk at a
// time.
type run struct {
	part     *part
	segments []uint64 // the first is that of next
	next     uint64   // chunk
	end      uint64   // after the last
	rest     []byte   // entries of the chunk before
	read     func(segment, n uint64, p *part, memory []byte) ([]byte, error)
	memory   []byte // for read
}

// Next is cep.Run.
func (r *run) Next() (e cep.Entry, ok bool, err error) {
	for len(r.rest) == 0 {
		if r.next >= r.end {
			return e, false, nil
		}
		for len(r.segments) > 1 && r.segments[1] <= r.next {
			r.segments = r.segments[1:]
		}
		if r.rest, err = r.read(r.segments[0], r.next, r.part, r.memory); err != nil {
			return e, false, err
		}
		r.memory = r.rest
		r.next++
	}
	if e, r.rest, err = cep.ReadEntry(r.rest); err != nil {
		return e, false, fmt.Errorf("part %d, chunk %d: %w: %w", r.part.number, r.next-1, ErrDamaged, err)
	}
	return e, true, nil
}

// runs are those of parts, the oldest first. read gives a chunk; it may use the memory of the
// one before.
func runsOf(tx *bbolt.Tx, parts []part, read func(segment, n uint64, p *part, memory []byte) ([]byte, error)) (runs []cep.Run, err error) {
	for i := range parts {
		p := &parts[i]
		firsts, err := p.segments(tx)
		if err != nil {
			return nil, err
		}
		if p.sorted && len(firsts) > 0 {
			runs = append(runs, &run{part: p, segments: firsts, next: firsts[0], end: p.chunks, read: read})
			continue
		}
		for k := range firsts {
			end := p.chunks
			if k+1 < len(firsts) {
				end = firsts[k+1]
			}
			runs = append(runs, &run{part: p, segments: firsts[k : k+1], next: firsts[k], end: end, read: read})
		}
	}
	return runs, nil
}

// chunkIn is a chunk as it lies in the file; it is valid as long as the transaction.
func chunkIn(tx *bbolt.Tx, segment, n uint64, p *part) ([]byte, error) {
	all := tx.Bucket([]byte(partsBucket)).Bucket(number(p.number))
	if all != nil {
		if b := all.Bucket(number(segment)); b != nil {
			key, chunk := b.Cursor().Seek(number(n))
			if key != nil && bytes.Equal(key, chunkKey(p.number, n, chunk)) {
				return chunk, nil
			}
		}
	}
	return nil, fmt.Errorf("part %d, chunk %d: %w", p.number, n, ErrDamaged)
}
