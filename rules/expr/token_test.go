package expr

import (
	"slices"
	"testing"

	"github.com/google/cel-go/common"
	celast "github.com/google/cel-go/common/ast"
)

func TestScan(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"", nil},
		{" \t\r\n\f // a b", nil},
		{"a==b", []string{"a", "==", "b"}},
		{"a // b\n+ c", []string{"a", "+", "c"}},
		{"é ß<=x", []string{"é", "ß", "<=", "x"}},
		{"1.5e-3 .5 1.e 0x1Fu 12u 1e5 1..2 1.x 5.0u", []string{"1.5e-3", ".5", "1", ".", "e", "0x1Fu", "12u", "1e5", "1", ".", ".2", "1", ".", "x", "5.0", "u"}},
		{`"a\"b" 'c' r"\" + R'''d'''`, []string{`"a\"b"`, `'c'`, `r"\"`, "+", `R'''d'''`}},
		{"b'x' Br\"y\\\" bar\"z\"", []string{"b'x'", "Br\"y\\\"", "bar", "\"z\""}},
		{"\"\"\"a\"b\n\\\"\"\"\" \"\"", []string{"\"\"\"a\"b\n\\\"\"\"\"", "\"\""}},
		{"\"ab\n'c", []string{"\"ab", "'c"}},
		{"a.`b-c`[x]{}", []string{"a", ".", "`b-c`", "[", "x", "]", "{", "}"}},
		{"a&&b||!c&d|e=f", []string{"a", "&&", "b", "||", "!", "c", "&", "d", "|", "e", "=", "f"}},
		{"`` `", []string{"`", "` `"}},
	} {
		var got []string
		for _, k := range scan(c.text) {
			got = append(got, c.text[k.pos:k.end])
			if runes := []rune(c.text); string(runes[k.from:k.to]) != c.text[k.pos:k.end] {
				t.Errorf("%q: characters %d to %d are not %q", c.text, k.from, k.to, c.text[k.pos:k.end])
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}

// TestTokensMeetNodes checks that every node of CEL's parser has its place at a
// token.
func TestTokensMeetNodes(t *testing.T) {
	for _, rows := range [][]valueRow{nilRows, valueRows, celRows} {
		for _, r := range rows {
			for _, text := range []string{r.cel, "[\"é\\n\", '''\n'''] == [] // ß\r\n || \f(" + r.cel + "\n)"} {
				if r.cel == "" {
					continue
				}
				tree, faults := celParser.Parse(common.NewTextSource(text))
				if len(faults.GetErrors()) > 0 {
					t.Errorf("%s: %s", text, faults.ToDisplayString())
					continue
				}
				tokens := scan(text)
				celast.PostOrderVisit(tree.Expr(), celast.NewExprVisitor(func(e celast.Expr) {
					place, ok := tree.SourceInfo().GetOffsetRange(e.ID())
					if !ok || !slices.ContainsFunc(tokens, func(k token) bool { return k.from == int(place.Start) }) {
						t.Errorf("%s: no token at %d", text, place.Start)
					}
				}))
			}
		}
	}
}
