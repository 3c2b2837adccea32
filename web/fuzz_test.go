package web

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"weir/cep"
)

// FuzzPostEvents posts anything: what is taken in are events, one a line, and the answer
// counts them; nothing is held afterwards.
func FuzzPostEvents(f *testing.F) {
	for _, body := range []string{
		good, "[" + good + "]", good + "\n" + good, `[{"ts":1},{"ts":2,"a":[{}]}]`, "[[[[", `{"a":"\`, "\xef\xbb\xbf" + good, "[" + good + "\n,5,\"x\"]", "\r\n \n",
		strings.Repeat(`{"a":`, 100), zipped("gzip", good), zipped("zstd", good), zipped("zstd", strings.Repeat("x", 1<<20)),
	} {
		for kind := range byte(16) {
			f.Add([]byte(body), kind)
		}
	}
	x := newFixture(f, Bounds{Unpacked: 4 << 20})
	f.Fuzz(func(t *testing.T, body []byte, kind byte) {
		x.t, x.log.lines = t, nil
		media := []string{mediaLines, mediaJSON}[kind&1]
		encoding := []string{"", "gzip", "zstd", "identity"}[kind>>1&3]
		query := []string{"", "?all_or_nothing=true"}[kind>>3&1]
		w := x.post(query, media, string(body), "Content-Encoding", encoding)
		var a struct {
			Accepted *uint64
			Rejected []Reject
		}
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || !utf8.Valid(w.Body.Bytes()) {
			t.Fatalf("%d %q", w.Code, w.Body)
		}
		if held := x.memory.held.Load(); held != 0 {
			t.Fatalf("%d bytes are still counted", held)
		}
		if w.Code >= 500 || w.Code == 200 && *a.Accepted != uint64(len(x.log.lines)) || w.Code != 200 && a.Accepted == nil && len(x.log.lines) > 0 {
			t.Fatalf("%d %s: %q", w.Code, w.Body, x.log.lines)
		}
		d := cep.NewDecoder(x.rs)
		var e cep.Event
		for _, line := range x.log.lines {
			if d.Decode(line, &e) != nil || strings.ContainsAny(line, "\r\n") {
				t.Fatalf("%q was taken in", line)
			}
		}
		for _, r := range a.Rejected {
			if r.Line < 1 || r.Column < 1 {
				t.Fatalf("rejected at %+v", r)
			}
		}
		if (encoding == "" || encoding == "identity") && media == mediaLines && w.Code == 200 && query == "" {
			var values []string
			for line := range strings.SplitSeq(strings.TrimPrefix(string(body), "\xef\xbb\xbf"), "\n") {
				if line = strings.TrimRight(line, " \t\r"); line != "" {
					values = append(values, line)
				}
			}
			if lines, _ := reference(values); !slices.Equal(lines, x.log.lines) {
				t.Fatalf("got %q, want %q", x.log.lines, lines)
			}
		}
		if media == mediaJSON && w.Code == 200 && query == "" && encoding == "" {
			compareArray(t, body, x.log.lines, len(a.Rejected))
		}
	})
}

// compareArray checks what was cut from a body of JSON by means of another reader.
func compareArray(t *testing.T, body []byte, lines []string, rejected int) {
	var values []json.RawMessage
	text := strings.TrimPrefix(string(body), "\xef\xbb\xbf")
	if json.Unmarshal([]byte(text), &values) != nil {
		values = []json.RawMessage{json.RawMessage(strings.Trim(text, " \r\n\t"))}
		if !json.Valid(values[0]) {
			return // values in it that are no JSON were rejected one by one
		}
	}
	var all []string
	for _, v := range values {
		all = append(all, string(v))
	}
	if want, n := reference(all); !slices.Equal(want, lines) || min(n, mostRejects) != rejected {
		t.Fatalf("got %q and %d rejected, want %q and %d", lines, rejected, want, n)
	}
}

// FuzzGet asks for anything.
func FuzzGet(f *testing.F) {
	for _, target := range []string{"/v1/alerts?key=a:b&limit=5", "/v1/alerts/a_1", "/v1/alerts/%00", "/?x", "//", "/v1/alerts?from=2026-01-02T03:04:05Z&to=x", "/v1/alerts?limit=1&limit=2"} {
		f.Add("localhost", target, "")
	}
	f.Add("[::1]:80", "/healthz", "http://[::1]:80")
	f.Add("evil", "/readyz", "null")
	x := newFixture(f, Bounds{})
	f.Fuzz(func(t *testing.T, host, target, origin string) {
		x.t = t
		r := request("GET", "/", nil, "Origin", origin)
		path, query, _ := strings.Cut(target, "?")
		r.Host, r.URL.Path, r.URL.RawQuery = host, path, query
		if w := x.do(r); w.Code == 500 || w.Code == 200 && !x.host.allows(host) {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	})
}
