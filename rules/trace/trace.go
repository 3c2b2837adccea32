package trace

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"weir/cep"
	"weir/nfa"
	"weir/rules"
)

// Forever is the Time of the step in which the end of the input closed all windows.
const Forever = math.MaxInt64

// Trace follows one rule under one key.
type Trace struct {
	// Apart makes a statement for each open match, with its own reasons, whatever their
	// number. Without it some speak for all that let an event pass alike, and statements that
	// Writer and Judge do not need are left out: what a thousand matches did costs little more
	// than what one did. It is set before the first event.
	Apart bool

	rule *rules.Rule
	key  []string
	each func(*Step)

	places     []nfa.Place
	entries    []nfa.Edge
	conditions []*condition
	fields     []field
	later      [][]int             // by place: names that a match can capture after those that it waits for
	rest       []int               // names that no match begins with
	reads      []bool              // by place: whether what follows depends on what was captured
	names      map[*int][]string   // of nfa.Note.Missing
	links      map[nfa.Link]string // as texts

	step    Step
	event   *event // of the step; nil: none
	begun   bool   // the step has something
	cameBy  *event // that let out what came out last
	looked  map[reading]int
	matches map[int]*match // those that are open, complete or have ended in this step, by node
	last    int            // number given last
	expired []*expired
	caught  bool // expired have been asked at this event

	keys census
	now  int64
}

// reading is an edge whose condition reads captures.
type reading struct{ place, edge int }

// mostReasons bounds the matches for which it is found out why the same edge was not
// taken, at one event and where captures are read for it. They are the first and the
// last.
const mostReasons = 16

// New makes a Trace of a rule of a ruleset under a key (ParseKey), which gives each
// step to a function when it is over. A step is valid during that call.
func New(rule *rules.Rule, set *cep.Ruleset, key []string, each func(*Step)) (*Trace, error) {
	t := &Trace{
		rule: rule, key: key, each: each,
		places: rule.Program.Places(), entries: rule.Program.Entries(), fields: fieldsOf(rule, set),
		names: map[*int][]string{}, links: map[nfa.Link]string{}, matches: map[int]*match{}, looked: map[reading]int{},
	}
	var err error
	if t.conditions, err = conditions(rule); err != nil {
		return nil, fmt.Errorf("the rule %s: %w", rule.ID, err)
	}
	t.reach()
	for _, p := range t.places {
		t.reads = append(t.reads, slices.ContainsFunc(p.Edges, t.readsCaptures))
	}
	return t, nil
}

// readsCaptures reports whether what an edge waits for depends on what was captured.
func (t *Trace) readsCaptures(e nfa.Edge) bool {
	if e.To != nfa.End {
		return t.conditions[t.places[e.To].Name].captures
	}
	return slices.ContainsFunc(e.Nots, func(c nfa.Cond) bool { return t.conditions[c].captures })
}

// reach works out what can be captured later.
func (t *Trace) reach() {
	names := make([]map[int]bool, len(t.places))
	var visit func(place int, seen map[int]bool, found map[int]bool)
	visit = func(place int, seen, found map[int]bool) {
		for _, e := range t.places[place].Edges {
			if e.To == nfa.End || seen[e.To] {
				continue
			}
			seen[e.To] = true
			found[t.places[e.To].Name] = true
			visit(e.To, seen, found)
		}
	}
	begin, rest := map[int]bool{}, map[int]bool{}
	for _, e := range t.entries {
		begin[t.places[e.To].Name] = true
		visit(e.To, map[int]bool{}, rest)
	}
	for i := range t.places {
		names[i] = map[int]bool{}
		visit(i, map[int]bool{}, names[i])
		t.later = append(t.later, sorted(names[i]))
	}
	for _, n := range sorted(rest) {
		if !begin[n] {
			t.rest = append(t.rest, n)
		}
	}
}

func sorted(set map[int]bool) []int { return slices.Sorted(maps.Keys(set)) }

// Observer is what the engine is given as cep.Options.Trace.
func (t *Trace) Observer() *cep.Trace { return &cep.Trace{Wants: t.wants, Tell: t.tell} }

func (t *Trace) wants(rule *cep.Rule, key []string, e *cep.Event) bool {
	if rule != t.rule.Rule {
		return false
	}
	mine := slices.Equal(key, t.key)
	if mine && !t.keys.found {
		t.keys.stop()
	}
	if e != nil && !mine {
		t.keys.count(key)
	}
	return mine
}

// Seen reports whether an event of the key has been offered to the rule.
func (t *Trace) Seen() bool { return t.keys.found }

// OtherKeys gives, of the keys that were offered to the rule, the closest to one that
// has not been Seen, and the busiest: at most n each.
func (t *Trace) OtherKeys(n int) (nearest, busiest []OtherKey) { return t.keys.near(t.key, n) }

// Reject tells of a line that is no event, if the parts of the key stand in it as
// values. Where names it, like `payments.ndjson:12`. It reports whether they do.
func (t *Trace) Reject(where string, r *cep.Rejected) bool {
	for _, part := range t.key {
		if !mentions(r.Raw, part) {
			return false
		}
	}
	t.Flush()
	t.step.Time = t.now
	t.add(Statement{Do: Rejected, Reason: where + ": " + r.Reason, edge: -1})
	t.Flush()
	return true
}

// mentions reports whether a value stands in a line that may be no JSON: not within
// another word, and not as the name of a field.
func mentions(line, value string) bool {
	for from := 0; ; from++ {
		i := strings.Index(line[from:], value)
		if i < 0 {
			return false
		}
		from += i
		rest := strings.TrimLeft(line[from+len(value):], "\" ")
		if !wordEnd(line[:from]) && !wordBegin(line[from+len(value):]) && !strings.HasPrefix(rest, ":") {
			return true
		}
	}
}

func wordEnd(s string) bool {
	r, _ := utf8.DecodeLastRuneInString(s)
	return s != "" && isWord(r)
}

func wordBegin(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return s != "" && isWord(r)
}

func isWord(r rune) bool { return r == '_' || r == '-' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// End tells of the windows that have closed at or before low, the engine's Clock,
// without anybody having noticed: nothing followed from it. It is called when no more
// events come.
func (t *Trace) End(low int64) {
	t.Flush()
	t.step.Time = low
	for _, node := range slices.Sorted(maps.Keys(t.matches)) {
		m := t.matches[node]
		var last Statement
		left := 0
		waited := 0
		for _, w := range m.waits {
			switch {
			case w.closed:
				continue
			case w.limit > low:
				left++
				continue
			}
			waited++
			last = Statement{Do: Closed, Because: nfa.Expired.String(), of: m, limit: ns{true, w.limit}}
			t.expiry(&last, w, low)
			t.add(last)
		}
		if left == 0 && waited > 0 {
			m.ended = true
			last.Do = Ended
			t.add(last)
		}
	}
	t.Flush()
}

// expiry says of a statement what ran out.
func (t *Trace) expiry(s *Statement, w wait, now int64) {
	s.Bound, s.span = w.bound.String(), ns{true, w.span}
	if now > w.limit && now != Forever {
		s.behind = ns{true, now - w.limit}
	}
	t.lead(s, t.places[s.of.place].Edges, w.edge)
}

// Flush ends the step that is under way.
func (t *Trace) Flush() {
	if t.begun {
		t.number()
		t.step.number++
		t.step.open = t.matches
		t.each(&t.step)
	}
	t.step.Time, t.step.Statements = 0, t.step.Statements[:0]
	t.event, t.begun, t.caught = nil, false, false
	clear(t.looked)
}

// tell is told what the engine does.
func (t *Trace) tell(told *cep.Told) {
	t.now = told.Time
	switch told.Kind {
	case cep.Arrived:
		t.Flush()
		t.step.Time = told.Time
		if !t.on(told.Event) && t.has(told.Event) {
			t.open(told, Statement{Do: OtherType})
		}
	case cep.LateEvent:
		if t.has(told.Event) {
			t.Flush()
			t.step.Time = told.Time
			t.open(told, Statement{Do: Late, behind: ns{true, told.Behind}})
			t.Flush()
		}
	case cep.Offered:
		if t.event == nil || told.Event.Place != t.event.number {
			t.open(told, Statement{Do: Event})
		}
	case cep.Unseen:
		f := t.conditions[len(t.conditions)-1].find(&cep.Scope{Event: told.Event, Key: told.Key, Captures: t.nothing()})
		t.about(told, Statement{Do: Unseen, event: t.event, Name: "where", Parts: f.parts, edge: -1})
	case cep.Noted:
		t.note(told)
	case cep.Alerted:
		t.about(told, Statement{Do: Alerted, of: t.matches[told.Node], event: t.cameBy, edge: -1, Alert: told.Alert.ID, Kind: told.Alert.Kind.String(), Score: told.Alert.Score, limit: ns{true, told.Alert.Time}})
	case cep.Silenced:
		t.about(told, Statement{Do: Silenced, of: t.matches[told.Node], event: t.cameBy, edge: -1, limit: ns{true, told.Until}})
	}
}

// nothing is what a match has captured that has not begun.
func (t *Trace) nothing() kept { return make(kept, len(t.rule.Rule.Names)) }

// on reports whether the rule is on the type of an event.
func (t *Trace) on(e *cep.Event) bool {
	return t.rule.Types == nil || slices.Contains(t.rule.Types, e.Type)
}

// has reports whether the fields of the key give the key in an event: all of them, or
// of a key by variable one.
func (t *Trace) has(e *cep.Event) bool {
	for _, f := range t.rule.Key.ByName {
		if text, ok := e.Field(f).KeyText(); ok && text == t.key[0] {
			return true
		}
	}
	for i, f := range t.rule.Key.Fields {
		if text, ok := e.Field(f).KeyText(); !ok || text != t.key[i] {
			return false
		}
	}
	return len(t.rule.Key.Fields) > 0
}

// open begins a step with an event.
func (t *Trace) open(told *cep.Told, s Statement) {
	e := told.Event
	t.event = &event{id: e.Identity(), called: called(e), typ: e.Name, number: e.Place, at: e.Time}
	s.Seen, s.event, s.edge = seen(e, t.fields), t.event, -1
	t.about(told, s)
}

// called is what people call an event: its id, or its number in processing order.
func called(e *cep.Event) string {
	switch {
	case e.ID != "":
		return e.ID
	case e.Place == 0:
		return "a late event"
	}
	return fmt.Sprintf("event %d", e.Place)
}

// about adds a statement on the event that is told, or the moment.
func (t *Trace) about(told *cep.Told, s Statement) {
	if told.Event == nil && t.begun && (t.event != nil || t.step.Time != told.Time) {
		t.Flush()
	}
	t.step.Time = told.Time
	t.add(s)
}

func (t *Trace) add(s Statement) {
	s.at = t.step.Time
	if s.event != nil {
		s.Event, s.Number = s.event.id, s.event.number
	}
	t.begun = true
	t.step.Statements = append(t.step.Statements, s)
}

func span(ns int64) string { return nfa.FormatDuration(time.Duration(ns)) }

// doing are the statements that notes become.
var doing = [...]Do{
	nfa.Began: Began, nfa.Carried: Carried, nfa.Took: Took, nfa.Waits: Waits, nfa.Passed: Passed, nfa.Closed: Closed, nfa.Ended: Ended,
	nfa.Completed: Completed, nfa.Refused: Refused, nfa.Held: Held, nfa.Out: CameOut, nfa.RanOut: RanOut,
}

// note makes statements of what an open match did.
func (t *Trace) note(told *cep.Told) {
	n := &told.Note
	if n.Event != 0 {
		t.catch(told)
	}
	if n.Kind == nfa.Passed && n.Node != 0 {
		t.passed(told)
		return
	}
	m := t.matches[n.Node]
	s := Statement{Do: doing[n.Kind], Because: n.Why.String(), of: m, edge: -1}
	if n.Event != 0 {
		s.event = t.event
	}
	switch n.Kind {
	case nfa.Began, nfa.Carried, nfa.Took:
		s.from = t.matches[n.From]
		s.of = t.match(told, s.from)
		if n.Kind == nfa.Carried {
			s.Captured = s.of.captures()
		}
	case nfa.Waits:
		e := &t.places[n.Place].Edges[n.Edge]
		m.waits = append(m.waits, wait{edge: n.Edge, to: t.target(e), link: t.link(e), bound: n.Bound, limit: n.Limit, span: n.Span})
		if !t.Apart {
			return
		}
	case nfa.Passed:
		s.Do = NotBegun
	case nfa.Closed:
		if n.Why == nfa.Expired {
			t.expire(told, m)
		}
		for i := range m.waits {
			m.waits[i].closed = m.waits[i].closed || m.waits[i].edge == n.Edge
		}
		if n.Why == nfa.WentOn {
			return
		}
		if n.Why == nfa.Greedy {
			s.besides = t.besides(told)
		}
	case nfa.Ended:
		m.ended = true
	case nfa.Completed:
		m.complete, m.busy = true, t.step.number+1
	case nfa.Refused, nfa.Out:
		m.complete, m.busy = false, t.step.number+1
		t.cameBy = s.event
	case nfa.RanOut:
		t.cameBy = s.event
	}
	t.reason(told, &s)
	t.about(told, s)
	if s.Do == NotBegun && n.Edge == len(t.entries)-1 {
		t.tooSoon(told)
	}
}

// reason sets why something happened, and to what it is a way.
func (t *Trace) reason(told *cep.Told, s *Statement) {
	n := &told.Note
	if n.Edge >= 0 {
		edges := t.entries
		switch {
		case n.Kind == nfa.Took:
			edges = t.places[s.from.place].Edges
		case n.Node != 0 && n.Kind != nfa.Began:
			edges = t.places[n.Place].Edges
		}
		t.lead(s, edges, n.Edge)
		if n.Node == 0 || n.Kind == nfa.Began {
			s.Link = ""
		}
	}
	if n.Cond >= 0 {
		s.Name = t.conditions[n.Cond].name
		if t.worthwhile(n) {
			f := t.conditions[n.Cond].find(t.scope(told, int(n.Cond)))
			s.Parts, s.Types, s.Key, s.reads = f.parts, f.types, f.key, t.conditions[n.Cond].captures
		}
		if n.Why == nfa.Early {
			s.Parts = nil
		}
	}
	switch {
	case n.Kind == nfa.Completed || n.Kind == nfa.Out || n.Kind == nfa.RanOut:
		s.limit = ns{true, n.Limit}
	case n.Bound != nfa.NoBound:
		s.limit, s.Bound, s.span = ns{true, n.Limit}, n.Bound.String(), ns{true, n.Span}
		if n.Why == nfa.Expired && told.Time != Forever && told.Time > n.Limit {
			s.behind = ns{true, told.Time - n.Limit}
		}
	}
	if n.By != 0 {
		s.by = t.matches[n.By]
	}
}

// besides says why an event that a greedy loop keeps from an edge does not fit what the
// edge leads to either; nil: it does, or that is not found out.
func (t *Trace) besides(told *cep.Told) *Statement {
	e := &t.places[told.Note.Place].Edges[told.Note.Edge]
	if e.To == nfa.End || !t.worthwhile(&told.Note) {
		return nil
	}
	c := t.conditions[t.places[e.To].Name]
	f := c.find(told.Scope(told.Note.Captures))
	if f.holds {
		return nil
	}
	s := &Statement{Do: Passed, Because: nfa.Unfit.String(), event: t.event, Name: c.name, Types: f.types, Key: f.key, Parts: f.parts, reads: c.captures, at: t.step.Time}
	t.lead(s, t.places[told.Note.Place].Edges, told.Note.Edge)
	s.Event, s.Number = t.event.id, t.event.number
	return s
}

// worthwhile reports whether the condition of a note is to be explained.
func (t *Trace) worthwhile(n *nfa.Note) bool {
	if t.Apart || !t.conditions[n.Cond].captures || n.Edge < 0 || n.Kind != nfa.Closed && n.Kind != nfa.Passed {
		return true
	}
	at := reading{n.Place, n.Edge}
	t.looked[at]++
	return t.looked[at] <= mostReasons
}

// lead sets to what an edge leads and by which link.
func (t *Trace) lead(s *Statement, edges []nfa.Edge, edge int) {
	s.edge = edge
	s.For, s.Link = t.target(&edges[edge]), t.link(&edges[edge])
}

// link writes the link of an edge.
func (t *Trace) link(e *nfa.Edge) string {
	text, ok := t.links[e.Link]
	if !ok {
		text = e.Link.String()
		t.links[e.Link] = text
	}
	return text
}

// scope is what a condition sees.
func (t *Trace) scope(told *cep.Told, c int) *cep.Scope {
	s := told.Scope(told.Note.Captures)
	if t.conditions[c].name == "having" && c >= len(t.rule.Rule.Names) {
		s.Event = nil
	}
	return s
}

// match makes the match that a note is the first of.
func (t *Trace) match(told *cep.Told, from *match) *match {
	n := &told.Note
	m := &match{node: n.Node, place: n.Place, unknown: n.Unknown, missing: t.missing(n.Missing)}
	t.matches[n.Node] = m
	switch {
	case n.Kind == nfa.Carried:
		for _, c := range told.Captured(n.Captures) {
			e := c.Event
			m.last = m.last.then(t.rule.Rule.Names[c.Var].Text, &event{id: e.Identity(), called: called(e), typ: e.Name, number: e.Place, at: e.Time})
		}
		return m
	case from != nil:
		m.last = from.last
	}
	m.last = m.last.then(t.rule.Rule.Names[t.places[n.Place].Name].Text, t.event)
	return m
}

// missing gives the texts of names.
func (t *Trace) missing(list []int) []string {
	if len(list) == 0 {
		return nil
	}
	names := t.names[&list[0]]
	if names == nil {
		for _, n := range list {
			names = append(names, t.rule.Rule.Names[n].Text)
		}
		t.names[&list[0]] = names
	}
	return names
}

// passed makes statements of the matches that let an event pass alike: of each, or of
// some that speak for all.
func (t *Trace) passed(told *cep.Told) {
	others := told.Note.Others
	count := 1 + others.Len()
	head, tail := count, 0
	first := t.matches[told.Note.Node]
	switch reads := t.reads[told.Note.Place]; {
	case t.Apart:
	case !reads && count > shownSame+1:
		head = shownSame + 1
	case reads && count > mostReasons:
		head, tail = mostReasons/2, mostReasons/2
	}
	for i := range count {
		if i >= head && i < count-tail {
			continue
		}
		if i > 0 {
			told.Note.Node, told.Note.Captures = others.At(i - 1)
		}
		t.lets(told)
	}
	if rest := count - head - tail; rest > 0 {
		s := Statement{Do: Passed, Because: told.Note.Why.String(), event: t.event, rest: rest, of: first}
		t.lead(&s, t.places[told.Note.Place].Edges, told.Note.Edge)
		t.about(told, s)
	}
}

// lets makes the statements of one match that lets an event pass.
func (t *Trace) lets(told *cep.Told) {
	n := &told.Note
	m := t.matches[n.Node]
	s := Statement{Do: Passed, Because: n.Why.String(), of: m, event: t.event}
	t.reason(told, &s)
	t.about(told, s)
	if i := slices.IndexFunc(m.waits, func(w wait) bool { return !w.closed }); m.waits[i].edge != n.Edge {
		return // it is told with the first
	}
	for _, name := range t.later[m.place] {
		if c := t.conditions[name]; !m.awaits(c.name) && c.find(told.Scope(n.Captures)).holds {
			t.about(told, Statement{Do: Early, of: m, event: t.event, For: c.name, edge: -1, reads: c.captures})
		}
	}
}

// tooSoon tells what an event could be that no match begins with.
func (t *Trace) tooSoon(told *cep.Told) {
	for _, name := range t.rest {
		if c := t.conditions[name]; c.find(told.Scope(told.Note.Captures)).holds {
			t.about(told, Statement{Do: Early, event: t.event, For: c.name, edge: -1, reads: c.captures})
		}
	}
}

// target is the name that an edge leads to; of closing negations all of them.
func (t *Trace) target(e *nfa.Edge) string {
	if e.To != nfa.End {
		return t.rule.Rule.Names[t.places[e.To].Name].Text
	}
	var names []string
	for _, c := range e.Nots {
		names = append(names, "!"+t.rule.Rule.Names[c].Text)
	}
	return strings.Join(names, ", ")
}

// number gives the matches of a step their numbers, lets go of those that are over, and
// leaves out what says no more than that a match went on.
func (t *Trace) number() {
	for i := range t.step.Statements {
		s := &t.step.Statements[i]
		if s.Do != Began && s.Do != Took && s.Do != Carried {
			continue
		}
		if from := s.from; from != nil && from.ended && !from.heir && !from.complete && from.busy != t.step.number+1 {
			from.heir = true
			s.of.number = from.number
			continue
		}
		t.last++
		s.of.number = t.last
	}
	kept := t.step.Statements[:0]
	for _, s := range t.step.Statements {
		if m := s.of; m != nil {
			s.Match = m.number
			if m.ended && !m.complete {
				delete(t.matches, m.node)
			}
			if s.Do == Ended && m.heir {
				continue
			}
		}
		if s.from != nil {
			s.From = s.from.number
		}
		if s.by != nil {
			s.By = s.by.number
		}
		kept = append(kept, s)
	}
	t.step.Statements = kept
}
