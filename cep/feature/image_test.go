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
