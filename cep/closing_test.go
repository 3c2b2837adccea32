package cep

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"weir/cep/feature"
	"weir/cep/outcome"
	"weir/nfa"
)

// Features of the ruleset closings; a read of each is numbered like it.
const (
	cLong = iota // before the others that add to the risk that its rule reads
	cSession
	cSum
	cDay
	cAccount
	cSliding
	cWeek
	cCoarse
	cBefore
	cHopping
	cForever
	cSeen
	cSilent
	allClosings
)

func tumbling(v feature.Value, seconds, offset int64) feature.Spec {
	return feature.Spec{Value: v, Window: feature.Window{Shape: feature.Tumbling, Size: seconds * second, Offset: offset * second}}
}

func sessions(v feature.Value, seconds int64) feature.Spec {
	return feature.Spec{Value: v, Window: feature.Window{Shape: feature.Session, Size: seconds * second}}
}

// closings has rules that match when windows end, of every kind of window and key, and
// rules that show the latest events of every kind of window.
func closings(t testing.TB) *Ruleset {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	card := FeatureKey{Names: []string{"card"}, Fields: []FieldID{fCard}}
	pair := FeatureKey{Names: []string{"merchant", "card"}, Fields: []FieldID{fMerchant, fCard}}
	account := FeatureKey{Names: []string{"account"}, ByType: map[TypeID]FieldID{tPay: fTo, tLogin: fCard}}
	pays := []TypeID{tPay}
	coarse, before := sliding(feature.Count, 11), sliding(feature.Count, 7)
	coarse.Resolution, before.ExcludeCurrent = 4*second, true
	local := feature.Window{Shape: feature.Tumbling, Size: 24 * 3600 * second, Offset: 4 * 3600 * second, Zone: berlin}
	week := local
	week.Size *= 2
	features := []*Feature{
		{Name: "long", Types: pays, Key: card, Value: field(fAmount), Spec: sessions(feature.Sum, 9)},
		{Name: "session", Types: pays, Key: card, Spec: sessions(feature.Count, 5), Where: func(s *Scope) bool { return s.Event.Field(fKind).Text != "x" }},
		{Name: "sum", Types: pays, Key: pair, Value: field(fAmount), Spec: tumbling(feature.Sum, 10, 3)},
		{Name: "day", Types: pays, Key: card, Value: field(fAmount), Spec: feature.Spec{Value: feature.Max, Window: local}},
		{Name: "account", Types: []TypeID{tPay, tLogin}, Key: account, Spec: tumbling(feature.Count, 7, 0)},
		{Name: "sliding", Key: card, Spec: sliding(feature.Count, 30*3600)},
		{Name: "week", Types: pays, Key: card, Spec: feature.Spec{Value: feature.Count, Window: week}},
		{Name: "coarse", Key: card, Spec: coarse},
		{Name: "before", Types: pays, Key: card, Spec: before},
		{Name: "hopping", Types: pays, Key: pair, Spec: feature.Spec{Value: feature.Count, Window: feature.Window{Shape: feature.Hopping, Size: 12 * second, Every: 5 * second}}},
		{Name: "forever", Types: pays, Key: card, Spec: feature.Spec{Value: feature.Count, Window: feature.Window{Shape: feature.Forever}}},
		{Name: "seen", Types: pays, Key: account, Value: field(fMerchant), Spec: sliding(feature.Seen, 8)},
		{Name: "silent", Types: pays, Key: card, Spec: sessions(feature.Count, 6)}, // nobody waits for its windows to end
	}
	rs := rulesOf()
	rs.Features = features
	for i := range features {
		rs.Reads = append(rs.Reads, Read{Feature: i})
	}
	rs.Risks = []NamedRisk{{Name: "risk", Key: []string{"card"}, Risk: outcome.Risk{HalfLife: 100_000 * time.Hour}}}
	closing := func(id string, f, evidence int) *Rule {
		k := features[f].Key
		r := &Rule{
			ID: id, Revision: 1, Severity: "high", Action: "review", Default: 10, Types: features[f].Types,
			Key: Key{Fields: k.Fields, Names: k.Names, ByType: k.ByType}, WindowClose: 1 + f, Evidence: evidence,
		}
		for i, other := range features {
			if slices.Equal(other.Key.Names, k.Names) {
				id := ReadID(i)
				r.Outcome = append(r.Outcome, id)
				r.Measures = append(r.Measures, Measure{other.Name, func(s *Scope) Value { return *s.Feature(id) }})
			}
		}
		r.Reads = r.Outcome
		rs.Rules = append(rs.Rules, r)
		return r
	}
	above := func(f int, x float64) func(*Scope) bool {
		return func(s *Scope) bool { v := s.Feature(ReadID(f)); return v.Kind == Number && v.Number() >= x }
	}
	a := closing("a", cSession, 1+cSession)
	a.Having, a.Throttle = above(cSession, 2), 20*time.Second
	b := closing("b", cSum, 1+cSum)
	b.Having = above(cSum, 3)
	closing("c", cDay, 1+cForever)
	d := closing("d", cAccount, 0)
	d.Hold = 9 * time.Second
	e := closing("e", cLong, 1+cSliding)
	e.Risks, e.Hold = []RiskID{0}, time.Second
	e.Having = func(s *Scope) bool { v := s.Risk(0); return v.Number() > float64(10*riskBefore+5) }
	f := closing("f", cWeek, 1+cWeek)
	f.Shadow = true
	closing("g", cSession, 1+cLong)
	for i := range features {
		r := makeRule(t, "w"+features[i].Name, "event", nfa.Options{}, map[string]Cond{"event": {}})
		r.Types, r.Key, r.Evidence = nil, Key{Fields: []FieldID{fMerchant}, Names: []string{"merchant"}}, 1+i
		rs.Rules = append(rs.Rules, r)
	}
	p := makeRule(t, "p", "a -> !b", nfa.Options{Within: absence * time.Second}, abc("a", "b"))
	p.Default = e.Default
	rs.Rules = append(rs.Rules, p)
	slices.SortFunc(rs.Rules, func(a, b *Rule) int { return cmp.Compare(a.ID, b.ID) })
	return rs
}

// riskBefore is how many matches must have added to a risk so that rule e matches, without
// one.
var riskBefore = 1

// absence is when rule p matches after a payment a, in seconds: when a session ends that
// rule e waits for, if it was the last of it.
const absence = 9

// absences are what rule p finds: payments a of a card that no payment b follows in time.
func (w *keeper) absences(r *Rule) (all []foundHere) {
	kind := func(i int) string { return w.events[i].Field(fKind).Text }
	for i := range w.events {
		a := &w.events[i]
		key, ok := keyIn(&FeatureKey{Fields: r.Key.Fields}, a)
		if !ok || a.Type != tPay || kind(i) != "a" {
			continue
		}
		limit := a.Time + absence*second
		followed := false
		for j := i + 1; j < len(w.events) && w.events[j].Time < limit; j++ {
			b := &w.events[j]
			followed = followed || b.Type == tPay && b.Field(fCard).Text == key[0] && kind(j) == "b"
		}
		if !followed {
			all = append(all, foundHere{at: limit, rule: r, key: key, having: true})
		}
	}
	return all
}

// keeper works out what the rules of closings find, from the list of all events.
type keeper struct {
	rs     *Ruleset
	events []Event // in processing order
}

// counted are the numbers of those of the first n events that a feature counts for a key.
func (w *keeper) counted(f *Feature, key []string, n int) (all []int) {
	for i := range w.events[:n] {
		e := &w.events[i]
		own, ok := keyIn(&f.Key, e)
		if ok && slices.Equal(own, key) && (f.Types == nil || slices.Contains(f.Types, e.Type)) && (f.Where == nil || f.Where(&Scope{Event: e})) {
			all = append(all, i)
		}
	}
	return all
}

// tumble is the window that t is in.
func tumble(w *feature.Window, t int64) (from, to int64) {
	if w.Zone == nil {
		from = t - ((t-w.Offset)%w.Size+w.Size)%w.Size
		return from, from + w.Size
	}
	days := int(w.Size / (24 * 3600 * second))
	begin := func(day int) int64 {
		return time.Date(1970, 1, 1+day, 0, 0, 0, int(w.Offset), w.Zone).UnixNano()
	}
	day := (int(t/(24*3600*second))/days - 2) * days
	for begin(day+days) <= t {
		day += days
	}
	return begin(day), begin(day + days)
}

// window leaves of events those that a reader of time t sees in the window of a feature.
func (w *keeper) window(f *Feature, all []int, t int64) (in []int) {
	from, to := int64(math.MinInt64), int64(math.MaxInt64)
	switch win := &f.Spec.Window; win.Shape {
	case feature.Sliding:
		from = t - win.Size + 1
		if r := f.Spec.Resolution; r > 0 {
			from -= from % r
		}
	case feature.Tumbling:
		from, to = tumble(win, t)
	case feature.Hopping:
		for from = t / win.Every * win.Every; from-win.Every+win.Size > t; {
			from -= win.Every
		}
	case feature.Session:
		from = t + 1
		for _, i := range slices.Backward(all) {
			if min(from, t)-w.events[i].Time >= win.Size {
				break
			}
			from = w.events[i].Time
		}
	}
	for _, i := range all {
		if at := w.events[i].Time; from <= at && at < to {
			in = append(in, i)
		}
	}
	return in
}

// value is what a feature says of the events in its window.
func (w *keeper) value(f *Feature, in []int) Value {
	sum, most := 0.0, math.Inf(-1)
	for _, i := range in {
		x := w.events[i].Field(fAmount).Number()
		sum, most = sum+x, max(most, x)
	}
	switch f.Spec.Value {
	case feature.Count:
		return NumberValue(float64(len(in)))
	case feature.Sum:
		return NumberValue(sum)
	case feature.Max:
		return NumberValue(most) // nil if there are none
	}
	return Value{}
}

// found is what a rule is expected to bring.
type foundHere struct {
	at       int64
	place    int // of the event, from 1; 0: time brought it
	rule     *Rule
	key      []string
	measures []Value
	backing  []int
	having   bool
}

// matches are what the rules find, in order, without throttle.
func (w *keeper) matches() (all []foundHere) {
	for _, r := range w.rs.Rules {
		if r.WindowClose > 0 {
			all = append(all, w.ends(r)...)
			continue
		}
		if r.ID == "p" {
			all = append(all, w.absences(r)...)
			continue
		}
		for i := range w.events {
			e := &w.events[i]
			key, ok := e.Field(fMerchant).KeyText()
			if !ok {
				continue
			}
			m := foundHere{at: e.Time, place: i + 1, rule: r, key: []string{key}}
			f := w.rs.Features[r.Evidence-1]
			if own, ok := keyIn(&f.Key, e); ok {
				n := i + 1
				if f.Spec.ExcludeCurrent || f.Spec.Value == feature.Seen || f.Spec.Value == feature.SinceLast {
					n = i
				}
				m.backing = w.window(f, w.counted(f, own, n), e.Time)
			}
			all = append(all, m)
		}
	}
	slices.SortStableFunc(all, func(a, b foundHere) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.place, b.place), cmp.Compare(a.rule.ID, b.rule.ID), slices.Compare(a.key, b.key))
	})
	return all
}

// ends are the windows of the feature of a rule that had an event.
func (w *keeper) ends(r *Rule) (all []foundHere) {
	f := w.rs.Features[r.WindowClose-1]
	done := map[string]bool{}
	for i := range w.events {
		key, ok := keyIn(&f.Key, &w.events[i])
		if !ok || done[fmt.Sprint(key)] {
			continue
		}
		done[fmt.Sprint(key)] = true
		rest := w.counted(f, key, len(w.events))
		for len(rest) > 0 {
			var n int
			var end int64
			if f.Spec.Window.Shape == feature.Session {
				n = 1
				for n < len(rest) && w.events[rest[n]].Time-w.events[rest[n-1]].Time < f.Spec.Window.Size {
					n++
				}
				end = w.events[rest[n-1]].Time + f.Spec.Window.Size
			} else {
				_, end = tumble(&f.Spec.Window, w.events[rest[0]].Time)
				for n < len(rest) && w.events[rest[n]].Time < end {
					n++
				}
			}
			all = append(all, w.end(r, key, rest[:n], end))
			rest = rest[n:]
		}
	}
	return all
}

// end is what a rule finds when a window with events ends.
func (w *keeper) end(r *Rule, key []string, in []int, end int64) foundHere {
	m := foundHere{at: end, rule: r, key: key}
	before := 0
	for before < len(w.events) && w.events[before].Time < end {
		before++
	}
	of := func(i int) []int {
		if i == r.WindowClose-1 {
			return in
		}
		f := w.rs.Features[i]
		return w.window(f, w.counted(f, key, before), end)
	}
	row := make([]Value, len(w.rs.Reads))
	for _, id := range r.Outcome {
		row[id] = w.value(w.rs.Features[id], of(int(id)))
		m.measures = append(m.measures, row[id])
	}
	m.having = r.Having == nil || len(r.Risks) > 0 || r.Having(&Scope{At: &Moment{Time: end, Features: NewFeatureRow(row)}})
	if r.Evidence > 0 {
		m.backing = of(r.Evidence - 1)
	}
	return m
}

// alerts are what the engine has to say, a line for each alert and hold.
func (w *keeper) alerts() string {
	type state struct {
		quiet      int64
		suppressed int
	}
	throttled := map[string]*state{}
	all := w.matches()
	var out, holds []string
	for i := range all {
		m := &all[i]
		if len(m.rule.Risks) > 0 { // of the matches of earlier moments; they fade hardly
			n := 0
			for j := range all {
				o := &all[j]
				if o.having && !o.rule.Shadow && o.at < m.at && slices.Equal(o.rule.Key.Names, m.rule.Key.Names) && slices.Equal(o.key, m.key) {
					n++
				}
			}
			m.having = n > riskBefore
		}
		if m.rule.WindowClose > 0 && !m.having {
			continue
		}
		id := m.rule.ID + strings.Join(m.key, "/")
		if throttled[id] == nil {
			throttled[id] = &state{quiet: math.MinInt64}
		}
		st := throttled[id]
		if m.at < st.quiet {
			st.suppressed++
			continue
		}
		if m.rule.Throttle > 0 {
			st.quiet = m.at + int64(m.rule.Throttle)
		}
		var raws []string
		for _, i := range m.backing[max(0, len(m.backing)-50):] {
			raws = append(raws, w.events[i].Raw)
		}
		out = append(out, fmt.Sprintf("%s %v @%d %s%v -%d\n", m.rule.ID, m.key, m.at, show(m.measures), raws, st.suppressed))
		st.suppressed = 0
	}
	for i := range w.events {
		e := &w.events[i]
		for _, r := range w.rs.Rules {
			key, ok := keyIn(&FeatureKey{Fields: r.Key.Fields, ByType: r.Key.ByType}, e)
			if r.Hold == 0 || !ok || !slices.Contains(r.Types, e.Type) {
				continue
			}
			if slices.ContainsFunc(all, func(m foundHere) bool {
				return m.rule == r && m.having && slices.Equal(m.key, key) && m.at <= e.Time && e.Time < m.at+int64(r.Hold)
			}) {
				holds = append(holds, fmt.Sprintf("%d held by %s\n", i+1, r.ID))
			}
		}
	}
	return strings.Join(append(out, holds...), "")
}

// said is what an engine said, as keeper.alerts says it.
func said(t testing.TB, fx *Effects) string {
	var b strings.Builder
	for i := range fx.Alerts {
		a := &fx.Alerts[i]
		var raws []string
		for _, e := range a.Backing.Events {
			raws = append(raws, e.Raw)
		}
		fmt.Fprintf(&b, "%s %v @%d %s%v -%d\n", a.Rule.ID, a.Key, a.Time, show(a.Measures), raws, a.Suppressed)
	}
	for _, d := range fx.Decisions {
		for _, r := range d.Reasons {
			if r.Hold {
				fmt.Fprintf(&b, "%d held by %s\n", d.Place, r.Of.ID)
			}
		}
	}
	return b.String()
}

// slow draws events over hours and days, with bursts; a day of Berlin among them has 23
// hours.
func slow(t *rapid.T) []Event {
	at := time.Date(2026, 3, 28, 1, 0, 0, 0, time.UTC).UnixNano()
	steps := []int64{0, 0, 1, 1, 2, 3, 5, 9, 3600, 20 * 3600}
	if rapid.Bool().Draw(t, "fast") {
		steps = []int64{0, 0, 0, 1, 2}
	}
	events := stream(t)
	if rapid.IntRange(0, 3).Draw(t, "many") == 0 {
		events = append(events, stream(t)...)
		events = append(events, stream(t)...)
	}
	for i := range events {
		e := &events[i]
		at += rapid.SampledFrom(steps).Draw(t, "after") * second
		e.Time = at
		if rapid.Bool().Draw(t, "few") { // so that a window has many events
			e.row[fCard], e.row[fMerchant] = TextValue("c1"), TextValue("m1")
		}
		e.Raw = fmt.Sprintf("%s#%d", e.Raw, i)
	}
	return events
}

// Rules with window_close match each window that had an event once, when it ends; rules
// with evidence show the latest events of its window: all as an evaluator says that goes
// through the list of events.
func TestClosings(t *testing.T) {
	rs := closings(t)
	rapid.Check(t, func(t *rapid.T) {
		events := slow(t)
		w := &keeper{rs, slices.Clone(events)}
		riskBefore = rapid.IntRange(0, 4).Draw(t, "risk")
		upper := rapid.IntRange(0, 1).Draw(t, "layer")
		rs.Rules[slices.IndexFunc(rs.Rules, func(r *Rule) bool { return r.ID == "e" })].Layer = upper
		_, fx := stepped(rs, Options{}, slices.Clone(events), end)
		same(t, "alerts and holds", said(nil, fx), w.alerts())
		whole := text(fx)
		_, traced := stepped(rs, Options{Trace: &Trace{Tell: func(*Told) {}}}, slices.Clone(events), end)
		same(t, "traced", text(traced), whole)
		for _, n := range []int{2, 5} {
			_, got := stepped(rs, Options{Shards: n}, slices.Clone(events), end)
			same(t, fmt.Sprint(n, " shards"), text(got), whole)
		}
		g, got := NewEngine(rs, Options{Shards: rapid.IntRange(1, 3).Draw(t, "shards")}), new(Effects)
		other, _ := stepped(rs, Options{}, nil)
		for i := range events {
			if rapid.IntRange(0, 2).Draw(t, "tick") == 0 && i > 0 {
				tick := Record{Kind: ClockRecord, Time: events[i-1].Time + rapid.Int64Range(0, events[i].Time-events[i-1].Time).Draw(t, "to")}
				g.Step([]Record{tick}, got)
				other.Step([]Record{tick}, new(Effects))
			}
			g.StepEvents(slices.Clone(events[i:i+1]), got)
			other.StepEvents(slices.Clone(events[i:i+1]), new(Effects))
			if rapid.IntRange(0, 4).Draw(t, "restore") > 0 {
				continue
			}
			state := g.Append(nil)
			if !bytes.Equal(state, other.Append(nil)) {
				t.Fatal("the engine that was restored has another state than the one that was not")
			}
			again, err := Restore(rs, Options{Shards: rapid.IntRange(1, 5).Draw(t, "shards")}, state)
			if err != nil {
				t.Fatal(err)
			}
			g = again
			if !bytes.Equal(g.Append(nil), state) {
				t.Fatal("the state restored has other bytes")
			}
		}
		g.Step([]Record{end}, got)
		same(t, "in pieces", text(got), whole)
		for _, l := range g.ledgers {
			for i := range l.trails {
				if n := len(l.trails[i].due); n > len(l.trails[i].keys) {
					t.Fatalf("%d times of %d trails", n, len(l.trails[i].keys))
				}
			}
		}
	})
}

// The streams make all of that happen.
func TestClosingsSpeak(t *testing.T) {
	rs := closings(t)
	spoke := map[string]bool{}
	streams := rapid.Custom(slow)
	for seed := range 200 { // always the same ones: few of them fill what is shown
		events := streams.Example(seed)
		_, fx := stepped(rs, Options{}, events, end)
		for _, a := range fx.Alerts {
			spoke[a.Rule.ID] = true
			spoke["suppressed"] = spoke["suppressed"] || a.Suppressed > 0
			spoke["full"] = spoke["full"] || len(a.Backing.Events) == mostShown
			spoke["before the end"] = spoke["before the end"] || a.Rule.WindowClose > 0 && a.Time <= events[len(events)-1].Time
			spoke["backed "+a.Rule.ID] = spoke["backed "+a.Rule.ID] || len(a.Backing.Events) > 1
		}
		for _, d := range fx.Decisions {
			for _, r := range d.Reasons {
				spoke["hold of "+r.Rule] = spoke["hold of "+r.Rule] || r.Hold
			}
		}
	}
	for _, r := range rs.Rules {
		want := []string{r.ID}
		if r.Evidence > 0 {
			want = append(want, "backed "+r.ID)
		}
		if r.Hold > 0 {
			want = append(want, "hold of "+r.ID)
		}
		for _, w := range append(want, "suppressed", "full", "before the end") {
			if !spoke[w] {
				t.Errorf("%s never happens", w)
			}
		}
	}
}
