package cep

import (
	"slices"
	"strings"
)

// Event is an event as rules see it: its time, its type and the fields that
// the rules read. An Event is valid until the batch is stepped; Clone makes one
// that lasts.
type Event struct {
	Place uint64 // number among the events that the rules of a layer go over, from 1
	Time  int64  // event time, nanoseconds since the epoch
	Type  TypeID
	Name  string // name of the type
	Raw   string // the JSON object as it came
	ID    string // the value of the type's `id` field, empty if it has none
	Seq   int64  // the value of the type's `seq` field, 0 if it has none

	nameAt int32  // where Name begins in Raw, as Value.at, if the rules do not name the type
	idAt   int32  // where ID begins in Raw, likewise
	nth    uint64 // its number among equal lines of its time, from 1
	layout *layout
	row    []Value

	features FeatureRow // once it is released
	shown    [][]shown  // likewise, by witness: what rules show of them

	// arrived is its number among all events accepted, in the order in which they came, from
	// 1; of a match that rules read as an event, that of the event that brought it. 0: it has
	// not been accepted, or time brought the match.
	arrived uint64

	// origin is its number among all events released, from 1; of a match that rules
	// read as an event, that of the event that brought it, 0 if time did.
	origin  uint64
	from    *step  // EagerOrder: what led to a match that rules read as an event
	low     int64  // EagerOrder: the watermark once the event was accepted
	top     int64  // EagerOrder: the highest time of an event, itself included
	inOrder bool   // EagerOrder: no event that came before it stands after it
	dirty   dirty  // it is to be saved: see heldSaves and arrivalSaves
	spot    uint32 // WatermarkOrder: while it waits, its place among those to be saved
}

// layout says at which place of a row a field stands, or a read of a feature.
type layout struct {
	slot []int32 // index: FieldID or ReadID; -1: there is no such place
}

var nilValue Value

// Field returns the value of a field, nil if the event has none. The result
// must not be changed.
func (e *Event) Field(f FieldID) *Value {
	if s := e.layout.slot[f]; s >= 0 {
		return &e.row[s]
	}
	return &nilValue
}

// Origin is the number of the event in processing order, from 1. A match that rules read
// as an event has that of the event that brought it, 0 if time did.
func (e *Event) Origin() uint64 { return e.origin }

// Clone returns a copy that can be kept: it has rows of its own and its own copy
// of Raw, and the texts of its values are parts of that.
func (e *Event) Clone() *Event {
	c := e.plain()
	c.features = FeatureRow{e.features.layout, slices.Clone(e.features.values)}
	return c
}

// plain is Clone without what the event knows of features.
func (e *Event) plain() *Event {
	c := *e
	c.features, c.shown = FeatureRow{}, nil
	c.Raw = strings.Clone(e.Raw)
	c.Name = part(c.Raw, e.nameAt, e.Name)
	c.ID = part(c.Raw, e.idAt, e.ID)
	c.row = slices.Clone(e.row)
	for i := range c.row {
		v := &c.row[i]
		if v.at == 0 {
			v.Text = strings.Clone(v.Text) // of a derived field it may be a part of the old Raw
		} else {
			v.Text = part(c.Raw, v.at, v.Text)
		}
	}
	return &c
}

// part returns s as a part of raw, which it is from at on, counted from 1. Where at
// is 0 (a string that was written with escapes) s has memory of its own.
func part(raw string, at int32, s string) string {
	if at == 0 {
		return s
	}
	return raw[at-1 : int(at)-1+len(s)]
}

// NewEvent makes an event from its fields, by FieldID. It is for tests and
// benchmarks; events that are read come from a decoder.
func NewEvent(name string, typ TypeID, ns int64, fields []Value) *Event {
	return &Event{Time: ns, Type: typ, Name: name, layout: wideLayout(len(fields)), row: fields}
}

// wideLayout has a place for each of n fields.
func wideLayout(n int) *layout {
	l := &layout{slot: make([]int32, n)}
	for i := range l.slot {
		l.slot[i] = int32(i)
	}
	return l
}
