package expr

import (
	"errors"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
)

// maxLength bounds the text of an expression, in bytes. The parser nests as
// deep as the text does.
const maxLength = 1 << 14

// parse makes the syntax tree of an expression. Places in it are in characters.
func parse(text string, env *Env) (ast.Node, error) {
	switch {
	case len(text) > maxLength:
		return nil, &Error{Pos: 0, End: len(text), Msg: "the expression is longer than 16 KiB"}
	case !utf8.ValidString(text):
		return nil, &Error{Pos: 0, End: len(text), Msg: "the expression is not valid UTF-8"}
	case strings.TrimSpace(text) == "":
		return nil, &Error{Pos: 0, End: len(text), Msg: "the expression is empty", Hint: "expected a condition or a value"}
	}
	if env.Lang == LangCEL {
		return parseCEL(text, env)
	}
	tree, err := parser.Parse(text)
	if err == nil {
		return tree.Node, nil
	}
	var f *file.Error
	if !errors.As(err, &f) {
		return nil, &Error{Pos: 0, End: len(text), Msg: err.Error()}
	}
	pos, end := byteSpan(text, f.Location)
	return nil, syntaxError(text, pos, end, f.Message)
}

// byteSpan turns a span of characters into one of bytes.
func byteSpan(text string, l file.Location) (pos, end int) {
	pos = runeOffset(text, l.From)
	return pos, max(pos, runeOffset(text, l.To))
}

// misspelt are operators of other languages, and what stands for them here.
var misspelt = map[string]string{
	"=":   "write == to compare",
	"===": "write ==",
	"&":   "write && or bitand(a, b)",
	"<>":  "write !=",
	"|":   "`|` is followed by a function; write || for or",
	";":   "an expression is one value",
	"}":   "brackets do not match",
	")":   "brackets do not match",
	"]":   "brackets do not match",
}

// literal finds what may be a number in an expression.
var literal = regexp.MustCompile(`[0-9][0-9A-Za-z_.]*`)

const largeHint = "write a whole number of more than 18 digits with an exponent, like 1e20; the largest number is about 1.8e308"

// largeNumber is the fault of a number that cannot be held. at is a place near
// it, at which the parser stood; digits are its own, without `_`.
func largeNumber(text string, at int, digits string) *Error {
	e := &Error{Pos: at, End: at, Hint: largeHint}
	for _, m := range literal.FindAllStringIndex(text, -1) {
		if m[0] <= at && strings.ReplaceAll(text[m[0]:m[1]], "_", "") == digits {
			e.Pos, e.End = m[0], m[1]
		}
	}
	e.Msg = "the number " + tick(digits) + " is too large"
	return e
}

// syntaxError says in plain words what the parser found.
func syntaxError(text string, pos, end int, msg string) *Error {
	kind, found := strings.CutPrefix(msg, "unexpected token ")
	switch {
	case found && kind == "EOF" || msg == "unexpected end of expression":
		return &Error{Pos: len(text), End: len(text), Msg: "the expression ends too early", Hint: "expected a value"}
	case found && pos < len(text):
		token := text[pos:end]
		e := &Error{Pos: pos, End: end, Msg: "unexpected " + tick(token), Hint: misspelt[token]}
		if e.Hint == "" && strings.HasPrefix(kind, "Operator(") && Reserved(token) {
			e.Hint = tick(token) + " is a word of the language; a field of that name is event." + token
		}
		return e
	}
	if _, rest, ok := strings.Cut(msg, ` literal: strconv.`); ok && strings.HasSuffix(msg, "out of range") {
		return largeNumber(text, pos, strings.Split(rest, `"`)[1])
	}
	if pos == end && pos < len(text) {
		_, size := utf8.DecodeRuneInString(text[pos:])
		end = pos + size
	}
	return &Error{Pos: pos, End: end, Msg: msg}
}
