package cep

import (
	"cmp"
	"math"
	"slices"
)

// border is a record that put other rules in force (Engine.Adopt). What is new or changed
// with it sees events that came after it, also where a late event lets keys go back behind
// it, and matches that such events, or time after it, brought.
type border struct {
	arrived uint64 // events that came before it; some did
	low     int64  // the watermark: what time brought by then was before it
	now     int64  // the highest event time: no event that came before it stands after that
}

// hides reports whether an event, or a match that is read as one, came before the border.
// A nil border hides nothing.
func (b *border) hides(e *Event) bool {
	switch {
	case b == nil:
		return false
	case e.arrived == 0: // time brought the match
		return e.Time <= b.low
	}
	return e.arrived <= b.arrived
}

// hidesMatch reports whether a match came before the border: by an event, or by time (nil) at
// a moment.
func (b *border) hidesMatch(by *Event, moment int64) bool {
	if b == nil || by != nil {
		return b != nil && b.hides(by)
	}
	return moment <= b.low
}

// matters reports whether an event that the border hides may still be matched once the
// watermark is at low.
func (b *border) matters(low int64) bool { return b != nil && low <= b.now }

func (b *border) compare(o *border) int {
	return cmp.Or(cmp.Compare(b.arrived, o.arrived), cmp.Compare(b.low, o.low), cmp.Compare(b.now, o.now))
}

// borders are those behind which the parts of a Ruleset see nothing, nil where they see all.
type borders struct {
	rules    []*border
	features []*border
	risks    []*border
	formers  [][]former // by rule: up to where what it was is in force
}

func newBorders(rs *Ruleset) borders {
	return borders{make([]*border, len(rs.Rules)), make([]*border, len(rs.Features)), make([]*border, len(rs.Risks)), make([][]former, len(rs.Rules))}
}

// bordersOf are the borders of a Ruleset that still matter.
func bordersOf(rs *Ruleset, low int64) borders {
	b := newBorders(rs)
	for i, r := range rs.Rules {
		b.rules[i], b.formers[i] = r.since.still(low), r.ends(low)
	}
	for i, f := range rs.Features {
		b.features[i] = f.since.still(low)
	}
	for i := range rs.Risks {
		b.risks[i] = rs.riskSince(RiskID(i)).still(low)
	}
	return b
}

// still is b if it matters.
func (b *border) still(low int64) *border {
	if b.matters(low) {
		return b
	}
	return nil
}

// distinct lists the borders, each once, in order.
func (b *borders) distinct() []*border {
	var all []*border
	for _, part := range [][]*border{b.rules, b.features, b.risks} {
		for _, x := range part {
			if x != nil {
				all = append(all, x)
			}
		}
	}
	for _, formers := range b.formers {
		for _, x := range formers {
			all = append(all, x.until)
		}
	}
	slices.SortFunc(all, (*border).compare)
	return slices.CompactFunc(all, func(a, b *border) bool { return *a == *b })
}

// behind is a Ruleset whose rules, features and risks see what their borders let them see:
// it asks in `where`, before anything else. rs stays as it is.
func (b *borders) behind(rs *Ruleset) *Ruleset {
	if len(b.distinct()) == 0 && !slices.ContainsFunc(rs.Rules, func(r *Rule) bool { return len(r.Formers) > 0 || r.until != nil }) {
		return rs
	}
	c := *rs
	c.of = rs.base()
	c.Rules, c.Features, c.Types, c.risksSince = slices.Clone(rs.Rules), slices.Clone(rs.Features), slices.Clone(rs.Types), b.risks
	for i, since := range b.rules {
		if c.Rules[i] = rs.Rules[i].ended(b.formers[i]); since != nil {
			c.Rules[i] = c.Rules[i].behind(since)
		}
		if c.Rules[i] == rs.Rules[i] {
			continue
		}
		for t := range c.Types {
			if c.Types[t].Alert == rs.Rules[i] {
				c.Types[t].Alert = c.Rules[i]
			}
		}
	}
	for i, since := range b.features {
		if since != nil {
			c.Features[i] = rs.Features[i].behind(since)
		}
	}
	return &c
}

func (r *Rule) behind(since *border) *Rule {
	c, where := *r, Cond{}
	if r.Where != nil {
		where = *r.Where
	}
	sees := where.Event
	where.Event = func(s *Scope) bool { return !since.hides(s.Event) && (sees == nil || sees(s)) }
	c.Where, c.since = &where, since
	c.Formers = nil
	for _, f := range r.Formers {
		c.Formers = append(c.Formers, f.behind(since))
	}
	return &c
}

func (f *Feature) behind(since *border) *Feature {
	c, counts := *f, f.Where
	c.Where = func(s *Scope) bool { return !since.hides(s.Event) && (counts == nil || counts(s)) }
	c.since = since
	return &c
}

// sinceAll is the border behind which none of some rules sees anything: the first of theirs;
// nil if one of them sees all.
func (p *plan) sinceAll(rules []int32) *border {
	var first *border
	for _, i := range rules {
		switch b := p.rs.Rules[i].since; {
		case b == nil:
			return nil
		case first == nil || b.compare(first) < 0:
			first = b
		}
	}
	return first
}

// appendBorders writes the borders that still matter.
func (g *Engine) appendBorders(w *writer) {
	low := int64(math.MinInt64)
	if g.order.started {
		low = g.order.low
	}
	b := bordersOf(g.rs, low)
	all := b.distinct()
	w.Uint(uint64(len(all)))
	if len(all) == 0 {
		return
	}
	for _, x := range all {
		w.Uint(x.arrived)
		w.Int(x.low)
		w.Int(x.now)
	}
	number := func(x *border) uint64 {
		if x == nil {
			return 0
		}
		i, _ := slices.BinarySearchFunc(all, x, (*border).compare)
		return uint64(i) + 1
	}
	for i, x := range b.rules {
		w.Uint(number(x) + uint64(len(all)+1)*uint64(len(b.formers[i])))
		for _, f := range b.formers[i] {
			w.Uint(uint64(f.revision))
			w.Uint(number(f.until))
		}
	}
	for _, part := range [][]*border{b.features, b.risks} {
		for _, x := range part {
			w.Uint(number(x))
		}
	}
}

// borders reads the borders of a Ruleset. The clock has not been read: check compares them
// with it.
func (r *reader) borders(rs *Ruleset) borders {
	b := newBorders(rs)
	var all []*border
	for range r.Count(3) {
		x := &border{r.Uint(), r.Int(), r.Int()}
		if x.arrived == 0 || x.low > x.now || len(all) > 0 && all[len(all)-1].compare(x) >= 0 {
			r.Fail()
		}
		all = append(all, x)
	}
	if len(all) == 0 {
		return b
	}
	for i, rule := range rs.Rules {
		n := r.Uint()
		if before := n % uint64(len(all)+1); before > 0 {
			b.rules[i] = all[before-1]
		}
		for range n / uint64(len(all)+1) {
			x := r.former(rule, b.formers[i], all)
			if r.Bad {
				return b
			}
			b.formers[i] = append(b.formers[i], x)
		}
	}
	for _, part := range [][]*border{b.features, b.risks} {
		for i := range part {
			if n := r.Below(uint64(len(all)) + 1); n > 0 {
				part[i] = all[n-1]
			}
		}
	}
	if len(b.distinct()) < len(all) {
		r.Fail()
	}
	return b
}

// former reads up to which border a revision of a rule is in force, of which those before have
// been read.
func (r *reader) former(rule *Rule, before []former, all []*border) former {
	x := former{revision: int(r.Below(1 << 31))}
	if n := r.Below(uint64(len(all)) + 1); n > 0 {
		x.until = all[n-1]
	}
	known := rule.Drains && rule.Revision == x.revision || slices.ContainsFunc(rule.Formers, func(f *Rule) bool { return f.Revision == x.revision })
	if n := len(before); !known || x.until == nil || n > 0 && (before[n-1].revision >= x.revision || before[n-1].until.compare(x.until) > 0) {
		r.Fail()
	}
	return x
}

// check compares borders with the clock.
func (b *borders) check(r *reader, o *order) {
	for _, x := range b.distinct() {
		if !o.started || x.arrived > o.arrived || x.low > o.low || x.now > o.now || !x.matters(o.low) {
			r.Fail()
		}
	}
}
