package cep

import "time"

// logClock is the clock of the log: the append times of its records. It lets event time
// move on while no events come.
//
// A tick moves now to where it would be, had it gone on with the log's clock from the last
// event accepted: to now as of that event, plus the append time passed since. So now keeps
// the distance from the log's clock that the stream had, however many ticks there are and
// whatever clock records did in between, and what comes as much behind its append time as
// before is not late.
type logClock struct {
	now  int64 // the highest append time so far, 0: none is known
	last int64 // append time of the last event accepted
	then int64 // event time now, as of that event
	live bool  // the time of that event was not far from its append time
}

const (
	liveWithin  = 5 * time.Minute // of the append time: the stream is live
	defaultIdle = time.Minute     // without an event accepted before ticks move time on
)

// see takes in the append time of a record and returns it made monotone, 0: unknown.
func (c *logClock) see(appended int64) int64 {
	if appended <= 0 {
		return 0
	}
	c.now = max(c.now, appended)
	return c.now
}

// accepted takes in an event of time t; now is the event time now, with it.
func (c *logClock) accepted(t, appended, now int64) {
	near := int64(liveWithin)
	c.live = appended > 0 && t >= earlier(appended, near) && t <= later(appended, near)
	c.last, c.then = appended, now
}

// passed returns to where event time has moved on, and false if it has not: the stream is
// not live, or an event has come less than idle ago.
func (c *logClock) passed(idle int64) (int64, bool) {
	since := c.now - c.last
	return later(c.then, since), c.live && since >= idle
}

// tick lets time move on by the append time that has passed since the last event.
func (g *Engine) tick(appended int64) {
	g.log.see(appended)
	idle := g.options.Idle
	if idle == 0 {
		idle = defaultIdle
	}
	if now, ok := g.log.passed(int64(idle)); ok {
		g.order.moveTo(now)
	}
}

// read reads the clock; now is event time.
func (c *logClock) read(r *reader, now int64) {
	c.now, c.last, c.then, c.live = r.Int(), r.Int(), r.Int(), r.Bool()
	if c.last < 0 || c.last > c.now || c.live && (c.last == 0 || c.then > now) {
		r.Fail()
	}
}

func (c *logClock) append(w *writer) {
	w.Int(c.now)
	w.Int(c.last)
	w.Int(c.then)
	w.Bool(c.live)
}
