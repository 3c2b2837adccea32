package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/alerts"
	"weir/state"
)

// left is what a data directory has of what left.
type left struct {
	Subject string
	ID      string
	Headers map[string]string
	Body    json.RawMessage
}

// leftOf gives the messages of a service that does not run.
func leftOf(t *testing.T, dir string, more ...string) (list []left) {
	t.Helper()
	var out, said bytes.Buffer
	if code := execute(append([]string{"state", "export", dir, "out"}, more...), &streams{nil, &out, &said}); code != exitDone {
		t.Fatalf("export: exit code %d: %s", code, &said)
	}
	d := json.NewDecoder(&out)
	for d.More() {
		var m left
		must(t, d.Decode(&m))
		list = append(list, m)
	}
	return list
}

// storedItems gives the versions that a data directory has, in order.
func storedItems(t *testing.T, dir string) (list []alerts.Item) {
	t.Helper()
	store, err := state.Open(dir, state.Options{})
	must(t, err)
	defer store.Close()
	must(t, store.All(func(_ uint64, it *alerts.Item) error {
		copied := *it
		copied.Line = bytes.Clone(it.Line)
		list = append(list, copied)
		return nil
	}))
	return list
}

// sameAsStored checks that the alerts that left are those that are stored, each once and in
// order.
func sameAsStored(t *testing.T, messages []left, items []alerts.Item) {
	t.Helper()
	messages = slices.DeleteFunc(slices.Clone(messages), func(m left) bool { return !strings.HasPrefix(m.Subject, "weir.alerts.") })
	for i := range min(len(messages), len(items)) {
		m, it := &messages[i], &items[i]
		if m.ID != it.MessageID() || m.Subject != "weir.alerts."+it.Severity+"."+it.Rule || string(m.Body) != string(it.AppendJSON(nil)) ||
			m.Headers["ce-id"] != m.ID || m.Headers["ce-type"] != "weir.alert."+it.Kind.String() || m.Headers["ce-specversion"] != "1.0" {
			t.Fatalf("message %d is %+v\n%s\nstored is %s", i, m, m.Body, it.AppendJSON(nil))
		}
	}
	if len(messages) != len(items) || len(items) == 0 {
		t.Errorf("%d alerts left, %d are stored", len(messages), len(items))
	}
}

// allLeft waits until everything that is stored has left.
func (s *tested) allLeft(t *testing.T, alertsStored int) {
	t.Helper()
	for begun := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		_, last, err := s.store.Span()
		must(t, err)
		out := s.outStatus()
		if int(last) >= alertsStored && int(out.Published[outAlerts].Messages) >= alertsStored {
			return
		}
		if time.Since(begun) > patience {
			t.Fatalf("%d alerts are stored, expected %d; what left: %+v", last, alertsStored, out)
		}
	}
}

const leavingRules = `
events:
  pay:
    time: ts
    id: id
    fields: {id: string, ts: time, card: string, n: number}
rules:
  - {id: any, on: pay, key: card, when: n > 0, severity: high}
`

func payAt(second, n int, id string) string {
	return fmt.Sprintf(`{"type":"pay","id":%q,"ts":"2026-01-02T00:%02d:%02dZ","card":"c1","n":%d}`+"\n", id, second/60, second%60, n)
}

// TestLeaving publishes alerts, what is late and what is in conflict, goes on after a
// restart, and publishes nothing where nothing is to be published.
func TestLeaving(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	rules := []string{writeFile(t, "rules.yaml", leavingRules)}
	serve := func(more map[string]string) *tested { return startServe(t, dir, rules, more) }
	s := serve(nil)
	s.post(t, []byte(payAt(100, 1, "a")+payAt(101, 1, "b")))
	s.post(t, []byte(payAt(1, 1, "late")+payAt(101, 2, "b")))
	s.allLeft(t, 2)
	for begun := time.Now(); s.outStatus().Published[outLate].Messages < 1 || s.outStatus().Published[outRejected].Messages < 1; time.Sleep(5 * time.Millisecond) {
		if time.Since(begun) > patience {
			t.Fatalf("what left: %+v", s.outStatus())
		}
	}
	s.shut(t)
	messages := leftOf(t, dir)
	sameAsStored(t, messages, storedItems(t, dir))
	others := map[string]string{}
	for _, m := range messages {
		if !strings.HasPrefix(m.Subject, "weir.alerts.") {
			others[m.Subject] += string(m.Body)
		}
	}
	if text := others["weir.late"]; !strings.Contains(text, `"kind":"late"`) || !strings.Contains(text, `"event":{"type":"pay","id":"late"`) || !strings.Contains(text, "older than lateness allows") {
		t.Errorf("late: %s", text)
	}
	if text := others["weir.rejected"]; !strings.Contains(text, `"kind":"conflict"`) || !strings.Contains(text, `"type":"pay","id":"b"`) {
		t.Errorf("rejected: %s", text)
	}

	s = serve(map[string]string{"out.size": "0B"})
	s.post(t, []byte(payAt(102, 1, "c")))
	s.shut(t)
	if again := leftOf(t, dir); len(again) != len(messages) {
		t.Errorf("%d messages left while nothing was to", len(again)-len(messages))
	}
	s = serve(nil)
	s.post(t, []byte(payAt(103, 1, "d")))
	s.allLeft(t, 2)
	s.shut(t)
	if items := storedItems(t, dir); len(items) != 4 {
		t.Errorf("%d alerts are stored, want 4", len(items))
	} else {
		sameAsStored(t, leftOf(t, dir), items)
	}
}

// TestLeavingMasked: what is personal does not leave, in alerts as in late events.
func TestLeavingMasked(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	text := strings.Replace(leavingRules, "card: string", "card: {type: string, pii: true}", 1)
	s := startServe(t, dir, []string{writeFile(t, "rules.yaml", text)}, nil)
	s.post(t, []byte(payAt(100, 1, "a")+payAt(1, 1, "late")))
	s.allLeft(t, 1)
	s.shut(t)
	messages := leftOf(t, dir)
	if len(messages) != 2 {
		t.Fatalf("%d messages, want 2", len(messages))
	}
	for _, m := range messages {
		if strings.Contains(string(m.Body), "c1") || !strings.Contains(string(m.Body), `"card":"***"`) {
			t.Errorf("%s: %s", m.Subject, m.Body)
		}
	}
	if lines := storedLines(t, dir); !strings.Contains(lines, `"card":"c1"`) {
		t.Errorf("stored: %s", lines)
	}
}

// TestLeavingCrash kills the service again and again before and after it publishes, and in
// between: every version that is stored has left, in order, and none under two ids.
func TestLeavingCrash(t *testing.T) {
	t.Parallel()
	seed := seeded(t)
	r := rand.New(rand.NewPCG(seed, 7))
	h := newHost(t, t.TempDir(), servedRules, crashArgs("--set", "log.size=64MB", "--nats-listen", "127.0.0.1:0")...)
	c := newCrowd(t, 4, seed)
	for i := range 6 {
		place := []string{"out", "published", "committed"}[i%3]
		t.Logf("killed at %q", h.life(c, place, 1+r.IntN(8), lifeTime))
	}
	s := h.start()
	if !s.ready() {
		t.Fatalf("the service does not start:\n%s", s.said())
	}
	c.open(s.url, lifeBytes)
	c.goesOn(c.count() + 1)
	c.close()
	s.settled()
	s.stop()
	// The service may have ended before all had left: the next one goes on.
	next := startServe(t, h.data, []string{h.rules}, nil)
	for begun := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		_, last, err := next.store.Span()
		must(t, err)
		at, err := next.store.Leaving()
		must(t, err)
		if at.Alerts == last {
			break
		}
		if time.Since(begun) > patience {
			t.Fatalf("%d alerts are stored, noted as published are %d", last, at.Alerts)
		}
	}
	next.shut(t)
	messages := leftOf(t, h.data)
	sameAsStored(t, messages, storedItems(t, h.data))
	t.Logf("%d messages left", len(messages))
}
