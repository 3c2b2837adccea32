package explain

import (
	"strings"
	"unicode/utf8"

	"weir/rules/source"
)

// width is the column at which lines are broken.
const width = 90

// glued stands for a space at which no line is broken: inside the quotes of an
// expression a line break would be one more character.
const glued = '\x00'

// page gathers the lines of a text.
type page struct{ strings.Builder }

// blank ends a paragraph.
func (p *page) blank() { p.WriteByte('\n') }

// paragraph writes text behind a mark, broken into lines that begin below the
// text of the first. indent counts the columns before the mark.
func (p *page) paragraph(indent int, mark, text string) {
	lead := strings.Repeat(" ", indent) + mark
	if mark != "" {
		lead += " "
	}
	below := strings.Repeat(" ", utf8.RuneCountInString(lead))
	line, room := lead, width-utf8.RuneCountInString(lead)
	for i, word := range strings.Split(text, " ") {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
			line += word
			room -= n
		case n+1 > room:
			p.line(line)
			line, room = below+word, width-len(below)-n
		default:
			line += " " + word
			room -= n + 1
		}
	}
	p.line(line)
}

func (p *page) line(text string) {
	p.WriteString(strings.TrimRight(strings.ReplaceAll(text, string(glued), " "), " "))
	p.WriteByte('\n')
}

// plain makes one line of a text of the user: spaces in a row become one, and what
// a terminal would obey is written as an escape.
func plain(text string) string {
	return source.Visible(strings.Join(strings.Fields(text), " "))
}

// list joins items as a sentence does: `a`, `b` and `c`.
func list(items []string, word string) string {
	n := len(items)
	if n < 2 {
		return strings.Join(items, "")
	}
	return strings.Join(items[:n-1], ", ") + " " + word + " " + items[n-1]
}

func ticked(names []string) []string {
	all := make([]string, len(names))
	for i, n := range names {
		all[i] = tick(n)
	}
	return all
}

func tick(text string) string { return "`" + text + "`" }

// capital writes the first letter of a sentence large, if it is one.
func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
