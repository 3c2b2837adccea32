package stream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// External says where a log lies that a NATS server or cluster has which runs elsewhere. How
// durable it is, is that server's matter: Options.Durability says nothing of it.
type External struct {
	URL       string // of servers, separated by commas: nats://HOST:PORT, tls://…; a password may stand in it
	Creds     string // file with the credentials of a user; empty: none
	CA        string // file with the certificates that sign those of the servers; empty: those of the system
	Cert, Key string // files with a certificate of this client and its key; empty: none
	Replicas  int    // of the stream; 0: 3 where it is made in a cluster, and whatever one that is there has

	Begin   bool              // a stream that is not there is made
	Read    bool              // nothing is appended: the log is not taken from who has it, and its size does not matter
	Name    string            // of this process, told to others who want the log
	Waiting func(text string) // is told what Open waits for; nil: nobody is
}

// Redacted is the URL without passwords.
func (e *External) Redacted() string {
	list := strings.Split(e.URL, ",")
	for i, text := range list {
		if u, err := url.Parse(strings.TrimSpace(text)); err == nil {
			list[i] = u.Redacted()
		}
	}
	return strings.Join(list, ",")
}

const (
	// leastPayload is the least that a server has to take as one message.
	leastPayload = 256 << 10

	// dialTime is how long a server may take to answer to a connection.
	dialTime = 2 * time.Second

	// connectEvery is how often is tried to connect to servers that do not answer.
	connectEvery = 250 * time.Millisecond

	// waitingEvery is how often Open tells what it waits for, where that is the same.
	waitingEvery = 10 * time.Second
)

// errUnfit is what begins with a server that answers, and with which nothing can be done
// until a person has changed something.
var errUnfit = errors.New("the log cannot be used as it is")

// begin starts the first host. It waits for external servers that do not answer until ctx ends.
func (l *Log) begin(ctx context.Context) error {
	if l.options.External == nil {
		if err := l.start(ctx); err != nil {
			return err
		}
		l.admitted.Store(l.servers.Load())
		return nil
	}
	told, when := "", time.Time{}
	for {
		err := l.start(ctx)
		if err == nil || !errors.Is(err, ErrUnavailable) {
			return err
		}
		if err.Error() != told || time.Since(when) > waitingEvery {
			told, when = err.Error(), time.Now()
			l.options.Logger.Warn("waiting for the log", "servers", l.options.External.Redacted(), "because", told)
			if waiting := l.options.External.Waiting; waiting != nil {
				waiting(told)
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the log at %s was not opened: %w", l.options.External.Redacted(), err)
		case <-time.After(connectEvery):
		}
	}
}

// dialing are the options of a connection. Nothing is kept for servers that are away: what
// was not sent is sent again once the log was compared.
func (e *External) dialing() ([]nats.Option, error) {
	options := []nats.Option{
		nats.MaxReconnects(-1), nats.ReconnectWait(connectEvery), nats.ReconnectJitter(connectEvery, connectEvery), nats.ReconnectBufSize(-1),
		nats.IgnoreAuthErrorAbort(), nats.Timeout(dialTime), nats.PingInterval(5 * time.Second), nats.MaxPingsOutstanding(2),
	}
	for _, file := range []string{e.Creds, e.CA, e.Cert, e.Key} {
		if file == "" {
			continue
		}
		if _, err := os.Stat(file); err != nil {
			return nil, fmt.Errorf("%w: %w", errUnfit, err)
		}
	}
	if e.Creds != "" {
		options = append(options, nats.UserCredentials(e.Creds))
	}
	if e.CA != "" {
		options = append(options, nats.RootCAs(e.CA))
	}
	if e.Cert != "" {
		options = append(options, nats.ClientCert(e.Cert, e.Key))
	}
	return options, nil
}

// reach connects to the servers.
func (h *host) reach(ctx context.Context, o Options) error {
	f := newFar(h, o)
	h.far = f
	heard := []nats.Option{
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { f.cut(err) }),
		nats.ReconnectHandler(func(c *nats.Conn) { f.joined(c.ConnectedUrlRedacted()) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { f.warned(err) }),
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var err error
	for _, c := range []struct {
		to   **nats.Conn
		name string
	}{{&h.writes, "appends"}, {&h.reads, "reads"}} {
		if err = ctx.Err(); err != nil {
			err = fmt.Errorf("%w: %w", ErrUnavailable, err)
		} else {
			*c.to, err = f.dial(c.name, heard...)
		}
		if err != nil {
			h.disconnect()
			return err
		}
	}
	if most := h.writes.MaxPayload(); most < leastPayload {
		h.disconnect()
		return fmt.Errorf("%w: the server at %s takes messages of %d bytes (max_payload), and %d are needed at least", errUnfit, o.External.Redacted(), most, leastPayload)
	}
	h.far.most = int(min(h.writes.MaxPayload(), MaxRecord+headers)) - headers
	return nil
}

// dial opens a connection that comes back by itself.
func (f *far) dial(name string, more ...nats.Option) (*nats.Conn, error) {
	options, err := f.options.External.dialing()
	if err != nil {
		return nil, err
	}
	c, err := nats.Connect(f.options.External.URL, append(append(options, nats.Name("weir "+name)), more...)...)
	if err != nil {
		return nil, f.unconnected(err)
	}
	f.keep(c)
	return c, nil
}

// unconnected says why there is no connection, and whether it is any use to try again.
func (f *far) unconnected(err error) error {
	_, unknown := errors.AsType[*tls.CertificateVerificationError](err)
	why := ErrUnavailable
	if unknown || errors.Is(err, nats.ErrAuthorization) || errors.Is(err, nats.ErrAuthExpired) || errors.Is(err, nats.ErrAuthRevoked) ||
		errors.Is(err, nats.ErrNkeysNotSupported) || errors.Is(err, nats.ErrSecureConnRequired) || errors.Is(err, nats.ErrSecureConnWanted) {
		why = errUnfit
	}
	return fmt.Errorf("%w: no connection to %s: %w", why, f.options.External.Redacted(), err)
}

// fit makes the stream, or checks that the one that is there is what is wanted.
func (f *far) fit(ctx context.Context, o Options) (jetstream.StreamState, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	js, err := f.host.manager()
	if err != nil {
		return jetstream.StreamState{}, err
	}
	s, err := js.Stream(ctx, streamName)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound) && o.External.Begin:
		if s, err = js.CreateStream(ctx, f.wanted(o)); err != nil {
			return jetstream.StreamState{}, f.unmade(err)
		}
		f.log.Info("the stream of the log was made", "stream", streamName, "replicas", s.CachedInfo().Config.Replicas)
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return jetstream.StreamState{}, fmt.Errorf("%w: there is no stream %s at %s, and files follow it: restore it from a backup, or move the files away to begin anew", errUnfit, streamName, o.External.Redacted())
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return jetstream.StreamState{}, fmt.Errorf("%w: the server at %s: %w", errUnfit, o.External.Redacted(), err)
	case errors.Is(err, nats.ErrNoResponders):
		return jetstream.StreamState{}, fmt.Errorf("%w: %s: JetStream is not enabled there, or not up yet", ErrUnavailable, o.External.Redacted())
	case err != nil:
		return jetstream.StreamState{}, fmt.Errorf("%w: %s: %w", ErrUnavailable, o.External.Redacted(), err)
	}
	i := s.CachedInfo()
	want := f.wanted(o)
	if list := misfits(i.Config, want, o.External); len(list) > 0 {
		return jetstream.StreamState{}, fmt.Errorf("%w: the stream %s at %s has %s: change the stream (nats stream edit %s), or the settings", errUnfit, streamName, o.External.Redacted(), strings.Join(list, "; "), streamName)
	}
	f.created, f.replicas = i.Created, max(1, i.Config.Replicas)
	first, found, err := f.get(ctx, question{Sequence: 1, Next: subjectControl + ">"})
	if err != nil {
		return jetstream.StreamState{}, err
	}
	if found {
		f.control.Store(first.Sequence)
	}
	return i.State, nil
}

// unmade says why a stream could not be made.
func (f *far) unmade(err error) error {
	why, then := ErrUnavailable, ""
	if e, ok := errors.AsType[*jetstream.APIError](err); ok && e.Code >= 400 && e.Code < 500 || ok && e.ErrorCode == codeNoReplicas {
		why, then = errUnfit, "; nats.replicas and log.size say what it is to be"
	}
	return fmt.Errorf("%w: the stream %s could not be made at %s: %w%s", why, streamName, f.options.External.Redacted(), err, then)
}

// codeNoReplicas is the server's code for more replicas than a server alone can have.
const codeNoReplicas = 10074

// wanted is the stream of an external log.
func (f *far) wanted(o Options) jetstream.StreamConfig {
	c := wanted(o)
	c.Replicas = o.External.Replicas
	if c.Replicas == 0 {
		c.Replicas = 1
		if f.host.reads.ConnectedClusterName() != "" {
			c.Replicas = 3
		}
	}
	return c
}

// misfits says what a stream has that a log cannot do with.
func misfits(is, want jetstream.StreamConfig, e *External) []string {
	list := differences(is, want)
	check := func(fits bool, format string, args ...any) {
		if !fits {
			list = append(list, fmt.Sprintf(format, args...))
		}
	}
	check(is.Duplicates >= want.Duplicates, "duplicate_window %s, expected %s or longer", is.Duplicates, want.Duplicates)
	check(!is.NoAck, "no_ack true, expected false")
	check(!is.AllowRollup, "allow_rollup_hdrs true, expected false")
	check(!is.AllowMsgTTL, "allow_msg_ttl true, expected false")
	check(is.Mirror == nil && len(is.Sources) == 0, "records from other streams (mirror or sources), expected none")
	check(is.MaxMsgSize <= 0 || is.MaxMsgSize >= leastPayload, "max_msg_size %d, expected %d or more", is.MaxMsgSize, leastPayload)
	check(is.PersistMode == want.PersistMode, "persist_mode %s, expected default", is.PersistMode)
	if e.Read {
		return list
	}
	check(is.MaxBytes == want.MaxBytes, "max_bytes %d, expected %d (log.size)", is.MaxBytes, want.MaxBytes)
	check(e.Replicas == 0 || is.Replicas == e.Replicas, "num_replicas %d, expected %d (nats.replicas)", is.Replicas, e.Replicas)
	return list
}

// Reach waits until an external log has a record, for as long as it may be that a server does not
// know of it that is behind the others; a log in this process is what it is. Whether the log
// has it, Last tells.
func (l *Log) Reach(ctx context.Context, sequence uint64) error {
	if l.options.External == nil {
		return nil
	}
	for begun := time.Now(); ; {
		h, err := l.up()
		if err != nil {
			return err
		}
		state, err := h.info(ctx)
		if err != nil || state.LastSeq >= sequence || time.Since(begun) > shortFor {
			return err
		}
		if err := h.far.rest(ctx); err != nil {
			return err
		}
	}
}

// MaxRecord is the most bytes that a record of this log may have, with what the format adds:
// MaxRecord, or what the external server takes where that is less.
func (l *Log) MaxRecord() int { return int(l.most.Load()) }
