package cep

import (
	"slices"
	"strings"
	"unsafe"

	"weir/cep/feature"
)

// Backing is what a rule with Evidence shows beside what was captured: the latest events
// that a feature counted, of those in its window, oldest first.
type Backing struct {
	Feature string // empty: the rule has none
	Events  []Evidence
}

// mostShown is the number of events of a window that an alert shows.
const mostShown = 50

// witness is a feature whose latest events go into alerts.
type witness struct {
	feature int
	spec    *feature.Spec
	plan    *feature.Plan // of it alone
	early   bool          // an event does not see itself in the window
}

// shown is an event that a feature counted. Its texts are copies.
type shown struct {
	time int64
	raw  string
	id   string
	nth  uint64
}

// trails are the latest events that a witness counted, of the keys of a shard.
type trails struct {
	witness *witness
	keys    map[string]*trail
	due     heap[lapsing]
	epoch   *epoch // nil: there are no freezes
	changed changed[*trail]
	section int
}

// trail is the latest events of one key. Rows of events that are ahead of the rules lead
// to its beginning: what has been written is never changed, but copied.
type trail struct {
	text   string // the key in its table
	events []shown
	last   uint64 // Event.origin of the last
	dirty  dirty
}

// lapsing says when a trail is looked at again: not after the last of its events has
// left the window. A trail that has such a time has one lapsing.
type lapsing struct {
	at int64
	t  *trail
}

func (a lapsing) before(b lapsing) bool { return a.at < b.at }

// witnesses finds the features, of those that use says, whose latest events the rules show, and their number by
// Ruleset.Features, -1 for the others.
func witnesses(rs *Ruleset, use func(feature int) bool) (all []witness, number []int32) {
	number = make([]int32, len(rs.Features))
	for i := range number {
		number[i] = -1
	}
	for _, r := range rs.Rules {
		f := r.Evidence - 1
		if f < 0 || number[f] >= 0 || !use(f) {
			continue
		}
		number[f] = int32(len(all))
		spec := &rs.Features[f].Spec
		w := witness{feature: f, spec: spec, plan: feature.NewPlan([]feature.Spec{*spec})}
		w.early = w.plan.ReadsBefore(0)
		all = append(all, w)
	}
	return all, number
}

// window leaves of events, in the order of time, those that a reader of time t sees.
func (w *witness) window(events []shown, t int64) []shown {
	if w.spec.Window.Shape != feature.Session {
		return since(events, w.plan.Since(0, t))
	}
	n := len(events)
	for n > 0 && t-events[n-1].time < w.spec.Window.Size {
		n--
		t = events[n].time
	}
	return events[n:]
}

// since leaves of events those from a time on.
func since(events []shown, from int64) []shown {
	n := len(events)
	for n > 0 && events[n-1].time >= from {
		n--
	}
	return events[n:]
}

// latest leaves of events those that an alert shows.
func latest(events []shown) []shown { return events[max(0, len(events)-mostShown):] }

// events returns the latest events of a key. They stay as they are.
func (t *trails) events(k *keyReader) []shown {
	if r := t.find(k); r != nil {
		return r.events
	}
	return nil
}

func (t *trails) find(k *keyReader) *trail {
	if k.whole {
		return t.keys[k.text]
	}
	return t.keys[string(k.bytes)]
}

// seen returns the latest events of a key as the event with an origin sees them.
func (t *trails) seen(k *keyReader, origin uint64) []shown {
	r := t.find(k)
	switch {
	case r == nil:
		return nil
	case t.witness.early && r.last == origin:
		return r.events[:len(r.events)-1]
	}
	return r.events
}

// add adds an event of a key.
func (t *trails) add(k *keyReader, origin uint64, e shown) {
	r := t.find(k)
	if r == nil {
		r = t.create(k)
		t.schedule(r, e.time)
	}
	t.change(r)
	if len(r.events) == cap(r.events) {
		// With e it is one more than is shown: e itself may not see e.
		old := latest(t.witness.window(r.events, e.time))
		r.events = append(make([]shown, 0, 2*len(old)+2), old...)
	}
	r.events = append(r.events, e)
	r.last = origin
}

func (t *trails) create(k *keyReader) *trail {
	r := &trail{text: k.copied()}
	t.keys[r.text] = r
	return r
}

// schedule sees to it that a trail whose last event has a time is dropped.
func (t *trails) schedule(r *trail, last int64) {
	if at, ok := t.witness.plan.Gone(0, last); ok {
		t.due.push(lapsing{at, r})
	}
}

// expire drops the trails of which nothing is in the window at t.
func (t *trails) expire(at int64) {
	for len(t.due) > 0 && t.due[0].at <= at {
		r := t.due.pop().t
		n := len(r.events)
		if n == 0 { // a late event has put them out
			t.drop(r)
			continue
		}
		if gone, _ := t.witness.plan.Gone(0, r.events[n-1].time); gone <= at {
			t.drop(r)
		} else {
			t.due.push(lapsing{gone, r})
		}
	}
}

func (t *trails) bytes() int {
	n := cap(t.due) * int(unsafe.Sizeof(lapsing{}))
	for text, r := range t.keys {
		n += len(text) + slotBytes + int(unsafe.Sizeof(trail{})) + cap(r.events)*int(unsafe.Sizeof(shown{}))
		for i := range r.events {
			n += len(r.events[i].raw)
		}
	}
	return n
}

// show finds the witnesses whose events the rules on a type show, of keys that events of
// the type can have.
func (c *scheme) show(t TypeID) {
	st := &c.types[t+1]
	for _, r := range c.rs.Rules {
		if r.Evidence == 0 || r.WindowClose > 0 || r.Types != nil && !slices.Contains(r.Types, t) {
			continue
		}
		n := c.witness[r.Evidence-1]
		i := slices.IndexFunc(st.visits, func(v visit) bool { return v.space == c.places[r.Evidence-1].space })
		if i < 0 || slices.Contains(st.visits[i].shows, n) {
			continue
		}
		st.visits[i].shows = append(st.visits[i].shows, n)
		st.shows = true
	}
}

// proves reports whether events of a type can go into alerts because a feature counted
// them.
func (c *scheme) proves(t TypeID) bool {
	for _, v := range c.types[t+1].visits {
		for _, i := range v.adds {
			if c.witness[i] >= 0 {
				return true
			}
		}
	}
	return false
}

// note adds the current event to those that a feature counted.
func (l *ledger) note(f int32, e *Event) {
	n := l.scheme.witness[f]
	if n < 0 {
		return
	}
	if l.noted != e.origin {
		l.noted = e.origin
		raw := strings.Clone(e.Raw)
		l.copy = shown{time: e.Time, raw: raw, id: part(raw, e.idAt, e.ID), nth: e.nth}
	}
	l.trails[n].add(&l.key, e.origin, l.copy)
}

// lend gives the released events a place for what rules show of them.
func (g *Engine) lend() {
	n := len(g.scheme.witnesses)
	if n == 0 {
		return
	}
	clear(g.shown)
	g.shown = g.shown[:0]
	for _, e := range g.released {
		if g.scheme.types[e.Type+1].shows {
			g.shown = append(g.shown, make([][]shown, n)...)
		}
	}
	rest := g.shown
	for _, e := range g.released {
		if g.scheme.types[e.Type+1].shows {
			e.shown, rest = rest[:n:n], rest[n:]
		}
	}
}

// back gives an alert the events that its rule shows: of the window that has ended, or
// of the one that the current event sees.
func (s *shard) back(a *Alert) {
	f := a.Rule.Evidence - 1
	if f < 0 {
		return
	}
	a.Backing.Feature = s.plan.rs.Features[f].Name
	events := s.shown
	if e := s.judge.scope.Event; e != nil {
		n := s.plan.witness[f]
		if e.shown == nil {
			return
		}
		events = latest(s.plan.witnesses[n].window(e.shown[n], e.Time))
	}
	for i := range events {
		x := &events[i]
		a.Backing.Events = append(a.Backing.Events, Evidence{Var: -1, Name: nameOf(x.id, x.raw, x.nth), Raw: x.raw})
	}
}
