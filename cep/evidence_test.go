package cep

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/cep/feature"
	"weir/nfa"
)

// backed is a rule on payments by card that shows the latest of a feature by card.
func backed(t testing.TB, spec feature.Spec) *Ruleset {
	r := makeRule(t, "a", "event", nfa.Options{}, map[string]Cond{"event": is("a")})
	r.Evidence = 1
	rs := rulesOf(r)
	rs.Features = []*Feature{{Name: "n", Types: r.Types, Key: FeatureKey{Names: r.Key.Names, Fields: r.Key.Fields}, Spec: spec}}
	return rs
}

// closed is a rule that matches when the sessions of cards end, and shows them.
func closed() *Ruleset {
	types, key := []TypeID{tPay}, []FieldID{fCard}
	rs := rulesOf(&Rule{
		ID: "w", Revision: 1, Severity: "high", Action: "block", Default: 30, Types: types,
		Key: Key{Names: []string{"card"}, Fields: key}, WindowClose: 1, Evidence: 1,
	})
	rs.Features = []*Feature{{Name: "n", Types: types, Key: FeatureKey{Names: []string{"card"}, Fields: key}, Spec: sessions(feature.Count, 10)}}
	return rs
}

func TestEvidenceJSON(t *testing.T) {
	rs := backed(t, sliding(feature.Count, 10))
	rs.Rules[0].Key = Key{Names: []string{"merchant"}, Fields: []FieldID{fMerchant}}
	second := pay(2, "c", "m", "a", 2)
	second.ID = "named"
	_, fx := stepped(rs, Options{}, []Event{pay(1, "c", "", "x", 1), pay(1, "c", "", "x", 1), second, pay(3, "", "m", "a", 3)})
	if len(fx.Alerts) != 2 {
		t.Fatalf("alerts:\n%s", lines(fx.Alerts))
	}
	a := &fx.Alerts[0]
	one, two := `{"type":"pay","ts":1000,"card":"c","merchant":"","kind":"x","amount":1}`, `{"type":"pay","ts":2000,"card":"c","merchant":"m","kind":"a","amount":2}`
	if got, want := string(AppendJSON(nil, a)), `"events":{"event":`+two+`,"n":[`+one+`,`+one+`,`+two+`]}}`; !strings.HasSuffix(got, want) {
		t.Errorf("got:\n%s\nwant at its end:\n%s", got, want)
	}
	var names []string
	for _, e := range a.Backing.Events {
		names = append(names, e.Name)
	}
	if len(names) != 3 || names[1] != names[0]+"-2" || names[2] != "named" || names[2] != a.Events[0].Name {
		t.Errorf("the events are called %v", names)
	}
	if got := string(AppendJSON(nil, &fx.Alerts[1])); !strings.HasSuffix(got, `,"n":[]}}`) {
		t.Errorf("an event without the feature's key shows\n%s", got)
	}
	plain := backed(t, sliding(feature.Count, 10))
	plain.Rules[0].Key, plain.Rules[0].Evidence = rs.Rules[0].Key, 0
	_, without := stepped(plain, Options{}, []Event{pay(1, "c", "", "x", 1), second})
	if got := string(AppendJSON(nil, &without.Alerts[0])); without.Alerts[0].ID != a.ID || !strings.HasSuffix(got, two+`}}`) {
		t.Errorf("without evidence the alert is\n%s", got)
	}
}

// What rules show is dropped when it has left the window, also of keys that never come
// back, and without events.
func TestEvidenceIsDropped(t *testing.T) {
	rs := backed(t, sliding(feature.Count, 100))
	g, fx := NewEngine(rs, Options{}), new(Effects)
	for i := range 500 {
		g.StepEvents([]Event{pay(i, fmt.Sprint("c", i%200), "", "x", 1), pay(i, "often", "", "x", 1)}, fx)
		for _, tr := range g.ledgers[0].trails[0].keys {
			if cap(tr.events) > 2*(mostShown+1) {
				t.Fatalf("room for %d events of a key", cap(tr.events))
			}
		}
		if tr := &g.ledgers[0].trails[0]; len(tr.keys) > 101 || len(tr.due) != len(tr.keys) {
			t.Fatalf("%d keys, %d times: more than the window needs", len(tr.keys), len(tr.due))
		}
	}
	g.Step([]Record{at(700)}, fx)
	if n := len(g.ledgers[0].trails[0].keys); n > 0 {
		t.Errorf("%d keys are left", n)
	}
}

// An event of a session that goes on costs no memory, and each open window is waited for
// once.
func TestSessionsGoOn(t *testing.T) {
	rs := closed()
	rs.Rules[0].Evidence = 0
	g, fx := NewEngine(rs, Options{}), new(Effects)
	var events []Event
	for i := range 64 {
		events = append(events, pay(0, fmt.Sprint("c", i), "", "x", 1))
	}
	second := 0
	step := func() {
		second += 3
		for i := range events {
			events[i].Time = int64(second) * int64(time.Second)
		}
		g.StepEvents(events, fx)
	}
	step()
	if n := testing.AllocsPerRun(100, step); n != 0 {
		t.Errorf("%v allocations for 64 events", n)
	}
	if n := g.ledgers[0].open[0].len(); n != 64 || len(fx.Alerts) != 0 {
		t.Errorf("%d windows are waited for, %d have ended", n, len(fx.Alerts))
	}
	g.Step([]Record{at(second + 10)}, fx)
	if n := g.ledgers[0].open[0].len(); n != 0 || len(fx.Alerts) != 64 || g.FeatureKeys() != 0 || g.Keys() != 0 {
		t.Errorf("%d windows are waited for, %d have ended, %d and %d keys", n, len(fx.Alerts), g.FeatureKeys(), g.Keys())
	}
}

// A window that the end of the input ended has had its match.
func TestWindowsAfterTheEnd(t *testing.T) {
	rs := closed()
	g, fx := stepped(rs, Options{}, []Event{pay(2, "c", "", "x", 2), pay(2, "c", "", "x", 2)}, end)
	if es := fx.Alerts[0].Backing.Events; len(es) != 2 || es[1].Name != es[0].Name+"-2" {
		t.Errorf("equal lines are called %v", es)
	}
	g.StepEvents([]Event{pay(4, "c", "", "x", 4)}, fx)
	g.Step([]Record{end, end}, fx)
	var got []string
	for _, a := range fx.Alerts {
		got = append(got, fmt.Sprint(a.Time/second, " ", len(a.Backing.Events)))
	}
	if want := []string{"12 2", "14 1"}; !slices.Equal(got, want) {
		t.Errorf("windows ended: %v, want %v", got, want)
	}
	if _, err := Restore(rs, Options{}, g.Append(nil)); err != nil {
		t.Error(err)
	}
}

// A window that ends is an event for rules that read it, before the events of its time,
// and its hold answers for these.
func TestWindowsAreRead(t *testing.T) {
	rs := closed()
	w := rs.Rules[0]
	w.Hold = 5 * time.Second
	const tEnded = 2
	rs.Types = append(rs.Types, Type{Name: "alert.w", Alert: w})
	next := makeRule(t, "x", "ended -> pay", nfa.Options{Within: 20 * time.Second}, map[string]Cond{
		"ended": {Types: []TypeID{tEnded}}, "pay": {Types: []TypeID{tPay}},
	})
	next.Types, next.Layer = []TypeID{tPay, tEnded}, 1
	rs.Rules = append(rs.Rules, next)
	_, fx := stepped(rs, Options{}, []Event{pay(1, "c", "", "x", 1), pay(5, "", "", "x", 1), pay(11, "c", "", "x", 2), pay(16, "c", "", "x", 3)}, end)
	got := lines(fx.Alerts)
	for _, want := range []string{"match w c @11\n", "match x c @11 ended:", " pay:2", "match w c @26\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	var held []uint64
	for _, d := range fx.Decisions {
		for _, r := range d.Reasons {
			if r.Hold && r.Rule == "w" && r.Score == 30 {
				held = append(held, d.Place)
			}
		}
	}
	if !slices.Equal(held, []uint64{3}) {
		t.Errorf("the hold answers for events %v, want event 3", held)
	}
	g, _ := stepped(rs, Options{}, []Event{pay(1, "c", "", "x", 1), pay(5, "", "", "x", 1)})
	if n := g.Stats().Rules[0].NoKey; n != 1 {
		t.Errorf("%d events without a key, want 1", n)
	}
}

// Damaged states give an error or an engine that works.
func TestRestoreDamagedEvidence(t *testing.T) {
	rs := closings(t)
	var events []Event
	for i := range 12 {
		events = append(events, pay(3*i, []string{"c", "d"}[i%2], "m", "a", 1))
		events[i].row[fTo] = TextValue("d")
	}
	g, _ := stepped(rs, Options{}, events)
	state := g.Append(nil)
	read := 0
	for i := len(stateMagic) + 34; i < len(state)-4; i += 1 + len(state)/500 {
		g, err := Restore(rs, Options{}, sealed(replaced(state, i, state[i]+[]byte{1, 0x80, 0xff}[i%3])))
		if err != nil {
			continue
		}
		read++
		fx := new(Effects)
		e := pay(200, "c", "m", "a", 1)
		e.Time = max(e.Time, g.order.now)
		g.StepEvents([]Event{e}, fx)
		g.Step([]Record{end}, fx)
		g.Append(nil)
	}
	if read == 0 {
		t.Error("every change of a byte was found out: the texts of events at least are free")
	}
}

// The latest events of a key are of the key alone: what a restore does not keep, nobody
// sees.
func TestRestoreEvidence(t *testing.T) {
	rs := backed(t, sliding(feature.Count, 10))
	var events []Event
	for i := range 120 {
		events = append(events, pay(i/10, "c", "", []string{"x", "a"}[i/119], float64(i)))
	}
	g, want := stepped(rs, Options{}, slices.Clone(events))
	first, got := stepped(rs, Options{}, slices.Clone(events[:119]))
	second, err := Restore(rs, Options{Shards: 2}, first.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	second.StepEvents(slices.Clone(events[119:]), got)
	if text(got) != text(want) || len(want.Alerts) != 1 || len(want.Alerts[0].Backing.Events) != mostShown {
		t.Errorf("restored:\n%s\nwant:\n%s", text(got), text(want))
	}
	if !bytes.Equal(second.Append(nil), g.Append(nil)) {
		t.Error("the state restored has other bytes")
	}
	if n := g.FeatureBytes(); n < 51*80 {
		t.Errorf("the features take %d bytes, without the events shown", n)
	}
}
