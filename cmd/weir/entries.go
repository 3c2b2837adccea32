package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"weir/alerts"
	"weir/cep"
	"weir/cep/list"
	"weir/failpoint"
	"weir/rules"
	"weir/web"
)

// Lists change while rules run by records of the log. What web asks of them is answered here:
// who reads gets copies of what the engine has between two batches, who writes appends a record
// and waits until it is stepped.

// settleTime is how long who changes something waits until that is in force.
const settleTime = 10 * time.Second

// Lists is web.Lists.
func (v *service) Lists(ctx context.Context) (all []web.List, err error) {
	err = v.loop.Look(ctx, func(g *cep.Engine) {
		for _, n := range g.Lists().Named() {
			s := n.List.Spec()
			l := web.List{Name: n.Name, Type: s.Type.String(), Entries: n.List.Len()}
			if s.Value != list.None {
				l.Value = s.Value.String()
			}
			all = append(all, l)
		}
	})
	return all, err
}

// seeList lets a function see a list as it is now, and the moment of event time that this is.
func (v *service) seeList(ctx context.Context, name string, see func(l *list.List, now int64) error) error {
	var wrong error
	err := v.loop.Look(ctx, func(g *cep.Engine) {
		l, ok := g.Lists().Find(name)
		if !ok {
			wrong = web.ErrNoList
			return
		}
		now, _, started := g.Clock()
		if !started {
			now = math.MinInt64
		}
		wrong = see(l, now)
	})
	if err != nil {
		return err
	}
	return wrong
}

// Entries is web.Lists.
func (v *service) Entries(ctx context.Context, name, prefix, after string, limit int) (items []web.Entry, next string, err error) {
	err = v.seeList(ctx, name, func(l *list.List, now int64) error {
		found, err := l.Search(prefix, after, now, limit+1)
		if err != nil {
			return &web.WrongEntry{Why: "after: " + err.Error()}
		}
		if len(found) > limit {
			found = found[:limit]
			next = strings.Clone(found[limit-1].Text)
		}
		for i := range found {
			items = append(items, entryOf(&found[i]))
		}
		return nil
	})
	return items, next, err
}

// entryOf is a copy of an entry, for web.
func entryOf(e *list.Entry) web.Entry {
	var said struct {
		Value   json.RawMessage `json:"value"`
		Expires string          `json:"expires"`
	}
	_ = json.Unmarshal(cep.AppendEntryJSON(nil, e), &said) // it is JSON
	return web.Entry{Entry: strings.Clone(e.Text), Value: said.Value, Expires: said.Expires}
}

// Entry is web.Lists.
func (v *service) Entry(ctx context.Context, name, entry string) (found web.Entry, ok bool, err error) {
	err = v.seeList(ctx, name, func(l *list.List, now int64) error {
		var e list.Entry
		if e, ok = l.Get(entry); ok && e.Expires != list.Never && e.Expires <= now {
			ok = false
		}
		if ok {
			found = entryOf(&e)
		}
		return nil
	})
	return found, ok, err
}

// spec is what is declared of a list.
func (v *service) spec(ctx context.Context, name string) (s list.Spec, err error) {
	err = v.seeList(ctx, name, func(l *list.List, _ int64) error {
		s = l.Spec()
		return nil
	})
	return s, err
}

// Put is web.Lists.
func (v *service) Put(ctx context.Context, name string, asked *web.Entry, who cep.Audit) (web.Change, error) {
	s, err := v.spec(ctx, name)
	if err != nil {
		return web.Change{}, err
	}
	e, err := readEntry(s, asked)
	if err != nil {
		return web.Change{}, &web.WrongEntry{Why: err.Error()}
	}
	who.What, who.ID, who.After = "list.entry.put", name+"/"+e.Text, string(cep.AppendEntryJSON(nil, &e))
	return v.changeList(ctx, &cep.Packed{Kind: cep.PackedEntries, Change: &cep.ListChange{List: name, Action: cep.PutEntry, Entry: e}}, who)
}

// readEntry reads an entry as a client sends it.
func readEntry(s list.Spec, asked *web.Entry) (e list.Entry, err error) {
	if e.Text, err = s.Canonical(asked.Entry); err != nil {
		return e, err
	}
	if e.Value, err = readValue(s, asked.Value); err != nil {
		return e, err
	}
	e.Expires = list.Never
	if asked.Expires != "" {
		if e.Expires, err = cep.ParseTime(asked.Expires); err != nil {
			return e, fmt.Errorf("expected a time in expires, like 2026-01-02T03:04:05Z: %q %w", asked.Expires, err)
		}
	}
	probe, err := list.New(s)
	if err != nil {
		return e, err
	}
	return e, probe.Put(e)
}

// readValue reads the value of an entry, JSON.
func readValue(s list.Spec, text json.RawMessage) (list.Value, error) {
	var v any
	if len(text) > 0 {
		if err := json.Unmarshal(text, &v); err != nil {
			return list.Value{}, err
		}
	}
	switch v := v.(type) {
	case nil:
		return list.Value{}, nil
	case string:
		return list.StringValue(v), nil
	case float64:
		return list.NumberValue(v), nil
	case bool:
		return list.BoolValue(v), nil
	}
	return list.Value{}, fmt.Errorf("expected a text, a number, true or false as the value, found an array or object; the list takes values of type %s", s.Value)
}

// Remove is web.Lists.
func (v *service) Remove(ctx context.Context, name, entry string, who cep.Audit) (web.Change, error) {
	found, ok, err := v.Entry(ctx, name, entry)
	if err == nil && !ok {
		err = web.ErrNoEntry
	}
	if err != nil {
		return web.Change{}, err
	}
	who.What, who.ID = "list.entry.remove", name+"/"+found.Entry
	return v.changeList(ctx, &cep.Packed{Kind: cep.PackedEntries, Change: &cep.ListChange{List: name, Action: cep.RemoveEntry, Entry: list.Entry{Text: found.Entry}}}, who)
}

// Import is web.Lists.
func (v *service) Import(ctx context.Context, name, text string, replace bool, who cep.Audit) (web.Change, error) {
	s, err := v.spec(ctx, name)
	if err != nil {
		return web.Change{}, err
	}
	if strings.Trim(text, "\ufeff \t\r\n") == "" { // as a transfer that broke off leaves it
		return web.Change{}, &web.WrongEntry{Why: "the file is empty, and nothing was changed: expected rows; a list is emptied by mode=replace and a first line alone, like \"entry\""}
	}
	if !v.importing.TryLock() {
		return web.Change{}, web.ErrImports
	}
	defer v.importing.Unlock()
	entries, rows, err := list.Load(s, list.Columns{}, text)
	if wrong, ok := errors.AsType[*list.FileError](err); ok {
		return web.Change{}, wrongRows(wrong)
	}
	if err != nil {
		return web.Change{}, &web.WrongEntry{Why: err.Error()}
	}
	p := &cep.Packed{Kind: cep.PackedEntries, Change: &cep.ListChange{List: name, Action: cep.MergeEntries}}
	if replace {
		p.Change.Action = cep.ReplaceEntries
	}
	data := entries.Append(nil)
	if n, most := len(data), v.settings.LogSize/listShare; int64(n) > most {
		return web.Change{}, &web.WrongEntry{Why: fmt.Sprintf("the entries take %d bytes on the log, and %d of them may: make log.size %d times as large, or send fewer", n, most, listShare)}
	}
	sum := sha256.Sum256(data)
	p.Of = hex.EncodeToString(sum[:])
	v.staging.Lock()
	defer v.staging.Unlock()
	for part := range slices.Chunk(data, rules.PartBytes) {
		n, err := v.stream.Append(ctx, &cep.Packed{Kind: cep.PackedList, Of: p.Of, Body: part})
		if err != nil {
			return web.Change{}, doorError(err)
		}
		failpoint.Hit("import")
		p.Parts = append(p.Parts, n)
	}
	if err := v.dropLists(ctx); err != nil { // those that are not needed, which these are not among yet
		v.log.Warn("versions of lists that are not needed could not be dropped", "error", err)
	}
	who.What, who.ID = "list.import", name
	who.After = fmt.Sprintf(`{"put":%d,"rows":%d,"mode":%q}`, entries.Len(), rows.Read, map[bool]string{false: "merge", true: "replace"}[replace])
	return v.changeList(ctx, p, who)
}

// wrongRows says in web's words what is wrong in a CSV file.
func wrongRows(e *list.FileError) error {
	wrong := &web.WrongRows{All: len(e.Faults) + e.More}
	for _, f := range e.Faults {
		wrong.Rows = append(wrong.Rows, web.Reject{Line: f.Line, Column: f.Column, Reason: f.Reason})
	}
	return wrong
}

// changeList appends a change of a list and waits until it is in force.
func (v *service) changeList(ctx context.Context, p *cep.Packed, who cep.Audit) (web.Change, error) {
	p.Audit = &who
	last, err := v.stream.Append(ctx, p)
	if err != nil {
		return web.Change{}, doorError(err)
	}
	e, stepped, err := v.settled(ctx, last)
	c := web.Change{Position: v.position(last).String(), Stepped: stepped, Before: object(e.Before), After: object(who.After), Refused: e.Refused}
	return c, err
}

// object is a text as JSON; nil: it is empty.
func object(text string) json.RawMessage {
	if text == "" {
		return nil
	}
	return json.RawMessage(text)
}

// settled waits until a record that says who brings it is stepped, and what it did is kept: its
// entry of the audit log. False: that took longer than settleTime.
func (v *service) settled(ctx context.Context, sequence uint64) (alerts.AuditEntry, bool, error) {
	late := time.NewTimer(settleTime)
	defer late.Stop()
	for {
		rung := v.news.heard()
		e, ok, err := v.store.AuditedAt(v.position(sequence))
		if ok || err != nil {
			return e, ok, err
		}
		select {
		case <-rung:
		case <-late.C:
			return alerts.AuditEntry{}, false, nil
		case <-ctx.Done():
			return alerts.AuditEntry{}, false, ctx.Err()
		}
	}
}

// Audit is web.Audit.
func (v *service) Audit(_ context.Context, f web.AuditFilter, limit int, before uint64) (items []web.AuditEntry, next uint64, err error) {
	list, next, err := v.store.Audit(alerts.AuditFilter(f), limit, before)
	for i := range list {
		items = append(items, auditEntry(&list[i]))
	}
	return items, next, err
}

// auditEntry is an entry of the audit log as web shows it.
func auditEntry(e *alerts.AuditEntry) web.AuditEntry {
	return web.AuditEntry{
		Number: e.Number, Time: cep.FormatTime(e.At), Author: e.Author, Reason: e.Reason, What: e.What, ID: e.ID,
		Before: e.Before, After: e.After, Refused: e.Refused, Position: e.PositionText(),
		Previous: e.Previous.String(), Hash: e.Hash.String(),
	}
}
