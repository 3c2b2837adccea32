package oracle

import (
	"fmt"
	"strconv"
	"strings"
)

// parsePattern reads a pattern of the rule language. Parentheses around one
// variable are no group. It panics on what it does not know.
func parsePattern(text string) *Pattern {
	p := &patternParser{rest: text}
	root, round := p.pattern()
	if p.rest != "" || round != (Link{}) {
		panic("left over: " + p.rest)
	}
	return New(root)
}

type patternParser struct{ rest string }

// accept takes one of the tokens if it comes next.
func (p *patternParser) accept(tokens ...string) string {
	p.rest = strings.TrimLeft(p.rest, " ")
	for _, t := range tokens {
		if after, ok := strings.CutPrefix(p.rest, t); ok {
			p.rest = strings.TrimLeft(after, " ")
			return t
		}
	}
	return ""
}

func (p *patternParser) expect(token string) {
	if p.accept(token) == "" {
		panic(fmt.Sprintf("%q where %q was expected", p.rest, token))
	}
}

const (
	digits  = "0123456789"
	letters = "abcdefghijklmnopqrstuvwxyz"
)

// word takes the letters that are among those given.
func (p *patternParser) word(among string) string {
	n := len(p.rest) - len(strings.TrimLeft(p.rest, among))
	word := p.rest[:n]
	p.rest = strings.TrimLeft(p.rest[n:], " ")
	return word
}

func (p *patternParser) number() int {
	n, err := strconv.Atoi(p.word(digits))
	if err != nil {
		panic(err)
	}
	return n
}

func (p *patternParser) duration() int64 {
	n := int64(p.number())
	if p.accept("ms") != "" {
		return n * millisecond
	}
	p.expect("s")
	return n * second
}

// pattern reads what stands in parentheses; round is the link before the closing
// one.
func (p *patternParser) pattern() (n *Node, round Link) {
	n, round = p.sequence()
	sign := p.accept("|", "&")
	if sign == "" {
		return n, round
	}
	if sign == "|" {
		n = &Node{Op: Alt, Subs: []*Node{n}}
	} else {
		n = &Node{Op: All, Subs: n.Subs}
	}
	for more := sign; more != ""; more = p.accept(sign) {
		sub, _ := p.sequence()
		if n.Op == All {
			sub = sub.Subs[0]
		}
		n.Subs = append(n.Subs, sub)
	}
	return n, Link{}
}

func (p *patternParser) sequence() (n *Node, round Link) {
	n = &Node{Op: Seq, Subs: []*Node{p.element()}}
	for {
		link, ok := p.link()
		if !ok {
			return n, Link{}
		}
		if p.rest[0] == ')' {
			return n, link
		}
		sub := p.element()
		sub.Link = link
		n.Subs = append(n.Subs, sub)
	}
}

func (p *patternParser) link() (l Link, ok bool) {
	switch p.accept("->>", "->", "-[", ",[", ",") {
	case "":
		return l, false
	case "->>":
		l.Kind = Any
	case ",":
		l.Kind = Next
	case ",[":
		l.Kind = Next
		p.bound(&l)
	case "-[":
		p.bound(&l)
		if p.accept("->>", "->") == "->>" {
			l.Kind = Any
		}
	}
	return l, true
}

func (p *patternParser) bound(l *Link) {
	switch p.accept("<", ">") {
	case "<":
		l.Limit = p.duration()
	case ">":
		l.Least = p.duration() + 1
	default:
		l.Least = p.duration()
		p.expect("..")
		l.Limit = p.duration()
	}
	p.expect("]")
}

func (p *patternParser) element() *Node {
	if p.accept("!") != "" {
		return &Node{Op: Not, Name: p.word(letters + digits)}
	}
	var n *Node
	if p.accept("(") == "" {
		n = &Node{Op: Var, Name: p.word(letters + digits)}
	} else {
		var round Link
		n, round = p.pattern()
		p.expect(")")
		if n.Op == Seq && len(n.Subs) == 1 {
			n = n.Subs[0]
		}
		if round != (Link{}) {
			n.Round = round
		}
	}
	p.quantifier(n)
	if p.accept("until ") != "" {
		n.Until = p.word(letters + digits)
	}
	if p.accept("within ") != "" {
		n.Window = p.duration()
	}
	return n
}

func (p *patternParser) quantifier(n *Node) {
	switch p.accept("?", "*", "+", "{,", "{") {
	case "":
		return
	case "?":
		n.Optional = true
		return
	case "*":
		n.Optional, n.Min, n.Max = true, 1, Many
	case "+":
		n.Min, n.Max = 1, Many
	case "{,":
		n.Optional, n.Min, n.Max = true, 1, p.number()
		p.expect("}")
	case "{":
		n.Min = p.number()
		n.Max = n.Min
		if p.accept(",") != "" {
			if n.Max = Many; p.rest[0] != '}' {
				n.Max = p.number()
			}
		}
		p.expect("}")
	}
	n.Repeats = true
	n.Greedy = p.accept("+") != ""
}
