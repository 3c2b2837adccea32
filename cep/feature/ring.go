package feature

// ring is a queue of rows, each a few words long. The first word of a row is the time
// it is kept under; these never fall from the oldest to the newest.
type ring struct {
	words         []uint64
	oldest        int64 // the time of the oldest row, if there is one: rows are far away in memory
	head, n, room int32 // in rows
	width         int32 // words in a row
}

// row is the i-th from the oldest.
func (r *ring) row(i int) []uint64 {
	at := r.head + int32(i)
	if at >= r.room {
		at -= r.room
	}
	return r.words[at*r.width : (at+1)*r.width : (at+1)*r.width]
}

func (r *ring) len() int { return int(r.n) }

// at is the time that the i-th row is kept under.
func (r *ring) at(i int) int64 { return int64(r.row(i)[0]) }

// last is the newest row, if it is kept under at; else nil.
func (r *ring) last(at int64) []uint64 {
	if r.n == 0 {
		return nil
	}
	row := r.row(int(r.n) - 1)
	if int64(row[0]) != at {
		return nil
	}
	return row
}

// push appends a row of zeros that is kept under at.
func (r *ring) push(at int64) []uint64 {
	if r.n == r.room {
		r.resize(r.n + max(2, min(r.n, 16+r.n/8)))
	}
	if r.n == 0 {
		r.oldest = at
	}
	r.n++
	row := r.row(int(r.n) - 1)
	clear(row)
	row[0] = uint64(at)
	return row
}

// pop takes the oldest row away.
func (r *ring) pop() {
	r.head++
	if r.head == r.room {
		r.head = 0
	}
	r.n--
	if r.n > 0 {
		r.oldest = r.at(0)
	}
	if r.room >= 64 && r.n < r.room/4 {
		r.resize(r.n * 2)
	}
}

// before reports whether there is a row that is kept under a time before edge.
func (r *ring) before(edge int64) bool { return r.n > 0 && r.oldest < edge }

// popNewest takes the newest row away.
func (r *ring) popNewest() { r.n-- }

// resize moves the rows to the front of memory for room of them.
func (r *ring) resize(room int32) {
	words := make([]uint64, room*r.width)
	for i := range int(r.n) {
		copy(words[int32(i)*r.width:], r.row(i))
	}
	r.words, r.head, r.room = words, 0, room
}

func (r *ring) bytes() int { return 8 * len(r.words) }
