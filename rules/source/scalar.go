package source

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// span is where a byte of a scalar's value stands in the file.
type span struct{ from, to int }

// unfold reads the scalar n again from the source and gives the place of each
// byte of its value: YAML joins lines, drops indentation and decodes escapes,
// and tells nobody where. ok is false where the source does not say what n
// does; that is so only for a node with a tag or an anchor before it.
func (s *Source) unfold(n *yaml.Node) (spans []span, ok bool) {
	at := s.Offset(n.Line, n.Column)
	u := unfolding{src: s.Text, want: n.Value}
	switch {
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return u.block(at, n.Style&yaml.LiteralStyle != 0)
	case n.Style&yaml.DoubleQuotedStyle != 0:
		u.flow(at+1, '"')
	case n.Style&yaml.SingleQuotedStyle != 0:
		u.flow(at+1, '\'')
	default:
		u.flow(at, 0)
	}
	return u.spans, string(u.got) == n.Value
}

// unfolding is the decoding of one scalar, as far as its value is long.
type unfolding struct {
	src   string
	want  string
	got   []byte
	spans []span
}

func (u *unfolding) done() bool { return len(u.got) >= len(u.want) }

func (u *unfolding) put(text string, from, to int) {
	for i := range len(text) {
		u.got = append(u.got, text[i])
		u.spans = append(u.spans, span{from, to})
	}
}

// flow decodes a plain scalar (quote 0) or what follows an opening quote.
func (u *unfolding) flow(at int, quote byte) {
	for !u.done() && at < len(u.src) {
		next, breaks := u.fold(at)
		c := u.src[at]
		switch {
		case len(breaks) == 1:
			u.put(" ", breaks[0].from, breaks[0].to)
			at = next
		case len(breaks) > 1:
			for _, b := range breaks[1:] {
				u.put("\n", b.from, b.to)
			}
			at = next
		case quote == '\'' && c == '\'':
			u.put("'", at, at+2)
			at += 2
		case quote == '"' && c == '\\':
			at = u.escape(at)
		default:
			u.put(u.src[at:at+1], at, at+1)
			at++
		}
	}
}

// fold looks for line breaks at `at`, behind blanks; it gives the place behind
// them and the blanks that follow.
func (u *unfolding) fold(at int) (next int, breaks []span) {
	at = u.blanks(at)
	for {
		n := breakAt(u.src, at)
		if n == 0 {
			return at, breaks
		}
		breaks = append(breaks, span{at, at + n})
		at = u.blanks(at + n)
	}
}

func (u *unfolding) blanks(at int) int {
	for at < len(u.src) && (u.src[at] == ' ' || u.src[at] == '\t') {
		at++
	}
	return at
}

// escape decodes the escape at `at` and gives the place behind it.
func (u *unfolding) escape(at int) int {
	if at+1 >= len(u.src) {
		return len(u.src)
	}
	if n := breakAt(u.src, at+1); n > 0 { // an escaped break is nothing, more breaks are themselves
		next, breaks := u.fold(at + 1 + n)
		for _, b := range breaks {
			u.put("\n", b.from, b.to)
		}
		return next
	}
	c := u.src[at+1]
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
	end := min(at+2+digits, len(u.src))
	if digits == 0 {
		const codes, values = "0abtnvfre NPL_", "\x00\a\b\t\n\v\f\r\x1b "
		i := strings.IndexByte(codes, c)
		switch {
		case c == '\t' || i < 0:
			u.put(string(c), at, end)
		case i < len(values):
			u.put(values[i:i+1], at, end)
		default:
			u.put(map[byte]string{'N': "\u0085", 'P': "\u2029", 'L': "\u2028", '_': "\u00a0"}[c], at, end)
		}
		return end
	}
	var r rune
	for _, d := range []byte(u.src[at+2 : end]) {
		r = r<<4 | rune(strings.IndexByte("0123456789abcdef", d|0x20))
	}
	u.put(string(r), at, end)
	return end
}

// block decodes a block scalar whose header begins at `at`. How far it is
// indented is known to YAML's parser alone; the right depth is the one that
// gives the value.
func (u *unfolding) block(at int, literal bool) (spans []span, ok bool) {
	for at < len(u.src) && breakAt(u.src, at) == 0 {
		at++
	}
	at += breakAt(u.src, at)
	deepest := 0
	for i := at; i < len(u.src); {
		j := i
		for j < len(u.src) && u.src[j] == ' ' {
			j++
		}
		deepest = max(deepest, j-i)
		n := breakAt(u.src, j)
		if n == 0 {
			break
		}
		i = j + n
	}
	for indent := deepest; indent >= 0; indent-- {
		try := unfolding{src: u.src, want: u.want}
		try.lines(at, indent, literal)
		for !try.done() && u.want[len(try.got)] == '\n' {
			try.put("\n", len(u.src), len(u.src)) // of a last line that has no break, which YAML adds
		}
		if try.done() && string(try.got[:len(u.want)]) == u.want {
			return try.spans[:len(u.want)], true
		}
	}
	return nil, false
}

// lines decodes the lines of a block scalar as YAML's scanner does: a break
// between two lines that begin with text is folded. It may give more than the
// value at the end, where the header says how many breaks are kept.
func (u *unfolding) lines(at, indent int, literal bool) {
	var lead *span // the break behind the line before
	wasBlank := false
	for !u.done() {
		next, empty, inside := u.emptyLines(at, indent)
		at = next
		blank := inside && (u.src[at] == ' ' || u.src[at] == '\t')
		switch {
		case lead == nil:
		case literal || wasBlank || blank || !inside:
			u.put("\n", lead.from, lead.to)
		case len(empty) == 0:
			u.put(" ", lead.from, lead.to)
		}
		for _, b := range empty {
			u.put("\n", b.from, b.to)
		}
		if !inside {
			return
		}
		wasBlank = blank
		for at < len(u.src) && breakAt(u.src, at) == 0 {
			u.put(u.src[at:at+1], at, at+1)
			at++
		}
		n := breakAt(u.src, at)
		lead = &span{at, at + n}
		at += n
	}
}

// emptyLines passes empty lines and the indentation of the line after them. That
// line belongs to the scalar if inside.
func (u *unfolding) emptyLines(at, indent int) (next int, empty []span, inside bool) {
	for {
		i := at
		for i < len(u.src) && i-at < indent && u.src[i] == ' ' {
			i++
		}
		n := breakAt(u.src, i)
		if n == 0 {
			return i, empty, i < len(u.src) && i-at == indent
		}
		empty = append(empty, span{i, i + n})
		at = i + n
	}
}
