package feature

import "math"

// Kind is the type of an Item. The numbers are those of cep.Kind.
type Kind uint8

const (
	None     Kind = iota // missing or null
	Bool                 // true or false
	Number               // a float64
	Text                 // a string
	Time                 // a moment, nanoseconds since the epoch
	Duration             // a length of time in nanoseconds
	List                 // Text holds a JSON array
	Map                  // Text holds a JSON object
)

// Item is a value that a feature takes in or gives. The zero Item is nil.
type Item struct {
	Kind Kind
	Bits uint64 // Number: float64 bits; Bool: 0 or 1; Time, Duration: int64
	Text string // Text, List, Map
}

// NumberItem makes a number; NaN and the infinities become nil.
func NumberItem(f float64) Item {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return Item{}
	}
	return Item{Kind: Number, Bits: math.Float64bits(f)}
}

// BoolItem makes a truth value.
func BoolItem(b bool) Item {
	if b {
		return Item{Kind: Bool, Bits: 1}
	}
	return Item{Kind: Bool}
}

// TextItem makes a string.
func TextItem(s string) Item { return Item{Kind: Text, Text: s} }

// Number returns the number of an Item of kind Number.
func (x *Item) Number() float64 { return math.Float64frombits(x.Bits) }

// sound reports whether x is an Item that a Value gives.
func (x *Item) sound() bool {
	switch x.Kind {
	case None:
		return x.Bits == 0
	case Bool:
		return x.Bits <= 1
	case Number:
		return x.Bits>>52&0x7ff != 0x7ff // NaN and the infinities
	case Text, List, Map:
		return x.Bits == 0
	}
	return x.Kind <= Duration
}

// textual reports whether items of kind k hold a text.
func (k Kind) textual() bool { return k == Text || k > Duration }

// compare orders what min and max look at: by kind, then by size.
func compare(ak Kind, a uint64, bk Kind, b uint64) int {
	switch {
	case ak != bk:
		return int(ak) - int(bk)
	case a == b:
		return 0
	case ak == Number && math.Float64frombits(a) < math.Float64frombits(b), ak != Number && int64(a) < int64(b):
		return -1
	}
	return 1
}

// signless is x with 0 for -0, which equals it.
func signless(bits uint64) uint64 {
	if bits == 1<<63 {
		return 0
	}
	return bits
}
