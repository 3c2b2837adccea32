package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

const budgetRules = `
events:
  pay: {time: ts, id: id, fields: {ts: time, id: string, card: string, n: number}}
features:
  seen: {on: pay, key: card, value: distinct(n), over: 1m}
rules:
  - {id: often, on: pay, key: card, when: "seen >= 2"}
`

// TestServeWithABudget lets the keys of a feature come to the budget, which closes it, and leave
// its window, which opens it again, twice; the process is killed in between. A replay comes to the
// same alerts, which are not those of a service without a budget.
func TestServeWithABudget(t *testing.T) {
	h := newHost(t, t.TempDir(), budgetRules, crashArgs("--set", "log.size=64MB", "--set", "state.budget=1MB")...)
	begin := time.Now().Add(-time.Hour)
	at := 0
	var s *served
	// cards posts two events of each of some cards.
	cards := func(name string, n int) {
		t.Helper()
		for _, amount := range []int{1, 2} {
			var lines strings.Builder
			for i := range n {
				at++
				lines.WriteString(payment(fmt.Sprintf("%s-%d-%d", name, i, amount), begin.Add(time.Duration(at)*time.Millisecond), fmt.Sprintf("%s%d", name, i), amount))
			}
			a, err := post(s.url, "", lines.String())
			if err != nil || a.status != http.StatusOK || a.Accepted != uint64(n) {
				t.Fatalf("%+v, %v", a, err)
			}
		}
		s.settled()
	}
	refused := func() int64 { return s.metric(`weir_feature_refused_total{feature="seen"}`) }
	closed := func() int64 { return s.metric(`weir_feature_closed{feature="seen"}`) }
	start := func() {
		t.Helper()
		if s = h.start(); !s.ready() {
			t.Fatalf("the service does not start:\n%s", s.said())
		}
		s.settled()
	}
	for round := range 2 {
		start()
		before := refused()
		for part := 0; closed() == 0; part++ {
			if part == 50 {
				t.Fatal("the feature is not closed")
			}
			cards(fmt.Sprintf("r%d-%d-", round, part), 2000)
		}
		cards(fmt.Sprintf("new%d-", round), 100)
		if n := refused() - before; n < 200 {
			t.Errorf("round %d: %d events were refused", round, n)
		}
		s.kill()
		start()
		if closed() == 0 {
			t.Errorf("round %d: the feature is open after a restart", round)
		}
		at += int(5 * time.Minute / time.Millisecond) // all leave the window
		for part := 0; closed() == 1; part++ {
			if part == 50 {
				t.Fatal("the feature is not opened again")
			}
			cards(fmt.Sprintf("few%d-%d-", round, part), 100)
			at += int(2 * time.Minute / time.Millisecond)
		}
		known := refused()
		cards(fmt.Sprintf("open%d-", round), 100)
		if refused() != known {
			t.Errorf("round %d: events were refused by a feature that is open", round)
		}
		s.kill()
	}
	got := storedLines(t, h.data)
	for card, want := range map[string]bool{"new0-99": false, "new1-0": false, "open0-99": true, "open1-0": true} {
		if strings.Contains(got, fmt.Sprintf(`"card":%q`, card)) != want {
			t.Errorf("card %s alerts: %t, want %t", card, !want, want)
		}
	}
	var told strings.Builder
	if err := (&replayCommand{Data: file(h.data)}).Run(&streams{nil, &told, &told}); err != nil || !strings.Contains(told.String(), "same: of all effects") {
		t.Errorf("replay: %v\n%s", err, &told)
	}
}
