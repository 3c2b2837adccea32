package expr

import (
	"sort"
	"strings"

	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser/lexer"
)

// bracket is a bracket of a text and the one that goes with it: byte offsets.
type bracket struct{ at, other int }

// brackets are all of a text, in order.
type brackets []bracket

// bracketsOf finds the brackets of a text that could be parsed.
func bracketsOf(text string, lang Lang) brackets {
	b := brackets{}
	if !strings.ContainsAny(text, "([{") {
		return b // most have none, and taking a text apart costs as much as parsing it
	}
	var open []int
	add := func(at int) {
		if strings.IndexByte("([{", text[at]) >= 0 {
			open = append(open, len(b))
			b = append(b, bracket{at, at})
			return
		}
		last := len(open) - 1
		b[open[last]].other = at
		b = append(b, bracket{at, b[open[last]].at})
		open = open[:last]
	}
	if lang == LangCEL {
		for _, t := range scan(text) {
			if t.kind == tokenBracket {
				add(t.pos)
			}
		}
		return b
	}
	tokens, err := lexer.Lex(file.NewSource(text))
	if err != nil {
		return b
	}
	chars, at := 0, 0 // the place reached, in characters and in bytes
	for _, t := range tokens {
		at += runeOffset(text[at:], t.From-chars)
		chars = t.From
		if t.Kind == lexer.Bracket {
			add(at)
		}
	}
	return b
}

// widen gives the least piece of text around pos to end in which all brackets
// come in pairs.
func (b brackets) widen(pos, end int) (int, int) {
	i := sort.Search(len(b), func(i int) bool { return b[i].at >= pos })
	for ; i < len(b) && b[i].at < end; i++ {
		pos, end = min(pos, b[i].other), max(end, b[i].other+1)
	}
	return pos, end
}
