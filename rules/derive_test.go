package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"weir/cep"
	"weir/rules/source"
)

const derivingRules = `
params: {base: 2}
lists:
  fx: {type: string, value: number, file: fx.csv}
  vip: {type: string, file: vip.csv}
events:
  pay:
    id: pay_id
    fields: {pay_id: string, card: string, amount: number, currency: string, ts: time, made: time, device: map}
    derive:
      bin: 'card[0:3]'
      eur: 'amount * list_value("fx", currency, params.base)'
      big: eur > 10
      age: ts - made
      known: 'in_list("vip", bin)'
      os: device.os
      parts: '[bin, currency]'
      about: '{"bin": bin}'
      idle: 'any([1], # > 0)'
  login: {fields: {card: string, bin: string}}
features:
  by_bin: {on: pay, key: bin, value: sum(eur), over: 1h}
rules:
  - id: r
    on: pay
    where: big && by_bin > 0
    key: bin
    within: 1h
    pattern: a -> b
    define: {a: os != "x", b: age > a.age}
    measures: {eur: a.eur + b.eur, known: b.known, parts: last(b).parts, about: b.about}
`

// engineOf makes an engine of the text of a ruleset, whose lists read files.
func engineOf(t *testing.T, text string, files map[string]string) (*cep.Ruleset, *cep.Engine) {
	t.Helper()
	checked := CheckWith([]source.File{{Path: "r.yaml", Text: text}}, Given{ReadFile: func(path string) ([]byte, error) {
		return []byte(files[path]), nil
	}})
	for _, d := range checked.Findings {
		if d.Severity == source.Error {
			t.Fatal(d)
		}
	}
	return checked.Ruleset, cep.NewEngine(checked.Ruleset, cep.Options{})
}

// matchesOf gives the alerts of events as JSON without their evidence, one a line.
func matchesOf(g *cep.Engine, events string) []string {
	var fx cep.Effects
	g.Step([]cep.Record{{Kind: cep.EventsRecord, Data: []byte(events), Line: 1}, {Kind: cep.EndRecord}}, &fx)
	var lines []string
	for i := range fx.Alerts {
		a := &fx.Alerts[i]
		text := fmt.Sprintf("%s %s %d", a.Rule.ID, strings.Join(a.Key, ","), a.Score)
		for k, m := range a.Measures {
			text += " " + a.Rule.Measures[k].Name + "=" + string(m.AppendJSON(nil))
		}
		lines = append(lines, text)
	}
	for _, r := range fx.Rejected {
		lines = append(lines, "rejected: "+r.Reason)
	}
	return lines
}

// TestDerive: what fields are derived, of what kind, in which order, and what they are.
func TestDerive(t *testing.T) {
	set, g := engineOf(t, derivingRules, map[string]string{"fx.csv": "entry,value\nUSD,0.5\n", "vip.csv": "entry\n411\n"})
	var names []string
	pay := slices.IndexFunc(set.Types, func(t cep.Type) bool { return t.Name == "pay" })
	for _, d := range set.Types[pay].Derived {
		names = append(names, set.Fields[d.Field])
		if d.Faults == nil {
			t.Errorf("nobody counts the faults of %s", names[len(names)-1])
		}
	}
	if got, want := strings.Join(names, " "), "bin eur big age known os parts about"; got != want {
		t.Errorf("derived: %s, want %s: all that is read and no other", got, want)
	}
	if _, is := set.Types[pay].Schema.Fields["bin"]; is {
		t.Error("events are to come with a derived field")
	}
	got := matchesOf(g, `
{"type":"pay","ts":"2026-01-02T03:04:05Z","pay_id":"1","card":"411999","amount":30,"currency":"USD","made":"2026-01-02T03:04:04Z","device":{"os":"y"}}
{"type":"pay","ts":"2026-01-02T03:04:06Z","pay_id":"2","card":"411888","amount":3,"currency":"USD","made":"2026-01-02T03:00:00Z"}
{"type":"pay","ts":"2026-01-02T03:04:07Z","pay_id":"3","card":"411777","amount":9,"currency":"CHF","made":"2026-01-02T03:04:00Z","bin":"999"}
`[1:])
	want := []string{`r 411 50 eur=33 known=true parts=["411","CHF"] about={"bin":"411"}`}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestDerivedAlone evaluates a derived field on an event, without an engine.
func TestDerivedAlone(t *testing.T) {
	set, _ := engineOf(t, derivingRules, nil)
	dec, lists := cep.NewDecoder(set), cep.NewLists(set)
	var e cep.Event
	if reject := dec.Decode(`{"type":"pay","ts":1,"card":"411999","amount":30,"currency":"USD"}`, &e); reject != nil {
		t.Fatal(reject)
	}
	s := cep.Scope{Event: &e, Lists: lists}
	want := map[string]string{"bin": `"411"`, "eur": "60", "age": "null", "os": "null", "big": "false"}
	for _, d := range set.Types[e.Type].Derived {
		v := d.Eval(&s)
		if want, ok := want[set.Fields[d.Field]]; ok && string(v.AppendJSON(nil)) != want {
			t.Errorf("%s is %s, want %s", set.Fields[d.Field], v.AppendJSON(nil), want)
		}
	}
}

// TestDerivedDigits: a number that is derived as it stands is the same key as the field that
// it is; one that is worked out is a key up to 2^53.
func TestDerivedDigits(t *testing.T) {
	_, g := engineOf(t, `
events:
  pay:
    fields: {account: number, ts: time}
    derive: {who: account, worked: account + 0, again: who}
features:
  n: {on: pay, key: who, value: count(), over: 1h}
rules:
  - {id: a, on: pay, key: account, when: n > 0}
  - {id: b, on: pay, key: who, when: n > 0}
  - {id: c, on: pay, key: again, when: n > 0}
  - {id: d, on: pay, key: worked, when: n > 0}
`, nil)
	got := matchesOf(g, `
{"type":"pay","ts":1,"account":12345678901234567890}
{"type":"pay","ts":2,"account":12345678901234567891}
{"type":"pay","ts":3,"account":12}
{"type":"pay","ts":4,"account":12.0}
`[1:])
	var want []string
	for _, key := range []string{"12345678901234567890", "12345678901234567891", "12"} {
		for _, id := range []string{"a", "b", "c", "d"} {
			if id != "d" || key == "12" {
				want = append(want, id+" "+key+" 50")
			}
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestDerivedUnread: what nothing reads is not worked out, and what only that reads is
// not taken from events.
func TestDerivedUnread(t *testing.T) {
	const text = `
events:
  pay: {fields: {card: string, amount: number, country: string}, derive: {twice: 2 * amount, four: 2 * twice, home: country == "GB"}}
rules:
  - {id: r, on: pay, key: card, within: 1h, pattern: a, define: {a: READ}}
  - {id: off, status: disabled, on: pay, key: card, within: 1h, pattern: a, define: {a: home}}
`
	for read, want := range map[string]string{
		`card != "x"`: "card: ",
		`twice > 1`:   "card twice amount: twice",
		`four > 1`:    "card four twice amount: twice four",
	} {
		set, _ := engineOf(t, strings.Replace(text, "READ", "'"+read+"'", 1), nil)
		var derived []string
		for _, d := range set.Types[0].Derived {
			derived = append(derived, set.Fields[d.Field])
		}
		if got := strings.Join(set.Fields, " ") + ": " + strings.Join(derived, " "); got != want {
			t.Errorf("%s: got %s, want %s", read, got, want)
		}
	}
}

// TestDerivedHere: a field that is derived in one type and declared in another is one
// field.
func TestDerivedHere(t *testing.T) {
	const text = `
events:
  pay: {fields: {card: string}, derive: {bin: 'card[0:3]'}}
  login: {fields: {bin: KIND}}
rules:
  - id: r
    on: [pay, login]
    key: {bin: {a: bin, b: bin}}
    within: 1h
    pattern: a -> b
    define: {a: bin != "1", b: 'bin == "411"'}
`
	_, g := engineOf(t, strings.Replace(text, "KIND", "string", 1), nil)
	got := matchesOf(g, `{"type":"login","ts":1,"bin":"411"}`+"\n"+`{"type":"pay","ts":2,"card":"411999"}`+"\n")
	if want := []string{"r 411 50"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	found := checkText(strings.Replace(text, "KIND", "number", 1))
	if len(found) == 0 || !strings.Contains(found[0].Msg, "the field `bin` has two types: string in `pay` and number in `login`") {
		t.Errorf("found: %v", found)
	}
}
