package rules

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"weir/rules/source"
)

// several are texts in place of the rule in severalRules; all that is wrong in them
// stands between « and », and nothing else is found.
var several = []struct{ name, text string }{
	{"in a comparison", "a: «amuont» + 1 > «amout»\n      b: amount > a.«amonut» + a.«anount»"},
	{"in a call and its arguments", "a: «fo»(«x1», amount) > max(«x2», «x3»)\n      b: «maen»(a.«amuont») > 1"},
	{"in a choice", "a: '«onlin» ? «amuont» > 1 : «contry» == \"x\"'\n      b: amount in [«x1», «x2»]"},
	{"in a loop", "a: amount > 1\n      b: any([a], .«amuont» > «lim») && all(«aa», .amount > 1)"},
	{"a field with hyphens", "a: «shop-name» == \"x\" && «amuont» > 1\n      b: a.«shop-name» == «shop-name»"},
	{"of params", "a: amount > params.«mx» + params.«eru»\n      b: amount > params.max"},
	{"in parts with wrong syntax", "a: amount > «>» 1 && «amuont» > 2 && country «=» \"x\"\n      b: amount > 1"},
	{"in a definition that no pattern has", "a: amount > 1\n      b: amount > 1\n      «other»: «amuont» > 1 && «contry» == \"x\""},
	{"of a type that the rule is not on", "a: {type: «login», where: amount > 1 && ip == \"x\" && «ipp» == \"y\"}\n      b: amount > 1"},
	{"in having", "a: amount > 1\n      b: amount > 2\n    having: «coutn»(a) > 1 && a.«amuont» + b.«amout» > 3"},
	{"in measures", "a: amount > 1\n      b: amount > 2\n    measures: {x: «A».amount + b.«contry», y: «xx» * 2 + «zz»}"},
	{"in a score", "a: amount > 1\n      b: amount > 2\n    score: «foo» + «bar»(«baz»)"},
	{"in a message", "a: amount > 1\n      b: amount > 2\n    message: '{a.«amuont»} {b.amount +«»} {«zz» + «yy»} {{ {count(a)}'"},
	{"in a message with lone braces", "a: amount > 1\n      b: amount > 2\n    message: '{a.«amuont»} «}» {«zz»} «{»b.amount'"},
	{"in CEL", "a: «amuont» + 1 > «amout»\n      b: amount > a.«amonut» + a.«anount»\n    lang: cel"},
	{"in a pattern", "a: «amuont» > 1\n      b: amount > 1\n    pattern: a«{0}» -[<«5x»]-> b{«x»} «=>» c«{3,2}»"},
	{"in a pattern, of lists", "a: amount > 1\n      b: amount > a[0].amount && any(a, .amount > 1)\n    pattern: a{3,}+ «>»> b -> c«{0}»\n    skip: to_last(«bb»)"},
	{"in a pattern, of params", "a: amount > 1\n      b: amount > 1\n    params: {n: «null»}\n    pattern: a{$n} -[<«$spn»]-> b«{0}»"},
	{"of bounds", "a: amount > 1\n      b: amount > 1\n      c: amount > 2\n    pattern: a «-[<2h]->» b «-[1h..3h]->» c"},
	{"of a param without a good name", "a: amount > params.my_max\n      b: amount > params.«maxx»\n    params: {«my-max»: 5, l: [1, «[»2]]}\n    having: count(a) in params.l"},
}

const severalRules = `events:
  pay:
    fields: {card: string, amount: number, country: string, online: bool, shop_name: string}
  login:
    fields: {card: string, ip: string}
params: {max: 2, eur: 1, span: 1h}
rules:
  - id: r
    on: pay
    key: card
    within: 1h
    pattern: a -> b
    define:
      RULE
`

// marked takes the marks out of a text and gives the places between them.
func marked(text string) (plain string, places []string) {
	var b strings.Builder
	at := func() string {
		line := strings.Count(b.String(), "\n") + 1
		return fmt.Sprintf("%d:%d", line, b.Len()-strings.LastIndexByte(b.String(), '\n'))
	}
	for i, part := range strings.Split(text, "«") {
		if i == 0 {
			b.WriteString(part)
			continue
		}
		inside, after, _ := strings.Cut(part, "»")
		from := at()
		b.WriteString(inside)
		places = append(places, from+"-"+at())
		b.WriteString(after)
	}
	return b.String(), places
}

// places gives where errors are.
func places(found []source.Diagnostic) []string {
	var list []string
	for _, d := range found {
		if d.Severity == source.Error {
			list = append(list, fmt.Sprintf("%d:%d-%d:%d", d.Line, d.Column, d.EndLine, d.EndColumn))
		}
	}
	return list
}

// TestSeveral checks that all mistakes of an expression or pattern are found at
// once, each at its place, and nothing that follows from them.
func TestSeveral(t *testing.T) {
	for _, tt := range several {
		t.Run(tt.name, func(t *testing.T) {
			rule := strings.Replace(severalRules, "RULE", tt.text, 1)
			if strings.Contains(tt.text, "pattern: ") {
				rule = strings.Replace(rule, "    pattern: a -> b\n", "", 1)
			}
			text, want := marked(rule)
			found := checkText(text)
			if got := places(found); !slices.Equal(got, want) {
				t.Errorf("found %v\nwant those at %v\nin\n%s", found, want, text)
			}
		})
	}
}

// slots are the parts of a rule: what stands there, and mistakes.
var slots = []struct {
	key  string
	good string
	bad  []string
}{
	{"severity", "high", []string{"«hihg»", "«Critical»"}},
	{"status", "active", []string{"«enabled»"}},
	{"where", "amount != nil", []string{"«amuont» != nil", "online && «contry» == \"x\"", "«a».amount > 1"}},
	{"key", "card", []string{"[card, «card»]", "[card, «shop»]"}},
	{"gap", "30m", []string{"«none»", "«0s»", "«$spn»"}},
	{"within", "1h", []string{"«1 hour»", "«60»", "«$max»"}},
	{"pattern", "a{3,}+ -> b", []string{"a{«x»}+ -> b", "a{3,}+ «=>» b", "a«{0}» -> b«{3,1}»", "a{3,}+ -[<«5y»]-> b"}},
	{"skip", "past_last", []string{"«past_lst»", "«last»"}},
	{"emit", "at_once", []string{"«atonce»"}},
	{"unless", "type == \"x\"", []string{"«typ» == \"x\"", "«lol»"}},
	{"limit", "{open: 100}", []string{"{open: «0»}", "{«opn»: 1}"}},
	{"having", "count(a) >= 2", []string{"«cuont»(a) > 2 && «bb».amount > 1", "sum(a.«amuont») > 2"}},
	{"score", "min(100, 50 + m)", []string{"50 + «mm»", "«minn»(100, «foo»)"}},
	{"action", "block", []string{"«blok»"}},
	{"message", "'{m} on {card}'", []string{"'{«mm»} on {card} {b.«amuont»}'", "'{m +«»} {«zz»}'"}},
	{"throttle", "1h", []string{"«1hour»"}},
}

// TestMany puts mistakes into several parts of rules: each is found, whatever the
// others are.
func TestMany(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		var b strings.Builder
		b.WriteString(strings.Split(severalRules, "rules:")[0] + "rules:\n")
		for rule := range 1 + rng.IntN(3) {
			fmt.Fprintf(&b, "  - id: r%d\n    on: pay\n    define:\n      a: amount > 1\n      b: amount > mean(a.amount)\n    measures: {m: sum(a.amount)}\n", rule)
			for _, i := range rng.Perm(len(slots)) {
				text := slots[i].good
				if rng.IntN(4) == 0 {
					text = slots[i].bad[rng.IntN(len(slots[i].bad))]
				}
				fmt.Fprintf(&b, "    %s: %s\n", slots[i].key, text)
			}
		}
		text, want := marked(b.String())
		found := checkText(text)
		if got := places(found); !slices.Equal(got, want) {
			t.Fatalf("found %v\nwant those at %v\nin\n%s", found, want, text)
		}
	}
}
