package nfa

// writeOut gives the patterns without `|` and `&` that n stands for: one for each
// choice, and for `&` one for each order of its operands joined by `->`. It
// reports false if there are more than maxPatterns.
func writeOut(n *Node) ([]*Node, bool) {
	switch n.Op {
	case OpVar, OpNot:
		return []*Node{n}, true
	case OpAlt:
		var all []*Node
		for _, s := range n.Subs {
			some, ok := writeOut(s)
			if !ok || len(all)+len(some) > maxPatterns {
				return nil, false
			}
			for _, alt := range some {
				all = append(all, around(n, []*Node{asElement(alt)}))
			}
		}
		return all, true
	case OpAll:
		var all []*Node
		ok := permute(n.Subs, func(order []*Node) bool {
			all = append(all, around(n, chain(order)))
			return len(all) <= maxPatterns
		})
		return all, ok
	case OpSeq:
		rows := [][]*Node{nil}
		for _, s := range n.Subs {
			some, ok := writeOut(s)
			if !ok || len(rows)*len(some) > maxPatterns {
				return nil, false
			}
			var longer [][]*Node
			for _, row := range rows {
				for _, el := range some {
					longer = append(longer, append(clip(row), el))
				}
			}
			rows = longer
		}
		var all []*Node
		for _, row := range rows {
			all = append(all, around(n, row))
		}
		return all, true
	}
	panic("nfa: unknown Op")
}

// asElement gives an alternative the form of the only element of a group.
func asElement(n *Node) *Node {
	c := *n
	c.Link = Link{Pos: -1}
	return &c
}

// around is a copy of n as a sequence of subs.
func around(n *Node, subs []*Node) *Node {
	c := *n
	c.Op = OpSeq
	c.Subs = subs
	return &c
}

// chain joins variables by `->`.
func chain(order []*Node) []*Node {
	row := make([]*Node, len(order))
	for i, n := range order {
		c := *n
		c.Link = Link{Kind: Follow, Pos: -1}
		row[i] = &c
	}
	return row
}

// permute calls yield with every order of items, in lexicographic order of their
// places, until it returns false; it reports whether it never did.
func permute(items []*Node, yield func([]*Node) bool) bool {
	used := make([]bool, len(items))
	order := make([]*Node, 0, len(items))
	var next func() bool
	next = func() bool {
		if len(order) == len(items) {
			return yield(clip(order))
		}
		for i, it := range items {
			if used[i] {
				continue
			}
			used[i] = true
			order = append(order, it)
			if !next() {
				return false
			}
			order = order[:len(order)-1]
			used[i] = false
		}
		return true
	}
	return next()
}
