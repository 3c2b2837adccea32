package nfa

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// grower draws patterns that obey the rules of the language.
type grower struct {
	t      *rapid.T
	names  []Name
	unused []int // capturing names of other alternatives, free in this one
	silent []int // names that capture nothing
}

// growPattern draws a pattern as a tree, with no text.
func growPattern(t *rapid.T) *Pattern {
	g := &grower{t: t}
	var root *Node
	if g.yes("choice", 4) {
		root = g.choice(3)
	} else {
		root = asRoot(g.sequence(3, false, MaxCaptures))
	}
	findLists(root, g.names, false)
	p := &Pattern{Root: root, names: g.names}
	inOrder(p)
	return p
}

// yes is true once in n draws.
func (g *grower) yes(label string, n int) bool { return rapid.IntRange(1, n).Draw(g.t, label) == n }

func (g *grower) newName(captures bool) int {
	g.names = append(g.names, Name{Text: fmt.Sprintf("v%d", len(g.names)), Captures: captures})
	return len(g.names) - 1
}

func (g *grower) variable() *Node {
	n := newNode(OpVar, 0)
	if len(g.unused) > 0 && g.yes("reuse", 2) {
		n.Name, g.unused = g.unused[0], g.unused[1:]
		return n
	}
	n.Name = g.newName(true)
	return n
}

func (g *grower) silentName() int {
	if len(g.silent) > 0 && g.yes("again", 2) {
		return rapid.SampledFrom(g.silent).Draw(g.t, "silent")
	}
	name := g.newName(false)
	g.silent = append(g.silent, name)
	return name
}

func (g *grower) span() time.Duration {
	return time.Duration(rapid.Int64Range(1, 1<<40).Draw(g.t, "ms")) * time.Millisecond
}

func (g *grower) link() Link {
	l := Link{Kind: rapid.SampledFrom([]LinkKind{Follow, Next, Any}).Draw(g.t, "link")}
	switch rapid.IntRange(0, 6).Draw(g.t, "bound") {
	case 0:
		l.Limit = g.span()
	case 1:
		l.Least = g.span() + 1
	case 2:
		l.Least = g.span()
		l.Limit = l.Least + g.span()
	}
	return l
}

// sequence draws elements that may follow each other. rounds is how many rounds
// the repeats in it may ask for.
func (g *grower) sequence(depth int, repeated bool, rounds int) *Node {
	seq := newNode(OpSeq, 0)
	for range rapid.IntRange(1, 4).Draw(g.t, "elements") {
		if len(seq.Subs) > 0 && g.yes("negation", 5) {
			not := newNode(OpNot, 0)
			not.Link = g.link()
			if prev := seq.Subs[len(seq.Subs)-1]; not.Link.Kind != Any && checkNeighbours(prev, not) == nil {
				not.Name = g.silentName()
				seq.Subs = append(seq.Subs, not)
			}
			continue
		}
		n := g.element(depth, repeated, rounds)
		if len(seq.Subs) > 0 {
			prev := seq.Subs[len(seq.Subs)-1]
			if n.Link = g.link(); checkNeighbours(prev, n) != nil {
				n.Link.Least = 0
			}
			if checkNeighbours(prev, n) != nil {
				between := newNode(OpVar, 0)
				between.Name = g.newName(true)
				between.Link = g.link()
				seq.Subs = append(seq.Subs, between)
			}
		}
		seq.Subs = append(seq.Subs, n)
	}
	return unwrap(seq)
}

func (g *grower) element(depth int, repeated bool, rounds int) *Node {
	kind := 0
	if depth > 0 {
		kind = rapid.IntRange(0, 5).Draw(g.t, "kind")
	}
	repeats := g.yes("repeats", 2)
	var n *Node
	switch {
	case kind == 5 && !repeated:
		n, repeats = g.choice(depth-1), false
	case kind >= 4:
		least := 1
		if repeats {
			least = rapid.IntRange(1, min(3, rounds)).Draw(g.t, "least")
		}
		n = g.sequence(depth-1, repeated || repeats, rounds/least)
		if isPlainGroup(n) {
			n.Repeat.Min = least
		}
	default:
		n = g.variable()
	}
	if n.Repeat.Max != 1 || n.Repeat.Optional || n.Window != 0 {
		return n // a single element in parentheses has its suffix already
	}
	if repeats && (n.Op == OpVar || !optional(n)) {
		g.repeat(n, rounds)
	} else {
		n.Repeat = once
	}
	n.Repeat.Optional = g.yes("optional", 3)
	if (n.Op != OpVar || n.Repeat.Max != 1) && g.yes("window", 3) {
		n.Window = g.span()
	}
	return n
}

func (g *grower) repeat(n *Node, rounds int) {
	r := &n.Repeat
	if n.Op == OpVar {
		r.Min = rapid.IntRange(1, min(4, rounds)).Draw(g.t, "min")
	}
	r.Max = -1
	if g.yes("closed", 2) {
		r.Max = max(2, r.Min) + rapid.IntRange(0, 3).Draw(g.t, "more")
	} else if g.yes("until", 3) {
		n.Until = g.silentName()
	}
	if g.yes("round", 3) {
		if n.Round = g.link(); n.Op == OpSeq && checkLeast(n.Round, n.Subs[0]) != nil {
			n.Round.Least = 0
		}
	}
	r.Greedy = n.Op == OpVar && n.Round.Kind != Any && g.yes("greedy", 3)
}

// choice draws alternatives or a set.
func (g *grower) choice(depth int) *Node {
	if g.yes("all", 2) {
		all := newNode(OpAll, 0)
		for range rapid.IntRange(2, 3).Draw(g.t, "operands") {
			all.Subs = append(all.Subs, g.variable())
		}
		return all
	}
	alt := newNode(OpAlt, 0)
	for range rapid.IntRange(2, 3).Draw(g.t, "alternatives") {
		first := len(g.names)
		alt.Subs = append(alt.Subs, g.sequence(depth, false, MaxCaptures))
		g.unused = nil
		for i := first; i < len(g.names); i++ {
			if g.names[i].Captures {
				g.unused = append(g.unused, i)
			}
		}
	}
	g.unused = nil
	return alt
}

// inOrder numbers the names in the order of their places and calls them after
// their numbers.
func inOrder(p *Pattern) {
	number := map[int]int{}
	var names []Name
	see := func(i int) int {
		if _, ok := number[i]; !ok {
			number[i] = len(names)
			n := p.names[i]
			n.Text = fmt.Sprintf("v%d", len(names))
			names = append(names, n)
		}
		return number[i]
	}
	var walk func(n *Node)
	walk = func(n *Node) {
		if n.Op == OpVar || n.Op == OpNot {
			n.Name = see(n.Name)
		}
		for _, sub := range n.Subs {
			walk(sub)
		}
		if n.Until >= 0 {
			n.Until = see(n.Until)
		}
	}
	walk(p.Root)
	p.names = names
}

// speller writes a pattern in one of the many ways that say the same.
type speller struct {
	t *rapid.T
	*Pattern
}

func (s speller) pick(of ...string) string { return rapid.SampledFrom(of).Draw(s.t, "spelling") }

func (s speller) space() string { return s.pick("", "", " ", "\n\t") }

func (s speller) body(n *Node) string {
	var b strings.Builder
	for i, sub := range n.Subs {
		switch {
		case i == 0:
		case n.Op == OpAlt:
			b.WriteString(s.space() + "|" + s.space())
		case n.Op == OpAll:
			b.WriteString(s.space() + "&" + s.space())
		default:
			b.WriteString(s.space() + s.link(sub.Link) + s.space())
		}
		switch {
		case n.Op == OpAll:
			b.WriteString(s.Pattern.names[sub.Name].Text)
		case n.Op == OpAlt && sub.Op == OpSeq && isPlainGroup(sub) && s.pick("", "()") == "":
			b.WriteString(s.body(sub))
		default:
			b.WriteString(s.element(sub))
		}
	}
	if n.Op == OpVar {
		return s.inParens(s.Pattern.names[n.Name].Text)
	}
	return b.String()
}

// inParens puts an element into parentheses that say nothing.
func (s speller) inParens(text string) string {
	for s.pick("", "", "", "()") != "" {
		text = "(" + s.space() + text + s.space() + ")"
	}
	return text
}

func (s speller) link(l Link) string {
	text := l.String()
	for _, token := range []string{"[", "]", "<", ".."} {
		text = strings.Replace(text, token, s.spaceIf(token == "]")+token+s.spaceIf(token != "]"), 1)
	}
	if l.Kind != Next {
		text = strings.Replace(text, "- [", "-[", 1)
	}
	return text
}

func (s speller) spaceIf(wanted bool) string {
	if wanted {
		return s.space()
	}
	return ""
}

func (s speller) element(n *Node) string {
	if n.Op == OpNot {
		return "!" + s.space() + s.Pattern.names[n.Name].Text
	}
	text := s.body(n)
	if n.Op != OpVar || !isPlainLink(n.Round) || n.Repeat.Max != 1 && s.pick("", "->") != "" {
		if n.Op != OpVar {
			text = s.groupInParens(text)
		}
		if n.Repeat.Max != 1 && (!isPlainLink(n.Round) || s.pick("", "->") != "") {
			text += " " + s.link(n.Round)
		}
		text = "(" + text + ")"
	}
	r := n.Repeat
	quantity, whole := quantifier(r)
	if whole && r.Optional && r.Max != 1 && s.pick("", "?") != "" {
		r.Optional = false
		quantity, _ = quantifier(r)
		whole = false
	}
	text += s.space() + s.quantity(quantity)
	if n.Until >= 0 {
		text += " until " + s.Pattern.names[n.Until].Text
	}
	window := ""
	if n.Window > 0 {
		window = " within " + FormatDuration(n.Window)
	}
	if !whole && n.Op == OpVar && s.pick("", "outside") != "" {
		return s.inParens("(" + text + ")?" + window)
	}
	text += window
	if !whole {
		text = "(" + text + ")?"
	}
	return s.inParens(text)
}

// groupInParens puts the text of a group into parentheses of its own.
func (s speller) groupInParens(text string) string {
	if s.pick("", "", "()") != "" {
		return "(" + text + ")"
	}
	return text
}

// quantity gives another form of a quantifier.
func (s speller) quantity(text string) string {
	same := map[string][]string{
		"":  {"", "", "{1}", "{1,1}"},
		"?": {"?", "{,1}", "{0,1}"},
		"*": {"*", "{0,}"}, "*+": {"*+", "{0,}+", "* +"},
		"+": {"+", "{1,}"}, "++": {"++", "{1,}+", "+ +"},
	}
	if forms, ok := same[text]; ok {
		return s.pick(forms...)
	}
	if rest, ok := strings.CutPrefix(text, "{,"); ok {
		return s.pick("{,", "{0,", "{ 0 , ") + rest
	}
	return text
}

// TestCanonicalText: a tree has a text whose tree it is, however it is spelled.
func TestCanonicalText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		grown := growPattern(t)
		text := grown.String()
		parsed, err := Parse(text, nil)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if a, b := dump(grown), dump(parsed); a != b {
			t.Fatalf("tree\n%stext %q: tree\n%s", a, text, b)
		}
		if again := parsed.String(); again != text {
			t.Fatalf("%q becomes %q", text, again)
		}
		spelled := speller{t, grown}.body(grown.Root)
		other, err := Parse(spelled, nil)
		if err != nil {
			t.Fatalf("%q, spelled %q: %v", text, spelled, err)
		}
		if again := other.String(); again != text {
			t.Fatalf("%q, spelled %q, becomes %q", text, spelled, again)
		}
		if a, b := dump(grown), dump(other); a != b {
			t.Fatalf("%q, spelled %q: tree\n%s and\n%s", text, spelled, a, b)
		}
	})
}

// TestBrokenText: whatever is cut out of a pattern or put into it, the outcome is
// a pattern or an error that points into the text.
func TestBrokenText(t *testing.T) {
	pieces := rapid.SampledFrom([]string{
		"", "a", "v0", "v1", "->", "->>", ",", "-[", "[", "]", "<", ">", "..", "5m", "3", "$n", "$d", "!", "?", "*", "+",
		"{", "}", "(", ")", "|", "&", " until ", " within ", "\xff", "é", "\x00", "-", ".", "$",
	})
	rapid.Check(t, func(t *rapid.T) {
		text := growPattern(t).String()
		for range rapid.IntRange(1, 3).Draw(t, "breaks") {
			from := rapid.IntRange(0, len(text)).Draw(t, "from")
			to := min(len(text), from+rapid.IntRange(0, 4).Draw(t, "cut"))
			text = text[:from] + pieces.Draw(t, "piece") + text[to:]
		}
		broken, err := Parse(text, testParams)
		if err == nil {
			again, err := Parse(broken.String(), nil)
			if err != nil || dump(again) != dump(broken) {
				t.Fatalf("%q becomes %q: %v", text, broken.String(), err)
			}
			return
		}
		e, ok := err.(*Error)
		if !ok || e.Pos < 0 || e.Pos > e.End || e.End > len(text) || e.Msg == "" || e.Hint == "" {
			t.Fatalf("%q: %#v", text, err)
		}
	})
}

func TestLinkString(t *testing.T) {
	for want, l := range map[string]Link{
		"->":             {},
		",":              {Kind: Next},
		"->>":            {Kind: Any},
		"-[<5m]->":       {Limit: 5 * time.Minute},
		"-[>90d]->>":     {Kind: Any, Least: 90*day + 1},
		",[1m..5m]":      {Kind: Next, Least: time.Minute, Limit: 5 * time.Minute},
		"-[500ms..2w]->": {Least: 500 * time.Millisecond, Limit: 14 * day},
	} {
		if got := l.String(); got != want {
			t.Errorf("%+v: %q, want %q", l, got, want)
		}
	}
}
