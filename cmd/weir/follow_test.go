package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"weir/alerts"
)

// TestTailCrash follows a service that is killed again and again: what is written are the
// alerts that are stored, each version once and in order.
func TestTailCrash(t *testing.T) {
	t.Parallel()
	seed := seeded(t)
	r := rand.New(rand.NewPCG(seed, 9))
	h := newHost(t, t.TempDir(), servedRules, crashArgs("--set", "log.size=64MB", "--nats-listen", "127.0.0.1:0")...)
	c := newCrowd(t, 4, seed)
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		c.mu.Lock()
		to, err := url.Parse(c.url)
		c.mu.Unlock()
		if err == nil && to.Host != "" { // else the service is not there, and it is 502
			r.SetURL(to)
		}
	}})
	defer proxy.Close()
	out, said := new(transcript), new(transcript)
	f := &follower{std: &streams{nil, out, said}, json: true, begun: true}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- f.follow(ctx, proxy.URL+"/v1/stream", url.Values{"since": {"2020-01-01T00:00:00Z"}})
	}()
	for i := range 4 {
		t.Logf("killed at %q", h.life(c, []string{"committed", "commit"}[i%2], 2+r.IntN(12), lifeTime))
	}
	life := func() *served {
		s := h.start()
		if !s.ready() {
			t.Fatalf("the service does not start:\n%s", s.said())
		}
		c.open(s.url, lifeBytes)
		return s
	}
	s := life()
	c.goesOn(c.count() + 1)
	c.close()
	s.settled()
	s.stop()
	items := storedItems(t, h.data)
	s = life()
	for begun := time.Now(); strings.Count(out.String(), "\n") < len(items); time.Sleep(5 * time.Millisecond) {
		if time.Since(begun) > patience {
			t.Fatalf("%d alerts were followed, %d are stored:\n%s", strings.Count(out.String(), "\n"), len(items), said)
		}
	}
	cancel()
	if err := <-ended; err != nil || f.missed {
		t.Errorf("%v, missed %v", err, f.missed)
	}
	s.stop()
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	for i := range items {
		if want := string(items[i].AppendJSON(nil)); lines[i] != want {
			t.Fatalf("alert %d is %s\nstored is %s", i, lines[i], want)
		}
	}
	if len(lines) != len(items) || len(items) == 0 {
		t.Errorf("%d alerts were followed, %d are stored", len(lines), len(items))
	}
	t.Logf("%d versions of alerts, and what was said:\n%s", len(items), said)
}

// TestTailGap says on stderr what was missed, and ends with an error.
func TestTailGap(t *testing.T) {
	said := new(transcript)
	f := &follower{std: &streams{nil, said, said}}
	for _, e := range []streamEvent{
		{kind: "gap", data: []byte(`{"reason":"deleted","missed":7}`)},
		{kind: "gap", data: []byte(`{"reason":"unknown"}`)},
	} {
		if err := f.event(&e); err != nil {
			t.Fatal(err)
		}
	}
	if text := said.String(); !f.missed || !strings.Contains(text, "7 versions of alerts were deleted") || !strings.Contains(text, "does not know the place") {
		t.Errorf("%v %s", f.missed, text)
	}
}

// TestOutPlace reads what it writes, and nothing of another home.
func TestOutPlace(t *testing.T) {
	home := [16]byte{1, 2, 3, 4, 5}
	at := alerts.Leaving{Alerts: 7, Strays: [alerts.StrayKinds]uint64{1, 0, 3, 0}, Started: true}
	text := outPlace(at, home)
	if text != "01020304-7.1.0.3.0" {
		t.Errorf("place %s", text)
	}
	if got, ok := readOutPlace(text, home); !ok || got != at {
		t.Errorf("%+v %v", got, ok)
	}
	for _, bad := range []string{"", "01020304-", "01020304-7.1.0.3", "01020304-7.1.0.3.x", "01020304-7.1.0.3.0.0", fmt.Sprint("ff", text[2:])} {
		if got, ok := readOutPlace(bad, home); ok {
			t.Errorf("%q: %+v", bad, got)
		}
	}
}
