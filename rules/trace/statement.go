package trace

import (
	"bytes"
	"encoding/json"
)

// Do says what a Statement is about.
type Do string

// What happens to an event that no open match decides.
const (
	Event     Do = "event"      // an event that is offered to the rule under the key
	Late      Do = "late"       // an event of the key that came too late
	Rejected  Do = "rejected"   // a line that is no event, and in which the key stands
	OtherType Do = "other_type" // an event of the key, of a type that the rule is not on
	Unseen    Do = "unseen"     // the rule's where keeps the rule from seeing the event
	NotBegun  Do = "not_begun"  // no match begins with the event as For
)

// What happens to an open match.
const (
	Carried   Do = "carried"   // it was open when the trace began
	Began     Do = "began"     // it begins with the event as For
	Took      Do = "took"      // it is From with the event as For
	Waits     Do = "waits"     // it waits for For until Until
	Passed    Do = "passed"    // it lets the event pass and waits for For as before
	Early     Do = "early"     // the event could be For, which it does not wait for yet (of no match: which cannot begin one)
	TooLate   Do = "too_late"  // the event could be For, for which it waited until Until
	Closed    Do = "closed"    // it no longer waits for For
	Ended     Do = "ended"     // it is no longer open
	Completed Do = "completed" // it is complete
	Refused   Do = "refused"   // it is complete and does not come out
	Held      Do = "held"      // it is complete and waits for the older match By
	CameOut   Do = "out"       // it came out as a match
	RanOut    Do = "ran_out"   // it came out as a time-out
	Alerted   Do = "alerted"   // what came out became an alert
	Silenced  Do = "silenced"  // what came out made no alert, as the throttle is on until Until
)

// Statement says one thing that happened and why. Its JSON names are fixed.
//
// A match keeps its number as it takes events; what splits from it, or goes on from one
// that is complete, has another number and says so by From. Took with the number of From takes
// the place of what that match waited for before; what is said of the match before
// Took at the same event is said of it as it was.
type Statement struct {
	Do     Do     `json:"do"`
	Time   string `json:"time"`            // event time to which time had moved; empty: the end of the input closed all windows
	Event  string `json:"event,omitempty"` // what alerts call the event; empty: time moved on
	Number uint64 `json:"number,omitempty"`

	Match int    `json:"match,omitempty"` // number of the open match
	From  int    `json:"from,omitempty"`
	By    int    `json:"by,omitempty"`   // another match that decided it
	For   string `json:"for,omitempty"`  // a variable of the pattern; of a closing negation `!name`
	Link  string `json:"link,omitempty"` // the link before For in the pattern

	Because string   `json:"because,omitempty"` // of passed, closed, ended, refused, not_begun: as nfa.Why
	Name    string   `json:"name,omitempty"`    // whose condition decided: a name of the pattern, where, unless or having
	Types   []string `json:"types,omitempty"`   // the event is of none of these, which Name asks for
	Key     *string  `json:"key,omitempty"`     // the key that the event has as Name, which is not the one traced; empty: it has none
	Parts   []Part   `json:"parts,omitempty"`   // of the condition, those that decided

	Until string `json:"until,omitempty"` // when it stops or stopped to wait; when the throttle ends; the least time (early); the time of the match
	Bound string `json:"bound,omitempty"` // what ends at Until: within, link or round
	Span  string `json:"span,omitempty"`  // its length

	Captured []Capture `json:"captured,omitempty"` // carried: what it has captured
	Alert    string    `json:"alert,omitempty"`
	Kind     string    `json:"kind,omitempty"` // of the alert
	Score    int       `json:"score,omitempty"`
	Behind   string    `json:"behind,omitempty"` // late, too_late, expired: by how much
	Reason   string    `json:"reason,omitempty"` // rejected: why, with file and line
	Seen     *Seen     `json:"seen,omitempty"`   // event, late, other_type, unseen: what the event is

	limit int64  // Until
	at    int64  // Time
	event string // what people call Event
	typ   string // type of Event
}

// Capture is an event that an open match has captured.
type Capture struct {
	As    string `json:"as"`
	Event string `json:"event"`
	Time  string `json:"time"`

	at    int64
	event string // what people call Event
}

// Part is a piece of a condition with what it gives, as expr.Part.
type Part struct {
	Text   string  `json:"text"`
	Value  string  `json:"value"`
	Values []Value `json:"values,omitempty"` // what it works with
}

// Value is an operand of a Part.
type Value struct {
	Text  string `json:"text"`
	Value string `json:"value"`
}

// Seen is an event as far as the rule looks at it.
type Seen struct {
	Type   string  `json:"type"`
	Time   string  `json:"time"`
	Fields []Field `json:"fields"` // that the rule reads and the event has
}

// Field is a field of an event with its value as JSON.
type Field struct {
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value"`
}

// Step is what happened at one event, or at one moment without an event.
type Step struct {
	Time       int64 // event time; Forever where the end of the input closed all windows
	Statements []Statement
}

// AppendJSON appends the statements of a step, each as a JSON object on a line of its
// own.
func (s *Step) AppendJSON(dst []byte) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for i := range s.Statements {
		if err := enc.Encode(&s.Statements[i]); err != nil {
			panic("trace: a statement has no JSON: " + err.Error())
		}
	}
	return append(dst, b.Bytes()...)
}
