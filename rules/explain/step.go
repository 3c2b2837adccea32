package explain

import (
	"slices"
	"strconv"
	"time"

	"weir/nfa"
)

// step is a part of a pattern in words, with the parts that it consists of.
type step struct {
	mark string // what stands before the text, like `1.`
	text string
	subs []step
}

// place is where an element stands in the pattern.
type place struct {
	lead     *nfa.Link       // the link before it; nil: it begins the pattern
	rounds   []nfa.Link      // how further rounds of the groups begin whose first element it is, outermost first
	said     bool            // what is around it says `then` already
	last     bool            // nothing is captured behind it, unless a round around it begins anew
	behind   []*nfa.Node     // the negations behind the groups around it that end the pattern, if it is the last
	repeated bool            // a group around it repeats
	windows  []time.Duration // of the groups around it, outermost first
}

// inside gives the place of the parts of a group.
func (at place) inside(n *nfa.Node) place {
	at.said = true
	if n.Repeat.Max != 1 {
		at.repeated = true
		at.rounds = append(slices.Clip(at.rounds), n.Round)
	}
	if n.Window > 0 {
		at.windows = append(slices.Clip(at.windows), n.Window)
	}
	return at
}

// teller puts a pattern in words.
type teller struct {
	names   []nfa.Name
	options nfa.Options
}

// pattern gives the steps of the whole.
func (t *teller) pattern(root *nfa.Node) []step {
	if root.Op == nfa.OpSeq {
		return t.sequence(root.Subs, place{last: true})
	}
	s := t.element(root, place{last: true})
	s.text = capital(s.text)
	return []step{s}
}

func (t *teller) name(i int) string { return tick(t.names[i].Text) }

// sequence gives a step for each element; those that capture are numbered.
func (t *teller) sequence(subs []*nfa.Node, at place) []step {
	var steps []step
	number := 0
	for i, n := range subs {
		here := at
		here.last = at.last && !slices.ContainsFunc(subs[i+1:], captures)
		if here.last {
			here.behind = append(slices.Clip(at.behind), subs[i+1:]...)
		}
		if i > 0 {
			here.lead, here.rounds, here.said = &n.Link, nil, false
		}
		if n.Op == nfa.OpNot {
			steps = append(steps, step{mark: "-", text: t.negation(subs, i, at)})
			continue
		}
		number++
		s := t.element(n, here)
		s.mark = strconv.Itoa(number) + "."
		steps = append(steps, s)
	}
	return steps
}

// element puts a variable or group in words.
func (t *teller) element(n *nfa.Node, at place) step {
	switch n.Op {
	case nfa.OpVar:
		return step{text: at.then() + t.variable(n, at)}
	case nfa.OpAll:
		return step{text: at.then() + t.all(n, at.lead)}
	case nfa.OpSeq:
		return step{text: at.then() + t.group(n) + ":", subs: t.sequence(n.Subs, at.inside(n))}
	case nfa.OpAlt:
		s := step{text: at.then() + optionally(n) + "one of these" + window(n) + ":"}
		for i, sub := range n.Subs {
			alt := t.alternative(sub, at.inside(n))
			alt.mark = letters(i) + ")"
			s.subs = append(s.subs, alt)
		}
		return s
	}
	panic("explain: a negation is no element")
}

// alternative is an element whose words need no header where it is a plain row.
func (t *teller) alternative(n *nfa.Node, at place) step {
	if n.Op == nfa.OpSeq && n.Repeat == (nfa.Repeat{Min: 1, Max: 1}) && n.Window == 0 {
		return step{text: "in this order:", subs: t.sequence(n.Subs, at)}
	}
	return t.element(n, at)
}

// letters numbers alternatives: a to z, then aa.
func letters(i int) string {
	if i >= 26 {
		return letters(i/26-1) + letters(i%26)
	}
	return string(rune('a' + i))
}

// then begins a step that something goes before.
func (at place) then() string {
	if at.lead == nil || at.said {
		return ""
	}
	return "then "
}

// optionally says of what comes once that it may be left out.
func optionally(n *nfa.Node) string {
	if n.Repeat.Optional && n.Repeat.Max == 1 {
		return "optionally "
	}
	return ""
}

// again says how a further round of the groups begins whose first element it is,
// where that differs from what is said of the first; tell puts a link in words.
func (at place) again(mark string, tell func(*nfa.Link) string) string {
	text, which := "", "in a further round"
	for _, l := range slices.Backward(at.rounds) {
		if bare(&l) != bare(at.lead) {
			text += mark + which + " " + tell(&l)
		}
		which += " of the group around"
	}
	return text
}

// bare is a link without its place in the text; without one it is `->`.
func bare(l *nfa.Link) nfa.Link {
	if l == nil {
		return nfa.Link{}
	}
	return nfa.Link{Kind: l.Kind, Least: l.Least, Limit: l.Limit}
}

const since = " after the event captured before"

// variable puts a variable with its quantifier in words.
func (t *teller) variable(n *nfa.Node, at place) string {
	name := t.name(n.Name)
	if n.Repeat.Max == 1 {
		return optionally(n) + single(name, at.lead) + at.again("; ", func(l *nfa.Link) string { return single(name, l) })
	}
	text := quantity(n.Repeat) + " " + name + orNone(n.Repeat)
	if at.lead != nil && (bare(at.lead) != (nfa.Link{}) || n.Round.Kind != nfa.Follow) {
		text += ", beginning with " + first("", at.lead)
	}
	text += at.again(", ", func(l *nfa.Link) string { return "beginning with " + first("", l) })
	text += following(n.Round)
	if n.Until >= 0 {
		text += "; none of them fits " + t.name(n.Until) + ", and once it has begun an event that does ends it"
	}
	if n.Window > 0 {
		text += "; the last less than " + span(n.Window) + " after the first"
	}
	return text + t.greedy(name, n, at)
}

// single puts a variable that captures one event in words.
func single(name string, lead *nfa.Link) string {
	switch {
	case lead == nil:
		return "one " + name
	case lead.Kind == nfa.Next:
		return name + " as " + first("", lead)
	case lead.Kind == nfa.Any:
		return first(name, lead) + "; all that comes in between is skipped"
	}
	return first(name, lead) + "; other events in between are skipped"
}

// first says which event a link leads to; name is what it has to be, empty where
// that has been said.
func first(name string, l *nfa.Link) string {
	b := bound(*l)
	if name != "" {
		name = " " + name
	}
	comes := name + " that follows"
	if b != "" {
		comes = name + " that comes " + b + since
	}
	switch {
	case l.Kind == nfa.Next && b == "":
		return "the very next event"
	case l.Kind == nfa.Next:
		return "the very next event, " + b + since
	case l.Kind == nfa.Any:
		return "any" + comes + ", not only the first"
	}
	return "the first" + comes
}

// orNone says of a quantity that it may be none.
func orNone(r nfa.Repeat) string {
	if r.Optional && r.Max != 1 {
		return ", or none"
	}
	return ""
}

// following says how an event of a repeated variable follows the one before.
func following(round nfa.Link) string {
	b := bound(round)
	switch {
	case round.Kind == nfa.Follow && b == "":
		return "; other events in between are skipped"
	case round.Kind == nfa.Follow:
		return ", each the first that comes " + b + " after the one before; other events in between are skipped"
	}
	if b != "" {
		b = ", each " + b + " after the one before"
	}
	if round.Kind == nfa.Next {
		return ", directly one after the other" + b
	}
	return ", in every combination" + b + ": any event in between may be skipped, also one that fits"
}

// greedy says what a greedy loop forbids to what follows.
func (t *teller) greedy(name string, n *nfa.Node, at place) string {
	if !n.Repeat.Greedy || n.Repeat.Min == n.Repeat.Max || at.last && !at.repeated {
		return ""
	}
	text := ". All there are (greedy): between the last " + name + " and the next event captured no other fits " + name + ", nor does that event itself"
	if n.Repeat.Max > 0 {
		text += "; one more than " + number(n.Repeat.Max) + " ends the open match"
	}
	if n.Until >= 0 {
		text += "; an event that fits " + t.name(n.Until) + " lifts this"
	}
	return text
}

// group puts the quantifier of a group in words.
func (t *teller) group(n *nfa.Node) string {
	if n.Repeat.Max == 1 {
		return optionally(n) + "this, in this order" + window(n)
	}
	text := quantity(n.Repeat) + " rounds of this" + orNone(n.Repeat)
	if n.Until >= 0 {
		text += "; no event of them fits " + t.name(n.Until) + ", and once they have begun an event that does ends them"
	}
	return text + window(n)
}

// window puts the window of a group in words.
func window(n *nfa.Node) string {
	switch {
	case n.Window == 0:
		return ""
	case n.Repeat.Max == 1:
		return ", the last event less than " + span(n.Window) + " after the first"
	}
	return "; the last event of a round less than " + span(n.Window) + " after its first"
}

// all puts variables in any order in words.
func (t *teller) all(n *nfa.Node, lead *nfa.Link) string {
	var names []string
	for _, sub := range n.Subs {
		names = append(names, t.name(sub.Name))
	}
	text := optionally(n) + "all of these, in any order: " + list(names, "and")
	if bare(lead) != (nfa.Link{}) {
		text += ", beginning with " + first("", lead)
	}
	return text + window(n) + "; other events in between are skipped"
}

// negation puts subs[i], a negation, in words.
func (t *teller) negation(subs []*nfa.Node, i int, at place) string {
	n := subs[i]
	closing := at.last && !slices.ContainsFunc(subs[i:], captures)
	text := ""
	if !closing || at.repeated {
		text = t.between(n, subs[:i])
	}
	if !closing {
		return text
	}
	if text != "" {
		return text + "; after the last round " + t.closing(n, subs, at)
	}
	return "then " + t.closing(n, subs, at) + t.also(n, subs[:i])
}

func captures(n *nfa.Node) bool { return n.Op != nfa.OpNot }

// between puts a negation before another element in words; before is what stands
// before it in its sequence.
func (t *teller) between(n *nfa.Node, before []*nfa.Node) string {
	name, b := t.name(n.Name), bound(n.Link)
	text := "no " + name + " may come"
	switch {
	case n.Link.Kind == nfa.Next && b != "":
		text = "the very next event, if it comes " + b + since + ", is not " + name
	case n.Link.Kind == nfa.Next:
		text = "the very next event is not " + name
	case b != "":
		text += " " + b + since + ", up to and including the next one captured"
	default:
		text += " up to and including the next event captured"
	}
	return text + t.also(n, before)
}

// also says that a negation holds between the rounds of the repeats before it too.
func (t *teller) also(n *nfa.Node, before []*nfa.Node) string {
	loops := t.loops(before)
	switch {
	case len(loops) == 0:
		return ""
	case n.Link.Kind == nfa.Next:
		return "; this holds between " + list(loops, "and") + " too, once there are enough of them"
	}
	return "; this holds between " + list(loops, "and") + " too"
}

// loops names the repeats that what stands before a negation ends with: it holds
// between their rounds already.
func (t *teller) loops(before []*nfa.Node) []string {
	for len(before) > 0 && !captures(before[len(before)-1]) {
		before = before[:len(before)-1]
	}
	if len(before) == 0 {
		return nil
	}
	return t.loopsAt(before[len(before)-1])
}

func (t *teller) loopsAt(n *nfa.Node) []string {
	var all []string
	if n.Repeat.Max != 1 {
		rounds := "one round and the next"
		if n.Op == nfa.OpVar {
			rounds = "one " + t.name(n.Name) + " and the next"
		}
		all = append(all, rounds)
	}
	switch n.Op {
	case nfa.OpSeq:
		return append(all, t.loops(n.Subs)...)
	case nfa.OpAlt:
		for _, sub := range n.Subs {
			all = append(all, t.loopsAt(sub)...)
		}
	}
	return all
}

// closing puts a negation at the end of the pattern in words.
func (t *teller) closing(n *nfa.Node, subs []*nfa.Node, at place) string {
	name := t.name(n.Name)
	all := append(closings(subs), at.behind...)
	next := slices.ContainsFunc(all, func(n *nfa.Node) bool { return n.Link.Kind == nfa.Next })
	ends := t.ends(n.Link, at)
	from := from(n.Link)
	switch {
	case n.Link.Kind == nfa.Next:
		if from != "" {
			name += " if it " + from
		}
		for i, e := range ends {
			name += []string{" and comes", " and"}[min(i, 1)] + " less than " + e
		}
		return "one more event, the very next, that is not " + name + ": the match comes with it, and it is no part of the match"
	case next && bound(n.Link) != "":
		return "no " + name + " " + bound(n.Link) + " after the event captured last, up to and including the next event"
	case next:
		return "no " + name + " up to and including the next event"
	}
	if from != "" {
		name += " that " + from + ","
	}
	until := "no " + name + " until " + list(ends, "or")
	if len(ends) > 1 {
		until += ", whichever comes first"
	}
	if len(all) > 1 {
		return until + "; the match comes when the last of these times has passed"
	}
	return until + ": the match comes at that moment"
}

// closings lists the negations that a sequence ends with, those of a group at its
// end too.
func closings(subs []*nfa.Node) []*nfa.Node {
	n := subs[len(subs)-1]
	switch n.Op {
	case nfa.OpNot:
		return append(closings(subs[:len(subs)-1]), n)
	case nfa.OpSeq:
		return closings(n.Subs)
	}
	return nil
}

// from says when a closing negation with a least time begins to hold.
func from(l nfa.Link) string {
	switch {
	case l.Least == 0:
		return ""
	case l.Limit == 0:
		return "comes more than " + span(l.Least-time.Nanosecond) + " after the event captured last"
	}
	return "comes at least " + span(l.Least) + " after the event captured last"
}

// ends says when a closing negation has held long enough: when the first of these
// times comes.
func (t *teller) ends(l nfa.Link, at place) []string {
	limit := l.Limit
	if l.Least == 0 && l.Limit == 0 {
		limit = t.options.Gap
	}
	var ends []string
	if limit > 0 {
		ends = append(ends, span(limit)+" after the event captured last")
	}
	for _, w := range slices.Backward(at.windows) {
		what := "group"
		if at.repeated {
			what = "round"
		}
		ends = append(ends, span(w)+" after the first event of the "+what)
	}
	if t.options.Within > 0 {
		ends = append(ends, span(t.options.Within)+" after the first event")
	}
	return ends
}
