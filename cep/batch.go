package cep

import "strings"

// Batch is records of events that have been decoded, so that one goroutine can
// decode ahead of the one that steps the Engine. The zero Batch is empty; a Batch
// is used again and again, as it keeps the memory of its events.
type Batch struct {
	lines []decoded
	room  room
	n     int // of lines in use

	// Of a part of a decodedAhead:
	sequence uint64   // of its record
	from     int      // where it begins there
	of       *Ruleset // by which it was decoded; nil: it was not
}

// decoded is a line as the decoder left it: an event, or why it is none.
type decoded struct {
	text     string
	sent     string // Typed.Type of the line
	source   int
	number   int   // of the line in its source
	appended int64 // of the record
	event    *Event
	mark     mark // of an event with an id
	reject   *Reject
}

// Reset empties b.
func (b *Batch) Reset() { b.n = 0 }

// Batch appends the lines of a record of events to b. Empty lines are passed
// over. The record's data may be changed afterwards.
func (d *Decoder) Batch(b *Batch, r Record) { d.batch(b, r, string(r.Data)) }

// batch is Batch of a record whose data is text.
func (d *Decoder) batch(b *Batch, r Record, rest string) {
	types := newTypes(r.Typed)
	for number := r.Line; rest != ""; number++ {
		var text string
		text, rest, _ = strings.Cut(rest, "\n")
		sent := types.next()
		if text = strings.TrimRight(text, " \t\r"); text == "" {
			continue
		}
		l := b.next()
		l.text, l.sent, l.source, l.number, l.appended = text, sent, r.Source, number, r.Appended
		if l.reject = d.DecodeAs(text, sent, l.event); l.reject == nil {
			l.mark = markOf(l.event)
		}
	}
}

// next returns the next line of b to fill.
func (b *Batch) next() *decoded {
	if b.n == len(b.lines) {
		b.lines = append(b.lines, decoded{event: b.room.event()})
	}
	b.n++
	return &b.lines[b.n-1]
}

// StepBatch folds the events of b, as Step does after decoding. They have been
// decoded by a Decoder of the engine's Ruleset.
func (g *Engine) StepBatch(b *Batch, fx *Effects) {
	g.accept(b, fx)
	g.match(fx)
}

// decoded are the lines of a record of events.
func (g *Engine) decoded(r *Record) *Batch {
	if r.ahead != nil && r.ahead.of == g.rs.base() {
		return r.ahead
	}
	g.batch.Reset()
	g.decoder.Batch(&g.batch, *r)
	return &g.batch
}

// accept takes in what has been decoded. An event that the engine keeps is
// replaced in b by one that it no longer needs.
func (g *Engine) accept(b *Batch, fx *Effects) {
	for i := range b.lines[:b.n] {
		if i%ahead == 0 {
			g.ids.fetch(b.lines[i:min(i+ahead, b.n)])
		}
		l := &b.lines[i]
		at := Record{Source: l.source, Line: l.number, Appended: g.log.see(l.appended), sent: l.sent}
		if l.reject != nil {
			g.reject(l.text, l.reject, at, fx)
		} else if g.admit(l.event, true, l.mark, at, fx) {
			l.event = g.take()
		}
	}
}
