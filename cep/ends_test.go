package cep

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"weir/cep/feature"
)

const year = 366 * 24 * int64(time.Hour)

// ticking returns times of an ascending clock, which begins anywhere from 1700 on, mostly
// goes on a little, and sometimes jumps by years.
func ticking(t *rapid.T, size int64) func() int64 {
	now := rapid.OneOf(rapid.Int64Range(-8.5e18, 3e18), rapid.Int64Range(-size, size), rapid.Just(int64(beforeAll))).Draw(t, "begin")
	r := random(rapid.Uint64().Draw(t, "seed"))
	steps := []int64{0, 0, 1, size/100 + 1, size / 20, size/3 + 1, size - 1, size, size + 1, 3 * size}
	jumps := 0
	return func() int64 {
		if jumps < 5 && r.next()%50 == 0 {
			jumps++
			now += int64(r.next()%30) * year
		}
		now += steps[r.next()%uint64(len(steps))]
		return now
	}
}

// Windows end in the order in which a heap of all of them lets them end, each once and
// at its time, whatever time does and whichever move on.
func TestEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.SampledFrom([]int64{1, 2, 63, 64, 65, second, 30 * 24 * 3600 * second, feature.MaxSize / 4}).Draw(t, "size")
		clock := ticking(t, size)
		r := random(rapid.Uint64().Draw(t, "windows"))
		var x ends
		x.init(size)
		var all heap[opened]             // each with the end that it had when it came in
		until := map[feature.Ref]int64{} // when those that are open end
		number := feature.Ref(0)
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			now := clock()
			if now > 72e17 { // of the year 2198
				break
			}
			var got, want []opened
			for len(all) > 0 && all[0].at <= now {
				o := all.pop()
				if end := until[o.b]; end > o.at {
					all.push(opened{end, o.b})
				} else {
					want = append(want, o)
				}
			}
			if x.next <= now {
				for p := x.turn(now); p != nil; p = x.give(p) {
					for _, b := range p.b[:p.n] {
						x.put(until[b], b)
					}
				}
			}
			for x.due(now) {
				o := x.pop()
				if end := until[o.b]; end > o.at {
					x.put(end, o.b)
				} else {
					got = append(got, o)
				}
			}
			if !slices.IsSortedFunc(got, func(a, b opened) int { return cmp.Compare(a.at, b.at) }) {
				t.Fatalf("windows end in the order %v", got)
			}
			order := func(a, b opened) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.b, b.b)) }
			slices.SortFunc(got, order)
			slices.SortFunc(want, order)
			if !slices.Equal(got, want) {
				t.Fatalf("up to %d windows end: %v, want %v", now, got, want)
			}
			for _, o := range want {
				delete(until, o.b)
			}
			for b := range number + 1 {
				if _, open := until[b]; open && r.next()%4 == 0 {
					until[b] = max(until[b], now+1+int64(r.next()%uint64(size)))
				}
			}
			for range r.next() % 600 {
				if r.next()%16 > 0 && len(until) > 50 {
					continue
				}
				number++
				end := now + 1 + int64(r.next()%uint64(size))
				if r.next()%20 == 0 {
					end += 5 * size // beyond the last bucket
				}
				until[number] = end
				x.put(end, number)
				all.push(opened{end, number})
			}
			n := 0
			for b := range x.all() {
				if _, ok := until[b]; !ok {
					t.Fatalf("%d has ended and is still waited for", b)
				}
				n++
			}
			if n != len(until) || x.len() != n {
				t.Fatalf("%d windows are waited for, counted as %d, want %d", n, x.len(), len(until))
			}
		}
		if x.clear(); x.len() != 0 {
			t.Fatalf("%d windows are left", x.len())
		}
	})
}

// Memory of entries is used again, and what a burst took is given back.
func TestEndsMemory(t *testing.T) {
	var x ends
	x.init(64 * second)
	now := int64(0)
	step := func() {
		for b := range 1000 {
			x.put(now+1+int64(b)*second/20, feature.Ref(b+1))
		}
		now += 60 * second
		for p := x.turn(now); p != nil; p = x.give(p) {
		}
		for x.due(now) {
			x.pop()
		}
	}
	step()
	if n := testing.AllocsPerRun(10, step); n != 0 {
		t.Errorf("%v allocations for a thousand windows", n)
	}
	const many = 1_000_000
	for b := range feature.Ref(many) {
		x.put(now+10*second, b+1)
	}
	n := 0
	for _, p := range x.buckets {
		for ; p != nil; p = p.next {
			n++
		}
	}
	if most := many/len(refs{}.b) + 1 + x.spares; n > most {
		t.Errorf("%d KiB for a million windows", n)
	}
	now += 20 * second
	for p := x.turn(now); p != nil; p = x.give(p) {
		for _, b := range p.b[:p.n] {
			x.put(now, b)
		}
	}
	for x.due(now) {
		x.pop()
	}
	if x.len() != 0 || x.spares > mostRefs || cap(x.soon) > mostEnded {
		t.Errorf("after a burst: %d windows, memory for %d and %d", x.len(), x.spares, cap(x.soon))
	}
}

// Sessions end at their time, in any year, whatever time does between events.
func TestSessionsOfAllYears(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const gap = 10 * second // of closed
		clock := ticking(t, gap)
		r := random(rapid.Uint64().Draw(t, "keys"))
		last, ended := map[string]int64{}, []string(nil)
		end := func(now int64) {
			var keys []string
			for k, at := range last {
				if at+gap <= now {
					keys = append(keys, k)
				}
			}
			slices.SortFunc(keys, func(a, b string) int { return cmp.Or(cmp.Compare(last[a], last[b]), cmp.Compare(a, b)) })
			for _, k := range keys {
				ended = append(ended, fmt.Sprint(last[k]+gap, " ", k))
				delete(last, k)
			}
		}
		g, fx := NewEngine(closed(), Options{Shards: rapid.IntRange(1, 3).Draw(t, "shards")}), new(Effects)
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			now := clock()
			end(now)
			if r.next()%8 == 0 {
				g.Step([]Record{{Kind: ClockRecord, Time: now}}, fx)
				continue
			}
			k := fmt.Sprint("c", r.next()%20)
			e := event("pay", tPay, now, k, "", "x", 1)
			e.Raw = fmt.Sprint(now, k)
			g.StepEvents([]Event{e}, fx)
			last[k] = now
		}
		now := clock() + gap
		end(now)
		g.Step([]Record{{Kind: ClockRecord, Time: now}}, fx)
		var got []string
		for i := range fx.Alerts {
			got = append(got, fmt.Sprint(fx.Alerts[i].Time, " ", fx.Alerts[i].Key[0]))
		}
		if !slices.Equal(got, ended) {
			t.Fatalf("got:\n%v\nwant:\n%v", got, ended)
		}
	})
}
