package stream

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/cep"
)

// TestPacker posts requests of many sizes at once: each line must be on the log once, in
// the order of its request, and what Post returned must be its last record.
func TestPacker(t *testing.T) {
	l := open(t, Options{Durability: Interval})
	p := packer(t, l, PackerOptions{Packed: 4 << 10, Joined: 8 << 10, Flying: 16 << 10})
	const goroutines, each = 16, 40
	lasts := map[string]uint64{} // by the last line of a request
	var mu sync.Mutex
	var group sync.WaitGroup
	for g := range goroutines {
		group.Go(func() {
			for i := range each {
				n := 1 + (g*31+i*17)%60
				if i == 7 {
					n = 500 // several records
				}
				var lines strings.Builder
				for j := range n {
					fmt.Fprintf(&lines, "%d %d %d\n", g, i, j)
				}
				if g == 3 && i == 9 {
					fmt.Fprintf(&lines, "%d %d %d %s\n", g, i, n, strings.Repeat("x", 10<<10)) // longer than a record should be
					n++
				}
				text := lines.String()
				last, err := p.Post(t.Context(), []byte(text), n, nil)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				lasts[text[strings.LastIndexByte(text[:len(text)-1], '\n')+1:]] = last
				mu.Unlock()
			}
		})
	}
	group.Wait()
	next := map[[2]int]int{}
	records := all(t, l, 0)
	total := 0
	for _, r := range records {
		u := unpack(t, r)
		if len(u.Body) > 8<<10 && strings.Count(string(u.Body), "\n") > 1 {
			t.Errorf("record %d has %d bytes", r.Sequence, len(u.Body))
		}
		for line := range strings.Lines(string(u.Body)) {
			var g, i, j int
			if _, err := fmt.Sscanf(line, "%d %d %d", &g, &i, &j); err != nil {
				t.Fatal(err)
			}
			if next[[2]int{g, i}] != j {
				t.Errorf("line %d of request %d %d where %d was expected", j, g, i, next[[2]int{g, i}])
			}
			next[[2]int{g, i}]++
			if last, ok := lasts[line]; ok {
				if last != r.Sequence {
					t.Errorf("request %d %d was told %d and ends in record %d", g, i, last, r.Sequence)
				}
				delete(lasts, line)
			}
			total++
		}
	}
	if len(lasts) > 0 || len(next) != goroutines*each {
		t.Errorf("%d requests are not whole, %d of %d are there", len(lasts), len(next), goroutines*each)
	}
	if requests := goroutines * each; len(records) >= requests {
		t.Errorf("%d requests made %d records: they do not share any", requests, len(records))
	}
	if p.Waiting() != 0 {
		t.Errorf("%d bytes still wait", p.Waiting())
	}
}

func TestPackerRefuses(t *testing.T) {
	l := open(t, Options{Durability: Interval})
	p := packer(t, l, PackerOptions{})
	for _, c := range []struct {
		lines string
		count int
	}{{"", 0}, {"{}", 1}, {"{}\n{}", 2}, {"{}\n", 2}, {"{}\n{}\n", 1}} {
		if _, err := p.Post(within(t), []byte(c.lines), c.count, nil); err == nil || !strings.Contains(err.Error(), "whole lines") {
			t.Errorf("%q as %d lines: %v", c.lines, c.count, err)
		}
	}
	if _, err := p.Post(within(t), []byte("{}\n"+strings.Repeat("x", MaxRecord)+"\n"), 2, nil); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
	if n, err := l.Last(within(t)); n != 0 || err != nil {
		t.Errorf("%d records, %v", n, err)
	}
}

// TestPackerBusy holds a record back and posts beyond the bound.
func TestPackerBusy(t *testing.T) {
	l := open(t, Options{Durability: Interval})
	p := packer(t, l, PackerOptions{Linger: time.Hour, Waiting: 10})
	first := make(chan error)
	go func() {
		_, err := p.Post(t.Context(), []byte("12345678\n"), 1, nil)
		first <- err
	}()
	for p.Waiting() == 0 {
		time.Sleep(time.Millisecond)
	}
	if _, err := p.Post(within(t), []byte("{}\n"), 1, nil); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
	if err := p.Close(within(t)); err != nil {
		t.Error(err)
	}
	if err := <-first; err != nil {
		t.Errorf("a post that was taken before Close: %v", err)
	}
	if _, err := p.Post(within(t), []byte("{}\n"), 1, nil); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if got := lines(t, l); len(got) != 1 || got[0] != "12345678\n" {
		t.Errorf("%q", got)
	}
}

// TestPackerLinger checks that a lone line does not wait for others for long, and that
// what comes while records are made durable shares one.
func TestPackerLinger(t *testing.T) {
	l := open(t, Options{})
	p := packer(t, l, PackerOptions{})
	const goroutines, each = 32, 20
	var group sync.WaitGroup
	for g := range goroutines {
		group.Go(func() {
			for i := range each {
				if _, err := p.Post(t.Context(), []byte(numbered(g*each+i)), 1, nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	// A record has one line of each goroutine at most, and few have fewer.
	if n := len(all(t, l, 0)); n > goroutines*each/4 {
		t.Errorf("%d lines made %d records", goroutines*each, n)
	}
}

func TestPosts(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Options{Dir: dir, Durability: Interval})
	p := NewPacker(l, PackerOptions{Packed: 64, Joined: 64})
	key, other := [16]byte{1}, [16]byte{2}
	ranges := func(l *Log, key [16]byte) string {
		t.Helper()
		list, last, err := l.Posted(within(t), key)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(list, last)
	}
	if got := ranges(l, key); got != "[] 0" {
		t.Errorf("before: %s", got)
	}
	post := func(key [16]byte, first, count int) {
		t.Helper()
		text := strings.Repeat("{\"a\": 1}\n", count)
		if _, err := p.Post(within(t), []byte(text), count, &cep.Post{Key: key, First: uint64(first)}); err != nil {
			t.Fatal(err)
		}
	}
	post(key, 0, 20) // 7 lines in a record
	post(key, 30, 2)
	post(other, 5, 1)
	want, wantOther := "[{0 20} {30 2}] 4", "[{5 1}] 5"
	if a, b := ranges(l, key), ranges(l, other); a != want || b != wantOther {
		t.Errorf("after: %s, %s", a, b)
	}
	if s := l.Stats(); s.Keys != 2 || s.Forgotten != 0 {
		t.Errorf("%+v", s)
	}
	if err := p.Close(within(t)); err != nil {
		t.Error(err)
	}
	shut(t, l)
	again := open(t, Options{Dir: dir})
	if a, b := ranges(again, key), ranges(again, other); a != want || b != wantOther {
		t.Errorf("after a restart: %s, %s", a, b)
	}
	if !again.Ready() {
		t.Error("not ready after an answer")
	}
}

// TestClaim repeats one request by many goroutines at once.
func TestClaim(t *testing.T) {
	l := open(t, Options{Durability: Interval})
	p := packer(t, l, PackerOptions{})
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			c, err := l.Claim(t.Context(), [16]byte{9})
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Release()
			if len(c.Ranges) > 0 {
				if c.Last != 1 || c.Ranges[0] != (Range{0, 3}) {
					t.Errorf("%+v", c)
				}
				return
			}
			if _, err := p.Post(t.Context(), []byte("1\n2\n3\n"), 3, &cep.Post{Key: [16]byte{9}}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if got := lines(t, l); len(got) != 3 {
		t.Errorf("%q", got)
	}
	c, err := l.Claim(within(t), [16]byte{9})
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := contextFor(t, 10*time.Millisecond)
	defer cancel()
	if _, err := l.Claim(short, [16]byte{9}); err == nil {
		t.Error("a key was claimed twice")
	}
	c.Release()
	c.Release()
	if c, err = l.Claim(within(t), [16]byte{9}); err != nil {
		t.Error(err)
	}
	c.Release()
}

func TestInclude(t *testing.T) {
	for _, c := range []struct {
		have []Range
		r    Range
		want string
	}{
		{nil, Range{3, 2}, "[{3 2}]"},
		{nil, Range{3, 0}, "[]"},
		{[]Range{{0, 3}}, Range{3, 2}, "[{0 5}]"},
		{[]Range{{5, 3}}, Range{3, 2}, "[{3 5}]"},
		{[]Range{{0, 3}}, Range{4, 2}, "[{0 3} {4 2}]"},
		{[]Range{{4, 2}}, Range{0, 3}, "[{0 3} {4 2}]"},
		{[]Range{{0, 3}, {4, 2}}, Range{3, 1}, "[{0 6}]"},
		{[]Range{{0, 3}, {4, 2}, {9, 1}}, Range{2, 3}, "[{0 6} {9 1}]"},
		{[]Range{{0, 3}, {4, 2}, {9, 1}}, Range{0, 20}, "[{0 20}]"},
		{[]Range{{0, 30}}, Range{4, 2}, "[{0 30}]"},
	} {
		if got := fmt.Sprint(include(c.have, c.r)); got != c.want {
			t.Errorf("%v and %v: %s, expected %s", c.have, c.r, got, c.want)
		}
	}
}

func TestForget(t *testing.T) {
	var p posts
	p.init()
	key := func(i int) (k [16]byte) {
		k[0], k[1], k[2] = byte(i), byte(i>>8), byte(i>>16)
		return k
	}
	const second = int64(time.Second)
	for i := range 100 {
		p.settle([]cep.Post{{Key: key(i), Count: 1}}, uint64(i+1), int64(i)*second)
	}
	p.mu.Lock()
	// A key goes 10 min after its first line, whatever came later.
	p.add(&cep.Post{Key: key(10), First: 1, Count: 1}, 200, 99*second)
	for i, known := range map[int]bool{9: false, 10: false, 11: true, 99: true} {
		if ranges, _ := p.get(key(i), 610*second); known != (ranges != nil) {
			t.Errorf("key %d after 610 s: %v", i, ranges)
		}
	}
	p.mu.Unlock()
	if n, forgotten := p.count(); n != 89 || forgotten != 0 {
		t.Errorf("%d keys are known, %d were forgotten", n, forgotten)
	}
	for i := range maxKeys + 5 {
		p.settle([]cep.Post{{Key: key(i), Count: 1}}, 1, 610*second)
	}
	if n, forgotten := p.count(); n != maxKeys || forgotten == 0 {
		t.Errorf("%d keys are known, %d were forgotten", n, forgotten)
	}
}
