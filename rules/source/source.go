package source

import (
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"
)

// Source is the text of a file and where its lines begin.
type Source struct {
	Path  string
	Text  string  // without a byte order mark; as mended, where it is
	lines []int   // byte offsets at which lines begin
	wide  []bool  // lines with characters of more than one byte
	runes []int32 // characters that begin before every 64th byte
	mark  int     // length of the byte order mark before Text

	given *Source // the text before it was mended; nil: this is it
	mends []Edit  // of given.Text, in order
	lost  []int   // lines at which rules began that were taken out
}

const stride = 64 // bytes from one entry of Source.runes to the next

// New makes a Source of the text of a file.
func New(path, text string) *Source {
	whole := len(text)
	text = strings.TrimPrefix(text, "\ufeff")
	s := &Source{Path: path, Text: text, mark: whole - len(text)}
	breaks := max(strings.Count(text, "\n"), strings.Count(text, "\r"))
	s.lines = append(make([]int, 0, 1+breaks), 0)
	s.wide = append(make([]bool, 0, 1+breaks), false)
	s.runes = make([]int32, 0, len(text)/stride+1)
	begun := int32(0)
	for i := range len(text) {
		if i%stride == 0 {
			s.runes = append(s.runes, begun)
		}
		c := text[i]
		if utf8.RuneStart(c) {
			begun++
		} else {
			s.wide[len(s.wide)-1] = true
		}
		if c == '\n' || c == '\r' && breakAt(text, i) == 1 {
			s.lines = append(s.lines, i+1)
			s.wide = append(s.wide, false)
		}
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

// before counts the characters that begin before a byte.
func (s *Source) before(offset int) int {
	if offset == 0 {
		return 0
	}
	i := (offset - 1) / stride
	n := int(s.runes[i])
	for at := i * stride; at < offset; at++ {
		if utf8.RuneStart(s.Text[at]) {
			n++
		}
	}
	return n
}

// Offset gives the byte at a line and column, both from 1; a column counts
// characters. What lies outside gives the nearest place inside.
func (s *Source) Offset(line, column int) int {
	line = min(max(line, 1), len(s.lines))
	begin, end := s.lines[line-1], s.LineEnd(line)
	if column-1 >= end-begin {
		column = end - begin + 1
	}
	if column <= 1 || !s.wide[line-1] {
		return begin + max(column, 1) - 1
	}
	n := s.before(begin) + column - 1 // characters before the one that is looked for
	i := sort.Search(len(s.runes), func(i int) bool { return int(s.runes[i]) > n }) - 1
	at, have := max(begin, i*stride), 0
	for have = s.before(at); at < end; at++ {
		if utf8.RuneStart(s.Text[at]) {
			if have == n {
				break
			}
			have++
		}
	}
	return at
}

// LineEnd gives the offset of the break that ends a line, or of the end.
func (s *Source) LineEnd(line int) int {
	if line == len(s.lines) {
		return len(s.Text)
	}
	end := s.lines[line] - 1
	if end > s.lines[line-1] && s.Text[end] == '\n' && s.Text[end-1] == '\r' {
		end--
	}
	return end
}

// line gives the text of a line, from 1.
func (s *Source) line(n int) string { return s.Text[s.lines[n-1]:s.LineEnd(n)] }

// Position gives line and column, from 1, of a byte.
func (s *Source) Position(offset int) (line, column int) {
	offset = min(max(offset, 0), len(s.Text))
	line = sort.Search(len(s.lines), func(i int) bool { return s.lines[i] > offset })
	begin := s.lines[line-1]
	if !s.wide[line-1] {
		return line, offset - begin + 1
	}
	return line, s.before(offset) - s.before(begin) + 1
}

// Place is a part of a source: the bytes from `from` up to `to`.
type Place struct {
	Src      *Source
	From, To int
}

// given gives the place in the text as it was before it was mended.
func (p Place) given() Place {
	if p.Src.given == nil {
		return p
	}
	return Place{p.Src.given, p.Src.unmended(p.From), p.Src.unmended(p.To)}
}

// characters reports what stands in a text and in no YAML that Weir reads. It
// gives the text without that, or nil where it is no text at all.
func (f *Findings) characters(s *Source) *Source {
	const most = 100 // more is no slip
	var mends []Edit
	encoded := true
	for i, r := range s.Text {
		if r >= ' ' && r < 0x7f || r == '\n' {
			continue
		}
		_, n := utf8.DecodeRuneInString(s.Text[i:])
		at, msg := Place{s, i, i + n}, ""
		switch {
		case r == utf8.RuneError && n == 1:
			if encoded { // once: it is one mistake
				f.Add(at, CodeYAML, "the text is not UTF-8", "save the file as UTF-8")
			}
			encoded = false
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r >= 0x7f && r < 0xa0, r == 0xfffe, r == 0xffff:
			msg = fmt.Sprintf("the control character U+%04X is not allowed", r)
		case r == 0x2028, r == 0x2029, r == 0xfeff:
			msg = fmt.Sprintf("the invisible character U+%04X is not allowed", r)
		default:
			continue
		}
		if len(mends) == most {
			return nil
		}
		mends = append(mends, Edit{i, i + n, ""})
		if msg != "" {
			f.Add(at, CodeYAML, msg, "remove it")
		}
	}
	if mends == nil {
		return s
	}
	return s.mend(mends)
}
