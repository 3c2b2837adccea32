package cep

// In EagerOrder what a late event costs is bounded: a key that would have to match too many
// events again holds its events back until the watermark has passed them, as in
// WatermarkOrder, and goes back to matching what arrives once no late event has come for as
// long as lateness.

// mostAgain is the number of events of a key that are matched again for a late one. All late
// events of a key together may use no more than that, and one for each event that came.
const mostAgain = 10_000

// backlog says whether a key holds events back.
type backlog struct {
	used    int   // of mostAgain
	holding bool  // the items from done on are held back
	done    int   // where holding
	calm    int64 // the watermark at which it ends
}

// earn counts an event that came in order.
func (b *backlog) earn() {
	if b.used > 0 {
		b.used--
	}
}

// spend reports whether so many events may be matched again, of most, and counts them.
func (b *backlog) spend(n, most int) bool {
	if b.used+n > most {
		return false
	}
	b.used += n
	return true
}

// end is the number of n items that are matched.
func (b *backlog) end(n int) int {
	if b.holding {
		return min(b.done, n) // of a state that was damaged it may be more
	}
	return n
}

// holdBack lets a marked cell hold back its items from the first marked one on. What came of
// them is taken back, and comes again with the watermark.
func (s *shard) holdBack(c *cell, old []coming) {
	g := s.eager
	from := c.from
	s.kept = nil
	g.redoing, g.settled = true, true
	for i := s.restore(c, from); i < from; i++ {
		s.match(c, i)
	}
	s.catchUp(c, g.low)
	g.redoing, g.settled = false, false
	c.hold.holding, c.hold.done = true, from
	g.holds(c)
	g.heldBack++
	s.compare(c, old, len(c.items))
}

// wake says that the first item that a cell holds back is of that time. One that no longer
// agrees with its cell is passed over.
type wake struct {
	at   int64
	cell *cell
}

func (a wake) before(b wake) bool { return a.at < b.at }

// awaits reports whether a cell holds back all of its items after a stamp, so that they are
// matched later: without a search among all that it holds.
func (c *cell) awaits(at stamp) bool {
	return c.hold.holding && (c.hold.done == 0 || c.items[c.hold.done-1].event.stamp().compare(at) <= 0)
}

// holds takes in a cell that holds items back from now on.
func (g *eager) holds(c *cell) {
	g.holding = append(g.holding, c)
	g.calm = min(g.calm, c.hold.calm)
	c.wakes = never
	g.wake(c)
}

// wake sees to it that the first item that a cell holds back is matched.
func (g *eager) wake(c *cell) {
	if !c.hold.holding || c.hold.done >= len(c.items) {
		return
	}
	if at := c.items[c.hold.done].time; at < c.wakes {
		c.wakes = at
		g.wakes.push(wake{at, c})
	}
}

// letGo matches the items before t of the keys that hold back, and all of those of keys that
// have come to rest.
func (s *shard) letGo(t int64) {
	g := s.eager
	for g.next() < t {
		c := g.wakes.pop().cell
		c.wakes = never
		s.letGoUp(c, t)
		g.wake(c)
	}
	if t >= g.calm {
		s.rest(t)
	}
}

// letGoUp matches the items before t that a cell holds back.
func (s *shard) letGoUp(c *cell, t int64) {
	for c.hold.done < len(c.items) && c.items[c.hold.done].time < t {
		s.changeCell(c)
		i := c.hold.done
		c.hold.done++
		s.kept = nil // what the event knows of features may have changed
		// The end of a window, which is no event, brings its key along.
		if it := &c.items[i]; it.ended == nil {
			s.readKey(c, it)
		}
		s.matchNext(c, i)
	}
}

// rest lets the keys that have come to rest hold back no more.
func (s *shard) rest(t int64) {
	g := s.eager
	kept, calm := g.holding[:0], int64(never)
	for _, c := range g.holding {
		if t < c.hold.calm {
			kept, calm = append(kept, c), min(calm, c.hold.calm)
			continue
		}
		s.changeCell(c)
		s.letGoUp(c, never)
		c.hold, c.wakes = backlog{}, never
	}
	clear(g.holding[len(kept):])
	g.holding, g.calm = kept, calm
}

// next is the time of the first item that is held back, or never.
func (g *eager) next() int64 {
	for len(g.wakes) > 0 {
		x, c := g.wakes[0], g.wakes[0].cell
		if x.at == c.wakes && c.hold.holding && c.hold.done < len(c.items) && c.items[c.hold.done].time == x.at {
			return x.at
		}
		g.wakes.pop()
		if x.at == c.wakes { // the item has been taken out
			c.wakes = never
			g.wake(c)
		}
	}
	return never
}
