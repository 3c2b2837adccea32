package cep

import "weir/nfa"

// spare is memory of keys that hold nothing any more, for keys to come. What has
// grown large is left to the garbage collector.
type spare struct {
	keys   []*keyState
	runs   []nfa.Runs
	states []*saved
	images []*image
}

const (
	mostSpare  = 1024 // of each kind
	smallSpare = 32   // rules, events or captures up to which memory is worth keeping
)

// key returns an empty keyState.
func (s *spare) key() *keyState {
	if n := len(s.keys); n > 0 {
		ks := s.keys[n-1]
		s.keys = s.keys[:n-1]
		return ks
	}
	return new(keyState)
}

// putKey takes a keyState that is in no table.
func (s *spare) putKey(ks *keyState) {
	s.differs(ks)
	if len(s.keys) == mostSpare || cap(ks.rules) > smallSpare || cap(ks.events) > smallSpare {
		return
	}
	clear(ks.events)
	ks.rules, ks.events, ks.text, ks.count = ks.rules[:0], ks.events[:0], "", 0
	clear(ks.parts)
	s.keys = append(s.keys, ks)
}

// differs notes that what is kept of a key is no more what was saved of it last, if it was.
func (s *spare) differs(ks *keyState) {
	if ks.same != nil {
		s.leave(ks.same)
		ks.same = nil
	}
}

// open returns empty Runs.
func (s *spare) open() nfa.Runs {
	if n := len(s.runs); n > 0 {
		r := s.runs[n-1]
		s.runs[n-1] = nfa.Runs{}
		s.runs = s.runs[:n-1]
		return r
	}
	return nfa.Runs{}
}

// putRuns takes the Runs of a rule, which are empty.
func (s *spare) putRuns(st *ruleState) {
	if len(s.runs) < mostSpare && st.most > 0 && st.most <= smallSpare {
		st.runs.Reset()
		s.runs = append(s.runs, st.runs)
	}
	st.runs, st.most, st.sums, st.near = nfa.Runs{}, 0, nil, nil
}
