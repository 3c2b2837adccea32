package nfa

import "time"

// once is the repeat of an element without a quantifier.
var once = Repeat{Min: 1, Max: 1}

func newNode(op Op, pos int) *Node {
	return &Node{Op: op, Pos: pos, Link: Link{Pos: -1}, Round: Link{Pos: -1}, Repeat: once, Until: -1}
}

// unwrap makes a sequence of one element that element: parentheses around one
// element are no group.
func unwrap(seq *Node) *Node {
	if len(seq.Subs) == 1 {
		return seq.Subs[0]
	}
	return seq
}

// asRoot makes n a root: a sequence, alternatives or a set that is taken once.
func asRoot(n *Node) *Node {
	if isPlainGroup(n) {
		return n
	}
	root := newNode(OpSeq, n.Pos)
	root.End = n.End
	root.Subs = []*Node{n}
	return root
}

// isPlainGroup reports whether n is a group with no quantifier and no window.
func isPlainGroup(n *Node) bool {
	return n.Op != OpVar && n.Op != OpNot && n.Repeat == once && n.Window == 0
}

// suffix is what stands behind a variable or a group, and where; round is the
// link before the closing parenthesis, nil if there is none.
type suffix struct {
	repeat Repeat
	round  *Link
	until  int
	window time.Duration

	repeatAt, greedyAt, untilAt, windowAt token
}

// apply gives n the suffix. n has one already if it is a single element in
// parentheses; the two become one where that says the same: `(a{2})?`, `(a*)?`.
func (s *suffix) apply(n *Node) *Error {
	if err := s.check(n); err != nil {
		return err
	}
	if s.repeat.Max != 1 {
		n.Repeat = s.repeat
		n.Until = s.until
		if s.round != nil {
			n.Round = *s.round
		}
	} else if s.repeat.Optional {
		n.Repeat.Optional = true
	}
	if s.window != 0 {
		n.Window = s.window
	}
	return nil
}

func (s *suffix) check(n *Node) *Error {
	repeats := s.repeat.Max != 1
	if s.round != nil && !repeats {
		return &Error{Pos: s.round.Pos, End: s.round.End, Msg: "the link before `)` joins no rounds", Hint: "write a quantifier that repeats behind the `)`, as in `(a,)+`, or remove the link"}
	}
	if repeats {
		if err := s.checkRepeat(n); err != nil {
			return err
		}
	}
	if s.repeat.Greedy {
		if err := s.checkGreedy(n); err != nil {
			return err
		}
	}
	if s.until >= 0 && s.repeat.Max >= 0 {
		return fault(s.untilAt, "`until` ends only a repeat without an upper count", "write it behind `+`, `*` or `{n,}`, as in `a+ until s`")
	}
	if s.window != 0 {
		return s.checkWindow(n)
	}
	return nil
}

func (s *suffix) checkRepeat(n *Node) *Error {
	if choice := findChoice(n); choice != nil {
		return &Error{Pos: choice.Pos, End: choice.End, Msg: "no `|` and no `&` inside a repeat", Hint: "put the choice into one condition"}
	}
	switch {
	case n.Repeat.Max != 1:
		return fault(s.repeatAt, "what is repeated already is repeated again", "write one quantifier, as in `a{6}` for `(a{2}){3}`")
	case n.Repeat.Optional:
		return fault(s.repeatAt, "what may be left out is repeated", "write one quantifier: `{,2}` for none to two, `*` for any number")
	case optional(n):
		return fault(s.repeatAt, "all in the repeated group may be left out", "a round takes at least one event: make an element of the group required")
	}
	return nil
}

func (s *suffix) checkGreedy(n *Node) *Error {
	switch {
	case s.repeat.Max == 1:
		return fault(s.greedyAt, "only a repeat can be greedy", "remove this `+`, or write `a++`, `a*+`, `a{2,}+`")
	case n.Op != OpVar:
		return fault(s.greedyAt, "a group of several elements cannot be greedy", "make a variable in it greedy, or remove this `+`")
	case s.round != nil && s.round.Kind == Any:
		return fault(s.greedyAt, "a repeat with the round link `->>` cannot be greedy", "remove this `+`, or write another round link")
	}
	return nil
}

func (s *suffix) checkWindow(n *Node) *Error {
	repeats := s.repeat.Max != 1
	switch {
	case n.Window != 0:
		return fault(s.windowAt, "a second `within` on one element", "write the shorter one")
	case n.Op == OpVar && n.Repeat.Max == 1 && !repeats:
		return fault(s.windowAt, "`within` on a single event bounds nothing", "repeat the variable, as in `a{5,} within 10m`, or put a bound on its link, as in `-[<10m]-> a`")
	case n.Op != OpVar && n.Repeat.Max != 1:
		return fault(s.windowAt, "`within` outside of a repeated group", "it bounds each round: write it behind the quantifier, as in `((a -> b){2,} within 5m)?`")
	}
	return nil
}

// findChoice gives the first `|` or `&` in n, or nil.
func findChoice(n *Node) *Node {
	if n.Op == OpAlt || n.Op == OpAll {
		return n
	}
	for _, sub := range n.Subs {
		if choice := findChoice(sub); choice != nil {
			return choice
		}
	}
	return nil
}
