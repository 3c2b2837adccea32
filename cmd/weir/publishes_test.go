package main

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/alerts"
	"weir/cep"
	"weir/state"
)

var (
	publishesSeed    = flag.Uint64("publishes.seed", 0, "seed of TestPublishes; 0: one that is printed")
	publishesKills   = flag.Int("publishes.kills", 6, "how often TestPublishes kills the service")
	publishesChanges = flag.Int("publishes.changes", 50, "how many changes TestPublishes has answered at least")
)

// publishedRules are what TestPublishes serves, beside the rules that are published.
const publishedRules = `
params: {least: 5}
events:
  pay:
    time: ts
    id: id
    fields: {id: string, ts: time, card: string, n: number}
features:
  total: {on: pay, key: card, value: sum(n), over: 1s}
risk:
  heat: {key: card, half_life: 1s}
lists:
  bad: {type: string}
rules:
  - {id: next, on: pay, key: card, within: 3s, score: 3, pattern: a -> b, define: {a: n == 1, b: n == 9}}
  - {id: never, on: pay, key: card, within: 2s, pattern: a -> !b -> c, define: {a: n == 2, b: n == 3, c: n == 8}}
  - {id: listed, on: pay, key: card, when: 'n == 4 && in_list("bad", card)'}
  - {id: much, on: pay, key: card, when: n == 5 && total > 30}
`

// publishPlaces are where the service is killed while rules are changed.
var publishPlaces = []struct {
	name string
	most int
}{
	{"rules", 8},
	{"ruled", 8},
	{"adopt", 8},
	{"adopted", 8},
	{"lane.read", 12},
	{"lane.join", 2},
	{"lane.joined", 2},
	{"join", 2},
	{"joined", 2},
	{"commit", 25},
	{"committed", 25},
	{"checkpoint", 4},
	{"checkpointed", 4},
	{"between", 4},
	{"merge", 2},
	{"boot", 1},
	{"", 0},
	{"", 0},
}

// publishesArgs are of a service whose log keeps all records of a short test.
func publishesArgs() []string {
	return append(crashArgs(), "--set", "log.size="+publishesLog(*publishesKills))
}

// publishesLog is the size of the log: that of a long test is full now and then, so that it is purged.
func publishesLog(kills int) string {
	if kills > 20 {
		return "8MB"
	}
	return "64MB"
}

// TestPublishes kills the service again and again while clients post and rules, params, features and
// lists are changed. What was answered is in force once and in the audit log once, what was not is
// there once or not at all, and the alerts are those of a replay.
func TestPublishes(t *testing.T) {
	t.Parallel()
	begun, seed := time.Now(), *publishesSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 2))
	h := newHost(t, t.TempDir(), publishedRules, publishesArgs()...)
	c := newCrowd(t, 4, seed)
	e := newEditors(t, 2, seed)
	a := newArchive(t)
	kills := map[string]int{}
	var deck []int
	for n := range *publishesKills {
		if len(deck) == 0 {
			deck = r.Perm(len(publishPlaces))
		}
		p := publishPlaces[deck[0]]
		deck = deck[1:]
		died := h.publishes(c, e, p.name, 1+r.IntN(max(1, p.most)), time.Duration(r.Int64N(int64(publishesTime))))
		kills[died]++
		t.Logf("killed at %q (%s) after %v: %d events, %d changes", died, p.name, time.Since(begun).Round(time.Millisecond), c.count(), e.answered())
		dir := copyOf(t, h.data)
		last := a.extend(t, dir, 64<<20)
		a.once(t, c.ackedNow())
		e.settle(a.brings(t, e))
		a.agrees(t, dir, last)
		if t.Failed() {
			t.Fatalf("after %d kills, the last one at %q; the data directory is kept in %s", n+1, died, saved(t, dir))
		}
		os.RemoveAll(dir)
	}
	s := h.start()
	if !s.ready() {
		t.Fatalf("the service does not start:\n%s", s.said())
	}
	c.open(s.url, lifeBytes)
	e.open(s.url)
	for n, since := e.answered(), time.Now(); n < *publishesChanges; time.Sleep(5 * time.Millisecond) {
		if more := e.answered(); more > n {
			n, since = more, time.Now()
		}
		if time.Since(since) > patience {
			t.Fatalf("%d changes are answered, and no other one for %v, expected %d:\n%s", e.answered(), patience, *publishesChanges, s.said())
		}
	}
	e.close()
	c.close()
	s.settled()
	s.kill()
	a.extend(t, copyOf(t, h.data), 64<<20)
	e.settle(a.brings(t, e))
	s = h.start()
	if !s.ready() {
		t.Fatalf("the service does not start:\n%s", s.said())
	}
	s.settled()
	e.agree(s.url, nil)
	s.stop()
	last := a.extend(t, h.data, 64<<20)
	a.once(t, c.ackedNow())
	a.brings(t, e)
	a.agrees(t, h.data, last)
	audited(t, e, h.data)
	for _, args := range [][]string{{"replay", "--data", h.data}, {"state", "check", h.data}} {
		if out, err := exec.Command(buildProgram(t), args...).CombinedOutput(); err != nil {
			t.Errorf("weir %s: %v\n%s", strings.Join(args, " "), err, out)
		} else if args[0] == "replay" && !strings.Contains(string(out), "digest       same") {
			t.Errorf("a replay brings other effects:\n%s", out)
		}
	}
	if t.Failed() {
		t.Logf("the data directory is kept in %s", saved(t, h.data))
	}
	kinds := a.kinds(t)
	t.Logf("%d kills in %v: %v", *publishesKills, time.Since(begun).Round(time.Second), kills)
	t.Logf("%d changes answered %v, %d made without an answer, other answers %v; %d joins", e.answered(), e.kinds, e.silent, e.statuses, a.joins())
	t.Logf("%d events acked, %d records, %d matches, %d time-outs, %d retractions, %d restorations", c.count(), last, kinds[0], kinds[1], kinds[2], kinds[3])
	if kinds[0] == 0 || kinds[2] == 0 || a.joins() == 0 {
		t.Errorf("alerts %d, retractions %d, joins %d: expected some of each", kinds[0], kinds[2], a.joins())
	}
}

// publishesTime is how long a life is at most, if no failpoint ends it.
const publishesTime = 1500 * time.Millisecond

// publishes is a life of the service while rules are changed. It says where it was killed.
func (h *host) publishes(c *crowd, e *editors, place string, n int, limit time.Duration) (died string) {
	h.t.Helper()
	var env []string
	if place != "" {
		env, limit = []string{fmt.Sprintf("WEIR_FAILPOINT=%s:%d", place, n)}, 2*publishesTime
	}
	s := h.start(env...)
	if died = place; s.ready() {
		s.caughtUp()
		e.agree(s.url, s.done)
		c.open(s.url, lifeBytes)
		e.open(s.url)
		select {
		case <-s.done:
		case <-time.After(limit):
			died = "outside"
			s.kill()
		}
		c.open("", 0)
		e.open("")
	}
	<-s.done
	if !s.died() {
		h.t.Fatalf("the service ended by itself (%v), with failpoint %s:%d:\n%s", s.err, place, n, s.said())
	}
	for _, text := range []string{"other effects", "the rules sleep until"} {
		if strings.Contains(s.said(), text) {
			h.t.Errorf("the service says %q:\n%s", text, s.said())
		}
	}
	return died
}

// caughtUp waits until the service has stepped what was on its log, or has died.
func (s *served) caughtUp() {
	for begun := time.Now(); time.Since(begun) < patience; time.Sleep(5 * time.Millisecond) {
		if r, err := s.look(); err == nil && r.End != "" && r.Stepped == r.End {
			return
		}
		select {
		case <-s.done:
			return
		default:
		}
	}
	s.t.Fatalf("the service has not stepped all after %v:\n%s", patience, s.said())
}

// saved keeps a data directory of a test that fails, for who looks into it.
func saved(t *testing.T, dir string) string {
	to, err := os.MkdirTemp("", "weir-publishes-")
	if err == nil {
		err = os.CopyFS(to, os.DirFS(dir))
	}
	if err != nil {
		t.Log(err)
	}
	return to
}

// changes are the reasons of the changes that are on the log, by record.
func (a *archive) changes() map[string][]uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := map[string][]uint64{}
	for _, r := range a.records {
		if p, err := cep.Unpack(r.Data); err == nil && p.Audit != nil {
			all[p.Audit.Reason] = append(all[p.Audit.Reason], r.Sequence)
		}
	}
	return all
}

// joins counts the joins on the log.
func (a *archive) joins() (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range a.records {
		if p, err := cep.Unpack(r.Data); err == nil && p.Kind == cep.PackedJoin {
			n++
		}
	}
	return n
}

// brings checks that changes that were answered are on the log once, and the others once at most, or
// not at all if they were refused. It gives all changes that are there.
func (a *archive) brings(t *testing.T, e *editors) map[string][]uint64 {
	t.Helper()
	there := a.changes()
	asked, refused := e.sent()
	for _, reason := range slices.Sorted(maps.Keys(asked)) {
		at, position := there[reason], asked[reason]
		switch {
		case len(at) > 1:
			t.Errorf("the change %s is on the log %d times: %v", reason, len(at), at)
		case refused[reason] && len(at) > 0:
			t.Errorf("the change %s was refused, and is on the log at %v", reason, at)
		case position != "" && (len(at) != 1 || !strings.HasSuffix(position, fmt.Sprintf("-%d", at[0]))):
			t.Errorf("the change %s was answered with %s, and is on the log at %v", reason, position, at)
		}
	}
	return there
}

// audited checks the audit log of a directory whose service is dead: it has the changes that are on
// the log, each once, and those that were answered are not refused.
func audited(t *testing.T, e *editors, dir string) {
	t.Helper()
	s, err := state.Open(dir, state.Options{})
	must(t, err)
	defer s.Close()
	found := map[string]int{}
	asked, _ := e.sent()
	for before := uint64(0); ; {
		list, next, err := s.Audit(alerts.AuditFilter{}, 1000, before)
		must(t, err)
		for _, entry := range list {
			found[entry.Reason]++
			if position, ok := asked[entry.Reason]; !ok || position != "" && (position != entry.PositionText() || entry.Refused != "") {
				t.Errorf("%s %s %s for %q at %s, refused %q: answered was %q", entry.Author, entry.What, entry.ID, entry.Reason, entry.PositionText(), entry.Refused, position)
			}
		}
		if before = next; next == 0 {
			break
		}
	}
	for reason, position := range asked {
		if n := found[reason]; n > 1 || n == 0 && position != "" {
			t.Errorf("the change %s, answered with %q, is in the audit log %d times", reason, position, n)
		}
	}
}
