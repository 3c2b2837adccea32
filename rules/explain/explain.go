// Package explain puts compiled rules in plain English: what a rule looks at, what
// it matches, within which time, and what follows from a match. The words are made
// of the rule as it was compiled, so they say what runs.
package explain

import (
	"slices"
	"strconv"
	"strings"

	"weir/nfa"
	"weir/rules"
	"weir/rules/source"
)

// Rule puts a rule in words: lines of at most 90 columns where the texts of the
// rule allow it. The warnings among findings that lie in the rule stand at its end.
func Rule(r *rules.Rule, findings []source.Diagnostic) string {
	w := writer{rule: r}
	w.head()
	switch {
	case r.WindowClose != nil:
		w.close()
		w.reads()
	case r.When != nil:
		w.when()
		w.reads()
	default:
		w.match()
		w.definitions()
		w.reads()
		w.limits()
	}
	w.outcome()
	w.warnings(Warnings(r, findings))
	return w.String()
}

// writer writes the words of one rule.
type writer struct {
	page
	rule *rules.Rule
}

// head says what the rule is called, what it is for, and whether it acts.
func (w *writer) head() {
	r := w.rule
	title := r.ID
	if r.Title != "" {
		title += ": " + plain(r.Title)
	}
	w.paragraph(0, "", title)
	w.blank()
	if r.Description != "" {
		w.paragraph(0, "", plain(r.Description))
		w.blank()
	}
	switch {
	case r.Disabled:
		w.paragraph(0, "", "The rule is disabled: it is checked, but not run.")
		w.blank()
	case r.Shadow:
		w.paragraph(0, "", "The rule is in shadow: its alerts are recorded and marked, and nobody is told.")
		w.blank()
	}
}

// match says what the rule looks at and for.
func (w *writer) match() {
	r := w.rule
	w.paragraph(0, "", w.among()+", the rule looks for this:")
	w.blank()
	t := teller{names: r.Pattern.Names(), options: r.Options}
	w.steps(2, t.pattern(r.Pattern.Root))
	w.blank()
}

// among says which events the rule sees.
func (w *writer) among() string {
	r := w.rule
	text := "For each " + w.key() + ", among " + w.events(r.On)
	if r.Where != nil {
		text += " where " + expression(r.Where, r.Params)
	}
	return text
}

// events names event types.
func (w *writer) events(types []string) string {
	if types == nil {
		return "events of every type"
	}
	return kinds(types, "events of type ", "matches of the rule ")
}

// key says what the events of a match have in common.
func (w *writer) key() string {
	r := w.rule
	if r.KeyFields == nil && len(r.Key.Names) > 1 {
		return "combination of " + list(ticked(r.Key.Names), "and")
	}
	if r.KeyFields == nil {
		return tick(r.Key.Names[0])
	}
	if r.When != nil {
		return tick(r.Key.Names[0]) + " (the field " + tick(r.KeyFields[0]) + ")"
	}
	var fields []string
	for i, n := range r.Pattern.Names() {
		fields = append(fields, tick(r.KeyFields[i])+" of "+tick(n.Text))
	}
	return tick(r.Key.Names[0]) + " (the field " + list(fields, "and") + ")"
}

// steps writes the parts of a pattern, those inside others further in.
func (w *writer) steps(indent int, steps []step) {
	for _, s := range steps {
		w.paragraph(indent, s.mark, s.text)
		in := indent
		if s.mark != "" {
			in += len(s.mark) + 1
		}
		w.steps(in, s.subs)
	}
}

// definitions says what the names of the pattern stand for.
func (w *writer) definitions() {
	r := w.rule
	for i, n := range r.Pattern.Names() {
		w.paragraph(0, "", tick(n.Text)+" is "+w.definition(&r.Names[i]))
	}
	text := "The pattern is " + tick(plain(r.Pattern.Text))
	if params := used(r.Pattern.Text, r.Params); params != "" {
		text += ", where " + params
	}
	w.paragraph(0, "", text+".")
	w.blank()
}

func (w *writer) definition(d *rules.Definition) string {
	always := d.Where == nil || strings.TrimSpace(d.Where.Value) == "true"
	text := "an event"
	switch {
	case d.Types != nil:
		text = kinds(d.Types, "an event of type ", "a match of the rule ")
	case always:
		text = "any event"
	case w.rule.On == nil:
		text += " of any type"
	case len(w.rule.On) > 1:
		text += " of any of these types"
	}
	if !always {
		text += " where " + expression(d.Where, w.rule.Params)
	}
	return text + "."
}

// limits says when the rule stops looking, and what matches do to each other.
func (w *writer) limits() {
	r := w.rule
	o := r.Options
	var text []string
	say := func(s ...string) { text = append(text, strings.Join(s, "")) }
	if o.Within > 0 {
		say("All within ", span(o.Within), ": the last event comes less than that after the first.")
	} else {
		say("No window bounds the whole: what has no other bound is waited for without end.")
	}
	if o.Gap > 0 {
		say("Where no other bound is given, each event comes less than ", span(o.Gap), " after the event captured before.")
	}
	if r.Unless != nil {
		say("An event of the key where ", expression(r.Unless, r.Params), " ends all its open matches, wherever they stand.")
	}
	if o.MaxOpen > 0 {
		say("At most ", strconv.Itoa(o.MaxOpen), " matches are open at a time per key.")
	}
	if r.Having != nil {
		say("A complete match counts only if ", w.having(), "; otherwise it is no match and consumes nothing.")
	}
	w.paragraph(0, "", strings.Join(text, " "))
	w.blank()
	text = nil
	if end := openEnd(r.Pattern.Root); len(end) > 0 {
		say(completes(ticked(namesOf(r.Pattern, end)), o.Skip))
	}
	say(skips(o))
	if o.InOrder {
		say(inOrder(o))
	}
	if o.Timeout {
		say("An open match that runs out of time makes an alert of kind `timeout`; neither `having` nor throttle acts on it.")
	}
	w.paragraph(0, "", strings.Join(text, " "))
	w.blank()
}

// openEnd lists the variables that a match may end with, or go on with, after it is
// complete.
func openEnd(n *nfa.Node) []int {
	switch {
	case n.Op == nfa.OpNot:
		return nil
	case n.Repeat.Max != n.Repeat.Min || n.Repeat.Optional:
		return variables(n)
	case n.Op == nfa.OpSeq:
		return openEnd(n.Subs[len(n.Subs)-1])
	}
	var all []int
	if n.Op == nfa.OpAlt {
		for _, sub := range n.Subs {
			all = append(all, openEnd(sub)...)
		}
	}
	return all
}

// variables lists what n captures.
func variables(n *nfa.Node) []int {
	if n.Op == nfa.OpVar {
		return []int{n.Name}
	}
	var all []int
	for _, sub := range n.Subs {
		if sub.Op != nfa.OpNot {
			all = append(all, variables(sub)...)
		}
	}
	return all
}

func namesOf(p *nfa.Pattern, numbers []int) []string {
	slices.Sort(numbers)
	var names []string
	for _, i := range slices.Compact(numbers) {
		names = append(names, p.Names()[i].Text)
	}
	return names
}

// completes says when a match comes whose end is open.
func completes(end []string, skip nfa.SkipKind) string {
	if skip == nfa.SkipNone {
		return "A match comes as soon as it is complete, and another for each " + list(end, "or") + " beyond that."
	}
	return "A match comes as soon as it is complete: no " + list(end, "or") + " beyond that is waited for."
}

// skips says what a match consumes.
func skips(o nfa.Options) string {
	strategy := "(" + o.Skip.String() + ")"
	switch o.Skip {
	case nfa.SkipPastLast:
		return "A match consumes what began from its first to its last event " + strategy + ": other matches of the key that began there are dropped."
	case nfa.SkipNone:
		return "A match consumes nothing " + strategy + ": every match comes out, also those that share events."
	case nfa.SkipToNext:
		return "A match consumes what began with its first event " + strategy + ": the next may begin with the event after that."
	}
	which := "first "
	if o.Skip == nfa.SkipToLast {
		which = "last "
	}
	return "A match consumes what began from its first event to before its " + which + tick(o.SkipVar) + " (" + o.Skip.String() + "): the next may begin with that event."
}

// inOrder says how long a match is held.
func inOrder(o nfa.Options) string {
	if o.Skip == nfa.SkipNone {
		return "Every match comes out at once: `emit: in_order` does nothing under `skip: none`."
	}
	return "A match is held until no older open match is left (in_order)."
}

// outcome says what follows from a match.
func (w *writer) outcome() {
	r := w.rule
	text := "The alert has the severity " + r.Severity + ", the score " + w.score() + " and the action " + r.Action + "."
	if r.Throttle > 0 {
		text += " After an alert, further matches of the same key make no alert for " + span(r.Throttle) + "; the next alert says how many they were."
	}
	if r.Hold > 0 {
		text += " For " + span(r.Hold) + " after a match, decisions on events of the key that the rule sees have its action and score as well; that makes no alerts."
	}
	if r.Evidence != nil {
		text += " The alert shows the latest 50 events of " + tick(r.Evidence.Name) + "."
	}
	text += w.consequences()
	if len(r.Tags) > 0 {
		tags := make([]string, len(r.Tags))
		for i, t := range r.Tags {
			tags[i] = plain(t)
		}
		text += " Its tags are " + list(tags, "and") + "."
	}
	w.paragraph(0, "", text)
	for i, m := range r.Measures {
		w.paragraph(2, "", "measure "+tick(r.Rule.Measures[i].Name)+": "+expression(&m, r.Params))
	}
	if r.Message != nil {
		w.paragraph(2, "", "message: "+plain(r.Message.Value))
	}
}

func (w *writer) score() string {
	r := w.rule
	fixed := strconv.FormatFloat(r.Default, 'g', -1, 64)
	if r.Score == nil {
		return fixed
	}
	if x, err := strconv.ParseFloat(strings.TrimSpace(r.Score.Value), 64); err == nil && x >= 0 && x <= 100 {
		return strings.TrimSpace(r.Score.Value)
	}
	return expression(r.Score, r.Params) + " (from 0 to 100; " + fixed + " if it has no value)"
}

func (w *writer) warnings(found []source.Diagnostic) {
	if len(found) == 0 {
		return
	}
	w.blank()
	w.paragraph(0, "", "Warnings:")
	for _, d := range found {
		w.paragraph(2, "-", plain(d.String()))
	}
}
