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
	"github.com/nats-io/nats.go/jetstream"

	"weir/failpoint"
)

const (
	// resendFor is for how long a record is sent again with its id, by which the servers know
	// it: well within the time for which they do.
	resendFor = duplicates / 2

	// tellAfter is how long who waits for the fate of a record is left waiting.
	tellAfter = 30 * time.Second
)

// put takes a record to be sent.
func (f *far) put(r *record) {
	f.mu.Lock()
	f.queue = append(f.queue, r)
	f.mu.Unlock()
	select {
	case f.kick <- struct{}{}:
	default:
	}
}

// next waits for a record to be sent; nil: the host has ended.
func (f *far) next() *record {
	for {
		f.mu.Lock()
		if len(f.queue) > 0 {
			r := f.queue[0]
			f.queue = f.queue[1:]
			f.mu.Unlock()
			return r
		}
		f.mu.Unlock()
		select {
		case <-f.kick:
		case <-f.host.broken:
			return nil
		}
	}
}

// carry appends records to an external log, one at a time, until the host ends. What is not
// answered for then, the next Admit finds out about.
func (l *Log) carry(h *host) {
	f := h.far
	for r := f.next(); r != nil; r = f.next() {
		if l.unsettled.forsaken(r) { // it was never sent
			l.settled(r.number, 0, ErrUnavailable)
			continue
		}
		if r.spoiled != nil {
			if err := r.spoiled(); err != nil {
				l.settled(r.number, 0, err)
				continue
			}
		}
		sequence, err := l.deliver(f, r)
		if f.host.err() != nil && sequence == 0 {
			return
		}
		if err == nil {
			failpoint.Hit("append")
			f.last.Store(&place{sequence, r.id})
			f.waits.Store(nil)
		}
		l.settled(r.number, sequence, err)
	}
}

// deliver sends a record until its fate is known, or the host ends.
func (l *Log) deliver(f *far, r *record) (uint64, error) {
	var sent time.Time
	begun := time.Now()
	for {
		err := f.host.err()
		if err != nil {
			return 0, err
		}
		if err = f.sure(); err == nil {
			var sequence uint64
			var known bool
			if sequence, known, err = l.attempt(f, r, sent); known {
				return sequence, err
			}
			if sent.IsZero() {
				sent = time.Now()
			}
		}
		f.doubt(err)
		for _, late := range l.unsettled.late(time.Now().Add(-tellAfter)) {
			late.done(0, err)
		}
		if time.Since(begun) > silentFor {
			begun = time.Now()
			f.leave()
		}
		_ = f.rest(context.Background())
	}
}

// attempt sends a record, which was sent first at a time (zero: never), or finds out what became
// of it, and says whether its fate is known then.
func (l *Log) attempt(f *far, r *record, sent time.Time) (sequence uint64, known bool, err error) {
	if !sent.IsZero() && time.Since(sent) > resendFor {
		return l.find(f, r)
	}
	a, err := f.try(r)
	if err == nil {
		return a.Sequence, true, f.after(a)
	}
	if errors.Is(err, ErrChanged) {
		sequence, err = f.changed(r, !sent.IsZero())
	}
	return sequence, !errors.Is(err, ErrUnavailable), err
}

// after checks that an answer gives a place after all others: a log that has lost its end hands
// out its numbers again.
func (f *far) after(a *answer) error {
	if last := f.last.Load(); last != nil && !a.Duplicate && a.Sequence <= last.sequence {
		return f.lost("record %d of the stream %s was given away a second time, after record %d: it has lost its end", a.Sequence, streamName, last.sequence)
	}
	return nil
}

// sure sees to it that the stream is the one that was followed, with the record that was answered
// for last, where there was reason for doubt.
func (f *far) sure() error {
	if !f.unsure.Swap(false) {
		return nil
	}
	err := f.compare()
	if err != nil {
		f.unsure.Store(true)
	}
	return err
}

func (f *far) compare() error {
	ctx := context.Background()
	if _, err := f.look(ctx); err != nil {
		return err
	}
	last := f.last.Load()
	if last == nil {
		return nil
	}
	m, found, err := f.get(ctx, question{Sequence: last.sequence})
	switch {
	case err != nil:
		return err
	case found && m.id != last.id:
		return f.lost("record %d of the stream %s is another one than it was", last.sequence, streamName)
	}
	return nil // where it is not found it was dropped, or look tells
}

// try sends a record once and waits for the answer.
func (f *far) try(r *record) (*answer, error) {
	m := nats.NewMsg(r.subject)
	m.Data = r.data
	m.Header = nats.Header{jetstream.MsgIDHeader: {r.id}}
	if r.control {
		f.expect(m, subjectControls, r.after)
	} else {
		f.expect(m, subjectLease, f.leased.Load())
	}
	return f.ask(context.Background(), m)
}

// expect lets a record be appended only if the last one of a subject is that with a sequence
// number.
func (f *far) expect(m *nats.Msg, subject string, last uint64) {
	m.Header[jetstream.ExpectedLastSubjSeqHeader] = []string{strconv.FormatUint(last, 10)}
	m.Header[jetstream.ExpectedLastSubjSeqSubjHeader] = []string{subject}
}

// ask sends a record and waits for the answer. After ErrUnavailable it may be on the log.
func (f *far) ask(ctx context.Context, m *nats.Msg) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, tryFor)
	defer cancel()
	f.host.mu.Lock()
	c := f.host.writes
	f.host.mu.Unlock()
	if c == nil {
		return nil, ErrUnavailable
	}
	for failpoint.Held() {
		time.Sleep(poll)
	}
	reply, err := c.RequestMsgWithContext(ctx, m)
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return nil, fmt.Errorf("%w: the stream %s has no leader", ErrUnavailable, streamName)
	case errors.Is(err, nats.ErrMaxPayload):
		return nil, fmt.Errorf("%w: %w", ErrTooLarge, err)
	case err != nil:
		return nil, fmt.Errorf("%w: %w%s", ErrUnavailable, err, f.denied())
	}
	return farVerdict(reply)
}

// Codes of errors of an external server.
const (
	codeTooLarge       = 10054
	codeAccountLimit   = 10002
	codeNoResources    = 10023
	codeStorageLimit   = 10047
	codeAccountStorage = 10028
)

// farVerdict reads what an external server says to a record.
func farVerdict(m *nats.Msg) (*answer, error) {
	_, err := verdict(m)
	a := new(answer)
	if json.Unmarshal(m.Data, a) != nil || a.Error == nil {
		return a, err
	}
	text := strings.TrimSpace(a.Error.Description)
	switch a.Error.Code {
	case codeWrongLastConst: // one is on its way, of which nothing is known yet
		return nil, fmt.Errorf("%w: %s", ErrUnavailable, text)
	case codeTooLarge:
		return nil, fmt.Errorf("%w: %s", ErrTooLarge, text)
	case codeAccountLimit, codeNoResources, codeStorageLimit, codeAccountStorage:
		return nil, fmt.Errorf("%w: %s", ErrFull, text)
	}
	return nil, err
}

// changed finds out what became of a record that was not appended as another one has come
// before it; again: it was sent before, and may itself be that one.
func (f *far) changed(r *record, again bool) (uint64, error) {
	ctx := context.Background()
	if again && r.control {
		m, found, err := f.get(ctx, question{Last: subjectControls})
		if err != nil || found && m.id == r.id {
			return m.place(), err
		}
	}
	m, found, err := f.get(ctx, question{Last: subjectLease})
	switch {
	case err != nil:
		return 0, err
	case found && m.Sequence > f.leased.Load():
		err := takenBy(m)
		f.host.fail(err)
		return 0, err
	case r.control:
		return 0, ErrChanged
	}
	return 0, fmt.Errorf("%w: the lease of the log is not known to its servers", ErrUnavailable)
}

func (m *message) place() uint64 {
	if m == nil {
		return 0
	}
	return m.Sequence
}

// find finds out whether a record is on the log that was sent too long ago to be sent again. It
// takes the lease again first: then it cannot be appended any more.
func (l *Log) find(f *far, r *record) (sequence uint64, known bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), takeTime)
	defer cancel()
	after := uint64(0)
	if last := f.last.Load(); last != nil {
		after = last.sequence
	}
	if err := l.lease(ctx, f); err != nil {
		return 0, errors.Is(err, ErrTaken), err
	}
	found, err := f.ids(ctx, max(after, r.floor), f.leased.Load())
	if err != nil {
		return 0, false, err
	}
	if sequence, ok := found[r.id]; ok {
		return sequence, true, nil
	}
	return 0, true, ErrUnavailable
}
