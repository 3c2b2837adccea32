package cep

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"weir/cep/list"
)

// ListID numbers the lists of a Ruleset.
type ListID int32

// NamedList is a list of a Ruleset with the entries that it begins with. Engines copy
// it before they change it.
type NamedList struct {
	Name string
	List *list.List
}

// Lists are the lists of a Ruleset as they stand.
type Lists struct {
	named   []NamedList
	now     []*list.List // by ListID
	own     []bool       // it has changed: now is a copy
	digest  [][]byte     // of what it began with, where that was asked for
	past    []list.Past  // what changes replaced that not all events see
	oldest  int64        // time of the first of these; never: there are none
	changed []bool       // since the last freeze; nil: there are none
}

// NewLists returns the lists of rs as they begin. It is for tools and tests that make
// a Scope; an Engine has its own.
func NewLists(rs *Ruleset) *Lists {
	l := &Lists{named: rs.Lists, own: make([]bool, len(rs.Lists)), digest: make([][]byte, len(rs.Lists)), past: make([]list.Past, len(rs.Lists)), oldest: never}
	for _, n := range rs.Lists {
		l.now = append(l.now, n.List)
	}
	return l
}

// List returns a list. It must not be changed, and is valid until the next call of Step.
func (l *Lists) List(id ListID) *list.List { return l.now[id] }

// Named returns all lists as they stand, by name. They must not be changed, and are valid until
// the next call of Step.
func (l *Lists) Named() []NamedList {
	all := make([]NamedList, len(l.now))
	for i := range l.now {
		all[i] = NamedList{l.named[i].Name, l.now[i]}
	}
	return all
}

// Find returns the list with a name, likewise; false: there is none.
func (l *Lists) Find(name string) (*list.List, bool) {
	for i, n := range l.named {
		if n.Name == name {
			return l.now[i], true
		}
	}
	return nil, false
}

// ListAction says what a ListChange does.
type ListAction uint8

const (
	PutEntry    ListAction = iota // Entry is added, or its value and expiry are replaced
	RemoveEntry                   // the entry whose text is Entry.Text is removed, if it is there
	ExpireAll                     // all entries are removed

	MergeEntries   // Entries are put, all or none
	ReplaceEntries // Entries are put, all or none, and all others are removed
)

// ListChange is a change of a list.
type ListChange struct {
	List    string // its name
	Action  ListAction
	Entry   list.Entry
	Entries *list.List // MergeEntries, ReplaceEntries
	Fault   string     // why it cannot be made, as far as is known; empty: nothing is
}

// change makes a change. Entries that have expired at from are freed before: no event looks
// at an earlier time, none to come at one before low. before and at say which events look at
// the list as it was. It says why it could not.
func (l *Lists) change(c *ListChange, from, low int64, before bool, at list.Stamp) error {
	if c.Fault != "" {
		return errors.New(c.Fault)
	}
	for i, n := range l.named {
		if n.Name == c.List {
			if c.Action == ReplaceEntries {
				return l.putAll(i, c, before, at)
			}
			l.take(i)
			l.now[i].Advance(from)
			err := l.note(i, c, before, at)
			if err != nil && from < low && l.now[i].Advance(low) > 0 {
				err = l.note(i, c, before, at) // it was full of those
			}
			return err
		}
	}
	return fmt.Errorf("there is no list %q", c.List)
}

// apply makes a change, but for one of many entries.
func (l *Lists) apply(i int, c *ListChange) error {
	switch c.Action {
	case PutEntry:
		return l.now[i].Put(c.Entry)
	case RemoveEntry:
		_, err := l.now[i].Remove(c.Entry.Text)
		return err
	case ExpireAll:
		l.now[i] = emptyList(l.now[i].Spec())
		return nil
	}
	panic("cep: unknown ListAction")
}

// take makes a list the engine's own.
func (l *Lists) take(i int) {
	if l.own[i] {
		return
	}
	copied, _, err := list.Decode(l.now[i].Append(nil))
	if err != nil {
		panic("cep: a list cannot be read back: " + err.Error())
	}
	l.now[i], l.own[i] = copied, true
}

// begun is a hash of what a list begins with.
func (l *Lists) begun(i int) []byte {
	if l.digest[i] == nil {
		sum := sha256.Sum256(l.named[i].List.Append(nil))
		l.digest[i] = sum[:]
	}
	return l.digest[i]
}

func emptyList(s list.Spec) *list.List {
	l, err := list.New(s)
	if err != nil {
		panic("cep: " + err.Error())
	}
	return l
}

// find looks v up in a list at the moment t. Text is found in lists of text and
// prefixes, a number in lists of numbers. arrived is the number of the event that sees the
// list as it was when it came; 0: as it stands.
func (l *Lists) find(id ListID, v *Value, t int64, arrived uint64) (Value, bool) {
	var found list.Value
	ok := false
	past := &l.past[id]
	was := arrived > 0 && !past.Empty()
	switch {
	case v.Kind == Text && was:
		found, ok = past.Find(l.now[id], v.Text, t, arrived)
	case v.Kind == Number && was:
		found, ok = past.FindNumber(l.now[id], v.Number(), t, arrived)
	case v.Kind == Text:
		found, ok = l.now[id].Find(v.Text, t)
	case v.Kind == Number:
		found, ok = l.now[id].FindNumber(v.Number(), t)
	}
	switch found.Kind {
	case list.String:
		return TextValue(found.Text), ok
	case list.Number:
		return NumberValue(found.Number), ok
	case list.Bool:
		return BoolValue(found.Bool), ok
	}
	return Value{}, ok
}
