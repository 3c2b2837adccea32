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

// arrivalSaves is how far the events that a late one can precede are saved, in EagerOrder.
type arrivalSaves struct {
	epoch   *epoch // nil: there are no freezes
	section int
	done    uint64          // origin up to which the last freeze saved them
	from    uint64          // of those to be saved: after it,
	to      uint64          // up to this one
	apart   map[uint64]bool // of them, those that are saved already
}

func (a *arrivals) freeze(last uint64) {
	s := &a.saves
	s.from, s.to, s.done = s.done, last, last
	s.apart = nil
}

func (a *arrivals) save(e *Event, fields int) {
	p := a.saves.epoch
	p.w.event(e, fields)
	p.put(a.saves.section, p.number(e.origin))
}

// saveSome saves up to n events; false: all are saved.
func (a *arrivals) saveSome(n, fields int) bool {
	s := &a.saves
	i, _ := slices.BinarySearchFunc(a.events, s.from+1, func(e *Event, origin uint64) int { return cmp.Compare(e.origin, origin) })
	for ; n > 0 && i < len(a.events) && a.events[i].origin <= s.to; n-- {
		e := a.events[i]
		if s.from = e.origin; e.Time >= s.epoch.low && !s.apart[e.origin] {
			a.save(e, fields)
		}
		i++
	}
	if n > 0 {
		s.from = s.to
	}
	return s.from < s.to
}

// saveApart saves an event as it stands: what it knows of a key that holds back is not worked
// out again by who reads the state.
func (a *arrivals) saveApart(e *Event, fields int) {
	s := &a.saves
	if s.apart == nil {
		s.apart = map[uint64]bool{}
	}
	if !s.apart[e.origin] {
		s.apart[e.origin] = true
		a.save(e, fields)
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
