package main

import (
	"context"
	"slices"
	"sync"
	"time"

	"weir/cep"
	"weir/nfa"
	"weir/web"
)

// runInTime is how long who publishes rules waits for their run-in, while others may change rules
// again: on a short log it ends at once, and the answer says what came of it.
const runInTime = time.Second

// runIns remembers the last run-in of each rule that has ended since the process began.
type runIns struct {
	mu    sync.Mutex
	ended map[string]cep.LaneStatus // by id
}

// keep takes in a run-in that has ended. there says which rules there are still.
func (r *runIns) keep(s *cep.LaneStatus, there func(id string) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended == nil {
		r.ended = map[string]cep.LaneStatus{}
	}
	for id := range r.ended {
		if !there(id) {
			delete(r.ended, id)
		}
	}
	for _, id := range s.Rules {
		r.ended[id] = *s
	}
}

// of is the run-in of a rule that began with a record; nil: none, or it has not ended.
func (r *runIns) of(id string, at uint64) *cep.LaneStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s, ok := r.ended[id]; ok && s.At == at {
		return &s
	}
	return nil
}

// since is one that began with a record, whatever its rules; nil: none, or it has not ended.
func (r *runIns) since(at uint64) *cep.LaneStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.ended {
		if s.At == at {
			return &s
		}
	}
	return nil
}

// joined is told by the loop of rules that are in force from now on.
func (b *rulebook) joined(s *cep.LaneStatus) {
	e := b.last.Load()
	b.runIns.keep(s, func(id string) bool { return e.Published.Rules[id].Digest != "" })
}

// laneSince finds the run-in that began with a record.
func laneSince(lanes []cep.LaneStatus, at uint64) *cep.LaneStatus {
	if i := slices.IndexFunc(lanes, func(s cep.LaneStatus) bool { return s.At == at }); i >= 0 {
		return &lanes[i]
	}
	return nil
}

// awaitRunIn waits a little until the rules of a record are in force that are run in, and says how
// far they have come; nil: none is. The record is stepped.
func (b *rulebook) awaitRunIn(ctx context.Context, at uint64) *web.RunIn {
	ctx, cancel := context.WithTimeout(ctx, b.patience)
	defer cancel()
	for {
		s := laneSince(b.v.loop.Status().Lanes, at)
		if s == nil {
			ended := b.runIns.since(at)
			if ended == nil || !b.v.inForce(ctx, ended.Joins) { // else what it brought is stored
				ended = nil
			}
			return b.runIn(ended, true)
		}
		if s.Fault != "" {
			return b.runIn(s, false)
		}
		select {
		case <-ctx.Done():
			return b.runIn(s, false)
		case <-time.After(time.Millisecond):
		}
	}
}

// runIn is what is shown of a run-in; nil: of none.
func (b *rulebook) runIn(s *cep.LaneStatus, ended bool) *web.RunIn {
	if s == nil {
		return nil
	}
	r := &web.RunIn{Rules: s.Rules, Position: b.v.position(s.At).String(), Before: s.Early, Fault: s.Fault}
	if s.From > 0 {
		r.From = b.v.position(s.From).String()
		if c, ok, err := b.v.stream.At(context.Background(), s.From); ok && err == nil { // it may be gone: then nothing is known of it
			r.Since = cep.FormatTime(c.Appended)
		}
		r.Left = s.Target - min(s.Position, s.Target)
		if all := max(s.Target, s.Position) - min(s.From, s.Target) + 1; s.Position >= s.From {
			r.Done = float64(s.Position-s.From+1) / float64(all)
		}
	}
	if ended {
		r.Joined, r.Done, r.Left = b.v.position(s.Joins).String(), 1, 0
	}
	return r
}

// looksBack says how far back what a rule matches may lie: its window, and the longest one of the
// features that it looks at. all: as far as the log reaches; empty: a match is one event.
func looksBack(rs *cep.Ruleset, id string) string {
	i := slices.IndexFunc(rs.Rules, func(r *cep.Rule) bool { return r.ID == id && !r.Drains })
	if i < 0 {
		return ""
	}
	r := rs.Rules[i]
	far, all := time.Duration(0), false
	if r.Program != nil {
		far = time.Duration(r.Program.Within())
		all = far == 0 && len(r.Names) > 1
	}
	var features []int
	for _, id := range r.Reads {
		features = append(features, rs.Reads[id].Feature)
	}
	for _, n := range []int{r.WindowClose, r.Evidence} {
		if n > 0 {
			features = append(features, n-1)
		}
	}
	longest := time.Duration(0)
	for _, f := range features {
		size := time.Duration(rs.Features[f].Spec.Window.Size)
		all = all || size == 0
		longest = max(longest, size)
	}
	switch far += longest; {
	case all:
		return "all"
	case far == 0:
		return ""
	}
	return nfa.FormatDuration(far)
}
