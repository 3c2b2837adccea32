package nfa

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const day = 24 * time.Hour

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"1ms":               time.Millisecond,
		"250ms":             250 * time.Millisecond,
		"1s":                time.Second,
		"90s":               90 * time.Second,
		"5m":                5 * time.Minute,
		"36h":               36 * time.Hour,
		"90d":               90 * day,
		"2w":                14 * day,
		"007m":              7 * time.Minute,
		"15250w":            15250 * 7 * day,
		"9223372036854ms":   9223372036854 * time.Millisecond,
		"0000000000000001d": day,
	} {
		got, err := ParseDuration(text)
		if err != nil || got != want {
			t.Errorf("ParseDuration(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestParseDurationRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "is not a duration",
		" ":                              "is not a duration",
		"m":                              "is not a duration",
		"-5m":                            "is not a duration",
		"+5m":                            "is not a duration",
		" 5m":                            "is not a duration",
		"$d":                             "is not a duration",
		"\xff":                           "is not a duration",
		"5":                              "has no unit",
		"0":                              "has no unit",
		"0s":                             "is not 0",
		"00w":                            "is not 0",
		"1.5h":                           "is not a whole number",
		"5 m":                            "unknown unit",
		"5m ":                            "unknown unit",
		"5M":                             "unknown unit",
		"5y":                             "unknown unit",
		"5min":                           "unknown unit",
		"1h30m":                          "unknown unit",
		"5us":                            "unknown unit",
		"٣m":                             "is not a duration",
		strings.Repeat("é", 300):         "é…` is not a duration",
		"x" + strings.Repeat("é", 300):   "é…` is not a duration",
		"15251w":                         "is too long",
		"9223372036855ms":                "is too long",
		"9223372036854775807w":           "is too long",
		"9223372036854775808s":           "is too long",
		strings.Repeat("9", 5000) + "ms": "is too long",
	} {
		got, err := ParseDuration(text)
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("ParseDuration(%q) = %v, %v; want an *Error", text, got, err)
			continue
		}
		if !strings.Contains(e.Msg, want) || e.Hint == "" || e.Pos != 0 || e.End != len(text) {
			t.Errorf("ParseDuration(%q): %+v; want %q over the whole text", text, *e, want)
		}
		if len(e.Error()) > 300 {
			t.Errorf("ParseDuration of %d bytes: the message has %d", len(text), len(e.Error()))
		}
	}
}

func TestFormatDuration(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"1ms":    time.Millisecond,
		"1500ms": 1500 * time.Millisecond,
		"1s":     time.Second,
		"90s":    90 * time.Second,
		"1m":     60 * time.Second,
		"36h":    36 * time.Hour,
		"1d":     day,
		"90d":    90 * day,
		"1w":     7 * day,
		"2w":     14 * day,
		// what has no form in Weir's units
		"0s":                       0,
		"-1m0s":                    -time.Minute,
		"1ns":                      1,
		"1.0005s":                  time.Second + 500*time.Microsecond,
		"2562047h47m16.854775807s": math.MaxInt64,
	} {
		if got := FormatDuration(d); got != want {
			t.Errorf("FormatDuration(%v) = %q, want %q", d, got, want)
		}
	}
}

// TestDurationForms: what is formatted is read back, and no other text of the
// same duration is shorter.
func TestDurationForms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, math.MaxInt64/int64(time.Millisecond)).Draw(t, "ms")
		if rapid.Bool().Draw(t, "round") {
			u := rapid.SampledFrom(units[:]).Draw(t, "unit")
			n = rapid.Int64Range(1, math.MaxInt64/int64(u.span)).Draw(t, "n") * int64(u.span/time.Millisecond)
		}
		d := time.Duration(n) * time.Millisecond
		text := FormatDuration(d)
		back, err := ParseDuration(text)
		if err != nil || back != d {
			t.Fatalf("%v -> %q -> %v, %v", d, text, back, err)
		}
		for _, u := range units {
			if d%u.span != 0 {
				continue
			}
			if other := formInUnit(d, u); len(other) < len(text) {
				t.Fatalf("%v: %q is shorter than %q", d, other, text)
			}
		}
	})
}

func formInUnit(d time.Duration, u unit) string {
	digits := ""
	for n := int64(d / u.span); n > 0; n /= 10 {
		digits = string(rune('0'+n%10)) + digits
	}
	return digits + u.text
}

func FuzzParseDuration(f *testing.F) {
	for _, text := range []string{"5m", "0s", "15251w", "1.5h", "9223372036854ms", "\xff5m", "5m5"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDuration(text)
		if err != nil {
			if d != 0 {
				t.Fatalf("%q: %v beside an error", text, d)
			}
			return
		}
		if d <= 0 {
			t.Fatalf("%q: %v", text, d)
		}
		if back, err := ParseDuration(FormatDuration(d)); err != nil || back != d {
			t.Fatalf("%q: %v, then %v, %v", text, d, back, err)
		}
	})
}
