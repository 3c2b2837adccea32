package rules

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"weir/cep"
)

// misses: in the end near misses are those of the watermark order, whatever the batches,
// the shards and the restarts; and all that comes out is as without them.
func (c *lateCase) misses(r *rand.Rand, records []cep.Record, eager *course) *lateFault {
	o := c.options(cep.WatermarkOrder)
	o.NearMisses = true
	mark := cep.NewEngine(c.set.set, o)
	var fx cep.Effects
	mark.Step(records, &fx)
	mark.Step([]cep.Record{{Kind: c.end}}, &fx)
	want := missText(mark)

	o.Order, o.Shards = cep.EagerOrder, pick(r, []int{1, 2, 5})
	text := fmt.Sprintf("shards %d", o.Shards)
	g := cep.NewEngine(c.set.set, o)
	fx = cep.Effects{}
	whole := true // without a restart
	for at := 0; at < len(records); {
		n := min(1+r.IntN(len(records)), len(records)-at)
		g.Step(records[at:at+n], &fx)
		at += n
		if r.IntN(2) > 0 || without("restarts") {
			continue
		}
		whole = false
		o.Shards = pick(r, []int{1, 2, 5})
		text += fmt.Sprintf(", restored after %d records with %d", at, o.Shards)
		before := missText(g)
		var err error
		if g, err = cep.Restore(c.set.set, o, g.Append(nil)); err != nil {
			return faultf("a state with near misses can be read", "%s: %v", text, err)
		}
		if got := missText(g); got != before {
			return faultf("near misses that were read are what they were", "%s\n%s", text, firstDifferent([]byte(got), []byte(before)))
		}
	}
	g.Step([]cep.Record{{Kind: c.end}}, &fx)
	if got := missText(g); got != want {
		return faultf("eager: near misses are those of the watermark order", "%s\n%s", text, firstDifferent([]byte(got), []byte(want)))
	}
	if got, want := effectBytes(&fx), effectBytes(&eager.fx); whole && string(got) != string(want) {
		return faultf("eager: near misses change nothing", "%s\n%s", text, firstDifferent(got, want))
	}
	return nil
}

// missText is all that near misses say, a line for each step and example.
func missText(g *cep.Engine) string {
	var b strings.Builder
	for _, r := range g.NearMisses() {
		for _, s := range r.Steps {
			fmt.Fprintf(&b, "%s %s %d: %+v open %d\n", r.Rule.ID, r.Rule.Names[s.Name].Text, s.Count, s.StepCounts, s.Open)
			for _, m := range s.Latest {
				fmt.Fprintf(&b, "  %+v\n", m)
			}
		}
	}
	return b.String()
}
