package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"weir/cep"
	"weir/rules/source"
)

const handOver = `
features:
  logins: {on: login, key: ip, value: count(), over: 1h}
events:
  login: {fields: {ip: string, account: string, result: string}}
  payout: {fields: {account: string, amount: number}}
rules:
  - id: a-payout
    on: [alert.b-hit, payout]
    key: account
    within: 1d
    pattern: hit -> payout
    define: {hit: {type: alert.b-hit, where: 'score > 50 && severity == "high" && seen_before > 2'}, payout: amount > hit.score}
    measures: {from: hit.ip, times: hit.seen_before, every: count(hit)}
    score: 90
  - id: b-hit
    on: login
    key: ip
    severity: high
    within: 15m
    pattern: fail{2,}+ -> hit
    define: {fail: 'result == "failure"', hit: 'result == "success" && account in fail.account'}
    measures: {account: hit.account, accounts: fail.account, n: count(fail), begin: 'fail[0].ts', took: 'hit.ts - fail[0].ts', known: n > 1, either: 'n > 1 ? 1 : "x"', seen_before: logins}
    score: 60
`

// TestMatchTypes: what is known of the matches of a rule, and which type they have.
func TestMatchTypes(t *testing.T) {
	set, g := engineOf(t, handOver, nil)
	at := slices.IndexFunc(set.Types, func(t cep.Type) bool { return t.Name == "alert.b-hit" })
	if at < 0 || set.Types[at].Alert != set.Rules[1] || set.Types[at].Schema != nil || set.Rules[1].ID != "b-hit" {
		t.Fatalf("the types are %+v", set.Types)
	}
	if !slices.Contains(set.Rules[0].Types, cep.TypeID(at)) || set.Rules[0].Layer != 1 || set.Rules[1].Layer != 0 {
		t.Errorf("%s is on %v in layer %d", set.Rules[0].ID, set.Rules[0].Types, set.Rules[0].Layer)
	}
	got := matchesOf(g, `
{"type":"login","ts":1000,"ip":"1.1.1.1","account":"ann","result":"failure"}
{"type":"login","ts":2000,"ip":"1.1.1.1","account":"bob","result":"failure"}
{"type":"login","ts":3000,"ip":"1.1.1.1","account":"bob","result":"success"}
{"type":"payout","ts":4000,"account":"ann","amount":100}
{"type":"payout","ts":5000,"account":"bob","amount":60}
{"type":"payout","ts":6000,"account":"bob","amount":61}
{"type":"alert.b-hit","ts":7000,"account":"eve","ip":"6.6.6.6","score":60,"severity":"high","seen_before":3}
{"type":"payout","ts":8000,"account":"eve","amount":99}
`[1:])
	want := []string{
		`b-hit 1.1.1.1 60 account="bob" accounts=["ann","bob"] n=2 begin="1970-01-01T00:00:01.000Z" took=2 known=true either=1 seen_before=3`,
		`a-payout bob 90 from="1.1.1.1" times=3 every=1`,
	}
	if len(got) != 3 || !slices.Equal(got[:2], want) || !strings.HasPrefix(got[2], "rejected: expected the name of an event type") {
		t.Errorf("got\n%s\nwant\n%s\nand a line that is rejected", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestMatchKinds: the fields of a match have the types of the measures.
func TestMatchKinds(t *testing.T) {
	const text = `
events: {login: {fields: {ip: string, account: string, amount: number}}}
rules:
  - {id: a, on: login, key: ip, within: 15m, pattern: 'x{2} -> y', define: {x: true, y: true}, measures: {text: y.account, accounts: x.account, number: count(x), moment: y.ts, took: "y.ts - x[0].ts", is: count(x) > 1, either: 'count(x) > 1 ? 1 : "x"'}}
  - {id: b, on: alert.a, key: ip, within: 1h, pattern: v, define: {v: READ}}
`
	for read, wrong := range map[string]string{
		`text + "x" == "yx"`:                "",
		`text > 1`:                          "`text` is a string, `1` is a number: > does not compare them",
		`number > "1"`:                      "`number` is a number, `\"1\"` is a string: > does not compare them",
		`"x" in accounts`:                   "",
		`accounts > 1`:                      "`accounts` is a list, `1` is a number: > does not compare them",
		`moment == "x"`:                     "`moment` is a time, `\"x\"` is a string: == does not compare them",
		`took > duration("1m")`:             "",
		`took > 1`:                          "`took` is a duration, `1` is a number: > does not compare them",
		`is`:                                "",
		`is > 1`:                            "`is` is a bool, `1` is a number: > does not compare them",
		`either > 1`:                        "",
		`score > "x"`:                       "`score` is a number, `\"x\"` is a string: > does not compare them",
		`severity > 1`:                      "`severity` is a string, `1` is a number: > does not compare them",
		`ip > 1`:                            "`ip` is a string, `1` is a number: > does not compare them",
		`ts > 1 && type == "x"`:             "",
		`account == "x"`:                    "unknown name `account`",
		`event.text == "x"`:                 "",
		`hour(moment) == 3`:                 "",
		`type == "alert.a"`:                 "",
		`text != "x" && accounts[0] != nil`: "",
	} {
		found := checkText(strings.Replace(text, "READ", "'"+read+"'", 1))
		var got []string
		for _, d := range found {
			got = append(got, d.Msg)
		}
		if wrong == "" && read == `ts > 1 && type == "x"` {
			wrong = "this can never be true: `type` is `alert.a` here" // see Never
			if len(got) == 1 {
				wrong = got[0]
			}
		}
		if text := strings.Join(got, "; "); text != wrong {
			t.Errorf("%s: found %q, want %q", read, text, wrong)
		}
	}
}

// TestOrderOfRules: rules that read matches are compiled after the others, and stand by id
// all the same; so do those of several files and with warnings.
func TestOrderOfRules(t *testing.T) {
	var b strings.Builder
	b.WriteString("rules:\n")
	for i := range 20 {
		on := "pay"
		if i < 19 {
			on = fmt.Sprintf("alert.r%02d", i+1)
		}
		fmt.Fprintf(&b, "  - {id: r%02d, on: %s, key: card, pattern: a, define: {a: n > %d}, measures: {n: a.n + 1}, within: none}\n", i, on, i)
	}
	named := func(text string) source.Text { return source.Text{Value: text} }
	c := compiler{sources: map[string]bool{}, circular: map[link]bool{}}
	order := c.link([]*draft{
		{id: named("a"), on: []source.Text{named("alert.c"), named("pay")}}, {id: named("b"), on: []source.Text{named("alert.a")}}, {id: named("c")},
	})
	if !slices.Equal(order, []int{2, 0, 1}) {
		t.Errorf("the order of three rules is %v", order)
	}
	set, g := engineOf(t, b.String(), nil)
	for i, r := range set.Rules {
		if r.ID != fmt.Sprintf("r%02d", i) || r.Layer != 19-i {
			t.Errorf("rule %d is %s in layer %d", i, r.ID, r.Layer)
		}
	}
	got := matchesOf(g, `{"type":"pay","ts":1,"card":"c","n":100}`+"\n")
	if len(got) != 20 || got[0] != "r00 c 50 n=120" && got[19] != "r00 c 50 n=120" {
		t.Errorf("got %q", got)
	}
}
