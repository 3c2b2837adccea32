package web

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestRefusedWhileSending sends bodies that are refused before they have come, from a client
// that looks for an answer only after it has sent all.
func TestRefusedWhileSending(t *testing.T) {
	defer goleak.VerifyNone(t)
	const size = 48 << 20 // more than the sockets between the two hold
	spaces := strings.Repeat(" ", 1<<16)
	known, chunked := fmt.Sprintf("Content-Length: %d", size), "Transfer-Encoding: chunked"
	for _, tt := range []struct {
		target, media, length, code string
		status                      Status
	}{
		{"/v1/events", mediaLines, known, codeLarge, Status{}},
		{"/v1/events", mediaLines, chunked, codeLarge, Status{}},
		{"/v1/events", "text/plain", known, codeMedia, Status{}},
		{"/v1/events", "text/plain", chunked, codeMedia, Status{}},
		{"/v1/events", mediaLines, known, codeBusy, Status{LagBytes: 1 << 40}},
		{"/v1/events", mediaLines, known, codeUnavailable, Status{LogDown: "it does not answer"}},
		{"/v1/advance", mediaJSON, known, codeLarge, Status{}},
		{"/v1/advance", mediaJSON, chunked, codeLarge, Status{}},
		{"/nowhere", mediaJSON, known, codeNotFound, Status{}},
		{"/v1/alerts", mediaJSON, known, codeMethod, Status{}},
	} {
		t.Run(tt.target[1:]+" "+tt.code+" "+tt.length[:7], func(t *testing.T) {
			b := Bounds{Wire: 1 << 20, Unpacked: 1 << 20, Small: time.Minute}
			f := newFixture(t, b)
			f.status = tt.status
			s := started(t, f, b)
			c, err := net.Dial("tcp", s.Addr())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(time.Minute))
			fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\n%s\r\n\r\n", tt.target, s.Addr(), tt.media, tt.length)
			for range size / len(spaces) {
				if tt.length == chunked {
					_, err = fmt.Fprintf(c, "%x\r\n%s\r\n", len(spaces), spaces)
				} else {
					_, err = io.WriteString(c, spaces)
				}
				if err != nil {
					t.Fatalf("the client could not send all: %s", err)
				}
			}
			if tt.length == chunked {
				io.WriteString(c, "0\r\n\r\n")
			}
			answer, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(answer.Body)
			if err != nil || !strings.Contains(string(text), `"code":"`+tt.code+`"`) || !answer.Close {
				t.Errorf("%d, %v: %s", answer.StatusCode, err, text)
			}
			if err := s.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestRefusedBodyNotAskedFor leaves a body where it is that the client sends only when it is
// asked for, or that net/http reads by itself: the connection goes on, or ends at once.
func TestRefusedBodyNotAskedFor(t *testing.T) {
	f := newFixture(t, Bounds{})
	for _, headers := range [][]string{{"Content-Length", "1000"}, {"Expect", "100-Continue"}} {
		left := strings.NewReader(strings.Repeat(" ", 1<<20))
		r := request("POST", "/v1/events", left, append(headers, "Content-Type", "text/plain")...)
		if headers[0] == "Content-Length" {
			r.ContentLength = 1000
		}
		w := httptest.NewRecorder()
		f.ServeHTTP(w, r)
		if w.Code != 415 || left.Len() != 1<<20 || w.Header().Get("Connection") != "" {
			t.Errorf("%s: %d, %d bytes are left, Connection: %q", headers[0], w.Code, left.Len(), w.Header().Get("Connection"))
		}
	}
}
