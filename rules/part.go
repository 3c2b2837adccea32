package rules

import (
	"regexp"
	"slices"
	"strings"
)

// part is a piece of an expression and what can stand in its place, so that the
// others are looked at too.
type part struct {
	from, to int
	neutral  string
}

// among says whether p overlaps with any of parts.
func (p part) among(parts []part) bool {
	return slices.ContainsFunc(parts, func(q part) bool { return p.from < q.to && p.to > q.from })
}

var unsplittable = regexp.MustCompile(`\?|;|\blet\b|\bif\b|\|[^|]|/\*|#|"""|'''|\b[rR]["']`)

// partAround finds the part of a condition around a byte: what `&&`, `and`, `||`
// and `or` join outside of brackets and strings.
func partAround(text string, at int) (part, bool) {
	if unsplittable.MatchString(strings.ReplaceAll(text, "||", "  ")) {
		return part{}, false
	}
	p := part{from: 0, to: len(text), neutral: "true"}
	depth := 0
	for i := 0; i < len(text); {
		width := 1
		switch c := text[i]; {
		case c == '(' || c == '[' || c == '{':
			depth++
		case c == ')' || c == ']' || c == '}':
			depth--
		case c == '"' || c == '\'' || c == '`':
			width = stringEnd(text, i) - i
		case depth == 0:
			width = operatorAt(text, i)
			if width == 0 {
				width = 1
				break
			}
			if i+width <= at {
				p.from = i + width
			} else if i >= at {
				p.to = i
				return p, true
			}
		}
		i += width
	}
	return p, true
}

// operatorAt gives the length of the `&&` or `||` at i, or the word that means
// one; 0: there is none.
func operatorAt(text string, i int) int {
	for _, op := range []string{"&&", "||"} {
		if strings.HasPrefix(text[i:], op) {
			return len(op)
		}
	}
	for _, op := range []string{"and", "or"} {
		end := i + len(op)
		if strings.HasPrefix(text[i:], op) && (i == 0 || !isName("a"+text[i-1:i])) && (end == len(text) || !isName("a"+text[end:end+1])) {
			return len(op)
		}
	}
	return 0
}

// stringEnd gives the end of the string that begins at i.
func stringEnd(text string, i int) int {
	quote := text[i]
	for i++; i < len(text); i++ {
		switch {
		case text[i] == quote:
			return i + 1
		case text[i] == '\\' && quote != '`':
			i++
		}
	}
	return len(text)
}

// loneBrace finds a brace of a message that has no other. Where all have, what is
// wrong within them has been found.
func (r *ruleCompiler) loneBrace(text string, at int) (part, bool) {
	if len(r.lang.Placeholders(text)) > 0 || at >= len(text) || text[at] != '{' && text[at] != '}' {
		return part{}, false
	}
	return part{at, at + 1, " "}, true
}

// wordIn finds a path in an expression as a whole word; -1 if it is not there.
func wordIn(text, path string) int {
	for from := 0; path != ""; {
		i := strings.Index(text[from:], path)
		if i < 0 {
			return -1
		}
		i += from
		before := i == 0 || !isName("a"+text[i-1:i])
		end := i + len(path)
		if before && (end == len(text) || !isName("a"+text[end:end+1])) {
			return i
		}
		from = i + 1
	}
	return -1
}

// isPath says whether s is a name, or names joined by dots.
func isPath(s string) bool {
	for _, name := range strings.Split(s, ".") {
		if !isName(name) {
			return false
		}
	}
	return true
}
