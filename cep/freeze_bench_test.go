package cep

import (
	"fmt"
	"runtime"
	"sort"
	"testing"
	"time"

	"weir/nfa"
)

// BenchmarkFreeze saves what has changed, 1 M of 2 M keys, bit by bit while events come: how
// long a batch of 256 takes without and with that, and a slice between two of them, by the
// processor time of the thread (ms-…-max is the longest); how many bytes that is, and what
// part of the memory that was in use at most before is in use at most beside it. A key has features, and every tenth an
// open match.
func BenchmarkFreeze(b *testing.B) {
	for _, order := range []Order{WatermarkOrder, EagerOrder} {
		for _, keys := range []int{20_000, 200_000, 2_000_000} {
			b.Run(fmt.Sprintf("%s/%d_keys", []string{"watermark", "eager"}[order], keys), func(b *testing.B) { benchmarkFreeze(b, order, keys) })
		}
	}
}

// largeState makes an engine with features of so many keys, and an open match of every tenth.
// step steps a batch, and says how many events there were.
func largeState(b *testing.B, order Order, keys int) (g *Engine, step func(of int) int) {
	features, reads := ten()
	rs := rulesOf(makeRule(b, "ab", "a -> b", nfa.Options{Within: 48 * time.Hour}, abc("a", "b")))
	rs.Features, rs.Reads = features, reads
	for i := range reads {
		rs.Rules[0].Reads = append(rs.Rules[0].Reads, ReadID(i))
	}
	g = NewEngine(rs, Options{Order: order, Lateness: 2 * time.Second, Freezes: true, Shards: 1})
	const batch = 256
	events, fx, n := make([]Event, batch), new(Effects), 0
	step = func(of int) int { // 40,000 a second, of that many keys
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
		return n
	}
	for step(keys) < keys {
	}
	return g, step
}

// BenchmarkRestore puts the state of a million keys together of what a freeze has saved, and
// makes an engine of it.
func BenchmarkRestore(b *testing.B) {
	for _, order := range []Order{WatermarkOrder, EagerOrder} {
		b.Run([]string{"watermark", "eager"}[order], func(b *testing.B) {
			g, _ := largeState(b, order, 1_000_000)
			var runs [][]byte
			f := g.Freeze()
			for more := true; more; {
				var pieces [][]byte
				pieces, more = f.Next(func() bool { return false })
				for _, p := range pieces {
					run, err := SortEntries(nil, p)
					if err != nil {
						b.Fatal(err)
					}
					runs = append(runs, run)
				}
			}
			f.End(true)
			rs, o := g.rs, g.options
			g, f = nil, nil
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			var assembled, restored time.Duration
			for b.Loop() {
				begun := threadTime()
				var all []Run
				for _, run := range runs {
					all = append(all, RunOf(run))
				}
				state, err := Assemble(all)
				if err != nil {
					b.Fatal(err)
				}
				assembled += threadTime() - begun
				begun = threadTime()
				o.Saved = true
				if _, err := Restore(rs, o, state); err != nil {
					b.Fatal(err)
				}
				restored += threadTime() - begun
				b.SetBytes(int64(len(state)))
			}
			b.ReportMetric(ms(assembled)/float64(b.N), "ms-assembled")
			b.ReportMetric(ms(restored)/float64(b.N), "ms-restored")
		})
	}
}

func benchmarkFreeze(b *testing.B, order Order, keys int) {
	g, step := largeState(b, order, keys)
	n := keys
	whole := save(g.Freeze())
	ratio := float64(whole) / float64(len(g.Append(nil)))
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var alone, beside, slices []time.Duration // steps without a freeze and with one, and slices of it
	timed := func(into *[]time.Duration, do func()) {
		begun := threadTime()
		do()
		*into = append(*into, threadTime()-begun)
	}
	var bytes, most, mostAlone uint64
	var spent, freezing time.Duration
	for b.Loop() {
		b.StopTimer()
		for until := n + keys/2; n < until; {
			if timed(&alone, func() { n = step(keys) }); len(alone)%64 == 0 {
				mostAlone = max(mostAlone, heapBytes())
			}
		}
		b.StartTimer()
		var f *Frozen
		timed(&slices, func() { f = g.Freeze() })
		freezing += slices[len(slices)-1]
		for more := true; more; {
			b.StopTimer()
			timed(&beside, func() { n = step(keys) })
			b.StartTimer()
			var pieces [][]byte
			timed(&slices, func() {
				begun := threadTime()
				pieces, more = f.Next(func() bool { return threadTime()-begun >= time.Millisecond })
			})
			spent += slices[len(slices)-1]
			for _, p := range pieces {
				bytes += uint64(len(p))
				f.Free(p)
			}
			if len(slices)%64 == 0 {
				b.StopTimer()
				most = max(most, heapBytes())
				b.StartTimer()
			}
		}
		f.End(true)
	}
	for _, all := range []struct {
		name  string
		times []time.Duration
	}{{"step", alone}, {"step-saving", beside}, {"slice", slices}} {
		sort.Slice(all.times, func(i, j int) bool { return all.times[i] < all.times[j] })
		for _, at := range []struct {
			name string
			i    int
		}{{"max", len(all.times) - 1}, {"p99.9", len(all.times) * 999 / 1000}, {"p99", len(all.times) * 99 / 100}} {
			b.ReportMetric(ms(all.times[at.i]), "ms-"+all.name+"-"+at.name)
		}
	}
	b.ReportMetric(ms(freezing)/float64(b.N), "ms-freeze")
	b.ReportMetric(ms(spent)/float64(b.N), "ms-saving")
	b.ReportMetric(float64(bytes)/float64(b.N)/1e6, "MB-saved")
	b.ReportMetric(ratio, "x-Append")
	b.ReportMetric(float64(most)/float64(mostAlone), "x-memory")
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

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
