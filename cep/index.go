package cep

import "iter"

// index finds one in sixteen of the things in a table, by their hashes: where there are very
// many, so many say how large they are (Engine.weigh).
type index[T interface{ spotted() *uint32 }] struct{ all []T }

// indexBits is the number of bits of a hash that are 0 in what an index has.
const indexBits = 4

// add takes in a thing with a hash, if it is one of those.
func (x *index[T]) add(t T, hash uint64) {
	if hash>>(64-indexBits) != 0 {
		return
	}
	x.all = append(x.all, t)
	*t.spotted() = uint32(len(x.all))
}

// drop takes a thing out, if it is there.
func (x *index[T]) drop(t T) {
	spot := t.spotted()
	if *spot == 0 {
		return
	}
	last := len(x.all) - 1
	moved := x.all[last]
	x.all[*spot-1] = moved
	*moved.spotted() = *spot
	var none T
	x.all[last] = none
	x.all = x.all[:last]
	*spot = 0
}

// drawn is a thing with its hash.
type drawn[T any] struct {
	thing T
	hash  uint64
}

// draw takes all things, or where these are more than most, those whose hashes begin with so
// many zeros that there are no more. weight is how many things each of them stands for. part
// gives those that begin with indexBits zeros. Which ones are drawn depends on what there is
// alone; kept says whether something is there at all, and is asked of few.
func draw[T any](most int, all, part iter.Seq2[T, uint64], kept func(T) bool) (things []T, weight int64) {
	d := drawing[T]{most: most}
	if d.take(all, kept, 0); d.bits > 0 {
		d = drawing[T]{most: most, bits: indexBits}
		d.take(part, kept, 64)
	}
	for _, x := range d.all {
		things = append(things, x.thing)
	}
	return things, 1 << d.bits
}

// drawing is what has been drawn.
type drawing[T any] struct {
	all  []drawn[T]
	most int
	bits uint // zeros with which hashes begin
}

// take draws from things, until more zeros are needed than mostBits.
func (d *drawing[T]) take(things iter.Seq2[T, uint64], kept func(T) bool, mostBits uint) {
	for x, h := range things {
		if !d.has(h) || !kept(x) {
			continue
		}
		d.all = append(d.all, drawn[T]{x, h})
		for len(d.all) > d.most {
			if d.bits++; d.bits > mostBits {
				return
			}
			n := 0
			for _, y := range d.all {
				if d.has(y.hash) {
					d.all[n] = y
					n++
				}
			}
			clear(d.all[n:])
			d.all = d.all[:n]
		}
	}
}

func (d *drawing[T]) has(hash uint64) bool { return d.bits == 0 || hash>>(64-d.bits) == 0 }

func (ks *keyState) spotted() *uint32 { return &ks.spot }

func (rk *riskState) spotted() *uint32 { return &rk.spot }

// index takes a key that has been made into the index of its table, if there is a budget.
func (s *shard) index(ks *keyState) {
	if s.indexes != nil {
		s.indexes[ks.space].add(ks, hashOf(ks.text))
	}
}

// unindex takes a key out that goes.
func (s *shard) unindex(ks *keyState) {
	if s.indexes != nil {
		s.indexes[ks.space].drop(ks)
	}
}
