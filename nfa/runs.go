package nfa

import (
	"math"
	"slices"
)

// Runs are the open matches of one key for one Program, with what they have
// captured. The zero value has none. Runs are flat and without pointers into
// each other: Append writes them, Program.DecodeRuns reads them back.
type Runs struct {
	nodes     []node  // captures; a node's parent stands before it
	registers []int64 // Program.registers for each node
	groups    []group // open matches, by what they wait for; ordered by their keys
	held      []held  // completed matches that wait for older open ones (in_order), by coming
	open      int     // open matches: the sum of the groups' lengths
	lived     int     // nodes that the last compaction left
	compacted uint32  // how often nodes were renumbered
	atBound   bool    // a bound was reached since Runs were last empty
	traced    *traced // nil: a Machine that stepped them told nobody
}

// node is a captured event; the chain of its parents is what was captured before
// it. Nodes are immutable but for their out mark and shared by the open matches
// that split from each other.
type node struct {
	parent int32 // index + 1 of the node before; 0: none
	place  int32
	event  Event
	first  Event // first event of the match
	at     Time  // of event
	start  Time  // of first
	count  int32 // captures of the same variable up to this one
	length int32 // captures up to this one
	out    bool  // it has come out as a match
	parted bool  // another match has gone on from it
	match  bool  // it was complete as it stands, whether it came out or not
}

// group is the open matches at one place that wait for the same.
//
// Matches that ran out without anybody seeing it are not looked for one by one:
// that would cost a pass over the group at every event of a busy key. They stay
// until the group has doubled, all of it has run out, or a bound is near. In most
// groups they stand in the order in which they run out, and the look ends at the
// first that has not.
type group struct {
	groupKey
	soonest Time // no live edge of any match runs out before
	latest  Time // no match, of all that ever joined, waits for anything after
	last    Time // when something of the match that joined last runs out first
	queued  bool // matches stand in the order in which something of them runs out
	swept   int  // matches that the last look for those that ran out left
	touched bool // the current event may change its matches
	runs    []int32
}

// fewRuns is the size up to which a group is looked through whenever something
// in it may have run out.
const fewRuns = 32

// ripe reports whether the group has to be looked through at a time: something in
// it may have run out, and that shows, or the group is small or has doubled; or
// all of it has run out.
func (g *group) ripe(p *Program, now Time) bool {
	if g.soonest > now || g.soonest == Forever {
		return false
	}
	return g.latest <= now && g.latest != Forever || len(g.runs) <= fewRuns || len(g.runs) > 2*g.swept || p.seen(g)
}

type groupKey struct {
	place  int32
	fresh  bool   // no event has passed since the capture
	live   uint64 // edges still waited for
	lifted uint64 // greedy guards that an until has lifted
}

func (k groupKey) compare(o groupKey) int {
	switch {
	case k.place != o.place:
		return int(k.place - o.place)
	case k.live != o.live:
		return order(k.live, o.live)
	case k.lifted != o.lifted:
		return order(k.lifted, o.lifted)
	case k.fresh != o.fresh:
		if k.fresh {
			return 1
		}
		return -1
	}
	return 0
}

func order[T uint64 | int64 | int32 | Event](a, b T) int {
	if a < b {
		return -1
	}
	if a > b {
		return 1
	}
	return 0
}

// held is a completed match that is not yet emitted.
type held struct {
	node int32 // index + 1
	last Event // that completed it; 0: time did
	at   Time
}

// Empty reports whether nothing is open or held. Empty Runs equal new ones.
func (r *Runs) Empty() bool { return r.open == 0 && len(r.held) == 0 }

// Reset makes r empty and keeps its memory.
func (r *Runs) Reset() {
	for i := range r.groups {
		r.groups[i].runs = r.groups[i].runs[:0]
	}
	r.groups = r.groups[:0]
	r.nodes, r.registers, r.held = r.nodes[:0], r.registers[:0], r.held[:0]
	r.open, r.lived, r.atBound, r.traced = 0, 0, false, nil
	r.compacted++
}

// Open returns the number of open matches. With more than a few dozen it may
// count some that have run out.
func (r *Runs) Open() int { return r.open }

// Soonest returns a time before which nothing of an open match runs out; Forever: nothing
// ever does.
func (r *Runs) Soonest() Time {
	soonest := Forever
	for i := range r.groups {
		soonest = min(soonest, r.groups[i].soonest)
	}
	return soonest
}

// Nodes returns an upper bound of Captures.Node.
func (r *Runs) Nodes() int { return len(r.nodes) }

// Generation changes when the nodes are renumbered.
func (r *Runs) Generation() uint32 { return r.compacted }

// Captured calls visit with every event that an open or held match refers to;
// an event may come more than once. It may renumber the nodes.
func (r *Runs) Captured(p *Program, visit func(Event)) {
	r.compact(p)
	for i := range r.nodes {
		visit(r.nodes[i].event)
	}
}

// put adds an open match into the group of key.
func (r *Runs) put(key groupKey, n int32, limit span) {
	i, ok := slices.BinarySearchFunc(r.groups, key, func(g group, k groupKey) int { return g.compare(k) })
	if !ok {
		if len(r.groups) < cap(r.groups) { // take over the memory of a group that went
			spare := r.groups[:len(r.groups)+1][len(r.groups)].runs[:0]
			r.groups = slices.Insert(r.groups, i, newGroup(key, spare))
		} else {
			r.groups = slices.Insert(r.groups, i, newGroup(key, nil))
		}
	}
	g := &r.groups[i]
	g.queued = len(g.runs) == 0 || g.queued && g.last <= limit.soonest
	g.last = limit.soonest
	g.runs = append(g.runs, n)
	g.soonest = min(g.soonest, limit.soonest)
	g.latest = max(g.latest, limit.latest)
	r.open++
}

func newGroup(key groupKey, spare []int32) group {
	return group{groupKey: key, soonest: Forever, latest: math.MinInt64, runs: spare}
}

// tidy removes groups without matches, and keeps their memory for the next.
func (r *Runs) tidy() {
	w := 0
	for i := range r.groups {
		if len(r.groups[i].runs) > 0 {
			if w != i {
				r.groups[w], r.groups[i] = r.groups[i], r.groups[w]
			}
			w++
		}
	}
	r.groups = r.groups[:w]
}

// forget drops nodes that nothing refers to: all when nothing is open, else when
// they have doubled. It comes before a step, as the matches of the step before
// may be looked at until then.
func (r *Runs) forget(p *Program) {
	switch {
	case r.Empty():
		if len(r.nodes) > 0 {
			r.nodes, r.registers = r.nodes[:0], r.registers[:0]
			r.lived, r.traced = 0, nil
			r.compacted++
		}
		r.atBound = false
	case len(r.nodes) >= 64 && len(r.nodes) >= 2*r.lived:
		r.compact(p)
	}
}

// compact drops the nodes that no open or held match reaches. Nodes keep their
// order, so parents still stand before their children.
func (r *Runs) compact(p *Program) {
	move := make([]int32, len(r.nodes)+1) // old index + 1 to new index + 1; 0: not reached
	mark := func(n int32) {
		for n != 0 && move[n] == 0 {
			move[n] = 1
			n = r.nodes[n-1].parent
		}
	}
	for i := range r.groups {
		for _, n := range r.groups[i].runs {
			mark(n)
		}
	}
	for i := range r.held {
		mark(r.held[i].node)
	}
	k := p.registers
	next := int32(0)
	for old := range r.nodes {
		if move[old+1] == 0 {
			continue
		}
		n := r.nodes[old]
		n.parent = move[n.parent]
		r.nodes[next] = n
		copy(r.registers[int(next)*k:int(next+1)*k], r.registers[old*k:(old+1)*k])
		next++
		move[old+1] = next
	}
	if r.traced != nil {
		r.traced.compact(move)
	}
	r.nodes, r.registers = r.nodes[:next], r.registers[:int(next)*k]
	for i := range r.groups {
		for j, n := range r.groups[i].runs {
			r.groups[i].runs[j] = move[n]
		}
	}
	for i := range r.held {
		r.held[i].node = move[r.held[i].node]
	}
	r.lived = int(next)
	r.compacted++
}

// Captures are the events that a match has captured: a view into Runs, valid
// until they are stepped again. The zero value has none.
type Captures struct {
	runs *Runs
	prog *Program
	node int32
}

// Node numbers the last capture within Runs.Nodes, from 1; 0 if there is none.
// Captures with the same number in the same Runs.Generation are the same.
func (c Captures) Node() int32 { return c.node }

// Parent is c without its last capture.
func (c Captures) Parent() Captures {
	c.node = c.runs.nodes[c.node-1].parent
	return c
}

// Var is the variable of the last capture, an index in Program.Names.
func (c Captures) Var() int {
	return int(c.prog.places[c.runs.nodes[c.node-1].place].name)
}

// Event is the last event captured.
func (c Captures) Event() Event { return c.runs.nodes[c.node-1].event }

// Len returns how many events variable v has captured.
func (c Captures) Len(v int) int {
	if n := c.last(v); n != nil {
		return int(n.count)
	}
	return 0
}

// Last returns the event that variable v captured last.
func (c Captures) Last(v int) (Event, bool) {
	if n := c.last(v); n != nil {
		return n.event, true
	}
	return 0, false
}

// First returns the event that variable v captured first.
func (c Captures) First(v int) (Event, bool) {
	for i := c.node; i != 0; {
		n := &c.runs.nodes[i-1]
		if int(c.prog.places[n.place].name) == v && n.count == 1 {
			return n.event, true
		}
		i = n.parent
	}
	return 0, false
}

// Append appends the events that variable v captured, in the order of capture.
func (c Captures) Append(dst []Event, v int) []Event {
	k := c.Len(v)
	dst = slices.Grow(dst, k)[:len(dst)+k]
	for i, at := c.node, len(dst)-1; k > 0; {
		n := &c.runs.nodes[i-1]
		if int(c.prog.places[n.place].name) == v {
			dst[at] = n.event
			at--
			k--
		}
		i = n.parent
	}
	return dst
}

func (c Captures) last(v int) *node {
	for i := c.node; i != 0; {
		n := &c.runs.nodes[i-1]
		if int(c.prog.places[n.place].name) == v {
			return n
		}
		i = n.parent
	}
	return nil
}
