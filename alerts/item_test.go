package alerts

import (
	"encoding/json"
	"testing"

	"weir/cep"
)

var rule = &cep.Rule{ID: "probe", Revision: 3, Tags: []string{"card"}, Severity: "high", Action: "block", Key: cep.Key{Names: []string{"card", "shop"}}}

func itemOf() Item {
	a := &cep.Alert{ID: "a_x", Version: 1, Rule: rule, Key: []string{"c1", "s1"}, Time: 1_767_323_045_000_000_000, Score: 70}
	return Of(a, cep.AppendJSON(nil, a))
}

// TestItemJSON holds what stands beside an alert in its JSON.
func TestItemJSON(t *testing.T) {
	for _, c := range []struct {
		detected int64
		unlogged bool
		want     string
	}{
		{0, false, `,"detected_at":null}`},
		{1_767_323_045_120_000_000, false, `,"detected_at":"2026-01-02T03:04:05.120Z"}`},
		{0, true, `,"detected_at":null,"unlogged":true}`},
	} {
		it := itemOf()
		it.DetectedAt, it.Unlogged = c.detected, c.unlogged
		line := string(it.Line)
		got, err := json.Marshal(&it)
		if want := line[:len(line)-1] + c.want; err != nil || string(got) != want {
			t.Errorf("got  %s, %v\nwant %s", got, err, want)
		}
		if string(it.Line) != line {
			t.Errorf("the line was changed: %s", it.Line)
		}
	}
}

// TestFilter holds each part of a filter, and that all have to hold.
func TestFilter(t *testing.T) {
	it := itemOf()
	for _, f := range []Filter{
		{},
		{Rule: "probe"},
		{Severity: "high"},
		{Kind: "match"},
		{Key: Part{"shop", "s1"}},
		{Tag: "card"},
		{From: it.Time},
		{To: it.Time + 1},
		{Rule: "probe", Severity: "high", Kind: "match", Key: Part{"card", "c1"}, Tag: "card", From: it.Time, To: it.Time + 1},
	} {
		if !f.Match(&it) {
			t.Errorf("%+v does not match", f)
		}
	}
	for _, f := range []Filter{
		{Rule: "prob"},
		{Severity: "low"},
		{Kind: "retracted"},
		{Key: Part{"shop", "c1"}},
		{Key: Part{"device", "s1"}},
		{Tag: "high"},
		{From: it.Time + 1},
		{To: it.Time},
		{Rule: "probe", Severity: "high", Kind: "timeout"},
	} {
		if f.Match(&it) {
			t.Errorf("%+v matches", f)
		}
	}
}
