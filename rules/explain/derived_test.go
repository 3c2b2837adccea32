package explain

import (
	"strings"
	"testing"
)

const handOver = `
params: {low: 9}
events:
  login: {fields: {ip: string, account: string, amount: number}, derive: {twice: 2 * amount, large: twice > params.low, unread: amount}}
  payout: {fields: {account: string, amount: number}, derive: {half: amount / 2}}
features:
  halves: {on: payout, key: account, value: sum(half), over: 1h}
rules:
  - {id: a, on: login, key: ip, within: 1h, pattern: x, define: {x: large}, measures: {account: x.account}}
  - {id: b, on: alert.a, key: ip, within: 1h, pattern: x, define: {x: account != "x"}, measures: {account: x.account}}
  - {id: c, on: [alert.a, alert.b, payout], key: account, within: 1h, pattern: x -> y -> z, define: {x: {type: [alert.a, payout]}, y: {type: alert.b}, z: {type: payout, where: halves > 1}}}
`

// TestMatchesOfRules: what a rule reads is named as what it is, and what is derived is
// said where a rule reads it, also through its features.
func TestMatchesOfRules(t *testing.T) {
	set := check(t, "r.yaml", handOver)
	for i, want := range [][]string{
		{"among events of type `login`", "`twice` of `login` is derived: `2 * amount`. `large` of `login` is derived: `twice > params.low (= 9)`."},
		{"among matches of the rule `a`, the rule looks"},
		{
			"among events of type `payout` or matches of the rule `a` or `b`, the rule looks",
			"`x` is an event of type `payout` or a match of the rule `a`.", "`y` is a match of the rule `b`.", "`half` of `payout` is derived: `amount / 2`.",
		},
	} {
		words := strings.Join(strings.Fields(Rule(set.Rules[i], nil)), " ")
		for _, w := range want {
			if !strings.Contains(words, w) {
				t.Errorf("%q does not stand in\n%s", w, words)
			}
		}
		if strings.Contains(words, "unread") || i == 1 && strings.Contains(words, "derived") {
			t.Errorf("what the rule does not read stands in\n%s", words)
		}
	}
}
