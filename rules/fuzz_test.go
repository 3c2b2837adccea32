package rules

import (
	"testing"
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
	for _, key := range ruleKeys.Known {
		f.Add("rules:\n  - id: r\n    on: pay\n    pattern: a\n    define: {a: x > 1}\n    " + key + ": \"\"\n")
		f.Add("rules:\n  - id: r\n    on: pay\n    pattern: a\n    define: {a: x > 1}\n    " + key + ": {}\n")
	}
	f.Fuzz(func(t *testing.T, text string) {
		set, err := Compile([]source.File{{Path: "r.yaml", Text: text}})
		if (set == nil) == (err == nil) {
			t.Fatalf("ruleset %v, error %v", set, err)
		}
		if err == nil {
			for _, r := range set.Rules {
				if r.Program == nil || len(r.Conds) < len(r.Names) {
					t.Errorf("rule %q is not whole", r.ID)
				}
			}
			return
		}
		src := source.New("r.yaml", text)
		for _, d := range err.(source.Errors) {
			for _, p := range [][2]int{{d.Line, d.Column}, {d.EndLine, d.EndColumn}} {
				at := src.Offset(p[0], p[1])
				if line, col := src.Position(at); line != p[0] || col != p[1] {
					t.Errorf("%v ends or begins at %v, outside the text %q", d, p, text)
				}
			}
		}
	})
}
