package state

import (
	"testing"

	"weir/cep"
)

func TestCommitted(t *testing.T) {
	s := opened(t, t.TempDir()+"/data", Options{})
	rule := ruleOf("r")
	at := func(incarnation, sequence uint64) cep.Position {
		return cep.Position{Incarnation: incarnation, Sequence: sequence}
	}
	commit(t, s, commitOf(at(1, 5), alertOf(rule, 1, 1, cep.MatchAlert)))
	strays := commitOf(at(1, 9))
	strays.Effects.Late = []cep.Late{{Raw: "x"}}
	commit(t, s, strays)
	commit(t, s, commitOf(at(1, 20), alertOf(rule, 2, 1, cep.MatchAlert)))
	commit(t, s, commitOf(at(2, 7), alertOf(rule, 3, 1, cep.MatchAlert)))
	for _, test := range []struct{ of, want cep.Position }{
		{at(1, 4), at(1, 0)},
		{at(1, 5), at(1, 5)},
		{at(1, 8), at(1, 5)},
		{at(1, 19), at(1, 9)},
		{at(1, 30), at(1, 20)},
		{at(2, 6), at(2, 0)},
		{at(2, 7), at(2, 7)},
	} {
		if got, err := s.Committed(test.of); err != nil || got != test.want {
			t.Errorf("up to %v: %v, want %v; %v", test.of, got, test.want, err)
		}
	}
}
