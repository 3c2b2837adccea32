package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"weir/cep"
)

const (
	// readBytes and readRecords bound what Read returns at once.
	readBytes   = 1 << 20
	readRecords = 4096

	// poll is how often is looked again at what should have been told.
	poll = 250 * time.Millisecond
)

// request asks for records of the stream.
type request struct {
	Seq       uint64     `json:"seq,omitempty"`          // from here on
	Subject   string     `json:"next_by_subj,omitempty"` // only these
	StartTime *time.Time `json:"start_time,omitempty"`   // appended then or later
	Batch     int        `json:"batch,omitempty"`        // so many at most; 0: the one with this number
	MaxBytes  int        `json:"max_bytes,omitempty"`    // stop when there are so many
}

// message is a record as the server sends it.
type message struct {
	cep.Logged
	id string
}

// fetch calls each with the records that are asked for, in order. There may be none.
func (h *host) fetch(ctx context.Context, q request, each func(*message) error) error {
	c, err := h.reader()
	if err != nil {
		return err
	}
	body, err := json.Marshal(q)
	if err != nil {
		return fmt.Errorf("stream: %w", err)
	}
	inbox := c.NewInbox()
	answers, err := c.SubscribeSync(inbox)
	if err != nil {
		return unanswered(ctx, err)
	}
	defer func() { _ = answers.Unsubscribe() }()
	if err := c.PublishRequest("$JS.API.DIRECT.GET."+streamName, inbox, body); err != nil {
		return unanswered(ctx, err)
	}
	limit, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	for {
		m, err := answers.NextMsgWithContext(limit)
		if err != nil {
			return unanswered(ctx, err)
		}
		switch status := m.Header.Get("Status"); status {
		case "":
		case "204", "404": // the end; none
			return nil
		default:
			return fmt.Errorf("%w: %s %s", ErrUnavailable, status, m.Header.Get("Description"))
		}
		r, err := received(m)
		if err == nil {
			err = each(r)
		}
		if err != nil || q.Batch == 0 {
			return err
		}
	}
}

// unanswered is the error of a request that had no answer.
func unanswered(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// received reads what the server sent.
func received(m *nats.Msg) (*message, error) {
	sequence, err := strconv.ParseUint(m.Header.Get(jetstream.SequenceHeader), 10, 64)
	at, err2 := time.Parse(time.RFC3339Nano, m.Header.Get(jetstream.TimeStampHeaer))
	if err := errors.Join(err, err2); err != nil {
		return nil, fmt.Errorf("stream: the server sent a record without its place: %w", err)
	}
	return &message{cep.Logged{Sequence: sequence, Appended: at.UnixNano(), Data: m.Data}, m.Header.Get(jetstream.MsgIDHeader)}, nil
}

// Read appends to dst records after a sequence number, in order: what is there, up to
// a few megabytes. Where there is none it waits for the first. Records that are not there
// any more, or never were, are left out: their numbers are missing. It fails when ctx
// ends, or when the log cannot be read; what was appended to dst until then is valid. A
// Read during which the server is started again fails.
func (l *Log) Read(ctx context.Context, after uint64, dst []cep.Logged) ([]cep.Logged, error) {
	n, server := len(dst), l.servers.Load()
	for misses := 0; ; {
		ring := l.news.heard()
		there := l.appended.Load()
		h, err := l.up()
		if err != nil {
			return dst, err
		}
		if l.servers.Load() != server {
			return dst, errNotCompared
		}
		if there > after {
			if h.far != nil {
				if dst, err = h.far.read(ctx, after, there, dst); err != nil || len(dst) > n {
					return dst, err
				}
				continue
			}
			err = h.fetch(ctx, request{Seq: after + 1, Batch: readRecords, MaxBytes: readBytes}, func(m *message) error {
				// The server also gives records that it could not write.
				if m.Sequence <= there {
					dst = append(dst, m.Logged)
				}
				return nil
			})
			if err != nil || len(dst) > n {
				return dst, err
			}
			// Asked again, in case that it was dropped in between.
			if misses++; misses > 2 {
				return dst, fmt.Errorf("stream: the log has records up to %d and gives none after %d: its files are damaged; restore them from a backup", there, after)
			}
			continue
		}
		select {
		case <-ctx.Done():
			return dst, ctx.Err()
		case <-ring:
		case <-time.After(poll): // the server may have ended
			l.look(ctx, h)
		}
	}
}

// At returns the record with a sequence number; false: it is not there.
func (l *Log) At(ctx context.Context, sequence uint64) (cep.Logged, bool, error) {
	var found cep.Logged
	if sequence == 0 {
		return found, false, nil
	}
	h, err := l.up()
	if err != nil {
		return found, false, err
	}
	ok := false
	err = h.fetch(ctx, request{Seq: sequence}, func(m *message) error {
		found, ok = m.Logged, true
		return nil
	})
	if h.far != nil && err == nil && !ok {
		return h.far.at(ctx, sequence)
	}
	return found, ok, err
}

// Last returns the sequence number of the last record; 0: there was none yet.
func (l *Log) Last(ctx context.Context) (uint64, error) {
	h, err := l.up()
	if err != nil {
		return 0, err
	}
	state, err := h.info(ctx)
	return state.LastSeq, err
}

// Controls returns the records of kind PackedRules, PackedBoot, PackedSkip and PackedJoin, all since
// the log began, in order.
func (l *Log) Controls(ctx context.Context) ([]cep.Logged, error) {
	h, err := l.up()
	if err != nil {
		return nil, err
	}
	var list []cep.Logged
	for after := uint64(0); ; {
		n := len(list)
		err := h.fetch(ctx, request{Seq: after + 1, Subject: subjectControls, Batch: readRecords, MaxBytes: readBytes}, func(m *message) error {
			list, after = append(list, m.Logged), m.Sequence
			return nil
		})
		if err == nil && len(list) == n && h.far != nil {
			if err = h.far.behind(ctx, subjectControls, after, math.MaxUint64); err != nil && h.far.rest(ctx) == nil {
				continue
			}
		}
		if err != nil || len(list) == n {
			return list, err
		}
	}
}
