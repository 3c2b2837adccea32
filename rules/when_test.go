package rules

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"weir/cep"
	"weir/rules/source"
)

// single is a ruleset with one rule, given from its `key` on.
const single = `
events:
  payment: {id: id, fields: {id: string, card: string, shop: string, amount: number, status: string, ts: time}}
  refund: {fields: {card: string, store: string, amount: number, ts: time}}
params: {quiet: 2h}
features:
  by_shop: {on: [payment, refund], key: {shop: {payment: shop, refund: store}}, value: sum(amount), session: 30m}
  day: {on: payment, key: [card, shop], value: count(), tumbling: 1d}
  in_1h: {on: payment, key: card, value: count(), over: 1h}
  total: {on: payment, key: card, value: sum(amount), tumbling: 1h, offset: 5m}
defaults: {within: 7d, throttle: 1h}
rules:
  - id: r
`

// singly compiles single with a rule whose lines are given.
func singly(t *testing.T, lines ...string) *Checked {
	t.Helper()
	checked := Check([]source.File{{Path: "r.yaml", Text: single + "    " + strings.Join(lines, "\n    ") + "\n"}})
	if err := source.ErrorsIn(checked.Findings); err != nil {
		t.Fatalf("%s: %v", lines, err)
	}
	for _, d := range checked.Findings {
		if d.Code != source.CodeUnusedName && d.Code != source.CodeUnusedParam {
			t.Errorf("%s: found %v", lines, d)
		}
	}
	return checked
}

// payments are steps of an engine: a payment a minute on one card.
func payments(amounts ...int) []byte {
	var b []byte
	for i, amount := range amounts {
		b = fmt.Appendf(b, "{\"type\":\"payment\",\"id\":\"p%d\",\"card\":\"c\",\"shop\":\"s%d\",\"amount\":%d,\"ts\":\"2026-01-02T10:%02d:00Z\"}\n", i+1, i%2, amount, i)
	}
	return b
}

// alerts runs events to the end and gives what came out: the event, the score and the
// message.
func alerts(set *cep.Ruleset, events []byte) []string {
	var fx cep.Effects
	cep.NewEngine(set, cep.Options{}).Step([]cep.Record{{Kind: cep.EventsRecord, Data: events}, {Kind: cep.EndRecord}}, &fx)
	var list []string
	for i := range fx.Alerts {
		a := &fx.Alerts[i]
		list = append(list, fmt.Sprint(a.Events[0].Name, " ", a.Score, " ", a.Message))
	}
	return list
}

// A rule with `when` is one with a pattern of one event: the same alerts come of both,
// whatever language it is in and however its key is read.
func TestWhenIsAPattern(t *testing.T) {
	events := payments(5, 900, 20, 1000, 20, 950, 960)
	for _, tt := range []struct{ when, pattern []string }{
		{
			[]string{"on: payment", "key: card", "when: in_1h > 2 && amount > 500 && event.amount < 990", "throttle: none"},
			[]string{"on: payment", "key: card", "pattern: e", "define: {e: in_1h > 2 && amount > 500 && event.amount < 990}", "throttle: none"},
		}, {
			[]string{"on: payment", "key: card", "lang: cel", `when: amount > 500 && shop.endsWith("1")`, "having: event.amount < 1000", "throttle: none"},
			[]string{"on: payment", "key: card", "lang: cel", "pattern: e", `define: {e: 'amount > 500 && shop.endsWith("1")'}`, "having: e.amount < 1000", "throttle: none"},
		}, {
			[]string{`on: "*"`, "key: {who: {event: card}}", "where: amount > 500", "when: true", "throttle: 90s"},
			[]string{`on: "*"`, "key: {who: {e: card}}", "where: amount > 500", "pattern: e", "define: {e: true}", "throttle: 90s"},
		},
	} {
		when := singly(t, append(tt.when, "score: event.amount / 10", `message: "{event.id} {in_1h}"`)...).Ruleset
		pattern := singly(t, append(tt.pattern, "score: e.amount / 10", `message: "{e.id} {in_1h}"`)...).Ruleset
		got, want := alerts(when, events), alerts(pattern, events)
		if len(want) < 2 || !slices.Equal(got, want) {
			t.Errorf("%s:\n%q, the pattern gives\n%q", tt.when, got, want)
		}
	}
}

// Defaults that are about patterns do not reach a rule without one.
func TestWhenHasNoWindow(t *testing.T) {
	checked := singly(t, "on: payment", "key: card", "when: amount > 500")
	r := checked.Rules[0]
	if r.Options.Within != 0 || r.Throttle != time.Hour || r.When == nil || r.When.Value != "amount > 500" || r.Edge || r.Hold != 0 {
		t.Errorf("%+v", r)
	}
	if got := checked.Ruleset.Rules[0].Conds[0].Event; got == nil || len(checked.Rules[0].When.Env.Vars) > 0 {
		t.Error("the condition is not one on the current event alone")
	}
	if got := alerts(singly(t, "on: payment", "key: card", `when: status == "declined"`).Ruleset, payments(1)); got != nil {
		t.Errorf("alerts %q", got)
	}
}

// Equalities of `when` lead dispatch to the rule.
func TestWhenIsIndexed(t *testing.T) {
	r := singly(t, "on: payment", "key: card", `when: status == "declined" && amount > 5`).Ruleset.Rules[0]
	if len(r.Conds[0].Equals) != 1 || r.Conds[0].Captured != nil {
		t.Errorf("%+v", r.Conds[0])
	}
}

func TestEdge(t *testing.T) {
	checked := singly(t, "on: payment", "key: card", "when: amount > 500", "edge: true")
	if !checked.Ruleset.Rules[0].Edge {
		t.Error("the rule has no edge")
	}
	if singly(t, "on: payment", "key: card", "when: amount > 500", "edge: false").Ruleset.Rules[0].Edge {
		t.Error("the rule has an edge")
	}
}

func TestHold(t *testing.T) {
	for _, tt := range []struct {
		rule []string
		want time.Duration
	}{
		{[]string{"on: payment", "key: card", "when: amount > 500", "hold: 24h"}, 24 * time.Hour},
		{[]string{"on: payment", "key: card", "when: amount > 500", "hold: none"}, 0},
		{[]string{"on: payment", "key: card", "when: amount > 500", "hold: $quiet"}, 2 * time.Hour},
		{[]string{"on: payment", "key: card", "params: {quiet: 3d}", "pattern: a", "define: {a: amount > 5}", "hold: $quiet"}, 72 * time.Hour},
		{[]string{"window_close: day", "hold: 1m"}, time.Minute},
	} {
		if got := singly(t, tt.rule...).Ruleset.Rules[0].Hold; got != tt.want {
			t.Errorf("%s: %v, want %v", tt.rule, got, tt.want)
		}
	}
	low := []string{"severity: low", "on: payment", "key: card", "when: amount > 500", "hold: 1h"}
	found := checkText(single + "    " + strings.Join(low, "\n    ") + "\n")
	if !slices.ContainsFunc(found, func(d source.Diagnostic) bool { return d.Code == source.CodeIdle && d.Line == 18 }) {
		t.Errorf("nothing is said of a hold that allows: %v", found)
	}
	singly(t, append(low, "action: challenge")...)
	singly(t, append(low[:4:4], "hold: none")...)
	if found := checkText("policy: {block: 80}" + single + "    " + strings.Join(low, "\n    ") + "\n"); slices.ContainsFunc(found, func(d source.Diagnostic) bool { return d.Code == source.CodeIdle }) {
		t.Errorf("a hold whose score counts: %v", found)
	}
}

// numbered gives the number of a feature and of a field.
func numbered(set *cep.Ruleset, feature, field string) (int, cep.FieldID) {
	f := slices.IndexFunc(set.Features, func(f *cep.Feature) bool { return f.Name == feature })
	return f, cep.FieldID(slices.Index(set.Fields, field))
}

func TestWindowClose(t *testing.T) {
	for _, tt := range []struct {
		rule  []string
		of    string
		types []string
		names []string
		by    map[string]string // type: field
	}{
		{[]string{"window_close: total", "having: total > 5 && in_1h > 2"}, "total", []string{"payment"}, []string{"card"}, nil},
		{[]string{"window_close: total", "key: card", "score: total"}, "total", []string{"payment"}, []string{"card"}, nil},
		{[]string{"window_close: day", "key: [card, shop]", `message: "{card} {shop} {day}"`}, "day", []string{"payment"}, []string{"card", "shop"}, nil},
		{[]string{"window_close: by_shop", "measures: {moved: by_shop, twice: 2 * moved}"}, "by_shop", []string{"payment", "refund"}, []string{"shop"}, map[string]string{"payment": "shop", "refund": "store"}},
		{[]string{"window_close: by_shop", "key: {shop: {refund: store, payment: shop}}", "lang: cel", "having: by_shop > 5"}, "by_shop", []string{"payment", "refund"}, []string{"shop"}, map[string]string{"payment": "shop", "refund": "store"}},
	} {
		checked := singly(t, tt.rule...)
		set := checked.Ruleset
		r := set.Rules[0]
		i, _ := numbered(set, tt.of, "")
		if r.WindowClose != 1+i || !set.Features[i].Spec.Closes || checked.Rules[0].WindowClose.Feature != set.Features[i] {
			t.Errorf("%s: window_close %d, want %d: %+v", tt.rule, r.WindowClose, 1+i, set.Features[i].Spec)
		}
		for j, f := range set.Features {
			if j != i && f.Spec.Closes {
				t.Errorf("%s: the windows of %s are reported too", tt.rule, f.Name)
			}
		}
		if r.Program != nil || r.Conds != nil || r.Where != nil || r.Names != nil || len(r.Key.ByName) > 0 {
			t.Errorf("%s: %+v", tt.rule, r)
		}
		var types []string
		for _, id := range r.Types {
			types = append(types, set.Types[id].Name)
		}
		if !slices.Equal(types, tt.types) || !slices.Equal(checked.Rules[0].On, tt.types) || !slices.Equal(r.Key.Names, tt.names) {
			t.Errorf("%s: on %v, by %v", tt.rule, types, r.Key.Names)
		}
		if key := set.Features[i].Key; !reflect.DeepEqual(r.Key.ByType, key.ByType) || !slices.Equal(r.Key.Fields, key.Fields) {
			t.Errorf("%s: the key is %+v, that of the feature %+v", tt.rule, r.Key, key)
		}
		for name, field := range tt.by {
			_, want := numbered(set, "", field)
			id := slices.IndexFunc(set.Types, func(t cep.Type) bool { return t.Name == name })
			if got, ok := r.Key.ByType[cep.TypeID(id)]; !ok || got != want {
				t.Errorf("%s: the key of %s is in field %d, want %d", tt.rule, name, got, want)
			}
		}
		if fault := set.Features[i].Spec.Check(); len(fault) > 0 {
			t.Errorf("%s: %v", tt.rule, fault)
		}
	}
}

// A disabled rule has no windows reported, and its feature may be of a type that no
// other rule is on.
func TestWindowCloseDisabled(t *testing.T) {
	checked := singly(t, "status: disabled", "window_close: by_shop", "evidence: by_shop")
	if len(checked.Ruleset.Rules) > 0 || checked.Rules[0].WindowClose == nil {
		t.Errorf("rules %v", checked.Ruleset.Rules)
	}
	for _, f := range checked.Ruleset.Features {
		if f.Spec.Closes {
			t.Errorf("the windows of %s are reported", f.Name)
		}
	}
}

// What a rule reads of features where a window ends, the engine has to know: all of it
// is Outcome.
func TestWindowCloseReads(t *testing.T) {
	set := singly(t, "window_close: total", "having: total > 5", "measures: {n: in_1h}", `message: "{total}"`).Ruleset
	r := set.Rules[0]
	var names []string
	for _, id := range r.Outcome {
		names = append(names, set.Features[set.Reads[id].Feature].Name)
	}
	if slices.Sort(names); !slices.Equal(names, []string{"in_1h", "total"}) || len(r.Reads) != 2 {
		t.Errorf("reads %v, of %d", names, len(r.Reads))
	}
}

func TestEvidence(t *testing.T) {
	for _, tt := range []struct {
		rule []string
		of   string
	}{
		{[]string{"on: payment", "key: card", "when: in_1h > 5", "evidence: in_1h"}, "in_1h"},
		{[]string{"on: payment", "key: card", "when: amount > 5", "evidence: day"}, "day"},
		{[]string{"window_close: total", "evidence: in_1h"}, "in_1h"},
		{[]string{"window_close: by_shop", "evidence: by_shop"}, "by_shop"},
	} {
		checked := singly(t, tt.rule...)
		i, _ := numbered(checked.Ruleset, tt.of, "")
		if got := checked.Ruleset.Rules[0].Evidence; got != 1+i || checked.Rules[0].Evidence.Name != tt.of {
			t.Errorf("%s: evidence %d, want %d", tt.rule, got, 1+i)
		}
		for _, d := range checked.Findings {
			if d.Code == source.CodeUnusedName && strings.Contains(d.Msg, "`"+tt.of+"`") {
				t.Errorf("%s: %v", tt.rule, d)
			}
		}
		if !slices.ContainsFunc(checked.Rules[0].Features, func(f *Feature) bool { return f.Name == tt.of }) {
			t.Errorf("%s: %s is not among its features", tt.rule, tt.of)
		}
	}
}

// Whatever stands together in a rule is a rule of one form, or an error.
func TestForms(t *testing.T) {
	lines := []string{
		"on: payment", "on: [payment, refund]", `on: "*"`, "key: card", "key: {who: {event: card}}", "key: {shop: {payment: shop, refund: store}}", "key:",
		"pattern: event", "pattern: a -> b", "pattern:", "define: {a: amount > 1, b: a.amount > amount}", "define: {event: amount > 5}", "define:",
		"when: amount > 5", "when: in_1h > 5 && event.amount > 3", "when:", "when: [a]", "window_close: total", "window_close: by_shop", "window_close: in_1h", "window_close:", "window_close: {a: b}",
		"edge: true", "edge: maybe", "evidence: in_1h", "evidence: total", "evidence: none", "hold: 1d", "hold: none", "hold: $quiet", "hold: soon",
		"within: 1h", "gap: 5m", "skip: none", "emit: in_order", "timeout: true", "unless: amount > 9", "limit: {open: 5}", "where: amount > 1",
		"having: total > 5", "having: event.amount > 2", "having: count(a) > 0", "measures: {n: in_1h, day: total}", "score: event.amount", "message: '{card} {total}'", "lang: cel", "status: disabled", "throttle: 1h",
	}
	bases := [][]string{
		{"on: payment", "key: card", "when: amount > 5"},
		{"window_close: total"},
		{"window_close: by_shop"},
		{"on: payment", "key: card", "pattern: a -> b", "define: {a: amount > 1, b: a.amount > amount}"},
		nil,
	}
	key := func(line string) string { return line[:strings.IndexByte(line, ':')] }
	sound := 0
	rapid.Check(t, func(t *rapid.T) {
		some := slices.Clone(rapid.SampledFrom(bases).Draw(t, "base"))
		for _, line := range rapid.SliceOfNDistinct(rapid.SampledFrom(lines), 1, 6, key).Draw(t, "lines") {
			if !slices.ContainsFunc(some, func(other string) bool { return key(other) == key(line) }) {
				some = append(some, line)
			}
		}
		checked := Check([]source.File{{Path: "r.yaml", Text: single + "    " + strings.Join(some, "\n    ") + "\n"}})
		err := source.ErrorsIn(checked.Findings)
		if (checked.Ruleset == nil) == (err == nil) {
			t.Fatalf("ruleset %v, error %v", checked.Ruleset, err)
		}
		if err != nil {
			return
		}
		sound++
		for _, r := range checked.Rules {
			closes := r.WindowClose != nil
			if closes != (r.Rule.WindowClose > 0) || closes != (r.Program == nil) || closes != (r.Pattern == nil) || closes && (len(r.Conds) > 0 || r.Rule.Where != nil) {
				t.Errorf("%+v", r)
			}
			if r.When != nil && (closes || len(r.Conds) != 1 || r.Names[0].Where != r.When || r.Options.Within > 0) || r.Edge && r.When == nil || r.Rule.Evidence > 0 && r.When == nil && !closes {
				t.Errorf("%+v", r)
			}
		}
	})
	if sound == 0 {
		t.Error("no rule is sound")
	}
}
