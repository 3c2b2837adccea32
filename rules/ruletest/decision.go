package ruletest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"weir/cep"
	"weir/cep/outcome"
	"weir/rules/source"

	"go.yaml.in/yaml/v4"
)

// expectedDecision is what a test says of the decision on an event.
type expectedDecision struct {
	event  int
	line   int
	action string // empty: not compared
	score  *int   // nil: not compared
}

var decisionKeys = source.Keys{Of: "a decision", Known: []string{"action", "score"}}

const decisionForm = "write {4: block}, or {4: {action: block, score: 80}}: what is not given is not compared"

// decisions reads `decisions`, by number of event.
func (f *findings) decisions(e source.Entry, t *Test) {
	list, _ := f.Entries(e.Value, "`decisions`")
	if len(list) == 0 && e.Value.Is(yaml.MappingNode) && len(e.Value.YAML.Content) == 0 {
		f.Add(e.Value.Place(), source.CodeMissing, "`decisions` is empty", decisionForm)
	}
	for _, d := range list {
		number, ok := f.eventNumber(d.KeyText(), t)
		x := expectedDecision{event: number}
		x.line, _ = d.Key.Doc.Src.Position(d.Key.Place().From)
		switch {
		case d.Value.Empty():
			f.NoValue(e.Value, d)
			ok = false
		case t.late.has(number):
			f.Add(d.Key.Place(), source.CodeValue, fmt.Sprintf("event %d is to come too late: nothing is decided on it", number), "remove it here or in `late`")
		case t.rejected.has(number):
			f.Add(d.Key.Place(), source.CodeValue, fmt.Sprintf("event %d is to be rejected: nothing is decided on it", number), "remove it here or in `rejected`")
		case t.repeated.has(number):
			f.Add(d.Key.Place(), source.CodeValue, fmt.Sprintf("event %d is to be a duplicate: nothing is decided on it", number), "remove it here or in `duplicates`")
		case d.Value.Is(yaml.MappingNode):
			f.decision(d, &x)
		default:
			d.Name = "action"
			x.action = f.choice(d, actions)
		}
		if ok {
			t.decisions = append(t.decisions, x)
		}
	}
	slices.SortStableFunc(t.decisions, func(a, b expectedDecision) int { return a.event - b.event })
}

// decision reads {action, score}.
func (f *findings) decision(e source.Entry, x *expectedDecision) {
	if len(e.Value.YAML.Content) == 0 {
		f.Add(e.Value.Place(), source.CodeMissing, "a decision says its action, its score, or both", decisionForm)
		return
	}
	r, _ := f.Record(e.Value, "a decision", decisionKeys)
	if e, ok := r["action"]; ok {
		x.action = f.choice(e, actions)
	}
	if e, ok := r["score"]; ok {
		x.score = f.number(e, outcome.MaxScore)
	}
}

// watch lets a run tell which event has which place. trace may be nil.
func (b *bound) watch(trace *cep.Trace) (watched *cep.Trace, places map[uint64]int) {
	if len(b.test.decisions) == 0 {
		return trace, nil
	}
	places = map[uint64]int{}
	follow := cep.Trace{Wants: func(*cep.Rule, []string, *cep.Event) bool { return false }}
	if trace != nil {
		follow = *trace
	}
	tell := follow.Tell
	follow.Tell = func(t *cep.Told) {
		if t.Kind == cep.Arrived {
			if number, ok := b.numbers[t.Event.Raw]; ok {
				places[t.Event.Origin()] = number
			}
		}
		if tell != nil {
			tell(t)
		}
	}
	return &follow, places
}

// decided compares the decisions on events; places says which event has which place.
func (b *bound) decided(came []cep.Decision, places map[uint64]int) []Failure {
	if len(b.test.decisions) == 0 {
		return nil
	}
	byEvent := map[int]*cep.Decision{}
	for i := range came {
		if number, ok := places[came[i].Place]; ok {
			byEvent[number] = &came[i]
		}
	}
	var failures []Failure
	for i := range b.test.decisions {
		x := &b.test.decisions[i]
		d := byEvent[x.event]
		if d == nil {
			d = &cep.Decision{}
		}
		if rows := x.differs(d); rows != nil {
			failures = append(failures, Failure{
				Kind: Decided, Line: x.line, Event: x.event, Rows: rows,
				Msg: fmt.Sprintf("event %d: expected %s, decided %s", x.event, x.text(), decisionText(d)),
			})
		}
	}
	return failures
}

// differs gives what is compared, if some of it is not as expected.
func (x *expectedDecision) differs(d *cep.Decision) []Row {
	var rows []Row
	ask := func(field, want, have string) {
		if want != "" {
			rows = append(rows, Row{field, want, have, want != have})
		}
	}
	ask("action", x.action, d.Action.String())
	ask("score", said(x.score, strconv.Itoa), strconv.Itoa(d.Score))
	if slices.ContainsFunc(rows, func(r Row) bool { return r.Differs }) {
		return rows
	}
	return nil
}

// text says what is expected.
func (x *expectedDecision) text() string {
	switch {
	case x.score == nil:
		return x.action
	case x.action == "":
		return "score " + strconv.Itoa(*x.score)
	}
	return x.action + " (score " + strconv.Itoa(*x.score) + ")"
}

// decisionText says what was decided, and by which rules.
func decisionText(d *cep.Decision) string {
	text := fmt.Sprintf("%s (score %d): ", d.Action, d.Score)
	if len(d.Reasons) == 0 {
		return text + "no rule matched or holds"
	}
	reasons := make([]string, len(d.Reasons))
	for i, r := range d.Reasons {
		reasons[i] = fmt.Sprintf("%s %d %s", r.Rule, r.Score, r.Action)
		if r.Hold {
			reasons[i] += " by hold"
		}
	}
	return text + strings.Join(reasons, ", ")
}
