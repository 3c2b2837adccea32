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
		if due := g.due(m.prog.seen(g)); due <= m.now && due != Forever {
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
	kept := g.runs[:0]
	g.soonest, g.latest = Forever, math.MinInt64
	for _, n := range g.runs {
		live := m.expire(g, n)
		if live == g.live {
			kept = append(kept, n)
			limit := m.limitOf(n, live)
			g.soonest, g.latest = min(g.soonest, limit.soonest), max(g.latest, limit.latest)
			continue
		}
		m.runs.open--
		if live != 0 {
			key := g.groupKey
			key.live = live
			m.moves = append(m.moves, move{key, n, m.limitOf(n, live)})
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
			m.done = append(m.done, held{at, 0, limit})
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
	m.done, m.cuts = m.done[:0], m.cuts[:0]
	if len(m.runs.held) > 0 {
		out = m.release(out)
	}
	return out
}

// together emits matches that begin with the same event and complete at the same
// moment.
func (m *Machine) together(same []held, out []Match) []Match {
	if m.consumed(same[0]) {
		return out
	}
	slices.SortStableFunc(same, func(a, b held) int { return m.compare(a.node, b.node) })
	for i, h := range same {
		if i > 0 && m.compare(same[i-1].node, h.node) == 0 {
			continue // the same captures found twice are one match
		}
		if m.runs.nodes[h.node-1].out || m.consumed(h) {
			continue
		}
		if c := m.prog.Having; c >= 0 && !m.j.Holds(c, Captures{m.runs, m.prog, h.node}) {
			continue
		}
		m.comeOut(h.node)
		if m.prog.inOrder {
			m.runs.held = append(m.runs.held, h)
			continue
		}
		out = append(out, m.match(Complete, h))
		m.consume(h)
	}
	return out
}

// comeOut marks a match as found; with several patterns also the open matches
// that have captured the same, so that it is not found again.
func (m *Machine) comeOut(at int32) {
	m.runs.nodes[at-1].out = true
	if m.prog.patterns == 1 {
		return
	}
	for i := range m.runs.groups {
		for _, n := range m.runs.groups[i].runs {
			if m.runs.nodes[n-1].event == m.runs.nodes[at-1].event && m.compare(n, at) == 0 {
				m.runs.nodes[n-1].out = true
			}
		}
	}
	for _, h := range m.done {
		if m.compare(h.node, at) == 0 {
			m.runs.nodes[h.node-1].out = true
		}
	}
}

// consumed reports whether an earlier match of this moment consumed h.
func (m *Machine) consumed(h held) bool {
	first := m.runs.nodes[h.node-1].first
	for _, c := range m.cuts {
		if c.low <= first && first <= c.high {
			return true
		}
	}
	return false
}

// consume drops what the skip strategy says a match consumed: open and completed
// matches that began at or after it and under its cut.
func (m *Machine) consume(h held) {
	c, ok := m.cut(h)
	if !ok {
		return
	}
	m.cuts = append(m.cuts, c)
	m.drop(func(n int32) bool {
		first := m.runs.nodes[n-1].first
		return c.low <= first && first <= c.high
	})
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
		out = append(out, m.match(Complete, h))
		c, ok := m.cut(h)
		if !ok {
			continue
		}
		gone := func(n int32) bool { return r.nodes[n-1].first <= c.high }
		m.drop(gone)
		r.held = slices.DeleteFunc(r.held, func(h held) bool { return gone(h.node) })
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
