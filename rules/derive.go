package rules

import (
	"fmt"
	"maps"
	"slices"

	"weir/cep"
	"weir/rules/expr"
	"weir/rules/source"
)

// derived is a field of an event type that is worked out of others.
type derived struct {
	source.Entry
	text   source.Text // its expression; of an empty text nothing is known
	about  *Expression // nil: nothing is known
	misses bool        // an event may be without it
}

// Derived is a derived field with what the tools that speak of it need.
type Derived struct {
	Type, Name string
	Of         Expression // what it is derived by
}

// derived reads `derive` without a look at what its expressions say. It is not sure
// where there may be others.
func (f *findings) derived(n source.Node, r map[string]source.Entry) (list []*derived, sure bool) {
	e, ok := r["derive"]
	if !ok {
		return nil, !doubtful(n, "derive", schemaKeys)
	}
	entries, ok := f.Entries(e.Value, "`derive`")
	sure = ok && len(entries) == len(e.Value.YAML.Content)/2
	for _, e := range entries {
		d := &derived{Entry: e}
		if e.Value.Empty() {
			f.NoValue(n, e)
		} else if t, ok := f.Text(e.Value, "the derived field "+source.Tick(e.Name)); ok {
			d.text = t
		}
		list = append(list, d)
	}
	return list, sure
}

// early reports a derived field in place of one that is read before there are any.
func (f *findings) early(t source.Text, key string, list []*derived) bool {
	if !slices.ContainsFunc(list, func(d *derived) bool { return d.Name == t.Value }) {
		return false
	}
	f.Add(t.Place(), source.CodeValue, fmt.Sprintf("%s is derived, and `%s` is read before fields are derived", source.Tick(t.Value), key), "name a field of `fields`")
	return true
}

// derivedNames adds the derived fields to those of a type, each with a name that means
// nothing else.
func (f *findings) derivedNames(typ string, s *schema) {
	for _, d := range s.derived {
		msg, hint := "", "give the derived field another name"
		_, declared := s.Schema.Fields[d.Name]
		switch {
		case declared:
			msg = fmt.Sprintf("%s is a field of the event type %s already", source.Tick(d.Name), source.Tick(typ))
		case !isName(d.Name):
			msg, hint = source.Tick(d.Name)+" is no name for a derived field", nameForm
		case expr.ReservedIn(expr.LangExpr, d.Name), expr.ReservedIn(expr.LangCEL, d.Name):
			msg = source.Tick(d.Name) + " is a word of the language"
		}
		if msg != "" {
			f.Add(d.Key.Place(), source.CodeName, msg, hint)
		}
		if !declared {
			s.fields[d.Name] = cep.Nil
		}
	}
}

// derive finds out what the derived fields of all types are, and what is wrong with
// them.
func (c *compiler) derive() {
	for _, name := range c.declared {
		if c.schemas[name] == nil {
			continue
		}
		for i, d := range c.schemas[name].derived {
			if !isName(d.Name) {
				c.misdeclared[d.Name] = true
			}
			if d.text.Value != "" {
				_, kind, sound := c.derivedField(name, i, newNumbering(nil), nil)
				if sound {
					c.schemas[name].fields[d.Name] = kind
				}
			}
		}
	}
}

// derivedField compiles a derived field: the one with number i of a type.
func (c *compiler) derivedField(typ string, i int, numbers *numbering, faults *cep.FaultCount) (eval func(*cep.Scope) cep.Value, kind cep.Kind, sound bool) {
	s := c.schemas[typ]
	d := s.derived[i]
	above := &schema{Schema: s.Schema, fields: maps.Clone(s.Schema.Fields), derived: s.derived[:i]}
	for _, a := range above.derived {
		if _, declared := s.Schema.Fields[a.Name]; !declared {
			above.fields[a.Name] = s.fields[a.Name]
		}
	}
	events := &scope{schemas: schemas{typ: above}, numbers: numbers, types: []string{typ}, known: sortedKeys(above.fields)}
	r := c.outside(numbers, faults)
	env := r.env(d.Name, events, true)
	env.Before = true
	sound = r.compile(d.text, env, func(text string, env expr.Env) (err error) {
		eval, kind, err = expr.CompileOf(text, env, "a field")
		return c.below(err, s.derived[i:], d)
	}, events)
	if sound {
		d.about = &Expression{Text: d.text, Env: env}
		d.misses = expr.MayBeNil(d.text.Value, env, func(f expr.FieldOf) bool { return !events.has(f.Path) })
	}
	return eval, kind, sound
}

// below says of names in err that they are those of derived fields which stand below
// the one that reads them.
func (c *compiler) below(err error, rest []*derived, reader *derived) error {
	e, ok := err.(*expr.Error)
	if !ok {
		return err
	}
	for _, e := range append([]*expr.Error{e}, e.More...) {
		for _, d := range rest {
			switch {
			case e.Msg != "unknown name "+source.Tick(d.Name):
			case d == reader:
				e.Msg, e.Hint = source.Tick(d.Name)+" is what is derived here", "read other fields"
			case wordIn(d.text.Value, reader.Name) >= 0:
				e.Msg, e.Hint = fmt.Sprintf("%s and %s are derived of each other", source.Tick(reader.Name), source.Tick(d.Name)), "let one of them read other fields only"
			default:
				e.Msg, e.Hint = source.Tick(d.Name)+" is derived below", "a derived field reads those above it: move "+source.Tick(d.Name)+" up"
			}
		}
	}
	return e
}

// derivedOf compiles the derived fields of a type that something reads.
func (c *compiler) derivedOf(typ string, numbers *numbering) []cep.Derived {
	s := c.schemas[typ]
	if s == nil {
		return nil
	}
	var list []cep.Derived
	for i, d := range slices.Backward(s.derived) {
		field, read := numbers.fieldIDs[d.Name]
		if !read || d.text.Value == "" {
			continue
		}
		faults := &cep.FaultCount{}
		eval, _, _ := c.derivedField(typ, i, numbers, faults)
		list = append(list, cep.Derived{Field: field, Eval: eval, Faults: faults})
	}
	slices.Reverse(list)
	return list
}

// derivedExpressions lists what fields are derived by.
func (c *compiler) derivedExpressions() []Expression {
	var list []Expression
	for _, name := range c.declared {
		if s := c.schemas[name]; s != nil {
			for _, d := range s.derived {
				list = append(list, *d.about)
			}
		}
	}
	return list
}

// tellDerived notes which derived fields rules read, and which lists these and features
// look into.
func (c *compiler) tellDerived(set *Checked) {
	for _, r := range set.Rules {
		names, lists := map[string]bool{}, map[string]bool{}
		look := func(u expr.Uses) {
			for _, l := range u.Lists {
				lists[c.lists[l].Name] = true
			}
		}
		read := func(e *Expression) {
			if e != nil {
				u := uses(e)
				look(u)
				for _, use := range u.Reads {
					names[use.Path] = true
				}
			}
		}
		for _, e := range r.expressions() {
			read(&e)
		}
		types := r.On
		for _, f := range r.Features {
			read(f.Where)
			read(f.of)
			types = append(slices.Clip(types), f.On...)
			for _, k := range f.Key.Names {
				names[k] = true
			}
			for _, t := range f.ByType {
				names[t.Field] = true
			}
		}
		for _, k := range slices.Concat(r.Key.Names, r.KeyFields) {
			names[k] = true
		}
		if r.On == nil && r.WindowClose == nil {
			types = c.declared
		}
		r.Derived = c.derivedAmong(types, names)
		for _, d := range r.Derived {
			look(uses(&d.Of))
		}
		r.Lists = among(set.Lists, lists, func(l *List) string { return l.Name })
	}
}

// derivedAmong gives the derived fields of some types that are read under some names, and
// those that they read.
func (c *compiler) derivedAmong(types []string, names map[string]bool) []Derived {
	var all []Derived
	types = slices.Compact(slices.Sorted(slices.Values(types)))
	for _, t := range types {
		s := c.schemas[t]
		if s == nil {
			continue
		}
		own, first := maps.Clone(names), len(all)
		for _, d := range slices.Backward(s.derived) {
			if own[d.Name] {
				all = append(all, Derived{t, d.Name, *d.about})
				for _, use := range uses(d.about).Reads {
					own[use.Path] = true
				}
			}
		}
		slices.Reverse(all[first:])
	}
	return all
}
