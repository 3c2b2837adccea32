package cep

import (
	"strings"
	"testing"
	"time"

	"weir/nfa"
)

// A panic in any shard comes out of Step, on the goroutine that called it, with the stack
// of the shard's.
func TestShardPanics(t *testing.T) {
	for shard := range 4 {
		rs := rulesOf(makeRule(t, "bad", "a", nfa.Options{}, map[string]Cond{"a": {Event: func(s *Scope) bool {
			if s.Event.Field(fAmount).Number() == 13 {
				panic("thirteen")
			}
			return true
		}}}))
		var lines strings.Builder
		for i := range 4 * inline {
			amount := 1.0
			if i == 2*inline {
				amount = 13
			}
			lines.WriteString(pay(i, []string{"c1", "c2", "c3", "c4"}[(i+shard)%4], "m1", "a", amount).Raw + "\n")
		}
		value := func() (value any) {
			defer func() { value = recover() }()
			g := NewEngine(rs, Options{Shards: 4, Order: EagerOrder, Lateness: time.Hour})
			g.Step([]Record{{Kind: EventsRecord, Data: []byte(lines.String()), Line: 1}}, new(Effects))
			return nil
		}()
		if p, ok := value.(*caughtPanic); !ok || p.value != "thirteen" || !strings.Contains(p.stack, "goroutine") {
			t.Errorf("events of c%d: it panics with %v", shard, value)
		}
	}
}

// What a record of the log says is not stepped, is not: a line, a whole record of events,
// or a record of another kind.
func TestLoopSkips(t *testing.T) {
	l := NewLoop(LoopOptions{})
	l.Skip(Skipped{Sequence: 3})
	l.Skip(Skipped{Sequence: 4, Line: 2})
	for _, test := range []struct {
		sequence uint64
		p        Packed
		want     int
	}{
		{3, Packed{Kind: PackedTick}, 0},
		{3, Packed{Kind: PackedAdvance, Time: 7}, 0},
		{3, Packed{Kind: PackedEvents, Body: []byte("a\nb\nc\n")}, 0},
		{4, Packed{Kind: PackedEvents, Body: []byte("a\nb\nc\n")}, 2},
		{5, Packed{Kind: PackedTick}, 1},
	} {
		if got := l.appendSteps(nil, &Logged{Sequence: test.sequence}, &test.p); len(got) != test.want {
			t.Errorf("record %d of kind %d: %d steps, want %d", test.sequence, test.p.Kind, len(got), test.want)
		}
	}
}
