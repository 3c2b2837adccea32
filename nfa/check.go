package nfa

import "fmt"

// check refuses what only neighbours or the whole tree show. rounds is how many
// rounds the repeats around n take at least.
func check(n *Node, rounds int, miss func(*Error)) {
	rounds *= n.Repeat.Min
	if rounds > MaxCaptures {
		miss(refuse(n, fmt.Sprintf("the repeats ask for %d events of one variable", rounds), fmt.Sprintf("a variable captures at most %d, so this could never match", MaxCaptures)))
		return
	}
	for i, sub := range n.Subs {
		if n.Op == OpSeq && i > 0 {
			if err := checkNeighbours(n.Subs[i-1], sub); err != nil {
				miss(err)
			}
		}
		check(sub, rounds, miss)
	}
	if n.Op == OpSeq {
		if err := checkLeast(n.Round, n.Subs[0]); err != nil {
			miss(err)
		}
	}
}

// checkNeighbours checks sub of a sequence against prev, the one before it.
func checkNeighbours(prev, sub *Node) *Error {
	if sub.Op == OpNot {
		if endsOptional(prev) {
			return refuse(sub, "a negation follows an element that may be left out", "make that element required, or write the alternatives, as in `a -> b -> !n | a -> !n`")
		}
		return nil
	}
	if endsGreedy(prev) {
		if first := beginsOptional(sub); first != nil {
			return refuse(first, "what may be left out follows a greedy repeat", "make one of them required or not greedy, or write the alternatives")
		}
	}
	return checkLeast(sub.Link, sub)
}

// checkLeast refuses a least time on the link into n if n may be left out: it
// would bind the element and not the way around it.
func checkLeast(l Link, n *Node) *Error {
	if l.Least == 0 || beginsOptional(n) == nil {
		return nil
	}
	return &Error{Pos: l.Pos, End: l.End, Msg: "a least time leads to an element that may be left out", Hint: "write the alternatives, as in `a -[>5m]-> (b -> c | c)`"}
}

func refuse(n *Node, msg, hint string) *Error {
	return &Error{Pos: n.Pos, End: n.End, Msg: msg, Hint: hint}
}

// optional reports whether n may be left out: it says so, or all in it may be,
// or one of its alternatives.
func optional(n *Node) bool {
	if n.Repeat.Optional {
		return true
	}
	switch n.Op {
	case OpSeq:
		for _, sub := range n.Subs {
			if sub.Op != OpNot && !optional(sub) {
				return false
			}
		}
		return true
	case OpAlt:
		for _, sub := range n.Subs {
			if optional(sub) {
				return true
			}
		}
	}
	return false
}

// beginsOptional gives the element that n can begin with and that may be left
// out, or nil.
func beginsOptional(n *Node) *Node {
	if optional(n) {
		return n
	}
	switch n.Op {
	case OpSeq:
		return beginsOptional(n.Subs[0])
	case OpAlt:
		for _, sub := range n.Subs {
			if first := beginsOptional(sub); first != nil {
				return first
			}
		}
	}
	return nil
}

// endsOptional reports whether n can end with an element that may be left out.
func endsOptional(n *Node) bool {
	return optional(n) || anyLast(n, endsOptional)
}

// endsGreedy reports whether n can end with a greedy repeat.
func endsGreedy(n *Node) bool {
	return n.Repeat.Greedy || anyLast(n, endsGreedy)
}

// anyLast reports whether holds is true of a part that n ends with.
func anyLast(n *Node, holds func(*Node) bool) bool {
	switch n.Op {
	case OpSeq:
		return holds(n.Subs[len(n.Subs)-1])
	case OpAlt:
		for _, sub := range n.Subs {
			if holds(sub) {
				return true
			}
		}
	}
	return false
}

// findLists marks the names that can capture more than one event. many says that
// something around n repeats.
func findLists(n *Node, names []Name, many bool) {
	many = many || n.Repeat.Max != 1
	if n.Op == OpVar && many {
		names[n.Name].List = true
	}
	for _, sub := range n.Subs {
		findLists(sub, names, many)
	}
}
