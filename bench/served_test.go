package bench

import (
	"fmt"
	"testing"
	"time"

	"weir/cep"
)

// served writes what clients post side by side as the records of a log: each has one body of
// a thousand events of one millisecond under way, they come in any order, and the next one is
// made when that is on the log. So about as many events come late as in order, by some
// milliseconds.
func served(clients, bodies int) []cep.Record {
	const body, part = 1000, 250
	type client struct {
		cards *Cards
		made  int64 // its body, milliseconds
		left  int   // parts of it
	}
	all := make([]client, clients)
	for i := range all {
		all[i] = client{NewCards(fmt.Sprintf("%c-", 'a'+i), uint64(i)+1), begin / int64(time.Millisecond), body / part}
	}
	s := source{7}
	var records []cep.Record
	for n := range bodies * body / part {
		at := begin/int64(time.Millisecond) + int64(n*part/125) // 125,000 events a second
		c := &all[s.below(clients)]
		var data []byte
		for range part {
			data = c.cards.AppendJSON(data, c.made)
		}
		if c.left--; c.left == 0 {
			c.made, c.left = at, body/part
		}
		records = append(records, cep.Record{Kind: cep.EventsRecord, Data: data, Line: 1, Appended: at * int64(time.Millisecond)})
	}
	return records
}

// BenchmarkServed steps what eight clients post side by side, as `weir bench serve` does,
// with 10 s of lateness: in EagerOrder, in which a service matches, and in WatermarkOrder.
func BenchmarkServed(b *testing.B) {
	for _, rules := range []struct{ name, text string }{
		{"100-rules", CardRules(100)},
		{"3-features", servedFeatures},
	} {
		for _, order := range []struct {
			name string
			is   cep.Order
		}{{"eager", cep.EagerOrder}, {"watermark", cep.WatermarkOrder}} {
			b.Run(rules.name+"/"+order.name, func(b *testing.B) {
				set := compile(b, rules.text)
				records := served(8, 1500)
				events := 0
				var used time.Duration
				for b.Loop() {
					engine := cep.NewEngine(set, cep.Options{Order: order.is, Lateness: 10 * time.Second, Freezes: true})
					var fx cep.Effects
					began := busy()
					for i := range records {
						engine.Step(records[i:i+1], &fx)
						if len(fx.Rejected)+len(fx.Late) > 0 {
							b.Fatal("an event was rejected or too late")
						}
						fx.Reset()
					}
					used += busy() - began
					stats := engine.Stats()
					events += int(stats.Events)
					b.ReportMetric(float64(stats.OutOfOrder.Events())/float64(stats.Events), "late/event")
				}
				b.ReportMetric(float64(used.Nanoseconds())/float64(events), "cpu-ns/event")
			})
		}
	}
}

// servedFeatures are rules on Cards that read features.
const servedFeatures = `events:
  payment:
    time: ts
    id: id
    fields: {id: string, ts: time, card_id: string, merchant_id: string, amount: number}
features:
  spent_1h: {on: payment, key: card_id, value: sum(amount), over: 1h}
  paid_1h: {on: payment, key: card_id, value: count(), over: 1h}
  shops_1h: {on: payment, key: card_id, value: distinct(merchant_id), over: 1h}
rules:
  - {id: often, on: payment, key: card_id, when: paid_1h > 60 and spent_1h > 20000}
  - {id: shops, on: payment, key: card_id, when: shops_1h > 60 and amount > 400}
`
