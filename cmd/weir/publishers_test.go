package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"weir/cep/stream"
)

// publishers lets n more clients of a crowd begin, which publish over NATS: one event or some
// in a message, each with an id under which it is repeated until it is acked.
func (c *crowd) publishers(n int, seed uint64) {
	for i := range n {
		c.wait.Go(func() { c.publisher(i, rand.New(rand.NewPCG(seed, uint64(1000+i)))) })
	}
}

// portURL is where producers connect to a service.
func (s *served) portURL(data string) string {
	s.t.Helper()
	url, err := natsURL(&settings{Data: data, NatsListen: s.nats}, stream.ProducerUser)
	must(s.t, err)
	return url
}

// openPort says where the port of the service is now; empty: nowhere.
func (c *crowd) openPort(url string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.port = url
}

// publishedNow is how many messages were acked.
func (c *crowd) publishedNow() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.published
}

// mayPublish says where to publish so many bytes; empty: nowhere at the moment.
func (c *crowd) mayPublish(n int) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bytes < n || c.port == "" {
		return ""
	}
	c.bytes -= n
	return c.port
}

// publisher is one of the clients.
func (c *crowd) publisher(number int, r *rand.Rand) {
	var to *stream.Producer
	url := ""
	defer func() {
		if to != nil {
			to.Close()
		}
	}()
	for message, event := 0, 0; !c.over(); message++ {
		var text strings.Builder
		var ids []string
		for range 1 + r.IntN(4) {
			event++
			id := fmt.Sprintf("%s-n%d-%d", c.name, number, event)
			kind := ""
			if r.IntN(2) == 0 {
				kind = `"type":"pay",`
			}
			fmt.Fprintf(&text, `{%s"id":%q,"ts":%q,"card":"n%d-%d","n":%d}`+"\n", kind, id, time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), number, r.IntN(6), r.IntN(10))
			ids = append(ids, id)
		}
		c.note(ids, false)
		for begun := time.Now(); !c.over() || time.Since(begun) < patience; time.Sleep(5 * time.Millisecond) {
			now := c.mayPublish(text.Len())
			if now == "" {
				if c.over() {
					return
				}
				continue
			}
			if now != url || to == nil {
				if to != nil {
					to.Close()
				}
				var err error
				if to, err = stream.NewProducer(now, 1, nil); err != nil {
					to = nil
					continue // the service has ended
				}
				url = now
			}
			if c.publishOne(to, fmt.Sprintf("%s-%d-%d", c.name, number, message), text.String()) {
				c.note(ids, true)
				break
			}
			to.Close()
			to = nil
		}
	}
}

// publishOne publishes a message and waits for its answer, which a service that dies does not
// give.
func (c *crowd) publishOne(to *stream.Producer, id, text string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), c.within)
	defer cancel()
	if err := to.PublishOne(ctx, "pay", id, []byte(text)); err != nil {
		return false
	}
	c.mu.Lock()
	c.published++
	c.mu.Unlock()
	return true
}
