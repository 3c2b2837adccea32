package stream

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"weir/cep"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// limit is how long a test may wait for anything.
const limit = 30 * time.Second

func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	return ctx
}

// open opens a log that is closed at the end of the test.
func open(t testing.TB, o Options) *Log {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	l, err := Open(within(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, l) })
	return l
}

func shut(t testing.TB, l *Log) {
	t.Helper()
	if err := l.Close(within(t)); err != nil {
		t.Error(err)
	}
}

// packer returns a packer that is closed at the end of the test.
func packer(t testing.TB, l *Log, o PackerOptions) *Packer {
	t.Helper()
	p := NewPacker(l, o)
	t.Cleanup(func() {
		if err := p.Close(within(t)); err != nil {
			t.Error(err)
		}
	})
	return p
}

// events is a record of lines.
func events(lines string) *cep.Packed {
	return &cep.Packed{Kind: cep.PackedEvents, Body: []byte(lines)}
}

func appendTo(t testing.TB, l *Log, p *cep.Packed) uint64 {
	t.Helper()
	n, err := l.Append(within(t), p)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// all reads the records of a log after a sequence number.
func all(t testing.TB, l *Log, after uint64) []cep.Logged {
	t.Helper()
	last, err := l.Last(within(t))
	if err != nil {
		t.Fatal(err)
	}
	var list []cep.Logged
	for after < last {
		if list, err = l.Read(within(t), after, list); err != nil {
			t.Fatal(err)
		}
		after = list[len(list)-1].Sequence
	}
	return list
}

// lines returns the lines of the events on a log, in order.
func lines(t testing.TB, l *Log) (list []string) {
	t.Helper()
	for _, r := range all(t, l, 0) {
		p := unpack(t, r)
		for line := range bytes.Lines(p.Body) {
			if p.Kind == cep.PackedEvents {
				list = append(list, string(line))
			}
		}
	}
	return list
}

func unpack(t testing.TB, r cep.Logged) cep.Packed {
	t.Helper()
	p, err := cep.Unpack(r.Data)
	if err != nil {
		t.Fatalf("record %d: %v", r.Sequence, err)
	}
	return p
}

// blockFiles returns the files that hold the records of a log, in order.
func blockFiles(t testing.TB, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "jetstream", "$G", "streams", streamName, "msgs", "*.blk"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no block files in %s: %v", dir, err)
	}
	return files
}

// copyDir copies a directory as it is at the moment.
func copyDir(t testing.TB, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

func numbered(n int) string { return fmt.Sprintf("{\"n\":%d}\n", n) }

// tick waits for the next look at what is waited for.
func tick() { time.Sleep(5 * time.Millisecond) }
