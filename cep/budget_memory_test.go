package cep

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"weir/cep/feature"
	"weir/nfa"
)

// heap is what is in use once all else has been collected.
func heap2() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// byCard is a feature of a day, by card.
func byCard(name string, value feature.Value, of FieldID) *Feature {
	return &Feature{
		Name: name, Types: []TypeID{tPay}, Key: FeatureKey{Names: []string{"card"}, Fields: []FieldID{fCard}}, Value: field(of),
		Spec: feature.Spec{Value: value, Window: feature.Window{Size: int64(24 * time.Hour)}},
	}
}

// keeping are rules that are none, with features.
func keeping(features ...*Feature) *Ruleset {
	rs := rulesOf()
	rs.Features = features
	return rs
}

// The state weighs about what it takes of memory.
func TestWeighsAsMuch(t *testing.T) {
	const keys = 200_000
	two := makeRule(t, "two", "a -> b", nfa.Options{Within: 24 * time.Hour}, abc("a", "b"))
	many := makeRule(t, "many", "a{3,}+ -> b", nfa.Options{Within: 24 * time.Hour}, abc("a", "b"))
	throttled := makeRule(t, "throttled", "a", nfa.Options{}, abc("a"))
	throttled.Throttle = 24 * time.Hour
	sum, distinct, count := byCard("sum", feature.Sum, fAmount), byCard("distinct", feature.Distinct, fMerchant), byCard("count", feature.Count, fAmount)
	for name, c := range map[string]struct {
		rs    *Ruleset
		times int
	}{
		"sequence":  {rulesOf(two), 1},
		"captures":  {rulesOf(many), 5},
		"throttle":  {rulesOf(throttled), 1},
		"two rules": {rulesOf(many, two), 2},
		"features":  {keeping(sum, distinct), 6},
		"one event": {keeping(count, sum), 1},
	} {
		for _, o := range []Options{{}, {Order: EagerOrder, Lateness: time.Second}, {Freezes: true}} {
			before := heap2()
			o.Budget = 1 << 40
			g, fx := NewEngine(c.rs, o), new(Effects)
			for i := range c.times {
				for k := range keys {
					e := pay(i*1000+k/keys, fmt.Sprintf("card-%07d", k), fmt.Sprintf("m%d", (i*k)%7), "a", 1.5)
					g.StepEvents([]Event{e}, fx)
					if k%100 == 0 {
						fx.Reset()
					}
				}
			}
			last := pay(1000*c.times, "zzz", "m", "c", 1)
			g.StepEvents([]Event{last}, fx)
			*fx = Effects{}
			took := heap2() - before
			weighed := g.weigh().total
			t.Logf("%-10s order %d freezes %v: %4d bytes a key, weighed %4d: %.2f", name, o.Order, o.Freezes, took/keys, weighed/keys, float64(weighed)/float64(took))
			runtime.KeepAlive(g)
		}
	}
}
