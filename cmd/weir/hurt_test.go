package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/cep/stream/nodes"
)

var hurtCount = flag.Int("hurt.count", 3, "how often TestHurt hurts the servers of the log, or the service")

// serveNode is a server of TestHurt, in a process that was started to be one.
func serveNode(file string) {
	if err := nodes.Serve(file); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(exitFailed)
	}
	os.Exit(exitDone)
}

// hurtServers starts three servers that are processes of their own.
func hurtServers(t *testing.T) *nodes.Cluster {
	t.Helper()
	binary, err := os.Executable()
	must(t, err)
	n, err := nodes.StartApart(t.TempDir(), 3, func() *exec.Cmd {
		c := exec.Command(binary)
		c.Stderr = os.Stderr
		return c
	})
	must(t, err)
	t.Cleanup(n.Close)
	return n
}

// hurting is a service over servers that are hurt while clients post and publish.
type hurting struct {
	t *testing.T
	r *rand.Rand
	n *nodes.Cluster
	h *host
	c *crowd
	s *served
}

// hurts are what is done, the shortest run the first of them.
var hurts = []struct {
	name string
	do   func(u *hurting)
}{
	{"a server is killed", func(u *hurting) { u.dies(u.leader(), false) }},
	{"a server is killed and loses its disk", func(u *hurting) { u.dies(u.any(), true) }},
	{"the service is killed before something leaves", func(u *hurting) { u.serviceDies("out") }},
	{"the leader is cut off from the others", func(u *hurting) { u.isolated(u.leader()) }},
	{"a server is cut off from the others", func(u *hurting) { u.isolated(u.any()) }},
	{"a server is cut off from its clients", func(u *hurting) { u.cut(u.any()) }},
	{"all servers are killed", (*hurting).allDie},
	{"the service is killed after something left", func(u *hurting) { u.serviceDies("published") }},
	{"the service is killed", func(u *hurting) { u.serviceDies("") }},
	{"a server and the service are killed", func(u *hurting) {
		i := u.leader()
		must(u.t, u.n.Kill(i))
		u.serviceDies("")
		must(u.t, u.n.Start(i))
		u.whole()
	}},
}

// TestHurt kills servers of the log, wipes their disks, cuts them off from each other and from
// their clients, and kills the service, while clients post and publish. Nothing that was acked is
// lost, nothing is there twice, the alerts are those of a replay, and all of them have left, each
// once and in order.
func TestHurt(t *testing.T) {
	t.Parallel()
	seed := seeded(t)
	n := hurtServers(t)
	u := &hurting{t: t, r: rand.New(rand.NewPCG(seed, 11)), n: n, h: newHost(t, t.TempDir(), servedRules, outsideArgs(n, "--set", "log.size=1GB")...)}
	u.c = newCrowd(t, 4, seed)
	u.c.within = 2 * time.Second // a server that is cut off gives no answer
	u.c.publishers(4, seed)
	u.begin()
	u.c.openPort(n.URL())
	u.goesOn()
	done := map[string]int{}
	var deck []int
	for i := range *hurtCount {
		if len(deck) == 0 {
			if deck = u.r.Perm(len(hurts)); i == 0 {
				slices.Sort(deck)
			}
		}
		next := hurts[deck[0]]
		deck = deck[1:]
		begun := time.Now()
		next.do(u)
		u.goesOn()
		done[next.name]++
		t.Logf("%s: %v, %d events acked", next.name, time.Since(begun).Round(time.Millisecond), u.c.count())
		if t.Failed() {
			t.Fatalf("after %d hurts", i+1)
		}
	}
	u.c.open(u.s.url, 1<<40)
	u.c.close()
	u.s.settled()
	u.s.stop()
	u.check(done)
}

// begin starts the service.
func (u *hurting) begin(env ...string) {
	u.t.Helper()
	if u.s = u.h.start(env...); !u.s.ready() {
		u.t.Fatalf("the service does not start:\n%s", u.s.said())
	}
	u.c.open(u.s.url, 16<<10)
}

// hurtPatience is how long a test waits for servers to find each other again, on a machine that
// is busy too.
const hurtPatience = 3 * patience

// goesOn waits until more is acked that was posted, and more that was published.
func (u *hurting) goesOn() {
	u.t.Helper()
	events, messages := u.c.count()+300, u.c.publishedNow()+20
	for begun := time.Now(); time.Since(begun) < hurtPatience; time.Sleep(5 * time.Millisecond) {
		switch {
		case u.c.count() < events:
			u.c.open(u.s.url, 16<<10)
		case u.c.publishedNow() < messages:
			u.c.open(u.s.url, 500) // enough for a message, and for few requests
		default:
			return
		}
	}
	u.t.Fatalf("after %v %d events are acked, expected %d, and %d messages, expected %d; answers other than 200: %v\n%s",
		hurtPatience, u.c.count(), events, u.c.publishedNow(), messages, u.c.refusals(), u.s.said())
}

func (u *hurting) waiting() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), hurtPatience)
	u.t.Cleanup(cancel)
	return ctx
}

func (u *hurting) leader() int {
	u.t.Helper()
	i, err := u.n.Leader(u.waiting(), "WEIR")
	must(u.t, err)
	return i
}

func (u *hurting) any() int { return u.r.IntN(3) }

func (u *hurting) whole() {
	u.t.Helper()
	for _, stream := range []string{"WEIR", "WEIR_OUT"} {
		must(u.t, u.n.Whole(u.waiting(), stream))
	}
}

// dies kills a server; the others go on without it.
func (u *hurting) dies(i int, wipe bool) {
	u.t.Helper()
	must(u.t, u.n.Kill(i))
	if wipe {
		must(u.t, u.n.Wipe(i))
	}
	u.goesOn()
	must(u.t, u.n.Start(i))
	u.whole()
}

func (u *hurting) isolated(i int) {
	u.t.Helper()
	u.n.Isolate(i, true)
	u.goesOn()
	u.n.Isolate(i, false)
	u.whole()
}

func (u *hurting) cut(i int) {
	u.t.Helper()
	u.n.Cut(i, true)
	u.goesOn()
	u.n.Cut(i, false)
}

func (u *hurting) allDie() {
	u.t.Helper()
	for i := range 3 {
		must(u.t, u.n.Kill(i))
	}
	for i := range 3 {
		must(u.t, u.n.Start(i))
	}
	u.whole()
}

// serviceDies kills the service at a place, which it begins again for; empty: at once.
func (u *hurting) serviceDies(place string) {
	u.t.Helper()
	if place != "" {
		u.s.stop()
		u.begin(fmt.Sprintf("WEIR_FAILPOINT=%s:%d", place, 1+u.r.IntN(4)))
		u.c.open(u.s.url, 1<<40)
		u.s.ended()
		u.c.open("", 0)
	} else {
		u.s.kill()
	}
	if !u.s.died() {
		u.t.Fatalf("the service ended by itself (%v):\n%s", u.s.err, u.s.said())
	}
	u.begin()
}

// check compares what there is once all has ended.
func (u *hurting) check(done map[string]int) {
	t := u.t
	t.Helper()
	// The service may have ended before all had left: the next one goes on.
	next := startServe(t, u.h.data, []string{u.h.rules}, map[string]string{"nats.url": u.n.URL(), "log.size": "1GB", "alerts.per_rule_minute": "1000000", "time.lateness": "2s"})
	for begun := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		_, last, err := next.store.Span()
		must(t, err)
		at, err := next.store.Leaving()
		must(t, err)
		if at.Alerts == last {
			break
		}
		if time.Since(begun) > patience {
			t.Fatalf("%d alerts are stored, noted as published are %d", last, at.Alerts)
		}
	}
	next.shut(t)
	a := newArchive(t)
	last := a.extendFrom(t, outsideLog(u.n))
	a.once(t, u.c.ackedNow())
	a.agrees(t, u.h.data, last)
	var out, report bytes.Buffer
	if code := execute([]string{"replay", "--data", u.h.data, "--nats", u.n.URL()}, &streams{nil, &out, &report}); code != exitDone {
		t.Errorf("replay: exit code %d: %s", code, &report)
	}
	messages := leftOf(t, u.h.data, "--nats", u.n.URL())
	sameAsStored(t, messages, storedItems(t, u.h.data))
	var list []string
	for name, n := range done {
		list = append(list, fmt.Sprintf("%s: %d", name, n))
	}
	slices.Sort(list)
	kinds := a.kinds(t)
	t.Logf("%s", strings.Join(list, "; "))
	t.Logf("%d events acked, %d messages of NATS clients, %d records, %d matches, %d retractions, %d messages left, answers other than 200: %v",
		u.c.count(), u.c.publishedNow(), last, kinds[0], kinds[2], len(messages), u.c.refusals())
}
