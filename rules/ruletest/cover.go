package ruletest

import (
	"cmp"
	"fmt"
	"slices"

	"weir/cep"
	"weir/nfa"
	"weir/rules"
)

// RuleCoverage is what of a rule the tests reached.
type RuleCoverage struct {
	ID      string
	File    string
	Line    int     // of the rule's id
	Pattern string  // as it is written; empty: the rule has none
	Points  []Point // by place in the pattern; what has none comes last
}

// Reached counts the points that some test reached.
func (r *RuleCoverage) Reached() int {
	n := 0
	for i := range r.Points {
		if r.Points[i].Reached {
			n++
		}
	}
	return n
}

// Percent gives how much of the rule was reached; 100 only if all was.
func (r *RuleCoverage) Percent() int { return 100 * r.Reached() / len(r.Points) }

// Point is something that a rule can do and a test can show.
type Point struct {
	Kind     PointKind
	Name     string // of the variable, negation or until; else empty
	From, To int    // bytes of the pattern; both 0: it has no place there
	Reached  bool
	Worked   bool // it did what its kind says, but every test would pass without it too; only where not Reached
}

// PointKind says what is to be reached.
type PointKind string

const (
	VariablePoint    PointKind = "variable"    // a match comes out with an event that it captured at this place
	LinkPoint        PointKind = "link"        // a match comes out that went on by it
	AlternativePoint PointKind = "alternative" // a match comes out by it
	NegationPoint    PointKind = "negation"    // it stops an open match, and a test depends on it
	UntilPoint       PointKind = "until"       // it ends a loop, likewise
	UnlessPoint      PointKind = "unless"      // it ends an open match, likewise
	HavingPoint      PointKind = "having"      // it refuses a match, likewise
	MatchPoint       PointKind = "match"       // a match comes out
)

// ofMatches says of a kind that it is reached by matches that come out.
func (k PointKind) ofMatches() bool {
	return k == VariablePoint || k == LinkPoint || k == AlternativePoint
}

// Missed says what no test showed.
func (p *Point) Missed() string {
	if p.Worked {
		return "without " + p.subject() + " every test would pass too"
	}
	switch p.Kind {
	case VariablePoint:
		return fmt.Sprintf("no match came out with `%s` here", p.Name)
	case LinkPoint:
		return "no match came out by this link"
	case AlternativePoint:
		return "no match came out by this alternative"
	case NegationPoint:
		return p.subject() + " stopped no match"
	case UntilPoint:
		return p.subject() + " ended no loop"
	case UnlessPoint:
		return p.subject() + " ended no match"
	case HavingPoint:
		return p.subject() + " refused no match"
	case MatchPoint:
		return "no match came out"
	}
	panic("ruletest: unknown PointKind")
}

// subject names what restrains a rule.
func (p *Point) subject() string {
	switch p.Kind {
	case NegationPoint:
		return "`!" + p.Name + "`"
	case UntilPoint:
		return "`until " + p.Name + "`"
	}
	return "`" + string(p.Kind) + "`"
}

// coverage follows what rules do in tests. Params change what is at a place of a
// pattern, never the places: a point is known by its kind, place and name.
type coverage struct {
	rules  []RuleCoverage
	points map[pointID]*Point
	places map[*nfa.Program]*placed
	worked []restraint // in the test that runs; by when they first did
}

type pointID struct {
	rule string
	kind PointKind
	from int
	name string
}

// placed is what is read of a program again and again.
type placed struct {
	places []nfa.Place
	taken  map[nodeID]step // matches of the test that runs, open ones and others
}

// nodeID names a match: numbers are given once by the machine of a rule.
type nodeID int

// step is the last capture of a match.
type step struct {
	place int
	link  int    // where the link to it stands in the pattern; -1: nowhere
	from  nodeID // the match without it; 0: none
}

func newCoverage(all []*rules.Rule) *coverage {
	c := &coverage{points: map[pointID]*Point{}, places: map[*nfa.Program]*placed{}}
	for _, r := range all {
		if !r.Disabled {
			c.rules = append(c.rules, coverageOf(r))
		}
	}
	for i := range c.rules {
		r := &c.rules[i]
		for k := range r.Points {
			p := &r.Points[k]
			c.points[idOf(r.ID, p)] = p
		}
	}
	return c
}

// idOf names a point. Names that are negated, or untils, may stand in several places
// and count once.
func idOf(rule string, p *Point) pointID {
	switch p.Kind {
	case NegationPoint, UntilPoint:
		return pointID{rule, p.Kind, 0, p.Name}
	}
	return pointID{rule, p.Kind, p.From, ""}
}

// coverageOf lists the points of a rule.
func coverageOf(r *rules.Rule) RuleCoverage {
	c := RuleCoverage{ID: r.ID, File: r.At.Doc.Src.Path}
	c.Line, _ = r.At.Doc.Src.Position(r.At.Place().From)
	seen := map[pointID]bool{}
	add := func(p Point) {
		if id := idOf(r.ID, &p); !seen[id] {
			seen[id] = true
			c.Points = append(c.Points, p)
		}
	}
	if r.When == nil && r.WindowClose == nil {
		c.Pattern = r.Pattern.Text
		pointsOf(r, add)
		slices.SortStableFunc(c.Points, func(a, b Point) int { return cmp.Compare(a.From, b.From) })
	}
	add(Point{Kind: MatchPoint})
	if r.Unless != nil {
		add(Point{Kind: UnlessPoint})
	}
	if r.Having != nil {
		add(Point{Kind: HavingPoint})
	}
	return c
}

// pointsOf adds the points that a pattern has.
func pointsOf(r *rules.Rule, add func(Point)) {
	named := func(kind PointKind, cond nfa.Cond) {
		n := r.Program.Names[cond]
		add(Point{Kind: kind, Name: n.Text, From: n.Pos, To: n.Pos + len(n.Text)})
	}
	for _, pl := range r.Program.Places() {
		name := r.Program.Names[pl.Name].Text
		add(Point{Kind: VariablePoint, Name: name, From: pl.Pos, To: pl.Pos + len(name)})
		for _, u := range pl.Untils {
			named(UntilPoint, u)
		}
		for _, e := range pl.Edges {
			for _, n := range e.Nots {
				named(NegationPoint, n)
			}
			for _, u := range e.Untils {
				named(UntilPoint, u)
			}
			if e.To != nfa.End && e.Link.Pos >= 0 {
				add(Point{Kind: LinkPoint, From: e.Link.Pos, To: e.Link.End})
			}
		}
	}
	alternatives(r.Pattern.Root, func(n *nfa.Node) { add(Point{Kind: AlternativePoint, From: n.Pos, To: n.End}) })
}

// alternatives calls f with each alternative of a `|` in n and below.
func alternatives(n *nfa.Node, f func(*nfa.Node)) {
	for _, sub := range n.Subs {
		if n.Op == nfa.OpAlt {
			f(sub)
		}
		alternatives(sub, f)
	}
}

// trace gives what follows the engine of one test.
func (c *coverage) trace() *cep.Trace {
	clear(c.places)
	c.worked = nil
	return &cep.Trace{Tell: func(t *cep.Told) {
		switch {
		case t.Kind == cep.Noted:
			c.noted(t.Rule, &t.Note)
		case t.Rule != nil && t.Rule.WindowClose > 0:
			c.closed(t)
		}
	}}
}

func (c *coverage) reach(rule string, kind PointKind, from int, name string) {
	if p := c.points[pointID{rule, kind, from, name}]; p != nil {
		p.Reached = true
	}
}

// noted marks what a note shows.
func (c *coverage) noted(r *cep.Rule, n *nfa.Note) {
	p := c.places[r.Program]
	if p == nil {
		p = &placed{places: r.Program.Places(), taken: map[nodeID]step{}}
		c.places[r.Program] = p
	}
	switch n.Kind {
	case nfa.Began:
		p.taken[nodeID(n.Node)] = step{n.Place, -1, 0}
	case nfa.Took:
		before := p.places[p.taken[nodeID(n.From)].place]
		p.taken[nodeID(n.Node)] = step{n.Place, before.Edges[n.Edge].Link.Pos, nodeID(n.From)}
	case nfa.Out:
		c.reach(r.ID, MatchPoint, 0, "")
		c.cameBy(r, p, nodeID(n.Node))
	case nfa.RanOut:
		c.cameBy(r, p, nodeID(n.Node))
	}
	switch n.Why {
	case nfa.Negated:
		c.works(r, NegationPoint, n.Cond)
	case nfa.UntilHeld, nfa.Stopped:
		c.works(r, UntilPoint, n.Cond)
	case nfa.UnlessHeld:
		c.works(r, UnlessPoint, r.Program.Unless)
	case nfa.HavingFailed:
		c.works(r, HavingPoint, r.Program.Having)
	}
}

// closed marks what the end of a window shows: what came of it is all that is told.
func (c *coverage) closed(t *cep.Told) {
	switch t.Kind {
	case cep.Alerted, cep.Silenced:
		c.reach(t.Rule.ID, MatchPoint, 0, "")
	}
}

// cameBy marks what an alert was captured by.
func (c *coverage) cameBy(r *cep.Rule, p *placed, node nodeID) {
	i := slices.IndexFunc(c.rules, func(of RuleCoverage) bool { return of.ID == r.ID })
	for ; node != 0; node = p.taken[node].from {
		step := p.taken[node]
		at := p.places[step.place].Pos
		c.reach(r.ID, VariablePoint, at, "")
		c.reach(r.ID, LinkPoint, step.link, "")
		for k := range c.rules[i].Points {
			if q := &c.rules[i].Points[k]; q.Kind == AlternativePoint && q.From <= at && at < q.To {
				q.Reached = true
			}
		}
	}
}
