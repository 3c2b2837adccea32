package cep

import (
	"context"
	"testing"
	"time"

	"weir/nfa"
)

// The first checkpoint after a restart has what has changed, if it can be added to the one
// that the restart began with; else it has all.
func TestFirstCheckpointAfterARestart(t *testing.T) {
	rs := rulesOf(makeRule(t, "ab", "a -> b", nfa.Options{Within: time.Hour}, abc("a", "b")))
	for _, order := range []Order{WatermarkOrder, EagerOrder} {
		for _, added := range []bool{true, false} {
			o := Options{Order: order, Lateness: 3 * time.Second}
			compile := func([]byte) (*Rules, error) { return &Rules{Ruleset: rs, Options: o}, nil }
			log, files := &heldLog{most: 3}, &heldFiles{added: added, crash: func(string) bool { return false }}
			log.Append(context.Background(), &Packed{Kind: PackedRules})
			const restarts = 4
			for life := range restarts + 1 {
				for i := range 20 {
					n := 20*life + i
					body := pay(n, "c"+string(rune('a'+n%13)), "m1", []string{"a", "x", "b"}[n%3], 1).Raw + "\n"
					log.Append(context.Background(), &Packed{Kind: PackedEvents, Body: []byte(body)})
				}
				if _, notices, err := fold(log, files, compile, nil); err != nil || len(notices) > 0 {
					t.Fatal(notices, err)
				}
			}
			want := 1
			if !added {
				want += restarts
			}
			if files.wholes != want {
				t.Errorf("order %d: %d checkpoints have all of the state, want %d", order, files.wholes, want)
			}
			again := &heldFiles{crash: files.crash}
			if _, _, err := fold(log, again, compile, nil); err != nil {
				t.Fatal(err)
			}
			one, err := Restore(rs, o, files.checkpoints[0].State)
			if err != nil {
				t.Fatal(err)
			}
			other, err := Restore(rs, o, again.checkpoints[0].State)
			if err != nil {
				t.Fatal(err)
			}
			if string(one.Append(nil)) != string(other.Append(nil)) {
				t.Errorf("order %d, added %v: the state is not that of one fold", order, added)
			}
		}
	}
}
