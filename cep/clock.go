package cep

import (
	"errors"
	"math"
	"strconv"
	"time"
)

// Times lie in the years firstYear to lastYear. An int64 of nanoseconds reaches
// from 1677 to 2262; the rest is room for windows, so that adding one to a time of
// an event cannot overflow.
const (
	firstYear = 1700
	lastYear  = 2199
)

var (
	firstTime = time.Date(firstYear, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()
	lastTime  = time.Date(lastYear+1, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano() - 1
)

// What can be wrong with a time.
const (
	badTime    = "is not RFC 3339 text like 2026-01-02T03:04:05Z"
	badDate    = "names a date or time of day that does not exist"
	fineTime   = "is finer than a nanosecond"
	beyondTime = "lies outside the years 1700 to 2199"
)

// parseTime reads RFC 3339 text, in any offset. It returns the nanoseconds since
// the epoch, or what is wrong. A second 60 does not exist.
func parseTime(s string) (ns int64, wrong string) {
	if len(s) < len("2006-01-02T15:04:05Z") || s[4] != '-' || s[7] != '-' ||
		s[10]|0x20 != 't' || s[13] != ':' || s[16] != ':' {
		return 0, badTime
	}
	bad := 0
	year := two(s, 0, &bad)*100 + two(s, 2, &bad)
	month, day := two(s, 5, &bad), two(s, 8, &bad)
	hour, minute, second := two(s, 11, &bad), two(s, 14, &bad), two(s, 17, &bad)
	if bad != 0 {
		return 0, badTime
	}
	nanos, rest, wrong := parseFraction(s[19:])
	if wrong != "" {
		return 0, wrong
	}
	offset, wrong := parseOffset(rest)
	if wrong != "" {
		return 0, wrong
	}
	if month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59 {
		return 0, badDate
	}
	if year < firstYear-1 || year > lastYear+1 { // an offset may move it by a day
		return 0, beyondTime
	}
	at := ((daysSince1970(year, month, day)*24+int64(hour))*60+int64(minute)-int64(offset))*60 + int64(second)
	ns = at*1e9 + int64(nanos)
	if ns < firstTime || ns > lastTime {
		return 0, beyondTime
	}
	return ns, ""
}

// ParseTime reads a moment as events have it: RFC 3339 text in any offset, to the
// nanosecond, in the years 1700 to 2199. It returns nanoseconds since the epoch.
func ParseTime(s string) (int64, error) {
	ns, wrong := parseTime(s)
	if wrong != "" {
		return 0, errors.New(wrong)
	}
	return ns, nil
}

// two reads two digits; bad becomes other than 0 if there is none.
func two(s string, i int, bad *int) int {
	a, b := s[i]-'0', s[i+1]-'0'
	if a > 9 || b > 9 {
		*bad = 1
	}
	return int(a)*10 + int(b)
}

// parseFraction reads a fraction of a second, if s begins with one, as nanoseconds.
func parseFraction(s string) (nanos int, rest, wrong string) {
	if s[0] != '.' {
		return 0, s, ""
	}
	i, unit := 1, 100_000_000
	for ; i < len(s) && s[i]-'0' <= 9; i++ {
		digit := int(s[i] - '0')
		if unit == 0 && digit != 0 {
			return 0, "", fineTime
		}
		nanos += digit * unit
		unit /= 10
	}
	if i == 1 {
		return 0, "", badTime
	}
	return nanos, s[i:], ""
}

// parseOffset reads Z or an offset from UTC, in minutes.
func parseOffset(s string) (minutes int, wrong string) {
	if len(s) == 1 && s[0]|0x20 == 'z' {
		return 0, ""
	}
	if len(s) != len("+00:00") || s[0] != '+' && s[0] != '-' || s[3] != ':' {
		return 0, badTime
	}
	bad := 0
	hour, minute := two(s, 1, &bad), two(s, 4, &bad)
	switch {
	case bad != 0:
		return 0, badTime
	case hour > 23 || minute > 59:
		return 0, badDate
	case s[0] == '-':
		return -hour*60 - minute, ""
	}
	return hour*60 + minute, ""
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// daysSince1970 counts the days of the Gregorian calendar to a date. Years are
// counted from March, so that the leap day is a year's last.
func daysSince1970(year, month, day int) int64 {
	month -= 3
	if month < 0 {
		month += 12
		year--
	}
	inYear := (153*month+2)/5 + day - 1
	return int64(year*365+year/4-year/100+year/400+inYear) - 719468
}

// parseEpoch reads the digits of a JSON number that counts units since the epoch.
// The result is exact: what is no whole number of nanoseconds is refused.
func parseEpoch(digits string, unit time.Duration) (ns int64, wrong string) {
	if n, err := strconv.ParseInt(digits, 10, 64); err == nil && n >= firstTime/int64(unit) && n <= lastTime/int64(unit) {
		return n * int64(unit), ""
	}
	d := decimal(digits)
	if d.mantissa == 0 {
		return 0, ""
	}
	for power := unit; power > 1; power /= 10 {
		d.exponent++
	}
	if d.exponent < 0 {
		return 0, fineTime
	}
	if d.long {
		return 0, beyondTime
	}
	for ; d.exponent > 0; d.exponent-- {
		if d.mantissa > math.MaxInt64/10 {
			return 0, beyondTime
		}
		d.mantissa *= 10
	}
	if d.mantissa > math.MaxInt64 {
		return 0, beyondTime
	}
	ns = int64(d.mantissa)
	if d.negative {
		ns = -ns
	}
	if ns < firstTime || ns > lastTime {
		return 0, beyondTime
	}
	return ns, ""
}

// A decimalNumber is mantissa × 10^exponent, without zeros at the mantissa's end.
type decimalNumber struct {
	negative bool
	long     bool // the mantissa has more digits than fit; it holds those in front
	mantissa uint64
	exponent int
}

// mostExponent bounds the exponent that is told apart from a greater one.
const mostExponent = 1 << 30

// decimal splits a valid JSON number.
func decimal(s string) decimalNumber {
	var d decimalNumber
	i := 0
	if s[0] == '-' {
		d.negative = true
		i++
	}
	zeros, point := 0, false
	for ; i < len(s) && s[i]|0x20 != 'e'; i++ {
		if s[i] == '.' {
			point = true
			continue
		}
		if point {
			d.exponent--
		}
		if s[i] == '0' {
			zeros++
			continue
		}
		if d.mantissa != 0 {
			for ; zeros > 0; zeros-- {
				d.push(0)
			}
		}
		zeros = 0
		d.push(uint64(s[i] - '0'))
	}
	if d.mantissa == 0 {
		return decimalNumber{negative: d.negative}
	}
	d.exponent += zeros
	if i == len(s) {
		return d
	}
	i++
	negative := s[i] == '-'
	if s[i] == '-' || s[i] == '+' {
		i++
	}
	power := 0
	for ; i < len(s); i++ {
		power = min(power*10+int(s[i]-'0'), mostExponent)
	}
	if negative {
		power = -power
	}
	d.exponent += power
	return d
}

// push appends a digit to the mantissa.
func (d *decimalNumber) push(digit uint64) {
	if d.long || d.mantissa > (math.MaxUint64-9)/10 {
		d.long = true
		return
	}
	d.mantissa = d.mantissa*10 + digit
}

// FormatTime writes nanoseconds since the epoch as RFC 3339 UTC with 3, 6 or 9
// decimals, as few as are exact.
func FormatTime(ns int64) string {
	return string(appendTime(nil, ns))
}

func appendTime(dst []byte, ns int64) []byte {
	layout := "2006-01-02T15:04:05.000Z"
	switch {
	case ns%1e3 != 0:
		layout = "2006-01-02T15:04:05.000000000Z"
	case ns%1e6 != 0:
		layout = "2006-01-02T15:04:05.000000Z"
	}
	return time.Unix(0, ns).UTC().AppendFormat(dst, layout)
}
