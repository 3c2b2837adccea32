package cep

import "weir/cep/outcome"

// Decision is what the rules that matched on an event, or hold on it, come to. Shadow
// rules take no part.
type Decision struct {
	Event   Named
	Time    int64 // event time, nanoseconds since the epoch
	Place   uint64
	Score   int            // combined, 0 to 100
	Action  outcome.Action // the strictest of the rules' and of what follows from the score
	Reasons []Reason       // the strictest action first, then the highest score, then by rule
}

// Named is what an event is called.
type Named struct {
	Type string
	Name string // its declared id, or a hash of its line and how often it stood before
}

// Reason is a rule in a Decision, all its matches and holds on the event taken
// together.
type Reason struct {
	outcome.Reason
	Message  string  // of the match with the highest score; empty where there are holds alone
	Measures []Value // likewise, by Rule.Measures; nil where there are holds alone
	Of       *Rule
	Alerts   []string // ids of the alerts that its matches made
}
