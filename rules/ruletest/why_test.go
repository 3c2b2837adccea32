package ruletest

import (
	"strings"
	"testing"

	"weir/rules/source"
)

// TestWhy checks what is said of alerts that did not come, and that it is not said
// where the events would be called by other numbers than in the test.
func TestWhy(t *testing.T) {
	rules := []source.File{{Path: "rules.yaml", Text: `
events:
  e: {fields: {ts: time, k: string, v: string, n: number}, seq: n}
rules:
  - {id: pair, on: e, key: k, within: 1h, pattern: a -> b, define: {a: v == "a", b: v == "b"}}
`}}
	const missing = "alerts: [{rule: pair, key: x}]"
	tests := []struct{ name, test, want string }{
		{"in the order of the test", "events: [{type: e, ts: 0s, k: y}, {type: e, ts: 1s, k: x, v: a}, {type: e, ts: 2s, k: x, v: c}]", `a since 2026-01-01 00:00:01 (event 2). It is still open and needs b`},
		{"another key", "events: [{type: e, ts: 0s, k: y, v: a}]", "No alert for k=x: no event has this key."},
		{"the window is still open", "events: [{type: e, ts: 0s, k: x, v: a}, {clock: 59m}]", "It is still open"},
		{"time runs on", "at_end: close\n    events: [{type: e, ts: 0s, k: x, v: a}]", "when the window of 1h (within) closed"},
		{"twice the same", "events: [{type: e, ts: 0s, k: x, v: a}, {type: e, ts: 0s, k: x, v: a}, {type: e, ts: 0s, k: x, v: c}]", "(event 2)"},
		{"another order", "lateness: 10s\n    events: [{type: e, ts: 5s, k: x, v: a}, {type: e, ts: 0s, k: x, v: a}, {clock: 1m}]", ""},
		{"another order at one time", "events: [{type: e, ts: 0s, n: 2, k: x, v: a}, {type: e, ts: 0s, n: 1, k: x, v: a}, {clock: 1s}]", ""},
		{"one that is late", "late: [2]\n    events: [{type: e, ts: 5s, k: x, v: a}, {type: e, ts: 0s, k: x, v: a}, {type: e, ts: 6s, k: x, v: a}]", ""},
		{"one that is none", "rejected: [1]\n    events: [{type: e, k: x, v: a}, {type: e, ts: 0s, k: x, v: a}]", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			failures := failuresOf(t, rules, "tests:\n  - name: one\n    "+tt.test+"\n    "+missing+"\n")
			if len(failures) != 1 || failures[0].Kind != Missing {
				t.Fatalf("failures %+v", failures)
			}
			if why := failures[0].Why; !strings.Contains(why, tt.want) || (why == "") != (tt.want == "") {
				t.Errorf("said %q, want %q", why, tt.want)
			}
		})
	}
	many := failuresOf(t, rules, "tests:\n  - name: many\n    events: [{type: e, ts: 0s, k: x, v: a}]\n    alerts:\n"+strings.Repeat("      - {rule: pair, key: x}\n", mostWhys+1))
	for i, f := range many {
		if (f.Why != "") != (i < mostWhys) {
			t.Errorf("of the missing alert %d it is said: %q", i+1, f.Why)
		}
	}
}

func failuresOf(t *testing.T, rules []source.File, test string) []Failure {
	t.Helper()
	suite, subject := Parse([]source.File{{Path: "rules_test.yaml", Text: test}}), NewSubject(rules)
	for _, d := range suite.Check(subject) {
		t.Fatalf("%s\n%s", d, test)
	}
	return suite.Run(subject)[0].Failures
}
