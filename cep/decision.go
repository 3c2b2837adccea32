package cep

import (
	"strconv"

	"weir/cep/outcome"
)

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

// AppendDecisionJSON appends d as one JSON object, without a line break. Equal decisions
// give equal bytes. "alerts" has the ids of the alerts that were made, in the order of
// the reasons. What a reason does not have is left out: message, measures, hold.
func AppendDecisionJSON(dst []byte, d *Decision) []byte {
	dst = append(dst, `{"event_id":`...)
	dst = AppendJSONString(dst, d.Event.Name)
	dst = append(dst, `,"type":`...)
	dst = AppendJSONString(dst, d.Event.Type)
	dst = append(dst, `,"time":"`...)
	dst = append(dst, FormatTime(d.Time)...)
	dst = append(dst, '"')
	dst = appendVerdict(dst, d.Score, d.Action)
	dst = append(dst, `,"reasons":[`...)
	for i := range d.Reasons {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = d.Reasons[i].appendJSON(dst)
	}
	dst = append(dst, `],"alerts":[`...)
	first := true
	for i := range d.Reasons {
		for _, id := range d.Reasons[i].Alerts {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = AppendJSONString(dst, id)
		}
	}
	return append(dst, ']', '}')
}

func (r *Reason) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"rule":`...)
	dst = AppendJSONString(dst, r.Rule)
	dst = append(dst, `,"revision":`...)
	dst = strconv.AppendInt(dst, int64(r.Revision), 10)
	dst = appendVerdict(dst, r.Score, r.Action)
	if r.Message != "" {
		dst = append(dst, `,"message":`...)
		dst = AppendJSONString(dst, r.Message)
	}
	dst = appendMeasures(dst, r.Of, r.Measures)
	if r.Hold {
		dst = append(dst, `,"hold":true`...)
	}
	return append(dst, '}')
}

func appendVerdict(dst []byte, score int, action outcome.Action) []byte {
	dst = append(dst, `,"score":`...)
	dst = strconv.AppendInt(dst, int64(score), 10)
	dst = append(dst, `,"action":`...)
	return AppendJSONString(dst, action.String())
}
