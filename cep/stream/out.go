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

// Out is the stream WEIR_OUT beside the log, in the same server: users of a Port read it.
// What it has is a copy, so it drops the oldest messages at its bounds. One goroutine at a
// time may use it. It ends with the server that has it: after a Restart another one is opened.
type Out struct {
	conn    *nats.Conn
	name    string // begins the ids of its batches
	batches uint64
}

// connectOut connects to the account that has the stream of what leaves: that of consumers.
func (h *host) connectOut() (*nats.Conn, error) {
	return h.dial("out", outUser, nats.NoReconnect())
}

// OpenOut makes the stream of what leaves, or gives the one that is there these bounds.
func (l *Log) OpenOut(ctx context.Context, o OutOptions) (*Out, error) {
	h, err := l.up()
	if err != nil {
		return nil, err
	}
	c, err := h.connectOut()
	if err != nil {
		return nil, err
	}
	out := &Out{conn: c, name: l.name}
	l.out.Store(out)
	if err := out.make(ctx, o, h.replicas()); err != nil {
		out.Close()
		return nil, err
	}
	return out, nil
}

// Close ends the connection.
func (o *Out) Close() { o.conn.Close() }

func (o *Out) make(ctx context.Context, options OutOptions, replicas int) error {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	js, err := jetstream.New(o.conn)
	if err != nil {
		return fmt.Errorf("stream: %w", err)
	}
	_, err = js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:               outName,
		Description:        "What leaves Weir: a copy, for consumers.",
		Subjects:           []string{SubjectAlerts + ">", SubjectLate, SubjectRejected},
		Retention:          jetstream.LimitsPolicy,
		Discard:            jetstream.DiscardOld,
		MaxBytes:           options.Size,
		MaxAge:             options.Age,
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
		return fmt.Errorf("%w: the stream %s: %w", ErrUnavailable, outName, err)
	}
	return nil
}

// LastPlace is the Place of the last message that was published; empty: there is none.
func (o *Out) LastPlace(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	js, err := jetstream.New(o.conn)
	if err != nil {
		return "", fmt.Errorf("stream: %w", err)
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
	if len(list) > 1 {
		// As one batch they take one write to the disk together.
		err := o.batch(ctx, list)
		if !errors.Is(err, errRefused) {
			return err
		}
		// It has a message that is there already, or the server knows no batches.
	}
	for i := range list {
		if err := o.ask(ctx, list[i].message()); err != nil {
			return err
		}
	}
	return nil
}

// batch publishes messages so that all of them are stored, or none.
func (o *Out) batch(ctx context.Context, list []OutMessage) error {
	o.batches++
	id := o.name + "-out-" + strconv.FormatUint(o.batches, 10)
	for i := range list {
		m := list[i].message()
		m.Header["Nats-Batch-Id"] = []string{id}
		m.Header["Nats-Batch-Sequence"] = []string{strconv.Itoa(i + 1)}
		if i == len(list)-1 {
			m.Header["Nats-Batch-Commit"] = []string{"1"}
			return o.ask(ctx, m)
		}
		if err := o.conn.PublishMsg(m); err != nil {
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
func (o *Out) ask(ctx context.Context, m *nats.Msg) error {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	r, err := o.conn.RequestMsgWithContext(ctx, m)
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
	c, err := h.connectOut()
	if err != nil {
		return err
	}
	defer c.Close()
	js, err := jetstream.New(c)
	if err != nil {
		return fmt.Errorf("stream: %w", err)
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

// replicas is on how many servers the streams lie.
func (h *host) replicas() int {
	if h.far == nil {
		return 1
	}
	return h.far.replicas
}
