package state

import (
	"fmt"
	"testing"

	"weir/alerts"
	"weir/cep"
)

// TestLost marks the alerts of commits that went beyond the end of the log, and no others,
// also when the log loses its end again.
func TestLost(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir, Options{})
	rule := ruleOf("probe")
	for i := 1; i <= 5; i++ {
		commit(t, s, commitOf(cep.Position{Incarnation: 1, Sequence: uint64(10 * i)}, alertOf(rule, i, 1, cep.MatchAlert)))
	}
	from := cep.Mark{Position: cep.Position{Incarnation: 2, Sequence: 35}, Sum: 9}
	loss, err := s.Lost(cep.Loss{After: 35, Until: 50}, at-5, from)
	want := alerts.Loss{Number: 1, At: at, From: cep.Position{Incarnation: 1, Sequence: 35}, To: cep.Position{Incarnation: 1, Sequence: 50}, Records: 15, Since: at - 5, Until: at, Alerts: 2}
	if err != nil || loss != want {
		t.Errorf("got  %+v, %v\nwant %+v", loss, err, want)
	}
	if mark, err := s.Mark(); err != nil || mark != from {
		t.Errorf("mark %v, %v", mark, err)
	}
	// The same alert comes again: its events were posted once more.
	commit(t, s, commitOf(cep.Position{Incarnation: 2, Sequence: 36}, alertOf(rule, 5, 1, cep.MatchAlert)))
	commit(t, s, commitOf(cep.Position{Incarnation: 2, Sequence: 40}, alertOf(rule, 6, 1, cep.MatchAlert)))
	if loss, err = s.Lost(cep.Loss{After: 36, Until: 40}, 0, cep.Mark{Position: cep.Position{Incarnation: 3, Sequence: 36}}); err != nil || loss.Alerts != 1 || loss.Number != 2 {
		t.Errorf("the second loss is %+v, %v", loss, err)
	}
	// The state had come further than the alerts.
	if loss, err = s.Lost(cep.Loss{After: 36, Until: 39}, 0, cep.Mark{Position: cep.Position{Incarnation: 4, Sequence: 36}}); err != nil || loss.Alerts != 0 {
		t.Errorf("the third loss is %+v, %v", loss, err)
	}
	s.Close()
	s = opened(t, dir, Options{})
	var got []string
	if err := s.All(func(_ uint64, it *alerts.Item) error {
		got = append(got, fmt.Sprint(nameOf(it), it.Unlogged))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if want := "[1.1false 2.1false 3.1false 4.1true 5.1true 5.1false 6.1true]"; fmt.Sprint(got) != want {
		t.Errorf("got  %v\nwant %s", got, want)
	}
	if got := fmt.Sprint(pages(t, s, alerts.Filter{}, 2)); got != "[6.1 5.1 4.1 3.1 2.1 1.1]" {
		t.Errorf("listed %s", got)
	}
	if n, err := s.AckLosses(cep.Audit{Author: "ann", Reason: "power cut"}, at+7); err != nil || n != 3 {
		t.Errorf("%d acknowledged, %v", n, err)
	}
	if n, err := s.AckLosses(cep.Audit{Author: "ann", Reason: "again"}, at+8); err != nil || n != 0 {
		t.Errorf("%d acknowledged again, %v", n, err)
	}
	losses, err := s.Losses()
	if err != nil || len(losses) != 3 || losses[0].Reason != "power cut" || losses[0].AckedAt != at+7 || losses[1].Alerts != 1 {
		t.Errorf("losses %+v, %v", losses, err)
	}
}

// TestLostNothing refuses a loss that cannot be, and changes nothing.
func TestLostNothing(t *testing.T) {
	s := opened(t, t.TempDir(), Options{})
	c := commitOf(cep.Position{Incarnation: 2, Sequence: 50}, alertOf(ruleOf("probe"), 1, 1, cep.MatchAlert))
	commit(t, s, c)
	for _, l := range []struct {
		gone cep.Loss
		mark cep.Position
	}{
		{cep.Loss{After: 40, Until: 40}, cep.Position{Incarnation: 3, Sequence: 40}},
		{cep.Loss{After: 40, Until: 50}, cep.Position{Incarnation: 2, Sequence: 40}},
		{cep.Loss{After: 40, Until: 50}, cep.Position{Incarnation: 3, Sequence: 41}},
	} {
		if _, err := s.Lost(l.gone, 0, cep.Mark{Position: l.mark}); err == nil {
			t.Errorf("%+v is taken", l)
		}
	}
	if mark, err := s.Mark(); err != nil || mark != c.Mark {
		t.Errorf("mark %v, %v", mark, err)
	}
	if losses, err := s.Losses(); err != nil || losses != nil {
		t.Errorf("losses %v, %v", losses, err)
	}
}

// TestLostFurther loses more of the log than the loss before did.
func TestLostFurther(t *testing.T) {
	s := opened(t, t.TempDir(), Options{})
	rule := ruleOf("probe")
	for i := 1; i <= 4; i++ {
		commit(t, s, commitOf(cep.Position{Incarnation: 1, Sequence: uint64(10 * i)}, alertOf(rule, i, 1, cep.MatchAlert)))
	}
	if _, err := s.Lost(cep.Loss{After: 35, Until: 40}, 0, cep.Mark{Position: cep.Position{Incarnation: 2, Sequence: 35}}); err != nil {
		t.Fatal(err)
	}
	commit(t, s, commitOf(cep.Position{Incarnation: 2, Sequence: 36}, alertOf(rule, 5, 1, cep.MatchAlert)))
	if _, err := s.Lost(cep.Loss{After: 15, Until: 36}, 0, cep.Mark{Position: cep.Position{Incarnation: 3, Sequence: 15}}); err != nil {
		t.Fatal(err)
	}
	var got []string
	if err := s.All(func(_ uint64, it *alerts.Item) error {
		got = append(got, fmt.Sprint(nameOf(it), it.Unlogged))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if want := "[1.1false 2.1true 3.1true 4.1true 5.1true]"; fmt.Sprint(got) != want {
		t.Errorf("got  %v\nwant %s", got, want)
	}
}
