package cep

// Effects are what stepping records did: what must become durable and be
// handed out, in order.
type Effects struct {
	Alerts    []Alert
	Decisions []Decision // by place: events on which a rule matched, or holds
	Late      []Late
	Rejected  []Rejected
	Refused   []Refused
	Conflicts []Conflict
	Audited   []Audited // by record: changes of people
}

// Reset empties e and keeps its memory.
func (e *Effects) Reset() {
	clear(e.Alerts)
	clear(e.Decisions)
	clear(e.Late)
	clear(e.Rejected)
	clear(e.Refused)
	clear(e.Conflicts)
	clear(e.Audited)
	e.Alerts, e.Decisions = e.Alerts[:0], e.Decisions[:0]
	e.Late, e.Rejected, e.Refused = e.Late[:0], e.Rejected[:0], e.Refused[:0]
	e.Conflicts, e.Audited = e.Conflicts[:0], e.Audited[:0]
}

// Late is an event that came later than lateness allows. It is not matched.
type Late struct {
	Source, Line int
	Raw          string
	Behind       int64  // nanoseconds by which it was older than the highest time minus lateness
	Sent         string // type of the subject that it was sent to; empty: to none
}

// Rejected is a line that is no event.
type Rejected struct {
	Source, Line, Column int // from 1; Column counts bytes
	Reason               string
	Raw                  string
	Sent                 string // type of the subject that it was sent to; empty: to none
}

// Refused is a change of a list that was not made.
type Refused struct {
	Source, Line int // of its Record
	Change       ListChange
	Reason       string
}

// Conflict is an event whose type and id are those of an event accepted before, but whose
// line is another. It is not matched.
type Conflict struct {
	Source, Line int
	Type, ID     string
	Raw          string
	First        uint32 // CRC-32C of the line of the event accepted before
	Since        uint64 // number of ids accepted from that one on: 1 is the last before this
}

// AlertKind says what an alert stands for.
type AlertKind uint8

const (
	MatchAlert     AlertKind = iota // a completed match
	TimeoutAlert                    // an open match that ran out
	RetractedAlert                  // EagerOrder: an alert that no longer holds
	RestoredAlert                   // EagerOrder: one that was retracted and holds again, perhaps with other measures, score or message
)

func (k AlertKind) String() string {
	switch k {
	case MatchAlert:
		return "match"
	case TimeoutAlert:
		return "timeout"
	case RetractedAlert:
		return "retracted"
	case RestoredAlert:
		return "restored"
	}
	panic("cep: unknown AlertKind")
}

// Alert is a match (or an open match that ran out) with its evidence.
type Alert struct {
	ID         string
	Version    int
	Kind       AlertKind
	Rule       *Rule
	Key        []string // parts, named by Rule.Key.Names
	Time       int64    // event time in nanoseconds: of the event that completed it, or when the window or bound ran out
	Score      int      // 0..100
	Message    string
	Measures   []Value // by Rule.Measures
	Events     []Evidence
	Backing    Backing // of a rule with Evidence
	Suppressed int     // matches silenced by throttle before it
	Truncated  bool
	Cause      *Cause // of a RetractedAlert or RestoredAlert: the event that came late; nil: time brought the change
}

// Cause is the event that changed an alert.
type Cause struct {
	Type  string // of the event
	Name  string // its declared id, or a hash of its line and how often it stood before
	Place uint64 // its number among accepted events, from 1
}

// Evidence is an event that an alert shows.
type Evidence struct {
	Var  int    // that captured it, index in Rule.Names; -1: none did
	Name string // the event's name: its declared id, or a hash of the line and how often it stood before
	Raw  string // the JSON object as it came
}
