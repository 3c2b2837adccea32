package cep

import (
	"fmt"
	"testing"
	"time"

	"weir/nfa"
)

// A key that holds back does not look at events whose memory others have.
func TestHeldBackAfterRecycling(t *testing.T) {
	rs := rulesOf(makeRule(t, "ab", "a -> b", nfa.Options{Within: 300 * time.Second}, abc("a", "b")))
	line := func(second int, card, kind string, amount int) Record {
		return Record{Data: []byte(fmt.Sprintf(`{"type":"pay","ts":%d,"card":%q,"merchant":"m","kind":%q,"amount":%d}`, second*1000, card, kind, amount))}
	}
	o := Options{Order: EagerOrder, Lateness: 100 * time.Second}
	records := []Record{
		line(1005, "c", "a", 1), line(1010, "c", "x", 2), line(1011, "c", "x", 3),
		line(1099, "c", "b", 4), line(1100, "d", "x", 0),
		line(1009, "c", "x", 5), // held back from here on
	}
	for i := range 59 {
		records = append(records, line(1101+i, "d", "y", i))
	}
	records = append(records, line(1090, "c", "b", 6), line(1300, "d", "x", 0), line(1301, "d", "x", 0))
	run := func(o Options, again int) string {
		g, fx := bounded2(rs, o, again), new(Effects)
		for _, r := range records {
			g.Step([]Record{r}, fx)
		}
		g.Step([]Record{end}, fx)
		return left(t, fx)
	}
	want := run(Options{Lateness: o.Lateness}, 0)
	if got := run(o, 0); got != want {
		t.Errorf("held back:\n%s\nwant:\n%s", got, want)
	}
}

func bounded2(rs *Ruleset, o Options, again int) *Engine {
	if o.Order == EagerOrder {
		return bounded(rs, o, again)
	}
	return NewEngine(rs, o)
}
