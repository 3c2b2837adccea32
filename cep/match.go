package cep

import (
	"cmp"
	"math"
	"slices"

	"weir/nfa"
)

// coming is an alert with what orders it among others: the moment at which it
// came, the event that brought it (0: time did), its rule and key, and the order
// of the machine.
type coming struct {
	moment int64
	place  uint64
	rule   int32
	number int
	alert  Alert
}

func (a *coming) compare(b *coming) int {
	return cmp.Or(
		cmp.Compare(a.moment, b.moment),
		cmp.Compare(a.place, b.place),
		cmp.Compare(a.rule, b.rule),
		slices.Compare(a.alert.Key, b.alert.Key),
		cmp.Compare(a.number, b.number),
	)
}

// comeOut makes alerts of the matches that a step of a rule gave. Where all
// windows close at once the moment is never: each alert then comes at its own
// time, and not before the one that the machine gave before it.
func (s *shard) comeOut(st *ruleState, moment int64, place uint64) {
	if len(s.matches) == 0 {
		return
	}
	s.names.begin(len(s.matches))
	closing := moment == never
	for i := range s.matches {
		m := &s.matches[i]
		if closing && (i == 0 || m.Time > moment) {
			moment = m.Time
		}
		s.count(st, m)
		if s.silent(st, m) {
			if s.trace != nil {
				s.trace.tell(Told{Kind: Silenced, Node: m.Captures.Traced(), Until: st.quiet})
			}
			continue
		}
		s.came = append(s.came, coming{
			moment: moment, place: place, rule: st.rule, number: len(s.came), alert: s.alert(st, m, moment),
		})
		if s.trace != nil {
			s.trace.tell(Told{Kind: Alerted, Node: m.Captures.Traced(), Alert: &s.came[len(s.came)-1].alert})
		}
	}
}

func (s *shard) count(st *ruleState, m *nfa.Match) {
	stats := &s.stats[st.rule]
	if m.Kind == nfa.TimedOut {
		stats.Timeouts++
		return
	}
	stats.Matches++
}

// silent reports whether the rule's throttle keeps a match from being an alert.
func (s *shard) silent(st *ruleState, m *nfa.Match) bool {
	if m.Kind == nfa.TimedOut || !st.throttled || m.Time >= st.quiet {
		return false
	}
	st.suppressed++
	s.stats[st.rule].Suppressed++
	return true
}

// alert makes the alert of a match. Measures, score and message are worked out
// for a time-out as for a match; only a match opens a throttle and tells how many
// it silenced. moment is when the match comes.
func (s *shard) alert(st *ruleState, m *nfa.Match, moment int64) Alert {
	r := s.plan.rs.Rules[st.rule]
	s.matched.fill(r, &s.judge.view, m.Events)
	a := Alert{
		Version: 1, Rule: r, Key: slices.Clone(s.judge.scope.Key), Time: m.Time, Truncated: m.Truncated,
		Events: make([]Evidence, 0, len(m.Events)),
	}
	for v, events := range s.matched.events[:len(r.Names)] {
		for _, e := range events {
			a.Events = append(a.Events, Evidence{Var: v, Name: e.name(), Raw: e.Raw})
		}
	}
	if m.Kind == nfa.TimedOut {
		a.Kind = TimeoutAlert
	} else {
		s.stats[st.rule].Alerts++
		a.Suppressed, st.suppressed = st.suppressed, 0
		if st.throttled = r.Throttle > 0; st.throttled {
			st.quiet = later(m.Time, int64(r.Throttle))
		}
	}
	a.ID = s.names.alertID(&a, s.matched.events)
	scope := Scope{Captures: &s.matched, Key: a.Key, Lists: s.judge.scope.Lists, At: s.at(st, m, moment)}
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
