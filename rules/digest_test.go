package rules

import (
	"strings"
	"testing"

	"weir/rules/source"
)

const digestText = `
params: {most: 100, unused: 1}
events:
  pay:
    id: n
    fields: {n: string, card: string, shop: string, amount: number, other: string, ts: time}
    derive: {big: amount > 50, odd: other == "x"}
  login:
    fields: {card: string, ts: time}
lists:
  bad: {type: string}
risk: {danger: {key: card, half_life: 1h}}
features:
  spent: {on: pay, key: card, value: sum(amount), over: 1h}
  visits: {on: pay, key: shop, value: count(), over: 1h}
defaults: {within: 1h}
rules:
  - {id: a, on: pay, key: card, when: amount > params.most && big && spent > 10, score: 10}
  - {id: b, on: alert.a, key: card, when: score > 5}
  - {id: c, on: [pay, login], key: card, pattern: x -> y, define: {x: {type: pay, where: 'in_list("bad", shop)'}, y: {type: login}}, having: danger >= 0}
  - {id: d, on: login, key: card, when: true, throttle: 1m}
`

// digestsOf gives the digests of a ruleset, by name.
func digestsOf(t *testing.T, text string) map[string]string {
	t.Helper()
	set, err := Compile([]source.File{{Path: "r.yaml", Text: text}})
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]string{}
	for _, r := range set.Rules {
		sums[r.ID] = r.Digest
	}
	for _, f := range set.Features {
		sums[f.Name] = f.Digest
	}
	return sums
}

// TestDigest: the digest of a rule changes with what it means, through all that it reads, and
// with nothing else.
func TestDigest(t *testing.T) {
	was := digestsOf(t, digestText)
	for _, tt := range []struct{ what, from, to, changes string }{
		{"a comment", "  - {id: a,", "  # why\n  - {id: a,", ""},
		{"other spaces", "{id: a, on: pay,", "{id: a,   on:   pay,", ""},
		{"the style of a text", "key: shop,", `key: "shop",`, ""},
		{"the order of keys", "{id: d, on: login, key: card,", "{on: login, key: card, id: d,", ""},
		{"a title", "{id: d,", "{id: d, title: nice, tags: [x], description: more,", ""},
		{"a severity", "{id: a,", "{id: a, severity: high,", "a b"},
		{"a score", "score: 10", "score: 11", "a b"},
		{"a condition", "amount > params.most", "amount >= params.most", "a b"},
		{"shadow", "{id: d,", "{id: d, status: shadow,", "d"},
		{"status as it is anyway", "{id: d,", "{id: d, status: active,", ""},
		{"a param", "most: 100", "most: 101", "a b"},
		{"a param that nothing reads", "unused: 1", "unused: 2", ""},
		{"a param of the rule", "{id: d,", "{id: d, params: {other: 1},", ""},
		{"a default", "within: 1h", "within: 2h", "c"},
		{"a feature", "sum(amount), over: 1h", "sum(amount), over: 2h", "a b spent"},
		{"a derived field", "amount > 50", "amount > 51", "a b"},
		{"a derived field that nothing reads", `other == "x"`, `other == "y"`, ""},
		{"a field that is read", "amount: number", "amount: number, more: string", ""},
		{"that a field is declared", "card: string, ts: time}\nlists", "card: string, more: list, ts: time}\nlists", ""},
		{"the kind of a field", "card: string, ts: time}\nlists", "card: bool, ts: time}\nlists", "c d"},
		{"the id of a type", "id: n", "id: other", "a b c spent visits"},
		{"the declaration of a list", "bad: {type: string}", "bad: {type: string, value: string}", "c"},
		{"a description of a list", "bad: {type: string}", "bad: {type: string, description: x}", ""},
		{"a risk", "half_life: 1h", "half_life: 2h", "c"},
		{"who adds to a risk", "  - {id: d,", "  - {id: e, on: pay, key: card, when: amount > 7}\n  - {id: d,", ""},
		{"a policy", "defaults:", "policy: {combine: max}\ndefaults:", ""},
	} {
		text := strings.Replace(digestText, tt.from, tt.to, 1)
		if text == digestText {
			t.Fatalf("%s: nothing is replaced", tt.what)
		}
		now := digestsOf(t, text)
		var changed []string
		for _, name := range []string{"a", "b", "c", "d", "spent", "visits"} {
			if now[name] == "" || len(now[name]) != 64 {
				t.Errorf("%s: the digest of %s is %q", tt.what, name, now[name])
			}
			if now[name] != was[name] {
				changed = append(changed, name)
			}
		}
		if got := strings.Join(changed, " "); got != tt.changes {
			t.Errorf("%s changes %q, want %q", tt.what, got, tt.changes)
		}
	}
}

// TestDigestsDiffer: no two rules of a ruleset mean the same by chance.
func TestDigestsDiffer(t *testing.T) {
	seen := map[string]string{}
	for name, sum := range digestsOf(t, digestText) {
		if other := seen[sum]; other != "" {
			t.Errorf("%s and %s have one digest", name, other)
		}
		seen[sum] = name
	}
}

// A name that stands in its own text, or two in each other's, are no endless way.
func TestDigestsEnd(t *testing.T) {
	const text = `
events:
  pay:
    time: ts
    fields: {ts: time, card: string, amount: number}
    derive: {twice: amount * 2, named: 'card + "named twice"'}
features:
  often: {on: pay, key: card, value: count(), over: 1h, where: '"total" != card'}
  total: {on: pay, key: card, value: sum(twice), over: 1h, where: '"often" != named'}
rules:
  - {id: a, on: pay, key: card, when: often > 2 and total > 3}
`
	set := Check([]source.File{{Path: "r.yaml", Text: text}})
	if err := source.ErrorsIn(set.Findings); err != nil {
		t.Fatal(err)
	}
	for _, f := range set.Ruleset.Features {
		if f.Digest == "" {
			t.Errorf("%s has no digest", f.Name)
		}
	}
	if set.Ruleset.Rules[0].Digest == "" {
		t.Error("the rule has no digest")
	}
}
