package infer

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// mostValues bounds the different values of a field that are counted, and mostEnum
// those that are listed.
const (
	mostValues = 100_000
	mostEnum   = 12
)

// fieldTally is what was seen of a field.
type fieldTally struct {
	name    string
	escaped bool           // somewhere its name is written with escapes
	n       int            // values other than null
	can     ways           // all values can be read so
	kinds   [5]int         // how many are of each JSON kind, by jsonKinds
	values  map[string]int // how often each came; no more are added once there are mostValues
	many    bool           // there are more

	numbers []float64 // of a field whose values are all numbers
	long    bool      // a whole number is too long for a float64
	broken  bool      // a number is no whole number

	clocks [4]clock // by units: the values as event times
}

// clock follows a field read as the event time.
type clock struct {
	n                 int
	last, least, most int64 // nanoseconds since the epoch
	rises             int   // values that are not before the last
	behind            int64 // by how much one was before the greatest before it
}

var jsonKinds = [5]string{"string", "number", "bool", "list", "map"}

// add takes in a value other than null.
func (f *fieldTally) add(value string, cell bool, j *judge) {
	f.n++
	f.can = j.reads(value, f.can, cell)
	plain := value
	if cell {
		plain = plainCell(value)
	}
	switch plain[0] {
	case '"':
		f.kinds[0]++
	case '[':
		f.kinds[3]++
	case '{':
		f.kinds[4]++
	case 't', 'f':
		f.kinds[2]++
	default:
		f.kinds[1]++
		f.number(plain)
	}
	text := unquote(value)
	if _, known := f.values[text]; known || len(f.values) < mostValues {
		f.values[text]++
	} else {
		f.many = true
	}
	for i, u := range units {
		if f.can&u.way == 0 {
			continue
		}
		if ns, ok := j.moment(value, u.way, cell); ok {
			f.clocks[i].tick(ns)
		}
	}
}

func (f *fieldTally) number(digits string) {
	x, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		return // of more than a float64 holds: it is read as text only
	}
	f.numbers = append(f.numbers, x)
	whole := !strings.ContainsAny(digits, ".eE")
	f.broken = f.broken || !whole
	f.long = f.long || whole && math.Abs(x) >= 1<<53
}

func (c *clock) tick(ns int64) {
	if c.n == 0 {
		c.least, c.most, c.last = ns, ns, ns
	}
	c.n++
	if ns >= c.last {
		c.rises++
	}
	c.behind = max(c.behind, c.most-ns)
	c.last, c.least, c.most = ns, min(c.least, ns), max(c.most, ns)
}

// all says whether all values are of one JSON kind.
func (f *fieldTally) all(kind string) bool {
	return f.n > 0 && f.kinds[slices.Index(jsonKinds[:], kind)] == f.n
}

// quantile gives a quantile of the numbers, that of the lower of two neighbours.
func (f *fieldTally) quantile(q float64) float64 {
	sorted := slices.Sorted(slices.Values(f.numbers))
	return sorted[int(q*float64(len(sorted)-1))]
}

// distinct is how many different values there are, at least.
func (f *fieldTally) distinct() int { return len(f.values) }
