package state

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"testing"

	"weir/cep"
)

// checkpointOf is a checkpoint of a position, with a state of so many bytes.
func checkpointOf(sequence uint64, size int) *cep.Checkpoint {
	c := &cep.Checkpoint{
		Mark:    cep.Mark{Position: cep.Position{Incarnation: 1, Sequence: sequence}, Sum: uint32(sequence * 77)},
		RulesAt: sequence / 2, Rules: bytes.Repeat([]byte{byte(sequence)}, size/10),
	}
	c.Mark.Digest[31] = byte(sequence)
	state := make([]byte, size)
	for i, x := 0, uint32(sequence)*2654435761+1; i < size; i++ {
		x = x*1664525 + 1013904223
		state[i] = byte(x >> 24)
	}
	sorted, err := cep.SortEntries(nil, entriesOf(state))
	if err == nil {
		c.State, c.Begins, err = cep.AssembleSections([]cep.Run{cep.RunOf(sorted)}, 0)
	}
	if err != nil {
		panic(err)
	}
	return c
}

// entriesOf are entries that are put together to a state, with its checksum behind it.
func entriesOf(state []byte) (entries []byte) {
	pieces := slices.Collect(slices.Chunk(state, 1000))
	for i, p := range pieces {
		entries = (&cep.Entry{Section: uint32(i + 1), Value: p}).Append(entries)
	}
	return (&cep.Entry{Value: make([]byte, len(pieces))}).Append(entries)
}

// trySave saves a checkpoint of checkpointOf as a whole one.
func trySave(s *Store, c *cep.Checkpoint) (cep.Position, error) {
	w, err := s.Begin(c, true)
	if err != nil {
		return cep.Position{}, err
	}
	for some := range slices.Chunk(entriesOf(c.State[:len(c.State)-4]), 1<<30) {
		if err := w.Add(some); err != nil {
			return cep.Position{}, errors.Join(err, w.Abort())
		}
	}
	return w.Commit()
}

func save(t testing.TB, s *Store, c *cep.Checkpoint) cep.Position {
	t.Helper()
	oldest, err := trySave(s, c)
	if err != nil {
		t.Fatal(err)
	}
	return oldest
}

// TestSave keeps two checkpoints, of any size, also after the directory was opened anew.
func TestSave(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir, Options{})
	if heads, err := s.Checkpoints(); err != nil || heads != nil {
		t.Fatalf("a new directory has checkpoints %v, %v", heads, err)
	}
	var kept []*cep.Checkpoint
	for i, size := range []int{0, 1, chunkSize, chunkSize + 1, 25 * chunkSize, 3 * chunkSize, 41*chunkSize + 5} {
		c := checkpointOf(uint64(i+1), size)
		if kept = append(kept, c); len(kept) > 2 {
			kept = kept[1:]
		}
		if oldest := save(t, s, c); oldest != kept[0].Mark.Position {
			t.Errorf("oldest %v, expected %v", oldest, kept[0].Mark.Position)
		}
		s.Close()
		s = opened(t, dir, Options{})
		heads, err := s.Checkpoints()
		if err != nil || len(heads) != len(kept) {
			t.Fatalf("%d checkpoints, %v; expected %d", len(heads), err, len(kept))
		}
		for j, want := range kept {
			got, err := s.Load(heads[len(kept)-1-j])
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("size %d: checkpoint %d of %d came back otherwise, %v", size, j, len(kept), err)
			}
		}
	}
}

// TestSaveReuses holds that the file stays as large as three checkpoints: pages of those
// that are deleted are used again.
func TestSaveReuses(t *testing.T) {
	s := opened(t, t.TempDir(), Options{})
	most := 0
	for i := range uint64(16) {
		c := checkpointOf(i+1, int(20+i*7%10)*chunkSize)
		most = max(most, len(c.State)+len(c.Rules))
		save(t, s, c)
	}
	if _, size := s.Sizes(); size > int64(3*most)+20<<20 {
		t.Errorf("the file has %d bytes, the largest checkpoint %d", size, most)
	}
}
