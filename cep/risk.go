package cep

import "weir/cep/outcome"

// RiskID numbers the risks of a Ruleset.
type RiskID int32

// NamedRisk is a sum of scores of matches that fades, of each key. Each rule whose
// Key.Names are Key adds to it, and may look at it (Scope.Risk).
type NamedRisk struct {
	Name string
	Key  []string
	Risk outcome.Risk
}

// RiskReader says what the risks of a key are.
type RiskReader interface {
	Risk(RiskID) float64
}

// Risk returns a risk of the rule's key, as the matches of earlier events left it: 0 if
// there were none, nil where the Scope has no RiskReader.
func (s *Scope) Risk(r RiskID) Value {
	if s.Risks == nil {
		return Value{}
	}
	return NumberValue(s.Risks.Risk(r))
}
