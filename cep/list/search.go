package list

import (
	"cmp"
	"iter"
	"slices"
	"strings"
)

// All gives the entries in order: texts by their bytes, numbers by size, prefixes by
// family, address and length. Those that expired and are not freed are among them.
func (l *List) All() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for _, i := range l.sorted() {
			if !yield(l.entry(int(i))) {
				return
			}
		}
	}
}

// Search gives the first limit entries, in order, whose text begins with prefix, which
// come after the entry after (empty: from the first on), and are there at t. It looks
// at every entry. after may be an entry that is gone; text that can be no entry is an
// error.
func (l *List) Search(prefix, after string, t int64, limit int) ([]Entry, error) {
	if limit <= 0 {
		return nil, nil
	}
	var first string // keys up to it are left out
	if after != "" {
		key, err := l.spec.appendKey(nil, after)
		if err != nil {
			return nil, err
		}
		first = string(key)
	}
	var found []uint32
	for i := range l.entries {
		key := l.key(i)
		if key <= first || !l.entries[i].there(t) || !strings.HasPrefix(l.spec.text(key), prefix) {
			continue
		}
		if found = append(found, uint32(i)); len(found) >= 2*limit {
			found = l.first(found, limit)
		}
	}
	found = l.first(found, limit)
	entries := make([]Entry, len(found))
	for n, i := range found {
		entries[n] = l.entry(int(i))
	}
	return entries, nil
}

// first sorts entries and keeps the first n.
func (l *List) first(found []uint32, n int) []uint32 {
	slices.SortFunc(found, func(a, b uint32) int { return strings.Compare(l.key(int(a)), l.key(int(b))) })
	return found[:min(n, len(found))]
}

// sorted returns the numbers of the entries in the order of their keys.
func (l *List) sorted() []uint32 {
	type item struct {
		head uint64 // the first eight bytes of the key
		i    uint32
	}
	items := make([]item, len(l.entries))
	for i := range items {
		items[i] = item{head(l.key(i)), uint32(i)}
	}
	slices.SortFunc(items, func(a, b item) int {
		if c := cmp.Compare(a.head, b.head); c != 0 {
			return c
		}
		return strings.Compare(l.key(int(a.i)), l.key(int(b.i)))
	})
	order := make([]uint32, len(items))
	for n := range items {
		order[n] = items[n].i
	}
	return order
}

// head is the first eight bytes of a key as a number, so that it sorts as the key.
func head(key string) uint64 {
	h := uint64(0)
	for i := range 8 {
		h <<= 8
		if i < len(key) {
			h |= uint64(key[i])
		}
	}
	return h
}
