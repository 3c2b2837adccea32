package cep

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"weir/cep/feature"
	"weir/cep/list"
)

// appendFeatureShape writes what the numbers of features, reads and lists mean.
func (g *Engine) appendFeatureShape(w *writer) {
	w.Uint(uint64(len(g.rs.Features)))
	for i, f := range g.rs.Features {
		w.Text(f.Name)
		for _, b := range g.books() {
			w.Int(int64(b.scheme.places[i].space))
		}
	}
	for _, b := range g.books() {
		c := b.scheme
		w.Uint(uint64(len(c.spaces)))
		for i := range c.spaces {
			w.Text(c.spaces[i].text)
			w.Text(c.spaces[i].plan.Shape())
		}
	}
	w.Uint(uint64(len(g.rs.Reads)))
	for _, r := range g.rs.Reads {
		w.Uint(uint64(r.Feature))
		w.Uint(uint64(len(r.Args)))
		w.Bool(r.Own)
	}
	w.Uint(uint64(len(g.rs.Lists)))
	for _, l := range g.rs.Lists {
		s := l.List.Spec()
		w.Text(l.Name)
		w.Byte(byte(s.Type))
		w.Byte(byte(s.Value))
	}
}

// book is the ledgers of a scheme, one for each shard.
type book struct {
	scheme  *scheme
	ledgers []*ledger
}

// books are all ledgers: of the events that are released, then, layer by layer, of the
// features that are kept twice.
func (g *Engine) books() []book {
	books := []book{{g.scheme, g.ledgers}}
	for i := range g.layers {
		b := book{scheme: g.layers[i].plan.timed}
		for _, s := range g.layers[i].shards {
			b.ledgers = append(b.ledgers, s.judge.moments.ledger)
		}
		books = append(books, b)
	}
	return books
}

// appendFeatures writes the records of features.
func (g *Engine) appendFeatures(w *writer) {
	for _, b := range g.books() {
		g.appendLedgers(w, b.scheme, b.ledgers)
	}
}

func (g *Engine) appendLedgers(w *writer, c *scheme, ledgers []*ledger) {
	for i := range c.spaces {
		plan := c.spaces[i].plan
		var all []keyed
		for _, l := range ledgers {
			for r := range l.spaces[i].all() {
				// What was read when is not to be seen in the bytes; nor is a record of which
				// nothing is left before its time has come, like a sum of 5 and -5.
				if !plan.Trim(&r.kept, l.lookedAt(i, l.spaces[i].text(r), g.order.low)) {
					all = append(all, keyed{l.spaces[i].text(r), r.kept})
				}
			}
		}
		slices.SortFunc(all, func(a, b keyed) int { return cmp.Compare(a.text, b.text) })
		w.Uint(uint64(len(all)))
		for j := range all {
			w.Text(all[j].text)
			w.B = plan.Append(w.B, &all[j].kept)
		}
	}
}

// keyed is what features keep of a key.
type keyed struct {
	text string
	kept feature.Record
}

func (g *Engine) readFeatures(r *reader) {
	for _, b := range g.books() {
		g.readLedgers(r, b.scheme, b.ledgers)
	}
}

func (g *Engine) readLedgers(r *reader, c *scheme, ledgers []*ledger) {
	for i := range c.spaces {
		plan := c.spaces[i].plan
		before := ""
		var key keyReader
		for range r.Count(1 + plan.Len()) {
			if text := r.lent(); text <= before || !key.split(text, len(c.spaces[i].key.Names)) {
				r.Fail()
				return
			} else {
				before = text
			}
			own := ledgers[key.hash()%uint64(len(ledgers))]
			rs := own.spaces[i]
			rs.expire(g.order.low) // so that the wheel stands where it stood
			text := key.joined()
			made := rs.create(text, hashOf(text))
			rest, err := plan.DecodeTo(&made.kept, r.Src)
			if err != nil {
				r.Fail()
				return
			}
			r.Src = rest
			if g.full {
				rs.change(&made)
			}
			if rs.faded(&made, g.order.low) { // since it was saved
				rs.drop(&made)
				continue
			}
			rs.schedule(&made)
			own.awaitAll(i, &made)
		}
	}
}

// appendTrails writes the latest events of keys: of each witness those that a reader of
// the time low sees, or of that of the last if it is later, as many as an alert shows.
func (g *Engine) appendTrails(w *writer, c *scheme, ledgers []*ledger) {
	for n := range c.witnesses {
		var all []*trail
		for _, l := range ledgers {
			for _, t := range l.trails[n].keys {
				if len(l.trails[n].witness.show(t.events, g.order.low)) > 0 { // a late event may have put them out
					all = append(all, t)
				}
			}
		}
		slices.SortFunc(all, func(a, b *trail) int { return cmp.Compare(a.text, b.text) })
		w.Uint(uint64(len(all)))
		for _, t := range all {
			w.trail(t.text, c.witnesses[n].show(t.events, g.order.low))
		}
	}
}

// trail writes the latest events of a key.
func (w *writer) trail(text string, events []shown) {
	w.Text(text)
	w.Uint(uint64(len(events)))
	for i := range events {
		w.shown(&events[i])
	}
}

// show leaves of the events of a key those that are shown to who looks at them next, as of
// low or of their last.
func (w *witness) show(events []shown, low int64) []shown {
	if n := len(events); n > 0 {
		return latest(w.window(events, max(low, events[n-1].time)))
	}
	return nil
}

func (g *Engine) readTrails(r *reader, c *scheme, ledgers []*ledger) {
	for n := range c.witnesses {
		f := c.witnesses[n].feature
		parts := len(g.rs.Features[f].Key.Names)
		before := ""
		for range r.Count(1 + 1 + leastShown) {
			var key keyReader
			text := r.Text()
			events := r.trail(g, &c.witnesses[n])
			if r.Bad || text <= before || !key.split(text, parts) {
				r.Fail()
				return
			}
			before = text
			t := &ledgers[key.hash()%uint64(len(ledgers))].trails[n]
			if events = t.witness.show(events, g.order.low); len(events) == 0 {
				continue // they have left the window since
			}
			made := t.create(&key)
			t.change(made)
			made.events = events
			t.schedule(made, events[len(events)-1].time)
		}
	}
}

// leastShown is the least number of bytes that an event of a trail takes.
const leastShown = 4

// trail reads the latest events of a key, all of which a reader of the time low sees.
func (r *reader) trail(g *Engine, w *witness) []shown {
	n := r.Count(leastShown)
	if n == 0 || n > mostShown {
		r.Fail()
		return nil
	}
	last := g.order.low
	if g.options.Order == EagerOrder {
		last = g.order.now
	}
	events := make([]shown, n)
	for i := range events {
		events[i] = shown{r.Int(), r.Text(), r.Text(), r.Uint()}
		if e := &events[i]; e.nth == 0 || e.time > last || i > 0 && e.time < events[i-1].time {
			r.Fail()
			return nil
		}
	}
	return events
}

// split makes k hold the key with a text, which has so many parts; false: it is no such
// text.
func (k *keyReader) split(text string, parts int) bool {
	k.parts = k.parts[:0]
	if parts == 1 {
		k.parts = append(k.parts, text)
		k.join()
		return text != ""
	}
	for rest := text; len(k.parts) < parts; {
		n, size := binary.Uvarint([]byte(rest))
		if size <= 0 || n == 0 || n > uint64(len(rest)-size) {
			return false
		}
		k.parts = append(k.parts, rest[size:size+int(n)])
		rest = rest[size+int(n):]
	}
	k.join()
	return string(k.bytes) == text
}

// appendLists writes the lists: in full where they have changed, else a hash of what
// they begin with.
func (g *Engine) appendLists(w *writer) {
	for i := range g.lists.now {
		g.appendList(w, i)
	}
}

func (g *Engine) appendList(w *writer, i int) {
	l, low := g.lists, int64(math.MinInt64)
	if g.order.started {
		low = g.order.low
	}
	w.Bool(l.own[i])
	if l.own[i] {
		w.B = l.now[i].AppendAt(w.B, low)
		w.B = l.past[i].AppendAt(w.B, low)
	} else {
		w.Bytes(l.begun(i))
	}
}

// saves reports whether a freeze saves a list: it has changed, or something of what it was is
// kept, and forgotten as time goes on.
func (l *Lists) saves(i int) bool {
	if !l.changed[i] {
		return false
	}
	l.changed[i] = !l.past[i].Empty()
	return true
}

func (g *Engine) readLists(r *reader) error {
	l := g.lists
	for i := range l.now {
		if l.own[i] = r.Bool(); !l.own[i] {
			if digest := r.Text(); !r.Bad && !bytes.Equal([]byte(digest), l.begun(i)) {
				if len(digest) != sha256.Size {
					r.Fail()
					return nil
				}
				return fmt.Errorf("cep: the state was made with other entries of the list %q", l.named[i].Name)
			}
			continue
		}
		read, rest, err := list.Decode(r.Src)
		if err != nil || r.Bad || read.Spec() != l.named[i].List.Spec() {
			r.Fail()
			return nil
		}
		l.now[i], r.Src = read, rest
		l.past[i], rest, err = list.DecodePast(read.Spec(), r.Src, g.order.low, list.Stamp{After: g.order.arrived, Time: g.order.now})
		if err != nil {
			r.Fail()
			return nil
		}
		r.Src = rest
		if p := &l.past[i]; !p.Empty() {
			l.oldest = min(l.oldest, p.Oldest())
		}
	}
	return nil
}
