package cep

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"weir/nfa"
)

// meaning is what a rule means under one revision: what the names of its pattern stand for, and
// what is asked of a match.
type meaning struct {
	kinds map[string]string // by name
	least map[string]float64
	most  float64 // having: of a match at a moment of odd seconds; 0: none
	score float64
}

func drawMeaning(t *rapid.T, names []string) *meaning {
	m := &meaning{kinds: map[string]string{}, least: map[string]float64{}, score: float64(rapid.IntRange(0, 90).Draw(t, "score"))}
	for _, n := range names {
		m.kinds[n] = rapid.SampledFrom([]string{n, n, n, "a", "b", "c"}).Draw(t, "kind")
		m.least[n] = float64(rapid.IntRange(0, 2).Draw(t, "least"))
	}
	if rapid.IntRange(0, 2).Draw(t, "having") == 0 {
		m.most = float64(rapid.IntRange(1, 4).Draw(t, "most"))
	}
	return m
}

func (m *meaning) holds(name string, e *Event) bool {
	k, x := e.Field(fKind), e.Field(fAmount)
	return k.Kind == Text && k.Text == m.kinds[name] && x.Number() > m.least[name]
}

func (m *meaning) having(s *Scope) bool {
	if m.most == 0 {
		return true
	}
	e := s.Captures.First(0)
	return e == nil || e.Field(fAmount).Number() < m.most || s.At.Time/int64(time.Second)%2 == 0
}

// cutOf is a rule whose meaning is drawn.
type cutOf struct {
	id, pattern string
	options     nfa.Options
	throttle    time.Duration
	hold        time.Duration
	edge        bool
	names       []string
}

var shapes = []cutOf{
	{id: "absence", pattern: "a -> !b", options: nfa.Options{Within: 5 * time.Second}, names: []string{"a", "b"}},
	{id: "any", pattern: "a ->> b ->> c", options: nfa.Options{Within: 8 * time.Second, Skip: nfa.SkipNone}, names: []string{"a", "b", "c"}},
	{id: "edge", pattern: "a", options: nfa.Options{}, edge: true, names: []string{"a"}},
	{id: "greedy", pattern: "a{2,}+ -> b", options: nfa.Options{Within: 10 * time.Second}, hold: 4 * time.Second, names: []string{"a", "b"}},
	{id: "pair", pattern: "a{2} -[<4s]-> b", options: nfa.Options{Within: 9 * time.Second, Timeout: true}, names: []string{"a", "b"}},
	{id: "throttled", pattern: "a -> c", options: nfa.Options{Within: 7 * time.Second}, throttle: 6 * time.Second, names: []string{"a", "c"}},
	{id: "unless", pattern: "a -> c", options: nfa.Options{Unless: true}, names: []string{"a", "c", "unless"}},
}

// rule makes a rule of a shape whose meaning pick gives.
func (x *cutOf) rule(t testing.TB, revision int, pick func(by *Event, at *Moment) (*meaning, int)) *Rule {
	define := map[string]Cond{}
	for _, name := range x.names {
		define[name] = Cond{Event: func(s *Scope) bool { m, _ := pick(s.Event, nil); return m.holds(name, s.Event) }}
	}
	o := x.options
	o.Having = true
	r := makeRule(t, x.id, x.pattern, o, define)
	r.Revision, r.Throttle, r.Hold, r.Edge = revision, x.throttle, x.hold, x.edge
	r.Digest = fmt.Sprint(x.id, revision)
	r.Having = func(s *Scope) bool { m, _ := pick(nil, s.At); return m.having(s) }
	r.Measures = []Measure{{"revision", func(s *Scope) Value { _, n := pick(nil, s.At); return NumberValue(float64(n)) }}}
	r.Score = func(s *Scope) Value { m, _ := pick(nil, s.At); return NumberValue(m.score) }
	return r
}

// edited is a rule that is published several times, each with its formers, and what the rule is
// whose meaning depends on the position alone.
type edited struct {
	cutOf
	meanings []*meaning
}

// as is the rule under a revision, from 1, with equalities to be found by.
func (x *edited) as(t testing.TB, revision int) *Rule {
	m := x.meanings[revision-1]
	r := x.rule(t, revision, func(*Event, *Moment) (*meaning, int) { return m, revision })
	for i, name := range r.Names {
		r.Conds[i].Equals = []Equality{{fKind, TextValue(m.kinds[name.Text])}}
	}
	return r
}

// with is as with formers from a revision on.
func (x *edited) with(t testing.TB, revision, from int) *Rule {
	r := x.as(t, revision)
	for k := from; k < revision; k++ {
		r.Formers = append(r.Formers, x.as(t, k))
	}
	return r
}

// reign is where a revision was put in force: after so many events, at an event time.
type reign struct {
	arrived uint64
	now     int64
}

// oracle is one rule, from the beginning, whose conditions look at the position themselves.
func (x *edited) oracle(t testing.TB, reigns []reign) *Rule {
	return x.rule(t, 1, func(by *Event, at *Moment) (*meaning, int) {
		arrived, moment := uint64(0), int64(0)
		if by != nil {
			arrived, moment = by.arrived, by.Time
		} else {
			arrived, moment = at.arrived, at.Time
		}
		n := 0
		for n < len(reigns) && (arrived > reigns[n].arrived || arrived == 0 && moment > reigns[n].now) {
			n++
		}
		return x.meanings[n], n + 1
	})
}

var (
	alertID  = regexp.MustCompile(`"id":"a_[^"]*"`)
	revision = regexp.MustCompile(`,"revision":\d+`)
)

// unnamed are alerts that are left without ids and revisions.
func unnamed(t rapid.TB, fx *Effects) string {
	lines := strings.Split(revision.ReplaceAllString(alertID.ReplaceAllString(left(t, fx), ""), ""), "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// The alerts of a rule that is edited while events come, whose open matches are carried, are those of
// one rule that gives each event the meaning of its position: in both orders, with late events,
// shards and restarts.
func TestCarry(t *testing.T) {
	spoke := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		edits := rapid.IntRange(1, 3).Draw(rt, "edits")
		var all []*edited
		for i := range shapes {
			x := &edited{cutOf: shapes[i]}
			for range edits + 1 {
				x.meanings = append(x.meanings, drawMeaning(rt, x.names))
			}
			all = append(all, x)
		}
		lateness := time.Duration(rapid.IntRange(0, 30).Draw(rt, "lateness")) * time.Second
		events := arrival(rt, stream(rt), lateness)
		at := []int{}
		for range edits {
			at = append(at, rapid.IntRange(0, len(events)).Draw(rt, "at"))
		}
		slices.Sort(at)
		var reigns []reign
		for _, n := range at {
			r := reign{uint64(n), math.MinInt64}
			for _, e := range events[:n] {
				r.now = max(r.now, e.Time)
			}
			reigns = append(reigns, r)
		}
		o := Options{Lateness: lateness, Order: rapid.SampledFrom([]Order{WatermarkOrder, EagerOrder}).Draw(rt, "order"), NearMisses: rapid.Bool().Draw(rt, "near")}

		oracle := rulesOf()
		for _, x := range all {
			oracle.Rules = append(oracle.Rules, x.oracle(t, reigns))
		}
		_, want := stepped(oracle, o, slices.Clone(events), end)

		set := func(revision int) *Ruleset {
			rs := rulesOf()
			for _, x := range all {
				rs.Rules = append(rs.Rules, x.with(t, revision, 1))
			}
			return rs
		}
		rs, got := set(1), new(Effects)
		g := NewEngine(rs, o)
		step := func(events []Event) {
			for len(events) > 0 {
				n := rapid.IntRange(1, len(events)).Draw(rt, "batch")
				g.StepEvents(slices.Clone(events[:n]), got)
				events = events[n:]
				if rapid.IntRange(0, 3).Draw(rt, "restart") == 0 {
					o.Shards = rapid.IntRange(1, 3).Draw(rt, "shards")
					state := g.Append(nil)
					h, err := Restore(rs, o, state)
					if err != nil {
						rt.Fatal(err)
					}
					if g = h; string(g.Append(nil)) != string(state) {
						rt.Fatal("a state that is restored is another")
					}
				}
			}
		}
		before := 0
		for i, n := range at {
			step(events[before:n])
			before = n
			rs = set(i + 2)
			next := &Rules{Ruleset: rs, Options: o}
			plan := g.Plan(next)
			h, told := g.Adopt(next)
			if !reflect.DeepEqual(plan, told) {
				rt.Fatalf("the plan was %+v, it became %+v", plan, told)
			}
			for _, p := range told.Rules {
				if p.Became != Changed || p.Mode != ModeCarry || p.Dropped > 0 || p.Draining > 0 {
					rt.Fatalf("%+v", p)
				}
				spoke["carried"] += p.Kept
			}
			g = h
		}
		step(events[before:])
		g.Step([]Record{end}, got)
		for i := range got.Alerts {
			a := &got.Alerts[i]
			if a.Rule.Revision != int(a.Measures[0].Number()) {
				rt.Fatalf("an alert of revision %d is of %v", a.Rule.Revision, a.Measures[0].Number())
			}
			spoke[fmt.Sprint("revision ", a.Rule.Revision)]++
			spoke[a.Kind.String()]++
		}
		same(rt, "alerts", unnamed(rt, got), unnamed(rt, want))
	})
	for _, what := range []string{"carried", "revision 1", "revision 2", "match", "timeout", "retracted"} {
		if spoke[what] == 0 {
			t.Errorf("nothing was %s", what)
		}
	}
}
