package source

import (
	"fmt"
	"sort"
	"unicode/utf8"
)

// Source is the text of a file and where its lines begin.
type Source struct {
	Path  string
	Text  string // without a byte order mark
	lines []int  // byte offsets at which lines begin
	seen  mark   // the last place looked up: long lines are counted once, not for every place in them
}

// mark is a byte with its line and column.
type mark struct{ line, column, at int }

func New(path, text string) *Source {
	const mark = "\ufeff"
	if len(text) >= len(mark) && text[:len(mark)] == mark {
		text = text[len(mark):]
	}
	s := &Source{Path: path, Text: text, lines: []int{0}}
	for i := 0; i < len(text); {
		n := breakAt(text, i)
		if n == 0 {
			i++
			continue
		}
		i += n
		s.lines = append(s.lines, i)
	}
	return s
}

// breakAt gives the length of the line break at i: 0 where there is none.
func breakAt(text string, i int) int {
	switch {
	case i >= len(text):
		return 0
	case text[i] == '\n':
		return 1
	case text[i] != '\r':
		return 0
	case i+1 < len(text) && text[i+1] == '\n':
		return 2
	}
	return 1
}

// Offset gives the byte at a line and column, both from 1; a column counts
// characters. What lies outside gives the nearest place inside.
func (s *Source) Offset(line, column int) int {
	line = min(max(line, 1), len(s.lines))
	if line != s.seen.line || column < s.seen.column {
		s.seen = mark{line, 1, s.lines[line-1]}
	}
	m := &s.seen
	for m.column < column && m.at < len(s.Text) && breakAt(s.Text, m.at) == 0 {
		_, n := utf8.DecodeRuneInString(s.Text[m.at:])
		m.at, m.column = m.at+n, m.column+1
	}
	return m.at
}

// LineEnd gives the offset of the break that ends a line, or of the end.
func (s *Source) LineEnd(line int) int {
	at := s.lines[line-1]
	for at < len(s.Text) && breakAt(s.Text, at) == 0 {
		at++
	}
	return at
}

// Position gives line and column, from 1, of a byte.
func (s *Source) Position(offset int) (line, column int) {
	offset = min(max(offset, 0), len(s.Text))
	line = sort.Search(len(s.lines), func(i int) bool { return s.lines[i] > offset })
	if line != s.seen.line || offset < s.seen.at {
		s.seen = mark{line, 1, s.lines[line-1]}
	}
	s.seen.column += utf8.RuneCountInString(s.Text[s.seen.at:offset])
	s.seen.at = offset
	return line, s.seen.column
}

// Place is a part of a source: the bytes from `from` up to `to`.
type Place struct {
	Src      *Source
	From, To int
}

// fault says why a text is no YAML text that Weir reads, and where.
func (s *Source) fault() (p Place, msg, hint string) {
	for i, r := range s.Text {
		_, n := utf8.DecodeRuneInString(s.Text[i:])
		at := Place{s, i, i + n}
		switch {
		case r == utf8.RuneError && n == 1:
			return at, "the text is not UTF-8", "save the file as UTF-8"
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r >= 0x7f && r < 0xa0, r == 0xfffe, r == 0xffff:
			return at, fmt.Sprintf("the control character U+%04X is not allowed", r), "remove it"
		case r == 0x2028, r == 0x2029, r == 0xfeff:
			return at, fmt.Sprintf("the invisible character U+%04X is not allowed", r), "remove it"
		}
	}
	return Place{}, "", ""
}
