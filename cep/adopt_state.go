package cep

import (
	"encoding/binary"
	"hash/crc32"
	"maps"
	"slices"
	"strings"
)

// state is the state of the engine in the numbers of the other Ruleset, as Engine.Append
// writes it. What is kept by key stands in a.to while it is written.
func (a *adoption) state() []byte {
	g, to := a.from, a.to
	a.clock()
	var w writer
	to.appendHead(&w)
	to.appendHeld(&w)
	g.appendLog(&w)
	g.ids.append(&w)
	a.stats()
	to.appendStats(&w)
	w.Bool(g.options.NearMisses)
	a.appendKeys(&w)
	a.moveRisks()
	to.appendRisks(&w)
	if to.eager() {
		a.appendLeft(&w)
	}
	a.appendFeatures(&w)
	a.moveTrails(to.scheme, to.ledgers[0], g.scheme, g.ledgers)
	to.appendTrails(&w, to.scheme, to.ledgers)
	to.appendLists(&w)
	a.appendNear(&w)
	if to.eager() {
		a.appendEager(&w)
	}
	return binary.LittleEndian.AppendUint32(w.B, crc32.Checksum(w.B, castagnoli))
}

// clock carries on event time and the events that wait. With another order they are left out:
// no rule sees them any more.
func (a *adoption) clock() {
	g, to := a.from, a.to
	to.order.started, to.order.now, to.order.low, to.order.arrived = g.order.started, g.order.now, g.order.low, g.order.arrived
	to.place = g.place
	for i := range to.layers {
		if i < len(g.layers) {
			to.layers[i].last = g.layers[i].last
		}
	}
	to.same = g.same
	to.same.counts = maps.Clone(g.same.counts)
	if g.eager() || to.eager() {
		return
	}
	for _, x := range g.order.held {
		x.event, x.own = a.event(x.event), true
		to.order.held.push(x)
	}
}

// event is an event in the numbers of the other Ruleset. A type that only this one names is
// one that is not named.
func (a *adoption) event(e *Event) *Event {
	c, wide := *e, a.to.layers[0].plan
	c.Type = a.types[e.Type+1]
	c.layout, c.row, c.shown = wide.wide, make([]Value, len(a.to.rs.Fields)), nil
	for f, n := range a.fields {
		if n >= 0 {
			c.row[n] = *e.Field(FieldID(f))
		}
	}
	a.reread(&c)
	c.features = FeatureRow{}
	if e.features.layout == nil {
		return &c
	}
	c.features = FeatureRow{wide.wideReads, make([]Value, len(a.to.rs.Reads))}
	for id, n := range a.reads {
		if n >= 0 {
			c.features.values[n] = *e.features.value(ReadID(id))
		}
	}
	return &c
}

// reread reads of an event the fields that only the other Ruleset reads: rules whose matches are
// carried look at them in captured events. Derived fields, and those of matches, stay nil.
func (a *adoption) reread(c *Event) {
	if len(a.unread) == 0 || c.Raw == "" || c.Type >= 0 && a.to.rs.Types[c.Type].Alert != nil {
		return
	}
	var e Event
	if a.to.decoder.Decode(c.Raw, &e) != nil || e.Type != c.Type {
		return // its type has another schema now
	}
	for _, f := range a.unread {
		*c.Field(f) = *e.Field(f)
	}
}

// stats carries on what has been counted.
func (a *adoption) stats() {
	was, next := a.from.Stats(), &a.to.stats
	types, fields, rules, features := next.Types, next.Fields, next.Rules, next.Features
	*next = was
	next.Types, next.Fields, next.Rules, next.Features = types, fields, rules, features
	for t, n := range a.types[1:] {
		if n >= 0 {
			types[n] = was.Types[t]
		}
	}
	for f, n := range a.fields {
		if n >= 0 {
			fields[n] = was.Fields[f]
		}
	}
	for i, n := range a.rules {
		if n >= 0 {
			rules[n] = was.Rules[i]
		}
	}
	for i, n := range a.features {
		if n >= 0 {
			features[n] = was.Features[i]
		}
	}
	next.Refused += a.refused
	a.budget()
}

// appendKeys writes what rules that go on keep under keys. In EagerOrder keys are taken back
// to the watermark meanwhile.
func (a *adoption) appendKeys(w *writer) {
	if !a.from.eager() {
		a.moveKeys(w)
		return
	}
	a.from.atWatermark(func() { a.moveKeys(w) })
}

func (a *adoption) moveKeys(w *writer) {
	for i := range a.to.layers {
		if i < len(a.from.layers) {
			a.moveLayer(&a.from.layers[i], a.to.layers[i].shards[0])
		}
	}
	a.to.appendKeys(w)
	for i := range a.to.layers {
		for _, table := range a.to.layers[i].shards[0].tables {
			clear(table)
		}
	}
}

// moveLayer puts what is kept under the keys of a layer into a shard.
func (a *adoption) moveLayer(l *layer, into *shard) {
	var key keyReader
	for _, s := range l.shards {
		for _, table := range s.tables {
			for _, ks := range table {
				rules := a.ruleStates(ks)
				if len(rules) == 0 {
					continue
				}
				space := into.plan.home[rules[0].rule]
				key.set(ks.parts)
				c := new(keyState)
				key.create(c, into.tables[space], space)
				c.count, c.rules = ks.count, rules
				c.events = slices.Clone(ks.events)
				c.release(a.to.rs)
				for i := range c.events {
					c.events[i].Event = a.event(c.events[i].Event)
				}
			}
		}
	}
}

// ruleStates are those of a key whose rules go on. They share the memory of what they are
// made of.
func (a *adoption) ruleStates(ks *keyState) []ruleState {
	var rules []ruleState
	for _, st := range ks.rules {
		if st.rule = a.rules[st.rule]; st.rule >= 0 {
			rules = append(rules, st)
		}
	}
	slices.SortFunc(rules, func(x, y ruleState) int { return int(x.rule - y.rule) })
	return rules
}

// moveRisks carries on the levels of risks.
func (a *adoption) moveRisks() {
	var key keyReader
	for id, n := range a.risks {
		if n < 0 {
			continue
		}
		risk := a.to.rs.Risks[n]
		for _, r := range a.from.risks {
			for text, rk := range r.tables[id] {
				level := rk.before(risk.Risk, a.from.order.low)
				if level.Empty() || !key.split(text, len(risk.Key)) {
					continue
				}
				a.to.risks[0].state(RiskID(n), &key).level = level
			}
		}
	}
}

// appendLeft writes what rules that do not go on have added to risks that do.
func (a *adoption) appendLeft(w *writer) {
	old := backwards(a.risks, len(a.to.rs.Risks))
	for id := range a.to.rs.Risks {
		if old[id] < 0 {
			w.left(nil)
			continue
		}
		w.left(a.from.leftOf(RiskID(old[id]), func(rule int32) bool { return rule == leftRule || a.rules[rule] < 0 }))
	}
}

// appendNear writes what near misses of rules that go on have come to.
func (a *adoption) appendNear(w *writer) {
	if !a.from.options.NearMisses {
		return
	}
	all, open := a.from.fates(true)
	for i, r := range a.to.rs.Rules {
		if !r.counted() {
			continue
		}
		for k := range r.Program.Steps() {
			var sf stepFates
			if old := a.oldRules[i]; old >= 0 {
				sf = all[old][k]
			}
			for _, n := range sf.counters() {
				w.Uint(*n)
			}
			w.Uint(uint64(len(sf.latest)))
			for _, x := range sf.latest {
				a.miss(w, x, open[x])
			}
		}
	}
}

// miss writes an example; open says that its After may be taken back.
func (a *adoption) miss(w *writer, x *miss, open bool) {
	shown := *x
	if open {
		shown.After = Seen{}
	}
	shown.caught = slices.Clone(x.caught)
	for i := range shown.caught {
		shown.caught[i].event = a.event(shown.caught[i].event)
	}
	w.miss(&shown, a.to)
}

// appendEager writes the events that a late one can precede, and what is kept for that.
func (a *adoption) appendEager(w *writer) {
	g, low := a.from, a.from.order.low
	if !g.eager() {
		a.appendNoPast(w)
		return
	}
	w.stamp(g.arrivals.before(low))
	var events []*Event
	for _, e := range g.arrivals.events {
		if e.Time >= low {
			events = append(events, e)
		}
	}
	w.Uint(uint64(len(events)))
	for _, e := range events {
		w.event(a.event(e), len(a.to.rs.Fields))
	}
	a.appendJournals(w)
	if a.to.settled != nil {
		a.appendSettled(w)
		if g.settled != nil {
			a.moveTrails(a.to.settled[0].scheme, a.to.settled[0], g.settled[0].scheme, g.settled)
		}
		a.to.appendTrails(w, a.to.settled[0].scheme, a.to.settled)
	}
	for i := range a.to.layers {
		a.appendBacklogs(w, i)
	}
	counted := g.repairs(nil)
	w.Uint(counted.Applied)
	w.Uint(counted.HeldBack)
	for i := range a.to.layers {
		if i < len(g.layers) {
			g.layers[i].appendVersions(w, low)
		} else {
			w.Uint(0)
		}
	}
}

// appendNoPast is appendEager where events have not been matched as they came.
func (a *adoption) appendNoPast(w *writer) {
	to := a.to
	w.stamp(stamp{})
	none := 1 + len(to.scheme.spaces) // events, journals
	if to.settled != nil {
		none += len(to.settled[0].scheme.spaces) + len(to.settled[0].scheme.witnesses)
	}
	for i := range to.layers {
		none += len(to.layers[i].plan.spaces) // backlogs
	}
	none += 2 + len(to.layers) // applied, held back, versions
	for range none {
		w.Uint(0)
	}
}

// appendBacklogs writes which keys of a layer hold events back, of those that rules which go
// on have.
func (a *adoption) appendBacklogs(w *writer, layer int) {
	p := a.to.layers[layer].plan
	for space := range p.spaces {
		old := int32(-1)
		for _, rule := range p.spaces[space].rules {
			if from := a.oldRules[rule]; from >= 0 {
				old = a.from.layers[layer].plan.home[from]
			}
		}
		if old < 0 {
			w.Uint(0)
			continue
		}
		a.appendBacklogsOf(w, &a.from.layers[layer], old)
	}
}

// backlogOf is the backlog of a key.
type backlogOf struct {
	text string
	hold backlog // done counts from the first item that a late event can precede
}

func (a *adoption) appendBacklogsOf(w *writer, l *layer, space int32) {
	low := a.from.order.low
	var all []backlogOf
	for _, s := range l.shards {
		for c := range s.eager.cells[space].each {
			first := min(c.first(low), len(c.items))
			done, n := 0, 0
			for i := range c.items[first:] {
				if a.sees(l.plan, &c.items[first+i]) {
					if n++; first+i < c.hold.done {
						done++
					}
				}
			}
			if c.hold.holding || c.hold.used > 0 && n > 0 {
				all = append(all, backlogOf{c.key(), backlog{used: c.hold.used, holding: c.hold.holding, calm: c.hold.calm, done: done}})
			}
		}
	}
	slices.SortFunc(all, func(x, y backlogOf) int { return strings.Compare(x.text, y.text) })
	w.Uint(uint64(len(all)))
	for i := range all {
		x := &all[i]
		w.Text(x.text)
		w.Uint(uint64(x.hold.used))
		w.Bool(x.hold.holding)
		if x.hold.holding {
			w.Int(x.hold.calm)
			w.Uint(uint64(x.hold.done))
		}
	}
}

// sees reports whether a rule that goes on is offered an item of a key.
func (a *adoption) sees(p *plan, it *item) bool {
	if it.ended != nil {
		return a.rules[it.ended.rule] >= 0
	}
	return slices.ContainsFunc(it.offer.rules, func(rule int32) bool { return a.rules[rule] >= 0 })
}

// atWatermark calls f while the keys of all layers are what they were at the watermark.
func (g *Engine) atWatermark(f func()) {
	for s := range g.shards {
		counts := s.bounds()
		s.rewind()
		defer func() {
			s.forward()
			s.setBounds(counts)
		}()
	}
	f()
}
