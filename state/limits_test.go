package state

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"weir/alerts"
	"weir/cep"
)

// limited gives a commit rules that keep so many alerts of a rule and minute.
func limited(c *cep.Commit, most int) *cep.Commit {
	c.Rules = &cep.Rules{PerRuleMinute: most}
	return c
}

// crowd is alerts of two rules, many in some minutes, with versions of some of them.
func crowd(n int) (list []cep.Alert) {
	r := rand.New(rand.NewPCG(3, 0))
	rules := []*cep.Rule{ruleOf("one"), ruleOf("two")}
	for i := range n {
		if i > 0 && r.IntN(4) == 0 {
			a := list[r.IntN(len(list))]
			a.Version, a.Kind = a.Version+1, cep.RetractedAlert+cep.AlertKind(r.IntN(2))
			list = append(list, a)
			continue
		}
		a := alertOf(rules[r.IntN(2)], i, 1, cep.MatchAlert)
		a.Time = at + int64(i/40+r.IntN(2))*60e9
		list = append(list, a)
	}
	return list
}

// kept is all that is stored of alerts, but for positions.
func kept(t *testing.T, s *Store) string {
	t.Helper()
	var b strings.Builder
	if err := s.All(func(_ uint64, it *alerts.Item) error {
		b.WriteString(nameOf(it) + " ")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	over, next, err := s.Counted(1000, "")
	if err != nil || next != "" {
		t.Fatalf("next %q, %v", next, err)
	}
	tallies, err := s.Tallies()
	if err != nil {
		t.Fatal(err)
	}
	notices, _, err := s.Notices()
	if err != nil {
		t.Fatal(err)
	}
	for i := range notices {
		notices[i].Position = cep.Position{}
	}
	text, err := json.Marshal([]any{over, tallies, notices})
	if err != nil {
		t.Fatal(err)
	}
	return b.String() + string(text)
}

// TestLimitsByAnyCommits holds that what is kept of alerts does not depend on how they are
// cut into commits, nor on whether the directory was opened anew between them.
func TestLimitsByAnyCommits(t *testing.T) {
	all := crowd(2000)
	whole := opened(t, t.TempDir(), Options{})
	commit(t, whole, limited(commitOf(cep.Position{Incarnation: 1, Sequence: 1}, all...), 7))
	want := kept(t, whole)
	if !strings.Contains(want, "over_limit") {
		t.Fatalf("no rule was beyond its limit: %s", want)
	}
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 1))
		dir := t.TempDir()
		s := opened(t, dir, Options{})
		for rest, n := all, uint64(1); len(rest) > 0; n++ {
			k := min(len(rest), 1+r.IntN(90))
			commit(t, s, limited(commitOf(cep.Position{Incarnation: 1, Sequence: n}, rest[:k]...), 7))
			rest = rest[k:]
			if r.IntN(5) == 0 {
				s.Close()
				s = opened(t, dir, Options{})
			}
		}
		if got := kept(t, s); got != want {
			t.Errorf("cut by %d:\n%s\nwhole:\n%s", seed, got, want)
		}
	}
}

// TestCounted holds what there is of alerts beyond a limit.
func TestCounted(t *testing.T) {
	s := opened(t, t.TempDir(), Options{})
	rule := ruleOf("probe")
	var list []cep.Alert
	for i := range 20 {
		a := alertOf(rule, i, 1, cep.MatchAlert)
		a.Time = at + int64(i)
		list = append(list, a)
	}
	version := func(n int, kind cep.AlertKind) cep.Alert {
		a := list[n]
		a.Version, a.Kind = 2, kind
		return a
	}
	versions := []cep.Alert{version(0, cep.RetractedAlert), version(5, cep.RetractedAlert), version(6, cep.RetractedAlert), version(6, cep.RestoredAlert)}
	commit(t, s, limited(commitOf(cep.Position{Incarnation: 1, Sequence: 1}, list...), 3))
	commit(t, s, limited(commitOf(cep.Position{Incarnation: 1, Sequence: 2}, versions...), 3))
	over, next, err := s.Counted(10, "")
	if err != nil || len(over) != 1 || next != "" {
		t.Fatalf("%d minutes, next %q, %v", len(over), next, err)
	}
	want := alerts.Counted{Rule: "probe", Minute: alerts.MinuteOf("probe", at).Start(), Came: 17, Stand: 16}
	for _, a := range list[3:13] {
		want.Samples = append(want.Samples, cep.AppendJSON(nil, &a))
	}
	if !reflect.DeepEqual(over[0], want) {
		t.Errorf("got  %+v\nwant %+v", over[0], want)
	}
	tallies, err := s.Tallies()
	if err != nil || tallies[0] != (alerts.Tally{Rule: "probe", Stored: [4]uint64{3, 0, 1, 0}, Over: [4]uint64{17, 0, 2, 1}}) {
		t.Errorf("counted %v, %v", tallies, err)
	}
	notices, ever, err := s.Notices()
	if err != nil || ever != 1 || notices[0].Kind != alerts.OverLimit || notices[0].Rule != "probe" {
		t.Errorf("notices %v, %d, %v", notices, ever, err)
	}
}

// TestCountedPages reads minutes one by one.
func TestCountedPages(t *testing.T) {
	s := opened(t, t.TempDir(), Options{})
	commit(t, s, limited(commitOf(cep.Position{Incarnation: 1, Sequence: 1}, crowd(800)...), 1))
	all, _, err := s.Counted(1000, "")
	if err != nil || len(all) < 10 {
		t.Fatalf("%d minutes, %v", len(all), err)
	}
	var got []alerts.Counted
	for after := ""; ; {
		page, next, err := s.Counted(3, after)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, page...)
		if after = next; next == "" {
			break
		}
	}
	if !reflect.DeepEqual(got, all) {
		t.Errorf("%d minutes by pages, %d at once", len(got), len(all))
	}
}
