package stream

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"weir/cep"
)

// Durability is what an append waits for.
type Durability uint8

const (
	Fsync    Durability = iota // the record is on the disk
	Interval                   // the operating system has the record: a power cut may lose the last SyncEvery
)

// SyncEvery is how often an Interval log is brought to the disk.
const SyncEvery = time.Second

const (
	// MaxRecord is the most bytes that a record may have, with what the format adds.
	MaxRecord = 8<<20 - headers

	// headers is room for what goes with a record to the server.
	headers = 4096

	// DefaultSize is the size of a log, where Options says nothing.
	DefaultSize = 1 << 30

	// MinSize is the least size of a log.
	MinSize = 1 << 20
)

// Errors of a Log, for errors.Is.
var (
	ErrFull        = errors.New("the log is full")
	ErrNoSpace     = errors.New("no space is left on the disk of the log")
	ErrUnavailable = errors.New("the log does not answer")
	ErrChanged     = errors.New("another control record has come")
	ErrTooLarge    = errors.New("a record of the log is too large")
	ErrBusy        = errors.New("too much waits to be appended to the log")
	ErrClosed      = errors.New("the log is closed")
	ErrTaken       = errors.New("another weir has the log")
)

// Options say where a log lies and what it promises.
type Options struct {
	External   *External    // the server that has the log; nil: one is started in this process, on Dir
	Dir        string       // made if it is not there, for its owner alone. One process at a time may use it: the caller sees to that
	Size       int64        // bytes of records; 0: DefaultSize
	Durability Durability   // of what Append answers
	Logger     *slog.Logger // gets what the server says; nil: nobody does
	Port       Port         // for NATS clients
}

// Log is a log in a directory. Its methods may be called by many goroutines.
type Log struct {
	options Options
	name    string // begins the ids of the records of this process

	changing sync.Mutex // held by who starts or stops a host
	host     atomic.Pointer[host]
	servers  atomic.Uint64  // that were started
	admitted atomic.Uint64  // number of the one that takes records
	closing  chan struct{}  // closed by Close
	running  sync.WaitGroup // goroutines of the Log

	sending    sync.Mutex // held while a record gets its place in the order
	numbers    uint64     // of records sent
	generation uint64     // of the subjects that events lie on
	generated  int64      // bytes appended in it
	unsettled  outbox     // what was sent and not answered for

	stored   atomic.Int64  // bytes of records on the log
	sent     atomic.Int64  // bytes of records that were not answered for
	appended atomic.Uint64 // sequence number of the last record that was acknowledged
	when     atomic.Int64  // when it was
	news     bell          // rings when a record was acknowledged

	purged atomic.Int64 // bytes
	posts  posts
	door   atomic.Pointer[Door] // nil: producers are not let in
	out    atomic.Pointer[Out]  // the one that was opened last

	// What a log has that is not in this process.
	most   atomic.Int64          // bytes of a record
	leases atomic.Uint64         // that were asked for
	down   atomic.Pointer[error] // why Restart could start nothing, last; of any log
}

// Stats are counts since Open, and sizes.
type Stats struct {
	Bytes     int64 // of records on the log, about
	Size      int64 // that it may have
	Purged    int64 // bytes that Release dropped
	Keys      int   // of requests that are known
	Forgotten int64 // keys that went before their time, as there were too many
}

// Open opens the log of a directory, or begins one. The time it takes grows with the size
// of the log where the last process did not close it.
func Open(ctx context.Context, o Options) (*Log, error) {
	if o.Size == 0 {
		o.Size = DefaultSize
	}
	if o.Size < MinSize {
		return nil, fmt.Errorf("stream: a log of %d bytes is too small: expected %d or more", o.Size, MinSize)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.External == nil {
		dir, err := filepath.Abs(o.Dir)
		if err != nil {
			return nil, fmt.Errorf("stream: %w", err)
		}
		o.Dir = dir
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("stream: %w", err)
		}
	}
	var name [12]byte
	if _, err := rand.Read(name[:]); err != nil {
		return nil, fmt.Errorf("stream: %w", err)
	}
	if o.External != nil {
		e := *o.External
		o.External = &e
	}
	l := &Log{options: o, name: hex.EncodeToString(name[:]), closing: make(chan struct{})}
	l.unsettled.init()
	l.news.init()
	l.posts.init()
	if err := l.begin(ctx); err != nil {
		return nil, err
	}
	l.running.Go(l.remember)
	return l, nil
}

// start starts a host and learns what is on the log. changing is held, or nobody else has
// the Log yet.
func (l *Log) start(ctx context.Context) error {
	if l.options.External == nil {
		if err := checkFiles(l.options); err != nil {
			return fmt.Errorf("stream: %w", err)
		}
	}
	h, err := openHost(ctx, l.options, l.acknowledge)
	if err != nil {
		return err
	}
	state, err := h.fit(ctx, l.options)
	if err != nil {
		h.close()
		return err
	}
	generation, err := h.generation(ctx)
	if err != nil {
		h.close()
		return err
	}
	l.sending.Lock()
	l.generation, l.generated = generation, 0
	l.sending.Unlock()
	l.stored.Store(int64(state.Bytes))
	l.appended.Store(state.LastSeq)
	l.when.Store(state.LastTime.UnixNano())
	l.most.Store(MaxRecord)
	if h.far != nil {
		l.most.Store(int64(h.far.most))
		l.options.External.Begin = false // what goes away later is not made again
	}
	l.servers.Add(1)
	l.host.Store(h)
	if address := l.PortAddr(); address != "" {
		l.options.Port.Listen = address // the next server has the same
	}
	l.running.Go(func() { l.watch(h) })
	if h.far != nil {
		l.running.Go(func() { l.carry(h) })
		l.running.Go(h.far.probe)
	}
	return nil
}

// watch looks after a host until it is closed: it connects anew where a connection ended,
// and fails what is under way where the server does not work any more.
func (l *Log) watch(h *host) {
	broken := h.broken
	for {
		select {
		case <-h.ended:
			return
		case <-broken:
			broken = nil
			l.leave(h.err())
		case <-h.cut:
			l.reconnect(h)
		}
	}
}

// leave tells all who wait for an answer that none will come.
func (l *Log) leave(why error) {
	l.sending.Lock()
	left := l.unsettled.leave()
	l.sending.Unlock()
	for _, r := range left {
		r.done(0, why)
	}
}

// reconnect connects to the same server again and repeats what was not answered for. The
// server knows records that it has already by their ids.
func (l *Log) reconnect(h *host) {
	l.changing.Lock()
	defer l.changing.Unlock()
	if l.host.Load() != h {
		return
	}
	l.sending.Lock()
	defer l.sending.Unlock()
	if err := h.connect(); err != nil {
		h.fail(err)
		return
	}
	for _, r := range l.unsettled.all() {
		h.publish(r)
	}
}

// Restart stops the server and starts another one on the same directory, in this process.
// It is for a server that does not answer any more. What is under way fails with
// ErrUnavailable; what of it lies on the log all the same is known to Claim afterwards.
// After an error no server runs, and Restart may be called again. The new server takes no
// records, which fail with ErrUnavailable, until Admit is called.
func (l *Log) Restart(ctx context.Context) error {
	l.changing.Lock()
	defer l.changing.Unlock()
	select {
	case <-l.closing:
		return ErrClosed
	default:
	}
	if h := l.host.Load(); h != nil && errors.Is(h.err(), ErrTaken) {
		return h.err()
	}
	l.stop(ErrUnavailable)
	// Without a server nothing is sent: these are of the one before. What is sent from now
	// on has an answer to come.
	last, open := l.appended.Load(), l.unsettled.all()
	if err := l.start(ctx); err != nil {
		l.down.Store(&err)
		return err
	}
	if l.appended.Load() < last { // requests had lines in what is lost
		l.posts.clear()
		l.running.Go(l.remember)
	}
	if l.options.External != nil { // one that runs elsewhere may still append them: Admit sees to it
		l.news.ring()
		return nil
	}
	if err := l.settle(ctx, last, open); err != nil {
		l.stop(err)
		return err
	}
	l.news.ring()
	if d := l.door.Load(); d != nil {
		if err := d.attach(l.host.Load()); err != nil {
			l.stop(err)
			return err
		}
	}
	return nil
}

// stop stops the host, if there is one. changing is held.
func (l *Log) stop(why error) {
	if h := l.host.Swap(nil); h != nil {
		h.close()
	}
	l.leave(why)
}

// settle finds out which of the records that were not answered for are on the log, after
// the last one that was. No server has them that still could append them.
func (l *Log) settle(ctx context.Context, last uint64, open []*record) error {
	if len(open) == 0 {
		return nil
	}
	found := map[string]uint64{}
	h := l.host.Load()
	for after := last; ; {
		n := 0
		err := h.fetch(ctx, request{Seq: after + 1, Batch: readRecords, MaxBytes: readBytes}, func(m *message) error {
			found[m.id] = m.Sequence
			after, n = m.Sequence, n+1
			return nil
		})
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
	}
	l.settleAs(open, found)
	return nil
}

// settleAs tells those who wait for records what became of them, by the ids that are on the log.
func (l *Log) settleAs(open []*record, found map[string]uint64) {
	for _, r := range open {
		if sequence, ok := found[r.id]; ok {
			l.settled(r.number, sequence, nil)
			l.stored.Add(-r.size) // the server counts it already
		} else {
			l.settled(r.number, 0, ErrUnavailable)
		}
	}
}

// Close waits, at most until ctx ends, for what is under way and stops the server.
func (l *Log) Close(ctx context.Context) error {
	l.changing.Lock()
	select {
	case <-l.closing:
		l.changing.Unlock()
		return nil
	default:
	}
	err := l.drain(ctx)
	close(l.closing)
	works := l.Health(ctx) == nil
	l.stop(ErrClosed)
	l.changing.Unlock()
	l.running.Wait()
	if works && err == nil && l.options.External == nil {
		if err = leaveMark(l.options.Dir); err != nil {
			err = fmt.Errorf("stream: %w", err)
		}
	}
	return err
}

// drain waits until nothing is under way, or ctx ends.
func (l *Log) drain(ctx context.Context) error {
	for {
		ring := l.news.heard()
		n := len(l.unsettled.all())
		if h := l.host.Load(); n == 0 || h == nil || h.err() != nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("stream: %d records were not durable yet when the log was closed: %w", n, ctx.Err())
		case <-ring:
		case <-time.After(poll):
		}
	}
}

// Health says whether the log works: nil, or why it does not. It asks the server and
// waits until ctx ends, or for answerWithin.
func (l *Log) Health(ctx context.Context) error {
	h, err := l.up()
	if err != nil {
		return err
	}
	if h.far != nil {
		return l.healthFar(ctx, h)
	}
	if since := l.unsettled.oldest(); !since.IsZero() && time.Since(since) > answerWithin {
		return fmt.Errorf("%w: a record waits since %s", ErrUnavailable, since.UTC().Format(time.RFC3339))
	}
	_, err = h.info(ctx)
	return err
}

// up returns the host that works.
func (l *Log) up() (*host, error) {
	h := l.host.Load()
	if h == nil {
		select {
		case <-l.closing:
			return nil, ErrClosed
		default:
		}
		if why := l.down.Load(); why != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnavailable, *why)
		}
		return nil, ErrUnavailable
	}
	return h, h.err()
}

// LastAppended returns the sequence number of the last record that is known to be durable,
// and when that became known, in nanoseconds since the epoch by the clock of this process.
// It asks nobody.
func (l *Log) LastAppended() (sequence uint64, when int64) {
	return l.appended.Load(), l.when.Load()
}

// Stats returns counts. It asks nobody.
func (l *Log) Stats() Stats {
	s := Stats{Bytes: l.stored.Load(), Size: l.options.Size, Purged: l.purged.Load()}
	s.Keys, s.Forgotten = l.posts.count()
	return s
}

var _ cep.Log = (*Log)(nil)
