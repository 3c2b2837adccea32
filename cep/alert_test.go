package cep

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"weir/nfa"
)

func TestAppendJSON(t *testing.T) {
	r := makeRule(t, "card-testing", "probe{2,}+ -> !alarm -> cashout -> x?", nfa.Options{Within: time.Hour},
		map[string]Cond{"probe": is("p"), "alarm": is("!"), "cashout": is("c"), "x": is("x")})
	r.Revision, r.Title, r.Tags = 3, "Card \"testing\"", []string{"card", "typology.card_testing"}
	r.Measures = []Measure{
		{"probes", func(s *Scope) Value { return NumberValue(float64(s.Captures.Len(0))) }},
		{"none", func(*Scope) Value { return Value{} }},
	}
	r.Message = func(*Scope) string { return "two probes" }
	_, fx := stepped(rulesOf(r), Options{}, []Event{pay(1, "c1", "m", "p", 1), pay(2, "c1", "m", "p", 2), pay(3, "c1", "m", "c", 3.5)})
	if len(fx.Alerts) != 1 {
		t.Fatalf("alerts:\n%s", lines(fx.Alerts))
	}
	a := fx.Alerts[0]
	got := string(AppendJSON(nil, &a))
	want := `{"id":"` + a.ID + `","version":1,"kind":"match",` +
		`"rule":{"id":"card-testing","revision":3,"title":"Card \"testing\"","tags":["card","typology.card_testing"]},` +
		`"key":{"card":"c1"},"time":"1970-01-01T00:00:03.000Z","score":75,"severity":"high","action":"review",` +
		`"message":"two probes","measures":{"probes":2,"none":null},` +
		`"events":{"probe":[{"type":"pay","ts":1000,"card":"c1","merchant":"m","kind":"p","amount":1},` +
		`{"type":"pay","ts":2000,"card":"c1","merchant":"m","kind":"p","amount":2}],` +
		`"cashout":{"type":"pay","ts":3000,"card":"c1","merchant":"m","kind":"c","amount":3.5}}}`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if !json.Valid([]byte(got)) {
		t.Error("not JSON")
	}
	a.Suppressed, a.Truncated, a.Kind = 2, true, TimeoutAlert
	shadow := *r
	shadow.Shadow, shadow.Title, shadow.Tags = true, "", nil
	a.Rule, a.Message, a.Events = &shadow, "", nil
	got = string(AppendJSON(nil, &a))
	for _, part := range []string{
		`"kind":"timeout","rule":{"id":"card-testing","revision":3}`,
		`"events":{"probe":[]},"suppressed":2,"truncated":true,"shadow":true}`,
	} {
		if !strings.Contains(got, part) || !json.Valid([]byte(got)) {
			t.Errorf("%s\nlacks %s", got, part)
		}
	}
}

// ids returns the ids of the alerts of one rule over events.
func ids(t *testing.T, r *Rule, events ...Event) []string {
	t.Helper()
	_, fx := stepped(rulesOf(r), Options{}, events, end)
	var all []string
	for _, a := range fx.Alerts {
		if !strings.HasPrefix(a.ID, "a_") || len(a.ID) != 26 {
			t.Fatalf("id %q", a.ID)
		}
		all = append(all, a.ID)
	}
	return all
}

func TestAlertID(t *testing.T) {
	one := func(change func(r *Rule, e *Event)) string {
		r := makeRule(t, "a", "a", nfa.Options{}, abc("a"))
		e := pay(1, "c", "m", "a", 1)
		change(r, &e)
		all := ids(t, r, e)
		if len(all) != 1 {
			t.Fatalf("%d alerts", len(all))
		}
		return all[0]
	}
	base := one(func(*Rule, *Event) {})
	if base != one(func(r *Rule, _ *Event) { r.Title, r.Default = "other", 1 }) {
		t.Error("the id depends on what the match is not")
	}
	for name, change := range map[string]func(*Rule, *Event){
		"rule":     func(r *Rule, _ *Event) { r.ID = "b" },
		"revision": func(r *Rule, _ *Event) { r.Revision = 2 },
		"key":      func(_ *Rule, e *Event) { e.row[fCard] = TextValue("d") },
		"line":     func(_ *Rule, e *Event) { e.Raw += " " },
		"time":     func(_ *Rule, e *Event) { e.Time++ },
		"event id": func(_ *Rule, e *Event) { e.ID = "7" },
	} {
		if one(change) == base {
			t.Errorf("another %s gives the same id", name)
		}
	}
	named := one(func(_ *Rule, e *Event) { e.ID = "7" })
	if named != one(func(_ *Rule, e *Event) { e.ID, e.Raw = "7", "{}" }) {
		t.Error("an event with an id is known by its line")
	}
}

func TestEqualAlertsHaveIDsOfTheirOwn(t *testing.T) {
	r := makeRule(t, "a", "a", nfa.Options{}, abc("a"))
	e := pay(1, "c", "m", "a", 1)
	_, fx := stepped(rulesOf(r), Options{}, []Event{e, e, pay(2, "c", "m", "a", 1), e})
	if len(fx.Alerts) != 3 || fx.Alerts[0].ID == fx.Alerts[1].ID {
		t.Fatalf("alerts:\n%s", lines(fx.Alerts))
	}
	first, second := fx.Alerts[0].Events[0].Name, fx.Alerts[1].Events[0].Name
	if second != first+"-2" {
		t.Errorf("equal lines are called %s and %s", first, second)
	}
	// Time-outs of two branches with the same captures.
	r = makeRule(t, "ab", "a -> b? -> c", nfa.Options{Within: time.Second, Timeout: true}, abc("a", "b", "c"))
	all := ids(t, r, pay(1, "c", "m", "a", 1), pay(1, "c", "m", "x", 1))
	if len(all) != 2 || all[0] == all[1] {
		t.Errorf("time-outs of two branches: %v", all)
	}
}

func TestSameLinesIsBounded(t *testing.T) {
	var s sameLines
	numbers := map[uint64]bool{}
	for i := range 3 * mostLines {
		e := Event{Raw: "a"}
		if i%2 == 1 {
			e.Raw = string(append([]byte("b"), byte(i), byte(i>>8), byte(i>>16)))
		}
		n := s.count(&e)
		if e.Raw == "a" {
			if numbers[n] {
				t.Fatalf("number %d is given twice", n)
			}
			numbers[n] = true
		}
	}
	if len(s.counts) > mostLines {
		t.Errorf("%d lines are kept", len(s.counts))
	}
}
