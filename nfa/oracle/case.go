package oracle

// Kinds are the kinds of events in generated cases.
const Kinds = "abcxz"

// Sample is an event of a generated case.
type Sample struct {
	Time  int64 // nanoseconds
	Kind  int   // index in Kinds
	Value int
}

// Cond is a condition of a generated case: it holds on some kinds of events, and,
// if Rises, only on values greater than that of the last event that variable
// Above captured, if it has captured any.
type Cond struct {
	Kinds uint8 // bit k: it may hold on Kinds[k]
	Rises bool
	Above int
}

// Case is a generated rule with what its conditions are and events to run it on.
type Case struct {
	Rule        Rule
	Conds       []Cond // by number of the name
	Unless      Cond
	HavingVar   int // Having: this variable has captured
	HavingLeast int // at least as many events
	Events      []Sample
	End         int64 // the time reached at the end
}

// May says whether the condition of a name, or Unless, could hold on an event,
// whatever was captured.
func (c *Case) May(cond, event int) bool {
	return c.cond(cond).Kinds>>c.Events[event].Kind&1 != 0
}

func (c *Case) cond(cond int) Cond {
	if cond == Unless {
		return c.Unless
	}
	return c.Conds[cond]
}

// Holds judges the conditions of the case.
func (c *Case) Holds(cond, event int, caps [][]int) bool {
	if cond == Having {
		return len(caps[c.HavingVar]) >= c.HavingLeast
	}
	if !c.May(cond, event) {
		return false
	}
	d := c.cond(cond)
	if !d.Rises || len(caps[d.Above]) == 0 {
		return true
	}
	above := caps[d.Above]
	return c.Events[event].Value > c.Events[above[len(above)-1]].Value
}

// Times returns the events as the evaluator takes them.
func (c *Case) Times() []Event {
	times := make([]Event, len(c.Events))
	for i, e := range c.Events {
		times[i].Time = e.Time
	}
	return times
}

// Matches returns the matches of the case.
func (c *Case) Matches() []Match { return Matches(c.Rule, c.Times(), c.End, c.Holds) }

// Splitmix is the splitmix64 generator. Its zero value may be used; the state is
// the seed.
type Splitmix uint64

// Next returns the next 64 bits.
func (s *Splitmix) Next() uint64 {
	*s += 0x9e3779b97f4a7c15
	z := uint64(*s)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Below returns a number from 0 to n-1.
func (s *Splitmix) Below(n int) int { return int(s.Next() % uint64(n)) }

// percent is true p times in a hundred.
func (s *Splitmix) percent(p int) bool { return s.Below(100) < p }
