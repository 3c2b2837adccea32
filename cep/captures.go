package cep

import "weir/nfa"

// view shows what an open match has captured, with the events.
type view struct {
	rule    *Rule
	caps    nfa.Captures
	keys    *keyState  // nil: nothing is kept yet
	state   *ruleState // whose runs caps look into
	current *Event     // the event being tried, nil if time moves on
	number  uint64     // that open matches know it by
	numbers []nfa.Event
	chain   []link
}

// link is a capture whose aggregates are not known yet.
type link struct {
	node  int32
	v     int
	event nfa.Event
}

func (w *view) event(n nfa.Event) *Event {
	if w.current != nil && w.number == uint64(n) {
		return w.current
	}
	return w.keys.event(uint64(n))
}

// find is event for one that may not have been kept; nil: it was not.
func (w *view) find(n nfa.Event) *Event {
	if w.current != nil && w.number == uint64(n) {
		return w.current
	}
	if i, ok := w.keys.find(uint64(n)); ok {
		return w.keys.events[i].Event
	}
	return nil
}

func (w *view) Len(v int) int { return w.caps.Len(v) }

func (w *view) First(v int) *Event {
	if n, ok := w.caps.First(v); ok {
		return w.event(n)
	}
	return nil
}

func (w *view) Last(v int) *Event {
	if n, ok := w.caps.Last(v); ok {
		return w.event(n)
	}
	return nil
}

func (w *view) Append(dst []*Event, v int) []*Event {
	w.numbers = w.caps.Append(w.numbers[:0], v)
	for _, n := range w.numbers {
		dst = append(dst, w.event(n))
	}
	return dst
}

func (w *view) Aggregate(i int) Aggregate {
	node := w.caps.Node()
	if node == 0 {
		return Aggregate{}
	}
	if w.state.sums == nil {
		w.state.sums = new(sums)
	}
	s, k := w.state.sums, int32(len(w.rule.Aggregates))
	s.fit(&w.state.runs, int(k))
	if !s.known[node-1] {
		w.fill(s, k)
	}
	return s.values[(node-1)*k+int32(i)]
}

// fill works out the aggregates of the captures up to w.caps that are not known.
func (w *view) fill(s *sums, k int32) {
	w.chain = w.chain[:0]
	caps := w.caps
	for caps.Node() != 0 && !s.known[caps.Node()-1] {
		w.chain = append(w.chain, link{caps.Node(), caps.Var(), caps.Event()})
		caps = caps.Parent()
	}
	before := caps.Node()
	for j := len(w.chain) - 1; j >= 0; j-- {
		l := w.chain[j]
		mine := s.values[(l.node-1)*k : l.node*k]
		if before != 0 {
			copy(mine, s.values[(before-1)*k:before*k])
		}
		var e *Event
		for i, of := range w.rule.Aggregates {
			if of.Var != l.v {
				continue
			}
			if e == nil {
				e = w.event(l.event)
			}
			mine[i].add(e.Field(of.Field))
		}
		s.known[l.node-1] = true
		before = l.node
	}
}

// add takes in one more value.
func (a *Aggregate) add(v *Value) {
	if v.Kind != Number {
		return
	}
	x := v.Number()
	if a.N == 0 {
		a.Min, a.Max = x, x
	}
	a.N++
	a.Sum += x
	a.Min, a.Max = min(a.Min, x), max(a.Max, x)
}

// sums remembers the aggregates of each capture of an open match's history. It
// can always be worked out again from the captures, and is when these are
// renumbered, which happens when they have doubled.
type sums struct {
	generation uint32
	known      []bool      // by node
	values     []Aggregate // by node, then Rule.Aggregates
}

// fit makes room for the captures of r, k aggregates each.
func (s *sums) fit(r *nfa.Runs, k int) {
	if s.generation != r.Generation() {
		s.generation = r.Generation()
		s.known, s.values = s.known[:0], s.values[:0]
	}
	for n := r.Nodes(); len(s.known) < n; {
		s.known = append(s.known, false)
		for range k {
			s.values = append(s.values, Aggregate{})
		}
	}
}

// matched shows the captures of a match that has come out.
type matched struct {
	rule   *Rule
	events [][]*Event // by variable
}

func (m *matched) Len(v int) int { return len(m.events[v]) }

func (m *matched) First(v int) *Event {
	if len(m.events[v]) == 0 {
		return nil
	}
	return m.events[v][0]
}

func (m *matched) Last(v int) *Event {
	if len(m.events[v]) == 0 {
		return nil
	}
	return m.events[v][len(m.events[v])-1]
}

func (m *matched) Append(dst []*Event, v int) []*Event { return append(dst, m.events[v]...) }

func (m *matched) Aggregate(i int) Aggregate {
	var a Aggregate
	of := m.rule.Aggregates[i]
	for _, e := range m.events[of.Var] {
		a.add(e.Field(of.Field))
	}
	return a
}

// fill takes the events of a match; w resolves their numbers.
func (m *matched) fill(rule *Rule, w *view, captured []nfa.Captured) {
	m.rule = rule
	for len(m.events) < len(rule.Names) {
		m.events = append(m.events, nil)
	}
	for i := range m.events {
		clear(m.events[i])
		m.events[i] = m.events[i][:0]
	}
	for _, c := range captured {
		m.events[c.Var] = append(m.events[c.Var], w.event(c.Event))
	}
}
