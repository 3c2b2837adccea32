package main

import (
	"bytes"
	"io"
	"slices"
)

// blockReader gives an input block by block. next fills b, which is empty, with
// at least one line, or returns io.EOF after the last one.
type blockReader interface {
	next(b *block) error
}

// lineReader cuts NDJSON into blocks of whole lines.
type lineReader struct {
	r      io.Reader
	source int
	live   bool // hand on what is there: more may be long in coming

	line int    // lines read so far
	rest []byte // beginning of a line whose end has not been read yet
	err  error  // what r ended with
}

// byteOrderMark may stand at the beginning of a file and says nothing.
var byteOrderMark = []byte("\xef\xbb\xbf")

func (l *lineReader) next(b *block) error {
	b.data = append(b.data, l.rest...)
	l.rest = l.rest[:0]
	whole := l.fill(b) // bytes of b.data that are whole lines
	l.rest = append(l.rest, b.data[whole:]...)
	b.data = b.data[:whole]
	if whole == 0 {
		return l.err
	}
	first := l.line + 1
	l.line += bytes.Count(b.data, newline)
	b.spans = append(b.spans, span{source: l.source, line: first, next: l.line + 1})
	if first == 1 && bytes.HasPrefix(b.data, byteOrderMark) {
		b.data = b.data[len(byteOrderMark):]
	}
	return nil
}

// fill reads until b holds a block of whole lines or the input ends, and
// returns their length.
func (l *lineReader) fill(b *block) int {
	whole := bytes.LastIndexByte(b.data, '\n') + 1
	for l.err == nil {
		if whole > 0 && (l.live || len(b.data) >= blockSize) {
			return whole
		}
		if whole == 0 && len(b.data) > maxLine {
			return l.cutLine(b)
		}
		have := len(b.data)
		b.data = slices.Grow(b.data, blockSize)
		var n int
		n, l.err = l.r.Read(b.data[have : have+blockSize])
		b.data = b.data[:have+n]
		if i := bytes.LastIndexByte(b.data[have:], '\n'); i >= 0 {
			whole = have + i + 1
		}
	}
	if l.err == io.EOF && whole < len(b.data) { // the last line has no end
		b.data = append(b.data, '\n')
		whole = len(b.data)
	}
	return whole
}

// cutLine keeps the first maxLine+1 bytes of the line that fills b and reads
// over the rest of it. What follows its end stands in b behind it.
func (l *lineReader) cutLine(b *block) int {
	b.data = append(b.data[:maxLine+1], '\n')
	whole := len(b.data)
	b.data = slices.Grow(b.data, blockSize)
	for l.err == nil {
		var n int
		n, l.err = l.r.Read(b.data[whole : whole+blockSize])
		read := b.data[whole : whole+n]
		if i := bytes.IndexByte(read, '\n'); i >= 0 {
			b.data = append(b.data[:whole], read[i+1:]...)
			return whole
		}
	}
	return whole
}
