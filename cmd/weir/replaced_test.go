package main

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/cep"
)

// TestReplacedFiles puts older copies of files in the place of newer ones, and damaged
// ones. What can be put right by a replay is; the rest is refused, with what is wrong and
// what to do.
func TestReplacedFiles(t *testing.T) {
	t.Parallel()
	h := newHost(t, t.TempDir(), servedRules, crashArgs("--set", "log.size=64MB")...)
	s := h.start()
	if !s.ready() {
		t.Fatalf("the service does not start:\n%s", s.said())
	}
	seed := seeded(t)
	c := newCrowd(t, 4, seed)
	c.open(s.url, 16<<20)
	time.Sleep(300 * time.Millisecond)
	s.hold()
	older, promised := copyOf(t, h.data), c.ackedNow()
	s.release()
	s.afterCheckpoint(h, older)
	s.hold()
	between := copyOf(t, h.data)
	s.release()
	s.afterCheckpoint(h, between) // so that the older one is not kept
	s.hold()
	newer, all := copyOf(t, h.data), c.ackedNow()
	c.open("", 0)
	s.kill()
	before, _ := kept(t, older)
	if after, _ := kept(t, newer); after <= before {
		t.Fatal("there was no checkpoint between the copies")
	}

	logDir := filepath.Join("log", "jetstream", "$G", "streams", "WEIR")
	for _, test := range []struct {
		name    string
		change  func(dir string) error
		refused []string // what is said; none: it goes on
		either  bool     // it goes on where what it needs happens to be there
		lost    bool     // the log is not what it was
	}{
		{name: "nothing", change: func(string) error { return nil }},
		{name: "older alerts", change: func(dir string) error { return replace(dir, older, "alerts.db") }},
		{name: "older state", change: func(dir string) error { return replace(dir, older, "state.db") }},
		{name: "no alerts", change: func(dir string) error { return os.Remove(filepath.Join(dir, "alerts.db")) }},
		{name: "no state", change: func(dir string) error { return os.Remove(filepath.Join(dir, "state.db")) }},
		{name: "older log", change: func(dir string) error { return replace(dir, older, "log") }, refused: []string{"log ends at record", "weir state rebase"}, either: true, lost: true},
		{name: "older log and state", change: func(dir string) error {
			if err := replace(dir, older, "state.db"); err != nil {
				return err
			}
			return replace(dir, older, "log")
		}, lost: true},
		{name: "no log", change: func(dir string) error { return os.RemoveAll(filepath.Join(dir, "log")) }, refused: []string{"the log ends at record", "the oldest state", "weir state rebase"}},
		{name: "no stream", change: func(dir string) error { return os.RemoveAll(filepath.Join(dir, logDir)) }, refused: []string{"the log ends at record", "the oldest state", "weir state rebase"}},
		{name: "torn alerts", change: func(dir string) error { return halve(filepath.Join(dir, "alerts.db")) }, refused: []string{"alerts.db", "damaged"}},
		{name: "torn state", change: func(dir string) error { return halve(filepath.Join(dir, "state.db")) }, refused: []string{"state.db", "damaged"}, either: true},
		{name: "alerts with a longer end", change: func(dir string) error { return longer(filepath.Join(dir, "alerts.db")) }},
		{name: "state with a longer end", change: func(dir string) error { return longer(filepath.Join(dir, "state.db")) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := copyOf(t, newer)
			must(t, test.change(dir))
			now := *h
			now.t, now.data = t, dir
			_, oldest := kept(t, dir)
			if len(test.refused) == 0 || test.either && test.lost && oldest <= lastOf(t, dir) {
				of := all
				if test.lost {
					of = promised
				}
				goesOn(t, rand.New(rand.NewPCG(seed, 9)), &now, dir, of, test.lost)
				return
			}
			s := now.start()
			if s.ready() {
				if test.either && !test.lost {
					s.kill()
					goesOn(t, rand.New(rand.NewPCG(seed, 9)), &now, dir, all, false)
					return
				}
				t.Fatalf("the service starts:\n%s", s.said())
			}
			if code := s.cmd.ProcessState.ExitCode(); code != 3 {
				t.Errorf("exit code %d, expected 3:\n%s", code, s.said())
			}
			for _, text := range test.refused {
				if !strings.Contains(s.said(), text) {
					t.Errorf("it does not say %q:\n%s", text, s.said())
				}
			}
		})
	}
	t.Run("another log", func(t *testing.T) {
		other := newHost(t, t.TempDir(), servedRules, crashArgs("--set", "log.size=64MB")...)
		s := other.start()
		if !s.ready() {
			t.Fatalf("the service does not start:\n%s", s.said())
		}
		c := newCrowd(t, 8, seed+2)
		c.open(s.url, 16<<20)
		for lastOf(t, newer) > logged(t, s) {
			time.Sleep(50 * time.Millisecond)
		}
		c.open("", 0)
		s.kill()
		dir := copyOf(t, newer)
		must(t, replace(dir, other.data, "log"))
		other.data = dir
		s = other.start()
		if s.ready() {
			t.Fatalf("the service starts on another log:\n%s", s.said())
		}
		for _, text := range []string{"the alerts file", "checksum", "weir state rebase"} {
			if !strings.Contains(s.said(), text) {
				t.Errorf("it does not say %q:\n%s", text, s.said())
			}
		}
	})
}

// TestPurgedLog takes the state from a service whose log has been purged: it cannot begin
// again, and says so.
func TestPurgedLog(t *testing.T) {
	t.Parallel()
	h := newHost(t, t.TempDir(), servedRules, crashArgs("--set", "log.size=1MB")...)
	s := h.start()
	if !s.ready() {
		t.Fatalf("the service does not start:\n%s", s.said())
	}
	c := newCrowd(t, 8, seeded(t))
	c.open(s.url, 1<<40)
	for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		if s.metric("weir_log_bytes") < 3<<18 && c.count() > 12_000 {
			break
		}
		if time.Since(begun) > patience {
			t.Fatalf("the log is not purged after %v: %d events", patience, c.count())
		}
	}
	t.Logf("purged after %d events", c.count())
	c.close()
	s.stop()
	must(t, os.Remove(filepath.Join(h.data, "state.db")))
	s = h.start()
	if s.ready() {
		t.Fatalf("the service starts:\n%s", s.said())
	}
	for _, text := range []string{"the log begins after record 1", "there is no state", "the alerts file", "weir state rebase"} {
		if !strings.Contains(s.said(), text) {
			t.Errorf("it does not say %q:\n%s", text, s.said())
		}
	}
}

// logged is how many records the log of a service has.
func logged(t *testing.T, s *served) uint64 {
	t.Helper()
	r, err := s.look()
	must(t, err)
	end, err := cep.ParsePosition(r.End)
	must(t, err)
	return end.Sequence
}

// replace puts what another directory has under a name in the place of what one has.
func replace(dir, from, name string) error {
	to, from := filepath.Join(dir, name), filepath.Join(from, name)
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return os.CopyFS(to, os.DirFS(from))
	}
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o600)
}

// halve cuts a file in the middle.
func halve(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return os.Truncate(path, info.Size()/2)
}

// longer puts what nobody wrote at the end of a file.
func longer(path string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.Write(make([]byte, 12345))
	return err
}
