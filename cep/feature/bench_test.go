package feature

import (
	"fmt"
	"testing"
	"time"
)

var benchWindows = []struct {
	name       string
	window     Window
	resolution int64
}{
	{"sliding", Window{Size: int64(time.Hour)}, 0},
	{"resolution", Window{Size: int64(time.Hour)}, int64(time.Minute)},
	{"forever", Window{Shape: Forever}, 0},
	{"tumbling", Window{Shape: Tumbling, Size: int64(time.Hour)}, 0},
	{"days", Window{Shape: Tumbling, Size: day, Zone: zoneOf("Europe/Berlin")}, 0},
	{"hopping", Window{Shape: Hopping, Size: int64(time.Hour), Every: int64(5 * time.Minute)}, 0},
	{"hopping_days", Window{Shape: Hopping, Size: 7 * day, Every: day, Zone: zoneOf("Europe/Berlin")}, 0},
	{"session", Window{Shape: Session, Size: int64(time.Minute)}, 0},
}

// BenchmarkFeature adds an event and reads the value: 360 events an hour.
func BenchmarkFeature(b *testing.B) {
	for v := Count; v <= SinceLast; v++ {
		for _, w := range benchWindows {
			s := Spec{Value: v, Window: w.window, Resolution: w.resolution}
			if v == Quantile {
				s.Q = 0.9
			}
			for _, approx := range []bool{false, true} {
				s.Approx = approx
				if len(s.Check()) > 0 {
					continue
				}
				name := fmt.Sprintf("%s/%s", v, w.name)
				if approx {
					name += "/approx"
				}
				b.Run(name, func(b *testing.B) { run(b, s, 10*time.Second) })
			}
		}
	}
}

// BenchmarkBound does the same beyond the bound: 36,000 events an hour.
func BenchmarkBound(b *testing.B) {
	for v := Count; v <= SinceLast; v++ {
		s := Spec{Value: v, Window: benchWindows[0].window}
		if v == Quantile {
			s.Q = 0.9
		}
		b.Run(v.String(), func(b *testing.B) { run(b, s, 100*time.Millisecond) })
	}
}

func run(b *testing.B, s Spec, step time.Duration) {
	p := NewPlan([]Spec{s})
	var r Record
	now := int64(0)
	event := func(i int) {
		now += int64(step)
		x := NumberItem(float64(mix(uint64(i), hash1)%5000) / 100)
		p.Add(&r, 0, now, x)
		p.Read(&r, 0, now, x)
	}
	for i := range 40_000 {
		event(i)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		event(i)
	}
	b.ReportMetric(float64(p.Bytes(&r)), "B/key")
}

// BenchmarkTen adds an event to ten features under three keys and reads them; of few
// keys, which stay near in memory, and of many.
func BenchmarkTen(b *testing.B) {
	b.Run("300_keys", func(b *testing.B) { ten(b, 100) })
	b.Run("30000_keys", func(b *testing.B) { ten(b, 10_000) })
}

func ten(b *testing.B, each int) {
	hour := int64(time.Hour)
	text := TextItem("merchant-0815")
	plans := []*Plan{
		NewPlan([]Spec{
			{Value: Count, Window: Window{Size: hour}},
			{Value: Sum, Window: Window{Size: 24 * hour}, Resolution: hour},
			{Value: Mean, Window: Window{Size: 24 * hour}},
			{Value: SinceLast, Window: Window{Shape: Forever}},
		}),
		NewPlan([]Spec{
			{Value: Stddev, Window: Window{Size: 24 * hour}, ExcludeCurrent: true},
			{Value: Max, Window: Window{Size: hour}},
			{Value: Quantile, Q: 0.95, Window: Window{Size: hour}},
		}),
		NewPlan([]Spec{
			{Value: Distinct, Window: Window{Size: 24 * hour}},
			{Value: Seen, Window: Window{Size: 24 * hour}},
			{Value: Count, Window: Window{Shape: Tumbling, Size: 24 * hour, Zone: zoneOf("Europe/Berlin")}},
		}),
	}
	keys := make([][]Record, len(plans))
	for i := range keys {
		keys[i] = make([]Record, each)
	}
	now := int64(0)
	event := func(n uint64) {
		now += int64(200*time.Second) / int64(each)
		x := NumberItem(float64(n%5000) / 100)
		for i, p := range plans {
			r := &keys[i][mix(n^uint64(i)<<40, hash2)%uint64(len(keys[i]))]
			for f := range p.Len() {
				v := x
				if i == 2 {
					v = text
				}
				before := p.ReadsBefore(f)
				if before {
					p.Read(r, f, now, v)
				}
				p.Add(r, f, now, v)
				if !before {
					p.Read(r, f, now, v)
				}
			}
		}
	}
	for n := range uint64(40 * each) {
		event(n)
	}
	b.ReportAllocs()
	for n := uint64(0); b.Loop(); n++ {
		event(n)
	}
}

// TestAllocations holds that a key that exists costs no memory per event.
func TestAllocations(t *testing.T) {
	for v := Count; v <= SinceLast; v++ {
		for _, w := range benchWindows {
			s := Spec{Value: v, Window: w.window, Resolution: w.resolution}
			if len(s.Check()) > 0 {
				continue
			}
			p := NewPlan([]Spec{s})
			var r Record
			now, n := int64(0), uint64(0)
			event := func() {
				now += int64(10 * time.Second)
				n++
				x := NumberItem(float64(mix(n, hash1)%500) / 100)
				p.Add(&r, 0, now, x)
				p.Read(&r, 0, now, x)
			}
			for range 100_000 {
				event()
			}
			if a := testing.AllocsPerRun(5000, event); a > 0 {
				t.Errorf("%s, %s: %v allocations an event", v, w.name, a)
			}
		}
	}
}
