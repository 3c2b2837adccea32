package cep

import (
	"testing"
	"time"

	"weir/nfa"
)

// heldCell is the cell of a key that has matched two events of four and holds back the others,
// of which the first has the state before it.
func heldCell(t *testing.T) (*shard, *cell) {
	rs := rulesOf(makeRule(t, "ab", "a -> b", nfa.Options{Within: time.Hour}, abc("a", "b")))
	g := NewEngine(rs, Options{Order: EagerOrder, Lateness: time.Minute})
	g.StepEvents([]Event{pay(1, "c", "m", "a", 1), pay(2, "c", "m", "a", 1), pay(3, "c", "m", "a", 1), pay(5, "c", "m", "a", 1)}, new(Effects))
	s := g.layers[0].shards[0]
	for c := range s.eager.cells[0].each {
		c.hold = backlog{holding: true, done: 2}
		c.items[2].known, c.items[2].saved = true, s.spare.save(s.tables[0][c.key()])
		return s, c
	}
	t.Fatal("there is no cell")
	return nil, nil
}

// The state before what is held back is of no use once an earlier event is to be matched again:
// what is inserted there does not pass it on.
func TestInsertForgetsState(t *testing.T) {
	s, c := heldCell(t)
	e := pay(3, "c", "m", "b", 1)
	c.mark(0)
	c.insert(2, item{time: e.Time, event: &e})
	s.restore(c, 0)
	for i := range c.items {
		if it := &c.items[i]; i > 0 && (it.known || it.saved != nil) {
			t.Errorf("item %d has a state of before", i)
		}
	}
}

// A key that is taken back has no state any more before the first event that it holds back.
func TestRestoreForgetsState(t *testing.T) {
	s, c := heldCell(t)
	i := s.restore(c, 1)
	if i > 1 {
		t.Fatalf("the key was taken back to item %d", i)
	}
	for j := i + 1; j < len(c.items); j++ {
		if it := &c.items[j]; it.known || it.saved != nil {
			t.Errorf("item %d has a state of before", j)
		}
	}
}
