package ruletest

import (
	"fmt"
	"slices"

	"weir/cep"
	"weir/cep/outcome"
	"weir/rules"
	"weir/rules/trace"
)

// mostWhys bounds the failures of a test of which it is said why: each takes another run.
const mostWhys = 5

// explain says why alerts are missing, and why decisions are milder than expected.
func (b *bound) explain(failures []Failure) {
	left := mostWhys
	for i := range failures {
		f := &failures[i]
		if left == 0 || f.Kind != Missing && f.Kind != Decided {
			continue
		}
		left--
		if f.Kind == Decided {
			f.Why = b.whyMilder(f)
			continue
		}
		w := &b.alerts[slices.IndexFunc(b.alerts, func(w wanted) bool { return w.number == f.Alert })]
		rule := b.set.Rules[slices.IndexFunc(b.set.Rules, func(r *rules.Rule) bool { return r.ID == w.rule })]
		f.Why = b.why(rule, w.key, 0)
	}
}

// why says in a paragraph why a rule made no alert of a key; on an event of the test, if
// its number is given. It is empty where the events do not keep the numbers that they have
// in the test: they come in another order, late, or twice.
func (b *bound) why(rule *rules.Rule, key []string, event int) string {
	judge := trace.NewJudge(rule, key)
	t, err := trace.New(rule, b.set.Ruleset, key, func(s *trace.Step) { judge.Take(s, event == 0 || s.Event() == uint64(event)) })
	if err != nil {
		return ""
	}
	follow := t.Observer()
	tell, numbered := follow.Tell, true
	follow.Tell = func(told *cep.Told) {
		if told.Kind == cep.Arrived && told.Layer == 0 { // above come matches too
			numbered = numbered && uint64(b.numbers[told.Event.Raw]) == told.Event.Origin()
		}
		tell(told)
	}
	engine := b.rerun(follow)
	end := trace.End{Read: uint64(b.test.events), Seen: t.Seen(), Now: trace.Forever}
	if now, low, ok := engine.Clock(); ok && !b.test.close {
		t.End(low)
		end.Now = now
	}
	t.Flush()
	if !numbered {
		return ""
	}
	if !end.Seen {
		end.Nearest, end.Busiest = t.OtherKeys(1)
	}
	if event > 0 {
		end.Asked = fmt.Sprintf(" on event %d", event)
	}
	return judge.Verdict(end).Text
}

// rerun runs the test once more, to be followed.
func (b *bound) rerun(follow *cep.Trace) *cep.Engine {
	var fx cep.Effects
	engine := cep.NewEngine(b.set.Ruleset, cep.Options{Lateness: b.test.lateness, Trace: follow})
	engine.Step(b.records, &fx)
	return engine
}

// offer is a rule with a key under which an event was offered to it.
type offer struct {
	rule *rules.Rule
	key  []string
}

// whyMilder says why the rule did not match that would have made a decision as strict as
// expected. It is empty where it is not known which rule that is: several, or none, have
// the action and were offered the event.
func (b *bound) whyMilder(f *Failure) string {
	want, have, ok := milder(f.Rows)
	if !ok || have >= want {
		return ""
	}
	var offers []offer
	b.rerun(&cep.Trace{Tell: func(told *cep.Told) {
		if told.Kind != cep.Offered || told.Rule.Shadow || told.Rule.Action != want.String() || b.numbers[told.Event.Raw] != f.Event {
			return
		}
		i := slices.IndexFunc(b.set.Rules, func(r *rules.Rule) bool { return r.ID == told.Rule.ID })
		offers = append(offers, offer{b.set.Rules[i], slices.Clone(told.Key)})
	}})
	if len(offers) != 1 {
		return ""
	}
	text := b.why(offers[0].rule, offers[0].key, f.Event)
	if text != "" {
		text = offers[0].rule.ID + ": " + text
	}
	return text
}

// milder gives the actions that were expected and decided.
func milder(rows []Row) (want, have outcome.Action, ok bool) {
	for _, r := range rows {
		if r.Field == "action" {
			want, _ = outcome.ParseAction(r.Expected)
			have, _ = outcome.ParseAction(r.Actual)
			return want, have, true
		}
	}
	return want, have, false
}
