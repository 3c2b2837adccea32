package web

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"weir/cep"
)

// nowhere takes events and keeps none.
type nowhere struct{ n atomic.Int64 }

func (l *nowhere) Post(_ context.Context, _ []byte, count int, _ *cep.Post) (cep.Position, error) {
	l.n.Add(int64(count))
	return cep.Position{Incarnation: 1, Sequence: 1}, nil
}

func (l *nowhere) Posted(context.Context, [16]byte) (Posted, error) { return Posted{}, nil }

func (l *nowhere) Advance(context.Context, int64) (cep.Position, error) { return cep.Position{}, nil }

// payments are n events of 300 bytes.
func payments(n int) []string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = fmt.Sprintf(`{"type":"payment","payment_id":"pay_%016d","ts":"2026-01-02T03:04:05.678Z","card_id":"card_%08d","account":"acc_0019283746","merchant_id":"m_55210","mcc":"5411","amount":%d.90,"currency":"EUR","country":"DE","status":"approved","channel":"ecom","device":{"os":"android","id":"d-77"},"ip":"203.0.113.77"}`, i, i%5000, i%1000)
	}
	return lines
}

// BenchmarkPostEvents posts payments to a log that keeps nothing. Decode is what the engine's
// reader takes of that.
func BenchmarkPostEvents(b *testing.B) {
	lines := payments(10_000)
	size := len(lines[0])
	text := strings.Join(lines, "\n") + "\n"
	array := "[" + strings.Join(lines, ",") + "]"
	report := func(b *testing.B, begun time.Time, n int) {
		b.SetBytes(int64(n * size / b.N))
		b.ReportMetric(float64(n)/time.Since(begun).Seconds(), "events/s")
	}
	b.Run("decode alone", func(b *testing.B) {
		d := cep.NewDecoder(ruleset())
		var e cep.Event
		begun := time.Now()
		for b.Loop() {
			for _, line := range lines {
				if d.Decode(line, &e) != nil {
					b.Fatal(line)
				}
			}
		}
		report(b, begun, b.N*len(lines))
	})
	for _, bench := range []struct {
		name, media, encoding, body string
		events                      int
		headers                     []string
	}{
		{"lines", mediaLines, "", text, len(lines), nil},
		{"lines with a key", mediaLines, "", text, len(lines), []string{"Idempotency-Key"}},
		{"array", mediaJSON, "", array, len(lines), nil},
		{"gzip", mediaLines, "gzip", text, len(lines), nil},
		{"zstd", mediaLines, "zstd", text, len(lines), nil},
		{"one event", mediaLines, "", lines[0], 1, nil},
		{"ten events", mediaLines, "", strings.Join(lines[:10], "\n"), 10, nil},
	} {
		b.Run(bench.name, func(b *testing.B) {
			f := newFixture(b, Bounds{})
			log := new(nowhere)
			f.service.options.Events = log
			body := []byte(zipped(bench.encoding, bench.body))
			begun := time.Now()
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				r, _ := http.NewRequest("POST", "http://localhost/v1/events", bytes.NewReader(body))
				r.Header.Set("Content-Type", bench.media)
				if bench.encoding != "" {
					r.Header.Set("Content-Encoding", bench.encoding)
				}
				for _, name := range bench.headers {
					r.Header.Set(name, fmt.Sprint(i))
				}
				i++
				w := httptest.NewRecorder()
				f.ServeHTTP(w, r)
				if w.Code != 200 {
					b.Fatal(w.Body)
				}
			}
			n := int(log.n.Load())
			if n != b.N*bench.events {
				b.Fatalf("%d events, %d taken in", b.N*bench.events, n)
			}
			report(b, begun, n)
		})
	}
}
