package rules

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"weir/rules/source"
)

// manyRules is a ruleset of n rules as people write them, no two the same.
func manyRules(n int) []source.File {
	var b strings.Builder
	b.WriteString(`events:
  payment:
    id: payment_id
    fields:
      payment_id: string
      card_id: string
      merchant_id: string
      merchant_country: string
      amount: number
      currency: string
      country: string
      status: string
      channel: string
      email: string
      ip: string
      bin: string
      n: number
      ts: time
      device: map
  login:
    fields: {card_id: string, ip: string, new_device: bool, result: string, country: string}
params: {probe_max: 2, times: 50, countries: [KP, IR, SY, CU]}
rules:
`)
	for i := range n {
		switch i % 3 {
		case 0:
			fmt.Fprintf(&b, `  - id: card-testing-%d
    title: Card testing, then a cash-out
    severity: high
    tags: [card, typology.card_testing]
    on: payment
    where: amount != nil && merchant_id != "m%d"
    key: card_id
    within: 30m
    params: {floor: %d}
    pattern: probe{3,}+ -> cashout
    define:
      probe: status == "approved" && amount < params.probe_max && email matches "^[a-z0-9.]+@example%d[.]com$"
      cashout: status == "approved" && amount > params.times * mean(probe.amount) && amount > params.floor
    having: distinct(probe.merchant_id) >= 2
    measures:
      probes: count(probe)
      total: sum(probe.amount) + cashout.amount
    score: min(100, 55 + 5 * probes)
    message: "{probes} probes, then {cashout.amount} on card {card_id}, in all {total}"
    throttle: 1h
`, i, i, i, i)
		case 1:
			fmt.Fprintf(&b, `  - id: device-then-payout-%d
    on: [login, payment]
    key: card_id
    within: 24h
    pattern: in -> !seen -> out
    define:
      in: {type: login, where: new_device && country in params.countries}
      seen: {type: login, where: ip == "10.0.0.%d"}
      out: {type: payment, where: amount > %d && country != in.country}
    message: "{out.amount} after a login from {in.ip}"
`, i, i%256, i)
		default:
			fmt.Fprintf(&b, `  - id: fast-travel-%d
    on: payment
    key: [card_id, currency]
    within: 6h
    pattern: here, there
    define:
      here: country != nil && amount > %d
      there: country != nil && amount > %d && country != here.country && ts - here.ts < duration("2h")
    skip: to_next
    measures: {apart: seconds(there.ts - here.ts)}
`, i, i, i)
		}
	}
	text := strings.NewReplacer("in -> !seen", "entry -> !seen", "      in: ", "      entry: ", "in.country", "entry.country", "{in.ip}", "{entry.ip}").Replace(b.String())
	return []source.File{{Path: "many.yaml", Text: text}}
}

// lines2000 is how many of manyRules have some 2,000 lines.
const lines2000 = 136

func benchmarkCheck(b *testing.B, n int) {
	files := manyRules(n)
	b.ReportMetric(float64(strings.Count(files[0].Text, "\n")), "lines")
	for b.Loop() {
		if found := Check(files).Findings; len(found) > 0 {
			b.Fatal(found[0])
		}
	}
}

func BenchmarkCheck1000(b *testing.B) { benchmarkCheck(b, 1000) }

func BenchmarkCheck2000Lines(b *testing.B) { benchmarkCheck(b, lines2000) }

// TestCheckTakes checks that a change of a large ruleset is checked while its
// author waits. The bounds are 20 times what it takes on two cores, for slower and
// busier ones: what they find is a cost that grows faster than the rules.
func TestCheckTakes(t *testing.T) {
	for _, tt := range []struct {
		rules int
		most  time.Duration
	}{{lines2000, 1500 * time.Millisecond}, {1000, 10 * time.Second}} {
		files := manyRules(tt.rules)
		least := time.Hour
		for range 3 {
			begin := time.Now()
			Check(files)
			least = min(least, time.Since(begin))
		}
		if least > tt.most {
			t.Errorf("%d rules take %v, may take %v", tt.rules, least, tt.most)
		}
	}
}
