package ruletest

import (
	"cmp"
	"slices"
)

// pairing says which alert that came stands for which expected one.
type pairing struct {
	of      []int  // by expected alert: the one that came as expected; -1: none
	nearest []int  // by expected alert: the one that is most like it; -1: none
	taken   []bool // by alert that came: it stands for an expected one, or is nearest to it
}

// pair pairs as many expected alerts as can be with alerts that are as expected:
// one that says little must not take the only one that another fits. Of the rest it
// pairs those of a rule that differ least.
func pair(want []wanted, came []Alert) *pairing {
	p := &pairing{of: filled(len(want)), nearest: filled(len(want)), taken: make([]bool, len(came))}
	m := matching{want: want, came: came, of: p.of, by: filled(len(came)), byRule: map[string][]int{}, tried: make([]int, len(came))}
	for k := range came {
		id := came[k].Rule.ID
		m.byRule[id] = append(m.byRule[id], k)
	}
	for i := range want {
		m.round++
		m.find(i)
	}
	for k, i := range m.by {
		p.taken[k] = i >= 0
	}
	p.nearestOf(want, came, m.byRule)
	return p
}

func filled(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = -1
	}
	return list
}

// matching finds augmenting paths.
type matching struct {
	want   []wanted
	came   []Alert
	of     []int // by want
	by     []int // by came: the expected alert that has it; -1: none
	byRule map[string][]int
	tried  []int // by came: the round in which it was last tried
	round  int
}

// find gives the expected alert i one that came as expected, if need be by giving
// others another one.
func (m *matching) find(i int) bool {
	fits := m.byRule[m.want[i].rule]
	for _, free := range []bool{true, false} {
		for _, k := range fits {
			if m.by[k] < 0 != free || m.tried[k] == m.round || !m.want[i].matches(&m.came[k]) {
				continue
			}
			m.tried[k] = m.round
			if free || m.find(m.by[k]) {
				m.of[i], m.by[k] = k, i
				return true
			}
		}
	}
	return false
}

// most is the number of alerts of a test up to which the nearest are sought.
const most = 1000

// nearestOf pairs expected alerts that did not come with alerts of the rule that are
// left over, those first that differ least.
func (p *pairing) nearestOf(want []wanted, came []Alert, byRule map[string][]int) {
	type candidate struct{ differing, want, came int }
	var all []candidate
	for i := range want {
		if p.of[i] >= 0 || len(all) > most*most {
			continue
		}
		for _, k := range byRule[want[i].rule] {
			if !p.taken[k] {
				all = append(all, candidate{want[i].differing(&came[k]), i, k})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(a.differing, b.differing) })
	for _, c := range all {
		if p.nearest[c.want] < 0 && !p.taken[c.came] {
			p.nearest[c.want], p.taken[c.came] = c.came, true
		}
	}
}
