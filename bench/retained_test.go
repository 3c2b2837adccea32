package bench

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"weir/cep"
)

// retainedRules are rules over payments that match nothing.
var retainedRules = []struct{ name, text string }{
	{"pattern", "rules:\n  - {id: r, on: payment, key: card, within: 1d, pattern: 'p{3,}+ -> c', define: {p: amount < 2, c: amount > 500}}\n"},
	{"when", "rules:\n  - {id: r, on: payment, key: card, when: amount > 500}\n"},
	{"feature", "features:\n  n: {on: payment, key: card, value: count(), over: 1d}\nrules:\n  - {id: r, on: payment, key: card, when: n > 1000}\n"},
	{"three-features", "features:\n  n: {on: payment, key: card, value: count(), over: 1d}\n  m: {on: payment, key: card, value: mean(amount), over: 1d}\n  l: {on: payment, key: card, value: last(amount), over: 1d}\nrules:\n  - {id: r, on: payment, key: card, when: n > 1000 && m > 1 && l > 500}\n"},
}

// retain gives the bytes that an engine holds after 200,000 payments of so many keys within
// an hour. Every tenth amount is a probe of retainedRules.
func retain(b *testing.B, set *cep.Ruleset, o cep.Options, keys int) float64 {
	b.Helper()
	const events, size = 200_000, 1000
	engine := cep.NewEngine(set, o)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	begin := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	for first := 0; first < events; first += size {
		var data []byte
		for i := first; i < first+size; i++ {
			amount := 100
			if i%10 == 0 {
				amount = 1
			}
			at := begin.Add(time.Duration(i) * time.Hour / events)
			data = fmt.Appendf(data, `{"type":"payment","ts":"%s","card":"c%07d","merchant":"m%03d","amount":%d}`+"\n", at.Format("2006-01-02T15:04:05.000Z"), i*7919%keys, i%997, amount)
		}
		var fx cep.Effects
		engine.Step([]cep.Record{{Kind: cep.EventsRecord, Data: data, Line: 1}}, &fx)
		if len(fx.Alerts)+len(fx.Late)+len(fx.Rejected) > 0 {
			b.Fatal("the stream is not the one that is measured: ", fx)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(engine)
	return float64(after.HeapAlloc) - float64(before.HeapAlloc)
}

// BenchmarkRetained measures the memory for going back: what an engine holds of an event
// that came less than the lateness ago, above what it holds of the same events without
// lateness. Of keys with 200 events, and with two, which shows what a key takes.
func BenchmarkRetained(b *testing.B) {
	for _, r := range retainedRules {
		for _, keys := range []int{1000, 100_000} {
			b.Run(fmt.Sprintf("%s/%d_events_a_key", r.name, 200_000/keys), func(b *testing.B) {
				set := compile(b, r.text)
				for range b.N {
					plain := retain(b, set, cep.Options{}, keys)
					held := retain(b, set, cep.Options{Lateness: 2 * time.Hour}, keys)
					eager := retain(b, set, cep.Options{Order: cep.EagerOrder, Lateness: 2 * time.Hour}, keys)
					b.ReportMetric((eager-plain)/200_000, "eager-B/event")
					b.ReportMetric((held-plain)/200_000, "watermark-B/event")
				}
			})
		}
	}
}
