package feature

import (
	"math/big"
	"strings"
	"unsafe"

	"weir/cep/feature/exact"
)

// addSingle counts an event in a window that ends as a whole, or never.
func (f *feature) addSingle(r *Record, t int64, x Item, ok bool) bool {
	head := r.words[f.head:f.body]
	if len(head) > 0 {
		if open := head[0] != head[1]; !open || t >= int64(head[1]) {
			if open {
				f.reset(r)
			}
			from := t
			if f.Window.Shape == Tumbling {
				var to int64
				from, to = f.grid.tumble(t)
				head[1] = uint64(to)
			}
			head[0] = uint64(from)
		}
		if f.Window.Shape == Session {
			head[1] = uint64(t + f.grid.size)
		}
	}
	if !ok {
		return false
	}
	body := r.words[f.body : f.body+f.bodyWords()]
	switch f.Value {
	case Count:
		body[0]++
	case Sum, Mean, Stddev:
		f.addSum(r, body, x.Number())
	case Min, Max:
		if body[0] == 0 || f.Value.better(x.Kind, x.Bits, Kind(body[0]), body[1]) {
			body[0], body[1] = uint64(x.Kind), x.Bits
		}
	case First, Last:
		if f.Value == Last || body[0] == 0 {
			body[0], body[1] = uint64(x.Kind), x.Bits
			r.setText(f, x)
		}
	case SinceLast:
		body[0], body[1] = 1, uint64(t)
	case Distinct, Seen:
		return f.kept(r).(*table).add(f, 0, x)
	case Quantile:
		return f.kept(r).(*sample).add(f, 0, x.Number())
	}
	return false
}

// kept is what the feature keeps beyond words.
func (f *feature) kept(r *Record) keep {
	k := r.rests[f.rest]
	if k == nil {
		k = f.newKeep()
		r.rests[f.rest] = k
	}
	return k
}

// reset empties the window.
func (f *feature) reset(r *Record) {
	clear(r.words[f.head : f.body+f.bodyWords()])
	if f.rest < 0 {
		return
	}
	switch k := r.rests[f.rest].(type) {
	case *table:
		k.clear()
	case *sample:
		k.clear()
	case *word: // its text stays, in case it comes again
	default:
		r.rests[f.rest] = nil
	}
}

// rest is what the words of a single window cannot hold of its sums.
type rest struct{ sum, squares *big.Int }

func (f *feature) addSum(r *Record, body []uint64, x float64) {
	var w rest
	if k := r.rests[f.rest]; k != nil {
		w = *k.(*rest)
	}
	old := w
	sum, _ := exact.SumOf(body[0], body[1], w.sum)
	sum.Add(x)
	body[0], body[1], w.sum = sum.Parts()
	if len(body) > 2 {
		body[2]++
	}
	if len(body) > 3 {
		squares, _ := exact.SquaresOf([4]uint64(body[3:]), w.squares)
		squares.Add(x)
		var n [4]uint64
		n, w.squares = squares.Parts()
		copy(body[3:], n[:])
	}
	switch {
	case w == old:
	case w == rest{}:
		r.rests[f.rest] = nil
	default:
		*f.kept(r).(*rest) = w
	}
}

// sum is the value of sums; some says whether there is a value at all.
func (f *feature) sum(n int64, some bool, sum *exact.Sum, squares *exact.Squares) Item {
	switch {
	case !some:
		return f.nothing
	case f.Value == Sum:
		return NumberItem(sum.Float64())
	case f.Value == Mean:
		return NumberItem(sum.Mean(int(n)))
	}
	return NumberItem(exact.Deviation(int(n), sum, squares))
}

// readSingle reads a window that ends as a whole, or never, and is open.
func (f *feature) readSingle(r *Record, t int64, x Item) (Item, bool) {
	body := r.words[f.body : f.body+f.bodyWords()]
	switch f.Value {
	case Count:
		return NumberItem(float64(body[0])), false
	case Sum, Mean, Stddev:
		return f.readSum(r, body), false
	case Min, Max, First, Last:
		return r.item(f, body), false
	case SinceLast:
		if body[0] == 0 {
			return Item{}, false
		}
		return Item{Kind: Duration, Bits: uint64(t) - body[1]}, false
	}
	if r.rests[f.rest] == nil {
		return f.none(), false
	}
	return f.readKeep(r.rests[f.rest], x)
}

func (f *feature) readSum(r *Record, body []uint64) Item {
	var w rest
	if k := r.rests[f.rest]; k != nil {
		w = *k.(*rest)
	}
	sum, _ := exact.SumOf(body[0], body[1], w.sum)
	switch f.Value {
	case Sum:
		return f.sum(0, true, &sum, nil)
	case Mean:
		return f.sum(int64(body[2]), body[2] > 0, &sum, nil)
	}
	squares, _ := exact.SquaresOf([4]uint64(body[3:]), w.squares)
	return f.sum(int64(body[2]), body[2] > 0, &sum, &squares)
}

// word is the text of one value.
type word struct{ text string }

// setText keeps the text of x, if it has one.
func (r *Record) setText(f *feature, x Item) {
	if !x.Kind.textual() {
		return
	}
	if k := f.kept(r).(*word); k.text != x.Text {
		k.text = strings.Clone(x.Text)
	}
}

// item makes the value whose kind and bits are given.
func (r *Record) item(f *feature, words []uint64) Item {
	x := Item{Kind: Kind(words[0]), Bits: words[1]}
	if x.Kind.textual() {
		x.Text = r.rests[f.rest].(*word).text
	}
	return x
}

func (k *rest) drop(*feature, int64)                 {}
func (k *rest) newest(*feature) (int64, int64, bool) { return 0, 0, false }
func (k *rest) bytes() int                           { return int(unsafe.Sizeof(*k)) + bigBytes(k.sum) + bigBytes(k.squares) }
func (k *word) drop(*feature, int64)                 {}
func (k *word) newest(*feature) (int64, int64, bool) { return 0, 0, false }
func (k *word) bytes() int                           { return int(unsafe.Sizeof(*k)) + len(k.text) }
