package infer

import (
	"encoding/json"
	"strings"
	"time"

	"weir/cep"
)

// ways are the ways in which a value can be read, most of them as a field, some as
// the event time.
type ways uint16

const (
	asText ways = 1 << iota
	asNumber
	asBool
	asTime // RFC 3339 text, or milliseconds
	asList
	asMap
	asSeconds // as the event time, in this unit
	asMicros
	asNanos

	allWays ways = 1<<iota - 1
)

// unit is one that a number of the event time may count.
type unit struct {
	way  ways
	name string
	span time.Duration
}

// units stand in the order in which they are tried.
var units = []unit{
	{asSeconds, "s", time.Second},
	{asTime, "ms", time.Millisecond},
	{asMicros, "us", time.Microsecond},
	{asNanos, "ns", time.Nanosecond},
}

// judge asks the decoder of the engine in which ways a value can be read.
type judge struct {
	fields map[ways]*cep.Decoder // of events whose field v is of the kind, or their time in the unit
	event  cep.Event
}

func newJudge() *judge {
	j := &judge{fields: map[ways]*cep.Decoder{}}
	for way, kind := range map[ways]cep.Kind{
		asText: cep.Text, asNumber: cep.Number, asBool: cep.Bool, asList: cep.List, asMap: cep.Map,
	} {
		j.fields[way] = decoder("event", &cep.Schema{Arrival: true, Fields: map[string]cep.Kind{"v": kind}})
	}
	for _, u := range units {
		j.fields[u.way] = decoder("event", &cep.Schema{Time: "v", TimeUnit: u.span, Fields: map[string]cep.Kind{"v": cep.Time}})
	}
	return j
}

// decoder reads events of one type.
func decoder(name string, schema *cep.Schema) *cep.Decoder {
	return cep.NewDecoder(&cep.Ruleset{Types: []cep.Type{{Name: name, Schema: schema}}})
}

// reads says in which of the given ways value, a JSON value other than null, can be
// read; cell says that it is a cell of a table, which is written as its schema
// wants it.
func (j *judge) reads(value string, of ways, cell bool) ways {
	plain := value
	if cell {
		plain = plainCell(value)
	}
	var can ways
	for way := ways(1); way < allWays; way <<= 1 {
		v := plain
		if way == asText {
			v = value
		}
		if of&way != 0 && j.fields[way].Decode(`{"v":`+v+`}`, &j.event) == nil {
			can |= way
		}
	}
	return can
}

// moment reads an event time, in nanoseconds since the epoch, in one of its ways.
func (j *judge) moment(value string, way ways, cell bool) (int64, bool) {
	if cell {
		value = plainCell(value)
	}
	if j.fields[way].Decode(`{"v":`+value+`}`, &j.event) != nil {
		return 0, false
	}
	return j.event.Time, true
}

// plainCell gives the text of a cell, a JSON string, as it stands if that is a
// JSON value other than a string and null.
func plainCell(value string) string {
	text := unquote(value)
	if text == "" || strings.IndexByte(`"n`, text[0]) >= 0 || strings.TrimSpace(text) != text || !json.Valid([]byte(text)) {
		return value
	}
	return text
}

// unquote gives the text of a JSON string, and any other value as it stands.
func unquote(value string) string {
	if value[0] != '"' {
		return value
	}
	var text string
	if json.Unmarshal([]byte(value), &text) != nil {
		return value
	}
	return text
}
