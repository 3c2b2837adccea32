package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	outName = "WEIR_OUT"

	// MostOut is how many messages Publish takes at a time.
	MostOut = 500

	// MinOutSize is the least size of an Out: a message of the largest kind has room in it.
	MinOutSize = 16 << 20

	// headerPlace is where a message has what its Place says.
	headerPlace = "Weir-Place"
)

// Subjects of an Out. Below SubjectAlerts follow severity and rule.
const (
	SubjectAlerts   = "weir.alerts."
	SubjectLate     = "weir.late"
	SubjectRejected = "weir.rejected"
)

// OutOptions say what an Out keeps.
type OutOptions struct {
	Size int64         // bytes, at least MinOutSize: where there are more the oldest messages go
	Age  time.Duration // after which a message goes, at least two minutes
}

// OutMessage is a message that leaves.
type OutMessage struct {
	Subject string
	ID      string      // the server drops a second message with it within two minutes
	Headers [][2]string // names and values that consumers read
	Body    []byte      // at most MaxRecord bytes
	Place   string      // what LastPlace gives while this message is the last one
}

// Out is the stream WEIR_OUT beside the log, in the same server: consumers of alerts read it.
// What it has is a copy, so it drops the oldest messages at its bounds. One goroutine at a
// time may use it.
type Out struct {
	log     *Log
	batches uint64
}

// OpenOut makes the stream of what leaves, or gives the one that is there these bounds.
func (l *Log) OpenOut(ctx context.Context, o OutOptions) (*Out, error) {
	h, err := l.up()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	js, err := h.manager()
	if err != nil {
		return nil, err
	}
	replicas := 1
	if h.far != nil {
		replicas = h.far.replicas
	}
	_, err = js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:               outName,
		Description:        "What leaves Weir: a copy, for consumers.",
		Subjects:           []string{SubjectAlerts + ">", SubjectLate, SubjectRejected},
		Retention:          jetstream.LimitsPolicy,
		Discard:            jetstream.DiscardOld,
		MaxBytes:           o.Size,
		MaxAge:             o.Age,
		MaxMsgs:            -1,
		MaxMsgsPerSubject:  -1,
		MaxConsumers:       -1,
		Storage:            jetstream.FileStorage,
		Replicas:           replicas,
		Duplicates:         duplicates,
		AllowDirect:        true,
		AllowAtomicPublish: true,
	})
	if err != nil {
		return nil, fmt.Errorf("%w: the stream %s: %w", ErrUnavailable, outName, err)
	}
	return &Out{log: l}, nil
}

// LastPlace is the Place of the last message that was published; empty: there is none.
func (o *Out) LastPlace(ctx context.Context) (string, error) {
	h, err := o.log.up()
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	js, err := h.manager()
	if err != nil {
		return "", err
	}
	s, err := js.Stream(ctx, outName)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	state := s.CachedInfo().State
	if state.Msgs == 0 {
		return "", nil
	}
	m, err := s.GetMsg(ctx, state.LastSeq)
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound): // it went in between, or was deleted
		return "", nil
	case err != nil:
		return "", fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return m.Header.Get(headerPlace), nil
}

// Publish publishes messages in their order, at most MostOut. Without an error all are stored,
// as durably as the log is. After an error LastPlace says which are; some of the others may
// still be on their way, and come before what is published after that.
func (o *Out) Publish(ctx context.Context, list []OutMessage) error {
	h, err := o.log.up()
	if err != nil {
		return err
	}
	c, err := h.reader()
	if err != nil {
		return err
	}
	if len(list) > 1 {
		// As one batch they take one write to the disk together.
		err := o.batch(ctx, c, list)
		if !errors.Is(err, errRefused) {
			return err
		}
		// It has a message that is there already, or the server knows no batches.
	}
	for i := range list {
		if err := ask(ctx, c, list[i].message()); err != nil {
			return err
		}
	}
	return nil
}

// batch publishes messages so that all of them are stored, or none.
func (o *Out) batch(ctx context.Context, c *nats.Conn, list []OutMessage) error {
	o.batches++
	id := o.log.name + "-out-" + strconv.FormatUint(o.batches, 10)
	for i := range list {
		m := list[i].message()
		m.Header["Nats-Batch-Id"] = []string{id}
		m.Header["Nats-Batch-Sequence"] = []string{strconv.Itoa(i + 1)}
		if i == len(list)-1 {
			m.Header["Nats-Batch-Commit"] = []string{"1"}
			return ask(ctx, c, m)
		}
		if err := c.PublishMsg(m); err != nil {
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
	}
	return nil
}

func (m *OutMessage) message() *nats.Msg {
	n := nats.NewMsg(m.Subject)
	n.Data = m.Body
	n.Header = nats.Header{jetstream.MsgIDHeader: {m.ID}, headerPlace: {m.Place}}
	for _, h := range m.Headers {
		n.Header[h[0]] = []string{h[1]}
	}
	return n
}

// errRefused is what the server answers to a message that it has not stored and will not.
var errRefused = errors.New("the server has refused a message")

// ask publishes a message and waits for the answer.
func ask(ctx context.Context, c *nats.Conn, m *nats.Msg) error {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	r, err := c.RequestMsgWithContext(ctx, m)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	var a answer
	if err := json.Unmarshal(r.Data, &a); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if a.Error != nil {
		return fmt.Errorf("stream %s: %w: %s", outName, errRefused, a.Error.Description)
	}
	return nil
}

// EachOut calls f with the messages that the stream of what leaves has, in order; none, if
// there is no such stream.
func (l *Log) EachOut(ctx context.Context, f func(m *OutMessage) error) error {
	h, err := l.up()
	if err != nil {
		return err
	}
	js, err := h.manager()
	if err != nil {
		return err
	}
	s, err := js.Stream(ctx, outName)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	state := s.CachedInfo().State
	for n := state.FirstSeq; n <= state.LastSeq && n > 0; n++ {
		m, err := s.GetMsg(ctx, n)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		out := OutMessage{Subject: m.Subject, ID: m.Header.Get(jetstream.MsgIDHeader), Body: m.Data, Place: m.Header.Get(headerPlace)}
		for name, values := range m.Header {
			if !strings.HasPrefix(name, "Nats-") && name != headerPlace {
				out.Headers = append(out.Headers, [2]string{name, values[0]})
			}
		}
		slices.SortFunc(out.Headers, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
		if err := f(&out); err != nil {
			return err
		}
	}
	return nil
}
