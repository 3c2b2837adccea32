package state

import (
	"bytes"
	"runtime"
	"testing"

	"weir/cep"
)

// BenchmarkCommit stores 1,000 alerts of 2 KB in a transaction, one commit after the other.
func BenchmarkCommit(b *testing.B) {
	s := opened(b, b.TempDir(), Options{})
	rule := ruleOf("probe")
	pad := bytes.Repeat([]byte("x"), 1700)
	n := 0
	b.ReportAllocs()
	for i := range b.N {
		b.StopTimer()
		var list []cep.Alert
		for range 1000 {
			n++
			a := alertOf(rule, n*7919%1_000_003, 1, cep.MatchAlert)
			a.Message = string(pad)
			list = append(list, a)
		}
		c := commitOf(cep.Position{Incarnation: 1, Sequence: uint64(i + 1)}, list...)
		b.StartTimer()
		commit(b, s, c)
	}
	alerts, _ := s.Sizes()
	b.ReportMetric(float64(alerts)/float64(n), "B/alert")
}

// BenchmarkSave saves a state of 500 MB, again and again, and says how large the file
// becomes and how much memory a save takes beside the state.
func BenchmarkSave(b *testing.B) {
	s := opened(b, b.TempDir(), Options{})
	c := checkpointOf(1, 500<<20)
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	b.SetBytes(500 << 20)
	for i := range b.N {
		c.Mark.Position.Sequence = uint64(i + 1)
		save(b, s, c)
	}
	runtime.ReadMemStats(&after)
	_, size := s.Sizes()
	b.ReportMetric(float64(size)/(1<<20), "file-MB")
	b.ReportMetric(float64(after.HeapSys-before.HeapSys)/(1<<20), "more-heap-MB")
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/float64(b.N)/(1<<20), "alloc-MB/op")
}

// BenchmarkLoad loads one of 500 MB.
func BenchmarkLoad(b *testing.B) {
	s := opened(b, b.TempDir(), Options{})
	save(b, s, checkpointOf(1, 500<<20))
	heads, err := s.Checkpoints()
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(500 << 20)
	for b.Loop() {
		if _, err := s.Load(heads[0]); err != nil {
			b.Fatal(err)
		}
	}
}
