package cep

import (
	"cmp"
	"slices"
)

// In EagerOrder what matches from the watermark on add to a risk is worked out again from
// their events when a state is read. What rules added that are no more in force (Engine.Adopt)
// is not: it is left as it is, and part of the state until it is part of the level.

// leftRule stands for the rule of an addition that is left.
const leftRule = -1

// left is a copy of the additions of rk that are left, of those that say so, from the
// watermark on. What is still to be brought by time is none.
func (rk *riskState) left(low int64, is func(rule int32) bool) []addition {
	var all []addition
	for _, a := range rk.pending {
		if !a.at.before(low) && a.at.origin > 0 && is(a.rule) {
			all = append(all, a)
		}
	}
	return all
}

// leftOf are the additions that are left of a risk of a key.
type leftOf struct {
	text string
	all  []addition
}

// leftOf lists what is left of a risk, by key.
func (g *Engine) leftOf(id RiskID, is func(rule int32) bool) []leftOf {
	var keys []leftOf
	for _, r := range g.risks {
		for _, rk := range r.tables[id] {
			if all := rk.left(g.order.low, is); len(all) > 0 {
				keys = append(keys, leftOf{rk.text, all})
			}
		}
	}
	slices.SortFunc(keys, func(a, b leftOf) int { return cmp.Compare(a.text, b.text) })
	return keys
}

// appendLeft writes what is left of the additions of rules that are no more in force.
func (g *Engine) appendLeft(w *writer) {
	for id := range g.rs.Risks {
		w.left(g.leftOf(RiskID(id), isLeft))
	}
}

func (w *writer) left(keys []leftOf) {
	w.Uint(uint64(len(keys)))
	for _, x := range keys {
		w.leftOf(x.text, x.all)
	}
}

func (w *writer) leftOf(text string, all []addition) {
	w.Text(text)
	w.Uint(uint64(len(all)))
	for i := range all {
		a := &all[i]
		w.stamp(a.at)
		w.Int(a.time)
		w.Uint(uint64(a.score))
	}
}

// readLeft reads what appendLeft wrote. Levels have been read.
func (g *Engine) readLeft(r *reader) {
	for id := range g.rs.Risks {
		before := ""
		for range r.Count(7) {
			var key keyReader
			text := r.Text()
			n := r.Count(5)
			if r.Bad || n == 0 || text <= before || !key.split(text, len(g.rs.Risks[id].Key)) {
				r.Fail()
				return
			}
			before = text
			risks := g.risks[key.hash()%uint64(len(g.risks))]
			rk := risks.state(RiskID(id), &key)
			var last stamp
			for i := range n {
				a := addition{at: r.stamp(), rule: leftRule, number: i, time: r.Int(), score: int(r.Below(101))}
				if r.Bad || a.score == 0 || a.at.origin == 0 || a.at.origin > g.place || a.at.before(g.order.low) || a.at.moment > g.order.now ||
					i > 0 && a.at.compare(last) < 0 {
					r.Fail()
					return
				}
				last = a.at
				risks.add(rk, a)
			}
		}
	}
}
