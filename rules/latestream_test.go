package rules

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"weir/cep"
)

// lateEvent is an event of a case. Times are milliseconds.
type lateEvent struct {
	time   int64
	seq    int
	fields map[string]string
	line   []byte
}

// lateClock is a record that moves time on.
type lateClock struct {
	after int // so many events
	time  int64
}

func (s lateStray) String() string { return string(s.line) }

// lateMaker draws events.
type lateMaker struct {
	*rand.Rand
	set          *lateSet
	cards, kinds []string
}

// lateCase is a stream, and an order in which it comes.
type lateCase struct {
	set      *lateSet
	events   []lateEvent // in the order of time
	arrival  []int       // indices of events
	lateness int64
	clocks   []lateClock
	end      cep.RecordKind
	total    bool // all events of one time come in their order
	strays   []lateStray
	budget   int64 // 0: none
	refused  int   // how often such a case had a budget that refused something
}

// lateStray is an event that comes later than it may, or comes again.
type lateStray struct {
	after int // so many events
	line  []byte
	again bool
}

var lateLateness = []int64{0, 1, 2, 3, 5, 8, 13, 40}

// newLateMaker draws what a stream has.
func newLateMaker(r *rand.Rand, s *lateSet) *lateMaker {
	m := &lateMaker{r, s, []string{"k1", "k1", "k1", "k2"}, []string{"a", "a", "b", "b", "c", "x", "z"}}
	switch r.IntN(4) {
	case 0:
		m.cards = []string{"k1"}
	case 1:
		m.cards = []string{"k1", "k2", "k3", ""}
	}
	if r.IntN(3) == 0 {
		m.kinds = []string{"a", "b", "c"}
	}
	return m
}

// events draws a stream in the order of time.
func (m *lateMaker) events() []lateEvent {
	n := 4 + m.IntN(20)
	if len(m.cards) == 4 && m.cards[3] == "" {
		n += 8
	}
	steps := []int64{0, 0, 1, 1, 1, 2, 3}
	if m.IntN(4) == 0 {
		steps = append(steps, 10, 30)
	}
	at := int64(1000)
	var events []lateEvent
	for i := range n {
		at += pick(m.Rand, steps)
		events = append(events, m.event(at, i))
	}
	slices.SortStableFunc(events, func(a, b lateEvent) int { return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.seq, b.seq)) })
	return events
}

// event draws an event, which is called by a number.
func (m *lateMaker) event(at int64, number int) lateEvent {
	e := lateEvent{time: at, fields: map[string]string{
		"card": pick(m.Rand, m.cards), "to": pick(m.Rand, m.cards), "shop": pick(m.Rand, []string{"s1", "s1", "s2"}), "kind": pick(m.Rand, m.kinds),
	}}
	typ := "pay"
	if m.IntN(6) == 0 {
		typ = "login"
	}
	b := fmt.Appendf(nil, `{"type":%q,"ts":%d`, typ, at)
	if m.set.seq {
		e.seq = m.IntN(3)
		b = fmt.Appendf(b, `,"o":%d`, e.seq)
	}
	if m.set.ids {
		b = fmt.Appendf(b, `,"name":"e%d"`, number)
	}
	for _, f := range []string{"card", "to", "shop", "kind"} {
		if e.fields[f] != "" {
			b = fmt.Appendf(b, `,%q:%q`, f, e.fields[f])
		}
	}
	if m.IntN(20) > 0 {
		b = fmt.Appendf(b, `,"value":%d`, m.IntN(4))
	}
	e.line = append(b, '}')
	return e
}

// tied says that the order of two events is that in which they come.
func (e *lateEvent) tied(o *lateEvent, fields []string, all bool) bool {
	if e.time != o.time || e.seq != o.seq {
		return false
	}
	if all {
		return true
	}
	for _, f := range fields {
		for _, g := range fields {
			if e.fields[f] != "" && e.fields[f] == o.fields[g] {
				return true
			}
		}
	}
	return false
}

// arrive draws an order of arrival: each event comes up to lateness after its time, and
// none before one that it is tied to.
func (c *lateCase) arrive(r *rand.Rand) {
	c.lateness = pick(r, lateLateness)
	late := pick(r, []int{0, 10, 30, 30, 80})
	fields, all := c.set.keyFields()
	c.total = all || r.IntN(2) == 0
	comes := make([]int64, len(c.events))
	for i := range c.events {
		e := &c.events[i]
		comes[i] = e.time
		if r.IntN(100) < late {
			comes[i] += r.Int64N(c.lateness + 1)
		}
		for j := range i {
			if e.tied(&c.events[j], fields, c.total) {
				comes[i] = max(comes[i], comes[j])
			}
		}
	}
	c.arrival = make([]int, len(c.events))
	for i := range c.arrival {
		c.arrival[i] = i
	}
	if c.total {
		slices.SortStableFunc(c.arrival, func(a, b int) int { return cmp.Compare(comes[a], comes[b]) })
	} else {
		// Of those that come at once an untied one may come first.
		slices.SortStableFunc(c.arrival, func(a, b int) int { return cmp.Compare(comes[a], comes[b]) })
		for i := 1; i < len(c.arrival); i++ {
			a, b := c.arrival[i-1], c.arrival[i]
			if comes[a] == comes[b] && !c.events[a].tied(&c.events[b], fields, false) && r.IntN(2) == 0 {
				c.arrival[i-1], c.arrival[i] = b, a
			}
		}
	}
	c.clocks = nil // they go no further than events do, or windows that the end leaves open would end
	if r.IntN(6) == 0 {
		n := 1 + r.IntN(len(c.arrival))
		c.clocks = append(c.clocks, lateClock{n, min(comes[c.arrival[n-1]], c.events[len(c.events)-1].time)})
	}
}

// stray adds an event that has come already, or is too late by as little as a millisecond.
func (c *lateCase) stray(m *lateMaker) {
	n := 1 + m.IntN(len(c.arrival))
	if c.set.ids && m.IntN(2) == 0 {
		c.strays = append(c.strays, lateStray{n, c.events[c.arrival[m.IntN(n)]].line, true})
		return
	}
	now := int64(0)
	for _, i := range c.arrival[:n] {
		now = max(now, c.events[i].time)
	}
	e := m.event(now-c.lateness-1-m.Int64N(4), len(c.events))
	c.strays = append(c.strays, lateStray{n, e.line, false})
}

func (c *lateCase) options(order cep.Order) cep.Options {
	return cep.Options{Order: order, Lateness: time.Duration(c.lateness) * time.Millisecond, Budget: c.budget}
}

// tooLate are the events that come later than they may.
func (c *lateCase) tooLate() []lateStray {
	return slices.DeleteFunc(slices.Clone(c.strays), func(s lateStray) bool { return s.again })
}

// inOrder says that no event comes after a later one.
func (c *lateCase) inOrder() bool { return slices.IsSorted(c.arrival) }

// records are those of the arrival, without the end.
func (c *lateCase) records() []cep.Record {
	records := make([]cep.Record, 0, len(c.arrival)+1)
	for i, n := range c.arrival {
		records = append(records, cep.Record{Kind: cep.EventsRecord, Data: c.events[n].line, Line: i + 1})
		for _, clock := range c.clocks {
			if clock.after == i+1 {
				records = append(records, cep.Record{Kind: cep.ClockRecord, Time: clock.time * msec})
			}
		}
		for _, stray := range c.strays {
			if stray.after == i+1 {
				records = append(records, cep.Record{Kind: cep.EventsRecord, Data: stray.line})
			}
		}
	}
	return records
}

// course is what came of records, one after the other.
type course struct {
	fx   cep.Effects
	upTo []int // alerts after each record, the end too

	stats cep.Stats
}

// follow steps an engine over records and the end.
func follow(s *lateSet, o cep.Options, records []cep.Record, end cep.RecordKind) *course {
	g := cep.NewEngine(s.set, o)
	w := &course{upTo: make([]int, 0, len(records)+1)}
	one := make([]cep.Record, 1)
	for _, r := range records {
		one[0] = r
		g.Step(one, &w.fx)
		w.upTo = append(w.upTo, len(w.fx.Alerts))
	}
	one[0] = cep.Record{Kind: end}
	g.Step(one, &w.fx)
	w.upTo = append(w.upTo, len(w.fx.Alerts))
	w.stats = g.Stats()
	return w
}

// sortedAlerts runs a stream in the order of time.
func sortedAlerts(s *lateSet, events []lateEvent, end cep.RecordKind) *cep.Effects {
	var data []byte
	for i := range events {
		data = append(append(data, events[i].line...), '\n')
	}
	var fx cep.Effects
	cep.NewEngine(s.set, cep.Options{}).Step([]cep.Record{{Kind: cep.EventsRecord, Data: data, Line: 1}, {Kind: end}}, &fx)
	return &fx
}

// plainAlert is an alert without what tells when it came out.
func plainAlert(a *cep.Alert) string {
	b := *a
	b.Version, b.Cause = 1, nil
	if b.Kind == cep.RestoredAlert || b.Kind == cep.RetractedAlert {
		b.Kind = cep.MatchAlert
	}
	return string(cep.AppendJSON(nil, &b))
}

func plainAlerts(alerts []cep.Alert) []string {
	lines := make([]string, len(alerts))
	for i := range alerts {
		lines[i] = plainAlert(&alerts[i])
	}
	return lines
}

// differences shows the lines that only one of two sorted lists has.
func differences(got, want []string) string {
	got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	var b strings.Builder
	for i, j := 0, 0; i < len(got) || j < len(want); {
		switch {
		case j == len(want) || i < len(got) && got[i] < want[j]:
			b.WriteString("  too many: " + got[i] + "\n")
			i++
		case i == len(got) || want[j] < got[i]:
			b.WriteString("  missing:  " + want[j] + "\n")
			j++
		default:
			i, j = i+1, j+1
		}
	}
	return b.String()
}

// effectBytes is everything that effects say.
func effectBytes(fx *cep.Effects) []byte {
	b := alertBytes(fx)
	for i := range fx.Decisions {
		b = append(cep.AppendDecisionJSON(b, &fx.Decisions[i]), '\n')
	}
	for _, l := range fx.Late {
		b = fmt.Appendf(b, "late %s %d\n", l.Raw, l.Behind)
	}
	for _, l := range fx.Rejected {
		b = fmt.Appendf(b, "rejected %s %s\n", l.Raw, l.Reason)
	}
	return b
}

// firstDifferent shows where two texts part.
func firstDifferent(got, want []byte) string {
	g, w := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	i := 0
	for i < min(len(g), len(w))-1 && bytes.Equal(g[i], w[i]) {
		i++
	}
	return fmt.Sprintf("line %d\n  got  %s\n  want %s\n", i+1, g[i], w[i])
}
