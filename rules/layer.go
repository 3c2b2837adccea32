package rules

import (
	"fmt"
	"slices"
	"strings"

	"weir/rules/source"
)

// layering puts the rules that run into layers: those whose matches others read come
// before these, and none that adds to a risk comes after one that reads it.
type layering struct {
	*compiler
	rules   []*Rule   // that run
	adds    [][]*Risk // by rule: risks that it adds to, or did
	reads   [][]way   // by rule: the matches of others that it is on
	readers [][]way   // by rule: who is on its matches
	risks   []*Risk
	seers   [][]int // by risk: the rules that read it
	chained int     // rules that are on matches: there are no more layers above the first
}

// way is that a rule reads what another brings.
type way struct {
	of, reader int
	at         source.Text // of its matches: where the reader says so
	risk       *Risk       // that the one adds to and the other reads; nil: its matches
}

// layers computes the layers of the rules, and refuses what can have none.
func (c *compiler) layers(set *Checked) {
	l := layering{compiler: c, risks: set.Risks, seers: make([][]int, len(set.Risks))}
	number := map[string]int{}
	for _, r := range set.Rules {
		if !r.Disabled {
			number[r.ID] = len(l.rules)
			l.rules, l.adds = append(l.rules, r), append(l.adds, c.addsOf(r))
		}
	}
	l.reads, l.readers = make([][]way, len(l.rules)), make([][]way, len(l.rules))
	for i, r := range l.rules {
		l.ways(i, number)
		for _, risk := range r.Rule.Risks {
			l.seers[risk] = append(l.seers[risk], i)
		}
	}
	for !l.settle() {
		l.circles()
	}
}

// ways finds the rules whose matches a rule is on.
func (l *layering) ways(i int, number map[string]int) {
	for _, t := range l.rules[i].matchesOf {
		id, _ := alertOf(t.Value)
		of, runs := number[id]
		if runs && !l.circular[link{id, l.rules[i].ID}] {
			w := way{of: of, reader: i, at: t}
			l.reads[i] = append(l.reads[i], w)
			l.readers[of] = append(l.readers[of], w)
		}
	}
	if len(l.reads[i]) > 0 {
		l.chained++
	}
}

// settle raises the layers of rules as far as they must; false if that has no end.
func (l *layering) settle() bool {
	for _, r := range l.rules {
		r.Layer = 0
	}
	for changed := true; changed; {
		changed = false
		level := map[*Risk]int{}
		for i, r := range l.rules {
			for _, risk := range l.adds[i] {
				level[risk] = max(level[risk], r.Layer)
			}
		}
		for i, r := range l.rules {
			at := 0
			for _, w := range l.reads[i] {
				at = max(at, l.rules[w.of].Layer+1)
			}
			for _, risk := range r.Rule.Risks {
				at = max(at, level[l.risks[risk]])
			}
			if at > l.chained {
				return false
			}
			changed = changed || at != r.Layer
			r.Layer = at
		}
	}
	return true
}

// circles reports the rules on matches that come, by a risk, of their own, and takes
// them out of their circles.
func (l *layering) circles() {
	for i := range l.rules {
		l.reads[i] = slices.DeleteFunc(l.reads[i], func(w way) bool {
			back := l.path(w.reader, w.of)
			if back == nil {
				return false
			}
			l.circle(append(back, w))
			l.readers[w.of] = slices.DeleteFunc(l.readers[w.of], func(o way) bool { return o.reader == w.reader })
			return true
		})
	}
}

// path gives the shortest way from what a rule brings to another that leans on it; nil:
// there is none.
func (l *layering) path(from, to int) []way {
	came := map[int]way{}
	queue := []int{from}
	for len(queue) > 0 {
		i := queue[0]
		queue = queue[1:]
		for _, w := range l.from(i) {
			if _, seen := came[w.reader]; seen {
				continue
			}
			came[w.reader] = w
			if w.reader == to {
				return trail(came, from, to)
			}
			queue = append(queue, w.reader)
		}
	}
	return nil
}

// trail gives the ways that were gone from one rule to another.
func trail(came map[int]way, from, to int) []way {
	var ways []way
	for at := to; ; {
		w := came[at]
		ways = append(ways, w)
		if at = w.of; at == from {
			slices.Reverse(ways)
			return ways
		}
	}
}

// from lists who reads what a rule brings.
func (l *layering) from(i int) []way {
	ways := slices.Clone(l.readers[i])
	for _, risk := range l.adds[i] {
		for _, reader := range l.seers[slices.Index(l.risks, risk)] {
			ways = append(ways, way{of: i, reader: reader, risk: risk})
		}
	}
	return ways
}

// circle reports a circle that its last way closes.
func (l *layering) circle(ways []way) {
	var parts []string
	for _, w := range ways {
		of, reader := source.Tick(l.rules[w.of].ID), source.Tick(l.rules[w.reader].ID)
		if w.risk != nil {
			parts = append(parts, fmt.Sprintf("%s adds to the risk %s, which %s reads", of, source.Tick(w.risk.Name), reader))
		} else {
			parts = append(parts, fmt.Sprintf("%s is on the matches of %s", reader, of))
		}
	}
	last := ways[len(ways)-1]
	l.Add(last.at.Place(), source.CodeValue, "none of these rules can come first: "+strings.Join(parts, "; "),
		"a rule on matches comes after the rule that they are of, and one that reads a risk not before those that add to it: read the risk, or the matches, in another rule")
}
