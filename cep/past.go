package cep

import (
	"slices"
	"unsafe"

	"weir/cep/feature"
)

// past is what a ledger keeps so that events may come late: a journal of each key that
// had an event at or after low. A late event takes its place in the journals of its keys:
// records and trails are rolled back to a state before it, and what came after is applied
// again. Events are needed as long as low is not more than a part of the lateness after
// them (latenessPart).
type past struct {
	gap    int64 // event time after which a state is saved again
	low    int64 // no event before it comes any more
	now    int64 // as of which keys that are worked out are looked at
	latest int64 // the highest time of an item
	spaces []journals
	queue  []lapse // of each journal one, by time
	head   int     // of the queue: those before it are gone

	again   int           // events of a key that late ones may have applied again
	passed  int64         // what is held back before it has been folded
	holding []*journal    // that hold back
	loose   []change      // what rules have to look at again since letGo folded it
	saves   *arrivalSaves // nil: there are no freezes

	scratch  []feature.Scratch // by featureSpace
	shown    [][]int32         // by featureSpace: the witnesses that have its keys
	refolded []refolded
}

// lapse says that a journal is looked at once low is after at.
type lapse struct {
	at      int64
	journal *journal
}

// refolded is a key that a late event has taken its place in.
type refolded struct {
	space int32
	text  string // of the key; valid until its journal goes
	after int    // events that were applied again, or that are held back from now on
	held  bool   // the key holds back from now on
}

// keepPast lets events come up to so many nanoseconds late. No event has come yet. The
// scheme has no closers.
func (l *ledger) keepPast(lateness int64) {
	n := len(l.spaces)
	l.past = &past{
		gap: lateness / latenessPart, low: beforeAll, now: beforeAll, latest: beforeAll,
		again: mostAgain, passed: beforeAll,
		spaces: make([]journals, n), scratch: make([]feature.Scratch, n), shown: make([][]int32, n),
	}
	for i := range l.scheme.witnesses {
		s := l.scheme.places[l.scheme.witnesses[i].feature].space
		l.past.shown[s] = append(l.past.shown[s], int32(i))
	}
}

// insert takes in an event that comes late: it is at or after low, and there may be events
// after it. Records, trails and what the events know of their own keys are as if it had
// come in time. What it knows of keys that it works out is as of now, the highest event
// time. A key of which too many events would have to be applied again holds back instead.
// It returns which keys that concerned, until the next call.
func (l *ledger) insert(e *Event, now, low int64) []refolded {
	l.past.begin(now, low)
	l.past.refolded = l.past.refolded[:0]
	l.expire(l.past.low)
	st := &l.scheme.types[e.Type+1]
	l.scope.Event = e
	for i := range st.before {
		l.ask(&st.before[i], e)
	}
	for i := range st.visits {
		l.insertAt(&st.visits[i], e)
	}
	l.scope.Event = e
	for i := range st.after {
		l.ask(&st.after[i], e)
	}
	l.scope.Event = nil
	return l.past.refolded
}

// insertAt is the visit of a late event.
func (l *ledger) insertAt(v *visit, e *Event) {
	l.scope.Event = e
	if !l.key.read(v.fields, e) || !l.mine() {
		l.visit(v, e, nil)
		return
	}
	text := l.key.joined()
	h := hashOf(text)
	js := &l.past.spaces[v.space]
	j := js.find(text, h)
	at := 0
	if j != nil {
		l.changeKey(j)
		j.touch(e.low)
		at = j.place(e)
	}
	if j == nil || at == len(j.items) {
		l.visit(v, e, nil)
		return
	}
	after := len(j.items) - at
	if !j.hold.holding && j.hold.spend(after, l.past.again) {
		j.items = slices.Insert(j.items, at, entry{e.Time, e})
		k := j.state(at)
		l.rollBack(j, k)
		l.refold(j, int(j.states[k].at), len(j.items), at)
		l.past.refolded = append(l.past.refolded, refolded{v.space, j.key(), after, false})
		return
	}
	held := !j.hold.holding
	if after = l.holdBack(j, at); after > 0 {
		l.past.refolded = append(l.past.refolded, refolded{v.space, j.key(), after, held})
	}
	j.items = slices.Insert(j.items, at, entry{e.Time, e})
	r, _ := l.spaces[v.space].lookUp(text, h)
	l.pass(j, v, e, &r)
}

// peek is a feature of a key as of t, which is not before low, of the events before t.
// It changes nothing.
func (l *ledger) peek(f int, key *keyReader, t int64) Value {
	p, place := l.past, l.scheme.places[f]
	text := key.joined()
	h := hashOf(text)
	plan := l.spaces[place.space].plan
	j := p.spaces[place.space].find(text, h)
	if j != nil {
		if at := j.since(t); at < j.hold.end(len(j.items)) {
			r := l.before(j, at, nil)
			v, _ := plan.Read(r, int(place.number), t, feature.Item{})
			return valueOf(v)
		}
	}
	r, _ := l.spaces[place.space].lookUp(text, h)
	v, _ := plan.Peek(&p.scratch[place.space], &r.kept, int(place.number), t, feature.Item{})
	return valueOf(v)
}

// trim says that no event before low comes any more. It costs, for each event, a fixed
// time.
func (l *ledger) trim(low int64) {
	p := l.past
	p.begin(p.now, low)
	for p.head < len(p.queue) && p.queue[p.head].at < p.low {
		j := p.queue[p.head].journal
		p.queue[p.head] = lapse{}
		p.head++
		if j.trim(p.low); len(j.items) == 0 && !j.hold.holding {
			l.goes(j)
			p.spaces[j.space].drop(j, j.size() > mostBytesSpare)
		} else {
			p.await(j)
		}
	}
	l.expire(p.low)
}

// forget forgets all events, which no other precedes any more. No key holds back.
func (l *ledger) forgetPast() {
	p := l.past
	for _, x := range p.queue[p.head:] {
		j := x.journal
		j.clear()
		l.goes(j)
		p.spaces[j.space].drop(j, j.size() > mostBytesSpare)
	}
	clear(p.queue)
	p.queue, p.head, p.holding = p.queue[:0], 0, nil
}

// begin moves time on.
func (p *past) begin(now, low int64) { p.now, p.low = max(p.now, now), max(p.low, low) }

// await sees to it that a journal is looked at again.
func (p *past) await(j *journal) {
	if p.head > 0 && len(p.queue) == cap(p.queue) && 2*p.head >= len(p.queue) {
		n := copy(p.queue, p.queue[p.head:])
		clear(p.queue[n:])
		p.queue, p.head = p.queue[:n], 0
	}
	p.queue = append(p.queue, lapse{p.latest, j})
}

// enter adds an event that comes after all others of its key to the journal of the key in
// l.key, whose record is r, and returns the journal.
func (l *ledger) enter(space int32, e *Event, text string, hash uint64, r *record, held bool) *journal {
	p := l.past
	p.latest = max(p.latest, e.Time)
	js := &p.spaces[space]
	j := js.find(text, hash)
	if j == nil {
		j = newJournal(js, space, text, hash)
		p.await(j)
	}
	l.change(j)
	j.touch(e.low)
	j.trim(p.low)
	if n := len(j.items); !j.hold.holding && j.due(n, e.Time, p.gap) {
		l.save(j, n, r, held)
	}
	j.items = append(j.items, entry{e.Time, e})
	j.hold.earn()
	return j
}

// save saves what is kept of the key in l.key before an item.
func (l *ledger) save(j *journal, at int, r *record, held bool) {
	from := int32(len(j.words))
	if held {
		j.words = l.spaces[j.space].plan.Save(&l.past.scratch[j.space], j.words, &r.kept)
	}
	j.states = append(j.states, state{int32(at), from, int32(len(j.words))})
	for _, n := range l.past.shown[j.space] {
		var t tail
		if r := l.trails[n].find(&l.key); r != nil {
			t = tail{r.events[:len(r.events):len(r.events)], r.last}
		}
		j.trails = append(j.trails, t)
	}
}

// rollBack makes what is kept of the key in l.key what it was in the k-th state, and
// forgets the states after it.
func (l *ledger) rollBack(j *journal, k int) {
	rs, s := l.spaces[j.space], j.states[k]
	r, held := rs.lookUp(j.key(), j.hash)
	if held {
		rs.change(&r)
	}
	rs.plan.Clear(&r.kept)
	j.forget(k)
	for i, n := range l.past.shown[j.space] {
		// A trail that is gone had nothing that an event at or after low sees.
		if r := l.trails[n].find(&l.key); r != nil {
			l.trails[n].change(r)
			t := j.trails[k*len(l.past.shown[j.space])+i]
			r.events, r.last = t.events, t.last
		}
	}
	if s.from == s.to {
		return
	}
	if !held {
		r = rs.create(j.key(), j.hash)
		rs.change(&r)
	}
	rs.plan.Load(&r.kept, j.words[s.from:s.to])
}

// refold applies the events from one to another again, which come next. The one at fresh has
// not been applied before; what is before it has its row already, and of events after it
// the row changes where it is the own key that was read. States are saved where an event
// can still come before. The key is in l.key.
func (l *ledger) refold(j *journal, from, to, fresh int) {
	rs := l.spaces[j.space]
	r, held := rs.lookUp(j.key(), j.hash)
	for i := from; i < to; i++ {
		e := j.items[i].event
		if (len(j.states) == 0 || e.Time >= l.past.passed) && j.due(i, e.Time, l.past.gap) {
			l.save(j, i, &r, held)
		}
		v := l.scheme.types[e.Type+1].visit(j.space)
		l.scope.Event, l.scope.Again = e, i != fresh
		if i >= fresh {
			l.relook(v.before, &r, e)
		}
		for _, f := range v.adds {
			held = l.again(f, e, j, &r, held)
		}
		if i >= fresh {
			l.relook(v.after, &r, e)
			for _, n := range v.shows {
				e.shown[n] = l.trails[n].seen(&l.key, e.origin)
			}
		}
	}
	l.scope.Event, l.scope.Again = nil, false
	if held && !r.waits() {
		rs.schedule(&r)
	}
}

// again adds the current event to a feature, if that counts it. held says whether there is
// a record.
func (l *ledger) again(f int32, e *Event, j *journal, r *record, held bool) bool {
	of, rs := l.scheme.rs.Features[f], l.spaces[j.space]
	if of.Where != nil && !of.Where(&l.scope) {
		return held
	}
	if held {
		rs.keep(r)
	}
	if l.refuses(f, &r.kept, held) {
		if !l.scope.Again {
			l.stats[f].Refused++
		}
		return held
	}
	if !held {
		*r = rs.create(j.key(), j.hash)
	}
	rs.change(r)
	if l.trails != nil {
		l.note(f, e)
	}
	over := rs.plan.Add(&r.kept, int(l.scheme.places[f].number), e.Time, l.item(of))
	if !l.scope.Again {
		l.stats[f].Events++
		if over {
			l.stats[f].Bound++
		}
	}
	return true
}

// relook reads features into the row of e: all if e has just come, else those of its own
// keys.
func (l *ledger) relook(reads []look, r *record, e *Event) {
	for _, x := range reads {
		if x.own || !l.scope.Again {
			l.look(&r.kept, x, e)
		}
	}
}

// before is a copy of the record of a key as it was before an item, with all that came
// before that; added, if it is not nil, is told of what features count since the state that
// it starts from. The copy is valid until the next.
func (l *ledger) before(j *journal, at int, added func(f int32, e *Event)) *feature.Record {
	rs := l.spaces[j.space]
	r := rs.plan.Empty(&l.past.scratch[j.space])
	if j.hold.holding && at == j.hold.done { // events since the last state may be gone
		if now, held := rs.lookUp(j.key(), j.hash); held {
			rs.plan.Load(r, rs.plan.Save(&l.past.scratch[j.space], nil, &now.kept))
		}
		return r
	}
	s := j.states[j.state(at)]
	if s.from < s.to {
		rs.plan.Load(r, j.words[s.from:s.to])
	}
	event, again := l.scope.Event, l.scope.Again
	l.scope.Again = true
	for _, x := range j.items[s.at:at] {
		l.scope.Event = x.event
		for _, f := range l.scheme.types[x.event.Type+1].visit(j.space).adds {
			if of := l.scheme.rs.Features[f]; (of.Where == nil || of.Where(&l.scope)) && !l.refuses(f, r, true) {
				rs.plan.Add(r, int(l.scheme.places[f].number), x.time, l.item(of))
				if added != nil {
					added(f, x.event)
				}
			}
		}
	}
	l.scope.Event, l.scope.Again = event, again
	return r
}

// glance reads a feature of a key into the row of e as of a time: the record may still be
// read as of an earlier one.
func (l *ledger) glance(kept *feature.Record, x look, e *Event, t int64) {
	place := l.scheme.places[x.feature]
	var it feature.Item
	if place.asks {
		it = l.item(l.scheme.rs.Features[x.feature])
	}
	v, rough := l.spaces[place.space].plan.Peek(&l.past.scratch[place.space], kept, int(place.number), t, it)
	if rough {
		l.stats[x.feature].Rough++
	}
	e.features.values[x.slot] = valueOf(v)
}

// bytes is about the memory that journals take.
func (p *past) bytes() int {
	n := cap(p.queue) * int(unsafe.Sizeof(lapse{}))
	for i := range p.spaces {
		js := &p.spaces[i]
		n += js.bytes()
		for _, j := range js.all {
			if j != nil {
				n += j.size()
			}
		}
	}
	return n
}

// visit is what events of the type do in a space; they do something.
func (s *sight) visit(space int32) *visit {
	for i := range s.visits {
		if s.visits[i].space == space {
			return &s.visits[i]
		}
	}
	panic("cep: an event stands in the journal of a key that it does not have")
}

// lend gives an event a row of its own for what it knows of features, in the memory of the
// one that it had, and a place for what rules show of them.
func (c *scheme) lend(e *Event) {
	st := &c.types[e.Type+1]
	values := e.features.values
	if cap(values) < st.size {
		values = make([]Value, st.size)
	}
	values = values[:st.size]
	clear(values)
	e.features = FeatureRow{&st.layout, values}
	if !st.shows {
		e.shown = nil
		return
	}
	if n := len(c.witnesses); cap(e.shown) < n {
		e.shown = make([][]shown, n)
	} else {
		e.shown = e.shown[:n]
		clear(e.shown)
	}
}
