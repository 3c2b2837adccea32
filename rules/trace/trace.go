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
	// number. Without it some speak for all that did the same with an event, and statements
	// that Writer and Judge do not need are left out: what a thousand matches did costs
	// little more than what one did. It is set before the first event.
	Apart bool

	rule *rules.Rule
	set  *cep.Ruleset
	key  []string
	each func(*Step)

	places     []nfa.Place
	entries    []nfa.Edge
	ways       [][]way // of the edges of places
	conditions []*condition
	reads      readers // of the conditions
	outcome    readers // of what is asked of a match
	fields     []field
	later      [][]int           // by place: names that a match can capture after those that it waits for
	rest       []int             // names that no match begins with
	names      map[*int][]string // of nfa.Captures.Missing

	step    Step
	events  int            // offered to the rule
	event   *event         // of the step; nil: none
	begun   bool           // the step has something
	cameBy  *event         // that let out what came out last
	matches map[int]*match // those that are open, complete or have ended in this step, by node
	was     []*match       // of which notes of this step told last, and what they became
	are     []*match       // what they became
	born    []birth        // in this step
	last    int            // number given last
	expired []*expired
	caught  bool // expired have been asked at this event

	keys census
	now  int64
}

// birth is a match that is new, and the one that it goes on from; nil: it begins.
type birth struct{ match, from *match }

// mostSpoken bounds the matches that speak for all that did the same with an event: of
// which it is told one by one, and why. They are the first and the last.
const mostSpoken = 16

// New makes a Trace of a rule of a ruleset under a key (ParseKey), which gives each
// step to a function when it is over. A step is valid during that call.
func New(rule *rules.Rule, set *cep.Ruleset, key []string, each func(*Step)) (*Trace, error) {
	t := &Trace{
		rule: rule, set: set, key: key, each: each, fields: fieldsOf(rule, set),
		names: map[*int][]string{}, matches: map[int]*match{},
	}
	if rule.Program != nil {
		t.places, t.entries = rule.Program.Places(), rule.Program.Entries()
	}
	if err := t.compile(); err != nil {
		return nil, fmt.Errorf("the rule %s: %w", rule.ID, err)
	}
	t.reach()
	for _, p := range t.places {
		var ways []way
		for i := range p.Edges {
			ways = append(ways, t.way(&p.Edges[i]))
		}
		t.ways = append(t.ways, ways)
	}
	return t, nil
}

// compile compiles what explains the rule.
func (t *Trace) compile() (err error) {
	if t.conditions, err = conditions(t.rule, t.set); err != nil {
		return err
	}
	if t.reads, err = conditionReaders(t.rule); err != nil {
		return err
	}
	t.outcome, err = outcomeReaders(t.rule)
	return err
}

// way describes an edge.
func (t *Trace) way(e *nfa.Edge) way {
	w := way{link: e.Link.String(), end: e.To == nfa.End}
	if !w.end {
		w.to = t.rule.Rule.Names[t.places[e.To].Name].Text
		return w
	}
	var names []string
	for _, c := range e.Nots {
		names = append(names, "!"+t.rule.Rule.Names[c].Text)
	}
	w.to = strings.Join(names, ", ")
	return w
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
	if e != nil {
		t.meet(key)
	}
	return slices.Equal(key, t.key)
}

// meet takes in that an event has a key.
func (t *Trace) meet(key []string) {
	if !slices.Equal(key, t.key) {
		t.keys.count(key)
	} else if !t.keys.found {
		t.keys.stop()
	}
}

// Seen reports whether an event of the key has been offered to the rule, or to the feature
// whose windows it matches.
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
	t.add(Statement{Do: Rejected, Reason: where + ": " + r.Reason})
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
		if m.ended {
			continue
		}
		var last Statement
		left := 0
		for i := range m.waits {
			w := &m.waits[i]
			switch {
			case w.closed:
				continue
			case w.limit > low:
				left++
				continue
			}
			w.closed = true
			last = Statement{Do: Closed, Because: nfa.Expired.String(), of: m, limit: ns{true, w.limit}, span: ns{true, w.span}, Bound: w.bound.String()}
			last.lead(w.way)
			if low > w.limit {
				last.behind = ns{true, low - w.limit}
			}
			t.add(last)
		}
		if left == 0 {
			last.Do = Ended
			t.over(m, keepStatement(t.add(last)))
		}
	}
	t.Flush()
}

// Flush ends the step that is under way.
func (t *Trace) Flush() {
	if t.begun {
		t.step.number++
		t.step.events, t.step.open = t.events, t.matches
		t.number()
		for _, m := range t.step.gone {
			if !m.complete {
				delete(t.matches, m.node)
			}
		}
		t.step.gone = slices.DeleteFunc(t.step.gone, func(m *match) bool { return m.heir })
		t.each(&t.step)
	}
	t.step.Time, t.step.Statements, t.step.gone = 0, t.step.Statements[:0], t.step.gone[:0]
	t.event, t.begun, t.caught = nil, false, false
	t.was, t.are, t.born = t.was[:0], t.are[:0], t.born[:0]
}

// number gives the matches of the step that are new their numbers, the one that they go on
// from where that is over, and leaves out that this one ended.
func (t *Trace) number() {
	for _, b := range t.born {
		if f := b.from; f != nil && f.ended && !f.heir && !f.complete && f.busy != t.step.number {
			f.heir, b.match.number = true, f.number
			continue
		}
		t.last++
		b.match.number = t.last
	}
	t.step.Statements = slices.DeleteFunc(t.step.Statements, func(s Statement) bool { return s.Do == Ended && s.of.heir })
	for i := range t.step.Statements {
		s := &t.step.Statements[i]
		for _, of := range [...]struct {
			match  *match
			number *int
		}{{s.of, &s.Match}, {s.from, &s.From}, {s.by, &s.By}} {
			if of.match != nil {
				*of.number = of.match.number
			}
		}
	}
}

// tell is told what the engine does.
func (t *Trace) tell(told *cep.Told) {
	if told.Kind == cep.Arrived && told.Layer != t.rule.Layer {
		return // it comes to the rule's own layer too
	}
	t.now = told.Time
	switch told.Kind {
	case cep.Arrived:
		t.Flush()
		t.step.Time = told.Time
		t.arrive(told)
	case cep.LateEvent:
		t.turnAway(told, Statement{Do: Late, behind: ns{true, told.Behind}})
	case cep.DuplicateEvent:
		t.turnAway(told, Statement{Do: Duplicate})
	case cep.ConflictEvent:
		t.turnAway(told, Statement{Do: Conflict})
	case cep.Offered:
		t.present(told)
		t.events++
	case cep.Unseen:
		f := t.conditions[len(t.conditions)-1].find(told.Scope(nfa.Captures{}))
		t.about(told, Statement{Do: Unseen, event: t.event, Name: "where", Parts: f.parts})
	case cep.Noted:
		t.note(told)
	case cep.WindowEnded:
		t.window(told)
	case cep.Alerted:
		t.became(told, Statement{Do: Alerted, Alert: told.Alert.ID, Kind: told.Alert.Kind.String(), Score: told.Alert.Score, limit: ns{true, told.Alert.Time}})
	case cep.Silenced:
		t.became(told, Statement{Do: Silenced, limit: ns{true, told.Until}})
	case cep.Repeated:
		t.became(told, Statement{Do: Repeated})
	case cep.Answered:
		t.present(told)
		t.about(told, Statement{Do: Answered, event: t.event, limit: ns{true, told.Until}, Score: told.Score, Action: t.rule.Action})
	}
}

// turnAway takes in an event of the key that is not matched, under any rule.
func (t *Trace) turnAway(told *cep.Told, s Statement) {
	if !t.has(told.Event) {
		return
	}
	t.Flush()
	t.step.Time = told.Time
	t.open(told, s)
	t.Flush()
}

// arrive takes in an event before the rule is asked, if it is. A match that the rule is not
// on is nothing to tell of.
func (t *Trace) arrive(told *cep.Told) {
	e := told.Event
	switch {
	case t.rule.WindowClose != nil:
		if key, ok := t.keyOf(e); ok && t.on(e) {
			t.meet(key)
		}
	case !t.on(e) && t.has(e) && t.ruleOf(e) == nil:
		t.open(told, Statement{Do: OtherType})
	}
}

// present opens the event that the rule is asked about, if it is not open yet.
func (t *Trace) present(told *cep.Told) {
	if t.event == nil || told.Event.Place != t.event.place {
		s := Statement{Do: Event}
		s.Features, s.Risks = t.reads.read(told.Scope(nfa.Captures{}))
		t.open(told, s)
	}
}

// became tells what became of what came out.
func (t *Trace) became(told *cep.Told, s Statement) {
	s.of = t.matches[told.Node]
	if s.of != nil {
		s.event = t.cameBy
	}
	s.Features, s.Risks = t.outcome.read(told.Outcome(nfa.Captures{}))
	t.about(told, s)
}

// window tells that a window ended, and whether that is a match.
func (t *Trace) window(told *cep.Told) {
	having, scope := t.conditions[0], told.Outcome(nfa.Captures{})
	s := Statement{Do: Window, Of: t.rule.WindowClose.Name, since: ns{true, told.From}, limit: ns{true, told.Time}}
	s.Features, s.Risks = t.outcome.read(scope)
	if !slices.ContainsFunc(s.Features, func(r Reading) bool { return r.Text == s.Of }) {
		s.Features = slices.Insert(s.Features, 0, newReading(s.Of, told.Value))
	}
	if having.why != nil {
		if s.Name = having.name; !s.because(having, scope) {
			s.Because = nfa.HavingFailed.String()
		}
	}
	t.about(told, s)
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
	key, ok := t.keyOf(e)
	return ok && slices.Equal(key, t.key)
}

// keyOf gives the key of an event, unless it is read by variable.
func (t *Trace) keyOf(e *cep.Event) (key []string, ok bool) {
	fields := t.rule.Key.Fields
	if f, ok := t.rule.Key.ByType[e.Type]; ok {
		fields = []cep.FieldID{f}
	}
	for _, f := range fields {
		text, ok := e.Field(f).KeyText()
		if !ok {
			return nil, false
		}
		key = append(key, text)
	}
	return key, len(key) > 0
}

// open begins a step with an event.
func (t *Trace) open(told *cep.Told, s Statement) {
	e := told.Event
	t.event = t.named(e)
	s.Seen, s.event = seen(e, t.fields), t.event
	t.about(told, s)
}

// named says what an event is called.
func (t *Trace) named(e *cep.Event) *event {
	return &event{id: e.Identity(), called: t.called(e), typ: e.Name, number: e.Origin(), place: e.Place, match: t.ruleOf(e) != nil, at: e.Time}
}

// called is what people call an event: its id, or its number in processing order.
func (t *Trace) called(e *cep.Event) string {
	of := t.ruleOf(e)
	switch {
	case of != nil:
		return "match " + e.ID + " of " + of.ID
	case e.ID != "":
		return e.ID
	case e.Place == 0:
		return "a late event"
	}
	return fmt.Sprintf("event %d", e.Origin())
}

// ruleOf gives the rule whose match an event is; nil: it is none.
func (t *Trace) ruleOf(e *cep.Event) *cep.Rule {
	if e.Type < 0 {
		return nil
	}
	return t.set.Types[e.Type].Alert
}

// about adds a statement on the event that is told, or the moment.
func (t *Trace) about(told *cep.Told, s Statement) *Statement {
	t.moment(told)
	return t.add(s)
}

// moment ends the step that is under way if another one is told.
func (t *Trace) moment(told *cep.Told) {
	if told.Event == nil && t.begun && (t.event != nil || t.step.Time != told.Time) {
		t.Flush()
	}
	t.step.Time = told.Time
}

// add adds a statement to the step. What it gives is valid until the next.
func (t *Trace) add(s Statement) *Statement {
	s.at = t.step.Time
	if s.event != nil {
		s.Event, s.Number = s.event.id, s.event.number
	}
	t.begun = true
	t.step.Statements = append(t.step.Statements, s)
	return &t.step.Statements[len(t.step.Statements)-1]
}

func span(ns int64) string { return nfa.FormatDuration(time.Duration(ns)) }

// doing are the statements that notes become.
var doing = [...]Do{
	nfa.Began: Began, nfa.Carried: Carried, nfa.Took: Took, nfa.Waits: Waits, nfa.Passed: Passed, nfa.Closed: Closed, nfa.Ended: Ended,
	nfa.Completed: Completed, nfa.Refused: Refused, nfa.Held: Held, nfa.Out: CameOut, nfa.RanOut: RanOut,
}

// note makes statements of what open matches did.
func (t *Trace) note(told *cep.Told) {
	n := &told.Note
	if n.Event != 0 {
		t.catch(told)
	}
	t.moment(told)
	switch n.Kind {
	case nfa.Began, nfa.Carried, nfa.Took:
		t.begin(told)
	case nfa.Waits:
		t.wait(told)
	case nfa.Passed:
		t.pass(told)
	case nfa.Closed:
		t.close(told)
	case nfa.Ended:
		t.end(told)
	default:
		t.come(told)
	}
}

// statement makes the statement of a note on one match.
func (t *Trace) statement(told *cep.Told, m *match) Statement {
	n := &told.Note
	s := Statement{Do: doing[n.Kind], Because: n.Why.String(), of: m}
	if n.Event != 0 {
		s.event = t.event
	}
	if n.Node != 0 && n.Edge >= 0 && n.Kind != nfa.Began && n.Kind != nfa.Took {
		s.lead(&t.ways[n.Place][n.Edge])
	}
	if n.Bound != nfa.NoBound {
		s.limit, s.Bound, s.span = ns{true, n.Limit}, n.Bound.String(), ns{true, n.Span}
		if n.Why == nfa.Expired && told.Time != Forever && told.Time > n.Limit {
			s.behind = ns{true, told.Time - n.Limit}
		}
	}
	if n.Why == nfa.Early && m != nil {
		if t.places[n.Place].Edges[n.Edge].Link.Limit == 0 {
			s.span.n-- // it is written >D, which D itself is not
		}
		s.limit.n = m.last.event.at + s.span.n
	}
	if n.Cond >= 0 {
		s.Name = t.conditions[n.Cond].name
	}
	return s
}

// explain adds to a statement why the condition of a note holds or does not.
func (t *Trace) explain(told *cep.Told, s *Statement) {
	n := &told.Note
	if n.Cond < 0 || n.Why == nfa.Early {
		return
	}
	if n.Cond != t.rule.Program.Having {
		s.because(t.conditions[n.Cond], told.Scope(n.Captures))
		return
	}
	scope := told.Outcome(n.Captures)
	s.because(t.conditions[n.Cond], scope)
	s.Features, s.Risks = t.outcome.read(scope)
}

// known gives the matches that notes call so.
func (t *Trace) known(node int, others nfa.Matches) []*match {
	for _, list := range [][]*match{t.are, t.was} {
		if len(list) == 1+others.Len() && list[0].node == node {
			return list
		}
	}
	t.was = append(t.was[:0], t.matches[node])
	for i := range others.Len() {
		t.was = append(t.was, t.matches[others.Node(i)])
	}
	return t.was
}

// some calls f for those matches of a note that speak for all, with the note as it is told
// of each, and returns how many are left.
func (t *Trace) some(told *cep.Told, f func(i int)) (rest int) {
	n, whole := &told.Note, told.Note
	count := 1 + whole.Others.Len()
	head, tail := count, 0
	if count > mostSpoken && !t.Apart {
		head, tail = mostSpoken/2, mostSpoken/2
	}
	for i := 0; i < count; i++ {
		if i == head {
			i = count - tail
		}
		if 0 < i && i < count {
			n.Node, n.Captures = whole.Others.Node(i-1), whole.Others.Captures(i-1)
		}
		if i < count {
			f(i)
		}
	}
	*n = whole
	return count - head - tail
}

// begin makes the matches that began with the event, or went on with it.
func (t *Trace) begin(told *cep.Told) {
	n := &told.Note
	if n.Kind != nfa.Took {
		m := t.match(told, n.Node, n.Captures, nil)
		s := t.statement(told, m)
		if s.For = t.rule.Rule.Names[t.places[n.Place].Name].Text; n.Kind == nfa.Carried {
			s.For, s.Captured = "", m.captures()
		} else if t.rule.When != nil {
			s.Name = whenName
			s.because(t.conditions[0], told.Scope(n.Captures))
		}
		t.add(s)
		return
	}
	from := t.known(n.From, n.Origins)
	all := append(t.are[:0], t.match(told, n.Node, n.Captures, from[0]))
	for i, f := range from[1:] {
		all = append(all, t.match(told, n.Others.Node(i), n.Others.Captures(i), f))
	}
	t.are = all
	way := &t.ways[from[0].place][n.Edge]
	rest := t.some(told, func(i int) {
		s := t.statement(told, all[i])
		s.from = from[i]
		s.lead(way)
		t.add(s)
	})
	t.remain(told, all[0], rest, Statement{from: from[0]}, way)
}

// remain adds a statement that stands for the matches of which none is made.
func (t *Trace) remain(told *cep.Told, m *match, rest int, s Statement, w *way) {
	if rest > 0 {
		s.Do, s.Because, s.of, s.event, s.rest = doing[told.Note.Kind], told.Note.Why.String(), m, t.event, rest
		s.lead(w)
		t.add(s)
	}
}

// match makes a match that is another one's continuation, or begins.
func (t *Trace) match(told *cep.Told, node int, caps nfa.Captures, from *match) *match {
	step := t.step.number + 1
	m := &match{node: node, place: told.Note.Place, born: step, events: t.events}
	missing, ok := caps.Missing()
	m.missing, m.unknown = t.missing(missing), !ok
	t.matches[node] = m
	t.born = append(t.born, birth{m, from})
	if told.Note.Kind == nfa.Carried {
		for _, c := range told.Captured(caps) {
			m.last = m.last.then(t.rule.Rule.Names[c.Var].Text, t.named(c.Event))
		}
		return m
	}
	if from != nil {
		m.last, m.born, m.nearest, m.early, m.before = from.last, from.born, from.nearest, from.early, from.waits
	}
	m.last = m.last.then(t.rule.Rule.Names[t.places[m.place].Name].Text, t.event)
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

// wait notes for what matches wait.
func (t *Trace) wait(told *cep.Told) {
	n := &told.Note
	all := t.known(n.Node, n.Others)
	w := wait{way: &t.ways[n.Place][n.Edge], limit: n.Limit, span: n.Span, bound: n.Bound}
	for i, m := range all {
		if i > 0 {
			w.limit, w.bound, w.span = n.Others.Limit(i-1, n.Edge)
		}
		w.since = t.step.number + 1
		for j := range m.before {
			if m.before[j].way.to == w.way.to {
				w.since = m.before[j].since
			}
		}
		if m.waits == nil {
			m.waits = make([]wait, 0, len(t.ways[n.Place]))
		}
		m.waits = append(m.waits, w)
		if t.Apart {
			n.Limit, n.Bound, n.Span = w.limit, w.bound, w.span
			t.add(t.statement(told, m))
		}
	}
}

// pass tells of matches that let the event pass, and of an event with which none
// begins.
func (t *Trace) pass(told *cep.Told) {
	n := &told.Note
	if n.Node == 0 {
		s := t.statement(told, nil)
		s.Do, s.For = NotBegun, t.rule.Rule.Names[t.places[t.entries[n.Edge].To].Name].Text
		t.explain(told, &s)
		t.add(s)
		if n.Edge == len(t.entries)-1 {
			t.tooSoon(told, nil, t.rest)
		}
		return
	}
	rest := t.some(told, func(int) {
		m := t.matches[n.Node]
		s := t.statement(told, m)
		t.explain(told, &s)
		t.add(s)
		if t.first(m) == s.way {
			t.tooSoon(told, m, t.later[n.Place])
		}
	})
	t.remain(told, t.matches[n.Node], rest, Statement{}, &t.ways[n.Place][n.Edge])
}

// first gives the first way that a match waits for.
func (t *Trace) first(m *match) *way {
	for i := range m.waits {
		if !m.waits[i].closed {
			return m.waits[i].way
		}
	}
	return nil
}

// tooSoon tells what an event could be for which a match does not wait yet, or with which
// none begins.
func (t *Trace) tooSoon(told *cep.Told, m *match, names []int) {
	for _, name := range names {
		c := t.conditions[name]
		if (m == nil || !m.awaited(c.name)) && c.find(told.Scope(told.Note.Captures)).holds {
			t.add(Statement{Do: Early, of: m, event: t.event, For: c.name, reads: c.captures})
		}
	}
}

// close tells of matches that no longer wait for something.
func (t *Trace) close(told *cep.Told) {
	n := &told.Note
	all := t.known(n.Node, n.Others)
	way := &t.ways[n.Place][n.Edge]
	if n.Why == nfa.Expired {
		t.expire(told, all[0])
	}
	for _, m := range all {
		for i := range m.waits {
			m.waits[i].closed = m.waits[i].closed || m.waits[i].way == way
		}
	}
	if n.Why == nfa.WentOn {
		return
	}
	rest := t.some(told, func(i int) {
		s := t.statement(told, all[i])
		t.explain(told, &s)
		if n.Why == nfa.Greedy {
			s.besides = t.besides(told)
		}
		t.add(s)
	})
	t.remain(told, all[0], rest, Statement{}, way)
}

// besides says why an event that a greedy loop keeps from an edge does not fit what the
// edge leads to either; nil: it does.
func (t *Trace) besides(told *cep.Told) *Statement {
	e := &t.places[told.Note.Place].Edges[told.Note.Edge]
	if e.To == nfa.End {
		return nil
	}
	c := t.conditions[t.places[e.To].Name]
	s := t.statement(told, nil)
	s.Do, s.Because, s.Name, s.at = Passed, nfa.Unfit.String(), c.name, t.step.Time
	if s.because(c, told.Scope(told.Note.Captures)) {
		return nil
	}
	s.Event, s.Number = t.event.id, t.event.number
	return &s
}

// end tells of matches that are no longer open.
func (t *Trace) end(told *cep.Told) {
	n := &told.Note
	all := t.known(n.Node, n.Others)
	silent := keepStatement(new(t.statement(told, nil)))
	rest := t.some(told, func(i int) {
		s := t.statement(told, all[i])
		if n.By != 0 {
			s.by = t.matches[n.By]
		}
		t.explain(told, &s)
		t.over(all[i], keepStatement(t.add(s)))
	})
	for _, m := range all {
		if !m.ended {
			t.over(m, silent)
		}
	}
	var way *way
	if n.Edge >= 0 {
		way = &t.ways[n.Place][n.Edge]
	}
	t.remain(told, all[0], rest, Statement{Bound: silent.Bound}, way)
}

// over notes that a match has ended.
func (t *Trace) over(m *match, why *Statement) {
	m.ended, m.until, m.after = true, t.step.number+1, t.events
	m.end = why
	t.step.gone = append(t.step.gone, m)
}

// come tells of a match that is complete or came out, and what became of it.
func (t *Trace) come(told *cep.Told) {
	n := &told.Note
	all := t.known(n.Node, n.Others)
	for i, m := range all {
		if i > 0 {
			n.Node, n.Captures = m.node, n.Others.Captures(i-1)
		}
		s := t.statement(told, m)
		switch n.Kind {
		case nfa.Completed:
			m.complete, m.busy = true, t.step.number+1
		case nfa.Refused, nfa.Out:
			if m.complete, m.busy = false, t.step.number+1; m.ended && m.until != m.busy {
				t.step.gone = append(t.step.gone, m)
			}
		}
		if n.Kind == nfa.Out || n.Kind == nfa.RanOut {
			t.cameBy = s.event
		}
		if n.Kind != nfa.Refused && n.Kind != nfa.Held {
			s.limit = ns{true, n.Limit}
		}
		if n.By != 0 {
			s.by = t.matches[n.By]
		}
		t.explain(told, &s)
		t.add(s)
	}
}
