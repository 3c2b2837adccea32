package cep

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"weir/cep/outcome"
	"weir/nfa"
)

// decided writes decisions shortly: place, score, action, and the rules with * for a hold.
func decided(fx *Effects) string {
	var all []string
	for i := range fx.Decisions {
		d := &fx.Decisions[i]
		text := fmt.Sprintf("%d: %d %s", d.Place, d.Score, d.Action)
		for _, r := range d.Reasons {
			text += " " + r.Rule
			if r.Hold {
				text += "*"
			}
		}
		all = append(all, text)
	}
	return strings.Join(all, "; ")
}

// Three probes and a cash-out: the second cash-out is no match, as the first has taken
// the probes, and is blocked all the same.
func TestHoldBlocksTheSecondCashout(t *testing.T) {
	r := makeRule(t, "card-testing", "probe{3,}+ -> cashout", nfa.Options{Within: 30 * time.Minute}, abcd("probe", "p", "cashout", "c"))
	r.Hold, r.Action, r.Default = 24*time.Hour, "block", 70
	events := []Event{
		pay(1, "c1", "", "p", 1), pay(2, "c1", "", "p", 2), pay(3, "c1", "", "p", 3), pay(4, "c1", "", "c", 4), pay(5, "c1", "", "c", 5),
		pay(6, "c2", "", "c", 6), // another card
		pay(4+24*3600, "c1", "", "c", 7),
	}
	g, fx := stepped(rulesOf(r), Options{}, events)
	wantAlerts(t, fx, "match card-testing c1 @4 probe:1,2,3 cashout:4\n")
	if got, want := decided(fx), "4: 70 block card-testing; 5: 70 block card-testing*"; got != want {
		t.Errorf("decisions %s, want %s", got, want)
	}
	if s := g.Stats().Rules[0]; s.Holds != 1 || g.Keys() != 0 {
		t.Errorf("%d answers, %d keys are kept", s.Holds, g.Keys())
	}
}

// abcd are conditions of names on kinds, in pairs.
func abcd(pairs ...string) map[string]Cond {
	define := map[string]Cond{}
	for i := 0; i < len(pairs); i += 2 {
		define[pairs[i]] = is(pairs[i+1])
	}
	return define
}

// A hold answers for the events that the rule sees: of its types, that its `where` lets
// pass; not for time-outs, and not where the rule is a shadow, of which nothing is kept.
func TestHoldAnswersForWhatTheRuleSees(t *testing.T) {
	events := []Event{
		pay(1, "c", "", "a", 9), pay(2, "c", "", "x", 1), pay(3, "c", "", "x", 9),
		event("login", tLogin, 4*second, "c", "", "x", 9), pay(6, "c", "", "x", 9),
	}
	for _, shadow := range []bool{false, true} {
		r := makeRule(t, "a", "a", nfa.Options{}, abc("a"))
		where := over(5)
		r.Where, r.Hold, r.Shadow = &where, 5*time.Second, shadow
		g, fx := stepped(rulesOf(r), Options{}, events[:4])
		want, keys := "1: 75 review a; 3: 75 review a*", 1
		if shadow {
			want, keys = "", 0
		}
		if got := decided(fx); got != want || g.Keys() != keys {
			t.Errorf("shadow %t: decisions %s, %d keys are kept", shadow, got, g.Keys())
		}
		g.StepEvents(events[4:], fx)
		if got := decided(fx); got != want || g.Keys() != 0 {
			t.Errorf("shadow %t: decisions %s, %d keys are kept", shadow, got, g.Keys())
		}
	}
	slow := makeRule(t, "slow", "a -> b", nfa.Options{Within: 2 * time.Second, Timeout: true}, abc("a", "b"))
	slow.Hold = time.Hour
	if _, fx := stepped(rulesOf(slow), Options{}, events); len(fx.Decisions) > 0 || len(fx.Alerts) != 1 {
		t.Errorf("a time-out: decisions %s, alerts:\n%s", decided(fx), lines(fx.Alerts))
	}
}

// Throttle silences alerts, not the hold: it begins again with each match, and the
// highest score of those that last counts.
func TestHoldBeginsWithEveryMatch(t *testing.T) {
	r := makeRule(t, "a", "a", nfa.Options{}, abc("a"))
	r.Hold, r.Throttle = 10*time.Second, time.Hour
	r.Score = func(s *Scope) Value { return *s.Captures.First(0).Field(fAmount) }
	_, fx := stepped(rulesOf(r), Options{}, []Event{
		pay(0, "c", "", "a", 80), pay(5, "c", "", "a", 30), pay(9, "c", "", "x", 1), pay(10, "c", "", "x", 1), pay(14, "c", "", "x", 1), pay(15, "c", "", "x", 1),
	})
	if got, want := decided(fx), "1: 80 review a; 2: 80 review a; 3: 80 review a*; 4: 30 review a*; 5: 30 review a*"; got != want {
		t.Errorf("decisions %s, want %s", got, want)
	}
	if len(fx.Alerts) != 1 {
		t.Errorf("alerts:\n%s", lines(fx.Alerts))
	}
}

// What is kept of holds answers as all of them would, in whatever order they end.
func TestHoldsThatSayNoMoreAreDropped(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var st ruleState
		var all []hold
		now := int64(0)
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			h := hold{now + rapid.Int64Range(1, 9).Draw(t, "lasts"), rapid.IntRange(0, 4).Draw(t, "score")}
			st.hold(h.until, h.score)
			all = append(all, h)
			now += rapid.Int64Range(0, 4).Draw(t, "passes")
			if rapid.Bool().Draw(t, "let") {
				st.let(now)
			}
			for at := now; at < now+10; at++ {
				best, any := 0, false
				for _, h := range all {
					if at < h.until {
						best, any = max(best, h.score), true
					}
				}
				if score, ok := st.held(at); ok != any || score != best {
					t.Fatalf("at %d of %v: %d %t, want %d %t; kept %v", at, all, score, ok, best, any, st.holds)
				}
			}
			for i := 1; i < len(st.holds); i++ {
				if st.holds[i-1].until >= st.holds[i].until || st.holds[i-1].score <= st.holds[i].score {
					t.Fatalf("kept %v", st.holds)
				}
			}
		}
	})
}

// An event under a key with nothing costs no memory, whatever the rules would do with a
// match; one that a hold answers costs the decision.
func TestHoldIsCheap(t *testing.T) {
	r := makeRule(t, "ab", "a -> b", nfa.Options{Within: time.Hour}, abc("a", "b"))
	r.Hold, r.Throttle, r.Action = 1000*time.Hour, time.Hour, "block"
	reader := makeRule(t, "reader", "e", nfa.Options{}, map[string]Cond{"e": {}})
	rs := rulesOf(r)
	alert := matchesOf(rs, r)
	reader.Types, reader.Conds[0], reader.Layer, reader.Edge = []TypeID{alert}, typed(alert), 1, true
	rs.Rules = append(rs.Rules, reader)
	rs.Risks = []NamedRisk{{"card_risk", []string{"card"}, outcome.Risk{HalfLife: time.Hour}}}
	g, fx := stepped(rs, Options{}, []Event{pay(1, "held", "", "a", 1), pay(2, "held", "", "b", 1)})
	if len(fx.Alerts) != 2 {
		t.Fatalf("alerts:\n%s", lines(fx.Alerts))
	}
	now, id := 10*second, 0
	ids := make([]string, 1000)
	for i := range ids {
		ids[i] = strconv.Itoa(i)
	}
	for _, c := range []struct {
		card string
		most float64
	}{{"none", 0}, {"held", 8}} {
		one := []Event{pay(0, c.card, "", "x", 1)}
		step := func() {
			one[0].Time, one[0].ID = now, ids[id]
			now += second
			id++
			fx.Reset()
			g.StepEvents(one, fx)
		}
		for range 10 {
			step()
		}
		if answered := len(fx.Decisions) == 1; answered != (c.most > 0) {
			t.Errorf("decisions on an event of the card %q: %s", c.card, decided(fx))
		}
		n := testing.AllocsPerRun(200, step)
		t.Logf("an event of the card %q: %v allocations", c.card, n)
		if n > c.most {
			t.Errorf("an event of the card %q: %v allocations, want at most %v", c.card, n, c.most)
		}
	}
}
