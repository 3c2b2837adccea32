package ruletest

import (
	"testing"
	"time"

	"weir/cep"
)

func TestReadMoment(t *testing.T) {
	tests := []struct {
		text  string
		want  time.Duration // from the begin
		wrong string
	}{
		{"0s", 0, ""},
		{"-0ms", 0, ""},
		{"00h", 0, ""},
		{"90s", 90 * time.Second, ""},
		{"+90s", 90 * time.Second, ""},
		{"-5m", -5 * time.Minute, ""},
		{"3ms", 3 * time.Millisecond, ""},
		{"2w", 14 * 24 * time.Hour, ""},
		{"170w", 170 * 7 * 24 * time.Hour, ""},
		{"2026-01-01T00:00:01Z", time.Second, ""},
		{"2026-01-01T01:00:00.000000001+01:00", 1, ""},
		{"62051d", 0, "is too far from the begin of the test"},
		{"-62051d", 0, "is too far from the begin of the test"},
		{"106752d", 0, "is no time"},
		{"", 0, "is no time"},
		{"-", 0, "is no time"},
		{"--5m", 0, "is no time"},
		{"5", 0, "is no time"},
		{"0", 0, "is no time"},
		{"0x", 0, "is no time"},
		{"1h30m", 0, "is no time"},
		{"1.5h", 0, "is no time"},
		{" 5m", 0, "is no time"},
		{"2026-01-01", 0, "is not RFC 3339 text like 2026-01-02T03:04:05Z"},
		{"2026-13-01T00:00:00Z", 0, "names a date or time of day that does not exist"},
	}
	for _, tt := range tests {
		m, wrong := readMoment(tt.text)
		if wrong != tt.wrong || wrong == "" && m.ns != begin+int64(tt.want) {
			t.Errorf("%q: %v %q, want %v %q", tt.text, time.Duration(m.ns-begin), wrong, tt.want, tt.wrong)
		}
	}
}

// TestFarthest: what offsets reach, events may have as their time.
func TestFarthest(t *testing.T) {
	for _, text := range []string{"62050d", "-62050d"} {
		m, wrong := readMoment(text)
		if wrong != "" {
			t.Fatal(text, wrong)
		}
		if back, err := cep.ParseTime(cep.FormatTime(m.ns)); err != nil || back != m.ns {
			t.Errorf("%s is %s: %v", text, cep.FormatTime(m.ns), err)
		}
	}
}

func TestFormatOffset(t *testing.T) {
	for _, text := range []string{"0s", "90s", "-5m", "1d", "1ms", "-1ms"} {
		m, _ := readMoment(text)
		if got := formatOffset(m.ns); got != text {
			t.Errorf("%q is shown as %q", text, got)
		}
	}
}

func TestAppendUnits(t *testing.T) {
	tests := []struct {
		ns, unit int64
		want     string
	}{
		{0, 1e9, "0"},
		{1_500_000_000, 1e9, "1.5"},
		{-1_000_001, 1e9, "-0.001000001"},
		{7, 1, "7"},
		{1_007, 1e3, "1.007"},
		{2_000_000, 1e3, "2000"},
	}
	for _, tt := range tests {
		if got := string(appendUnits(nil, tt.ns, tt.unit)); got != tt.want {
			t.Errorf("%d ns in %d: %s, want %s", tt.ns, tt.unit, got, tt.want)
		}
	}
}
