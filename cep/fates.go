package cep

import (
	"cmp"
	"slices"

	"weir/nfa"
)

// miss is a Miss while it may get an After.
type miss struct {
	Miss
	rule, step int32
	text       string  // the key in its table
	last       uint64  // the number of the last event that it captured, while it is made
	until      int64   // when After is looked for no longer; 0: it is not
	caught     []catch // what it captured; nil: the conditions that it waited for do not look at it
}

// catch is an event that a miss captured.
type catch struct {
	name  int32
	event *Event
}

// fate is something that became of an open match: one count, with an example where it
// ran out, or an After for an example. In EagerOrder the items of cells keep fates until
// no event can come that would take them back.
type fate struct {
	rule, step int32
	count      int32  // in StepCounts.counters; after: it counts nothing
	by         *Event // that brought it; nil: time did
	at         int64  // when
	miss       *miss  // nil: no example
}

// after is the count of a fate that gives an example its After.
const after = -1

// nearMisses counts what became of the open matches of a shard, and keeps examples
// (Options.NearMisses). All memory is that of at most 20 examples for each step of each
// rule, and of the latest events of keys with an open match, one for each name waited for;
// in EagerOrder also that of the fates of items (see item).
type nearMisses struct {
	plan    *plan
	rules   [][]stepFates // nil for rules of other layers, and where nothing follows a first event
	awaited [][]int32     // by rule: names that open matches can wait for
	watched []map[string][]*miss
	fates   []fate // that have just come
	input   int64  // what runs out later does so because the input ended; never: it has not
	matched matched
}

// stepFates is what is counted of a step of a rule.
type stepFates struct {
	StepCounts
	latest []*miss // by Miss.compare, at most 20
}

func newNearMisses(p *plan) *nearMisses {
	rules := len(p.rs.Rules)
	n := &nearMisses{plan: p, rules: make([][]stepFates, rules), awaited: make([][]int32, rules), watched: make([]map[string][]*miss, len(p.spaces)), input: never}
	for i := range n.watched {
		n.watched[i] = map[string][]*miss{}
	}
	for i, r := range p.rs.Rules {
		if r.Layer == p.layer && r.counted() {
			n.rules[i], n.awaited[i] = make([]stepFates, len(r.Program.Steps())), r.Program.Awaited()
		}
	}
	return n
}

// counted reports whether near misses of a rule are counted: whether it has open matches.
func (r *Rule) counted() bool { return r.Program != nil && r.Program.Leads() }

// collect takes what a machine says that became of open matches of a rule under the key
// of the judge at a moment: by an event, or by time (nil).
func (s *shard) collect(st *ruleState, m *nfa.Machine, by *Event, at int64) {
	n, known := s.near, s.eager.returns(by, at)
	first := len(n.fates)
	if by == nil {
		slices.SortStableFunc(m.Fates, func(a, b nfa.Fate) int { return compareFates(&a, &b) })
	}
	var last *miss
	for i := range m.Fates {
		f := &m.Fates[i]
		of := fate{rule: st.rule, step: int32(f.Step), by: by, at: at}
		switch f.Kind {
		case nfa.Began:
			n.fates = append(n.fates, of.counting(0), of.counting(2))
		case nfa.Took:
			if f.Splits {
				n.fates = append(n.fates, of.counting(1))
			}
			if f.Enters {
				n.fates = append(n.fates, of.counting(2))
			}
		default:
			end := endingOf(f.Why)
			switch {
			case end != EndRanOut:
			case f.Time > n.input:
				end = EndInput
			case st.inside(f):
				end = EndInside
				last.awaits(f)
			case !known && n.rules[st.rule][f.Step].wants(f.Time):
				last = s.missed(st, f)
				of.miss = last
			}
			n.fates = append(n.fates, of.counting(3+int32(end)))
		}
	}
	if known {
		n.fates = n.fates[:first]
	}
	for i := range n.fates[first:] {
		if x := n.fates[first+i].miss; x != nil {
			s.finish(st, x)
		}
	}
	if s.eager == nil {
		n.settle()
	}
}

// compareFates orders matches that time ended by when, then by their first events,
// then those that got further before others.
func compareFates(a, b *nfa.Fate) int {
	x, _ := a.Captures.Start()
	y, _ := b.Captures.Start()
	return cmp.Or(
		cmp.Compare(a.Time, b.Time), cmp.Compare(x, y),
		cmp.Compare(b.Step, a.Step), cmp.Compare(b.Captures.Event(), a.Captures.Event()),
	)
}

// inside reports whether a match that ran out is only a later part of the one that ran out
// before it; else it is remembered. Every event of an episode may begin a match, and the
// episode is to be shown once.
func (st *ruleState) inside(f *nfa.Fate) bool {
	first, _ := f.Captures.Start()
	near := st.nearby()
	if uint64(first) <= near.until && f.Step <= near.step {
		return true
	}
	near.until, near.step = uint64(f.Captures.Event()), f.Step
	return false
}

// counting is f with what it counts.
func (f fate) counting(count int32) fate {
	f.count = count
	return f
}

// settle counts the fates that have just come and are not taken back.
func (n *nearMisses) settle() {
	n.settled(n.fates)
	clear(n.fates)
	n.fates = n.fates[:0]
}

// settled counts fates that are not taken back, and keeps their examples.
func (n *nearMisses) settled(fates []fate) {
	for i := range fates {
		f := &fates[i]
		if f.count == after {
			continue
		}
		sf := &n.rules[f.rule][f.step]
		*sf.counters()[f.count]++
		if f.miss != nil {
			n.keep(sf, f.miss)
		}
	}
}

// wants reports whether an example that ran out at a time would be kept.
func (sf *stepFates) wants(at int64) bool {
	return len(sf.latest) < mostMisses || at >= sf.latest[0].At
}

// keep adds an example to those of its step, of which the latest 20 stay.
func (n *nearMisses) keep(sf *stepFates, x *miss) {
	i, _ := slices.BinarySearchFunc(sf.latest, x, func(a, b *miss) int {
		return cmp.Or(a.compare(&b.Miss), -1) // after those that are equal
	})
	sf.latest = slices.Insert(sf.latest, i, x)
	if len(sf.latest) > mostMisses {
		n.forget(sf.latest[0])
		sf.latest = slices.Delete(sf.latest, 0, 1)
	}
}

// forget sees to it that an example which is shown no more waits for nothing.
func (n *nearMisses) forget(x *miss) {
	n.unwatch(x)
	x.until = 0
}

// watch lets a miss wait for its After.
func (n *nearMisses) watch(x *miss) {
	if x.until > 0 {
		table := n.watched[n.plan.home[x.rule]]
		table[x.text] = append(table[x.text], x)
	}
}

func (n *nearMisses) unwatch(x *miss) {
	table := n.watched[n.plan.home[x.rule]]
	list := table[x.text]
	i := slices.Index(list, x)
	if i < 0 {
		return
	}
	if len(list) == 1 {
		delete(table, x.text)
		return
	}
	table[x.text] = slices.Delete(list, i, i+1)
}

// missed makes the example of a match that ran out under the key of the judge.
func (s *shard) missed(st *ruleState, f *nfa.Fate) *miss {
	ks := s.judge.view.keys
	x := &miss{rule: st.rule, step: int32(f.Step), text: ks.text}
	x.Key, x.At, x.Size = slices.Clone(ks.parts), f.Time, f.Captures.Size()
	x.last = uint64(f.Captures.Event())
	_, x.Began = f.Captures.Start()
	for c := f.Captures; c.Node() != 0 && len(x.caught) < mostCaught; c = c.Parent() {
		x.caught = append(x.caught, catch{int32(c.Var()), s.judge.view.event(c.Event())})
	}
	slices.Reverse(x.caught)
	for _, c := range x.caught {
		x.Captured = append(x.Captured, c.event.seen(c.name))
	}
	x.awaits(f)
	return x
}

// awaits adds what a match waited for that ran out with x (it may be nil) and had captured
// the same: another pattern of those that `|` and `&` stand for.
func (x *miss) awaits(f *nfa.Fate) {
	if x == nil || f.Time != x.At || f.Captures.Size() != x.Size || uint64(f.Captures.Event()) != x.last {
		return
	}
	for _, name := range f.Awaited(nil) {
		if !slices.Contains(x.Waited, int(name)) {
			x.Waited = append(x.Waited, int(name))
		}
	}
	slices.Sort(x.Waited)
}

// finish looks for what came nearest to what a miss waited for, and lets it wait for what
// comes.
func (s *shard) finish(st *ruleState, x *miss) {
	looks := s.plan.rs.Rules[st.rule].looksBack(x.Waited)
	if !looks || x.Size <= mostCaught {
		x.until = later(x.At, elapsed(x.Began, x.At))
	}
	if !looks {
		x.caught = nil
	}
	x.Before = st.nearest(s.near.awaited[st.rule], x)
	s.near.watch(x)
}

// looksBack reports whether what one of some names stands for depends on what was captured
// before.
func (r *Rule) looksBack(names []int) bool {
	return slices.ContainsFunc(names, func(name int) bool { return r.Conds[name].Captured != nil })
}

// seen names an event that a variable captured, or could have.
func (e *Event) seen(name int32) Seen {
	return Seen{Var: int(name), Time: e.Time, Name: e.name()}
}

// lookBack gives an event of the key in s.key to the misses of a space that it may have
// come too late for.
func (s *shard) lookBack(space int32, e *Event) {
	n := s.near
	if len(n.watched[space]) == 0 || s.eager.returns(e, e.Time) {
		return
	}
	first := len(n.fates)
	for _, x := range n.watched[space][s.key.joined()] {
		if e.Time >= x.until || !s.plan.on[x.rule][e.Type+1] {
			continue
		}
		if name, ok := s.fits(x); ok {
			x.After = e.seen(name)
			n.fates = append(n.fates, fate{rule: x.rule, step: x.step, count: after, by: e, at: e.Time, miss: x})
		}
	}
	for _, f := range n.fates[first:] {
		n.unwatch(f.miss)
	}
	if s.eager == nil {
		n.settle()
	}
}

// fits reports whether the event of the judge is what a miss waited for, and as what.
func (s *shard) fits(x *miss) (int32, bool) {
	j := &s.judge
	r := s.plan.rs.Rules[x.rule]
	j.ask(r)
	j.scope.Again = true // what fails here is no fault of the rule
	defer func() { j.scope.Again = false }()
	if !j.sees() {
		return 0, false
	}
	filled := false
	for _, name := range x.Waited {
		if !j.May(nfa.Cond(name)) {
			continue
		}
		if captured := r.Conds[name].Captured; captured != nil {
			if !filled {
				s.near.matched.take(r, x.caught)
				filled = true
			}
			j.scope.Captures = &s.near.matched
			if !captured(&j.scope) {
				continue
			}
		}
		return int32(name), true
	}
	return 0, false
}

// take takes the events that a miss captured.
func (m *matched) take(r *Rule, caught []catch) {
	m.fill(r, nil, nil)
	for _, c := range caught {
		m.events[c.name] = append(m.events[c.name], c.event)
	}
}

// keyNear is what is kept for near misses of a rule under a key while a match is open.
type keyNear struct {
	last  []passed // by ruleFates.awaited; nil: none yet
	until uint64   // the last event of the match that ran out last; 0: none did
	step  int      // how far that had got
}

// nearby gives what is kept for near misses.
func (st *ruleState) nearby() *keyNear {
	if st.near == nil {
		st.near = new(keyNear)
	}
	return st.near
}

// passed is the latest event of a key that could by its type have been what a name
// stands for. number 0: there is none.
type passed struct {
	number uint64 // among the events of the key, see captive
	time   int64
	nth    uint64
	isID   bool
	text   []byte // declared id, or else the line
}

// pass notes that open matches of a rule have been given the event of the judge.
func (s *shard) pass(st *ruleState, e *Event) {
	j, awaited := &s.judge, s.near.awaited[st.rule]
	if len(awaited) == 0 {
		return
	}
	j.scope.Again = true
	sees := j.sees()
	j.scope.Again = false
	if !sees {
		return
	}
	for i, name := range awaited {
		if !j.couldBe(nfa.Cond(name)) {
			continue
		}
		near := st.nearby()
		if near.last == nil {
			near.last = make([]passed, len(awaited))
		}
		p := &near.last[i]
		p.number, p.time, p.nth, p.isID = j.view.number, e.Time, e.nth, e.ID != ""
		if p.isID {
			p.text = append(p.text[:0], e.ID...)
		} else {
			p.text = append(p.text[:0], e.Raw...)
		}
	}
}

// couldBe reports whether the event could by its type and key be what a name stands for.
func (j *judge) couldBe(c nfa.Cond) bool {
	types := j.rule.Conds[c].Types
	return (types == nil || slices.Contains(types, j.scope.Event.Type)) && j.named(c)
}

// nearest finds the Before of a match that ran out.
func (st *ruleState) nearest(awaited []int32, x *miss) Seen {
	var best Seen
	if st.near == nil || st.near.last == nil {
		return best
	}
	latest := x.last
	for i, name := range awaited {
		if p := &st.near.last[i]; p.number > latest && slices.Contains(x.Waited, int(name)) {
			latest, best = p.number, Seen{Var: int(name), Time: p.time, Name: p.name()}
		}
	}
	return best
}

// name is what alerts call the event.
func (p *passed) name() string {
	if p.isID {
		return string(p.text)
	}
	return nameOf("", string(p.text), p.nth)
}

// rouse lets time change st as soon as something of its open matches runs out, be it
// seen or not.
func (st *ruleState) rouse() { st.due = min(st.due, st.runs.Soonest()) }
