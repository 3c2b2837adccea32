package nfa

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Compile makes the program of a pattern. The error is an *Error whose position
// is in the pattern text, or spans all of it where an option is at fault.
//
// The places of a pattern and what may follow each are found as in Glushkov's
// construction: a fragment of the tree is the places that it can begin with, the
// places that it can end with, and whether it can be left out; what lies on the
// way from one place to the next (rounds counted, negations passed, greedy loops
// left) is gathered on the edge. Patterns with `|` and `&` are written out first.
func Compile(p *Pattern, o Options) (*Program, error) {
	if o.MaxOpen == 0 {
		o.MaxOpen = DefaultOpen
	}
	c := &compiler{
		pattern: p,
		gap:     o.Gap,
		prog: &Program{
			Names: p.names, Unless: -1, Having: -1,
			within: Time(o.Within), skip: o.Skip, skipVar: -1,
			inOrder: o.InOrder && o.Skip != SkipNone, timeout: o.Timeout, maxOpen: o.MaxOpen,
		},
	}
	extra := Cond(len(p.names))
	if o.Unless {
		c.prog.Unless = extra
		extra++
	}
	if o.Having {
		c.prog.Having = extra
	}
	if err := c.compile(o); err != nil {
		return nil, err
	}
	return c.prog, nil
}

type compiler struct {
	pattern *Pattern
	prog    *Program
	gap     time.Duration
	missed  []*Error // what is wrong so far
}

// entry is a way into a fragment: to a place that can be its first.
type entry struct {
	to     int32
	link   *Link // its own; nil: the link before the fragment is its
	greedy []greedy
	sets   []set
}

// exit is a way out of a fragment: from a place that can be its last.
type exit struct {
	from   int32
	rounds []rounds
	nots   []not
	passed bool // an element after nots was left out: at the end of the pattern they demand nothing
	greedy []greedy
}

type fragment struct {
	entries  []entry
	exits    []exit
	optional bool
	greedy   []greedy // greedy loops that it can end with: they are left out with it
}

// context is what stands around an element.
type context struct {
	untils  []Cond
	windows []window
	after   []not // negations that follow it directly, also behind closing parentheses
	loop    bool
	least   int // how often the groups around it are gone through at least
}

func (c *compiler) fail(pos, end int, msg, hint string) {
	if len(c.missed) < mostErrors {
		c.missed = append(c.missed, &Error{Pos: pos, End: end, Msg: msg, Hint: hint})
	}
}

func (c *compiler) compile(o Options) error {
	whole := c.pattern.Root
	if o.Gap > 0 && o.Within > 0 && o.Gap > o.Within {
		c.fail(whole.Pos, whole.End, "`gap` is longer than `within`", "make it shorter: no bound may exceed the window")
	}
	roots, ok := writeOut(whole)
	if !ok {
		c.fail(whole.Pos, whole.End, fmt.Sprintf("`|` and `&` stand for more than %d patterns", maxPatterns), "split the rule")
	}
	if c.missed != nil {
		return joined(c.missed)
	}
	c.prog.patterns = len(roots)
	for i, root := range roots {
		c.root(root, int32(i))
		if c.missed != nil {
			return joined(c.missed)
		}
	}
	c.skipVar(o)
	if c.missed != nil {
		return joined(c.missed)
	}
	c.finish()
	return joined(c.missed)
}

// skipVar resolves the variable of to_first and to_last.
func (c *compiler) skipVar(o Options) {
	if o.Skip != SkipToFirst && o.Skip != SkipToLast {
		return
	}
	root := c.pattern.Root
	for i, n := range c.pattern.names {
		if n.Text != o.SkipVar {
			continue
		}
		if !n.Captures {
			c.fail(n.Pos, n.Pos+len(n.Text), fmt.Sprintf("`skip` names %q, which captures nothing", n.Text), "name a variable that captures events")
			return
		}
		if !topLevel(root, i) {
			c.fail(n.Pos, n.Pos+len(n.Text), fmt.Sprintf("`skip` names %q, which stands in a group", n.Text), "name a variable outside parentheses")
			return
		}
		c.prog.skipVar = int32(i)
		return
	}
	c.fail(root.Pos, root.End, fmt.Sprintf("`skip` names %q, which the pattern does not have", o.SkipVar), "name a variable of the pattern")
}

// topLevel reports whether the variable stands outside of groups; alternatives
// of the whole pattern are no groups.
func topLevel(n *Node, name int) bool {
	for _, s := range n.Subs {
		if s.Op == OpVar && s.Name == name {
			return true
		}
		if n.Op == OpAlt && s.Op != OpVar && topLevel(s, name) {
			return true
		}
	}
	return n.Op == OpVar && n.Name == name
}

// root compiles one pattern without `|` and `&`.
func (c *compiler) root(n *Node, pattern int32) {
	first := len(c.prog.places)
	f := c.element(n, context{least: 1})
	for i := first; i < len(c.prog.places); i++ {
		c.prog.places[i].pattern = pattern
	}
	for _, e := range f.entries {
		c.prog.starts = append(c.prog.starts, edge{to: e.to, greedy: e.greedy, sets: e.sets, pos: -1, close: -1})
	}
	for _, x := range f.exits {
		pl := &c.prog.places[x.from]
		if len(x.nots) == 0 || x.passed {
			pl.ends = append(pl.ends, x.rounds)
			continue
		}
		last := x.nots[len(x.nots)-1]
		e := edge{to: end, rounds: x.rounds, nots: x.nots, pos: last.link, close: last.pos}
		for _, n := range x.nots {
			e.next = e.next || n.next
		}
		for _, n := range x.nots {
			if !e.next && c.prog.within == 0 && n.limit == 0 && len(n.windows) == 0 {
				name := c.pattern.names[n.cond].Text
				end := n.pos + strings.Index(c.pattern.Text[n.pos:], name) + len(name)
				c.fail(n.pos, end, "the closing negation has no end to wait for", "give the rule a `within`, or the link an upper bound: -[<1h]-> !n")
			}
		}
		pl.edges = append(pl.edges, e)
	}
}

func (c *compiler) element(n *Node, ctx context) fragment {
	r := n.Repeat
	inner := ctx
	repeats := r.Max != 1
	inner.loop = ctx.loop || repeats
	inner.least = min(ctx.least*r.Min, MaxCaptures)
	if n.Until >= 0 {
		inner.untils = append(clip(ctx.untils), Cond(n.Until))
	}
	counter, enter, again := c.counter(r)
	after := inLaterRounds(ctx.after, counter, r)
	inner.after = after
	var spans []window // bounds that a later round of this element is under
	if n.Window > 0 {
		c.bound(n.Window, n.Pos, n.End)
		w := window{register: c.register(), span: Time(n.Window)}
		enter = append(enter, set{w.register, setTime})
		if n.Op == OpVar {
			spans = []window{w} // first to last event of all rounds
		} else {
			inner.windows = append(clip(ctx.windows), w) // of each round
			again = append(again, set{w.register, setTime})
		}
	}

	var body fragment
	if n.Op == OpVar {
		to := int32(len(c.prog.places))
		c.prog.places = append(c.prog.places, place{name: int32(n.Name), untils: inner.untils, pos: n.Pos, least: int32(inner.least)})
		body = fragment{entries: []entry{{to: to}}, exits: []exit{{from: to}}}
	} else {
		body = c.sequence(n.Subs, inner)
	}

	if repeats {
		round := c.link(n.Round)
		var more []rounds
		if counter >= 0 && r.Max > 0 {
			more = []rounds{{counter, 0, int32(r.Max) - 1}}
		}
		for _, x := range body.exits {
			for _, e := range body.entries {
				link := round
				if e.link != nil {
					link = *e.link
				}
				c.join(x, e, edge{
					kind: link.Kind, least: Time(link.Least), limit: Time(link.Limit), pos: link.Pos, close: link.End, loop: true,
					rounds: append(clip(x.rounds), more...), nots: append(clip(x.nots), after...),
					kills: inner.untils, windows: append(clip(ctx.windows), spans...), sets: append(clip(again), e.sets...),
				})
			}
		}
	}

	f := fragment{optional: r.Optional || body.optional}
	var own []greedy
	if r.Greedy && r.Min != r.Max { // {n}+ has no more to be greedy for
		until := Cond(-1)
		if n.Until >= 0 {
			until = Cond(n.Until)
		}
		own = []greedy{{cond: Cond(n.Name), until: until}}
	}
	for _, e := range body.entries {
		e.sets = append(clip(enter), e.sets...)
		f.entries = append(f.entries, e)
	}
	for _, x := range body.exits {
		if counter >= 0 && r.Min > 1 {
			x.rounds = append(clip(x.rounds), rounds{counter, int32(r.Min), -1})
		}
		x.greedy = append(clip(x.greedy), own...)
		for _, g := range x.greedy {
			if !slices.Contains(f.greedy, g) {
				f.greedy = append(f.greedy, g)
			}
		}
		f.exits = append(f.exits, x)
	}
	return f
}

// counter gives a loop that has to count a register, and what entering it and
// beginning one more round does to it.
func (c *compiler) counter(r Repeat) (register int32, enter, again []set) {
	if r.Max == 1 || (r.Min <= 1 && r.Max < 0) {
		return -1, nil, nil
	}
	register = c.register()
	return register, []set{{register, setOne}}, []set{{register, setMore}}
}

func (c *compiler) register() int32 {
	c.prog.registers++
	return int32(c.prog.registers - 1)
}

// inLaterRounds gives the negations behind an element as they are in force
// already between the rounds in it: `-> !n` always, `, !n` once it could end.
func inLaterRounds(after []not, counter int32, r Repeat) []not {
	var nots []not
	for _, n := range after {
		if n.next && counter >= 0 && r.Min > 1 {
			n.once = append(clip(n.once), rounds{counter, int32(r.Min), -1})
		}
		n.windows = nil
		nots = append(nots, n)
	}
	return nots
}

func (c *compiler) sequence(subs []*Node, ctx context) fragment {
	var f fragment
	var exits []exit
	var leftOut []greedy
	outside := true // nothing but what may be left out so far
	for i, n := range subs {
		link := c.link(n.Link)
		if n.Op == OpNot {
			nt := c.not(n, link, ctx)
			for k := range exits {
				exits[k].nots = append(clip(exits[k].nots), nt)
			}
			continue
		}
		el := ctx
		el.after = c.after(subs[i+1:], ctx)
		sub := c.element(n, el)
		for _, x := range exits {
			for _, e := range sub.entries {
				l := link
				if e.link != nil {
					l = *e.link
				}
				c.join(x, e, edge{
					kind: l.Kind, least: Time(l.Least), limit: Time(l.Limit), pos: l.Pos, close: l.End, loop: ctx.loop,
					rounds: x.rounds, nots: x.nots, kills: ctx.untils, windows: ctx.windows, sets: e.sets,
				})
			}
		}
		if outside {
			for _, e := range sub.entries {
				e.greedy = append(clip(leftOut), e.greedy...)
				if i > 0 && e.link == nil {
					e.link = &link
				}
				f.entries = append(f.entries, e)
			}
		}
		if !sub.optional {
			exits, outside = nil, false
		}
		for k := range exits {
			exits[k].greedy = append(clip(exits[k].greedy), sub.greedy...)
			exits[k].passed = exits[k].passed || len(exits[k].nots) > 0
		}
		exits = append(exits, sub.exits...)
		leftOut = append(clip(leftOut), sub.greedy...)
	}
	f.exits, f.optional = exits, outside
	return f
}

// not makes the negation that n stands for.
func (c *compiler) not(n *Node, link Link, ctx context) not {
	return not{
		cond: Cond(n.Name), next: link.Kind == Next,
		least: Time(link.Least), limit: Time(link.Limit), windows: ctx.windows, pos: n.Pos, link: link.Pos,
	}
}

// after gives the negations that stand directly before rest.
func (c *compiler) after(rest []*Node, ctx context) []not {
	var nots []not
	for _, n := range rest {
		if n.Op != OpNot {
			return nots
		}
		nots = append(nots, c.not(n, c.link(n.Link), ctx))
	}
	return append(nots, ctx.after...)
}

// join adds the edge from x to e.
func (c *compiler) join(x exit, e entry, ed edge) {
	ed.to = e.to
	ed.greedy = append(clip(x.greedy), e.greedy...)
	pl := &c.prog.places[x.from]
	pl.edges = append(pl.edges, ed)
}

// link gives a link the rule's gap where it says nothing of time, and checks its
// bounds against the window.
func (c *compiler) link(l Link) Link {
	if l.Least == 0 && l.Limit == 0 {
		l.Limit = c.gap
		return l
	}
	c.bound(l.Limit, l.Pos, l.End)
	if within := time.Duration(c.prog.within); within > 0 && l.Least >= within {
		c.fail(l.Pos, l.End, "the least time of this link is not inside `within`", "the pattern could never match: make the bound shorter or the window longer")
	}
	return l
}

func (c *compiler) bound(d time.Duration, pos, end int) {
	if within := time.Duration(c.prog.within); within > 0 && d > within {
		c.fail(pos, end, fmt.Sprintf("the bound %s is longer than the window of the rule, %s", FormatDuration(d), FormatDuration(within)), "make it shorter, or `within` longer")
	}
}

// finish numbers what the machine looks up by bit and checks that it fits.
func (c *compiler) finish() {
	p := c.prog
	p.settles = p.timeout
	whole := c.pattern.Root
	for i := range p.places {
		pl := &p.places[i]
		if len(pl.edges) > maxEdges {
			c.fail(whole.Pos, whole.End, fmt.Sprintf("more than %d elements could come next after %q", maxEdges, p.Names[pl.name].Text), "fewer elements in a row may be left out")
			return
		}
		lifts := 0
		for k := range pl.edges {
			e := &pl.edges[k]
			if len(e.rounds) == 0 {
				pl.always |= 1 << k
			}
			if e.to == end && !e.next {
				pl.closing |= 1 << k
			}
			if e.to != end && e.kind == Next {
				p.settles = true
			}
			e.greedy = clip(e.greedy)
			for g := range e.greedy {
				e.greedy[g].lift = lifts
				lifts++
			}
			p.settles = p.settles || e.asksNext()
			e.asks = e.conditions(p)
		}
		if lifts > maxEdges {
			c.fail(whole.Pos, whole.End, "too many greedy loops that may be left out", "fewer elements in a row may be left out")
			return
		}
	}
	p.findSteps()
}

func (e *edge) asksNext() bool {
	for _, n := range e.nots {
		if n.next {
			return true
		}
	}
	return false
}

// conditions lists what can change a match that waits for e and has let an event
// pass already: strict links and `, !n` are decided by then.
func (e *edge) conditions(p *Program) []Cond {
	var conds []Cond
	if e.to != end {
		conds = addCond(conds, Cond(p.places[e.to].name))
	}
	for _, n := range e.nots {
		if !n.next {
			conds = addCond(conds, n.cond)
		}
	}
	for _, g := range e.greedy {
		conds = addCond(conds, g.cond)
		if g.until >= 0 {
			conds = addCond(conds, g.until)
		}
	}
	for _, c := range e.kills {
		conds = addCond(conds, c)
	}
	return conds
}

// clip returns s such that appending to it makes a copy.
func clip[T any](s []T) []T { return append([]T(nil), s...) }
