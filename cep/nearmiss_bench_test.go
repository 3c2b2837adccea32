package cep

import (
	"math"
	"testing"
	"time"

	"weir/nfa"
)

// What it costs to count near misses: the benchmarks of the same rules, with them.
func BenchmarkNearMisses(b *testing.B) {
	for name, r := range map[string]*Rule{
		"card testing": makeRule(b, "card-testing", "probe{3,}+ -> cashout", nfa.Options{Within: 30 * time.Minute},
			map[string]Cond{"probe": approved(2, 0), "cashout": approved(math.Inf(1), 500)}),
		"absence": makeRule(b, "absence", "declined -> !approved", nfa.Options{Within: 10 * time.Minute},
			map[string]Cond{"declined": is("declined"), "approved": is("approved")}),
		"open": makeRule(b, "open", "declined -> large", nfa.Options{Within: time.Hour},
			map[string]Cond{"declined": is("declined"), "large": approved(math.Inf(1), 500)}),
	} {
		b.Run(name, func(b *testing.B) {
			for _, on := range []bool{false, true} {
				b.Run(map[bool]string{false: "off", true: "on"}[on], func(b *testing.B) {
					benchmarkEvents(b, rulesOf(r), Options{NearMisses: on}, payments(200_000))
				})
			}
		})
	}
}
