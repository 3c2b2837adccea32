package state

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
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
	data, err := os.ReadFile(filepath.Join(dir, stateName))
	if err != nil {
		t.Fatal(err)
	}
	chunk := newer.State[chunkSize : 2*chunkSize]
	for name, part := range map[string][]byte{
		"digest in the head": newer.Mark.Digest[:],
		"sum in the head":    heads[0].hash[:],
		"rules":              newer.Rules,
		"first chunk":        newer.State[:chunkSize],
		"a later chunk":      chunk,
		"last chunk":         newer.State[2*chunkSize:],
		"key of a chunk":     chunkKey(heads[0].Number, 2, chunk),
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
