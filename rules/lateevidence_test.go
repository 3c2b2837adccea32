package rules

import (
	"testing"
	"time"

	"weir/cep"
)

// TestLateEvidence: what a rule shows when a window ends is the same after a restart.
func TestLateEvidence(t *testing.T) {
	set := compiled(t, `
features: {n_4s: {on: pay, key: card, value: count(), tumbling: 4s}}
rules: [{id: r, window_close: n_4s, having: n_4s >= 1, evidence: n_4s}]`)
	for _, order := range []cep.Order{cep.WatermarkOrder, cep.EagerOrder} {
		o := cep.Options{Order: order, Lateness: 2 * time.Second}
		g := cep.NewEngine(set, o)
		var fx cep.Effects
		for i, event := range []string{"x1@1", "x2@2", "x7@4.5", "x30@30"} {
			g.Step([]cep.Record{{Kind: cep.EventsRecord, Data: []byte(lateLine(t, event)), Line: i + 1}}, &fx)
			var err error
			if g, err = cep.Restore(set, o, g.Append(nil)); err != nil {
				t.Fatal(err)
			}
		}
		if len(fx.Alerts) != 2 || len(fx.Alerts[0].Backing.Events) != 2 || len(fx.Alerts[1].Backing.Events) != 1 {
			t.Errorf("order %d: the alerts are %+v", order, fx.Alerts)
		}
	}
}
