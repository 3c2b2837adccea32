package expr

import (
	"maps"
	"slices"
	"strings"
)

// Lang is a language that expressions are written in. Names, functions, nil and
// types are the same in all; see doc.go.
type Lang uint8

const (
	LangExpr Lang = iota // expr-lang
	LangCEL              // CEL
)

// null is the word for nil.
func (g Lang) null() string {
	if g == LangCEL {
		return "null"
	}
	return "nil"
}

// foreignNull is the word for nil that people write by mistake.
func (g Lang) foreignNull() string {
	if g == LangCEL {
		return "nil"
	}
	return "null"
}

// field writes a field of each element of a list.
func (g Lang) field(list, path string) string {
	if g == LangCEL {
		return list + ".map(e, e." + path + ")"
	}
	return "map(" + list + ", ." + path + ")"
}

// contains writes that a text holds another.
func (g Lang) contains(text, part string) string {
	if g == LangCEL {
		return text + ".contains(" + part + ")"
	}
	return text + " contains " + part
}

// moment says how to compare a time with a text.
func (g Lang) moment() string {
	if g == LangCEL {
		return "write a time, like timestamp(\"2026-01-02T03:04:05Z\")"
	}
	return "compare it with epoch milliseconds, or date(t) with text like \"2026-01-02\""
}

// some writes a predicate on a field of each element of a list.
func (g Lang) some(list, path string) string {
	if g == LangCEL {
		return list + ".exists(e, e." + path + " ...)"
	}
	return "any(" + list + ", ." + path + " ...)"
}

// pass gives the end of the string that begins at offset i of a text, or of a piece
// of what is no string.
func (g Lang) pass(text string, i int) int {
	c := text[i]
	switch {
	case g == LangCEL && !strings.HasPrefix(text[i:], "//"):
		_, end := next(text, i)
		return end
	case g == LangCEL || c != '"' && c != '\'' && c != '`':
		return i + 1
	}
	for i++; i < len(text) && text[i] != c; i++ {
		if text[i] == '\\' && c != '`' {
			i++
		}
	}
	return min(i+1, len(text))
}

// Comments gives the comments of a text that end with their line, `// ...`, in
// order: where each begins and ends, in bytes.
func (g Lang) Comments(text string) (spans [][2]int) {
	for i := 0; i < len(text); {
		rest, end := text[i:], ""
		switch {
		case strings.HasPrefix(rest, "//"):
			end = "\n"
		case g == LangExpr && strings.HasPrefix(rest, "/*"):
			end = "*/"
		default:
			i = g.pass(text, i)
			continue
		}
		n := strings.Index(rest, end)
		if n < 0 {
			n = len(rest)
		}
		if end == "\n" {
			spans = append(spans, [2]int{i, i + n})
		}
		i = min(i+n+len(end), len(text))
	}
	return spans
}

// functions gives the versions of a function that can be called by its name.
func (g Lang) functions(name string) (versions []*function, ok bool) {
	if g == LangCEL {
		if versions, ok = celFunctions[name]; ok {
			return versions, true
		}
	}
	versions, ok = functionNames[name]
	return versions, ok
}

// functionNames lists what can be called, for hints.
func (g Lang) functionNames() []string {
	names := slices.Collect(maps.Keys(functionNames))
	if g == LangCEL {
		names = append(names, "has")
		names = slices.AppendSeq(names, maps.Keys(celFunctions))
		names = slices.DeleteFunc(names, func(name string) bool {
			_, refused := refusedCEL[name]
			_, method := celMethods[name]
			return refused || method
		})
	}
	slices.Sort(names)
	return names
}
