package cep

import "strconv"

// AppendJSON appends a as one JSON object, without a line break. Equal alerts
// give equal bytes. What is empty and says nothing is left out: title, tags,
// message, measures, suppressed, truncated, shadow, cause. In "events" a variable that
// captures at most one event holds the event and is left out without one; any
// other holds an array, which may be empty, and so does the feature of Backing.
func AppendJSON(dst []byte, a *Alert) []byte {
	r := a.Rule
	dst = append(dst, `{"id":`...)
	dst = AppendJSONString(dst, a.ID)
	dst = append(dst, `,"version":`...)
	dst = strconv.AppendInt(dst, int64(a.Version), 10)
	dst = append(dst, `,"kind":"`...)
	dst = append(dst, a.Kind.String()...)
	dst = append(dst, `","rule":{"id":`...)
	dst = AppendJSONString(dst, r.ID)
	dst = append(dst, `,"revision":`...)
	dst = strconv.AppendInt(dst, int64(r.Revision), 10)
	if r.Title != "" {
		dst = append(dst, `,"title":`...)
		dst = AppendJSONString(dst, r.Title)
	}
	if len(r.Tags) > 0 {
		dst = append(dst, `,"tags":[`...)
		for i, tag := range r.Tags {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = AppendJSONString(dst, tag)
		}
		dst = append(dst, ']')
	}
	dst = append(dst, `},"key":{`...)
	for i, part := range a.Key {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendJSONString(dst, r.Key.Names[i])
		dst = append(dst, ':')
		dst = AppendJSONString(dst, part)
	}
	dst = append(dst, `},"time":"`...)
	dst = append(dst, FormatTime(a.Time)...)
	dst = append(dst, `","score":`...)
	dst = strconv.AppendInt(dst, int64(a.Score), 10)
	dst = append(dst, `,"severity":`...)
	dst = AppendJSONString(dst, r.Severity)
	dst = append(dst, `,"action":`...)
	dst = AppendJSONString(dst, r.Action)
	if a.Message != "" {
		dst = append(dst, `,"message":`...)
		dst = AppendJSONString(dst, a.Message)
	}
	dst = appendMeasures(dst, r, a.Measures)
	dst = a.appendEvents(dst)
	if a.Suppressed > 0 {
		dst = append(dst, `,"suppressed":`...)
		dst = strconv.AppendInt(dst, int64(a.Suppressed), 10)
	}
	if a.Truncated {
		dst = append(dst, `,"truncated":true`...)
	}
	if r.Shadow {
		dst = append(dst, `,"shadow":true`...)
	}
	if a.Cause != nil {
		dst = a.Cause.appendJSON(dst)
	}
	return append(dst, '}')
}

func (c *Cause) appendJSON(dst []byte) []byte {
	dst = append(dst, `,"cause":{"type":`...)
	dst = AppendJSONString(dst, c.Type)
	dst = append(dst, `,"id":`...)
	dst = AppendJSONString(dst, c.Name)
	dst = append(dst, `,"position":`...)
	dst = strconv.AppendUint(dst, c.Place, 10)
	return append(dst, '}')
}

// appendMeasures appends the measures of a match of r, if there are any.
func appendMeasures(dst []byte, r *Rule, measures []Value) []byte {
	if len(measures) == 0 {
		return dst
	}
	dst = append(dst, `,"measures":{`...)
	for i := range measures {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendJSONString(dst, r.Measures[i].Name)
		dst = append(dst, ':')
		dst = measures[i].AppendJSON(dst)
	}
	return append(dst, '}')
}

func (a *Alert) appendEvents(dst []byte) []byte {
	dst = append(dst, `,"events":{`...)
	rest, first := a.Events, true
	for v, name := range a.Rule.Names {
		n := 0
		for n < len(rest) && rest[n].Var == v {
			n++
		}
		mine := rest[:n]
		rest = rest[n:]
		if !name.Captures || !name.List && n == 0 {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = AppendJSONString(dst, name.Text)
		dst = append(dst, ':')
		if !name.List {
			dst = append(dst, mine[0].Raw...)
			continue
		}
		dst = appendList(dst, mine)
	}
	if name := a.Backing.Feature; name != "" {
		if !first {
			dst = append(dst, ',')
		}
		dst = AppendJSONString(dst, name)
		dst = append(dst, ':')
		dst = appendList(dst, a.Backing.Events)
	}
	return append(dst, '}')
}

func appendList(dst []byte, events []Evidence) []byte {
	dst = append(dst, '[')
	for i := range events {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, events[i].Raw...)
	}
	return append(dst, ']')
}
