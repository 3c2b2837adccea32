package web

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/alerts"
	"weir/cep"
)

// memoryFeed is what is stored, in memory.
type memoryFeed struct {
	mu    sync.Mutex
	items []alerts.Placed
	first uint64 // that is kept
	heard chan struct{}
	home  string
}

func newMemoryFeed() *memoryFeed {
	return &memoryFeed{first: 1, heard: make(chan struct{}), home: "home"}
}

func (m *memoryFeed) After(order uint64, most, bytes int) (list []alerts.Placed, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	size := 0
	for _, p := range m.items {
		if p.Order > order && p.Order >= m.first && len(list) < most && size < bytes {
			list = append(list, p)
			size += len(p.Line)
		}
	}
	return list, nil
}

func (m *memoryFeed) Span() (first, last uint64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.first, uint64(len(m.items)), nil
}

func (m *memoryFeed) Since(at int64) (order uint64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.items {
		if p.DetectedAt < at {
			order = p.Order
		}
	}
	return order, nil
}

func (m *memoryFeed) Heard() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.heard
}

func (m *memoryFeed) Home() string { return m.home }

// store stores n alerts: every third is of high severity, and all have a text of some bytes.
func (m *memoryFeed) store(n, bytes int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for range n {
		order := uint64(len(m.items)) + 1
		it := alerts.Item{ID: fmt.Sprint("a_", order), Version: 1, Kind: cep.MatchAlert, Rule: "r", Revision: 1, Severity: "low", Action: "allow", DetectedAt: int64(order) * 1e9, Time: int64(order) * 1e9}
		if order%3 == 0 {
			it.Severity = "high"
		}
		it.Line = fmt.Appendf(nil, "{\"id\":%q,\r\"text\":%q}", it.ID, strings.Repeat("x", bytes))
		m.items = append(m.items, alerts.Placed{Item: it, Order: order})
	}
	close(m.heard)
	m.heard = make(chan struct{})
}

// heardEvent is an event of a stream.
type heardEvent struct{ id, kind, data string }

// reader reads a stream.
type reader struct {
	t      *testing.T
	answer *http.Response
	lines  *bufio.Scanner
	cancel context.CancelFunc
}

// listen begins to read a stream; encodings are those that the reader takes.
func listen(t *testing.T, s *Server, query, last string, encodings ...string) *reader {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, "GET", "http://"+s.Addr()+"/v1/stream"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	for _, e := range encodings {
		r.Header.Set("Accept-Encoding", e)
	}
	a, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Body.Close() })
	l := &reader{t: t, answer: a, lines: bufio.NewScanner(a.Body), cancel: cancel}
	l.lines.Buffer(nil, 16<<20)
	return l
}

// next is the next event of one of some kinds; false: the stream has ended.
func (l *reader) next(kinds ...string) (e heardEvent, ok bool) {
	l.t.Helper()
	for l.lines.Scan() {
		name, value, _ := strings.Cut(l.lines.Text(), ": ")
		switch name {
		case "id":
			e.id = value
		case "event":
			e.kind = value
		case "data":
			e.data = value
		case "":
			for _, k := range kinds {
				if e.kind == k {
					return e, true
				}
			}
			e = heardEvent{}
		}
	}
	return e, false
}

// alerts reads n alerts and gives their ids and those of the events.
func (l *reader) alerts(n int) string {
	l.t.Helper()
	var all []string
	for range n {
		e, ok := l.next("alert")
		if !ok {
			l.t.Fatalf("the stream ends after %v: %v", all, l.lines.Err())
		}
		var a struct{ ID string }
		if err := json.Unmarshal([]byte(e.data), &a); err != nil {
			l.t.Fatalf("%v: %s", err, e.data)
		}
		all = append(all, e.id+" "+a.ID)
	}
	return strings.Join(all, ", ")
}

func expectText(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// shut ends a server.
func shut(t *testing.T, s *Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}

// TestStream reads alerts as they come, from each place at which one may begin.
func TestStream(t *testing.T) {
	f := newFixture(t, Bounds{})
	s := started(t, f, Bounds{})
	f.feed.store(3, 10)
	now := listen(t, s, "", "")
	if got := now.answer.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("Content-Type %q", got)
	}
	high := listen(t, s, "?severity=high&after=home-1", "")
	last := listen(t, s, "?after=home-3", "home-2")
	since := listen(t, s, "?since=1970-01-01T00:00:03Z", "")
	all := listen(t, s, "?since=1970-01-01T00:00:00Z", "")
	f.feed.store(3, 10)
	expectText(t, now.alerts(3), "home-4 a_4, home-5 a_5, home-6 a_6")
	expectText(t, high.alerts(2), "home-3 a_3, home-6 a_6")
	expectText(t, last.alerts(4), "home-3 a_3, home-4 a_4, home-5 a_5, home-6 a_6")
	expectText(t, since.alerts(4), "home-3 a_3, home-4 a_4, home-5 a_5, home-6 a_6")
	expectText(t, all.alerts(6), "home-1 a_1, home-2 a_2, home-3 a_3, home-4 a_4, home-5 a_5, home-6 a_6")
	for _, l := range []*reader{now, high, last, since, all} {
		l.cancel()
	}
	shut(t, s)
}

// TestStreamGaps tells readers that the stream does not go on where they have been.
func TestStreamGaps(t *testing.T) {
	f := newFixture(t, Bounds{})
	s := started(t, f, Bounds{})
	f.feed.store(9, 10)
	f.feed.first = 5
	for _, c := range []struct{ last, gap, then string }{
		{"home-2", `{"reason":"deleted","missed":2}`, "home-5 a_5"},
		{"home-4", "", "home-5 a_5"},
		{"other-7", `{"reason":"unknown"}`, "home-5 a_5"},
		{"home-12", `{"reason":"unknown"}`, "home-10 a_10"},
	} {
		l := listen(t, s, "", c.last)
		if c.gap != "" {
			e, _ := l.next("gap", "alert")
			expectText(t, e.kind+" "+e.data, "gap "+c.gap)
		}
		if c.then == "home-10 a_10" {
			f.feed.store(1, 10)
		}
		expectText(t, l.alerts(1), c.then)
		l.cancel()
	}
	get := func(query string, headers ...string) *http.Request {
		return request("GET", "/v1/stream"+query, nil, headers...)
	}
	f.problem(f.do(get("", "Last-Event-ID", "7")), 400, codeParameter, "Last-Event-ID")
	f.problem(f.do(get("?after=home-07")), 400, codeParameter, "parameter after")
	f.problem(f.do(get("?after=home-1&since=1970-01-01T00:00:00Z")), 400, codeParameter, "since")
	f.problem(f.do(get("?since=")), 400, codeParameter, "empty")
	f.problem(f.do(get("?since=yesterday")), 400, codeParameter, "parameter since")
	f.problem(f.do(get("?topics=alerts,rules")), 400, codeParameter, "one of alerts, counters")
	f.problem(f.do(get("?format=xml")), 400, codeParameter, "cloudevents")
	f.problem(f.do(get("?severity=urgent")), 400, codeParameter, "severity")
	if w := f.do(request("HEAD", "/v1/stream", nil)); w.Code != 200 || w.Header().Get("Content-Type") != "text/event-stream" {
		t.Errorf("HEAD: %d %v", w.Code, w.Header())
	}
	shut(t, s)
}

// TestStreamTopics reads counters alone and beside alerts, and alerts as CloudEvents.
func TestStreamTopics(t *testing.T) {
	f := newFixture(t, Bounds{})
	f.status.Stats.Events, f.status.Stats.Rules = 7, []cep.RuleStats{{Alerts: 2, Timeouts: 1}}
	s := started(t, f, Bounds{})
	counting := listen(t, s, "?topics=counters", "")
	both := listen(t, s, "?topics=counters,alerts&format=cloudevents", "")
	f.feed.store(1, 10)
	e, _ := counting.next("counters", "alert")
	if e.kind != "counters" || e.id != "" || !strings.Contains(e.data, `"events":7,`) || !strings.Contains(e.data, `"alerts":3,`) {
		t.Errorf("%+v", e)
	}
	seen := map[string]heardEvent{}
	for len(seen) < 2 {
		e, ok := both.next("counters", "alert")
		if !ok {
			t.Fatalf("the stream has ended: %v", seen)
		}
		seen[e.kind] = e
	}
	var c map[string]any
	if err := json.Unmarshal([]byte(seen["alert"].data), &c); err != nil {
		t.Fatal(err)
	}
	data := c["data"].(map[string]any)
	expectText(t, fmt.Sprint(c["specversion"], " ", c["id"], " ", c["type"], " ", c["source"], " ", c["subject"], " ", c["severity"], " ", c["time"], " ", data["id"]),
		"1.0 a_1.1 weir.alert.match /weir r low 1970-01-01T00:00:01.000Z a_1")
	counting.cancel()
	both.cancel()
	shut(t, s)
}

// TestStreamBounds: there are only so many readers, one that takes nothing is dropped while
// others go on, and a server that ends does not wait for readers.
func TestStreamBounds(t *testing.T) {
	b := Bounds{Readers: 2, Drain: 100 * time.Millisecond}
	f := newFixture(t, b)
	server, err := NewServer(f.options(b))
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	server.Open()
	slow, err := net.Dial("tcp", server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	fmt.Fprintf(slow, "GET /v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
	begun := make([]byte, 1)
	if _, err := slow.Read(begun); err != nil {
		t.Fatal(err)
	}
	quick := listen(t, server, "", "")
	third := listen(t, server, "", "")
	if third.answer.StatusCode != http.StatusTooManyRequests || third.answer.Header.Get("Retry-After") != "1" {
		t.Errorf("the third reader: %d %v", third.answer.StatusCode, third.answer.Header)
	}
	dropped := func() string {
		for line := range strings.Lines(metricsOf(t, server)) {
			if n, ok := strings.CutPrefix(line, "weir_stream_dropped_total "); ok {
				return strings.TrimSpace(n)
			}
		}
		return ""
	}
	stored := 0
	for begin := time.Now(); dropped() != "1"; {
		if time.Since(begin) > 40*time.Second {
			t.Fatal("the slow reader is not dropped")
		}
		f.feed.store(4, 1<<20)
		stored += 4
		quick.alerts(4)
	}
	fourth := listen(t, server, fmt.Sprintf("?after=home-%d", stored-1), "")
	expectText(t, fourth.alerts(1), fmt.Sprintf("home-%d a_%d", stored, stored))
	shut(t, server)
	if _, ok := quick.next("alert"); ok {
		t.Error("a reader goes on after the end")
	}
}

// metricsOf are the metrics of a server.
func metricsOf(t *testing.T, s *Server) string {
	t.Helper()
	r, err := http.Get("http://" + s.Addr() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	defer http.DefaultClient.CloseIdleConnections()
	var b strings.Builder
	if _, err := bufio.NewReader(r.Body).WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestStreamCatchesUp: readers that begin far behind come up to the others, in order.
func TestStreamCatchesUp(t *testing.T) {
	f := newFixture(t, Bounds{})
	s := started(t, f, Bounds{})
	f.feed.store(1000, 10)
	const readers = 20
	var wait sync.WaitGroup
	for i := range readers {
		l := listen(t, s, "", fmt.Sprintf("home-%d", i*40))
		wait.Go(func() {
			for n := i*40 + 1; n <= 3000; n++ {
				if e, ok := l.next("alert"); !ok || e.id != fmt.Sprintf("home-%d", n) {
					t.Errorf("reader %d: got %+v, want %d", i, e, n)
					return
				}
			}
		})
	}
	for range 20 {
		f.feed.store(100, 10)
	}
	wait.Wait()
	shut(t, s)
}
