package oracle

// Skip says what a match consumes.
type Skip uint8

const (
	None     Skip = iota // nothing
	PastLast             // what began up to its last event
	ToNext               // what began with its first event
	ToFirst              // what began before the first event of SkipVar
	ToLast               // what began before the last event of SkipVar
)

// Rule is a pattern and what beside it decides what matches. Its matches come
// out at once.
type Rule struct {
	Pattern *Pattern
	Within  int64 // nanoseconds; 0: none
	Gap     int64 // a bound on every link that has none, in nanoseconds; 0: none
	Skip    Skip
	SkipVar string // for ToFirst and ToLast
	Unless  bool   // there is a condition that ends every open match
	Having  bool   // there is a condition on completed matches
}

// Words is a rule taken apart: the patterns without `|` and `&` that it stands
// for.
type Words struct {
	rule  Rule
	names int
	plain []*elem
}

// Read takes a rule apart. The rule must be a legal one (Refused).
func Read(r Rule) *Words {
	w := &Words{rule: r, names: len(r.Pattern.Names)}
	for _, root := range choices(r.Pattern.Root) {
		e := w.elem(root)
		e.follow(nil)
		w.plain = append(w.plain, e)
	}
	return w
}

// choices returns the trees without Alt and All that a tree stands for.
func choices(n *Node) []*Node {
	switch n.Op {
	case Var, Not:
		return []*Node{n}
	case Alt:
		var all []*Node
		for _, sub := range n.Subs {
			for _, c := range choices(sub) {
				all = append(all, n.around([]*Node{c}))
			}
		}
		return all
	case All:
		var all []*Node
		for _, order := range orders(n.Subs) {
			all = append(all, n.around(order))
		}
		return all
	}
	rows := [][]*Node{nil}
	for _, sub := range n.Subs {
		var longer [][]*Node
		for _, row := range rows {
			for _, c := range choices(sub) {
				longer = append(longer, append(row[:len(row):len(row)], c))
			}
		}
		rows = longer
	}
	all := make([]*Node, len(rows))
	for i, row := range rows {
		all[i] = n.around(row)
	}
	return all
}

// around returns the group n around another sequence.
func (n *Node) around(subs []*Node) *Node {
	c := *n
	c.Op, c.Subs = Seq, subs
	return &c
}

// orders returns the orders of some variables. Their links are `->`, as nothing is
// written there.
func orders(subs []*Node) [][]*Node {
	if len(subs) == 0 {
		return [][]*Node{nil}
	}
	var all [][]*Node
	for i, first := range subs {
		rest := append(append([]*Node(nil), subs[:i]...), subs[i+1:]...)
		for _, order := range orders(rest) {
			all = append(all, append([]*Node{first}, order...))
		}
	}
	return all
}

// elem is an element of a pattern without choices, with numbers for names. A
// variable or group without a quantifier has one round.
type elem struct {
	name     int // variable or negation; -1: a group
	not      bool
	subs     []*elem
	link     Link
	min, max int // max may be Many
	optional bool
	greedy   bool // of no effect on {n}
	round    Link
	until    int // -1: none
	window   int64

	inForce []following // the negations that follow the element
}

// following is a negation that follows a repeat directly, or after other
// negations, perhaps behind closing parentheses.
type following struct {
	not   *elem
	outer int // how many closing parentheses stand between
}

func (w *Words) elem(n *Node) *elem {
	e := &elem{
		name: w.rule.Pattern.Number(n.Name), not: n.Op == Not,
		link: w.bound(n.Link), min: 1, max: 1, optional: n.Optional, round: w.bound(n.Round),
		until: w.rule.Pattern.Number(n.Until), window: n.Window,
	}
	if n.Repeats {
		e.min, e.max = n.Min, n.Max
		e.greedy = n.Greedy && n.Min != n.Max
	}
	for _, sub := range n.Subs {
		e.subs = append(e.subs, w.elem(sub))
	}
	return e
}

// bound puts the gap of the rule on a link that has no bound.
func (w *Words) bound(l Link) Link {
	if !l.bounded() {
		l.Limit = w.rule.Gap
	}
	return l
}

// follow finds, for e and all in it, the negations that follow; outer are those
// that follow e itself.
func (e *elem) follow(outer []following) {
	e.inForce = outer
	for i, sub := range e.subs {
		var list []following
		j := i + 1
		for ; j < len(e.subs) && e.subs[j].not; j++ {
			list = append(list, following{not: e.subs[j]})
		}
		if j == len(e.subs) {
			for _, f := range outer {
				list = append(list, following{f.not, f.outer + 1})
			}
		}
		sub.follow(list)
	}
}
