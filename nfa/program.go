package nfa

import "time"

// Time is event time in nanoseconds since the epoch.
type Time = int64

// Event is the number of an event in processing order. It says nothing else.
type Event uint64

// Cond is the number of a condition: of a name of the pattern (its index in
// Pattern.Names), or Program.Unless or Program.Having.
type Cond int32

// SkipKind says what a match consumes.
type SkipKind uint8

const (
	SkipPastLast SkipKind = iota // what began up to its last event
	SkipNone                     // nothing
	SkipToNext                   // what began with its first event
	SkipToFirst                  // what began before the first event of Skip.Var
	SkipToLast                   // what began before the last event of Skip.Var
)

// Options are the parts of a rule beside the pattern text that decide what
// matches.
type Options struct {
	Within  time.Duration // 0: none
	Gap     time.Duration // bound on every link that has none; 0: none
	Skip    SkipKind
	SkipVar string // for SkipToFirst and SkipToLast
	InOrder bool   // hold a match until no older open match is left
	Timeout bool   // open matches that ran out come out too
	Unless  bool   // there is a condition that ends every open match of the key
	Having  bool   // there is a condition on completed matches
	MaxOpen int    // open matches per key; 0: 10,000
}

// Program is a compiled pattern. It is immutable.
type Program struct {
	Names  []Name
	Unless Cond // -1: none
	Having Cond // -1: none
}

// Judge answers for conditions on the current event.
type Judge interface {
	// May says whether c could hold on the current event for some captures:
	// false means that Holds is false whatever was captured.
	May(c Cond) bool
	// Holds says whether c holds on the current event for an open match that
	// has captured caps so far (for Program.Having: for a completed match, and
	// there need not be a current event).
	Holds(c Cond, caps Captures) bool
}

// Captures are the events that a match has captured, a view into Runs. It is
// valid until the Runs are stepped again.
type Captures struct{}

// Compile makes the program of a pattern.
func Compile(p *Pattern, o Options) (*Program, error) { panic("nfa: being built") }
