package expr

import (
	"encoding/base64"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"weir/cep"
	"weir/nfa"
)

// function is a function of the language for one number of arguments. Exactly
// one of f1 to list is set; it is called with arguments of the kinds of params
// only, everything else being nil.
type function struct {
	name   string
	params []kinds
	result typ
	like   bool // its result is of the type of its first argument

	f1   func(a cep.Value) cep.Value
	f2   func(a, b cep.Value) cep.Value
	f3   func(a, b, c cep.Value) cep.Value
	f6   func(a [6]cep.Value) cep.Value // up to 6 arguments
	list func(args []any) (any, error)  // makes or takes lists or maps: machine only
	rest bool                           // list takes any number of arguments like the last
	test func(args []cep.Value) *Error  // refuses constant arguments; it has no place
}

// errTooLong is what a list beyond a bound gives.
var errTooLong = errors.New("a list of more than 1,000 elements in a loop, or a range of more")

// errTooMany is what lists joined beyond a bound give.
var errTooMany = errors.New("more than 10,000 elements in one list")

const (
	// maxList bounds a list that a predicate walks, and a range: as many events
	// as a variable captures. With it the cost of an expression is known before it runs.
	maxList = 1000
	// maxJoined bounds a list that is put together from others.
	maxJoined = 10000
)

// call1 and the like call a function; an argument of the wrong kind makes nil.
func (f *function) call1(a cep.Value) cep.Value {
	if !f.params[0].has(a.Kind) {
		return cep.Value{}
	}
	return f.f1(a)
}

func (f *function) call2(a, b cep.Value) cep.Value {
	if !f.params[0].has(a.Kind) || !f.params[1].has(b.Kind) {
		return cep.Value{}
	}
	return f.f2(a, b)
}

func (f *function) call3(a, b, c cep.Value) cep.Value {
	if !f.params[0].has(a.Kind) || !f.params[1].has(b.Kind) || !f.params[2].has(c.Kind) {
		return cep.Value{}
	}
	return f.f3(a, b, c)
}

func (f *function) call6(args [6]cep.Value) cep.Value {
	for i, p := range f.params {
		if !p.has(args[i].Kind) {
			return cep.Value{}
		}
	}
	return f.f6(args)
}

// param is the kinds that the i-th argument may have.
func (f *function) param(i int) kinds { return f.params[min(i, len(f.params)-1)] }

// isLength reports whether f is the length of a text, list or map, which is known
// without making the list.
func (f *function) isLength() bool { return f.name == "len" || f.name == "size" }

// callNative calls f on values of the machine.
func (f *function) callNative(args []any) (any, error) {
	for i, a := range args {
		if f.param(i)&kindOf(a) == 0 {
			return nil, nil
		}
	}
	if f.list != nil {
		return f.list(args)
	}
	var v [6]cep.Value
	for i, a := range args {
		v[i] = scalar(a)
	}
	switch {
	case f.f1 != nil:
		return native(f.f1(v[0])), nil
	case f.f2 != nil:
		return native(f.f2(v[0], v[1])), nil
	case f.f3 != nil:
		return native(f.f3(v[0], v[1], v[2])), nil
	}
	return native(f.f6(v)), nil
}

// text1 and the like make functions of texts.
func text1(f func(string) string) func(cep.Value) cep.Value {
	return func(a cep.Value) cep.Value { return bounded(f(a.Text)) }
}

func text2(f func(a, b string) string) func(a, b cep.Value) cep.Value {
	return func(a, b cep.Value) cep.Value { return bounded(f(a.Text, b.Text)) }
}

func test2(f func(a, b string) bool) func(a, b cep.Value) cep.Value {
	return func(a, b cep.Value) cep.Value { return cep.BoolValue(f(a.Text, b.Text)) }
}

func number1(f func(float64) float64) func(cep.Value) cep.Value {
	return func(a cep.Value) cep.Value { return cep.NumberValue(f(a.Number())) }
}

// bounded is a text that an expression made; nil if it is too long.
func bounded(s string) cep.Value {
	if len(s) > maxText {
		return cep.Value{}
	}
	return cep.TextValue(s)
}

// bits2 makes a function of the bits of two whole numbers.
func bits2(f func(a, b int64) (int64, bool)) func(a, b cep.Value) cep.Value {
	return func(a, b cep.Value) cep.Value {
		x, ok1 := whole(a)
		y, ok2 := whole(b)
		if !ok1 || !ok2 {
			return cep.Value{}
		}
		n, ok := f(x, y)
		if !ok {
			return cep.Value{}
		}
		return cep.NumberValue(float64(n))
	}
}

func whole(v cep.Value) (int64, bool) {
	n, ok := toInt(v.Number())
	return n, ok && float64(n) == v.Number()
}

// parsed is the decimal number that a text holds; nil if none.
func parsed(s string) cep.Value {
	if strings.Trim(s, "0123456789+-.eE") != "" || strings.Contains(s, "_") {
		return cep.Value{}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return cep.Value{}
	}
	return cep.NumberValue(f)
}

func toFloat(a cep.Value) cep.Value {
	if a.Kind == cep.Text {
		return parsed(a.Text)
	}
	return cep.NumberValue(a.Number())
}

func toWhole(a cep.Value) cep.Value {
	f := toFloat(a)
	if f.Kind == cep.Nil {
		return f
	}
	return cep.NumberValue(math.Trunc(f.Number()))
}

func absolute(a cep.Value) cep.Value {
	if a.Kind == cep.Duration && a.Int() < 0 {
		return negate(a)
	}
	if a.Kind == cep.Duration {
		return a
	}
	return cep.NumberValue(math.Abs(a.Number()))
}

func parseSpan(a cep.Value) cep.Value {
	d, err := nfa.ParseDuration(a.Text)
	if err != nil {
		return cep.Value{}
	}
	return cep.DurationValue(d)
}

func checkSpan(args []cep.Value) *Error {
	_, err := nfa.ParseDuration(args[0].Text)
	var e *nfa.Error
	if !errors.As(err, &e) {
		return nil
	}
	return &Error{Msg: e.Msg, Hint: e.Hint}
}

func checkZone(args []cep.Value) *Error {
	if _, ok := zone(args[1].Text); !ok {
		return &Error{Msg: tick(args[1].Text) + " is no time zone", Hint: "write an IANA name like `Europe/Paris`"}
	}
	return nil
}

// position is the place of a text in another in characters, -1 if it is not
// there.
func position(find func(s, sub string) int) func(a, b cep.Value) cep.Value {
	return func(a, b cep.Value) cep.Value {
		i := find(a.Text, b.Text)
		if i > 0 {
			i = utf8.RuneCountInString(a.Text[:i])
		}
		return cep.NumberValue(float64(i))
	}
}

// replaced is a with up to n places of from replaced; n < 0 is all.
func replaced(a, from, to string, n int) cep.Value {
	places := strings.Count(a, from)
	if n >= 0 {
		places = min(places, n)
	}
	if len(a)+places*(len(to)-len(from)) > maxText {
		return cep.Value{}
	}
	return cep.TextValue(strings.Replace(a, from, to, n))
}

func repeated(a, n cep.Value) cep.Value {
	times, ok := whole(n)
	if !ok || times < 0 || times > maxText || int(times)*len(a.Text) > maxText {
		return cep.Value{}
	}
	return cep.TextValue(strings.Repeat(a.Text, int(times)))
}

// splitter makes a function that splits a text into a list.
func splitter(split func(s, sep string, n int) []string) func(args []any) (any, error) {
	return func(args []any) (any, error) {
		n := -1
		if len(args) == 3 {
			at, ok := whole(scalar(args[2]))
			if !ok {
				return nil, nil
			}
			n = int(min(max(at, -1), maxJoined))
		}
		if strings.Count(args[0].(string), args[1].(string)) >= maxJoined {
			return nil, errTooMany
		}
		var out []any
		for _, s := range split(args[0].(string), args[1].(string), n) {
			out = append(out, s)
		}
		return out, nil
	}
}

func joined(args []any) (any, error) {
	glue, size := "", 0
	if len(args) == 2 {
		glue = args[1].(string)
	}
	var texts []string
	for _, x := range args[0].([]any) {
		if s, ok := x.(string); ok {
			texts = append(texts, s)
			size += len(s) + len(glue)
		}
	}
	if size > maxText+len(glue) {
		return nil, nil
	}
	return strings.Join(texts, glue), nil
}

func concatenated(args []any) (any, error) {
	out := []any{}
	for _, a := range args {
		out = append(out, a.([]any)...)
	}
	if len(out) > maxJoined {
		return nil, errTooMany
	}
	return out, nil
}

func flattened(args []any) (any, error) {
	out := flatten(nil, args[0].([]any))
	if len(out) > maxJoined {
		return nil, errTooMany
	}
	return out, nil
}

func flatten(out, list []any) []any {
	for _, x := range list {
		if len(out) > maxJoined {
			return out
		}
		if l, ok := x.([]any); ok {
			out = flatten(out, l)
		} else {
			out = append(out, x)
		}
	}
	return out
}

func reversed(args []any) (any, error) {
	out := slices.Clone(args[0].([]any))
	slices.Reverse(out)
	return out, nil
}

// unique keeps the first of equal values.
func unique(args []any) (any, error) {
	list := args[0].([]any)
	if len(list) > maxList {
		return nil, errTooLong // every value is compared with every other
	}
	out := []any{}
	for _, x := range list {
		if !slices.ContainsFunc(out, func(y any) bool { return equalNative(x, y) }) {
			out = append(out, x)
		}
	}
	return out, nil
}

// pair is a value to sort with what it is sorted by.
type pair struct{ value, by any }

// sorted sorts pairs: what cannot be compared stays behind the rest, in order.
func sorted(pairs []pair, descending bool) []any {
	rank := func(x any) int {
		switch scalar(x).Kind {
		case cep.Number, cep.Time:
			return 0
		case cep.Text:
			return 1
		case cep.Duration:
			return 2
		case cep.Bool:
			return 3
		case cep.List, cep.Map:
			return 4
		}
		return 5
	}
	slices.SortStableFunc(pairs, func(a, b pair) int {
		if c := rank(a.by) - rank(b.by); c != 0 {
			return c
		}
		c, _ := compare(scalar(a.by), scalar(b.by))
		if descending {
			return -c
		}
		return c
	})
	out := make([]any, len(pairs))
	for i := range pairs {
		out[i] = pairs[i].value
	}
	return out
}

func sortedList(args []any) (any, error) {
	descending, ok := direction(args[1:])
	if !ok {
		return nil, nil
	}
	var pairs []pair
	for _, x := range args[0].([]any) {
		pairs = append(pairs, pair{x, x})
	}
	return sorted(pairs, descending), nil
}

// direction reads "asc" or "desc", or nothing.
func direction(args []any) (descending, ok bool) {
	if len(args) == 0 || args[0] == "asc" {
		return false, true
	}
	return true, args[0] == "desc"
}

func checkDirection(args []cep.Value) *Error {
	if d := args[len(args)-1]; d.Text != "asc" && d.Text != "desc" {
		return &Error{Msg: "there is no such order", Hint: "write \"asc\" or \"desc\""}
	}
	return nil
}

func taken(args []any) (any, error) {
	n, ok := whole(scalar(args[1]))
	if !ok || n < 0 {
		return nil, nil
	}
	list := args[0].([]any)
	at := int(min(n, int64(len(list))))
	return list[:at:at], nil
}

// ranged is the whole numbers from a to b.
func ranged(args []any) (any, error) {
	a, ok1 := whole(scalar(args[0]))
	b, ok2 := whole(scalar(args[1]))
	if !ok1 || !ok2 {
		return nil, nil
	}
	out := []any{}
	if b < a {
		return out, nil
	}
	if float64(b)-float64(a) >= maxList {
		return nil, errTooLong
	}
	for x := a; x <= b; x++ {
		out = append(out, float64(x))
	}
	return out, nil
}

func toJSON(args []any) (any, error) {
	s := encode(args[0])
	if len(s) > maxText {
		return nil, nil
	}
	return s, nil
}

func length(args []any) (any, error) {
	switch x := args[0].(type) {
	case string:
		return float64(utf8.RuneCountInString(x)), nil
	case []any:
		return float64(len(x)), nil
	case map[string]any:
		return float64(len(x)), nil
	}
	return nil, nil
}

var (
	anyList  = typ{k: kList}
	textList = listOf(textType)
	spanType = typ{k: kDuration}
)

// The table of functions. Those that fold a list (fold.go), those with a
// predicate (machine.go), len, get and the lookups in lists are known to lower.go by name.
var table = []function{
	{name: "abs", params: []kinds{kNumber | kDuration}, like: true, f1: absolute},
	{name: "ceil", params: []kinds{kNumber}, result: numType, f1: number1(math.Ceil)},
	{name: "floor", params: []kinds{kNumber}, result: numType, f1: number1(math.Floor)},
	{name: "round", params: []kinds{kNumber}, result: numType, f1: number1(math.Round)},
	{name: "int", params: []kinds{kNumber | kText}, result: numType, f1: toWhole},
	{name: "float", params: []kinds{kNumber | kText}, result: numType, f1: toFloat},
	{name: "string", params: []kinds{kScalar}, result: textType, f1: func(a cep.Value) cep.Value { return cep.TextValue(formatScalar(a)) }},

	{name: "lower", params: []kinds{kText}, result: textType, f1: text1(strings.ToLower)},
	{name: "upper", params: []kinds{kText}, result: textType, f1: text1(strings.ToUpper)},
	{name: "trim", params: []kinds{kText}, result: textType, f1: text1(strings.TrimSpace)},
	{name: "trim", params: []kinds{kText, kText}, result: textType, f2: text2(strings.Trim)},
	{name: "trimPrefix", params: []kinds{kText}, result: textType, f1: text1(func(s string) string { return strings.TrimPrefix(s, " ") })},
	{name: "trimPrefix", params: []kinds{kText, kText}, result: textType, f2: text2(strings.TrimPrefix)},
	{name: "trimSuffix", params: []kinds{kText}, result: textType, f1: text1(func(s string) string { return strings.TrimSuffix(s, " ") })},
	{name: "trimSuffix", params: []kinds{kText, kText}, result: textType, f2: text2(strings.TrimSuffix)},
	{name: "hasPrefix", params: []kinds{kText, kText}, result: boolType, f2: test2(strings.HasPrefix)},
	{name: "hasSuffix", params: []kinds{kText, kText}, result: boolType, f2: test2(strings.HasSuffix)},
	{name: "indexOf", params: []kinds{kText, kText}, result: numType, f2: position(strings.Index)},
	{name: "lastIndexOf", params: []kinds{kText, kText}, result: numType, f2: position(strings.LastIndex)},
	{name: "repeat", params: []kinds{kText, kNumber}, result: textType, f2: repeated},
	{name: "replace", params: []kinds{kText, kText, kText}, result: textType, f3: func(a, b, c cep.Value) cep.Value { return replaced(a.Text, b.Text, c.Text, -1) }},
	{name: "replace", params: []kinds{kText, kText, kText, kNumber}, result: textType, f6: func(a [6]cep.Value) cep.Value {
		n, ok := whole(a[3])
		if !ok {
			return cep.Value{}
		}
		return replaced(a[0].Text, a[1].Text, a[2].Text, int(min(max(n, -1), maxText)))
	}},
	{name: "toBase64", params: []kinds{kText}, result: textType, f1: text1(func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) })},
	{name: "fromBase64", params: []kinds{kText}, result: textType, f1: func(a cep.Value) cep.Value {
		b, err := base64.StdEncoding.DecodeString(a.Text)
		if err != nil {
			return cep.Value{}
		}
		return bounded(string(b))
	}},
	{name: "edit_distance", params: []kinds{kText, kText}, result: numType, f2: func(a, b cep.Value) cep.Value {
		d, ok := editDistance(a.Text, b.Text)
		if !ok {
			return cep.Value{}
		}
		return cep.NumberValue(float64(d))
	}},

	{name: "distance_km", params: []kinds{kNumber, kNumber, kNumber, kNumber}, result: numType, f6: distanceFunc},
	{name: "speed_kmh", params: []kinds{kNumber, kNumber, kTime, kNumber, kNumber, kTime}, result: numType, f6: speedFunc},

	{name: "cidr_contains", params: []kinds{kText, kText}, result: boolType, f2: cidrContains},

	{name: "duration", params: []kinds{kText}, result: spanType, f1: parseSpan, test: checkSpan},
	{name: "seconds", params: []kinds{kDuration}, result: numType, f1: func(a cep.Value) cep.Value { return cep.NumberValue(time.Duration(a.Int()).Seconds()) }},
	{name: "hour", params: []kinds{kTime}, result: numType, f1: calendars["hour"].in(time.UTC)},
	{name: "hour", params: []kinds{kTime, kText}, result: numType, f2: calendars["hour"].inNamed, test: checkZone},
	{name: "weekday", params: []kinds{kTime}, result: numType, f1: calendars["weekday"].in(time.UTC)},
	{name: "weekday", params: []kinds{kTime, kText}, result: numType, f2: calendars["weekday"].inNamed, test: checkZone},
	{name: "date", params: []kinds{kTime}, result: textType, f1: calendars["date"].in(time.UTC)},
	{name: "date", params: []kinds{kTime, kText}, result: textType, f2: calendars["date"].inNamed, test: checkZone},

	{name: "bitand", params: []kinds{kNumber, kNumber}, result: numType, f2: bits2(func(a, b int64) (int64, bool) { return a & b, true })},
	{name: "bitor", params: []kinds{kNumber, kNumber}, result: numType, f2: bits2(func(a, b int64) (int64, bool) { return a | b, true })},
	{name: "bitxor", params: []kinds{kNumber, kNumber}, result: numType, f2: bits2(func(a, b int64) (int64, bool) { return a ^ b, true })},
	{name: "bitnand", params: []kinds{kNumber, kNumber}, result: numType, f2: bits2(func(a, b int64) (int64, bool) { return a &^ b, true })},
	{name: "bitshl", params: []kinds{kNumber, kNumber}, result: numType, f2: bits2(func(a, b int64) (int64, bool) { return a << uint64(b), b >= 0 })},
	{name: "bitshr", params: []kinds{kNumber, kNumber}, result: numType, f2: bits2(func(a, b int64) (int64, bool) { return a >> uint64(b), b >= 0 })},
	{name: "bitushr", params: []kinds{kNumber, kNumber}, result: numType, f2: bits2(func(a, b int64) (int64, bool) { return int64(uint64(a) >> uint64(b)), b >= 0 })},
	{name: "bitnot", params: []kinds{kNumber}, result: numType, f1: func(a cep.Value) cep.Value {
		n, ok := whole(a)
		if !ok {
			return cep.Value{}
		}
		return cep.NumberValue(float64(^n))
	}},

	{name: "len", params: []kinds{kText | kList | kMap}, result: numType, list: length},
	{name: "split", params: []kinds{kText, kText}, result: textList, list: splitter(strings.SplitN)},
	{name: "split", params: []kinds{kText, kText, kNumber}, result: textList, list: splitter(strings.SplitN)},
	{name: "splitAfter", params: []kinds{kText, kText}, result: textList, list: splitter(strings.SplitAfterN)},
	{name: "splitAfter", params: []kinds{kText, kText, kNumber}, result: textList, list: splitter(strings.SplitAfterN)},
	{name: "join", params: []kinds{kList}, result: textType, list: joined},
	{name: "join", params: []kinds{kList, kText}, result: textType, list: joined},
	{name: "concat", params: []kinds{kList}, result: anyList, rest: true, list: concatenated},
	{name: "flatten", params: []kinds{kList}, result: anyList, list: flattened},
	{name: "reverse", params: []kinds{kList}, like: true, list: reversed},
	{name: "uniq", params: []kinds{kList}, like: true, list: unique},
	{name: "sort", params: []kinds{kList}, like: true, list: sortedList},
	{name: "sort", params: []kinds{kList, kText}, like: true, list: sortedList, test: checkDirection},
	{name: "take", params: []kinds{kList, kNumber}, like: true, list: taken},
	{name: "toJSON", params: []kinds{kAny}, result: textType, list: toJSON},
	{name: "fromJSON", params: []kinds{kText}, result: dataType, list: func(args []any) (any, error) { return decode(args[0].(string)), nil }},
	{name: "..", params: []kinds{kNumber, kNumber}, result: listOf(numType), list: ranged},
}

// loops are the functions with a predicate, and the types of their results.
var loops = map[string]func(list, body typ) typ{
	"all":           func(_, _ typ) typ { return boolType },
	"none":          func(_, _ typ) typ { return boolType },
	"any":           func(_, _ typ) typ { return boolType },
	"one":           func(_, _ typ) typ { return boolType },
	"filter":        func(list, _ typ) typ { return listOf(list.element()) },
	"map":           func(_, body typ) typ { return listOf(body) },
	"count":         func(_, _ typ) typ { return numType },
	"sum":           func(_, _ typ) typ { return numType },
	"find":          func(list, _ typ) typ { return list.element() },
	"findIndex":     func(_, _ typ) typ { return numType },
	"findLast":      func(list, _ typ) typ { return list.element() },
	"findLastIndex": func(_, _ typ) typ { return numType },
	"sortBy":        func(list, _ typ) typ { return listOf(list.element()) },
	"reduce":        func(_, _ typ) typ { return anyType },
}

// refused are functions of expr-lang that are not available, and why or what to
// write instead.
var refused = map[string]string{
	"now":       "a replay would differ; `ts` is the time of the event",
	"keys":      "the order of a map's keys is not fixed",
	"values":    "the order of a map's values is not fixed",
	"toPairs":   "the order of a map's pairs is not fixed",
	"fromPairs": "write a map: {\"a\": 1}",
	"groupBy":   "the order of its groups is not fixed; use filter, distinct or count with a predicate",
	"timezone":  "name the zone in hour, weekday or date",
	"type":      "`type` is the type of the event",
}

// functionNames maps the name of every function that can be called to its
// versions in the table; none for those known by name.
var functionNames = func() map[string][]*function {
	m := map[string][]*function{"get": nil, "in_list": nil, "list_value": nil}
	for name := range foldings {
		m[name] = nil
	}
	for name := range loops {
		m[name] = nil
	}
	for i := range table {
		f := &table[i]
		m[f.name] = append(m[f.name], f)
	}
	return m
}()
