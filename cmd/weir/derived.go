package main

import (
	"slices"

	"weir/cep"
)

// derivedFault is a derived field whose expression failed.
type derivedFault struct {
	Type   string `json:"type"`
	Field  string `json:"field"`
	Faults uint64 `json:"faults"` // errors of its expression while it ran; each gave nil
	Fault  string `json:"fault"`  // the text of one of them
}

// derivedFaults lists the derived fields whose expressions failed, by event type.
func derivedFaults(rules *cep.Ruleset) []derivedFault {
	var list []derivedFault
	for _, t := range rules.Types {
		for _, d := range t.Derived {
			if n, text := d.Faults.Snapshot(); n > 0 {
				list = append(list, derivedFault{t.Name, rules.Fields[d.Field], n, text})
			}
		}
	}
	return list
}

// ofMatches reports whether only the matches of rules, which are read as events, are known
// to have a field: no event is missing it.
func ofMatches(rules *cep.Ruleset, field string) bool {
	known := false
	for _, t := range rules.Types {
		if s := t.Schema; s != nil {
			if _, ok := s.Fields[field]; ok {
				return false
			}
		}
		if r := t.Alert; r != nil {
			known = known || field == "score" || field == "severity" || slices.Contains(r.Key.Names, field) ||
				slices.ContainsFunc(r.Measures, func(m cep.Measure) bool { return m.Name == field })
		}
	}
	return known
}
