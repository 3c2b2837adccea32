package list

import (
	"encoding/binary"
	"errors"
	"math"
)

// format is the version of the bytes that Append writes:
//
//	format, type of entries, type of values    a byte each
//	number of entries                          varint
//	of each entry, in the order of the keys:
//	  1: it has a value, 2: it expires         a byte, the sum of both
//	  length of the key, key                   varint, bytes
//	  length of the value, value               varint, bytes; if it has one
//	  expiry                                   varint, zigzag; if it expires
//
// The key is what key.go says. A value is its text; the 8 bytes of a number, least
// significant first; or 1 for true, 0 for false.
const format = 1

const (
	hasValue = 1 << iota
	expires
)

// leastEntry is the least number of bytes that an entry takes.
const leastEntry = 3

var errState = errors.New("list: the bytes are no list: they are damaged or cut off")

// Append appends the List to dst. Lists with the same entries give the same bytes,
// whatever their past. Entries that expired and are not freed are written too.
func (l *List) Append(dst []byte) []byte {
	dst = append(dst, format, byte(l.spec.Type), byte(l.spec.Value))
	dst = binary.AppendUvarint(dst, uint64(len(l.entries)))
	for _, i := range l.sorted() {
		dst = l.appendEntry(dst, int(i))
	}
	return dst
}

func (l *List) appendEntry(dst []byte, i int) []byte {
	e := &l.entries[i]
	flags := byte(0)
	if e.value > 0 {
		flags |= hasValue
	}
	if e.timer > 0 {
		flags |= expires
	}
	dst = appendText(append(dst, flags), l.key(i))
	if e.value > 0 {
		dst = appendText(dst, l.raw(i))
	}
	if e.timer > 0 {
		dst = binary.AppendVarint(dst, e.expires)
	}
	return dst
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// Decode makes the List whose bytes src begins with, and returns what follows them.
// The List behaves as the one that was written. Damaged bytes give an error.
func Decode(src []byte) (l *List, rest []byte, err error) {
	if len(src) < 3 || src[0] != format {
		return nil, nil, errState
	}
	if l, err = New(Spec{Kind(src[1]), Kind(src[2])}); err != nil {
		return nil, nil, errState
	}
	r := reader{src: src[3:]}
	n := r.count(leastEntry)
	if n > MaxEntries {
		return nil, nil, errState
	}
	l.entries = make([]entry, 0, n)
	l.slots = make([]uint64, slotsFor(n))
	var last string
	for range n {
		raw, key, e, ok := r.entry(l.spec)
		if !ok || key <= last || l.add(raw, len(key), e) != nil {
			return nil, nil, errState
		}
		last = key
	}
	if r.bad {
		return nil, nil, errState
	}
	return l, r.src, nil
}

// reader reads what Append wrote. Once something is wrong bad stays true.
type reader struct {
	src []byte
	raw []byte
	bad bool
}

// entry reads an entry. raw is its key and value; e lacks the text.
func (r *reader) entry(s Spec) (raw []byte, key string, e Entry, ok bool) {
	flags := r.take(1)
	if r.bad || flags[0] > hasValue|expires {
		return nil, "", e, false
	}
	key = string(r.take(r.count(1)))
	r.raw = append(r.raw[:0], key...)
	if flags[0]&hasValue != 0 {
		value := r.take(r.count(1))
		if r.bad || !s.soundValue(value) {
			return nil, "", e, false
		}
		r.raw = append(r.raw, value...)
		e.Value = s.value(string(value))
	}
	e.Expires = Never
	if flags[0]&expires != 0 {
		u := r.uint()
		e.Expires = int64(u>>1) ^ -int64(u&1)
		r.bad = r.bad || e.Expires == Never
	}
	return r.raw, key, e, !r.bad && s.soundKey(key)
}

// soundValue reports whether Append could have written the bytes of a value.
func (s Spec) soundValue(raw []byte) bool {
	switch s.Value {
	case String:
		return checkText("value", string(raw)) == nil
	case Number:
		if len(raw) != 8 {
			return false
		}
		f := math.Float64frombits(binary.LittleEndian.Uint64(raw))
		return !math.IsNaN(f) && !math.IsInf(f, 0)
	case Bool:
		return len(raw) == 1 && raw[0] <= 1
	}
	return false
}

func (r *reader) uint() uint64 {
	x, n := binary.Uvarint(r.src)
	if n <= 0 || n > 1 && r.src[n-1] == 0 {
		r.bad, r.src = true, nil
		return 0
	}
	r.src = r.src[n:]
	return x
}

// count reads how many things follow of at least size bytes each.
func (r *reader) count(size int) int {
	x := r.uint()
	if x > uint64(len(r.src)/size) {
		r.bad, r.src = true, nil
		return 0
	}
	return int(x)
}

func (r *reader) take(n int) []byte {
	if n > len(r.src) {
		r.bad, r.src = true, nil
		return nil
	}
	b := r.src[:n]
	r.src = r.src[n:]
	return b
}
