package bench

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"weir/cep"
)

// delayed writes s as records of JSON, n lines each. Every hundredth event, if late, comes
// after all that are up to so many nanoseconds younger.
func delayed(s Stream, n int, late int64) []cep.Record {
	type arrival struct {
		at    int64
		event int
	}
	order := make([]arrival, s.Len())
	for i := range order {
		order[i] = arrival{s.Time(i), i}
		if late > 0 && i%100 == 99 {
			order[i].at += late
		}
	}
	slices.SortStableFunc(order, func(a, b arrival) int { return int(a.at - b.at) })
	var records []cep.Record
	for i := 0; i < len(order); {
		first := i + 1
		var data []byte
		for range min(n, len(order)-i) {
			data = s.AppendJSON(data, order[i].event)
			i++
		}
		records = append(records, cep.Record{Kind: cep.EventsRecord, Data: data, Line: first})
	}
	return append(records, cep.Record{Kind: cep.EndRecord})
}

// swept steps records and returns the processor time and the alerts that stand.
func swept(b *testing.B, set *cep.Ruleset, o cep.Options, records []cep.Record) (time.Duration, int) {
	b.Helper()
	engine := cep.NewEngine(set, o)
	var fx cep.Effects
	alerts := 0
	used := busy()
	for i := range records {
		engine.Step(records[i:i+1], &fx)
		for j := range fx.Alerts {
			if alerts++; fx.Alerts[j].Kind == cep.RetractedAlert {
				alerts -= 2
			}
		}
		if len(fx.Rejected)+len(fx.Late) > 0 {
			b.Fatal("an event was rejected or too late")
		}
		fx.Reset()
	}
	return busy() - used, alerts
}

// BenchmarkEager compares EagerOrder, one percent of events a second late, with the events
// in order in WatermarkOrder without lateness; and, between the two, the late events in
// WatermarkOrder (waiting) and those in order in EagerOrder (calm): processor time, JSON in,
// one shard.
func BenchmarkEager(b *testing.B) {
	for _, c := range []struct {
		name  string
		rules string
		s     Stream
	}{
		{"card-testing", CardTesting("past_last"), payments(400_000)},
		{"absence", UnconfirmedLogin, logins(400_000)},
		{"100-rules", MerchantPairs(100), payments(400_000)},
		{"10-features/10_000_keys", Velocity(), NewSwipes(300_000, 10_000, 0)},
		{"10-features/100_000_keys", Velocity(), NewSwipes(400_000, 100_000, 0)},
		{"hot-key", HotRule("->", 100_000), hot{n: 300_000, closing: 100}},
	} {
		for _, lateness := range []time.Duration{10 * time.Second} {
			b.Run(fmt.Sprintf("%s/%s", c.name, lateness), func(b *testing.B) {
				set := compile(b, c.rules)
				sorted, late := delayed(c.s, 4096, 0), delayed(c.s, 4096, int64(time.Second))
				var inOrder, waiting, calm, eager time.Duration
				for range b.N {
					t, want := swept(b, set, cep.Options{}, sorted)
					inOrder += t
					t, _ = swept(b, set, cep.Options{Lateness: lateness}, late)
					waiting += t
					t, got := swept(b, set, cep.Options{Order: cep.EagerOrder, Lateness: lateness}, sorted)
					calm += t
					if got != want {
						b.Fatalf("in order: %d alerts, want %d", got, want)
					}
					t, got = swept(b, set, cep.Options{Order: cep.EagerOrder, Lateness: lateness}, late)
					eager += t
					if got != want {
						b.Fatalf("late: %d alerts, want %d", got, want)
					}
				}
				b.ReportMetric(float64(inOrder.Nanoseconds())/float64(c.s.Len()*b.N), "in-order-ns/event")
				b.ReportMetric(float64(waiting)/float64(inOrder), "waiting/in-order")
				b.ReportMetric(float64(calm)/float64(inOrder), "calm/in-order")
				b.ReportMetric(float64(eager)/float64(inOrder), "eager/in-order")
			})
		}
	}
}

// BenchmarkBusyKey is what one key of 5,000 events a second costs where the lateness of a
// minute spans 300,000 of them, one percent of them a second late: the ratios are those of
// BenchmarkEager.
func BenchmarkBusyKey(b *testing.B) {
	set, s := compile(b, Probes), NewBusy(2_000_000, 5000)
	o := cep.Options{Order: cep.EagerOrder, Lateness: time.Minute}
	sorted, late := delayed(s, 700, 0), delayed(s, 700, int64(time.Second))
	var inOrder, calm, eager time.Duration
	for range b.N {
		t, want := swept(b, set, cep.Options{}, sorted)
		inOrder += t
		t, got := swept(b, set, o, sorted)
		calm += t
		if got != want {
			b.Fatalf("in order: %d alerts, want %d", got, want)
		}
		t, got = swept(b, set, o, late)
		eager += t
		if got != want {
			b.Fatalf("late: %d alerts, want %d", got, want)
		}
	}
	b.ReportMetric(float64(inOrder.Nanoseconds())/float64(s.Len()*b.N), "in-order-ns/event")
	b.ReportMetric(float64(calm)/float64(inOrder), "calm/in-order")
	b.ReportMetric(float64(eager)/float64(inOrder), "eager/in-order")
}
