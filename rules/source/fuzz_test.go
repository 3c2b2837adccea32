package source

import (
	"strings"
	"testing"
	"time"
)

// FuzzParse gives any text to the reader of files. It ends, in bounds, with a
// document or with findings that lie inside the text, and so do their edits.
func FuzzParse(f *testing.F) {
	for _, s := range shapes {
		f.Add(s.text(300))
	}
	for _, text := range []string{
		"", "\ufeff", "\x00", "a\x00b: c", "\xff\xfe", "a: \xc3", "---\n", "...\n", "%YAML 1.2\n---\na: b\n", "%YAML 1.1\n%YAML 1.1\n---\n", "%TAG ! x\n---\n!a b",
		strings.Repeat("[", 100), strings.Repeat("{", 100), strings.Repeat("[{", 60), strings.Repeat("- ", 100), strings.Repeat("? ", 100), strings.Repeat(" ", 1000) + "a: b",
		"a: 1e999999\n", "a: " + strings.Repeat("9", 100_000) + "\n", "a: -0x" + strings.Repeat("f", 1000) + "\n", "a: 0o" + strings.Repeat("7", 1000) + "\n", "a: .inf\nb: .nan\n",
		"a: &a [*a]\n", "&a a: *a\n", "a: &a {<<: *a}\n", "a: &x [b]\nb: &y [*x, *x]\nc: [*y, *y]\n",
		"rules:\n  - id: r\n    title: 'x\n    on: pay\n", "rules:\n  - a: \"b\n  - c: [d\n  - e: {f\n", "rules:\n  - a: {b: c\n\td: e\n", "rules:\n  - a: b ? c : d\n    e: \"f\" g\n",
		"a: \"\\x4\"\n", "a: \"\\u12\"\n", "a: \"\\U00110000\"\n", "a: \"\\ud800\"\n", "a: \"\\q\"\n", "a: |9\n b\n", "a: |0\n b\n", "a: >-+\n b\n", "a: |\n\tb\n", "a: |2-\n   b\n  c\n",
		"a: !<tag> b\n", "a: !!str b\n", "a: !x!y b\n", "? a\n: b\n", "? [a]\n: b\n", "{a, b: }", "[a: b]", "[? a : b]", "a: 'b''", "a: b: c: d\n", "a:\n- b\n c\n", "\ta: b\n", "a: b\n\tc: d\n",
		"rules:\n  - id: r\n   on: x\n     key: y\n    within: z\n", "rules:\n- a b\n- c d\n", "rules:\n  - a=b\n    c= d\n", "a: {b: max(1, 2), c: f(g(h, i), j)}\n", "a: {b: (c, d: e)}\n", "a: [b]]\n", "a: {b}}\n", "a: ]\n",
		"\r\r\n\n\ra: b\r\n c: d\r", "a: é\u2028b\n", "a: b\u0085c\n", "é: 'ñ\n 😀'' \n\n x'\n", "a: \"é\\\n 😀\"\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var found Findings
		var doc *Document
		took, bytes := cost(func() {
			doc = found.Parse("r.yaml", text)
			if doc.Root != nil {
				found.walk(Node{doc, doc.Root})
			}
		})
		if bytes > 64_000_000 || took > 5*time.Second {
			t.Errorf("%v and %d bytes of memory for %d bytes of text", took, bytes, len(text))
		}
		given := New("r.yaml", text)
		all := found.All()
		if len(all) > maxFound+1 {
			t.Errorf("%d findings", len(all))
		}
		for _, d := range all {
			if d.Line == 0 {
				continue
			}
			for _, p := range [][2]int{{d.Line, d.Column}, {d.EndLine, d.EndColumn}} {
				if line, column := given.Position(given.Offset(p[0], p[1])); line != p[0] || column != p[1] {
					t.Errorf("%v is at %v, outside of %q", d, p, text)
				}
			}
			if d.EndLine < d.Line || d.EndLine == d.Line && d.EndColumn < d.Column {
				t.Errorf("%v ends before it begins, at %d:%d, in %q", d, d.EndLine, d.EndColumn, text)
			}
			if e := d.Fix; e != nil && (e.From < 0 || e.To < e.From || e.To > len(text) || e.In(text) == text) {
				t.Errorf("%v has the edit %+v of %q", d, *e, text)
			}
		}
		if found.Err() == nil && doc.Src.Text != strings.TrimPrefix(text, "\ufeff") {
			t.Errorf("%q was mended without a finding", text)
		}
	})
}

// TestCutOff parses the beginnings of a file: all are in bounds.
func TestCutOff(t *testing.T) {
	text := "rules:\n  - id: r\n    title: 'x ''y'' z'\n    on: [pay, \"a\\u00e9\"]\n    define:\n      a: {where: amount > 1, type: pay}\n      b: >-\n        amount > 1\n\n        && é != nil\n    message: \"{card}\\\n      x\"\n"
	for i := range text {
		var f Findings
		if d := f.Parse("r.yaml", text[:i]); d.Root == nil && i > 0 && f.Err() == nil {
			t.Errorf("no document and no finding in %q", text[:i])
		}
		f.All()
	}
}
