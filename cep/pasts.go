package cep

import "unsafe"

// pastKey is what the recent past of a key begins with.
type pastKey struct {
	text   []byte // the key
	hash   uint64
	number uint32   // among those of its space, from 1
	short  [24]byte // text, where it fits: it is in the cache with the rest then
}

func (k *pastKey) id() *pastKey { return k }

// key is the text of the key. It is valid until the past goes.
func (k *pastKey) key() string { return unsafe.String(unsafe.SliceData(k.text), len(k.text)) }

// pasts are those of the keys of a space, found as records are.
type pasts[T any, P interface {
	*T
	id() *pastKey
}] struct {
	segments [1 << segmentBits]segment
	all      []P // by number; those in free are memory for others, or nil
	free     []uint32
}

// len is the number of pasts.
func (ps *pasts[T, P]) len() int { return len(ps.all) - len(ps.free) }

func (ps *pasts[T, P]) find(text string, h uint64) P {
	p := &ps.segments[h>>(64-segmentBits)]
	if p.n == 0 {
		return nil
	}
	tag, mask := tagOf(h), uint32(len(p.slots)-1)
	for i := tag & mask; p.slots[i] != 0; i = (i + 1) & mask {
		if s := p.slots[i]; uint32(s>>32) == tag {
			if x := ps.all[uint32(s)-1]; x.id().key() == text {
				return x
			}
		}
	}
	return nil
}

// home is the slot from which the past with a hash is looked for.
func (ps *pasts[T, P]) home(h uint64) uint64 {
	p := &ps.segments[h>>(64-segmentBits)]
	if p.n == 0 {
		return 0
	}
	return p.slots[tagOf(h)&uint32(len(p.slots)-1)]
}

// guess is the past with a hash, or of another with the same tag; nil: there is none.
func (ps *pasts[T, P]) guess(h uint64) P {
	p := &ps.segments[h>>(64-segmentBits)]
	if p.n == 0 {
		return nil
	}
	tag, mask := tagOf(h), uint32(len(p.slots)-1)
	for i := tag & mask; p.slots[i] != 0; i = (i + 1) & mask {
		if s := p.slots[i]; uint32(s>>32) == tag {
			return ps.all[uint32(s)-1]
		}
	}
	return nil
}

// create makes the past of a key, which has none. It is empty, and may have memory.
func (ps *pasts[T, P]) create(text string, h uint64) P {
	var number uint32
	if n := len(ps.free); n > 0 {
		number = ps.free[n-1]
		ps.free = ps.free[:n-1]
	} else {
		ps.all = append(ps.all, nil)
		number = uint32(len(ps.all))
	}
	x := ps.all[number-1]
	if x == nil {
		x = new(T)
		ps.all[number-1] = x
	}
	k := x.id()
	if k.text == nil {
		k.text = k.short[:0]
	}
	k.text, k.hash, k.number = append(k.text[:0], text...), h, number
	p := &ps.segments[h>>(64-segmentBits)]
	if 4*(p.n+1) > 3*len(p.slots) {
		p.resize(max(leastSegment, 2*len(p.slots)))
	}
	p.put(uint64(tagOf(h))<<32 | uint64(number))
	p.n++
	return x
}

// drop takes a past out, which is empty. Its memory is kept for others, unless it is large
// or there is much of it.
func (ps *pasts[T, P]) drop(x P, large bool) {
	k := x.id()
	ps.segments[k.hash>>(64-segmentBits)].remove(tagOf(k.hash), k.number)
	if large || len(ps.free) > ps.len()+mostSpare {
		ps.all[k.number-1] = nil
	}
	ps.free = append(ps.free, k.number)
	k.number = 0
}

// each yields the pasts, in an order that means nothing.
func (ps *pasts[T, P]) each(yield func(P) bool) {
	for _, x := range ps.all {
		if x != nil && x.id().number > 0 && !yield(x) {
			return
		}
	}
}

// bytes is about the memory that finding them takes.
func (ps *pasts[T, P]) bytes() int {
	n := 8*cap(ps.all) + 4*cap(ps.free)
	for i := range ps.segments {
		n += 8 * len(ps.segments[i].slots)
	}
	return n
}
