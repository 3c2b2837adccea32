package infer

import (
	"encoding/json"
	"strings"

	"weir/cep"
)

const (
	typeField = "type"  // holds the type of an event
	timeField = "ts"    // the event time where nothing else is said
	plainType = "event" // the type of an event that names none
)

// Survey gathers what the events of a sample have in common, by type. The zero
// Survey is not ready: use New.
type Survey struct {
	cells bool // the events are rows of a table: every value is text that may be read as more
	judge *judge
	types []*typeTally // in the order in which they came
}

// New returns an empty Survey. table says that the lines are rows of a table made
// objects: a value may stand as text that the cell's schema would make a number,
// true or false, a list or an object.
func New(table bool) *Survey { return &Survey{cells: table, judge: newJudge()} }

// typeTally is what was seen of an event type.
type typeTally struct {
	name    string
	events  int
	fields  []*fieldTally // in the order in which they came
	byName  map[string]*fieldTally
	decoder *cep.Decoder // for what no schema may have
}

// member is a field of an event.
type member struct {
	name    string
	value   string // JSON
	escaped bool   // its name is written with escapes
}

// Add takes in a line. It returns why the line is no event, or nil; such a line
// leaves no trace.
func (s *Survey) Add(line string) *cep.Reject {
	members, ok := split(line)
	name := plainType
	for _, m := range members {
		if m.name == typeField && m.value[0] == '"' {
			name = unquote(m.value)
		}
	}
	t := s.typed(name)
	if t == nil {
		t = &typeTally{name: name, byName: map[string]*fieldTally{}}
		t.decoder = decoder(name, &cep.Schema{Arrival: true})
	}
	var e cep.Event
	if reject := t.decoder.Decode(line, &e); reject != nil {
		return reject
	}
	if !ok {
		panic("infer: the decoder takes what is no JSON object")
	}
	if t.events == 0 {
		s.types = append(s.types, t)
	}
	t.events++
	for _, m := range members {
		f := t.byName[m.name]
		if f == nil {
			f = &fieldTally{name: m.name, can: allWays, values: map[string]int{}}
			t.byName[m.name] = f
			t.fields = append(t.fields, f)
		}
		f.escaped = f.escaped || m.escaped
		if m.value != "null" {
			f.add(m.value, s.cells, s.judge)
		}
	}
	return nil
}

func (s *Survey) typed(name string) *typeTally {
	for _, t := range s.types {
		if t.name == name {
			return t
		}
	}
	return nil
}

// split gives the fields of a JSON object; false: the line is none.
func split(line string) ([]member, bool) {
	dec := json.NewDecoder(strings.NewReader(line))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, false
	}
	var members []member
	for dec.More() {
		from := dec.InputOffset()
		t, err := dec.Token()
		name, isText := t.(string)
		if err != nil || !isText {
			return nil, false
		}
		written := line[from:dec.InputOffset()]
		var value json.RawMessage
		if dec.Decode(&value) != nil {
			return nil, false
		}
		members = append(members, member{name, string(value), strings.Contains(written, `\`)})
	}
	return members, true
}
