package rules

import (
	"fmt"
	"regexp"

	"weir/nfa"
	"weir/rules/source"
)

// spot is where an element stands in a pattern.
type spot struct {
	first    bool // a match may begin with it
	repeated bool // in a group that repeats
	followed bool // an element that captures may come after it
}

// warnLoops warns of repeats before another element: greedy ones with an upper
// count (W2) and those that are neither greedy nor counted (W7).
func (r *ruleCompiler) warnLoops() {
	r.visit(r.pattern.Root, spot{first: true})
}

func (r *ruleCompiler) visit(n *nfa.Node, at spot) {
	c := n.Repeat
	switch {
	case !at.followed:
	case c.Greedy && c.Max > 0 && c.Max != c.Min && (!at.first || at.repeated):
		r.greedyBound(n)
	case c.Max < 0 && !c.Greedy:
		r.manyOpen(n, at)
	}
	if c.Max != 1 {
		at.repeated, at.followed = true, true
	}
	if n.Op != nfa.OpSeq {
		for _, sub := range n.Subs {
			r.visit(sub, at)
		}
		return
	}
	inner := at
	for i, sub := range n.Subs {
		inner.followed = at.followed
		for _, later := range n.Subs[i+1:] {
			inner.followed = inner.followed || later.Op != nfa.OpNot
		}
		if sub.Op == nfa.OpNot {
			continue
		}
		r.visit(sub, inner)
		inner.first = inner.first && mayLeaveOut(sub)
	}
}

// with gives the pattern with other counts in place of those of an element, whose
// text is edited where it is simple.
func (r *ruleCompiler) with(n *nfa.Node, c nfa.Repeat, edited string) string {
	return r.written(r.replaced(n, edited), clone(r.pattern.Root, func(old, new *nfa.Node) *nfa.Node {
		if old == n {
			new.Repeat = c
			if c.Max > 0 {
				new.Until = -1
			}
		}
		return new
	}))
}

var (
	boundedGreedy = regexp.MustCompile(`^(\w+\{)([^,}]*)(?:,[^}]*)(\}\+.*)$`)
	openCount     = regexp.MustCompile(`(?s)^(\w+(?:\{[^,}]*,\}|\+|\*))(.*)$`)
)

// greedyBound gives W2.
func (r *ruleCompiler) greedyBound(n *nfa.Node) {
	c := n.Repeat
	most := c.Max
	c.Max = -1
	edited := ""
	if m := boundedGreedy.FindStringSubmatch(r.textOf(n)); m != nil && !c.Optional {
		edited = m[1] + m[2] + "," + m[3]
	}
	hint := "leave the upper count out"
	if open := r.with(n, c, edited); open != "" {
		hint = "write " + code(open)
	}
	if n.Op == nfa.OpVar {
		hint += fmt.Sprintf("; if more than %d are to be no match, add %s", most, code(fmt.Sprintf("having: count(%s) <= %d", r.rule.Names[n.Name].Text, most)))
	}
	r.patternWarning(n.Pos, n.End, source.CodeGreedyBound,
		fmt.Sprintf("with more than %d events that fit, %s matches nothing: it is greedy, so what comes after gets none of them", most, code(r.textOf(n))), hint)
}

// counted is the upper count that a hint proposes for what cannot be greedy.
const counted = 10

// manyOpen gives W7.
func (r *ruleCompiler) manyOpen(n *nfa.Node, at spot) {
	open, instead := "n events of it leave n matches open for each beginning", "1"
	if at.first && !at.repeated {
		open, instead = "n events of it leave about n²/2 matches open", "n"
	}
	c := n.Repeat
	c.Greedy = true
	edited := ""
	if m := openCount.FindStringSubmatch(r.textOf(n)); m != nil {
		edited = m[1] + "+" + m[2]
	}
	hint := ""
	if n.Op == nfa.OpVar && n.Round.Kind != nfa.Any {
		if greedy := r.with(n, c, edited); greedy != "" {
			hint = fmt.Sprintf("write %s: greedy, it leaves %s open", code(greedy), instead)
		}
	}
	if hint == "" {
		c.Greedy, c.Max = false, max(counted, c.Min)
		if bounded := r.with(n, c, ""); bounded != "" {
			hint = "give it an upper count, as in " + code(bounded)
		}
	}
	r.patternWarning(n.Pos, n.End, source.CodeManyOpen,
		fmt.Sprintf("%s may end after any event that fits: %s", code(r.textOf(n)), open), hint)
}
