package cep

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
)

// SortEntries appends the entries of src to dst by section and key, each once: the last of
// those with one key.
func SortEntries(dst, src []byte) ([]byte, error) {
	n := len(src)/128 + 1
	s := sorting{places: make([]entryPlace, 0, n), order: make([]entryOrder, 0, n)}
	var shared []sharedPrefix // by section
	for rest := src; len(rest) > 0; {
		e, after, err := ReadEntry(rest)
		if err != nil {
			return dst, err
		}
		i := slices.IndexFunc(shared, func(s sharedPrefix) bool { return s.section == e.Section })
		if i < 0 {
			i = len(shared)
			shared = append(shared, sharedPrefix{e.Section, e.Key})
		}
		shared[i].meet(e.Key)
		s.places = append(s.places, entryPlace{e.Key, len(src) - len(after)})
		s.order = append(s.order, entryOrder{section: e.Section, number: uint32(len(s.order)), first: uint64(i)})
		rest = after
	}
	for i := range s.order {
		o := &s.order[i]
		o.first = firstBytes(s.places[i].key[len(shared[o.first].prefix):])
	}
	slices.SortFunc(s.order, func(a, b entryOrder) int { return cmp.Or(s.compare(a, b), cmp.Compare(a.number, b.number)) })
	for i, o := range s.order {
		if i+1 < len(s.order) && s.compare(o, s.order[i+1]) == 0 {
			continue
		}
		begin := 0
		if o.number > 0 {
			begin = s.places[o.number-1].end
		}
		dst = append(dst, src[begin:s.places[o.number].end]...)
	}
	return dst, nil
}

// sorting are entries that are sorted.
type sorting struct {
	places []entryPlace // as they came
	order  []entryOrder
}

// entryPlace is where an entry lies.
type entryPlace struct {
	key []byte
	end int // in src; it begins where the one before ends
}

// entryOrder is what decides most often about the order of entries.
type entryOrder struct {
	first   uint64 // firstBytes of the key behind all that keys of its section share
	section uint32
	number  uint32 // its place
}

// compare orders entries by section and key.
func (s *sorting) compare(a, b entryOrder) int {
	switch {
	case a.section != b.section:
		return cmp.Compare(a.section, b.section)
	case a.first != b.first:
		return cmp.Compare(a.first, b.first)
	}
	return bytes.Compare(s.places[a.number].key, s.places[b.number].key)
}

// sharedPrefix is what all keys of a section begin with.
type sharedPrefix struct {
	section uint32
	prefix  []byte
}

func (s *sharedPrefix) meet(key []byte) {
	if bytes.HasPrefix(key, s.prefix) {
		return
	}
	n := 0
	for n < len(key) && key[n] == s.prefix[n] {
		n++
	}
	s.prefix = s.prefix[:n]
}

// firstBytes are the first eight bytes of a text as a number. Where two numbers differ, the
// texts stand in the order of the numbers.
func firstBytes(text []byte) uint64 {
	if len(text) >= 8 {
		return binary.BigEndian.Uint64(text)
	}
	var n uint64
	for i, b := range text {
		n |= uint64(b) << (56 - 8*i)
	}
	return n
}
