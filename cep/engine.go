package cep

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"weir/nfa"
)

// Options are the settings of an Engine. They do not change what the rules mean,
// and Shards does not change what comes out.
type Options struct {
	Lateness time.Duration // how much older than the highest event time an event may be; not negative
	MaxAhead time.Duration // how far an event may be ahead of the highest event time; 0: any
	Shards   int           // goroutines that match; 0: one
	Trace    *Trace        // who is told what the Engine does; nil: nobody
}

// Engine folds records into alerts. It is made by NewEngine or Restore; one
// goroutine may use it at a time.
type Engine struct {
	rs      *Ruleset
	options Options
	plan    *plan
	decoder *Decoder
	order   order
	place   uint64 // of the last event released
	same    sameLines
	lists   *Lists
	shards  []*shard
	stats   Stats
	unseen  []FieldID // fields that no event has had

	batch    Batch    // of the record that is decoded
	spare    []*Event // memory for decoding
	used     []*Event // spare memory that released events take
	released []*Event // to be matched next, in processing order
	rows     []Value  // what they know of features
	came     []coming
}

// block is the number of released events that are matched at once: enough for the
// shards to be worth waking, few enough to stay in the cache.
const block = 2048

// inline is the number of events that one goroutine matches as fast as several.
const inline = 64

// NewEngine returns an Engine at the beginning of a log. It panics if an option is
// out of its range.
func NewEngine(rs *Ruleset, o Options) *Engine {
	if o.Lateness < 0 || o.MaxAhead < 0 || o.Shards < 0 {
		panic("cep: an option is negative")
	}
	g := &Engine{rs: rs, options: o, plan: newPlan(rs), decoder: NewDecoder(rs), lists: NewLists(rs)}
	g.order.lateness = int64(o.Lateness)
	for _, t := range rs.Types {
		g.order.seq = g.order.seq || t.Schema != nil && t.Schema.Seq != ""
	}
	n := max(o.Shards, 1)
	if o.Trace != nil {
		n = 1
	}
	for i := range n {
		g.shards = append(g.shards, newShard(g.plan, g.lists, i, n))
	}
	if o.Trace != nil {
		g.shards[0].trace = &follower{Trace: o.Trace}
	}
	g.stats.Types = make([]uint64, len(rs.Types))
	g.stats.Fields = make([]bool, len(rs.Fields))
	g.stats.Rules = make([]RuleStats, len(rs.Rules))
	g.stats.Features = make([]FeatureStats, len(rs.Features))
	for f := range rs.Fields {
		g.unseen = append(g.unseen, FieldID(f))
	}
	return g
}

// Step folds records, in order, and appends what they did to fx. The outcome does
// not depend on how records are cut into batches.
func (g *Engine) Step(records []Record, fx *Effects) {
	for _, r := range records {
		switch r.Kind {
		case EventsRecord:
			g.batch.Reset()
			g.decoder.Batch(&g.batch, r)
			g.accept(&g.batch, fx)
		case ClockRecord:
			g.order.moveTo(r.Time)
			g.advance(false, fx)
		case ListRecord:
			g.match(fx)
			g.change(r, fx)
		case HaltRecord:
			g.advance(true, fx)
		case EndRecord:
			g.advance(true, fx)
			g.close(fx)
		default:
			panic("cep: unknown RecordKind")
		}
	}
	g.match(fx)
}

// StepEvents folds events that are decoded already, as Step does after decoding.
// The engine sets their Place, and the Time of those whose time is their arrival;
// they belong to the caller again when it returns.
// What is late or rejected is named by its number among events, from 1.
func (g *Engine) StepEvents(events []Event, fx *Effects) {
	for i := range events {
		g.admit(&events[i], false, Record{Line: i + 1}, fx)
	}
	g.match(fx)
	g.keep()
}

// take returns memory for an event.
func (g *Engine) take() *Event {
	if n := len(g.spare); n > 0 {
		e := g.spare[n-1]
		g.spare = g.spare[:n-1]
		return e
	}
	return new(Event)
}

func (g *Engine) reject(line string, why *Reject, at Record, fx *Effects) {
	g.stats.Rejected++
	fx.Rejected = append(fx.Rejected, Rejected{Source: at.Source, Line: at.Line, Column: why.Column, Reason: why.Reason, Raw: line})
}

// admit takes in an event, if it is neither late nor to be rejected, and moves
// time on. own says that the memory of e is the engine's.
func (g *Engine) admit(e *Event, own bool, at Record, fx *Effects) bool {
	o := &g.order
	if why := g.clock(e); why != "" {
		g.reject(e.Raw, &Reject{Column: 1, Reason: why}, at, fx)
		return false
	}
	if o.started && e.Time < o.low {
		g.stats.Late++
		fx.Late = append(fx.Late, Late{Source: at.Source, Line: at.Line, Raw: e.Raw, Behind: elapsed(e.Time, o.low)})
		if g.options.Trace != nil {
			g.options.Trace.Tell(&Told{Kind: LateEvent, Event: e, Time: o.now, Behind: elapsed(e.Time, o.low), Source: at.Source, Line: at.Line})
		}
		return false
	}
	g.count(e)
	o.moveTo(e.Time)
	if len(o.held) == 0 && e.Time <= o.ready() {
		g.release(e, own)
	} else {
		o.arrived++
		o.held.push(waiting{time: e.Time, seq: e.Seq, arrived: o.arrived, event: e, own: own})
		g.drain()
	}
	if len(g.released) >= block {
		g.match(fx)
	}
	return true
}

// clock sets the time of an event that has none of its own, and says what is wrong
// with its time, or nothing.
func (g *Engine) clock(e *Event) string {
	o := &g.order
	if e.Type >= 0 {
		if s := g.rs.Types[e.Type].Schema; s != nil && s.Arrival {
			if !o.started {
				return fmt.Sprintf("the time of %s is its arrival, and no event with a time of its own has come yet that could tell it", e.Name)
			}
			e.Time = o.now
		}
	}
	ahead := int64(g.options.MaxAhead)
	if ahead > 0 && o.started && e.Time > later(o.now, ahead) {
		return fmt.Sprintf("the event's time %s is more than %s ahead of %s, the highest so far", FormatTime(e.Time), nfa.FormatDuration(g.options.MaxAhead), FormatTime(o.now))
	}
	return ""
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
	g.place++
	e.Place = g.place
	e.nth = 1
	if e.ID == "" && len(g.plan.offers[e.Type+1]) > 0 {
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
	if halted && g.order.started {
		g.order.low = g.order.now
	}
	g.drain()
	if halted {
		for len(g.order.held) > 0 { // of the time now, where a type orders events of equal time
			w := g.order.held.pop()
			g.release(w.event, w.own)
		}
	}
	g.match(fx)
}

// match gives the released events to the features, then to the rules, and merges what
// these bring. Each phase ends on all shards before the next begins, so that rules see
// features of any key as of each event.
func (g *Engine) match(fx *Effects) {
	if !g.order.started {
		return
	}
	if len(g.rs.Features) > 0 {
		g.prepare()
		g.fork((*shard).observe)
	}
	g.fork((*shard).run)
	g.recycle()
	g.merge(fx)
}

// fork lets the shards go through a phase and waits for all of them.
func (g *Engine) fork(phase func(s *shard, events []*Event, until int64)) {
	if len(g.shards) == 1 || len(g.released) < inline {
		for _, s := range g.shards {
			phase(s, g.released, g.order.low)
		}
		return
	}
	var wait sync.WaitGroup
	for _, s := range g.shards[1:] {
		wait.Go(func() { phase(s, g.released, g.order.low) })
	}
	phase(g.shards[0], g.released, g.order.low)
	wait.Wait()
}

// prepare gives each released event the row that its features are written to.
func (g *Engine) prepare() {
	types := g.plan.sights.types
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
			e.features = FeatureRow{}
		}
	}
	clear(g.released)
	g.released = g.released[:0]
	g.spare = append(g.spare, g.used...)
	clear(g.used)
	g.used = g.used[:0]
}

// merge puts the alerts of the shards into one order.
func (g *Engine) merge(fx *Effects) {
	for _, s := range g.shards {
		g.came = append(g.came, s.came...)
		clear(s.came)
		s.came = s.came[:0]
	}
	slices.SortFunc(g.came, func(a, b coming) int { return a.compare(&b) })
	for i := range g.came {
		fx.Alerts = append(fx.Alerts, g.came[i].alert)
	}
	clear(g.came)
	g.came = g.came[:0]
}

// close lets all windows and bounds run out at once. What has none stays open.
func (g *Engine) close(fx *Effects) {
	for _, s := range g.shards {
		s.close()
	}
	g.merge(fx)
}

// change makes the change of a list that a record asks for. All events released so far
// have been matched.
func (g *Engine) change(r Record, fx *Effects) {
	low := int64(math.MinInt64)
	if g.order.started {
		low = g.order.low
	}
	if err := g.lists.change(r.Change, low); err != nil {
		g.stats.Refused++
		fx.Refused = append(fx.Refused, Refused{Source: r.Source, Line: r.Line, Change: *r.Change, Reason: err.Error()})
	}
}

// Lists returns the lists as they stand.
func (g *Engine) Lists() *Lists { return g.lists }

// keep makes the events that still wait the engine's own.
func (g *Engine) keep() {
	held := g.order.held
	for i := range held {
		if !held[i].own {
			held[i].event, held[i].own = held[i].event.Clone(), true
		}
	}
}

// Stats returns what has been counted.
func (g *Engine) Stats() Stats {
	stats := g.stats
	stats.Types, stats.Fields = slices.Clone(stats.Types), slices.Clone(stats.Fields)
	stats.Rules, stats.Features = slices.Clone(stats.Rules), slices.Clone(stats.Features)
	for _, s := range g.shards {
		s.addTo(stats.Rules, stats.Features)
	}
	return stats
}

// Open returns by rule how many matches are open.
func (g *Engine) Open() []int {
	open := make([]int, len(g.rs.Rules))
	for _, s := range g.shards {
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
	for _, s := range g.shards {
		for i := range s.ledger.spaces {
			n += len(s.ledger.spaces[i].keys)
		}
	}
	return n
}

// FeatureBytes returns about how much memory, in bytes, the records of features take,
// those that are kept twice counted twice. It looks at every record.
func (g *Engine) FeatureBytes() int {
	n := 0
	for _, s := range g.shards {
		n += s.ledger.bytes() + s.judge.moments.ledger.bytes()
	}
	return n
}

// Keys returns how many keys rules hold anything of.
func (g *Engine) Keys() int {
	n := 0
	for _, s := range g.shards {
		for _, table := range s.tables {
			n += len(table)
		}
	}
	return n
}
