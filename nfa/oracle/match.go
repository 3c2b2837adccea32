package oracle

import (
	"math"
	"slices"
)

// Event is an event as far as matching itself looks at it.
type Event struct {
	Time int64 // nanoseconds
}

// Forever is an end of time behind every limit.
const Forever = math.MaxInt64

// Conditions beside those of the names.
const (
	Unless = -1
	Having = -2
)

// Holds says whether a condition (the number of a name, Unless or Having) holds
// on events[event] for a match that has captured caps so far: by number of the
// variable, the indexes of its events. For Having there is no current event
// (-1). It must not keep caps.
type Holds func(cond, event int, caps [][]int) bool

// Pick is a letter of a match: a variable and the index of the event that it
// captured.
type Pick struct{ Var, Event int }

// Match is a word of the pattern and the events that fit it.
type Match struct {
	Word []Pick
	At   int64 // when it comes: the time of the event that completes it, or the limit
	By   int   // the event that completes it; -1: it is an absence, time alone completes it
}

// Matches returns the matches of a rule on events, whose times do not fall, in
// the order in which they come out. After the last event time goes on to end
// (Forever: without end), which is not before it.
func Matches(r Rule, events []Event, end int64, holds Holds) []Match {
	w := Read(r)
	return w.Cut(r.Skip, r.SkipVar, w.All(events, end, holds))
}

// All returns the matches in order of coming, before the skip strategy.
func (w *Words) All(events []Event, end int64, holds Holds) []Match {
	s := search{words: w, events: events, end: end, holds: holds, caps: make([][]int, w.names)}
	for _, root := range w.plain {
		for s.first = range events {
			s.element(root, Link{}, nil, passed{}, s.complete)
		}
	}
	return order(s.found, events)
}

// search looks for the matches that begin with events[first]. The word so far
// grows and shrinks as words are tried.
type search struct {
	words  *Words
	events []Event
	end    int64
	holds  Holds
	first  int
	word   []Pick
	caps   [][]int
	found  []Match
}

// place is where a letter stands: an element around it (or its own), in which
// round, and which letters of the word were the first of the loop and of the
// round.
type place struct {
	elem  *elem
	loop  int // index in the word of the loop's first letter
	round int // index in the word of the round's first letter
	done  int // rounds before this one
	outer *place
}

// passed is what the word has passed since its last letter.
type passed struct {
	nots   []negation
	greedy []*elem // greedy loops that were left or left out
	idle   bool    // something was left out: behind nots, since no negation follows what may be
}

type negation struct {
	elem *elem
	in   *place
}

// element tries all words of e, and after each of them next. link is the link
// of its first letter, in the groups around it.
func (s *search) element(e *elem, link Link, in *place, p passed, next func(passed)) {
	if e.not {
		p.nots = append(p.nots[:len(p.nots):len(p.nots)], negation{e, in})
		next(p)
		return
	}
	if e.optional {
		out := p.leaveOut(e)
		out.idle = true
		next(out)
	}
	s.rounds(e, link, in, len(s.word), 0, p, next)
}

// leave says that the word goes on behind e.
func (p passed) leave(e *elem) passed {
	if e.greedy {
		p.greedy = append(p.greedy[:len(p.greedy):len(p.greedy)], e)
	}
	return p
}

// leaveOut says that the word goes on without e, and so without the greedy loops
// that e could end with.
func (p passed) leaveOut(e *elem) passed {
	for i := len(e.subs) - 1; i >= 0; i-- {
		if sub := e.subs[i]; !sub.not {
			p = p.leaveOut(sub)
			if !sub.optional {
				break
			}
		}
	}
	return p.leave(e)
}

// rounds tries one more round of e, after done of them.
func (s *search) rounds(e *elem, link Link, in *place, loop, done int, p passed, next func(passed)) {
	at := &place{elem: e, loop: loop, round: len(s.word), done: done, outer: in}
	behind := func(p passed) {
		if done+1 >= e.min {
			next(p.leave(e))
		}
		if done+1 < e.max || e.max == Many {
			s.rounds(e, e.round, in, loop, done+1, p, next)
		}
	}
	if e.name >= 0 {
		s.letter(e, link, at, p, behind)
	} else {
		s.sequence(e.subs, link, at, p, behind)
	}
}

// sequence tries the elements of a group one after the other. The link of the
// group belongs to its first element; where that is left out, the next keeps its
// own.
func (s *search) sequence(subs []*elem, link Link, in *place, p passed, next func(passed)) {
	if len(subs) == 0 {
		next(p)
		return
	}
	s.element(subs[0], link, in, p, func(p passed) {
		if len(subs) > 1 {
			link = subs[1].link
		}
		s.sequence(subs[1:], link, in, p, next)
	})
}

// letter tries all events for the next letter of the word, a variable with its
// place.
func (s *search) letter(v *elem, link Link, at *place, p passed, next func(passed)) {
	if len(s.word) == 0 {
		// f, for the first letter: the greedy loops that were left out do not want it.
		if !s.wanted(&p.greedy, s.first) && s.fits(v, at, s.first) {
			s.take(v.name, s.first, next)
		}
		return
	}
	last := s.word[len(s.word)-1].Event
	for e := last + 1; e < len(s.events); e++ {
		if s.late(at, e) || s.forbidden(at, p, e) || s.wanted(&p.greedy, e) {
			return
		}
		// b, the bound.
		near := link.allows(s.events[e].Time - s.events[last].Time)
		if near && s.fits(v, at, e) {
			s.take(v.name, e, next)
		}
		// b, the link: the next event only; or the first that fits.
		if link.Kind == Next || link.Kind == Follow && near && s.holds(v.name, e, s.caps) {
			return
		}
	}
}

// fits is clause a: the variable holds on the event, and no until of a loop
// around it does.
func (s *search) fits(v *elem, at *place, e int) bool {
	for pl := at; pl != nil; pl = pl.outer {
		if pl.elem.until >= 0 && s.holds(pl.elem.until, e, s.caps) {
			return false
		}
	}
	return s.holds(v.name, e, s.caps)
}

func (s *search) take(name, e int, next func(passed)) {
	s.word = append(s.word, Pick{name, e})
	s.caps[name] = append(s.caps[name], e)
	next(passed{})
	s.caps[name] = s.caps[name][:len(s.caps[name])-1]
	s.word = s.word[:len(s.word)-1]
}

// late is clause c: the event lies outside the window of the rule or of a group
// around the letter. A window on a repeated variable is that of its loop, one on
// a group that of the round.
func (s *search) late(at *place, e int) bool {
	t := s.events[e].Time
	if within := s.words.rule.Within; within != 0 && t-s.time(0) >= within {
		return true
	}
	for pl := at; pl != nil; pl = pl.outer {
		from := pl.round
		if pl.elem.name >= 0 {
			from = pl.loop
		}
		if pl.elem.window != 0 && from < len(s.word) && t-s.time(from) >= pl.elem.window {
			return true
		}
	}
	return false
}

// time is the time of a letter's event.
func (s *search) time(letter int) int64 { return s.events[s.word[letter].Event].Time }

// forbidden says that the event, being after the last letter's and not after
// that of the letter awaited, rules the letter out, whether it is the letter's
// own event or one between.
func (s *search) forbidden(at *place, p passed, e int) bool {
	// h
	if s.words.rule.Unless && s.holds(Unless, e, s.caps) {
		return true
	}
	// d
	for _, n := range p.nots {
		if s.violated(n.elem, e) {
			return true
		}
	}
	for pl := at; pl != nil; pl = pl.outer {
		// g
		if pl.elem.until >= 0 && pl.loop < len(s.word) && s.holds(pl.elem.until, e, s.caps) {
			return true
		}
		// e: the letter is the first of a later round of this element.
		if pl.done == 0 || pl.round != len(s.word) {
			continue
		}
		for _, f := range pl.elem.inForce {
			if (f.not.link.Kind == Follow || pl.couldEnd(f.outer)) && s.violated(f.not, e) {
				return true
			}
		}
	}
	return false
}

// violated says that the event is the one that a negation passed after the last
// letter forbids.
func (s *search) violated(not *elem, e int) bool {
	last := s.word[len(s.word)-1].Event
	if not.link.Kind == Next && e != last+1 {
		return false
	}
	return not.link.allows(s.events[e].Time-s.events[last].Time) && s.holds(not.name, e, s.caps)
}

// couldEnd says that the rounds before this one suffice for the word to be
// behind the element, and behind as many of those around it.
func (pl *place) couldEnd(outer int) bool {
	if pl.done < pl.elem.min {
		return false
	}
	for ; outer > 0; outer-- {
		pl = pl.outer
		if pl.done+1 < pl.elem.min {
			return false
		}
	}
	return true
}

// wanted is clause f: a greedy loop that the word has passed wants the event. An
// event that satisfies the loop's until frees the word from it for good.
func (s *search) wanted(greedy *[]*elem, e int) bool {
	var still []*elem
	for _, g := range *greedy {
		if g.until >= 0 && s.holds(g.until, e, s.caps) {
			continue
		}
		if s.holds(g.name, e, s.caps) {
			return true
		}
		still = append(still, g)
	}
	*greedy = still
	return false
}

// complete says that the word is a whole one.
func (s *search) complete(p passed) {
	if len(s.word) == 0 {
		return
	}
	last := s.word[len(s.word)-1].Event
	at, by, ok := s.events[last].Time, last, true
	if len(p.nots) > 0 && !p.idle {
		at, by, ok = s.close(p.nots, last)
	}
	if ok && (!s.words.rule.Having || s.holds(Having, -1, s.caps)) {
		s.found = append(s.found, Match{slices.Clone(s.word), at, by})
	}
}

// close says when a word that ends in negations comes, and whether it does.
func (s *search) close(nots []negation, last int) (at int64, by int, ok bool) {
	at, by = math.MinInt64, -1
	for _, n := range nots {
		switch limit := s.limit(n, last); {
		case n.elem.link.Kind == Next:
			// The event after the last exists before the limit: the match comes with it.
			by = last + 1
			if by == len(s.events) || s.events[by].Time >= limit {
				return 0, 0, false
			}
		default:
			at = max(at, limit)
		}
	}
	if by >= 0 {
		at = s.events[by].Time
	} else if at > s.end {
		return 0, 0, false
	}
	for e := last + 1; e < len(s.events) && (e <= by || by < 0 && s.events[e].Time < at); e++ {
		// h
		if s.words.rule.Unless && s.holds(Unless, e, s.caps) {
			return 0, 0, false
		}
		for _, n := range nots {
			if s.events[e].Time < s.limit(n, last) && s.violated(n.elem, e) {
				return 0, 0, false
			}
		}
	}
	return at, by, true
}

// limit is the moment from which on a closing negation demands nothing: the
// earliest end of the rule's window, its link's bound, and the windows of the
// groups around it.
func (s *search) limit(n negation, last int) int64 {
	limit := int64(Forever)
	if within := s.words.rule.Within; within != 0 {
		limit = s.time(0) + within
	}
	if bound := n.elem.link.Limit; bound != 0 {
		limit = min(limit, s.events[last].Time+bound)
	}
	for pl := n.in; pl != nil; pl = pl.outer {
		if pl.elem.window != 0 {
			limit = min(limit, s.time(pl.round)+pl.elem.window)
		}
	}
	return limit
}
