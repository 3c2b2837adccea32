package web

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// valid is for each route a request that it carries out.
var valid = map[string]struct{ target, media, body, part string }{
	"POST /v1/events":     {"/v1/events", mediaLines, good, `"accepted":1`},
	"POST /v1/advance":    {"/v1/advance", mediaJSON, `{"to":"2026-01-02T03:04:05Z"}`, `"position":"1-7"`},
	"GET /v1/alerts":      {"/v1/alerts?limit=5", "", "", `"items":[`},
	"GET /v1/alerts/{id}": {"/v1/alerts/a_1", "", "", `"versions":[`},
	"GET /v1/stream":      {"/v1/stream?topics=alerts,counters", "", "", "retry: 1000"},
	"POST /v1/losses/ack": {"/v1/losses/ack", mediaJSON, `{"reason":"known of"}`, `"acknowledged":2`},
	"GET /healthz":        {"/healthz", "", "", `"ok"`},
	"GET /readyz":         {"/readyz", "", "", `"ready"`},
	"GET /metrics":        {"/metrics", "", "", "weir_ready 1"},
	"GET /openapi.json":   {"/openapi.json", "", "", `"openapi":"3.1.0"`},
	"GET /":               {"/", "", "", "/v1/events"},
}

// TestNoSuchPlace asks for what is not there, also with methods that nobody knows.
func TestNoSuchPlace(t *testing.T) {
	f := newFixture(t, Bounds{})
	for _, method := range []string{"GET", "HEAD", "POST", "OPTIONS", "PURGE", "get", "FOO"} {
		for _, path := range []string{"/nowhere", "/v1", "/v1/", "//v1/alerts"} {
			w := f.do(request(method, path, nil))
			if f.problem(w, 404, codeNotFound, "nothing here"); w.Header().Get("Allow") != "" {
				t.Errorf("%s %s: Allow %q", method, path, w.Header().Get("Allow"))
			}
		}
	}
}

// TestEachRoute asks each route for what it does, and then in each way that is refused.
func TestEachRoute(t *testing.T) {
	f := newFixture(t, Bounds{})
	f.alerts.items = []json.RawMessage{json.RawMessage(`{"id":"a_1"}`)}
	if len(valid) != len(f.routes()) {
		t.Errorf("%d routes are tried, and there are %d", len(valid), len(f.routes()))
	}
	for _, rt := range f.routes() {
		name := rt.Method + " " + rt.Path
		v, ok := valid[name]
		if !ok {
			t.Errorf("%s is not tried", name)
			continue
		}
		t.Run(name, func(t *testing.T) {
			f.t = t
			ask := func(method, target, media, body string, headers ...string) *http.Request {
				r := request(method, target, strings.NewReader(body), headers...)
				if media != "" {
					r.Header.Set("Content-Type", media)
				}
				return r
			}
			first := ask(rt.Method, v.target, v.media, v.body)
			if rt.Path == "/v1/stream" { // it does not end by itself
				gone, cancel := context.WithCancel(first.Context())
				cancel()
				first = first.WithContext(gone)
			}
			if w := f.do(first); w.Code != 200 || !strings.Contains(w.Body.String(), v.part) {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			calls := f.log.calls
			var allowed []string
			for _, method := range []string{"GET", "POST", "PUT", "DELETE"} {
				if _, ok := valid[method+" "+rt.Path]; ok {
					allowed = append(allowed, method)
				}
			}
			for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY", "get", strings.Repeat("X", 5000)} {
				if slices.Contains(allowed, method) {
					continue
				}
				w := f.do(ask(method, v.target, v.media, v.body, "Access-Control-Request-Method", rt.Method))
				if f.problem(w, 405, codeMethod, rt.Method); !slices.Equal(w.Header().Values("Allow"), allowed) || w.Body.Len() > 1000 {
					t.Errorf("%.20s: Allow %q: %.300s", method, w.Header().Get("Allow"), w.Body)
				}
				for name := range w.Header() {
					if strings.HasPrefix(name, "Access-Control") {
						t.Errorf("%s: %s", method, name)
					}
				}
			}
			r := ask(rt.Method, v.target, v.media, v.body)
			r.Host = "evil.example"
			f.problem(f.do(r), 403, codeHost, "evil.example")
			for _, origin := range []string{"http://evil.example", "null", "http://localhost:80", "http://user@evil.example", "localhost:8080", "http://%zz", ""} {
				f.problem(f.do(ask(rt.Method, v.target, v.media, v.body, "Origin", origin)), 403, codeOrigin, "another host")
			}
			join := "?"
			if strings.Contains(v.target, "?") {
				join = "&"
			}
			long := strings.Repeat("x", 50_000)
			for _, query := range []string{"unknown=1", "unknown", "%zz", ";", long + "=1", "unknown=" + long, strings.Repeat("a=&", 20_000)} {
				w := f.do(ask(rt.Method, v.target+join+query, v.media, v.body))
				if f.problem(w, 400, codeParameter, ""); w.Body.Len() > 2000 {
					t.Errorf("%.20s: an answer of %d bytes", query, w.Body.Len())
				}
			}
			if rt.Path != "/" {
				for _, target := range []string{v.target, strings.ToUpper(rt.Path)} {
					path, _, _ := strings.Cut(target, "?")
					if target == v.target {
						path += "/"
					}
					f.problem(f.do(ask(rt.Method, path, v.media, v.body)), 404, codeNotFound, "")
				}
			}
			if rt.media == nil {
				if calls != f.log.calls {
					t.Error("events were taken in")
				}
				return
			}
			for _, media := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", v.media + "x", v.media + ";", "/", v.media + "; charset=utf-16", v.media + ", text/plain", long} {
				w := f.do(ask(rt.Method, v.target, media, v.body))
				if media == v.media+";" { // nothing is said by it
					if w.Code != 200 {
						t.Errorf("%d %s", w.Code, w.Body)
					}
					calls = f.log.calls
					continue
				}
				if f.problem(w, 415, codeMedia, ""); w.Body.Len() > 2000 {
					t.Errorf("an answer of %d bytes", w.Body.Len())
				}
			}
			for _, encoding := range []string{"br", "gzip, gzip", "x-gzip", "gzip;q=1", long} {
				if w := f.do(ask(rt.Method, v.target, v.media, v.body, "Content-Encoding", encoding)); w.Body.Len() > 2000 {
					t.Errorf("an answer of %d bytes", w.Body.Len())
				} else {
					f.problem(w, 415, codeEncoding, "")
				}
			}
			large := ask(rt.Method, v.target, v.media, strings.Repeat(" ", 33<<20))
			f.problem(f.do(large), 413, codeLarge, "at most")
			large = ask(rt.Method, v.target, v.media, strings.Repeat(" ", 33<<20))
			large.ContentLength = -1
			f.problem(f.do(large), 413, codeLarge, "at most")
			if calls != f.log.calls {
				t.Error("events were taken in")
			}
		})
	}
}

// TestSmallBodies are wrong bodies of the routes that take one JSON object.
func TestSmallBodies(t *testing.T) {
	f := newFixture(t, Bounds{})
	for path, member := range map[string]string{"/v1/advance": "to", "/v1/losses/ack": "reason"} {
		for _, body := range []string{
			"", " ", "null", "5", `"x"`, "[]", "{", `{"` + member + `"}`, `{"` + member + `":null}`, `{"` + member + `":{}}`, `{"` + member + `":["x"]}`,
			`{"` + strings.ToUpper(member) + `":"x"}`, `{"` + member + `":"x","` + member + `":"x"}`, `{"` + member + `":"x","more":1}`, `{"` + member + `":"x"}{}`,
			"\xef\xbb\xbf{}", "\x00", `{"` + member + "\":\"\x00\"}", `{"` + member + "\":\"\xff\"}", `{"` + member + `":"\ud800"}`,
			strings.Repeat("[", 60_000), strings.Repeat(`{"a":`, 12_000), `{"` + member + `":` + strings.Repeat("9", 60_000) + "}",
		} {
			w := f.do(request("POST", path, strings.NewReader(body), "Content-Type", mediaJSON))
			var p Problem
			json.Unmarshal(w.Body.Bytes(), &p)
			if w.Code != 400 && w.Code != 422 || p.Code != codeBody || w.Body.Len() > 1000 {
				t.Errorf("%s %.60q: %d %.300s", path, body, w.Code, w.Body)
			}
		}
	}
	for _, to := range []string{"", "1", "2026", "2026-01-02", "2026-13-02T03:04:05Z", "9999-12-31T23:59:59Z", "-001-01-02T03:04:05Z", "2026-01-02T03:04:05", strings.Repeat("2", 50_000)} {
		body, _ := json.Marshal(advance{To: to})
		f.problem(f.do(request("POST", "/v1/advance", strings.NewReader(string(body)), "Content-Type", mediaJSON)), 422, codeBody, "expected a time")
	}
	if f.log.advanced != 0 || f.losses.reason != "" {
		t.Errorf("advanced to %d, acknowledged for %q", f.log.advanced, f.losses.reason)
	}
}

// TestStrangePaths asks for alerts whose ids are none.
func TestStrangePaths(t *testing.T) {
	f := newFixture(t, Bounds{})
	for _, id := range []string{"%00", "..", "%2e%2e", "a%2Fb", "%ff", "a_1%20", "A_1", "'", strings.Repeat("x", 60_000)} {
		w := f.do(request("GET", "/v1/alerts/"+id, nil))
		if f.problem(w, 404, codeNotFound, ""); w.Body.Len() > 1000 {
			t.Errorf("%.20s: an answer of %d bytes", id, w.Body.Len())
		}
	}
}

// TestWire sends what is hardly HTTP, over a connection.
func TestWire(t *testing.T) {
	f := newFixture(t, Bounds{})
	s := started(t, f, Bounds{})
	host := "Host: " + s.Addr() + "\r\n"
	const end = "Connection: close\r\n\r\n"
	post := "POST /v1/events HTTP/1.1\r\n" + host + "Content-Type: application/x-ndjson\r\nConnection: close\r\n"
	long := strings.Repeat("x", 100<<10)
	for _, tt := range []struct{ name, text, status, part string }{
		{"a request", "GET /healthz HTTP/1.1\r\n" + host + end, "200 ", "ok"},
		{"a long header", "GET /healthz HTTP/1.1\r\n" + host + "X: " + long + "\r\n" + end, "431 ", ""},
		{"many headers", "GET /healthz HTTP/1.1\r\n" + host + strings.Repeat("X: y\r\n", 20_000) + end, "431 ", ""},
		{"a long query", "GET /v1/alerts?rule=" + long + " HTTP/1.1\r\n" + host + end, "431 ", ""},
		{"a long path", "GET /v1/alerts/" + long + " HTTP/1.1\r\n" + host + end, "431 ", ""},
		{"a long method", long + " / HTTP/1.1\r\n" + host + end, "431 ", ""},
		{"no host", "GET /healthz HTTP/1.0\r\n\r\n", "403 ", codeHost},
		{"no host in 1.1", "GET /healthz HTTP/1.1\r\n" + end, "400 ", ""},
		{"two hosts", "GET /healthz HTTP/1.1\r\n" + host + host + end, "400 ", ""},
		{"a host in the target", "GET http://evil.example/healthz HTTP/1.1\r\n" + host + end, "403 ", codeHost},
		{"two origins", "GET /healthz HTTP/1.1\r\n" + host + "Origin: http://" + s.Addr() + "\r\nOrigin: http://evil.example\r\n" + end, "403 ", codeOrigin},
		{"two lengths", post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", "400 ", ""},
		{"a negative length", post + "Content-Length: -5\r\n\r\nabcdef", "400 ", ""},
		{"a length beyond all numbers", post + "Content-Length: 99999999999999999999\r\n\r\n", "400 ", ""},
		{"a length of a terabyte", post + "Content-Length: 1099511627776\r\n\r\n", "413 ", codeLarge},
		{"another transfer encoding", post + "Transfer-Encoding: gzip\r\n\r\n", "501 ", ""},
		{"two keys", post + "Idempotency-Key: a\r\nIdempotency-Key: b\r\nContent-Length: 1\r\n\r\n\n", "400 ", codeParameter},
		{"two encodings", post + "Content-Encoding: gzip\r\nContent-Encoding: zstd\r\nContent-Length: 1\r\n\r\n\n", "415 ", codeEncoding},
		{"a trailer", post + "Transfer-Encoding: chunked\r\nTrailer: X\r\n\r\n1\r\n\n\r\n0\r\nX: y\r\n\r\n", "200 ", `"accepted":0`},
		{"a long trailer", post + "Transfer-Encoding: chunked\r\nTrailer: X\r\n\r\n1\r\n\n\r\n0\r\nX: " + long + "\r\n\r\n", "400 ", codeBadRequest},
		{"a long extension of a chunk", post + "Transfer-Encoding: chunked\r\n\r\n1;" + long + "\r\n\n\r\n0\r\n\r\n", "400 ", codeBadRequest},
		{"a chunk that is longer than it says", post + "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n", "400 ", codeBadRequest},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "400 ", ""},
		{"a request in a request", post + "Content-Length: 0\r\n\r\nGET /v1/alerts HTTP/1.1\r\n" + host + "\r\n", "200 ", `"accepted":0`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			answer, took := talk(t, s, tt.text, "", 0)
			if answer != "" {
				_, answer, _ = strings.Cut(answer, " ")
			}
			if !strings.HasPrefix(answer, tt.status) || !strings.Contains(answer, tt.part) || strings.Contains(answer, "HTTP/1.1") || took > 20*time.Second {
				t.Errorf("after %v: %.300s", took, answer)
			}
		})
	}
	// The host of HTTP/2 is looked at too.
	plain := &http.Transport{Protocols: new(http.Protocols)}
	plain.Protocols.SetUnencryptedHTTP2(true)
	client := http.Client{Transport: plain}
	for host, status := range map[string]int{s.Addr(): 200, "evil.example": 403} {
		r, _ := http.NewRequest("GET", "http://"+s.Addr()+"/healthz", nil)
		r.Host = host
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if answer.StatusCode != status || answer.ProtoMajor != 2 {
			t.Errorf("%s: %s %s", host, answer.Status, text)
		}
	}
	client.CloseIdleConnections()
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if len(f.log.lines) != 0 {
		t.Errorf("%q were taken in", f.log.lines)
	}
	if said := f.said.String(); strings.Contains(said, "panic") {
		t.Errorf("%.2000s", said)
	}
}
