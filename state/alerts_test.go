package state

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"weir/alerts"
	"weir/cep"
)

// TestCommitRoundTrip stores effects and finds them again, also after the directory was
// opened anew.
func TestCommitRoundTrip(t *testing.T) {
	dir := t.TempDir() + "/data"
	s := opened(t, dir, Options{})
	if mark, err := s.Mark(); err != nil || mark != (cep.Mark{}) {
		t.Fatalf("a new directory has mark %v, %v", mark, err)
	}
	rule := ruleOf("probe")
	first := commitOf(cep.Position{Incarnation: 1, Sequence: 7}, alertOf(rule, 1, 1, cep.MatchAlert), alertOf(rule, 2, 1, cep.TimeoutAlert))
	second := commitOf(cep.Position{Incarnation: 1, Sequence: 9}, alertOf(rule, 1, 2, cep.RetractedAlert))
	commit(t, s, first)
	commit(t, s, second)
	for _, again := range []bool{false, true} {
		if again {
			s.Close()
			s = opened(t, dir, Options{})
		}
		if mark, err := s.Mark(); err != nil || mark != second.Mark {
			t.Errorf("mark %v, %v; expected %v", mark, err, second.Mark)
		}
		if got, want := strings.Join(pages(t, s, alerts.Filter{}, 10), " "), "1.2 2.1"; got != want {
			t.Errorf("listed %s, expected %s", got, want)
		}
		versions, err := s.Get(first.Effects.Alerts[0].ID)
		if err != nil || len(versions) != 2 {
			t.Fatalf("%d versions, %v", len(versions), err)
		}
		want := alerts.Of(&first.Effects.Alerts[0], first.Lines[0])
		want.Position, want.DetectedAt = first.Mark.Position, at
		if !reflect.DeepEqual(versions[0], want) {
			t.Errorf("got  %+v\nwant %+v", versions[0], want)
		}
		if got := string(versions[1].AppendJSON(nil)); !strings.HasSuffix(got, `,"detected_at":"2026-01-02T03:04:05.000Z"}`) || !strings.HasPrefix(got, strings.TrimSuffix(string(second.Lines[0]), "}")) {
			t.Errorf("JSON %s", got)
		}
		tallies, err := s.Tallies()
		if want := []alerts.Tally{{Rule: "probe", Stored: [4]uint64{1, 1, 1, 0}}}; err != nil || !reflect.DeepEqual(tallies, want) {
			t.Errorf("counted %v, %v; expected %v", tallies, err, want)
		}
	}
	if versions, err := s.Get("a_none"); err != nil || versions != nil {
		t.Errorf("an id that is not there gives %v, %v", versions, err)
	}
}

// TestCommitTwice refuses effects that are stored already, and changes nothing.
func TestCommitTwice(t *testing.T) {
	s := opened(t, t.TempDir(), Options{})
	rule := ruleOf("probe")
	c := commitOf(cep.Position{Incarnation: 1, Sequence: 7}, alertOf(rule, 1, 1, cep.MatchAlert))
	commit(t, s, c)
	for _, p := range []cep.Position{{Incarnation: 1, Sequence: 7}, {Incarnation: 1, Sequence: 3}} {
		err := s.Commit(commitOf(p, alertOf(rule, 2, 1, cep.MatchAlert)))
		if err == nil || !strings.Contains(err.Error(), "stored") {
			t.Errorf("effects up to %v again: %v", p, err)
		}
	}
	if got := fmt.Sprint(pages(t, s, alerts.Filter{}, 10)); got != "[1.1]" {
		t.Errorf("stored %s", got)
	}
}
