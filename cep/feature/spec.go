package feature

import (
	"fmt"
	"strings"
	"time"
)

// Value is what a feature computes of the events in its window.
type Value uint8

const (
	Count     Value = iota // number of events
	Sum                    // sum of numbers
	Mean                   // their mean
	Min                    // least number, time or duration
	Max                    // greatest
	Stddev                 // standard deviation of the population of numbers
	Distinct               // how many different values
	First                  // the first value
	Last                   // the last
	Quantile               // quantile of numbers, linear between closest ranks
	Rate                   // events per second over the window
	Seen                   // whether a value occurred before
	SinceLast              // duration since the event before
)

var valueNames = [...]string{"count", "sum", "mean", "min", "max", "stddev", "distinct", "first", "last", "quantile", "rate", "seen", "since_last"}

// ParseValue finds the Value of a name of the language.
func ParseValue(name string) (Value, bool) {
	for v, n := range valueNames {
		if n == name {
			return Value(v), true
		}
	}
	return 0, false
}

func (v Value) String() string { return valueNames[v] }

// readsBefore reports whether a feature of this value is read before the event is
// added.
func (v Value) readsBefore() bool { return v == Seen || v == SinceLast }

// Shape is the kind of a window.
type Shape uint8

const (
	Sliding  Shape = iota // the last Size up to the event, its old end not in it
	Forever               // all events
	Tumbling              // one window after the other
	Hopping               // windows of Size that begin every Every
	Session               // events less than Size apart
)

var shapeNames = [...]string{"over", "over: forever", "tumbling", "hopping", "session"}

func (s Shape) String() string { return shapeNames[s] }

// Window says which events a feature looks at. Lengths are nanoseconds.
type Window struct {
	Shape  Shape
	Size   int64          // Sliding, Tumbling, Hopping: its length; Session: the gap that ends it
	Every  int64          // Hopping: how far apart windows begin
	Offset int64          // Tumbling, Hopping: how far they begin after the epoch, or after midnight in Zone, by its clocks
	Zone   *time.Location // Tumbling, Hopping: windows are whole days of its calendar; nil: they are counted from the epoch
}

// Spec is one feature.
type Spec struct {
	Value          Value
	Q              float64 // Quantile: which, from 0 to 1
	Approx         bool    // Distinct, Quantile: estimated where there are many values
	Window         Window
	ExcludeCurrent bool  // Sliding, Forever: the event that reads is not counted: the feature is read before it is added
	Resolution     int64 // Sliding: the old end moves in steps of so many nanoseconds; 0: with every event
	Closes         bool  // Tumbling, Session: Close reports its windows when they end
}

// MaxSize is the greatest length of a window in nanoseconds, 3,660 days: with times
// of the years 1700 to 2199 nothing runs over.
const MaxSize = 3660 * day

const day = int64(24 * time.Hour)

// Fault says what is wrong with a part of a Spec.
type Fault struct {
	Part   string // the word of the language: value, q, approx, over, tumbling, hopping, session, every, offset, timezone, exclude_current, resolution, window_close
	Reason string // a sentence without a full stop that says what was expected
}

func (f Fault) Error() string { return f.Part + ": " + f.Reason }

// Check finds what is wrong with s. A Spec without faults goes into a Plan.
func (s *Spec) Check() []Fault {
	c := checker{s: s}
	if int(s.Value) >= len(valueNames) || int(s.Window.Shape) >= len(shapeNames) {
		c.fault("value", "the feature has no known value and window")
		return c.faults
	}
	c.value()
	c.window()
	c.options()
	return c.faults
}

type checker struct {
	s      *Spec
	faults []Fault
}

func (c *checker) fault(part, format string, args ...any) {
	c.faults = append(c.faults, Fault{part, fmt.Sprintf(format, args...)})
}

func (c *checker) value() {
	s := c.s
	switch {
	case s.Value == Quantile && !(s.Q >= 0 && s.Q <= 1):
		c.fault("q", "a quantile is a number from 0 to 1, not %v", s.Q)
	case s.Value != Quantile && s.Q != 0:
		c.fault("q", "%s takes no quantile", s.Value)
	}
	if s.Approx && s.Value != Distinct && s.Value != Quantile {
		c.fault("approx", "%s is always exact: only distinct and quantile may be approximate", s.Value)
	}
	switch {
	case s.Value == Rate && s.Window.Shape != Sliding:
		c.fault(c.part(), "rate is per second of a sliding window: it goes with a length after `over` only")
	case s.Window.Shape == Forever && (s.Value == Distinct || s.Value == Quantile || s.Value == Seen):
		c.fault("over", "%s would keep every value forever: give `over` a length", s.Value)
	}
}

// part is the word that the window is written with.
func (c *checker) part() string {
	word, _, _ := strings.Cut(c.s.Window.Shape.String(), ":")
	return word
}

func (c *checker) window() {
	w := &c.s.Window
	if w.Shape == Forever {
		if w.Size != 0 {
			c.fault("over", "forever has no length")
		}
	} else if w.Size <= 0 || w.Size > MaxSize {
		c.fault(c.part(), "the length of a window is more than 0 and at most %d days", MaxSize/day)
		return
	}
	switch {
	case w.Shape == Hopping && (w.Every <= 0 || w.Every > w.Size):
		c.fault("every", "windows begin every so often that no event falls between them: more than 0 and at most their size")
	case w.Shape != Hopping && w.Every != 0:
		c.fault("every", "only hopping windows have it")
	}
	if w.Shape != Tumbling && w.Shape != Hopping {
		if w.Offset != 0 {
			c.fault("offset", "it goes with tumbling and hopping windows only")
		}
		if w.Zone != nil {
			c.fault("timezone", "it goes with tumbling and hopping windows only")
		}
		return
	}
	if w.Zone != nil {
		if w.Size%day != 0 || w.Every%day != 0 {
			c.fault(c.part(), "with a timezone windows are whole days")
		}
		if w.Offset < 0 || w.Offset >= day {
			c.fault("offset", "it is a time of day: at least 0 and less than 24h")
		}
	} else if step := w.step(); w.Offset < 0 || step > 0 && w.Offset >= step {
		c.fault("offset", "it is at least 0 and less than the time from the beginning of one window to that of the next")
	}
}

// step is how far apart the windows of a grid begin.
func (w *Window) step() int64 {
	if w.Shape == Hopping {
		return w.Every
	}
	return w.Size
}

func (c *checker) options() {
	s := c.s
	if s.ExcludeCurrent {
		switch {
		case s.Window.Shape != Sliding && s.Window.Shape != Forever:
			c.fault("exclude_current", "it goes with `over` only")
		case s.Value.readsBefore():
			c.fault("exclude_current", "%s never looks at the event that reads it", s.Value)
		}
	}
	if s.Resolution != 0 {
		switch {
		case s.Window.Shape != Sliding:
			c.fault("resolution", "it goes with a length after `over` only")
		case s.Value == Last || s.Value == SinceLast:
			c.fault("resolution", "%s keeps one event only: there is nothing to save", s.Value)
		case s.Resolution < 0 || s.Resolution > s.Window.Size:
			c.fault("resolution", "it is more than 0 and at most the length of the window")
		}
	}
	if s.Closes && s.Window.Shape != Tumbling && s.Window.Shape != Session {
		c.fault("window_close", "only tumbling and session windows end for all to see")
	}
}
