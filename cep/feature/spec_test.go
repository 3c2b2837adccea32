package feature

import (
	"testing"
	"time"
)

func TestCheck(t *testing.T) {
	hour := int64(time.Hour)
	utc := time.UTC
	for _, c := range []struct {
		name  string
		spec  Spec
		parts string // of the faults
	}{
		{"sliding", Spec{Value: Sum, Window: Window{Size: hour}}, ""},
		{"forever", Spec{Value: Stddev, Window: Window{Shape: Forever}}, ""},
		{"forever without the current", Spec{Value: Max, Window: Window{Shape: Forever}, ExcludeCurrent: true}, ""},
		{"calendar", Spec{Value: Seen, Window: Window{Shape: Tumbling, Size: 7 * day, Offset: 2 * hour, Zone: utc}}, ""},
		{"hopping", Spec{Value: Quantile, Q: 1, Approx: true, Window: Window{Shape: Hopping, Size: hour, Every: 7}}, ""},
		{"session", Spec{Value: Count, Window: Window{Shape: Session, Size: hour}, Closes: true}, ""},
		{"resolution", Spec{Value: Distinct, Approx: true, Window: Window{Size: hour}, Resolution: hour}, ""},
		{"no such value", Spec{Value: 99}, "value "},
		{"no length", Spec{Value: Count}, "over "},
		{"too long", Spec{Value: Count, Window: Window{Shape: Session, Size: MaxSize + 1}}, "session "},
		{"forever with a length", Spec{Value: Count, Window: Window{Shape: Forever, Size: 1}}, "over "},
		{"forever for values", Spec{Value: Distinct, Window: Window{Shape: Forever}}, "over "},
		{"forever for seen", Spec{Value: Seen, Window: Window{Shape: Forever}}, "over "},
		{"rate forever", Spec{Value: Rate, Window: Window{Shape: Forever}}, "over "},
		{"rate by windows", Spec{Value: Rate, Window: Window{Shape: Tumbling, Size: hour}}, "tumbling "},
		{"quantile", Spec{Value: Quantile, Q: 1.5, Window: Window{Size: hour}}, "q "},
		{"a quantile of a sum", Spec{Value: Sum, Q: 0.5, Window: Window{Size: hour}}, "q "},
		{"approximate sum", Spec{Value: Sum, Approx: true, Window: Window{Size: hour}}, "approx "},
		{"excluded by a session", Spec{Value: Sum, ExcludeCurrent: true, Window: Window{Shape: Session, Size: hour}}, "exclude_current "},
		{"excluded twice", Spec{Value: Seen, ExcludeCurrent: true, Window: Window{Size: hour}}, "exclude_current "},
		{"resolution of one event", Spec{Value: Last, Resolution: 1, Window: Window{Size: hour}}, "resolution "},
		{"resolution forever", Spec{Value: Sum, Resolution: 1, Window: Window{Shape: Forever}}, "resolution "},
		{"resolution beyond the window", Spec{Value: Sum, Resolution: hour + 1, Window: Window{Size: hour}}, "resolution "},
		{"every", Spec{Value: Sum, Window: Window{Shape: Hopping, Size: hour, Every: hour + 1}}, "every "},
		{"every of a tumbling window", Spec{Value: Sum, Window: Window{Shape: Tumbling, Size: hour, Every: hour}}, "every "},
		{"offset of a session", Spec{Value: Sum, Window: Window{Shape: Session, Size: hour, Offset: 1, Zone: utc}}, "offset timezone "},
		{"offset of more than a window", Spec{Value: Sum, Window: Window{Shape: Tumbling, Size: hour, Offset: hour}}, "offset "},
		{"hours by the calendar", Spec{Value: Sum, Window: Window{Shape: Tumbling, Size: hour, Zone: utc}}, "tumbling "},
		{"more than a time of day", Spec{Value: Sum, Window: Window{Shape: Tumbling, Size: 7 * day, Offset: day, Zone: utc}}, "offset "},
		{"closing of a sliding window", Spec{Value: Sum, Window: Window{Size: hour}, Closes: true}, "window_close "},
	} {
		parts := ""
		for _, f := range c.spec.Check() {
			if parts += f.Part + " "; f.Reason == "" {
				t.Errorf("%s: no reason", c.name)
			}
		}
		if parts != c.parts {
			t.Errorf("%s: faults at %q, want %q", c.name, parts, c.parts)
		}
	}
}

func TestNames(t *testing.T) {
	for v := Count; v <= SinceLast; v++ {
		if w, ok := ParseValue(v.String()); !ok || w != v {
			t.Errorf("%s is read as %s (%t)", v, w, ok)
		}
	}
	if _, ok := ParseValue("median"); ok {
		t.Error("median is read")
	}
}

// TestSmall holds the states that are to be small: at most 100 bytes for a key and
// feature, also of a few panes.
func TestSmall(t *testing.T) {
	hour := int64(time.Hour)
	windows := []Spec{
		{Window: Window{Shape: Tumbling, Size: hour}},
		{Window: Window{Shape: Tumbling, Size: day, Zone: time.UTC}},
		{Window: Window{Shape: Session, Size: hour}},
		{Window: Window{Shape: Forever}},
		{Window: Window{Size: 4 * hour}, Resolution: hour},
	}
	for _, s := range windows {
		for _, v := range []Value{Count, Sum, Mean, Stddev, Min, Max, First, Last, SinceLast} {
			if s.Value = v; len(s.Check()) > 0 || s.Resolution > 0 && v > Mean {
				continue
			}
			p := NewPlan([]Spec{s})
			var r Record
			for i := range int64(1000) {
				p.Add(&r, 0, i*hour/100, NumberItem(float64(i)/100))
			}
			if n := p.Bytes(&r); n > 100 {
				t.Errorf("%s of %v takes %d bytes", v, s.Window, n)
			}
		}
	}
}
