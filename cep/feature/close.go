package feature

import (
	"cmp"
	"math"
	"slices"
)

// Closed is a window that has ended.
type Closed struct {
	Feature  int
	From, To int64 // a session: its first event, and when it ended: the gap after its last
	Value    Item  // as it was at the end; nil for seen and since_last
	Rough    bool  // as Read says it
}

// NextClose is when the first of the open windows ends that Close would report; false:
// there is none.
func (p *Plan) NextClose(r *Record) (t int64, ok bool) {
	if r.words == nil {
		return 0, false
	}
	t = math.MaxInt64
	for i := range p.features {
		f := &p.features[i]
		if !f.Closes {
			continue
		}
		if from, to := r.words[f.head], r.words[f.head+1]; from != to {
			t, ok = min(t, int64(to)), true
		}
	}
	return t, ok
}

// Open is when the window of feature i, which Close would report, ends; false: it has no
// open window.
func (p *Plan) Open(r *Record, i int) (end int64, ok bool) {
	if r.words == nil {
		return 0, false
	}
	f := &p.features[i]
	from, to := r.words[f.head], r.words[f.head+1]
	return int64(to), from != to
}

// Close appends to dst the windows of features with Closes that had an event and ended
// by t, in the order of their ends, then of features, and empties them: each is
// reported once. It is called before an event of time t is read or added, and before
// Trim: a window that has ended is overwritten by the next.
func (p *Plan) Close(r *Record, t int64, dst []Closed) []Closed {
	if r.words == nil {
		return dst
	}
	start := len(dst)
	for i := range p.features {
		f := &p.features[i]
		if !f.Closes {
			continue
		}
		from, to := int64(r.words[f.head]), int64(r.words[f.head+1])
		if from == to || t < to {
			continue
		}
		c := Closed{Feature: i, From: from, To: to}
		if !f.Value.readsBefore() {
			c.Value, c.Rough = f.read(r, to, Item{})
		}
		dst = append(dst, c)
		f.release(r)
	}
	slices.SortStableFunc(dst[start:], func(a, b Closed) int { return cmp.Compare(a.To, b.To) })
	return dst
}
