package cep

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// left are the alerts that stand in the end, in the order of their ids. It fails where
// versions do not follow each other.
func left(t rapid.TB, fx *Effects) string {
	type last struct {
		version int
		live    bool
		text    string
	}
	all := map[string]last{}
	var ids []string
	for i := range fx.Alerts {
		a := fx.Alerts[i]
		was, again := all[a.ID]
		if !again {
			ids = append(ids, a.ID)
		}
		if a.Version != was.version+1 || (a.Kind == RetractedAlert) != was.live || again && !was.live && a.Kind != RestoredAlert {
			t.Fatalf("%s %s version %d after version %d (live: %t)", a.ID, a.Kind, a.Version, was.version, was.live)
		}
		now := last{a.Version, a.Kind != RetractedAlert, ""}
		a.Version, a.Kind, a.Cause = 0, 0, nil
		now.text = string(AppendJSON(nil, &a))
		all[a.ID] = now
	}
	slices.Sort(ids)
	var b strings.Builder
	for _, id := range ids {
		if x := all[id]; x.live {
			fmt.Fprintln(&b, x.text)
		}
	}
	return b.String()
}

// arrival draws an order of arrival in which no event is later than lateness, and those
// of equal time stay in order.
func arrival(t *rapid.T, events []Event, lateness time.Duration) []Event {
	type at struct {
		e  Event
		at int64
	}
	all := make([]at, len(events))
	for i, e := range events {
		all[i] = at{e, e.Time}
		if i > 0 && events[i-1].Time == e.Time {
			all[i].at = all[i-1].at
		} else if rapid.IntRange(0, 2).Draw(t, "late") == 0 {
			all[i].at += rapid.Int64Range(0, int64(lateness)/int64(time.Second)).Draw(t, "by") * int64(time.Second)
		}
	}
	slices.SortStableFunc(all, func(a, b at) int { return cmp.Compare(a.at, b.at) })
	var arrived []Event
	for _, x := range all {
		arrived = append(arrived, x.e)
	}
	return arrived
}

func TestEagerEndsAsTheWatermark(t *testing.T) {
	rs := zoo(t)
	rapid.Check(t, func(t *rapid.T) {
		events := stream(t)
		lateness := time.Duration(rapid.IntRange(0, 30).Draw(t, "lateness")) * time.Second
		late := arrival(t, events, lateness)
		_, want := stepped(rs, Options{}, slices.Clone(events), end)
		_, waited := stepped(rs, Options{Lateness: lateness}, slices.Clone(late), end)
		same(t, "by watermark", left(t, waited), left(t, want))
		_, eager := stepped(rs, Options{Lateness: lateness, Order: EagerOrder}, slices.Clone(late), end)
		same(t, "eager", left(t, eager), left(t, want))
	})
}
