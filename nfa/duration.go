package nfa

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// unit is one of the units that a duration is written in.
type unit struct {
	text string
	span time.Duration
}

// units goes from the longest to the shortest, so that the first that divides a
// duration gives its shortest form.
var units = [...]unit{
	{"w", 7 * 24 * time.Hour},
	{"d", 24 * time.Hour},
	{"h", time.Hour},
	{"m", time.Minute},
	{"s", time.Second},
	{"ms", time.Millisecond},
}

const (
	durationForm = "a duration is a whole number and one of ms s m h d w, like 90s"
	// longestDuration is what fits into a time.Duration, about 292 years.
	longestDuration = "15250w"
)

// ParseDuration parses a duration in Weir's units: a whole number and one of ms,
// s, m, h, d (24 h) and w, with nothing between or around them. It is at least
// 1 ms and at most what fits into a time.Duration (about 292 years). The error
// is an *Error whose position is in text.
func ParseDuration(text string) (time.Duration, error) {
	d, err := parseDuration(text)
	if err != nil {
		return 0, err
	}
	return d, nil
}

func parseDuration(text string) (time.Duration, *Error) {
	fault := func(msg, hint string) (time.Duration, *Error) {
		return 0, &Error{Pos: 0, End: len(text), Msg: msg, Hint: hint}
	}
	suffix := strings.TrimLeft(text, "0123456789")
	number := text[:len(text)-len(suffix)]
	if number == "" {
		return fault(quote(text)+" is not a duration", durationForm)
	}
	if suffix == "" {
		return fault(quote(text)+" has no unit", durationForm)
	}
	for _, u := range units {
		if u.text != suffix {
			continue
		}
		n, err := strconv.ParseInt(number, 10, 64)
		switch {
		case err != nil || n > math.MaxInt64/int64(u.span):
			return fault(quote(text)+" is too long", "the longest duration is "+longestDuration)
		case n == 0:
			return fault("a duration is not 0", "the shortest duration is 1ms")
		}
		return time.Duration(n) * u.span, nil
	}
	if suffix[0] == '.' {
		return fault(quote(text)+" is not a whole number of a unit", "write it in a smaller unit, like 90m for one and a half hours")
	}
	hint := durationForm
	if unit := spelled[strings.ToLower(strings.TrimSpace(suffix))]; unit != "" {
		hint = "write " + number + unit
	} else if strings.ContainsAny(suffix, "0123456789") {
		hint = "write it in one unit, like 90m for one and a half hours"
	}
	return fault(quote(text)+" has an unknown unit", hint)
}

// spelled are units as they are spelled elsewhere, in lower case.
var spelled = map[string]string{
	"ms": "ms", "msec": "ms", "millis": "ms", "millisecond": "ms", "milliseconds": "ms",
	"s": "s", "sec": "s", "secs": "s", "second": "s", "seconds": "s",
	"m": "m", "min": "m", "mins": "m", "minute": "m", "minutes": "m",
	"h": "h", "hr": "h", "hrs": "h", "hour": "h", "hours": "h",
	"d": "d", "day": "d", "days": "d",
	"w": "w", "wk": "w", "week": "w", "weeks": "w",
}

// FormatDuration gives the shortest exact form of d in Weir's units: 24 h is
// `1d`, 90 s is `90s`. What has no such form (it is not positive, or not a whole
// number of milliseconds) is given as Go writes it.
func FormatDuration(d time.Duration) string {
	if !wholeDuration(d) {
		return d.String()
	}
	for _, u := range units {
		if d%u.span == 0 {
			return strconv.FormatInt(int64(d/u.span), 10) + u.text
		}
	}
	panic("nfa: a whole number of milliseconds has a unit")
}

// wholeDuration reports whether d can be written in Weir's units.
func wholeDuration(d time.Duration) bool { return d > 0 && d%time.Millisecond == 0 }
