package rules

import (
	"strings"
	"testing"

	"weir/cep"
	"weir/rules/source"
)

const overridden = `
params: {many: 3, span: 10m, home: FR, strict: true, odd: [KP, IR], both: 1}
rules:
  - id: a
    on: payment
    key: card
    within: $span
    params: {many: 5, own: "007", both: text}
    pattern: p{$many}
    define:
      p: country != params.home && params.strict && country in params.odd && bin == params.own && note == params.both
  - id: b
    on: payment
    key: card
    when: amount > params.many + params.both
`

func TestOverrides(t *testing.T) {
	c := Check([]source.File{{Path: "r.yaml", Text: overridden}})
	if c.Rules == nil {
		t.Fatal(c.Findings)
	}
	for _, ok := range []struct {
		text string
		want cep.Value
	}{
		{"many=4", cep.NumberValue(4)},
		{"many=-0.5", cep.NumberValue(-0.5)},
		{"span=2h", cep.DurationValue(2 * 3600e9)},
		{"home=DE", cep.TextValue("DE")},
		{"home=12", cep.TextValue("12")},
		{"home=a=b # c", cep.TextValue("a=b # c")},
		{"home=", cep.TextValue("")},
		{"own=12", cep.TextValue("12")},
		{"strict=false", cep.BoolValue(false)},
		{`odd=["KP", 1]`, cep.Value{Kind: cep.List, Text: `["KP",1]`}},
	} {
		got, err := c.Overrides([]string{ok.text})
		name, _, _ := strings.Cut(ok.text, "=")
		if err != nil || len(got) != 1 || got[name].Kind != ok.want.Kind || !sameJSON(got[name], ok.want) {
			t.Errorf("%s: %v, %v; want %v", ok.text, got, err, ok.want)
		}
	}
	for _, bad := range []struct{ text, want string }{
		{"many", "is not NAME=VALUE"},
		{"=4", "is not NAME=VALUE"},
		{"mnay=4", "did you mean `many`?"},
		{"x=4", "there are both, home, many, odd, own, span, strict"},
		{"many=4m", "`many` is a number in the rules, and `4m` is none; write it as JSON does"},
		{"many=", "and `` is none"},
		{"many=1e999", "is none"},
		{"many=[", "is none"},
		{"many=1\nspan: 2", "is none"},
		{"span=10", "like 90s"},
		{"strict=no", "true or false"},
		{"odd=KP", "[KP, IR]"},
		{"both=2", "is a string in the rule a and a number in b"},
	} {
		if _, err := c.Overrides([]string{bad.text}); err == nil || !strings.Contains(err.Error(), bad.want) {
			t.Errorf("%q: %v, want %q", bad.text, err, bad.want)
		}
	}
	if _, err := c.Overrides([]string{"many=4", "many=5"}); err == nil || !strings.Contains(err.Error(), "given twice") {
		t.Error(err)
	}
	if _, err := (&Checked{}).Overrides([]string{"a=1"}); err == nil || !strings.Contains(err.Error(), "the rules have none") {
		t.Error(err)
	}
}

// What is given wins over the ruleset's and a rule's own.
func TestOverridesWin(t *testing.T) {
	files := []source.File{{Path: "r.yaml", Text: overridden}}
	given, err := Check(files).Overrides([]string{"many=4"})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range CheckWith(files, Given{Params: given}).Rules {
		if v := r.Params["many"]; v.Number() != 4 {
			t.Errorf("rule %s: many is %v", r.ID, v)
		}
	}
}

func sameJSON(a, b cep.Value) bool { return string(a.AppendJSON(nil)) == string(b.AppendJSON(nil)) }
