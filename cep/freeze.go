package cep

import "slices"

// sections are those of the state, by which entries are ordered. They stand in the order in
// which Append writes them.
type sections struct {
	kinds                                                                               []byte // from the second on; the first has these
	head, held, log, ids, stats, features, lists, near, top, events, backlogs, repaired int
}

func (s *sections) add(kind byte, n int) int {
	first := len(s.kinds) + 1
	for range n {
		s.kinds = append(s.kinds, kind)
	}
	return first
}

// Frozen is the state of an Engine as of a call of Freeze, while it is saved and the Engine
// goes on.
type Frozen struct {
	// Full says that the entries are the whole state. Else they are what has changed since
	// the freeze before.
	Full bool

	g    *Engine
	work []func(n int) bool // saves up to n things; false: there are no more
	pins bool               // the past is needed as of then
}

// few is the number of things that are saved before stop is asked again.
const few = 16

// enlist lets all parts note what changes, if freezes are asked for.
func (g *Engine) enlist() {
	if !g.options.Freezes {
		return
	}
	g.changed, g.full = make([]*epoch, len(g.ledgers)), true
	for i := range g.changed {
		g.changed[i] = &epoch{now: 1, all: true}
	}
	first, s := g.changed[0], &g.sections
	s.head = s.add(onePiece, 1)
	s.held = s.add(keyedPieces, 1)
	s.log = s.add(onePiece, 1)
	s.ids = s.add(keyedPieces, 1)
	s.stats = s.add(onePiece, 1)
	g.waits.epoch, g.waits.section = first, s.held
	g.ids.saves = idSaves{epoch: first, section: s.ids}
	for i := range g.layers {
		section := s.add(keyedPieces, 1)
		for n, x := range g.layers[i].shards {
			x.saves = keySaves{epoch: g.changed[n], section: section, near: g.options.NearMisses}
		}
	}
	risks := s.add(keyedPieces, len(g.rs.Risks))
	if g.eager() {
		s.add(keyedPieces, len(g.rs.Risks))
	}
	for n, r := range g.risks {
		r.epoch, r.section, r.eager = g.changed[n], risks, g.eager()
	}
	s.features = len(s.kinds) + 1
	for _, b := range g.books() {
		g.enlistLedgers(b.scheme, b.ledgers)
	}
	g.enlistTrails(g.ledgers)
	s.lists = s.add(onePiece, len(g.rs.Lists))
	g.lists.changed = make([]bool, len(g.rs.Lists))
	for i := range g.lists.changed {
		g.lists.changed[i] = true
	}
	s.near = s.add(onePiece, 1)
	if g.eager() {
		g.enlistEager()
	}
}

func (g *Engine) enlistLedgers(c *scheme, ledgers []*ledger) {
	section := g.sections.add(keyedPieces, len(c.spaces))
	for n, l := range ledgers {
		l.epoch = g.changed[n]
		for i, rs := range l.spaces {
			rs.saves = recordSaves{epoch: g.changed[n], of: l, space: i, section: section + i}
		}
	}
}

func (g *Engine) enlistTrails(ledgers []*ledger) {
	section := g.sections.add(keyedPieces, len(ledgers[0].trails))
	for n, l := range ledgers {
		for i := range l.trails {
			l.trails[i].epoch, l.trails[i].section = g.changed[n], section+i
		}
	}
}

func (g *Engine) enlistEager() {
	s := &g.sections
	s.top = s.add(onePiece, 1)
	s.events = s.add(keyedPieces, 1)
	g.arrivals.saves = arrivalSaves{epoch: g.changed[0], section: s.events}
	journals := s.add(keyedPieces, len(g.scheme.spaces))
	for _, l := range g.ledgers {
		l.section, l.past.saves = journals, &g.arrivals.saves
	}
	if g.settled != nil {
		g.enlistLedgers(g.settled[0].scheme, g.settled)
		g.enlistTrails(g.settled)
	}
	s.backlogs = len(s.kinds) + 1
	for i := range g.layers {
		backlogs := s.add(keyedPieces, len(g.layers[i].plan.spaces))
		for _, x := range g.layers[i].shards {
			x.saves.backlogs = backlogs
		}
	}
	s.repaired = s.add(onePiece, 1)
	for i := range g.layers {
		versions := s.add(keyedPieces, 1)
		for n, x := range g.layers[i].shards {
			x.eager.saves = versionSaves{epoch: g.changed[n], section: versions}
		}
	}
}

// Freeze begins to save the state as it is now, between two calls of Step; Options.Freezes
// has asked for it. It costs little: what belongs to keys is saved by Frozen.Next, or before
// it changes. The one before must have ended (Frozen.End).
func (g *Engine) Freeze() *Frozen {
	if g.changed == nil || g.frozen != nil {
		panic("cep: a freeze that was not asked for, or before another has ended")
	}
	f := &Frozen{Full: g.full, g: g, pins: g.eager()}
	if f.pins {
		g.pin.set(g.order.low)
	}
	g.frozen, g.full = f, false
	for _, p := range g.changed {
		p.was, p.now, p.low = p.now, p.now^3, g.order.low
		p.full = append(p.full, p.gone...)
		p.gone, p.all = nil, false
	}
	g.waits.freeze()
	for s := range g.shards {
		s.saves.keys.freeze()
		s.saves.cells.freeze()
		if s.eager != nil {
			s.eager.saves.changed.freeze()
		}
	}
	for _, r := range g.risks {
		r.changed.freeze()
	}
	for l := range g.allLedgers {
		l.freeze()
	}
	g.saveWhole()
	f.plan()
	return f
}

// allLedgers yields those of all books.
func (g *Engine) allLedgers(yield func(*ledger) bool) {
	for _, b := range append(g.books(), book{ledgers: g.settled}) {
		for _, l := range b.ledgers {
			if !yield(l) {
				return
			}
		}
	}
}

// saveWhole saves what is small, or belongs to no key.
func (g *Engine) saveWhole() {
	p, s := g.changed[0], &g.sections
	piece := func(section int, write func(w *writer)) {
		write(&p.w)
		p.put(section, nil)
	}
	piece(0, func(w *writer) { w.B = append(w.B, s.kinds...) })
	piece(s.head, g.appendHead)
	piece(s.log, g.appendLog)
	piece(s.stats, g.appendCounted)
	for i := range g.rs.Lists {
		if g.lists.saves(i) {
			piece(s.lists+i, func(w *writer) { g.appendList(w, i) })
		}
	}
	piece(s.near, g.appendNear)
	g.ids.freeze()
	g.savePassed()
	if !g.eager() {
		return
	}
	piece(s.top, func(w *writer) { w.stamp(g.arrivals.before(g.order.low)) })
	piece(s.repaired, g.appendRepairs)
	g.arrivals.freeze(g.place)
}

// savePassed says which of the events that were saved have passed.
func (g *Engine) savePassed() {
	passed, low := uint64(0), g.order.ready()
	if g.eager() {
		low = g.order.low - 1
	}
	for len(g.passings) > 0 && g.passings[0].now <= low {
		passed = g.passings[0].all
		g.passings = g.passings[1:]
	}
	section, all := g.sections.held, g.order.arrived
	if g.eager() {
		section, all = g.sections.events, g.place
	}
	if g.order.started {
		g.passings = append(g.passings, passing{g.order.now, all})
	}
	if p := g.changed[0]; passed > 0 {
		p.save(&Entry{Section: uint32(section), Kind: GoneBeforeKind, Value: slices.Clone(p.number(passed + 1))})
	}
}

// plan lists what is to be saved. What needs the past comes first: until it is saved, nothing
// of that is forgotten.
func (f *Frozen) plan() {
	g := f.g
	fields := len(g.rs.Fields)
	for s := range g.shards {
		f.work = append(f.work, s.saveSome)
	}
	for _, r := range g.risks {
		f.work = append(f.work, r.saveSome)
	}
	for _, l := range g.ledgers {
		f.work = append(f.work, l.saveJournals)
	}
	if g.eager() {
		f.work = append(f.work, func(n int) bool { return g.arrivals.saveSome(n, fields) })
	} else {
		f.work = append(f.work, func(n int) bool { return g.waits.saveSome(n, fields) })
	}
	f.work = append(f.work, func(int) bool {
		f.pins = false
		return false
	})
	for l := range g.allLedgers {
		f.work = append(f.work, l.saveSome)
	}
	f.work = append(f.work, func(int) bool { return g.ids.saveNext() })
	if g.eager() {
		for s := range g.shards {
			f.work = append(f.work, s.eager.saveVersions)
		}
	}
}

// Next saves more of the state, a few microseconds' worth at least, until stop says so or all
// is saved; it is called between two calls of Step. It returns bytes of whole entries, in
// pieces of about 256 KB that belong to the caller, and whether there is more to come. Entries
// are in no order, but of those under one key the last counts.
func (f *Frozen) Next(stop func() bool) (pieces [][]byte, more bool) {
	for len(f.work) > 0 {
		if !f.work[0](few) {
			f.work = f.work[1:]
		}
		if stop() {
			break
		}
	}
	more = len(f.work) > 0
	for _, p := range f.g.changed {
		pieces = append(pieces, p.full...)
		clear(p.full)
		p.full = p.full[:0]
		if len(p.out) > 0 && !more {
			pieces = append(pieces, p.out)
			p.out = nil
		}
	}
	if !more {
		f.saved()
	}
	return pieces, more
}

// saved notes that all is saved: nothing more is kept for that.
func (f *Frozen) saved() {
	for _, p := range f.g.changed {
		p.was = 0
	}
}

// mostFree is how many pieces a shard keeps the memory of.
const mostFree = underWay

// Free gives back a piece that Next gave, whose bytes nobody needs any more: its memory is
// used for the next ones.
func (f *Frozen) Free(piece []byte) {
	least := f.g.changed[0]
	for _, p := range f.g.changed {
		if len(p.free) < len(least.free) {
			least = p
		}
	}
	if len(least.free) < mostFree && cap(piece) >= chunkBytes && cap(piece) <= 2*chunkBytes {
		least.free = append(least.free, piece[:0])
	}
}

// End says what became of the entries, after all were given or not: whether they are kept.
// If they are not, the next freeze saves all of the state.
func (f *Frozen) End(kept bool) {
	g := f.g
	g.frozen = nil
	if kept && len(f.work) == 0 {
		return
	}
	f.work = nil
	for _, p := range g.changed {
		p.out, p.full, p.gone = nil, nil, nil
	}
	g.changeAll()
	f.saved()
}

// changeAll lets the next freeze save all of the state.
func (g *Engine) changeAll() {
	g.full = true
	for _, p := range g.changed {
		p.was, p.all = 0, true // whatever was to be saved is saved as it will be
	}
	for s := range g.shards {
		s.changeAll()
	}
	for _, r := range g.risks {
		for _, table := range r.tables {
			for _, rk := range table {
				rk.dirty &= r.epoch.now
				r.stays(rk)
			}
		}
		r.changed.saving.drop()
	}
	for l := range g.allLedgers {
		l.changeAll()
	}
	g.waits.changeAll(g.order.held)
	g.ids.saves.done, g.ids.saves.to = 0, 0
	g.passings = nil
	for i := range g.lists.changed {
		g.lists.changed[i] = true
	}
	g.arrivals.changeAll()
}

func (s *shard) changeAll() {
	now := s.saves.epoch.now
	s.saves.keys.saving.drop()
	s.saves.cells.saving.drop()
	if s.eager != nil {
		for i := range s.eager.cells {
			for c := range s.eager.cells[i].each {
				c.dirty &= now
				s.stays(c)
			}
		}
		s.eager.changeVersions()
	}
	for _, table := range s.tables {
		for _, ks := range table {
			if ks.dirty &= now; ks.dirty == 0 && (s.eager == nil || s.eager.cells[ks.space].find(ks.text, hashOf(ks.text)) == nil) {
				ks.dirty = now
				s.saves.keys.add(ks)
			}
		}
	}
}

func (l *ledger) changeAll() {
	l.journals.saving.drop()
	if l.past != nil {
		for i := range l.past.spaces {
			for j := range l.past.spaces[i].each {
				j.dirty &= l.epoch.now
				l.stays(j)
			}
		}
	}
	for _, rs := range l.spaces {
		rs.saves.hashes.saving.drop()
		for r := range rs.all() {
			r.head[0] &^= uint64(l.epoch.now^3) << dirtyAt
			rs.change(r)
		}
	}
	for i := range l.trails {
		t := &l.trails[i]
		if t.epoch == nil {
			continue // they are not part of the state
		}
		t.changed.saving.drop()
		for _, r := range t.keys {
			r.dirty &= t.epoch.now
			t.change(r)
		}
	}
}

func (h *heldSaves) changeAll(held heap[waiting]) {
	h.saving.drop()
	h.now.drop()
	for i := range held {
		h.hold(held[i].event)
	}
}
