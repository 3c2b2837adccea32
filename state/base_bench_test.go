package state

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"weir/cep"
)

// BenchmarkBase saves changes of a base of 1 GB, until a new base is merged: what that writes
// for each byte that the new base has, how much memory it takes at most, and how long. Beside that
// something works as stepping does, in pieces: ms-beside-max is the longest of them, by the
// clock on the wall, and ms-alone-max what it was before.
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
	var alone, beside pieces
	for b.Loop() {
		b.StopTimer()
		dirty += change(0, keys*2/5, false) // not enough for a new base
		runtime.GC()
		before, wrote := heapNow(), writtenBytes()
		alone.take(working())
		stopWork := workingBeside(&beside)
		stop := sampled(func() { most = max(most, heapNow()-min(before, heapNow())) })
		b.StartTimer()
		delta := change(keys/2, keys*7/10, false)
		s.bases.wait()
		b.StopTimer()
		stop()
		stopWork()
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
	alone.report(b, "alone")
	beside.report(b, "beside")
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

// pieces are how long pieces of work took.
type pieces []time.Duration

func (p *pieces) take(more pieces) { *p = append(*p, more...) }

func (p pieces) report(b *testing.B, when string) {
	slices.Sort(p)
	b.ReportMetric(float64(p[len(p)-1].Microseconds())/1000, "ms-"+when+"-max")
	b.ReportMetric(float64(p[len(p)*999/1000].Microseconds())/1000, "ms-"+when+"-p99.9")
}

// work is a piece of about 50 µs.
func work(memory []byte) time.Duration {
	begun := time.Now()
	crc32.ChecksumIEEE(memory)
	return time.Since(begun)
}

// working works for 2 s.
func working() (p pieces) {
	memory := make([]byte, 1<<20)
	for begun := time.Now(); time.Since(begun) < 2*time.Second; {
		p = append(p, work(memory))
	}
	return p
}

// workingBeside works until stop is called, and then adds what it took to p.
func workingBeside(p *pieces) (stop func()) {
	memory := make([]byte, 1<<20)
	var ended atomic.Bool
	var running sync.WaitGroup
	running.Go(func() {
		for !ended.Load() {
			*p = append(*p, work(memory))
		}
	})
	return func() {
		ended.Store(true)
		running.Wait()
	}
}
