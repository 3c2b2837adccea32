package expr

import (
	"strings"
	"unicode/utf8"
)

// tokenKind is what a token of CEL is.
type tokenKind uint8

const (
	tokenName     tokenKind = iota // an identifier or word, or a field's name between backquotes
	tokenNumber                    // without a sign
	tokenString                    // a string or bytes, with its quotes and prefix
	tokenBracket                   // one of ( ) [ ] { }
	tokenOperator                  // all other signs of the language
	tokenBlank                     // space, or a comment
	tokenWrong                     // what begins no token
)

// token is a piece of a CEL text. CEL's parser tells where a node begins, in
// characters; the tokens tell where it ends, in bytes.
type token struct {
	kind     tokenKind
	pos, end int // bytes
	from, to int // characters
}

// scan takes a CEL text apart. Spaces and comments are left out.
func scan(text string) []token {
	var tokens []token
	from := 0
	for i := 0; i < len(text); {
		kind, end := next(text, i)
		chars := utf8.RuneCountInString(text[i:end])
		if kind != tokenBlank {
			tokens = append(tokens, token{kind, i, end, from, from + chars})
		}
		i, from = end, from+chars
	}
	return tokens
}

// signs are the operators of more than one character.
var signs = []string{"==", "!=", "<=", ">=", "&&", "||"}

// next gives the token at i and its end.
func next(text string, i int) (tokenKind, int) {
	c := text[i]
	switch {
	case strings.HasPrefix(text[i:], "//"):
		if n := strings.IndexByte(text[i:], '\n'); n >= 0 {
			return tokenBlank, i + n
		}
		return tokenBlank, len(text)
	case strings.IndexByte(" \t\r\n\f", c) >= 0:
		return tokenBlank, i + 1
	case isLetter(c):
		if end, ok := quoted(text, i); end > i {
			return kindIf(ok, tokenString), end
		}
		return tokenName, i + run(text[i:], isWord)
	case isDigit(c), c == '.' && i+1 < len(text) && isDigit(text[i+1]):
		return tokenNumber, number(text, i)
	case c == '"' || c == '\'':
		end, ok := quoted(text, i)
		return kindIf(ok, tokenString), end
	case c == '`':
		n := strings.IndexByte(text[i+1:], '`')
		if n < 1 {
			return tokenWrong, i + 1
		}
		return tokenName, i + n + 2
	case strings.IndexByte("()[]{}", c) >= 0:
		return tokenBracket, i + 1
	}
	for _, s := range signs {
		if strings.HasPrefix(text[i:], s) {
			return tokenOperator, i + len(s)
		}
	}
	if strings.IndexByte("<>.,-!?:+*/%", c) >= 0 {
		return tokenOperator, i + 1
	}
	_, size := utf8.DecodeRuneInString(text[i:])
	return tokenWrong, i + size
}

func kindIf(ok bool, kind tokenKind) tokenKind {
	if ok {
		return kind
	}
	return tokenWrong
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isWord(c byte) bool   { return isLetter(c) || isDigit(c) }
func isHex(c byte) bool    { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }

// run is how many bytes at the beginning of s are in a class.
func run(s string, class func(byte) bool) int {
	n := 0
	for n < len(s) && class(s[n]) {
		n++
	}
	return n
}

// number gives the end of the number at i.
func number(text string, i int) int {
	if strings.HasPrefix(text[i:], "0x") {
		if n := run(text[i+2:], isHex); n > 0 {
			return unsigned(text, i+2+n)
		}
	}
	whole := i + run(text[i:], isDigit)
	end := whole
	if end+1 < len(text) && text[end] == '.' && isDigit(text[end+1]) {
		end += 1 + run(text[end+1:], isDigit)
	}
	if end < len(text) && text[end]|0x20 == 'e' {
		sign := end + 1
		if sign < len(text) && (text[sign] == '+' || text[sign] == '-') {
			sign++
		}
		if n := run(text[sign:], isDigit); n > 0 {
			return sign + n
		}
	}
	if end == whole {
		return unsigned(text, end)
	}
	return end
}

// unsigned includes the u of an unsigned number that ends at i.
func unsigned(text string, i int) int {
	if i < len(text) && text[i]|0x20 == 'u' {
		return i + 1
	}
	return i
}

// quoted gives the end of the string at i, with its prefix; ok is false if its end
// is missing, and end is i if there begins none.
func quoted(text string, i int) (end int, ok bool) {
	at, raw := i, false
	if at < len(text) && text[at]|0x20 == 'b' {
		at++
	}
	if at < len(text) && text[at]|0x20 == 'r' {
		at, raw = at+1, true
	}
	if at == len(text) || text[at] != '"' && text[at] != '\'' {
		return i, false
	}
	quote := text[at : at+1]
	if long := strings.Repeat(quote, 3); strings.HasPrefix(text[at:], long) {
		quote = long
	}
	for at += len(quote); at < len(text); at++ {
		switch {
		case strings.HasPrefix(text[at:], quote):
			return at + len(quote), true
		case len(quote) == 1 && (text[at] == '\n' || text[at] == '\r'):
			return at, false
		case text[at] == '\\' && !raw && at+1 < len(text):
			at++
		}
	}
	return len(text), false
}
