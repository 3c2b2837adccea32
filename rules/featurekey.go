package rules

import (
	"fmt"
	"slices"
	"strings"

	"weir/cep"
	"weir/rules/expr"
	"weir/rules/nearest"
	"weir/rules/source"

	"go.yaml.in/yaml/v4"
)

const featureKeyForms = "write a field, a list of fields, or {NAME: {TYPE: FIELD}}"

// featureKey reads what can be known of the key before its fields are numbered.
func (c *compiler) featureKey(d *featureDraft) {
	e, ok := c.need(d, "key", "name the field whose values the events are put together by")
	if !ok || !e.Value.Is(yaml.MappingNode) {
		return
	}
	entries, _ := c.Entries(e.Value, "`key`")
	switch {
	case len(entries) == 0:
		if len(e.Value.YAML.Content) == 0 {
			c.Add(e.Value.Place(), source.CodeMissing, "`key` is empty", featureKeyForms)
		}
		return
	case len(entries) > 1:
		c.Add(entries[1].Key.Place(), source.CodeValue, "a key by event type has one name", "write key: {NAME: {TYPE: FIELD}}, or a list of fields")
		return
	}
	name := entries[0]
	switch {
	case !isName(name.Name):
		c.Add(name.Key.Place(), source.CodeName, source.Tick(name.Name)+" is no name for a key", nameForm)
		return
	case expr.ReservedIn(expr.LangExpr, name.Name), expr.ReservedIn(expr.LangCEL, name.Name):
		c.Add(name.Key.Place(), source.CodeName, source.Tick(name.Name)+" is a word of the language", "give the key another name")
		return
	case name.Value.Empty():
		c.NoValue(e.Value, name)
		return
	}
	if name.Value.YAML.Kind == yaml.ScalarNode && !name.Value.Bad() {
		c.Add(name.Value.Place(), source.CodeValue, fmt.Sprintf("the key %s says no event types", source.Tick(name.Name)), featureKeyForms)
		return
	}
	fields, ok := c.Entries(name.Value, "the key "+source.Tick(name.Name))
	for _, f := range fields {
		if f.Value.Empty() {
			c.NoValue(name.Value, f)
		} else if c.typeName(f.KeyText()) {
			d.byType = append(d.byType, f)
		}
	}
	if ok {
		d.keys = []string{name.Name}
	}
}

// typeNames gives the event types that a feature names.
func (d *featureDraft) typeNames() []string {
	names := slices.Clone(d.feature.On)
	for _, f := range d.byType {
		names = append(names, f.Name)
	}
	return names
}

// keyOf compiles the key.
func (f *featureCompiler) keyOf() {
	d := f.draft
	e, ok := d.entries["key"]
	switch {
	case !ok:
	case e.Value.Is(yaml.MappingNode):
		f.keyByType(e)
	default:
		fields, ok := f.List(e.Value, "`key`")
		for _, t := range fields {
			switch {
			case slices.Contains(d.keys, t.Value):
				f.Add(t.Place(), source.CodeDuplicate, fmt.Sprintf("the field %s stands twice in the key", source.Tick(t.Value)), "")
				ok = false
			case !isFieldPath(t.Value):
				f.Add(t.Place(), source.CodeName, source.Tick(t.Value)+" is no path of a field", "a path is a name, or names joined by dots")
				ok = false
			case !f.keyFieldOf(t, f.events):
				ok = false
			default:
				d.keys = append(d.keys, t.Value)
				f.feature.Key.Fields = append(f.feature.Key.Fields, f.numbers.field(t.Value))
			}
		}
		if !ok {
			d.keys = nil
		}
	}
	f.feature.Key.Names = d.keys
}

// keyByType compiles NAME: {TYPE: FIELD}.
func (f *featureCompiler) keyByType(e source.Entry) {
	d := f.draft
	if d.keys == nil {
		return
	}
	if d.all {
		f.Add(e.Value.Place(), source.CodeValue, "a key by event type goes with event types that `on` names", "list them in `on`")
		return
	}
	f.feature.Key.ByType = map[cep.TypeID]cep.FieldID{}
	for _, entry := range d.byType {
		t, ok := f.Text(entry.Value, "the key of "+source.Tick(entry.Name))
		if !ok || !f.keyFieldOf(t, f.scopeOf([]string{entry.Name})) {
			continue
		}
		f.feature.ByType = append(f.feature.ByType, TypeField{entry.Name, t.Value})
		f.feature.Key.ByType[f.numbers.typeIDs[entry.Name]] = f.numbers.field(t.Value)
	}
	name := e.Value.Pairs()[0]
	for _, on := range d.on {
		if name.Value.Lacks(on.Value, source.Keys{Known: f.feature.On}) {
			f.Add(name.Key.Place(), source.CodeMissing, "the key says no field for the event type "+source.Tick(on.Value), "every type of `on` has one")
		}
	}
	for _, entry := range d.byType {
		if _, declared := f.schemas[entry.Name]; !declared && len(f.schemas) > 0 && !slices.Contains(f.feature.On, entry.Name) && !f.unsure.types {
			f.Add(entry.Key.Place(), source.CodeName, "there is no event type "+source.Tick(entry.Name), nearest.DidYouMean(entry.Name, d.typeNames()[:len(d.on)], "name a type of `on`, or one that is declared under `events`"))
		}
	}
}

func isFieldPath(path string) bool {
	return !strings.ContainsAny(path, " \t\n\r") && !slices.Contains(strings.Split(path, "."), "")
}

// keyFieldOf checks that the events of a scope have a field, and that it can be a key.
func (f *featureCompiler) keyFieldOf(t source.Text, events *scope) bool {
	if _, _, ok := events.info(t.Value); !ok {
		f.Add(t.Place(), source.CodeName, fmt.Sprintf("there is no field %s in %s", source.Tick(t.Value), events.typeList()), nearest.DidYouMean(t.Value, events.names(), "declare it under `events`"))
		return false
	}
	for _, name := range events.types {
		schema := f.schemas[name]
		if schema == nil {
			continue
		}
		kind, has := schema.kind(t.Value)
		switch {
		case !has && !events.all:
			f.Add(t.Place(), source.CodeName, fmt.Sprintf("events of type %s have no field %s, so the feature would never count them", source.Tick(name), source.Tick(t.Value)),
				nearest.DidYouMean(t.Value, sortedKeys(schema.fields), "take the type out of `on`, or name a field for each type: {NAME: {TYPE: FIELD}}"))
			return false
		case has && !isKeyKind(kind):
			f.Add(t.Place(), source.CodeValue, fmt.Sprintf("the field %s is a %s and cannot be a key", source.Tick(t.Value), kind), "a key is a string, a whole number or a bool")
			return false
		}
	}
	return true
}

// warnKeyless warns where a condition reads a feature by its bare name of events none
// of which has its key.
func (r *ruleCompiler) warnKeyless() {
	for _, e := range []*Expression{r.about.Where, r.about.Unless, r.about.When} {
		r.warnKeylessIn(e, r.events)
	}
	for i, n := range r.about.Names {
		r.warnKeylessIn(n.Where, r.scopes[i])
	}
}

func (r *ruleCompiler) warnKeylessIn(e *Expression, events *scope) {
	if e == nil || events.loose || events.all {
		return
	}
	for _, read := range uses(e).Features {
		f := r.compiled[read.Feature]
		if read.Other || r.misdeclared[f.Name] || slices.ContainsFunc(events.types, func(t string) bool { return r.mayHaveKey(f, t) }) {
			continue
		}
		key := source.Tick(strings.Join(f.Key.Names, ", "))
		r.Warn(e.Part(e.from+read.Pos, e.from+read.End), source.CodeRowless, fmt.Sprintf("%s is kept by %s, which events of type %s do not have: it is nil here", source.Tick(f.Name), key, events.typeList()),
			"write "+source.Tick(f.Name+"(FIELD"+strings.Repeat(", FIELD", len(f.Key.Names)-1)+")")+" for what is kept under other fields of the event")
	}
}

// mayHaveKey reports whether events of a type may have the key of a feature.
func (c *compiler) mayHaveKey(f *Feature, typ string) bool {
	if f.ByType != nil {
		return slices.ContainsFunc(f.ByType, func(by TypeField) bool { return by.Type == typ })
	}
	if _, match := alertOf(typ); match || c.schemas[typ] == nil {
		return true // a match has no features, of which warnRowless speaks
	}
	return !slices.ContainsFunc(f.Key.Names, func(field string) bool {
		_, has := c.schemas[typ].kind(field)
		return !has
	})
}
