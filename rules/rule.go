package rules

import (
	"slices"
	"strings"
	"time"

	"weir/cep"
	"weir/nfa"

	"go.yaml.in/yaml/v4"
)

var ruleKeys = keys{
	of: "a rule",
	known: []string{
		"id", "title", "description", "severity", "tags", "status", "on", "where", "key", "within", "gap", "params",
		"pattern", "define", "skip", "emit", "timeout", "unless", "limit", "having", "measures", "score", "action",
		"message", "throttle",
	},
	later: []string{"hold", "then", "when", "edge", "evidence", "window_close", "lang"},
}

var (
	definitionKeys = keys{of: "a definition", known: []string{"type", "where"}}
	limitKeys      = keys{of: "`limit`", known: []string{"open"}}
)

var (
	severities = []string{"low", "medium", "high", "critical"}
	statuses   = []string{"active", "shadow", "disabled"}
	actions    = []string{"allow", "review", "challenge", "block"}
	emits      = []string{"at_once", "in_order"}
	booleans   = []string{"true", "false"}
)

// defaultScores are the scores of rules that say none, by severity.
var defaultScores = map[string]float64{"low": 25, "medium": 50, "high": 75, "critical": 95}

const (
	allTypes    = "*"
	alertPrefix = "alert."                                                           // of type names that stand for the matches of a rule
	typeLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-" // that type names have
	maxOpen     = 1_000_000
)

// draft is a rule as it was read, before its types are numbered and its
// expressions compiled.
type draft struct {
	at       node
	entries  map[string]entry
	id       text
	disabled bool
	shadow   bool

	all    bool   // on: "*"
	on     []text // else the types that it is on
	onGood bool

	define []definition
}

// definition is an entry of `define`.
type definition struct {
	entry
	bare  bool   // nothing, or a mapping without `type`: the type is the name's own
	types []text // declared types
	where *text  // condition; nil: none
	bad   bool   // it has a finding
}

// typeNames gives the names of the event types that a definition is limited to.
func (d *definition) typeNames() []string {
	if d.bare {
		return []string{d.name}
	}
	var names []string
	for _, t := range d.types {
		names = append(names, t.value)
	}
	return names
}

// draft reads what must be known of a rule before any is compiled. It gives nil
// for what is no rule.
func (f *findings) draft(n node) *draft {
	r, ok := f.record(n, "a rule", ruleKeys)
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
	d.all, d.on, d.onGood = f.on(d)
	if e, ok := r["define"]; ok {
		d.define = f.define(e.value)
	}
	return d
}

// require gives an entry that a rule must have.
func (f *findings) require(d *draft, name string) (entry, bool) {
	e, ok := d.entries[name]
	if !ok && d.at.lacks(name, ruleKeys) {
		f.add(d.at.place(), CodeMissing, sprintf("the rule has no `%s`", name), "")
	}
	return e, ok
}

func (f *findings) id(d *draft) text {
	e, ok := f.require(d, "id")
	if !ok {
		return text{}
	}
	t, ok := f.text(e.value, "`id`")
	if ok && !isID(t.value) {
		f.add(t.place(), CodeValue, tick(t.value)+" is no id of a rule", "an id has lower-case letters, digits and `-`")
		return text{}
	}
	return t
}

// choice reads a text that is one of a few.
func (f *findings) choice(d *draft, name string, of []string, otherwise string) string {
	e, ok := d.entries[name]
	if !ok {
		return otherwise
	}
	t, ok := f.text(e.value, tick(name))
	if !ok {
		return otherwise
	}
	if !slices.Contains(of, t.value) {
		f.add(t.place(), CodeValue, sprintf("%s is no value of `%s`", tick(t.value), name), didYouMean(t.value, of, "it is one of "+strings.Join(of, ", ")))
		return otherwise
	}
	return t.value
}

// on reads the event types of a rule.
func (f *findings) on(d *draft) (all bool, types []text, ok bool) {
	e, ok := f.require(d, "on")
	if !ok {
		return false, nil, false
	}
	types, ok = f.list(e.value, "`on`")
	seen := map[string]bool{}
	for _, t := range types {
		switch {
		case t.value == allTypes && len(types) == 1:
			return true, nil, ok
		case t.value == allTypes:
			f.add(t.place(), CodeValue, "`*` stands for all event types and goes with no other", "write on: \"*\"")
			ok = false
		case !f.typeName(t):
			ok = false
		case seen[t.value]:
			f.add(t.place(), CodeDuplicate, sprintf("the event type %s stands twice", tick(t.value)), "")
			ok = false
		}
		seen[t.value] = true
	}
	return false, types, ok
}

// typeName checks that a text can be the name of an event type.
func (f *findings) typeName(t text) bool {
	switch {
	case strings.HasPrefix(t.value, alertPrefix):
		f.add(t.place(), CodeUnsupported, "`alert.RULE` as an event type is not supported yet", "name an event type")
	case strings.Trim(t.value, typeLetters) != "" || t.value == "":
		f.add(t.place(), CodeName, tick(t.value)+" is no name of an event type", "a name has letters, digits, `_` and `-`")
	default:
		return true
	}
	return false
}

// define reads the entries of `define`.
func (f *findings) define(n node) []definition {
	entries, _ := f.entries(n, "`define`")
	list := make([]definition, 0, len(entries))
	for _, e := range entries {
		list = append(list, f.definition(n, e))
	}
	return list
}

func (f *findings) definition(n node, e entry) definition {
	d := definition{entry: e}
	switch {
	case n.doc.bad[e.value.n]:
		d.bad = true
	case e.value.empty() && n.n.Style&yaml.FlowStyle != 0:
		f.noValue(n, e)
		d.bad = true
	case e.value.empty():
		d.bare = true
	case e.value.n.Kind == yaml.MappingNode:
		r, ok := f.record(e.value, "the definition of "+tick(e.name), definitionKeys)
		d.bad = !ok || len(r) != len(e.value.n.Content)/2
		if t, ok := r["type"]; ok {
			d.types, ok = f.list(t.value, "`type`")
			d.bad = d.bad || !ok
			for _, t := range d.types {
				d.bad = !f.typeName(t) || d.bad
			}
		}
		d.bare = e.value.lacks("type", definitionKeys)
		if w, ok := r["where"]; ok {
			if t, ok := f.text(w.value, "`where`"); ok {
				d.where = &t
			} else {
				d.bad = true
			}
		}
	default:
		if t, ok := f.text(e.value, "the condition of "+tick(e.name)); ok {
			d.where = &t
		} else {
			d.bad = true
		}
	}
	return d
}

// skip reads what a match consumes.
func (f *findings) skip(d *draft, pattern *nfa.Pattern) (kind nfa.SkipKind, variable string) {
	e, ok := d.entries["skip"]
	if !ok {
		return nfa.SkipPastLast, ""
	}
	t, ok := f.text(e.value, "`skip`")
	if !ok {
		return nfa.SkipPastLast, ""
	}
	switch t.value {
	case "past_last":
		return nfa.SkipPastLast, ""
	case "none":
		return nfa.SkipNone, ""
	case "to_next":
		return nfa.SkipToNext, ""
	}
	head, rest, found := strings.Cut(t.value, "(")
	variable, closed := strings.CutSuffix(rest, ")")
	if found && closed && (head == "to_first" || head == "to_last") {
		kind = nfa.SkipToFirst
		if head == "to_last" {
			kind = nfa.SkipToLast
		}
		if !f.skipVariable(t, len(head)+1, variable, pattern) {
			return nfa.SkipPastLast, ""
		}
		return kind, variable
	}
	forms := []string{"past_last", "none", "to_next", "to_first(v)", "to_last(v)"}
	f.add(t.place(), CodeValue, tick(t.value)+" is no value of `skip`", didYouMean(t.value, forms, "it is one of "+strings.Join(forms, ", ")))
	return nfa.SkipPastLast, ""
}

// skipVariable checks that the variable of to_first or to_last captures events.
func (f *findings) skipVariable(t text, at int, variable string, pattern *nfa.Pattern) bool {
	if pattern == nil {
		return false
	}
	var names []string
	for _, n := range pattern.Names() {
		if n.Captures {
			names = append(names, n.Text)
		}
	}
	if slices.Contains(names, variable) {
		return true
	}
	f.add(t.part(at, at+len(variable)), CodeName, sprintf("the pattern captures no %s", tick(variable)), didYouMean(variable, names, "name a variable of the pattern that captures events"))
	return false
}

// limit reads `limit: {open: N}`.
func (f *findings) limit(d *draft) int {
	e, ok := d.entries["limit"]
	if !ok {
		return 0
	}
	r, ok := f.record(e.value, "`limit`", limitKeys)
	open, said := r["open"]
	if !said {
		if ok && e.value.lacks("open", limitKeys) {
			f.add(e.key.place(), CodeMissing, "`limit` says nothing", "write limit: {open: N}, the most matches that are open per key")
		}
		return 0
	}
	t, ok := f.text(open.value, "`open`")
	if !ok {
		return 0
	}
	n := 0
	for _, c := range []byte(t.value) {
		if c < '0' || c > '9' || n > maxOpen {
			n = 0
			break
		}
		n = 10*n + int(c-'0')
	}
	if n < 1 || n > maxOpen {
		f.add(t.place(), CodeValue, tick(t.value)+" is no number of open matches", sprintf("it is a whole number from 1 to %d", maxOpen))
		return 0
	}
	return n
}

// span reads a duration of a rule; a rule that says nothing has the default.
func (f *findings) span(d *draft, name string, p params, otherwise time.Duration, none bool) (time.Duration, bool) {
	if e, ok := d.entries[name]; ok {
		return f.duration(e.value, tick(name), p, none)
	}
	return otherwise, d.at.lacks(name, ruleKeys)
}

// describe fills in what a rule says about itself.
func (f *findings) describe(d *draft, r *cep.Rule) {
	if e, ok := d.entries["title"]; ok {
		t, _ := f.text(e.value, "`title`")
		r.Title = t.value
	}
	if e, ok := d.entries["description"]; ok {
		f.text(e.value, "`description`")
	}
	if e, ok := d.entries["tags"]; ok {
		tags, _ := f.list(e.value, "`tags`")
		for _, t := range tags {
			r.Tags = append(r.Tags, t.value)
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
