package oracle

import "strconv"

// Random returns the case of a seed: a legal rule larger than those of the small
// world, and up to nine events for it.
func Random(seed uint64) Case {
	rng := Splitmix(seed)
	for {
		g := generator{Splitmix: &rng}
		if c, ok := g.rule(); ok {
			g.events(&c)
			return c
		}
	}
}

// generator draws a rule. It gives every variable a name of its own.
type generator struct {
	*Splitmix
	names  int
	within int64
}

func (g *generator) rule() (Case, bool) {
	var c Case
	if g.percent(60) {
		g.within = int64(3+g.Below(8)) * millisecond
	}
	root := g.root()
	c.Rule = Rule{Pattern: New(root), Within: g.within}
	if g.percent(10) {
		c.Rule.Gap = g.span()
	}
	top := topVariables(root)
	if skip := Skip(g.Below(5)); len(top) > 0 || skip < ToFirst {
		c.Rule.Skip = skip
		if skip >= ToFirst {
			c.Rule.SkipVar = top[g.Below(len(top))]
		}
	}
	for range c.Rule.Pattern.Names {
		c.Conds = append(c.Conds, g.cond(len(c.Rule.Pattern.Names)))
	}
	if c.Rule.Unless = g.percent(12); c.Rule.Unless {
		c.Unless = Cond{Kinds: 1 << g.Below(len(Kinds))}
	}
	if c.Rule.Having = g.percent(12); c.Rule.Having {
		c.HavingVar, c.HavingLeast = g.Below(len(c.Conds)), 1+g.Below(2)
	}
	return c, Refused(c.Rule) == ""
}

// root is a sequence, alternatives, or a set in any order.
func (g *generator) root() *Node {
	switch {
	case g.percent(10):
		return &Node{Op: Alt, Subs: g.alternatives()}
	case g.percent(5):
		return g.all()
	}
	return &Node{Op: Seq, Subs: g.sequence(2+g.Below(3), 2, false)}
}

func (g *generator) alternatives() []*Node {
	subs := []*Node{}
	for range 2 + g.Below(2) {
		subs = append(subs, &Node{Op: Seq, Subs: g.sequence(1+g.Below(2), 1, false)})
	}
	return subs
}

func (g *generator) all() *Node {
	n := &Node{Op: All}
	for range 2 + g.Below(2) {
		n.Subs = append(n.Subs, &Node{Op: Var, Name: g.name("v")})
	}
	return n
}

// sequence draws elements joined by links; groups nest up to depth.
func (g *generator) sequence(length, depth int, repeated bool) []*Node {
	var subs []*Node
	for len(subs) < length {
		if len(subs) > 0 && g.percent(18) {
			not := &Node{Op: Not, Name: g.name("n"), Link: g.link()}
			if not.Link.Kind == Any {
				not.Link.Kind = Follow
			}
			subs = append(subs, not)
			continue
		}
		n := g.element(depth, repeated)
		if len(subs) > 0 {
			n.Link = g.link()
		}
		subs = append(subs, n)
	}
	return subs
}

func (g *generator) element(depth int, repeated bool) *Node {
	n := &Node{Op: Var}
	if depth > 0 && g.percent(22) {
		n.Op = Seq
		if !repeated && g.percent(25) {
			if g.percent(50) {
				n = &Node{Op: Alt, Subs: g.alternatives()}
			} else {
				n = g.all()
			}
			if g.percent(25) {
				n.Window = g.span()
			}
			return n
		}
	}
	g.quantify(n)
	if n.Op == Seq {
		n.Subs = g.sequence(2+g.Below(2), depth-1, repeated || n.Repeats)
	} else {
		n.Name = g.name("v")
	}
	if n.Repeats && n.Max == Many && g.percent(30) {
		n.Until = g.name("s")
	}
	if (n.Op == Seq || n.Repeats) && g.percent(20) {
		n.Window = g.span()
	}
	return n
}

func (g *generator) quantify(n *Node) {
	n.Optional = g.percent(25)
	if g.percent(45) {
		n.Repeats = true
		n.Min = 1 + g.Below(2)
		if n.Max = Many; g.percent(50) {
			n.Max = max(2, n.Min+g.Below(2))
		}
		if g.percent(45) {
			n.Round = g.link()
		}
		n.Greedy = n.Op == Var && n.Round.Kind != Any && g.percent(30)
	}
}

func (g *generator) link() Link {
	l := Link{Kind: Kind(g.Below(3))}
	if g.percent(12) {
		l.Limit = g.span()
	}
	if g.percent(6) {
		if least := g.span(); l.Limit == 0 {
			l.Least = least + 1
		} else if least < l.Limit {
			l.Least = least
		}
	}
	return l
}

// span is a duration that is no longer than the window, and often not shorter
// than the distance of some events.
func (g *generator) span() int64 {
	longest := 6
	if g.within != 0 {
		longest = min(longest, int(g.within/millisecond)-1)
	}
	return int64(1+g.Below(longest)) * millisecond
}

func (g *generator) name(prefix string) string {
	g.names++
	return prefix + strconv.Itoa(g.names)
}

func (g *generator) cond(names int) Cond {
	c := Cond{Kinds: 1 << g.Below(4)}
	for g.percent(35) {
		c.Kinds |= 1 << g.Below(len(Kinds))
	}
	c.Rises, c.Above = g.percent(15), g.Below(names)
	return c
}

// events draws a stream that the names of the pattern like to hold on, in their
// order.
func (g *generator) events(c *Case) {
	steps := []int64{0, 0, 1, 1, 1, 2, 3}
	time := int64(0)
	count := 3 + g.Below(7)
	for i := range count {
		time += steps[g.Below(len(steps))] * millisecond
		e := Sample{Time: time, Kind: g.Below(len(Kinds)), Value: g.Below(4)}
		if wanted := c.Conds[i*len(c.Conds)/count].Kinds; g.percent(60) {
			for wanted>>e.Kind&1 == 0 {
				e.Kind = g.Below(len(Kinds))
			}
		}
		c.Events = append(c.Events, e)
	}
	switch g.Below(3) {
	case 0:
		c.End = time
	case 1:
		c.End = time + int64(g.Below(6))*millisecond
	default:
		c.End = Forever
	}
}

// topVariables are the variables that a skip strategy may name.
func topVariables(root *Node) []string {
	var names []string
	for _, n := range root.Subs {
		switch {
		case n.Op == Var:
			names = append(names, n.Name)
		case root.Op == Alt && n.Op == Seq:
			names = append(names, topVariables(n)...)
		}
	}
	return names
}
