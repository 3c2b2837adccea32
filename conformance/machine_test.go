package conformance

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/cep"
	"weir/nfa"
)

// stand is what the machine of a rule is driven with: which condition holds on
// which event of the case. Events are numbered by their index in vector.Events.
type stand interface {
	may(c nfa.Cond, event int) bool
	holds(c nfa.Cond, event int, caps nfa.Captures, at func(nfa.Event) int) bool
}

// driver steps the machine of one rule over a case, with the buffer, the
// watermark and the keys that an engine has around it.
type driver struct {
	v         *vector
	prog      *nfa.Program
	machine   *nfa.Machine
	stand     stand
	keys      []string
	runs      []nfa.Runs // by key
	processed []int      // index: nfa.Event - 1; the index of the event in v.Events
	buffer    []int
	watermark int64 // ms
	rank      []int
	out       outcome
}

// drive runs v through the machine of the set's rule. The open matches are
// written and read back after the events named.
func (v *vector) drive(t *testing.T, set *cep.Ruleset, restore []string) outcome {
	t.Helper()
	rule := set.Rules[0]
	d := &driver{
		v: v, prog: rule.Program, machine: rule.Program.NewMachine(), stand: newRuleStand(v, set),
		rank: v.ranks(), watermark: math.MinInt64,
	}
	return d.run(t, append(slices.Clone(v.Restore), restore...))
}

func (d *driver) run(t *testing.T, restore []string) outcome {
	t.Helper()
	v := d.v
	for i := range v.Events {
		if key := v.key(i); !slices.Contains(d.keys, key) {
			d.keys = append(d.keys, key)
			d.runs = append(d.runs, nfa.Runs{})
		}
	}
	buffered := v.Watermarks != nil || v.Flush
	d.marks("")
	for i := range v.Events {
		e := &v.Events[i]
		switch {
		case e.TS <= d.watermark:
			d.out.late = append(d.out.late, e.ID)
		case buffered:
			d.buffer = append(d.buffer, i)
		default:
			d.event(i)
		}
		d.marks(e.ID)
		if slices.Contains(restore, e.ID) {
			d.restore(t)
		}
	}
	if v.AdvanceTo != nil {
		d.advance(nanoseconds(*v.AdvanceTo))
	}
	if v.Flush {
		d.release(math.MaxInt64)
		d.close()
	}
	for i := range d.runs {
		d.out.open += d.runs[i].Open()
	}
	return d.out
}

func nanoseconds(ms int64) int64 { return ms * int64(time.Millisecond) }

// key is the key of an event as text.
func (v *vector) key(i int) string {
	var parts []string
	for _, field := range v.KeyBy {
		parts = append(parts, string(v.Events[i].Fields[field]))
	}
	return strings.Join(parts, "\x00")
}

// marks moves the watermark as the case says after an event.
func (d *driver) marks(after string) {
	if d.v.Watermarks == nil {
		return
	}
	for _, w := range *d.v.Watermarks {
		if w.After == nil && after == "" || w.After != nil && *w.After == after {
			d.watermark = max(d.watermark, w.TS)
			d.release(w.TS)
			d.advance(nanoseconds(w.TS))
		}
	}
}

// release processes the events of the buffer up to ms in the order of time.
func (d *driver) release(ms int64) {
	slices.SortStableFunc(d.buffer, func(a, b int) int {
		c := cmp.Compare(d.v.Events[a].TS, d.v.Events[b].TS)
		if c == 0 && d.rank != nil {
			c = cmp.Compare(d.rank[a], d.rank[b])
		}
		return c
	})
	n := 0
	for ; n < len(d.buffer) && d.v.Events[d.buffer[n]].TS <= ms; n++ {
		d.event(d.buffer[n])
	}
	d.buffer = slices.Delete(d.buffer, 0, n)
}

// event advances time to an event and processes it.
func (d *driver) event(i int) {
	t := nanoseconds(d.v.Events[i].TS)
	d.advance(t)
	d.processed = append(d.processed, i)
	k := slices.Index(d.keys, d.v.key(i))
	d.take(d.machine.Step(&d.runs[k], t, nfa.Event(len(d.processed)), judge{d, i}, nil))
}

// close lets everything run out at once.
func (d *driver) close() {
	for k := range d.runs {
		d.take(d.machine.Advance(&d.runs[k], nfa.Forever, judge{d, -1}, nil))
	}
}

// advance moves time on to t, over each limit by itself, in the order of limits.
func (d *driver) advance(t nfa.Time) {
	for {
		next, soonest := -1, t
		for k := range d.runs {
			if at, ok := d.prog.Deadline(&d.runs[k]); ok && (at < soonest || at == soonest && next < 0) {
				next, soonest = k, at
			}
		}
		if next < 0 {
			break
		}
		d.take(d.machine.Advance(&d.runs[next], soonest, judge{d, -1}, nil))
		if at, ok := d.prog.Deadline(&d.runs[next]); ok && at <= soonest {
			panic(fmt.Sprintf("the deadline of the runs is %d after they advanced to %d", at, soonest))
		}
	}
	for k := range d.runs { // what runs out without being seen is still open until then
		d.take(d.machine.Advance(&d.runs[k], t, judge{d, -1}, nil))
	}
}

func (d *driver) take(found []nfa.Match) {
	for _, f := range found {
		m := match{Vars: map[string][]string{}}
		for _, c := range f.Events {
			name := d.prog.Names[c.Var].Text
			m.Vars[name] = append(m.Vars[name], d.v.Events[d.at(c.Event)].ID)
		}
		ms := f.Time / int64(time.Millisecond)
		m.TS = &ms
		d.out.trail = append(d.out.trail, fmt.Sprintf("%d %s", f.Kind, m.show(nil, true)))
		if f.Kind == nfa.TimedOut {
			d.out.timeouts = append(d.out.timeouts, m)
			continue
		}
		d.out.matches = append(d.out.matches, m)
		if d.out.fault == "" && d.v.Pattern.SkipOnMiss == "error" {
			d.out.fault = missed(d.v.Pattern.Skip, m, d.v.Events[d.at(f.Events[0].Event)].ID)
		}
	}
}

// missed says what is wrong with the skip target of a match, if anything is.
func missed(skip string, m match, first string) string {
	kind, target, _ := strings.Cut(skip, ":")
	ids := m.Vars[word(target)]
	switch {
	case target == "":
		return ""
	case len(ids) == 0:
		return "skip target " + target + " is empty in this match"
	case kind == "to_first" && ids[0] == first, kind == "to_last" && ids[len(ids)-1] == first:
		return "skip target is the first event of the match"
	}
	return ""
}

func (d *driver) restore(t *testing.T) {
	t.Helper()
	for k := range d.runs {
		data := d.prog.AppendRuns(nil, &d.runs[k])
		back, rest, err := d.prog.DecodeRuns(data)
		if err != nil || len(rest) > 0 {
			t.Fatalf("restore: %v, %d bytes left", err, len(rest))
		}
		if again := d.prog.AppendRuns(nil, &back); string(again) != string(data) {
			t.Fatal("restored runs are written as other bytes")
		}
		d.runs[k] = back
	}
}

// at returns the index in vector.Events of an event that was processed.
func (d *driver) at(e nfa.Event) int { return d.processed[e-1] }

// judge is a nfa.Judge for one event of a case.
type judge struct {
	d     *driver
	event int
}

func (j judge) May(c nfa.Cond) bool { return j.d.stand.may(c, j.event) }

func (j judge) Holds(c nfa.Cond, caps nfa.Captures) bool {
	return j.d.stand.holds(c, j.event, caps, j.d.at)
}
