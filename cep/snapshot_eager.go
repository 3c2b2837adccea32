package cep

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"weir/nfa"
)

// Of EagerOrder the state is what keys were before the first event that a late one can
// precede, and the events from there on. Who reads it matches them again, in their order,
// and lets nothing out.

// first is the first item that a late event can precede.
func (c *cell) first(low int64) int { return c.after(stamp{moment: low}) }

// rewind takes the keys of a shard back to what they were before the first of their
// items; forward brings them to where they were.
func (s *shard) rewind() {
	s.eager.redoing, s.eager.settled = true, true
	for c := range s.pasts {
		first := c.first(s.eager.low)
		if first >= c.hold.end(len(c.items)) {
			continue // it is there
		}
		for i := s.restore(c, first); i < first; i++ {
			s.match(c, i)
		}
		s.catchUp(c, s.eager.low)
	}
}

func (s *shard) forward() {
	for c := range s.pasts {
		first, end := c.first(s.eager.low), c.hold.end(len(c.items))
		if first >= end {
			continue
		}
		for i := first; i < end; i++ {
			s.match(c, i)
		}
		s.catchUp(c, s.eager.low)
	}
	s.eager.redoing, s.eager.settled = false, false
}

// pasts yields the cells with items that a late event can precede.
func (s *shard) pasts(yield func(*cell) bool) {
	for i := range s.eager.cells {
		for c := range s.eager.cells[i].each {
			c.trim(s.eager.low, s)
			if c.first(s.eager.low) < len(c.items) && !yield(c) {
				return
			}
		}
	}
}

// bounds are counts of bounds, which are not counted again where keys are only taken back
// and forth.
func (s *shard) bounds() []nfa.Counts {
	counts := make([]nfa.Counts, len(s.machines))
	for i, m := range s.machines {
		if m != nil {
			counts[i] = m.Counts
		}
	}
	return counts
}

func (s *shard) setBounds(counts []nfa.Counts) {
	for i, m := range s.machines {
		if m != nil {
			m.Counts = counts[i]
		}
	}
}

// appendKeysEager is appendKeys as of the watermark.
func (g *Engine) appendKeysEager(w *writer) {
	var counts [][]nfa.Counts
	for s := range g.shards {
		counts = append(counts, s.bounds())
		s.rewind()
	}
	g.appendKeys(w)
	for s := range g.shards {
		s.forward()
		s.setBounds(counts[0])
		counts = counts[1:]
	}
}

// appendEager writes the events that a late one can precede, the journals of features, and
// which alerts have been retracted.
func (g *Engine) appendEager(w *writer) {
	w.stamp(g.arrivals.before(g.order.low))
	var events []*Event
	for _, e := range g.arrivals.events {
		if e.Time >= g.order.low {
			events = append(events, e)
		}
	}
	w.Uint(uint64(len(events)))
	for _, e := range events {
		w.event(e, len(g.rs.Fields))
	}
	appendPast(w, g.ledgers, g.order.low, func(e *Event) uint64 { return e.origin })
	if g.settled != nil {
		g.appendLedgers(w, g.settled[0].scheme, g.settled)
		g.appendTrails(w, g.settled[0].scheme, g.settled)
	}
	for i := range g.layers {
		g.layers[i].appendBacklogs(w, g.order.low)
	}
	g.appendRepairs(w)
	for i := range g.layers {
		g.layers[i].appendVersions(w, g.order.low)
	}
}

func (g *Engine) appendRepairs(w *writer) {
	counted := g.repairs(nil)
	w.Uint(counted.Applied)
	w.Uint(counted.HeldBack)
}

func (l *layer) appendVersions(w *writer, low int64) {
	type entry struct {
		id string
		version
	}
	var all []entry
	for _, s := range l.shards {
		for id, v := range s.eager.versions {
			if v.until >= low {
				all = append(all, entry{id, v})
			}
		}
	}
	slices.SortFunc(all, func(a, b entry) int { return cmp.Compare(a.id, b.id) })
	w.Uint(uint64(len(all)))
	for i := range all {
		w.version(all[i].id, all[i].version)
	}
}

func (w *writer) version(id string, v version) {
	w.Text(id)
	w.Uint(uint64(v.number))
	w.Bool(v.live)
	w.Int(v.until)
	w.Fixed(v.hash)
}

// readRecent reads the events that a late one can precede, and the journals of features. Features
// and lists have been read.
func (g *Engine) readRecent(r *reader) {
	a, low := &g.arrivals, g.order.low
	a.top = r.stamp()
	byOrigin := map[uint64]*Event{}
	last := uint64(0)
	for range r.Count(leastEvent) {
		e := r.event(g)
		if r.Bad || !g.order.started || e.Time > g.order.now || e.origin <= last || e.origin > g.place {
			r.Fail()
			return
		}
		if last = e.origin; e.Time < low {
			continue // no late event can precede it any more
		}
		e.low = low
		byOrigin[e.origin] = e
		a.add(e, g.offered[e.Type+1])
		if g.full {
			a.saves.stays(e)
		}
	}
	for _, e := range a.events {
		g.scheme.fit(e)
	}
	readPast(r, g.ledgers, low, g.order.now, func(n uint64) *Event { return byOrigin[n] })
	if g.settled != nil {
		g.readLedgers(r, g.settled[0].scheme, g.settled)
		g.readTrails(r, g.settled[0].scheme, g.settled)
	}
}

// readEager reads the rest of what appendEager wrote, and matches the recent events. All else has been read.
func (g *Engine) readEager(r *reader) {
	if r.Bad {
		return
	}
	low := g.order.low
	if g.settled != nil {
		for _, e := range g.arrivals.events {
			if e.Time > g.order.ready() {
				g.order.held.push(waiting{time: e.Time, seq: e.Seq, arrived: e.arrived, event: e, own: true})
			}
		}
	}
	g.behind = low
	var restore []func()
	for i := range g.layers {
		restore = append(restore, g.layers[i].readBacklogs(r)...)
	}
	g.rematch()
	for _, f := range restore {
		f()
	}
	g.applied, g.heldBack = r.Uint(), r.Uint()
	for i := range g.layers {
		g.layers[i].readVersions(r, low)
	}
	for s := range g.shards {
		if p := s.saves.epoch; p != nil && !p.all {
			s.eager.versionsSaved()
		}
	}
}

// rematch matches the events that a late one can precede, and lets nothing out.
func (g *Engine) rematch() {
	g.given = g.given[:0]
	for _, e := range g.arrivals.events {
		g.given = append(g.given, change{low: g.order.low, event: e})
	}
	slices.SortFunc(g.given, func(a, b change) int { return a.compare(&b) })
	for s := range g.shards {
		s.eager.low, s.eager.again = g.order.low, math.MaxInt
	}
	stats := g.stats.Rules
	g.stats.Rules = slices.Clone(stats)
	g.climbEager(false)
	for s := range g.shards {
		clear(s.stats)
		for _, m := range s.machines {
			if m != nil {
				m.Counts = nfa.Counts{}
			}
		}
		for t := range s.noKey {
			clear(s.noKey[t])
		}
		s.eager.applied, s.eager.heldBack = 0, 0
		clear(s.eager.versions)
		s.eager.expiring = nil
		s.eager.again = mostAgain
		for i := range s.eager.cells {
			for c := range s.eager.cells[i].each {
				if !c.hold.holding { // what is known of it is read apart
					c.hold = backlog{}
				}
			}
		}
	}
	g.stats.Rules = stats
	g.out, g.came = g.out[:0], g.came[:0]
}

// appendBacklogs writes which keys hold events back, and how many of their events have been
// matched again.
func (l *layer) appendBacklogs(w *writer, low int64) {
	for space := range l.plan.spaces {
		var all []*cell
		for _, s := range l.shards {
			for c := range s.eager.cells[space].each {
				if c.hold.holding || c.hold.used > 0 && c.first(low) < len(c.items) {
					all = append(all, c)
				}
			}
		}
		slices.SortFunc(all, func(a, b *cell) int { return cmp.Compare(a.key(), b.key()) })
		w.Uint(uint64(len(all)))
		for _, c := range all {
			w.backlog(c.key(), &c.hold, c.first(low))
		}
	}
}

// backlog writes that of a key whose items from first on a late event can precede.
func (w *writer) backlog(key string, b *backlog, first int) {
	w.Text(key)
	w.Uint(uint64(b.used))
	w.Bool(b.holding)
	if b.holding {
		w.Int(b.calm)
		w.Uint(uint64(b.done - min(first, b.done)))
	}
}

// readBacklogs reads them. What it returns sets them once events have been matched, which
// those that are held back are not.
func (l *layer) readBacklogs(r *reader) (then []func()) {
	for space := range l.plan.spaces {
		before := ""
		for range r.Count(3) {
			var key keyReader
			text := r.Text()
			hold := backlog{used: int(r.Below(mostAgain + 1)), holding: r.Bool()}
			if hold.holding {
				hold.calm, hold.done = r.Int(), int(r.Below(math.MaxInt32))
			}
			if r.Bad || text <= before || !key.split(text, l.plan.spaces[space].parts()) {
				r.Fail()
				return nil
			}
			before = text
			s := l.shards[key.hash()%uint64(len(l.shards))]
			if hold.holding {
				s.key = key
				c := s.cellFor(int32(space), s.eager.low)
				c.hold = backlog{holding: true, done: hold.done, calm: never}
				s.eager.holds(c)
			}
			then = append(then, func() {
				c := s.cell(int32(space), text)
				if p := s.saves.epoch; p != nil && c == nil {
					p.forget(s.saves.backlogs+space, p.text(text))
				}
				if c != nil {
					c.backed = true
					hold.done = min(hold.done, len(c.items))
					if c.hold = hold; hold.holding {
						s.eager.calm = min(s.eager.calm, hold.calm)
						s.eager.wake(c)
					}
				}
			})
		}
	}
	return then
}

func (l *layer) readVersions(r *reader, low int64) {
	before := ""
	for range r.Count(20) {
		id := r.Text()
		v := version{number: int(r.Below(math.MaxInt32)), live: r.Bool(), until: r.Int(), hash: r.Fixed()}
		if r.Bad || id <= before || v.number < 2 {
			r.Fail()
			return
		}
		s := l.shards[v.hash%uint64(len(l.shards))]
		if before = id; v.until < low { // it can change no more
			if p := s.saves.epoch; p != nil {
				p.forget(s.eager.saves.section, p.text(id))
			}
			continue
		}
		s.eager.setVersion(strings.Clone(id), v)
		s.eager.expiring.push(expiring{v.until, id})
	}
}

func (w *writer) stamp(s stamp) {
	w.Int(s.moment)
	w.Int(s.seq)
	w.Uint(s.origin)
}

func (r *reader) stamp() stamp { return stamp{r.Int(), r.Int(), r.Uint()} }
