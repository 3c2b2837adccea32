package bench

import (
	"slices"
	"strconv"
	"time"

	"weir/cep"
)

// Stream is a sequence of events in the order of their time.
type Stream interface {
	Len() int
	Time(i int) int64                    // nanoseconds since the epoch
	Type(i int) string                   // name of the event's type
	Value(i int, field string) cep.Value // nil if the event has no such field
	AppendJSON(dst []byte, i int) []byte // one line with its end
}

// begin is the time at which the streams begin: 2026-01-01T00:00:00Z.
const begin = int64(1_767_225_600) * int64(time.Second)

// Batch is room for events that are stepped together. It is filled again and
// again: an engine keeps nothing of it.
type Batch struct {
	set    *cep.Ruleset
	types  map[string]cep.TypeID
	events []cep.Event
	rows   [][]cep.Value
}

// NewBatch makes room for n events as the rules of set see them.
func NewBatch(set *cep.Ruleset, n int) *Batch {
	b := &Batch{set: set, types: map[string]cep.TypeID{}}
	for i, t := range set.Types {
		b.types[t.Name] = cep.TypeID(i)
	}
	for range n {
		row := make([]cep.Value, len(set.Fields))
		b.events = append(b.events, *cep.NewEvent("", cep.OtherType, 0, row))
		b.rows = append(b.rows, row)
	}
	return b
}

// Fill gives the events of s from the i-th on, as many as there is room for.
func (b *Batch) Fill(s Stream, i int) []cep.Event {
	n := min(len(b.events), s.Len()-i)
	for k := range n {
		e := &b.events[k]
		e.Name, e.Time = s.Type(i+k), s.Time(i+k)
		var ok bool
		if e.Type, ok = b.types[e.Name]; !ok {
			e.Type = cep.OtherType
		}
		for f, field := range b.set.Fields {
			b.rows[k][f] = s.Value(i+k, field)
		}
	}
	return b.events[:n]
}

// labels makes names like c0, c1, c2.
func labels(prefix string, n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = prefix + strconv.Itoa(i)
	}
	return names
}

// appendHead begins the JSON of an event: its type and time.
func appendHead(dst []byte, typ string, ns int64) []byte {
	dst = append(dst, `{"type":"`...)
	dst = append(dst, typ...)
	dst = append(dst, `","ts":"`...)
	dst = time.Unix(0, ns).UTC().AppendFormat(dst, time.RFC3339Nano)
	return append(dst, '"')
}

func appendText(dst []byte, field, text string) []byte {
	dst = append(dst, `,"`...)
	dst = append(dst, field...)
	dst = append(dst, `":"`...)
	dst = append(dst, text...)
	return append(dst, '"')
}

// merge puts two sequences in order of time into one; of equal times a comes
// first.
func merge[T any](a, b []T, at func(*T) int64) []T {
	all := append(slices.Clone(a), b...)
	slices.SortStableFunc(all, func(x, y T) int {
		switch tx, ty := at(&x), at(&y); {
		case tx < ty:
			return -1
		case tx > ty:
			return 1
		}
		return 0
	})
	return all
}
