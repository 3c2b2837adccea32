package alerts

import (
	"bytes"
	"encoding/json"
	"slices"

	"weir/cep"
)

// masked stands in place of what must not leave, whatever it was.
const masked = "***"

// Mask says what of alerts and events must not leave the process: fields that a schema marks
// as personal (cep.Schema.Personal), and what a rule makes of them (cep.Rule.Personal). It is
// of one ruleset, and immutable.
type Mask struct {
	fields map[string][]string // paths that are marked, by event type
	all    []string            // of all types, for events that do not say theirs
	ids    map[string]bool     // event types whose id is marked
	rules  map[issue]*cep.Rule // in force, and what they were
}

// issue is a revision of a rule.
type issue struct {
	rule     string
	revision int
}

// NewMask is what a ruleset hides.
func NewMask(rs *cep.Ruleset) *Mask {
	m := &Mask{fields: map[string][]string{}, ids: map[string]bool{}, rules: map[issue]*cep.Rule{}}
	for i := range rs.Types {
		t := &rs.Types[i]
		var paths []string
		if t.Schema != nil {
			paths = t.Schema.Personal
			m.ids[t.Name] = slices.Contains(paths, t.Schema.ID)
		}
		if r := t.Alert; r != nil {
			paths = slices.Concat(chosen(r.Key.Names, r.Personal.Key), measuresOf(r))
		}
		if len(paths) > 0 {
			m.fields[t.Name] = paths
			m.all = append(m.all, paths...)
		}
	}
	for _, r := range rs.Rules {
		for _, was := range slices.Concat(r.Formers, []*cep.Rule{r}) {
			m.rules[issue{was.ID, was.Revision}] = was
		}
	}
	return m
}

// chosen are the names at whose places there is a true.
func chosen(names []string, which []bool) (list []string) {
	for i, name := range names {
		if i < len(which) && which[i] {
			list = append(list, name)
		}
	}
	return list
}

// measuresOf are the measures of a rule that are made of personal fields.
func measuresOf(r *cep.Rule) (list []string) {
	for i := range r.Measures {
		if i < len(r.Personal.Measures) && r.Personal.Measures[i] {
			list = append(list, r.Measures[i].Name)
		}
	}
	return list
}

// Hides says whether something of the events of a type is hidden.
func (m *Mask) Hides(typ string) bool { return len(m.fields[typ]) > 0 }

// Item is an alert as it may leave. Where anything is marked at all, an alert of a rule or
// revision that is not the Mask's has nothing of its key, measures and message left: what
// they were made of is not known any more.
func (m *Mask) Item(it *Item) Item {
	out := *it
	if len(m.all) == 0 {
		return out
	}
	rule := m.rules[issue{it.Rule, it.Revision}]
	hides := func(names []string) func(string) bool {
		return func(name string) bool { return rule == nil || slices.Contains(names, name) }
	}
	var key, measures func(string) bool
	if rule == nil {
		key, measures = hides(nil), hides(nil)
	} else {
		key, measures = hides(chosen(rule.Key.Names, rule.Personal.Key)), hides(measuresOf(rule))
	}
	out.Key = slices.Clone(it.Key)
	for i := range out.Key {
		if key(out.Key[i].Name) {
			out.Key[i].Value = masked
		}
	}
	out.Line = appendMembers(nil, it.Line, func(dst []byte, name string, value []byte) []byte {
		switch name {
		case "key":
			return appendHidden(dst, value, key)
		case "measures":
			return appendHidden(dst, value, measures)
		case "message":
			if rule == nil || rule.Personal.Message {
				return appendMasked(dst)
			}
		case "events":
			return appendMembers(dst, value, func(dst []byte, _ string, value []byte) []byte { return m.appendEvents(dst, value) })
		case "cause":
			return m.appendCause(dst, value)
		}
		return append(dst, value...)
	})
	return out
}

// appendCause appends the event that changed an alert.
func (m *Mask) appendCause(dst, value []byte) []byte {
	var c struct{ Type string }
	hides := json.Unmarshal(value, &c) != nil || m.ids[c.Type]
	return appendHidden(dst, value, func(name string) bool { return hides && name == "id" })
}

// appendHidden appends an object without the values of some of its members.
func appendHidden(dst, object []byte, hides func(name string) bool) []byte {
	return appendMembers(dst, object, func(dst []byte, name string, value []byte) []byte {
		if hides(name) {
			return appendMasked(dst)
		}
		return append(dst, value...)
	})
}

func appendMasked(dst []byte) []byte { return cep.AppendJSONString(dst, masked) }

// appendEvents appends one event, or an array of them.
func (m *Mask) appendEvents(dst, value []byte) []byte {
	if len(value) > 0 && value[0] == '[' {
		return appendElements(dst, value, func(dst, value []byte) []byte { return append(dst, m.Event(value)...) })
	}
	return append(dst, m.Event(value)...)
}

// Event is an event, a JSON object, as it may leave.
func (m *Mask) Event(raw []byte) []byte {
	if len(m.all) == 0 {
		return raw
	}
	paths, known := m.all, false
	appendMembers(nil, raw, func(_ []byte, name string, value []byte) []byte {
		var typ string
		if name == "type" && !known && json.Unmarshal(value, &typ) == nil {
			paths, known = m.fields[typ], true
		}
		return nil
	})
	if len(paths) == 0 {
		return raw
	}
	return appendPaths(nil, raw, "", paths)
}

// appendPaths appends an object without what stands at some paths below a prefix.
func appendPaths(dst, object []byte, prefix string, paths []string) []byte {
	return appendMembers(dst, object, func(dst []byte, name string, value []byte) []byte {
		path := prefix + name
		if slices.Contains(paths, path) {
			return appendMasked(dst)
		}
		if value[0] == '{' && slices.ContainsFunc(paths, func(p string) bool { return len(p) > len(path) && p[:len(path)] == path && p[len(path)] == '.' }) {
			return appendPaths(dst, value, path+".", paths)
		}
		return append(dst, value...)
	})
}

// appendMembers appends a JSON object with each value as appendValue appends it. Text that is
// no object is appended as masked: what it says is not known.
func appendMembers(dst, object []byte, appendValue func(dst []byte, name string, value []byte) []byte) []byte {
	begin := len(dst)
	d := json.NewDecoder(bytes.NewReader(object))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return appendMasked(dst)
	}
	dst = append(dst, '{')
	for first := true; d.More(); first = false {
		t, err := d.Token()
		name, ok := t.(string)
		var value json.RawMessage
		if err != nil || !ok || d.Decode(&value) != nil {
			return appendMasked(dst[:begin])
		}
		if !first {
			dst = append(dst, ',')
		}
		dst = cep.AppendJSONString(dst, name)
		dst = append(dst, ':')
		dst = appendValue(dst, name, value)
	}
	return append(dst, '}')
}

// appendElements appends a JSON array with each element as appendValue appends it.
func appendElements(dst, array []byte, appendValue func(dst, value []byte) []byte) []byte {
	var list []json.RawMessage
	if json.Unmarshal(array, &list) != nil {
		return appendMasked(dst)
	}
	dst = append(dst, '[')
	for i, value := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendValue(dst, value)
	}
	return append(dst, ']')
}
