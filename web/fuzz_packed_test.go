package web

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// FuzzPacked posts a body as it is, packed, and packed and damaged: a packed one is taken in
// as if it were not, and a damaged one is refused or has lines of its beginning.
func FuzzPacked(f *testing.F) {
	for _, body := range []string{good, good + "\n" + good, "[" + good + "]", "x\n" + good, strings.Repeat(good+"\n", 3000), strings.Repeat("\n", 300_000)} {
		for kind := range byte(4) {
			f.Add([]byte(body), kind, uint(len(body)/2), byte(1))
			f.Add([]byte(body), kind, uint(1<<20), byte(0))
		}
	}
	x := newFixture(f, Bounds{Ratio: 1 << 30})
	f.Fuzz(func(t *testing.T, body []byte, kind byte, at uint, flip byte) {
		x.t = t
		media, encoding := []string{mediaLines, mediaJSON}[kind&1], []string{"gzip", "zstd"}[kind>>1&1]
		post := func(body, encoding string) (status int, answer, lines string) {
			x.log.lines = nil
			w := x.post("", media, body, "Content-Encoding", encoding)
			return w.Code, w.Body.String(), strings.Join(x.log.lines, "\n")
		}
		status, answer, lines := post(string(body), "")
		packed := []byte(zipped(encoding, string(body)))
		if s, a, l := post(string(packed), encoding); s != status || a != answer || l != lines {
			t.Fatalf("%s: %d %s\nplain: %d %s", encoding, s, a, status, answer)
		}
		if flip == 0 {
			packed = packed[:at%uint(len(packed))]
		} else {
			packed[at%uint(len(packed))] ^= flip
		}
		s, a, l := post(string(packed), encoding)
		if s >= 500 || flip == 0 && s == 200 && lines != "" || s == 200 && l == "" && lines != "" && flip == 0 {
			t.Fatalf("damaged: %d %s", s, a)
		}
	})
}

// FuzzChange posts anything to the routes that take one JSON object.
func FuzzChange(f *testing.F) {
	for _, body := range []string{`{"to":"2026-01-02T03:04:05Z"}`, `{"reason":"x"}`, `{"to":5}`, `{"to":"x","to":"y"}`, "{", "[[[[", "\xef\xbb\xbf{}", `{"reason":"\ud800"}`} {
		f.Add([]byte(body), "application/json", true)
		f.Add([]byte(body), "application/json; charset=utf-8", false)
	}
	x := newFixture(f, Bounds{})
	f.Fuzz(func(t *testing.T, body []byte, media string, move bool) {
		x.t, x.log.advanced, x.losses.reason = t, -1, ""
		path := map[bool]string{true: "/v1/advance", false: "/v1/losses/ack"}[move]
		w := x.do(request("POST", path, strings.NewReader(string(body)), "Content-Type", media))
		if !slices.Contains([]int{200, 400, 413, 415, 422}, w.Code) {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if done := x.log.advanced != -1 || x.losses.reason != ""; done != (w.Code == 200) {
			t.Fatalf("%d %s: %d, %q", w.Code, w.Body, x.log.advanced, x.losses.reason)
		}
		if w.Code == 200 && !json.Valid(body) {
			t.Fatalf("%q was carried out", body)
		}
	})
}
