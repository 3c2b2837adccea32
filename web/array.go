package web

import (
	"bytes"
	"net/http"
)

// array is how far a body of JSON has been read: one event, or an array of them.
type array struct {
	at    place
	depth int  // of objects and arrays that are open in the event
	text  bool // in a string
	slash bool // after the backslash in it
	where spot // of the first byte of the event
	long  bool // the event is too long: its rest is passed over
	blind bool // where an event ends is not guessed any more
	seen  int  // bytes from piece.from that have been looked at, of an event that was cut off
}

type place uint8

const (
	atStart place = iota // of the body
	atFirst              // after [
	atValue              // after a comma
	inOne                // in an event that is the body
	inItem               // in one of an array
	atComma              // after one
	atEnd                // nothing follows
)

// spot is a place in a body.
type spot struct{ line, column int } // from 1

// cutValues takes the events of a body of JSON from a piece. The line ends in an event
// become spaces, as a line of the log has none.
func cutValues(t *intake, p *piece) error {
	a := &t.array
	text := p.buffer[:p.end]
	out, begin := 0, p.from // the byte before the text is free: so lines end before what follows them
	i := p.from + a.seen
	for i < p.end {
		if a.at != inOne && a.at != inItem {
			c := text[i]
			if c == ' ' || c == '\t' || c == '\r' || c == '\n' {
				t.pass(text[i : i+1])
				i++
				continue
			}
			where := spot{t.line, t.col + 1}
			switch {
			case a.at == atStart && c == '[':
				a.at = atFirst
			case a.at == atFirst && c == ']', a.at == atComma && c == ']':
				a.at = atEnd
			case a.at == atComma && c == ',':
				a.at = atValue
			case a.at == atComma:
				return malformed(where, "`,` or `]` after an event")
			case a.at == atEnd:
				return malformed(where, "nothing after the end of the body: many events are an array, or application/x-ndjson")
			case c == ',' || c == ']' || c == '}' || c == ':':
				return malformed(where, "an event")
			default:
				a.at, begin, a.where = a.within(), i, where
				a.long = false
				if n := a.guess(text[i:p.end]); n > 0 {
					if a.blind = t.decode(text[i:i+n]) != nil; !a.blind {
						i += n
						t.pass(text[begin:i])
						out = t.keep(p, out, text[begin:i])
						begin = i
						a.after()
					}
				}
				continue
			}
			t.pass(text[i : i+1])
			i++
			continue
		}
		n, whole := a.span(text[i:p.end])
		i += n
		if !whole && !p.ended {
			break
		}
		if !whole && (a.depth > 0 || a.text) {
			return malformed(a.where, "an event that ends: the body is cut off in it")
		}
		t.pass(text[begin:i])
		if a.long {
			t.reject(a.where.line, a.where.column, tooLong)
		} else {
			out = t.value(p, out, text[begin:i])
		}
		begin = i
		a.after()
	}
	return t.leave(p, out, begin, i)
}

// leave says what of a piece has been cut up to i, where the event that began at begin may
// go on.
func (t *intake) leave(p *piece, out, begin, i int) error {
	a := &t.array
	p.lines = p.buffer[:out]
	p.from, a.seen = i, 0
	if a.at == inOne || a.at == inItem {
		switch {
		case a.long || i-begin > maxLine:
			a.long = true
			t.pass(p.buffer[begin:i])
		default:
			p.from, a.seen = begin, i-begin
		}
	}
	if p.ended && a.at != atEnd {
		return malformed(spot{t.line, t.col + 1}, "a JSON object or an array of them that ends: the body is cut off")
	}
	return nil
}

// within is where an event begins.
func (a *array) within() place {
	if a.at == atStart {
		return inOne
	}
	return inItem
}

// after is where an event has ended.
func (a *array) after() {
	if a.at == inOne {
		a.at = atEnd
	} else {
		a.at = atComma
	}
}

// guess returns how many bytes of text belong to the event that it begins with, if it is one like
// most: the first } that ends an item of an array ends the event too. The engine's reader takes
// it only where that is so, as no object goes on after its end. 0: it does not look like that, or
// was wrong before in this body. What the reader says of each event costs less than to look
// for its end first, byte by byte.
func (a *array) guess(text []byte) int {
	if a.blind || a.at != inItem || text[0] != '{' {
		return 0
	}
	for i := 0; ; {
		n := bytes.IndexByte(text[i:], '}')
		if n < 0 {
			return 0
		}
		i += n + 1
		rest := bytes.TrimLeft(text[i:], " \t\r\n")
		if len(rest) > 1 && rest[0] == ',' {
			if rest = bytes.TrimLeft(rest[1:], " \t\r\n"); len(rest) > 0 && rest[0] == '{' {
				return i
			}
		}
	}
}

// span returns how many bytes of text, which begins in an event, belong to it, and whether
// it ends with them. What the event is made of checks the engine's reader.
func (a *array) span(text []byte) (int, bool) {
	for i := 0; i < len(text); {
		if a.text {
			n, ends := a.string(text[i:])
			i += n
			if ends && a.depth == 0 {
				return i, true
			}
			continue
		}
		switch text[i] {
		case '"':
			a.text = true
		case '{', '[':
			a.depth++
		case '}', ']':
			if a.depth == 0 {
				return i, true // of a number in an array
			}
			if a.depth--; a.depth == 0 {
				return i + 1, true
			}
		case ',', ' ', '\t', '\r', '\n':
			if a.depth == 0 {
				return i, true
			}
		}
		i++
	}
	return len(text), false
}

// string passes over the rest of a string, and says whether it ends there.
func (a *array) string(text []byte) (int, bool) {
	i := 0
	if a.slash {
		i, a.slash = 1, false
	}
	for i < len(text) {
		switch text[i] {
		case '"':
			a.text = false
			return i + 1, true
		case '\\':
			if i++; i == len(text) {
				a.slash = true
			}
		}
		i++
	}
	return len(text), false
}

// value checks an event of a body of JSON, as add does a line.
func (t *intake) value(p *piece, out int, value []byte) int {
	if why := t.decode(value); why != nil {
		at := t.spotIn(value, why.Column-1)
		t.reject(at.line, at.column, why.Reason)
		return out
	}
	return t.keep(p, out, value)
}

// keep puts an event where the lines of events end, and returns where they end then.
func (t *intake) keep(p *piece, out int, value []byte) int {
	p.n++
	n := copy(p.buffer[out:], value)
	blank(p.buffer[out:out+n], '\n')
	blank(p.buffer[out:out+n], '\r')
	p.buffer[out+n] = '\n'
	return out + n + 1
}

// blank makes spaces of all c.
func blank(text []byte, c byte) {
	for i := bytes.IndexByte(text, c); i >= 0; i = bytes.IndexByte(text, c) {
		text[i] = ' '
		text = text[i+1:]
	}
}

// pass moves on over bytes of the body.
func (t *intake) pass(text []byte) {
	for i := bytes.IndexByte(text, '\n'); i >= 0; i = bytes.IndexByte(text, '\n') {
		t.line++
		t.col = 0
		text = text[i+1:]
	}
	t.col += len(text)
}

var newline = []byte("\n")

// spotIn is the place of a byte of an event.
func (t *intake) spotIn(value []byte, i int) spot {
	before := value[:min(i, len(value))]
	at := t.array.where
	if last := bytes.LastIndexByte(before, '\n'); last >= 0 {
		return spot{at.line + bytes.Count(before, newline), len(before) - last}
	}
	return spot{at.line, at.column + len(before)}
}

func malformed(at spot, expected string) error {
	return problem(http.StatusBadRequest, codeBody, "line %d, column %d of the body: expected %s", at.line, at.column, expected)
}
