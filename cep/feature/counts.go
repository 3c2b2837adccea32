package feature

import "unsafe"

// counts counts events. A row is the events kept under one time: time, how many.
type counts struct {
	rows ring
	step int64
	n    int64
}

func newCounts(f *feature) *counts {
	return &counts{rows: ring{width: 2}, step: f.Resolution}
}

// add counts an event and says whether it is kept more roughly than f asks for.
func (k *counts) add(f *feature, stamp int64) (rough bool) {
	k.n++
	row := k.rows.last(floor(stamp, k.step))
	if row == nil {
		if k.rows.len() == f.limit && k.step < f.coarse {
			k.coarsen(f)
		}
		at := floor(stamp, k.step)
		if row = k.rows.last(at); row == nil {
			row = k.rows.push(at)
		}
	}
	row[1]++
	return k.step > f.Resolution
}

// coarsen puts the rows together to panes.
func (k *counts) coarsen(f *feature) {
	panes := ring{width: 2}
	for i := range k.rows.len() {
		row := k.rows.row(i)
		at := floor(int64(row[0]), f.coarse)
		pane := panes.last(at)
		if pane == nil {
			pane = panes.push(at)
		}
		pane[1] += row[1]
	}
	k.rows, k.step = panes, f.coarse
}

func (k *counts) drop(f *feature, edge int64) {
	if !k.rows.before(edge) {
		return
	}
	edge = floor(edge, k.step)
	for k.rows.before(edge) {
		k.n -= int64(k.rows.row(0)[1])
		k.rows.pop()
	}
	if k.rows.n == 0 && k.step != f.Resolution {
		*k = *newCounts(f)
	}
}

func (k *counts) newest(*feature) (at, step int64, ok bool) { return k.rows.newest(k.step) }

func (k *counts) bytes() int { return int(unsafe.Sizeof(*k)) + k.rows.bytes() }

func (r *ring) newest(step int64) (int64, int64, bool) {
	if r.n == 0 {
		return 0, 0, false
	}
	return r.at(int(r.n) - 1), step, true
}
