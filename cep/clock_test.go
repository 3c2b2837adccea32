package cep

import (
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseTime(t *testing.T) {
	tests := []struct {
		text  string
		want  string // by FormatTime; empty: refused
		wrong string
	}{
		{"2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000Z", ""},
		{"2026-01-02t03:04:05z", "2026-01-02T03:04:05.000Z", ""},
		{"2026-01-02T03:04:05.6Z", "2026-01-02T03:04:05.600Z", ""},
		{"2026-01-02T03:04:05.678901Z", "2026-01-02T03:04:05.678901Z", ""},
		{"2026-01-02T03:04:05.000000001Z", "2026-01-02T03:04:05.000000001Z", ""},
		{"2026-01-02T03:04:05.123456789000Z", "2026-01-02T03:04:05.123456789Z", ""},
		{"2026-01-02T03:04:05.1234567891Z", "", fineTime},
		{"2026-01-02T03:04:05+01:30", "2026-01-02T01:34:05.000Z", ""},
		{"2026-01-01T00:00:00+14:00", "2025-12-31T10:00:00.000Z", ""},
		{"2026-01-02T03:04:05-23:59", "2026-01-03T03:03:05.000Z", ""},
		{"2026-01-02T03:04:05-00:00", "2026-01-02T03:04:05.000Z", ""},
		{"2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z", ""},
		{"2000-02-29T00:00:00Z", "2000-02-29T00:00:00.000Z", ""},
		{"1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z", ""},
		{"1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z", ""},
		{"1700-01-01T00:00:00Z", "1700-01-01T00:00:00.000Z", ""},
		{"1699-12-31T23:59:59-00:01", "1700-01-01T00:00:59.000Z", ""},
		{"2199-12-31T23:59:59.999999999Z", "2199-12-31T23:59:59.999999999Z", ""},
		{"2200-01-01T00:59:59+01:00", "2199-12-31T23:59:59.000Z", ""},
		{"2200-01-01T00:00:00Z", "", beyondTime},
		{"1699-12-31T23:59:59Z", "", beyondTime},
		{"1700-01-01T00:00:00+00:01", "", beyondTime},
		{"0000-01-01T00:00:00Z", "", beyondTime},
		{"9999-12-31T23:59:59Z", "", beyondTime},
		{"2025-02-29T00:00:00Z", "", badDate},
		{"1900-02-29T00:00:00Z", "", badDate},
		{"2026-04-31T00:00:00Z", "", badDate},
		{"2026-00-01T00:00:00Z", "", badDate},
		{"2026-13-01T00:00:00Z", "", badDate},
		{"2026-01-00T00:00:00Z", "", badDate},
		{"2026-01-01T24:00:00Z", "", badDate},
		{"2026-01-01T00:60:00Z", "", badDate},
		{"2016-12-31T23:59:60Z", "", badDate},
		{"2026-01-01T00:00:00+24:00", "", badDate},
		{"2026-01-01T00:00:00+00:60", "", badDate},
		{"", "", badTime},
		{"2026-01-02", "", badTime},
		{"2026-01-02T03:04:05", "", badTime},
		{"2026-01-02T03:04Z", "", badTime},
		{"2026-01-02 03:04:05Z", "", badTime},
		{"2026-01-02T03:04:05,6Z", "", badTime},
		{"2026-01-02T03:04:05.Z", "", badTime},
		{"2026-01-02T03:04:05.6", "", badTime},
		{"2026-01-02T03:04:05ZZ", "", badTime},
		{"2026-01-02T03:04:05+01", "", badTime},
		{"2026-01-02T03:04:05+0100", "", badTime},
		{"2026-01-02T03:04:05+1:000", "", badTime},
		{"2026-01-02T03:04:05+0a:00", "", badTime},
		{"2026-01-02T03:04:05 01:00", "", badTime},
		{"20a6-01-02T03:04:05Z", "", badTime},
		{"2026-01-02T03:04: 5Z", "", badTime},
		{"+026-01-02T03:04:05Z", "", badTime},
	}
	for _, test := range tests {
		ns, wrong := parseTime(test.text)
		if wrong != test.wrong || wrong == "" && FormatTime(ns) != test.want {
			t.Errorf("%q gives %s %q, want %s %q", test.text, FormatTime(ns), wrong, test.want, test.wrong)
		}
	}
}

func TestParseEpoch(t *testing.T) {
	tests := []struct {
		digits string
		unit   time.Duration
		want   int64
		wrong  string
	}{
		{"0", time.Millisecond, 0, ""},
		{"-0.00e5", time.Millisecond, 0, ""},
		{"0e99999999999999999999", time.Second, 0, ""},
		{"1767323045678", time.Millisecond, 1767323045678e6, ""},
		{"-1", time.Millisecond, -1e6, ""},
		{"1767323045678.9", time.Millisecond, 1767323045678900000, ""},
		{"1767323045678.000001", time.Millisecond, 1767323045678000001, ""},
		{"1767323045678.0000010", time.Millisecond, 1767323045678000001, ""},
		{"1767323045678.0000001", time.Millisecond, 0, fineTime},
		{"1767323045.123456789", time.Second, 1767323045123456789, ""},
		{"1767323045.1234567890000000000000000000000", time.Second, 1767323045123456789, ""},
		{"1767323045.12345678900000000000000000000001", time.Second, 0, fineTime},
		{"1767323045123456.7", time.Microsecond, 1767323045123456700, ""},
		{"1767323045123456789", time.Nanosecond, 1767323045123456789, ""},
		{"1767323045123456789.0", time.Nanosecond, 1767323045123456789, ""},
		{"0.5", time.Nanosecond, 0, fineTime},
		{"1.767323045678E12", time.Millisecond, 1767323045678e6, ""},
		{"17673230456780e-1", time.Millisecond, 1767323045678e6, ""},
		{"1e+3", time.Millisecond, 1e9, ""},
		{"0.000000000000000000000000001e27", time.Millisecond, 1e6, ""},
		{"1e-6", time.Millisecond, 1, ""},
		{"1e-7", time.Millisecond, 0, fineTime},
		{"1e-99999999999999999999", time.Second, 0, fineTime},
		{"1e99999999999999999999", time.Nanosecond, 0, beyondTime},
		{"9223372036854775807", time.Nanosecond, 0, beyondTime},
		{"-9223372036854775808", time.Nanosecond, 0, beyondTime},
		{"18446744073709551616", time.Nanosecond, 0, beyondTime},
		{"18446744073709551615000", time.Millisecond, 0, beyondTime},
		{"9223372036855", time.Millisecond, 0, beyondTime},
		{"7258118399999", time.Millisecond, 7258118399999e6, ""},
		{"7258118400000", time.Millisecond, 0, beyondTime},
		{"-8520336000000", time.Millisecond, -8520336000000e6, ""},
		{"-8520336000001", time.Millisecond, 0, beyondTime},
	}
	for _, test := range tests {
		ns, wrong := parseEpoch(test.digits, test.unit)
		if wrong != test.wrong || wrong == "" && ns != test.want {
			t.Errorf("%s by %s gives %d %q, want %d %q", test.digits, test.unit, ns, wrong, test.want, test.wrong)
		}
	}
}

// What is written is read as the same moment, with as few decimals as are exact.
func TestTimeRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ns := rapid.Int64Range(firstTime, lastTime).Draw(t, "ns")
		unit := rapid.SampledFrom([]int64{1, 1e3, 1e6, 1e9}).Draw(t, "unit")
		ns -= ns % unit
		text := FormatTime(ns)
		if back, wrong := parseTime(text); back != ns || wrong != "" {
			t.Fatalf("%s is read as %d %s, want %d", text, back, wrong, ns)
		}
		decimals := 3
		switch {
		case ns%1e3 != 0:
			decimals = 9
		case ns%1e6 != 0:
			decimals = 6
		}
		if _, after, _ := strings.Cut(text, "."); len(after) != decimals+1 {
			t.Fatalf("%d is written as %s, want %d decimals", ns, text, decimals)
		}
		zone := time.FixedZone("", 60*rapid.IntRange(-1439, 1439).Draw(t, "offset"))
		there := time.Unix(0, ns).In(zone).Format(time.RFC3339Nano)
		if back, wrong := parseTime(there); back != ns || wrong != "" {
			t.Fatalf("%s is read as %d %s, want %d", there, back, wrong, ns)
		}
	})
}

func TestFormatTimeEnds(t *testing.T) {
	for ns, want := range map[int64]string{
		math.MinInt64: "1677-09-21T00:12:43.145224192Z",
		math.MaxInt64: "2262-04-11T23:47:16.854775807Z",
		-1:            "1969-12-31T23:59:59.999999999Z",
		0:             "1970-01-01T00:00:00.000Z",
	} {
		if got := FormatTime(ns); got != want {
			t.Errorf("%d is written as %s, want %s", ns, got, want)
		}
	}
}

// A number of units is the rational number that it is written as.
func TestParseEpochExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		digits := rapid.StringMatching(`-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,12})?([eE][+-]?[0-9]{1,2})?`).Draw(t, "digits")
		unit := rapid.SampledFrom([]time.Duration{time.Second, time.Millisecond, time.Microsecond, time.Nanosecond}).Draw(t, "unit")
		exact, _ := new(big.Rat).SetString(digits)
		exact.Mul(exact, new(big.Rat).SetInt64(int64(unit)))
		ns, wrong := parseEpoch(digits, unit)
		fits := exact.Cmp(new(big.Rat).SetInt64(firstTime)) >= 0 && exact.Cmp(new(big.Rat).SetInt64(lastTime)) <= 0
		switch {
		case exact.IsInt() && fits:
			if wrong != "" || ns != exact.Num().Int64() {
				t.Fatalf("%s by %s gives %d %q, want %s", digits, unit, ns, wrong, exact)
			}
		case wrong == "":
			t.Fatalf("%s by %s gives %d, want none", digits, unit, ns)
		case wrong == fineTime && exact.IsInt(), wrong == beyondTime && fits:
			t.Fatalf("%s by %s: %s", digits, unit, wrong)
		}
	})
}
