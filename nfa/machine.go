package nfa

import (
	"math"
	"math/bits"
	"slices"
)

// Judge answers for conditions on the current event.
type Judge interface {
	// May says whether c could hold on the current event for some captures:
	// false means that Holds is false whatever was captured.
	May(c Cond) bool
	// Holds says whether c holds on the current event for an open match that
	// has captured caps so far (for Program.Having: for a completed match, and
	// there need not be a current event). It is asked only where May holds.
	Holds(c Cond, caps Captures) bool
}

// MatchKind says what a Match is.
type MatchKind uint8

const (
	Complete MatchKind = iota // a match
	TimedOut                  // an open match that ran out
)

// Match is a completed match, or an open one that ran out.
type Match struct {
	Kind      MatchKind
	Time      Time       // of the event that completed it, or when the window or bound ran out
	Last      Event      // that completed it; 0: time did
	Events    []Captured // in order of capture
	Captures  Captures   // the same as a view
	Truncated bool       // a bound was reached: it may be less than there was
}

// Captured is an event of a Match.
type Captured struct {
	Var   int32 // index in Program.Names
	Event Event
}

// Counts says how often a Machine has met a bound.
type Counts struct {
	Open       int // events at which a match did not start or split
	Captures   int // captures that went without a further round
	SkipMisses int // matches whose skip variable captured nothing
}

// Machine steps Runs of one Program. It holds memory for one step and nothing
// that outlasts it but Counts; one goroutine may use it at a time.
type Machine struct {
	Counts Counts

	// Trace is told what every open match does and why; nil: nobody is told. It is set
	// before the first step of the Runs that it is to follow, and called while they are
	// stepped.
	Trace func(Note)

	// Collect makes the Machine put into Fates what became of open matches, and look for
	// those that have run out at every step and Advance. It is set before the first step
	// of the Runs that it is to count. Fates are those of the last step, valid until the
	// next.
	Collect bool
	Fates   []Fate

	// Shut says that no match begins: the event of the next step is for those that are open.
	Shut bool

	prog *Program
	runs *Runs
	now  Time
	ev   Event
	j    Judge

	moment Time // of the match that `having` is asked of

	may    []answer // by Cond, for the current event
	born   []birth
	moves  []move
	done   []held
	outed  []outing
	chains []Captured
	cuts   []cut   // by low; a high is at least that of the cut before
	came   []int32 // with several patterns, the matches that came out at this moment, by compare
	told   telling
	ending Why // why the open match that is tried no longer waits for an edge: the first reason
}

type answer uint8

const (
	unasked answer = iota
	yes
	no
)

// birth is an open match that began or went on at this event.
type birth struct {
	key   groupKey
	node  int32
	limit span
	loop  bool // it stays in a loop
}

// move is an open match that goes to another group.
type move struct {
	key   groupKey
	node  int32
	limit span
}

// span is when the first and the last of what a match waits for runs out.
type span struct{ soonest, latest Time }

// outing is an open match, or one of its edges, that ran out.
type outing struct {
	node   int32
	at     Time
	copies int
}

// cut is a range of first events whose matches a match consumed.
type cut struct{ low, high Event }

// cacheLines keeps what is written at every event away from what another
// goroutine's Machine writes: with two shards side by side in one cache line, a
// step cost twice as much.
const cacheLines = 128

// NewMachine makes a machine for p.
func (p *Program) NewMachine() *Machine {
	n := len(p.Names) + 2
	return &Machine{prog: p, may: make([]answer, n, n+cacheLines)}
}

// Step gives event e of time t to the open matches and lets one begin with it.
// It first advances time to t. What came out is appended to out; its memory is
// valid until the next call. Events come in processing order: numbers rise, times
// do not fall.
func (m *Machine) Step(r *Runs, t Time, e Event, j Judge, out []Match) []Match {
	m.begin(r, t, e, j)
	out = m.advance(out)
	if m.Trace != nil {
		m.tellLapsed()
		m.told.trying = e
	}
	clear(m.may)
	if r.open > 0 {
		m.unless()
		m.offer()
	}
	m.startAll()
	m.settle()
	out = m.emit(out)
	r.tidy()
	return out
}

// Moment is the time of the completed match of which Judge.Holds is asked for
// Program.Having: of the event that completed it, or when the window or bound ran
// out. It is valid during that call.
func (m *Machine) Moment() Time { return m.moment }

// Changes reports whether Step would do anything to r, which is not empty, at time
// t with the event that j judges. If not, no open match waits for the event, none
// can begin with it and nothing has run out: Step can be left out.
func (m *Machine) Changes(r *Runs, t Time, j Judge) bool {
	m.runs, m.now, m.j = r, t, j
	clear(m.may)
	p := m.prog
	if p.Unless >= 0 && m.asks(p.Unless) {
		return true
	}
	for i := range r.groups {
		g := &r.groups[i]
		if g.fresh || m.ripe(g) || m.touches(g) {
			return true
		}
	}
	return m.begins()
}

// begins reports whether a match could begin with the event.
func (m *Machine) begins() bool {
	if m.Shut {
		return false
	}
	for i := range m.prog.starts {
		if m.asks(Cond(m.prog.places[m.prog.starts[i].to].name)) {
			return true
		}
	}
	return false
}

// Advance moves time on to t without an event: everything whose limit is at or
// before t runs out, together: a match that this completes consumes none of the
// time-outs. Who wants to see each limit by itself advances to each Deadline.
// Advance to Forever closes every window.
func (m *Machine) Advance(r *Runs, t Time, j Judge, out []Match) []Match {
	m.begin(r, t, 0, j)
	out = m.advance(out)
	if m.Trace != nil {
		m.tellLapsed()
	}
	r.tidy()
	return out
}

// Deadline returns when time alone changes r next, and whether it ever does. Where
// running out shows (as a match, a time-out, or the release of a held match) that
// is the time of the first to do so; else it is the time at which the last open
// match has run out, for nothing but to free its memory.
func (p *Program) Deadline(r *Runs) (Time, bool) {
	shows, frees := Forever, Time(math.MinInt64)
	for i := range r.groups {
		g := &r.groups[i]
		if p.seen(g) {
			shows = min(shows, g.soonest)
		} else {
			frees = max(frees, g.latest)
		}
	}
	if shows == Forever && frees > math.MinInt64 {
		shows = frees
	}
	return shows, shows != Forever
}

// seen reports whether it shows when a match of the group runs out.
func (p *Program) seen(g *group) bool {
	return p.timeout || p.inOrder || g.live&p.places[g.place].closing != 0
}

func (m *Machine) begin(r *Runs, t Time, e Event, j Judge) {
	m.runs, m.now, m.ev, m.j = r, t, e, j
	m.chains, m.Fates = m.chains[:0], m.Fates[:0]
	r.forget(m.prog)
	if m.Trace != nil {
		m.follow()
	}
}

// asks reports whether c could hold on the current event.
func (m *Machine) asks(c Cond) bool {
	if m.may[c] == unasked {
		m.may[c] = no
		if m.j.May(c) {
			m.may[c] = yes
		}
	}
	return m.may[c] == yes
}

func (m *Machine) holds(c Cond, n int32) bool {
	return m.asks(c) && m.j.Holds(c, Captures{m.runs, m.prog, n})
}

// unless ends the open matches on which the rule's unless holds.
func (m *Machine) unless() {
	c := m.prog.Unless
	if c < 0 || !m.asks(c) {
		return
	}
	m.drop(func(n int32) bool { return m.j.Holds(c, Captures{m.runs, m.prog, n}) }, UnlessHeld)
}

// drop removes the open matches for which gone holds.
func (m *Machine) drop(gone func(n int32) bool, why Why) {
	r := m.runs
	if m.Trace != nil {
		gone = m.tellGone(gone, why)
	}
	if m.Collect {
		gone = m.lost(gone, why)
	}
	for i := range r.groups {
		g := &r.groups[i]
		before := len(g.runs)
		g.runs = slices.DeleteFunc(g.runs, gone)
		r.open -= before - len(g.runs)
	}
}

// offer gives the event to all open matches that it can change.
func (m *Machine) offer() {
	most, some := m.touch()
	if !some && !m.begins() {
		if m.Trace != nil {
			m.tellPassed()
		}
		return // without looking for what has run out: Changes depends on it
	}
	if most > m.prog.maxOpen {
		m.sweep()
		m.touch()
	}
	if m.Trace != nil {
		m.tellPassed()
	}
	for i := range m.runs.groups {
		if g := &m.runs.groups[i]; g.touched {
			m.offerGroup(g)
		}
	}
}

// touch marks the groups that the event may change. It returns how many matches
// could be open after it, and whether there is such a group.
func (m *Machine) touch() (most int, some bool) {
	most = m.runs.open + len(m.prog.starts)
	for i := range m.runs.groups {
		g := &m.runs.groups[i]
		g.touched = g.fresh || m.touches(g)
		if g.touched {
			most += len(g.runs) * bits.OnesCount64(g.live)
			some = true
		}
	}
	return most, some
}

func (m *Machine) offerGroup(g *group) {
	r := m.runs
	kept := g.runs[:0]
	for _, n := range g.runs {
		births := len(m.born)
		live, lifted := m.try(g, n)
		stays := live != 0
		if m.Trace != nil {
			m.tellTried(n, stays)
		}
		if len(m.born)-births+b2i(stays) > 1 {
			if stays = m.crowd(births, stays); m.Trace != nil && !stays && live != 0 {
				m.tellEnd(n, -1, Note{Why: OpenBound})
			}
		}
		if stays && live == g.live && lifted == g.lifted && !g.fresh {
			kept = append(kept, n)
			continue
		}
		if stays {
			key := groupKey{place: g.place, live: live, lifted: lifted}
			m.moves = append(m.moves, move{key, n, m.limitOf(n, live)})
		} else if m.Collect {
			m.lose(n, m.ending)
		}
		r.open--
	}
	g.runs = kept
	if m.Trace != nil {
		m.tellAlike()
	}
}

// sweep removes what has run out from all groups, so that the bound on open
// matches counts only those that are open.
func (m *Machine) sweep() {
	for i := range m.runs.groups {
		if g := &m.runs.groups[i]; g.soonest <= m.now {
			m.expireGroup(g)
		}
	}
	m.settle()
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// crowd holds an open match that splits to the bound on open matches: the
// branch that stays in its loop goes on first, then the one that waits, then the
// others. It reports whether the one that waits stays.
func (m *Machine) crowd(births int, stays bool) bool {
	room := m.prog.maxOpen - (m.runs.open - 1 + len(m.moves) + births)
	want := len(m.born) - births + b2i(stays)
	if want <= max(room, 1) {
		return stays
	}
	m.Counts.Open++
	m.runs.atBound = true
	if m.Trace != nil {
		m.tellAlike() // before what ends of it
	}
	room = max(room, 1)
	slices.SortStableFunc(m.born[births:], func(a, b birth) int { return b2i(b.loop) - b2i(a.loop) })
	loops := 0
	for _, b := range m.born[births:] {
		loops += b2i(b.loop)
	}
	loops = min(loops, room)
	if stays = stays && room > loops; stays {
		room--
	}
	m.keepBorn(min(births+room, len(m.born)))
	return stays
}

// keepBorn keeps the first n of the matches that began or went on.
func (m *Machine) keepBorn(n int) {
	if m.Trace != nil {
		for _, b := range m.born[n:] {
			m.tellEnd(b.node, -1, Note{Why: OpenBound})
		}
	}
	if m.Collect {
		for _, b := range m.born[n:] {
			m.lose(b.node, OpenBound)
		}
	}
	m.born = m.born[:n]
}

// touches reports whether the event can change a match of the group, which has
// let an event pass before.
func (m *Machine) touches(g *group) bool {
	edges := m.prog.places[g.place].edges
	for live := g.live; live != 0; live &= live - 1 {
		for _, c := range edges[bits.TrailingZeros64(live)].asks {
			if m.asks(c) {
				return true
			}
		}
	}
	return false
}

// try gives the event to the open match that ended with node at, adds what
// comes of it to born and done, and returns what it still waits for.
func (m *Machine) try(g *group, at int32) (live, lifted uint64) {
	live, lifted = g.live, g.lifted
	pl := &m.prog.places[g.place]
	stale := g.soonest <= m.now
	since := elapsed(m.runs.nodes[at-1].at, m.now)
	tracing := m.Trace != nil
	m.ending = NoReason
	for rest := g.live; rest != 0; rest &= rest - 1 {
		k := bits.TrailingZeros64(rest)
		e := &pl.edges[k]
		bit := uint64(1) << k
		fits := false
		if m.Collect {
			m.told.why = NoReason
		}
		switch {
		case stale && m.limit(at, e) <= m.now:
			live &^= bit
			continue
		case m.forbidden(e, at, since, g.fresh, &lifted):
			live &^= bit
		case e.to == end:
			if e.next {
				live &^= bit
				m.complete(held{at, m.ev, m.now})
			}
		case since >= e.least && m.holds(Cond(m.prog.places[e.to].name), at):
			if fits = !m.ended(e, at); fits {
				m.take(e, at)
			}
			if e.kind != Any {
				live &^= bit
			}
		case e.kind == Next:
			live &^= bit
		}
		if m.Collect && live&bit == 0 {
			m.closes(fits)
		}
		if tracing {
			m.tellEdge(at, k, fits, live&bit != 0)
		}
	}
	return live, lifted
}

// ended reports whether an until forbids the place that e leads to to take the
// event.
func (m *Machine) ended(e *edge, at int32) bool {
	for _, c := range m.prog.places[e.to].untils {
		if m.holds(c, at) {
			m.told.why, m.told.blame = Stopped, c
			return true
		}
	}
	return false
}

// forbidden reports whether the event ends the wait for e.
func (m *Machine) forbidden(e *edge, at int32, since Time, fresh bool, lifted *uint64) bool {
	for i := range e.nots {
		if m.inForce(&e.nots[i], e, at, since, fresh) && m.holds(e.nots[i].cond, at) {
			m.told.why, m.told.blame = Negated, e.nots[i].cond
			return true
		}
	}
	for _, c := range e.kills {
		if m.holds(c, at) {
			m.told.why, m.told.blame = UntilHeld, c
			return true
		}
	}
	for _, g := range e.greedy {
		bit := uint64(1) << g.lift
		if *lifted&bit != 0 {
			continue
		}
		if g.until >= 0 && m.holds(g.until, at) {
			*lifted |= bit
		} else if m.holds(g.cond, at) {
			m.told.why, m.told.blame = Greedy, g.cond
			return true
		}
	}
	return false
}

func (m *Machine) inForce(n *not, e *edge, at int32, since Time, fresh bool) bool {
	if n.next && !fresh || since < n.least || n.limit > 0 && since >= n.limit {
		return false
	}
	if e.to == end && !m.inside(n.windows, at) {
		return false
	}
	return m.counted(n.once, at)
}

func (m *Machine) inside(ws []window, at int32) bool {
	for _, w := range ws {
		if m.now >= addTime(m.register(at, w.register), w.span) {
			return false
		}
	}
	return true
}

func (m *Machine) counted(rs []rounds, at int32) bool {
	for _, r := range rs {
		n := m.register(at, r.register)
		if n < int64(r.least) || r.most >= 0 && n > int64(r.most) {
			return false
		}
	}
	return true
}

func (m *Machine) register(at, register int32) int64 {
	return m.runs.registers[int(at-1)*m.prog.registers+int(register)]
}

// take captures the event for a match that ended with node at (0: it begins),
// by edge e.
func (m *Machine) take(e *edge, at int32) {
	r, p := m.runs, m.prog
	splits := false
	to := &p.places[e.to]
	n := node{parent: at, place: e.to, event: m.ev, first: m.ev, at: m.now, start: m.now, count: 1, length: 1}
	if at != 0 {
		before := &r.nodes[at-1]
		splits, before.parted = before.parted, true
		n.first, n.start, n.length = before.first, before.start, before.length+1
		n.count = 1 + m.count(at, to.name)
	}
	id := m.grow(n, at)
	for _, s := range e.sets {
		reg := &r.registers[int(id-1)*p.registers+int(s.register)]
		switch s.op {
		case setOne:
			*reg = 1
		case setMore:
			*reg++
		case setTime:
			*reg = m.now
		}
	}
	complete := slices.ContainsFunc(to.ends, func(rs []rounds) bool { return m.counted(rs, id) })
	if complete {
		r.nodes[id-1].match = true
		m.done = append(m.done, held{id, m.ev, m.now})
	}
	live := m.waits(to, id)
	if m.Trace != nil {
		m.tellTaken(e, at, complete, live)
	}
	if m.Collect {
		m.grew(at, id, splits, live)
	}
	if live != 0 {
		key := groupKey{place: e.to, live: live, fresh: p.settles}
		m.born = append(m.born, birth{key, id, m.limitOf(id, live), e.loop})
	}
}

// complete notes a match that is complete.
func (m *Machine) complete(h held) {
	m.runs.nodes[h.node-1].match = true
	m.done = append(m.done, h)
	if m.Trace != nil {
		m.tell(h.node, -1, Note{Kind: Completed, Limit: h.at})
	}
}

// grow adds a node, with the registers of the one before.
func (m *Machine) grow(n node, before int32) int32 {
	r, k := m.runs, m.prog.registers
	r.nodes = append(r.nodes, n)
	if k > 0 {
		r.registers = slices.Grow(r.registers, k)[:len(r.nodes)*k]
		mine := r.registers[len(r.registers)-k:]
		if before != 0 {
			copy(mine, r.registers[int(before-1)*k:int(before)*k])
		} else {
			clear(mine)
		}
	}
	return int32(len(r.nodes))
}

// count returns how many events a variable has captured up to a node.
func (m *Machine) count(at int32, name int32) int32 {
	for at != 0 {
		n := &m.runs.nodes[at-1]
		if m.prog.places[n.place].name == name {
			return n.count
		}
		at = n.parent
	}
	return 0
}

// waits returns the edges that a match at a new node waits for.
func (m *Machine) waits(pl *place, at int32) uint64 {
	live := pl.always
	if live != allEdges(len(pl.edges)) {
		for k := range pl.edges {
			if rs := pl.edges[k].rounds; len(rs) > 0 && m.counted(rs, at) {
				live |= 1 << k
			}
		}
	}
	if m.runs.nodes[at-1].length < MaxCaptures {
		return live
	}
	for rest := live; rest != 0; rest &= rest - 1 {
		k := bits.TrailingZeros64(rest)
		e := &pl.edges[k]
		if e.loop && e.to != end && m.count(at, m.prog.places[e.to].name) >= MaxCaptures {
			live &^= 1 << k
			m.Counts.Captures++
			m.runs.atBound = true
			m.told.full |= 1 << k
		}
	}
	return live
}

func allEdges(n int) uint64 {
	if n == maxEdges {
		return ^uint64(0)
	}
	return 1<<n - 1
}

// startAll lets matches begin with the event.
func (m *Machine) startAll() {
	p, births := m.prog, len(m.born)
	if m.Shut {
		return
	}
	for i := range p.starts {
		e := &p.starts[i]
		var lifted uint64
		if m.holds(Cond(p.places[e.to].name), 0) && !m.ended(e, 0) && !m.forbidden(e, 0, 0, false, &lifted) {
			m.take(e, 0)
		} else if m.Trace != nil {
			m.tellStart(i)
		}
	}
	if room := p.maxOpen - m.runs.open - len(m.moves) - births; len(m.born)-births > max(room, 0) {
		m.keepBorn(births + max(room, 0))
		m.Counts.Open++
		m.runs.atBound = true
	}
}

// settle puts the open matches that moved or were born into their groups.
func (m *Machine) settle() {
	for _, mv := range m.moves {
		m.runs.put(mv.key, mv.node, mv.limit)
	}
	for _, b := range m.born {
		m.runs.put(b.key, b.node, b.limit)
	}
	m.moves, m.born = m.moves[:0], m.born[:0]
}

// limitOf returns the earliest and the latest limit of the live edges of a match.
func (m *Machine) limitOf(at int32, live uint64) span {
	s := span{Forever, math.MinInt64}
	edges := m.prog.places[m.runs.nodes[at-1].place].edges
	for ; live != 0; live &= live - 1 {
		limit := m.limit(at, &edges[bits.TrailingZeros64(live)])
		s.soonest, s.latest = min(s.soonest, limit), max(s.latest, limit)
	}
	return s
}

// limit returns the time at which a match at a node no longer waits for e.
func (m *Machine) limit(at int32, e *edge) Time {
	n := &m.runs.nodes[at-1]
	whole := Forever
	if m.prog.within > 0 {
		whole = addTime(n.start, m.prog.within)
	}
	if e.to != end {
		limit := m.windowEnd(whole, e.windows, at)
		if e.limit > 0 {
			limit = min(limit, addTime(n.at, e.limit))
		}
		return limit
	}
	soonest, latest := whole, Time(0)
	for i := range e.nots {
		nt := &e.nots[i]
		own := m.windowEnd(whole, nt.windows, at)
		if nt.limit > 0 {
			own = min(own, addTime(n.at, nt.limit))
		}
		if nt.next {
			soonest = min(soonest, own)
		}
		if i == 0 || own > latest {
			latest = own
		}
	}
	if e.next {
		return soonest
	}
	return latest
}

func (m *Machine) windowEnd(limit Time, ws []window, at int32) Time {
	for _, w := range ws {
		limit = min(limit, addTime(m.register(at, w.register), w.span))
	}
	return limit
}

// elapsed is the time from a moment to one that is not before it, without running
// over.
func elapsed(from, to Time) Time {
	if d := to - from; d >= 0 {
		return d
	}
	return Forever
}

// addTime adds a length of time without running over.
func addTime(t, d Time) Time {
	if t > Forever-d {
		return Forever
	}
	return t + d
}
