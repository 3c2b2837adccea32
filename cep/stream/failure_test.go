package stream

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/cep"
)

func contextFor(t testing.TB, d time.Duration) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeout(context.Background(), d)
}

// TestCrashCopy copies the files while appends run, as a crash would leave them: what was
// answered before the copy began is in it.
func TestCrashCopy(t *testing.T) {
	for name, durability := range map[string]Durability{"fsync": Fsync, "interval": Interval} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			l := open(t, Options{Dir: dir, Durability: durability, Size: 64 << 20})
			p := packer(t, l, PackerOptions{Packed: 16 << 10})
			ctx, cancel := context.WithCancel(t.Context())
			var group sync.WaitGroup
			var mu sync.Mutex
			answered := map[string]bool{}
			first, once := make(chan struct{}), sync.Once{}
			for g := range 4 {
				group.Go(func() {
					for i := 0; ctx.Err() == nil; i++ {
						line := fmt.Sprintf("%d %d %s\n", g, i, strings.Repeat("x", 1000))
						if _, err := p.Post(t.Context(), []byte(line), 1, nil); err != nil {
							t.Error(err)
							return
						}
						mu.Lock()
						answered[line] = true
						mu.Unlock()
						once.Do(func() { close(first) })
					}
				})
			}
			<-first
			for range 4 {
				time.Sleep(30 * time.Millisecond)
				mu.Lock()
				before := make([]string, 0, len(answered))
				for line := range answered {
					before = append(before, line)
				}
				mu.Unlock()
				opened := open(t, Options{Dir: copyDir(t, dir)})
				times := map[string]int{}
				for _, line := range lines(t, opened) {
					times[line]++
				}
				for _, line := range before {
					if times[line] != 1 {
						t.Errorf("a line that was answered is there %d times: %.20q", times[line], line)
					}
				}
				if len(before) == 0 {
					t.Error("nothing was answered before the copy")
				}
			}
			cancel()
			group.Wait()
		})
	}
}

// TestTornTail cuts the end of the last block file off, at every length of its last records.
func TestTornTail(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Options{Dir: dir})
	for i := range 5 {
		appendTo(t, l, events(numbered(i)))
	}
	crashed := copyDir(t, dir) // without what a clean stop writes
	shut(t, l)
	for name, from := range map[string]string{"crashed": crashed, "closed": dir} {
		t.Run(name, func(t *testing.T) {
			files := blockFiles(t, from)
			info, err := os.Stat(files[len(files)-1])
			if err != nil {
				t.Fatal(err)
			}
			least := 5
			for cut := int64(1); cut < info.Size()*2/3; cut += 13 {
				torn := copyDir(t, from)
				files := blockFiles(t, torn)
				if err := os.Truncate(files[len(files)-1], info.Size()-cut); err != nil {
					t.Fatal(err)
				}
				l := open(t, Options{Dir: torn})
				got := lines(t, l)
				for i, line := range got {
					if line != numbered(i) {
						t.Errorf("%d bytes less: line %d is %q", cut, i, line)
					}
				}
				if len(got) > least || len(got) == 5 && cut > 22 {
					t.Errorf("%d bytes less: %d lines, with fewer bytes less %d", cut, len(got), least)
				}
				least = len(got)
				if n := appendTo(t, l, events("{}\n")); n != uint64(len(got)+1) {
					t.Errorf("%d bytes less: the next record has the number %d after %d", cut, n, len(got))
				}
				shut(t, l)
			}
			if least > 2 {
				t.Errorf("the shortest has %d lines", least)
			}
		})
	}
}

func TestFull(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Options{Dir: dir, Size: 4 << 20, Durability: Interval})
	p := packer(t, l, PackerOptions{Packed: 32 << 10})
	boot := appendTo(t, l, &cep.Packed{Kind: cep.PackedBoot, Body: []byte("boot")})
	line := []byte(strings.Repeat("x", 8<<10-1) + "\n")
	fill := func() (last uint64, n int) {
		t.Helper()
		for ; ; n++ {
			sequence, err := p.Post(within(t), line, 1, nil)
			if errors.Is(err, ErrFull) {
				return last, n
			}
			if err != nil {
				t.Fatal(err)
			}
			last = sequence
		}
	}
	last, n := fill()
	if n < 400 || n > 500 {
		t.Errorf("a log of 4 MB is full after %d lines of 8 KB", n)
	}
	// What is no event still has its room.
	rules := appendTo(t, l, &cep.Packed{Kind: cep.PackedRules, Body: []byte("rules")})

	// Nothing that is still needed goes.
	if err := l.Release(within(t), boot+1); err != nil {
		t.Fatal(err)
	}
	if got := len(all(t, l, 0)); got != n+2 {
		t.Errorf("%d records after a release of none, %d before", got, n+2)
	}
	if err := l.Release(within(t), last); err != nil {
		t.Fatal(err)
	}
	s := l.Stats()
	if s.Bytes > s.Size*fullBelow/100 || s.Bytes < s.Size*(fullBelow-10)/100 || s.Purged == 0 {
		t.Errorf("after the release: %+v", s)
	}
	got := all(t, l, 0)
	if got[0].Sequence != boot || got[1].Sequence == boot+1 || got[len(got)-1].Sequence != rules {
		t.Errorf("the log has %d, %d .. %d", got[0].Sequence, got[1].Sequence, got[len(got)-1].Sequence)
	}
	for i, r := range got[2:] {
		if r.Sequence != got[i+1].Sequence+1 {
			t.Errorf("%d follows %d", r.Sequence, got[i+1].Sequence)
		}
	}
	if _, ok, err := l.At(within(t), boot+1); ok || err != nil {
		t.Errorf("a dropped record: %t, %v", ok, err)
	}
	if again, m := fill(); m < 100 || again <= rules {
		t.Errorf("%d lines fitted in after the release", m)
	}

	// The same on the next start, to the last record, which stays.
	shut(t, l)
	l = open(t, Options{Dir: dir, Size: 4 << 20, Durability: Interval})
	end, err := l.Last(within(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Release(within(t), end); err != nil {
		t.Fatal(err)
	}
	got = all(t, l, 0)
	if _, ok, err := l.At(within(t), end); !ok || err != nil {
		t.Errorf("the record that was released to: %t, %v", ok, err)
	}
	controls, err := l.Controls(within(t))
	if err != nil || len(controls) != 2 || got[0].Sequence != boot {
		t.Errorf("controls: %v, %v", controls, err)
	}
	if s := l.Stats(); s.Bytes > s.Size*fullBelow/100 {
		t.Errorf("after the second release: %+v", s)
	}
}

// TestSizeChanges opens a log with another size.
func TestSizeChanges(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Options{Dir: dir, Size: 4 << 20, Durability: Interval})
	body := strings.Repeat("x", 64<<10) + "\n"
	for range 20 {
		appendTo(t, l, events(body))
	}
	shut(t, l)
	l = open(t, Options{Dir: dir, Size: MinSize, Durability: Interval})
	if _, err := l.Append(within(t), events(body)); !errors.Is(err, ErrFull) {
		t.Error(err)
	}
	if got := len(all(t, l, 0)); got != 20 {
		t.Errorf("a smaller log has %d records", got)
	}
	shut(t, l)
	l = open(t, Options{Dir: dir, Size: 8 << 20, Durability: Interval})
	appendTo(t, l, events(body))
}

// TestForeignStream changes what decides which records are kept.
func TestForeignStream(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Options{Dir: dir})
	h := l.host.Load()
	js, err := h.manager()
	if err != nil {
		t.Fatal(err)
	}
	config := wanted(l.options)
	config.MaxAge = time.Hour
	if _, err := js.UpdateStream(within(t), config); err != nil {
		t.Fatal(err)
	}
	shut(t, l)
	if _, err := Open(within(t), Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "max_age 1h0m0s, expected 0s") {
		t.Error(err)
	}
}

// TestUnreadable damages what the server knows the stream by: no new log may begin over
// the old one.
func TestUnreadable(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Options{Dir: dir})
	appendTo(t, l, events("{}\n"))
	shut(t, l)
	meta := filepath.Join(dir, "jetstream", "$G", "streams", streamName, "meta.inf")
	if err := os.WriteFile(meta, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(within(t), Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Error(err)
	}
}

func TestPublishIf(t *testing.T) {
	l := open(t, Options{Durability: Interval})
	rules := &cep.Packed{Kind: cep.PackedRules, Body: []byte("rules")}
	first, err := l.PublishIf(within(t), rules, 0)
	if err != nil {
		t.Fatal(err)
	}
	appendTo(t, l, events("{}\n")) // no control record
	second, err := l.PublishIf(within(t), &cep.Packed{Kind: cep.PackedBoot}, first)
	if err != nil || second != first+2 {
		t.Fatal(second, err)
	}
	for _, stale := range []uint64{0, first, second + 1} {
		if _, err := l.PublishIf(within(t), rules, stale); !errors.Is(err, ErrChanged) {
			t.Errorf("after %d: %v", stale, err)
		}
	}
	if _, err := l.PublishIf(within(t), events("{}\n"), second); err == nil {
		t.Error("events were published as a control record")
	}
	// Many at once: each round one of them wins.
	for round, last := 0, second; round < 20; round++ {
		won := make(chan uint64, 8)
		var group sync.WaitGroup
		for range cap(won) {
			group.Go(func() {
				if n, err := l.PublishIf(t.Context(), rules, last); err == nil {
					won <- n
				} else if !errors.Is(err, ErrChanged) {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if len(won) != 1 {
			t.Fatalf("round %d: %d won", round, len(won))
		}
		last = <-won
	}
}

// TestRestart restarts the server under load. A request whose fate was not told is
// repeated with its key: each line must be there once.
func TestRestart(t *testing.T) {
	l := open(t, Options{Durability: Interval})
	p := packer(t, l, PackerOptions{Packed: 1 << 10})
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	var mu sync.Mutex
	sent := map[string]bool{}
	failed := 0
	for g := range 4 {
		group.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				key := [16]byte{byte(g), byte(i), byte(i >> 8)}
				var text strings.Builder
				for j := range 40 {
					fmt.Fprintf(&text, "%d %d %d %s\n", g, i, j, strings.Repeat("x", 100))
				}
				for {
					again, err := repeat(t.Context(), l, p, key, text.String())
					if err == nil {
						break
					}
					if !errors.Is(err, ErrUnavailable) {
						t.Error(err)
						return
					}
					if again {
						mu.Lock()
						failed++
						mu.Unlock()
					}
					time.Sleep(time.Millisecond)
				}
				mu.Lock()
				for line := range strings.Lines(text.String()) {
					sent[line] = true
				}
				mu.Unlock()
			}
		})
	}
	for range 4 {
		time.Sleep(50 * time.Millisecond)
		if err := l.Restart(within(t)); err != nil {
			t.Fatal(err)
		}
		if err := l.Admit(l.Server()); err != nil {
			t.Fatal(err)
		}
		if err := l.Health(within(t)); err != nil {
			t.Error(err)
		}
	}
	// A connection that ends is opened again.
	time.Sleep(20 * time.Millisecond)
	h := l.host.Load()
	h.mu.Lock()
	writes := h.writes
	h.mu.Unlock()
	writes.Close()
	time.Sleep(50 * time.Millisecond)
	cancel()
	group.Wait()
	got := map[string]int{}
	for _, line := range lines(t, l) {
		got[line]++
	}
	for line := range sent {
		if got[line] != 1 {
			t.Errorf("a line is there %d times: %.20q", got[line], line)
		}
	}
	if len(got) != len(sent) || len(sent) == 0 {
		t.Errorf("%d lines are there, %d were sent", len(got), len(sent))
	}
	if failed == 0 {
		t.Error("no request failed: the restarts were not noticed")
	}
	if n := l.sent.Load(); n != 0 {
		t.Errorf("%d bytes are still on their way", n)
	}
}

// repeat appends the lines of a request that are missing, and says whether it came to that.
func repeat(ctx context.Context, l *Log, p *Packer, key [16]byte, text string) (bool, error) {
	c, err := l.Claim(ctx, key)
	if err != nil {
		return false, err
	}
	defer c.Release()
	all := strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
	all[len(all)-1] += "\n"
	ranges := append(c.Ranges, Range{First: uint64(len(all))})
	next := uint64(0)
	for _, r := range ranges {
		if r.First > next {
			missing := all[next:r.First]
			if _, err := p.Post(ctx, []byte(strings.Join(missing, "")), len(missing), &cep.Post{Key: key, First: next}); err != nil {
				return true, err
			}
		}
		next = r.First + r.Count
	}
	return true, nil
}

// TestBroken lets the server lose its directory's write access: it never answers again,
// until it is restarted.
func TestBroken(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Options{Dir: dir})
	appendTo(t, l, events("1\n"))
	h := l.host.Load()
	(&voice{log: l.options.Logger, host: h}).Errorf("JetStream failed to store a msg on stream '%s': %v", streamName, errors.New("write x.blk: no space left on device"))
	deadline := time.Now().Add(limit)
	for l.Health(within(t)) == nil && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	if err := l.Health(within(t)); !errors.Is(err, ErrNoSpace) {
		t.Errorf("health: %v", err)
	}
	if _, err := l.Append(within(t), events("2\n")); !errors.Is(err, ErrNoSpace) {
		t.Errorf("append: %v", err)
	}
	if _, err := l.Read(within(t), 0, nil); !errors.Is(err, ErrNoSpace) {
		t.Errorf("read: %v", err)
	}
	before, server := l.Admitted(), l.Server()
	if err := l.Restart(within(t)); err != nil {
		t.Fatal(err)
	}
	// Nothing is taken before what follows the log was compared with it, but it can be read.
	if _, err := l.Append(within(t), events("early\n")); !errors.Is(err, ErrUnavailable) {
		t.Errorf("append after a restart: %v", err)
	}
	p := packer(t, l, PackerOptions{})
	if _, err := p.Post(within(t), []byte("early\n"), 1, nil); !errors.Is(err, ErrUnavailable) {
		t.Errorf("post after a restart: %v", err)
	}
	if got := lines(t, l); fmt.Sprint(got) != "[1\n]" {
		t.Errorf("%q", got)
	}
	if err := l.Admit(server); !errors.Is(err, ErrUnavailable) || !before || l.Admitted() {
		t.Errorf("the server before is admitted: %v", err)
	}
	if err := l.Admit(l.Server()); err != nil {
		t.Fatal(err)
	}
	appendTo(t, l, events("3\n"))
	if got := lines(t, l); fmt.Sprint(got) != "[1\n 3\n]" {
		t.Errorf("%q", got)
	}
}
