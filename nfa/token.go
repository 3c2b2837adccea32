package nfa

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokEnd        tokenKind = iota
	tokBad                  // no token of the language: parser.bad says why
	tokName                 // NAME, until, within
	tokNumber               // begins with a digit: a count or a duration
	tokParam                // $NAME
	tokNext                 // ,
	tokFollow               // ->
	tokAny                  // ->>
	tokBound                // -[
	tokOpenBound            // [
	tokCloseBound           // ]
	tokLess                 // <
	tokMore                 // >
	tokTo                   // ..
	tokNot                  // !
	tokMaybe                // ?
	tokStar                 // *
	tokPlus                 // +
	tokOpenCount            // {
	tokCloseCount           // }
	tokOpen                 // (
	tokClose                // )
	tokOr                   // |
	tokAnd                  // &
)

// token is a piece of the pattern text, [pos, end).
type token struct {
	kind     tokenKind
	pos, end int
}

// symbols holds longer symbols before those that they begin with.
var symbols = [...]struct {
	text string
	kind tokenKind
}{
	{"->>", tokAny},
	{"->", tokFollow},
	{"-[", tokBound},
	{",", tokNext},
	{"[", tokOpenBound},
	{"]", tokCloseBound},
	{"<", tokLess},
	{">", tokMore},
	{"..", tokTo},
	{"!", tokNot},
	{"?", tokMaybe},
	{"*", tokStar},
	{"+", tokPlus},
	{"{", tokOpenCount},
	{"}", tokCloseCount},
	{"(", tokOpen},
	{")", tokClose},
	{"|", tokOr},
	{"&", tokAnd},
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func beginsName(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
func isWord(c byte) bool { return beginsName(c) || isDigit(c) }

// scan gives the token that begins at or after pos, and what is wrong with it if
// it is none.
func scan(text string, pos int) (token, *Error) {
	for pos < len(text) && isSpace(text[pos]) {
		pos++
	}
	if pos == len(text) {
		return token{tokEnd, pos, pos}, nil
	}
	switch c := text[pos]; {
	case beginsName(c):
		return token{tokName, pos, wordEnd(text, pos)}, nil
	case isDigit(c):
		return token{tokNumber, pos, numberEnd(text, pos)}, nil
	case c == '$':
		end := wordEnd(text, pos+1)
		if end == pos+1 || isDigit(text[pos+1]) {
			return bad(pos, max(end, pos+1), "a param has no name", "write `$` and the name of a param, like `$count`")
		}
		return token{tokParam, pos, end}, nil
	}
	for _, s := range symbols {
		if strings.HasPrefix(text[pos:], s.text) {
			return token{s.kind, pos, pos + len(s.text)}, nil
		}
	}
	return strange(text, pos)
}

func wordEnd(text string, pos int) int {
	for pos < len(text) && isWord(text[pos]) {
		pos++
	}
	return pos
}

// numberEnd takes a fraction along, so that `1.5h` is refused as a whole.
func numberEnd(text string, pos int) int {
	end := wordEnd(text, pos)
	if end+1 < len(text) && text[end] == '.' && isDigit(text[end+1]) {
		end = wordEnd(text, end+1)
	}
	return end
}

func bad(pos, end int, msg, hint string) (token, *Error) {
	return token{tokBad, pos, end}, &Error{Pos: pos, End: end, Msg: msg, Hint: hint}
}

// likenesses are symbols of other languages, with what to write here.
var likenesses = [...]struct{ text, hint string }{
	{"=>", "a link is written `->`"},
	{"→", "a link is written `->`"},
	{"--", "a link is written `->`"},
	{"-", "a link is written `->`, and a name has no `-`"},
	{"=", "a bound is written `<5m`, `>5m` or `1m..5m`, a link `->`"},
	{";", "elements are joined by `->`, `,` or `->>`"},
	{"^", "a pattern begins at any event; leave it out"},
	{"~", "a negation is written `!name`"},
	{"¬", "a negation is written `!name`"},
	{"#", "comments stand outside of the pattern"},
	{"/", "comments stand outside of the pattern"},
	{"\"", "names are written without quotes"},
	{"'", "names are written without quotes"},
	{"`", "names are written without quotes"},
	{".", "a range is written with two dots, like `1m..5m`"},
}

// strange refuses what stands at pos and begins no token.
func strange(text string, pos int) (token, *Error) {
	for _, l := range likenesses {
		if strings.HasPrefix(text[pos:], l.text) {
			end := pos + len(l.text)
			return bad(pos, end, "unexpected "+quote(text[pos:end]), l.hint)
		}
	}
	r, size := utf8.DecodeRuneInString(text[pos:])
	if r == utf8.RuneError && size == 1 {
		return bad(pos, pos+1, fmt.Sprintf("byte 0x%02x is not UTF-8 text", text[pos]), "a pattern is written in ASCII")
	}
	return bad(pos, pos+size, "unexpected "+quote(text[pos:pos+size]), "names are made of the letters A to Z and a to z, digits and `_`")
}

// quoteLimit is how much of a text a message repeats, in bytes.
const quoteLimit = 40

// quote gives text as messages show it: short, on one line, whatever it holds.
func quote(text string) string {
	short := text
	if len(short) > quoteLimit {
		end := quoteLimit
		for end > quoteLimit-utf8.UTFMax && !utf8.RuneStart(text[end]) {
			end--
		}
		short = text[:end] + "…"
	}
	if strconv.CanBackquote(short) && utf8.ValidString(short) {
		return "`" + short + "`"
	}
	return strconv.QuoteToASCII(short)
}
