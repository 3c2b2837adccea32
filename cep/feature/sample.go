package feature

import (
	"math"
	"slices"
	"unsafe"
)

// sample keeps the numbers of a window in order of size, for quantiles. A row is time
// and number; a window that ends as a whole has none.
type sample struct {
	rows   ring
	sorted []float64
	sketch *sketch // what stands for all of them beyond the bound
}

func newSample() *sample { return &sample{rows: ring{width: 2}} }

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
		k.rows.push(at)[1] = bitsOf(x)
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
	for i := range k.rows.len() {
		row := k.rows.row(i)
		s.add(floatOf(row[1]), floor(int64(row[0]), f.coarse))
	}
	*k = *newSample()
	k.sketch = s
}

func (k *sample) drop(f *feature, edge int64) {
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
		i, _ := slices.BinarySearch(k.sorted, floatOf(k.rows.row(0)[1]))
		k.sorted = slices.Delete(k.sorted, i, i+1)
		k.rows.pop()
	}
	if cap(k.sorted) >= 64 && len(k.sorted) < cap(k.sorted)/4 {
		k.sorted = append(make([]float64, 0, 2*len(k.sorted)), k.sorted...)
	}
}

// clear forgets all numbers; memory that is small stays.
func (k *sample) clear() {
	k.sketch = nil
	if cap(k.sorted) > 32 {
		k.sorted = nil
	}
	k.sorted = k.sorted[:0]
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
	return k.rows.newest(f.Resolution)
}

func (k *sample) bytes() int {
	n := int(unsafe.Sizeof(*k)) + k.rows.bytes() + 8*cap(k.sorted)
	if k.sketch != nil {
		n += k.sketch.bytes()
	}
	return n
}

func (k *sample) empty() bool { return len(k.sorted) == 0 && k.sketch == nil }
