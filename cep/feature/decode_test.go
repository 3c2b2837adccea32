package feature

import (
	"testing"
	"time"
)

// FuzzDecode: damaged bytes give an error, and what is read is a record that can be
// used and is written as it was.
func FuzzDecode(f *testing.F) {
	hour := int64(time.Hour)
	var specs []Spec
	for v := Count; v <= SinceLast; v++ {
		for _, w := range benchWindows {
			s := Spec{Value: v, Window: w.window, Resolution: w.resolution, Approx: v == Distinct}
			if len(s.Check()) == 0 {
				specs = append(specs, s)
			}
		}
	}
	plans := make([]*Plan, len(specs))
	for i, s := range specs {
		plans[i] = newPlan([]Spec{s}, 4, 4)
		var r Record
		for n := range 8 {
			x := NumberItem(float64(n) * 1e40)
			if n%2 == 0 && (s.Value == First || s.Value == Distinct || s.Value == Last) {
				x = TextItem("some")
			}
			plans[i].Add(&r, 0, int64(n)*hour/20, x)
			if n%3 == 2 && s.Value != Distinct {
				f.Add(uint8(i), plans[i].Append(nil, &r))
			}
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		p := plans[int(which)%len(plans)]
		r, rest, err := p.Decode(data)
		if err != nil {
			return
		}
		again := p.Append(nil, &r)
		if string(again) != string(data[:len(data)-len(rest)]) {
			t.Fatalf("read from\n%x written as\n%x", data[:len(data)-len(rest)], again)
		}
		p.Deadline(&r)
		for _, now := range []int64{0, 1, hour, 1 << 60} {
			x := NumberItem(float64(now))
			p.Read(&r, 0, now, x)
			p.Add(&r, 0, now, x)
			p.Read(&r, 0, now, TextItem("some"))
		}
		p.Trim(&r, 1<<61)
	})
}
