package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"weir/cep"
	"weir/rules/nearest"
	"weir/rules/source"

	"go.yaml.in/yaml/v4"
)

// schemas are the types of events that are declared, and alert.RULE for each rule whose
// matches others read, by name; nil: its fields are not known.
type schemas map[string]*schema

// schema is what is known of the fields of events of a type.
type schema struct {
	*cep.Schema                     // of the events as they come; nil: they are matches of a rule
	fields      map[string]cep.Kind // all that can be read by name; Nil: of any kind
	derived     []*derived          // in the order in which they are worked out
	unsure      bool                // there may be others
}

// kind gives the kind of a field path; Nil where it may be any. Every event has its
// type. What a derived field or a match of a rule holds has no paths inside.
func (s *schema) kind(path string) (cep.Kind, bool) {
	if k, ok := s.fields[path]; ok {
		return k, true
	}
	if s.Schema == nil {
		return cep.Text, path == typeField
	}
	k, ok := fieldKind(s.Schema, path)
	return k, ok || s.unsure
}

// always says whether every event of the type should have a field.
func (s *schema) always(path string) bool {
	_, ok := s.fields[path]
	return ok && !slices.ContainsFunc(s.derived, func(d *derived) bool { return d.Name == path && d.misses })
}

var schemaKeys = source.Keys{
	Of:    "an event type",
	Known: []string{"time", "id", "seq", "fields", "derive"},
	Meant: eventWords,
	Apart: map[string]string{"lang": "derived fields are written in expr"},
}

var (
	fieldKeys = source.Keys{Of: "a field", Known: []string{"type", "pii"}}
	timeKeys  = source.Keys{Of: "`time`", Known: []string{"field", "unit"}}
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

// schema reads an event type. It is nil where the fields are not known, after a
// finding.
func (f *findings) schema(e source.Entry) *schema {
	if e.Value.Empty() {
		f.Add(e.Key.Place(), source.CodeMissing, fmt.Sprintf("the event type %s says nothing", source.Tick(e.Name)), "list its `fields`, or remove it: a type that is not declared has dynamic fields")
		return nil
	}
	r, ok := f.Record(e.Value, "the event type "+source.Tick(e.Name), schemaKeys)
	if !ok {
		return nil
	}
	s := &cep.Schema{Time: defaultTime, TimeUnit: time.Millisecond}
	fields, said := r["fields"]
	if !said {
		if e.Value.Lacks("fields", schemaKeys) {
			f.Add(e.Key.Place(), source.CodeMissing, fmt.Sprintf("the event type %s has no `fields`", source.Tick(e.Name)), "list the fields that rules may read, each with its type")
		}
		return nil
	}
	if s.Fields, s.Personal, ok = f.schemaFields(fields.Value); !ok {
		return nil
	}
	derived, sure := f.derived(e.Value, r)
	if t, ok := r["time"]; ok {
		f.schemaTime(t.Value, s, derived)
	}
	if id, ok := r["id"]; ok {
		s.ID = f.schemaField(id, s, derived, cep.Text, cep.Number)
	}
	if seq, ok := r["seq"]; ok {
		s.Seq = f.schemaField(seq, s, derived, cep.Number)
	}
	all := &schema{Schema: s, fields: maps.Clone(s.Fields), derived: derived, unsure: !sure}
	f.derivedNames(e.Name, all)
	return all
}

// schemaFields reads `fields`: a type each, as text or as {type: T, pii: true}, and which
// are personal. A field whose type has a finding may be anything; ok is false where there may
// be more fields.
func (f *findings) schemaFields(n source.Node) (fields map[string]cep.Kind, personal []string, ok bool) {
	fields = map[string]cep.Kind{}
	entries, ok := f.Entries(n, "`fields`")
	ok = ok && len(entries) == len(n.YAML.Content)/2
	for _, e := range entries {
		switch {
		case e.Value.Empty():
			f.NoValue(n, e)
			fields[e.Name] = cep.Nil
		case e.Name == "":
			f.Add(e.Key.Place(), source.CodeName, "a field has no name", "write `name: type`")
			ok = false
		default:
			var pii bool
			fields[e.Name], pii = f.fieldType(e)
			if pii {
				personal = append(personal, e.Name)
			}
			ok = ok && !(e.Name == "derive" && fields[e.Name] == cep.Nil) // it may be meant to derive fields
		}
	}
	slices.Sort(personal)
	return fields, personal, ok
}

// fieldType reads the type of a field, and whether it is personal; Nil: it has a finding.
func (f *findings) fieldType(e source.Entry) (kind cep.Kind, pii bool) {
	value := e.Value
	if value.YAML.Kind == yaml.MappingNode {
		if e.Name == "derive" && !slices.ContainsFunc(value.Pairs(), func(e source.Entry) bool { return e.Name == "type" }) {
			f.Add(e.Key.Place(), source.CodeValue, "`derive` stands beside `fields`, not among them", "indent it as far as `fields`")
			return cep.Nil, pii
		}
		r, ok := f.Record(value, "the field "+source.Tick(e.Name), fieldKeys)
		pii = f.pii(r)
		t, said := r["type"]
		if !said {
			if ok && value.Lacks("type", fieldKeys) {
				f.Add(e.Key.Place(), source.CodeMissing, fmt.Sprintf("the field %s has no `type`", source.Tick(e.Name)), "a type is one of "+strings.Join(kindNames, ", "))
			}
			return cep.Nil, pii
		}
		value = t.Value
	}
	t, ok := f.Text(value, "the type of a field")
	if !ok {
		return cep.Nil, pii
	}
	kind, ok = fieldKinds[t.Value]
	switch {
	case !ok:
		hint := nearest.DidYouMean(t.Value, kindNames, "a type is one of "+strings.Join(kindNames, ", "))
		if other := kindWords[strings.ToLower(t.Value)]; other != "" {
			hint = "did you mean " + source.Tick(other) + "?"
		}
		f.Add(t.Place(), source.CodeValue, source.Tick(t.Value)+" is no type of a field", hint)
	case e.Name == defaultTime && kind != cep.Time:
		f.Add(t.Place(), source.CodeValue, "`ts` is the event time", "give it the type `time`, or the field another name")
	case e.Name == typeField && kind != cep.Text:
		f.Add(t.Place(), source.CodeValue, "`type` is the type of the event", "give it the type `string`, or the field another name")
	default:
		return kind, pii
	}
	return cep.Nil, pii
}

// pii reads whether a field is personal. Where that has a finding it is.
func (f *findings) pii(r map[string]source.Entry) bool {
	e, ok := r["pii"]
	if !ok {
		return false
	}
	t, ok := f.Text(e.Value, "`pii`")
	if ok && !slices.Contains(booleans, t.Value) {
		f.Add(t.Place(), source.CodeValue, source.Tick(t.Value)+" is no value of `pii`", choiceHint(t.Value, booleans))
	}
	return t.Value != "false"
}

// schemaTime reads `time`: a field, {field, unit} or `arrival`.
func (f *findings) schemaTime(n source.Node, s *cep.Schema, derived []*derived) {
	field := n
	if n.YAML.Kind == yaml.MappingNode {
		r, ok := f.Record(n, "`time`", timeKeys)
		if !ok {
			return
		}
		if u, ok := r["unit"]; ok {
			t, ok := f.Text(u.Value, "`unit`")
			unit, known := timeUnits[t.Value]
			if ok && !known {
				f.Add(t.Place(), source.CodeValue, source.Tick(t.Value)+" is no unit of an event time", "a unit is one of s, ms, us, ns")
			} else if ok {
				s.TimeUnit = unit
			}
		}
		named, ok := r["field"]
		if !ok {
			if n.Lacks("field", timeKeys) {
				f.Add(n.Place(), source.CodeMissing, "`time` has no `field`", "name the field that holds the event time")
			}
			return
		}
		field = named.Value
	}
	t, ok := f.Text(field, "`time`")
	if !ok {
		return
	}
	if t.Value == "arrival" && field.YAML == n.YAML {
		s.Arrival, s.Time = true, ""
		return
	}
	s.Time = t.Value
	if f.early(t, "time", derived) {
		return
	}
	meant := nearest.Name(t.Value, timeFields(s))
	kind, declared := fieldKind(s, t.Value)
	switch {
	case declared && kind != cep.Time && kind != cep.Nil:
		f.Add(t.Place(), source.CodeValue, fmt.Sprintf("the field %s of the event time is declared as %s", source.Tick(t.Value), kind), "declare it as `time`")
	case !declared && meant == "" && !strings.Contains(t.Value, "."):
		s.Fields[t.Value] = cep.Time
	case !declared:
		f.Add(t.Place(), source.CodeName, "there is no field "+source.Tick(t.Value), nearest.DidYouMean(t.Value, sortedKeys(s.Fields), "declare it under `fields`"))
	}
}

// timeFields lists the fields that may be the event time.
func timeFields(s *cep.Schema) []string {
	var names []string
	for _, name := range sortedKeys(s.Fields) {
		if k := s.Fields[name]; k == cep.Time || k == cep.Nil {
			names = append(names, name)
		}
	}
	return names
}

// schemaField reads the name of a declared field of one of some kinds.
func (f *findings) schemaField(e source.Entry, s *cep.Schema, derived []*derived, kinds ...cep.Kind) string {
	t, ok := f.Text(e.Value, source.Tick(e.Name))
	if !ok || f.early(t, e.Name, derived) {
		return ""
	}
	kind, declared := fieldKind(s, t.Value)
	if !declared {
		f.Add(t.Place(), source.CodeName, "there is no field "+source.Tick(t.Value), nearest.DidYouMean(t.Value, sortedKeys(s.Fields), "declare it under `fields`"))
		return ""
	}
	if kind != cep.Nil && !slices.Contains(kinds, kind) {
		f.Add(t.Place(), source.CodeValue, fmt.Sprintf("the field %s of `%s` is declared as %s", source.Tick(t.Value), e.Name, kind), fmt.Sprintf("it must be a %s", kinds[0]))
		return ""
	}
	return t.Value
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
	if k, ok := s.Fields[head]; ok && dotted && rest != "" && (k == cep.Map || k == cep.Nil) {
		return cep.Nil, true
	}
	return cep.Nil, false
}
