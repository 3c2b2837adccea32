package list

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

// Value is what a List says of an entry. The zero Value is none.
type Value struct {
	Text   string  // of Kind String
	Number float64 // of Kind Number
	Kind   Kind    // None, String, Number or Bool
	Bool   bool    // of Kind Bool
}

// StringValue makes a text.
func StringValue(s string) Value { return Value{Kind: String, Text: s} }

// NumberValue makes a number.
func NumberValue(f float64) Value { return Value{Kind: Number, Number: f} }

// BoolValue makes a boolean.
func BoolValue(b bool) Value { return Value{Kind: Bool, Bool: b} }

// ParseValue reads a value of the List from text: a number as JSON writes it, true or
// false, or the text as it is. Empty text is no value.
func (s Spec) ParseValue(text string) (Value, error) {
	var v Value
	switch {
	case text == "":
		return v, nil
	case s.Value == None:
		return v, fmt.Errorf("the list has no values: expected nothing, found %s", quoted(text))
	case s.Value == Number:
		f, err := parseNumber(text)
		if err != nil {
			return v, err
		}
		v = NumberValue(f)
	case s.Value == Bool:
		if text != "true" && text != "false" {
			return v, fmt.Errorf("expected true or false, found %s", quoted(text))
		}
		v = BoolValue(text == "true")
	default:
		v = StringValue(text)
	}
	return v, s.checkValue(v)
}

// checkValue says why v is no value of the List.
func (s Spec) checkValue(v Value) error {
	switch {
	case v.Kind == None:
		return nil
	case s.Value == None:
		return errors.New("the list has no values")
	case v.Kind != s.Value:
		return fmt.Errorf("expected a value of type %s, found one of type %s", s.Value, v.Kind)
	case v.Kind == String:
		return checkText("value", v.Text)
	case v.Kind == Number && (math.IsNaN(v.Number) || math.IsInf(v.Number, 0)):
		return errors.New("expected a finite number as the value")
	}
	return nil
}

// checkText says why s can be neither an entry nor a value.
func checkText(what, s string) error {
	switch {
	case s == "":
		return fmt.Errorf("the %s is empty", what)
	case len(s) > MaxText:
		return fmt.Errorf("the %s has %d bytes, %d are the most", what, len(s), MaxText)
	case !utf8.ValidString(s):
		return fmt.Errorf("the %s %s is not valid UTF-8", what, quoted(s))
	}
	return nil
}

// append appends the bytes of v as the slab holds them.
func (v Value) append(dst []byte) []byte {
	switch v.Kind {
	case String:
		return append(dst, v.Text...)
	case Number:
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(v.Number))
	case Bool:
		if v.Bool {
			return append(dst, 1)
		}
		return append(dst, 0)
	}
	return dst
}

// value reads what append wrote.
func (s Spec) value(raw string) Value {
	switch s.Value {
	case String:
		return StringValue(raw)
	case Number:
		return NumberValue(math.Float64frombits(word(raw, 0)))
	case Bool:
		return BoolValue(raw[0] == 1)
	}
	return Value{}
}

// parseNumber reads a number as JSON writes it.
func parseNumber(s string) (float64, error) {
	if !isNumber(s) {
		return 0, fmt.Errorf("expected a number like 12 or 0.5, found %s", quoted(s))
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, fmt.Errorf("the number %s is too large", quoted(s))
	}
	return f, nil
}

// isNumber reports whether s is a number in the grammar of JSON.
func isNumber(s string) bool {
	s = s[count(s, "-", 1):]
	whole := count(s, "0123456789", len(s))
	if whole == 0 || whole > 1 && s[0] == '0' {
		return false
	}
	s = s[whole:]
	if s != "" && s[0] == '.' {
		digits := count(s[1:], "0123456789", len(s))
		if digits == 0 {
			return false
		}
		s = s[1+digits:]
	}
	if count(s, "eE", 1) == 1 {
		s = s[1:]
		s = s[count(s, "+-", 1):]
		return s != "" && count(s, "0123456789", len(s)) == len(s)
	}
	return s == ""
}

// count is the number of bytes, at most most, at the beginning of s that are in set.
func count(s, set string, most int) int {
	n := 0
	for n < min(most, len(s)) && contains(set, s[n]) {
		n++
	}
	return n
}

func contains(set string, c byte) bool {
	for i := range len(set) {
		if set[i] == c {
			return true
		}
	}
	return false
}

// shown is the number of bytes of a text that an error shows.
const shown = 40

// quoted is s for an error, cut if it is long.
func quoted(s string) string {
	if len(s) > shown {
		return strconv.Quote(s[:shown]) + "…"
	}
	return strconv.Quote(s)
}
