package trace

import (
	"slices"

	"weir/cep"
	"weir/nfa"
)

// expired is a match that ran out, for which an event may still come.
type expired struct {
	match  *match
	step   int // at which it ran out
	events kept
	waits  []lapsed
}

// lapsed is an edge that a match no longer waits for.
type lapsed struct {
	edge  int
	bound nfa.Bound
	limit int64
	span  int64
}

// mostExpired bounds the matches that ran out for which the event that came too late
// is looked for: those that lacked the least, of these the latest.
const mostExpired = 4

// expire remembers what a match waited for that ran out now.
func (t *Trace) expire(told *cep.Told, m *match) {
	n := &told.Note
	if told.Time == Forever || t.places[n.Place].Edges[n.Edge].To == nfa.End {
		return
	}
	w := lapsed{n.Edge, n.Bound, n.Limit, n.Span}
	for _, x := range t.expired {
		if x.match == m {
			x.waits = append(x.waits, w)
			return
		}
	}
	if len(t.expired) == mostExpired {
		i := t.least(m)
		if i < 0 {
			return
		}
		t.expired = slices.Delete(t.expired, i, i+1)
	}
	x := &expired{match: m, step: t.step.number, waits: []lapsed{w}, events: t.nothing()}
	if slices.ContainsFunc(t.conditions, func(c *condition) bool { return c.captures }) {
		x.events = keep(len(x.events), told.Captured(n.Captures))
	}
	t.expired = append(t.expired, x)
}

// least gives the one of expired that gives way to a match, -1 if none does. Those that
// ran out at the same step do not: then what is kept would be copied for each.
func (t *Trace) least(m *match) int {
	at := -1
	for i, x := range t.expired {
		if (at < 0 || len(x.match.missing) > len(t.expired[at].match.missing)) && (x.step != t.step.number || len(x.match.missing) > len(m.missing)) {
			at = i
		}
	}
	if at >= 0 && len(t.expired[at].match.missing) < len(m.missing) {
		return -1
	}
	return at
}

// catch tells of matches that ran out and waited for the event that comes now. One that
// the event would have ended is forgotten.
func (t *Trace) catch(told *cep.Told) {
	if t.caught {
		return
	}
	t.caught = true
	t.expired = slices.DeleteFunc(t.expired, func(x *expired) bool {
		if e := x.match.end; e != nil && e.Because != nfa.Expired.String() {
			return true // it went on, or ended otherwise
		}
		scope := told.Scope(nfa.Captures{})
		scope.Captures = x.events
		if u := t.rule.Program.Unless; u >= 0 && t.conditions[u].find(scope).holds {
			return true
		}
		x.waits = slices.DeleteFunc(x.waits, func(w lapsed) bool { return t.ends(scope, &t.places[x.match.place].Edges[w.edge]) })
		for _, w := range x.waits {
			if t.misses(told, x, scope, w) {
				return true
			}
		}
		x.waits = slices.DeleteFunc(x.waits, func(w lapsed) bool { return t.places[x.match.place].Edges[w.edge].Link.Kind == nfa.Next })
		return len(x.waits) == 0
	})
}

// misses tells that the event is what a match waited for, if it is.
func (t *Trace) misses(told *cep.Told, x *expired, scope *cep.Scope, w lapsed) bool {
	e := &t.places[x.match.place].Edges[w.edge]
	_, last := x.match.times()
	if told.Event.Time-last < int64(e.Link.Least) || !t.conditions[t.places[e.To].Name].find(scope).holds {
		return false
	}
	for _, c := range t.places[e.To].Untils {
		if t.conditions[c].find(scope).holds {
			return false
		}
	}
	s := Statement{Do: TooLate, of: x.match, event: t.event, Bound: w.bound.String()}
	s.lead(&t.ways[x.match.place][w.edge])
	s.Link = ""
	s.limit, s.span, s.behind = ns{true, w.limit}, ns{true, w.span}, ns{true, told.Event.Time - w.limit}
	t.about(told, s)
	return true
}

// ends reports whether an event ends the wait for an edge.
func (t *Trace) ends(scope *cep.Scope, e *nfa.Edge) bool {
	for _, list := range [][]nfa.Cond{e.Nots, e.Untils, e.Greedy} {
		for _, c := range list {
			if t.conditions[c].find(scope).holds {
				return true
			}
		}
	}
	return false
}
