package cep

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// arrivals are the events that a late one may still precede, in EagerOrder: rules may
// match them again.
type arrivals struct {
	top    stamp    // of the highest event
	events []*Event // in the order in which they came
	same   sameLines
	late   map[line]uint64 // how many equal lines came late
	latest int64           // the highest time of late, while it has any
	saves  arrivalSaves
}

// line is what equal lines of the same time have in common. As with sameLines two
// different ones may count as equal: that leaves a gap in numbers.
type line struct {
	time int64
	hash uint64
}

// number numbers an event among equal lines of its time. Those that come in order are
// counted as in WatermarkOrder; a late one looks for those that came in order before it.
func (a *arrivals) number(e *Event, late bool) uint64 {
	if !late {
		n := a.same.count(e)
		if len(a.late) > 0 && e.Time <= a.latest {
			n += a.late[line{e.Time, hashOf(e.Raw)}]
		}
		return n
	}
	if len(a.late) == 0 {
		a.late, a.latest = map[line]uint64{}, e.Time
	}
	a.latest = max(a.latest, e.Time)
	l := line{e.Time, hashOf(e.Raw)}
	a.late[l]++
	return a.late[l] + a.inOrder(e)
}

// inOrder is how many lines that equal that of e came in order. Events of its time did so
// one after the other, from the first that moved time to it.
func (a *arrivals) inOrder(e *Event) uint64 {
	i, _ := slices.BinarySearchFunc(a.events, e.Time, func(x *Event, t int64) int { return cmp.Compare(x.top, t) })
	n := uint64(0)
	for ; i < len(a.events) && a.events[i].top == e.Time; i++ {
		if x := a.events[i]; x.Time == e.Time && x.inOrder && x.Raw == e.Raw {
			n++
		}
	}
	return n
}

// add adds an event, which is numbered if rules can show it.
func (a *arrivals) add(e *Event, numbered bool) {
	if e.inOrder = a.top.origin == 0 || a.top.compare(e.stamp()) < 0; e.inOrder {
		a.top = e.stamp()
	}
	e.top = a.top.moment
	if e.ID == "" && numbered {
		e.nth = a.number(e, !e.inOrder)
	}
	a.events = append(a.events, e)
}

// before is the highest event among those of times before low; none if there are others,
// which are added again.
func (a *arrivals) before(low int64) stamp {
	if a.top.moment < low || len(a.events) == 0 {
		return a.top
	}
	return stamp{}
}

// recycle gives the memory of events that came before a time to free.
func (a *arrivals) recycle(low int64, free func(*Event)) {
	n := 0
	for ; n < len(a.events) && a.events[n].Time < low; n++ {
		e := a.events[n]
		if !e.inOrder && e.ID == "" {
			delete(a.late, line{e.Time, hashOf(e.Raw)})
		}
		free(e)
	}
	clear(a.events[:n])
	a.events = a.events[n:]
}

// arrive gives an event its place in the order of arrival. It is matched with others, or
// alone if it came late and does not join them.
func (g *Engine) arrive(e *Event, own bool, fx *Effects) {
	if !own {
		e = e.Clone()
	}
	a := &g.arrivals
	g.place++
	e.Place, e.origin, e.low = g.place, g.place, g.order.low
	e.nth = 1
	a.add(e, g.offered[e.Type+1])
	a.saves.stays(e)
	if !e.inOrder && !g.joins(e) {
		g.match(fx)
		g.released = append(g.released, e)
		g.late = e
		g.match(fx)
		g.late = nil
		return
	}
	if g.released = append(g.released, e); len(g.released) == 1 || e.Time < g.earliest {
		g.earliest = e.Time
	}
}

// advanceEager is advance: nothing waits to be matched but what has come in this batch.
func (g *Engine) advanceEager(halted bool, fx *Effects) {
	g.match(fx)
	if halted && g.order.started {
		g.order.low = g.order.now
		for _, l := range g.ledgers {
			l.past.rest()
		}
	}
	g.match(fx)
	if !halted || g.settled == nil {
		return
	}
	for len(g.order.held) > 0 { // of the time now, where a type orders events of equal time
		e := g.order.held.pop().event
		for _, l := range g.settled {
			l.fold(e, nil)
		}
	}
}

// addSettled lets ends of windows be found, if rules wait for them: in EagerOrder events
// are counted there once the watermark has passed them.
func (g *Engine) addSettled(n int) {
	if !slices.ContainsFunc(g.rs.Rules, func(r *Rule) bool { return r.WindowClose > 0 }) {
		return
	}
	c := newSettledScheme(g.rs)
	for i := range n {
		g.settled = append(g.settled, newLedger(c, g.lists, i, n))
	}
}

// observeEager is phase one: what comes after all others of its keys goes to the features as
// in WatermarkOrder, and a late event that does not to its place.
func (g *Engine) observeEager() {
	g.given = g.given[:0]
	for _, e := range g.released {
		g.given = append(g.given, change{by: e.origin, low: e.low, event: e})
	}
	if len(g.rs.Features) == 0 {
		return
	}
	if g.late == nil {
		g.observeMore()
	} else {
		g.scheme.lend(g.late)
		for _, l := range g.ledgers {
			g.insertLate(l)
		}
	}
	g.observed = 0
	g.letGo()
	g.settle()
}

func observeEagerShard(g *Engine, shard int) { g.ledgers[shard].observe(g.input, g.behind) }

// insertLate lets features count a late event. Rules of the keys whose later events see
// something else then have to look again.
func (g *Engine) insertLate(l *ledger) {
	e := g.late
	for _, x := range l.insert(e, g.order.now, g.behind) {
		if x.held {
			g.heldBack++
		}
		if x.after > 0 {
			names := g.scheme.spaces[x.space].key.Names
			g.given = append(g.given, change{by: e.origin, low: e.low, kind: Stirred, stir: &stirring{names, strings.Clone(x.text), e.stamp()}})
		}
	}
}

// settle ends the windows that end before the watermark, of the events before it.
func (g *Engine) settle() {
	if g.settled == nil {
		return
	}
	o := &g.order
	n := len(g.given)
	for _, e := range g.released {
		o.held.push(waiting{time: e.Time, seq: e.Seq, arrived: e.arrived, event: e, own: true})
		g.settleUp(e.origin, e.low)
	}
	g.settleUp(g.place, o.low)
	if len(g.given) > n {
		slices.SortStableFunc(g.given, func(a, b change) int { return a.compare(&b) })
	}
}

func (g *Engine) settleUp(by uint64, low int64) {
	o := &g.order
	ready := low
	if o.seq && low > math.MinInt64 {
		ready--
	}
	for len(o.held) > 0 && o.held[0].time <= ready {
		e := o.held.pop().event
		for _, l := range g.settled {
			l.fold(e, nil)
		}
	}
	for i, l := range g.settled {
		l.expire(low)
		for j := range l.ended {
			g.given = append(g.given, change{by: by, low: low, kind: Ended, event: l.ended[j].event(), ended: &endedOf{i, l.ended[j]}})
		}
		l.forget()
	}
}

// endedOf is a window of a shard that has ended.
type endedOf struct {
	shard int
	ended
}

// event stands for the end of a window among events.
func (x *ended) event() *Event {
	return &Event{Time: x.at, from: &step{layer: math.MaxInt, rule: x.rule, key: x.key}}
}

// climbsApart reports whether the layers have to go over each event before the next, as what
// time brings to one layer may change a risk that a layer above has looked at.
func climbsApart(rs *Ruleset) bool {
	timed := slices.ContainsFunc(rs.Rules, func(r *Rule) bool { return r.WindowClose > 0 || r.Program != nil && r.Program.ByTime() })
	return timed && slices.ContainsFunc(rs.Rules, func(r *Rule) bool { return r.Layer > 0 && len(r.Risks) > 0 })
}

// climbEager lets the layers go over the events that have arrived; closing says that all
// windows close at once then.
func (g *Engine) climbEager(closing bool) {
	rest := g.given
	for g.apart && !closing && len(rest) > 0 {
		n := 1
		for n < len(rest) && rest[n].by == rest[0].by {
			n++
		}
		g.feed = append(g.feed[:0], rest[:n]...)
		g.climbWith(rest[0].low, false)
		rest = rest[n:]
	}
	g.feed = append(g.feed[:0], rest...)
	g.climbWith(g.order.low, closing)
	g.behind = g.countedFrom(g.pinned(g.order.low))
	for _, l := range g.ledgers {
		l.trim(g.behind)
	}
}

// horizon is the time from which on keys are matched again for an event at or after low: as
// far as states of them lie apart.
func (g *Engine) horizon(low int64) int64 { return earlier(low, int64(g.options.Lateness)/saveSpan) }

// askedFrom is the time as of which such a key may still ask: its state is from before an
// event, and time may have brought something since that the watermark had not passed then.
func (g *Engine) askedFrom(low int64) int64 {
	return earlier(g.horizon(low), int64(g.options.Lateness))
}

// countedFrom is the time as of which features have to be known.
func (g *Engine) countedFrom(low int64) int64 {
	if g.asksOnTime {
		return g.askedFrom(low)
	}
	return g.horizon(low)
}

// climbWith lets the layers go over what g.feed says has changed.
func (g *Engine) climbWith(until int64, closing bool) {
	g.until = until
	for i := range g.layers {
		l := &g.layers[i]
		g.runs, g.input = l, g.released
		g.fork(runEagerShard)
		if closing {
			for i, s := range l.shards {
				if g.settled != nil {
					s.ended = g.settled[i].ended
				}
				s.closeEager(until)
			}
		}
		n := len(g.feed)
		for _, s := range l.shards {
			x := s.eager
			g.out = append(g.out, x.out...)
			g.feed = append(g.feed, x.changes...)
			g.came = append(g.came, x.decided...)
			clear(x.out)
			clear(x.changes)
			clear(x.decided)
			x.out, x.changes, x.decided = x.out[:0], x.changes[:0], x.decided[:0]
			x.netted = 0
		}
		if len(g.feed) > n {
			slices.SortStableFunc(g.feed, func(a, b change) int { return a.compare(&b) })
		}
	}
	back := g.askedFrom(g.pinned(until))
	settled := back
	if closing {
		settled = never
		g.forgetArrivals()
	}
	for _, r := range g.risks {
		r.settle(back, settled)
	}
	clear(g.feed)
}

// forgetArrivals forgets what has come, when all windows have closed: no event to come
// precedes it. Risks may still know the events, whose memory is not used again.
func (g *Engine) forgetArrivals() {
	g.arrivals.recycle(never, func(*Event) {})
	for _, l := range g.ledgers {
		l.forgetPast()
	}
}

// runEagerShard is phase two of a layer.
func runEagerShard(g *Engine, shard int) { g.runs.shards[shard].runEager(g.feed, g.until) }

// mergeEager puts what came out into one order.
func (g *Engine) mergeEager(fx *Effects) {
	slices.SortFunc(g.out, func(a, b outgoing) int { return a.compare(&b) })
	for i := range g.out {
		o := &g.out[i]
		g.stats.Rules[o.rule].turn(o.kind)
		if o.kind != o.alert.Kind {
			o.alert.Kind = o.kind
			if e := g.lateBy(o.by); e != nil {
				o.alert.Cause = &Cause{Type: e.Name, Name: e.name(), Place: e.origin}
			}
		}
		fx.Alerts = append(fx.Alerts, o.alert)
	}
	clear(g.out)
	g.out = g.out[:0]
	if len(g.released) > 0 { // else time moves on, behind all decisions
		slices.SortFunc(g.came, func(a, b coming) int { return cmp.Or(cmp.Compare(a.at.origin, b.at.origin), a.compare(&b)) })
		g.decide(fx)
	}
	clear(g.came)
	g.came = g.came[:0]
	g.released = g.released[:0]
	g.unpin()
	low := g.pinned(g.order.low)
	from := g.horizon(g.countedFrom(low)) // states of features lie apart, too
	g.lists.forget(from)
	g.arrivals.recycle(from, g.give)
}

// closeEager lets all that has an end run out, in the order of time. What has been matched
// is not matched again; what comes after low, the watermark, is matched as before.
func (s *shard) closeEager(low int64) {
	g := s.eager
	g.low, g.most = never, never
	for len(g.await) > 0 {
		s.confirm(g.await.pop().cell, never)
	}
	s.close()
	s.letOut()
	g.net()
	s.trim(never)
	g.low, g.most = low, low
}
