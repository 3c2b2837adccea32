package cep

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"weir/nfa"
)

// zoo has a rule of every kind: links, loops, negations, time-outs, skip
// strategies, conditions on captures, throttle, and four kinds of key.
func zoo(t testing.TB) *Ruleset {
	rs := rulesOf(
		makeRule(t, "absence", "a -> !b", nfa.Options{Within: 5 * time.Second}, abc("a", "b")),
		makeRule(t, "any", "a ->> b ->> c", nfa.Options{Within: 8 * time.Second, Skip: nfa.SkipNone}, abc("a", "b", "c")),
		makeRule(t, "in-order", "a+ -> c", nfa.Options{Within: 6 * time.Second, Skip: nfa.SkipToNext, InOrder: true}, abc("a", "c")),
		makeRule(t, "merchant", "a, b", nfa.Options{Skip: nfa.SkipToNext}, abc("a", "b")),
		makeRule(t, "mule", "a -> b", nfa.Options{Within: 9 * time.Second}, abc("a", "b")),
		makeRule(t, "pair", "a{2} -[<4s]-> b", nfa.Options{Within: 9 * time.Second, Timeout: true}, abc("a", "b")),
		makeRule(t, "rising", "a{2,}+ -> b", nfa.Options{Within: 10 * time.Second}, map[string]Cond{
			"a": is("a").and(func(s *Scope) bool {
				sum := s.Captures.Aggregate(0)
				return sum.N == 0 || s.Event.Field(fAmount).Number() >= sum.Sum/float64(sum.N)
			}),
			"b": over(1),
		}),
		makeRule(t, "throttled", "a | b -> c", nfa.Options{Within: 7 * time.Second}, abc("a", "b", "c")),
		makeRule(t, "unless", "a -> c", nfa.Options{}, map[string]Cond{"a": is("a"), "c": over(2), "unless": is("b")}),
	)
	rule := func(id string) *Rule {
		return rs.Rules[slices.IndexFunc(rs.Rules, func(r *Rule) bool { return r.ID == id })]
	}
	rule("any").Types = nil
	rule("merchant").Key = Key{Fields: []FieldID{fMerchant, fCard}, Names: []string{"merchant", "card"}}
	rule("mule").Key = Key{ByName: []FieldID{fTo, fCard}, Names: []string{"account"}}
	rule("rising").Aggregates = []AggregateOf{{Var: 0, Field: fAmount}}
	rule("rising").Measures = []Measure{{"sum", func(s *Scope) Value { return NumberValue(s.Captures.Aggregate(0).Sum) }}}
	rule("rising").Score = func(s *Scope) Value { return s.Measures[0] }
	rule("throttled").Throttle = 6 * time.Second
	return rs
}

// stream draws events in order of time, some of the same time and some equal.
func stream(t *rapid.T) []Event {
	second := 100
	var events []Event
	for range rapid.IntRange(0, 60).Draw(t, "events") {
		second += rapid.SampledFrom([]int{0, 0, 1, 1, 2, 5}).Draw(t, "step")
		name, typ := "pay", tPay
		if rapid.IntRange(0, 9).Draw(t, "type") == 0 {
			name, typ = "login", tLogin
		}
		e := event(name, typ, int64(second)*int64(time.Second),
			rapid.SampledFrom([]string{"c1", "c2", "c3", ""}).Draw(t, "card"),
			rapid.SampledFrom([]string{"m1", "m2"}).Draw(t, "merchant"),
			rapid.SampledFrom([]string{"a", "a", "b", "c", "x"}).Draw(t, "kind"),
			float64(rapid.IntRange(1, 4).Draw(t, "amount")))
		if to := rapid.SampledFrom([]string{"c1", "c2", "c4", ""}).Draw(t, "to"); to != "" {
			e.row[fTo] = TextValue(to)
			e.Raw = strings.TrimSuffix(e.Raw, "}") + `,"to":"` + to + `"}`
		}
		events = append(events, e)
	}
	return events
}

// The streams make every rule of the zoo speak.
func TestZooSpeaks(t *testing.T) {
	rs := zoo(t)
	spoke := map[string]bool{}
	rapid.Check(t, func(t *rapid.T) {
		_, fx := stepped(rs, Options{}, stream(t), end)
		for _, a := range fx.Alerts {
			spoke[a.Rule.ID] = true
			spoke[a.Kind.String()] = true
			if a.Suppressed > 0 {
				spoke["suppressed"] = true
			}
		}
	})
	if want := len(rs.Rules) + 3; len(spoke) != want {
		t.Errorf("%d of %d came: %v", len(spoke), want, spoke)
	}
}

// text is everything that effects say.
func text(fx *Effects) string {
	var b []byte
	for i := range fx.Alerts {
		b = append(AppendJSON(b, &fx.Alerts[i]), '\n')
	}
	for _, l := range fx.Late {
		b = fmt.Appendf(b, "late %s %d\n", l.Raw, l.Behind)
	}
	for _, c := range fx.Conflicts {
		b = fmt.Appendf(b, "conflict %s %s %s %x %d\n", c.Type, c.ID, c.Raw, c.First, c.Since)
	}
	return string(b)
}

func same(t *rapid.T, what, got, want string) {
	if got != want {
		t.Fatalf("%s:\n%s\nwant:\n%s", what, got, want)
	}
}

func TestBatchesChangeNothing(t *testing.T) {
	rs := zoo(t)
	rapid.Check(t, func(t *rapid.T) {
		events := rapid.Permutation(stream(t)).Draw(t, "arrival")
		o := Options{Lateness: time.Duration(rapid.IntRange(0, 30).Draw(t, "lateness")) * time.Second}
		_, fx := stepped(rs, o, slices.Clone(events), end)
		g, parts := NewEngine(rs, o), new(Effects)
		for len(events) > 0 {
			n := rapid.IntRange(1, len(events)).Draw(t, "batch")
			g.StepEvents(slices.Clone(events[:n]), parts)
			events = events[n:]
		}
		g.Step([]Record{end}, parts)
		same(t, "in batches", text(parts), text(fx))
		for _, st := range kept(g) {
			if st.due != never {
				t.Fatalf("%s still waits for a time at the end", rs.Rules[st.rule].ID)
			}
			if id := rs.Rules[st.rule].ID; st.suppressed == 0 && id != "merchant" && id != "unless" {
				t.Fatalf("%s keeps something at the end", id) // it has a window
			}
		}
	})
}

// kept returns all that is kept for rules.
func kept(g *Engine) (states []ruleState) {
	for _, s := range g.layers[0].shards {
		for _, table := range s.tables {
			for _, ks := range table {
				states = append(states, ks.rules...)
			}
		}
	}
	return states
}

func TestShardsChangeNothing(t *testing.T) {
	rs := zoo(t)
	rapid.Check(t, func(t *rapid.T) {
		events := stream(t)
		for len(events) > 0 && len(events) < 2*inline && rapid.Bool().Draw(t, "more") {
			events = append(events, events...) // so many that the shards run in parallel
			slices.SortStableFunc(events, func(a, b Event) int { return int(a.Time - b.Time) })
		}
		_, fx := stepped(rs, Options{}, slices.Clone(events), end)
		for n := 2; n <= 4; n++ {
			_, got := stepped(rs, Options{Shards: n}, slices.Clone(events), end)
			same(t, fmt.Sprint(n, " shards"), text(got), text(fx))
		}
	})
}

// Events of other keys, or events that no rule sees, change nothing for a key.
func TestKeysAreApart(t *testing.T) {
	rs := rulesOf(zoo(t).Rules...)
	rs.Rules = slices.DeleteFunc(rs.Rules, func(r *Rule) bool { return r.ID == "mule" })
	rapid.Check(t, func(t *rapid.T) {
		events := stream(t)
		_, all := stepped(rs, Options{}, slices.Clone(events), end)
		var want, got []string
		for _, card := range []string{"c1", "c2", "c3"} {
			var own []Event
			for _, e := range events {
				if e.row[fCard].Text == card {
					own = append(own, e)
				}
			}
			_, fx := stepped(rs, Options{}, own, end)
			for i := range fx.Alerts {
				want = append(want, string(AppendJSON(nil, &fx.Alerts[i])))
			}
		}
		for i := range all.Alerts {
			got = append(got, string(AppendJSON(nil, &all.Alerts[i])))
		}
		slices.Sort(want)
		slices.Sort(got)
		same(t, "all keys at once", strings.Join(got, "\n"), strings.Join(want, "\n"))
	})
}

func TestArrivalChangesNothing(t *testing.T) {
	rs := zoo(t)
	rapid.Check(t, func(t *rapid.T) {
		events := stream(t)
		const lateness = 10 * time.Second
		_, fx := stepped(rs, Options{}, slices.Clone(events), end)
		// Each event arrives up to lateness after its time; those of the same time
		// stay in their order.
		type arrival struct {
			e    Event
			when int64
		}
		var arrivals []arrival
		for i, e := range events {
			when := e.Time + int64(rapid.IntRange(0, int(lateness)).Draw(t, "delay"))
			if i > 0 && events[i-1].Time == e.Time {
				when = max(when, arrivals[i-1].when)
			}
			arrivals = append(arrivals, arrival{e, when})
		}
		slices.SortStableFunc(arrivals, func(a, b arrival) int { return int(a.when - b.when) })
		var arrived []Event
		for _, a := range arrivals {
			arrived = append(arrived, a.e)
		}
		_, got := stepped(rs, Options{Lateness: lateness}, arrived, end)
		same(t, "out of order", text(got), text(fx))
	})
}

func TestRestoreChangesNothing(t *testing.T) {
	rs := zoo(t)
	rapid.Check(t, func(t *rapid.T) {
		events := rapid.Permutation(stream(t)).Draw(t, "arrival")
		o := Options{Lateness: time.Duration(rapid.IntRange(0, 30).Draw(t, "lateness")) * time.Second}
		whole, fx := stepped(rs, o, slices.Clone(events))
		n := rapid.IntRange(0, len(events)).Draw(t, "cut")
		first, got := stepped(rs, o, slices.Clone(events[:n]))
		state := first.Append(nil)
		o.Shards = rapid.IntRange(1, 3).Draw(t, "shards")
		second, err := Restore(rs, o, state)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "state restored", string(second.Append(nil)), string(state))
		second.StepEvents(slices.Clone(events[n:]), got)
		same(t, "state", string(second.Append(nil)), string(whole.Append(nil)))
		same(t, "stats", fmt.Sprint(second.Stats()), fmt.Sprint(whole.Stats()))
		second.Step([]Record{end}, got)
		whole.Step([]Record{end}, fx)
		same(t, "alerts", text(got), text(fx))
	})
}

// The index of dispatch is a shortcut: without equalities the same comes out.
func TestDispatchChangesNothing(t *testing.T) {
	rs, plain := zoo(t), zoo(t)
	for _, r := range plain.Rules {
		for i := range r.Conds {
			r.Conds[i].Equals = nil
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		events := stream(t)
		_, want := stepped(plain, Options{}, slices.Clone(events), end)
		_, got := stepped(rs, Options{}, slices.Clone(events), end)
		same(t, "with an index", text(got), text(want))
	})
}

// Aggregates kept with the captures are those of the list.
func TestAggregatesAreThoseOfTheList(t *testing.T) {
	rule := func(cond func(*Scope) bool) *Rule {
		r := makeRule(t, "loop", "a{2,} -> b", nfa.Options{Within: 200 * time.Second, Skip: nfa.SkipNone}, map[string]Cond{
			"a": is("a").and(cond), "b": over(0),
		})
		r.Aggregates = []AggregateOf{{Var: 1, Field: fAmount}, {Var: 0, Field: fAmount}}
		return r
	}
	r := rule(func(s *Scope) bool {
		var want Aggregate
		for _, e := range s.Captures.Append(nil, 0) {
			want.add(e.Field(fAmount))
		}
		if got := s.Captures.Aggregate(1); got != want {
			t.Fatalf("aggregate %+v, the list gives %+v", got, want)
		}
		return want.N < 4 || s.Event.Field(fAmount).Number() > want.Min
	})
	rapid.Check(t, func(t *rapid.T) {
		stepped(rulesOf(r), Options{}, stream(t), end)
	})
}

// A throttle is a filter over the matches of a rule under a key, whatever brought
// them: events, time, or the end of the input.
func TestThrottleIsAFilter(t *testing.T) {
	rs, plain := zoo(t), zoo(t)
	rs.Rules = slices.DeleteFunc(rs.Rules, func(r *Rule) bool { return r.ID == "in-order" }) // its matches do not come in order of time
	plain.Rules = slices.DeleteFunc(plain.Rules, func(r *Rule) bool { return r.ID == "in-order" })
	for i := range rs.Rules {
		rs.Rules[i].Throttle, plain.Rules[i].Throttle = time.Duration(2+i)*time.Second, 0
	}
	type source struct{ rule, key string }
	rapid.Check(t, func(t *rapid.T) {
		events := stream(t)
		then := []Record{end}
		if rapid.Bool().Draw(t, "by the clock") {
			then = []Record{at(150), at(1000), end}
		}
		_, all := stepped(plain, Options{}, slices.Clone(events), then...)
		quiet, silenced := map[source]int64{}, map[source]int{}
		var want []string
		for i := range all.Alerts {
			a := &all.Alerts[i]
			from := source{a.Rule.ID, strings.Join(a.Key, "/")}
			if a.Kind == MatchAlert {
				if until, ok := quiet[from]; ok && a.Time < until {
					silenced[from]++
					continue
				}
				a.Suppressed, silenced[from] = silenced[from], 0
				j := slices.IndexFunc(rs.Rules, func(r *Rule) bool { return r.ID == a.Rule.ID })
				quiet[from] = a.Time + int64(rs.Rules[j].Throttle)
			}
			want = append(want, lines(all.Alerts[i:i+1]))
		}
		_, got := stepped(rs, Options{}, events, then...)
		same(t, "throttled", lines(got.Alerts), strings.Join(want, ""))
	})
}
