package feature

import "unsafe"

// extremes keeps what can still become the least or greatest: a row is time, kind,
// bits, and each is worse than those before it.
type extremes struct {
	rows ring
	step int64
}

func newExtremes(f *feature) *extremes {
	return &extremes{rows: ring{width: 3}, step: f.Resolution}
}

// better reports whether the first of two is further out.
func (v Value) better(ak Kind, a uint64, bk Kind, b uint64) bool {
	c := compare(ak, a, bk, b)
	return v == Min && c < 0 || v == Max && c > 0
}

func (k *extremes) add(f *feature, stamp int64, x Item) (rough bool) {
	for k.rows.n > 0 {
		row := k.rows.row(k.rows.len() - 1)
		if f.Value.better(Kind(row[1]), row[2], x.Kind, x.Bits) {
			break
		}
		k.rows.popNewest()
	}
	if k.rows.len() == f.limit && k.step < f.coarse {
		k.coarsen(f)
	}
	if at := floor(stamp, k.step); k.rows.last(at) == nil {
		row := k.rows.push(at)
		row[1], row[2] = uint64(x.Kind), x.Bits
	}
	return k.step > f.Resolution
}

func (k *extremes) coarsen(f *feature) {
	panes := ring{width: 3}
	for i := range k.rows.len() {
		row := k.rows.row(i)
		if at := floor(int64(row[0]), f.coarse); panes.last(at) == nil {
			pane := panes.push(at)
			pane[1], pane[2] = row[1], row[2]
		}
	}
	k.rows, k.step = panes, f.coarse
}

func (k *extremes) drop(f *feature, edge int64) {
	if !k.rows.before(edge) {
		return
	}
	edge = floor(edge, k.step)
	for k.rows.before(edge) {
		k.rows.pop()
	}
	if k.rows.n == 0 && k.step != f.Resolution {
		*k = *newExtremes(f)
	}
}

func (k *extremes) newest(*feature) (at, step int64, ok bool) { return k.rows.newest(k.step) }

func (k *extremes) bytes() int { return int(unsafe.Sizeof(*k)) + k.rows.bytes() }
