package rules

import (
	"slices"
	"strings"
	"time"

	"weir/cep"

	"go.yaml.in/yaml/v4"
)

// schemas are the declared event types, by name.
type schemas map[string]*cep.Schema

var schemaKeys = keys{
	of:    "an event type",
	known: []string{"time", "id", "seq", "fields"},
	later: []string{"derive"},
}

var (
	fieldKeys = keys{of: "a field", known: []string{"type"}, later: []string{"pii"}}
	timeKeys  = keys{of: "`time`", known: []string{"field", "unit"}}
)

var fieldKinds = map[string]cep.Kind{
	"string": cep.Text, "number": cep.Number, "bool": cep.Bool, "time": cep.Time, "list": cep.List, "map": cep.Map,
}

var kindNames = []string{"string", "number", "bool", "time", "list", "map"}

var timeUnits = map[string]time.Duration{
	"s": time.Second, "ms": time.Millisecond, "us": time.Microsecond, "ns": time.Nanosecond,
}

const (
	defaultTime = "ts"   // field of the event time where nothing is said
	typeField   = "type" // the type, a field of every event
)

// schema reads an event type.
func (f *findings) schema(e entry) (*cep.Schema, bool) {
	if e.value.empty() {
		f.add(e.key.place(), CodeMissing, sprintf("the event type %s says nothing", tick(e.name)), "list its `fields`, or remove it: a type that is not declared has dynamic fields")
		return nil, false
	}
	r, ok := f.record(e.value, "the event type "+tick(e.name), schemaKeys)
	if !ok {
		return nil, false
	}
	s := &cep.Schema{Time: defaultTime, TimeUnit: time.Millisecond}
	fields, said := r["fields"]
	if !said {
		if e.value.lacks("fields", schemaKeys) {
			f.add(e.key.place(), CodeMissing, sprintf("the event type %s has no `fields`", tick(e.name)), "list the fields that rules may read, each with its type")
		}
		return nil, false
	}
	s.Fields = f.schemaFields(fields.value)
	if t, ok := r["time"]; ok {
		f.schemaTime(t.value, s)
	}
	if id, ok := r["id"]; ok {
		s.ID = f.schemaField(id, s, cep.Text, cep.Number)
	}
	if seq, ok := r["seq"]; ok {
		s.Seq = f.schemaField(seq, s, cep.Number)
	}
	return s, true
}

// schemaFields reads `fields`: a type each, as text or as {type: T}.
func (f *findings) schemaFields(n node) map[string]cep.Kind {
	fields := map[string]cep.Kind{}
	entries, _ := f.entries(n, "`fields`")
	for _, e := range entries {
		value := e.value
		if value.empty() {
			f.noValue(n, e)
			continue
		}
		if e.name == "" {
			f.add(e.key.place(), CodeName, "a field has no name", "write `name: type`")
			continue
		}
		if value.n.Kind == yaml.MappingNode {
			r, ok := f.record(value, "the field "+tick(e.name), fieldKeys)
			t, said := r["type"]
			if !said {
				if ok && value.lacks("type", fieldKeys) {
					f.add(e.key.place(), CodeMissing, sprintf("the field %s has no `type`", tick(e.name)), "a type is one of "+strings.Join(kindNames, ", "))
				}
				continue
			}
			value = t.value
		}
		t, ok := f.text(value, "the type of a field")
		if !ok {
			continue
		}
		kind, ok := fieldKinds[t.value]
		switch {
		case !ok:
			f.add(t.place(), CodeValue, tick(t.value)+" is no type of a field", didYouMean(t.value, kindNames, "a type is one of "+strings.Join(kindNames, ", ")))
		case e.name == defaultTime && kind != cep.Time:
			f.add(t.place(), CodeValue, "`ts` is the event time", "give it the type `time`, or the field another name")
		case e.name == typeField && kind != cep.Text:
			f.add(t.place(), CodeValue, "`type` is the type of the event", "give it the type `string`, or the field another name")
		default:
			fields[e.name] = kind
		}
	}
	return fields
}

// schemaTime reads `time`: a field, {field, unit} or `arrival`.
func (f *findings) schemaTime(n node, s *cep.Schema) {
	field := n
	if n.n.Kind == yaml.MappingNode {
		r, ok := f.record(n, "`time`", timeKeys)
		if !ok {
			return
		}
		if u, ok := r["unit"]; ok {
			t, ok := f.text(u.value, "`unit`")
			unit, known := timeUnits[t.value]
			if ok && !known {
				f.add(t.place(), CodeValue, tick(t.value)+" is no unit of an event time", "a unit is one of s, ms, us, ns")
			} else if ok {
				s.TimeUnit = unit
			}
		}
		named, ok := r["field"]
		if !ok {
			if n.lacks("field", timeKeys) {
				f.add(n.place(), CodeMissing, "`time` has no `field`", "name the field that holds the event time")
			}
			return
		}
		field = named.value
	}
	t, ok := f.text(field, "`time`")
	if !ok {
		return
	}
	if t.value == "arrival" && field.n == n.n {
		s.Arrival, s.Time = true, ""
		return
	}
	s.Time = t.value
	kind, declared := fieldKind(s, t.value)
	switch {
	case declared && kind != cep.Time && kind != cep.Nil:
		f.add(t.place(), CodeValue, sprintf("the field %s of the event time is declared as %s", tick(t.value), kind), "declare it as `time`")
	case !declared && !strings.Contains(t.value, "."):
		s.Fields[t.value] = cep.Time
	case !declared:
		f.add(t.place(), CodeName, "there is no field "+tick(t.value), didYouMean(t.value, sortedKeys(s.Fields), "declare it under `fields`"))
	}
}

// schemaField reads the name of a declared field of one of some kinds.
func (f *findings) schemaField(e entry, s *cep.Schema, kinds ...cep.Kind) string {
	t, ok := f.text(e.value, tick(e.name))
	if !ok {
		return ""
	}
	kind, declared := fieldKind(s, t.value)
	if !declared {
		f.add(t.place(), CodeName, "there is no field "+tick(t.value), didYouMean(t.value, sortedKeys(s.Fields), "declare it under `fields`"))
		return ""
	}
	if kind != cep.Nil && !slices.Contains(kinds, kind) {
		f.add(t.place(), CodeValue, sprintf("the field %s of `%s` is declared as %s", tick(t.value), e.name, kind), sprintf("it must be a %s", kinds[0]))
		return ""
	}
	return t.value
}

// fieldKind gives the declared kind of a field path; Nil where it lies inside a
// map and may be anything. Every event has its type.
func fieldKind(s *cep.Schema, path string) (cep.Kind, bool) {
	if k, ok := s.Fields[path]; ok {
		return k, true
	}
	if path == typeField {
		return cep.Text, true
	}
	head, rest, dotted := strings.Cut(path, ".")
	if dotted && rest != "" && s.Fields[head] == cep.Map {
		return cep.Nil, true
	}
	return cep.Nil, false
}
