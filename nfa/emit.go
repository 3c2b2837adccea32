package nfa

import (
	"math"
	"math/bits"
	"slices"
)

// advance lets everything run out whose limit is at or before now: closing
// negations complete their matches, and open matches that cannot go on end.
func (m *Machine) advance(out []Match) []Match {
	ran := false
	for i := range m.runs.groups {
		g := &m.runs.groups[i]
		if m.ripe(g) {
			m.expireGroup(g)
			ran = true
		}
	}
	if !ran {
		return out
	}
	m.settle()
	before := len(out)
	out = m.timeouts(out)
	out = m.emit(out)
	if !m.prog.inOrder {
		slices.SortStableFunc(out[before:], func(a, b Match) int { return order(a.Time, b.Time) })
	}
	return out
}

// expireGroup lets the matches of a group run out; those that go on waiting for
// less are moved.
func (m *Machine) expireGroup(g *group) {
	rest := g.runs
	kept := rest[:0]
	g.soonest = Forever
	for i, n := range rest {
		limit := m.limitOf(n, g.live)
		if limit.soonest > m.now || limit.soonest == Forever {
			g.soonest = min(g.soonest, limit.soonest)
			if g.queued { // what comes after runs out no sooner
				kept = rest[i:]
				break
			}
			kept = append(kept, n)
			continue
		}
		m.runs.open--
		if m.Trace != nil {
			m.tellExpired(g, n)
		}
		if live := m.expire(g, n); live != 0 {
			key := g.groupKey
			key.live = live
			m.moves = append(m.moves, move{key, n, m.limitOf(n, live)})
		} else if m.Collect {
			m.runOutAt(g, n)
		}
	}
	g.runs = kept
	g.swept = len(kept)
}

// expire removes the edges of an open match whose limit has come, and notes what
// comes of it. It returns those left.
func (m *Machine) expire(g *group, at int32) uint64 {
	pl := &m.prog.places[g.place]
	live := g.live
	for rest := live; rest != 0; rest &= rest - 1 {
		k := bits.TrailingZeros64(rest)
		limit := m.limit(at, &pl.edges[k])
		if limit > m.now || limit == Forever {
			continue
		}
		live &^= 1 << k
		if pl.closing&(1<<k) != 0 {
			m.complete(held{at, 0, limit})
		} else if m.prog.timeout && g.live&pl.closing == 0 {
			m.runOut(at, limit, g.fresh)
		}
	}
	return live
}

// runOut notes a time-out of an open match. An open match that has let an event
// pass is one branch for each edge that it waits for, and one that has not is a
// single branch: so they are counted, as in Flink.
func (m *Machine) runOut(at int32, limit Time, fresh bool) {
	for i := len(m.outed) - 1; i >= 0 && m.outed[i].node == at; i-- {
		if m.outed[i].at == limit {
			if !fresh {
				m.outed[i].copies++
			}
			return
		}
	}
	m.outed = append(m.outed, outing{at, limit, 1})
}

// timeouts appends the open matches that ran out, in order of their limits. One
// that has come out as a match is no time-out.
func (m *Machine) timeouts(out []Match) []Match {
	if len(m.outed) == 0 {
		return out
	}
	came := func(o outing) bool { return m.runs.nodes[o.node-1].out }
	m.outed = slices.DeleteFunc(m.outed, came)
	slices.SortStableFunc(m.outed, func(a, b outing) int {
		if a.at != b.at {
			return order(a.at, b.at)
		}
		return m.compare(a.node, b.node)
	})
	for i, o := range m.outed {
		if i > 0 && m.prog.patterns > 1 && m.repeats(m.outed[i-1], o) {
			m.outed[i].node = m.outed[i-1].node // stand for its pattern in the comparisons to come
			continue
		}
		for range o.copies {
			out = append(out, m.match(TimedOut, held{o.node, 0, o.at}))
		}
		if m.Trace != nil {
			m.tell(o.node, -1, Note{Kind: RanOut, Limit: o.at, Copies: o.copies})
		}
	}
	m.outed = m.outed[:0]
	return out
}

// repeats reports whether o is what another pattern of the set has said already.
func (m *Machine) repeats(before, o outing) bool {
	a, b := &m.runs.nodes[before.node-1], &m.runs.nodes[o.node-1]
	return before.at == o.at && m.prog.places[a.place].pattern != m.prog.places[b.place].pattern && m.compare(before.node, o.node) == 0
}

// emit appends the matches that have completed, in order, as far as the skip
// strategy lets them out.
func (m *Machine) emit(out []Match) []Match {
	if len(m.done) == 0 {
		if len(m.runs.held) > 0 {
			out = m.release(out)
		}
		return out
	}
	slices.SortStableFunc(m.done, func(a, b held) int {
		if a.at != b.at {
			return order(a.at, b.at)
		}
		return order(m.runs.nodes[a.node-1].first, m.runs.nodes[b.node-1].first)
	})
	for rest := m.done; len(rest) > 0; {
		// Matches with the same start come together; only those that the ones
		// before have not consumed are compared event by event.
		k := 1
		first := m.runs.nodes[rest[0].node-1].first
		for k < len(rest) && rest[k].at == rest[0].at && m.runs.nodes[rest[k].node-1].first == first {
			k++
		}
		out = m.together(rest[:k], out)
		rest = rest[k:]
	}
	m.done = m.done[:0]
	if len(m.cuts) > 0 {
		m.drop(m.consumed, Consumed)
		m.cuts = m.cuts[:0]
	}
	if len(m.came) > 0 {
		m.markFound()
	}
	if len(m.runs.held) > 0 {
		out = m.release(out)
	}
	return out
}

// together emits matches that begin with the same event and complete at the same
// moment.
func (m *Machine) together(same []held, out []Match) []Match {
	if m.consumed(same[0].node) {
		if m.Trace != nil {
			m.tellRefused(same, Consumed)
		}
		return out
	}
	slices.SortStableFunc(same, func(a, b held) int { return m.compare(a.node, b.node) })
	for i, h := range same {
		twice := i > 0 && m.compare(same[i-1].node, h.node) == 0 // the same captures found twice are one match
		if why := m.refused(h, twice); why != NoReason {
			if m.Trace != nil {
				m.tellRefused(same[i:i+1], why)
			}
			continue
		}
		m.comeOut(h.node)
		if m.prog.inOrder {
			m.runs.held = append(m.runs.held, h)
			if m.Trace != nil {
				m.tellHeld(h)
			}
			continue
		}
		out = m.emerge(h, out)
		m.consume(h)
	}
	return out
}

// refused says why a completed match does not come out, or nothing.
func (m *Machine) refused(h held, twice bool) Why {
	m.moment = h.at
	switch {
	case twice || m.found(h.node):
		return Repeated
	case m.consumed(h.node):
		return Consumed
	case m.prog.Having >= 0 && !m.j.Holds(m.prog.Having, Captures{m.runs, m.prog, h.node}):
		return HavingFailed
	}
	return NoReason
}

// emerge appends a match that comes out.
func (m *Machine) emerge(h held, out []Match) []Match {
	if m.Trace != nil {
		m.tell(h.node, -1, Note{Kind: Out, Limit: h.at, Copies: 1})
	}
	return append(out, m.match(Complete, h))
}

// comeOut marks a match as found.
func (m *Machine) comeOut(at int32) {
	m.runs.nodes[at-1].out = true
	if m.prog.patterns > 1 {
		i, _ := slices.BinarySearchFunc(m.came, at, m.compare)
		m.came = slices.Insert(m.came, i, at)
	}
}

// found reports whether a match is out, or with several patterns another one that
// has captured the same came out at this moment.
func (m *Machine) found(at int32) bool {
	if m.runs.nodes[at-1].out {
		return true
	}
	_, ok := slices.BinarySearchFunc(m.came, at, m.compare)
	return ok
}

// markFound marks the open matches that have captured the same as one that came
// out, so that it is not found again.
func (m *Machine) markFound() {
	r := m.runs
	low, high := Event(math.MaxUint64), Event(0)
	for _, at := range m.came {
		low, high = min(low, r.nodes[at-1].event), max(high, r.nodes[at-1].event)
	}
	for i := range r.groups {
		for _, at := range r.groups[i].runs {
			if n := &r.nodes[at-1]; low <= n.event && n.event <= high && m.found(at) {
				n.out = true
			}
		}
	}
	m.came = m.came[:0]
}

// consumed reports whether an earlier match of this moment consumed one that ends
// with a node.
func (m *Machine) consumed(at int32) bool {
	first := m.runs.nodes[at-1].first
	i := m.cutsUpTo(first)
	return i > 0 && first <= m.cuts[i-1].high
}

// cutsUpTo returns how many cuts begin at or before an event.
func (m *Machine) cutsUpTo(first Event) int {
	i, _ := slices.BinarySearchFunc(m.cuts, first+1, func(c cut, e Event) int { return order(c.low, e) })
	return i
}

// consume notes what the skip strategy says that a match consumed: open and
// completed matches that began at or after it and under its cut.
func (m *Machine) consume(h held) {
	c, ok := m.cut(h)
	if !ok {
		return
	}
	if m.Trace != nil {
		m.eats(h, c)
	}
	i := m.cutsUpTo(c.low)
	if i > 0 {
		c.high = max(c.high, m.cuts[i-1].high)
	}
	m.cuts = slices.Insert(m.cuts, i, c)
	for i++; i < len(m.cuts) && m.cuts[i].high < c.high; i++ {
		m.cuts[i].high = c.high
	}
}

// cut returns the first events whose matches h consumes.
func (m *Machine) cut(h held) (cut, bool) {
	n := &m.runs.nodes[h.node-1]
	c := cut{low: n.first}
	switch m.prog.skip {
	case SkipNone:
		return cut{}, false
	case SkipPastLast:
		c.high = n.event
	case SkipToNext:
		c.high = n.first
	case SkipToFirst, SkipToLast:
		caps := Captures{m.runs, m.prog, h.node}
		e, ok := caps.Last(int(m.prog.skipVar))
		if m.prog.skip == SkipToFirst {
			e, ok = caps.First(int(m.prog.skipVar))
		}
		if !ok {
			m.Counts.SkipMisses++
			return cut{}, false
		}
		c.high = e - 1
	}
	return c, c.low <= c.high
}

// release emits held matches while no open match is left that began before, as
// Flink CEP does. A match consumes by start alone: nothing older is left.
func (m *Machine) release(out []Match) []Match {
	r := m.runs
	for len(r.held) > 0 {
		next := 0
		for i := range r.held {
			if r.nodes[r.held[i].node-1].first < r.nodes[r.held[next].node-1].first {
				next = i
			}
		}
		h := r.held[next]
		if m.olderThan(r.nodes[h.node-1].first) {
			return out
		}
		r.held = slices.Delete(r.held, next, next+1)
		out = m.emerge(h, out)
		c, ok := m.cut(h)
		if !ok {
			continue
		}
		if m.Trace != nil {
			m.eats(h, cut{low: 0, high: c.high})
		}
		gone := func(n int32) bool { return r.nodes[n-1].first <= c.high }
		m.drop(gone, Consumed)
		r.held = slices.DeleteFunc(r.held, func(h held) bool {
			if m.Trace != nil && gone(h.node) {
				m.tellRefused([]held{h}, Consumed)
			}
			return gone(h.node)
		})
	}
	return out
}

// olderThan reports whether an open match began before an event.
func (m *Machine) olderThan(first Event) bool {
	for i := range m.runs.groups {
		for _, n := range m.runs.groups[i].runs {
			if m.runs.nodes[n-1].first < first {
				return true
			}
		}
	}
	return false
}

// match makes the Match of a node.
func (m *Machine) match(kind MatchKind, h held) Match {
	low := len(m.chains)
	k := int(m.runs.nodes[h.node-1].length)
	m.chains = slices.Grow(m.chains, k)[:low+k]
	events := m.chains[low : low+k : low+k]
	for at := h.node; at != 0; {
		n := &m.runs.nodes[at-1]
		k--
		events[k] = Captured{m.prog.places[n.place].name, n.event}
		at = n.parent
	}
	return Match{
		Kind: kind, Time: h.at, Last: h.last, Events: events,
		Captures: Captures{m.runs, m.prog, h.node}, Truncated: m.runs.atBound,
	}
}

// compare orders matches that complete together: the earlier start; then event
// by event, the one with the earlier event, a longer match before its own
// beginning; then, where they first differ, the variable that stands earlier in
// the pattern.
func (m *Machine) compare(a, b int32) int {
	if a == b {
		return 0
	}
	la, lb := m.runs.nodes[a-1].length, m.runs.nodes[b-1].length
	longer := order(lb, la)
	for la > lb {
		a = m.runs.nodes[a-1].parent
		la--
	}
	for lb > la {
		b = m.runs.nodes[b-1].parent
		lb--
	}
	byEvent, byName := 0, 0
	for a != b { // from the last to the first: the earliest difference stays
		x, y := &m.runs.nodes[a-1], &m.runs.nodes[b-1]
		if x.event != y.event {
			byEvent = order(x.event, y.event)
		}
		if d := order(m.prog.places[x.place].name, m.prog.places[y.place].name); d != 0 {
			byName = d
		}
		a, b = x.parent, y.parent
	}
	switch {
	case byEvent != 0:
		return byEvent
	case longer != 0:
		return longer
	}
	return byName
}
