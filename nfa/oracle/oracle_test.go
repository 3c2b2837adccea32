package oracle

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A name of the table holds on the events whose letter it contains: `a`, `a1` on
// a, `ab` on a and on b. A stream is letters 1 ms apart from 0 on, or letters with
// their times. A match is written as its letters, each a name and the index of
// its event; `@5` behind it says that it comes at 5 ms without an event, `#2` that
// event 2 completes it. Time ends at the last event unless the stream ends in
// `@..` (forever) or `@9`.
type example struct {
	pattern string
	options string // within 5, gap 5, unless u, having a2 (two events), skip names
	stream  string
	want    string
}

var examples = []example{
	// Links (b).
	{"a -> b", "", "acbb", "a0 b2"},
	{"a ->> b", "", "acbb", "a0 b2; a0 b3"},
	{"a, b", "", "acbab", "a3 b4"},
	{"a", "", "aa", "a0; a1"},
	{"a -> b", "", "aab", "a0 b2; a1 b2"},
	{"a -> ab", "", "aab", "a0 ab1; a1 ab2"},
	{"a ->> ab", "", "aab", "a0 ab1; a0 ab2; a1 ab2"},

	// Repeats: relaxed rounds whatever the link; every length; every start.
	{"c, a{2}", "", "caza", "c0 a1 a3"},
	{"c -> a+", "", "caa", "c0 a1; c0 a1 a2"},
	{"a+", "", "aaa", "a0; a0 a1; a1; a0 a1 a2; a1 a2; a2"},
	{"c -> (a,)+ -> b", "", "caacab", "c0 a1 a2 b5; c0 a1 b5; c3 a4 b5"},
	{"c -> (a ->>){2} -> b", "", "caaab", "c0 a1 a2 b4; c0 a1 a3 b4"},
	{"c ->> (a ->>){2} -> b", "", "caaab", "c0 a1 a2 b4; c0 a1 a3 b4; c0 a2 a3 b4"},
	{"c -> a{1,2} -> b", "", "caaab", "c0 a1 a2 b4; c0 a1 b4"},
	{"(a,){2} -> b", "", "aazaab", "a0 a1 b5; a3 a4 b5"},

	// Optional.
	{"c -> a?", "", "ca", "c0; c0 a1"},
	{"a? -> b", "", "ab", "a0 b1; b1"},
	{"a? -> b?", "", "ab", "a0; a0 b1; b1"},
	{"c -> a* -> b", "", "caab", "c0 a1 a2 b3; c0 a1 b3; c0 b3"},
	{"c -> (a{2})? -> b", "", "cab", "c0 b2"},
	{"c -> a{,2} -> b", "", "caaab", "c0 a1 a2 b4; c0 a1 b4; c0 b4"},
	{"c -> a?, b", "", "cab", "c0 a1 b2"},
	{"c -> a?, b", "", "cb", "c0 b1"},

	// Greedy (f): what the loop wants goes to no one behind it.
	{"c -> a++ -> b", "", "caab", "c0 a1 a2 b3"},
	{"a++, b", "", "aab", "a0 a1 b2; a1 b2"},
	{"c -> a{1,2}+ -> d", "", "caaad", ""},
	{"c -> a{1,2}+ -> d", "", "caazd", "c0 a1 a2 d4"},
	{"c -> (a,)++ -> d", "", "caaxad", ""},
	{"c -> (a,)++ -> d", "", "caaxd", "c0 a1 a2 d4"},
	{"c -> a++ -> ab", "", "caab", "c0 a1 a2 ab3"},
	{"c -> a{2}+ -> d", "", "caaad", "c0 a1 a2 d4"},
	{"c -> a*+ -> b", "", "cab", "c0 a1 b2"},
	{"a*+ -> ab", "", "b", "ab0"},
	{"a*+ -> ab", "", "a", ""},
	{"c -> a++", "", "caa", "c0 a1; c0 a1 a2"},
	{"c -> a++ -> !n", "within 5", "caa@..", "c0 a1 a2 @5; c0 a1 @5"},
	{"c -> a++ until s -> as", "", "casa", "c0 a1 as2"},
	{"c -> a++ until s -> b", "", "casab", "c0 a1 b4"},
	{"c -> a++ until s -> b", "", "cabas", "c0 a1 b2"},
	{"c -> (a,)++ until s -> b", "", "caxasb", ""},
	{"(x -> a++){2} -> b", "", "xaxaab", "x0 a1 x2 a3 a4 b5"},
	{"(x -> a++){2} -> b", "", "xaaxab", "x0 a1 a2 x3 a4 b5"},

	{"c -> (x -> a++)? -> ab", "", "cab", ""}, // left out with its group
	{"c -> (x -> a++)? -> ab", "", "czb", "c0 ab2"},
	{"c -> (a++ -> x)? -> ab", "", "cab", "c0 ab1"}, // x would have come next, not ab
	{"(x -> a++)? -> ab", "", "a", ""},

	// Until (a, g).
	{"c -> a+ until s", "", "caasa", "c0 a1; c0 a1 a2"},
	{"c -> a+ until s -> d", "", "casad", "c0 a1 d4"},
	{"c -> a{2,} until s -> d", "", "casad", ""},
	{"c -> a{2,} until b -> d", "", "cbaad", "c0 a2 a3 d4"},
	{"c -> ab+ until b -> d", "", "cabad", "c0 ab1 d4"},
	{"c -> ab+ until b -> d", "", "cbad", ""}, // b fits ab, so that `->` does not pass it by
	{"c ->> ab+ until b -> d", "", "cbad", "c0 ab2 d3"},
	{"c -> a+ until s -> s1", "", "cas", "c0 a1 s12"},
	{"(a -> b)+ until s", "", "abasb", "a0 b1"},
	{"(a -> b)+ until s", "", "sab", "a1 b2"},
	{"(a -> b)+ until s", "", "asb", ""},
	{"(a -> b)+ until b2", "", "ab", ""},

	// Groups: the link of a group is its first element's; variables collect.
	{"(x -> y)+", "", "xyxy", "x0 y1; x0 y1 x2 y3; x2 y3"},
	{"c -> (x -> y)+ -> d", "", "cxyzzd", "c0 x1 y2 d5"},
	{"c, (x -> y)? , d", "", "cxyd", "c0 x1 y2 d3"},
	{"c -> (a, b)?, d", "", "cdd", "c0 d1"},
	{"c, (x? -> y)", "", "czy", "c0 y2"},
	{"c, (x? -> y)", "", "cxzy", "c0 x1 y3; c0 y3"},
	{"c, (x? , y)", "", "czy", ""},
	{"(x? -> y,){2}", "", "xyzy", "x0 y1 y3; y1 y3"}, // the round link is x's; y keeps its own
	{"(x -> y,){2}", "", "xyxy", "x0 y1 x2 y3"},
	{"(x -> y,){2}", "", "xyzxy", ""},
	{"(x -> y){2}", "", "xyzxy", "x0 y1 x3 y4"},
	{"(a{1,2} -> x?){2}", "", "aaa", "a0 a1; a0 a1 a2; a1 a2"}, // once, whatever the rounds
	{"a -> (b -> (c -> d){2}){1,2}", "", "abcdcd", "a0 b1 c2 d3 c4 d5"},

	// Negations in the middle (d).
	{"a, !c -> b", "", "axcb", "a0 b3"},
	{"a, !c -> b", "", "acxb", ""},
	{"a -> !c -> b", "", "axcb", ""},
	{"a -> !c -> b", "", "axbc", "a0 b2"},
	{"a -> !b -> ab", "", "ab", ""}, // the negation wins over the completion
	{"a, !b -> ab", "", "ab", ""},
	{"a -> !b -> c? -> d", "", "acbd", "a0 c1 d3"},
	{"a -> !b -> c? -> d", "", "abd", ""},
	{"a -> !b -> c{,2}", "within 3", "ab@..", "a0"},
	{"a -> !b -> c?", "", "abc", "a0"},
	{"a -[<3ms]-> !n -> b", "", "a@0 n@2 b@4", ""},
	{"a -[<3ms]-> !n -> b", "", "a@0 n@3 b@4", "a0 b2"},
	{"a -[>3ms]-> !n -> b", "", "a@0 n@3 b@5", "a0 b2"},
	{"a -[>3ms]-> !n -> b", "", "a@0 n@4 b@5", ""},
	{"a ,[<3ms] !n -> b", "", "a@0 n@3 b@4", "a0 b2"},
	{"a ,[<3ms] !n -> b", "", "a@0 n@2 b@4", ""},
	{"a, !b, !c, d", "", "ad", "a0 d1"},
	{"a, !b -> !c -> d", "", "axcd", ""},

	// Negations behind a repeat (e).
	{"b{2} -> !c -> d", "", "bcbd", ""},
	{"b{2} -> !c -> d", "", "bbd", "b0 b1 d2"},
	{"b+ -> !c -> d", "", "bcbd", "b2 d3"},
	{"b+, !c -> d", "", "bcbd", "b2 d3"},
	{"b{2}, !c -> d", "", "bcbd", "b0 b2 d3"}, // after one round the repeat could not end
	{"b{2,}, !c -> d", "", "bbcbd", "b1 b3 d4"},
	{"b{2} -> !n -> !c -> d", "", "bcbd", ""},
	{"(a -> b+) -> !c -> d", "", "abcbd", ""},
	{"(a -> b){2} -> !c -> d", "", "abcabd", ""},
	{"(a -> b){2} -> !c -> d", "", "acbabd", "a0 b2 a3 b4 d5"}, // not inside a round
	{"(x -> b+){2} -> !n -> y", "", "xbnbxby", ""},
	{"(x -> b+){2} -> !n -> y", "", "xbxbnby", ""},
	{"(x -> b+){2}, !n -> y", "", "xbnbxby", "x0 b1 b3 x4 b5 y6; x0 b1 x4 b5 y6"}, // behind `)` only once the group could end
	{"(x -> b+){2}, !n -> y", "", "xbxbnby", ""},
	{"(x -> b+){2}, !n -> y", "", "xbxbznby", "x0 b1 x2 b3 b6 y7; x0 b1 x2 b3 y7"},
	{"((a -> b){2} -> c) -> !n -> d", "", "ababncd", "a0 b1 a2 b3 c5 d6"},
	{"(a -> b){2} -> !c -> d", "", "abacbd", "a0 b1 a2 b4 d5"},
	{"(a -> !c){2} -> b", "", "aab", "a0 a1 b2"},
	{"(a -> !c){2} -> b", "", "acab", ""},

	// Negations at the end.
	{"a -> !b", "within 3", "a@1 b@2 a@4 c@5 b@10 a@11 b@13", "a2 @7"},
	{"a -> !b", "within 3", "a", ""},
	{"a -> !b", "within 3", "a@..", "a0 @3"},
	{"a -> !b", "within 3", "a@2", ""},
	{"a -> !b", "within 3", "a@3", "a0 @3"},
	{"a -> !b", "within 3", "a@0 b@3", "a0 @3"}, // at the limit is too late
	{"a -[<5ms]-> !b", "", "a@0 b@4", ""},
	{"a -[<3ms]-> !b", "within 5", "a@0 b@4", "a0 @3"},
	{"a -[2ms..5ms]-> !b", "", "a@0 b@1 c@9", "a0 @5"},
	{"a{3,} -> !r", "within 9", "aaa@..", "a0 a1 a2 @9"},
	{"a{3,} -> !r", "within 9", "aara", ""},
	{"a, !b", "", "a", ""},
	{"a, !b", "", "aab", "a0 #1"},
	{"a, !b", "within 3", "a@0 c@3", ""},
	{"a ,[<2ms] !b", "", "a@0 c@2", ""},
	{"a, !b, !c", "", "aab", "a0 #1"},
	{"a, !b, !c", "", "ac", ""},
	{"a -[<3ms]-> !b -[<5ms]-> !c", "", "a@0 b@3 c@5", "a0 @5"},
	{"a -[<3ms]-> !b -[<5ms]-> !c", "", "a@0 b@3 c@4", ""},
	{"a -> !b, !c", "within 6", "axb", "a0 #1"},
	{"a, !b -> !c", "within 6", "axc", "a0 #1"},
	{"a, !b -> !c", "within 6", "ac", ""},
	{"a, !b -> !c", "within 6", "a@..", ""},
	{"(a -> !c){1,2}", "within 4", "aab@..", "a0 a1 @4; a0 @4; a1 @5"},

	{"(a -> !c){2} within 4ms", "", "a@0 a@3 @..", "a0 a1 @7"},        // the window of its round
	{"(a -> !b) within 3ms -[<9ms]-> !c", "", "a@0 b@4 @..", "a0 @9"}, // each over its own limit
	{"(a -> !b) within 3ms -[<9ms]-> !c", "", "a@0 b@2 @..", ""},
	{"a -[<5ms]-> !b -[<3ms]-> !c", "", "a@0 c@3 @..", "a0 @5"},
	{"a -[<5ms]-> !b -[<3ms]-> !c", "", "a@0 b@4 @..", ""},

	// Windows (c): the end is too late.
	{"a -> b", "within 3", "a@0 b@3", ""},
	{"a -> b", "within 3", "a@0 b@2", "a0 b1"},
	{"a -> b -> c", "within 3", "a@0 b@2 c@3", ""},
	{"(a -> b) within 3ms -> c", "", "a@0 b@2 c@9", "a0 b1 c2"},
	{"(a -> b) within 3ms -> c", "", "a@0 b@3 c@4", ""},
	{"((a -> b) within 3ms){2}", "", "a@0 b@2 a@3 b@5", "a0 b1 a2 b3"},
	{"(a -> b){2} within 3ms", "", "a@0 b@2 a@3 b@5", "a0 b1 a2 b3"},
	{"(a -> b){2} within 3ms", "", "a@0 b@2 a@3 b@6", ""},
	{"a{3} within 3ms", "", "a@0 a@1 a@3 a@3", "a1 a2 a3"},
	{"(f{2} -> !k) within 5ms", "", "f@0 f@2 k@5", "f0 f1 @5"},
	{"(f{2} -> !k) within 5ms", "", "f@0 f@2 k@4", ""},
	{"a -> (f -> !k) within 5ms", "within 9", "a@0 f@5 k@9", "a0 f1 @9"},
	{"a -> (f -> !k) within 5ms", "within 9", "a@0 f@3 k@8", "a0 f1 @8"},

	// Bounds (b) and gap.
	{"a -[<2ms]-> b", "", "a@0 b@2 b@3", ""},
	{"a -[>2ms]-> b", "", "a@0 b@2 b@3", "a0 b2"},
	{"a ,[>2ms] b", "", "a@0 b@2 b@3", ""},
	{"a ,[>2ms] b", "", "a@0 b@3", "a0 b1"},
	{"a -[2ms..4ms]->> b", "", "a@0 b@1 b@2 b@3 b@4", "a0 b2; a0 b3"},
	{"a -[2ms..4ms]-> b", "", "a@0 b@1 b@2 b@3 b@4", "a0 b2"},
	{"c -[<2ms]-> (a -[<4ms]->){2}", "", "c@0 a@1 a@4", "c0 a1 a2"},
	{"c -[<2ms]-> (a -[<4ms]->){2}", "", "c@0 a@2 a@4", ""},
	{"c -[<2ms]-> a? -> b", "", "c@0 a@2 b@5", "c0 b2"},
	{"c -[<2ms]-> (a? -> b)", "", "c@0 b@5", "c0 b1"},
	{"a -> b+", "gap 3", "a@0 b@2 b@4 b@7", "a0 b1; a0 b1 b2"},
	{"a -[<5ms]-> b", "gap 3", "a@0 b@4", "a0 b1"},
	{"a -> !b", "gap 3", "a@0 b@3", "a0 @3"},
	{"a -> !b -> c", "gap 3", "a@0 c@2", "a0 c1"},
	{"a -[>2ms]-> b", "gap 3", "a@0 b@7", "a0 b1"}, // it has a bound

	// Unless (h) and having.
	{"a -> b", "unless u", "aub", ""},
	{"a -> b", "unless u", "uab", "a1 b2"},
	{"a -> bu", "unless u", "au", ""},
	{"a -> !b", "within 3 unless u", "a@0 u@2 c@9", ""},
	{"a -> !b", "within 3 unless u", "a@0 u@3", "a0 @3"},
	{"a, !b", "unless u", "au", ""},
	{"a+ -> b", "having a2", "aab", "a0 a1 b2"},
	{"a+ -> b", "having a2 skip past_last", "aabab", "a0 a1 b2"},

	// Choices.
	{"a -> b | c", "", "acb", "c1; a0 b2"},
	{"a & b", "", "ba", "b0 a1"},
	{"a & b & c", "", "cab", "c0 a1 b2"},
	{"x, (a & b)", "", "xba", "x0 b1 a2"},
	{"x, (a & b)", "", "xzba", ""},
	{"x -> (a | b -> c) -> d", "", "xbcad", "x0 b1 c2 d4; x0 a3 d4"},
	{"a -> b | a ->> b", "", "abb", "a0 b1; a0 b2"}, // found twice, one match
	{"a | a -> !b", "within 3", "a@..", "a0"},
	{"ab | b", "", "b", "ab0; b0"}, // the variable that stands earlier
	{"b | ab", "", "b", "b0; ab0"},
	{"a -> b | a -[<5ms]-> !c", "", "abz@..", "a0 b1; a0 @5"},

	// Order of what comes together.
	{"(a ->>)+ -> b", "", "aab", "a0 a1 b2; a0 b2; a1 b2"},
	{"a+ -> b*", "", "ab", "a0; a0 b1"},
	{"c -> a* -> ab*", "", "ca", "c0; c0 a1; c0 ab1"},
	{"a -> !x -> !y", "within 3", "a@0 a@0 b@1 @..", "a0 @3; a1 @3"},

	{"a -> !b | c", "within 3", "a@0 c@2 c@3", "c1; a0 @3; c2"}, // before the events of its moment
	{"a -[<5ms]-> !b | a1 -[<3ms]-> !b", "", "a@0 @..", "a10 @3; a0 @5"},

	// Equal times: the order of processing counts.
	{"a -> b", "within 1", "a@0 b@0 b@0", "a0 b1"},
	{"b -> a", "", "a@0 b@0", ""},

	// Skip.
	{"a+", "skip past_last", "aaa", "a0; a1; a2"},
	{"a{2}", "skip past_last", "aaaa", "a0 a1; a2 a3"},
	{"a{2}", "skip to_next", "aaaa", "a0 a1; a1 a2; a2 a3"},
	{"a -> b+", "skip to_next", "abbab", "a0 b1; a3 b4"},
	{"a{2} -> b{2}", "skip to_first b", "aaabbbb", "a0 a1 b3 b4"},
	{"ab{2}, ba{2}", "skip to_last ba", "aaaaaaa", "ab0 ab1 ba2 ba3; ab3 ab4 ba5 ba6"},
	{"a -> b", "skip to_first a", "aab", "a0 b2; a1 b2"},
	{"a -> b", "skip past_last", "aab", "a0 b2"},
	{"a -> b* -> c", "skip to_last b", "aac", "a0 c2; a1 c2"},     // b is empty: nothing is consumed
	{"a -> c | b -> d", "skip past_last", "abdc", "b1 d2; a0 c3"}, // an older one is not dropped
	{"a -> !b", "within 3 skip past_last", "a@0 a@1 x@9", "a0 @3; a1 @4"},
}

func TestExamples(t *testing.T) {
	for _, x := range examples {
		t.Run(x.pattern+"/"+x.options+"/"+x.stream, func(t *testing.T) {
			rule, unless, having := exampleRule(x)
			if why := Refused(rule); why != "" {
				t.Fatal("refused:", why)
			}
			events, kinds, end := exampleStream(x.stream)
			names := rule.Pattern.Names
			holds := func(cond, event int, caps [][]int) bool {
				switch cond {
				case Unless:
					return kinds[event] == unless
				case Having:
					return len(caps[rule.Pattern.Number(having)]) >= 2
				}
				return strings.IndexByte(names[cond], kinds[event]) >= 0
			}
			var got []string
			for _, m := range Matches(rule, events, end, holds) {
				got = append(got, exampleMatch(m, names))
			}
			if text := strings.Join(got, "; "); text != x.want {
				t.Errorf("got  %s\nwant %s", text, x.want)
			}
		})
	}
}

func exampleRule(x example) (r Rule, unless byte, having string) {
	r.Pattern = parsePattern(x.pattern)
	words := strings.Fields(x.options)
	for len(words) > 1 {
		option, value := words[0], words[1]
		words = words[2:]
		number := int64(0)
		fmt.Sscan(value, &number)
		switch option {
		case "within":
			r.Within = number * millisecond
		case "gap":
			r.Gap = number * millisecond
		case "unless":
			r.Unless, unless = true, value[0]
		case "having":
			r.Having, having = true, value[:1]
		case "skip":
			r.Skip, _ = vectorSkip(value)
			if r.Skip >= ToFirst {
				r.SkipVar, words = words[0], words[1:]
			}
		default:
			panic("unknown option " + option)
		}
	}
	if len(words) > 0 {
		panic("an option without a value: " + x.options)
	}
	return r, unless, having
}

func exampleStream(stream string) (events []Event, kinds []byte, end int64) {
	tokens := strings.Fields(stream)
	if len(tokens) == 1 {
		text, rest, _ := strings.Cut(stream, "@")
		tokens = nil
		for i, letter := range text {
			tokens = append(tokens, fmt.Sprintf("%c@%d", letter, i))
		}
		if rest != "" {
			tokens = append(tokens, "@"+rest)
		}
	}
	for _, token := range tokens {
		kind, at, _ := strings.Cut(token, "@")
		if at == ".." {
			return events, kinds, Forever
		}
		fmt.Sscan(at, &end)
		end *= millisecond
		if kind != "" {
			events = append(events, Event{Time: end})
			kinds = append(kinds, kind[0])
		}
	}
	return events, kinds, end
}

func exampleMatch(m Match, names []string) string {
	var words []string
	for _, p := range m.Word {
		words = append(words, fmt.Sprint(names[p.Var], p.Event))
	}
	switch last := m.Word[len(m.Word)-1].Event; {
	case m.By < 0:
		words = append(words, fmt.Sprintf("@%d", m.At/millisecond))
	case m.By != last:
		words = append(words, fmt.Sprintf("#%d", m.By))
	}
	return strings.Join(words, " ")
}

// The text of a pattern reads back as the same pattern.
func TestString(t *testing.T) {
	var texts []string
	for _, x := range examples {
		texts = append(texts, parsePattern(x.pattern).String())
	}
	for seed := range uint64(2000) {
		texts = append(texts, Random(seed).Rule.Pattern.String())
	}
	for i := 0; i < WidePatterns; i += 9973 {
		c, _ := Small(i)
		texts = append(texts, c.Rule.Pattern.String())
	}
	for _, text := range texts {
		if again := parsePattern(text).String(); again != text {
			t.Errorf("%s became %s", text, again)
		}
	}
	for text, want := range map[string]string{
		"((a{2,}+ until s within 5ms))?": "(a{2,}+ until s within 5ms)?",
		"a,b->c->>d":                     "a, b -> c ->> d",
		"a ,[>5ms] b -[1s..2s]->> c":     "a ,[>5ms] b -[1s..2s]->> c",
		"(a ,[<1s]){2}":                  "(a ,[<1s]){2}",
		"(a,)*+":                         "(a,)*+",
		"a|(b&c)":                        "a | (b & c)",
	} {
		if got := parsePattern(text).String(); got != want {
			t.Errorf("%s reads %s, not %s", text, got, want)
		}
	}
}

func TestRefused(t *testing.T) {
	for text, refused := range map[string]bool{
		"a -> b?, !c -> d":                      true,
		"(a -> b?) -> !c -> d":                  true,
		"a -> b++ -> c? -> d":                   true,
		"a -> b++ -> (c? -> d)":                 true,
		"(a -> b++) -> (c -> d)?":               true,
		"a -> b++ -> c":                         false,
		"a -> b++, !c -> d":                     false,
		"a -> (b ->>)++ -> c":                   true,
		"a ->> !b -> c":                         true,
		"a -> !b":                               true,
		"a -[<5ms]-> !b":                        false,
		"a -[>5ms]-> !b":                        true,
		"(a -> !b) within 5ms":                  false,
		"a -> (b -> !c)":                        true,
		"a, !b":                                 false,
		"a -> !b -> c?":                         false,
		"a | b -> !c":                           true,
		"(a? -> b?)+":                           true,
		"(a? -> b)+":                            false,
		"a? -> b?":                              false,
		"a -> (!b -> c)":                        true,
		"a{2} until s":                          true,
		"a -> a":                                true,
		"a -> b | a -> c":                       false,
		"(a | b)+":                              true,
		"a -[>5ms]-> b? -> c":                   true,
		"a -[>5ms]-> b -> c":                    false,
		"(a & b & c) -> (d & e & f) -> (g & h)": false,
		"(a & b & c & d & e & f)":               true,
		"(a & b & c) -> (d & e & f) -> (g & h & i)": true,
	} {
		if why := Refused(Rule{Pattern: parsePattern(text)}); (why != "") != refused {
			t.Errorf("%s: refused %v (%s)", text, !refused, why)
		}
	}
	within := Rule{Pattern: parsePattern("a -[<5ms]-> b"), Within: 4 * millisecond}
	if Refused(within) == "" {
		t.Error("a bound longer than within")
	}
	within.Within = 5 * millisecond
	if why := Refused(within); why != "" {
		t.Error(why)
	}
}

// The small world is what it says: all numbers are different cases, none of the
// patterns that are not refused twice.
func TestSmall(t *testing.T) {
	seen := map[string]bool{}
	legal := 0
	for i := range SmallPatterns {
		c, ok := Small(i)
		key := fmt.Sprint(c.Rule.Pattern, c.Conds)
		if seen[key] {
			t.Fatalf("%d: %s a second time", i, key)
		}
		seen[key] = true
		if ok {
			legal++
		}
	}
	if legal < SmallPatterns*8/10 || legal == SmallPatterns {
		t.Errorf("%d of %d patterns are legal", legal, SmallPatterns)
	}
	first, _ := Small(SmallPatterns)
	last, _ := Small(WidePatterns - 1)
	if first.Rule.Pattern.String() != "a -> !n -> c -> d" && first.Rule.Pattern.String() != "a, !n -> c -> d" {
		t.Error("first of the wide patterns:", first.Rule.Pattern)
	}
	if len(last.Rule.Pattern.Root.Subs) != 4 {
		t.Error("last of the wide patterns:", last.Rule.Pattern)
	}
	streams := map[string]bool{}
	for i := range SmallStreams {
		streams[fmt.Sprint(SmallStream(i))] = true
	}
	if len(streams) != SmallStreams {
		t.Errorf("%d streams, not %d", len(streams), SmallStreams)
	}
	pattern, stream, skip := SmallPair(SmallPairs - 1)
	if pattern != SmallPatterns-1 || stream != SmallStreams-1 || skip != SmallSkips-1 {
		t.Error("last pair:", pattern, stream, skip)
	}
	drawn := 0
	for i := range uint64(100_000) {
		if Sampled(7, i, 100) {
			drawn++
		}
	}
	if drawn < 900 || drawn > 1100 {
		t.Errorf("%d numbers of 100,000 drawn, one in 100", drawn)
	}
}

// What holds of every list of matches, whatever the rule.
func TestMatchesAreSound(t *testing.T) {
	some := map[string]int{}
	for seed := range uint64(20_000) {
		c := Random(seed)
		again := Random(seed)
		if fmt.Sprint(c.Rule.Pattern, c.Events) != fmt.Sprint(again.Rule.Pattern, again.Events) {
			t.Fatalf("seed %d draws another case the second time", seed)
		}
		if why := Refused(c.Rule); why != "" {
			t.Fatalf("seed %d: %s: %s", seed, c.Rule.Pattern, why)
		}
		words := Read(c.Rule)
		all := words.All(c.Times(), c.End, c.Holds)
		left := words.Cut(c.Rule.Skip, c.Rule.SkipVar, all)
		for i, m := range all {
			checkMatch(t, seed, &c, m)
			if i > 0 && all[i-1].compareComing(m, c.Times()) > 0 {
				t.Errorf("seed %d: match %d comes before the one in front of it", seed, i)
			}
		}
		if len(all) > 0 && (len(left) == 0 || !slices.Equal(left[0].Word, all[0].Word)) {
			t.Errorf("seed %d: the first match was skipped", seed)
		}
		count(some, "match", len(all) > 0)
		count(some, "skipped", len(left) < len(all))
		count(some, "absence", slices.ContainsFunc(all, func(m Match) bool { return m.By < 0 }))
		checkPrefix(t, seed, c, all)
	}
	if some["match"] < 5000 || some["skipped"] < 500 || some["absence"] < 200 {
		t.Error("the cases are too dull:", some)
	}
}

func count(some map[string]int, what string, is bool) {
	if is {
		some[what]++
	}
}

func checkMatch(t *testing.T, seed uint64, c *Case, m Match) {
	first, last := m.Word[0].Event, m.Word[len(m.Word)-1].Event
	for i := 1; i < len(m.Word); i++ {
		if m.Word[i-1].Event >= m.Word[i].Event {
			t.Errorf("seed %d: events out of order: %v", seed, m)
		}
	}
	for _, p := range m.Word {
		if !c.May(p.Var, p.Event) {
			t.Errorf("seed %d: %s captures what it cannot hold on: %v", seed, c.Rule.Pattern.Names[p.Var], m)
		}
	}
	if within := c.Rule.Within; within != 0 && c.Events[last].Time-c.Events[first].Time >= within {
		t.Errorf("seed %d: longer than the window: %v", seed, m)
	}
	switch {
	case m.By >= 0 && (m.By < last || m.At != c.Events[m.By].Time):
		t.Errorf("seed %d: completed too early: %v", seed, m)
	case m.By < 0 && (m.At <= c.Events[last].Time && m.At < c.Events[first].Time || m.At > c.End):
		t.Errorf("seed %d: an absence at a moment that it cannot have: %v", seed, m)
	}
}

// checkPrefix checks causality: what has come by some event does not depend on
// those behind it.
func checkPrefix(t *testing.T, seed uint64, c Case, all []Match) {
	n := len(c.Events) / 2
	events := c.Events
	c.Events, c.End = events[:n+1], events[n].Time
	early := Read(c.Rule).All(c.Times(), c.End, c.Holds)
	var want []Match
	for _, m := range all {
		if m.place(timesOf(events)) <= 2*n+1 {
			want = append(want, m)
		}
	}
	if fmt.Sprint(early) != fmt.Sprint(want) {
		t.Errorf("seed %d: %s\nby event %d %v\nlater      %v", seed, c.Rule.Pattern, n, early, want)
	}
}

func timesOf(events []Sample) []Event {
	c := Case{Events: events}
	return c.Times()
}

func BenchmarkSmall(b *testing.B) {
	streams := make([][]Sample, SmallStreams)
	for i := range streams {
		streams[i] = SmallStream(i)
	}
	pairs := 0
	for i := 0; b.Loop(); i = (i + 9973) % SmallPatterns {
		c, ok := Small(i)
		if !ok {
			continue
		}
		words := Read(c.Rule)
		for k := 0; k < SmallStreams; k += 10 {
			c.Events = streams[k]
			words.All(c.Times(), c.End, c.Holds)
			pairs++
		}
	}
	b.ReportMetric(float64(pairs)/b.Elapsed().Seconds(), "pairs/s")
}
