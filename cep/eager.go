package cep

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// eager is what a shard has in EagerOrder beside the state of its keys: their recent
// past, and what has to come out.
type eager struct {
	lateness int64
	cells    []cells             // by space
	queue    []queued            // of each cell one, by time, for trim
	head     int                 // of the queue: those before it are gone
	latest   int64               // the highest time of an item
	low      int64               // time has brought what it brings up to here
	by       uint64              // Event.origin of the event that has arrived
	marked   []*cell             // to be matched again
	holding  []*cell             // that hold items back
	calm     int64               // the watermark at which one of them comes to rest, or later
	wakes    heap[wake]          // of holding
	again    int                 // mostAgain, but in tests
	await    heap[awaited]       // matches that time will have brought
	versions map[string]version  // by Alert.ID: those that were retracted once
	expiring heap[expiring]      // of versions
	firsts   map[string]outgoing // by Alert.ID, while net is at work

	most    int64 // the watermark as of then
	top     stamp // of the last event that came after all others of its key
	leaving bool
	redoing bool // an item is matched again
	settled bool // it is before all that has changed: what comes of it is known,
	fresh   bool // unless it comes of what time has brought and has not been matched before

	out      []outgoing // of the block
	netted   int        // of out: they are of earlier events
	changes  []change   // to the events that the layer above goes over
	decided  []coming   // on the events that arrived
	applied  uint64     // Repairs.Applied
	heldBack uint64     // Repairs.HeldBack
	reader   keyReader
	buf      [2][]byte
	met      []met  // by changes to come
	touched  uint64 // a sum of what fetch has touched, so that it is
	saves    versionSaves
}

// queued says that a cell is looked at once no event comes any more up to at.
type queued struct {
	at   int64
	cell *cell
}

// awaited is a cell with matches that time brought in the eyes of a later event: they
// come out when the watermark has passed.
type awaited struct {
	at   int64
	cell *cell
}

func (a awaited) before(b awaited) bool { return a.at < b.at }

// version is of an alert that was retracted once. It is forgotten when the alert can no
// longer change.
type version struct {
	number int
	live   bool
	until  int64  // the last moment at which the alert may come out again
	hash   uint64 // of its key
	dirty  dirty
}

type expiring struct {
	at int64
	id string
}

func (a expiring) before(b expiring) bool { return a.at < b.at }

// outgoing is an alert that comes out.
type outgoing struct {
	by   uint64
	kind AlertKind // of its version; what it is as such stands in the alert
	coming
}

func (a *outgoing) compare(b *outgoing) int {
	switch {
	case a.by != b.by:
		return cmp.Compare(a.by, b.by)
	case (a.kind == RetractedAlert) != (b.kind == RetractedAlert):
		if a.kind == RetractedAlert {
			return -1
		}
		return 1
	}
	return a.coming.compare(&b.coming)
}

// change is a change to the events that a layer goes over.
type change struct {
	by    uint64 // Event.origin of the event that brought it about
	low   int64  // the watermark as of then
	kind  changeKind
	event *Event    // but for Stirred
	stir  *stirring // Stirred
	ended *endedOf  // Ended
}

// stirring says that what the rules of a key look at has changed, for what comes after a
// stamp.
type stirring struct {
	names []string // the parts of the key
	text  string
	at    stamp
}

type changeKind uint8

const (
	Arrives changeKind = iota
	Leaves             // a match that is none any more
	Stirred            // a risk or a feature of a key
	Ended              // a window
)

func (c *change) stamp() stamp {
	if c.kind == Stirred {
		return c.stir.at
	}
	return c.event.stamp()
}

// compare is the order in which changes are taken in. What the same event brought about
// comes by time, as time brings matches in between.
func (c *change) compare(d *change) int {
	if c.by != d.by {
		return cmp.Compare(c.by, d.by)
	}
	if n := cmp.Or(c.stamp().compare(d.stamp()), b2i(d.kind == Stirred)-b2i(c.kind == Stirred)); n != 0 || c.kind == Stirred {
		return n
	}
	return cmp.Or(comparePlaces(c.event, d.event), cmp.Compare(d.kind, c.kind)) // what leaves makes room
}

func newEager(lateness int64, spaces int) *eager {
	return &eager{
		lateness: lateness, again: mostAgain, cells: make([]cells, spaces), low: math.MinInt64, latest: math.MinInt64, calm: never,
		top:      stamp{moment: math.MinInt64},
		versions: map[string]version{}, firsts: map[string]outgoing{},
	}
}

// runEager gives changes to the rules of the layer in the order in which they came about,
// and then moves time on.
func (s *shard) runEager(changes []change, until int64) {
	for fetched := 0; len(changes) > 0; {
		if fetched <= 0 {
			fetched = min(ahead, len(changes))
			s.fetch(changes[:fetched])
		}
		n := 1
		for n < len(changes) && changes[n].by == changes[0].by {
			n++
		}
		fetched -= n
		s.takeIn(changes[:n])
		s.eager.net()
		s.trim(s.eager.low) // so that keys to come find memory that is near
		changes = changes[n:]
	}
	s.eager.most = until
	s.passUp(until)
	s.eager.net()
	s.trim(until)
}

// takeIn takes in what one event brought about. Between changes before the watermark,
// which time brought, what runs out has its turn.
func (s *shard) takeIn(changes []change) {
	s.eager.by, s.eager.most = changes[0].by, changes[0].low
	for i := range changes {
		c := &changes[i]
		s.passUp(min(c.low, c.stamp().moment))
		switch c.kind {
		case Arrives, Leaves:
			s.eager.leaving = c.kind == Leaves
			offers := s.plan.offers[c.event.Type+1]
			for i := range offers {
				if !s.offer(&offers[i], c.event) && s.number == 0 && !s.eager.leaving {
					s.noKey[c.event.Type+1][i]++
				}
			}
		case Ended:
			if c.ended.shard == s.number {
				s.end(c.event, &c.ended.ended)
			}
		case Stirred:
			s.stir(c.stir.names, c.stir.text, c.stir.at, nil)
		}
	}
	if low := changes[0].low; low < never {
		s.passUp(low)
	}
	s.redoMarked()
}

// see lets the key in s.key see that an event arrives or leaves.
func (s *shard) see(o *offer, e *Event) {
	g := s.eager
	if g.leaving {
		c := s.cell(o.space, s.key.joined())
		if i := c.findSame(e); i >= 0 {
			s.changeCell(c)
			s.mark(c)
			c.remove(i, &s.spare)
		}
		return
	}
	c := s.cellFor(o.space, e.Time)
	n := len(c.items)
	i := n
	if n > 0 && c.items[n-1].time >= e.Time && comparePlaces(c.items[n-1].event, e) > 0 {
		i, _ = c.find(e)
	}
	if i < n {
		c.hold.calm = later(g.most, g.lateness)
	}
	if i < n || c.marked {
		s.mark(c)
		c.insert(i, item{time: e.Time, event: e, offer: o, fresh: true})
		g.wake(c)
		return
	}
	c.append(item{time: e.Time, event: e, offer: o})
	c.hold.earn()
	if n < c.hold.end(n+1) {
		s.matchNext(c, n)
	} else {
		g.wake(c)
	}
}

// matchNext matches an item that comes after all that have been matched.
func (s *shard) matchNext(c *cell, i int) {
	g := s.eager
	it := &c.items[i]
	late := it.event.stamp().compare(g.top) < 0
	if !late {
		g.top = it.event.stamp()
	}
	s.match(c, i)
	came := s.took()
	it.brings(came)
	for i := range came {
		x := &came[i]
		s.bring(c, x)
		if (late || x.waits(g)) && s.adds(x) { // before events that other rules of the key have seen
			s.disturb(c.key(), x.alert.Rule.Key.Names, x.at, c)
		}
		g.answers(x)
	}
}

// end lets the rule of the layer that waits for it see the end of a window.
func (s *shard) end(e *Event, x *ended) {
	home := s.plan.home[x.rule]
	if home < 0 {
		return
	}
	s.key.set(x.key)
	c := s.cellFor(home, e.Time)
	i, _ := c.find(e)
	if i < len(c.items) || c.marked {
		s.mark(c)
		c.insert(i, item{time: e.Time, event: e, ended: x, fresh: true})
		s.eager.wake(c)
		return
	}
	c.append(item{time: e.Time, event: e, ended: x})
	if c.hold.holding {
		c.hold.done++
	}
	s.match(c, i)
	it := &c.items[i]
	came := s.took()
	it.brings(came)
	for j := range came {
		x := &came[j]
		s.bring(c, x)
		if s.adds(x) {
			s.disturb(c.key(), x.alert.Rule.Key.Names, x.at, c)
		}
	}
}

// answers lets x have its part in the decision, if the event that has arrived brought it.
func (g *eager) answers(x *coming) {
	if x.at.origin == g.by && g.by > 0 && x.decides() {
		g.decided = append(g.decided, *x)
	}
}

// revokes undoes answers.
func (g *eager) revokes(x *coming) {
	if x.at.origin != g.by || !x.decides() {
		return
	}
	g.decided = slices.DeleteFunc(g.decided, func(d coming) bool { return d.held == x.held && d.compare(x) == 0 })
}

// cell returns the recent past of a key, nil if there is none.
func (s *shard) cell(space int32, text string) *cell {
	c := s.eager.cells[space].find(text, hashOf(text))
	if c != nil {
		c.trim(s.eager.low, s)
	}
	return c
}

// cellFor returns the recent past of the key in s.key, to which something of a time is
// added.
func (s *shard) cellFor(space int32, t int64) *cell {
	g, text := s.eager, s.key.joined()
	g.latest = max(g.latest, t)
	h := hashOf(text)
	c := g.cells[space].find(text, h)
	if c != nil {
		s.changeCell(c)
		if c.trim(g.low, s); len(c.items) == 0 && !c.hold.holding {
			c.hold = backlog{}
		}
		return c
	}
	c = g.cells[space].create(text, h)
	c.space = space
	s.meets(c)
	g.look(c, g.latest)
	return c
}

// took takes what has come out.
func (s *shard) took() []coming {
	if len(s.came) == 0 {
		return nil
	}
	came := slices.Clone(s.came)
	clear(s.came)
	s.came = s.came[:0]
	return came
}

// match gives an item of a cell to the rules of its key, after what time brings before it.
func (s *shard) match(c *cell, i int) {
	it := &c.items[i]
	table := s.tables[c.space]
	ks := table[c.key()]
	if c.since++; !it.known && (i == 0 || c.since > saveItems || it.time-c.savedAt > s.eager.lateness/saveSpan) {
		it.known, it.saved = true, s.spare.save(ks)
	}
	if it.known {
		c.since, c.savedAt = 1, it.time
	}
	if ks != nil && ks.timer <= it.time {
		s.catchUp(c, it.time)
		ks = table[c.key()]
	}
	s.eager.fresh = it.fresh
	if it.ended != nil {
		s.closed(it.ended)
	} else {
		if s.eager.redoing {
			s.readKey(c, it)
		}
		s.offerTo(it.offer, ks, it.event)
	}
	s.eager.fresh, it.fresh = false, false
	if s.near != nil && len(s.near.fates) > 0 {
		it.bringsFates(s.near.took())
	}
}

// readKey reads the key of a cell from the event of an item.
func (s *shard) readKey(c *cell, it *item) {
	sp := &s.plan.spaces[c.space]
	if !sp.byName {
		s.key.read(it.offer.key, it.event)
		return
	}
	for _, f := range sp.fields {
		if s.key.readOne(f, it.event) && s.key.text == c.key() {
			return
		}
	}
}

// catchUp lets time bring the matches of a key up to t.
func (s *shard) catchUp(c *cell, t int64) {
	for {
		ks := s.tables[c.space][c.key()]
		if ks == nil || ks.timer > t {
			return
		}
		at := ks.timer
		ks.timer = never
		s.timed--
		s.fire(ks, at, false)
	}
}

// bring hands on what has come out. What time brought in the eyes of a later event waits
// for the watermark.
func (s *shard) bring(c *cell, x *coming) {
	g := s.eager
	if x.waits(g) {
		g.await.push(awaited{x.at.moment, c})
		return
	}
	s.emit(x)
}

// emit lets out what has come: an alert, and an event for rules that read it.
func (s *shard) emit(x *coming) {
	g := s.eager
	x.out = true
	if x.event != nil {
		g.changes = append(g.changes, change{by: g.by, low: g.most, kind: Arrives, event: x.event})
	}
	if !x.silent {
		s.letAlert(x)
	}
}

// letAlert lets out an alert, new or restored.
func (s *shard) letAlert(x *coming) {
	g := s.eager
	o := outgoing{by: g.by, kind: x.alert.Kind, coming: *x}
	if v, ok := g.versions[x.alert.ID]; ok && !v.live {
		v.number, v.live = v.number+1, true
		g.setVersion(x.alert.ID, v)
		o.kind, o.alert.Version = RestoredAlert, v.number
	}
	g.out = append(g.out, o)
}

// retract takes an alert back.
func (s *shard) retract(x *coming) {
	g := s.eager
	id := x.alert.ID
	v, ok := g.versions[id]
	if !ok {
		v.number = 1
		at := x.at.moment
		if p := x.alert.Rule.Program; p != nil && p.InOrder() {
			at = later(at, int64(p.Within())) // it may come out again as late as that
		}
		g.reader.set(x.alert.Key)
		v.until, v.hash = at, g.reader.hash()
		g.expiring.push(expiring{at, id})
	}
	v.number, v.live = v.number+1, false
	g.setVersion(id, v)
	o := outgoing{by: g.by, kind: RetractedAlert, coming: *x}
	o.alert.Version = v.number
	g.out = append(g.out, o)
}

// passUp lets all come that time brings up to t, in the order of time.
func (s *shard) passUp(t int64) {
	g := s.eager
	if t <= g.low {
		return
	}
	s.redoMarked()
	for {
		at := g.next()
		if at < never {
			at++ // it is matched once the watermark has passed it
		}
		if len(s.timers) > 0 {
			at = min(at, s.timers[0].at)
		}
		if len(g.await) > 0 {
			at = min(at, g.await[0].at)
		}
		if at > t {
			break
		}
		s.letGo(at)
		for len(g.await) > 0 && g.await[0].at <= at {
			s.confirm(g.await.pop().cell, at)
		}
		for len(s.timers) > 0 && s.timers[0].at <= at {
			if tm := s.timers[0]; s.ring() {
				s.changeTimed(tm.ks)
				s.fire(tm.ks, tm.at, false)
			}
		}
		s.letOut()
		g.low = max(g.low, at)
		s.redoMarked()
	}
	s.letGo(t)
	g.low = t
	s.redoMarked()
}

// letOut lets out what time has brought.
func (s *shard) letOut() {
	g, came := s.eager, s.took()
	if s.near != nil {
		s.near.settle()
	}
	for i := range came {
		x := &came[i]
		s.emit(x)
		if s.adds(x) {
			g.reader.set(x.alert.Key)
			s.disturb(g.reader.joined(), x.alert.Rule.Key.Names, x.at, nil)
		}
	}
}

// confirm lets out what time brought to a cell up to t in the eyes of later events.
func (s *shard) confirm(c *cell, t int64) {
	for i := range c.items {
		if i > 0 && c.items[i-1].time > t {
			return // time brought what came of it after that
		}
		came := c.items[i].came()
		for j := range came {
			if x := &came[j]; !x.out && x.at.origin == 0 && x.at.moment <= t {
				s.emit(x)
			}
		}
	}
}

// adds reports whether a match adds to a risk.
func (s *shard) adds(x *coming) bool {
	return len(s.plan.risks[x.rule]) > 0 && !x.alert.Rule.Shadow && x.alert.Kind == MatchAlert && !x.held && x.alert.Score > 0 &&
		!x.alert.Rule.mute.hidesMatch(x.cause, x.at.moment)
}

// addition is what a match adds to a risk.
func (x *coming) addition() addition {
	return addition{x.at, x.rule, x.cause, x.number, x.alert.Time, x.alert.Score}
}

// disturb says that a risk of a key has changed for what comes after a stamp: in this
// layer, but for the cell that changed it, and in those above.
func (s *shard) disturb(text string, names []string, at stamp, but *cell) {
	g := s.eager
	g.changes = append(g.changes, change{by: g.by, low: g.most, kind: Stirred, stir: &stirring{names, strings.Clone(text), at}})
	s.stir(names, text, at, but)
}

// stir marks what a key has seen after a stamp to be matched again.
func (s *shard) stir(names []string, text string, at stamp, but *cell) {
	for i := range s.plan.spaces {
		if !slices.ContainsFunc(s.plan.spaces[i].names, func(n []string) bool { return slices.Equal(n, names) }) {
			continue
		}
		if c := s.cell(int32(i), text); c != nil && c != but && !c.awaits(at) {
			if j := c.after(at); j < len(c.items) {
				s.changeCell(c)
				s.mark(c)
				c.mark(j)
			}
		}
	}
}

func (s *shard) mark(c *cell) {
	if !c.marked {
		c.marked, c.from = true, len(c.items)
		s.eager.marked = append(s.eager.marked, c)
	}
}
