package rules

import (
	"slices"
	"strings"

	"weir/nfa"
	"weir/rules/expr"
)

// warn looks for what hardly means what was meant. It is said only where it is
// certain: what a warning depends on has no finding of its own.
func (r *ruleCompiler) warn() {
	for _, warn := range r.conditional {
		warn()
	}
	r.warnUndeclared()
	r.warnRowless()
	if r.form == byPattern && r.rule.Program != nil {
		r.warnPattern()
	}
	if r.sound("define", "when", "where", "unless", "lang") && r.draft.onSure {
		r.warnMissing()
		r.warnKeyless()
	}
}

// warnPattern warns of what the pattern and its options make of each other.
func (r *ruleCompiler) warnPattern() {
	r.warnTime()
	if r.sound("pattern", "within", "gap", "skip", "emit", "having", "throttle") {
		r.warnTail()
		r.warnLoops()
		r.warnWindow()
	}
	if r.sound("pattern", "define", "key", "skip", "within", "throttle", "where", "unless", "on", "lang") && r.draft.onSure {
		r.warnJoins()
		r.warnPair()
	}
}

// patternWarning warns about the bytes from up to to of the pattern.
func (r *ruleCompiler) patternWarning(from, to int, code, msg, hint string) {
	r.Warn(r.patternText.Part(from, to), code, msg, hint)
}

// draw gives a changed tree as a pattern.
func (r *ruleCompiler) draw(root *nfa.Node) string {
	plain := root.Op != nfa.OpVar && root.Op != nfa.OpNot && root.Repeat == nfa.Repeat{Min: 1, Max: 1} && root.Window == 0
	if !plain {
		root = &nfa.Node{Op: nfa.OpSeq, Subs: []*nfa.Node{root}, Repeat: nfa.Repeat{Min: 1, Max: 1}, Until: -1}
	}
	p := *r.pattern
	p.Root = root
	return p.String()
}

// compiles says whether a pattern could stand in the rule.
func (r *ruleCompiler) compiles(pattern string) (*nfa.Pattern, bool) {
	p, err := nfa.Parse(pattern, r.params.inPattern)
	if err != nil {
		return nil, false
	}
	o := r.options
	if o.SkipVar != "" && !slices.ContainsFunc(p.Names(), func(n nfa.Name) bool { return n.Text == o.SkipVar && n.Captures }) {
		return nil, false
	}
	_, err = nfa.Compile(p, o)
	return p, err == nil
}

// written gives a changed pattern as close to the text as it can: edited, where
// that says what the tree says, else in its canonical form. It is empty if the
// rule could not have it.
func (r *ruleCompiler) written(edited string, root *nfa.Node) string {
	canonical := r.draw(root)
	if edited != "" {
		if p, ok := r.compiles(edited); ok && p.String() == canonical {
			return oneLine(edited)
		}
	}
	if _, ok := r.compiles(canonical); ok {
		return canonical
	}
	return ""
}

// replaced gives the text of the pattern with another in place of an element.
func (r *ruleCompiler) replaced(n *nfa.Node, with string) string {
	if with == "" {
		return ""
	}
	text := r.pattern.Text
	return text[:n.Pos] + with + text[n.End:]
}

// textOf is an element as it is written.
func (r *ruleCompiler) textOf(n *nfa.Node) string { return r.pattern.Text[n.Pos:n.End] }

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// code puts what can be copied between backticks, all of it and in one line.
func code(text string) string { return "`" + oneLine(text) + "`" }

// clone copies a tree. change gives what stands in place of each node, its parts
// changed already; nil: nothing.
func clone(n *nfa.Node, change func(old, new *nfa.Node) *nfa.Node) *nfa.Node {
	c := *n
	c.Subs = nil
	for _, sub := range n.Subs {
		if s := clone(sub, change); s != nil {
			c.Subs = append(c.Subs, s)
		}
	}
	return change(n, &c)
}

// uses tells what a compiled condition does with fields.
func uses(e *Expression) expr.Uses {
	u, err := expr.UsesOf(e.Value[e.from:e.end()], e.Env)
	if err != nil {
		return expr.Uses{} // it compiles, so there is none
	}
	return u
}
