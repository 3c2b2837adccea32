package cep

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"weir/cep/feature"
	"weir/cep/list"
	"weir/nfa"
)

func emptyOf(t testing.TB, entries ...list.Entry) *list.List {
	t.Helper()
	l, err := list.New(list.Spec{Type: list.String, Value: list.Number})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := l.Put(e); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

const (
	blocked ListID = iota
	trusted
)

// listed has rules and a feature that look at lists. The list trusted begins with m1.
func listed(t testing.TB) *Ruleset {
	in := func(l ListID, f FieldID) func(*Scope) bool {
		return func(s *Scope) bool { _, ok := s.Find(l, s.Event.Field(f)); return ok }
	}
	rs := rulesOf(
		makeRule(t, "absent", "a -> !b", nfa.Options{Within: 5e9, Having: true}, abc("a", "b")),
		makeRule(t, "blocked", "e", nfa.Options{}, map[string]Cond{"e": {Event: in(blocked, fCard)}}),
		makeRule(t, "every", "e", nfa.Options{}, map[string]Cond{"e": {}}),
	)
	rs.Lists = []NamedList{{"blocked", emptyOf(t)}, {"trusted", emptyOf(t, list.Entry{Text: "m1", Value: list.NumberValue(7), Expires: list.Never})}}
	rs.Features = []*Feature{{
		Name: "foreign", Key: FeatureKey{Names: []string{"card"}, Fields: []FieldID{fCard}}, Spec: sliding(feature.Count, 20),
		Where: func(s *Scope) bool { return !in(trusted, fMerchant)(s) },
	}}
	rs.Reads = []Read{{Feature: 0}}
	card := TextValue("c1")
	value := func(l ListID, v Value) func(*Scope) Value {
		return func(s *Scope) Value { found, _ := s.Find(l, &v); return found }
	}
	for _, r := range rs.Rules {
		r.Reads, r.Outcome = []ReadID{0}, []ReadID{0}
		r.Measures = []Measure{
			{"foreign", func(s *Scope) Value { return *s.Feature(0) }},
			{"c1", value(blocked, card)},
			{"m1", value(trusted, TextValue("m1"))},
		}
	}
	rs.Rules[0].Having = func(s *Scope) bool { _, ok := s.Find(blocked, &card); return !ok }
	return rs
}

func put(name, text string, value float64, until int) Record {
	expires := int64(list.Never)
	if until > 0 {
		expires = int64(until) * second
	}
	return Record{Kind: ListRecord, Change: &ListChange{List: name, Entry: list.Entry{Text: text, Value: list.NumberValue(value), Expires: expires}}}
}

func lineOf(e Event) Record { return Record{Data: []byte(e.Raw), Line: 1} }

// told writes alerts with their measures.
func told(fx *Effects) string {
	var b strings.Builder
	for i := range fx.Alerts {
		a := &fx.Alerts[i]
		fmt.Fprintf(&b, "%s @%d", a.Rule.ID, a.Time/second)
		for j := range a.Measures {
			if v := &a.Measures[j]; v.Kind == Nil {
				b.WriteString(" -")
			} else {
				fmt.Fprintf(&b, " %v", v.Number())
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// A change of a list is seen by every event after it and by none before it, in
// conditions, features and measures, whatever else stands in the same step; an entry is
// there until the event time at which it expires.
func TestListChanges(t *testing.T) {
	rs := listed(t)
	records := []Record{
		lineOf(pay(1, "c1", "m1", "x", 1)),
		put("blocked", "c1", 3, 4),
		lineOf(pay(2, "c1", "m2", "x", 1)),
		{Kind: ListRecord, Change: &ListChange{List: "trusted", Action: RemoveEntry, Entry: list.Entry{Text: "m1"}}},
		lineOf(pay(3, "c1", "m1", "x", 1)),
		lineOf(pay(4, "c1", "m1", "x", 1)),
		put("blocked", "c1", 5, 0),
		put("trusted", "m1", 8, 0),
		lineOf(pay(5, "c1", "m1", "x", 1)),
		{Kind: ListRecord, Change: &ListChange{List: "blocked", Action: ExpireAll}},
		lineOf(pay(6, "c1", "m1", "x", 1)),
	}
	const want = "every @1 0 - 7\n" +
		"blocked @2 1 3 7\nevery @2 1 3 7\n" +
		"blocked @3 2 3 -\nevery @3 2 3 -\n" +
		"every @4 3 - -\n" +
		"blocked @5 3 5 8\nevery @5 3 5 8\n" +
		"every @6 3 - 8\n"
	for range 2 { // the first engine leaves the lists of the ruleset as they were
		g, fx := NewEngine(rs, Options{}), new(Effects)
		g.Step(records, fx)
		if got := told(fx); got != want || len(fx.Refused) > 0 {
			t.Errorf("got\n%swant\n%srefused: %v", got, want, fx.Refused)
		}
	}
}

// A match that time brings looks at lists as of its moment, also where all windows
// close at once.
func TestListsAtAMoment(t *testing.T) {
	for until, want := range map[int]string{6: "absent @6 1 - 7\n", 7: ""} {
		for _, r := range []Record{at(100), end} {
			g, fx := NewEngine(listed(t), Options{}), new(Effects)
			g.Step([]Record{put("blocked", "c1", 3, until), lineOf(pay(1, "c1", "m2", "a", 1))}, fx)
			fx.Reset()
			if g.Step([]Record{r}, fx); told(fx) != want {
				t.Errorf("blocked until %d: %q, want %q", until, told(fx), want)
			}
		}
	}
}

// Entries that have expired are freed before a list is changed and when time moves on.
func TestListsForget(t *testing.T) {
	g, fx := NewEngine(listed(t), Options{}), new(Effects)
	g.Step([]Record{put("blocked", "c1", 1, 4), lineOf(pay(5, "c1", "", "x", 1)), put("blocked", "c2", 1, 8)}, fx)
	if n := g.Lists().List(blocked).Len(); n != 1 {
		t.Errorf("%d entries after a change, want that of c2", n)
	}
	g.Step([]Record{at(8)}, fx)
	if n := g.Lists().List(blocked).Len(); n != 0 {
		t.Errorf("%d entries when time has moved on, want none", n)
	}
}

func TestListChangesRefused(t *testing.T) {
	g, fx := NewEngine(listed(t), Options{}), new(Effects)
	text := put("blocked", "c1", 1, 0)
	text.Change.Entry.Value = list.StringValue("x")
	text.Source, text.Line = 3, 17
	g.Step([]Record{put("vip", "c1", 1, 0), put("blocked", "", 1, 0), text, put("blocked", "c2", 1, 0)}, fx)
	var got []string
	for _, r := range fx.Refused {
		got = append(got, fmt.Sprintf("%d:%d %s: %s", r.Source, r.Line, r.Change.List, r.Reason))
	}
	want := []string{
		`0:0 vip: there is no list "vip"`,
		`0:0 blocked: the entry is empty`,
		`3:17 blocked: expected a value of type number, found one of type string`,
	}
	if !slices.Equal(got, want) || g.Stats().Refused != 3 || g.Lists().List(blocked).Len() != 1 {
		t.Errorf("refused: %q, counted %d; want %q", got, g.Stats().Refused, want)
	}
}

// script draws records: events, changes of lists, and the clock.
func script(t *rapid.T) []Record {
	var records []Record
	events := stream(t)
	for i := range events {
		if rapid.IntRange(0, 3).Draw(t, "change") == 0 {
			r := put(
				rapid.SampledFrom([]string{"blocked", "trusted", "none"}).Draw(t, "list"),
				rapid.SampledFrom([]string{"c1", "c2", "m1", "m2"}).Draw(t, "entry"),
				float64(i), int(events[i].Time/second)+rapid.IntRange(0, 12).Draw(t, "for"))
			r.Change.Action = rapid.SampledFrom([]ListAction{PutEntry, PutEntry, PutEntry, RemoveEntry, ExpireAll}).Draw(t, "action")
			records = append(records, r)
		}
		records = append(records, lineOf(events[i]))
	}
	return records
}

func TestListsChangeAtTheirRecord(t *testing.T) {
	rs := listed(t)
	rapid.Check(t, func(t *rapid.T) {
		records := script(t)
		o := Options{Lateness: rapid.SampledFrom([]time.Duration{0, 3e9, 30e9}).Draw(t, "lateness")}
		whole, fx := NewEngine(rs, o), new(Effects)
		whole.Step(records, fx)
		state := whole.Append(nil)
		whole.Step([]Record{end}, fx)
		g, got := NewEngine(rs, o), new(Effects)
		for rest := records; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "batch")
			g.Step(rest[:n], got)
			rest = rest[n:]
			if rapid.Bool().Draw(t, "restore") {
				o.Shards = rapid.IntRange(1, 4).Draw(t, "shards")
				restored, err := Restore(rs, o, g.Append(nil))
				if err != nil {
					t.Fatal(err)
				}
				g = restored
			}
		}
		same(t, "state", string(g.Append(nil)), string(state))
		g.Step([]Record{end}, got)
		same(t, "alerts", told(got)+text(got), told(fx)+text(fx))
		same(t, "refused", fmt.Sprint(len(got.Refused)), fmt.Sprint(len(fx.Refused)))
	})
}

// A state says of a list that has not changed what it began with.
func TestRestoreWantsTheSameLists(t *testing.T) {
	g, _ := stepped(listed(t), Options{}, []Event{pay(1, "c1", "m1", "a", 1)})
	state := g.Append(nil)
	other := listed(t)
	other.Lists[trusted].List = emptyOf(t)
	if _, err := Restore(other, Options{}, state); err == nil || !strings.Contains(err.Error(), `"trusted"`) {
		t.Errorf("other entries: %v", err)
	}
	g.Step([]Record{put("trusted", "m2", 1, 0)}, new(Effects))
	restored, err := Restore(other, Options{}, g.Append(nil))
	if err != nil || restored.Lists().List(trusted).Len() != 2 {
		t.Errorf("a list that has changed is not taken from the state: %v", err)
	}
	other.Lists[blocked].Name = "x"
	if _, err := Restore(other, Options{}, state); err == nil || !strings.Contains(err.Error(), "other rules") {
		t.Errorf("another list: %v", err)
	}
}

// What a Scope finds in lists of each type.
func TestFind(t *testing.T) {
	entries := func(s list.Spec, texts ...string) *list.List {
		l, err := list.New(s)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range texts {
			e := list.Entry{Text: text, Expires: list.Never}
			switch s.Value {
			case list.Bool:
				e.Value = list.BoolValue(true)
			case list.String:
				e.Value = list.StringValue("v")
			}
			if err := l.Put(e); err != nil {
				t.Fatal(err)
			}
		}
		return l
	}
	s := &Scope{Event: &Event{}, Lists: NewLists(&Ruleset{Lists: []NamedList{
		{"texts", entries(list.Spec{Type: list.String, Value: list.Bool}, "a", "12")},
		{"numbers", entries(list.Spec{Type: list.Number, Value: list.String}, "12")},
		{"nets", entries(list.Spec{Type: list.CIDR}, "10.0.0.0/8")},
	}})}
	for _, c := range []struct {
		list ListID
		v    Value
		want Value
		ok   bool
	}{
		{0, TextValue("a"), BoolValue(true), true},
		{0, TextValue("b"), Value{}, false},
		{0, NumberValue(12), Value{}, false},
		{1, NumberValue(12), TextValue("v"), true},
		{1, TextValue("12"), Value{}, false},
		{2, TextValue("10.1.2.3"), Value{}, true},
		{2, TextValue("11.1.2.3"), Value{}, false},
		{0, Value{}, Value{}, false},
	} {
		if got, ok := s.Find(c.list, &c.v); ok != c.ok || got != c.want {
			t.Errorf("list %d, %v: %v, %v", c.list, c.v, got, ok)
		}
	}
	if _, ok := (&Scope{}).Find(0, &Value{Kind: Text, Text: "a"}); ok {
		t.Error("a Scope without Lists finds something")
	}
}
