package nfa

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	// MaxText is how long a pattern text may be, in bytes.
	MaxText = 64 << 10
	// MaxNesting is how deep parentheses may nest.
	MaxNesting = 64
	// MaxCaptures is how many events a variable captures at most, and so the
	// highest count of a quantifier.
	MaxCaptures = 1000
)

// Param is the value of a `$NAME` in a pattern text: a count or a duration.
type Param struct {
	Count    int
	Duration time.Duration
	IsCount  bool
	IsSpan   bool // it is a duration
}

// Parse parses a pattern text. params gives the value of `$NAME`; it may be nil.
// The error is an *Error.
func Parse(text string, params func(name string) (Param, bool)) (*Pattern, error) {
	if len(text) > MaxText {
		return nil, &Error{Pos: MaxText, End: len(text), Msg: fmt.Sprintf("the pattern is longer than %d bytes", MaxText), Hint: "split the rule"}
	}
	p := &parser{text: text, params: params, index: map[string]int{}}
	p.next()
	root, err := p.whole()
	if err == nil {
		err = check(root, 1)
	}
	if err != nil {
		return nil, err
	}
	findLists(root, p.names, false)
	return &Pattern{Text: text, Root: root, names: p.names}, nil
}

// parser is a recursive descent over the grammar: one method for each rule.
type parser struct {
	text   string
	params func(name string) (Param, bool)

	tok   token  // the next token
	wrong *Error // why tok is tokBad
	last  int    // where the token before ended
	depth int    // open parentheses

	names  []Name
	index  map[string]int // of names, by text
	placed []int          // the names of the variables read so far, one for each place
	used   []bool         // by name: it captures in the alternative that is being read
}

func (p *parser) next() {
	p.last = p.tok.end
	p.tok, p.wrong = scan(p.text, p.tok.end)
}

func (p *parser) textOf(t token) string { return p.text[t.pos:t.end] }

// isWord reports whether the next token is this word of the language.
func (p *parser) isWord(word string) bool {
	return p.tok.kind == tokName && p.textOf(p.tok) == word
}

func fault(t token, msg, hint string) *Error {
	return &Error{Pos: t.pos, End: t.end, Msg: msg, Hint: hint}
}

// unexpected refuses the next token.
func (p *parser) unexpected(expected string) *Error {
	switch p.tok.kind {
	case tokBad:
		return p.wrong
	case tokEnd:
		return fault(p.tok, "the pattern ends too early", "expected "+expected)
	}
	return fault(p.tok, "unexpected "+quote(p.textOf(p.tok)), "expected "+expected)
}

// expect reads a token of the kind.
func (p *parser) expect(kind tokenKind, expected string) *Error {
	if p.tok.kind != kind {
		return p.unexpected(expected)
	}
	p.next()
	return nil
}

const formOfElement = "a variable, `!` and a variable, or `(`"

// whole parses the text from beginning to end.
func (p *parser) whole() (*Node, *Error) {
	if p.tok.kind == tokEnd {
		return nil, fault(p.tok, "the pattern is empty", "expected at least one variable, as in `a -> b`")
	}
	n, _, err := p.pattern()
	if err != nil {
		return nil, err
	}
	if p.tok.kind != tokEnd {
		return nil, p.misplaced()
	}
	return asRoot(n), nil
}

// pattern parses alternatives, a set joined by `&`, or a sequence, and the link
// between it and a closing parenthesis, nil if there is none.
func (p *parser) pattern() (*Node, *Link, *Error) {
	base := len(p.placed)
	first, trail, err := p.sequence(false)
	if err != nil {
		return nil, nil, err
	}
	switch p.tok.kind {
	case tokOr:
		return p.alternatives(first, base)
	case tokAnd:
		return p.all(first)
	}
	return first, trail, nil
}

// alternatives parses what follows the first of them. A variable may stand in
// each: those of the others are not in use while one is read.
func (p *parser) alternatives(first *Node, base int) (*Node, *Link, *Error) {
	alt := newNode(OpAlt, first.Pos)
	alt.Subs = append(alt.Subs, first)
	var trail *Link
	read := base
	for p.tok.kind == tokOr {
		p.setUsed(read, false)
		read = len(p.placed)
		p.next()
		if p.tok.kind == tokOr {
			return nil, nil, fault(p.tok, "an alternative is empty", "expected "+formOfElement+" after one `|`")
		}
		sub, t, err := p.sequence(true)
		if err != nil {
			return nil, nil, err
		}
		trail = t
		alt.Subs = append(alt.Subs, sub)
		alt.End = sub.End
	}
	if p.tok.kind == tokAnd {
		return nil, nil, p.mixed()
	}
	p.setUsed(base, true)
	return alt, trail, nil
}

// setUsed marks the variables placed since base.
func (p *parser) setUsed(base int, used bool) {
	for _, name := range p.placed[base:] {
		p.used[name] = used
	}
}

// all parses what follows the first of variables that are joined by `&`.
func (p *parser) all(first *Node) (*Node, *Link, *Error) {
	if !p.bare(first) {
		return nil, nil, &Error{Pos: first.Pos, End: first.End, Msg: "`&` joins single variables", Hint: "put them in parentheses, as in `a -> (b & c)`"}
	}
	all := newNode(OpAll, first.Pos)
	all.Subs = append(all.Subs, first)
	for p.tok.kind == tokAnd {
		p.next()
		if p.tok.kind != tokName {
			return nil, nil, p.unexpected("a variable: `&` joins single variables")
		}
		sub, err := p.variable()
		if err != nil {
			return nil, nil, err
		}
		all.Subs = append(all.Subs, sub)
	}
	all.End = p.last
	switch {
	case p.tok.kind == tokOr:
		return nil, nil, p.mixed()
	case p.atQuantifier() || p.isWord("until") || p.isWord("within"):
		return nil, nil, fault(p.tok, "`&` joins single variables", "they have no quantifier and no window of their own; put the choice into one condition, or the set in parentheses, as in `(a & b) within 5m`")
	case !p.atLink():
		return all, nil, nil
	}
	at := p.tok
	trail, err := p.link()
	if err != nil {
		return nil, nil, err
	}
	if p.tok.kind != tokClose {
		return nil, nil, fault(at, "`&` joins single variables", "put them in parentheses, as in `(a & b) -> c`")
	}
	return all, &trail, nil
}

// bare reports whether n is a variable and nothing else was written.
func (p *parser) bare(n *Node) bool {
	return n.Op == OpVar && p.text[n.Pos:n.End] == p.names[n.Name].Text
}

func (p *parser) mixed() *Error {
	return fault(p.tok, "`|` and `&` do not mix", "put one of them in parentheses, as in `a | (b & c)`")
}

// sequence parses elements joined by links, and the link between the last and a
// closing parenthesis, nil if there is none.
func (p *parser) sequence(alternative bool) (*Node, *Link, *Error) {
	if p.tok.kind == tokNot {
		return nil, nil, p.leadingNegation(alternative)
	}
	seq := newNode(OpSeq, p.tok.pos)
	link := Link{Pos: -1}
	for {
		n, err := p.element()
		if err != nil {
			return nil, nil, err
		}
		n.Link = link
		seq.Subs = append(seq.Subs, n)
		seq.End = p.last
		if !p.atLink() {
			return unwrap(seq), nil, nil
		}
		if link, err = p.link(); err != nil {
			return nil, nil, err
		}
		if p.tok.kind == tokClose && p.depth > 0 {
			return unwrap(seq), &link, nil
		}
		if p.tok.kind == tokNot && link.Kind == Any {
			return nil, nil, &Error{Pos: link.Pos, End: link.End, Msg: "`->>` does not lead to a negation", Hint: "write `-> !name`: no such event from here on"}
		}
	}
}

// leadingNegation refuses a sequence that begins with one.
func (p *parser) leadingNegation(alternative bool) *Error {
	n, err := p.negation()
	if err != nil {
		return err
	}
	refuse := func(msg, hint string) *Error { return &Error{Pos: n.Pos, End: n.End, Msg: msg, Hint: hint} }
	switch {
	case p.tok.kind == tokOr, alternative && !p.atLink():
		return refuse("a negation is no alternative by itself", "write the sequences out, as in `a -> b | a -> !c`")
	case alternative:
		return refuse("an alternative does not begin with a negation", "write the sequences out, as in `a -> b | a -> !c -> d`")
	case p.depth > 0:
		return refuse("a group does not begin with a negation", "write it before the group, as in `a -> !b -> (c -> d)`")
	}
	return refuse("a pattern does not begin with a negation", "write first what it follows, as in `a -> !b`")
}

// element parses a negation, or a variable or group and what stands behind it.
func (p *parser) element() (*Node, *Error) {
	start := p.tok.pos
	var n *Node
	var trail *Link
	var err *Error
	switch p.tok.kind {
	case tokNot:
		return p.negation()
	case tokName:
		n, err = p.variable()
	case tokOpen:
		n, trail, err = p.group()
	default:
		return nil, p.unexpected(formOfElement)
	}
	if err != nil {
		return nil, err
	}
	s, err := p.suffix()
	if err != nil {
		return nil, err
	}
	s.round = trail
	if err := s.apply(n); err != nil {
		return nil, err
	}
	n.Pos, n.End = start, p.last
	return n, nil
}

func (p *parser) negation() (*Node, *Error) {
	n := newNode(OpNot, p.tok.pos)
	p.next()
	switch p.tok.kind {
	case tokNot:
		return nil, fault(p.tok, "a negation is not negated", "write the variable without `!`")
	case tokOpen:
		return nil, fault(p.tok, "a negation is of one variable, not of a group", "put the choice into one condition, as in `!n`")
	}
	name, err := p.name(false)
	if err != nil {
		return nil, err
	}
	n.Name, n.End = name, p.last
	switch {
	case p.atQuantifier():
		return nil, fault(p.tok, "a negation has no quantifier", "write `!name` alone: no such event here")
	case p.isWord("until"), p.isWord("within"):
		return nil, fault(p.tok, "a negation has no "+quote(p.textOf(p.tok)), "put a bound on its link, as in `-[<5m]-> !n`")
	}
	return n, nil
}

func (p *parser) variable() (*Node, *Error) {
	n := newNode(OpVar, p.tok.pos)
	at := p.tok
	name, err := p.name(true)
	if err != nil {
		return nil, err
	}
	if p.used[name] {
		return nil, fault(at, quote(p.textOf(at))+" stands here a second time", "a variable that captures stands once in each alternative: repeat it, as in `a{2}`, or define another name")
	}
	p.used[name] = true
	p.placed = append(p.placed, name)
	n.Name, n.End = name, p.last
	return n, nil
}

// name reads a NAME and gives its index.
func (p *parser) name(captures bool) (int, *Error) {
	at := p.tok
	if at.kind != tokName {
		return 0, p.unexpected("the name of a variable")
	}
	text := p.textOf(at)
	if text == "until" || text == "within" {
		return 0, fault(at, quote(text)+" is a word of the language", "expected the name of a variable")
	}
	p.next()
	if strings.EqualFold(text, "not") && p.tok.kind == tokName {
		return 0, fault(at, "unexpected "+quote(text), linkWords["not"])
	}
	i, known := p.index[text]
	if !known {
		i = len(p.names)
		p.index[text] = i
		p.names = append(p.names, Name{Text: text, Pos: at.pos, Captures: captures})
		p.used = append(p.used, false)
		return i, nil
	}
	if p.names[i].Captures != captures {
		return 0, fault(at, quote(text)+" both captures and is negated or an `until`", "define another name with the same condition")
	}
	return i, nil
}

// group parses what stands in parentheses.
func (p *parser) group() (*Node, *Link, *Error) {
	open := p.tok
	if p.depth == MaxNesting {
		return nil, nil, fault(open, fmt.Sprintf("parentheses nest deeper than %d", MaxNesting), "leave out those that say nothing, or split the rule")
	}
	p.depth++
	p.next()
	if p.tok.kind == tokClose {
		return nil, nil, &Error{Pos: open.pos, End: p.tok.end, Msg: "the parentheses are empty", Hint: "expected " + formOfElement}
	}
	n, trail, err := p.pattern()
	if err != nil {
		return nil, nil, err
	}
	switch p.tok.kind {
	case tokClose:
	case tokEnd:
		return nil, nil, fault(open, "`(` is not closed", "expected `)` before the end of the pattern")
	default:
		return nil, nil, p.misplaced()
	}
	p.depth--
	p.next()
	return n, trail, nil
}

// linkWords are words for links elsewhere, in lower case, and what stands for them.
var linkWords = map[string]string{
	"then": "write `->`", "followedby": "write `->`", "followed": "write `->`", "followedbyany": "write `->>`", "next": "write `,`",
	"or": "write `|`", "and": "write `&` for both in any order, `->` for one after the other", "not": "write `!` before the name",
	"notnext": "write `, !name`", "notfollowedby": "write `-> !name`",
}

// misplaced refuses a token where an element has ended.
func (p *parser) misplaced() *Error {
	at := p.tok
	switch {
	case p.isWord("until"), p.isWord("within"):
		return fault(at, quote(p.textOf(at))+" is not at its place", "the order is quantifier, `until`, `within`, each once: `a+ until s within 5m`")
	case at.kind == tokName && linkWords[strings.ToLower(p.textOf(at))] != "":
		return fault(at, "unexpected "+quote(p.textOf(at)), linkWords[strings.ToLower(p.textOf(at))])
	case at.kind == tokName, at.kind == tokNot, at.kind == tokOpen:
		return fault(at, "a link is missing before "+quote(p.textOf(at)), "expected `->`, `,` or `->>` between two elements")
	case p.atQuantifier():
		return fault(at, "a second quantifier", "an element has one, and a second `+` makes it greedy, as in `a{2,}+`; without it a repeat is not greedy")
	case at.kind == tokOpenBound:
		return fault(at, "a bound stands in a link", "write `-[<5m]->`, `-[<5m]->>` or `,[<5m]`; a count is written `{3}`")
	case at.kind == tokClose:
		return fault(at, "there is no `(` for this `)`", "remove it, or write the `(`")
	}
	return p.unexpected("a link, `|`, `&` or the end of the pattern")
}

func (p *parser) atLink() bool {
	switch p.tok.kind {
	case tokNext, tokFollow, tokAny, tokBound:
		return true
	}
	return false
}

func (p *parser) link() (Link, *Error) {
	l := Link{Pos: p.tok.pos}
	begin := p.tok.kind
	p.next()
	switch begin {
	case tokNext:
		l.Kind = Next
	case tokAny:
		l.Kind = Any
	}
	if begin == tokBound || begin == tokNext && p.tok.kind == tokOpenBound {
		if begin == tokNext {
			p.next()
		}
		if err := p.bound(&l); err != nil {
			return l, err
		}
		if err := p.expect(tokCloseBound, "`]` after the bound"); err != nil {
			return l, err
		}
	}
	if begin == tokBound {
		switch p.tok.kind {
		case tokFollow:
		case tokAny:
			l.Kind = Any
		default:
			return l, p.unexpected("`->` or `->>` after `-[…]`")
		}
		p.next()
	}
	l.End = p.last
	return l, nil
}

const formOfBound = "`<5m`, `>5m` or `1m..5m`"

// bound parses what stands in the brackets of a link. Least is inclusive, and
// time comes in nanoseconds: more than D is D and 1 ns at least.
func (p *parser) bound(l *Link) *Error {
	at := p.tok
	var err *Error
	switch at.kind {
	case tokLess:
		p.next()
		l.Limit, err = p.duration()
		return err
	case tokMore:
		p.next()
		l.Least, err = p.duration()
		l.Least++
		return err
	case tokNumber, tokParam:
	default:
		return p.unexpected("a bound: " + formOfBound)
	}
	if l.Least, err = p.duration(); err != nil {
		return err
	}
	if p.tok.kind == tokCloseBound {
		return fault(at, quote(p.textOf(at))+" is no bound", "expected "+formOfBound)
	}
	if err := p.expect(tokTo, "`..` and a second duration"); err != nil {
		return err
	}
	if l.Limit, err = p.duration(); err != nil {
		return err
	}
	if l.Least >= l.Limit {
		at.end = p.last
		return fault(at, "the range holds no time", "the first duration is the shorter one, as in `1m..5m`")
	}
	return nil
}

// suffix parses what stands behind a variable or a group.
func (p *parser) suffix() (suffix, *Error) {
	s := suffix{repeat: once, until: -1}
	var err *Error
	if p.atQuantifier() {
		if err = p.quantifier(&s); err != nil {
			return s, err
		}
	}
	if p.isWord("until") {
		s.untilAt = p.tok
		p.next()
		if s.until, err = p.name(false); err != nil {
			return s, err
		}
		s.untilAt.end = p.last
	}
	if p.isWord("within") {
		s.windowAt = p.tok
		p.next()
		if s.window, err = p.duration(); err != nil {
			return s, err
		}
		s.windowAt.end = p.last
	}
	return s, nil
}

func (p *parser) atQuantifier() bool {
	switch p.tok.kind {
	case tokMaybe, tokStar, tokPlus, tokOpenCount:
		return true
	}
	return false
}

func (p *parser) quantifier(s *suffix) *Error {
	s.repeatAt = p.tok
	switch p.tok.kind {
	case tokMaybe:
		s.repeat.Optional = true
	case tokStar:
		s.repeat.Optional, s.repeat.Max = true, -1
	case tokPlus:
		s.repeat.Max = -1
	case tokOpenCount:
		r, err := p.counts()
		if err != nil {
			return err
		}
		s.repeat = r
	}
	p.next()
	s.repeatAt.end = p.last
	if p.tok.kind == tokPlus {
		s.repeat.Greedy, s.greedyAt = true, p.tok
		p.next()
	}
	return nil
}

const formsOfCounts = "`{3}`, `{3,}`, `{3,5}` or `{,5}`"

// counts parses a quantifier in braces up to the closing one.
func (p *parser) counts() (Repeat, *Error) {
	at := p.tok
	least, most := 0, 0
	var err *Error
	p.next()
	lower := p.tok.kind != tokNext
	if lower {
		if least, err = p.count(); err != nil {
			return once, err
		}
		most = least
	}
	if p.tok.kind == tokNext {
		p.next()
		most = -1
		if !lower || p.tok.kind != tokCloseCount {
			if most, err = p.count(); err != nil {
				return once, err
			}
		}
	}
	if p.tok.kind != tokCloseCount {
		return once, p.unexpected("`}`: counts are written " + formsOfCounts)
	}
	at.end = p.tok.end
	switch {
	case most == 0:
		return once, fault(at, "a count of 0 takes no event", "leave the element out, or write `!name` where no such event may come")
	case most > 0 && least > most:
		return once, fault(at, "the counts are the wrong way round", fmt.Sprintf("write `{%d,%d}`", most, least))
	}
	return Repeat{Min: max(least, 1), Max: most, Optional: least == 0}, nil
}

// count parses a whole number or a param that is one.
func (p *parser) count() (int, *Error) {
	at := p.tok
	text := p.textOf(at)
	n := 0
	switch at.kind {
	case tokParam:
		v, err := p.param()
		if err != nil {
			return 0, err
		}
		if !v.IsCount {
			return 0, fault(at, quote(text)+" is not a count", "expected a param that is a whole number")
		}
		n, text = v.Count, fmt.Sprintf("%s = %d", text, v.Count)
	case tokNumber:
		if !isCount(text) {
			return 0, fault(at, quote(text)+" is not a count", "expected a whole number or `$` and a param")
		}
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			n = MaxCaptures + 1
		}
	default:
		return 0, p.unexpected("a count: a whole number or `$` and a param, as in " + formsOfCounts)
	}
	p.next()
	if n < 0 || n > MaxCaptures {
		return 0, fault(at, fmt.Sprintf("the count %s is not between 0 and %d", quote(text), MaxCaptures), fmt.Sprintf("a variable captures at most %d events", MaxCaptures))
	}
	return n, nil
}

func isCount(text string) bool {
	for i := range len(text) {
		if !isDigit(text[i]) {
			return false
		}
	}
	return true
}

// duration parses a DURATION or a param that is one.
func (p *parser) duration() (time.Duration, *Error) {
	at := p.tok
	text := p.textOf(at)
	switch at.kind {
	case tokParam:
		v, err := p.param()
		if err != nil {
			return 0, err
		}
		if !v.IsSpan {
			return 0, fault(at, quote(text)+" is not a duration", "expected a param that is one, like 5m")
		}
		if !wholeDuration(v.Duration) {
			return 0, fault(at, quote(text)+" is not a whole number of milliseconds above 0", "expected a param like 5m")
		}
		p.next()
		return v.Duration, nil
	case tokNumber:
		d, err := parseDuration(text)
		if err != nil {
			err.Pos, err.End = at.pos, at.end
			return 0, err
		}
		p.next()
		return d, nil
	}
	return 0, p.unexpected("a duration like 5m, or `$` and a param")
}

// param looks up the param that the next token names.
func (p *parser) param() (Param, *Error) {
	name := p.text[p.tok.pos+1 : p.tok.end]
	if p.params != nil {
		if v, ok := p.params(name); ok {
			return v, nil
		}
	}
	return Param{}, fault(p.tok, "there is no param "+quote(name), "expected a param of the rule or of the ruleset")
}
