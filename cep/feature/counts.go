package feature

// addCount counts an event in a window that events leave. A row is an event (time), or
// a pane: time, how many. After the ring stands how many there are in all.
func (f *feature) addCount(r *Record, body []uint64, stamp, edge int64) (rough bool) {
	var k ring
	f.load(&k, r, body)
	f.dropCounts(&k, body, edge)
	body[ringWords]++
	at := floor(stamp, f.step(&k))
	if k.len() == f.limit && f.coarsens(&k) && (k.width == 1 || k.last(at) == nil) {
		f.coarsenCounts(&k)
		at = floor(stamp, f.step(&k))
	}
	if k.width == 1 {
		k.push(at)
	} else {
		row := k.last(at)
		if row == nil {
			row = k.push(at)
		}
		row[1]++
	}
	k.store(body)
	return k.coarse
}

// coarsenCounts puts the rows together to panes.
func (f *feature) coarsenCounts(k *ring) {
	to := ring{mem: k.mem, width: 2, coarse: true}
	for i := range k.len() {
		row := k.row(i)
		at := floor(int64(row[0]), f.coarse)
		into := to.last(at)
		if into == nil {
			into = to.push(at)
		}
		into[1] += rowCount(row)
	}
	k.free()
	*k = to
}

// rowCount is how many events a row stands for.
func rowCount(row []uint64) uint64 {
	if len(row) == 1 {
		return 1
	}
	return row[1]
}

func (f *feature) dropCounts(k *ring, body []uint64, edge int64) {
	if !k.before(edge) {
		return
	}
	edge = floor(edge, f.step(k))
	for k.before(edge) {
		body[ringWords] -= rowCount(k.row(0))
		k.pop()
	}
	f.refine(k)
}

func (f *feature) readCount(r *Record, body []uint64, edge int64) (Item, bool) {
	if !holds(body, edge) {
		k := f.ring(r, body)
		f.dropCounts(&k, body, edge)
		k.store(body)
	}
	return f.count(int64(body[ringWords])), body[1]&coarseBit != 0
}

// count is the value of a number of events.
func (f *feature) count(n int64) Item {
	if f.Value == Rate {
		return NumberItem(float64(n) * 1e9 / float64(f.grid.size))
	}
	return NumberItem(float64(n))
}
