package cep

// RecordKind says what a Record holds.
type RecordKind uint8

const (
	EventsRecord RecordKind = iota // Data is NDJSON: one event a line
	EndRecord                      // no more events come: every window closes
	HaltRecord                     // no more events come, windows stay open: what has been read is matched, and time stands at the highest event time
	ClockRecord                    // time moves on to Time without an event, unless it is there already
	TickRecord                     // append time went on to Appended without events: where the stream is live, time moves on too
	ListRecord                     // a list changes: events released before see it as it was, those after as it is then
)

// Record is an entry of the log that an Engine folds.
type Record struct {
	Kind   RecordKind
	Data   []byte  // EventsRecord; must not be changed after Step got it
	Source int     // EventsRecord: number of the input, for what is rejected, late or refused; ListRecord too
	Line   int     // EventsRecord: line of the first event in its source, from 1
	Typed  []Typed // EventsRecord: of which types its lines have to be; nil: of any
	Time   int64   // ClockRecord: event time, nanoseconds since the epoch

	// Appended is when the record was appended to the log, in nanoseconds since the epoch
	// by the log's clock; 0: unknown. Where it goes back it is taken to stand still. A
	// TickRecord without one does nothing; of HaltRecord and EndRecord it is not read.
	Appended int64

	Change *ListChange // ListRecord; its texts may be changed after Step returned
	Audit  *Audited    // not of events: what Effects.Audited gets once it is stepped; nil: nothing

	sent  string // of one line: Typed.Type
	ahead *Batch // EventsRecord: Data as it was decoded, if it was; nil: it was not
}
