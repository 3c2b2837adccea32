package cep

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"weir/cep/outcome"
	"weir/nfa"
)

// scored is a rule on one event of a kind with a score and an action.
func scored(t testing.TB, id, kind string, score float64, action string) *Rule {
	r := makeRule(t, id, "e", nfa.Options{}, map[string]Cond{"e": is(kind)})
	r.Default, r.Action = score, action
	return r
}

// Three weak signs, none of which would do, are as strong as their chances together:
// 100·(1 − 0.6·0.5·0.7) = 79.
func TestNoisyOrOfThreeRules(t *testing.T) {
	rs := rulesOf(scored(t, "a", "x", 40, "allow"), scored(t, "b", "x", 50, "allow"), scored(t, "c", "x", 30, "allow"), scored(t, "d", "y", 30, "allow"))
	rs.Policy = outcome.Policy{Combine: outcome.NoisyOr, Review: 40, Challenge: 60, Block: 80}
	_, fx := stepped(rs, Options{}, []Event{pay(1, "c1", "", "x", 1), pay(2, "c1", "", "y", 1), pay(3, "c1", "", "z", 1)})
	if got, want := decided(fx), "1: 79 challenge b a c; 2: 30 allow d"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// What shapes alerts shapes no decision: a match that throttle or edge silences decides
// like any other. Throttle counts what it silenced, edge does not.
func TestEdgeWithThrottle(t *testing.T) {
	r := scored(t, "a", "a", 90, "block")
	r.Edge, r.Throttle = true, 10*time.Second
	g, fx := stepped(rulesOf(r), Options{}, []Event{
		pay(1, "c", "", "a", 1),                          // an alert
		pay(2, "c", "", "a", 2), pay(3, "c", "", "a", 3), // still: edge
		pay(4, "c", "", "x", 4),
		pay(5, "c", "", "a", 5),                            // again, but soon: throttle
		pay(6, "c", "", "a", 6),                            // edge
		pay(7, "d", "", "x", 7),                            // another card
		event("login", tLogin, 10*second, "c", "", "x", 8), // not seen by the rule
		pay(11, "c", "", "a", 9),                           // the throttle is over, the edge is not
		pay(12, "c", "", "x", 10),                          //
		pay(13, "c", "", "a", 11),                          // an alert
	})
	wantAlerts(t, fx, "match a c @1 e:1\nmatch a c @13 e:11 suppressed 1\n")
	if len(fx.Decisions) != 7 {
		t.Errorf("decisions %s", decided(fx))
	}
	for i := range fx.Decisions {
		d := &fx.Decisions[i]
		if alerts := len(d.Reasons[0].Alerts); d.Score != 90 || d.Action != outcome.Block || (alerts == 1) != (i == 0 || i == 6) {
			t.Errorf("decision %d: %+v", i+1, d)
		}
	}
	if s := g.Stats().Rules[0]; s.Matches != 7 || s.Alerts != 2 || s.Suppressed != 1 {
		t.Errorf("stats: %+v", s)
	}
	g.StepEvents([]Event{pay(14, "c", "", "x", 1)}, fx)
	g.Step([]Record{at(23)}, fx)
	if g.Keys() != 0 {
		t.Error("the key is kept after its edge and its throttle")
	}
}

// A rule counts once, with its highest score, of which the reason shows message and
// measures; a shadow rule does not count.
func TestReasonShowsTheHighestMatch(t *testing.T) {
	r := makeRule(t, "ab", "a -> b", nfa.Options{Within: time.Minute, Skip: nfa.SkipNone}, abc("a", "b"))
	r.Score = func(s *Scope) Value { return *s.Captures.First(0).Field(fAmount) }
	r.Message = func(s *Scope) string { return fmt.Sprint("from ", s.Captures.First(0).Field(fAmount).Number()) }
	r.Measures = []Measure{first("shop", 0, fMerchant)}
	r.Throttle, r.Hold = time.Hour, time.Hour
	shade := scored(t, "shade", "b", 100, "block")
	shade.Shadow = true
	_, fx := stepped(rulesOf(r, shade), Options{}, []Event{
		pay(1, "c", "m1", "a", 20), pay(2, "c", "m2", "a", 60), pay(3, "c", "m3", "a", 60), pay(4, "c", "", "b", 1), pay(5, "c", "", "z", 1),
	})
	if got, want := decided(fx), "4: 60 review ab; 5: 60 review ab*"; got != want {
		t.Fatalf("%s, want %s", got, want)
	}
	reason := fx.Decisions[0].Reasons[0]
	if reason.Message != "from 60" || reason.Measures[0].Text != "m2" || len(reason.Alerts) != 1 || reason.Alerts[0] != fx.Alerts[0].ID {
		t.Errorf("reason %+v", reason)
	}
	if held := fx.Decisions[1].Reasons[0]; held.Message != "" || held.Measures != nil || held.Alerts != nil || held.Of != r {
		t.Errorf("of a hold: %+v", held)
	}
	text := string(AppendDecisionJSON(nil, &fx.Decisions[1]))
	if !strings.Contains(text, `"hold":true`) || strings.Contains(text, "shade") {
		t.Errorf("decision %s", text)
	}
}

// An absence and a time-out decide nothing: no event brought them.
func TestTimeDecidesNothing(t *testing.T) {
	absent := makeRule(t, "absent", "a -> !b", nfa.Options{Within: 5 * time.Second}, abc("a", "b"))
	slow := makeRule(t, "slow", "a -> b", nfa.Options{Within: 5 * time.Second, Timeout: true}, abc("a", "b"))
	_, fx := stepped(rulesOf(absent, slow), Options{}, []Event{pay(1, "c", "", "a", 1), pay(6, "c", "", "x", 1)})
	if len(fx.Alerts) != 2 || len(fx.Decisions) > 0 {
		t.Errorf("decisions %s, alerts:\n%s", decided(fx), lines(fx.Alerts))
	}
}

// Decisions are on events, by the place of each among all events that came.
func TestDecisionsAreOnEventsInTheirOrder(t *testing.T) {
	low := scored(t, "low", "a", 10, "allow")
	rs := rulesOf(low)
	alert := matchesOf(rs, low)
	upper := makeRule(t, "upper", "l", nfa.Options{}, map[string]Cond{"l": typed(alert)})
	upper.Types, upper.Layer = []TypeID{alert}, 1
	rs.Rules = append(rs.Rules, upper)
	a, b, c := pay(3, "c1", "", "a", 1), pay(1, "c2", "", "a", 1), pay(2, "c1", "", "x", 1)
	a.ID, b.ID = "first", "second"
	g, fx := stepped(rs, Options{Lateness: 10 * time.Second}, []Event{a, b, c}, halt)
	g.StepEvents([]Event{pay(4, "c3", "", "a", 1)}, fx)
	g.Step([]Record{halt}, fx)
	if got, want := decided(fx), "1: 75 review upper low; 3: 75 review upper low; 4: 75 review upper low"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if d := fx.Decisions[0]; d.Event != (Named{"pay", "second"}) || d.Time != second {
		t.Errorf("on %+v", d)
	}
}

func BenchmarkHeld(b *testing.B) {
	r := scored(b, "a", "a", 90, "block")
	r.Hold = 1 << 62
	g, fx := stepped(rulesOf(r), Options{}, []Event{pay(1, "held", "", "a", 1)})
	for _, card := range []string{"none", "held"} {
		one := []Event{pay(10, card, "", "x", 1)}
		b.Run(card, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				fx.Reset()
				one[0].Time++
				g.StepEvents(one, fx)
			}
		})
	}
}
