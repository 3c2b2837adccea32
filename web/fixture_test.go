package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"weir/cep"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memoryLog is a log of lines in memory.
type memoryLog struct {
	lock     sync.Mutex
	lines    []string
	posts    map[[16]byte][]Range
	last     map[[16]byte]uint64
	calls    int
	advanced int64
	before   func(call int, lines []byte) error // nil: nothing goes wrong
}

func (l *memoryLog) Post(ctx context.Context, lines []byte, count int, post *cep.Post) (cep.Position, error) {
	l.lock.Lock()
	l.calls++
	call := l.calls
	l.lock.Unlock()
	if l.before != nil {
		if err := l.before(call, lines); err != nil {
			return cep.Position{}, err
		}
	}
	l.lock.Lock()
	defer l.lock.Unlock()
	if n := bytes.Count(lines, newline); n != count || n == 0 || lines[len(lines)-1] != '\n' {
		return cep.Position{}, fmt.Errorf("%d lines were posted as %d", n, count)
	}
	for line := range strings.Lines(string(lines)) {
		l.lines = append(l.lines, strings.TrimSuffix(line, "\n"))
	}
	if post != nil {
		if post.Count != uint64(count) {
			return cep.Position{}, fmt.Errorf("%d lines were posted, and %d named", count, post.Count)
		}
		l.posts[post.Key] = append(l.posts[post.Key], Range{post.First, post.Count})
		l.last[post.Key] = uint64(len(l.lines))
	}
	return cep.Position{Incarnation: 1, Sequence: uint64(len(l.lines))}, ctx.Err()
}

func (l *memoryLog) Posted(_ context.Context, key [16]byte) (Posted, error) {
	l.lock.Lock()
	defer l.lock.Unlock()
	if len(l.posts[key]) == 0 {
		return Posted{Last: cep.Position{Incarnation: 1}}, nil
	}
	return Posted{Ranges: slices.Clone(l.posts[key]), Last: cep.Position{Incarnation: 1, Sequence: l.last[key]}}, nil
}

func (l *memoryLog) Advance(ctx context.Context, to int64) (cep.Position, error) {
	if l.before != nil {
		if err := l.before(0, nil); err != nil {
			return cep.Position{}, err
		}
	}
	l.advanced = to
	return cep.Position{Incarnation: 1, Sequence: 7}, ctx.Err()
}

// memoryAlerts are alerts in memory; they remember what they were asked.
type memoryAlerts struct {
	filter Filter
	limit  int
	after  string
	items  []json.RawMessage
	err    error
}

func (a *memoryAlerts) List(_ context.Context, f Filter, limit int, after string) ([]json.RawMessage, string, error) {
	a.filter, a.limit, a.after = f, limit, after
	return a.items, "more", a.err
}

func (a *memoryAlerts) Get(_ context.Context, id string) ([]json.RawMessage, bool, error) {
	if id == "a_panics" {
		panic("secret")
	}
	return a.items, id == "a_1", a.err
}

type memoryLosses struct{ reason string }

func (l *memoryLosses) AckLosses(_ context.Context, who cep.Audit) (int, error) {
	l.reason = who.Reason
	return 2, nil
}

// fixture is a service over things in memory.
type fixture struct {
	*service
	t      testing.TB
	log    *memoryLog
	alerts *memoryAlerts
	losses *memoryLosses
	lists  *memoryLists
	audit  *memoryAudit
	feed   *memoryFeed
	status Status
	rs     *cep.Ruleset
	said   lockedBuffer // what was logged
}

type lockedBuffer struct {
	lock sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.lock.Lock()
	defer b.lock.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.lock.Lock()
	defer b.lock.Unlock()
	return b.text.String()
}

func ruleset() *cep.Ruleset {
	return &cep.Ruleset{
		Fields: []string{"card_id", "amount", "status", "merchant_id"},
		Types: []cep.Type{{Name: "payment", Schema: &cep.Schema{Time: "ts", Fields: map[string]cep.Kind{
			"ts": cep.Time, "card_id": cep.Text, "merchant_id": cep.Text, "amount": cep.Number, "status": cep.Text,
		}}}},
	}
}

func newFixture(t testing.TB, b Bounds) *fixture {
	t.Helper()
	f := &fixture{
		t:   t,
		log: &memoryLog{posts: map[[16]byte][]Range{}, last: map[[16]byte]uint64{}}, alerts: &memoryAlerts{}, losses: &memoryLosses{}, lists: newMemoryLists(), audit: &memoryAudit{}, feed: newMemoryFeed(),
		status: Status{FreeDisk: 2 << 30, Reserve: 1 << 30}, rs: ruleset(),
	}
	var err error
	f.service, err = newService(f.options(b))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if held := f.memory.held.Load(); held != 0 {
			t.Errorf("%d bytes of bodies are still counted", held)
		}
	})
	return f
}

func (f *fixture) options(b Bounds) Options {
	return Options{
		Listen: "127.0.0.1:0", Version: "v1",
		Events: f.log, Alerts: f.alerts, Losses: f.losses, Lists: f.lists, Audit: f.audit, Feed: f.feed,
		Rulebook: new(memoryRules),
		Compare:  func(before, after string) (string, []string) { return before + "|" + after, []string{} },
		Ruleset:  func() *cep.Ruleset { return f.rs }, Status: func() *Status { return &f.status },
		Log: slog.New(slog.NewTextHandler(&f.said, nil)), Bounds: b,
	}
}

// request is one to the service; headers are NAME, VALUE, and so on.
func request(method, path string, body io.Reader, headers ...string) *http.Request {
	r := httptest.NewRequest(method, path, body)
	r.Host = "localhost:8080"
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// do sends a request, and checks that a problem is one.
func (f *fixture) do(r *http.Request) *httptest.ResponseRecorder {
	f.t.Helper()
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	if w.Code >= 400 && r.URL.Path != "/readyz" {
		var p Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Header().Get("Content-Type") != "application/problem+json" ||
			p.Status != w.Code || p.Title != http.StatusText(w.Code) || p.Detail == "" || !slices.Contains(codes, p.Code) || p.Type != "about:blank" {
			f.t.Errorf("%s %s: %d without a problem: %s", r.Method, r.URL, w.Code, w.Body)
		}
	}
	return w
}

// post posts events.
func (f *fixture) post(query, media, body string, headers ...string) *httptest.ResponseRecorder {
	f.t.Helper()
	return f.do(request("POST", "/v1/events"+query, strings.NewReader(body), append([]string{"Content-Type", media}, headers...)...))
}

func (f *fixture) expect(w *httptest.ResponseRecorder, status int, body string) {
	f.t.Helper()
	if got := strings.TrimSpace(w.Body.String()); w.Code != status || got != body {
		f.t.Errorf("got %d %s\nwant %d %s", w.Code, got, status, body)
	}
}

// problem checks for a problem with a code, whose text has a part.
func (f *fixture) problem(w *httptest.ResponseRecorder, status int, code, part string) {
	f.t.Helper()
	var p Problem
	json.Unmarshal(w.Body.Bytes(), &p)
	if w.Code != status || p.Code != code || !strings.Contains(p.Detail, part) {
		f.t.Errorf("got %d %s\nwant %d %s %q", w.Code, strings.TrimSpace(w.Body.String()), status, code, part)
	}
}
