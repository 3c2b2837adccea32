package web

import (
	"bytes"
	"io"
	"unsafe"

	"weir/cep"
)

// Reject says why a line of a body, or a value in an array, is no event.
type Reject struct {
	Line   int    `json:"line" doc:"of the body, from 1"`
	Column int    `json:"column" doc:"byte in the line, from 1, where something else was expected"`
	Reason string `json:"reason" doc:"what was expected and what was found"`
}

const (
	maxLine   = 1 << 20          // bytes of an event, as the engine's reader takes it
	fullPiece = maxLine + 64<<10 // bytes of a piece that has grown
	leastSize = 64 << 10         // and of one that has not
)

// piece is a part of a body in memory: what was read, and then the lines of its events, in
// the same place. A byte is free before what was read and one after it, for newlines.
type piece struct {
	buffer []byte
	from   int // what was read and not yet cut begins here
	end    int // and ends here
	lines  []byte
	n      int // of lines
	ended  bool
	bytes  uint64 // of the body, up to the end of what was read, and their checksum
	sum    [32]byte
}

// intake reads the events of a body, piece by piece.
type intake struct {
	*checker
	s    *service
	body *body
	text io.Reader // the body, or the lines that are made of it
	line int       // of the body, at what is cut next
	col  int       // bytes of it that were cut before
	skip bool      // the rest of a line that is too long is passed over

	array array

	accepted      uint64 // lines that are events
	rejectedCount uint64
	rejected      []Reject // the first mostRejects
}

const mostRejects = 100 // of which an answer says why

// cutter takes from a piece the events that are whole in it. It leaves in it, from
// piece.from, the beginning of one that is not.
type cutter func(*intake, *piece) error

// newPiece gives memory for a part of a body, as much as one that is not large needs.
func (s *service) newPiece() (*piece, error) {
	if !s.memory.take(leastSize) {
		return nil, tooMany()
	}
	if p, ok := s.small.Get().(*piece); ok {
		return p, nil
	}
	return &piece{buffer: make([]byte, leastSize)}, nil
}

func tooMany() error {
	return busy("too many large bodies are on their way: send again after a second")
}

// drop takes back a piece.
func (s *service) drop(p *piece) {
	s.memory.give(len(p.buffer))
	free := &s.small
	if len(p.buffer) == fullPiece {
		free = &s.large
	}
	*p = piece{buffer: p.buffer}
	free.Put(p)
}

// fill reads until p is full, which grows once, or the body ends.
func (t *intake) fill(p *piece) error {
	for {
		if p.end == len(p.buffer)-1 {
			if len(p.buffer) == fullPiece {
				break
			}
			if err := t.grow(p); err != nil {
				return err
			}
		}
		n, err := t.text.Read(p.buffer[p.end : len(p.buffer)-1])
		p.end += n
		if err == io.EOF {
			p.ended = true
			break
		}
		if err != nil {
			return err
		}
	}
	if proof := t.body.proof; proof != nil {
		p.bytes = proof.bytes
		proof.sum.Sum(p.sum[:0])
		if p.ended {
			return proof.end()
		}
	}
	return nil
}

// next reads a piece, which begins with what the one before it had left over, and cuts it.
func (t *intake) next(cut cutter, before *piece) (next *piece, err error) {
	p, err := t.s.newPiece()
	if err != nil {
		return nil, err
	}
	defer func() {
		if next == nil { // also where the engine's reader panics
			t.s.drop(p)
		}
	}()
	p.from, p.end = 1, 1
	if before != nil {
		rest := before.buffer[before.from:before.end]
		if len(rest) > len(p.buffer)-2 {
			if err := t.grow(p); err != nil {
				return nil, err
			}
		}
		p.end += copy(p.buffer[1:], rest)
	}
	if err := t.fill(p); err != nil {
		return nil, err
	}
	if before == nil {
		t.passMark(p)
	}
	if err := cut(t, p); err != nil {
		return nil, err
	}
	t.accepted += uint64(p.n)
	return p, nil
}

// grow makes p as large as pieces become.
func (t *intake) grow(p *piece) error {
	if !t.s.memory.take(fullPiece - leastSize) {
		return tooMany()
	}
	l, _ := t.s.large.Get().(*piece)
	if l == nil {
		l = &piece{buffer: make([]byte, fullPiece)}
	}
	copy(l.buffer, p.buffer[:p.end])
	p.buffer, l.buffer = l.buffer, p.buffer
	t.s.small.Put(l)
	return nil
}

// passMark passes over the byte order mark at the beginning of a body.
func (t *intake) passMark(p *piece) {
	if bytes.HasPrefix(p.buffer[p.from:p.end], []byte("\xef\xbb\xbf")) {
		p.from += 3
	}
}

// reject counts a line that is no event.
func (t *intake) reject(line, column int, reason string) {
	t.rejectedCount++
	if len(t.rejected) < mostRejects {
		t.rejected = append(t.rejected, Reject{line, column, reason})
		t.Brief(len(t.rejected) == mostRejects)
	}
}

// decode checks an event. Its text is only looked at, so that it is not copied.
func (t *intake) decode(text []byte) *cep.Reject {
	return t.Decode(unsafe.String(unsafe.SliceData(text), len(text)), &t.event)
}

// tooLong is why a line that does not fit into a piece is no event.
const tooLong = "expected at most 1048576 bytes in a line, found more"
