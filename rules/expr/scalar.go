package expr

import (
	"math"
	"strings"
	"time"

	"weir/cep"
)

// maxText bounds a text that an expression makes, in bytes: well above what a
// condition or an alert needs, and small enough that doubling it in every line
// of an expression leads nowhere. A longer one is nil.
const maxText = 1 << 16

// equal is ==: nil equals nil and nothing else, a time its epoch milliseconds.
func equal(a, b cep.Value) bool {
	if a.Kind != b.Kind {
		switch {
		case a.Kind == cep.Time && b.Kind == cep.Number:
			return millis(a.Int()) == b.Number()
		case a.Kind == cep.Number && b.Kind == cep.Time:
			return a.Number() == millis(b.Int())
		}
		return false
	}
	switch a.Kind {
	case cep.Nil:
		return true
	case cep.Bool:
		return a.Bool() == b.Bool()
	case cep.Number:
		return a.Number() == b.Number()
	case cep.Text:
		return a.Text == b.Text
	case cep.Time, cep.Duration:
		return a.Int() == b.Int()
	}
	return a.Text == b.Text || equalNative(native(a), native(b))
}

// canEqual reports whether values of two kinds can be equal.
func canEqual(a, b cep.Kind) bool {
	return a == b || a == cep.Time && b == cep.Number || a == cep.Number && b == cep.Time
}

// relation is one of the operators that compare.
type relation uint8

const (
	less      relation = iota // <
	lessEqual                 // <=
	more                      // >
	moreEqual                 // >=
)

var relations = map[string]relation{"<": less, "<=": lessEqual, ">": more, ">=": moreEqual}

// mirror is the relation with its sides changed.
func (r relation) mirror() relation { return (r + 2) % 4 }

// of says whether r holds for the outcome c of a comparison (-1, 0, 1).
func (r relation) of(c int) bool {
	switch r {
	case less:
		return c < 0
	case lessEqual:
		return c <= 0
	case more:
		return c > 0
	case moreEqual:
		return c >= 0
	}
	panic("expr: unknown relation")
}

// compare gives -1, 0 or 1 as a is before, equal to or after b; ok is false if
// they cannot be compared, nil with anything among it.
func compare(a, b cep.Value) (c int, ok bool) {
	switch {
	case a.Kind == cep.Number && b.Kind == cep.Number:
		return order(a.Number(), b.Number()), true
	case a.Kind == cep.Text && b.Kind == cep.Text:
		return strings.Compare(a.Text, b.Text), true
	case a.Kind == b.Kind && (a.Kind == cep.Time || a.Kind == cep.Duration):
		return order(a.Int(), b.Int()), true
	case a.Kind == cep.Time && b.Kind == cep.Number:
		return order(millis(a.Int()), b.Number()), true
	case a.Kind == cep.Number && b.Kind == cep.Time:
		return order(a.Number(), millis(b.Int())), true
	}
	return 0, false
}

// canCompare reports whether values of two kinds can be compared.
func canCompare(a, b cep.Kind) bool {
	switch a {
	case cep.Number:
		return b == cep.Number || b == cep.Time
	case cep.Time:
		return b == cep.Time || b == cep.Number
	case cep.Text, cep.Duration:
		return a == b
	}
	return false
}

func order[T int64 | float64](a, b T) int {
	if a < b {
		return -1
	}
	if a > b {
		return 1
	}
	return 0
}

func holds(r relation, a, b cep.Value) bool {
	c, ok := compare(a, b)
	return ok && r.of(c)
}

// millis is a time as epoch milliseconds.
func millis(ns int64) float64 { return float64(ns/1e6) + float64(ns%1e6)/1e6 }

// operator is one of the operators that compute.
type operator uint8

const (
	add       operator = iota // +
	subtract                  // -
	multiply                  // *
	divide                    // /
	remainder                 // %
	power                     // **
)

var operators = map[string]operator{"+": add, "-": subtract, "*": multiply, "/": divide, "%": remainder, "**": power, "^": power}

// result is the kind of a op b by the kinds of a and b; Nil where it has none.
func (op operator) result(a, b cep.Kind) cep.Kind {
	switch {
	case a == cep.Number && b == cep.Number:
		return cep.Number
	case a == cep.Text && b == cep.Text && op == add:
		return cep.Text
	case a == cep.Time && b == cep.Time && op == subtract:
		return cep.Duration
	case a == cep.Time && b == cep.Duration && (op == add || op == subtract),
		a == cep.Duration && b == cep.Time && op == add:
		return cep.Time
	case a == cep.Duration && b == cep.Duration:
		switch op {
		case add, subtract:
			return cep.Duration
		case divide:
			return cep.Number
		}
	case a == cep.Duration && b == cep.Number && (op == multiply || op == divide),
		a == cep.Number && b == cep.Duration && op == multiply:
		return cep.Duration
	}
	return cep.Nil
}

// compute is a op b; nil where result says so, and where the outcome is no
// finite number or beyond what a time, duration or text can hold.
func compute(op operator, a, b cep.Value) cep.Value {
	if a.Kind == cep.Number && b.Kind == cep.Number {
		return cep.NumberValue(computeNumber(op, a.Number(), b.Number()))
	}
	switch op.result(a.Kind, b.Kind) {
	case cep.Text:
		if len(a.Text)+len(b.Text) > maxText {
			return cep.Value{}
		}
		return cep.TextValue(a.Text + b.Text)
	case cep.Time:
		n, ok := computeSpan(op, a.Int(), b.Int())
		if !ok {
			return cep.Value{}
		}
		return cep.TimeValue(n)
	case cep.Number:
		return cep.NumberValue(float64(a.Int()) / float64(b.Int()))
	case cep.Duration:
		var n int64
		var ok bool
		switch {
		case a.Kind == cep.Number:
			n, ok = scale(b.Int(), a.Number())
		case b.Kind == cep.Number && op == multiply:
			n, ok = scale(a.Int(), b.Number())
		case b.Kind == cep.Number:
			n, ok = toInt(math.Round(float64(a.Int()) / b.Number()))
		default:
			n, ok = computeSpan(op, a.Int(), b.Int())
		}
		if !ok {
			return cep.Value{}
		}
		return cep.DurationValue(time.Duration(n))
	}
	return cep.Value{}
}

// computeNumber is a op b. Products are rounded before anything is added to
// them, so that no processor fuses the two.
func computeNumber(op operator, a, b float64) float64 {
	switch op {
	case add:
		return a + b
	case subtract:
		return a - b
	case multiply:
		return float64(a * b)
	case divide:
		return a / b // by zero: infinite or not a number, which is nil
	case remainder:
		return math.Mod(a, b)
	case power:
		return math.Pow(a, b)
	}
	panic("expr: unknown operator")
}

// computeSpan adds or subtracts nanoseconds; ok is false if they overflow.
func computeSpan(op operator, a, b int64) (n int64, ok bool) {
	if op == subtract {
		n = a - b
		return n, (n < a) == (b > 0)
	}
	n = a + b
	return n, (n > a) == (b > 0)
}

// scale multiplies nanoseconds by x, exactly where x is a whole number.
func scale(d int64, x float64) (int64, bool) {
	if m, ok := toInt(x); ok && float64(m) == x {
		n := d * m
		if m == 0 || n/m == d && !(d == math.MinInt64 && m == -1) {
			return n, true
		}
		return 0, false
	}
	return toInt(math.Round(float64(d) * x))
}

// toInt converts a number that an int64 can hold, cutting its fraction.
func toInt(x float64) (int64, bool) {
	if !(x >= -1<<63 && x < 1<<63) {
		return 0, false
	}
	return int64(x), true
}

// negate is -a for numbers and durations.
func negate(a cep.Value) cep.Value {
	switch {
	case a.Kind == cep.Number:
		return cep.NumberValue(-a.Number())
	case a.Kind == cep.Duration && a.Int() != math.MinInt64:
		return cep.DurationValue(-time.Duration(a.Int()))
	}
	return cep.Value{}
}

// textTest is one of the operators that look into a text.
type textTest uint8

const (
	contains textTest = iota
	startsWith
	endsWith
)

var textTests = map[string]textTest{"contains": contains, "startsWith": startsWith, "endsWith": endsWith}

// of says whether the test holds; with nil or anything but texts it does not.
func (t textTest) of(a, b cep.Value) bool {
	if a.Kind != cep.Text || b.Kind != cep.Text {
		return false
	}
	switch t {
	case contains:
		return strings.Contains(a.Text, b.Text)
	case startsWith:
		return strings.HasPrefix(a.Text, b.Text)
	case endsWith:
		return strings.HasSuffix(a.Text, b.Text)
	}
	panic("expr: unknown textTest")
}
