package trace

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"weir/nfa"
	"weir/rules/source"
)

// Cause is why a key did not alert, in one word. Its texts are fixed.
type Cause string

// The causes.
const (
	DidAlert       Cause = "alerted"
	Elsewhen       Cause = "outside"     // what was open in the period that is asked about alerted at another time
	NoEvent        Cause = "no_event"    // nothing was read, or nothing of the key in that period
	UnknownKey     Cause = "unknown_key" // no event has the key
	NotSeen        Cause = "not_seen"    // the rule saw no event of the key, for several of the reasons that follow
	WhereFalse     Cause = "where"       // where does not hold on any
	TooLateToMatch Cause = "late"        // all came too late
	WrongType      Cause = "type"        // all are of types that the rule is not on
	NoLine         Cause = "rejected"    // its lines are no events
	KnownID        Cause = "duplicate"   // all have the ids of events before
	NoMatch        Cause = "not_begun"   // no match began
	Throttled      Cause = "throttle"
	StillOpen      Cause = "open"       // the match that got furthest is open at the end
	HeldBack       Cause = "held"       // the match is complete and held for an older one
	WindowClosed   Cause = "window"     // the rule's within or that of a part
	BoundRanOut    Cause = "bound"      // the bound of a link
	TooFew         Cause = "too_few"    // a loop had not had its least count when the window or bound ended
	ConditionFalse Cause = "condition"  // an event came, but its condition did not hold
	WrongOrder     Cause = "order"      // what the match lacked came, but before its turn
	Broken         Cause = "strict"     // the very next event was another one
	Forbidden      Cause = "negation"   //
	LoopStopped    Cause = "until"      //
	GreedyTook     Cause = "greedy"     //
	UnlessEnded    Cause = "unless"     //
	HavingFalse    Cause = "having"     //
	SkippedBy      Cause = "skip"       // consumed by another match
	TooMany        Cause = "open_bound" //
	TooLong        Cause = "capture_bound"
	SameAgain      Cause = "repeated"
	EdgeBefore     Cause = "edge" // the event before was a match too
)

// Verdict says why a key did not alert, or that it did.
type Verdict struct {
	Do       Do          `json:"do"` // verdict
	Key      string      `json:"key"`
	Cause    Cause       `json:"cause"`
	Alerts   []AlertRef  `json:"alerts,omitempty"`
	Match    int         `json:"match,omitempty"` // the open match that got furthest
	Captured []Capture   `json:"captured,omitempty"`
	Missing  []Run       `json:"missing,omitempty"`  // the fewest events that it lacked
	Early    []Sightings `json:"early,omitempty"`    // what of that came before its turn
	Nearest  *Statement  `json:"nearest,omitempty"`  // what came instead: the event that failed on the fewest parts
	End      *Statement  `json:"end,omitempty"`      // what ended it, or kept the complete match from being an alert
	TooLate  *Statement  `json:"too_late,omitempty"` // the event that would have been what it lacked, after the end
	Text     string      `json:"text"`               // all this in words
}

// Sightings are events that could have been what a match lacked.
type Sightings struct {
	For    string   `json:"for"`
	Count  int      `json:"count"`
	Events []string `json:"events"` // the first and the last few

	seen []*Statement
}

// VerdictDo is the Do of a Verdict.
const VerdictDo Do = "verdict"

// AlertRef names an alert.
type AlertRef struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
	Time string `json:"time"`

	at int64
}

// AppendJSON appends v as a JSON object on a line of its own.
func (v *Verdict) AppendJSON(dst []byte) []byte {
	for _, s := range []*Statement{v.Nearest, v.End, v.TooLate} {
		if s != nil {
			s.spell()
		}
	}
	return appendJSON(dst, v)
}

// Lines gives the text in lines of at most 100 columns where that can be.
func (v *Verdict) Lines() string { return paragraph("", "", source.Visible(v.Text)) }

// End is what is known when the input has ended.
type End struct {
	Read             uint64 // events of any key
	Seen             bool   // Trace.Seen
	Now              int64  // to which time has moved; Forever: all windows have closed
	Asked            string // the period that is asked about, in words; empty: all
	Nearest, Busiest []OtherKey
}

// Verdict gives the verdict.
func (j *Judge) Verdict(end End) *Verdict {
	v := &Verdict{Do: VerdictDo, Key: KeyText(j.rule.Key, j.key), Alerts: j.alerts}
	m := j.furthest()
	t := &tale{Judge: j, v: v, end: end, shown: Forever}
	switch {
	case len(j.alerts) > 0:
		v.Cause = DidAlert
		t.say("%s did alert%s: %s.", v.Key, end.Asked, alertsText(j.alerts))
		if n := j.counts.silenced; n > 0 {
			t.say("%s no alert, as the throttle was on.", amount(n, "further match made", "further matches made"))
		}
		if n := j.counts.repeated; n > 0 {
			t.say("%s no alert, as the event before was a match too (edge).", amount(n, "further match made", "further matches made"))
		}
		if n := j.counts.consumed; n > 0 {
			t.say("%s consumed (skip: %s).", amount(n, "match that began beside it was", "matches that began beside it were"), skipText(j.rule))
		}
		if m != nil {
			t.story(m, "Beside that, ")
		}
	case len(j.outside) > 0:
		v.Cause = Elsewhen
		t.say("No alert for %s%s. What was open then made an alert at another time: %s.", v.Key, end.Asked, alertsText(j.outside))
		if m != nil {
			t.story(m, "Beside that, ")
		}
	case m != nil:
		t.say("No alert for %s%s.", v.Key, end.Asked)
		t.story(m, "")
	case j.rule.WindowClose != nil:
		t.windows()
	default:
		t.nothing()
	}
	t.besides()
	v.Text = strings.Join(t.text, " ")
	return v
}

// tale is the text of a verdict.
type tale struct {
	*Judge
	v     *Verdict
	end   End
	text  []string
	shown int64 // the time that was written last; Forever: none
}

// clock writes a time, without its date where that is the one written last.
func (t *tale) clock(ns int64) string {
	text := clock(ns, t.shown)
	t.shown = ns
	return text
}

func (t *tale) say(format string, args ...any) { t.text = append(t.text, fmt.Sprintf(format, args...)) }

// story tells what became of the match that got furthest.
func (t *tale) story(m *match, lead string) {
	t.shown, _ = m.times()
	t.fill(m)
	if t.rule.When != nil {
		t.fitted(m, lead)
		return
	}
	t.say("%s%s got furthest: %s since %s (%s).", lead, number(m.number), m.last.text(), Moment(t.shown), events(m.last))
	if m.kept() {
		t.notOut()
		return
	}
	t.ending(m)
	for _, s := range t.v.Early {
		t.say("%s", t.sightingText(&s))
	}
	t.instead(m)
	if l := m.tooLate; l != nil {
		t.say("%s at %s would have been %s, but came %s.", opening(l.event.called), t.clock(l.at), l.For, lateText(l.behind.n))
	}
}

// ending tells what a match still needed, and how it ended.
func (t *tale) ending(m *match) {
	needed, needs := "It still needed "+counts(t.v.Missing), "It is still open and needs "+counts(t.v.Missing)
	if m.unknown || len(m.missing) == 0 {
		wanted := strings.Join(m.wanted(), " or ")
		if !m.unknown {
			wanted = strings.ReplaceAll(wanted, "!", "no ") + " to come"
		}
		needed, needs = "It waited for "+wanted, "It is still open and waits for "+wanted
	}
	switch e := m.end; {
	case e != nil && e.Because == nfa.Expired.String():
		t.say("%s when %s at %s.", needed, closedText(e), t.clock(e.limit.n))
	case e != nil && e.event != nil:
		t.say("%s when it ended at %s with %s: %s.", needed, t.clock(e.at), e.event.called, whyText(e, t.rule))
	case e != nil:
		t.say("%s when it ended at %s: %s.", needed, t.clock(e.at), whyText(e, t.rule))
	case t.end.Now == Forever:
		t.say("%s: it has no window that could close.", needs)
	default:
		if w := m.lastWait(); w != nil && w.bound != nfa.NoBound {
			needs += fmt.Sprintf(" before %s (%s)", t.clock(w.limit), w.text())
		}
		t.say("%s: time stands at %s.", needs, t.clock(t.end.Now))
	}
}

// fill sets what the verdict says of the match that got furthest.
func (t *tale) fill(m *match) {
	v := t.v
	v.Match, v.Captured, v.Missing, v.Nearest, v.TooLate = m.number, m.captures(), m.lacks(), m.nearest, m.tooLate
	switch {
	case m.refused != nil:
		v.End = m.refused
	case m.held != nil:
		v.End = m.held
	default:
		v.End = m.end
	}
	if !m.kept() {
		v.Early = t.before(m)
	}
	for i := range v.Early {
		if n := v.Nearest; n != nil && slices.ContainsFunc(v.Early[i].seen, func(s *Statement) bool { return s.place() == n.place() }) {
			v.Nearest = nil // there is more to say of that event
		}
	}
	if n := v.Nearest; n != nil && m.end != nil && n.place() == m.end.place() {
		v.Nearest = nil // it is told as the end
	}
	if v.Cause == "" {
		v.Cause = t.cause(m)
	}
	for _, s := range []*Statement{v.Nearest, v.End, v.TooLate} {
		if s != nil {
			s.number(m.number)
		}
	}
}

// number sets the numbers of the matches that a kept statement is about.
func (s *Statement) number(match int) {
	if s.Match = match; s.by != nil {
		s.By = s.by.number
	}
}

// before gives the events that could have been what a match lacks, and came before it
// waited for that: within the window of the rule, as it had captured nothing yet too.
func (t *tale) before(m *match) []Sightings {
	var all []Sightings
	mine := map[uint64]bool{}
	for c := m.last; c != nil; c = c.before {
		mine[c.event.place] = true
	}
	for _, lack := range m.lacks() {
		if slices.ContainsFunc(all, func(s Sightings) bool { return s.For == lack.Name }) {
			continue
		}
		s := Sightings{For: lack.Name}
		for _, e := range m.early {
			if e.name == lack.Name {
				s.Count, s.seen = e.n, e.shown
			}
		}
		if c := t.could[lack.Name]; c != nil {
			t.sighted(m, c, &s, mine)
		}
		if s.Count > 0 {
			for _, e := range s.seen {
				s.Events = append(s.Events, e.Event)
			}
			all = append(all, s)
		}
	}
	return all
}

// sighted adds those that were seen of the name whatever was captured. Where its
// condition reads captures these are only such before the match began.
func (t *tale) sighted(m *match, c *sightings, s *Sightings, mine map[uint64]bool) {
	first, _ := m.times()
	within := int64(t.rule.Options.Within)
	aside := m.tooLate != nil || m.nearest != nil && failed(m.nearest) < otherKind // there is more to say than that it came before
	var found []*Statement
	for _, x := range c.seen {
		switch {
		case x.step > m.until, x.step > m.waited(s.For), x.what.reads && x.step >= m.born, aside && x.step < m.born:
		case within > 0 && first-x.what.at >= within, mine[x.what.place()]:
		default:
			found = append(found, x.what)
		}
	}
	s.Count += len(found)
	s.seen = shorten(append(found, s.seen...))
}

// shownEarly bounds the events that a verdict names for one variable: the first and the
// last.
const shownEarly = 4

// shorten leaves the first and the last few.
func shorten(list []*Statement) []*Statement {
	if n := len(list); n > shownEarly {
		return slices.Concat(list[:shownEarly/2], list[n-shownEarly/2:])
	}
	return list
}

// waited gives the step since which a match has waited for a name.
func (m *match) waited(to string) int {
	for i := range m.waits {
		if m.waits[i].way.to == to {
			return m.waits[i].since
		}
	}
	return math.MaxInt
}

// lastWait gives the wait for what stands latest in the pattern.
func (m *match) lastWait() *wait {
	for i := range slices.Backward(m.waits) {
		if !m.waits[i].closed {
			return &m.waits[i]
		}
	}
	return nil
}

// wanted gives what a match waited for last.
func (m *match) wanted() []string {
	var names []string
	for _, w := range m.waits {
		if !slices.Contains(names, w.way.to) {
			names = append(names, w.way.to)
		}
	}
	return names
}

func (w *wait) text() string {
	switch w.bound {
	case nfa.WithinBound:
		return "within " + span(w.span)
	case nfa.RoundBound:
		return "within " + span(w.span) + ", of a part of the pattern"
	}
	return "bound of the link " + w.way.link
}

// sightingText tells of events that came before their turn.
func (t *tale) sightingText(s *Sightings) string {
	one := func(e *Statement) string { return e.event.called + " at " + t.clock(e.at) }
	if s.Count == 1 {
		return fmt.Sprintf("%s could be %s, but came before its turn.", opening(one(s.seen[0])), s.For)
	}
	var list []string
	for i, e := range s.seen {
		if s.Count > len(s.seen) && i == shownEarly/2 {
			list = append(list, "...")
		}
		list = append(list, one(e))
	}
	return fmt.Sprintf("%d events could be %s, but came before their turn: %s.", s.Count, s.For, strings.Join(list, ", "))
}

// instead tells what came in place of what was waited for.
func (t *tale) instead(m *match) {
	n := t.v.Nearest
	alone := m.after == m.events && m.tooLate == nil && (m.end == nil || m.end.Because == nfa.Expired.String()) && len(m.missing) > 0
	switch {
	case n != nil && alone && n.place() == m.last.event.place && failed(n) < otherKind:
		t.say("No event of the key came after %s; %s.", m.last.event.called, whyText(n, t.rule))
	case n != nil && n.place() != m.last.event.place:
		t.say("%s", t.insteadText(n))
	case alone && len(t.v.Early) == 0:
		t.say("No event of the key came after %s.", m.last.event.called)
	}
}

func (t *tale) insteadText(n *Statement) string {
	lead := "The nearest miss was %s at %s: %s."
	if failed(n) >= otherKind {
		lead = "What came last was %s at %s: %s."
	}
	return fmt.Sprintf(lead, n.event.called, t.clock(n.at), whyText(n, t.rule))
}

// lateText says by how much an event was too late.
func lateText(ns int64) string {
	if ns == 0 {
		return "at the very end, which is too late"
	}
	return lapse(ns) + " too late"
}

// notOut says what kept a complete match from being an alert.
func (t *tale) notOut() {
	s := t.v.End
	switch s.Do {
	case Silenced:
		t.say("It was complete at %s and made no alert: the throttle was on until %s.", t.clock(s.at), t.clock(s.limit.n))
	case Held:
		t.say("It was complete at %s and is held until %s, which began before it, is gone (emit: in_order).", t.clock(s.at), number(s.By))
	default:
		t.say("It was complete, but did not come out: %s.", whyText(s, t.rule))
	}
}

// fitted tells of an event that made `when` true, and what kept it from being an alert.
func (t *tale) fitted(m *match, lead string) {
	event := m.last.event.called
	if lead == "" {
		event = opening(event)
	}
	said := fmt.Sprintf("%s%s made when true at %s, but ", lead, event, Moment(t.shown))
	switch s := t.v.End; s.Do {
	case Silenced:
		t.say("%smade no alert: the throttle was on until %s.", said, t.clock(s.limit.n))
	case Repeated:
		t.say("%smade no alert: the event before it was a match too (edge).", said)
	default:
		t.say("%sthat is no match: %s.", said, whyText(s, t.rule))
	}
}

// spanText names a window that ended.
func (t *tale) spanText(s *Statement) string {
	return windowText(s, Forever) + " to " + clock(s.limit.n, s.since.n)
}

// windows tells why no window that ended made an alert.
func (t *tale) windows() {
	c, v := &t.counts, t.v
	switch {
	case c.silenced > 0:
		v.Cause, v.End = Throttled, t.quiet
		t.say("No alert for %s%s. %s was a match, but made no alert: the throttle was on until %s.",
			v.Key, t.end.Asked, upper(t.spanText(t.silent)), clock(t.quiet.limit.n, t.silent.limit.n))
	case c.windows > 0:
		v.Cause, v.Nearest = HavingFalse, t.window
		what := "its one window is no match"
		if c.windows > 1 {
			what = fmt.Sprintf("none of its %d windows is a match", c.windows)
		}
		t.say("No alert for %s%s: %s. The nearest was %s: having is false%s.", v.Key, t.end.Asked, what, t.spanText(t.window), colon(t.window.Parts))
	case t.seen && c.events+c.late+c.known+c.rejected == 0:
		v.Cause = NoMatch
		t.say("No alert for %s%s: no window of %s ended in that time.", v.Key, t.end.Asked, t.rule.WindowClose.Name)
	case t.end.Seen && !t.seen:
		v.Cause = NoMatch
		t.say("No alert for %s: no window of %s has ended for it.", v.Key, t.rule.WindowClose.Name)
	default:
		t.nothing()
	}
}

var causes = map[string]Cause{
	nfa.Negated.String(): Forbidden, nfa.UntilHeld.String(): LoopStopped, nfa.Stopped.String(): LoopStopped, nfa.Greedy.String(): GreedyTook,
	nfa.Strict.String(): Broken, nfa.Early.String(): Broken, nfa.UnlessHeld.String(): UnlessEnded, nfa.Consumed.String(): SkippedBy,
	nfa.OpenBound.String(): TooMany, nfa.CaptureBound.String(): TooLong, nfa.HavingFailed.String(): HavingFalse, nfa.Repeated.String(): SameAgain,
}

// cause is the reason for which a match made no alert.
func (t *tale) cause(m *match) Cause {
	switch {
	case m.refused != nil && m.refused.Do == Silenced:
		return Throttled
	case m.refused != nil && m.refused.Do == Repeated:
		return EdgeBefore
	case m.refused != nil:
		return causes[m.refused.Because]
	case m.held != nil:
		return HeldBack
	case m.end == nil && t.end.Now != Forever:
		return StillOpen
	case m.end != nil && m.end.Because != nfa.Expired.String():
		return causes[m.end.Because]
	case m.tooLate != nil:
		return closedBy(m)
	case len(m.missing) > 0 && m.missing[0] == m.last.as:
		return TooFew
	case t.disordered():
		return WrongOrder
	case t.v.Nearest != nil && failed(t.v.Nearest) < otherKind:
		return ConditionFalse
	case m.end == nil:
		return StillOpen
	}
	return closedBy(m)
}

// closedBy is the bound by which a match ended.
func closedBy(m *match) Cause {
	if m.end != nil && m.end.Bound != nfa.LinkBound.String() {
		return WindowClosed
	}
	return BoundRanOut
}

// disordered reports whether all that the match lacked came before its turn.
func (t *tale) disordered() bool {
	for _, l := range t.v.Missing {
		if !slices.ContainsFunc(t.v.Early, func(s Sightings) bool { return s.For == l.Name && s.Count >= l.Count }) {
			return false
		}
	}
	return len(t.v.Missing) > 0
}

// nothing tells why no match began.
func (t *tale) nothing() {
	c, v := &t.counts, t.v
	switch {
	case c.events > c.unseen:
		v.Cause = NoMatch
		one, none := "begins no match", "begins a match"
		if t.rule.When != nil {
			one, none = "does not make when true", "makes when true"
		}
		what := "its one event " + one
		if n := c.events - c.unseen; n > 1 {
			what = fmt.Sprintf("none of its %d events %s", n, none)
		}
		t.say("No alert for %s%s: %s.", v.Key, t.end.Asked, what)
		if t.start != nil {
			v.Nearest = t.start
			t.say("%s", t.insteadText(t.start))
		}
	case c.events+c.late+c.known+c.other+c.rejected > 0:
		v.Cause = t.unseenCause()
		t.say("No alert for %s%s: the rule saw no event of it.", v.Key, t.end.Asked)
	case t.end.Read == 0:
		v.Cause = NoEvent
		t.say("No alert for %s: there is no event at all.", v.Key)
	case t.seen:
		v.Cause = NoEvent
		t.say("No alert for %s%s: no event of the key is in that time.", v.Key, t.end.Asked)
	default:
		v.Cause = UnknownKey
		t.say("No alert for %s%s: no event has this key.", v.Key, t.end.Asked)
		if len(t.end.Nearest) > 0 {
			t.say("Nearest to it: %s.", t.keysText(t.end.Nearest))
		}
		if len(t.end.Busiest) > 0 {
			t.say("Most frequent: %s.", t.keysText(t.end.Busiest))
		}
	}
}

// unseenCause says why the rule saw no event, if there is one reason.
func (t *tale) unseenCause() Cause {
	c := &t.counts
	switch c.events + c.late + c.known + c.other + c.rejected {
	case c.unseen:
		return WhereFalse
	case c.late:
		return TooLateToMatch
	case c.other:
		return WrongType
	case c.rejected:
		return NoLine
	case c.known:
		return KnownID
	}
	return NotSeen
}

func (t *tale) keysText(keys []OtherKey) string {
	var list []string
	for _, k := range keys {
		list = append(list, fmt.Sprintf("%s (%s)", KeyText(t.rule.Key, k.Key), amount(k.Events, "event", "events")))
	}
	return strings.Join(list, ", ")
}

// besides tells of events of the key that were not matched.
func (t *tale) besides() {
	c := &t.counts
	if c.unseen > 0 {
		t.say("%s not seen, as where does not hold; %s at %s: %s.", amount(c.unseen, "event was", "events were"), t.unseen.event.called, Moment(t.unseen.at), partsText(t.unseen.Parts))
		if t.v.Nearest == nil && t.v.Match == 0 {
			t.v.Nearest = t.unseen
		}
	}
	if c.late > 0 {
		t.say("%s too late and %s not matched, the last, %s of %s, by %s (--lateness).", amount(c.late, "event came", "events came"), plural(c.late, "was", "were"), t.late.event.typ, Moment(t.late.event.at), lapse(t.late.behind.n))
	}
	if c.known > 0 {
		t.say("%s the id of an event before and %s not matched, the last, %s of %s.", amount(c.known, "event has", "events have"), plural(c.known, "was", "were"), t.known.event.typ, Moment(t.known.event.at))
	}
	if c.other > 0 && t.v.Match == 0 && len(t.alerts) == 0 {
		t.say("%s of a type that the rule is not on: %s.", amount(c.other, "event is", "events are"), strings.Join(t.types, ", "))
	}
	if c.bounded > 0 {
		t.say("%s given up, as too many of the key were open (limit: {open: N}).", amount(c.bounded, "open match was", "open matches were"))
	}
	if c.rejected > 0 {
		t.say("%s no event, last %s.", amount(c.rejected, "line with this key is", "lines with this key are"), t.reject.Reason)
	}
}

func alertsText(alerts []AlertRef) string {
	var list []string
	for i, a := range alerts {
		if i == shownAlerts {
			list = append(list, fmt.Sprintf("and %d more", len(alerts)-shownAlerts))
			break
		}
		list = append(list, fmt.Sprintf("%s (%s) at %s", a.ID, a.Kind, Moment(a.at)))
	}
	return strings.Join(list, ", ")
}

// shownAlerts bounds the alerts that a verdict names in its text.
const shownAlerts = 5

// events names the captured events of a match, of many the first and the last.
func events(last *capture) string {
	var list []string
	for i, c := range last.list() {
		if last.length > 8 && i == 4 {
			list = append(list, "...")
		}
		if last.length <= 8 || i < 4 || i >= last.length-3 {
			list = append(list, c.event.called)
		}
	}
	return strings.Join(list, ", ")
}
