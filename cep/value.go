package cep

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Kind is the type of a Value.
type Kind uint8

const (
	Nil      Kind = iota // missing or null
	Bool                 // true or false
	Number               // a float64; Text holds its digits where it came from JSON
	Text                 // a string
	Time                 // a moment, nanoseconds since the epoch
	Duration             // a length of time in nanoseconds
	List                 // Text holds a JSON array
	Map                  // Text holds a JSON object
)

func (k Kind) String() string {
	switch k {
	case Nil:
		return "nil"
	case Bool:
		return "bool"
	case Number:
		return "number"
	case Text:
		return "string"
	case Time:
		return "time"
	case Duration:
		return "duration"
	case List:
		return "list"
	case Map:
		return "map"
	}
	panic("cep: unknown Kind")
}

// Value is a field of an event, or what an expression gives. The zero Value is
// nil. It is flat: lists and maps keep their JSON text and are decoded by
// whoever looks into them.
type Value struct {
	Kind Kind
	at   int32  // where Text begins in Event.Raw, from 1; 0: it is no part of that
	bits uint64 // Number: float64 bits; Bool: 0 or 1; Time, Duration: int64
	Text string // Text: the text; Number: its digits as written, if it was read; List, Map: JSON
}

// BoolValue, NumberValue and the like make a Value of their kind.
func BoolValue(b bool) Value {
	if b {
		return Value{Kind: Bool, bits: 1}
	}
	return Value{Kind: Bool}
}

// NumberValue makes a number; NaN and the infinities become nil.
func NumberValue(f float64) Value {
	bits := math.Float64bits(f)
	if bits>>52&0x7ff == 0x7ff { // the exponent of NaN and the infinities
		return Value{}
	}
	return Value{Kind: Number, bits: bits}
}

// TextValue makes a string.
func TextValue(s string) Value { return Value{Kind: Text, Text: s} }

// TimeValue makes a moment from nanoseconds since the epoch.
func TimeValue(ns int64) Value { return Value{Kind: Time, bits: uint64(ns)} }

// DurationValue makes a length of time.
func DurationValue(d time.Duration) Value { return Value{Kind: Duration, bits: uint64(d)} }

// Number returns the number of a Value of kind Number.
func (v *Value) Number() float64 { return math.Float64frombits(v.bits) }

// Bool returns whether v is the boolean true.
func (v *Value) Bool() bool { return v.Kind == Bool && v.bits == 1 }

// Int returns the nanoseconds of a Value of kind Time or Duration.
func (v *Value) Int() int64 { return int64(v.bits) }

// KeyText returns the text of v as a part of a key, and false if v is no key: a
// string as it is, unless it is empty; an integer; true or false. An integer that
// was read is its digits as they were written, however long; 1.0 and 1e3 are no
// integers. A number that was computed is an integer up to 2^53.
func (v *Value) KeyText() (string, bool) {
	switch v.Kind {
	case Text:
		return v.Text, v.Text != ""
	case Bool:
		return strconv.FormatBool(v.Bool()), true
	case Number:
		if v.Text != "" {
			return v.Text, !strings.ContainsAny(v.Text, ".eE")
		}
		if f := v.Number(); f == math.Trunc(f) && math.Abs(f) <= 1<<53 {
			return strconv.FormatInt(int64(f), 10), true
		}
	}
	return "", false
}
