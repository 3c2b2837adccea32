package cep

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestRepairsAreCounted: what the counters say of alerts is what came out, also of an
// engine that was written and read back in between.
func TestRepairsAreCounted(t *testing.T) {
	rs := zoo(t)
	var most Repairs
	rapid.Check(t, func(t *rapid.T) {
		const lateness = 30 * time.Second
		o := Options{Lateness: lateness, Order: EagerOrder}
		events := arrival(t, stream(t), lateness)
		cut := rapid.IntRange(0, len(events)).Draw(t, "cut")
		var fx Effects
		g := NewEngine(rs, o)
		g.StepEvents(slices.Clone(events[:cut]), &fx)
		o.Shards = 2
		before := g.Stats().Repairs
		g, err := Restore(rs, o, g.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		if got := g.Stats().Repairs; got != before {
			t.Fatalf("restored: %+v, want %+v", got, before)
		}
		g.StepEvents(slices.Clone(events[cut:]), &fx)
		g.Step([]Record{{Kind: EndRecord}}, &fx)
		whole, _ := stepped(rs, Options{Lateness: lateness, Order: EagerOrder}, slices.Clone(events), end)
		stats := g.Stats()
		if want := whole.Stats().Repairs; stats.Repairs != want {
			t.Fatalf("%+v, want %+v as without a restore", stats.Repairs, want)
		}
		var want Repairs
		issued, retracted, restored := map[string]uint64{}, map[string]uint64{}, map[string]uint64{}
		for i := range fx.Alerts {
			switch a := &fx.Alerts[i]; a.Kind {
			case RetractedAlert:
				retracted[a.Rule.ID]++
				want.Retracted++
			case RestoredAlert:
				restored[a.Rule.ID]++
				want.Restored++
			default:
				issued[a.Rule.ID]++
			}
		}
		for i, r := range stats.Rules {
			id := rs.Rules[i].ID
			if r.Retracted != retracted[id] || r.Restored != restored[id] || r.Alerts+r.Timeouts+r.Retracted-r.Restored != issued[id] {
				t.Fatalf("%s: %+v; %d came out, %d were retracted, %d restored", id, r, issued[id], retracted[id], restored[id])
			}
		}
		if stats.Repairs.Retracted != want.Retracted || stats.Repairs.Restored != want.Restored {
			t.Fatalf("%+v, want %+v", stats.Repairs, want)
		}
		most.Applied = max(most.Applied, stats.Repairs.Applied)
		most.Retracted = max(most.Retracted, want.Retracted)
		most.Restored = max(most.Restored, want.Restored)
	})
	if most.Applied == 0 || most.Retracted == 0 || most.Restored == 0 {
		t.Errorf("nothing is repaired: %+v", most)
	}
}
