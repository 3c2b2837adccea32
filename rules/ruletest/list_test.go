package ruletest

import (
	"fmt"
	"strings"
	"testing"

	"weir/rules"
	"weir/rules/source"
)

const listRules = `
lists:
  vip: {type: string, file: vip.csv}
  fx: {type: string, value: number}
  nets: {type: cidr}
rules:
  - id: r
    on: pay
    key: card
    within: 1h
    pattern: a
    define: {a: 'in_list("vip", card) || in_list("nets", ip)'}
    measures: {rate: 'list_value("fx", "USD", 1)'}
`

func given() rules.Given {
	return rules.Given{ReadFile: func(string) ([]byte, error) { return []byte("c1\n"), nil }}
}

// TestLists: what a test says a list holds stands in place of its file; of the other
// lists the file counts. Each test has its own.
func TestLists(t *testing.T) {
	s := Parse([]source.File{{Path: "a_test.yaml", Text: `
tests:
  - name: the file
    events: [{type: pay, ts: 0s, card: c1}, {type: pay, ts: 0s, card: c2}]
    alerts: [{rule: r, key: c1, measures: {rate: 1}}]
  - name: given
    lists: {vip: [c2, 0012], fx: {USD: 1.5}}
    events: [{type: pay, ts: 0s, card: c1}, {type: pay, ts: 0s, card: c2}, {type: pay, ts: 0s, card: 0012}]
    alerts: [{rule: r, key: c2, measures: {rate: 1.5}}, {rule: r, key: 0012}]
  - name: empty
    lists: {vip: [], nets: [10.0.0.0/8]}
    events: [{type: pay, ts: 0s, card: c1}, {type: pay, ts: 0s, card: c3, ip: 10.1.2.3}]
    alerts: [{rule: r, key: c3, measures: {rate: 1}}]
`}})
	subject := NewSubjectWith([]source.File{{Path: "r.yaml", Text: listRules}}, given())
	for _, d := range s.Check(subject) {
		t.Error(d)
	}
	for _, r := range s.Run(subject) {
		if !r.Passed() {
			t.Errorf("%s: %v %+v", r.Test.Name, r.Findings, r.Failures)
		}
	}
}

// TestListFaults: what is wrong with the lists of a test has its place.
func TestListFaults(t *testing.T) {
	for lists, want := range map[string]string{
		"{vop: [a]}":          "4:13 there is no list `vop`",
		"{vip: a}":            "4:18 the entries of `vip` are a list or a mapping of entries to values, not text",
		"[vip]":               "4:12 `lists` is a mapping (`name: value`), not a list",
		"{fx: {USD: a}}":      "4:23 expected a number like 12 or 0.5, found \"a\"",
		"{vip: {a: 1}}":       "4:22 the list has no values: expected nothing, found \"1\"",
		"{nets: [10.0.0.1/8]": "4:20 the prefix \"10.0.0.1/8\" has bits behind its length",
		"{vip: [[a]]}":        "4:19 an entry of the list `vip` is text, not a list",
	} {
		if strings.Count(lists, "{") > strings.Count(lists, "}") {
			lists += "}"
		}
		s := Parse([]source.File{{Path: "a_test.yaml", Text: "tests:\n  - name: x\n    events: []\n    lists: " + lists + "\n    alerts: []\n"}})
		var got []string
		for _, d := range s.Check(NewSubjectWith([]source.File{{Path: "r.yaml", Text: listRules}}, given())) {
			got = append(got, fmt.Sprintf("%d:%d %s", d.Line, d.Column, d.Msg))
		}
		if len(got) != 1 || !strings.HasPrefix(got[0], want) {
			t.Errorf("%s: %q, want %q", lists, got, want)
		}
	}
}
