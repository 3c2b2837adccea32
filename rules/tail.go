package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"weir/nfa"
	"weir/rules/source"
)

// warnTail warns of a pattern whose end is loose: a match is complete before its
// last element has taken what it could (W1), or before a negation has had anything
// to restrain (W3).
func (r *ruleCompiler) warnTail() { r.warnEnd(r.pattern.Root) }

// warnEnd warns of the end of a part that the pattern ends with: of each
// alternative by itself.
func (r *ruleCompiler) warnEnd(end *nfa.Node) {
	t := tail{}
	if end.Op == nfa.OpAlt && end.Repeat.Max == 1 && !end.Repeat.Optional && r.pattern.Root == end {
		t.ends = end.Subs
	} else if t.find(end) {
		t.whole()
	}
	for _, alternative := range t.ends {
		r.warnEnd(alternative)
	}
	if len(t.loose) == 0 || r.havingReads(t.loose) || !r.consumesStart() && r.rule.Throttle > 0 {
		return
	}
	switch {
	case t.not != nil && !t.busy && r.consumesStart():
		r.idleNot(&t)
	case t.not != nil:
		r.looseEnd(end, &t, "")
	case t.all:
		r.looseEnd(end, &t, r.forced(end))
	default:
		r.looseEnd(end, &t, r.tightened(end, &t))
	}
}

// tail is the loose end of a pattern: the elements after which nothing is asked.
type tail struct {
	loose []*nfa.Node // from the last to the first
	not   *nfa.Node   // the negation before them; nil: there is none
	busy  bool        // it restrains the rounds of a repeat before it
	ends  []*nfa.Node // alternatives that stand at the end
	all   bool        // nothing has to come before them
	alone bool        // there is one, and nothing before it
}

// whole notes that all of the pattern may be left out. A match is not empty: what
// it begins with is there.
func (t *tail) whole() {
	first := t.loose[len(t.loose)-1]
	if t.loose = t.loose[:len(t.loose)-1]; len(t.loose) > 0 {
		t.all = true
	} else if first.Repeat.Max != first.Repeat.Min {
		t.loose, t.alone = append(t.loose, first), true
	}
}

// find follows the end of n. It stops at the last element that a match has to
// have. In a repeated group the end of one round is the middle of a match.
func (t *tail) find(n *nfa.Node) (more bool) {
	switch {
	case n.Op == nfa.OpNot:
		if len(t.loose) > 0 && t.not == nil {
			t.not = n
		}
		return t.not != nil
	case t.not != nil:
		t.busy = endsRepeated(n)
		return false
	case mayLeaveOut(n) && (n.Op != nfa.OpSeq || n.Repeat.Optional):
		t.loose = append(t.loose, n)
		return true
	case n.Repeat.Max != n.Repeat.Min:
		t.loose = append(t.loose, n)
		return false
	case n.Repeat.Max != 1 || n.Op != nfa.OpSeq && n.Op != nfa.OpAlt:
		return false
	case n.Op == nfa.OpAlt && len(t.loose) == 0:
		t.ends = n.Subs
		return false
	case n.Op == nfa.OpAlt:
		for _, sub := range n.Subs {
			t.find(sub)
		}
		return false
	}
	for i := len(n.Subs) - 1; i >= 0; i-- {
		if !t.find(n.Subs[i]) {
			return false
		}
	}
	return true
}

// endsRepeated says whether an element repeats, or ends with one that does.
func endsRepeated(n *nfa.Node) bool {
	switch {
	case n.Repeat.Max != 1:
		return true
	case n.Op == nfa.OpSeq:
		return endsRepeated(n.Subs[len(n.Subs)-1])
	case n.Op == nfa.OpAlt:
		return slices.ContainsFunc(n.Subs, endsRepeated)
	}
	return false
}

// mayLeaveOut says whether an element can be left out: it says so, or all that is
// in it can be.
func mayLeaveOut(n *nfa.Node) bool {
	if n.Op == nfa.OpNot {
		return false
	}
	if n.Repeat.Optional {
		return true
	}
	switch n.Op {
	case nfa.OpSeq:
		for _, sub := range n.Subs {
			if sub.Op != nfa.OpNot && !mayLeaveOut(sub) {
				return false
			}
		}
		return true
	case nfa.OpAlt:
		for _, sub := range n.Subs {
			if mayLeaveOut(sub) {
				return true
			}
		}
	}
	return false
}

// havingReads says whether `having` asks for what the elements capture: a match
// then is not complete before it has that.
func (r *ruleCompiler) havingReads(elements []*nfa.Node) bool {
	if r.about.Having == nil {
		return false
	}
	for _, n := range elements {
		for _, name := range namesIn(nil, n) {
			if wordIn(r.about.Having.Value, r.rule.Names[name].Text) >= 0 {
				return true
			}
		}
	}
	return false
}

// namesIn appends the numbers of the names that an element captures.
func namesIn(names []int, n *nfa.Node) []int {
	if n.Op == nfa.OpVar {
		names = append(names, n.Name)
	}
	for _, sub := range n.Subs {
		names = namesIn(names, sub)
	}
	return names
}

func (t *tail) span() (from, to int) {
	from, to = t.loose[0].Pos, t.loose[0].End
	for _, n := range t.loose {
		from, to = min(from, n.Pos), max(to, n.End)
	}
	return from, to
}

// looseEnd gives W1. instead is the pattern that gives the same alerts.
func (r *ruleCompiler) looseEnd(end *nfa.Node, t *tail, instead string) {
	from, to := t.span()
	last := t.loose[len(t.loose)-1]
	element := code(r.pattern.Text[from:to])
	var msg string
	var hints []string
	switch {
	case !r.consumesStart():
		msg = fmt.Sprintf("a match is complete before %s has taken all it can: each longer one is an alert of its own", element)
	case mayLeaveOut(last) && !t.alone:
		msg = fmt.Sprintf("a match is complete without %s: the alert comes before it, and never has it", element)
	default:
		msg = fmt.Sprintf("the alert comes as soon as %s has enough events: it never has those that follow", element)
	}
	if instead != "" {
		hints = append(hints, code(instead)+" for one alert at that moment")
	}
	if mayLeaveOut(last) && !t.alone {
		if asked := r.asked(t); asked != "" && asked != instead {
			hints = append(hints, code(asked)+" to ask for it")
		}
	} else if waiting := r.waiting(end); waiting != "" && r.consumesStart() {
		hints = append(hints, waiting)
	}
	r.patternWarning(from, to, source.CodeLooseEnd, msg, alternatives(hints))
}

// alternatives joins what can be written instead.
func alternatives(hints []string) string {
	if len(hints) == 0 {
		return "end the pattern with an element that has to be there"
	}
	return "write " + strings.Join(hints, ", or ")
}

// consumesStart says whether a match always drops what began with it.
func (r *ruleCompiler) consumesStart() bool {
	return r.options.Skip == nfa.SkipPastLast || r.options.Skip == nfa.SkipToNext
}

// idleNot gives W3.
func (r *ruleCompiler) idleNot(t *tail) {
	from, to := t.span()
	msg := fmt.Sprintf("%s restrains nothing: a match is complete before it, as %s may be left out", code(r.textOf(t.not)), code(r.pattern.Text[from:to]))
	var hints []string
	if asked := r.asked(t); asked != "" {
		hints = append(hints, code(asked)+" to ask for what comes after it")
	}
	if ended := r.ended(t); ended != "" {
		hints = append(hints, code(ended)+" for an alert when the window closes without it")
	}
	r.patternWarning(t.not.Pos, t.not.End, source.CodeIdleNot, msg, alternatives(hints))
}

// tightened gives the pattern that ends where the match is complete.
func (r *ruleCompiler) tightened(end *nfa.Node, t *tail) string {
	if slices.ContainsFunc(t.loose, hasUntil) {
		return "" // an until restrains the events that are needed too
	}
	edited := ""
	if n := t.loose[0]; len(t.loose) == 1 && mayLeaveOut(n) && !t.alone {
		edited = r.withoutEnd(n)
	} else if len(t.loose) == 1 {
		edited = r.replaced(n, exactText(r.textOf(n)))
	}
	tight := end
	for left := t; len(left.loose) > 0; {
		if tight = left.cut(tight); tight == nil {
			return ""
		}
		left = &tail{}
		if left.find(tight) {
			left.whole()
		}
	}
	if endsNegated(tight) {
		return "" // the negation would be waited for
	}
	if end == r.pattern.Root {
		return r.written(edited, tight)
	}
	return r.written(edited, clone(r.pattern.Root, func(old, new *nfa.Node) *nfa.Node {
		if old == end {
			return tight
		}
		return new
	}))
}

// endsNegated says whether an element ends with a negation.
func endsNegated(n *nfa.Node) bool {
	switch {
	case n.Op == nfa.OpNot:
		return true
	case n.Op == nfa.OpSeq:
		return endsNegated(n.Subs[len(n.Subs)-1])
	case n.Op == nfa.OpAlt:
		return slices.ContainsFunc(n.Subs, endsNegated)
	}
	return false
}

// cut gives n without the elements of its tail that may be left out, and with the
// others as short as they can be.
func (t *tail) cut(n *nfa.Node) *nfa.Node {
	return clone(n, func(old, new *nfa.Node) *nfa.Node {
		switch {
		case slices.Contains(t.loose, old) && mayLeaveOut(old) && !t.alone:
			return nil
		case slices.Contains(t.loose, old):
			shortest(new)
		case len(new.Subs) == 0 && len(old.Subs) > 0:
			return nil
		}
		return new
	})
}

func hasUntil(n *nfa.Node) bool {
	return n.Until >= 0 || slices.ContainsFunc(n.Subs, hasUntil)
}

func hasGreedy(n *nfa.Node) bool {
	return n.Repeat.Greedy || slices.ContainsFunc(n.Subs, hasGreedy)
}

// withoutEnd gives the text of the pattern without an element at its end.
func (r *ruleCompiler) withoutEnd(n *nfa.Node) string {
	if n.Link.Pos < 0 {
		return ""
	}
	return r.pattern.Text[:n.Link.Pos] + r.pattern.Text[n.End:]
}

// forced gives, of a pattern all of which may be left out, the one event that
// completes it: any of its elements.
func (r *ruleCompiler) forced(end *nfa.Node) string {
	if r.pattern.Root != end || hasUntil(end) || hasGreedy(end) {
		return "" // beside other alternatives, or where one element restrains another
	}
	subs := []*nfa.Node{end}
	if end.Op == nfa.OpSeq && end.Repeat.Max == 1 {
		subs = end.Subs
	}
	if slices.ContainsFunc(subs, func(n *nfa.Node) bool { return n.Op != nfa.OpVar }) {
		return ""
	}
	alt := &nfa.Node{Op: nfa.OpAlt, Repeat: nfa.Repeat{Min: 1, Max: 1}, Until: -1}
	for _, sub := range subs {
		n := clone(sub, func(_, new *nfa.Node) *nfa.Node { return new })
		exact(n)
		alt.Subs = append(alt.Subs, n)
	}
	if len(alt.Subs) == 1 {
		return r.written("", alt.Subs[0])
	}
	return r.written("", alt)
}

// shortest makes an element one that has to be there and takes no more than it has
// to.
func shortest(n *nfa.Node) {
	n.Repeat = nfa.Repeat{Min: n.Repeat.Min, Max: n.Repeat.Min}
	n.Until = -1
	if n.Repeat.Max != 1 {
		return
	}
	n.Round = nfa.Link{Pos: -1}
	if n.Op == nfa.OpVar {
		n.Window = 0
	}
}

// exact makes an element shortest, and what it ends with.
func exact(n *nfa.Node) {
	shortest(n)
	switch last := len(n.Subs) - 1; {
	case n.Repeat.Max != 1:
	case n.Op == nfa.OpAlt:
		for _, sub := range n.Subs {
			exact(sub)
		}
	case n.Op == nfa.OpSeq && n.Subs[last].Op != nfa.OpNot:
		exact(n.Subs[last])
	}
}

var countText = regexp.MustCompile(`^([A-Za-z_]\w*)(?:\{([^,}]*),[^}]*\}|\+)\+?$`)

// exactText is shortest on the text of an element; empty where that is not simple.
func exactText(element string) string {
	m := countText.FindStringSubmatch(element)
	switch {
	case m == nil:
		return ""
	case m[2] == "":
		return m[1]
	}
	return m[1] + "{" + m[2] + "}"
}

// asked gives the pattern whose last element has to be there.
func (r *ruleCompiler) asked(t *tail) string {
	edited := ""
	root := clone(r.pattern.Root, func(old, new *nfa.Node) *nfa.Node {
		if old == t.loose[0] {
			exact(new)
			edited = r.replaced(old, strings.TrimSuffix(r.textOf(old), "?"))
		}
		return new
	})
	return r.written(edited, root)
}

// ended gives the pattern that ends with the negation.
func (r *ruleCompiler) ended(t *tail) string {
	loose := map[*nfa.Node]bool{}
	for _, n := range t.loose {
		loose[n] = true
	}
	edited := r.withoutEnd(t.loose[0])
	if len(t.loose) > 1 {
		edited = ""
	}
	return r.written(edited, clone(r.pattern.Root, func(old, new *nfa.Node) *nfa.Node {
		if loose[old] {
			return nil
		}
		return new
	}))
}

// waiting says how to wait for all events of a last element until the window
// closes; empty where there is no window.
func (r *ruleCompiler) waiting(end *nfa.Node) string {
	if r.pattern.Root != end || r.options.Within == 0 {
		return ""
	}
	name := "end"
	for i := 2; r.events.declares(name) || r.definition(name) != nil || wordIn(r.pattern.Text, name) >= 0; i++ {
		name = "end" + strconv.Itoa(i)
	}
	pattern := oneLine(r.pattern.Text) + " -> !" + name
	if _, ok := r.compiles(pattern); !ok {
		return ""
	}
	return fmt.Sprintf("%s with %s under `define` to wait for all of them until the window closes", code(pattern), code(name+": false"))
}
