package web

import (
	"bufio"
	"fmt"
	"net/http"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// listenPacked is listen of a reader that takes zstd.
func listenPacked(t *testing.T, s *Server, query string) *reader {
	t.Helper()
	l := listen(t, s, query, "", "gzip, zstd;q=0.8")
	if got := l.answer.Header.Get("Content-Encoding"); got != "zstd" {
		t.Fatalf("Content-Encoding %q", got)
	}
	z, err := zstd.NewReader(l.answer.Body, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(8<<20))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(z.Close)
	l.lines = bufio.NewScanner(z)
	l.lines.Buffer(nil, 16<<20)
	return l
}

// TestStreamPacked: readers that take zstd get what others get, as it comes: whole bundles,
// parts of them, and texts that are longer than a frame.
func TestStreamPacked(t *testing.T) {
	f := newFixture(t, Bounds{})
	s := started(t, f, Bounds{})
	f.feed.store(1, 10)
	for _, query := range []string{"?after=home-1", "?after=home-1&severity=high", "?after=home-1&format=cloudevents&topics=alerts,counters"} {
		f.feed.mu.Lock()
		f.feed.items = f.feed.items[:1]
		f.feed.mu.Unlock()
		plain, packed := listen(t, s, query, ""), listenPacked(t, s, query)
		for _, some := range []struct{ n, bytes int }{{3, 10}, {700, 500}, {3, 300 << 10}} {
			f.feed.store(some.n, some.bytes)
			n := some.n
			if query == "?after=home-1&severity=high" {
				n = some.n / 3
			}
			for i := range n {
				want, ok := plain.next("alert")
				got, ok2 := packed.next("alert")
				if !ok || !ok2 || got != want {
					t.Fatalf("%s: alert %d of %d: %t, %t (%v)\n%.300v\nexpected\n%.300v", query, i, n, ok2, ok, packed.lines.Err(), got, want)
				}
			}
		}
		plain.cancel()
		packed.cancel()
		f.feed.mu.Lock()
		items := f.feed.items
		f.feed.mu.Unlock()
		if len(items) != 707 {
			t.Fatal(len(items))
		}
	}
	shut(t, s)
}

// TestTakesPacked: what is said of zstd decides, and nothing else.
func TestTakesPacked(t *testing.T) {
	for accept, want := range map[string]bool{
		"": false, "gzip, br": false, "*": false, "zstd": true, "gzip,ZSTD": true, "zstd; q=0.5, br": true,
		"zstd;q=0": false, "zstd; q=0.000": false, "xzstd": false,
	} {
		r := &http.Request{Header: http.Header{"Accept-Encoding": {accept}}}
		if got := takesPacked(r); got != want {
			t.Errorf("%s: %t", fmt.Sprintf("%q", accept), got)
		}
	}
}
