package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"weir/cep/stream"
	"weir/state"
)

var powerCuts = flag.Int("powercut.cuts", 6, "how many power cuts TestPowerCut makes")

// What a power cut leaves, by what the files say of each other.
const (
	cutAgrees    = "all that the files follow is on the log"
	cutEffects   = "the log ends before the alerts"
	cutState     = "the log ends before the alerts and the newest state"
	cutBeginning = "the log ends before all state"
)

// TestPowerCut stops the service at some moment, and cuts back what a power cut may take
// of each of its files: of the log what was not synced, which with fsync is what nobody was
// told of; of the other files nothing that was committed. The service goes on from there
// and loses no event that comes later, nor skips one.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	begun, seed := time.Now(), seeded(t)
	outcomes, torn := map[string]int{}, 0
	for i := range *powerCuts {
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		durability := []string{"fsync", "interval"}[i%2]
		o, wasTorn := powerCut(t, r, durability, i%4 == 3)
		outcomes[durability+": "+o]++
		if wasTorn {
			torn++
		}
		if t.Failed() {
			t.Fatalf("cut %d, %s", i, durability)
		}
	}
	for o, n := range outcomes {
		t.Logf("%d cuts, %s", n, o)
	}
	t.Logf("%d cuts in %v, %d of which cut the last block of the log after what was acked", *powerCuts, time.Since(begun).Round(time.Second), torn)
	for o, least := range map[string]int{"fsync: " + cutAgrees: 1, "interval: " + cutState: 4, "interval: " + cutEffects: 40} {
		if outcomes[o] == 0 && *powerCuts >= least {
			t.Errorf("no power cut came to %s", o)
		}
	}
}

// hold stops the process of a service.
func (s *served) hold() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		s.t.Fatal(err)
	}
	for begun := time.Now(); time.Since(begun) < patience; time.Sleep(time.Millisecond) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
		if err != nil {
			s.t.Fatal(err)
		}
		if _, after, _ := strings.Cut(string(stat), ") "); strings.HasPrefix(after, "T") {
			return
		}
	}
	s.t.Fatal("the process does not stop")
}

func (s *served) release() { s.cmd.Process.Signal(syscall.SIGCONT) }

// powerCut makes one power cut and says what it came to. deep: the log loses what came
// since before the newest checkpoint, if its durability allows that.
func powerCut(t *testing.T, r *rand.Rand, durability string, deep bool) (outcome string, torn bool) {
	t.Helper()
	every, lived := 100*time.Millisecond, time.Duration(r.Int64N(int64(time.Second)))
	if durability == "interval" {
		every = 2 * time.Second
		lived = 2500*time.Millisecond + lived
	}
	h := newHost(t, t.TempDir(), servedRules, crashArgs("--set", "log.size=64MB", "--set", "log.durability="+durability, "--set", "state.checkpoint.every="+every.String())...)
	s := h.start()
	if !s.ready() {
		t.Fatalf("the service does not start:\n%s", s.said())
	}
	c := newCrowd(t, 4, r.Uint64())
	c.open(s.url, 16<<20)
	time.Sleep(lived)
	if durability == "interval" && deep {
		s.beforeCheckpoint(h)
	}
	s.hold()
	earlier := copyOf(t, h.data)
	promised := c.ackedNow()
	s.release()
	if deep {
		s.afterCheckpoint(h, earlier)
	} else {
		time.Sleep(time.Duration(r.Int64N(int64(stream.SyncEvery / 2))))
	}
	s.hold()
	dir := copyOf(t, h.data)
	if durability == "fsync" {
		promised = c.ackedNow()
	}
	c.open("", 0)
	s.kill()
	if durability == "interval" {
		must(t, os.RemoveAll(filepath.Join(dir, "log")))
		must(t, os.Rename(filepath.Join(earlier, "log"), filepath.Join(dir, "log")))
	} else {
		torn = tear(t, r, dir, promised)
	}
	outcome, lost := leaves(t, dir)
	goesOn(t, r, h, dir, promised, lost)
	return outcome, torn
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// kept are the sequence numbers of the newest and the oldest checkpoint of a directory; 0
// if there is none.
func kept(t *testing.T, dir string) (newest, oldest uint64) {
	t.Helper()
	o, err := state.Open(dir, state.Options{})
	if errors.Is(err, state.ErrDamaged) {
		return 0, 0
	}
	must(t, err)
	defer o.Close()
	heads, err := o.Checkpoints()
	if len(heads) == 0 || err != nil {
		return 0, 0
	}
	return heads[0].Mark.Position.Sequence, heads[len(heads)-1].Mark.Position.Sequence
}

// written is when the state file was written last.
func (h *host) written() time.Time {
	info, err := os.Stat(filepath.Join(h.data, "state.db"))
	must(h.t, err)
	return info.ModTime()
}

// beforeCheckpoint waits until a checkpoint is due within less than a second.
func (s *served) beforeCheckpoint(h *host) {
	for time.Since(h.written()) < 1400*time.Millisecond {
		time.Sleep(5 * time.Millisecond)
	}
}

// afterCheckpoint waits until there is a checkpoint behind all that the log of a copy has.
func (s *served) afterCheckpoint(h *host, earlier string) {
	was := lastOf(s.t, earlier)
	for begun := time.Now(); time.Since(begun) < patience; time.Sleep(20 * time.Millisecond) {
		s.hold()
		dir := copyOf(s.t, h.data)
		now, _ := kept(s.t, dir)
		must(s.t, os.RemoveAll(dir))
		s.release()
		if now > was {
			return
		}
	}
	s.t.Fatal("there is no checkpoint")
}

// tear cuts the last block of the log of a directory somewhere behind what was promised:
// records with events that were acked, and those that effects were committed of. If there
// is nothing behind that, the block gets an end that was never written.
func tear(t *testing.T, r *rand.Rand, dir string, promised map[string]bool) (cut bool) {
	t.Helper()
	o, err := state.Open(dir, state.Options{})
	must(t, err)
	mark, err := o.Mark()
	must(t, errors.Join(err, o.Close()))
	block := lastBlock(t, dir)
	text, err := os.ReadFile(block)
	must(t, err)
	end := 0
	for at := 0; at+12 <= len(text); {
		size := int(binary.LittleEndian.Uint32(text[at:]) &^ (1 << 31))
		if size < 12 || at+size > len(text) {
			break
		}
		record := text[at : at+size]
		at += size
		if binary.LittleEndian.Uint64(record[4:]) <= mark.Position.Sequence {
			end = at
		}
		for line := range bytes.Lines(record) {
			if promised[idOf(line)] {
				end = at
			}
		}
	}
	if end < len(text) {
		must(t, os.Truncate(block, int64(end+r.IntN(len(text)-end))))
		return true
	}
	rest := make([]byte, 1+r.IntN(2000))
	if r.IntN(2) == 0 {
		for i := range rest {
			rest[i] = byte(r.IntN(256))
		}
	}
	must(t, os.WriteFile(block, append(text, rest...), 0o600))
	return false
}

// lastBlock is the file with the last records of the log of a directory.
func lastBlock(t *testing.T, dir string) string {
	t.Helper()
	blocks, err := filepath.Glob(filepath.Join(dir, "log", "jetstream", "$G", "streams", "WEIR", "msgs", "*.blk"))
	must(t, err)
	if len(blocks) == 0 {
		t.Fatal("the log has no blocks")
	}
	slices.SortFunc(blocks, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	return blocks[len(blocks)-1]
}

// leaves says what a power cut has left, and whether the log has lost records that effects
// or state came from.
func leaves(t *testing.T, dir string) (outcome string, lost bool) {
	t.Helper()
	last := lastOf(t, dir)
	o, err := state.Open(dir, state.Options{})
	must(t, err)
	defer o.Close()
	mark, err := o.Mark()
	must(t, err)
	heads, err := o.Checkpoints()
	must(t, err)
	switch {
	case mark.Position.Sequence <= last:
		return cutAgrees, false
	case len(heads) == 0 || heads[0].Mark.Position.Sequence <= last:
		return cutEffects, true
	case heads[len(heads)-1].Mark.Position.Sequence <= last:
		return cutState, true
	}
	return cutBeginning, true
}

// lastOf is the last record of the log of a directory, which is left as it is.
func lastOf(t *testing.T, dir string) uint64 {
	t.Helper()
	copied := copyOf(t, dir)
	defer os.RemoveAll(copied)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	l, err := stream.Open(ctx, stream.Options{Dir: filepath.Join(copied, "log"), Size: 64 << 20})
	must(t, err)
	defer l.Close(ctx)
	last, err := l.Last(ctx)
	must(t, err)
	return last
}

// goesOn starts a service on what is left, posts more, and compares all with a replay.
func goesOn(t *testing.T, r *rand.Rand, h *host, dir string, promised map[string]bool, lost bool) {
	t.Helper()
	h.data = dir
	s := h.start()
	if !s.ready() {
		t.Fatalf("the service does not start:\n%s", s.said())
	}
	c := newCrowd(t, 4, r.Uint64())
	c.open(s.url, 1<<20)
	time.Sleep(100 * time.Millisecond)
	if r.IntN(2) == 0 { // and again, without a power cut
		s.kill()
		s = h.start()
		if !s.ready() {
			t.Fatalf("the service does not start once more:\n%s", s.said())
		}
		c.open(s.url, 1<<20)
		time.Sleep(100 * time.Millisecond)
	}
	c.close()
	s.settled()
	if strings.Contains(s.said(), "other effects") {
		t.Errorf("a replay brought other effects:\n%s", s.said())
	}
	s.stop()
	a := newArchive(t)
	last := a.extend(t, dir, 64<<20)
	all := c.ackedNow()
	for id := range promised {
		all[id] = true
	}
	a.once(t, all)
	a.agrees(t, dir, last)
	a.stop()
	o, err := state.Open(dir, state.Options{})
	must(t, err)
	defer o.Close()
	losses, err := o.Losses()
	must(t, err)
	if (len(losses) > 0) != lost {
		t.Errorf("losses %+v, expected some: %v", losses, lost)
	}
}
