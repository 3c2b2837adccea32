package cep

import (
	"fmt"
	"runtime"
	"testing"
	"time"
)

// Phase one of ten features of three keys: in order alone, with journals, and with one
// event of a hundred late. Within the lateness a key has up to two hundred events.
func BenchmarkPast(b *testing.B) {
	features, reads := ten()
	rs := rulesOf()
	rs.Features, rs.Reads = features, reads
	for i := range reads {
		rs.Rules = append(rs.Rules, &Rule{ID: fmt.Sprint("r", i), Types: []TypeID{tPay}, Reads: []ReadID{ReadID(i)}})
	}
	c := newEagerScheme(rs)
	for _, keys := range []int{100, 10_000, 1_000_000} {
		events := spread(max(2*keys, 20_000), keys)
		step := 24 * int64(time.Hour) / int64(len(events))
		lateness := 2000 * step
		for _, how := range []string{"in_order", "journals", "late"} {
			b.Run(fmt.Sprintf("%d_keys/%s", keys, how), func(b *testing.B) {
				b.ReportAllocs()
				l := newLedger(c, NewLists(rs), 0, 1)
				if how != "in_order" {
					l.keepPast(lateness)
				}
				const batch = 256
				n := 0
				ring := make([]Event, 4096) // they live as long as they are needed
				block := make([]*Event, 0, batch)
				next := func() {
					block = block[:0]
					now := int64(0)
					for i := range batch {
						e := &ring[n%len(ring)]
						row := e.features
						*e = events[n%len(events)]
						e.features = row
						e.Time = int64(n) * step
						n++
						e.Place, e.origin = uint64(n), uint64(n)
						c.lend(e)
						now = e.Time
						if how == "late" && i%100 == 99 {
							l.observe(block, now-lateness)
							block = block[:0]
							e.Time -= lateness / 2
							l.insert(e, now, now-lateness)
							continue
						}
						block = append(block, e)
					}
					if how == "in_order" {
						l.observe(block, now)
						return
					}
					l.observe(block, now-lateness)
					l.trim(now - lateness)
				}
				for n < len(events) {
					next()
				}
				runtime.GC()
				for b.Loop() {
					next()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/event")
				b.ReportMetric(float64(l.bytes())/1e6, "MB")
			})
		}
	}
}
