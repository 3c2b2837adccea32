package stream

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// silentFor is for how long a server gives no answer to what only a server can answer that knows
// a leader, before another one is tried. One that is cut off from the others answers to pings, so
// that its connections do not end.
const silentFor = 8 * time.Second

// link is a connection to an external log that comes back by itself.
type link struct {
	conn   *nats.Conn
	silent time.Time // since then nothing is answered; zero: it is
}

// keep takes note of a connection.
func (f *far) keep(c *nats.Conn) {
	if !c.Opts.AllowReconnect {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.links = append(slices.DeleteFunc(f.links, func(l *link) bool { return l.conn.IsClosed() }), &link{conn: c})
}

// probe looks again and again whether each connection leads to a server that works, until the
// host ends.
func (f *far) probe() {
	for {
		select {
		case <-f.host.broken:
			return
		case <-time.After(tryFor):
		}
		f.mu.Lock()
		links := slices.Clone(f.links)
		f.mu.Unlock()
		var asking sync.WaitGroup
		for _, l := range links {
			asking.Go(func() { f.check(l) })
		}
		asking.Wait()
	}
}

// check looks whether one of them does.
func (f *far) check(l *link) {
	switch now := time.Now(); {
	case !l.conn.IsConnected() || answers(l.conn):
		l.silent = time.Time{}
	case l.silent.IsZero():
		l.silent = now
	case now.Sub(l.silent) > silentFor:
		l.silent = now
		f.move(l.conn)
	}
}

// answers says whether a server knows of the stream, or that there is none.
func answers(c *nats.Conn) bool {
	ctx, cancel := context.WithTimeout(context.Background(), tryFor)
	defer cancel()
	m, err := c.RequestWithContext(ctx, "$JS.API.STREAM.INFO."+streamName, nil)
	if err != nil {
		return false
	}
	var a answer
	return json.Unmarshal(m.Data, &a) == nil && (a.Error == nil || a.Error.Code != codeTemporarily)
}

// leave moves what is connected to the server that records are sent to, and that does not answer
// for them.
func (f *far) leave() {
	f.host.mu.Lock()
	writes := f.host.writes
	f.host.mu.Unlock()
	if writes == nil || !writes.IsConnected() {
		return
	}
	server := writes.ConnectedUrl()
	f.mu.Lock()
	links := slices.Clone(f.links)
	f.mu.Unlock()
	for _, l := range links {
		if l.conn.IsConnected() && l.conn.ConnectedUrl() == server {
			f.move(l.conn)
		}
	}
}

// move connects to another server, where there is one.
func (f *far) move(c *nats.Conn) {
	f.log.Warn("a server of the log does not answer: others of them are tried", "server", c.ConnectedUrlRedacted())
	_ = c.ForceReconnect() // which fails if it is closed
}
