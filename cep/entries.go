package cep

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strconv"

	"weir/cep/list"
	"weir/cep/wire"
)

// A record of kind PackedEntries changes a list while rules run. What it puts or removes stands
// in it; many entries lie before it in records of kind PackedList, and count from it on.

// appendEntries appends what a record of kind PackedEntries asks for.
func appendEntries(w *wire.Writer, p *Packed) {
	c := p.Change
	w.Byte(byte(c.Action))
	w.Text(c.List)
	switch c.Action {
	case PutEntry:
		w.Text(c.Entry.Text)
		w.Byte(byte(c.Entry.Value.Kind))
		switch c.Entry.Value.Kind {
		case list.String:
			w.Text(c.Entry.Value.Text)
		case list.Number:
			w.Fixed(math.Float64bits(c.Entry.Value.Number))
		case list.Bool:
			w.Bool(c.Entry.Value.Bool)
		}
		w.Int(c.Entry.Expires)
	case RemoveEntry:
		w.Text(c.Entry.Text)
	case MergeEntries, ReplaceEntries:
		w.Text(p.Of)
		w.Uint(uint64(len(p.Parts)))
		for _, n := range p.Parts {
			w.Uint(n)
		}
	}
}

// readEntries reads what appendEntries wrote. What entries and values may be is for the list to
// say.
func readEntries(r *wire.Reader, p *Packed) {
	c := &ListChange{Action: ListAction(r.Byte(byte(ReplaceEntries))), List: r.Text()}
	switch c.Action {
	case PutEntry:
		c.Entry.Text = r.Text()
		switch c.Entry.Value.Kind = list.Kind(r.Byte(byte(list.Bool))); c.Entry.Value.Kind {
		case list.String:
			c.Entry.Value.Text = r.Text()
		case list.Number:
			c.Entry.Value.Number = math.Float64frombits(r.Fixed())
		case list.Bool:
			c.Entry.Value.Bool = r.Bool()
		}
		c.Entry.Expires = r.Int()
	case RemoveEntry:
		c.Entry.Text = r.Text()
	case MergeEntries, ReplaceEntries:
		p.Of = r.Text()
		p.Parts = make([]uint64, r.Count(1))
		for i := range p.Parts {
			p.Parts[i] = r.Uint()
		}
	}
	p.Change = c
}

// listRecord is what a record of kind PackedEntries asks of the Engine. An error says that the
// log cannot be read.
func listRecord(ctx context.Context, log Log, r *Logged, p *Packed) (Record, error) {
	asked := Record{Kind: ListRecord, Appended: r.Appended, Change: p.Change, Audit: auditOf(r, p)}
	if a := p.Change.Action; a != MergeEntries && a != ReplaceEntries {
		return asked, nil
	}
	var err error
	p.Change.Entries, err = EntriesAt(ctx, log, r.Sequence, p)
	if errors.Is(err, errNoPart) || errors.Is(err, errEntries) {
		p.Change.Fault = err.Error()
		err = nil
	}
	return asked, err
}

// errEntries: what lies on the log are not the entries that a record speaks of.
var errEntries = errors.New("the entries on the log are not those that were sent")

// EntriesAt reads the entries that a record of kind PackedEntries names, which has a sequence
// number.
func EntriesAt(ctx context.Context, log Log, sequence uint64, p *Packed) (*list.List, error) {
	var data []byte
	for _, n := range p.Parts {
		if n >= sequence {
			return nil, fmt.Errorf("%w: record %d does not lie before record %d, which names it", errNoPart, n, sequence)
		}
		part, err := PartAt(ctx, log, n)
		if err != nil {
			return nil, err
		}
		data = append(data, part...)
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != p.Of {
		return nil, errEntries
	}
	entries, rest, err := list.Decode(data)
	if err != nil || len(rest) > 0 {
		return nil, errEntries
	}
	return entries, nil
}

// mostNoted is how many entries are put one by one: of more the list is made anew, so that one
// change is remembered and not that of each entry.
var mostNoted = 1000 // less in a test

// putAll puts entries into list i, as apply does, all of them or none.
func (l *Lists) putAll(i int, c *ListChange, before bool, at list.Stamp) error {
	now := l.now[i]
	if now.Spec() != c.Entries.Spec() {
		return fmt.Errorf("the entries that were sent are of another type than the list %q", c.List)
	}
	next := now
	if c.Action == ReplaceEntries {
		next = copied(c.Entries)
	} else {
		if err := now.Room(c.Entries); err != nil {
			return err
		}
		if c.Entries.Len() <= mostNoted {
			for e := range c.Entries.All() {
				if err := l.note(i, &ListChange{List: c.List, Action: PutEntry, Entry: e}, before, at); err != nil {
					return err
				}
			}
			return nil
		}
		next = copied(now)
		for e := range c.Entries.All() {
			if err := next.Put(e); err != nil {
				return err // now is as it was
			}
		}
	}
	was := now.BeforeAll()
	l.own[i] = true
	if l.now[i] = next; before {
		l.past[i].Note(was, at)
		l.oldest = min(l.oldest, at.Time)
	}
	if l.changed != nil {
		l.changed[i] = true
	}
	return nil
}

// copied is a copy of a list.
func copied(l *list.List) *list.List {
	c, _, err := list.Decode(l.Append(nil))
	if err != nil {
		panic("cep: a list cannot be read back: " + err.Error())
	}
	return c
}

// was says for people what a change will replace: of an entry its value and when it expires, of
// many how many there are. It is empty where there is nothing.
func (l *Lists) was(c *ListChange) string {
	for i, n := range l.named {
		if n.Name != c.List {
			continue
		}
		switch c.Action {
		case PutEntry, RemoveEntry:
			if e, ok := l.now[i].Get(c.Entry.Text); ok {
				return string(AppendEntryJSON(nil, &e))
			}
		default:
			return `{"entries":` + strconv.Itoa(l.now[i].Len()) + `}`
		}
	}
	return ""
}

// AppendEntryJSON appends what an entry of a list says, without its text: a JSON object with
// value and expires, where it has them.
func AppendEntryJSON(dst []byte, e *list.Entry) []byte {
	dst = append(dst, '{')
	switch e.Value.Kind {
	case list.String:
		dst = AppendJSONString(append(dst, `"value":`...), e.Value.Text)
	case list.Number:
		dst = appendNumber(append(dst, `"value":`...), e.Value.Number)
	case list.Bool:
		dst = strconv.AppendBool(append(dst, `"value":`...), e.Value.Bool)
	}
	if e.Expires != list.Never {
		if len(dst) > 1 {
			dst = append(dst, ',')
		}
		dst = AppendJSONString(append(dst, `"expires":`...), FormatTime(e.Expires))
	}
	return append(dst, '}')
}
