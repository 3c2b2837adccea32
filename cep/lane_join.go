package cep

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"

	"weir/cep/feature"
	"weir/nfa"
)

// joining makes one state of two: of an engine, and of a lane that has folded the same log up to
// the same record. What the rules that join keep, and the features that began with them, is the
// lane's; all else is the engine's.
type joining struct {
	main, lane adoption // to the same Engine
	to         *Engine
	shows      [2]adoption // the same of the latest events of features that rules show
	ends       [2]adoption // and of those that ends of windows show, in EagerOrder

	shift, placed uint64            // what makes numbers of the lane those of the engine: of events accepted, and released; they may run over
	twins         map[*Event]*Event // of recent events of the engine: those of the lane
	back          map[*Event]*Event // and the other way round
	kept          map[string]bool   // ids of alerts of the rules that join which the lane has changed
}

// errAhead says that a lane knows a time that the engine does not.
var errAhead = errors.New("its clock is ahead of that of the engine: it took in an event that the engine did not accept")

// errHoldsBack says that a join is put off: what late events of a key may still cost has been used
// up, and neither the engine nor the lane says how the two together hold its events back.
var errHoldsBack = errors.New("a key holds events back")

// holdsBack reports whether a key of rules, or of the features that they read, holds events back.
func (g *Engine) holdsBack(ids []string) bool {
	var rules []int32
	for i, r := range g.rs.Rules {
		if slices.Contains(ids, r.ID) {
			rules = append(rules, int32(i))
		}
	}
	used := g.rs.featuresOf(rules)
	for _, l := range g.ledgers {
		if l.past != nil && slices.ContainsFunc(l.past.holding, func(k *journal) bool {
			return slices.ContainsFunc(l.scheme.spaces[k.space].features, func(f int32) bool { return used[f] })
		}) {
			return true
		}
	}
	for i := range g.layers {
		plan := g.layers[i].plan
		for _, s := range g.layers[i].shards {
			if s.eager != nil && slices.ContainsFunc(s.eager.holding, func(c *cell) bool {
				return slices.ContainsFunc(plan.spaces[c.space].rules, func(n int32) bool { return slices.Contains(rules, n) })
			}) {
				return true
			}
		}
	}
	return false
}

// align lets the clock of a lane stand where that of an engine does, which may have been set by
// events before those that the lane has folded.
func (g *Engine) align(main *Engine, fx *Effects) error {
	if !main.order.started {
		if g.order.started {
			return errAhead
		}
		return nil
	}
	g.catchUp(fx)
	g.order.moveTo(main.order.now)
	g.order.low = max(g.order.low, main.order.low)
	g.advance(false, fx)
	if g.order.now != main.order.now || g.order.low != main.order.low {
		return errAhead
	}
	return nil
}

// Join returns an Engine that goes on from here with rules that sleep since the record with the
// sequence number at, and whose state a lane has; ids names those that are to join. came is what
// the lane brought for them. g stays as it is. It is called between two calls of Step, when both
// have stepped the same records; r are the rules that g was made with.
//
// Where the clocks differ nothing can be made of the two; the rules sleep on then.
func (g *Engine) Join(r *Rules, at uint64, ids []string, lane *Engine, came []Alert) (*Engine, error) {
	rs, o := r.Ruleset, r.Options
	s := g.lanes.asleepSince(at)
	if s == nil {
		return nil, fmt.Errorf("no rule sleeps since record %d", at)
	}
	j := &joining{kept: map[string]bool{}}
	for i := range came {
		j.kept[came[i].ID] = true
	}
	woken := slices.DeleteFunc(slices.Clone(s.rules), func(n int32) bool { return !slices.Contains(ids, rs.Rules[n].ID) })
	j.match(g, lane, r, s, woken)
	j.make(g, rs, o, s, woken)
	j.pair()
	next, err := Restore(rs, o, j.state())
	if err != nil {
		return nil, fmt.Errorf("cep: the state of a lane cannot be joined: %w", err)
	}
	return next, nil
}

// match finds out what is of which.
func (j *joining) match(g, lane *Engine, r *Rules, s *sleep, woken []int32) {
	rs := r.Ruleset
	j.main, j.lane = adoption{from: g, next: r}, adoption{from: lane, next: r}
	same := func(n int) []int32 {
		all := make([]int32, n)
		for i := range all {
			all[i] = int32(i)
		}
		return all
	}
	m := &j.main
	m.rules, m.features, m.risks = same(len(rs.Rules)), same(len(rs.Features)), same(len(rs.Risks))
	m.types = append([]TypeID{OtherType}, mapTo[TypeID](same(len(rs.Types)))...)
	m.fields, m.reads = mapTo[FieldID](same(len(rs.Fields))), mapTo[ReadID](same(len(rs.Reads)))
	l := &j.lane
	if lane.rs.base() == rs {
		*l = adoption{from: lane, next: r, types: m.types, fields: m.fields, reads: m.reads, rules: same(len(rs.Rules)), features: same(len(rs.Features))}
	} else {
		l.match(rs, true)
	}
	l.risks = mapAll(len(lane.rs.Risks))
	brings := s.features
	if len(woken) < len(s.rules) { // others have changed since, and took theirs along
		brings = slices.DeleteFunc(slices.Clone(brings), func(f int32) bool { return !rs.featuresOf(woken)[f] })
	}
	share(m.rules, l.rules, woken)
	all := backwards(l.features, len(rs.Features))
	share(m.features, l.features, brings)
	m.oldRules, m.oldFeatures = backwards(m.rules, len(rs.Rules)), backwards(m.features, len(rs.Features))
	l.oldRules, l.oldFeatures = backwards(l.rules, len(rs.Rules)), backwards(l.features, len(rs.Features))
	j.matchShown(rs, g, woken, all)
}

// matchShown leaves to the lane what none but rules that join show: the engine has it from the
// record on that published them. all are the features of the lane, by those of rs.
func (j *joining) matchShown(rs *Ruleset, g *Engine, woken, all []int32) {
	awake := g.rs.awake()
	_, has := witnesses(awake, func(int) bool { return true })
	j.shows = j.shown(rs, woken, all, has)
	j.ends = j.shown(rs, woken, all, newSettledScheme(awake).witness)
}

// shown leaves to the lane what rules that join show and the engine does not have, where has is
// negative.
func (j *joining) shown(rs *Ruleset, woken, all, has []int32) [2]adoption {
	m, l := j.main, j.lane
	m.oldFeatures, l.oldFeatures = slices.Clone(m.oldFeatures), slices.Clone(l.oldFeatures)
	for _, n := range woken {
		if f := rs.Rules[n].Evidence - 1; f >= 0 && has[f] < 0 {
			m.oldFeatures[f], l.oldFeatures[f] = -1, all[f]
		}
	}
	return [2]adoption{m, l}
}

// awake is rs without the rules that sleep.
func (rs *Ruleset) awake() *Ruleset {
	c := *rs
	c.Rules = slices.DeleteFunc(slices.Clone(rs.Rules), func(r *Rule) bool { return r.asleep })
	return &c
}

func mapTo[N ~int32](all []int32) []N {
	list := make([]N, len(all))
	for i, n := range all {
		list[i] = N(n)
	}
	return list
}

// mapAll maps n numbers to none.
func mapAll(n int) []int32 {
	all := make([]int32, n)
	for i := range all {
		all[i] = -1
	}
	return all
}

// share leaves to the lane what it brings, and all else to the engine.
func share(main, lane, brings []int32) {
	for i, n := range main {
		if slices.Contains(brings, n) {
			main[i] = -1
		}
	}
	for i, n := range lane {
		if !slices.Contains(brings, n) {
			lane[i] = -1
		}
	}
}

// make makes the engine that is written.
func (j *joining) make(g *Engine, rs *Ruleset, o Options, s *sleep, woke []int32) {
	b := bordersOf(g.rs, g.here().low)
	for i, old := range j.main.oldRules {
		if old < 0 {
			b.rules[i] = nil
		}
	}
	for i, old := range j.main.oldFeatures {
		if old < 0 {
			b.features[i] = nil
		}
	}
	x := lanes{woken: g.lanes.still(g.here().low)}
	for i := range g.lanes.asleep {
		c := g.lanes.asleep[i]
		if c.at == s.at {
			c.rules = slices.DeleteFunc(slices.Clone(c.rules), func(n int32) bool { return slices.Contains(woke, n) })
		}
		if len(c.rules) > 0 {
			x.asleep = append(x.asleep, c)
		}
	}
	if w := (woken{s.from, g.here(), woke}); w.mute.arrived > 0 {
		x.woken = slices.DeleteFunc(x.woken, func(o woken) bool {
			if o.quiet != w.quiet || o.mute != w.mute {
				return false
			}
			w.rules = append(slices.Clone(w.rules), o.rules...)
			return true
		})
		slices.Sort(w.rules)
		x.woken = append(x.woken, w)
		slices.SortFunc(x.woken, func(a, b woken) int {
			return cmp.Or(a.mute.compare(&b.mute), a.quiet.compare(&b.quiet))
		})
	}
	j.to = NewEngine(x.behind(b.behind(rs)), Options{Order: o.Order, Lateness: o.Lateness, NearMisses: g.options.NearMisses, Budget: o.Budget})
	j.to.lanes = x
	for _, a := range []*adoption{&j.main, &j.lane, &j.shows[0], &j.shows[1], &j.ends[0], &j.ends[1]} {
		a.to = j.to
	}
}

// pair finds the events of the engine that rules may match again, or have not matched, among
// those of the lane.
func (j *joining) pair() {
	g, lane := j.main.from, j.lane.from
	j.shift, j.placed = g.order.arrived-lane.order.arrived, g.place-lane.place
	j.twins, j.back = map[*Event]*Event{}, map[*Event]*Event{}
	byNumber := map[uint64]*Event{}
	for e := range lane.recent {
		byNumber[e.arrived+j.shift] = e
	}
	for e := range g.recent {
		if x := byNumber[e.arrived]; x != nil && x.Time == e.Time && x.Raw == e.Raw {
			j.twins[e], j.back[x] = x, e
		}
	}
}

// recent yields the events that rules may match again, or have not matched yet.
func (g *Engine) recent(yield func(*Event) bool) {
	for _, e := range g.arrivals.events {
		if !yield(e) {
			return
		}
	}
	for i := range g.order.held {
		if !yield(g.order.held[i].event) {
			return
		}
	}
}

// event is an event of the engine as rules that join see it: with what the lane has read of it.
func (j *joining) event(e *Event) *Event {
	c := j.main.event(e)
	x := j.twins[e]
	if x == nil {
		return c
	}
	x = j.lane.event(x)
	for f := range c.row {
		if c.row[f].Kind == Nil {
			c.row[f] = x.row[f]
		}
	}
	c.nth = max(c.nth, x.nth)
	switch {
	case x.features.layout == nil:
	case c.features.layout == nil:
		c.features = x.features
	default:
		for id := range c.features.values {
			if brought := j.main.oldFeatures[j.to.rs.Reads[id].Feature] < 0; brought || c.features.values[id].Kind == Nil {
				c.features.values[id] = x.features.values[id]
			}
		}
	}
	return c
}

// captured is an event that a rule of the lane has captured.
func (j *joining) captured(e *Event) *Event {
	c := j.lane.event(e)
	c.arrived = within(c.arrived+j.shift, j.to.order.arrived)
	if c.origin > 0 {
		c.origin = within(c.origin+j.placed, j.to.place)
	}
	return c
}

// within is a number from 1 to most: where a lane accepted more than the engine it may run over.
func within(n, most uint64) uint64 {
	if n == 0 || n > most {
		return 1
	}
	return n
}

// state is the state of both, as Engine.Append writes it.
func (j *joining) state() []byte {
	g, to, a := j.main.from, j.to, &j.main
	j.clock()
	var w writer
	to.appendHead(&w)
	to.appendHeld(&w)
	g.appendLog(&w)
	g.ids.append(&w)
	j.stats()
	to.appendStats(&w)
	w.Bool(g.options.NearMisses)
	j.appendKeys(&w)
	a.moveRisks()
	to.appendRisks(&w)
	if to.eager() {
		a.appendLeft(&w)
	}
	for _, b := range to.books() {
		j.appendRecords(&w, b.scheme, (*adoption).eachRecord)
	}
	j.appendTrails(&w, &j.shows, to.scheme, to.ledgers, func(g *Engine) (*scheme, []*ledger) { return g.scheme, g.ledgers })
	a.changeLists()
	to.appendLists(&w)
	a.appendNear(&w)
	if to.eager() {
		j.appendEager(&w)
	}
	return binary.LittleEndian.AppendUint32(w.B, crc32.Checksum(w.B, castagnoli))
}

// clock carries on event time and the events that wait. A layer's numbers go on from the higher
// one: captured events have numbers below it.
func (j *joining) clock() {
	j.main.clock()
	to, lane := j.to, j.lane.from
	to.place = max(to.place, lane.place)
	for i := range to.layers {
		if i < len(lane.layers) {
			to.layers[i].last = max(to.layers[i].last, lane.layers[i].last)
		}
	}
	held := j.main.from.order.held
	for i := range to.order.held {
		to.order.held[i].event = j.event(held[i].event)
	}
}

// stats are those of the engine, and what the lane counted for what it brings.
func (j *joining) stats() {
	j.main.stats()
	was := j.lane.from.Stats()
	for i, n := range j.lane.rules {
		if n >= 0 {
			j.to.stats.Rules[n] = was.Rules[i]
		}
	}
	for i, n := range j.lane.features {
		if n >= 0 {
			j.to.stats.Features[n] = was.Features[i]
		}
	}
}

// appendKeys writes what rules keep under keys, in EagerOrder as of the watermark.
func (j *joining) appendKeys(w *writer) {
	move := func() {
		for i := range j.to.layers {
			into := j.to.layers[i].shards[0]
			if i < len(j.main.from.layers) {
				j.main.moveLayer(&j.main.from.layers[i], into)
			}
			if i < len(j.lane.from.layers) {
				j.moveLayer(&j.lane.from.layers[i], into)
			}
		}
		j.to.appendKeys(w)
		for i := range j.to.layers {
			for _, table := range j.to.layers[i].shards[0].tables {
				clear(table)
			}
		}
	}
	if !j.to.eager() {
		move()
		return
	}
	j.main.from.atWatermark(func() { j.lane.from.atWatermark(move) })
}

// moveLayer puts what the lane keeps under the keys of a layer into a shard.
func (j *joining) moveLayer(l *layer, into *shard) {
	for _, s := range l.shards {
		for _, table := range s.tables {
			for _, ks := range table {
				if rules := j.lane.ruleStates(ks); len(rules) > 0 {
					j.moveKey(ks, rules, into)
				}
			}
		}
	}
}

// moveKey puts what the lane keeps under a key beside what the engine does. Numbers of captured
// events go on behind those of the engine; in WatermarkOrder they are places, of which those
// that are free are taken, and an event that both have captured has one.
func (j *joining) moveKey(ks *keyState, rules []ruleState, into *shard) {
	var key keyReader
	key.set(ks.parts)
	space := into.plan.home[rules[0].rule]
	c := key.find(into.tables[space])
	if c == nil {
		c = new(keyState)
		key.create(c, into.tables[space], space)
	}
	for i := range rules {
		st := &rules[i]
		runs := st.runs
		st.runs, st.sums = nfa.Runs{}, nil
		runs.CopyTo(&st.runs)
	}
	own := &keyState{events: slices.Clone(ks.events), rules: rules}
	own.release(j.to.rs)
	known, last := map[uint64]uint64{}, uint64(0)
	number := func(was uint64) uint64 {
		now, ok := known[was]
		switch {
		case ok:
			return now
		case j.to.eager():
			return was + c.count
		}
		for taken := true; taken; {
			last++
			_, taken = c.find(last)
		}
		known[was] = last
		return last
	}
	kept := own.events[:0]
	for _, x := range own.events {
		e := j.captured(x.Event)
		if i := slices.IndexFunc(c.events, func(o captive) bool {
			return !j.to.eager() && o.number > last && o.Time == e.Time && o.origin == e.origin && o.Raw == e.Raw
		}); i >= 0 { // both have captured it
			last = c.events[i].number
			known[x.number] = last
			continue
		}
		x.number, x.Event = number(x.number), e
		if !j.to.eager() {
			e.Place = x.number
		}
		kept = append(kept, x)
	}
	for i := range rules {
		if p := j.to.rs.Rules[rules[i].rule].Program; p != nil {
			rules[i].runs.Renumber(p, func(e nfa.Event) nfa.Event { return nfa.Event(number(uint64(e))) })
		}
	}
	c.events = append(slices.Clone(c.events), kept...)
	slices.SortFunc(c.events, func(a, b captive) int { return cmp.Compare(a.number, b.number) })
	c.count += ks.count
	for _, st := range rules {
		i, _ := c.place(st.rule)
		c.rules = slices.Insert(c.rules, i, st)
	}
}

// both calls f with the engine and the lane.
func (j *joining) both(f func(a *adoption)) {
	f(&j.main)
	f(&j.lane)
}

// appendRecords writes the records of features of a scheme.
func (j *joining) appendRecords(w *writer, c *scheme, each func(a *adoption, space int, yield func(text string, r *feature.Record))) {
	for i := range c.spaces {
		rows := map[string]chunks{}
		j.both(func(a *adoption) {
			spaces, of := a.moves(c, i)
			for _, old := range spaces {
				plan := a.from.scheme.spaces[old].plan
				each(a, old, func(text string, r *feature.Record) {
					row := rows[text]
					if row == nil {
						row = make(chunks, len(c.spaces[i].features))
					}
					if row.take(plan, r, of[old]) {
						rows[strings.Clone(text)] = row
					}
				})
			}
		})
		w.Uint(uint64(len(rows)))
		for _, text := range sortedTexts(rows) {
			w.Text(text)
			rows[text].append(w)
		}
	}
}

// appendTrails writes the latest events of features that rules show.
func (j *joining) appendTrails(w *writer, shows *[2]adoption, to *scheme, into []*ledger, of func(g *Engine) (*scheme, []*ledger)) {
	for i := range shows {
		a := &shows[i]
		if c, ledgers := of(a.from); c != nil {
			a.moveTrails(to, into[0], c, ledgers)
		}
	}
	j.to.appendTrails(w, to, into)
}

// appendEager writes the events that a late one can precede, and what is kept for that.
func (j *joining) appendEager(w *writer) {
	g, low := j.main.from, j.main.from.order.low
	w.stamp(g.arrivals.before(low))
	var events []*Event
	for _, e := range g.arrivals.events {
		if e.Time >= low {
			events = append(events, e)
		}
	}
	w.Uint(uint64(len(events)))
	for _, e := range events {
		w.event(j.event(e), len(j.to.rs.Fields))
	}
	j.appendJournals(w)
	if j.to.settled != nil {
		j.appendRecords(w, j.to.settled[0].scheme, (*adoption).eachSettled)
		j.appendTrails(w, &j.ends, j.to.settled[0].scheme, j.to.settled, func(g *Engine) (*scheme, []*ledger) {
			if g.settled == nil {
				return nil, nil
			}
			return g.settled[0].scheme, g.settled
		})
	}
	for i := range j.to.layers {
		j.appendBacklogs(w, i)
	}
	counted := g.repairs(nil)
	w.Uint(counted.Applied)
	w.Uint(counted.HeldBack)
	for i := range j.to.layers {
		j.appendVersions(w, i, low)
	}
}

// appendJournals writes the journals of the keys of features.
func (j *joining) appendJournals(w *writer) {
	low := j.main.from.order.low
	for i := range j.to.scheme.spaces {
		kins := [2]map[string][]kin{{}, {}}
		texts := map[string]bool{}
		for n, a := range []*adoption{&j.main, &j.shows[1]} { // of the lane also where it has what rules show
			spaces, _ := a.moves(j.to.scheme, i)
			for _, old := range spaces {
				for _, l := range a.from.ledgers {
					for k := range l.past.spaces[old].each {
						if k.since(low) < len(k.items) || k.hold.holding {
							kins[n][k.key()] = append(kins[n][k.key()], kin{l, k})
							texts[k.key()] = true
						}
					}
				}
			}
		}
		entries := map[string][]*Event{}
		for text := range texts {
			if events := j.entries(kins[0][text], kins[1][text], i); len(events) > 0 {
				entries[text] = events
			}
		}
		w.Uint(uint64(len(entries)))
		for _, text := range sortedTexts(entries) {
			j.appendJournal(w, i, text, kins[0][text], kins[1][text], entries[text])
		}
	}
}

// entries are the events of the engine that the journals of a key have.
func (j *joining) entries(main, lane []kin, space int) []*Event {
	events := j.main.entries(main, space)
	for _, k := range lane {
		for _, x := range k.items[k.since(j.main.from.order.low):] {
			if e := j.back[x.event]; e != nil && j.main.visits(e, space) {
				events = append(events, e)
			}
		}
	}
	slices.SortFunc(events, func(x, y *Event) int {
		return cmp.Or(cmp.Compare(x.Time, y.Time), cmp.Compare(x.Seq, y.Seq), cmp.Compare(x.origin, y.origin))
	})
	return slices.Compact(events)
}

// appendJournal writes the journal of a key. One that holds back in the engine or the lane does
// not so any more.
func (j *joining) appendJournal(w *writer, space int, text string, main, lane []kin, events []*Event) {
	low := j.main.from.order.low
	w.Text(text)
	used := backlog{}
	for _, k := range slices.Concat(main, lane) {
		used.used = max(used.used, k.hold.used)
	}
	if alone := len(lane) == 0 && len(main) == 1; alone {
		j.main.appendHold(w, main, space, true)
	} else {
		w.hold(&used, 0)
	}
	row := make(chunks, len(j.to.scheme.spaces[space].features))
	for n, a := range []*adoption{&j.main, &j.lane} {
		kins := [][]kin{main, lane}[n]
		spaces, of := a.moves(j.to.scheme, space)
		for _, old := range spaces {
			if r := a.first(kins, old, text); r != nil {
				plan := a.from.scheme.spaces[old].plan
				plan.Trim(r, low)
				row.take(plan, r, of[old])
			}
		}
	}
	row.append(w)
	for _, n := range j.to.ledgers[0].past.shown[space] {
		tail := j.shows[0].tail(main, int(n), text)
		if j.shows[0].oldWitness(int(n)) < 0 {
			tail = j.shows[1].tail(lane, int(n), text)
		}
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

// appendBacklogs writes which keys of a layer hold events back: of a space that rules of the
// engine have, as these do.
func (j *joining) appendBacklogs(w *writer, layer int) {
	p := j.to.layers[layer].plan
	for space := range p.spaces {
		of, old := &j.main, int32(-1)
		for _, a := range []*adoption{&j.main, &j.lane} {
			for _, rule := range p.spaces[space].rules {
				if from := a.oldRules[rule]; from >= 0 && old < 0 {
					of, old = a, a.from.layers[layer].plan.home[from]
				}
			}
		}
		if old < 0 {
			w.Uint(0)
			continue
		}
		of.appendBacklogsOf(w, &of.from.layers[layer], old)
	}
}

// appendVersions writes which alerts of a layer have been retracted: those of the engine, and of
// the lane those of rules that join.
func (j *joining) appendVersions(w *writer, layer int, low int64) {
	all := map[string]version{}
	if of := j.lane.from; layer < len(of.layers) {
		for _, s := range of.layers[layer].shards {
			for id, v := range s.eager.versions {
				if v.until >= low && j.kept[id] {
					all[id] = v
				}
			}
		}
	}
	if of := j.main.from; layer < len(of.layers) {
		for _, s := range of.layers[layer].shards {
			for id, v := range s.eager.versions {
				if v.until >= low {
					all[id] = v
				}
			}
		}
	}
	w.Uint(uint64(len(all)))
	for _, id := range sortedTexts(all) {
		w.version(id, all[id])
	}
}
