package cep

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"weir/cep/feature"
	"weir/cep/wire"
)

// memory are features of every form of several keys, read by events of their own key and
// of others, before an event counts and after it.
func memory(t *rapid.T) *Ruleset {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	keys := []FeatureKey{
		{Names: []string{"card"}, Fields: []FieldID{fCard}},
		{Names: []string{"merchant", "card"}, Fields: []FieldID{fMerchant, fCard}},
		{Names: []string{"account"}, ByType: map[TypeID]FieldID{tPay: fMerchant}},
	}
	windows := []feature.Window{
		{Size: 10 * second},
		{Size: 3 * second},
		{Shape: feature.Tumbling, Size: 4 * second},
		{Shape: feature.Session, Size: 3 * second},
		{Shape: feature.Hopping, Size: 9 * second, Every: 3 * second},
		{Shape: feature.Hopping, Size: 48 * 3600 * second, Every: 24 * 3600 * second, Zone: berlin},
		{Shape: feature.Forever},
	}
	var specs []feature.Spec
	for v := range feature.Rate + 1 {
		for _, w := range windows {
			for _, step := range []int64{0, second, 5 * second} {
				s := feature.Spec{Value: v, Window: w, Resolution: step}
				if v == feature.Quantile {
					s.Q = 0.7
				}
				if len(s.Check()) == 0 {
					specs = append(specs, s)
				}
			}
		}
	}
	rs := rulesOf()
	for i := range rapid.IntRange(1, 7).Draw(t, "features") {
		f := &Feature{
			Name: fmt.Sprint("f", i), Key: rapid.SampledFrom(keys).Draw(t, "key"), Spec: rapid.SampledFrom(specs).Draw(t, "spec"),
			Value: field(rapid.SampledFrom([]FieldID{fAmount, fAmount, fKind}).Draw(t, "value")),
		}
		f.Spec.ExcludeCurrent = f.Spec.Value != feature.Seen && f.Spec.Value != feature.SinceLast && rapid.IntRange(0, 4).Draw(t, "exclude") == 0
		if len(f.Spec.Check()) > 0 {
			f.Spec.ExcludeCurrent = false
		}
		if rapid.Bool().Draw(t, "pays") {
			f.Types = []TypeID{tPay}
		}
		if rapid.Bool().Draw(t, "where") {
			f.Where = func(s *Scope) bool { return s.Event.Field(fKind).Text != "x" }
		}
		rs.Features = append(rs.Features, f)
		rs.Reads = append(rs.Reads, Read{Feature: i, Own: rapid.IntRange(0, 3).Draw(t, "other") > 0})
		if rapid.IntRange(0, 3).Draw(t, "asked") == 0 {
			args := []func(*Scope) Value{field(fTo)}
			if len(f.Key.Names) == 2 {
				args = append(args, field(fTo))
			}
			rs.Reads = append(rs.Reads, Read{Feature: i, Args: args})
		}
		r := &Rule{ID: fmt.Sprint("r", i)}
		if rapid.Bool().Draw(t, "shown") {
			r.Evidence = i + 1
		}
		if rapid.IntRange(0, 2).Draw(t, "some") == 0 {
			r.Types = []TypeID{tPay}
		}
		rs.Rules = append(rs.Rules, r)
	}
	for _, r := range rs.Rules {
		for id := range rs.Reads {
			r.Reads = append(r.Reads, ReadID(id))
		}
	}
	return rs
}

// lateLedgers are ledgers that events come late to, beside all events that have come.
type lateLedgers struct {
	rs       *Ruleset
	scheme   *scheme
	ledgers  []*ledger
	lateness int64
	again    int // past.again
	now, low int64
	came     []*Event                   // that are not forgotten, in the order of arrival
	all      []Event                    // as they came, without rows
	asked    map[uint64]map[int32]Value // by origin: what they read that no later event changes, by slot
}

func newLateLedgers(rs *Ruleset, lateness int64, again, shards int) *lateLedgers {
	x := &lateLedgers{rs: rs, scheme: newEagerScheme(rs), lateness: lateness, again: again, now: beforeAll, low: beforeAll, asked: map[uint64]map[int32]Value{}}
	x.ledgers = x.empty(shards)
	return x
}

func (x *lateLedgers) empty(shards int) (all []*ledger) {
	for i := range shards {
		l := newLedger(x.scheme, NewLists(x.rs), i, shards)
		l.keepPast(x.lateness)
		l.past.again = x.again
		all = append(all, l)
	}
	return all
}

// come takes in an event that is not late by more than the lateness.
func (x *lateLedgers) come(e Event) {
	e.origin = uint64(len(x.all) + 1)
	e.nth = 1
	own := new(Event)
	*own = e
	x.scheme.lend(own)
	inOrder, before := e.Time >= x.now, x.low
	x.now = max(x.now, e.Time)
	x.low = max(x.low, x.now-x.lateness)
	own.low = x.low
	for _, l := range x.ledgers {
		if inOrder {
			l.observe([]*Event{own}, before)
		} else {
			l.insert(own, x.now, x.low)
		}
	}
	x.all = append(x.all, e)
	x.came = append(x.came, own)
	x.ask(&e)
}

// heldBack reports whether a key of a space holds back an event, or if that is nil holds
// back at all.
func (x *lateLedgers) heldBack(space int32, key *keyReader, e *Event) bool {
	l := x.ledgers[key.hash()%uint64(len(x.ledgers))]
	j := l.past.spaces[space].find(key.joined(), hashOf(key.joined()))
	if j == nil || !j.hold.holding || e == nil {
		return j != nil && j.hold.holding
	}
	return slices.ContainsFunc(j.items[j.hold.done:], func(i entry) bool { return i.event.origin == e.origin })
}

// waits reports whether an event has not been folded under its own key of a feature.
func (x *lateLedgers) waits(e *Event, f int) bool {
	var key keyReader
	fields := x.rs.Features[f].Key.fields(e.Type)
	return fields != nil && key.read(fields, e) && x.heldBack(x.scheme.places[f].space, &key, e)
}

// holds reports whether a key holds back.
func (x *lateLedgers) holds() bool {
	return slices.ContainsFunc(x.ledgers, func(l *ledger) bool { return len(l.past.holding) > 0 })
}

// ask works out what the last event reads that no later one changes: of keys that are worked
// out, and for rules of another key.
func (x *lateLedgers) ask(e *Event) {
	st := &x.scheme.types[e.Type+1]
	if !slices.ContainsFunc(x.rs.Reads, func(r Read) bool { return !r.Own || r.Args != nil }) {
		return
	}
	with, events := x.sorted(everyEvent)
	values := map[int32]Value{}
	for id, slot := range st.layout.slot {
		if read := &x.rs.Reads[id]; slot >= 0 && !read.Own && read.Args == nil {
			values[slot] = events[e.origin].features.values[slot]
		}
	}
	x.asked[e.origin] = values
	if len(st.before)+len(st.after) == 0 {
		return
	}
	read := func(l *ledger, a *ask) {
		l.scope.Event = e
		if !l.workOut(a) {
			return
		}
		place := x.scheme.places[a.feature]
		r, _ := l.spaces[place.space].find(&l.key)
		v, _ := l.spaces[place.space].plan.Read(&r.kept, int(place.number), x.now, l.item(x.rs.Features[a.feature]))
		values[a.slot] = valueOf(v)
	}
	without, _ := x.sorted(func(o *Event) bool { return o.origin != e.origin })
	for i := range st.before {
		read(without, &st.before[i])
	}
	for i := range st.after {
		read(with, &st.after[i])
	}
}

// peek holds a feature of the key that some event has against a fold of the events before t.
func (x *lateLedgers) peek(t *rapid.T, f int, e *Event, at int64) {
	place := x.scheme.places[f]
	var key keyReader
	if fields := x.rs.Features[f].Key.fields(e.Type); fields == nil || !key.read(fields, e) || x.heldBack(place.space, &key, nil) {
		return
	}
	want, _ := x.sorted(func(o *Event) bool { return o.Time < at })
	r, _ := want.spaces[place.space].find(&key)
	item, _ := want.spaces[place.space].plan.Read(&r.kept, int(place.number), at, feature.Item{})
	l := x.ledgers[key.hash()%uint64(len(x.ledgers))]
	if got := l.peek(f, &key, at); got != valueOf(item) {
		t.Fatalf("%+v of %q at %d is %v, in order %v", x.rs.Features[f].Spec, key.joined(), at, got, valueOf(item))
	}
}

// forget says that low has come and writes over the events that are not needed then.
func (x *lateLedgers) forget() {
	for _, l := range x.ledgers {
		l.trim(x.low)
	}
	x.came = slices.DeleteFunc(x.came, func(e *Event) bool {
		if e.Time >= x.low-x.lateness/latenessPart {
			return false
		}
		*e = Event{Time: -1 << 62, Type: 1 << 20}
		return true
	})
}

// sorted folds all events that some of are in their order.
func (x *lateLedgers) sorted(some func(*Event) bool) (*ledger, map[uint64]*Event) {
	l := newLedger(x.scheme, NewLists(x.rs), 0, 1)
	var events []*Event
	byOrigin := map[uint64]*Event{}
	for i := range x.all {
		if e := x.all[i]; some(&e) {
			x.scheme.lend(&e)
			events = append(events, &e)
			byOrigin[e.origin] = &e
		}
	}
	slices.SortFunc(events, func(a, b *Event) int {
		if a.earlier(b) {
			return -1
		}
		return 1
	})
	for _, e := range events {
		l.fold(e, nil)
	}
	return l, byOrigin
}

func everyEvent(*Event) bool { return true }

// records are the bytes of what a reader of time t sees of records, by space and key.
func recordsAt(ledgers []*ledger, t int64) map[string]string {
	all := map[string]string{}
	for _, l := range ledgers {
		for i, rs := range l.spaces {
			for r := range rs.all() {
				c, _, err := rs.plan.Decode(rs.plan.Append(nil, &r.kept))
				if err != nil {
					panic(err)
				}
				if !rs.plan.Trim(&c, t) {
					all[fmt.Sprint(i, " ", rs.text(r))] = string(rs.plan.Append(nil, &c))
				}
			}
		}
	}
	return all
}

// views are what alerts show of trails.
func views(c *scheme, e *Event) string {
	if !c.types[e.Type+1].shows {
		return ""
	}
	text := ""
	for n := range c.witnesses {
		text += fmt.Sprint(n, latest(c.witnesses[n].window(e.shown[n], e.Time)))
	}
	return text
}

// state is all that there is, as bytes.
func (x *lateLedgers) state() string {
	g := &Engine{rs: x.rs, scheme: x.scheme, ledgers: x.ledgers}
	g.order.low, g.order.now, g.options.Order = x.low, x.now, EagerOrder
	for _, l := range x.ledgers {
		l.expire(x.low)
	}
	w := &writer{wire.Writer{}}
	g.appendLedgers(w, x.scheme, x.ledgers)
	g.appendTrails(w, g.scheme, g.ledgers)
	appendPast(w, x.ledgers, x.low, func(e *Event) uint64 { return e.origin })
	return string(w.B)
}

// restore puts ledgers that are read from bytes in the place of those that there are.
func (x *lateLedgers) restore(state string, shards int) bool {
	ledgers := x.empty(shards)
	g := &Engine{rs: x.rs, scheme: x.scheme, ledgers: ledgers}
	g.order.low, g.order.now, g.options.Order = x.low, x.now, EagerOrder
	r := &reader{wire.Reader{Src: []byte(state)}}
	g.readLedgers(r, x.scheme, ledgers)
	g.readTrails(r, g.scheme, g.ledgers)
	events := map[uint64]*Event{}
	for _, e := range x.came {
		if e.Time >= x.low {
			events[e.origin] = e
		}
	}
	readPast(r, ledgers, x.low, x.now, func(n uint64) *Event { return events[n] })
	if r.Bad || len(r.Src) > 0 {
		return false
	}
	x.ledgers = ledgers
	return true
}

// check holds everything against a fold of the events in their order.
func (x *lateLedgers) check(t *rapid.T) {
	want, events := x.sorted(everyEvent)
	for _, e := range x.came {
		if e.Time < x.low {
			continue
		}
		o := events[e.origin]
		st := &x.scheme.types[e.Type+1]
		for id, slot := range st.layout.slot {
			if slot < 0 || !x.rs.Reads[id].Own || x.waits(e, x.rs.Reads[id].Feature) {
				continue
			}
			if got, want := e.features.values[slot], o.features.values[slot]; got != want {
				t.Fatalf("event %d at %d: read %d of %+v is %v, in order %v", e.origin, e.Time, id, x.rs.Features[x.rs.Reads[id].Feature].Spec, got, want)
			}
		}
		for slot, want := range x.asked[e.origin] { // where keys hold back that is what had been folded
			if got := e.features.values[slot]; got != want && x.again == mostAgain {
				t.Fatalf("event %d at %d: slot %d is %v, when it arrived %v", e.origin, e.Time, slot, got, want)
			}
		}
		if got, want := views(x.scheme, e), views(x.scheme, o); got != want && !x.holds() {
			t.Fatalf("event %d shows\n%s\nin order\n%s", e.origin, got, want)
		}
	}
	if got, want := recordsAt(x.ledgers, x.now), recordsAt([]*ledger{want}, x.now); !maps.Equal(got, want) && !x.holds() {
		t.Fatalf("records: %q\nin order: %q", got, want)
	}
	for _, l := range x.ledgers {
		for i, rs := range l.spaces {
			l.sound(t, i, rs)
		}
	}
}

// sound holds that each record is in one bucket at most, and the journals are whole.
func (l *ledger) sound(t *rapid.T, space int, rs *records) {
	in := map[feature.Ref]bool{}
	for _, b := range rs.wheel.buckets {
		for b != 0 {
			if in[b] {
				t.Fatal("a record is in two buckets")
			}
			in[b] = true
			r := rs.record(b)
			b = nextOf(r.head[0])
		}
	}
	n := 0
	for r := range rs.all() {
		if r.waits() != in[r.ref] {
			t.Fatalf("a record waits: %t, is in a bucket: %t", r.waits(), in[r.ref])
		}
		if n++; !rs.mixed && rs.wheel.width > 0 && !r.waits() {
			t.Fatal("a record is in no bucket")
		}
	}
	if n != rs.n || len(in) != rs.wheel.n {
		t.Fatalf("%d records, counted as %d; %d in buckets, counted as %d", n, rs.n, len(in), rs.wheel.n)
	}
	live := 0
	for i := range l.past.spaces[space].segments {
		live += l.past.spaces[space].segments[i].n
	}
	if live != l.past.spaces[space].len() {
		t.Fatalf("%d journals, counted as %d", live, l.past.spaces[space].len())
	}
}

// lateEvents draws events that come at most so much after their time.
func lateEvents(t *rapid.T, lateness int64) func(now int64) Event {
	r := random(rapid.Uint64().Draw(t, "seed"))
	steps := []int64{0, 0, 1, second / 50, second / 5, second, 2 * second, 20 * second}
	few := rapid.Uint64Range(1, 4).Draw(t, "cards")
	late := rapid.Uint64Range(1, 5).Draw(t, "late")
	return func(now int64) Event {
		s := steps[r.next()%uint64(len(steps))]
		if s > 5*second && r.next()%4 > 0 {
			s = 0
		}
		at := now + s
		if r.next()%5 < late {
			at = max(now-int64(r.next()%uint64(lateness+1)), now-lateness)
		}
		name, typ := "pay", tPay
		if r.next()%4 == 0 {
			name, typ = "login", tLogin
		}
		e := event(name, typ, at, fmt.Sprint("c", r.next()%few), fmt.Sprint("m", r.next()%3), []string{"x", "y", "z"}[r.next()%3], float64(r.next()%20))
		if r.next()%10 == 0 {
			e.row[fCard] = Value{}
		}
		e.row[fTo] = TextValue([]string{"c0", "c1", "m1"}[r.next()%3])
		e.Seq = int64(r.next() % 2)
		e.ID = fmt.Sprint(r.next())
		return e
	}
}

// Events that come late leave everything as if they had come in their order.
func TestLateEventsAreAsInOrder(t *testing.T) { lateAsInOrder(t, mostAgain) }

// So they do where keys hold back, once what they held back has been folded.
func TestHeldBackIsAsInOrder(t *testing.T) {
	lateAsInOrder(t, 3)
	lateAsInOrder(t, 0)
}

func lateAsInOrder(t *testing.T, again int) {
	held := 0
	rapid.Check(t, func(t *rapid.T) {
		lateness := rapid.SampledFrom([]int64{0, 5, second / 2, 3 * second, 8 * second, 40 * second}).Draw(t, "lateness")
		x := newLateLedgers(memory(t), lateness, again, rapid.IntRange(1, 3).Draw(t, "shards"))
		next := lateEvents(t, lateness)
		x.now = rapid.Int64Range(-1e15, 1e15).Draw(t, "begin")
		r := random(rapid.Uint64().Draw(t, "seed"))
		every := rapid.Uint64Range(1, 12).Draw(t, "checks")
		for range rapid.IntRange(1, 150).Draw(t, "events") {
			e := next(x.now)
			if e.Time == x.now {
				e.Seq = 1 // it comes in order
			}
			x.come(e)
			if x.holds() {
				held++
			}
			if r.next()%3 == 0 {
				x.forget()
			}
			if r.next()%20 == 0 {
				if state := x.state(); !x.restore(state, int(1+r.next()%3)) {
					t.Fatal("the state cannot be read back")
				} else if again := x.state(); again != state {
					n := 0
					for n < min(len(again), len(state)) && again[n] == state[n] {
						n++
					}
					t.Fatalf("from byte %d of %d and %d on the state read back is\n%.300q\nwas\n%.300q\nafter %.100q", n, len(again), len(state), again[n:], state[n:], again[max(0, n-100):n])
				}
			}
			if r.next()%4 == 0 {
				of := x.all[int(r.next()%uint64(len(x.all)))]
				x.peek(t, int(r.next()%uint64(len(x.rs.Features))), &of, x.low+int64(r.next()%uint64(x.now-x.low+3*second)))
			}
			if r.next()%every == 0 {
				x.check(t)
			}
		}
		for _, l := range x.ledgers {
			l.letGo(0, x.now) // the end: no late event comes any more
		}
		if x.holds() {
			t.Fatal("a key holds back for ever")
		}
		x.check(t)
		x.now += 1000 * 24 * 3600 * second
		x.low = x.now - lateness
		x.forget()
		for _, l := range x.ledgers {
			for i := range l.spaces {
				if n := l.past.spaces[i].len(); n > 0 {
					t.Fatalf("%d journals stay", n)
				}
				if n := l.spaces[i].n; n > 0 && !l.spaces[i].plan.Forever() {
					t.Fatalf("%d records stay", n)
				} else if m := l.spaces[i].mem; n == 0 && m.Idle() != m.Room() {
					t.Fatalf("%d bytes of no record are not given back", m.Room()-m.Idle())
				}
			}
		}
	})
	if again < mostAgain && held == 0 {
		t.Error("no key has held back")
	}
}

// A state of which a byte is another is refused, or it is one that could be; nothing panics.
func TestDamagedJournals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lateness := rapid.SampledFrom([]int64{second, 8 * second}).Draw(t, "lateness")
		x := newLateLedgers(memory(t), lateness, rapid.SampledFrom([]int{3, mostAgain}).Draw(t, "again"), 1)
		next := lateEvents(t, lateness)
		for range rapid.IntRange(1, 40).Draw(t, "events") {
			x.come(next(max(x.now, 0)))
		}
		state := []byte(x.state())
		r := random(rapid.Uint64().Draw(t, "seed"))
		for range 20 {
			damaged := slices.Clone(state)
			switch at := r.next() % uint64(len(state)); r.next() % 3 {
			case 0:
				damaged = damaged[:at]
			case 1:
				damaged[at] ^= 1 << (r.next() % 8)
			default:
				damaged[at] = byte(r.next())
			}
			x.restore(string(damaged), 1)
		}
	})
}

// Once there is memory for as many keys as come within the lateness, an event that comes in
// order costs none.
func TestJournalsAllocateNothing(t *testing.T) {
	features, reads := ten()
	rs := rulesOf(&Rule{ID: "r", Types: []TypeID{tPay}})
	rs.Features, rs.Reads = features, reads
	for i := range reads {
		rs.Rules[0].Reads = append(rs.Rules[0].Reads, ReadID(i))
	}
	c := newEagerScheme(rs)
	l := newLedger(c, NewLists(rs), 0, 1)
	const lateness = 3600 * second
	l.keepPast(lateness)
	all := spread(4096, 400)
	for i := range all {
		all[i].row[fKind], all[i].row[fMerchant] = NumberValue(1), TextValue("shop") // last keeps a copy of another text
	}
	events := make([]*Event, 64)
	n := 0
	step := func() {
		for i := range events {
			e := &all[n%len(all)]
			n++
			e.Time, e.origin = int64(n)*100*second, uint64(n)
			c.lend(e)
			events[i] = e
		}
		l.observe(events, events[0].Time-lateness)
		l.trim(events[len(events)-1].Time - lateness)
	}
	for range 4000 {
		step()
	}
	if n := testing.AllocsPerRun(300, step); n != 0 {
		t.Errorf("%v allocations for 64 events", n)
	}
}

// What came late to a key with more events than are kept exactly is rolled back too.
func TestLateBeyondTheBound(t *testing.T) {
	card := FeatureKey{Names: []string{"card"}, Fields: []FieldID{fCard}}
	rs := rulesOf(&Rule{ID: "r", Types: []TypeID{tPay}})
	for i, s := range []feature.Spec{
		sliding(feature.Count, 100), sliding(feature.Sum, 100),
		{Value: feature.Distinct, Window: feature.Window{Size: 100 * second}, Approx: true},
		{Value: feature.Quantile, Q: 0.5, Window: feature.Window{Size: 100 * second}, Approx: true},
		sliding(feature.Seen, 100),
	} {
		rs.Features = append(rs.Features, &Feature{Name: fmt.Sprint("f", i), Key: card, Value: field(fAmount), Spec: s})
		rs.Reads = append(rs.Reads, Read{Feature: i, Own: true})
		rs.Rules[0].Reads = append(rs.Rules[0].Reads, ReadID(i))
	}
	const lateness = 4 * second
	x := newLateLedgers(rs, lateness, mostAgain, 1)
	at := func(i int) int64 { return int64(i) * second / 150 }
	come := func(i int, ns int64) {
		e := pay(0, "c", "m", "a", float64(i*7919%20_000))
		e.Time, e.ID = ns, fmt.Sprint(i)
		x.come(e)
	}
	for i := range 12_000 {
		come(i, at(i))
		if i%100 == 0 {
			x.forget()
		}
	}
	for i := range 20 {
		come(20_000+i, x.now-int64(i)*lateness/20)
	}
	want, events := x.sorted(everyEvent)
	for _, e := range x.came {
		if o := events[e.origin]; e.Time >= x.low && !slices.Equal(e.features.values, o.features.values) {
			t.Fatalf("event %d knows %v, in order %v", e.origin, e.features.values, o.features.values)
		}
	}
	if got, want := recordsAt(x.ledgers, x.now), recordsAt([]*ledger{want}, x.now); !maps.Equal(got, want) {
		t.Fatal("the records differ")
	}
	if j := x.ledgers[0].past.spaces[0].all[0]; len(j.states) > 20 {
		t.Errorf("%d states of large records are kept for %d events", len(j.states), len(j.items))
	}
}
