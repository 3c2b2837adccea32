package feature

import (
	"math"
	"slices"
	"unsafe"
)

// sample keeps the numbers of a window in order of size, for quantiles. A window that
// ends as a whole has no queue.
type sample struct {
	rows   queue
	sorted []float64
	sketch *sketch // what stands for all of them beyond the bound
}

// queue are numbers in the order in which they came.
type queue struct {
	rows []timed // those before past are gone
	past int
}

// timed is a number and the time it is kept under.
type timed struct {
	at int64
	x  float64
}

func (q *queue) len() int { return len(q.rows) - q.past }

func (q *queue) push(row timed) {
	if len(q.rows) == cap(q.rows) && q.past >= len(q.rows)/8 && q.past > 0 {
		q.rows, q.past = q.rows[:copy(q.rows, q.rows[q.past:])], 0
	}
	if n := len(q.rows); n == cap(q.rows) {
		q.rows = append(make([]timed, 0, n+max(4, min(n, 16+n/8))), q.rows...)
	}
	q.rows = append(q.rows, row)
}

func (q *queue) pop() {
	q.past++
	if n := q.len(); cap(q.rows) >= 64 && n < cap(q.rows)/4 {
		q.rows, q.past = append(make([]timed, 0, 2*n), q.rows[q.past:]...), 0
	}
}

// before reports whether there is a number that is kept under a time before edge.
func (q *queue) before(edge int64) bool { return q.len() > 0 && q.rows[q.past].at < edge }

// sample is the sample of a body, which has one.
func (r *Record) sample(body []uint64) *sample { return r.mem.keeps.all[body[0]-1].(*sample) }

func (f *feature) addSample(r *Record, body []uint64, stamp, edge int64, x float64) (rough bool) {
	if body[0] == 0 {
		body[0] = uint64(r.mem.keeps.put(new(sample)))
	}
	k := r.sample(body)
	k.drop(f, edge)
	return k.add(f, stamp, x)
}

func (f *feature) readSample(r *Record, body []uint64, edge int64) (Item, bool) {
	if body[0] == 0 {
		return Item{}, false
	}
	k := r.sample(body)
	if k.drop(f, edge); k.empty() {
		return Item{}, false
	}
	return NumberItem(k.quantile(f.Q)), k.sketch != nil && !f.Approx
}

func (k *sample) add(f *feature, stamp int64, x float64) (rough bool) {
	if k.sketch == nil {
		if len(k.sorted) < f.limit {
			k.insert(f, floor(stamp, f.Resolution), x)
			return false
		}
		k.estimate(f)
	}
	k.sketch.add(x, floor(stamp, f.coarse))
	return !f.Approx
}

func (k *sample) insert(f *feature, at int64, x float64) {
	i, _ := slices.BinarySearch(k.sorted, x)
	if len(k.sorted) == cap(k.sorted) {
		k.sorted = append(make([]float64, 0, max(4, len(k.sorted)+min(len(k.sorted), 16+len(k.sorted)/8))), k.sorted...)
	}
	k.sorted = slices.Insert(k.sorted, i, x)
	if !f.single {
		k.rows.push(timed{at, x})
	}
}

// estimate goes over to a sketch.
func (k *sample) estimate(f *feature) {
	s := new(sketch)
	if f.single {
		for _, x := range k.sorted {
			s.add(x, 0)
		}
	}
	for _, row := range k.rows.rows[k.rows.past:] {
		s.add(row.x, floor(row.at, f.coarse))
	}
	*k = sample{sketch: s}
}

func (k *sample) drop(f *feature, edge int64) {
	if f.single {
		return
	}
	if k.sketch != nil {
		if k.sketch.drop(floor(edge, f.coarse)) {
			k.sketch = nil
		}
		return
	}
	if !k.rows.before(edge) {
		return
	}
	edge = floor(edge, f.Resolution)
	for k.rows.before(edge) {
		i, _ := slices.BinarySearch(k.sorted, k.rows.rows[k.rows.past].x)
		k.sorted = slices.Delete(k.sorted, i, i+1)
		k.rows.pop()
	}
	if cap(k.sorted) >= 64 && len(k.sorted) < cap(k.sorted)/4 {
		k.sorted = append(make([]float64, 0, 2*len(k.sorted)), k.sorted...)
	}
}

// quantile is that of the numbers, of which there is one at least: linear between the
// closest ranks.
func (k *sample) quantile(q float64) float64 {
	if k.sketch != nil {
		return k.sketch.quantile(q)
	}
	h := float64(len(k.sorted)-1) * q
	low := math.Floor(h)
	a := k.sorted[int(low)]
	if h == low {
		return a
	}
	return between(a, k.sorted[int(low)+1], h-low)
}

// between is a + part · (b − a), for a up to b.
func between(a, b, part float64) float64 {
	if a == b {
		return a
	}
	d := b - a
	if math.IsInf(d, 0) {
		return float64(a*(1-part)) + float64(b*part)
	}
	return min(a+float64(part*d), b)
}

func (k *sample) newest(f *feature) (at, step int64, ok bool) {
	if k.sketch != nil {
		return k.sketch.panes[len(k.sketch.panes)-1].at, f.coarse, true
	}
	if n := k.rows.len(); n > 0 {
		return k.rows.rows[len(k.rows.rows)-1].at, f.Resolution, true
	}
	return 0, 0, false
}

func (k *sample) bytes() int {
	n := int(unsafe.Sizeof(*k)) + 16*cap(k.rows.rows) + 8*cap(k.sorted)
	if k.sketch != nil {
		n += k.sketch.bytes()
	}
	return n
}

func (k *sample) empty() bool { return len(k.sorted) == 0 && k.sketch == nil }
