package expr

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"weir/cep"
)

// On the virtual machine a value is what Go has for it: nil, bool, float64,
// string, moment, time.Duration, []any, map[string]any or event. A list or map
// of a field is decoded when it is looked into.

// moment is a time, in nanoseconds since the epoch.
type moment int64

// event is an event as a value. It is no pointer, as the machine follows those.
type event struct{ *cep.Event }

// native converts a value for the machine.
func native(v cep.Value) any {
	switch v.Kind {
	case cep.Nil:
		return nil
	case cep.Bool:
		return v.Bool()
	case cep.Number:
		return v.Number()
	case cep.Text:
		return v.Text
	case cep.Time:
		return moment(v.Int())
	case cep.Duration:
		return time.Duration(v.Int())
	case cep.List, cep.Map:
		return decode(v.Text)
	}
	panic("expr: unknown Kind")
}

// decode reads JSON; what is none is nil.
func decode(text string) any {
	var x any
	if json.Unmarshal([]byte(text), &x) != nil {
		return nil
	}
	return x
}

// kindOf is the kind of a value of the machine; 0 for nil.
func kindOf(x any) kinds {
	switch x.(type) {
	case nil:
		return 0
	case event:
		return kEvent
	case []any:
		return kList
	case map[string]any:
		return kMap
	}
	return setOf(scalar(x).Kind)
}

// scalar converts a value of the machine. Of lists, maps and events it keeps
// that they are none of the kinds that operators know: the kind, without text.
func scalar(x any) cep.Value {
	switch x := x.(type) {
	case nil:
		return cep.Value{}
	case bool:
		return cep.BoolValue(x)
	case float64:
		return cep.NumberValue(x)
	case int:
		return cep.NumberValue(float64(x))
	case string:
		return cep.TextValue(x)
	case moment:
		return cep.TimeValue(int64(x))
	case time.Duration:
		return cep.DurationValue(x)
	case []any:
		return cep.Value{Kind: cep.List}
	case map[string]any, event:
		return cep.Value{Kind: cep.Map}
	}
	panic("expr: a value of no kind")
}

// value converts a value of the machine whole: lists, maps and events become
// their JSON.
func value(x any) cep.Value {
	switch x := x.(type) {
	case []any:
		return cep.Value{Kind: cep.List, Text: encode(x)}
	case map[string]any:
		return cep.Value{Kind: cep.Map, Text: encode(x)}
	case event:
		return cep.Value{Kind: cep.Map, Text: encode(x)}
	}
	return scalar(x)
}

// encode writes a value as compact JSON, the keys of maps in order, times as
// RFC 3339 text, durations in seconds, and events as they came.
func encode(x any) string {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(plain(x)); err != nil {
		return "null" // a list nested too deep to be written
	}
	return string(bytes.TrimSuffix(buf.Bytes(), []byte("\n")))
}

// plain replaces what JSON has no form for.
func plain(x any) any {
	switch x := x.(type) {
	case moment:
		return formatTime(int64(x))
	case time.Duration:
		return x.Seconds()
	case event:
		if !json.Valid([]byte(x.Raw)) {
			return nil
		}
		return json.RawMessage(x.Raw)
	case []any:
		out := make([]any, len(x))
		for i := range x {
			out[i] = plain(x[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, v := range x {
			out[k] = plain(v)
		}
		return out
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return nil
		}
	}
	return x
}

// settle makes a value independent of how it was come by: a text drops the place
// it was read from, a number the digits and the sign of zero, a list or map is
// written in one way.
func settle(v cep.Value) cep.Value {
	switch v.Kind {
	case cep.Text:
		return cep.TextValue(v.Text)
	case cep.Number:
		return cep.NumberValue(v.Number() + 0) // -0 + 0 is 0
	case cep.List, cep.Map:
		return value(native(v))
	}
	return v
}

// equalNative is == for values of the machine.
func equalNative(a, b any) bool {
	switch x := a.(type) {
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !equalNative(x[i], y[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for k, v := range x {
			if w, ok := y[k]; !ok || !equalNative(v, w) {
				return false
			}
		}
		return true
	case event:
		y, ok := b.(event)
		return ok && sameEvent(x.Event, y.Event)
	}
	switch b.(type) {
	case []any, map[string]any, event:
		return false
	}
	return equal(scalar(a), scalar(b))
}

func sameEvent(a, b *cep.Event) bool {
	return a == b || a != nil && b != nil && a.Place == b.Place && a.Place != 0
}

// among is `in` for values of the machine: an element of a list, or a key of a
// map.
func among(x, list any) bool {
	switch l := list.(type) {
	case []any:
		for _, e := range l {
			if equalNative(e, x) {
				return true
			}
		}
	case map[string]any:
		k, ok := x.(string)
		if ok {
			_, ok = l[k]
		}
		return ok
	}
	return false
}

// index is x[i]: an element of a list, a character of a text, both from the end
// where i < 0, or what a map has under a key.
func index(x, i any) any {
	switch x := x.(type) {
	case []any:
		if n, ok := place(i, len(x)); ok {
			return x[n]
		}
	case string:
		n, ok := place(i, utf8.RuneCountInString(x))
		if ok {
			from := runeOffset(x, n)
			return x[from : from+runeOffset(x[from:], 1)]
		}
	case map[string]any:
		if k, ok := i.(string); ok {
			return x[k]
		}
	}
	return nil
}

// place turns an index into an offset in n elements; ok is false if it is none.
func place(i any, n int) (int, bool) {
	f := scalar(i)
	if f.Kind != cep.Number {
		return 0, false
	}
	at, ok := toInt(f.Number())
	if !ok || float64(at) != f.Number() {
		return 0, false
	}
	if at < 0 {
		at += int64(n)
	}
	return int(at), at >= 0 && at < int64(n)
}

// slice is x[from:to] of a list or text: what there is between the two, both
// from the end where they are negative. A bound that was written and is nil
// makes it nil; one that was not stands for the end.
func slice(x, from, to any, hasFrom, hasTo bool) any {
	switch x := x.(type) {
	case []any:
		if a, b, ok := bounds(scalar(from), scalar(to), hasFrom, hasTo, len(x)); ok {
			return x[a:b:b]
		}
	case string:
		return native(sliceText(x, scalar(from), scalar(to), hasFrom, hasTo))
	}
	return nil
}

// sliceText is a slice of a text, counted in characters.
func sliceText(s string, from, to cep.Value, hasFrom, hasTo bool) cep.Value {
	a, b, ok := bounds(from, to, hasFrom, hasTo, utf8.RuneCountInString(s))
	if !ok {
		return cep.Value{}
	}
	start := runeOffset(s, a)
	return cep.TextValue(s[start : start+runeOffset(s[start:], b-a)])
}

// bounds turns the bounds of a slice into offsets from 0 to n.
func bounds(from, to cep.Value, hasFrom, hasTo bool, n int) (a, b int, ok bool) {
	b, ok = n, true
	if hasFrom {
		a, ok = bound(from, n)
	}
	if hasTo && ok {
		b, ok = bound(to, n)
	}
	return min(a, b), b, ok
}

// bound turns a bound of a slice into an offset from 0 to n.
func bound(f cep.Value, n int) (int, bool) {
	if f.Kind != cep.Number || f.Number() != math.Trunc(f.Number()) {
		return 0, false
	}
	x := f.Number()
	if x < 0 {
		x += float64(n)
	}
	return int(min(max(x, 0), float64(n))), true
}

// runeOffset is the offset of the n-th character of s, or its length.
func runeOffset(s string, n int) int {
	if n <= 0 {
		return 0
	}
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}

// member is x.path[0].path[1]... : of an event the field with the whole path, of
// a map what lies under each name in turn.
func member(x any, path []string, f cep.FieldID) any {
	if e, ok := x.(event); ok {
		return native(fieldOf(e.Event, f))
	}
	for _, name := range path {
		m, ok := x.(map[string]any)
		if !ok {
			return nil
		}
		x = m[name]
	}
	return x
}

// Every event has its time and its type, whatever its fields.
const (
	timeField cep.FieldID = -1 - iota
	typeField
	noField // no event has it
)

// fieldOf is a field of an event, nil of none.
func fieldOf(e *cep.Event, f cep.FieldID) cep.Value {
	if e == nil {
		return cep.Value{}
	}
	switch f {
	case timeField:
		return cep.TimeValue(e.Time)
	case typeField:
		return cep.TextValue(e.Name)
	case noField:
		return cep.Value{}
	}
	return *e.Field(f)
}

// formatTime writes a time as RFC 3339 in UTC with 3, 6 or 9 decimals, as few as
// are exact.
func formatTime(ns int64) string {
	layout := "2006-01-02T15:04:05.000Z"
	switch {
	case ns%1e3 != 0:
		layout = "2006-01-02T15:04:05.000000000Z"
	case ns%1e6 != 0:
		layout = "2006-01-02T15:04:05.000000Z"
	}
	return time.Unix(0, ns).UTC().Format(layout)
}

// formatNumber writes a number as JSON does.
func formatNumber(f float64) string {
	b, err := json.Marshal(f)
	if err != nil {
		panic("expr: a number is finite")
	}
	return string(b)
}

// formatScalar writes a value as text: a duration in seconds, nil as empty.
func formatScalar(v cep.Value) string {
	switch v.Kind {
	case cep.Nil:
		return ""
	case cep.Bool:
		return strconv.FormatBool(v.Bool())
	case cep.Number:
		return formatNumber(v.Number())
	case cep.Time:
		return formatTime(v.Int())
	case cep.Duration:
		return formatNumber(time.Duration(v.Int()).Seconds())
	case cep.Text, cep.List, cep.Map:
		return v.Text
	}
	panic("expr: unknown Kind")
}
