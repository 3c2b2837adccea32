package stream

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/cep"
)

func TestRoundTrip(t *testing.T) {
	for name, durability := range map[string]Durability{"fsync": Fsync, "interval": Interval} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			l := open(t, Options{Dir: dir, Durability: durability})
			sent := []*cep.Packed{
				{Kind: cep.PackedBoot, Body: []byte("boot")},
				{Kind: cep.PackedRules, Body: []byte("rules")},
				{Kind: cep.PackedEvents, Body: []byte("{}\n"), Posts: []cep.Post{{Key: [16]byte{1}, First: 3, Count: 1}}},
				{Kind: cep.PackedTick},
				{Kind: cep.PackedAdvance, Time: 17},
				{Kind: cep.PackedSkip, Skipped: cep.Skipped{Sequence: 3, Line: 1, Reason: "it hurts"}},
			}
			before := time.Now().UnixNano()
			for i, p := range sent {
				if n := appendTo(t, l, p); n != uint64(i+1) {
					t.Errorf("record %d has the number %d", i+1, n)
				}
			}
			after := time.Now().UnixNano()
			check := func(l *Log) {
				t.Helper()
				got := all(t, l, 0)
				if len(got) != len(sent) {
					t.Fatalf("%d records, %d expected", len(got), len(sent))
				}
				for i, r := range got {
					if r.Sequence != uint64(i+1) || string(r.Data) != string(sent[i].Append(nil)) || r.Appended < before || r.Appended > after {
						t.Errorf("record %d reads %d, %d, %q", i+1, r.Sequence, r.Appended, r.Data)
					}
					one, ok, err := l.At(within(t), r.Sequence)
					if err != nil || !ok || one.Sum() != r.Sum() {
						t.Errorf("At(%d) = %v, %t, %v", r.Sequence, one, ok, err)
					}
				}
				if got := all(t, l, 4); len(got) != 2 || got[0].Sequence != 5 {
					t.Errorf("after 4 come %v", got)
				}
				controls, err := l.Controls(within(t))
				if err != nil || len(controls) != 3 || controls[0].Sequence != 1 || controls[1].Sequence != 2 || controls[2].Sequence != 6 {
					t.Errorf("controls: %v, %v", controls, err)
				}
				for _, n := range []uint64{0, 7} {
					if _, ok, err := l.At(within(t), n); ok || err != nil {
						t.Errorf("At(%d) = %t, %v", n, ok, err)
					}
				}
			}
			check(l)
			shut(t, l)
			if _, err := l.Append(within(t), events("{}\n")); !errors.Is(err, ErrClosed) {
				t.Errorf("an append to a closed log: %v", err)
			}
			again := open(t, Options{Dir: dir, Durability: durability})
			check(again)
			if n := appendTo(t, again, events("{}\n")); n != 7 {
				t.Errorf("the next record has the number %d", n)
			}
		})
	}
}

func TestDirIsPrivate(t *testing.T) {
	dir := t.TempDir() + "/log"
	open(t, Options{Dir: dir})
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestReadWaits(t *testing.T) {
	l := open(t, Options{})
	type read struct {
		list []cep.Logged
		err  error
		at   time.Time
	}
	done := make(chan read)
	go func() {
		list, err := l.Read(t.Context(), 0, nil)
		done <- read{list, err, time.Now()}
	}()
	select {
	case r := <-done:
		t.Fatalf("an empty log reads %v, %v", r.list, r.err)
	case <-time.After(20 * time.Millisecond):
	}
	appendTo(t, l, events("{}\n"))
	if r := <-done; r.err != nil || len(r.list) != 1 {
		t.Errorf("%v, %v", r.list, r.err)
	}
}

func TestTooLarge(t *testing.T) {
	l := open(t, Options{})
	if _, err := l.Append(within(t), events(strings.Repeat("x", MaxRecord))); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
	large := events(strings.Repeat("x", MaxRecord-64))
	n := appendTo(t, l, large)
	if r, ok, err := l.At(within(t), n); err != nil || !ok || len(r.Data) != len(large.Append(nil)) {
		t.Errorf("%d bytes, %t, %v", len(r.Data), ok, err)
	}
}

func TestBadOptions(t *testing.T) {
	if _, err := Open(within(t), Options{Dir: t.TempDir(), Size: 17}); err == nil || !strings.Contains(err.Error(), "too small") {
		t.Error(err)
	}
	file := t.TempDir() + "/file"
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(within(t), Options{Dir: file}); err == nil {
		t.Error("a file was opened as a log")
	}
}

// TestSequences checks that concurrent appends get different numbers without gaps.
func TestSequences(t *testing.T) {
	l := open(t, Options{Durability: Interval})
	const goroutines, each = 8, 50
	got := make(chan uint64)
	for range goroutines {
		go func() {
			for range each {
				n, err := l.Append(t.Context(), events("{}\n"))
				if err != nil {
					t.Error(err)
				}
				got <- n
			}
		}()
	}
	var list []uint64
	for range goroutines * each {
		list = append(list, <-got)
	}
	slices.Sort(list)
	for i, n := range list {
		if n != uint64(i+1) {
			t.Fatalf("%d follows %d numbers", n, i)
		}
	}
	if n, _ := l.LastAppended(); n != goroutines*each {
		t.Errorf("the last is %d", n)
	}
}
