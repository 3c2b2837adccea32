package state

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"weir/alerts"
	"weir/cep"
)

// TestFollow follows versions in the order of storing, in pieces, while old ones are deleted.
func TestFollow(t *testing.T) {
	now := &clock{at}
	s := opened(t, t.TempDir(), Options{Now: now.read, Retention: 10 * time.Second})
	if first, last, err := s.Span(); first != 1 || last != 0 || err != nil {
		t.Errorf("of nothing: %d %d %v", first, last, err)
	}
	if order, err := s.Since(at); order != 0 || err != nil {
		t.Errorf("of nothing: %d %v", order, err)
	}
	rule := ruleOf("one")
	for n := range 20 {
		now.now = at + int64(n)*1e9
		commit(t, s, commitOf(cep.Position{Incarnation: 1, Sequence: uint64(n + 1)}, alertOf(rule, n, 1, cep.MatchAlert)))
	}
	places := func(after uint64, most, bytes int) string {
		t.Helper()
		list, err := s.After(after, most, bytes)
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		for i := range list {
			text += fmt.Sprint(list[i].Order, "=", nameOf(&list[i].Item), " ")
		}
		return text
	}
	expect := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
	expect(places(0, 2, 1<<20), "1=0.1 2=1.1 ")
	expect(places(18, 5, 1<<20), "19=18.1 20=19.1 ")
	expect(places(0, 5, 1), "1=0.1 ")
	expect(places(20, 5, 1<<20), "")
	expect(places(^uint64(0), 5, 1<<20), "")
	if _, err := s.Retain(context.Background()); err != nil {
		t.Fatal(err)
	}
	if first, last, err := s.Span(); first != 11 || last != 20 || err != nil {
		t.Errorf("%d %d %v, want 11 20", first, last, err)
	}
	expect(places(0, 1, 1<<20), "11=10.1 ")
	for _, c := range []struct {
		since int64
		want  uint64
	}{{0, 10}, {at + 10e9, 10}, {at + 10e9 + 1, 11}, {at + 15e9, 15}, {at + 19e9, 19}, {at + 20e9, 20}} {
		if order, err := s.Since(c.since); order != c.want || err != nil {
			t.Errorf("since %d: %d %v, want %d", (c.since-at)/1e9, order, err, c.want)
		}
	}
}

// TestFollowStrays follows what was late beyond what is kept of it.
func TestFollowStrays(t *testing.T) {
	s := opened(t, t.TempDir(), Options{Strays: 3})
	for n := range 5 {
		c := commitOf(cep.Position{Incarnation: 1, Sequence: uint64(n + 1)})
		c.Effects.Late = []cep.Late{{Line: n, Raw: "{}"}}
		commit(t, s, c)
	}
	for _, c := range []struct {
		after uint64
		most  int
		want  string
	}{{0, 9, "3 4 5"}, {3, 9, "4 5"}, {2, 1, "3"}, {5, 9, ""}} {
		list, err := s.StraysAfter(alerts.LateStray, c.after, c.most)
		got := ""
		for i := range list {
			got += fmt.Sprint(" ", list[i].Number)
		}
		if err != nil || got != "" && got[1:] != c.want || got == "" && c.want != "" {
			t.Errorf("after %d: %q %v, want %q", c.after, got, err, c.want)
		}
	}
}

// TestLeaving keeps how far what leaves has come, and says so where that is damaged.
func TestLeaving(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir, Options{})
	if l, err := s.Leaving(); err != nil || l.Started {
		t.Errorf("at the beginning: %+v %v", l, err)
	}
	want := alerts.Leaving{Alerts: 7, Strays: [alerts.StrayKinds]uint64{1, 2, 3, 4}, Started: true}
	if err := s.Left(want); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s = opened(t, dir, Options{})
	if l, err := s.Leaving(); err != nil || l != want {
		t.Errorf("%+v %v", l, err)
	}
	if m, err := s.Mark(); err != nil || m != (cep.Mark{}) {
		t.Errorf("the mark beside it: %+v %v", m, err)
	}
	if faults := s.Check(); faults != nil {
		t.Error(faults)
	}
	if err := s.alerts.update(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(markBucket)).Put(leavingKey, []byte("damaged"))
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Leaving(); !errors.Is(err, ErrDamaged) {
		t.Errorf("damaged: %v", err)
	}
	if faults := s.Check(); len(faults) != 1 {
		t.Errorf("damaged: %v", faults)
	}
}
