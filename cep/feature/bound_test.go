package feature

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestBound goes over the bound of what is kept exactly, which is low here. What is
// read is exact, or it is marked and that of a window that began up to a step earlier;
// an estimate is as near as is stated.
func TestBound(t *testing.T) { rapid.Check(t, bound) }

func bound(t *rapid.T) {
	s := drawSpec(t)
	for s.Window.Shape == Forever {
		s = drawSpec(t)
	}
	p := newPlan([]Spec{s}, 5, 3)
	f := &p.features[0]
	b := brute{spec: s}
	var r Record
	now := int64(rapid.IntRange(-1e9, 1e9).Draw(t, "begin"))
	// Steps of a window and less, so that it is filled and empties.
	size := s.Window.Size
	steps := []int64{0, 0, 1, size / 300, size / 100, size / 40, size / 10, size / 3, size}
	over := false
	for range rapid.IntRange(1, 80).Draw(t, "events") {
		now += rapid.SampledFrom(steps).Draw(t, "step")
		x := NumberItem(float64(rapid.IntRange(1, 40).Draw(t, "value")))
		if rapid.IntRange(0, 9).Draw(t, "restore") == 0 {
			again, _, err := p.Decode(p.Append(nil, &r))
			if err != nil {
				t.Fatal(err)
			}
			r = again
		}
		if !p.ReadsBefore(0) {
			b.add(now, x)
			over = p.Add(&r, 0, now, x) || over
		}
		got, rough := p.Read(&r, 0, now, x)
		if !b.allows(f, now, x, got, rough) {
			t.Fatalf("%+v at %d is %v (%v, rough: %t), want %v of %v", s, now, got, got.Number(), rough, b.read(now, x), b.window(now))
		}
		if rough && !over {
			t.Fatal("a value is marked but no event was")
		}
		if p.ReadsBefore(0) {
			b.add(now, x)
			over = p.Add(&r, 0, now, x) || over
		}
		if len(b.window(now)) == 0 && !p.Trim(&r, now+2*size+2*day) {
			t.Fatal("the record does not empty")
		}
	}
	if end, ok := p.Deadline(&r); !ok || !p.Trim(&r, end) {
		t.Fatal("at its deadline the record is not empty")
	}
}

// allows reports whether got may be read.
func (b *brute) allows(f *feature, t int64, x, got Item, rough bool) bool {
	if !rough && !b.spec.Approx {
		return b.same(got, b.read(t, x))
	}
	if b.spec.Value == Seen { // not seen, but it may have been
		return got == BoolItem(false)
	}
	all := b.window(t)
	edge := t
	if len(all) > 0 {
		edge = all[0].t
	}
	if !f.single {
		_, edge = f.place(&Record{words: make([]uint64, 8)}, t)
	}
	least := floor(edge, f.coarse)
	if f.single {
		least = edge
	}
	// One of the windows that begin between the two.
	for i := len(b.events); i >= 0; i-- {
		if i < len(b.events) && b.events[i].t < least {
			break
		}
		if i > 0 && b.events[i-1].t >= edge {
			continue
		}
		part := brute{spec: b.spec, events: b.events[i:]}
		part.spec.Window, part.spec.Resolution = Window{Shape: Forever}, 0
		var want Item
		if b.spec.Value == Rate {
			want = NumberItem(float64(len(part.events)) * 1e9 / float64(b.spec.Window.Size))
		} else {
			want = part.read(t, x)
		}
		switch {
		case part.same(got, want):
			return true
		case b.spec.Value == Quantile && math.Abs(got.Number()-want.Number()) <= want.Number()*(1.0/128+1e-9):
			return true
		case b.spec.Value == Distinct && math.Abs(got.Number()-want.Number()) <= 3:
			return true
		}
	}
	return false
}

// TestManyEvents goes over the bound as it is: 10,000 events in the window.
func TestManyEvents(t *testing.T) {
	hour := int64(time.Hour)
	for v := Count; v <= SinceLast; v++ {
		s := Spec{Value: v, Window: Window{Size: hour}}
		if v == Quantile {
			s.Q = 0.5
		}
		p := NewPlan([]Spec{s})
		var r Record
		overs := 0
		for i := range 30_000 {
			if p.Add(&r, 0, int64(i)*hour/20_000, NumberItem(float64(30_000-i))) {
				overs++
			}
		}
		now := int64(29_999) * hour / 20_000
		got, rough := p.Read(&r, 0, now, NumberItem(1))
		bounded := v != Last && v != SinceLast && v != Min // the least is always the newest here
		if rough != bounded && v != Seen || (overs > 0) != bounded {
			t.Errorf("%s over 20,000 events: rough is %t, %d events were over the bound", v, rough, overs)
		}
		most := 20_000 // of panes
		if v == Distinct || v == Seen || v == Quantile {
			most = 800_000
		}
		if n := p.Bytes(&r); n > most {
			t.Errorf("%s takes %d bytes", v, n)
		}
		if v == Count && (got.Number() < 20_000 || got.Number() > 20_000*(1+1.0/mostPanes)) {
			t.Errorf("count is %v of 20,000", got.Number())
		}
	}
}

// TestEstimates measures distinct and quantile by their sketches against the stated
// errors, while values come and leave.
func TestEstimates(t *testing.T) {
	hour := int64(time.Hour)
	specs := []Spec{
		{Value: Distinct, Approx: true, Window: Window{Size: hour}},
		{Value: Distinct, Approx: true, Window: Window{Shape: Tumbling, Size: hour}},
		{Value: Quantile, Q: 0.9, Approx: true, Window: Window{Size: hour}},
		{Value: Quantile, Q: 0.01, Approx: true, Window: Window{Shape: Tumbling, Size: hour}},
	}
	p := NewPlan(specs)
	var r Record
	brutes := make([]brute, len(specs))
	for i := range specs {
		brutes[i].spec = specs[i]
	}
	// Much, then little, then much again.
	now, n, squares, reads := int64(0), uint64(0), 0.0, 0.0
	for phase := range 6 {
		step := hour / 20_000
		if phase%2 == 1 {
			step = hour / 500
		}
		for range 1 + 2*hour/step {
			now += step
			n++
			x := NumberItem(float64(mix(mix(n, hash1), hash2)%100_003) / 100)
			for i := range specs {
				p.Add(&r, i, now, x)
				brutes[i].add(now, x)
			}
			if n%2311 != 0 {
				continue
			}
			for i := range specs {
				got, rough := p.Read(&r, i, now, Item{})
				if rough {
					t.Fatal("an estimate that was asked for is marked")
				}
				// A sliding window may be a pane longer.
				long := brutes[i]
				if specs[i].Window.Shape == Sliding {
					long.spec.Resolution = p.features[i].coarse
				}
				want, most := brutes[i].read(now, Item{}), long.read(now, Item{})
				e := got.Number()/want.Number() - 1
				if e2 := got.Number()/most.Number() - 1; math.Abs(e2) < math.Abs(e) {
					e = e2
				}
				if specs[i].Value == Distinct {
					squares += e * e
					reads++
				}
				limit := 4 * 0.0115 // four standard errors
				if specs[i].Value == Quantile {
					limit = 1.0/128 + 1e-9
				}
				if math.Abs(e) > limit {
					t.Errorf("%s of %v is %v, want %v", specs[i].Value, specs[i].Window, got.Number(), want.Number())
				}
			}
			for i := range brutes {
				if all := brutes[i].events; len(all) > 60_000 {
					brutes[i].events = append([]bruteEvent(nil), all[len(all)-30_000:]...)
				}
			}
		}
	}
	if e := math.Sqrt(squares / reads); e > 0.015 {
		t.Errorf("the standard error of distinct is %.4f", e)
	}
}
