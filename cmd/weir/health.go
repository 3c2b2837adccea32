package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"weir/alerts"
	"weir/cep"
	"weir/web"
)

// health is what is looked at now and then, as asking takes time.
type health struct {
	logDown  atomic.Pointer[string] // why the log does not answer; nil: it does
	owing    atomic.Int64           // nanoseconds for which it has owed an answer
	freeDisk atomic.Uint64
	losses   atomic.Uint64
	counted  atomic.Uint64
	skipped  atomic.Uint64
	notices  atomic.Uint64
	missing  atomic.Uint64          // records that the log has lost before the state
	gaps     atomic.Pointer[string] // which they are; nil: none is missing, as far as was looked
	caughtUp atomic.Int64           // when all was stepped last, wall clock in nanoseconds
	ids      atomic.Pointer[ruleIDs]
	saved    atomic.Int64 // since when the newest checkpoint has not had all that was folded, wall clock in nanoseconds; 0: it has
	newest   cep.Position // of the newest checkpoint, when it was looked at last
	budget   string       // what was told of it last: closings
}

// ruleIDs are the ids of the rules in force and the names of their features, as metrics name
// them.
type ruleIDs struct {
	of       *cep.Rules
	ids      []string
	features []string
}

// names gives those of the rules in force. It is asked with each request.
func (h *health) names(r *cep.Rules) (ids, features []string) {
	if known := h.ids.Load(); known != nil && known.of == r {
		return known.ids, known.features
	}
	now := &ruleIDs{of: r}
	now.ids, now.features = namesIn(r.Ruleset)
	h.ids.Store(now)
	return now.ids, now.features
}

// watchEvery is how often health is looked at.
const watchEvery = 500 * time.Millisecond

// watch looks at the health of the service, but for that of the log.
func (v *service) watch(ctx context.Context) {
	clock := time.NewTicker(watchEvery)
	defer clock.Stop()
	for {
		v.look()
		select {
		case <-ctx.Done():
			return
		case <-clock.C:
		}
	}
}

func (v *service) look() {
	if free, err := freeDisk(v.settings.Data); err == nil {
		v.health.freeDisk.Store(free)
	}
	if losses, err := v.store.Losses(); err == nil {
		n := 0
		for i := range losses {
			if losses[i].AckedAt == 0 {
				n++
			}
		}
		v.health.losses.Store(uint64(n))
	}
	if notices, ever, err := v.store.Notices(); err == nil && ever != v.health.notices.Load() {
		n := 0
		for i := range notices {
			if notices[i].Kind == alerts.Skipped {
				n++
			}
		}
		v.health.skipped.Store(uint64(n))
		v.health.notices.Store(ever)
	}
	v.health.keep(v.loop.Status())
	v.tellBudget()
	if tallies, err := v.store.Tallies(); err == nil {
		n := uint64(0)
		for i := range tallies {
			for _, over := range tallies[i].Over {
				n += over
			}
		}
		v.health.counted.Store(n)
	}
}

// noRules is said where there is nothing that could match.
const noRules = "no rule is in force: events are taken in, and nothing comes of them; add rules to the folder and start again"

// status says how the service is.
func (v *service) status() *web.Status {
	l := v.loop.Status()
	last, _ := v.stream.LastAppended()
	size := v.stream.Stats()
	s := &web.Status{
		Stepped:    l.Stepped,
		End:        cep.Position{Incarnation: l.Stepped.Incarnation, Sequence: last},
		Checkpoint: l.Checkpoint,
		LogBytes:   uint64(size.Bytes), LogSize: uint64(size.Size),
		FreeDisk: v.health.freeDisk.Load(), Reserve: uint64(v.settings.Reserve),
		Differs: l.Differs, Stats: l.Stats,
		LagBytes: v.backlog.behind(l.Stepped.Sequence),
		Unsaved:  l.Unsaved,
		Lanes:    l.Lanes,
		Port:     v.portStatus(),
		Unkept:   v.health.unkept(),
		Out:      v.outStatus(),
		Losses:   v.health.losses.Load(), Skipped: v.health.skipped.Load(), Counted: v.health.counted.Load(),
	}
	if r := v.loop.Rules(); r != nil {
		s.Rules, s.Features = v.health.names(r)
		if len(s.Rules) == 0 {
			s.Warnings = append(s.Warnings, noRules)
		}
	}
	s.LogDown = v.logDown()
	s.Lag = v.lagTime(l)
	if s.Losses > 0 {
		s.Warnings = append(s.Warnings, fmt.Sprintf("the log has lost its end %d times, and nobody has acknowledged it: weir state inspect says what, POST /v1/losses/ack says that it is all right", s.Losses))
	}
	s.Missing = v.health.missing.Load()
	if what := v.health.gaps.Load(); what != nil {
		s.Warnings = append(s.Warnings, *what+"; the state has seen them, and what looks back misses them: weir state check")
	}
	if s.Unreadable = uint64(v.store.Unreadable()); s.Unreadable > 0 {
		s.Warnings = append(s.Warnings, fmt.Sprintf("%d stored versions of alerts cannot be read, as alerts.db is damaged: weir state check names them; restore it from a backup", s.Unreadable))
	}
	if s.Skipped > 0 {
		s.Warnings = append(s.Warnings, fmt.Sprintf("stepping has panicked, and %d notices say what is not stepped: weir state inspect", s.Skipped))
	}
	if r := v.loop.Rules(); r != nil && len(r.Left) > 0 {
		s.Warnings = append(s.Warnings, fmt.Sprintf("%d rules and features are left out, as this weir does not compile them, the first one %s: change them and restart, or start the weir before: weir state inspect says why", len(r.Left), r.Left[0].Part))
	}
	if l.Unsaved > 0 {
		s.Warnings = append(s.Warnings, fmt.Sprintf("%d checkpoints could not be saved since the start; the one that is kept is as of %s: weir state inspect", l.Unsaved, l.Checkpoint))
	}
	if l.Differs > 0 {
		s.Warnings = append(s.Warnings, fmt.Sprintf("%d replays brought other effects than those that are kept", l.Differs))
	}
	if s.Out.Down != "" {
		s.Warnings = append(s.Warnings, "what leaves is not published to WEIR_OUT, and waits: "+s.Out.Down)
	}
	if text := budgetWarning(&s.Stats, sharesOf(s.Rules, s.Features, &s.Stats)); text != "" {
		s.Warnings = append(s.Warnings, text)
	}
	return s
}

// lagTime is how long ago the record stepped last was appended, while others wait behind it.
func (v *service) lagTime(l *cep.LoopStatus) time.Duration {
	last, when := v.stream.LastAppended()
	// A record that comes after a while of quiet is no older than that it has come.
	now := time.Now().UnixNano()
	if last <= l.Stepped.Sequence {
		v.health.caughtUp.Store(now)
		return 0
	}
	until := now // also where nothing more is taken in, as too much waits
	if v.settings.Nats.URL != "" {
		until = when // the clock of other servers
	}
	return time.Duration(max(0, min(until-l.Appended, now-v.health.caughtUp.Load())))
}

// keep looks how long ago it is that a checkpoint had all that was folded.
func (h *health) keep(l *cep.LoopStatus) {
	switch {
	case l.Checkpoint == l.Stepped:
		h.saved.Store(0)
	case l.Checkpoint != h.newest || h.saved.Load() == 0:
		h.saved.Store(time.Now().UnixNano())
	}
	h.newest = l.Checkpoint
}

// unkept is for how long the newest checkpoint has not had all that was folded.
func (h *health) unkept() time.Duration {
	since := h.saved.Load()
	if since == 0 {
		return 0
	}
	return max(0, time.Duration(time.Now().UnixNano()-since))
}
