package main

import (
	"context"
	"fmt"

	"weir/cep"
	"weir/web"
)

// meaning is what a rule was under a revision.
type meaning struct {
	id       string
	revision int
}

// needed says which of the earlier meanings of rules that an edition has can still be asked for,
// as of now. nil: it is not known, as that edition is not in force, or not yet.
func (b *rulebook) needed(ctx context.Context, before *rulesEdition) (func(id string, revision int) bool, error) {
	in := b.v.loop.Rules()
	if len(before.Former) == 0 || in == nil || in.At != before.at {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, inForceTime)
	defer cancel()
	still := map[meaning]bool{}
	err := b.v.loop.Look(ctx, func(g *cep.Engine) {
		for _, f := range before.Former {
			still[meaning{f.ID, f.Revision}] = g.Needs(f.ID, f.Revision)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("%w: the rules in force could not be looked at: %w", web.ErrUnavailable, err)
	}
	return func(id string, revision int) bool { return still[meaning{id, revision}] }, nil
}
