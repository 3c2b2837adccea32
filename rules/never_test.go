package rules

import (
	"slices"
	"strings"
	"testing"

	"weir/rules/source"
)

// nevers are rules that can never match, with the text that says so.
var nevers = []struct {
	name string
	rule doubtfulRule
	at   string
	msg  string
}{
	{"false", doubtfulRule{pattern: "a", define: "a: false"}, "false", "this can never be true: it is always false"},
	{"nil", doubtfulRule{pattern: "a", define: "a: nil == 5"}, "nil == 5", "this can never be true: it is always false"},
	{"constants", doubtfulRule{pattern: "a", define: "a: amount > 1 && 2 > 3"}, "2 > 3", "this can never be true: it is always false"},
	{"both sides of an or", doubtfulRule{pattern: "a", define: `a: false || amount > 5 && amount < 2`}, "false || amount > 5 && amount < 2", "this can never be true: none of its sides can be true"},
	{"in where", doubtfulRule{pattern: "a", define: "a: amount > 1", more: "where: 1 == 2"}, "1 == 2", "this can never be true: it is always false"},
	{"in having", doubtfulRule{pattern: "a", define: "a: amount > 1", more: "having: count(a) > 0 && false"}, "false", "this can never be true: it is always false"},
	{"another type", doubtfulRule{pattern: "a", define: `a: {type: pay, where: 'type == "note"'}`, more: "on: [pay, note]"}, `type == "note"`, "this can never be true: the events tried here are of the type `pay`"},
	{"not its type", doubtfulRule{pattern: "a", define: `a: type != "pay"`}, `type != "pay"`, "this can never be true: the events tried here are of the type `pay`"},
	{"no type of a list", doubtfulRule{pattern: "a", define: `a: type in ["x", "y"]`, more: "on: [pay, note]"}, `type in ["x", "y"]`, "this can never be true: the events tried here are of one of the types `pay`, `note`"},
	{"two values", doubtfulRule{pattern: "a", define: `a: status == "x" && status == "y"`}, `status == "x" && status == "y"`, "this can never be true: no value of `status` satisfies both"},
	{"no number between", doubtfulRule{pattern: "a", define: "a: amount > 5 && card != nil && amount < 2"}, "amount > 5 && card != nil && amount < 2", "this can never be true: no value of `amount` satisfies both"},
	{"the same bound, open", doubtfulRule{pattern: "a", define: "a: 5 < amount && amount <= 5"}, "5 < amount && amount <= 5", "this can never be true: no value of `amount` satisfies both"},
	{"a number outside", doubtfulRule{pattern: "a", define: "a: amount == 9 && amount < 5"}, "amount == 9 && amount < 5", "this can never be true: no value of `amount` satisfies both"},
	{"nil and more", doubtfulRule{pattern: "a", define: "a: amount == nil && amount > 5"}, "amount == nil && amount > 5", "this can never be true: no value of `amount` satisfies both"},
	{"of a captured event", doubtfulRule{pattern: "a -> b", define: "a: amount > 1; b: a.amount > 5 && a.amount < 2"}, "a.amount > 5 && a.amount < 2", "this can never be true: no value of `amount` satisfies both"},
	{"in CEL", doubtfulRule{pattern: "a", define: "a: amount > 5.0 && amount < 2", more: "lang: cel"}, "amount > 5.0 && amount < 2", "this can never be true: no value of `amount` satisfies both"},

	{"least times over the window", doubtfulRule{pattern: "a -[>40m]-> b -[>40m]-> c"}, "a -[>40m]-> b -[>40m]-> c", "this takes at least 80m, and `within` of the rule is 1h: it can never match"},
	{"least times of rounds", doubtfulRule{pattern: "(a -[>20m]->){4}"}, "(a -[>20m]->){4}", "this takes at least 1h, and `within` of the rule is 1h: it can never match"},
	{"of each alternative", doubtfulRule{pattern: "a -[>30m]-> (b -[>30m]-> c | c -[>45m]-> b)"}, "a -[>30m]-> (b -[>30m]-> c | c -[>45m]-> b)", "this takes at least 1h, and `within` of the rule is 1h: it can never match"},
	{"least times in a group", doubtfulRule{pattern: "a -> (b -[>10m]-> c) within 5m"}, "(b -[>10m]-> c) within 5m", "this takes at least 10m, and its `within` is 5m: it can never match"},
	{"least times of a loop with a window", doubtfulRule{pattern: "a -> (b -[>10m]->){3} within 15m"}, "(b -[>10m]->){3} within 15m", "this takes at least 20m, and its `within` is 15m: it can never match"},
}

// TestNevers checks that there is a warning where a condition is never true and
// where a pattern never has the time to match.
func TestNevers(t *testing.T) {
	for _, tt := range nevers {
		t.Run(tt.name, func(t *testing.T) {
			if tt.rule.define == "" {
				tt.rule.define = someNames
			}
			text := tt.rule.String()
			found := checkText(text)
			if len(found) != 1 || found[0].Severity != source.Warning || found[0].Code != source.CodeNever {
				t.Fatalf("found %v\nin\n%s", found, text)
			}
			if got := under(text, found[0]); got != tt.at {
				t.Errorf("is on %q, want %q", got, tt.at)
			}
			if found[0].Msg != tt.msg || found[0].Hint == "" {
				t.Errorf("%q; %q, want %q", found[0].Msg, found[0].Hint, tt.msg)
			}
		})
	}
}

// TestPossible checks rules that can match, if rarely.
func TestPossible(t *testing.T) {
	for _, rule := range []doubtfulRule{
		{pattern: "a", define: "a: true"},
		{pattern: "a", define: "a: amount > 5 || false"},
		{pattern: "a -> !n", define: "a: amount > 5; n: false"},
		{pattern: "a", define: "a: params.on && amount > 5", more: "params: {on: false}"},
		{pattern: "a", define: "a: amount > params.least && amount < 2", more: "params: {least: 9}"},
		{pattern: "a", define: "a: params.least > 9", more: "params: {least: 9}"},
		{pattern: "a", define: `a: type == "note"`, more: "on: [pay, note]"},
		{pattern: "a", define: `a: type == "note"`, more: `on: "*"`},
		{pattern: "a", define: `a: type != "pay"`, more: "on: [pay, note]"},
		{pattern: "a", define: "a: amount >= 5 && amount <= 5"},
		{pattern: "a", define: "a: amount == 5 && amount == 5.0"},
		{pattern: "a", define: "a: amount > 5 && (amount < 2 || amount > 9)"},
		{pattern: "a", define: "a: amount > 5 && device.amount < 2"},
		{pattern: "a -> b", define: "a: amount > 5; b: amount > 5 && a.amount < 9"},
		{pattern: "a{2} -> b", define: "a: amount > 5; b: first(a).amount == 6 && last(a).amount == 7"},
		{pattern: "a -[>20m]-> b -[>20m]-> c", define: someNames},
		{pattern: "a -[>40m]-> (b | c -[>30m]-> b)", define: someNames},
		{pattern: "a -> (b -[>40m]->){2} within 50m", define: someNames},
		{pattern: "(a -[>40m]-> b)? -> c", define: someNames},
		{pattern: "a -[59m..1h]-> b", define: someNames},
		{pattern: "a -[>50m]-> !n -[>50m]-> b", define: someNames},
	} {
		for _, d := range checkText(rule.String()) {
			t.Errorf("%v\nin\n%s", d, rule)
		}
	}
}

// TestCodes checks that the tests here, and those of reading files, produce every
// code, and that the table of codes is whole.
func TestCodes(t *testing.T) {
	made := map[string]bool{}
	note := func(found []source.Diagnostic) {
		for _, d := range found {
			made[d.Code] = true
		}
	}
	for _, tt := range faults {
		note(checkText(strings.Replace(soundRules, tt.old, tt.new, 1)))
	}
	for _, tt := range doubts {
		note(checkText(tt.rule.String()))
	}
	for _, tt := range nevers {
		note(checkText(tt.rule.String()))
	}
	note(checkText("params: {x: 1}\n"))
	note(checkText(strings.Replace(misspeltType, "TYPE", "paymnet", 1)))
	note(checkText("params: {" + strings.Repeat("x: 1, ", 1100) + "y: 2}\n"))
	looking := Check([]source.File{{Path: "r.yaml", Text: lookingRules}})
	note(looking.Findings)
	note(looking.Notes)
	note(checkText(silentRules))
	note(CheckWith([]source.File{{Path: "r.yaml", Text: "lists: {l: {type: string, file: l.csv}}"}}, Given{ReadFile: func(string) ([]byte, error) { return []byte("a\na\n"), nil }}).Findings)
	note(checkText("rules: [{id: r, severity: low, on: pay, key: card, when: amount > 1, hold: 1d}]\n"))
	_, err := source.Read([]string{"no such file"})
	note(err.(source.Errors))
	var codes []string
	for _, c := range source.Codes {
		codes = append(codes, c.Code)
		if !made[c.Code] {
			t.Errorf("no test makes %q", c.Code)
		}
		if !strings.HasSuffix(c.Meaning, ".") {
			t.Errorf("%q: %q is no sentence", c.Code, c.Meaning)
		}
	}
	for c := range made {
		if !slices.Contains(codes, c) {
			t.Errorf("%q does not stand in source.Codes", c)
		}
	}
	slices.Sort(codes)
	if len(slices.Compact(codes)) != len(source.Codes) {
		t.Error("a code stands twice")
	}
}

// silentRules read the matches of rules that have none for them, and features of matches.
const silentRules = `
features: {n: {on: pay, key: card, value: count(), over: 1h}}
rules:
  - {id: a, on: pay, key: card, within: 1h, pattern: a, define: {a: n > 1}, status: disabled}
  - {id: b, on: [pay, alert.a], key: card, within: 1h, pattern: a, define: {a: n > 1}}
`

// lookingRules look at features in every way that is worth a finding.
const lookingRules = `
features:
  ever: {on: pay, key: card, value: count(), over: forever}
  long: {on: pay, key: card, value: count(), over: 30d}
lists:
  unread: {type: string}
rules:
  - {id: r, on: pay, key: card, within: 1h, pattern: a, define: {a: ever > 1 && long(to) > 2}}
`
