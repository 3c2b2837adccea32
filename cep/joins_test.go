package cep

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"weir/cep/feature"
	"weir/nfa"
)

// allThatCame writes all that came of events, with what names the late ones.
func allThatCame(fx *Effects) string {
	text := ""
	for i := range fx.Alerts {
		a := &fx.Alerts[i]
		text += fmt.Sprintf("%s version %d %s", AppendJSON(nil, a), a.Version, a.Kind)
		if a.Cause != nil {
			text += fmt.Sprintf(" by %d", a.Cause.Place)
		}
		text += "\n"
	}
	for i := range fx.Decisions {
		text += string(AppendDecisionJSON(nil, &fx.Decisions[i])) + "\n"
	}
	return text
}

// Late events that are matched in a block bring what each brings alone, in the same order.
func TestLateEventsInBlocks(t *testing.T) {
	rs := zoo(t)
	joined := 0
	rapid.Check(t, func(t *rapid.T) {
		lateness := time.Duration(rapid.IntRange(1, 30).Draw(t, "lateness")) * time.Second
		o := Options{Lateness: lateness, Order: EagerOrder, Shards: rapid.IntRange(1, 3).Draw(t, "shards")}
		events := arrival(t, stream(t), lateness)
		one, fx := NewEngine(rs, o), new(Effects)
		for i := range events {
			one.StepEvents(slices.Clone(events[i:i+1]), fx)
		}
		one.Step([]Record{end}, fx)
		all, got := stepped(rs, o, slices.Clone(events), end)
		same(t, "in one block", allThatCame(got), allThatCame(fx))
		if stats := all.Stats(); all.joinable {
			joined += int(stats.OutOfOrder.Events())
		}
	})
	if joined == 0 {
		t.Error("no late event was in a block")
	}
}

// An event joins its block unless one of its features has counted a later one.
func TestJoins(t *testing.T) {
	rs := rulesOf(makeRule(t, "ab", "a -> b", nfa.Options{Within: time.Minute}, abc("a", "b")))
	rs.Features = []*Feature{{Name: "paid", Types: []TypeID{tPay}, Key: FeatureKey{Names: []string{"card"}, Fields: []FieldID{fCard}}, Spec: feature.Spec{Window: feature.Window{Size: int64(time.Hour)}}}}
	g := NewEngine(rs, Options{Lateness: time.Minute, Order: EagerOrder})
	var fx Effects
	arrive := func(second int, card string) int {
		e := pay(second, card, "m", "a", 1)
		g.admit(&e, false, mark{}, Record{Line: 1}, &fx)
		return len(g.released)
	}
	for i, x := range []struct {
		second int
		card   string
		block  int // events in it then
	}{
		{10, "x", 1},
		{20, "y", 2},
		{5, "z", 3},  // no other of its card
		{11, "x", 4}, // after the other of its card
		{19, "y", 0}, // before it: what it knows changes
		{15, "z", 1},
	} {
		if got := arrive(x.second, x.card); got != x.block {
			t.Errorf("event %d: a block of %d, want %d", i, got, x.block)
		}
	}
}
