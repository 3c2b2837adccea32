package stream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"weir/failpoint"
)

// Shares of the size, in percent: Release drops records where the log is fuller than
// fullAbove, until it is no fuller than fullBelow.
const (
	fullAbove = 75
	fullBelow = 60
)

// Release says that records up to a sequence number are not needed to begin again. Where
// the log is more than three quarters full it drops the oldest of those before that number,
// until it is 60 % full: as much as possible stays for who wants to look back. The record
// with that number stays, as do all that say something of rules and processes; of lists DropLists
// drops what is not needed.
func (l *Log) Release(ctx context.Context, sequence uint64) error {
	h, err := l.up()
	if err != nil {
		return err
	}
	full := func(percent int64) bool { return l.stored.Load() > l.options.Size/100*percent }
	if !full(fullAbove) {
		return nil
	}
	all, err := h.generations(ctx)
	if err != nil {
		return err
	}
	used := l.oldestGeneration()
	for _, g := range all {
		if g >= used {
			break // between a look at its last record and the purge another may come
		}
		number := strconv.FormatUint(g, 10)
		if _, err := l.drop(ctx, h, subjectBatch+number, sequence); err != nil {
			return err
		}
		if _, err := l.drop(ctx, h, subjectTick+number, sequence); err != nil {
			return err
		}
		state, err := h.info(ctx)
		if err != nil {
			return err
		}
		now := int64(state.Bytes)
		l.purged.Add(max(0, l.stored.Swap(now)-now))
		if !full(fullBelow) {
			break
		}
	}
	return nil
}

// oldestGeneration is the first generation that records may still get: that of the oldest
// that was sent and not answered for, or the one at hand.
func (l *Log) oldestGeneration() uint64 {
	l.sending.Lock()
	defer l.sending.Unlock()
	oldest := l.generation
	for _, r := range l.unsettled.all() {
		if number, err := strconv.ParseUint(r.subject[strings.LastIndexByte(r.subject, '.')+1:], 10, 64); r.generation && err == nil {
			oldest = min(oldest, number)
		}
	}
	return oldest
}

// drop removes the records of a subject, if all have lower sequence numbers than before;
// false: it left them, or there were none. What is missing up to the last of them is no loss
// from then on.
func (l *Log) drop(ctx context.Context, h *host, subject string, before uint64) (gone bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	js, err := h.manager()
	if err != nil {
		return false, err
	}
	s, err := js.Stream(ctx, streamName)
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if h.far != nil { // others than the leader may not have the last one yet
		last, found, err := h.far.get(ctx, question{Last: subject})
		if err != nil || !found || last.Sequence >= before {
			return false, err
		}
	} else {
		last, err := s.GetLastMsgForSubject(ctx, subject)
		switch {
		case errors.Is(err, jetstream.ErrMsgNotFound):
			return false, nil
		case err != nil:
			return false, fmt.Errorf("%w: %w", ErrUnavailable, err)
		case last.Sequence >= before:
			return false, nil
		}
		if err := writeDropped(l.options.Dir, last.Sequence); err != nil {
			return false, fmt.Errorf("stream: %w", err)
		}
	}
	if err := s.Purge(ctx, jetstream.WithPurgeSubject(subject)); err != nil {
		return false, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	failpoint.Hit("purge")
	return true, nil
}
