package cep

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// laneFold folds the log for the rules of a lane.
type laneFold struct {
	of    Joined   // From 0: it is not known yet
	risks []string // that begin with the record of the rules
	free  bool     // to choose From
	past  uint64   // joins up to this record are not meant
	steps *Loop    // knows what is skipped

	lists func(r *Logged, p *Packed) (Record, error) // what a record of kind PackedEntries asks for

	rules     *Rules // of the record At
	published border // where that stands; everything until it has come
	engine    *Engine
	begun     []Record // what records that the log never drops have asked for
	at        uint64   // the last record that was folded
	calm      int64    // the watermark before which no join is asked for
	fx        Effects
	came      []Alert // what the rules matched since they were published
	early     uint64  // matches and time-outs before
}

// begin makes the engine of a lane; it has seen nothing.
func (f *laneFold) begin() {
	rs := f.rules.Ruleset
	var rules []int32
	for i, r := range rs.Rules {
		if slices.Contains(f.of.Rules, r.ID) && !r.Drains {
			rules = append(rules, int32(i))
		}
	}
	o := f.rules.Options
	o.Shards, o.Freezes = 1, false
	f.published, f.calm = everything, math.MinInt64
	f.engine, f.came, f.early = NewEngine(rs.laneOf(rules, f.begins(rs), &f.published), o), nil, 0
	f.engine.Step(f.begun, &f.fx)
	f.fx.Reset()
}

// begins are the risks that begin with the record of the rules.
func (f *laneFold) begins(rs *Ruleset) []RiskID {
	var ids []RiskID
	for i := range rs.Risks {
		if slices.Contains(f.risks, rs.Risks[i].Name) {
			ids = append(ids, RiskID(i))
		}
	}
	return ids
}

// fold folds a batch of records, up to a record of kind PackedJoin that is meant for the lane,
// before which it stops, and which it returns. Where records are missing before the record of the
// rules, a lane that is free to chooses where it begins: behind them.
func (f *laneFold) fold(records []Logged) (join *Logged, err error) {
	var steps []Record
	for i := range records {
		r := &records[i]
		p, err := Unpack(r.Data)
		if errors.Is(err, ErrNewer) {
			return nil, fmt.Errorf("record %d: %w", r.Sequence, err)
		}
		lasts := err == nil && p.Kind > PackedTick // the log drops no such record
		if f.of.From > 0 && r.Sequence > f.of.From && r.Sequence != f.at+1 {
			if !f.free || f.at >= f.of.At {
				return nil, fmt.Errorf("the log has a hole: record %d is followed by record %d", f.at, r.Sequence)
			}
			f.of.From, steps = 0, steps[:0]
			f.begin()
		}
		if f.of.From == 0 && (!lasts || r.Sequence == f.of.At) {
			f.of.From = r.Sequence
		}
		f.at = r.Sequence
		switch {
		case err != nil || !lasts && r.Sequence < f.of.From:
		case r.Sequence == f.of.At:
			f.step(steps)
			steps = steps[:0]
			if err := f.publish(); err != nil {
				return nil, err
			}
		case p.Kind == PackedJoin && p.Joined.At == f.of.At && p.Joined.From == f.of.From && r.Sequence > f.past:
			f.step(steps)
			return r, nil
		default:
			n := len(steps)
			if steps, err = f.appendSteps(steps, r, &p); err != nil {
				return nil, err
			}
			if lasts {
				f.begun = append(f.begun, steps[n:]...)
			}
		}
	}
	f.step(steps)
	return nil, nil
}

// appendSteps appends what a record asks of the engine of the lane.
func (f *laneFold) appendSteps(dst []Record, r *Logged, p *Packed) ([]Record, error) {
	if p.Kind != PackedEntries || len(f.steps.skips[r.Sequence]) > 0 {
		return f.steps.appendSteps(dst, r, p), nil
	}
	change, err := f.lists(r, p)
	return append(dst, change), err
}

// rested reports whether a join may be asked for: all keys that held events back when the last one
// was put off have come to rest, if no late event has come since.
func (f *laneFold) rested() bool { return f.calm == math.MinInt64 || f.engine.here().low > f.calm }

// publish notes that what is matched from here on is out. What has been matched with events that
// rules may match again was taken for early, also where time brings it later: it is matched anew.
func (f *laneFold) publish() error {
	f.published = f.engine.here()
	stats := f.engine.Stats()
	for i, r := range f.engine.rs.Rules {
		if r.quiet != nil {
			f.early += stats.Rules[i].Matches + stats.Rules[i].Timeouts
		}
	}
	var err error
	f.engine, err = Restore(f.engine.rs, f.engine.options, f.engine.Append(nil))
	return err
}

// step steps records, and keeps the alerts of the rules.
func (f *laneFold) step(steps []Record) {
	f.engine.Step(steps, &f.fx)
	f.take()
}

func (f *laneFold) take() {
	for i := range f.fx.Alerts {
		if f.fx.Alerts[i].Rule.quiet != nil {
			f.came = append(f.came, f.fx.Alerts[i])
		}
	}
	f.fx.Reset()
}

// join makes one engine of a lane that has folded all up to here and of main, and gives the alerts
// that come out with that, with main's rules and numbers. Where a key of theirs holds events back
// it is put off (errHoldsBack), and the lane as it was: it may go on.
func (f *laneFold) join(main *Engine, rules *Rules) (*Engine, []Alert, error) {
	if main.holdsBack(f.of.Rules) || f.engine.holdsBack(f.of.Rules) {
		return nil, nil, errHoldsBack
	}
	if err := f.engine.align(main, &f.fx); err != nil {
		return nil, nil, err
	}
	f.take()
	next, err := main.Join(rules, f.of.At, f.of.Rules, f.engine, f.came)
	if err != nil {
		return nil, nil, err
	}
	s := main.lanes.asleepSince(f.of.At)
	var came []Alert
	for _, a := range f.came {
		i := slices.IndexFunc(s.rules, func(n int32) bool { return next.rs.Rules[n].ID == a.Rule.ID })
		if i < 0 {
			continue // it has changed since
		}
		a.Rule = next.rs.Rules[s.rules[i]]
		if a.Cause != nil {
			cause := *a.Cause
			cause.Place += main.place - f.engine.place
			a.Cause = &cause
		}
		came = append(came, a)
	}
	return next, came, nil
}
