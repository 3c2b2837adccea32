package trace

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"weir/nfa"
	"weir/rules"
)

// Cause is why a key did not alert, in one word. Its texts are fixed.
type Cause string

// The causes.
const (
	DidAlert       Cause = "alerted"
	NoEvent        Cause = "no_event"    // nothing was read
	UnknownKey     Cause = "unknown_key" // no event has the key
	NotSeen        Cause = "not_seen"    // the rule saw no event of the key, for several of the reasons that follow
	WhereFalse     Cause = "where"       // where does not hold on any
	TooLateToMatch Cause = "late"        // all came too late
	WrongType      Cause = "type"        // all are of types that the rule is not on
	NoLine         Cause = "rejected"    // its lines are no events
	NoMatch        Cause = "not_begun"   // no match began
	Throttled      Cause = "throttle"
	StillOpen      Cause = "open"       // the match that got furthest is open at the end
	HeldBack       Cause = "held"       // the match is complete and held for an older one
	WindowClosed   Cause = "window"     // the rule's within or that of a part
	BoundRanOut    Cause = "bound"      // the bound of a link
	ConditionFalse Cause = "condition"  // an event came, but its condition did not hold
	WrongOrder     Cause = "order"      // the event that was waited for, or one after it, came before its turn
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
)

// Verdict says why a key did not alert, or that it did.
type Verdict struct {
	Do       Do           `json:"do"` // verdict
	Key      string       `json:"key"`
	Cause    Cause        `json:"cause"`
	Alerts   []AlertRef   `json:"alerts,omitempty"`
	Match    int          `json:"match,omitempty"` // the open match that got furthest
	Captured []Capture    `json:"captured,omitempty"`
	WaitsFor []string     `json:"waits_for,omitempty"` // what it waited for last
	Nearest  *Statement   `json:"nearest,omitempty"`   // what came instead: the event that failed on the fewest parts
	End      *Statement   `json:"end,omitempty"`       // what ended it, or kept the complete match from being an alert
	TooLate  *Statement   `json:"too_late,omitempty"`  // the event that would have been it, after the end
	Early    []*Statement `json:"early,omitempty"`     // events that came before their turn
	Text     string       `json:"text"`                // all this in words
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
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic("trace: a verdict has no JSON: " + err.Error())
	}
	return append(dst, b.String()...)
}

// Judge finds out from steps why a key did not alert.
type Judge struct {
	rule *rules.Rule
	key  []string

	trails map[int]*trail // open matches, and those that are held
	ending []int          // those that have ended in this step
	best   *trail         // of those that ended, the one that got furthest
	eaten  *trail         // of those that another consumed
	alerts []AlertRef
	counts struct{ events, late, rejected, other, unseen, silenced, consumed, bounded int }
	late   *Statement // that was nearest
	reject *Statement
	types  []string              // that the rule is not on
	unseen *Statement            // with the fewest parts
	start  *Statement            // NotBegun, with the fewest parts
	early  map[string]*Statement // Early without a match, the last by For
	quiet  *Statement            // Silenced
}

// trail is what became of an open match.
type trail struct {
	match    int
	captured []Capture
	waits    []*Statement
	rank     int // of the furthest name that it waits for
	complete bool
	nearest  *Statement
	early    []*Statement
	end      *Statement
	refused  *Statement
	held     *Statement
	tooLate  *Statement
	alerted  bool
	ours     bool // something of it happened in the period that is asked about
}

// NewJudge makes a Judge of a key of a rule.
func NewJudge(rule *rules.Rule, key []string) *Judge {
	return &Judge{rule: rule, key: key, trails: map[int]*trail{}}
}

// Take takes in a step. asked says that it lies in the period that is asked about.
func (j *Judge) Take(s *Step, asked bool) {
	before := map[int]trail{}
	for i := range s.Statements {
		st := &s.Statements[i]
		if st.Match == 0 {
			if asked {
				j.aside(st)
			}
			continue
		}
		t := j.trail(st, before)
		if t == nil {
			continue
		}
		t.ours = t.ours || asked
		j.about(t, st, asked)
	}
	j.settle()
}

// settle lets go of the matches that have ended, but for the one that got furthest.
func (j *Judge) settle() {
	for _, n := range j.ending {
		t := j.trails[n]
		if t == nil || t.held != nil {
			continue
		}
		delete(j.trails, n)
		best := &j.best
		if t.consumed() {
			j.counts.consumed++
			best = &j.eaten
		}
		if t.ours && !t.alerted && (*best == nil || !j.further(*best, t)) {
			*best = t
		}
	}
	j.ending = j.ending[:0]
}

// trail gives the trail that a statement is about, which it may begin; nil: it is
// forgotten.
func (j *Judge) trail(s *Statement, before map[int]trail) *trail {
	switch s.Do {
	case Began, Carried:
		t := &trail{match: s.Match, captured: s.Captured, rank: -1}
		if s.Do == Began {
			t.captured = []Capture{s.capture()}
		}
		j.trails[s.Match] = t
		return t
	case Took:
		from, ok := before[s.From]
		if !ok && j.trails[s.From] != nil {
			from = *j.trails[s.From]
			before[s.From] = from
		}
		t := &trail{match: s.Match, captured: append(slices.Clip(from.captured), s.capture()), rank: -1, early: slices.Clip(from.early), ours: from.ours}
		j.trails[s.Match] = t
		return t
	}
	if t := j.trails[s.Match]; t != nil {
		return t
	}
	if j.best != nil && j.best.match == s.Match {
		return j.best
	}
	return nil
}

// about takes in what an open match did.
func (j *Judge) about(t *trail, s *Statement, asked bool) {
	switch s.Do {
	case Waits:
		t.waits = append(t.waits, s)
		t.rank = max(t.rank, j.rank(s.For))
	case Passed:
		j.miss(t, s)
	case Closed:
		if s.Because == nfa.Strict.String() || s.Because == nfa.Early.String() {
			j.miss(t, s)
		}
	case Early:
		t.early = append(t.early, s)
	case TooLate:
		if t.tooLate == nil {
			t.tooLate = s
		}
	case Completed:
		t.complete = true
	case Refused:
		if s.Because == nfa.Repeated.String() && t.alerted {
			return
		}
		if t.refused, t.held = s, nil; t.end != nil {
			j.ending = append(j.ending, t.match)
		}
	case Held:
		t.held = s
	case CameOut, RanOut:
		if t.held = nil; t.end != nil {
			j.ending = append(j.ending, t.match)
		}
	case Alerted:
		t.alerted = true
		if asked {
			j.alerts = append(j.alerts, AlertRef{s.Alert, s.Kind, s.Until, s.limit})
		}
	case Silenced:
		t.refused = s
		if asked {
			j.counts.silenced++
			j.quiet = s
		}
	case Ended:
		t.end = s
		if asked && s.Because == nfa.OpenBound.String() {
			j.counts.bounded++
		}
		j.ending = append(j.ending, t.match)
	}
}

// consumed reports whether another match consumed it.
func (t *trail) consumed() bool {
	why := t.end.Because
	if t.refused != nil {
		why = t.refused.Because
	}
	return why == nfa.Consumed.String()
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

// further reports whether a got further than b: it was complete, it waited for what
// stands later, it captured more.
func (j *Judge) further(a, b *trail) bool {
	switch {
	case a.complete != b.complete:
		return a.complete
	case a.rank != b.rank:
		return a.rank > b.rank
	}
	return len(a.captured) > len(b.captured)
}

// miss keeps the nearest miss: for what stands latest in the pattern, on the fewest
// parts.
func (j *Judge) miss(t *trail, s *Statement) {
	if s.Because == nfa.Absent.String() {
		return
	}
	if t.nearest == nil || j.rank(s.For) > j.rank(t.nearest.For) || j.rank(s.For) == j.rank(t.nearest.For) && misses(s) <= misses(t.nearest) {
		t.nearest = s
	}
}

// otherKind is more than the parts of any condition: the event is of another type or
// key.
const otherKind = 1 << 20

// misses counts what would have to be otherwise for an event to fit.
func misses(s *Statement) int {
	if s.Types != nil || s.Key != nil {
		return otherKind
	}
	return len(s.Parts)
}

// aside takes in what is of no open match.
func (j *Judge) aside(s *Statement) {
	nearer := func(old *Statement) *Statement {
		if old == nil || misses(s) <= misses(old) {
			return s
		}
		return old
	}
	switch s.Do {
	case Event:
		j.counts.events++
	case Late:
		j.counts.late++
		j.late = s
	case Rejected:
		j.counts.rejected++
		j.reject = s
	case OtherType:
		j.counts.other++
		if !slices.Contains(j.types, s.Seen.Type) {
			j.types = append(j.types, s.Seen.Type)
		}
	case Unseen:
		j.counts.unseen++
		j.unseen = nearer(j.unseen)
	case NotBegun:
		j.start = nearer(j.start)
	case Early:
		if j.early == nil {
			j.early = map[string]*Statement{}
		}
		j.early[s.For] = s
	}
}

// End is what is known when the input has ended.
type End struct {
	Read             uint64 // events of any key
	Now              int64  // to which time has moved; Forever: all windows have closed
	Asked            string // the period that is asked about, in words; empty: all
	Nearest, Busiest []OtherKey
}

// Verdict gives the verdict.
func (j *Judge) Verdict(end End) *Verdict {
	v := &Verdict{Do: VerdictDo, Key: KeyText(j.rule.Key, j.key), Alerts: j.alerts}
	t := j.furthest()
	var text []string
	say := func(format string, args ...any) { text = append(text, fmt.Sprintf(format, args...)) }
	switch {
	case len(j.alerts) > 0:
		v.Cause = DidAlert
		say("%s did alert%s: %s.", v.Key, end.Asked, j.alertsText())
		if n := j.counts.silenced; n > 0 {
			say("%s no alert, as the throttle was on.", amount(n, "further match made", "further matches made"))
		}
		if n := j.counts.consumed; n > 0 {
			say("%s consumed (skip: %s).", amount(n, "match that began beside it was", "matches that began beside it were"), skipText(j.rule))
		}
		if t != nil {
			say("Beside that, %s", j.story(v, t, end))
		}
	case t != nil:
		say("No alert for %s%s. %s", v.Key, end.Asked, upper(j.story(v, t, end)))
	default:
		j.nothing(v, say, end)
	}
	j.besides(v, say)
	v.Text = strings.Join(text, " ")
	return v
}

// furthest gives the match that got furthest, of those that made no alert if there is
// one.
func (j *Judge) furthest() *trail {
	t := j.best
	if e := j.eaten; e != nil && len(j.alerts) == 0 && (t == nil || !j.further(t, e)) {
		t = e
	}
	var open []int
	for n := range j.trails {
		open = append(open, n)
	}
	slices.Sort(open)
	for _, n := range open {
		if o := j.trails[n]; o.ours && !o.alerted && (t == nil || !j.further(t, o)) {
			t = o
		}
	}
	return t
}

func (v *Verdict) fill(t *trail) {
	v.Match, v.Captured, v.Nearest, v.TooLate, v.Early = t.match, t.captured, t.nearest, t.tooLate, t.early
	for _, w := range t.waits {
		if !slices.Contains(v.WaitsFor, w.For) {
			v.WaitsFor = append(v.WaitsFor, w.For)
		}
	}
	switch {
	case t.refused != nil:
		v.End = t.refused
	case t.held != nil:
		v.End = t.held
	default:
		v.End = t.end
	}
}

// story tells what became of the match that got furthest.
func (j *Judge) story(v *Verdict, t *trail, end End) string {
	t.early = slices.DeleteFunc(append(slices.Clip(t.early), j.before(t)...), func(e *Statement) bool { return j.rank(e.For) < t.rank })
	v.fill(t)
	if cause := j.cause(t); v.Cause == "" {
		v.Cause = cause
	}
	var b strings.Builder
	first, last := t.captured[0].at, t.captured[len(t.captured)-1].at
	fmt.Fprintf(&b, "%s got furthest: %s since %s (%s).", number(t.match), capturedText(t.captured), moment(first), events(t.captured))
	if t.refused != nil || t.held != nil {
		what := t.refused
		if what == nil {
			what = t.held
		}
		b.WriteString(" It was complete" + j.notOut(what, last) + ".")
		return b.String()
	}
	fmt.Fprintf(&b, " It waited for %s", strings.Join(v.WaitsFor, " or "))
	if w := t.furthestWait(j); w != nil && w.Until != "" {
		fmt.Fprintf(&b, ", until %s (%s)", clock(w.limit, last), boundText(w))
	}
	b.WriteString(".")
	for _, e := range t.early {
		fmt.Fprintf(&b, " %s at %s could be %s, but came before its turn.", upper(e.event), clock(e.at, last), e.For)
	}
	if n := t.nearest; n != nil && (t.end == nil || n.Number != t.end.Number || n.Because != t.end.Because) {
		b.WriteString(" " + j.instead(n, last))
	}
	switch {
	case t.end != nil && t.end.Because == nfa.Expired.String():
		fmt.Fprintf(&b, " %s at %s.", upper(closedText(t.end)), clock(t.end.limit, last))
	case t.end != nil && t.end.event != "":
		fmt.Fprintf(&b, " It ended at %s with %s: %s.", clock(t.end.at, last), t.end.event, whyText(t.end, j.rule, last))
	case t.end != nil:
		fmt.Fprintf(&b, " It ended at %s: %s.", clock(t.end.at, last), whyText(t.end, j.rule, last))
	case end.Now == Forever:
		b.WriteString(" It is still open: it has no window that could close.")
	default:
		fmt.Fprintf(&b, " It is still open: time stands at %s, and only what comes later can decide.", clock(end.Now, last))
	}
	if l := t.tooLate; l != nil {
		fmt.Fprintf(&b, " %s at %s would have been %s, %s too late.", upper(l.event), clock(l.at, last), l.For, l.Behind)
	}
	return b.String()
}

// before gives the events that could have been what a match waited for last, and came
// before it began, within the window of the rule.
func (j *Judge) before(t *trail) []*Statement {
	w := t.furthestWait(j)
	if w == nil || j.early[w.For] == nil || t.refused != nil || t.held != nil {
		return nil
	}
	e, within := j.early[w.For], int64(j.rule.Options.Within)
	if e.at > t.captured[0].at || within > 0 && t.captured[0].at-e.at >= within {
		return nil
	}
	return []*Statement{e}
}

// furthestWait gives the wait for what stands latest in the pattern.
func (t *trail) furthestWait(j *Judge) *Statement {
	var w *Statement
	for _, s := range t.waits {
		if w == nil || j.rank(s.For) > j.rank(w.For) {
			w = s
		}
	}
	return w
}

func boundText(s *Statement) string {
	switch s.Bound {
	case nfa.WithinBound.String():
		return "within " + s.Span
	case nfa.RoundBound.String():
		return "within " + s.Span + " of a part"
	}
	return "bound of the link " + s.Link
}

// instead says what came in place of what was waited for.
func (j *Judge) instead(n *Statement, beside int64) string {
	at := fmt.Sprintf("%s at %s", n.event, clock(n.at, beside))
	if misses(n) >= otherKind || len(n.Parts) == 0 {
		return fmt.Sprintf("What came instead, last %s: %s.", at, whyText(n, j.rule, n.at))
	}
	return fmt.Sprintf("The nearest miss was %s, which failed on %s: %s.", at, amount(len(n.Parts), "part", "parts"), whyText(n, j.rule, n.at))
}

// notOut says what kept a complete match from being an alert.
func (j *Judge) notOut(s *Statement, beside int64) string {
	switch s.Do {
	case Silenced:
		return fmt.Sprintf(" at %s and made no alert: the throttle was on until %s", clock(s.at, beside), clock(s.limit, beside))
	case Held:
		return fmt.Sprintf(" at %s and is held until %s, which began before it, is gone (emit: in_order)", clock(s.at, beside), number(s.By))
	}
	return ", but did not come out: " + whyText(s, j.rule, s.at)
}

var causes = map[string]Cause{
	nfa.Negated.String(): Forbidden, nfa.UntilHeld.String(): LoopStopped, nfa.Stopped.String(): LoopStopped, nfa.Greedy.String(): GreedyTook,
	nfa.Strict.String(): Broken, nfa.Early.String(): Broken, nfa.UnlessHeld.String(): UnlessEnded, nfa.Consumed.String(): SkippedBy,
	nfa.OpenBound.String(): TooMany, nfa.CaptureBound.String(): TooLong, nfa.HavingFailed.String(): HavingFalse, nfa.Repeated.String(): SameAgain,
}

// cause is the reason for which a match made no alert.
func (j *Judge) cause(t *trail) Cause {
	switch {
	case t.refused != nil && t.refused.Do == Silenced:
		return Throttled
	case t.refused != nil:
		return causes[t.refused.Because]
	case t.held != nil:
		return HeldBack
	case t.tooLate == nil && len(t.early) > 0 && (t.end == nil || t.end.Because == nfa.Expired.String()):
		return WrongOrder
	case t.end == nil:
		return StillOpen
	case t.end.Because == nfa.Expired.String() && t.tooLate == nil && t.nearest != nil && misses(t.nearest) < otherKind:
		return ConditionFalse
	case t.end.Because == nfa.Expired.String() && t.end.Bound == nfa.LinkBound.String():
		return BoundRanOut
	case t.end.Because == nfa.Expired.String():
		return WindowClosed
	}
	return causes[t.end.Because]
}

// nothing tells why no match began.
func (j *Judge) nothing(v *Verdict, say func(string, ...any), end End) {
	c := &j.counts
	switch {
	case c.events > c.unseen:
		v.Cause = NoMatch
		say("No alert for %s%s. No match began with %s.", v.Key, end.Asked, amount(c.events-c.unseen, "event", "events"))
		if s := j.start; s != nil {
			say("%s", j.instead(s, 0))
			v.Nearest = s
		}
	case c.events+c.late+c.other+c.rejected > 0:
		v.Cause = j.unseenCause()
		say("No alert for %s%s: the rule saw no event of it.", v.Key, end.Asked)
	case end.Read == 0:
		v.Cause = NoEvent
		say("No alert for %s: there is no event at all.", v.Key)
	default:
		v.Cause = UnknownKey
		say("No alert for %s%s: no event has this key.", v.Key, end.Asked)
		if len(end.Nearest) > 0 {
			say("Nearest to it: %s.", j.keysText(end.Nearest))
		}
		if len(end.Busiest) > 0 {
			say("Most frequent: %s.", j.keysText(end.Busiest))
		}
	}
}

// unseenCause says why the rule saw no event, if there is one reason.
func (j *Judge) unseenCause() Cause {
	c := &j.counts
	switch c.events + c.late + c.other + c.rejected {
	case c.unseen:
		return WhereFalse
	case c.late:
		return TooLateToMatch
	case c.other:
		return WrongType
	case c.rejected:
		return NoLine
	}
	return NotSeen
}

func (j *Judge) keysText(keys []OtherKey) string {
	var list []string
	for _, k := range keys {
		list = append(list, fmt.Sprintf("%s (%s)", KeyText(j.rule.Key, k.Key), amount(k.Events, "event", "events")))
	}
	return strings.Join(list, ", ")
}

// besides tells of events of the key that were not matched.
func (j *Judge) besides(v *Verdict, say func(string, ...any)) {
	c := &j.counts
	if c.unseen > 0 {
		say("%s not seen, as where does not hold; %s at %s: %s.", amount(c.unseen, "event was", "events were"), j.unseen.event, moment(j.unseen.at), partsText(j.unseen.Parts))
		if v.Nearest == nil {
			v.Nearest = j.unseen
		}
	}
	if c.late > 0 {
		say("%s too late and %s not matched, the last, %s of %s, by %s (--lateness).", amount(c.late, "event came", "events came"), plural(c.late, "was", "were"), j.late.Seen.Type, moment(timeOf(j.late.Seen.Time)), j.late.Behind)
	}
	if c.other > 0 {
		say("%s of a type that the rule is not on: %s.", amount(c.other, "event is", "events are"), strings.Join(j.types, ", "))
	}
	if c.bounded > 0 {
		say("%s given up, as too many of the key were open (limit: {open: N}).", amount(c.bounded, "open match was", "open matches were"))
	}
	if c.rejected > 0 {
		say("%s no event, last %s.", amount(c.rejected, "line with this key is", "lines with this key are"), j.reject.Reason)
	}
}

func (j *Judge) alertsText() string {
	var list []string
	for i, a := range j.alerts {
		if i == shownAlerts {
			list = append(list, fmt.Sprintf("and %d more", len(j.alerts)-shownAlerts))
			break
		}
		list = append(list, fmt.Sprintf("%s (%s) at %s", a.ID, a.Kind, moment(a.at)))
	}
	return strings.Join(list, ", ")
}

// shownAlerts bounds the alerts that a verdict names in its text.
const shownAlerts = 5

func events(captured []Capture) string {
	var list []string
	for i, c := range captured {
		if len(captured) > 8 && i == 4 {
			list = append(list, "...")
		}
		if len(captured) <= 8 || i < 4 || i >= len(captured)-3 {
			list = append(list, c.event)
		}
	}
	return strings.Join(list, ", ")
}

func amount(n int, one, many string) string { return fmt.Sprintf("%d %s", n, plural(n, one, many)) }

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
