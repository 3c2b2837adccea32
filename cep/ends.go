package cep

import (
	"iter"

	"weir/cep/feature"
)

// ends are the open windows of a feature whose end rules wait for, each once: the records
// that have them, in buckets by the event time at which they end, and in a heap those
// whose bucket time has come to. A bucket is about 1/64 of a window wide. An entry is no
// more than its record, whose window says when it ends: of a session that has gone on the
// entry moves when its bucket comes up, so that the events between cost nothing. A window
// that ends beyond the last bucket waits there, and moves likewise.
//
// An entry takes 4 bytes. First events of keys come at 0.93 to 0.96 of the rate without
// anything to wait for, later ones at 0.96 (two and ten million keys); with a heap of all
// windows, of 16 bytes each, first ones came at 0.79.
type ends struct {
	width   int64 // of a bucket
	next    int64 // when the first bucket begins: what ends before is in soon
	first   int   // in buckets, which go round
	buckets [wheelBuckets]*refs
	kept    int // records in buckets
	soon    heap[opened]
	spare   *refs // empty ones
	spares  int
}

// opened is an open window that ends then, or, if it is a session that goes on, later.
type opened struct {
	at int64
	b  feature.Ref // of the record
}

// Windows that end at the same time do so in an order that means nothing: what they bring
// is ordered by rule and key.
func (a opened) before(b opened) bool { return a.at < b.at }

// refs are some of the records of a bucket, in 1 KiB.
type refs struct {
	next *refs // that were there before
	n    int
	b    [252]feature.Ref
}

// mostRefs is the number of empty refs that are worth keeping.
const mostRefs = wheelBuckets

func (x *ends) init(size int64) {
	x.width = size/wheelSpan + 1
	x.next = beforeAll
}

// len is the number of windows.
func (x *ends) len() int { return x.kept + len(x.soon) }

// put adds a window that ends at a time.
func (x *ends) put(at int64, b feature.Ref) {
	if at < x.next {
		x.soon.push(opened{at, b})
		return
	}
	n := min((uint64(at)-uint64(x.next))/uint64(x.width), wheelBuckets-1)
	top := &x.buckets[(x.first+int(n))%wheelBuckets]
	if *top == nil || (*top).n == len((*top).b) {
		p := x.spare
		if p == nil {
			p = new(refs)
		} else {
			x.spare = p.next
			x.spares--
		}
		p.next, *top = *top, p
	}
	(*top).b[(*top).n] = b
	(*top).n++
	x.kept++
}

// turn moves next on to after t, which is not before it, and returns what was in the
// buckets up to then. Each is to be put again.
func (x *ends) turn(t int64) *refs {
	past, width := uint64(t)-uint64(x.next), uint64(x.width)
	x.next = t - int64(past%width) + x.width
	var due *refs
	for range min(past/width, wheelBuckets-1) + 1 {
		p := x.buckets[x.first]
		x.buckets[x.first] = nil
		x.first = (x.first + 1) % wheelBuckets
		for p != nil {
			next := p.next
			x.kept -= p.n
			p.next, due = due, p
			p = next
		}
	}
	return due
}

// give takes refs that have been emptied, and returns the next.
func (x *ends) give(p *refs) *refs {
	next := p.next
	if x.spares < mostRefs {
		p.n, p.next, x.spare = 0, x.spare, p
		x.spares++
	}
	return next
}

// due reports whether a window that time has come to may end up to t.
func (x *ends) due(t int64) bool { return len(x.soon) > 0 && x.soon[0].at <= t }

// pop removes the window of soon that ends first.
func (x *ends) pop() opened {
	o := x.soon.pop()
	if len(x.soon) == 0 && cap(x.soon) > mostEnded {
		x.soon = nil
	}
	return o
}

// all goes over the records, in an order that means nothing.
func (x *ends) all() iter.Seq[feature.Ref] {
	return func(yield func(feature.Ref) bool) {
		for _, o := range x.soon {
			if !yield(o.b) {
				return
			}
		}
		for _, p := range x.buckets {
			for ; p != nil; p = p.next {
				for _, b := range p.b[:p.n] {
					if !yield(b) {
						return
					}
				}
			}
		}
	}
}

// clear removes all.
func (x *ends) clear() { *x = ends{width: x.width, next: x.next} }
