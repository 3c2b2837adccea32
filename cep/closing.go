package cep

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"weir/cep/feature"
	"weir/nfa"
)

// A rule with WindowClose matches when a window ends. That it has ended, and what
// features say then, is a matter of events alone: the first phase finds it, asks having
// where that looks at no risk, and keeps what may match for the second. That lets the
// rule match when time comes to the end of the window, before the events of that time.

// closer is what the end of a window of a feature brings.
type closer struct {
	rules  []int32 // that match then
	reads  []look  // that these look at
	layout layout  // of a row of reads
	place  featurePlace
	number int   // in scheme.closing
	size   int64 // of its window
}

// ended is a window that has ended, for one rule.
type ended struct {
	at    int64 // when it ended
	from  int64 // when it began
	rule  int32
	fails bool // having does not hold: it is kept for the Trace alone
	value Value
	key   []string
	row   FeatureRow // as of then
	shown []shown    // Rule.Evidence
}

// closers says what the ends of windows bring, by Ruleset.Features; nil where no rule
// waits for them.
func closers(rs *Ruleset) []*closer {
	all := make([]*closer, len(rs.Features))
	for i, r := range rs.Rules {
		if r.WindowClose == 0 {
			continue
		}
		c := all[r.WindowClose-1]
		if c == nil {
			c = &closer{layout: layout{slot: make([]int32, len(rs.Reads))}, size: rs.Features[r.WindowClose-1].Spec.Window.Size}
			for id := range c.layout.slot {
				c.layout.slot[id] = -1
			}
			all[r.WindowClose-1] = c
		}
		c.rules = append(c.rules, int32(i))
		for was := range r.all {
			for _, id := range was.Outcome {
				if c.layout.slot[id] < 0 && r.reads(rs, id) {
					c.layout.slot[id] = int32(len(c.reads))
					c.reads = append(c.reads, look{feature: int32(rs.Reads[id].Feature), slot: c.layout.slot[id]})
				}
			}
		}
	}
	return all
}

// reads reports whether a match of r that time brings can look at a feature: one of the
// rule's own key.
func (r *Rule) reads(rs *Ruleset, id ReadID) bool {
	read := &rs.Reads[id]
	return read.Args == nil && slices.Equal(rs.Features[read.Feature].Key.Names, r.Key.Names)
}

// isOpen reports whether a record has an open window.
func (c *closer) isOpen(rs *records, r *record) bool {
	_, ok := rs.plan.Open(&r.kept, int(c.place.number))
	return ok
}

// await waits for the end of the window that is open in a record, if there is one. Until
// then the record is not dropped.
func (l *ledger) await(c *closer, r *record) {
	if at, ok := l.spaces[c.place.space].plan.Open(&r.kept, int(c.place.number)); ok {
		l.open[c.number].put(at, r.ref)
	}
}

// awaitAll waits for the ends of all windows of a record that has been read back.
func (l *ledger) awaitAll(space int, r *record) {
	for _, c := range l.scheme.closing {
		if int(c.place.space) == space {
			l.await(c, r)
		}
	}
}

// end ends the windows up to t in the order of time. In between records are dropped: what
// is read of one at a time must not be asked for an earlier one.
func (l *ledger) end(t int64) {
	for i, c := range l.scheme.closing {
		if l.open[i].next <= t {
			l.turn(c, t)
		}
	}
	for {
		at, due := t, false
		for i := range l.open {
			if x := &l.open[i]; x.due(at) {
				at, due = x.soon[0].at, true
			}
		}
		if !due {
			return
		}
		for i, c := range l.scheme.closing {
			for x := &l.open[i]; x.due(at); {
				l.ring(c, x.pop())
			}
		}
		l.drop(at)
	}
}

// turn looks up when the windows end whose buckets time has come to.
func (l *ledger) turn(c *closer, t int64) {
	x, rs := &l.open[c.number], l.spaces[c.place.space]
	for p := x.turn(t); p != nil; p = x.give(p) {
		for _, b := range p.b[:p.n] {
			r := rs.record(b)
			l.await(c, &r)
		}
	}
}

// ring looks at a window that may have ended. With it all windows of the record end that
// end at that time.
func (l *ledger) ring(c *closer, x opened) {
	rs := l.spaces[c.place.space]
	r := rs.record(x.b)
	rs.change(&r)
	l.closed = rs.plan.Close(&r.kept, x.at, l.closed[:0])
	for i := range l.closed {
		l.report(int(c.place.space), &r, &l.closed[i], false)
	}
	l.await(c, &r)
}

// endAll ends all open windows, each at its own time, which event time has not come to.
// Records are read in copies, as it may go on before those times.
func (l *ledger) endAll() {
	for i, c := range l.scheme.closing {
		rs := l.spaces[c.place.space]
		for b := range l.open[i].all() {
			r := rs.record(b)
			read := l.copied(rs.plan, &r.kept)
			l.closed = rs.plan.Close(read, math.MaxInt64, l.closed[:0])
			for j := range l.closed {
				if l.closed[j].Feature == int(c.place.number) {
					l.report(int(c.place.space), &r, &l.closed[j], true)
				}
			}
		}
	}
	for i, c := range l.scheme.closing {
		rs := l.spaces[c.place.space]
		for b := range l.open[i].all() {
			r := rs.record(b)
			rs.change(&r)
			l.closed = rs.plan.Close(&r.kept, math.MaxInt64, l.closed[:0])
		}
		l.open[i].clear()
	}
	slices.SortFunc(l.ended, func(a, b ended) int { return cmp.Compare(a.at, b.at) })
}

// report keeps a window that has ended for the rules that may match then. early says
// that time has not come to its end.
func (l *ledger) report(space int, r *record, c *feature.Closed, early bool) {
	sp := &l.scheme.spaces[space]
	f := sp.features[c.Feature]
	if c.Rough {
		l.stats[f].Rough++
	}
	of := l.scheme.closers[f]
	if !l.own.split(l.spaces[space].text(r), len(sp.key.Names)) {
		panic("cep: a record whose key is none")
	}
	if len(l.row) < len(of.reads) {
		l.row = make([]Value, len(of.reads))
	}
	row := l.row[:len(of.reads)]
	for _, x := range of.reads {
		if x.feature == f {
			row[x.slot] = valueOf(c.Value)
		} else {
			row[x.slot] = l.readAt(x.feature, c.To, early)
		}
	}
	now := Moment{Time: c.To, Features: FeatureRow{&of.layout, row}}
	var kept *ended
	for _, i := range of.rules {
		if l.scheme.rs.Rules[i].asleep {
			continue
		}
		rule := l.scheme.rs.Rules[i].as(nil, c.To)
		fails := len(rule.Risks) == 0 && !rule.having(&Scope{Key: l.own.parts, Lists: l.scope.Lists, At: &now})
		if fails && !l.traced {
			continue
		}
		if kept == nil {
			kept = &ended{at: c.To, from: c.From, value: valueOf(c.Value), row: FeatureRow{&of.layout, slices.Clone(row)}}
			for i := range row {
				kept.row.values[i].Text = strings.Clone(row[i].Text) // it may be the record's
			}
			kept.value.Text = strings.Clone(kept.value.Text)
			for _, part := range l.own.parts {
				kept.key = append(kept.key, strings.Clone(part))
			}
		}
		kept.rule, kept.fails, kept.shown = i, fails, l.proof(rule, c)
		l.ended = append(l.ended, *kept)
	}
}

// copied returns a copy of a record: one that is read forgets what has left its windows,
// and where all windows close at once others look at earlier times.
func (l *ledger) copied(plan *feature.Plan, r *feature.Record) *feature.Record {
	l.buf = plan.Append(l.buf[:0], r)
	c, _, err := plan.Decode(l.buf)
	if err != nil {
		return r // it came from bytes that were damaged under a right checksum
	}
	return &c
}

// mostEnded is the number of windows that end in a block up to which their memory is
// worth keeping.
const mostEnded = 4096

// forget drops the windows that ended: rules have matched them.
func (l *ledger) forget() {
	if cap(l.ended) > mostEnded {
		l.ended = nil
	}
	clear(l.ended)
	l.ended = l.ended[:0]
}

// having asks the rule's having of a match that captured nothing.
func (r *Rule) having(scope *Scope) bool {
	if r.Having == nil {
		return true
	}
	scope.Captures = &matched{rule: r}
	return r.Having(scope)
}

// readAt reads a feature of the key of the window that has ended.
func (l *ledger) readAt(f int32, t int64, early bool) Value {
	place := l.scheme.places[f]
	rs := l.spaces[place.space]
	r, ok := rs.find(&l.own)
	kept := &r.kept
	if ok && early {
		kept = l.copied(rs.plan, kept)
	} else if ok {
		rs.keep(&r)
	}
	v, rough := rs.plan.Read(kept, int(place.number), t, feature.Item{})
	if rough {
		l.stats[f].Rough++
	}
	return valueOf(v)
}

// proof is what a rule shows of the window that has ended: its own events where the rule
// shows the feature whose window it is, else those that its feature still sees.
func (l *ledger) proof(r *Rule, c *feature.Closed) []shown {
	if r.Evidence == 0 {
		return nil
	}
	t := &l.trails[l.scheme.witness[r.Evidence-1]]
	events := t.events(&l.own)
	if r.Evidence == r.WindowClose {
		return latest(since(events, c.From))
	}
	return latest(t.witness.window(events, c.To))
}

// endUp lets rules match the windows that ended up to t, each after what runs out up to
// its end.
func (s *shard) endUp(t int64) {
	for len(s.ended) > 0 && s.ended[0].at <= t {
		x := &s.ended[0]
		s.ended = s.ended[1:]
		s.runOut(x.at)
		s.closed(x)
	}
}

// closed lets a rule match a window that has ended, if it is one of the layer.
func (s *shard) closed(x *ended) {
	home := s.plan.home[x.rule]
	if home < 0 {
		return
	}
	r := s.plan.rs.Rules[x.rule].as(nil, x.at)
	s.key.set(x.key)
	ks := s.key.find(s.tables[home])
	s.change(ks)
	s.judge.at(nil, x.key, ks)
	s.judge.due = x.at
	s.judge.ask(s.plan.rs.Rules[x.rule])
	s.judge.risks.at = stamp{moment: x.at}
	now := Moment{Time: x.at, Features: x.row}
	if s.trace != nil {
		s.follow(x.rule, nil, x.at)
		s.trace.tell(Told{Kind: WindowEnded, From: x.from, Value: x.value, at: &now})
	}
	if x.fails || len(r.Risks) > 0 && !r.having(&Scope{Key: x.key, Lists: s.judge.scope.Lists, At: &now, Risks: s.judge.scope.Risks}) {
		return
	}
	st := s.stateOf(ks, x.rule)
	if st == &s.bare && s.refusesEnd(x.rule, x.at) {
		return
	}
	s.names.begin(1)
	s.shown = x.shown
	c := coming{at: stamp{moment: x.at}, rule: x.rule, number: s.numberOf(0), alert: s.found(r, nil, x.at, &now)}
	s.matchedAt(st, &c, false)
	s.shown = nil
	if !s.eager.knows(c.at) {
		s.counted(&c, 1)
		s.came = append(s.came, c)
		s.tellCame(st, nfa.Captures{}, &s.came[len(s.came)-1], &now)
	}
	s.retain(ks, st)
}

// stateOf is what is kept for a rule under a key, or where it can be put.
func (s *shard) stateOf(ks *keyState, rule int32) *ruleState {
	if ks != nil {
		if st := ks.state(rule); st != nil {
			return st
		}
	}
	s.bare = ruleState{rule: rule}
	return &s.bare
}

// retain keeps what a match without captures left under the key in s.key.
func (s *shard) retain(ks *keyState, st *ruleState) {
	st.schedule(nil)
	if st == &s.bare {
		if st.idle() {
			return
		}
		if ks == nil {
			home := s.plan.home[st.rule]
			ks = s.spare.key()
			s.key.create(ks, s.tables[home], home)
			s.index(ks)
			s.change(ks)
		}
		i, _ := ks.place(st.rule)
		ks.rules = slices.Insert(ks.rules, i, *st)
	}
	s.settle(ks)
}
