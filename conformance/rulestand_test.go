package conformance

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"weir/cep"
	"weir/nfa"
)

// ruleStand judges events by the conditions of a compiled rule.
type ruleStand struct {
	rule   *cep.Rule
	events []*cep.Event // by index in vector.Events
	keys   [][]string
}

func newRuleStand(v *vector, set *cep.Ruleset) *ruleStand {
	s := &ruleStand{rule: set.Rules[0]}
	typ := cep.TypeID(slices.IndexFunc(set.Types, func(t cep.Type) bool { return t.Name == typeName }))
	var schema *cep.Schema
	if typ >= 0 {
		schema = set.Types[typ].Schema
	}
	for i := range v.Events {
		row := make([]cep.Value, len(set.Fields))
		for f, path := range set.Fields {
			row[f] = value(&v.Events[i], path, schema)
		}
		s.events = append(s.events, cep.NewEvent(typeName, typ, nanoseconds(v.Events[i].TS), row))
		s.keys = append(s.keys, []string{v.key(i)})
	}
	return s
}

// value reads a field of an event as an engine does.
func value(e *event, path string, schema *cep.Schema) cep.Value {
	raw, ok := e.Fields[path]
	if path == "ts" {
		return cep.TimeValue(nanoseconds(e.TS))
	}
	if !ok {
		return cep.Value{}
	}
	if raw[0] == '"' {
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			panic(err)
		}
		return cep.TextValue(text)
	}
	if schema != nil && schema.Fields[path] == cep.Text {
		return cep.TextValue(string(raw))
	}
	number, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		panic(fmt.Sprintf("%s: %v", path, err))
	}
	return cep.NumberValue(number)
}

func (s *ruleStand) may(c nfa.Cond, event int) bool {
	cond, e := &s.rule.Conds[c], s.events[event]
	if cond.Types != nil && !slices.Contains(cond.Types, e.Type) {
		return false
	}
	return cond.Event == nil || cond.Event(&cep.Scope{Event: e, Key: s.keys[event]})
}

func (s *ruleStand) holds(c nfa.Cond, event int, caps nfa.Captures, at func(nfa.Event) int) bool {
	captured := s.rule.Conds[c].Captured
	view := captures{s, caps, at}
	return captured == nil || captured(&cep.Scope{Event: s.events[event], Captures: view, Key: s.keys[event]})
}

// captures shows what an open match has captured as events.
type captures struct {
	stand *ruleStand
	caps  nfa.Captures
	at    func(nfa.Event) int
}

func (c captures) Len(v int) int { return c.caps.Len(v) }

func (c captures) First(v int) *cep.Event { return c.one(c.caps.First(v)) }

func (c captures) Last(v int) *cep.Event { return c.one(c.caps.Last(v)) }

func (c captures) one(e nfa.Event, ok bool) *cep.Event {
	if !ok {
		return nil
	}
	return c.stand.events[c.at(e)]
}

func (c captures) Append(dst []*cep.Event, v int) []*cep.Event {
	for _, e := range c.caps.Append(nil, v) {
		dst = append(dst, c.stand.events[c.at(e)])
	}
	return dst
}

// Aggregate adds up anew what an engine keeps.
func (c captures) Aggregate(i int) cep.Aggregate {
	of := c.stand.rule.Aggregates[i]
	var sum cep.Aggregate
	for _, e := range c.Append(nil, of.Var) {
		f := e.Field(of.Field)
		if f.Kind != cep.Number {
			continue
		}
		x := f.Number()
		if sum.N == 0 {
			sum.Min, sum.Max = x, x
		}
		sum.N++
		sum.Sum += x
		sum.Min, sum.Max = min(sum.Min, x), max(sum.Max, x)
	}
	return sum
}
