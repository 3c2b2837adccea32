package cep

// Stats counts what an Engine has done since it was made; a restored one goes on
// counting.
type Stats struct {
	Events   uint64         // accepted: neither late, rejected nor known by their id
	Late     uint64         // older than lateness allows
	Rejected uint64         // lines that are no events
	Types    []uint64       // by TypeID: accepted events
	Other    uint64         // accepted events of types that the Ruleset does not name
	Fields   []bool         // by FieldID: some accepted event had a value there
	Rules    []RuleStats    // by rule
	Features []FeatureStats // by Ruleset.Features
	Refused  uint64         // changes of lists that were not made

	Duplicates uint64 // events with the type, id and line of one before: not matched
	Conflicts  uint64 // events with the type and id of one before, and another line: not matched
	Unchecked  uint64 // ids that were forgotten before their time, as there were too many: if they came again nobody would know
	OutOfOrder Lags   // accepted events that came after a later one
	LateBy     Lags   // late events
	Repairs    Repairs
	State      StateStats
}

// Repairs counts what was put right in EagerOrder: as an event came late, or what time
// brought stood before events that had been matched.
type Repairs struct {
	Applied   uint64 // how often an event was matched again under a key
	Retracted uint64 // alerts, as often as they were: RuleStats.Retracted of all rules
	Restored  uint64 // likewise
	HeldBack  uint64 // times that a key began to hold its events back until the watermark
}

// FeatureStats counts for one feature.
type FeatureStats struct {
	Events uint64 // counted, of all keys
	NoKey  uint64 // of its types, without a key
	Bound  uint64 // counted of keys that had more events or values in the window than are kept exactly
	Rough  uint64 // reads by rules that such keys made inexact

	Refused uint64 // not counted, as the feature was closed to new keys (Options.Budget)
}

// counters lists what a counts, in the order of its fields.
func (a *FeatureStats) counters() [5]*uint64 {
	return [...]*uint64{&a.Events, &a.NoKey, &a.Bound, &a.Rough, &a.Refused}
}

func (a *FeatureStats) add(b *FeatureStats) {
	more := b.counters()
	for i, n := range a.counters() {
		*n += *more[i]
	}
}

// RuleStats counts for one rule. In EagerOrder a match that is none any more, as a late event
// came, is not counted any more: Alerts and Timeouts are those that stand. So many as those
// and Retracted, less Restored, have come out as new, but for what the watermark has not
// passed.
type RuleStats struct {
	Matches    uint64 // completed matches, silenced ones too
	Alerts     uint64 // alerts of kind match
	Timeouts   uint64 // alerts of kind timeout
	Suppressed uint64 // matches that its throttle silenced
	NoKey      uint64 // events of its types that had no key
	OpenBound  uint64 // events at which the bound on open matches kept one from starting or splitting
	LoopBound  uint64 // captures after which the bound on captures ended a loop
	SkipMisses uint64 // matches whose skip variable had captured nothing
	Holds      uint64 // events for which a hold answered
	Retracted  uint64 // alerts that were retracted, as often as they were
	Restored   uint64 // and restored
	Refused    uint64 // events, and ends of windows, that could have been or begun a match, when they first came, under a key to which the rule was closed (Options.Budget)
}

// counters lists what a counts, in the order of its fields.
func (a *RuleStats) counters() [12]*uint64 {
	return [...]*uint64{
		&a.Matches, &a.Alerts, &a.Timeouts, &a.Suppressed, &a.NoKey, &a.OpenBound, &a.LoopBound, &a.SkipMisses, &a.Holds,
		&a.Retracted, &a.Restored, &a.Refused,
	}
}

func (a *RuleStats) add(b *RuleStats) {
	more := b.counters()
	for i, n := range a.counters() {
		*n += *more[i]
	}
}

// addTo adds what the shard counted.
func (s *shard) addTo(rules []RuleStats) {
	for i := range s.stats {
		rules[i].add(&s.stats[i])
		if m := s.machines[i]; m != nil {
			rules[i].OpenBound += uint64(m.Counts.Open)
			rules[i].LoopBound += uint64(m.Counts.Captures)
			rules[i].SkipMisses += uint64(m.Counts.SkipMisses)
		}
	}
	for t := range s.noKey {
		for i, n := range s.noKey[t] {
			for _, rule := range s.plan.offers[t][i].rules {
				rules[rule].NoKey += n
			}
		}
	}
}

// turn counts an alert that comes out as a version of a kind.
func (a *RuleStats) turn(kind AlertKind) {
	switch kind {
	case RetractedAlert:
		a.Retracted++
	case RestoredAlert:
		a.Restored++
	}
}

// repairs adds up what was repaired, also by what rules have counted.
func (g *Engine) repairs(rules []RuleStats) Repairs {
	sum := Repairs{Applied: g.applied, HeldBack: g.heldBack}
	if g.eager() {
		for s := range g.shards {
			sum.Applied += s.eager.applied
			sum.HeldBack += s.eager.heldBack
		}
	}
	for i := range rules {
		sum.Retracted += rules[i].Retracted
		sum.Restored += rules[i].Restored
	}
	return sum
}
