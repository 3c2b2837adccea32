package main

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"weir/bench"
	"weir/cep/stream"
)

const (
	// benchPending is how many messages of a client are published and not answered, and
	// benchFlying about how many bytes of them.
	benchPending = 4096
	benchFlying  = 4 << 20

	// benchEvent is about how many bytes an event has.
	benchEvent = 200

	// benchTimed is how many messages there are to one whose answer is timed.
	benchTimed = 256
)

// publish publishes messages, a number of which are under way at a time.
func (t *sender) publish(ctx context.Context, c *benchServeCommand, url string, number int, begin time.Time, sent *atomic.Uint64) error {
	cards := bench.NewCards(fmt.Sprintf("%c", 'a'+number%26)+strconv.Itoa(number)+"-", uint64(number)+1)
	var refused atomic.Uint64
	pending := min(benchPending, max(1, benchFlying/(benchEvent*c.Body)))
	p, err := stream.NewProducer(url, pending, func(error) { refused.Add(1) })
	if err != nil {
		return err
	}
	defer p.Close()
	times := make(chan time.Duration, benchPending)
	published, known := uint64(0), uint64(0)
	for ctx.Err() == nil {
		if c.Rate > 0 {
			due := begin.Add(time.Duration(float64(sent.Load()) / float64(c.Rate) * 1e9))
			if wait := time.Until(due); wait > 0 {
				time.Sleep(min(wait, 10*time.Millisecond))
				continue
			}
		}
		if n := refused.Load(); n > known { // as a 429 over HTTP
			known = n
			time.Sleep(100 * time.Millisecond)
		}
		lines, now := make([]byte, 0, 256*c.Body), time.Now()
		for range c.Body {
			lines = cards.AppendJSON(lines, now.UnixMilli())
		}
		var answered func()
		if published%benchTimed == 0 {
			answered = func() {
				select {
				case times <- time.Since(now):
				default:
				}
			}
		}
		if err := p.Publish("payment", lines, answered); err != nil {
			return err
		}
		published++
		sent.Add(uint64(c.Body))
	}
	if !p.Wait(time.Minute) {
		return fmt.Errorf("some of %d messages are not answered after a minute", published)
	}
	for len(times) > 0 {
		t.took = append(t.took, <-times)
	}
	t.refused = refused.Load()
	t.published = published
	sent.Add(-t.refused * uint64(c.Body))
	return nil
}
