package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"weir/alerts"
	"weir/cep"
	"weir/cep/stream"
	"weir/state"
)

// gap is a run of records that the log has lost: it has records before and after them, and has
// not dropped them. What was damaged in a file of the log is passed over where it is read.
type gap struct{ first, last uint64 }

// gaps are all of them.
type gaps struct {
	first   []gap // the first ones, mostGaps at most
	runs    int
	records uint64
}

// mostGaps is how many gaps are named.
const mostGaps = 10

// look takes in what is missing between a record and those that were read after it. What is
// missing up to known was dropped, or somebody knows of it; so was what the log has dropped,
// which is asked after the read: it may drop more at any time.
func (g *gaps) look(log *stream.Log, after uint64, records []cep.Logged, known uint64) error {
	dropped, err := log.Dropped()
	if err != nil {
		return err
	}
	known = max(known, dropped)
	for i := range records {
		n := records[i].Sequence
		if there := max(after, known); there < n-1 {
			g.add(gap{there + 1, n - 1})
		}
		after = n
	}
	return nil
}

func (g *gaps) add(one gap) {
	g.runs++
	g.records += one.last - one.first + 1
	if len(g.first) < mostGaps {
		g.first = append(g.first, one)
	}
}

// String names the records that are missing.
func (g *gaps) String() string {
	if g.runs == 0 {
		return "none"
	}
	var b strings.Builder
	b.WriteString("record ")
	if g.records > 1 {
		b.Reset()
		b.WriteString("records ")
	}
	for i, one := range g.first {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprint(&b, one.first)
		if one.last > one.first {
			fmt.Fprintf(&b, " to %d", one.last)
		}
	}
	if more := g.runs - len(g.first); more > 0 {
		fmt.Fprintf(&b, " and %d more runs, %d records in all", more, g.records)
	}
	return b.String()
}

// missing says what is wrong with a log that has gaps.
func (g *gaps) missing() string {
	return fmt.Sprintf("the log has lost %s, which it has not dropped: its files were damaged", g)
}

// rebasedAt is where files went on by the decision of an operator, last; zero: never.
func rebasedAt(s *state.Store) (cep.Position, error) {
	notices, _, err := s.Notices()
	var last cep.Position
	for i := range notices {
		if notices[i].Kind == alerts.Rebased {
			last = notices[i].Position
		}
	}
	return last, err
}

// lookEvery is how often a few megabytes of the log are read to find out whether all of it can
// be: it is not to keep the service from its events.
const lookEvery = 100 * time.Millisecond

// lookForGaps reads, beside all else, the log up to the record after which the loop reads it
// itself, and tells of what is missing.
func (v *service) lookForGaps(ctx context.Context, until uint64) {
	rebased, err := rebasedAt(v.store)
	if err != nil {
		v.log.Warn("notices cannot be read", "error", err)
	}
	clock := time.NewTicker(lookEvery)
	defer clock.Stop()
	var found gaps
	var records []cep.Logged
	for after := uint64(0); after < until; {
		records, err = v.stream.Read(ctx, after, records[:0])
		if err == nil {
			err = found.look(v.stream, after, records, rebased.Sequence)
		}
		if n := len(records); err == nil && n > 0 {
			after = records[n-1].Sequence
		}
		v.health.missing.Store(found.records)
		if err != nil && !errors.Is(err, stream.ErrUnavailable) && ctx.Err() == nil {
			v.log.Warn("the log cannot be read as a whole", "after", after, "error", err)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-clock.C: // a log that does not answer is asked again
		}
	}
	if found.runs > 0 {
		v.health.gaps.Store(new(found.missing()))
		v.log.Warn("the log has lost records that the state has seen: events go on, and what looks back misses them", "missing", found.String())
	}
}
