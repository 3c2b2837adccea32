package cep

import (
	"slices"
	"strconv"
	"strings"
)

// layer is a set of rules that read matches only of rules of the layers below. All its
// shards go over a block of events before the next layer does.
type layer struct {
	plan   *plan
	shards []*shard
	last   uint64   // Event.Place of the last event of the layer
	input  []*Event // of the block
}

// layers is the number of layers of the rules, at least one.
func layers(rs *Ruleset) int {
	n := 1
	for _, r := range rs.Rules {
		n = max(n, r.Layer+1)
	}
	return n
}

// gather puts the events that the layer below went over and the matches that it brought
// into one order: a match stands right after the event that brought it, one that time
// brought before all events of its moment.
func (l *layer) gather(below []*Event, came []coming) []*Event {
	clear(l.input)
	l.input = l.input[:0]
	for _, e := range below {
		for len(came) > 0 && came[0].precedes(e) {
			l.take(came[0].event)
			came = came[1:]
		}
		l.take(e)
	}
	for i := range came {
		l.take(came[i].event)
	}
	for _, e := range l.input {
		l.last++
		e.Place = l.last
	}
	return l.input
}

func (l *layer) take(e *Event) {
	if e != nil {
		l.input = append(l.input, e)
	}
}

// precedes reports whether c came before an event of its layer.
func (c *coming) precedes(e *Event) bool {
	return c.at.moment < e.Time || c.at.moment == e.Time && c.place < e.Place
}

// herald makes events of the matches of a rule, for the rules that read them.
type herald struct {
	rule   *Rule // as it is, or was
	typ    TypeID
	fields []heraldField
	former []*herald // of what the rule was before
}

// of is what makes events of the matches of a rule as it is, or was.
func (h *herald) of(r *Rule) *herald {
	if h != nil && h.rule != r {
		for _, f := range h.former {
			if f.rule == r {
				return f
			}
		}
	}
	return h
}

// heraldField is where a field of the event comes from.
type heraldField struct {
	field FieldID
	from  source
	index int // of the part of the key, or the measure
}

type source uint8

const (
	fromType source = iota
	fromTime
	fromKey
	fromMeasure
	fromScore
	fromSeverity
)

// heralds returns by rule what makes its matches events, nil where no rule reads them.
func heralds(rs *Ruleset) []*herald {
	all := make([]*herald, len(rs.Rules))
	for t, typ := range rs.Types {
		if typ.Alert == nil {
			continue
		}
		for i, r := range rs.Rules {
			if r == typ.Alert || r.Drains && r.ID == typ.Alert.ID {
				all[i] = newHerald(rs, r, TypeID(t))
				for _, f := range r.Formers {
					all[i].former = append(all[i].former, newHerald(rs, f, TypeID(t)))
				}
			}
		}
	}
	return all
}

func newHerald(rs *Ruleset, r *Rule, t TypeID) *herald {
	h := &herald{rule: r, typ: t}
	for f, path := range rs.Fields {
		x := heraldField{field: FieldID(f)}
		if i := slices.Index(r.Key.Names, path); i >= 0 {
			x.from, x.index = fromKey, i
		} else if i := slices.IndexFunc(r.Measures, func(m Measure) bool { return m.Name == path }); i >= 0 {
			x.from, x.index = fromMeasure, i
		} else {
			switch path {
			case typeField:
				x.from = fromType
			case timeField:
				x.from = fromTime
			case "score":
				x.from = fromScore
			case "severity":
				x.from = fromSeverity
			default:
				continue
			}
		}
		h.fields = append(h.fields, x)
	}
	return h
}

// event makes the event of a match that came at a moment. It has memory of its own.
func (h *herald) event(p *plan, a *Alert, at stamp) *Event {
	e := &Event{Time: at.moment, Type: h.typ, Name: p.rs.Types[h.typ].Name, ID: a.ID, Seq: at.seq, origin: at.origin, nth: 1, layout: p.wide}
	e.row = make([]Value, len(p.wide.slot))
	for _, x := range h.fields {
		v := &e.row[x.field]
		switch x.from {
		case fromType:
			*v = TextValue(e.Name)
		case fromTime:
			*v = TimeValue(at.moment)
		case fromKey:
			*v = TextValue(a.Key[x.index])
		case fromMeasure:
			*v = a.Measures[x.index]
			v.Text = strings.Clone(v.Text)
			v.at = 0
		case fromScore:
			*v = NumberValue(float64(a.Score))
		case fromSeverity:
			*v = TextValue(a.Rule.Severity)
		}
	}
	e.Raw = string(h.json(a, e))
	return e
}

// json writes the event as an event is written.
func (h *herald) json(a *Alert, e *Event) []byte {
	b := append([]byte(nil), `{"type":`...)
	b = AppendJSONString(b, e.Name)
	b = append(b, `,"ts":"`...)
	b = append(b, FormatTime(e.Time)...)
	b = append(b, `","id":`...)
	b = AppendJSONString(b, a.ID)
	for i, part := range a.Key {
		b = append(b, ',')
		b = AppendJSONString(b, a.Rule.Key.Names[i])
		b = append(b, ':')
		b = AppendJSONString(b, part)
	}
	for i := range a.Measures {
		b = append(b, ',')
		b = AppendJSONString(b, a.Rule.Measures[i].Name)
		b = append(b, ':')
		b = a.Measures[i].AppendJSON(b)
	}
	b = append(b, `,"score":`...)
	b = strconv.AppendInt(b, int64(a.Score), 10)
	b = append(b, `,"severity":`...)
	b = AppendJSONString(b, a.Rule.Severity)
	return append(b, '}')
}
