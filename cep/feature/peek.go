package feature

// Scratch is memory for copies of what Records keep, whole or in bytes. The zero Scratch is ready; it serves
// one Plan and one goroutine at a time.
type Scratch struct {
	rec Record
	w   writer // of what was written last
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
// time, but not one before its last event. What t would make r forget is forgotten in a
// copy of the feature, which costs as much as the feature keeps.
func (p *Plan) Peek(s *Scratch, r *Record, i int, t int64, x Item) (v Item, rough bool) {
	f := &p.features[i]
	if r.words == nil || f.single || !f.forgets(r, t) {
		return p.Read(r, i, t, x)
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
