package cep

import "slices"

// A freeze in EagerOrder takes keys as they were before the first event that a late one could
// precede then. What that takes is kept until it is saved (pinned, Engine.pinned).

// changeCell notes that the recent past of a key changes now.
func (s *shard) changeCell(c *cell) {
	p := s.saves.epoch
	if p == nil || c.dirty&p.now != 0 {
		return
	}
	s.saveCell(c)
	s.stays(c)
}

// stays lets the next freeze save a cell.
func (s *shard) stays(c *cell) {
	if p := s.saves.epoch; c.dirty&p.now == 0 {
		c.dirty |= p.now
		s.saves.cells.add(c)
	}
}

// meets takes over the mark of a key whose cell has just been made.
func (s *shard) meets(c *cell) {
	c.dirty, c.stored, c.backed = 0, false, false
	p := s.saves.epoch
	if p == nil {
		return
	}
	if ks := s.tables[c.space][c.key()]; ks != nil {
		c.stored = true
		if ks.dirty&p.was != 0 {
			c.dirty |= p.was
			s.saves.cells.saving.add(c)
		}
		if ks.dirty&p.now != 0 {
			s.stays(c)
		}
		ks.dirty = 0
	}
	s.changeCell(c)
}

// parts gives the mark of a cell that goes to its key, if something is kept of it.
func (s *shard) parts(c *cell) {
	p := s.saves.epoch
	if p == nil {
		return
	}
	s.saveCell(c)
	ks := s.tables[c.space][c.key()]
	switch {
	case c.dirty == 0:
	case ks != nil:
		ks.dirty = c.dirty
		s.saves.keys.add(ks)
	case c.stored:
		p.forget(s.saves.section, p.under(c.space, c.key()))
	}
	if c.backed {
		p.forget(s.saves.backlogs+int(c.space), p.text(c.key()))
	}
	c.dirty = 0
}

// pinned is the time up to which a cell may forget what is before it.
func (s *shard) pinned(c *cell, low int64) int64 {
	if p := s.saves.epoch; p != nil && c.dirty&p.was != 0 {
		return min(low, p.low)
	}
	return low
}

// standing is first for a cell that has items whose events are gone.
func (c *cell) standing(low int64) int {
	i, _ := slices.BinarySearchFunc(c.items, low, func(it item, t int64) int {
		if it.time < t {
			return -1
		}
		return 1
	})
	for at := (stamp{moment: low}); i < len(c.items) && c.items[i].time == low && c.items[i].event.stamp().compare(at) <= 0; {
		i++
	}
	return i
}

// saveCell saves the key of a cell, if that is still to be done. The cell stays to be saved
// while it has events that a late one can precede.
func (s *shard) saveCell(c *cell) {
	p := s.saves.epoch
	if c.dirty&p.was == 0 {
		return
	}
	c.dirty &^= p.was
	first := c.standing(p.low)
	switch h := &c.hold; {
	case h.holding || h.used > 0 && first < len(c.items):
		p.w.backlog(c.key(), h, first)
		p.put(s.saves.backlogs+int(c.space), p.text(c.key()))
		c.backed = true
	case c.backed:
		p.none(s.saves.backlogs+int(c.space), p.text(c.key()))
		c.backed = false
	}
	saved := false
	if first < c.hold.end(len(c.items)) {
		saved = s.saveBefore(c, first)
	} else if ks := s.tables[c.space][c.key()]; ks != nil {
		s.writeKey(ks)
		saved = true
	}
	if !saved && c.stored {
		p.none(s.saves.section, p.under(c.space, c.key()))
	}
	c.stored = saved
	if first < len(c.items) || c.hold.holding {
		s.stays(c)
	}
}

// saveBefore saves the key of a cell as it was before an item; false: there was nothing. It
// may be called wherever a key is about to be matched: all stays as it is.
func (s *shard) saveBefore(c *cell, first int) bool {
	k := first
	for !c.items[k].known {
		k--
	}
	g, table := s.eager, s.tables[c.space]
	live, counted := table[c.key()], s.recount.begin()
	redoing, settled, fresh, key, kept, keptOf, came := g.redoing, g.settled, g.fresh, s.key, s.kept, s.keptOf, s.came
	since, savedAt := c.since, c.savedAt
	var fates []fate
	if s.near != nil {
		fates, s.near.fates = s.near.fates, nil
	}
	g.redoing, g.settled, s.key, s.kept, s.came = true, true, keyReader{}, nil, nil
	if live != nil {
		delete(table, live.text)
	}
	s.saves.back = true

	s.loadInto(table, c, c.items[k].saved)
	for i := k; i < first; i++ {
		s.match(c, i)
	}
	s.catchUp(c, s.saves.epoch.low)
	then := table[c.key()]
	if then != nil {
		s.writeKey(then)
		s.unload(table, then)
	}

	s.saves.back = false
	if live != nil {
		table[live.text] = live
	}
	if s.near != nil {
		s.near.fates = fates
	}
	s.recount.end(counted, s.machines)
	g.redoing, g.settled, g.fresh, s.key, s.kept, s.keptOf, s.came = redoing, settled, fresh, key, kept, keptOf, came
	c.since, c.savedAt = since, savedAt
	return then != nil
}
