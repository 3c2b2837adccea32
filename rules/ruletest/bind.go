package ruletest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"weir/cep"
	"weir/nfa"
	"weir/rules"
	"weir/rules/nearest"
	"weir/rules/source"

	"go.yaml.in/yaml/v4"
)

// bound is a test as a test of a ruleset.
type bound struct {
	test     *Test
	set      *rules.Checked // as the params and lists of the test make it
	findings []source.Diagnostic
	records  []cep.Record
	numbers  map[string]int // of events, by their JSON
	alerts   []wanted
	times    timeForms
}

// broken says whether the test cannot run.
func (b *bound) broken() bool { return b.test.broken() || source.ErrorsIn(b.findings) != nil }

// bind makes t a test of the ruleset.
func (s *Subject) bind(t *Test) *bound {
	if b, ok := s.bound[t]; ok {
		return b
	}
	b := &bound{test: t, set: s.with(t)}
	s.bound[t] = b
	if t.torn || source.ErrorsIn(s.plain.Findings) != nil {
		return b
	}
	w := binder{b: b, plain: s.plain}
	if w.overrides(); b.set.Ruleset == nil {
		b.set = s.plain // what else is wrong is said too
	}
	w.lists()
	w.records()
	w.expected()
	b.findings = w.all()
	return b
}

// binder finds what a test means to a ruleset.
type binder struct {
	findings
	b     *bound
	plain *rules.Checked // without the test's params
}

// overrides checks that the test's params are there and leave the rules right.
func (w *binder) overrides() {
	known := map[string]bool{}
	for _, r := range w.plain.Rules {
		for name := range r.Params {
			known[name] = true
		}
	}
	for _, p := range w.b.test.params {
		if !known[p.at.Name] {
			w.Add(p.at.Key.Place(), source.CodeName, "there is no param "+source.Tick(p.at.Name), nearest.DidYouMean(p.at.Name, slices.Sorted(maps.Keys(known)), "declare it in the ruleset or in a rule"))
		}
	}
	for _, d := range w.b.set.Findings {
		if d.Severity == source.Error {
			w.Add(w.b.test.first(), source.CodeValue, "with these params the ruleset has an error: "+d.String(), "")
		}
	}
}

// schema gives the schema of an event type and whether the ruleset knows the type.
func (w *binder) schema(name string) (*cep.Schema, bool) {
	for i := range w.b.set.Ruleset.Types {
		if t := &w.b.set.Ruleset.Types[i]; t.Name == name {
			return t.Schema, true
		}
	}
	return nil, false
}

// typeNames gives the event types that the ruleset knows.
func (w *binder) typeNames() []string {
	var names []string
	for _, t := range w.b.set.Ruleset.Types {
		if t.Alert == nil {
			names = append(names, t.Name)
		}
	}
	return names
}

// records makes the records that the engine gets.
func (w *binder) records() {
	w.b.numbers = make(map[string]int, w.b.test.events)
	times := clock{decoder: cep.NewDecoder(w.b.set.Ruleset)}
	enc := encoder{findings: &w.findings}
	all := slices.ContainsFunc(w.b.set.Ruleset.Rules, func(r *cep.Rule) bool { return r.Types == nil }) ||
		slices.ContainsFunc(w.b.set.Ruleset.Features, func(f *cep.Feature) bool { return f.Types == nil })
	equal := map[string]int{} // how often a line stood before
	for _, e := range w.b.test.entries {
		if !e.at.Is(yaml.MappingNode) {
			continue
		}
		if e.number == 0 {
			w.b.times.relative = w.b.times.relative || e.clock.relative
			w.moveClock(&times, e.at, e.clock)
			continue
		}
		name, at, typed := eventType(e.at)
		if of, matches := strings.CutPrefix(name, rules.AlertPrefix); matches {
			w.Add(at.Place(), source.CodeValue, fmt.Sprintf("%s stands for the matches of a rule: they come of themselves", source.Tick(name)), fmt.Sprintf("write the events on which %s matches", source.Tick(of)))
			continue
		}
		schema, known := w.schema(name)
		if typed && !known && !all {
			w.Warn(at.Place(), source.CodeName, fmt.Sprintf("no rule is on events of type %s", source.Tick(name)), nearest.DidYouMean(name, w.typeNames(), ""))
		}
		if schema != nil {
			w.fields(e.at, name, schema)
		}
		line, arrives := enc.event(e.at, schema, w.b.test.rejected.has(e.number))
		if arrives != nil {
			w.moveClock(&times, e.at, *arrives)
		}
		nth := equal[string(line)]
		equal[string(line)]++
		line = tellApart(line, nth)
		times.event(line)
		w.b.numbers[string(line)] = e.number
		w.b.records = append(w.b.records, cep.Record{Kind: cep.EventsRecord, Data: line, Line: e.number})
	}
	w.b.times.relative = w.b.times.relative || enc.relative
	end := cep.HaltRecord
	if w.b.test.close {
		end = cep.EndRecord
	}
	w.b.records = append(w.b.records, cep.Record{Kind: end})
}

// fields warns of fields that the schema of an event's type does not have: no rule
// can read them, and a misspelt one makes a test pass for the wrong reason.
func (w *binder) fields(n source.Node, typ string, schema *cep.Schema) {
	for _, e := range n.Pairs() {
		if _, ok := schema.Fields[e.Name]; ok || e.Name == typeField || e.Name == timeField {
			continue
		}
		names := slices.Sorted(maps.Keys(schema.Fields))
		if near := nearest.Name(e.Name, names); near != "" {
			w.Warn(e.Key.Place(), source.CodeName, fmt.Sprintf("%s declares no field %s", source.Tick(typ), source.Tick(e.Name)), "did you mean "+source.Tick(near)+"?")
		}
	}
}

// clock is the highest time of the entries before.
type clock struct {
	decoder *cep.Decoder
	started bool
	now     int64
}

func (c *clock) event(line []byte) {
	if ns, timed, reject := c.decoder.Time(string(line)); timed && reject == nil && (!c.started || ns > c.now) {
		c.started, c.now = true, ns
	}
}

// moveClock lets time move on before the next event.
func (w *binder) moveClock(c *clock, at source.Node, to moment) {
	if c.started && to.ns < c.now {
		w.Add(at.Place(), source.CodeValue, "time does not go back: it is at "+timeForms{to.relative}.text(c.now)+" already", "put this entry where it belongs, or name a later time")
		return
	}
	c.started, c.now = true, to.ns
	w.b.records = append(w.b.records, cep.Record{Kind: cep.ClockRecord, Time: to.ns})
}

// expected finds what the expected alerts name.
func (w *binder) expected() {
	for i, x := range w.b.test.alerts {
		if x.time != nil {
			w.b.times.relative = w.b.times.relative || x.time.relative
		}
		if r := w.rule(x); r != nil {
			w.b.alerts = append(w.b.alerts, w.wanted(i+1, x, r))
		}
	}
}

// rule finds the rule of an expected alert; nil: it has a finding.
func (w *binder) rule(x *expected) *rules.Rule {
	if x.rule.Value == "" {
		return nil
	}
	var ids []string
	for _, r := range w.b.set.Rules {
		if r.ID != x.rule.Value {
			ids = append(ids, r.ID)
			continue
		}
		if r.Disabled {
			w.Add(x.rule.Place(), source.CodeValue, fmt.Sprintf("the rule %s is disabled: it gives no alerts", source.Tick(r.ID)), "give it the status `shadow` to try it")
			return nil
		}
		return r
	}
	w.Add(x.rule.Place(), source.CodeName, "there is no rule "+source.Tick(x.rule.Value), nearest.DidYouMean(x.rule.Value, ids, "name a rule of the ruleset"))
	return nil
}

// key gives the parts of the key of an expected alert, by the names of the rule's
// key.
func (w *binder) key(x *expected, names []string) []string {
	if x.key == nil {
		return nil
	}
	if x.key.YAML.Kind != yaml.MappingNode {
		t, ok := w.Text(*x.key, "`key`")
		if ok && len(names) > 1 {
			w.Add(t.Place(), source.CodeValue, "the key of the rule has the parts "+strings.Join(names, ", "), "write {"+strings.Join(names, ": …, ")+": …}")
		}
		return []string{t.Value}
	}
	list, _ := w.Entries(*x.key, "`key`")
	byName := map[string]string{}
	for _, e := range list {
		if !slices.Contains(names, e.Name) {
			w.Add(e.Key.Place(), source.CodeName, "the key of the rule has no part "+source.Tick(e.Name), nearest.DidYouMean(e.Name, names, "it has "+strings.Join(names, ", ")))
			continue
		}
		t, _ := w.Text(e.Value, "the part "+source.Tick(e.Name)+" of the key")
		byName[e.Name] = t.Value
	}
	var key []string
	for _, name := range names {
		if _, ok := byName[name]; !ok && x.key.Lacks(name, source.Keys{Known: names}) {
			w.Add(x.key.Place(), source.CodeMissing, "the key lacks its part "+source.Tick(name), "")
		}
		key = append(key, byName[name])
	}
	return key
}

// once reports events that an expected alert captures twice.
func (w *binder) once(taken map[int]bool, n numbersText) {
	for _, i := range n.numbers {
		if taken[i] {
			w.Add(n.at, source.CodeValue, fmt.Sprintf("event %d stands under two variables", i), "a match captures an event once")
		}
		taken[i] = true
	}
}

// captures gives the numbers of the events that an expected alert captured, by name
// of the pattern.
func (w *binder) captures(x *expected, r *rules.Rule) [][]int {
	numbers := make([][]int, len(r.Names))
	var capturing []string
	for _, n := range r.Rule.Names {
		if n.Captures {
			capturing = append(capturing, n.Text)
		}
	}
	if r.Evidence != nil {
		capturing = append(capturing, r.Evidence.Name)
	}
	taken := map[int]bool{}
	for _, v := range x.events.vars {
		i := slices.IndexFunc(r.Rule.Names, func(n nfa.Name) bool { return n.Text == v.name.Value })
		switch {
		case r.Evidence != nil && v.name.Value == r.Evidence.Name:
		case i < 0 && len(capturing) == 0:
			w.Add(v.name.Place(), source.CodeName, fmt.Sprintf("%s captures no events: it matches when a window ends", r.ID), "remove "+source.Tick(v.name.Value))
		case i < 0 && (r.WindowClose != nil || r.When != nil):
			w.Add(v.name.Place(), source.CodeName, fmt.Sprintf("the alerts of %s have no events %s", r.ID, source.Tick(v.name.Value)), nearest.DidYouMean(v.name.Value, capturing, "they have "+strings.Join(capturing, ", ")))
		case i < 0:
			w.Add(v.name.Place(), source.CodeName, fmt.Sprintf("the pattern of %s has no variable %s", r.ID, source.Tick(v.name.Value)), nearest.DidYouMean(v.name.Value, capturing, "its variables are "+strings.Join(capturing, ", ")))
		case !r.Rule.Names[i].Captures:
			w.Add(v.name.Place(), source.CodeValue, fmt.Sprintf("%s is only negated or an `until` in the pattern: it captures no event", source.Tick(v.name.Value)), "remove it")
		case len(v.numbers.numbers) > 1 && !r.Rule.Names[i].List:
			w.Add(v.numbers.at, source.CodeValue, fmt.Sprintf("%s captures at most one event", source.Tick(v.name.Value)), "")
		case onlyMatches(r, i):
			w.Add(v.name.Place(), source.CodeValue, fmt.Sprintf("%s captures matches of other rules, which have no numbers", source.Tick(v.name.Value)), "leave it out; expect the alerts of those rules beside this one")
		default:
			numbers[i] = v.numbers.numbers
			w.once(taken, v.numbers)
		}
	}
	return numbers
}

// onlyMatches says whether a variable captures nothing but matches of other rules.
func onlyMatches(r *rules.Rule, variable int) bool {
	types := r.Names[variable].Types
	if types == nil {
		types = r.On
	}
	return types != nil && !slices.ContainsFunc(types, func(t string) bool { return !strings.HasPrefix(t, rules.AlertPrefix) })
}
