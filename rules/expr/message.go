package expr

import (
	"strings"

	"weir/cep"
)

// maxMessage bounds a message, in characters.
const maxMessage = 500

// CompileMessage compiles a message: text with {expression} in it; {{ and }}
// stand for braces. Numbers are written as in JSON, durations in seconds, times
// as RFC 3339 in UTC, nil as `-`, a list with commas between its elements. What
// is beyond 500 characters is cut. The error is an *Error with its place in
// template.
func CompileMessage(template string, env Env) (func(*cep.Scope) string, error) {
	pieces, err := split(template, env.Lang)
	if err != nil {
		return nil, err
	}
	values := make([]valueFunc, len(pieces))
	for i, p := range pieces {
		if !p.isExpression {
			continue
		}
		f, err := CompileValue(p.text, env)
		if e, ok := err.(*Error); ok {
			return nil, &Error{Pos: e.Pos + p.pos, End: e.End + p.pos, Msg: e.Msg, Hint: e.Hint}
		}
		values[i] = f
	}
	return func(s *cep.Scope) string {
		var b strings.Builder
		for i, p := range pieces {
			if p.isExpression {
				b.WriteString(written(values[i](s)))
			} else {
				b.WriteString(p.text)
			}
		}
		text := b.String()
		return text[:runeOffset(text, maxMessage)]
	}, nil
}

// Placeholders gives the expressions of a message, without their braces: where each
// begins and ends, in bytes. There are none in a message whose braces do not match.
func (g Lang) Placeholders(template string) (spans [][2]int) {
	pieces, _ := split(template, g)
	for _, p := range pieces {
		if p.isExpression {
			spans = append(spans, [2]int{p.pos, p.pos + len(p.text)})
		}
	}
	return spans
}

// piece is a part of a message: text as it is, or an expression.
type piece struct {
	text         string
	pos          int // of an expression: its byte offset
	isExpression bool
}

// split takes a message apart.
func split(template string, lang Lang) ([]piece, error) {
	var pieces []piece
	var text strings.Builder
	for i := 0; i < len(template); i++ {
		c := template[i]
		switch {
		case c != '{' && c != '}':
			text.WriteByte(c)
		case i+1 < len(template) && template[i+1] == c:
			text.WriteByte(c)
			i++
		case c == '}':
			return nil, &Error{Pos: i, End: i + 1, Msg: "a } without {", Hint: "write }} for a brace"}
		default:
			end := closing(template, i+1, lang)
			if end < 0 {
				return nil, &Error{Pos: i, End: i + 1, Msg: "a { without }", Hint: "write {{ for a brace"}
			}
			if text.Len() > 0 {
				pieces = append(pieces, piece{text: text.String()})
				text.Reset()
			}
			pieces = append(pieces, piece{text: template[i+1 : end], pos: i + 1, isExpression: true})
			i = end
		}
	}
	if text.Len() > 0 {
		pieces = append(pieces, piece{text: text.String()})
	}
	return pieces, nil
}

// closing finds the brace that ends the expression at offset i: braces inside it
// come in pairs, and those in its strings do not count. It is -1 if there is none.
func closing(template string, i int, lang Lang) int {
	depth := 0
	for i < len(template) {
		switch template[i] {
		case '{':
			depth++
		case '}':
			if depth == 0 {
				return i
			}
			depth--
		}
		i = lang.pass(template, i)
	}
	return -1
}

// written is a value as it stands in a message.
func written(v cep.Value) string {
	switch v.Kind {
	case cep.Nil:
		return "-"
	case cep.List:
		list, _ := native(v).([]any)
		parts := make([]string, len(list))
		for i, x := range list {
			parts[i] = written(value(x))
			if _, ok := x.([]any); ok {
				parts[i] = encode(x)
			}
		}
		return strings.Join(parts, ", ")
	}
	return formatScalar(v)
}
