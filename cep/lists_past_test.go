package cep

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"weir/cep/feature"
	"weir/cep/list"
	"weir/nfa"
)

// The lists of the ruleset settled: of cards, of addresses (an event's merchant is one),
// and of amounts.
const (
	onCards ListID = iota
	onNets
	onAmounts
)

// settled has rules that look at lists everywhere where they can: in a condition, in what
// is asked of a match, in a feature, and where the event is the match of another rule.
func settled(t testing.TB) *Ruleset {
	find := func(s *Scope, l ListID, v *Value) Value {
		found, ok := s.Find(l, v)
		if ok && found.Kind == Nil {
			return BoolValue(true)
		}
		return found
	}
	every := makeRule(t, "every", "e", nfa.Options{}, map[string]Cond{"e": {}})
	last := func(f FieldID) func(*Scope) *Value {
		return func(s *Scope) *Value { return s.Captures.Last(0).Field(f) }
	}
	for l, v := range []func(*Scope) *Value{last(fCard), last(fMerchant), last(fAmount)} {
		every.Measures = append(every.Measures, Measure{fmt.Sprint("l", l), func(s *Scope) Value { return find(s, ListID(l), v(s)) }})
	}
	every.Measures = append(every.Measures, Measure{"n", func(s *Scope) Value { return *s.Feature(0) }})
	every.Reads, every.Outcome = []ReadID{0}, []ReadID{0}
	listed := func(s *Scope) bool { _, ok := s.Find(onCards, s.Event.Field(fCard)); return ok }
	hit := makeRule(t, "hit", "e", nfa.Options{}, map[string]Cond{"e": {Event: listed}})
	above := makeRule(t, "above", "e", nfa.Options{}, map[string]Cond{"e": {Event: listed}})
	above.Layer = 1
	rs := rulesOf(above, every, hit)
	above.Types = []TypeID{matchesOf(rs, every)}
	for name, spec := range map[string]list.Spec{
		"cards": {Type: list.String, Value: list.Number}, "nets": {Type: list.CIDR, Value: list.Number}, "amounts": {Type: list.Number},
	} {
		l, err := list.New(spec)
		if err != nil {
			t.Fatal(err)
		}
		rs.Lists = append(rs.Lists, NamedList{name, l})
	}
	order := []string{"cards", "nets", "amounts"}
	slices.SortFunc(rs.Lists, func(a, b NamedList) int { return slices.Index(order, a.Name) - slices.Index(order, b.Name) })
	rs.Features = []*Feature{{
		Name: "n", Key: FeatureKey{Names: []string{"card"}, Fields: []FieldID{fCard}}, Spec: sliding(feature.Count, 10_000),
		Where: func(s *Scope) bool { _, ok := s.Find(onNets, s.Event.Field(fMerchant)); return ok },
	}}
	rs.Reads = []Read{{Feature: 0, Own: true}}
	return rs
}

// shelf is a list as a map, by the text of its entries.
type shelf map[string]list.Entry

func (s shelf) find(text string, t int64) (e list.Entry, ok bool) {
	e, ok = s[text]
	return e, ok && e.Expires > t
}

// contains is find for addresses: the longest prefix counts.
func (s shelf) contains(address string, t int64) (best list.Entry, ok bool) {
	length, a := -1, netip.MustParseAddr(address)
	for text := range s {
		p := netip.MustParsePrefix(text)
		if e, there := s.find(text, t); there && p.Contains(a) && p.Bits() > length {
			best, ok, length = e, true, p.Bits()
		}
	}
	return best, ok
}

// answered is an event with what lists said when it came.
type answered struct {
	time   int64
	card   string
	said   [3]string
	listed [3]bool
}

// answers is the reference of settled: each event has its answers from where it is
// accepted, and is then put into the order of time.
func answers(records []Record, events map[int]Event, lateness int64) string {
	shelves := map[string]shelf{"cards": {}, "nets": {}, "amounts": {}}
	var all []answered
	now := int64(-1 << 62)
	for i, r := range records {
		if c := r.Change; c != nil {
			switch c.Action {
			case MergeEntries, ReplaceEntries:
				if c.Action == ReplaceEntries {
					clear(shelves[c.List])
				}
				for e := range c.Entries.All() {
					shelves[c.List][e.Text] = e
				}
			case ExpireAll:
				clear(shelves[c.List])
			case RemoveEntry:
				delete(shelves[c.List], c.Entry.Text)
			default:
				shelves[c.List][c.Entry.Text] = c.Entry
			}
			continue
		}
		e := events[i]
		if e.Time < now-lateness {
			continue
		}
		now = max(now, e.Time)
		a := answered{time: e.Time, card: e.Field(fCard).Text}
		for l, find := range []func() (list.Entry, bool){
			func() (list.Entry, bool) { return shelves["cards"].find(a.card, e.Time) },
			func() (list.Entry, bool) { return shelves["nets"].contains(e.Field(fMerchant).Text, e.Time) },
			func() (list.Entry, bool) {
				return shelves["amounts"].find(strconv.FormatFloat(e.Field(fAmount).Number(), 'f', -1, 64), e.Time)
			},
		} {
			entry, ok := find()
			a.listed[l] = ok
			switch {
			case !ok:
				a.said[l] = "-"
			case entry.Value.Kind == list.None:
				a.said[l] = "true"
			default:
				a.said[l] = fmt.Sprint(entry.Value.Number)
			}
		}
		all = append(all, a)
	}
	slices.SortStableFunc(all, func(a, b answered) int { return int(a.time - b.time) })
	counts := map[string]int{}
	var out []string
	for _, a := range all {
		if a.listed[onNets] {
			counts[a.card]++
		}
		out = append(out, fmt.Sprintf("every @%d %s %s %s %s %d", a.time/second, a.card, a.said[0], a.said[1], a.said[2], counts[a.card]))
		if a.listed[onCards] {
			out = append(out, fmt.Sprintf("hit @%d %s", a.time/second, a.card), fmt.Sprintf("above @%d %s", a.time/second, a.card))
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// settledAlerts writes the alerts of settled as answers does.
func settledAlerts(fx *Effects) string {
	var out []string
	for i := range fx.Alerts {
		a := &fx.Alerts[i]
		line := fmt.Sprintf("%s @%d %s", a.Rule.ID, a.Time/second, a.Key[0])
		for j := range a.Measures {
			switch v := &a.Measures[j]; v.Kind {
			case Nil:
				line += " -"
			case Bool:
				line += " true"
			default:
				line += fmt.Sprint(" ", v.Number())
			}
		}
		out = append(out, line)
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// drawEntries draws entries that are put into a list at once.
func drawEntries(t *rapid.T, name string, value int) *list.List {
	spec := list.Spec{Type: map[string]list.Kind{"cards": list.String, "nets": list.CIDR, "amounts": list.Number}[name], Value: list.Number}
	if name == "amounts" {
		spec.Value = list.None
	}
	l, err := list.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range rapid.SliceOfDistinct(rapid.SampledFrom(settledEntries[name]), rapid.ID[string]).Draw(t, "entries") {
		e := list.Entry{Text: text, Expires: list.Never}
		if spec.Value == list.Number {
			e.Value = list.NumberValue(float64(value))
		}
		if err := l.Put(e); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

var settledEntries = map[string][]string{"cards": {"c1", "c2"}, "nets": {"10.0.0.0/8", "10.1.0.0/16", "10.1.1.1/32", "10.1.1.0/24"}, "amounts": {"1", "2"}}

// drawSettled draws events that come out of order, and changes of lists between them.
func drawSettled(t *rapid.T) (records []Record, events map[int]Event) {
	events = map[int]Event{}
	entries := settledEntries
	at := 100
	for i := range rapid.IntRange(0, 40).Draw(t, "records") {
		if rapid.IntRange(0, 1).Draw(t, "change") == 0 {
			name := rapid.SampledFrom([]string{"cards", "nets", "amounts"}).Draw(t, "list")
			c := &ListChange{List: name, Action: rapid.SampledFrom([]ListAction{PutEntry, PutEntry, PutEntry, RemoveEntry, RemoveEntry, ExpireAll, MergeEntries, ReplaceEntries}).Draw(t, "action")}
			if c.Action >= MergeEntries {
				c.Entries = drawEntries(t, name, i)
			} else if c.Action != ExpireAll {
				c.Entry = list.Entry{Text: rapid.SampledFrom(entries[name]).Draw(t, "entry"), Expires: list.Never}
			}
			if c.Action == PutEntry {
				if name != "amounts" {
					c.Entry.Value = list.NumberValue(float64(i))
				}
				if rapid.Bool().Draw(t, "expires") {
					c.Entry.Expires = int64(at+rapid.IntRange(-5, 10).Draw(t, "for")) * second
				}
			}
			records = append(records, Record{Kind: ListRecord, Change: c})
			continue
		}
		at += rapid.SampledFrom([]int{0, 0, 1, 3}).Draw(t, "step")
		e := pay(at-rapid.IntRange(0, 8).Draw(t, "behind"),
			rapid.SampledFrom([]string{"c1", "c2", "c3"}).Draw(t, "card"),
			rapid.SampledFrom([]string{"10.1.1.1", "10.1.1.2", "10.2.0.1", "11.0.0.1"}).Draw(t, "address"), "x",
			float64(rapid.IntRange(1, 3).Draw(t, "amount")))
		events[len(records)] = e
		records = append(records, lineOf(e))
	}
	return records, events
}

// What an event reads of lists is what they said when it arrived, however long it waits,
// and whatever the batches, the shards, and the points at which the state is written and
// read back.
func TestListsAreReadAsOfArrival(t *testing.T) {
	rs := settled(t)
	defer func(most int) { mostNoted = most }(mostNoted)
	mostNoted = 1 // more are put by making the list anew
	rapid.Check(t, func(t *rapid.T) {
		records, events := drawSettled(t)
		o := Options{Lateness: rapid.SampledFrom([]time.Duration{0, 2e9, 6e9, 30e9}).Draw(t, "lateness")}
		want := answers(records, events, int64(o.Lateness))
		g, fx := NewEngine(rs, o), new(Effects)
		for rest := append(slices.Clone(records), end); len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "batch")
			g.Step(rest[:n], fx)
			rest = rest[n:]
			if rapid.IntRange(0, 2).Draw(t, "restore") == 0 {
				o.Shards = rapid.IntRange(1, 3).Draw(t, "shards")
				state := g.Append(nil)
				restored, err := Restore(rs, o, state)
				if err != nil {
					t.Fatal(err)
				}
				if same(t, "state", string(restored.Append(nil)), string(state)); len(fx.Refused) > 0 {
					t.Fatal(fx.Refused)
				}
				g = restored
			}
		}
		same(t, "alerts", settledAlerts(fx), want)
	})
}

// changes is the number of changes of lists that are kept for events which came before.
func (g *Engine) changes() (n int) {
	for i := range g.lists.past {
		n += g.lists.past[i].Len()
	}
	return n
}

// What a change replaced is kept while an event that came before it may be asked for, and
// no longer.
func TestListsForgetWhatTheyWere(t *testing.T) {
	for _, c := range []struct {
		of     string
		o      Options
		before int // at the beginning a change, an event, a change
		moved  int // the watermark stands before the last event
		passed int // it has passed it
		after  int // the time in seconds that does so
	}{
		{"nothing waits", Options{}, 0, 0, 0, 5},
		{"an event waits", Options{Lateness: 3 * time.Second}, 1, 1, 0, 5},
		// What time brings looks at features, as of up to lateness before the watermark.
		{"an event may be repaired", Options{Order: EagerOrder, Lateness: 3 * time.Second}, 1, 1, 0, 8},
		{"an event of the same time may come before", Options{Order: EagerOrder}, 1, 0, 0, 5},
	} {
		g := NewEngine(listed(t), c.o)
		g.Step([]Record{put("blocked", "c1", 1, 0), lineOf(pay(1, "c1", "m1", "x", 1)), put("blocked", "c1", 2, 0)}, new(Effects))
		if got := g.changes(); got != c.before {
			t.Errorf("%s: %d changes are kept, want %d", c.of, got, c.before)
		}
		g.Step([]Record{at(4)}, new(Effects))
		if got := g.changes(); got != c.moved {
			t.Errorf("%s: %d changes are kept while the watermark is at the event, want %d", c.of, got, c.moved)
		}
		g.Step([]Record{at(c.after)}, new(Effects))
		if got := g.changes(); got != c.passed {
			t.Errorf("%s: %d changes are kept when it has passed, want %d", c.of, got, c.passed)
		}
	}
}

// A change that is refused leaves nothing behind for those who came before it.
func TestRefusedChangesAreNotKept(t *testing.T) {
	g, fx := NewEngine(listed(t), Options{Lateness: time.Minute}), new(Effects)
	text := put("blocked", "c1", 1, 0)
	text.Change.Entry.Value = list.StringValue("x")
	g.Step([]Record{lineOf(pay(1, "c1", "m1", "x", 1)), text, put("blocked", "", 1, 0)}, fx)
	if n := g.changes(); n != 0 || len(fx.Refused) != 2 {
		t.Errorf("%d changes are kept of %d refused", n, len(fx.Refused))
	}
}

// A state in which something came after the last event that was accepted is damaged.
func TestRestoreRefusesWhatHasNotArrived(t *testing.T) {
	waits := Options{Lateness: time.Minute}
	for of, c := range map[string]struct {
		o       Options
		records []Record
	}{
		"an event that waits": {waits, []Record{lineOf(pay(1, "c1", "m1", "x", 1))}},
		"a captured event":    {waits, []Record{lineOf(pay(1, "c1", "m1", "a", 1)), at(62)}},
		"a change of a list":  {Options{Order: EagerOrder}, []Record{lineOf(pay(1, "c1", "m1", "x", 1)), put("blocked", "c1", 1, 0)}},
	} {
		rs := listed(t)
		rs.Rules[0] = makeRule(t, "absent", "a -> b", nfa.Options{}, abc("a", "b"))
		g := NewEngine(rs, c.o)
		g.Step(c.records, new(Effects))
		if _, err := Restore(rs, c.o, g.Append(nil)); err != nil {
			t.Fatalf("%s: %v", of, err)
		}
		g.order.arrived = 0
		if _, err := Restore(rs, c.o, g.Append(nil)); err == nil {
			t.Errorf("%s: taken for a state", of)
		}
	}
}
