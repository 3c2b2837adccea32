package nfa

import "math/bits"

// mostSteps bounds the steps of one variable. Of a variable that is repeated more often,
// the first of them stands for all numbers below the others: who looks for what nearly
// was asks for the last ones.
const mostSteps = 10

// Step is how far an open match has got: which variable captured last, where it stands
// in the pattern text, and how many events it has captured by then.
type Step struct {
	Name  int  // index in Program.Names
	Pos   int  // byte offset of the variable in the pattern text
	Count int  // events that it has captured, or more where Count is Of
	Fewer bool // Count or fewer
	Of    int  // events that it captures at least in a match that goes on past it
}

// Steps returns the steps of the program, in the order of the pattern text. The patterns
// that `|` and `&` stand for share those of a variable that is written once.
func (p *Program) Steps() []Step { return p.steps }

// Leads reports whether something can follow the first event of a match: else there are
// no open matches.
func (p *Program) Leads() bool {
	for i := range p.places {
		if len(p.places[i].edges) > 0 {
			return true
		}
	}
	return false
}

// findSteps lists the steps.
func (p *Program) findSteps() {
	for done := -1; ; {
		at := -1 // the position that comes next
		for i := range p.places {
			if pos := p.places[i].pos; pos > done && (at < 0 || pos < at) {
				at = pos
			}
		}
		if at < 0 {
			return
		}
		p.addSteps(at)
		done = at
	}
}

// addSteps adds the steps of the variable at a position.
func (p *Program) addSteps(pos int) {
	first := int32(len(p.steps))
	for i := range p.places {
		pl := &p.places[i]
		if pl.pos != pos {
			continue
		}
		pl.step = first
		if len(p.steps) > int(first) {
			continue
		}
		of := int(pl.least)
		low := max(1, of-mostSteps+1)
		for n := low; n <= of; n++ {
			p.steps = append(p.steps, Step{Name: int(pl.name), Pos: pos, Count: n, Fewer: n == low && low > 1, Of: of})
		}
	}
}

// stepOf is the step of a match that ends with a node.
func (p *Program) stepOf(n *node) int32 {
	pl := &p.places[n.place]
	low := max(1, pl.least-mostSteps+1)
	return pl.step + min(max(n.count, low), pl.least) - low
}

// EachOpen calls visit with the step of every open match from which no other has gone on.
func (p *Program) EachOpen(r *Runs, visit func(step int)) {
	for i := range r.groups {
		for _, at := range r.groups[i].runs {
			if n := &r.nodes[at-1]; !n.parted {
				visit(int(p.stepOf(n)))
			}
		}
	}
}

// awaited appends the names that live edges of a place lead to, each once: those that
// lead on, or, where there are none, those of further rounds.
func (p *Program) awaited(dst []int32, pl *place, live uint64) []int32 {
	for _, loops := range [...]bool{false, true} {
		for rest := live; rest != 0; rest &= rest - 1 {
			e := &pl.edges[bits.TrailingZeros64(rest)]
			if e.to != end && e.loop == loops {
				dst = addNumber(dst, p.places[e.to].name)
			}
		}
		if len(dst) > 0 {
			break
		}
	}
	return dst
}

// Awaited returns the names that open matches of the program can wait for, each once.
func (p *Program) Awaited() []int32 {
	var names []int32
	for i := range p.places {
		for k := range p.places[i].edges {
			if e := &p.places[i].edges[k]; e.to != end {
				names = addNumber(names, p.places[e.to].name)
			}
		}
	}
	return names
}

func addNumber(list []int32, n int32) []int32 {
	for _, have := range list {
		if have == n {
			return list
		}
	}
	return append(list, n)
}
