package main

import (
	"net/http"
	"testing"
	"time"
)

// TestKeyAfterRestart sends a request with a key again to the next process: the same body is
// taken in once, and another one is refused, as by the process that had the first.
func TestKeyAfterRestart(t *testing.T) {
	h := newHost(t, t.TempDir(), servedRules, crashArgs("--set", "log.size=64MB")...)
	at := time.Now()
	body, other := payment("one", at, "c", 1)+payment("two", at, "c", 9), payment("one", at, "c", 1)+payment("2", at, "c", 99)
	for i := range 3 {
		s := h.start()
		if !s.ready() {
			t.Fatalf("the service does not start:\n%s", s.said())
		}
		if i > 0 {
			for _, wrong := range []string{other, payment("one", at, "c", 1), body + payment("three", at, "c", 1), "\n" + body} {
				a, err := post(s.url, "key", wrong)
				if err != nil || wrong != body+payment("three", at, "c", 1) && (a.status != http.StatusUnprocessableEntity || a.Problem.Code != "key_reused") {
					t.Errorf("start %d: another body is answered %d %s, %v", i, a.status, a.Problem.Code, err)
				}
				if i == 1 {
					break
				}
			}
		}
		a, err := post(s.url, "key", body)
		if i < 2 && (err != nil || a.status != http.StatusOK || a.Accepted != 2) {
			t.Errorf("start %d: the body is answered %+v, %v", i, a, err)
		}
		s.settled()
		s.kill()
	}
}
