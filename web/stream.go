package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"weir/alerts"
)

const (
	// beatEvery is how often a stream says something at the least, so that both ends notice
	// that the other one has gone.
	beatEvery = 15 * time.Second

	// retryAfterEnd is how many milliseconds a reader should wait before it comes again.
	retryAfterEnd = 1000
)

// topics are what a stream may be about.
var topics = []string{"alerts", "counters"}

// following is a request of GET /v1/stream.
type following struct {
	s        *service
	w        http.ResponseWriter
	c        *http.ResponseController
	filter   alerts.Filter
	all      bool // it lets all through
	as       format
	alerts   bool
	counters bool
	packed   bool // what is sent is zstd

	at      uint64 // all up to here was sent, or is not asked for
	told    uint64 // the place that the reader knows of
	counted uint64 // counters up to this one were sent
	level   bool   // it has come up to the feed
	wrote   bool   // since the last flush
}

// getStream is GET /v1/stream.
func (s *service) getStream(w http.ResponseWriter, r *http.Request) error {
	q := &following{s: s, w: w, c: http.NewResponseController(w)}
	if err := q.read(r.URL.Query()); err != nil {
		return err
	}
	begin, err := q.place(r)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Accel-Buffering", "no") // proxies that gather would hold alerts back
	h.Set("Vary", "Accept-Encoding")
	if r.ProtoMajor == 1 { // it ends with the connection: chunks would take three writes each
		h.Set("Transfer-Encoding", "identity")
	}
	if q.packed = takesPacked(r); q.packed {
		h.Set("Content-Encoding", "zstd")
	}
	if r.Method == http.MethodHead {
		return nil
	}
	if err := s.feed.join(q.counters); err != nil {
		h.Del("X-Accel-Buffering")
		h.Del("Transfer-Encoding")
		h.Del("Content-Encoding")
		return err
	}
	defer s.feed.leave(q.counters)
	q.run(r, begin)
	return nil
}

// read reads what is asked for.
func (q *following) read(query url.Values) error {
	for _, name := range []string{"topics", "format", "since"} {
		if query.Has(name) && query.Get(name) == "" {
			return emptyParameter(name)
		}
	}
	f, err := filterOf(query)
	if err != nil {
		return err
	}
	q.filter = alerts.Filter{
		Rule: f.Rule, Severity: f.Severity, Kind: f.Kind, Tag: f.Tag,
		Key: alerts.Part{Name: f.KeyField, Value: f.KeyValue}, From: f.From, To: f.To,
	}
	q.all = q.filter == alerts.Filter{}
	list := "alerts"
	if query.Has("topics") {
		list = query.Get("topics")
	}
	for topic := range strings.SplitSeq(list, ",") {
		if !slices.Contains(topics, topic) {
			return unknown("topics", topic, topics)
		}
		q.alerts = q.alerts || topic == "alerts"
		q.counters = q.counters || topic == "counters"
	}
	switch as := query.Get("format"); as {
	case "":
	case "cloudevents":
		q.as = cloudFormat
	default:
		return problem(http.StatusBadRequest, codeParameter, "expected cloudevents in the parameter format, or none of it, found %q", shorten(as))
	}
	return nil
}

// place finds out where to begin. What is to be told first of it is begin.
func (q *following) place(r *http.Request) (begin []byte, err error) {
	first, last, err := q.s.options.Feed.Span()
	if err != nil {
		return nil, err
	}
	query := r.URL.Query()
	after, what := r.Header.Get("Last-Event-ID"), "header Last-Event-ID"
	if after == "" {
		after, what = query.Get("after"), "parameter after"
	}
	q.at = last
	switch {
	case after != "" && query.Has("since"):
		return nil, problem(http.StatusBadRequest, codeParameter, "the %s says where to go on, and the parameter since as well: leave one of them out", what)
	case after != "":
		home, order, ok := readPlace(after)
		if !ok {
			return nil, problem(http.StatusBadRequest, codeParameter, "expected the id of an event of this stream in the %s, found %q", what, shorten(after))
		}
		switch {
		case home != q.s.options.Feed.Home():
			begin = gap("unknown", 0)
			q.at = first - 1
		case order > last:
			begin = gap("unknown", 0)
		case order < first-1:
			begin = gap("deleted", first-1-order)
			q.at = first - 1
		default:
			q.at = order
		}
	case query.Has("since"):
		at, err := timeOf(query, "since")
		if err != nil {
			return nil, err
		}
		if q.at, err = q.s.options.Feed.Since(at); err != nil {
			return nil, err
		}
	}
	q.told = q.at
	return begin, nil
}

// readPlace reads an id that placeText wrote.
func readPlace(text string) (home string, order uint64, ok bool) {
	home, number, ok := strings.Cut(text, "-")
	order, err := strconv.ParseUint(number, 10, 64)
	return home, order, ok && home != "" && err == nil && strconv.FormatUint(order, 10) == number
}

// gap tells a reader that the stream does not go on where it has been.
func gap(reason string, missed uint64) []byte {
	text, err := json.Marshal(struct {
		Reason string `json:"reason"`
		Missed uint64 `json:"missed,omitempty"`
	}{reason, missed})
	if err != nil {
		panic("web: a gap that is no JSON: " + err.Error())
	}
	return append(append([]byte("event: gap\ndata: "), text...), "\n\n"...)
}

// run sends until the reader has gone, is too slow, or the server ends.
func (q *following) run(r *http.Request, begin []byte) {
	q.write([]byte("retry: " + strconv.Itoa(retryAfterEnd) + "\n\n"))
	if q.alerts {
		q.write(appendID(nil, q.s.options.Feed.Home(), q.at))
		q.write([]byte("\n"))
		q.write(begin)
	}
	beat := time.NewTimer(beatEvery)
	defer beat.Stop()
	for err := q.flush(); err == nil; {
		var wake <-chan struct{}
		if wake, err = q.send(); err != nil {
			q.lost(err)
			return
		}
		if q.wrote {
			if err = q.flush(); err != nil {
				q.lost(err)
				return
			}
			beat.Reset(beatEvery)
		}
		select {
		case <-r.Context().Done():
			return
		case <-q.s.feed.ended:
			return
		case <-wake:
		case <-beat.C:
			q.beat()
			err = q.flush()
			beat.Reset(beatEvery)
		}
	}
}

// errSlow: a reader has fallen behind what is kept in memory.
var errSlow = errors.New("a reader is too slow")

// closed is a channel that is closed.
var closed = func() <-chan struct{} { c := make(chan struct{}); close(c); return c }()

// send writes what there is for the reader; wake is closed when there is more.
func (q *following) send() (wake <-chan struct{}, err error) {
	bundles, counters, counted, far, wake := q.s.feed.next(q.at, q.counted)
	if q.counters && counters != nil {
		if err := q.write(counters); err != nil {
			return nil, err
		}
	}
	q.counted = counted
	switch {
	case !q.alerts:
		return wake, nil
	case far && q.level:
		return nil, errSlow
	case far:
		return closed, q.catchUp()
	}
	q.level = true
	for _, b := range bundles {
		if err := q.hand(b); err != nil {
			return nil, err
		}
	}
	return wake, nil
}

// hand sends what of a bundle is asked for: rows of it, each as one piece.
func (q *following) hand(b *bundle) error {
	from := b.after(q.at)
	for i := from; i < len(b.list); i++ {
		if q.all || q.filter.Match(&b.list[i].Item) {
			continue
		}
		if err := q.row(b, from, i); err != nil {
			return err
		}
		from = i + 1
	}
	q.at = b.last()
	return q.row(b, from, len(b.list))
}

// row sends a row of a bundle.
func (q *following) row(b *bundle, from, to int) error {
	if from == to {
		return nil
	}
	q.told = b.list[to-1].Order
	q.s.metrics.streamed.Add(float64(to - from))
	if q.packed && to-from == len(b.list) {
		return q.put(b.packed(q.as, q.s.options.Feed.Home()))
	}
	return q.write(b.in(q.as, q.s.options.Feed.Home(), from, to))
}

// catchUp sends what the feed does not have any more, from the store.
func (q *following) catchUp() error {
	q.s.feed.catching <- struct{}{}
	list, err := q.s.options.Feed.After(q.at, feedSome, someBytes)
	<-q.s.feed.catching
	if err != nil {
		q.s.options.Log.Error("what is stored cannot be read for a reader of /v1/stream", "error", err)
		return err
	}
	if len(list) == 0 { // they were deleted in between
		_, last, err := q.s.options.Feed.Span()
		q.at = last
		return err
	}
	for i := range list {
		p := &list[i]
		if q.filter.Match(&p.Item) {
			if err := q.alert(appendFrame(nil, p, q.as, q.s.options.Feed.Home()), p.Order); err != nil {
				return err
			}
		}
		q.at = p.Order
	}
	return nil
}

// alert sends an alert.
func (q *following) alert(text []byte, order uint64) error {
	q.told = order
	q.s.metrics.streamed.Inc()
	return q.write(text)
}

// beat says that the stream is alive, and how far the reader has come where no alert says so.
func (q *following) beat() {
	if q.alerts && q.at > q.told {
		q.told = q.at
		q.write(appendID(nil, q.s.options.Feed.Home(), q.at))
		q.write([]byte("\n"))
		return
	}
	q.write([]byte(":\n\n"))
}

// write sends a text.
func (q *following) write(text []byte) error {
	if !q.packed {
		return q.put(text)
	}
	for len(text) > 0 {
		n := min(len(text), mostFrame)
		if err := q.put(appendFrameHead(nil, n)); err != nil {
			return err
		}
		if err := q.put(text[:n]); err != nil {
			return err
		}
		text = text[n:]
	}
	return nil
}

// put sends bytes. A reader that takes nothing for too long is cut off by the deadline.
func (q *following) put(text []byte) error {
	if len(text) == 0 {
		return nil
	}
	if !q.wrote {
		q.wrote = true
		q.c.SetWriteDeadline(time.Now().Add(q.s.bounds.Drain)) // a writer without deadlines is a test's
	}
	_, err := q.w.Write(text)
	return err
}

func (q *following) flush() error {
	q.wrote = false
	return q.c.Flush()
}

// lost counts a reader that was too slow.
func (q *following) lost(err error) {
	if errors.Is(err, errSlow) || errors.Is(err, os.ErrDeadlineExceeded) {
		q.s.metrics.dropped.Inc()
	}
}
