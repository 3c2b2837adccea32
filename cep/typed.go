package cep

import (
	"bytes"
	"fmt"
	"slices"

	"weir/cep/wire"
)

// Typed says of which type some lines of a record, in a row, have to be: they were sent to a
// place that is for events of that type alone. A line that names another one is rejected; one
// that names none is of that type.
type Typed struct {
	Type  string // empty: they may be of any
	Count uint64 // of lines
}

// typedVersion is the format of a record whose lines have to be of a type.
const typedVersion = 3

// isTyped reports whether some of the lines have to be of a type.
func isTyped(list []Typed) bool {
	return slices.ContainsFunc(list, func(t Typed) bool { return t.Type != "" })
}

// appendTyped appends the types, each once, and then the rows of lines.
func appendTyped(w *wire.Writer, list []Typed) {
	numbers := map[string]uint64{}
	var names []string
	for _, t := range list {
		if _, ok := numbers[t.Type]; !ok {
			numbers[t.Type] = uint64(len(names))
			names = append(names, t.Type)
		}
	}
	w.Uint(uint64(len(names)))
	for _, name := range names {
		w.Text(name)
	}
	w.Uint(uint64(len(list)))
	for _, t := range list {
		w.Uint(numbers[t.Type])
		w.Uint(t.Count)
	}
}

// readTyped reads what appendTyped wrote.
func readTyped(r *wire.Reader) []Typed {
	names := make([]string, r.Count(1))
	known := make(map[string]bool, min(len(names), 64))
	for i := range names {
		name := r.Text()
		if known[name] || name != "" && !isTypeName(name) {
			r.Fail()
			return nil
		}
		names[i], known[name] = name, true
	}
	list, used := make([]Typed, r.Count(2)), uint64(0)
	for i := range list {
		n := r.Uint()
		if n > used || n >= uint64(len(names)) {
			r.Fail()
			return nil
		}
		used = max(used, n+1)
		list[i] = Typed{names[n], r.Uint()}
	}
	if used < uint64(len(names)) {
		r.Fail()
	}
	return list
}

// covers reports whether the rows are those of all lines of a body.
func covers(list []Typed, body []byte) bool {
	n := uint64(bytes.Count(body, []byte{'\n'}))
	for _, t := range list {
		if t.Count == 0 || t.Count > n {
			return false
		}
		n -= t.Count
	}
	return n == 0 && (len(body) == 0 || body[len(body)-1] == '\n')
}

// typedLine is Typed of one line.
func typedLine(name string) []Typed {
	if name == "" {
		return nil
	}
	return []Typed{{name, 1}}
}

// types gives the types that lines have to be of, one after the other.
type types struct {
	rest []Typed
	left uint64 // lines of the first of rest that are to come
}

func newTypes(list []Typed) types {
	t := types{rest: list}
	if len(list) > 0 {
		t.left = list[0].Count
	}
	return t
}

// next is the type of the next line.
func (t *types) next() string {
	for len(t.rest) > 0 && t.left == 0 {
		if t.rest = t.rest[1:]; len(t.rest) > 0 {
			t.left = t.rest[0].Count
		}
	}
	if len(t.rest) == 0 {
		return ""
	}
	t.left--
	return t.rest[0].Type
}

// AppendTyped appends a line to dst, with its type as the first member of its object where
// nothing in the line is called that. What is no object stays as it is.
func AppendTyped(dst, line []byte, name string) []byte {
	object := bytes.TrimLeft(line, " \t\r")
	if len(object) < 2 || object[0] != '{' || bytes.Contains(object, []byte(`"`+typeField+`"`)) {
		return append(dst, line...)
	}
	dst = append(dst, `{"`+typeField+`":"`...)
	dst = append(dst, name...)
	dst = append(dst, '"')
	rest := object[1:]
	if !bytes.HasPrefix(bytes.TrimLeft(rest, " \t\r"), []byte{'}'}) {
		dst = append(dst, ',')
	}
	return append(dst, rest...)
}

// IsType reports whether a text may be the name of an event type: letters, digits, _ and -.
func IsType(name string) bool { return isTypeName(name) }

// DecodeAs is Decode of a line that has to be of a type; empty: of any. Where the line has no
// type of its own, Raw is the line with that one.
func (d *Decoder) DecodeAs(line, name string, e *Event) *Reject {
	d.sent = name
	reject := d.Decode(line, e)
	d.sent = ""
	return reject
}

// sentAs checks the type of a line against the one that it was sent as.
func (d *Decoder) sentAs(name string, column int32) *Reject {
	if d.sent == "" || name == d.sent {
		return nil
	}
	return &Reject{Column: int(column) + 1, Reason: fmt.Sprintf("expected the type %s in field %q, or none, as the event was sent to the subject of that type, found %s", d.sent, typeField, shorten(name))}
}

// nameRaw puts the type that a line was sent as into the text of the event.
func (d *Decoder) nameRaw(e *Event) {
	begin := `{"` + typeField + `":"` + d.sent + `"`
	if rest := e.Raw[1:]; rest[spaces(rest, 0)] != '}' {
		begin += ","
	}
	d.start -= int32(len(begin) - 1) // values stand further on in the text by that
	e.Raw = begin + e.Raw[1:]
}
