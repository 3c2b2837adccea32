package explain

import (
	"strconv"

	"weir/cep/outcome"
	"weir/rules"
)

// riskText puts a risk in words, as a rule of its key reads it.
func riskText(r *rules.Risk) string {
	return tick(r.Name) + " is a risk: the scores of matches that earlier events of the same " + list(ticked(r.Key), "and") +
		" brought, added up, each fading to half of it in " + span(r.Risk.HalfLife)
}

// consequences says what a match adds to risks, and what becomes of its score and action
// in a decision; empty: nothing, or nothing that is not said.
func (w *writer) consequences() string {
	r := w.rule
	text := ""
	if len(r.Adds) > 0 {
		var names []string
		for _, risk := range r.Adds {
			names = append(names, tick(risk.Name))
		}
		text = " Every match adds its score to " + list(names, "and") + "."
	}
	if r.Policy != nil && !r.Shadow {
		text += policyText(r.Policy)
	}
	return text
}

// policyText puts a policy in words.
func policyText(p *outcome.Policy) string {
	text := " In the decision on an event the highest score of the rules that match or hold on it counts"
	switch p.Combine {
	case outcome.Sum:
		text = " In the decision on an event the scores of the rules that match or hold on it are added up, to at most 100"
	case outcome.NoisyOr:
		text = " In the decision on an event the scores of the rules that match or hold on it are combined, as if each were the chance in 100 of a cause of its own"
	}
	var least []string
	for _, step := range []struct {
		action outcome.Action
		from   float64
	}{{outcome.Review, p.Review}, {outcome.Challenge, p.Challenge}, {outcome.Block, p.Block}} {
		if step.from > 0 {
			least = append(least, step.action.String()+" from "+strconv.FormatFloat(step.from, 'g', -1, 64)+" on")
		}
	}
	if least != nil {
		text += "; whatever their actions, it is at least " + list(least, "and")
	}
	return text + "."
}
