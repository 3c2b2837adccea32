package cep

// Event is an event as rules see it: its time, its type and the fields that
// the rules read. An Event is valid until the batch is stepped; Clone makes one
// that lasts.
type Event struct {
	Place uint64 // number in processing order, from 1
	Time  int64  // event time, nanoseconds since the epoch
	Type  TypeID
	Name  string // name of the type
	Raw   string // the JSON object as it came

	layout *layout
	row    []Value
}

// layout says at which place of an event's row a field stands.
type layout struct {
	slot  []int32 // index: FieldID; -1: the type has no such field
	paths []string
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

// NewEvent makes an event from its fields, by FieldID. It is for tests and
// benchmarks; events that are read come from a decoder.
func NewEvent(name string, typ TypeID, ns int64, fields []Value) *Event {
	l := &layout{slot: make([]int32, len(fields))}
	for i := range l.slot {
		l.slot[i] = int32(i)
	}
	return &Event{Time: ns, Type: typ, Name: name, layout: l, row: fields}
}
