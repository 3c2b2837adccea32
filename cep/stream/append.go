package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"weir/cep"
	"weir/failpoint"
)

// Append appends a record and returns its sequence number once it is durable.
func (l *Log) Append(ctx context.Context, p *cep.Packed) (uint64, error) {
	if err := checkAudit(p); err != nil {
		return 0, err
	}
	switch p.Kind {
	case cep.PackedList:
		if err := checkDigest(p.Of); err != nil {
			return 0, err
		}
	case cep.PackedEntries:
		if err := checkList(p.Change.List); err != nil {
			return 0, err
		}
	}
	return l.await(ctx, newRecord(p))
}

// PublishIf appends a record of kind PackedRules, PackedBoot or PackedSkip, but only if the
// last of these kinds on the log is the one with the sequence number lastControl, 0: there
// is none. Otherwise it appends nothing and fails with ErrChanged.
func (l *Log) PublishIf(ctx context.Context, p *cep.Packed, lastControl uint64) (uint64, error) {
	if err := checkAudit(p); err != nil {
		return 0, err
	}
	r := newRecord(p)
	if r.generation {
		return 0, fmt.Errorf("stream: a record of kind %d is no control record", p.Kind)
	}
	r.control, r.after = true, lastControl
	return l.await(ctx, r)
}

// await sends a record and waits for its fate.
func (l *Log) await(ctx context.Context, r *record) (uint64, error) {
	type fate struct {
		sequence uint64
		err      error
	}
	told := make(chan fate, 1)
	r.done = func(sequence uint64, err error) { told <- fate{sequence, err} }
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if err := l.send(r); err != nil {
		return 0, err
	}
	select {
	case f := <-told:
		return f.sequence, f.err
	case <-ctx.Done():
	}
	if l.unsettled.abandon(r) {
		return 0, fmt.Errorf("%w: the record may be on the log: %w", ErrUnavailable, ctx.Err())
	}
	f := <-told
	return f.sequence, f.err
}

const (
	subjectBatch   = "weir.batch."
	subjectTick    = "weir.tick."
	subjectControl = "weir.control."

	subjectControls = subjectControl + "*"        // what PublishIf guards: neither lists nor their changes
	subjectLists    = subjectControl + "lists."   // a subject for each version of each list
	subjectEntries  = subjectControl + "entries." // and one for changes of each list
)

// newRecord returns the record of p, without done.
func newRecord(p *cep.Packed) *record {
	r := &record{data: p.Append(nil), posts: p.Posts}
	switch p.Kind {
	case cep.PackedEvents:
		r.subject, r.generation = subjectBatch, true
	case cep.PackedAdvance, cep.PackedTick:
		r.subject, r.generation = subjectTick, true
	case cep.PackedRules:
		r.subject = subjectControl + "rules"
	case cep.PackedBoot:
		r.subject = subjectControl + "boot"
	case cep.PackedSkip:
		r.subject = subjectControl + "skip"
	case cep.PackedJoin:
		r.subject = subjectControl + "join"
	case cep.PackedList:
		r.subject = subjectLists + p.Of
	case cep.PackedEntries:
		r.subject = subjectEntries + p.Change.List
	}
	return r
}

const (
	// overhead is about what the server stores with a record beside its data.
	overhead = 120

	// generations are those of a full log.
	generations = 64

	// kept is the share of the size that is for records other than events.
	kept = 16
)

// send gives a record its place in the order. An error says that it is not on the log and
// will not be; else done is called once, when its fate is known.
func (l *Log) send(r *record) error {
	r.size = int64(len(r.data)) + overhead
	if most := l.MaxRecord(); len(r.data) > most {
		return fmt.Errorf("%w: it has %d bytes, expected %d or fewer", ErrTooLarge, len(r.data), most)
	}
	l.sending.Lock()
	defer l.sending.Unlock()
	h, err := l.up()
	if err != nil {
		return err
	}
	if !l.Admitted() {
		return errNotCompared
	}
	if room := l.options.Size - l.stored.Load() - l.sent.Load() - r.size; room < 0 || strings.HasPrefix(r.subject, subjectBatch) && room < l.options.Size/kept {
		return ErrFull
	}
	if r.generation {
		if l.generated += r.size; l.generated > l.options.Size/generations {
			l.generation, l.generated = l.generation+1, 0
		}
		r.subject += strconv.FormatUint(l.generation, 10)
	}
	l.numbers++
	r.number = l.numbers
	r.id = l.name + "-" + strconv.FormatUint(r.number, 10)
	r.since, r.floor = time.Now(), l.appended.Load()
	l.sent.Add(r.size)
	l.unsettled.add(r)
	h.publish(r)
	return nil
}

// settled ends the way of a record: it is on the log, or it is not and will not be.
func (l *Log) settled(number, sequence uint64, err error) {
	r, waits := l.unsettled.take(number)
	if r == nil {
		return
	}
	l.sent.Add(-r.size)
	if sequence > 0 {
		l.stored.Add(r.size)
		l.reached(sequence)
	}
	l.posts.settle(r.posts, sequence, time.Now().UnixNano())
	l.news.ring()
	if waits {
		r.done(sequence, err)
	}
}

// reached notes that the log has a record with a sequence number.
func (l *Log) reached(sequence uint64) {
	for was := l.appended.Load(); sequence > was && !l.appended.CompareAndSwap(was, sequence); {
		was = l.appended.Load()
	}
	l.when.Store(time.Now().UnixNano())
}

// answer is what the server says to a record.
type answer struct {
	Sequence  uint64 `json:"seq"`
	Duplicate bool   `json:"duplicate"` // it was there already
	Error     *struct {
		Code        int    `json:"err_code"`
		Description string `json:"description"`
	} `json:"error"`
}

// Codes of errors of the server.
const (
	codeWrongLast      = 10071
	codeWrongLastConst = 10164
	codeStoreFailed    = 10077
)

// acknowledge takes in what the server says to a record. It runs on one goroutine.
func (l *Log) acknowledge(m *nats.Msg) {
	number, err := strconv.ParseUint(m.Subject[strings.LastIndexByte(m.Subject, '.')+1:], 10, 64)
	if err != nil {
		return
	}
	for failpoint.Held() {
		time.Sleep(poll)
	}
	sequence, err := verdict(m)
	if err == nil {
		failpoint.Hit("append")
	}
	l.settled(number, sequence, err)
}

// verdict reads what the server says to a record.
func verdict(m *nats.Msg) (uint64, error) {
	var a answer
	if len(m.Data) == 0 { // nobody listens: JetStream was shut down
		return 0, ErrUnavailable
	}
	if err := json.Unmarshal(m.Data, &a); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	switch {
	case a.Error == nil && a.Sequence > 0:
		return a.Sequence, nil
	case a.Error == nil:
		return 0, fmt.Errorf("%w: it gives no sequence number", ErrUnavailable)
	case a.Error.Code == codeWrongLast || a.Error.Code == codeWrongLastConst:
		return 0, ErrChanged
	case a.Error.Code == codeStoreFailed && strings.HasPrefix(a.Error.Description, "maximum "):
		return 0, ErrFull
	}
	return 0, errors.Join(ErrUnavailable, errors.New("stream: "+a.Error.Description))
}
