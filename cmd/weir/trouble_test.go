package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"weir/alerts"
	"weir/cep"
	"weir/state"
)

// TestPanic lets the engine panic at an event. The second time the event is skipped by
// a record on the log; all else goes on, before and after a restart, and a replay that
// knows of that record brings the same.
func TestPanic(t *testing.T) {
	h := newHost(t, t.TempDir(), servedRules, crashArgs("--set", "log.size=64MB")...)
	s := h.start("WEIR_FAILPOINT_PANIC=poison")
	if !s.ready() {
		t.Fatalf("the service does not start:\n%s", s.said())
	}
	seed := seeded(t)
	c := newCrowd(t, 4, seed)
	c.open(s.url, 64<<20)
	time.Sleep(300 * time.Millisecond)
	for _, n := range []string{"one", "two"} {
		a, err := post(s.url, n, payment("before-"+n, time.Now(), "p", 1)+payment("poison-"+n, time.Now(), "p", 9)+payment("after-"+n, time.Now(), "p", 1))
		if err != nil || a.status != http.StatusOK {
			t.Fatalf("%+v, %v", a, err)
		}
		s.settled()
		time.Sleep(100 * time.Millisecond)
	}
	s.kill()
	s = h.start() // without the failpoint: what is on the log is skipped all the same
	if !s.ready() {
		t.Fatalf("the service does not start:\n%s", s.said())
	}
	c.open(s.url, 64<<20)
	time.Sleep(100 * time.Millisecond)
	c.close()
	s.settled()
	s.stop()
	if strings.Contains(s.said(), "other effects") {
		t.Errorf("a replay brought other effects:\n%s", s.said())
	}
	skips := skipsOf(t, h.data)
	if len(skips) != 2 {
		t.Fatalf("the log skips %+v, expected two lines", skips)
	}
	a := newArchive(t)
	for _, k := range skips {
		a.loop.Skip(k)
	}
	last := a.extend(t, h.data, 64<<20)
	all := c.ackedNow()
	for _, id := range []string{"before-one", "poison-one", "after-one", "before-two", "poison-two", "after-two"} {
		all[id] = true
	}
	a.once(t, all)
	a.agrees(t, h.data, last)
	o, err := state.Open(h.data, state.Options{})
	must(t, err)
	defer o.Close()
	notices, _, err := o.Notices()
	must(t, err)
	told := 0
	for _, n := range notices {
		if n.Kind == alerts.Skipped && strings.Contains(n.Text, "is not stepped") {
			told++
		}
	}
	if told != 2 {
		t.Errorf("the operator was told of %d skips: %+v", told, notices)
	}
}

// payment is an event of servedRules.
func payment(id string, at time.Time, card string, n int) string {
	return fmt.Sprintf(`{"type":"pay","id":%q,"ts":%q,"card":%q,"n":%d}`+"\n", id, at.UTC().Format("2006-01-02T15:04:05.000Z"), card, n)
}

// skipsOf reads what the log of a directory says is not to be stepped.
func skipsOf(t *testing.T, dir string) (skips []cep.Skipped) {
	t.Helper()
	a := &archive{more: make(chan struct{}), ids: map[string]int{}, loop: cep.NewLoop(cep.LoopOptions{})}
	a.extend(t, dir, 64<<20)
	for _, r := range a.records {
		p, err := cep.Unpack(r.Data)
		must(t, err)
		if p.Kind == cep.PackedSkip {
			skips = append(skips, p.Skipped)
		}
	}
	return skips
}

// TestFarAhead posts the same events to two services, to one of them with an event of the
// year 2099 among them. The alerts are the same.
func TestFarAhead(t *testing.T) {
	var lists [2][]string
	r := rand.New(rand.NewPCG(seeded(t), 7))
	begin := time.Now().Add(-time.Second)
	var parts [4]string
	for i := range parts {
		for j := range 100 {
			parts[i] += payment(fmt.Sprintf("e%d-%d", i, j), begin.Add(time.Duration(i*100+j)*time.Millisecond), "c"+strconv.Itoa(r.IntN(5)), r.IntN(10))
		}
	}
	for i := range lists {
		h := newHost(t, t.TempDir(), servedRules, crashArgs()...)
		s := h.start()
		if !s.ready() {
			t.Fatalf("the service does not start:\n%s", s.said())
		}
		for n, part := range parts {
			if n == 1 && i == 1 {
				part = payment("far", time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC), "c1", 9) + part
			}
			if a, err := post(s.url, strconv.Itoa(n), part); err != nil || a.status != http.StatusOK {
				t.Fatalf("%+v, %v", a, err)
			}
		}
		s.settled()
		s.stop()
		o, err := state.Open(h.data, state.Options{})
		must(t, err)
		lists[i], _ = stored(t, o, 1<<62)
		strays, _, err := o.Strays(alerts.RejectedStray, 10, 0)
		must(t, err)
		must(t, o.Close())
		if len(strays) != i || i == 1 && !strings.Contains(strays[0].Raw, "2099") {
			t.Errorf("rejected are %+v", strays)
		}
	}
	if len(lists[0]) == 0 {
		t.Fatal("there are no alerts")
	}
	if strings.Join(lists[0], "\n") != strings.Join(lists[1], "\n") {
		t.Errorf("with an event of 2099 there are %d alerts, without %d:\n%s\n\n%s", len(lists[1]), len(lists[0]), strings.Join(lists[1], "\n"), strings.Join(lists[0], "\n"))
	}
}

// TestSlow lets the engine step 1,000 events a second while many more are posted. Clients
// are asked to come again, memory does not grow beyond what is waiting, and all that was
// taken is stepped in the end: by the next process, which is not slow.
func TestSlow(t *testing.T) {
	h := newHost(t, t.TempDir(), servedRules, crashArgs("--set", "log.size=512MB")...)
	s := h.start("WEIR_FAILPOINT_SLOW=1000")
	if !s.ready() {
		t.Fatalf("the service does not start:\n%s", s.said())
	}
	var busy, taken atomic.Int64
	var full atomic.Int64 // resident bytes when the first request was refused
	var wait sync.WaitGroup
	begun := time.Now()
	for client := range 4 {
		wait.Go(func() {
			for n := 0; (busy.Load() < 200 || time.Since(begun) < 3*time.Second) && time.Since(begun) < patience; n++ {
				var text strings.Builder
				for i := range 1000 {
					text.WriteString(strings.TrimSuffix(payment(fmt.Sprintf("e%d-%d-%d", client, n, i), time.Now(), fmt.Sprintf("c%d-%d", client, i%50), i%10), "}\n"))
					fmt.Fprintf(&text, `,"more":"%0400d"}`+"\n", i)
				}
				a, err := post(s.url, fmt.Sprintf("%d-%d", client, n), text.String())
				switch {
				case err != nil:
					t.Error(err)
					return
				case a.status == http.StatusOK:
					taken.Add(int64(a.Accepted))
				case a.status == http.StatusTooManyRequests:
					if a.retry == "" {
						t.Error("429 without Retry-After")
					}
					if a.Problem.Accepted != nil {
						taken.Add(int64(*a.Problem.Accepted))
					}
					if busy.Add(1) == 1 {
						full.Store(s.resident())
					}
					time.Sleep(5 * time.Millisecond)
				default:
					t.Errorf("%d %s", a.status, a.Problem.Detail)
					return
				}
			}
		})
	}
	wait.Wait()
	if busy.Load() < 200 {
		t.Fatalf("%d requests were refused with 429 after %v, %d events taken", busy.Load(), time.Since(begun), taken.Load())
	}
	after := s.resident()
	t.Logf("%d events taken in %v, memory %d MB when it was full, %d MB after 200 refusals", taken.Load(), time.Since(begun).Round(time.Millisecond), full.Load()>>20, after>>20)
	if most := full.Load() + full.Load()/4 + 64<<20; after > most {
		t.Errorf("memory grew from %d to %d bytes while requests were refused", full.Load(), after)
	}
	r, err := s.look()
	must(t, err)
	if r.status != http.StatusServiceUnavailable || r.Stepped == r.End {
		t.Errorf("far behind /readyz says %+v", r)
	}
	s.kill()
	s = h.start()
	if !s.ready() {
		t.Fatalf("the service does not start:\n%s", s.said())
	}
	s.settled()
	in, late := s.metric("weir_events_total"), s.metric("weir_events_late_total")
	if in+late != taken.Load() {
		t.Errorf("%d events were stepped and %d were late, %d were taken", in, late, taken.Load())
	}
	s.stop()
}

// metric reads a metric of the service.
func (s *served) metric(name string) int64 {
	s.t.Helper()
	r, err := http.Get(s.url + "/metrics")
	must(s.t, err)
	defer r.Body.Close()
	for lines := bufio.NewScanner(r.Body); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			n, err := strconv.ParseFloat(text, 64)
			must(s.t, err)
			return int64(n)
		}
	}
	s.t.Fatalf("there is no metric %s", name)
	return 0
}

// resident is the memory of the process, in bytes.
func (s *served) resident() int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.cmd.Process.Pid))
	if err != nil {
		s.t.Error(err)
		return 0
	}
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	if err != nil {
		s.t.Error(err)
	}
	return pages * int64(os.Getpagesize())
}

// TestTerminated tells the service to end while clients post. It does so in time, all that
// was acked is there, and the next start finds nothing to step again.
func TestTerminated(t *testing.T) {
	h := newHost(t, t.TempDir(), servedRules, crashArgs("--set", "log.size=64MB", "--set", "state.checkpoint.every=1h")...)
	s := h.start()
	if !s.ready() {
		t.Fatalf("the service does not start:\n%s", s.said())
	}
	c := newCrowd(t, 8, seeded(t))
	c.open(s.url, 64<<20)
	c.goesOn(3000)
	begun := time.Now()
	must(t, s.cmd.Process.Signal(syscall.SIGTERM))
	s.ended()
	took := time.Since(begun)
	c.open("", 0)
	if s.err != nil || took > drainTime+5*time.Second {
		t.Errorf("ended with %v after %v:\n%s", s.err, took, s.said())
	}
	newest, _ := kept(t, h.data)
	a := newArchive(t)
	last := a.extend(t, copyOf(t, h.data), 64<<20)
	a.once(t, c.ackedNow())
	a.agrees(t, h.data, last)
	if newest != last {
		t.Errorf("the state is as of record %d, and the log ends at %d", newest, last)
	}
	s = h.start()
	if !s.ready() {
		t.Fatalf("the service does not start:\n%s", s.said())
	}
	s.stop()
}

// TestPanicOfRestore starts a service on checkpoints that panic where they are restored: the
// state is folded again from the log, which is told, and alerts stay the same.
func TestPanicOfRestore(t *testing.T) {
	h := newHost(t, t.TempDir(), servedRules, crashArgs("--set", "log.size=64MB")...)
	s := h.start()
	if !s.ready() {
		t.Fatalf("the service does not start:\n%s", s.said())
	}
	c := newCrowd(t, 2, seeded(t))
	c.open(s.url, 64<<20)
	c.goesOn(2000)
	c.close()
	s.settled()
	s.stop()
	before := storedLines(t, h.data)
	s = h.start("WEIR_FAILPOINT_PANIC=restore")
	if !s.ready() {
		t.Fatalf("the service does not start:\n%s", s.said())
	}
	s.settled()
	s.stop()
	if said := s.said(); !strings.Contains(said, "restoring it panicked") || strings.Contains(said, "other effects") {
		t.Errorf("the service says\n%s", said)
	}
	if after := storedLines(t, h.data); before == "" || after != before {
		t.Errorf("alerts before:\n%s\nafter:\n%s", before, after)
	}
}
