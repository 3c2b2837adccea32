package cep

import (
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"testing"
	"time"
)

// besideState is a state with features, what rules show of them, and recent events of which some
// keys hold theirs back, with where its sections begin.
func besideState(t *testing.T, o Options) (rs *Ruleset, state []byte, begins []int, want string) {
	rs = watchedCard(t)
	o.Freezes = true
	g, fx := NewEngine(rs, o), new(Effects)
	for _, l := range g.ledgers {
		if l.past != nil {
			l.past.again = 4
		}
	}
	random := rand.New(rand.NewPCG(7, 7))
	for n := range 400 {
		at := n - random.IntN(3)*random.IntN(10)
		g.StepEvents([]Event{pay(max(at, 0), "c"+string(rune('a'+random.IntN(20))), "m1", []string{"a", "b", "x"}[n%3], 5)}, fx)
	}
	f := g.Freeze()
	pieces, _ := f.Next(func() bool { return false })
	f.End(true)
	var runs []Run
	for _, p := range pieces {
		run, err := SortEntries(nil, p)
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, RunOf(run))
	}
	state, begins, err := AssembleSections(runs, 0)
	if err != nil {
		t.Fatal(err)
	}
	return rs, state, begins, string(g.Append(nil))
}

// A state of which parts are read at the same time is the one that is read part after part, and a
// damaged one is no state either way.
func TestReadBeside(t *testing.T) {
	for _, order := range []Order{WatermarkOrder, EagerOrder} {
		o := Options{Order: order, Lateness: time.Minute, Shards: 2}
		rs, state, begins, want := besideState(t, o)
		o.Freezes, o.Saved = true, true
		g, err := RestoreSections(rs, o, state, begins)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(g.Append(nil)); got != want {
			t.Errorf("order %d: %d bytes are read as a state of %d", order, len(want), len(got))
		}
		for i := range begins {
			wrong := append([]int(nil), begins...)
			wrong[i]++
			if g, err := RestoreSections(rs, o, state, wrong); err == nil && string(g.Append(nil)) != want {
				t.Errorf("order %d: a state is read whose section %d begins elsewhere", order, i)
			}
		}
		random, refused := rand.New(rand.NewPCG(8, 8)), 0
		for range 400 {
			damaged := append([]byte(nil), state...)
			damaged[random.IntN(len(damaged)-4)] ^= 1 << random.IntN(8)
			body := damaged[:len(damaged)-4]
			binary.LittleEndian.PutUint32(damaged[len(body):], crc32.Checksum(body, castagnoli))
			one, err := Restore(rs, o, damaged)
			other, err2 := RestoreSections(rs, o, damaged, begins)
			if (err == nil) != (err2 == nil) || err == nil && string(one.Append(nil)) != string(other.Append(nil)) {
				t.Fatalf("order %d: a damaged state is read in two ways: %v and %v", order, err, err2)
			}
			if err != nil {
				refused++
			}
		}
		if refused == 0 || refused == 400 {
			t.Errorf("order %d: %d of 400 damaged states are refused", order, refused)
		}
	}
}
