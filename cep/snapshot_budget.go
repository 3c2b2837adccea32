package cep

import "math"

// append writes what the budget has come to, and when parts were closed, as far as that may
// still matter once the watermark is at low.
func (b *budget) append(w *writer, low int64) {
	w.Uint(b.due)
	w.Uint(b.weighed)
	for _, n := range b.parts {
		w.Uint(uint64(n))
	}
	for _, c := range b.closed {
		still := c.still(low)
		w.Uint(uint64(len(still)))
		for i := range still {
			w.border(&still[i].from)
			w.Bool(still[i].ended)
			if still[i].ended {
				w.border(&still[i].to)
			}
		}
	}
}

// still are the spans that matter.
func (c closure) still(low int64) closure {
	for len(c) > 0 && !c[0].matters(low) { // the oldest end first
		c = c[1:]
	}
	return c
}

func (w *writer) border(b *border) {
	w.Uint(b.arrived)
	w.Int(b.low)
	w.Int(b.now)
}

// read reads what append wrote.
func (b *budget) read(r *reader, o *order) {
	due := r.Uint()
	b.weighed = r.Below(o.arrived + 1)
	for i := range b.parts {
		b.parts[i] = int64(r.Below(math.MaxInt64 / uint64(len(b.parts))))
		b.total += b.parts[i]
	}
	for i := range b.closed {
		last := border{low: math.MinInt64, now: math.MinInt64}
		for range r.Count(4) {
			s := span{from: r.border(&last, o)}
			last = s.from
			if s.ended = r.Bool(); s.ended {
				s.to = r.border(&last, o)
				last = s.to
			}
			if r.Bad || b.closed[i].isClosed() {
				r.Fail()
				return
			}
			b.closed[i], b.any = append(b.closed[i], s), true
		}
	}
	b.resume(due, o.arrived)
}

// border reads a place in the log, which is not before another and at or before where the log
// has come to.
func (r *reader) border(after *border, o *order) border {
	b := border{r.Uint(), r.Int(), r.Int()}
	if b.arrived < after.arrived || b.low < after.low || b.now < after.now || b.arrived > o.arrived || b.low > o.low || b.now > o.now || b.low > b.now {
		r.Fail()
	}
	return b
}

// resume says when the state is weighed next, which was to be at due, once so many events
// have been accepted: after the next one, if there was no budget before, or there is none any
// more and something is still closed.
func (b *budget) resume(due, arrived uint64) {
	switch {
	case b.limit == 0 && !b.closing():
		b.due = neverDue
	case b.limit == 0, due == neverDue:
		b.due = arrived + 1
	default:
		b.due = due
	}
}

// budget carries on what the state of parts that go on weighs, and which of them are closed.
// The other Options may have another budget: the state is weighed after the next event.
func (a *adoption) budget() {
	was, next := a.from.budget, a.to.budget
	next.weighed = was.weighed
	move := func(from, to int) {
		next.parts[to], next.closed[to] = was.parts[from], was.closed[from]
		next.total += was.parts[from]
	}
	for i, n := range a.rules {
		if n >= 0 {
			move(i, int(n))
		}
	}
	for i, n := range a.features {
		if n >= 0 {
			move(was.rules+i, next.rules+int(n))
		}
	}
	next.resume(neverDue, a.to.order.arrived)
}
