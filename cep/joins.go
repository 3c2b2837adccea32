package cep

import "slices"

// A late event is matched by itself, between what has come before and after it, where that
// shows: its features change what events before it know, or a layer above looks at a risk.
// Most show nothing of the kind, as those of many clients that are some milliseconds apart:
// they are matched with the block that they came in, each in its turn.

// joinsLate reports whether late events may be matched in blocks. Of a risk the layers above
// see what is pending of the whole block; matches that time has brought in the eyes of a
// later event look at features as of then.
func joinsLate(rs *Ruleset, asksOnTime bool) bool {
	return !asksOnTime && !slices.ContainsFunc(rs.Rules, func(r *Rule) bool { return r.Layer > 0 && len(r.Risks) > 0 })
}

// joins reports whether a late event can be matched in the block that it came in: features
// count it after all others of its keys, so that nobody else knows of it.
func (g *Engine) joins(e *Event) bool {
	st := &g.scheme.types[e.Type+1]
	switch {
	case !g.joinable:
		return false
	case st.idle():
		return true
	case g.order.now != g.arrivals.top.moment: // it looks at other keys as of a time that no event has
		return false
	}
	g.observeMore()
	for i := range st.visits {
		v := &st.visits[i]
		if !g.key.read(v.fields, e) {
			continue
		}
		text := g.key.joined()
		p := g.ledgers[g.key.hash()%uint64(len(g.ledgers))].past
		if j := p.spaces[v.space].find(text, hashOf(text)); j != nil && j.place(e) < len(j.items) {
			return false
		}
	}
	for _, l := range g.ledgers { // other keys are looked at as of the highest event time
		l.past.begin(g.order.now, l.past.low)
	}
	return true
}

// observeMore lets features count what has arrived since they did last.
func (g *Engine) observeMore() {
	more := g.released[g.observed:]
	g.observed = len(g.released)
	if len(more) == 0 {
		return
	}
	for _, e := range more {
		g.scheme.lend(e)
	}
	g.input = more
	g.fork(observeEagerShard)
}

// lateBy is the late event with an origin among those that are matched; nil: it is none of
// them, or was not late.
func (g *Engine) lateBy(origin uint64) *Event {
	if len(g.released) == 0 || origin < g.released[0].origin {
		return nil
	}
	i := origin - g.released[0].origin
	if i >= uint64(len(g.released)) || g.released[i].inOrder {
		return nil
	}
	return g.released[i]
}
