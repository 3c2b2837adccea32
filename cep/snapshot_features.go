package cep

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"weir/cep/list"
)

// appendFeatureShape writes what the numbers of features, reads and lists mean.
func (g *Engine) appendFeatureShape(w *writer) {
	w.uint(uint64(len(g.rs.Features)))
	for i, f := range g.rs.Features {
		w.text(f.Name)
		w.int(int64(g.plan.sights.places[i].space))
		w.int(int64(g.plan.timed.places[i].space))
	}
	for _, c := range []*scheme{g.plan.sights, g.plan.timed} {
		w.uint(uint64(len(c.spaces)))
		for i := range c.spaces {
			w.text(c.spaces[i].text)
			w.text(c.spaces[i].plan.Shape())
		}
	}
	w.uint(uint64(len(g.rs.Reads)))
	for _, r := range g.rs.Reads {
		w.uint(uint64(r.Feature))
		w.uint(uint64(len(r.Args)))
	}
	w.uint(uint64(len(g.rs.Lists)))
	for _, l := range g.rs.Lists {
		s := l.List.Spec()
		w.text(l.Name)
		w.byte(byte(s.Type))
		w.byte(byte(s.Value))
	}
}

// appendFeatures writes the records of features, of those that are kept twice both.
func (g *Engine) appendFeatures(w *writer) {
	ledgers := make([]*ledger, len(g.shards))
	for i, s := range g.shards {
		ledgers[i] = s.ledger
	}
	g.appendLedgers(w, g.plan.sights, ledgers)
	for i, s := range g.shards {
		ledgers[i] = s.judge.moments.ledger
	}
	g.appendLedgers(w, g.plan.timed, ledgers)
}

func (g *Engine) appendLedgers(w *writer, c *scheme, ledgers []*ledger) {
	for i := range c.spaces {
		plan := c.spaces[i].plan
		var all []*record
		for _, l := range ledgers {
			for _, r := range l.spaces[i].keys {
				plan.Trim(&r.kept, g.order.low) // so that the bytes do not say what was read when
				all = append(all, r)
			}
		}
		slices.SortFunc(all, func(a, b *record) int { return cmp.Compare(a.text, b.text) })
		w.uint(uint64(len(all)))
		for _, r := range all {
			w.text(r.text)
			w.b = plan.Append(w.b, &r.kept)
		}
	}
}

func (g *Engine) readFeatures(r *reader) {
	g.readLedgers(r, g.plan.sights, func(s *shard) *ledger { return s.ledger })
	g.readLedgers(r, g.plan.timed, func(s *shard) *ledger { return s.judge.moments.ledger })
}

func (g *Engine) readLedgers(r *reader, c *scheme, of func(*shard) *ledger) {
	for i := range c.spaces {
		plan := c.spaces[i].plan
		before := ""
		for range r.count(1 + plan.Len()) {
			var key keyReader
			if text := r.text(); text <= before || !key.split(text, len(c.spaces[i].key.Names)) {
				r.fail()
				return
			} else {
				before = text
			}
			kept, rest, err := plan.Decode(r.src)
			if at, ok := plan.Deadline(&kept); err != nil || ok && at <= g.order.low {
				r.fail()
				return
			}
			r.src = rest
			rs := &of(g.shards[key.hash()%uint64(len(g.shards))]).spaces[i]
			made := rs.create(&key)
			made.kept = kept
			rs.schedule(made)
		}
	}
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
	l := g.lists
	if g.order.started {
		l.advance(g.order.low)
	}
	for i := range l.now {
		w.bool(l.own[i])
		if l.own[i] {
			w.b = l.now[i].Append(w.b)
		} else {
			w.bytes(l.begun(i))
		}
	}
}

func (g *Engine) readLists(r *reader) error {
	l := g.lists
	for i := range l.now {
		if l.own[i] = r.bool(); !l.own[i] {
			if digest := r.text(); !r.bad && !bytes.Equal([]byte(digest), l.begun(i)) {
				if len(digest) != sha256.Size {
					r.fail()
					return nil
				}
				return fmt.Errorf("cep: the state was made with other entries of the list %q", l.named[i].Name)
			}
			continue
		}
		read, rest, err := list.Decode(r.src)
		if err != nil || r.bad || read.Spec() != l.named[i].List.Spec() {
			r.fail()
			return nil
		}
		l.now[i], r.src = read, rest
	}
	return nil
}
