package cep

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"weir/nfa"
)

// matchesOf adds the type of the matches of a rule to a ruleset.
func matchesOf(rs *Ruleset, r *Rule) TypeID {
	rs.Types = append(rs.Types, Type{Name: "alert." + r.ID, Alert: r})
	return TypeID(len(rs.Types) - 1)
}

// typed is a condition on the type alone.
func typed(t TypeID) Cond { return Cond{Types: []TypeID{t}} }

// first is a measure that has the name of a field: that of the first event of a variable.
func first(name string, v int, f FieldID) Measure {
	return Measure{name, func(s *Scope) Value { return *s.Captures.First(v).Field(f) }}
}

// An address tries accounts until one lets it in; a payout of that account within a day is
// a matter of another key.
func TestMatchHandsOverToAnotherKey(t *testing.T) {
	hit := makeRule(t, "hit", "fail{3,}+ -> hit", nfa.Options{Within: 15 * time.Minute}, map[string]Cond{"fail": is("failure"), "hit": is("success")})
	hit.Key = Key{Fields: []FieldID{fMerchant}, Names: []string{"merchant"}} // the address
	hit.Measures = []Measure{first("card", 1, fCard)}
	hit.Default = 60
	payout := makeRule(t, "payout", "hit -> payout", nfa.Options{Within: 24 * time.Hour}, map[string]Cond{"hit": {}, "payout": is("payout")})
	payout.Layer, payout.Default, payout.Action = 1, 90, "block"
	rs := rulesOf(hit, payout)
	alert := matchesOf(rs, hit)
	payout.Types = []TypeID{alert, tPay}
	payout.Conds[0] = typed(alert)
	_, fx := stepped(rs, Options{}, []Event{
		pay(1, "acc1", "ip", "failure", 1), pay(2, "acc2", "ip", "failure", 2), pay(3, "acc3", "ip", "failure", 3),
		pay(4, "acc4", "ip", "success", 4),
		pay(5, "acc3", "", "payout", 5), // of an account that was not hit
		pay(6, "acc4", "", "payout", 6),
		pay(7, "acc4", "", "payout", 7), // the match has taken the hit
	})
	if len(fx.Alerts) != 2 || len(fx.Decisions) != 2 {
		t.Fatalf("%d decisions, alerts:\n%s", len(fx.Decisions), lines(fx.Alerts))
	}
	h, p := fx.Alerts[0], fx.Alerts[1]
	if h.Key[0] != "ip" || p.Key[0] != "acc4" || p.Time != 6*second {
		t.Errorf("alerts:\n%s", lines(fx.Alerts))
	}
	want := fmt.Sprintf(`{"type":"alert.hit","ts":"1970-01-01T00:00:04.000Z","id":%q,"merchant":"ip","card":"acc4","score":60,"severity":"high"}`, h.ID)
	if got := p.Events[0]; got.Raw != want || got.Name != h.ID {
		t.Errorf("the hit as an event is called %s:\n%s\nwant:\n%s", got.Name, got.Raw, want)
	}
	if d := fx.Decisions[1]; d.Place != 6 || d.Score != 90 || d.Action.String() != "block" {
		t.Errorf("decision %+v", d)
	}
}

// A rule that matches several times on one event brings as many events, in the order of
// its matches, all at the place of the one.
func TestSeveralMatchesOnOneEventAreSeveralEvents(t *testing.T) {
	pairs := makeRule(t, "pairs", "a -> b", nfa.Options{Within: time.Minute, Skip: nfa.SkipNone}, abc("a", "b"))
	pairs.Measures = []Measure{first("amount", 0, fAmount)}
	rs := rulesOf(pairs)
	alert := matchesOf(rs, pairs)
	three := makeRule(t, "three", "p{3}", nfa.Options{}, map[string]Cond{"p": typed(alert)})
	three.Types, three.Layer = []TypeID{alert}, 1
	three.Measures = []Measure{{"amounts", func(s *Scope) Value {
		var b strings.Builder
		for _, e := range s.Captures.Append(nil, 0) {
			fmt.Fprint(&b, e.Field(fAmount).Number(), "@", e.Time/second, " ")
		}
		return TextValue(b.String())
	}}}
	next := makeRule(t, "zz-next", "t, b", nfa.Options{}, map[string]Cond{"t": {}, "b": is("b")}) // the event itself came before
	rs.Rules = append(rs.Rules, three, next)
	alerts := matchesOf(rs, three)
	next.Conds[0] = typed(alerts)
	next.Types, next.Layer = []TypeID{alerts, tPay}, 2
	_, fx := stepped(rs, Options{}, []Event{
		pay(1, "c", "", "a", 1), pay(2, "c", "", "a", 2), pay(3, "c", "", "a", 3), pay(3, "c", "", "b", 4), pay(3, "c", "", "b", 5),
	})
	var got []string
	for _, a := range fx.Alerts {
		if a.Rule != pairs {
			got = append(got, a.Rule.ID)
			for i := range a.Measures {
				got = append(got, a.Measures[i].Text)
			}
		}
	}
	if got, want := strings.Join(got, ", "), "three, 1@3 2@3 3@3 , zz-next"; got != want {
		t.Errorf("%s, want %s:\n%s", got, want, lines(fx.Alerts))
	}
	if len(fx.Decisions) != 2 || len(fx.Decisions[0].Reasons) != 2 || len(fx.Decisions[0].Reasons[0].Alerts) != 3 {
		t.Errorf("decisions: %+v", fx.Decisions)
	}
}

// A match that time brings stands before the events of its moment, for readers too.
func TestReadersSeeAnAbsenceBeforeTheEventsOfItsMoment(t *testing.T) {
	quiet := makeRule(t, "quiet", "a -> !b", nfa.Options{Within: 10 * time.Second}, abc("a", "b"))
	for name, last := range map[string]func(g *Engine, fx *Effects){
		"an event": func(g *Engine, fx *Effects) { g.StepEvents([]Event{pay(30, "c9", "", "x", 9)}, fx) },
		"clock":    func(g *Engine, fx *Effects) { g.Step([]Record{at(30)}, fx) },
		"end":      func(g *Engine, fx *Effects) { g.Step([]Record{end}, fx) },
	} {
		rs := rulesOf(quiet)
		alert := matchesOf(rs, quiet)
		then := makeRule(t, "then", "q, x", nfa.Options{Within: time.Minute}, map[string]Cond{"q": typed(alert), "x": is("x")})
		never := makeRule(t, "until", "x, q", nfa.Options{Within: time.Minute}, map[string]Cond{"x": is("x"), "q": typed(alert)})
		again := makeRule(t, "twice", "q -> !x", nfa.Options{Within: 5 * time.Second}, map[string]Cond{"q": typed(alert), "x": is("x")})
		for _, r := range []*Rule{again, then, never} {
			r.Types, r.Layer = []TypeID{alert, tPay}, 1
			rs.Rules = append(rs.Rules, r)
		}
		g, fx := stepped(rs, Options{}, []Event{pay(1, "c1", "", "a", 1), pay(2, "c2", "", "a", 2), pay(11, "c1", "", "x", 3)})
		last(g, fx)
		var got []string
		for _, a := range fx.Alerts {
			got = append(got, fmt.Sprintf("%s %s @%d", a.Rule.ID, a.Key[0], a.Time/second))
		}
		want := "quiet c1 @11, then c1 @11, quiet c2 @12, twice c2 @17"
		if got := strings.Join(got, ", "); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		if len(fx.Decisions) != 1 || fx.Decisions[0].Place != 3 {
			t.Errorf("%s: decisions %+v", name, fx.Decisions)
		}
	}
}

// A match that was held for an older open match is an event at the moment at which it
// comes out, also where the end brings it: times of events do not fall.
func TestReadersSeeAHeldMatchWhenItComesOut(t *testing.T) {
	held := makeRule(t, "held", "a -> b", nfa.Options{InOrder: true, Within: 10 * time.Second, Skip: nfa.SkipToNext}, map[string]Cond{
		"a": is("a"),
		"b": is("b").and(func(s *Scope) bool {
			return s.Captures.Last(0).Field(fMerchant).Text == s.Event.Field(fMerchant).Text
		}),
	})
	rs := rulesOf(held)
	alert := matchesOf(rs, held)
	reader := makeRule(t, "reader", "x -> h", nfa.Options{Within: 4 * time.Second}, map[string]Cond{"x": is("x"), "h": typed(alert)})
	reader.Types, reader.Layer = []TypeID{alert, tPay}, 1
	rs.Rules = append(rs.Rules, reader)
	events := []Event{pay(1, "c", "m1", "a", 1), pay(2, "c", "m2", "a", 2), pay(3, "c", "m2", "b", 3), pay(8, "c", "", "x", 4)}
	for name, last := range map[string]Record{"clock": at(60), "end": end} {
		_, fx := stepped(rs, Options{}, events, last)
		if len(fx.Alerts) != 2 || fx.Alerts[0].Time != 3*second || fx.Alerts[1].Time != 11*second {
			t.Errorf("%s:\n%s", name, lines(fx.Alerts))
		}
	}
}

// Matches of a shadow rule are events for shadow rules only.
func TestShadowFeedsShadowOnly(t *testing.T) {
	low := makeRule(t, "low", "a", nfa.Options{}, abc("a"))
	low.Shadow = true
	rs := rulesOf(low)
	alert := matchesOf(rs, low)
	for _, id := range []string{"live", "shade"} {
		r := makeRule(t, id, "l", nfa.Options{}, map[string]Cond{"l": typed(alert)})
		r.Types, r.Layer, r.Shadow = []TypeID{alert}, 1, id == "shade"
		rs.Rules = append(rs.Rules, r)
	}
	_, fx := stepped(rs, Options{}, []Event{pay(1, "c", "", "a", 1)})
	if len(fx.Alerts) != 2 || fx.Alerts[1].Rule.ID != "shade" || len(fx.Decisions) > 0 {
		t.Errorf("%d decisions, alerts:\n%s", len(fx.Decisions), lines(fx.Alerts))
	}
}

// A rule on all event types is on no matches.
func TestAllTypesAreNoMatches(t *testing.T) {
	low := makeRule(t, "low", "a", nfa.Options{}, abc("a"))
	all := makeRule(t, "top", "e", nfa.Options{}, map[string]Cond{"e": {}})
	rs := rulesOf(low, all)
	matchesOf(rs, low)
	all.Types, all.Layer = nil, 1
	_, fx := stepped(rs, Options{}, []Event{pay(1, "c", "", "a", 1)})
	wantAlerts(t, fx, "match low c @1 a:1\nmatch top c @1 e:1\n")
}

// Nobody can send a match: no event is called like one.
func TestMatchesFromOutsideAreRejected(t *testing.T) {
	low := makeRule(t, "low", "a", nfa.Options{}, abc("a"))
	rs := rulesOf(low)
	alert := matchesOf(rs, low)
	reader := makeRule(t, "reader", "l", nfa.Options{}, map[string]Cond{"l": {}})
	reader.Types, reader.Layer = []TypeID{alert}, 1
	all := makeRule(t, "star", "e", nfa.Options{}, map[string]Cond{"e": {}})
	all.Types = nil
	rs.Rules = append(rs.Rules, reader, all)
	g, fx := NewEngine(rs, Options{}), new(Effects)
	g.Step([]Record{{Kind: EventsRecord, Data: []byte(`{"type":"alert.low","ts":1000,"card":"c"}
{"type":"alert.other","ts":1000,"card":"c"}
{"type":"alerted","ts":1000,"card":"c"}
`), Line: 1}}, fx)
	if len(fx.Rejected) != 2 || !strings.Contains(fx.Rejected[0].Reason, "name of an event type") || fx.Rejected[1].Line != 2 {
		t.Errorf("rejected: %+v", fx.Rejected)
	}
	if len(fx.Alerts) != 1 || fx.Alerts[0].Rule != all {
		t.Errorf("alerts:\n%s", lines(fx.Alerts))
	}
}

// A derived field is a field in every respect: here a key, and what a condition asks.
func TestDerivedFieldIsKeyAndEvidence(t *testing.T) {
	const fBin = FieldID(5)
	r := makeRule(t, "bin", "e{2}", nfa.Options{}, map[string]Cond{"e": {Equals: []Equality{{FieldID(6), NumberValue(20)}}}})
	r.Key = Key{Fields: []FieldID{fBin}, Names: []string{"bin"}}
	rs := rulesOf(r)
	rs.Fields = append(append([]string(nil), testFields...), "bin", "double")
	rs.Types[tPay].Schema = &Schema{Time: "ts", Fields: map[string]Kind{"ts": Time, "card": Text, "amount": Number}}
	rs.Types[tPay].Derived = []Derived{
		{Field: fBin, Eval: func(s *Scope) Value {
			if v := s.Event.Field(fCard); len(v.Text) > 2 {
				return TextValue(v.Text[:2])
			}
			return Value{}
		}},
		{Field: 6, Eval: func(s *Scope) Value { // looks at the one before
			if s.Event.Field(fBin).Kind == Nil {
				return Value{}
			}
			return NumberValue(2 * s.Event.Field(fAmount).Number())
		}},
	}
	var data strings.Builder
	for i, card := range []string{"4111", "5222", "41zz", "9", "4199"} {
		fmt.Fprintf(&data, `{"type":"pay","ts":%d,"card":%q,"amount":10,"bin":"52"}`+"\n", 1000+i, card)
	}
	for _, whole := range []bool{true, false} {
		g, fx := NewEngine(rs, Options{Lateness: time.Hour}), new(Effects)
		records := []Record{{Kind: EventsRecord, Data: []byte(data.String()), Line: 1}}
		g.Step(records, fx)
		if !whole {
			restored, err := Restore(rs, Options{Lateness: time.Hour}, g.Append(nil)) // derived fields are part of the events held
			if err != nil {
				t.Fatal(err)
			}
			g = restored
		}
		g.Step([]Record{end}, fx)
		if len(fx.Alerts) != 1 || fx.Alerts[0].Key[0] != "41" || g.Stats().Rules[0].NoKey != 1 {
			t.Errorf("%d without a key, alerts:\n%s", g.Stats().Rules[0].NoKey, lines(fx.Alerts))
		}
	}
}

// A match as an event has the rule's key names, its measures, `score` and `severity`, and
// the type and time of an event. It has a name of its own also where it made no alert.
func TestFieldsOfAMatch(t *testing.T) {
	low := makeRule(t, "low", "a", nfa.Options{}, abc("a"))
	low.Severity, low.Default, low.Throttle = "critical", 42, time.Hour
	low.Measures = []Measure{first("shop", 0, fMerchant), {"none", func(*Scope) Value { return Value{} }}}
	rs := rulesOf(low)
	rs.Fields = append(append([]string(nil), testFields...), "shop", "none", "score", "severity", "type", "ts")
	alert := matchesOf(rs, low)
	top := makeRule(t, "top", "l", nfa.Options{}, map[string]Cond{"l": typed(alert)})
	top.Types, top.Layer = []TypeID{alert}, 1
	for f, name := range rs.Fields {
		top.Measures = append(top.Measures, first(name, 0, FieldID(f)))
	}
	rs.Rules = append(rs.Rules, top)
	e := NewEvent("pay", tPay, second, make([]Value, len(rs.Fields)))
	e.row[fCard], e.row[fMerchant], e.row[fKind], e.Raw = TextValue("c"), TextValue("m"), TextValue("a"), `{"n":1}`
	again := e.Clone()
	again.Time, again.Raw = 2*second, `{"n":2}`
	_, fx := stepped(rs, Options{}, []Event{*e, *again})
	if len(fx.Alerts) != 3 {
		t.Fatalf("alerts:\n%s", lines(fx.Alerts))
	}
	got := string(appendMeasures(nil, top, fx.Alerts[1].Measures))
	want := `,"measures":{"card":"c","merchant":null,"kind":null,"amount":null,"to":null,"shop":"m","none":null,"score":42,"severity":"critical","type":"alert.low","ts":"1970-01-01T00:00:01.000Z"}`
	if got != want {
		t.Errorf("fields%s\nwant%s", got, want)
	}
	loud, silenced := fx.Alerts[1].Events[0], fx.Alerts[2].Events[0]
	if loud.Name != fx.Alerts[0].ID || !strings.HasPrefix(silenced.Name, "a_") || silenced.Name == loud.Name {
		t.Errorf("the matches are called %s and %s, the alert %s", loud.Name, silenced.Name, fx.Alerts[0].ID)
	}
}
