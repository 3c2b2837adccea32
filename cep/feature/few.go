package feature

import (
	"encoding/binary"
	"slices"
)

// The different values of a window stand in a block of words as long as they are few:
// one behind the other in the order in which they last occurred, each as that time, its
// kind and the length of its text, and the text or the bits. Of a body the first word is
// the block and its size, the second how many words are used and how many values there
// are, the third the time of the oldest. Many go over to a table; of it there is the
// number, with a mark.

const (
	tableWords = 3
	leastFew   = 8
	mostFew    = 64 // words of values: more are searched faster by a table
	manyBit    = 1 << 63
)

// few are values in words.
type few struct {
	mem   *Memory
	words []uint64 // those in use
	block Ref
	room  int
	n     int
}

// load reads what a body says of values into k, which is empty: see ring.load.
func (k *few) load(r *Record, body []uint64) {
	k.mem, k.block, k.room, k.n = r.mem, Ref(body[0]), int(body[0]>>32), int(body[1]>>32)
	if k.room > 0 {
		k.words = r.mem.Words(k.block, k.room)[:uint32(body[1])]
	}
}

func (k *few) store(body []uint64) {
	body[0] = uint64(k.block) | uint64(k.room)<<32
	body[1] = uint64(len(k.words)) | uint64(k.n)<<32
	if k.n > 0 {
		body[2] = k.words[0]
	}
}

func (k *few) free() {
	if k.room > 0 {
		k.mem.Give(k.block, k.room)
	}
}

// many is the table of a body; nil: its values are few.
func (r *Record) many(body []uint64) *table {
	if body[1]&manyBit == 0 {
		return nil
	}
	return r.mem.keeps.all[body[0]-1].(*table)
}

// spell writes x without its time to dst, which is empty; false: it is too long.
func (x *Item) spell(dst *[mostFew]uint64) ([]uint64, bool) {
	if !x.Kind.textual() {
		dst[0], dst[1] = uint64(x.Kind), x.Bits
		return dst[:2], true
	}
	s := x.Text
	size := (len(s) + 7) / 8
	if size > mostFew-2 {
		return nil, false
	}
	dst[0] = uint64(x.Kind) | uint64(len(s))<<8
	i := 1
	for ; len(s) >= 8; s = s[8:] {
		dst[i] = word64(s)
		i++
	}
	switch rest := len(s); {
	case rest > 0 && i > 1:
		dst[i] = word64(x.Text[len(x.Text)-8:]) >> (64 - 8*rest)
	case rest > 0:
		dst[i] = 0
		for j := range rest {
			dst[i] |= uint64(s[j]) << (8 * j)
		}
	}
	return dst[:1+size], true
}

// item is the value that spell wrote.
func spelled(words []uint64) Item {
	kind := Kind(words[0])
	if !kind.textual() {
		return Item{Kind: kind, Bits: words[1]}
	}
	text := make([]byte, 0, 8*len(words))
	for _, w := range words[1:] {
		text = binary.LittleEndian.AppendUint64(text, w)
	}
	return Item{Kind: kind, Text: string(text[:words[0]>>8])}
}

// size is the number of words of the value that begins at i, with its time.
func (k *few) size(i int) int {
	meta := k.words[i+1]
	if !Kind(meta).textual() {
		return 3
	}
	return 2 + int(meta>>8+7)/8
}

// find is where a value begins; -1: it is not there.
func (k *few) find(x []uint64) int {
	words, meta := k.words, x[0]
	for i := 0; i < len(words); i += k.size(i) {
		if words[i+1] == meta && slices.Equal(words[i+2:i+1+len(x)], x[1:]) {
			return i
		}
	}
	return -1
}

// drop forgets the values that last occurred before edge.
func (k *few) drop(edge int64) {
	i := 0
	for i < len(k.words) && int64(k.words[i]) < edge {
		i += k.size(i)
		k.n--
	}
	k.cut(0, i)
}

// cut takes so many words out.
func (k *few) cut(i, n int) {
	if n > 0 {
		copy(k.words[i:], k.words[i+n:])
		k.words = k.words[:len(k.words)-n]
	}
}

// push appends a value that occurred at at; false: there are too many then.
func (k *few) push(at int64, x []uint64) bool {
	n := len(k.words)
	size := n + 1 + len(x)
	if size > k.room {
		if size > mostFew {
			return false
		}
		room := max(leastFew, k.room)
		for room < size {
			room += room / 2
		}
		room = min(room, mostFew)
		block := k.mem.Take(room)
		words := k.mem.Words(block, room)
		copy(words, k.words)
		k.free()
		k.block, k.room, k.words = block, room, words[:n]
	}
	k.words = k.words[:size]
	k.words[n] = uint64(at)
	copy(k.words[n+1:], x)
	k.n++
	return true
}

// addValue notes that x occurred; it says whether that is kept more roughly than the
// feature asks for.
func (f *feature) addValue(r *Record, body []uint64, stamp, edge int64, x Item) (rough bool) {
	f.dropValues(r, body, edge)
	if k := r.many(body); k != nil {
		return k.add(f, stamp, x)
	}
	var k few
	k.load(r, body)
	at := floor(stamp, f.Resolution)
	words, short := x.spell(&r.mem.spelled)
	if short {
		if i := k.find(words); i >= 0 {
			k.cut(i, k.size(i))
			k.n--
		}
		if k.n < f.limit && k.push(at, words) {
			k.store(body)
			return false
		}
	}
	t := newTable()
	for i := 0; i < len(k.words); i += k.size(i) {
		y := spelled(k.words[i+1 : i+k.size(i)])
		t.insert(y, y.hash(), int64(k.words[i]))
	}
	k.free()
	body[0], body[1], body[2] = uint64(r.mem.keeps.put(t)), manyBit, 0
	return t.add(f, stamp, x)
}

// dropValues forgets those that last occurred before edge. Without any the words are
// used again.
func (f *feature) dropValues(r *Record, body []uint64, edge int64) {
	if f.single {
		return
	}
	if t := r.many(body); t != nil {
		if t.drop(f, edge); t.empty() {
			f.freeTable(r, body)
			clear(body)
		}
		return
	}
	if uint32(body[1]) == 0 || int64(body[2]) >= edge {
		return
	}
	var k few
	k.load(r, body)
	k.drop(floor(edge, f.Resolution))
	if k.n == 0 && k.room > leastFew {
		k.free()
		clear(body)
		return
	}
	k.store(body)
}

func (f *feature) readTable(r *Record, body []uint64, edge int64, x Item) (Item, bool) {
	f.dropValues(r, body, edge)
	if t := r.many(body); t != nil {
		if f.Value == Seen {
			yes, sure := t.seen(x)
			return BoolItem(yes), !sure
		}
		return NumberItem(float64(t.count())), t.hyper != nil && !f.Approx
	}
	if f.Value == Distinct {
		return NumberItem(float64(body[1] >> 32)), false
	}
	var k few
	k.load(r, body)
	words, short := x.spell(&r.mem.spelled)
	return BoolItem(short && k.find(words) >= 0), false
}

// newestValue is when the newest value occurred.
func (f *feature) newestValue(r *Record, body []uint64) (at, step int64, kept bool) {
	if t := r.many(body); t != nil {
		return t.newest(f)
	}
	var k few
	k.load(r, body)
	for i := 0; i < len(k.words); i += k.size(i) {
		at = int64(k.words[i])
	}
	return at, f.Resolution, k.n > 0
}

func (f *feature) freeTable(r *Record, body []uint64) {
	if r.many(body) != nil {
		r.freeKeep(body[0])
		return
	}
	var k few
	k.load(r, body)
	k.free()
}

func (f *feature) tableBytes(r *Record, body []uint64) int {
	if r.many(body) != nil {
		return r.keepBytes(body[0])
	}
	return 8 * int(body[0]>>32)
}
