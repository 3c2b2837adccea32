package nfa

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Time is event time in nanoseconds since the epoch.
type Time = int64

// Forever is the time by which every window and bound has run out.
const Forever Time = math.MaxInt64

// Event is the number of an event in processing order, from 1. It says nothing
// else.
type Event uint64

// Cond is the number of a condition: of a name of the pattern (its index in
// Program.Names), or Program.Unless or Program.Having.
type Cond int32

// SkipKind says what a match consumes.
type SkipKind uint8

const (
	SkipPastLast SkipKind = iota // what began up to its last event
	SkipNone                     // nothing
	SkipToNext                   // what began with its first event
	SkipToFirst                  // what began before the first event of Options.SkipVar
	SkipToLast                   // what began before the last event of Options.SkipVar
)

func (k SkipKind) String() string {
	switch k {
	case SkipPastLast:
		return "past_last"
	case SkipNone:
		return "none"
	case SkipToNext:
		return "to_next"
	case SkipToFirst:
		return "to_first"
	case SkipToLast:
		return "to_last"
	}
	panic("nfa: unknown SkipKind")
}

// Options are the parts of a rule beside the pattern text that decide what
// matches.
type Options struct {
	Within  time.Duration // first to last event of a match; 0: no bound
	Gap     time.Duration // bound on every link that has none; 0: none
	Skip    SkipKind
	SkipVar string // for SkipToFirst and SkipToLast
	InOrder bool   // hold a match until no older open match is left
	Timeout bool   // open matches that ran out come out too
	Unless  bool   // there is a condition that ends every open match of the key
	Having  bool   // there is a condition on completed matches
	MaxOpen int    // open matches per Runs; 0: DefaultOpen
}

const (
	// DefaultOpen bounds the open matches of one key where Options does not: at
	// some 50 bytes each a key stays under 1 MB.
	DefaultOpen = 10_000

	// maxPatterns bounds the patterns that one with `|` and `&` stands for: five
	// operands of `&` in any order.
	maxPatterns = 120

	// maxEdges bounds what may follow one place of a pattern, so that the set of
	// what an open match still waits for is one machine word.
	maxEdges = 64
)

// Program is a compiled pattern: the places at which events are captured, and
// for each place what may follow. It is immutable.
//
// An open match is the place that captured last, its captures, and the set of
// edges of that place which it still waits for. Each word of the pattern is one
// path through the places, so a match is found once.
type Program struct {
	Names  []Name
	Unless Cond // condition that ends all open matches; -1: none
	Having Cond // condition on completed matches; -1: none

	within  Time // 0: none
	skip    SkipKind
	skipVar int32
	inOrder bool
	timeout bool
	maxOpen int

	places    []place
	starts    []edge
	steps     []Step
	registers int  // of a node: rounds of counted loops, first times of windows
	patterns  int  // that `|` and `&` stand for
	settles   bool // whether it matters that an event has passed since the last capture
}

// place is an occurrence of a variable in a pattern.
type place struct {
	name    int32
	pattern int32      // which of Program.patterns
	pos     int        // of the variable in the pattern text
	least   int32      // events that its name captures at least in a match that goes past its loops
	step    int32      // the first of its name in Program.steps
	untils  []Cond     // of the loops around it: it takes no event on which one holds
	edges   []edge     // what may follow
	always  uint64     // the edges without rounds to ask for
	ends    [][]rounds // a match may end here, with no closing negation, if one of these holds
	closing uint64     // the edges that are closing negations without `,`
}

// edge leads from a place to the next that captures, or, for closing negations,
// to the end of the match.
type edge struct {
	to      int32 // place; end for closing negations
	kind    LinkKind
	loop    bool     // it stays in a loop
	least   Time     // since the capture before: least <= t < limit
	limit   Time     // 0: none
	rounds  []rounds // it exists only for these counts of rounds
	nots    []not    // negations in force while it is waited for
	greedy  []greedy // greedy loops left or left out on the way
	kills   []Cond   // untils of the loops that it stays in
	windows []window // it must be taken inside these
	sets    []set    // registers of the match that takes it
	asks    []Cond   // all conditions that can change a match that has waited already
	next    bool     // a closing `, !n` is among nots
	pos     int      // of the link in the pattern text; -1: nothing is written
	close   int      // behind the link in the pattern text
}

const end = -1

// rounds asks for the count of rounds in a register: least <= n <= most.
type rounds struct {
	register    int32
	least, most int32 // most < 0: any
}

// not is a negation: cond must not hold while it is in force.
type not struct {
	cond         Cond
	next         bool // `, !n`: only the very next event is asked
	least, limit Time
	once         []rounds // it is in force only for these counts
	windows      []window // of the groups that it stands in
	pos, link    int      // in the pattern text: of itself and of the link before it
}

// greedy forbids events that a greedy loop could have taken.
type greedy struct {
	cond  Cond
	until Cond // lifts it; -1: none
	lift  int  // number of its bit in group.lifted
}

// window is a bound on the time since the first event of a round, which is kept
// in a register.
type window struct {
	register int32
	span     Time
}

// set changes a register when an edge is taken.
type set struct {
	register int32
	op       setOp
}

type setOp uint8

const (
	setOne  setOp = iota // the first round begins
	setMore              // one more round begins
	setTime              // the time of the event taken
)

// Starts returns the conditions of the names that a match can begin with.
func (p *Program) Starts() []Cond {
	var conds []Cond
	for i := range p.starts {
		conds = addCond(conds, Cond(p.places[p.starts[i].to].name))
	}
	return conds
}

// ByTime reports whether a match or a time-out can come because time moves on, with
// no event that completes it.
func (p *Program) ByTime() bool {
	for i := range p.places {
		if p.places[i].closing != 0 {
			return true
		}
	}
	return p.timeout
}

// Timeouts reports whether open matches that run out come out.
func (p *Program) Timeouts() bool { return p.timeout }

// Within returns the rule's window; 0: it has none.
func (p *Program) Within() Time { return p.within }

// InOrder reports whether a match is held until no older open match is left.
func (p *Program) InOrder() bool { return p.inOrder }

// Patterns returns how many patterns without `|` and `&` the program stands for.
func (p *Program) Patterns() int { return p.patterns }

func addCond(conds []Cond, c Cond) []Cond {
	for _, have := range conds {
		if have == c {
			return conds
		}
	}
	return append(conds, c)
}

// String lists the program: its options, then for each place what may follow.
func (p *Program) String() string {
	var b strings.Builder
	b.WriteString("skip " + p.skip.String())
	if p.skip == SkipToFirst || p.skip == SkipToLast {
		b.WriteString("(" + p.Names[p.skipVar].Text + ")")
	}
	if p.inOrder {
		b.WriteString(" in_order")
	}
	if p.within > 0 {
		b.WriteString(" within " + FormatDuration(time.Duration(p.within)))
	}
	if p.timeout {
		b.WriteString(" timeout")
	}
	if p.Unless >= 0 {
		b.WriteString(" unless")
	}
	if p.Having >= 0 {
		b.WriteString(" having")
	}
	fmt.Fprintf(&b, " open %d\n", p.maxOpen)
	b.WriteString("start\n")
	for i := range p.starts {
		p.list(&b, &p.starts[i], false)
	}
	for i := range p.places {
		pl := &p.places[i]
		fmt.Fprintf(&b, "%d %s", i, p.Names[pl.name].Text)
		for _, c := range pl.untils {
			b.WriteString(" until " + p.Names[c].Text)
		}
		b.WriteString("\n")
		for _, e := range pl.ends {
			b.WriteString("\tmatch")
			listRounds(&b, e)
			b.WriteString("\n")
		}
		for k := range pl.edges {
			p.list(&b, &pl.edges[k], true)
		}
	}
	return b.String()
}

func (p *Program) list(b *strings.Builder, e *edge, link bool) {
	b.WriteString("\t")
	if e.to == end {
		b.WriteString("match")
	} else {
		if link {
			b.WriteString(linkText(e.kind, e.least, e.limit) + " ")
		}
		fmt.Fprintf(b, "%d", e.to)
	}
	listRounds(b, e.rounds)
	for _, n := range e.nots {
		kind := Follow
		if n.next {
			kind = Next
		}
		b.WriteString(" [" + linkText(kind, n.least, n.limit) + " !" + p.Names[n.cond].Text)
		listRounds(b, n.once)
		listWindows(b, n.windows)
		b.WriteString("]")
	}
	for _, g := range e.greedy {
		b.WriteString(" no " + p.Names[g.cond].Text)
		if g.until >= 0 {
			b.WriteString(" until " + p.Names[g.until].Text)
		}
	}
	for _, c := range e.kills {
		b.WriteString(" ends at " + p.Names[c].Text)
	}
	listWindows(b, e.windows)
	for _, s := range e.sets {
		switch s.op {
		case setOne:
			fmt.Fprintf(b, " r%d=1", s.register)
		case setMore:
			fmt.Fprintf(b, " r%d+1", s.register)
		case setTime:
			fmt.Fprintf(b, " r%d=t", s.register)
		}
	}
	b.WriteString("\n")
}

func linkText(kind LinkKind, least, limit Time) string {
	return Link{Kind: kind, Least: time.Duration(least), Limit: time.Duration(limit)}.String()
}

func listRounds(b *strings.Builder, rs []rounds) {
	for _, r := range rs {
		switch {
		case r.most < 0:
			fmt.Fprintf(b, " r%d>=%d", r.register, r.least)
		case r.least <= 0:
			fmt.Fprintf(b, " r%d<=%d", r.register, r.most)
		default:
			fmt.Fprintf(b, " %d<=r%d<=%d", r.least, r.register, r.most)
		}
	}
}

func listWindows(b *strings.Builder, ws []window) {
	for _, w := range ws {
		fmt.Fprintf(b, " t<r%d+%s", w.register, FormatDuration(time.Duration(w.span)))
	}
}
