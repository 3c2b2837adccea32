package rules

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/cep"
	"weir/cep/list"
	"weir/rules/source"
)

// compiled makes a ruleset of rules on the events of the late cases.
func compiled(t *testing.T, text string) *cep.Ruleset {
	t.Helper()
	set, err := Compile([]source.File{{Path: "r.yaml", Text: lateCaseSchema + text}})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// adopter steps events as the late cases have them, and says what they brought.
type adopter struct {
	*testing.T
	g     *cep.Engine
	set   *cep.Ruleset
	o     cep.Options
	names map[string]string
	line  int
}

func newAdopter(t *testing.T, o cep.Options, text string) *adopter {
	set := compiled(t, text)
	return &adopter{t, cep.NewEngine(set, o), set, o, map[string]string{}, 0}
}

// step steps an event and compares what it brought.
func (a *adopter) step(event string, want ...string) {
	a.Helper()
	a.line++
	a.records([]cep.Record{{Kind: cep.EventsRecord, Data: []byte(lateLine(a.T, event)), Line: a.line}}, event, want)
}

func (a *adopter) records(records []cep.Record, what string, want []string) {
	a.Helper()
	var fx cep.Effects
	a.g.Step(records, &fx)
	got := []string{}
	for i := range fx.Alerts {
		got = append(got, shownAlert(&fx.Alerts[i], a.names))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		a.Errorf("%s:\ngot  %s\nwant %s", what, strings.Join(got, "; "), strings.Join(want, "; "))
	}
	state := a.g.Append(nil)
	next, err := cep.Restore(a.set, a.o, state)
	if err != nil {
		a.Fatalf("%s: the state cannot be read: %v", what, err)
	}
	if !bytes.Equal(next.Append(nil), state) {
		a.Errorf("%s: the state that was read is written as another", what)
	}
	a.g = next // from a restart on it goes on as before
}

// end ends the input and compares what that brings.
func (a *adopter) end(want ...string) {
	a.Helper()
	a.records([]cep.Record{{Kind: cep.EndRecord}}, "the end", want)
}

// adopt adopts rules and compares what is told, of rules and then features.
func (a *adopter) adopt(text, told string) {
	a.Helper()
	a.set = compiled(a.T, text)
	next, got := a.g.Adopt(&cep.Rules{Ruleset: a.set, Options: a.o})
	a.g = next
	var parts []string
	for _, p := range slices.Concat(got.Rules, got.Features) {
		s := p.Name + " " + p.Became.String()
		if p.Kept+p.Dropped > 0 {
			s += fmt.Sprintf(" %d %d", p.Kept, p.Dropped)
		}
		parts = append(parts, s)
	}
	if got := strings.Join(parts, ", "); got != told {
		a.Errorf("told %q, want %q", got, told)
	}
}

var (
	eagerly    = cep.Options{Order: cep.EagerOrder, Lateness: 20 * time.Second}
	withHold   = cep.Options{Lateness: 2 * time.Second}
	twoInARow  = `, on: pay, key: card, within: 1h, pattern: a -> b, define: {a: kind == "a", b: kind == "b"}}`
	twoWithout = `, on: pay, key: card, within: 1h, pattern: a -> !c -> b, define: {a: kind == "a", b: kind == "b", c: kind == "c"}}`
)

// TestAdoptOpen: open matches of what stays go on, others go; alerts that are out are taken
// back of what stays only.
func TestAdoptOpen(t *testing.T) {
	a := newAdopter(t, eagerly, `
rules:
  - {id: edited`+twoWithout+`
  - {id: gone`+twoWithout+`
  - {id: kept`+twoWithout)
	a.step("a1@1")
	a.step("b2@2", "new edited a1 b2", "new gone a1 b2", "new kept a1 b2")
	a.step("a3@3")
	a.adopt(`
rules:
  - {id: edited, score: 1`+twoWithout+`
  - {id: kept, title: another`+twoWithout+`
  - {id: new`+twoWithout, "edited changed 0 1, gone gone 0 1, kept kept 1 0, new new")
	a.step("c1@1.5", "retracted kept a1 b2 by c1")
	a.step("b4@4", "new kept a3 b4")
	a.step("a2@1.7", "new kept a2 b2", "new edited a2 b4", "new new a2 b4") // b2 came before
	a.step("a5@5")
	a.step("b6@6", "new edited a5 b6", "new kept a5 b6", "new new a5 b6")
}

// TestAdoptWaiting: an event that waits is matched by what stays, and no other.
func TestAdoptWaiting(t *testing.T) {
	a := newAdopter(t, withHold, `
rules:
  - {id: kept`+twoInARow)
	a.step("a1@1")
	a.adopt(`
features: {n_1h: {on: pay, key: card, value: count(), over: 1h}}
rules:
  - {id: kept`+twoInARow+`
  - {id: new`+twoInARow+`
  - {id: counts, on: pay, key: card, when: kind == "b", measures: {n: n_1h}}`, "counts new, kept kept, new new, n_1h new")
	a.step("b2@2")
	a.step("a3@3") // a1 comes
	a.step("b4@4", "new kept a1 b2", "new counts b2 n=1")
	a.end("new kept a3 b4", "new new a3 b4", "new counts b4 n=3")
}

// TestAdoptFeature: a feature that stays has counted what came before, a new one has not, also
// where a late event stands before that.
func TestAdoptFeature(t *testing.T) {
	const old = `
features:
  kept_1h: {on: pay, key: card, value: count(), over: 1h}
`
	a := newAdopter(t, eagerly, old+`
rules:
  - {id: r, on: pay, key: card, when: kept_1h > 100}`)
	a.step("x2@2")
	a.step("x3@3")
	a.adopt(old+`
  more_1h: {on: pay, key: card, value: count(), over: 1h}
rules:
  - {id: r, on: pay, key: card, when: kept_1h > 100}
  - {id: s, on: pay, key: card, when: kind == "q", measures: {kept: kept_1h, more: more_1h}}`, "r kept, s new, kept_1h kept, more_1h new")
	a.step("q4@4", "new s q4 kept=3 more=1")
	a.step("x1@1", "retracted s q4 kept=3 more=1 by x1", "restored s q4 kept=4 more=2 by x1")
	a.step("q5@2.5", "new s q5 kept=3 more=2", "retracted s q4 kept=4 more=2 by q5", "restored s q4 kept=5 more=3 by q5")
}

// TestAdoptWindow: a rule that is new matches when a window of a feature that stays ends, with
// all that is in it.
func TestAdoptWindow(t *testing.T) {
	const old = `
features: {n_4s: {on: pay, key: card, value: count(), tumbling: 4s}}
rules:
  - {id: r, on: pay, key: card, when: n_4s > 100}`
	for _, o := range []cep.Options{eagerly, {Lateness: 20 * time.Second}} {
		a := newAdopter(t, o, old)
		a.step("x1@1")
		a.step("x5@5")
		a.step("x2@2")
		a.step("x30@24")
		a.adopt(old+`
  - {id: s, window_close: n_4s, having: n_4s >= 1, measures: {n: n_4s}}`, "r kept, s new, n_4s kept")
		a.step("x3@6")
		a.step("x50@50", "new s n=2", "new s n=1") // those of 4 s and of 24 s; that of 0 s had ended
		a.end("new s n=1")
	}
}

// TestAdoptRisk: what rules have added to a risk stays, whether they do or not, and a new risk
// begins with what comes; a late event takes back what rules that stay have added.
func TestAdoptRisk(t *testing.T) {
	const risk = `
risk: {danger: {key: card, half_life: 1000h}}`
	kept := `
  - {id: kept, score: 20` + twoWithout
	asks := func(names ...string) string {
		var measures []string
		for _, n := range names {
			measures = append(measures, n+"_is: 'round("+n+")'")
		}
		return `
  - {id: s, on: pay, key: card, score: 0, when: kind == "q", measures: {` + strings.Join(measures, ", ") + `}}`
	}
	a := newAdopter(t, eagerly, risk+`
rules:
  - {id: gone, score: 50`+twoWithout+kept+asks("danger"))
	a.step("a1@1")
	a.step("b2@2", "new gone a1 b2", "new kept a1 b2")
	a.step("q3@3", "new s q3 danger_is=70")
	a.adopt(strings.Replace(risk, "}}", "}, later: {key: card, half_life: 1000h}}", 1)+`
rules:`+kept+asks("danger")+strings.Replace(asks("danger", "later"), "id: s", "id: t", 1), "gone gone, kept kept, s kept, t new")
	a.step("q4@4", "new s q4 danger_is=70", "new t q4 danger_is=70 later_is=0")
	a.step("a5@5")
	a.step("b6@6", "new kept a5 b6")
	a.step("q7@7", "new s q7 danger_is=90", "new t q7 danger_is=90 later_is=20")
	a.step("c1@1.5", "retracted kept a1 b2 by c1",
		"retracted s q3 danger_is=70 by c1", "restored s q3 danger_is=50 by c1",
		"retracted s q4 danger_is=70 by c1", "restored s q4 danger_is=50 by c1",
		"retracted t q4 danger_is=70 later_is=0 by c1", "restored t q4 danger_is=50 later_is=0 by c1",
		"retracted s q7 danger_is=90 by c1", "restored s q7 danger_is=70 by c1",
		"retracted t q7 danger_is=90 later_is=20 by c1", "restored t q7 danger_is=70 later_is=20 by c1")
	a.step("x60@60")
	a.step("q61@61", "new s q61 danger_is=70", "new t q61 danger_is=70 later_is=20")
	a.adopt(strings.Replace(risk, "1000h", "2000h", 1)+`
rules:`+kept+asks("danger"), "kept kept, s changed, t gone")
	a.step("q62@62", "new s q62 danger_is=0")
}

// TestAdoptOrder: with another order nothing is kept but the clock and what is known of
// events.
func TestAdoptOrder(t *testing.T) {
	a := newAdopter(t, withHold, `
rules:
  - {id: r`+twoInARow)
	a.step("a1@1")
	a.step("a3@3")
	a.step("a4@4")
	for _, o := range []cep.Options{eagerly, withHold} {
		a.o = o
		a.adopt(`
rules:
  - {id: r`+twoInARow, map[bool]string{true: "r changed 0 1", false: "r changed 0 2"}[o.Order == cep.EagerOrder])
		if n := a.g.Stats().Events; n == 0 {
			t.Error("what has come is forgotten")
		}
		if o.Order == cep.EagerOrder {
			a.step("b5@5")
			a.step("a6@6")
			a.step("b7@7", "new r a6 b7")
			a.step("a8@8")
			a.step("a9@9")
		}
	}
	a.step("b10@10")
	a.step("a11@11")
	a.end()
	next, told := a.g.Adopt(&cep.Rules{Ruleset: a.set, Options: eagerly})
	if !told.Reordered || next.Stats().Events != 10 {
		t.Errorf("told %+v of %d events", told, next.Stats().Events)
	}
}

// TestAdoptList: what a list begins with anew is changed, what records have changed stays, and
// events from before see the list as it was.
func TestAdoptList(t *testing.T) {
	const text = `
lists: {bad: {type: string, value: number}}
rules:
  - {id: r, on: pay, key: card, score: 0, when: kind != "x", measures: {v: 'list_value("bad", event.kind)'}}`
	entry := func(name string, v float64) list.Entry {
		return list.Entry{Text: name, Value: list.NumberValue(v), Expires: list.Never}
	}
	with := func(entries ...list.Entry) *cep.Ruleset {
		set := compiled(t, text)
		for _, e := range entries {
			if err := set.Lists[0].List.Put(e); err != nil {
				t.Fatal(err)
			}
		}
		return set
	}
	a := newAdopter(t, eagerly, text)
	a.set = with(entry("q", 1), entry("r", 1), entry("s", 1))
	a.g = cep.NewEngine(a.set, a.o)
	a.step("q1@1", "new r q1 v=1")
	a.step("r2@2", "new r r2 v=1")
	a.records([]cep.Record{{Kind: cep.ListRecord, Change: &cep.ListChange{List: "bad", Action: cep.PutEntry, Entry: entry("t", 4)}}}, "a change", []string{})
	a.set = with(entry("q", 2), entry("s", 1), entry("u", 5))
	next, told := a.g.Adopt(&cep.Rules{Ruleset: a.set, Options: a.o})
	if len(told.Refused) > 0 || told.Rules[0].Became != cep.Kept {
		t.Fatalf("told %+v", told)
	}
	a.g = next
	a.step("x0@0.5") // what came before is matched again, and is what it was
	a.step("q3@3", "new r q3 v=2")
	a.step("r4@4", "new r r4 v=null")
	a.step("s5@5", "new r s5 v=1")
	a.step("t6@6", "new r t6 v=4")
	a.step("u7@7", "new r u7 v=5")
}

// TestAdoptDamaged: whatever is wrong with a state that has borders, reading it gives an error
// or a state.
func TestAdoptDamaged(t *testing.T) {
	a := newAdopter(t, eagerly, `
risk: {danger: {key: card, half_life: 1h}}
rules:
  - {id: gone, score: 50`+twoWithout)
	a.step("a1@1")
	a.step("b2@2", "new gone a1 b2")
	a.adopt(`
risk: {danger: {key: card, half_life: 1h}}
features: {n_1h: {on: pay, key: card, value: count(), over: 1h}}
rules:
  - {id: new, on: pay, key: card, when: n_1h >= 1 && danger > 1}`, "gone gone, new new, n_1h new")
	a.step("q3@3", "new new q3")
	state := a.g.Append(nil)
	refused := 0
	for i := range state[:len(state)-4] {
		for _, bit := range []byte{1, 2, 16, 128} {
			damaged := slices.Clone(state)
			damaged[i] ^= bit
			end := len(damaged) - 4
			binary.LittleEndian.PutUint32(damaged[end:], crc32.Checksum(damaged[:end], crc32.MakeTable(crc32.Castagnoli)))
			g, err := cep.Restore(a.set, a.o, damaged)
			if err != nil {
				refused++
				continue
			}
			g.Step([]cep.Record{{Kind: cep.EventsRecord, Data: []byte(lateLine(t, "q4@2.5"))}, {Kind: cep.EndRecord}}, new(cep.Effects))
		}
	}
	if refused < len(state) {
		t.Errorf("%d of %d damages were refused", refused, 4*len(state))
	}
}
