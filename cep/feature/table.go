package feature

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// table keeps the different values of a window, for distinct and seen, in the order
// of the times at which they last occurred. It is for those that are too many to stand
// in a few words (few.go).
type table struct {
	entries       []entry
	index         []uint32 // by hash: the tag of an entry, then its number and 1 in 16 bits; 0: free. A power of two of them, at most half full
	text          []byte   // the texts of the entries
	waste         int      // bytes of text that belong to none
	n             int
	least         int64  // when the oldest last occurred, or earlier: entries are far away in memory
	oldest, newer int32  // ends of the list by time; -1: none
	free          int32  // entries that are not in use, by next; -1: none
	lost          bool   // seen: values were let go at the bound,
	until         int64  // the last of them kept under that time
	hyper         *hyper // distinct: what stands for all of them beyond the bound
}

// entry is a value: what an Item holds, and when it last occurred.
type entry struct {
	last       int64
	bits       uint64 // of a text: where it begins
	size       uint32 // of a text: its length
	prev, next int32
	kind       Kind
	tag        uint16 // of its hash: says where it stands in the index
}

// Entries and texts lie far away in memory: the index tells nearly all values that are
// not the one looked for. Ten features of a million keys, some of them popular, took a
// twentieth to a tenth less of an event's time, JSON and ten rules included.
const (
	leastIndex = 8
	mostIndex  = 1 << 15 // what tags can tell apart

	_ = uint(mostIndex - 2*(mostKept+1)) // it is enough
)

func newTable() *table { return &table{oldest: -1, newer: -1, free: -1} }

// add notes that x occurred; it says whether that is kept more roughly than f asks
// for.
func (k *table) add(f *feature, stamp int64, x Item) (rough bool) {
	h := x.hash()
	if k.hyper != nil {
		k.hyper.add(h, floor(stamp, f.coarse))
		return !f.Approx
	}
	at := floor(stamp, f.Resolution)
	if e := k.find(x, h); e >= 0 {
		k.unlink(e)
		k.entries[e].last = at
		k.link(e)
		return false
	}
	if k.n == f.limit && f.Value == Distinct {
		k.estimate(f)
		k.hyper.add(h, floor(stamp, f.coarse))
		return !f.Approx
	}
	if rough = k.n == f.limit; rough {
		k.lost, k.until = true, k.entries[k.oldest].last
		k.remove(k.oldest)
	}
	k.insert(x, h, at)
	return rough
}

// estimate goes over to a sketch.
func (k *table) estimate(f *feature) {
	h := newHyper()
	for e := k.oldest; e >= 0; e = k.entries[e].next {
		x := k.item(e)
		h.add(x.hash(), floor(k.entries[e].last, f.coarse))
	}
	*k = *newTable()
	k.hyper = h
}

func (k *table) drop(f *feature, edge int64) {
	if k.hyper != nil {
		if k.hyper.drop(floor(edge, f.coarse)) {
			k.hyper = nil
		}
		return
	}
	if k.lost && k.until < floor(edge, f.Resolution) {
		k.lost = false
	}
	if k.n == 0 || k.least >= edge {
		return
	}
	edge = floor(edge, f.Resolution)
	for k.oldest >= 0 && k.entries[k.oldest].last < edge {
		k.remove(k.oldest)
	}
	if k.n == 0 {
		*k = *newTable()
		return
	}
	k.least = k.entries[k.oldest].last
	if len(k.entries) >= 64 && k.n < len(k.entries)/4 {
		k.rebuild()
	}
}

// count is how many different values there are.
func (k *table) count() int64 {
	if k.hyper != nil {
		return k.hyper.estimate()
	}
	return int64(k.n)
}

// seen reports whether x occurred; sure is false if it may have all the same.
func (k *table) seen(x Item) (yes, sure bool) {
	yes = k.find(x, x.hash()) >= 0
	return yes, yes || !k.lost
}

// item is the value of an entry. Its text is valid until the table changes.
func (k *table) item(e int32) Item {
	n := &k.entries[e]
	if !n.kind.textual() {
		return Item{Kind: n.kind, Bits: n.bits}
	}
	b := k.text[n.bits : n.bits+uint64(n.size)]
	return Item{Kind: n.kind, Text: unsafe.String(unsafe.SliceData(b), len(b))}
}

// find is the entry of x, whose hash is h; -1: none.
func (k *table) find(x Item, h uint64) int32 {
	if len(k.index) == 0 {
		return -1
	}
	tag, mask := uint16(h), uint32(len(k.index)-1)
	for i := uint32(tag) & mask; k.index[i] != 0; i = (i + 1) & mask {
		if uint16(k.index[i]>>16) != tag {
			continue
		}
		if e := numberOf(k.index[i]); k.item(e) == x {
			return e
		}
	}
	return -1
}

// insert puts in x, which is not there and is the newest.
func (k *table) insert(x Item, h uint64, at int64) {
	if 2*(k.n+1) > len(k.index) {
		k.reindex(max(leastIndex, 2*len(k.index)))
	}
	e := k.free
	if e >= 0 {
		k.free = k.entries[e].next
	} else {
		e = int32(len(k.entries))
		if len(k.entries) == cap(k.entries) {
			room := max(4, len(k.entries)+len(k.entries)/4)
			k.entries = append(make([]entry, 0, room), k.entries...)
		}
		k.entries = k.entries[:e+1]
	}
	n := &k.entries[e]
	*n = entry{last: at, kind: x.Kind, tag: uint16(h), bits: x.Bits}
	if x.Kind.textual() {
		n.bits, n.size = uint64(len(k.text)), uint32(len(x.Text))
		k.text = append(k.text, x.Text...)
	}
	k.link(e)
	k.note(e)
	k.n++
}

// numberOf is the number of the entry that the index has in a place.
func numberOf(place uint32) int32 { return int32(place&0xffff) - 1 }

// place is what the index has of an entry.
func (k *table) place(e int32) uint32 { return uint32(k.entries[e].tag)<<16 | uint32(e+1) }

// note puts an entry into the index.
func (k *table) note(e int32) {
	place, mask := k.place(e), uint32(len(k.index)-1)
	i := place >> 16 & mask
	for k.index[i] != 0 {
		i = (i + 1) & mask
	}
	k.index[i] = place
}

// remove takes an entry out.
func (k *table) remove(e int32) {
	place, mask := k.place(e), uint32(len(k.index)-1)
	i := place >> 16 & mask
	for k.index[i] != place {
		i = (i + 1) & mask
	}
	// What follows and would no longer be found from its place moves up.
	for j := i; ; {
		j = (j + 1) & mask
		if k.index[j] == 0 {
			break
		}
		if home := k.index[j] >> 16 & mask; (j-home)&mask >= (j-i)&mask {
			k.index[i] = k.index[j]
			i = j
		}
	}
	k.index[i] = 0
	k.unlink(e)
	n := &k.entries[e]
	if n.kind.textual() {
		k.waste += int(n.size)
	}
	*n = entry{next: k.free}
	k.free = e
	k.n--
	if k.waste > 256 && k.waste > len(k.text)/2 {
		k.compact()
	}
}

// link makes an entry the newest.
func (k *table) link(e int32) {
	n := &k.entries[e]
	n.prev, n.next = k.newer, -1
	if k.newer >= 0 {
		k.entries[k.newer].next = e
	} else {
		k.oldest, k.least = e, n.last
	}
	k.newer = e
}

func (k *table) unlink(e int32) {
	n := &k.entries[e]
	if n.prev >= 0 {
		k.entries[n.prev].next = n.next
	} else {
		k.oldest = n.next
	}
	if n.next >= 0 {
		k.entries[n.next].prev = n.prev
	} else {
		k.newer = n.prev
	}
}

// compact moves the texts together.
func (k *table) compact() {
	text := make([]byte, 0, 2*(len(k.text)-k.waste))
	for e := k.oldest; e >= 0; e = k.entries[e].next {
		if n := &k.entries[e]; n.kind.textual() {
			at := uint64(len(text))
			text = append(text, k.text[n.bits:n.bits+uint64(n.size)]...)
			n.bits = at
		}
	}
	k.text, k.waste = text, 0
}

// reindex makes the index anew, with room for half of size entries.
func (k *table) reindex(size int) {
	k.index = make([]uint32, size)
	for e := k.oldest; e >= 0; e = k.entries[e].next {
		k.note(e)
	}
}

// rebuild gives back the memory that the values no longer need.
func (k *table) rebuild() {
	to := newTable()
	to.entries = make([]entry, 0, k.n+k.n/4)
	to.lost, to.until = k.lost, k.until
	size := leastIndex
	for size < 2*(k.n+1) {
		size *= 2
	}
	to.index = make([]uint32, size)
	for e := k.oldest; e >= 0; e = k.entries[e].next {
		x := k.item(e)
		to.insert(x, x.hash(), k.entries[e].last)
	}
	*k = *to
}

func (k *table) newest(f *feature) (at, step int64, ok bool) {
	switch {
	case k.hyper != nil:
		return k.hyper.stamps[len(k.hyper.stamps)-1], f.coarse, true
	case k.newer >= 0:
		return k.entries[k.newer].last, f.Resolution, true
	}
	return 0, 0, false
}

func (k *table) bytes() int {
	n := int(unsafe.Sizeof(*k)) + cap(k.entries)*int(unsafe.Sizeof(entry{})) + 4*cap(k.index) + cap(k.text)
	if k.hyper != nil {
		n += k.hyper.bytes()
	}
	return n
}

// Odd numbers without a pattern: the fraction of the square roots of 2, 3, 5 and 7.
const (
	hash1 = 0x6a09e667f3bcc909
	hash2 = 0xbb67ae8584caa73b
	hash3 = 0x3c6ef372fe94f82b
	hash4 = 0xa54ff53a5f1d36f1
)

// hash spreads items over 64 bits, the same everywhere and always.
func (x *Item) hash() uint64 {
	h := mix(uint64(x.Kind)^hash1, uint64(len(x.Text))^hash2)
	s := x.Text
	for ; len(s) > 8; s = s[8:] {
		h = mix(h^word64(s), hash3)
	}
	var tail [8]byte
	copy(tail[:], s)
	h = mix(h^binary.LittleEndian.Uint64(tail[:]), hash3)
	return mix(h^x.Bits^hash4, hash2)
}

func word64(s string) uint64 {
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// mix multiplies two words and folds the product.
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo ^ bits.RotateLeft64(a, 32)
}
