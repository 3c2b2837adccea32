package cep

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// publishedAt is the record that publishes rules in these tests.
const publishedAt = 7

// warming are Rules that let some of theirs be run in.
func warming(rs *Ruleset, o Options, ids []string) *Rules {
	r := &Rules{Ruleset: rs, Options: o, At: publishedAt, Changes: map[string]Change{}}
	for _, id := range ids {
		r.Changes[id] = Change{Warm: true}
	}
	return r
}

// laneFor is the fold of a lane that has seen nothing.
func laneFor(rs *Ruleset, o Options, ids []string) *laneFold {
	f := &laneFold{of: Joined{At: publishedAt, From: 1, Rules: ids}, rules: &Rules{Ruleset: rs, Options: o}, steps: NewLoop(LoopOptions{})}
	f.begin()
	return f
}

// give lets a lane fold events.
func (f *laneFold) give(events []Event) {
	f.engine.StepEvents(slices.Clone(events), &f.fx)
	f.take()
}

func (f *laneFold) mustPublish(t *rapid.T) {
	if err := f.publish(); err != nil {
		t.Fatal(err)
	}
}

// but is rs without some rules.
func (rs *Ruleset) but(ids []string) *Ruleset {
	c := *rs
	c.Rules = slices.DeleteFunc(slices.Clone(rs.Rules), func(r *Rule) bool { return slices.Contains(ids, r.ID) })
	return &c
}

// of leaves the alerts of some rules; but those of all others.
func of(alerts []Alert, ids []string, are bool) *Effects {
	return &Effects{Alerts: slices.DeleteFunc(slices.Clone(alerts), func(a Alert) bool { return slices.Contains(ids, a.Rule.ID) != are })}
}

func cutAt(t *rapid.T, events []Event, name string) int {
	return rapid.IntRange(0, len(events)).Draw(t, name)
}

// Rules that join say what their lane would have said had it gone on by itself, wherever they
// were published and joined, whatever the order, and however often the state was written and read;
// all other rules say what they would have said without them.
func TestJoinedRulesGoOnAsTheirLane(t *testing.T) {
	checkJoins(t, digested(zoo(t)))
}

// The same holds for rules that look at features, whether these begin with them or go on.
func TestJoinedRulesBringTheirFeatures(t *testing.T) {
	rs := watched(t)
	for _, f := range rs.Features {
		f.Digest = f.Name
	}
	checkJoins(t, digested(rs))
}

// before is rs as it was before some rules came: without them, and with other features where no
// rule reads them.
func (rs *Ruleset) before(ids []string) *Ruleset {
	c := rs.but(ids)
	var left []int32
	for i := range c.Rules {
		left = append(left, int32(i))
	}
	c.Features = slices.Clone(rs.Features)
	for f, used := range c.featuresOf(left) {
		if !used {
			other := *rs.Features[f]
			other.Digest = "was " + other.Name
			c.Features[f] = &other
		}
	}
	return c
}

// And for rules that match when windows end, or show the latest events of features, under the key
// of these: what another key shows of them is not repaired when events come late.
func TestJoinedRulesCloseTheirWindows(t *testing.T) {
	rs := riskless(closings(t))
	for _, f := range rs.Features {
		f.Digest = f.Name
	}
	for _, r := range rs.Rules {
		if r.Evidence > 0 {
			k := rs.Features[r.Evidence-1].Key
			r.Key = Key{Fields: k.Fields, Names: k.Names, ByType: k.ByType}
		}
	}
	checkJoins(t, digested(rs))
}

// riskless is rs without risks.
func riskless(rs *Ruleset) *Ruleset {
	rs.Risks = nil
	for _, r := range rs.Rules {
		if len(r.Risks) > 0 {
			r.Risks, r.Having = nil, nil
		}
	}
	return rs
}

func checkJoins(t *testing.T, rs *Ruleset) {
	spoke := map[string]bool{}
	rapid.Check(t, func(t *rapid.T) {
		j := &joinCase{T: t, rs: rs, o: Options{Lateness: time.Duration(rapid.IntRange(0, 30).Draw(t, "lateness")) * time.Second, Order: rapid.SampledFrom([]Order{WatermarkOrder, EagerOrder}).Draw(t, "order")}}
		j.events = arrival(t, stream(t), j.o.Lateness)
		for _, r := range rs.Rules {
			if rapid.Bool().Draw(t, r.ID) {
				j.ids = append(j.ids, r.ID)
			}
		}
		if rapid.IntRange(0, 3).Draw(t, "all") == 0 {
			j.ids = rs.idsOf(allOf(rs))
		}
		if len(j.ids) > 0 {
			j.check(spoke)
		}
	})
	for _, r := range rs.Rules {
		if !spoke[r.ID] {
			t.Errorf("%s has not joined and made an alert", r.ID)
		}
	}
}

func allOf(rs *Ruleset) (all []int32) {
	for i := range rs.Rules {
		all = append(all, int32(i))
	}
	return all
}

// joinCase is a stream in which rules are published, and join.
type joinCase struct {
	*rapid.T
	rs     *Ruleset
	o      Options
	events []Event
	ids    []string
}

// restored is an engine, or one that is read of its state.
func (c *joinCase) restored(g *Engine) *Engine {
	if !rapid.Bool().Draw(c.T, "restored") {
		return g
	}
	c.o.Shards = rapid.IntRange(1, 3).Draw(c.T, "shards")
	next, err := Restore(c.rs, c.o, g.Append(nil))
	if err != nil {
		c.Fatal(err)
	}
	return next
}

func (c *joinCase) check(spoke map[string]bool) {
	t, rs, o, events, ids := c.T, c.rs, c.o, c.events, c.ids
	p := cutAt(t, events, "published")
	j := p + cutAt(t, events[p:], "joined")

	alone := laneFor(rs, o, ids)
	alone.give(events[:p])
	alone.mustPublish(t)
	alone.give(events[p:])
	alone.engine.Step([]Record{end}, &alone.fx)
	alone.take()

	lane := laneFor(rs, o, ids)
	lane.give(events[:p])
	lane.mustPublish(t)
	lane.give(events[p:j])

	var fx Effects
	g := NewEngine(rs.before(ids), o)
	g.StepEvents(slices.Clone(events[:p]), &fx)
	g, _ = g.Adopt(warming(rs, o, ids))
	g = c.restored(g)
	g.StepEvents(slices.Clone(events[p:j]), &fx)
	g = c.restored(g)
	if s := g.Sleeping(); len(s) != 1 || !slices.Equal(s[0].Rules, ids) || s[0].At != publishedAt {
		t.Fatalf("asleep: %v, want %q", s, ids)
	}
	for _, a := range fx.Alerts {
		if slices.Contains(ids, a.Rule.ID) {
			t.Fatalf("%s makes an alert asleep", a.Rule.ID)
		}
	}
	g, came, err := lane.join(g, &Rules{Ruleset: rs, Options: o})
	if err != nil {
		t.Fatal(err)
	}
	fx.Alerts = append(fx.Alerts, came...)
	g = c.restored(g)
	for k := j; k < len(events); {
		n := rapid.IntRange(1, len(events)-k).Draw(t, "batch")
		g.StepEvents(slices.Clone(events[k:k+n]), &fx)
		k += n
		g = c.restored(g)
	}
	g.Step([]Record{end}, &fx)
	same(t, "rules that joined", left(t, of(fx.Alerts, ids, true)), left(t, of(alone.came, ids, true)))
	for _, a := range fx.Alerts {
		spoke[a.Rule.ID] = spoke[a.Rule.ID] || slices.Contains(ids, a.Rule.ID)
	}

	var others Effects
	g = NewEngine(rs.before(ids), o)
	g.StepEvents(slices.Clone(events), &others)
	g.Step([]Record{end}, &others)
	same(t, "all others", left(t, of(fx.Alerts, ids, false)), left(t, &others))
}

// A lane says what one fold over the log says with its rules in force from the beginning, but for
// what was complete when they were published.
func TestLanesAreOneFold(t *testing.T) {
	rs := digested(zoo(t))
	ids := []string{"absence", "any", "in-order", "merchant", "mule", "pair", "rising", "unless"} // throttled: what came before opens no throttle
	rapid.Check(t, func(t *rapid.T) {
		o := Options{Order: rapid.SampledFrom([]Order{WatermarkOrder, EagerOrder}).Draw(t, "order")}
		events := stream(t)
		p := cutAt(t, events, "published")
		g, fx := stepped(rs, o, slices.Clone(events[:p]))
		early := len(of(fx.Alerts, ids, true).Alerts)
		g.StepEvents(slices.Clone(events[p:]), fx)
		g.Step([]Record{end}, fx)
		f := laneFor(rs, o, ids)
		f.give(events[:p])
		f.mustPublish(t)
		if f.early != uint64(early) {
			t.Fatalf("%d matches came early, want %d", f.early, early)
		}
		f.give(events[p:])
		f.engine.Step([]Record{end}, &f.fx)
		f.take()
		same(t, "the lane", left(t, &Effects{Alerts: f.came}), left(t, &Effects{Alerts: of(fx.Alerts, ids, true).Alerts[early:]}))
	})
}

// What sleeps has begun nothing that could drain: its revision ends, and the next one sleeps alone.
func TestSleepingRulesDoNotDrain(t *testing.T) {
	was, ids := digested(zoo(t)), []string{"pair"}
	now := *was
	now.Rules = nil
	for _, r := range was.Rules {
		if r.ID == ids[0] {
			drains, next := *r, *r
			drains.Drains = true
			next.Revision, next.Digest = r.Revision+1, "next"
			now.Rules = append(now.Rules, &drains, &next)
			continue
		}
		now.Rules = append(now.Rules, r)
	}
	g, _ := NewEngine(was.but(ids), Options{}).Adopt(warming(was, Options{}, ids))
	r := warming(&now, Options{}, ids)
	r.At, r.Changes = publishedAt+1, map[string]Change{ids[0]: {Mode: ModeDrain, Warm: true}}
	g, told := g.Adopt(r)
	if s := g.Sleeping(); len(s) != 1 || s[0].At != r.At || !slices.Equal(s[0].Rules, ids) {
		t.Errorf("asleep: %v, want %q since %d", s, ids, r.At)
	}
	i := slices.IndexFunc(told.Rules, func(p AdoptedPart) bool { return p.Name == ids[0] })
	if p := told.Rules[i]; p.Mode != ModeReset || p.Why == "" {
		t.Errorf("%+v", p)
	}
}
