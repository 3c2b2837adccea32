package ruletest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"weir/cep"
	"weir/rules"
	"weir/rules/nearest"
	"weir/rules/source"

	"go.yaml.in/yaml/v4"
)

// Test is a test as it was written.
type Test struct {
	Name         string
	File         string
	Line, Column int // of its name, from 1

	name      source.Text
	params    []param
	lists     []givenList
	lateness  time.Duration
	close     bool // time runs on at the end
	entries   []entry
	events    int         // how many of the entries are events
	late      numbersText // events that must come too late
	rejected  numbersText // events that must be rejected
	repeated  numbersText // events that must have the id of one before
	alerts    []*expected
	decisions []expectedDecision // by event
	findings  []source.Diagnostic
	torn      bool // its file has an error
}

// param is a param that the test sets.
type param struct {
	at    source.Entry
	value cep.Value
}

// numbersText are numbers of events, in rising order.
type numbersText struct {
	at      source.Place
	numbers []int
}

func (n *numbersText) has(event int) bool {
	_, ok := slices.BinarySearch(n.numbers, event)
	return ok
}

// entry is an entry of `events`: an event, or a move of the clock.
type entry struct {
	at     source.Node
	number int    // of the event, from 1; 0: it moves the clock
	clock  moment // to which it moves
}

// readTest reads a test. What has a finding in it must not be run.
func readTest(n source.Node) *Test {
	var f findings
	t := &Test{File: n.Doc.Src.Path}
	t.Line, t.Column = n.Doc.Src.Position(n.Place().From)
	if r, ok := f.Record(n, "a test", testKeys); ok {
		f.test(n, r, t)
	}
	t.findings = f.all()
	return t
}

// broken says whether the test is not what its author wrote.
func (t *Test) broken() bool { return t.torn || source.ErrorsIn(t.findings) != nil }

// test reads the entries of a test.
func (f *findings) test(n source.Node, r map[string]source.Entry, t *Test) {
	if e, ok := f.require(n, r, testKeys, "name", "say what it shows, like `name: two probes are one too few`"); ok {
		if t.name, ok = f.Text(e.Value, "`name`"); ok {
			t.Name = t.name.Value
			t.Line, t.Column = n.Doc.Src.Position(t.name.Place().From)
		}
	}
	if e, ok := r["params"]; ok {
		t.params = f.params(e.Value)
	}
	if e, ok := r["lists"]; ok {
		t.lists = f.lists(e.Value)
	}
	if e, ok := r["lateness"]; ok {
		t.lateness = f.lateness(e.Value)
	}
	if e, ok := r["at_end"]; ok {
		t.close = f.choice(e, []string{"close", "open"}) == "close"
	}
	if e, ok := f.require(n, r, testKeys, "events", "list the events that the rules get, each like {type: T, ts: 0s}"); ok {
		f.entries(e, t)
	}
	t.late = f.numbers(r, "late", t)
	t.rejected = f.numbers(r, "rejected", t)
	t.repeated = f.numbers(r, "duplicates", t)
	if e, ok := f.require(n, r, testKeys, "alerts", "list the alerts that come out; `alerts: []` if there must be none"); ok {
		f.alerts(e, t)
	}
	if e, ok := r["decisions"]; ok {
		f.decisions(e, t)
	}
}

// require gives an entry that must be there.
func (f *findings) require(n source.Node, r map[string]source.Entry, ks source.Keys, name, hint string) (source.Entry, bool) {
	e, ok := r[name]
	if !ok && n.Lacks(name, ks) {
		f.Add(n.Place(), source.CodeMissing, fmt.Sprintf("%s needs `%s`", ks.Of, name), hint)
	}
	return e, ok
}

func (f *findings) params(n source.Node) []param {
	values, bad := rules.ReadParams(n)
	f.joined = append(f.joined, bad...)
	if !n.Is(yaml.MappingNode) {
		return nil
	}
	var list []param
	for _, e := range n.Pairs() {
		if v, ok := values[e.Name]; ok && v.Kind != cep.Nil {
			list = append(list, param{e, v})
		}
	}
	return list
}

// lateness reads a duration that may be 0.
func (f *findings) lateness(n source.Node) time.Duration {
	t, ok := f.Text(n, "`lateness`")
	if !ok {
		return 0
	}
	d, ok := offset(t.Value)
	if !ok || strings.Trim(t.Value[:1], "+-") == "" {
		f.Add(t.Place(), source.CodeValue, source.Tick(t.Value)+" is no duration", "a duration is a whole number and one of ms s m h d w, like 90s")
	}
	return max(d, 0)
}

// choice reads a text that is one of a few.
func (f *findings) choice(e source.Entry, of []string) string {
	t, ok := f.Text(e.Value, source.Tick(e.Name))
	if ok && !slices.Contains(of, t.Value) {
		f.Add(t.Place(), source.CodeValue, fmt.Sprintf("%s is no value of `%s`", source.Tick(t.Value), e.Name), nearest.DidYouMean(t.Value, of, "it is one of "+strings.Join(of, ", ")))
		return ""
	}
	return t.Value
}

// number reads a whole number from 0 to most; nil: it has a finding.
func (f *findings) number(e source.Entry, most int) *int {
	t, ok := f.Text(e.Value, source.Tick(e.Name))
	if !ok {
		return nil
	}
	i, err := strconv.Atoi(t.Value)
	if err != nil || i < 0 || i > most || strconv.Itoa(i) != t.Value {
		f.Add(t.Place(), source.CodeValue, fmt.Sprintf("%s is no value of `%s`", source.Tick(t.Value), e.Name), fmt.Sprintf("it is a whole number from 0 to %d", most))
		return nil
	}
	return &i
}

// entries reads `events`.
func (f *findings) entries(e source.Entry, t *Test) {
	if e.Value.Bad() {
		return
	}
	if !e.Value.Is(yaml.SequenceNode) {
		f.Add(e.Value.Place(), source.CodeValue, "`events` is a list, not "+e.Value.Kind(), "begin each event with `- {type: `")
		return
	}
	for _, n := range e.Value.Items() {
		switch {
		case n.Bad():
		case n.YAML.Kind != yaml.MappingNode:
			f.Add(n.Place(), source.CodeValue, "an event is a mapping (`field: value`), not "+n.Kind(), "write it like {type: payment, ts: 0s, amount: 1}")
		case isClock(n):
			if m, ok := f.moment(source.Node{Doc: n.Doc, YAML: n.YAML.Content[1]}, "`clock`"); ok {
				t.entries = append(t.entries, entry{at: n, clock: m})
			}
			continue
		default:
			f.values(n)
		}
		// What is no event is counted too, so that the numbers of the others hold.
		t.events++
		t.entries = append(t.entries, entry{at: n, number: t.events})
	}
}

// isClock says whether an entry is {clock: TIME}. An event that has a field of that
// name has others beside it.
func isClock(n source.Node) bool {
	c := n.YAML.Content
	return len(c) == 2 && c[0].Kind == yaml.ScalarNode && c[0].Value == "clock"
}

const nullHint = "write null for no value, '' for an empty text; quote a text that holds a comma or bracket"

// values checks that the fields of an event have values, also inside of others.
func (f *findings) values(n source.Node) {
	if n.Bad() {
		return
	}
	switch n.YAML.Kind {
	case yaml.SequenceNode:
		for _, item := range n.Items() {
			if item.Empty() {
				f.Add(item.Place(), source.CodeMissing, "an entry of a list is empty", nullHint)
				continue
			}
			f.values(item)
		}
	case yaml.MappingNode:
		for _, e := range n.Pairs() {
			if e.Value.Empty() {
				f.Add(e.Key.Place(), source.CodeMissing, source.Tick(e.Name)+" has no value", nullHint)
				continue
			}
			f.values(e.Value)
		}
	}
}

// numbers reads numbers of events: one, or a list.
func (f *findings) numbers(r map[string]source.Entry, name string, t *Test) numbersText {
	e, ok := r[name]
	if !ok {
		return numbersText{}
	}
	return f.eventNumbers(e.Value, source.Tick(name), t)
}

func (f *findings) eventNumbers(n source.Node, what string, t *Test) numbersText {
	list := numbersText{at: n.Place()}
	if n.Bad() {
		return list
	}
	items := []source.Node{n}
	switch n.YAML.Kind {
	case yaml.SequenceNode:
		items = n.Items()
	case yaml.MappingNode:
		f.Add(n.Place(), source.CodeValue, what+" is the number of an event or a list of them, not a mapping", "")
		return list
	}
	seen := map[int]bool{}
	for _, item := range items {
		text, ok := f.Text(item, "the number of an event")
		if !ok {
			continue
		}
		i, ok := f.eventNumber(text, t)
		switch {
		case !ok:
		case seen[i]:
			f.Add(text.Place(), source.CodeDuplicate, fmt.Sprintf("event %d stands twice in %s", i, what), "")
		default:
			seen[i] = true
			list.numbers = append(list.numbers, i)
		}
	}
	slices.Sort(list.numbers)
	return list
}

// eventNumber reads the number of an event; false: it has a finding.
func (f *findings) eventNumber(text source.Text, t *Test) (i int, ok bool) {
	i, err := strconv.Atoi(text.Value)
	switch {
	case err != nil || strconv.Itoa(i) != text.Value:
		f.Add(text.Place(), source.CodeValue, source.Tick(text.Value)+" is no number of an event", "events are numbered from 1 in the order in which they stand; clock entries are not counted")
	case i < 1 || i > t.events:
		f.Add(text.Place(), source.CodeValue, fmt.Sprintf("there is no event %d", i), eventCount(t.events))
	default:
		return i, true
	}
	return 0, false
}

func eventCount(n int) string {
	switch n {
	case 0:
		return "the test has no events"
	case 1:
		return "the test has one event; clock entries are not counted"
	}
	return fmt.Sprintf("the test has events 1 to %d; clock entries are not counted", n)
}
