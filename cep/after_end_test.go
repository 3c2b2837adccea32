package cep

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"weir/nfa"
)

// What comes after EndRecord or HaltRecord is repaired as what came before it.
func TestLateAfterEnd(t *testing.T) {
	rs := rulesOf(makeRule(t, "ab", "a -> b", nfa.Options{Within: 10 * time.Second}, abc("a", "b")))
	g, fx := NewEngine(rs, Options{Order: EagerOrder, Lateness: 10 * time.Second}), new(Effects)
	g.StepEvents([]Event{pay(1, "c", "", "x", 0)}, fx)
	g.Step([]Record{end}, fx)
	g.StepEvents([]Event{pay(105, "c", "", "b", 1), pay(100, "c", "", "a", 2)}, fx)
	wantAlerts(t, fx, "match ab c @105 a:2 b:1\n")
}

func TestAfterEndAsTheWatermark(t *testing.T) {
	rs := zoo(t)
	rapid.Check(t, func(t *rapid.T) {
		first, then := stream(t), stream(t)
		lateness := time.Duration(rapid.IntRange(0, 30).Draw(t, "lateness")) * time.Second
		for i := range then {
			then[i].Time += int64(time.Hour)
		}
		run := func(o Options, restart bool, a, b []Event) *Effects {
			g, fx := NewEngine(rs, o), new(Effects)
			g.StepEvents(slices.Clone(a), fx)
			g.Step([]Record{end}, fx)
			if restart {
				h, err := Restore(rs, o, g.Append(nil))
				if err != nil {
					t.Fatal(err)
				}
				g = h
			}
			g.StepEvents(slices.Clone(b), fx)
			g.Step([]Record{end}, fx)
			seen := map[string]bool{}
			for i := range fx.Alerts {
				if a := &fx.Alerts[i]; a.Version == 1 {
					if seen[a.ID] {
						t.Fatalf("twice %v restart %v: %s\n%s", o, restart, AppendJSON(nil, a), lines(fx.Alerts))
					}
					seen[a.ID] = true
				}
			}
			return fx
		}
		want := run(Options{}, false, first, then)
		a, b := arrival(t, first, lateness), arrival(t, then, lateness)
		o := Options{Lateness: lateness, Order: EagerOrder}
		same(t, "eager", left(t, run(o, false, a, b)), left(t, want))
		same(t, "restored", left(t, run(o, true, a, b)), left(t, want))
	})
}
