package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
)

// BenchmarkRun measures `weir run` from file to alerts: 10 rules on payments of
// 15 fields, 200,000 of them and 20,000 cards.
func BenchmarkRun(b *testing.B) {
	const n = 200_000
	var rules strings.Builder
	rules.WriteString("rules:\n")
	for i := range 10 {
		fmt.Fprintf(&rules, `  - id: card-testing-%d
    on: payment
    key: card_id
    within: 30m
    pattern: probe{%d,}+ -> cashout
    define:
      probe: status == "approved" && amount < %d
      cashout: status == "approved" && amount > %d * mean(probe.amount)
`, i, 3+i%2, 1+i%3, 40+i)
	}
	text := writeFile(b, "rules.yaml", rules.String())
	plain := writeFile(b, "payments.ndjson", manyPayments(n))
	var halves [2]strings.Builder
	for i, line := range strings.SplitAfter(manyPayments(n), "\n") {
		halves[i%2].WriteString(line)
	}
	one, two := writeFile(b, "one.ndjson", halves[0].String()), writeFile(b, "two.ndjson", halves[1].String())
	for _, tt := range []struct {
		name   string
		events []string
	}{
		{"ndjson", []string{plain}},
		{"gzip", []string{packed(b, plain)}},
		{"csv", []string{writeFile(b, "payments.csv", manyRows(n))}},
		{"two files", []string{one, two}},
	} {
		b.Run(tt.name, func(b *testing.B) {
			args := append([]string{"run", text, "--events"}, tt.events...)
			for b.Loop() {
				var report bytes.Buffer
				if code := execute(args, &streams{strings.NewReader(""), io.Discard, &report}); code != exitDone {
					b.Fatal(&report)
				}
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// paymentFields are the fields of payment i, one in ten a small one.
func paymentFields(i int) []any {
	card := i * 7919 % 20011
	cents := 300 + i*104729%90000
	if i%10 == 0 {
		cents = 50 + i/10%150
	}
	return []any{
		1767312000000 + i*3, i, card, i * 31 % 2003, cents / 100, cents % 100,
		status(i), card, i % 250, card % 250, 5000 + i%200, i % 1000000, card, card % 5000,
	}
}

func status(i int) string {
	if i%20 == 19 {
		return "declined"
	}
	return "approved"
}

func manyPayments(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, `{"type":"payment","ts":%d,"payment_id":"p%08d","card_id":"c%06d","merchant_id":"m%04d","amount":%d.%02d,"currency":"EUR","country":"FR",`+
			`"status":%q,"channel":"ecom","device":"d%07d","ip":"10.0.%d.%d","mcc":"%d","auth_code":"%06d","email":"user%d@example.com","terminal":"t-%d"}`+"\n", paymentFields(i)...)
	}
	return text.String()
}

func manyRows(n int) string {
	var text strings.Builder
	text.WriteString("type,ts,payment_id,card_id,merchant_id,amount,status,channel,device,ip,mcc,auth_code,email,terminal\n")
	for i := range n {
		fmt.Fprintf(&text, "payment,%d,p%08d,c%06d,m%04d,%d.%02d,%s,ecom,d%07d,10.0.%d.%d,%d,%06d,user%d@example.com,t-%d\n", paymentFields(i)...)
	}
	return text.String()
}

func packed(b *testing.B, name string) string {
	text, err := os.ReadFile(name)
	if err != nil {
		b.Fatal(err)
	}
	f, err := os.Create(filepath.Join(b.TempDir(), filepath.Base(name)+".gz"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	z := gzip.NewWriter(f)
	if _, err := z.Write(text); err != nil {
		b.Fatal(err)
	}
	if err := z.Close(); err != nil {
		b.Fatal(err)
	}
	return f.Name()
}
