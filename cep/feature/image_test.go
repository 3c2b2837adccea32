package feature

import (
	"testing"

	"pgregory.net/rapid"
)

// An image is the Record: what it is loaded into goes on like the one that was saved. To
// peek changes nothing and says what a Record would say that is read.
func TestImages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		specs := rapid.SliceOfN(rapid.Custom(drawSpec), 1, 5).Draw(t, "specs")
		p := newPlan(specs, 12, 9) // so that all bounds are met
		mem := new(Memory)
		room := func() Record { return p.Record(mem, mem.Words(mem.Take(p.Words()), p.Words())) }
		r, other := room(), room()
		var s Scratch
		now := int64(rapid.IntRange(-1e9, 1e9).Draw(t, "begin"))
		size := specs[0].Window.Size
		steps := []int64{0, 0, 0, 1, size / 300, size / 40, size / 10, size / 3, 2 * size}
		step := func() int64 { return rapid.SampledFrom(steps).Draw(t, "step") }
		for range rapid.IntRange(1, 60).Draw(t, "events") {
			now += step()
			for i := range specs {
				p.Add(&r, i, now, drawItem(t))
			}
			i, x, later := rapid.IntRange(0, len(specs)-1).Draw(t, "feature"), drawItem(t), now+step()
			before := string(p.Append(nil, &r))
			got, rough := p.Peek(&s, &r, i, later, x)
			c, _, err := p.Decode([]byte(before))
			if err != nil {
				t.Fatal(err)
			}
			if want, also := p.Read(&c, i, later, x); got != want || rough != also {
				t.Fatalf("%+v: a peek says %v (rough: %t), a read %v (rough: %t)", specs[i], got, rough, want, also)
			}
			if string(p.Append(nil, &r)) != before {
				t.Fatalf("%+v: a peek has changed the record", specs[i])
			}
			if rapid.IntRange(0, 3).Draw(t, "load") > 0 {
				continue
			}
			image := p.Save(&s, []uint64{7}, &r)
			p.Clear(&other)
			if some(other.words) {
				t.Fatalf("%+v: a record that is cleared is not empty", specs)
			}
			p.Load(&other, image[1:])
			if string(p.Append(nil, &other)) != before {
				t.Fatalf("%+v: an image is another record", specs)
			}
			r, other = other, r
		}
		p.Clear(&r)
		p.Clear(&other)
		if mem.taken != 2*p.Words() || len(mem.keeps.all) != len(mem.keeps.free) || len(mem.texts.all) != len(mem.texts.free) {
			t.Fatalf("%+v: records that are cleared still take %d words, %d things, %d texts", specs,
				mem.taken-2*p.Words(), len(mem.keeps.all)-len(mem.keeps.free), len(mem.texts.all)-len(mem.texts.free))
		}
	})
}

// What has left its windows leaves nothing in the bytes: a record that is trimmed in between
// is in the end that of one that is trimmed once.
func TestTrimLeavesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := rapid.Custom(drawSpec).Draw(t, "spec")
		if spec.Resolution > 0 && rapid.IntRange(0, 3).Draw(t, "small") > 0 { // so that times meet the ends of panes
			spec.Window.Size = rapid.Int64Range(2, 12).Draw(t, "size")
			spec.Resolution = rapid.Int64Range(1, spec.Window.Size).Draw(t, "resolution")
		}
		p := newPlan([]Spec{spec}, 12, 9)
		var once, often Record
		now := int64(rapid.IntRange(-1e9, 1e9).Draw(t, "begin"))
		size := spec.Window.Size
		steps := []int64{0, 0, 1, 2, 3, 4, 5, 6, 7, size / 300, size / 40, size / 10, size / 3, size, size + size/3, 2 * size}
		for range rapid.IntRange(1, 60).Draw(t, "events") {
			now += rapid.SampledFrom(steps).Draw(t, "step")
			if rapid.Bool().Draw(t, "trim") {
				p.Trim(&often, now)
			}
			x := drawItem(t)
			p.Add(&once, 0, now, x)
			p.Add(&often, 0, now, x)
		}
		now += rapid.SampledFrom(steps).Draw(t, "step")
		p.Trim(&once, now)
		p.Trim(&often, now)
		if got, want := string(p.Append(nil, &often)), string(p.Append(nil, &once)); got != want {
			t.Fatalf("%+v: trimmed often\n%q\nonce\n%q", spec, got, want)
		}
	})
}

// A pane that has left the window is not found again behind an event after it.
func TestTrimPanes(t *testing.T) {
	for _, v := range []Value{Count, Rate, Sum, Mean} {
		p := NewPlan([]Spec{{Value: v, Window: Window{Size: 5}, Resolution: 2}})
		var both, last Record
		p.Add(&both, 0, 32, NumberItem(3))
		p.Add(&both, 0, 39, NumberItem(4))
		p.Add(&last, 0, 39, NumberItem(4))
		p.Trim(&both, 39)
		if got, want := string(p.Append(nil, &both)), string(p.Append(nil, &last)); got != want {
			t.Errorf("%s: %q, of the last event alone %q", v, got, want)
		}
	}
}

// A peek far ahead, of which a window with many rows forgets most or all, leaves the record as
// it was: so that its memory is not given back, which a ring does of many rows.
func TestPeekLeavesMany(t *testing.T) {
	for _, value := range []Value{Count, Sum, Mean, Stddev, Min, Max, First} {
		spec := Spec{Value: value, Window: Window{Size: 1000}}
		p := newPlan([]Spec{spec}, 10_000, 9)
		mem := new(Memory)
		r := p.Record(mem, mem.Words(mem.Take(p.Words()), p.Words()))
		for i := range int64(500) {
			p.Add(&r, 0, i, NumberItem(float64((i*7919)%500)))
		}
		before, taken := string(p.Append(nil, &r)), mem.taken
		var s Scratch
		for _, later := range []int64{1100, 1400, 1490, 5000} {
			got, _ := p.Peek(&s, &r, 0, later, Item{})
			c, _, err := p.Decode([]byte(before))
			if err != nil {
				t.Fatal(err)
			}
			if want, _ := p.Read(&c, 0, later, Item{}); got != want {
				t.Errorf("%v at %d: a peek says %v, a read %v", value, later, got, want)
			}
			if string(p.Append(nil, &r)) != before || mem.taken != taken {
				t.Fatalf("%v at %d: a peek has changed the record, or %d words taken to %d", value, later, taken, mem.taken)
			}
		}
	}
}
