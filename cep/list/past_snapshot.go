package list

import (
	"encoding/binary"
	"math"

	"weir/cep/wire"
)

// What Past.Append writes:
//
//	number of changes                          varint
//	of each change, in their order:
//	  Stamp: After, Time                       varint, varint zigzag
//	  what was before: 0: no entry, 1: one,
//	    2: another list                        a byte
//	  length of the key, key                   varint, bytes; if there was no entry
//	  the entry                                as of a list; if there was one
//	  the list                                 as List.Append writes it
const (
	beforeNone = iota
	beforeEntry
	beforeList
)

// leastChange is the least number of bytes that a change takes.
const leastChange = 4

// Append appends the Past to dst. Pasts with the same changes give the same bytes.
func (p *Past) Append(dst []byte) []byte { return p.AppendAt(dst, math.MinInt64) }

// AppendAt appends the Past to dst without the changes whose Time is before t, and without
// the entries of lists that have expired at t: what Append gives after Forget and Advance.
func (p *Past) AppendAt(dst []byte, t int64) []byte {
	from := 0
	for from < len(p.changes) && p.changes[from].at.Time < t {
		from++
	}
	dst = binary.AppendUvarint(dst, uint64(len(p.changes)-from))
	for i := range p.changes[from:] {
		c := &p.changes[from+i]
		dst = binary.AppendUvarint(dst, c.at.After)
		dst = binary.AppendVarint(dst, c.at.Time)
		dst = c.was.append(dst, t)
	}
	return dst
}

func (b *Before) append(dst []byte, t int64) []byte {
	switch {
	case b.all != nil:
		return b.all.AppendAt(append(dst, beforeList), t)
	case !b.there:
		return appendText(append(dst, beforeNone), b.key)
	}
	flags := byte(0)
	if b.entry.Value.Kind != None {
		flags |= hasValue
	}
	if b.entry.Expires != Never {
		flags |= expires
	}
	dst = appendText(append(dst, beforeEntry, flags), b.key)
	if flags&hasValue != 0 {
		dst = appendText(dst, string(b.entry.Value.append(nil)))
	}
	if flags&expires != 0 {
		dst = binary.AppendVarint(dst, b.entry.Expires)
	}
	return dst
}

// DecodePast makes the Past of a List whose bytes src begins with, and returns what
// follows them. Its changes have Stamps from low to high, the Time of low and the After of
// high included. Damaged bytes give an error.
func DecodePast(s Spec, src []byte, low int64, high Stamp) (p Past, rest []byte, err error) {
	r := reader{Reader: wire.Reader{Src: src}}
	last := Stamp{Time: low}
	for range r.Count(leastChange) {
		at := Stamp{r.Uint(), r.Int()}
		was, ok := r.before(s)
		if !ok || at.After < last.After || at.Time < last.Time || at.After > high.After || at.Time > high.Time {
			return Past{}, nil, errState
		}
		p.Note(was, at)
		last = at
	}
	if r.Bad {
		return Past{}, nil, errState
	}
	return p, r.Src, nil
}

// before reads what a change replaced.
func (r *reader) before(s Spec) (b Before, ok bool) {
	switch r.Byte(beforeList) {
	case beforeList:
		l, rest, err := Decode(r.Src)
		if err != nil || l.spec != s {
			return b, false
		}
		r.Src = rest
		return l.BeforeAll(), true
	case beforeEntry:
		b.there = true
		_, b.key, b.entry, ok = r.entry(s)
	default:
		b.key = r.Text()
		ok = !r.Bad && s.soundKey(b.key)
	}
	b.prefix = s.Type == CIDR
	return b, ok
}
