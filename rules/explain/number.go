package explain

import (
	"strconv"
	"strings"
	"time"

	"weir/nfa"
)

var small = []string{"no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"}

// number writes small numbers as words.
func number(n int) string {
	if n >= 0 && n < len(small) {
		return small[n]
	}
	return strconv.Itoa(n)
}

var units = map[string]string{"ms": "millisecond", "s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week"}

// span writes a duration out: 30 minutes.
func span(d time.Duration) string {
	text := nfa.FormatDuration(d)
	unit := strings.TrimLeft(text, "0123456789")
	name, ok := units[unit]
	if !ok {
		return text
	}
	count := text[:len(text)-len(unit)]
	if count != "1" {
		name += "s"
	}
	return count + " " + name
}

// bound says how long after something an event comes: `less than 5 minutes`. It is
// empty for a link without a bound.
func bound(l nfa.Link) string {
	switch {
	case l.Least == 0 && l.Limit == 0:
		return ""
	case l.Least == 0:
		return "less than " + span(l.Limit)
	case l.Limit == 0:
		return "more than " + span(l.Least-time.Nanosecond) // which the bound leaves out
	}
	return "at least " + span(l.Least) + " and less than " + span(l.Limit)
}

// quantity says how often something comes: `three or more`, `two to four`, `up to
// five`.
func quantity(r nfa.Repeat) string {
	switch {
	case r.Max < 0 && r.Min == 1 && r.Optional:
		return "any number of"
	case r.Max < 0:
		return number(r.Min) + " or more"
	case r.Max == r.Min:
		return "exactly " + number(r.Min)
	case r.Min == 1 && r.Optional:
		return "up to " + number(r.Max)
	}
	return number(r.Min) + " to " + number(r.Max)
}
