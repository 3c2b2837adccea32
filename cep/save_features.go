package cep

import (
	"math"
	"strings"

	"weir/cep/feature"
)

// recordSaves is what records have to save (see epoch). They are listed by the hashes of
// their keys, as their blocks may be given to others.
type recordSaves struct {
	epoch   *epoch // nil: there are no freezes
	of      *ledger
	space   int
	section int
	hashes  changed[uint64]

	// While a state is read other parts of it may be, too: then those that go are noted here
	// and told later.
	apart bool
	gone  []string
}

func dirtyOf(word uint64) dirty { return dirty(word >> dirtyAt & 3) }

// change notes that a record changes now.
func (rs *records) change(r *record) {
	if p := rs.saves.epoch; p != nil && dirtyOf(r.head[0])&p.now == 0 {
		rs.keep(r)
		r.head[0] |= uint64(p.now) << dirtyAt
		rs.saves.hashes.add(hashOf(rs.text(r)))
	}
}

// keep notes that a record may forget something now, as time has come for it.
func (rs *records) keep(r *record) {
	if p := rs.saves.epoch; p != nil && dirtyOf(r.head[0])&p.was != 0 {
		r.head[0] &^= uint64(p.was) << dirtyAt
		rs.save(r)
	}
}

func (rs *records) save(r *record) {
	p, text := rs.saves.epoch, rs.text(r)
	if rs.plan.Trim(&r.kept, rs.saves.of.lookedAt(rs.saves.space, text, p.low)) {
		p.none(rs.saves.section, p.text(text))
		return
	}
	p.w.Text(text)
	p.w.B = rs.plan.Append(p.w.B, &r.kept)
	p.put(rs.saves.section, p.text(text))
}

// goes notes that a record is dropped.
func (rs *records) goes(r *record, text string) {
	p := rs.saves.epoch
	switch {
	case p == nil:
	case rs.saves.apart:
		rs.saves.gone = append(rs.saves.gone, strings.Clone(text))
	default:
		rs.keep(r)
		p.forget(rs.saves.section, p.text(text))
	}
}

// tellGone notes those that were dropped while other parts of the state were read.
func (rs *records) tellGone() {
	for _, text := range rs.saves.gone {
		p := rs.saves.epoch
		p.forget(rs.saves.section, p.text(text))
	}
	rs.saves.apart, rs.saves.gone = false, nil
}

// saveSome saves up to n records; false: there are no more.
func (rs *records) saveSome(n int) bool {
	for _, h := range rs.saves.hashes.next(n) {
		rs.saveHash(h)
	}
	return rs.saves.hashes.more()
}

// saveHash saves the records of keys with a hash.
func (rs *records) saveHash(h uint64) {
	s := &rs.segments[h>>(64-segmentBits)]
	if s.n == 0 {
		return
	}
	tag, mask := tagOf(h), uint32(len(s.slots)-1)
	for i := tag & mask; s.slots[i] != 0; i = (i + 1) & mask {
		if uint32(s.slots[i]>>32) != tag {
			continue
		}
		r := rs.record(feature.Ref(s.slots[i]))
		if hashOf(rs.text(&r)) == h {
			rs.keep(&r)
		}
	}
}

// change notes that the events of a key change now.
func (t *trails) change(r *trail) {
	if p := t.epoch; p != nil && r.dirty&p.now == 0 {
		t.save(r)
		r.dirty |= p.now
		t.changed.add(r)
	}
}

// save saves a trail, if that is still to be done.
func (t *trails) save(r *trail) {
	p := t.epoch
	if r.dirty&p.was == 0 {
		return
	}
	r.dirty &^= p.was
	events := t.witness.show(r.events, p.low)
	if len(events) == 0 {
		p.none(t.section, p.text(r.text))
		return
	}
	p.w.trail(r.text, events)
	p.put(t.section, p.text(r.text))
}

// drop drops a trail.
func (t *trails) drop(r *trail) {
	if p := t.epoch; p != nil {
		t.save(r)
		r.dirty = 0
		p.forget(t.section, p.text(r.text))
	}
	delete(t.keys, r.text)
}

func (t *trails) saveSome(n int) bool {
	some := t.changed.next(n)
	for _, r := range some {
		t.save(r)
	}
	clear(some)
	return t.changed.more()
}

// change notes that a journal changes now.
func (l *ledger) change(j *journal) {
	if p := l.epoch; p != nil && j.dirty&p.now == 0 {
		l.saveJournal(j)
		l.stays(j)
	}
}

// stays lets the next freeze save a journal.
func (l *ledger) stays(j *journal) {
	if j.dirty&l.epoch.now == 0 {
		j.dirty |= l.epoch.now
		l.journals.add(j)
	}
}

// changeKey notes that a journal changes now, and with it the record of its key.
func (l *ledger) changeKey(j *journal) {
	if l.epoch == nil {
		return
	}
	rs := l.spaces[j.space]
	if r, held := rs.lookUp(j.key(), j.hash); held {
		rs.keep(&r)
	}
	l.change(j)
}

// saveJournal saves a journal, if that is still to be done. It stays to be saved while it
// has events that a late one can precede.
func (l *ledger) saveJournal(j *journal) {
	p := l.epoch
	if j.dirty&p.was == 0 {
		return
	}
	j.dirty &^= p.was
	section := l.section + int(j.space)
	if j.since(p.low) == len(j.items) && !j.hold.holding {
		p.none(section, p.text(j.key()))
		return
	}
	key, event, again := l.key, l.scope.Event, l.scope.Again
	l.key = keyReader{}
	l.appendJournal(&p.w, j, p.low, func(e *Event) uint64 { return e.origin })
	l.key, l.scope.Event, l.scope.Again = key, event, again
	p.put(section, p.text(j.key()))
	l.stays(j)
}

// goes notes that a journal is dropped, which has no events any more.
func (l *ledger) goes(j *journal) {
	p := l.epoch
	if p == nil {
		return
	}
	if j.dirty&p.was != 0 {
		p.none(l.section+int(j.space), p.text(j.key()))
	}
	j.dirty = 0
	p.forget(l.section+int(j.space), p.text(j.key()))
}

// saveJournals saves up to n journals; false: there are no more.
func (l *ledger) saveJournals(n int) bool {
	some := l.journals.next(n)
	for _, j := range some {
		l.saveJournal(j)
	}
	clear(some)
	return l.journals.more()
}

// saveSome saves up to n records or trails; false: there are no more.
func (l *ledger) saveSome(n int) bool {
	for _, rs := range l.spaces {
		if rs.saveSome(n) {
			return true
		}
	}
	for i := range l.trails {
		if l.trails[i].saveSome(n) {
			return true
		}
	}
	return false
}

func (l *ledger) freeze() {
	l.journals.freeze()
	for _, rs := range l.spaces {
		rs.saves.hashes.freeze()
	}
	for i := range l.trails {
		l.trails[i].changed.freeze()
	}
}

// faded reports whether nothing is left at t of a record that was read, all of whose windows
// may have ended since it was saved.
func (rs *records) faded(r *record, t int64) bool {
	at, _ := rs.plan.Deadline(&r.kept)
	return at != math.MinInt64 && at <= t && rs.plan.Trim(&r.kept, t)
}
