package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"weir/alerts"
	"weir/cep"
	"weir/cep/stream"
	"weir/state"
)

// passesOver notes a checkpoint that the loop could not begin with: of rules that mean another
// program to this weir, or one that panics. The next one, or the log, takes its place.
func (v *service) passesOver(err error) bool {
	u, ok := errors.AsType[*cep.Unusable](err)
	if !ok {
		return false
	}
	v.unusable = append(v.unusable, u.Position)
	v.recompilable = slices.DeleteFunc(v.recompilable, func(p cep.Position) bool { return p == u.Position })
	if _, ok := errors.AsType[*cep.OtherPrograms](err); ok {
		v.recompilable = append(v.recompilable, u.Position)
	}
	v.tell(&alerts.Notice{
		Kind: alerts.Fallback, Position: u.Position,
		Text: u.Error() + "; an older one is taken, or else the state is folded again from the log",
	})
	if u.Stack != "" {
		v.log.Warn("where it panicked", "stack", u.Stack)
	}
	return true
}

// tell logs and keeps a notice.
func (v *service) tell(n *alerts.Notice) {
	v.log.Warn(n.Text, "position", n.Position.String())
	if err := v.store.Notice(*n); err != nil {
		v.log.Warn("a notice could not be kept", "error", err)
	}
}

// recompiled is the newest of the checkpoints that nothing is wrong with but that some rules had
// other programs then. Where the log has dropped its first records, these rules begin anew there
// and all others go on; nil: there is none.
func (v *service) recompiled(ctx context.Context, r *cep.Recovery, mark cep.Mark) (*cep.Checkpoint, error) {
	heads, err := v.store.Checkpoints()
	if err != nil {
		return nil, err
	}
	heads = slices.DeleteFunc(heads, func(h state.Head) bool {
		return !slices.Contains(v.recompilable, h.Mark.Position) || h.Mark.Position.Sequence > r.Applied
	})
	for _, h := range heads {
		if _, err := cep.Recover(ctx, v.stream, []cep.Mark{h.Mark}, mark); err != nil {
			return nil, err
		}
		c, err := v.load(h)
		if err == nil {
			r.Compare = false // other programs may bring other effects
			c.Drop = true
			return c, nil
		}
		if !errors.Is(err, state.ErrDamaged) {
			return nil, err
		}
	}
	return nil, nil
}

// rebuild is where the log is folded from where no state can be gone on from, and its first
// records have been dropped: from the first one behind which none is missing, with no state,
// under the rules of then. Alerts that are stored already are not stored again.
func (v *service) rebuild(ctx context.Context, r *cep.Recovery) (*cep.Checkpoint, error) {
	e, err := extentOf(ctx, v.stream, 0)
	if err != nil {
		return nil, err
	}
	controls, err := v.stream.Controls(ctx)
	if err != nil {
		return nil, err
	}
	r.Compare = false // what was open before brings no alerts
	c := &cep.Checkpoint{Mark: cep.Mark{Position: cep.Position{Incarnation: r.Incarnation, Sequence: e.whole - 1}}}
	for _, k := range controls {
		if p, err := cep.Unpack(k.Data); err == nil && p.Kind == cep.PackedRules && k.Sequence < e.whole {
			c.RulesAt, c.Rules = k.Sequence, p.Body
		}
	}
	begun := cep.FormatTime(e.since)
	rules := new(cep.Rules)
	if c.Rules, err = gathered(ctx, v.stream, c.Rules); err == nil {
		rules, err = compilePublished(c.Rules)
	}
	if errors.Is(err, stream.ErrUnavailable) {
		return nil, err
	}
	if c.RulesAt == 0 || err != nil {
		v.tell(&alerts.Notice{Kind: alerts.Fallback, Position: c.Mark.Position, Text: "the state is folded again from the log, from " + begun + " on"})
		c.RulesAt, c.Rules = 0, nil
		return c, nil
	}
	var ids []string
	for _, rule := range rules.Ruleset.Rules {
		ids = append(ids, rule.ID)
	}
	slices.Sort(ids)
	v.tell(&alerts.Notice{
		Kind: alerts.Fallback, Position: c.Mark.Position,
		Text: fmt.Sprintf("the state of %d rules is folded again from the log, which has events from %s on: their open matches, features and holds from before are dropped: %s", len(ids), begun, strings.Join(ids, ", ")),
	})
	return c, nil
}
