package expr

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/cel-go/common"
)

// syntaxError says in plain words what CEL's parser found first.
func (r *celReader) syntaxError(source common.Source, found []*common.Error) *Error {
	msg, at := found[0].Message, -1
	for _, f := range found {
		if place, ok := source.LocationOffset(f.Location); ok && (at < 0 || int(place) < at) {
			msg, at = f.Message, int(place)
		}
	}
	switch {
	case strings.Contains(msg, "recursion"):
		return &Error{Pos: 0, End: len(r.text), Msg: "the expression is nested too deeply", Hint: "write it in fewer levels of brackets and operators"}
	case at < 0:
		return &Error{Pos: 0, End: len(r.text), Msg: msg}
	}
	i := r.tokenAt(at)
	if j := r.foreignSign(); j > 0 && j < i {
		i = j
		msg = ""
	}
	if i == len(r.tokens) {
		hint := "expected a value"
		if open := r.unclosed(); open != "" {
			hint = tick(open) + " is not closed"
		}
		return &Error{Pos: len(r.text), End: len(r.text), Msg: "the expression ends too early", Hint: hint}
	}
	switch {
	case strings.HasPrefix(msg, "reserved identifier"):
		return r.reserved(i)
	case strings.HasPrefix(msg, "invalid"):
		return r.badLiteral(i, msg)
	case strings.HasPrefix(msg, "unsupported syntax"):
		end := i
		if r.word(i) != "?" {
			end++
		}
		return r.fault(i, end, "optional values are not supported", "leave out the `?`: a field of null is null")
	case r.tokens[i].kind == tokenString && (strings.Contains(msg, "unescape") || strings.Contains(msg, "token recognition")):
		return r.badEscape(i)
	}
	return r.unexpected(i)
}

// foreignSign finds the second token of a sign of another language that CEL's
// parser may take for something else; 0 if there is none.
func (r *celReader) foreignSign() int {
	for i := 1; i < len(r.tokens); i++ {
		if r.foreignPair(i) {
			return i
		}
	}
	return 0
}

// foreignPair reports whether the i-th token and the one before it are a sign of
// another language.
func (r *celReader) foreignPair(i int) bool {
	return i > 0 && r.tokens[i-1].end == r.tokens[i].pos && r.tokens[i].kind != tokenName && misplaced[r.word(i-1)+r.word(i)] != ""
}

// unclosed is the last bracket that is not closed.
func (r *celReader) unclosed() string {
	var open []string
	for i, t := range r.tokens {
		switch {
		case t.kind != tokenBracket:
		case strings.Contains("([{", r.word(i)):
			open = append(open, r.word(i))
		case len(open) > 0:
			open = open[:len(open)-1]
		}
	}
	if len(open) == 0 {
		return ""
	}
	return open[len(open)-1]
}

// reserved is the fault of a word of CEL that stands where a name is expected.
func (r *celReader) reserved(i int) *Error {
	word := r.word(i)
	if (word == "let" || word == "if") && i+1 < len(r.tokens) && r.tokens[i+1].kind == tokenName {
		return r.unexpected(i)
	}
	hint := ""
	if _, ok := r.env.variable(word); ok {
		hint = "give the variable another name"
	} else if r.env.Current {
		hint = "a field of that name is event[\"" + word + "\"]"
	}
	return r.fault(i, i, tick(word)+" is a word of CEL", hint)
}

func (r *celReader) badLiteral(i int, msg string) *Error {
	if r.word(i) == "-" {
		i++
	}
	switch {
	case r.tokens[i].kind == tokenString:
		return r.badEscape(i)
	case strings.Contains(msg, "uint"):
		return r.fault(i, i, "there are no unsigned numbers", "there is one type of number")
	}
	return r.fault(i, i, "the number "+tick(r.word(i))+" is too large", largeHint)
}

func (r *celReader) badEscape(i int) *Error {
	return r.fault(i, i, "a wrong escape in a string", "write \\\\ for a backslash, or r before the string, as in r\"\\d\"")
}

// misplaced are words and signs of other languages, and what stands for them in
// CEL.
var misplaced = map[string]string{
	"and": "write &&", "or": "write ||", "not": "write !, as in !(x in y)", "=": "write == to compare", "&": "write &&", "|": "write ||",
	"===": "write ==", "<>": "write !=", "??": "write x != null ? x : y", "?.": "write a dot: a field of null is null", "?:": "write x ? x : y", "**": "there is no power; multiply",
	"..": "compare with the ends, as in x >= 1 && x <= 9", ";": "an expression is one value", "#": "name the element, as in " + celForms["exists"],
	"contains": "write text.contains(part)", "startsWith": "write text.startsWith(part)", "endsWith": "write text.endsWith(part)", "matches": "write text.matches(pattern)",
	"if": "write CONDITION ? x : y", "+": "a sign is - or none", "^": "there is no power; multiply",
	"let": "CEL has no names for parts; write the part where it is used", ")": "brackets do not match", "]": "brackets do not match", "}": "brackets do not match",
}

// unexpected is the fault of the i-th token, where the parser expected another.
func (r *celReader) unexpected(i int) *Error {
	word, before, from := r.word(i), r.word(i-1), i
	if before == "not" || before == "let" || r.foreignPair(i) {
		// What is wrong is the word before, or a sign of two tokens.
		from = i - 1
		if before == "not" || before == "let" {
			i = from
		}
		word = r.text[r.tokens[from].pos:r.tokens[i].end]
	}
	first, _ := utf8.DecodeRuneInString(word)
	hint := misplaced[word]
	switch {
	case before != "" && r.tokens[i].kind == tokenNumber && word[0] == '.':
		hint = misplaced[".."]
	case i > 0 && r.tokens[i-1].kind == tokenNumber && word[0] == '_':
		hint = "write a number without _"
	case r.tokens[i].kind == tokenWrong && strings.ContainsAny(word[:min(len(word), 3)], "\"'"):
		return r.fault(from, i, "the string is not closed", "a string ends with the quote that it began with, on the same line unless that is \"\"\"")
	case before == "." && r.tokens[i].kind == tokenName:
		hint = "a field of that name is read with brackets, as in event[\"" + word + "\"]"
	case word == ":" && r.inside(i) == "[":
		hint = "there are no slices; write text.substring(0, 6) or take(list, 2)"
	case unicode.IsLetter(first) && first >= utf8.RuneSelf:
		hint = "a name with such a letter is read with brackets and quotes, as in event[\"größe\"]"
	}
	if at := runeOffset(word, 40); at < len(word) {
		word = word[:at] + "..."
	}
	return r.fault(from, i, "unexpected "+tick(word), hint)
}

// inside is the innermost bracket that is open at the i-th token.
func (r *celReader) inside(i int) string {
	before := *r
	before.tokens = r.tokens[:i]
	return before.unclosed()
}
