package nfa

import (
	"strings"
	"time"
)

// End is the Edge.To of closing negations: no event follows, the match completes.
const End = end

// Place is a place of a program: an occurrence of a variable in one of the
// patterns that the pattern stands for.
type Place struct {
	Name    int    // index in Program.Names
	Pattern int    // which of the patterns that `|` and `&` stand for, from 0
	Pos     int    // byte offset of the variable in the pattern text
	Untils  []Cond // of the loops around it: it takes no event on which one holds
	Ends    bool   // a match may end here, perhaps after enough rounds
	Edges   []Edge // what may follow
}

// Edge is a way on from a place.
type Edge struct {
	To     int    // index of the place that captures next, or End
	Link   Link   // of closing negations: the link before the last
	Loop   bool   // it is a further round
	Nots   []Cond // negations passed: they must not hold while it is waited for
	Greedy []Cond // greedy loops left: an event that they take is not taken by it
	Untils []Cond // of the loop that it stays in: they end the wait for it
	Text   string // as Program.String lists it
}

// Places returns the places of the program, numbered as its listing does.
func (p *Program) Places() []Place {
	places := make([]Place, len(p.places))
	for i := range p.places {
		pl := &p.places[i]
		places[i] = Place{Name: int(pl.name), Pattern: int(pl.pattern), Pos: pl.pos, Untils: clip(pl.untils), Ends: len(pl.ends) > 0}
		for k := range pl.edges {
			places[i].Edges = append(places[i].Edges, p.edge(&pl.edges[k], true))
		}
	}
	return places
}

// Entries returns the ways in: how a match begins.
func (p *Program) Entries() []Edge {
	edges := make([]Edge, len(p.starts))
	for i := range p.starts {
		edges[i] = p.edge(&p.starts[i], false)
	}
	return edges
}

func (p *Program) edge(e *edge, link bool) Edge {
	var text strings.Builder
	p.list(&text, e, link)
	v := Edge{
		To: int(e.to), Loop: e.loop, Text: strings.TrimSpace(text.String()), Untils: clip(e.kills),
		Link: Link{Kind: e.kind, Least: time.Duration(e.least), Limit: time.Duration(e.limit), Pos: e.pos, End: e.close},
	}
	for _, n := range e.nots {
		v.Nots = append(v.Nots, n.cond)
	}
	for _, g := range e.greedy {
		v.Greedy = append(v.Greedy, g.cond)
	}
	return v
}
