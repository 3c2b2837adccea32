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

// Where rules read matches, events keep their numbers, and matches have none; a window that
// ended is told of too; and of a decision why the rule did not match that was to decide.
func TestWhyConsequences(t *testing.T) {
	rules := []source.File{{Path: "rules.yaml", Text: `
events:
  e: {fields: {ts: time, k: string, v: string}}
features:
  in_1m: {on: e, key: k, value: count(), tumbling: 1m}
rules:
  - {id: one, on: e, key: k, within: 1h, pattern: a, define: {a: v == "a"}}
  - {id: two, on: [alert.one, e], key: k, within: 1h, pattern: m -> b, define: {m: {type: alert.one}, b: {type: e, where: v == "b"}}, action: block}
  - {id: closed, window_close: in_1m, having: in_1m > 5}
`}}
	const events = "events: [{type: e, ts: 0s, k: y, v: c}, {type: e, ts: 1s, k: x, v: a}, {type: e, ts: 2s, k: x, v: c}, {clock: 5m}]\n    "
	const one = "{rule: one, key: x}"
	for _, tt := range []struct{ test, want string }{
		{"alerts: [" + one + ", {rule: two, key: x}]", ` of one). It is still open and needs b before 01:00:01 (within 1h): time stands at 00:05:00. The nearest miss was event 3 at 00:00:02`},
		{"alerts: [" + one + ", {rule: closed, key: x}]", `The nearest was the window of in_1m from 2026-01-01 00:00:00 to 00:01:00: having is false: in_1m > 5 is false (in_1m = 2).`},
		{"decisions: {3: block}\n    alerts: [" + one + "]", `two: No alert for k=x on event 3. #1 got furthest: m since 2026-01-01 00:00:01`},
	} {
		failures := failuresOf(t, rules, "tests:\n  - name: one\n    "+events+tt.test+"\n")
		if len(failures) != 1 || !strings.Contains(failures[0].Why, tt.want) {
			t.Errorf("%s: %+v, want %q", tt.test, failures, tt.want)
		}
	}
}
