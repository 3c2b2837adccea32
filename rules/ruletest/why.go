package ruletest

import (
	"slices"

	"weir/cep"
	"weir/rules"
	"weir/rules/trace"
)

// mostWhys bounds the alerts of a test of which it is said why they did not come: each
// takes another run.
const mostWhys = 5

// explain says why alerts are missing.
func (b *bound) explain(failures []Failure) {
	left := mostWhys
	for i := range failures {
		f := &failures[i]
		if f.Kind != Missing || left == 0 {
			continue
		}
		left--
		w := slices.IndexFunc(b.alerts, func(w wanted) bool { return w.number == f.Alert })
		f.Why = b.why(&b.alerts[w])
	}
}

// why says in a paragraph why an expected alert did not come. It is empty where the
// events do not keep the numbers that they have in the test: they come in another
// order, late, or twice; and of a rule that matches when a window ends.
func (b *bound) why(w *wanted) string {
	i := slices.IndexFunc(b.set.Rules, func(r *rules.Rule) bool { return r.ID == w.rule })
	rule := b.set.Rules[i]
	judge := trace.NewJudge(rule, w.key)
	t, err := trace.New(rule, b.set.Ruleset, w.key, func(s *trace.Step) { judge.Take(s, true) })
	if err != nil {
		return ""
	}
	follow := t.Observer()
	tell, arrived, numbered := follow.Tell, 0, true
	follow.Tell = func(told *cep.Told) {
		if told.Kind == cep.Arrived {
			arrived++
			numbered = numbered && b.numbers[told.Event.Raw] == arrived
		}
		tell(told)
	}
	var fx cep.Effects
	engine := cep.NewEngine(b.set.Ruleset, cep.Options{Lateness: b.test.lateness, Trace: follow})
	engine.Step(b.records, &fx)
	end := trace.End{Read: uint64(b.test.events), Now: trace.Forever}
	if now, low, ok := engine.Clock(); ok && !b.test.close {
		t.End(low)
		end.Now = now
	}
	t.Flush()
	if !numbered {
		return ""
	}
	if !t.Seen() {
		end.Nearest, end.Busiest = t.OtherKeys(1)
	}
	return judge.Verdict(end).Text
}
