package cep

import (
	"math"
	"slices"
	"testing"
	"time"

	"weir/cep/outcome"
	"weir/nfa"
)

// tiers has rules of two layers with holds, edge, a risk, and keys that are handed over.
func tiers(t testing.TB) *Ruleset {
	burst := makeRule(t, "burst", "a{2} -> b", nfa.Options{Within: 20 * time.Second}, abc("a", "b"))
	burst.Hold, burst.Throttle, burst.Measures = 15*time.Second, 9*time.Second, []Measure{first("merchant", 0, fMerchant)}
	burst.Score = func(s *Scope) Value { return *s.Captures.First(0).Field(fAmount) }
	many := makeRule(t, "many", "e", nfa.Options{}, map[string]Cond{"e": over(1)})
	many.Edge, many.Hold = true, 30*time.Second
	many.Score = burst.Score
	quiet := makeRule(t, "quiet", "a -> !b", nfa.Options{Within: 6 * time.Second}, abc("a", "b"))
	rs := withRisk(rulesOf(burst, many, quiet), 5*time.Second)
	of := []TypeID{matchesOf(rs, burst), matchesOf(rs, quiet), tPay}
	shop := makeRule(t, "shop", "m -> x", nfa.Options{Within: 40 * time.Second}, map[string]Cond{"m": typed(of[0]), "x": is("c")})
	shop.Key = Key{Fields: []FieldID{fMerchant}, Names: []string{"merchant"}}
	twice := makeRule(t, "twice", "q{2} -> b", nfa.Options{Within: 90 * time.Second}, map[string]Cond{
		"q": typed(of[1]),
		"b": {Equals: is("b").Equals, Event: func(s *Scope) bool { return is("b").Event(s) && risky(30)(s) }},
	})
	shop.Types, twice.Types, shop.Layer, twice.Layer, shop.Hold = of, of, 1, 1, 20*time.Second
	rs.Rules = append(rs.Rules, shop, twice)
	return rs
}

// lively returns an engine with something of everything that matches leave in its state.
func lively(t testing.TB) *Engine {
	g, fx := NewEngine(tiers(t), Options{Lateness: 2 * time.Second}), new(Effects)
	r := random(11)
	for s := range 40 {
		g.StepEvents([]Event{pay(s, []string{"c1", "c2"}[r.next()%2], []string{"m1", "m2"}[r.next()%2], []string{"a", "a", "b", "c"}[r.next()%4], float64(r.next()%3))}, fx)
	}
	g.StepEvents([]Event{pay(40, "c1", "m1", "a", 8), pay(41, "c1", "m1", "a", 5), pay(44, "c2", "m2", "a", 1), pay(45, "c2", "m2", "b", 1)}, fx)
	return g
}

// The state that is damaged below has all that there is to damage.
func TestLivelyStateHasEverything(t *testing.T) {
	g := lively(t)
	found := map[string]bool{"risks": len(g.risks[0].tables[0]) > 0, "a second layer": g.layers[1].last > 0}
	for s := range g.shards {
		for _, table := range s.tables {
			for _, ks := range table {
				for i := range ks.rules {
					found["several holds"] = found["several holds"] || len(ks.rules[i].holds) > 1
					found["edge"] = found["edge"] || ks.rules[i].edge
				}
				for _, e := range ks.events {
					found["a captured match"] = found["a captured match"] || e.Type > tLogin
				}
			}
		}
	}
	for _, what := range []string{"risks", "a second layer", "several holds", "edge", "a captured match"} {
		if !found[what] {
			t.Errorf("nothing of: %s", what)
		}
	}
}

// goesOn restores a state and gives it events; it must not fail in another way than by
// the error of Restore.
func goesOn(rs *Ruleset, data []byte) error {
	g, err := Restore(rs, Options{Shards: 2}, data)
	if err != nil {
		return err
	}
	fx := new(Effects)
	for i, kind := range []string{"a", "b", "a", "a", "b", "c"} {
		e := pay(45+i, "c1", "m1", kind, 2)
		e.Time = max(e.Time, g.order.now)
		g.StepEvents([]Event{e}, fx)
	}
	g.Append(nil)
	g.Step([]Record{end}, fx)
	g.Append(nil)
	for i := range fx.Decisions {
		AppendDecisionJSON(nil, &fx.Decisions[i])
	}
	return nil
}

// Any byte of a state may be damaged under a right checksum: there is an error, or an
// engine that works.
func TestRestoreOfDamagedConsequences(t *testing.T) {
	rs, state := tiers(t), lively(t).Append(nil)
	if err := goesOn(rs, state); err != nil {
		t.Fatal(err)
	}
	refused := 0
	for i := len(stateMagic) + 34; i < len(state)-4; i++ {
		b := []byte{0, state[i] + 1, state[i] ^ 0x80, 0xff}[i%4]
		if goesOn(rs, sealed(replaced(state, i, b))) != nil {
			refused++
		}
	}
	if refused == 0 {
		t.Error("no damage was refused")
	}
	for n := range state {
		if _, err := Restore(rs, Options{}, state[:n]); err == nil {
			t.Fatalf("the first %d of %d bytes are taken for a state", n, len(state))
		}
	}
}

// What no engine can have kept of holds and risks is refused.
func TestRestoreRefusesHoldsAndRisks(t *testing.T) {
	held := func(g *Engine) *ruleState {
		for s := range g.shards {
			for _, table := range s.tables {
				for _, ks := range table {
					for i := range ks.rules {
						if st := &ks.rules[i]; len(st.holds) > 1 {
							return st
						}
					}
				}
			}
		}
		return nil
	}
	move := func(g *Engine, from, to string) {
		table := g.risks[0].tables[0]
		table[to] = table[from]
		table[to].text = to
		delete(table, from)
	}
	for name, c := range map[string]struct {
		damage func(g *Engine)
		ok     bool
	}{
		"as it was":                {func(*Engine) {}, true},
		"a hold that ends sooner":  {func(g *Engine) { st := held(g); slices.Reverse(st.holds) }, false},
		"a hold that says no more": {func(g *Engine) { st := held(g); st.holds[1].score = st.holds[0].score }, false},
		"holds that end together":  {func(g *Engine) { st := held(g); st.holds[1].until = st.holds[0].until }, false},
		"a score above 100":        {func(g *Engine) { st := held(g); st.holds[0].score = 101 }, false},
		"a hold for ever":          {func(g *Engine) { st := held(g); st.holds[len(st.holds)-1].until = math.MaxInt64 }, true},
		"a risk of another card":   {func(g *Engine) { move(g, "c1", "c3") }, true},
		"a risk of no key":         {func(g *Engine) { move(g, "c1", "") }, false},
		"a risk that has faded":    {func(g *Engine) { g.risks[0].tables[0]["c1"].level = outcome.Level{} }, true}, // it is not written
		"a risk of some years from now": {func(g *Engine) {
			rk := g.risks[0].tables[0]["c1"]
			rk.level = outcome.Level{}
			g.risks[0].named[0].Risk.Add(&rk.level, 100, math.MaxInt64-1)
		}, true},
		"a last event too far":  {func(g *Engine) { g.layers[1].last = math.MaxInt64 }, false},
		"events after the last": {func(g *Engine) { g.layers[1].last = 0 }, false},
	} {
		g := lively(t)
		c.damage(g)
		if err := goesOn(tiers(t), g.Append(nil)); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A key of one part may be any text, one of several must be made of them.
	rs := tiers(t)
	rs.Risks[0].Key = []string{"merchant", "card"}
	pair := makeRule(t, "zpair", "e", nfa.Options{}, map[string]Cond{"e": {}})
	pair.Key = Key{Fields: []FieldID{fMerchant, fCard}, Names: []string{"merchant", "card"}}
	rs.Rules = append(rs.Rules, pair)
	g, _ := stepped(rs, Options{}, []Event{pay(1, "c1", "m1", "x", 1)})
	if err := goesOn(rs, g.Append(nil)); err != nil {
		t.Error(err)
	}
	move(g, "\x02m1\x02c1", "\x02m1\x03c1")
	if err := goesOn(rs, g.Append(nil)); err == nil {
		t.Error("half a key was taken for one")
	}
}

// A state of other risks, layers or keys of risks is one of other rules.
func TestRestoreRefusesOtherConsequences(t *testing.T) {
	state := lively(t).Append(nil)
	for name, change := range map[string]func(rs *Ruleset){
		"half-life": func(rs *Ruleset) { rs.Risks[0].Risk.HalfLife++ },
		"risk":      func(rs *Ruleset) { rs.Risks[0].Name = "other" },
		"key":       func(rs *Ruleset) { rs.Risks[0].Key = []string{"merchant"} },
		"no risk":   func(rs *Ruleset) { rs.Risks = nil },
		"layer":     func(rs *Ruleset) { rs.Rules[3].Layer = 0 },
		"type":      func(rs *Ruleset) { rs.Types[2].Name = "alert.other" },
	} {
		rs := tiers(t)
		change(rs)
		if _, err := Restore(rs, Options{}, state); err == nil {
			t.Errorf("with another %s the state is taken", name)
		}
	}
}

// Whatever the bytes, Restore gives an error or an engine that works.
func FuzzRestoreConsequences(f *testing.F) {
	rs, state := tiers(f), lively(f).Append(nil)
	f.Add(state)
	for i := len(stateMagic) + 34; i < len(state)-4; i += len(state) / 50 {
		f.Add(replaced(state, i, state[i]+1))
	}
	f.Add(NewEngine(rs, Options{}).Append(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) >= len(stateMagic)+5 {
			goesOn(rs, sealed(data))
		}
	})
}
