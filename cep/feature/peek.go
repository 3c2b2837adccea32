package feature

// Scratch is memory for copies of what Records keep, whole or in bytes. The zero Scratch is ready; it serves
// one Plan and one goroutine at a time.
type Scratch struct {
	rec  Record
	w    writer   // of what was written last
	body []uint64 // of the feature that is read
}

// Clear makes r that of a key without events and gives back the memory that it took,
// but for its own words.
func (p *Plan) Clear(r *Record) {
	if r.words == nil {
		return
	}
	for i := range p.features {
		p.features[i].release(r)
	}
}

// empty makes s hold the Record of a key without events.
func (p *Plan) empty(s *Scratch) {
	if s.rec.words == nil {
		s.rec = Record{make([]uint64, p.words), new(Memory)}
		return
	}
	p.Clear(&s.rec)
}

// Empty returns the Record in s of a key without events. It is valid until s is used
// again.
func (p *Plan) Empty(s *Scratch) *Record {
	p.empty(s)
	return &s.rec
}

// Peek is Read that forgets nothing: r can still be read and added to as of an earlier
// time, but not one before its last event. It costs as much as there is to forget; but for
// distinct, seen, quantile and numbers that words cannot hold, which are forgotten in a copy
// of the feature, as much as the feature keeps.
func (p *Plan) Peek(s *Scratch, r *Record, i int, t int64, x Item) (v Item, rough bool) {
	f := &p.features[i]
	if r.words == nil || f.single || !f.forgets(r, t) {
		return p.Read(r, i, t, x)
	}
	body := r.words[f.body:f.end]
	if f.rowed() && !f.heavy(body) {
		s.body = append(s.body[:0], body...)
		r.mem.steady = true
		v, rough = p.Read(r, i, t, x)
		r.mem.steady = false
		if f.heavy(body) { // less than all may be more than words hold
			f.freeHeavy(r, body)
		}
		copy(body, s.body)
		return v, rough
	}
	s.encode(f, r)
	p.empty(s)
	from := reader{}
	from.Src = s.w.B
	if f.decode(&s.rec, &from); from.Bad {
		panic("feature: what was just written cannot be read")
	}
	return p.Read(&s.rec, i, t, x)
}

// rowed reports whether a feature keeps rows, and beside them its words alone say which of
// them count.
func (f *feature) rowed() bool {
	switch f.form {
	case counted, summed, extreme, leading, slotted:
		return true
	}
	return false
}

// freeHeavy gives back what a feature that is rowed keeps beyond words.
func (f *feature) freeHeavy(r *Record, body []uint64) {
	if f.form == slotted {
		body = body[1:]
	}
	r.freeKeep(body[ringWords+sideWord])
}

// encode writes a feature that keeps something.
func (s *Scratch) encode(f *feature, r *Record) {
	s.w.B = s.w.B[:0]
	f.encode(r, &s.w)
}

// forgets reports whether a reader of time t can make a feature, whose window events
// leave one by one, forget something.
func (f *feature) forgets(r *Record, t int64) bool {
	body := r.words[f.body:f.end]
	if _, kept := f.deadline(r); !kept {
		return false
	}
	_, edge := f.place(r, t)
	switch f.form {
	case newest:
		return false
	case slotted:
		return f.spilled(body) && !holds(body[1:], edge)
	case tabled:
		if k := r.many(body); k != nil {
			return k.hyper != nil || k.lost || k.least < edge
		}
		return int64(body[2]) < edge
	case sampled:
		k := r.sample(body)
		return k.sketch != nil || k.rows.before(edge)
	}
	return !holds(body, edge)
}
