package cep

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"weir/cep/feature"
	"weir/nfa"
)

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
	sum, distinct, count := byCard("sum", feature.Sum, fAmount), byCard("distinct", feature.Distinct, fMerchant), byCard("count", feature.Count, fAmount)
	for name, c := range map[string]struct {
		rs    *Ruleset
		times int
	}{
		"sequence":  {rulesOf(two), 1},
		"features":  {keeping(sum, distinct), 3},
		"one event": {keeping(count, sum), 1},
	} {
		for _, o := range []Options{{}, {Order: EagerOrder, Lateness: time.Second}} {
			before := int64(heapInUse())
			o.Budget = 1 << 40
			g, fx := NewEngine(c.rs, o), new(Effects)
			for i := range c.times {
				for k := 0; k < keys; k += 500 { // so many a second
					var events []Event
					for j := range 500 {
						events = append(events, pay(i*1000+k/500, fmt.Sprintf("card-%07d", k+j), fmt.Sprintf("m%d", i*(k+j)%7), "a", 1.5))
					}
					g.StepEvents(events, fx)
					fx.Reset()
				}
			}
			g.StepEvents([]Event{pay(1000*c.times, "zzz", "m", "c", 1)}, fx)
			*fx = Effects{}
			took, weighed := int64(heapInUse())-before, g.weigh().total
			share := float64(weighed) / float64(took)
			t.Logf("%-10s order %d: %4d bytes a key, weighed %4d: %.2f", name, o.Order, took/keys, weighed/keys, share)
			if share < 1/1.5 || share > 1.5 {
				t.Errorf("%s, order %d: %d bytes weigh %d", name, o.Order, took, weighed)
			}
			runtime.KeepAlive(g)
		}
	}
}
