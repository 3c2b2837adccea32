package expr

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
)

// maxPattern bounds a regular expression, in parts once its repeats are written
// out: with it grow the time to compile it and to look through a text.
const maxPattern = 10_000

// compilePattern compiles a regular expression. The error has no place.
func compilePattern(text string) (*regexp.Regexp, *Error) {
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, wrongPattern(err)
	}
	if partsOf(tree) > maxPattern {
		return nil, &Error{Msg: "the pattern has too many parts", Hint: fmt.Sprintf("at most %d once x{n} is written out n times", maxPattern)}
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, wrongPattern(err)
	}
	return re, nil
}

func wrongPattern(err error) *Error {
	return &Error{Msg: "wrong pattern: " + strings.TrimPrefix(err.Error(), "error parsing regexp: ")}
}

// partsOf counts the characters, classes and operators of a regular expression,
// its repeats written out.
func partsOf(tree *syntax.Regexp) int {
	n := 1 + len(tree.Rune)
	for _, part := range tree.Sub {
		n += partsOf(part)
	}
	if tree.Op == syntax.OpRepeat {
		n *= max(tree.Min, tree.Max, 1)
	}
	return n
}
