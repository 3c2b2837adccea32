package rules

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/cep"
	"weir/cep/feature"
	"weir/cep/list"
	"weir/rules/source"
)

const featureRules = `
events:
  pay: {fields: {card: string, to: string, shop: string, amount: number, status: string, ts: time}}
  login: {fields: {account: string, device: string, ts: time}}
params: {day: 24h, q: 0.9}
features:
  spend: {on: pay, key: card, value: sum(amount * 2), where: status == "ok", over: $day, resolution: 1h}
  shops: {on: pay, key: [card, shop], value: "distinct(shop)", over: 1h, approx: true, exclude_current: true}
  flow: {on: [pay, refund], key: {account: {pay: to, refund: back, login: account}}, value: count(), hopping: {size: 2d, every: 1d}, timezone: Asia/Tokyo, offset: 30m}
  high: {on: "*", key: card, value: 'quantile( amount , params.q )', tumbling: 5m}
  newest: {on: pay, key: card, value: last(ts), over: forever}
lists:
  late: {type: number}
  early: {type: string, value: number}
rules:
  - id: looks
    on: [pay, login]
    key: card
    within: 1h
    pattern: a{2}
    define: {a: {type: pay, where: 'spend > 5 && flow(to) > 2 && flow(to) < 9 && in_list("early", shop)'}}
    having: spend > 10 && count(a.amount) > 1
    measures: {age: last(a).ts - newest}
    message: "{shops}"
  - {id: off, status: disabled, on: pay, key: card, within: 1h, pattern: a, define: {a: high > 1 && flow(card) > 1}}
`

// TestFeatures: what the engine is told of features, and which reads rules make.
func TestFeatures(t *testing.T) {
	featureText := strings.ReplaceAll(featureRules, "on: [pay, login]\n    key: card", "on: pay\n    key: card")
	checked := Check([]source.File{{Path: "r.yaml", Text: featureText}})
	for _, d := range checked.Findings {
		if d.Code != source.CodeUnusedName {
			t.Fatal(d)
		}
	}
	set := checked.Ruleset
	types := func(ids []cep.TypeID) string {
		var names []string
		for _, id := range ids {
			names = append(names, set.Types[id].Name)
		}
		return strings.Join(names, " ")
	}
	var got []string
	for i, f := range set.Features {
		key := strings.Join(f.Key.Names, ",")
		for _, id := range f.Key.Fields {
			key += " " + set.Fields[id]
		}
		for _, t := range set.Types {
			for id, field := range f.Key.ByType {
				if set.Types[id].Name == t.Name {
					key += " " + t.Name + ":" + set.Fields[field]
				}
			}
		}
		got = append(got, fmt.Sprintf("%s on %q key %s where=%t value=%t %v kind %v", f.Name, types(f.Types), key, f.Where != nil, f.Value != nil, f.Spec.Value, checked.Features[i].Kind))
	}
	want := []string{
		`flow on "pay refund" key account login:account pay:to refund:back where=false value=false count kind number`,
		`high on "" key card card where=false value=true quantile kind number`,
		`newest on "pay" key card card where=false value=true last kind time`,
		`shops on "pay" key card,shop card shop where=false value=true distinct kind number`,
		`spend on "pay" key card card where=true value=true sum kind number`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	tokyo := set.Features[0].Spec.Window.Zone
	if tokyo == nil || tokyo.String() != "Asia/Tokyo" {
		t.Errorf("zone %v", tokyo)
	}
	hour, day := int64(time.Hour), 24*int64(time.Hour)
	for i, spec := range []feature.Spec{
		{Value: feature.Count, Window: feature.Window{Shape: feature.Hopping, Size: 2 * day, Every: day, Offset: hour / 2, Zone: tokyo}},
		{Value: feature.Quantile, Q: 0.9, Window: feature.Window{Shape: feature.Tumbling, Size: hour / 12}},
		{Value: feature.Last, Window: feature.Window{Shape: feature.Forever}},
		{Value: feature.Distinct, Window: feature.Window{Size: hour}, Approx: true, ExcludeCurrent: true},
		{Value: feature.Sum, Window: feature.Window{Size: day}, Resolution: hour},
	} {
		if set.Features[i].Spec != spec {
			t.Errorf("%s: %+v, want %+v", set.Features[i].Name, set.Features[i].Spec, spec)
		}
	}
	var reads []string
	for _, r := range set.Reads {
		reads = append(reads, fmt.Sprintf("%s/%d", set.Features[r.Feature].Name, len(r.Args)))
	}
	if r := set.Rules[0]; fmt.Sprint(reads) != "[spend/0 flow/1 newest/0 shops/0]" || fmt.Sprint(r.Reads) != "[0 1 2 3]" || fmt.Sprint(r.Outcome) != "[0 2 3]" {
		t.Errorf("reads %v, of the rule %v, of its outcome %v", reads, r.Reads, r.Outcome)
	}
	if c := set.Rules[0].Conds[0]; c.Event == nil || c.Captured != nil {
		t.Error("a condition on features looks at captures")
	}
	rule := checked.Rules[0]
	if rule.ID != "looks" || len(rule.Features) != 4 || len(rule.Lists) != 1 || rule.Lists[0].Name != "early" {
		t.Errorf("%s reads %d features and %d lists", rule.ID, len(rule.Features), len(rule.Lists))
	}
	if len(set.Lists) != 2 || set.Lists[0].Name != "early" || set.Lists[0].List.Spec() != (list.Spec{Type: list.String, Value: list.Number}) {
		t.Errorf("lists %+v", set.Lists)
	}
}

// TestFeatureOfUnseenType: a rule may read a feature of events that it does not see.
func TestFeatureOfUnseenType(t *testing.T) {
	set, err := Compile([]source.File{{Path: "r.yaml", Text: `
features: {logins: {on: login, key: card, value: count(), over: 1h}}
rules: [{id: r, on: pay, key: card, within: 1h, pattern: a, define: {a: logins >= 2}, message: "{logins}"}]
`}})
	if err != nil {
		t.Fatal(err)
	}
	var events strings.Builder
	for i, typ := range []string{"login", "pay", "login", "pay"} {
		fmt.Fprintf(&events, "{\"type\":%q,\"ts\":\"2026-01-02T00:0%d:00Z\",\"card\":\"c\"}\n", typ, i)
	}
	var fx cep.Effects
	cep.NewEngine(set, cep.Options{}).Step([]cep.Record{{Kind: cep.EventsRecord, Data: []byte(events.String()), Line: 1}, {Kind: cep.EndRecord}}, &fx)
	if len(fx.Alerts) != 1 || fx.Alerts[0].Message != "2" || len(fx.Rejected) > 0 {
		t.Errorf("%d alerts, %v", len(fx.Alerts), fx.Rejected)
	}
}

// TestGivenLists: entries come from files, which a reader gives, or are given.
func TestGivenLists(t *testing.T) {
	files := []source.File{{Path: "a/b/r.yaml", Text: `
lists:
  cards: {type: string, file: ../cards.csv, columns: {entry: card_number, expires: until}}
  rates: {type: string, value: number, file: rates.csv}
rules: [{id: r, on: pay, key: card, within: 1h, pattern: a, define: {a: 'in_list("cards", card) && list_value("rates", to) > 1'}}]
`}}
	given := Given{ReadFile: func(name string) ([]byte, error) {
		switch name {
		case "a/cards.csv":
			return []byte("until,card_number\n2030-01-01,c1\n,c2\n"), nil
		case "a/b/rates.csv":
			return []byte("key,value\nEUR,1\nEUR,2\nUSD,3\n"), nil
		}
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}}
	checked := CheckWith(files, given)
	const twice = "a/b/rates.csv:3:1: the entry \"EUR\" has stood in a row before; the last one counts; leave the others out"
	if f := checked.Findings; len(f) != 1 || f[0].String() != twice || f[0].Code != source.CodeTwice || f[0].Severity != source.Warning {
		t.Fatal(f)
	}
	if e, ok := checked.Ruleset.Lists[0].List.Get("c1"); !ok || e.Expires == list.Never || checked.Lists[0].File != "a/cards.csv" {
		t.Errorf("%+v of %s", e, checked.Lists[0].File)
	}
	if l := checked.Lists[1]; l.Entries != 2 || l.Rows.Read != 3 || l.Rows.Duplicates != 1 {
		t.Errorf("%+v", l)
	}
	given.Lists = map[string][]list.Entry{"cards": {{Text: "c9", Expires: list.Never}}, "other": {{Text: "x", Expires: list.Never}}}
	checked = CheckWith(files, given)
	if _, ok := checked.Ruleset.Lists[0].List.Get("c9"); !ok || checked.Lists[0].Entries != 1 {
		t.Error("what is given does not stand in place of the file")
	}
	given.Lists["rates"] = []list.Entry{{Text: "EUR", Value: list.StringValue("x"), Expires: list.Never}}
	for name, g := range map[string]Given{
		"a/b/r.yaml:3:31: the files of lists are not read here":   {},
		"`a/cards.csv` cannot be read: permission":                {ReadFile: func(string) ([]byte, error) { return nil, fs.ErrPermission }},
		"the entry `EUR` is given: expected a value of type numb": given,
	} {
		err := source.ErrorsIn(CheckWith(files, g).Findings)
		if !errors.As(err, new(source.Errors)) || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want %q", err, name)
		}
	}
}

// TestListFaults: what is wrong in the file of a list has its place there.
func TestListFaults(t *testing.T) {
	files := []source.File{{Path: "r.yaml", Text: "lists: {nets: {type: cidr, file: n.csv}}\nrules: [{id: r, on: pay, key: card, within: 1h, pattern: a, define: {a: 'in_list(\"nets\", ip)'}}]\n"}}
	for _, tt := range []struct{ csv, want string }{
		{"10.0.0.0/8\nä10.0.0.1,x\n", "n.csv:2:11: "},
		{"entry,expires\n10.0.0.0/8,ä\n300.1.2.3,\n", "n.csv:2:12: "},
		{"entry,expires\n10.0.0.0/8,\nä,\n10.0.0.1/8,\n", "n.csv:3:1: n.csv:4:1: "},
		{"entry,until\n10.0.0.0/8,\n", "n.csv:1:7: "},
		{"entry,expires\n\"10.0.0.0/8\",\n\n10.0.0.0/8\n", "n.csv:4:1: "},
		{"entry,expires\nä,\n\n 10.0.0.0/8,2026-13-01\n", "n.csv:2:1: n.csv:4:13: "},
		{"10.0.0.0/8\n10.1.0.0/16\n::ffff:10.0.0.0/104\n10.0.0.0/8\n", "n.csv:3:1: "},
	} {
		given := Given{ReadFile: func(string) ([]byte, error) { return []byte(tt.csv), nil }}
		var places string
		for _, d := range CheckWith(files, given).Findings {
			places += fmt.Sprintf("%s:%d:%d: ", d.File, d.Line, d.Column)
		}
		if !strings.HasPrefix(places, tt.want) {
			t.Errorf("%q: found at %s, want %s", tt.csv, places, tt.want)
		}
	}
	many := Given{ReadFile: func(string) ([]byte, error) { return []byte(strings.Repeat("x\n", 150)), nil }}
	found := CheckWith(files, many).Findings
	if last := found[len(found)-1]; len(found) != list.MaxFaults+1 || last.Code != source.CodeMore || !strings.Contains(last.Msg, "50 more") {
		t.Errorf("%d findings, the last %v", len(found), last)
	}
}
