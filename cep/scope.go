package cep

// Scope is what an expression can see.
type Scope struct {
	Event    *Event     // the current event; nil in having, measures, score and message
	Captures Captures   // what the open match has captured, without the current event
	Key      []string   // parts of the key
	Measures []Value    // those computed before
	Lists    *Lists     // nil where the Ruleset has none
	At       *Moment    // in having, measures, score and message: when the match came
	Risks    RiskReader // nil where the Ruleset has no risks
	Again    bool       // others evaluate the same: its errors are not counted again
}

// Feature returns what a Read gives: as of the current event, or of the moment at
// which the match came. It is nil where the rule does not name the Read, where there
// is no such key, and where it is not known at a moment that time brought. The result
// must not be changed.
func (s *Scope) Feature(r ReadID) *Value {
	switch {
	case s.Event != nil:
		return s.Event.Feature(r)
	case s.At != nil:
		return s.At.Features.value(r)
	}
	return &nilValue
}

// Time is the event time as of which lists are looked at: of the current event, or of
// the moment at which the match came.
func (s *Scope) Time() int64 {
	switch {
	case s.Event != nil:
		return s.Event.Time
	case s.At != nil:
		return s.At.Time
	}
	return 0
}

// arrived is the number of the event whose arrival settled what lists say: the current one,
// or the one that completed the match. 0: there is none, lists are looked at as they stand.
func (s *Scope) arrived() uint64 {
	switch {
	case s.Event != nil:
		return s.Event.arrived
	case s.At != nil:
		return s.At.arrived
	}
	return 0
}

// Find looks a value up in a list as of Time, as the list was when the event arrived; in
// what is asked of a match that time brought, as it stands when the match comes: the value of its entry (nil if the entry
// has none), and whether there is one. Text is looked up in lists of text and of
// prefixes, a number in lists of numbers; anything else is in no list. A list of a
// Scope without Lists has no entries.
func (s *Scope) Find(l ListID, v *Value) (Value, bool) {
	if s.Lists == nil {
		return Value{}, false
	}
	return s.Lists.find(l, v, s.Time(), s.arrived())
}
