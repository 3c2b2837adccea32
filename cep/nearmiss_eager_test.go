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

// whole is all that near misses say.
func whole(g *Engine) string {
	var b strings.Builder
	all := g.NearMisses()
	b.WriteString(report(all))
	for _, r := range all {
		for _, s := range r.Steps {
			for _, m := range s.Latest {
				fmt.Fprintf(&b, "%+v\n", m)
			}
		}
	}
	return b.String()
}

// balanced fails where open matches are lost or counted twice, or where other examples wait
// for an event than those that may be shown.
func balanced(t *rapid.T, g *Engine) {
	for s := range g.shards {
		shown := map[*miss]bool{}
		for _, steps := range s.near.rules {
			for k := range steps {
				for _, x := range steps[k].latest {
					shown[x] = true
				}
			}
		}
		s.eachFate(func(f *fate, past bool) {
			if f.count != after && f.miss != nil {
				shown[f.miss] = true
			}
		})
		for _, table := range s.near.watched {
			for _, list := range table {
				for _, x := range list {
					if !shown[x] || x.After.Name != "" {
						t.Fatalf("%s waits for an event", missLine(g.rs.Rules[x.rule], &x.Miss))
					}
				}
			}
		}
	}
	for _, r := range g.NearMisses() {
		var began, over uint64
		for _, s := range r.Steps {
			began += s.Began + s.Split
			over += s.Open
			for _, n := range s.Ended {
				over += n
			}
		}
		if began != over {
			t.Fatalf("%s: %d began or split off, %d ended or are open:\n%s", r.Rule.ID, began, over, report([]RuleMisses{r}))
		}
	}
}

// In the end near misses are those of the events in the order of time, whatever the order
// in which they came, the batches, the shards, and where the state was written and read.
func TestNearMissesOfLateEvents(t *testing.T) {
	rs := zoo(t)
	repaired := uint64(0)
	rapid.Check(t, func(t *rapid.T) {
		events := stream(t)
		lateness := time.Duration(rapid.IntRange(0, 30).Draw(t, "lateness")) * time.Second
		late := arrival(t, events, lateness)
		last := rapid.SampledFrom([]Record{end, {Kind: HaltRecord}}).Draw(t, "last")
		sorted, _ := stepped(rs, Options{NearMisses: true}, slices.Clone(events), last)
		want := whole(sorted)
		o := Options{NearMisses: true, Order: EagerOrder, Lateness: lateness}
		once, _ := stepped(rs, o, slices.Clone(late))
		state := string(once.Append(nil))
		now := whole(once)
		once.Step([]Record{last}, new(Effects))
		same(t, "at once", whole(once), want)
		repaired += once.Stats().Repairs.Applied

		o.Shards = rapid.IntRange(1, 4).Draw(t, "shards")
		g := NewEngine(rs, o)
		for rest := slices.Clone(late); len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "batch")
			g.StepEvents(rest[:n], new(Effects))
			rest = rest[n:]
			balanced(t, g)
			if !rapid.Bool().Draw(t, "restore") {
				continue
			}
			saved, told := g.Append(nil), whole(g)
			o.Shards = rapid.IntRange(1, 4).Draw(t, "shards")
			var err error
			if g, err = Restore(rs, o, saved); err != nil {
				t.Fatal(err)
			}
			same(t, "restored", whole(g), told)
			same(t, "state restored", string(g.Append(nil)), string(saved))
		}
		same(t, "in batches", whole(g), now)
		same(t, "state", string(g.Append(nil)), state)
		g.Step([]Record{last}, new(Effects))
		same(t, "in batches, at the end", whole(g), want)
	})
	if repaired == 0 {
		t.Error("no event ever came late")
	}
}

// With near misses the same comes out as without.
func TestNearMissesOfLateEventsChangeNothing(t *testing.T) {
	rs := zoo(t)
	rapid.Check(t, func(t *rapid.T) {
		lateness := time.Duration(rapid.IntRange(0, 30).Draw(t, "lateness")) * time.Second
		late := arrival(t, stream(t), lateness)
		g, want := stepped(rs, Options{Order: EagerOrder, Lateness: lateness}, slices.Clone(late), end)
		h, got := stepped(rs, Options{NearMisses: true, Order: EagerOrder, Lateness: lateness}, slices.Clone(late), end)
		same(t, "with near misses", text(got), text(want))
		same(t, "stats", fmt.Sprint(h.Stats()), fmt.Sprint(g.Stats()))
	})
}

// Event by event: what ran out in the eyes of later events is taken back when an earlier
// one shows that it did not, and what came first after it is the first in the order of time.
func TestNearMissesAreTakenBack(t *testing.T) {
	rs := rulesOf(makeRule(t, "ab", "a -> b", nfa.Options{Within: 10 * time.Second}, abc("a", "b")))
	for _, restart := range []bool{false, true} {
		o := Options{NearMisses: true, Order: EagerOrder, Lateness: 30 * time.Second}
		g := NewEngine(rs, o)
		for _, step := range []struct {
			second  int
			kind    string
			want    string // of the first step
			watched int
		}{
			{5, "a", "began 1 split 0 reached 1 open 1", 0},
			{20, "x", "began 1 split 0 reached 1 open 0 ran_out 1\n  c 5..15 a@5 waited b", 1},
			{22, "b", "began 1 split 0 reached 1 open 0 ran_out 1\n  c 5..15 a@5 waited b after b@22", 0},
			{14, "x", "began 1 split 0 reached 1 open 0 ran_out 1\n  c 5..15 a@5 waited b before 14 after b@22", 0},
			{18, "b", "began 1 split 0 reached 1 open 0 ran_out 1\n  c 5..15 a@5 waited b before 14 after b@18", 0},
			{7, "b", "began 1 split 0 reached 1 open 0", 0}, // a match
			{4, "a", "began 2 split 0 reached 2 open 0", 0}, // another match, which consumes the other a
			{6, "b", "began 2 split 0 reached 2 open 0", 0},
			{50, "a", "began 3 split 0 reached 3 open 1", 0},
			{91, "x", "began 3 split 0 reached 3 open 0 ran_out 1\n  c 50..60 a@50 waited b", 1}, // for good
			{69, "b", "began 3 split 0 reached 3 open 0 ran_out 1\n  c 50..60 a@50 waited b after b@69", 0},
			{65, "b", "began 3 split 0 reached 3 open 0 ran_out 1\n  c 50..60 a@50 waited b after b@65", 0},
			{67, "b", "began 3 split 0 reached 3 open 0 ran_out 1\n  c 50..60 a@50 waited b after b@65", 0},
			{200, "x", "began 3 split 0 reached 3 open 0 ran_out 1\n  c 50..60 a@50 waited b after b@65", 0},
		} {
			g.StepEvents([]Event{pay(step.second, "c", "", step.kind, 1)}, new(Effects))
			if restart {
				var err error
				if g, err = Restore(rs, o, g.Append(nil)); err != nil {
					t.Fatal(err)
				}
			}
			if got := shortly(g.NearMisses()[0]); got != step.want {
				t.Errorf("after %s at %d:\n%s\nwant:\n%s", step.kind, step.second, got, step.want)
			}
			if n := len(g.layers[0].shards[0].near.watched[0]["c"]); n != step.watched {
				t.Errorf("after %s at %d %d are watched", step.kind, step.second, n)
			}
		}
		left := 0
		g.layers[0].shards[0].eachFate(func(*fate, bool) { left++ })
		if left > 0 {
			t.Errorf("%d fates are left that nothing can take back", left)
		}
	}
}

// A match that came after what another rule waited for, and is none any more, did not.
func TestNearMissesOfRetractedMatches(t *testing.T) {
	pair := makeRule(t, "pair", "a -> !x -> b", nfa.Options{Within: 5 * time.Second}, abc("a", "b", "x"))
	before := makeRule(t, "before", "c -> hit", nfa.Options{Within: 4 * time.Second}, map[string]Cond{"c": {Types: []TypeID{tLogin}}, "hit": {Types: []TypeID{tLogin + 1}}})
	rs := rulesOf(before, pair)
	rs.Types = append(rs.Types, Type{Name: "alert.pair", Alert: pair})
	before.Types, before.Layer = []TypeID{tLogin, tLogin + 1}, 1
	g := NewEngine(rs, Options{NearMisses: true, Order: EagerOrder, Lateness: 30 * time.Second})
	for _, step := range []struct {
		second  int
		kind    string
		want    string
		watched int
	}{
		{1, "c", "began 1 split 0 reached 1 open 1", 0},
		{5, "a", "began 1 split 0 reached 1 open 1", 0},
		{7, "b", "began 1 split 0 reached 1 open 0 ran_out 1\n  k 1..5 c@1 waited hit after hit@7", 0},
		{6, "x", "began 1 split 0 reached 1 open 1", 0}, // nothing has come after it
		{8, "c", "began 2 split 0 reached 2 open 1 ran_out 1\n  k 1..5 c@1 waited hit", 1},
		{4, "b", "began 2 split 0 reached 2 open 1 ran_out 1\n  k 1..5 c@1 waited hit", 1},
		{3, "a", "began 2 split 0 reached 2 open 1", 0},
		{12, "c", "began 3 split 0 reached 3 open 1 ran_out 1\n  k 8..12 c@8 waited hit", 1},
		{13, "a", "began 3 split 0 reached 3 open 1 ran_out 1\n  k 8..12 c@8 waited hit", 1},
		{15, "b", "began 3 split 0 reached 3 open 0 ran_out 1\n  k 8..12 c@8 waited hit after hit@15", 0},
		{14, "x", "began 3 split 0 reached 3 open 1 ran_out 1\n  k 8..12 c@8 waited hit", 1},
	} {
		e := pay(step.second, "k", "", step.kind, 1)
		if step.kind == "c" {
			e = event("login", tLogin, e.Time, "k", "", "c", 1)
		}
		g.StepEvents([]Event{e}, new(Effects))
		if got := shortly(g.NearMisses()[0]); got != step.want {
			t.Errorf("after %s at %d:\n%s\nwant:\n%s", step.kind, step.second, got, step.want)
		}
		if n := len(g.layers[1].shards[0].near.watched[0]["k"]); n != step.watched {
			t.Errorf("after %s at %d %d are watched", step.kind, step.second, n)
		}
	}
}

// shortly writes the first step of a rule, without the names of events.
func shortly(r RuleMisses) string {
	text := report([]RuleMisses{{r.Rule, r.Steps[:1]}})
	_, text, _ = strings.Cut(strings.TrimSpace(text), "1/1 ")
	for _, m := range r.Steps[0].Latest {
		for _, s := range []Seen{m.Before, m.After} {
			if s.Name != "" {
				text = strings.ReplaceAll(text, " "+s.Name, "")
			}
		}
	}
	return text
}

// Of more than 20 that may all be taken back none is lost.
func TestManyNearMissesAreTakenBack(t *testing.T) {
	rs := rulesOf(makeRule(t, "ab", "a -> b", nfa.Options{Within: 10 * time.Second}, abc("a", "b")))
	var events []Event
	for i := range 60 {
		events = append(events, pay(i/10, fmt.Sprintf("c%02d", i), "", "a", 1), pay(100, fmt.Sprintf("c%02d", i), "", "x", 1))
	}
	for i := 30; i < 60; i++ {
		events = append(events, pay(7, fmt.Sprintf("c%02d", i), "", "b", 1))
	}
	for shards := 1; shards <= 3; shards++ {
		g, _ := stepped(rs, Options{NearMisses: true, Order: EagerOrder, Lateness: 200 * time.Second, Shards: shards}, slices.Clone(events), end)
		first := g.NearMisses()[0].Steps[0]
		var got []string
		for _, m := range first.Latest {
			got = append(got, m.Key[0])
		}
		var want []string
		for i := 10; i < 30; i++ {
			want = append(want, fmt.Sprintf("c%02d", i))
		}
		if !slices.Equal(got, want) || first.Ended[EndRanOut] != 30 {
			t.Errorf("%d shards: %d ran out, kept %v", shards, first.Ended[EndRanOut], got)
		}
		waits := 0
		for _, s := range g.layers[0].shards {
			waits += len(s.near.watched[0])
		}
		if waits > 30 {
			t.Errorf("%d keys are watched", waits)
		}
	}
}

// What matches of other rules lead to, be they brought by events or by time, is counted as
// they stand in the end.
func TestNearMissesOfRulesOnMatches(t *testing.T) {
	lonely := makeRule(t, "lonely", "a -> !b", nfa.Options{Within: 5 * time.Second}, abc("a", "b"))
	pair := makeRule(t, "pair", "a -> b", nfa.Options{Within: 5 * time.Second}, abc("a", "b"))
	hit := Cond{Types: []TypeID{tLogin + 1, tLogin + 2}}
	c := Cond{Types: []TypeID{tPay}, Event: is("c").Event}
	after := makeRule(t, "after", "hit -> c", nfa.Options{Within: 6 * time.Second}, map[string]Cond{"hit": hit, "c": c})
	before := makeRule(t, "before", "c -> hit", nfa.Options{Within: 4 * time.Second}, map[string]Cond{"hit": hit, "c": c})
	rs := rulesOf(after, before, lonely, pair)
	rs.Types = append(rs.Types, Type{Name: "alert.lonely", Alert: lonely}, Type{Name: "alert.pair", Alert: pair})
	for _, r := range []*Rule{after, before} {
		r.Types, r.Layer = []TypeID{tPay, tLogin + 1, tLogin + 2}, 1
	}
	rapid.Check(t, func(t *rapid.T) {
		events := stream(t)
		lateness := time.Duration(rapid.IntRange(0, 30).Draw(t, "lateness")) * time.Second
		late := arrival(t, events, lateness)
		last := rapid.SampledFrom([]Record{end, {Kind: HaltRecord}}).Draw(t, "last")
		o := Options{NearMisses: true}
		sorted, _ := stepped(rs, o, slices.Clone(events), last)
		o.Order, o.Lateness = EagerOrder, lateness
		g := NewEngine(rs, o)
		for rest := slices.Clone(late); len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "batch")
			g.StepEvents(rest[:n], new(Effects))
			rest = rest[n:]
			if rapid.Bool().Draw(t, "restore") {
				var err error
				if g, err = Restore(rs, o, g.Append(nil)); err != nil {
					t.Fatal(err)
				}
			}
			balanced(t, g)
		}
		g.Step([]Record{last}, new(Effects))
		same(t, "near misses", whole(g), whole(sorted))
	})
}
