package cep

import (
	"math"

	"weir/cep/feature"
)

// wheel has the records of a space in buckets by the event time at which nothing is left
// of them. Buckets are about 1/64 of the longest window wide and are looked at when time
// has come to their end: records stay so much longer at most. Each is in one bucket, and
// leads to the next in it: an event of a key that exists costs nothing.
type wheel struct {
	width   int64 // of a bucket
	next    int64 // when the next bucket is looked at; a multiple of width
	buckets []feature.Ref
	n       int // records
}

const (
	wheelSpan    = 64
	wheelBuckets = 2 * wheelSpan // so that no record is put beyond the last

	beforeAll = math.MinInt64 + 1<<59 // in 1695: earlier than any event, but for sums with it
)

func (w *wheel) init(plan *feature.Plan) {
	longest, ok := plan.Longest()
	if !ok {
		w.next = never // records stay forever
		return
	}
	w.width = longest/wheelSpan + 1
	w.next = beforeAll
	w.buckets = make([]feature.Ref, wheelBuckets)
}

// put puts a record where it is looked at at a time or a little later.
func (w *wheel) put(r *record, at int64) {
	last := w.next + (wheelBuckets-1)*w.width
	b := w.bucket(min(max(at, w.next), last))
	r.setNext(*b)
	*b = r.ref
	w.n++
}

// bucket is the one that is looked at at a time or next after it.
func (w *wheel) bucket(at int64) *feature.Ref {
	n := (at - 1) / w.width
	if (at-1)%w.width < 0 {
		n--
	}
	return &w.buckets[(n+1)&(wheelBuckets-1)]
}

// turn moves on to the last multiple of width up to t, which is not before next. It
// returns that time and how many buckets are to be looked at.
func (w *wheel) turn(t int64) (at int64, steps int) {
	at = t - t%w.width
	if at > t {
		at -= w.width
	}
	steps = wheelBuckets
	if behind := uint64(at-w.next)/uint64(w.width) + 1; behind < wheelBuckets { // time may jump further than an int64 reaches
		steps = int(behind)
	}
	if w.n == 0 {
		steps = 0
	}
	w.next = at + w.width
	return at, steps
}

// take empties the bucket that was due so many buckets before at, and returns its first
// record.
func (w *wheel) take(at int64, before int) feature.Ref {
	b := w.bucket(at - int64(before)*w.width)
	first := *b
	*b = 0
	return first
}
