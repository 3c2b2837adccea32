package feature

// better reports whether the first of two is further out.
func (v Value) better(ak Kind, a uint64, bk Kind, b uint64) bool {
	c := compare(ak, a, bk, b)
	return v == Min && c < 0 || v == Max && c > 0
}

// addExtreme counts a value. Kept is what can still become the least or greatest: a row
// is time, kind, bits, and each is worse than those before it.
func (f *feature) addExtreme(r *Record, body []uint64, stamp, edge int64, x Item) (rough bool) {
	var k ring
	f.load(&k, r, body)
	f.dropExtremes(&k, edge)
	for k.n > 0 {
		row := k.row(k.len() - 1)
		if f.Value.better(Kind(row[1]), row[2], x.Kind, x.Bits) {
			break
		}
		k.popNewest()
	}
	if k.len() == f.limit && f.coarsens(&k) {
		f.coarsenItems(r, &k)
	}
	if at := floor(stamp, f.step(&k)); k.last(at) == nil {
		row := k.push(at)
		row[1], row[2] = uint64(x.Kind), x.Bits
	}
	k.store(body)
	return k.coarse
}

// coarsenItems keeps the first row of each coarse pane.
func (f *feature) coarsenItems(r *Record, k *ring) {
	to := ring{mem: k.mem, width: 3, coarse: true}
	for i := range k.len() {
		row := k.row(i)
		if at := floor(int64(row[0]), f.coarse); to.last(at) == nil {
			into := to.push(at)
			into[1], into[2] = row[1], row[2]
		} else {
			r.freeText(row[1:])
		}
	}
	k.free()
	*k = to
}

func (f *feature) dropExtremes(k *ring, edge int64) {
	if !k.before(edge) {
		return
	}
	edge = floor(edge, f.step(k))
	for k.before(edge) {
		k.pop()
	}
	f.refine(k)
}

func (f *feature) readExtreme(r *Record, body []uint64, edge int64) (Item, bool) {
	var k ring
	if f.load(&k, r, body); k.before(edge) {
		f.dropExtremes(&k, edge)
		k.store(body)
	}
	if k.n == 0 {
		return Item{}, false
	}
	row := k.row(0)
	return Item{Kind: Kind(row[1]), Bits: row[2]}, k.coarse
}
