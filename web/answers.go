package web

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"
)

// answers are the answers to requests with a key, for when such a request comes again. What
// is not here any more, as there were too many or the process is another one, is known to
// the log still: which of its lines it has.
type answers struct {
	lock  sync.Mutex
	known map[[16]byte]*answer
	queue []*answer // those that are finished, the oldest first
	held  int       // bytes that those in queue take, about
	most  int
	room  int // for bytes
	keep  time.Duration
	drops uint64 // that went before their time
}

// answer is what is known of a request with a key.
type answer struct {
	key   [16]byte
	busy  chan struct{} // closed when the request ends
	until time.Time     // that it is kept
	// Of the request's body: how far it was read when its lines were durable, and the
	// checksum of that, of which the first half is compared.
	bytes  uint64
	sum    [sha256.Size]byte
	answer *Answer // nil: it has failed
	gone   bool    // the log has lost its end since it began: it is not kept
}

func newAnswers(b Bounds) answers {
	return answers{known: map[[16]byte]*answer{}, most: b.Answers, room: b.AnswerBytes, keep: b.Repeat}
}

// size is about the memory that an answer takes.
func (a *answer) size() int {
	n := 300
	if a.answer != nil {
		for i := range a.answer.Rejected {
			n += 40 + len(a.answer.Rejected[i].Reason)
		}
	}
	return n
}

// begin begins a request with a key. While there is another one with it, it waits for its
// end. before is what is known of that one; nil: nothing. end has to be called.
func (a *answers) begin(ctx context.Context, key [16]byte) (now, before *answer, err error) {
	a.lock.Lock()
	defer a.lock.Unlock()
	for {
		a.forget(time.Now())
		before = a.known[key]
		if before == nil || before.busy == nil {
			break
		}
		busy := before.busy
		a.lock.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
		}
		a.lock.Lock()
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
	}
	now = &answer{key: key, busy: make(chan struct{})}
	if before != nil {
		now.bytes, now.sum, now.answer = before.bytes, before.sum, before.answer
	}
	a.known[key] = now
	return now, before, nil
}

// end ends a request: what it has of the answer is kept from now on.
func (a *answers) end(now *answer) {
	a.lock.Lock()
	defer a.lock.Unlock()
	close(now.busy)
	now.busy = nil
	if now.gone {
		return
	}
	now.until = time.Now().Add(a.keep)
	a.queue = append(a.queue, now)
	a.held += now.size()
	a.forget(time.Now())
}

// clear forgets all answers, also those of requests that are on their way: the log has lost its
// end, and what they say is there may be gone. What it still has it knows itself.
func (a *answers) clear() {
	a.lock.Lock()
	defer a.lock.Unlock()
	for _, x := range a.known {
		x.gone = true
	}
	clear(a.known)
	a.queue, a.held = nil, 0
}

// forget drops answers whose time is over, and the oldest where there are too many.
func (a *answers) forget(now time.Time) {
	for len(a.queue) > 0 && (len(a.queue) > a.most || a.held > a.room || !a.queue[0].until.After(now)) {
		old := a.queue[0]
		a.queue[0] = nil
		a.queue = a.queue[1:]
		a.held -= old.size()
		if a.known[old.key] != old {
			continue // a repetition has taken its place
		}
		delete(a.known, old.key)
		if old.until.After(now) {
			a.drops++
		}
	}
}

// counts returns how many answers are kept, and how many went before their time.
func (a *answers) counts() (kept, drops uint64) {
	a.lock.Lock()
	defer a.lock.Unlock()
	return uint64(len(a.known)), a.drops
}
