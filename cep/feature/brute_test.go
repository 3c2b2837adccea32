package feature

import (
	"math"
	"math/big"
	"slices"
	"time"
)

// brute works a feature out from all events that a key ever had.
type brute struct {
	spec   Spec
	events []bruteEvent
}

type bruteEvent struct {
	t int64
	x Item
}

func (b *brute) add(t int64, x Item) { b.events = append(b.events, bruteEvent{t, x}) }

// window are the events in the window of a reader of time t.
func (b *brute) window(t int64) []bruteEvent {
	w := &b.spec.Window
	in := func(from, to int64) []bruteEvent { // from <= time < to
		var out []bruteEvent
		for _, e := range b.events {
			if e.t >= from && e.t < to && e.t <= t {
				out = append(out, e)
			}
		}
		return out
	}
	switch w.Shape {
	case Forever:
		return b.events
	case Sliding:
		from := t - w.Size + 1
		if r := b.spec.Resolution; r > 0 {
			from -= (from%r + r) % r
		}
		return in(from, t+1)
	case Session:
		from := len(b.events)
		last := t
		for from > 0 && last-b.events[from-1].t < w.Size {
			from--
			last = b.events[from].t
		}
		return b.events[from:]
	}
	begin := func(i int64) int64 { return w.Offset + i*w.step() }
	ends := func(i int64) int64 { return begin(i) + w.Size }
	if w.Zone != nil {
		begin = func(i int64) int64 { return firstShown(w, i*w.step()/day) }
		ends = func(i int64) int64 { return firstShown(w, (i*w.step()+w.Size)/day) }
	}
	i := (t-w.Offset)/w.step() - w.Size/w.step() - 4
	for ; begin(i) <= t; i++ {
		if t < ends(i) {
			return in(begin(i), ends(i))
		}
	}
	return nil
}

// firstShown is the first moment at which the clocks show the offset of a day or
// something later. It goes from quarter to quarter of an hour: between these no clock
// of the zones tested is set.
func firstShown(w *Window, d int64) int64 {
	want := d*day + w.Offset
	shows := func(t int64) int64 {
		_, o := time.Unix(0, t).In(w.Zone).Zone()
		return t + int64(o)*1e9
	}
	const quarter = int64(15 * time.Minute)
	t := floor(want-30*int64(time.Hour), quarter)
	for shows(t+quarter) < want {
		t += quarter
	}
	return min(t+want-shows(t), t+quarter)
}

func (b *brute) read(t int64, x Item) Item {
	events := b.window(t)
	var xs []Item
	for _, e := range events {
		if e.x.Kind != None {
			xs = append(xs, e.x)
		}
	}
	var numbers []float64
	for _, x := range xs {
		if x.Kind == Number {
			numbers = append(numbers, x.Number())
		}
	}
	n := len(numbers)
	switch b.spec.Value {
	case Count:
		return NumberItem(float64(len(events)))
	case Rate:
		f, _ := big.NewRat(int64(len(events))*1e9, b.spec.Window.Size).Float64()
		return NumberItem(f)
	case Sum:
		f, _ := total(numbers, 1).Float64()
		return NumberItem(f)
	case Mean:
		if n == 0 {
			return Item{}
		}
		s := total(numbers, 1)
		f, _ := s.Quo(s, big.NewRat(int64(n), 1)).Float64()
		return NumberItem(f)
	case Stddev:
		if n == 0 {
			return Item{}
		}
		s, q := total(numbers, 1), total(numbers, 2)
		q.Mul(q, big.NewRat(int64(n), 1))
		q.Sub(q, s.Mul(s, s))
		root := new(big.Float).SetPrec(200).SetRat(q)
		root.Sqrt(root)
		f, _ := root.Quo(root, big.NewFloat(float64(n))).Float64()
		return NumberItem(f)
	case Min, Max:
		var best Item
		for _, x := range xs {
			if x.Kind != Number && x.Kind != Time && x.Kind != Duration {
				continue
			}
			c := 0
			if best.Kind != None {
				c = compare(x.Kind, x.Bits, best.Kind, best.Bits)
			}
			if best.Kind == None || b.spec.Value == Min && c < 0 || b.spec.Value == Max && c > 0 {
				best = x
			}
		}
		return settle(best)
	case First, Last:
		if len(xs) == 0 {
			return Item{}
		}
		if b.spec.Value == First {
			return settle(xs[0])
		}
		return settle(xs[len(xs)-1])
	case Distinct:
		set := map[Item]bool{}
		for _, x := range xs {
			set[settle(x)] = true
		}
		return NumberItem(float64(len(set)))
	case Seen:
		if x.Kind == None {
			return Item{}
		}
		for _, y := range xs {
			if settle(x) == settle(y) {
				return BoolItem(true)
			}
		}
		return BoolItem(false)
	case SinceLast:
		if len(events) == 0 {
			return Item{}
		}
		return Item{Kind: Duration, Bits: uint64(t - events[len(events)-1].t)}
	case Quantile:
		if n == 0 {
			return Item{}
		}
		slices.Sort(numbers)
		h := float64(n-1) * b.spec.Q
		low := int(h)
		r := new(big.Rat).SetFloat64(numbers[low])
		if low+1 < n {
			d := new(big.Rat).SetFloat64(numbers[low+1])
			d.Sub(d, r)
			r.Add(r, d.Mul(d, new(big.Rat).SetFloat64(h-float64(low))))
		}
		f, _ := r.Float64()
		return NumberItem(f)
	}
	panic("no such value")
}

// total is the exact sum of powers.
func total(xs []float64, power int) *big.Rat {
	s := new(big.Rat)
	for _, x := range xs {
		r := new(big.Rat).SetFloat64(x)
		if power == 2 {
			r.Mul(r, r)
		}
		s.Add(s, r)
	}
	return s
}

// same compares what a feature gave with what it should give. Standard deviations
// and quantiles are rounded more than once.
func (b *brute) same(got, want Item) bool {
	if got.Kind != Number || want.Kind != Number {
		return got == want
	}
	diff := math.Abs(got.Number() - want.Number())
	switch b.spec.Value {
	case Stddev:
		return diff <= 1e-12*want.Number()
	case Quantile: // between two numbers: its error is that of the greater
		most := 0.0
		for _, e := range b.events {
			if e.x.Kind == Number {
				most = max(most, math.Abs(e.x.Number()))
			}
		}
		return diff <= 1e-14*most
	}
	return got == want
}
