package rules

import (
	"cmp"
	"slices"
	"strings"

	"weir/cep"
)

// personal is which fields are personal, by event type and alert.RULE: those that a schema
// marks, and what is made of them.
type personal map[string][]string

// markPersonal tells of each rule what of its alerts is made of personal fields: parts of the
// key, measures and the message that read one, a derived field or a feature that reads one,
// or such a part of the matches of another rule.
func (c *compiler) markPersonal(set *Checked) {
	p := personal{}
	for _, name := range c.declared {
		s := c.schemas[name]
		if s == nil || len(s.Schema.Personal) == 0 {
			continue
		}
		p[name] = s.Schema.Personal
		own := personal{name: p[name]}
		for _, d := range s.derived { // in the order in which they read each other
			if own.readBy(d.about, nil, nil) {
				own[name] = append(slices.Clip(own[name]), d.Name)
			}
		}
		p[name] = slices.Sorted(slices.Values(own[name]))
		s.Schema.Personal = p[name]
	}
	if len(p) == 0 {
		return
	}
	features := map[string]bool{}
	for _, f := range set.Features {
		features[f.Name] = p.readBy(f.Where, nil, nil) || p.readBy(f.of, nil, nil)
	}
	// Those whose matches others read come first.
	inOrder := slices.SortedFunc(slices.Values(set.Rules), func(a, b *Rule) int {
		return cmp.Or(cmp.Compare(a.Layer, b.Layer), strings.Compare(a.ID, b.ID))
	})
	for _, r := range inOrder {
		names := []string{}
		for _, was := range append(c.wasOf(r), r) {
			was.Personal = p.of(was, features)
			names = append(names, personalNames(was)...)
		}
		if len(names) > 0 {
			slices.Sort(names)
			p[AlertPrefix+r.ID] = slices.Compact(names)
		}
	}
	for _, x := range c.formers { // of rules that are gone
		if x.why == "" && x.Drain {
			x.about.Personal = p.of(x.about, features)
		}
	}
}

// of is what of the alerts of a rule is personal.
func (p personal) of(r *Rule, features map[string]bool) cep.Personal {
	all := cep.Personal{Key: make([]bool, len(r.Key.Names)), Measures: make([]bool, len(r.Measures))}
	for i, name := range r.Key.Names {
		all.Key[i] = p.has(name) || slices.ContainsFunc(r.KeyFields, p.has)
		if w := r.WindowClose; w != nil {
			all.Key[i] = all.Key[i] || slices.ContainsFunc(w.ByType, func(t TypeField) bool { return p.has(t.Field) })
		}
	}
	// What is made of the key, or of measures before it, has their names in it.
	var words []string
	for i, name := range r.Key.Names {
		if all.Key[i] {
			words = append(words, name)
		}
	}
	for i := range r.Measures {
		if all.Measures[i] = p.readBy(&r.Measures[i], features, words); all.Measures[i] {
			words = append(words, r.Rule.Measures[i].Name)
		}
	}
	if m := r.Message; m != nil {
		for _, at := range m.Env.Lang.Placeholders(m.Value) {
			e := *m
			e.from, e.to = at[0], at[1]
			all.Message = all.Message || p.readBy(&e, features, words)
		}
	}
	return all
}

// personalNames are the fields of the matches of a rule that are personal.
func personalNames(r *Rule) (names []string) {
	for i, is := range r.Personal.Key {
		if is {
			names = append(names, r.Key.Names[i])
		}
	}
	for i, is := range r.Personal.Measures {
		if is {
			names = append(names, r.Rule.Measures[i].Name)
		}
	}
	return names
}

// readBy says whether an expression reads a personal field, a feature that does, or has one
// of some words; nil has nothing.
func (p personal) readBy(e *Expression, features map[string]bool, words []string) bool {
	if e == nil {
		return false
	}
	u := uses(e)
	for _, use := range u.Reads {
		if p.has(use.Path) {
			return true
		}
	}
	for _, use := range u.Features {
		if features[e.Env.Features[use.Feature].Name] {
			return true
		}
	}
	text := e.Value[e.from:e.end()]
	return slices.ContainsFunc(words, func(word string) bool { return wordIn(text, word) >= 0 })
}

// has says whether a path is personal in events of some type, or has a part that is, or is a
// part of one that is. Which types an expression can meet is not asked: too much is hidden
// rather than too little.
func (p personal) has(path string) bool {
	for _, paths := range p {
		if slices.ContainsFunc(paths, func(marked string) bool {
			return marked == path || strings.HasPrefix(marked, path+".") || strings.HasPrefix(path, marked+".")
		}) {
			return true
		}
	}
	return false
}
