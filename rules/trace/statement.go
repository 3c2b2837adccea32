package trace

import (
	"bytes"
	"encoding/json"
	"fmt"

	"weir/cep"
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
	Answered  Do = "answered"   // the rule holds until Until, and answers for the event with Action and Score
	NotBegun  Do = "not_begun"  // no match begins with the event as For
	Duplicate Do = "duplicate"  // an event of the key that came once more: its id and line are those of one before
	Conflict  Do = "conflict"   // an event of the key with the id of one before and another line
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
	Repeated  Do = "repeated"  // what came out made no alert, as the event before that the rule saw was a match too (edge)
)

// What happens where a rule matches when a window ends.
const (
	Window Do = "window" // one of the feature Of, from Since to Until, has ended: a match, unless Because says why not
)

// Statement says one thing that happened and why. Its JSON names are fixed. Time, Until,
// Span, Behind and Missing are filled in by AppendJSON.
//
// A match keeps its number as it takes events; what splits from it, or goes on from one
// that is complete, has another number and says so by From. What is said of a match
// before a Took from it at the same event is said of it as it was; a Took whose From is
// its own number takes the place of what it waited for before.
type Statement struct {
	Do     Do     `json:"do"`
	Time   string `json:"time"`            // event time to which time had moved; empty: the end of the input closed all windows
	Event  string `json:"event,omitempty"` // what alerts call the event; empty: time did it
	Number uint64 `json:"number,omitempty"`

	Match int    `json:"match,omitempty"` // number of the open match
	From  int    `json:"from,omitempty"`
	By    int    `json:"by,omitempty"`   // another match that decided it
	For   string `json:"for,omitempty"`  // a variable of the pattern; of a closing negation `!name`
	Link  string `json:"link,omitempty"` // the link before For in the pattern

	Because string   `json:"because,omitempty"` // of passed, closed, ended, refused, not_begun, window: as nfa.Why
	Name    string   `json:"name,omitempty"`    // whose condition decided: a name of the pattern, where, unless or having
	Types   []string `json:"types,omitempty"`   // the event is of none of these, which Name asks for
	Key     *string  `json:"key,omitempty"`     // the key that the event has as Name, which is not the one traced; empty: it has none
	Parts   []Part   `json:"parts,omitempty"`   // of the condition, those that decided

	Features []Reading `json:"features,omitempty"` // of event what the conditions of the rule read; of a match what is asked of it reads
	Risks    []Reading `json:"risks,omitempty"`    // likewise

	Of    string `json:"of,omitempty"`    // window: the feature
	Since string `json:"since,omitempty"` // window: when it began

	Until string `json:"until,omitempty"` // when it stops or stopped to wait; when the throttle, the hold or the window ends; the least time (early); the time of the match
	Bound string `json:"bound,omitempty"` // what ends at Until: within, link or round
	Span  string `json:"span,omitempty"`  // its length

	Captured []Capture `json:"captured,omitempty"` // carried: what it has captured
	Missing  []Run     `json:"missing,omitempty"`  // began, took, carried: the fewest events that it lacks
	Alert    string    `json:"alert,omitempty"`
	Kind     string    `json:"kind,omitempty"`   // of the alert
	Score    int       `json:"score,omitempty"`  // of the alert, or of the hold that answers
	Action   string    `json:"action,omitempty"` // answered: of the rule
	Behind   string    `json:"behind,omitempty"` // late, too_late, expired: by how much
	Reason   string    `json:"reason,omitempty"` // rejected: why, with file and line
	Seen     *Seen     `json:"seen,omitempty"`   // event, late, duplicate, conflict, other_type, unseen: what the event is

	of, from, by *match
	way          *way       // to For
	rest         int        // passed: so many matches beside those of which it is said one by one
	reads        bool       // it depends on what was captured
	keyField     string     // from which Key is read
	besides      *Statement // closed, greedy: why the event would not have fitted anyway
	event        *event     // that Event is
	at           int64      // Time
	since        ns         // Since
	limit        ns         // Until
	span         ns         // Span
	behind       ns         // Behind
}

// ns is a time or a length of time in nanoseconds that need not be known.
type ns struct {
	known bool
	n     int64
}

// event is an event as people and alerts call it.
type event struct {
	id     string // what alerts call it
	called string // its id, or which event of the input it is
	typ    string
	number uint64 // of a match the number of the event that brought it, 0 if time did
	place  uint64 // tells it apart from others
	match  bool   // it is the match of a rule
	at     int64
}

// place tells the event of a statement apart from others; 0: time did it.
func (s *Statement) place() uint64 {
	if s.event == nil {
		return 0
	}
	return s.event.place
}

// spell fills in what is written for programs alone.
func (s *Statement) spell() {
	if s.at != Forever {
		s.Time = cep.FormatTime(s.at)
	}
	if s.since.known {
		s.Since = cep.FormatTime(s.since.n)
	}
	if s.limit.known && s.limit.n != Forever {
		s.Until = cep.FormatTime(s.limit.n)
	}
	if s.span.known {
		s.Span = span(s.span.n)
	}
	if s.behind.known {
		s.Behind = span(s.behind.n)
	}
	if s.Do == Began || s.Do == Took || s.Do == Carried {
		s.Missing = s.of.lacks()
	}
}

// Capture is an event that an open match has captured.
type Capture struct {
	As    string `json:"as"`
	Event string `json:"event"`
	Time  string `json:"time"`
}

// Run says how many events of a variable follow each other.
type Run struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
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

	number int            // from 1
	events int            // offered to the rule so far
	open   map[int]*match // those that are open or held after it
	gone   []*match       // those that have ended, or have been held and are not
}

// Event is the number of the event of the step among those that came; 0: it is a match, or
// time did the step.
func (s *Step) Event() uint64 {
	if e := s.Statements[0].event; e != nil && !e.match {
		return e.number
	}
	return 0
}

// lead sets to what a match goes on, or would.
func (s *Statement) lead(w *way) {
	if w != nil {
		s.way, s.For, s.Link = w, w.to, w.link
	}
}

// because sets why a condition holds or does not, and reports whether it holds.
func (s *Statement) because(c *condition, scope *cep.Scope) bool {
	f := c.find(scope)
	s.Parts, s.Types, s.Key, s.keyField, s.reads = f.parts, f.types, f.key, c.fieldName, c.captures
	return f.holds
}

// keepStatement copies a statement of a step, which is valid during the step alone.
func keepStatement(s *Statement) *Statement {
	c := *s
	c.of, c.from = nil, nil
	return &c
}

// AppendJSON appends the statements of a step, each as a JSON object on a line of its
// own.
func (s *Step) AppendJSON(dst []byte) []byte {
	for i := range s.Statements {
		st := s.Statements[i]
		st.spell()
		dst = appendJSON(dst, &st)
	}
	return dst
}

// appendJSON appends v, of a type of this package, as JSON on a line of its own.
func appendJSON(dst []byte, v any) []byte {
	b := bytes.NewBuffer(dst)
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(fmt.Sprintf("trace: %T has no JSON: %v", v, err))
	}
	return b.Bytes()
}
