package cep

import (
	"context"
	"fmt"
)

// Recovery says from where a Loop folds its log.
type Recovery struct {
	From        int    // the checkpoint to begin with, an index; -1: the log from its first record
	Incarnation uint64 // of the log from now on
	Applied     uint64 // the effects of records up to here are in the Sink
	Compare     bool   // the digest there must be that of the Sink
	Lost        *Loss  // the log has lost its end since
}

// Loss is a part of the log that is gone, though effects of it were kept.
type Loss struct {
	After uint64 // the records after this one are gone,
	Until uint64 // up to this one at least
}

// Apart is an error that says which file says what where files and log cannot be brought into
// agreement. Only a person can do something about it.
type Apart struct {
	// NoState says that the log begins after its first record, and that there is no state to
	// go on from. The Recovery that comes with it says the rest.
	NoState bool

	text string
}

func (a *Apart) Error() string { return a.text }

func apart(format string, args ...any) error { return &Apart{text: fmt.Sprintf(format, args...)} }

// Recover compares the files that follow a log with it: sink is how far the effects have
// come that are kept, and checkpoints are those that there are, newest first. It changes
// nothing. These hold:
//
//   - what a file was derived from is still on the log, or the log ends before it: then
//     its end was lost, a new incarnation begins, and the state goes back to a checkpoint
//     that lies before;
//   - the state does not lie after the effects that are kept: it goes back too;
//   - nothing is missing between the state and the end of the log. The Loop sees to that.
//
// Where they cannot be made to hold without losing what a checkpoint has, the error is an
// Apart.
func Recover(ctx context.Context, log Log, checkpoints []Mark, sink Mark) (*Recovery, error) {
	last, err := log.Last(ctx)
	if err != nil {
		return nil, err
	}
	r := &Recovery{From: -1, Incarnation: max(1, sink.Position.Incarnation), Applied: sink.Position.Sequence, Compare: true}
	until := sink.Position.Sequence
	for _, c := range checkpoints {
		r.Incarnation = max(r.Incarnation, c.Position.Incarnation)
		until = max(until, c.Position.Sequence)
	}
	if until > last {
		r.Lost = &Loss{After: last, Until: until}
		r.Incarnation++
	}
	if r.Applied > last {
		r.Applied, r.Compare = last, false
	} else if err := standsAt(ctx, log, "the alerts file", sink); err != nil {
		return nil, err
	}
	for i, c := range checkpoints {
		if c.Position.Sequence > r.Applied {
			continue
		}
		if err := standsAt(ctx, log, "the state file", c); err != nil {
			return nil, err
		}
		r.From = i
		return r, nil
	}
	// From the beginning, if there is one.
	begins, err := reachesBack(ctx, log, last)
	switch {
	case err != nil:
		return nil, err
	case len(checkpoints) > 0 && r.Lost != nil:
		return nil, apart("the log ends at record %d, and the oldest state that is kept is as of record %d: the log was replaced, or has lost more than its last records; weir state rebase goes on with that state and this log, or restore the log", last, checkpoints[len(checkpoints)-1].Position.Sequence)
	case last > 0 && !begins:
		return r, &Apart{true, fmt.Sprintf("the log begins after record 1, and there is no state as of a record up to %d, to which the alerts file has come: restore the state file, or weir state rebase goes on from what there is", r.Applied)}
	}
	return r, nil
}

// standsAt says whether the record that a file was derived from is on the log.
func standsAt(ctx context.Context, log Log, file string, m Mark) error {
	if m.Position.Sequence == 0 {
		return nil
	}
	l, ok, err := log.At(ctx, m.Position.Sequence)
	switch {
	case err != nil:
		return err
	case !ok:
		return apart("%s is as of record %s, which is not on the log any more: one of them was replaced; restore it, or weir state rebase goes on with both as they are", file, m.Position)
	case l.Sum() != m.Sum:
		return apart("%s is as of record %s with the checksum %08x, and the record that stands there on the log has %08x: one of them was replaced; restore it, or weir state rebase goes on with both as they are", file, m.Position, m.Sum, l.Sum())
	}
	return nil
}

// reachesBack says whether a log has its first records. Those that say something of the rules are
// never dropped, and of the others the oldest go first: the first of these tells.
func reachesBack(ctx context.Context, log Log, last uint64) (bool, error) {
	var records []Logged
	for after := uint64(0); after < last; {
		var err error
		if records, err = log.Read(ctx, after, records[:0]); err != nil {
			return false, err
		}
		for i := range records {
			r := &records[i]
			if r.Sequence != after+1 {
				return false, nil
			}
			after = r.Sequence
			if p, err := Unpack(r.Data); err != nil || p.Kind <= PackedTick {
				return true, nil
			}
		}
	}
	return true, nil
}
