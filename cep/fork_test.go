package cep

import (
	"context"
	"testing"

	"weir/nfa"
)

// What panics in a shard of its own panics in Step, where the Loop recovers from it, and is
// skipped like everything else.
func TestLoopSkipsWhatPanicsInAShard(t *testing.T) {
	rs := rulesOf(makeRule(t, "bad", "a", nfa.Options{}, map[string]Cond{"a": {Event: func(s *Scope) bool {
		if s.Event.Field(fAmount).Number() == 13 {
			panic("thirteen")
		}
		return true
	}}}))
	const events = 2 * inline
	for bad := range 16 { // some of their keys are in each shard
		log := &heldLog{most: 2}
		log.Append(context.Background(), &Packed{Kind: PackedRules})
		body := ""
		for i := range events {
			amount := 1.0
			if i == bad {
				amount = 13
			}
			body += pay(i, "c"+string(rune('a'+i%16)), "m1", "a", amount).Raw + "\n"
		}
		log.Append(context.Background(), &Packed{Kind: PackedEvents, Body: []byte(body)})
		files := &heldFiles{crash: func(string) bool { return false }}
		compile := func([]byte) (*Rules, error) { return &Rules{Ruleset: rs}, nil }
		l, notices, err := foldWith(log, files, LoopOptions{Compile: compile, Shards: 4})
		if err != nil || len(files.alerts) != events-1 {
			t.Fatalf("%d alerts, want %d; %v", len(files.alerts), events-1, err)
		}
		if n := len(notices); n == 0 || notices[n-1].Kind != NoticeSkipped {
			t.Errorf("notices: %v", notices)
		}
		if l.Status().Stepped.Sequence != 3 {
			t.Errorf("stepped to %s, want the skip record", l.Status().Stepped)
		}
	}
}
