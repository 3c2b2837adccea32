package rules

import (
	"strings"
	"testing"

	"weir/rules/source"
)

// misspeltType is a ruleset that declares `payment` and is on TYPE.
const misspeltType = `events: {payment: {fields: {card: string}}, payment_reversed: {fields: {card: string}}, pay: {fields: {card: string}}}
rules:
  - {id: r, on: TYPE, key: card, within: 1h, pattern: a, define: {a: true}}
`

func TestUndeclared(t *testing.T) {
	for name, want := range map[string]string{
		"paymnet": "payment", "payments": "payment", "Payment": "payment", "paymentReversed": "payment_reversed",
		"payment": "", "payment2": "", "payout": "", "day": "", `"*"`: "", "refund": "",
	} {
		found := checkText(strings.Replace(misspeltType, "TYPE", name, 1))
		switch {
		case want == "" && len(found) > 0:
			t.Errorf("%s: %v", name, found)
		case want == "":
		case len(found) != 1 || found[0].Code != source.CodeUndeclared || !strings.Contains(found[0].Hint, "`"+want+"`"):
			t.Errorf("%s: %v", name, found)
		}
	}
}
