package stream

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"weir/cep"
)

// record is a record on its way to the log.
type record struct {
	number     uint64 // among those that this Log sent
	id         string // by which the log knows it again
	subject    string
	data       []byte
	size       int64 // on the log
	control    bool  // append it only where the last control record is that of after
	after      uint64
	generation bool // its subject takes the number of the generation
	posts      []cep.Post
	spoiled    func() error // why it must not be sent any more; nil: nothing is in the way
	since      time.Time
	floor      uint64 // it lies after this one, if it is on the log
	told       bool   // done was called, or nobody waits
	done       func(sequence uint64, err error)
}

// outbox holds the records whose fate is not known.
type outbox struct {
	mu   sync.Mutex
	open map[uint64]*record
}

func (o *outbox) init() { o.open = map[uint64]*record{} }

func (o *outbox) add(r *record) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.open[r.number] = r
}

// take removes a record and says whether somebody waits for its fate; nil: it is not there.
func (o *outbox) take(number uint64) (r *record, waits bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	r, ok := o.open[number]
	if !ok {
		return nil, false
	}
	delete(o.open, number)
	waits = !r.told
	r.told = true
	return r, waits
}

// abandon says that nobody waits for a record any more; false: its fate was told already.
func (o *outbox) abandon(r *record) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	was := r.told
	r.told = true
	return !was
}

// forsaken says whether nobody waits for the fate of a record any more.
func (o *outbox) forsaken(r *record) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return r.told
}

// late returns the records sent before a time that somebody waits for; nobody does from now on.
func (o *outbox) late(before time.Time) []*record {
	return o.leaveIf(func(r *record) bool { return r.since.Before(before) })
}

// leave returns the records that somebody waits for; nobody does from now on.
func (o *outbox) leave() []*record { return o.leaveIf(func(*record) bool { return true }) }

func (o *outbox) leaveIf(is func(*record) bool) []*record {
	o.mu.Lock()
	defer o.mu.Unlock()
	var left []*record
	for _, r := range o.open {
		if !r.told && is(r) {
			r.told = true
			left = append(left, r)
		}
	}
	slices.SortFunc(left, byNumber)
	return left
}

// all returns the records in the order in which they were sent.
func (o *outbox) all() []*record {
	o.mu.Lock()
	defer o.mu.Unlock()
	list := make([]*record, 0, len(o.open))
	for _, r := range o.open {
		list = append(list, r)
	}
	slices.SortFunc(list, byNumber)
	return list
}

func byNumber(a, b *record) int { return cmp.Compare(a.number, b.number) }

// oldest returns when the record was sent that waits longest; zero: none does.
func (o *outbox) oldest() (since time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, r := range o.open {
		if since.IsZero() || r.since.Before(since) {
			since = r.since
		}
	}
	return since
}
