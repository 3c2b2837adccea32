package rules

import (
	"sort"
	"unicode/utf8"
)

// source is the text of a file and where its lines begin.
type source struct {
	path  string
	text  string // without a byte order mark
	lines []int  // byte offsets at which lines begin
	seen  mark   // the last place looked up: long lines are counted once, not for every place in them
}

// mark is a byte with its line and column.
type mark struct{ line, column, at int }

func newSource(path, text string) *source {
	const mark = "\ufeff"
	if len(text) >= len(mark) && text[:len(mark)] == mark {
		text = text[len(mark):]
	}
	s := &source{path: path, text: text, lines: []int{0}}
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

// offset gives the byte at a line and column, both from 1; a column counts
// characters. What lies outside gives the nearest place inside.
func (s *source) offset(line, column int) int {
	line = min(max(line, 1), len(s.lines))
	if line != s.seen.line || column < s.seen.column {
		s.seen = mark{line, 1, s.lines[line-1]}
	}
	m := &s.seen
	for m.column < column && m.at < len(s.text) && breakAt(s.text, m.at) == 0 {
		_, n := utf8.DecodeRuneInString(s.text[m.at:])
		m.at, m.column = m.at+n, m.column+1
	}
	return m.at
}

// lineEnd gives the offset of the break that ends a line, or of the end.
func (s *source) lineEnd(line int) int {
	at := s.lines[line-1]
	for at < len(s.text) && breakAt(s.text, at) == 0 {
		at++
	}
	return at
}

// position gives line and column, from 1, of a byte.
func (s *source) position(offset int) (line, column int) {
	offset = min(max(offset, 0), len(s.text))
	line = sort.Search(len(s.lines), func(i int) bool { return s.lines[i] > offset })
	if line != s.seen.line || offset < s.seen.at {
		s.seen = mark{line, 1, s.lines[line-1]}
	}
	s.seen.column += utf8.RuneCountInString(s.text[s.seen.at:offset])
	s.seen.at = offset
	return line, s.seen.column
}

// place is a part of a source: the bytes from `from` up to `to`.
type place struct {
	src      *source
	from, to int
}

// fault says why a text is no YAML text that Weir reads, and where.
func (s *source) fault() (p place, msg, hint string) {
	for i, r := range s.text {
		_, n := utf8.DecodeRuneInString(s.text[i:])
		at := place{s, i, i + n}
		switch {
		case r == utf8.RuneError && n == 1:
			return at, "the text is not UTF-8", "save the file as UTF-8"
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r >= 0x7f && r < 0xa0, r == 0xfffe, r == 0xffff:
			return at, sprintf("the control character U+%04X is not allowed", r), "remove it"
		case r == 0x2028, r == 0x2029, r == 0xfeff:
			return at, sprintf("the invisible character U+%04X is not allowed", r), "remove it"
		}
	}
	return place{}, "", ""
}
