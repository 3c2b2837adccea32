package cep

import "weir/nfa"

// recount takes back what machines have counted of bounds where keys are only taken back and
// forth: what is counted then has been counted before.
type recount struct {
	depth int // of begins without an end
	was   []counted
}

// counted is what the machine of a rule had counted before a step.
type counted struct {
	rule   int32
	counts nfa.Counts
}

// mostCounted bounds the memory that is kept from one time for the next.
const mostCounted = 1 << 12

// begin says that what is counted until end does not count.
func (c *recount) begin() (from int) {
	c.depth++
	return len(c.was)
}

// note comes before each step of the machine of a rule.
func (c *recount) note(rule int32, m *nfa.Machine) {
	if c.depth > 0 {
		c.was = append(c.was, counted{rule, m.Counts})
	}
}

// end takes back what has been counted since the begin that gave from.
func (c *recount) end(from int, machines []*nfa.Machine) {
	for i := len(c.was) - 1; i >= from; i-- {
		machines[c.was[i].rule].Counts = c.was[i].counts
	}
	c.depth--
	if c.was = c.was[:from]; from == 0 && cap(c.was) > mostCounted {
		c.was = nil
	}
}
