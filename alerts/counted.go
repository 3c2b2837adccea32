package alerts

import "encoding/json"

// Samples is how many alerts beyond the limit of a rule and minute are kept as samples.
const Samples = 10

// Counted is what there is of the alerts of a rule and minute beyond its limit.
type Counted struct {
	Rule    string            `json:"rule"`
	Minute  int64             `json:"-"` // event time at which it begins, nanoseconds since the epoch
	Came    uint64            `json:"came"`
	Stand   uint64            `json:"stand"`   // those that were not retracted, or restored since
	Samples []json.RawMessage `json:"samples"` // the first, at most Samples, as they came
}

// Tally counts the versions of alerts of a rule.
type Tally struct {
	Rule   string
	Stored [4]uint64 // by cep.AlertKind
	Over   [4]uint64 // likewise: counted only, as there were too many
}
