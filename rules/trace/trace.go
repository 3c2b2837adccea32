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
	rule *rules.Rule
	key  []string
	each func(*Step)

	places     []nfa.Place
	entries    []nfa.Edge
	conditions []*condition
	fields     []field
	later      [][]int // by place: names that a match can capture after those that it waits for
	rest       []int   // names that no match begins with

	step     Step
	current  uint64 // number of the step's event; 0: none
	open     bool   // the step has something
	nodes    []node // by Statement of the step: the matches as the engine numbers them
	numbers  map[int]int
	last     int          // number given last
	complete map[int]bool // matches that are complete and neither out nor refused
	matches  map[int]*match
	expired  []*expired
	caught   bool // expired have been asked at this event

	keys census
	now  int64
}

// match is an open match as the engine numbers it.
type match struct {
	place int
	waits []nfa.Note   // of kind Waits, those that are left
	early map[int]bool // names that have been told to be early
}

// node says which matches a statement is about, as the engine numbers them.
type node struct{ match, from, by int }

// expired is a match that ran out, whose next event may still come.
type expired struct {
	node   int
	events kept
	waits  []nfa.Note
}

// mostExpired bounds the matches that ran out for which the event that came too late
// is looked for.
const mostExpired = 4

// New makes a Trace of a rule of a ruleset under a key (ParseKey), which gives each
// step to a function when it is over.
func New(rule *rules.Rule, set *cep.Ruleset, key []string, each func(*Step)) (*Trace, error) {
	t := &Trace{
		rule: rule, key: key, each: each,
		places: rule.Program.Places(), entries: rule.Program.Entries(), fields: fieldsOf(rule, set),
		numbers: map[int]int{}, complete: map[int]bool{}, matches: map[int]*match{},
	}
	var err error
	if t.conditions, err = conditions(rule); err != nil {
		return nil, fmt.Errorf("the rule %s: %w", rule.ID, err)
	}
	t.reach()
	return t, nil
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
	t.add(node{}, Statement{Do: Rejected, Reason: where + ": " + r.Reason})
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
	for _, id := range slices.Sorted(maps.Keys(t.matches)) {
		var last Statement
		left := 0
		for _, w := range t.matches[id].waits {
			if w.Limit > low {
				left++
				continue
			}
			s := Statement{Do: Closed, Because: nfa.Expired.String(), Bound: w.Bound.String(), Span: span(w.Span)}.until(w.Limit)
			if low > w.Limit {
				s.Behind = span(low - w.Limit)
			}
			t.edge(&w, &s)
			t.add(node{match: id}, s)
			last = s
		}
		if left == 0 {
			last.Do = Ended
			t.add(node{match: id}, last)
		}
	}
	t.Flush()
}

// Flush ends the step that is under way.
func (t *Trace) Flush() {
	if t.open {
		t.name()
		t.each(&t.step)
	}
	t.step, t.nodes = Step{}, t.nodes[:0]
	t.open, t.current, t.caught = false, 0, false
}

// tell is told what the engine does.
func (t *Trace) tell(told *cep.Told) {
	t.now = told.Time
	switch told.Kind {
	case cep.Arrived:
		t.Flush()
		t.step.Time = told.Time
		if !t.on(told.Event) && t.has(told.Event) {
			t.event(told, Statement{Do: OtherType})
		}
	case cep.LateEvent:
		if t.has(told.Event) {
			t.Flush()
			t.step.Time = told.Time
			t.event(told, Statement{Do: Late, Behind: span(told.Behind)})
			t.Flush()
		}
	case cep.Offered:
		if told.Event.Place != t.current {
			t.event(told, Statement{Do: Event})
		}
	case cep.Unseen:
		f := t.conditions[len(t.conditions)-1].find(&cep.Scope{Event: told.Event, Key: told.Key, Captures: kept(make([][]*cep.Event, len(t.rule.Rule.Names))), Lists: told.Lists})
		t.about(told, node{}, Statement{Do: Unseen, Name: "where", Parts: f.parts})
	case cep.Noted:
		t.note(told)
	case cep.Alerted:
		t.about(told, node{match: told.Node}, Statement{Do: Alerted, Alert: told.Alert.ID, Kind: told.Alert.Kind.String(), Score: told.Alert.Score}.until(told.Alert.Time))
	case cep.Silenced:
		t.about(told, node{match: told.Node}, Statement{Do: Silenced}.until(told.Until))
	}
}

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

// event begins a step with an event.
func (t *Trace) event(told *cep.Told, s Statement) {
	t.current = told.Event.Place
	s.Seen = seen(told.Event, t.fields)
	t.about(told, node{}, s)
}

// about adds a statement on the event that is told, or the moment.
func (t *Trace) about(told *cep.Told, n node, s Statement) {
	if told.Event == nil && t.open && (t.current != 0 || t.step.Time != told.Time) {
		t.Flush()
	}
	t.step.Time = told.Time
	if told.Event != nil {
		s.Event, s.Number, s.typ = told.Event.Identity(), told.Event.Place, told.Event.Name
		s.event = called(told.Event)
	}
	t.add(n, s)
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

func (t *Trace) add(n node, s Statement) {
	s.at = t.step.Time
	if s.at != Forever {
		s.Time = cep.FormatTime(s.at)
	}
	t.open = true
	t.step.Statements = append(t.step.Statements, s)
	t.nodes = append(t.nodes, n)
}

// until sets until when.
func (s Statement) until(limit int64) Statement {
	s.limit = limit
	if limit != Forever {
		s.Until = cep.FormatTime(limit)
	}
	return s
}

func span(ns int64) string { return nfa.FormatDuration(time.Duration(ns)) }

// doing are the notes of which a statement of the same name is made.
var doing = map[nfa.NoteKind]Do{
	nfa.Began: Began, nfa.Carried: Carried, nfa.Took: Took, nfa.Waits: Waits, nfa.Passed: Passed, nfa.Closed: Closed, nfa.Ended: Ended,
	nfa.Completed: Completed, nfa.Refused: Refused, nfa.Held: Held, nfa.Out: CameOut, nfa.RanOut: RanOut,
}

// note makes statements of what an open match did.
func (t *Trace) note(told *cep.Told) {
	n := &told.Note
	if n.Event != 0 {
		t.catch(told)
	}
	s := Statement{Do: doing[n.Kind], Because: n.Why.String()}
	if n.Node == 0 {
		s.Do = NotBegun
	}
	t.edge(n, &s)
	if n.Cond >= 0 {
		f := t.conditions[n.Cond].find(t.scope(told, int(n.Cond)))
		s.Name, s.Parts, s.Types, s.Key = t.conditions[n.Cond].name, f.parts, f.types, f.key
		if n.Why == nfa.Early {
			s.Parts = nil
		}
	}
	switch n.Kind {
	case nfa.Carried:
		for _, c := range told.Captured(n.Captures) {
			s.Captured = append(s.Captured, Capture{As: t.rule.Rule.Names[c.Var].Text, Event: c.Event.Identity(), Time: cep.FormatTime(c.Event.Time), at: c.Event.Time, event: called(c.Event)})
		}
	case nfa.Waits, nfa.Passed, nfa.Closed, nfa.Ended:
		if n.Bound != nfa.NoBound {
			s.Bound, s.Span = n.Bound.String(), span(n.Span)
		}
		if n.Bound != nfa.NoBound || n.Why == nfa.Early {
			s = s.until(n.Limit)
		}
		if n.Why == nfa.Expired && told.Time != Forever && told.Time > n.Limit {
			s.Behind = span(told.Time - n.Limit)
		}
	case nfa.Completed, nfa.Out, nfa.RanOut:
		s = s.until(n.Limit)
	}
	t.about(told, node{n.Node, n.From, n.By}, s)
	t.follow(told)
}

// scope is what a condition sees.
func (t *Trace) scope(told *cep.Told, c int) *cep.Scope {
	s := told.Scope(told.Note.Captures)
	if t.conditions[c].name == "having" && c >= len(t.rule.Rule.Names) {
		s.Event = nil
	}
	return s
}

// edge sets what the edge of a note leads to and by which link.
func (t *Trace) edge(n *nfa.Note, s *Statement) {
	if n.Edge < 0 {
		return
	}
	edges := t.entries
	switch {
	case n.Kind == nfa.Took:
		edges = t.places[t.matches[n.From].place].Edges
	case n.Node != 0 && n.Kind != nfa.Began:
		edges = t.places[n.Place].Edges
	}
	s.For = t.target(&edges[n.Edge])
	if n.Node != 0 && n.Kind != nfa.Began {
		s.Link = edges[n.Edge].Link.String()
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

// follow keeps the open matches as the notes say.
func (t *Trace) follow(told *cep.Told) {
	n := &told.Note
	switch n.Kind {
	case nfa.Began, nfa.Carried, nfa.Took:
		t.matches[n.Node] = &match{place: n.Place, early: map[int]bool{}}
	case nfa.Waits:
		m := t.matches[n.Node]
		m.waits = append(m.waits, *n)
	case nfa.Closed:
		m := t.matches[n.Node]
		if n.Why == nfa.Expired {
			t.expire(told, m)
		}
		m.waits = slices.DeleteFunc(m.waits, func(w nfa.Note) bool { return w.Edge == n.Edge })
	case nfa.Passed:
		t.early(told)
	}
}

// expire remembers what a match waited for that ran out.
func (t *Trace) expire(told *cep.Told, m *match) {
	n := told.Note
	if told.Time == Forever || t.places[n.Place].Edges[n.Edge].To == nfa.End {
		return
	}
	for _, x := range t.expired {
		if x.node == n.Node {
			x.waits = append(x.waits, n)
			return
		}
	}
	if len(t.expired) == mostExpired {
		t.expired = slices.Delete(t.expired, 0, 1)
	}
	t.expired = append(t.expired, &expired{n.Node, keep(len(t.rule.Rule.Names), told.Captured(n.Captures)), []nfa.Note{n}})
}

// catch tells of matches that ran out and waited for the event that comes now.
func (t *Trace) catch(told *cep.Told) {
	if t.caught {
		return
	}
	t.caught = true
	t.expired = slices.DeleteFunc(t.expired, func(x *expired) bool {
		scope := &cep.Scope{Event: told.Event, Key: told.Key, Captures: x.events, Lists: told.Lists}
		for _, n := range x.waits {
			name := t.places[t.places[n.Place].Edges[n.Edge].To].Name
			if !t.conditions[name].find(scope).holds {
				continue
			}
			s := Statement{Do: TooLate, For: t.conditions[name].name, Bound: n.Bound.String(), Span: span(n.Span), Behind: span(told.Event.Time - n.Limit)}
			t.about(told, node{match: x.node}, s.until(n.Limit))
			return true
		}
		return false
	})
}

// early tells once for each match of what it does not wait for yet, if the event could
// be that.
func (t *Trace) early(told *cep.Told) {
	n := &told.Note
	later, done := t.rest, map[int]bool(nil)
	if n.Node != 0 {
		later, done = t.later[n.Place], t.matches[n.Node].early
	} else if n.Edge != len(t.entries)-1 {
		return
	}
	for _, name := range later {
		if done[name] || n.Node != 0 && t.awaits(n.Node, name) {
			continue
		}
		if t.conditions[name].find(told.Scope(n.Captures)).holds {
			if done != nil {
				done[name] = true
			}
			t.about(told, node{match: n.Node}, Statement{Do: Early, For: t.conditions[name].name})
		}
	}
}

// awaits reports whether a match waits for a name.
func (t *Trace) awaits(id, name int) bool {
	m := t.matches[id]
	for _, w := range m.waits {
		if to := t.places[m.place].Edges[w.Edge].To; to != nfa.End && t.places[to].Name == name {
			return true
		}
	}
	return false
}

// name gives the matches of a step their numbers, and leaves out what says no more
// than that a match went on.
func (t *Trace) name() {
	gone := map[int]bool{}  // nodes that ended in this step
	heirs := map[int]bool{} // nodes that are gone and have an heir
	busy := map[int]bool{}  // nodes of which more is said as they are: they have none
	for i, s := range t.step.Statements {
		n := t.nodes[i].match
		switch s.Do {
		case Ended:
			gone[n] = true
		case Completed:
			busy[n], t.complete[n] = true, true
		case Refused, CameOut:
			busy[n] = true
			delete(t.complete, n)
		}
	}
	for i, s := range t.step.Statements {
		n := t.nodes[i]
		switch {
		case s.Do == Took && gone[n.from] && !heirs[n.from] && !busy[n.from] && !t.complete[n.from]:
			heirs[n.from] = true
			t.numbers[n.match] = t.numbers[n.from]
		case s.Do == Began || s.Do == Took || s.Do == Carried:
			t.last++
			t.numbers[n.match] = t.last
		}
	}
	kept := t.step.Statements[:0]
	for i, s := range t.step.Statements {
		n := t.nodes[i]
		switch {
		case s.Do == Closed && s.Because == nfa.WentOn.String():
			continue
		case s.Do == Ended:
			delete(t.matches, n.match)
			if heirs[n.match] {
				continue
			}
		}
		s.Match, s.From, s.By = t.numbers[n.match], t.numbers[n.from], t.numbers[n.by]
		kept = append(kept, s)
	}
	t.step.Statements = kept
}
