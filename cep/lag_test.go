package cep

import (
	"testing"
	"time"
)

func TestLags(t *testing.T) {
	events := []Event{pay(100, "c", "", "a", 0)}
	for _, lag := range []time.Duration{
		0, 1, time.Millisecond, time.Millisecond + 1, 9 * time.Second, 10 * time.Second, // in time
		10*time.Second + 1, 50 * time.Second, // late
	} {
		e := pay(100, "c", "", "a", 0)
		e.Time -= int64(lag)
		events = append(events, e)
	}
	g, _ := stepped(rulesOf(), Options{Lateness: 10 * time.Second}, events)
	s := g.Stats()
	if want := (Lags{Counts: [10]uint64{0: 2, 1: 1, 4: 2}, Most: 10 * time.Second}); s.OutOfOrder != want {
		t.Errorf("out of order: %+v, want %+v", s.OutOfOrder, want)
	}
	if want := (Lags{Counts: [10]uint64{5: 2}, Most: 50 * time.Second}); s.LateBy != want || s.LateBy.Events() != s.Late {
		t.Errorf("late by: %+v, want %+v", s.LateBy, want)
	}
	restored, err := Restore(rulesOf(), Options{}, g.Append(nil))
	if err != nil || restored.Stats().OutOfOrder != s.OutOfOrder || restored.Stats().LateBy != s.LateBy {
		t.Errorf("restored: %+v, %v", restored.Stats(), err)
	}
	var l Lags
	l.count(int64(24*time.Hour) + 1)
	if l.Counts[len(LagBounds)] != 1 {
		t.Errorf("more than a day: %+v", l)
	}
}
