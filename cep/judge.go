package cep

import (
	"slices"

	"weir/nfa"
)

// answer is what is known of a condition.
type answer uint8

const (
	unasked answer = iota
	no
	yes
)

// judge answers the machine's questions on the current event under the current
// key. The part of a condition that looks at the event alone is evaluated at most
// once for each event, rule and key.
type judge struct {
	whole   *Rule // that is asked,
	rule    *Rule // and what it means for the event
	due     int64 // to where time moves on, if there is no event
	scope   Scope
	memo    []answer // by nfa.Cond
	view    view
	machine *nfa.Machine // that asks
	moments moments
	risks   riskView // of the key
	took    bool     // a name that captures held: the event may have been captured
}

// at sets the event (nil: time moves on) and the key of the questions to come.
func (j *judge) at(e *Event, key []string, ks *keyState) {
	j.scope.Event, j.scope.Key, j.scope.Captures = e, key, nil
	j.view.current, j.view.keys = e, ks
	if e != nil {
		j.view.number = e.Place
	}
	if j.scope.Risks != nil {
		j.risks.key.set(key)
		if e != nil {
			j.risks.at = e.stamp()
		}
	}
}

// ask sets the rule of the questions to come.
func (j *judge) ask(r *Rule) {
	j.whole, j.rule = r, r.as(j.scope.Event, j.due)
	j.view.rule = j.rule
	clear(j.memo[:len(r.Conds)])
	j.took = false
}

// sees reports whether the rule's `where` lets it see the event.
func (j *judge) sees() bool {
	w := j.rule.Where
	return w == nil || j.event(w)
}

// begins reports whether a match of r could begin with the event. It is asked of
// every rule that dispatch cannot rule out, nearly always in vain, so it keeps
// nothing.
func (j *judge) begins(r *Rule, starts []nfa.Cond) bool {
	for _, c := range starts {
		if j.event(&r.Conds[c]) {
			return true
		}
	}
	return false
}

// event evaluates what c asks of the event alone.
func (j *judge) event(c *Cond) bool {
	e := j.scope.Event
	if c.Types != nil && !slices.Contains(c.Types, e.Type) {
		return false
	}
	for i := range c.Equals {
		if !equal(e.Field(c.Equals[i].Field), &c.Equals[i].Value) {
			return false
		}
	}
	return c.Event == nil || c.Event(&j.scope)
}

// May is asked by the machine: could c hold, whatever was captured?
func (j *judge) May(c nfa.Cond) bool {
	if j.memo[c] == unasked {
		j.memo[c] = no
		if j.named(c) && j.event(&j.rule.Conds[c]) {
			j.memo[c] = yes
		}
	}
	return j.memo[c] == yes
}

// named reports whether the event can stand for a name under this key: where the
// key is read by variable, the name's own field must have it.
func (j *judge) named(c nfa.Cond) bool {
	by := j.rule.Key.ByName
	if int(c) >= len(by) {
		return true
	}
	text, ok := j.scope.Event.Field(by[c]).KeyText()
	return ok && text == j.scope.Key[0]
}

// Holds is asked by the machine where May holds, and for `having`.
func (j *judge) Holds(c nfa.Cond, caps nfa.Captures) bool {
	if c == j.rule.Program.Having {
		return j.having(caps)
	}
	cond := &j.rule.Conds[c]
	if cond.Captured != nil {
		j.view.caps = caps
		j.scope.Captures = &j.view
		if !cond.Captured(&j.scope) {
			return false
		}
	}
	if int(c) < len(j.rule.Names) && j.rule.Names[c].Captures {
		j.took = true
	}
	return true
}

// having asks the rule's `having` of a completed match.
func (j *judge) having(caps nfa.Captures) bool {
	e, r := j.scope.Event, j.rule
	if e == nil {
		r = j.whole.as(nil, max(j.due, j.machine.Moment()))
	}
	if r.Having == nil {
		return true
	}
	j.scope.At = j.moment()
	j.view.caps = caps
	j.scope.Event, j.scope.Captures = nil, &j.view
	ok := r.Having(&j.scope)
	j.scope.Event, j.scope.At = e, nil
	return ok
}

// moment is when the match comes that the machine asks about.
func (j *judge) moment() *Moment {
	if e := j.scope.Event; e != nil {
		return j.moments.ofEvent(e, e.Time)
	}
	t := j.machine.Moment()
	j.risks.at = stamp{moment: t}
	return j.moments.ofTime(j.view.state.rule, j.scope.Key, t)
}
