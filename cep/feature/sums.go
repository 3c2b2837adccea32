package feature

import (
	"math/big"
	"slices"
	"unsafe"

	"weir/cep/feature/exact"
)

// A ring of sums is fine or not: a row is an event (time, number), or a pane: time, sum
// (2 words), then for mean and stddev how many, then for stddev the sum of squares (4
// words). After the ring stand the totals of all rows: sum (2 words), the number of
// what words cannot hold, then how many and the squares as in a pane.

const sideWord = 2 // of totals

// totalWords is the number of words of totals.
func (f *feature) totalWords() int {
	switch f.Value {
	case Sum:
		return 3
	case Mean:
		return 4
	}
	return 8
}

// paneWidth is the number of words of a pane.
func paneWidth(v Value) int32 {
	switch v {
	case Sum:
		return 3
	case Mean:
		return 4
	}
	return 8
}

// A pane is sums of numbers.
type pane struct {
	n       int64
	sum     exact.Sum
	squares exact.Squares
}

// wides are what words cannot hold of totals and of panes.
type wides struct {
	wide
	panes []wide // by time
}

// wide is what the words of a pane cannot hold.
type wide struct {
	at           int64
	sum, squares *big.Int // nil: nothing
}

// wides are those with a number; nil: there are none.
func (r *Record) wides(n uint64) *wides {
	if n == 0 {
		return nil
	}
	return r.mem.keeps.all[n-1].(*wides)
}

// makeWides gives totals wides, if they have none.
func (r *Record) makeWides(total []uint64) *wides {
	if total[sideWord] == 0 {
		total[sideWord] = uint64(r.mem.keeps.put(new(wides)))
	}
	return r.wides(total[sideWord])
}

// narrow forgets wides that hold nothing any more.
func (r *Record) narrow(total []uint64) {
	if k := r.wides(total[sideWord]); k != nil && k.sum == nil && k.squares == nil && len(k.panes) == 0 {
		r.freeKeep(total[sideWord])
		total[sideWord] = 0
	}
}

// total reads totals.
func (f *feature) total(r *Record, words []uint64) pane {
	var p pane
	var w wide
	if k := r.wides(words[sideWord]); k != nil {
		w = k.wide
	}
	p.sum, _ = exact.SumOf(words[0], words[1], w.sum)
	if f.Value != Sum {
		p.n = int64(words[3])
	}
	if f.Value == Stddev {
		p.squares, _ = exact.SquaresOf([4]uint64(words[4:8]), w.squares)
	}
	return p
}

// setTotal writes totals.
func (f *feature) setTotal(r *Record, words []uint64, p *pane) {
	var w wide
	words[0], words[1], w.sum = p.sum.Parts()
	if f.Value != Sum {
		words[3] = uint64(p.n)
	}
	if f.Value == Stddev {
		var squares [4]uint64
		squares, w.squares = p.squares.Parts()
		copy(words[4:], squares[:])
	}
	if words[sideWord] != 0 || w.sum != nil || w.squares != nil {
		k := r.makeWides(words)
		k.sum, k.squares = w.sum, w.squares
		r.narrow(words)
	}
}

// addTotal adds a number to totals.
func (f *feature) addTotal(r *Record, words []uint64, x float64) {
	if f.Value != Stddev && words[sideWord] == 0 && exact.AddTo((*[2]uint64)(words), x) {
		if f.Value == Mean {
			words[3]++
		}
		return
	}
	p := f.total(r, words)
	p.n++
	p.sum.Add(x)
	if f.Value == Stddev {
		p.squares.Add(x)
	}
	f.setTotal(r, words, &p)
}

// result is the value of sums; some says whether there is a value at all.
func (f *feature) result(p *pane, some bool) Item {
	switch {
	case !some:
		return f.nothing
	case f.Value == Sum:
		return NumberItem(p.sum.Float64())
	case f.Value == Mean:
		return NumberItem(p.sum.Mean(int(p.n)))
	}
	return NumberItem(exact.Deviation(int(p.n), &p.sum, &p.squares))
}

// resultOf is the value of totals.
func (f *feature) resultOf(r *Record, words []uint64, some bool) Item {
	if words[sideWord] != 0 || f.Value == Stddev {
		p := f.total(r, words)
		return f.result(&p, some)
	}
	if !some {
		return f.nothing
	}
	n := 1
	if f.Value == Mean {
		n = int(words[3])
	}
	return NumberItem(exact.MeanOf(words[0], words[1], n))
}

// addSum counts a number in a window that events leave.
func (f *feature) addSum(r *Record, body []uint64, stamp, edge int64, x float64) (rough bool) {
	var k ring
	f.load(&k, r, body)
	if k.before(edge) {
		f.dropSums(r, &k, body, edge)
	}
	total := body[ringWords:]
	f.addTotal(r, total, x)
	fine := f.fine && !k.coarse
	if fine && k.len() < f.limit {
		k.push(stamp)[1] = bitsOf(x)
		k.store(body)
		return false
	}
	at := floor(stamp, f.step(&k))
	if fine || k.len() == f.limit && f.coarsens(&k) && k.last(at) == nil {
		f.coarsenSums(r, &k, total)
		at = floor(stamp, f.step(&k))
	}
	row := k.last(at)
	if row == nil {
		row = k.push(at)
	}
	var p pane
	p.n = 1
	p.sum.Add(x)
	if f.Value == Stddev {
		p.squares.Add(x)
	}
	f.addPane(r, total, row, &p)
	k.store(body)
	return k.coarse
}

// coarsens reports whether rows can still be put together to coarser panes.
func (f *feature) coarsens(k *ring) bool { return !k.coarse && f.coarse > f.Resolution }

// load reads the pane of a row; what its words cannot hold is in k, which may be nil.
func (k *wides) load(row []uint64) pane {
	var p pane
	var w wide
	if k != nil {
		if i, ok := k.find(int64(row[0])); ok {
			w = k.panes[i]
		}
	}
	p.sum, _ = exact.SumOf(row[1], row[2], w.sum)
	if len(row) > 3 {
		p.n = int64(row[3])
	}
	if len(row) > 4 {
		p.squares, _ = exact.SquaresOf([4]uint64(row[4:]), w.squares)
	}
	return p
}

// addPane adds sums to the pane of a row.
func (f *feature) addPane(r *Record, total, row []uint64, q *pane) {
	p := r.wides(total[sideWord]).load(row)
	p.merge(q)
	w := wide{at: int64(row[0])}
	row[1], row[2], w.sum = p.sum.Parts()
	if len(row) > 3 {
		row[3] = uint64(p.n)
	}
	if len(row) > 4 {
		var squares [4]uint64
		squares, w.squares = p.squares.Parts()
		copy(row[4:], squares[:])
	}
	if total[sideWord] != 0 || w.sum != nil || w.squares != nil {
		r.makeWides(total).set(w)
		r.narrow(total)
	}
}

func (p *pane) merge(q *pane) {
	p.n += q.n
	p.sum.Merge(&q.sum)
	p.squares.Merge(&q.squares)
}

func (k *wides) find(at int64) (int, bool) {
	return slices.BinarySearchFunc(k.panes, at, func(w wide, at int64) int {
		switch {
		case w.at < at:
			return -1
		case w.at > at:
			return 1
		}
		return 0
	})
}

// set keeps w instead of what stood under its time.
func (k *wides) set(w wide) {
	i, ok := k.find(w.at)
	if ok {
		k.panes = slices.Delete(k.panes, i, i+1)
	}
	if w.sum != nil || w.squares != nil {
		k.panes = slices.Insert(k.panes, i, w)
	}
}

// coarsenSums puts the rows together to panes.
func (f *feature) coarsenSums(r *Record, k *ring, total []uint64) {
	to := ring{mem: k.mem, width: paneWidth(f.Value), coarse: true}
	fine := f.fine
	var old wides // what the panes had; those to come write to what the totals have
	if w := r.wides(total[sideWord]); w != nil {
		old.panes, w.panes = w.panes, nil
	}
	for i := range k.len() {
		row := k.row(i)
		at := floor(int64(row[0]), f.coarse)
		into := to.last(at)
		if into == nil {
			into = to.push(at)
		}
		var p pane
		if fine {
			p.n = 1
			p.sum.Add(floatOf(row[1]))
			if f.Value == Stddev {
				p.squares.Add(floatOf(row[1]))
			}
		} else {
			p = old.load(row)
		}
		f.addPane(r, total, into, &p)
	}
	r.narrow(total)
	k.free()
	*k = to
}

// dropSums forgets what is kept under times before edge.
func (f *feature) dropSums(r *Record, k *ring, body []uint64, edge int64) {
	if !k.before(edge) {
		return
	}
	total := body[ringWords:]
	edge = floor(edge, f.step(k))
	fine := f.fine && !k.coarse
	if fine {
		f.dropNumbers(k, total, edge)
	}
	if !k.before(edge) {
		return
	}
	p := f.total(r, total)
	for k.before(edge) {
		row := k.row(0)
		if fine {
			x := floatOf(row[1])
			p.n--
			p.sum.Remove(x)
			if f.Value == Stddev {
				p.squares.Remove(x)
			}
		} else {
			q := r.wides(total[sideWord]).load(row)
			p.n -= q.n
			p.sum.Unmerge(&q.sum)
			p.squares.Unmerge(&q.squares)
			if w := r.wides(total[sideWord]); w != nil {
				w.set(wide{at: int64(row[0])})
			}
		}
		k.pop()
	}
	f.setTotal(r, total, &p)
	f.refine(k)
}

// dropNumbers is dropSums of a fine ring, as far as words hold all.
func (f *feature) dropNumbers(k *ring, total []uint64, edge int64) {
	if f.Value == Stddev || total[sideWord] != 0 {
		return
	}
	for k.before(edge) && exact.AddTo((*[2]uint64)(total), -floatOf(k.row(0)[1])) {
		if f.Value == Mean {
			total[3]--
		}
		k.pop()
	}
}

// refine makes a ring that is empty a fine one again.
func (f *feature) refine(k *ring) {
	if k.n == 0 && k.coarse {
		k.free()
		k.coarse, k.width = false, f.widths[0]
	}
}

func (f *feature) readSum(r *Record, body []uint64, edge int64) (Item, bool) {
	if !holds(body, edge) {
		var k ring
		f.load(&k, r, body)
		f.dropSums(r, &k, body, edge)
		k.store(body)
	}
	return f.resultOf(r, body[ringWords:], int32(body[1]) > 0), body[1]&coarseBit != 0
}

func (k *wides) bytes() int {
	n := int(unsafe.Sizeof(*k)) + cap(k.panes)*int(unsafe.Sizeof(wide{})) + bigBytes(k.sum) + bigBytes(k.squares)
	for _, w := range k.panes {
		n += bigBytes(w.sum) + bigBytes(w.squares)
	}
	return n
}

// bigBytes is the memory of a big number.
func bigBytes(x *big.Int) int {
	if x == nil {
		return 0
	}
	return int(unsafe.Sizeof(*x)) + 8*cap(x.Bits())
}
