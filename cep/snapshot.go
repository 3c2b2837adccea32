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

	"weir/cep/outcome"
	"weir/nfa"
)

// stateFormat is the version of the bytes that Append writes; FORMAT.md describes
// them.
const stateFormat = 4

const stateMagic = "weir-cep"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errState = errors.New("cep: the bytes are no state of an engine: they are damaged or cut off")

// Append appends the state of the engine to dst. The same state gives the same
// bytes, whatever the number of shards. An Engine restored from them does what
// this one would do. It is called between two calls of Step.
func (g *Engine) Append(dst []byte) []byte {
	start := len(dst)
	w := writer{dst}
	w.b = append(w.b, stateMagic...)
	w.byte(stateFormat)
	w.bytes(g.shape())
	g.appendClock(&w)
	g.appendStats(&w)
	g.appendKeys(&w)
	g.appendRisks(&w)
	g.appendFeatures(&w)
	g.appendTrails(&w)
	g.appendLists(&w)
	return binary.LittleEndian.AppendUint32(w.b, crc32.Checksum(w.b[start:], castagnoli))
}

// Restore makes the Engine whose state Append wrote. Fields, types, keys, rule ids,
// revisions, programs, features, reads and lists of rs must be those of the Ruleset that
// the state was made with; a list that has not changed since must also begin with the
// same entries. Options may differ: a new lateness acts from the next event on. Damaged data
// gives an error.
func Restore(rs *Ruleset, o Options, data []byte) (*Engine, error) {
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
	r := reader{src: body[len(stateMagic)+1:]}
	if shape := r.text(); !r.bad && shape != string(g.shape()) {
		return nil, errors.New("cep: the state was made with other rules: their fields, types, keys, programs, features or lists differ")
	}
	g.readClock(&r)
	g.readStats(&r)
	g.readKeys(&r)
	g.readRisks(&r)
	g.readFeatures(&r)
	g.readTrails(&r)
	if err := g.readLists(&r); err != nil {
		return nil, err
	}
	if r.bad || len(r.src) > 0 {
		return nil, errState
	}
	return g, nil
}

// shape is a hash of what the numbers in a state mean: fields, types, rules, keys,
// programs, features and lists.
func (g *Engine) shape() []byte {
	var w writer
	w.uint(uint64(len(g.rs.Fields)))
	for _, f := range g.rs.Fields {
		w.text(f)
	}
	w.uint(uint64(len(g.rs.Types)))
	for i := range g.rs.Types {
		w.text(g.rs.Types[i].Name)
	}
	w.uint(uint64(len(g.rs.Rules)))
	for i, r := range g.rs.Rules {
		w.text(r.ID)
		w.uint(uint64(r.Revision))
		if r.Program != nil {
			w.text(r.Program.String())
		}
		w.uint(uint64(r.WindowClose))
		w.uint(uint64(r.Evidence))
		w.uint(uint64(r.Layer))
		p := g.layers[r.Layer].plan
		sp := &p.spaces[p.home[i]]
		w.uint(uint64(p.home[i]))
		w.bool(sp.byName)
		for _, f := range sp.fields {
			w.uint(uint64(f))
		}
		for _, t := range slices.Sorted(maps.Keys(sp.byType)) {
			w.uint(uint64(t))
			w.uint(uint64(sp.byType[t]))
		}
	}
	w.uint(uint64(len(g.rs.Risks)))
	for _, r := range g.rs.Risks {
		w.text(r.Name)
		w.uint(uint64(len(r.Key)))
		for _, part := range r.Key {
			w.text(part)
		}
		w.int(int64(r.Risk.HalfLife))
	}
	g.appendFeatureShape(&w)
	sum := sha256.Sum256(w.b)
	return sum[:]
}

func (g *Engine) appendClock(w *writer) {
	o := &g.order
	w.bool(o.started)
	w.int(o.now)
	w.int(o.low)
	w.uint(o.arrived)
	w.uint(g.place)
	for i := range g.layers {
		w.uint(g.layers[i].last)
	}
	s := &g.same
	s.enter()
	w.int(s.time)
	w.uint(s.base)
	w.uint(s.most)
	w.uint(uint64(len(s.counts)))
	for _, h := range slices.Sorted(maps.Keys(s.counts)) {
		w.fixed(h)
		w.uint(s.counts[h])
	}
	held := slices.Clone(o.held)
	slices.SortFunc(held, func(a, b waiting) int {
		if a.before(b) {
			return -1
		}
		return 1
	})
	w.uint(uint64(len(held)))
	for i := range held {
		w.uint(held[i].arrived)
		w.event(held[i].event, len(g.rs.Fields))
	}
}

func (g *Engine) readClock(r *reader) {
	o := &g.order
	o.started, o.now, o.low, o.arrived = r.bool(), r.int(), r.int(), r.uint()
	g.place = r.below(math.MaxInt64) // so that it does not run over
	for i := range g.layers {
		g.layers[i].last = r.below(math.MaxInt64)
	}
	if o.low > o.now {
		r.fail()
	}
	s := &g.same
	s.time, s.base, s.most = r.int(), r.uint(), r.uint()
	s.counts = map[uint64]uint64{}
	for range r.count(9) {
		s.counts[r.fixed()] = r.uint()
	}
	for range r.count(leastEvent) {
		arrived := r.uint()
		e := r.event(g)
		if r.bad || !o.started || e.Time < o.low || e.Time > o.now || arrived > o.arrived {
			r.fail()
			return
		}
		o.held.push(waiting{time: e.Time, seq: e.Seq, arrived: arrived, event: e, own: true})
	}
}

func (g *Engine) appendStats(w *writer) {
	s := g.Stats()
	w.uint(s.Events)
	w.uint(s.Late)
	w.uint(s.Rejected)
	w.uint(s.Other)
	for _, n := range s.Types {
		w.uint(n)
	}
	for _, seen := range s.Fields {
		w.bool(seen)
	}
	for i := range s.Rules {
		for _, n := range s.Rules[i].counters() {
			w.uint(*n)
		}
	}
	for i := range s.Features {
		for _, n := range s.Features[i].counters() {
			w.uint(*n)
		}
	}
	w.uint(s.Refused)
}

func (g *Engine) readStats(r *reader) {
	s := &g.stats
	s.Events, s.Late, s.Rejected, s.Other = r.uint(), r.uint(), r.uint(), r.uint()
	for i := range s.Types {
		s.Types[i] = r.uint()
	}
	g.unseen = g.unseen[:0]
	for i := range s.Fields {
		if s.Fields[i] = r.bool(); !s.Fields[i] {
			g.unseen = append(g.unseen, FieldID(i))
		}
	}
	for i := range s.Rules {
		for _, n := range s.Rules[i].counters() {
			*n = r.uint()
		}
	}
	for i := range s.Features {
		for _, n := range s.Features[i].counters() {
			*n = r.uint()
		}
	}
	s.Refused = r.uint()
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
		return cmp.Or(cmp.Compare(a.space, b.space), slices.Compare(a.parts, b.parts))
	})
	w.uint(uint64(len(keys)))
	for _, ks := range keys {
		ks.release(g.rs)
		w.uint(uint64(ks.space))
		for _, part := range ks.parts {
			w.text(part)
		}
		w.uint(uint64(len(ks.events)))
		for _, e := range ks.events {
			w.event(e, len(g.rs.Fields))
		}
		w.uint(uint64(len(ks.rules)))
		for i := range ks.rules {
			st := &ks.rules[i]
			w.uint(uint64(st.rule))
			w.bool(st.throttled)
			w.int(st.quiet)
			w.uint(uint64(st.suppressed))
			w.bool(st.edge)
			w.holds(st.holds, g.order.low)
			if p := g.rs.Rules[st.rule].Program; p != nil {
				w.b = p.AppendRuns(w.b, &st.runs)
			}
		}
	}
}

func (g *Engine) readKeys(r *reader) {
	for i := range g.layers {
		g.readLayer(r, &g.layers[i])
	}
}

func (g *Engine) readLayer(r *reader, l *layer) {
	for range r.count(4) {
		space := r.below(uint64(len(l.plan.spaces)))
		if r.bad {
			return
		}
		sp := &l.plan.spaces[space]
		key := keyReader{}
		for range sp.parts() {
			key.parts = append(key.parts, r.text())
		}
		key.join()
		s := l.shards[key.hash()%uint64(len(l.shards))]
		if r.bad || key.find(s.tables[space]) != nil {
			r.fail()
			return
		}
		ks := new(keyState)
		key.create(ks, s.tables[space], int32(space))
		g.readKey(r, l, ks)
		if r.bad {
			return
		}
		s.settle(ks)
	}
}

// readKey reads what is kept under a key. Events that open matches refer to must
// be there, and be older than the events to come.
func (g *Engine) readKey(r *reader, l *layer, ks *keyState) {
	before := uint64(0)
	for range r.count(leastEvent) {
		e := r.event(g)
		if r.bad || e.Place <= before || e.Place > l.most(g) {
			r.fail()
			return
		}
		before = e.Place
		ks.events = append(ks.events, e)
	}
	ks.sweep = max(leastSweep, 2*len(ks.events))
	for range r.count(7) {
		rule := int32(r.below(uint64(len(g.rs.Rules))))
		if r.bad || l.plan.home[rule] != ks.space || len(ks.rules) > 0 && ks.rules[len(ks.rules)-1].rule >= rule {
			r.fail()
			return
		}
		st := ruleState{rule: rule, throttled: r.bool(), quiet: r.int(), suppressed: int(r.below(1 << 63)), edge: r.bool(), holds: r.holds()}
		p := g.rs.Rules[rule].Program
		if p != nil {
			r.runs(p, ks, &st)
		}
		if r.bad || st.idle() {
			r.fail()
			return
		}
		st.schedule(p)
		ks.rules = append(ks.rules, st)
	}
	r.bad = r.bad || len(ks.rules) == 0
}

// runs reads the open matches of a rule. Those of a sound state refer to events of the
// key.
func (r *reader) runs(p *nfa.Program, ks *keyState, st *ruleState) {
	var err error
	if st.runs, r.src, err = p.DecodeRuns(r.src); err != nil {
		r.fail()
		return
	}
	st.runs.Captured(p, func(n nfa.Event) {
		if _, ok := ks.find(uint64(n)); !ok {
			r.bad = true
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
				if end, ok := g.rs.Risks[id].Risk.Deadline(&rk.level); ok && end > g.order.low {
					all = append(all, rk)
				}
			}
		}
		slices.SortFunc(all, func(a, b *riskState) int { return cmp.Compare(a.text, b.text) })
		w.uint(uint64(len(all)))
		for _, rk := range all {
			w.text(rk.text)
			w.b = rk.level.Append(w.b)
		}
	}
}

func (g *Engine) readRisks(r *reader) {
	for id := range g.rs.Risks {
		before := ""
		for range r.count(11) {
			var key keyReader
			text := r.text()
			if text <= before || !key.split(text, len(g.rs.Risks[id].Key)) {
				r.fail()
				return
			}
			before = text
			level, rest, err := outcome.DecodeLevel(r.src)
			if err != nil || level.Empty() {
				r.fail()
				return
			}
			r.src = rest
			risks := g.risks[key.hash()%uint64(len(g.risks))]
			rk := risks.state(RiskID(id), &key)
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
	w.uint(uint64(len(all) - n))
	for _, h := range all[n:] {
		w.int(h.until)
		w.uint(uint64(h.score))
	}
}

func (r *reader) holds() []hold {
	var all []hold
	for range r.count(2) {
		h := hold{r.int(), int(r.below(outcome.MaxScore + 1))}
		if n := len(all); n > 0 && (all[n-1].until >= h.until || all[n-1].score <= h.score) {
			r.fail()
			return nil
		}
		all = append(all, h)
	}
	return all
}

// writer writes the parts of a state. Numbers are varints (signed ones zigzag),
// texts have their length before them.
type writer struct{ b []byte }

func (w *writer) byte(x byte)    { w.b = append(w.b, x) }
func (w *writer) uint(x uint64)  { w.b = binary.AppendUvarint(w.b, x) }
func (w *writer) int(x int64)    { w.b = binary.AppendVarint(w.b, x) }
func (w *writer) fixed(x uint64) { w.b = binary.LittleEndian.AppendUint64(w.b, x) }

func (w *writer) bool(x bool) {
	if x {
		w.byte(1)
	} else {
		w.byte(0)
	}
}

func (w *writer) text(s string) {
	w.uint(uint64(len(s)))
	w.b = append(w.b, s...)
}

func (w *writer) bytes(s []byte) {
	w.uint(uint64(len(s)))
	w.b = append(w.b, s...)
}

// leastEvent is the least number of bytes that an event takes.
const leastEvent = 11

func (w *writer) event(e *Event, fields int) {
	w.uint(e.Place)
	w.int(e.Time)
	w.uint(uint64(e.Type + 1))
	w.text(e.Name)
	w.text(e.Raw)
	w.text(e.ID)
	w.int(e.Seq)
	w.uint(e.nth)
	w.uint(e.origin)
	n := 0
	for f := range fields {
		if e.Field(FieldID(f)).Kind != Nil {
			n++
		}
	}
	w.uint(uint64(n))
	for f := range fields {
		if v := e.Field(FieldID(f)); v.Kind != Nil {
			w.value(f, v)
		}
	}
	w.row(&e.features)
}

// row writes what an event knows of features.
func (w *writer) row(row *FeatureRow) {
	if row.layout == nil {
		w.uint(0)
		return
	}
	n := 0
	for id := range row.layout.slot {
		if row.value(ReadID(id)).Kind != Nil {
			n++
		}
	}
	w.uint(uint64(n))
	for id := range row.layout.slot {
		if v := row.value(ReadID(id)); v.Kind != Nil {
			w.value(id, v)
		}
	}
}

// value writes a value and the number of what it is of.
func (w *writer) value(of int, v *Value) {
	w.uint(uint64(of))
	w.byte(byte(v.Kind))
	w.fixed(v.bits)
	w.text(v.Text)
}

// reader reads what a writer wrote. Once something is wrong bad stays true and all
// numbers are 0.
type reader struct {
	src []byte
	bad bool
}

func (r *reader) fail() {
	r.bad, r.src = true, nil
}

func (r *reader) uint() uint64 {
	x, n := binary.Uvarint(r.src)
	if n <= 0 || n > 1 && r.src[n-1] == 0 {
		r.fail()
		return 0
	}
	r.src = r.src[n:]
	return x
}

func (r *reader) int() int64 {
	u := r.uint()
	return int64(u>>1) ^ -int64(u&1)
}

func (r *reader) fixed() uint64 {
	if len(r.src) < 8 {
		r.fail()
		return 0
	}
	x := binary.LittleEndian.Uint64(r.src)
	r.src = r.src[8:]
	return x
}

// byte reads one byte of at most most.
func (r *reader) byte(most byte) byte {
	if len(r.src) == 0 || r.src[0] > most {
		r.fail()
		return 0
	}
	x := r.src[0]
	r.src = r.src[1:]
	return x
}

func (r *reader) bool() bool { return r.byte(1) == 1 }

// below reads a number less than n.
func (r *reader) below(n uint64) uint64 {
	x := r.uint()
	if x >= n {
		r.fail()
		return 0
	}
	return x
}

// count reads how many things follow of at least size bytes each.
func (r *reader) count(size int) int {
	x := r.uint()
	if x > uint64(len(r.src)/size) {
		r.fail()
		return 0
	}
	return int(x)
}

func (r *reader) text() string {
	n := r.count(1)
	s := string(r.src[:n])
	r.src = r.src[n:]
	return s
}

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

func (r *reader) event(g *Engine) *Event {
	e := &Event{Place: r.uint(), Time: r.int(), Type: TypeID(r.below(uint64(len(g.rs.Types))+1)) - 1}
	e.Name, e.Raw, e.ID = r.text(), r.text(), r.text()
	e.Seq, e.nth, e.origin = r.int(), r.uint(), r.uint()
	least, values := uint64(0), r.count(11)
	e.layout, e.row = g.decoder.row(e.Type)
	for range values {
		f, v := r.value(least, len(g.rs.Fields))
		if r.bad {
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

// row reads what an event knows of features.
func (r *reader) row(g *Engine, row *FeatureRow) {
	n := r.count(11)
	if n == 0 {
		return
	}
	*row = FeatureRow{g.layers[0].plan.wideReads, make([]Value, len(g.rs.Reads))}
	least := uint64(0)
	for range n {
		id, v := r.value(least, len(g.rs.Reads))
		if r.bad {
			return
		}
		row.values[id] = v
		least = id + 1
	}
}

// value reads a value and the number, at least least and less than n, of what it is of.
func (r *reader) value(least uint64, n int) (uint64, Value) {
	of := r.below(uint64(n))
	v := Value{Kind: Kind(r.byte(byte(Map))), bits: r.fixed(), Text: r.text()}
	if r.bad || of < least || !v.sound() {
		r.fail()
		return 0, Value{}
	}
	return of, v
}
