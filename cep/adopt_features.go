package cep

import (
	"cmp"
	"slices"
	"strings"

	"weir/cep/feature"
)

// move is a feature that goes on: its number in a record of the old Ruleset, and in one of
// the new.
type move struct{ from, to int }

// moves finds the features of a space of the new Ruleset that go on, by the space that they
// had. A space can have had several: only so many features share one.
func (a *adoption) moves(c *scheme, space int) (spaces []int, of map[int][]move) {
	of = map[int][]move{}
	for n, f := range c.spaces[space].features {
		if old := a.oldFeatures[f]; old >= 0 {
			place := a.from.scheme.places[old]
			of[int(place.space)] = append(of[int(place.space)], move{int(place.number), n})
			spaces = append(spaces, int(place.space))
		}
	}
	slices.Sort(spaces)
	return slices.Compact(spaces), of
}

// chunks are what features keep of a key, each as bytes; nil: nothing.
type chunks [][]byte

// take takes what a record of an old space has of features that go on.
func (c chunks) take(plan *feature.Plan, r *feature.Record, moves []move) (some bool) {
	for _, m := range moves {
		if b := plan.AppendFeature(nil, r, m.from); len(b) > 1 {
			c[m.to], some = b, true
		}
	}
	return some
}

// append writes the chunks as a record.
func (c chunks) append(w *writer) {
	for _, b := range c {
		if b == nil {
			b = []byte{0}
		}
		w.B = append(w.B, b...)
	}
}

// appendFeatures writes the records of the features that go on, in all books: those that are
// kept twice are the same between two calls of Step.
func (a *adoption) appendFeatures(w *writer) {
	for _, b := range a.to.books() {
		for i := range b.scheme.spaces {
			a.appendRecords(w, b.scheme, i, a.eachRecord)
		}
	}
}

// appendRecords writes a space of a scheme of the new Ruleset, of the records of old spaces
// that each yields.
func (a *adoption) appendRecords(w *writer, c *scheme, space int, each func(space int, yield func(text string, r *feature.Record))) {
	spaces, of := a.moves(c, space)
	rows := map[string]chunks{}
	for _, old := range spaces {
		plan := a.from.scheme.spaces[old].plan
		each(old, func(text string, r *feature.Record) {
			row := rows[text]
			if row == nil {
				row = make(chunks, len(c.spaces[space].features))
			}
			if row.take(plan, r, of[old]) {
				rows[strings.Clone(text)] = row
			}
		})
	}
	w.Uint(uint64(len(rows)))
	for _, text := range sortedTexts(rows) {
		w.Text(text)
		rows[text].append(w)
	}
}

func sortedTexts[T any](of map[string]T) []string {
	texts := make([]string, 0, len(of))
	for text := range of {
		texts = append(texts, text)
	}
	slices.Sort(texts)
	return texts
}

// eachRecord yields the records of a space.
func (a *adoption) eachRecord(space int, yield func(text string, r *feature.Record)) {
	plan, low := a.from.scheme.spaces[space].plan, a.from.order.low
	for _, l := range a.from.ledgers {
		for r := range l.spaces[space].all() {
			text := l.spaces[space].text(r)
			if !plan.Trim(&r.kept, l.lookedAt(space, text, low)) {
				yield(text, &r.kept)
			}
		}
	}
}

// appendSettled writes the records of the features that ends of windows bring into play: they
// have counted the events that no other can precede.
func (a *adoption) appendSettled(w *writer) {
	c := a.to.settled[0].scheme
	for i := range c.spaces {
		a.appendRecords(w, c, i, a.eachSettled)
	}
}

func (a *adoption) eachSettled(space int, yield func(text string, r *feature.Record)) {
	plan, low, ready := a.from.scheme.spaces[space].plan, a.from.order.low, a.to.order.ready()
	for _, l := range a.from.ledgers {
		rs, js := l.spaces[space], &l.past.spaces[space]
		for r := range rs.all() {
			text := rs.text(r)
			if j := js.find(text, hashOf(text)); j != nil && j.since(low) < len(j.items) {
				continue
			}
			if !plan.Trim(&r.kept, low) {
				yield(text, &r.kept)
			}
		}
		for j := range js.each {
			if j.since(low) == len(j.items) {
				continue
			}
			if r := l.upTo(j, ready); !plan.Trim(r, low) {
				yield(j.key(), r)
			}
		}
	}
}

// upTo is a copy of the record of a key with the events of times up to t, also of those that
// the key holds back. It is valid until the next.
func (l *ledger) upTo(j *journal, t int64) *feature.Record {
	at := len(j.items)
	if t < never {
		at = j.since(t + 1)
	}
	from := j.hold.end(at)
	r := l.before(j, from, nil)
	l.scope.Again = true
	for _, x := range j.items[from:at] {
		l.scope.Event = x.event
		for _, f := range l.scheme.types[x.event.Type+1].visit(j.space).adds {
			if of := l.scheme.rs.Features[f]; of.Where == nil || of.Where(&l.scope) {
				l.spaces[j.space].plan.Add(r, int(l.scheme.places[f].number), x.time, l.item(of))
			}
		}
	}
	l.scope.Event, l.scope.Again = nil, false
	return r
}

// moveTrails carries on the latest events of features that rules of both Rulesets show, from
// the ledgers of one scheme to one of another.
func (a *adoption) moveTrails(to *scheme, into *ledger, from *scheme, ledgers []*ledger) {
	var key keyReader
	for n := range to.witnesses {
		f := to.witnesses[n].feature
		if a.oldFeatures[f] < 0 || from.witness[a.oldFeatures[f]] < 0 {
			continue
		}
		old := from.witness[a.oldFeatures[f]]
		for _, l := range ledgers {
			for text, t := range l.trails[old].keys {
				if key.split(text, len(a.to.rs.Features[f].Key.Names)) {
					into.trails[n].create(&key).events = t.events
				}
			}
		}
	}
}

// oldWitness is the number that a witness had; -1: it was none, or does not go on.
func (a *adoption) oldWitness(n int) int32 {
	old := a.oldFeatures[a.to.scheme.witnesses[n].feature]
	if old < 0 {
		return -1
	}
	return a.from.scheme.witness[old]
}

// kin is the journal of a key in an old space.
type kin struct {
	ledger *ledger
	*journal
}

// appendJournals writes the journals of the keys of features that go on.
func (a *adoption) appendJournals(w *writer) {
	low := a.from.order.low
	for i := range a.to.scheme.spaces {
		spaces, of := a.moves(a.to.scheme, i)
		all := map[string][]kin{}
		for _, old := range spaces {
			for _, l := range a.from.ledgers {
				for j := range l.past.spaces[old].each {
					if j.since(low) < len(j.items) || j.hold.holding {
						all[j.key()] = append(all[j.key()], kin{l, j})
					}
				}
			}
		}
		entries := map[string][]*Event{}
		for text, kins := range all {
			if events := a.entries(kins, i); len(events) > 0 || kins[0].hold.holding && len(spaces) == 1 {
				entries[text] = events
			}
		}
		w.Uint(uint64(len(entries)))
		for _, text := range sortedTexts(entries) {
			a.appendJournal(w, i, text, all[text], spaces, of, entries[text])
		}
	}
}

// entries are the events of the journals of a key that one of the new space has.
func (a *adoption) entries(kins []kin, space int) []*Event {
	var events []*Event
	for _, k := range kins {
		for _, x := range k.items[k.since(a.from.order.low):] {
			if a.visits(x.event, space) {
				events = append(events, x.event)
			}
		}
	}
	if len(kins) > 1 {
		slices.SortFunc(events, func(x, y *Event) int {
			return cmp.Or(cmp.Compare(x.Time, y.Time), cmp.Compare(x.Seq, y.Seq), cmp.Compare(x.origin, y.origin))
		})
		events = slices.Compact(events)
	}
	return events
}

func (a *adoption) visits(e *Event, space int) bool {
	visits := a.to.scheme.types[a.types[e.Type+1]+1].visits
	return slices.ContainsFunc(visits, func(v visit) bool { return int(v.space) == space })
}

func (a *adoption) appendJournal(w *writer, space int, text string, kins []kin, spaces []int, of map[int][]move, events []*Event) {
	low := a.from.order.low
	w.Text(text)
	a.appendHold(w, kins, space, len(spaces) == 1)
	row := make(chunks, len(a.to.scheme.spaces[space].features))
	for _, old := range spaces {
		plan := a.from.scheme.spaces[old].plan
		if r := a.first(kins, old, text); r != nil {
			plan.Trim(r, low)
			row.take(plan, r, of[old])
		}
	}
	row.append(w)
	for _, n := range a.to.ledgers[0].past.shown[space] {
		tail := a.tail(kins, int(n), text)
		w.Uint(uint64(len(tail)))
		for i := range tail {
			w.shown(&tail[i])
		}
	}
	w.Uint(uint64(len(events)))
	for _, e := range events {
		w.Uint(e.origin)
	}
}

// appendHold writes whether a journal holds back. Where features of several spaces come to
// share one, it does not: that they held back at different places cannot be said.
func (a *adoption) appendHold(w *writer, kins []kin, space int, alone bool) {
	b := backlog{}
	for _, k := range kins {
		b.used = max(b.used, k.hold.used)
	}
	if !alone || !kins[0].hold.holding {
		w.hold(&b, 0)
		return
	}
	k := kins[0]
	b = k.hold
	b.done = 0
	for _, x := range k.items[min(k.since(a.from.order.low), k.hold.done):k.hold.end(len(k.items))] {
		if x.time >= a.from.order.low && a.visits(x.event, space) {
			b.done++
		}
	}
	w.hold(&b, 0)
}

// first is what features of an old space kept of a key before the first event that a late one
// can precede; nil: nothing. It is valid until the next.
func (a *adoption) first(kins []kin, space int, text string) *feature.Record {
	for _, k := range kins {
		if int(k.space) == space {
			return k.ledger.before(k.journal, k.since(a.from.order.low), nil)
		}
	}
	l := a.ledgerOf(space, text)
	if r, ok := l.spaces[space].lookUp(text, hashOf(text)); ok {
		return &r.kept
	}
	return nil
}

// ledgerOf is the ledger that has a key.
func (a *adoption) ledgerOf(space int, text string) *ledger {
	var key keyReader
	if !key.split(text, len(a.from.scheme.spaces[space].key.Names)) {
		panic("cep: a record whose key is none")
	}
	return a.from.ledgers[key.hash()%uint64(len(a.from.ledgers))]
}

// tail is what a witness had of a key then.
func (a *adoption) tail(kins []kin, n int, text string) []shown {
	old, low := a.oldWitness(n), a.from.order.low
	if old < 0 {
		return nil
	}
	of := &a.from.scheme.witnesses[old]
	space := a.from.scheme.places[of.feature].space
	for _, k := range kins {
		if k.space == space {
			i := slices.Index(k.ledger.past.shown[space], old)
			return latest(of.window(k.ledger.tailOf(k.journal, k.since(low), i), low))
		}
	}
	if t := a.ledgerOf(int(space), text).trails[old].keys[text]; t != nil {
		return latest(of.window(t.events, low))
	}
	return nil
}
