package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"weir/cep"
)

func TestAdvance(t *testing.T) {
	f := newFixture(t, Bounds{})
	post := func(body string, headers ...string) *http.Request {
		return request("POST", "/v1/advance", strings.NewReader(body), append([]string{"Content-Type", mediaJSON}, headers...)...)
	}
	f.expect(f.do(post(`{"to":"1970-01-01T00:00:02Z"}`)), 200, `{"position":"1-7"}`)
	if f.log.advanced != 2e9 {
		t.Errorf("advanced to %d", f.log.advanced)
	}
	f.problem(f.do(post(`{"to":"tomorrow"}`)), 422, codeBody, `"tomorrow" is no`)
	f.problem(f.do(post(`{"until":"1970-01-01T00:00:02Z"}`)), 400, codeBody, "unknown")
	f.problem(f.do(post(`{"to":"x","to":"y"}`)), 400, codeBody, "duplicate")
	f.problem(f.do(post(strings.Repeat("[", 60_000))), 400, codeBody, "")
	f.problem(f.do(post(strings.Repeat(" ", 100_000))), 413, codeLarge, "65536")
	f.problem(f.do(post(`{}`, "Content-Encoding", "gzip")), 415, codeEncoding, "without")
	f.problem(f.do(post(`{}`, "Content-Type", mediaLines)), 415, codeMedia, mediaJSON)
	f.status.LogDown = "closed"
	f.problem(f.do(post(`{"to":"1970-01-01T00:00:02Z"}`)), 503, codeUnavailable, "log")
}

func TestAckLosses(t *testing.T) {
	f := newFixture(t, Bounds{})
	post := func(body string) *http.Request {
		return request("POST", "/v1/losses/ack", strings.NewReader(body), "Content-Type", mediaJSON)
	}
	f.expect(f.do(post(`{"reason":"power cut"}`)), 200, `{"acknowledged":2}`)
	if f.losses.reason != "power cut" {
		t.Errorf("%q", f.losses.reason)
	}
	f.problem(f.do(post(`{"reason":""}`)), 422, codeBody, "1 to 1000 bytes")
	f.problem(f.do(post(`{"reason":"`+strings.Repeat("x", 1001)+`"}`)), 422, codeBody, "1 to 1000 bytes")
	f.problem(f.do(post(`{"reason":5}`)), 400, codeBody, "")
}

func TestListAlerts(t *testing.T) {
	f := newFixture(t, Bounds{})
	f.alerts.items = []json.RawMessage{json.RawMessage(`{"id":"a_1","message":"<5>"}`)}
	get := func(query string) *http.Request { return request("GET", "/v1/alerts"+query, nil) }
	f.expect(f.do(get("")), 200, `{"items":[{"id":"a_1","message":"<5>"}],"next":"more"}`)
	if f.alerts.limit != 100 || f.alerts.filter != (Filter{}) || f.alerts.after != "" {
		t.Errorf("%+v", f.alerts)
	}
	f.do(get("?rule=r&severity=high&kind=timeout&tag=card&key=card_id:a:b&from=1970-01-01T00:00:01Z&to=1970-01-01T00:00:02Z&limit=1000&after=x"))
	if want := (Filter{"r", "high", "timeout", "card", "card_id", "a:b", 1e9, 2e9}); f.alerts.filter != want || f.alerts.limit != 1000 || f.alerts.after != "x" {
		t.Errorf("%+v", f.alerts)
	}
	for query, part := range map[string]string{
		"?severity=urgent": "one of low, medium, high, critical",
		"?kind=alert":      "one of match",
		"?key=c1":          "FIELD:VALUE",
		"?key=:c1":         "FIELD:VALUE",
		"?from=yesterday":  "parameter from",
		"?to=2026-01-02":   "parameter to",
		"?from=2026-01-02T00:00:00Z&to=2026-01-02T00:00:00Z": "before",
		"?limit=0":       "from 1 to 1000",
		"?limit=1001":    "from 1 to 1000",
		"?limit=":        "from 1 to 1000",
		"?limit=x":       "from 1 to 1000",
		"?rule=":         "empty",
		"?rule=a&rule=b": "2 times",
		"?sevreity=high": "only rule, severity",
	} {
		f.problem(f.do(get(query)), 400, codeParameter, part)
	}
	f.alerts.err = fmt.Errorf("bad: %w", ErrCursor)
	f.problem(f.do(get("?after=x")), 400, codeParameter, "next")
	f.alerts.err = errors.New("broken")
	f.problem(f.do(get("")), 503, codeUnavailable, "")
	f.alerts.err, f.alerts.items = nil, nil
	f.expect(f.do(get("")), 200, `{"items":[],"next":"more"}`)
}

func TestGetAlert(t *testing.T) {
	f := newFixture(t, Bounds{})
	f.alerts.items = []json.RawMessage{json.RawMessage(`{"id":"a_1","version":1}`), json.RawMessage("{\"id\":\"a_1\",\"version\":2}\n")}
	f.expect(f.do(request("GET", "/v1/alerts/a_1", nil)), 200, `{"id":"a_1","version":2,"versions":[{"id":"a_1","version":1},{"id":"a_1","version":2}]}`)
	f.problem(f.do(request("GET", "/v1/alerts/a_2", nil)), 404, codeNotFound, `"a_2"`)
	f.problem(f.do(request("GET", "/v1/alerts/a_1?x=1", nil)), 400, codeParameter, "has no parameters")
	f.problem(f.do(request("GET", "/v1/alerts/"+strings.Repeat("x", 50_000), nil)), 404, codeNotFound, "…")
	f.alerts.err = ErrUnavailable
	f.problem(f.do(request("GET", "/v1/alerts/a_1", nil)), 503, codeUnavailable, "")
}

// TestPanic ends one request, and logs nothing that an event may have held.
func TestPanic(t *testing.T) {
	f := newFixture(t, Bounds{})
	f.problem(f.do(request("GET", "/v1/alerts/a_panics", nil)), 500, codeInternal, "defect")
	f.log.before = func(call int, _ []byte) error { panic("secret") }
	f.problem(f.post("", mediaLines, good), 500, codeInternal, "defect")
	f.problem(f.post("", mediaLines, numbered(5000, 1000), "Idempotency-Key", "k"), 500, codeInternal, "defect")
	f.log.before = nil
	if w := f.post("", mediaLines, numbered(5000, 1000), "Idempotency-Key", "k"); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if said := f.said.String(); strings.Contains(said, "secret") || strings.Count(said, "a handler panicked") != 3 || !strings.Contains(said, "/v1/alerts/{id}") {
		t.Errorf("%s", said)
	}
}

func TestHosts(t *testing.T) {
	tests := []struct {
		listen, host, origin string
		status               int
	}{
		{"127.0.0.1:8080", "localhost:8080", "", 200},
		{"127.0.0.1:8080", "LOCALHOST", "", 200},
		{"127.0.0.1:8080", "127.0.0.1:8080", "", 200},
		{"127.0.0.1:8080", "127.9.9.9", "", 200},
		{"127.0.0.1:8080", "[::1]:8080", "", 200},
		{"127.0.0.1:8080", "[::1]", "", 200},
		{"127.0.0.1:8080", "weir.example:8080", "", 403},
		{"127.0.0.1:8080", "localhost.example", "", 403},
		{"127.0.0.1:8080", "10.0.0.1:8080", "", 403},
		{"127.0.0.1:8080", "", "", 403},
		{"weir.internal:8080", "Weir.internal:8080", "", 200},
		{"weir.internal:8080", "other.internal:8080", "", 403},
		{"0.0.0.0:8080", "10.0.0.1:8080", "", 200},
		{":8080", "[fe80::1]:8080", "", 200},
		{"0.0.0.0:8080", "weir.example", "", 403},
		{":8080", "", "", 403},
		{"127.0.0.1:8080", "localhost:8080", "http://localhost:8080", 200},
		{"127.0.0.1:8080", "localhost:8080", "http://localhost:3000", 403},
		{"127.0.0.1:8080", "localhost:8080", "https://evil.example", 403},
		{"127.0.0.1:8080", "localhost:8080", "null", 403},
	}
	for _, tt := range tests {
		f := newFixture(t, Bounds{})
		o := f.options(Bounds{})
		o.Listen = tt.listen
		var err error
		if f.service, err = newService(o); err != nil {
			t.Fatal(err)
		}
		r := request("GET", "/healthz", nil)
		r.Host = tt.host
		if tt.origin != "" {
			r.Header.Set("Origin", tt.origin)
		}
		if w := f.do(r); w.Code != tt.status {
			t.Errorf("%+v: %d %s", tt, w.Code, w.Body)
		}
	}
}

func TestWrongPlaces(t *testing.T) {
	f := newFixture(t, Bounds{})
	f.problem(f.do(request("GET", "/v1/nothing", nil)), 404, codeNotFound, "GET /")
	w := f.do(request("DELETE", "/v1/alerts", nil))
	f.problem(w, 405, codeMethod, "GET")
	if w.Header().Get("Allow") != "GET" {
		t.Errorf("%v", w.Header())
	}
	f.problem(f.do(request("GET", "/v1/events", nil)), 405, codeMethod, "POST")
	r := request("GET", "/v1/nothing", nil)
	r.Host = "evil.example"
	f.problem(f.do(r), 403, codeHost, "evil.example")
	if w := f.do(request("HEAD", "/healthz", nil)); w.Code != 200 {
		t.Errorf("HEAD: %d", w.Code)
	}
}

func TestReady(t *testing.T) {
	f := newFixture(t, Bounds{})
	get := func() (int, health) {
		w := f.do(request("GET", "/readyz", nil))
		var h health
		if err := json.Unmarshal(w.Body.Bytes(), &h); err != nil {
			t.Fatal(err)
		}
		return w.Code, h
	}
	f.status.Warnings = []string{"records were lost"}
	if code, h := get(); code != 200 || h.Status != "ready" || len(h.Reasons) != 0 || len(h.Warnings) != 1 {
		t.Errorf("%d %+v", code, h)
	}
	for _, change := range []func(*Status){
		func(st *Status) { st.Lag = time.Second + 1 },
		func(st *Status) { st.LogDown = "closed" },
		func(st *Status) { st.FreeDisk = st.Reserve - 1 },
	} {
		ok := f.status
		change(&f.status)
		if code, h := get(); code != 503 || h.Status != "not ready" || len(h.Reasons) != 1 || len(h.Warnings) != 1 {
			t.Errorf("%d %+v", code, h)
		}
		f.status = ok
	}
	f.status.Lag = time.Second
	if code, _ := get(); code != 200 {
		t.Errorf("%d at the bound", code)
	}
	f.expect(f.do(request("GET", "/healthz", nil)), 200, `{"status":"ok"}`)
}

// TestPlaces checks that the first page names each route once.
func TestPlaces(t *testing.T) {
	f := newFixture(t, Bounds{})
	text := f.do(request("GET", "/", nil)).Body.String()
	for _, rt := range f.routes() {
		if strings.Count(text, fmt.Sprintf("%-4s %-18s ", rt.Method, rt.Path)) != 1 {
			t.Errorf("%s %s does not stand once in\n%s", rt.Method, rt.Path, text)
		}
	}
}

func TestOpenAPI(t *testing.T) {
	f := newFixture(t, Bounds{})
	var d struct {
		OpenAPI    string
		Paths      map[string]map[string]struct{ Parameters []struct{ Name string } }
		Components struct{ Schemas map[string]any }
	}
	text := f.do(request("GET", "/openapi.json", nil)).Body.Bytes()
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	if d.OpenAPI != "3.1.0" || len(d.Components.Schemas) < 5 {
		t.Errorf("%.300s", text)
	}
	n := 0
	for _, rt := range f.routes() {
		if _, ok := d.Paths[rt.Path][strings.ToLower(rt.Method)]; !ok {
			t.Errorf("%s %s is missing", rt.Method, rt.Path)
		}
		n++
	}
	described := 0
	for _, methods := range d.Paths {
		described += len(methods)
	}
	if n != described {
		t.Errorf("%d routes, %d described", n, described)
	}
	for _, name := range regexp.MustCompile(`#/components/schemas/(\w+)`).FindAllSubmatch(text, -1) {
		if d.Components.Schemas[string(name[1])] == nil {
			t.Errorf("there is no schema %s", name[1])
		}
	}
}

// TestHTTPDocs checks that docs/http.md has each route, code and parameter, and no other code.
func TestHTTPDocs(t *testing.T) {
	page, err := os.ReadFile("../docs/http.md")
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t, Bounds{})
	for _, rt := range f.routes() {
		if !strings.Contains(string(page), "\n## `"+rt.Method+" "+rt.Path+"`\n") {
			t.Errorf("%s %s has no section", rt.Method, rt.Path)
		}
		for _, p := range rt.Parameters {
			if p.In != "path" && !strings.Contains(string(page), "`"+p.Name) {
				t.Errorf("%s %s: parameter %s is missing", rt.Method, rt.Path, p.Name)
			}
		}
	}
	var found []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| [0-9]{3}").FindAllStringSubmatch(string(page), -1) {
		found = append(found, m[1])
	}
	want := slices.Sorted(slices.Values(codes))
	if slices.Sort(found); !slices.Equal(found, want) {
		t.Errorf("documented: %v\nthere are:  %v", found, want)
	}
}

// TestMetricsDocs checks that docs/metrics.md has each metric, and no other.
func TestMetricsDocs(t *testing.T) {
	page, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(weir_\\w+)` \\| (\\w+) \\|").FindAllStringSubmatch(string(page), -1) {
		if documented[m[1]] != "" {
			t.Errorf("%s stands there twice", m[1])
		}
		documented[m[1]] = m[2]
	}
	f := newFixture(t, Bounds{})
	f.status.Rules = []string{"r"}
	f.status.Features = []string{"f"}
	f.status.Port = &Port{Clients: 1, Messages: 2, Lines: 3, Refused: []Refused{{Why: "busy", Messages: 4}}}
	f.status.Stats.Rules = []cep.RuleStats{{Alerts: 3, Refused: 5}}
	f.status.Stats.Features = []cep.FeatureStats{{Refused: 7}}
	f.status.Stats.State = cep.StateStats{Budget: 100, Bytes: 95, Rules: []cep.PartStats{{Bytes: 60, Closed: true}}, Features: []cep.PartStats{{Bytes: 35}}}
	f.status.Out = OutStatus{Waiting: 4, Published: []Published{{"late", 6}}}
	f.post("", mediaLines, good)
	text := f.do(request("GET", "/metrics", nil)).Body.String()
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (\w+) (\w+)$`).FindAllStringSubmatch(text, -1) {
		if strings.HasPrefix(m[1], "go_") || strings.HasPrefix(m[1], "process_") {
			continue
		}
		if documented[m[1]] != m[2] {
			t.Errorf("%s is a %s, documented as %q", m[1], m[2], documented[m[1]])
		}
		delete(documented, m[1])
	}
	for name := range documented {
		t.Errorf("%s is documented, and there is no such metric", name)
	}
	for _, line := range []string{
		`weir_http_requests_total{route="/v1/events",status="200"} 1`, `weir_http_events_accepted_total 1`, `weir_http_problems_total{code="busy"} 0`,
		`weir_state_bytes 95`, `weir_state_budget_bytes 100`, `weir_rule_closed{rule="r"} 1`, `weir_rule_refused_total{rule="r"} 5`, `weir_rule_state_bytes{rule="r"} 60`,
		`weir_feature_closed{feature="f"} 0`, `weir_feature_refused_total{feature="f"} 7`, `weir_feature_state_bytes{feature="f"} 35`,
		`weir_rule_alerts{kind="match",rule="r"} 3`, `weir_out_published_total{topic="late"} 6`, `weir_out_waiting 4`, `weir_out_up 1`, `weir_stream_readers 0`,
		`weir_ready 1`, `weir_http_body_memory_bytes 0`,
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("%s is missing", line)
		}
	}
}

// started starts a server over a fixture.
func started(t *testing.T, f *fixture, b Bounds) *Server {
	t.Helper()
	s, err := NewServer(f.options(b))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	s.Open()
	return s
}

func TestServer(t *testing.T) {
	defer goleak.VerifyNone(t)
	f := newFixture(t, Bounds{})
	s := started(t, f, Bounds{})
	transport := &http.Transport{}
	old := http.Client{Transport: transport}
	plain := &http.Transport{Protocols: new(http.Protocols)}
	plain.Protocols.SetUnencryptedHTTP2(true)
	for _, client := range []http.Client{old, {Transport: plain}} {
		answer, err := client.Post("http://"+s.Addr()+"/v1/events", mediaLines, strings.NewReader(numbered(3000, 1000)))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if answer.StatusCode != 200 || !strings.Contains(string(body), `"accepted":3000`) {
			t.Errorf("%s: %d %s", answer.Proto, answer.StatusCode, body)
		}
	}
	transport.CloseIdleConnections()
	plain.CloseIdleConnections()
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	select {
	case err := <-s.Failed():
		t.Error(err)
	default:
	}
}

// TestDrain shuts down while a request is on its way: it is carried out, or cut when the time
// is over.
func TestDrain(t *testing.T) {
	defer goleak.VerifyNone(t)
	for _, enough := range []bool{true, false} {
		f := newFixture(t, Bounds{})
		arrived, release := make(chan struct{}), make(chan struct{})
		f.log.before = func(int, []byte) error { close(arrived); <-release; return nil }
		s := started(t, f, Bounds{})
		answered := make(chan error)
		go func() {
			client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			answer, err := client.Post("http://"+s.Addr()+"/v1/events", mediaLines, strings.NewReader(good))
			if err == nil {
				answer.Body.Close()
			}
			answered <- err
		}()
		<-arrived
		wait := 50 * time.Millisecond
		if enough {
			wait = time.Minute
			time.AfterFunc(50*time.Millisecond, func() { close(release) })
		}
		ctx, cancel := context.WithTimeout(t.Context(), wait)
		err := s.Shutdown(ctx)
		cancel()
		if !enough {
			close(release)
		}
		if got := <-answered; (err == nil) != enough || (got == nil) != enough {
			t.Errorf("enough time: %v: %v, %v", enough, err, got)
		}
	}
}

// TestSlowBody sends the head of a request and some of its body, and no more.
func TestSlowBody(t *testing.T) {
	f := newFixture(t, Bounds{})
	s := started(t, f, Bounds{Slow: 200 * time.Millisecond, Rate: 1 << 20})
	c, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	begun := time.Now()
	fmt.Fprintf(c, "POST /v1/events HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nContent-Length: 1000\r\n\r\n%s\n", s.Addr(), mediaLines, good)
	c.SetReadDeadline(begun.Add(time.Minute))
	text, _ := io.ReadAll(c)
	if !strings.HasPrefix(string(text), "HTTP/1.1 408 ") || !strings.Contains(string(text), codeSlow) || time.Since(begun) < 200*time.Millisecond {
		t.Errorf("after %s: %s", time.Since(begun), text)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestNewServer(t *testing.T) {
	f := newFixture(t, Bounds{})
	for listen, part := range map[string]string{
		"0.0.0.0:8080": "--insecure-listen", ":8080": "--insecure-listen", "weir.example:80": "--insecure-listen",
		"8080": "host and port", "": "host and port",
	} {
		o := f.options(Bounds{})
		o.Listen = listen
		if _, err := NewServer(o); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q: %v", listen, err)
		}
	}
	o := f.options(Bounds{})
	o.Listen, o.Insecure = "0.0.0.0:0", true
	if _, err := NewServer(o); err != nil {
		t.Error(err)
	}
	taken := started(t, f, Bounds{})
	o.Listen = taken.Addr()
	s, err := NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("%v", err)
	}
	if err := taken.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}
