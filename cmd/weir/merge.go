package main

import (
	"bytes"
	"container/heap"
	"io"
	"math"
)

// atOnce is the time of a line that has none: it is handed on before all
// others, and the engine rejects it.
const atOnce = math.MinInt64

// merger hands on the lines of several inputs by the event time of the next
// line of each; at equal times the input named first goes first. It does not
// sort an input in itself.
type merger struct {
	inputs []*head // of which no line has been read yet
	heads  []*head // a heap
	err    error   // what an input failed with, or io.EOF after the last line of all
	timeOf func(line []byte) (ns int64, ok bool)
}

// head is the next line of an input.
type head struct {
	in    blockReader
	order int   // of the input among the inputs
	time  int64 // of the line, or atOnce
	text  []byte
	line  int
	span  int // of the line, in block.spans
	off   int // in block.data, behind the line
	block block
}

// newMerger merges inputs. timeOf reads the event time of a line.
func newMerger(inputs []blockReader, timeOf func([]byte) (int64, bool)) *merger {
	m := &merger{timeOf: timeOf}
	for i, in := range inputs {
		m.inputs = append(m.inputs, &head{in: in, order: i})
	}
	return m
}

func (m *merger) next(b *block) error {
	m.start(b)
	for m.err == nil && len(b.data) < blockSize {
		if len(m.heads) == 0 {
			m.err = io.EOF
			break
		}
		h := m.heads[0]
		b.add(h.block.spans[h.span].source, h.line, h.text)
		switch err := m.advance(h, b); err {
		case nil:
			heap.Fix(m, 0)
		case io.EOF:
			heap.Pop(m)
		default:
			m.err = err
		}
	}
	if b.empty() {
		return m.err
	}
	return nil
}

// start reads the first line of each input.
func (m *merger) start(b *block) {
	for ; m.err == nil && len(m.inputs) > 0; m.inputs = m.inputs[1:] {
		h := m.inputs[0]
		switch err := m.advance(h, b); err {
		case nil:
			heap.Push(m, h)
		case io.EOF:
		default:
			m.err = err
		}
	}
}

// advance moves h to the next line of its input. What the input rejects goes
// to b.
func (m *merger) advance(h *head, b *block) error {
	for h.off == len(h.block.data) {
		h.block.reset()
		if err := h.in.next(&h.block); err != nil {
			return err
		}
		b.bad.addAll(&h.block.bad)
		h.span, h.off, h.line = 0, 0, 0
	}
	h.step()
	h.time = atOnce
	if ns, ok := m.timeOf(h.text); ok {
		h.time = ns
	}
	return nil
}

// step moves h to the next line within its block.
func (h *head) step() {
	spans := h.block.spans
	switch {
	case h.off == 0:
		h.line = spans[0].line
	case h.span+1 < len(spans) && spans[h.span+1].begin == h.off:
		h.span++
		h.line = spans[h.span].line
	default:
		h.line++
	}
	end := h.off + bytes.IndexByte(h.block.data[h.off:], '\n') + 1
	h.text, h.off = h.block.data[h.off:end], end
}

// Len, Less, Swap, Push and Pop are the heap.
func (m *merger) Len() int { return len(m.heads) }

func (m *merger) Less(i, j int) bool {
	a, b := m.heads[i], m.heads[j]
	return a.time < b.time || a.time == b.time && a.order < b.order
}

func (m *merger) Swap(i, j int) { m.heads[i], m.heads[j] = m.heads[j], m.heads[i] }

func (m *merger) Push(h any) { m.heads = append(m.heads, h.(*head)) }

func (m *merger) Pop() any {
	last := m.heads[len(m.heads)-1]
	m.heads = m.heads[:len(m.heads)-1]
	return last
}
