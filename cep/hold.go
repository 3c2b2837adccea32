package cep

import "slices"

// hold says how a rule answers for a key after a match.
type hold struct {
	until int64
	score int
}

// hold begins a hold. Those that say no more than another, and end no later, are
// dropped: what is left ends later the lower its score is.
func (st *ruleState) hold(until int64, score int) {
	for _, h := range st.holds {
		if h.until >= until && h.score >= score {
			return
		}
	}
	st.holds = slices.DeleteFunc(st.holds, func(h hold) bool { return h.until <= until && h.score <= score })
	i, _ := slices.BinarySearchFunc(st.holds, until, func(h hold, t int64) int {
		if h.until < t {
			return -1
		}
		return 1
	})
	st.holds = slices.Insert(st.holds, i, hold{until, score})
}

// held returns the highest score of the holds at t; false: there is none.
func (st *ruleState) held(t int64) (score int, ok bool) {
	for _, h := range st.holds {
		if t < h.until {
			return h.score, true
		}
	}
	return 0, false
}

// let drops the holds that have ended at t.
func (st *ruleState) let(t int64) {
	n := 0
	for n < len(st.holds) && st.holds[n].until <= t {
		n++
	}
	if st.holds = slices.Delete(st.holds, 0, n); len(st.holds) == 0 {
		st.holds = nil
	}
}
