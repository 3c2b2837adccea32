package cep

import (
	"slices"

	"weir/nfa"
)

// In EagerOrder a shard keeps for each key of a space the events that may still have to
// be matched again: those that a late one can precede.

// cell is the recent past of a key.
type cell struct {
	pastKey
	space   int32
	items   []item   // by comparePlaces
	room    []item   // of many items: the array that they, or most of them, are in
	came    []coming // what removed items brought, until the cell is matched again
	fates   []fate   // likewise
	from    int      // of a marked cell: the first item to be matched again
	marked  bool
	known   bool // the last item has gone, and saved is the state before it
	saved   *saved
	since   int   // items since the last one with a saved state, that one included
	savedAt int64 // its time
	hold    backlog
	wakes   int64 // where it holds back: its time in eager.wakes, or never
	dirty   dirty
	stored  bool // something of its key may be saved
	backed  bool // its backlog is
}

// item is an event that a key has seen, with what it brought.
type item struct {
	time    int64 // of the event, which may be gone if it is before those that are still needed
	event   *Event
	offer   *offer
	ended   *ended   // nil: it is an event, else event stands for it
	fresh   bool     // it has not been matched yet
	known   bool     // saved is the state before the event
	saved   *saved   // nil: there was none
	brought *brought // nil: nothing
}

// brought is what an item brought, and before it time. Few bring something, and there may be
// hundreds of thousands of a key.
type brought struct {
	came  []coming
	fates []fate // Options.NearMisses, until no event can take them back
}

// came returns what came of an item.
func (it *item) came() []coming {
	if it.brought == nil {
		return nil
	}
	return it.brought.came
}

// fates returns the fates that an item brought.
func (it *item) fates() []fate {
	if it.brought == nil {
		return nil
	}
	return it.brought.fates
}

// brings says what came of an item now.
func (it *item) brings(came []coming) {
	switch {
	case it.brought != nil:
		it.brought.came = came
	case came != nil:
		it.brought = &brought{came: came}
	}
}

// bringsFates says which fates an item brought now.
func (it *item) bringsFates(fates []fate) {
	switch {
	case it.brought != nil:
		it.brought.fates = fates
	case fates != nil:
		it.brought = &brought{fates: fates}
	}
}

// saved is the state of a key at some time.
type saved struct {
	*image
	count uint64
}

// image is what is kept of a key, but for the number of its events. Most events change
// nothing else, so that states which follow each other are one image, which does not change.
type image struct {
	parts  []string // of the key
	rules  []ruleState
	events []captive
	sweep  int
	users  int // states, and the key itself while it is as here
}

// A state is saved before the first item of a cell, and again when the last one saved
// has saveItems behind it or is older than 1/saveSpan of lateness.
const (
	saveItems = 32
	saveSpan  = 8
)

// find returns where an event stands among the items, or would.
func (c *cell) find(e *Event) (int, bool) {
	return slices.BinarySearchFunc(c.items, e, func(it item, e *Event) int { return comparePlaces(it.event, e) })
}

// findSame returns where an event is; -1: it is not there. When matches change places one
// may come to where another has not left yet.
func (c *cell) findSame(e *Event) int {
	for i, ok := c.find(e); ok && i < len(c.items) && comparePlaces(c.items[i].event, e) == 0; i++ {
		if c.items[i].event == e {
			return i
		}
	}
	return -1
}

// after returns the first item after a stamp.
func (c *cell) after(at stamp) int {
	i, _ := slices.BinarySearchFunc(c.items, at, func(it item, at stamp) int {
		if it.event.stamp().compare(at) <= 0 {
			return -1
		}
		return 1
	})
	return i
}

// mark says that the items from i on are to be matched again.
func (c *cell) mark(i int) {
	if !c.marked || i < c.from {
		c.from = i
	}
	c.marked = true
}

// append puts an item behind the others. Of many items of one key, of which trim takes the
// first ones, the array is used again from its front.
func (c *cell) append(it item) {
	if n := len(c.items); n == cap(c.items) && n > smallSpare {
		if len(c.room) < 2*n || len(c.room) > 8*n {
			c.room = make([]item, 3*n)
		}
		copy(c.room, c.items)
		clear(c.room[n:])
		c.items = c.room[:n]
	}
	c.items = append(c.items, it)
}

// insert puts an item among the others. What was before the one that stands there, or has
// gone from there, is before it.
func (c *cell) insert(i int, it item) {
	switch {
	case c.marked && i > c.from: // what was saved there is of no use any more
		if i < len(c.items) {
			c.items[i].known, c.items[i].saved = false, nil
		}
	case i < len(c.items):
		next := &c.items[i]
		it.known, it.saved = next.known, next.saved
		next.known, next.saved = false, nil
	case c.known:
		it.known, it.saved = true, c.saved
		c.known, c.saved = false, nil
	}
	c.items = slices.Insert(c.items, i, it)
	if i < c.hold.done {
		c.hold.done++
	}
	if c.marked && i < c.from {
		c.from++
	}
	c.mark(i)
}

// remove takes an item out.
func (c *cell) remove(i int, s *spare) {
	it := &c.items[i]
	c.came = append(c.came, it.came()...)
	c.fates = append(c.fates, it.fates()...)
	known, before := it.known, it.saved
	c.items = slices.Delete(c.items, i, i+1)
	if i < c.hold.done {
		c.hold.done--
	}
	if c.marked && i < c.from {
		c.from--
	}
	c.mark(i)
	at, into := &c.known, &c.saved
	if i < len(c.items) { // what was before it is before the next
		at, into = &c.items[i].known, &c.items[i].saved
	}
	s.putSaved(*into)
	*at, *into = known, before
}

// cells are those of the keys of a space.
type cells = pasts[cell, *cell]

// trim forgets the items that no event of the time low or later can need. It comes before
// anything else is done with a cell.
func (c *cell) trim(low int64, s *shard) {
	low = s.pinned(c, low)
	if c.marked || len(c.items) == 0 || c.items[0].time >= low {
		return // of a marked cell items are counted on
	}
	first := 1
	for first < len(c.items) && c.items[first].time < low {
		first++
	}
	if s.near != nil {
		s.near.settleItems(c.items[:first])
	}
	if first < len(c.items) {
		at := first
		for at > 0 && !c.items[at].known { // of what is held back none need be
			at--
		}
		it, from := &c.items[first], &c.items[at]
		if at < first && c.hold.holding && first == c.hold.done && (!from.known || elapsed(from.time, it.time) > s.eager.lateness/saveSpan) {
			// Events before it go. All of them have been matched, and it has not.
			it.known, it.saved = true, s.spare.save(s.tables[c.space][c.key()])
			at = first
		}
		first = at
	}
	if first == 0 {
		return
	}
	c.hold.done = max(c.hold.done-first, 0)
	for i := range c.items[:first] {
		s.spare.putSaved(c.items[i].saved)
	}
	if len(c.items)-first > first+saveItems { // to move them each time would cost more than they do
		clear(c.items[:first])
		c.items = c.items[first:]
		return
	}
	n := copy(c.items, c.items[first:])
	clear(c.items[n:])
	c.items = c.items[:n]
}

// empty makes c, which has no items, one of a key to come.
func (c *cell) empty(s *spare) {
	s.putSaved(c.saved)
	c.came, c.fates, c.room, c.saved, c.known = nil, nil, nil, nil, false
	c.since, c.savedAt, c.hold = 0, 0, backlog{}
}

// save returns a state as it is now; nil: there is none.
func (s *spare) save(ks *keyState) *saved {
	if ks == nil {
		return nil
	}
	if ks.same == nil {
		ks.same = s.copied(ks)
		ks.same.users = 1
	}
	v := s.saved()
	v.image, v.count = ks.same, ks.count
	v.users++
	return v
}

// copied returns a copy of what is kept of a key.
func (s *spare) copied(ks *keyState) *image {
	m := s.image()
	m.parts = append(m.parts[:0], ks.parts...)
	m.sweep = ks.sweep
	m.events = append(m.events[:0], ks.events...)
	rules := m.rules[:cap(m.rules)]
	if len(rules) < len(ks.rules) {
		rules = append(rules, make([]ruleState, len(ks.rules)-len(rules))...)
	}
	m.rules = rules[:len(ks.rules)]
	for i := range ks.rules {
		ks.rules[i].copyTo(&m.rules[i])
	}
	return m
}

// load makes ks, which is empty, what was saved.
func (v *saved) load(ks *keyState, s *spare) {
	ks.count, ks.sweep = v.count, v.sweep
	ks.events = append(ks.events[:0], v.events...)
	for i := range v.rules {
		st := ruleState{runs: s.open()}
		v.rules[i].copyTo(&st)
		ks.rules = append(ks.rules, st)
	}
	ks.same = v.image
	v.users++
}

// copyTo makes dst, whose memory it uses again, what st is.
func (st *ruleState) copyTo(dst *ruleState) {
	runs, holds, near := dst.runs, append(dst.holds[:0], st.holds...), dst.near
	*dst = *st
	dst.runs, dst.holds, dst.sums = runs, holds, nil
	st.runs.CopyTo(&dst.runs)
	if st.near != nil {
		dst.near = st.near.copyTo(near)
	}
}

// saved returns memory for a state.
func (s *spare) saved() *saved {
	if n := len(s.states); n > 0 {
		v := s.states[n-1]
		s.states = s.states[:n-1]
		return v
	}
	return new(saved)
}

// image returns memory for an image.
func (s *spare) image() *image {
	if n := len(s.images); n > 0 {
		m := s.images[n-1]
		s.images = s.images[:n-1]
		return m
	}
	return new(image)
}

// putSaved takes a state that is no longer needed, or nil.
func (s *spare) putSaved(v *saved) {
	if v == nil {
		return
	}
	s.leave(v.image)
	if v.image = nil; len(s.states) < mostSpare {
		s.states = append(s.states, v)
	}
}

// leave says that an image has one user less.
func (s *spare) leave(m *image) {
	if m.users--; m.users > 0 || len(s.images) == mostSpare || cap(m.rules) > smallSpare || cap(m.events) > smallSpare {
		return
	}
	for i := range m.rules {
		if m.rules[i].runs.Nodes() > smallSpare {
			m.rules[i].runs = nfa.Runs{}
		}
	}
	clear(m.events)
	m.events = m.events[:0]
	s.images = append(s.images, m)
}
