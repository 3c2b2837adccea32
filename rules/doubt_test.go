package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"weir/rules/source"
)

// wholeRules is a ruleset in which everything that a rule can say is said, so that
// a mistake anywhere could be blamed on something else.
const wholeRules = `events:
  pay:
    fields: {card: string, amount: number, shop: string, tags: list, device: map}
  note:
    fields: {card: string, text: string}
params: {max: 2, span: 1h, least: 3, many: [1, 2]}
rules:
  - id: r
    on: [pay, note]
    where: card != "x"
    key: card
    within: $span
    params: {own: 5}
    pattern: a{$least,}+ -> !n -> b
    define:
      a: {type: pay, where: amount > params.own}
      n: {type: note, where: text == "no"}
      b: {type: pay, where: shop == last(a).shop && amount > params.max * mean(a.amount)}
    skip: to_last(a)
    unless: type == "note" && text == "stop"
    having: sum(a.amount) > 10 && b.amount in params.many
    measures:
      total: sum(a.amount) + b.amount
      share: b.amount / total
    score: 10 * share
    message: "{total} on {card}, of it {b.amount} ({share})"
`

// alone are mistakes in wholeRules that have one finding, and nothing that follows
// from them has.
var alone = []struct{ name, old, new, want string }{
	{"a wrong pattern", "a{$least,}+ -> !n -> b", "a{$least,}+ -> !n -> -> b", "14:35"},
	{"a pattern that is a list", "pattern: a{$least,}+ -> !n -> b", "pattern: [a, b]", "14:14"},
	{"a misspelt pattern", "pattern:", "patern:", "14:5"},
	{"a pattern without a value", "pattern: a{$least,}+ -> !n -> b", "pattern:", "14:5"},
	{"a pattern with a param that there is not", "{$least,}", "{$lest,}", "14:16"},
	{"a wrong character in a pattern", "-> b\n", "-> b;\n", "14:36"},
	{"a variable that stands twice", "!n -> b", "!n -> b -> b", "14:40"},
	{"a param without a value", "least: 3", "least:", "6:28"},
	{"a param that is null", "max: 2", "max: null", "6:15"},
	{"a param called like none", "max: 2", "m-x: 2", "6:10"},
	{"a list param that is none", "many: [1, 2]", "many: {a: 1}", "6:44"},
	{"misspelt params", "params: {max", "parms: {max", "6:1"},
	{"params of a rule that are no mapping", "params: {own: 5}", "params: 5", "13:13"},
	{"a window that is none", "within: $span", "within: 5", "12:13"},
	{"a window of a param that has a finding", "span: 1h", "span:", "6:18"},
	{"no type is known", "on: [pay, note]", "on: [pay, 'no te']", "9:15"},
	{"no on", "    on: [pay, note]\n", "", "8:5"},
	{"a misspelt on", "    on: [pay, note]\n", "    onn: [pay, note]\n", "9:5"},
	{"on twice the same", "on: [pay, note]", "on: [pay, note, pay]", "9:21"},
	{"on that is a mapping", "on: [pay, note]", "on: {pay: note}", "9:9"},
	{"a field of a wrong type", "shop: string", "shop: strin", "3:50"},
	{"a field without a type", "device: map", "device:", "3:70"},
	{"a type without fields", "    fields: {card: string, text: string}\n", "    time: ts\n", "4:3"},
	{"a type that says nothing", "  note:\n    fields: {card: string, text: string}\n", "  note:\n", "4:3"},
	{"misspelt fields", "    fields: {card: string, text: string}", "    field: {card: string, text: string}", "5:5"},
	{"misspelt events", "events:", "evnts:", "1:1"},
	{"a type twice", "  note:", "  pay:", "4:3"},
	{"a wrong derived field", "    fields: {card: string, text: string}", "    fields: {card: string}\n    derive: {text: crad}", "6:20"},
	{"misspelt derive", "    fields: {card: string, text: string}", "    fields: {card: string}\n    derived: {text: card}", "6:5"},
	{"a misspelt key field", "key: card", "key: crad", "11:10"},
	{"no key", "    key: card\n", "", "8:5"},
	{"a misspelt key", "key: card", "kye: card", "11:5"},
	{"a key that is a text of several words", "key: card", "key: the card", "11:10"},
	{"a wrong field beside the key", "key: card", "key: [card, tags]", "11:17"},
	{"a key by variable that lacks one", "key: card", "key: {card: {a: card, n: card}}", "11:11"},
	{"a key by variable with a wrong field", "key: card", "key: {card: {a: card, n: card, b: crad}}", "11:39"},
	{"a key by variable without a name", "key: card", "key: {1: {a: card, n: card, b: card}}", "11:11"},
	{"a name without definition", "      n: {type: note, where: text == \"no\"}\n", "", "14:30"},
	{"no define", "    define:\n      a: {type: pay, where: amount > params.own}\n      n: {type: note, where: text == \"no\"}\n      b: {type: pay, where: shop == last(a).shop && amount > params.max * mean(a.amount)}\n", "", "8:5"},
	{"misspelt define", "define:", "defin:", "15:5"},
	{"a definition with a misspelt key", "a: {type: pay,", "a: {tpe: pay,", "16:11"},
	{"a definition of an unknown type", "a: {type: pay,", "a: {type: pya,", "16:17"},
	{"a definition of a type that the rule is not on", "on: [pay, note]", "on: note", "16:17 18:17"},
	{"a definition that YAML ate", "a: {type: pay, where: amount > params.own}", "a: !x {type: pay}", "16:10"},
	{"a definition that is a list", "n: {type: note, where: text == \"no\"}", "n: [text]", "17:10"},
	{"a definition too many", "      b:", "      c: {type: pay}\n      b:", "18:7"},
	{"a variable called like a field", "a{$least,}+ -> !n -> b", "a{$least,}+ -> !n -> b -> shop", "14:40 14:40"},
	{"a wrong condition", "amount > params.own", "amount > params.onw", "16:45"},
	{"a wrong where", "where: card", "where: crad", "10:12"},
	{"a where without a value", `where: card != "x"`, "where:", "10:5"},
	{"a wrong unless", `text == "stop"`, `txt == "stop"`, "20:31"},
	{"a wrong having", "having: sum(a.amount) > 10", "having: sum(a.amuont) > 10", "21:19"},
	{"a wrong measure", "total: sum(a.amount) + b.amount", "total: summ(a.amount) + b.amount", "23:14"},
	{"a measure called like a function", "total: sum(a.amount) + b.amount\n      share: b.amount / total", "total: 1\n      len: b.amount / total", "24:7 25:17 26:53"},
	{"a measure called like a variable", "      share:", "      b:", "24:7 25:17 26:53"},
	{"a measure without a value", "total: sum(a.amount) + b.amount", "total:", "23:7"},
	{"a measure that is a list", "total: sum(a.amount) + b.amount", "total: [1]", "23:14"},
	{"measures that are a list", "    measures:\n      total: sum(a.amount) + b.amount\n      share: b.amount / total\n", "    measures: [a, b]\n", "22:15"},
	{"misspelt measures", "measures:", "measure:", "22:5"},
	{"a wrong score", "score: 10 * share", "score: 10 * sahre", "25:17"},
	{"a wrong skip", "to_last(a)", "to_lst(a)", "19:11"},
	{"skip to an unknown variable", "to_last(a)", "to_last(x)", "19:19"},
	{"a language that there is not", "    key: card\n", "    key: card\n    lang: sql\n", "12:11"},
	{"features", "rules:", "features: {spend: {on: pay}}\nrules:", "7:12 7:12 7:12"},
	{"features that are read", "    where: card != \"x\"", "    where: card != \"x\" && spend > 5 && spend(card) > 3", "10:27 10:40"},
	{"an instead of a pattern", "pattern: a{$least,}+ -> !n -> b", "when: amount > 1", "12:5 15:5 19:5 20:5"},
}

// TestAlone checks that a mistake has its finding and that nothing that follows
// from it has one.
func TestAlone(t *testing.T) {
	if found := checkText(wholeRules); len(found) > 0 {
		t.Fatalf("%v", found)
	}
	for _, tt := range alone {
		t.Run(tt.name, func(t *testing.T) {
			if !strings.Contains(wholeRules, tt.old) {
				t.Fatalf("%q does not stand in the rules", tt.old)
			}
			var got []string
			found := checkText(strings.Replace(wholeRules, tt.old, tt.new, 1))
			for _, d := range found {
				got = append(got, fmt.Sprintf("%d:%d", d.Line, d.Column))
			}
			if got := strings.Join(got, " "); got != tt.want {
				t.Errorf("found %v, want those at %s", found, tt.want)
			}
		})
	}
}

// TestTogether puts every mistake of one rule beside one in every other part of
// it: none hides another.
func TestTogether(t *testing.T) {
	others := []struct{ old, new string }{
		{"shop == last(a).shop", "shpo == last(a).shop"},
		{"&& amount > params.max", "&& amuont > params.max"},
		{`text == "stop"`, `txet == "stop"`},
		{"having: sum(a.amount) > 10", "having: sum(a.amuont) > 10"},
		{"score: 10 * share", "score: 10 * noshare()"},
		{`{card}, of it {b.amount}`, `{card}, of it {b.amuont} {a.amuont}`},
	}
	for _, tt := range alone {
		text := strings.Replace(wholeRules, tt.old, tt.new, 1)
		missed := 0
		for _, o := range others {
			if !strings.Contains(text, o.old) {
				continue
			}
			whole := strings.Replace(text, o.old, o.new, 1)
			before, after := checkText(text), checkText(whole)
			if len(after) < len(before)+1 {
				missed++
			}
			for _, d := range before {
				if !slices.ContainsFunc(after, func(e source.Diagnostic) bool { return e.Msg == d.Msg }) && len(after) <= len(before) {
					t.Errorf("%s: %v is hidden by %q", tt.name, d, o.new)
				}
			}
		}
		if missed > mayMissOf[tt.name] {
			t.Errorf("%s hides %d mistakes, may hide %d", tt.name, missed, mayMissOf[tt.name])
		}
	}
}

// mayMissOf says how many other mistakes cannot be seen beside one: of fields where
// the events are not known, of names where any may be meant.
var mayMissOf = map[string]int{
	"no type is known": 1, "no on": 1, "a misspelt on": 1, "on that is a mapping": 1,
	"a type without fields": 1, "a type that says nothing": 1, "misspelt fields": 1, "misspelt derive": 1, "misspelt events": 5, "a type twice": 1,
	"no key": 1, "a misspelt key": 1, "a key that is a text of several words": 1, "a key by variable without a name": 4,
	"no define": 2, "misspelt define": 4, "a definition with a misspelt key": 1, "a definition of an unknown type": 1, "a definition that YAML ate": 1,
	"a measure called like a function": 1, "a measure called like a variable": 1, "measures that are a list": 1, "misspelt measures": 1,
	"a language that there is not": 6, "an instead of a pattern": 5,
}
