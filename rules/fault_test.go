package rules

import (
	"strings"
	"testing"

	"weir/rules/source"
)

// soundRules is a ruleset without a fault. The tests of faults change a part of it.
const soundRules = `events:
  pay:
    fields: {card: string, amount: number, country: string, at: time, tags: list, device: map}
  login:
    fields: {card: string, ip: string, new_device: bool, amount: string}
params: {max: 2, span: 1h, word: abc, many: [1, 2]}
rules:
  - id: r
    on: pay
    key: card
    within: 1h
    pattern: a -> b
    define:
      a: amount > 1
      b: amount > params.max
`

// faults are texts that stand in soundRules, what to write instead, and the
// findings, without the name of the file. Of what the packages for expressions
// and patterns say, `…`, only the place is ours.
var faults = []struct{ name, old, new, want string }{
	{
		"not UTF-8", "id: r", "id: \"r\xff\"",
		"8:11: the text is not UTF-8; save the file as UTF-8",
	},
	{
		"control character", "id: r", "id: r\x01",
		"8:10: the control character U+0001 is not allowed; remove it",
	},
	{
		"invisible line separator", "id: r", "id: r\n    title: x\u2028y",
		"9:13: the invisible character U+2028 is not allowed; remove it",
	},
	{
		"quoted operand", "a: amount > 1", `a: "x" == country`,
		"14:10: this is no YAML: a quoted text ends at its second quote; quote this expression: '\"x\" == country'",
	},
	{
		"braces first", "a: amount > 1", "a: {x} == country",
		"14:10: this is no YAML: `{` begins a mapping; quote this expression: '{x} == country'\n14:12: unexpected `}`; brackets do not match",
	},
	{
		"brackets first", "a: amount > 1", "a: [1] == tags",
		"14:10: this is no YAML: `[` begins a list; quote this expression: '[1] == tags'",
	},
	{
		"a star first", "a: amount > 1", "a: *x > 1",
		"14:10: this is no YAML: `*` begins an alias; quote this expression: '*x > 1'",
	},
	{
		"an alias", "a: amount > 1", "a: *x",
		"14:10: this is no YAML: `*` begins an alias; quote this expression: '*x'",
	},
	{
		"percent first", "a: amount > 1", "a: %x > 1",
		"14:10: this is no YAML: no text begins with `%`; quote this expression: '%x > 1'",
	},
	{
		"at first", "a: amount > 1", "a: @x > 1",
		"14:10: this is no YAML: no text begins with `@`; quote this expression: '@x > 1'",
	},
	{
		"a condition with ? :", "a: amount > 1", "a: amount > 1 ? true : false",
		"14:10: this is no YAML: a `: ` cannot stand here; quote this expression: 'amount > 1 ? true : false'",
	},
	{
		"a condition with ? : in a flow mapping", "a: amount > 1", "a: {where: amount > 1 ? true : false}",
		"14:7: the rule is not on the event type `a`; without a type `a` means the type of that name; write `a: CONDITION`, or `a: {type: T}`\n14:18: this is no YAML: expected ',' or '}'; quote this expression: 'amount > 1 ? true : false'",
	},
	{
		"a second colon", "id: r", "id: r\n    title: Cards: testing",
		"9:12: this is no YAML: a `: ` cannot stand here; quote this expression: 'Cards: testing'",
	},
	{
		"an open quote", "id: r", "id: 'r",
		"8:9: this is no YAML: what begins here is not closed; end the text with `'`",
	},
	{
		"an open brace", "a: amount > 1", "a: {where: amount > 1",
		"14:7: the rule is not on the event type `a`; without a type `a` means the type of that name; write `a: CONDITION`, or `a: {type: T}`\n14:10: this is no YAML: the bracket that begins here is not closed; end it with `}`",
	},
	{
		"a line without a colon", "    key: card", "    key card",
		"10:5: this is no YAML: expected `: ` behind the key; write `key: card`, or indent the line deeper if it goes on with the text above",
	},
	{
		"wrong indentation", "    key: card", "   key: card",
		"10:4: this is no YAML: this line is indented like none that it could belong to; the key in line 9 begins in column 5, this one in column 4",
	},
	{
		"a tab", "    key: card", "\tkey: card",
		"10:1: this is no YAML: a tab cannot indent a line; indent with spaces",
	},
	{
		"a tag", "a: amount > 1", "a: !blocked && amount > 1",
		"14:10: `!` begins a tag, which YAML takes out of the text; if it is part of an expression or a text, quote that: '!blocked && amount > 1'",
	},
	{
		"a tag on a list", "on: pay", "on: !x [pay]",
		"9:9: `!` begins a tag, which YAML takes out of the text; remove it",
	},
	{
		"a bare exclamation mark", "a: amount > 1", "a: ! blocked",
		"14:10: `!` begins a tag, which YAML takes out of the text; if it is part of an expression or a text, quote that: '! blocked'",
	},
	{
		"an anchor", "a: amount > 1", "a: &x amount > 1",
		"14:10: `&` begins an anchor, which YAML takes out of the text; if it is part of an expression or a text, quote that: '&x amount > 1'",
	},
	{
		"a merge key", "id: r", "<<: {id: r}",
		"8:5: merge keys are not allowed; write the entries out",
	},
	{
		"an alias in a list", "on: pay", "on: [&a pay, *a]",
		"9:10: `&` begins an anchor, which YAML takes out of the text; if it is part of an expression or a text, quote that: '&a pay'\n9:18: `*` begins an alias; if it is part of an expression or a text, quote that: '*a'",
	},
	{
		"a second document", "rules:", "---\nrules:",
		"7:1: a second document begins here; remove the `---`: a file is one document",
	},
	{
		"a key twice", "key: card", "key: card\n    key: card",
		"11:5: the key `key` stands twice; the first is in line 10; remove one",
	},
	{
		"an empty block", "a: amount > 1", "a: |",
		"14:10: the condition of `a` is an empty block; indent its text below the key",
	},
	{
		"an empty folded block", "pattern: a -> b", "pattern: >-\n",
		"12:14: `pattern` is an empty block; indent its text below the key",
	},
	{
		"a comment in an expression", "a: amount > 1", `a: country == "x # y"`,
		"14:21: the string is not closed; ` #` begins a comment; if it is part of the text, quote that: 'country == \"x # y\"'",
	},
	{
		"a comment in a pattern", "pattern: a -> b", "pattern: a -> b -> # c",
		"12:23: …; ` #` begins a comment; if it is part of the text, quote that: 'a -> b -> # c'",
	},
	{
		"a comma in a flow mapping", "a: amount > 1", `a: {where: country in ["KP", "IR"], amount > 5}`,
		"14:7: the rule is not on the event type `a`; without a type `a` means the type of that name; write `a: CONDITION`, or `a: {type: T}`\n14:18: this is no YAML: expected ',' or '}'; quote this expression: 'country in [\"KP\", \"IR\"], amount > 5'\n14:41: unexpected `,`",
	},
	{
		"a list as a key", "id: r", "[a]: r",
		"8:5: a key is a name, not a list or mapping; quote it if it is text",
	},
	{
		"not a mapping", soundRules, "- a\n",
		"1:1: a ruleset is a mapping (`name: value`), not a list",
	},
	{
		"text alone", soundRules, "hello\n",
		"1:1: a ruleset is a mapping (`name: value`), not text",
	},
	{
		"unknown key of a ruleset", "rules:", "rule:",
		"7:1: a ruleset has no key `rule`; did you mean `rules`?",
	},
	{
		"features", "rules:", "features: []\nrules:",
		"7:11: `features` is a mapping (`name: value`), not a list",
	},
	{
		"lists", "rules:", "lists: 1\nrules:",
		"7:8: `lists` is a mapping (`name: value`), not text",
	},
	{
		"risk", "rules:", "risk: []\nrules:",
		"7:7: `risk` is a mapping (`name: value`), not a list",
	},
	{
		"policy", "rules:", "policy: 80\nrules:",
		"7:9: `policy` is a mapping (`name: value`), not text; write policy: {combine: max, review: 40, challenge: 60, block: 80}, or some of it",
	},
	{
		"destinations", "rules:", "destinations: {}\nrules:",
		"7:1: `destinations` is not supported yet; remove it",
	},
	{
		"routes", "rules:", "routes: []\nrules:",
		"7:1: `routes` is not supported yet; remove it",
	},
	{
		"unknown key of a rule", "within: 1h", "witin: 1h",
		"11:5: a rule has no key `witin`; did you mean `within`?",
	},
	{
		"unknown key, far from all", "within: 1h", "zzzzzzz: 1h",
		"11:5: a rule has no key `zzzzzzz`; the keys of a rule are id, title, description, severity, tags, status, on, where, key, within, gap, params, pattern, when, window_close, define, edge, evidence, skip, emit, timeout, unless, limit, having, measures, score, action, message, throttle, hold, lang",
	},
	{
		"hold", "within: 1h", "hold: 24 h",
		"11:11: `24 h` has an unknown unit; write 24h",
	},
	{
		"then", "within: 1h", "then: {list: x}",
		"11:5: `then` is not supported yet; remove it",
	},
	{
		"when", "pattern: a -> b", "when: amount > 1",
		"11:5: `within` is the time from the first event of a match to its last, and `when` matches on one event; to look back declare a feature, as in `features: {in_1h: {on: payment, key: card_id, value: count(), over: 1h}}`, and write `when: in_1h > 5`\n" +
			"13:5: `when` has no variables that could be defined; write the condition behind `when`",
	},
	{
		"edge", "within: 1h", "edge: true",
		"11:5: `edge` looks at one event and the one before it: it goes with `when`; write `when: CONDITION` in place of the pattern, or `throttle: 1h` to alert less often",
	},
	{
		"evidence", "within: 1h", "evidence: f",
		"11:5: a pattern captures its evidence: `evidence` goes with `when` and `window_close`; remove it",
	},
	{
		"window_close", "pattern: a -> b", "window_close: f",
		"9:5: the rule is on the event types of its feature; remove `on`\n" +
			"11:5: the window of the feature says how long: there is no `within`; remove it\n" +
			"12:19: there is no feature `f`; name a feature that is declared under `features`\n" +
			"13:5: `window_close` has no variables that could be defined; ask what the window came to in `having`",
	},
	{
		"lang", "within: 1h", "lang: cell",
		"11:11: `cell` is no value of `lang`; did you mean `cel`?",
	},
	{
		"derive", "    fields: {card: string, ip", "    derive: {ip: card, two: card + crad}\n    fields: {card: string, ip",
		"5:14: `ip` is a field of the event type `login` already; give the derived field another name\n5:36: unknown name `crad`; did you mean `card`?",
	},
	{
		"pii", "ip: string", "ip: {type: string, pii: yes}",
		"5:52: `yes` is no value of `pii`; it is one of true, false",
	},
	{
		"empty key", "within: 1h", "within:",
		"11:5: `within` has no value; write a value behind the colon, or remove the key",
	},
	{
		"unknown default", "rules:", "defaults: {widhin: 1h}\nrules:",
		"7:12: `defaults` has no key `widhin`; did you mean `within`?",
	},
	{
		"a default that is no duration", "rules:", "defaults: {within: 1x}\nrules:",
		"7:20: `1x` has an unknown unit; a duration is a whole number and one of ms s m h d w, like 90s",
	},
	{
		"a default that may be meant as a window", "rules:\n  - id: r\n    on: pay\n    key: card\n    within: 1h\n    pattern: a -> b", "defaults: {window: 1h}\nrules:\n  - id: r\n    on: pay\n    key: card\n    pattern: a -> b -> !b",
		"7:12: `defaults` has no key `window`; did you mean `within`?\n12:25: …",
	},
	{
		"a default of a wrong window", "rules:\n  - id: r\n    on: pay\n    key: card\n    within: 1h\n    pattern: a -> b", "defaults: {within: 1x}\nrules:\n  - id: r\n    on: pay\n    key: card\n    pattern: a -> !b",
		"7:20: `1x` has an unknown unit; a duration is a whole number and one of ms s m h d w, like 90s",
	},
	{
		"rules is no list", "rules:\n  - id", "rules:\n    id",
		"8:5: `rules` is a list of rules, not a mapping; begin each rule with `- id: `",
	},
	{
		"a rule that is text", "  - id: r\n", "  - hello\n  - id: r\n",
		"8:5: a rule is a mapping (`name: value`), not text",
	},
	{
		"a param without a value", "max: 2", "max:",
		"6:10: the param `max` has no value",
	},
	{
		"a null param", "max: 2", "max: null",
		"6:15: a param cannot be null; quote it if it is text",
	},
	{
		"a mapping as param", "max: 2", "max: {a: b}",
		"6:15: the param `max` is a mapping; a param is a number, text, true, false, a duration or a list",
	},
	{
		"a name that is none", "max: 2", "1max: 2",
		"6:10: `1max` is no name for a param; a name is a letter or `_`, then letters, digits and `_`",
	},
	{
		"a number too large", "max: 2", "max: 1e999",
		"6:15: `1e999` is too large for a number; quote it if it is text",
	},
	{
		"a nested list", "[1, 2]", "[1, [2]]",
		"6:49: an entry of the param `many` is text, not a list; quote it if it is an expression or a text: '[2]'",
	},
	{
		"params of a rule", "within: 1h", "params: 5",
		"11:13: `params` is a mapping (`name: value`), not text",
	},
	{
		"type without fields", "    fields: {card: string, ip: string, new_device: bool, amount: string}", "    id: card",
		"4:3: the event type `login` has no `fields`; list the fields that rules may read, each with its type",
	},
	{
		"type that says nothing", "  login:\n    fields: {card: string, ip: string, new_device: bool, amount: string}", "  login:",
		"4:3: the event type `login` says nothing; list its `fields`, or remove it: a type that is not declared has dynamic fields",
	},
	{
		"unknown key of a type", "    fields: {card: string, ip", "    filds: {card: string, ip",
		"5:5: an event type has no key `filds`; did you mean `fields`?",
	},
	{
		"unknown type of a field", "ip: string", "ip: strin",
		"5:32: `strin` is no type of a field; did you mean `string`?",
	},
	{
		"field without a type", "ip: string", "ip: {}",
		"5:28: the field `ip` has no `type`; a type is one of string, number, bool, time, list, map",
	},
	{
		"field without a name", "ip: string", "'': string",
		"5:28: a field has no name; write `name: type`",
	},
	{
		"field without value", "ip: string", "ip:",
		"5:28: `ip` has no value; quote the text if it holds a comma or bracket, here or in the entry before",
	},
	{
		"ts that is no time", "ip: string", "ts: number",
		"5:32: `ts` is the event time; give it the type `time`, or the field another name",
	},
	{
		"type that is no string", "ip: string", "type: number",
		"5:34: `type` is the type of the event; give it the type `string`, or the field another name",
	},
	{
		"time of a wrong type", "    fields: {card: string, ip", "    time: card\n    fields: {card: string, ip",
		"5:11: the field `card` of the event time is declared as string; declare it as `time`",
	},
	{
		"unknown unit", "    fields: {card: string, ip", "    time: {field: made, unit: min}\n    fields: {card: string, ip",
		"5:31: `min` is no unit of an event time; a unit is one of s, ms, us, ns",
	},
	{
		"time in a misspelt field", "    fields: {card: string, ip", "    time: {field: maed, unit: s}\n    fields: {made: time, card: string, ip",
		"5:19: there is no field `maed`; did you mean `made`?",
	},
	{
		"time without a field", "    fields: {card: string, ip", "    time: {unit: s}\n    fields: {card: string, ip",
		"5:11: `time` has no `field`; name the field that holds the event time",
	},
	{
		"time in an unknown field", "    fields: {card: string, ip", "    time: a.b\n    fields: {card: string, ip",
		"5:11: there is no field `a.b`; declare it under `fields`",
	},
	{
		"id in an unknown field", "    fields: {card: string, ip", "    id: crad\n    fields: {card: string, ip",
		"5:9: there is no field `crad`; did you mean `card`?",
	},
	{
		"id of a wrong type", "    fields: {card: string, ip", "    id: new_device\n    fields: {card: string, ip",
		"5:9: the field `new_device` of `id` is declared as bool; it must be a string",
	},
	{
		"seq of a wrong type", "    fields: {card: string, ip", "    seq: ip\n    fields: {card: string, ip",
		"5:10: the field `ip` of `seq` is declared as string; it must be a number",
	},
	{
		"reserved type name", "  login:", "  alert.x:",
		"4:3: `alert.x` is no event type: names that begin with `alert.` stand for the matches of rules; give the event type another name",
	},
	{
		"type name with a blank", "  login:", "  'log in':",
		"4:3: `log in` is no name of an event type; a name has letters, digits, `_` and `-`",
	},
	{
		"no id", "  - id: r\n    on: pay", "  - on: pay",
		"8:5: the rule has no `id`",
	},
	{
		"id with a capital", "id: r", "id: Rule_1",
		"8:9: `Rule_1` is no id of a rule; an id has lower-case letters, digits and `-`",
	},
	{
		"no on", "    on: pay\n", "",
		"8:5: the rule has no `on`",
	},
	{
		"on is a mapping", "on: pay", "on: {a: b}",
		"9:9: `on` is text or a list, not a mapping",
	},
	{
		"on is an empty list", "on: pay", "on: []",
		"9:9: `on` is an empty list",
	},
	{
		"on twice", "on: pay", "on: [pay, pay]",
		"9:15: the event type `pay` stands twice",
	},
	{
		"on all and one", "on: pay", `on: ["*", pay]`,
		"9:10: `*` stands for all event types and goes with no other; write on: \"*\"",
	},
	{
		"on a rule", "on: pay", "on: alert.x",
		"9:15: there is no rule `x`; name a rule of the ruleset",
	},
	{
		"on a mapping in a list", "on: pay", "on: [pay, {a: b}]",
		"9:15: an entry of `on` is text, not a mapping; quote it if it is an expression or a text: '{a: b}'",
	},
	{
		"no key", "    key: card\n", "",
		"8:5: the rule has no `key`",
	},
	{
		"unknown field as key", "key: card", "key: cart",
		"10:10: there is no field `cart` in `pay`; did you mean `card`?",
	},
	{
		"a time as key", "key: card", "key: at",
		"10:10: the field `at` is a time and cannot be a key; a key is a string, a whole number or a bool",
	},
	{
		"a list as key", "key: card", "key: [card, tags]",
		"10:17: the field `tags` is a list and cannot be a key; a key is a string, a whole number or a bool",
	},
	{
		"a key field twice", "key: card", "key: [card, card]",
		"10:17: the field `card` stands twice in the key",
	},
	{
		"a key that one type has not", "on: pay\n    key: card", "on: [pay, login]\n    key: country",
		"10:10: events of type `login` have no field `country`, so the rule would never see them; take the type out of `on`, or name a field for each variable: {NAME: {VARIABLE: FIELD}}\n14:10: …\n15:10: …",
	},
	{
		"a key that is no path", "key: card", "key: a..b",
		"10:10: `a..b` is no path of a field; a path is a name, or names joined by dots",
	},
	{
		"a key called like a function", "key: card", "key: count",
		"10:10: `count` is a word of the language, and a key is called like its field; give the key another name: {NAME: {VARIABLE: count}}",
	},
	{
		"key by variable, two names", "key: card", "key: {x: {a: card, b: card}, y: {a: card, b: card}}",
		"10:34: a key by variable has one name; write key: {NAME: {VARIABLE: FIELD}}, or a list of fields",
	},
	{
		"key by variable, not all", "key: card", "key: {x: {a: card}}",
		"10:11: the key says no field for `b`; every variable of the pattern has one, negated and until names too",
	},
	{
		"key by variable, unknown name", "key: card", "key: {x: {a: card, b: card, c: card}}",
		"10:33: the pattern has no name `c`; remove it",
	},
	{
		"key by variable, unknown field", "key: card", "key: {x: {a: card, b: crad}}",
		"10:27: there is no field `crad` in `pay`; did you mean `card`?",
	},
	{
		"key by variable, called like a word", "key: card", "key: {event: {a: card, b: card}}",
		"10:11: `event` is a word of the language; give the key another name",
	},
	{
		"key by variable, empty", "key: card", "key: {x: {a: card, b}}",
		"10:24: `b` has no value; quote the text if it holds a comma or bracket, here or in the entry before",
	},
	{
		"key by variable, called like a variable", "key: card", "key: {a: {a: card, b: card}}",
		"12:14: `a` is the name of the key; give the variable another name",
	},
	{
		"key by variable, no name", "key: card", "key: {1x: {a: card, b: card}}",
		"10:11: `1x` is no name for a key; a name is a letter or `_`, then letters, digits and `_`",
	},
	{
		"no pattern", "    pattern: a -> b\n", "",
		"8:5: the rule has no `pattern`; write the events that it looks for, `pattern: a -> b`, or a condition on one event, `when: amount > 900`",
	},
	{
		"a wrong pattern", "pattern: a -> b", "pattern: a -> -> b",
		"12:19: …",
	},
	{
		"a wrong pattern in a block", "pattern: a -> b", "pattern: >-\n      a\n      -> (b",
		"14:10: …",
	},
	{
		"a param that a pattern does not find", "pattern: a -> b", "pattern: a{$mix} -> b",
		"12:16: …",
	},
	{
		"a bound over the window", "pattern: a -> b", "pattern: a -[<2h]-> b",
		"12:16: …",
	},
	{
		"absence without a window", "within: 1h\n    pattern: a -> b", "pattern: a -> !b",
		"11:19: …",
	},
	{
		"no define", "    define:\n      a: amount > 1\n      b: amount > params.max\n", "",
		"8:5: the rule has no `define`",
	},
	{
		"a name not defined", "      b: amount > params.max\n", "",
		"12:19: `b` has no entry in `define`; say what it is: `b: CONDITION`",
	},
	{
		"a name too many", "a: amount > 1", "a: amount > 1\n      bb: amount > 2",
		"15:7: the pattern has no name `bb`; did you mean `b`?",
	},
	{
		"define is a list", "define:\n      a: amount > 1\n      b: amount > params.max", "define: [a, b]",
		"13:13: `define` is a mapping (`name: value`), not a list",
	},
	{
		"a definition that is empty", "a: amount > 1", "a:",
		"14:7: the rule is not on the event type `a`; without a type `a` means the type of that name; write `a: CONDITION`, or `a: {type: T}`",
	},
	{
		"a definition of an unknown key", "a: amount > 1", "a: {wher: amount > 1}",
		"14:7: the rule is not on the event type `a`; without a type `a` means the type of that name; write `a: CONDITION`, or `a: {type: T}`\n14:11: a definition has no key `wher`; did you mean `where`?",
	},
	{
		"a definition of another type", "a: amount > 1", "a: {type: login}",
		"14:17: the rule is not on the event type `login`; add it to `on`",
	},
	{
		"a definition of an unknown type", "on: pay\n    key: card\n    within: 1h\n    pattern: a -> b\n    define:\n      a: amount > 1", "on: \"*\"\n    key: card\n    within: 1h\n    pattern: a -> b\n    define:\n      a: {type: pya}",
		"14:17: there is no event type `pya`; did you mean `pay`?\n15:10: …",
	},
	{
		"an unknown field under all types", "on: pay\n    key: card", "on: \"*\"\n    key: crad",
		"10:10: there is no field `crad` in any event type; did you mean `card`?\n14:10: …\n15:10: …",
	},
	{
		"two rules, each with an error", "within: 1h", "within: 1x\n  - id: r2\n    on: pay\n    key: crad\n    pattern: a\n    define: {a: {type: pay}}\n  - id: r\n    on: pay\n    key: card",
		"8:5: the rule has no `pattern`; write the events that it looks for, `pattern: a -> b`, or a condition on one event, `when: amount > 900`\n11:13: `1x` has an unknown unit; a duration is a whole number and one of ms s m h d w, like 90s\n14:10: there is no field `crad` in `pay`; did you mean `card`?\n17:9: the rule `r` is there already; the first is in r.yaml:8",
	},
	{
		"a param that is none in the rule", "within: 1h", "params: {span: 5}\n    within: $span",
		"12:13: the param `span` is a number, not a duration; a duration is a whole number and one of ms s m h d w, like 90s",
	},
	{
		"a variable called like a key field", "on: pay\n    key: card\n    within: 1h\n    pattern: a ->", "on: x\n    key: a\n    within: 1h\n    pattern: a ->",
		"12:14: `a` is the name of the key; give the variable another name",
	},
	{
		"a measure read before it is there", "within: 1h", "measures: {x: y + 1, y: count(a)}",
		"11:19: …",
	},
	{
		"an expression that is nothing", "a: amount > 1", "a: ''",
		"14:10: the condition of `a` is empty",
	},
	{
		"an entry of a list that is nothing", "on: pay", "on: [pay, '']",
		"9:15: an entry of `on` is empty",
	},
	{
		"a definition of a misspelt type", "a: amount > 1", "a: {type: pya}",
		"14:17: the rule is not on the event type `pya`; did you mean `pay`?",
	},
	{
		"a definition in a list", "a: amount > 1", "a: [amount > 1]",
		"14:10: the condition of `a` is text, not a list; quote it if it is an expression or a text: '[amount > 1]'",
	},
	{
		"a definition without value in a flow mapping", "define:\n      a: amount > 1\n      b: amount > params.max", "define: {a: amount > 1, b}",
		"13:29: `b` has no value; quote the text if it holds a comma or bracket, here or in the entry before",
	},
	{
		"a definition cut at a comma", "define:\n      a: amount > 1\n      b: amount > params.max", "define: {a: max(1, 2) > 1, b: amount > 1}",
		"13:17: between braces a comma ends the text; quote this expression: 'max(1, 2) > 1'",
	},
	{
		"a variable called like a function", "pattern: a -> b\n    define:\n      a:", "pattern: count -> b\n    define:\n      count:",
		"12:14: `count` is a word of the language; give the variable another name",
	},
	{
		"a variable called like a field", "pattern: a -> b\n    define:\n      a:", "pattern: amount -> b\n    define:\n      amount:",
		"12:14: `amount` is a field of the rule's events; give the variable another name",
	},
	{
		"unknown severity", "within: 1h", "severity: hihg",
		"11:15: `hihg` is no value of `severity`; did you mean `high`?",
	},
	{
		"unknown status", "within: 1h", "status: on",
		"11:13: `on` is no value of `status`; it is one of active, shadow, disabled",
	},
	{
		"status enabled", "within: 1h", "status: enabled",
		"11:13: `enabled` is no value of `status`; did you mean `active`?",
	},
	{
		"unknown action", "within: 1h", "action: deny",
		"11:13: `deny` is no value of `action`; it is one of allow, review, challenge, block",
	},
	{
		"unknown emit", "within: 1h", "emit: later",
		"11:11: `later` is no value of `emit`; it is one of at_once, in_order",
	},
	{
		"unknown timeout", "within: 1h", "timeout: yes",
		"11:14: `yes` is no value of `timeout`; it is one of true, false",
	},
	{
		"unknown skip", "within: 1h", "skip: past_lst",
		"11:11: `past_lst` is no value of `skip`; did you mean `past_last`?",
	},
	{
		"skip to an unknown variable", "within: 1h", "skip: to_first(c)",
		"11:20: the pattern captures no `c`; name a variable of the pattern that captures events",
	},
	{
		"limit that says nothing", "within: 1h", "limit: {}",
		"11:5: `limit` says nothing; write limit: {open: N}, the most matches that are open per key",
	},
	{
		"limit of nothing", "within: 1h", "limit: {open: 0}",
		"11:19: `0` is no number of open matches; it is a whole number from 1 to 1000000",
	},
	{
		"limit too high", "within: 1h", "limit: {open: 99999999999999999999}",
		"11:19: `99999999999999999999` is no number of open matches; it is a whole number from 1 to 1000000",
	},
	{
		"within without a unit", "within: 1h", "within: 90",
		"11:13: `90` has no unit; a duration is a whole number and one of ms s m h d w, like 90s",
	},
	{
		"within of a param that there is not", "within: 1h", "within: $spam",
		"11:13: there is no param `spam`; did you mean `span`?",
	},
	{
		"within of a param that is a number", "within: 1h", "within: $max",
		"11:13: the param `max` is a number, not a duration; a duration is a whole number and one of ms s m h d w, like 90s",
	},
	{
		"gap none", "within: 1h", "gap: none",
		"11:10: `none` is not a duration; a duration is a whole number and one of ms s m h d w, like 90s",
	},
	{
		"throttle in words", "within: 1h", "throttle: an hour",
		"11:15: `an hour` is not a duration; a duration is a whole number and one of ms s m h d w, like 90s",
	},
	{
		"gap over the window", "within: 1h", "within: 1h\n    gap: 2h",
		"12:10: `gap` is longer than `within`; make it shorter: no bound may exceed the window of the rule, 1h",
	},
	{
		"a measure called like a variable", "within: 1h", "measures: {a: count(b)}",
		"11:16: `a` is a variable of the pattern; give the measure another name",
	},
	{
		"a measure called like the key", "within: 1h", "measures: {card: count(b)}",
		"11:16: `card` is the name of the key; give the measure another name",
	},
	{
		"a measure called like a function", "within: 1h", "measures: {sum: count(b)}",
		"11:16: `sum` is a word of the language; give the measure another name",
	},
	{
		"a measure without a name", "within: 1h", "measures: {a-b: count(b)}",
		"11:16: `a-b` is no name for a measure; a name is a letter or `_`, then letters, digits and `_`",
	},
	{
		"a measure without a value", "within: 1h", "measures: {x}",
		"11:16: `x` has no value; quote the text if it holds a comma or bracket, here or in the entry before",
	},
	{
		"tags as a mapping", "within: 1h", "tags: {a: b}",
		"11:11: `tags` is text or a list, not a mapping",
	},
	{
		"title as a list", "within: 1h", "title: [a]",
		"11:12: `title` is text, not a list; quote it if it is an expression or a text: '[a]'",
	},
	{
		"a message as a mapping", "within: 1h", "message: {total}",
		"11:14: `message` is text, not a mapping; quote it if it is an expression or a text: '{total}'",
	},
	{
		"E plain", "a: amount > 1", "a: amount > > 1",
		"14:19: …",
	},
	{
		"E quoted", "a: amount > 1", `a: 'country == "it''s" && amount > > 1'`,
		"14:42: …",
	},
	{
		"E double", "a: amount > 1", `a: "country == \"x\" && amount > > 1"`,
		"14:40: …",
	},
	{
		"E folded", "a: amount > 1", "a: >-\n        country == \"x\"\n        && amount > > 1",
		"16:21: …",
	},
	{
		"E literal", "a: amount > 1", "a: |\n        country == \"x\" &&\n          amont > 1",
		"16:11: …",
	},
	{
		"E multi-line", "a: amount > 1", "a: country == \"x\"\n        && amont > 1",
		"15:12: …",
	},
	{
		"E in where", "within: 1h", "where: amont != nil",
		"11:12: …",
	},
	{
		"E unless", "within: 1h", "unless: amont != nil",
		"11:13: …",
	},
	{
		"E having", "within: 1h", "having: count(c) > 1",
		"11:19: …",
	},
	{
		"E measure", "within: 1h", "measures: {x: sum(a.amont)}",
		"11:25: `a` has no field `amont`; did you mean `amount`?",
	},
	{
		"E score", "within: 1h", "score: 10 * y",
		"11:17: …",
	},
	{
		"E message", "within: 1h", `message: "{count(a)} of {y}"`,
		"11:30: …",
	},
	{
		"E two types", "on: pay", "on: [pay, login]",
		"14:10: …\n15:10: …",
	},
	{
		"E where of a mapping", "a: amount > 1", "a: {where: amont > 1}",
		"14:7: the rule is not on the event type `a`; without a type `a` means the type of that name; write `a: CONDITION`, or `a: {type: T}`",
	},
	{
		"E where of the rule reads a variable", "key: card", "key: card\n    where: amount > a.amount",
		"11:21: `a` is a variable, and there is no match here yet; ask it in `define`, of the variables that come later",
	},
	{
		"E where of the rule reads a variable, no schema", "on: pay\n    key: card", "on: other\n    key: card\n    where: a.amount > 1",
		"11:12: `a` is a variable, and there is no match here yet; ask it in `define`, of the variables that come later",
	},
	{
		"E null", "a: amount > 1", "a: country == null",
		"14:21: there is no `null`: write nil; what is missing is nil; a field of that name is event.null",
	},
	{
		"E null, no schema", "on: pay\n    key: card\n    within: 1h\n    pattern: a -> b\n    define:\n      a: amount > 1", "on: other\n    key: card\n    pattern: a -> b\n    define:\n      a: null",
		"13:10: there is no `null`: write nil; what is missing is nil; a field of that name is event.null",
	},
	{
		"a message that a comment cuts", "within: 1h", "message: card #{card} was hit",
		"11:14: the message ends before ` #`; ` #` begins a comment; if it is part of the text, quote that: 'card #{card} was hit'",
	},
	{
		"a comment within a flow mapping", "define:\n      a: amount > 1\n      b: amount > params.max", "define: {a: amount > 1, b: country == \"a # b\"}",
		"13:13: this is no YAML: expected ',' or '}'; ` #` begins a comment, also within brackets: quote the text that it is part of, or close the bracket before it",
	},
	{
		"braces within a flow mapping", "define:\n      a: amount > 1\n      b: amount > params.max", "define: {b: amount > 1, a: any(tags, {# > 1})}",
		"13:32: this is no YAML: found a comment without preceding whitespace; quote this expression: 'any(tags, {# > 1})'",
	},
	{
		"wrong key and condition", "key: card\n    within: 1h\n    pattern: a -> b\n    define:\n      a: amount > 1", "key: crad\n    within: 1h\n    pattern: a -> b\n    message: \"{card}\"\n    define:\n      a: amuont > 1",
		"10:10: there is no field `crad` in `pay`; did you mean `card`?\n15:10: unknown name `amuont`; did you mean `amount`?",
	},
	{
		"wrong key by variable and condition", "key: card\n    within: 1h\n    pattern: a -> b\n    define:\n      a: amount > 1", "key: {owner: {a: card, b: crad}}\n    within: 1h\n    pattern: a -> b\n    define:\n      a: owner > amuont",
		"10:31: there is no field `crad` in `pay`; did you mean `card`?\n14:18: unknown name `amuont`; did you mean `amount`?",
	},
	{
		"key by variable without a good name and condition", "key: card\n    within: 1h\n    pattern: a -> b\n    define:\n      a: amount > 1", "key: {in: {a: card, b: card}}\n    within: 1h\n    pattern: a -> b\n    define:\n      a: owner > amuont",
		"10:11: `in` is a word of the language; give the key another name",
	},
	{
		"a colon in a later line", "a: amount > 1", "a: amount > 1 &&\n        (country == \"x\" ? true : false)",
		"14:10: this is no YAML: a `: ` cannot stand here; quote this expression: 'amount > 1 && (country == \"x\" ? true : false)'",
	},
	{
		"a tab in a block", "a: amount > 1", "a: |\n        amount > 1\n      \t",
		"16:7: this is no YAML: a tab cannot indent a line; indent with spaces",
	},
	{
		"an empty key", "key: card", "key: {}",
		"10:10: `key` is empty; name a field, or write {NAME: {VARIABLE: FIELD}}",
	},
	{
		"a key without text", "key: card", "key: \"\"",
		"10:10: `key` is empty",
	},
	{
		"an empty block for a key", "key: card", "key: |",
		"10:10: `key` is an empty block; indent its text below the key",
	},
	{
		"E message brace", "within: 1h", `message: "{count(a)"`,
		"11:15: …",
	},
	{
		"E field of another type", "on: pay\n    key: card\n    within: 1h\n    pattern: a -> b\n    define:\n      a: amount > 1", "on: [pay, login]\n    key: card\n    pattern: a -> b\n    define:\n      a: {type: login, where: country == \"x\"}",
		"13:31: …\n14:10: …",
	},
}

func TestFaults(t *testing.T) {
	for _, tt := range faults {
		t.Run(tt.name, func(t *testing.T) {
			if !strings.Contains(soundRules, tt.old) {
				t.Fatalf("%q does not stand in the rules", tt.old)
			}
			text := strings.Replace(soundRules, tt.old, tt.new, 1)
			set, err := Compile([]source.File{{Path: "r.yaml", Text: text}})
			if set != nil {
				t.Error("there is a ruleset beside the errors")
			}
			findings, _ := err.(source.Errors)
			var got []string
			for i, d := range findings {
				line := strings.TrimPrefix(d.String(), "r.yaml:")
				wants := strings.Split(tt.want, "\n")
				if i < len(wants) {
					line = elided(line, d, wants[i])
				}
				got = append(got, line)
				if d.EndLine < d.Line || d.EndLine == d.Line && d.EndColumn < d.Column {
					t.Errorf("%s ends before it begins", d)
				}
			}
			if got := strings.Join(got, "\n"); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// elided leaves out what want leaves out.
func elided(line string, d source.Diagnostic, want string) string {
	if d.Code != source.CodeExpression && d.Code != source.CodePattern {
		return line
	}
	from, to, found := strings.Cut(want, "…")
	if found && len(line) > len(from)+len(to) && strings.HasPrefix(line, from) && strings.HasSuffix(line, to) {
		return want
	}
	return line
}

func TestSoundRules(t *testing.T) {
	if _, err := Compile([]source.File{{Path: "r.yaml", Text: soundRules}}); err != nil {
		t.Error(err)
	}
}
