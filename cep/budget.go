package cep

import (
	"math"
	"slices"

	"weir/cep/feature"
)

// budget keeps the state within Options.Budget. The state is weighed now and then, after an
// event that is named by its number; where it is too heavy the heaviest rule or feature is
// closed to new keys: an event that arrives then opens nothing under a key of which that
// keeps nothing. What an event may open is a matter of its place in the log, also where it
// waits for earlier ones or, with EagerOrder, is matched again.
type budget struct {
	limit   int64     // bytes; 0: there is none
	due     uint64    // events accepted at which the state is weighed next
	weighed uint64    // events accepted when it was weighed last
	total   int64     // bytes as of then
	parts   []int64   // rules, then features: bytes as of then
	closed  []closure // likewise
	any     bool      // of closed some has spans
	rules   int       // number of rules
}

// closure is when a part was closed to new keys, oldest first; of what no event can come
// back to nothing is kept.
type closure []span

// span is from one place in the log to another.
type span struct {
	from, to border
	ended    bool // else it goes on
}

// Shares of the budget, in percent.
const (
	nearShare = 90 // from here on the heaviest parts are named
	openShare = 95 // below this closed parts open again
)

// The state is weighed again when at the soonest it can have come to where something is to be
// done, if an event adds no more than mostGrowth bytes; and not so often that this would take
// much of the time, but of a small budget after few events.
const (
	mostGrowth = 16 << 10
	mostPause  = 1 << 17 // events
	drawnPause = 8       // events, for each key that was looked at
	smallPause = 8 << 10 // bytes of the budget, for each event
)

const neverDue = math.MaxUint64

func newBudget(rs *Ruleset, limit int64) *budget {
	n := len(rs.Rules) + len(rs.Features)
	b := &budget{limit: limit, due: neverDue, parts: make([]int64, n), closed: make([]closure, n), rules: len(rs.Rules)}
	if limit > 0 {
		b.due = 1
	}
	return b
}

// closedTo reports whether a part is closed to new keys for an event.
func (b *budget) closedTo(part int, e *Event) bool {
	for i := range b.closed[part] {
		if b.closed[part][i].has(e, e.Time) {
			return true
		}
	}
	return false
}

// closedAt is closedTo for what time brings at a moment.
func (b *budget) closedAt(part int, moment int64) bool {
	for i := range b.closed[part] {
		if b.closed[part][i].has(nil, moment) {
			return true
		}
	}
	return false
}

// has reports whether an event, or nil: what time brings at a moment, comes within the span.
func (s *span) has(e *Event, moment int64) bool {
	return !s.from.hidesMatch(e, moment) && (!s.ended || s.to.hidesMatch(e, moment))
}

// isClosed reports whether a part is closed now.
func (c closure) isClosed() bool { return len(c) > 0 && !c[len(c)-1].ended }

// refusesRule reports whether a rule is closed to the event that arrives, or comes again,
// under a key of which it keeps nothing.
func (s *shard) refusesRule(rule int32, e *Event) bool {
	b := s.budget
	if !b.any || !b.closedTo(int(rule), e) {
		return false
	}
	s.countRefused(rule)
	return true
}

// refusesEnd is refusesRule for a window that ends at a moment.
func (s *shard) refusesEnd(rule int32, moment int64) bool {
	b := s.budget
	if !b.any || !b.closedAt(int(rule), moment) {
		return false
	}
	s.countRefused(rule)
	return true
}

// countRefused counts what is refused for the first time.
func (s *shard) countRefused(rule int32) {
	if s.eager == nil || !s.eager.redoing || s.eager.fresh {
		s.stats[rule].Refused++
	}
}

// refuses reports whether a feature is closed to the current event, as it has nothing in its
// windows of a key; held says that there is a record of that.
func (l *ledger) refuses(f int32, kept *feature.Record, held bool) bool {
	b := l.budget
	if b == nil || !b.any || !b.closedTo(b.rules+int(f), l.scope.Event) {
		return false
	}
	place := l.scheme.places[f]
	return !held || !l.spaces[place.space].plan.Holds(kept, int(place.number), l.scope.Event.Time)
}

// keepBudget weighs the state if that is due, once all that has arrived is matched.
func (g *Engine) keepBudget() {
	b := g.budget
	w := g.weigh()
	grows := w.total > b.total
	b.weighed, b.total, b.parts = g.order.arrived, w.total, w.parts
	here := border{g.order.arrived, g.order.low, g.order.now}
	switch {
	case b.limit == 0 || b.total < b.share(openShare):
		b.open(here)
	case b.total >= b.limit && (grows || !b.closing()):
		b.closeHeaviest(here)
	}
	b.forget(g.horizon(g.askedFrom(g.pinned(g.order.low))))
	b.due = neverDue
	if b.limit > 0 {
		b.due = b.weighed + b.pause(w.drawn)
	}
}

// share is some percent of the budget.
func (b *budget) share(percent int64) int64 { return b.limit/100*percent + b.limit%100*percent/100 }

// closing reports whether some part is closed now.
func (b *budget) closing() bool { return slices.ContainsFunc(b.closed, closure.isClosed) }

// open opens all parts.
func (b *budget) open(here border) {
	for i := range b.closed {
		if c := b.closed[i]; c.isClosed() {
			c[len(c)-1].to, c[len(c)-1].ended = here, true
		}
	}
}

// closeHeaviest closes the heaviest of the parts that are open, the first of those that are
// equally heavy.
func (b *budget) closeHeaviest(here border) {
	heaviest := -1
	for i, n := range b.parts {
		if n > 0 && !b.closed[i].isClosed() && (heaviest < 0 || n > b.parts[heaviest]) {
			heaviest = i
		}
	}
	if heaviest >= 0 {
		b.closed[heaviest] = append(b.closed[heaviest], span{from: here})
	}
}

// forget forgets spans that no event comes back to once those before low are gone.
func (b *budget) forget(low int64) {
	b.any = false
	for i := range b.closed {
		b.closed[i] = slices.DeleteFunc(b.closed[i], func(s span) bool { return !s.matters(low) })
		b.any = b.any || len(b.closed[i]) > 0
	}
}

// matters reports whether events that come within the span may still be matched.
func (s *span) matters(low int64) bool { return !s.ended || s.to.matters(low) }

// pause is how many events come before the state is weighed again.
func (b *budget) pause(drawn int) uint64 {
	gap := b.limit - b.total
	if b.closing() {
		gap = b.total - b.share(openShare)
	}
	return uint64(max(1, min(gap/mostGrowth, mostPause), min(drawnPause*int64(drawn), b.limit/smallPause)))
}

// enlistBudget lets all parts ask what is closed.
func (g *Engine) enlistBudget() {
	g.budget = newBudget(g.rs, g.options.Budget)
	for l := range g.allLedgers {
		l.budget = g.budget
	}
	for s := range g.shards {
		s.budget = g.budget
		if g.budget.limit > 0 {
			s.indexes = make([]index[*keyState], len(s.tables))
		}
	}
	for _, r := range g.risks {
		if g.budget.limit > 0 {
			r.indexes = make([]index[*riskState], len(r.tables))
		}
	}
}

// StateStats says how heavy the state was when it was weighed last, of an Engine with
// Options.Budget.
type StateStats struct {
	Budget   int64       // bytes; 0: there is none, and nothing is weighed
	Bytes    int64       // about so many are kept, as of the event Weighed
	Weighed  uint64      // Stats.Events as of then; 0: it has not been weighed yet
	Rules    []PartStats // by rule
	Features []PartStats // by Ruleset.Features
}

// PartStats is what a rule or a feature takes of the state.
type PartStats struct {
	Bytes  int64 // about so many
	Closed bool  // new keys are refused
}

// Near reports whether the state has come near to its budget, or reached it.
func (s *StateStats) Near() bool { return s.Budget > 0 && s.Bytes >= s.Budget/100*nearShare }

// stateStats are those of the budget.
func (b *budget) stateStats() StateStats {
	s := StateStats{Budget: b.limit, Bytes: b.total, Weighed: b.weighed}
	parts := make([]PartStats, len(b.parts))
	for i := range parts {
		parts[i] = PartStats{b.parts[i], b.closed[i].isClosed()}
	}
	s.Rules, s.Features = parts[:b.rules:b.rules], parts[b.rules:]
	return s
}
