package cep

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"strings"
	"testing"
	"time"
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
		events[1].ID = "l"
		g.StepEvents(events, fx)
	}
	if len(fx.Alerts) == 0 || g.Keys() == 0 || len(g.order.held) == 0 {
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
		"format":      {zoo(t), sealed(replaced(state, len(stateMagic), stateFormat+1)), "format 2"},
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
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < len(stateMagic)+5 {
			return
		}
		g, err := Restore(rs, Options{}, sealed(data))
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
