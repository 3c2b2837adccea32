package feature

// ring is a queue of rows, each a few words long, in a block of Memory. The first word
// of a row is the time it is kept under; these never fall from the oldest to the newest.
// A Record holds three words of it.
type ring struct {
	mem     *Memory
	rows    []uint64 // the block; nil until it is looked at: it is far away in memory
	block   Ref
	room    int32 // in rows
	head, n int32
	width   int32 // words in a row
	oldest  int64 // the time of the oldest row, if there is one
	coarse  bool  // rows are panes of more than was asked for
}

const ringWords = 3

// coarseBit stands beside the numbers of rows.
const coarseBit = 1 << 63

// load reads what the words of a Record say of a ring into k, which is empty. A ring is
// not returned: copies of what was just written field by field make a processor wait.
func (k *ring) load(r *Record, words []uint64) {
	_ = words[ringWords-1]
	k.mem = r.mem
	k.block, k.room = Ref(words[0]), int32(words[0]>>32)
	k.n, k.head = int32(words[1]), int32(words[1]>>32&(coarseBit>>32-1))
	k.coarse = words[1]&coarseBit != 0
	k.oldest = int64(words[2])
}

// holds reports, without a look at the rows, whether all rows of a ring are kept under
// edge or later, so that none is to be dropped.
func holds(words []uint64, edge int64) bool {
	return int32(words[1]) == 0 || int64(words[2]) >= edge
}

// store is the reverse of load.
func (k *ring) store(words []uint64) {
	words[0] = uint64(k.block) | uint64(k.room)<<32
	words[1] = uint64(uint32(k.n)) | uint64(k.head)<<32
	if k.coarse {
		words[1] |= coarseBit
	}
	words[2] = uint64(k.oldest)
}

// row is the i-th from the oldest.
func (k *ring) row(i int) []uint64 {
	if k.rows == nil {
		k.rows = k.mem.Words(k.block, int(k.room*k.width))
	}
	at := k.head + int32(i)
	if at >= k.room {
		at -= k.room
	}
	return k.rows[at*k.width : (at+1)*k.width : (at+1)*k.width]
}

func (k *ring) len() int { return int(k.n) }

// at is the time that the i-th row is kept under.
func (k *ring) at(i int) int64 { return int64(k.row(i)[0]) }

// last is the newest row, if it is kept under at; else nil.
func (k *ring) last(at int64) []uint64 {
	if k.n == 0 {
		return nil
	}
	row := k.row(int(k.n) - 1)
	if int64(row[0]) != at {
		return nil
	}
	return row
}

// push appends a row of zeros that is kept under at.
func (k *ring) push(at int64) []uint64 {
	if k.n == k.room {
		k.resize(k.n + max(2, min(k.n, 16+k.n/8)))
	}
	if k.n == 0 {
		k.oldest = at
	}
	k.n++
	row := k.row(int(k.n) - 1)
	clear(row)
	row[0] = uint64(at)
	return row
}

// pop takes the oldest row away.
func (k *ring) pop() {
	k.head++
	if k.head == k.room {
		k.head = 0
	}
	k.n--
	switch {
	case k.room >= 16 && k.n < k.room/4 && !k.mem.steady:
		k.resize(k.n * 2)
	case k.n == 0:
		k.head = 0
	}
	if k.n > 0 {
		k.oldest = k.at(0)
	}
}

// before reports whether there is a row that is kept under a time before edge.
func (k *ring) before(edge int64) bool { return k.n > 0 && k.oldest < edge }

// popNewest takes the newest row away.
func (k *ring) popNewest() { k.n-- }

// resize moves the rows to a block with room for so many.
func (k *ring) resize(room int32) {
	var block Ref
	var words []uint64
	if room > 0 {
		block = k.mem.Take(int(room * k.width))
		words = k.mem.Words(block, int(room*k.width))
	}
	for i := range int(k.n) {
		copy(words[int32(i)*k.width:], k.row(i))
	}
	k.free()
	k.rows, k.block, k.head, k.room = words, block, 0, room
}

// free gives the block back.
func (k *ring) free() {
	if k.room > 0 && !k.mem.steady {
		k.mem.Give(k.block, int(k.room*k.width))
	}
	k.rows, k.block, k.head, k.room = nil, 0, 0, 0
}

// bytes is the memory of the rows.
func (k *ring) bytes() int { return 8 * int(k.room*k.width) }
