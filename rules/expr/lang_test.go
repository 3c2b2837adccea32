package expr

import (
	"slices"
	"testing"
)

func TestComments(t *testing.T) {
	for _, c := range []struct {
		text string
		expr []string
		cel  []string
	}{
		{"", nil, nil},
		{"a / b", nil, nil},
		{"a // é", []string{"// é"}, []string{"// é"}},
		{"a // b\n// c\n+ d //", []string{"// b", "// c", "//"}, []string{"// b", "// c", "//"}},
		{`"// a" + '// b' // c`, []string{"// c"}, []string{"// c"}},
		{`"a\"// b" // c`, []string{"// c"}, []string{"// c"}},
		{"`\\` // c", []string{"// c"}, []string{"// c"}},
		{"a.`//` + b", nil, nil},
		{`r"\" // c`, nil, []string{"// c"}},
		{`"""a " // b""" // c`, []string{`// b""" // c`}, []string{"// c"}},
		{"/* // a */ b // c", []string{"// c"}, []string{"// a */ b // c"}},
		{"/* // a", nil, []string{"// a"}},
		{"\"a // b", nil, nil},
	} {
		for lang, want := range map[Lang][]string{LangExpr: c.expr, LangCEL: c.cel} {
			var got []string
			for _, span := range lang.Comments(c.text) {
				got = append(got, c.text[span[0]:span[1]])
			}
			if !slices.Equal(got, want) {
				t.Errorf("%q, language %d: %q, want %q", c.text, lang, got, want)
			}
		}
	}
}

func TestReservedIn(t *testing.T) {
	for _, name := range []string{"count", "in", "event", "params", "ts", "true", "distinct"} {
		if !ReservedIn(LangExpr, name) || !ReservedIn(LangCEL, name) {
			t.Errorf("%s is not reserved in both languages", name)
		}
	}
	for _, name := range []string{"null", "package", "while", "import", "namespace", "loop", "has", "exists", "exists_one", "existsOne", "size", "double", "timestamp", "uint", "bytes", "dyn", "substring", "getHours"} {
		if ReservedIn(LangExpr, name) || !ReservedIn(LangCEL, name) {
			t.Errorf("%s: reserved in expr-lang %v, in CEL %v", name, ReservedIn(LangExpr, name), ReservedIn(LangCEL, name))
		}
	}
	for name := range celMacros {
		if !ReservedIn(LangCEL, name) {
			t.Errorf("the macro %s is not reserved", name)
		}
	}
	for _, name := range []string{"amount", "probe", "card_id", "sizes", "Package", "e"} {
		if ReservedIn(LangExpr, name) || ReservedIn(LangCEL, name) {
			t.Errorf("%s is reserved", name)
		}
	}
	for _, name := range []string{"as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop", "namespace", "null", "package", "return", "true", "var", "void", "while"} {
		if _, err := CompileValue("[1].map("+name+", 2)", Env{Lang: LangCEL}); err == nil || !ReservedIn(LangCEL, name) {
			t.Errorf("%s is a word of CEL: %v", name, err)
		}
	}
}
