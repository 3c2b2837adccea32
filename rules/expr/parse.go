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

	"AND": "write and, or &&", "OR": "write or, or ||", "NOT": "write not, or !", "IN": "write in, with a list like [1, 2]",
	"LIKE": "write contains, startsWith, endsWith or matches", "like": "write contains, startsWith, endsWith or matches",
	"BETWEEN": "write both bounds: x >= 1 && x <= 10", "between": "write both bounds: x >= 1 && x <= 10",
	"IS": "write == nil or != nil", "is": "write == nil or != nil",
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

// bar finds a text that ends with a single `|` and a name.
var bar = regexp.MustCompile(`(^|[^|])\|\s*[A-Za-z_][A-Za-z0-9_.]*\s*$`)

// unclosed finds the last bracket and the quote that a text does not close; -1
// where there is none.
func unclosed(text string) (bracket, quote int) {
	var open []int
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '(', '[', '{':
			open = append(open, i)
		case ')', ']', '}':
			if len(open) > 0 {
				open = open[:len(open)-1]
			}
		case '"', '\'', '`':
			begin := i
			for i++; i < len(text) && text[i] != c; i++ {
				if text[i] == '\\' && c != '`' {
					i++
				}
			}
			if i >= len(text) {
				return -1, begin
			}
		}
	}
	if len(open) == 0 {
		return -1, -1
	}
	return open[len(open)-1], -1
}

// syntaxError says in plain words what the parser found.
func syntaxError(text string, pos, end int, msg string) *Error {
	kind, found := strings.CutPrefix(msg, "unexpected token ")
	switch {
	case found && kind == "EOF" || msg == "unexpected end of expression":
		e := &Error{Pos: len(text), End: len(text), Msg: "the expression ends too early", Hint: "expected a value"}
		if open, _ := unclosed(text); open >= 0 {
			e.Hint = "`" + text[open:open+1] + "` is not closed"
		}
		return e
	case msg == "literal not terminated":
		if _, quote := unclosed(text); quote >= 0 {
			return &Error{Pos: quote, End: len(text), Msg: "the string is not closed", Hint: "end it with " + text[quote:quote+1]}
		}
	case strings.HasPrefix(msg, "unrecognized character") && strings.ContainsAny(msg, "“”„‘’"):
		_, size := utf8.DecodeRuneInString(text[pos:])
		return &Error{Pos: pos, End: pos + size, Msg: "unexpected " + tick(text[pos:pos+size]), Hint: "strings stand between straight quotes, like \"this\""}
	case msg == "invalid char escape":
		return &Error{Pos: pos, End: max(end, min(pos+1, len(text))), Msg: "no such escape in a string", Hint: "write the backslash twice, or put the string between backticks"}
	case found && bar.MatchString(text[:pos]):
		at := strings.LastIndexByte(text[:pos], '|')
		return &Error{Pos: at, End: at + 1, Msg: "unexpected `|`", Hint: misspelt["|"]}
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
