package rules

import (
	"fmt"
	"slices"
	"testing"

	"weir/cep"
	"weir/rules/source"
)

const personalRules = `
events:
  pay:
    fields: {card: {type: string, pii: true}, amount: number, device: map, device.ip: {type: string, pii: true}, ts: time, city: {pii: false, type: string}}
    derive: {masked_card: 'card + "x"', again: masked_card, twofold: amount * 2}
features:
  ips: {on: pay, key: city, value: distinct(device.ip), over: 1h}
  sums: {on: pay, key: card, value: sum(amount), over: 1h}
  first_cards: {on: pay, key: city, value: count(), over: 1h, where: card != "x"}
rules:
  - {id: by-card, on: pay, key: [card, city], when: amount > 1, measures: {a: event.amount, who: event.card, k: card, twice: event.twofold, chain: event.again}, message: "{event.amount} of {city}"}
  - {id: by-city, on: pay, key: city, when: amount > 1 and card != "x", measures: {n: ips, s: sums, f: first_cards, mine: n + 1}, message: "{mine}"}
  - {id: on-matches, on: alert.by-card, key: city, when: score > 1, measures: {w: event.who, a: event.a}, message: "in {city}: {event.card}"}
  - {id: whole, on: pay, key: city, when: amount > 1, measures: {os: event.device.os, it: event.device}, message: "at {city}"}
`

// TestPersonal: what is made of personal fields is personal, by however many ways.
func TestPersonal(t *testing.T) {
	set, err := Compile([]source.File{{Path: "r.yaml", Text: personalRules}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"by-card":    "key [true false] a=false who=true k=true twice=false chain=true message false",
		"by-city":    "key [false] n=true s=false f=true mine=true message true",
		"on-matches": "key [false] w=true a=false message true",
		"whole":      "key [false] os=false it=true message false",
	}
	for _, r := range set.Rules {
		got := fmt.Sprintf("key %v", r.Personal.Key)
		for i := range r.Measures {
			got += fmt.Sprintf(" %s=%v", r.Measures[i].Name, r.Personal.Measures[i])
		}
		if got += fmt.Sprintf(" message %v", r.Personal.Message); got != want[r.ID] {
			t.Errorf("%s: got  %s\nwant %s", r.ID, got, want[r.ID])
		}
	}
	pay := slices.IndexFunc(set.Types, func(t cep.Type) bool { return t.Name == "pay" })
	if got := fmt.Sprint(set.Types[pay].Schema.Personal); got != "[again card device.ip masked_card]" {
		t.Errorf("fields: %s", got)
	}
}

// TestNotPersonal: without a mark nothing is, and marks change no rule.
func TestNotPersonal(t *testing.T) {
	digests := func(text string) map[string]string {
		set, err := Compile([]source.File{{Path: "r.yaml", Text: text}})
		if err != nil {
			t.Fatal(err)
		}
		all := map[string]string{}
		for _, r := range set.Rules {
			all[r.ID] = r.Digest
			if text == soundRules && (r.Personal.Message || len(r.Personal.Key) > 0) {
				t.Errorf("%s: %+v", r.ID, r.Personal)
			}
		}
		return all
	}
	digests(soundRules)
	marked := `
events: {pay: {fields: {card: %s, amount: number, ts: time}}}
rules: [{id: r, on: pay, key: card, when: amount > 1}]
`
	if a, b := digests(fmt.Sprintf(marked, "string")), digests(fmt.Sprintf(marked, "{type: string, pii: true}")); a["r"] == "" || a["r"] != b["r"] {
		t.Errorf("the mark makes another rule: %v, %v", a, b)
	}
}
