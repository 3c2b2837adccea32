package nfa

import (
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
)

// Runs as bytes (all numbers are varints, signed ones zigzag):
//
//	format                  2
//	flags                   1: a bound was reached
//	number of nodes, then for each, parents before children
//	    back                how far before it its parent stands; 0: no parent
//	    place
//	    event               minus its parent's, or as it is
//	    time                minus its parent's, or as it is
//	    flags               1: it has come out as a match; 2: another has gone on from it; 4: it was complete
//	    registers           Program.registers numbers
//	number of groups, then for each, in the order of their keys
//	    place, live, lifted, fresh
//	    soonest, latest         signed
//	    swept
//	    number of matches, then the node of each
//	number of held matches, then for each: node, last event, time
//
// What follows from these (first event, counts, limits of a match) is not stored.
// What a group knows of its limits may be wider than what its matches say; it decides
// when they are looked through, so Runs that were read look at the same times as
// those that were written.
const runsFormat = 2

var errRuns = errors.New("nfa: the bytes are no open matches of this program")

// AppendRuns appends r as bytes to dst. The same open matches give the same bytes.
func (p *Program) AppendRuns(dst []byte, r *Runs) []byte {
	if len(r.nodes) > 0 {
		r.compact(p)
	}
	dst = append(dst, runsFormat, byte(b2i(r.atBound && !r.Empty())))
	dst = binary.AppendUvarint(dst, uint64(len(r.nodes)))
	for i := range r.nodes {
		n := &r.nodes[i]
		back, event, at := int32(0), n.event, n.at
		if n.parent != 0 {
			back = int32(i+1) - n.parent
			event -= r.nodes[n.parent-1].event
			at -= r.nodes[n.parent-1].at
		}
		dst = binary.AppendUvarint(dst, uint64(back))
		dst = binary.AppendUvarint(dst, uint64(n.place))
		dst = binary.AppendUvarint(dst, uint64(event))
		dst = binary.AppendVarint(dst, at)
		dst = append(dst, byte(b2i(n.out)|b2i(n.parted)<<1|b2i(n.match)<<2))
		for _, v := range r.registers[i*p.registers : (i+1)*p.registers] {
			dst = binary.AppendVarint(dst, v)
		}
	}
	dst = binary.AppendUvarint(dst, uint64(len(r.groups)))
	for i := range r.groups {
		g := &r.groups[i]
		dst = binary.AppendUvarint(dst, uint64(g.place))
		dst = binary.AppendUvarint(dst, g.live)
		dst = binary.AppendUvarint(dst, g.lifted)
		dst = append(dst, byte(b2i(g.fresh)))
		dst = binary.AppendVarint(dst, g.soonest)
		dst = binary.AppendVarint(dst, g.latest)
		dst = binary.AppendUvarint(dst, uint64(g.swept))
		dst = binary.AppendUvarint(dst, uint64(len(g.runs)))
		for _, n := range g.runs {
			dst = binary.AppendUvarint(dst, uint64(n-1))
		}
	}
	dst = binary.AppendUvarint(dst, uint64(len(r.held)))
	for _, h := range r.held {
		dst = binary.AppendUvarint(dst, uint64(h.node-1))
		dst = binary.AppendUvarint(dst, uint64(h.last))
		dst = binary.AppendVarint(dst, h.at)
	}
	return dst
}

// DecodeRuns reads what AppendRuns wrote and returns what stands behind it. Bytes
// that this program cannot have written give an error.
func (p *Program) DecodeRuns(src []byte) (Runs, []byte, error) {
	d := decoder{src: src}
	if d.byte(runsFormat) != runsFormat {
		return Runs{}, nil, errRuns
	}
	r := Runs{atBound: d.byte(1) == 1}
	d.nodes(p, &r)
	m := Machine{prog: p, runs: &r}
	var before groupKey
	groups := d.count(8)
	r.groups = make([]group, 0, groups)
	for i := range groups {
		key := groupKey{place: int32(d.below(uint64(len(p.places))))}
		key.live, key.lifted, key.fresh = d.uint(), d.uint(), d.byte(1) == 1
		if d.bad || key.live == 0 || key.live&^allEdges(len(p.places[key.place].edges)) != 0 || i > 0 && key.compare(before) <= 0 {
			return Runs{}, nil, errRuns
		}
		before = key
		soonest, latest, swept := d.int(), d.int(), d.below(math.MaxInt32)
		k := d.count(1)
		if k == 0 {
			return Runs{}, nil, errRuns
		}
		for range k {
			n := d.node(&r)
			if d.bad || r.nodes[n-1].place != key.place {
				return Runs{}, nil, errRuns
			}
			limit := m.limitOf(n, key.live)
			if limit.soonest < soonest || limit.latest > latest {
				return Runs{}, nil, errRuns
			}
			r.put(key, n, limit)
		}
		g := &r.groups[len(r.groups)-1] // keys rise: the last is the one put
		g.soonest, g.latest, g.swept = soonest, latest, int(swept)
	}
	for range d.count(3) {
		r.held = append(r.held, held{d.node(&r), Event(d.uint()), d.int()})
	}
	if d.bad {
		return Runs{}, nil, errRuns
	}
	r.lived = len(r.nodes)
	return r, d.src, nil
}

// decoder reads numbers; once something is wrong bad stays true and all numbers
// are 0.
type decoder struct {
	src []byte
	bad bool
}

func (d *decoder) nodes(p *Program, r *Runs) {
	m := Machine{prog: p, runs: r}
	n := d.count(5 + p.registers)
	r.nodes = make([]node, 0, n)
	for i := range n {
		back := int32(d.below(uint64(i) + 1))
		pl := int32(d.below(uint64(len(p.places))))
		event, at := Event(d.uint()), d.int()
		flags := d.byte(7)
		if d.bad {
			return
		}
		before := node{at: math.MinInt64}
		n := node{place: pl, event: event, at: at, first: event, start: at, count: 1, length: 1, out: flags&1 != 0, parted: flags&2 != 0, match: flags&4 != 0}
		if back > 0 {
			n.parent = int32(i+1) - back
			before = r.nodes[n.parent-1]
			n.event, n.at = before.event+event, before.at+at
			n.first, n.start, n.length = before.first, before.start, before.length+1
			n.count = 1 + m.count(n.parent, p.places[pl].name)
		}
		if d.bad = n.event <= before.event || n.at < before.at || back > 0 && !before.parted; d.bad { // or ran over
			return
		}
		r.nodes = append(r.nodes, n)
		for range p.registers {
			r.registers = append(r.registers, d.int())
		}
	}
}

// node reads the number of a node.
func (d *decoder) node(r *Runs) int32 {
	if len(r.nodes) == 0 {
		d.bad = true
		return 1
	}
	return int32(d.below(uint64(len(r.nodes)))) + 1
}

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.src)
	if n <= 0 || n > 1 && bits.Len8(d.src[n-1]) == 0 {
		d.bad = true
		return 0
	}
	d.src = d.src[n:]
	return v
}

func (d *decoder) int() int64 {
	u := d.uint()
	return int64(u>>1) ^ -int64(u&1)
}

// below reads a number less than n.
func (d *decoder) below(n uint64) uint64 {
	v := d.uint()
	if v >= n {
		d.bad = true
		return 0
	}
	return v
}

// count reads how many things follow of at least size bytes each.
func (d *decoder) count(size int) int {
	v := d.uint()
	if v > uint64(len(d.src)/size) {
		d.bad = true
		return 0
	}
	return int(v)
}

// byte reads one byte of at most most.
func (d *decoder) byte(most byte) byte {
	if len(d.src) == 0 || d.src[0] > most {
		d.bad = true
		return 0
	}
	v := d.src[0]
	d.src = d.src[1:]
	return v
}
