package nfa

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// testParams are the params that the tests know.
func testParams(name string) (Param, bool) {
	p, ok := map[string]Param{
		"n":    {Count: 3, IsCount: true},
		"m":    {Count: 5, IsCount: true},
		"zero": {Count: 0, IsCount: true},
		"big":  {Count: 5000, IsCount: true},
		"neg":  {Count: -1, IsCount: true},
		"d":    {Duration: 5 * time.Minute, IsSpan: true},
		"long": {Duration: 90 * day, IsSpan: true},
		"fine": {Duration: time.Microsecond, IsSpan: true},
		"none": {IsSpan: true},
		"text": {},
	}[name]
	return p, ok
}

// accepted holds patterns and their canonical form; empty: it is the text itself.
var accepted = []struct{ text, canonical string }{
	// variables and links
	{"a", ""},
	{"_", ""},
	{"A9_z", ""},
	{"untils", ""},
	{"Until -> WITHIN", ""},
	{" \t\r\na\n", "a"},
	{"a, b", ""},
	{"a,b", "a, b"},
	{"a -> b", ""},
	{"a->b", "a -> b"},
	{"a\n->\nb", "a -> b"},
	{"a ->> b", ""},
	{"a->>b", "a ->> b"},
	{"a, b -> c ->> d", ""},
	{"probe{3,}+ -> cashout", ""},
	{"login -> change -> payout", ""},

	// bounds
	{"a -[<5m]-> b", ""},
	{"a -[<5m]->> b", ""},
	{"a -[>90d]-> b", ""},
	{"a -[>90d]->> b", ""},
	{"a -[1m..5m]-> b", ""},
	{"a -[1m..5m]->> b", ""},
	{"a ,[<5m] b", ""},
	{"a,[<5m]b", "a ,[<5m] b"},
	{"a , [ < 5m ] b", "a ,[<5m] b"},
	{"a ,[>90d] b", ""},
	{"a ,[1ms..2ms] b", ""},
	{"a -[ 60s .. 300s ] -> b", "a -[1m..5m]-> b"},
	{"a -[<1000ms]-> b", "a -[<1s]-> b"},
	{"a -[<24h]-> b", "a -[<1d]-> b"},
	{"a -[<168h]-> b", "a -[<1w]-> b"},
	{"a -[<36h]-> b", ""},
	{"a -[>1ms]-> b", ""},
	{"a -[<15250w]-> b", ""},
	{"a -[>9223372036854ms]-> b", ""},
	{"a -[<5m]-> b?", ""},
	{"a -[<5m]-> (b? -> c)", ""},
	{"a? -[>5m]-> b", ""},
	{"a -[>5m]-> b{2,}", ""},
	{"a -[>5m]-> (b -> c?)", ""},
	{"a -[>5m]-> (b -> c | d)", ""},
	{"a -[>5m]-> (b & c)", ""},
	{"old ,[>90d] (change -> big | big)", ""},

	// negations
	{"a, !c -> b", ""},
	{"a -> !c -> b", ""},
	{"a -> !c, b", ""},
	{"a -> ! c", "a -> !c"},
	{"a -> !c", ""},
	{"a, !c", ""},
	{"a -[<1h]-> !c", ""},
	{"a -[>1h]-> !c -> b", ""},
	{"a ,[<1h] !c", ""},
	{"a -[<5m]-> !n -> b", ""},
	{"a -> !c -> !d -> b", ""},
	{"a -> !c -> b -> !c -> d", ""},
	{"a -> !c ->> b", ""},
	{"a -> !c -> b?", ""},
	{"a++ -> !c -> b?", ""},
	{"a+ -> !c", ""},
	{"a -> (b -> !c)? -> d", ""},
	{"a -> (b -> !c) -> !d", ""},
	{"(a? -> b) -> !c", ""},
	{"fail{3,} -> !reset", ""},

	// quantifiers
	{"a?", ""},
	{"a*", ""},
	{"a+", ""},
	{"a{3}", ""},
	{"a{3,}", ""},
	{"a{3,5}", ""},
	{"a{,5}", ""},
	{"a{1}", "a"},
	{"a{1,1}", "a"},
	{"a{,1}", "a?"},
	{"a{0,1}", "a?"},
	{"a{0,}", "a*"},
	{"a{0,5}", "a{,5}"},
	{"a{1,}", "a+"},
	{"a{1,5}", ""},
	{"a{3,3}", "a{3}"},
	{"a { 3 , 5 }", "a{3,5}"},
	{"a{03}", "a{3}"},
	{"a{1000}", ""},
	{"a{1000,}", ""},
	{"a{,1000}", ""},
	{"a++", ""},
	{"a + +", "a++"},
	{"a*+", ""},
	{"a{3}+", ""},
	{"a{3,}+", ""},
	{"a{3,5}+", ""},
	{"a{,5}+", ""},
	{"a? -> b? -> c?", ""},
	{"a* -> b", ""},
	{"a*+ -> b", ""},
	{"a++ -> b -> c?", ""},
	{"a++ -> b++ -> c", ""},
	{"a++ -> (b -> c?)", ""},
	{"c -> a++", ""},

	// until and within
	{"a+ until s", ""},
	{"a* until s", ""},
	{"a{2,} until s", ""},
	{"a++ until s", ""},
	{"a++ until s -> b", ""},
	{"a+ until s -> b+ until s -> !s", ""},
	{"(a -> b)+ until s", ""},
	{"a{5,} within 10m", ""},
	{"a{2} within 10m", ""},
	{"a+ until s within 600s", "a+ until s within 10m"},
	{"a{,5} within 1h", ""},
	{"(a -> b) within 10m", ""},
	{"(a -> b)? within 10m", ""},
	{"(a -> b)+ within 10m", ""},
	{"(a -> b)+ until s within 10m", ""},
	{"(a & b) within 5m", ""},
	{"(a | b -> c) within 5m", ""},
	{"((a -> b) within 10m -> c) within 1h", ""},
	{"((a -> b) within 10m)? -> c", "(a -> b)? within 10m -> c"},
	{"((a -> b) within 10m){3}", "(a -> b){3} within 10m"},
	{"(fail{5,} -> ok) within 10m -[<1h]-> pay", ""},

	// round links
	{"(a,)+", ""},
	{"(a ,)+", "(a,)+"},
	{"(a ->)+", "a+"},
	{"(a ->>)+", ""},
	{"(a -[<5m]->)+", ""},
	{"(a -[>5m]->)+", ""},
	{"(a -[>5m]->)*", ""},
	{"(a -[<5m]->>)+", ""},
	{"(a ,[<5m])+", ""},
	{"(a,){3,5}", ""},
	{"(a,)++", ""},
	{"(a -> b,)+", ""},
	{"(a -> b ->>)*", ""},
	{"(a -> b -[>5m]->){2,}", ""},
	{"(a -> b? -[>5m]->){2,}", ""},
	{"(a -> !n ,[1m..2m]){2,}", ""},
	{"(a -> (b,)+){2}", ""},

	// parentheses
	{"(a)", "a"},
	{"((((a))))", "a"},
	{"(a) -> (b)", "a -> b"},
	{"(a){2}", "a{2}"},
	{"(a)++", "a++"},
	{"(a{1}){3}", "a{3}"},
	{"(a)+ until s", "a+ until s"},
	{"(a?)?", "a?"},
	{"(a*)?", "a*"},
	{"(a+)?", "a*"},
	{"(a++)?", "a*+"},
	{"(a{2})", "a{2}"},
	{"(a{2})?", ""},
	{"(a{2,})?", ""},
	{"(a{2,5}+)?", ""},
	{"(a{1,5})?", "a{,5}"},
	{"((a,)++)?", "(a,)*+"},
	{"((a,){2,})?", ""},
	{"((a,){2,}+ until s within 5m)?", ""},
	{"(a+ until s)?", "a* until s"},
	{"(a{2,} until s)? within 5m", "(a{2,} until s within 5m)?"},
	{"(a{5,}) within 5m", "a{5,} within 5m"},
	{"(a -> b)", "a -> b"},
	{"((a -> b))", "a -> b"},
	{"(a -> b) -> c", ""},
	{"a -> (b -> c)", ""},
	{"a -> ((b -> c))", "a -> (b -> c)"},
	{"((a -> b)) -> (c)", "(a -> b) -> c"},
	{"(a -> b){2}", ""},
	{"((a -> b)){2}", "(a -> b){2}"},
	{"((a -> b),)+", "(a -> b,)+"},
	{"(a -> b){1}", "a -> b"},
	{"((a -> b)+)?", "(a -> b)*"},
	{"((a -> b){2,} within 5m)?", ""},
	{"(a? -> b?)?", ""},
	{"(a? -> b?) -> c", ""},
	{"(a? -> b){2}", ""},
	{"a -> (b -> (c -> d)?)* -> e", ""},
	{"((a -> b){2} -> c){3}", ""},
	{"(a{10} -> b){100}", ""},

	// `|` and `&`
	{"a | b", ""},
	{"a|b|c", "a | b | c"},
	{"(a | b)", "a | b"},
	{"a -> b | c", ""},
	{"(a -> b) | c", "a -> b | c"},
	{"a | (b -> c)", "a | b -> c"},
	{"a -> (b | c)", ""},
	{"x -> (a | b)? -> y", ""},
	{"x -> (a -> b | c -> d) -> y", ""},
	{"(a | b) | c", ""},
	{"(a -> b)+ | c", ""},
	{"(a -> b) within 5m | c", ""},
	{"a? | b", ""},
	{"a -> b | a", ""},
	{"a -> b -> c | a -> c | c{2}", ""},
	{"x -> (a | a -> b) -> c", ""},
	{"(a | b -> a) -> c", ""},
	{"a -> !n | b -> !n", ""},
	{"a & b", ""},
	{"a&b&c", "a & b & c"},
	{"(a & b)", "a & b"},
	{"(a & b) -> c", ""},
	{"a -> (b & c)", ""},
	{"a -> (b & c)?", ""},
	{"a | (b & c)", ""},
	{"(a & b) | (a & c)", ""},
	{
		"signup -> promo -> withdraw | signup -> promo -[<7d]-> !order",
		"signup -> promo -> withdraw | signup -> promo -[<1w]-> !order",
	},

	// params
	{"a{$n}", "a{3}"},
	{"a{ $n , $m }", "a{3,5}"},
	{"a{$zero,$m}+", "a{,5}+"},
	{"a -[<$d]-> b", "a -[<5m]-> b"},
	{"a -[$d..$long]-> b", "a -[5m..90d]-> b"},
	{"a ,[>$long] b{$n,} within $d", "a ,[>90d] b{3,} within 5m"},
}

func TestParseAccepts(t *testing.T) {
	if len(accepted) < 120 {
		t.Fatalf("%d cases", len(accepted))
	}
	for _, c := range accepted {
		want := c.canonical
		if want == "" {
			want = c.text
		}
		p, err := Parse(c.text, testParams)
		if err != nil {
			t.Errorf("Parse(%q): %v", c.text, err)
			continue
		}
		if got := p.String(); got != want {
			t.Errorf("Parse(%q).String() = %q, want %q", c.text, got, want)
			continue
		}
		if p.Text != c.text {
			t.Errorf("Parse(%q).Text = %q", c.text, p.Text)
		}
		checkPlaces(t, p)
		checkRoundTrip(t, p)
	}
}

// checkPlaces checks what holds of the tree of every pattern.
func checkPlaces(t testing.TB, p *Pattern) {
	t.Helper()
	root := p.Root
	if root.Op == OpVar || root.Op == OpNot || root.Repeat != once || root.Window != 0 {
		t.Fatalf("%q: the root is %v %+v", p.Text, root.Op, root.Repeat)
	}
	for i, n := range p.names {
		if p.Text[n.Pos:n.Pos+len(n.Text)] != n.Text {
			t.Fatalf("%q: name %q is not at %d", p.Text, n.Text, n.Pos)
		}
		if i > 0 && n.Pos <= p.names[i-1].Pos {
			t.Fatalf("%q: names are not in the order of their places", p.Text)
		}
	}
	var walk func(n *Node)
	walk = func(n *Node) {
		if n.Pos < root.Pos || n.End > root.End || n.Pos >= n.End {
			t.Fatalf("%q: %v at [%d,%d)", p.Text, n.Op, n.Pos, n.End)
		}
		if n.Repeat.Min < 1 || n.Repeat.Max == 0 || n.Repeat.Max > 0 && n.Repeat.Max < n.Repeat.Min || n.Repeat.Max > MaxCaptures {
			t.Fatalf("%q: %+v", p.Text, n.Repeat)
		}
		if n.Until >= 0 && n.Repeat.Max >= 0 {
			t.Fatalf("%q: until on %+v", p.Text, n.Repeat)
		}
		if isGroup := n.Op != OpVar && n.Op != OpNot; isGroup != (len(n.Subs) > 0) || isGroup && n != root && len(n.Subs) < 2 {
			t.Fatalf("%q: %v of %d", p.Text, n.Op, len(n.Subs))
		}
		for i, sub := range n.Subs {
			if linked := n.Op == OpSeq && i > 0; linked != (sub.Link.Pos >= 0) {
				t.Fatalf("%q: link %d of %v at %d", p.Text, i, n.Op, sub.Link.Pos)
			}
			if sub.Op == OpNot && (n.Op != OpSeq || i == 0 || sub.Link.Kind == Any) {
				t.Fatalf("%q: negation at place %d of %v", p.Text, i, n.Op)
			}
			walk(sub)
		}
	}
	walk(root)
}

// checkRoundTrip checks that the canonical text has the same tree and is its own
// canonical text.
func checkRoundTrip(t testing.TB, p *Pattern) {
	t.Helper()
	text := p.String()
	again, err := Parse(text, nil)
	if err != nil {
		t.Fatalf("%q: canonical text %q: %v", p.Text, text, err)
	}
	if a, b := dump(p), dump(again); a != b {
		t.Fatalf("%q: tree\n%scanonical text %q: tree\n%s", p.Text, a, text, b)
	}
	if twice := again.String(); twice != text {
		t.Fatalf("%q: canonical text %q, and of that %q", p.Text, text, twice)
	}
}

// dump shows all of a pattern but positions.
func dump(p *Pattern) string {
	var b strings.Builder
	for i, n := range p.names {
		fmt.Fprintf(&b, "%d %s captures=%t list=%t\n", i, n.Text, n.Captures, n.List)
	}
	link := func(l Link) string { return fmt.Sprintf("%v[%d,%d)", l.Kind, l.Least, l.Limit) }
	var walk func(n *Node, indent string)
	walk = func(n *Node, indent string) {
		fmt.Fprintf(&b, "%s%v %d link=%s repeat=%+v round=%s until=%d window=%d\n",
			indent, n.Op, n.Name, link(n.Link), n.Repeat, link(n.Round), n.Until, n.Window)
		for _, sub := range n.Subs {
			walk(sub, indent+"  ")
		}
	}
	walk(p.Root, "")
	return b.String()
}

// refused holds patterns with what is at fault in «», and a part of the message
// or hint.
var refused = []struct{ text, want string }{
	// what is no token
	{"«é»", "names are made of the letters"},
	{"a -> b«é»", "names are made of the letters"},
	{"a «→» b", "`->`"},
	{"a «=>» b", "`->`"},
	{"a «--» b", "`->`"},
	{"a «-» b", "`->`"},
	{"a «-»", "`->`"},
	{"a«;» b", "joined by"},
	{"«'»a' -> b", "without quotes"},
	{"«\"»a\"", "without quotes"},
	{"«~»a", "`!name`"},
	{"«^»a", "any event"},
	{"a «#» b", "comments"},
	{"a «.» b", "two dots"},
	{"a «@» b", "unexpected `@`"},
	{"a «\x00» b", `unexpected "\x00"`},
	{"a «\xff» b", "byte 0xff is not UTF-8"},
	{"a «\xe2»\x82", "byte 0xe2 is not UTF-8"},
	{"a«\u00a0»-> b", "names are made of the letters"},
	{"a{«$»}", "a param has no name"},
	{"a{«$1»}", "a param has no name"},
	{"a -> b«$»", "a param has no name"},

	// elements and links
	{"«»", "the pattern is empty"},
	{" \n «»", "the pattern is empty"},
	{"«->» a", "unexpected `->`"},
	{"«,»", "unexpected `,`"},
	{"a ->«»", "ends too early"},
	{"a -> «->» b", "unexpected `->`"},
	{"a -> «>» b", "unexpected `>`"},
	{"a «b»", "a link is missing"},
	{"a «!»b", "a link is missing"},
	{"a «(»b)", "a link is missing"},
	{"a+ «b»", "a link is missing"},
	{"a «until s» b", "`until` ends only a repeat"},
	{"«3» -> b", "unexpected `3`"},
	{"a -> «5m»", "unexpected `5m`"},
	{"«$n»", "unexpected `$n`"},
	{"a «$n»", "expected a link"},
	{"«+»a", "unexpected `+`"},
	{"a -> «{»3}", "unexpected `{`"},
	{"«until»", "a word of the language"},
	{"a -> «within»", "a word of the language"},
	{"!«»", "the name of a variable"},
	{"a & b -[«]»->", "expected a bound"},
	{"a -[«5»..9m]-> b", "has no unit"},
	{"a -> !«until»", "a word of the language"},
	{"a+ until «within» 5m", "a word of the language"},
	{"a & «within»", "a word of the language"},

	// bounds
	{"a«[»<5m] -> b", "a bound stands in a link"},
	{"a -[«5m»]-> b", "is no bound"},
	{"a -[«]»-> b", "expected a bound"},
	{"a -[<«]»-> b", "expected a duration"},
	{"a -[<«=»5m]-> b", "`<5m`"},
	{"a -[«..»5m]-> b", "expected a bound"},
	{"a -[1m..«]»-> b", "expected a duration"},
	{"a -[1m«->» 5m]-> b", "expected `..`"},
	{"a -[«5m..1m»]-> b", "holds no time"},
	{"a -[«60s..1m»]-> b", "holds no time"},
	{"a -[<5m «->» b", "expected `]`"},
	{"a -[<5m«»", "expected `]`"},
	{"a -[<5m] «b»", "expected `->` or `->>`"},
	{"a -[<5m]«,» b", "expected `->` or `->>`"},
	{"a -[<«5»]-> b", "has no unit"},
	{"a -[<«0s»]-> b", "not 0"},
	{"a -[<«1.5h»]-> b", "whole number"},
	{"a -[<«5y»]-> b", "unknown unit"},
	{"a -[<«1h30m»]-> b", "unknown unit"},
	{"a -[<«15251w»]-> b", "too long"},
	{"a -[<«b»]-> c", "expected a duration"},
	{"a -[<«$n»]-> b", "is not a duration"},
	{"a -[<«$text»]-> b", "is not a duration"},
	{"a -[<«$fine»]-> b", "milliseconds"},
	{"a -[<«$none»]-> b", "milliseconds"},
	{"a -[<«$x»]-> b", "no param `x`"},
	{"a «-[>5m]->» b?", "a least time"},
	{"a «-[1m..5m]->» b*", "a least time"},
	{"a «,[>5m]» (b? -> c)", "a least time"},
	{"a «-[>5m]->» (b -> c)?", "a least time"},
	{"a «-[>5m]->» (b | c?)", "a least time"},
	{"a «-[>5m]->» ((b? -> c) -> d)", "a least time"},
	{"a -> !n «-[>5m]->» b?", "a least time"},
	{"(a? -> b «-[>5m]->»)+", "a least time"},

	// negations
	{"«!a»", "a pattern does not begin with a negation"},
	{"«!a» -> b", "a pattern does not begin with a negation"},
	{"a -> («!b» -> c)", "a group does not begin with a negation"},
	{"a -> («!b»)", "a group does not begin with a negation"},
	{"a | «!b»", "no alternative by itself"},
	{"«!a» | b", "no alternative by itself"},
	{"a -> (b | «!c»)", "no alternative by itself"},
	{"a | «!b» -> c", "an alternative does not begin"},
	{"a «->>» !b", "does not lead to a negation"},
	{"a «-[<5m]->>» !b", "does not lead to a negation"},
	{"a -> !«!»b", "not negated"},
	{"a -> !«(»b | c)", "not of a group"},
	{"a -> !«->» b", "the name of a variable"},
	{"a -> !«»", "the name of a variable"},
	{"a -> !b«+»", "no quantifier"},
	{"a -> !b«?»", "no quantifier"},
	{"a -> !b«{»3}", "no quantifier"},
	{"a -> !b «within» 5m", "has no `within`"},
	{"a -> !b «until» s", "has no `until`"},
	{"a -> b? -> «!c»", "a negation follows an element that may be left out"},
	{"a -> b*, «!c»", "a negation follows an element that may be left out"},
	{"a -> (b -> c?) -> «!d» -> e", "a negation follows an element that may be left out"},
	{"a -> (b -> c)? -> «!d»", "a negation follows an element that may be left out"},
	{"a -> (b | c?) -> «!d»", "a negation follows an element that may be left out"},
	{"(a? -> «!b» -> c)+", "a negation follows an element that may be left out"},

	// quantifiers
	{"a{«}»", "a count"},
	{"a{,«}»", "a count"},
	{"a{«b»}", "a count"},
	{"a{«5m»}", "is not a count"},
	{"a{«1.5»}", "is not a count"},
	{"a{«-»3}", "unexpected `-`"},
	{"a{2«»", "`{3,5}`"},
	{"a{2 «3»}", "`{3,5}`"},
	{"a{2«-»3}", "unexpected `-`"},
	{"a{2«..»3}", "`{3,5}`"},
	{"a«{0}»", "takes no event"},
	{"a«{0,0}»", "takes no event"},
	{"a«{,0}»", "takes no event"},
	{"a«{$zero}»", "takes no event"},
	{"a«{3,2}»", "write `{2,3}`"},
	{"a«{$m,$n}»", "write `{3,5}`"},
	{"a{«1001»}", "between 0 and 1000"},
	{"a{2,«1001»}", "between 0 and 1000"},
	{"a{«99999999999999999999»}", "between 0 and 1000"},
	{"a{«$big»}", "`$big = 5000`"},
	{"a{«$neg»}", "`$neg = -1`"},
	{"a{«$d»}", "is not a count"},
	{"a{«$text»}", "is not a count"},
	{"a{«$nope»}", "no param `nope`"},
	{"a?«+»", "only a repeat can be greedy"},
	{"a{1}«+»", "only a repeat can be greedy"},
	{"a{,1}«+»", "only a repeat can be greedy"},
	{"(a)?«+»", "only a repeat can be greedy"},
	{"(a -> b)+«+»", "a group of several elements cannot be greedy"},
	{"((a -> b)){2}«+»", "a group of several elements cannot be greedy"},
	{"(a ->>)+«+»", "`->>` cannot be greedy"},
	{"(a -[<5m]->>){2,}«+»", "`->>` cannot be greedy"},
	{"a+«?»", "a second quantifier"},
	{"a++«+»", "a second quantifier"},
	{"a*«*»", "a second quantifier"},
	{"a{2}«{»3}", "a second quantifier"},
	{"(a?)«{2}»", "left out is repeated"},
	{"(a?)«+»", "left out is repeated"},
	{"((a -> b)?)«{2}»", "left out is repeated"},
	{"(a{2})«{3}»", "repeated again"},
	{"(a+)«+»", "repeated again"},
	{"(a*)«*»", "repeated again"},
	{"((a -> b){2})«{3}»", "repeated again"},
	{"(a{100} -> b){2} -> («c{20}» -> d){100}", "2000 events"},
	{"((«a{20}» -> b){20} -> c){20}", "events of one variable"},
	{"(a? -> b?)«+»", "all in the repeated group"},
	{"(a? -> (b* -> c?))«{2}»", "all in the repeated group"},
	{"(a -> b?)? -> (c? -> d*)«{2,3}»", "all in the repeated group"},

	// greedy
	{"a++ -> «b?»", "follows a greedy repeat"},
	{"a{2,5}+, «b*»", "follows a greedy repeat"},
	{"a{3}+ -> «b?» -> c", "follows a greedy repeat"},
	{"a++ -> («b?» -> c)", "follows a greedy repeat"},
	{"a++ -> «(b -> c)?» -> d", "follows a greedy repeat"},
	{"a++ -> «(b? -> c?)» -> d", "follows a greedy repeat"},
	{"a++ -> «(b | c?)» -> d", "follows a greedy repeat"},
	{"a++ -> (b | «c?» -> d)", "follows a greedy repeat"},
	{"(x -> a++) -> «b?»", "follows a greedy repeat"},
	{"(x -> a++)? -> («b*» -> c)", "follows a greedy repeat"},
	{"(x | a++) -> «b?»", "follows a greedy repeat"},
	{"a*+ -> «b*+» -> c", "follows a greedy repeat"},
	{"(x -> (y -> a++){2}) -> «b?»", "follows a greedy repeat"},
	{"a*+ -> «!b»", "a negation follows an element that may be left out"},

	// until and within
	{"a «until s»", "`until` ends only a repeat"},
	{"a? «until s»", "`until` ends only a repeat"},
	{"a{2} «until s»", "`until` ends only a repeat"},
	{"a{2,5} «until s»", "`until` ends only a repeat"},
	{"(a+) «until s»", "`until` ends only a repeat"},
	{"(a -> b){2} «until s»", "`until` ends only a repeat"},
	{"a+ until«»", "the name of a variable"},
	{"a+ until «!»s", "the name of a variable"},
	{"a+ until s «until» t", "each once"},
	{"a+ within 5m «until» s", "each once"},
	{"a+ within 5m «within» 6m", "each once"},
	{"a+ until s«+»", "a second quantifier"},
	{"a «within 5m»", "on a single event"},
	{"a? «within 5m»", "on a single event"},
	{"(a) «within 5m»", "on a single event"},
	{"a{1} «within 5m»", "on a single event"},
	{"a+ within «b»", "expected a duration"},
	{"a+ within «10»", "has no unit"},
	{"a+ within «$n»", "is not a duration"},
	{"a+ within «$gone»", "no param `gone`"},
	{"(a+ within 5m) «within 3m»", "a second `within`"},
	{"((a -> b) within 5m)+ «within 3m»", "a second `within`"},
	{"((a -> b)+) «within 3m»", "outside of a repeated group"},
	{"((a -> b)+)? «within 3m»", "outside of a repeated group"},

	// parentheses
	{"«(»a", "is not closed"},
	{"a -> «(»b -> c", "is not closed"},
	{"a«)»", "there is no `(`"},
	{"«()»", "the parentheses are empty"},
	{"a -> «( )»", "the parentheses are empty"},
	{"(a -> «»", "ends too early"},
	{"(«,»a)+", "unexpected `,`"},
	{"(a «b»)", "a link is missing"},
	{"(a«,»)?", "joins no rounds"},
	{"(a«,»)", "joins no rounds"},
	{"(a «->») -> b", "joins no rounds"},
	{"(a «,[<5m]»){1}", "joins no rounds"},
	{"(a+ «->>»)", "joins no rounds"},
	{"(a -> b «-[<5m]->») within 5m", "joins no rounds"},
	{"(a | b«,»)", "joins no rounds"},
	{"(a & b«,»)", "joins no rounds"},

	// `|` and `&`
	{"«|» a", "unexpected `|`"},
	{"a |«»", "ends too early"},
	{"a | «|» b", "an alternative is empty"},
	{"(a |«)»", "unexpected `)`"},
	{"a -> «|» b", "unexpected `|`"},
	{"(a, «|» b)+", "unexpected `|`"},
	{"a & b «|» c", "do not mix"},
	{"a | b «&» c", "do not mix"},
	{"a | (b -> d) «&» c", "do not mix"},
	{"«a -> b» & c", "`&` joins single variables"},
	{"a & b «->» c", "`&` joins single variables"},
	{"(a & b«,» c)", "`&` joins single variables"},
	{"a & b«+»", "`&` joins single variables"},
	{"a & b «within» 5m", "`&` joins single variables"},
	{"a & b «until» s", "`&` joins single variables"},
	{"«a+» & b", "`&` joins single variables"},
	{"«(a)» & b", "`&` joins single variables"},
	{"a & «(»b)", "`&` joins single variables"},
	{"a & «!»b", "`&` joins single variables"},
	{"a &«»", "`&` joins single variables"},
	{"a & «&» b", "`&` joins single variables"},
	{"(«a | b»)+", "inside a repeat"},
	{"(«a & b»){2}", "inside a repeat"},
	{"(x -> «(a | b)»){2}", "inside a repeat"},
	{"(«a | b»)++", "inside a repeat"},
	{"(«a | b»,)+", "inside a repeat"},
	{"((x -> «(a & b)?») -> y)* until s", "inside a repeat"},

	// names
	{"a -> «a»", "a second time"},
	{"a -> (b -> «a»)+", "a second time"},
	{"a & b & «a»", "a second time"},
	{"(a | b) -> «a»", "a second time"},
	{"a -> (b | «a»)", "a second time"},
	{"a -> b | c -> (d | e -> «c»)", "a second time"},
	{"(a | b) -> (c | «b»)", "a second time"},
	{"(a | a -> b) -> c -> (d | «a»)", "a second time"},
	{"a -> !«a»", "both captures and is negated"},
	{"a -> !b -> «b»", "both captures and is negated"},
	{"a+ until «a»", "both captures and is negated"},
	{"a -> n | a -> !«n»", "both captures and is negated"},
	{"a+ until s -> «s»", "both captures and is negated"},
	{"(a -> b)+ until «b»", "both captures and is negated"},
}

// unmark takes the marks out of text and gives what is between them.
func unmark(t *testing.T, text string) (plain string, pos, end int) {
	t.Helper()
	before, rest, ok := strings.Cut(text, "«")
	inside, after, closed := strings.Cut(rest, "»")
	if !ok || !closed {
		t.Fatalf("%q marks nothing", text)
	}
	return before + inside + after, len(before), len(before) + len(inside)
}

func TestParseRefuses(t *testing.T) {
	if len(refused) < 100 {
		t.Fatalf("%d cases", len(refused))
	}
	for _, c := range refused {
		text, pos, end := unmark(t, c.text)
		e := refusal(t, text)
		if e == nil {
			continue
		}
		if e.Pos != pos || e.End != end {
			t.Errorf("Parse(%q) points at [%d,%d) %q, want [%d,%d) %q: %v", text, e.Pos, e.End, text[e.Pos:e.End], pos, end, text[pos:end], e)
		}
		if !strings.Contains(e.Error(), c.want) {
			t.Errorf("Parse(%q): %q, want %q in it", text, e.Error(), c.want)
		}
		if e.Hint == "" {
			t.Errorf("Parse(%q): %q has no hint", text, e.Msg)
		}
		if len(e.More) > 0 {
			t.Errorf("Parse(%q): one mistake, and also %v", text, e.More)
		}
	}
}

// TestParseRefusesAll: several mistakes in a text are found at once, in order.
func TestParseRefusesAll(t *testing.T) {
	for _, text := range []string{
		"a«{0}» -> b -[<«5x»]-> c«{3,2}»",
		"a«{0}»+ -> b«{4,3}»",
		"a{«$none»,5} -[<«$none»]-> (b -> c) within «1y» -> d«{0}»",
		"a -[<«30 »minutes]-> b{«x»,3}",
		"a -[1m«,»5m]-> b -[«5m..1m»]-> c",
		"a «=>» b «=>» c{«1001»}",
		"a«{0}» «=>» b «>>» c{«1001»} «then» d«{0}»",
		"a «then» b «followedBy» c -[>«5»]-> d",
		"a «b» -> «a» -> !c«{2}» -> d",
		"«!a» -> b«{0}»",
		"«!a»«{2,3}» -> b«{0}» -> c",
		"(a«{0}» -> b) -> c«{0}» | d -> «d»",
		"a -> «->» b -> c«{0}»",
		"a | «|» b«{0}»",
		"a «->>» !b -> c«{0}»",
		"a? -> «!b» -> c? -> «!d»",
		"a «[»<5m] -> b«{0}»",
		"a{2 «->» b -> c«{0}»",
		"a «b» c d -> e«{0}» «=>» f «=>» g",
		"a -[<5m «->» b -> c«{0}»",
		"a -[<5m] «b» -> c«{0}»",
		"a -> «^»b, c«{0}»",
		"a{3}«{4}» -> b«{0}»",
		"(a «->»)? -> b«{0}»",
		"a «until» s -> b«{0}»",
	} {
		var plain strings.Builder
		var want []int
		for i, part := range strings.Split(text, "«") {
			inside, after, _ := strings.Cut(part, "»")
			if i > 0 {
				want = append(want, plain.Len())
			}
			plain.WriteString(inside + after)
		}
		e := refusal(t, plain.String())
		if e == nil {
			continue
		}
		got := []int{e.Pos}
		for _, m := range e.More {
			got = append(got, m.Pos)
		}
		if !slices.Equal(got, want) {
			t.Errorf("Parse(%q): faults at %v, want %v: %v %v", plain.String(), got, want, e, e.More)
		}
	}
}

// refusal gives the error of a text that must have one.
func refusal(t *testing.T, text string) *Error {
	t.Helper()
	p, err := Parse(text, testParams)
	var e *Error
	switch {
	case err == nil:
		t.Errorf("Parse(%q) accepts %q", text, p.String())
	case !errors.As(err, &e):
		t.Errorf("Parse(%q): the error is a %T", text, err)
	case p != nil:
		t.Errorf("Parse(%q): a pattern beside an error", text)
	}
	return e
}

func TestParseLimits(t *testing.T) {
	nested := func(depth int) string { return strings.Repeat("(", depth) + "a" + strings.Repeat(")", depth) }
	row := func(n int, link string) string {
		names := make([]string, n)
		for i := range names {
			names[i] = fmt.Sprintf("v%d", i)
		}
		return strings.Join(names, link)
	}
	padded := func(size int) string { return "a" + strings.Repeat(" ", size-1) }
	for name, text := range map[string]string{
		"deepest":           nested(MaxNesting),
		"longest":           padded(MaxText),
		"many elements":     row(8000, ","),
		"many alternatives": row(8000, "|"),
		"many operands":     row(8000, "&"),
		"a long name":       strings.Repeat("x", MaxText),
		"deep with options": deepOptional(MaxNesting),
	} {
		if _, err := Parse(text, nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, c := range map[string]struct {
		text     string
		pos, end int
		want     string
	}{
		"too deep":           {nested(MaxNesting + 1), MaxNesting, MaxNesting + 1, "nest deeper"},
		"very deep":          {strings.Repeat("(", MaxText), MaxNesting, MaxNesting + 1, "nest deeper"},
		"too long":           {padded(MaxText + 1), MaxText, MaxText + 1, "longer than"},
		"much too long":      {strings.Repeat("(", 10*MaxText), MaxText, 10 * MaxText, "longer than"},
		"a long name twice":  {strings.Repeat("x", 20000) + "," + strings.Repeat("x", 20000), 20001, 40001, "a second time"},
		"a long wrong count": {"a{" + strings.Repeat("9", 60000) + "}", 2, 60002, "between 0 and 1000"},
	} {
		e := refusal(t, c.text)
		if e == nil {
			continue
		}
		if e.Pos != c.pos || e.End != c.end || !strings.Contains(e.Msg, c.want) {
			t.Errorf("%s: [%d,%d) %s; want [%d,%d) %s", name, e.Pos, e.End, e.Msg, c.pos, c.end, c.want)
		}
		if len(e.Error()) > 400 {
			t.Errorf("%s: the message has %d bytes", name, len(e.Error()))
		}
	}
}

// deepOptional nests groups of elements that may be left out but for the last.
func deepOptional(depth int) string {
	text, n := "z", 0
	for range depth {
		group := ""
		for range 60 {
			group += fmt.Sprintf("o%d?,", n)
			n++
		}
		text = "(" + group + text + ")," + fmt.Sprintf("r%d", n)
	}
	return text
}

func TestParseWithoutParams(t *testing.T) {
	if _, err := Parse("a{$n}", nil); err == nil || !strings.Contains(err.Error(), "there is no param `n`") {
		t.Errorf("got %v", err)
	}
}

func TestLinks(t *testing.T) {
	for text, want := range map[string]Link{
		"a, b":              {Kind: Next, Pos: 1, End: 2},
		"a -> b":            {Kind: Follow, Pos: 2, End: 4},
		"a ->> b":           {Kind: Any, Pos: 2, End: 5},
		"a -[<5m]-> b":      {Kind: Follow, Limit: 5 * time.Minute, Pos: 2, End: 10},
		"a -[>90d]->> b":    {Kind: Any, Least: 90*day + 1, Pos: 2, End: 12},
		"a ,[1m..5m] b":     {Kind: Next, Least: time.Minute, Limit: 5 * time.Minute, Pos: 2, End: 11},
		"a -[ <$d ] -> b":   {Kind: Follow, Limit: 5 * time.Minute, Pos: 2, End: 13},
		"a -[$d..$long]->b": {Kind: Follow, Least: 5 * time.Minute, Limit: 90 * day, Pos: 2, End: 16},
		"a -[<5m]-> (b, c)": {Kind: Follow, Limit: 5 * time.Minute, Pos: 2, End: 10},
		"a -[<5m]-> (b,)+":  {Kind: Follow, Limit: 5 * time.Minute, Pos: 2, End: 10},
		"a -> !b":           {Kind: Follow, Pos: 2, End: 4},
	} {
		p, err := Parse(text, testParams)
		if err != nil {
			t.Errorf("Parse(%q): %v", text, err)
			continue
		}
		if got := p.Root.Subs[1].Link; got != want {
			t.Errorf("Parse(%q): link %+v, want %+v", text, got, want)
		}
		if got := p.Root.Subs[0].Link; got != (Link{Pos: -1}) {
			t.Errorf("Parse(%q): the first element has the link %+v", text, got)
		}
	}
}

func TestNames(t *testing.T) {
	for text, want := range map[string][]Name{
		"a": {{"a", 0, true, false}},
		"b -> a": {
			{"b", 0, true, false}, {"a", 5, true, false},
		},
		"a+ until s -> b{2} -> !n, c?": {
			{"a", 0, true, true}, {"s", 9, false, false}, {"b", 14, true, true}, {"n", 23, false, false}, {"c", 26, true, false},
		},
		"a{1} -> b{,1} -> c{,2}": {
			{"a", 0, true, false}, {"b", 8, true, false}, {"c", 17, true, true},
		},
		"(a -> (b | c)?) -> d": {
			{"a", 1, true, false}, {"b", 7, true, false}, {"c", 11, true, false}, {"d", 19, true, false},
		},
		"(a -> (b -> c?)){2} -> d": {
			{"a", 1, true, true}, {"b", 7, true, true}, {"c", 12, true, true}, {"d", 23, true, false},
		},
		"a | b -> a+ | a": {
			{"a", 0, true, true}, {"b", 4, true, false},
		},
		"(a & b)  -> !n -> c -> !n": {
			{"a", 1, true, false}, {"b", 5, true, false}, {"n", 13, false, false}, {"c", 18, true, false},
		},
		"(a -> !n -> b)+ until n": {
			{"a", 1, true, true}, {"n", 7, false, false}, {"b", 12, true, true},
		},
	} {
		p, err := Parse(text, nil)
		if err != nil {
			t.Errorf("Parse(%q): %v", text, err)
			continue
		}
		if got := p.Names(); !slices.Equal(got, want) {
			t.Errorf("Parse(%q).Names() = %+v, want %+v", text, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, c := range accepted {
		f.Add(c.text)
	}
	for _, c := range refused {
		f.Add(strings.NewReplacer("«", "", "»", "").Replace(c.text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse(text, testParams)
		if err == nil {
			checkPlaces(t, p)
			if len(p.String()) <= MaxText {
				checkRoundTrip(t, p)
			}
			return
		}
		var e *Error
		if !errors.As(err, &e) {
			t.Fatalf("%q: the error is a %T", text, err)
		}
		if e.Pos < 0 || e.Pos > e.End || e.End > len(text) || e.Msg == "" || e.Hint == "" {
			t.Fatalf("%q: %+v", text, *e)
		}
		if e.Pos == e.End && strings.TrimSpace(text[e.Pos:]) != "" {
			t.Fatalf("%q: %+v points at nothing before the end", text, *e)
		}
	})
}
