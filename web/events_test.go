package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"weir/cep"
)

const good = `{"type":"payment","ts":1,"card_id":"c1","amount":3}`

func TestPostEvents(t *testing.T) {
	tests := []struct {
		name, media, body, answer string
		lines                     []string
	}{
		{
			"lines", mediaLines, good + "\n" + good + "\n",
			`{"accepted":2,"rejected_count":0,"rejected":[],"position":"1-2"}`,
			[]string{good, good},
		},
		{
			"without a last newline, with a mark, returns and empty lines", mediaLines, "\xef\xbb\xbf\r\n" + good + "\r\n \n" + good,
			`{"accepted":2,"rejected_count":0,"rejected":[],"position":"1-2"}`,
			[]string{good, good},
		},
		{
			"with bad lines", mediaLines, "[]\n" + good + "\n\n" + `{"ts":1,"a":+1}` + "\n" + good,
			`{"accepted":2,"rejected_count":2,"rejected":[{"line":1,"column":1,"reason":"expected an event, which is a JSON object on a line of its own, found ` + "`" + `[` + "`" + `"},{"line":4,"column":13,"reason":"expected a value, found ` + "`+`" + `: a number begins with a digit or -"}],"position":"1-2"}`,
			[]string{good, good},
		},
		{"nothing", mediaLines, "", `{"accepted":0,"rejected_count":0,"rejected":[]}`, nil},
		{"one event", mediaJSON, " " + good + "\n", `{"accepted":1,"rejected_count":0,"rejected":[],"position":"1-1"}`, []string{good}},
		{"one event without white space", mediaJSON, good, `{"accepted":1,"rejected_count":0,"rejected":[],"position":"1-1"}`, []string{good}},
		{
			"one over lines", mediaJSON, "{\r\n \"ts\": 1,\n \"n\": [1,\n2]}",
			`{"accepted":1,"rejected_count":0,"rejected":[],"position":"1-1"}`,
			[]string{`{   "ts": 1,  "n": [1, 2]}`},
		},
		{
			"an array", mediaJSON, "[" + good + " ,\n" + good + "]\n",
			`{"accepted":2,"rejected_count":0,"rejected":[],"position":"1-2"}`,
			[]string{good, good},
		},
		{"an empty array", mediaJSON, "[ ]", `{"accepted":0,"rejected_count":0,"rejected":[]}`, nil},
		{
			"brackets and quotes in texts", mediaJSON, `[{"ts":1,"a":"]}\"\\"},{"ts":2,"b":"[{"}]`,
			`{"accepted":2,"rejected_count":0,"rejected":[],"position":"1-2"}`,
			[]string{`{"ts":1,"a":"]}\"\\"}`, `{"ts":2,"b":"[{"}`},
		},
		{
			"an array with bad values", mediaJSON, "[5, " + good + ",\n  \"x\",\n{\"ts\":1,\n \"ts\":2}, null]",
			`{"accepted":1,"rejected_count":4,"rejected":[{"line":1,"column":2,"reason":"expected an event, which is a JSON object on a line of its own, found ` + "`" + `5` + "`" + `"},{"line":2,"column":3,"reason":"expected an event, which is a JSON object on a line of its own, found ` + "`" + `\"` + "`" + `"},{"line":4,"column":2,"reason":"the name \"ts\" stands twice in one object"},{"line":4,"column":11,"reason":"expected an event, which is a JSON object on a line of its own, found ` + "`" + `n` + "`" + `"}],"position":"1-1"}`,
			[]string{good},
		},
		{
			"a newline in a text", mediaJSON, "[{\"ts\":1,\"a\":\"x\ny\"}]",
			`{"accepted":0,"rejected_count":1,"rejected":[{"line":1,"column":16,"reason":"expected the control character 0x0a in a string as an escape"}]}`, nil,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, Bounds{})
			f.expect(f.post("", tt.media+"; charset=utf-8", tt.body), 200, tt.answer)
			if !slices.Equal(f.log.lines, tt.lines) {
				t.Errorf("got %q\nwant %q", f.log.lines, tt.lines)
			}
		})
	}
}

func TestMalformed(t *testing.T) {
	for body, part := range map[string]string{
		"":                      "line 1, column 1 of the body: expected a JSON object or an array",
		"[" + good:              "column 53 of the body: expected a JSON object or an array",
		"[" + good + "," + "]":  "column 54 of the body: expected an event",
		good + "\n" + good:      "line 2, column 1 of the body: expected nothing after the end",
		"[" + good + "\n" + "x": "line 2, column 1 of the body: expected `,` or `]`",
		`[{"a":"`:               "column 2 of the body: expected an event that ends",
		"[,]":                   "column 2 of the body: expected an event",
		good + "x":              "column 52 of the body: expected nothing after",
	} {
		f := newFixture(t, Bounds{})
		f.problem(f.post("", mediaJSON, body), 400, codeBody, part)
		if len(f.log.lines) > 0 {
			t.Errorf("%q: %q was taken in", body, f.log.lines)
		}
	}
}

// TestRefused is about requests that are refused as a whole.
func TestRefused(t *testing.T) {
	large := strings.Repeat(good+"\n", 100)
	bounds := Bounds{Wire: 4000, Unpacked: 4500, Whole: 3000}
	tests := []struct {
		name, query, media, body string
		headers                  []string
		status                   int
		code, part               string
	}{
		{"text", "", "text/plain", good, nil, 415, codeMedia, "application/x-ndjson or application/json"},
		{"no type", "", "", good, nil, 415, codeMedia, `found ""`},
		{"charset", "", mediaLines + ";charset=latin1", good, nil, 415, codeMedia, "latin1"},
		{"encoding", "", mediaLines, good, []string{"Content-Encoding", "br"}, 415, codeEncoding, "gzip or zstd"},
		{"no gzip", "", mediaLines, good, []string{"Content-Encoding", "gzip"}, 400, codeEncoding, "damaged"},
		{"no zstd", "", mediaLines, good, []string{"Content-Encoding", "zstd"}, 400, codeEncoding, "damaged"},
		{"nothing in gzip", "", mediaLines, "", []string{"Content-Encoding", "gzip"}, 400, codeEncoding, "cut off"},
		{"nothing in zstd", "", mediaLines, "", []string{"Content-Encoding", "zstd"}, 400, codeEncoding, "cut off"},
		{"half a gzip", "", mediaLines, zipped("gzip", large)[:60], []string{"Content-Encoding", "gzip"}, 400, codeEncoding, "cut off"},
		{"half a zstd", "", mediaLines, zipped("zstd", large)[:60], []string{"Content-Encoding", "zstd"}, 400, codeEncoding, "cut off"},
		{"large", "", mediaLines, large, nil, 413, codeLarge, "at most 4000 bytes"},
		{"large in gzip", "", mediaLines, zipped("gzip", large), []string{"Content-Encoding", "gzip"}, 413, codeLarge, "4500 bytes once it is unpacked"},
		{"large in zstd", "", mediaLines, zipped("zstd", large), []string{"Content-Encoding", "zstd"}, 413, codeLarge, "4500 bytes once it is unpacked"},
		{"large as a whole", "?all_or_nothing=true", mediaLines, large[:3500], nil, 413, codeLarge, "at most 3000 bytes"},
		{"all or nothing", "?all_or_nothing=true", mediaLines, good + "\nx\n" + good, nil, 422, codeRejected, "1 lines are no events"},
		{"flag", "?all_or_nothing=yes", mediaLines, good, nil, 400, codeParameter, "true or false"},
		{"parameter", "?atomic=true", mediaLines, good, nil, 400, codeParameter, `no parameter "atomic", only all_or_nothing`},
		{"twice", "?all_or_nothing=true&all_or_nothing=false", mediaLines, good, nil, 400, codeParameter, "2 times"},
		{"query", "?%zz", mediaLines, good, nil, 400, codeParameter, "cannot be read"},
		{"key", "", mediaLines, good, []string{"Idempotency-Key", "ä"}, 400, codeParameter, "printable"},
		{"long key", "", mediaLines, good, []string{"Idempotency-Key", strings.Repeat("k", 256)}, 400, codeParameter, "255"},
		{"empty key", "", mediaLines, good, []string{"Idempotency-Key", ""}, 400, codeParameter, "1 to"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, bounds)
			f.problem(f.post(tt.query, tt.media, tt.body, tt.headers...), tt.status, tt.code, tt.part)
			if len(f.log.lines) > 0 {
				t.Errorf("%q was taken in", f.log.lines)
			}
		})
	}
}

func zipped(encoding, text string) string {
	var b bytes.Buffer
	switch encoding {
	case "gzip":
		z := gzip.NewWriter(&b)
		z.Write([]byte(text))
		z.Close()
	case "zstd":
		z, _ := zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1))
		z.Write([]byte(text))
		z.Close()
	default:
		return text
	}
	return b.String()
}

// TestAdmit is about what is refused before it is read.
func TestAdmit(t *testing.T) {
	f := newFixture(t, Bounds{LagBytes: 100, Behind: 50})
	ok := f.status
	for _, calm := range []Status{{LagBytes: 100, Lag: time.Second}, {LagBytes: 50, Lag: time.Minute}} {
		f.status.LagBytes, f.status.Lag = calm.LagBytes, calm.Lag
		if w := f.post("", mediaLines, good); w.Code != 200 {
			t.Errorf("%d bytes, %s behind: %d %s", calm.LagBytes, calm.Lag, w.Code, w.Body)
		}
	}
	f.log.calls = 0
	f.status.LagBytes = 101
	w := f.post("", mediaLines, good)
	f.problem(w, 429, codeBusy, "101 bytes")
	if w.Header().Get("Retry-After") != "1" {
		t.Errorf("no Retry-After: %v", w.Header())
	}
	f.status = ok
	f.status.LagBytes, f.status.Lag = 51, 1200*time.Millisecond
	f.problem(f.post("", mediaLines, good), 429, codeBusy, "1.2s behind, more than 1s, and 51 bytes")
	f.status.FreeDisk = 1
	f.problem(f.post("", mediaLines, good), 507, codeFull, "1 bytes are free")
	f.status = ok
	f.status.LogDown = "closed"
	f.problem(f.post("", mediaLines, good), 503, codeUnavailable, "does not answer")
	f.status = ok
	f.rs = nil
	f.problem(f.post("", mediaLines, good), 503, codeUnavailable, "no rules")
	if f.log.calls != 0 {
		t.Errorf("%d posts", f.log.calls)
	}
}

// TestErrors is about what Events says.
func TestErrors(t *testing.T) {
	for _, tt := range []struct {
		err    error
		status int
		code   string
	}{
		{fmt.Errorf("disk: %w", ErrFull), 507, codeFull},
		{ErrBusy, 429, codeBusy},
		{ErrUnavailable, 503, codeUnavailable},
		{errors.New("/secret/path"), 503, codeUnavailable},
	} {
		f := newFixture(t, Bounds{})
		f.log.before = func(int, []byte) error { return tt.err }
		w := f.post("", mediaLines, good)
		f.problem(w, tt.status, tt.code, "")
		if strings.Contains(w.Body.String(), "accepted") || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s", w.Body)
		}
		if named := strings.Contains(f.said.String(), "secret"); named != (tt.err.Error() == "/secret/path") {
			t.Errorf("logged: %s", f.said.String())
		}
	}
}

// numbered is a body of events with numbers, n lines of about size bytes.
func numbered(n, size int) string {
	var b strings.Builder
	fill := strings.Repeat("x", size)
	for i := range n {
		fmt.Fprintf(&b, `{"ts":%d,"fill":"%s"}`+"\n", i, fill)
	}
	return b.String()
}

// TestUnfinished fails in the third piece: the answer says what is durable, and a repetition
// with the same key brings the rest, without a line twice.
func TestUnfinished(t *testing.T) {
	for _, key := range []string{"", "k"} {
		f := newFixture(t, Bounds{})
		var headers []string
		if key != "" {
			headers = []string{"Idempotency-Key", key}
		}
		f.log.before = func(call int, _ []byte) error {
			if call == 3 {
				return ErrFull
			}
			return nil
		}
		body := "no\n" + numbered(5000, 1000)
		w := f.post("", mediaLines, body, headers...)
		var p Problem
		json.Unmarshal(w.Body.Bytes(), &p)
		if w.Code != 507 || p.Accepted == nil || *p.Accepted != uint64(len(f.log.lines)) || *p.Accepted < 1000 ||
			p.Position != fmt.Sprintf("1-%d", *p.Accepted) || p.RejectedCount != 1 || len(p.Rejected) != 1 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if key == "" {
			continue
		}
		f.problem(f.post("", mediaLines, numbered(5000, 1001), headers...), 422, codeKey, "another body")
		f.problem(f.post("", mediaLines, good, headers...), 422, codeKey, "another body")
		want := `{"accepted":5000,"rejected_count":1,"rejected":[{"line":1,"column":1,"reason":"expected an event, which is a JSON object on a line of its own, found ` + "`" + `n` + "`" + `"}],"position":"1-5000"}`
		f.expect(f.post("", mediaLines, body, headers...), 200, want)
		// The same from another process, and from this one.
		other, err := newService(f.options(Bounds{}))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []*service{other, other, f.service} {
			f.service = s
			f.expect(f.post("", mediaLines, body, headers...), 200, want)
		}
		if got := strings.Join(f.log.lines, "\n") + "\n"; "no\n"+got != body {
			t.Errorf("%d lines on the log", len(f.log.lines))
		}
	}
}

// TestWhole is about bodies of several pieces that are taken as a whole.
func TestWhole(t *testing.T) {
	f := newFixture(t, Bounds{})
	body := numbered(5000, 1000)
	f.expect(f.post("?all_or_nothing=true", mediaLines, body), 200, `{"accepted":5000,"rejected_count":0,"rejected":[],"position":"1-5000"}`)
	if got := strings.Join(f.log.lines, "\n") + "\n"; got != body {
		t.Errorf("%d lines on the log", len(f.log.lines))
	}
	f.problem(f.post("?all_or_nothing=true", mediaLines, body+"x"), 422, codeRejected, "1 lines")
	if len(f.log.lines) != 5000 {
		t.Errorf("%d lines on the log", len(f.log.lines))
	}
	f.log.calls, f.log.lines = 0, nil
	f.log.before = func(call int, _ []byte) error {
		if call == 2 {
			return ErrUnavailable
		}
		return nil
	}
	w := f.post("?all_or_nothing=true", mediaLines, body, "Idempotency-Key", "k")
	f.problem(w, 503, codeUnavailable, "")
	if n := len(f.log.lines); n == 0 || !strings.Contains(w.Body.String(), fmt.Sprintf(`"accepted":%d,"position":"1-%d"`, n, n)) {
		t.Errorf("%d lines on the log: %s", n, w.Body)
	}
	f.expect(f.post("?all_or_nothing=true", mediaLines, body, "Idempotency-Key", "k"), 200, `{"accepted":5000,"rejected_count":0,"rejected":[],"position":"1-5000"}`)
	if got := strings.Join(f.log.lines, "\n") + "\n"; got != body {
		t.Errorf("%d lines on the log", len(f.log.lines))
	}
}

// TestClientGone is a request whose client does not wait.
func TestClientGone(t *testing.T) {
	f := newFixture(t, Bounds{})
	ctx, cancel := context.WithCancel(t.Context())
	f.log.before = func(int, []byte) error { cancel(); return fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err()) }
	f.problem(f.do(request("POST", "/v1/events", strings.NewReader(good), "Content-Type", mediaLines).WithContext(ctx)), 400, codeBadRequest, "ended")
	if f.said.String() != "" {
		t.Errorf("%s", f.said.String())
	}
}

// TestKey is about requests that come again.
func TestKey(t *testing.T) {
	f := newFixture(t, Bounds{Repeat: time.Hour})
	key := []string{"Idempotency-Key", "order 66"}
	want := `{"accepted":1,"rejected_count":1,"rejected":[{"line":1,"column":1,"reason":"expected an event, which is a JSON object on a line of its own, found ` + "`" + `[` + "`" + `"}],"position":"1-1"}`
	for _, encoding := range []string{"", "gzip", "zstd"} {
		f.expect(f.post("", mediaLines, zipped(encoding, "[]\n"+good), append(key, "Content-Encoding", encoding)...), 200, want)
	}
	f.problem(f.post("", mediaLines, "[]\n"+good+"\n", key...), 422, codeKey, "another body")
	f.problem(f.post("", mediaLines, "[]", key...), 422, codeKey, "another body")
	f.problem(f.post("", mediaLines, "{}\n"+good, key...), 422, codeKey, "another body")
	f.expect(f.post("", mediaLines, "[]\n"+good, key...), 200, want)
	if len(f.log.lines) != 1 || f.log.calls != 1 {
		t.Errorf("%q", f.log.lines)
	}
	f.expect(f.post("", mediaLines, "\n", "Idempotency-Key", "empty"), 200, `{"accepted":0,"rejected_count":0,"rejected":[]}`)
	// Another process knows how many lines there were.
	f.log.lines = append(f.log.lines, "other")
	var err error
	if f.service, err = newService(f.options(Bounds{})); err != nil {
		t.Fatal(err)
	}
	f.problem(f.post("", mediaLines, "[]", key...), 422, codeKey, "another body")
	f.expect(f.post("", mediaLines, "[]\n"+good, key...), 200, want)
}

// TestKeyAtOnce sends a request eight times at once.
func TestKeyAtOnce(t *testing.T) {
	f := newFixture(t, Bounds{})
	f.log.before = func(int, []byte) error { time.Sleep(10 * time.Millisecond); return nil }
	body := numbered(3000, 1000)
	answers := make(chan *httptest.ResponseRecorder)
	for range 8 {
		go func() { answers <- f.post("", mediaLines, body, "Idempotency-Key", "k") }()
	}
	for range 8 {
		f.expect(<-answers, 200, `{"accepted":3000,"rejected_count":0,"rejected":[],"position":"1-3000"}`)
	}
	if got := strings.Join(f.log.lines, "\n") + "\n"; got != body {
		t.Errorf("%d lines on the log", len(f.log.lines))
	}
}

// TestHoles has parts of a request on the log, in any order.
func TestHoles(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		f := newFixture(t, Bounds{})
		key, _ := requestKey(request("POST", "/", nil, "Idempotency-Key", "k"))
		lines := strings.SplitAfter(numbered(30, 1), "\n")[:30]
		there := map[string]bool{}
		for range r.IntN(4) {
			first := r.IntN(30)
			n := 1 + r.IntN(30-first)
			f.log.posts[*key] = append(f.log.posts[*key], Range{uint64(first), uint64(n)})
			for _, line := range lines[first : first+n] {
				there[line] = true
			}
		}
		f.log.last[*key] = 9
		f.post("", mediaLines, strings.Join(lines, ""), "Idempotency-Key", "k")
		var want []string
		for _, line := range lines {
			if !there[line] {
				want = append(want, strings.TrimSpace(line))
			}
		}
		if !slices.Equal(f.log.lines, want) {
			t.Fatalf("%v\n got %q\nwant %q", f.log.posts[*key], f.log.lines, want)
		}
	}
}

// TestAnswersForget is about the bounds of what is remembered.
func TestAnswersForget(t *testing.T) {
	f := newFixture(t, Bounds{Answers: 2, Repeat: 2 * time.Second})
	for i := range 5 {
		f.post("", mediaLines, good, "Idempotency-Key", fmt.Sprint(i))
	}
	if kept, drops := f.answers.counts(); kept != 2 || drops != 3 {
		t.Errorf("%d kept, %d dropped", kept, drops)
	}
	f.service.answers.room = 900
	f.post("", mediaLines, good, "Idempotency-Key", "a")
	f.post("", mediaLines, strings.Repeat("x\n", 5), "Idempotency-Key", "b")
	if kept, drops := f.answers.counts(); kept != 1 || drops != 6 || f.answers.held > 900 {
		t.Errorf("%d kept, %d dropped, %d bytes", kept, drops, f.answers.held)
	}
	time.Sleep(2100 * time.Millisecond)
	f.post("", mediaLines, good, "Idempotency-Key", "new")
	if kept, drops := f.answers.counts(); kept != 1 || drops != 6 {
		t.Errorf("later: %d kept, %d dropped", kept, drops)
	}
}

// TestWait is about a body of which some is durable when the engine falls behind.
func TestWait(t *testing.T) {
	f := newFixture(t, Bounds{LagBytes: 10, Patience: 30 * time.Millisecond})
	body := numbered(4000, 1000)
	// It catches up in time, and the other time it does not.
	behind := &Status{FreeDisk: 2, Reserve: 1, LagBytes: 11}
	calm := &Status{FreeDisk: 2, Reserve: 1}
	asked := 0
	f.service.options.Status = func() *Status {
		if asked++; asked == 2 || asked == 3 {
			return behind
		}
		return calm
	}
	f.expect(f.post("", mediaLines, body), 200, `{"accepted":4000,"rejected_count":0,"rejected":[],"position":"1-4000"}`)
	asked = 0
	f.service.options.Status = func() *Status {
		if asked++; asked > 1 {
			return behind
		}
		return calm
	}
	w := f.post("", mediaLines, body)
	f.problem(w, 429, codeBusy, "11 bytes")
	if !strings.Contains(w.Body.String(), `"accepted":`+fmt.Sprint(len(f.log.lines)-4000)+",") {
		t.Errorf("%s", w.Body)
	}
}

// reference is what becomes of values, one after the other.
func reference(values []string) (lines []string, rejected int) {
	d := cep.NewDecoder(ruleset())
	var e cep.Event
	for _, v := range values {
		if d.Decode(v, &e) != nil {
			rejected++
		} else {
			lines = append(lines, strings.NewReplacer("\n", " ", "\r", " ").Replace(v))
		}
	}
	return lines, rejected
}

// TestPieces compares bodies of several pieces with their values read one by one.
func TestPieces(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	sizes := []int{0, 10, 300, leastSize - 60, leastSize, 300_000, maxLine - 22, maxLine - 21, maxLine, fullPiece - 20, fullPiece + 1, 3 << 20}
	for n := range 60 {
		media, end := mediaLines, "\n"
		if n%2 == 1 {
			media, end = mediaJSON, " ,\n "
		}
		var values []string
		for total := 0; total < 3<<20; {
			size := sizes[r.IntN(len(sizes))]
			v := `{"ts":1,"fill":"` + strings.Repeat(`x`, size) + `"}`
			switch r.IntN(8) {
			case 0:
				v = strings.Replace(v, ":", "::", 1)
			case 1:
				v = strings.Repeat(`"`, 2) + "" // a text
			case 2:
				if media == mediaJSON {
					v = strings.ReplaceAll(v, ",", ",\n\r")
				}
			}
			values = append(values, v)
			total += len(v)
		}
		lines, rejected := reference(values)
		body := strings.Join(values, end)
		if media == mediaJSON {
			body = "[" + body + "]"
		}
		f := newFixture(t, Bounds{})
		query, encoding := []string{"", "?all_or_nothing=false"}[r.IntN(2)], []string{"", "zstd"}[r.IntN(2)]
		f.bounds.Ratio = 1 << 30
		w := f.post(query, media, zipped(encoding, body), "Content-Encoding", encoding, "Idempotency-Key", "k")
		var a Answer
		json.Unmarshal(w.Body.Bytes(), &a)
		if w.Code != 200 || a.Accepted != uint64(len(lines)) || a.RejectedCount != uint64(rejected) || !slices.Equal(f.log.lines, lines) {
			t.Fatalf("case %d: %d, accepted %d of %d, rejected %d of %d: %.200s", n, w.Code, a.Accepted, len(lines), a.RejectedCount, rejected, w.Body)
		}
		if rejected > 0 {
			g := newFixture(t, Bounds{})
			g.bounds.Ratio = 1 << 30
			if w := g.post("?all_or_nothing=true", media, zipped(encoding, body), "Content-Encoding", encoding); w.Code != 422 || g.log.calls > 0 {
				t.Errorf("case %d: all or nothing: %d, %d posts", n, w.Code, g.log.calls)
			}
		}
	}
}

// TestLongLine is a line of 100 MB between two that are events: it is passed over.
func TestLongLine(t *testing.T) {
	f := newFixture(t, Bounds{Wire: 200 << 20})
	long := strings.Repeat("x", 100<<20)
	f.expect(f.post("", mediaLines, good+"\n"+long+"\n"+good), 200,
		`{"accepted":2,"rejected_count":1,"rejected":[{"line":2,"column":1048577,"reason":"expected at most 1048576 bytes in a line, found more"}],"position":"1-2"}`)
	f.expect(f.post("", mediaJSON, "["+good+",\n"+`{"a":"`+long+`"}`+","+good+"]"), 200,
		`{"accepted":2,"rejected_count":1,"rejected":[{"line":2,"column":1,"reason":"expected at most 1048576 bytes in a line, found more"}],"position":"1-4"}`)
	var e cep.Event
	if why := cep.NewDecoder(f.rs).Decode(strings.Repeat(" ", maxLine+1), &e); why == nil || why.Column != maxLine+1 {
		t.Errorf("the engine's reader takes longer lines: %v", why)
	}
}

// TestBombs are small bodies that unpack to much.
func TestBombs(t *testing.T) {
	for _, encoding := range []string{"gzip", "zstd"} {
		for _, media := range []string{mediaLines, mediaJSON} {
			f := newFixture(t, Bounds{})
			bomb := zipped(encoding, strings.Repeat("[", 64<<20))
			w := f.post("", media, bomb, "Content-Encoding", encoding)
			f.problem(w, 413, codeUnpacks, "at most 200 times")
			f = newFixture(t, Bounds{Ratio: 1 << 30, Unpacked: 32 << 20})
			f.problem(f.post("", media, bomb, "Content-Encoding", encoding), 413, codeLarge, "33554432")
		}
	}
	// A window of 64 MB, which a reader would have to keep.
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b, zstd.WithWindowSize(64<<20), zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	r := rand.NewChaCha8([32]byte{})
	text := make([]byte, 9<<20)
	r.Read(text)
	z.Write(text)
	z.Close()
	f := newFixture(t, Bounds{})
	f.problem(f.post("", mediaLines, b.String(), "Content-Encoding", "zstd"), 413, codeUnpacks, "window")
}

// TestMemory is about bodies that find no room.
func TestMemory(t *testing.T) {
	f := newFixture(t, Bounds{Memory: leastSize})
	f.expect(f.post("", mediaLines, good), 200, `{"accepted":1,"rejected_count":0,"rejected":[],"position":"1-1"}`)
	f.problem(f.post("", mediaLines, numbered(200, 1000)), 429, codeBusy, "too many large bodies")
	f.problem(f.post("", mediaLines, zipped("zstd", good), "Content-Encoding", "zstd"), 429, codeBusy, "too many large bodies")
	f.memory.take(1)
	f.problem(f.post("", mediaLines, good), 429, codeBusy, "too many large bodies")
	f.memory.give(1)
}
