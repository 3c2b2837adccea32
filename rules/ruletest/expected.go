package ruletest

import (
	"weir/rules/source"

	"go.yaml.in/yaml/v4"
)

// expected is an alert of a test as it was written.
type expected struct {
	at     source.Node
	line   int
	rule   source.Text
	key    *source.Node // nil: it has a finding
	events *captured    // nil: not compared

	kind, severity, action, message string // empty: not compared
	time                            *moment
	score, suppressed               *int
	truncated, shadow               *bool
	measures                        []source.Entry
}

// captured is what an alert is expected to have captured, by variable.
type captured struct {
	at   source.Place
	vars []capturedBy
}

type capturedBy struct {
	name    source.Text
	numbers numbersText
}

var alertKeys = source.Keys{
	Of: "an alert",
	Known: []string{
		"rule", "key", "events", "kind", "time", "score", "severity", "action", "measures", "message", "suppressed",
		"truncated", "shadow",
	},
}

var (
	kinds      = []string{"match", "timeout"}
	severities = []string{"low", "medium", "high", "critical"}
	actions    = []string{"allow", "review", "challenge", "block"}
	booleans   = []string{"true", "false"}
)

// mostSuppressed bounds `suppressed`.
const mostSuppressed = 1_000_000_000

// alerts reads `alerts`.
func (f *findings) alerts(e source.Entry, t *Test) {
	if e.Value.Bad() {
		return
	}
	if !e.Value.Is(yaml.SequenceNode) {
		f.Add(e.Value.Place(), source.CodeValue, "`alerts` is a list, not "+e.Value.Kind(), "begin each alert with `- {rule: `; `alerts: []` if there must be none")
		return
	}
	for _, n := range e.Value.Items() {
		if x := f.alert(n, t); x != nil {
			t.alerts = append(t.alerts, x)
		}
	}
}

// alert reads an alert; nil: it is none.
func (f *findings) alert(n source.Node, t *Test) *expected {
	r, ok := f.Record(n, "an alert", alertKeys)
	if !ok {
		return nil
	}
	x := &expected{at: n}
	x.line, _ = n.Doc.Src.Position(n.Place().From)
	if e, ok := f.require(n, r, alertKeys, "rule", "name the rule by its id"); ok {
		x.rule, _ = f.Text(e.Value, "`rule`")
	}
	if e, ok := f.require(n, r, alertKeys, "key", "say of which key it is: text for one field, else {FIELD: TEXT}"); ok {
		x.key = &e.Value
	}
	if e, ok := r["events"]; ok {
		x.events = f.captured(e, t)
	}
	if e, ok := r["kind"]; ok {
		x.kind = f.choice(e, kinds)
	}
	if e, ok := r["severity"]; ok {
		x.severity = f.choice(e, severities)
	}
	if e, ok := r["action"]; ok {
		x.action = f.choice(e, actions)
	}
	if e, ok := r["time"]; ok {
		if m, ok := f.moment(e.Value, "`time`"); ok {
			x.time = &m
		}
	}
	if e, ok := r["score"]; ok {
		x.score = f.number(e, 100)
	}
	if e, ok := r["suppressed"]; ok {
		x.suppressed = f.number(e, mostSuppressed)
	}
	if e, ok := r["truncated"]; ok {
		x.truncated = f.boolean(e)
	}
	if e, ok := r["shadow"]; ok {
		x.shadow = f.boolean(e)
	}
	if e, ok := r["message"]; ok {
		text, _ := f.Text(e.Value, "`message`")
		x.message = text.Value
	}
	if e, ok := r["measures"]; ok {
		list, _ := f.Entries(e.Value, "`measures`")
		x.measures = list
		if len(list) > 0 {
			f.values(e.Value)
		}
	}
	return x
}

// boolean reads true or false; nil: it has a finding.
func (f *findings) boolean(e source.Entry) *bool {
	text := f.choice(e, booleans)
	if text == "" {
		return nil
	}
	is := text == "true"
	return &is
}

// captured reads the `events` of an alert.
func (f *findings) captured(e source.Entry, t *Test) *captured {
	list, ok := f.Entries(e.Value, "`events` of an alert")
	if !ok {
		return nil
	}
	c := &captured{at: e.Key.Place()}
	for _, v := range list {
		if v.Value.Empty() {
			f.NoValue(e.Value, v)
			continue
		}
		numbers := f.eventNumbers(v.Value, source.Tick(v.Name), t)
		c.vars = append(c.vars, capturedBy{v.KeyText(), numbers})
	}
	return c
}
