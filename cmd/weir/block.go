package main

import (
	"bytes"

	"weir/cep"
)

const (
	// blockSize is about how many bytes of lines go from the reader to the
	// engine at once: some 200 events, so that handing over costs nothing per
	// event, and small enough to stay in the cache of a core.
	blockSize = 64 << 10

	// maxLine is the length in bytes up to which the engine takes a line for an
	// event. Of a longer one so much is kept that the engine sees that it is
	// too long.
	maxLine = 1 << 20
)

// block is a piece of the input on its way to the engine.
type block struct {
	data  []byte    // whole NDJSON lines
	spans []span    // which lines of which input data consists of
	bad   rejects   // lines that could not even be made NDJSON
	batch cep.Batch // data decoded
}

// span is a run of consecutive lines of one input within a block.
type span struct {
	source int // number of the input
	line   int // line of the first in its input, from 1
	begin  int // offset in block.data; it ends where the next span begins
	next   int // line that would continue the span
}

func (b *block) reset() {
	b.data, b.spans, b.bad = b.data[:0], b.spans[:0], rejects{first: b.bad.first[:0]}
}

func (b *block) empty() bool { return len(b.data) == 0 && b.bad.n == 0 }

// add appends one line, with or without its line end.
func (b *block) add(source, line int, text []byte) {
	b.begin(source, line)
	b.data = append(b.data, text...)
	b.end()
}

// begin announces that the next line is the given one; its text is appended to
// b.data by the caller, who then calls end.
func (b *block) begin(source, line int) {
	if n := len(b.spans); n > 0 {
		if last := &b.spans[n-1]; last.source == source && last.next == line {
			last.next++
			return
		}
	}
	b.spans = append(b.spans, span{source: source, line: line, begin: len(b.data), next: line + 1})
}

func (b *block) end() {
	if !bytes.HasSuffix(b.data, newline) {
		b.data = append(b.data, '\n')
	}
}

// records appends the block's lines to dst as records of the log.
func (b *block) records(dst []cep.Record) []cep.Record {
	for i, s := range b.spans {
		end := len(b.data)
		if i+1 < len(b.spans) {
			end = b.spans[i+1].begin
		}
		dst = append(dst, cep.Record{Kind: cep.EventsRecord, Data: b.data[s.begin:end], Source: s.source, Line: s.line})
	}
	return dst
}

// decode decodes the block's lines, for the engine.
func (b *block) decode(d *cep.Decoder) {
	b.batch.Reset()
	for _, r := range b.records(nil) {
		d.Batch(&b.batch, r)
	}
}

var newline = []byte{'\n'}

// rejects counts the lines that are no events and keeps the first few, so that
// it is small however bad the input is.
type rejects struct {
	n     int
	first []cep.Rejected // at most shownRejects
}

// shownRejects is how many rejected lines the summary shows.
const shownRejects = 5

func (r *rejects) add(line cep.Rejected) {
	r.n++
	if len(r.first) < shownRejects {
		r.first = append(r.first, line)
	}
}

// addAll adds what another has counted.
func (r *rejects) addAll(o *rejects) {
	r.n += o.n
	r.first = append(r.first, o.first[:min(len(o.first), shownRejects-len(r.first))]...)
}
