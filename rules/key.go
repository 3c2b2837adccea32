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

// key reads how the key of the rule is read from an event: a field, a list of
// fields, or NAME: {VARIABLE: FIELD}.
func (r *ruleCompiler) key() {
	if r.form == byClose {
		r.closingKey()
		return
	}
	if !r.draft.has("key") && r.draft.has("window_close") { // of two forms, which has a finding
		r.anyResult = true
		return
	}
	e, ok := r.require(r.draft, "key")
	if !ok {
		r.anyResult = true
		r.anyName = r.anyName || r.draft.misspeltMapping()
		return
	}
	if e.Value.Is(yaml.MappingNode) {
		r.keyByName(e.Value)
		return
	}
	fields, sure := r.List(e.Value, "`key`")
	r.anyResult = r.anyResult || !sure
	for _, t := range fields {
		if slices.Contains(r.rule.Key.Names, t.Value) {
			r.Add(t.Place(), source.CodeDuplicate, fmt.Sprintf("the field %s stands twice in the key", source.Tick(t.Value)), "")
			continue
		}
		if !r.keyName(t) {
			r.suspectKey(t.Value)
			continue
		}
		if !r.keyField(t, r.events, true) {
			r.suspectKey(t.Value)
		}
		r.rule.Key.Names = append(r.rule.Key.Names, t.Value)
		r.rule.Key.Fields = append(r.rule.Key.Fields, r.numbers.field(t.Value))
	}
}

// misspeltMapping says whether the rule has a mapping under a key that there is
// not, which may be a key by variable.
func (d *draft) misspeltMapping() bool {
	return slices.ContainsFunc(d.at.Pairs(), func(e source.Entry) bool {
		return e.Value.YAML.Kind == yaml.MappingNode && !slices.Contains(ruleKeys.Known, e.Name)
	})
}

// suspectKey notes that a part of the key has another name than it should: what
// reads the right one is not wrong.
func (r *ruleCompiler) suspectKey(name string) {
	r.suspects[name] = true
	if r.events.declares(name) {
		return
	}
	if meant := nearest.Meant(name, r.events.names()); meant != "" {
		r.suspects[meant] = true
	} else {
		r.anyResult = true
	}
}

// keyName checks that what a key is called means nothing else.
func (r *ruleCompiler) keyName(t source.Text) bool {
	head, _, _ := strings.Cut(t.Value, ".")
	switch {
	case strings.ContainsAny(t.Value, " \t\n\r") || slices.Contains(strings.Split(t.Value, "."), ""):
		r.Add(t.Place(), source.CodeName, source.Tick(t.Value)+" is no path of a field", "a path is a name, or names joined by dots")
	case r.isFeature(t.Value) && !r.events.declares(t.Value): // a feature called like a declared field has a finding
		r.Add(t.Place(), source.CodeName, source.Tick(t.Value)+" is a feature, and a key is called like its field", "give the feature another name")
	case r.isRisk(t.Value) && !r.events.declares(t.Value):
		r.Add(t.Place(), source.CodeName, source.Tick(t.Value)+" is a risk, and a key is called like its field", "give the risk another name")
	case expr.ReservedIn(r.lang, head):
		r.Add(t.Place(), source.CodeName, fmt.Sprintf("%s is a word of the language, and a key is called like its field", source.Tick(head)), "give the key another name: {NAME: {VARIABLE: "+t.Value+"}}")
	default:
		return true
	}
	return false
}

// isKeyKind reports whether a value of a kind can be a key; of kind Nil it may be any.
func isKeyKind(k cep.Kind) bool {
	return k == cep.Nil || k == cep.Text || k == cep.Number || k == cep.Bool
}

// keyField checks that a field can be a key. every is whether each event type
// must have it: the rule would never see the events of one that has not.
func (r *ruleCompiler) keyField(t source.Text, events *scope, every bool) bool {
	if _, _, ok := events.info(t.Value); !ok {
		r.Add(t.Place(), source.CodeName, fmt.Sprintf("there is no field %s in %s", source.Tick(t.Value), events.typeList()), nearest.DidYouMean(t.Value, events.names(), events.declareHint()))
		return false
	}
	for _, name := range events.types {
		schema := r.schemas[name]
		if schema == nil {
			continue
		}
		kind, has := schema.kind(t.Value)
		switch {
		case !has && every && !events.all:
			hint := "take the type out of `on`, or name a field for each variable: {NAME: {VARIABLE: FIELD}}"
			if id, matches := alertOf(name); matches {
				hint = fmt.Sprintf("give the rule %s a measure of that name, or name a field for each variable: {NAME: {VARIABLE: FIELD}}", source.Tick(id))
			}
			r.Add(t.Place(), source.CodeName, fmt.Sprintf("events of type %s have no field %s, so the rule would never see them", source.Tick(name), source.Tick(t.Value)),
				nearest.DidYouMean(t.Value, sortedKeys(schema.fields), hint))
			return false
		case has && !isKeyKind(kind):
			r.Add(t.Place(), source.CodeValue, fmt.Sprintf("the field %s is a %s and cannot be a key", source.Tick(t.Value), kind), "a key is a string, a whole number or a bool")
			return false
		}
	}
	return true
}

// keyByName reads NAME: {VARIABLE: FIELD}.
func (r *ruleCompiler) keyByName(n source.Node) {
	entries, _ := r.Entries(n, "`key`")
	r.byName = true
	if len(entries) == 0 {
		r.anyName = true
		if len(n.YAML.Content) == 0 {
			r.Add(n.Place(), source.CodeMissing, "`key` is empty", "name a field, or write {NAME: {VARIABLE: FIELD}}")
		}
		return
	}
	r.anyName = r.anyName || len(entries) != len(n.YAML.Content)/2
	if len(entries) > 1 {
		r.Add(entries[1].Key.Place(), source.CodeValue, "a key by variable has one name", "write key: {NAME: {VARIABLE: FIELD}}, or a list of fields")
		for _, e := range entries[1:] {
			r.suspects[e.Name] = true
		}
	}
	e := entries[0]
	name := e.KeyText()
	switch {
	case !isName(e.Name):
		r.Add(name.Place(), source.CodeName, source.Tick(e.Name)+" is no name for a key", nameForm)
		r.anyName = true
	case expr.ReservedIn(r.lang, e.Name):
		r.Add(name.Place(), source.CodeName, source.Tick(e.Name)+" is a word of the language", "give the key another name")
		r.anyName = true
	case r.isFeature(e.Name):
		r.Add(name.Place(), source.CodeName, source.Tick(e.Name)+" is a feature", "give the key another name")
		r.anyName = true
	case r.isRisk(e.Name):
		r.Add(name.Place(), source.CodeName, source.Tick(e.Name)+" is a risk", "give the key another name")
		r.anyName = true
	default:
		r.rule.Key.Names = []string{e.Name}
	}
	if e.Value.Empty() {
		r.NoValue(n, e)
		return
	}
	fields, ok := r.Entries(e.Value, "the key "+source.Tick(e.Name))
	if ok {
		r.keyFields(e, fields)
	}
}

// nowhere says that there is no variable of a name.
func (r *ruleCompiler) nowhere(name string) string {
	if r.form == byWhen {
		return fmt.Sprintf("there is no variable %s: what a rule with `when` captures is called %s", source.Tick(name), source.Tick(eventVar))
	}
	return "the pattern has no name " + source.Tick(name)
}

// keyFields reads the field of each variable of a key.
func (r *ruleCompiler) keyFields(e source.Entry, fields []source.Entry) {
	byName := map[string]cep.FieldID{}
	misnamed := false
	for _, f := range fields {
		if f.Value.Empty() {
			r.NoValue(e.Value, f)
			continue
		}
		t, ok := r.Text(f.Value, "the key of "+source.Tick(f.Name))
		i := slices.Index(r.names(), f.Name)
		switch {
		case i < 0 && r.pattern != nil:
			hint := "remove it"
			if misnamed = r.form == byWhen && len(fields) == 1; misnamed {
				hint = "write key: {" + e.Name + ": {" + eventVar + ": " + t.Value + "}}"
			}
			r.Add(f.Key.Place(), source.CodeName, r.nowhere(f.Name), nearest.DidYouMean(f.Name, r.names(), hint))
		case ok && i >= 0 && r.keyField(t, r.scopes[i], false):
			byName[f.Name] = r.numbers.field(t.Value)
		}
	}
	if r.pattern == nil {
		return
	}
	for _, name := range r.rule.Names {
		if !misnamed && e.Value.Lacks(name.Text, source.Keys{Known: r.names()}) {
			hint := "every variable of the pattern has one, negated and until names too"
			if r.form == byWhen {
				hint = "write key: {" + e.Name + ": {" + name.Text + ": FIELD}}"
			}
			r.Add(e.Key.Place(), source.CodeMissing, fmt.Sprintf("the key says no field for %s", source.Tick(name.Text)), hint)
		}
		r.rule.Key.ByName = append(r.rule.Key.ByName, byName[name.Text])
	}
}
