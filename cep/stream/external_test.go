package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"weir/cep"
	"weir/cep/stream/nodes"
)

// servers starts servers that run until the test ends.
func servers(t testing.TB, n int, change func(*server.Options)) *nodes.Cluster {
	t.Helper()
	c, err := nodes.Start(t.TempDir(), n, change)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// outside opens the log of servers and takes its lease, also from those who have it.
func outside(t testing.TB, c *nodes.Cluster, change func(*Options), from ...*Log) *Log {
	t.Helper()
	for _, l := range from {
		must(t, l.host.Load().far.serving.Load().Unsubscribe())
		must(t, l.host.Load().reads.Flush())
	}
	o := Options{Size: 64 << 20, External: &External{URL: c.URL(), Begin: true, Name: t.Name()}, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}
	if change != nil {
		change(&o)
	}
	l := open(t, o)
	if err := l.Admit(l.Server()); err != nil {
		t.Fatal(err)
	}
	return l
}

// TestExternalAlone appends to and reads from a server that runs elsewhere.
func TestExternalAlone(t *testing.T) {
	c := servers(t, 1, nil)
	l := outside(t, c, nil)
	p := packer(t, l, PackerOptions{})
	for i := range 3 {
		if _, err := p.Post(within(t), []byte(numbered(i)), 1, nil); err != nil {
			t.Fatal(err)
		}
	}
	if got := fmt.Sprint(lines(t, l)); got != fmt.Sprint([]string{numbered(0), numbered(1), numbered(2)}) {
		t.Error(got)
	}
	controls, err := l.Controls(within(t))
	if err != nil || len(controls) != 1 || controls[0].Sequence != 1 {
		t.Fatal(controls, err)
	}
	last, err := l.PublishIf(within(t), &cep.Packed{Kind: cep.PackedRules, Body: []byte("rules")}, 1)
	if err != nil || last != 5 {
		t.Fatal(last, err)
	}
	if _, err := l.PublishIf(within(t), &cep.Packed{Kind: cep.PackedRules, Body: []byte("rules")}, 1); !errors.Is(err, ErrChanged) {
		t.Error(err)
	}
	if err := l.Health(within(t)); err != nil || l.Waits() != "" {
		t.Error(err, l.Waits())
	}
}

// traffic posts lines from several goroutines until it is stopped. What had no answer is repeated
// with its key.
type traffic struct {
	stop  func() // waits until all have ended
	acked atomic.Int64
	mu    sync.Mutex
	sent  map[string]bool
}

func newTraffic(t *testing.T, l *Log, p *Packer) *traffic {
	ctx, cancel := context.WithCancel(context.Background())
	d := &traffic{sent: map[string]bool{}}
	var group sync.WaitGroup
	for g := range 3 {
		group.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				key := [16]byte{byte(g), byte(i), byte(i >> 8)}
				var text strings.Builder
				for j := range 20 {
					fmt.Fprintf(&text, "%d %d %d %s\n", g, i, j, strings.Repeat("x", 100))
				}
				for {
					_, err := repeat(within(t), l, p, key, text.String())
					if err == nil {
						break
					}
					if !errors.Is(err, ErrUnavailable) {
						t.Error(err)
						return
					}
				}
				d.mu.Lock()
				for line := range strings.Lines(text.String()) {
					d.sent[line] = true
				}
				d.mu.Unlock()
				d.acked.Add(1)
			}
		})
	}
	d.stop = sync.OnceFunc(func() { cancel(); group.Wait() })
	t.Cleanup(d.stop)
	return d
}

// goesOn waits until more requests were answered.
func (d *traffic) goesOn(t *testing.T, more int64) {
	t.Helper()
	ctx := within(t)
	for want := d.acked.Load() + more; d.acked.Load() < want; {
		if ctx.Err() != nil {
			t.Fatal("no request is answered any more")
		}
		tick()
	}
}

// once checks that each line that was answered for is on the log once, in the order of its
// request.
func (d *traffic) once(t *testing.T, l *Log) {
	t.Helper()
	d.stop()
	got, before := map[string]int{}, map[string]int{}
	for _, line := range lines(t, l) {
		got[line]++
		var g, i, j int
		if _, err := fmt.Sscanf(line, "%d %d %d", &g, &i, &j); err != nil {
			t.Fatal(err)
		}
		request := fmt.Sprint(g, i)
		if last, ok := before[request]; ok && last != j-1 || !ok && j != 0 {
			t.Errorf("line %d of request %s comes after %d", j, request, last)
		}
		before[request] = j
	}
	for line := range d.sent {
		if got[line] != 1 {
			t.Errorf("a line is there %d times: %.20q", got[line], line)
		}
	}
	if len(got) != len(d.sent) || len(got) == 0 {
		t.Errorf("%d lines are there, %d were sent", len(got), len(d.sent))
	}
}

// TestExternalCluster stops each of three servers in turn, under load, wipes its disk, and starts
// it again.
func TestExternalCluster(t *testing.T) {
	c := servers(t, 3, nil)
	l := outside(t, c, nil)
	p := packer(t, l, PackerOptions{Packed: 1 << 10})
	d := newTraffic(t, l, p)
	for i := range 3 {
		for _, wipe := range []bool{false, true} {
			d.goesOn(t, 20)
			c.Stop(i)
			d.goesOn(t, 20)
			if wipe {
				if err := c.Wipe(i); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.Start(i); err != nil {
				t.Fatal(err)
			}
			if err := c.Whole(within(t), streamName); err != nil {
				t.Fatal(err)
			}
		}
	}
	// All at once: nothing is answered until they are back.
	for i := range 3 {
		c.Stop(i)
	}
	for i := range 3 {
		if err := c.Start(i); err != nil {
			t.Fatal(err)
		}
	}
	d.goesOn(t, 20)
	d.once(t, l)
	if n := l.Server(); n != 1 {
		t.Errorf("the log was begun %d times: what comes back by itself is no reason", n)
	}
}

// TestExternalRestart connects anew under load.
func TestExternalRestart(t *testing.T) {
	c := servers(t, 1, nil)
	l := outside(t, c, nil)
	p := packer(t, l, PackerOptions{Packed: 1 << 10})
	d := newTraffic(t, l, p)
	for range 5 {
		d.goesOn(t, 20)
		if err := l.Restart(within(t)); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Append(within(t), events("early\n")); !errors.Is(err, ErrUnavailable) {
			t.Errorf("append before the log was compared: %v", err)
		}
		if err := l.Admit(l.Server()); err != nil {
			t.Fatal(err)
		}
	}
	d.goesOn(t, 20)
	d.once(t, l)
	if n := l.sent.Load(); n != 0 {
		t.Errorf("%d bytes are still on their way", n)
	}
}

// TestExternalLease has two processes that want one log.
func TestExternalLease(t *testing.T) {
	c := servers(t, 1, nil)
	first := outside(t, c, func(o *Options) { o.External.Name = "the first" })
	appendTo(t, first, events("1\n"))
	second := open(t, Options{Size: 64 << 20, External: &External{URL: c.URL(), Name: "the second"}})
	if err := second.Admit(second.Server()); !errors.Is(err, ErrTaken) || !strings.Contains(err.Error(), "the first") {
		t.Fatal(err)
	}
	if _, err := second.Append(within(t), events("2\n")); !errors.Is(err, ErrUnavailable) {
		t.Errorf("append without the lease: %v", err)
	}
	// It is read, and follows what the first one appends.
	list, err := second.Read(within(t), 1, nil)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	appendTo(t, first, events("3\n"))
	if list, err = second.Read(within(t), 2, nil); err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	// The first one does not answer any more.
	h := first.host.Load()
	must(t, h.far.serving.Load().Unsubscribe())
	must(t, h.reads.Flush())
	if err := second.Admit(second.Server()); err != nil {
		t.Fatal(err)
	}
	appendTo(t, second, events("4\n"))
	a, err := h.far.try(&record{subject: subjectBatch + "1", data: []byte("late"), id: "late"})
	if !errors.Is(err, ErrChanged) {
		t.Errorf("a record under the lease of before: %+v, %v", a, err)
	}
	if got := fmt.Sprint(lines(t, second)); got != "[1\n 3\n 4\n]" {
		t.Errorf("%q", got)
	}
}

// TestExternalTaken lets a process learn from an append that another one has the log.
func TestExternalTaken(t *testing.T) {
	c := servers(t, 1, nil)
	first := outside(t, c, nil)
	appendTo(t, first, events("1\n"))
	other := outside(t, c, func(o *Options) { o.External.Name = "the other" }, first)
	appendTo(t, other, events("2\n"))
	for _, p := range []*cep.Packed{events("3\n"), {Kind: cep.PackedTick}} {
		if _, err := first.Append(within(t), p); !errors.Is(err, ErrTaken) || !strings.Contains(err.Error(), "the other") {
			t.Error(err)
		}
	}
	if _, err := first.Read(within(t), 0, nil); !errors.Is(err, ErrTaken) {
		t.Error(err)
	}
	if err := first.Restart(within(t)); !errors.Is(err, ErrTaken) {
		t.Error(err)
	}
}

// TestExternalFind looks for records that were sent too long ago to be sent again.
func TestExternalFind(t *testing.T) {
	c := servers(t, 1, nil)
	l := outside(t, c, nil)
	f := l.host.Load().far
	there := &record{subject: subjectBatch + "1", data: events("1\n").Append(nil), id: "there", floor: l.appended.Load()}
	a, err := f.try(there)
	if err != nil {
		t.Fatal(err)
	}
	appendTo(t, l, events("2\n"))
	f.last.Store(nil) // as if it was the answer to the second one that did not come
	if sequence, known, err := l.find(f, there); sequence != a.Sequence || !known || err != nil {
		t.Errorf("a record that is there: %d, %t, %v", sequence, known, err)
	}
	before := f.leased.Load()
	gone := &record{subject: subjectBatch + "1", data: events("3\n").Append(nil), id: "gone", floor: l.appended.Load()}
	if sequence, known, err := l.find(f, gone); sequence != 0 || !known || !errors.Is(err, ErrUnavailable) {
		t.Errorf("a record that is not: %d, %t, %v", sequence, known, err)
	}
	// What was sent under the lease of before cannot come any more.
	m := nats.NewMsg(gone.subject)
	m.Data, m.Header = gone.data, nats.Header{jetstream.MsgIDHeader: {gone.id}}
	f.expect(m, subjectLease, before)
	if _, err := f.ask(within(t), m); !errors.Is(err, ErrChanged) {
		t.Error(err)
	}
	appendTo(t, l, events("4\n"))
}
