package cep

import (
	"cmp"
	"maps"
	"slices"
)

// heldSaves are the events that wait for the watermark, in WatermarkOrder, and are not saved.
// One that is released before a freeze is never saved.
type heldSaves struct {
	epoch   *epoch // nil: there are no freezes
	section int
	now     []*Event // since the last freeze; nil: it is released
	saving  []*Event
}

// hold takes in an event that waits.
func (h *heldSaves) hold(e *Event) {
	if h.epoch != nil {
		e.spot, e.dirty = uint32(len(h.now)), h.epoch.now
		h.now = append(h.now, e)
	}
}

// move notes that an event that waits has been copied.
func (h *heldSaves) move(e, to *Event) {
	if h.epoch == nil {
		return
	}
	if list := h.of(e.dirty); list != nil && list[e.spot] == e {
		list[e.spot] = to
	}
}

func (h *heldSaves) of(d dirty) []*Event {
	switch p := h.epoch; {
	case d == p.now:
		return h.now
	case d == p.was && d != 0:
		return h.saving
	}
	return nil
}

// release notes that an event waits no more.
func (h *heldSaves) release(e *Event, fields int) {
	if h.epoch == nil || e.dirty == 0 {
		return
	}
	if list := h.of(e.dirty); list != nil && int(e.spot) < len(list) && list[e.spot] == e {
		list[e.spot] = nil
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

func (h *heldSaves) freeze() { h.saving, h.now = h.now, h.saving[:0] }

// saveSome saves up to n events; false: all are saved.
func (h *heldSaves) saveSome(n, fields int) bool {
	for ; n > 0 && len(h.saving) > 0; n-- {
		last := len(h.saving) - 1
		if e := h.saving[last]; e != nil {
			h.save(e, fields)
			e.dirty = 0
		}
		h.saving[last] = nil
		h.saving = h.saving[:last]
	}
	return len(h.saving) > 0
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

// versionSaves is which versions of alerts have changed.
type versionSaves struct {
	epoch   *epoch // nil: there are no freezes
	section int
	ids     []string
}

func (g *eager) setVersion(id string, v version) {
	g.versions[id] = v
	g.noteVersion(id)
}

func (g *eager) dropVersion(id string) {
	delete(g.versions, id)
	g.noteVersion(id)
}

func (g *eager) noteVersion(id string) {
	if s := &g.saves; s.epoch != nil && !s.epoch.all {
		s.ids = append(s.ids, id)
	}
}

// saveVersions saves the versions that have changed, or all.
func (g *eager) saveVersions(all bool) {
	s := &g.saves
	if all {
		s.ids = slices.Collect(maps.Keys(g.versions))
	}
	slices.Sort(s.ids)
	for _, id := range slices.Compact(s.ids) {
		if v, ok := g.versions[id]; ok && v.until >= s.epoch.low {
			s.epoch.w.version(id, v)
			s.epoch.put(s.section, s.epoch.text(id))
		} else {
			s.epoch.none(s.section, s.epoch.text(id))
		}
	}
	clear(s.ids)
	s.ids = s.ids[:0]
}
