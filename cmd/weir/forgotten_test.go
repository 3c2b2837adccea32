package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestRepeatedAfterALoss lets the log lose its end while the process lives: a request whose
// events are gone is carried out when it is repeated, and not answered as before.
func TestRepeatedAfterALoss(t *testing.T) {
	dir, rules := t.TempDir(), filepath.Join(t.TempDir(), "rules.yaml")
	must(t, os.WriteFile(rules, []byte(servedRules), 0o600))
	seldom := map[string]string{"state.checkpoint.every": "1h"}
	s := startServe(t, dir, []string{rules}, seldom)
	s.post(t, []byte(payment("one", time.Now(), "c", 1)))
	settledUp(s)
	s.shut(t) // with a checkpoint, to which the state can go back
	s = startServe(t, dir, []string{rules}, seldom)
	url, line := "http://"+s.server.Addr(), payment("two", time.Now(), "c", 1)
	log := filepath.Join(dir, logFolder)
	older := copyOf(t, log)
	first, err := post(url, "key", line)
	if err != nil || first.status != http.StatusOK || !strings.HasPrefix(first.Position, "1-") {
		t.Fatalf("%+v, %v", first, err)
	}
	settledUp(s)
	// The log goes, and comes back as it was before that.
	must(t, os.Rename(log, log+".gone"))
	must(t, os.WriteFile(log, nil, 0o600))
	if err := s.stream.Restart(t.Context()); err == nil {
		t.Fatal("a log without a directory was started")
	}
	until := func(what string, done func() bool) {
		t.Helper()
		for begun := time.Now(); !done(); time.Sleep(time.Millisecond) {
			if time.Since(begun) > patience {
				t.Fatalf("%s: not after %v", what, patience)
			}
		}
	}
	until("the log does not answer", func() bool { return s.logDown() != "" })
	must(t, os.Remove(log))
	must(t, os.Rename(older, log))
	var again answered
	until("the log answers again", func() bool {
		again, err = post(url, "key", line)
		must(t, err)
		return again.status == http.StatusOK
	})
	if again.Accepted != 1 || !strings.HasPrefix(again.Position, "2-") {
		t.Errorf("the repetition is answered %+v, before %+v", again, first)
	}
	s.shut(t)
}
