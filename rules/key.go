package rules

import (
	"slices"
	"strings"

	"weir/cep"
	"weir/rules/expr"

	"go.yaml.in/yaml/v4"
)

// key reads how the key of the rule is read from an event: a field, a list of
// fields, or NAME: {VARIABLE: FIELD}.
func (r *ruleCompiler) key() {
	e, ok := r.require(r.draft, "key")
	if !ok {
		return
	}
	if e.value.is(yaml.MappingNode) {
		r.keyByName(e.value)
		return
	}
	fields, good := r.list(e.value, "`key`")
	r.keyed = good
	for _, t := range fields {
		if slices.Contains(r.rule.Key.Names, t.value) {
			r.add(t.place(), CodeDuplicate, sprintf("the field %s stands twice in the key", tick(t.value)), "")
			r.keyed = false
			continue
		}
		if !r.keyName(t) || !r.draft.onGood || !r.keyField(t, r.events, true) {
			r.keyed = false
			continue
		}
		r.rule.Key.Names = append(r.rule.Key.Names, t.value)
		r.rule.Key.Fields = append(r.rule.Key.Fields, r.numbers.field(t.value))
	}
}

// keyName checks that what a key is called means nothing else.
func (r *ruleCompiler) keyName(t text) bool {
	head, _, _ := strings.Cut(t.value, ".")
	switch {
	case strings.ContainsAny(t.value, " \t\n\r") || slices.Contains(strings.Split(t.value, "."), ""):
		r.add(t.place(), CodeName, tick(t.value)+" is no path of a field", "a path is a name, or names joined by dots")
	case expr.Reserved(head):
		r.add(t.place(), CodeName, sprintf("%s is a word of the language, and a key is called like its field", tick(head)), "give the key another name: {NAME: {VARIABLE: "+t.value+"}}")
	default:
		return true
	}
	return false
}

// keyField checks that a field can be a key. every is whether each event type
// must have it: the rule would never see the events of one that has not.
func (r *ruleCompiler) keyField(t text, events *scope, every bool) bool {
	if _, _, ok := events.info(t.value); !ok {
		r.add(t.place(), CodeName, sprintf("there is no field %s in %s", tick(t.value), events.typeList()), didYouMean(t.value, events.names(), "declare it under `events`"))
		return false
	}
	for _, name := range events.types {
		schema := r.schemas[name]
		if schema == nil {
			continue
		}
		kind, has := fieldKind(schema, t.value)
		switch {
		case !has && every && !events.all:
			r.add(t.place(), CodeName, sprintf("events of type %s have no field %s, so the rule would never see them", tick(name), tick(t.value)),
				didYouMean(t.value, sortedKeys(schema.Fields), "take the type out of `on`, or name a field for each variable: {NAME: {VARIABLE: FIELD}}"))
			return false
		case has && (kind == cep.Time || kind == cep.List || kind == cep.Map):
			r.add(t.place(), CodeValue, sprintf("the field %s is a %s and cannot be a key", tick(t.value), kind), "a key is a string, a whole number or a bool")
			return false
		}
	}
	return true
}

// keyByName reads NAME: {VARIABLE: FIELD}.
func (r *ruleCompiler) keyByName(n node) {
	entries, _ := r.entries(n, "`key`")
	if len(entries) != len(n.n.Content)/2 {
		return
	}
	if len(entries) == 0 {
		r.add(n.place(), CodeMissing, "`key` is empty", "name a field, or write {NAME: {VARIABLE: FIELD}}")
		return
	}
	if len(entries) > 1 {
		r.add(entries[1].key.place(), CodeValue, "a key by variable has one name", "write key: {NAME: {VARIABLE: FIELD}}, or a list of fields")
		return
	}
	e := entries[0]
	name := text{e.key, e.name}
	switch {
	case !isName(e.name):
		r.add(name.place(), CodeName, tick(e.name)+" is no name for a key", nameForm)
		return
	case expr.Reserved(e.name):
		r.add(name.place(), CodeName, tick(e.name)+" is a word of the language", "give the key another name")
		return
	case e.value.empty():
		r.noValue(n, e)
		return
	}
	fields, ok := r.entries(e.value, "the key "+tick(e.name))
	r.byName = true
	r.rule.Key.Names = []string{e.name}
	if r.pattern == nil || !ok {
		return
	}
	r.keyed = len(fields) == len(e.value.n.Content)/2
	byName := map[string]cep.FieldID{}
	for _, f := range fields {
		if f.value.empty() {
			r.noValue(e.value, f)
			r.keyed = false
			continue
		}
		t, ok := r.text(f.value, "the key of "+tick(f.name))
		i := slices.Index(r.names(), f.name)
		switch {
		case !ok:
			r.keyed = false
		case i < 0:
			r.add(f.key.place(), CodeName, sprintf("the pattern has no name %s", tick(f.name)), didYouMean(f.name, r.names(), "remove it"))
			r.keyed = false
		case !r.defined:
		case !r.keyField(t, r.scopes[i], false):
			r.keyed = false
		default:
			byName[f.name] = r.numbers.field(t.value)
		}
	}
	for _, name := range r.rule.Names {
		if e.value.lacks(name.Text, keys{known: r.names()}) {
			r.add(e.key.place(), CodeMissing, sprintf("the key says no field for %s", tick(name.Text)), "every variable of the pattern has one, negated and until names too")
			r.keyed = false
		}
		r.rule.Key.ByName = append(r.rule.Key.ByName, byName[name.Text])
	}
}
