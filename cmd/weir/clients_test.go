package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// crowd is some clients that post at the same time to a service that comes and goes. Each
// repeats a request until it is answered.
type crowd struct {
	t      *testing.T
	name   string        // begins the ids of its events
	within time.Duration // a message that was published has its answer, or is published again
	wait   sync.WaitGroup
	ended  chan struct{} // closed when no more requests are to be begun

	mu     sync.Mutex
	url    string          // of the service; empty: it is not there
	bytes  int             // that may be posted
	acked  map[string]bool // ids of events, by whether their request was answered; false: it was sent
	events int             // acked
	tried  map[int]int     // answers other than 200, by status

	port      string // URL for NATS clients; empty: there is none
	published int    // messages of NATS clients that were acked
}

// newCrowd lets n clients begin; what they do follows from seed.
func newCrowd(t *testing.T, n int, seed uint64) *crowd {
	c := &crowd{t: t, name: strconv.FormatUint(seed, 36), within: patience / 4, ended: make(chan struct{}), acked: map[string]bool{}, tried: map[int]int{}}
	for i := range n {
		c.wait.Go(func() { c.client(i, rand.New(rand.NewPCG(seed, uint64(i)))) })
	}
	t.Cleanup(func() {
		select {
		case <-c.ended:
		default:
			close(c.ended)
		}
		c.open("", 1<<40)
		c.wait.Wait()
	})
	return c
}

// open says where the service is now, and how many more bytes may be posted.
func (c *crowd) open(url string, bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.url, c.bytes = url, bytes
}

// close lets the clients finish what they have begun.
func (c *crowd) close() {
	close(c.ended)
	c.wait.Wait()
}

func (c *crowd) over() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

// client is one of the clients. It has cards of its own, and its events come a little out
// of order.
func (c *crowd) client(number int, r *rand.Rand) {
	for requests, event := 0, 0; !c.over(); requests++ {
		var text strings.Builder
		var ids []string
		for range 1 + r.IntN(60) {
			event++
			id := fmt.Sprintf("%s-%d-%d", c.name, number, event)
			at := time.Now()
			if r.IntN(8) == 0 {
				at = at.Add(-time.Duration(r.IntN(1500)) * time.Millisecond)
			}
			fmt.Fprintf(&text, `{"type":"pay","id":%q,"ts":%q,"card":"k%d-%d","n":%d}`+"\n", id, at.UTC().Format("2006-01-02T15:04:05.000Z"), number, r.IntN(6), r.IntN(10))
			ids = append(ids, id)
		}
		c.note(ids, false)
		if c.repeat(fmt.Sprintf("%s-%d-%d", c.name, number, requests), text.String(), len(ids)) {
			c.note(ids, true)
		}
		time.Sleep(time.Duration(r.IntN(10)) * time.Millisecond)
	}
}

func (c *crowd) note(ids []string, acked bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range ids {
		c.acked[id] = acked
	}
	if acked {
		c.events += len(ids)
	}
}

// repeat posts lines until they are taken; false: the service did not come back.
func (c *crowd) repeat(key, lines string, n int) bool {
	for begun := time.Now(); !c.over() || time.Since(begun) < patience; {
		url := c.may(len(lines))
		if url == "" {
			if c.over() {
				return false
			}
			time.Sleep(5 * time.Millisecond)
			continue
		}
		a, err := post(url, key, lines)
		switch {
		case err != nil:
		case a.status == http.StatusOK:
			if int(a.Accepted) != n {
				c.t.Errorf("of %d events %d were taken: %+v", n, a.Accepted, a.Answer)
			}
			return true
		case a.status == http.StatusServiceUnavailable, a.status == http.StatusInsufficientStorage, a.status == http.StatusTooManyRequests:
			c.mu.Lock()
			c.tried[a.status]++
			c.mu.Unlock()
		default:
			c.t.Errorf("a request was answered with %d %s", a.status, a.Problem.Detail)
			return false
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

// may says where to post so many bytes; empty: nowhere at the moment.
func (c *crowd) may(n int) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bytes < n {
		return ""
	}
	c.bytes -= n
	return c.url
}

// count is how many events were acked.
func (c *crowd) count() (acked int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.events
}

// ackedNow is a copy of the ids that are acked.
func (c *crowd) ackedNow() map[string]bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	ids := map[string]bool{}
	for id, acked := range c.acked {
		if acked {
			ids[id] = true
		}
	}
	return ids
}

// goesOn waits until so many events are acked.
func (c *crowd) goesOn(events int) {
	c.t.Helper()
	for begun := time.Now(); c.count() < events; time.Sleep(time.Millisecond) {
		if time.Since(begun) > patience {
			c.t.Errorf("%d events are acked after %v, expected %d; answers by status: %v", c.count(), patience, events, c.refusals())
			return
		}
	}
}

// refusals are the answers other than 200 so far, by status.
func (c *crowd) refusals() map[int]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := map[int]int{}
	for status, n := range c.tried {
		now[status] = n
	}
	return now
}
