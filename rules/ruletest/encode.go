package ruletest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"weir/cep"
	"weir/rules/source"

	"go.yaml.in/yaml/v4"
)

const (
	typeField = "type"  // the type of an event
	timeField = "ts"    // the event time where a schema says nothing else
	plainType = "event" // the type of an event that names none
)

// encoder writes events as the lines of JSON that an engine reads.
type encoder struct {
	findings *findings
	dst      []byte
	relative bool // some time was an offset
}

// eventType gives the type that an event names; false: what it names is no text.
func eventType(n source.Node) (name string, at source.Node, ok bool) {
	v, said := child(n, typeField)
	switch {
	case !said:
		return plainType, n, true
	case v.YAML.Kind != yaml.ScalarNode:
		return plainType, v, false
	}
	return v.YAML.Value, v, true
}

// child gives the value of a key.
func child(n source.Node, name string) (source.Node, bool) {
	for i := 0; i+1 < len(n.YAML.Content); i += 2 {
		if n.YAML.Content[i].Value == name {
			return source.Node{Doc: n.Doc, YAML: n.YAML.Content[i+1]}, true
		}
	}
	return source.Node{}, false
}

// event writes an event of a type with a schema, or nil without one. exact says
// that it is to be rejected: what is no time is then written as it stands. arrives
// is when an event whose time is its arrival comes, if it says so.
func (c *encoder) event(n source.Node, schema *cep.Schema, exact bool) (line []byte, arrives *moment) {
	c.dst = nil
	w := eventWriter{encoder: c, schema: schema, exact: exact, path: []string{timeField}, unit: time.Millisecond}
	if schema == nil {
		w.mapping(n, w.path, true)
		return c.dst, nil
	}
	ts, given := child(n, timeField)
	_, declared := schema.Fields[timeField]
	w.moved = given && !declared && schema.Time != timeField
	switch {
	case schema.Arrival:
		w.path = nil
		if !given {
			break
		}
		if m, ok := c.findings.moment(ts, "`ts`"); ok {
			arrives = &m
			c.relative = c.relative || m.relative
		}
	case schema.Time != timeField:
		w.path = []string{schema.Time}
		if _, ok := schema.Fields[schema.Time]; !ok {
			w.path = strings.Split(schema.Time, ".")
		}
		if given {
			w.instead = &ts
		}
		w.unit = max(schema.TimeUnit, 1)
	default:
		w.unit = max(schema.TimeUnit, 1)
	}
	w.mapping(n, w.path, true)
	return c.dst, arrives
}

// eventWriter writes one event.
type eventWriter struct {
	*encoder
	schema  *cep.Schema
	exact   bool
	path    []string // of the time field; nil: there is none
	unit    time.Duration
	instead *source.Node // value of `ts`, which stands for a time field that is not given; nil: none does
	moved   bool         // `ts` is no field of the type
}

// mapping writes a mapping. path is that of the time field below it.
func (w *eventWriter) mapping(n source.Node, path []string, top bool) {
	w.dst = append(w.dst, '{')
	first, met := true, len(path) == 0
	key := func(name string) {
		if !first {
			w.dst = append(w.dst, ',')
		}
		first = false
		w.dst = append(cep.AppendJSONString(w.dst, name), ':')
	}
	for _, e := range n.Pairs() {
		if top && w.moved && e.Name == timeField {
			continue
		}
		key(e.Name)
		here := len(path) > 0 && e.Name == path[0]
		met = met || here
		switch kind := e.Value.YAML.Kind; {
		case here && len(path) == 1 && kind == yaml.ScalarNode:
			w.time(e.Value, w.unit)
		case here && len(path) > 1 && kind == yaml.MappingNode:
			w.mapping(e.Value, path[1:], false)
		case top && kind == yaml.ScalarNode && w.schema != nil && w.schema.Fields[e.Name] == cep.Time:
			w.time(e.Value, time.Millisecond)
		default:
			w.value(e.Value)
		}
	}
	if !met && w.instead != nil {
		for i, name := range path {
			if i > 0 {
				w.dst = append(w.dst, '{')
				first = true
			}
			key(name)
		}
		w.time(*w.instead, w.unit)
		w.dst = append(w.dst, strings.Repeat("}", len(path)-1)...)
	}
	w.dst = append(w.dst, '}')
}

// time writes a moment for a field whose numbers count units. Milliseconds are the
// unit where none is said; RFC 3339 text says more then.
func (w *eventWriter) time(n source.Node, unit time.Duration) {
	if isJSON(n) {
		w.value(n)
		return
	}
	m, wrong := readMoment(n.YAML.Value)
	switch {
	case wrong != "" && w.exact:
		w.value(n)
	case wrong != "":
		w.findings.Add(n.Place(), source.CodeValue, fmt.Sprintf("%s %s", source.Tick(n.YAML.Value), wrong), timeForm)
		w.value(n)
	case unit == time.Millisecond:
		w.relative = w.relative || m.relative
		w.dst = append(w.dst, '"')
		w.dst = append(w.dst, cep.FormatTime(m.ns)...)
		w.dst = append(w.dst, '"')
	default:
		w.relative = w.relative || m.relative
		w.dst = appendUnits(w.dst, m.ns, int64(unit))
	}
}

// appendUnits writes nanoseconds as a number of units, with as many decimals as it
// needs.
func appendUnits(dst []byte, ns, unit int64) []byte {
	if ns < 0 {
		dst = append(dst, '-')
		ns = -ns
	}
	dst = strconv.AppendInt(dst, ns/unit, 10)
	rest := ns % unit
	if rest == 0 {
		return dst
	}
	dst = append(dst, '.')
	for unit /= 10; rest > 0; unit /= 10 {
		dst = append(dst, '0'+byte(rest/unit))
		rest %= unit
	}
	return dst
}

// value writes a value as it stands.
func (c *encoder) value(n source.Node) { c.dst = appendJSON(c.dst, n) }

// appendJSON appends a YAML value as JSON: a plain scalar that is a JSON number,
// true, false or null is that, any other is text.
func appendJSON(dst []byte, n source.Node) []byte {
	switch n.YAML.Kind {
	case yaml.MappingNode:
		dst = append(dst, '{')
		for i, e := range n.Pairs() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(cep.AppendJSONString(dst, e.Name), ':')
			dst = appendJSON(dst, e.Value)
		}
		return append(dst, '}')
	case yaml.SequenceNode:
		dst = append(dst, '[')
		for i, item := range n.Items() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendJSON(dst, item)
		}
		return append(dst, ']')
	}
	if isJSON(n) {
		return append(dst, n.YAML.Value...)
	}
	return cep.AppendJSONString(dst, n.YAML.Value)
}

// isJSON says whether a scalar is a JSON number, true, false or null.
func isJSON(n source.Node) bool {
	v := n.YAML.Value
	return n.YAML.Kind == yaml.ScalarNode && n.YAML.Style == 0 && v != "" && !strings.ContainsAny(v, "\"[{ \n\t") && json.Valid([]byte(v))
}

// tellApart puts blanks into a line that mean nothing and make it the nth of equal
// ones, from 0, so that each event of a test can be told from the others.
func tellApart(line []byte, nth int) []byte {
	if nth == 0 {
		return line
	}
	var blanks []byte
	for ; nth > 0; nth /= 2 {
		blanks = append(blanks, " \t"[nth%2])
	}
	return bytes.Join([][]byte{line[:1], blanks, line[1:]}, nil)
}
