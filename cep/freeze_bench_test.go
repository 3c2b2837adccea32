package cep

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"weir/nfa"
)

// BenchmarkFreeze saves what has changed, 1 M of 2 M keys, bit by bit while events come: how
// long stepping waits between two batches, how many bytes that is, and how much memory, with
// and without the pieces that were given already. A key has features, and every tenth an
// open match.
func BenchmarkFreeze(b *testing.B) {
	for _, order := range []Order{WatermarkOrder, EagerOrder} {
		for _, keys := range []int{20_000, 200_000, 2_000_000} {
			b.Run(fmt.Sprintf("%s/%d_keys", []string{"watermark", "eager"}[order], keys), func(b *testing.B) { benchmarkFreeze(b, order, keys) })
		}
	}
}

func benchmarkFreeze(b *testing.B, order Order, keys int) {
	features, reads := ten()
	rs := rulesOf(makeRule(b, "ab", "a -> b", nfa.Options{Within: 48 * time.Hour}, abc("a", "b")))
	rs.Features, rs.Reads = features, reads
	for i := range reads {
		rs.Rules[0].Reads = append(rs.Rules[0].Reads, ReadID(i))
	}
	g := NewEngine(rs, Options{Order: order, Lateness: 2 * time.Second, Freezes: true})
	const batch = 256
	events, fx, n := make([]Event, batch), new(Effects), 0
	step := func(of int) { // 40,000 a second, of that many keys
		for i := range events {
			kind := "x"
			if n%10 == 0 {
				kind = "a"
			}
			events[i] = pay(0, fmt.Sprint("c", n%of), "m1", kind, 1)
			events[i].Time = int64(n) * 25_000
			n++
		}
		g.StepEvents(events, fx)
		fx.Reset()
	}
	for n < keys {
		step(keys)
	}
	whole := save(g.Freeze())
	ratio := float64(whole) / float64(len(g.Append(nil)))
	var pauses []time.Duration
	var bytes, most uint64
	var spent, freezing time.Duration
	for b.Loop() {
		b.StopTimer()
		for until := n + keys/2; n < until; {
			step(keys)
		}
		runtime.GC()
		base := heapBytes()
		b.StartTimer()
		begun := time.Now()
		f := g.Freeze()
		pauses = append(pauses, time.Since(begun))
		freezing += pauses[len(pauses)-1]
		for more := true; more; {
			b.StopTimer()
			step(keys)
			b.StartTimer()
			begun := time.Now()
			var pieces [][]byte
			pieces, more = f.Next(func() bool { return time.Since(begun) >= time.Millisecond })
			pauses = append(pauses, time.Since(begun))
			spent += pauses[len(pauses)-1]
			for _, p := range pieces {
				bytes += uint64(len(p))
			}
			if len(pauses)%64 == 0 {
				b.StopTimer()
				most = max(most, heapBytes()-min(base, heapBytes()))
				b.StartTimer()
			}
		}
		f.End(true)
	}
	slices.Sort(pauses)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(ms(pauses[len(pauses)-1]), "ms-max")
	b.ReportMetric(ms(pauses[len(pauses)*999/1000]), "ms-p99.9")
	b.ReportMetric(ms(pauses[len(pauses)*99/100]), "ms-p99")
	b.ReportMetric(ms(freezing)/float64(b.N), "ms-freeze")
	b.ReportMetric(ms(spent)/float64(b.N), "ms-saving")
	b.ReportMetric(float64(bytes)/float64(b.N)/1e6, "MB-saved")
	b.ReportMetric(ratio, "x-Append")
	b.ReportMetric(float64(most)/1e6, "MB-more")
}

func heapBytes() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// save saves all, and returns how many bytes that is.
func save(f *Frozen) (bytes int) {
	for more := true; more; {
		var pieces [][]byte
		pieces, more = f.Next(func() bool { return false })
		for _, p := range pieces {
			bytes += len(p)
		}
	}
	f.End(true)
	return bytes
}
