package cep

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"weir/cep/outcome"
	"weir/nfa"
)

// withRisk gives a ruleset a risk of cards.
func withRisk(rs *Ruleset, life time.Duration) *Ruleset {
	rs.Risks = []NamedRisk{{"card_risk", []string{"card"}, outcome.Risk{HalfLife: life}}}
	return rs
}

// risky is a condition that holds where the risk is over x.
func risky(x float64) func(*Scope) bool {
	return func(s *Scope) bool { v := s.Risk(0); return v.Kind == Number && v.Number() > x }
}

// shows adds a measure that is the risk, and lets the score be the amount.
func shows(r *Rule) *Rule {
	r.Measures = []Measure{{"risk", func(s *Scope) Value { return s.Risk(0) }}}
	r.Score = func(s *Scope) Value { return *s.Captures.First(0).Field(fAmount) }
	return r
}

// risksSeen writes the alerts of a rule shortly: the time and the risk that it saw.
func risksSeen(fx *Effects, rule string) (text string) {
	for i := range fx.Alerts {
		if a := &fx.Alerts[i]; a.Rule.ID == rule {
			text += fmt.Sprintf("%d:%.2f ", a.Time/second, a.Measures[0].Number())
		}
	}
	return text
}

// Two small matters make a payment suspicious that would pass by itself, and an hour
// later it passes again.
func TestRiskOfEarlierMatchesMakesALaterRuleFire(t *testing.T) {
	login := shows(makeRule(t, "new-device", "d", nfa.Options{}, abc("d")))
	change := shows(makeRule(t, "new-address", "n", nfa.Options{}, abc("n")))
	order := shows(makeRule(t, "order", "o", nfa.Options{}, map[string]Cond{
		"o": {Equals: is("o").Equals, Event: func(s *Scope) bool { return is("o").Event(s) && risky(50)(s) }},
	}))
	rs := withRisk(rulesOf(change, login, order), 30*time.Minute)
	_, fx := stepped(rs, Options{}, []Event{
		pay(0, "c1", "", "d", 40), pay(0, "c2", "", "d", 40),
		pay(1, "c1", "", "o", 10),
		pay(2, "c1", "", "n", 40),
		pay(3, "c1", "", "o", 10), pay(3, "c2", "", "o", 10),
		pay(3600, "c1", "", "o", 10),
	})
	wantAlerts(t, fx, "match new-device c1 @0 d:40\nmatch new-device c2 @0 d:40\nmatch new-address c1 @2 n:40\nmatch order c1 @3 o:10\n")
}

// A match sees what matches of earlier events left: not those of its own event, also
// those of other rules and of layers below, and not its own.
func TestRiskIsReadAsLeftByEarlierEvents(t *testing.T) {
	low := shows(makeRule(t, "low", "a", nfa.Options{}, abc("a")))
	rs := withRisk(rulesOf(low), time.Hour)
	alert := matchesOf(rs, low)
	one := shows(makeRule(t, "one", "a", nfa.Options{}, abc("a")))
	two := shows(makeRule(t, "two", "l", nfa.Options{}, map[string]Cond{"l": typed(alert)}))
	two.Types, two.Layer = []TypeID{alert}, 1
	two.Score = func(*Scope) Value { return NumberValue(0) }
	last := shows(makeRule(t, "upper", "a", nfa.Options{}, abc("a")))
	last.Layer, last.Shadow = 1, true // it adds nothing
	rs.Rules = append(rs.Rules, one, two, last)
	_, fx := stepped(rs, Options{}, []Event{pay(1, "c", "", "a", 10), pay(1, "c", "", "a", 10), pay(3601, "c", "", "a", 10)})
	for _, rule := range []string{"low", "one", "two", "upper"} {
		if got, want := risksSeen(fx, rule), "1:0.00 1:20.00 3601:20.00 "; got != want {
			t.Errorf("%s saw %swant %s", rule, got, want)
		}
	}
}

// What time brings at a moment is seen by the events of that moment, not by what else
// time brings then; at the end of the input as when the clock goes on.
func TestRiskOfAbsences(t *testing.T) {
	absent := func(id string, seconds int) *Rule {
		return shows(makeRule(t, id, "a -> !b", nfa.Options{Within: time.Duration(seconds) * time.Second, Skip: nfa.SkipNone}, abc("a", "b")))
	}
	// The rule that comes first waits longest, and under a key of other fields too.
	far := absent("far", 9)
	rs := withRisk(rulesOf(absent("long", 6), absent("one", 2), absent("two", 2), far, shows(makeRule(t, "x", "x", nfa.Options{}, abc("x")))), time.Hour)
	far.Key = Key{ByName: []FieldID{fCard, fTo}, Names: []string{"card"}}
	events := []Event{pay(0, "c", "", "a", 10), pay(2, "c", "", "x", 10), pay(3, "c", "", "a", 10)}
	for name, last := range map[string]Record{"clock": at(60), "end": end} {
		_, fx := stepped(rs, Options{}, events, last)
		for rule, want := range map[string]string{
			"one": "2:0.00 5:29.98 ", "two": "2:0.00 5:29.98 ", // both at once, then both after x
			"x": "2:20.00 ", "long": "6:49.97 9:59.94 ", "far": "9:59.94 12:79.89 ",
		} {
			if got := risksSeen(fx, rule); got != want {
				t.Errorf("%s: %s saw %swant %s", name, rule, got, want)
			}
		}
	}
}

// Nothing is kept of a risk once it has faded, nor of scores of 0.
func TestRiskLeavesNothing(t *testing.T) {
	r := shows(makeRule(t, "a", "a", nfa.Options{}, abc("a")))
	rs := withRisk(rulesOf(r), time.Second)
	g, fx := stepped(rs, Options{}, []Event{pay(0, "c1", "", "a", 100), pay(1, "c2", "", "a", 0), pay(5, "c1", "", "a", 100)})
	kept := func() int { return len(g.risks[0].tables[0]) }
	if kept() != 1 {
		t.Errorf("%d risks are kept, want that of c1", kept())
	}
	g.Step([]Record{at(5 + 14)}, fx)
	if kept() != 1 {
		t.Errorf("the risk is gone while it is above 0")
	}
	g.Step([]Record{at(5 + 15)}, fx) // 103 · 2^-15 is below 2^-8
	if kept() != 0 || len(g.risks[0].due) != 0 {
		t.Errorf("%d risks are kept, %d times are waited for", kept(), len(g.risks[0].due))
	}
	g.StepEvents([]Event{pay(30, "c1", "", "a", 1)}, fx)
	if got, want := risksSeen(fx, "a"), "0:0.00 1:0.00 5:3.12 30:0.00 "; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// A match that was held adds its score as it has faded, whether what was there before has
// been dropped by then or not: where blocks end changes nothing, not even the last bit.
func TestRiskOfAHeldMatchDoesNotDependOnBatches(t *testing.T) {
	held := shows(makeRule(t, "held", "a -> b", nfa.Options{InOrder: true, Within: 20 * time.Second, Skip: nfa.SkipToNext}, map[string]Cond{
		"a": is("a"),
		"b": is("b").and(func(s *Scope) bool {
			return s.Captures.Last(0).Field(fMerchant).Text == s.Event.Field(fMerchant).Text
		}),
	}))
	rs := withRisk(rulesOf(held, shows(makeRule(t, "hit", "h", nfa.Options{}, abc("h")))), time.Second)
	events := []Event{
		pay(0, "c", "", "h", 1),                                                           // gone at 9
		pay(1, "c", "m1", "a", 90), pay(2, "c", "m2", "a", 80), pay(8, "c", "m2", "b", 3), // comes out at 21
		pay(15, "c", "", "x", 0), pay(22, "c", "", "x", 0), pay(22, "c", "", "h", 1),
	}
	whole, fx := stepped(rs, Options{}, events)
	g, parts := NewEngine(rs, Options{}), new(Effects)
	for i := range events {
		g.StepEvents(events[i:i+1], parts)
	}
	if got, want := string(g.Append(nil)), string(whole.Append(nil)); got != want {
		t.Error("one by one the state has other bytes")
	}
	if got, want := risksSeen(parts, "hit"), risksSeen(fx, "hit"); got != want || want != "0:0.00 22:0.00 " {
		t.Errorf("one by one %s, at once %s", got, want)
	}
}

// A block is gone over once for each layer: each sees, at each event, what the layers
// below have brought up to then, and no later block changes that.
func TestRiskOverManyBlocks(t *testing.T) {
	low := makeRule(t, "low", "a", nfa.Options{}, abc("a"))
	low.Default = 1
	upper := shows(makeRule(t, "upper", "a", nfa.Options{}, abc("a")))
	upper.Layer = 1
	rs := withRisk(rulesOf(low, upper), 1000*time.Second)
	var events []Event
	for i := range 3 * block / 2 {
		events = append(events, pay(i, fmt.Sprint("c", i%2), "", "a", 1))
	}
	_, fx := stepped(rs, Options{Shards: 2}, events)
	fade := math.Exp2(-2.0 / 1000) // from one event of a card to its next
	for i := range fx.Alerts {
		a := &fx.Alerts[i]
		if a.Rule == low {
			continue
		}
		n := (i / 2) / 2 // matches of this card before, by each of two rules
		want := 2 * fade * (1 - math.Pow(fade, float64(n))) / (1 - fade)
		if got := a.Measures[0].Number(); math.Abs(got-want) > 1e-6 {
			t.Fatalf("alert %d, of %s: %v, want %v", i, a.Rule.ID, got, want)
		}
	}
	if len(fx.Alerts) != 2*len(events) {
		t.Errorf("%d alerts", len(fx.Alerts))
	}
}

// Risks of keys with several parts, and the key of one rule read from several fields.
func TestRiskBelongsToTheKey(t *testing.T) {
	pair := shows(makeRule(t, "pair", "a", nfa.Options{}, abc("a")))
	pair.Key = Key{Fields: []FieldID{fMerchant, fCard}, Names: []string{"merchant", "card"}}
	by := shows(makeRule(t, "by", "a", nfa.Options{}, abc("a")))
	by.Key = Key{ByName: []FieldID{fTo}, Names: []string{"card"}}
	card := shows(makeRule(t, "card", "a", nfa.Options{}, abc("a")))
	rs := withRisk(rulesOf(by, card, pair), time.Hour)
	rs.Risks = append(rs.Risks, NamedRisk{"pair_risk", []string{"merchant", "card"}, outcome.Risk{HalfLife: time.Hour}})
	pair.Measures = []Measure{{"risk", func(s *Scope) Value { return s.Risk(1) }}}
	to := func(e Event, card string) Event { e.row[fTo] = TextValue(card); return e }
	events := []Event{
		to(pay(0, "c1", "m1", "a", 10), "c2"), to(pay(0, "c2", "m1", "a", 20), "c1"), to(pay(0, "c1", "m2", "a", 30), "c3"), to(pay(0, "c1", "m1", "a", 40), "c3"),
	}
	g, fx := stepped(rs, Options{}, events[:2])
	restored, err := Restore(rs, Options{Shards: 3}, g.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	restored.StepEvents(events[2:], fx)
	for rule, want := range map[string]string{
		"pair": "0:0.00 0:0.00 0:0.00 0:10.00 ",
		"card": "0:0.00 0:10.00 0:30.00 0:60.00 ", // c1 has 10, and 20 that it was sent; then 30 more
		"by":   "0:0.00 0:10.00 0:0.00 0:30.00 ",
	} {
		if got := risksSeen(fx, rule); got != want {
			t.Errorf("%s saw %swant %s", rule, got, want)
		}
	}
}

// When a risk that has faded is forgotten depends on where blocks ended; what is written
// does not.
func TestFadedRisksAreNotWritten(t *testing.T) {
	r := makeRule(t, "r", "e", nfa.Options{}, map[string]Cond{"e": {}})
	r.Score = func(s *Scope) Value { return *s.Captures.First(0).Field(fAmount) }
	rs := withRisk(rulesOf(r), 10*time.Second)
	events := []Event{pay(0, "c", "m", "a", 100), pay(7, "c", "m", "a", 1)} // it ends after 147 s, without the second after 150
	once, fx := stepped(rs, Options{}, slices.Clone(events))
	twice, _ := stepped(rs, Options{}, events[:1])
	twice.StepEvents(events[1:], fx)
	kept := false
	for second := 140; second < 155; second++ {
		once.Step([]Record{at(second)}, fx)
		twice.Step([]Record{at(second)}, fx)
		kept = kept || len(once.risks[0].tables[0]) != len(twice.risks[0].tables[0])
		if !bytes.Equal(once.Append(nil), twice.Append(nil)) {
			t.Fatalf("after %d seconds the states differ", second)
		}
	}
	if !kept {
		t.Error("both forgot the risk at once")
	}
}
