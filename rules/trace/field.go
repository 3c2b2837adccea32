package trace

import (
	"encoding/json"
	"slices"

	"weir/cep"
	"weir/rules"
	"weir/rules/expr"
)

// field is a field that a rule reads.
type field struct {
	name string
	id   cep.FieldID
}

// fieldsOf gives the fields that the expressions of a rule read, and of a key by
// variable those that it is read from, in the order of the rule.
func fieldsOf(r *rules.Rule, set *cep.Ruleset) []field {
	var fields []field
	add := func(id cep.FieldID) {
		f := field{set.Fields[id], id}
		if f.name != "ts" && f.name != "type" && !slices.Contains(fields, f) {
			fields = append(fields, f)
		}
	}
	for _, id := range r.Key.ByName {
		add(id)
	}
	for _, e := range expressions(r) {
		uses, err := expr.UsesOf(e.Value, e.Env)
		if err != nil {
			continue // a message is no expression as a whole
		}
		for _, use := range uses.Reads {
			resolve := e.Env.Fields
			if use.Var >= 0 {
				resolve = e.Env.Vars[use.Var].Fields
			}
			if info, ok := resolve(use.Path); ok {
				add(info.ID)
			}
		}
	}
	return slices.DeleteFunc(fields, func(f field) bool { return slices.Contains(r.Key.Fields, f.id) })
}

// expressions gives the expressions of a rule that decide something.
func expressions(r *rules.Rule) []*rules.Expression {
	list := []*rules.Expression{r.Where}
	for i := range r.Names {
		list = append(list, r.Names[i].Where)
	}
	list = append(append(list, r.Unless), outcome(r)...)
	return slices.DeleteFunc(list, func(e *rules.Expression) bool { return e == nil })
}

// outcome gives those that are asked of a match.
func outcome(r *rules.Rule) []*rules.Expression {
	list := []*rules.Expression{r.Having}
	for i := range r.Measures {
		list = append(list, &r.Measures[i])
	}
	list = append(list, r.Score)
	return slices.DeleteFunc(list, func(e *rules.Expression) bool { return e == nil })
}

// seen describes an event.
func seen(e *cep.Event, fields []field) *Seen {
	s := &Seen{Type: e.Name, Time: cep.FormatTime(e.Time), Fields: []Field{}}
	for _, f := range fields {
		if v := e.Field(f.id); v.Kind != cep.Nil {
			s.Fields = append(s.Fields, Field{f.name, json.RawMessage(v.AppendJSON(nil))})
		}
	}
	return s
}
