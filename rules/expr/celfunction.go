package expr

import (
	"maps"
	"slices"
	"time"

	"weir/cep"
)

// celTable are the functions and methods that CEL alone has, beside those of
// table. A method takes what it is called on as its first argument.
var celTable = append([]function{
	{name: "size", params: []kinds{kText | kList | kMap}, result: numType, list: length},
	{name: "double", params: []kinds{kNumber | kText}, result: numType, f1: toFloat},
	{name: "timestamp", params: []kinds{kText | kTime}, result: typ{k: kTime}, f1: parseMoment, test: checkMoment},
	{name: "substring", params: []kinds{kText, kNumber}, result: textType, f2: func(a, from cep.Value) cep.Value {
		return sliceText(a.Text, from, cep.Value{}, true, false)
	}},
	{name: "substring", params: []kinds{kText, kNumber, kNumber}, result: textType, f3: func(a, from, to cep.Value) cep.Value {
		return sliceText(a.Text, from, to, true, true)
	}},
}, getters()...)

// celMethods are those of celTable that are called as methods only, and how.
var celMethods = func() map[string]string {
	m := map[string]string{"substring": "text.substring(0, 6)"}
	for name := range getterCalendars {
		m[name] = "time." + name + "()"
	}
	return m
}()

// getterCalendars are the methods of times. As CEL has it, months, and days of a
// month or year, are counted from 0, but those of getDate from 1.
var getterCalendars = map[string]calendar{
	"getFullYear":     func(t time.Time) cep.Value { return cep.NumberValue(float64(t.Year())) },
	"getMonth":        func(t time.Time) cep.Value { return cep.NumberValue(float64(t.Month() - 1)) },
	"getDate":         func(t time.Time) cep.Value { return cep.NumberValue(float64(t.Day())) },
	"getDayOfMonth":   func(t time.Time) cep.Value { return cep.NumberValue(float64(t.Day() - 1)) },
	"getDayOfWeek":    func(t time.Time) cep.Value { return cep.NumberValue(float64(t.Weekday())) },
	"getDayOfYear":    func(t time.Time) cep.Value { return cep.NumberValue(float64(t.YearDay() - 1)) },
	"getHours":        func(t time.Time) cep.Value { return cep.NumberValue(float64(t.Hour())) },
	"getMinutes":      func(t time.Time) cep.Value { return cep.NumberValue(float64(t.Minute())) },
	"getSeconds":      func(t time.Time) cep.Value { return cep.NumberValue(float64(t.Second())) },
	"getMilliseconds": func(t time.Time) cep.Value { return cep.NumberValue(float64(t.Nanosecond() / 1e6)) },
}

// wholeUnits are the methods of durations: how many whole ones one has.
var wholeUnits = map[string]time.Duration{"getHours": time.Hour, "getMinutes": time.Minute, "getSeconds": time.Second}

// getters are the functions of getterCalendars, in UTC and in a zone.
func getters() []function {
	var fs []function
	for _, name := range slices.Sorted(maps.Keys(getterCalendars)) {
		read, takes := getterCalendars[name].in(time.UTC), kTime
		f := read
		if unit, ok := wholeUnits[name]; ok {
			takes |= kDuration
			f = func(a cep.Value) cep.Value {
				if a.Kind == cep.Duration {
					return cep.NumberValue(float64(a.Int() / int64(unit)))
				}
				return read(a)
			}
		}
		fs = append(fs,
			function{name: name, params: []kinds{takes}, result: numType, f1: f},
			function{name: name, params: []kinds{kTime, kText}, result: numType, f2: getterCalendars[name].inNamed, test: checkZone})
	}
	return fs
}

// parseMoment is the time that RFC 3339 text names, read as times of events are;
// a time is itself.
func parseMoment(a cep.Value) cep.Value {
	if a.Kind == cep.Time {
		return a
	}
	ns, err := cep.ParseTime(a.Text)
	if err != nil {
		return cep.Value{}
	}
	return cep.TimeValue(ns)
}

func checkMoment(args []cep.Value) *Error {
	if args[0].Kind != cep.Text {
		return nil
	}
	if _, err := cep.ParseTime(args[0].Text); err != nil {
		return &Error{Msg: tick(args[0].Text) + " " + err.Error()}
	}
	return nil
}

// celFunctions maps the names of celTable to their versions.
var celFunctions = func() map[string][]*function {
	m := map[string][]*function{}
	for i := range celTable {
		f := &celTable[i]
		m[f.name] = append(m[f.name], f)
	}
	return m
}()

// refusedCEL are functions that a CEL text cannot call, and what to write instead.
var refusedCEL = map[string]string{
	"uint":  "there is one type of number; write int(x)",
	"bytes": "byte strings are not supported",
	"bool":  "a bool is a condition by itself; compare a string, as in x == \"true\"",

	"contains":   "write text.contains(part)",
	"startsWith": "write text.startsWith(part)",
	"endsWith":   "write text.endsWith(part)",

	"any":           "write " + celForms["exists"],
	"none":          "write !" + celForms["exists"],
	"one":           "write " + celForms["exists_one"],
	"find":          "write first(probe.filter(p, p.amount > 5))",
	"findLast":      "write last(probe.filter(p, p.amount > 5))",
	"findIndex":     "CEL has no form for it",
	"findLastIndex": "CEL has no form for it",
	"sortBy":        "CEL has no form for it; sort(list) sorts values",
	"reduce":        "CEL has no form for it; use sum, min, max, first, last",
	"all":           "write " + celForms["all"],
	"exists":        "write " + celForms["exists"],
	"exists_one":    "write " + celForms["exists_one"],
	"existsOne":     "write " + celForms["existsOne"],
	"filter":        "write " + celForms["filter"],
	"map":           "write " + celForms["map"],
}

// foreignMethods are methods of CEL's extensions, and what to write instead.
var foreignMethods = map[string]string{
	"lowerAscii":  "write lower(text)",
	"upperAscii":  "write upper(text)",
	"toLowerCase": "write lower(text)",
	"toUpperCase": "write upper(text)",
	"toString":    "write string(x)",
	"includes":    "write text.contains(part), or x in list",
	"length":      "write x.size()",
	"some":        "write " + celForms["exists"],
	"every":       "write " + celForms["all"],
	"charAt":      "write text[0]",
	"format":      "write \"a\" + string(x)",
	"slice":       "write take(list, 2)",
	"getTime":     "a time compares with numbers as its epoch milliseconds",
	"orValue":     "write x != null ? x : y",
	"optMap":      "what is missing is null",
	"exists_none": "write !" + celForms["exists"],
}
