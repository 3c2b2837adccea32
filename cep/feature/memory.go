package feature

// Memory holds what Records keep, without pointers, so that millions of them cost the
// garbage collector nothing: blocks of words, which are given out and taken back by
// their size. What is rare or large stands beside them and is found by number. The
// zero Memory is empty. One goroutine uses it at a time.
type Memory struct {
	chunks    [][]uint64
	next, end uint32   // what the newest chunk still has to give
	free      []uint32 // by size: the first block that came back; its first word leads to the next
	large     numbered[[]uint64]
	texts     numbered[string]
	keeps     numbered[keep]
	taken     int             // words of chunks in blocks
	room      int             // words of chunks
	spelled   [mostFew]uint64 // a value that is looked for
	steady    bool            // rows that are taken away are not given back: Peek puts them back
}

// keep is what a feature keeps of a key beyond words.
type keep interface{ bytes() int }

// Ref is a block of a Memory; 0: none.
type Ref = uint32

const (
	chunkBits  = 15
	chunkWords = 1 << chunkBits // 256 KiB; a Ref reaches 2^17 of them, 32 GiB
	leastChunk = 1 << 6
	mostBlock  = 1 << 11 // words; a larger block is a slice of its own
)

// Take gives a block of n words, all 0; n is more than 0.
func (m *Memory) Take(n int) Ref {
	if n > mostBlock {
		return m.large.put(make([]uint64, n))
	}
	m.taken += n
	if n < len(m.free) && m.free[n] != 0 {
		b := m.free[n]
		words := m.Words(b, n)
		m.free[n] = Ref(words[0])
		clear(words)
		return b
	}
	if m.next+Ref(n) > m.end {
		m.grow(n)
	}
	b := m.next
	m.next += Ref(n)
	return b
}

// grow begins a chunk that has room for n words.
func (m *Memory) grow(n int) {
	if rest := int(m.end - m.next); rest > 0 {
		m.put(m.next, rest)
	}
	if len(m.chunks) == 1<<(32-chunkBits)-1 {
		panic("feature: the records of one kind of key take more than 32 GiB")
	}
	size := min(max(leastChunk, m.room), chunkWords) // as much as there is, up to a whole chunk
	for size < n+1 {
		size *= 2
	}
	m.next = Ref(len(m.chunks)) << chunkBits
	m.end = m.next + Ref(size)
	m.chunks = append(m.chunks, make([]uint64, size))
	m.room += size
	if m.next == 0 {
		m.next = 1 // no block is 0
	}
}

// Give takes a block of n words back.
func (m *Memory) Give(b Ref, n int) {
	if n > mostBlock {
		m.large.drop(b)
		return
	}
	m.taken -= n
	m.put(b, n)
}

func (m *Memory) put(b Ref, n int) {
	if n >= len(m.free) {
		m.free = append(m.free, make([]uint32, n+1-len(m.free))...)
	}
	m.Words(b, n)[0] = uint64(m.free[n])
	m.free[n] = b
}

// Words is a block of n words. It stays where it is until it is given back.
func (m *Memory) Words(b Ref, n int) []uint64 {
	if n > mostBlock {
		return m.large.all[b-1]
	}
	at := int(b & (chunkWords - 1))
	return m.chunks[b>>chunkBits][at : at+n : at+n]
}

// Room is the memory of chunks, in bytes.
func (m *Memory) Room() int { return 8 * m.room }

// Idle is the memory, in bytes, of chunks that is in no block.
func (m *Memory) Idle() int { return 8 * (m.room - m.taken) }

// numbered are things that words name by a number, from 1.
type numbered[T any] struct {
	all  []T
	free []uint32
}

func (s *numbered[T]) put(x T) uint32 {
	if n := len(s.free); n > 0 {
		i := s.free[n-1]
		s.free = s.free[:n-1]
		s.all[i-1] = x
		return i
	}
	s.all = append(s.all, x)
	return uint32(len(s.all))
}

func (s *numbered[T]) drop(i uint32) {
	var none T
	s.all[i-1] = none
	s.free = append(s.free, i)
}
