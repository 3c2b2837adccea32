package cep

import "weir/cep/feature"

// ledger keeps the features of the keys of one shard. It goes over all events, in
// processing order; those of other shards' keys it passes over.
type ledger struct {
	scheme *scheme
	number int
	shards int

	spaces []*records     // by featureSpace
	stats  []FeatureStats // by Ruleset.Features
	key    keyReader
	scope  Scope

	near    int       // bytes of records up to which none are touched ahead
	touched []touched // records of events to come
	texts   []byte    // their keys with several parts
	reached reached   // what they lead to

	open   []ends           // windows whose end rules wait for, by scheme.closing
	ended  []ended          // of the block, in the order of time
	own    keyReader        // the key of the window that has ended
	closed []feature.Closed // of the record that is looked at
	row    []Value
	buf    []byte
	traced bool // windows that are no match are kept too: they are told of

	trails []trails // by scheme.witnesses
	noted  uint64   // Event.origin of the event that was copied last
	copy   shown

	past *past // nil: no event comes late

	epoch    *epoch // nil: there are no freezes
	journals changed[*journal]
	section  int // of the journals of the first space

	budget *budget // nil: nothing is closed
}

func newLedger(c *scheme, lists *Lists, number, shards int) *ledger {
	l := &ledger{scheme: c, number: number, shards: shards, near: near, scope: Scope{Lists: lists}}
	for i := range c.spaces {
		l.spaces = append(l.spaces, newRecords(c.spaces[i].plan))
	}
	l.open = make([]ends, len(c.closing))
	for i, of := range c.closing {
		l.open[i].init(of.size)
	}
	for i := range c.witnesses {
		l.trails = append(l.trails, trails{witness: &c.witnesses[i], keys: map[string]*trail{}})
	}
	l.stats = make([]FeatureStats, len(c.rs.Features), len(c.rs.Features)+cacheLines/32)
	return l
}

// observe folds events in processing order and then moves time on. It is the first
// phase: no rule has seen the events yet, and it looks at nothing that rules change.
func (l *ledger) observe(events []*Event, until int64) {
	if l.past != nil {
		l.past.begin(until, until)
		l.expire(until)
	}
	for len(events) > 0 {
		few := events[:min(ahead, len(events))]
		events = events[len(few):]
		l.fetch(few)
		met := l.touched
		for _, e := range few {
			if l.past != nil {
				l.letGo(e.origin, e.low)
			}
			n := len(l.scheme.types[e.Type+1].visits)
			l.fold(e, met[:n])
			met = met[n:]
		}
	}
	l.expire(until)
}

// fold takes an event in: what is read before it, then the event itself, then what is
// read after it. The values go into the event's row, each slot of which one shard
// writes. Of each visit met has what was touched ahead; or it is nil.
func (l *ledger) fold(e *Event, met []touched) {
	st := &l.scheme.types[e.Type+1]
	if st.idle() {
		return
	}
	if l.past != nil {
		l.past.begin(e.Time, l.past.low)
	} else {
		l.expire(e.Time)
	}
	l.scope.Event = e
	for i := range st.before {
		l.ask(&st.before[i], e)
	}
	for i := range st.visits {
		var x *touched
		if met != nil && met[i].records != nil {
			x = &met[i]
		}
		l.visit(&st.visits[i], e, x)
	}
	for i := range st.after {
		l.ask(&st.after[i], e)
	}
	l.scope.Event = nil
}

// visit updates and reads the features of the key that e has in a space. x is what was
// touched ahead of it, or nil.
func (l *ledger) visit(v *visit, e *Event, x *touched) {
	if x == nil || l.trails != nil {
		if !l.key.read(v.fields, e) {
			if l.number == 0 {
				l.unkeyed(v, e)
			}
			return
		}
		if !l.mine() {
			return
		}
	}
	rs := l.spaces[v.space]
	var r record
	var text string
	var hash uint64
	var found bool
	if x != nil {
		text, hash = x.text, x.hash
		r, found = rs.met(x)
	} else {
		text = l.key.joined()
		hash = hashOf(text)
		r, found = rs.lookUp(text, hash)
	}
	if found {
		rs.keep(&r)
	}
	if l.past != nil {
		if j := l.enter(v.space, e, text, hash, &r, found); j.hold.holding {
			l.pass(j, v, e, &r)
			return
		}
	}
	for _, x := range v.before {
		l.look(&r.kept, x, e)
	}
	held := found
	for _, i := range v.adds {
		f := l.scheme.rs.Features[i]
		if f.Where != nil && !f.Where(&l.scope) {
			continue
		}
		if l.refuses(i, &r.kept, held) {
			l.stats[i].Refused++
			continue
		}
		if !held {
			r, held = rs.create(text, hash), true
		}
		rs.change(&r)
		l.stats[i].Events++
		if l.trails != nil {
			l.note(i, e)
		}
		of := l.scheme.closers[i]
		opens := of != nil && !of.isOpen(rs, &r)
		if rs.plan.Add(&r.kept, int(l.scheme.places[i].number), e.Time, l.item(f)) {
			l.stats[i].Bound++
		}
		if opens {
			l.await(of, &r)
		}
	}
	if held && (!found || rs.mixed && !r.waits()) && !rs.schedule(&r) {
		r = record{}
	}
	for _, x := range v.after {
		l.look(&r.kept, x, e)
	}
	for _, n := range v.shows {
		e.shown[n] = l.trails[n].seen(&l.key, e.origin)
	}
}

// ask reads a feature of a key that is worked out.
func (l *ledger) ask(a *ask, e *Event) {
	l.scope.Again = l.number > 0
	keyed := l.workOut(a)
	l.scope.Again = false
	if !keyed {
		if l.number == 0 {
			e.features.values[a.slot] = Value{}
		}
		return
	}
	if l.mine() {
		rs := l.spaces[l.scheme.places[a.feature].space]
		r, found := rs.find(&l.key)
		if l.past != nil {
			l.glance(&r.kept, a.look, e, l.past.now)
			return
		}
		if found {
			rs.keep(&r)
		}
		l.look(&r.kept, a.look, e)
	}
}

// workOut works out the key that is asked for; false: there is none. Each shard does, to
// see whose it is.
func (l *ledger) workOut(a *ask) bool {
	l.key.parts = l.key.parts[:0]
	for _, arg := range a.args {
		part := arg(&l.scope)
		text, ok := part.KeyText()
		if !ok {
			return false
		}
		l.key.parts = append(l.key.parts, text)
	}
	l.key.join()
	return true
}

// look reads a feature of a key into the row of e.
func (l *ledger) look(kept *feature.Record, x look, e *Event) {
	place := l.scheme.places[x.feature]
	var item feature.Item
	if place.asks {
		item = l.item(l.scheme.rs.Features[x.feature])
	}
	v, rough := l.spaces[place.space].plan.Read(kept, int(place.number), e.Time, item)
	if rough && !l.scope.Again {
		l.stats[x.feature].Rough++
	}
	e.features.values[x.slot] = valueOf(v)
}

// item is what a feature takes of the current event.
func (l *ledger) item(f *Feature) feature.Item {
	if f.Value == nil {
		return feature.Item{}
	}
	if f.Field > 0 { // a call of Value took 18 ns instead of 8, for each feature
		if v := l.scope.Event.Field(f.Field - 1); v.Kind < List {
			return itemOf(v)
		}
	}
	v := f.Value(&l.scope)
	return itemOf(&v)
}

// unkeyed is the visit of an event that has no key.
func (l *ledger) unkeyed(v *visit, e *Event) {
	for _, i := range v.adds {
		l.stats[i].NoKey++
	}
	for _, x := range v.before {
		e.features.values[x.slot] = Value{}
	}
	for _, x := range v.after {
		e.features.values[x.slot] = Value{}
	}
}

// mine reports whether the key that was read is one of the shard's.
func (l *ledger) mine() bool {
	return l.shards == 1 || l.key.hash()%uint64(l.shards) == uint64(l.number)
}

// expire ends the windows that are reported and drops the records of which nothing is
// left at t.
func (l *ledger) expire(t int64) {
	if len(l.open) > 0 {
		l.end(t)
	}
	for i := range l.trails {
		l.trails[i].expire(t)
	}
	l.drop(t)
}

// drop drops the records of which nothing is left at t.
func (l *ledger) drop(t int64) {
	for i := range l.spaces {
		l.spaces[i].expire(t)
	}
}

// bytes is about the memory that the records take.
func (l *ledger) bytes() int {
	n := 0
	for _, rs := range l.spaces {
		n += rs.bytes()
	}
	for i := range l.trails {
		n += l.trails[i].bytes()
	}
	if l.past != nil {
		n += l.past.bytes()
	}
	return n
}

// slotBytes is about what a table of keys takes of an entry: a string, a pointer, and
// what is free.
const slotBytes = 32
