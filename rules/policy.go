package rules

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"weir/cep"
	"weir/cep/outcome"
	"weir/rules/nearest"
	"weir/rules/source"

	"go.yaml.in/yaml/v4"
)

var policyKeys = source.Keys{
	Of: "`policy`", Known: []string{"combine", "review", "challenge", "block"}, Meant: policyWords,
	Apart: map[string]string{"allow": "`allow` is what is left: name the scores from which something stricter follows", "thresholds": policyForm, "actions": policyForm},
	Form:  policyForm,
}

var combines = []string{outcome.Max.String(), outcome.Sum.String(), outcome.NoisyOr.String()}

const (
	policyForm = "write policy: {combine: max, review: 40, challenge: 60, block: 80}, or some of it"
	scoreForm  = "a score is a number above 0 and up to 100; leave the action out if it follows from none"
)

// readPolicy reads the policy, of which all files together have one; nil: they have
// none.
func (c *compiler) readPolicy(parts []map[string]source.Entry) *outcome.Policy {
	var first *source.Entry
	var policy *outcome.Policy
	for _, part := range parts {
		e, ok := part["policy"]
		switch {
		case !ok:
		case first != nil:
			at := first.Key.Place()
			line, _ := at.Src.Position(at.From)
			c.Add(e.Key.Place(), source.CodeDuplicate, "there is a policy already", fmt.Sprintf("the first is in %s:%d; a ruleset has one", at.Src.Path, line))
		default:
			first, policy = &e, c.policy(e)
		}
	}
	return policy
}

// policy reads a policy. Where it has a finding, the result must not be used.
func (c *compiler) policy(e source.Entry) *outcome.Policy {
	p := &outcome.Policy{}
	if e.Value.Is(yaml.MappingNode) && len(e.Value.YAML.Content) == 0 {
		c.Add(e.Key.Place(), source.CodeMissing, "`policy` says nothing", policyForm)
		return p
	}
	r, _ := c.Record(e.Value, "`policy`", policyKeys)
	if way, ok := r["combine"]; ok {
		c.combine(way, &p.Combine)
	}
	milder, least := "", 0.0
	for _, of := range []struct {
		action outcome.Action
		score  *float64
	}{{outcome.Review, &p.Review}, {outcome.Challenge, &p.Challenge}, {outcome.Block, &p.Block}} {
		name := of.action.String()
		from, said := r[name]
		if !said {
			continue
		}
		score, ok := c.policyScore(from)
		switch {
		case !ok:
			continue
		case score <= least:
			c.Add(from.Value.Place(), source.CodeValue, fmt.Sprintf("%s from a score of %g, but %s from %g", source.Tick(name), score, source.Tick(milder), least), "a stricter action needs a higher score: allow < review < challenge < block")
			continue
		}
		*of.score, milder, least = score, name, score
	}
	return p
}

// combine reads how scores come together.
func (c *compiler) combine(e source.Entry, way *outcome.Combine) {
	t, ok := c.Text(e.Value, "`combine`")
	if !ok {
		return
	}
	if *way, ok = outcome.ParseCombine(t.Value); !ok {
		c.Add(t.Place(), source.CodeValue, source.Tick(t.Value)+" is no value of `combine`", nearest.DidYouMean(t.Value, combines, "it is one of "+strings.Join(combines, ", ")))
	}
}

// policyScore reads the score from which an action follows: a number, or `$NAME` of a
// param that is one.
func (c *compiler) policyScore(e source.Entry) (score float64, ok bool) {
	t, ok := c.Text(e.Value, source.Tick(e.Name))
	if !ok {
		return 0, false
	}
	what := source.Tick(t.Value)
	if strings.HasPrefix(t.Value, "$") {
		v, ok := c.paramOf(t, c.params, !c.unsure.params)
		if !ok {
			return 0, false
		}
		if v.Kind != cep.Number {
			c.Add(t.Place(), source.CodeValue, fmt.Sprintf("the param %s is a %s, not a number", source.Tick(t.Value[1:]), v.Kind), scoreForm)
			return 0, false
		}
		score = v.Number()
		what = fmt.Sprintf("the param %s is %g, which", source.Tick(t.Value[1:]), score)
	} else if x, err := strconv.ParseFloat(t.Value, 64); err == nil && json.Valid([]byte(t.Value)) {
		score = x
	}
	if !(score > 0 && score <= outcome.MaxScore) {
		c.Add(t.Place(), source.CodeValue, fmt.Sprintf("%s is no score for `%s`", what, e.Name), scoreForm)
		return 0, false
	}
	return score, true
}
