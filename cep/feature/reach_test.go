package feature

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// What Since and Gone say of a window is what an evaluator of all events finds in it.
func TestReach(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := brute{spec: drawSpec(t)}
		p := NewPlan([]Spec{b.spec})
		begin, _ := time.Parse(time.RFC3339, rapid.SampledFrom(begins).Draw(t, "begin"))
		now := begin.UnixNano()
		var r Record
		for range rapid.IntRange(1, 12).Draw(t, "events") {
			now += rapid.SampledFrom([]int64{0, 1, 5, 1e9, 20e9, 3600e9, 30 * 3600e9}).Draw(t, "step")
			b.add(now, NumberItem(1))
			p.Add(&r, 0, now, NumberItem(1))
		}
		at := now + rapid.SampledFrom([]int64{0, 1, 5, 20e9, 3600e9, 30 * 3600e9, 20 * day}).Draw(t, "later")
		seen := b.window(at)
		if b.spec.Window.Shape != Session {
			since := p.Since(0, at)
			n := 0
			for _, e := range b.events {
				if e.t >= since {
					n++
				}
			}
			if n != len(seen) {
				t.Fatalf("%+v at %d begins at %d: %d events, want %d", b.spec, at, since, n, len(seen))
			}
		}
		gone, ok := p.Gone(0, now)
		if sees := len(seen) > 0; sees != (!ok || at < gone) {
			t.Fatalf("%+v: the event of %d is gone at %d (%t), at %d it is seen: %t", b.spec, now, gone, ok, at, sees)
		}
		if ok && (len(b.window(gone)) > 0 || len(b.window(gone-1)) == 0) {
			t.Fatalf("%+v: the event of %d does not go at %d", b.spec, now, gone)
		}
		if shape := b.spec.Window.Shape; shape == Tumbling || shape == Session {
			if end, open := p.Open(&r, 0); !open || end != gone {
				t.Fatalf("%+v ends at %d (%t), want %d", b.spec, end, open, gone)
			}
		}
	})
}
