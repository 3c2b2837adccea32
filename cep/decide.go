package cep

import "weir/cep/outcome"

// decide makes the decisions on the events of a block, of what came in order.
func (g *Engine) decide(fx *Effects) {
	for rest := g.came; len(rest) > 0; {
		origin := rest[0].at.origin
		n := 1
		for n < len(rest) && rest[n].at.origin == origin {
			n++
		}
		if origin > 0 {
			g.decideOn(g.released[origin-g.released[0].origin], rest[:n], fx)
		}
		rest = rest[n:]
	}
}

// decideOn makes the decision on an event, if a rule has one.
func (g *Engine) decideOn(e *Event, came []coming, fx *Effects) {
	all := make([]outcome.Contribution, 0, len(came))
	for i := range came {
		c := &came[i]
		if r := c.alert.Rule; c.decides() {
			action, _ := outcome.ParseAction(r.Action)
			all = append(all, outcome.Contribution{Rule: r.ID, Revision: r.Revision, Score: c.alert.Score, Action: action, Hold: c.held})
		}
	}
	if len(all) == 0 {
		return
	}
	o := outcome.Decide(g.rs.Policy, all)
	d := Decision{Event: Named{e.Name, e.name()}, Time: e.Time, Place: e.origin, Score: o.Score, Action: o.Action, Reasons: make([]Reason, len(o.Reasons))}
	for i := range o.Reasons {
		d.Reasons[i] = reason(o.Reasons[i], came)
	}
	fx.Decisions = append(fx.Decisions, d)
}

// decides reports whether c takes part in the decision on the event that brought it.
func (c *coming) decides() bool { return c.alert.Kind == MatchAlert && !c.alert.Rule.Shadow }

// reason says more of a rule that takes part in a decision.
func reason(o outcome.Reason, came []coming) Reason {
	r := Reason{Reason: o}
	best := -1
	for i := range came {
		c := &came[i]
		if c.alert.Rule.ID != o.Rule || !c.decides() {
			continue
		}
		r.Of = c.alert.Rule
		if c.held {
			continue
		}
		if best < c.alert.Score {
			best, r.Message, r.Measures = c.alert.Score, c.alert.Message, c.alert.Measures
		}
		if !c.silent {
			r.Alerts = append(r.Alerts, c.alert.ID)
		}
	}
	return r
}
