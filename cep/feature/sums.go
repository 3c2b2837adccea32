package feature

import (
	"math/big"
	"slices"
	"unsafe"

	"weir/cep/feature/exact"
)

// sums keeps sums of numbers. While it is fine a row is an event: time, number. Else
// a row is a pane: time, sum (2 words), then for mean and stddev how many, then for
// stddev the sum of squares (4 words).
type sums struct {
	rows    ring
	fine    bool
	step    int64
	n       int64
	sum     exact.Sum      // of all rows
	squares *exact.Squares // stddev
	wides   []wide         // of panes, by time: what their words cannot hold
}

// wide is what the words of a pane cannot hold.
type wide struct {
	at           int64
	sum, squares *big.Int // nil: nothing
}

// A pane is the sums of a row that is none of an event.
type pane struct {
	n       int64
	sum     exact.Sum
	squares exact.Squares
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

func newSums(f *feature) *sums {
	k := &sums{fine: f.Resolution == 0 && f.Window.Shape == Sliding, step: f.Resolution}
	if k.rows.width = paneWidth(f.Value); k.fine {
		k.rows.width = 2
	}
	if f.Value == Stddev {
		k.squares = new(exact.Squares)
	}
	return k
}

func (k *sums) add(f *feature, stamp int64, x float64) (rough bool) {
	k.n++
	k.sum.Add(x)
	if k.squares != nil {
		k.squares.Add(x)
	}
	if k.fine && k.rows.len() < f.limit {
		k.rows.push(stamp)[1] = bitsOf(x)
		return false
	}
	at := floor(stamp, k.step)
	if k.fine || k.rows.len() == f.limit && k.step < f.coarse && k.rows.last(at) == nil {
		k.coarsen(f)
		at = floor(stamp, k.step)
	}
	row := k.rows.last(at)
	if row == nil {
		row = k.rows.push(at)
	}
	k.put(row, f.Value, x)
	return k.step > f.Resolution
}

// put adds a number to a pane.
func (k *sums) put(row []uint64, v Value, x float64) {
	p := k.load(row)
	p.n++
	p.sum.Add(x)
	if v == Stddev {
		p.squares.Add(x)
	}
	k.store(row, &p)
}

// load reads the pane of a row.
func (k *sums) load(row []uint64) pane {
	var p pane
	var w wide
	if len(k.wides) > 0 {
		if i, ok := k.wideAt(int64(row[0])); ok {
			w = k.wides[i]
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

// store writes the pane of a row.
func (k *sums) store(row []uint64, p *pane) {
	w := wide{at: int64(row[0])}
	row[1], row[2], w.sum = p.sum.Parts()
	if len(row) > 3 {
		row[3] = uint64(p.n)
	}
	if len(row) > 4 {
		var words [4]uint64
		words, w.squares = p.squares.Parts()
		copy(row[4:], words[:])
	}
	if len(k.wides) > 0 || w.sum != nil || w.squares != nil {
		k.widen(w)
	}
}

func (k *sums) wideAt(at int64) (int, bool) {
	return slices.BinarySearchFunc(k.wides, at, func(w wide, at int64) int {
		switch {
		case w.at < at:
			return -1
		case w.at > at:
			return 1
		}
		return 0
	})
}

// widen keeps w instead of what stood under its time.
func (k *sums) widen(w wide) {
	i, ok := k.wideAt(w.at)
	if ok {
		k.wides = slices.Delete(k.wides, i, i+1)
	}
	if w.sum != nil || w.squares != nil {
		k.wides = slices.Insert(k.wides, i, w)
	}
}

// coarsen puts the rows together to panes.
func (k *sums) coarsen(f *feature) {
	to := sums{rows: ring{width: paneWidth(f.Value)}, step: f.coarse, n: k.n, sum: k.sum, squares: k.squares}
	for i := range k.rows.len() {
		row := k.rows.row(i)
		at := floor(int64(row[0]), f.coarse)
		into := to.rows.last(at)
		if into == nil {
			into = to.rows.push(at)
		}
		if k.fine {
			to.put(into, f.Value, floatOf(row[1]))
			continue
		}
		p, q := to.load(into), k.load(row)
		p.n += q.n
		p.sum.Merge(&q.sum)
		p.squares.Merge(&q.squares)
		to.store(into, &p)
	}
	*k = to
}

func (k *sums) drop(f *feature, edge int64) {
	if !k.rows.before(edge) {
		return
	}
	edge = floor(edge, k.step)
	for k.rows.before(edge) {
		row := k.rows.row(0)
		if k.fine {
			x := floatOf(row[1])
			k.n--
			k.sum.Remove(x)
			if k.squares != nil {
				k.squares.Remove(x)
			}
		} else {
			p := k.load(row)
			k.n -= p.n
			k.sum.Unmerge(&p.sum)
			if k.squares != nil {
				k.squares.Unmerge(&p.squares)
			}
			if len(k.wides) > 0 {
				k.widen(wide{at: int64(row[0])})
			}
		}
		k.rows.pop()
	}
	if k.rows.n == 0 && k.n != 0 { // a sum alone does not count its panes
		k.n = 0
	}
	if k.rows.n == 0 && k.step != f.Resolution {
		*k = *newSums(f)
	}
}

func (k *sums) newest(*feature) (at, step int64, ok bool) { return k.rows.newest(k.step) }

func (k *sums) bytes() int {
	n := int(unsafe.Sizeof(*k)) + k.rows.bytes() + cap(k.wides)*int(unsafe.Sizeof(wide{}))
	if k.squares != nil {
		n += int(unsafe.Sizeof(*k.squares))
	}
	for _, w := range k.wides {
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
