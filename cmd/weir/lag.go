package main

import (
	"fmt"
	"math"
	"strings"
	"time"

	"weir/cep"
	"weir/nfa"
)

// lagSummary says how far events were behind the highest event time before them.
type lagSummary struct {
	Events uint64     `json:"events"`
	Most   float64    `json:"most"` // the longest lag, in seconds
	By     []lagCount `json:"by"`   // without those of no event
}

// lagCount counts the events of a span of lags.
type lagCount struct {
	UpTo   string `json:"up_to,omitempty"` // more than the bound before, up to this; empty: more than a day
	Events uint64 `json:"events"`
}

func newLagSummary(l *cep.Lags) lagSummary {
	s := lagSummary{Events: l.Events(), Most: l.Most.Seconds(), By: []lagCount{}}
	for i, n := range l.Counts {
		if n == 0 {
			continue
		}
		c := lagCount{Events: n}
		if i < len(cep.LagBounds) {
			c.UpTo = nfa.FormatDuration(cep.LagBounds[i])
		}
		s.By = append(s.By, c)
	}
	return s
}

// lagText writes a lag of so many seconds shortly, rounded up so that it would do as
// --lateness.
func lagText(seconds float64) string {
	for _, unit := range []time.Duration{time.Hour, time.Minute, time.Second, time.Millisecond} {
		n := math.Ceil(seconds / unit.Seconds())
		if n >= 100 || unit == time.Millisecond {
			return nfa.FormatDuration(time.Duration(max(n, 1)) * unit)
		}
	}
	panic("unreachable: a lag has a unit")
}

func (s lagSummary) String() string {
	var parts []string
	for _, c := range s.By {
		if c.UpTo == "" {
			parts = append(parts, fmt.Sprintf("%d by more than a day", c.Events))
			continue
		}
		parts = append(parts, fmt.Sprintf("%d by up to %s", c.Events, c.UpTo))
	}
	return fmt.Sprintf("by at most %s (%s)", lagText(s.Most), strings.Join(parts, ", "))
}
