package rules

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"weir/cep"
)

// lateFault is a law that a case breaks, and how.
type lateFault struct{ law, how string }

func faultf(law, format string, args ...any) *lateFault {
	return &lateFault{law, fmt.Sprintf(format, args...)}
}

// check compares the orders. sorted is what the stream in the order of time gives; deep
// asks for what is dear too. The random numbers of the dear part come from r.
func (c *lateCase) check(sorted *cep.Effects, r *rand.Rand, deep bool) *lateFault {
	records := c.records()
	want := plainAlerts(sorted.Alerts)
	mark := follow(c.set, c.options(cep.WatermarkOrder), records, c.end)
	if len(mark.fx.Late) != len(c.tooLate()) || len(mark.fx.Rejected) > 0 {
		return faultf("watermark: what is too late is not matched", "late %v, want %s; rejected %v", mark.fx.Late, c.tooLate(), mark.fx.Rejected)
	}
	if got := plainAlerts(mark.fx.Alerts); c.total && !slices.Equal(got, want) || !sameSet(got, want) {
		return faultf("watermark: the alerts of the sorted stream", "%s(in order: %t)\n", differences(got, want), c.total)
	}
	if *lateMark {
		if deep {
			return c.again(r, cep.WatermarkOrder, records, mark)
		}
		return nil
	}
	eager := follow(c.set, c.options(cep.EagerOrder), records, c.end)
	if !slices.Equal(eager.fx.Late, mark.fx.Late) || len(eager.fx.Rejected) > 0 {
		return faultf("eager: what is too late is not matched", "late %v, want %s; rejected %v", eager.fx.Late, c.tooLate(), eager.fx.Rejected)
	}
	live, fault := c.lives(eager, records)
	if fault != nil {
		return fault
	}
	if !sameSet(live, want) {
		return faultf("eager: live alerts are those of the sorted stream", "%s", differences(live, want))
	}
	if fault := c.timed(eager, mark); fault != nil {
		return fault
	}
	if c.inOrder() {
		if fault := c.quiet(eager, records); fault != nil {
			return fault
		}
	}
	if deep || r.IntN(4) == 0 {
		if fault := c.misses(r, records, eager); fault != nil {
			return fault
		}
	}
	if !deep {
		return nil
	}
	if fault := c.prefix(r, records); fault != nil {
		return fault
	}
	if fault := c.again(r, cep.WatermarkOrder, records, mark); fault != nil {
		return fault
	}
	if fault := c.again(r, cep.EagerOrder, records, eager); fault != nil {
		return fault
	}
	if fault := c.freezes(r, cep.WatermarkOrder, records, mark); fault != nil {
		return fault
	}
	if fault := c.freezes(r, cep.EagerOrder, records, eager); fault != nil {
		return fault
	}
	return c.tight(r, records, mark, eager)
}

func sameSet(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	return slices.Equal(a, b) || slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// lifeOf is what has come of the alerts of one id.
type lifeOf struct {
	last  *cep.Alert
	first cep.AlertKind
	live  bool
}

// lives follows each alert through its versions and gives those that are live in the end.
func (c *lateCase) lives(w *course, records []cep.Record) ([]string, *lateFault) {
	lives := map[string]*lifeOf{}
	var order []string
	strict := !slices.ContainsFunc(c.set.rules, func(x lateRule) bool { return x.held })
	low, now := int64(math.MinInt64), int64(math.MinInt64)
	at := 0
	for i, upTo := range w.upTo {
		if i < len(records) {
			if t := c.timeOf(i, records); t > now {
				now = t
			}
		} else {
			now = math.MaxInt64
		}
		nextLow := int64(math.MaxInt64)
		if i < len(records) {
			nextLow = now - c.lateness*msec
		}
		for ; at < upTo; at++ {
			a := &w.fx.Alerts[at]
			name := fmt.Sprintf("alert %d of record %d, %s", at, i+1, cep.AppendJSON(nil, a))
			life := lives[a.ID]
			if life == nil {
				life = &lifeOf{first: a.Kind}
				lives[a.ID] = life
				order = append(order, a.ID)
				if a.Version != 1 || a.Kind != cep.MatchAlert && a.Kind != cep.TimeoutAlert {
					return nil, faultf("eager: an alert begins as new, with version 1", "%s", name)
				}
			} else {
				switch {
				case a.Version != life.last.Version+1:
					return nil, faultf("eager: versions rise by one", "%s after version %d", name, life.last.Version)
				case life.live && a.Kind != cep.RetractedAlert || !life.live && a.Kind != cep.RestoredAlert:
					return nil, faultf("eager: kinds alternate", "%s after %s", name, life.last.Kind)
				case a.Rule != life.last.Rule || a.Time != life.last.Time || !slices.Equal(a.Key, life.last.Key):
					return nil, faultf("eager: rule, key and time of an id stay", "%s", name)
				case a.Cause == nil && strict && c.set.calm(): // else time may bring the change
					return nil, faultf("eager: a change has a cause", "%s", name)
				}
			}
			changed := a.Kind == cep.RetractedAlert || a.Kind == cep.RestoredAlert
			x := c.set.rule(a.Rule.ID)
			if changed && (x.byTime || life.first == cep.TimeoutAlert) && len(x.sources) == 0 {
				return nil, faultf("eager: what time brings is never retracted", "%s", name)
			}
			if changed && strict && a.Time < low {
				return nil, faultf("eager: nothing that the watermark has passed is retracted", "%s, low %d", name, low)
			}
			if (x.byTime || a.Kind == cep.TimeoutAlert) && len(x.sources) == 0 && a.Time > nextLow {
				return nil, faultf("eager: what time brings comes with the watermark", "%s, low %d", name, nextLow)
			}
			if strict && i < len(records) && at > start(w, i) && misplaced(&w.fx.Alerts[at-1], a) {
				return nil, faultf("eager: the retractions of a record come first, and all in the order of time", "%s after %s", name, cep.AppendJSON(nil, &w.fx.Alerts[at-1]))
			}
			life.last, life.live = a, a.Kind != cep.RetractedAlert
		}
		low = nextLow
	}
	var live []string
	for _, id := range order {
		if life := lives[id]; life.live {
			live = append(live, plainAlert(life.last))
		}
	}
	return live, nil
}

// misplaced says that a, which comes behind before, should not.
func misplaced(before, a *cep.Alert) bool {
	if back := a.Kind == cep.RetractedAlert; back != (before.Kind == cep.RetractedAlert) {
		return back
	}
	return before.Time > a.Time
}

// start is the first alert of a record.
func start(w *course, i int) int {
	if i == 0 {
		return 0
	}
	return w.upTo[i-1]
}

// timeOf is the time of a record, in nanoseconds.
func (c *lateCase) timeOf(i int, records []cep.Record) int64 {
	switch {
	case records[i].Kind == cep.ClockRecord:
		return records[i].Time
	case records[i].Line == 0:
		return math.MinInt64 // it is too late, or has come
	}
	return c.events[c.arrival[records[i].Line-1]].time * msec
}

// ofTime are the alerts that time alone brings, without those of rules on matches.
func (c *lateCase) ofTime(alerts []cep.Alert) []string {
	var some []string
	for i := range alerts {
		x := c.set.rule(alerts[i].Rule.ID)
		if len(x.sources) == 0 && !x.held && (x.byTime || alerts[i].Kind == cep.TimeoutAlert) {
			some = append(some, plainAlert(&alerts[i]))
		}
	}
	return some
}

// timed: what time brings comes in both orders with the same record.
func (c *lateCase) timed(eager, mark *course) *lateFault {
	for i := range eager.upTo {
		got := c.ofTime(eager.fx.Alerts[start(eager, i):eager.upTo[i]])
		want := c.ofTime(mark.fx.Alerts[start(mark, i):mark.upTo[i]])
		if !sameSet(got, want) {
			return faultf("eager: what time brings comes with the same record", "record %d\n%s", i+1, differences(got, want))
		}
	}
	return nil
}

// brought are the alerts of rules whose matches events bring.
func (c *lateCase) brought(alerts []cep.Alert) []string {
	var some []string
	for i := range alerts {
		if x := c.set.rule(alerts[i].Rule.ID); !x.timed && alerts[i].Kind != cep.TimeoutAlert {
			some = append(some, plainAlert(&alerts[i]))
		}
	}
	return some
}

// quiet: with nothing out of order nothing is retracted, and what events bring comes
// with them.
func (c *lateCase) quiet(w *course, records []cep.Record) *lateFault {
	if !c.set.calm() {
		return nil
	}
	for i := range w.fx.Alerts {
		if k := w.fx.Alerts[i].Kind; k == cep.RetractedAlert || k == cep.RestoredAlert {
			return faultf("eager: nothing is retracted where nothing is out of order", "%s", cep.AppendJSON(nil, &w.fx.Alerts[i]))
		}
	}
	if c.set.seq || len(c.clocks) > 0 {
		return nil // without lateness events wait for others of their time, and are late to a clock
	}
	now := *c
	now.lateness = 0
	once := follow(c.set, now.options(cep.WatermarkOrder), records, c.end)
	for i := range w.upTo {
		got, want := c.brought(w.fx.Alerts[start(w, i):w.upTo[i]]), c.brought(once.fx.Alerts[start(once, i):once.upTo[i]])
		if !slices.Equal(got, want) {
			return faultf("eager: what an event brings comes with it", "record %d\n  got  %s\n  want %s\n", i+1, strings.Join(got, "\n       "), strings.Join(want, "\n       "))
		}
	}
	return nil
}

// prefix: after any event, the live alerts that events brought are those of the events
// so far, sorted.
func (c *lateCase) prefix(r *rand.Rand, records []cep.Record) *lateFault {
	if !c.set.calm() {
		return nil
	}
	n := 1 + r.IntN(len(c.arrival))
	first := *c
	first.arrival = c.arrival[:n]
	first.strays = slices.DeleteFunc(slices.Clone(c.strays), func(s lateStray) bool { return s.after > n })
	first.clocks = slices.DeleteFunc(slices.Clone(c.clocks), func(k lateClock) bool { return k.after > n })
	w := follow(c.set, c.options(cep.EagerOrder), first.records(), cep.HaltRecord)
	w.fx.Alerts = w.fx.Alerts[:w.upTo[len(w.upTo)-2]] // before the end
	live := map[string]*cep.Alert{}
	for i := range w.fx.Alerts {
		live[w.fx.Alerts[i].ID] = &w.fx.Alerts[i]
	}
	var got []string
	for _, a := range live {
		if a.Kind != cep.RetractedAlert {
			got = append(got, c.brought([]cep.Alert{*a})...)
		}
	}
	var events []lateEvent
	for _, i := range slices.Sorted(slices.Values(first.arrival)) {
		events = append(events, c.events[i])
	}
	want := c.brought(sortedAlerts(c.set, events, cep.HaltRecord).Alerts)
	if !sameSet(got, want) {
		return faultf("eager: an event counts when it comes", "after %d events\n%s", n, differences(got, want))
	}
	return nil
}

// again: neither batches nor shards nor restarts change a byte.
func (c *lateCase) again(r *rand.Rand, order cep.Order, records []cep.Record, once *course) *lateFault {
	want := effectBytes(&once.fx)
	o := c.options(order)
	how := fmt.Sprintf("order %d", order)
	for range 2 {
		o.Shards = pick(r, []int{1, 2, 5})
		text := fmt.Sprintf("%s, shards %d", how, o.Shards)
		g := cep.NewEngine(c.set.set, o)
		var fx cep.Effects
		for at := 0; at < len(records); {
			n := min(1+r.IntN(len(records)), len(records)-at)
			part := records[at : at+n]
			if r.IntN(2) == 0 {
				part = joined(part)
			}
			g.Step(part, &fx)
			at += n
			if r.IntN(2) > 0 || without("restarts") {
				continue
			}
			o.Shards = pick(r, []int{1, 2, 5})
			text += fmt.Sprintf(", restored after %d records with %d", at, o.Shards)
			state := g.Append(nil)
			var err error
			if g, err = cep.Restore(c.set.set, o, state); err != nil {
				return faultf("a state can be read", "%s: %v", text, err)
			}
			if !bytes.Equal(g.Append(nil), state) {
				return faultf("a state that was read is written as it was", "%s", text)
			}
		}
		g.Step([]cep.Record{{Kind: c.end}}, &fx)
		if got := effectBytes(&fx); !bytes.Equal(got, want) {
			return faultf("batches, shards and restarts change nothing", "%s\n%s", text, firstDifferent(got, want))
		}
		if got, want := budgeted(g.Stats()), budgeted(once.stats); got != want {
			return faultf("batches, shards and restarts change nothing of the budget", "%s\n%s\nwant\n%s", text, got, want)
		}
	}
	return nil
}

// joined puts the lines of neighbouring records into one.
func joined(records []cep.Record) []cep.Record {
	var some []cep.Record
	for _, r := range records {
		if n := len(some); n > 0 && r.Kind == cep.EventsRecord && some[n-1].Kind == cep.EventsRecord {
			some[n-1].Data = slices.Concat(some[n-1].Data, []byte("\n"), r.Data)
			continue
		}
		some = append(some, r)
	}
	return some
}
