package state

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"weir/alerts"
	"weir/cep"
)

// TestRetain deletes what is old enough and nothing else.
func TestRetain(t *testing.T) {
	now := &clock{at}
	s := opened(t, t.TempDir(), Options{Retention: time.Hour, Now: now.read})
	old, young := ruleOf("old"), ruleOf("young")
	list := func(r *cep.Rule, from, to int) (list []cep.Alert) {
		for i := from; i < to; i++ {
			list = append(list, alertOf(r, i, 1, cep.MatchAlert))
		}
		return list
	}
	commit(t, s, limited(commitOf(cep.Position{Incarnation: 1, Sequence: 1}, list(old, 0, 2*retained+20)...), 59))
	if _, err := s.Lost(cep.Loss{After: 0, Until: 1}, 0, cep.Mark{Position: cep.Position{Incarnation: 2}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.AckLosses(cep.Audit{Author: "ann", Reason: "test"}, at); err != nil {
		t.Fatal(err)
	}
	before, _, err := s.Counted(1000, "")
	if err != nil || len(before) < 10 {
		t.Fatalf("%d minutes are counted, %v", len(before), err)
	}
	now.now += time.Minute.Nanoseconds()
	commit(t, s, limited(commitOf(cep.Position{Incarnation: 2, Sequence: 2}, append(list(young, 5000, 5130), func() cep.Alert {
		a := alertOf(old, 3, 2, cep.RetractedAlert)
		return a
	}())...), 59))
	if n, err := s.Retain(context.Background()); n != 0 || err != nil {
		t.Errorf("%d deleted before their time, %v", n, err)
	}
	now.now = at + time.Hour.Nanoseconds()
	stored := 0
	if err := s.All(func(uint64, *alerts.Item) error { stored++; return nil }); err != nil {
		t.Fatal(err)
	}
	n, err := s.Retain(context.Background())
	if err != nil || n <= retained {
		t.Errorf("%d deleted, %v", n, err)
	}
	left := pages(t, s, alerts.Filter{}, 20)
	if len(left)+n != stored || left[0] != "3.2" || left[len(left)-1] != "5000.1" {
		t.Errorf("%d of %d left: %v", len(left), stored, left)
	}
	if versions, err := s.Get(alertOf(old, 3, 1, cep.MatchAlert).ID); err != nil || len(versions) != 1 || versions[0].Version != 2 {
		t.Errorf("%d versions, %v", len(versions), err)
	}
	if versions, err := s.Get(alertOf(old, 2, 1, cep.MatchAlert).ID); err != nil || versions != nil {
		t.Errorf("%d versions of one that is gone, %v", len(versions), err)
	}
	after, _, err := s.Counted(1000, "")
	if err != nil || len(after) == 0 || after[0].Rule != "young" {
		t.Errorf("still counted: %v, %v", after, err)
	}
	if losses, err := s.Losses(); err != nil || losses != nil {
		t.Errorf("losses %v, %v", losses, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Retain(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("ended, it says %v", err)
	}
}

// TestStrays keeps the latest of each kind, and counts all.
func TestStrays(t *testing.T) {
	s := opened(t, t.TempDir(), Options{Strays: 3})
	long := fmt.Sprintf("%0*d", mostRaw+5, 7)
	for i := range 3 {
		c := commitOf(cep.Position{Incarnation: 1, Sequence: uint64(i + 1)})
		for j := range 2 + 3*(i%2) {
			c.Effects.Late = append(c.Effects.Late, cep.Late{Line: 10*i + j, Raw: "{}", Behind: 1_500_000_000})
		}
		if i == 1 {
			c.Effects.Rejected = []cep.Rejected{{Line: 4, Column: 2, Reason: "no time", Raw: long}}
			c.Effects.Conflicts = []cep.Conflict{{Line: 5, Type: "auth", ID: "e1", Raw: "{}", Since: 12}}
			c.Effects.Refused = []cep.Refused{{Line: 6, Reason: "full", Change: cep.ListChange{List: "vips"}}}
		}
		commit(t, s, c)
	}
	late, ever, err := s.Strays(alerts.LateStray, 2, 0)
	if err != nil || ever != 9 || len(late) != 2 || late[0].Line != 21 || late[0].Number != 9 || late[0].Reason != "1.5s older than lateness allows" {
		t.Errorf("late: %+v, %d, %v", late, ever, err)
	}
	rest, _, err := s.Strays(alerts.LateStray, 10, late[1].Number)
	if err != nil || len(rest) != 1 || rest[0].Line != 14 {
		t.Errorf("late before them: %+v, %v", rest, err)
	}
	p := cep.Position{Incarnation: 1, Sequence: 2}
	for _, want := range []alerts.Stray{
		{Number: 1, Kind: alerts.RejectedStray, Position: p, Line: 4, Column: 2, Reason: "no time", Raw: long[:mostRaw], Length: len(long), DetectedAt: at},
		{Number: 1, Kind: alerts.ConflictStray, Position: p, Line: 5, Reason: "another event had this type and id, 12 accepted ids before", Type: "auth", ID: "e1", Raw: "{}", Length: 2, DetectedAt: at},
		{Number: 1, Kind: alerts.RefusedStray, Position: p, Line: 6, Reason: "full", Raw: "vips", Length: 4, DetectedAt: at},
	} {
		got, ever, err := s.Strays(want.Kind, 10, 0)
		if err != nil || ever != 1 || !reflect.DeepEqual(got, []alerts.Stray{want}) {
			t.Errorf("%v: %+v, %d, %v", want.Kind, got, ever, err)
		}
	}
}

// TestNotices keeps the latest and says what is said again once.
func TestNotices(t *testing.T) {
	s := opened(t, t.TempDir(), Options{})
	n := alerts.NoticeOf(&cep.Notice{Kind: cep.NoticeSkipped, Position: cep.Position{Incarnation: 1, Sequence: 4}, Text: "line 3"})
	for range 2 {
		if err := s.Notice(n); err != nil {
			t.Fatal(err)
		}
	}
	n.Number, n.At = 1, at
	if list, ever, err := s.Notices(); err != nil || ever != 1 || list[0] != n {
		t.Errorf("notices %v, %d, %v", list, ever, err)
	}
	commitNotices(t, s, mostNotices)
	list, ever, err := s.Notices()
	if err != nil || ever != mostNotices+1 || len(list) != mostNotices || list[0].Number != 2 {
		t.Errorf("%d notices from number %d on, %d ever, %v", len(list), list[0].Number, ever, err)
	}
}
