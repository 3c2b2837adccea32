package cep

import (
	"cmp"
	"flag"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/cep/feature"
	"weir/cep/outcome"
	"weir/nfa"
	"weir/nfa/oracle"
)

var (
	consequenceCases = flag.Int("consequences", 1000, "cases of TestConsequences")
	consequenceSeed  = flag.Uint64("consequences.seed", 1, "seed of the first case of TestConsequences")
)

// What rules of a case can be on, and the fields of their events. Those from score on
// are of matches; account is the key of some matches, bin is derived.
const (
	gCard FieldID = iota
	gMerchant
	gKind
	gAmount
	gTo
	gBin
	gAccount
	gScore
	gSeverity
)

var caseFields = []string{"card", "merchant", "kind", "amount", "to", "bin", "account", "score", "severity"}

// consequence is a case: rules, what they share, and events as they arrive. It is what
// both the engine and the reference evaluator (reference) are made of.
type consequence struct {
	rules    []caseRule // by id
	alerts   []int      // the rules whose matches are events: TypeID 2, 3, ...
	risks    []caseRisk
	policy   outcome.Policy
	events   []caseEvent
	lateness int64
	closed   bool // the end closes windows; else the clock moves on behind all of them
}

type caseRisk struct {
	key  string // the names of its parts, with / between them
	life int64  // seconds
}

// countWindow is the window of the feature of cases, the number of payments of a card.
const countWindow = 6

type caseEvent struct {
	time   int64 // seconds
	typ    TypeID
	fields [5]string // "": there is none; by FieldID
	raw    string
}

type caseRule struct {
	id       string
	rule     oracle.Rule
	timeout  bool
	types    []TypeID
	where    *caseCond
	keyNames []string
	key      []FieldID
	byName   []FieldID
	conds    []caseCond // of the names, then unless
	having   *caseCond  // asked of the moment
	score    caseScore
	def      int
	action   outcome.Action
	throttle int64
	hold     int64
	edge     bool
	shadow   bool
	measures []caseMeasure
	layer    int
}

// caseCond is a condition: all that it asks must hold.
type caseCond struct {
	types []TypeID
	kind  string  // "": any
	over  float64 // the amount; negative: any
	risk  int     // number of the risk that must be over risky; -1: none
	risky float64
	count int  // payments of the card, at least; 0: any
	score int  // of a match, at least; 0: any
	rises bool // the amount is higher than that of the last event of the first name
}

// caseScore is base + 0.3711·risk + 7·count; nil where one of them is nil.
type caseScore struct {
	base  float64
	risk  int // -1: none
	count bool
}

// caseMeasure is a field of the first event of a variable.
type caseMeasure struct {
	field FieldID
	of    int
}

// caseView is what a condition or score looks at, in the engine or in the reference.
type caseView interface {
	is(types []TypeID) bool
	text(FieldID) (string, bool)
	number(FieldID) (float64, bool)
	riskOver(risk int, x float64) bool
	count() (int, bool)
}

func (c *caseCond) holds(s caseView) bool {
	if c.types != nil && !s.is(c.types) {
		return false
	}
	if kind, ok := s.text(gKind); c.kind != "" && (!ok || kind != c.kind) {
		return false
	}
	if amount, ok := s.number(gAmount); c.over >= 0 && (!ok || amount <= c.over) {
		return false
	}
	if score, ok := s.number(gScore); c.score > 0 && (!ok || score < float64(c.score)) {
		return false
	}
	return c.atMoment(s)
}

// atMoment is the part that `having` can ask.
func (c *caseCond) atMoment(s caseView) bool {
	if n, ok := s.count(); c.count > 0 && (!ok || n < c.count) {
		return false
	}
	return c.risk < 0 || s.riskOver(c.risk, c.risky)
}

// asIs shows a Scope to conditions.
type asIs struct{ *Scope }

func (s asIs) is(types []TypeID) bool { return slices.Contains(types, s.Event.Type) }

func (s asIs) text(f FieldID) (string, bool) {
	v := s.Event.Field(f)
	return v.Text, v.Kind == Text
}

func (s asIs) number(f FieldID) (float64, bool) {
	v := s.Event.Field(f)
	return v.Number(), v.Kind == Number
}

func (s asIs) riskOver(risk int, x float64) bool {
	v := s.Risk(RiskID(risk))
	return v.Kind == Number && v.Number() > x
}

func (s asIs) count() (int, bool) {
	v := s.Feature(0)
	return int(v.Number()), v.Kind == Number
}

// ruleset is what the engine is made of.
func (c *consequence) ruleset(t testing.TB) *Ruleset {
	rs := &Ruleset{Fields: caseFields, Policy: c.policy, Types: []Type{
		{Name: "pay", Derived: []Derived{{Field: gBin, Eval: func(s *Scope) Value {
			if card := s.Event.Field(gCard); card.Kind == Text {
				return TextValue(card.Text[:1])
			}
			return Value{}
		}}}},
		{Name: "login"},
	}}
	for i := range c.rules {
		rs.Rules = append(rs.Rules, c.rules[i].compile(t))
	}
	for _, i := range c.alerts {
		rs.Types = append(rs.Types, Type{Name: "alert." + c.rules[i].id, Alert: rs.Rules[i]})
	}
	for i, risk := range c.risks {
		rs.Risks = append(rs.Risks, NamedRisk{
			Name: fmt.Sprint("risk", i), Key: strings.Split(risk.key, "/"), Risk: outcome.Risk{HalfLife: time.Duration(risk.life) * time.Second},
		})
	}
	rs.Features = []*Feature{{Name: "count", Types: []TypeID{tPay}, Key: FeatureKey{Names: []string{"card"}, Fields: []FieldID{gCard}}, Spec: sliding(feature.Count, countWindow)}}
	rs.Reads = []Read{{Feature: 0}}
	return rs
}

func (x *caseRule) compile(t testing.TB) *Rule {
	pattern := x.rule.Pattern.String()
	p, err := nfa.Parse(pattern, nil)
	if err != nil {
		t.Fatalf("%s: %v", pattern, err)
	}
	skips := map[oracle.Skip]nfa.SkipKind{oracle.None: nfa.SkipNone, oracle.PastLast: nfa.SkipPastLast, oracle.ToNext: nfa.SkipToNext}
	prog, err := nfa.Compile(p, nfa.Options{
		Within: time.Duration(x.rule.Within), Skip: skips[x.rule.Skip], Unless: x.rule.Unless, Having: x.having != nil, Timeout: x.timeout,
	})
	if err != nil {
		t.Fatalf("%s: %v", pattern, err)
	}
	r := &Rule{
		ID: x.id, Revision: 1, Severity: "high", Action: x.action.String(), Shadow: x.shadow, Default: float64(x.def),
		Types: x.types, Key: Key{Names: x.keyNames, Fields: x.key, ByName: x.byName},
		Program: prog, Names: p.Names(), Layer: x.layer, Edge: x.edge,
		Throttle: time.Duration(x.throttle) * time.Second, Hold: time.Duration(x.hold) * time.Second,
		Reads: []ReadID{0}, Outcome: []ReadID{0},
	}
	if x.where != nil {
		where := x.where.compile()
		r.Where = &where
	}
	for i := range x.conds {
		r.Conds = append(r.Conds, x.conds[i].compile())
	}
	if x.having != nil {
		r.Having = func(s *Scope) bool { return x.having.atMoment(asIs{s}) }
	}
	for _, m := range x.measures {
		r.Measures = append(r.Measures, Measure{caseFields[m.field], func(s *Scope) Value {
			if e := s.Captures.First(m.of); e != nil {
				return *e.Field(m.field)
			}
			return Value{}
		}})
	}
	r.Score = func(s *Scope) Value {
		score := x.score.base
		if x.score.count {
			n, ok := asIs{s}.count()
			if !ok {
				return Value{}
			}
			score += 7 * float64(n)
		}
		if x.score.risk >= 0 {
			score += 0.3711 * new(s.Risk(RiskID(x.score.risk))).Number()
		}
		return NumberValue(score)
	}
	r.Message = func(s *Scope) string { return fmt.Sprintf("%s at %d", s.Key, s.At.Time/second) }
	return r
}

func (c *caseCond) compile() Cond {
	cond := Cond{Types: c.types, Event: func(s *Scope) bool { return c.holds(asIs{s}) }}
	if c.kind != "" {
		cond.Equals = []Equality{{gKind, TextValue(c.kind)}}
	}
	if c.rises {
		cond.Captured = func(s *Scope) bool {
			last := s.Captures.Last(0)
			return last == nil || s.Event.Field(gAmount).Number() > last.Field(gAmount).Number()
		}
	}
	return cond
}

// engineEvents are the events as the engine takes them.
func (c *consequence) engineEvents() []Event {
	var events []Event
	for i := range c.events {
		x := &c.events[i]
		row := make([]Value, len(caseFields))
		for f, text := range x.fields {
			if text != "" {
				row[f] = TextValue(text)
			}
			if FieldID(f) == gAmount {
				row[f] = NumberValue(float64(text[0] - '0'))
			}
		}
		e := *NewEvent([]string{"pay", "login"}[x.typ], x.typ, x.time*second, row)
		e.Raw = x.raw
		events = append(events, e)
	}
	return events
}

// last is what a run of the case ends with.
func (c *consequence) last() Record {
	if c.closed {
		return end
	}
	return at(10000)
}

var idInRaw = regexp.MustCompile(`"id":"[^"]*",`)

// saying writes what effects say, without time-outs: the alerts, and the decisions with
// the places of their alerts. It is an error if two alerts have one id.
func saying(fx *Effects) (string, error) {
	var b strings.Builder
	place := map[string]int{}
	n := 0
	for i := range fx.Alerts {
		a := &fx.Alerts[i]
		if a.Kind != MatchAlert {
			continue
		}
		if _, twice := place[a.ID]; twice {
			return "", fmt.Errorf("two alerts are called %s", a.ID)
		}
		n++
		place[a.ID] = n
		fmt.Fprintf(&b, "%d %s %s @%d score %d", n, a.Rule.ID, a.Key, a.Time/second, a.Score)
		for m := range a.Measures {
			fmt.Fprintf(&b, " %s", a.Measures[m].AppendJSON(nil))
		}
		fmt.Fprintf(&b, " %q suppressed %d:", a.Message, a.Suppressed)
		for _, e := range a.Events {
			fmt.Fprintf(&b, " %d=%s", e.Var, idInRaw.ReplaceAllString(e.Raw, ""))
		}
		b.WriteString("\n")
	}
	for i := range fx.Decisions {
		d := &fx.Decisions[i]
		fmt.Fprintf(&b, "on %d: %s @%d %d %s", d.Place, d.Event.Type, d.Time/second, d.Score, d.Action)
		for j := range d.Reasons {
			r := &d.Reasons[j]
			fmt.Fprintf(&b, "; %s %d %s hold %t %q", r.Rule, r.Score, r.Action, r.Hold, r.Message)
			for m := range r.Measures {
				fmt.Fprintf(&b, " %s", r.Measures[m].AppendJSON(nil))
			}
			for _, id := range r.Alerts {
				fmt.Fprintf(&b, " #%d", place[id])
			}
		}
		b.WriteString("\n")
	}
	return b.String(), nil
}

// reference works out what comes of a case from the words of the language: rule by rule,
// over all events again for each of them, with the matches that the reference evaluator
// of patterns finds.
type reference struct {
	*consequence
	words   []*oracle.Words
	raw     []*refEvent // events in the order of processing
	keys    []map[string]*refKey
	matches []*refMatch
	adds    []map[string][]refAdd // by risk
	answers map[int][]refAnswer   // by origin
	held    []int                 // by rule: events that holds answered for
	unsure  bool                  // a comparison is too close to tell
}

func join(parts []string) string { return strings.Join(parts, "/") }

// refEvent is an event of a layer: one that came, or a match.
type refEvent struct {
	time   int64 // seconds
	origin int   // 0: time brought it
	typ    TypeID
	fields map[FieldID]string // a number is text here
	raw    string
	counts map[string]int // payments of cards, as of the event; nil: it knows nothing of features
}

// when is when something comes: at a moment, by an event or, before all events of the
// moment, by time.
type when struct {
	moment int64
	origin int
}

func (a when) compare(b when) int {
	return cmp.Or(cmp.Compare(a.moment, b.moment), cmp.Compare(a.origin, b.origin))
}

// refKey is what a rule knows under a key.
type refKey struct {
	rule    int
	parts   []string
	events  []*refEvent
	may     [][]bool // by event, cond: without what was captured
	having  map[string]bool
	limits  map[int64]bool // moments at which an absence may come
	matched bool           // the last event was a match
	quiet   int64          // time of the last alert
	alerted bool
	silent  int // matches silenced by throttle since
	holds   []refHold

	suppressed int // all matches silenced by throttle
}

type refHold struct {
	from  int64
	score int
}

type refAdd struct {
	when
	time  int64
	score int
}

type refAnswer struct {
	rule, score int
	match       *refMatch // nil: by a hold
}

type refMatch struct {
	when
	by         *refEvent // in its layer; nil: time
	rule       int
	parts      []string
	nth        int
	score      int
	measures   []string
	message    string
	captures   [][]*refEvent
	silent     bool
	suppressed int
	number     int // among the alerts
}

func refer(c *consequence) *reference {
	w := &reference{consequence: c, answers: map[int][]refAnswer{}}
	for i := range c.rules {
		w.words = append(w.words, oracle.Read(c.rules[i].rule))
		w.keys = append(w.keys, map[string]*refKey{})
		w.held = append(w.held, 0)
	}
	for range c.risks {
		w.adds = append(w.adds, map[string][]refAdd{})
	}
	w.arrive()
	stream, top := w.raw, 0
	for i := range c.rules {
		top = max(top, c.rules[i].layer)
	}
	for layer := range top + 1 {
		before := len(w.matches)
		for _, e := range stream {
			w.passes(layer, e.time)
			w.meets(layer, e)
		}
		w.passes(layer, math.MaxInt64)
		stream = w.among(stream, w.matches[before:])
	}
	slices.SortStableFunc(w.matches, (*refMatch).compare)
	return w
}

// compare is the order in which alerts come out.
func (m *refMatch) compare(o *refMatch) int {
	return cmp.Or(m.when.compare(o.when), cmp.Compare(m.rule, o.rule), slices.Compare(m.parts, o.parts), cmp.Compare(m.nth, o.nth))
}

// arrive puts the events that are not late into the order of processing.
func (w *reference) arrive() {
	now := int64(math.MinInt64)
	for i := range w.events {
		x := &w.events[i]
		if now != math.MinInt64 && x.time < now-w.lateness {
			continue
		}
		now = max(now, x.time)
		e := &refEvent{time: x.time, typ: x.typ, raw: x.raw, fields: map[FieldID]string{}, counts: map[string]int{}}
		for f, text := range x.fields {
			if text != "" {
				e.fields[FieldID(f)] = text
			}
		}
		if card := x.fields[gCard]; x.typ == tPay && card != "" {
			e.fields[gBin] = card[:1]
		}
		w.raw = append(w.raw, e)
	}
	slices.SortStableFunc(w.raw, func(a, b *refEvent) int { return cmp.Compare(a.time, b.time) })
	for i, e := range w.raw {
		e.origin = i + 1
		for _, card := range cards {
			e.counts[card] = w.countOf(card, e.time, i+1)
		}
	}
}

// countOf is the feature of a card at t, of the first n events.
func (w *reference) countOf(card string, t int64, n int) (count int) {
	for _, e := range w.raw[:n] {
		if e.typ == tPay && e.fields[gCard] == card && e.time > t-countWindow && e.time <= t {
			count++
		}
	}
	return count
}

// among puts the matches of a layer into its stream, as events for the next: right after
// the event that brought them, or before all events of the moment at which time did.
func (w *reference) among(stream []*refEvent, matches []*refMatch) (all []*refEvent) {
	matches = slices.Clone(matches)
	slices.SortStableFunc(matches, func(a, b *refMatch) int {
		return cmp.Or(cmp.Compare(a.rule, b.rule), slices.Compare(a.parts, b.parts), cmp.Compare(a.nth, b.nth))
	})
	var timed []*refMatch
	after := map[*refEvent][]*refMatch{}
	for _, m := range matches {
		if m.by == nil {
			timed = append(timed, m)
		} else {
			after[m.by] = append(after[m.by], m)
		}
	}
	slices.SortStableFunc(timed, func(a, b *refMatch) int { return cmp.Compare(a.moment, b.moment) })
	take := func(m *refMatch) {
		if i := slices.Index(w.alerts, m.rule); i >= 0 {
			all = append(all, w.heralded(m, TypeID(2+i)))
		}
	}
	for _, e := range stream {
		for len(timed) > 0 && timed[0].moment <= e.time {
			take(timed[0])
			timed = timed[1:]
		}
		all = append(all, e)
		for _, m := range after[e] {
			take(m)
		}
	}
	for _, m := range timed {
		take(m)
	}
	return all
}

// heralded is a match as an event.
func (w *reference) heralded(m *refMatch, typ TypeID) *refEvent {
	r := &w.rules[m.rule]
	e := &refEvent{time: m.moment, origin: m.origin, typ: typ, fields: map[FieldID]string{gScore: fmt.Sprint(m.score), gSeverity: "high"}}
	e.raw = fmt.Sprintf(`{"type":"alert.%s","ts":%q,`, r.id, FormatTime(m.moment*second))
	for i, name := range r.keyNames {
		if f := slices.Index(caseFields, name); f >= 0 {
			e.fields[FieldID(f)] = m.parts[i]
		}
		e.raw += fmt.Sprintf("%q:%q,", name, m.parts[i])
	}
	for i, text := range m.measures {
		if text != "null" {
			e.fields[r.measures[i].field] = strings.Trim(text, `"`)
		}
		e.raw += fmt.Sprintf("%q:%s,", caseFields[r.measures[i].field], text)
	}
	e.raw += fmt.Sprintf(`"score":%d,"severity":"high"}`, m.score)
	return e
}

// meets gives an event to the rules of a layer.
func (w *reference) meets(layer int, e *refEvent) {
	for i := range w.rules {
		r := &w.rules[i]
		if r.layer != layer || !w.isOn(r, e.typ) {
			continue
		}
		for _, parts := range r.keysOf(e) {
			w.offer(w.key(i, parts), e)
		}
	}
}

func (w *reference) isOn(r *caseRule, typ TypeID) bool {
	if typ < 2 {
		return r.types == nil || slices.Contains(r.types, typ)
	}
	return slices.Contains(r.types, typ) && (r.shadow || !w.rules[w.alerts[typ-2]].shadow)
}

// keysOf are the keys that an event is offered to, each once.
func (r *caseRule) keysOf(e *refEvent) (keys [][]string) {
	if r.byName == nil {
		var parts []string
		for _, f := range r.key {
			text, ok := e.fields[f]
			if !ok {
				return nil
			}
			parts = append(parts, text)
		}
		return [][]string{parts}
	}
	for _, f := range r.byName {
		if text, ok := e.fields[f]; ok && !slices.ContainsFunc(keys, func(k []string) bool { return k[0] == text }) {
			keys = append(keys, []string{text})
		}
	}
	return keys
}

func (w *reference) key(rule int, parts []string) *refKey {
	text := join(parts)
	k := w.keys[rule][text]
	if k == nil {
		k = &refKey{rule: rule, parts: parts, having: map[string]bool{}, limits: map[int64]bool{}}
		w.keys[rule][text] = k
	}
	return k
}

// offer gives an event to a key of a rule.
func (w *reference) offer(k *refKey, e *refEvent) {
	r := &w.rules[k.rule]
	s := &refSight{w, r, k, e, when{e.time, e.origin}}
	if r.where != nil && !r.where.holds(s) {
		return
	}
	best := k.held(e.time, r.hold)
	if best >= 0 {
		w.held[k.rule]++
	}
	if best >= 0 && e.origin > 0 {
		w.answers[e.origin] = append(w.answers[e.origin], refAnswer{k.rule, best, nil})
	}
	var may []bool
	for i := range r.conds {
		named := i >= len(r.byName) || e.fields[r.byName[i]] == k.parts[0]
		may = append(may, named && r.conds[i].holds(s))
	}
	k.events, k.may = append(k.events, e), append(k.may, may)
	if r.rule.Within > 0 {
		k.limits[e.time+r.rule.Within/second] = true
	}
	if limit := closingLimit(r.rule.Pattern.Root); limit > 0 {
		k.limits[e.time+limit] = true
	}
	edge := k.matched
	k.matched = w.look(k, s.at, e, edge) > 0
}

func closingLimit(n *oracle.Node) int64 {
	if len(n.Subs) > 0 {
		return n.Subs[len(n.Subs)-1].Link.Limit / second
	}
	return 0
}

// held is the highest score of the holds at t, -1 if there is none.
func (k *refKey) held(t, hold int64) int {
	best := -1
	for _, h := range k.holds {
		if t-h.from < hold {
			best = max(best, h.score)
		}
	}
	return best
}

// passes lets time pass for the rules of a layer, up to and including t.
func (w *reference) passes(layer int, t int64) {
	for {
		next := int64(math.MaxInt64)
		for i := range w.rules {
			for _, k := range w.keys[i] {
				for limit := range k.limits {
					if w.rules[i].layer == layer && limit <= t {
						next = min(next, limit)
					}
				}
			}
		}
		if next == math.MaxInt64 {
			return
		}
		for i := range w.rules {
			for _, k := range w.keys[i] {
				if w.rules[i].layer == layer && k.limits[next] {
					delete(k.limits, next)
					w.look(k, when{moment: next}, nil, false)
				}
			}
		}
	}
}

// look finds the matches that came under a key just now, by an event or by time.
func (w *reference) look(k *refKey, at when, by *refEvent, edge bool) int {
	r := &w.rules[k.rule]
	times := make([]oracle.Event, len(k.events))
	for i, e := range k.events {
		times[i].Time = e.time * second
	}
	holds := func(cond, event int, caps [][]int) bool {
		switch cond {
		case oracle.Having:
			text := fmt.Sprint(caps)
			ok, known := k.having[text]
			if !known {
				ok = r.having.atMoment(&refSight{w, r, k, by, at}) // it is complete just now
				k.having[text] = ok
			}
			return ok
		case oracle.Unless:
			cond = len(r.conds) - 1
		}
		if !k.may[event][cond] {
			return false
		}
		if n := len(caps[0]); r.conds[cond].rises && n > 0 {
			return amount(k.events[event]) > amount(k.events[caps[0][n-1]])
		}
		return true
	}
	words := w.words[k.rule]
	n := 0
	for _, m := range words.Cut(r.rule.Skip, r.rule.SkipVar, words.All(times, at.moment*second, holds)) {
		if by != nil && m.By != len(times)-1 || by == nil && (m.By >= 0 || m.At != at.moment*second) {
			continue
		}
		found := &refMatch{when: at, by: by, rule: k.rule, parts: k.parts, nth: len(w.matches), captures: make([][]*refEvent, len(r.rule.Pattern.Names))}
		for _, p := range m.Word {
			found.captures[p.Var] = append(found.captures[p.Var], k.events[p.Event])
		}
		w.come(k, found, edge)
		n++
	}
	return n
}

func amount(e *refEvent) (x float64) {
	fmt.Sscan(e.fields[gAmount], &x)
	return x
}

// come gives a match its consequences.
func (w *reference) come(k *refKey, m *refMatch, edge bool) {
	r := &w.rules[k.rule]
	for _, measure := range r.measures {
		text := "null"
		if of := m.captures[measure.of]; len(of) > 0 {
			if x, ok := of[0].fields[measure.field]; ok && measure.field == gAmount {
				text = x
			} else if ok {
				text = `"` + x + `"`
			}
		}
		m.measures = append(m.measures, text)
	}
	m.score = w.score(r, &refSight{w, r, k, m.by, m.when})
	m.message = fmt.Sprintf("%s at %d", k.parts, m.moment)
	w.matches = append(w.matches, m)
	switch {
	case edge && r.edge:
		m.silent = true
	case k.alerted && m.moment-k.quiet < r.throttle:
		m.silent = true
		k.silent++
		k.suppressed++
	default:
		k.quiet, k.alerted = m.moment, true
		m.suppressed, k.silent = k.silent, 0
	}
	if r.shadow {
		return
	}
	if m.origin > 0 {
		w.answers[m.origin] = append(w.answers[m.origin], refAnswer{k.rule, m.score, m})
	}
	if r.hold > 0 {
		k.holds = append(k.holds, refHold{m.moment, m.score})
	}
	for i, risk := range w.risks {
		if key := join(k.parts); join(r.keyNames) == risk.key && m.score > 0 {
			w.adds[i][key] = append(w.adds[i][key], refAdd{m.when, m.moment, m.score})
		}
	}
}

func (w *reference) score(r *caseRule, s *refSight) int {
	x := r.score.base
	if r.score.count {
		n, ok := s.count()
		if !ok {
			return r.def
		}
		x += 7 * float64(n)
	}
	if r.score.risk >= 0 {
		x += 0.3711 * w.risk(r.score.risk, join(s.key.parts), s.at)
		w.unsure = w.unsure || math.Abs(x-math.Floor(x)-0.5) < 1e-6
	}
	return int(math.Floor(min(max(x, 0), 100) + 0.5))
}

// risk is what the matches that came before leave of a risk of a key. It is not exact to
// the last bit: what is compared with it is not close.
func (w *reference) risk(id int, key string, at when) float64 {
	all := slices.Clone(w.adds[id][key])
	slices.SortStableFunc(all, func(a, b refAdd) int { return a.when.compare(b.when) })
	life := float64(w.risks[id].life)
	var kept []refAdd
	value := func(t int64) (x float64) {
		for _, a := range kept {
			x += float64(a.score) * math.Exp2(-float64(t-a.time)/life)
		}
		return x
	}
	gone := func(t int64) bool { // it counts as nothing from a whole number of half-lives on
		if len(kept) == 0 {
			return true
		}
		last := kept[len(kept)-1].time
		lives := 0
		for x := value(last); x >= 1.0/256; x /= 2 {
			lives++
		}
		return t >= last+int64(lives)*w.risks[id].life
	}
	for _, a := range all {
		if a.when.compare(at) >= 0 {
			break
		}
		if gone(a.time) {
			kept = nil
		}
		kept = append(kept, a)
	}
	if gone(at.moment) {
		return 0
	}
	return value(at.moment)
}

// refSight shows an event under a key, or the moment of a match, to conditions.
type refSight struct {
	*reference
	rule  *caseRule
	key   *refKey
	event *refEvent // nil: time passes
	at    when
}

func (s *refSight) is(types []TypeID) bool { return slices.Contains(types, s.event.typ) }

func (s *refSight) text(f FieldID) (string, bool) {
	text, ok := s.event.fields[f]
	return text, ok
}

func (s *refSight) number(f FieldID) (x float64, ok bool) {
	text, ok := s.event.fields[f]
	fmt.Sscan(text, &x)
	return x, ok
}

func (s *refSight) riskOver(risk int, x float64) bool {
	v := s.risk(risk, join(s.key.parts), s.at)
	s.unsure = s.unsure || math.Abs(v-x) < 1e-6
	return v > x
}

// count is the feature: of the event's card; where time brought a match, of the rule's
// key, if that is a card.
func (s *refSight) count() (int, bool) {
	if s.event != nil {
		card, ok := s.event.fields[gCard]
		return s.event.counts[card], ok && s.event.counts != nil
	}
	if !slices.Equal(s.rule.keyNames, []string{"card"}) {
		return 0, false
	}
	n, _ := slices.BinarySearchFunc(s.raw, s.at.moment, func(e *refEvent, t int64) int { return cmp.Compare(e.time, t) })
	return s.countOf(s.key.parts[0], s.at.moment, n), true
}

// saying writes what comes of the case, like saying of effects.
func (w *reference) saying() string {
	var b strings.Builder
	n := 0
	for _, m := range w.matches {
		if m.silent {
			continue
		}
		n++
		m.number = n
		fmt.Fprintf(&b, "%d %s %s @%d score %d", n, w.rules[m.rule].id, m.parts, m.moment, m.score)
		for _, text := range m.measures {
			fmt.Fprintf(&b, " %s", text)
		}
		fmt.Fprintf(&b, " %q suppressed %d:", m.message, m.suppressed)
		for v, events := range m.captures {
			for _, e := range events {
				fmt.Fprintf(&b, " %d=%s", v, e.raw)
			}
		}
		b.WriteString("\n")
	}
	for _, e := range w.raw {
		w.decide(&b, e)
	}
	for i := range w.rules {
		matches, alerts, suppressed := 0, 0, 0
		for _, m := range w.matches {
			if m.rule == i {
				matches++
				if !m.silent {
					alerts++
				}
			}
		}
		for _, k := range w.keys[i] {
			suppressed += k.suppressed
		}
		fmt.Fprintf(&b, "%s: %d matches, %d alerts, %d suppressed, %d holds\n", w.rules[i].id, matches, alerts, suppressed, w.held[i])
	}
	return b.String()
}

// decide writes the decision on an event, if there is one.
func (w *reference) decide(b *strings.Builder, e *refEvent) {
	type reason struct {
		rule, score int
		matches     []*refMatch
	}
	reasons := map[int]*reason{}
	for _, a := range w.answers[e.origin] {
		r := reasons[a.rule]
		if r == nil {
			r = &reason{rule: a.rule}
			reasons[a.rule] = r
		}
		r.score = max(r.score, a.score)
		if a.match != nil {
			r.matches = append(r.matches, a.match)
		}
	}
	if len(reasons) == 0 {
		return
	}
	var all []*reason
	for _, r := range reasons {
		all = append(all, r)
	}
	slices.SortFunc(all, func(x, y *reason) int {
		return cmp.Or(cmp.Compare(w.rules[y.rule].action, w.rules[x.rule].action), cmp.Compare(y.score, x.score), cmp.Compare(x.rule, y.rule))
	})
	highest, sum, left := 0, 0, big.NewRat(1, 1)
	for _, r := range all {
		highest, sum = max(highest, r.score), sum+r.score
		left.Mul(left, big.NewRat(int64(100-r.score), 100))
	}
	score := highest
	switch w.policy.Combine {
	case outcome.Sum:
		score = min(sum, 100)
	case outcome.NoisyOr: // 100·(1 − left), a half goes up
		x := new(big.Rat).Sub(big.NewRat(201, 2), left.Mul(left, big.NewRat(100, 1)))
		score = int(new(big.Int).Div(x.Num(), x.Denom()).Int64())
	}
	action := w.rules[all[0].rule].action
	for a, least := range map[outcome.Action]float64{outcome.Review: w.policy.Review, outcome.Challenge: w.policy.Challenge, outcome.Block: w.policy.Block} {
		if least > 0 && float64(score) >= least {
			action = max(action, a)
		}
	}
	fmt.Fprintf(b, "on %d: %s @%d %d %s", e.origin, []string{"pay", "login"}[e.typ], e.time, score, action)
	for _, r := range all {
		slices.SortStableFunc(r.matches, (*refMatch).compare)
		best := &refMatch{score: -1}
		for _, m := range r.matches {
			if m.score > best.score {
				best = m
			}
		}
		fmt.Fprintf(b, "; %s %d %s hold %t %q", w.rules[r.rule].id, r.score, w.rules[r.rule].action, len(r.matches) == 0, best.message)
		for _, text := range best.measures {
			fmt.Fprintf(b, " %s", text)
		}
		for _, m := range r.matches {
			if !m.silent {
				fmt.Fprintf(b, " #%d", m.number)
			}
		}
	}
	b.WriteString("\n")
}

// differs runs a case through the engine in one step and says how that differs from
// the reference; sure is false where the reference cannot tell.
func (c *consequence) differs(t testing.TB) (diff string, sure bool) {
	w := refer(c)
	if w.unsure {
		return "", false
	}
	g, fx := stepped(c.ruleset(t), Options{Lateness: time.Duration(c.lateness) * time.Second}, c.engineEvents(), c.last())
	got, err := saying(fx)
	if err != nil {
		return err.Error(), true
	}
	for i, s := range g.Stats().Rules {
		got += fmt.Sprintf("%s: %d matches, %d alerts, %d suppressed, %d holds\n", c.rules[i].id, s.Matches, s.Alerts, s.Suppressed, s.Holds)
	}
	if want := w.saying(); got != want {
		return fmt.Sprintf("the engine says\n%s\nthe reference\n%s", got, want), true
	}
	return "", true
}

// shrunk is a case that still differs, with as few events as could be found.
func (c *consequence) shrunk(t testing.TB) *consequence {
	for i := 0; i < len(c.events); i++ {
		smaller := *c
		smaller.events = slices.Delete(slices.Clone(c.events), i, i+1)
		if diff, _ := smaller.differs(t); diff != "" {
			c, i = &smaller, -1
		}
	}
	return c
}

// The engine's consequences of matches are those that the words of the language give.
func TestConsequences(t *testing.T) {
	sure, began := 0, time.Now()
	for i := range *consequenceCases {
		seed := *consequenceSeed<<32 + uint64(i)
		c := newConsequence(seed)
		diff, ok := c.differs(t)
		if ok {
			sure++
		}
		if diff != "" {
			c = c.shrunk(t)
			diff, _ = c.differs(t)
			t.Fatalf("case %d of seed %d:\n%s%s", i, *consequenceSeed, c, diff)
		}
	}
	t.Logf("%d cases from seed %d on in %s, %d of them compared", *consequenceCases, *consequenceSeed, time.Since(began).Round(time.Millisecond), sure)
	if sure < *consequenceCases*9/10 {
		t.Errorf("only %d of %d cases could be compared", sure, *consequenceCases)
	}
}

// The cases make everything happen that they are to compare.
func TestConsequencesSpeak(t *testing.T) {
	counts := map[string]int{}
	note := func(what string, ok bool) {
		if ok {
			counts[what]++
		} else {
			counts[what] += 0
		}
	}
	for seed := range uint64(2000) {
		c := newConsequence(seed)
		w := refer(c)
		w.saying()
		note("a late event", len(w.raw) < len(c.events))
		note("an event out of order", !slices.IsSortedFunc(c.events, func(a, b caseEvent) int { return cmp.Compare(a.time, b.time) }))
		before := &refMatch{}
		for _, m := range w.matches {
			r := &w.rules[m.rule]
			note("a match in the second layer", r.layer == 1)
			note("a match in the third layer", r.layer == 2)
			note("a match brought by time", m.by == nil)
			note("silenced by edge", m.silent && r.edge && r.throttle == 0)
			note("suppressed", m.suppressed > 0)
			note("suppressed by a rule with edge", m.suppressed > 0 && r.edge)
			note("a match of a shadow rule", r.shadow)
			note("a match by a key by variable", r.byName != nil)
			note("a match by a derived key", r.keyNames[0] == "bin")
			note("a match by two keys", len(r.keyNames) > 1)
			note("several matches of a rule on one event", m.origin > 0 && m.origin == before.origin && m.rule == before.rule)
			before = m
			for _, events := range m.captures {
				for _, e := range events {
					note("a match that captured a match", e.typ >= 2)
					note("one that time brought", e.typ >= 2 && e.origin == 0)
					note("under another key", e.typ >= 2 && c.rules[c.alerts[e.typ-2]].keyNames[0] != r.keyNames[0])
					note("a shadow of a shadow", e.typ >= 2 && c.rules[c.alerts[e.typ-2]].shadow)
				}
			}
			for _, id := range r.reads() {
				note("a match of a rule that reads a risk above 0", w.risk(id, join(m.parts), m.when) > 0)
				note("by time", m.by == nil && w.risk(id, join(m.parts), m.when) > 0)
				note("after the risk was gone", w.risk(id, join(m.parts), m.when) == 0 && len(w.adds[id][join(m.parts)]) > 0 && w.adds[id][join(m.parts)][0].moment < m.moment)
			}
		}
		for _, answers := range w.answers {
			held, matched := 0, 0
			for _, a := range answers {
				if a.match == nil {
					held++
				} else {
					matched++
				}
			}
			note("a decision by a hold alone", held > 0 && matched == 0)
			note("a decision by both", held > 0 && matched > 0)
			note("a decision of three", matched > 2)
		}
	}
	for what, n := range counts {
		if n < 5 {
			t.Errorf("%s: %d times", what, n)
		}
	}
	t.Log(counts)
}

// Batches, shards, a trace, and restores between any two events change nothing that comes
// out, and not the state.
func TestConsequencesDoNotDependOnHowEventsCome(t *testing.T) {
	for i := range max(*consequenceCases/10, 100) {
		seed := *consequenceSeed<<33 + uint64(i)
		c := newConsequence(seed)
		rng := oracle.Splitmix(seed)
		rs, o := c.ruleset(t), Options{Lateness: time.Duration(c.lateness) * time.Second}
		whole, fx := stepped(rs, o, c.engineEvents())
		want := string(whole.Append(nil))
		said := map[string]string{}
		for _, way := range []string{"one by one", "in batches", "restored", "traced"} {
			for _, shards := range []int{1, 2, 5} {
				o.Shards = shards
				if o.Trace = nil; way == "traced" {
					o.Trace = &Trace{Tell: func(*Told) {}}
				}
				g, parts := NewEngine(rs, o), new(Effects)
				for events := c.engineEvents(); len(events) > 0; {
					n := 1
					if way != "one by one" {
						n += rng.Below(len(events))
					}
					g.StepEvents(events[:n], parts)
					events = events[n:]
					if way == "restored" && rng.Below(2) == 0 {
						state := g.Append(nil)
						o.Shards = 1 + rng.Below(5)
						restored, err := Restore(rs, o, state)
						if err != nil {
							t.Fatalf("%v:\n%s", err, c)
						}
						if again := string(restored.Append(nil)); again != string(state) {
							t.Fatalf("restored, the state has other bytes:\n%s", c)
						}
						g = restored
					}
				}
				if state := string(g.Append(nil)); state != want {
					t.Fatalf("%s, %d shards: the state has other bytes:\n%s", way, shards, c)
				}
				g.Step([]Record{c.last()}, parts)
				said[fmt.Sprint(way, ", ", shards, " shards")] = allJSON(parts)
			}
		}
		whole.Step([]Record{c.last()}, fx)
		for how, got := range said {
			if want := allJSON(fx); got != want {
				t.Fatalf("case %d of seed %d, %s:\n%s\nat once\n%s\n%s", i, *consequenceSeed, how, got, want, c)
			}
		}
	}
}

// allJSON writes alerts and decisions as they are written out.
func allJSON(fx *Effects) string {
	var b []byte
	for i := range fx.Alerts {
		b = append(AppendJSON(b, &fx.Alerts[i]), '\n')
	}
	for i := range fx.Decisions {
		b = append(AppendDecisionJSON(b, &fx.Decisions[i]), '\n')
	}
	return string(b)
}

// At the end of the input a match consumes no open match that would run out later, where
// the rule has time-outs; when the clock goes on it does.
func TestEndConsumesNoTimeouts(t *testing.T) {
	r := makeRule(t, "abc", "a -> b -> !c", nfa.Options{Within: 10 * time.Second, Timeout: true}, map[string]Cond{
		"a": is("a"), "c": is("c"),
		"b": is("b").and(func(s *Scope) bool {
			return s.Captures.Last(0).Field(fMerchant).Text == s.Event.Field(fMerchant).Text
		}),
	})
	events := []Event{pay(1, "c", "m1", "a", 1), pay(2, "c", "m2", "a", 2), pay(3, "c", "m1", "b", 3)}
	_, fx := stepped(rulesOf(r), Options{}, events, at(60))
	wantAlerts(t, fx, "match abc c @11 a:1 b:3\n")
	_, fx = stepped(rulesOf(r), Options{}, events, end)
	wantAlerts(t, fx, "match abc c @11 a:1 b:3\ntimeout abc c @12 a:2\n")
}
