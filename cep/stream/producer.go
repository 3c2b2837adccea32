package stream

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Producer publishes events to the port of a service, as any client of NATS may: it is what
// measurements and tests have for one.
type Producer struct {
	conn    *nats.Conn
	inbox   string        // what replies begin with
	room    chan struct{} // has an element for each message that is not answered
	refused func(err error)

	mu       sync.Mutex
	numbers  uint64
	answered map[uint64]func() // of messages of which somebody wants to know when
}

// NewProducer connects to a URL like nats://producer:PASSWORD@127.0.0.1:4222. At most pending
// messages are published and not answered at a time. refused is told of each that was not
// taken in.
func NewProducer(url string, pending int, refused func(err error)) (*Producer, error) {
	conn, err := nats.Connect(url, nats.Name("weir producer"), nats.NoReconnect())
	if err != nil {
		return nil, fmt.Errorf("stream: connecting as a producer: %w", err)
	}
	p := &Producer{conn: conn, inbox: conn.NewInbox() + ".", room: make(chan struct{}, pending), refused: refused, answered: map[uint64]func(){}}
	answers, err := conn.Subscribe(p.inbox+"*", p.answer)
	if err == nil {
		err = answers.SetPendingLimits(-1, -1) // their number is bounded
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("stream: connecting as a producer: %w", err)
	}
	return p, nil
}

// Publish publishes lines of events of a type. It waits only while there are too many messages
// that are not answered. answered is called when this one was taken in; nil: nothing is.
func (p *Producer) Publish(name string, lines []byte, answered func()) error {
	select {
	case p.room <- struct{}{}:
	default:
		select {
		case p.room <- struct{}{}:
		case <-time.After(time.Minute):
			return fmt.Errorf("%w: %d messages are not answered after a minute", ErrUnavailable, cap(p.room))
		}
	}
	reply := p.inbox + "0"
	if answered != nil {
		p.mu.Lock()
		p.numbers++
		p.answered[p.numbers] = answered
		reply = p.inbox + strconv.FormatUint(p.numbers, 10)
		p.mu.Unlock()
	}
	return p.conn.PublishRequest(subjectEvents+name, reply, lines)
}

// answer takes in an answer.
func (p *Producer) answer(m *nats.Msg) {
	<-p.room
	var answered func()
	if number, err := strconv.ParseUint(m.Subject[len(p.inbox):], 10, 64); err == nil && number > 0 {
		p.mu.Lock()
		answered = p.answered[number]
		delete(p.answered, number)
		p.mu.Unlock()
	}
	switch err := heard(m); {
	case err != nil:
		p.refused(err)
	case answered != nil:
		answered()
	}
}

// heard is the error of an answer; nil: the message was taken in.
func heard(m *nats.Msg) error {
	if len(m.Data) > 0 && !bytes.Contains(m.Data, []byte(`"error"`)) {
		return nil
	}
	var a answer
	if err := json.Unmarshal(m.Data, &a); err != nil {
		return fmt.Errorf("%w: nobody takes it in", ErrUnavailable)
	}
	if a.Error != nil {
		return errors.New(a.Error.Description)
	}
	return nil
}

// PublishOne publishes lines and waits, at most until ctx ends, until they are taken in. id
// names the message.
func (p *Producer) PublishOne(ctx context.Context, name, id string, lines []byte) error {
	m := &nats.Msg{Subject: subjectEvents + name, Data: lines, Header: nats.Header{jetstream.MsgIDHeader: {id}}}
	r, err := p.conn.RequestMsgWithContext(ctx, m)
	if err != nil {
		return err
	}
	return heard(r)
}

// Wait waits until all that was published is answered; false: that took too long.
func (p *Producer) Wait(most time.Duration) bool {
	late := time.After(most)
	for range cap(p.room) {
		select {
		case p.room <- struct{}{}:
		case <-late:
			return false
		}
	}
	for range cap(p.room) {
		<-p.room
	}
	return true
}

// Close ends the connection.
func (p *Producer) Close() { p.conn.Close() }
