package rules

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"weir/cep"
	"weir/cep/outcome"
	"weir/rules/source"
)

const decisionRules = `
events:
  pay: {fields: {card: string, shop: string, to: string, from: string, amount: number, ts: time}}
params: {life: 12h, high: 80}
risk:
  shops: {key: [card, shop], half_life: 7d}
  cards: {key: card, half_life: $life}
  accounts: {key: account, half_life: 1h}
policy: {combine: noisy_or, review: 40, block: $high}
rules:
  - id: a-where
    on: pay
    where: cards < 90
    key: card
    within: 1h
    pattern: p
    define: {p: amount > 1}
    score: cards
  - {id: b-pair, status: shadow, on: pay, key: [card, shop], within: 1h, pattern: p, define: {p: shops > 1 && amount > 1}}
  - {id: c-named, lang: cel, on: pay, key: {account: {p: to, q: from}}, within: 1h, pattern: p -> q, define: {p: accounts >= 0.0, q: amount > 1.0}, message: "{accounts}"}
  - {id: d-off, status: disabled, on: pay, key: card, within: 1h, pattern: p, define: {p: cards > 1}}
  - {id: e-none, on: pay, key: shop, within: 1h, pattern: p, define: {p: amount > 1}}
`

// TestDecisions: what the engine is told of risks and of the policy, and which rules read
// a risk and add to it.
func TestDecisions(t *testing.T) {
	checked := Check([]source.File{{Path: "r.yaml", Text: decisionRules}})
	if err := source.ErrorsIn(checked.Findings); err != nil {
		t.Fatal(err)
	}
	set := checked.Ruleset
	want := []cep.NamedRisk{
		{Name: "accounts", Key: []string{"account"}, Risk: outcome.Risk{HalfLife: time.Hour}},
		{Name: "cards", Key: []string{"card"}, Risk: outcome.Risk{HalfLife: 12 * time.Hour}},
		{Name: "shops", Key: []string{"card", "shop"}, Risk: outcome.Risk{HalfLife: 7 * 24 * time.Hour}},
	}
	if fmt.Sprint(set.Risks) != fmt.Sprint(want) {
		t.Errorf("risks %v, want %v", set.Risks, want)
	}
	if want := (outcome.Policy{Combine: outcome.NoisyOr, Review: 40, Block: 80}); set.Policy != want {
		t.Errorf("policy %v, want %v", set.Policy, want)
	}
	var got []string
	for _, r := range checked.Rules {
		names := func(risks []*Risk) string {
			var list []string
			for _, risk := range risks {
				list = append(list, risk.Name)
			}
			return strings.Join(list, " ")
		}
		got = append(got, fmt.Sprintf("%s registers %v, reads [%s], adds to [%s]", r.ID, r.Rule.Risks, names(r.Risks), names(r.Adds)))
		if r.Policy == nil || *r.Policy != set.Policy {
			t.Errorf("%s has the policy %v", r.ID, r.Policy)
		}
	}
	const lines = `a-where registers [1], reads [cards], adds to [cards]
b-pair registers [2], reads [shops], adds to []
c-named registers [0], reads [accounts], adds to [accounts]
d-off registers [1], reads [cards], adds to [cards]
e-none registers [], reads [], adds to []`
	if got := strings.Join(got, "\n"); got != lines {
		t.Errorf("got\n%s\nwant\n%s", got, lines)
	}
	cond := set.Rules[0].Where
	if cond.Event == nil || cond.Captured != nil || !cond.Event(&cep.Scope{Risks: level(3)}) || cond.Event(&cep.Scope{Risks: level(95)}) {
		t.Error("`where` does not read the risk")
	}
	if v := set.Rules[0].Score(&cep.Scope{Risks: level(30)}); v.Number() != 30 {
		t.Errorf("the score is %v", v)
	}
	if text := set.Rules[2].Message(&cep.Scope{Risks: level(0)}); text != "0" {
		t.Errorf("the message is %q", text)
	}
}

// level is the value of every risk.
type level float64

func (l level) Risk(cep.RiskID) float64 { return float64(l) }

// TestNoPolicy: without one scores come together as their greatest, and nothing follows.
func TestNoPolicy(t *testing.T) {
	set, err := Compile([]source.File{{Path: "r.yaml", Text: soundRules}})
	if err != nil || set.Policy != (outcome.Policy{}) || set.Risks != nil {
		t.Errorf("policy %v, risks %v, %v", set.Policy, set.Risks, err)
	}
}

// TestRiskOfDynamicField: without a schema a risk wins over a field of its name, which
// `event` reads.
func TestRiskOfDynamicField(t *testing.T) {
	set, err := Compile([]source.File{{Path: "r.yaml", Text: `
risk: {heat: {key: k, half_life: 1h}}
rules:
  - {id: r, on: tick, key: k, within: 1h, pattern: a -> b, define: {a: heat > 1, b: event.heat > 1}}
`}})
	if err != nil {
		t.Fatal(err)
	}
	r := set.Rules[0]
	e := cep.NewEvent("tick", 0, 0, make([]cep.Value, len(set.Fields)))
	for i, want := range []bool{true, false} {
		if got := r.Conds[i].Event(&cep.Scope{Event: e, Risks: level(2)}); got != want {
			t.Errorf("condition %d is %t", i, got)
		}
	}
}

// TestDecisionsAcrossFiles: a ruleset has one policy and one risk of a name, in whichever
// file.
func TestDecisionsAcrossFiles(t *testing.T) {
	_, err := Compile([]source.File{
		{Path: "a.yaml", Text: "policy: {block: 80}\nrisk: {x: {key: k, half_life: 1h}}\n"},
		{Path: "b.yaml", Text: "risk: {x: {key: j, half_life: 1h}, y: {key: k, half_life: 1h}}\npolicy: {block: 80}\n"},
		{Path: "c.yaml", Text: "policy: {review: 200}\nrules:\n  - {id: r, on: a, key: k, within: 1h, pattern: v, define: {v: x > 1 && z > 1}}\n"},
	})
	want := "b.yaml:1:8: the risk `x` is there already; the first is in a.yaml:2\n" +
		"b.yaml:2:1: there is a policy already; the first is in a.yaml:1; a ruleset has one\n" +
		"c.yaml:1:1: there is a policy already; the first is in a.yaml:1; a ruleset has one"
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

// TestRiskDoubt: what only follows from a risk that could not be read is not said.
func TestRiskDoubt(t *testing.T) {
	const rule = "events: {tick: {fields: {k: string, n: number, ts: time}}}\nrules:\n  - {id: r, on: tick, key: k, within: 1h, pattern: v, define: {v: heat > 1 && n > 1}}\n"
	for risk, want := range map[string]string{
		"risks: {heat: {key: k, half_life: 1h}}":     "r.yaml:1:1: a ruleset has no key `risks`; did you mean `risk`?",
		"risk: {heat: {key: k}}":                     "r.yaml:1:8: the risk `heat` has no `half_life`; say in which time a score fades to half of it, like 24h",
		"risk: {heat: {half_life: 1h}}":              "r.yaml:1:8: the risk `heat` has no `key`; name the key of the rules whose scores add up: the name of a field, or a list of names",
		"risk: {heat: {key: k, half_life: $hours}}":  "r.yaml:1:34: there is no param `hours`; declare it under `params`",
		"risk: {heat: {keys: k, half_life: 1h}}":     "r.yaml:1:15: a risk has no key `keys`; did you mean `key`?",
		"risk: {heat: {key: [k, k], half_life: 1h}}": "r.yaml:1:24: the name `k` stands twice in the key",
		"risk: !x {heat: {key: k, half_life: 1h}}":   "r.yaml:1:7: `!` begins a tag, which YAML takes out of the text; remove it",
	} {
		_, err := Compile([]source.File{{Path: "r.yaml", Text: risk + "\n" + rule}})
		if err == nil || err.Error() != want {
			t.Errorf("%s: got\n%v\nwant\n%s", risk, err, want)
		}
	}
}

// TestRiskKeyDoubt: where the key of a rule has a finding, its risks are not said to be of
// another.
func TestRiskKeyDoubt(t *testing.T) {
	text := strings.Replace(decisionRules, "key: card\n", "key: crad\n", 1)
	_, err := Compile([]source.File{{Path: "r.yaml", Text: text}})
	const want = "r.yaml:14:10: there is no field `crad` in `pay`; did you mean `card`?"
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

// TestNamesOfMatches: what is called like a field of every match cannot be told from it
// in a rule that reads matches.
func TestNamesOfMatches(t *testing.T) {
	const text = `
features: {severity: {on: pay, key: card, value: count(), over: 1h}}
risk: {score: {key: card, half_life: 1h}}
rules:
  - {id: a, on: pay, key: card, within: 1h, pattern: p, define: {p: severity > 1}}
  - {id: b, on: READS, key: card, within: 1h, pattern: p, define: {p: score > 1}}
`
	if _, err := Compile([]source.File{{Path: "r.yaml", Text: strings.Replace(text, "READS", "pay", 1)}}); err != nil {
		t.Error(err)
	}
	_, err := Compile([]source.File{{Path: "r.yaml", Text: strings.Replace(text, "READS", "alert.a", 1)}})
	const want = "r.yaml:6:17: each match has a `score`, and there is a risk of this name; give the risk another name\n" +
		"r.yaml:6:17: each match has a `severity`, and there is a feature of this name; give the feature another name"
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}
