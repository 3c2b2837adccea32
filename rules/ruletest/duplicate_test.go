package ruletest

import (
	"strings"
	"testing"

	"weir/rules/source"
)

// TestDuplicates: an event with the id of one before is not matched, and no test passes
// that does not say so.
func TestDuplicates(t *testing.T) {
	rules := []source.File{{Path: "rules.yaml", Text: `
events:
  e: {id: id, fields: {id: string, ts: time, k: string}}
rules:
  - {id: each, on: e, key: k, when: "true"}
`}}
	const events = `events: [{type: e, id: p1, ts: 0s, k: x}, {type: e, id: p1, ts: 0s, k: x}, {type: e, id: p2, ts: 1s, k: x}, {type: e, id: p1, ts: 2s, k: x}]
    alerts: [{rule: each, key: x, events: {event: 1}}, {rule: each, key: x, events: {event: 3}}]
`
	tests := []struct {
		name, said string
		want       []Kind
		msg        string
	}{
		{"all are named", "duplicates: [2, 4]", nil, ""},
		{"one is not named", "duplicates: 4", []Kind{Duplicate}, "event 2 has the id `p1` of another e before it and was not matched: give it an id of its own, or say `duplicates: [2]`"},
		{"one is none", "duplicates: [2, 3, 4]", []Kind{NotDuplicate}, "event 3 was to be a duplicate and was not"},
		{"none is named", "lateness: 0s", []Kind{Duplicate, Duplicate}, "`duplicates: [2]`"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			failures := failuresOf(t, rules, "tests:\n  - name: one\n    "+tt.said+"\n    "+events)
			if len(failures) != len(tt.want) {
				t.Fatalf("failures %+v", failures)
			}
			for i, f := range failures {
				if f.Kind != tt.want[i] || f.Line != 4 {
					t.Errorf("failure %+v, want %s in line 4", f, tt.want[i])
				}
			}
			if tt.msg != "" && !strings.Contains(failures[0].Msg, tt.msg) {
				t.Errorf("said %q, want %q", failures[0].Msg, tt.msg)
			}
		})
	}
	suite := Parse([]source.File{{Path: "rules_test.yaml", Text: "tests:\n  - name: one\n    duplicates: [2]\n    decisions: {2: allow}\n    " + events}})
	found := suite.Check(NewSubject(rules))
	if len(found) != 1 || !strings.Contains(found[0].Msg, "event 2 is to be a duplicate: nothing is decided on it") {
		t.Errorf("findings: %v", found)
	}
}
