package cep

import (
	"cmp"
	"math"
	"slices"

	"weir/nfa"
)

// coming is what a rule brought: a match, a time-out, or the answer of a hold, with what
// orders it among others: the moment at which it came, the event that brought it, its
// rule and key, and the order of the machine.
type coming struct {
	at      stamp
	place   uint64 // Event.Place of the event that brought it; 0: time did
	rule    int32
	number  int // among those of its shard in the block
	held    bool
	silent  bool   // it makes no alert
	out     bool   // EagerOrder: it has come out
	cause   *Event // EagerOrder: that brought it; nil: time did
	repeats bool   // as the event before that the rule saw was a match too
	early   bool   // as it came before the rule was published: see lanes
	alert   Alert  // of a hold Rule, Key and Score
	event   *Event // for the rules that read it; nil: there are none
}

// compare is the order in which alerts come out.
func (a *coming) compare(b *coming) int {
	return cmp.Or(a.at.compare(b.at), a.compareRules(b))
}

// compareWithin is the order in a layer.
func (a *coming) compareWithin(b *coming) int {
	return cmp.Or(cmp.Compare(a.at.moment, b.at.moment), cmp.Compare(a.place, b.place), a.compareRules(b))
}

func (a *coming) compareRules(b *coming) int {
	return cmp.Or(
		cmp.Compare(a.rule, b.rule),
		slices.Compare(a.alert.Key, b.alert.Key),
		compareCauses(a.cause, b.cause),
		cmp.Compare(a.number, b.number),
	)
}

// comeOut takes the matches that a step of a rule gave. Where a rule with time-outs runs
// out at once the moment is never: each match then comes at its own time, and not before
// the one that the machine gave before it, nor before time would have run out.
func (s *shard) comeOut(st *ruleState, at stamp, place uint64) {
	edge := st.edge
	st.edge = false
	if len(s.matches) == 0 {
		return
	}
	s.names.begin(len(s.matches))
	closing := at.moment == never
	if closing {
		at.moment = s.closing
	}
	for i := range s.matches {
		m := &s.matches[i]
		r := s.plan.rs.Rules[st.rule].as(s.judge.scope.Event, at.moment)
		if closing {
			r = s.plan.rs.Rules[st.rule].as(nil, max(s.closing, m.Time))
			at.moment = max(at.moment, m.Time)
		}
		s.judge.view.rule = r
		s.judge.risks.at = at
		now := s.at(st, m, at.moment)
		c := coming{cause: s.cause(), at: at, place: place, rule: st.rule, number: s.numberOf(i), alert: s.found(r, m.Events, m.Time, now)}
		c.alert.Truncated = m.Truncated
		if m.Kind == nfa.TimedOut {
			c.alert.Kind = TimeoutAlert
			c.early = c.alert.Rule.quiet.hidesMatch(s.judge.scope.Event, at.moment)
			c.silent = c.early
			s.prove(&c.alert)
		} else {
			s.matchedAt(st, &c, edge)
		}
		if s.eager.knows(at) {
			continue
		}
		s.counted(&c, 1)
		s.came = append(s.came, c)
		s.tellCame(st, m.Captures, &s.came[len(s.came)-1], now)
	}
}

// matchedAt lets a match have its consequences: an alert, if neither edge nor throttle
// keeps it from being one, an event for rules that read it, a hold, and risk.
func (s *shard) matchedAt(st *ruleState, c *coming, edge bool) {
	r, a := c.alert.Rule, &c.alert
	st.edge = r.Edge
	switch {
	case r.quiet.hidesMatch(s.judge.scope.Event, c.at.moment):
		c.silent, c.early = true, true
	case edge && r.Edge:
		c.silent, c.repeats = true, true
	case st.throttled && a.Time < st.quiet:
		c.silent = true
		st.suppressed++
	default:
		a.Suppressed, st.suppressed = st.suppressed, 0
		if st.throttled = r.Throttle > 0; st.throttled {
			st.quiet = later(a.Time, int64(r.Throttle))
		}
	}
	known := s.eager.knows(c.at)
	h := s.plan.heralds[st.rule].of(r)
	if known {
		h = nil
	} else if !c.silent || h != nil || s.names.many {
		s.prove(a)
	}
	if !c.silent && !known {
		s.back(a)
	}
	if h != nil {
		c.event = h.event(s.plan, a, c.at)
		c.event.from = &step{by: s.judge.scope.Event, layer: s.plan.layer, rule: c.rule, number: c.number, key: a.Key}
		if e := s.judge.scope.Event; e != nil {
			c.event.arrived = e.arrived
		}
	}
	if r.Shadow {
		return
	}
	if r.Hold > 0 {
		st.hold(later(a.Time, int64(r.Hold)), a.Score)
	}
	if a.Score == 0 || known || r.mute.hidesMatch(s.judge.scope.Event, c.at.moment) {
		return
	}
	for _, id := range s.plan.risks[st.rule] {
		if s.plan.rs.riskSince(id).hidesMatch(s.judge.scope.Event, c.at.moment) {
			continue
		}
		s.risks.add(s.risks.state(id, &s.judge.risks.key), c.addition())
	}
}

// numberOf numbers the i-th match of a step among those of its rule and key.
func (s *shard) numberOf(i int) int {
	if s.eager != nil {
		return i + 1 // whatever came in between
	}
	return len(s.came)
}

// cause is the event that brings what comes, where its place has to be known later.
func (s *shard) cause() *Event {
	if s.eager == nil {
		return nil
	}
	return s.judge.scope.Event
}

// counted counts what has come, n times.
func (s *shard) counted(c *coming, n uint64) {
	count := &s.stats[c.rule]
	switch {
	case c.held:
		count.Holds += n
	case c.alert.Kind == TimeoutAlert:
		count.Timeouts += n
	default:
		count.Matches += n
		switch {
		case !c.silent:
			count.Alerts += n
		case !c.repeats && !c.early:
			count.Suppressed += n
		}
	}
}

// tellCame tells what became of a match that came at a moment.
func (s *shard) tellCame(st *ruleState, caps nfa.Captures, c *coming, at *Moment) {
	if s.trace == nil {
		return
	}
	t := Told{Kind: Repeated, Node: caps.Traced(), Alert: &c.alert, at: at}
	switch {
	case !c.silent:
		t.Kind = Alerted
	case !c.repeats && !c.early:
		t.Kind, t.Until = Silenced, st.quiet
	}
	s.trace.tell(t)
}

// answer lets a rule answer for an event that it sees while it holds.
func (s *shard) answer(st *ruleState, e *Event) {
	score, ok := st.held(e.Time)
	if !ok {
		return
	}
	s.judge.ask(s.plan.rs.Rules[st.rule])
	if !s.judge.sees() {
		return
	}
	r := s.judge.rule
	if s.eager.knows(e.stamp()) {
		return
	}
	c := coming{
		cause: s.cause(),
		at:    e.stamp(), place: e.Place, rule: st.rule, number: s.numberOf(-1), held: true, silent: true,
		alert: Alert{Rule: r, Key: s.judge.scope.Key, Score: score},
	}
	s.counted(&c, 1)
	s.came = append(s.came, c)
	if s.trace != nil && s.follow(st.rule, nil, e.Time) {
		s.trace.told.Event = e
		s.trace.tell(Told{Kind: Answered, Until: st.holds[len(st.holds)-1].until, Score: score})
	}
}

// found makes the alert of a match of time t that captured events, without what proves
// it. Measures, score and message are worked out for a time-out as for a match. at is
// when it comes.
func (s *shard) found(r *Rule, captured []nfa.Captured, t int64, at *Moment) Alert {
	s.matched.fill(r, &s.judge.view, captured)
	a := Alert{Version: 1, Rule: r, Key: slices.Clone(s.judge.scope.Key), Time: t}
	scope := Scope{Captures: &s.matched, Key: a.Key, Lists: s.judge.scope.Lists, At: at, Risks: s.judge.scope.Risks}
	if len(r.Measures) > 0 {
		a.Measures = make([]Value, 0, len(r.Measures))
	}
	for i := range r.Measures {
		scope.Measures = a.Measures
		a.Measures = append(a.Measures, r.Measures[i].Eval(&scope))
	}
	scope.Measures = a.Measures
	a.Score = score(r, &scope)
	if r.Message != nil {
		a.Message = r.Message(&scope)
	}
	return a
}

// prove gives an alert its evidence, the events of the match that was found last, and
// its id.
func (s *shard) prove(a *Alert) {
	for v, events := range s.matched.events[:len(a.Rule.Names)] {
		for _, e := range events {
			a.Events = append(a.Events, Evidence{Var: v, Name: e.name(), Raw: e.Raw})
		}
	}
	a.ID = s.names.alertID(a, s.matched.events)
}

// at is the moment of a match that comes at t.
func (s *shard) at(st *ruleState, m *nfa.Match, t int64) *Moment {
	moments := &s.judge.moments
	if m.Last == 0 {
		return moments.ofTime(st.rule, s.judge.scope.Key, t)
	}
	return moments.ofEvent(s.judge.view.find(m.Last), t)
}

// score is a whole number from 0 to 100; halves are rounded away from zero.
func score(r *Rule, scope *Scope) int {
	x := r.Default
	if r.Score != nil {
		if v := r.Score(scope); v.Kind == Number {
			x = v.Number()
		}
	}
	return int(math.Round(min(max(x, 0), 100)))
}

// later adds a length of time without running over.
func later(t, d int64) int64 {
	if t > math.MaxInt64-d {
		return math.MaxInt64
	}
	return t + d
}

// elapsed is the time from a moment to one that is not before it, without running
// over.
func elapsed(from, to int64) int64 {
	if d := to - from; d >= 0 {
		return d
	}
	return math.MaxInt64
}

// earlier takes a length of time away without running over.
func earlier(t, d int64) int64 {
	if t < math.MinInt64+d {
		return math.MinInt64
	}
	return t - d
}
