package rules

import (
	"weir/nfa"
	"weir/rules/source"
)

// warnWindow warns of open and held matches that nothing ends (W6).
func (r *ruleCompiler) warnWindow() {
	if r.options.Within > 0 || !r.waits() {
		return
	}
	e, said := r.draft.entries["within"]
	held := r.options.InOrder && r.options.Skip != nfa.SkipNone
	place := r.patternText.Place()
	switch {
	case held:
		hint := "write `within: 1d`, or as long as a match may take"
		if said {
			place, hint = e.Value.Place(), hint+", or `emit: at_once`"
		}
		r.Warn(place, source.CodeNoWindow, "a match may be held for ever: with `emit: in_order` it waits for older open matches, and without `within` these wait for ever", hint)
	case !said:
		r.Warn(place, source.CodeNoWindow, "without `within` an open match waits for ever: they become more with every key",
			"write `within: 1d`, or as long as a match may take; `within: none` says that they are meant to wait")
	}
}

// waits says whether a match can stay open without any limit of time.
func (r *ruleCompiler) waits() bool {
	root := r.pattern.Root
	if r.consumesStart() && !r.options.Having && oneEvent(root) {
		return false // the first event completes a match, which consumes what is open
	}
	return r.unbounded(root, false)
}

// oneEvent says whether each event that begins a match also completes one.
func oneEvent(n *nfa.Node) bool {
	if n.Repeat.Min != 1 {
		return false
	}
	switch n.Op {
	case nfa.OpVar:
		return true
	case nfa.OpAlt:
		for _, sub := range n.Subs {
			if !oneEvent(sub) {
				return false
			}
		}
		return true
	case nfa.OpSeq:
		required := 0
		for _, sub := range n.Subs {
			if !mayLeaveOut(sub) {
				required++
			}
		}
		return required == 1 && !mayLeaveOut(n.Subs[0]) && oneEvent(n.Subs[0])
	}
	return false
}

// unbounded says whether a wait in n has no upper bound. inside is whether a
// window of a group around n bounds it.
func (r *ruleCompiler) unbounded(n *nfa.Node, inside bool) bool {
	if n.Repeat.Max != 1 && !inside && r.limitless(n.Round) && (n.Op != nfa.OpVar || n.Window == 0) {
		return true
	}
	inner := inside || n.Op != nfa.OpVar && n.Window > 0
	if n.Op == nfa.OpAll && !inner && r.limitless(nfa.Link{}) {
		return true
	}
	bounded := inside // the wait for what comes next; the window of n begins with its first event
	for i, sub := range n.Subs {
		if sub.Op == nfa.OpNot && i < len(n.Subs)-1 {
			continue // what comes after it is waited for
		}
		if n.Op == nfa.OpSeq && i > 0 && !bounded && r.limitless(sub.Link) {
			return true
		}
		if r.unbounded(sub, inner) {
			return true
		}
		if !mayLeaveOut(sub) {
			bounded = inner
		}
	}
	return false
}

// limitless says whether a link has no upper bound, of its own or by `gap`.
func (r *ruleCompiler) limitless(l nfa.Link) bool {
	return l.Limit == 0 && (l.Least > 0 || r.options.Gap == 0)
}
