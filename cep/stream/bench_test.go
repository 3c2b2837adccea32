package stream

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"weir/cep"
)

// line is an event as benchmarks post them.
var line = []byte(`{"type":"payment","id":"p0123456789","time":"2026-01-02T03:04:05.000Z","card_id":"c0123456","amount":12.5,"currency":"EUR","country":"DE","device":"d012345"}` + "\n")

// BenchmarkPost posts requests of 100 events by 8 clients at once; BenchmarkPostOne those
// of one event by 64.
func BenchmarkPost(b *testing.B)    { benchmarkPost(b, 8, 100) }
func BenchmarkPostOne(b *testing.B) { benchmarkPost(b, 64, 1) }

func benchmarkPost(b *testing.B, clients, each int) {
	for _, c := range []struct {
		name       string
		durability Durability
	}{{"fsync", Fsync}, {"interval", Interval}} {
		b.Run(c.name, func(b *testing.B) {
			l := open(b, Options{Durability: c.durability, Size: 8 << 30})
			p := packer(b, l, PackerOptions{})
			lines := bytes.Repeat(line, each)
			b.ReportAllocs()
			b.SetParallelism(clients)
			var posts atomic.Int64
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := p.Post(b.Context(), lines, each, nil); err != nil {
						b.Error(err)
						return
					}
					posts.Add(1)
				}
			})
			b.ReportMetric(float64(posts.Load())*float64(each)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(posts.Load())/b.Elapsed().Seconds(), "posts/s")
			state, err := l.host.Load().info(context.Background())
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(posts.Load())*float64(each)/float64(state.Msgs), "events/record")
		})
	}
}

// BenchmarkRead reads a log of 200 MB.
func BenchmarkRead(b *testing.B) {
	l := open(b, Options{Durability: Interval})
	body := bytes.Repeat(line, (48<<10)/len(line))
	n := bytes.Count(body, []byte{'\n'})
	const records = 4096
	for range records {
		if _, err := l.Append(b.Context(), &cep.Packed{Kind: cep.PackedEvents, Body: body}); err != nil {
			b.Fatal(err)
		}
	}
	var list []cep.Logged
	b.ReportAllocs()
	b.SetBytes(records * int64(len(body)))
	for b.Loop() {
		for after := uint64(0); after < records; {
			var err error
			if list, err = l.Read(b.Context(), after, list[:0]); err != nil {
				b.Fatal(err)
			}
			after = list[len(list)-1].Sequence
		}
	}
	b.ReportMetric(float64(b.N)*records*float64(n)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkRelease fills a log and releases all of it, again and again: how long one
// release takes, and how many bytes it drops.
func BenchmarkRelease(b *testing.B) {
	for _, size := range []int64{64 << 20, 256 << 20} {
		b.Run(fmt.Sprintf("%dMB", size>>20), func(b *testing.B) {
			l := open(b, Options{Durability: Interval, Size: size})
			boot := &cep.Packed{Kind: cep.PackedBoot}
			if _, err := l.Append(b.Context(), boot); err != nil {
				b.Fatal(err)
			}
			body := bytes.Repeat(line, (48<<10)/len(line))
			for b.Loop() {
				b.StopTimer()
				var last uint64
				for l.Stats().Bytes < size*85/100 {
					var err error
					if last, err = l.Append(b.Context(), &cep.Packed{Kind: cep.PackedEvents, Body: body}); err != nil {
						b.Fatal(err)
					}
				}
				b.StartTimer()
				if err := l.Release(b.Context(), last); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(l.Stats().Purged)/float64(b.N)/(1<<20), "MB/op")
		})
	}
}
