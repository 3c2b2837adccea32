package alerts

import (
	"encoding/json"
	"fmt"

	"weir/cep"
)

// Item is a version of an alert as it is stored.
type Item struct {
	ID       string
	Version  int // from 1
	Kind     cep.AlertKind
	Rule     string // its id
	Revision int
	Severity string
	Score    int // 0..100
	Action   string
	Tags     []string // of the rule
	Shadow   bool
	Key      []Part
	Time     int64  // event time, nanoseconds since the epoch
	Line     []byte // the alert as cep.AppendJSON wrote it, with its message and evidence

	// What stands beside the alert: it does not follow from the log.
	Position   cep.Position // that the commit reached which stored it
	DetectedAt int64        // wall clock when it was stored, nanoseconds since the epoch; 0: unknown, as in a replay
	Unlogged   bool         // the part of the log that it came from was lost

	// Fault says why a stored version cannot be read; empty: it can. Then there is nothing else
	// but Order, and ID where that is known.
	Fault string
	Order uint64 // its place among all that were stored
}

// Part is a part of a key.
type Part struct{ Name, Value string }

// Of gives what there is to store of an alert. line is what cep.AppendJSON wrote of it and
// is not copied.
func Of(a *cep.Alert, line []byte) Item {
	r := a.Rule
	it := Item{
		ID: a.ID, Version: a.Version, Kind: a.Kind,
		Rule: r.ID, Revision: r.Revision, Severity: r.Severity, Score: a.Score, Action: r.Action, Tags: r.Tags, Shadow: r.Shadow,
		Time: a.Time, Line: line,
		Key: make([]Part, len(a.Key)),
	}
	for i, part := range a.Key {
		it.Key[i] = Part{r.Key.Names[i], part}
	}
	return it
}

// AppendJSON appends the alert's own object with what stands beside it at its end:
// "detected_at", null where it is not known, and "unlogged", left out unless it is true.
func (it *Item) AppendJSON(dst []byte) []byte {
	if it.Fault != "" {
		return it.appendFault(dst)
	}
	dst = append(dst, it.Line[:len(it.Line)-1]...)
	dst = append(dst, `,"detected_at":`...)
	if it.DetectedAt == 0 {
		dst = append(dst, "null"...)
	} else {
		dst = append(dst, '"')
		dst = append(dst, cep.FormatTime(it.DetectedAt)...)
		dst = append(dst, '"')
	}
	if it.Unlogged {
		dst = append(dst, `,"unlogged":true`...)
	}
	return append(dst, '}')
}

// AppendHead appends what of the alert has a bounded size: all but its message, measures and
// evidence, with "cut". It is for places that do not take the whole of it.
func (it *Item) AppendHead(to []byte) []byte {
	dst := []byte(`{"id":`)
	dst = cep.AppendJSONString(dst, it.ID)
	dst = fmt.Appendf(dst, `,"version":%d,"kind":"%s","rule":{"id":`, it.Version, it.Kind)
	dst = cep.AppendJSONString(dst, it.Rule)
	dst = fmt.Appendf(dst, `,"revision":%d},"key":{`, it.Revision)
	for i, part := range it.Key {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = cep.AppendJSONString(dst, part.Name)
		dst = append(dst, ':')
		dst = cep.AppendJSONString(dst, part.Value)
	}
	dst = fmt.Appendf(dst, `},"time":"%s","score":%d,"severity":"%s","action":"%s","cut":true}`, cep.FormatTime(it.Time), it.Score, it.Severity, it.Action)
	head := *it
	head.Line = dst
	return head.AppendJSON(to)
}

// appendFault appends what stands for a version that cannot be read.
func (it *Item) appendFault(dst []byte) []byte {
	text, _ := json.Marshal(struct { // texts and a number
		ID    string `json:"id,omitempty"`
		Item  uint64 `json:"item"`
		Error string `json:"error"`
	}{it.ID, it.Order, it.Fault})
	return append(dst, text...)
}

// MarshalJSON is AppendJSON.
func (it *Item) MarshalJSON() ([]byte, error) { return it.AppendJSON(nil), nil }
