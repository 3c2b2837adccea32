package cep

import (
	"hash/crc32"
	"unsafe"
)

// duplicates are the ids of events that were accepted, so that an event which comes once
// more is known. An id is known for as long as its event is not older than lateness, and
// in any case until leastIDs others have come after it. Ids go in the order in which they
// came, so that one may be known longer: until those that came before it have gone.
//
// An id takes the 16 bytes of a mark, in a ring, and a slot or two of a table. Neither has
// pointers, and both grow by doubling up to mostIDs; an event makes no garbage.
type duplicates struct {
	ring  []mark   // a power of two of them, by number
	tops  []int64  // the highest event time of each idBlock numbers; twice as many as the ring needs
	slots []uint64 // tag and number of a mark in the ring, from 1; 0 is free. Twice as many as marks
	first uint64   // number of the oldest id
	next  uint64   // number of the id to come
	saves idSaves

	touched uint64 // a sum of what fetch has touched, so that it is
}

const (
	leastIDs   = 10_000  // ids that are known in any case
	mostIDs    = 1 << 20 // ids that are known at most
	idBlock    = 64      // ids whose event times are kept as one, their highest
	firstMarks = 256     // of a new ring
	nearMarks  = 1 << 15 // slots that are in the cache anyway
)

// mark is an accepted event with an id: 96 bits of hash of its type and id, and CRC-32C of
// its line. Among mostIDs ids a new one is taken for one of them with a probability of
// 2^-76; it is then a conflict, and shown, but for one time in 2^32. A true conflict is
// taken for a duplicate with one of 2^-32.
type mark struct {
	id   uint64
	more uint32 // of the hash
	line uint32
}

// markOf is the mark of an event with an id; that of others is empty.
func markOf(e *Event) mark {
	if e.ID == "" {
		return mark{}
	}
	h := mix(hashOf(e.Name), uint64(len(e.ID)))
	raw := unsafe.Slice(unsafe.StringData(e.Raw), len(e.Raw))
	return mark{
		id:   hashFrom(h, e.ID),
		more: uint32(hashFrom(^h, e.ID) >> 32),
		line: crc32.Checksum(raw, castagnoli),
	}
}

// is reports whether two marks are of one type and id.
func (m mark) is(o mark) bool { return m.id == o.id && m.more == o.more }

// tag is what a slot has of a mark: the bits by which it is found.
func (m mark) tag() uint32 { return uint32(m.id >> 32) }

// len is the number of ids.
func (d *duplicates) len() int { return int(d.next - d.first) }

// at is the mark with a number.
func (d *duplicates) at(n uint64) *mark { return &d.ring[n&uint64(len(d.ring)-1)] }

// top is the highest event time of the marks around the one with a number.
func (d *duplicates) top(n uint64) *int64 { return &d.tops[n/idBlock&uint64(len(d.tops)-1)] }

// find returns the mark that has the id of m, and how many ids have come since, that one
// included; 0: there is none.
func (d *duplicates) find(m mark) (known mark, since uint64) {
	if d.first == d.next {
		return mark{}, 0
	}
	tag, mask := m.tag(), uint32(len(d.slots)-1)
	for i := tag & mask; d.slots[i] != 0; i = (i + 1) & mask {
		s := d.slots[i]
		if uint32(s>>32) != tag {
			continue
		}
		if k := d.ring[uint32(s)-1]; k.is(m) {
			return k, d.next - d.number(uint32(s)-1)
		}
	}
	return mark{}, 0
}

// fetch touches where ids to come are looked for, and as many of the oldest, which go for
// them, are: see ledger.fetch.
func (d *duplicates) fetch(lines []decoded) {
	if len(d.slots) < nearMarks {
		return
	}
	sum, mask := d.touched, uint32(len(d.slots)-1)
	for i := range lines {
		sum += d.slots[lines[i].mark.tag()&mask]
	}
	for n := d.first; n < min(d.first+uint64(len(lines)), d.next); n++ {
		sum += d.slots[d.at(n).tag()&mask]
	}
	d.touched = sum
}

// number is that of the mark at a place in the ring.
func (d *duplicates) number(place uint32) uint64 {
	mask := uint64(len(d.ring) - 1)
	return d.first + (uint64(place)-d.first)&mask
}

// forget lets ids go whose events are before low, but for the last leastIDs.
func (d *duplicates) forget(low int64) {
	for d.next-d.first > leastIDs && *d.top(d.first) < low {
		d.drop()
	}
}

// add takes in the mark of an event of time t, whose id is not known. It reports whether
// another had to go for it before its time.
func (d *duplicates) add(m mark, t int64) (early bool) {
	if d.len() == len(d.ring) {
		if early = d.len() == mostIDs; early {
			d.drop()
		} else {
			d.grow()
		}
	}
	top := d.top(d.next)
	if d.next%idBlock == 0 || d.first == d.next {
		*top = t
	}
	*top = max(*top, t)
	*d.at(d.next) = m
	d.put(m, d.next)
	d.next++
	return early
}

// put enters a mark into the table.
func (d *duplicates) put(m mark, n uint64) {
	mask := uint32(len(d.slots) - 1)
	i := m.tag() & mask
	for d.slots[i] != 0 {
		i = (i + 1) & mask
	}
	d.slots[i] = uint64(m.tag())<<32 | (n&uint64(len(d.ring)-1) + 1)
}

// drop lets the oldest id go.
func (d *duplicates) drop() {
	if d.first >= d.saves.from && d.first < d.saves.to {
		d.saveNext()
	}
	m := *d.at(d.first)
	slot := uint64(m.tag())<<32 | (d.first&uint64(len(d.ring)-1) + 1)
	mask := uint32(len(d.slots) - 1)
	i := m.tag() & mask
	for d.slots[i] != slot {
		i = (i + 1) & mask
	}
	// What follows and would no longer be found from its place moves up.
	for j := i; ; {
		j = (j + 1) & mask
		if d.slots[j] == 0 {
			break
		}
		if home := uint32(d.slots[j]>>32) & mask; (j-home)&mask >= (j-i)&mask {
			d.slots[i] = d.slots[j]
			i = j
		}
	}
	d.slots[i] = 0
	d.first++
}

// grow makes room for twice as many ids.
func (d *duplicates) grow() {
	old := *d
	size := max(firstMarks, 2*len(d.ring))
	d.ring, d.tops, d.slots = make([]mark, size), make([]int64, 2*size/idBlock), make([]uint64, 2*size)
	for n := d.first; n < d.next; n++ {
		*d.at(n), *d.top(n) = *old.at(n), *old.top(n)
		d.put(*d.at(n), n)
	}
}

// bytes is the memory that the ids take.
func (d *duplicates) bytes() int { return 16*len(d.ring) + 8*len(d.tops) + 8*len(d.slots) }

// repeats reports whether an event has an id that is known, and if so counts it: it is a
// duplicate, or where its line is another a conflict. m is the mark of the event.
func (g *Engine) repeats(e *Event, m mark, at Record, fx *Effects) bool {
	if g.order.started {
		g.ids.forget(g.order.low)
	}
	known, since := g.ids.find(m)
	if since == 0 {
		return false
	}
	kind := DuplicateEvent
	if known.line == m.line {
		g.stats.Duplicates++
	} else {
		kind = ConflictEvent
		g.stats.Conflicts++
		fx.Conflicts = append(fx.Conflicts, Conflict{Source: at.Source, Line: at.Line, Type: e.Name, ID: e.ID, Raw: e.Raw, First: known.line, Since: since})
	}
	if g.options.Trace != nil {
		g.options.Trace.Tell(&Told{Kind: kind, Event: e, Time: g.order.now, Source: at.Source, Line: at.Line})
	}
	return true
}

// remember makes the id of an accepted event known.
func (g *Engine) remember(e *Event, m mark) {
	if g.ids.add(m, e.Time) {
		g.stats.Unchecked++
	}
}

func (d *duplicates) append(w *writer) {
	blocks := uint64(0)
	if d.len() > 0 {
		blocks = (d.next-1)/idBlock - d.first/idBlock + 1
	}
	w.Uint(blocks)
	for n := d.first; n < d.next; {
		to := min(d.next, (n/idBlock+1)*idBlock)
		d.appendBlock(w, n, to)
		n = to
	}
}

// appendBounds writes the numbers of the oldest id and of the one to come.
func (d *duplicates) appendBounds(w *writer) {
	w.Uint(d.first)
	w.Uint(uint64(d.len()))
}

func (d *duplicates) readBounds(r *reader) {
	saves := d.saves
	*d = duplicates{first: r.Below(1 << 62), saves: saves}
	d.next = d.first + r.Below(mostIDs+1)
}

// read reads the ids, those of events up to now, whose numbers are known. A block may still
// have ids that have gone.
func (d *duplicates) read(r *reader, now int64) {
	end := d.next
	d.next = d.first
	for range r.Count(3) {
		n, count := r.Below(1<<62), r.Count(16)
		if n%idBlock+uint64(count) > idBlock || count == 0 {
			r.Fail()
			return
		}
		from := d.next
		for range count {
			id, rest := r.Fixed(), r.Fixed()
			m := mark{id: id, more: uint32(rest >> 32), line: uint32(rest)}
			if n++; r.Bad || n <= d.first {
				continue
			}
			if _, since := d.find(m); n != d.next+1 || since > 0 {
				r.Fail()
				return
			}
			d.add(m, now)
		}
		top := r.Int()
		if r.Bad || top > now {
			r.Fail()
			return
		}
		if from < d.next {
			*d.top(from) = top
		}
	}
	if d.next != end {
		r.Fail()
	}
}
