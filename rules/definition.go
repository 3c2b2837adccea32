package rules

import (
	"fmt"
	"slices"
	"strings"

	"weir/rules/nearest"
	"weir/rules/source"

	"go.yaml.in/yaml/v4"
)

// definition is an entry of `define`.
type definition struct {
	source.Entry
	bare  bool          // nothing, or a mapping without `type`: the type is the name's own
	types []source.Text // declared types
	where *source.Text  // condition; nil: none
	sure  bool          // the types are known
}

// typeNames gives the names of the event types that a definition is limited to.
func (d *definition) typeNames() []string {
	if d.bare {
		return []string{d.Name}
	}
	var names []string
	for _, t := range d.types {
		names = append(names, t.Value)
	}
	return names
}

// define reads the entries of `define`; not sure where there may be others.
func (f *findings) define(n source.Node) (list []definition, sure bool) {
	entries, sure := f.Entries(n, "`define`")
	for _, e := range entries {
		list = append(list, f.definition(n, e))
	}
	return list, sure && len(entries) == len(n.YAML.Content)/2
}

func (f *findings) definition(n source.Node, e source.Entry) definition {
	d := definition{Entry: e, sure: true}
	switch {
	case e.Value.Bad():
		d.sure = false
	case e.Value.Empty() && n.YAML.Style&yaml.FlowStyle != 0:
		f.NoValue(n, e)
		d.sure = false
	case e.Value.Empty():
		d.bare = true
	case e.Value.YAML.Kind == yaml.MappingNode:
		f.typed(&d)
	default:
		if t, ok := f.Text(e.Value, "the condition of "+source.Tick(e.Name)); ok {
			d.where = &t
		}
	}
	return d
}

// typed reads a definition {type: T, where: CONDITION}.
func (f *findings) typed(d *definition) {
	r, ok := f.Record(d.Value, "the definition of "+source.Tick(d.Name), definitionKeys)
	d.sure = ok && !doubtful(d.Value, "type", definitionKeys)
	if t, ok := r["type"]; ok {
		d.types, d.sure = f.List(t.Value, "`type`")
		for _, t := range d.types {
			d.sure = f.readable(t) && d.sure
		}
	}
	d.bare = d.Value.Lacks("type", definitionKeys)
	if w, ok := r["where"]; ok {
		if t, ok := f.Text(w.Value, "`where`"); ok {
			d.where = &t
		}
	}
}

// definition gives the definition of a name of the pattern.
func (r *ruleCompiler) definition(name string) *definition {
	for i := range r.draft.define {
		if r.draft.define[i].Name == name {
			return &r.draft.define[i]
		}
	}
	return nil
}

// definitions checks that `define` says what each name of the pattern is.
func (r *ruleCompiler) definitions() {
	d := r.draft
	e, ok := d.entries["define"]
	if r.pattern != nil {
		e, ok = r.require(d, "define")
	}
	for _, n := range r.rule.Names {
		def := r.definition(n.Text)
		if def == nil {
			r.scopes = append(r.scopes, &scope{loose: true})
			if r.pattern != nil && ok && d.defineSure && e.Value.Lacks(n.Text, source.Keys{Known: r.names()}) {
				r.Add(r.nameAt(n), source.CodeMissing, fmt.Sprintf("%s has no entry in `define`", source.Tick(n.Text)), fmt.Sprintf("say what it is: `%s: CONDITION`", n.Text))
			}
			r.faulty["define"] = true
			continue
		}
		r.scopes = append(r.scopes, r.scopeOfDefinition(def))
	}
	if r.pattern == nil {
		return
	}
	for i := range d.define {
		def := &d.define[i]
		if slices.Contains(r.names(), def.Name) {
			continue
		}
		r.suspects[def.Name] = true
		if isName(def.Name) || def.sure {
			r.Add(def.Key.Place(), source.CodeName, fmt.Sprintf("the pattern has no name %s", source.Tick(def.Name)), nearest.DidYouMean(def.Name, r.names(), "use it in `pattern` or remove it"))
		}
	}
}

// scopeOfDefinition gives the events that a name can be.
func (r *ruleCompiler) scopeOfDefinition(d *definition) *scope {
	if !d.sure {
		return &scope{loose: true}
	}
	before := r.Count()
	if r.draft.onSure {
		r.watch("define", func() { r.typesOf(d) })
	}
	if r.Count() > before {
		return r.eitherScope(d)
	}
	return r.scopeOf(d.typeNames())
}

// eitherScope gives the events that a name with a wrong type may be meant to be: of
// that type, or of those that the rule is on.
func (r *ruleCompiler) eitherScope(d *definition) *scope {
	s := r.scopeOf(nil)
	s.types, s.either = append(d.typeNames(), s.types...), true
	return s
}

// typesOf checks the event types of a definition: the rule must be on them.
func (r *ruleCompiler) typesOf(d *definition) {
	at := make([]source.Place, 0, 1)
	if d.bare {
		at = append(at, d.Key.Place())
	}
	for _, t := range d.types {
		at = append(at, t.Place())
	}
	for i, t := range d.typeNames() {
		_, declared := r.schemas[t]
		hint := ""
		switch {
		case r.draft.all && strings.HasPrefix(t, AlertPrefix):
			r.Add(at[i], source.CodeName, fmt.Sprintf("`*` stands for all event types, and %s for the matches of a rule", source.Tick(t)), "list the event types in `on`, and "+source.Tick(t)+" with them")
		case r.draft.all && (len(r.declared) == 0 || declared || r.onTypes[t] || r.unsure.types):
			continue
		case r.draft.all:
			hint = nearest.DidYouMean(t, r.declared, "declare it under `events`, or name it in `on`")
			r.Add(at[i], source.CodeName, "there is no event type "+source.Tick(t), hint)
		case slices.ContainsFunc(r.draft.on, func(on source.Text) bool { return on.Value == t }):
			continue
		default:
			var on []string
			for _, t := range r.draft.on {
				on = append(on, t.Value)
			}
			if hint = nearest.DidYouMean(t, on, "add it to `on`"); d.bare {
				hint = fmt.Sprintf("without a type %s means the type of that name; write `%s: CONDITION`, or `%s: {type: T}`", source.Tick(d.Name), d.Name, d.Name)
			}
			r.Add(at[i], source.CodeName, fmt.Sprintf("the rule is not on the event type %s", source.Tick(t)), hint)
		}
	}
}
