package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"weir/alerts"
	"weir/cep"
	"weir/cep/stream"
	"weir/state"
	"weir/web"
)

// What web asks of the service is answered here by the log and the store.

// Post is web.Events.
func (v *service) Post(ctx context.Context, lines []byte, count int, post *cep.Post) (cep.Position, error) {
	last, err := v.packer.Post(ctx, lines, count, post)
	if err == nil {
		v.backlog.add(last, uint64(len(lines)))
	}
	return v.position(last), doorError(err)
}

// Posted is web.Events.
func (v *service) Posted(ctx context.Context, key [16]byte) (web.Posted, error) {
	ranges, last, err := v.stream.Posted(ctx, key)
	p := web.Posted{Last: v.position(last)}
	if len(ranges) > 0 {
		p.Bytes, p.Sum = v.stream.Body(key)
	}
	for _, r := range ranges {
		p.Ranges = append(p.Ranges, web.Range{First: r.First, Count: r.Count})
	}
	return p, doorError(err)
}

// Advance is web.Events.
func (v *service) Advance(ctx context.Context, to int64) (cep.Position, error) {
	last, err := v.stream.Append(ctx, &cep.Packed{Kind: cep.PackedAdvance, Time: to})
	return v.position(last), doorError(err)
}

// position is that of a record that was appended. The loop may not have begun in the log's
// incarnation yet.
func (v *service) position(sequence uint64) cep.Position {
	return cep.Position{Incarnation: v.incarnation.Load(), Sequence: sequence}
}

// doorError says in web's words what the log says.
func doorError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, stream.ErrFull), errors.Is(err, stream.ErrNoSpace):
		return fmt.Errorf("%w: %w", web.ErrFull, err)
	case errors.Is(err, stream.ErrBusy):
		return fmt.Errorf("%w: %w", web.ErrBusy, err)
	case errors.Is(err, stream.ErrUnavailable), errors.Is(err, stream.ErrClosed):
		return fmt.Errorf("%w: %w", web.ErrUnavailable, err)
	}
	return err
}

// List is web.Alerts.
func (v *service) List(_ context.Context, f web.Filter, limit int, after string) ([]json.RawMessage, string, error) {
	items, next, err := v.store.List(alerts.Filter{
		Rule: f.Rule, Severity: f.Severity, Kind: f.Kind, Tag: f.Tag,
		Key: alerts.Part{Name: f.KeyField, Value: f.KeyValue}, From: f.From, To: f.To,
	}, limit, after)
	if errors.Is(err, state.ErrAfter) {
		return nil, "", web.ErrCursor
	}
	return objects(items), next, err
}

// Get is web.Alerts.
func (v *service) Get(_ context.Context, id string) ([]json.RawMessage, bool, error) {
	items, err := v.store.Get(id)
	return objects(items), len(items) > 0, err
}

func objects(items []alerts.Item) []json.RawMessage {
	list := make([]json.RawMessage, len(items))
	for i := range items {
		list[i] = items[i].AppendJSON(nil)
	}
	return list
}

// AckLosses is web.Losses.
func (v *service) AckLosses(_ context.Context, who cep.Audit) (int, error) {
	return v.store.AckLosses(who, time.Now().UnixNano())
}
