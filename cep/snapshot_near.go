package cep

import "weir/nfa"

// appendNear writes what is counted of steps, and examples, if near misses are counted. In
// EagerOrder it leaves out what can be taken back.
func (g *Engine) appendNear(w *writer) {
	if !g.options.NearMisses {
		return
	}
	all, open := g.fates(true)
	for _, steps := range all {
		for k := range steps {
			sf := &steps[k]
			for _, n := range sf.counters() {
				w.Uint(*n)
			}
			w.Uint(uint64(len(sf.latest)))
			for _, x := range sf.latest {
				shown := *x
				if open[x] {
					shown.After = Seen{}
				}
				w.miss(&shown, g)
			}
		}
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
func (x *miss) waits(low int64) bool { return x.After.Name == "" && x.until > low }

func (w *writer) seen(s Seen) {
	w.Text(s.Name)
	if s.Name == "" {
		return
	}
	w.Uint(uint64(s.Var))
	w.Int(s.Time)
}

// near writes what is kept of a rule under a key while a match is open; nil: nothing.
func (w *writer) near(near *keyNear) {
	w.Bool(near != nil)
	if near == nil {
		return
	}
	w.Uint(near.until)
	w.Uint(uint64(near.step))
	w.Bool(near.last != nil)
	for i := range near.last {
		p := &near.last[i]
		w.Uint(p.number)
		if p.number > 0 {
			w.Int(p.time)
			w.Uint(p.nth)
			w.Bool(p.isID)
			w.Bytes(p.text)
		}
	}
}

// readNear reads near misses. Where they are not asked for they are dropped; where they
// were not counted so far, the matches that are open count as ones that begin now.
func (g *Engine) readNear(r *reader, counted bool) {
	wanted := g.options.NearMisses
	if !counted {
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
				l.shards[0].near.rules[i][k].StepCounts = counts
			}
			var before *miss
			n := r.Count(8)
			if n > mostMisses {
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
					near.watch(x)
					near.keep(&near.rules[i][k], x)
				}
			}
		}
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
	for range r.Count(3) {
		s := r.seen(names)
		if r.Bad || s.Name == "" {
			r.Fail()
			return x
		}
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
		if x.until <= x.At || !x.waits(g.order.low) {
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
		if r.Bad || i >= len(x.Captured) || e.Time != x.Captured[i].Time {
			r.Fail()
			return
		}
		x.caught = append(x.caught, catch{int32(x.Captured[i].Var), e})
	}
}

func (r *reader) seen(names uint64) Seen {
	s := Seen{Name: r.Text()}
	if s.Name != "" {
		s.Var, s.Time = int(r.Below(names)), r.Int()
	}
	return s
}

// near reads what is kept of a rule under a key, whose events have numbers up to most.
func (r *reader) near(p *nfa.Program, most uint64) *keyNear {
	if !r.Bool() {
		return nil
	}
	if p == nil || !p.Leads() {
		r.Fail()
		return nil
	}
	near := &keyNear{until: r.Uint(), step: int(r.Below(uint64(len(p.Steps()))))}
	r.Bad = r.Bad || near.until > most
	if !r.Bool() {
		return near
	}
	near.last = make([]passed, len(p.Awaited()))
	for i := range near.last {
		if x := &near.last[i]; !r.Bad {
			if x.number = r.Uint(); x.number > 0 {
				x.time, x.nth, x.isID, x.text = r.Int(), r.Uint(), r.Bool(), []byte(r.Text())
			}
			r.Bad = r.Bad || x.number > most
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
				sf := &s.near.rules[i][step]
				sf.Began++
				sf.Reached++
			})
		}
	}
}
