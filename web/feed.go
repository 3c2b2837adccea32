package web

import (
	"context"
	"encoding/json"
	"strconv"
	"sync"
	"time"

	"weir/alerts"
)

// Feed is what GET /v1/stream follows: versions of alerts in the order of storing.
type Feed interface {
	// After lists versions after a place in that order, at most most, and no more of them
	// once they have bytes bytes.
	After(order uint64, most, bytes int) ([]alerts.Placed, error)

	// Span is the place of the first version that is kept and of the last one that was
	// stored; first is last + 1 where none is kept.
	Span() (first, last uint64, err error)

	// Since is the place after which the versions lie that were stored at a wall-clock time,
	// in nanoseconds since the epoch, or later.
	Since(at int64) (order uint64, err error)

	// Heard returns a channel that is closed when something is stored next.
	Heard() <-chan struct{}

	// Home names the store: places are those of one home.
	Home() string
}

const (
	// feedFrames and feedBytes bound what a feed keeps for readers that are a little behind.
	feedFrames = 4096
	feedBytes  = 32 << 20

	// feedSome and someBytes bound what is read of the store at once.
	feedSome  = 256
	someBytes = 1 << 20

	// pacePerReader is for how long alerts are gathered for each reader there is, up to
	// paceMost, once some were handed out: a hand-out costs by readers, not by alerts, and
	// matching events needs the processors too.
	pacePerReader = 250 * time.Microsecond
	paceMost      = time.Second

	countersEvery = time.Second
)

// appendFrame writes an alert as a server-sent event.
func appendFrame(dst []byte, p *alerts.Placed, as format, home string) []byte {
	dst = appendID(dst, home, p.Order)
	dst = append(dst, "event: alert\ndata: "...)
	begin := len(dst)
	if as == cloudFormat {
		dst = p.AppendCloudEvent(dst)
	} else {
		dst = p.AppendJSON(dst)
	}
	blank(dst[begin:], '\r') // between members; it would end the line here
	return append(dst, "\n\n"...)
}

func appendID(dst []byte, home string, order uint64) []byte {
	dst = append(dst, "id: "...)
	dst = append(dst, placeText(home, order)...)
	return append(dst, '\n')
}

// placeText is the id of a version in a stream.
func placeText(home string, order uint64) string {
	return home + "-" + strconv.FormatUint(order, 10)
}

// feed reads what is stored once, for all readers of /v1/stream. It runs while there are any.
type feed struct {
	s *service

	mu       sync.Mutex
	bundles  []*bundle
	frames   int           // versions in them
	bytes    int           // of their lines
	floor    uint64        // the bundles have those after this place
	last     uint64        // and up to this one
	wake     chan struct{} // closed when there is more
	counters []byte        // the latest, as a server-sent event
	counted  uint64        // how many of them there were
	readers  int
	counting int // readers that want counters
	stop     context.CancelFunc
	running  sync.WaitGroup

	ended    chan struct{} // closed when the server shuts down
	end      sync.Once
	catching chan struct{} // has room for those that read the store themselves
}

// mostCatching is how many readers read the store at a time, to come up to the others.
const mostCatching = 4

func newFeed(s *service) *feed {
	return &feed{s: s, wake: make(chan struct{}), ended: make(chan struct{}), catching: make(chan struct{}, mostCatching)}
}

// finish ends all readers: the server shuts down.
func (f *feed) finish() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.end.Do(func() { close(f.ended) })
}

// join adds a reader, unless there are too many.
func (f *feed) join(counters bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case <-f.ended:
		return unavailable("the service ends: come again when it has started")
	default:
	}
	if f.readers >= f.s.bounds.Readers {
		return busy("%d readers follow the stream already, as many as there may be: end some of them, or come again later", f.readers)
	}
	if f.readers == 0 {
		_, last, err := f.s.options.Feed.Span()
		if err != nil {
			return err
		}
		f.floor, f.last = last, last
		ctx, cancel := context.WithCancel(context.Background())
		f.stop = cancel
		f.running.Go(func() { f.run(ctx) })
	}
	f.readers++
	if counters {
		f.counting++
	}
	f.s.metrics.readers.Set(float64(f.readers))
	return nil
}

// leave removes a reader.
func (f *feed) leave(counters bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.readers--
	if counters {
		f.counting--
	}
	f.s.metrics.readers.Set(float64(f.readers))
	if f.readers == 0 {
		f.stop()
		f.bundles, f.frames, f.bytes, f.counters = nil, 0, 0, nil
	}
}

// run reads what is stored as it comes.
func (f *feed) run(ctx context.Context) {
	clock := time.NewTicker(countersEvery)
	defer clock.Stop()
	failed := false
	for {
		heard := f.s.options.Feed.Heard()
		n, err := f.read(ctx)
		if err != nil && !failed {
			f.s.options.Log.Error("what is stored cannot be read for the readers of /v1/stream", "error", err)
		}
		failed = err != nil
		var pace <-chan time.Time
		if n > 0 {
			pace = time.After(f.pace())
			heard = nil
		}
		select {
		case <-ctx.Done():
			return
		case <-heard:
		case <-pace:
		case <-clock.C: // also where the store could not be read
			f.count(ctx)
		}
	}
}

// pace is how long to gather before handing out again.
func (f *feed) pace() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return min(time.Duration(f.readers)*pacePerReader, paceMost)
}

// read takes in what is stored after the last version, up to half of what the feed keeps, and
// hands it out.
func (f *feed) read(ctx context.Context) (n int, err error) {
	for more := true; more && n < feedFrames/2; {
		f.mu.Lock()
		last := f.last
		f.mu.Unlock()
		var list []alerts.Placed
		if list, err = f.s.options.Feed.After(last, feedSome, someBytes); err != nil {
			break
		}
		more = len(list) == feedSome
		n += len(list)
		f.add(ctx, list)
	}
	if n > 0 {
		f.mu.Lock()
		f.ring()
		f.mu.Unlock()
	}
	return n, err
}

// add adds versions; the oldest go where there are too many.
func (f *feed) add(ctx context.Context, list []alerts.Placed) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if ctx.Err() != nil { // the last reader has left; another feed may run
		return
	}
	if len(list) == 0 {
		return
	}
	b := newBundle(list)
	f.bundles, f.frames, f.bytes, f.last = append(f.bundles, b), f.frames+len(list), f.bytes+b.bytes, b.last()
	for len(f.bundles) > 1 && (f.frames > feedFrames || f.bytes > feedBytes) {
		b := f.bundles[0]
		f.floor, f.frames, f.bytes = b.last(), f.frames-len(b.list), f.bytes-b.bytes
		f.bundles[0] = nil
		f.bundles = f.bundles[1:]
	}
}

// ring wakes the readers. mu is held.
func (f *feed) ring() {
	close(f.wake)
	f.wake = make(chan struct{})
}

// count writes how the service is, if a reader wants to know.
func (f *feed) count(ctx context.Context) {
	f.mu.Lock()
	wanted := f.counting > 0
	f.mu.Unlock()
	if !wanted {
		return
	}
	text, err := json.Marshal(countersOf(f.s.options.Status()))
	if err != nil {
		panic("web: counters that are no JSON: " + err.Error())
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	f.counters = append(append([]byte("event: counters\ndata: "), text...), "\n\n"...)
	f.counted++
	f.ring()
}

// next gives what there is after a place; far: the feed has it no more, or not yet, and the
// store has to be read. wake is closed when there is more.
func (f *feed) next(order, counted uint64) (bundles []*bundle, counters []byte, now uint64, far bool, wake <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if counted < f.counted {
		counters = f.counters
	}
	if order < f.floor {
		return nil, counters, f.counted, true, f.wake
	}
	i := len(f.bundles)
	for i > 0 && f.bundles[i-1].last() > order {
		i--
	}
	return f.bundles[i:len(f.bundles):len(f.bundles)], counters, f.counted, false, f.wake
}

// counters are what a stream tells every second of how the service is.
type counters struct {
	Events        uint64  `json:"events"`
	Late          uint64  `json:"late"`
	Rejected      uint64  `json:"rejected"`
	Duplicates    uint64  `json:"duplicates"`
	Alerts        uint64  `json:"alerts"`
	Retracted     uint64  `json:"retracted"`
	Restored      uint64  `json:"restored"`
	Stepped       string  `json:"stepped"`
	End           string  `json:"end"`
	LagSeconds    float64 `json:"lag_seconds"`
	LagBytes      uint64  `json:"lag_bytes"`
	StateBytes    int64   `json:"state_bytes"`
	WarningsCount int     `json:"warnings"`
}

func countersOf(st *Status) counters {
	c := counters{
		Events: st.Stats.Events, Late: st.Stats.Late, Rejected: st.Stats.Rejected, Duplicates: st.Stats.Duplicates,
		Stepped: st.Stepped.String(), End: st.End.String(), LagSeconds: st.Lag.Seconds(), LagBytes: st.LagBytes,
		StateBytes: int64(st.Stats.State.Bytes), WarningsCount: len(st.Warnings),
	}
	for i := range st.Stats.Rules {
		r := &st.Stats.Rules[i]
		c.Alerts += uint64(r.Alerts) + uint64(r.Timeouts)
		c.Retracted += uint64(r.Retracted)
		c.Restored += uint64(r.Restored)
	}
	return c
}
