package cep

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"weir/nfa"
)

// report writes near misses, counts and examples.
func report(all []RuleMisses) string {
	var b strings.Builder
	for _, r := range all {
		for _, s := range r.Steps {
			name := r.Rule.Names[s.Name].Text
			fmt.Fprintf(&b, "%s %s %d/%d began %d split %d reached %d open %d", r.Rule.ID, name, s.Count, s.Of, s.Began, s.Split, s.Reached, s.Open)
			for e, n := range s.Ended {
				if n > 0 {
					fmt.Fprintf(&b, " %v %d", Ending(e), n)
				}
			}
			b.WriteString("\n")
			for _, m := range s.Latest {
				fmt.Fprintf(&b, "  %s\n", missLine(r.Rule, &m))
			}
		}
	}
	return b.String()
}

// missLine writes a miss: times in seconds.
func missLine(r *Rule, m *Miss) string {
	seconds := func(ns int64) float64 { return time.Duration(ns).Seconds() }
	var b strings.Builder
	fmt.Fprintf(&b, "%s %v..%v", strings.Join(m.Key, "/"), seconds(m.Began), seconds(m.At))
	for _, c := range m.Captured {
		fmt.Fprintf(&b, " %s@%v", r.Names[c.Var].Text, seconds(c.Time))
	}
	b.WriteString(" waited")
	for _, name := range m.Waited {
		b.WriteString(" " + r.Names[name].Text)
	}
	if m.Before.Name != "" {
		fmt.Fprintf(&b, " before %v %s", seconds(m.Before.Time), m.Before.Name)
	}
	if m.After.Name != "" {
		fmt.Fprintf(&b, " after %s@%v %s", r.Names[m.After.Var].Text, seconds(m.After.Time), m.After.Name)
	}
	return b.String()
}

// A card that is tested three times: one cash-out comes in time, one is too small, one
// comes too late.
func TestNearMisses(t *testing.T) {
	rs := rulesOf(makeRule(t, "test", "p{3} -> c", nfa.Options{Within: 30 * time.Second}, map[string]Cond{
		"p": is("p"), "c": is("c").and(func(s *Scope) bool {
			return s.Event.Field(fAmount).Number() > 10*s.Captures.First(0).Field(fAmount).Number()
		}),
	}))
	var events []Event
	for _, e := range []struct {
		second int
		card   string
		kind   string
		amount float64
	}{
		{0, "hit", "p", 1},
		{1, "hit", "p", 1},
		{2, "hit", "p", 1},
		{3, "hit", "c", 90},
		{10, "small", "p", 1},
		{11, "small", "p", 1},
		{12, "small", "p", 1},
		{20, "small", "c", 9},
		{21, "late", "p", 1},
		{22, "late", "p", 1},
		{23, "late", "p", 1},
		{24, "two", "p", 1},
		{25, "two", "p", 1},
		{53, "late", "c", 9},
		{54, "late", "c", 11},
		{55, "late", "c", 12},
		{56, "open", "p", 1},
		{90, "never", "c", 1},
		{101, "small", "c", 99}, // too late to be worth a word
		{102, "cut", "p", 1},
	} {
		events = append(events, pay(e.second, e.card, "", e.kind, e.amount))
	}
	g, _ := stepped(rs, Options{NearMisses: true}, events, end)
	small, late := g.NearMisses()[0].Steps[2].Latest[0].Before, g.NearMisses()[0].Steps[2].Latest[1].After
	want := `test p 1/3 began 13 split 0 reached 13 open 0 ran_out 1 inside 3 input_ended 1 consumed 1
  open 56..86 p@56 waited p
test p 2/3 began 0 split 0 reached 7 open 0 ran_out 1 inside 2 consumed 1
  two 24..54 p@24 p@25 waited p
test p 3/3 began 0 split 0 reached 3 open 0 ran_out 2
  small 10..40 p@10 p@11 p@12 waited c before 20 ` + small.Name + `
  late 21..51 p@21 p@22 p@23 waited c after c@54 ` + late.Name + `
test c 1/1 began 0 split 0 reached 1 open 0 matched 1
`
	if got := report(g.NearMisses()); got != want {
		t.Errorf("near misses:\n%swant:\n%s", got, want)
	}
	if small.Name != events[7].name() || late.Name != events[14].name() {
		t.Error("events are called otherwise than in alerts")
	}
}

// Steps tell the numbers of a repeated variable apart, up to ten of them.
func TestNearMissSteps(t *testing.T) {
	for pattern, want := range map[string]string{
		"a -> b":                 "a 1/1, b 1/1",
		"a{2,} -> b?":            "a 1/2, a 2/2, b 1/1",
		"(a -> b){2}":            "a 1/2, a 2/2, b 1/2, b 2/2",
		"a{12}":                  "a 3-/12, a 4/12, a 5/12, a 6/12, a 7/12, a 8/12, a 9/12, a 10/12, a 11/12, a 12/12",
		"a & b":                  "a 1/1, b 1/1",
		"a -> b | a -> c{2}":     "a 1/1, b 1/1, a 1/1, c 1/2, c 2/2",
		"a+ until s -> !n -> b*": "a 1/1, b 1/1",
	} {
		p, err := nfa.Parse(pattern, nil)
		if err != nil {
			t.Fatal(err)
		}
		prog, err := nfa.Compile(p, nfa.Options{Within: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range prog.Steps() {
			fewer := ""
			if s.Fewer {
				fewer = "-"
			}
			got = append(got, fmt.Sprintf("%s %d%s/%d", prog.Names[s.Name].Text, s.Count, fewer, s.Of))
		}
		if got := strings.Join(got, ", "); got != want {
			t.Errorf("%s: %s, want %s", pattern, got, want)
		}
	}
}

// To count changes nothing of what comes out.
func TestNearMissesChangeNothing(t *testing.T) {
	rs := zoo(t)
	rapid.Check(t, func(t *rapid.T) {
		events := stream(t)
		g, want := stepped(rs, Options{}, slices.Clone(events), end)
		h, got := stepped(rs, Options{NearMisses: true}, slices.Clone(events), end)
		same(t, "with near misses", text(got), text(want))
		same(t, "stats", fmt.Sprint(h.Stats()), fmt.Sprint(g.Stats()))
	})
}

// Near misses depend neither on batches nor on shards nor on where the state was written
// and read back.
func TestNearMissesAreOfTheEventsAlone(t *testing.T) {
	rs := zoo(t)
	rapid.Check(t, func(t *rapid.T) {
		events := stream(t)
		for len(events) > 0 && len(events) < 2*inline && rapid.Bool().Draw(t, "more") {
			events = append(events, events...)
			slices.SortStableFunc(events, func(a, b Event) int { return int(a.Time - b.Time) })
		}
		events = rapid.Permutation(events).Draw(t, "arrival")
		o := Options{NearMisses: true, Lateness: time.Duration(rapid.IntRange(0, 90).Draw(t, "lateness")) * time.Second}
		whole, _ := stepped(rs, o, slices.Clone(events))
		o.Shards = rapid.IntRange(1, 4).Draw(t, "shards")
		g := NewEngine(rs, o)
		for rest := slices.Clone(events); len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "batch")
			g.StepEvents(rest[:n], new(Effects))
			rest = rest[n:]
			if !rapid.Bool().Draw(t, "restore") {
				continue
			}
			state := g.Append(nil)
			o.Shards = rapid.IntRange(1, 4).Draw(t, "shards")
			var err error
			if g, err = Restore(rs, o, state); err != nil {
				t.Fatal(err)
			}
			same(t, "state restored", string(g.Append(nil)), string(state))
		}
		same(t, "near misses", report(g.NearMisses()), report(whole.NearMisses()))
		same(t, "state", string(g.Append(nil)), string(whole.Append(nil)))
		g.Step([]Record{end}, new(Effects))
		whole.Step([]Record{end}, new(Effects))
		same(t, "near misses at the end", report(g.NearMisses()), report(whole.NearMisses()))
	})
}

// naive works near misses out of what a Trace tells.
type naive struct {
	rules map[string]*naiveRule // by rule and key
}

type naiveRule struct {
	rule *Rule
	key  []string
	seen []*Event // by the rule under the key

	nodes map[int]*naiveMatch
	over  []*naiveMatch // that ran out, as told
}

type naiveMatch struct {
	caps   []Captured
	place  int
	limits map[int]int64 // by edge that was not closed but by time
	parted bool
	match  bool
	ended  bool
	why    nfa.Why
	at     int64
}

func (n *naive) tell(t *Told) {
	if t.Rule == nil {
		return
	}
	id := t.Rule.ID + "/" + strings.Join(t.Key, "/")
	r := n.rules[id]
	if r == nil {
		r = &naiveRule{rule: t.Rule, key: slices.Clone(t.Key), nodes: map[int]*naiveMatch{}}
		n.rules[id] = r
	}
	switch t.Kind {
	case Offered:
		r.seen = append(r.seen, t.Event.Clone())
	case Unseen:
		r.seen = r.seen[:len(r.seen)-1]
	case Noted:
		r.noted(t)
	}
}

// noted takes a note, of a match and of others that did the same.
func (r *naiveRule) noted(t *Told) {
	note := t.Note
	r.one(t, note, note.Node, note.From, note.Captures, note.Limit)
	for i := range note.Others.Len() {
		from, limit := 0, note.Limit
		if note.Kind == nfa.Took {
			from = note.Origins.Node(i)
		}
		if note.Kind == nfa.Waits {
			limit, _, _ = note.Others.Limit(i, note.Edge)
		}
		r.one(t, note, note.Others.Node(i), from, note.Others.Captures(i), limit)
	}
}

func (r *naiveRule) one(t *Told, note nfa.Note, node, from int, caps nfa.Captures, limit int64) {
	m := r.nodes[node]
	switch note.Kind {
	case nfa.Began, nfa.Took:
		m = &naiveMatch{place: note.Place, limits: map[int]int64{}}
		for _, c := range t.Captured(caps) {
			m.caps = append(m.caps, Captured{c.Var, c.Event.Clone()})
		}
		r.nodes[node] = m
		if from != 0 {
			r.nodes[from].parted = true
		}
	case nfa.Waits:
		m.limits[note.Edge] = limit
	case nfa.Closed:
		if note.Why != nfa.Expired && note.Why != nfa.Done {
			delete(m.limits, note.Edge)
		}
	case nfa.Completed:
		m.match = true
	case nfa.Ended:
		r.end(m, note.Why)
	}
}

func (r *naiveRule) end(m *naiveMatch, why nfa.Why) {
	m.ended, m.why, m.at = true, why, math.MinInt64
	for _, limit := range m.limits {
		m.at = max(m.at, limit)
	}
	if why == nfa.Expired && !m.parted && !m.match {
		r.over = append(r.over, m)
	}
}

// finish ends what has run out and was not told yet, as nobody sees it.
func (r *naiveRule) finish(now int64) {
	for _, m := range r.nodes {
		latest := int64(math.MinInt64)
		for _, limit := range m.limits {
			latest = max(latest, limit)
		}
		if !m.ended && len(m.limits) > 0 && latest <= now {
			r.end(m, nfa.Expired)
		}
	}
}

// misses leaves of the matches that ran out those that are shown: not those inside another.
func (r *naiveRule) misses() (shown []*naiveMatch, with map[*naiveMatch][]*naiveMatch) {
	with = map[*naiveMatch][]*naiveMatch{}
	slices.SortFunc(r.over, func(a, b *naiveMatch) int {
		last := func(m *naiveMatch) uint64 { return m.caps[len(m.caps)-1].Event.Place }
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.caps[0].Event.Place, b.caps[0].Event.Place), cmp.Compare(r.step(b), r.step(a)), cmp.Compare(last(b), last(a)))
	})
	for _, m := range r.over {
		if n := len(shown); n > 0 && m.caps[0].Event.Place <= shown[n-1].caps[len(shown[n-1].caps)-1].Event.Place && r.step(m) <= r.step(shown[n-1]) {
			if x := shown[n-1]; m.at == x.at && slices.EqualFunc(m.caps, x.caps, func(a, b Captured) bool { return a.Event.Place == b.Event.Place }) {
				with[x] = append(with[x], m)
			}
			continue
		}
		shown = append(shown, m)
	}
	return shown, with
}

// step is how far a match got.
func (r *naiveRule) step(m *naiveMatch) int {
	last, n := m.caps[len(m.caps)-1], 0
	for _, c := range m.caps {
		n += b2i(c.Var == last.Var)
	}
	pos := r.rule.Program.Places()[m.place].Pos
	return slices.IndexFunc(r.rule.Program.Steps(), func(s nfa.Step) bool { return s.Pos == pos && (s.Count == n || s.Count == s.Of && n > s.Of) })
}

// miss gives that of a match.
func (r *naiveRule) miss(m *naiveMatch, with []*naiveMatch) Miss {
	x := Miss{Key: r.key, Began: m.caps[0].Event.Time, At: m.at, Size: len(m.caps)}
	for _, c := range m.caps {
		x.Captured = append(x.Captured, Seen{Var: c.Var, Time: c.Event.Time, Name: c.Event.name()})
	}
	places := r.rule.Program.Places()
	for _, loop := range []bool{false, true} {
		for k, e := range places[m.place].Edges {
			if m.limits[k] == m.at && e.To != nfa.End && e.Loop == loop {
				if name := places[e.To].Name; !slices.Contains(x.Waited, name) {
					x.Waited = append(x.Waited, name)
				}
			}
		}
		if len(x.Waited) > 0 {
			break
		}
	}
	for _, other := range with {
		x.Waited = append(x.Waited, r.miss(other, nil).Waited...)
	}
	slices.Sort(x.Waited)
	x.Waited = slices.Compact(x.Waited)
	last := m.caps[len(m.caps)-1].Event.Place
	for _, e := range r.seen {
		switch {
		case e.Place <= last:
		case e.Time < x.At:
			for _, name := range x.Waited {
				if r.couldBe(name, e) {
					x.Before = Seen{Var: name, Time: e.Time, Name: e.name()}
				}
			}
		case x.After.Name == "" && e.Time < 2*x.At-x.Began:
			for _, name := range x.Waited {
				if x.After.Name == "" && r.couldBe(name, e) && r.holds(name, e, m) {
					x.After = Seen{Var: name, Time: e.Time, Name: e.name()}
				}
			}
		}
	}
	return x
}

func (r *naiveRule) couldBe(name int, e *Event) bool {
	if by := r.rule.Key.ByName; by != nil {
		text, ok := e.Field(by[name]).KeyText()
		return ok && text == r.key[0]
	}
	return true
}

func (r *naiveRule) holds(name int, e *Event, m *naiveMatch) bool {
	c := &r.rule.Conds[name]
	caps := &matched{}
	caps.fill(r.rule, nil, nil)
	for _, x := range m.caps {
		caps.events[x.Var] = append(caps.events[x.Var], x.Event)
	}
	s := &Scope{Event: e, Key: r.key, Captures: caps}
	return (c.Event == nil || c.Event(s)) && (c.Captured == nil || c.Captured(s))
}

// Counts add up, and examples are those that a Trace leads to.
func TestNearMissesAreThoseOfTheTrace(t *testing.T) {
	rs := zoo(t)
	within := nfa.Options{Within: 7 * time.Second}
	rs.Rules = append(rs.Rules, makeRule(t, "zall", "a & b & c", within, abc("a", "b", "c")), makeRule(t, "zeither", "a -> b | a -> c -> b", within, abc("a", "b", "c")))
	spoke := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		events := stream(t)
		n := &naive{rules: map[string]*naiveRule{}}
		second := rapid.IntRange(100, 400).Draw(t, "then")
		then := []Record{at(second)}
		if len(events) > 0 {
			second = max(second, int(events[len(events)-1].Time/int64(time.Second)))
		}
		stepped(rs, Options{Trace: &Trace{Tell: n.tell}}, slices.Clone(events), then...)
		g, _ := stepped(rs, Options{NearMisses: true}, slices.Clone(events), then...)
		for _, r := range g.NearMisses() {
			var began, over uint64
			var ended [Endings]uint64
			var got, want []string
			full := false
			for _, s := range r.Steps {
				began += s.Began + s.Split
				over += s.Open
				for e, k := range s.Ended {
					over += k
					ended[e] += k
					spoke[Ending(e).String()] += int(k)
				}
				for i := range s.Latest {
					got = append(got, missLine(r.Rule, &s.Latest[i]))
					if s.Latest[i].After.Name != "" {
						spoke["after"]++
					}
				}
				full = full || s.Ended[EndRanOut] > mostMisses
			}
			if began != over {
				t.Fatalf("%s: %d began or split off, %d ended or are open:\n%s", r.Rule.ID, began, over, report([]RuleMisses{r}))
			}
			var leaves [Endings]uint64
			for _, id := range slices.Sorted(maps.Keys(n.rules)) {
				nr := n.rules[id]
				if nr.rule != r.Rule {
					continue
				}
				nr.finish(int64(second) * int64(time.Second))
				for _, m := range nr.nodes {
					if m.ended && !m.parted {
						e := endingOf(m.why)
						if m.match {
							e = EndMatched
						}
						leaves[e]++
					}
				}
				shown, with := nr.misses()
				leaves[EndInside] += uint64(len(nr.over) - len(shown))
				leaves[EndRanOut] -= uint64(len(nr.over) - len(shown))
				for _, m := range shown {
					x := nr.miss(m, with[m])
					want = append(want, missLine(r.Rule, &x))
				}
			}
			if leaves != ended {
				t.Fatalf("%s: ended %v, by the trace %v:\n%s", r.Rule.ID, ended, leaves, report([]RuleMisses{r}))
			}
			slices.Sort(got)
			slices.Sort(want)
			if full {
				got, want = nil, nil // which are left out is held by another test
			}
			same(t, r.Rule.ID, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
	for _, e := range []string{"matched", "ran_out", "inside", "negated", "not_next", "unless", "consumed", "after"} {
		if spoke[e] == 0 {
			t.Errorf("nothing was ever %s", e)
		}
	}
}

// Of more than 20 the latest are kept, by key where they ran out together.
func TestNearMissesAreTheLatest(t *testing.T) {
	rs := rulesOf(makeRule(t, "ab", "a -> b", nfa.Options{Within: 10 * time.Second}, abc("a", "b")))
	var events []Event
	for second := range 8 {
		for _, card := range []string{"d", "b", "a", "c"} {
			events = append(events, pay(second, card, "", "a", 1))
		}
	}
	for shards := 1; shards <= 3; shards++ {
		g, _ := stepped(rs, Options{NearMisses: true, Shards: shards}, slices.Clone(events), at(100))
		first := g.NearMisses()[0].Steps[0]
		var got []string
		for _, m := range first.Latest {
			got = append(got, fmt.Sprint(m.Key[0], m.At/int64(time.Second)))
		}
		want := "a13 b13 c13 d13 a14 b14 c14 d14 a15 b15 c15 d15 a16 b16 c16 d16 a17 b17 c17 d17"
		if strings.Join(got, " ") != want || first.Ended[EndRanOut] != 32 {
			t.Errorf("%d shards: %d ran out, kept %v", shards, first.Ended[EndRanOut], got)
		}
		for _, s := range g.layers[0].shards {
			if n := len(s.near.watched[0]); n > 20 {
				t.Errorf("%d keys are watched", n)
			}
		}
	}
}

// A state may be read with near misses or without, whatever it was made with.
func TestNearMissesBeginAndStop(t *testing.T) {
	rs := zoo(t)
	rapid.Check(t, func(t *rapid.T) {
		events := stream(t)
		n := rapid.IntRange(0, len(events)).Draw(t, "cut")
		for _, was := range []bool{false, true} {
			g, _ := stepped(rs, Options{NearMisses: was}, slices.Clone(events[:n]))
			h, err := Restore(rs, Options{NearMisses: !was, Shards: 2}, g.Append(nil))
			if err != nil {
				t.Fatal(err)
			}
			if was {
				plain, _ := stepped(rs, Options{}, slices.Clone(events[:n]))
				h.StepEvents(slices.Clone(events[n:]), new(Effects))
				plain.StepEvents(slices.Clone(events[n:]), new(Effects))
				h.Step([]Record{end}, new(Effects))
				plain.Step([]Record{end}, new(Effects))
				same(t, "stopped", string(h.Append(nil)), string(plain.Append(nil)))
				continue
			}
			h.StepEvents(slices.Clone(events[n:]), new(Effects))
			for _, r := range h.NearMisses() {
				var began, over uint64
				for _, s := range r.Steps {
					began += s.Began + s.Split
					over += s.Open
					for _, k := range s.Ended {
						over += k
					}
				}
				if began != over {
					t.Fatalf("%s: %d began or split off, %d ended or are open", r.Rule.ID, began, over)
				}
			}
		}
	})
}

// missing returns an engine with near misses, some of which wait for an event.
func missing(t testing.TB) *Engine {
	g, fx := NewEngine(zoo(t), Options{NearMisses: true}), new(Effects)
	r := random(3)
	for second := range 60 {
		e := pay(second, []string{"c1", "c2", "c3"}[r.next()%3], "m1", []string{"a", "x", "c", "x"}[r.next()%4], float64(r.next()%5))
		e.row[fTo] = TextValue("c2")
		if second%2 == 0 {
			e.ID = fmt.Sprint("id", second)
		}
		g.StepEvents([]Event{e}, fx)
	}
	waits, passed := 0, 0
	for s := range g.shards {
		for _, table := range s.near.watched {
			waits += len(table)
		}
		for _, table := range s.tables {
			for _, ks := range table {
				for i := range ks.rules {
					passed += b2i(ks.rules[i].near != nil && ks.rules[i].near.last != nil)
				}
			}
		}
	}
	if waits == 0 || passed == 0 {
		t.Fatalf("%d keys are watched, %d know what passed", waits, passed)
	}
	return g
}

// A state with near misses that is damaged or cut off is refused, or gives an engine whose
// state can be written and read again.
func TestRestoreNearMisses(t *testing.T) {
	rs := zoo(t)
	g := missing(t)
	state := g.Append(nil)
	if _, err := Restore(rs, Options{}, state); err != nil {
		t.Fatal(err)
	}
	refused, read := 0, 0
	for i := len(state) / 8; i < len(state)-4; i += 3 {
		for _, b := range []byte{state[i] + 1, 0xff} {
			h, err := Restore(rs, Options{NearMisses: true}, sealed(replaced(state, i, b)))
			if err != nil {
				refused++
				continue
			}
			read++
			h.StepEvents([]Event{pay(61, "c1", "m1", "b", 9)}, new(Effects))
			if _, err := Restore(rs, Options{NearMisses: true}, h.Append(nil)); err != nil {
				t.Fatalf("byte %d as %d: read, but what is written then is not", i, b)
			}
		}
		if _, err := Restore(rs, Options{NearMisses: true}, sealed(append(slices.Clone(state[:i]), 0, 0, 0, 0))); err == nil {
			t.Fatalf("cut off at %d it is taken for a state", i)
		}
	}
	if refused == 0 || read == 0 {
		t.Errorf("%d refused, %d read", refused, read)
	}
}

// An event that passes open matches allocates nothing, with near misses or without.
func TestAnEventThatPassesAllocatesNothing(t *testing.T) {
	rs := rulesOf(makeRule(t, "ab", "a -> b", nfa.Options{Within: time.Hour}, abc("a", "b")))
	g := NewEngine(rs, Options{NearMisses: true})
	var events []Event
	for i := range 64 {
		e := pay(100, fmt.Sprint("c", i%8), "m", "x", 1)
		if i < 8 {
			e.row[fKind] = TextValue("a")
		}
		events = append(events, e)
	}
	var fx Effects
	g.StepEvents(events, &fx)
	if n := testing.AllocsPerRun(100, func() { g.StepEvents(events[8:], &fx) }); n != 0 {
		t.Errorf("%v allocations for 56 events", n)
	}
}

// One that began within another is shown if it got further.
func TestNearMissesInsideAnother(t *testing.T) {
	rs := rulesOf(makeRule(t, "test", "p{3} -> c", nfa.Options{Within: 30 * time.Second}, abc("p", "c")))
	var events []Event
	for _, second := range []int{0, 25, 31, 40} {
		events = append(events, pay(second, "c1", "", "p", 1))
	}
	g, _ := stepped(rs, Options{NearMisses: true}, events, at(100))
	want := `test p 1/3 began 4 split 0 reached 4 open 0 inside 1
test p 2/3 began 0 split 0 reached 3 open 0 ran_out 1 inside 1
  c1 0..30 p@0 p@25 waited p after p@31 ` + events[2].name() + `
test p 3/3 began 0 split 0 reached 1 open 0 ran_out 1
  c1 25..55 p@25 p@31 p@40 waited c
test c 1/1 began 0 split 0 reached 0 open 0
`
	if got := report(g.NearMisses()); got != want {
		t.Errorf("near misses:\n%swant:\n%s", got, want)
	}
}

// What came before is the latest of all types that were waited for.
func TestNearMissesOfSeveralTypes(t *testing.T) {
	r := makeRule(t, "abc", "a -> b? -> c", nfa.Options{Within: 30 * time.Second}, abc("a", "b", "c"))
	r.Types = []TypeID{tPay, tLogin}
	r.Conds[1].Types, r.Conds[2].Types = []TypeID{tPay}, []TypeID{tLogin}
	for _, last := range []string{"pay", "login"} {
		first := "login"
		if last == "login" {
			first = "pay"
		}
		events := []Event{pay(0, "c1", "", "a", 1)}
		for i, name := range []string{first, last} {
			typ := map[string]TypeID{"pay": tPay, "login": tLogin}[name]
			events = append(events, event(name, typ, int64(5+i)*int64(time.Second), "c1", "", "x", 1))
		}
		g, _ := stepped(rulesOf(r), Options{NearMisses: true}, events, at(100))
		if m := g.NearMisses()[0].Steps[0].Latest[0]; m.Before.Time != int64(6*time.Second) || r.Names[m.Before.Var].Text != map[string]string{"pay": "b", "login": "c"}[last] {
			t.Errorf("%s came last: %s", last, missLine(r, &m))
		}
	}
}

// One that has captured more than is kept is shown with the latest, and does not wait for
// an event whose condition looks at what it captured.
func TestNearMissesOfMany(t *testing.T) {
	looks := is("c").and(func(s *Scope) bool { return s.Captures.Len(0) > 0 })
	for name, c := range map[string]struct {
		cond    Cond
		events  int
		watched int
	}{
		"the condition looks": {looks, 60, 0},
		"few":                 {looks, mostCaught, 1},
		"it does not look":    {is("c"), 60, 1},
	} {
		rs := rulesOf(makeRule(t, "many", fmt.Sprintf("a{%d} -> c", c.events), nfa.Options{Within: 100 * time.Second, MaxOpen: 1}, map[string]Cond{"a": is("a"), "c": c.cond}))
		var events []Event
		for second := range c.events {
			events = append(events, pay(second, "c1", "", "a", 1))
		}
		g, _ := stepped(rs, Options{NearMisses: true}, events, at(100))
		g, err := Restore(rs, Options{NearMisses: true}, g.Append(nil))
		if err != nil {
			t.Fatal(name, err)
		}
		watched := len(g.layers[0].shards[0].near.watched[0]["c1"])
		g.StepEvents([]Event{pay(110, "c1", "", "c", 1)}, new(Effects))
		steps := g.NearMisses()[0].Steps
		m := &steps[len(steps)-2].Latest[0]
		if m.Size != c.events || len(m.Captured) != mostCaught || m.Captured[0].Time != events[c.events-mostCaught].Time || watched != c.watched || (m.After.Name != "") != (c.watched > 0) {
			t.Errorf("%s: %d are watched; %d events, of which %d are shown: %s", name, watched, m.Size, len(m.Captured), missLine(rs.Rules[0], m))
		}
	}
}
