package cep

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"math"
	"slices"
	"strings"
	"unsafe"

	"weir/cep/outcome"
	"weir/cep/wire"
	"weir/nfa"
)

// stateFormat is the version of the bytes that Append writes; FORMAT.md describes
// them.
const stateFormat = 10

const stateMagic = "weir-cep"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errState = errors.New("cep: the bytes are no state of an engine: they are damaged or cut off")

// Append appends the state of the engine to dst. The same state gives the same
// bytes, whatever the number of shards. An Engine restored from them does what
// this one would do. It is called between two calls of Step.
func (g *Engine) Append(dst []byte) []byte {
	start := len(dst)
	w := writer{wire.Writer{B: dst}}
	g.appendHead(&w)
	g.appendHeld(&w)
	g.appendLog(&w)
	g.ids.append(&w)
	g.appendCounted(&w)
	if g.eager() {
		g.appendKeysEager(&w)
	} else {
		g.appendKeys(&w)
	}
	g.appendRisks(&w)
	if g.eager() {
		g.appendLeft(&w)
	}
	g.appendFeatures(&w)
	g.appendTrails(&w, g.scheme, g.ledgers)
	g.appendLists(&w)
	g.appendNear(&w)
	if g.eager() {
		g.appendEager(&w)
	}
	return binary.LittleEndian.AppendUint32(w.B, crc32.Checksum(w.B[start:], castagnoli))
}

// appendHead writes what a state begins with.
func (g *Engine) appendHead(w *writer) {
	w.B = append(w.B, stateMagic...)
	w.Byte(stateFormat)
	w.Bytes(g.shapeSum())
	g.appendPrograms(w)
	g.appendBorders(w)
	g.appendLanes(w)
	g.appendClock(w)
}

// appendLog writes the clock of the log, and which ids there are.
func (g *Engine) appendLog(w *writer) {
	g.log.append(w)
	g.ids.appendBounds(w)
}

// appendCounted writes what is counted.
func (g *Engine) appendCounted(w *writer) {
	g.appendStats(w)
	w.Bool(g.options.NearMisses)
}

// shapeSum is shape, which does not change.
func (g *Engine) shapeSum() []byte {
	if g.shaped == nil {
		g.shaped = g.shape()
	}
	return g.shaped
}

// Restore makes the Engine whose state Append wrote. Fields, types, keys, rule ids,
// revisions, features, reads and lists of rs must be those of the Ruleset that
// the state was made with; a list that has not changed since must also begin with the
// same entries. Options may differ: a new lateness acts from the next event on. Damaged data
// gives an error.
//
// Where programs differ, the error is an OtherPrograms. With Options.Drop such rules begin anew
// where the state ends, as a rule that Adopt puts in force: their open matches are dropped
// (Engine.Dropped), throttles and holds stay, and everything else goes on as it was. With
// EagerOrder what their matches of the last lateness have added to risks, or were for other
// rules, goes too, unless it is settled. Near misses must not be counted.
func Restore(rs *Ruleset, o Options, data []byte) (*Engine, error) {
	return RestoreSections(rs, o, data, nil)
}

// RestoreSections is Restore where it is known where the sections of the state begin, as
// AssembleSections says: with Options.Saved parts of it are read at the same time then.
func RestoreSections(rs *Ruleset, o Options, data []byte, begins []int) (*Engine, error) {
	if len(data) < len(stateMagic)+5 || string(data[:len(stateMagic)]) != stateMagic {
		return nil, errState
	}
	if v := data[len(stateMagic)]; v != stateFormat {
		return nil, fmt.Errorf("cep: the state has format %d, this program reads format %d", v, stateFormat)
	}
	body := data[:len(data)-4]
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(data[len(body):]) {
		return nil, errState
	}
	g := NewEngine(rs, o)
	r := reader{wire.Reader{Src: body[len(stateMagic)+1:]}}
	if shape := r.Text(); !r.Bad && shape != string(g.shape()) {
		return nil, errors.New("cep: the state was made with other rules: their fields, types, keys, programs, features or lists differ, or events were matched in another order")
	}
	dropped := r.programs(rs)
	if dropped != nil && !o.Drop {
		return nil, otherPrograms(rs, dropped)
	}
	b, x := r.borders(rs), r.lanes(rs)
	b.begin(dropped, r)
	if behind := x.behind(b.behind(rs)); behind != rs {
		g = NewEngine(behind, o)
	}
	g.dropped, g.lanes = dropped, x
	g.readClock(&r)
	b.check(&r, &g.order)
	x.check(&r, &g.order)
	g.log.read(&r, g.order.now)
	g.ids.readBounds(&r)
	g.ids.read(&r, g.order.now)
	g.readStats(&r)
	near := r.Bool()
	if near && dropped != nil {
		return nil, otherPrograms(rs, dropped)
	}
	saved := o.Saved && o.Freezes && near == o.NearMisses && dropped == nil // what was dropped is saved still
	if saved {
		g.beginSaved()
	}
	apart := g.readBeside(body, begins)
	g.readKeys(&r, near)
	g.readRisks(&r)
	if g.eager() {
		g.readLeft(&r)
	}
	if apart != nil {
		apart.skip(0, &r, body)
	} else {
		g.readFeatures(&r)
		g.readTrails(&r, g.scheme, g.ledgers)
		if err := g.readLists(&r); err != nil {
			return nil, err
		}
		if saved {
			g.endSavedFeatures()
		}
	}
	g.readNear(&r, near)
	if apart != nil {
		if err := apart.join(g, &r); err != nil {
			return nil, err
		}
	}
	if saved {
		g.endSaved()
	}
	if g.eager() && !r.Bad {
		if apart != nil {
			apart.skip(1, &r, body)
		} else {
			g.readRecent(&r)
		}
		g.readEager(&r)
	}
	if r.Bad || len(r.Src) > 0 {
		return nil, errState
	}
	return g, nil
}

// shape is a hash of what the numbers in a state mean: fields, types, rules, keys,
// programs, features and lists.
func (g *Engine) shape() []byte {
	var w writer
	w.Bool(g.eager())
	w.Uint(uint64(len(g.rs.Fields)))
	for _, f := range g.rs.Fields {
		w.Text(f)
	}
	w.Uint(uint64(len(g.rs.Types)))
	for i := range g.rs.Types {
		w.Text(g.rs.Types[i].Name)
	}
	w.Uint(uint64(len(g.rs.Rules)))
	for i, r := range g.rs.Rules {
		w.Text(r.ID)
		w.Uint(uint64(r.Revision))
		w.Bool(r.Program != nil)
		w.Uint(uint64(r.WindowClose))
		w.Uint(uint64(r.Evidence))
		w.Uint(uint64(r.Layer))
		p := g.layers[r.Layer].plan
		sp := &p.spaces[p.home[i]]
		w.Uint(uint64(p.home[i]))
		w.Bool(sp.byName)
		for _, f := range sp.fields {
			w.Uint(uint64(f))
		}
		for _, t := range slices.Sorted(maps.Keys(sp.byType)) {
			w.Uint(uint64(t))
			w.Uint(uint64(sp.byType[t]))
		}
	}
	w.Uint(uint64(len(g.rs.Risks)))
	for _, r := range g.rs.Risks {
		w.Text(r.Name)
		w.Uint(uint64(len(r.Key)))
		for _, part := range r.Key {
			w.Text(part)
		}
		w.Int(int64(r.Risk.HalfLife))
	}
	g.appendFeatureShape(&w)
	sum := sha256.Sum256(w.B)
	return sum[:]
}

func (g *Engine) appendClock(w *writer) {
	o := &g.order
	w.Bool(o.started)
	w.Int(o.now)
	w.Int(o.low)
	w.Uint(o.arrived)
	w.Uint(g.place)
	for i := range g.layers {
		w.Uint(g.layers[i].last)
	}
	s := &g.same
	s.enter()
	w.Int(s.time)
	w.Uint(s.base)
	w.Uint(s.most)
	w.Uint(uint64(len(s.counts)))
	for _, h := range slices.Sorted(maps.Keys(s.counts)) {
		w.Fixed(h)
		w.Uint(s.counts[h])
	}
}

// appendHeld writes the events that wait, as they came.
func (g *Engine) appendHeld(w *writer) {
	held := slices.Clone(g.order.held)
	slices.SortFunc(held, func(a, b waiting) int { return cmp.Compare(a.arrived, b.arrived) })
	if g.eager() {
		held = nil // they are written with those that have been matched
	}
	w.Uint(uint64(len(held)))
	for i := range held {
		w.event(held[i].event, len(g.rs.Fields))
	}
}

func (g *Engine) readClock(r *reader) {
	o := &g.order
	o.started, o.now, o.low, o.arrived = r.Bool(), r.Int(), r.Int(), r.Uint()
	g.place = r.Below(math.MaxInt64) // so that it does not run over
	for i := range g.layers {
		g.layers[i].last = r.Below(math.MaxInt64)
	}
	if o.low > o.now {
		r.Fail()
	}
	s := &g.same
	s.time, s.base, s.most = r.Int(), r.Uint(), r.Uint()
	s.counts = map[uint64]uint64{}
	for range r.Count(9) {
		s.counts[r.Fixed()] = r.Uint()
	}
	before := uint64(0)
	for range r.Count(leastEvent) {
		e := r.event(g)
		if r.Bad || !o.started || e.Time > o.now || e.arrived <= before {
			r.Fail()
			return
		}
		if before = e.arrived; e.Time <= o.ready() {
			continue // it waits no more
		}
		o.held.push(waiting{time: e.Time, seq: e.Seq, arrived: e.arrived, event: e, own: true})
		g.waits.hold(e)
	}
}

func (g *Engine) appendStats(w *writer) {
	s := g.Stats()
	w.Uint(s.Events)
	w.Uint(s.Late)
	w.Uint(s.Rejected)
	w.Uint(s.Other)
	for _, n := range s.Types {
		w.Uint(n)
	}
	for _, seen := range s.Fields {
		w.Bool(seen)
	}
	for i := range s.Rules {
		for _, n := range s.Rules[i].counters() {
			w.Uint(*n)
		}
	}
	for i := range s.Features {
		for _, n := range s.Features[i].counters() {
			w.Uint(*n)
		}
	}
	w.Uint(s.Refused)
	w.Uint(s.Duplicates)
	w.Uint(s.Conflicts)
	w.Uint(s.Unchecked)
	s.OutOfOrder.append(w)
	s.LateBy.append(w)
	g.budget.append(w, g.order.low)
}

func (g *Engine) readStats(r *reader) {
	s := &g.stats
	s.Events, s.Late, s.Rejected, s.Other = r.Uint(), r.Uint(), r.Uint(), r.Uint()
	for i := range s.Types {
		s.Types[i] = r.Uint()
	}
	g.unseen = g.unseen[:0]
	for i := range s.Fields {
		if s.Fields[i] = r.Bool(); !s.Fields[i] {
			g.unseen = append(g.unseen, FieldID(i))
		}
	}
	for i := range s.Rules {
		for _, n := range s.Rules[i].counters() {
			*n = r.Uint()
		}
	}
	for i := range s.Features {
		for _, n := range s.Features[i].counters() {
			*n = r.Uint()
		}
	}
	s.Refused = r.Uint()
	s.Duplicates, s.Conflicts, s.Unchecked = r.Uint(), r.Uint(), r.Uint()
	s.OutOfOrder.read(r)
	s.LateBy.read(r)
	g.budget.read(r, &g.order)
}

func (g *Engine) appendKeys(w *writer) {
	for i := range g.layers {
		g.appendLayer(w, &g.layers[i])
	}
}

func (g *Engine) appendLayer(w *writer, l *layer) {
	var keys []*keyState
	for _, s := range l.shards {
		for _, table := range s.tables {
			for _, ks := range table {
				keys = append(keys, ks)
			}
		}
	}
	slices.SortFunc(keys, func(a, b *keyState) int {
		return cmp.Or(cmp.Compare(a.space, b.space), cmp.Compare(a.text, b.text))
	})
	w.Uint(uint64(len(keys)))
	for _, ks := range keys {
		w.key(g.rs, ks, g.eager(), g.options.NearMisses, g.order.low)
	}
}

// key writes what is kept under a key as of low.
func (w *writer) key(rs *Ruleset, ks *keyState, eager, near bool, low int64) {
	ks.release(rs)
	w.Uint(uint64(ks.space))
	for _, part := range ks.parts {
		w.Text(part)
	}
	if eager {
		w.Uint(ks.count)
	}
	w.Uint(uint64(len(ks.events)))
	asked := ks.reads(rs)
	for _, e := range ks.events {
		if eager {
			w.Uint(e.number)
		}
		w.eventFor(e.Event, len(rs.Fields), asked)
	}
	w.Uint(uint64(len(ks.rules)))
	for i := range ks.rules {
		st := &ks.rules[i]
		w.Uint(uint64(st.rule))
		w.Bool(st.throttled)
		w.Int(st.quiet)
		w.Uint(uint64(st.suppressed))
		w.Bool(st.edge)
		w.holds(st.holds, low)
		if p := rs.Rules[st.rule].Program; p != nil {
			at := len(w.B)
			w.B = p.AppendRuns(append(w.B, 0), &st.runs)
			w.sized(at)
		}
		if near {
			w.near(st.near)
		}
	}
}

// readKeys reads keys; near says that they have what near misses need.
func (g *Engine) readKeys(r *reader, near bool) {
	for i := range g.layers {
		g.readLayer(r, &g.layers[i], near)
	}
}

func (g *Engine) readLayer(r *reader, l *layer, near bool) {
	var key keyReader
	for range r.Count(4) {
		space := r.Below(uint64(len(l.plan.spaces)))
		if r.Bad {
			return
		}
		sp := &l.plan.spaces[space]
		key.parts = key.parts[:0]
		for range sp.parts() {
			key.parts = append(key.parts, r.lent())
		}
		key.join()
		s := l.shards[key.hash()%uint64(len(l.shards))]
		if r.Bad || key.find(s.tables[space]) != nil {
			r.Fail()
			return
		}
		ks := new(keyState)
		key.create(ks, s.tables[space], int32(space))
		s.index(ks)
		s.change(ks)
		s.changeTimed(ks)
		g.readKey(r, l, ks, near)
		if r.Bad {
			return
		}
		s.settle(ks)
	}
}

// readKey reads what is kept under a key. Events that open matches refer to must
// be there, and be older than the events to come.
func (g *Engine) readKey(r *reader, l *layer, ks *keyState, near bool) {
	before, most := uint64(0), l.most(g)
	if g.eager() {
		most = r.Below(math.MaxInt64) // so that it does not run over
	}
	events := r.Count(leastEvent)
	ks.events = make([]captive, 0, events)
	for range events {
		number := uint64(0)
		if g.eager() {
			number = r.Uint()
		}
		e := r.event(g)
		if !g.eager() {
			number = e.Place
		}
		if r.Bad || number <= before || number > most {
			r.Fail()
			return
		}
		before = number
		ks.events = append(ks.events, captive{number, e})
	}
	ks.count = most
	ks.sweep = max(leastSweep, 2*len(ks.events))
	rules := r.Count(7)
	ks.rules = make([]ruleState, 0, min(rules, len(g.rs.Rules)))
	for range rules {
		rule := int32(r.Below(uint64(len(g.rs.Rules))))
		if r.Bad || l.plan.home[rule] != ks.space || len(ks.rules) > 0 && ks.rules[len(ks.rules)-1].rule >= rule {
			r.Fail()
			return
		}
		st := ruleState{rule: rule, throttled: r.Bool(), quiet: r.Int(), suppressed: int(r.Below(1 << 63)), edge: r.Bool(), holds: r.holds()}
		p := g.rs.Rules[rule].Program
		drop := g.dropped != nil && g.dropped[rule] != nil
		switch {
		case drop:
			if r.Text() != string(p.AppendRuns(nil, new(nfa.Runs))) {
				*g.dropped[rule]++
			}
		case p != nil:
			r.runs(p, ks, &st)
		}
		if near {
			st.near = r.near(p, most)
			r.Bad = r.Bad || st.near != nil && st.runs.Empty()
		}
		if !g.options.NearMisses {
			st.near = nil
		}
		if r.Bad || st.idle() && !drop {
			r.Fail()
			return
		}
		st.schedule(p)
		if g.options.NearMisses {
			st.rouse()
		}
		ks.rules = append(ks.rules, st)
	}
	r.Bad = r.Bad || len(ks.rules) == 0
}

// runs reads the open matches of a rule. Those of a sound state refer to events of the
// key.
func (r *reader) runs(p *nfa.Program, ks *keyState, st *ruleState) {
	var err error
	text := r.Take(r.Count(1))
	if st.runs, text, err = p.DecodeRuns(text); r.Bad || err != nil || len(text) > 0 {
		r.Fail()
		return
	}
	st.runs.Captured(p, func(n nfa.Event) {
		if _, ok := ks.find(uint64(n)); !ok {
			r.Bad = true
		}
	})
	st.most = st.runs.Nodes()
}

// most is the number of the last event that rules of the layer went over.
func (l *layer) most(g *Engine) uint64 {
	if l.plan.layer == 0 {
		return g.place
	}
	return l.last
}

func (g *Engine) appendRisks(w *writer) {
	for id := range g.rs.Risks {
		var all []*riskState
		for _, r := range g.risks {
			for _, rk := range r.tables[id] {
				// Of what has faded when is looked at it depends on where blocks ended.
				level := rk.before(g.rs.Risks[id].Risk, g.order.low)
				if end, ok := g.rs.Risks[id].Risk.Deadline(&level); ok && end > g.order.low {
					all = append(all, rk)
				}
			}
		}
		slices.SortFunc(all, func(a, b *riskState) int { return cmp.Compare(a.text, b.text) })
		w.Uint(uint64(len(all)))
		for _, rk := range all {
			w.Text(rk.text)
			level := rk.before(g.rs.Risks[id].Risk, g.order.low)
			w.B = level.Append(w.B)
		}
	}
}

func (g *Engine) readRisks(r *reader) {
	for id := range g.rs.Risks {
		before := ""
		for range r.Count(11) {
			var key keyReader
			text := r.Text()
			if text <= before || !key.split(text, len(g.rs.Risks[id].Key)) {
				r.Fail()
				return
			}
			before = text
			level, rest, err := outcome.DecodeLevel(r.Src)
			if err != nil || level.Empty() {
				r.Fail()
				return
			}
			r.Src = rest
			risks := g.risks[key.hash()%uint64(len(g.risks))]
			rk := risks.state(RiskID(id), &key)
			risks.change(rk)
			rk.level = level
			risks.schedule(rk)
		}
	}
}

// holds writes the holds that have not ended at t.
func (w *writer) holds(all []hold, t int64) {
	n := 0
	for n < len(all) && all[n].until <= t {
		n++
	}
	w.Uint(uint64(len(all) - n))
	for _, h := range all[n:] {
		w.Int(h.until)
		w.Uint(uint64(h.score))
	}
}

func (r *reader) holds() []hold {
	var all []hold
	for range r.Count(2) {
		h := hold{r.Int(), int(r.Below(outcome.MaxScore + 1))}
		if n := len(all); n > 0 && (all[n-1].until >= h.until || all[n-1].score <= h.score) {
			r.Fail()
			return nil
		}
		all = append(all, h)
	}
	return all
}

// writer writes the parts of a state.
type writer struct{ wire.Writer }

// leastEvent is the least number of bytes that an event takes.
const leastEvent = 12

func (w *writer) event(e *Event, fields int) { w.eventFor(e, fields, nil) }

// eventFor is event with those values of features alone that are asked for, by read; nil:
// with all of them.
func (w *writer) eventFor(e *Event, fields int, asked []bool) {
	w.Uint(e.Place)
	w.Int(e.Time)
	w.Uint(uint64(e.Type + 1))
	w.Text(e.Name)
	w.Text(e.Raw)
	w.Text(e.ID)
	w.Int(e.Seq)
	w.Uint(e.nth)
	w.Uint(e.origin)
	w.Uint(e.arrived)
	n := 0
	for f := range fields {
		if e.Field(FieldID(f)).Kind != Nil {
			n++
		}
	}
	w.Uint(uint64(n))
	for f := range fields {
		if v := e.Field(FieldID(f)); v.Kind != Nil {
			w.value(f, v)
		}
	}
	w.row(&e.features, asked)
}

// row writes what an event knows of features.
func (w *writer) row(row *FeatureRow, asked []bool) {
	if row.layout == nil {
		w.Uint(0)
		return
	}
	n := 0
	for id := range row.layout.slot {
		if (asked == nil || asked[id]) && row.value(ReadID(id)).Kind != Nil {
			n++
		}
	}
	w.Uint(uint64(n))
	for id := range row.layout.slot {
		if v := row.value(ReadID(id)); (asked == nil || asked[id]) && v.Kind != Nil {
			w.value(id, v)
		}
	}
}

// reads says which reads the rules look at that have captured events of the key. What else
// their rows have is for rules of other keys, and may still be repaired with these.
func (ks *keyState) reads(rs *Ruleset) []bool {
	asked := make([]bool, len(rs.Reads))
	for i := range ks.rules {
		for was := range rs.Rules[ks.rules[i].rule].all {
			for _, id := range was.Reads {
				asked[id] = true
			}
		}
	}
	return asked
}

// value writes a value and the number of what it is of.
func (w *writer) value(of int, v *Value) {
	w.Uint(uint64(of))
	w.Byte(byte(v.Kind))
	w.Fixed(v.bits)
	w.Text(v.Text)
}

// reader reads what a writer wrote.
type reader struct{ wire.Reader }

// row returns the layout of a type and an empty row of it.
func (d *Decoder) row(t TypeID) (*layout, []Value) {
	s := &d.shapes[t+1]
	return &s.layout, make([]Value, s.size)
}

// widen gives an event a layout with a place for every field.
func (e *Event) widen(l *layout) {
	row := make([]Value, len(l.slot))
	for f := range row {
		row[f] = *e.Field(FieldID(f))
	}
	e.layout, e.row = l, row
}

// sound reports whether a decoder could have read v.
func (v *Value) sound() bool {
	switch v.Kind {
	case Nil:
		return false // such a field is left out
	case Bool:
		return v.bits <= 1
	case Number:
		return !math.IsNaN(v.Number()) && !math.IsInf(v.Number(), 0)
	}
	return true
}

// lent is Text that is not copied: it is valid as long as the state is there.
func (r *reader) lent() string {
	text := r.Take(r.Count(1))
	return unsafe.String(unsafe.SliceData(text), len(text))
}

func (r *reader) event(g *Engine) *Event {
	e := &Event{Place: r.Uint(), Time: r.Int(), Type: TypeID(r.Below(uint64(len(g.rs.Types))+1)) - 1}
	name := r.Take(r.Count(1))
	e.Raw = r.Text()
	if e.Type >= 0 && string(name) == g.rs.Types[e.Type].Name {
		e.Name = g.rs.Types[e.Type].Name
	} else {
		e.Name, e.nameAt = r.within(e.Raw, name)
	}
	e.ID, e.idAt = r.within(e.Raw, r.Take(r.Count(1)))
	e.Seq, e.nth, e.origin, e.arrived = r.Int(), r.Uint(), r.Uint(), r.Uint()
	r.Bad = r.Bad || e.arrived > g.order.arrived
	least, values := uint64(0), r.Count(11)
	e.layout, e.row = g.decoder.row(e.Type)
	for range values {
		f, v := r.value(least, len(g.rs.Fields), e.Raw)
		if r.Bad {
			break
		}
		least = f + 1
		if e.layout.slot[f] < 0 { // the event was not read by a decoder
			e.widen(g.layers[0].plan.wide)
		}
		*e.Field(FieldID(f)) = v
	}
	r.row(g, &e.features)
	return e
}

// mostSought is the longest event in which texts are looked for.
const mostSought = 4096

// within is a text as a part of raw, and where it begins there, counted from 1: as a decoder
// leaves it, it then takes no memory of its own. 0: it is no such part.
func (r *reader) within(raw string, text []byte) (string, int32) {
	if len(text) > 0 && len(raw) <= mostSought {
		if i := strings.Index(raw, unsafe.String(unsafe.SliceData(text), len(text))); i >= 0 {
			return raw[i : i+len(text)], int32(i) + 1
		}
	}
	return string(text), 0
}

// row reads what an event knows of features.
func (r *reader) row(g *Engine, row *FeatureRow) {
	n := r.Count(11)
	if n == 0 {
		return
	}
	*row = FeatureRow{g.layers[0].plan.wideReads, make([]Value, len(g.rs.Reads))}
	least := uint64(0)
	for range n {
		id, v := r.value(least, len(g.rs.Reads), "")
		if r.Bad {
			return
		}
		row.values[id] = v
		least = id + 1
	}
}

// value reads a value and the number, at least least and less than n, of what it is of. raw is
// the event that it may be a part of.
func (r *reader) value(least uint64, n int, raw string) (uint64, Value) {
	of := r.Below(uint64(n))
	v := Value{Kind: Kind(r.Byte(byte(Map))), bits: r.Fixed()}
	v.Text, v.at = r.within(raw, r.Take(r.Count(1)))
	if r.Bad || of < least || !v.sound() {
		r.Fail()
		return 0, Value{}
	}
	return of, v
}
