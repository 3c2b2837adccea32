package cep

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
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
	modes    []Mode // of edits
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

// rules are those in force after so many edits: of each revision that is still needed what it was.
func (x *edited) rules(t testing.TB, edits int, needed func(revision int) bool) []*Rule {
	var all []*Rule
	from := 1
	emit := func(revision int) {
		r := x.as(t, revision)
		for k := from; k < revision; k++ {
			if needed(k) {
				r.Formers = append(r.Formers, x.as(t, k))
			}
		}
		if r.Drains = revision <= edits; !r.Drains || needed(revision) {
			all = append(all, r)
		}
		from = revision + 1
	}
	for k := 1; k <= edits; k++ {
		switch x.modes[k-1] {
		case ModeDrain:
			emit(k)
		case ModeReset:
			all, from = nil, k+1
		}
	}
	emit(edits + 1)
	return all
}

// reign is where a revision was put in force: after so many events, at an event time.
type reign struct {
	arrived uint64
	now     int64
}

// oracle is what is left of the alerts of the rule: those of one rule for each row of revisions that
// were carried, whose conditions look at the position themselves.
func (x *edited) oracle(t *rapid.T, tb testing.TB, o Options, events []Event, reigns []reign) string {
	var all []string
	for first := 0; first <= len(reigns); {
		last := first // revisions from first to last, from 0, are one rule
		for last < len(reigns) && x.modes[last] == ModeCarry {
			last++
		}
		r := x.row(tb, first, last, reigns)
		upTo, then := len(events), []Record{end}
		for k := last; k < len(reigns); k++ {
			if x.modes[k] == ModeReset { // what it has not said by then it never says
				upTo, then = int(reigns[k].arrived), nil
				break
			}
		}
		_, fx := stepped(rulesOf(r), o, slices.Clone(events[:upTo]), then...)
		all = append(all, strings.Split(unnamed(t, fx), "\n")...)
		first = last + 1
	}
	slices.Sort(all)
	return strings.Trim(strings.Join(all, "\n"), "\n")
}

// row is one rule for a row of revisions, which sees no event before its first, and where it does not
// end with the last of all begins no match after it.
func (x *edited) row(t testing.TB, first, last int, reigns []reign) *Rule {
	before := func(n int, arrived uint64, moment int64) bool {
		return arrived > 0 && arrived <= reigns[n].arrived || arrived == 0 && moment <= reigns[n].now
	}
	r := x.rule(t, 1, func(by *Event, at *Moment) (*meaning, int) {
		n := first
		for n < last {
			if by != nil && before(n, by.arrived, by.Time) || by == nil && before(n, at.arrived, at.Time) {
				break
			}
			n++
		}
		return x.meanings[n], n + 1
	})
	if first > 0 {
		r.Where = &Cond{Event: func(s *Scope) bool { return s.Event.arrived > reigns[first-1].arrived }}
	}
	if last < len(reigns) {
		for _, c := range r.Program.Starts() {
			r.Conds[c] = r.Conds[c].and(func(s *Scope) bool {
				begins := true
				for v := range r.Names {
					begins = begins && s.Captures.Len(v) == 0
				}
				return !begins || s.Event.arrived <= reigns[last].arrived
			})
		}
	}
	return r
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

// The alerts of a rule that is edited while events come are those of one rule that gives each event the
// meaning of its position, where its open matches are carried; where they drain, of another beside it; and
// where they are dropped, of another from there on: in both orders, with late events, shards and restarts.
func TestEdits(t *testing.T) {
	spoke := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		edits := rapid.IntRange(1, 4).Draw(rt, "edits")
		var all []*edited
		for i := range shapes {
			x := &edited{cutOf: shapes[i]}
			for range edits + 1 {
				x.meanings = append(x.meanings, drawMeaning(rt, x.names))
				x.modes = append(x.modes, rapid.SampledFrom([]Mode{ModeCarry, ModeCarry, ModeDrain, ModeReset}).Draw(rt, "mode"))
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
		o := Options{Lateness: lateness, Order: rapid.SampledFrom([]Order{WatermarkOrder, EagerOrder}).Draw(rt, "order"), NearMisses: rapid.Bool().Draw(rt, "near"), Freezes: true}
		run := liveEdits{t: rt, tb: t, all: all, o: o, prunes: rapid.Bool().Draw(rt, "prunes"), spoke: spoke}
		run.begin()
		before := 0
		for i, n := range at {
			run.step(events[before:n])
			before = n
			run.adopt(i + 1)
		}
		run.step(events[before:])
		run.g.Step([]Record{end}, &run.fx)
		for i := range run.fx.Alerts {
			a := &run.fx.Alerts[i]
			if a.Rule.Revision != int(a.Measures[0].Number()) {
				rt.Fatalf("an alert of revision %d is of %v", a.Rule.Revision, a.Measures[0].Number())
			}
			spoke[fmt.Sprint("revision ", a.Rule.Revision)]++
			spoke[a.Kind.String()]++
		}
		var want []string
		for _, x := range all {
			if text := x.oracle(rt, t, Options{Lateness: o.Lateness, Order: o.Order}, events, reigns); text != "" {
				want = append(want, strings.Split(text, "\n")...)
			}
		}
		slices.Sort(want)
		same(rt, "alerts", strings.Trim(unnamed(rt, &run.fx), "\n"), strings.Join(want, "\n"))
	})
	for _, what := range []string{"carried", "draining", "dropped", "forgotten", "saved", "revision 1", "revision 2", "match", "timeout", "retracted"} {
		if spoke[what] == 0 {
			t.Errorf("nothing was %s", what)
		}
	}
}

// liveEdits is an engine whose rules are edited while events come.
type liveEdits struct {
	t      *rapid.T
	tb     testing.TB
	all    []*edited
	o      Options
	prunes bool // what is not needed any more is left out
	rs     *Ruleset
	g      *Engine
	fx     Effects
	runs   [][]byte // that are saved, sorted
	spoke  map[string]int
}

func (l *liveEdits) set(edits int, needed func(id string, revision int) bool) *Ruleset {
	rs := rulesOf()
	for _, x := range l.all {
		rs.Rules = append(rs.Rules, x.rules(l.tb, edits, func(revision int) bool { return needed(x.id, revision) })...)
	}
	return rs
}

func (l *liveEdits) begin() {
	l.rs = l.set(0, func(string, int) bool { return true })
	l.g = NewEngine(l.rs, l.o)
}

func (l *liveEdits) step(events []Event) {
	for len(events) > 0 {
		n := rapid.IntRange(1, len(events)).Draw(l.t, "batch")
		saved := l.freeze()
		l.g.StepEvents(slices.Clone(events[:n]), &l.fx)
		saved()
		events = events[n:]
		if rapid.IntRange(0, 3).Draw(l.t, "restart") > 0 {
			continue
		}
		l.o.Shards = rapid.IntRange(1, 3).Draw(l.t, "shards")
		state := l.g.Append(nil)
		h, err := Restore(l.rs, l.o, state)
		if err != nil {
			l.t.Fatal(err)
		}
		if l.g, l.runs = h, nil; string(h.Append(nil)) != string(state) {
			l.t.Fatal("a state that is restored is another")
		}
	}
}

// adopt puts an edit in force, from 1.
func (l *liveEdits) adopt(edit int) {
	l.rs = l.set(edit, func(id string, revision int) bool {
		needs := revision == edit || l.g.Needs(id, revision)
		if !needs {
			l.spoke["forgotten"]++
		}
		return needs || !l.prunes
	})
	next := &Rules{Ruleset: l.rs, Options: l.o}
	plan := l.g.Plan(next)
	h, told := l.g.Adopt(next)
	if !reflect.DeepEqual(plan, told) {
		l.t.Fatalf("the plan was %+v, it became %+v", plan, told)
	}
	for i, p := range told.Rules {
		mode := l.all[i].modes[edit-1]
		if p.Name != l.all[i].id || p.Became != Changed || p.Mode != mode || mode != ModeReset && p.Dropped > 0 || mode != ModeCarry && p.Kept > 0 {
			l.t.Fatalf("asked for %s: %+v", mode, p)
		}
		l.spoke["carried"] += p.Kept
		l.spoke["draining"] += p.Draining
		l.spoke["dropped"] += p.Dropped
	}
	l.g, l.runs = h, nil
}

// freeze may begin to save the state, which the function that it returns ends once events have been
// stepped: what is saved, perhaps beside what was before, is the state as of the freeze.
func (l *liveEdits) freeze() (saved func()) {
	if rapid.IntRange(0, 3).Draw(l.t, "freeze") > 0 {
		return func() {}
	}
	state := l.g.Append(nil)
	frozen := l.g.Freeze()
	if frozen.Full {
		l.runs = nil
	}
	return func() {
		pieces, _ := frozen.Next(func() bool { return false })
		frozen.End(true)
		for _, p := range pieces {
			run, err := SortEntries(nil, p)
			if err != nil {
				l.t.Fatal(err)
			}
			l.runs = append(l.runs, run)
		}
		var all []Run
		for _, run := range l.runs {
			all = append(all, RunOf(run))
		}
		got, _, err := AssembleSections(all, 0)
		if err != nil {
			l.t.Fatal(err)
		}
		h, err := Restore(l.rs, l.o, got)
		if err != nil {
			l.t.Fatal(err)
		}
		if string(h.Append(nil)) != string(state) {
			l.t.Fatal("what is saved is not the state as of the freeze")
		}
		l.spoke["saved"]++
	}
}

// Damaged bytes of what rules were are an error, or another sound state.
func TestFormersDamaged(t *testing.T) {
	refused, sound := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		x := &edited{cutOf: shapes[1], modes: []Mode{ModeCarry, ModeDrain, ModeCarry}}
		for range 4 {
			x.meanings = append(x.meanings, drawMeaning(rt, x.names))
		}
		l := liveEdits{t: rt, tb: t, all: []*edited{x}, o: Options{Lateness: time.Minute, Order: EagerOrder}, spoke: map[string]int{}}
		l.begin()
		for edit := range 4 {
			if edit > 0 {
				l.adopt(edit)
			}
			l.g.StepEvents([]Event{pay(100+edit, "c1", "m1", "a", 4), pay(101+edit, "c1", "m1", "b", 4)}, &l.fx)
		}
		state := l.g.Append(nil)
		from := len(stateMagic) + 2 + len(l.g.shapeSum()) + 8*len(l.rs.Rules) // the borders
		at := from + rapid.IntRange(0, 40).Draw(rt, "at")
		state[at] ^= byte(rapid.IntRange(1, 255).Draw(rt, "flipped"))
		body := state[:len(state)-4]
		state = binary.LittleEndian.AppendUint32(body, crc32.Checksum(body, castagnoli))
		h, err := Restore(l.rs, l.o, state)
		if err != nil {
			refused++
			return
		}
		sound++
		if again, err := Restore(l.rs, l.o, h.Append(nil)); err != nil || len(again.Append(nil)) == 0 {
			rt.Fatal(err)
		}
	})
	if refused == 0 {
		t.Errorf("nothing was refused of %d", sound)
	}
}
