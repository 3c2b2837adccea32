package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"weir/cep/feature"
	"weir/nfa"
	"weir/rules/source"
)

// manyDays is how long a window may be before its events are too many to keep them
// all.
const manyDays = 7 * 24 * time.Hour

// reads says what the expressions of a ruleset read.
type reads struct {
	features map[string]bool
	lists    map[string]bool
	risks    map[string]bool
	own      map[string]bool // of one rule: features and risks
	others   []string        // features that it reads of another key
}

// among gives those of all whose name is in names.
func among[T any](all []T, names map[string]bool, name func(T) string) []T {
	var some []T
	for _, x := range all {
		if names[name(x)] {
			some = append(some, x)
		}
	}
	return some
}

// warnReads warns of features, lists and risks that nothing reads and of windows that
// keep too much, and notes what looks back for ever or at other keys.
func (c *compiler) warnReads(set *Checked) {
	if len(set.Features)+len(set.Lists)+len(set.Risks) == 0 {
		return
	}
	r := reads{features: map[string]bool{}, lists: map[string]bool{}, risks: map[string]bool{}, own: map[string]bool{}}
	for _, rule := range set.Rules {
		r.others = nil
		for _, e := range rule.expressions() {
			c.read(&r, e, rule)
		}
		for _, f := range []*Feature{rule.WindowClose, rule.Evidence} {
			if f != nil {
				r.features[f.Name], r.own[f.Name] = true, true
			}
		}
		rule.Features = among(set.Features, r.own, func(f *Feature) string { return f.Name })
		rule.Risks = among(set.Risks, r.own, func(r *Risk) string { return r.Name })
		clear(r.own)
	}
	for _, risk := range set.Risks {
		c.warnRisk(risk, r.risks[risk.Name], set.Rules)
	}
	for _, e := range c.derivedExpressions() {
		c.read(&r, e, nil)
	}
	for _, f := range set.Features {
		for _, e := range []*Expression{f.Where, f.of} {
			if e != nil {
				c.read(&r, *e, nil)
			}
		}
		c.warnFeature(f, r.features[f.Name])
	}
	for _, l := range set.Lists {
		if !r.lists[l.Name] {
			c.Warn(l.At.Place(), source.CodeUnusedName, "nothing reads the list "+source.Tick(l.Name), fmt.Sprintf("ask `in_list(%q, …)`, or remove it", l.Name))
		}
	}
}

// note says what is as it should be, and good to know.
func (c *compiler) note(at source.Place, code, msg string) {
	c.notes = append(c.notes, source.NewNote(at, code, msg))
}

// noteForever notes that a feature or risk (what) never forgets.
func (c *compiler) noteForever(name source.Text, what string) {
	c.note(name.Place(), source.CodeForever, fmt.Sprintf("the %s %s looks back for ever: a run that begins later has other values", what, source.Tick(name.Value)))
}

// sortNotes puts the notes in the order of the files.
func (c *compiler) sortNotes() {
	slices.SortStableFunc(c.notes, func(a, b source.Diagnostic) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// read notes what an expression reads; rule is nil if it is of a feature.
func (c *compiler) read(r *reads, e Expression, rule *Rule) {
	u := uses(&e)
	for _, l := range u.Lists {
		name := c.lists[l].Name
		r.lists[name] = true
	}
	for _, i := range u.Risks {
		name := c.risks[i].Name
		r.risks[name], r.own[name] = true, true
	}
	for _, f := range u.Features {
		name := c.features[f.Feature].Name
		r.features[name], r.own[name] = true, true
		if !f.Own && rule != nil && !rule.Disabled && !slices.Contains(r.others, name) {
			r.others = append(r.others, name)
			c.note(e.Part(e.from+f.Pos, e.from+f.End), source.CodeOtherKey, fmt.Sprintf("the rule reads %s of another key: with `--order eager` it reads what that key has when the event arrives, and no late event changes that; `--order watermark` puts events in order first", source.Tick(name)))
		}
	}
}

// warnFeature warns of a feature that nothing reads, or that keeps too much.
func (c *compiler) warnFeature(f *Feature, read bool) {
	if !read {
		c.Warn(f.At.Place(), source.CodeUnusedName, "nothing reads the feature "+source.Tick(f.Name), "read it by its name in a rule, or remove it")
	}
	w := &f.Spec.Window
	switch {
	case w.Shape == feature.Forever:
		c.noteForever(f.At, "feature")
	case w.Shape == feature.Sliding && w.Size > int64(manyDays) && f.Spec.Resolution == 0 && f.keepsEvents():
		c.Warn(f.At.Place(), source.CodeResolution, fmt.Sprintf("the feature %s keeps every event of %s for each key", source.Tick(f.Name), nfa.FormatDuration(time.Duration(w.Size))),
			fmt.Sprintf("write `resolution: %s`, which counts up to that much more and keeps sums instead of events; or shorten `over`", nfa.FormatDuration(stepOf(time.Duration(w.Size)))))
	}
}

// stepOf is a resolution that suits a window.
func stepOf(size time.Duration) time.Duration {
	const day = 24 * time.Hour
	for _, step := range []time.Duration{time.Hour, 6 * time.Hour, day} {
		if size/step <= 200 {
			return step
		}
	}
	return 7 * day
}

// keepsEvents reports whether the feature keeps something of every event in its
// window, which a resolution would make less.
func (f *Feature) keepsEvents() bool {
	switch f.Spec.Value {
	case feature.Count, feature.Rate, feature.Sum, feature.Mean, feature.Stddev, feature.First:
		return true
	}
	return false
}

// expressions lists the expressions of a rule; of the message, those in it.
func (r *Rule) expressions() []Expression {
	var all []Expression
	add := func(e *Expression) {
		if e != nil {
			all = append(all, *e)
		}
	}
	add(r.Where)
	for i := range r.Names {
		add(r.Names[i].Where)
	}
	add(r.Unless)
	add(r.Having)
	for i := range r.Measures {
		add(&r.Measures[i])
	}
	add(r.Score)
	if m := r.Message; m != nil {
		for _, p := range m.Env.Lang.Placeholders(m.Value) {
			e := *m
			e.from, e.to = p[0], p[1]
			all = append(all, e)
		}
	}
	return all
}

// end is where the expression ends in its text.
func (e *Expression) end() int {
	if e.to == 0 {
		return len(e.Value)
	}
	return e.to
}
