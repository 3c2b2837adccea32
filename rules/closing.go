package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"weir/cep"
	"weir/cep/feature"
	"weir/nfa"
	"weir/rules/nearest"
	"weir/rules/source"

	"go.yaml.in/yaml/v4"
)

// closing makes the rule one that matches when a window of a feature ends: it has the
// types and the key of the feature.
func (r *ruleCompiler) closing() {
	r.listsSure = true
	r.events = &scope{numbers: r.numbers, loose: true} // unless the feature is known
	i, t, ok := r.featureAt("window_close")
	if !ok || !r.closes(r.compiled[i], t) {
		r.anyResult = true
		return
	}
	f := r.compiled[i]
	r.about.WindowClose, r.about.On = f, f.On
	r.rule.WindowClose = 1 + i
	r.rule.Types = r.numbers.ids(f.On)
	if !r.draft.disabled {
		f.Spec.Closes = true
	}
	r.events = &scope{schemas: r.schemas, numbers: r.numbers, types: f.On}
	if f.On == nil {
		r.events.all, r.events.types = true, sortedKeys(r.schemas)
	}
}

// featureForms say how a key of a rule that names a feature is written.
var featureForms = map[string]string{
	"window_close": "write `window_close: spent`, and ask what the window came to in `having: spent > 1000`",
	"evidence":     "write `evidence: spent`",
}

// featureAt finds the feature that a key of the rule names. Where it is not known, or
// has a finding of its own, ok is false.
func (r *ruleCompiler) featureAt(key string) (i int, t source.Text, ok bool) {
	e, ok := r.draft.entries[key]
	if !ok {
		return -1, t, false
	}
	if e.Value.YAML.Kind != yaml.ScalarNode && !e.Value.Bad() {
		r.Add(e.Value.Place(), source.CodeValue, source.Tick(key)+" is the name of a feature, not "+e.Value.Kind(), "name one that is declared under `features`")
		return -1, t, false
	}
	if t, ok = r.Text(e.Value, source.Tick(key)); !ok {
		return -1, t, false
	}
	if !isName(t.Value) {
		r.Add(t.Place(), source.CodeValue, source.Tick(key)+" is the name of a feature, and nothing else", featureForms[key])
		return -1, t, false
	}
	i = slices.IndexFunc(r.compiled, func(f *Feature) bool { return f.Name == t.Value })
	if i < 0 && !r.misdeclared[t.Value] && !r.unsure.names {
		var names []string
		for _, f := range r.compiled {
			names = append(names, f.Name)
		}
		r.Add(t.Place(), source.CodeName, "there is no feature "+source.Tick(t.Value), nearest.DidYouMean(t.Value, names, "name a feature that is declared under `features`"))
	}
	return i, t, i >= 0 && !r.misdeclared[t.Value]
}

// closes checks that the windows of a feature end for all to see, with a value that is
// known then.
func (r *ruleCompiler) closes(f *Feature, t source.Text) bool {
	const session = "; `session: 30m` ends when 30 minutes have passed without an event"
	w, name := &f.Spec.Window, source.Tick(f.Name)
	size := nfa.FormatDuration(time.Duration(w.Size))
	switch w.Shape {
	case feature.Sliding:
		r.Add(t.Place(), source.CodeValue, fmt.Sprintf("the window of %s, `over: %s`, moves on with every event and never ends", name, size),
			fmt.Sprintf("give the feature windows that end, `tumbling: %s`%s; or ask at every event: `when: %s > 5`", size, session, f.Name))
	case feature.Forever:
		r.Add(t.Place(), source.CodeValue, fmt.Sprintf("the window of %s, `over: forever`, never ends", name),
			"give the feature windows that end, like `tumbling: 1d`"+session)
	case feature.Hopping:
		r.Add(t.Place(), source.CodeValue, fmt.Sprintf("the windows of %s overlap: it is not known which of them ended", name),
			fmt.Sprintf("give the feature windows one after the other, `tumbling: %s`", size))
	default:
		if v := f.Spec.Value; v == feature.Seen || v == feature.SinceLast {
			r.Add(t.Place(), source.CodeValue, fmt.Sprintf("%s is `%s`: it says something of an event, and nothing of a window that has ended", name, oneLine(f.Value.Value)),
				"name a feature with the same window and another value, like count()")
			return false
		}
		return true
	}
	return false
}

// closingKey gives the rule the key of the feature whose windows end.
func (r *ruleCompiler) closingKey() {
	f := r.about.WindowClose
	if f == nil {
		return // it has a finding
	}
	if e, ok := r.draft.entries["key"]; ok && !e.Value.Bad() && !f.hasKey(e.Value) {
		r.Add(e.Value.Place(), source.CodeValue, fmt.Sprintf("the key of the rule is that of the feature %s, which is %s", source.Tick(f.Name), source.Tick(f.keyText())),
			"remove `key`, or make it the same")
	}
	k := &r.rule.Key
	k.Names = f.Key.Names
	if f.ByType == nil {
		for _, path := range f.Key.Names {
			k.Fields = append(k.Fields, r.numbers.field(path))
		}
		return
	}
	k.ByType = map[cep.TypeID]cep.FieldID{}
	for _, t := range f.ByType {
		k.ByType[r.numbers.typeIDs[t.Type]] = r.numbers.field(t.Field)
	}
}

// keyText is the key of a feature as it is written.
func (f *Feature) keyText() string {
	if f.ByType == nil {
		return keyText(f.Key.Names)
	}
	var fields []string
	for _, t := range f.ByType {
		fields = append(fields, t.Type+": "+t.Field)
	}
	return "{" + f.Key.Names[0] + ": {" + strings.Join(fields, ", ") + "}}"
}

// hasKey reports whether a key that is written is that of the feature.
func (f *Feature) hasKey(n source.Node) bool {
	if n.YAML.Kind != yaml.MappingNode {
		names := []string{n.YAML.Value}
		if n.YAML.Kind == yaml.SequenceNode {
			names = nil
			for _, item := range n.Items() {
				names = append(names, item.YAML.Value)
			}
		}
		return f.ByType == nil && slices.Equal(names, f.Key.Names)
	}
	entries := n.Pairs()
	if f.ByType == nil || len(entries) != 1 || entries[0].Name != f.Key.Names[0] {
		return false
	}
	fields := entries[0].Value.Pairs()
	return len(fields) == len(f.ByType) && !slices.ContainsFunc(fields, func(e source.Entry) bool {
		return !slices.Contains(f.ByType, TypeField{e.Name, e.Value.YAML.Value})
	})
}

// closedReads reports features of another key than the window that ended: there is no
// event that could say which of them is meant.
func (r *ruleCompiler) closedReads() {
	f := r.about.WindowClose
	if f == nil {
		return
	}
	for _, e := range r.about.expressions() {
		for _, use := range uses(&e).Features { // none where it has a finding
			of := r.compiled[use.Feature]
			if !r.misdeclared[of.Name] && !slices.Equal(of.Key.Names, f.Key.Names) {
				r.Add(e.Part(e.from+use.Pos, e.from+use.End), source.CodeExpression,
					fmt.Sprintf("%s is kept by %s, and the window that ends is of %s: there is no event here that would say which is meant", source.Tick(of.Name), source.Tick(of.keyText()), source.Tick(f.keyText())),
					"read features of the same key as "+source.Tick(f.Name))
			}
		}
	}
}

// evidence reads the feature whose latest events go into alerts.
func (r *ruleCompiler) evidence() {
	if r.form == byPattern {
		return // a pattern cannot have it
	}
	i, t, ok := r.featureAt("evidence")
	if !ok {
		return
	}
	f := r.compiled[i]
	if closed := r.about.WindowClose; closed != nil && !slices.Equal(f.Key.Names, closed.Key.Names) {
		r.Add(t.Place(), source.CodeValue, fmt.Sprintf("%s is kept by %s, and the window that ends is of %s", source.Tick(f.Name), source.Tick(f.keyText()), source.Tick(closed.keyText())),
			"name a feature of the same key, like "+source.Tick(closed.Name))
		return
	}
	r.rule.Evidence, r.about.Evidence = 1+i, f
}
