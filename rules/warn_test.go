package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"weir/cep"
	"weir/nfa"
	"weir/rules/source"
)

// doubtful is a rule over events of type pay, in parts, so that a test can put
// another pattern into it.
type doubtfulRule struct {
	pattern string
	define  string // NAME: CONDITION; NAME: CONDITION. Names that the pattern has not are left out
	more    string // other keys of the rule, separated by "; "
	head    string // what stands before the rules
}

const paySchema = "events: {pay: {fields: {card: string, amount: number, shop: string, status: string, country: string, device: map}}, note: {fields: {card: string, text: string}}}\n"

func (d doubtfulRule) String() string {
	var b strings.Builder
	b.WriteString(d.head)
	b.WriteString("rules:\n  - id: r\n")
	keys := map[string]bool{}
	for _, line := range strings.Split(d.more, "; ") {
		if line != "" {
			b.WriteString("    " + line + "\n")
			key, _, _ := strings.Cut(line, ":")
			keys[key] = true
		}
	}
	for _, k := range [][2]string{{"on", "pay"}, {"key", "card"}, {"within", "1h"}} {
		if !keys[k[0]] && !strings.Contains(d.more, "no "+k[0]) {
			b.WriteString("    " + k[0] + ": " + k[1] + "\n")
		}
	}
	b.WriteString("    pattern: " + source.Quoted(d.pattern) + "\n    define:\n")
	for _, def := range strings.Split(d.define, "; ") {
		name, cond, _ := strings.Cut(def, ": ")
		if wordIn(d.pattern, name) >= 0 {
			if !strings.HasPrefix(cond, "{") {
				cond = source.Quoted(cond)
			}
			b.WriteString("      " + name + ": " + cond + "\n")
		}
	}
	return strings.ReplaceAll(b.String(), "    no within\n", "")
}

func checkText(text string) []source.Diagnostic {
	return Check([]source.File{{Path: "r.yaml", Text: text}}).Findings
}

// under gives the text that a finding is on.
func under(text string, d source.Diagnostic) string {
	src := source.New("r.yaml", text)
	return src.Text[src.Offset(d.Line, d.Column):src.Offset(d.EndLine, d.EndColumn)]
}

const someNames = "a: amount == 1; b: amount == 2; c: amount == 3; n: amount == 4; s: amount == 5"

// doubts are rules that have one warning each, with the text that it is on and
// what its hint proposes.
var doubts = []struct {
	name string
	rule doubtfulRule
	code string
	at   string
	hint string
}{
	{
		"W1 a last element that goes on",
		doubtfulRule{pattern: "a -> b{3,}"},
		"W1", "b{3,}",
		"write `a -> b{3}` for one alert at that moment, or `a -> b{3,} -> !end` with `end: false` under `define` to wait for all of them until the window closes",
	},
	{
		"W1 one repeated variable",
		doubtfulRule{pattern: "a{5,}"},
		"W1", "a{5,}",
		"write `a{5}` for one alert at that moment, or `a{5,} -> !end` with `end: false` under `define` to wait for all of them until the window closes",
	},
	{
		"W1 a plus",
		doubtfulRule{pattern: "a -> b+"},
		"W1", "b+",
		"write `a -> b` for one alert at that moment, or `a -> b+ -> !end` with `end: false` under `define` to wait for all of them until the window closes",
	},
	{
		"W1 greedy",
		doubtfulRule{pattern: "a -> b{2,}+"},
		"W1", "b{2,}+",
		"write `a -> b{2}` for one alert at that moment, or `a -> b{2,}+ -> !end` with `end: false` under `define` to wait for all of them until the window closes",
	},
	{
		"W1 a range",
		doubtfulRule{pattern: "a -> b{2,4}"},
		"W1", "b{2,4}",
		"write `a -> b{2}` for one alert at that moment, or `a -> b{2,4} -> !end` with `end: false` under `define` to wait for all of them until the window closes",
	},
	{
		"W1 with until",
		doubtfulRule{pattern: "a -> b{2,} until s"},
		"W1", "b{2,} until s",
		"write `a -> b{2,} until s -> !end` with `end: false` under `define` to wait for all of them until the window closes",
	},
	{
		"W1 a param",
		doubtfulRule{pattern: "a -> b{$least,}", more: "params: {least: 3}"},
		"W1", "b{$least,}",
		"write `a -> b{$least}` for one alert at that moment, or `a -> b{$least,} -> !end` with `end: false` under `define` to wait for all of them until the window closes",
	},
	{
		"W1 without a window",
		doubtfulRule{pattern: "a -> b{3,}", more: "within: none"},
		"W1", "b{3,}",
		"write `a -> b{3}` for one alert at that moment",
	},
	{
		"W1 optional",
		doubtfulRule{pattern: "a -> b?"},
		"W1", "b?",
		"write `a` for one alert at that moment, or `a -> b` to ask for it",
	},
	{
		"W1 any number",
		doubtfulRule{pattern: "a -> b*"},
		"W1", "b*",
		"write `a` for one alert at that moment, or `a -> b` to ask for it",
	},
	{
		"W1 two that may be left out",
		doubtfulRule{pattern: "a -> b? -> c?"},
		"W1", "b? -> c?",
		"write `a` for one alert at that moment, or `a -> b? -> c` to ask for it",
	},
	{
		"W1 a group that goes on",
		doubtfulRule{pattern: "(a -> b){2,}"},
		"W1", "(a -> b){2,}",
		"write `(a -> b){2}` for one alert at that moment, or `(a -> b){2,} -> !end` with `end: false` under `define` to wait for all of them until the window closes",
	},
	{"W1 in an alternative", doubtfulRule{pattern: "a -> b{2,} | c"}, "W1", "b{2,}", "write `a -> b{2} | c` for one alert at that moment"},
	{
		"W1 in a group",
		doubtfulRule{pattern: "a -> (b -> c+) within 5m"},
		"W1", "c+",
		"write `a -> (b -> c) within 5m` for one alert at that moment, or `a -> (b -> c+) within 5m -> !end` with `end: false` under `define` to wait for all of them until the window closes",
	},
	{
		"W1 any number and nothing else",
		doubtfulRule{pattern: "a*"},
		"W1", "a*",
		"write `a` for one alert at that moment",
	},
	{
		"W1 everything may be left out",
		doubtfulRule{pattern: "a? -> b?"},
		"W1", "b?",
		"write `a | b` for one alert at that moment, or `a? -> b` to ask for it",
	},
	{"W1 every match", doubtfulRule{pattern: "a -> b{2,}", more: "skip: none"}, "W1", "b{2,}", "write `a -> b{2}` for one alert at that moment"},
	{
		"W1 to_next",
		doubtfulRule{pattern: "a -> b{2,}", more: "skip: to_next"},
		"W1", "b{2,}",
		"write `a -> b{2}` for one alert at that moment, or `a -> b{2,} -> !end` with `end: false` under `define` to wait for all of them until the window closes",
	},
	{
		"W1 a having that reads another name",
		doubtfulRule{pattern: "a -> b{2,}", more: "having: a.amount > 0"},
		"W1", "b{2,}",
		"write `a -> b{2}` for one alert at that moment, or `a -> b{2,} -> !end` with `end: false` under `define` to wait for all of them until the window closes",
	},

	{
		"W1 behind a negation that restrains a repeat",
		doubtfulRule{pattern: "a{2} -> !n -> b?"},
		"W1", "b?",
		"write `a{2} -> !n -> b` to ask for it",
	},
	{
		"W1 behind a negation, every match",
		doubtfulRule{pattern: "a -> !n -> b?", more: "skip: none"},
		"W1", "b?",
		"write `a -> !n -> b` to ask for it",
	},

	{
		"W2 after another element",
		doubtfulRule{pattern: "c -> a{1,2}+ -> b"},
		"W2", "a{1,2}+",
		"write `c -> a{1,}+ -> b`; if more than 2 are to be no match, add `having: count(a) <= 2`",
	},
	{
		"W2 before a negation and more",
		doubtfulRule{pattern: "c -> a{2,5}+ -> !n -> b"},
		"W2", "a{2,5}+",
		"write `c -> a{2,}+ -> !n -> b`; if more than 5 are to be no match, add `having: count(a) <= 5`",
	},
	{
		"W2 at the beginning",
		doubtfulRule{pattern: "a{1,2}+ -> b"},
		"W2", "a{1,2}+",
		"write `a{1,}+ -> b`; if more than 2 are to be no match, add `having: count(a) <= 2`",
	},
	{
		"W2 optional",
		doubtfulRule{pattern: "c -> a{,2}+ -> b"},
		"W2", "a{,2}+",
		"write `c -> a*+ -> b`; if more than 2 are to be no match, add `having: count(a) <= 2`",
	},
	{
		"W2 in a group that repeats",
		doubtfulRule{pattern: "(a{1,2}+ -> b){2}"},
		"W2", "a{1,2}+",
		"write `(a{1,}+ -> b){2}`; if more than 2 are to be no match, add `having: count(a) <= 2`",
	},
	{
		"W2 neighbours",
		doubtfulRule{pattern: "c, (a,){1,3}+, b"},
		"W2", "(a,){1,3}+",
		"write `c, (a,)++, b`; if more than 3 are to be no match, add `having: count(a) <= 3`",
	},

	{
		"W3",
		doubtfulRule{pattern: "a -> !n -> b?"},
		"W3", "!n",
		"write `a -> !n -> b` to ask for what comes after it, or `a -> !n` for an alert when the window closes without it",
	},
	{
		"W3 any number",
		doubtfulRule{pattern: "a -> !n -> b*"},
		"W3", "!n",
		"write `a -> !n -> b` to ask for what comes after it, or `a -> !n` for an alert when the window closes without it",
	},
	{
		"W3 the next event",
		doubtfulRule{pattern: "a, !n -> b?"},
		"W3", "!n",
		"write `a, !n -> b` to ask for what comes after it, or `a, !n` for an alert when the window closes without it",
	},
	{
		"W3 two that may be left out",
		doubtfulRule{pattern: "a -> !n -> b? -> c?"},
		"W3", "!n",
		"write `a -> !n -> b? -> c` to ask for what comes after it, or `a -> !n` for an alert when the window closes without it",
	},
	{"W3 without a window", doubtfulRule{pattern: "a -> !n -> b?", more: "within: none"}, "W3", "!n", "write `a -> !n -> b` to ask for what comes after it"},

	{
		"W4",
		doubtfulRule{pattern: "a -> b", define: "a: amount == 1; b: amount == 2 && shop == a.shop", head: paySchema},
		"W4", "shop == a.shop",
		"write `key: [card, shop]`",
	},
	{
		"W4 the other way round, without a schema",
		doubtfulRule{pattern: "a -> b", define: "a: amount == 1; b: a.shop == shop"},
		"W4", "a.shop == shop",
		"write `key: [card, shop]`",
	},
	{
		"W4 of a list",
		doubtfulRule{pattern: "a -> b{2} -> c", define: "a: amount == 1; b: amount == 2 && shop == a.shop; c: shop == last(b).shop", head: paySchema},
		"W4", "shop == a.shop",
		"write `key: [card, shop]`",
	},
	{
		"W4 with a negation",
		doubtfulRule{pattern: "a -> !n -> b", define: "a: amount == 1; n: amount == 4 && shop == a.shop; b: amount == 2 && shop == a.shop", head: paySchema},
		"W4", "shop == a.shop",
		"write `key: [card, shop]`",
	},
	{
		"W4 to_last",
		doubtfulRule{pattern: "a -> b", define: "a: amount == 1; b: amount == 2 && shop == a.shop", more: "skip: to_last(b)"},
		"W4", "shop == a.shop",
		"write `key: [card, shop]`",
	},

	{"W5", doubtfulRule{pattern: "a, b", define: "a: {type: pay}; b: country != nil && country == a.shop"}, "W5", "a, b", "write `skip: to_next`"},
	{"W5 with a bound", doubtfulRule{pattern: "a ,[<5m] b", define: "a: true; b: amount > 2 * a.amount"}, "W5", "a ,[<5m] b", "write `skip: to_next`"},
	{"W5 the same condition and more", doubtfulRule{pattern: "a, b", define: `a: status == "x" && amount > 1; b: amount > 1 && status == "x" && amount > a.amount`}, "W5", "a, b", "write `skip: to_next`"},

	{"W6", doubtfulRule{pattern: "a -> b", more: "no within"}, "W6", "'a -> b'", "write `within: 1d`, or as long as a match may take; `within: none` says that they are meant to wait"},
	{"W6 one repeated variable", doubtfulRule{pattern: "a{3}", more: "no within"}, "W6", "'a{3}'", "write `within: 1d`, or as long as a match may take; `within: none` says that they are meant to wait"},
	{"W6 one bound of two", doubtfulRule{pattern: "a -[<5m]-> b -> c", more: "no within"}, "W6", "'a -[<5m]-> b -> c'", "write `within: 1d`, or as long as a match may take; `within: none` says that they are meant to wait"},
	{"W6 a least time only", doubtfulRule{pattern: "a -[>5m]-> b", more: "no within; gap: 1h"}, "W6", "'a -[>5m]-> b'", "write `within: 1d`, or as long as a match may take; `within: none` says that they are meant to wait"},
	{"W6 in order", doubtfulRule{pattern: "a -> b", more: "within: none; emit: in_order"}, "W6", "none", "write `within: 1d`, or as long as a match may take, or `emit: at_once`"},
	{"W6 in order, nothing said", doubtfulRule{pattern: "a -> b", more: "no within; emit: in_order"}, "W6", "'a -> b'", "write `within: 1d`, or as long as a match may take"},
	{"W6 set", doubtfulRule{pattern: "a & b", more: "no within"}, "W6", "'a & b'", "write `within: 1d`, or as long as a match may take; `within: none` says that they are meant to wait"},

	{"W7", doubtfulRule{pattern: "a+ -> b"}, "W7", "a+", "write `a++ -> b`: greedy, it leaves n open"},
	{"W7 at least", doubtfulRule{pattern: "a{3,} -> b"}, "W7", "a{3,}", "write `a{3,}+ -> b`: greedy, it leaves n open"},
	{"W7 a param", doubtfulRule{pattern: "a{$least,} -> b", more: "params: {least: 3}"}, "W7", "a{$least,}", "write `a{$least,}+ -> b`: greedy, it leaves n open"},
	{"W7 any number", doubtfulRule{pattern: "c -> a* -> b"}, "W7", "a*", "write `c -> a*+ -> b`: greedy, it leaves 1 open"},
	{"W7 with until and a window", doubtfulRule{pattern: "a{2,} until s within 5m -> b"}, "W7", "a{2,} until s within 5m", "write `a{2,}+ until s within 5m -> b`: greedy, it leaves n open"},
	{"W7 before a negation and more", doubtfulRule{pattern: "a+ -> !n -> b"}, "W7", "a+", "write `a++ -> !n -> b`: greedy, it leaves n open"},
	{"W7 a group", doubtfulRule{pattern: "(a -> b)+ -> c"}, "W7", "(a -> b)+", "give it an upper count, as in `(a -> b){1,10} -> c`"},
	{"W7 before what may be left out", doubtfulRule{pattern: "a+ -> b? -> c"}, "W7", "a+", "give it an upper count, as in `a{1,10} -> b? -> c`"},
	{"W7 every combination", doubtfulRule{pattern: "(a ->>)+ -> b"}, "W7", "(a ->>)+", "give it an upper count, as in `(a ->>){1,10} -> b`"},
	{"W7 in a group that repeats", doubtfulRule{pattern: "(c -> a+){2}"}, "W7", "a+", "write `(c -> a++){2}`: greedy, it leaves 1 open"},

	{
		"W8",
		doubtfulRule{pattern: "a", define: `a: status != "ok"`},
		"W8", "status",
		"write `status != nil && status != \"ok\"` to leave such events out, or `status == nil || status != \"ok\"` to mean them too",
	},
	{
		"W8 one of several parts",
		doubtfulRule{pattern: "a", define: `a: amount > 1 && status not in ["ok", "x"]`},
		"W8", "status",
		"write `amount > 1 && status != nil && status not in [\"ok\", \"x\"]` to leave such events out, or `amount > 1 && (status == nil || status not in [\"ok\", \"x\"])` to mean them too",
	},
	{
		"W8 of one type of two",
		doubtfulRule{pattern: "a", define: `a: status != "ok"`, more: "on: [pay, note]", head: paySchema},
		"W8", "status",
		"write `status != nil && status != \"ok\"` to leave such events out, or `status == nil || status != \"ok\"` to mean them too",
	},
	{
		"W8 in a map",
		doubtfulRule{pattern: "a", define: `a: device.os != "x"`, head: paySchema},
		"W8", "device.os",
		"write `device.os != nil && device.os != \"x\"` to leave such events out, or `device.os == nil || device.os != \"x\"` to mean them too",
	},
	{
		"W8 in where",
		doubtfulRule{pattern: "a", define: "a: amount > 1", more: `where: 'status != "ok"'`},
		"W8", "status",
		"write `status != nil && status != \"ok\"` to leave such events out, or `status == nil || status != \"ok\"` to mean them too",
	},
	{
		"W8 in unless",
		doubtfulRule{pattern: "a -> b", define: "a: amount == 1; b: amount == 2", more: `unless: '!(status == "ok")'`},
		"W8", "status",
		"write `status != nil && !(status == \"ok\")` to leave such events out, or `status == nil || !(status == \"ok\")` to mean them too",
	},
	{
		"W8 in CEL",
		doubtfulRule{pattern: "a", define: `a: status != "ok"`, more: "lang: cel"},
		"W8", "status",
		"write `status != null && status != \"ok\"` to leave such events out, or `status == null || status != \"ok\"` to mean them too",
	},
	{
		"W8 of a captured event",
		doubtfulRule{pattern: "a -> b", define: `a: amount == 1; b: country != nil && country != a.country`},
		"W8", "a.country",
		"write `country != nil && a.country != nil && country != a.country` to leave such events out, or `country != nil && (a.country == nil || country != a.country)` to mean them too",
	},
}

// TestDoubts checks that each of the rules has its warning, at its place and with
// its hint, and nothing else.
func TestDoubts(t *testing.T) {
	for _, tt := range doubts {
		t.Run(tt.name, func(t *testing.T) {
			rule := tt.rule
			if rule.define == "" {
				rule.define = someNames
			}
			text := rule.String()
			found := checkText(text)
			if len(found) != 1 {
				t.Fatalf("found %v\nin\n%s", found, text)
			}
			d := found[0]
			if d.Severity != source.Warning || d.Code != tt.code || d.Msg == "" {
				t.Errorf("%s[%s]: %s", d.Severity, d.Code, d.Msg)
			}
			if got := under(text, d); got != tt.at {
				t.Errorf("is on %q, want %q", got, tt.at)
			}
			if d.Hint != tt.hint {
				t.Errorf("got  %s\nwant %s", d.Hint, tt.hint)
			}
			for _, mended := range mendings(t, rule, d) {
				for _, d := range checkText(mended) {
					if d.Severity == source.Error || d.Code == tt.code {
						t.Errorf("what the hint proposes is no better: %v\n%s", d, mended)
					}
				}
			}
		})
	}
}

var proposed = regexp.MustCompile("`[^`]+`")

// mendings gives the rule as each of the proposals of a hint has it; there is at
// least one.
func mendings(t *testing.T, rule doubtfulRule, d source.Diagnostic) []string {
	var list []string
	pattern := ""
	for _, p := range proposed.FindAllString(d.Hint, -1) {
		p = strings.Trim(p, "`")
		mended := rule
		key, _, isKey := strings.Cut(p, ": ")
		_, err := nfa.Parse(p, func(string) (nfa.Param, bool) {
			return nfa.Param{IsCount: true, Count: 3}, true
		})
		switch {
		case isKey && key == "end" || p == "define":
			continue // of the proposal before it
		case key == "having":
			mended.pattern, mended.more = pattern, mended.more+"; "+p
		case isKey && slices.Contains(ruleKeys.Known, key):
			var rest []string
			for _, line := range strings.Split(rule.more, "; ") {
				if !strings.HasPrefix(line, key+":") && line != "no "+key && line != "" {
					rest = append(rest, line)
				}
			}
			mended.more = strings.Join(append(rest, p), "; ")
			if key == "within" && p == "within: none" && strings.Contains(rule.more, "in_order") {
				continue
			}
		case d.Code == "W8":
			at := rule.String()
			mended := strings.Replace(at, source.Quoted(original(at, d)), source.Quoted(p), 1)
			if mended == at {
				t.Errorf("%s does not fit into\n%s", p, at)
			}
			list = append(list, mended)
			continue
		case err == nil:
			mended.pattern, pattern = p, p
			if wordIn(p, "end") >= 0 {
				mended.define += "; end: false"
			}
		default:
			t.Errorf("the hint proposes %s, which is no part of a rule", p)
		}
		list = append(list, mended.String())
	}
	if len(list) == 0 {
		t.Errorf("the hint %q proposes nothing", d.Hint)
	}
	return list
}

// original gives the condition that a finding is in.
func original(text string, d source.Diagnostic) string {
	line := strings.Split(text, "\n")[d.Line-1]
	_, quoted, _ := strings.Cut(line, ": '")
	return strings.ReplaceAll(strings.TrimSuffix(quoted, "'"), "''", "'")
}

// sound are rules that have no warning, by the code of the one that they could be
// thought to have.
var sound = map[string][]doubtfulRule{
	"W1": {
		{pattern: "a -> b{3}"},
		{pattern: "a{3,}+ -> b"},
		{pattern: "a? -> b"},
		{pattern: "a{3,} -> !n"},
		{pattern: "(a -> b){2}"},
		{pattern: "a -> b{3,}", more: "having: sum(b.amount) > 100"},
		{pattern: "a -> b?", more: "having: count(b) > 0 || a.amount > 5"},
		{pattern: "a -> b{3,}", more: "skip: none; throttle: 1h"},
		{pattern: "a | b -> c"},
		{pattern: "a -> (b | c)"},
		{pattern: "a & b"},
		{pattern: "(a -> b?){2}"},
		{pattern: "a?"},
		{pattern: "a? | b"},
	},
	"W2": {
		{pattern: "a{2}+ -> b"},
		{pattern: "a{1,2} -> b"},
		{pattern: "c -> a{2}+ -> b"},
		{pattern: "c -> a{2,}+ -> b"},
		{pattern: "c -> a{1,2} -> b"},
		{pattern: "c -> a{1,2}+ -> !n"},
		{pattern: "a++ -> b"},
		{pattern: "c -> a{1,3}+ | b", more: "having: count(a) != 2"},
	},
	"W3": {
		{pattern: "a -> !n -> b"},
		{pattern: "a -> !n"},
		{pattern: "a -> !n -> b? -> c"},
		{pattern: "(a -> !n -> b?){2}"},
		{pattern: "a -> !n -> b?", more: "having: count(b) > 0"},
		{pattern: "a, !n"},
		{pattern: "a -[<5m]-> !n -> b"},
		{pattern: "a -> !n -> b?", more: "skip: none; throttle: 1h"},
		{pattern: "a{2} -> !n -> b"},
	},
	"W4": {
		{pattern: "a -> b", define: "a: amount == 1; b: amount == 2 && shop == a.shop", head: paySchema, more: "key: [card, shop]"},
		{pattern: "a -> b", define: "a: amount == 1; b: amount == 2 && shop == a.shop", head: paySchema, more: "skip: to_next"},
		{pattern: "a -> b", define: "a: amount == 1; b: amount == 2 && shop == a.shop", head: paySchema, more: "skip: none"},
		{pattern: "a -> b", define: "a: amount == 1; b: amount > a.amount", head: paySchema},
		{pattern: "a -> b", define: "a: amount == 1; b: amount == a.amount", head: paySchema},
		{pattern: "a -> b -> c", define: "a: amount == 1; b: amount == 2 && shop == a.shop; c: amount == 3", head: paySchema},
		{pattern: "a -> b", define: `a: amount == 1; b: amount == 2 && (shop == a.shop || country == "FR")`, head: paySchema},
		{pattern: "a{2} -> b", define: "a: amount == 1; b: amount == 2 && shop == last(a).shop", head: paySchema},
		{pattern: "a -> !n -> b", define: "a: amount == 1; n: amount == 4; b: amount == 2 && shop == a.shop", head: paySchema},
		{pattern: "a -> b", define: "a: amount == 1; b: amount == 2 && country == a.shop", head: paySchema},
		{pattern: "a, b", define: "a: amount == 1; b: amount == 2 && shop == a.shop", head: paySchema},
		{pattern: "a -> b", define: "a: amount == 1; b: amount == 2 && shop == a.shop", head: paySchema, more: "unless: amount > 100"},
		{pattern: "a -> b", define: "a: amount == 1; b: amount == 2 && shop == a.shop", head: paySchema, more: "throttle: 1h"},
		{pattern: "a -> b", define: "a: amount == 1; b: amount == 2 && shop == a.shop", head: paySchema, more: "skip: to_first(a)"},
		{pattern: "a -> b", define: "a: amount == 1; b: amount == 2 && shop == a.shop", head: paySchema, more: "key: {who: {a: card, b: card}}"},
		{pattern: "a -> b", define: "a: {type: pay, where: amount == 1}; b: {type: note, where: text == a.shop}", head: paySchema, more: "on: [pay, note]"},
	},
	"W5": {
		{pattern: "a, b", define: "a: {type: pay}; b: country == a.shop", more: "skip: to_next"},
		{pattern: "a, b", define: "a: {type: pay}; b: country == a.shop", more: "skip: none"},
		{pattern: "a -> b", define: "a: {type: pay}; b: country == a.shop"},
		{pattern: "a, b", define: `a: status == "x"; b: status == "y" && amount > a.amount`},
		{pattern: "a, b", define: `a: status == "x"; b: amount > a.amount`},
		{pattern: "a, b", define: "a: {type: pay}; b: amount > 1"},
		{pattern: "a, b", define: "a: {type: pay}; b: {type: note, where: text == a.shop}", more: "on: [pay, note]"},
		{pattern: "a, b, c", define: "a: {type: pay}; b: amount > a.amount; c: amount > b.amount"},
		{pattern: "a, b", define: "a: {type: pay}; b: country == a.shop", more: "throttle: 1h"},
	},
	"W6": {
		{pattern: "a -> b"},
		{pattern: "a", more: "no within"},
		{pattern: "a | b", more: "no within"},
		{pattern: "a -> b", more: "within: none"},
		{pattern: "a -[<5m]-> b", more: "no within"},
		{pattern: "a -> b -> c", more: "no within; gap: 1h"},
		{pattern: "(a -> b) within 5m", more: "no within"},
		{pattern: "a{3} within 5m", more: "no within"},
		{pattern: "a -[<5m]-> !n", more: "no within"},
		{pattern: "a -> b", more: "no within", head: "defaults: {within: 1d}\n"},
		{pattern: "a -> b", more: "within: 1h; emit: in_order"},
		{pattern: "a", more: "no within; emit: in_order"},
		{pattern: "a -> b", more: "within: none; emit: in_order; skip: none"},
	},
	"W7": {
		{pattern: "a++ -> b"},
		{pattern: "a{3,}+ -> b"},
		{pattern: "a{3} -> b"},
		{pattern: "a{1,5} -> b"},
		{pattern: "b -> a{3}"},
		{pattern: "a{3,} -> !n"},
		{pattern: "a? -> b"},
		{pattern: "(a -> b){1,3} -> c"},
		{pattern: "a{2,}", more: "having: sum(a.amount) > 5"},
	},
	"W8": {
		{pattern: "a", define: `a: status != "ok"`, head: paySchema},
		{pattern: "a", define: `a: status != nil && status != "ok"`},
		{pattern: "a", define: `a: status == nil || status != "ok"`},
		{pattern: "a", define: `a: status == "ok"`},
		{pattern: "a", define: `a: status != "ok"`, more: "where: status != nil"},
		{pattern: "a", define: "a: status != nil"},
		{pattern: "a", define: `a: card != "x"`},
		{pattern: "a", define: `a: type != "x"`, more: "on: [pay, note]"},
		{pattern: "a", define: `a: amount > 1 && amount != 5`},
		{pattern: "a", define: `a: {type: pay, where: 'status != "ok"'}`, head: paySchema, more: "on: [pay, note]"},
		{pattern: "a -> b", define: `a: country != nil && amount == 1; b: country != nil && country != a.country`},
		{pattern: "a -> b", define: `a: amount == 1; b: country != a.country`, head: paySchema},
		{pattern: "a -> b", define: `a: amount == 1; b: amount == 2`, more: `having: a.status != "ok"`},
		{pattern: "a", define: `a: status != null && status != "ok"`, more: "lang: cel"},
	},
}

// TestSound checks that rules which only look doubtful have no warning.
func TestSound(t *testing.T) {
	for code, rules := range sound {
		if len(rules) < 6 {
			t.Errorf("%s: %d rules, want at least 6", code, len(rules))
		}
		for _, rule := range rules {
			if rule.define == "" {
				rule.define = someNames
			}
			for _, d := range checkText(rule.String()) {
				t.Errorf("%s: %s[%s]: %v\nin\n%s", code, d.Severity, d.Code, d, rule)
			}
		}
	}
}

// outcomeOf is what a rule does with events: the amounts of the events of each
// alert, and how many matches are open at the end.
func outcomeOf(t *testing.T, text string, events []string) (alerts []string, open int, truncated bool) {
	t.Helper()
	set, err := Compile([]source.File{{Path: "r.yaml", Text: text}})
	if err != nil {
		t.Fatalf("%v\nin\n%s", err, text)
	}
	engine := cep.NewEngine(set, cep.Options{})
	var fx cep.Effects
	for i, e := range events {
		line := fmt.Sprintf(`{"type":"pay","ts":%d,"card":"c",%s}`, 1767312000000+i*60_000, e)
		engine.Step([]cep.Record{{Kind: cep.EventsRecord, Data: []byte(line)}}, &fx)
	}
	open = engine.Open()[0]
	engine.Step([]cep.Record{{Kind: cep.EndRecord}}, &fx)
	if len(fx.Rejected) > 0 {
		t.Fatal(fx.Rejected)
	}
	for _, a := range fx.Alerts {
		var ids []string
		for _, e := range a.Events {
			_, rest, _ := strings.Cut(e.Raw, `"n":`)
			ids = append(ids, strings.Trim(rest[:1], " "))
		}
		alerts = append(alerts, strings.Join(ids, ""))
		truncated = truncated || a.Truncated
	}
	return alerts, open, truncated
}

// amounts are events with these amounts, numbered from 1.
func amounts(list ...int) []string {
	var events []string
	for i, a := range list {
		events = append(events, fmt.Sprintf(`"amount":%d,"n":%d`, a, i+1))
	}
	return events
}

// harms show for each warning what it warns of: what the rule does, and what the
// rule does that the hint proposes.
var harms = []struct {
	name           string
	rule           doubtfulRule
	change         func(*doubtfulRule)
	events         []string
	alerts, mended string
	open, left     int // matches open after the events, before and after
}{
	{
		"W1 the rest is never captured",
		doubtfulRule{pattern: "a -> b{2,}"},
		func(r *doubtfulRule) { r.pattern, r.define = "a -> b{2,} -> !end", r.define+"; end: false" },
		amounts(1, 2, 2, 2), "123", "1234", 0, 2,
	},
	{
		"W1 what may be left out is",
		doubtfulRule{pattern: "a -> b?"},
		func(r *doubtfulRule) { r.pattern = "a -> b" },
		amounts(1, 2), "1", "12", 0, 0,
	},
	{
		"W1 an alert for every longer match",
		doubtfulRule{pattern: "a -> b{2,}", more: "skip: none"},
		func(r *doubtfulRule) { r.pattern = "a -> b{2}" },
		amounts(1, 2, 2, 2, 2), "123 1234 12345", "123", 1, 0,
	},
	{
		"W2 one event too many",
		doubtfulRule{pattern: "c -> a{1,2}+ -> b"},
		func(r *doubtfulRule) { r.pattern = "c -> a{1,}+ -> b" },
		amounts(3, 1, 1, 1, 2), "", "12345", 0, 0,
	},
	{
		"W2 the first events are not in the match",
		doubtfulRule{pattern: "a{1,2}+ -> b"},
		func(r *doubtfulRule) { r.pattern = "a{1,}+ -> b" },
		amounts(1, 1, 1, 2), "234", "1234", 0, 0,
	},
	{
		"W3 the negation restrains nothing",
		doubtfulRule{pattern: "a -> !n -> b?"},
		func(r *doubtfulRule) { r.pattern = "a -> !n -> b" },
		amounts(1, 4, 2), "1", "", 0, 0,
	},
	{
		"W3 as an absence",
		doubtfulRule{pattern: "a -> !n -> b?"},
		func(r *doubtfulRule) { r.pattern = "a -> !n" },
		amounts(1, 4, 2), "1", "", 0, 0,
	},
	{
		"W4 a match drops that of another shop",
		doubtfulRule{pattern: "a -> b", define: "a: amount == 1; b: amount == 2 && shop == a.shop"},
		func(r *doubtfulRule) { r.more = "key: [card, shop]" },
		[]string{`"shop":"x","amount":1,"n":1`, `"shop":"y","amount":1,"n":2`, `"shop":"x","amount":2,"n":3`, `"shop":"y","amount":2,"n":4`},
		"13", "13 24", 0, 0,
	},
	{
		"W5 the second pair is not found",
		doubtfulRule{pattern: "a, b", define: "a: {type: pay}; b: amount > 2 * a.amount"},
		func(r *doubtfulRule) { r.more = "skip: to_next" },
		amounts(1, 3, 9), "12", "12 23", 1, 1,
	},
	{
		"W6 open matches stay",
		doubtfulRule{pattern: "a -> b", more: "no within"},
		func(r *doubtfulRule) { r.more = "within: 2m" },
		amounts(1, 1, 1, 1, 1, 9), "", "", 5, 1,
	},
	{
		"W6 a match is held",
		doubtfulRule{pattern: "a -> b", define: "a: amount < 9; b: amount == 9 * a.amount", more: "within: none; emit: in_order"},
		func(r *doubtfulRule) { r.more = "within: 2m; emit: in_order" },
		amounts(2, 1, 9, 5, 5, 5), "", "23", 4, 2,
	},
	{
		"W7 matches stay open for every event",
		doubtfulRule{pattern: "a+ -> b"},
		func(r *doubtfulRule) { r.pattern = "a++ -> b" },
		amounts(1, 1, 1, 1, 1, 1, 1, 1), "", "", 36, 8,
	},
	{
		"W7 after another element",
		doubtfulRule{pattern: "c -> a+ -> b"},
		func(r *doubtfulRule) { r.pattern = "c -> a++ -> b" },
		amounts(3, 1, 1, 1, 1, 1, 1), "", "", 6, 1,
	},
	{
		"W8 an event without the field",
		doubtfulRule{pattern: "a", define: `a: status != "ok"`},
		func(r *doubtfulRule) { r.define = `a: status != nil && status != "ok"` },
		[]string{`"status":"ok","n":1`, `"status":"no","n":2`, `"amount":1,"n":3`},
		"2 3", "2", 0, 0,
	},
}

// TestHarms shows what the warnings warn of, and that their hints help.
func TestHarms(t *testing.T) {
	shown := map[string]bool{}
	for _, tt := range harms {
		t.Run(tt.name, func(t *testing.T) {
			rule := tt.rule
			if rule.define == "" {
				rule.define = someNames
			}
			code := tt.name[:2]
			shown[code] = true
			found := checkText(rule.String())
			if len(found) != 1 || found[0].Code != code {
				t.Fatalf("found %v", found)
			}
			alerts, open, _ := outcomeOf(t, rule.String(), tt.events)
			if got := strings.Join(alerts, " "); got != tt.alerts || open != tt.open {
				t.Errorf("alerts %q, %d open; want %q, %d", got, open, tt.alerts, tt.open)
			}
			tt.change(&rule)
			for _, d := range checkText(rule.String()) {
				t.Errorf("still: %v", d)
			}
			alerts, open, _ = outcomeOf(t, rule.String(), tt.events)
			if got := strings.Join(alerts, " "); got != tt.mended || open != tt.left {
				t.Errorf("mended: alerts %q, %d open; want %q, %d", got, open, tt.mended, tt.left)
			}
			if tt.alerts == tt.mended && tt.open == tt.left {
				t.Error("there is no difference")
			}
		})
	}
	for _, c := range source.Codes {
		if c.Code[0] == 'W' && !shown[c.Code] {
			t.Errorf("the harm of %s is not shown", c.Code)
		}
	}
}

// TestManyOpenBound shows what becomes of W7 in the end: the bound on open matches
// is reached, and an alert lacks events.
func TestManyOpenBound(t *testing.T) {
	events := amounts(slices.Repeat([]int{1}, 60)...)
	events = append(events, `"amount":2,"n":9`)
	rule := doubtfulRule{pattern: "a+ -> b", define: someNames, more: "within: 1d; limit: {open: 100}"}
	if _, _, truncated := outcomeOf(t, rule.String(), events); !truncated {
		t.Error("the bound is not reached")
	}
	rule.pattern = "a++ -> b"
	if _, _, truncated := outcomeOf(t, rule.String(), events); truncated {
		t.Error("the bound is reached with a greedy repeat too")
	}
}

// TestUnusedParams checks which params nothing reads.
func TestUnusedParams(t *testing.T) {
	text := `params: {limit: 5, span: 1h, spare: 1, home: FR, count: 2}
rules:
  - id: r
    on: pay
    key: card
    within: $span
    params: {most: 9, own: 3, text: x}
    pattern: a{$count}
    define: {a: 'amount > params.limit && amount < params["most"]'}
    message: "{params.text} in {params.home}"
`
	var got []string
	for _, d := range checkText(text) {
		got = append(got, fmt.Sprintf("%s %s %s", d.Severity, d.Code, under(text, d)))
	}
	want := []string{"warning unused-param spare", "warning unused-param own"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
