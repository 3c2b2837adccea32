package stream

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Producer publishes events to the port of a service, as any client of JetStream does: it is
// what measurements and tests have for one.
type Producer struct {
	conn *nats.Conn
	js   jetstream.JetStream
}

// NewProducer connects to a URL like nats://producer:PASSWORD@127.0.0.1:4222. At most pending
// messages are published and not answered at a time. refused is told of each that was not
// taken in.
func NewProducer(url string, pending int, refused func(err error)) (*Producer, error) {
	conn, err := nats.Connect(url, nats.Name("weir producer"), nats.NoReconnect())
	if err != nil {
		return nil, fmt.Errorf("stream: connecting as a producer: %w", err)
	}
	js, err := jetstream.New(conn, jetstream.WithPublishAsyncMaxPending(pending), jetstream.WithPublishAsyncErrHandler(func(_ jetstream.JetStream, _ *nats.Msg, err error) {
		refused(err)
	}))
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("stream: %w", err)
	}
	return &Producer{conn, js}, nil
}

// Publish publishes lines of events of a type, without waiting for the answer but where there
// are too many to come. The lines are not changed until it has come. id names the message;
// empty: nothing does. answered is called when it was taken in; nil: nothing is.
func (p *Producer) Publish(name, id string, lines []byte, answered func()) error {
	options := []jetstream.PublishOpt{jetstream.WithStallWait(time.Minute)}
	if id != "" {
		options = append(options, jetstream.WithMsgID(id))
	}
	f, err := p.js.PublishAsync(subjectEvents+name, lines, options...)
	if err != nil || answered == nil {
		return err
	}
	go func() {
		select {
		case <-f.Ok():
			answered()
		case <-f.Err():
		}
	}()
	return nil
}

// PublishOne publishes lines and waits, at most until ctx ends, until they are taken in.
func (p *Producer) PublishOne(ctx context.Context, name, id string, lines []byte) error {
	_, err := p.js.Publish(ctx, subjectEvents+name, lines, jetstream.WithMsgID(id), jetstream.WithRetryAttempts(0))
	return err
}

// Wait waits until all that was published is answered; false: that took too long.
func (p *Producer) Wait(most time.Duration) bool {
	select {
	case <-p.js.PublishAsyncComplete():
		return true
	case <-time.After(most):
		return false
	}
}

// Close ends the connection.
func (p *Producer) Close() { p.conn.Close() }
