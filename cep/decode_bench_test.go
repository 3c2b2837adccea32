package cep

import "testing"

// payment is an event of 347 bytes with 15 fields, of which rules read four.
const payment = `{"type":"payment","payment_id":"pay_01HV7Z3K9Q2M5X8R4T6W","ts":"2026-01-02T03:04:05.678Z","card_id":"card_48213977","account":"acc_0019283746","merchant_id":"m_55210","mcc":"5411","amount":1249.90,"currency":"EUR","country":"DE","status":"approved","channel":"ecom","device":{"os":"android","id":"d-77120394"},"ip":"203.0.113.77","three_ds":true}`

// login is an event of 110 bytes.
const login = `{"type":"login","ts":1767323045678,"account":"acc_0019283746","result":"failure","ip":"203.0.113.77","n":11827}`

func benchmarkRuleset() *Ruleset {
	return &Ruleset{
		Fields: []string{"card_id", "amount", "status", "merchant_id", "account", "result"},
		Types: []Type{
			{Name: "login"},
			{Name: "payment", Schema: &Schema{Time: "ts", Fields: map[string]Kind{"ts": Time, "card_id": Text, "merchant_id": Text, "amount": Number, "status": Text}}},
			{Name: "declared", Schema: &Schema{Time: "ts", ID: "payment_id", Fields: map[string]Kind{
				"payment_id": Text, "ts": Time, "card_id": Text, "account": Text, "merchant_id": Text, "mcc": Text, "amount": Number, "currency": Text,
				"country": Text, "status": Text, "channel": Text, "device": Map, "ip": Text, "three_ds": Bool,
			}}},
		},
	}
}

func BenchmarkDecode(b *testing.B) {
	full := `{"type":"declared"` + payment[len(`{"type":"payment"`):]
	for _, bench := range []struct{ name, line string }{
		{"payment", payment}, {"payment with all fields declared", full}, {"login", login},
	} {
		b.Run(bench.name, func(b *testing.B) {
			d := NewDecoder(benchmarkRuleset())
			var e Event
			b.SetBytes(int64(len(bench.line)))
			b.ReportAllocs()
			for b.Loop() {
				if reject := d.Decode(bench.line, &e); reject != nil {
					b.Fatal(reject.Reason)
				}
			}
		})
	}
}

func BenchmarkClone(b *testing.B) {
	d := NewDecoder(benchmarkRuleset())
	var e Event
	if reject := d.Decode(payment, &e); reject != nil {
		b.Fatal(reject.Reason)
	}
	b.ReportAllocs()
	for b.Loop() {
		e.Clone()
	}
}

func BenchmarkTimes(b *testing.B) {
	b.Run("RFC 3339", func(b *testing.B) {
		for b.Loop() {
			parseTime("2026-01-02T03:04:05.678Z")
		}
	})
	b.Run("epoch", func(b *testing.B) {
		for b.Loop() {
			parseEpoch("1767323045678", 1e6)
		}
	})
}
