package rules

import (
	"slices"
	"strings"
	"testing"

	"weir/cep"
	"weir/rules/source"
)

// celRules is one rule in both languages: all of its expressions are in the one
// that it says.
const (
	exprRule = `
    lang: expr
    where: amount != nil
    unless: amount == 99 && card startsWith "c"
    define:
      a: {type: pay, where: amount > 5 and amount < 50}
      b: amount >= 2 * mean(a.amount)
    having: any(a, .amount > 6)
    measures: {most: 'max(map(a, .amount))', ok: 'b.amount > 5 ? "yes" : "no"'}
    score: most + 5 % 3
    message: "{count(a)} {ok ?? nil}"
`
	celRule = `
    lang: cel
    where: amount != null
    unless: amount == 99 && card.startsWith("c")
    define:
      a: {type: pay, where: amount > 5 && amount < 50}
      b: amount >= 2 * mean(a.amount)
    having: a.exists(x, x.amount > 6)
    measures: {most: 'max(a.map(x, x.amount))', ok: 'b.amount > 5 ? "yes" : "no"'}
    score: most + 5 % 3
    message: "{count(a)} {ok == null ? null : ok}"
`
	aroundRule = "rules:\n  - id: r\n    on: pay\n    key: card\n    within: 1h\n    pattern: a{2,}+ -> b"
)

// TestLang checks that a rule gives the same in both languages.
func TestLang(t *testing.T) {
	events := amounts(6, 7, 3, 99, 8, 9, 10, 50, 1)
	var want []string
	for _, rule := range []string{exprRule, celRule} {
		text := aroundRule + rule
		if found := checkText(text); len(found) > 0 {
			t.Fatalf("%v\nin\n%s", found, text)
		}
		got, _, _ := outcomeOf(t, text, events)
		set, err := Compile([]source.File{{Path: "r.yaml", Text: text}})
		if err != nil {
			t.Fatal(err)
		}
		engine := cep.NewEngine(set, cep.Options{})
		var fx cep.Effects
		for i, e := range events {
			line := `{"type":"pay","ts":` + "100" + string(rune('1'+i)) + `,"card":"c",` + e + `}`
			engine.Step([]cep.Record{{Kind: cep.EventsRecord, Data: []byte(line)}}, &fx)
		}
		for _, a := range fx.Alerts {
			got = append(got, a.Message, string(cep.AppendJSON(nil, &a)))
		}
		if want == nil {
			want = got
		}
		if !slices.Equal(got, want) || len(got) < 3 {
			t.Errorf("got  %v\nwant %v", got, want)
		}
	}
}

// TestLangFaults checks that every expression of a rule is read in its language:
// in each of them the other's spelling is an error.
func TestLangFaults(t *testing.T) {
	keys := []string{"where:", "unless:", "a:", "having:", "measures:", "message:"}
	for _, tt := range []struct{ rule, lang, other string }{{exprRule, "expr", "cel"}, {celRule, "cel", "expr"}} {
		text := strings.Replace(aroundRule+tt.rule, "lang: "+tt.lang, "lang: "+tt.other, 1)
		found := checkText(text)
		for _, key := range keys {
			line := 1 + strings.Count(text[:strings.Index(text, " "+key)], "\n")
			if tt.lang == "expr" && key == "where:" || tt.lang == "cel" && (key == "a:" || key == "message:") {
				continue // `nil` is a name in CEL, and these are spelt alike
			}
			if !slices.ContainsFunc(found, func(d source.Diagnostic) bool { return d.Line == line }) {
				t.Errorf("%s in %s: no finding in line %d of\n%s\n%v", key, tt.other, line, text, found)
			}
		}
	}
}
