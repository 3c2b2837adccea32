package source

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// TestPositionInScalar finds the text `HERE` of a value at the place where it
// stands in the file, in every style of scalar.
func TestPositionInScalar(t *testing.T) {
	tests := []struct{ name, text string }{
		{"plain", "a: b HERE c\n"},
		{"plain behind wide characters", "é: ñ→ HERE\n"},
		{"plain, folded", "a: b\n  c\n  d HERE\n"},
		{"plain, folded over empty lines", "a: b  \n\n\n    c HERE\n"},
		{"plain before a comment", "a: b HERE # HERE\n"},
		{"plain in a flow mapping", "a: {b: c, d: e HERE, f: g}\n"},
		{"plain in a flow list, folded", "a: [b c,\n    d\n e HERE]\n"},
		{"plain with tabs", "a: b\tc \t HERE\n"},
		{"plain below its key", "a:\n  b HERE\n"},
		{"plain, lines ended by CR LF", "z: y\r\na: b\r\n  c HERE\r\n"},
		{"plain, lines ended by CR", "z: y\ra: b\r  c HERE\r"},
		{"single-quoted", "a: 'b HERE'\n"},
		{"single-quoted, doubled quotes", "a: 'it''s ''here'' HERE'\n"},
		{"single-quoted, folded", "a: 'b\n   c\n\n   d HERE'\n"},
		{"single-quoted, begins with a break", "a: '\n  b HERE'\n"},
		{"single-quoted in a flow mapping", "a: {b: 'x, y', c: 'd HERE'}\n"},
		{"double-quoted", `a: "b HERE"` + "\n"},
		{"double-quoted, escapes", `a: "\t\"\\\x41\u00e9\U0001F600\/\_\N\L\P\e\0 HERE"` + "\n"},
		{"double-quoted, folded", "a: \"b\n   c HERE\"\n"},
		{"double-quoted, escaped break", "a: \"b\\\n   c HERE\"\n"},
		{"double-quoted, escaped breaks and blanks", "a: \"b \\\n\n  \\  c HERE\"\n"},
		{"literal", "a: |\n  b\n  HERE c\nd: e\n"},
		{"literal, deeper lines", "a: |\n  b\n    c HERE\n  d\n"},
		{"literal, empty lines", "a: |\n\n\n  b\n\n  c HERE\n\nd: e\n"},
		{"literal, said indentation", "a: |2\n    b\n  c HERE\n"},
		{"literal, stripped", "a: |-\n  b HERE\n\n"},
		{"literal, kept", "a: |+\n  b HERE\n\n\nd: e\n"},
		{"literal, comment behind the header", "a: | # HERE\n  b HERE\n"},
		{"literal, lines ended by CR LF", "a: |\r\n  b\r\n  c HERE\r\n"},
		{"literal, no break at the end", "a: |\n  b\n  c HERE"},
		{"literal in a list", "a:\n- |\n  b\n  HERE\n- c\n"},
		{"folded", "a: >\n  b\n  c HERE\n  d\n"},
		{"folded, empty lines", "a: >\n  b\n\n  c\n\n\n  d HERE\n"},
		{"folded, deeper lines", "a: >\n  b\n    c\n    d\n  e HERE\n"},
		{"folded, begins with empty lines", "a: >-\n\n\n  b\n  c HERE\n"},
		{"folded, a deeper line between empty ones", "a: >\n  b\n\n    c\n\n  d HERE\n"},
		{"folded, nested", "a:\n  b:\n    - c: >-\n        d\n        e HERE\n      f: g\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var f Findings
			doc := f.Parse("x.yaml", tt.text)
			if err := f.Err(); err != nil {
				t.Fatal(err)
			}
			want := strings.LastIndex(strings.Split(tt.text+" # ", " # HERE\n")[0], "HERE")
			if strings.Contains(tt.text, "| # HERE") {
				want = strings.LastIndex(tt.text, "HERE")
			}
			found := 0
			for _, n := range scalars(doc.Root) {
				at := strings.Index(n.Value, "HERE")
				if at < 0 {
					continue
				}
				found++
				p := Text{Node{doc, n}, n.Value}.Part(at, at+4)
				if p.From != want || p.To != want+4 {
					t.Errorf("bytes %d to %d, want %d to %d", p.From, p.To, want, want+4)
				}
			}
			if found != 1 {
				t.Errorf("%d values have the mark", found)
			}
		})
	}
}

// TestPartAtEnd: an error at the end of an expression is behind its last byte.
func TestPartAtEnd(t *testing.T) {
	tests := []struct {
		text      string
		at        int
		line, col int
	}{
		{"a: b ==\n", 4, 1, 8},
		{"a: 'b =='\n", 4, 1, 9},
		{"a: \"b =\\x3d\"\n", 4, 1, 12},
		{"a: >-\n  b\n  ==\n", 4, 3, 5},
		{"a: |\n  b ==\n", 4, 2, 7},
		{"a: |\n  b ==\n", 5, 2, 7},
		{"a: |+\n  b ==\n\n\n", 7, 2, 7},
		{"a: >\n  b\n  ==\n", 5, 3, 5},
		{"a: 'b ==  '\n", 6, 1, 9},
	}
	for _, tt := range tests {
		var f Findings
		doc := f.Parse("x.yaml", tt.text)
		n := doc.Root.Content[1]
		p := Text{Node{doc, n}, n.Value}.Part(tt.at, tt.at)
		if line, col := doc.Src.Position(p.From); line != tt.line || col != tt.col || p.To != p.From {
			t.Errorf("%q: %d:%d (%d bytes), want %d:%d", tt.text, line, col, p.To-p.From, tt.line, tt.col)
		}
	}
}

func scalars(n *yaml.Node) []*yaml.Node {
	if n == nil {
		return nil
	}
	if n.Kind == yaml.ScalarNode {
		return []*yaml.Node{n}
	}
	var all []*yaml.Node
	for _, c := range n.Content {
		all = append(all, scalars(c)...)
	}
	return all
}

// unfoldError says what is wrong with the places of a scalar, if anything.
func unfoldError(src *Source, n *yaml.Node) error {
	last := src.Offset(n.Line, n.Column)
	for i := range len(n.Value) {
		s, ok := src.unfold(n, i, i+1)
		if !ok {
			return fmt.Errorf("%q at %d:%d is not found in the source", n.Value, n.Line, n.Column)
		}
		if s.from < last || s.to < s.from || s.to > len(src.Text) {
			return fmt.Errorf("%q: byte %d is at %d to %d, the one before at %d", n.Value, i, s.from, s.to, last)
		}
		last = s.from
		if c := n.Value[i]; s.to == s.from+1 && src.Text[s.from] != c && breakAt(src.Text, s.from) == 0 {
			return fmt.Errorf("%q: byte %d is %q, the source has %q", n.Value, i, c, src.Text[s.from])
		}
	}
	return nil
}

// FuzzUnfold reads scalars of any YAML text a second time: both readings agree.
func FuzzUnfold(f *testing.F) {
	for _, seed := range []string{
		"a: b\n", "a: 'b''\n  c'\n", "a: \"\\x41\\\n b\\t\"\n", "a: |\n  b\n\n   c\n", "a: >+\n  b\n  c\n\n   d\n\n", "a: >2-\n    b\n   c\n",
		"a: >+\n  b\n  c\n\n   d\n ", "- b\n  c\n\n  d\n", "{a: b\n c, 'd': \"e\n f\"}", "? |\n a\n: >\n b\n c\n", "--- |\nb\n\nc", "a: >\n \n  \n   b\n", "- >\n\n \tb\n c\n", "a: 'x\\\n y'\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, input string) {
		src := New("x.yaml", input)
		var found Findings
		if msg, _ := src.tooLarge(); msg != "" || found.characters(src) != src {
			return
		}
		loader, err := yaml.NewLoader(strings.NewReader(src.Text), yaml.WithUniqueKeys(false))
		if err != nil {
			t.Fatal(err)
		}
		for {
			var doc yaml.Node
			if err := loader.Load(&doc); err != nil {
				if err == io.EOF {
					return
				}
				return
			}
			for _, n := range scalars(&doc) {
				if b := (Node{&Document{Src: src}, n}).byte(); b == '!' || b == '&' || strings.TrimSpace(n.Value) == "" {
					continue // a tag or an anchor before the text, or no text: refused
				}
				if len(n.Value) > 1_000 {
					continue // each byte is looked for
				}
				if err := unfoldError(src, n); err != nil {
					t.Errorf("%v in %q", err, input)
				}
			}
		}
	})
}
