package nfa

import "time"

// Param is the value of a `$NAME` in a pattern text: a count or a duration.
type Param struct {
	Count    int
	Duration time.Duration
	IsCount  bool
	IsSpan   bool // it is a duration
}

// Parse parses a pattern text. params gives the value of `$NAME`; it may be nil.
// The error is an *Error.
func Parse(text string, params func(name string) (Param, bool)) (*Pattern, error) {
	panic("nfa: being built")
}
