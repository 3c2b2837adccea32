package ruletest

import (
	"strings"
	"time"

	"weir/cep"
	"weir/nfa"
	"weir/rules/source"
)

// begin is the moment from which the offsets of a test count, in nanoseconds since
// the epoch. It is fixed, so that rules that look at the hour or the day of the
// week see the same in every run.
var begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()

// farthest bounds offsets: with it all moments lie in the years that event times
// may have.
const farthest = 170 * 365 * 24 * time.Hour

const timeForm = "a time is an offset from the begin of the test, like 0s, 90s or -5m, or RFC 3339 text like 2026-01-02T03:04:05Z"

// offset reads an offset like 90s or -5m; false: text is none.
func offset(text string) (time.Duration, bool) {
	rest := strings.TrimLeft(text, "+-")
	if len(text)-len(rest) > 1 {
		return 0, false
	}
	number := strings.TrimRight(rest, "wdhms")
	if number != "" && strings.Trim(number, "0") == "" {
		// A duration is not 0, an offset may be: 0 s is as good as 1 s.
		_, err := nfa.ParseDuration("1" + rest[len(number):])
		return 0, err == nil
	}
	d, err := nfa.ParseDuration(rest)
	if err != nil {
		return 0, false
	}
	if text[0] == '-' {
		d = -d
	}
	return d, true
}

// formatOffset writes a moment as an offset from the begin of a test.
func formatOffset(ns int64) string {
	switch d := time.Duration(ns - begin); {
	case d == 0:
		return "0s"
	case d < 0:
		return "-" + nfa.FormatDuration(-d)
	default:
		return nfa.FormatDuration(d)
	}
}

// moment is a time as a test says it.
type moment struct {
	ns       int64 // since the epoch
	relative bool  // it was said as an offset
}

// moment reads a time; what names it.
func (f *findings) moment(n source.Node, what string) (moment, bool) {
	t, ok := f.Text(n, what)
	if !ok {
		return moment{}, false
	}
	m, wrong := readMoment(t.Value)
	if wrong != "" {
		f.Add(t.Place(), source.CodeValue, source.Tick(t.Value)+" "+wrong, timeForm)
		return moment{}, false
	}
	return m, true
}

// readMoment reads an offset or RFC 3339 text, or says what is wrong.
func readMoment(text string) (m moment, wrong string) {
	d, ok := offset(text)
	switch {
	case ok && (d > farthest || d < -farthest):
		return moment{}, "is too far from the begin of the test"
	case ok:
		return moment{begin + int64(d), true}, ""
	}
	ns, err := cep.ParseTime(text)
	if err != nil {
		if !looksLikeDate(text) {
			return moment{}, "is no time"
		}
		return moment{}, err.Error()
	}
	return moment{ns, false}, ""
}

// looksLikeDate says whether a text was meant as RFC 3339.
func looksLikeDate(text string) bool {
	return len(text) > 4 && text[4] == '-' && strings.Trim(text[:4], "0123456789") == ""
}

// formatSpan writes a length of time.
func formatSpan(ns int64) string { return nfa.FormatDuration(time.Duration(ns)) }
