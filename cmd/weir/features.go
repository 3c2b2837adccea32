package main

import "weir/cep"

// featureSummary is what one feature did.
type featureSummary struct {
	Name   string `json:"name"`
	Events uint64 `json:"events"` // that it counted, of all keys
	NoKey  uint64 `json:"no_key"`
	Bound  uint64 `json:"bound"`           // events of keys that had more in the window than are kept exactly
	Rough  uint64 `json:"rough"`           // times that rules read it of such keys
	Faults uint64 `json:"faults"`          // errors of its expressions while they ran; each gave nil
	Fault  string `json:"fault,omitempty"` // the text of one of them
}

// featuresOf says what the features did.
func featuresOf(rules *cep.Ruleset, stats []cep.FeatureStats) []featureSummary {
	var all []featureSummary
	for i, c := range stats {
		f := rules.Features[i]
		faults, fault := f.Faults.Snapshot()
		all = append(all, featureSummary{f.Name, c.Events, c.NoKey, c.Bound, c.Rough, faults, fault})
	}
	return all
}

// featureRows writes what is not as it should be with the features.
func (s *summary) featureRows(row func(name, format string, args ...any)) {
	for _, f := range s.Features {
		if f.Events == 0 && s.Events > 0 {
			row("no value", "%s: no event was counted", f.Name)
		}
		if f.NoKey > 0 {
			row("no key", "%s: %s not counted, as the key is missing, empty, or no text, whole number or bool", f.Name, amount(f.NoKey, "event was", "events were"))
		}
		if f.Rough > 0 {
			row("rough", "%s: %s read of a key with more events in the window than are kept exactly", f.Name, amount(f.Rough, "time it was", "times it was"))
		}
		if f.Faults > 0 {
			row("fault", "%s: %s an expression failed and gave nil, as in %s", f.Name, amount(f.Faults, "time", "times"), f.Fault)
		}
	}
}
