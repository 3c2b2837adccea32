package rules

import (
	"fmt"
	"time"

	"weir/nfa"
	"weir/rules/source"
)

// warnTime warns where the least times of the pattern leave no room for a match: in
// the window of the rule, and in those of groups.
func (r *ruleCompiler) warnTime() {
	root := r.pattern.Root
	if r.tooLong(root) {
		return
	}
	if least := leastTime(root); r.options.Within > 0 && least >= r.options.Within {
		r.never(root, least, "`within` of the rule", r.options.Within)
	}
}

// tooLong looks for a group in n that cannot fit into its window.
func (r *ruleCompiler) tooLong(n *nfa.Node) bool {
	for _, sub := range n.Subs {
		if r.tooLong(sub) {
			return true
		}
	}
	if n.Window == 0 {
		return false
	}
	least := roundTime(n)
	if n.Op == nfa.OpVar {
		least = leastTime(n)
	}
	if least < n.Window {
		return false
	}
	r.never(n, least, "its `within`", n.Window)
	return true
}

func (r *ruleCompiler) never(n *nfa.Node, least time.Duration, what string, window time.Duration) {
	// A least time is 1 ns above a bound that does not include it.
	r.patternWarning(n.Pos, n.End, source.CodeNever,
		fmt.Sprintf("this takes at least %s, and %s is %s: it can never match", nfa.FormatDuration(least.Round(time.Millisecond)), what, nfa.FormatDuration(window)),
		"make the least times shorter or the window longer")
}

// leastTime is how long the shortest match of n takes, from its first event to its
// last, by the least times of its links.
func leastTime(n *nfa.Node) time.Duration {
	rounds := time.Duration(n.Repeat.Min)
	return rounds*roundTime(n) + (rounds-1)*n.Round.Least
}

// roundTime is leastTime of one round.
func roundTime(n *nfa.Node) time.Duration {
	var total time.Duration
	for i, sub := range n.Subs {
		switch {
		case sub.Op == nfa.OpNot || mayLeaveOut(sub) && n.Op != nfa.OpAlt:
		case n.Op == nfa.OpAlt:
			if t := leastTime(sub); i == 0 || t < total {
				total = t
			}
		case i == 0:
			total += leastTime(sub)
		default:
			total += sub.Link.Least + leastTime(sub)
		}
	}
	return total
}
