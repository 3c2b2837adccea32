package cep

import "slices"

// redoMarked matches the marked cells again.
func (s *shard) redoMarked() {
	g := s.eager
	for len(g.marked) > 0 {
		c := g.marked[0]
		g.marked = slices.Delete(g.marked, 0, 1)
		s.redo(c)
	}
}

// redo takes a key back to what it was before its first marked item, matches its items
// from there on again, and lets out what that changes.
func (s *shard) redo(c *cell) {
	g := s.eager
	old := c.came
	from, end := c.from, c.hold.end(len(c.items))
	for i := from; i < end; i++ { // what is held back has brought nothing
		it := &c.items[i]
		old = append(old, it.came()...)
		it.brings(nil)
	}
	old = slices.DeleteFunc(old, func(x coming) bool { return g.past(x.at) })
	if s.near != nil {
		s.takeBack(c)
	}
	if from >= end && c.hold.holding {
		c.came, c.marked = nil, false // it is matched later
		return
	}
	for i := range old {
		s.undo(&old[i])
		g.revokes(&old[i])
	}
	if !c.hold.holding && !c.hold.spend(end-from, g.again) {
		c.came, c.marked = nil, false
		s.holdBack(c, old)
		return
	}
	counted := s.recount.begin()
	s.kept = nil // what events know of features may have changed
	g.redoing, g.settled = true, true
	first := s.restore(c, from)
	for i := first; i < end; i++ {
		g.settled = i < from
		if !g.settled && !c.items[i].fresh {
			g.applied++
		}
		s.match(c, i)
		if !g.settled {
			c.items[i].brings(s.took())
		}
	}
	g.settled = false
	s.catchUp(c, g.low)
	g.redoing = false
	s.recount.end(counted, s.machines)
	c.came, c.marked = nil, false
	s.compare(c, old, from)
}

// past reports whether what came at a stamp came by time that has passed.
func (g *eager) past(at stamp) bool { return at.origin == 0 && at.moment <= g.low }

// knows reports whether what comes at a stamp is known: it has come before, and a key is
// only taken there again.
func (g *eager) knows(at stamp) bool {
	return g != nil && g.redoing && !g.fresh && (g.settled || g.past(at))
}

// restore takes a key back to a state at or before an item, and returns the first item
// that is to be matched from there.
func (s *shard) restore(c *cell, i int) int {
	table := s.tables[c.space]
	if ks := table[c.key()]; ks != nil {
		s.unload(table, ks)
	}
	var v *saved
	if i == len(c.items) && c.known {
		v, c.known = c.saved, false
		defer s.spare.putSaved(v)
		c.saved = nil
		c.since = saveItems
	} else {
		if i == len(c.items) {
			i--
		}
		for !c.items[i].known {
			i--
		}
		v = c.items[i].saved
		s.spare.putSaved(c.saved)
		c.known, c.saved = false, nil
	}
	// Of what is held back the first item alone may have a state.
	for j := i + 1; j < min(c.hold.end(len(c.items))+1, len(c.items)); j++ {
		it := &c.items[j]
		s.spare.putSaved(it.saved)
		it.known, it.saved = false, nil
	}
	s.loadInto(table, c, v)
	return i
}

// loadInto makes what was saved, or nil, the state of the key of a cell, which has none.
func (s *shard) loadInto(table map[string]*keyState, c *cell, v *saved) {
	if v == nil {
		return
	}
	ks := s.spare.key()
	s.key.set(v.parts)
	s.key.create(ks, table, c.space)
	s.index(ks)
	v.load(ks, &s.spare)
	next := int64(never)
	for j := range ks.rules {
		next = min(next, ks.rules[j].due)
	}
	s.wake(ks, next)
}

// unload takes the state of a key away.
func (s *shard) unload(table map[string]*keyState, ks *keyState) {
	if ks.timer != never {
		s.timed--
		ks.timer = never
	}
	for j := range ks.rules {
		st := &ks.rules[j]
		st.runs.Reset()
		s.spare.putRuns(st)
	}
	clear(ks.rules)
	s.unindex(ks)
	delete(table, ks.text)
	s.spare.putKey(ks)
}

// undo takes back what a match added to risks and counts.
func (s *shard) undo(x *coming) {
	s.counted(x, ^uint64(0))
	if s.adds(x) {
		s.key.set(x.alert.Key)
		for _, id := range s.plan.risks[x.rule] {
			if s.plan.rs.riskSince(id).hidesMatch(x.cause, x.at.moment) {
				continue
			}
			s.risks.remove(s.risks.state(id, &s.key), x.addition())
		}
	}
}

// compare lets out what is new, takes back what is no more, and hands on what has
// changed for others.
func (s *shard) compare(c *cell, old []coming, from int) {
	fresh := []*coming{}
	for i := from; i < c.hold.end(len(c.items)); i++ {
		came := c.items[i].came()
		for j := range came {
			fresh = append(fresh, &came[j])
		}
	}
	s.compareRisks(c, old, fresh) // from here on c may have been trimmed
	was := map[string]*coming{}
	for i := range old {
		if x := &old[i]; x.out && x.alert.ID != "" {
			was[x.alert.ID] = x
		}
	}
	stays := map[*coming]bool{}
	for _, x := range fresh {
		b := was[x.alert.ID]
		if b == nil || x.alert.ID == "" || x.waits(s.eager) {
			continue
		}
		delete(was, x.alert.ID)
		s.keepOn(b, x)
		stays[x] = true
	}
	for i := range old {
		x := &old[i]
		if x.alert.ID == "" || was[x.alert.ID] != x {
			continue
		}
		if !x.silent {
			s.retract(x)
		}
		s.leaves(x.event)
	}
	for _, x := range fresh {
		if !stays[x] {
			s.bring(c, x)
		}
		s.eager.answers(x)
	}
}

// waits reports whether x is brought by time that has not passed.
func (x *coming) waits(g *eager) bool { return x.at.origin == 0 && x.at.moment > g.low }

// keepOn lets x, a match that has come out as b before, come out as it is now.
func (s *shard) keepOn(b, x *coming) {
	g := s.eager
	x.out = true
	switch {
	case b.event == nil || x.event == nil:
	case b.event.Raw == x.event.Raw && comparePlaces(b.event, x.event) == 0:
		x.event = b.event
	default:
		s.leaves(b.event)
		g.changes = append(g.changes, change{by: g.by, low: g.most, kind: Arrives, event: x.event})
	}
	if b.silent == x.silent && (x.silent || g.equal(&b.alert, &x.alert)) {
		return
	}
	if !b.silent {
		s.retract(b)
	}
	if !x.silent {
		s.letAlert(x)
	}
}

// leaves takes the event of a match from the rules that read it. One that they have not
// seen yet does not come to them.
func (s *shard) leaves(e *Event) {
	g := s.eager
	if e == nil {
		return
	}
	for i := len(g.changes) - 1; i >= 0 && g.changes[i].by == g.by; i-- {
		if c := &g.changes[i]; c.kind == Arrives && c.event == e {
			g.changes = slices.Delete(g.changes, i, i+1)
			return
		}
	}
	g.changes = append(g.changes, change{by: g.by, low: g.most, kind: Leaves, event: e})
}

// compareRisks disturbs who looks at a risk if what the cell adds to it has changed.
func (s *shard) compareRisks(c *cell, old []coming, fresh []*coming) {
	var was, is []addition
	var names []string
	add := func(all []addition, x *coming) []addition {
		if !s.adds(x) {
			return all
		}
		names = x.alert.Rule.Key.Names
		return append(all, x.addition())
	}
	for i := range old {
		was = add(was, &old[i])
	}
	for _, x := range fresh {
		is = add(is, x)
	}
	byStamp := func(a, b addition) int { return a.compare(&b) }
	slices.SortFunc(was, byStamp)
	slices.SortFunc(is, byStamp)
	for i := 0; i < max(len(was), len(is)); i++ {
		switch {
		case i >= len(is):
			s.disturb(c.key(), names, was[i].at, c)
			return
		case i >= len(was):
			s.disturb(c.key(), names, is[i].at, c)
			return
		case was[i] != is[i]:
			s.disturb(c.key(), names, earliest(was[i].at, is[i].at), c)
			return
		}
	}
}

func earliest(a, b stamp) stamp {
	if a.compare(b) <= 0 {
		return a
	}
	return b
}

// trim forgets what no event at or after low needs.
func (s *shard) trim(low int64) {
	g := s.eager
	for g.head < len(g.queue) && g.queue[g.head].at < low {
		c := g.queue[g.head].cell
		g.queue[g.head].cell = nil
		g.head++
		if c.trim(low, s); len(c.items) > 0 || c.hold.holding {
			g.look(c, max(g.latest, low))
			continue
		}
		s.parts(c)
		c.empty(&s.spare)
		g.cells[c.space].drop(c, cap(c.items) > smallSpare)
	}
	for len(g.expiring) > 0 && g.expiring[0].at < low {
		g.dropVersion(g.expiring.pop().id)
	}
}

// look sees to it that a cell is looked at once no event comes any more up to a time.
func (g *eager) look(c *cell, at int64) {
	if len(g.queue) == cap(g.queue) && 2*g.head >= len(g.queue) {
		n := copy(g.queue, g.queue[g.head:])
		clear(g.queue[n:])
		g.queue, g.head = g.queue[:n], 0
	}
	g.queue = append(g.queue, queued{at, c})
}
