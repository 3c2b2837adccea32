package cep

import (
	"cmp"
	"math"
	"slices"
)

// appendPast writes the journals of ledgers: of each key what was kept of it before its
// first event at or after low, and those events by their numbers. The same events give the
// same bytes, wherever states were saved.
func appendPast(w *writer, ledgers []*ledger, low int64, number func(*Event) uint64) {
	type kept struct {
		ledger  *ledger
		journal *journal
	}
	for i := range ledgers[0].spaces {
		var all []kept
		for _, l := range ledgers {
			for j := range l.past.spaces[i].each {
				if j.since(low) < len(j.items) || j.hold.holding {
					all = append(all, kept{l, j})
				}
			}
		}
		slices.SortFunc(all, func(a, b kept) int { return cmp.Compare(a.journal.key(), b.journal.key()) })
		w.Uint(uint64(len(all)))
		for _, x := range all {
			x.ledger.appendJournal(w, x.journal, low, number)
		}
	}
}

func (l *ledger) appendJournal(w *writer, j *journal, low int64, number func(*Event) uint64) {
	plan, first := l.spaces[j.space].plan, j.since(low)
	w.Text(j.key())
	w.hold(&j.hold, first)
	r := l.before(j, first, nil)
	plan.Trim(r, low)
	w.B = plan.Append(w.B, r)
	for i, n := range l.past.shown[j.space] {
		events := latest(l.scheme.witnesses[n].window(l.tailOf(j, first, i), low))
		w.Uint(uint64(len(events)))
		for i := range events {
			w.shown(&events[i])
		}
	}
	w.Uint(uint64(len(j.items) - first))
	for _, x := range j.items[first:] {
		w.Uint(number(x.event))
	}
}

// tailOf is what the trail of a witness, the i-th of the space, had before an item.
func (l *ledger) tailOf(j *journal, at, i int) []shown {
	n := l.past.shown[j.space][i]
	if j.hold.holding && at == j.hold.done {
		l.key.split(j.key(), len(l.scheme.spaces[j.space].key.Names))
		return l.trails[n].events(&l.key)
	}
	k := j.state(at)
	events := j.trails[k*len(l.past.shown[j.space])+i].events
	of := int32(l.scheme.witnesses[n].feature)
	l.before(j, at, func(f int32, e *Event) {
		if f == of {
			events = append(events, shown{time: e.Time, raw: e.Raw, id: e.ID, nth: e.nth})
		}
	})
	return events
}

// lookedAt is the time before which nobody looks at the record of a key: low, or that of
// its last event, if events may come late. One that comes before that finds what was saved.
func (l *ledger) lookedAt(space int, text string, low int64) int64 {
	if l.past == nil {
		return low
	}
	if j := l.past.spaces[space].find(text, hashOf(text)); j != nil {
		if n := j.hold.end(len(j.items)); n > 0 {
			return max(low, j.items[n-1].time)
		}
	}
	return low
}

// hold writes whether a journal holds back, and from where on of the items from first on.
func (w *writer) hold(b *backlog, first int) {
	w.Bool(b.holding)
	if b.holding {
		w.Int(b.calm)
		w.Uint(uint64(b.done - first))
	} else {
		w.Uint(uint64(b.used))
	}
}

func (r *reader) hold(p *past, now int64) backlog {
	if !r.Bool() {
		return backlog{used: int(r.Below(uint64(p.again) + 1))}
	}
	b := backlog{holding: true, calm: r.Int(), done: int(r.Below(math.MaxInt32))}
	if b.calm < p.low || b.calm > now {
		r.Fail()
	}
	return b
}

func (w *writer) shown(e *shown) {
	w.Int(e.time)
	w.Text(e.raw)
	w.Text(e.id)
	w.Uint(e.nth)
}

// readPast reads what appendPast wrote, into ledgers that have their records and trails.
// event gives an event by its number, nil if there is none; what it knows of features is
// read already, but for what rules show.
func readPast(r *reader, ledgers []*ledger, low, now int64, event func(number uint64) *Event) {
	c := ledgers[0].scheme
	for _, l := range ledgers {
		l.past.begin(low, low)
		l.past.passed = low
		l.expire(low)
	}
	for i := range c.spaces {
		least := 4 + c.spaces[i].plan.Len() + len(ledgers[0].past.shown[i])
		before := ""
		for range r.Count(least) {
			var key keyReader
			text := r.Text()
			if r.Bad || text <= before || !key.split(text, len(c.spaces[i].key.Names)) {
				r.Fail()
				return
			}
			before = text
			l := ledgers[key.hash()%uint64(len(ledgers))]
			l.key = key
			l.readJournal(r, int32(i), text, now, event)
			if r.Bad {
				return
			}
		}
	}
}

// readJournal reads the journal of the key in l.key and applies its events again.
func (l *ledger) readJournal(r *reader, space int32, text string, now int64, event func(number uint64) *Event) {
	p, plan := l.past, l.spaces[space].plan
	hold := r.hold(p, now)
	rec := plan.Empty(&p.scratch[space])
	rest, err := plan.DecodeTo(rec, r.Src)
	if err != nil {
		r.Fail()
		return
	}
	r.Src = rest
	j := newJournal(&p.spaces[space], space, text, hashOf(text))
	l.change(j)
	j.hold = hold
	switch at, empties := plan.Deadline(rec); {
	case at != math.MinInt64 && at <= p.low:
		r.Fail()
	case at != math.MinInt64 || !empties:
		j.words = plan.Save(&p.scratch[space], j.words, rec)
	}
	j.states = append(j.states, state{to: int32(len(j.words))})
	for _, n := range p.shown[space] {
		j.trails = append(j.trails, tail{events: r.tail(&l.scheme.witnesses[n], p.low)})
	}
	r.items(l, j, event)
	if r.Bad {
		return
	}
	l.rollBack(j, 0)
	l.refold(j, 0, j.hold.end(len(j.items)), -1)
	if n := len(j.items); n > 0 {
		p.latest = max(p.latest, j.items[n-1].time)
	}
	if hold.holding {
		p.latest = max(p.latest, hold.calm)
		p.holding = append(p.holding, j)
	}
	p.await(j)
}

// tail reads the latest events of a key before low, all of which a reader of that time
// sees.
func (r *reader) tail(w *witness, low int64) []shown {
	n := r.Count(leastShown)
	if n > mostShown {
		r.Fail()
	}
	var events []shown
	for i := range n {
		e := shown{r.Int(), r.Text(), r.Text(), r.Uint()}
		if r.Bad || e.nth == 0 || e.time >= low || i > 0 && e.time < events[i-1].time {
			r.Fail()
			return nil
		}
		events = append(events, e)
	}
	if len(w.window(events, low)) < len(events) {
		r.Fail()
	}
	return events
}

// items reads the events of a journal, which have the key in l.key.
func (r *reader) items(l *ledger, j *journal, event func(number uint64) *Event) {
	n := r.Count(1)
	if n == 0 && !j.hold.holding || j.hold.done > n {
		r.Fail()
	}
	var key keyReader
	for i := range n {
		e := event(r.Uint())
		if r.Bad || e == nil || e.Time < l.past.low || i > 0 && !j.items[i-1].event.earlier(e) {
			r.Fail()
			return
		}
		st := &l.scheme.types[e.Type+1]
		at := slices.IndexFunc(st.visits, func(v visit) bool { return v.space == j.space })
		if at < 0 || !key.read(st.visits[at].fields, e) || key.joined() != j.key() {
			r.Fail()
			return
		}
		l.scheme.fit(e)
		j.items = append(j.items, entry{e.Time, e})
	}
}

// fit gives an event that has been read back a row in which its features stand where the
// ledger writes them.
func (c *scheme) fit(e *Event) {
	st := &c.types[e.Type+1]
	if e.features.layout == &st.layout {
		return
	}
	read := e.features
	e.features = FeatureRow{}
	c.lend(e)
	for id, slot := range st.layout.slot {
		if slot >= 0 {
			e.features.values[slot] = *read.value(ReadID(id))
		}
	}
}
