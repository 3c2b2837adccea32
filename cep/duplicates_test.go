package cep

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"pgregory.net/rapid"

	"weir/cep/wire"
	"weir/nfa"
)

// named makes a payment at a second with an id.
func named(second int, id, kind string) Event {
	e := pay(second, "c1", "", kind, float64(second))
	e.ID = id
	return e
}

func TestDuplicates(t *testing.T) {
	rs := rulesOf(makeRule(t, "a", "a", nfa.Options{}, abc("a")))
	login := event("login", tLogin, 2*int64(time.Second), "c1", "", "a", 1)
	login.ID = "1"
	g, fx := stepped(rs, Options{}, []Event{
		named(1, "1", "a"),
		named(2, "2", "a"),
		named(2, "2", "a"), // a duplicate
		login,              // another type
		named(3, "1", "a"), // the id is that of another line
		named(1, "1", "a"), // late, but a duplicate
		named(1, "3", "a"), // late: its id is not remembered
		named(1, "3", "a"),
		named(4, "3", "a"),
		pay(5, "c1", "", "a", 5),
		pay(5, "c1", "", "a", 5), // has no id
	})
	wantAlerts(t, fx, "match a c1 @1 a:1\nmatch a c1 @2 a:2\nmatch a c1 @4 a:4\nmatch a c1 @5 a:5\nmatch a c1 @5 a:5\n")
	if s := g.Stats(); s.Events != 6 || s.Duplicates != 2 || s.Conflicts != 1 || s.Late != 2 || s.Unchecked != 0 || s.Types[tPay] != 5 {
		t.Errorf("stats: %+v", s)
	}
	first, second := named(1, "1", "a"), named(3, "1", "a")
	want := Conflict{Line: 5, Type: "pay", ID: "1", Raw: second.Raw, First: markOf(&first).line, Since: 3}
	if len(fx.Conflicts) != 1 || fx.Conflicts[0] != want {
		t.Errorf("conflicts: %+v, want %+v", fx.Conflicts, want)
	}
	fx.Reset()
	if len(fx.Conflicts) != 0 {
		t.Error("Reset keeps conflicts")
	}
}

// An event that is rejected for its time may come again with a right one.
func TestRejectedIsNotRemembered(t *testing.T) {
	rs := rulesOf(makeRule(t, "a", "a", nfa.Options{}, abc("a")))
	g, fx := stepped(rs, Options{MaxAhead: time.Minute}, []Event{named(1, "1", "a"), named(100, "2", "a"), named(2, "2", "a")})
	if s := g.Stats(); s.Rejected != 1 || s.Events != 2 || s.Conflicts != 0 {
		t.Errorf("stats: %+v", s)
	}
	wantAlerts(t, fx, "match a c1 @1 a:1\nmatch a c1 @2 a:2\n")
}

// An id is known while its event is not older than lateness, however many come after it,
// and until leastIDs others have come, however old it is.
func TestHowLongIDsAreKnown(t *testing.T) {
	known := func(lateness time.Duration, others, second int) bool {
		g, fx := NewEngine(rulesOf(), Options{Lateness: lateness}), new(Effects)
		one := named(1000, "first", "")
		events := []Event{one}
		for i := range others {
			events = append(events, named(1000, strconv.Itoa(i), ""))
		}
		g.StepEvents(append(events, pay(second, "", "", "", 0)), fx)
		one.Time = int64(second) * int64(time.Second)
		one.ID = "first"
		before := g.Stats().Duplicates
		g.StepEvents([]Event{one}, fx)
		return g.Stats().Duplicates > before
	}
	for _, c := range []struct {
		lateness       time.Duration
		others, second int
		want           bool
	}{
		{0, leastIDs - 1, 5000, true},
		{0, leastIDs, 5000, false},
		{0, leastIDs, 1000, true}, // still not late
		{time.Minute, leastIDs, 1060, true},
		{time.Minute, 2 * leastIDs, 1060, true},
		{time.Minute, 2 * leastIDs, 1061, false},
		{time.Minute, leastIDs - 1, 5000, true},
	} {
		if got := known(c.lateness, c.others, c.second); got != c.want {
			t.Errorf("lateness %s, %d others, at %d s: known is %t", c.lateness, c.others, c.second, got)
		}
	}
}

// Beyond mostIDs the oldest go, and are counted; memory has its bound.
func TestMostIDs(t *testing.T) {
	g, fx := NewEngine(rulesOf(), Options{}), new(Effects)
	e := []Event{named(1, "", "")}
	send := func(i int) {
		e[0].ID = strconv.Itoa(i)
		g.StepEvents(e, fx)
	}
	for i := range mostIDs {
		send(i)
	}
	send(0)
	if s := g.Stats(); s.Duplicates != 1 || s.Unchecked != 0 {
		t.Fatalf("at the bound: %d duplicates, %d unchecked", s.Duplicates, s.Unchecked)
	}
	for i := range 100 {
		send(mostIDs + i)
	}
	send(100)
	if s := g.Stats(); s.Duplicates != 2 || s.Unchecked != 100 {
		t.Errorf("beyond the bound: %d duplicates, %d unchecked", s.Duplicates, s.Unchecked)
	}
	send(99) // is new again
	if s := g.Stats(); s.Events != mostIDs+101 || s.Unchecked != 101 || g.ids.len() != mostIDs {
		t.Errorf("%d events, %d unchecked, %d ids", s.Events, s.Unchecked, g.ids.len())
	}
	if n := g.ids.bytes(); n > 33*mostIDs {
		t.Errorf("%d ids take %d bytes", mostIDs, n)
	}
}

// The table finds what a list would, also where many ids lie at a few of its places, and
// forgets as many.
func TestDuplicatesTable(t *testing.T) {
	for seed := range uint64(2) {
		r := rand.New(rand.NewPCG(seed, 1))
		var d duplicates
		var times []int64          // of each id that was added
		all := map[uint64]uint64{} // the number of each
		first := uint64(0)
		for range 80_000 {
			now := int64(len(times) / 500)
			m := mark{id: uint64(r.IntN(8))<<60 | uint64(32*r.IntN(1024))<<32 | uint64(r.IntN(2)), more: uint32(r.IntN(2))}
			key := m.id<<1 | uint64(m.more)
			n, ok := all[key]
			want := uint64(0)
			if ok && n >= first {
				want = uint64(len(times)) - n
			}
			if _, since := d.find(m); since != want {
				t.Fatalf("seed %d: found since %d, want %d", seed, since, want)
			}
			if want > 0 {
				continue
			}
			all[key] = uint64(len(times))
			times = append(times, now-int64(r.IntN(3)))
			if d.add(m, times[len(times)-1]) {
				t.Fatalf("seed %d: an id went early", seed)
			}
			if r.IntN(5000) != 0 {
				continue
			}
			low := now - int64(r.IntN(20))
			d.forget(low)
			for uint64(len(times))-first > leastIDs {
				block := first / idBlock * idBlock
				if slices.Max(times[block:min(block+idBlock, uint64(len(times)))]) >= low {
					break
				}
				first++
			}
			if d.first != first {
				t.Fatalf("seed %d: %d ids are forgotten, want %d", seed, d.first, first)
			}
			var w writer
			d.appendBounds(&w)
			d.append(&w)
			restored := duplicates{}
			in := reader{wire.Reader{Src: w.B}}
			restored.readBounds(&in)
			restored.read(&in, now)
			var again writer
			restored.appendBounds(&again)
			restored.append(&again)
			if in.Bad || len(in.Src) > 0 || !bytes.Equal(again.B, w.B) {
				t.Fatalf("seed %d: the ids do not come back", seed)
			}
		}
		if first == 0 {
			t.Errorf("seed %d: nothing was forgotten", seed)
		}
	}
}

// repeated draws a stream in which events come again, some with another line.
func repeated(t *rapid.T) []Event {
	events := stream(t)
	for i := range events {
		if id := rapid.IntRange(0, 20).Draw(t, "id"); id > 0 {
			events[i].ID = strconv.Itoa(id)
		}
	}
	for range rapid.IntRange(0, len(events)).Draw(t, "again") {
		i := rapid.IntRange(0, len(events)-1).Draw(t, "which")
		events = slices.Insert(events, rapid.IntRange(i, len(events)).Draw(t, "where"), events[i])
	}
	return events
}

// With ids nothing depends on batches, shards or where the state was written and read
// back; and what comes out is what comes of the events without those that came before.
func TestDuplicatesProperty(t *testing.T) {
	rs := zoo(t)
	seen := Stats{}
	rapid.Check(t, func(t *rapid.T) {
		events := repeated(t)
		if rapid.Bool().Draw(t, "shuffled") {
			events = rapid.Permutation(events).Draw(t, "arrival")
		}
		o := Options{Lateness: time.Duration(rapid.IntRange(0, 30).Draw(t, "lateness")) * time.Second}
		g, fx := stepped(rs, o, slices.Clone(events), end)
		stats := g.Stats()
		seen.Duplicates += stats.Duplicates
		seen.Conflicts += stats.Conflicts

		o.Shards = rapid.IntRange(1, 3).Draw(t, "shards")
		parts := new(Effects)
		g = NewEngine(rs, o)
		for rest := events; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "batch")
			g.StepEvents(slices.Clone(rest[:n]), parts)
			rest = rest[n:]
			if rapid.Bool().Draw(t, "restored") {
				var err error
				if g, err = Restore(rs, o, g.Append(nil)); err != nil {
					t.Fatal(err)
				}
			}
		}
		g.Step([]Record{end}, parts)
		same(t, "in parts", text(parts), text(fx))
		if got, want := fmt.Sprintf("%+v", g.Stats()), fmt.Sprintf("%+v", stats); got != want {
			t.Fatalf("stats: %s, want %s", got, want)
		}

		var once []Event
		now, first := int64(math.MinInt64), map[string]string{}
		var duplicates, conflicts uint64
		for _, e := range events {
			name := e.Name + " " + e.ID
			raw, known := first[name]
			switch {
			case e.ID != "" && known && raw == e.Raw:
				duplicates++
				continue
			case e.ID != "" && known:
				conflicts++
				continue
			case e.Time >= earlier(now, int64(o.Lateness)):
				first[name] = e.Raw
				now = max(now, e.Time)
			}
			once = append(once, e)
		}
		if stats.Duplicates != duplicates || stats.Conflicts != conflicts {
			t.Fatalf("%d duplicates, %d conflicts, want %d, %d", stats.Duplicates, stats.Conflicts, duplicates, conflicts)
		}
		_, alone := stepped(rs, o, once, end)
		fx.Conflicts = nil
		same(t, "without those that came before", text(alone), text(fx))
	})
	if seen.Duplicates == 0 || seen.Conflicts == 0 {
		t.Errorf("seen: %+v", seen)
	}
}

// What no engine writes is refused.
func TestRestoreRefusesIDs(t *testing.T) {
	for name, c := range map[string]struct {
		change func(d *duplicates)
		ok     bool
	}{
		"as they were":     {func(*duplicates) {}, true},
		"a time to come":   {func(d *duplicates) { *d.top(0)++ }, false},
		"one stands twice": {func(d *duplicates) { *d.at(1) = *d.at(0) }, false},
	} {
		g, _ := stepped(zoo(t), Options{}, []Event{named(1, "1", "a"), named(2, "2", "a")})
		c.change(&g.ids)
		if _, err := Restore(zoo(t), Options{}, g.Append(nil)); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestIDsAreCheap(t *testing.T) {
	g, fx := NewEngine(rulesOf(), Options{}), new(Effects)
	ids := make([]string, 3*leastIDs)
	for i := range ids {
		ids[i] = strconv.Itoa(i)
	}
	e := []Event{named(1, "", "")}
	i := 0
	step := func() {
		e[0].ID = ids[i]
		e[0].Time++
		i++
		g.StepEvents(e, fx)
	}
	for range 2 * leastIDs {
		step()
	}
	if n := testing.AllocsPerRun(1000, step); n > 0 {
		t.Errorf("an event with an id: %v allocations", n)
	}
	if n := g.ids.len(); n != leastIDs && n != leastIDs+1 {
		t.Errorf("%d ids are known", n)
	}
}

// BenchmarkIDs has what ids cost an event: with few of them known, and with as many as
// there can be.
func BenchmarkIDs(b *testing.B) {
	for _, known := range []int{0, leastIDs, mostIDs} {
		b.Run(strconv.Itoa(known), func(b *testing.B) {
			var d duplicates
			e := named(1, "payment-0000000000", "")
			e.Raw += strings.Repeat("x", 250-len(e.Raw))
			id := []byte(e.ID)
			n := 0
			one := func(low int64) {
				for k, at := len(id)-1, n; k >= 8; k-- {
					id[k] = byte('0' + at%10)
					at /= 10
				}
				n++
				e.ID = unsafe.String(&id[0], len(id))
				if known == 0 {
					return
				}
				m := markOf(&e)
				d.forget(low)
				if _, since := d.find(m); since == 0 {
					d.add(m, 1)
				}
			}
			for range known {
				one(0)
			}
			low := int64(0)
			if known == leastIDs {
				low = 2
			}
			b.ReportAllocs()
			for b.Loop() {
				one(low)
			}
		})
	}
}
