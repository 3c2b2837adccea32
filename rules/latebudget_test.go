package rules

import (
	"bytes"
	"fmt"
	"math/rand/v2"

	"weir/cep"
)

// budgeted is what a budget has done.
func budgeted(s cep.Stats) string {
	b := fmt.Appendf(nil, "%+v, refused", s.State)
	for _, r := range s.Rules {
		b = fmt.Appendf(b, " %d", r.Refused)
	}
	for _, f := range s.Features {
		b = fmt.Appendf(b, " %d", f.Refused)
	}
	return string(b)
}

// refusals counts what was refused.
func refusals(s *cep.Stats) (n uint64) {
	for _, r := range s.Rules {
		n += r.Refused
	}
	for _, f := range s.Features {
		n += f.Refused
	}
	return n
}

// tight: what a budget refuses depends on the records alone, and without refusals it changes
// nothing.
func (c *lateCase) tight(r *rand.Rand, records []cep.Record, mark, eager *course) *lateFault {
	tight := *c
	tight.budget = int64(1+r.IntN(16)) << 8
	for _, free := range []*course{mark, eager} {
		order := cep.WatermarkOrder
		if free == eager {
			order = cep.EagerOrder
		}
		once := follow(c.set, tight.options(order), records, c.end)
		if n := refusals(&once.stats); n > 0 {
			c.refused++
		} else if order == cep.EagerOrder && !c.inOrder() {
			// An event may be refused only when it is matched again, as its key is no longer
			// known at its place: that is not counted.
		} else if got, want := effectBytes(&once.fx), effectBytes(&free.fx); !bytes.Equal(got, want) {
			return faultf("a budget that refuses nothing changes nothing", "budget %d, order %d\n%s", tight.budget, order, firstDifferent(got, want))
		}
		if fault := tight.again(r, order, records, once); fault != nil {
			return faultf("a budget: "+fault.law, "budget %d, %s", tight.budget, fault.how)
		}
		if fault := tight.freezes(r, order, records, once); fault != nil {
			return faultf("a budget: "+fault.law, "budget %d, %s", tight.budget, fault.how)
		}
	}
	return nil
}
