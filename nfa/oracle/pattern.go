// Package oracle is the reference evaluator of Weir's patterns. It lists the
// matches of a rule straight from the definition of a match: a word of the
// pattern and events that fit its letters. It has no states, keeps nothing from
// one event to the next, shares no code with package nfa, and is slow on
// purpose. Tests compare package nfa with it.
//
// The definition, by whose letters the code is commented. The words of a
// pattern come from choosing a number of rounds for each quantifier, keeping or
// leaving out what is optional, an alternative of each `|`, an order of each
// `&`. A match is a word v1 ... vk with events e1 < ... < ek, conditions seeing
// what the letters before captured, such that
//
//	a  each vi holds on ei, and in a loop with an until that does not;
//	b  each ei follows e(i-1) as the link says, within its bound;
//	c  the window of the rule, and of each group with a window, is kept;
//	d  no negation passed between two letters is violated;
//	e  nor one that follows a repeat, between the rounds of that repeat;
//	f  a greedy loop that was left does not want what came after it;
//	g  a loop with an until takes nothing after an event that satisfies it;
//	h  no event satisfies unless.
package oracle

import (
	"strconv"
	"strings"
)

// Op says what a Node is.
type Op uint8

const (
	Var Op = iota // one event: Name
	Not           // no such event: Name
	Seq           // Subs, one after the other
	Alt           // one of Subs
	All           // all of Subs (variables), in any order
)

// Kind is one of the three links.
type Kind uint8

const (
	Follow Kind = iota // `->`: the first event that fits
	Next               // `,`: the very next event
	Any                // `->>`: any later event that fits
)

// Link joins an element to what was captured before it. The bounds are
// nanoseconds since the event captured before: Least <= t < Limit.
type Link struct {
	Kind  Kind
	Least int64 // 0: none
	Limit int64 // 0: none
}

// allows says whether a distance is within the bound of the link.
func (l Link) allows(distance int64) bool {
	return distance >= l.Least && (l.Limit == 0 || distance < l.Limit)
}

// Many is the Max of a quantifier without an upper bound.
const Many = 0

// Node is an element of a pattern. The zero values of Until, Window and of the
// quantifier mean that nothing is written: once, no until, no window.
type Node struct {
	Op   Op
	Name string  // Var, Not
	Subs []*Node // Seq, Alt, All

	Link     Link   // how it follows what stands before it; unused for the first of a sequence
	Repeats  bool   // there is a quantifier other than `?`
	Min, Max int    // if Repeats: rounds; Max may be Many
	Optional bool   // it may be left out
	Greedy   bool   // an event that the loop can take is not given to what comes after
	Round    Link   // how a round follows the round before
	Until    string // the loop takes nothing from an event on that satisfies it; "": none
	Window   int64  // nanoseconds; 0: none
}

// Pattern is a pattern with its names in the order of their first place. The
// index of a name is the number of its condition and of its captures.
type Pattern struct {
	Root  *Node
	Names []string
}

// New makes a pattern of a tree.
func New(root *Node) *Pattern {
	p := &Pattern{Root: root}
	p.name(root)
	return p
}

func (p *Pattern) name(n *Node) {
	if n.Op == Var || n.Op == Not {
		p.add(n.Name)
	}
	for _, sub := range n.Subs {
		p.name(sub)
	}
	if n.Until != "" {
		p.add(n.Until)
	}
}

func (p *Pattern) add(name string) {
	if p.Number(name) < 0 {
		p.Names = append(p.Names, name)
	}
}

// Number returns the number of a name, -1 if the pattern has none such.
func (p *Pattern) Number(name string) int {
	for i, n := range p.Names {
		if n == name {
			return i
		}
	}
	return -1
}

// String returns the pattern as text of the rule language.
func (p *Pattern) String() string { return p.Root.body() }

// body is what stands between the parentheses of a group, and the text of a
// pattern as a whole. A root with a quantifier is an element.
func (n *Node) body() string {
	if n.quantified() {
		return n.element()
	}
	var b strings.Builder
	for i, sub := range n.Subs {
		if i > 0 {
			b.WriteString(n.joint(sub))
		}
		if n.Op == Alt && sub.Op != All {
			b.WriteString(sub.body())
		} else {
			b.WriteString(sub.element())
		}
	}
	if len(n.Subs) == 0 {
		return n.element()
	}
	return b.String()
}

// joint is the text between the subs of a node, before sub.
func (n *Node) joint(sub *Node) string {
	switch n.Op {
	case Alt:
		return " | "
	case All:
		return " & "
	}
	if sub.Link.Kind == Next {
		if sub.Link.bounded() {
			return " " + sub.Link.text() + " "
		}
		return ", "
	}
	return " " + sub.Link.text() + " "
}

func (n *Node) quantified() bool {
	return n.Repeats || n.Optional || n.Window != 0
}

// element is the text of a node within a sequence.
func (n *Node) element() string {
	if n.Op == Not {
		return "!" + n.Name
	}
	outer := n.Optional && n.quantifier() == "" // the optional needs parentheses of its own
	text := n.atom()
	switch {
	case n.Repeats && outer:
		inner := *n
		inner.Optional = false
		text += inner.quantifier()
	case outer:
		text += "?"
	default:
		text += n.quantifier()
	}
	if n.Until != "" {
		text += " until " + n.Until
	}
	if n.Window != 0 {
		text += " within " + Duration(n.Window)
	}
	if n.Repeats && outer {
		text = "(" + text + ")?"
	}
	return text
}

// atom is the text of a node without its quantifier, with its round link.
func (n *Node) atom() string {
	round := ""
	if n.Round != (Link{}) {
		round = n.Round.text()
		if n.Round.Kind != Next || n.Round.bounded() {
			round = " " + round
		}
	}
	if n.Op != Var {
		plain := Node{Op: n.Op, Subs: n.Subs}
		return "(" + plain.body() + round + ")"
	}
	if round == "" {
		return n.Name
	}
	return "(" + n.Name + round + ")"
}

// quantifier is the text of the quantifier, "" if it needs parentheses for its
// optional or if there is none but `?`.
func (n *Node) quantifier() string {
	if !n.Repeats {
		return ""
	}
	text := ""
	switch {
	case n.Optional && n.Min == 1 && n.Max == Many:
		text = "*"
	case n.Optional && n.Min == 1:
		text = "{," + strconv.Itoa(n.Max) + "}"
	case n.Optional:
		return ""
	case n.Min == 1 && n.Max == Many:
		text = "+"
	case n.Max == Many:
		text = "{" + strconv.Itoa(n.Min) + ",}"
	case n.Min == n.Max:
		text = "{" + strconv.Itoa(n.Min) + "}"
	default:
		text = "{" + strconv.Itoa(n.Min) + "," + strconv.Itoa(n.Max) + "}"
	}
	if n.Greedy {
		text += "+"
	}
	return text
}

func (l Link) bounded() bool { return l.Least != 0 || l.Limit != 0 }

func (l Link) text() string {
	bound := ""
	switch {
	case l.Least != 0 && l.Limit != 0:
		bound = "[" + Duration(l.Least) + ".." + Duration(l.Limit) + "]"
	case l.Limit != 0:
		bound = "[<" + Duration(l.Limit) + "]"
	case l.Least != 0:
		bound = "[>" + Duration(l.Least-1) + "]" // more than D is D + 1 ns at least
	}
	switch {
	case l.Kind == Next:
		return "," + bound
	case l.Kind == Any && bound != "":
		return "-" + bound + "->>"
	case l.Kind == Any:
		return "->>"
	case bound != "":
		return "-" + bound + "->"
	}
	return "->"
}

const (
	millisecond = 1_000_000
	second      = 1000 * millisecond
)

// Duration writes nanoseconds in the units of the rule language. It panics if
// they are not whole milliseconds.
func Duration(d int64) string {
	switch {
	case d <= 0 || d%millisecond != 0:
		panic("oracle: a duration is whole milliseconds: " + strconv.FormatInt(d, 10) + " ns")
	case d%second == 0:
		return strconv.FormatInt(d/second, 10) + "s"
	}
	return strconv.FormatInt(d/millisecond, 10) + "ms"
}
