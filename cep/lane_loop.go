package cep

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"weir/failpoint"
)

// LaneOptions are how a Loop runs lanes.
type LaneOptions struct {
	// Pace is called before a lane steps a batch, on a goroutine of its own; what it returns is
	// called after that, and may wait so that other work is not slowed. nil: nothing waits.
	Pace func() (rest func())

	// Scarce says whether the log has so little room left that it is not kept for lanes any more:
	// one that has not asked to join is given up, and its rules sleep on. It may be called on
	// several goroutines. nil: it never has.
	Scarce func() bool
}

// errScarce says why a lane was given up.
var errScarce = errors.New("the log is almost full, and is not kept for a run-in any more")

// nearEnd is how many records a lane may be behind the end of the log when it asks to join.
const nearEnd = 16

// LaneStatus is how far a lane has come.
type LaneStatus struct {
	At       uint64   // sequence of the record that published its rules
	Rules    []string // ids, in order
	From     uint64   // the first record that it folds; 0: it has not read any yet
	Position uint64   // the last record that it has folded
	Target   uint64   // the last record of the log, as the lane saw it
	Early    uint64   // matches and time-outs of its rules before they were published
	Joins    uint64   // sequence of the record at which it joins; 0: it has not caught up
	Fault    string   // why it has stopped: its rules sleep on; empty: it has not
}

// lane folds the log for rules that sleep, on a goroutine of its own.
type lane struct {
	fold laneFold // of the goroutine, until ended is closed
	stop context.CancelFunc

	mu     sync.Mutex
	status LaneStatus

	asked uint64        // sequence of the join that the goroutine has appended
	ended chan struct{} // closed when the goroutine has ended:
	join  uint64        // at this join, up to which it has folded; 0:
	err   error         // for this reason
}

func (w *lane) tell(change func(s *LaneStatus)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.status)
}

func (w *lane) told() LaneStatus {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.status
}

// folder makes the fold of what sleeps since a record.
func (l *Loop) folder(s *sleep) laneFold {
	rs := l.engine.rs
	f := laneFold{of: Joined{At: s.at, Rules: rs.idsOf(s.rules)}, steps: &Loop{skips: maps.Clone(l.skips)}}
	for _, id := range s.risks {
		f.risks = append(f.risks, rs.Risks[id].Name)
	}
	return f
}

// loadLane reads the rules of a lane from the log, if it has none.
func (l *Loop) loadLane(ctx context.Context, f *laneFold) error {
	f.lists = func(r *Logged, p *Packed) (Record, error) { return listRecord(ctx, l.o.Log, r, p) }
	if f.engine != nil {
		return nil
	}
	r, ok, err := l.o.Log.At(ctx, f.of.At)
	if err != nil {
		return err
	}
	p, err := Unpack(r.Data)
	if !ok || err != nil || p.Kind != PackedRules {
		return fmt.Errorf("record %d, which published the rules, is not on the log", f.of.At)
	}
	body := p.Body
	if l.o.Gather != nil {
		body, err = l.o.Gather(body, func(part uint64) ([]byte, error) { return PartAt(ctx, l.o.Log, part) })
		if err != nil {
			return err
		}
	}
	if f.rules, err = l.compile(body); err != nil {
		return err
	}
	f.begin()
	return nil
}

// again reads records of the log once more.
func (l *Loop) again(ctx context.Context, after uint64, dst []Logged) ([]Logged, error) {
	if l.o.Again != nil {
		return l.o.Again(ctx, after, dst)
	}
	return l.o.Log.Read(ctx, after, dst)
}

// tendLanes begins the lanes of rules that sleep, and ends those of rules that do not.
func (l *Loop) tendLanes(ctx context.Context) {
	for at := range l.lanes {
		if l.engine.lanes.asleepSince(at) == nil {
			l.endLane(at)
		}
	}
	if l.o.Lanes == nil {
		return
	}
	for i := range l.engine.lanes.asleep {
		s := &l.engine.lanes.asleep[i]
		if w := l.lanes[s.at]; w != nil && w.told().Fault == "" {
			continue
		} else if w != nil {
			l.endLane(s.at)
		}
		f := l.folder(s)
		f.free, f.past = true, l.at.Sequence
		l.beginLane(ctx, f)
	}
}

// endLane stops a lane and waits until it has ended.
func (l *Loop) endLane(at uint64) {
	w := l.lanes[at]
	w.stop()
	<-w.ended
	if delete(l.lanes, at); w.asked > 0 { // it is still to be stepped
		l.joined = append(l.joined, joinedAt{w.asked, w.fold.of.From})
	}
}

// endLanes ends all lanes.
func (l *Loop) endLanes() {
	for at := range l.lanes {
		l.endLane(at)
	}
}

// runLane folds the log until the lane may join, and is joined.
func (l *Loop) runLane(ctx context.Context, w *lane) {
	defer close(w.ended)
	w.err = guarded("a lane", func() error { return l.foldLane(ctx, w) })
	if w.err == nil || ctx.Err() != nil {
		return
	}
	w.tell(func(s *LaneStatus) { s.Fault = w.err.Error() })
	go func() {
		select {
		case l.faults <- w:
		case <-ctx.Done():
		}
	}()
}

// notifyLane tells that rules sleep on.
func (l *Loop) notifyLane(sequence uint64, rules []string, why error) {
	n := &Notice{Kind: NoticeLane, Position: Position{l.at.Incarnation, sequence}, Text: fmt.Sprintf("the run-in of %q has stopped, and the rules sleep until the next start or publish: %v", rules, why)}
	if f, ok := errors.AsType[*faulted](why); ok {
		n.Stack = f.stack
	}
	if l.o.Notify != nil {
		l.o.Notify(n)
	}
}

func (l *Loop) foldLane(ctx context.Context, w *lane) error {
	f := &w.fold
	if err := l.loadLane(ctx, f); err != nil {
		return err
	}
	var records []Logged
	asked := false
	for {
		var err error
		if records, err = l.again(ctx, f.at, records[:0]); err != nil {
			return err
		}
		failpoint.Hit("lane.read")
		rest := func() {}
		if l.o.Lanes.Pace != nil {
			rest = l.o.Lanes.Pace()
		}
		join, err := f.fold(records)
		if err != nil {
			return err
		}
		if join != nil {
			w.join = join.Sequence
			w.tell(func(s *LaneStatus) { s.Position, s.Joins = join.Sequence, join.Sequence })
			return nil
		}
		last, err := l.o.Log.Last(ctx)
		if err != nil {
			return err
		}
		w.tell(func(s *LaneStatus) {
			s.From, s.Position, s.Target, s.Early = f.of.From, f.at, max(last, f.at), f.early
		})
		if !asked && l.o.Lanes.Scarce != nil && l.o.Lanes.Scarce() {
			return errScarce
		}
		if !asked && f.at >= f.of.At && last <= f.at+nearEnd && f.rested() {
			asked = true
			failpoint.Hit("lane.join")
			if w.asked, err = l.o.Log.Append(ctx, &Packed{Kind: PackedJoin, Joined: f.of}); err != nil {
				return err
			}
			failpoint.Hit("lane.joined")
		}
		if !asked {
			rest()
		}
	}
}

// awaitLane waits until a lane has folded all up to a join; where none that runs does, it folds
// the log here. nil: nobody waits for the join.
func (l *Loop) awaitLane(ctx context.Context, sequence uint64, of *Joined) (*laneFold, error) {
	s := l.engine.lanes.asleepSince(of.At)
	if s == nil || len(l.skips[sequence]) > 0 || !slices.ContainsFunc(s.rules, func(n int32) bool { return slices.Contains(of.Rules, l.engine.rs.Rules[n].ID) }) {
		return nil, nil
	}
	if w := l.lanes[of.At]; w != nil {
		if status := w.told(); status.From == of.From && status.Position < sequence && status.Fault == "" {
			select {
			case <-w.ended:
				if w.err == nil && w.join == sequence {
					delete(l.lanes, of.At)
					return &w.fold, nil
				}
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		} else if status.Joins == sequence {
			<-w.ended
			delete(l.lanes, of.At)
			return &w.fold, nil
		}
		l.endLane(of.At)
	}
	f := l.folder(s)
	f.of, f.past = *of, sequence-1
	err := l.loadLane(ctx, &f)
	var records []Logged
	for err == nil {
		if records, err = l.again(ctx, f.at, records[:0]); err != nil {
			break
		}
		var join *Logged
		if join, err = f.fold(records); join != nil {
			return &f, nil
		}
		if err == nil && f.at >= sequence {
			err = errors.New("the record of the join is not on the log")
		}
	}
	return nil, err
}

// errEnded says that a Loop was ended before it stepped a record.
var errEnded = errors.New("the loop ends")

// join steps a record of kind PackedJoin, which is the next.
func (l *Loop) join(ctx context.Context, r *Logged) error {
	p, err := Unpack(r.Data)
	if err != nil || r.Sequence != l.at.Sequence+1 {
		return nil // stepping it says so
	}
	of := &p.Joined
	var f *laneFold
	err = guarded("a lane", func() (err error) {
		f, err = l.awaitLane(ctx, r.Sequence, of)
		return err
	})
	if ctx.Err() != nil {
		return errEnded
	}
	if err == nil && f == nil {
		return nil
	}
	early := uint64(0)
	if err == nil {
		early = f.early
		err = guarded("a join", func() error {
			failpoint.Hit("join")
			l.saveAll()
			next, came, err := f.join(l.engine, l.rules.Load())
			if err != nil {
				return err
			}
			l.engine = next
			l.fx.Alerts = append(l.fx.Alerts, came...)
			l.events++
			l.joined = append(l.joined, joinedAt{r.Sequence, of.From})
			failpoint.Hit("joined")
			if l.engine.lanes.asleepSince(of.At) != nil { // some were not named
				l.tendLanes(ctx)
			}
			l.notifyJoined(&LaneStatus{At: of.At, Rules: of.Rules, From: of.From, Position: r.Sequence, Target: r.Sequence, Early: early, Joins: r.Sequence}, len(came))
			return nil
		})
	}
	switch {
	case errors.Is(err, errHoldsBack):
		l.putOff(ctx, r, f)
	case err != nil:
		l.notifyLane(r.Sequence, of.Rules, err)
		l.lanes[of.At] = failedLane(of, err)
	}
	return nil
}

// notifyJoined tells that rules are in force.
func (l *Loop) notifyJoined(s *LaneStatus, came int) {
	if l.o.Notify == nil {
		return
	}
	l.o.Notify(&Notice{
		Kind: NoticeJoined, Position: Position{l.at.Incarnation, s.Joins}, Lane: s,
		Text: fmt.Sprintf("the rules %q are in force: the log was folded for them from record %d on, %d matches came before they were published and make no alert, %d alerts came since", s.Rules, s.From, s.Early, came),
	})
}

// putOff lets a lane go on that cannot join at a record, as a key holds events back. That lies in
// the states there: a replay puts it off, too.
func (l *Loop) putOff(ctx context.Context, r *Logged, f *laneFold) {
	l.joined = append(l.joined, joinedAt{r.Sequence, f.of.From})
	l.notify(NoticeLane, r.Sequence, fmt.Sprintf("the rules %q sleep on: late events of a key of theirs have used up what may be matched again, so it holds events back, and cannot be joined. They are joined once the watermark has passed the latest event", f.of.Rules))
	if l.o.Lanes == nil {
		return
	}
	f.past, f.free, f.calm = r.Sequence, false, l.engine.order.now
	l.beginLane(ctx, *f)
}

// beginLane lets a lane fold on a goroutine of its own.
func (l *Loop) beginLane(ctx context.Context, f laneFold) {
	running, stop := context.WithCancel(ctx)
	w := &lane{fold: f, stop: stop, ended: make(chan struct{})}
	w.status = LaneStatus{At: f.of.At, Rules: f.of.Rules, From: f.of.From, Position: f.at, Target: f.at, Early: f.early}
	l.lanes[f.of.At] = w
	go l.runLane(running, w)
}

// failedLane stands for a lane that cannot join.
func failedLane(of *Joined, why error) *lane {
	w := &lane{stop: func() {}, ended: make(chan struct{}), err: why}
	w.status = LaneStatus{At: of.At, Rules: of.Rules, From: of.From, Fault: why.Error()}
	close(w.ended)
	return w
}

// joinedAt is a join that is on the log, and from where on its lane needs the log.
type joinedAt struct{ sequence, from uint64 }

// needed is the first record that is needed where the oldest checkpoint that is kept is as of a
// record: what lanes fold, and what was folded for joins that come after it.
func (l *Loop) needed(oldest uint64) uint64 {
	first := oldest
	l.joined = slices.DeleteFunc(l.joined, func(j joinedAt) bool { return j.sequence <= oldest })
	for _, j := range l.joined {
		first = min(first, j.from)
	}
	for i := range l.engine.lanes.asleep {
		from := uint64(0)
		if w := l.lanes[l.engine.lanes.asleep[i].at]; w != nil {
			s := w.told()
			if s.Fault != "" {
				continue
			}
			from = s.From
		}
		first = min(first, from)
	}
	return first
}

// laneStatus tells of all lanes, by the record that published their rules.
func (l *Loop) laneStatus() []LaneStatus {
	var all []LaneStatus
	for i := range l.engine.lanes.asleep {
		s := &l.engine.lanes.asleep[i]
		if w := l.lanes[s.at]; w != nil {
			all = append(all, w.told())
		} else {
			all = append(all, LaneStatus{At: s.at, Rules: l.engine.rs.idsOf(s.rules)})
		}
	}
	return all
}
