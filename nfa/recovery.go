package nfa

import (
	"slices"
	"strings"
)

// mostErrors bounds what is found in one pattern.
const mostErrors = 10

// miss notes what is wrong, where the text behind it can be read on.
func (p *parser) miss(e *Error) {
	if len(p.missed) < mostErrors {
		p.missed = append(p.missed, e)
	}
}

// joined makes one error of all, or nil of none. What lies in the text of one before
// follows from that.
func joined(missed []*Error) error {
	if len(missed) == 0 {
		return nil
	}
	var all []*Error
	for _, e := range missed {
		follows := slices.ContainsFunc(all, func(before *Error) bool {
			return e.Pos == before.Pos || e.Pos < before.End && before.Pos < e.End
		})
		if !follows {
			all = append(all, e)
		}
	}
	slices.SortStableFunc(all, func(a, b *Error) int { return a.Pos - b.Pos })
	first := *all[0]
	first.More = all[1:]
	return &first
}

// ends says whether a sequence ends before the next token.
func (p *parser) ends() bool {
	switch p.tok.kind {
	case tokEnd, tokClose, tokOr, tokAnd:
		return true
	}
	return false
}

// linkMeant notes what stands behind an element in place of a link, where the
// element is sound or it is certain. It reports whether the next element follows.
func (p *parser) linkMeant(sound bool) bool {
	if p.atLink() || p.ends() {
		return false
	}
	e := p.misplaced()
	sign := (p.tok.kind == tokBad || p.tok.kind == tokMore) && strings.Contains(e.Hint, "`->`")
	word := p.tok.kind == tokName && linkWords[strings.ToLower(p.textOf(p.tok))] != ""
	if sound || sign || word {
		p.miss(e)
	}
	switch {
	case sign || word:
		for p.next(); p.tok.kind == tokMore; p.next() { // `>>`
		}
		return true
	case p.tok.kind == tokName && (p.isWord("until") || p.isWord("within")):
		return false
	}
	return sound && (p.tok.kind == tokName || p.tok.kind == tokNot || p.tok.kind == tokOpen)
}

// resync passes what stands before the next link, `|`, `&` or closing parenthesis
// of a sequence inside of depth parentheses, or before the end.
func (p *parser) resync(depth int) {
	open := p.depth - depth // those that the fault left open
	p.depth = depth
	for !p.ends() && !p.atLink() || open > 0 && p.tok.kind != tokEnd {
		switch p.tok.kind {
		case tokOpen:
			open++
		case tokClose:
			open--
		case tokOpenCount:
			p.skipPast(tokCloseCount)
			continue
		case tokOpenBound:
			p.skipPast(tokCloseBound)
			continue
		}
		p.next()
	}
}

// skipPast passes the rest of a count or bound. It reports whether its end is there.
func (p *parser) skipPast(end tokenKind) bool {
	for p.tok.kind != end {
		switch p.tok.kind {
		case tokEnd, tokOpen, tokClose, tokOr, tokAnd, tokFollow, tokAny, tokBound:
			return false
		}
		p.next()
	}
	p.next()
	return true
}
