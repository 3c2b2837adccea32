package cep

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// What is saved bit by bit of keys that hold back is what it was at the freeze, of however
// many freezes it is put together: keys go on to fold what they held back, and to hold back
// more, before it is saved.
func TestFreezeOfHeldBack(t *testing.T) {
	rs := watchedCard(t)
	held, beside := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1, 20).Draw(t, "again")
		bound := func(g *Engine) *Engine {
			for _, l := range g.ledgers {
				l.past.again = most
			}
			return g
		}
		lateness := time.Duration(rapid.IntRange(0, 30).Draw(t, "lateness")) * time.Second
		late := arrival(t, stream(t), lateness)
		o := Options{Lateness: lateness, Order: EagerOrder, Shards: rapid.IntRange(1, 3).Draw(t, "shards")}
		twin, saved := bound(NewEngine(rs, o)), o
		saved.Freezes = true
		g, fx := bound(NewEngine(rs, saved)), new(Effects)
		var runs [][]byte
		var frozen *Frozen
		var want []byte
		for rest := slices.Clone(late); len(rest) > 0; {
			n := rapid.IntRange(1, min(6, len(rest))).Draw(t, "batch")
			g.StepEvents(slices.Clone(rest[:n]), fx)
			twin.StepEvents(slices.Clone(rest[:n]), fx)
			if rest = rest[n:]; frozen == nil {
				if want = twin.Append(nil); rapid.Bool().Draw(t, "freezes") {
					frozen = g.Freeze()
					if frozen.Full {
						runs = nil
					}
					for _, l := range g.ledgers {
						for _, j := range l.past.holding {
							held += len(j.items) - j.hold.done
						}
					}
				}
				continue
			}
			if rapid.IntRange(0, 9).Draw(t, "given up") == 0 {
				frozen.End(false)
				frozen = nil
				continue
			}
			few := rapid.IntRange(0, 3).Draw(t, "slice")
			pieces, more := frozen.Next(func() bool { few--; return few <= 0 && len(rest) > 0 })
			for _, p := range pieces {
				run, err := SortEntries(nil, p)
				if err != nil {
					t.Fatal(err)
				}
				runs = append(runs, run)
			}
			if more {
				beside++
				continue
			}
			frozen.End(true)
			frozen = nil
			var all []Run
			for _, run := range runs {
				all = append(all, RunOf(run))
			}
			state, err := Assemble(all)
			if err != nil {
				t.Fatal(err)
			}
			again, err := Restore(rs, o, state)
			if err != nil {
				t.Fatal(err)
			}
			if got := again.Append(nil); string(got) != string(want) {
				t.Fatalf("%d bytes saved as of the freeze are not the %d of then", len(got), len(want))
			}
		}
	})
	if held == 0 || beside == 0 {
		t.Errorf("%d events were held back, %d batches came beside a freeze", held, beside)
	}
}

// An event that was saved, learnt more of its key by a late one, and is held back after that,
// is saved once more.
func TestFreezeOfHeldBackLater(t *testing.T) {
	rs := watchedCard(t)
	o := Options{Lateness: time.Minute, Order: EagerOrder, Freezes: true}
	g, fx := NewEngine(rs, o), new(Effects)
	for _, l := range g.ledgers {
		l.past.again = 4
	}
	var runs []Run
	saves := func() {
		f := g.Freeze()
		pieces, _ := f.Next(func() bool { return false })
		for _, p := range pieces {
			run, err := SortEntries(nil, p)
			if err != nil {
				t.Fatal(err)
			}
			runs = append(runs, RunOf(slices.Clone(run)))
		}
		f.End(true)
	}
	at := func(seconds ...int) {
		for _, s := range seconds {
			g.StepEvents([]Event{pay(s, "c1", "m1", "x", 5)}, fx)
		}
	}
	at(10, 12, 14, 16)
	saves()
	at(11) // three events know more
	at(13) // two would be counted again: too many
	if n := g.Stats().Repairs.HeldBack; n == 0 {
		t.Fatal("no key holds back")
	}
	saves()
	state, err := Assemble(runs)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Restore(rs, o, state)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := again.Append(nil), g.Append(nil); string(got) != string(want) {
		t.Fatalf("%d bytes were saved of a state of %d", len(got), len(want))
	}
}
