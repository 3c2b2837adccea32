package cep

import "slices"

// In EagerOrder the fates that came of an item of a cell, and of time before it, stay with
// the item: when it is matched again they are taken back, and come again. They are settled
// once the watermark has passed them. What time brings up to the watermark is settled at
// once.

// took takes the fates that have just come.
func (n *nearMisses) took() []fate {
	fates := slices.Clone(n.fates)
	clear(n.fates)
	n.fates = n.fates[:0]
	return fates
}

// takeBack takes back the fates of the items of a cell that are to be matched again, but
// for those that came by time that has passed: these do not come again.
func (s *shard) takeBack(c *cell) {
	s.unmake(c.fates)
	c.fates = nil
	for i := c.from; i < c.hold.end(len(c.items)); i++ { // what is held back has none
		it := &c.items[i]
		s.unmake(it.fates())
		it.bringsFates(nil)
	}
}

// unmake takes back fates, whatever came first.
func (s *shard) unmake(fates []fate) {
	n := s.near
	for i := range fates {
		f := &fates[i]
		switch {
		case s.eager.stays(f.by, f.at):
			n.settled(fates[i : i+1])
		case f.count == after:
			f.miss.After = Seen{}
			n.watch(f.miss)
		case f.miss != nil:
			n.forget(f.miss)
		}
	}
}

// settleItems settles the fates of items that are not matched again.
func (n *nearMisses) settleItems(items []item) {
	for i := range items {
		n.settled(items[i].fates())
		items[i].bringsFates(nil)
	}
}

// returns reports whether what comes by an event, or by time (nil), at a moment has come
// before, and is not taken back: a key is only taken there again.
func (g *eager) returns(by *Event, at int64) bool {
	return g != nil && g.redoing && (g.settled || g.stays(by, at))
}

// stays reports whether what came by an event, or by time (nil), at a moment is not taken
// back when its item is matched again: it came by time that has passed.
func (g *eager) stays(by *Event, at int64) bool { return by == nil && at <= g.low }

// fates gives by rule and step what has been counted on all shards, and the latest 20
// examples. settled leaves out what may still be taken back; open then has the examples
// whose After may be.
func (g *Engine) fates(settled bool) (all [][]stepFates, open map[*miss]bool) {
	all, open = make([][]stepFates, len(g.rs.Rules)), map[*miss]bool{}
	for i, r := range g.rs.Rules {
		if r.counted() {
			all[i] = make([]stepFates, len(r.Program.Steps()))
		}
	}
	for s := range g.shards {
		for i, steps := range s.near.rules {
			for k := range steps {
				all[i][k].add(&steps[k])
			}
		}
		s.eachFate(func(f *fate, past bool) {
			switch {
			case settled && !past && f.count == after:
				open[f.miss] = true
			case f.count != after && (past || !settled):
				sf := &all[f.rule][f.step]
				*sf.counters()[f.count]++
				if f.miss != nil {
					sf.latest = append(sf.latest, f.miss)
				}
			}
		})
	}
	for _, steps := range all {
		for k := range steps {
			sf := &steps[k]
			slices.SortStableFunc(sf.latest, func(a, b *miss) int { return a.compare(&b.Miss) })
			sf.latest = sf.latest[max(0, len(sf.latest)-mostMisses):]
		}
	}
	return all, open
}

// add adds what another shard has counted.
func (sf *stepFates) add(o *stepFates) {
	for i, n := range o.counters() {
		*sf.counters()[i] += *n
	}
	sf.latest = append(sf.latest, o.latest...)
}

// eachFate calls visit with the fates that items have, and whether the watermark has
// passed them.
func (s *shard) eachFate(visit func(f *fate, past bool)) {
	if s.eager == nil {
		return
	}
	low := s.eager.low
	for k := range s.eager.cells {
		for c := range s.eager.cells[k].each {
			for i := range c.items {
				it := &c.items[i]
				past := it.time < low || it.event.stamp().compare(stamp{moment: low}) <= 0
				fates := it.fates()
				for j := range fates {
					f := &fates[j]
					visit(f, past || s.eager.stays(f.by, f.at))
				}
			}
		}
	}
}

// copyTo makes dst, whose memory it uses again where there is any, what k is.
func (k *keyNear) copyTo(dst *keyNear) *keyNear {
	if dst == nil {
		dst = new(keyNear)
	}
	last := dst.last
	*dst = *k
	if dst.last = nil; k.last == nil {
		return dst
	}
	if len(last) != len(k.last) {
		last = make([]passed, len(k.last))
	}
	for i := range k.last {
		text := append(last[i].text[:0], k.last[i].text...)
		last[i] = k.last[i]
		last[i].text = text
	}
	dst.last = last
	return dst
}
