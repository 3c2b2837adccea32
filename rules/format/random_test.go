package format

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestRandom formats random YAML, in which the n-th comment is `#n`.
func TestRandom(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := &author{t: r}
		w.document()
		text := w.String()
		got, err := Format("r.yaml", text)
		if err != nil {
			r.Fatalf("%v\nin\n%s", err, text)
		}
		if before, after := treeOf(text), treeOf(got); before != after {
			r.Fatalf("another meaning:\n%s\nwas\n%s\nin\n%s\nof\n%s", after, before, got, text)
		}
		if again, err := Format("r.yaml", got); err != nil || again != got {
			r.Fatalf("formatted twice: %v\n%s\nonce:\n%s\nof\n%s", err, again, got, text)
		}
		var want []string
		for i := range w.notes {
			want = append(want, fmt.Sprintf("#%d.", i))
		}
		if notes := regexp.MustCompile(`#\d+\.`).FindAllString(got, -1); !slices.Equal(notes, want) {
			r.Fatalf("comments %v, want %v, in\n%s\nof\n%s", notes, want, got, text)
		}
	})
}

// author writes random YAML.
type author struct {
	strings.Builder
	t     *rapid.T
	notes int  // comments written
	block bool // the last value is a block scalar: deeper comments would be its text
}

func (w *author) one(n int) int      { return rapid.IntRange(0, n-1).Draw(w.t, "n") }
func (w *author) chance(of int) bool { return w.one(of) == 0 }
func (w *author) pick(of ...string) string {
	return rapid.SampledFrom(of).Draw(w.t, "text")
}
func (w *author) spaces(n int) { w.WriteString(strings.Repeat(" ", n)) }

func (w *author) note() {
	fmt.Fprintf(w, "#%d.%s", w.notes, w.pick("", " a: b", " - c  ", " 'd", " {"))
	w.notes++
}

// lineEnd ends a line, maybe with a comment.
func (w *author) lineEnd() {
	if w.chance(5) {
		w.spaces(1 + w.one(3))
		w.note()
	} else if w.chance(8) {
		w.spaces(1)
	}
	w.WriteString("\n")
}

// between writes empty lines and comments before an entry or the end.
func (w *author) between(indent int) {
	for w.chance(4) {
		if w.chance(2) {
			w.WriteString(w.pick("\n", "\n\n"))
			continue
		}
		deepest := indent + 4
		if w.block {
			deepest = indent
		}
		w.spaces(w.one(deepest + 1))
		w.note()
		w.WriteString("\n")
	}
}

func (w *author) document() {
	w.between(0)
	if w.chance(6) {
		w.WriteString("---")
		w.lineEnd()
	}
	if !w.chance(10) {
		w.collection(0, 3, false)
	}
	w.between(0)
	if w.chance(10) {
		w.WriteString("...\n")
		w.block = false
		w.between(0)
	}
}

// collection writes a block list or mapping; inside says that its first entry
// goes on in the line at hand.
func (w *author) collection(indent, depth int, inside bool) {
	isList := w.chance(2)
	for i := range 1 + w.one(3) {
		if i > 0 || !inside {
			w.between(indent)
			w.spaces(indent)
		}
		w.block = false
		if isList {
			w.WriteString("-")
		} else {
			w.WriteString(w.key(i, "") + ":")
		}
		w.value(indent, depth-1, isList)
	}
}

func (w *author) key(i int, blocked string) string {
	key := fmt.Sprintf("%s%d", w.pick("a", "key", "b c", "ü", "a-b"), i)
	if blocked != "" {
		return key
	}
	return w.pick(key, key, key, "'"+key+"'", `"`+key+`"`, "'"+key+": x'")
}

func (w *author) value(indent, depth int, isList bool) {
	deeper := indent + 1 + w.one(4)
	switch kind := w.one(9); {
	case kind == 0:
		w.lineEnd()
	case kind == 1:
		w.spaces(1)
		w.blockScalar(deeper)
	case kind == 2 && depth > 0:
		w.spaces(1 + w.one(2))
		w.flow(deeper, depth)
		w.lineEnd()
	case kind == 3:
		w.long(deeper)
		w.lineEnd()
	case kind <= 6 && depth > 0 && isList && w.chance(2):
		n := 1 + w.one(3)
		w.spaces(n)
		w.collection(indent+1+n, depth, true)
	case kind <= 6 && depth > 0:
		w.lineEnd()
		w.collection(deeper, depth, false)
	default:
		w.spaces(1 + w.one(2))
		w.WriteString(w.word())
		w.lineEnd()
	}
}

func (w *author) word() string {
	return w.pick("a", "b c", "x > 1 && y", "'d'", `"e f"`, "'g: h'", `"i\tj"`, `"k\"l"`, "'m''n'", "1", "'1'", "true", `"true"`, "null", "~", "''", `""`,
		"a#b", "f(x, y)", "'{o}'", `"p, q"`, "probe{3,}+ -> x", "card_id[0:6]", "-1", "'- r'", "é ü", "'#s'", "no", "'2026-01-02'", "x:y", "'z:'", "-x", "?y", `"\u00a0"`, "'a  b'")
}

// flowWord is a word that may stand in brackets.
func (w *author) flowWord() string {
	for {
		if word := w.word(); strings.ContainsAny(word[:1], `'"`) || !strings.ContainsAny(word, ",[]{}?") {
			return word
		}
	}
}

func (w *author) long(deeper int) {
	quote := w.pick("", "'", `"`)
	if w.chance(2) {
		w.lineEnd()
		w.spaces(deeper)
	} else {
		w.spaces(1)
	}
	w.WriteString(quote + "a b")
	for range 1 + w.one(3) {
		if quote == `"` && w.chance(3) {
			w.WriteString(w.pick(`\`, ` \`, `\ `, `\\`))
		}
		w.WriteString(w.pick("\n", " \n", "\n\n", "\n   \n\n"))
		w.spaces(deeper + w.one(3))
		w.WriteString(w.pick("c", "- d", "&& e", "f   g"))
	}
	w.WriteString(quote)
}

func (w *author) blockScalar(deeper int) {
	head := w.pick("|", ">", "|-", ">-", "|+", ">+")
	w.WriteString(head)
	w.lineEnd()
	w.block = true
	if w.chance(8) {
		return
	}
	w.WriteString(w.pick("", "", "", "\n"))
	w.spaces(deeper)
	w.WriteString("a\n")
	for range w.one(4) {
		switch w.one(4) {
		case 0:
			w.WriteString("\n")
		case 1:
			w.spaces(deeper + w.one(4))
			w.WriteString("\n")
		default:
			w.spaces(deeper + w.one(2)*2)
			w.WriteString(w.pick("b  ", "# c", "d: e", "- f", "\tg") + "\n")
		}
	}
}

// gap writes what may stand between two parts of a collection in brackets.
func (w *author) gap(indent int) {
	switch w.one(8) {
	case 0:
		w.WriteString("\n")
		w.spaces(indent)
	case 1:
		w.WriteString(" ")
		w.note()
		w.WriteString(w.pick("\n", "\n\n"))
		w.spaces(indent)
	case 2, 3:
		w.WriteString(" ")
	}
}

func (w *author) flow(indent, depth int) {
	isList := w.chance(2)
	w.WriteString(map[bool]string{true: "[", false: "{"}[isList])
	w.gap(indent)
	n := w.one(4)
	for i := range n {
		if !isList || w.chance(8) {
			w.WriteString(w.key(i, ",") + ":")
			w.WriteString(" ")
			w.gap(indent)
		}
		if depth > 0 && w.chance(3) {
			w.flow(indent, depth-1)
		} else {
			w.WriteString(w.flowWord())
		}
		w.gap(indent)
		if i < n-1 || w.chance(5) {
			w.WriteString(",")
			w.gap(indent)
		}
	}
	w.WriteString(map[bool]string{true: "]", false: "}"}[isList])
}

// FuzzFormat gives any text to the formatter: it ends with findings, or with a
// form that it does not change again.
func FuzzFormat(f *testing.F) {
	for _, tt := range forms {
		f.Add(tt.text)
	}
	for _, tt := range mends {
		f.Add(tt.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Format("r.yaml", text)
		if err != nil {
			return
		}
		again, err := Format("r.yaml", got)
		if err != nil || again != got {
			t.Errorf("formatted twice: %v\n%q\nonce:\n%q\nof\n%q", err, again, got, text)
		}
		if yamlErrors("r.yaml", text) == nil && len(fixesOf(ruleErrors("r.yaml", text))) == 0 && treeOf(text) != treeOf(got) {
			t.Errorf("another meaning:\n%q\nof\n%q", got, text)
		}
	})
}
