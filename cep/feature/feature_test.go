package feature

import (
	"fmt"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"
)

func zoneOf(name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return z
}

// zones are some whose clocks were set at midnight, by half an hour, or over a day.
var zones = []*time.Location{
	nil, time.UTC, zoneOf("Europe/Berlin"), zoneOf("America/New_York"), zoneOf("America/Havana"),
	zoneOf("America/Sao_Paulo"), zoneOf("Asia/Beirut"), zoneOf("Australia/Lord_Howe"), zoneOf("Pacific/Apia"), zoneOf("America/Asuncion"),
}

// begins are times shortly before clocks were set.
var begins = []string{
	"1969-12-30T20:00:00Z", "2024-03-30T12:00:00Z", "2024-10-26T12:00:00Z", "2024-03-10T01:00:00Z",
	"2024-11-02T20:00:00Z", "2018-11-03T12:00:00Z", "2018-02-17T12:00:00Z", "2011-12-29T08:00:00Z", "2024-10-05T20:00:00Z",
}

func drawSpec(t *rapid.T) Spec {
	for {
		s := Spec{
			Value:          Value(rapid.IntRange(0, len(valueNames)-1).Draw(t, "value")),
			ExcludeCurrent: rapid.IntRange(0, 5).Draw(t, "exclude") == 0,
			Approx:         rapid.IntRange(0, 5).Draw(t, "approx") == 0,
		}
		if s.Value == Quantile {
			s.Q = rapid.SampledFrom([]float64{0, 0.1, 0.25, 0.5, 0.95, 1}).Draw(t, "q")
		}
		w := &s.Window
		w.Shape = Shape(rapid.IntRange(0, len(shapeNames)-1).Draw(t, "shape"))
		unit := rapid.SampledFrom([]int64{1, int64(time.Second), int64(time.Hour)}).Draw(t, "unit")
		if w.Shape == Tumbling || w.Shape == Hopping {
			w.Zone = rapid.SampledFrom(zones).Draw(t, "zone")
			w.Offset = rapid.SampledFrom([]int64{0, 0, 1, 1800e9, 2 * 3600e9, 9000e9, 23 * 3600e9}).Draw(t, "offset")
		}
		if w.Zone != nil {
			unit = day
		}
		if w.Shape != Forever {
			w.Size = unit * int64(rapid.IntRange(1, 40).Draw(t, "size"))
		}
		if w.Shape == Hopping {
			w.Every = unit * int64(rapid.IntRange(1, 12).Draw(t, "every"))
		}
		if w.Shape == Sliding && rapid.IntRange(0, 2).Draw(t, "coarse") == 0 {
			s.Resolution = 1 + w.Size/int64(rapid.IntRange(1, 30).Draw(t, "resolution"))
		}
		s.Closes = (w.Shape == Tumbling || w.Shape == Session) && rapid.Bool().Draw(t, "closes")
		if len(s.Check()) == 0 {
			return s
		}
	}
}

func drawItem(t *rapid.T) Item {
	switch rapid.IntRange(0, 9).Draw(t, "kind") {
	case 0:
		return Item{}
	case 1:
		return TextItem(rapid.SampledFrom([]string{"", "a", "12", "a longer text than others", "b"}).Draw(t, "text"))
	case 2:
		return Item{Kind: rapid.SampledFrom([]Kind{Bool, Time, Duration}).Draw(t, "other"), Bits: uint64(rapid.IntRange(0, 1).Draw(t, "bits"))}
	case 3:
		return NumberItem(rapid.Float64().Draw(t, "any"))
	case 4:
		return NumberItem(rapid.SampledFrom([]float64{1e15, 1e15 + 0.5, -1e15, 1e40, -1e40, 5e-324, 1e-30}).Draw(t, "far"))
	}
	return NumberItem(float64(rapid.IntRange(-3, 12).Draw(t, "whole")) / 10)
}

// scene runs a record beside the evaluators of its features.
type scene struct {
	*rapid.T
	plan   *Plan
	record Record
	brutes []brute
	now    int64
}

// TestFeatures compares all values and windows with what an evaluator of all events
// says, at random events, readings and restores.
func TestFeatures(t *testing.T) { rapid.Check(t, features) }

func features(t *rapid.T) {
	var specs []Spec
	for range rapid.IntRange(1, 4).Draw(t, "features") {
		specs = append(specs, drawSpec(t))
	}
	begin, _ := time.Parse(time.RFC3339, rapid.SampledFrom(begins).Draw(t, "begin"))
	s := scene{T: t, plan: NewPlan(specs), now: begin.UnixNano(), brutes: make([]brute, len(specs))}
	for i := range specs {
		s.brutes[i].spec = specs[i]
	}
	steps := []int64{0, 0, 1, 2, 5, 1e9, 20e9, 1800e9, 3600e9, 5 * 3600e9, 30 * 3600e9}
	for range rapid.IntRange(1, 60).Draw(t, "events") {
		s.now += rapid.SampledFrom(steps).Draw(t, "step")
		s.close()
		x := drawItem(t)
		switch rapid.IntRange(0, 9).Draw(t, "what") {
		case 0:
			s.restore()
		case 1:
			s.trim()
		case 2, 3:
			for i := range specs {
				s.check(i, x)
			}
		default:
			s.event(x)
		}
	}
}

func (s *scene) event(x Item) {
	for i := range s.brutes {
		if s.plan.ReadsBefore(i) {
			s.check(i, x)
		}
		s.brutes[i].add(s.now, s.heard(i, x))
		if s.plan.Add(&s.record, i, s.now, x) {
			s.Fatalf("%+v is over the bound", s.brutes[i].spec)
		}
		if !s.plan.ReadsBefore(i) {
			s.check(i, x)
		}
	}
}

// heard is x as the feature takes it in: nil if it is not of its kind.
func (s *scene) heard(i int, x Item) Item {
	switch s.brutes[i].spec.Value {
	case Sum, Mean, Stddev, Quantile:
		if x.Kind != Number {
			return Item{}
		}
	}
	return x
}

func (s *scene) check(i int, x Item) {
	got, rough := s.plan.Read(&s.record, i, s.now, x)
	if want := s.brutes[i].read(s.now, x); !s.brutes[i].same(got, want) || rough {
		s.Fatalf("%+v at %d is %v (%v), want %v (%v) of %v", s.brutes[i].spec, s.now, got, got.Number(), want, want.Number(), s.brutes[i].window(s.now))
	}
}

// restore goes on with what was written and read back.
func (s *scene) restore() {
	b := s.plan.Append(nil, &s.record)
	again, rest, err := s.plan.Decode(append(b, 'x'))
	if err != nil || string(rest) != "x" {
		s.Fatalf("a record is not read back: %v, %q follows", err, rest)
	}
	if c := s.plan.Append(nil, &again); string(c) != string(b) {
		s.Fatalf("a record read back is written differently:\n%x\n%x", b, c)
	}
	s.record = again
}

// trim also holds the deadline to what it says.
func (s *scene) trim() {
	end, ok := s.plan.Deadline(&s.record)
	empty := s.plan.Trim(&s.record, s.now)
	if empty != (ok && s.now >= end) {
		s.Fatalf("at %d the record is empty: %t; its deadline is %d (%t)", s.now, empty, end, ok)
	}
	if !empty {
		return
	}
	for i := range s.brutes {
		b := &s.brutes[i]
		got := b.read(s.now, TextItem("none such"))
		if n, _ := s.plan.Read(&Record{}, i, s.now, TextItem("none such")); got != n {
			s.Fatalf("%+v is dropped and gives %v", b.spec, got)
		}
	}
}

// close compares the windows that have ended with those of the evaluators.
func (s *scene) close() {
	next, ok := s.plan.NextClose(&s.record)
	got := s.plan.Close(&s.record, s.now, nil)
	if ok && (next <= s.now) != (len(got) > 0) {
		s.Fatalf("the next window ends at %d, at %d %d windows have ended", next, s.now, len(got))
	}
	var want []string
	for i := range s.brutes {
		b := &s.brutes[i]
		if n := len(b.events); !b.spec.Closes || n == 0 {
			continue
		}
		last := b.events[len(b.events)-1].t
		if len(b.window(last)) > 0 && len(b.window(s.now)) == 0 {
			want = append(want, fmt.Sprint(i))
			c := find(got, i)
			if c == nil || c.To > s.now || c.To <= last || c.From > last {
				s.Fatalf("%+v: the window of %d has ended by %d, reported is %v", b.spec, last, s.now, got)
			}
			if v := b.read(last, Item{}); b.spec.Value != Seen && b.spec.Value != SinceLast && !b.same(c.Value, v) {
				s.Fatalf("%+v: the window ended with %v, want %v", b.spec, c.Value, v)
			}
			b.events = nil // it was the newest of all windows
		}
	}
	if len(want) != len(got) {
		s.Fatalf("windows %v have ended, reported are %v", want, got)
	}
	for i := range got[:max(0, len(got)-1)] {
		if got[i].To > got[i+1].To {
			s.Fatalf("windows are reported in the order %v", got)
		}
	}
	if again := s.plan.Close(&s.record, s.now, nil); len(again) > 0 {
		s.Fatalf("a window is reported twice: %v", again)
	}
}

func find(all []Closed, feature int) *Closed {
	for i := range all {
		if all[i].Feature == feature {
			return &all[i]
		}
	}
	return nil
}
