package nfa

import (
	"math/bits"
	"slices"
)

// Note says something that an open match did at an event or a moment, and why. With
// Machine.Trace set, each open match says something at each event: for each edge that
// it waits for one note of kind Took, Passed or Closed, or one note Ended. What is told of
// a match as it was comes before what is told of it as it went on.
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
	// By is the other match that decided: the match that consumed it (Consumed), an open
	// match that began before it (Held); else 0.
	By int

	Place int // of the last capture of Node, an index in Program.Places; -1 for Node 0
	// Edge is an index in Edges of the Place, of Took in those of the place of From, of
	// Began and Node 0 in Program.Entries; of Ended the edge whose end was that of the
	// match. -1: the note is of the match as a whole.
	Edge int
	Cond Cond // the condition that decided; -1: none did

	// Limit is when the edge runs out or ran out (Waits, Expired; Forever: never), the
	// least time that it waits for (Early), or the time of the match (Completed, Out,
	// RanOut).
	Limit Time
	Bound Bound // what runs out at Limit
	Span  Time  // length of Bound; 0: none

	Copies   int      // RanOut: how many time-outs came out; Out: 1
	Captures Captures // of Node; valid while the note is told

	// Others are further matches of which the same is told, with the same Edge, Why and
	// Cond: those that did all the same with the event as Node. Of Took, Origins are those
	// that they were before. Valid while the note is told.
	Others, Origins Matches
}

// Matches are some matches of the same place.
type Matches struct {
	m     *Machine
	nodes []int32
}

// Len is how many they are.
func (o Matches) Len() int { return len(o.nodes) }

// Node gives one of them as notes call it.
func (o Matches) Node(i int) int { return o.m.runs.traced.nodes[o.nodes[i]-1].number }

// Captures gives what one of them has captured.
func (o Matches) Captures(i int) Captures { return Captures{o.m.runs, o.m.prog, o.nodes[i]} }

// Limit gives until when one of them waits for an edge, as Note says it.
func (o Matches) Limit(i, edge int) (limit Time, b Bound, span Time) {
	at := o.nodes[i]
	n := o.m.bounded(at, &o.m.prog.places[o.m.runs.nodes[at-1].place].edges[edge], Note{})
	return n.Limit, n.Bound, n.Span
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
	Idle                    // a closing negation: Cond holds, but it is not in force now
	Negated                 // Cond, a negation in force, holds
	UntilHeld               // Cond, the until of the loop that Edge stays in, holds
	Greedy                  // Cond, of a greedy loop that was left, holds: the event was the loop's
	Strict                  // the very next event was another one: Cond does not hold
	Expired                 // Bound ran out at Limit
	WentOn                  // it took the event and waits for it no longer
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
	"", "unfit", "early", "stopped", "absent", "idle", "negated", "until", "greedy", "strict", "expired", "went_on", "done",
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
type traced struct {
	nodes   []tracedNode
	lacking *lacking
}

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

// Missing gives the names of the fewest events that a match which is traced has to
// capture before it can be complete, in order; false: they were not found, as there are
// too many ways. They must not be changed.
func (c Captures) Missing() (names []int, ok bool) { return c.runs.traced.lacking.of(c.runs, c.node) }

// telling is what a Machine knows for its notes.
type telling struct {
	numbered int      // nodes that have a number
	lacking  *lacking // nil: nothing has been traced yet
	trying   Event    // the event that is tried; 0: none yet
	eaters   []eater  // what came out at this moment
	cause    Note     // of the edges that ran out, what says most of the end of the match

	why   Why     // what forbade the edge that is tried; NoReason: nothing did
	blame Cond    // the condition that forbade an edge last
	full  uint64  // edges of the node that is made that the bound on captures closes
	said  []word  // what the match that is tried says of its edges
	grown []grown // the matches that go on from it
	alike []alike // the matches of the group that have been tried, until they are told of
}

// word is what a match says of one of its edges at an event.
type word struct {
	edge   int
	closed bool // it no longer waits for it
	why    Why
	cond   Cond
}

// grown is a match that goes on from another, or begins.
type grown struct {
	edge     int
	place    int32
	complete bool
	full     uint64 // edges that the bound on captures closes
	live     uint64
}

// alike are matches of one group that did the same with the event.
type alike struct {
	words []word
	stays bool
	grown []grown
	nodes []int32
	news  []int32 // of each node those that went on from it, as many as grown
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
	m.told.trying, m.told.why, m.told.full, m.told.eaters = 0, NoReason, 0, m.told.eaters[:0]
	if m.told.lacking == nil {
		m.told.lacking = newLacking(m.prog)
	}
	if r.traced == nil {
		r.traced = &traced{lacking: m.told.lacking}
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

// tellAll tells a note of several matches.
func (m *Machine) tellAll(nodes []int32, edge int, n Note) {
	n.Others = Matches{m, nodes[1:]}
	m.tell(nodes[0], edge, n)
}

// decided reports whether a condition was the reason.
func (n *Note) decided() bool {
	switch n.Why {
	case Unfit, Early, Stopped, Absent, Idle, Negated, UntilHeld, Greedy, Strict, UnlessHeld, HavingFailed:
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

// tellTaken notes that a match goes on by edge e, or begins, as the node that was made
// last.
func (m *Machine) tellTaken(e *edge, at int32, complete bool, live uint64) {
	m.number()
	edges := m.prog.starts
	if at != 0 {
		edges = m.prog.places[m.runs.nodes[at-1].place].edges
	}
	k := 0
	for &edges[k] != e {
		k++
	}
	g := grown{edge: k, place: e.to, complete: complete, full: m.told.full, live: live}
	if m.told.full = 0; at != 0 {
		m.told.grown = append(m.told.grown, g)
	} else {
		m.tellGrown(&g, nil, []int32{int32(len(m.runs.nodes))})
	}
}

// tellGrown tells of the matches that went on from others, or of one that began: they
// wait for live edges.
func (m *Machine) tellGrown(g *grown, from, nodes []int32) {
	n := Note{Kind: Began}
	if from != nil {
		n = Note{Kind: Took, From: m.runs.traced.nodes[from[0]-1].number, Origins: Matches{m, from[1:]}}
	}
	m.tellAll(nodes, g.edge, n)
	if g.complete {
		m.tellAll(nodes, -1, Note{Kind: Completed, Limit: m.now})
	}
	for full := g.full; full != 0; full &= full - 1 {
		m.tellAll(nodes, bits.TrailingZeros64(full), Note{Kind: Closed, Why: CaptureBound})
	}
	edges := m.prog.places[g.place].edges
	for live := g.live; live != 0; live &= live - 1 {
		k := bits.TrailingZeros64(live)
		m.tellAll(nodes, k, m.bounded(nodes[0], &edges[k], Note{Kind: Waits}))
	}
	if g.live == 0 {
		n := Note{Kind: Ended, Why: Finished}
		if g.full != 0 {
			n.Why = CaptureBound
		}
		m.over(nodes)
		m.tellAll(nodes, -1, n)
	}
}

// over marks matches as ended.
func (m *Machine) over(nodes []int32) {
	for _, at := range nodes {
		m.runs.traced.nodes[at-1].over = true
	}
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

// tellEdge notes what the match that is tried did with the event by edge k: fits says
// that it took the event, stays that the edge is still waited for.
func (m *Machine) tellEdge(at int32, k int, fits, stays bool) {
	if m.runs.traced.nodes[at-1].lapsed&(1<<k) != 0 {
		return // it has been told
	}
	e := &m.prog.places[m.runs.nodes[at-1].place].edges[k]
	w := word{edge: k, closed: !stays, why: m.told.why, cond: -1}
	m.told.why = NoReason
	switch {
	case w.why != NoReason:
		w.cond = m.told.blame
	case e.to == end && stays:
		w.why, w.cond = Absent, e.nots[0].cond
		for i := range e.nots {
			if m.holds(e.nots[i].cond, at) {
				w.why, w.cond = Idle, e.nots[i].cond
				break
			}
		}
	case e.to == end:
		w.why = Done
	case fits && stays:
		return // Took says it, and it waits on
	case fits:
		w.why = WentOn
	default:
		w.why, w.cond = Unfit, Cond(m.prog.places[e.to].name)
		if !stays {
			w.why = Strict
		}
		if elapsed(m.runs.nodes[at-1].at, m.now) < e.least && m.holds(w.cond, at) {
			w.why = Early
		}
	}
	m.told.said = append(m.told.said, w)
}

// spelled makes a note of a word.
func (m *Machine) spelled(at int32, w word) Note {
	n := Note{Kind: Passed, Why: w.why, Cond: w.cond, Edge: w.edge}
	if w.closed {
		n.Kind = Closed
	}
	if w.why == Early {
		nd := &m.runs.nodes[at-1]
		least := m.prog.places[nd.place].edges[w.edge].least
		n.Limit, n.Bound, n.Span = addTime(nd.at, least), LinkBound, least
	}
	return n
}

// tellTried notes what a match did with the event, to be told with the others of its
// group that did the same. stays says that it is open as it was.
func (m *Machine) tellTried(at int32, stays bool) {
	t := &m.told
	defer func() { t.said, t.grown = t.said[:0], t.grown[:0] }()
	if len(t.said)+len(t.grown) == 0 {
		return // all that it waited for has run out, which has been told
	}
	a := m.like(stays)
	a.nodes = append(a.nodes, at)
	for i := range t.grown {
		a.news = append(a.news, int32(len(m.runs.nodes)-len(t.grown)+1+i))
	}
}

// like gives those that did what the match did that is tried.
func (m *Machine) like(stays bool) *alike {
	t := &m.told
	for i := range t.alike {
		if a := &t.alike[i]; a.stays == stays && slices.Equal(a.words, t.said) && slices.Equal(a.grown, t.grown) {
			return a
		}
	}
	if len(t.alike) < cap(t.alike) {
		t.alike = t.alike[:len(t.alike)+1] // with the memory of what was told
	} else {
		t.alike = append(t.alike, alike{})
	}
	a := &t.alike[len(t.alike)-1]
	a.words, a.grown, a.stays = append(a.words[:0], t.said...), append(a.grown[:0], t.grown...), stays
	a.nodes, a.news = a.nodes[:0], a.news[:0]
	return a
}

// tellAlike tells what the matches of a group did that have been tried.
func (m *Machine) tellAlike() {
	t := &m.told
	for i := range t.alike {
		a := &t.alike[i]
		m.tellWords(a.words, a.nodes, a.stays)
		var news []int32
		for k := range a.grown {
			news = news[:0]
			for at := k; at < len(a.news); at += len(a.grown) {
				news = append(news, a.news[at])
			}
			m.tellGrown(&a.grown[k], a.nodes, news)
		}
	}
	t.alike = t.alike[:0]
}

// tellWords tells what matches say of their edges, and of their end if they do not stay.
func (m *Machine) tellWords(words []word, nodes []int32, stays bool) {
	m.told.cause = Note{}
	for _, w := range words {
		n := m.spelled(nodes[0], w)
		if w.closed {
			m.closed(n)
		}
		if stays || w.why != WentOn {
			m.tellAll(nodes, w.edge, n)
		}
	}
	if !stays {
		m.over(nodes)
		m.told.cause.Kind = Ended
		m.tellAll(nodes, m.told.cause.Edge, m.told.cause)
	}
}

// closed remembers why an edge closed: the first reason that says most becomes that of
// the end of the match.
func (m *Machine) closed(n Note) {
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
			if m.runs.traced.nodes[at-1].over {
				continue
			}
			if g.queued && m.limitOf(at, g.live).soonest > m.now {
				break
			}
			m.tellExpired(g, at)
		}
	}
}

// tellPassed tells what the open matches do that the event cannot change.
func (m *Machine) tellPassed() {
	for i := range m.runs.groups {
		g := &m.runs.groups[i]
		if g.touched || len(g.runs) == 0 {
			continue
		}
		if g.soonest > m.now {
			m.lets(g, g.live)
			m.tellWords(m.told.said, g.runs, true)
			m.told.said = m.told.said[:0]
			continue
		}
		for _, at := range g.runs {
			if t := &m.runs.traced.nodes[at-1]; !t.over {
				m.lets(g, g.live&^t.lapsed)
				m.tellTried(at, true)
			}
		}
		m.tellAlike()
	}
}

// lets makes the words of a match that waits for live edges and lets an event pass that
// cannot change it.
func (m *Machine) lets(g *group, live uint64) {
	m.told.said = m.told.said[:0]
	edges := m.prog.places[g.place].edges
	for ; live != 0; live &= live - 1 {
		k := bits.TrailingZeros64(live)
		w := word{edge: k, why: Absent}
		if e := &edges[k]; e.to == end {
			w.cond = e.nots[0].cond
		} else {
			w.why, w.cond = Unfit, Cond(m.prog.places[e.to].name)
		}
		m.told.said = append(m.told.said, w)
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
		n.Edge = k
		m.closed(n)
		m.tell(at, k, n)
	}
	if g.live&^t.lapsed == 0 {
		m.tellEnd(at, m.told.cause.Edge, m.told.cause)
	}
}
