package format

import (
	"strings"
	"unicode/utf8"

	"weir/rules/source"

	"go.yaml.in/yaml/v4"
)

// pieceKind is what a piece is.
type pieceKind byte

const (
	scalar    pieceKind = iota
	dash                // of an entry of a block list
	opening             // { or [
	closing             // } or ]
	comment             // without the space behind it
	directive           // a line like %YAML 1.2
	marker              // ---
	end                 // of the file
)

// piece is a part of a file that is written again. The rest is space and
// punctuation that follows from the nodes.
type piece struct {
	kind     pieceKind
	from, to int        // bytes of the text
	node     *yaml.Node // of a scalar
	column   int        // characters before it in its line; exact of comments and of what begins an entry of a block
	first    bool       // it begins its line
	broken   bool       // a line break stands between it and the piece before
	blank    bool       // an empty line too
}

// splitter cuts a text into pieces.
type splitter struct {
	src           *source.Source
	pieces        []piece
	at            int
	lineAt        int  // where the line of at begins
	first         bool // nothing but space stands in it before at
	broken, blank bool
	strange       bool // something stands between scalars that is no punctuation
}

// split gives the pieces of a document without findings; false: it holds
// something else.
func split(doc *source.Document) ([]piece, bool) {
	s := &splitter{src: doc.Src, first: true}
	if doc.Root != nil {
		s.node(doc, doc.Root)
	}
	s.gap(len(s.src.Text))
	s.add(piece{kind: end, from: s.at, to: s.at})
	return s.pieces, !s.strange
}

// node adds the scalars of n and below, each with what stands before it.
func (s *splitter) node(doc *source.Document, n *yaml.Node) {
	if n.Kind != yaml.ScalarNode {
		for _, c := range n.Content {
			s.node(doc, c)
		}
		return
	}
	if n.Value == "" && n.Style == 0 {
		return // nothing stands for it
	}
	from := s.src.Offset(n.Line, n.Column)
	s.gap(from)
	p := piece{kind: scalar, from: from, to: s.scalarEnd(doc, n, from), node: n}
	s.add(p)
	s.pass(p.to)
}

// scalarEnd finds where a scalar ends that begins at from.
func (s *splitter) scalarEnd(doc *source.Document, n *yaml.Node, from int) int {
	switch {
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		_, to := blockLines(s.src.Text, from, n.Value)
		return to
	case n.Style&yaml.SingleQuotedStyle != 0:
		return quoteEnd(s.src.Text, from, '\'')
	case n.Style&yaml.DoubleQuotedStyle != 0:
		return quoteEnd(s.src.Text, from, '"')
	}
	return source.Node{Doc: doc, YAML: n}.Place().To
}

// quoteEnd gives the place behind the quote that closes the one at from.
func quoteEnd(text string, from int, quote byte) int {
	for i := from + 1; i < len(text); i++ {
		switch {
		case quote == '"' && text[i] == '\\':
			i++
		case text[i] != quote:
		case quote == '\'' && i+1 < len(text) && text[i+1] == quote:
			i++
		default:
			return i + 1
		}
	}
	return len(text)
}

func (s *splitter) add(p piece) {
	p.column, p.first, p.broken, p.blank = p.from-s.lineAt, s.first, s.broken, s.blank
	if p.kind == comment { // of the others, those whose column matters have only spaces and dashes before them
		p.column = utf8.RuneCountInString(s.src.Text[s.lineAt:p.from])
	}
	s.pieces = append(s.pieces, p)
	s.broken, s.blank = false, false
}

// pass goes on to a place behind text.
func (s *splitter) pass(to int) {
	if i := strings.LastIndexAny(s.src.Text[s.at:to], "\r\n"); i >= 0 {
		s.lineAt = s.at + i + 1
	}
	s.at, s.first = to, false
}

// gap adds what stands between scalars up to a place.
func (s *splitter) gap(to int) {
	text := s.src.Text
	for s.at < to {
		switch c := text[s.at]; {
		case c == ' ' || c == '\t':
			s.at++
		case c == '\n' || c == '\r':
			s.lineBreak()
		case c == '#':
			s.piece(comment, s.lineEnd())
		case s.at == s.lineAt && c == '%':
			s.piece(directive, s.directiveEnd())
		case s.at == s.lineAt && strings.HasPrefix(text[s.at:], "---"):
			s.piece(marker, s.at+3)
		case s.at == s.lineAt && strings.HasPrefix(text[s.at:], "..."):
			s.pass(s.at + 3)
		case c == '-':
			s.piece(dash, s.at+1)
		case c == '{' || c == '[':
			s.piece(opening, s.at+1)
		case c == '}' || c == ']':
			s.piece(closing, s.at+1)
		default:
			s.strange = s.strange || !strings.ContainsRune(",:?", rune(c))
			s.pass(s.at + 1)
		}
	}
}

func (s *splitter) piece(kind pieceKind, to int) {
	p := piece{kind: kind, from: s.at, to: s.at + len(strings.TrimRight(s.src.Text[s.at:to], " \t"))}
	s.add(p)
	s.pass(to)
}

// lineBreak passes the break at hand.
func (s *splitter) lineBreak() {
	if strings.HasPrefix(s.src.Text[s.at:], "\r\n") {
		s.at++
	}
	s.at++
	s.blank = s.blank || s.first && s.broken
	s.lineAt, s.first, s.broken = s.at, true, true
}

// lineEnd gives the place of the next line break.
func (s *splitter) lineEnd() int {
	if i := strings.IndexAny(s.src.Text[s.at:], "\r\n"); i >= 0 {
		return s.at + i
	}
	return len(s.src.Text)
}

// directiveEnd gives the place where a directive ends or its comment begins.
func (s *splitter) directiveEnd() int {
	end := s.lineEnd()
	if i := strings.Index(s.src.Text[s.at:end], " #"); i >= 0 {
		return s.at + i
	}
	return end
}
