package rules

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/rules/source"
)

// FuzzCompile gives any text to the compiler: it ends with a ruleset or with
// findings that lie inside the file.
func FuzzCompile(f *testing.F) {
	f.Add(soundRules)
	for _, r := range goodRules {
		f.Add(r.text)
	}
	for _, tt := range faults {
		if len(tt.new) < 80 {
			f.Add("rules:\n  - id: r\n    on: pay\n    key: card\n    pattern: a\n    define:\n      a: x > 1\n    " + tt.new + "\n")
		}
	}
	for _, tt := range doubts {
		f.Add(tt.rule.String())
	}
	f.Add(wholeRules)
	for _, key := range ruleKeys.Known {
		f.Add("rules:\n  - id: r\n    on: pay\n    pattern: a\n    define: {a: x > 1}\n    " + key + ": \"\"\n")
		f.Add("rules:\n  - id: r\n    on: pay\n    pattern: a\n    define: {a: x > 1}\n    " + key + ": {}\n")
	}
	for _, tt := range traps {
		f.Add(trapped(tt.place, tt.text))
	}
	paths, err := filepath.Glob(filepath.Join(corpus, "*.yaml"))
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // a folder
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		begin := time.Now()
		checked := Check([]source.File{{Path: "r.yaml", Text: text}})
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("took %v", took)
		}
		err := source.ErrorsIn(checked.Findings)
		set := checked.Ruleset
		if (set == nil) == (err == nil) {
			t.Fatalf("ruleset %v, error %v", set, err)
		}
		if err == nil {
			for _, d := range checkText(text) {
				if d.Severity == source.Error {
					t.Errorf("there is a ruleset, and an error: %v", d)
				}
			}
			for _, r := range set.Rules {
				if (r.Program == nil) != (r.WindowClose > 0) || len(r.Conds) < len(r.Names) {
					t.Errorf("rule %q is not whole", r.ID)
				}
			}
		}
		src := source.New("r.yaml", text)
		for _, d := range checked.Findings {
			if d.Line == 0 {
				continue // the file as a whole
			}
			for _, p := range [][2]int{{d.Line, d.Column}, {d.EndLine, d.EndColumn}} {
				at := src.Offset(p[0], p[1])
				if line, col := src.Position(at); line != p[0] || col != p[1] {
					t.Errorf("%v ends or begins at %v, outside the text %q", d, p, text)
				}
			}
		}
	})
}

// FuzzFeature gives any text to the parser of features: as a value, a condition and a
// window. It ends with a feature or with findings.
func FuzzFeature(f *testing.F) {
	for _, form := range valueForms {
		f.Add(form, `status == "ok"`, "24h")
		f.Add("  "+form+" ", "amount > 1 && in_list(\"vip\", f)", "forever")
	}
	for _, s := range []string{"sum(a, b)", "sum(", "sum())", "sum(a) / 2", "quantile(f, )", "quantile(f, params.q)", "quantile(,1)", `sum("()")`, "sum((a)+[1][0])", "x", "total", "sum (f)", "sum(`", "first(\n f\n)"} {
		f.Add(s, s, s)
	}
	f.Fuzz(func(t *testing.T, value, where, over string) {
		quoted := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
		text := "params: {q: 0.5}\nlists: {vip: {type: string}}\nfeatures:\n  spent: {on: pay, key: card, value: " + quoted(value) + ", where: " + quoted(where) + ", over: " + quoted(over) +
			"}\nrules: [{id: r, on: pay, key: card, within: 1h, pattern: a, define: {a: spent == nil}}]\n"
		checked := Check([]source.File{{Path: "r.yaml", Text: text}})
		if checked.Ruleset == nil && source.ErrorsIn(checked.Findings) == nil {
			t.Fatal("neither a ruleset nor an error")
		}
		if checked.Ruleset == nil {
			return
		}
		spent := checked.Ruleset.Features[0]
		if faults := spent.Spec.Check(); len(faults) > 0 {
			t.Errorf("%q: %v", text, faults)
		}
		if takesField(spent.Spec.Value) != (spent.Value != nil) {
			t.Errorf("%q: %v, computed of something: %v", value, spent.Spec.Value, spent.Value != nil)
		}
	})
}

// FuzzDecision gives any text to what decides without a pattern: a derived field, a
// condition, the key of a rule and of a risk, a half-life, a score. It ends with rules
// that are whole, or with findings.
func FuzzDecision(f *testing.F) {
	f.Add("amount * 2", "double > 5 && in_1h > 3 || heat > 50", "card", "24h", "80")
	f.Add(`card[0:2]`, `double == "41" || heat(card) > 1`, "{card: {event: card}}", "$span", "$most")
	f.Add("double + 1", "event.in_1h", "[card, shop]", "0s", "1e1")
	f.Add("heat", "shops", "in-1h", "24", "101")
	f.Add("card in shops", "true", "{card: {x: card}}", "none", "-0")
	f.Add(`[1, 2]`, "nil", "double", "1h ", " 80")
	f.Fuzz(func(t *testing.T, derived, when, key, life, score string) {
		quoted := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
		text := "params: {span: 1h, most: 80}\nlists: {shops: {type: string}}\n" +
			"events: {pay: {fields: {card: string, shop: string, amount: number, ts: time}, derive: {double: " + quoted(derived) + "}}}\n" +
			"features: {in_1h: {on: pay, key: card, value: count(), tumbling: 1h}}\n" +
			"risk: {heat: {key: " + quoted(key) + ", half_life: " + quoted(life) + "}}\npolicy: {block: " + quoted(score) + "}\nrules:\n" +
			"  - {id: a, on: pay, key: " + key + ", edge: true, hold: " + quoted(life) + ", when: " + quoted(when) + "}\n" +
			"  - {id: b, on: alert.a, key: card, when: " + quoted(when) + "}\n" +
			"  - {id: c, window_close: in_1h, having: " + quoted(when) + ", evidence: " + quoted(key) + "}\n"
		checked := Check([]source.File{{Path: "r.yaml", Text: text}})
		set := checked.Ruleset
		if (set == nil) == (source.ErrorsIn(checked.Findings) == nil) {
			t.Fatalf("%s: ruleset %v, findings %v", text, set, checked.Findings)
		}
		if set == nil {
			return
		}
		for _, r := range checked.Rules {
			if (r.When == nil) == (r.WindowClose == nil) || r.When != nil && (r.Program == nil || len(r.Conds) == 0) {
				t.Errorf("%s: rule %q is not whole", text, r.ID)
			}
		}
		if p := set.Policy; !(p.Block > 0 && p.Block <= 100) {
			t.Errorf("a block from %v", p.Block)
		}
		for _, risk := range set.Risks {
			if risk.Risk.HalfLife <= 0 || len(risk.Key) == 0 {
				t.Errorf("%s: a risk of %v, %v", text, risk.Key, risk.Risk.HalfLife)
			}
		}
	})
}
