package cep

import (
	"slices"

	"weir/nfa"
)

// Trace lets somebody see what an Engine does and why (Options.Trace). It changes
// nothing of what the Engine does. An Engine that is traced matches on the goroutine
// that steps it, as with one shard.
type Trace struct {
	// Wants says whether what a rule does under a key is told. It is asked once for each
	// event that is offered to a rule under a key, and with a nil event where time changes
	// the key. For the same rule and key the answer is always the same. nil: all is told.
	// It must not keep key and event.
	Wants func(rule *Rule, key []string, e *Event) bool
	// Tell is told what happens, in order. What t leads to is valid during the call.
	Tell func(t *Told)
}

// Told is something that happened.
type Told struct {
	Kind  ToldKind
	Rule  *Rule    // nil for Arrived, LateEvent, DuplicateEvent and ConflictEvent, which concern no rule
	Key   []string // likewise
	Event *Event   // nil: time moved on
	Time  int64    // to which event time has moved; math.MaxInt64 after EndRecord

	Layer int      // Arrived: the layer whose rules go over the event next, Rule.Layer
	Note  nfa.Note // Noted
	Alert *Alert   // Alerted, Silenced, Repeated
	Lists *Lists   // as they stand; nil for LateEvent, DuplicateEvent and ConflictEvent
	Node  int      // Alerted, Silenced, Repeated: what came out, as nfa.Note.Node; 0: a window
	From  int64    // WindowEnded: when the window began; Time is when it ended
	Value Value    // WindowEnded: what the feature came to
	Until int64    // Silenced: when the throttle ends; Answered: when the last hold does
	Score int      // Answered: of the hold

	Behind       int64 // LateEvent: as Late.Behind
	Source, Line int   // LateEvent, DuplicateEvent, ConflictEvent: as in Late

	judge *judge
	at    *Moment // WindowEnded, Alerted, Silenced, Repeated: when the match came
}

// ToldKind says what is told.
type ToldKind uint8

const (
	Arrived     ToldKind = iota // an event, or a match, is released to the rules of a layer; what they do with it follows
	LateEvent                   // an event came too late and is not matched
	Offered                     // Event is offered to Rule under Key; what the rule does with it follows
	Unseen                      // the rule does not see the event: its `where` does not hold
	Noted                       // an open match did something: Note
	WindowEnded                 // a window of Rule.WindowClose ended: a match, if `having` holds
	Alerted                     // a match or time-out became Alert
	Silenced                    // a match made no alert, as the throttle is on until Until
	Repeated                    // a match made no alert, as the event before that the rule saw was one too: Rule.Edge
	Answered                    // the rule holds until Until, and answers for the event

	DuplicateEvent // an event came once more and is not matched
	ConflictEvent  // an event has the id of another one and is not matched
)

func (k ToldKind) String() string {
	return [...]string{"arrived", "late", "offered", "unseen", "noted", "window_ended", "alerted", "silenced", "repeated", "answered", "duplicate", "conflict"}[k]
}

// Scope gives what a condition of the rule sees: Event, Key and what caps hold, which
// are the captures of Note or parents of them. It is valid while t is told.
func (t *Told) Scope(caps nfa.Captures) *Scope {
	v := &t.judge.view
	w := &view{rule: v.rule, keys: v.keys, state: v.state, current: v.current, number: v.number, caps: caps}
	return &Scope{Event: t.Event, Key: t.Key, Captures: w, Lists: t.Lists, Risks: t.judge.scope.Risks}
}

// Outcome is Scope for what is asked of a match: having, measures, score and message.
func (t *Told) Outcome(caps nfa.Captures) *Scope {
	s := t.Scope(caps)
	s.Event, s.At = nil, t.at
	if s.At == nil {
		s.At = t.judge.moment()
	}
	return s
}

// Captured gives the events of caps in the order in which they were captured, with
// the variables that captured them. They are valid while t is told.
func (t *Told) Captured(caps nfa.Captures) []Captured {
	var list []Captured
	for ; caps.Node() != 0; caps = caps.Parent() {
		list = append(list, Captured{caps.Var(), t.judge.view.event(caps.Event())})
	}
	slices.Reverse(list)
	return list
}

// Captured is an event that a match has captured.
type Captured struct {
	Var   int // index in Rule.Names
	Event *Event
}

// Identity is what alerts call the event: its declared id, or a hash of its line and,
// from the second on, its number among equal lines of its time.
func (e *Event) Identity() string { return e.name() }

// Clock gives the highest event time so far, and the time before which an event is
// late; false: no event has come.
func (g *Engine) Clock() (now, low int64, ok bool) {
	return g.order.now, g.order.low, g.order.started
}

// follower tells the Trace of an Engine what a shard does.
type follower struct {
	*Trace
	on   bool // what the rule does that is asked now is told
	told Told
}

// tell tells what happened under the rule and key that are followed, if they are.
func (f *follower) tell(t Told) {
	if !f.on {
		return
	}
	t.Rule, t.Key, t.Event, t.Time = f.told.Rule, f.told.Key, f.told.Event, f.told.Time
	t.Lists, t.judge = f.told.Lists, f.told.judge
	f.Tell(&t)
}

// noted is told by a Machine, often: nothing is made for it.
func (f *follower) noted(n nfa.Note) {
	f.told.Kind, f.told.Note = Noted, n
	f.Tell(&f.told)
}

// follow says whether what a rule does under the key of the judge is told, and tells
// that the event e, if it is not nil, is offered to it.
func (s *shard) follow(rule int32, e *Event, t int64) bool {
	r, f := s.plan.rs.Rules[rule], s.trace
	key := s.judge.scope.Key
	f.on = f.Wants == nil || f.Wants(r, key, e)
	if m := s.machine(rule); m != nil {
		m.Trace = nil
		if f.on {
			m.Trace = f.noted
		}
	}
	if !f.on {
		return false
	}
	s.judge.view.rule = r
	f.told = Told{Rule: r, Key: key, Event: e, Time: t, Lists: s.judge.scope.Lists, judge: &s.judge}
	if e != nil {
		f.tell(Told{Kind: Offered})
	}
	return true
}

// sees is judge.sees, told.
func (s *shard) sees() bool {
	ok := s.judge.sees()
	if !ok && s.trace != nil {
		s.trace.tell(Told{Kind: Unseen})
	}
	return ok
}
