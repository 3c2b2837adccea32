package source

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

// shape is a text of any length: head, a unit again and again, tail.
type shape struct {
	name, head, tail string
	unit             func(i int) string
}

func same(s string) func(int) string { return func(int) string { return s } }

// shapes are texts that are costly to read.
var shapes = []shape{
	{"blanks", "", "a", same(" ")},
	{"breaks", "", "", same("\n")},
	{"breaks of old", "", "", same("\r")},
	{"breaks of two", "", "", same("\r\n")},
	{"comments", "", "", same("#\n")},
	{"comments between entries", "", "", same("a: #\n#\n")},
	{"long word", "", "", same("a")},
	{"long number", "", "", same("9")},
	{"long exponent", "1e", "", same("9")},
	{"words", "", "", same("a ")},
	{"lines of words", "a: ", "", same(" b\n")},
	{"entries of words", "", "", same("- " + strings.Repeat("a ", 1000) + "\n")},
	{"wide characters", "a: ", "", same("😀")},
	{"single-quoted", "'", "'", same("a")},
	{"single quotes doubled", "'", "'", same("''")},
	{"double-quoted", "\"", "\"", same("a")},
	{"escapes", "\"", "\"", same(`\n`)},
	{"long escapes", "\"", "\"", same(`\U0001F600`)},
	{"escaped breaks", "\"", "\"", same("\\\n")},
	{"quoted breaks", "\"", "\"", same("\n")},
	{"literal", "a: |\n", "", same(" b\n")},
	{"literal, empty lines", "a: |\n", " b\n", same("\n")},
	{"literal, one line", "a: |\n ", "", same("b ")},
	{"literal, staircase", "a: |\n", "", func(i int) string { return strings.Repeat(" ", 1+i%400) + "b\n" }},
	{"folded", "a: >\n", "", same(" b\n")},
	{"folded, deeper lines", "a: >\n", "", same("  b\n   c\n")},
	{"literals", "", "", same("- |\n b\n")},
	{"flow list", "[", "]", same("a,")},
	{"flow list, not closed", "[", "", same("a,")},
	{"flow list of a key", "a: [", "]", same("a,")},
	{"flow list of nothing", "[", "]", same("'',")},
	{"flow lists", "", "", same("- [a, b, c]\n")},
	{"flow lists of keys", "", "", same("a: [a, b, c]\n")},
	{"flow mappings of keys", "", "", same("a: {b: c, d: e}\n")},
	{"flow lists in a list", "[", "]", same("[],")},
	{"flow mappings in a list", "[", "]", same("{},")},
	{"flow mapping", "{", "}", same("a: b,")},
	{"flow mapping without values", "{", "}", same("a,")},
	{"flow pairs", "[", "]", same("a: b,")},
	{"flow pairs of nothing", "[", "]", same(":,")},
	{"flow pairs, quoted", "[", "]", same(`"":`)},
	{"flow words", "{", "", same("a ")},
	{"flow quotes", "{", "", same(`"a" `)},
	{"brackets", "", "", same("[")},
	{"braces and brackets", "", "", same("[{")},
	{"closing brackets", "", "", same("]")},
	{"deep lists", "", "", func(i int) string { return strings.Repeat("[", 40) + strings.Repeat("]", 40) + "\n" }},
	{"dashes", "", "", same("- ")},
	{"list", "", "", same("-\n")},
	{"list of words", "", "", same("- a\n")},
	{"keys", "", "", func(i int) string { return fmt.Sprintf("k%d: 1\n", i) }},
	{"long keys", "", "", func(i int) string { return strings.Repeat("k", 1000) + fmt.Sprintf("%d: 1\n", i) }},
	{"keys without values", "", "", func(i int) string { return fmt.Sprintf("k%d:\n", i) }},
	{"one key", "", "", same("a: b\n")},
	{"one key in brackets", "{", "}", same("a: ,")},
	{"question marks", "", "", same("?\n")},
	{"question marks in brackets", "[", "]", same("? ,")},
	{"nested keys", "", "", func(i int) string { return strings.Repeat(" ", i) + "a:\n" }},
	{"nested keys, again and again", "", "", func(i int) string { return strings.Repeat(" ", i%40) + "a:\n" }},
	{"anchors", "[", "]", same("&a a,")},
	{"anchors of a list", "", "", same("- &a a\n")},
	{"aliases", "[&a a,", "]", same("*a,")},
	{"aliases of keys", "a: &a b\n", "", func(i int) string { return fmt.Sprintf("k%d: *a\n", i) }},
	{"alias bomb", "a0: &a0 [x]\n", "", func(i int) string {
		return fmt.Sprintf("a%d: &a%d [%s]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*a%d, ", i), 9))
	}},
	{"merge keys", "", "", same("<<: {}\n")},
	{"tags", "[", "]", same("!a a,")},
	{"tags of a list", "", "", same("- !a b c d\n")},
	{"one tag", "a: !", "", same("a ")},
	{"tag on a block", "a: !x |\n", "", same(" b\n")},
	{"documents", "", "", same("--- \n")},
	{"documents of words", "", "", same("--- a\n")},
	{"directives", "", "", same("%A b\n")},
	{"wide key", "? ", "\n: b", same("[a,")},
	{"an error at the end", "", "a: [", same("a: b\n")},
	{"an error in brackets at the end", "{", "] ", same("a: b,")},
	{"errors", "rules:\n", "", same("  - a: \"b\" c\n")},
	{"errors of keys", "rules:\n", "", same("  - a\n    b\n    c: d\n")},
	{"errors of indentation", "rules:\n", "", same("    - a: b\n     c: d\n")},
	{"errors of brackets", "rules:\n", "", same("  - a: [b\n    c: {d\n")},
	{"errors of quotes", "rules:\n", "", same("  - a: \"b\n    c: 'd\n")},
	{"tabs", "a:\n", "", same("\tb: c\n")},
	{"control characters", "", "", same("a\x01")},
	{"no UTF-8", "", "", same("a\xff")},
	{"one line of what is eaten", "a: {", "}", same("a: &b c, d: *b, ")},
}

// text gives the longest text of a shape within the bounds.
func (s shape) text(most int) string {
	var b strings.Builder
	b.WriteString(s.head)
	ends := []int{b.Len()}
	for i := 0; b.Len() <= most-len(s.tail); i++ {
		ends = append(ends, b.Len())
		b.WriteString(s.unit(i))
	}
	all := b.String()
	i := len(ends) - 1
	if total := work(all); total >= maxWork {
		i = i * maxWork / total
	}
	for work(all[:ends[i]])+work(s.tail) >= maxWork {
		i -= 1 + i/500
	}
	return all[:ends[i]] + s.tail
}

// cost measures a function: the memory is what it allocates in all.
func cost(f func()) (took time.Duration, bytes uint64) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begin := time.Now()
	f()
	took = time.Since(begin)
	runtime.ReadMemStats(&after)
	return took, after.TotalAlloc - before.TotalAlloc
}

// TestWorst reads costly files of the largest size. The memory is the same on
// any machine; the time is given room for a slow one.
func TestWorst(t *testing.T) {
	const slow = time.Second
	for _, s := range shapes {
		text := s.text(maxFile)
		whole := func() {
			var f Findings
			d := f.Parse("r.yaml", text)
			if d.Root != nil {
				f.walk(Node{d, d.Root})
			}
			f.All()
		}
		took, bytes := cost(whole)
		for i := 0; i < 4 && (took > slow/10 && testing.Verbose() || took > slow); i++ { // another program may have had the processor
			again, _ := cost(whole)
			took = min(took, again)
		}
		if bytes > 64_000_000 || took > slow {
			t.Errorf("%s: %d bytes of text took %v and %.1f MB", s.name, len(text), took, float64(bytes)/1e6)
		}
		if testing.Verbose() {
			t.Logf("%-30s %8d bytes %6d ms %6.1f MB", s.name, len(text), took.Milliseconds(), float64(bytes)/1e6)
		}
	}
}

// walk reads all of a document as a ruleset is read, and finds all of it wrong.
func (f *Findings) walk(n Node) {
	switch {
	case len(n.YAML.Content) == 0:
		if t, ok := f.Text(n, "x"); ok {
			f.Fault(t, len(t.Value)/2, len(t.Value), CodeExpression, "x", "")
		}
	case n.YAML.Kind == 4: // a mapping
		r, _ := f.Record(n, "x", Keys{Of: "x", Known: []string{"a", "b", "c"}})
		for _, e := range r {
			f.walk(e.Value)
		}
	default:
		f.List(n, "x")
		for _, c := range n.Items() {
			f.walk(c)
		}
	}
}

// BenchmarkParse reads a file of 2,000 lines and finds each value in it again.
func BenchmarkParse(b *testing.B) {
	const rule = `  - id: rule-%d
    title: 'Card testing, then a cash-out'   # what it is
    on: [payment, login]
    key: card_id
    params: {probe_max: 2, times: 50, codes: ["A", 'B', C]}
    pattern: probe{3,}+ -> cashout
    define:
      probe: status == "declined" || amount <= params.tiny
      cashout: >-
        status == "approved"
        && amount > params.times * mean(probe.amount)
    message: "{probes} probes, then {cashout.amount} €"
`
	var text strings.Builder
	text.WriteString("rules:\n")
	for i := range 2000 / strings.Count(rule, "\n") {
		fmt.Fprintf(&text, rule, i)
	}
	b.ReportAllocs()
	for b.Loop() {
		var f Findings
		d := f.Parse("r.yaml", text.String())
		for _, n := range scalars(d.Root) {
			Node{d, n}.Place()
		}
		if err := f.Err(); err != nil {
			b.Fatal(err)
		}
	}
}

// TestBounds refuses what is beyond the bounds, by name and place.
func TestBounds(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"bytes", strings.Repeat("# a\n", maxFile/4+1), "r.yaml:1:1: the file is larger than 1536 KiB; split it: a ruleset may have any number of files"},
		{"entries", strings.Repeat("- a\n", maxWork/2), "r.yaml:1:1: the file has too many entries; split it: a ruleset may have any number of files"},
		{"between brackets", "a:\n- [b]\n- [" + strings.Repeat("c,", 2*maxFlow) + "]\n", "r.yaml:1:1: there is too much between brackets; write the entries in lines of their own, without brackets"},
		{"brackets", "a: " + strings.Repeat("[", maxDepth+1), "r.yaml:1:54: lists and mappings stand more than 50 deep within each other here; write it flatter"},
		{"brackets of both kinds", strings.Repeat("{a: [", maxDepth), "r.yaml:1:126: lists and mappings stand more than 50 deep within each other here; write it flatter"},
		{"dashes", strings.Repeat("- ", maxDepth+1), "r.yaml:1:101: lists and mappings stand more than 50 deep within each other here; write it flatter"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var f Findings
			if d := f.Parse("r.yaml", tt.text); d.Root != nil {
				t.Error("there is a document")
			}
			if err := f.Err(); err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
	for _, text := range []string{
		"a: " + strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth),
		"a: [b]\nd:\n" + strings.Repeat("- [e, f, g]\n", 10_000),
		"a:\n- b: [c]\n" + strings.Repeat("- {d: e, f: [g]}\n", 8_000),
	} {
		var f Findings
		if f.Parse("r.yaml", text); f.Err() != nil {
			t.Errorf("a file of %d bytes is refused: %v", len(text), f.Err())
		}
	}
}

// TestThousandRules: a file of 1,000 rules with all that rules say has room.
func TestThousandRules(t *testing.T) {
	var text strings.Builder
	text.WriteString("rules:\n")
	for i := range 1000 {
		fmt.Fprintf(&text, `  - id: rule-%d
    title: Card testing, then a cash-out
    description: >-
      Three or more tiny or declined payments of one card within an hour, at two
      merchants at least, and then an approved one that is many times larger.
    severity: high
    tags: [card, typology.card_testing]
    on: [payment, refund]
    # A payment of nothing checks that a card exists.
    where: amount > 0
    key: card_id
    within: $window
    params: {probes: 3, tiny: 2, merchants: 2, times: 10, large: 200, window: 1h, quiet: 1h}
    pattern: probe{$probes,}+ -> cashout
    define:
      probe: status == "declined" || amount <= params.tiny   # or both
      cashout: {type: payment, where: 'amount > params.times * median(probe.amount) || amount > params.large'}
    having: distinct(probe.merchant_id) >= params.merchants
    measures:
      probes: count(probe)
      declined: len(filter(probe, .status == "declined"))
    score: min(95, 70 + 5 * probes)
    action: block
    message: "{probes} probes ({declined} declined), then {cashout.amount} on card {card_id}"
    throttle: $quiet
`, i)
	}
	var f Findings
	if f.Parse("r.yaml", text.String()); f.Err() != nil {
		t.Errorf("%d bytes, %d of %d units of work: %v", text.Len(), work(text.String()), maxWork, f.Err())
	}
}
