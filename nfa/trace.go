package nfa

import (
	"math/bits"
	"slices"
)

// Note says something that an open match did at an event or a moment, and why. With
// Machine.Trace set, each open match says something at each event: for each edge that
// it waits for one note of kind Took, Passed or Closed, or one note Ended.
//
// From the notes Began and Took follow the captures of every open match, from Ended
// which of them are open, and from Out and RanOut what came out.
type Note struct {
	Kind NoteKind
	Why  Why
	Time Time // to which time has moved
	// Event is the event that is tried; 0: time moved on. What runs out at the time of
	// an event runs out before the event is tried: its notes have Event 0 too.
	Event Event

	// Node is the open match, as it is since its last capture: a number from 1 that the
	// Machine gives once. 0: a match that could have begun.
	Node int
	// From is the match as it was before the event was captured (Took, else 0).
	From int
	// By is the other match that decided: Node as it went on (WentOn), the match that
	// consumed it (Consumed), an open match that began before it (Held); else 0.
	By int

	Place int // of the last capture of Node, an index in Program.Places; -1 for Node 0
	// Edge is an index in Edges of the Place, of Took in those of the place of From, of
	// Began and Node 0 in Program.Entries; of Ended the edge whose end was that of the
	// match. -1: the note is of the match as a whole.
	Edge int
	Cond Cond // the condition that decided; -1: none did

	// Limit is when the edge runs out or ran out (Waits, Passed, Expired; Forever: never),
	// the least time that it waits for (Early), or the time of the match (Completed, Out,
	// RanOut).
	Limit Time
	Bound Bound // what runs out at Limit
	Span  Time  // length of Bound; 0: none

	Copies   int      // RanOut: how many time-outs came out; Out: 1
	Captures Captures // of Node; valid while the note is told
}

// NoteKind says what a Note is about.
type NoteKind uint8

const (
	Began     NoteKind = iota // Node began with the event
	Carried                   // Node was open when tracing began
	Took                      // From took the event by Edge and so became Node
	Waits                     // Node waits for Edge until Limit: one note for each edge, after Began, Carried or Took
	Passed                    // Node let the event pass and waits for Edge as before; of Node 0: no match began
	Closed                    // Node no longer waits for Edge
	Ended                     // Node is no longer open; once for each node
	Completed                 // Node is a match, perhaps: Out, Held or Refused follows, now or when it is released
	Refused                   // the completed Node does not come out
	Held                      // the completed Node waits until By and all others that began before it are gone
	Out                       // Node came out as a match
	RanOut                    // Node came out as a time-out
)

var noteKinds = [...]string{
	"began", "carried", "took", "waits", "passed", "closed", "ended", "completed", "refused", "held", "out", "ran_out",
}

func (k NoteKind) String() string { return noteKinds[k] }

// Why is the reason of a Note.
type Why uint8

const (
	NoReason     Why = iota // Began, Carried, Took, Waits, Completed, Held, Out, RanOut
	Unfit                   // Cond, of the name that Edge leads to, does not hold
	Early                   // Cond may hold, but the least time of the link is not over before Limit
	Stopped                 // the event fits, but Cond, an until of the loop, holds on it
	Absent                  // a closing negation: Cond does not hold
	Negated                 // Cond, a negation in force, holds
	UntilHeld               // Cond, the until of the loop that Edge stays in, holds
	Greedy                  // Cond, of a greedy loop that was left, holds: the event was the loop's
	Strict                  // the very next event was another one: Cond does not hold
	Expired                 // Bound ran out at Limit
	WentOn                  // it took the event and waits for it no longer: By
	Done                    // the closing negation has been kept
	Finished                // nothing may follow the last capture
	UnlessHeld              // Cond, the rule's unless, holds
	Consumed                // by the match By
	OpenBound               // the bound on open matches was reached
	CaptureBound            // the bound on the captures of a variable was reached
	HavingFailed            // Cond, the rule's having, does not hold
	Repeated                // the same captures came out already
)

var whys = [...]string{
	"", "unfit", "early", "stopped", "absent", "negated", "until", "greedy", "strict", "expired", "went_on", "done",
	"finished", "unless", "consumed", "open_bound", "capture_bound", "having", "repeated",
}

func (w Why) String() string { return whys[w] }

// Bound says what runs out at a Limit.
type Bound uint8

const (
	NoBound     Bound = iota
	WithinBound       // the rule's within, since the first event of the match
	LinkBound         // the bound of the link, or the rule's gap, since the capture before
	RoundBound        // the within of an element, since the first event of its round
)

var bounds = [...]string{"", "within", "link", "round"}

func (b Bound) String() string { return bounds[b] }

// traced is what tracing keeps beside the nodes of Runs.
type traced struct{ nodes []tracedNode }

type tracedNode struct {
	number int
	lapsed uint64 // edges that have been told to have run out and are not removed yet
	over   bool   // it has been told to have ended
}

// compact follows Runs.compact: move is the new number of each node, 0 if it goes.
func (t *traced) compact(move []int32) {
	kept := t.nodes[:0]
	for i := range t.nodes {
		if move[i+1] != 0 {
			kept = append(kept, t.nodes[i])
		}
	}
	t.nodes = kept
}

// Traced is the number by which notes call the match that has captured c; 0 if there
// is none.
func (c Captures) Traced() int {
	if c.node == 0 || c.runs.traced == nil || int(c.node) > len(c.runs.traced.nodes) {
		return 0
	}
	return c.runs.traced.nodes[c.node-1].number
}

// telling is what a Machine knows for its notes.
type telling struct {
	numbered int     // nodes that have a number
	trying   Event   // the event that is tried; 0: none yet
	why      Why     // what forbade the edge that is tried; NoReason: nothing did
	blame    Cond    // the condition that forbade an edge last
	lack     Why     // why the node that was made last waits for nothing
	latest   int32   // the node that was made last
	cause    Note    // of the edges that closed at this event, what says most of the end of the match
	eaters   []eater // what came out at this moment
}

// number numbers the nodes that have no number yet.
func (m *Machine) number() {
	t := m.runs.traced
	for len(t.nodes) < len(m.runs.nodes) {
		m.told.numbered++
		t.nodes = append(t.nodes, tracedNode{number: m.told.numbered})
	}
}

// follow begins to trace the runs, if they are not traced yet.
func (m *Machine) follow() {
	r := m.runs
	m.told.trying, m.told.why, m.told.eaters = 0, NoReason, m.told.eaters[:0]
	if r.traced == nil {
		r.traced = &traced{}
	}
	known := len(r.traced.nodes)
	m.number()
	if known == len(r.nodes) {
		return
	}
	for i := range r.groups {
		for _, at := range r.groups[i].runs {
			if int(at) > known {
				m.tell(at, -1, Note{Kind: Carried})
				m.tellWaits(at, r.groups[i].live)
			}
		}
	}
	for _, h := range r.held {
		if int(h.node) > known {
			m.tell(h.node, -1, Note{Kind: Carried})
			m.tell(h.node, -1, Note{Kind: Ended, Why: Finished})
		}
	}
}

// tell tells a note of the match that ends with a node.
func (m *Machine) tell(at int32, edge int, n Note) {
	n.Time, n.Event, n.Edge = m.now, m.told.trying, edge
	n.Place = -1
	if at != 0 {
		n.Node, n.Place = m.runs.traced.nodes[at-1].number, int(m.runs.nodes[at-1].place)
	}
	if !n.decided() {
		n.Cond = -1
	}
	n.Captures = Captures{m.runs, m.prog, at}
	m.Trace(n)
}

// decided reports whether a condition was the reason.
func (n *Note) decided() bool {
	switch n.Why {
	case Unfit, Early, Stopped, Absent, Negated, UntilHeld, Greedy, Strict, UnlessHeld, HavingFailed:
		return true
	}
	return false
}

// bounded sets what the match at a node waits for an edge until.
func (m *Machine) bounded(at int32, e *edge, n Note) Note {
	n.Limit = m.limit(at, e)
	if n.Limit == Forever {
		return n
	}
	nd := &m.runs.nodes[at-1]
	n.Bound, n.Span = LinkBound, n.Limit-nd.at
	if within := m.prog.within; within > 0 && addTime(nd.start, within) == n.Limit {
		n.Bound, n.Span = WithinBound, within
		return n
	}
	windows := e.windows
	for i := range e.nots {
		if e.to == end {
			windows = append(slices.Clip(windows), e.nots[i].windows...)
		}
	}
	for _, w := range windows {
		if addTime(m.register(at, w.register), w.span) == n.Limit {
			n.Bound, n.Span = RoundBound, w.span
			return n
		}
	}
	return n
}

// tellWaits tells what a match waits for.
func (m *Machine) tellWaits(at int32, live uint64) {
	edges := m.prog.places[m.runs.nodes[at-1].place].edges
	for ; live != 0; live &= live - 1 {
		k := bits.TrailingZeros64(live)
		m.tell(at, k, m.bounded(at, &edges[k], Note{Kind: Waits}))
	}
}

// tellTaken tells that a match took the event by edge e and ends with the node id
// now.
func (m *Machine) tellTaken(e *edge, at, id int32) {
	m.number()
	m.told.lack = Finished
	n, edges := Note{Kind: Began}, m.prog.starts
	if at != 0 {
		n = Note{Kind: Took, From: m.runs.traced.nodes[at-1].number}
		edges = m.prog.places[m.runs.nodes[at-1].place].edges
	}
	for k := range edges {
		if &edges[k] == e {
			m.told.latest = id
			m.tell(id, k, n)
			return
		}
	}
}

// tellBorn tells what a match waits for that ends with a new node.
func (m *Machine) tellBorn(id int32, live uint64) {
	if live == 0 {
		m.tellEnd(id, -1, Note{Why: m.told.lack})
		return
	}
	m.tellWaits(id, live)
}

// tellStart tells why no match begins with the event by the entry k.
func (m *Machine) tellStart(k int) {
	n := Note{Kind: Passed, Why: m.told.why, Cond: m.told.blame}
	if n.Why == NoReason {
		n.Why, n.Cond = Unfit, Cond(m.prog.places[m.prog.starts[k].to].name)
	}
	m.told.why = NoReason
	m.tell(0, k, n)
}

// tellEdge tells what an open match did with the event by edge k: fits says that the
// match took it, stays that the edge is still waited for.
func (m *Machine) tellEdge(at int32, k int, fits, stays bool) {
	e := &m.prog.places[m.runs.nodes[at-1].place].edges[k]
	why := m.told.why
	m.told.why = NoReason
	n := Note{Kind: Closed, Why: why, Cond: m.told.blame}
	switch {
	case m.runs.traced.nodes[at-1].lapsed&(1<<k) != 0:
		return // it has been told
	case why == Stopped && stays:
		n = m.bounded(at, e, Note{Kind: Passed, Why: Stopped, Cond: m.told.blame})
	case why != NoReason:
	case e.to == end && stays:
		n = m.bounded(at, e, Note{Kind: Passed, Why: Absent, Cond: e.nots[0].cond})
	case e.to == end:
		n.Why = Done
	case fits && stays:
		return // Took says it, and it waits on
	case fits:
		n.Why, n.By = WentOn, m.runs.traced.nodes[m.told.latest-1].number
	default:
		n = m.missed(at, e, stays)
	}
	if n.Kind == Closed {
		m.closed(k, n)
	}
	m.tell(at, k, n)
}

// missed says why the event was not what an edge waits for.
func (m *Machine) missed(at int32, e *edge, stays bool) Note {
	n := Note{Kind: Passed, Why: Unfit, Cond: Cond(m.prog.places[e.to].name)}
	least := addTime(m.runs.nodes[at-1].at, e.least)
	early := m.now < least && m.holds(n.Cond, at)
	if stays {
		n = m.bounded(at, e, n)
	} else {
		n.Kind, n.Why = Closed, Strict
	}
	if early {
		n.Why, n.Limit, n.Bound, n.Span = Early, least, LinkBound, e.least
	}
	return n
}

// closed remembers why an edge closed: the first reason that says most becomes that of
// the end of the match.
func (m *Machine) closed(k int, n Note) {
	n.Edge = k
	if m.told.cause.Why == NoReason || m.told.cause.Why != WentOn && (n.Why == WentOn || n.Why == Done && m.told.cause.Why != Done) {
		m.told.cause = n
	}
}

// tellEnd tells that an open match has ended, once.
func (m *Machine) tellEnd(at int32, edge int, n Note) {
	t := &m.runs.traced.nodes[at-1]
	if t.over {
		return
	}
	t.over = true
	n.Kind = Ended
	m.tell(at, edge, n)
}

// tellGone wraps what drop removes.
func (m *Machine) tellGone(gone func(int32) bool, why Why) func(int32) bool {
	return func(at int32) bool {
		if !gone(at) {
			return false
		}
		n := Note{Why: why, Cond: m.prog.Unless}
		if why == Consumed {
			n.By = m.consumer(at)
		}
		m.tellEnd(at, -1, n)
		return true
	}
}

// tellRefused tells that completed matches do not come out.
func (m *Machine) tellRefused(same []held, why Why) {
	for _, h := range same {
		n := Note{Kind: Refused, Why: why, Cond: m.prog.Having}
		if why == Consumed {
			n.By = m.consumer(h.node)
		}
		m.tell(h.node, -1, n)
	}
}

// consumer gives the number of the match that consumed one that ends with a node: of
// those that came out at this moment the first.
func (m *Machine) consumer(at int32) int {
	first := m.runs.nodes[at-1].first
	for _, c := range m.told.eaters {
		if c.low <= first && first <= c.high {
			return c.number
		}
	}
	return 0
}

// eater is a match that came out, with the first events of those that it consumed.
type eater struct {
	cut
	number int
}

// eats remembers what a match that came out consumes.
func (m *Machine) eats(h held, c cut) {
	m.told.eaters = append(m.told.eaters, eater{c, m.runs.traced.nodes[h.node-1].number})
}

// tellHeld tells that a completed match waits for an older open match, if it does.
func (m *Machine) tellHeld(h held) {
	r := m.runs
	oldest := h.node
	for i := range r.groups {
		for _, at := range r.groups[i].runs {
			if r.nodes[at-1].first < r.nodes[oldest-1].first {
				oldest = at
			}
		}
	}
	if oldest != h.node && r.nodes[oldest-1].first < r.nodes[h.node-1].first {
		m.tell(h.node, -1, Note{Kind: Held, By: r.traced.nodes[oldest-1].number})
	}
}

// tellLapsed tells what has run out and stays until the group is looked through: see
// group.
func (m *Machine) tellLapsed() {
	for i := range m.runs.groups {
		g := &m.runs.groups[i]
		if g.soonest > m.now {
			continue
		}
		for _, at := range g.runs {
			m.tellExpired(g, at)
		}
	}
}

// tellPassed tells what the open matches do that the event cannot change.
func (m *Machine) tellPassed() {
	for i := range m.runs.groups {
		g := &m.runs.groups[i]
		if g.touched {
			continue
		}
		for _, at := range g.runs {
			m.try(g, at)
		}
	}
}

// tellExpired tells the edges of a match that have run out, and its end with the last.
// The closing negations among them have completed it.
func (m *Machine) tellExpired(g *group, at int32) {
	pl, t := &m.prog.places[g.place], &m.runs.traced.nodes[at-1]
	if t.over {
		return
	}
	m.told.cause = Note{}
	for rest := g.live &^ t.lapsed; rest != 0; rest &= rest - 1 {
		k := bits.TrailingZeros64(rest)
		n := m.bounded(at, &pl.edges[k], Note{Kind: Closed, Why: Expired})
		if n.Limit > m.now || n.Limit == Forever {
			continue
		}
		t.lapsed |= 1 << k
		if pl.closing&(1<<k) != 0 {
			n.Why = Done
		}
		m.closed(k, n)
		m.tell(at, k, n)
	}
	if g.live&^t.lapsed == 0 {
		m.tellEnd(at, m.told.cause.Edge, m.told.cause)
	}
}
