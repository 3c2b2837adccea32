package cep

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"weir/failpoint"
)

// Log is the ordered log that a Loop folds. package cep/stream has one.
type Log interface {
	// Read appends to dst records after a sequence number, in order: what is there, up to
	// a few megabytes. Where there is none it waits for the first. It fails when ctx ends,
	// or when the log cannot be read.
	Read(ctx context.Context, after uint64, dst []Logged) ([]Logged, error)

	// At returns the record with a sequence number; false: it is not there.
	At(ctx context.Context, sequence uint64) (Logged, bool, error)

	// Last returns the sequence number of the last record; 0: there was none yet.
	Last(ctx context.Context) (uint64, error)

	// Append appends a record and returns its sequence number once it is durable.
	Append(ctx context.Context, p *Packed) (uint64, error)

	// Release says that records up to a sequence number are not needed to begin again. The
	// log may drop those before it, but none that says something of the rules.
	Release(ctx context.Context, sequence uint64) error
}

// Mark is how far a file that follows the log has come.
type Mark struct {
	Position Position
	Sum      uint32   // of the record there (Logged.Sum); 0 before the first
	Digest   [32]byte // of all effects up to there
}

// UnknownDigest stands for the digest of effects that nobody knows: those up to where a log
// ends that has lost its end. A replay up to there is not compared.
var UnknownDigest = [32]byte(bytes.Repeat([]byte{0xff}, 32))

// Commit is what a batch of records did.
type Commit struct {
	Mark    Mark
	Effects *Effects
	Lines   [][]byte // Effects.Alerts as JSON: AppendJSON of each. They count in the digest
	Rules   *Rules   // in force; nil: there were none
}

// Sink keeps effects. package state has one.
type Sink interface {
	// Commit makes effects durable, in one transaction with the mark that they reach. It is
	// called on a goroutine of its own, one commit at a time, while stepping goes on; what c
	// has is not used any more once it returns. An error ends the Loop: what is on disk is
	// not known then.
	Commit(c *Commit) error
}

// Checkpoint is a state as of a position, from which a Loop goes on.
type Checkpoint struct {
	Mark    Mark
	RulesAt uint64 // sequence of the record of the rules in force; 0: there was none yet
	Rules   []byte // its body
	State   []byte // what Restore reads: Assemble of its entries. Empty: nothing came before
	Begins  []int  // where its sections begin (AssembleSections); nil: that is not known
	Latest  bool   // the next Checkpoints.Begin may be told of what has changed since this one
	Drop    bool   // rules that have another program than in State begin anew; else it is Unusable for that

	prepared *prepared
}

// ErrNoSpace is what an error of Checkpoints wraps where the disk is full: nothing was saved,
// and it may be tried again.
var ErrNoSpace = errors.New("no space on the disk")

// Rules are what a record of kind PackedRules puts in force.
type Rules struct {
	*Ruleset
	Options       Options // Order, Lateness, MaxAhead and Idle
	PerRuleMinute int     // alerts of a rule in a minute of their time beyond which a Sink only counts them

	Left []LeftOut // of the record that this program does not compile, though another did

	Changes  map[string]Change // what the record asks for rules that it changes, adds or removes, by id
	Hindered map[string]string // why open matches of rules that it changes are neither carried nor drained, by id
	At       uint64            // sequence of the record; 0: unknown, and no rule is run in
}

// LeftOut is a part of a record of rules that is not in force.
type LeftOut struct {
	Part string // like rule card-testing
	Why  string
}

// LoopOptions are what a Loop works with.
type LoopOptions struct {
	Log         Log
	Sink        Sink
	Checkpoints Checkpoints

	// Compile makes the rules of a record of kind PackedRules. An error says that the
	// record changes nothing. It may be called on several goroutines at once.
	Compile func(body []byte) (*Rules, error)

	// Gather makes the body of a record of kind PackedRules one that needs no other record: part
	// gives the body of one of kind PackedList before it. That is what Compile and a Checkpoint
	// get. nil: each body is so already.
	Gather func(body []byte, part func(sequence uint64) ([]byte, error)) ([]byte, error)

	// Lanes lets rules that sleep be run in. nil: they sleep until the log has a join for them.
	Lanes *LaneOptions

	// Again is Log.Read for records that have been read before, as lanes do; it is called on several
	// goroutines. nil: Log.Read is.
	Again func(ctx context.Context, after uint64, dst []Logged) ([]Logged, error)

	// Restart gives the checkpoint to begin with again after stepping has panicked, and
	// what Recover says of it.
	Restart func() (*Checkpoint, *Recovery, error)

	// Due says that a checkpoint is due. One is also due after CheckpointEvents events or
	// CheckpointBytes bytes of records.
	Due <-chan time.Time

	// Slice begins a slice of saving a checkpoint between two batches and says, often, when it
	// is over; nil: after some work.
	Slice func() (stop func() bool)

	Shards int             // as in Options
	Notify func(n *Notice) // is told what an operator should know; nil: nobody
}

// A checkpoint is due after so many events, or bytes of records.
const (
	CheckpointEvents = 1 << 20
	CheckpointBytes  = 256 << 20
)

// EngineRevision rises whenever the same log may bring other effects. Live and replayed
// effects are the same within one.
const EngineRevision = 1

// NoticeKind says what a Notice is about.
type NoticeKind uint8

const (
	NoticeDiffers    NoticeKind = iota // a replay brought other effects than those that are kept
	NoticeRules                        // a record of rules does not compile, and changes nothing
	NoticeAdopted                      // other rules are in force: what of the state goes on
	NoticeDamaged                      // a record of the log cannot be read, and is passed over
	NoticePanic                        // stepping panicked; it is tried once more
	NoticeSkipped                      // what panicked twice is not stepped
	NoticeCheckpoint                   // a checkpoint could not be saved; it is tried again
	NoticeDropped                      // a rule begins anew, as it has another program than in the checkpoint
	NoticeLane                         // a run-in has stopped: the rules sleep on
	NoticeJoined                       // rules that slept are in force
)

// Notice is what an operator should know.
type Notice struct {
	Kind     NoticeKind
	Position Position
	Text     string
	Stack    string      // of a panic: where it was
	Lane     *LaneStatus // NoticeJoined: the lane as it joined
}

// LoopStatus is how far a Loop has come.
type LoopStatus struct {
	Stepped    Position // the last record that was stepped and what came of it is kept, as of all before
	Appended   int64    // its append time, nanoseconds since the epoch; 0: there was none
	Committed  Position // up to here effects are kept
	Checkpoint Position // up to here the state is kept
	Differs    uint64   // replays that brought other effects than those that are kept
	Unsaved    uint64   // checkpoints that could not be saved
	Stats      Stats    // of the Engine

	// LastEvent is the append time of the last event accepted, and Live whether its own
	// time lay near that: then ticks move time on.
	LastEvent int64
	Live      bool

	Lanes []LaneStatus // of rules that sleep, by the record that published them
}

// Loop folds a log: it reads records, steps an Engine over them, keeps the effects, and
// now and then a checkpoint of the state. It is the only place that knows this order:
//
//  1. read a batch of records;
//  2. step the Engine over it;
//  3. commit the effects with the position that they reach, while the next are stepped;
//  4. save a checkpoint, if one is due, as of a position that is committed;
//  5. release the records before the oldest checkpoint that is kept.
//
// So log begins ≤ state ≤ effects ≤ log end. After a restart the records between the state
// and the effects are stepped again, and what they bring is not committed but compared, by
// a digest.
type Loop struct {
	o      LoopOptions
	looks  chan looking
	status atomic.Pointer[LoopStatus]
	rules  atomic.Pointer[Rules]

	engine   *Engine
	rulesAt  uint64
	text     []byte // body of the record of the rules in force
	at       Position
	appended int64
	sum      uint32
	digest   digest
	applied  uint64 // effects up to here are kept already
	want     *Mark  // what the digest is to be there; nil: it is not known

	fx      Effects
	lines   [][]byte // of the alerts of fx, as far as they count in the digest
	steps   []Record
	ahead   *decodedAhead // the records that are stepped, decoded
	careful uint64        // the record up to which each line is stepped alone, as one of them panicked
	skips   map[uint64][]Skipped
	kept    Position // what is committed
	saved   Position // what is in a checkpoint
	events  int      // since the last checkpoint
	bytes   int
	due     bool
	saving  *saving // nil: no checkpoint is being saved
	differs uint64
	unsaved uint64

	digested   effectEnds  // of fx, as far as they count in the digest
	lineBytes  int         // of lines
	committing *committing // nil: no commit is under way
	shown      Position    // records up to here are stepped, and what they brought is kept
	shownAt    int64       // the append time of that one
	spare      *Effects    // memory of one that is made

	panicked map[uint64]bool

	lanes  map[uint64]*lane // that run, by the record of their rules
	joined []joinedAt       // since the oldest checkpoint
	faults chan *lane       // that have stopped
}

// looking is a function that wants to see the Engine.
type looking struct {
	see  func(*Engine)
	done chan error
}

// NewLoop returns a Loop that has not begun.
func NewLoop(o LoopOptions) *Loop {
	l := &Loop{o: o, looks: make(chan looking), skips: map[uint64][]Skipped{}, panicked: map[uint64]bool{}, lanes: map[uint64]*lane{}, faults: make(chan *lane)}
	l.status.Store(new(LoopStatus))
	return l
}

// Skip says that something on the log is not to be stepped: what records of kind
// PackedSkip say that lie after what they skip. It is called before Run.
func (l *Loop) Skip(s Skipped) { l.skips[s.Sequence] = append(l.skips[s.Sequence], s) }

// Joins says that a record of kind PackedJoin is on the log: what was folded for it is needed until
// it has been stepped. It is called before Run.
func (l *Loop) Joins(sequence uint64, of Joined) {
	l.joined = append(l.joined, joinedAt{sequence, of.From})
}

// Status returns how far the Loop has come.
func (l *Loop) Status() *LoopStatus { return l.status.Load() }

// Rules returns the rules in force; nil: there are none yet.
func (l *Loop) Rules() *Rules { return l.rules.Load() }

// Look lets a function see the Engine between two batches. It must be short, and take
// copies. It fails when ctx ends before, or when see panics.
func (l *Loop) Look(ctx context.Context, see func(*Engine)) error {
	k := looking{see, make(chan error, 1)}
	select {
	case l.looks <- k:
		return <-k.done
	case <-ctx.Done():
		return ctx.Err()
	}
}

// begin makes the state that a checkpoint has, or that of before the first record.
func (l *Loop) begin(c *Checkpoint, r *Recovery, sink Mark) error {
	l.engine, l.rulesAt, l.text = NewEngine(new(Ruleset), Options{Freezes: true}), 0, nil
	l.at, l.sum, l.digest, l.appended = Position{Incarnation: r.Incarnation}, 0, digest{}, 0
	l.applied, l.want = r.Applied, nil
	if r.Compare && r.Applied > 0 && sink.Digest != UnknownDigest {
		l.want = &sink
	}
	l.kept, l.saved, l.events, l.bytes, l.due = sink.Position, Position{}, 0, 0, false
	l.dropEffects()
	if c == nil {
		l.report()
		return nil
	}
	l.at.Sequence, l.sum, l.digest, l.saved = c.Mark.Position.Sequence, c.Mark.Sum, c.Mark.Digest, c.Mark.Position
	if c.RulesAt > 0 {
		p := c.prepared
		if c.prepared = nil; p == nil || p.latest != c.Latest || p.drop != c.Drop {
			made := c.restore(l.o.Compile, l.o.Shards)
			p = &made
		}
		switch {
		case p.rules == nil:
			return unusable(c, fmt.Errorf("its rules: %w", p.err))
		case p.err != nil:
			return unusable(c, p.err)
		}
		l.engine, l.rulesAt, l.text = p.engine, c.RulesAt, c.Rules
		l.rules.Store(p.rules)
		l.notifyLeft(c.RulesAt, p.rules)
		l.notifyDropped()
	}
	l.report()
	return nil
}

func (l *Loop) compile(body []byte) (*Rules, error) {
	return compileFor(l.o.Compile, l.o.Shards, body)
}

// Run folds the log from a checkpoint (nil: from the first record) until ctx ends; then it
// commits what it has stepped, saves a last checkpoint, and returns nil. sink is the mark of
// the Sink. Nothing is being saved any more when it returns.
func (l *Loop) Run(ctx context.Context, c *Checkpoint, r *Recovery, sink Mark) error {
	defer l.saveEnds()
	defer l.endLanes()
	if err := l.begin(c, r, sink); err != nil {
		return err
	}
	for {
		err := l.fold(ctx)
		// What is wrong with the files weighs more than anything else.
		if failed := l.committed(); failed != nil {
			return failed
		}
		var p *panicked
		if !errors.As(err, &p) {
			return err
		}
		if err := l.recover(ctx, p); err != nil {
			return err
		}
	}
}

// recover goes back to the last checkpoint after stepping has panicked, and sees to it that
// what panics twice is skipped.
func (l *Loop) recover(ctx context.Context, p *panicked) error {
	l.endLanes()
	l.saveEnds()
	if l.panicked[p.sequence] && p.alone {
		s := Skipped{p.sequence, p.line, p.reason}
		if _, err := l.o.Log.Append(ctx, &Packed{Kind: PackedSkip, Skipped: s}); err != nil {
			return err
		}
		l.Skip(s)
		what := "the record"
		if p.line > 0 {
			what = fmt.Sprintf("line %d", p.line)
		}
		l.notifyOf(p, NoticeSkipped, fmt.Sprintf("%s is not stepped: stepping it panicked twice: %s", what, p.reason))
	} else {
		l.notifyOf(p, NoticePanic, p.Error())
	}
	l.panicked[p.sequence] = true
	l.careful = max(l.careful, p.sequence)
	c, r, err := l.o.Restart()
	if err != nil {
		return err
	}
	mark := Mark{Position: l.kept, Digest: [32]byte{}}
	r.Compare = false
	return l.begin(c, r, mark)
}

// batch is what a read brought.
type batch struct {
	records []Logged
	ahead   *decodedAhead // of records
	err     error
}

// fold steps what the log has, batch after batch. While one is stepped the next is read and
// decoded.
func (l *Loop) fold(ctx context.Context) error {
	reading, stop := context.WithCancel(ctx)
	defer stop()
	l.tendLanes(ctx)
	batches, free := make(chan batch), make(chan batch, 2)
	free <- batch{ahead: new(decodedAhead)}
	free <- batch{ahead: new(decodedAhead)}
	go func(after uint64) {
		defer close(batches)
		for reading.Err() == nil {
			b := <-free
			b.records, b.err = l.o.Log.Read(reading, after, b.records[:0])
			if n := len(b.records); n > 0 {
				after = b.records[n-1].Sequence
			}
			b.ahead.decode(l.rules.Load(), b.records)
			select {
			case batches <- b:
			case <-reading.Done():
			}
			if b.err != nil {
				return
			}
		}
	}(l.at.Sequence)
	defer func() { // the reader has ended
		stop()
		close(free)
		for range batches {
		}
	}()
	for {
		select {
		case b, ok := <-batches:
			if !ok || b.err != nil && ctx.Err() != nil {
				return l.end()
			}
			if b.err != nil {
				// What is wrong with the files weighs more than a log that may come back.
				if err := l.end(); err != nil {
					return err
				}
				return b.err
			}
			l.ahead = b.ahead
			if err := l.fast(ctx, b.records); errors.Is(err, errEnded) {
				return l.end()
			} else if err != nil {
				return err
			}
			free <- b
		case k := <-l.looks:
			k.done <- guarded("a look at the state", func() error { k.see(l.engine); return nil })
		case <-l.o.Due:
			l.due = true
		case err := <-l.committing.ends():
			if err = l.commitEnds(err); err == nil {
				err = l.gather()
			}
			if err != nil {
				return err
			}
			l.report()
		case w := <-l.faults:
			l.notifyLane(w.fold.at, w.fold.of.Rules, w.err)
			l.report()
		case <-l.saving.goesOn():
		case s := <-l.saving.ends():
			if err := l.settle(ctx, s); err != nil {
				return err
			}
		}
		if err := l.checkpoint(); err != nil {
			return err
		}
	}
}

// fast steps a batch and commits what it brought.
func (l *Loop) fast(ctx context.Context, records []Logged) error {
	for len(records) > 0 {
		if isRules(records[0].Data) { // what was before is committed under the rules of then
			if err := l.flush(); err != nil {
				return err
			}
		}
		n := l.piece(records)
		if isJoin(records[0].Data) {
			if err := l.join(ctx, &records[0]); err != nil {
				return err
			}
		}
		if err := l.step(ctx, records[:n]); err != nil {
			return err
		}
		failpoint.Hit("step")
		if err := l.commit(); err != nil {
			return err
		}
		records = records[n:]
	}
	l.report()
	return nil
}

// isRules says whether a record puts rules in force.
func isRules(data []byte) bool { return len(data) > 1 && PackedKind(data[1]) == PackedRules }

// isJoin says whether a record wakes rules.
func isJoin(data []byte) bool { return len(data) > 1 && PackedKind(data[1]) == PackedJoin }

// piece is the number of records that are stepped together: up to the place up to which
// effects are kept already, and one at a time where one has panicked.
func (l *Loop) piece(records []Logged) int {
	if records[0].Sequence <= l.careful {
		return 1
	}
	for i := range records {
		if i > 0 && (isRules(records[i].Data) || isJoin(records[i-1].Data) || isJoin(records[i].Data)) {
			return i
		}
		if records[i].Sequence == l.applied {
			return i + 1
		}
	}
	return len(records)
}

// panicked says that stepping panicked.
type panicked struct {
	sequence uint64 // of the last record that was to be stepped
	line     uint64 // of it; 0: the record has none
	alone    bool   // it is that record and line; otherwise one of those that were stepped with it
	reason   string
	stack    string
}

func (p *panicked) Error() string { return "stepping panicked: " + p.reason }

// newPanicked says what panicked, but not with which value: that may hold a part of an event.
func newPanicked(sequence, line uint64, alone bool, v any) *panicked {
	stack := ""
	if c, ok := v.(*caughtPanic); ok {
		v, stack = c.value, c.stack
	} else {
		stack = string(debug.Stack())
	}
	reason := fmt.Sprintf("%T", v)
	if e, ok := v.(runtime.Error); ok {
		reason = e.Error()
	}
	return &panicked{sequence, line, alone, reason, stack}
}

// step steps records.
func (l *Loop) step(ctx context.Context, records []Logged) error {
	l.steps = l.steps[:0]
	for i := range records {
		r := &records[i]
		if r.Sequence != l.at.Sequence+1 {
			return fmt.Errorf("the log has a hole: record %d is followed by record %d", l.at.Sequence, r.Sequence)
		}
		l.at.Sequence, l.appended = r.Sequence, r.Appended
		l.bytes += len(r.Data)
		p, err := Unpack(r.Data)
		if errors.Is(err, ErrNewer) {
			return fmt.Errorf("record %d: %w", r.Sequence, err)
		}
		if err != nil {
			l.notify(NoticeDamaged, r.Sequence, err.Error())
			continue
		}
		if p.Kind == PackedRules { // the first, see piece
			body, err := l.gathered(ctx, r.Sequence, p.Body)
			if err != nil {
				return err
			}
			refused := "a file of a list is not on the log"
			if body != nil {
				if refused, err = l.tryAdopt(r.Sequence, body); err != nil {
					return err
				}
			}
			l.audited(auditOf(r, &p), refused)
			l.tendLanes(ctx)
			continue
		}
		if p.Kind == PackedEntries && len(l.skips[r.Sequence]) == 0 {
			change, err := listRecord(ctx, l.o.Log, r, &p)
			if err != nil {
				return err
			}
			l.steps = append(l.steps, change)
			continue
		}
		l.steps = l.appendSteps(l.steps, r, &p)
	}
	last := &records[len(records)-1]
	l.sum = last.Sum()
	return l.stepAll(l.steps, last.Sequence, last.Sequence <= l.careful)
}

// appendSteps appends what a record asks of the Engine.
func (l *Loop) appendSteps(dst []Record, r *Logged, p *Packed) []Record {
	skips := l.skips[r.Sequence]
	told := auditOf(r, p)
	if p.Kind != PackedEvents && len(skips) > 0 {
		if told != nil {
			told.Refused = skipped
			dst = append(dst, Record{Kind: TickRecord, Audit: told}) // without a time it does nothing
		}
		return dst
	}
	switch p.Kind {
	case PackedEvents:
		if len(skips) == 0 && r.Sequence > l.careful {
			all := eventsOf(r, p)
			all.ahead = l.ahead.part(r.Sequence)
			return append(dst, all)
		}
		line, types := 0, newTypes(p.Typed)
		for text := range eachLine(p.Body) {
			line++
			sent := types.next()
			if !slices.ContainsFunc(skips, func(s Skipped) bool { return s.Line == uint64(line) || s.Line == 0 }) {
				dst = append(dst, Record{Kind: EventsRecord, Data: text, Line: line, Typed: typedLine(sent), Appended: r.Appended})
			}
		}
	case PackedAdvance:
		dst = append(dst, Record{Kind: ClockRecord, Time: p.Time, Appended: r.Appended, Audit: told})
	case PackedTick:
		dst = append(dst, Record{Kind: TickRecord, Appended: r.Appended})
	}
	return dst
}

// eachLine yields the lines of an NDJSON text, with their ends.
func eachLine(text []byte) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(text) > 0 {
			n := bytes.IndexByte(text, '\n') + 1
			if n == 0 {
				n = len(text)
			}
			if !yield(text[:n:n]) {
				return
			}
			text = text[n:]
		}
	}
}

// stepAll steps the Engine, one by one to find out which record panics.
func (l *Loop) stepAll(steps []Record, sequence uint64, apart bool) error {
	for !apart && len(steps) > 0 {
		n := l.stretch(steps)
		if err := l.try(steps[:n], sequence, 0, false); err != nil {
			return err
		}
		if steps = steps[n:]; l.saving != nil {
			l.saving.next(l.slice())
		}
	}
	for i := range steps {
		if err := l.try(steps[i:i+1], sequence, uint64(steps[i].Line), true); err != nil {
			return err
		}
	}
	return nil
}

func (l *Loop) try(steps []Record, sequence, line uint64, alone bool) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = newPanicked(sequence, line, alone, v)
		}
	}()
	if failpoint.On {
		for i := range steps {
			failpoint.Panic(steps[i].Data)
		}
	}
	before := l.engine.stats.Events
	l.engine.Step(steps, &l.fx)
	n := int(l.engine.stats.Events - before)
	l.events += n
	failpoint.Slow(n)
	return nil
}

// skipped is why a record that is not stepped changes nothing.
const skipped = "stepping it panicked twice"

// audited takes what a record of rules says of its author into the effects.
func (l *Loop) audited(told *Audited, refused string) {
	if told != nil {
		told.Refused = refused
		l.fx.Audited = append(l.fx.Audited, *told)
	}
}

// tryAdopt puts the rules of a record in force, unless that is to be skipped. refused says why
// it changes nothing; empty: it does.
func (l *Loop) tryAdopt(sequence uint64, body []byte) (refused string, err error) {
	if len(l.skips[sequence]) > 0 {
		return skipped, nil
	}
	defer func() {
		if v := recover(); v != nil {
			err = newPanicked(sequence, 0, true, v)
		}
	}()
	return l.adopt(sequence, body), nil
}

// adopt puts the rules of a record in force. It says why it changes nothing, if so.
func (l *Loop) adopt(sequence uint64, body []byte) (refused string) {
	rules, err := l.compile(body)
	if err != nil {
		l.notify(NoticeRules, sequence, err.Error())
		return err.Error()
	}
	l.notifyLeft(sequence, rules)
	failpoint.Hit("adopt")
	l.saveAll()
	rules.At = sequence
	if l.rulesAt == 0 {
		l.engine = NewEngine(rules.Ruleset, rules.Options)
	} else {
		var told *Adopted
		l.engine, told = l.engine.Adopt(rules)
		l.fx.Refused = append(l.fx.Refused, told.Refused...)
		l.notify(NoticeAdopted, sequence, told.String())
	}
	l.rulesAt, l.text = sequence, slices.Clone(body)
	l.rules.Store(rules)
	l.events++
	failpoint.Hit("adopted")
	return ""
}

// commit keeps the effects of what was stepped, or compares them with those that are kept.
// Where there are none the mark waits for the next, or for a checkpoint.
func (l *Loop) commit() error {
	l.digestNew()
	if l.at.Sequence <= l.applied {
		l.dropEffects()
		if l.at.Sequence == l.applied {
			l.compare()
		}
		return nil
	}
	return l.gather()
}

func (l *Loop) mark() Mark { return Mark{l.at, l.sum, l.digest} }

// compare says whether the replay up to what is kept brought the same.
func (l *Loop) compare() {
	if l.want != nil && l.want.Digest != [32]byte(l.digest) {
		l.differs++
		l.notify(NoticeDiffers, l.at.Sequence, fmt.Sprintf("the records up to %s bring other effects than those that are kept: digest %x, kept %x", l.at, l.digest, l.want.Digest))
	}
	l.want = nil
}

// end commits and saves what there is, when the Loop ends.
func (l *Loop) end() error {
	l.saveAll()
	if s := l.saving; s != nil {
		s.frozen.End(l.saveEnds() == nil)
	}
	if l.at.Sequence <= max(l.saved.Sequence, l.applied) {
		return nil
	}
	if err := l.freeze(); err != nil {
		return err
	}
	l.saveAll()
	s := l.saving
	err := l.saveEnds()
	if s != nil && s.fault != nil {
		err = s.fault
	}
	if _, ok := errors.AsType[*faulted](err); ok {
		return l.givenUp(s.of, nil, err)
	}
	return err
}

// report tells how far the Loop has come.
func (l *Loop) report() {
	l.show()
	l.status.Store(&LoopStatus{
		Stepped: l.shown, Appended: l.shownAt, Committed: l.kept, Checkpoint: l.saved, Differs: l.differs, Unsaved: l.unsaved,
		Stats: l.engine.Stats(), LastEvent: l.engine.log.last, Live: l.engine.log.live,
		Lanes: l.laneStatus(),
	})
}

func (l *Loop) notify(kind NoticeKind, sequence uint64, text string) {
	if l.o.Notify != nil {
		l.o.Notify(&Notice{Kind: kind, Position: Position{l.at.Incarnation, sequence}, Text: text})
	}
}

// notifyLeft tells what of the rules of a record is not in force.
func (l *Loop) notifyLeft(sequence uint64, rules *Rules) {
	for _, x := range rules.Left {
		l.notify(NoticeRules, sequence, fmt.Sprintf("the %s is left out, as this weir does not compile it: %s", x.Part, x.Why))
	}
}

// notifyDropped tells which rules have begun anew where the state that was restored ends.
func (l *Loop) notifyDropped() {
	for _, d := range l.engine.Dropped() {
		l.notify(NoticeDropped, l.at.Sequence, fmt.Sprintf("the rule %s is compiled to another program than the state was made with: its open matches are dropped, under %d keys as of the watermark, and it begins anew here", d.Rule, d.Keys))
	}
}

// notifyOf is notify of a panic.
func (l *Loop) notifyOf(p *panicked, kind NoticeKind, text string) {
	if l.o.Notify != nil {
		l.o.Notify(&Notice{Kind: kind, Position: Position{l.at.Incarnation, p.sequence}, Text: text, Stack: p.stack})
	}
}

// digest is a digest of effects that does not depend on how records are cut into batches:
// a chain over alerts (16 bytes), and a sum of those of all others, whose order among the
// alerts it does not know.
type digest [32]byte

// alert takes in an alert.
func (d *digest) alert(line []byte) {
	h := sha256.New()
	h.Write(d[:16])
	h.Write(line)
	copy(d[:16], h.Sum(nil))
}

// rest takes in all other effects.
func (d *digest) rest(fx *Effects) {
	for i := range fx.Late {
		d.add('l', fx.Late[i].Raw, uint64(fx.Late[i].Behind))
	}
	for i := range fx.Rejected {
		d.add('r', fx.Rejected[i].Raw, uint64(fx.Rejected[i].Column))
	}
	for i := range fx.Conflicts {
		d.add('c', fx.Conflicts[i].Raw, 0)
	}
	for i := range fx.Refused {
		d.add('f', fx.Refused[i].Reason, 0)
	}
}

func (d *digest) add(kind byte, text string, n uint64) {
	h := sha256.New()
	h.Write(binary.LittleEndian.AppendUint64([]byte{kind}, n))
	h.Write([]byte(text))
	sum := h.Sum(nil)
	for i := 16; i < 32; i += 8 {
		x := binary.LittleEndian.Uint64(d[i:]) + binary.LittleEndian.Uint64(sum[i:])
		binary.LittleEndian.PutUint64(d[i:], x)
	}
}
