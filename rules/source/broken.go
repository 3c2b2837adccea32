package source

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// plainer are words of the YAML reader and what they mean.
var plainer = strings.NewReplacer(
	"did not find expected key", "expected `key: value`",
	"did not find expected '-' indicator", "expected `- ` or a line that is indented less",
	"did not find expected ", "expected ",
	"could not find expected ':'", "expected `: ` behind the key",
	"mapping values are not allowed in this context", "a `: ` cannot stand here",
	"mapping keys are not allowed in this context", "a `? ` cannot stand here",
	"block sequence entries are not allowed in this context", "a `- ` cannot stand here",
	"found character that cannot start any token", "a text cannot begin with this character",
	"found unexpected end of stream", "what begins here is not closed",
)

const noYAML = "this is no YAML: "

// faulty is an error of the YAML reader with what is around it.
type faulty struct {
	*Source
	*yaml.LoadError
	at, began int // the bytes where it was found, and where what was read then began; began is -1 where that is not said
	line      int // of at
}

// causes gives what may be wrong with a text that is no YAML, the likely first;
// the last says what is known for certain.
func (s *Source) causes(r *reading) []cause {
	var e *yaml.LoadError
	switch ok := errors.As(r.err, &e); {
	case r.meter.full:
		return []cause{{msg: "there is too much between brackets", hint: "write the entries in lines of their own, without brackets"}}
	case !ok:
		return []cause{{msg: r.err.Error()}}
	}
	x := faulty{s, e, s.Offset(e.Mark.Line, e.Mark.Column), -1, 0}
	x.line, _ = s.Position(x.at)
	if e.ContextMark.Line > 0 {
		x.began = s.Offset(e.ContextMark.Line, e.ContextMark.Column)
	}
	if r.meter.deep {
		return []cause{{from: x.at, to: x.at, msg: fmt.Sprintf("lists and mappings stand more than %d deep within each other here", maxDepth), hint: "write it flatter"}}
	}
	var causes []cause
	for _, look := range []func(*faulty) (cause, bool){
		(*faulty).tab, (*faulty).escape, (*faulty).openQuote, (*faulty).openBracket, (*faulty).innerBracket, (*faulty).oddBracket,
		(*faulty).value, (*faulty).dash, (*faulty).colon, (*faulty).indented, (*faulty).folded,
	} {
		if c, ok := look(&x); ok {
			causes = append(causes, c)
		}
	}
	return append(causes, x.said(causes))
}

// said gives what the reader says, in plainer words, or the likeliest cause.
func (x *faulty) said(likely []cause) cause {
	if len(likely) > 0 {
		return likely[0]
	}
	c := cause{from: x.at, to: x.at, msg: x.words()}
	if x.began >= 0 && strings.TrimSpace(x.Text[x.at:]) == "" {
		c.from, c.to = x.began, x.began
	}
	return c
}

// row gives a line; of one that is too long to look for causes in, nothing.
func (x *faulty) row(n int) string {
	if x.LineEnd(n)-x.lines[n-1] > maxLine {
		return ""
	}
	return x.Source.line(n)
}

func (x *faulty) words() string { return noYAML + plainer.Replace(x.Message) }

// tab finds tabs that indent a line.
func (x *faulty) tab() (cause, bool) {
	line := x.row(x.line)
	text := strings.TrimLeft(line, " \t")
	tab := strings.IndexByte(line[:len(line)-len(text)], '\t')
	if tab < 0 || text == "" && !strings.Contains(x.Message, "tab") {
		return cause{}, false
	}
	from := x.lines[x.line-1] + tab
	return cause{
		from: from, to: x.lines[x.line-1] + len(line) - len(text),
		msg: noYAML + "a tab cannot indent a line", hint: "indent with spaces", mends: x.reindented(),
	}, true
}

// escape finds a backslash between double quotes that begins no escape.
func (x *faulty) escape() (cause, bool) {
	if !strings.Contains(x.ContextMsg, "quoted scalar") || !strings.Contains(x.Message, "escape") && !strings.Contains(x.Message, "hexadecimal") {
		return cause{}, false
	}
	at := strings.LastIndexByte(x.Text[:min(x.at+1, len(x.Text))], '\\')
	if at < 0 || x.at-at > 10 {
		return cause{}, false
	}
	to := at + 1
	if to < len(x.Text) && breakAt(x.Text, to) == 0 {
		_, n := utf8.DecodeRuneInString(x.Text[to:])
		to += n
	}
	return cause{
		from: at, to: to,
		msg:   fmt.Sprintf("%s%s is no escape between double quotes", noYAML, Tick(x.Text[at:to])),
		hint:  "write the backslash twice, or put the text between single quotes",
		mends: [][]Edit{{{at, at, `\`}}},
	}, true
}

var (
	entry  = regexp.MustCompile(`^( *)((?:- +)*)([A-Za-z_][A-Za-z0-9_.-]*|"[^"]*"|'[^']*'):(?:[ \t]+|$)`)
	scalar = regexp.MustCompile(`^( *(?:- +)*(?:[^\s'"{\[#][^'"{\[#]*?:[ \t]+)?)["']`)
)

// openQuote finds a quote that is not closed in its line, if the line below it is
// not indented deeper, as the rest of a text would be.
func (x *faulty) openQuote() (cause, bool) {
	for n := max(1, x.line-maxLook); n <= x.line; n++ {
		line := x.row(n)
		head := scalar.FindString(line)
		if head == "" || closes(line[len(head)-1:]) {
			continue
		}
		if n < len(x.lines) {
			below := x.below(n)
			if indentOf(below) > indentOf(line) && !entry.MatchString(below) {
				continue
			}
		}
		from, end := x.lines[n-1]+len(head)-1, x.lines[n-1]+len(strings.TrimRight(line, " \t"))
		quote := line[len(head)-1 : len(head)]
		return cause{
			from: from, to: end, msg: noYAML + "what begins here is not closed", hint: "end the text with `" + quote + "`",
			mends: [][]Edit{{{end, end, quote}}}, certain: true,
		}, true
	}
	return cause{}, false
}

const (
	maxLook = 200   // lines before an error that are looked at for its cause
	maxLine = 4_000 // bytes of a line that is looked at for the cause of an error
)

// below gives the next line with text below one.
func (s *Source) below(n int) string {
	for n++; n <= len(s.lines); n++ {
		if line := s.line(n); strings.TrimSpace(line) != "" {
			return line
		}
	}
	return ""
}

func indentOf(line string) int { return len(line) - len(strings.TrimLeft(line, " \t")) }

// closes says whether a text that begins with a quote has the closing one.
func closes(text string) bool {
	quote := text[0]
	for i := 1; i < len(text); i++ {
		switch {
		case quote == '"' && text[i] == '\\':
			i++
		case text[i] != quote:
		case quote == '\'' && i+1 < len(text) && text[i+1] == quote:
			i++
		default:
			return true
		}
	}
	return false
}

// openBracket finds a bracket that is not closed in its line, if the line below
// it is an entry that is not indented deeper.
func (x *faulty) openBracket() (cause, bool) {
	for n := max(1, x.line-maxLook); n <= x.line; n++ {
		line := x.row(n)
		m := entry.FindStringIndex(line)
		if m == nil {
			m = []int{0, indentOf(line)}
		}
		at := m[1] + len(line[m[1]:]) - len(strings.TrimLeft(line[m[1]:], "- "))
		if at >= len(line) || line[at] != '{' && line[at] != '[' {
			continue
		}
		missing, end := unclosed(line[at:])
		below := ""
		if n < len(x.lines) {
			below = x.below(n)
		}
		if missing == "" || below != "" && (!entry.MatchString(below) || indentOf(below) > m[1]) {
			continue
		}
		return x.closed(x.lines[n-1]+at, end, missing), true
	}
	return cause{}, false
}

// innerBracket finds the bracket that the reader waits for to be closed.
func (x *faulty) innerBracket() (cause, bool) {
	if x.began < 0 || x.began >= len(x.Text) || x.Text[x.began] != '{' && x.Text[x.began] != '[' {
		return cause{}, false
	}
	n, _ := x.Position(x.began)
	if n == x.line && x.at < x.LineEnd(n) || x.row(n) == "" {
		return cause{}, false
	}
	missing, end := unclosed(x.Text[x.began:x.LineEnd(n)])
	if missing == "" {
		return cause{}, false
	}
	return x.closed(x.began, end, missing), true
}

// closed is the cause that a bracket lacks others behind `end` bytes of its line.
func (x *faulty) closed(bracket, end int, missing string) cause {
	n, _ := x.Position(bracket)
	at := bracket + end
	hint := "end it with `" + missing + "`"
	if strings.Contains(x.Text[bracket:x.LineEnd(n)], " #") {
		hint = "` #` begins a comment, also within brackets: quote the text that it is part of, or close the bracket before it"
	}
	return cause{
		from: bracket, to: at, msg: noYAML + "the bracket that begins here is not closed", hint: hint,
		mends: [][]Edit{{{at, at, missing}}}, certain: true,
	}
}

// unclosed gives the brackets that a line lacks at its end, where that is before
// a comment.
func unclosed(line string) (missing string, end int) {
	var open []byte
	end = len(line)
	for i := 0; i < end; i++ {
		switch c := line[i]; {
		case c == '{' || c == '[':
			open = append(open, c+2)
		case (c == '}' || c == ']') && len(open) > 0:
			open = open[:len(open)-1]
		case (c == '"' || c == '\'') && closes(line[i:]):
			for i++; line[i] != c; i++ {
			}
		case c == '#' && i > 0 && (line[i-1] == ' ' || line[i-1] == '\t'):
			end = i
		}
	}
	for i := len(open) - 1; i >= 0; i-- {
		missing += string(open[i])
	}
	return missing, len(strings.TrimRight(line[:end], " \t,"))
}

// oddBracket finds a bracket that closes nothing.
func (x *faulty) oddBracket() (cause, bool) {
	if x.at >= len(x.Text) || x.Text[x.at] != ']' && x.Text[x.at] != '}' {
		return cause{}, false
	}
	if row := x.row(x.line); row == "" {
		return cause{}, false
	}
	if missing, _ := unclosed(x.Text[x.lines[x.line-1]:x.at]); missing != "" {
		return cause{}, false
	}
	return cause{
		from: x.at, to: x.at + 1, msg: noYAML + "this bracket closes nothing", hint: "remove it",
		mends: [][]Edit{{{x.at, x.at + 1, ""}}},
	}, true
}

// value finds a value that must be quoted.
func (x *faulty) value() (cause, bool) {
	at := x.at
	if x.began >= 0 && (strings.Contains(x.ContextMsg, "simple key") || strings.TrimSpace(x.Text[at:]) == "") {
		// What is never closed is found at the end of the text, a key without `:` a
		// line later; both are to be mended where they begin.
		at = x.began
	}
	from, to, ok := x.valueAround(at)
	switch {
	case !ok || at < from || strings.Contains(x.ContextMsg, "quoted scalar"):
		return cause{}, false
	case strings.ContainsRune("{[", rune(x.Text[from])) && strings.Contains(x.Text[from:to], " #"):
		return cause{
			from: from, to: to, msg: x.words(),
			hint: "` #` begins a comment, also within brackets: quote the text that it is part of, or close the bracket before it",
		}, true
	}
	msg := x.words()
	if eaten := eats[x.Text[from]]; eaten != "" {
		msg = noYAML + eaten
	}
	return cause{from: from, to: to, msg: msg, hint: "quote this expression: ", quote: true, mends: [][]Edit{x.quotes(from, to)}}, true
}

// eats says what YAML makes of the first character of a value.
var eats = map[byte]string{
	'*': "`*` begins an alias", '&': "`&` begins an anchor", '!': "`!` begins a tag", '%': "no text begins with `%`", '@': "no text begins with `@`",
	'`': "no text begins with a backtick", '{': "`{` begins a mapping", '[': "`[` begins a list", '"': "a quoted text ends at its second quote",
	'\'': "a quoted text ends at its second quote", '|': "`|` begins a block", '>': "`>` begins a block",
}

// quotes gives the edits that put the bytes from up to to between quotes.
func (s *Source) quotes(from, to int) []Edit {
	edits := []Edit{{from, from, "'"}}
	for i := from; i < to; i++ {
		if s.Text[i] == '\'' {
			edits = append(edits, Edit{i, i, "'"})
		}
	}
	return append(edits, Edit{to, to, "'"})
}

var (
	blockEntry = regexp.MustCompile(`^[ \t]*(- +)*[^\s'"{\[#][^'"{\[#]*?:[ \t]+`)
	blockHead  = regexp.MustCompile(`^[|>][-+0-9]*$`)
	flowItem   = regexp.MustCompile(`^[ \t]*(- +)+\{`)
	flowEntry  = regexp.MustCompile(`[{,][ \t]*[A-Za-z_][A-Za-z0-9_.-]*:[ \t]+`)
)

// valueAround finds the value that stands around a byte, or before it in its
// line, if it is one that YAML takes apart unless it is quoted: it begins with a
// character that means something to YAML, or holds a `: `.
func (s *Source) valueAround(at int) (from, to int, ok bool) {
	line, _ := s.Position(at)
	begin, end := s.lines[line-1], s.LineEnd(line)
	text := s.Text[begin:end]
	if len(text) > maxLine {
		return 0, 0, false
	}
	if item := strings.TrimRight(text[:max(0, min(at-begin, len(text)))], " \t"); item != "" && at < end && strings.IndexByte("*%@`!", s.Text[at]) >= 0 {
		if last := item[len(item)-1]; last == '[' || last == ',' && !flowEntry.MatchString(text) {
			if n := strings.IndexAny(s.Text[at:end], ",]"); n > 0 {
				return at, at + len(strings.TrimRight(s.Text[at:at+n], " \t")), true // of a list in brackets
			}
		}
	}
	entry := blockEntry.FindStringIndex(text)
	inItem := false // of a list, in braces: which of its values is to be found below
	if entry == nil {
		if entry = flowItem.FindStringIndex(text); entry == nil {
			return 0, 0, false
		}
		inItem = true
		entry[1]-- // before the brace
	}
	from, to = begin+entry[1], begin+uncommented(text)
	inner := flowEntry.FindAllStringIndex(text[:uncommented(text)], -1)
	for i, e := range inner {
		if begin+e[1] > at {
			break
		}
		from, to = begin+e[1], begin+uncommented(text)
		if i+1 < len(inner) {
			to = begin + inner[i+1][0]
		}
	}
	if inItem && from == begin+entry[1] && !strings.Contains(text, " #") {
		return 0, 0, false
	}
	value := strings.TrimRight(s.Text[from:max(from, to)], " \t")
	for len(inner) > 0 && value != "" {
		last := value[len(value)-1]
		if last != '}' && last != ']' || strings.Count(value, string(last)) <= strings.Count(value, string(last-2)) {
			break
		}
		value = strings.TrimRight(value[:len(value)-1], " \t") // of what is around it
	}
	if value == "" || blockHead.MatchString(value) {
		return 0, 0, false
	}
	odd := strings.Contains(value, ": ") || strings.ContainsRune("\"'{[*&!%@`|>", rune(value[0])) || len(inner) > 0
	return from, from + len(value), odd
}

// uncommented gives the length of a line up to a comment, which does not begin
// between the quotes of an expression.
func uncommented(line string) int {
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case (c == '"' || c == '\'') && closes(line[i:]):
			for i++; line[i] != c; i++ {
				if c == '"' && line[i] == '\\' {
					i++
				}
			}
		case c == '#' && i > 0 && (line[i-1] == ' ' || line[i-1] == '\t'):
			return i
		}
	}
	return len(line)
}

// dash finds a list that begins behind its key.
func (x *faulty) dash() (cause, bool) {
	if !strings.HasPrefix(x.Message, "block sequence entries") {
		return cause{}, false
	}
	return cause{from: x.at, to: min(x.at+1, len(x.Text)), msg: x.words(), hint: "write a list as [a, b], or each entry in a line of its own that begins with `- `"}, true
}

var (
	tight = regexp.MustCompile(`^ *(?:- +)*[A-Za-z_][A-Za-z0-9_.-]*:[^\s]`)
	loose = regexp.MustCompile(`^ *(?:- +)*([A-Za-z_][A-Za-z0-9_.-]*)([ \t]*=[ \t]*|[ \t]+)[^\s=]`)
)

// colon finds a key without `: ` behind it, or a line that is not indented enough
// to go on with the text above.
func (x *faulty) colon() (cause, bool) {
	if !strings.Contains(x.Message, "could not find expected ':'") || x.began < 0 {
		return cause{}, false
	}
	n, _ := x.Position(x.began)
	begin, line := x.lines[n-1], x.row(n)
	c := cause{from: x.began, to: max(x.began, begin+len(strings.TrimRight(line, " \t"))), msg: x.words()}
	if m := tight.FindStringIndex(line); m != nil {
		at := begin + m[1] - 1
		c.msg, c.hint = noYAML+"a blank is missing behind the `:` of a key", "write "+Tick(strings.TrimSpace(line[:m[1]-1]+" "+line[m[1]-1:]))
		c.mends = [][]Edit{{{at, at, " "}}}
		return c, true
	}
	deeper := make([]Edit, 0, 1)
	for i := n; i <= x.line && i <= len(x.lines) && indentOf(x.row(i)) == indentOf(line) && !entry.MatchString(x.row(i)); i++ {
		deeper = append(deeper, Edit{x.lines[i-1], x.lines[i-1], "  "})
	}
	if m := loose.FindStringSubmatchIndex(line); m != nil && !operators[line[m[2]:m[3]]] {
		c.hint = "write " + Tick(line[m[2]:m[3]]+": "+line[m[5]:])
		if n > 1 {
			c.hint += ", or indent the line deeper if it goes on with the text above"
		}
		c.mends = [][]Edit{{{begin + m[4], begin + m[5], ": "}}}
		return c, true
	}
	c.hint = "indent the line deeper if it goes on with the text above"
	c.mends = [][]Edit{deeper}
	return c, true
}

// operators are words with which an expression goes on.
var operators = map[string]bool{"and": true, "or": true, "not": true, "in": true, "AND": true, "OR": true, "NOT": true, "IN": true}

// indented finds an entry that is indented like none above it.
func (x *faulty) indented() (cause, bool) {
	line := x.row(x.line)
	m := entry.FindStringSubmatchIndex(line)
	if m == nil || x.at > x.lines[x.line-1]+m[1] {
		return cause{}, false
	}
	above := 0
	for n := x.line - 1; n >= 1 && above == 0; n-- {
		if entry.MatchString(x.row(n)) {
			above = n
		}
	}
	if above == 0 {
		return cause{}, false
	}
	mine, its := m[6], entry.FindStringSubmatchIndex(x.row(above))[6]
	if mine == its {
		return cause{}, false
	}
	from := x.lines[x.line-1] + m[6]
	return cause{
		from: from, to: x.lines[x.line-1] + m[7],
		msg:   noYAML + "this line is indented like none that it could belong to",
		hint:  fmt.Sprintf("the key in line %d begins in column %d, this one in column %d", above, its+1, mine+1),
		mends: x.reindented(),
	}, true
}

// reindented gives edits that indent the line of the error, and those below that
// are indented alike, as lines above are; or also what is indented deeper.
func (x *faulty) reindented() (mends [][]Edit) {
	const most = 4
	line := x.row(x.line)
	prefix := line[:indentOf(line)]
	seen := map[int]bool{len(prefix): !strings.Contains(prefix, "\t")}
	try := func(indent int) {
		if seen[indent] || len(mends) >= 2*most {
			return
		}
		seen[indent] = true
		var alike, deeper []Edit
		for n := x.line; n <= len(x.lines) && strings.HasPrefix(x.row(n), prefix) && n < x.line+maxLook; n++ {
			from := x.lines[n-1]
			deeper = append(deeper, Edit{from, from + len(prefix), strings.Repeat(" ", indent)})
			if indentOf(x.row(n)) == len(prefix) && len(alike) == n-x.line {
				alike = deeper[:len(alike)+1]
			}
		}
		mends = append(mends, alike, deeper)
	}
	for n := x.line - 1; n >= max(1, x.line-maxLook); n-- {
		if m := entry.FindStringSubmatchIndex(x.row(n)); m != nil {
			if strings.TrimSpace(x.row(n)[m[1]:]) == "" {
				try(m[6] + 2) // what stands under a key
			}
			try(m[6])
			if m[4] < m[5] {
				try(m[4])
			}
		}
	}
	return mends
}

// folded finds a `: ` in a later line of a text that began above.
func (x *faulty) folded() (cause, bool) {
	if !strings.HasPrefix(x.Message, "mapping values") {
		return cause{}, false
	}
	c := cause{from: x.at, to: min(x.at+1, len(x.Text)), msg: x.words(), hint: "quote this expression, or write it as a block: `>-` behind the key, and the text below"}
	first := x.line
	for first > 1 && first > x.line-maxLook && !entry.MatchString(x.row(first)) {
		first--
	}
	head := entry.FindStringSubmatchIndex(x.row(first))
	if head == nil || first == x.line {
		return c, true
	}
	from, last := x.lines[first-1]+head[1], x.line
	for last < len(x.lines) && indentOf(x.row(last+1)) > head[6] && strings.TrimSpace(x.row(last+1)) != "" {
		last++
	}
	to := x.lines[last-1] + len(strings.TrimRight(x.row(last), " \t"))
	if from < x.at && x.Text[from] != '|' && x.Text[from] != '>' {
		return cause{from: from, to: to, msg: x.words(), hint: "quote this expression: ", quote: true, mends: [][]Edit{x.quotes(from, to)}}, true
	}
	return c, true
}
