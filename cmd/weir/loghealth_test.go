package main

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestLogDoesNotAnswer keeps the answers of the log from the service: within a second it says
// that it is not ready and takes nothing in, and starts the log again. When that answers, it goes
// on, and what had no answer can be repeated.
func TestLogDoesNotAnswer(t *testing.T) {
	h := newHost(t, t.TempDir(), servedRules, crashArgs("--set", "log.size=64MB")...)
	held := filepath.Join(t.TempDir(), "held")
	s := h.start("WEIR_FAILPOINT_HOLD=" + held)
	if !s.ready() {
		t.Fatalf("the service does not start:\n%s", s.said())
	}
	at := time.Now()
	if a, err := post(s.url, "one", payment("one", at, "c", 1)); err != nil || a.status != http.StatusOK {
		t.Fatalf("%+v, %v", a, err)
	}
	must(t, os.WriteFile(held, nil, 0o600))
	begun := time.Now()
	answered := make(chan int, 1)
	go func() { // this one is under way
		a, _ := post(s.url, "two", payment("two", at, "c", 9))
		answered <- a.status
	}()
	for {
		r, err := s.look()
		must(t, err)
		if r.status == http.StatusServiceUnavailable && strings.Contains(strings.Join(r.Reasons, ""), "the log does not answer") {
			break
		}
		if time.Since(begun) > patience {
			t.Fatalf("/readyz says %+v", r)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if took := time.Since(begun); took > 1500*time.Millisecond { // a second, on a machine that has time
		t.Errorf("/readyz says after %v that the log does not answer", took)
	}
	asked := time.Now()
	a, err := post(s.url, "three", payment("three", at, "c", 1))
	if took := time.Since(asked); err != nil || a.status != http.StatusServiceUnavailable || a.retry == "" || took > time.Second {
		t.Errorf("a post is answered %+v, %v after %v", a, err, took)
	}
	for !strings.Contains(s.said(), "the log is started again") {
		if time.Since(begun) > patience {
			t.Fatalf("the log is not started again:\n%s", s.said())
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Logf("the log is started again after %v", time.Since(begun).Round(time.Millisecond))
	must(t, os.Remove(held))
	if status := <-answered; status != http.StatusServiceUnavailable {
		t.Errorf("what was under way is answered %d", status)
	}
	for _, key := range []string{"two", "three"} {
		n := map[string]int{"two": 9, "three": 1}[key]
		for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) {
			a, err := post(s.url, key, payment(key, at, "c", n))
			if err == nil && a.status == http.StatusOK {
				break
			}
			if time.Since(begun) > patience {
				t.Fatalf("%+v, %v\n%s", a, err, s.said())
			}
		}
	}
	s.settled()
	s.stop()
	archive := newArchive(t)
	last := archive.extend(t, h.data, 64<<20)
	archive.once(t, map[string]bool{"one": true, "two": true, "three": true})
	archive.agrees(t, h.data, last)
}

// TestRestartedLogIsCompared lets the log lose its last record while the service runs, and
// starts it again: nothing is taken in before the service has found that out.
func TestRestartedLogIsCompared(t *testing.T) {
	dir := t.TempDir()
	rules := filepath.Join(t.TempDir(), "rules.yaml")
	must(t, os.WriteFile(rules, []byte(servedRules), 0o600))
	s := startServe(t, dir, []string{rules}, map[string]string{"state.checkpoint.every": "100ms"})
	at := time.Now()
	s.post(t, []byte(payment("a", at, "c", 1)))
	for s.loop.Status().Checkpoint.Sequence == 0 {
		time.Sleep(time.Millisecond)
	}
	s.post(t, []byte(payment("b", at, "c", 9)+payment("lost", at, "c", 1)))
	last, _ := s.stream.LastAppended()
	for s.loop.Status().Committed.Sequence < last { // an alert lies in what will be lost
		time.Sleep(time.Millisecond)
	}
	blocks, err := filepath.Glob(filepath.Join(dir, "log", "jetstream", "$G", "streams", "*", "msgs", "*.blk"))
	if err != nil || len(blocks) == 0 {
		t.Fatal(blocks, err)
	}
	newest := slices.Max(blocks)
	info, err := os.Stat(newest)
	must(t, err)
	must(t, os.Truncate(newest, info.Size()-10))
	must(t, s.stream.Restart(t.Context()))
	begun := time.Now()
	for {
		a, err := post("http://"+s.server.Addr(), "new", payment("new", at, "d", 1))
		must(t, err)
		if a.status == http.StatusOK {
			if !strings.HasPrefix(a.Position, "2-") {
				t.Errorf("an event was taken in at %s, before the loss was noticed", a.Position)
			}
			break
		}
		if a.status != http.StatusServiceUnavailable || time.Since(begun) > patience {
			t.Fatalf("%+v after %v", a, time.Since(begun))
		}
	}
	losses, err := s.store.Losses()
	if err != nil || len(losses) != 1 || losses[0].Alerts != 1 {
		t.Errorf("losses: %+v, %v", losses, err)
	}
	s.shut(t)
}
