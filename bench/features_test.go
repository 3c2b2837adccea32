//go:build unix

package bench

import (
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"

	"weir/cep"
)

// busy is the time that the process has spent on processors, collecting garbage
// included.
func busy() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano())
}

func memory() (m runtime.MemStats) {
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m
}

// BenchmarkFeatures steps payments as JSON through ten features of three keys and ten
// rules that read them, after a day in which nearly every key has come, which also warms up
// what is measured. events/s is the median of groups of blocks, mean-events/s is of all of
// them: a collection of garbage falls into few groups, and so does what else the machine does.
// cpu-ns is user time, which other work disturbs less than either.
func BenchmarkFeatures(b *testing.B) {
	set := compile(b, Velocity())
	for _, keys := range []int{10_000, 1_000_000} {
		for _, c := range []struct {
			name     string
			exponent float64
		}{{"uniform", 0}, {"zipf", 1.1}} {
			b.Run(fmt.Sprintf("%d_keys/%s", keys, c.name), func(b *testing.B) { features(b, set, keys, NewSwipes(max(4*keys, 1_100_000), keys, c.exponent)) })
		}
	}
}

func features(b *testing.B, set *cep.Ruleset, keys int, s *Swipes) {
	const block = 4096
	engine := cep.NewEngine(set, cep.Options{Shards: 1})
	var fx cep.Effects
	buf := make([]byte, 0, 1<<20)
	next := 0
	fill := func() (cep.Record, int) {
		buf = buf[:0]
		n := 0
		for ; n < block && next < s.Len(); n++ {
			buf = s.AppendJSON(buf, next)
			next++
		}
		return cep.Record{Kind: cep.EventsRecord, Data: buf, Line: 1}, n
	}
	start := memory()
	for next < 2*keys {
		r, _ := fill()
		engine.Step([]cep.Record{r}, &fx)
		fx.Reset()
	}
	full := memory()
	kept := float64(engine.FeatureKeys())
	var wall, cpu time.Duration
	events, alerts := 0, 0
	var allocated uint64
	var groups rates
	for b.Loop() { // and not over b.N: that would fill an engine twice, and measure beside the first one's memory
		r, n := fill()
		if n == 0 {
			b.Fatal("the stream is too short")
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began, used := time.Now(), busy()
		engine.Step([]cep.Record{r}, &fx)
		cpu += busy() - used
		took := time.Since(began)
		wall += took
		groups.add(n, took)
		runtime.ReadMemStats(&after)
		allocated += after.Mallocs - before.Mallocs
		events += n
		alerts += len(fx.Alerts)
		fx.Reset()
	}
	b.ReportMetric(groups.median(), "events/s")
	b.ReportMetric(float64(events)/wall.Seconds(), "mean-events/s")
	b.ReportMetric(float64(cpu.Nanoseconds())/float64(events), "cpu-ns/event")
	b.ReportMetric(float64(allocated)/float64(events), "allocs/event")
	b.ReportMetric(float64(alerts)*1e6/float64(events), "alerts/M")
	b.ReportMetric(kept, "keys")
	b.ReportMetric(float64(full.HeapAlloc-start.HeapAlloc)/kept, "B/key")
	b.ReportMetric(float64(engine.FeatureBytes())/kept, "told-B/key")
}
