package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"weir/cep"
)

const (
	// tryFor is how long a server may take to answer before it is asked again.
	tryFor = 2 * time.Second

	// again is how long is waited before it is.
	again = 100 * time.Millisecond

	// shortFor is for how long a log has to be shorter than it was before it counts as having
	// lost its end: longer than a server believes that it leads others that it cannot reach.
	shortFor = 15 * time.Second
)

// far is what a host has whose server runs elsewhere. Its connections come back by themselves.
// Records are appended one at a time, so that they keep their order whatever becomes of one of
// them, each under the lease of this process: see carry and take.
type far struct {
	host    *host
	options Options
	log     *slog.Logger
	most    int // bytes of a record

	created  time.Time     // the stream was
	replicas int           // of the stream
	control  atomic.Uint64 // the first record of the stream that is never dropped; 0: there is none yet

	unsure  atomic.Bool                       // the stream is to be compared with last before anything is sent
	last    atomic.Pointer[place]             // of the record that was answered for last; nil: there is none
	leased  atomic.Uint64                     // the record of the lease under which records are appended
	serving atomic.Pointer[nats.Subscription] // by which others learn who has the lease
	waits   atomic.Pointer[string]            // what is waited for; nil: nothing
	denial  atomic.Pointer[string]            // what was not allowed last
	short   atomic.Int64                      // since when the log is shorter than it was, in nanoseconds since the epoch; 0: it is not

	mu    sync.Mutex
	links []*link   // that come back by themselves; also closed ones
	queue []*record // to be sent, in order
	kick  chan struct{}
}

// place is where a record lies.
type place struct {
	sequence uint64
	id       string
}

func newFar(h *host, o Options) *far {
	return &far{host: h, options: o, log: o.Logger, kick: make(chan struct{}, 1)}
}

// cut notes that a connection has ended.
func (f *far) cut(err error) {
	f.unsure.Store(true)
	if f.host.err() == nil {
		f.wait("no connection to " + f.options.External.Redacted())
		f.log.Warn("the connection to the log has ended", "error", err)
	}
}

// joined notes that a connection is there again.
func (f *far) joined(url string) {
	f.unsure.Store(true)
	f.log.Info("connected to the log again", "server", url)
}

// warned notes what a server says without being asked, such as that something is not allowed.
func (f *far) warned(err error) {
	f.unsure.Store(true)
	f.log.Warn("log server", "error", err)
	if errors.Is(err, nats.ErrPermissionViolation) {
		text := err.Error()
		f.denial.Store(&text)
	}
}

// denied is what a server did not allow last, to be added to what had no answer.
func (f *far) denied() string {
	if text := f.denial.Load(); text != nil {
		return "; the server says: " + *text
	}
	return ""
}

// wait notes what is waited for.
func (f *far) wait(text string) { f.waits.Store(&text) }

// doubt notes that something had no answer, so that nothing is known of the stream.
func (f *far) doubt(err error) {
	f.unsure.Store(true)
	text := err.Error()
	if c, wrong := f.host.reader(); wrong == nil && !c.IsConnected() {
		text = "no connection to " + f.options.External.Redacted()
	}
	f.wait(text)
}

// Waits says what an external log waits for, such as a connection or a leader; empty: for
// nothing. It asks nobody.
func (l *Log) Waits() string {
	if h := l.host.Load(); h != nil && h.far != nil && h.err() == nil {
		if text := h.far.waits.Load(); text != nil {
			return *text
		}
	}
	return ""
}

// healthFar is Health of an external log. Servers that do not answer are waited for, as they
// come back by themselves; what cannot pass over by itself is an error.
func (l *Log) healthFar(ctx context.Context, h *host) error {
	l.look(ctx, h)
	return h.err()
}

// look asks an external server how the stream is, and learns of records that others appended.
func (l *Log) look(ctx context.Context, h *host) {
	f := h.far
	if f == nil {
		return
	}
	state, err := f.look(ctx)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		f.doubt(err)
		return
	}
	f.waits.Store(nil)
	l.stored.Store(int64(state.Bytes))
	if state.LastSeq > l.appended.Load() {
		l.reached(state.LastSeq)
		l.news.ring()
	}
}

// look asks for the state of the stream and compares it with what is known of it.
func (f *far) look(ctx context.Context) (jetstream.StreamState, error) {
	ctx, cancel := context.WithTimeout(ctx, tryFor)
	defer cancel()
	known := f.last.Load()
	js, err := f.host.manager()
	if err != nil {
		return jetstream.StreamState{}, err
	}
	s, err := js.Stream(ctx, streamName)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return jetstream.StreamState{}, fmt.Errorf("%w: there is no stream %s any more: restore it from a backup", ErrUnavailable, streamName)
	case err != nil:
		return jetstream.StreamState{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	i := s.CachedInfo()
	return i.State, f.same(i, known)
}

// same says whether a stream is the one that was followed, with all that it had. Where it is
// not, the host fails: what follows the log is compared with it then.
func (f *far) same(i *jetstream.StreamInfo, known *place) error {
	if control := f.control.Load(); !i.Created.Equal(f.created) {
		return f.lost("the stream %s was deleted and made anew at %s; the one before was made at %s", streamName, cep.FormatTime(i.Created.UnixNano()), cep.FormatTime(f.created.UnixNano()))
	} else if control > 0 && i.State.FirstSeq > control {
		return f.lost("the stream %s begins at record %d, and had record %d, which Weir never drops: it was purged", streamName, i.State.FirstSeq, control)
	}
	if known == nil || i.State.LastSeq >= known.sequence {
		f.short.Store(0)
		return nil
	}
	text := fmt.Sprintf("the stream %s ends at record %d, and record %d was on it", streamName, i.State.LastSeq, known.sequence)
	now := time.Now().UnixNano()
	if f.short.CompareAndSwap(0, now) || now-f.short.Load() < int64(shortFor) {
		return fmt.Errorf("%w: %s", ErrUnavailable, text)
	}
	return f.lost("%s", text)
}

// lost ends the host: the stream is not what it was.
func (f *far) lost(format string, args ...any) error {
	err := fmt.Errorf("%w: %s", ErrUnavailable, fmt.Sprintf(format, args...))
	f.host.fail(err)
	return err
}

// question asks the leader of a stream for a record.
type question struct {
	Sequence uint64 `json:"seq,omitempty"`
	Next     string `json:"next_by_subj,omitempty"` // the first one there or later, of these subjects
	Last     string `json:"last_by_subj,omitempty"` // the last one of these subjects
}

const codeNoMessage = 10037

// get asks the leader of the stream for a record, as others may be behind it; false: there is
// none.
func (f *far) get(ctx context.Context, q question) (*message, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, tryFor)
	defer cancel()
	c, err := f.host.reader()
	if err != nil {
		return nil, false, err
	}
	body, err := json.Marshal(q)
	if err != nil {
		return nil, false, fmt.Errorf("stream: %w", err)
	}
	m, err := c.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+streamName, body)
	if err != nil {
		return nil, false, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	var got struct {
		Message struct {
			Sequence uint64    `json:"seq"`
			Headers  []byte    `json:"hdrs"`
			Data     []byte    `json:"data"`
			Time     time.Time `json:"time"`
		} `json:"message"`
		Error *struct {
			Code        int    `json:"err_code"`
			Description string `json:"description"`
		} `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &got); err != nil {
		return nil, false, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	switch {
	case got.Error != nil && got.Error.Code == codeNoMessage:
		return nil, false, nil
	case got.Error != nil:
		return nil, false, fmt.Errorf("%w: %s", ErrUnavailable, got.Error.Description)
	}
	r := &message{Logged: cep.Logged{Sequence: got.Message.Sequence, Appended: got.Message.Time.UnixNano(), Data: got.Message.Data}}
	if len(got.Message.Headers) > 0 {
		header, err := nats.DecodeHeadersMsg(got.Message.Headers)
		if err != nil {
			return nil, false, fmt.Errorf("stream: record %d: %w", r.Sequence, err)
		}
		r.id = header.Get(jetstream.MsgIDHeader)
	}
	return r, true, nil
}

// at is At, asked of the leader.
func (f *far) at(ctx context.Context, sequence uint64) (cep.Logged, bool, error) {
	m, found, err := f.get(ctx, question{Sequence: sequence})
	if err != nil || !found {
		return cep.Logged{}, false, err
	}
	return m.Logged, true, nil
}

// behind says that there are records after a sequence number, up to another one, of subjects,
// which the server that was asked for them did not give: it is behind the others. Nil: there
// are none.
func (f *far) behind(ctx context.Context, subjects string, after, until uint64) error {
	m, found, err := f.get(ctx, question{Sequence: after + 1, Next: subjects})
	if err == nil && found && m.Sequence <= until {
		err = fmt.Errorf("%w: a server of the log is behind the others, and does not have record %d yet", ErrUnavailable, m.Sequence)
	}
	return err
}

// owes is behind, of what a request had no record of.
func (f *far) owes(ctx context.Context, q request, until uint64) error {
	if q.StartTime == nil {
		return f.behind(ctx, ">", q.Seq-1, until)
	}
	m, found, err := f.get(ctx, question{Sequence: until})
	if err == nil && found && !time.Unix(0, m.Appended).Before(*q.StartTime) {
		err = fmt.Errorf("%w: a server of the log is behind the others", ErrUnavailable)
	}
	return err
}

// read appends to dst what comes after a record, up to another one. A server that is behind the
// others gives less, or nothing; then it is waited for, as it is for one that does not answer.
func (f *far) read(ctx context.Context, after, until uint64, dst []cep.Logged) ([]cep.Logged, error) {
	n := len(dst)
	err := f.host.fetch(ctx, request{Seq: after + 1, Batch: readRecords, MaxBytes: readBytes}, func(m *message) error {
		if m.Sequence <= until {
			dst = append(dst, m.Logged)
		}
		return nil
	})
	for i := n; i < len(dst); i++ {
		if dst[i].Sequence == after+1 {
			after++
			continue
		}
		// Dropped by Release, or left out by a server that is behind, or by the way here.
		_, there, wrong := f.get(ctx, question{Sequence: after + 1})
		if there || wrong != nil {
			dst = dst[:i]
			break
		}
		after = dst[i].Sequence
	}
	if len(dst) > n {
		return dst, nil
	}
	switch {
	case ctx.Err() == nil && err != nil && !errors.Is(err, ErrUnavailable):
		return dst, err
	case err != nil:
		f.doubt(err)
	}
	return dst, f.rest(ctx)
}

// rest waits before a server is asked again. It fails when ctx or the host ends.
func (f *far) rest(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-f.host.broken:
		return f.host.err()
	case <-time.After(again):
		return nil
	}
}

// beginsFar is Begins of an external log: nobody but its records tells what was dropped. Where
// versions of lists were dropped before the first event it may say that more was.
func (l *Log) beginsFar(ctx context.Context) (uint64, error) {
	h, err := l.up()
	if err != nil {
		return 0, err
	}
	first := l.appended.Load() + 1
	for _, prefix := range []string{subjectBatch, subjectTick} {
		m, found, err := h.far.get(ctx, question{Sequence: 1, Next: prefix + "*"})
		if err != nil {
			return 0, err
		}
		if found {
			first = min(first, m.Sequence)
		}
	}
	controls, err := l.Controls(ctx)
	if err != nil {
		return 0, err
	}
	before := uint64(0)
	for i := range controls {
		if controls[i].Sequence < first {
			before++
		}
	}
	if before+1 == first {
		return 0, nil
	}
	return first, nil
}
