package cep

import (
	"cmp"
	"slices"
)

// heldSaves are the events that wait for the watermark, in WatermarkOrder, and are not saved.
// One that is released before a freeze is never saved.
type heldSaves struct {
	epoch   *epoch // nil: there are no freezes
	section int
	now     blocks[*Event] // since the last freeze; nil: it is released
	saving  blocks[*Event]
}

// hold takes in an event that waits.
func (h *heldSaves) hold(e *Event) {
	if h.epoch != nil {
		e.spot, e.dirty = uint32(h.now.len()), h.epoch.now
		h.now.add(e)
	}
}

// move notes that an event that waits has been copied.
func (h *heldSaves) move(e, to *Event) {
	if h.epoch == nil {
		return
	}
	if spot := h.spot(e); spot != nil {
		*spot = to
	}
}

// spot is where an event stands on the lists; nil: it does not.
func (h *heldSaves) spot(e *Event) **Event {
	var list *blocks[*Event]
	switch p := h.epoch; {
	case e.dirty == 0:
		return nil
	case e.dirty == p.now:
		list = &h.now
	case e.dirty == p.was:
		list = &h.saving
	default:
		return nil
	}
	if int(e.spot) >= list.len() || *list.at(int(e.spot)) != e {
		return nil
	}
	return list.at(int(e.spot))
}

// release notes that an event waits no more.
func (h *heldSaves) release(e *Event, fields int) {
	if h.epoch == nil || e.dirty == 0 {
		return
	}
	if spot := h.spot(e); spot != nil {
		*spot = nil
		if e.dirty == h.epoch.was {
			h.save(e, fields)
		}
	}
	e.dirty = 0
}

// forget notes that an event which time has not come to waits no more.
func (h *heldSaves) forget(e *Event) {
	if p := h.epoch; p != nil {
		p.forget(h.section, p.number(e.arrived))
	}
}

func (h *heldSaves) save(e *Event, fields int) {
	p := h.epoch
	p.w.event(e, fields)
	p.put(h.section, p.number(e.arrived))
}

func (h *heldSaves) freeze() { h.saving, h.now = h.now, h.saving }

// saveSome saves up to n events; false: all are saved.
func (h *heldSaves) saveSome(n, fields int) bool {
	some := h.saving.take(n)
	for _, e := range some {
		if e != nil {
			h.save(e, fields)
			e.dirty = 0
		}
	}
	clear(some)
	return h.saving.len() > 0
}

// arrivalSaves says which events that a late one can precede are to be saved, in EagerOrder:
// those that came since the last freeze, and those that a key has begun to hold back since.
// What these know of the key is not worked out again by who reads the state: they are saved
// before the key folds them.
type arrivalSaves struct {
	epoch   *epoch // nil: there are no freezes
	section int
	done    uint64          // origin up to which the last freeze had them saved
	from    uint64          // of those to be saved: after it,
	to      uint64          // up to this one,
	again   changed[uint64] // and these, by origin
}

// stays lets the next freeze save an event that has just come.
func (s *arrivalSaves) stays(e *Event) {
	if e.dirty = 0; s.epoch != nil {
		e.dirty = s.epoch.now
	}
}

// holds lets the next freeze save an event once more, as a key holds it back from now on.
func (s *arrivalSaves) holds(e *Event) {
	if s != nil && e.dirty&s.epoch.now == 0 {
		e.dirty |= s.epoch.now
		s.again.add(e.origin)
	}
}

// folds notes that a key which has held an event back folds it now.
func (s *arrivalSaves) folds(e *Event, fields int) {
	if s != nil {
		s.save(e, fields)
	}
}

func (a *arrivals) freeze(last uint64) {
	s := &a.saves
	s.from, s.to, s.done = s.done, last, last
	s.again.freeze()
}

// save saves an event, if that is still to be done.
func (s *arrivalSaves) save(e *Event, fields int) {
	p := s.epoch
	if e.dirty&p.was == 0 {
		return
	}
	e.dirty &^= p.was
	if e.Time >= p.low {
		p.w.event(e, fields)
		p.put(s.section, p.number(e.origin))
	}
}

// place is the first event after an origin.
func (a *arrivals) place(origin uint64) int {
	i, _ := slices.BinarySearchFunc(a.events, origin+1, func(e *Event, origin uint64) int { return cmp.Compare(e.origin, origin) })
	return i
}

// saveSome saves up to n events; false: all are saved.
func (a *arrivals) saveSome(n, fields int) bool {
	s := &a.saves
	for i := a.place(s.from); n > 0 && i < len(a.events) && a.events[i].origin <= s.to; n-- {
		s.from = a.events[i].origin
		s.save(a.events[i], fields)
		i++
	}
	if n == 0 {
		return true
	}
	s.from = s.to
	for _, origin := range s.again.next(n) {
		if i := a.place(origin - 1); i < len(a.events) && a.events[i].origin == origin {
			s.save(a.events[i], fields)
		}
	}
	return s.again.more()
}

// changeAll lets the next freeze save all events.
func (a *arrivals) changeAll() {
	s := &a.saves
	s.done, s.from, s.to = 0, 0, 0
	s.again.saving.drop()
	for _, e := range a.events {
		s.stays(e)
	}
}

// passing says up to which number events had arrived when time stood somewhere. It lets
// freezes say which of the events that were saved have passed.
type passing struct {
	now int64
	all uint64
}

// versionSaves is which versions of alerts have changed (see epoch).
type versionSaves struct {
	epoch   *epoch // nil: there are no freezes
	section int
	changed changed[string] // by id
}

// setVersion sets the version of an alert.
func (g *eager) setVersion(id string, v version) {
	v.dirty = 0
	if was, ok := g.versions[id]; ok {
		v.dirty = g.saveVersion(id, was).dirty
	}
	g.versions[id] = v
	g.versionStays(id, v)
}

// versionStays lets the next freeze save a version.
func (g *eager) versionStays(id string, v version) {
	if s := &g.saves; s.epoch != nil && v.dirty&s.epoch.now == 0 {
		v.dirty |= s.epoch.now
		g.versions[id] = v
		s.changed.add(id)
	}
}

// dropVersion forgets a version.
func (g *eager) dropVersion(id string) {
	v, ok := g.versions[id]
	if !ok {
		return
	}
	g.saveVersion(id, v)
	delete(g.versions, id)
	if p := g.saves.epoch; p != nil {
		p.forget(g.saves.section, p.text(id))
	}
}

// saveVersion saves a version, if that is still to be done, and returns it without the mark.
func (g *eager) saveVersion(id string, v version) version {
	p := g.saves.epoch
	if p == nil || v.dirty&p.was == 0 {
		return v
	}
	v.dirty &^= p.was
	if v.until >= p.low {
		p.w.version(id, v)
		p.put(g.saves.section, p.text(id))
	} else {
		p.none(g.saves.section, p.text(id))
	}
	return v
}

// saveVersions saves up to n versions; false: there are no more.
func (g *eager) saveVersions(n int) bool {
	some := g.saves.changed.next(n)
	for _, id := range some {
		if v, ok := g.versions[id]; ok {
			g.versions[id] = g.saveVersion(id, v)
		}
	}
	clear(some)
	return g.saves.changed.more()
}

// changeVersions lets the next freeze save all versions.
func (g *eager) changeVersions() {
	g.saves.changed.saving.drop()
	for id, v := range g.versions {
		v.dirty &= g.saves.epoch.now
		g.versions[id] = v
		g.versionStays(id, v)
	}
}
