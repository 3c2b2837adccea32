package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weir/alerts"
	"weir/state"
)

// tested is a service that a test starts and stops.
type tested struct {
	*service
	said    *tail // what it has logged
	stopped func() error
}

// startServe starts a service over a data directory, on a port of its own.
func startServe(t *testing.T, dir string, rules []string, more map[string]string) *tested {
	t.Helper()
	flags := map[string]string{"data": dir, "listen": "127.0.0.1:0", "state.reserve": "0B", "time.max_ahead": "0s"}
	for name, value := range more {
		flags[name] = value
	}
	s, _, err := loadSettings(os.DevNull, nil, flags)
	if err != nil {
		t.Fatal(err)
	}
	f, err := readFolder(rules, &streams{nil, io.Discard, io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	said := &tail{}
	v, err := newService(ctx, s, f, slog.New(slog.NewTextHandler(said, nil)))
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		err := v.run(ctx)
		v.close()
		ended <- err
	}()
	select {
	case <-v.serving:
	case err := <-ended:
		t.Fatalf("the service has ended: %v", err)
	}
	return &tested{v, said, func() error { cancel(); return <-ended }}
}

// shut ends the service as a signal does.
func (s *tested) shut(t *testing.T) {
	t.Helper()
	if err := s.stopped(); err != nil {
		t.Fatal(err)
	}
}

// post sends lines, all of which have to be accepted.
func (s *tested) post(t *testing.T, lines []byte) {
	t.Helper()
	a, err := post("http://"+s.server.Addr(), "", string(lines))
	if err != nil || a.status != http.StatusOK || a.Accepted != uint64(bytes.Count(lines, newline)) {
		t.Fatalf("%d lines: %+v, %v", bytes.Count(lines, newline), a, err)
	}
}

// storedLines gives the alerts that a data directory has, all versions in order.
func storedLines(t *testing.T, dir string) string {
	t.Helper()
	store, err := state.Open(dir, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	var b strings.Builder
	err = store.All(func(_ uint64, it *alerts.Item) error {
		fmt.Fprintf(&b, "%s\n", it.Line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// mixed puts lines off by less than a span of their place, at random, as if they came over
// several ways.
func mixed(lines [][]byte, by int, r *rand.Rand) [][]byte {
	lines = append([][]byte{}, lines...)
	for i := range lines {
		k := min(i+r.IntN(by), len(lines)-1)
		lines[i], lines[k] = lines[k], lines[i]
	}
	return lines
}

// TestServedAsRun posts the shipped samples to a service, in pieces of random sizes, with
// two restarts in between: the alerts are those of weir run, byte for byte, in order as in
// disorder.
func TestServedAsRun(t *testing.T) {
	for i, f := range frauds {
		for _, disorder := range []int{1, 12} {
			t.Run(fmt.Sprintf("%s/%d", f.folder, disorder), func(t *testing.T) {
				t.Parallel()
				r := rand.New(rand.NewPCG(uint64(i), uint64(disorder)))
				text, err := os.ReadFile(filepath.Join("../../rulesets/sample", f.sample+".ndjson"))
				if err != nil {
					t.Fatal(err)
				}
				lines := mixed(bytes.SplitAfter(bytes.TrimRight(text, "\n"), newline), disorder, r)
				for i := range lines {
					lines[i] = append(bytes.TrimRight(lines[i], "\n"), '\n')
				}
				rules := filepath.Join("../../rulesets", f.folder)
				var want, report bytes.Buffer
				code := execute([]string{
					"run", rules, "--events", writeFile(t, "events.ndjson", string(bytes.Join(lines, nil))),
					"--order", "eager", "--lateness", "2h", "--open-end",
				}, &streams{nil, &want, &report})
				if code != exitDone || want.Len() == 0 {
					t.Fatalf("exit code %d: %s", code, &report)
				}
				dir := filepath.Join(t.TempDir(), "data")
				serve := func() *tested {
					return startServe(t, dir, []string{rules}, map[string]string{"time.lateness": "2h", "log.durability": "interval"})
				}
				first, second := r.IntN(len(lines)), r.IntN(len(lines))
				s := serve()
				for i := 0; i < len(lines); {
					n := min(1+r.IntN(60), len(lines)-i)
					s.post(t, bytes.Join(lines[i:i+n], nil))
					for _, at := range []int{first, second} {
						if i <= at && at < i+n {
							s.shut(t)
							s = serve()
						}
					}
					i += n
				}
				s.shut(t)
				if got := storedLines(t, dir); got != want.String() {
					t.Errorf("served, against run: %s", firstDifference([]byte(got), want.Bytes()))
				}
				var again, summary bytes.Buffer
				if code := execute([]string{"replay", "--data", dir, "--alerts", "-"}, &streams{nil, &again, &summary}); code != exitDone || again.String() != want.String() {
					t.Errorf("replay: exit code %d: %s\n%s", code, &summary, firstDifference(again.Bytes(), want.Bytes()))
				}
			})
		}
	}
}

// TestServedRevisions changes the score of one of two rules between two starts: its revision rises,
// its alerts say so, and both go on where they were, with a match that was open.
func TestServedRevisions(t *testing.T) {
	dir, folder := filepath.Join(t.TempDir(), "data"), t.TempDir()
	put := func(name, score string) {
		t.Helper()
		text := "rules:\n  - {id: " + name + ", on: tick, key: k, within: 1h, pattern: a -> b, define: {a: n == 1, b: n == 2}, score: " + score + "}\n"
		if err := os.WriteFile(filepath.Join(folder, name+".yaml"), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	line := func(minute, n int) []byte {
		return fmt.Appendf(nil, `{"type":"tick","ts":"2026-01-02T00:%02d:00Z","k":"x","n":%d}`+"\n", minute, n)
	}
	run := func(lines ...[]byte) {
		t.Helper()
		s := startServe(t, dir, []string{folder}, nil)
		s.post(t, bytes.Join(lines, nil))
		s.shut(t)
	}
	put("left", "10")
	put("right", "10")
	run(line(0, 1), line(1, 2), line(2, 1))
	run(line(3, 3)) // nothing has changed: nothing is published
	put("right", "20")
	run(line(4, 2), line(5, 1), line(6, 2))

	var got []string
	for text := range strings.Lines(storedLines(t, dir)) {
		var a struct {
			Rule struct {
				ID       string
				Revision int
			}
			Time  string
			Score int
		}
		if err := json.Unmarshal([]byte(text), &a); err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s.%d %s %d", a.Rule.ID, a.Rule.Revision, a.Time[11:16], a.Score))
	}
	want := "left.1 00:01 10, right.1 00:01 10, left.1 00:04 10, right.2 00:04 20, left.1 00:06 10, right.2 00:06 20"
	if strings.Join(got, ", ") != want {
		t.Errorf("alerts %s\n  want %s", strings.Join(got, ", "), want)
	}
	var text, summary bytes.Buffer
	if code := execute([]string{"state", "inspect", dir, "--json"}, &streams{nil, &text, &summary}); code != exitDone {
		t.Fatalf("inspect: exit code %d: %s", code, &summary)
	}
	for _, want := range []string{`"id":"left","revision":1,"stored":3`, `"id":"right","revision":2,"stored":3`} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("inspect has no %s: %s", want, &text)
		}
	}
	if n := strings.Count(text.String(), `"note":"weir `); n != 3 {
		t.Errorf("%d starts, want 3: %s", n, &text)
	}
	if code := execute([]string{"replay", "--data", dir}, &streams{nil, &text, &summary}); code != exitDone {
		t.Errorf("replay: exit code %d: %s", code, &summary)
	}
}
