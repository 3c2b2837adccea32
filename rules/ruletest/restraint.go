package ruletest

import (
	"slices"

	"weir/cep"
	"weir/nfa"
)

// restraint is a part of a rule that keeps matches from coming out: a negation, an
// until, `unless` or `having`. That it ended an open match shows little, as that one
// might never have come out. It is reached by a test that would not pass without it.
type restraint struct {
	rule *cep.Rule
	kind PointKind
	cond nfa.Cond
}

func (x *restraint) id() pointID {
	name := ""
	if x.kind == NegationPoint || x.kind == UntilPoint {
		name = x.rule.Program.Names[x.cond].Text
	}
	return pointID{x.rule.ID, x.kind, 0, name}
}

// works notes that a restraint did something in the test that runs.
func (c *coverage) works(r *cep.Rule, kind PointKind, cond nfa.Cond) {
	if x := (restraint{r, kind, cond}); !slices.Contains(c.worked, x) {
		c.worked = append(c.worked, x)
	}
}

// settle marks the restraints that a test depends on, after it has run.
func (c *coverage) settle(b *bound, was *Result) {
	for i := range c.worked {
		x := &c.worked[i]
		if p := c.points[x.id()]; !p.Reached {
			p.Reached = b.needs(x, was)
			p.Worked = !p.Reached
		}
	}
}

// needs says whether a test would find something else if a restraint did nothing.
func (b *bound) needs(x *restraint, was *Result) bool {
	set := *b.set.Ruleset
	set.Rules = []*cep.Rule{x.lifted()}
	var fx cep.Effects
	cep.NewEngine(&set, cep.Options{Lateness: b.test.lateness}).Step(b.records, &fx)
	came := slices.DeleteFunc(slices.Clone(was.Alerts), func(a Alert) bool { return a.Rule.ID == x.rule.ID })
	for i := range fx.Alerts {
		came = append(came, b.alert(&fx.Alerts[i]))
	}
	return !slices.EqualFunc(b.compare(was.Alerts), b.compare(came), func(f, g Failure) bool {
		return f.Kind == g.Kind && f.Alert == g.Alert && slices.Equal(f.Rows, g.Rows)
	})
}

// lifted gives the rule without the restraint.
func (x *restraint) lifted() *cep.Rule {
	r := *x.rule
	if x.kind == HavingPoint {
		r.Having = func(*cep.Scope) bool { return true }
		return &r
	}
	r.Conds = slices.Clone(r.Conds)
	r.Conds[x.cond] = cep.Cond{Event: func(*cep.Scope) bool { return false }}
	return &r
}
