package oracle

import "slices"

// MaxPatterns is how many patterns without `|` and `&` a pattern may stand for.
const MaxPatterns = 120

// Refused says why the rule language has no such rule, "" if it has. Patterns
// with choices are judged as the patterns that they stand for. Of what the
// text of a pattern cannot say at all, nothing is said.
func Refused(r Rule) string {
	if choiceInRepeat(r.Pattern.Root, false) {
		return "a choice inside a repeat"
	}
	plain := choices(r.Pattern.Root)
	if len(plain) > MaxPatterns {
		return "more patterns than may be"
	}
	for _, n := range plain {
		f := fault{rule: r, seen: map[string]bool{}}
		f.element(n)
		f.closing(n, r.Within != 0)
		if f.why != "" {
			return f.why
		}
	}
	return ""
}

func choiceInRepeat(n *Node, inside bool) bool {
	inside = inside || n.Repeats
	if inside && (n.Op == Alt || n.Op == All) {
		return true
	}
	return slices.ContainsFunc(n.Subs, func(sub *Node) bool { return choiceInRepeat(sub, inside) })
}

// fault looks for a reason to refuse a pattern without choices.
type fault struct {
	rule Rule
	seen map[string]bool // variables that capture
	why  string
}

func (f *fault) when(refused bool, why string) {
	if refused {
		f.why = why
	}
}

// element judges each element by itself.
func (f *fault) element(n *Node) {
	f.bound(n.Link)
	f.bound(n.Round)
	f.when(f.rule.Within != 0 && n.Window > f.rule.Within, "a window longer than within")
	if n.Op == Not {
		f.when(n.Link.Kind == Any, "`->>` before a negation")
		return
	}
	loop := n.Repeats && n.Max != 1
	f.when(n.Until != "" && !(n.Repeats && n.Max == Many), "until without an open end")
	f.when(n.Greedy && !n.Repeats, "greedy without a repeat")
	f.when(n.Greedy && n.Op == Seq && len(n.Subs) > 1, "a greedy group")
	f.when(n.Greedy && n.Round.Kind == Any, "greedy combinations")
	f.when(n.Round != Link{} && !loop, "a round link without rounds")
	f.when(loop && n.Round.Least != 0 && beginsOptional(n, false), "a least time before what may be left out")
	if n.Op == Var {
		f.when(f.seen[n.Name], "a variable stands twice")
		f.seen[n.Name] = true
		return
	}
	f.when(n.Subs[0].Op == Not, "a negation first")
	f.when(loop && mayBeEmpty(n), "a repeated group that may be empty")
	for i, sub := range n.Subs {
		f.element(sub)
		if i > 0 {
			f.when(sub.Link.Least != 0 && sub.Op != Not && beginsOptional(sub, true), "a least time before what may be left out")
			f.next(n.Subs[i-1], sub)
		}
	}
}

func (f *fault) bound(l Link) {
	f.when(f.rule.Within != 0 && max(l.Limit, l.Least) > f.rule.Within, "a bound longer than within")
}

// next judges two neighbours.
func (f *fault) next(n, follower *Node) {
	if follower.Op == Not {
		f.when(endsOptional(n), "a negation after what may be left out")
		return
	}
	f.when(endsGreedy(n) && beginsOptional(follower, true), "what may be left out after greedy")
}

// closing judges the negations at the end of a pattern.
func (f *fault) closing(n *Node, closes bool) {
	closes = closes || n.Op == Seq && n.Window != 0
	for i := len(n.Subs) - 1; i >= 0; i-- {
		sub := n.Subs[i]
		if sub.Op != Not {
			f.closing(sub, closes)
			return
		}
		f.when(sub.Link.Kind == Follow && !closes && sub.Link.Limit == 0 && (f.rule.Gap == 0 || sub.Link.bounded()),
			"a closing negation without an end")
	}
}

// mayBeEmpty says that a round of the element may take no event.
func mayBeEmpty(n *Node) bool {
	if n.Op == Var {
		return false
	}
	return !slices.ContainsFunc(n.Subs, func(sub *Node) bool { return sub.Op != Not && !mayBeLeftOut(sub) })
}

func mayBeLeftOut(n *Node) bool { return n.Optional || mayBeEmpty(n) }

// beginsOptional says that the element, or the first in it, may be left out; the
// element's own `?` counts if own.
func beginsOptional(n *Node, own bool) bool {
	return own && n.Optional || n.Op == Seq && beginsOptional(n.Subs[0], true)
}

// endsOptional says that the element, or the last in it, may be left out.
func endsOptional(n *Node) bool {
	if n.Op == Not {
		return false
	}
	return n.Optional || n.Op == Seq && endsOptional(n.Subs[len(n.Subs)-1])
}

// endsGreedy says that the element, or the last in it, is a greedy repeat.
func endsGreedy(n *Node) bool {
	return n.Op == Var && n.Greedy || n.Op == Seq && endsGreedy(n.Subs[len(n.Subs)-1])
}
