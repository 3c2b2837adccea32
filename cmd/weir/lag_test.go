package main

import (
	"testing"
	"time"

	"weir/cep"
)

func TestLagText(t *testing.T) {
	for d, want := range map[time.Duration]string{
		1:                           "1ms",
		time.Millisecond:            "1ms",
		1500 * time.Microsecond:     "2ms",
		4 * time.Second:             "4s",
		12345 * time.Millisecond:    "12345ms",
		100*time.Second + 1:         "101s",
		99 * time.Minute:            "99m",
		100*time.Minute + 1:         "101m",
		99 * time.Hour:              "99h",
		100 * time.Hour:             "100h",
		240*time.Hour + time.Minute: "241h",
	} {
		if got := lagText(d.Seconds()); got != want {
			t.Errorf("%s is written as %s, want %s", d, got, want)
		}
	}
}

func TestLagSummary(t *testing.T) {
	var l cep.Lags
	l.Counts[3], l.Counts[9], l.Most = 2, 1, 25*time.Hour
	s := newLagSummary(&l)
	if got, want := s.String(), "by at most 25h (2 by up to 1s, 1 by more than a day)"; got != want || s.Events != 3 || s.Most != 90000 {
		t.Errorf("%s, want %s; %+v", got, want, s)
	}
}
