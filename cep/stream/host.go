package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"weir/failpoint"
)

const (
	streamName = "WEIR"

	// duplicates is how long the server knows the id of a record.
	duplicates = 2 * time.Minute

	// answerWithin is how long the server may take to answer.
	answerWithin = 5 * time.Second

	// storeLimit is what all streams of the server may have: what is on the disk is
	// bounded by the size of the stream, not by what was free when the server started.
	storeLimit = 1 << 50

	// memoryLimit is what streams in memory may have; there are none.
	memoryLimit = 1 << 20
)

// host is a server with the connections to it. Appends and reads have one each, as the
// server reads the answer to a read while it takes in nothing else of the connection.
type host struct {
	server *server.Server // nil: it runs elsewhere
	secret string         // of the users of this process
	far    *far           // what there is of it then
	answer func(*nats.Msg)

	mu     sync.Mutex // guards the connections
	writes *nats.Conn
	reads  *nats.Conn
	inbox  string // what answers to appends begin with

	ended  chan struct{} // closed by close
	cut    chan struct{} // has an element when a connection has ended
	broken chan struct{} // closed by fail
	once   sync.Once
	why    atomic.Pointer[error] // by fail
}

// openHost starts a server on a directory; answers to appends go to answer.
func openHost(ctx context.Context, o Options, answer func(*nats.Msg)) (*host, error) {
	h := &host{answer: answer, ended: make(chan struct{}), cut: make(chan struct{}, 1), broken: make(chan struct{})}
	if o.External != nil {
		return h, h.reach(ctx, o)
	}
	options := &server.Options{
		ServerName:         "weir",
		NoSigs:             true,
		NoLog:              true,
		JetStream:          true,
		JetStreamMaxStore:  storeLimit,
		JetStreamMaxMemory: memoryLimit,
		StoreDir:           o.Dir,
		SyncAlways:         o.Durability == Fsync,
		SyncInterval:       SyncEvery,
		MaxPayload:         MaxRecord + headers,
		MaxPending:         256 << 20,
		WriteDeadline:      time.Minute, // a process that was stopped for a while goes on
	}
	var err error
	if h.secret, err = o.Port.open(options); err != nil {
		return nil, err
	}
	s, err := server.NewServer(options)
	if err != nil {
		return nil, fmt.Errorf("stream: %w", err)
	}
	h.server = s
	s.SetLoggerV2(&voice{log: o.Logger, host: h}, false, false, false)
	started := make(chan struct{})
	go func() {
		defer close(started)
		s.Start()
	}()
	for !s.ReadyForConnections(poll) {
		if err := h.err(); err != nil {
			<-started
			h.close()
			return nil, err
		}
		if ctx.Err() != nil {
			<-started
			h.close()
			return nil, fmt.Errorf("stream: the log was not opened: %w", ctx.Err())
		}
	}
	err = h.enable()
	if err == nil {
		err = h.connect()
	}
	if err != nil {
		h.close()
		return nil, err
	}
	return h, nil
}

// connect opens the connections, in place of those there were.
func (h *host) connect() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.disconnect()
	lost := nats.ClosedHandler(func(*nats.Conn) {
		select {
		case h.cut <- struct{}{}:
		default:
		}
	})
	var err error
	if h.writes, err = h.dial("appends", logUser, nats.NoReconnect(), lost); err != nil {
		return err
	}
	if h.reads, err = h.dial("reads", logUser, nats.NoReconnect(), lost); err != nil {
		return err
	}
	h.inbox = nats.NewInbox()
	answers, err := h.writes.Subscribe(h.inbox+".*", h.answer)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	// Each record has one answer, and their number is bounded.
	if err := answers.SetPendingLimits(-1, -1); err != nil {
		return fmt.Errorf("stream: %w", err)
	}
	return nil
}

// disconnect closes the connections. mu is held.
func (h *host) disconnect() {
	for _, c := range []*nats.Conn{h.writes, h.reads} {
		if c != nil {
			c.SetClosedHandler(nil)
			c.Close()
		}
	}
	h.writes, h.reads = nil, nil
}

// close stops the server, or leaves the one that runs elsewhere.
func (h *host) close() {
	h.once.Do(func() { h.end(ErrUnavailable) })
	h.mu.Lock()
	h.disconnect()
	h.mu.Unlock()
	if h.server != nil {
		h.server.Shutdown()
		h.server.WaitForShutdown()
	}
	close(h.ended)
}

// fail says that the server does not work any more. The first reason counts.
func (h *host) fail(why error) { h.once.Do(func() { h.end(why) }) }

func (h *host) end(why error) {
	h.why.Store(&why)
	close(h.broken)
}

// err says why the server does not work any more; nil: it does.
func (h *host) err() error {
	if why := h.why.Load(); why != nil {
		return *why
	}
	return nil
}

// publish sends a record. Where that fails the connection has ended, and the record is
// sent again by the next one.
func (h *host) publish(r *record) {
	if h.far != nil {
		h.far.put(r)
		return
	}
	m := nats.NewMsg(r.subject)
	m.Data = r.data
	m.Header = nats.Header{jetstream.MsgIDHeader: {r.id}}
	if r.control {
		m.Header[jetstream.ExpectedLastSubjSeqHeader] = []string{strconv.FormatUint(r.after, 10)}
		m.Header[jetstream.ExpectedLastSubjSeqSubjHeader] = []string{subjectControls}
	}
	h.mu.Lock()
	c, inbox := h.writes, h.inbox
	h.mu.Unlock()
	if c == nil {
		return
	}
	m.Reply = inbox + "." + strconv.FormatUint(r.number, 10)
	_ = c.PublishMsg(m)
}

// reader returns the connection for reads.
func (h *host) reader() (*nats.Conn, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.reads == nil {
		return nil, ErrUnavailable
	}
	return h.reads, nil
}

// manager returns what changes and asks for streams.
func (h *host) manager() (jetstream.JetStream, error) {
	c, err := h.reader()
	if err != nil {
		return nil, err
	}
	js, err := jetstream.New(c)
	if err != nil {
		return nil, fmt.Errorf("stream: %w", err)
	}
	return js, nil
}

// fit makes the stream, or checks that the one that is there is what is wanted.
func (h *host) fit(ctx context.Context, o Options) (jetstream.StreamState, error) {
	if h.far != nil {
		return h.far.fit(ctx, o)
	}
	js, err := h.manager()
	if err != nil {
		return jetstream.StreamState{}, err
	}
	s, err := js.Stream(ctx, streamName)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		// A server that cannot make sense of a stream's files goes on without it.
		if there := filepath.Join(o.Dir, "jetstream", "$G", "streams", streamName); exists(there) {
			return jetstream.StreamState{}, fmt.Errorf("stream: the log in %s cannot be read: restore the directory from a backup, or move it away to begin a new log", there)
		}
		s, err = js.CreateStream(ctx, wanted(o))
	case err == nil:
		s, err = adjust(ctx, js, s.CachedInfo().Config, wanted(o))
	}
	if err != nil {
		return jetstream.StreamState{}, fmt.Errorf("stream: the log in %s: %w", o.Dir, err)
	}
	return s.CachedInfo().State, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// wanted is the stream of a log.
func wanted(o Options) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              streamName,
		Subjects:          []string{subjectBatch + "*", subjectTick + "*", subjectControl + ">"},
		Retention:         jetstream.LimitsPolicy,
		Discard:           jetstream.DiscardNew,
		MaxBytes:          o.Size,
		MaxMsgs:           -1,
		MaxMsgsPerSubject: -1,
		MaxConsumers:      -1,
		Storage:           jetstream.FileStorage,
		Replicas:          1,
		Duplicates:        duplicates,
		AllowDirect:       true,
	}
}

// adjust gives a stream the size that is wanted. Where it differs in what decides which
// records it keeps, it is refused.
func adjust(ctx context.Context, js jetstream.JetStream, is, want jetstream.StreamConfig) (jetstream.Stream, error) {
	for _, d := range differences(is, want) {
		return nil, fmt.Errorf("the stream %s has %s: it was not made by this program, or was changed; move the directory away to begin a new log", streamName, d)
	}
	is.MaxBytes, is.Duplicates = want.MaxBytes, want.Duplicates
	return js.UpdateStream(ctx, is)
}

// differences says in what a stream differs that decides which records it keeps.
func differences(is, want jetstream.StreamConfig) (list []string) {
	for _, c := range []struct {
		what     string
		is, want any
		same     bool
	}{
		{"subjects", is.Subjects, want.Subjects, slices.Equal(is.Subjects, want.Subjects)},
		{"retention", is.Retention, want.Retention, is.Retention == want.Retention},
		{"storage", is.Storage, want.Storage, is.Storage == want.Storage},
		{"discard", is.Discard, want.Discard, is.Discard == want.Discard},
		{"max_age", is.MaxAge, want.MaxAge, is.MaxAge == want.MaxAge},
		{"max_msgs", is.MaxMsgs, want.MaxMsgs, is.MaxMsgs == want.MaxMsgs},
		{"max_msgs_per_subject", is.MaxMsgsPerSubject, want.MaxMsgsPerSubject, is.MaxMsgsPerSubject == want.MaxMsgsPerSubject},
		{"allow_direct", is.AllowDirect, want.AllowDirect, is.AllowDirect == want.AllowDirect},
		{"sealed", is.Sealed, want.Sealed, is.Sealed == want.Sealed},
		{"deny_purge", is.DenyPurge, want.DenyPurge, is.DenyPurge == want.DenyPurge},
	} {
		if !c.same {
			list = append(list, fmt.Sprintf("%s %v, expected %v", c.what, c.is, c.want))
		}
	}
	return list
}

// info asks for the state of the stream; with a filter, for the number of records by
// subject as well.
func (h *host) info(ctx context.Context, options ...jetstream.StreamInfoOpt) (jetstream.StreamState, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	js, err := h.manager()
	if err != nil {
		return jetstream.StreamState{}, err
	}
	if failpoint.Held() {
		<-ctx.Done()
	}
	s, err := js.Stream(ctx, streamName)
	if err != nil {
		return jetstream.StreamState{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if len(options) == 0 {
		return s.CachedInfo().State, nil
	}
	i, err := s.Info(ctx, options...)
	if err != nil {
		return jetstream.StreamState{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return i.State, nil
}

// generation returns the highest generation on the log.
func (h *host) generation(ctx context.Context) (uint64, error) {
	all, err := h.generations(ctx)
	if len(all) == 0 {
		return 1, err
	}
	return all[len(all)-1], err
}

// generations returns the generations on the log, in order.
func (h *host) generations(ctx context.Context) ([]uint64, error) {
	set := map[uint64]bool{}
	for _, prefix := range []string{subjectBatch, subjectTick} {
		state, err := h.info(ctx, jetstream.WithSubjectFilter(prefix+"*"))
		if err != nil {
			return nil, err
		}
		for subject := range state.Subjects {
			n, err := strconv.ParseUint(strings.TrimPrefix(subject, prefix), 10, 64)
			if err != nil {
				return nil, fmt.Errorf("stream: the log has records on %s, which this program did not append", subject)
			}
			set[n] = true
		}
	}
	list := make([]uint64, 0, len(set))
	for n := range set {
		list = append(list, n)
	}
	slices.Sort(list)
	return list, nil
}

// voice passes on what a server says, and listens for what its answers do not tell.
type voice struct {
	log  *slog.Logger
	host *host
}

func (v *voice) Noticef(format string, a ...any) { v.log.Debug(said(format, a)) }
func (v *voice) Debugf(format string, a ...any)  { v.log.Debug(said(format, a)) }
func (v *voice) Tracef(format string, a ...any)  { v.log.Debug(said(format, a)) }

func (v *voice) Warnf(format string, a ...any) {
	text := said(format, a)
	v.log.Warn(text)
	v.listen(text, "disabling JetStream")
}

func (v *voice) Errorf(format string, a ...any) {
	text := said(format, a)
	v.log.Error(text)
	v.listen(text, "failed to store", "will be DISABLED", "no space left")
}

func (v *voice) Fatalf(format string, a ...any) {
	text := said(format, a)
	v.log.Error(text)
	v.listen(text, "")
}

func said(format string, a []any) string { return "log server: " + fmt.Sprintf(format, a...) }

// listen notices the end of a server: after a write error it answers no more, and says so
// here alone.
func (v *voice) listen(text string, signs ...string) {
	for _, sign := range signs {
		if !strings.Contains(text, sign) {
			continue
		}
		why := ErrUnavailable
		if strings.Contains(text, "no space left") || strings.Contains(text, "quota exceeded") {
			why = ErrNoSpace
		}
		v.host.fail(fmt.Errorf("%w: %s", why, text))
	}
}
