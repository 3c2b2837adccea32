package trace

import (
	"cmp"
	"math"
	"slices"

	"weir/cep"
	"weir/nfa"
	"weir/rules"
)

// Judge finds out from steps why a key did not alert.
//
// It looks for the open match that got furthest: one that was complete, else one that
// lacked the fewest events. Of those that lacked as many it is one that is still open, else
// the one to which an event came nearest: it fitted and came too late, by no more than the
// window is long; it ended the match; it failed on the fewest parts of a condition, and
// there by the least. Of these it is the one with the most captures, of these the latest.
// A match that another one consumed counts only where nothing else is to be told.
type Judge struct {
	rule *rules.Rule
	key  []string

	step   int // number of the step
	asked  int // number of the last step of the period that is asked about
	events int // offered to the rule
	open   map[int]*match

	best    *match // of those that ended, the one that got furthest
	eaten   *match // of those that another consumed
	alerts  []AlertRef
	outside []AlertRef            // those outside the period
	misses  map[string][]miss     // by name of the pattern
	could   map[string]*sightings // by name of the pattern
	counts  struct {
		events, late, rejected, other, unseen, silenced, repeated, consumed, bounded int
		windows                                                                      int // that ended
		known                                                                        int // duplicates and conflicts
	}
	late   *Statement
	known  *Statement
	reject *Statement
	seen   bool       // there is an event of the key
	types  []string   // that the rule is not on
	unseen *Statement // with the fewest parts
	start  *Statement // NotBegun, with the fewest parts
	window *Statement // Window that was no match, with the fewest parts
	ended  *Statement // the last Window
	silent *Statement // the last Window that made no alert, as quiet says
	quiet  *Statement
}

// miss is an event that does not fit a name, whatever was captured. Those that are kept of
// a name are such to which none that came later was nearer.
type miss struct {
	step int
	what *Statement
}

// early are events that could have been what a match did not wait for yet.
type early struct {
	name  string
	n     int
	shown []*Statement // the first and the last few
}

// sightings are the events that could be a name, whatever was captured.
type sightings struct{ seen []sighting }

type sighting struct {
	step int
	what *Statement
}

// mostSightings bounds those of a name that are sure to be kept: the latest.
const mostSightings = 4096

// NewJudge makes a Judge of a key of a rule.
func NewJudge(rule *rules.Rule, key []string) *Judge {
	return &Judge{rule: rule, key: key, misses: map[string][]miss{}, could: map[string]*sightings{}}
}

// Take takes in a step. asked says that it lies in the period that is asked about.
func (j *Judge) Take(s *Step, asked bool) {
	j.step, j.events, j.open = s.number, s.events, s.open
	if asked {
		j.asked = s.number
	}
	for _, m := range s.gone {
		j.look(m) // what ended it is no miss
	}
	for i := range s.Statements {
		st := &s.Statements[i]
		if st.of == nil {
			j.aside(st, asked)
		} else {
			j.about(st.of, st, asked)
		}
	}
	for _, m := range s.gone {
		j.settle(m)
	}
}

// settle lets go of a match that has ended, but for the one that got furthest.
func (j *Judge) settle(m *match) {
	if m.held != nil || m.end == nil {
		return
	}
	best := &j.best
	if m.consumed() {
		j.counts.consumed++
		best = &j.eaten
	}
	if j.concerns(m) && !m.alerted && (*best == nil || compare(m, *best) >= 0) {
		*best = m
	}
}

// concerns reports whether a match was open at some step of the period that is asked
// about.
func (j *Judge) concerns(m *match) bool { return j.asked >= m.born }

// about takes in what an open match did.
func (j *Judge) about(m *match, s *Statement, asked bool) {
	switch s.Do {
	case Took:
		m.nearest, m.early = s.from.nearest, s.from.early // with what this step says of it
	case Passed:
		j.missed(m, s)
	case Closed:
		switch s.Because {
		case nfa.Strict.String(), nfa.Early.String():
			j.missed(m, s)
		case nfa.Greedy.String():
			if s.besides != nil {
				s = s.besides
			}
			j.missed(m, s)
		}
	case Early:
		j.seenEarly(m, s)
	case TooLate:
		if m.tooLate == nil && (m.unknown || len(m.missing) > 0 && m.missing[0] == s.For) {
			if m.tooLate = keepStatement(s); m.end != nil {
				j.settle(m)
			}
		}
	case Refused:
		if s.Because == nfa.Repeated.String() && m.alerted {
			return
		}
		m.refused, m.held = keepStatement(s), nil
	case Held:
		m.held = keepStatement(s)
	case CameOut, RanOut:
		m.held = nil
	case Alerted:
		m.alerted = true
		if asked {
			j.alerts = append(j.alerts, s.alert())
		} else if len(j.outside) < shownAlerts && j.concerns(m) {
			j.outside = append(j.outside, s.alert())
		}
	case Silenced:
		m.refused = keepStatement(s)
		if asked {
			j.counts.silenced++
		}
	case Repeated:
		m.refused = keepStatement(s)
		if asked {
			j.counts.repeated++
		}
	case Ended:
		if asked && s.Because == nfa.OpenBound.String() {
			j.counts.bounded++
		}
	}
}

// consumed reports whether another match consumed it.
func (m *match) consumed() bool {
	why := m.end
	if m.refused != nil {
		why = m.refused
	}
	return why.Because == nfa.Consumed.String()
}

// kept reports whether a match was complete and made no alert.
func (m *match) kept() bool { return m.refused != nil || m.held != nil }

// compare orders matches by how far they got.
func compare(a, b *match) int {
	lacks := func(m *match) int {
		if m.unknown {
			return math.MaxInt
		}
		return len(m.missing)
	}
	return cmp.Or(
		cmp.Compare(b2i(a.kept()), b2i(b.kept())), cmp.Compare(lacks(b), lacks(a)), cmp.Compare(b2i(a.end == nil), b2i(b.end == nil)),
		cmp.Compare(b.distance(), a.distance()), cmp.Compare(b.gap(), a.gap()), cmp.Compare(a.last.length, b.last.length),
	)
}

// gap says by how much an event failed that came near, see gap.
func (m *match) gap() float64 {
	if m.nearest == nil {
		return 0
	}
	return gap(m.nearest)
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// distance says how near an event came to a match: 0 if it fitted and was too late, else
// on how many parts it failed; what ended the match counts as one.
func (m *match) distance() int {
	switch {
	case m.tooLate != nil && m.tooLate.behind.n <= m.tooLate.span.n:
		return 0
	case m.end != nil && (m.end.Because == nfa.UnlessHeld.String() || m.end.Because == nfa.Negated.String() || m.end.Because == nfa.UntilHeld.String()):
		return 1
	case m.nearest != nil && failed(m.nearest) < otherKind:
		return max(failed(m.nearest), 1)
	case m.tooLate != nil || m.nearest != nil:
		return otherKind
	}
	return otherKind + 1
}

// nearer reports whether an event came nearer than another to what is waited for: that
// stands later in the pattern; it failed on fewer parts, and there by less; it came later.
func (j *Judge) nearer(s, than *Statement) bool {
	if than == nil {
		return true
	}
	if a, b := failed(s), failed(than); (a == otherKind) != (b == otherKind) {
		return b == otherKind
	}
	return cmp.Or(cmp.Compare(j.rank(s.For), j.rank(than.For)), cmp.Compare(failed(than), failed(s)), cmp.Compare(gap(than), gap(s)), cmp.Compare(s.place(), than.place())) >= 0
}

// rank orders what can be waited for by its place in the pattern.
func (j *Judge) rank(name string) int {
	for i, n := range j.rule.Rule.Names {
		if n.Text == name {
			return i
		}
	}
	return len(j.rule.Rule.Names)
}

// missed takes in an event that a match let pass.
func (j *Judge) missed(m *match, s *Statement) {
	if s.Because == nfa.Absent.String() || s.Because == nfa.Idle.String() || s.rest > 0 {
		return
	}
	if s.reads || s.Because != nfa.Unfit.String() {
		if m.nearest == nil || !m.awaits(m.nearest.For) || j.nearer(s, m.nearest) {
			m.nearest = keepStatement(s)
		}
		return
	}
	all := j.misses[s.For]
	if k := len(all); k > 0 && all[k-1].step == j.step {
		return
	}
	for k := len(all); k > 0 && j.nearer(s, all[k-1].what); k-- {
		all = all[:k-1]
	}
	j.misses[s.For] = append(all, miss{j.step, keepStatement(s)})
}

// look finds the nearest miss of a match.
func (j *Judge) look(m *match) {
	if m.nearest != nil && !m.awaits(m.nearest.For) {
		m.nearest = nil
	}
	for i := range m.waits {
		w := &m.waits[i]
		all := j.misses[w.way.to]
		k, _ := slices.BinarySearchFunc(all, w.since, func(x miss, step int) int { return cmp.Compare(x.step, step+1) })
		if k < len(all) && j.nearer(all[k].what, m.nearest) {
			m.nearest = all[k].what
		}
	}
}

// seenEarly takes in an event for which a match does not wait yet.
func (j *Judge) seenEarly(m *match, s *Statement) {
	if !s.reads {
		j.sight(s)
		return
	}
	i := slices.IndexFunc(m.early, func(e early) bool { return e.name == s.For })
	e := early{name: s.For}
	if m.early = slices.Clone(m.early); i < 0 {
		i, m.early = len(m.early), append(m.early, e)
	} else {
		e = m.early[i]
	}
	m.early[i] = early{s.For, e.n + 1, shorten(append(slices.Clip(e.shown), keepStatement(s)))}
}

// sight takes in an event that could be a name.
func (j *Judge) sight(s *Statement) {
	c := j.could[s.For]
	if c == nil {
		c = &sightings{}
		j.could[s.For] = c
	}
	if k := len(c.seen); k > 0 && c.seen[k-1].step == j.step {
		return
	}
	if len(c.seen) == 2*mostSightings {
		c.seen = slices.Delete(c.seen, 0, mostSightings)
	}
	c.seen = append(c.seen, sighting{j.step, keepStatement(s)})
}

// aside takes in what is of no open match.
func (j *Judge) aside(s *Statement, asked bool) {
	if s.Do == Early {
		j.sight(s)
	}
	j.seen = true
	if !asked {
		return
	}
	fewer := func(old *Statement) *Statement {
		if j.nearer(s, old) {
			return keepStatement(s)
		}
		return old
	}
	switch s.Do {
	case Event:
		j.counts.events++
	case Late:
		j.counts.late++
		j.late = keepStatement(s)
	case Duplicate, Conflict:
		j.counts.known++
		j.known = keepStatement(s)
	case Rejected:
		j.counts.rejected++
		j.reject = keepStatement(s)
	case OtherType:
		j.counts.other++
		if !slices.Contains(j.types, s.Seen.Type) {
			j.types = append(j.types, s.Seen.Type)
		}
	case Unseen:
		j.counts.unseen++
		j.unseen = fewer(j.unseen)
	case NotBegun:
		j.start = fewer(j.start)
	case Window:
		j.counts.windows++
		if j.ended = keepStatement(s); s.Because != "" {
			j.window = fewer(j.window)
		}
	case Alerted:
		j.alerts = append(j.alerts, s.alert())
	case Silenced:
		j.counts.silenced++
		j.quiet, j.silent = keepStatement(s), j.ended
	}
}

// alert names the alert that a match became.
func (s *Statement) alert() AlertRef {
	return AlertRef{s.Alert, s.Kind, cep.FormatTime(s.limit.n), s.limit.n}
}

// furthest gives the match that got furthest, of those that made no alert, if there is
// one.
func (j *Judge) furthest() *match {
	t := j.best
	if len(j.alerts)+len(j.outside) == 0 && j.eaten != nil && (t == nil || compare(j.eaten, t) >= 0) {
		t = j.eaten
	}
	var open []*match
	for _, m := range j.open {
		if (!m.ended || m.held != nil) && j.concerns(m) && !m.alerted {
			open = append(open, m)
		}
	}
	slices.SortFunc(open, func(a, b *match) int { return cmp.Compare(a.number, b.number) })
	for _, m := range open {
		m.after, m.until = j.events, j.step
		if j.look(m); t == nil || compare(m, t) >= 0 {
			t = m
		}
	}
	return t
}
