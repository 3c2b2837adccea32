package source

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// span is a part of the file.
type span struct{ from, to int }

// unfold reads the scalar n again from the source and says where the bytes from
// up to to of its value stand, at most at its end: YAML joins lines, drops
// indentation and decodes escapes, and tells nobody where. ok is false where the
// value is empty, or the source does not say what n does; that is so only for a
// node with a tag or an anchor before it.
func (s *Source) unfold(n *yaml.Node, from, to int) (at span, ok bool) {
	u := unfolding{src: s.Text, want: n.Value, first: min(from, len(n.Value)-1), last: min(to, len(n.Value)) - 1}
	switch begin := s.Offset(n.Line, n.Column); {
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		u.block(begin, n.Style&yaml.LiteralStyle != 0)
	case n.Style&yaml.DoubleQuotedStyle != 0:
		u.flow(begin+1, '"')
	case n.Style&yaml.SingleQuotedStyle != 0:
		u.flow(begin+1, '\'')
	default:
		u.flow(begin, 0)
	}
	at.from = u.begins.from
	if from >= len(n.Value) {
		at.from = u.begins.to
	}
	if at.to = at.from; to > from {
		at.to = max(u.ends, at.from)
	}
	return at, n.Value != "" && !u.wrong && u.got == len(u.want)
}

// unfolding is the decoding of one scalar, as far as its value is long.
type unfolding struct {
	src   string
	want  string
	got   int  // bytes of want that were read
	wrong bool // another byte than that of want was read

	first, last int  // bytes of the value that are looked for
	begins      span // place of first
	ends        int  // end of last
}

func (u *unfolding) done() bool { return u.wrong || u.got >= len(u.want) }

// put takes text, which stands from up to to, as the next bytes of the value.
func (u *unfolding) put(text string, from, to int) {
	if u.done() {
		return
	}
	text = text[:min(len(text), len(u.want)-u.got)]
	if u.want[u.got:u.got+len(text)] != text {
		u.wrong = true
		return
	}
	next := u.got + len(text)
	if u.got <= u.first && u.first < next {
		u.begins = span{from, to}
	}
	if u.got <= u.last && u.last < next {
		u.ends = to
	}
	u.got = next
}

// flow decodes a plain scalar (quote 0) or what follows an opening quote.
func (u *unfolding) flow(at int, quote byte) {
	for !u.done() && at < len(u.src) {
		switch c := u.src[at]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			at = u.fold(at)
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

// fold decodes blanks and breaks: one break is a blank, of more the first is
// nothing, and blanks around breaks are nothing. It gives the place behind them.
func (u *unfolding) fold(at int) (next int) {
	first := u.blanks(at)
	n := breakAt(u.src, first)
	if n == 0 {
		for ; at < first; at++ {
			u.put(u.src[at:at+1], at, at+1)
		}
		return first
	}
	next = u.blanks(first + n)
	if breakAt(u.src, next) == 0 {
		u.put(" ", first, first+n)
		return next
	}
	return u.breaks(next)
}

// breaks decodes breaks that are themselves, and drops the blanks around them.
func (u *unfolding) breaks(at int) (next int) {
	at = u.blanks(at)
	for {
		n := breakAt(u.src, at)
		if n == 0 {
			return at
		}
		u.put("\n", at, at+n)
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
		return u.breaks(at + 1 + n)
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

// block decodes a block scalar whose header begins at `at`.
func (u *unfolding) block(at int, literal bool) {
	for at < len(u.src) && breakAt(u.src, at) == 0 {
		at++
	}
	at += breakAt(u.src, at)
	u.lines(at, u.indentation(at), literal)
	for !u.done() && u.want[u.got] == '\n' {
		u.put("\n", len(u.src), len(u.src)) // of a last line that has no break, which YAML adds
	}
}

// indentation gives how far the lines of a block scalar from `at` on are
// indented. YAML's parser alone knows; it is by how much a line begins with more
// blanks than the value has there.
func (u *unfolding) indentation(at int) int {
	most := 0
	for value := 0; ; value++ {
		i := at
		for i < len(u.src) && u.src[i] == ' ' {
			i++
		}
		if value == len(u.want) || u.want[value] != '\n' || breakAt(u.src, i) == 0 {
			kept := len(u.want[value:]) - len(strings.TrimLeft(u.want[value:], " "))
			if value == len(u.want) {
				return max(most, i-at) // no line has text
			}
			return max(i-at-kept, 0)
		}
		most = max(most, i-at)
		at = i + breakAt(u.src, i)
	}
}

// lines decodes the lines of a block scalar as YAML's scanner does: a break
// between two lines that begin with text is folded. It may give more than the
// value at the end, where the header says how many breaks are kept.
func (u *unfolding) lines(at, indent int, literal bool) {
	var lead span // the break behind the line before
	begun, wasBlank := false, false
	for !u.done() {
		empties := at
		next, inside := u.emptyLines(at, indent)
		at = next
		blank := inside && (u.src[at] == ' ' || u.src[at] == '\t')
		switch {
		case !begun:
		case literal || wasBlank || blank || !inside:
			u.put("\n", lead.from, lead.to)
		case !u.broken(empties, next):
			u.put(" ", lead.from, lead.to)
		}
		for i := empties; i < next; i++ {
			if n := breakAt(u.src, i); n > 0 {
				u.put("\n", i, i+n)
				i += n - 1
			}
		}
		if !inside {
			return
		}
		begun, wasBlank = true, blank
		for at < len(u.src) && breakAt(u.src, at) == 0 {
			u.put(u.src[at:at+1], at, at+1)
			at++
		}
		n := breakAt(u.src, at)
		lead = span{at, at + n}
		at += n
	}
}

// broken says whether there is a break between two places.
func (u *unfolding) broken(from, to int) bool { return strings.ContainsAny(u.src[from:to], "\r\n") }

// emptyLines passes empty lines and the indentation of the line after them. That
// line belongs to the scalar if inside.
func (u *unfolding) emptyLines(at, indent int) (next int, inside bool) {
	for {
		i := at
		for i < len(u.src) && i-at < indent && u.src[i] == ' ' {
			i++
		}
		n := breakAt(u.src, i)
		if n == 0 {
			return i, i < len(u.src) && i-at == indent
		}
		at = i + n
	}
}
