package cep

import "unsafe"

// decodedAhead are the records of a read, decoded by whoever reads while the records of the read
// before are stepped. What it does not have, or has decoded for other rules than those in
// force at the record, is decoded when it is stepped.
type decodedAhead struct {
	decoder *Decoder // nil: none yet
	first   uint64   // sequence of the first record
	lines   Batch    // of all records
	parts   []Batch  // of it, by record. Without Ruleset: not decoded
}

// aheadLines bounds the lines that are decoded ahead: many short ones take far more memory
// than their bytes.
const aheadLines = 32 << 10

// decode decodes records by the rules in force; nil: there are none yet. It takes the data of
// the records as it is: nobody changes it.
func (a *decodedAhead) decode(rules *Rules, records []Logged) {
	if a == nil { // the reading ends
		return
	}
	a.parts = a.parts[:0]
	a.lines.Reset()
	if rules == nil || len(records) == 0 {
		return
	}
	if a.decoder == nil || a.decoder.rs != rules.Ruleset {
		a.decoder = NewDecoder(rules.Ruleset)
	}
	a.first = records[0].Sequence
	defer func() {
		if recover() != nil {
			a.parts = a.parts[:0] // whoever steps the record panics, and says where
		}
	}()
	for i := range records {
		if isRules(records[i].Data) || a.lines.n > aheadLines {
			break // what follows is read by others
		}
		a.parts = append(a.parts, a.decodeOne(&records[i]))
	}
	for i := range a.parts { // now that lines stay where they are
		p := &a.parts[i]
		p.lines = a.lines.lines[p.from : p.from+p.n]
	}
}

// decodeOne decodes a record of events.
func (a *decodedAhead) decodeOne(r *Logged) Batch {
	p, err := Unpack(r.Data)
	if err != nil || p.Kind != PackedEvents {
		return Batch{}
	}
	from := a.lines.n
	a.decoder.batch(&a.lines, eventsOf(r, &p), unsafe.String(unsafe.SliceData(p.Body), len(p.Body)))
	return Batch{of: a.decoder.rs, sequence: r.Sequence, from: from, n: a.lines.n - from}
}

// eventsOf is what a record of events asks of the Engine.
func eventsOf(r *Logged, p *Packed) Record {
	return Record{Kind: EventsRecord, Data: p.Body, Line: 1, Typed: p.Typed, Appended: r.Appended}
}

// part is a record as it was decoded; nil: it was not. Where records are missing on the log it
// may not be found.
func (a *decodedAhead) part(sequence uint64) *Batch {
	if a == nil || sequence < a.first || sequence-a.first >= uint64(len(a.parts)) {
		return nil
	}
	if p := &a.parts[sequence-a.first]; p.sequence == sequence {
		return p
	}
	return nil
}
