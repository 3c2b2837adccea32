package ruletest

import (
	"fmt"
	"slices"

	"weir/cep/list"
	"weir/rules"
	"weir/rules/nearest"
	"weir/rules/source"

	"go.yaml.in/yaml/v4"
)

// givenList is the entries that a test gives a list, in place of those of its file.
type givenList struct {
	at      source.Entry
	entries []givenEntry
}

// givenEntry is an entry of a list as it was written.
type givenEntry struct {
	text  source.Text
	value source.Text // without a Node where the entry has none
}

// lists reads `lists`: for each list its entries, or a mapping of entries to values.
func (f *findings) lists(n source.Node) []givenList {
	entries, _ := f.Entries(n, "`lists`")
	var all []givenList
	for _, e := range entries {
		given := givenList{at: e}
		switch {
		case e.Value.Bad():
		case e.Value.Is(yaml.MappingNode):
			for _, p := range e.Value.Pairs() {
				if v, ok := f.Text(p.Value, "the value of "+source.Tick(p.Name)); ok {
					given.entries = append(given.entries, givenEntry{p.KeyText(), v})
				}
			}
		case e.Value.Is(yaml.SequenceNode):
			for _, item := range e.Value.Items() {
				if t, ok := f.Text(item, "an entry of the list "+source.Tick(e.Name)); ok {
					given.entries = append(given.entries, givenEntry{text: t})
				}
			}
		default:
			f.Add(e.Value.Place(), source.CodeValue, fmt.Sprintf("the entries of %s are a list or a mapping of entries to values, not %s", source.Tick(e.Name), e.Value.Kind()), "write "+e.Name+": [a, b], or {a: 1, b: 2}; `[]` if it is empty")
		}
		all = append(all, given)
	}
	return all
}

// entry makes an entry of a list of it.
func (g *givenEntry) entry(s list.Spec) (e list.Entry, at source.Text, err error) {
	e = list.Entry{Text: g.text.Value, Expires: list.Never}
	if _, err = s.Canonical(e.Text); err != nil {
		return e, g.text, err
	}
	if g.value.YAML == nil {
		return e, g.text, nil
	}
	e.Value, err = s.ParseValue(g.value.Value)
	return e, g.value, err
}

// given gives the entries of the test for the lists that there are.
func (t *Test) given(lists []*rules.List) map[string][]list.Entry {
	all := map[string][]list.Entry{}
	for _, g := range t.lists {
		i := slices.IndexFunc(lists, func(l *rules.List) bool { return l.Name == g.at.Name })
		if i < 0 {
			continue
		}
		entries := []list.Entry{}
		for _, e := range g.entries {
			if entry, _, err := e.entry(lists[i].Spec); err == nil {
				entries = append(entries, entry)
			}
		}
		all[g.at.Name] = entries
	}
	return all
}

// lists checks that the lists of the test are there, and can have their entries.
func (w *binder) lists() {
	for _, g := range w.b.test.lists {
		i := slices.IndexFunc(w.plain.Lists, func(l *rules.List) bool { return l.Name == g.at.Name })
		if i < 0 {
			var names []string
			for _, l := range w.plain.Lists {
				names = append(names, l.Name)
			}
			w.Add(g.at.Key.Place(), source.CodeName, "there is no list "+source.Tick(g.at.Name), nearest.DidYouMean(g.at.Name, names, "declare it under `lists` in the ruleset"))
			continue
		}
		for _, e := range g.entries {
			if _, at, err := e.entry(w.plain.Lists[i].Spec); err != nil {
				w.Add(at.Place(), source.CodeValue, err.Error(), "")
			}
		}
	}
}

// first is the place of the first thing that the test changes about the ruleset.
func (t *Test) first() source.Place {
	if len(t.params) > 0 {
		return t.params[0].at.Key.Place()
	}
	return t.lists[0].at.Key.Place()
}
