package cep

import (
	"sync"
	"time"

	"weir/cep/outcome"
	"weir/nfa"
)

// Ruleset is everything that an Engine needs to know of the rules: the event
// types with the fields that are read, the rules, and the features and lists that these
// look at. It is immutable, but for what the Faults of rules and features count.
type Ruleset struct {
	Types  []Type   // index: TypeID; types with a schema and types that rules name
	Fields []string // index: FieldID; the paths of all fields read, like "amount" or "device.os"
	Rules  []*Rule  // by id; of one id those that drain first, by revision

	Features []*Feature
	Reads    []Read      // index: ReadID; the ways in which rules look at features
	Lists    []NamedList // index: ListID
	Risks    []NamedRisk // index: RiskID
	Policy   outcome.Policy

	risksSince []*border // RiskID: of a risk that only later matches add to; nil: there is none
	of         *Ruleset  // that it was made of; nil: of none
}

// riskSince is the border behind which no match adds to a risk.
func (rs *Ruleset) riskSince(id RiskID) *border {
	if rs.risksSince == nil {
		return nil
	}
	return rs.risksSince[id]
}

// TypeID numbers the event types of a Ruleset.
type TypeID int32

// OtherType is the type of events that the Ruleset does not name.
const OtherType TypeID = -1

// FieldID numbers the fields that the rules of a Ruleset read.
type FieldID int32

// Type describes an event type.
type Type struct {
	Name    string
	Schema  *Schema   // nil: dynamic fields, event time in `ts`
	Derived []Derived // in the order in which they are worked out
	Alert   *Rule     // its events are the matches of this rule, none come from outside; nil: an event type
}

// Derived is a field that is worked out when an event arrives. It looks at the fields
// of the event, those derived before it too, and at lists as they stand then.
type Derived struct {
	Field FieldID
	Eval  func(*Scope) Value

	// Faults counts the errors of Eval while it runs; each gave nil. Nil: nobody counts.
	Faults *FaultCount
}

// Schema is the declared shape of an event type.
type Schema struct {
	Time     string        // field of the event time
	Arrival  bool          // event time is the time of arrival; Time is unused
	TimeUnit time.Duration // unit of a number in the time field: time.Millisecond unless said
	ID       string        // field that names an event, or empty
	Seq      string        // field that orders events of equal time, or empty
	Fields   map[string]Kind

	// Personal are the paths of fields that are marked as personal, derived ones too, sorted.
	Personal []string
}

// Rule is a compiled rule.
type Rule struct {
	ID       string
	Revision int
	Title    string
	Tags     []string
	Severity string // low, medium, high, critical
	Action   string // allow, review, challenge, block
	Shadow   bool

	Types    []TypeID // event types that it is on; nil: all
	Where    *Cond    // which of these it sees; nil: all
	Key      Key
	Program  *nfa.Program
	Conds    []Cond        // by nfa.Cond: one for each name of the pattern, then `unless` if there is one
	Names    []nfa.Name    // names of the pattern
	Throttle time.Duration // after an alert, further matches of the key make none; 0: none
	Hold     time.Duration // after a match, events of the key that the rule sees get its action and score; 0: none
	Edge     bool          // a match makes an alert only if the last event that the rule saw under the key was none

	// Layer is more than that of any rule whose matches it reads, and no less than
	// that of any rule that adds to a risk that it reads. From 0, without gaps.
	Layer int

	// WindowClose is 1 + the index of the feature whose windows the rule matches when
	// they end; it then has no Program, Conds and Where, and its key is called like
	// the feature's. 0: the rule has a Program.
	WindowClose int

	// Evidence is 1 + the index of the feature whose latest events go into alerts;
	// 0: none.
	Evidence int

	// Aggregates are fields of captured events whose count, sum, least and
	// greatest value are kept with the captures (Captures.Aggregate).
	Aggregates []AggregateOf

	Reads   []ReadID // that the expressions of the rule look at
	Outcome []ReadID // those of them that Having, Measures, Score and Message look at
	Risks   []RiskID // that the expressions of the rule look at

	Having   func(*Scope) bool // nil: always
	Measures []Measure
	Score    func(*Scope) Value  // nil: DefaultScore
	Default  float64             // score where Score is nil or gives nil
	Message  func(*Scope) string // nil: no message

	// Personal says what of its alerts is made of personal fields. It changes no match.
	Personal Personal

	// Digest is the same for rules that mean the same, whatever Ruleset they are of: what
	// they read included. Empty: nothing is known of that, and no rule means the same.
	Digest string

	// Faults counts the errors of the rule's expressions while they run; each gave
	// nil. Nil: nobody counts.
	Faults *FaultCount

	// Formers are what the rule was under earlier revisions, the oldest first, from which open
	// matches were carried: Hinders says nothing of them. An event that came when one was in
	// force keeps its meaning.
	Formers []*Rule

	// Drains says that the rule is what another of the same id was before: with events that
	// come after that was put in force no match of it begins. It has a Program.
	Drains bool

	since *border // nil: it sees all events
	until *border // of a former and of a rule that drains: up to where it was in force; nil: that is long ago

	asleep bool    // a lane folds the log again for it, and it matches nothing here
	quiet  *border // what it matches before makes no alert; nil: all does
	mute   *border // what it matches before adds to no risk; nil: all does
}

// Personal says what of the alerts of a rule tells something of personal fields.
type Personal struct {
	Key      []bool // by Key.Names
	Measures []bool // by Rule.Measures
	Message  bool
}

// FaultCount counts errors and keeps the text of one. Several goroutines may use
// it at once. The zero FaultCount is ready.
type FaultCount struct {
	mu     sync.Mutex
	n      uint64
	sample string
}

// Add counts err. Of all texts the least is kept, so that the sample does not
// depend on which goroutine came first.
func (c *FaultCount) Add(err error) {
	text := err.Error()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == 0 || text < c.sample {
		c.sample = text
	}
	c.n++
}

// Snapshot gives how many errors there were and the text of one. Of a nil
// FaultCount it is 0 and empty.
func (c *FaultCount) Snapshot() (n uint64, sample string) {
	if c == nil {
		return 0, ""
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n, c.sample
}

// AggregateOf names a field of a captured variable.
type AggregateOf struct {
	Var   int // index in Names
	Field FieldID
}

// Measure is a value that is computed when a match completes.
type Measure struct {
	Name string
	Eval func(*Scope) Value
}

// Key says how the key of a rule is read from an event. Either Fields is set, or ByName
// (a key by variable), or, in a rule with WindowClose, ByType (a key by event type).
type Key struct {
	Fields []FieldID
	Names  []string // names of the key's parts, as many as Fields, or one

	ByName []FieldID // index: name of the pattern; the field that holds the key where the event is tried as that name

	ByType map[TypeID]FieldID // the field that holds the key, by event type; events of other types have none
}

// Cond is a condition on an event, split into what can be asked of the event
// alone and what looks at captures too. It holds if all its parts hold. What Event gives
// may be kept for one event under one key and no longer: risks differ by key, and from
// event to event.
type Cond struct {
	Types    []TypeID          // event types on which it can hold; nil: all that the rule is on
	Equals   []Equality        // parts FIELD == constant, for dispatch; they are part of Event too
	Event    func(*Scope) bool // reads only Scope.Event, Scope.Key, features, lists and risks; nil: true
	Captured func(*Scope) bool // reads captures; nil: true
}

// Equality is a part of a Cond: the field equals a text, number or bool.
type Equality struct {
	Field FieldID
	Value Value
}

// Captures are the events of an open or completed match. Variables are
// numbered by Rule.Names.
type Captures interface {
	Len(v int) int
	First(v int) *Event                  // nil if none
	Last(v int) *Event                   // nil if none
	Append(dst []*Event, v int) []*Event // all, in the order of their capture
	Aggregate(i int) Aggregate           // of Rule.Aggregates[i]
}

// Aggregate summarises the numbers of a field over captured events; values
// that are not numbers are passed over.
type Aggregate struct {
	N        int
	Sum      float64 // added in the order of capture
	Min, Max float64 // undefined if N is 0
}
