package stream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"weir/cep"
)

// Who appends to an external log holds its lease: the last record on subjectLease. All that it
// appends is appended only while that is so. So once another process has taken the lease, or
// this one has taken it again, nothing that is still on its way can be appended any more.
//
// The lease is not taken from a process that answers on subjectServing. One that does not
// answer any more, but may still live, learns of it from its next append.
const (
	subjectLease   = subjectControl + "lease"
	subjectServing = "weir.serving"

	// takeTime is how long taking the lease may take: longer than servers need to agree on a
	// leader.
	takeTime = 20 * time.Second

	// servingTime is how long who has the log may take to say so.
	servingTime = 2 * time.Second
)

// take takes the lease, and finds out what became of the records of before. changing is held.
func (l *Log) take() error {
	h, err := l.up()
	if err != nil {
		return err
	}
	f := h.far
	if f.options.External.Read {
		return errors.New("stream: the log was opened to be read: nothing is appended to it")
	}
	ctx, cancel := context.WithTimeout(context.Background(), takeTime)
	defer cancel()
	if err := f.alone(ctx, l.name); err != nil {
		return err
	}
	if err := l.lease(ctx, f); err != nil {
		return err
	}
	if err := f.serve(l.name); err != nil {
		return err
	}
	open := l.unsettled.all()
	if len(open) == 0 {
		return nil
	}
	after := f.leased.Load()
	for _, r := range open {
		after = min(after, r.floor)
	}
	found, err := f.ids(ctx, after, f.leased.Load())
	if err != nil {
		return err
	}
	l.settleAs(open, found)
	return nil
}

// alone asks whether another process has the log.
func (f *far) alone(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, servingTime)
	defer cancel()
	c, err := f.host.reader()
	if err != nil {
		return err
	}
	m, err := c.RequestWithContext(ctx, subjectServing, []byte(name))
	if err != nil { // nobody listens, or who does is not able to answer
		return nil
	}
	return fmt.Errorf("%w: %s: end that one first", ErrTaken, m.Data)
}

// serve tells who asks that this process has the log.
func (f *far) serve(name string) error {
	c, err := f.host.reader()
	if err != nil {
		return err
	}
	sub, err := c.Subscribe(subjectServing, func(m *nats.Msg) {
		if string(m.Data) != name && f.host.err() == nil {
			_ = m.Respond([]byte(f.options.External.Name))
		}
	})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	f.serving.Store(sub)
	return nil
}

// lease appends a record to subjectLease, after the last one there.
func (l *Log) lease(ctx context.Context, f *far) error {
	id := l.name + "-lease-" + strconv.FormatUint(l.leases.Add(1), 10)
	body := (&cep.Packed{Kind: cep.PackedBoot, Body: []byte("lease of " + f.options.External.Name)}).Append(nil)
	for {
		last, found, err := f.get(ctx, question{Last: subjectLease})
		switch {
		case err != nil:
		case found && last.id == id:
			f.hold(last.Sequence)
			return nil
		case found && f.leased.Load() > 0 && last.Sequence > f.leased.Load():
			err := takenBy(last)
			f.host.fail(err)
			return err
		default:
			m := nats.NewMsg(subjectLease)
			m.Data = body
			m.Header = nats.Header{jetstream.MsgIDHeader: {id}}
			f.expect(m, subjectLease, last.place())
			var a *answer
			if a, err = f.ask(ctx, m); err == nil {
				f.hold(a.Sequence)
				return nil
			}
		}
		if !errors.Is(err, ErrUnavailable) && !errors.Is(err, ErrChanged) {
			return err
		}
		if f.rest(ctx) != nil {
			return fmt.Errorf("the lease of the log could not be taken: %w", err)
		}
	}
}

// hold notes the record of the lease.
func (f *far) hold(sequence uint64) {
	f.leased.Store(sequence)
	f.control.CompareAndSwap(0, sequence)
}

// takenBy says who has the lease.
func takenBy(m *message) error {
	who := "somebody else"
	if p, err := cep.Unpack(m.Data); err == nil {
		who = string(p.Body)
	}
	return fmt.Errorf("%w: record %d is the %s, taken at %s", ErrTaken, m.Sequence, who, cep.FormatTime(m.Appended))
}

// ids returns the places of the records between two by their ids. The last one is there.
func (f *far) ids(ctx context.Context, after, until uint64) (map[string]uint64, error) {
	found := map[string]uint64{}
	for after < until {
		records := after
		err := f.host.fetch(ctx, request{Seq: after + 1, Batch: readRecords, MaxBytes: readBytes}, func(m *message) error {
			found[m.id], records = m.Sequence, m.Sequence
			return nil
		})
		if err != nil {
			return nil, err
		}
		if records == after && f.rest(ctx) != nil { // of a server that is behind
			return nil, fmt.Errorf("%w: a server of the log is behind the others", ErrUnavailable)
		}
		after = records
	}
	return found, nil
}
