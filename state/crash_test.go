//go:build unix

package state

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"testing"
	"time"

	"weir/alerts"
	"weir/cep"
)

// crashing names the directory that a process of this test writes to until it is killed.
const crashing = "WEIR_STATE_CRASH"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashing); dir != "" {
		crash(dir)
	}
	os.Exit(m.Run())
}

// crashSize is the size of a checkpoint as of a record: some transactions.
func crashSize(sequence uint64) int { return int(3+sequence%50) * chunkSize }

// crash commits and saves, going on from what is there, and says what is done.
func crash(dir string) {
	s, err := Open(dir, Options{})
	if err != nil {
		panic(err)
	}
	mark, err := s.Mark()
	if err != nil {
		panic(err)
	}
	go func() {
		for n := mark.Position.Sequence + 1; ; n++ {
			if err := s.Commit(crashCommit(n)); err != nil {
				panic(err)
			}
			fmt.Println("committed", n)
		}
	}()
	heads, err := s.Checkpoints()
	if err != nil {
		panic(err)
	}
	n := uint64(1)
	if len(heads) > 0 {
		n = heads[0].Mark.Position.Sequence + 1
	}
	for ; ; n++ {
		if _, err := trySave(s, checkpointOf(n, crashSize(n))); err != nil {
			panic(err)
		}
		fmt.Println("saved", n)
	}
}

func crashCommit(n uint64) *cep.Commit {
	return commitOf(cep.Position{Incarnation: 1, Sequence: n}, alertOf(ruleOf("probe"), int(n), 1, cep.MatchAlert))
}

// TestKill kills a process that commits and saves, again and again: what it said to be done
// is there, and what is there is whole.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	var committed, saved uint64
	for i := 0; i < 8 || saved < 2 && i < 40; i++ { // a busy machine comes less far between two kills
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), crashing+"="+dir)
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		c.Stderr = os.Stderr
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Duration(150+i*37)*time.Millisecond, func() { c.Process.Kill() })
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var n uint64
			if k, _ := fmt.Sscanf(lines.Text(), "committed %d", &n); k == 1 {
				committed = n
			} else if k, _ := fmt.Sscanf(lines.Text(), "saved %d", &n); k == 1 {
				saved = n
			}
		}
		c.Wait() // it says that it was killed
		s := opened(t, dir, Options{})
		mark, err := s.Mark()
		if n := mark.Position.Sequence; err != nil || n < committed || n > committed+1 || n > 0 && mark != crashCommit(n).Mark {
			t.Fatalf("%d was committed, the mark is %v, %v", committed, mark, err)
		}
		items := uint64(0)
		if err := s.All(func(order uint64, it *alerts.Item) error {
			if items++; order != items || nameOf(it) != fmt.Sprintf("%d.1", items) {
				return fmt.Errorf("item %d is %s", order, nameOf(it))
			}
			return nil
		}); err != nil || items != mark.Position.Sequence {
			t.Fatalf("%d items, mark %v, %v", items, mark, err)
		}
		heads, err := s.Checkpoints()
		if err != nil {
			t.Fatal(err)
		}
		for j, h := range heads {
			n := h.Mark.Position.Sequence
			if j == 0 && (n < saved || n > saved+1) {
				t.Errorf("%d was saved, the newest checkpoint is as of %d", saved, n)
			}
			if c, err := s.Load(h); err != nil || !reflect.DeepEqual(c, checkpointOf(n, crashSize(n))) {
				t.Errorf("checkpoint %d: %v", n, err)
			}
		}
		if len(heads) < int(min(saved, 2)) {
			t.Errorf("%d checkpoints, %d were saved", len(heads), saved)
		}
		s.Close()
	}
	if committed < 20 || saved < 2 {
		t.Errorf("only %d commits and %d checkpoints were made", committed, saved)
	}
}
