package oracle

// The small world: all patterns of up to three elements over three conditions,
// with one of seven quantifiers on each element, the three links, and at most
// one negation, on all streams of up to five events. Conditions 0 and 1 overlap,
// in kind x; no condition holds on kind z. All is numbered, so that a run can be
// taken up again at a number, or a sample drawn by one.
const (
	// SmallPatterns is how many patterns there are in which a negation counts as
	// one of the three elements; some of them are refused.
	SmallPatterns = positive + positive*linked + positive*linked*linked +
		positive*negative + positive*negative*linked + positive*linked*negative
	// WidePatterns is how many there are if the negation stands beside three
	// elements. The first of them are those of SmallPatterns.
	WidePatterns = SmallPatterns + 3*positive*linked*linked*negative
	// SmallStreams is how many streams there are.
	SmallStreams = 1 + 5 + 25 + 125 + 625 + 3125
	// SmallSkips is how many skip strategies each pattern has.
	SmallSkips = 5
	// SmallPairs is how many cases there are with SmallPatterns.
	SmallPairs = SmallPatterns * SmallStreams * SmallSkips

	positive = 7 * 3        // quantifier, condition
	linked   = positive * 3 // and link
	negative = 2 * 3        // link, condition
)

// SmallWithin is the window of the patterns that end in `-> !n`. Events are 1 ms
// apart.
const SmallWithin = 3 * millisecond

// smallShapes are the rows of elements in the order of their numbers: p is a
// variable, n a negation.
var smallShapes = []string{"p", "pp", "ppp", "pn", "pnp", "ppn", "pnpp", "ppnp", "pppn"}

var smallConds = [3]Cond{{Kinds: 1<<0 | 1<<3}, {Kinds: 1<<1 | 1<<3}, {Kinds: 1 << 2}}

// Small returns pattern number i without a skip strategy and without events. It
// is not ok if the pattern is refused.
func Small(i int) (c Case, ok bool) {
	shape := 0
	for ; i >= smallCount(smallShapes[shape]); shape++ {
		i -= smallCount(smallShapes[shape])
	}
	root := &Node{Op: Seq}
	for k, letter := range smallShapes[shape] {
		digit := func(base int) int {
			d := i % base
			i /= base
			return d
		}
		n := &Node{Op: Not, Name: "n"}
		if letter == 'p' {
			n.Op, n.Name = Var, string(rune('a'+k))
			smallQuantifier(n, digit(7))
		}
		c.Conds = append(c.Conds, smallConds[digit(3)])
		switch {
		case letter == 'n':
			n.Link.Kind = Kind(digit(2))
		case k > 0:
			n.Link.Kind = Kind(digit(3))
		}
		root.Subs = append(root.Subs, n)
	}
	c.Rule.Pattern = New(root)
	if last := root.Subs[len(root.Subs)-1]; last.Op == Not && last.Link.Kind == Follow {
		c.Rule.Within = SmallWithin
	}
	c.End = Forever
	return c, Refused(c.Rule) == ""
}

func smallCount(shape string) int {
	count := 1
	for i, letter := range shape {
		switch {
		case letter == 'n':
			count *= negative
		case i == 0:
			count *= positive
		default:
			count *= linked
		}
	}
	return count
}

func smallQuantifier(n *Node, q int) {
	n.Repeats, n.Min, n.Max = q > 1, 1, Many
	switch q {
	case 0, 1, 3: // once, `?`, `*`
		n.Optional = q > 0
	case 4: // {2}
		n.Min, n.Max = 2, 2
	case 5: // {1,2}
		n.Max = 2
	case 6: // `++`
		n.Greedy = true
	}
}

// SmallStream returns stream number i.
func SmallStream(i int) []Sample {
	length := 0
	for count := 1; i >= count; count *= len(Kinds) {
		i -= count
		length++
	}
	events := make([]Sample, length)
	for k := range events {
		events[k] = Sample{Time: int64(k+1) * millisecond, Kind: i % len(Kinds)}
		i /= len(Kinds)
	}
	return events
}

// SmallSkip returns skip strategy number i for a pattern: the targets are the
// last variable for ToFirst and the first for ToLast.
func SmallSkip(p *Pattern, i int) (Skip, string) {
	switch skip := Skip(i); skip {
	case ToFirst:
		last := len(p.Names) - 1
		if p.Names[last] == "n" {
			last--
		}
		return skip, p.Names[last]
	case ToLast:
		return skip, p.Names[0]
	default:
		return skip, ""
	}
}

// SmallPair splits the number of a case: of the pattern, the stream and the skip
// strategy.
func SmallPair(i int) (pattern, stream, skip int) {
	return i / (SmallSkips * SmallStreams), i / SmallSkips % SmallStreams, i % SmallSkips
}

// Sampled draws one number in n by a seed, each number by itself.
func Sampled(seed, number uint64, n int) bool {
	s := Splitmix(seed)
	s = Splitmix(s.Next() ^ number)
	return s.Below(n) == 0
}
