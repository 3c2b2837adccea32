package cep

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Where the types have a seq, events of equal time may come in any order too, whatever
// batches, shards and states lie between them.
func TestSeqArrivalChangesNothing(t *testing.T) {
	rs := zoo(t)
	for i := range rs.Types {
		rs.Types[i].Schema = &Schema{Time: "ts", Seq: "n"}
	}
	crossed := false
	rapid.Check(t, func(t *rapid.T) {
		events := stream(t)
		for i := range events {
			events[i].Seq = int64(i) - 20
		}
		const lateness = 10 * time.Second
		_, fx := stepped(rs, Options{Lateness: time.Duration(rapid.IntRange(0, 1).Draw(t, "lateness")) * time.Second}, slices.Clone(events), end)
		type arrival struct {
			e    Event
			when int64
		}
		var arrivals []arrival
		for _, e := range rapid.Permutation(events).Draw(t, "order") {
			arrivals = append(arrivals, arrival{e, e.Time + int64(rapid.IntRange(0, int(lateness)).Draw(t, "delay"))})
		}
		slices.SortStableFunc(arrivals, func(a, b arrival) int { return int(a.when - b.when) })
		g, got := NewEngine(rs, Options{Lateness: lateness}), new(Effects)
		for i, a := range arrivals {
			crossed = crossed || i > 0 && arrivals[i-1].e.Time == a.e.Time && arrivals[i-1].e.Seq > a.e.Seq
			g.StepEvents([]Event{a.e}, got)
			if rapid.IntRange(0, 9).Draw(t, "restored") == 0 {
				var err error
				if g, err = Restore(rs, Options{Lateness: lateness, Shards: 2}, g.Append(nil)); err != nil {
					t.Fatal(err)
				}
			}
		}
		g.Step([]Record{end}, got)
		same(t, "out of order", text(got), text(fx))
	})
	if !crossed {
		t.Error("no events of equal time came out of order")
	}
}
