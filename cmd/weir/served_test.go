package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"weir/web"
)

// program is weir, built with failpoints for all tests that ask for it.
var program struct {
	once sync.Once
	dir  string
	err  error
}

// buildProgram returns the path of the program.
func buildProgram(t *testing.T) string {
	t.Helper()
	program.once.Do(func() {
		if program.dir, program.err = os.MkdirTemp("", "weir-failpoints-"); program.err != nil {
			return
		}
		out, err := exec.Command("go", "build", "-tags", "failpoints", "-o", program.dir, "weir/cmd/weir").CombinedOutput()
		if err != nil {
			program.err = fmt.Errorf("%w: %s", err, out)
		}
	})
	if program.err != nil {
		t.Fatal(program.err)
	}
	return filepath.Join(program.dir, "weir")
}

func removeProgram() {
	if program.dir != "" {
		os.RemoveAll(program.dir)
	}
}

// servedRules are what tests of the service serve: matches that late events undo, absence,
// and what waits for time.
const servedRules = `
events:
  pay:
    time: ts
    id: id
    fields: {id: string, ts: time, card: string, n: number}
rules:
  - {id: next, on: pay, key: card, within: 3s, pattern: a -> b, define: {a: n == 1, b: n == 9}}
  - {id: never, on: pay, key: card, within: 2s, pattern: a -> !b -> c, define: {a: n == 2, b: n == 3, c: n == 8}}
  - {id: quiet, on: pay, key: card, within: 1s, pattern: big -> !more, define: {big: n == 7, more: n > 7}}
`

// host is where a service lies that comes and goes: its directory, its rules and how it is
// started.
type host struct {
	t     *testing.T
	data  string
	rules string
	args  []string
}

// newHost makes a place for a service under some rules. args come after its own.
func newHost(t *testing.T, dir, rules string, args ...string) *host {
	t.Helper()
	buildProgram(t)
	file := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(file, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	return &host{t, filepath.Join(dir, "data"), file, args}
}

// served is a service that runs in a process of its own.
type served struct {
	*process
	t   *testing.T
	log *transcript
}

// transcript is what a service says.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *transcript) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *transcript) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// start starts the service; env has more variables for it.
func (h *host) start(env ...string) *served {
	h.t.Helper()
	c := exec.Command(buildProgram(h.t), append([]string{"serve", h.rules, "--data", h.data, "--listen", "127.0.0.1:0"}, h.args...)...)
	c.Dir = filepath.Dir(h.rules)
	c.Env = append(os.Environ(), env...)
	log := new(transcript)
	p, err := startProcess(c, log)
	must(h.t, err)
	s := &served{p, h.t, log}
	h.t.Cleanup(s.kill)
	return s
}

// said is what the service has said so far.
func (s *served) said() string { return s.log.String() }

// ready waits until the service is up; false: it has ended before.
func (s *served) ready() bool {
	s.t.Helper()
	select {
	case <-s.up:
	case <-time.After(patience):
		s.t.Fatalf("the service is not up after %v:\n%s", patience, s.said())
	}
	return s.url != ""
}

// patience is how long a test waits for anything.
const patience = 40 * time.Second

// kill ends the process with no warning.
func (s *served) kill() {
	s.cmd.Process.Signal(syscall.SIGCONT)
	s.cmd.Process.Kill()
	<-s.done
}

// died says whether a failpoint, or a test, has killed the process.
func (s *served) died() bool {
	var exit *exec.ExitError
	if !errors.As(s.err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// stop tells the service to end, which it must do cleanly.
func (s *served) stop() {
	s.t.Helper()
	s.cmd.Process.Signal(syscall.SIGTERM)
	s.ended()
	if s.err != nil {
		s.t.Fatalf("the service ended with %v:\n%s", s.err, s.said())
	}
}

// ended waits until the process has ended.
func (s *served) ended() {
	s.t.Helper()
	select {
	case <-s.done:
	case <-time.After(patience):
		s.t.Fatalf("the service has not ended after %v:\n%s", patience, s.said())
	}
}

// readiness is what /readyz answers.
type readiness struct {
	status  int
	Stepped string   `json:"stepped"`
	End     string   `json:"end"`
	Reasons []string `json:"reasons"`
	Warned  []string `json:"warnings"`
}

// look asks how the service is.
func (s *served) look() (r readiness, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/readyz", nil)
	if err != nil {
		return r, err
	}
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		return r, err
	}
	defer a.Body.Close()
	r.status = a.StatusCode
	return r, json.NewDecoder(a.Body).Decode(&r)
}

// settled waits until the service has stepped all that is on its log.
func (s *served) settled() {
	s.t.Helper()
	var r readiness
	var err error
	for begun := time.Now(); time.Since(begun) < patience; time.Sleep(5 * time.Millisecond) {
		if r, err = s.look(); err == nil && r.Stepped == r.End && r.End != "" {
			return
		}
	}
	s.t.Fatalf("the service has not stepped all after %v: %+v, %v\n%s", patience, r, err, s.said())
}

// posted is an answer to events that were posted.
type answered struct {
	status  int
	retry   string // Retry-After
	Problem web.Problem
	web.Answer
}

// post posts lines to a service. key names the request; empty: it has no name.
func post(url, key, lines string) (a answered, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience/2)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/events", strings.NewReader(lines))
	if err != nil {
		return a, err
	}
	q.Header.Set("Content-Type", "application/x-ndjson")
	if key != "" {
		q.Header.Set("Idempotency-Key", key)
	}
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		return a, err
	}
	defer r.Body.Close()
	a.status, a.retry = r.StatusCode, r.Header.Get("Retry-After")
	if a.status == http.StatusOK {
		return a, json.NewDecoder(r.Body).Decode(&a.Answer)
	}
	return a, json.NewDecoder(r.Body).Decode(&a.Problem)
}
