package cep

import (
	"fmt"
	"reflect"
	"slices"

	"weir/nfa"
)

// A rule whose matches are carried (ModeCarry) still has what it was before: events keep the
// meaning of the position at which they came, also where a late event lets a key go back to
// them. A rule that drains (ModeDrain) is one of its own, beside the rule that took its place.

// all yields a rule and what it was before.
func (r *Rule) all(yield func(*Rule) bool) {
	if !yield(r) {
		return
	}
	for _, f := range r.Formers {
		if !yield(f) {
			return
		}
	}
}

// as is what a rule means for an event, or for a match that time (nil) brings at a moment.
func (r *Rule) as(by *Event, moment int64) *Rule {
	for _, f := range r.Formers {
		if f.until.covers(by, moment) {
			return f
		}
	}
	return r
}

// covers reports whether an event came before the border, or time (nil) brings a match at a
// moment up to the highest event time of then. Whatever an event that came before has seen
// time bring is no later than that. A nil border covers nothing.
func (b *border) covers(by *Event, moment int64) bool {
	switch {
	case b == nil:
		return false
	case by == nil:
		return moment <= b.now
	case by.arrived == 0: // time brought it
		return by.Time <= b.now
	}
	return by.arrived <= b.arrived
}

// shuts reports whether no match begins with an event, as the rule drains.
func (r *Rule) shuts(e *Event) bool { return r.Drains && !r.until.covers(e, 0) }

// former is what a rule was under a revision; nil: that is not known.
func (r *Rule) former(revision int, digest string) *Rule {
	for _, f := range r.Formers {
		if f.Revision == revision && f.Digest == digest && digest != "" {
			return f
		}
	}
	return nil
}

// Hinders says why open matches cannot be carried from what a rule was to r, both of the same
// Ruleset; empty: they can. Which layers the two are in is not asked.
func (r *Rule) Hinders(was *Rule, rs *Ruleset) string {
	switch {
	case (r.Program == nil) != (was.Program == nil) || r.WindowClose != was.WindowClose:
		return "it matches in another way"
	case r.Program != nil && !slices.EqualFunc(r.Names, was.Names, sameName):
		return "the names of its pattern differ"
	case r.Program != nil && r.Program.String() != was.Program.String():
		return "what its pattern is compiled to differs: its elements, windows, `skip`, `emit`, `timeout`, `limit`, or that there is `unless` or `having`"
	case !slices.Equal(r.Types, was.Types):
		return "it is on other events"
	case !reflect.DeepEqual(r.Key, was.Key):
		return "its key differs"
	case !slices.Equal(r.Aggregates, was.Aggregates):
		return "it takes other sums of captured events"
	case r.Edge != was.Edge:
		return "`edge` differs"
	case r.Evidence != was.Evidence:
		return "it shows the events of another feature"
	case r.Shadow != was.Shadow && r.onMatches(rs):
		return "`status` differs, and it is on the matches of rules"
	case slices.ContainsFunc(was.Risks, func(id RiskID) bool { return !slices.Contains(r.Risks, id) }):
		return "it read a risk that it does not read now"
	}
	for i := range r.Conds {
		if (r.Conds[i].Captured == nil) != (was.Conds[i].Captured == nil) {
			return "a condition looks at captured events that did not, or the other way round"
		}
	}
	return ""
}

// everShadow reports whether a rule is in shadow and was so in all that it was.
func (r *Rule) everShadow() bool {
	for was := range r.all {
		if !was.Shadow {
			return false
		}
	}
	return true
}

// sameName compares names of two patterns, wherever they stand there.
func sameName(a, b nfa.Name) bool {
	return a.Text == b.Text && a.Captures == b.Captures && a.List == b.List
}

// onMatches reports whether a rule is on matches of rules.
func (r *Rule) onMatches(rs *Ruleset) bool {
	return slices.ContainsFunc(r.Types, func(t TypeID) bool { return rs.Types[t].Alert != nil })
}

// lasting are what a rule was before, as far as an event or time may still ask for it once the
// watermark is at low.
func (r *Rule) lasting(low int64) []*Rule {
	var left []*Rule
	for _, f := range r.Formers {
		if f.until.matters(low) {
			left = append(left, f)
		}
	}
	return left
}

// Needs reports whether what a rule was under a revision, other than that in force, can still
// be asked for: by an event that came when it was in force, or as matches drain.
// Once it cannot it never can again.
func (g *Engine) Needs(id string, revision int) bool {
	for i, r := range g.rs.Rules {
		if r.ID != id {
			continue
		}
		of := *r
		if g.order.started {
			of.Formers = r.lasting(g.order.low)
		}
		if slices.ContainsFunc(of.Formers, func(f *Rule) bool { return f.Revision == revision }) {
			return true
		}
		if r.Drains && r.Revision == revision && (r.until.matters(g.order.low) || g.has(int32(i))) {
			return true
		}
	}
	return false
}

// Needs is Engine.Needs of the state of a prepared checkpoint, if the rules in force there are those of
// a record of the log. nil: what is needed is not known.
func (c *Checkpoint) Needs(rulesAt uint64) func(id string, revision int) bool {
	if c == nil || c.RulesAt != rulesAt || c.prepared == nil || c.prepared.engine == nil {
		return nil
	}
	return c.prepared.engine.Needs
}

// Name is how a rule is called among those in force: its id, and where it drains its revision too,
// like card-testing@3.
func (r *Rule) Name() string {
	if r.Drains {
		return fmt.Sprintf("%s@%d", r.ID, r.Revision)
	}
	return r.ID
}

// has reports whether a rule has open matches or holds under some key, or had them at a time to which
// a late event can take the key back: what time brings of those may have to come yet.
func (g *Engine) has(rule int32) bool {
	keeps := func(rules []ruleState) bool {
		return slices.ContainsFunc(rules, func(st ruleState) bool { return st.rule == rule && (!st.runs.Empty() || len(st.holds) > 0) })
	}
	for s := range g.shards {
		for _, table := range s.tables {
			for _, ks := range table {
				if keeps(ks.rules) {
					return true
				}
			}
		}
		if home := s.plan.home[rule]; home >= 0 && s.eager != nil {
			for c := range s.eager.cells[home].each {
				if c.saved != nil && keeps(c.saved.rules) || slices.ContainsFunc(c.items, func(it item) bool { return it.saved != nil && keeps(it.saved.rules) }) {
					return true
				}
			}
		}
	}
	return false
}

// ends yields the borders up to which what a rule was, or a rule that drains, is in force,
// by revision.
func (r *Rule) ends(low int64) (all []former) {
	for _, f := range r.lasting(low) {
		all = append(all, former{f.Revision, f.until})
	}
	if r.Drains && r.until.matters(low) {
		all = append(all, former{r.Revision, r.until})
	}
	return all
}

// former is a revision of a rule and up to which border it is in force.
type former struct {
	revision int
	until    *border
}

// ended is a rule whose earlier revisions are in force up to some borders. Those without one
// are left out: nothing asks for them.
func (r *Rule) ended(at []former) *Rule {
	if len(r.Formers) == 0 && !r.Drains {
		return r
	}
	c := *r
	c.Formers, c.until = nil, nil
	for _, x := range at {
		if r.Drains && x.revision == r.Revision {
			c.until = x.until
		}
		for _, f := range r.Formers {
			if f.Revision == x.revision {
				old := *f
				old.until = x.until
				c.Formers = append(c.Formers, &old)
			}
		}
	}
	return &c
}
