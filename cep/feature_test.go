package cep

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"weir/cep/feature"
	"weir/nfa"
)

const second = int64(time.Second)

func field(f FieldID) func(*Scope) Value { return func(s *Scope) Value { return *s.Event.Field(f) } }

func sliding(v feature.Value, seconds int64) feature.Spec {
	return feature.Spec{Value: v, Window: feature.Window{Size: seconds * second}}
}

// Reads of the ruleset watched: the features as they are numbered, then looks at the
// keys that the field `to` names.
const (
	rSpent ReadID = iota
	rCount
	rBefore
	rShops
	rSeen
	rSince
	rLast
	rPair
	rAccount
	rSession
	rSpentOf
	rBeforeOf
	rSeenOf
	rPairOf
	allReads
)

// watched has features of every kind of key, rules that show what events see of them,
// and rules that look at them in every place.
func watched(t testing.TB) *Ruleset {
	card := FeatureKey{Names: []string{"card"}, Fields: []FieldID{fCard}}
	shop := FeatureKey{Names: []string{"merchant"}, Fields: []FieldID{fMerchant}}
	pair := FeatureKey{Names: []string{"merchant", "card"}, Fields: []FieldID{fMerchant, fCard}}
	account := FeatureKey{Names: []string{"account"}, ByType: map[TypeID]FieldID{tPay: fTo, tLogin: fCard}}
	before := sliding(feature.Mean, 8)
	before.ExcludeCurrent = true
	pays := []TypeID{tPay}
	features := []*Feature{
		{Name: "spent", Types: pays, Key: card, Value: field(fAmount), Spec: sliding(feature.Sum, 6), Where: func(s *Scope) bool { return s.Event.Field(fKind).Text != "x" }},
		{Name: "count", Key: card, Spec: sliding(feature.Count, 10)},
		{Name: "before", Types: pays, Key: card, Value: field(fAmount), Spec: before},
		{Name: "shops", Types: pays, Key: card, Value: field(fMerchant), Spec: sliding(feature.Distinct, 7)},
		{Name: "seen", Types: pays, Key: card, Value: field(fMerchant), Spec: sliding(feature.Seen, 9)},
		{Name: "since", Key: card, Spec: sliding(feature.SinceLast, 5)},
		{Name: "last", Types: pays, Key: shop, Value: field(fKind), Spec: sliding(feature.Last, 12)},
		{Name: "pair", Types: pays, Key: pair, Spec: sliding(feature.Count, 9)},
		{Name: "account", Key: account, Value: field(fAmount), Spec: sliding(feature.Max, 10)},
		{Name: "session", Key: card, Spec: feature.Spec{Value: feature.Count, Window: feature.Window{Shape: feature.Session, Size: 3 * second}}},
	}
	of := func(feature ReadID, args ...func(*Scope) Value) Read { return Read{Feature: int(feature), Args: args} }
	var reads []Read
	for i := range features {
		reads = append(reads, Read{Feature: i})
	}
	reads = append(reads, of(rSpent, field(fTo)), of(rBefore, field(fTo)), of(rSeen, field(fTo)), of(rPair, field(fMerchant), field(fTo)))
	every := make([]ReadID, allReads)
	show := make([]Measure, allReads)
	for i := range every {
		every[i] = ReadID(i)
		show[i] = Measure{fmt.Sprint("r", i), func(s *Scope) Value { return *s.Feature(ReadID(i)) }}
	}
	above := func(r ReadID, x float64) func(*Scope) bool {
		return func(s *Scope) bool { v := s.Feature(r); return v.Kind == Number && v.Number() > x }
	}
	anything := map[string]Cond{"e": {}}
	rs := rulesOf(
		makeRule(t, "absent", "a -> !b", nfa.Options{Within: 4 * time.Second, Having: true}, abc("a", "b")),
		makeRule(t, "burst", "a -> b", nfa.Options{Within: 9 * time.Second, Having: true}, map[string]Cond{"a": is("a"), "b": {Event: above(rSpent, 5)}}),
		makeRule(t, "card", "e", nfa.Options{}, anything),
		makeRule(t, "held", "a -> b", nfa.Options{Within: 6 * time.Second, InOrder: true, Skip: nfa.SkipToNext}, map[string]Cond{
			"a": is("a"),
			"b": is("b").and(func(s *Scope) bool { // so that a match waits for one that began before it
				return s.Event.Field(fAmount).Number() > s.Captures.Last(0).Field(fAmount).Number()
			}),
		}),
		makeRule(t, "merchant", "e", nfa.Options{}, anything),
		makeRule(t, "out", "a -> b", nfa.Options{Within: 5 * time.Second, Timeout: true}, map[string]Cond{"a": {Event: above(rCount, 1)}, "b": is("b")}),
		makeRule(t, "sums", "a -> b", nfa.Options{Within: 9 * time.Second}, map[string]Cond{
			"a": is("a"),
			"b": Cond{}.and(func(s *Scope) bool {
				v := s.Feature(rSpentOf)
				return v.Kind == Number && v.Number() > s.Captures.Last(0).Field(fAmount).Number()
			}),
		}),
	)
	rs.Features, rs.Reads = features, reads
	rs.Lists = []NamedList{{Name: "blocked", List: emptyOf(t)}, {Name: "trusted", List: emptyOf(t)}}
	for _, r := range rs.Rules {
		r.Reads, r.Outcome, r.Measures = every, every, show
		switch r.ID {
		case "absent":
			r.Having = above(rCount, 1)
		case "burst":
			r.Having = above(rSpent, 5)
		case "card":
			r.Types = nil
		case "merchant":
			r.Types, r.Key = nil, Key{Fields: []FieldID{fMerchant}, Names: []string{"merchant"}}
		}
	}
	return rs
}

// seer says what features are by looking at all events.
type seer struct {
	rs     *Ruleset
	events []Event // in processing order
}

// value is a feature of a key as of t, when n events had come. now is the current
// event, nil if there is none.
func (w *seer) value(f *Feature, key []string, t int64, n int, now *Event) Value {
	var at []int64
	var values []Value
	for i := range w.events[:n] {
		e := &w.events[i]
		current := now != nil && i == n-1
		if current && (f.Spec.ExcludeCurrent || f.Spec.Value == feature.Seen || f.Spec.Value == feature.SinceLast) {
			continue
		}
		own, ok := keyIn(&f.Key, e)
		s := &Scope{Event: e}
		if !ok || !slices.Equal(own, key) || f.Types != nil && !slices.Contains(f.Types, e.Type) || f.Where != nil && !f.Where(s) {
			continue
		}
		v := Value{}
		if f.Value != nil {
			v = f.Value(s)
		}
		at, values = append(at, e.Time), append(values, v)
	}
	from := 0
	if f.Spec.Window.Shape == feature.Session {
		for i := range at {
			if i > 0 && at[i]-at[i-1] >= f.Spec.Window.Size {
				from = i
			}
		}
		if n := len(at); n > 0 && t-at[n-1] >= f.Spec.Window.Size {
			from = n
		}
	} else {
		for from < len(at) && at[from] <= t-f.Spec.Window.Size {
			from++
		}
	}
	at, values = at[from:], values[from:]
	sum, most, different := 0.0, math.Inf(-1), map[string]bool{}
	for _, v := range values {
		if v.Kind == Number {
			sum, most = sum+v.Number(), max(most, v.Number())
		}
		if v.Kind == Text {
			different[v.Text] = true
		}
	}
	switch f.Spec.Value {
	case feature.Count:
		return NumberValue(float64(len(values)))
	case feature.Sum:
		return NumberValue(sum)
	case feature.Distinct:
		return NumberValue(float64(len(different)))
	case feature.Seen:
		if now == nil || now.Field(fMerchant).Kind == Nil {
			return Value{}
		}
		return BoolValue(different[now.Field(fMerchant).Text])
	}
	if len(values) == 0 {
		return Value{}
	}
	switch f.Spec.Value {
	case feature.Mean:
		return NumberValue(sum / float64(len(values)))
	case feature.Max:
		return NumberValue(most)
	case feature.Last:
		return values[len(values)-1]
	case feature.SinceLast:
		return DurationValue(time.Duration(t - at[len(at)-1]))
	}
	panic("not a feature of this test")
}

func keyIn(k *FeatureKey, e *Event) (key []string, ok bool) {
	fields := k.Fields
	if k.ByType != nil {
		f, ok := k.ByType[e.Type]
		if !ok {
			return nil, false
		}
		fields = []FieldID{f}
	}
	for _, f := range fields {
		part, ok := e.Field(f).KeyText()
		if !ok {
			return nil, false
		}
		key = append(key, part)
	}
	return key, true
}

// row is what event number n sees of features.
func (w *seer) row(n int) (row []Value) {
	e := &w.events[n-1]
	for _, r := range w.rs.Reads {
		f := w.rs.Features[r.Feature]
		key, ok := keyIn(&f.Key, e)
		if r.Args != nil {
			key, ok = nil, true
			for _, arg := range r.Args {
				v := arg(&Scope{Event: e})
				part, is := v.KeyText()
				key, ok = append(key, part), ok && is
			}
		}
		v := Value{}
		if ok {
			v = w.value(f, key, e.Time, n, e)
		}
		row = append(row, v)
	}
	return row
}

// rowAt is what is seen of features at t under a key, before the events of that time.
func (w *seer) rowAt(names, key []string, t int64) (row []Value) {
	n := 0
	for n < len(w.events) && w.events[n].Time < t {
		n++
	}
	for _, r := range w.rs.Reads {
		v := Value{}
		if f := w.rs.Features[r.Feature]; r.Args == nil && slices.Equal(f.Key.Names, names) {
			v = w.value(f, key, t, n, nil)
		}
		row = append(row, v)
	}
	return row
}

func show(row []Value) string {
	var b strings.Builder
	for i := range row {
		v := &row[i]
		fmt.Fprintf(&b, "r%d=%s:%x:%s ", i, v.Kind, v.bits, v.Text)
	}
	return b.String()
}

// What an event sees of features is what has come up to it, itself included: no event
// after it, none twice, whatever its key; what is seen when time brings a match is what
// had come before.
func TestPointInTime(t *testing.T) {
	rs := watched(t)
	rapid.Check(t, func(t *rapid.T) {
		events := stream(t)
		w := &seer{rs, slices.Clone(events)}
		_, fx := stepped(rs, Options{}, events, end)
		byLine := map[string][]int{}
		for i := range w.events {
			byLine[w.events[i].Raw] = append(byLine[w.events[i].Raw], i+1)
		}
		shown := 0
		for i := range fx.Alerts {
			a := &fx.Alerts[i]
			var want []string
			switch {
			case a.Rule.ID == "absent" || a.Kind == TimeoutAlert:
				want = append(want, show(w.rowAt(a.Rule.Key.Names, a.Key, a.Time)))
			default: // the event that completed it, or one of those with an equal line
				for _, n := range byLine[a.Events[len(a.Events)-1].Raw] {
					want = append(want, show(w.row(n)))
				}
			}
			if got := show(a.Measures); !slices.Contains(want, got) {
				t.Fatalf("%s %s %v @%d sees\n%s\nwant\n%s", a.Rule.ID, a.Kind, a.Key, a.Time/second, got, strings.Join(want, "\n"))
			}
			if a.Rule.ID == "card" || a.Rule.ID == "merchant" {
				shown++
			}
			if v := a.Measures[rCount]; a.Rule.ID == "absent" && !(v.Number() > 1) {
				t.Fatalf("having sees another count than the measure, which is %v", v.Number())
			}
		}
		keyed := 0
		for i := range w.events {
			for _, f := range []FieldID{fCard, fMerchant} {
				if _, ok := w.events[i].Field(f).KeyText(); ok {
					keyed++
				}
			}
		}
		if shown != keyed {
			t.Fatalf("%d events are shown, want %d", shown, keyed)
		}
	})
}

// The streams make the rules speak and the reads be other than nil.
func TestWatchedSpeaks(t *testing.T) {
	rs := watched(t)
	spoke, seen := map[string]bool{}, map[ReadID]bool{}
	rapid.Check(t, func(t *rapid.T) {
		_, fx := stepped(rs, Options{}, stream(t), end)
		for _, a := range fx.Alerts {
			spoke[a.Rule.ID+a.Kind.String()] = true
			for i := range a.Measures {
				if v := &a.Measures[i]; v.Kind == Number && v.Number() != 0 || v.Kind != Number && v.Kind != Nil {
					seen[ReadID(i)] = true
				}
			}
		}
	})
	if len(spoke) != len(rs.Rules)+1 || len(seen) != int(allReads) {
		t.Errorf("came: %v; seen: %v", spoke, seen)
	}
}

// many draws more events than one goroutine takes alone, so that shards run in parallel.
func many(t *rapid.T) []Event {
	events := stream(t)
	for len(events) > 0 && len(events) < 3*inline && rapid.Bool().Draw(t, "more") {
		events = append(events, events...)
		slices.SortStableFunc(events, func(a, b Event) int { return int(a.Time - b.Time) })
	}
	return events
}

// arriving draws events in any order of arrival, or in that of their time.
func arriving(t *rapid.T) []Event {
	events := many(t)
	if rapid.Bool().Draw(t, "in order") {
		return events
	}
	return rapid.Permutation(events).Draw(t, "arrival")
}

func TestFeaturesShardsAndBatches(t *testing.T) {
	rs := watched(t)
	rapid.Check(t, func(t *rapid.T) {
		events := arriving(t)
		o := Options{Lateness: time.Duration(rapid.IntRange(0, 30).Draw(t, "lateness")) * time.Second}
		whole, fx := stepped(rs, o, slices.Clone(events))
		before := whole.Append(nil)
		keys := whole.FeatureKeys()
		whole.Step([]Record{end}, fx)
		for n := 1; n <= 4; n++ {
			o.Shards = n
			g, got := NewEngine(rs, o), new(Effects)
			for _, l := range g.ledgers {
				l.near = 0 // records are touched ahead
			}
			for rest := events; len(rest) > 0; {
				n := rapid.IntRange(1, len(rest)).Draw(t, "batch")
				g.StepEvents(slices.Clone(rest[:n]), got)
				rest = rest[n:]
			}
			if g.FeatureKeys() != keys {
				t.Fatalf("%d shards: %d keys, want %d", n, g.FeatureKeys(), keys)
			}
			same(t, fmt.Sprint(n, " shards: state"), string(g.Append(nil)), string(before))
			g.Step([]Record{end}, got)
			same(t, fmt.Sprint(n, " shards"), text(got), text(fx))
			same(t, fmt.Sprint(n, " shards: stats"), fmt.Sprint(g.Stats()), fmt.Sprint(whole.Stats()))
		}
	})
}

func TestFeaturesRestore(t *testing.T) {
	rs := watched(t)
	rapid.Check(t, func(t *rapid.T) {
		events := arriving(t)
		o := Options{Lateness: time.Duration(rapid.IntRange(0, 30).Draw(t, "lateness")) * time.Second}
		whole, fx := stepped(rs, o, slices.Clone(events))
		g, got := NewEngine(rs, o), new(Effects)
		for rest := events; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "batch")
			g.StepEvents(slices.Clone(rest[:n]), got)
			rest = rest[n:]
			state := g.Append(nil)
			o.Shards = rapid.IntRange(1, 4).Draw(t, "shards")
			restored, err := Restore(rs, o, state)
			if err != nil {
				t.Fatal(err)
			}
			same(t, "state restored", string(restored.Append(nil)), string(state))
			g = restored
		}
		same(t, "state", string(g.Append(nil)), string(whole.Append(nil)))
		g.Step([]Record{end}, got)
		whole.Step([]Record{end}, fx)
		same(t, "alerts", text(got), text(fx))
		same(t, "stats", fmt.Sprint(g.Stats()), fmt.Sprint(whole.Stats()))
	})
}

// observed returns an engine with records of every feature, and a list that has changed.
func observed(t testing.TB, rs *Ruleset) *Engine {
	g, fx := NewEngine(rs, Options{Lateness: 2 * time.Second}), new(Effects)
	r := random(9)
	for i := range 60 {
		e := pay(i/2, []string{"c1", "c2", "c3"}[r.next()%3], []string{"m1", "m2"}[r.next()%2], []string{"a", "b", "x"}[r.next()%3], float64(r.next()%5))
		e.row[fTo] = TextValue([]string{"c1", "c4"}[r.next()%2])
		g.StepEvents([]Event{e}, fx)
	}
	g.Step([]Record{put("blocked", "c1", 3, 100), put("blocked", "c2", 3, 0)}, fx)
	if len(fx.Alerts) == 0 || g.FeatureKeys() < 5 || len(g.order.held) == 0 || len(fx.Refused) > 0 {
		t.Fatal("nothing happened")
	}
	return g
}

// Whatever the bytes, Restore gives an error or an engine that works.
func FuzzRestoreFeatures(f *testing.F) {
	rs := watched(f)
	state := observed(f, rs).Append(nil)
	f.Add(state)
	for i := len(stateMagic) + 34; i < len(state)-4; i += len(state) / 50 {
		f.Add(replaced(state, i, state[i]+1))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < len(stateMagic)+5 {
			return
		}
		g, err := Restore(rs, Options{}, sealed(data))
		if err != nil {
			return
		}
		var fx Effects
		e := pay(200, "c1", "m1", "a", 1)
		e.Time = max(e.Time, g.order.now)
		g.StepEvents([]Event{e}, &fx)
		g.Step([]Record{put("blocked", "c9", 1, 0), end}, &fx)
		g.Append(nil)
	})
}

// What is cut off, or is of other features, is refused.
func TestRestoreFeaturesRefuses(t *testing.T) {
	state := observed(t, watched(t)).Append(nil)
	for n := range state {
		if _, err := Restore(watched(t), Options{}, state[:n]); err == nil {
			t.Fatalf("the first %d of %d bytes are taken for a state", n, len(state))
		}
	}
	for name, change := range map[string]func(rs *Ruleset){
		"window":  func(rs *Ruleset) { rs.Features[rCount].Spec.Window.Size++ },
		"name":    func(rs *Ruleset) { rs.Features[rCount].Name = "other" },
		"key":     func(rs *Ruleset) { rs.Features[rLast].Key.Fields = []FieldID{fTo} },
		"by type": func(rs *Ruleset) { rs.Features[rAccount].Key.ByType[tLogin] = fTo },
		"read":    func(rs *Ruleset) { rs.Reads[rSpent].Feature = int(rCount) },
		"own":     func(rs *Ruleset) { rs.Reads[rSpent].Own = true },
		"args":    func(rs *Ruleset) { rs.Reads[rSpentOf].Args = nil },
		"outcome": func(rs *Ruleset) {
			for _, r := range rs.Rules {
				r.Outcome = nil
			}
		},
	} {
		rs := watched(t)
		change(rs)
		if _, err := Restore(rs, Options{}, state); err == nil || !strings.Contains(err.Error(), "other rules") {
			t.Errorf("another %s: %v", name, err)
		}
	}
}

// A match that in_order holds back sees features as the event did that completed it,
// also behind a restore.
func TestHeldMatchKeepsItsFeatures(t *testing.T) {
	rs := watched(t)
	rs.Rules = slices.DeleteFunc(rs.Rules, func(r *Rule) bool { return r.ID != "held" })
	events := []Event{pay(1, "c1", "m1", "a", 9), pay(2, "c1", "m1", "a", 1), pay(3, "c1", "m1", "b", 5)}
	g, fx := stepped(rs, Options{}, events)
	if len(fx.Alerts) > 0 {
		t.Fatal("the match is not held")
	}
	g, err := Restore(rs, Options{}, g.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	g.StepEvents([]Event{pay(4, "c1", "m1", "x", 7)}, fx)
	g.Step([]Record{at(100)}, fx)
	if len(fx.Alerts) != 1 {
		t.Fatalf("%d alerts", len(fx.Alerts))
	}
	if got, want := show(fx.Alerts[0].Measures), show((&seer{rs, events}).row(3)); got != want {
		t.Errorf("it sees\n%s\nwant\n%s", got, want)
	}
}

// Every arrival order within lateness gives the same, as without features.
func TestFeaturesArrival(t *testing.T) {
	rs := watched(t)
	rapid.Check(t, func(t *rapid.T) {
		events := stream(t)
		for i := range events { // none of equal time, whose order counts
			events[i].Time += int64(i)
		}
		_, fx := stepped(rs, Options{}, slices.Clone(events), end)
		shift := rapid.IntRange(0, 5).Draw(t, "shift")
		arrived := slices.Clone(events)
		for i := 0; i+shift < len(arrived); i += shift + 1 {
			slices.Reverse(arrived[i : i+shift+1])
		}
		_, got := stepped(rs, Options{Lateness: time.Minute}, arrived, end)
		same(t, "out of order", text(got), text(fx))
	})
}

// A record with nothing left in its windows is dropped, also of a key that never comes
// back, by events of other keys and by the clock.
func TestRecordsAreDropped(t *testing.T) {
	rs := watched(t)
	for shards := 1; shards <= 3; shards++ {
		g, fx := NewEngine(rs, Options{Shards: shards}), new(Effects)
		most := 0
		for i := range 5000 {
			e := pay(i/10, fmt.Sprint("c", i), "m", "a", 1)
			g.StepEvents([]Event{e}, fx)
			fx.Reset()
			most = max(most, g.FeatureKeys())
		}
		if most > 2*10*12+1 { // ten keys a second, for 12 s, of two spaces that have them; one shop
			t.Errorf("%d shards: %d keys are kept of a window that has 240", shards, most)
		}
		g.Step([]Record{at(511)}, fx)
		if n := g.FeatureKeys(); n != 1 {
			t.Errorf("%d shards: %d keys are left, want that of the shop", shards, n)
		}
		g.Step([]Record{at(513)}, fx)
		if n := g.FeatureKeys(); n != 0 || g.Keys() != 0 {
			t.Errorf("%d shards: %d keys of features and %d of rules are left", shards, n, g.Keys())
		}
		for _, b := range g.books() {
			for _, l := range b.ledgers {
				for i := range l.spaces {
					if rs := l.spaces[i]; rs.n+rs.wheel.n > 0 {
						t.Errorf("%d shards: %d records, %d in the wheel", shards, rs.n, rs.wheel.n)
					}
				}
			}
		}
	}
}

// Only events that update or read a feature get a row.
func TestRowsAreOfThoseThatRead(t *testing.T) {
	rs := watched(t)
	for _, r := range rs.Rules {
		r.Types, r.Reads, r.Outcome, r.Measures, r.Having = []TypeID{tPay}, []ReadID{rSpent, rPairOf}, []ReadID{rSpent}, nil, nil
	}
	p := newScheme(rs, func(int) bool { return true }, true)
	var sizes []int
	for i := range p.types {
		sizes = append(sizes, p.types[i].size)
	}
	if want := []int{0, 2, 0}; !slices.Equal(sizes, want) {
		t.Errorf("slots by type: %v, want %v", sizes, want)
	}
	if p := NewEngine(rs, Options{}).layers[0].plan; p.isTimed(int(rPair)) || !p.isTimed(int(rSpent)) {
		t.Error("a rule that time completes looks at spent alone")
	}
}

func TestFeatureStats(t *testing.T) {
	rs := watched(t)
	nameless := pay(2, "", "m1", "a", 1)
	for shards := 1; shards <= 2; shards++ {
		g, _ := stepped(rs, Options{Shards: shards}, []Event{pay(1, "c1", "m1", "a", 1), nameless, pay(3, "c1", "m1", "x", 1)})
		stats := g.Stats().Features
		for read, want := range map[ReadID]FeatureStats{
			rSpent: {Events: 1, NoKey: 1}, rCount: {Events: 2, NoKey: 1}, rLast: {Events: 3}, rPair: {Events: 2, NoKey: 1}, rAccount: {NoKey: 3},
		} {
			if stats[read] != want {
				t.Errorf("%d shards: %s: %+v, want %+v", shards, rs.Features[read].Name, stats[read], want)
			}
		}
	}
}

// Beyond the bound of what is kept exactly, both the event and the reads are counted.
// All shards work out a key that is asked for; that it failed is said once.
func TestFaultsOfKeysCountOnce(t *testing.T) {
	rs := watched(t)
	var faults FaultCount
	rs.Reads[rSpentOf].Args = []func(*Scope) Value{func(s *Scope) Value {
		if !s.Again {
			faults.Add(errors.New("no key"))
		}
		return Value{}
	}}
	for shards := 1; shards <= 4; shards++ {
		before, _ := faults.Snapshot()
		stepped(rs, Options{Shards: shards}, []Event{pay(1, "c1", "m", "a", 1), pay(2, "c2", "m", "a", 1)})
		if n, _ := faults.Snapshot(); n != before+2 {
			t.Errorf("%d shards: %d faults of 2 events", shards, n-before)
		}
	}
}

func TestFeatureBound(t *testing.T) {
	rs := watched(t)
	rs.Rules = slices.DeleteFunc(rs.Rules, func(r *Rule) bool { return r.ID != "burst" })
	g := NewEngine(rs, Options{})
	events := make([]Event, 10_100)
	for i := range events {
		events[i] = pay(0, "c1", "m1", "y", 1)
		events[i].Time = int64(i)
	}
	g.StepEvents(events, new(Effects))
	for _, read := range []ReadID{rCount, rSpent} {
		if s := g.Stats().Features[read]; s.Bound != 100 || s.Rough < 100 {
			t.Errorf("%s: %+v", rs.Features[read].Name, s)
		}
	}
	bytes := g.FeatureBytes()
	if g.Step([]Record{at(100)}, new(Effects)); bytes < 1000 || g.FeatureBytes() >= bytes/10 {
		t.Errorf("%d bytes at the bound, %d without keys", bytes, g.FeatureBytes())
	}
}

// An event of keys that exist costs no memory.
func TestFeaturesAllocateNothing(t *testing.T) {
	rs := watched(t)
	rs.Rules = slices.DeleteFunc(rs.Rules, func(r *Rule) bool { return r.ID == "card" || r.ID == "merchant" || r.ID == "out" })
	g := NewEngine(rs, Options{})
	events := make([]Event, 64)
	for i := range events {
		events[i] = pay(100, fmt.Sprint("c", i%8), fmt.Sprint("m", i%3), "y", 0)
		events[i].row[fTo] = TextValue(fmt.Sprint("c", i%5))
	}
	var fx Effects
	ns := events[0].Time
	step := func() {
		for i := range events {
			ns += second / 8
			events[i].Time = ns
		}
		g.StepEvents(events, &fx)
	}
	for range 100 {
		step()
	}
	if n := testing.AllocsPerRun(200, step); n != 0 {
		t.Errorf("%v allocations for 64 events", n)
	}
}

// ten are ten features of three keys.
func ten() ([]*Feature, []Read) {
	card := FeatureKey{Names: []string{"card"}, Fields: []FieldID{fCard}}
	shop := FeatureKey{Names: []string{"merchant"}, Fields: []FieldID{fMerchant}}
	to := FeatureKey{Names: []string{"to"}, Fields: []FieldID{fTo}}
	pays := []TypeID{tPay}
	day, hour := int64(86400), int64(3600)
	daily := sliding(feature.Sum, day)
	daily.Resolution = hour * second
	before := sliding(feature.Mean, day)
	before.ExcludeCurrent = true
	features := []*Feature{
		{Key: card, Spec: sliding(feature.Count, hour)},
		{Key: card, Value: field(fAmount), Spec: daily},
		{Key: card, Value: field(fAmount), Spec: before},
		{Key: card, Spec: sliding(feature.SinceLast, day)},
		{Key: shop, Value: field(fAmount), Spec: feature.Spec{Value: feature.Stddev, Window: feature.Window{Shape: feature.Tumbling, Size: day * second}}},
		{Key: shop, Value: field(fAmount), Spec: sliding(feature.Max, hour)},
		{Key: shop, Spec: sliding(feature.Rate, hour)},
		{Key: to, Value: field(fCard), Spec: feature.Spec{Value: feature.Distinct, Window: feature.Window{Shape: feature.Tumbling, Size: day * second}}},
		{Key: to, Value: field(fMerchant), Spec: sliding(feature.Last, day)},
		{Key: to, Spec: feature.Spec{Value: feature.Count, Window: feature.Window{Shape: feature.Session, Size: hour * second}}},
	}
	var reads []Read
	for i, f := range features {
		f.Name, f.Types = fmt.Sprint("f", i), pays
		reads = append(reads, Read{Feature: i})
	}
	return features, reads
}

// spread are n payments on so many keys of three kinds, in a day.
func spread(n, keys int) []Event {
	names := func(prefix string, n int) []Value {
		values := make([]Value, n)
		for i := range values {
			values[i] = TextValue(fmt.Sprintf("%s-%09d", prefix, i))
		}
		return values
	}
	cards, shops, accounts := names("card", keys*6/10), names("shop", keys/10), names("account", keys*3/10)
	r := random(7)
	l := wideLayout(len(testFields))
	rows := make([]Value, n*len(testFields))
	events := make([]Event, n)
	step := 24 * int64(time.Hour) / int64(n)
	for i := range events {
		row := rows[i*len(testFields) : (i+1)*len(testFields)]
		row[fCard] = cards[r.next()%uint64(len(cards))]
		row[fMerchant] = shops[r.next()%uint64(len(shops))]
		row[fTo] = accounts[r.next()%uint64(len(accounts))]
		row[fKind], row[fAmount] = TextValue("approved"), NumberValue(100*r.float())
		events[i] = Event{Time: int64(i) * step, Type: tPay, Name: "pay", layout: l, row: row, Raw: "{}"}
	}
	return events
}

// Ten features of three keys, read by ten rules: each key has two events a day or more,
// and the day before has passed already.
func BenchmarkFeatures(b *testing.B) {
	features, reads := ten()
	var rules []*Rule
	for i := range features {
		r := makeRule(b, fmt.Sprint("r", i), "a -> b", nfa.Options{Within: time.Hour}, map[string]Cond{
			"a": {Event: func(s *Scope) bool { v := s.Feature(ReadID(i)); return v.Kind == Number && v.Number() > 1e6 }},
			"b": over(1),
		})
		r.Reads = []ReadID{ReadID(i)}
		rules = append(rules, r)
	}
	rs := rulesOf(rules...)
	rs.Features, rs.Reads = features, reads
	for _, keys := range []int{10_000, 1_000_000} {
		events := spread(2*keys, keys)
		for shards := 1; shards <= 2; shards++ {
			b.Run(fmt.Sprintf("%d_keys/%d_shards", keys, shards), func(b *testing.B) {
				b.ReportAllocs()
				var fx Effects
				g, n := NewEngine(rs, Options{Shards: shards}), 0
				block := make([]Event, 2048)
				step := func() {
					for i := range block {
						block[i] = events[n%len(events)]
						block[i].Time += int64(n/len(events)) * 24 * int64(time.Hour)
						n++
					}
					g.StepEvents(block, &fx)
				}
				for n < len(events) {
					step()
				}
				runtime.GC()
				for b.Loop() {
					step()
				}
				b.ReportMetric(float64(b.N)*float64(len(block))/b.Elapsed().Seconds(), "events/s")
				b.ReportMetric(float64(g.FeatureKeys()), "keys")
			})
		}
	}
}

// Keys that are not due: what they cost in memory, and each event beside them.
func BenchmarkIdleKeys(b *testing.B) {
	const keys = 4_000_000
	features, reads := ten()
	rs := rulesOf()
	rs.Features, rs.Reads = features[:4], reads[:4]
	b.Run(fmt.Sprint(keys), func(b *testing.B) {
		var fx Effects
		g := NewEngine(rs, Options{})
		start := heapInUse()
		events := make([]Event, 1024)
		n := 0
		next := func(name int) {
			for i := range events {
				events[i] = Event{Time: int64(n), Type: tPay, Name: "pay", layout: wide, row: []Value{TextValue(fmt.Sprintf("card-%09d", name+i)), {}, {}, NumberValue(1), {}}}
				n++
			}
			g.StepEvents(events, &fx)
		}
		for n < keys {
			next(n)
		}
		each := float64(heapInUse()-start) / float64(g.FeatureKeys())
		told := float64(g.FeatureBytes()) / float64(g.FeatureKeys())
		for b.Loop() {
			next(0)
		}
		b.ReportMetric(each, "B/key")
		b.ReportMetric(told, "told_B/key")
		b.ReportMetric(float64(b.N)*float64(len(events))/b.Elapsed().Seconds(), "events/s")
		runtime.KeepAlive(g)
	})
}

var wide = wideLayout(len(testFields))

func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
