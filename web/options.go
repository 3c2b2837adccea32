package web

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"weir/cep"
)

// What Events, Alerts and Losses return is one of these, or wraps one, where a client can
// do something about it. Any other error is logged, and 503 to the client.
var (
	ErrFull        = errors.New("there is no room on the disk or in the log") // 507
	ErrBusy        = errors.New("too much is waiting already")                // 429
	ErrUnavailable = errors.New("the log does not answer")                    // 503
)

// ErrCursor is what Alerts.List returns for a text after that it has not given out: 400.
var ErrCursor = errors.New("not a place in the list")

// Events takes what comes in to the log.
type Events interface {
	// Post appends count lines, each ended by a newline and checked, in their order. It
	// returns once all are durable, with the position of the last; the lines are not
	// changed until then. post is nil for requests without a key.
	Post(ctx context.Context, lines []byte, count int, post *cep.Post) (cep.Position, error)

	// Posted says which lines of a request with a key are on the log already.
	Posted(ctx context.Context, key [16]byte) (Posted, error)

	// Advance moves event time on, in nanoseconds since the epoch, for all types.
	Advance(ctx context.Context, to int64) (cep.Position, error)
}

// Posted is what the log has of a request.
type Posted struct {
	Ranges []Range      // in any order; they may overlap
	Last   cep.Position // of the last record with lines of it

	Bytes uint64   // of its body, as cep.Post has them, the most there are; 0: not known
	Sum   [16]byte // of these bytes
}

// Range is some lines in a row, by their numbers among those of a request that are events.
type Range struct {
	First uint64 // from 0
	Count uint64
}

// Alerts reads what is stored.
type Alerts interface {
	// List returns up to limit alerts after a place, newest first, one item for each. next
	// is the place after the last, empty at the end; after is empty or was such a next.
	List(ctx context.Context, f Filter, limit int, after string) (items []json.RawMessage, next string, err error)

	// Get returns the versions of an alert as JSON objects, the first one first; false: there
	// is no such alert.
	Get(ctx context.Context, id string) (versions []json.RawMessage, ok bool, err error)
}

// Filter says which alerts are wanted; what is empty is not asked for.
type Filter struct {
	Rule     string
	Severity string
	Kind     string
	Tag      string
	KeyField string // with KeyValue: this field of the key has this value
	KeyValue string
	From     int64 // the alert's time at the earliest, nanoseconds since the epoch; 0: any
	To       int64 // and before this; 0: any
}

// Losses are parts of the log that were lost.
type Losses interface {
	// AckLosses says who knows of all losses so far, and why that is all right. It returns
	// how many nobody had known of.
	AckLosses(ctx context.Context, who cep.Audit) (int, error)
}

// Status is how the service is. It is not changed once it was given out.
type Status struct {
	Stepped    cep.Position  // up to where the log has been folded
	End        cep.Position  // of the log
	Checkpoint cep.Position  // of the newest checkpoint; zero: there is none
	LagBytes   uint64        // on the log that have not been stepped
	Lag        time.Duration // since the record stepped last was appended, while others wait behind it
	LogDown    string        // why the log does not answer; empty: it does
	LogBytes   uint64        // that the log takes
	LogSize    uint64        // that it may take
	FreeDisk   uint64        // bytes
	Reserve    uint64        // of free disk below which nothing is taken in
	Warnings   []string      // what a person should look at
	Losses     uint64        // of the log that nobody has acknowledged
	Unreadable uint64        // stored versions of alerts that were asked for and are damaged
	Missing    uint64        // records that the log has lost before the newest checkpoint of the start
	Skipped    uint64        // records and events that are not stepped, as stepping them panicked
	Differs    uint64        // restarts at which a replay had other effects than those stored
	Unsaved    uint64        // checkpoints that could not be saved
	Counted    uint64        // alerts beyond the limit of their rule: counted, not stored

	Port   *Port         // for NATS clients; nil: there is none
	Unkept time.Duration // since when the newest checkpoint has not had all that was folded; 0: it has
	Out    OutStatus

	Lanes []cep.LaneStatus // rules that are run in, by the record that published them

	Stats    cep.Stats // of the engine
	Rules    []string  // by index of Stats.Rules: the rule's id
	Features []string  // by index of Stats.Features: their names
}

// OutStatus is how far what leaves has come.
type OutStatus struct {
	Down      string      // why nothing is published at the moment; empty: it is, or nothing is to be
	Waiting   uint64      // versions of alerts that are stored and not published
	Published []Published // since the start
	Missed    uint64      // alerts and strays that were deleted before they were published
	Cut       uint64      // alerts without their evidence, as they were too large
}

// Published counts messages of a topic: alerts, late or rejected.
type Published struct {
	Topic    string
	Messages uint64
}

// Options are what a Server is built of.
type Options struct {
	Listen   string // host:port, as configured. Its host is one that requests may name
	Insecure bool   // Listen may be reached from other machines
	Version  string // of Weir, for the description of the interface

	Events   Events
	Alerts   Alerts
	Losses   Losses
	Lists    Lists
	Audit    Audit
	Rulebook Rulebook
	Compare  func(before, after string) (text string, words []string) // says how two texts of a rule differ
	Feed     Feed
	Ruleset  func() *cep.Ruleset // in force; nil: there is none yet. It is called for each request with events
	Waiting  func() string       // for what the service waits while it starts; empty, or nil: for nothing. It is asked before Open
	Status   func() *Status      // likewise: it returns at once what is known, and never nil
	Log      *slog.Logger
	Bounds   Bounds
}

// Bounds are how much is taken in. What is 0 has the value that stands with it.
type Bounds struct {
	Wire     int64         // bytes of a body as it comes: 32 MiB
	Unpacked int64         // bytes of a body once it is unpacked: 256 MiB
	Ratio    int64         // times its size that a body may unpack to, beyond the first MiB: 200
	Whole    int64         // bytes of a body that is taken as a whole or not at all, unpacked: 32 MiB
	Memory   int64         // bytes of bodies in memory, of all requests: 256 MiB; then 429
	LagBytes uint64        // on the log that have not been stepped: 64 MiB; then 429
	Behind   uint64        // likewise while stepping is behind by more than Lag: 8 MiB; then 429
	Lag      time.Duration // by append time, beyond which the service is not ready: 1 s
	Patience time.Duration // that a body of which some lines are durable waits for the lag to shrink: 10 s
	Slow     time.Duration // that a body may take beside what Rate gives it: 30 s; then 408
	Rate     int64         // bytes that a body brings in a second at the least: 64 KiB
	Small    time.Duration // that a body takes which is no events, or which nobody asks for: 10 s; then 408
	Answers  int           // to requests with a key that are remembered: 100,000; then the oldest go
	Repeat   time.Duration // for which such an answer is given again: 10 min

	Readers int           // of GET /v1/stream at a time: 2,000; then 429
	Drain   time.Duration // that such a reader may take to receive what is sent: 10 s; then it is dropped

	AnswerBytes int // that they take: 64 MiB; then likewise
}

func (b Bounds) orDefault() Bounds {
	return Bounds{
		Wire:     cmp.Or(b.Wire, 32<<20),
		Unpacked: cmp.Or(b.Unpacked, 256<<20),
		Ratio:    cmp.Or(b.Ratio, 200),
		Whole:    cmp.Or(b.Whole, 32<<20),
		Memory:   cmp.Or(b.Memory, 256<<20),
		LagBytes: cmp.Or(b.LagBytes, 64<<20),
		Behind:   cmp.Or(b.Behind, 8<<20),
		Lag:      cmp.Or(b.Lag, time.Second),
		Patience: cmp.Or(b.Patience, 10*time.Second),
		Slow:     cmp.Or(b.Slow, 30*time.Second),
		Rate:     cmp.Or(b.Rate, 64<<10),
		Small:    cmp.Or(b.Small, 10*time.Second),
		Answers:  cmp.Or(b.Answers, 100_000),
		Repeat:   cmp.Or(b.Repeat, 10*time.Minute),

		Readers: cmp.Or(b.Readers, 2000),
		Drain:   cmp.Or(b.Drain, 10*time.Second),

		AnswerBytes: cmp.Or(b.AnswerBytes, 64<<20),
	}
}
