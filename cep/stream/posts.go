package stream

import (
	"context"
	"slices"
	"sync"
	"time"

	"weir/cep"
)

const (
	// remembered is how long the log knows the keys of requests, from when the first of
	// their lines was appended.
	remembered = 10 * time.Minute

	// maxKeys is how many keys it knows.
	maxKeys = 1 << 20
)

// Range is a row of lines of a request, counted among those that are events.
type Range struct {
	First uint64 // from 0
	Count uint64
}

// posts knows which lines of which requests are on the log.
type posts struct {
	mu        sync.Mutex
	ready     bool
	failed    error                // of the scan
	known     map[[16]byte]*posted // by key
	order     []ordered            // of known, oldest first; those before head are gone
	head      int
	forgotten int64
	under     map[[16]byte]int // records on their way that have lines of the request
	claimed   map[[16]byte]bool
	changed   bell
}

// posted is what is known of a request.
type posted struct {
	ranges []Range // in order, apart from each other
	last   uint64  // sequence number of its last record
	at     int64   // nanoseconds since the epoch: when the first was appended

	bytes uint64 // of its body, as cep.Post has them: the most
	sum   [16]byte
}

// ordered is a place in the order in which keys go.
type ordered struct {
	key [16]byte
	at  int64
}

func (p *posts) init() {
	p.known, p.under, p.claimed = map[[16]byte]*posted{}, map[[16]byte]int{}, map[[16]byte]bool{}
	p.changed.init()
}

// enter says that a record with lines of a request is on its way.
func (p *posts) enter(key [16]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.under[key]++
}

// settle says that a record with lines of requests is on the log; sequence 0: it is not.
func (p *posts) settle(list []cep.Post, sequence uint64, now int64) {
	if len(list) == 0 {
		return
	}
	p.mu.Lock()
	for i := range list {
		if sequence > 0 {
			p.add(&list[i], sequence, now)
		}
		key := list[i].Key
		if p.under[key]--; p.under[key] <= 0 {
			delete(p.under, key)
		}
	}
	p.forget(now)
	p.mu.Unlock()
	p.changed.ring()
}

// add takes in a post of a record that was appended at at. mu is held.
func (p *posts) add(post *cep.Post, sequence uint64, at int64) {
	k := p.known[post.Key]
	if k == nil {
		k = &posted{at: at}
		p.known[post.Key] = k
		p.order = append(p.order, ordered{post.Key, at})
	}
	k.ranges = include(k.ranges, Range{post.First, post.Count})
	k.last = max(k.last, sequence)
	if post.Bytes > k.bytes {
		k.bytes, k.sum = post.Bytes, post.Sum
	}
	k.at = min(k.at, at)
}

// include adds a range to ranges that are in order and apart.
func include(ranges []Range, r Range) []Range {
	if r.Count == 0 {
		return ranges
	}
	i, _ := slices.BinarySearchFunc(ranges, r.First, func(e Range, first uint64) int {
		if e.First+e.Count < first {
			return -1
		}
		return 1
	})
	j := i
	for ; j < len(ranges) && ranges[j].First <= r.First+r.Count; j++ {
		end := max(r.First+r.Count, ranges[j].First+ranges[j].Count)
		r.First = min(r.First, ranges[j].First)
		r.Count = end - r.First
	}
	return slices.Replace(ranges, i, j, r)
}

// forget drops what is older than remembered, and the oldest of too many. mu is held.
func (p *posts) forget(now int64) {
	for p.head < len(p.order) {
		o := p.order[p.head]
		many := len(p.known) > maxKeys
		if !many && o.at > now-int64(remembered) {
			break
		}
		if many && o.at > now-int64(remembered) {
			p.forgotten++
		}
		delete(p.known, o.key)
		p.head++
	}
	if p.head > 1024 && p.head > len(p.order)/2 {
		p.order = slices.Delete(p.order, 0, p.head)
		p.head = 0
	}
}

func (p *posts) count() (keys int, forgotten int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.known), p.forgotten
}

// remember reads the posts of the last minutes.
func (l *Log) remember() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-l.closing:
			cancel()
		case <-ctx.Done():
		}
	}()
	from, until := time.Now().Add(-remembered), l.appended.Load()
	for {
		err := l.scan(ctx, from, until)
		if ctx.Err() != nil {
			return
		}
		l.posts.mu.Lock()
		l.posts.ready, l.posts.failed = err == nil, err
		l.posts.mu.Unlock()
		l.posts.changed.ring()
		if err == nil {
			return
		}
		// The log does not answer: until it does, nobody learns what it knows.
		select {
		case <-ctx.Done():
			return
		case <-time.After(poll):
		}
	}
}

// scan takes in the posts of the records appended since from, up to the sequence number
// until. What it has taken in already changes nothing.
func (l *Log) scan(ctx context.Context, from time.Time, until uint64) error {
	q := request{StartTime: &from, Batch: 1}
	for {
		h, err := l.up()
		if err != nil {
			return err
		}
		n, next := 0, uint64(0)
		err = h.fetch(ctx, q, func(m *message) error {
			n, next = n+1, m.Sequence+1
			p, err := cep.Unpack(m.Data)
			if err != nil || m.Sequence > until {
				return nil // what is damaged, the one who steps the record says
			}
			l.posts.mu.Lock()
			for i := range p.Posts {
				l.posts.add(&p.Posts[i], m.Sequence, m.Appended)
			}
			l.posts.mu.Unlock()
			return nil
		})
		if err == nil && n == 0 && h.far != nil {
			return h.far.owes(ctx, q, until)
		}
		if err != nil || n == 0 || next > until {
			return err
		}
		q = request{Seq: next, Batch: readRecords, MaxBytes: readBytes}
	}
}

// Ready says whether the keys of the last minutes have been read. Until then Claim waits.
func (l *Log) Ready() bool {
	l.posts.mu.Lock()
	defer l.posts.mu.Unlock()
	return l.posts.ready
}

// Posted says which lines of the request with a key are on the log, and the sequence
// number of the last record with such lines. It waits, at most until ctx ends, until that
// is known: for the keys of the last minutes to be read, and for records with lines of the
// request that are on their way. Where the log does not answer, which leaves their fate
// open, it fails. A key is known for 10 min.
func (l *Log) Posted(ctx context.Context, key [16]byte) ([]Range, uint64, error) {
	return l.posts.wait(ctx, l, key, false)
}

// Body says how far the body of a request with a key had been read when lines of it were
// appended, and the first half of the SHA-256 of that; 0: nothing is known. It asks nobody: it is
// for a key that Posted knows.
func (l *Log) Body(key [16]byte) (bytes uint64, sum [16]byte) {
	l.posts.mu.Lock()
	defer l.posts.mu.Unlock()
	if k := l.posts.known[key]; k != nil {
		return k.bytes, k.sum
	}
	return 0, sum
}

// Claim is the right to append lines of a request with a key.
type Claim struct {
	Ranges []Range // lines that are on the log already, in order
	Last   uint64  // sequence number of the last record with such lines; 0: none

	log *Log
	key [16]byte
}

// Claim says what Posted says, and keeps others from claiming the key until Release is
// called: of two requests with one key at the same time, the second waits for the first.
func (l *Log) Claim(ctx context.Context, key [16]byte) (*Claim, error) {
	ranges, last, err := l.posts.wait(ctx, l, key, true)
	if err != nil {
		return nil, err
	}
	return &Claim{ranges, last, l, key}, nil
}

// Release gives the key free. It may be called more than once.
func (c *Claim) Release() {
	if c.log == nil {
		return
	}
	p := &c.log.posts
	p.mu.Lock()
	delete(p.claimed, c.key)
	p.mu.Unlock()
	p.changed.ring()
	c.log = nil
}

// wait waits until it is known which lines of a request are on the log; with claim, until
// nobody else has claimed the key as well.
func (p *posts) wait(ctx context.Context, l *Log, key [16]byte, claim bool) ([]Range, uint64, error) {
	for {
		ring := p.changed.heard()
		p.mu.Lock()
		if p.ready && p.under[key] == 0 && !(claim && p.claimed[key]) {
			ranges, last := p.get(key, time.Now().UnixNano())
			if claim {
				p.claimed[key] = true
			}
			p.mu.Unlock()
			return ranges, last, nil
		}
		err := p.failed
		p.mu.Unlock()
		if err == nil {
			_, err = l.up()
		}
		if err != nil {
			return nil, 0, err
		}
		select {
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		case <-ring:
		case <-time.After(poll):
		}
	}
}

// get returns what is known of a key. mu is held.
func (p *posts) get(key [16]byte, now int64) ([]Range, uint64) {
	p.forget(now)
	k := p.known[key]
	if k == nil || k.at <= now-int64(remembered) {
		return nil, 0
	}
	return slices.Clone(k.ranges), k.last
}
