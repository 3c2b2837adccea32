package cep

import (
	"math"
	"slices"
)

// A rule that is new, or begins anew, may be wanted to know what came before it was published
// (Change.Warm). It then sleeps: the engine knows it, and matches nothing with it. A lane, an
// engine of its own, folds the log again for it and what it reads, from a record far back on,
// and where it has caught up a record of kind PackedJoin is appended to the log: at that
// record the state of the lane becomes part of that of the engine, and the rule is awake. As
// the record says where the lane began, the same log gives the same, however fast the
// lane was.
//
// What a rule matches before the record that published it is counted, and consumes and holds
// like any match, but is no alert. What it matches between that record and the join comes out
// with the join. To risks it adds from the join on.

// sleep is the rules that one record of rules has put to sleep.
type sleep struct {
	at       uint64 // sequence of that record
	from     border // where it stands among events
	rules    []int32
	features []int32 // that began with it and that they read
	risks    []RiskID
}

// woken are the rules that a join has woken.
type woken struct {
	quiet border // where the record stands that published them: what they match before makes no alert
	mute  border // where the join stands: what they match before adds to no risk
	rules []int32
}

// lanes are the rules of an engine that sleep, and those that were woken while events may be
// matched that came before.
type lanes struct {
	asleep []sleep // by at
	woken  []woken // by mute, then by quiet
}

// everything is a border that hides everything.
var everything = border{math.MaxUint64, math.MaxInt64, math.MaxInt64}

// here is the border where an engine has come to.
func (g *Engine) here() border {
	if !g.order.started {
		return border{low: math.MinInt64, now: math.MinInt64}
	}
	return border{g.order.arrived, g.order.low, g.order.now}
}

// behind is a Ruleset some of whose rules sleep or are quiet. rs stays as it is.
func (x *lanes) behind(rs *Ruleset) *Ruleset {
	if len(x.asleep)+len(x.woken) == 0 {
		return rs
	}
	c := rs.copied()
	for i := range x.asleep {
		for _, n := range x.asleep[i].rules {
			c.put(n, func(r *Rule) { r.asleep = true })
		}
	}
	for i := range x.woken {
		w := &x.woken[i]
		for _, n := range w.rules {
			c.put(n, func(r *Rule) { r.quiet, r.mute = &w.quiet, &w.mute })
		}
	}
	return c
}

// copied is a Ruleset whose rules may be changed by put.
func (rs *Ruleset) copied() *Ruleset {
	c := *rs
	c.of, c.Rules, c.Types = rs.base(), slices.Clone(rs.Rules), slices.Clone(rs.Types)
	return &c
}

// base is the Ruleset that rs was made of, whose events are decoded alike.
func (rs *Ruleset) base() *Ruleset {
	if rs.of != nil {
		return rs.of
	}
	return rs
}

// put puts a changed copy of a rule in its place.
func (rs *Ruleset) put(n int32, change func(*Rule)) {
	was := rs.Rules[n]
	now := *was
	change(&now)
	now.Formers = nil
	for _, f := range was.Formers {
		former := *f
		change(&former)
		now.Formers = append(now.Formers, &former)
	}
	rs.Rules[n] = &now
	for t := range rs.Types {
		if rs.Types[t].Alert == was {
			rs.Types[t].Alert = &now
		}
	}
}

// findSleeping finds the rules that sleep: of those that begin with a record of rules the ones that
// are to be run in, and whatever else begins and reads their matches. What sleeps already and means
// the same goes on to sleep; where it means something else that could be carried, or the clock of
// the engine changes, its lane begins again.
func (a *adoption) findSleeping() {
	g, at := a.from, a.next.At
	before, o := g.options, a.next.Options
	sameClock := before.Lateness == o.Lateness && before.MaxAhead == o.MaxAhead && before.Idle == o.Idle && before.Order == o.Order
	fresh := sleep{at: at, from: g.here()}
	for i := range g.lanes.asleep {
		s := &g.lanes.asleep[i]
		for _, n := range s.rules {
			if to := a.rules[n]; at > 0 && to >= 0 && (!sameClock || a.modes[n] != ModeDefault) {
				fresh.rules = append(fresh.rules, to)
				fresh.features = append(fresh.features, mapped(s.features, a.features)...)
				a.rules[n], a.oldRules[to] = -1, -1
			}
		}
		if c := (sleep{at: s.at, from: s.from, rules: mapped(s.rules, a.rules), features: mapped(s.features, a.features), risks: mapped(s.risks, riskNumbers(a.risks))}); len(c.rules) > 0 {
			a.lanes.asleep = append(a.lanes.asleep, c)
		}
	}
	for i := range g.lanes.woken {
		w := &g.lanes.woken[i]
		if c := (woken{w.quiet, w.mute, mapped(w.rules, a.rules)}); len(c.rules) > 0 && w.mute.matters(g.order.low) {
			a.lanes.woken = append(a.lanes.woken, c)
		}
	}
	if at > 0 {
		a.putToSleep(&fresh)
	}
}

// putToSleep adds what begins with a record of rules to what sleeps with it already.
func (a *adoption) putToSleep(s *sleep) {
	rs := a.next.Ruleset
	for i, r := range rs.Rules {
		if a.oldRules[i] < 0 && !r.Drains && a.next.Changes[r.ID].Warm && !a.drains(r.ID) && !slices.Contains(s.rules, int32(i)) {
			s.rules = append(s.rules, int32(i))
		}
	}
	if s.rules = a.readersOf(rs, s.rules); len(s.rules) == 0 {
		return
	}
	for f, used := range rs.featuresOf(s.rules) {
		if used && a.oldFeatures[f] < 0 {
			s.features = append(s.features, int32(f))
		}
	}
	slices.Sort(s.features)
	s.features = slices.Compact(s.features)
	for id, old := range backwards(a.risks, len(rs.Risks)) {
		if old < 0 {
			s.risks = append(s.risks, RiskID(id))
		}
	}
	a.lanes.asleep = append(a.lanes.asleep, *s)
}

// drains says whether the open matches of a rule go on under what it meant: what it means now
// then begins with what comes, so that nothing is matched under both.
func (a *adoption) drains(id string) bool {
	for n, r := range a.from.rs.Rules {
		if r.ID == id && a.modes[n] == ModeDrain {
			return true
		}
	}
	return false
}

// mapped are numbers on the other side, of those that have one there, in order.
func mapped[N ~int32, M ~[]N](all []N, to M) []N {
	var list []N
	for _, n := range all {
		if m := to[n]; m >= 0 {
			list = append(list, m)
		}
	}
	slices.Sort(list)
	return list
}

func riskNumbers(all []int32) []RiskID {
	ids := make([]RiskID, len(all))
	for i, n := range all {
		ids[i] = RiskID(n)
	}
	return ids
}

// readersOf adds to rules those that begin, too, and read their matches, or matches of these.
func (a *adoption) readersOf(rs *Ruleset, rules []int32) []int32 {
	for n := -1; n != len(rules); {
		n = len(rules)
		for i, r := range rs.Rules {
			if a.oldRules[i] >= 0 || slices.Contains(rules, int32(i)) {
				continue
			}
			if slices.ContainsFunc(r.Types, func(t TypeID) bool {
				return t >= 0 && rs.Types[t].Alert != nil && slices.ContainsFunc(rules, func(k int32) bool { return rs.Rules[k] == rs.Types[t].Alert })
			}) {
				rules = append(rules, int32(i))
			}
		}
	}
	slices.Sort(rules)
	return rules
}

// featuresOf marks the features that rules look at.
func (rs *Ruleset) featuresOf(rules []int32) []bool {
	used := make([]bool, len(rs.Features))
	for _, n := range rules {
		r := rs.Rules[n]
		for _, id := range r.Reads {
			used[rs.Reads[id].Feature] = true
		}
		for _, f := range []int{r.WindowClose, r.Evidence} {
			if f > 0 {
				used[f-1] = true
			}
		}
	}
	return used
}

// neededBy are the rules that a lane has to fold for some: these, and those whose matches or
// additions to risks they read.
func (rs *Ruleset) neededBy(rules []int32) []bool {
	needed := make([]bool, len(rs.Rules))
	var need func(n int)
	need = func(n int) {
		if needed[n] {
			return
		}
		needed[n] = true
		r := rs.Rules[n]
		for _, t := range r.Types {
			if t < 0 || rs.Types[t].Alert == nil {
				continue
			}
			if i := slices.Index(rs.Rules, rs.Types[t].Alert); i >= 0 {
				need(i)
			}
		}
		for _, id := range r.Risks {
			for i, o := range rs.Rules {
				if !o.Shadow && slices.Equal(o.Key.Names, rs.Risks[id].Key) {
					need(i)
				}
			}
		}
	}
	for _, n := range rules {
		need(int(n))
	}
	return needed
}

// laneOf is the Ruleset of a lane for rules that a record published: no other rule is there but
// those that they read, nor any other feature. What they match up to the border makes no alert;
// they add to no risk; risks that begin with the record are added to from the border on.
func (rs *Ruleset) laneOf(rules []int32, begins []RiskID, published *border) *Ruleset {
	c := rs.copied()
	none, needed := []TypeID{}, rs.neededBy(rules)
	for i := range c.Rules {
		if !needed[i] {
			c.put(int32(i), func(r *Rule) { r.asleep, r.Types, r.Reads = true, none, nil })
		}
	}
	for _, n := range rules {
		c.put(n, func(r *Rule) { r.quiet, r.mute = published, &everything })
	}
	var list []int32
	for i, is := range needed {
		if is {
			list = append(list, int32(i))
		}
	}
	c.Features = slices.Clone(rs.Features)
	for f, used := range rs.featuresOf(list) {
		if !used {
			other := *c.Features[f]
			other.Types = none
			c.Features[f] = &other
		}
	}
	c.risksSince = make([]*border, len(rs.Risks))
	for _, id := range begins {
		c.risksSince[id] = published
	}
	return c
}

// asleepSince finds what a record of rules has put to sleep; nil: nothing, or nothing any more.
func (x *lanes) asleepSince(at uint64) *sleep {
	for i := range x.asleep {
		if x.asleep[i].at == at {
			return &x.asleep[i]
		}
	}
	return nil
}

// Sleeping is rules that are not in force yet: a lane folds the log again for them.
type Sleeping struct {
	At    uint64   // sequence of the record that published them
	Rules []string // their ids, in order
}

// Sleeping lists the rules that sleep, by the record that published them.
func (g *Engine) Sleeping() []Sleeping {
	var all []Sleeping
	for i := range g.lanes.asleep {
		s := &g.lanes.asleep[i]
		all = append(all, Sleeping{s.at, g.rs.idsOf(s.rules)})
	}
	return all
}

func (rs *Ruleset) idsOf(rules []int32) []string {
	ids := make([]string, len(rules))
	for i, n := range rules {
		ids[i] = rs.Rules[n].ID
	}
	return ids
}

// appendLanes writes which rules sleep, and which were woken and are still quiet.
func (g *Engine) appendLanes(w *writer) {
	w.Uint(uint64(len(g.lanes.asleep)))
	for i := range g.lanes.asleep {
		s := &g.lanes.asleep[i]
		w.Uint(s.at)
		w.border(&s.from)
		appendNumbers(w, s.rules)
		appendNumbers(w, s.features)
		appendNumbers(w, s.risks)
	}
	still := g.lanes.still(g.here().low)
	w.Uint(uint64(len(still)))
	for i := range still {
		w.border(&still[i].quiet)
		w.border(&still[i].mute)
		appendNumbers(w, still[i].rules)
	}
}

// still are the woken rules whose borders matter.
func (x *lanes) still(low int64) []woken {
	var all []woken
	for i := range x.woken {
		if x.woken[i].mute.matters(low) {
			all = append(all, x.woken[i])
		}
	}
	return all
}

func appendNumbers[N ~int32](w *writer, all []N) {
	w.Uint(uint64(len(all)))
	for _, n := range all {
		w.Uint(uint64(n))
	}
}

func readNumbers[N ~int32](r *reader, below int) []N {
	var all []N
	for range r.Count(1) {
		n := N(r.Below(uint64(below)))
		if len(all) > 0 && all[len(all)-1] >= n {
			r.Fail()
		}
		if r.Bad {
			return nil
		}
		all = append(all, n)
	}
	return all
}

// lanes reads what appendLanes wrote. The clock has not been read: check compares with it.
func (r *reader) lanes(rs *Ruleset) lanes {
	var x lanes
	taken := make([]bool, len(rs.Rules))
	take := func(rules []int32) []int32 {
		r.Bad = r.Bad || len(rules) == 0
		for _, n := range rules {
			r.Bad = r.Bad || taken[n]
			taken[n] = true
		}
		return rules
	}
	last := uint64(0)
	for range r.Count(7) {
		s := sleep{at: r.Uint(), from: r.laneBorder()}
		s.rules, s.features, s.risks = take(readNumbers[int32](r, len(rs.Rules))), readNumbers[int32](r, len(rs.Features)), readNumbers[RiskID](r, len(rs.Risks))
		if r.Bad || s.at <= last {
			r.Fail()
			return lanes{}
		}
		last = s.at
		x.asleep = append(x.asleep, s)
	}
	for range r.Count(8) {
		w := woken{r.laneBorder(), r.laneBorder(), take(readNumbers[int32](r, len(rs.Rules)))}
		n := len(x.woken)
		if r.Bad || w.quiet.after(&w.mute) || n > 0 && !w.mute.after(&x.woken[n-1].mute) && (w.mute != x.woken[n-1].mute || !w.quiet.after(&x.woken[n-1].quiet)) {
			r.Fail()
			return lanes{}
		}
		x.woken = append(x.woken, w)
	}
	return x
}

func (r *reader) laneBorder() border { return border{r.Uint(), r.Int(), r.Int()} }

// after reports whether a border stands after another one: it is not the same, and behind it in
// nothing.
func (b *border) after(o *border) bool { return b.compare(o) > 0 }

// check compares what was read with the clock.
func (x *lanes) check(r *reader, o *order) {
	fits := func(b *border) bool {
		if b.arrived == 0 || !o.started {
			return b.arrived == 0 && b.low <= b.now
		}
		return b.arrived <= o.arrived && b.low <= o.low && b.now <= o.now && b.low <= b.now
	}
	for i := range x.asleep {
		if !fits(&x.asleep[i].from) {
			r.Fail()
		}
	}
	for i := range x.woken {
		if w := &x.woken[i]; !fits(&w.quiet) || !fits(&w.mute) || !w.mute.matters(o.low) {
			r.Fail()
		}
	}
}

// offerAsleep numbers equal lines of the types that a sleeping rule is on, as if it were awake:
// once it is, it knows events that have come before by the names that its lane gave them.
func (g *Engine) offerAsleep(r *Rule) {
	for t := range g.offered {
		if of := TypeID(t - 1); r.asleep && (r.Types == nil && (of < 0 || g.rs.Types[of].Alert == nil) || slices.Contains(r.Types, of)) {
			g.offered[t] = true
		}
	}
}
