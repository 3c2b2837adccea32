package stream

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"weir/cep"
)

// Bounds of a Door.
const (
	// MaxMessage is the most bytes that a message may have.
	MaxMessage = 1 << 20

	// maxLines is how many lines a message may have, and maxType how long a type may be: each
	// line may get it.
	maxLines = 1 << 15
	maxType  = 128

	// doorWaiting is how many bytes of messages may wait to be durable: beyond it they are
	// refused.
	doorWaiting = 64 << 20

	// doorUnread is how many bytes of messages may lie unread in this process: beyond it they are
	// dropped. Beyond half of it they are refused, which takes no time to speak of, so that it is
	// not reached unless the process gets no time to run.
	doorUnread = 64 << 20
)

// DoorOptions are what a Door works with.
type DoorOptions struct {
	// Admit says why nothing is taken in at the moment: ErrBusy, ErrFull, ErrNoSpace or
	// ErrUnavailable, or an error that wraps one; nil: it is. It is asked for each record.
	Admit func() error

	// Appended is told how many bytes of lines a record has that is on the log.
	Appended func(sequence, bytes uint64)
}

// Door takes in what producers publish to weir.events.TYPE, and puts it on the log: messages
// of one event or of several, one a line, all of the type of the subject. What several
// messages bring shares records, and with them what it costs to make them durable. A message
// lies in one record; messages of one connection keep their order.
//
// A message with a reply subject is answered as JetStream answers: with the stream and the
// sequence number once it is durable, or with why it is not on the log. One with a
// Nats-Msg-Id that came in the last 10 min is not taken in again.
//
// A Door does not look into events: a line that is none, or is of another type than the
// subject's, is rejected when the record is stepped.
type Door struct {
	log     *Log
	options DoorOptions
	joined  int // bytes of lines in a record, where others are on their way

	mu      sync.Mutex
	conn    *nats.Conn
	sub     *nats.Subscription
	filling *load
	due     bool    // filling has waited for more messages for long enough
	full    []*load // wait to be sent, in order
	flying  int64   // bytes sent that are not durable yet
	flights int     // records sent that are not durable yet
	waiting int64   // bytes of all messages that are not durable yet
	known   map[[16]byte]*load
	closed  bool
	timer   *time.Timer // of the linger of filling
	stats   DoorStats
	missed  uint64 // by connections before this one

	kick    chan struct{} // has an element when there may be something to send
	landed  chan *load    // to be answered
	running sync.WaitGroup
}

// DoorStats are counts since the Door was opened.
type DoorStats struct {
	Messages uint64 // that are on the log
	Lines    uint64 // of them
	Repeated uint64 // messages whose Nats-Msg-Id was known
	Refused  [Refusals]uint64
	Dropped  uint64 // messages that came faster than this process read them: nobody was answered
}

// Refusal is why a message is not taken in.
type Refusal uint8

const (
	Invalid     Refusal = iota // it is no message with events: its subject, its headers, its size
	Busy                       // too much waits already
	Full                       // there is no room on the log or the disk
	Unavailable                // the log does not answer
	Refusals
)

// String is how metrics name it.
func (r Refusal) String() string {
	return [Refusals]string{"invalid", "busy", "full", "unavailable"}[r]
}

// load is a record that is being filled with messages.
type load struct {
	body     *[]byte // from bodies, until it is sent
	typed    []cep.Typed
	posts    []cep.Post
	size     int64 // bytes of messages
	lines    uint64
	messages uint64
	replies  []reply // of messages, and of repetitions of them
	last     uint64  // sequence number of the record; 0: it is not on the log
	err      error
}

// reply is where a message is answered.
type reply struct {
	subject  string
	repeated bool
}

// OpenDoor lets producers in; Close ends that. A Log has one Door at a time. Without a Port
// there is nobody to come in.
func (l *Log) OpenDoor(o DoorOptions) (*Door, error) {
	d := &Door{log: l, options: o, joined: max(DefaultPacked, min(l.joined(), l.MaxRecord()/2)), known: map[[16]byte]*load{}, kick: make(chan struct{}, 1), landed: make(chan *load, 256)}
	d.timer = time.AfterFunc(time.Hour, d.linger)
	d.timer.Stop()
	h, err := l.up()
	if err != nil {
		return nil, err
	}
	if err := d.attach(h); err != nil {
		return nil, err
	}
	l.door.Store(d)
	d.running.Go(d.send)
	d.running.Go(d.answer)
	return d, nil
}

// attach subscribes on a server, in place of the one before.
func (d *Door) attach(h *host) error {
	conn, err := h.dial("door", doorUser, nats.MaxReconnects(-1), nats.ReconnectWait(poll), nats.ErrorHandler(d.slow))
	if err != nil {
		return err
	}
	sub, err := conn.Subscribe(subjectEvents+"*", d.take)
	if err == nil {
		err = sub.SetPendingLimits(-1, doorUnread)
	}
	if err == nil {
		err = conn.Flush()
	}
	if err != nil {
		conn.Close()
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		conn.Close()
		return ErrClosed
	}
	d.detach()
	d.conn, d.sub = conn, sub
	return nil
}

// slow notes that messages are dropped.
func (d *Door) slow(_ *nats.Conn, _ *nats.Subscription, err error) {
	d.log.options.Logger.Warn("messages of producers come faster than they are read, and some are dropped", "error", err)
}

// detach ends the connection. mu is held.
func (d *Door) detach() {
	if d.conn != nil {
		d.missed += dropped(d.sub)
		d.conn.Close()
	}
	d.conn, d.sub = nil, nil
}

func dropped(s *nats.Subscription) uint64 {
	n, err := s.Dropped()
	if err != nil {
		return 0
	}
	return uint64(n)
}

// take takes in a message. It runs on one goroutine.
func (d *Door) take(m *nats.Msg) {
	d.mu.Lock()
	last, err := d.enter(m)
	if err != nil {
		d.stats.Refused[refusal(err)]++
	}
	conn := d.conn
	d.mu.Unlock()
	switch {
	case err != nil:
		publish(conn, m.Reply, refused(err))
	case last > 0:
		publish(conn, m.Reply, acceptance(last, true))
	}
}

// enter puts a message into a record. last is the record that has it already; 0: none. mu is
// held.
func (d *Door) enter(m *nats.Msg) (last uint64, err error) {
	if d.closed {
		return 0, ErrClosed
	}
	if _, unread, err := m.Sub.Pending(); err == nil && unread > doorUnread/2 {
		return 0, fmt.Errorf("%w, and to be read: publish again after a moment", ErrBusy)
	}
	key, err := checkMessage(m)
	if err != nil {
		return 0, err
	}
	if key != nil {
		if done, last, err := d.repeats(m, *key); done || err != nil {
			return last, err
		}
	}
	size := int64(len(m.Data))
	if d.waiting+size > doorWaiting {
		return 0, fmt.Errorf("%w: publish again after a moment", ErrBusy)
	}
	if d.filling != nil && len(*d.filling.body)+len(m.Data) > d.roomy() {
		d.seal()
	}
	if d.filling == nil {
		if err := d.begin(); err != nil {
			return 0, err
		}
	}
	n := d.filling.put(m)
	d.waiting += size
	if key != nil {
		d.filling.posts = append(d.filling.posts, cep.Post{Key: *key, Count: n})
		d.known[*key] = d.filling
		d.log.posts.enter(*key)
	}
	if len(*d.filling.body) >= d.roomy() {
		d.seal()
	}
	return 0, nil
}

// roomy is how many bytes of lines the record may have that is being filled. Where others are
// on their way it is larger: each costs a write to the disk, whatever its size. mu is held.
func (d *Door) roomy() int {
	if d.flights < flights {
		return DefaultPacked
	}
	return d.joined
}

// begin begins a record. mu is held.
func (d *Door) begin() error {
	if !d.log.Admitted() {
		return errNotCompared
	}
	if d.options.Admit != nil {
		if err := d.options.Admit(); err != nil {
			return err
		}
	}
	d.filling, d.due = &load{body: bodies.Get().(*[]byte)}, false
	d.timer.Reset(DefaultLinger)
	return nil
}

// put adds the lines of a message, and says how many there are.
func (c *load) put(m *nats.Msg) uint64 {
	name, body, n := m.Subject[len(subjectEvents):], *c.body, uint64(0)
	for rest := m.Data; len(rest) > 0; {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte{'\n'})
		if line = bytes.TrimRight(line, " \t\r"); len(line) == 0 {
			continue
		}
		body = append(cep.AppendTyped(body, line, name), '\n')
		n++
	}
	*c.body = body
	if last := len(c.typed) - 1; last >= 0 && c.typed[last].Type == name {
		c.typed[last].Count += n
	} else {
		c.typed = append(c.typed, cep.Typed{Type: name, Count: n})
	}
	c.size += int64(len(m.Data))
	c.lines += n
	c.messages++
	c.replies = append(c.replies, reply{subject: m.Reply})
	return n
}

// errMessage is what errors of messages wrap that have no events.
var errMessage = errors.New("the message has no events")

// checkMessage checks all of a message but what its lines are. key names it; nil: nothing does.
func checkMessage(m *nats.Msg) (key *[16]byte, wrong error) {
	name := m.Subject[len(subjectEvents):]
	if !cep.IsType(name) || len(name) > maxType {
		return nil, fmt.Errorf("%w: expected the name of an event type (letters, digits, _ and -, at most %d) after %s, found %q", errMessage, maxType, subjectEvents, name[:min(len(name), maxType+1)])
	}
	if len(m.Data) > MaxMessage {
		return nil, fmt.Errorf("%w: expected at most %d bytes in a message, found %d: send several", errMessage, MaxMessage, len(m.Data))
	}
	if lines := bytes.Count(m.Data, []byte{'\n'}); lines > maxLines {
		return nil, fmt.Errorf("%w: expected at most %d lines in a message, found %d: send several", errMessage, maxLines, lines)
	}
	if len(bytes.Trim(m.Data, " \t\r\n")) == 0 {
		return nil, fmt.Errorf("%w: expected a JSON object, or several, one a line; it is empty", errMessage)
	}
	for name, values := range m.Header {
		value := strings.Join(values, ", ")
		switch {
		case name == jetstream.MsgIDHeader && value != "":
			sum := sha256.Sum256([]byte(jetstream.MsgIDHeader + "\n" + value))
			key = (*[16]byte)(sum[:16])
		case name == jetstream.ExpectedStreamHeader && value == streamName:
		case strings.HasPrefix(name, "Nats-"):
			return nil, fmt.Errorf("%w: the header %.60s: %.60q is not understood here, of those of NATS only %s and %s: %s are", errMessage, name, value, jetstream.MsgIDHeader, jetstream.ExpectedStreamHeader, streamName)
		}
	}
	return key, nil
}

// repeats says whether a message came before, and in which record; one that is on its way is
// answered with the one before, and has none yet. mu is held.
func (d *Door) repeats(m *nats.Msg, key [16]byte) (done bool, last uint64, err error) {
	if c := d.known[key]; c != nil {
		c.replies = append(c.replies, reply{m.Reply, true})
		d.stats.Repeated++
		return true, 0, nil
	}
	last, ok := d.log.posts.find(key)
	if !ok {
		return false, 0, fmt.Errorf("%w: what became of the message with this id, or of those of the last minutes, is not known yet", ErrUnavailable)
	}
	if last > 0 {
		d.stats.Repeated++
	}
	return last > 0, last, nil
}

// find returns the last record with lines of a request; 0: there is none. false: that is not
// known yet.
func (p *posts) find(key [16]byte) (uint64, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, last := p.get(key, time.Now().UnixNano())
	return last, p.ready && p.under[key] == 0
}

// refusal is the kind of an error.
func refusal(err error) Refusal {
	switch {
	case errors.Is(err, errMessage), errors.Is(err, ErrTooLarge):
		return Invalid
	case errors.Is(err, ErrBusy):
		return Busy
	case errors.Is(err, ErrFull), errors.Is(err, ErrNoSpace):
		return Full
	}
	return Unavailable
}

// seal gives the record that is being filled to the sender. mu is held.
func (d *Door) seal() {
	d.timer.Stop()
	d.full = append(d.full, d.filling)
	d.filling = nil
	d.wake()
}

func (d *Door) wake() {
	select {
	case d.kick <- struct{}{}:
	default:
	}
}

// linger lets a record go that has waited for more messages for long enough.
func (d *Door) linger() {
	d.mu.Lock()
	d.due = true
	d.mu.Unlock()
	d.wake()
}

// send sends records, in order, until the Door is closed.
func (d *Door) send() {
	for range d.kick {
		for c := d.next(); c != nil; c = d.next() {
			r := newRecord(&cep.Packed{Kind: cep.PackedEvents, Posts: c.posts, Typed: c.typed, Body: *c.body})
			if cap(*c.body) <= 2*d.joined {
				*c.body = (*c.body)[:0]
				bodies.Put(c.body)
			}
			c.body = nil
			r.done = func(sequence uint64, err error) { d.settled(c, sequence, err) }
			if err := d.log.send(r); err != nil {
				d.log.posts.settle(c.posts, 0, time.Now().UnixNano())
				d.settled(c, 0, err)
			}
		}
		if d.over() {
			close(d.landed)
			return
		}
	}
}

// next returns the next record to send; nil: there is none, or enough is on its way.
func (d *Door) next() *load {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.full) == 0 && d.filling != nil && (d.due || d.closed || len(*d.filling.body) >= DefaultPacked) && d.flights < flights {
		d.seal()
	}
	if len(d.full) == 0 || d.flights > 0 && d.flying+d.full[0].size > DefaultFlying {
		return nil
	}
	c := d.full[0]
	d.full = d.full[1:]
	d.flying += c.size
	d.flights++
	return c
}

// over says whether the Door is closed and has nothing left.
func (d *Door) over() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.closed && d.flights == 0 && d.filling == nil && len(d.full) == 0
}

// settled takes note of what became of a record. Who sent its messages is told by another
// goroutine: this one may be that on which all records are acknowledged.
func (d *Door) settled(c *load, sequence uint64, err error) {
	if sequence > 0 && d.options.Appended != nil {
		d.options.Appended(sequence, uint64(c.size))
	}
	c.last, c.err = sequence, err
	d.landed <- c
	d.mu.Lock()
	d.flying -= c.size
	d.flights--
	d.mu.Unlock()
	d.wake()
}

// answer tells who sent messages what became of them.
func (d *Door) answer() {
	for c := range d.landed {
		conn := d.account(c)
		if c.last == 0 {
			text := refused(unsettled(c.err))
			for _, r := range c.replies {
				publish(conn, r.subject, text)
			}
			continue
		}
		first, again := acceptance(c.last, false), acceptance(c.last, true)
		for _, r := range c.replies {
			if r.repeated {
				publish(conn, r.subject, again)
			} else {
				publish(conn, r.subject, first)
			}
		}
	}
}

// unsettled says of messages that were sent to the log that they may be there all the same.
func unsettled(err error) error {
	if k := refusal(err); k == Invalid || k == Busy || errors.Is(err, ErrFull) {
		return err
	}
	return fmt.Errorf("%w: the message may be on the log; publish it again, with its id where it has one", err)
}

// account counts what became of a record. Nobody adds to its replies any more.
func (d *Door) account(c *load) *nats.Conn {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting -= c.size
	for i := range c.posts {
		delete(d.known, c.posts[i].Key)
	}
	if c.last == 0 {
		d.stats.Refused[refusal(c.err)] += c.messages
	} else {
		d.stats.Messages += c.messages
		d.stats.Lines += c.lines
	}
	return d.conn
}

// publish sends an answer, if somebody waits for it. What is a place for events gets none:
// no events are made of answers.
func publish(conn *nats.Conn, subject string, text []byte) {
	if subject == "" || conn == nil || strings.HasPrefix(subject, subjectEvents) {
		return
	}
	_ = conn.Publish(subject, text) // who does not hear it publishes again
}

// Stats returns counts.
func (d *Door) Stats() DoorStats {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.stats
	s.Dropped = d.missed
	if d.sub != nil {
		s.Dropped += dropped(d.sub)
	}
	return s
}

// Close takes no more messages, and waits, at most until ctx ends, until those that were
// taken are durable or have failed, and are answered. It comes before the Close of the Log.
func (d *Door) Close(ctx context.Context) error {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return nil
	}
	d.closed = true
	d.mu.Unlock()
	d.log.door.CompareAndSwap(d, nil)
	d.wake()
	ended := make(chan struct{})
	go func() {
		d.running.Wait()
		close(ended)
	}()
	var err error
	select {
	case <-ended:
	case <-ctx.Done():
		err = fmt.Errorf("stream: messages were not durable yet when their door was closed: %w", ctx.Err())
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err == nil && d.conn != nil {
		err = d.conn.FlushWithContext(ctx)
	}
	d.detach()
	return err
}
