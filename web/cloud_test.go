package web

import (
	"fmt"
	"strings"
	"testing"

	"weir/cep"
)

// TestCloudEvents posts CloudEvents in each mode: what is on the log, and what is rejected.
func TestCloudEvents(t *testing.T) {
	f := newFixture(t, Bounds{})
	f.rs.Types = append(f.rs.Types,
		cep.Type{Name: "login", Schema: &cep.Schema{Time: "seen_at_by_the_service_that_took_it_in", ID: "identifier_of_the_login", Fields: map[string]cep.Kind{"seen_at_by_the_service_that_took_it_in": cep.Time, "identifier_of_the_login": cep.Text}}},
		cep.Type{Name: "beat", Schema: &cep.Schema{Arrival: true, Fields: map[string]cep.Kind{"n": cep.Number}}},
	)
	one := func(more string) string {
		return `{"specversion":"1.0","id":"e1","source":"/s","time":"2026-01-02T03:04:05Z",` + more + `}`
	}
	line := func(want string) {
		t.Helper()
		if n := len(f.log.lines); n == 0 || f.log.lines[n-1] != want {
			t.Errorf("on the log is %v\nwant %s", f.log.lines, want)
		}
	}
	posted := func(media, body string, headers ...string) {
		t.Helper()
		if w := f.post("", media, body, headers...); w.Code != 200 || !strings.Contains(w.Body.String(), `"accepted":1,"rejected_count":0`) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	posted(mediaCloud, one(`"type":"payment","data":{"card_id":"c1","amount":5}`))
	line(`{"type":"payment","id":"e1","ts":"2026-01-02T03:04:05Z","card_id":"c1","amount":5}`)
	posted(mediaCloud, "\n"+one("\"type\":\"com.shop.payment.made\",\n\"data\":{\"id\":\"own\",\r\n\"type\":\"payment\", \"ts\":\"2026-01-02T00:00:00Z\"}")+"\n")
	line(`{"id":"own",  "type":"payment", "ts":"2026-01-02T00:00:00Z"}`)
	posted(mediaCloud, one(`"type":"shop.other","data":{}`))
	line(`{"type":"other","id":"e1","ts":"2026-01-02T03:04:05Z"}`)
	posted(mediaCloud, one(`"type":"login","data":{"user":"u"}`)) // longer than it came
	line(`{"type":"login","identifier_of_the_login":"e1","seen_at_by_the_service_that_took_it_in":"2026-01-02T03:04:05Z","user":"u"}`)
	posted(mediaCloud, one(`"type":"beat","data":{"n":1}`))
	line(`{"type":"beat","id":"e1","n":1}`)
	posted(mediaJSON, `{"card_id":"c2"}`, "ce-specversion", "1.0", "ce-id", "caf%C3%A9", "ce-source", "/s", "ce-type", "payment", "ce-time", "2026-01-02T03:04:05Z")
	line(`{"type":"payment","id":"café","ts":"2026-01-02T03:04:05Z","card_id":"c2"}`)

	// A batch: those that are no events are named by their number.
	batch := "[" + strings.Join([]string{
		one(`"type":"payment","data":{"card_id":"c3"}`),
		one(`"type":"payment","data":7`),
		one(`"type":"payment","data_base64":"e30="`),
		one(`"type":"payment","data":{"type":"login"}`),
		one(`"type":"","data":{}`),
		`{"specversion":"0.3","id":"e1","source":"/s","type":"payment","data":{}}`,
		`{"specversion":"1.0","id":"e1","source":"/s","type":"payment","time":"soon","data":{}}`,
		`7`,
		one(`"type":"payment","data":{"card_id":"c4"}`),
	}, ",") + "]"
	w := f.post("", mediaBatch, batch)
	for _, part := range []string{`"accepted":2,"rejected_count":7`, `"line":2,`, `"line":3,`, `"line":4,`, `"line":5,`, `"line":6,`, `"line":7,`, `"line":8,`, `data_base64`, `specversion 1.0`, `found \"login\"`} {
		if !strings.Contains(w.Body.String(), part) {
			t.Errorf("%s is missing: %s", part, w.Body)
		}
	}
	line(`{"type":"payment","id":"e1","ts":"2026-01-02T03:04:05Z","card_id":"c4"}`)
	f.expect(f.post("", mediaBatch, "[ ]"), 200, `{"accepted":0,"rejected_count":0,"rejected":[]}`)

	for _, c := range []struct{ media, body, part string }{
		{mediaCloud, `{"specversion":`, "CloudEvent 1"},
		{mediaCloud, ``, "CloudEvent 1"},
		{mediaCloud, one(`"type":"payment","data":{}`) + "{}", "nothing after"},
		{mediaBatch, `{}`, "array"},
		{mediaBatch, `[{}`, "CloudEvent 2"},
		{mediaBatch, `[{},]`, "CloudEvent 2"},
		{mediaBatch, `[]x`, "nothing after"},
	} {
		f.problem(f.post("", c.media, c.body), 400, codeBody, c.part)
	}
	f.problem(f.post("", mediaCloud, one(`"type":"payment","data":{"x":"`+strings.Repeat("x", 2<<20)+`"}`)), 413, codeLarge, "CloudEvent 1")
	f.problem(f.post("", mediaJSON, `{}`, "ce-specversion", "1.0", "ce-id", "%zz"), 400, codeParameter, "ce-id")
	f.problem(f.post("?all_or_nothing=true", mediaBatch, batch), 422, codeRejected, "7 lines")
}

// TestCloudEventsRepeated repeats a large batch under a key: it is taken in once.
func TestCloudEventsRepeated(t *testing.T) {
	f := newFixture(t, Bounds{})
	var b strings.Builder
	const n = 30_000
	for i := range n {
		fmt.Fprintf(&b, `,{"specversion":"1.0","id":"e%d","source":"/s","type":"payment","time":"2026-01-02T03:04:05Z","data":{"card_id":"c%d","amount":5}}`, i, i%9)
	}
	body := "[" + b.String()[1:] + "]"
	for range 2 {
		w := f.post("", mediaBatch, body, "Idempotency-Key", "k")
		f.expect(w, 200, fmt.Sprintf(`{"accepted":%d,"rejected_count":0,"rejected":[],"position":"1-%d"}`, n, n))
	}
	if len(f.log.lines) != n {
		t.Errorf("%d lines, want %d", len(f.log.lines), n)
	}
	f.problem(f.post("", mediaBatch, strings.Replace(body, "c1", "c2", 1), "Idempotency-Key", "k"), 422, codeKey, "another body")
}
