package cep

import (
	"cmp"
	"slices"

	"weir/nfa"
)

const (
	// mostMisses is the number of latest examples that are kept of each step of a rule.
	mostMisses = 20

	// mostCaught is the number of captured events that an example keeps, the latest.
	mostCaught = 50
)

// Ending says how an open match ended.
type Ending uint8

const (
	EndMatched  Ending = iota // it was a match, whether `having` and `skip` let it come out or not
	EndRanOut                 // all that it waited for ran out
	EndInside                 // likewise, but it began with an event of the one that ran out before it under the key, and got no further
	EndInput                  // EndRecord closed a window that was open still
	EndNegated                // an event came that must not
	EndNotNext                // the very next event was another one, or came too early
	EndUntil                  // an `until` ended its loop
	EndLoop                   // a greedy loop that it had left took the event
	EndUnless                 // the rule's `unless` held
	EndConsumed               // another match consumed it
	EndBound                  // the bound on open matches, or on captures, was reached

	Endings = iota // how many there are
)

func (e Ending) String() string {
	return [...]string{"matched", "ran_out", "inside", "input_ended", "negated", "not_next", "until", "loop", "unless", "consumed", "bound"}[e]
}

// endingOf is how a match ended, in the words of package nfa.
func endingOf(why nfa.Why) Ending {
	switch why {
	case nfa.Finished:
		return EndMatched
	case nfa.Expired:
		return EndRanOut
	case nfa.Negated:
		return EndNegated
	case nfa.UntilHeld, nfa.Stopped:
		return EndUntil
	case nfa.Greedy:
		return EndLoop
	case nfa.UnlessHeld:
		return EndUnless
	case nfa.Consumed:
		return EndConsumed
	case nfa.OpenBound, nfa.CaptureBound:
		return EndBound
	}
	return EndNotNext
}

// StepCounts says what open matches did at a step of a rule. One that another went on
// from counts no more: of all steps together as many began or split off as have ended or
// are open (StepMisses.Open).
type StepCounts struct {
	Began   uint64          // matches that began here
	Split   uint64          // those that went on here from one that another had gone on from before
	Reached uint64          // those that came here from another step, or began
	Ended   [Endings]uint64 // those that ended here
}

// counters lists what c counts: began, split, reached, then how they ended.
func (c *StepCounts) counters() [3 + Endings]*uint64 {
	all := [3 + Endings]*uint64{&c.Began, &c.Split, &c.Reached}
	for i := range c.Ended {
		all[3+i] = &c.Ended[i]
	}
	return all
}

// RuleMisses says how far the open matches of a rule got.
type RuleMisses struct {
	Rule  *Rule
	Steps []StepMisses // as Rule.Program.Steps has them
}

// StepMisses says what became of the open matches that got to a step and no further.
type StepMisses struct {
	nfa.Step
	StepCounts
	Open   uint64 // that stand here
	Latest []Miss // the latest 20 that ran out here: by when they did, then by key, the last at the end
}

// Miss is an open match that ran out.
type Miss struct {
	Key      []string
	Began    int64  // event time of the first event that it captured, in nanoseconds since the epoch
	At       int64  // when all that it waited for had run out
	Size     int    // how many events it had captured
	Captured []Seen // the latest 50 of them, in order
	Waited   []int  // for these of Rule.Names

	// Before is the latest event of the key after the last captured that came before At,
	// that the rule saw, and that by its type could have been what was waited for, but was
	// not.
	Before Seen
	// After is the first event of the key from At on that would have been what was waited
	// for, so far. It is looked for as long after At as the match had been open by then,
	// while the miss is among the latest 20.
	After Seen
}

// Seen is an event that a Miss names.
type Seen struct {
	Var  int    // index in Rule.Names: what it was captured as, or could have been
	Time int64  // event time, nanoseconds since the epoch
	Name string // as alerts call it; empty: there is no such event
}

// compare orders misses of one step by when they ran out, then by key, then by what they
// had captured.
func (m *Miss) compare(o *Miss) int {
	return cmp.Or(
		cmp.Compare(m.At, o.At), slices.Compare(m.Key, o.Key), cmp.Compare(m.Began, o.Began),
		slices.CompareFunc(m.Captured, o.Captured, Seen.compare),
	)
}

func (s Seen) compare(o Seen) int {
	return cmp.Or(cmp.Compare(s.Time, o.Time), cmp.Compare(s.Name, o.Name))
}

// NearMisses says of each rule with open matches how far these got, by rule; with
// EagerOrder as if no event came any more before those that have come. Options must have
// NearMisses. It looks at every open match, and with EagerOrder at every event that one
// to come can precede.
func (g *Engine) NearMisses() []RuleMisses {
	all := []RuleMisses{}
	fates, _ := g.fates(false)
	for i, r := range g.rs.Rules {
		if !r.counted() {
			continue
		}
		steps := make([]StepMisses, len(r.Program.Steps()))
		for k, step := range r.Program.Steps() {
			steps[k].Step, steps[k].StepCounts = step, fates[i][k].StepCounts
			for _, x := range fates[i][k].latest {
				steps[k].Latest = append(steps[k].Latest, x.Miss)
			}
		}
		for _, s := range g.layers[r.Layer].shards {
			s.eachOpen(int32(i), func(step int) { steps[step].Open++ })
		}
		all = append(all, RuleMisses{r, steps})
	}
	return all
}

// eachOpen calls visit with the step of every open match of a rule that counts.
func (s *shard) eachOpen(rule int32, visit func(step int)) {
	for _, ks := range s.tables[s.plan.home[rule]] {
		if st := ks.state(rule); st != nil {
			s.plan.rs.Rules[rule].Program.EachOpen(&st.runs, visit)
		}
	}
}
