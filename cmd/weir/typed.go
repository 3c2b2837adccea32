package main

import (
	"bytes"

	"weir/cep"
)

// typedLines gives the lines of records as they would have been sent to a place that is for
// events of any type: with their type in them.
type typedLines struct {
	decoder *cep.Decoder
	event   cep.Event
	text    []byte
}

// newTypedLines reads nothing of an event but its type.
func newTypedLines() *typedLines {
	return &typedLines{decoder: cep.NewDecoder(new(cep.Ruleset))}
}

// of gives the lines of a record, until it is called again.
func (t *typedLines) of(p *cep.Packed) []byte {
	if p.Typed == nil {
		return p.Body
	}
	t.text = t.text[:0]
	rest := p.Body
	for _, row := range p.Typed {
		for range row.Count {
			n := bytes.IndexByte(rest, '\n') + 1
			t.text = append(t.line(t.text, rest[:n-1], row.Type), '\n')
			rest = rest[n:]
		}
	}
	return t.text
}

// line appends a line that has to be of a type. One that is of another type, or no event,
// stays as it was sent.
func (t *typedLines) line(dst, line []byte, name string) []byte {
	t.event.Raw = ""
	t.decoder.DecodeAs(string(line), name, &t.event) // it knows no types, and rejects what has another time
	if len(t.event.Raw) > len(line) {
		return append(dst, t.event.Raw...)
	}
	return append(dst, line...)
}
