package explain

import (
	"strings"
	"testing"
)

// TestDecisions: risks and the policy are in the words of the rules that they concern.
func TestDecisions(t *testing.T) {
	const head = "risk:\n  heat: {key: card, half_life: 24h}\n  pairs: {key: [card, shop], half_life: 90m}\n"
	const rules = `
rules:
  - {id: adds, on: pay, key: card, within: 1h, pattern: a, define: {a: amount > 1}}
  - {id: apart, on: pay, key: shop, within: 1h, pattern: a, define: {a: amount > 1}}
  - {id: reads, on: pay, key: card, within: 1h, pattern: a, define: {a: heat > 1}}
  - {id: shadow, status: shadow, on: pay, key: [card, shop], within: 1h, pattern: a, define: {a: pairs > 1}}
`
	const (
		sum  = "In the decision on an event the scores of the rules that match or hold on it are added up, to at most 100"
		adds = "Every match adds its score to `heat`."
		heat = "`heat` is a risk: the scores of matches that earlier events of the same `card` brought, added up, each fading to half of it in 1 day."
		pair = "`pairs` is a risk: the scores of matches that earlier events of the same `card` and `shop` brought, added up, each fading to half of it in 90 minutes."
	)
	for _, tt := range []struct {
		policy string
		says   [4]string // each rule, what follows from a match; parts joined by |
	}{
		{"", [4]string{adds, "", heat + "|" + adds, pair}},
		{"policy: {combine: sum, review: 40.5, challenge: 60, block: 80}", [4]string{
			adds + " " + sum + "; whatever their actions, it is at least review from 40.5 on, challenge from 60 on and block from 80 on.",
			sum, heat + "|" + adds + "|" + sum, pair,
		}},
		{"policy: {block: 80}", [4]string{
			"the highest score of the rules that match or hold on it counts; whatever their actions, it is at least block from 80 on.",
			"the highest score", heat + "|the highest score", pair,
		}},
		{"policy: {combine: noisy_or}", [4]string{
			"are combined, as if each were the chance in 100 of a cause of its own.", "are combined", heat + "|are combined", pair,
		}},
	} {
		for i, r := range check(t, "r.yaml", head+tt.policy+rules).Rules {
			words := strings.Join(strings.Fields(Rule(r, nil)), " ")
			for _, part := range strings.Split(tt.says[i], "|") {
				if !strings.Contains(words, part) {
					t.Errorf("%s, %s: %q does not stand in\n%s", tt.policy, r.ID, part, words)
				}
			}
			for part, said := range map[string]bool{
				"is a risk":       r.ID == "reads" || r.ID == "shadow",
				"adds its score":  r.ID == "adds" || r.ID == "reads",
				"In the decision": tt.policy != "" && r.ID != "shadow",
			} {
				if strings.Contains(words, part) != said {
					t.Errorf("%s, %s: %q stands there: %t, in\n%s", tt.policy, r.ID, part, !said, words)
				}
			}
		}
	}
}
