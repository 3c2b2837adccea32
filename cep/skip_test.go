package cep

import (
	"context"
	"strings"
	"testing"
	"time"

	"weir/nfa"
)

// A record without lines that panics is skipped as a whole, as are rules that cannot be put
// in force; everything else goes on, and a replay skips them too.
func TestLoopSkipsRecords(t *testing.T) {
	rs := rulesOf(makeRule(t, "bad", "a", nfa.Options{}, map[string]Cond{"a": {Event: func(s *Scope) bool {
		if s.Event.Field(fAmount).Number() == 13 {
			panic("thirteen")
		}
		return true
	}}}))
	compile := func(body []byte) (*Rules, error) {
		if string(body) == "worse" {
			panic("no rules at all")
		}
		return &Rules{Ruleset: rs, Options: Options{Lateness: 10 * time.Second}}, nil
	}
	event := func(at int, amount float64) *Packed {
		return &Packed{Kind: PackedEvents, Body: []byte(pay(at, "c1", "m1", "a", amount).Raw + "\n")}
	}
	advance := func(at int) *Packed { return &Packed{Kind: PackedAdvance, Time: pay(at, "c1", "m1", "a", 1).Time} }
	for name, c := range map[string]struct {
		log    []*Packed
		alerts int
		says   string
	}{
		// The event of 13 is matched when time passes it: with the record after it, which is
		// skipped, and then with each that follows.
		"time":  {[]*Packed{event(0, 1), advance(20), event(30, 13), advance(45)}, 1, "the record is not stepped"},
		"rules": {[]*Packed{event(0, 1), {Kind: PackedRules, Body: []byte("worse")}, event(20, 1), advance(40)}, 2, "the record is not stepped"},
	} {
		t.Run(name, func(t *testing.T) {
			log := &heldLog{most: 2}
			log.Append(context.Background(), &Packed{Kind: PackedRules})
			for _, p := range c.log {
				log.Append(context.Background(), p)
			}
			files := &heldFiles{crash: func(string) bool { return false }}
			_, notices, err := fold(log, files, compile, nil)
			if err != nil || len(files.alerts) != c.alerts {
				t.Fatalf("%d alerts, want %d; %v", len(files.alerts), c.alerts, err)
			}
			skips := 0
			for _, n := range notices {
				if n.Kind == NoticeSkipped && strings.HasPrefix(n.Text, c.says) {
					skips++
				}
			}
			if skips != 1 {
				t.Errorf("notices: %v", notices)
			}
			again := &heldFiles{crash: files.crash}
			if _, notices, err := fold(log, again, compile, nil); err != nil || len(notices) > 0 || again.mark.Digest != files.mark.Digest {
				t.Errorf("a replay: %v %v", notices, err)
			}
		})
	}
}
