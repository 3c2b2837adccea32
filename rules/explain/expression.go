package explain

import (
	"strings"
	"time"
	"unicode/utf8"

	"weir/cep"
	"weir/rules"
	"weir/rules/source"
)

// longestParam is how many characters of a param's value are shown.
const longestParam = 60

// expression writes an expression between backquotes: in one line, `&&` and `||`
// as words, and behind each param its value.
func expression(e *rules.Expression, params map[string]cep.Value) string {
	return tick(spell(e.Value, params))
}

func spell(text string, params map[string]cep.Value) string {
	text = strings.TrimSpace(text)
	s := speller{params: params}
	for i := 0; i < len(text); {
		i = s.next(text, i)
	}
	return visibleGlued(s.String())
}

// speller writes an expression out.
type speller struct {
	strings.Builder
	params map[string]cep.Value
	space  bool // a space is due before what comes next
}

// next writes what begins at i and gives the place behind it.
func (s *speller) next(text string, i int) int {
	rest := text[i:]
	c := rest[0]
	switch {
	case strings.IndexByte(" \t\r\n", c) >= 0:
		s.space = true
		return i + 1
	case strings.HasPrefix(rest, "//"):
		s.space = true
		return i + before(rest, "\n")
	case strings.HasPrefix(rest, "/*"):
		s.space = true
		return i + min(before(rest, "*/")+2, len(rest))
	case c == '"' || c == '\'' || c == '`':
		end := i + literal(rest)
		s.put(strings.NewReplacer(" ", string(glued), "\n", `\n`).Replace(text[i:end]))
		return end
	case strings.HasPrefix(rest, "&&"):
		return s.word("and", i+2)
	case strings.HasPrefix(rest, "||"):
		return s.word("or", i+2)
	}
	end := i + path(rest)
	if end == i {
		_, n := utf8.DecodeRuneInString(rest)
		s.put(rest[:n])
		return i + n
	}
	s.put(text[i:end])
	s.param(text[i:end])
	return end
}

// word writes an operator as a word.
func (s *speller) word(w string, next int) int {
	s.space = true
	s.put(w)
	s.space = true
	return next
}

func (s *speller) put(text string) {
	if s.space && s.Len() > 0 {
		s.WriteByte(' ')
	}
	s.space = false
	s.WriteString(text)
}

// param writes the value of a param behind its name.
func (s *speller) param(name string) {
	name, ok := strings.CutPrefix(name, "params.")
	if !ok {
		return
	}
	name, _, _ = strings.Cut(name, ".")
	if v, ok := s.params[name]; ok {
		s.WriteString(strings.ReplaceAll(" (= "+paramText(v)+")", " ", string(glued)))
	}
}

// path gives the length of the name, path or number that s begins with.
func path(s string) int {
	n := 0
	for n < len(s) && (s[n] == '_' || s[n] == '.' || s[n]|0x20 >= 'a' && s[n]|0x20 <= 'z' || s[n] >= '0' && s[n] <= '9') {
		n++
	}
	return n
}

// literal gives the length of the string that s begins with.
func literal(s string) int {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && s[0] != '`':
			i++
		case s[i] == s[0]:
			return i + 1
		}
	}
	return len(s)
}

func before(s, end string) int {
	if i := strings.Index(s, end); i >= 0 {
		return i
	}
	return len(s)
}

// visibleGlued is visible for a text with glued spaces.
func visibleGlued(text string) string {
	parts := strings.Split(text, string(glued))
	for i := range parts {
		parts[i] = source.Visible(parts[i])
	}
	return strings.Join(parts, string(glued))
}

// paramText writes the value of a param as a rule would.
func paramText(v cep.Value) string {
	text := v.Text
	switch v.Kind {
	case cep.Bool:
		text = "false"
		if v.Bool() {
			text = "true"
		}
	case cep.Duration:
		text = span(time.Duration(v.Int()))
	case cep.Text:
		text = `"` + text + `"`
	}
	if n := utf8.RuneCountInString(text); n > longestParam {
		text = string([]rune(text)[:longestParam]) + "…"
	}
	return source.Visible(text)
}

// used lists the params of a pattern text, `$NAME`, with their values.
func used(pattern string, params map[string]cep.Value) string {
	var notes []string
	seen := map[string]bool{}
	for i := strings.IndexByte(pattern, '$'); i >= 0; {
		rest := pattern[i+1:]
		name := rest[:path(rest)]
		if v, ok := params[name]; ok && !seen[name] {
			notes = append(notes, "`$"+name+"` is "+paramText(v))
			seen[name] = true
		}
		next := strings.IndexByte(rest, '$')
		if next < 0 {
			break
		}
		i += 1 + next
	}
	return list(notes, "and")
}
