package state

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"weir/cep"
)

// loaded are the checkpoints of a directory that can be read, the newest first, and the
// errors of the others.
func loaded(dir string) (list []*cep.Checkpoint, faults []error) {
	s, err := Open(dir, Options{Now: (&clock{at}).read})
	if err != nil {
		return nil, []error{err}
	}
	defer s.Close()
	heads, err := s.Checkpoints()
	if err != nil {
		return nil, []error{err}
	}
	for _, h := range heads {
		c, err := s.Load(h)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		list = append(list, c)
	}
	return list, faults
}

// copied copies the files of a closed directory into a new one, with one bit of state.db
// flipped.
func copied(t *testing.T, dir string, flip, bit int) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(to, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{alertsName, stateName} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if name == stateName {
			data[flip] ^= 1 << bit
		}
		write(t, filepath.Join(to, name), data)
	}
	return to
}

// TestFlippedBits flips a bit in each part of state.db: the checkpoint that has it is not
// loaded, the other one is.
func TestFlippedBits(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir, Options{})
	older, newer := checkpointOf(3, 3*chunkSize), checkpointOf(9, 2*chunkSize+100)
	save(t, s, older)
	save(t, s, newer)
	heads, err := s.Checkpoints()
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	sorted, err := cep.SortEntries(nil, entriesOf(newer.State[:len(newer.State)-4]))
	if err != nil {
		t.Fatal(err)
	}
	chunks, err := chunksOf(sorted)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, stateName))
	if err != nil {
		t.Fatal(err)
	}
	for name, part := range map[string][]byte{
		"digest in the head": newer.Mark.Digest[:],
		"sum in the head":    heads[0].parts[0].sum[:],
		"rules":              newer.Rules,
		"first chunk":        chunks[0],
		"a later chunk":      chunks[1],
		"last chunk":         chunks[len(chunks)-1],
		"key of a chunk":     chunkKey(heads[0].parts[0].number, 1, chunks[1]),
	} {
		where := bytes.LastIndex(data, part)
		if where < 0 {
			t.Fatalf("%s: not found in the file", name)
		}
		for _, flip := range []int{where, where + len(part)/2, where + len(part) - 1} {
			list, faults := loaded(copied(t, dir, flip, flip%8))
			if len(list) != 1 || !reflect.DeepEqual(list[0], older) || len(faults) != 1 || !errors.Is(faults[0], ErrDamaged) {
				t.Errorf("%s: %d checkpoints are loaded, faults %v", name, len(list), faults)
			}
		}
	}
}

// TestFlippedAlerts flips a bit in each part of alerts.db: what reads it says so, and so
// does Check.
func TestFlippedAlerts(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir, Options{})
	c := limited(commitOf(cep.Position{Incarnation: 1, Sequence: 1}, crowd(100)...), 2)
	c.Mark.Digest = [32]byte([]byte("the digest of all that came here"))
	c.Effects.Late = []cep.Late{{Raw: "a late event"}}
	c.Effects.Rejected = []cep.Rejected{{Raw: "a rejected line"}}
	c.Effects.Conflicts = []cep.Conflict{{Raw: "a conflict of two"}}
	c.Effects.Refused = []cep.Refused{{Reason: "a refused change"}}
	commit(t, s, c)
	if _, err := s.Lost(cep.Loss{Until: 1}, 0, cep.Mark{Position: cep.Position{Incarnation: 2}, Digest: c.Mark.Digest}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.AckLosses(cep.Audit{Author: "ann", Reason: "a loss that is known"}, at); err != nil {
		t.Fatal(err)
	}
	save(t, s, checkpointOf(1, 100))
	if faults := s.Check(); faults != nil {
		t.Fatalf("a directory that is whole: %v", faults)
	}
	s.Close()
	data, err := os.ReadFile(filepath.Join(dir, alertsName))
	if err != nil {
		t.Fatal(err)
	}
	over, _, err := opened(t, dir, Options{}).Counted(1, "")
	if err != nil {
		t.Fatal(err)
	}
	for bucket, part := range map[string]string{
		"mark": string(c.Mark.Digest[:]), "items": string(c.Lines[1]), "samples": string(over[0].Samples[0]), "losses": "a loss that is known",
		"late": "a late event", "rejected": "a rejected line", "conflicts": "a conflict of two", "refused": "a refused change", "notices": "makes more alerts",
	} {
		where := bytes.LastIndex(data, []byte(part))
		if where < 0 {
			t.Fatalf("%s: not found in the file", bucket)
		}
		to := copied(t, dir, 0, 0)
		data[where] ^= 4
		write(t, filepath.Join(to, alertsName), data)
		data[where] ^= 4
		state, err := os.ReadFile(filepath.Join(dir, stateName))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(to, stateName), state)
		s, err := Open(to, Options{})
		if err != nil {
			t.Errorf("%s: %v", bucket, err)
			continue
		}
		faults := s.Check()
		s.Close()
		if len(faults) == 0 || !errors.Is(faults[0], ErrDamaged) || !strings.Contains(faults[0].Error(), bucket+" ") {
			t.Errorf("%s: faults %v", bucket, faults)
		}
	}
}

// TestFlippedAnywhere flips bits anywhere: what is loaded is what was saved, and the rest
// is an error.
func TestFlippedAnywhere(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir, Options{})
	saved := []*cep.Checkpoint{checkpointOf(9, 3000), checkpointOf(3, 5000)}
	save(t, s, checkpointOf(1, 1000))
	save(t, s, saved[1])
	save(t, s, saved[0])
	s.Close()
	info, err := os.Stat(filepath.Join(dir, stateName))
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(5, 0))
	whole, broken := 0, 0
	for range 300 {
		flip := r.IntN(int(info.Size()))
		list, faults := loaded(copied(t, dir, flip, r.IntN(8)))
		for _, c := range list {
			if !reflect.DeepEqual(c, saved[0]) && !reflect.DeepEqual(c, saved[1]) {
				t.Errorf("byte %d: checkpoint %v is another one", flip, c.Mark.Position)
			}
		}
		if len(faults) > 0 {
			broken++
		} else {
			whole++
		}
	}
	if whole == 0 || broken < 10 {
		t.Errorf("%d flips were found, %d did no harm", broken, whole)
	}
}
