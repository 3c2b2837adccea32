package cep

import (
	"iter"
	"unsafe"

	"weir/cep/feature"
	"weir/nfa"
)

// The state is weighed by looking at some of its keys. Of a space with few keys these are
// all, else those with certain hashes: which, and what they weigh, is a matter of what is
// kept alone. So each engine that has come to the same place in the log gets the same sum,
// whatever its shards, the batches, and where it was saved and read back.

// weighing adds up what parts of the state weigh.
type weighing struct {
	g     *Engine
	parts []int64 // rules, then features
	total int64
	drawn int // keys that were looked at
	most  int // that are looked at of one space
	used  []bool

	scratch feature.Scratch // of the features of the space
	words   []uint64
	bytes   []int64
}

// Keys that are looked at, of all spaces together and of each at least.
const (
	mostDrawn  = 4096
	leastDrawn = 256
)

// weigh weighs the state as it is between two events. All that has arrived is matched.
func (g *Engine) weigh() *weighing {
	w := &weighing{g: g, parts: make([]int64, len(g.rs.Rules)+len(g.rs.Features))}
	books := g.books()
	if g.settled != nil {
		books = append(books, book{g.settled[0].scheme, g.settled})
	}
	spaces := len(g.rs.Risks)
	for i := range g.layers {
		spaces += len(g.layers[i].plan.spaces)
	}
	for _, b := range books {
		spaces += len(b.scheme.spaces)
	}
	w.most = max(leastDrawn, mostDrawn/max(spaces, 1))
	for i := range g.layers {
		for space := range g.layers[i].plan.spaces {
			w.keys(&g.layers[i], space)
		}
	}
	for _, b := range books {
		for space := range b.scheme.spaces {
			w.records(b, space)
		}
	}
	for id := range g.rs.Risks {
		w.risks(RiskID(id))
	}
	for _, n := range w.parts {
		w.total += n
	}
	return w
}

// What is taken beside what is counted one by one, as measured: entries of tables, room that
// is left in them, and what blocks of memory are larger than asked for.
const (
	mapEntry     = 48 // of a table from text
	indexedWord  = 1  // of an index, for each key
	recordBeside = 24 // of a record
	textBeside   = 8
)

// keys weighs what the rules of a space keep.
func (w *weighing) keys(l *layer, space int) {
	all, weight := draw(w.most, func(yield func(*keyState, uint64) bool) {
		for _, s := range l.shards {
			for _, ks := range s.tables[space] {
				if !yield(ks, hashOf(ks.text)) {
					return
				}
			}
		}
	}, func(yield func(*keyState, uint64) bool) {
		for _, s := range l.shards {
			for _, ks := range s.indexes[space].all {
				if !yield(ks, hashOf(ks.text)) {
					return
				}
			}
		}
	}, func(*keyState) bool { return true })
	w.drawn += len(all)
	for _, ks := range all {
		w.key(ks, weight)
	}
}

// key weighs a key. What its rules share counts for the first of them.
func (w *weighing) key(ks *keyState, weight int64) {
	rs, low := w.g.rs, w.g.order.low
	shared := mapEntry + indexedWord + int(unsafe.Sizeof(keyState{})) + len(ks.text) + textBeside + 16*len(ks.parts)
	w.used = append(w.used[:0], make([]bool, len(ks.events))...)
	for i := range ks.rules {
		st := &ks.rules[i]
		n := shared + int(unsafe.Sizeof(ruleState{}))
		shared = 0
		for _, h := range st.holds {
			if h.until > low {
				n += int(unsafe.Sizeof(h))
			}
		}
		if p := rs.Rules[st.rule].Program; p != nil && !st.runs.Empty() {
			nodes := 0
			n += st.runs.Weigh(p, func(e nfa.Event) {
				nodes++
				if j, ok := ks.find(uint64(e)); ok && !w.used[j] {
					w.used[j] = true
					n += w.event(ks.events[j].Event)
				}
			})
			n += nodes * len(rs.Rules[st.rule].Aggregates) * int(unsafe.Sizeof(Aggregate{}))
		}
		w.parts[st.rule] += int64(n) * weight
	}
}

// event is about what an event takes that was captured.
func (w *weighing) event(e *Event) int {
	n := int(unsafe.Sizeof(captive{})) + int(unsafe.Sizeof(Event{})) + len(e.Raw) + textBeside
	for f := range w.g.rs.Fields {
		if e.Field(FieldID(f)).Kind != Nil {
			n += int(unsafe.Sizeof(Value{}))
		}
	}
	return n
}

// placed is a record with the ledger that has it.
type placed struct {
	of *ledger
	record
}

// records weighs what the features of a space keep.
func (w *weighing) records(b book, space int) {
	w.scratch = feature.Scratch{}
	plan := b.scheme.spaces[space].plan
	some := func(segments int) iter.Seq2[placed, uint64] {
		return func(yield func(placed, uint64) bool) {
			for _, l := range b.ledgers {
				for r, hash := range l.spaces[space].within(segments) {
					if !yield(placed{l, r}, hash) {
						return
					}
				}
			}
		}
	}
	all, weight := draw(w.most, some(1<<segmentBits), some(1<<(segmentBits-indexBits)), func(x placed) bool {
		_, something := w.trimmed(plan, &x, space)
		return something
	})
	w.drawn += len(all)
	for i := range all {
		w.record(b.scheme, space, &all[i], weight)
	}
}

// trimmed is a copy of a record as it would be written: what has left its windows counts no
// more, whenever that is noticed. It is valid until the next; false: nothing is left.
func (w *weighing) trimmed(plan *feature.Plan, x *placed, space int) (*feature.Record, bool) {
	rs := x.of.spaces[space]
	r := plan.Empty(&w.scratch)
	w.words = plan.Save(&w.scratch, w.words[:0], &x.kept)
	plan.Load(r, w.words)
	return r, !plan.Trim(r, x.of.lookedAt(space, rs.text(&x.record), w.g.order.low))
}

// record weighs a record, with the events that are kept to show them.
func (w *weighing) record(c *scheme, space int, x *placed, weight int64) {
	features := c.spaces[space].features
	rs := x.of.spaces[space]
	text := rs.text(&x.record)
	beside := 8*len(x.head) + recordBeside
	if len(text) > mostInline {
		beside += len(text)
	}
	r, _ := w.trimmed(rs.plan, x, space)
	w.bytes = rs.plan.Weigh(w.bytes[:0], r)
	for i, f := range features {
		n := int(w.bytes[i]) + beside/len(features)
		if k := c.witnessOf(f); k >= 0 {
			if t := x.of.trails[k].keys[text]; t != nil {
				n += w.trail(c, int(k), t)
			}
		}
		w.parts[len(w.g.rs.Rules)+int(f)] += int64(n) * weight
	}
}

// witnessOf is the number of a feature among those whose events rules show, or -1.
func (c *scheme) witnessOf(f int32) int32 {
	if c.witness == nil {
		return -1
	}
	return c.witness[f]
}

// trail is about what the latest events of a key take.
func (w *weighing) trail(c *scheme, n int, t *trail) int {
	events := c.witnesses[n].show(t.events, w.g.order.low)
	if len(events) == 0 { // it goes when that is noticed
		return 0
	}
	size := mapEntry + len(t.text) + textBeside + int(unsafe.Sizeof(trail{})) + int(unsafe.Sizeof(lapsing{}))
	for i := range events {
		size += len(events[i].raw) + textBeside + 3*int(unsafe.Sizeof(shown{}))/2
	}
	return size
}

// risks weighs the levels of a risk. Rules that add to it have equal parts of that.
func (w *weighing) risks(id RiskID) {
	g, risk := w.g, w.g.rs.Risks[id].Risk
	var adds []int
	for i := range g.rs.Rules {
		for l := range g.layers {
			for _, x := range g.layers[l].plan.risks[i] {
				if x == id {
					adds = append(adds, i)
				}
			}
		}
	}
	if len(adds) == 0 {
		return
	}
	all, weight := draw(w.most, func(yield func(*riskState, uint64) bool) {
		for _, r := range g.risks {
			for _, rk := range r.tables[id] {
				if !yield(rk, hashOf(rk.text)) {
					return
				}
			}
		}
	}, func(yield func(*riskState, uint64) bool) {
		for _, r := range g.risks {
			for _, rk := range r.indexes[id].all {
				if !yield(rk, hashOf(rk.text)) {
					return
				}
			}
		}
	}, func(rk *riskState) bool {
		level := rk.before(risk, g.order.low)
		end, ok := risk.Deadline(&level)
		return ok && end > g.order.low
	})
	w.drawn += len(all)
	n := int64(0)
	for _, rk := range all {
		n += int64(mapEntry + len(rk.text) + textBeside + int(unsafe.Sizeof(riskState{})) + int(unsafe.Sizeof(fading{})))
	}
	for i, rule := range adds {
		w.parts[rule] += n * weight / int64(len(adds))
		if i == 0 {
			w.parts[rule] += n * weight % int64(len(adds))
		}
	}
}

// within yields the records of the first segments, with their hashes as far as slots know
// them.
func (rs *records) within(segments int) iter.Seq2[record, uint64] {
	return func(yield func(record, uint64) bool) {
		for i := range rs.segments[:segments] {
			for _, s := range rs.segments[i].slots {
				if s == 0 {
					continue
				}
				hash := uint64(i)<<(64-segmentBits) | s>>32<<(32-segmentBits)
				if !yield(rs.record(feature.Ref(s)), hash) {
					return
				}
			}
		}
	}
}
