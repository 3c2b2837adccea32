package expr

import (
	"fmt"
	"slices"
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
	if word == "if" && r.word(i+1) == "(" {
		hint = misplaced[word]
	} else if _, ok := r.env.variable(word); ok {
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
	"===": "write ==", "!==": "write !=", "<>": "write !=", "=!": "write !=", "=<": "write <=", "=>": "write >=, or a predicate like " + celForms["exists"],
	"≠": "write !=", "≤": "write <=", "≥": "write >=", "−": "write -", "–": "write -", "×": "write *", "÷": "write /",
	"??": "write x != null ? x : y", "?.": "write a dot: a field of null is null", "?:": "write x ? x : y", "**": "there is no power; multiply",
	"..": "compare with the ends, as in x >= 1 && x <= 9", ";": "an expression is one value", "#": "name the element, as in " + celForms["exists"],
	"->": "name the element, as in " + celForms["exists"], "/*": "a comment is // to the end of its line", "=~": "write text.matches(pattern)",
	"contains": "write text.contains(part)", "startsWith": "write text.startsWith(part)", "endsWith": "write text.endsWith(part)", "matches": "write text.matches(pattern)",
	"like": "write text.contains(part) or text.matches(pattern)", "between": "write x >= 1 && x <= 9", "is": "write ==, as in x == null", "IN": "write in, as in x in [1, 2]",
	"if": "write CONDITION ? x : y", "then": "write CONDITION ? x : y", "+": "a sign is - or none", "^": "there is no power; multiply",
	"let": "CEL has no names for parts; write the part where it is used",

	"“": straightQuotes, "”": straightQuotes, "„": straightQuotes, "‘": straightQuotes, "’": straightQuotes,
}

const straightQuotes = "strings stand between straight quotes, like \"this\""

// instead says what to write instead of a word or sign; empty if nobody knows.
func instead(word string) string {
	if hint := misplaced[word]; hint != "" {
		return hint
	}
	return misplaced[strings.ToLower(word)]
}

// unexpected is the fault of the i-th token, where the parser expected another.
func (r *celReader) unexpected(i int) *Error {
	from := i
	switch before := strings.ToLower(r.word(i - 1)); {
	case before == "not" || before == "let":
		i--
		from = i
	case r.foreignPair(i):
		from = i - 1
	case i+1 < len(r.tokens) && r.foreignPair(i+1):
		i++
	}
	word := r.text[r.tokens[from].pos:r.tokens[i].end]
	if r.tokens[i].kind == tokenWrong && strings.ContainsAny(word[:min(len(word), 3)], "\"'") {
		return r.fault(from, i, "the string is not closed", "a string ends with the quote that it began with, on the same line unless that is \"\"\"")
	}
	first, _ := utf8.DecodeRuneInString(word)
	if unicode.IsSpace(first) || unicode.Is(unicode.Cf, first) {
		return r.fault(from, i, fmt.Sprintf("unexpected U+%04X, which cannot be seen", first), "write a space or remove it")
	}
	hint := instead(word)
	if better := r.byNeighbours(from, word, first); better != "" {
		hint = better
	}
	return r.fault(from, i, "unexpected "+tick(word), hint)
}

// byNeighbours is a hint for an unexpected word that begins with the i-th token, by
// what stands around it; empty if that says nothing.
func (r *celReader) byNeighbours(i int, word string, first rune) string {
	t, before := r.tokens[i], r.word(i-1)
	behindNumber := i > 0 && r.tokens[i-1].kind == tokenNumber
	adjacent := i > 0 && r.tokens[i-1].end == t.pos
	switch {
	case t.kind == tokenNumber && word[0] == '.' && (behindNumber || before == "."):
		return misplaced[".."]
	case t.kind == tokenNumber && word[0] == '.' && before != "":
		return "an element is read with brackets, as in tags[0]"
	case behindNumber && adjacent && word[0] == '_':
		return "write a number without _"
	case behindNumber && adjacent && t.kind == tokenName:
		return "a number is written like 31, 0x1F, 0.5 or 1e3"
	case behindNumber && adjacent && word == "," && i+1 < len(r.tokens) && r.tokens[i+1].kind == tokenNumber && r.tokens[i+1].pos == t.end:
		return "write a number without , and a list like [1, 2]"
	case before == "." && t.kind == tokenName:
		return "a field of that name is read with brackets, as in event[\"" + word + "\"]"
	case word == "$" && i+1 < len(r.tokens) && r.tokens[i+1].kind == tokenName:
		return "a param is params." + r.word(i+1)
	case word == ":" && r.inside(i) == "[":
		return "there are no slices; write text.substring(0, 6) or take(list, 2)"
	case word == "?" && slices.ContainsFunc(r.tokens[:i], func(t token) bool { return r.text[t.pos:t.end] == "?" }):
		return "put the inner choice in brackets, as in x ? (y ? 1 : 2) : 3"
	case strings.Contains(")]},", word):
		return r.byBrackets(i, word, before)
	case word[0] == '`':
		return "a string stands between \" or '; `name` only behind a dot, as in event.`name`"
	case unicode.IsLetter(first) && first >= utf8.RuneSelf:
		return "a name with such a letter is read with brackets and quotes, as in event[\"größe\"]"
	}
	return ""
}

// byBrackets is a hint for a bracket that closes, or a comma, by the bracket around
// it.
func (r *celReader) byBrackets(i int, word, before string) string {
	around := r.inside(i)
	switch {
	case word != "," && around+word != "()" && around+word != "[]" && around+word != "{}":
		return "brackets do not match"
	case before != "" && strings.Contains("([{,:", before):
		return "a value is missing before it"
	case word == "}":
		return "a map is written {\"a\": 1}, a predicate like " + celForms["exists"]
	case word == "," && around != "[":
		return "a list is written [1, 2]"
	}
	return ""
}

// inside is the innermost bracket that is open at the i-th token.
func (r *celReader) inside(i int) string {
	before := *r
	before.tokens = r.tokens[:i]
	return before.unclosed()
}
