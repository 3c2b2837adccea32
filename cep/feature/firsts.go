package feature

// addFirst counts a value. All are kept in their order, so that the first that is left
// is known: a row is time, kind, bits or the number of a text. Of one time or pane it
// is the first that counts.
func (f *feature) addFirst(r *Record, body []uint64, stamp, edge int64, x Item) (rough bool) {
	k := f.ring(r, body)
	f.dropFirsts(r, &k, edge)
	if k.len() == f.limit && f.coarsens(&k) && k.last(floor(stamp, f.step(&k))) == nil {
		f.coarsenItems(r, &k)
	}
	if at := floor(stamp, f.step(&k)); k.last(at) == nil {
		r.setItem(k.push(at)[1:], x)
	}
	k.store(body)
	return k.coarse
}

func (f *feature) dropFirsts(r *Record, k *ring, edge int64) {
	if !k.before(edge) {
		return
	}
	edge = floor(edge, f.step(k))
	for k.before(edge) {
		r.freeText(k.row(0)[1:])
		k.pop()
	}
	f.refine(k)
}

func (f *feature) readFirst(r *Record, body []uint64, edge int64) (Item, bool) {
	k := f.ring(r, body)
	if k.before(edge) {
		f.dropFirsts(r, &k, edge)
		k.store(body)
	}
	if k.n == 0 {
		return Item{}, false
	}
	return r.item(k.row(0)[1:]), k.coarse
}
