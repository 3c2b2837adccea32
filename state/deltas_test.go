package state

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"go.etcd.io/bbolt"

	"weir/cep"
)

// model is what entries of many checkpoints come to: one section of pieces by key, and a list.
type model struct {
	*rand.Rand
	keys map[string]string
	low  int // no key before it is put again
}

// change changes some keys, or all of them, and gives the entries of what changed.
func (m *model) change(n int, whole bool) (entries []byte) {
	changed := map[string]bool{}
	for range n {
		key := fmt.Sprintf("key %06d", m.low+m.IntN(4*n+1))
		if changed[key] = true; m.IntN(4) == 0 {
			delete(m.keys, key)
			continue
		}
		m.keys[key] = fmt.Sprintf("%s=%d;", key, m.Uint64())
	}
	if whole {
		for key := range m.keys {
			changed[key] = true
		}
	}
	if !whole && m.IntN(8) == 0 {
		m.low += m.IntN(n + 1)
		below := fmt.Sprintf("key %06d", m.low)
		maps.DeleteFunc(m.keys, func(key, _ string) bool { return key < below })
		entries = (&cep.Entry{Section: 1, Kind: cep.GoneBeforeKind, Value: []byte(below)}).Append(entries)
	}
	entries = (&cep.Entry{Value: []byte{1}}).Append(entries)
	for key := range changed {
		e := cep.Entry{Section: 1, Kind: cep.GoneKind, Key: []byte(key)}
		if value, ok := m.keys[key]; ok {
			e.Kind, e.Value = cep.PutKind, []byte(value)
		} else if whole {
			continue
		}
		entries = e.Append(entries)
	}
	return entries
}

// state is what the keys come to.
func (m *model) state(t *testing.T) (state []byte, begins []int) {
	entries := (&cep.Entry{Value: []byte{1}}).Append(nil)
	for _, key := range slices.Sorted(maps.Keys(m.keys)) {
		entries = (&cep.Entry{Section: 1, Key: []byte(key), Value: []byte(m.keys[key])}).Append(entries)
	}
	state, begins, err := cep.AssembleSections([]cep.Run{cep.RunOf(entries)}, 0)
	if err != nil {
		t.Fatal(err)
	}
	return state, begins
}

// TestDeltas saves what changes: both checkpoints that are kept come back as they were, over
// new bases, checkpoints that are given up, and opening the directory anew.
func TestDeltas(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir, Options{})
	m := &model{rand.New(rand.NewPCG(1, 7)), map[string]string{}, 0}
	var kept []*cep.Checkpoint
	merged, given := 0, 0
	for i := range uint64(40) {
		c := &cep.Checkpoint{Mark: cep.Mark{Position: cep.Position{Incarnation: 1, Sequence: i + 1}}, RulesAt: 1 + i/20, Rules: fmt.Append(nil, "rules", i/20)}
		whole := i == 0 || m.IntN(20) == 0
		entries := m.change(1+m.IntN(20_000), whole)
		if m.IntN(6) == 0 { // it does not come to an end, and the next one has all
			w, err := s.Begin(c, whole)
			if err == nil {
				err = w.Add(entries)
			}
			if err == nil {
				err = w.Abort()
			}
			if err != nil {
				t.Fatal(err)
			}
			given++
			whole, entries = true, m.change(0, true)
		}
		w, err := s.Begin(c, whole)
		if err == nil {
			err = w.Add(entries)
		}
		if err != nil {
			t.Fatal(err)
		}
		oldest, err := w.Commit()
		if err != nil {
			t.Fatal(err)
		}
		if m.IntN(2) == 0 { // else a base is made while checkpoints come and go
			s.bases.wait()
		}
		c.State, c.Begins = m.state(t)
		if kept = append(kept, c); len(kept) > 2 {
			kept = kept[1:]
		}
		if oldest != kept[0].Mark.Position {
			t.Errorf("oldest %v, expected %v", oldest, kept[0].Mark.Position)
		}
		if m.IntN(4) == 0 {
			s.Close()
			s = opened(t, dir, Options{})
		}
		heads, err := s.Checkpoints()
		if err != nil || len(heads) != len(kept) {
			t.Fatalf("%d checkpoints, %v; expected %d", len(heads), err, len(kept))
		}
		if len(heads[0].parts) < len(w.(*saver).head.parts) {
			merged++
		}
		for j, want := range kept {
			if got, err := s.Load(heads[len(kept)-1-j]); err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("checkpoint %d of %d as of %d came back otherwise, %v", j, len(kept), i+1, err)
			}
		}
	}
	if faults := s.Check(); faults != nil {
		t.Error(faults)
	}
	if merged < 5 || given < 3 {
		t.Errorf("%d bases were merged, %d checkpoints given up", merged, given)
	}
}

// TestDeltaWithoutBase: changes alone are no checkpoint.
func TestDeltaWithoutBase(t *testing.T) {
	s := opened(t, t.TempDir(), Options{})
	if _, err := s.Begin(checkpointOf(1, 10), false); err == nil {
		t.Error("changes are taken without a checkpoint that they could be added to")
	}
}

// TestSweepLeavesWhatIsUsed: a part that is being written, and one that is being merged though
// no checkpoint has it any more, stay until they are let go.
func TestSweepLeavesWhatIsUsed(t *testing.T) {
	s := opened(t, t.TempDir(), Options{})
	m := &model{rand.New(rand.NewPCG(3, 9)), map[string]string{}, 0}
	save := func(sequence uint64) {
		c := &cep.Checkpoint{Mark: cep.Mark{Position: cep.Position{Incarnation: 1, Sequence: sequence}}}
		w, err := s.Begin(c, true)
		if err == nil {
			err = w.Add(m.change(200, true))
		}
		if err == nil {
			err = s.sweep(0) // as at the end of a merge
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Commit(); err != nil {
			t.Fatalf("a part that was being written: %v", err)
		}
	}
	save(1)
	heads, err := s.Checkpoints()
	if err != nil {
		t.Fatal(err)
	}
	merged := heads[0].parts
	s.keep(numbersOf(merged)...)
	save(2)
	save(3) // the first is not kept
	there := func() (err error) {
		return s.checkpoints.view(func(tx *bbolt.Tx) error {
			_, err := merged[0].segments(tx)
			return err
		})
	}
	if err := there(); err != nil {
		t.Errorf("a part that is being merged: %v", err)
	}
	s.written(numbersOf(merged)...)
	if err := s.sweep(0); err != nil || there() == nil {
		t.Errorf("a part that nobody uses is still there; %v", err)
	}
}
