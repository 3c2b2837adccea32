package cep

import (
	"cmp"
	"slices"
	"strings"

	"weir/nfa"
)

// shard owns the keys whose hash falls to it, for the rules of one layer. It goes over
// the events of the layer alone: shards share nothing that changes, but for the risks,
// which the shards of the same number share and which go one layer after the other.
type shard struct {
	plan   *plan
	number int
	shards int

	tables   []map[string]*keyState // by space
	timers   heap[timer]
	timed    int            // keys with a time in timers
	ended    []ended        // windows that have ended in the block, in the order of time, that rules have not matched
	machines []*nfa.Machine // by rule, made when first needed; nil with WindowClose
	stats    []RuleStats    // by rule
	noKey    [][]uint64     // TypeID+1, offer: events without a key

	risks   *risks
	key     keyReader
	judge   judge
	fresh   ruleState // of a rule that has nothing under the key yet
	bare    ruleState // of one with WindowClose
	shown   []shown   // Rule.Evidence, of the window that has ended
	seen    []uint64  // by rule: the visit at which it was stepped
	visit   uint64
	kept    *Event // the copy of the event that was captured last,
	keptOf  *Event // and that event
	matches []nfa.Match
	matched matched
	came    []coming // of this block
	spare   spare
	names   namer
	closing int64       // when time runs out for a key, whether it is closed or not
	rung    []*keyState // that are closed at one moment
	trace   *follower   // nil: nobody is told what it does
	eager   *eager      // nil: WatermarkOrder
	near    *nearMisses // nil: nobody asks for them
	saves   keySaves
	recount recount
	budget  *budget
	indexes []index[*keyState] // by space, if there is a budget
}

// timer says that time changes a key. One that no longer agrees with its key is
// passed over.
//
// Of a million keys with a deadline each took 18 bytes of the 960 to 980 of its key. Deadlines
// come in nearly in order, so that to push one costs little: first events of keys came at
// 0.98 (within) and 0.96 (absence) of the rate without, garbage collection aside, later
// ones at 1.00.
type timer struct {
	at int64
	ks *keyState
}

func (a timer) before(b timer) bool { return a.at < b.at }

// cacheLines is memory left free behind what a shard writes at every event, so
// that no other shard's stands in the same cache line.
const cacheLines = 128

func newShard(p *plan, lists *Lists, risks *risks, number, shards int) *shard {
	s := &shard{plan: p, number: number, shards: shards, risks: risks}
	s.tables = make([]map[string]*keyState, len(p.spaces))
	for i := range s.tables {
		s.tables[i] = map[string]*keyState{}
	}
	s.machines = make([]*nfa.Machine, len(p.rs.Rules))
	s.stats = make([]RuleStats, len(p.rs.Rules))
	s.noKey = make([][]uint64, len(p.offers))
	for t := range p.offers {
		s.noKey[t] = make([]uint64, len(p.offers[t]), len(p.offers[t])+cacheLines/8)
	}
	s.seen = make([]uint64, len(p.rs.Rules), len(p.rs.Rules)+cacheLines/8)
	s.judge.memo = make([]answer, p.conds, p.conds+cacheLines)
	s.judge.scope.Lists = lists
	s.judge.moments = newMoments(p, lists, number, shards)
	if len(p.rs.Risks) > 0 {
		s.judge.risks = riskView{all: risks, layer: p.layer}
		s.judge.scope.Risks = &s.judge.risks
	}
	return s
}

// run gives events to the rules of the layer in processing order, each after what runs
// out up to its time, and then moves time on. It is the second phase: what features say
// stands in the events.
func (s *shard) run(events []*Event, until int64) {
	timed := s.judge.moments.ledger
	for _, e := range events {
		s.advance(e.Time)
		if len(timed.spaces) > 0 {
			timed.fold(e, nil)
		}
		if s.trace != nil {
			s.trace.Tell(&Told{Kind: Arrived, Layer: s.plan.layer, Event: e, Time: e.Time, Lists: s.judge.scope.Lists})
		}
		offers := s.plan.offers[e.Type+1]
		for i := range offers {
			if !s.offer(&offers[i], e) && s.number == 0 {
				s.noKey[e.Type+1][i]++
			}
		}
	}
	s.advance(until)
	timed.expire(until)
}

// offer gives an event to the keys that it has in a space; false: it has none.
func (s *shard) offer(o *offer, e *Event) bool {
	sp := &s.plan.spaces[o.space]
	if !sp.byName {
		if !s.key.read(o.key, e) {
			return false
		}
		s.enter(o, e)
		return true
	}
	keyed := false
	for i, f := range sp.fields {
		if !s.key.readOne(f, e) {
			continue
		}
		keyed = true
		if !repeats(sp.fields[:i], e, s.key.text) {
			s.enter(o, e)
		}
	}
	return keyed
}

// repeats reports whether one of the fields gives the same key.
func repeats(fields []FieldID, e *Event, key string) bool {
	for _, f := range fields {
		if text, ok := e.Field(f).KeyText(); ok && text == key {
			return true
		}
	}
	return false
}

// enter gives an event to the rules of the key in s.key that it can touch: those
// with open matches, and those that can begin with it.
func (s *shard) enter(o *offer, e *Event) {
	if s.shards > 1 && s.key.hash()%uint64(s.shards) != uint64(s.number) {
		return
	}
	if o.since != nil && o.since.hides(e) {
		return
	}
	if s.eager != nil {
		s.see(o, e)
	} else {
		s.offerTo(o, s.key.find(s.tables[o.space]), e)
	}
}

// offerTo is enter for the key in s.key, which has a state or, nil, has none.
func (s *shard) offerTo(o *offer, ks *keyState, e *Event) {
	changed := false
	s.visit++
	if ks == nil {
		s.show(e, s.key.parts, nil)
	} else {
		ks.count++
		s.show(e, ks.parts, ks)
		for i := range ks.rules {
			st := &ks.rules[i]
			if !s.plan.on[st.rule][e.Type+1] {
				continue
			}
			if len(st.holds) > 0 {
				s.answer(st, e)
			}
			if st.runs.Empty() && !st.edge {
				continue
			}
			s.seen[st.rule] = s.visit
			s.judge.ask(s.plan.rs.Rules[st.rule])
			told := s.trace != nil && s.follow(st.rule, e, e.Time)
			s.shut(st.rule, e)
			if (told || st.edge || s.machine(st.rule).Changes(&st.runs, e.Time, &s.judge)) && s.sees() {
				s.change(ks)
				s.step(ks, st, e)
				changed = true
			}
			if s.near != nil && !st.runs.Empty() {
				s.change(ks)
				s.pass(st, e)
			}
		}
	}
	for _, rule := range o.scan {
		ks = s.begin(o, ks, rule, e, &changed)
	}
	for i := range o.fields {
		x := &o.fields[i]
		for _, rule := range x.lookup(e.Field(x.field)) {
			ks = s.begin(o, ks, rule, e, &changed)
		}
	}
	if s.trace != nil { // the rules that the event cannot touch have something to tell
		for _, rule := range o.rules {
			if s.plan.rs.Rules[rule].WindowClose == 0 {
				ks = s.begin(o, ks, rule, e, &changed)
			}
		}
	}
	if s.near != nil {
		s.lookBack(o.space, e)
	}
	if changed && ks != nil {
		s.settle(ks)
	}
}

// begin steps a rule that has no open match under the key, if one can begin. It
// returns the key's state, which is made when there is something to keep.
func (s *shard) begin(o *offer, ks *keyState, rule int32, e *Event, changed *bool) *keyState {
	if s.seen[rule] == s.visit {
		return ks
	}
	s.seen[rule] = s.visit
	r := s.plan.rs.Rules[rule].as(e, 0)
	if r.shuts(e) {
		return ks
	}
	s.shut(rule, e)
	told := s.trace != nil && s.follow(rule, e, e.Time)
	if !told && !s.judge.begins(r, s.plan.starts[rule]) {
		return ks
	}
	s.judge.ask(s.plan.rs.Rules[rule])
	if !s.sees() {
		return ks
	}
	s.change(ks)
	if ks != nil {
		if st := ks.state(rule); st != nil {
			if st.most == 0 {
				st.runs = s.spare.open()
			}
			s.step(ks, st, e)
			*changed = true
			return ks
		}
	}
	if s.refusesRule(rule, e) {
		return ks
	}
	st := &s.fresh
	st.rule = rule
	s.step(ks, st, e)
	if st.idle() {
		return ks
	}
	if ks == nil {
		ks = s.spare.key()
		s.key.create(ks, s.tables[o.space], o.space)
		s.index(ks)
		s.change(ks)
		ks.count = 1
		s.show(e, ks.parts, ks)
	}
	if !st.runs.Empty() {
		ks.keep(s.judge.view.number, s.lasting(e))
	}
	i, _ := ks.place(rule)
	ks.rules = slices.Insert(ks.rules, i, *st)
	*st = ruleState{runs: s.spare.open()}
	*changed = true
	return ks
}

// shut says whether an event lets a match of a rule begin.
func (s *shard) shut(rule int32, e *Event) {
	if r := s.plan.rs.Rules[rule]; r.Drains {
		s.machine(rule).Shut = r.shuts(e)
	}
}

// show lets the judge answer for an event under a key.
func (s *shard) show(e *Event, parts []string, ks *keyState) {
	s.judge.at(e, parts, ks)
	if s.eager == nil {
		return
	}
	s.judge.view.number = 1
	if ks != nil {
		s.judge.view.number = ks.count
	}
}

// lasting returns a copy of an event that can be kept. Keys that capture the same
// event share it.
func (s *shard) lasting(e *Event) *Event {
	if s.kept == nil || s.keptOf != e || s.kept.Place != e.Place {
		s.keptOf = e
		if s.plan.keepRows {
			s.kept = e.Clone()
		} else {
			s.kept = e.plain()
		}
	}
	return s.kept
}

// step gives the event to a rule. ks is nil where the key has no state yet.
func (s *shard) step(ks *keyState, st *ruleState, e *Event) {
	m := s.machine(st.rule)
	s.judge.view.state, s.judge.machine = st, m
	s.recount.note(st.rule, m)
	s.matches = m.Step(&st.runs, e.Time, nfa.Event(s.judge.view.number), &s.judge, s.matches[:0])
	st.most = max(st.most, st.runs.Nodes())
	if s.near != nil {
		s.collect(st, m, e, e.Time)
	}
	s.comeOut(st, e.stamp(), e.Place)
	if ks != nil && s.judge.took && !st.runs.Empty() {
		ks.keep(s.judge.view.number, s.lasting(e))
	}
	st.schedule(s.plan.rs.Rules[st.rule].Program)
	if s.near != nil {
		st.rouse()
	}
}

func (s *shard) machine(rule int32) *nfa.Machine {
	if p := s.plan.rs.Rules[rule].Program; s.machines[rule] == nil && p != nil {
		s.machines[rule] = p.NewMachine()
		s.machines[rule].Collect = s.near != nil && p.Leads()
	}
	return s.machines[rule]
}

// settle drops what is no longer needed under a key, and the key with the last
// of it; else it sees to it that the key is woken when time changes it.
func (s *shard) settle(ks *keyState) {
	open, next := false, int64(never)
	kept := ks.rules[:0]
	for i := range ks.rules {
		st := &ks.rules[i]
		if st.runs.Empty() {
			s.spare.putRuns(st)
		} else {
			open = true
		}
		if st.idle() {
			continue
		}
		next = min(next, st.due)
		if len(kept) < i {
			kept = append(kept, *st)
		} else {
			kept = ks.rules[:i+1]
		}
	}
	clear(ks.rules[len(kept):])
	ks.rules = kept
	s.wake(ks, next)
	switch {
	case len(kept) == 0:
		s.goes(ks)
		s.unindex(ks)
		delete(s.tables[ks.space], ks.text)
		s.spare.putKey(ks)
	case !open:
		ks.events = nil
	case len(ks.events) >= ks.sweep:
		ks.release(s.plan.rs)
	}
}

// wake sets the time at which a key is looked at again.
func (s *shard) wake(ks *keyState, at int64) {
	if at == never {
		if ks.timer != never {
			s.timed--
		}
		ks.timer = never
		return
	}
	if ks.timer == never {
		s.timed++
	} else if ks.timer <= at {
		return // it looks again then
	}
	ks.timer = at
	if s.saves.back {
		return // it is not there long enough to be looked at
	}
	s.timers.push(timer{at, ks})
	if len(s.timers) > 64 && len(s.timers) > 2*s.timed {
		s.timers = slices.DeleteFunc(s.timers, func(t timer) bool { return t.ks.timer != t.at })
		s.timers.order()
	}
}

// advance lets all come that time brings up to t, in the order of time.
func (s *shard) advance(t int64) {
	if len(s.ended) > 0 {
		s.endUp(t)
	}
	s.runOut(t)
}

// runOut fires what runs out up to t.
func (s *shard) runOut(t int64) {
	for len(s.timers) > 0 && s.timers[0].at <= t {
		if tm := s.timers[0]; s.ring() {
			s.fire(tm.ks, tm.at, false)
		}
	}
}

// close lets all that has an end run out, in the order of time, so that matches see the
// risk that those before them leave. A rule with time-outs runs out at once: what one of
// the open matches of a key would have consumed later still comes out as a time-out.
func (s *shard) close() {
	for len(s.ended) > 0 {
		x := &s.ended[0]
		s.ended = s.ended[1:]
		s.closeUp(x.at)
		s.closed(x)
	}
	s.closeUp(never)
}

// closeUp closes the keys that would be looked at up to t. Those of one moment have an
// order, as the matches of a rule with time-outs that runs out at once see the risk that
// matches of others leave.
func (s *shard) closeUp(t int64) {
	for len(s.timers) > 0 && s.timers[0].at <= t {
		at := s.timers[0].at
		s.rung = s.rung[:0]
		for len(s.timers) > 0 && s.timers[0].at == at {
			if ks := s.timers[0].ks; s.ring() {
				s.changeTimed(ks)
				s.rung = append(s.rung, ks)
			}
		}
		slices.SortFunc(s.rung, func(a, b *keyState) int {
			return cmp.Or(cmp.Compare(a.space, b.space), strings.Compare(a.text, b.text))
		})
		for _, ks := range s.rung {
			s.fire(ks, at, true)
		}
	}
}

// ring takes the first timer and reports whether its key still waits for it.
func (s *shard) ring() bool {
	tm := s.timers.pop()
	if tm.ks.timer != tm.at {
		return false
	}
	tm.ks.timer = never
	s.timed--
	return true
}

// fire moves time on under a key; closing says that no more events come.
func (s *shard) fire(ks *keyState, t int64, closing bool) {
	s.change(ks)
	s.judge.at(nil, ks.parts, ks)
	s.judge.risks.at = stamp{moment: t}
	for i := range ks.rules {
		st := &ks.rules[i]
		if st.due > t {
			continue
		}
		s.lapse(st, t, closing)
		if st.throttled && st.suppressed == 0 && st.quiet <= t {
			st.throttled = false
		}
		st.let(t)
		st.schedule(s.plan.rs.Rules[st.rule].Program)
		if s.near != nil {
			st.rouse()
		}
	}
	s.settle(ks)
}

// lapse moves time on for the open matches of a rule.
func (s *shard) lapse(st *ruleState, t int64, closing bool) {
	if st.runs.Empty() {
		return
	}
	r, told := s.plan.rs.Rules[st.rule], t
	s.closing = t
	if closing {
		told = never
		if r.Program.Timeouts() {
			t = never
		}
	}
	s.judge.due = s.closing
	s.judge.ask(r)
	m := s.machine(st.rule)
	s.judge.view.state, s.judge.machine = st, m
	if s.trace != nil {
		s.follow(st.rule, nil, told)
	}
	s.recount.note(st.rule, m)
	s.matches = m.Advance(&st.runs, t, &s.judge, s.matches[:0])
	if s.near != nil {
		s.collect(st, m, nil, t)
	}
	s.comeOut(st, stamp{moment: t}, 0)
}
