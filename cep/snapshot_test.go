package cep

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"weir/nfa"
)

// busy returns an engine with something of everything in its state.
func busy(t testing.TB) *Engine {
	g, fx := NewEngine(zoo(t), Options{Lateness: 2 * time.Second}), new(Effects)
	r := random(7)
	for second := range 60 {
		events := []Event{
			pay(second, []string{"c1", "c2", "c3"}[r.next()%3], "m1", []string{"a", "a", "b", "c"}[r.next()%4], float64(r.next()%5)),
			event("login", tLogin, int64(second)*int64(time.Second), "c1", "m2", "a", 1),
			event("other", OtherType, int64(second)*int64(time.Second), "c1", "", "b", 1),
		}
		events[0].row[fTo] = TextValue("c2")
		events[1].ID = strconv.Itoa(second / 2) // of each id one is a conflict
		g.StepEvents(events, fx)
	}
	if len(fx.Alerts) == 0 || g.Keys() == 0 || len(g.order.held) == 0 || g.ids.len() != 30 {
		t.Fatal("nothing happened")
	}
	return g
}

func TestRestore(t *testing.T) {
	g := busy(t)
	state := g.Append([]byte("before"))
	if !bytes.HasPrefix(state, []byte("before")) {
		t.Fatal("Append does not append")
	}
	state = state[len("before"):]
	if again := g.Append(nil); !bytes.Equal(again, state) {
		t.Error("the same state gives other bytes")
	}
	restored, err := Restore(zoo(t), Options{Lateness: 2 * time.Second, Shards: 3}, state)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(restored.Append(nil), state) {
		t.Error("the restored state gives other bytes")
	}
	if !slices.Equal(restored.Open(), g.Open()) {
		t.Errorf("open matches: %v, want %v", restored.Open(), g.Open())
	}
}

func TestRestoreRefuses(t *testing.T) {
	state := busy(t).Append(nil)
	other := zoo(t)
	other.Rules[0].Revision++
	for name, c := range map[string]struct {
		rs   *Ruleset
		data []byte
		want string
	}{
		"nothing":     {zoo(t), nil, "no state"},
		"other bytes": {zoo(t), bytes.Repeat([]byte("x"), 100), "no state"},
		"format":      {zoo(t), sealed(replaced(state, len(stateMagic), stateFormat+1)), "format 10"},
		"other rules": {other, state, "other rules"},
		"more":        {zoo(t), sealed(append(slices.Clone(state[:len(state)-4]), 0, 0, 0, 0, 0)), "no state"},
	} {
		if _, err := Restore(c.rs, Options{}, c.data); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", name, err, c.want)
		}
	}
	for n := range state {
		if _, err := Restore(zoo(t), Options{}, state[:n]); err == nil {
			t.Fatalf("the first %d of %d bytes are taken for a state", n, len(state))
		}
	}
}

// sealed gives bytes the checksum that they should have.
func sealed(state []byte) []byte {
	body := state[:len(state)-4]
	return binary.LittleEndian.AppendUint32(slices.Clone(body), crc32.Checksum(body, castagnoli))
}

func replaced(state []byte, i int, b byte) []byte {
	state = slices.Clone(state)
	state[i] = b
	return state
}

// Whatever the bytes, Restore gives an error or an engine that works.
func FuzzRestore(f *testing.F) {
	rs := zoo(f)
	state := busy(f).Append(nil)
	f.Add(state)
	for i := len(stateMagic) + 34; i < len(state)-4; i += len(state) / 50 {
		f.Add(replaced(state, i, state[i]+1))
	}
	f.Add(NewEngine(rs, Options{}).Append(nil))
	near := missing(f).Append(nil)
	f.Add(near)
	for i := len(near) * 3 / 4; i < len(near)-4; i += len(near) / 200 {
		f.Add(replaced(near, i, near[i]+1))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < len(stateMagic)+5 {
			return
		}
		g, err := Restore(rs, Options{NearMisses: len(data)%2 == 0}, sealed(data))
		if err != nil {
			return
		}
		var fx Effects
		e := pay(200, "c1", "m1", "a", 1)
		e.Time = max(e.Time, g.order.now)
		g.StepEvents([]Event{e}, &fx)
		g.Step([]Record{end}, &fx)
		g.Append(nil)
	})
}

// Values of an event that no decoder can have read are refused: what looks at
// them relies on it.
func TestRestoreRefusesValues(t *testing.T) {
	held := func(change func(g *Engine, e *Event)) []byte {
		g := NewEngine(zoo(t), Options{Lateness: time.Minute})
		g.StepEvents([]Event{pay(1, "c1", "m1", "a", 1)}, new(Effects))
		change(g, g.order.held[0].event)
		return g.Append(nil)
	}
	for name, c := range map[string]struct {
		change func(g *Engine, e *Event)
		ok     bool
	}{
		"as it was":       {func(*Engine, *Event) {}, true},
		"a bool":          {func(_ *Engine, e *Event) { e.row[fKind] = BoolValue(true) }, true},
		"a bool of 2":     {func(_ *Engine, e *Event) { e.row[fKind] = Value{Kind: Bool, bits: 2} }, false},
		"not a number":    {func(_ *Engine, e *Event) { e.row[fAmount] = Value{Kind: Number, bits: math.Float64bits(math.NaN())} }, false},
		"an infinity":     {func(_ *Engine, e *Event) { e.row[fAmount] = Value{Kind: Number, bits: math.Float64bits(math.Inf(1))} }, false},
		"no place left":   {func(g *Engine, _ *Event) { g.place = math.MaxUint64 }, false},
		"waits no more":   {func(g *Engine, e *Event) { e.Time = g.order.low - 1 }, true},
		"held and ahead":  {func(g *Engine, e *Event) { e.Time = g.order.now + 1 }, false},
		"low above now":   {func(g *Engine, _ *Event) { g.order.low = g.order.now + 1 }, false},
		"held, no time":   {func(g *Engine, _ *Event) { g.order.started = false }, false},
		"arrived too far": {func(g *Engine, _ *Event) { g.order.arrived = 0 }, false},
	} {
		_, err := Restore(zoo(t), Options{}, held(c.change))
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Any state that Append wrote can be read, however often a throttle silenced.
func TestRestoreManySilenced(t *testing.T) {
	rs := rulesOf(makeRule(t, "a", "a", nfa.Options{}, abc("a")))
	rs.Rules[0].Throttle = time.Hour
	g, _ := stepped(rs, Options{}, []Event{pay(1, "c1", "", "a", 1), pay(2, "c1", "", "a", 1)})
	for _, ks := range g.layers[0].shards[0].tables[0] {
		ks.rules[0].suppressed = math.MaxInt64
	}
	if _, err := Restore(rs, Options{}, g.Append(nil)); err != nil {
		t.Error(err)
	}
}

// What has grown large is not pooled, before a restore or after.
func TestLargeRunsAreNotKept(t *testing.T) {
	rs := rulesOf(makeRule(t, "ab", "a -> b", nfa.Options{Within: time.Hour, Skip: nfa.SkipNone}, abc("a", "b")))
	var events []Event
	for i := range 500 {
		events = append(events, pay(i, "c1", "", "a", 1))
	}
	g, _ := stepped(rs, Options{}, events)
	restored, err := Restore(rs, Options{}, g.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	for name, g := range map[string]*Engine{"whole": g, "restored": restored} {
		g.Step([]Record{end}, new(Effects))
		if s := g.layers[0].shards[0]; g.Keys() != 0 || len(s.spare.runs) > 0 {
			t.Errorf("%s: %d keys, %d runs are kept", name, g.Keys(), len(s.spare.runs))
		}
	}
}

// Settling a key that is only throttled puts no empty memory aside.
func TestSpareHoldsMemory(t *testing.T) {
	rs := rulesOf(
		makeRule(t, "a", "a", nfa.Options{}, abc("a")),
		makeRule(t, "ab", "a -> b", nfa.Options{}, abc("a", "b")),
	)
	rs.Rules[0].Throttle = time.Hour
	var events []Event
	for i := range 100 {
		events = append(events, pay(i, "c1", "", []string{"a", "b"}[i%2], 1))
	}
	g, _ := stepped(rs, Options{}, events)
	if n := len(g.layers[0].shards[0].spare.runs); n > 3 {
		t.Errorf("%d runs are kept of a key that had one open match at a time", n)
	}
}
