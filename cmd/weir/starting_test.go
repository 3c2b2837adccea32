package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestStarting asks a service that has its address and nothing else yet.
func TestStarting(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s, _, err := loadSettings(os.DevNull, nil, map[string]string{"data": dir, "listen": "127.0.0.1:0", "state.reserve": "0B"})
	must(t, err)
	f, err := readFolder([]string{writeFile(t, "rules.yaml", servedRules)}, &streams{nil, io.Discard, io.Discard})
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	v, err := newService(ctx, s, f, slog.New(slog.DiscardHandler))
	must(t, err)
	defer v.close()
	expect := func(method, route, body string, status int, part string) {
		t.Helper()
		q, err := http.NewRequest(method, "http://"+v.server.Addr()+route, strings.NewReader(body))
		must(t, err)
		if body != "" {
			q.Header.Set("Content-Type", "application/json")
		}
		r, err := http.DefaultClient.Do(q)
		must(t, err)
		defer r.Body.Close()
		text, err := io.ReadAll(r.Body)
		must(t, err)
		if r.StatusCode != status || !strings.Contains(string(text), part) || (status == http.StatusServiceUnavailable) != (r.Header.Get("Retry-After") != "") {
			t.Errorf("%s %s: %s %v %s", method, route, r.Status, r.Header, text)
		}
	}
	expect("GET", "/healthz", "", 200, `"ok"`)
	expect("GET", "/readyz", "", 503, `"status":"starting"`)
	expect("GET", "/metrics", "", 200, "\nweir_ready 0\n")
	expect("GET", "/openapi.json", "", 200, `"3.1.0"`)
	expect("GET", "/", "", 200, "/v1/events")
	expect("GET", "/v1/alerts", "", 503, `"code":"starting"`)
	expect("GET", "/v1/alerts/a_1", "", 503, `"code":"starting"`)
	expect("POST", "/v1/events", `{"type":"pay","id":"1","ts":1,"card":"c","n":1}`, 503, `"code":"starting"`)
	expect("POST", "/v1/advance", `{"to":"2026-01-02T03:04:05Z"}`, 503, `"code":"starting"`)
	expect("POST", "/v1/losses/ack", `{"reason":"x"}`, 503, `"code":"starting"`)
	expect("POST", "/v1/advance?x=1", `{}`, 400, "no parameters")
	ended := make(chan error, 1)
	go func() { ended <- v.run(ctx) }()
	<-v.serving
	expect("GET", "/readyz", "", 200, `"status":"ready"`)
	expect("GET", "/v1/alerts", "", 200, `"items":[]`)
	expect("POST", "/v1/events", `{"type":"pay","id":"1","ts":1,"card":"c","n":1}`, 200, `"accepted":1`)
	expect("GET", "/metrics", "", 200, "\nweir_ready 1\n")
	cancel()
	must(t, <-ended)
}

// TestPortInUse serves where another process does: nothing is written.
func TestPortInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer taken.Close()
	dir := filepath.Join(t.TempDir(), "data")
	var out, said bytes.Buffer
	code := execute([]string{"serve", writeFile(t, "rules.yaml", servedRules), "--data", dir, "--listen", taken.Addr().String()}, &streams{nil, &out, &said})
	if code != exitFailed || !strings.Contains(said.String(), taken.Addr().String()+" is in use by another process") {
		t.Errorf("exit code %d: %s", code, &said)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the data directory is there: %v", err)
	}
}

// TestNoRules serves a folder that has events and no rules.
func TestNoRules(t *testing.T) {
	s := startServe(t, filepath.Join(t.TempDir(), "data"), []string{writeFile(t, "events.yaml", "events:\n  pay: {time: ts, fields: {ts: time}}\n")}, nil)
	if !strings.Contains(string(s.said.Bytes()), "level=WARN msg=\"no rule is in force") {
		t.Errorf("%s", s.said.Bytes())
	}
	if st := s.status(); len(st.Warnings) != 1 || st.Warnings[0] != noRules {
		t.Errorf("warnings %q", st.Warnings)
	}
	s.shut(t)
}

// TestRulesToldOnce changes rules at each of three starts. A start that folds the whole log
// again tells of those that are in force in the end, and of no others.
func TestRulesToldOnce(t *testing.T) {
	dir, folder := filepath.Join(t.TempDir(), "data"), t.TempDir()
	file := filepath.Join(folder, "rules.yaml")
	told := func() int {
		t.Helper()
		s := startServe(t, dir, []string{folder}, nil)
		s.shut(t)
		return strings.Count(string(s.said.Bytes()), "other rules are in force")
	}
	for n, score := range []string{"10", "20", "30"} {
		must(t, os.WriteFile(file, []byte("rules:\n  - {id: one, on: tick, key: k, when: n == 1, score: "+score+"}\n"), 0o600))
		if got := told(); got != min(n, 1) {
			t.Errorf("start %d tells of other rules %d times", n, got)
		}
	}
	if got := told(); got != 0 {
		t.Errorf("a start from a checkpoint with the same rules tells of others %d times", got)
	}
	must(t, os.Remove(filepath.Join(dir, "state.db")))
	if got := told(); got != 1 {
		t.Errorf("a start that folds all again tells of other rules %d times", got)
	}
}
