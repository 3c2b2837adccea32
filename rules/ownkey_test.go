package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"weir/cep"
	"weir/rules/source"
)

// ownFeatures are kept by a field, by two, and by another field for each type.
const ownFeatures = `
events:
  pay: {fields: {card: string, from: string, to: string, ts: time}}
  refund: {fields: {card: string, orig: string, to: string, ts: time}}
features:
  by_card: {on: [pay, refund], key: card, value: count(), over: 1h}
  by_both: {on: pay, key: [card, to], value: count(), over: 1h}
  by_type: {on: [pay, refund], key: {account: {pay: from, refund: orig}}, value: count(), tumbling: 1h}
`

// TestOwnReads: a read is the rule's own where its key is that of the feature, whatever
// the event. ownReads gives them in the order of the rule's expressions.
func TestOwnReads(t *testing.T) {
	for _, c := range []struct{ of, rule, want string }{
		{"the same field", `on: pay, key: card, when: by_card > 1`, "by_card own"},
		{"another field", `on: pay, key: to, when: by_card > 1`, "by_card other"},
		{"a part of the key", `on: pay, key: card, when: by_both > 1`, "by_both other"},
		{"both parts", `on: pay, key: [card, to], when: by_both > 1 && by_card > 1`, "by_both own, by_card other"},
		{"both parts in another order", `on: pay, key: [to, card], when: by_both > 1`, "by_both other"},
		{"a key that is said", `on: pay, key: card, when: by_card(card) > 1 && by_card > 1`, "by_card() other, by_card own"},
		{"by variable, of the same name and fields", `on: [pay, refund], key: {account: {a: from, b: orig}}, within: 1h, pattern: a -> b, define: {a: {type: pay, where: by_type > 1}, b: {type: refund, where: by_type > 2}}`, "by_type own"},
		{"by variable, from another field in one", `on: [pay, refund], key: {account: {a: from, b: to}}, within: 1h, pattern: a -> b, define: {a: {type: pay, where: by_type > 1}, b: {type: refund, where: by_type > 2}}`, "by_type own, by_type other"},
		{"by variable, in having", `on: [pay, refund], key: {account: {a: from, b: orig}}, within: 1h, pattern: a -> b, define: {a: {type: pay}, b: {type: refund}}, having: by_type > 1`, "by_type own"},
		{"by variable, in having after the wrong field", `on: [pay, refund], key: {account: {a: from, b: to}}, within: 1h, pattern: a -> b, define: {a: {type: pay}, b: {type: refund}}, having: by_type > 1`, "by_type other"},
		{"by variable, before it is known as which", `on: [pay, refund], where: by_type > 1, key: {account: {a: from, b: orig}}, within: 1h, pattern: a -> b, define: {a: {type: pay}, b: {type: refund}}`, "by_type other"},
		{"a key by type, where the rule sees one", `on: pay, key: {account: {event: from}}, when: by_type > 1`, "by_type own"},
		{"by variable, called otherwise", `on: pay, key: {account: {a: card}}, within: 1h, pattern: a, define: {a: by_card > 1}`, "by_card other"},
		{"a window that ended", `window_close: by_type, having: by_type > 1`, "by_type own"},
	} {
		rule := "rules:\n  - {id: r, " + c.rule + "}\n"
		set, err := Compile([]source.File{{Path: "r.yaml", Text: ownFeatures + rule}})
		if err != nil {
			t.Fatalf("%s: %v", c.of, err)
		}
		if got := ownReads(set, set.Rules[0]); got != c.want {
			t.Errorf("%s: %s, want %s", c.of, got, c.want)
		}
		notes := 0
		for _, n := range Check([]source.File{{Path: "r.yaml", Text: ownFeatures + rule}}).Notes {
			if n.Code == source.CodeOtherKey {
				notes++
			}
		}
		if noted := min(strings.Count(c.want, "other"), 1); notes != noted {
			t.Errorf("%s: %d notes, want %d", c.of, notes, noted)
		}
	}
}

// ownReads says of each read of a rule whether it is its own.
func ownReads(set *cep.Ruleset, r *cep.Rule) string {
	var all []string
	for _, id := range r.Reads {
		read := &set.Reads[id]
		text := set.Features[read.Feature].Name
		if read.Args != nil {
			text += "()"
		}
		all = append(all, text+map[bool]string{true: " own", false: " other"}[read.Own])
	}
	return strings.Join(all, ", ")
}

// TestReadsAreShared: rules share a read of a feature, but not those whose own it is with
// others.
func TestReadsAreShared(t *testing.T) {
	set, err := Compile([]source.File{{Path: "r.yaml", Text: ownFeatures + `
rules:
  - {id: a, on: pay, key: card, when: by_card > 1}
  - {id: b, on: pay, key: to, when: by_card > 1}
  - {id: c, on: pay, key: card, when: by_card > 1, measures: {n: by_card}}
  - {id: d, on: pay, key: [card, to], when: by_card > 1}
`}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range set.Rules {
		got = append(got, fmt.Sprint(r.ID, r.Reads))
	}
	if want := []string{"a[0]", "b[1]", "c[0]", "d[1]"}; !slices.Equal(got, want) || len(set.Reads) != 2 || !set.Reads[0].Own || set.Reads[1].Own {
		t.Errorf("reads %v of %d, want %v", got, len(set.Reads), want)
	}
}
