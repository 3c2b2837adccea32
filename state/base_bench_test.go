package state

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/cep"
)

// BenchmarkBase saves changes of a base of 1 GB, until a new base is merged: what that writes
// for each byte that the new base has, how much memory it takes at most, and how long.
func BenchmarkBase(b *testing.B) {
	const keys, size = 2 << 20, 512
	s := opened(b, b.TempDir(), Options{})
	sequence := uint64(0)
	value := make([]byte, size-32)
	change := func(from, to int, whole bool) uint64 { // as a state does: in no order
		sequence++
		w, err := s.Begin(&cep.Checkpoint{Mark: cep.Mark{Position: cep.Position{Incarnation: 1, Sequence: sequence}}}, whole)
		if err != nil {
			b.Fatal(err)
		}
		piece, n := (&cep.Entry{Value: []byte{1}}).Append(nil), uint64(0)
		for i := from; i < to; i++ {
			key := binary.BigEndian.AppendUint64([]byte("card "), uint64(i)*0x9E3779B97F4A7C15)
			binary.LittleEndian.PutUint64(value, sequence)
			piece = (&cep.Entry{Section: 1, Key: key, Value: value}).Append(piece)
			if len(piece) >= 256<<10 || i == to-1 {
				if err := w.Add(piece); err != nil {
					b.Fatal(err)
				}
				n += uint64(len(piece))
				piece = piece[:0]
			}
		}
		if _, err := w.Commit(); err != nil {
			b.Fatal(err)
		}
		return n
	}
	base := change(0, keys, true)
	var dirty, written, merged uint64
	var most uint64
	for b.Loop() {
		b.StopTimer()
		dirty += change(0, keys*2/5, false) // not enough for a new base
		runtime.GC()
		before, wrote := heapNow(), writtenBytes()
		stop := sampled(func() { most = max(most, heapNow()-min(before, heapNow())) })
		b.StartTimer()
		delta := change(keys/2, keys*7/10, false)
		s.bases.wait()
		b.StopTimer()
		stop()
		dirty += delta
		written += writtenBytes() - wrote
		heads, err := s.Checkpoints()
		if err != nil || len(heads[0].parts) != 1 {
			b.Fatalf("no new base: %v, %v", heads, err)
		}
		merged += delta + heads[0].parts[0].size
		b.StartTimer()
	}
	_, file := s.Sizes()
	b.ReportMetric(float64(base)/1e6, "MB-base")
	b.ReportMetric(float64(written)/float64(merged), "x-written")
	b.ReportMetric(float64(most)/1e6, "MB-more")
	b.ReportMetric(float64(file)/float64(base), "x-file")
}

func heapNow() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}

// sampled calls look now and then until stop is called.
func sampled(look func()) (stop func()) {
	done := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		for {
			look()
			select {
			case <-done:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
	return func() {
		close(done)
		running.Wait()
	}
}

// writtenBytes is what the process has caused to be written to disks, where the system tells it.
func writtenBytes() (n uint64) {
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if _, err := fmt.Sscanf(line, "write_bytes: %d", &n); err == nil {
			return n
		}
	}
	return 0
}
