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
	for _, r := range b.set.Ruleset.Rules {
		if p := c.points[pointID{r.ID, HavingPoint, 0, ""}]; r.WindowClose > 0 && p != nil && !p.Reached {
			p.Reached = b.needs(&restraint{rule: r, kind: HavingPoint}, was) // nobody tells whether it refused a match
		}
	}
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
	before := b.compare(was.Alerts)
	for _, f := range was.Failures {
		if f.Kind == Decided {
			before = append(before, f)
		}
	}
	return !slices.EqualFunc(before, b.without(x, was), func(f, g Failure) bool {
		return f.Kind == g.Kind && f.Alert == g.Alert && f.Event == g.Event && slices.Equal(f.Rows, g.Rows)
	})
}

// without compares what comes out if a restraint does nothing. Of the other rules it is
// what came before, where they have nothing to do with the one that it is of.
func (b *bound) without(x *restraint, was *Result) []Failure {
	lifted := x.lifted()
	set := *b.set.Ruleset
	set.Rules = []*cep.Rule{lifted}
	var came []Alert
	if b.apart() {
		came = slices.DeleteFunc(slices.Clone(was.Alerts), func(a Alert) bool { return a.Rule.ID == x.rule.ID })
	} else {
		set.Rules, set.Types = slices.Clone(b.set.Ruleset.Rules), slices.Clone(set.Types)
		for i, r := range set.Rules {
			if r == x.rule {
				set.Rules[i] = lifted
			}
		}
		for i := range set.Types {
			if set.Types[i].Alert == x.rule {
				set.Types[i].Alert = lifted
			}
		}
	}
	var fx cep.Effects
	trace, places := b.watch(nil)
	cep.NewEngine(&set, cep.Options{Lateness: b.test.lateness, Trace: trace}).Step(b.records, &fx)
	for i := range fx.Alerts {
		came = append(came, b.alert(&fx.Alerts[i]))
	}
	return append(b.compare(came), b.decided(fx.Decisions, places)...)
}

// apart says whether what a rule brings is nothing to the others: none reads its matches
// or a risk, and what they come to together is not compared.
func (b *bound) apart() bool {
	set := b.set.Ruleset
	return len(b.test.decisions) == 0 && len(set.Risks) == 0 &&
		!slices.ContainsFunc(set.Types, func(t cep.Type) bool { return t.Alert != nil })
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
