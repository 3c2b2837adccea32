package list

import "math/bits"

// The slots of a List are a hash table with open addressing: an entry stands in the
// first free slot from the one that its hash names. A slot holds the hash in its upper
// half and the number of the entry, from 1, in its lower; 0 is free. So a search looks
// at an entry only where all 32 bits of the hash agree.

// leastSlots is the number of slots of a List with any entry.
const leastSlots = 8

// slotsFor is the number of slots for n entries: a power of two, at most 3/4 in use.
func slotsFor(n int) int {
	if n == 0 {
		return 0
	}
	slots := leastSlots
	for n > slots/4*3 {
		slots *= 2
	}
	return slots
}

// index returns the entry with a key, or -1.
func (l *List) index(key string) int {
	if len(l.slots) == 0 {
		return -1
	}
	h := hash(key)
	last := uint32(len(l.slots) - 1)
	for i := h & last; ; i = (i + 1) & last {
		s := l.slots[i]
		if s == 0 {
			return -1
		}
		if uint32(s>>32) == h {
			if at := int(uint32(s)) - 1; l.key(at) == key {
				return at
			}
		}
	}
}

// slot returns where entry i stands.
func (l *List) slot(i int) uint32 {
	want := l.entries[i].slot(i)
	last := uint32(len(l.slots) - 1)
	at := l.entries[i].hash & last
	for l.slots[at] != want {
		at = (at + 1) & last
	}
	return at
}

// occupy gives entry i, which has none, a slot.
func (l *List) occupy(i int) {
	last := uint32(len(l.slots) - 1)
	at := l.entries[i].hash & last
	for l.slots[at] != 0 {
		at = (at + 1) & last
	}
	l.slots[at] = l.entries[i].slot(i)
}

// vacate frees a slot and moves up those behind it that would not be found any more.
func (l *List) vacate(free uint32) {
	last := uint32(len(l.slots) - 1)
	for at := (free + 1) & last; l.slots[at] != 0; at = (at + 1) & last {
		home := uint32(l.slots[at]>>32) & last
		if (at-home)&last >= (at-free)&last { // it may stand at free: that is no earlier than home
			l.slots[free] = l.slots[at]
			free = at
		}
	}
	l.slots[free] = 0
}

// rehash makes slots for n entries and places those that are there.
func (l *List) rehash(n int) {
	l.slots = make([]uint64, slotsFor(n))
	for i := range l.entries {
		l.occupy(i)
	}
}

// seed begins every hash. It is the same in all processes, so that a List behaves the
// same; it is no secret.
const seed = 0x9e3779b97f4a7c15

// hash takes eight bytes at a time into a product, whose halves it folds.
func hash(s string) uint32 {
	h := seed ^ uint64(len(s))
	i := 0
	for ; i+8 <= len(s); i += 8 {
		h = mix(h, word(s, i))
	}
	if i < len(s) {
		w := uint64(0)
		for j := len(s) - 1; j >= i; j-- {
			w = w<<8 | uint64(s[j])
		}
		h = mix(h, w)
	}
	h = mix(h, 0)
	return uint32(h ^ h>>32)
}

func mix(h, w uint64) uint64 {
	high, low := bits.Mul64(h^0xa0761d6478bd642f, w^0xe7037ed1a0b428db)
	return high ^ low
}

// word reads eight bytes of s, the least significant first.
func word(s string, i int) uint64 {
	s = s[i : i+8]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}
