package cep

import (
	"cmp"
	"slices"

	"weir/nfa"
)

// appendNear writes near misses, if they are counted.
func (g *Engine) appendNear(w *writer) {
	w.Bool(g.options.NearMisses)
	if !g.options.NearMisses {
		return
	}
	for i, r := range g.rs.Rules {
		if !r.counted() {
			continue
		}
		shards := g.layers[r.Layer].shards
		for k := range r.Program.Steps() {
			var counts StepCounts
			var latest []*miss
			for _, s := range shards {
				sf := &s.near.rules[i].steps[k]
				for c, n := range sf.counters() {
					*counts.counters()[c] += *n
				}
				latest = append(latest, sf.latest...)
			}
			for _, n := range counts.counters() {
				w.Uint(*n)
			}
			slices.SortStableFunc(latest, func(a, b *miss) int { return a.compare(&b.Miss) })
			latest = latest[shards[0].near.spent(latest):]
			w.Uint(uint64(len(latest)))
			for _, x := range latest {
				w.miss(x, g)
			}
		}
	}
	for i := range g.layers {
		g.appendPassed(w, &g.layers[i])
	}
}

func (w *writer) miss(x *miss, g *Engine) {
	for _, part := range x.Key {
		w.Text(part)
	}
	w.Int(x.Began)
	w.Int(x.At)
	w.Uint(uint64(x.Size))
	w.Uint(uint64(len(x.Captured)))
	for _, c := range x.Captured {
		w.seen(c)
	}
	w.Uint(uint64(len(x.Waited)))
	for _, name := range x.Waited {
		w.Uint(uint64(name))
	}
	w.seen(x.Before)
	w.seen(x.After)
	waits := x.waits(g.order.low)
	w.Bool(waits)
	if !waits {
		return
	}
	w.Int(x.until)
	w.Uint(uint64(len(x.caught)))
	for _, c := range x.caught {
		w.event(c.event, len(g.rs.Fields))
	}
}

// waits reports whether an event from low on can still be the After of a miss.
func (x *miss) waits(low int64) bool { return x.After.Place == 0 && x.until > low }

func (w *writer) seen(s Seen) {
	w.Uint(s.Place)
	if s.Place == 0 {
		return
	}
	w.Uint(uint64(s.Var))
	w.Int(s.Time)
	w.Text(s.Name)
}

// appendPassed writes what keys of a layer know of the latest events.
func (g *Engine) appendPassed(w *writer, l *layer) {
	type entry struct {
		ks *keyState
		st *ruleState
	}
	var all []entry
	for _, s := range l.shards {
		for _, table := range s.tables {
			for _, ks := range table {
				for i := range ks.rules {
					if ks.rules[i].near != nil {
						all = append(all, entry{ks, &ks.rules[i]})
					}
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.st.rule, b.st.rule), slices.Compare(a.ks.parts, b.ks.parts))
	})
	w.Uint(uint64(len(all)))
	for _, x := range all {
		w.Uint(uint64(x.st.rule))
		for _, part := range x.ks.parts {
			w.Text(part)
		}
		near := x.st.near
		w.Uint(near.until)
		w.Uint(uint64(near.step))
		w.Bool(near.last != nil)
		for i := range near.last {
			p := &near.last[i]
			w.Uint(p.place)
			if p.place > 0 {
				w.Int(p.time)
				w.Uint(p.nth)
				w.Bool(p.isID)
				w.Bytes(p.text)
			}
		}
	}
}

// readNear reads near misses. Where they are not asked for they are dropped; where they
// were not counted so far, the matches that are open count as ones that begin now.
func (g *Engine) readNear(r *reader) {
	wanted := g.options.NearMisses
	if !r.Bool() {
		if wanted && !r.Bad {
			g.beginAll()
		}
		return
	}
	for i, rule := range g.rs.Rules {
		if !rule.counted() {
			continue
		}
		l := &g.layers[rule.Layer]
		for k := range rule.Program.Steps() {
			var counts StepCounts
			for _, n := range counts.counters() {
				*n = r.Uint()
			}
			if wanted && !r.Bad {
				l.shards[0].near.rules[i].steps[k].StepCounts = counts
			}
			var before *miss
			n := r.Count(8)
			if n > mostMisses+mostOpenMisses {
				r.Fail()
			}
			for range n {
				x := r.miss(g, l, int32(i), int32(k))
				if r.Bad || before != nil && before.compare(&x.Miss) > 0 {
					r.Fail()
					return
				}
				if before = x; wanted {
					near := l.shardOf(x.Key).near
					near.keep(&near.rules[i].steps[k], x)
				}
			}
		}
	}
	for i := range g.layers {
		g.readPassed(r, &g.layers[i], wanted)
	}
}

// shardOf gives the shard that owns a key.
func (l *layer) shardOf(parts []string) *shard {
	var key keyReader
	key.set(parts)
	return l.shards[key.hash()%uint64(len(l.shards))]
}

func (r *reader) miss(g *Engine, l *layer, rule, step int32) *miss {
	x := &miss{rule: rule, step: step}
	var key keyReader
	for range l.plan.spaces[l.plan.home[rule]].parts() {
		key.parts = append(key.parts, r.Text())
	}
	key.join()
	x.Key, x.text = key.parts, key.copied()
	names := uint64(len(g.rs.Rules[rule].Names))
	x.Began, x.At, x.Size = r.Int(), r.Int(), int(r.Below(1<<31))
	place := uint64(0)
	for range r.Count(4) {
		s := r.seen(names)
		if s.Place <= place || s.Time < x.Began || s.Time > x.At {
			r.Fail()
			return x
		}
		place = s.Place
		x.Captured = append(x.Captured, s)
	}
	for range r.Count(1) {
		x.Waited = append(x.Waited, int(r.Below(names)))
	}
	x.Before, x.After = r.seen(names), r.seen(names)
	if len(x.Captured) != min(x.Size, mostCaught) || x.Size == 0 || x.At < x.Began || len(x.Waited) > int(names) {
		r.Fail()
	}
	if r.Bool() {
		x.until = r.Int()
		r.caught(g, x)
		if x.After.Place != 0 || x.until <= x.At || !x.waits(g.order.low) {
			r.Fail()
		}
	}
	return x
}

// caught reads the events that a miss captured: all, or none where no condition looks at
// them.
func (r *reader) caught(g *Engine, x *miss) {
	n := r.Count(leastEvent)
	if looks := g.rs.Rules[x.rule].looksBack(x.Waited); r.Bad || looks && n != x.Size || !looks && n != 0 {
		r.Fail()
		return
	}
	for i := range n {
		e := r.event(g)
		if r.Bad || i >= len(x.Captured) || e.Place != x.Captured[i].Place {
			r.Fail()
			return
		}
		x.caught = append(x.caught, catch{int32(x.Captured[i].Var), e})
	}
}

func (r *reader) seen(names uint64) Seen {
	s := Seen{Place: r.Uint()}
	if s.Place == 0 {
		return s
	}
	s.Var, s.Time, s.Name = int(r.Below(names)), r.Int(), r.Text()
	return s
}

func (g *Engine) readPassed(r *reader, l *layer, wanted bool) {
	for range r.Count(3) {
		rule := int32(r.Below(uint64(len(g.rs.Rules))))
		if r.Bad || l.plan.home[rule] < 0 || !g.rs.Rules[rule].counted() {
			r.Fail()
			return
		}
		space := l.plan.home[rule]
		var key keyReader
		for range l.plan.spaces[space].parts() {
			key.parts = append(key.parts, r.Text())
		}
		key.join()
		near := r.near(g.rs.Rules[rule].Program)
		ks := key.find(l.shards[key.hash()%uint64(len(l.shards))].tables[space])
		if r.Bad || ks == nil || ks.state(rule) == nil || ks.state(rule).runs.Empty() || ks.state(rule).near != nil {
			r.Fail()
			return
		}
		if wanted {
			ks.state(rule).near = near
		}
	}
}

func (r *reader) near(p *nfa.Program) *keyNear {
	near := &keyNear{until: r.Uint(), step: int(r.Below(uint64(len(p.Steps()))))}
	if !r.Bool() {
		return near
	}
	near.last = make([]passed, len(p.Awaited()))
	for i := range near.last {
		if x := &near.last[i]; !r.Bad {
			if x.place = r.Uint(); x.place > 0 {
				x.time, x.nth, x.isID, x.text = r.Int(), r.Uint(), r.Bool(), []byte(r.Text())
			}
		}
	}
	return near
}

// beginAll counts the matches that are open as ones that have just begun.
func (g *Engine) beginAll() {
	for i, r := range g.rs.Rules {
		if !r.counted() {
			continue
		}
		for _, s := range g.layers[r.Layer].shards {
			s.eachOpen(int32(i), func(step int) {
				sf := &s.near.rules[i].steps[step]
				sf.Began++
				sf.Reached++
			})
		}
	}
}
