package list

import (
	"encoding/binary"
	"errors"
	"math"

	"weir/cep/wire"
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
func (l *List) Append(dst []byte) []byte { return l.AppendAt(dst, math.MinInt64) }

// AppendAt appends the List to dst without the entries that have expired at t: what Append
// gives after Advance.
func (l *List) AppendAt(dst []byte, t int64) []byte {
	dst = append(dst, format, byte(l.spec.Type), byte(l.spec.Value))
	n := 0
	for i := range l.entries {
		if !l.expiredAt(i, t) {
			n++
		}
	}
	dst = binary.AppendUvarint(dst, uint64(n))
	for _, i := range l.sorted() {
		if !l.expiredAt(int(i), t) {
			dst = l.appendEntry(dst, int(i))
		}
	}
	return dst
}

func (l *List) expiredAt(i int, t int64) bool {
	return l.entries[i].timer > 0 && l.entries[i].expires <= t
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
	r := reader{Reader: wire.Reader{Src: src[3:]}}
	n := r.Count(leastEntry)
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
	if r.Bad {
		return nil, nil, errState
	}
	return l, r.Src, nil
}

// reader reads what Append wrote.
type reader struct {
	wire.Reader
	raw []byte // of the entry that was read last
}

// entry reads an entry. raw is its key and value; e lacks the text.
func (r *reader) entry(s Spec) (raw []byte, key string, e Entry, ok bool) {
	flags := r.Take(1)
	if r.Bad || flags[0] > hasValue|expires {
		return nil, "", e, false
	}
	key = string(r.Take(r.Count(1)))
	r.raw = append(r.raw[:0], key...)
	if flags[0]&hasValue != 0 {
		value := r.Take(r.Count(1))
		if r.Bad || !s.soundValue(value) {
			return nil, "", e, false
		}
		r.raw = append(r.raw, value...)
		e.Value = s.value(string(value))
	}
	e.Expires = Never
	if flags[0]&expires != 0 {
		e.Expires = r.Int()
		r.Bad = r.Bad || e.Expires == Never
	}
	return r.raw, key, e, !r.Bad && s.soundKey(key)
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
