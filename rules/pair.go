package rules

import (
	"slices"
	"strings"

	"weir/nfa"
	"weir/rules/source"
)

// warnPair warns of two neighbours that are compared with each other, where the
// second could begin the next pair, and a match consumes it (W5).
func (r *ruleCompiler) warnPair() {
	root := r.pattern.Root
	if r.options.Skip != nfa.SkipPastLast || root.Op != nfa.OpSeq || len(root.Subs) != 2 || r.options.Within > 0 && r.rule.Throttle >= r.options.Within {
		return
	}
	here, there := root.Subs[0], root.Subs[1]
	for _, n := range root.Subs {
		if n.Op != nfa.OpVar || n.Repeat != (nfa.Repeat{Min: 1, Max: 1}) {
			return
		}
	}
	if there.Link.Kind != nfa.Next {
		return
	}
	first, second := &r.about.Names[here.Name], &r.about.Names[there.Name]
	if second.Where == nil || wordIn(second.Where.Value, r.rule.Names[here.Name].Text) < 0 || !r.covers(first, second) {
		return
	}
	r.patternWarning(root.Pos, root.End, source.CodePairs,
		"of three events in a row that make two pairs only the first pair is found: the match consumes its second event, which cannot begin the next pair",
		"write `skip: to_next`")
}

// covers says whether an event of b's types that satisfies b also satisfies a, for
// certain: a asks for nothing, or for parts that b asks for too.
func (r *ruleCompiler) covers(a, b *Definition) bool {
	types := b.Types
	if types == nil {
		types = r.about.On
	}
	if a.Types != nil && !slices.ContainsFunc(types, func(t string) bool { return slices.Contains(a.Types, t) }) {
		return false
	}
	if a.Where == nil || strings.TrimSpace(a.Where.Value) == "true" {
		return true
	}
	if hasOr(a.Where.Value) || hasOr(b.Where.Value) || r.readsVariable(a.Where.Value) {
		return false
	}
	asked, ok := conjuncts(b.Where.Value)
	if !ok {
		return false
	}
	own, ok := conjuncts(a.Where.Value)
	return ok && !slices.ContainsFunc(own, func(c string) bool { return !slices.Contains(asked, c) })
}

// conjuncts gives the parts of a condition without `||`, each in one line.
func conjuncts(text string) (parts []string, ok bool) {
	for at := 0; at < len(text); {
		p, ok := partAround(text, at)
		if !ok {
			return nil, false
		}
		parts = append(parts, oneLine(text[p.from:p.to]))
		if p.to == len(text) {
			break
		}
		at = p.to + operatorAt(text, p.to)
	}
	return parts, true
}
