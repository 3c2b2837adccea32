package rules

import (
	"fmt"
	"slices"
	"strings"

	"weir/nfa"
	"weir/rules/nearest"
	"weir/rules/source"
)

var ruleKeys = source.Keys{
	Of: "a rule",
	Known: []string{
		"id", "title", "description", "severity", "tags", "status", "on", "where", "key", "within", "gap", "params",
		"pattern", "when", "window_close", "define", "edge", "evidence", "skip", "emit", "timeout", "unless", "limit", "having", "measures", "score", "action",
		"message", "throttle", "hold", "lang",
	},
	Later: []string{"then"},
	Meant: ruleWords,
	Apart: ruleApart,
}

var (
	definitionKeys = source.Keys{Of: "a definition", Known: []string{"type", "where"}, Meant: definitionWords}
	limitKeys      = source.Keys{Of: "`limit`", Known: []string{"open"}}
)

var (
	severities = []string{"low", "medium", "high", "critical"}
	statuses   = []string{"active", "shadow", "disabled"}
	actions    = []string{"allow", "review", "challenge", "block"}
	emits      = []string{"at_once", "in_order"}
	booleans   = []string{"true", "false"}
	langs      = []string{"expr", "cel"}
)

// defaultScores are the scores of rules that say none, by severity.
var defaultScores = map[string]float64{"low": 25, "medium": 50, "high": 75, "critical": 95}

const (
	allTypes    = "*"
	typeLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-" // that type names have
	maxOpen     = 1_000_000
)

// draft is a rule as it was read, before its types are numbered and its
// expressions compiled.
type draft struct {
	at       source.Node
	entries  map[string]source.Entry
	id       source.Text
	disabled bool
	shadow   bool

	all    bool          // on: "*"
	on     []source.Text // else the types that it is on
	onSure bool          // these are all

	define     []definition
	defineSure bool // these are all

	faulty bool // it has findings
}

// draft reads what must be known of a rule before any is compiled. It gives nil
// for what is no rule.
func (f *findings) draft(n source.Node) *draft {
	before := f.Count()
	r, ok := f.Record(n, "a rule", ruleKeys)
	if !ok {
		return nil
	}
	d := &draft{at: n, entries: r}
	d.id = f.id(d)
	switch f.choice(d, "status", statuses, "active") {
	case "shadow":
		d.shadow = true
	case "disabled":
		d.disabled = true
	}
	if _, closes := r["window_close"]; d.form() != byClose && (!closes || d.has("on")) { // it is on the types of its feature
		d.all, d.on, d.onSure = f.on(d)
	}
	if e, ok := r["define"]; ok {
		d.define, d.defineSure = f.define(e.Value)
	}
	d.faulty = f.Count() > before
	return d
}

// has says whether something is said under a key.
func (d *draft) has(name string) bool {
	_, ok := d.entries[name]
	return ok
}

// unsure says whether something is meant as an entry that could not be read.
func (d *draft) unsure(name string) bool {
	_, ok := d.entries[name]
	return !ok && doubtful(d.at, name, ruleKeys)
}

// require gives an entry that a rule must have.
func (f *findings) require(d *draft, name string) (source.Entry, bool) {
	e, ok := d.entries[name]
	if !ok && d.at.Lacks(name, ruleKeys) {
		f.Add(d.at.Place(), source.CodeMissing, fmt.Sprintf("the rule has no `%s`", name), missingHints[name])
	}
	return e, ok
}

// missingHints say what to write for a key of a rule that is not there.
var missingHints = map[string]string{
	"pattern": "write the events that it looks for, `pattern: a -> b`, or a condition on one event, `when: amount > 900`",
	"when":    "write the condition on an event, `when: amount > 900`",
}

func (f *findings) id(d *draft) source.Text {
	e, ok := f.require(d, "id")
	if !ok {
		return source.Text{}
	}
	t, ok := f.Text(e.Value, "`id`")
	if ok && !isID(t.Value) {
		f.Add(t.Place(), source.CodeValue, source.Tick(t.Value)+" is no id of a rule", "an id has lower-case letters, digits and `-`")
		return source.Text{}
	}
	return t
}

// choice reads a text that is one of a few.
func (f *findings) choice(d *draft, name string, of []string, otherwise string) string {
	e, ok := d.entries[name]
	if !ok {
		return otherwise
	}
	t, ok := f.Text(e.Value, source.Tick(name))
	if !ok {
		return otherwise
	}
	if !slices.Contains(of, t.Value) {
		f.Add(t.Place(), source.CodeValue, fmt.Sprintf("%s is no value of `%s`", source.Tick(t.Value), name), choiceHint(t.Value, of))
		return otherwise
	}
	return t.Value
}

// choiceHint names the value that was meant, or all there are. `enabled` is nearest
// to its opposite.
func choiceHint(value string, of []string) string {
	if value == "enabled" && slices.Contains(of, "active") {
		return "did you mean `active`?"
	}
	return nearest.DidYouMean(value, of, "it is one of "+strings.Join(of, ", "))
}

// on reads the event types of a rule; not sure where there may be others.
func (f *findings) on(d *draft) (all bool, types []source.Text, sure bool) {
	e, ok := f.require(d, "on")
	if !ok {
		return false, nil, false
	}
	return f.eventTypes(e)
}

// eventTypes reads the types that `on` names.
func (f *findings) eventTypes(e source.Entry) (all bool, types []source.Text, sure bool) {
	list, sure := f.List(e.Value, "`on`")
	seen := map[string]bool{}
	for _, t := range list {
		switch {
		case t.Value == allTypes && len(list) == 1:
			return true, nil, sure
		case t.Value == allTypes:
			f.Add(t.Place(), source.CodeValue, "`*` stands for all event types and goes with no other", "write on: \"*\"")
			sure = false
		case !f.readable(t):
			sure = false
		case seen[t.Value]:
			f.Add(t.Place(), source.CodeDuplicate, fmt.Sprintf("the event type %s stands twice", source.Tick(t.Value)), "")
		default:
			types = append(types, t)
		}
		seen[t.Value] = true
	}
	return false, types, sure
}

// typeName checks that a text can be the name of an event type.
func (f *findings) typeName(t source.Text) bool {
	switch {
	case strings.HasPrefix(t.Value, AlertPrefix):
		f.Add(t.Place(), source.CodeName, source.Tick(t.Value)+" is no event type: names that begin with `alert.` stand for the matches of rules", "give the event type another name")
	case strings.Trim(t.Value, typeLetters) != "" || t.Value == "":
		hint := "a name has letters, digits, `_` and `-`"
		if word, id, _ := strings.Cut(t.Value, "."); isID(id) && slices.Contains([]string{"alerts", "match", "matches", "rule", "rules"}, word) {
			hint = "for the matches of the rule " + source.Tick(id) + " write " + source.Tick(AlertPrefix+id)
		}
		f.Add(t.Place(), source.CodeName, source.Tick(t.Value)+" is no name of an event type", hint)
	default:
		return true
	}
	return false
}

// skip reads what a match consumes. sure is whether names are those of the pattern.
func (f *findings) skip(d *draft, names []nfa.Name, sure bool) (kind nfa.SkipKind, variable string) {
	e, ok := d.entries["skip"]
	if !ok {
		return nfa.SkipPastLast, ""
	}
	t, ok := f.Text(e.Value, "`skip`")
	if !ok {
		return nfa.SkipPastLast, ""
	}
	switch t.Value {
	case "past_last":
		return nfa.SkipPastLast, ""
	case "none":
		return nfa.SkipNone, ""
	case "to_next":
		return nfa.SkipToNext, ""
	}
	head, rest, found := strings.Cut(t.Value, "(")
	variable, closed := strings.CutSuffix(rest, ")")
	if found && closed && (head == "to_first" || head == "to_last") {
		kind = nfa.SkipToFirst
		if head == "to_last" {
			kind = nfa.SkipToLast
		}
		if !f.skipVariable(t, len(head)+1, variable, names, sure) {
			return nfa.SkipPastLast, ""
		}
		return kind, variable
	}
	forms := []string{"past_last", "none", "to_next", "to_first(v)", "to_last(v)"}
	f.Add(t.Place(), source.CodeValue, source.Tick(t.Value)+" is no value of `skip`", nearest.DidYouMean(t.Value, forms, "it is one of "+strings.Join(forms, ", ")))
	return nfa.SkipPastLast, ""
}

// skipVariable checks that the variable of to_first or to_last captures events. Where
// names are not sure, a near one must have been meant.
func (f *findings) skipVariable(t source.Text, at int, variable string, names []nfa.Name, sure bool) bool {
	var captured []string
	for _, n := range names {
		if n.Captures {
			captured = append(captured, n.Text)
		}
	}
	if slices.Contains(captured, variable) {
		return true
	}
	if !sure && nearest.Name(variable, captured) == "" {
		return false
	}
	f.Add(t.Part(at, at+len(variable)), source.CodeName, fmt.Sprintf("the pattern captures no %s", source.Tick(variable)), nearest.DidYouMean(variable, captured, "name a variable of the pattern that captures events"))
	return false
}

// limit reads `limit: {open: N}`.
func (f *findings) limit(d *draft) int {
	e, ok := d.entries["limit"]
	if !ok {
		return 0
	}
	r, ok := f.Record(e.Value, "`limit`", limitKeys)
	open, said := r["open"]
	if !said {
		if ok && e.Value.Lacks("open", limitKeys) {
			f.Add(e.Key.Place(), source.CodeMissing, "`limit` says nothing", "write limit: {open: N}, the most matches that are open per key")
		}
		return 0
	}
	t, ok := f.Text(open.Value, "`open`")
	if !ok {
		return 0
	}
	n := 0
	for _, c := range []byte(t.Value) {
		if c < '0' || c > '9' || n > maxOpen {
			n = 0
			break
		}
		n = 10*n + int(c-'0')
	}
	if n < 1 || n > maxOpen {
		f.Add(t.Place(), source.CodeValue, source.Tick(t.Value)+" is no number of open matches", fmt.Sprintf("it is a whole number from 1 to %d", maxOpen))
		return 0
	}
	return n
}

// describe fills in what a rule says about itself.
func (f *findings) describe(d *draft, about *Rule) {
	r := about.Rule
	if e, ok := d.entries["title"]; ok {
		t, _ := f.Text(e.Value, "`title`")
		r.Title = t.Value
	}
	if e, ok := d.entries["description"]; ok {
		t, _ := f.Text(e.Value, "`description`")
		about.Description = t.Value
	}
	if e, ok := d.entries["tags"]; ok {
		tags, _ := f.List(e.Value, "`tags`")
		for _, t := range tags {
			r.Tags = append(r.Tags, t.Value)
		}
	}
	r.Severity = f.choice(d, "severity", severities, "medium")
	r.Default = defaultScores[r.Severity]
	action := "review"
	if r.Severity == "low" {
		action = "allow"
	}
	r.Action = f.choice(d, "action", actions, action)
	r.Shadow = d.shadow
}
