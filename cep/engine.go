package cep

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"weir/cep/list"
	"weir/nfa"
)

// Order says when events are matched.
type Order uint8

const (
	WatermarkOrder Order = iota // in the order of time, once no earlier one can come
	EagerOrder                  // when they arrive; what a late one changes is repaired
)

// Options are the settings of an Engine. They do not change what the rules mean,
// and Shards does not change what comes out.
type Options struct {
	Order    Order
	Lateness time.Duration // how much older than the highest event time an event may be; not negative
	MaxAhead time.Duration // how far an event may be ahead of the append time of its record, or where that is unknown of the highest event time; 0: any
	Idle     time.Duration // how long no event must have come before a TickRecord moves time on; 0: 1 min
	Shards   int           // goroutines that match; 0: one
	Trace    *Trace        // who is told what the Engine does; nil: nobody. Only of WatermarkOrder

	// NearMisses counts what becomes of open matches, with examples of those that ran
	// out: Engine.NearMisses. The counts are part of the state.
	NearMisses bool

	// Freezes lets the Engine note what changes, for Freeze.
	Freezes bool

	// Budget is the number of bytes that the state may take by Weir's own estimate; 0: any.
	// See The budget of the state in the documentation of the package. With NearMisses the
	// estimate may be lower, as open matches that nobody looks at go sooner.
	Budget int64

	// Saved says, of Restore, that the state was put together of entries to which those of
	// the next freeze can be added. Else that freeze saves all of the state.
	Saved bool

	// Drop lets Restore read a state that was made with other programs: rules that have another
	// one begin anew.
	Drop bool
}

// Engine folds records into alerts. It is made by NewEngine or Restore; one
// goroutine may use it at a time.
type Engine struct {
	rs      *Ruleset
	options Options
	decoder *Decoder
	order   order
	log     logClock
	ids     duplicates
	place   uint64 // of the last event released
	same    sameLines
	lists   *Lists
	scheme  *scheme
	ledgers []*ledger // features; one for each shard
	risks   []*risks  // one for each shard
	layers  []layer
	offered []bool // TypeID+1: some rule is on the type
	stats   Stats
	unseen  []FieldID // fields that no event has had

	batch    Batch     // of the record that is decoded
	spare    []*Event  // memory for decoding
	room     room      // for more of it
	used     []*Event  // spare memory that released events take
	released []*Event  // to be matched next, in processing order
	block    int       // so many at most
	rows     []Value   // what they know of features
	shown    [][]shown // what rules show of them
	input    []*Event  // of the phase that shards go through
	runs     *layer    // in phase two
	caught   caught    // from shards in a phase
	came     []coming
	scope    Scope // of derived fields

	arrivals   arrivals  // EagerOrder
	late       *Event    // that is matched alone
	joinable   bool      // late events may be matched with others
	observed   int       // of released: features have counted them
	earliest   int64     // the time of the earliest of released
	key        keyReader // of a late event
	settled    []*ledger // those of windows whose end rules wait for, one for each shard
	behind     int64     // the watermark up to which all has been matched
	applied    uint64    // Repairs.Applied of before the engine was restored
	heldBack   uint64    // and Repairs.HeldBack
	given      []change  // to what the layers go over
	feed       []change  // to what the layer that is next goes over,
	until      int64     // up to a watermark
	apart      bool      // the layers go over each event before the next
	asksOnTime bool      // matches that time brings look at features
	out        []outgoing

	changed  []*epoch // Options.Freezes: of the shards
	sections sections
	frozen   *Frozen
	full     bool // the next freeze is of all of the state
	pin      pin
	waits    heldSaves
	passings []passing // of freezes, by time
	shaped   []byte    // shape
	programs []uint64  // of each rule, as a state has them; nil: they were not asked for
	dropped  []*int    // by rule, see reader.programs
	budget   *budget
	lanes    lanes
}

// block is the number of released events that are matched at once: enough for the
// shards to be worth waking, few enough to stay in the cache.
const block = 2048

// eagerBlock is block in EagerOrder, for each shard: what is kept of the keys of a block until
// all rules have seen it takes far more than its events.
const eagerBlock = 256

// inline is the number of events that one goroutine matches as fast as several.
const inline = 64

// NewEngine returns an Engine at the beginning of a log. It panics if an option is
// out of its range.
func NewEngine(rs *Ruleset, o Options) *Engine {
	if o.Lateness < 0 || o.MaxAhead < 0 || o.Idle < 0 || o.Shards < 0 || o.Budget < 0 {
		panic("cep: an option is negative")
	}
	if o.Trace != nil && o.Order == EagerOrder {
		panic("cep: a Trace is told of WatermarkOrder only")
	}
	g := &Engine{rs: rs, options: o, decoder: NewDecoder(rs), lists: NewLists(rs), block: block}
	g.order.lateness = int64(o.Lateness)
	for _, t := range rs.Types {
		g.order.seq = g.order.seq || t.Schema != nil && t.Schema.Seq != ""
	}
	n := max(o.Shards, 1)
	if o.Trace != nil {
		n = 1
	}
	if o.Order == EagerOrder {
		g.scheme = newEagerScheme(rs)
	} else {
		g.scheme = newScheme(rs, func(int) bool { return true }, true)
	}
	for i := range n {
		g.ledgers = append(g.ledgers, newLedger(g.scheme, g.lists, i, n))
		g.ledgers[i].traced = o.Trace != nil
		if o.Order == EagerOrder {
			g.ledgers[i].keepPast(int64(o.Lateness))
		}
		g.risks = append(g.risks, newRisks(rs))
	}
	g.behind = math.MinInt64
	if o.Order == EagerOrder {
		g.block = min(eagerBlock*n, block)
		g.addSettled(n)
		g.apart = climbsApart(rs)
	}
	g.offered = make([]bool, len(rs.Types)+1)
	all := heralds(rs)
	for i := range layers(rs) {
		p := newPlan(g.scheme, all, i, o.Order == EagerOrder)
		g.asksOnTime = g.asksOnTime || slices.ContainsFunc(p.onTime, func(reads []ReadID) bool { return len(reads) > 0 })
		g.addLayer(p)
	}
	for _, r := range rs.Rules {
		g.offerAsleep(r)
	}
	g.joinable = joinsLate(rs, g.asksOnTime)
	for t := range g.offered {
		g.offered[t] = g.offered[t] || g.scheme.proves(TypeID(t-1))
	}
	g.scope.Lists = g.lists
	g.stats.Types = make([]uint64, len(rs.Types))
	g.stats.Fields = make([]bool, len(rs.Fields))
	g.stats.Rules = make([]RuleStats, len(rs.Rules))
	g.stats.Features = make([]FeatureStats, len(rs.Features))
	for f := range rs.Fields {
		g.unseen = append(g.unseen, FieldID(f))
	}
	g.enlistBudget()
	g.enlist()
	return g
}

// eager says that events are matched when they arrive.
func (g *Engine) eager() bool { return g.options.Order == EagerOrder }

// addLayer adds the layer of a plan above the others.
func (g *Engine) addLayer(p *plan) {
	l := layer{plan: p}
	for i := range g.ledgers {
		l.shards = append(l.shards, newShard(p, g.lists, g.risks[i], i, len(g.ledgers)))
		if g.options.NearMisses {
			l.shards[i].near = newNearMisses(p)
		}
	}
	if g.options.Trace != nil {
		l.shards[0].trace = &follower{Trace: g.options.Trace}
	}
	for t := range p.offers {
		g.offered[t] = g.offered[t] || len(p.offers[t]) > 0
	}
	if g.eager() {
		for i, s := range l.shards {
			s.eager = newEager(int64(g.options.Lateness), len(p.spaces))
			s.judge.moments.past = g.ledgers[i]
		}
	}
	g.layers = append(g.layers, l)
}

// Step folds records, in order, and appends what they did to fx. The outcome does
// not depend on how records are cut into batches.
func (g *Engine) Step(records []Record, fx *Effects) {
	for _, r := range records {
		switch r.Kind {
		case EventsRecord:
			g.accept(g.decoded(&r), fx)
		case ClockRecord:
			g.catchUp(fx)
			g.log.see(r.Appended)
			g.order.moveTo(r.Time)
			g.advance(false, fx)
		case TickRecord:
			g.catchUp(fx)
			g.tick(r.Appended)
			g.advance(false, fx)
		case ListRecord:
			g.log.see(r.Appended)
			g.match(fx)
			g.change(&r, fx)
		case HaltRecord:
			g.advance(true, fx)
		case EndRecord:
			g.advance(true, fx)
			g.close(fx)
		default:
			panic("cep: unknown RecordKind")
		}
		if r.Audit != nil {
			fx.Audited = append(fx.Audited, *r.Audit)
		}
	}
	g.match(fx)
}

// catchUp matches what has arrived in EagerOrder, before time moves on without an event.
func (g *Engine) catchUp(fx *Effects) {
	if g.eager() {
		g.match(fx)
	}
}

// StepEvents folds events that are decoded already, as Step does after decoding.
// The engine sets their Place, and the Time of those whose time is their arrival;
// they belong to the caller again when it returns.
// What is late or rejected is named by its number among events, from 1.
func (g *Engine) StepEvents(events []Event, fx *Effects) {
	for i := range events {
		g.admit(&events[i], false, markOf(&events[i]), Record{Line: i + 1}, fx)
	}
	g.match(fx)
	g.keep()
}

// mostEvents is the number of events whose memory is kept for others: what there was more of
// at some time is left to the garbage collector.
const mostEvents = 2 * block

// give takes back the memory of an event, but not its texts.
func (g *Engine) give(e *Event) {
	if len(g.spare) < mostEvents {
		e.Raw, e.Name, e.ID = "", "", ""
		clear(e.row)
		clear(e.features.values)
		clear(e.shown)
		g.spare = append(g.spare, e)
	}
}

// take returns memory for an event.
func (g *Engine) take() *Event {
	if n := len(g.spare); n > 0 {
		e := g.spare[n-1]
		g.spare = g.spare[:n-1]
		return e
	}
	return g.room.event()
}

func (g *Engine) reject(line string, why *Reject, at Record, fx *Effects) {
	g.stats.Rejected++
	fx.Rejected = append(fx.Rejected, Rejected{Source: at.Source, Line: at.Line, Column: why.Column, Reason: why.Reason, Raw: line, Sent: at.sent})
}

// admit takes in an event, if it is neither late nor to be rejected nor known by its id,
// and moves time on. own says that the memory of e is the engine's; id is the mark of one with
// an id. at says where the event stands, and its append time, made monotone. Only ids of events that are taken in are
// remembered: what does not count hides nothing.
func (g *Engine) admit(e *Event, own bool, id mark, at Record, fx *Effects) bool {
	o := &g.order
	if why := g.clock(e, at.Appended); why != "" {
		g.reject(e.Raw, &Reject{Column: 1, Reason: why}, at, fx)
		return false
	}
	if e.ID != "" && g.repeats(e, id, at, fx) {
		return false
	}
	if o.started && e.Time < o.low {
		g.stats.Late++
		g.stats.LateBy.count(elapsed(e.Time, o.now))
		fx.Late = append(fx.Late, Late{Source: at.Source, Line: at.Line, Raw: e.Raw, Behind: elapsed(e.Time, o.low), Sent: at.sent})
		if g.options.Trace != nil {
			g.options.Trace.Tell(&Told{Kind: LateEvent, Event: e, Time: o.now, Behind: elapsed(e.Time, o.low), Source: at.Source, Line: at.Line})
		}
		return false
	}
	o.arrived++
	e.arrived = o.arrived
	g.derive(e)
	g.count(e)
	if e.ID != "" {
		g.remember(e, id)
	}
	if o.started && e.Time < o.now {
		g.stats.OutOfOrder.count(elapsed(e.Time, o.now))
	}
	if g.eager() {
		g.cut(e.Time, fx)
	}
	o.moveTo(e.Time)
	g.log.accepted(e.Time, at.Appended, o.now)
	if g.eager() {
		g.arrive(e, own, fx)
	} else if len(o.held) == 0 && e.Time <= o.ready() {
		g.release(e, own)
	} else {
		o.held.push(waiting{time: e.Time, seq: e.Seq, arrived: e.arrived, event: e, own: own})
		g.waits.hold(e)
		g.drain()
	}
	if due := o.arrived >= g.budget.due; due || len(g.released) >= g.block {
		if g.match(fx); due {
			g.keepBudget()
		}
	}
	return true
}

// clock sets the time of an event that has none of its own, and says what is wrong
// with its time, or nothing. appended is its append time, 0: unknown.
func (g *Engine) clock(e *Event, appended int64) string {
	o := &g.order
	if e.Type >= 0 {
		if s := g.rs.Types[e.Type].Schema; s != nil && s.Arrival {
			switch {
			case appended > 0:
				e.Time = max(appended, o.low) // an event that has just arrived is not late
			case !o.started:
				return fmt.Sprintf("the time of %s is its arrival, and no event with a time of its own has come yet that could tell it", e.Name)
			default:
				e.Time = o.now
			}
			return ""
		}
	}
	ahead := int64(g.options.MaxAhead)
	switch {
	case ahead == 0:
	case appended > 0:
		if e.Time > later(appended, ahead) {
			return fmt.Sprintf("the event's time %s is more than %s ahead of %s, when it was appended to the log", FormatTime(e.Time), nfa.FormatDuration(g.options.MaxAhead), FormatTime(appended))
		}
	case o.started && e.Time > later(o.now, ahead):
		return fmt.Sprintf("the event's time %s is more than %s ahead of %s, the highest so far", FormatTime(e.Time), nfa.FormatDuration(g.options.MaxAhead), FormatTime(o.now))
	}
	return ""
}

// derive works out the derived fields of an event.
func (g *Engine) derive(e *Event) {
	if e.Type < 0 {
		return
	}
	for _, d := range g.rs.Types[e.Type].Derived {
		g.scope.Event = e
		v := d.Eval(&g.scope)
		v.at = 0 // whatever it was made of
		*e.Field(d.Field) = v
	}
	g.scope.Event = nil
}

// count counts an accepted event, and the fields that it is the first to have.
func (g *Engine) count(e *Event) {
	g.stats.Events++
	if e.Type < 0 {
		g.stats.Other++
	} else {
		g.stats.Types[e.Type]++
	}
	for i := 0; i < len(g.unseen); {
		f := g.unseen[i]
		if e.Field(f).Kind == Nil {
			i++
			continue
		}
		g.stats.Fields[f] = true
		g.unseen = slices.Delete(g.unseen, i, i+1)
	}
}

// drain releases the events that no event to come can precede.
func (g *Engine) drain() {
	o := &g.order
	for ready := o.ready(); len(o.held) > 0 && o.held[0].time <= ready; {
		w := o.held.pop()
		g.release(w.event, w.own)
	}
}

// release gives an event its place in processing order.
func (g *Engine) release(e *Event, own bool) {
	g.waits.release(e, len(g.rs.Fields))
	g.place++
	e.Place, e.origin = g.place, g.place
	e.nth = 1
	if e.ID == "" && g.offered[e.Type+1] {
		e.nth = g.same.count(e)
	}
	g.released = append(g.released, e)
	if own {
		g.used = append(g.used, e)
	}
}

// advance releases what waits and moves time on; halted says that nothing earlier
// than now comes any more.
func (g *Engine) advance(halted bool, fx *Effects) {
	if g.eager() {
		g.advanceEager(halted, fx)
		return
	}
	if halted && g.order.started {
		g.order.low = g.order.now
	}
	g.drain()
	if halted {
		for len(g.order.held) > 0 { // of the time now, where a type orders events of equal time
			w := g.order.held.pop()
			g.waits.forget(w.event)
			g.release(w.event, w.own)
		}
	}
	g.match(fx)
}

// match gives the released events to the features, then to the rules, one layer after
// the other, and merges what these bring. Each phase and layer ends on all shards before
// the next begins, so that rules see features of any key as of each event.
func (g *Engine) match(fx *Effects) {
	if !g.order.started {
		return
	}
	if g.eager() {
		g.observeEager()
		g.climbEager(false)
		g.mergeEager(fx)
		return
	}
	if len(g.rs.Features) > 0 {
		g.prepare()
		g.lend()
		g.input = g.released
		g.fork(observeShard)
	}
	g.climb(false)
	g.merge(fx)
	g.recycle()
	g.lists.forget(g.order.low)
}

// climb lets the layers go over the released events; closing says that all windows close
// at once then.
func (g *Engine) climb(closing bool) {
	g.input = g.released
	var below []coming // what the layer below brought, in its order
	for i := range g.layers {
		l := &g.layers[i]
		if i > 0 {
			slices.SortFunc(below, func(a, b coming) int { return a.compareWithin(&b) })
			g.input = l.gather(g.input, below)
		}
		g.runs = l
		for i, s := range l.shards {
			s.ended = g.ledgers[i].ended
		}
		g.fork(runShard)
		first := len(g.came)
		for _, s := range l.shards {
			if closing {
				s.close()
			}
			g.came = append(g.came, s.came...)
			clear(s.came)
			s.came = s.came[:0]
		}
		below = g.came[first:]
	}
	for _, r := range g.risks {
		r.settle(g.order.low, never)
	}
	for _, l := range g.ledgers {
		l.forget()
	}
}

// fork lets the shards go through a phase over the input and waits for all of them.
func (g *Engine) fork(phase func(g *Engine, shard int)) {
	if len(g.ledgers) == 1 || len(g.input) < inline {
		for i := range g.ledgers {
			phase(g, i)
		}
		return
	}
	var wait sync.WaitGroup
	for i := range g.ledgers[1:] {
		wait.Go(func() {
			defer g.caught.recover()
			phase(g, i+1)
		})
	}
	func() {
		defer g.caught.recover()
		phase(g, 0)
	}()
	wait.Wait()
	g.caught.raise()
}

// observeShard is phase one.
func observeShard(g *Engine, shard int) { g.ledgers[shard].observe(g.input, g.order.low) }

// runShard is phase two of a layer.
func runShard(g *Engine, shard int) { g.runs.shards[shard].run(g.input, g.order.low) }

// prepare gives each released event the row that its features are written to.
func (g *Engine) prepare() {
	types := g.scheme.types
	n := 0
	for _, e := range g.released {
		n += types[e.Type+1].size
	}
	if n > len(g.rows) {
		g.rows = make([]Value, max(n, 2*len(g.rows)))
	}
	rest := g.rows
	for _, e := range g.released {
		t := &types[e.Type+1]
		e.features = FeatureRow{&t.layout, rest[:t.size:t.size]}
		rest = rest[t.size:]
	}
}

// recycle takes back the memory of the events that have been matched.
func (g *Engine) recycle() {
	if len(g.rs.Features) > 0 {
		for _, e := range g.released {
			e.features, e.shown = FeatureRow{}, nil
		}
	}
	clear(g.released)
	g.released = g.released[:0]
	g.spare = append(g.spare, g.used...)
	clear(g.used)
	g.used = g.used[:0]
}

// merge puts what the shards brought into one order.
func (g *Engine) merge(fx *Effects) {
	slices.SortFunc(g.came, func(a, b coming) int { return a.compare(&b) })
	for i := range g.came {
		if c := &g.came[i]; !c.silent {
			fx.Alerts = append(fx.Alerts, c.alert)
		}
	}
	g.decide(fx)
	clear(g.came)
	g.came = g.came[:0]
}

// close lets all windows and bounds run out at once. What has none stays open.
func (g *Engine) close(fx *Effects) {
	g.closing(true, g.order.now)
	defer g.closing(false, never)
	for _, l := range g.ledgers {
		l.endAll()
	}
	for _, l := range g.settled {
		l.endAll()
	}
	if g.eager() {
		g.given = g.given[:0]
		g.climbEager(true)
		g.mergeEager(fx)
		for _, l := range g.settled {
			l.forget()
		}
		return
	}
	g.climb(true)
	g.merge(fx)
}

// closing tells the shards whether all windows close at once: what runs out after a time
// then does so because the input has ended.
func (g *Engine) closing(on bool, after int64) {
	for s := range g.shards {
		s.judge.moments.closing = on
		if s.near != nil {
			s.near.input = after
		}
	}
}

// change makes the change of a list that a record asks for. All events released so far
// have been matched.
func (g *Engine) change(r *Record, fx *Effects) {
	low := int64(math.MinInt64)
	if g.order.started {
		low = g.order.low
	}
	before := g.eager() || len(g.order.held) > 0
	at := list.Stamp{After: g.order.arrived, Time: g.order.now}
	from := low
	if g.eager() && g.order.started {
		from = g.horizon(g.countedFrom(low))
	}
	if r.Audit != nil {
		r.Audit.Before = g.lists.was(r.Change)
	}
	if err := g.lists.change(r.Change, from, low, before && g.order.arrived > 0, at); err != nil {
		g.stats.Refused++
		fx.Refused = append(fx.Refused, Refused{Source: r.Source, Line: r.Line, Change: *r.Change, Reason: err.Error()})
		if r.Audit != nil {
			r.Audit.Refused = err.Error()
		}
	}
}

// Lists returns the lists as they stand.
func (g *Engine) Lists() *Lists { return g.lists }

// keep makes the events that still wait the engine's own.
func (g *Engine) keep() {
	held := g.order.held
	for i := range held {
		if !held[i].own {
			e := held[i].event
			held[i].event, held[i].own = e.Clone(), true
			g.waits.move(e, held[i].event)
		}
	}
}

// Stats returns what has been counted.
func (g *Engine) Stats() Stats {
	stats := g.stats
	stats.Types, stats.Fields = slices.Clone(stats.Types), slices.Clone(stats.Fields)
	stats.Rules, stats.Features = slices.Clone(stats.Rules), slices.Clone(stats.Features)
	for _, l := range g.ledgers {
		for i := range stats.Features {
			stats.Features[i].add(&l.stats[i])
		}
	}
	for s := range g.shards {
		s.addTo(stats.Rules)
	}
	for i, r := range g.rs.Rules {
		if r.WindowClose > 0 { // not all of its events are offered to it
			stats.Rules[i].NoKey = stats.Features[r.WindowClose-1].NoKey
		}
	}
	stats.Repairs = g.repairs(stats.Rules)
	stats.State = g.budget.stateStats()
	return stats
}

// Open returns by rule how many matches are open.
func (g *Engine) Open() []int {
	open := make([]int, len(g.rs.Rules))
	for s := range g.shards {
		for _, table := range s.tables {
			for _, ks := range table {
				for i := range ks.rules {
					open[ks.rules[i].rule] += ks.rules[i].runs.Open()
				}
			}
		}
	}
	return open
}

// FeatureKeys returns how many records features keep: one for each key of each way in
// which features read their keys.
func (g *Engine) FeatureKeys() int {
	n := 0
	for _, l := range g.ledgers {
		for i := range l.spaces {
			n += l.spaces[i].n
		}
	}
	return n
}

// FeatureBytes returns about how much memory, in bytes, the records of features take,
// those that are kept twice counted twice. It looks at every record.
func (g *Engine) FeatureBytes() int {
	n := 0
	for _, l := range g.ledgers {
		n += l.bytes()
	}
	for s := range g.shards {
		n += s.judge.moments.ledger.bytes()
	}
	return n
}

// shards yields the shards of all layers.
func (g *Engine) shards(yield func(*shard) bool) {
	for i := range g.layers {
		for _, s := range g.layers[i].shards {
			if !yield(s) {
				return
			}
		}
	}
}

// Keys returns how many keys rules hold anything of.
func (g *Engine) Keys() int {
	n := 0
	for s := range g.shards {
		for _, table := range s.tables {
			n += len(table)
		}
	}
	return n
}
