package expr

import (
	"math"
	"slices"

	"weir/cep"
)

// folding is one of the functions that make one value of a list.
type folding uint8

const (
	foldCount folding = iota // how many values
	foldDistinct
	foldSum
	foldMean
	foldMedian
	foldMin
	foldMax
	foldStddev
	foldFirst
	foldLast
)

var foldings = map[string]folding{
	"count": foldCount, "distinct": foldDistinct, "sum": foldSum, "mean": foldMean, "median": foldMedian,
	"min": foldMin, "max": foldMax, "stddev": foldStddev, "first": foldFirst, "last": foldLast,
}

// takes are the kinds that a folding looks at; what else a list holds is passed
// over.
func (f folding) takes() kinds {
	switch f {
	case foldSum, foldMean, foldMedian, foldStddev:
		return kNumber
	case foldMin, foldMax:
		return kNumber | kTime | kDuration
	}
	return kAny
}

// fold takes in the values of a list one by one, in order. Nil is passed over.
type fold struct {
	what folding
	n    int
	sum  float64
	best cep.Value // least, greatest, first or last
	nums []float64
	seen map[identity]struct{}
}

// identity is what tells values apart for distinct: a value, or an event by its
// place.
type identity struct {
	value cep.Value
	place uint64
	event *cep.Event // only of an event without a place
}

// begin makes f ready for another list.
func (f *fold) begin(what folding) {
	f.what, f.n, f.sum, f.best, f.nums = what, 0, 0, cep.Value{}, f.nums[:0]
	clear(f.seen)
}

func (f *fold) add(v cep.Value) {
	if v.Kind == cep.Nil || f.what.takes()&setOf(v.Kind) == 0 {
		return
	}
	switch f.what {
	case foldDistinct:
		f.see(identity{value: settle(v)})
	case foldSum, foldMean:
		f.sum += v.Number()
	case foldMedian, foldStddev:
		f.nums = append(f.nums, v.Number())
	case foldMin:
		if c, ok := compare(v, f.best); ok && c < 0 || f.n == 0 {
			f.best = v
		}
	case foldMax:
		if c, ok := compare(v, f.best); ok && c > 0 || f.n == 0 {
			f.best = v
		}
	case foldFirst:
		if f.n == 0 {
			f.best = v
		}
	case foldLast:
		f.best = v
	}
	f.n++
}

// see remembers a settled value or an event for distinct.
func (f *fold) see(x identity) {
	if f.seen == nil {
		f.seen = map[identity]struct{}{}
	}
	f.seen[x] = struct{}{}
}

// addNative takes in a value of the machine.
func (f *fold) addNative(x any) {
	switch x := x.(type) {
	case event:
		if f.what == foldCount || f.what == foldDistinct {
			f.n++
			if x.Place != 0 {
				f.see(identity{place: x.Place})
			} else {
				f.see(identity{event: x.Event})
			}
		}
	case []any, map[string]any:
		if f.what == foldDistinct {
			f.add(value(x))
		} else {
			f.add(scalar(x))
		}
	default:
		f.add(scalar(x))
	}
}

// result is the outcome: of nothing 0 for count, distinct and sum, else nil.
func (f *fold) result() cep.Value {
	switch f.what {
	case foldCount:
		return cep.NumberValue(float64(f.n))
	case foldDistinct:
		return cep.NumberValue(float64(len(f.seen)))
	case foldSum:
		return cep.NumberValue(f.sum)
	case foldMin, foldMax, foldFirst, foldLast:
		return f.best
	}
	if f.n == 0 {
		return cep.Value{}
	}
	switch f.what {
	case foldMean:
		return cep.NumberValue(f.sum / float64(f.n))
	case foldMedian:
		return cep.NumberValue(median(f.nums))
	case foldStddev:
		return cep.NumberValue(stddev(f.nums))
	}
	panic("expr: unknown folding")
}

// median sorts xs, which is not empty, and gives its middle: of an even number
// the mean of the two in the middle.
func median(xs []float64) float64 {
	slices.Sort(xs)
	n := len(xs)
	if n%2 == 1 {
		return xs[n/2]
	}
	return (xs[n/2-1] + xs[n/2]) / 2
}

// stddev is the standard deviation of the population xs, which is not empty.
func stddev(xs []float64) float64 {
	var sum, squares float64
	for _, x := range xs {
		sum += x
	}
	mean := sum / float64(len(xs))
	for _, x := range xs {
		squares += float64((x - mean) * (x - mean))
	}
	return math.Sqrt(squares / float64(len(xs)))
}

// aggregate is what a folding makes of the numbers kept with the captures.
func (f folding) aggregate(a cep.Aggregate) cep.Value {
	switch f {
	case foldCount:
		return cep.NumberValue(float64(a.N))
	case foldSum:
		return cep.NumberValue(a.Sum)
	}
	if a.N == 0 {
		return cep.Value{}
	}
	switch f {
	case foldMean:
		return cep.NumberValue(a.Sum / float64(a.N))
	case foldMin:
		return cep.NumberValue(a.Min)
	case foldMax:
		return cep.NumberValue(a.Max)
	}
	panic("expr: a folding without aggregate")
}

// aggregates reports whether the aggregate of a field of the kinds k gives f;
// dynamic: no schema declares it, so it holds no time.
func (f folding) aggregates(k kinds, dynamic bool) bool {
	switch f {
	case foldCount:
		return k == kNumber // of any other kind the aggregate counts nothing
	case foldSum, foldMean:
		return k&kNumber != 0
	case foldMin, foldMax:
		return k == kNumber || dynamic
	}
	return false
}
