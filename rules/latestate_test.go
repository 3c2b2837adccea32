package rules

import (
	"bytes"
	"testing"
	"time"

	"weir/cep"
	"weir/rules/source"
)

// TestLateRisk: that an absence adds to a risk which later events of its key have seen
// costs their key nothing when a state is read, as it has cost it already.
func TestLateRisk(t *testing.T) {
	set, err := Compile([]source.File{{Path: "rules.yaml", Text: `
risk:
  odd: {key: card, half_life: 1h}
rules:
  - {id: gone, on: [out, back], key: card, within: 1m, pattern: o -> !b, define: {o: {type: out}, b: {type: back}}}
  - {id: early, on: out, key: {card: {a: card, b: to}}, within: 1h, pattern: "a, b", define: {a: odd >= 0, b: odd < 0}}
`}})
	if err != nil {
		t.Fatal(err)
	}
	o := cep.Options{Order: cep.EagerOrder, Lateness: time.Hour}
	g := cep.NewEngine(set, o)
	var fx cep.Effects
	g.Step([]cep.Record{{Kind: cep.EventsRecord, Line: 1, Data: []byte(`{"type":"out","ts":"2026-01-02T00:00:00Z","card":"c1","to":"c2"}
{"type":"out","ts":"2026-01-02T00:02:00Z","card":"c1","to":"c2"}
{"type":"out","ts":"2026-01-02T00:02:00Z","card":"c1","to":"c2"}
`)}}, &fx)
	if n := g.Stats().Repairs.Applied; n == 0 {
		t.Fatal("no event is matched again: this is no test")
	}
	state := g.Append(nil)
	restored, err := cep.Restore(set, o, state)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(restored.Append(nil), state) {
		t.Error("a state that was read is written as another")
	}
}
