package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	crashSeed  = flag.Uint64("crash.seed", 0, "seed of TestCrash and TestPowerCut; 0: one that is printed")
	crashKills = flag.Int("crash.kills", 10, "how often TestCrash kills the service")
)

// places are where the service is killed, and how often it passes there before at most.
var places = []struct {
	name string
	most int
}{
	{"append", 80},
	{"step", 60},
	{"commit", 25},
	{"committed", 25},
	{"between", 5},
	{"checkpoint", 5},
	{"checkpointed", 5},
	{"merge", 3},
	{"merged", 3},
	{"purge", 2},
	{"boot", 1},
	{"", 0},
}

const (
	// crashSize is the size of a log that is full soon, so that it is purged.
	crashSize = 4 << 20

	// lifeBytes is how much is posted between two kills at most: less than what a purge
	// leaves, so that copies have all records.
	lifeBytes = 1200 << 10

	// lifeTime is how long it is waited for a failpoint; then the service is killed
	// from outside.
	lifeTime = 4 * time.Second
)

func crashArgs(more ...string) []string {
	return append([]string{
		"--set", "log.size=4MB", "--set", "state.checkpoint.every=100ms", "--set", "time.lateness=2s",
		"--set", "state.reserve=0B", "--set", "alerts.per_rule_minute=1000000",
	}, more...)
}

// seeded gives the seed of a test.
func seeded(t *testing.T) uint64 {
	t.Helper()
	seed := *crashSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", seed)
	return seed
}

// TestCrash kills the service again and again while clients post. After each death every
// event that was acked is on the log exactly once, and the alerts are those of a replay.
func TestCrash(t *testing.T) {
	t.Parallel()
	begun, seed := time.Now(), seeded(t)
	r := rand.New(rand.NewPCG(seed, 1))
	h := newHost(t, t.TempDir(), servedRules, crashArgs("--nats-listen", "127.0.0.1:0")...)
	c := newCrowd(t, 8, seed)
	c.publishers(4, seed)
	a := newArchive(t)
	kills := map[string]int{}
	var deck []int
	for range *crashKills {
		if len(deck) == 0 {
			deck = r.Perm(len(places))
		}
		p := places[deck[0]]
		deck = deck[1:]
		died := h.life(c, p.name, 1+r.IntN(max(1, p.most)), time.Duration(r.Int64N(int64(lifeTime/2))))
		kills[died]++
		t.Logf("killed at %q (%s) after %v, %d events acked", died, p.name, time.Since(begun).Round(time.Millisecond), c.count())
		acked := c.ackedNow()
		dir := copyOf(t, h.data)
		last := a.extend(t, dir, crashSize)
		a.once(t, acked)
		a.agrees(t, dir, last)
		os.RemoveAll(dir)
		if t.Failed() {
			t.Fatalf("after %d kills, the last one at %q", len(kills), died)
		}
	}
	s := h.start()
	if !s.ready() {
		t.Fatalf("the service does not start:\n%s", s.said())
	}
	c.open(s.url, lifeBytes)
	c.openPort(s.portURL(h.data))
	time.Sleep(200 * time.Millisecond)
	c.close()
	s.settled()
	s.stop()
	last := a.extend(t, h.data, crashSize)
	a.once(t, c.ackedNow())
	a.agrees(t, h.data, last)
	kinds := a.kinds(t)
	if kinds[0] == 0 || kinds[2] == 0 {
		t.Errorf("alerts %d, retractions %d: expected some of each", kinds[0], kinds[2])
	}
	var by []string
	for name, n := range kills {
		by = append(by, fmt.Sprintf("%s %d", name, n))
	}
	slices.Sort(by)
	t.Logf("%d kills in %v: %s", *crashKills, time.Since(begun).Round(time.Second), strings.Join(by, ", "))
	if n := c.publishedNow(); n == 0 {
		t.Error("no message of a NATS client was acked")
	} else {
		t.Logf("%d messages of NATS clients acked", n)
	}
	t.Logf("%d events acked, %d records, %d matches, %d time-outs, %d retractions, %d restorations", c.count(), last, kinds[0], kinds[1], kinds[2], kinds[3])
}

// kinds counts the alerts of the archive.
func (a *archive) kinds(t *testing.T) [4]int {
	_, kinds := stored(t, a.store, 1<<62)
	return kinds
}

// life is a life of the service: it ends at a failpoint, or after some time from outside.
// It says which.
func (h *host) life(c *crowd, place string, n int, limit time.Duration) (died string) {
	h.t.Helper()
	var env []string
	if place != "" {
		env, limit = []string{fmt.Sprintf("WEIR_FAILPOINT=%s:%d", place, n)}, lifeTime
	}
	s := h.start(env...)
	if s.ready() {
		c.open(s.url, lifeBytes)
		c.openPort(s.portURL(h.data))
		select {
		case <-s.done:
			died = place
		case <-time.After(limit):
			died = "outside"
			s.kill()
		}
		c.open("", 0)
		c.openPort("")
	} else {
		died = place
		<-s.done
	}
	if !s.died() {
		h.t.Fatalf("the service ended by itself (%v), with failpoint %s:%d:\n%s", s.err, place, n, s.said())
	}
	if strings.Contains(s.said(), "other effects") {
		h.t.Errorf("a replay brought other effects:\n%s", s.said())
	}
	return died
}
