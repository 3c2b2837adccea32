package cep

import (
	"cmp"
	"math"
	"slices"

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
}

// ended is a window that has ended, for one rule.
type ended struct {
	at    int64 // when it ended
	rule  int32
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
			c = &closer{layout: layout{slot: make([]int32, len(rs.Reads))}}
			for id := range c.layout.slot {
				c.layout.slot[id] = -1
			}
			all[r.WindowClose-1] = c
		}
		c.rules = append(c.rules, int32(i))
		for _, id := range r.Outcome {
			if c.layout.slot[id] < 0 && r.reads(rs, id) {
				c.layout.slot[id] = int32(len(c.reads))
				c.reads = append(c.reads, look{int32(rs.Reads[id].Feature), c.layout.slot[id]})
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

// wake sees to it that a record is looked at when the first of its windows ends that are
// reported, else when nothing is left of it. A time that is set already and not later
// stays: the record is looked at again then. So a session whose end moves on with every
// event costs no more than one that stands still.
func (rs *records) wake(r *record) {
	at, ok := rs.plan.NextClose(&r.kept)
	if !ok {
		if at, ok = rs.plan.Deadline(&r.kept); !ok {
			return // something is kept forever
		}
	}
	if at >= r.wakes {
		return
	}
	r.wakes = at
	rs.due.push(expiry{at, r})
	if len(rs.due) > 64 && len(rs.due) > 2*len(rs.keys) {
		rs.due = slices.DeleteFunc(rs.due, func(x expiry) bool { return x.r.wakes != x.at })
		rs.due.order()
	}
}

// end ends the windows of the spaces that report them, up to t and in the order of time:
// what is read of one space when a window of another ends must not be read later.
func (l *ledger) end(t int64) {
	for {
		first, at := -1, t
		for _, i := range l.closing {
			if due := l.spaces[i].due; len(due) > 0 && (due[0].at < at || first < 0 && due[0].at == at) {
				first, at = i, due[0].at
			}
		}
		if first < 0 {
			return
		}
		l.ring(first)
	}
}

// ring looks at the record of a space that is the first to be looked at.
func (l *ledger) ring(space int) {
	rs := &l.spaces[space]
	x := rs.due.pop()
	if x.r.wakes != x.at {
		return
	}
	x.r.wakes = never
	l.closed = rs.plan.Close(&x.r.kept, x.at, l.closed[:0])
	for i := range l.closed {
		l.report(space, x.r, &l.closed[i], false)
	}
	l.keepOn(rs, x.r, x.at)
}

// keepOn drops a record if nothing is left of it at t.
func (l *ledger) keepOn(rs *records, r *record, t int64) {
	if rs.plan.Trim(&r.kept, t) {
		rs.drop(r)
	} else {
		rs.wake(r)
	}
}

// endAll ends all windows that are reported, each at its own time, which time has not
// come to. Records are read in copies, as event time may go on before those times.
func (l *ledger) endAll(low int64) {
	for _, i := range l.closing {
		rs := &l.spaces[i]
		for _, r := range rs.keys {
			if _, ok := rs.plan.NextClose(&r.kept); !ok {
				continue
			}
			c := l.copied(rs.plan, &r.kept)
			l.closed = rs.plan.Close(c, math.MaxInt64, l.closed[:0])
			for j := range l.closed {
				l.report(i, r, &l.closed[j], true)
			}
		}
	}
	for _, i := range l.closing {
		rs := &l.spaces[i]
		for _, r := range rs.keys {
			if l.closed = rs.plan.Close(&r.kept, math.MaxInt64, l.closed[:0]); len(l.closed) > 0 {
				l.keepOn(rs, r, low)
			}
		}
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
	if !l.own.split(r.text, len(sp.key.Names)) {
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
	now := Moment{c.To, FeatureRow{&of.layout, row}}
	var kept *ended
	for _, i := range of.rules {
		rule := l.scheme.rs.Rules[i]
		if len(rule.Risks) == 0 && !rule.having(&Scope{Key: l.own.parts, Lists: l.scope.Lists, At: &now}) {
			continue
		}
		if kept == nil {
			kept = &ended{at: c.To, key: slices.Clone(l.own.parts), row: FeatureRow{&of.layout, slices.Clone(row)}}
		}
		kept.rule, kept.shown = i, l.proof(rule, c)
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
	rs := &l.spaces[place.space]
	kept := &nothing
	if r := rs.find(&l.own); r != nil {
		kept = &r.kept
		if early {
			kept = l.copied(rs.plan, kept)
		}
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
	r := s.plan.rs.Rules[x.rule]
	s.key.set(x.key)
	ks := s.key.find(s.tables[home])
	s.judge.at(nil, x.key, ks)
	s.judge.ask(r)
	s.judge.risks.at = stamp{moment: x.at}
	if s.trace != nil {
		s.follow(x.rule, nil, x.at)
	}
	now := Moment{x.at, x.row}
	if len(r.Risks) > 0 && !r.having(&Scope{Key: x.key, Lists: s.judge.scope.Lists, At: &now, Risks: s.judge.scope.Risks}) {
		return
	}
	st := s.stateOf(ks, x.rule)
	s.names.begin(1)
	s.shown = x.shown
	c := coming{at: stamp{moment: x.at}, rule: x.rule, number: len(s.came), alert: s.found(r, nil, x.at, &now)}
	s.stats[x.rule].Matches++
	s.matchedAt(st, &c, false)
	s.shown = nil
	s.came = append(s.came, c)
	s.tellCame(st, nfa.Captures{}, &s.came[len(s.came)-1])
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
		}
		i, _ := ks.place(st.rule)
		ks.rules = slices.Insert(ks.rules, i, *st)
	}
	s.settle(ks)
}
