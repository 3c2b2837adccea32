package stream

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"weir/cep"
)

// Bounds of a Packer, where PackerOptions says nothing.
const (
	DefaultPacked  = 64 << 10
	DefaultJoined  = 256 << 10
	DefaultLinger  = time.Millisecond
	DefaultFlying  = 4 << 20
	DefaultWaiting = 64 << 20
)

// PackerOptions bound a Packer. What is 0 has its default.
type PackerOptions struct {
	Packed  int           // bytes of lines in a record. A longer line has a record of its own
	Joined  int           // likewise, of one made of several that wait to be sent
	Linger  time.Duration // a record that is not full waits for more lines for so long
	Flying  int64         // bytes of records that are sent and not durable yet
	Waiting int64         // bytes of lines that are not durable yet: ErrBusy beyond it
}

// Packer puts the lines of many requests into few records, so that they share what
// an append costs. Its methods may be called by many goroutines.
type Packer struct {
	log     *Log
	options PackerOptions

	mu      sync.Mutex
	filling *parcel   // takes lines
	due     bool      // filling has waited for more lines for long enough
	full    []*parcel // wait to be sent, in order
	flying  int64     // bytes sent that are not durable yet
	flights int       // records sent that are not durable yet
	waiting int64     // bytes of all lines that are not durable yet
	closed  bool
	timer   *time.Timer   // of the linger of filling
	kick    chan struct{} // has an element when there may be something to send
	ended   chan struct{} // closed when the sender has ended
	joint   []byte        // the sender's: the body of a record made of several
}

// parcel is a record that is being filled.
type parcel struct {
	body     *[]byte   // from bodies, until it is sent
	joined   []*[]byte // what follows it: bodies of records that waited behind this one
	size     int       // bytes of all
	posts    []cep.Post
	requests []*asked
}

// bodies are buffers for the lines of records.
var bodies = sync.Pool{New: func() any {
	b := make([]byte, 0, DefaultPacked)
	return &b
}}

// asked is a Post that waits.
type asked struct {
	parcels int // with lines of it, that are not settled; guarded by Packer.mu
	last    uint64
	err     error
	done    chan struct{}
}

// NewPacker returns a Packer that appends to log. Close ends it.
func NewPacker(log *Log, o PackerOptions) *Packer {
	if o.Packed == 0 {
		o.Packed = DefaultPacked
	}
	if o.Linger == 0 {
		o.Linger = DefaultLinger
	}
	if o.Flying == 0 {
		o.Flying = DefaultFlying
	}
	if o.Waiting == 0 {
		o.Waiting = DefaultWaiting
	}
	o.Packed = min(o.Packed, log.MaxRecord()/2)
	if o.Joined == 0 {
		o.Joined = log.joined()
	}
	o.Joined = min(max(o.Joined, o.Packed), log.MaxRecord()/2)
	p := &Packer{log: log, options: o, kick: make(chan struct{}, 1), ended: make(chan struct{})}
	p.timer = time.AfterFunc(time.Hour, p.linger)
	p.timer.Stop()
	go p.send()
	return p
}

// joined is how many bytes of lines a record has at most of those that waited for others: a small
// log has small records.
func (l *Log) joined() int { return min(DefaultJoined, int(l.options.Size/generations)) }

// Post appends lines of a request and returns when all are durable, with the sequence
// number of the last record that has one. lines are count whole lines, each with its line
// end. post names the request, if it has a key, and the number of the first of the lines;
// its Count does not matter. The lines keep their order.
//
// ErrBusy, ErrTooLarge and ErrClosed say that none of the lines is on the log; after any
// other error some may be. Where ctx ends, those that are not on the log yet may still get
// there.
func (p *Packer) Post(ctx context.Context, lines []byte, count int, post *cep.Post) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if n := bytes.Count(lines, []byte{'\n'}); n != count || n == 0 || lines[len(lines)-1] != '\n' {
		return 0, fmt.Errorf("stream: a post of %d lines has %d line ends: expected whole lines", count, n)
	}
	if _, err := p.log.up(); err != nil {
		return 0, err
	}
	if !p.log.Admitted() {
		return 0, errNotCompared
	}
	a := &asked{done: make(chan struct{})}
	if err := p.take(a, lines, post); err != nil {
		return 0, err
	}
	select {
	case <-a.done:
		return a.last, a.err
	case <-ctx.Done():
		return 0, fmt.Errorf("%w: the lines may be on the log: %w", ErrUnavailable, ctx.Err())
	}
}

// take puts lines into records.
func (p *Packer) take(a *asked, lines []byte, post *cep.Post) error {
	if most := p.log.MaxRecord() - 1<<16; longest(lines) > most {
		return fmt.Errorf("%w: a line has more than %d bytes", ErrTooLarge, most)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return ErrClosed
	}
	// One request is taken whatever its size, if nothing else waits.
	if p.waiting > 0 && p.waiting+int64(len(lines)) > p.options.Waiting {
		return ErrBusy
	}
	p.waiting += int64(len(lines))
	for first := uint64(0); len(lines) > 0; {
		if p.filling == nil {
			p.filling, p.due = &parcel{body: bodies.Get().(*[]byte)}, false
			p.timer.Reset(p.options.Linger)
		}
		n := cut(lines, p.options.Packed-p.filling.size)
		if n == 0 && p.filling.size > 0 {
			p.seal()
			continue
		}
		if n == 0 { // a line that is longer than a record should be
			n = bytes.IndexByte(lines, '\n') + 1
		}
		count := uint64(bytes.Count(lines[:n], []byte{'\n'}))
		p.filling.put(a, lines[:n])
		if post != nil {
			p.filling.posts = append(p.filling.posts, cep.Post{Key: post.Key, First: post.First + first, Count: count, Bytes: post.Bytes, Sum: post.Sum})
			p.log.posts.enter(post.Key)
		}
		first += count
		lines = lines[n:]
		if p.filling.size >= p.options.Packed {
			p.seal()
		}
	}
	return nil
}

// longest returns the length of the longest line.
func longest(lines []byte) int {
	most := 0
	for len(lines) > 0 {
		n := bytes.IndexByte(lines, '\n') + 1
		most = max(most, n)
		lines = lines[n:]
	}
	return most
}

// cut returns the length of the whole lines that have no more than room bytes.
func cut(lines []byte, room int) int {
	if len(lines) <= room {
		return len(lines)
	}
	return bytes.LastIndexByte(lines[:max(0, room)], '\n') + 1
}

// put adds lines of a request.
func (c *parcel) put(a *asked, lines []byte) {
	*c.body = append(*c.body, lines...)
	c.size = len(*c.body)
	c.requests = append(c.requests, a)
	a.parcels++
}

// seal gives the record that is being filled to the sender. mu is held.
func (p *Packer) seal() {
	p.timer.Stop()
	p.full = append(p.full, p.filling)
	p.filling = nil
	p.wake()
}

func (p *Packer) wake() {
	select {
	case p.kick <- struct{}{}:
	default:
	}
}

// linger lets a record go that has waited for more lines for long enough.
func (p *Packer) linger() {
	p.mu.Lock()
	p.due = true
	p.mu.Unlock()
	p.wake()
}

// send sends records, in order, until the Packer is closed.
func (p *Packer) send() {
	defer close(p.ended)
	for range p.kick {
		for c := p.next(); c != nil; c = p.next() {
			r := newRecord(&cep.Packed{Kind: cep.PackedEvents, Posts: c.posts, Body: p.join(c)})
			for _, body := range append(c.joined, c.body) {
				if cap(*body) <= 2*p.options.Packed {
					*body = (*body)[:0]
					bodies.Put(body)
				}
			}
			c.body, c.joined = nil, nil
			r.done = func(sequence uint64, err error) { p.settled(c, sequence, err) }
			r.spoiled = func() error { return p.spoiled(c) }
			err := r.spoiled()
			if err == nil {
				err = p.log.send(r)
			}
			if err != nil {
				p.log.posts.settle(c.posts, 0, time.Now().UnixNano())
				p.settled(c, 0, err)
			}
		}
		if p.over() {
			return
		}
	}
}

// flights is how many records may be on their way before one that is not full waits for
// more lines: one is being made durable, one is next. Otherwise each of many small records
// would cost as much as a full one.
const flights = 2

// next returns the next record to send; nil: there is none, or enough is on its way.
func (p *Packer) next() *parcel {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.full) == 0 && p.filling != nil && (p.due || p.closed) && p.flights < flights {
		p.seal()
	}
	if len(p.full) == 0 || p.flights > 0 && p.flying+int64(p.full[0].size) > p.options.Flying {
		return nil
	}
	c := p.full[0]
	p.full = p.full[1:]
	// Records that wait become one: each costs a write to the disk, whatever its size.
	for len(p.full) > 0 {
		next := p.full[0]
		if n := c.size + next.size; n > p.options.Joined || p.flying+int64(n) > p.options.Flying {
			break
		}
		p.full = p.full[1:]
		c.joined = append(c.joined, next.body)
		c.size += next.size
		c.posts, c.requests = append(c.posts, next.posts...), append(c.requests, next.requests...)
	}
	p.flying += int64(c.size)
	p.flights++
	return c
}

// join is the body of a record, until the next call.
func (p *Packer) join(c *parcel) []byte {
	if len(c.joined) == 0 {
		return *c.body
	}
	p.joint = append(p.joint[:0], *c.body...)
	for _, body := range c.joined {
		p.joint = append(p.joint, *body...)
	}
	return p.joint
}

// over says whether the Packer is closed and has nothing left.
func (p *Packer) over() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed && p.waiting == 0
}

// spoiled says why a record must not be appended any more: one before it, with lines of the same
// request, was not, and the lines keep their order.
func (p *Packer) spoiled(c *parcel) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range c.requests {
		if a.err != nil {
			return a.err
		}
	}
	return nil
}

// settled tells the requests of a record what became of it.
func (p *Packer) settled(c *parcel, sequence uint64, err error) {
	p.mu.Lock()
	p.flying -= int64(c.size)
	p.waiting -= int64(c.size)
	p.flights--
	for _, a := range c.requests {
		a.last = max(a.last, sequence)
		if a.err == nil {
			a.err = err
		}
		if a.parcels--; a.parcels == 0 {
			close(a.done)
		}
	}
	p.mu.Unlock()
	p.wake()
}

// Waiting returns the bytes of lines that are not durable yet.
func (p *Packer) Waiting() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waiting
}

// Close takes no more lines, and waits, at most until ctx ends, until those that were
// taken are durable or have failed. It comes before the Close of the Log.
func (p *Packer) Close(ctx context.Context) error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.wake()
	select {
	case <-p.ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stream: lines were not durable yet when their packer was closed: %w", ctx.Err())
	}
}
