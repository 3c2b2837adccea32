package cep

import (
	"fmt"
	"math"
	"runtime"
	"testing"
	"time"

	"weir/nfa"
)

// random is a small generator, so that benchmarks see the same events everywhere.
type random uint64

func (r *random) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	x := uint64(*r)
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func (r *random) float() float64 { return float64(r.next()>>11) / (1 << 53) }

// payments are n payments over ten days on 100,000 cards, a few cards much busier
// than the rest; some cards are tested with probes and then emptied.
func payments(n int) []Event {
	const cards, merchants = 100_000, 1_000
	r := random(42)
	names := make([]string, cards)
	for i := range names {
		names[i] = fmt.Sprintf("card-%06d", i)
	}
	shops := make([]string, merchants)
	for i := range shops {
		shops[i] = fmt.Sprintf("m%d", i)
	}
	kinds := [...]string{"approved", "approved", "approved", "approved", "declined"}
	step := 10 * 24 * time.Hour / time.Duration(n)
	l := wideLayout(len(testFields))
	events := make([]Event, n)
	rows := make([]Value, n*len(testFields))
	var testing []int // cards under test, each with a few probes to come
	for i := range events {
		card := int(math.Pow(cards, r.float())) - 1
		amount := 5 + 95*r.float()
		switch x := r.next() % 500; {
		case x == 0:
			testing = append(testing, card, card, card, card)
		case x < 8 && len(testing) > 0:
			card, testing = testing[0], testing[1:]
			amount = 0.5 + r.float()
			if len(testing) > 0 && testing[0] != card {
				amount = 600
			}
		}
		row := rows[i*len(testFields) : (i+1)*len(testFields)]
		row[fCard] = TextValue(names[card])
		row[fMerchant] = TextValue(shops[r.next()%merchants])
		row[fKind] = TextValue(kinds[r.next()%uint64(len(kinds))])
		row[fAmount] = NumberValue(amount)
		events[i] = Event{Time: int64(i) * int64(step), Type: tPay, Name: "pay", layout: l, row: row, Raw: "{}"}
	}
	return events
}

func approved(below, above float64) Cond {
	return Cond{
		Equals: []Equality{{fKind, TextValue("approved")}},
		Event: func(s *Scope) bool {
			k, a := s.Event.Field(fKind), s.Event.Field(fAmount)
			return k.Kind == Text && k.Text == "approved" && a.Kind == Number && a.Number() < below && a.Number() > above
		},
	}
}

// benchmarkEvents runs decoded events through an engine and reports events/s.
func benchmarkEvents(b *testing.B, rs *Ruleset, o Options, events []Event) {
	b.Helper()
	var fx Effects
	alerts := 0
	for b.Loop() {
		g := NewEngine(rs, o)
		alerts = 0
		for rest := events; len(rest) > 0; {
			n := min(len(rest), 4096)
			fx.Reset()
			g.StepEvents(rest[:n], &fx)
			alerts += len(fx.Alerts)
			rest = rest[n:]
		}
	}
	b.ReportMetric(float64(b.N)*float64(len(events))/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(alerts), "alerts")
}

func BenchmarkCardTesting(b *testing.B) {
	rs := rulesOf(makeRule(b, "card-testing", "probe{3,}+ -> cashout", nfa.Options{Within: 30 * time.Minute},
		map[string]Cond{"probe": approved(2, 0), "cashout": approved(math.Inf(1), 500)}))
	benchmarkEvents(b, rs, Options{}, payments(500_000))
}

func BenchmarkAbsence(b *testing.B) {
	rs := rulesOf(makeRule(b, "absence", "declined -> !approved", nfa.Options{Within: 10 * time.Minute},
		map[string]Cond{"declined": is("declined"), "approved": is("approved")}))
	benchmarkEvents(b, rs, Options{}, payments(500_000))
}

// Every rule looks for another merchant.
func BenchmarkManyRules(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var rules []*Rule
			for i := range n {
				shop := TextValue(fmt.Sprintf("m%d", i))
				first := Cond{
					Equals: []Equality{{fKind, TextValue("approved")}, {fMerchant, shop}},
					Event: func(s *Scope) bool {
						k, m := s.Event.Field(fKind), s.Event.Field(fMerchant)
						return k.Text == "approved" && m.Text == shop.Text && s.Event.Field(fAmount).Number() > 50
					},
				}
				rules = append(rules, makeRule(b, fmt.Sprintf("r%04d", i), "a -> b", nfa.Options{Within: 10 * time.Minute},
					map[string]Cond{"a": first, "b": over(95)}))
			}
			benchmarkEvents(b, rulesOf(rules...), Options{}, payments(200_000))
		})
	}
}

// Events up to a minute late are held.
func BenchmarkLateness(b *testing.B) {
	rs := rulesOf(makeRule(b, "card-testing", "probe{3,}+ -> cashout", nfa.Options{Within: 30 * time.Minute},
		map[string]Cond{"probe": approved(2, 0), "cashout": approved(math.Inf(1), 500)}))
	benchmarkEvents(b, rs, Options{Lateness: time.Minute}, payments(200_000))
}

// An event that opens nothing costs no memory.
func TestAnEventThatOpensNothingAllocatesNothing(t *testing.T) {
	rules := []*Rule{
		makeRule(t, "one", "a -> b", nfa.Options{Within: time.Hour}, abc("a", "b")),
		makeRule(t, "two", "a+ -> b", nfa.Options{Within: time.Hour}, map[string]Cond{"a": over(1000), "b": over(2000)}),
	}
	rules[0].Key = Key{Fields: []FieldID{fCard, fMerchant}, Names: []string{"card", "merchant"}}
	g := NewEngine(rulesOf(rules...), Options{})
	var events []Event
	for i := range 64 {
		events = append(events, pay(100, fmt.Sprint("c", i), "m", "x", 1))
	}
	var fx Effects
	g.StepEvents(events, &fx)
	if n := testing.AllocsPerRun(100, func() { g.StepEvents(events, &fx) }); n != 0 {
		t.Errorf("%v allocations for 64 events", n)
	}
}

// The state of a long stream is that of its window.
func TestMemoryIsThatOfTheWindow(t *testing.T) {
	rs := rulesOf(makeRule(t, "pair", "a -> b", nfa.Options{Within: 100 * time.Second, Skip: nfa.SkipNone}, abc("a", "b")))
	g := NewEngine(rs, Options{})
	var fx Effects
	most, timers := 0, 0
	r := random(1)
	for second := range 20_000 {
		card := fmt.Sprint("c", r.next()%50)
		kind := []string{"a", "b"}[r.next()%2]
		g.StepEvents([]Event{pay(second, card, "", kind, 1)}, &fx)
		fx.Reset()
		timers = max(timers, len(g.layers[0].shards[0].timers))
		for _, ks := range g.layers[0].shards[0].tables[0] {
			most = max(most, len(ks.events))
		}
	}
	if most > 100 || timers > 256 {
		t.Errorf("%d events under a key, %d timers: more than a window of 100 events can need", most, timers)
	}
	g.Step([]Record{at(30_000)}, &fx)
	if g.Keys() != 0 || len(g.layers[0].shards[0].timers) != 0 {
		t.Errorf("%d keys and %d timers after all windows", g.Keys(), len(g.layers[0].shards[0].timers))
	}
	runtime.KeepAlive(g)
}
