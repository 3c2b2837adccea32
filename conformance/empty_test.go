package conformance

import (
	"encoding/json"
	"fmt"
	"testing"
)

// A pattern that may match nothing is accepted, and what comes out of it is
// never empty.
func TestEmptyMatch(t *testing.T) {
	type empty struct {
		ID      string
		Pattern pattern
		Nothing bool `json:"can_match_nothing"`
	}
	some := 0
	for _, c := range load[empty](t, "testdata/empty_match.json") {
		t.Run(c.ID, func(t *testing.T) {
			for _, hold := range []bool{true, false} {
				v := vector{ID: c.ID, Pattern: c.Pattern, Flush: true}
				for i := range v.Pattern.Steps {
					if !hold {
						v.Pattern.Steps[i].Where = "false"
					}
				}
				for i := range 3 {
					v.Events = append(v.Events, numbered(i))
				}
				set := compile(t, v.ruleset(spellings[0]))
				out := v.run(t, set, manners[0])
				if hold && len(out.matches) < 3 || !hold && len(out.matches) > 0 {
					t.Errorf("conditions %t: got %d matches", hold, len(out.matches))
				}
				for _, m := range out.matches {
					if m.show(nil, false) == "" {
						t.Errorf("an empty match came out: %v", out.matches)
					}
				}
			}
			if c.Nothing {
				some++
			}
		})
	}
	if some == 0 {
		t.Error("no pattern that can match nothing was tried")
	}
}

// numbered is an event that has no fields of its own.
func numbered(i int) event {
	id := fmt.Sprintf("e%d", i+1)
	return event{ID: id, TS: int64(i), Fields: map[string]json.RawMessage{
		"id": json.RawMessage(fmt.Sprintf("%q", id)), "ts": json.RawMessage(fmt.Sprint(i)),
	}}
}
