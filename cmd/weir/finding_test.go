package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/rivo/uniseg"

	"weir/rules/source"
)

// TestExcerpt checks what is shown of a line, and where the caret stands. The text
// at fault stands between « and ».
func TestExcerpt(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"plain", "a: «bc» d", "a: bc d\n   ^~\n"},
		{"one character", "a: «b»c", "a: bc\n   ^\n"},
		{"nothing, at the end", "a: b«»", "a: b\n    ^\n"},
		{"an empty line", "«»", "\n^\n"},
		{"behind tabs", "\ta:\t«b»\tc", "    a:    b    c\n          ^\n"},
		{"over a tab", "«a\tb»", "a    b\n^~~~~~\n"},
		{"behind wide characters", "日本: «x»", "日本: x\n      ^\n"},
		{"over wide characters", "x «日本» y", "x 日本 y\n  ^~~~\n"},
		{"behind combining characters", "e\u0301e\u0301 «x»", "e\u0301e\u0301 x\n   ^\n"},
		{"behind an emoji of several", "👩‍👩‍👧 «x»", "👩‍👩‍👧 x\n   ^\n"},
		{"over several lines", "a «b\nc» d", "a b\n  ^\n"},
		{"a line that ends in CR LF", "a «b»\r\nc", "a b\n  ^\n"},
		{"what moves the cursor", "a\x1b[2J «b\x00»", "a\ufffd[2J b\ufffd\n      ^~\n"},
		{"what turns the text around", "a\u202e «b»", "a\ufffd b\n   ^\n"},
		{"no UTF-8", "a\xff «b»", "a\ufffd b\n   ^\n"},
		{
			"a long line", strings.Repeat("x", 300) + "«here»" + strings.Repeat("y", 300),
			"…" + strings.Repeat("x", 80) + "here" + strings.Repeat("y", 40) + "…\n" + strings.Repeat(" ", 81) + "^~~~\n",
		},
		{
			"a long fault", "a «" + strings.Repeat("z", 300) + "» b",
			"a " + strings.Repeat("z", 80) + "…\n  ^" + strings.Repeat("~", 80) + "\n",
		},
		{
			"a long line of wide characters", strings.Repeat("日", 300) + "«本»",
			"…" + strings.Repeat("日", 40) + "本\n" + strings.Repeat(" ", 81) + "^~\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.NewReplacer("«", "", "»", "").Replace(tt.text)
			from := strings.Index(tt.text, "«")
			to := strings.Index(tt.text, "»") - len("«")
			src := source.New("r.yaml", text)
			d := source.Diagnostic{Severity: source.Error, File: "r.yaml", Code: "value", Msg: "m"}
			d.Line, d.Column = src.Position(from)
			d.EndLine, d.EndColumn = src.Position(to)
			var out bytes.Buffer
			if err := writeFindings(&out, []source.File{{Path: "r.yaml", Text: text}}, []source.Diagnostic{d}); err != nil {
				t.Fatal(err)
			}
			_, excerpt, _ := strings.Cut(out.String(), "\n")
			lines := strings.SplitAfter(tt.want, "\n")
			if want := "  " + lines[0] + "  " + lines[1]; excerpt != want {
				t.Errorf("got\n%q\nwant\n%q", excerpt, want)
			}
		})
	}
}

// TestColours checks that colours change nothing but the colour.
func TestColours(t *testing.T) {
	files := []source.File{{Path: "r.yaml", Text: "rules: 1\n"}}
	d := source.Diagnostic{Severity: source.Warning, File: "r.yaml", Line: 1, Column: 8, EndLine: 1, EndColumn: 9, Code: "W6", Msg: "m", Hint: "h"}
	bare, coloured := newFindingWriter(files, false), newFindingWriter(files, true)
	bare.write(d)
	coloured.write(d)
	text := coloured.out.String()
	for _, ink := range []string{noInk, bold, red, yellow, cyan} {
		text = strings.ReplaceAll(text, ink, "")
	}
	if text != bare.out.String() || coloured.out.String() == text {
		t.Errorf("got %q, want %q in colours", coloured.out.String(), bare.out.String())
	}
	if strings.Contains(bare.out.String(), "\x1b") {
		t.Error("there are colours")
	}
}

// TestNoColours checks that a file has no colours, and a terminal none if the
// environment says so.
func TestNoColours(t *testing.T) {
	if coloured(&bytes.Buffer{}) {
		t.Error("a buffer is coloured")
	}
	t.Setenv("NO_COLOR", "1")
	if coloured(nil) {
		t.Error("NO_COLOR is not respected")
	}
}

// FuzzExcerpt shows any text with a fault at any place: nothing of it reaches the
// terminal that could do harm, and the caret stands inside the line.
func FuzzExcerpt(f *testing.F) {
	f.Add("a: b\tc\r\nd", 1, 3)
	f.Add("日本e\u0301👩‍👩‍👧\u202ex\x1b[0m", 0, 9)
	f.Add(strings.Repeat("ab\t", 200), 400, 420)
	f.Fuzz(func(t *testing.T, text string, from, to int) {
		src := source.New("r.yaml", text)
		d := source.Diagnostic{Severity: source.Error, File: "r.yaml", Code: "value", Msg: text}
		d.Line, d.Column = src.Position(from)
		d.EndLine, d.EndColumn = src.Position(max(from, to))
		w := newFindingWriter([]source.File{{Path: "r.yaml", Text: text}}, false)
		w.write(d)
		lines := strings.Split(strings.TrimSuffix(w.out.String(), "\n"), "\n")
		if len(lines) != 3 {
			t.Fatalf("%d lines: %q", len(lines), lines)
		}
		if strings.ContainsAny(w.out.String(), "\x1b\t\r\x00\u202e\u2066") {
			t.Errorf("unsafe: %q", lines)
		}
		if caret := strings.IndexByte(lines[2], '^'); caret < 0 || caret > uniseg.StringWidth(lines[1]) || len(lines[2]) > 300 {
			t.Errorf("the caret is at %d of %q", caret, lines)
		}
	})
}
