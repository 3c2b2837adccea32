package cep

import (
	"cmp"
	"fmt"
	"slices"
)

// matchRules finds the rules that go on, and how. Where the order changes none does.
func (a *adoption) matchRules(rs *Ruleset, sameOrder bool) {
	current := map[string]int32{}
	draining := map[revised]int32{}
	for i, r := range rs.Rules {
		if r.Drains {
			draining[revised{r.ID, r.Revision}] = int32(i)
		} else {
			current[r.ID] = int32(i)
		}
	}
	for _, r := range a.from.rs.Rules {
		to, mode, why := int32(-1), ModeReset, ""
		if !sameOrder {
			why = "the order in which events are matched changes"
		} else {
			to, mode, why = a.goesOn(r, rs, lookedUp(current, r.ID), drainOf(draining, r))
		}
		a.rules, a.modes, a.why = append(a.rules, to), append(a.modes, mode), append(a.why, why)
	}
}

// revised names a revision of a rule.
type revised struct {
	id       string
	revision int
}

func drainOf(draining map[revised]int32, r *Rule) int32 {
	if i, ok := draining[revised{r.ID, r.Revision}]; ok {
		return i
	}
	return -1
}

// goesOn says as which rule of the other Ruleset a rule goes on, of that of its id and the one
// that drains with its revision, and how; -1: as none, and why.
func (a *adoption) goesOn(r *Rule, rs *Ruleset, now, drain int32) (to int32, mode Mode, why string) {
	if drain >= 0 && r.same(rs.Rules[drain]) {
		if why = a.forgets(r, rs.Rules[drain]); why != "" {
			return -1, ModeReset, why
		}
		if r.Drains {
			return drain, ModeDefault, ""
		}
		if r.asleep {
			return -1, ModeReset, "its run-in has not ended: nothing of it has begun that could drain"
		}
		return drain, ModeDrain, ""
	}
	if now < 0 || r.Drains {
		return -1, ModeReset, ""
	}
	next := rs.Rules[now]
	was := next.former(r.Revision, r.Digest)
	switch {
	case r.same(next):
		was, mode = next, ModeDefault
	case was == nil:
		return -1, ModeReset, ""
	case r.Layer != next.Layer:
		return -1, ModeReset, "where it stands among the layers of rules has changed"
	case len(r.Reads) != len(was.Reads):
		return -1, ModeReset, "it looks at other features"
	default:
		if mode, why = ModeCarry, next.Hinders(was, rs); why != "" {
			return -1, ModeReset, why
		}
	}
	if why = a.forgets(r, next); why != "" {
		return -1, ModeReset, why
	}
	return now, mode, ""
}

// forgets says what a rule was that an event may still ask for, and that the one that it goes on
// as does not know; empty: nothing.
func (a *adoption) forgets(r, next *Rule) string {
	for _, f := range r.lasting(a.from.order.low) {
		if now := next.former(f.Revision, f.Digest); now == nil || len(now.Reads) != len(f.Reads) || next.Hinders(now, a.next.Ruleset) != "" {
			return fmt.Sprintf("a late event may still ask for its revision %d, which does not mean the same any more", f.Revision)
		}
	}
	return ""
}

// ends are up to where in force is what a rule of the other Ruleset was, or, if it drains, is. had
// is that of the rule that goes on as it.
func (a *adoption) ends(old int32, had []former, here *border) []former {
	r := a.from.rs.Rules[old]
	all := slices.Clone(had)
	if a.modes[old] != ModeDefault {
		all = append(all, former{r.Revision, here})
	}
	return all
}

// tellRules says what becomes of the rules of both Rulesets, by id, and of their open matches.
func (a *adoption) tellRules() []AdoptedPart {
	parts := map[string]*AdoptedPart{}
	part := func(id string, became Adoption) *AdoptedPart {
		p := parts[id]
		if p == nil {
			p = &AdoptedPart{Name: id, Became: became}
			parts[id] = p
		}
		return p
	}
	a.tellCurrent(part)
	open := a.from.Open()
	for i, r := range a.from.rs.Rules {
		p := part(r.ID, Gone)
		switch to := a.rules[i]; {
		case to < 0:
			p.Dropped += open[i]
		case a.next.Rules[to].Drains:
			p.Draining += open[i]
		default:
			p.Kept += open[i]
		}
	}
	all := make([]AdoptedPart, 0, len(parts))
	for _, p := range parts {
		all = append(all, *p)
	}
	slices.SortFunc(all, func(x, y AdoptedPart) int { return cmp.Compare(x.Name, y.Name) })
	return all
}

// tellCurrent says what becomes of the rules in force, without those that drain already.
func (a *adoption) tellCurrent(part func(id string, became Adoption) *AdoptedPart) {
	for _, r := range a.next.Rules {
		if !r.Drains {
			part(r.ID, New)
		}
	}
	for i, r := range a.from.rs.Rules {
		if r.Drains {
			continue
		}
		p := part(r.ID, Gone)
		if p.Became == New {
			p.Became = Changed
		}
		if a.rules[i] >= 0 && a.modes[i] == ModeDefault {
			p.Became = Kept
			continue
		}
		p.Asked, p.Mode = a.next.Changes[r.ID].Mode, a.modes[i]
		if p.Mode == ModeReset && p.Asked != ModeReset {
			p.Why = cmp.Or(a.next.Hindered[r.ID], a.why[i])
		}
	}
}
