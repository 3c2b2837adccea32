package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"weir/cep"
	"weir/rules/source"
)

// lateCaseSchema names events; a case has it above its rules.
const lateCaseSchema = `
events:
  pay:
    id: n
    fields: {n: string, card: string, kind: string, value: number, ts: time}
`

// TestLateCases shows event by event what late events do. An event is written n@t or
// n@t=value: its name, which begins with its kind, and its time in seconds. What it
// brings stands behind it: `new`, `retracted` or `restored`, the rule, and the events
// captured, then measures and what was silenced.
func TestLateCases(t *testing.T) {
	tests := []struct {
		name, rules string
		steps       [][]string
	}{
		{
			"a match that another one consumes", `
rules: [{id: r, on: pay, key: card, within: 1h, pattern: a -> b, define: {a: kind == "a", b: kind == "b"}}]`,
			[][]string{
				{"a1@1"},
				{"b2@2", "new r a1 b2"},
				{"a0@0", "retracted r a1 b2 by a0", "new r a0 b2"},
				{"b05@0.5", "new r a0 b05", "retracted r a0 b2 by b05", "restored r a1 b2 by b05"},
			},
		},
		{
			"a negation", `
rules: [{id: r, on: pay, key: card, within: 1h, pattern: a -> !c -> b, define: {a: kind == "a", b: kind == "b", c: kind == "c"}}]`,
			[][]string{
				{"a1@1"},
				{"b2@2", "new r a1 b2"},
				{"x3@3"},
				{"c1@1.5", "retracted r a1 b2 by c1"},
				{"a2@1.7", "new r a2 b2"},
			},
		},
		{
			"throttle", `
rules: [{id: r, on: pay, key: card, within: 1h, pattern: a -> !c -> b, define: {a: kind == "a", b: kind == "b", c: kind == "c"}, throttle: 10s}]`,
			[][]string{
				{"a1@1"},
				{"b2@2", "new r a1 b2"},
				{"a3@3"},
				{"b4@4"}, // silenced
				{"a5@5"},
				{"b6@6"},
				{"c1@1.5", "retracted r a1 b2 by c1", "new r a3 b4"},
				{"a13@13"},
				{"b15@15", "new r a13 b15 after 1"},
				{"a7@7", "retracted r a13 b15 after 1 by a7", "new r a7 b15 after 1"},
				{"b8@8", "retracted r a7 b15 after 1 by b8", "restored r a13 b15 after 2 by b8"},
			},
		},
		{
			"risk", `
risk: {danger: {key: card, half_life: 1h}}
rules:
  - {id: r, on: pay, key: card, within: 1h, pattern: a -> !c -> b, define: {a: kind == "a", b: kind == "b", c: kind == "c"}, score: 50}
  - {id: s, on: pay, key: card, when: kind == "q" && danger > 40, score: 0}`,
			[][]string{
				{"a1@1"},
				{"b2@2", "new r a1 b2"},
				{"q3@3", "new s q3"},
				{"c1@1.5", "retracted r a1 b2 by c1", "retracted s q3 by c1"},
				{"a2@1.7", "new r a2 b2", "restored s q3 by a2"},
			},
		},
		{
			"an absence that is undone before the watermark", `
rules: [{id: r, on: pay, key: card, pattern: 'a -[<2s]-> !c', define: {a: kind == "a", c: kind == "c"}, within: 1h}]`,
			[][]string{
				{"a1@1"},
				{"x5@5"},
				{"c2@2"},
				{"x40@40"},
				{"a41@41"},
				{"x50@50"},
				{"x63@63.000000001", "new r a41"},
			},
		},
		{
			"an absence acts on its key before it comes out", `
risk: {danger: {key: card, half_life: 1h}}
rules:
  - {id: r, on: pay, key: card, pattern: 'a -[<2s]-> !c', define: {a: kind == "a", c: kind == "c"}, within: 1h, score: 50}
  - {id: s, on: pay, key: card, when: kind == "q" && danger > 40, score: 0}`,
			[][]string{
				{"a1@1"},
				{"q5@5", "new s q5"},
				{"c2@2", "retracted s q5 by c2"},
				{"x40@40"},
			},
		},
		{
			"edge", `
rules: [{id: r, on: pay, key: card, when: value > 5, edge: true}]`,
			[][]string{
				{"v1@1=9", "new r v1"},
				{"v3@3=9"},
				{"v2@2=1", "new r v3"},
				{"v0@0.5=9", "new r v0", "retracted r v1 by v0"},
				{"v7@0.7=0", "restored r v1 by v7"},
			},
		},
		{
			"a rule on matches", `
rules:
  - {id: r, on: pay, key: card, within: 1h, pattern: a -> b, define: {a: kind == "a", b: kind == "b"}}
  - {id: s, on: [alert.r, pay], key: card, within: 1h, skip: none, pattern: hit -> w, define: {hit: {type: alert.r}, w: {type: pay, where: kind == "w"}}}`,
			[][]string{
				{"a1@1"},
				{"b2@2", "new r a1 b2"},
				{"w3@3", "new s (a1 b2) w3"},
				{"a0@0", "retracted r a1 b2 by a0", "new r a0 b2", "retracted s (a1 b2) w3 by a0", "new s (a0 b2) w3"},
				{
					"b05@0.5", "new r a0 b05", "retracted r a0 b2 by b05", "restored r a1 b2 by b05",
					"new s (a0 b05) w3", "retracted s (a0 b2) w3 by b05", "restored s (a1 b2) w3 by b05",
				},
			},
		},
		{
			"measures", `
features: {n_1h: {on: pay, key: card, value: count(), over: 1h}}
rules: [{id: r, on: pay, key: card, when: kind == "q", measures: {m: n_1h}}]`,
			[][]string{
				{"q2@2", "new r q2 m=1"},
				{"x1@1", "retracted r q2 m=1 by x1", "restored r q2 m=2 by x1"},
				{"q0@0", "new r q0 m=1", "retracted r q2 m=2 by q0", "restored r q2 m=3 by q0"},
				{"x3@3"},
			},
		},
		{
			"a feature of the key", `
features: {n_1h: {on: pay, key: card, value: count(), over: 1h}}
rules: [{id: r, on: pay, key: card, when: n_1h >= 3}]`,
			[][]string{
				{"x1@1"},
				{"x3@3"},
				{"x2@2", "new r x3"},
				{"x0@0.5", "new r x2"},
			},
		},
		{
			"skip in the order of time", `
rules: [{id: r, on: pay, key: card, within: 1h, pattern: 'a{2}', define: {a: kind == "a"}}]`,
			[][]string{
				{"a1@1"},
				{"a3@3", "new r a1 a3"},
				{"a5@5"},
				{"a2@2", "new r a1 a2", "retracted r a1 a3 by a2", "new r a3 a5"},
			},
		},
		{
			"windows that end", `
features: {n_2s: {on: pay, key: card, value: count(), tumbling: 2s}}
rules: [{id: r, window_close: n_2s, having: n_2s >= 2, measures: {m: n_2s}}]`,
			[][]string{
				{"x0@0"},
				{"x3@3"},
				{"x1@1"},
				{"x30@30.000000001", "new r m=2"}, // what ended at 2 with 20 s of lateness
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { runLateSteps(t, lateCaseSchema+tt.rules, tt.steps) })
	}
}

// TestLateLines: equal lines are told apart by how many came before, wherever they come;
// with seq it says which of equal time comes first.
func TestLateLines(t *testing.T) {
	t.Run("equal lines", func(t *testing.T) {
		runLateSteps(t, `
rules: [{id: r, on: pay, key: card, when: kind == "a"}]`, [][]string{
			{"a@1", "new r a"},
			{"a@1", "new r a"},
			{"x@3"},
			{"a@1", "new r a"},
			{"a@2", "new r a"},
		})
	})
	t.Run("seq", func(t *testing.T) {
		runLateSteps(t, `
events:
  pay: {seq: value, fields: {n: string, card: string, kind: string, value: number, ts: time}}
rules: [{id: r, on: pay, key: card, within: 1h, pattern: 'a, b', define: {a: kind == "a", b: kind == "b"}}]`, [][]string{
			{"b@1=3"},
			{"a@1=1", "new r a b"},
			{"x@1=2", "retracted r a b by "},
			{"b@1=1", "new r a b"},
		})
	})
}

// runLateSteps steps events at a lateness of 20 s and compares what each brings. Of
// those the retractions come first, each kind in the order of time.
func runLateSteps(t *testing.T, text string, steps [][]string) {
	t.Helper()
	set, err := Compile([]source.File{{Path: "r.yaml", Text: text}})
	if err != nil {
		t.Fatal(err)
	}
	g := cep.NewEngine(set, cep.Options{Order: cep.EagerOrder, Lateness: 20 * time.Second})
	names := map[string]string{} // what alerts captured, by id
	ids := map[string]bool{}
	for i, step := range steps {
		var fx cep.Effects
		g.Step([]cep.Record{{Kind: cep.EventsRecord, Data: []byte(lateLine(t, step[0])), Line: i + 1}}, &fx)
		if len(fx.Late)+len(fx.Rejected) > 0 {
			t.Fatalf("%s is late or rejected: %v %v", step[0], fx.Late, fx.Rejected)
		}
		var got []string
		for j := range fx.Alerts {
			a := &fx.Alerts[j]
			if a.Kind == cep.MatchAlert && ids[a.ID] {
				t.Errorf("%s: the id %s is new twice", step[0], a.ID)
			}
			ids[a.ID] = true
			got = append(got, shownAlert(a, names))
			if j > 0 && misplaced(&fx.Alerts[j-1], a) {
				t.Errorf("%s: alerts are not in the order of time", step[0])
			}
		}
		want := slices.Clone(step[1:])
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s:\ngot  %s\nwant %s", step[0], strings.Join(got, "; "), strings.Join(want, "; "))
		}
	}
}

// lateLine is the line of n@t or n@t=value.
func lateLine(t *testing.T, text string) string {
	t.Helper()
	name, rest, _ := strings.Cut(text, "@")
	at, value, has := strings.Cut(rest, "=")
	if !has {
		value = "1"
	}
	when, err := time.ParseDuration(at + "s")
	if err != nil {
		t.Fatal(err)
	}
	stamp := time.Unix(1_000_000_000, 0).UTC().Add(when).Format(time.RFC3339Nano)
	return fmt.Sprintf(`{"type":"pay","ts":%q,"n":%q,"card":"c","kind":%q,"value":%s}`, stamp, name, name[:1], value)
}

// shownAlert writes an alert as the cases have it. The events of a captured alert are
// those of names.
func shownAlert(a *cep.Alert, names map[string]string) string {
	var parts []string
	for _, e := range a.Events {
		if id, ok := rawField(e.Raw, "id"); ok {
			parts = append(parts, "("+names[id]+")")
		} else {
			n, _ := rawField(e.Raw, "n")
			parts = append(parts, n)
		}
	}
	names[a.ID] = strings.Join(parts, " ")
	for i := range a.Measures {
		parts = append(parts, a.Rule.Measures[i].Name+"="+string(a.Measures[i].AppendJSON(nil)))
	}
	if a.Suppressed > 0 {
		parts = append(parts, "after "+strconv.Itoa(a.Suppressed))
	}
	kind := a.Kind.String()
	if a.Kind == cep.MatchAlert {
		kind = "new"
	}
	text := kind + " " + a.Rule.ID
	if len(parts) > 0 {
		text += " " + strings.Join(parts, " ")
	}
	if a.Cause != nil {
		by := a.Cause.Name
		if len(by) > 10 {
			by = "" // the hash of a line
		}
		text += " by " + by
	}
	return text
}

// rawField is a field of text of a JSON object.
func rawField(raw, name string) (string, bool) {
	_, rest, ok := strings.Cut(raw, strconv.Quote(name)+`:"`)
	if !ok {
		return "", false
	}
	value, _, _ := strings.Cut(rest, `"`)
	return value, true
}

// TestLateHold: a retraction ends the hold of its match, for the decisions that come
// after it.
func TestLateHold(t *testing.T) {
	set, err := Compile([]source.File{{Path: "r.yaml", Text: lateCaseSchema + `
rules: [{id: r, on: pay, key: card, within: 1h, pattern: a -> !c -> b, define: {a: kind == "a", b: kind == "b", c: kind == "c"}, hold: 1h, score: 90, action: block}]`}})
	if err != nil {
		t.Fatal(err)
	}
	g := cep.NewEngine(set, cep.Options{Order: cep.EagerOrder, Lateness: 20 * time.Second})
	for _, step := range [][2]string{{"a1@1", ""}, {"b2@2", "block 90"}, {"x3@3", "block 90 hold"}, {"c1@1.5", ""}, {"x4@4", ""}, {"a2@1.7", ""}, {"x5@5", "block 90 hold"}} {
		var fx cep.Effects
		g.Step([]cep.Record{{Kind: cep.EventsRecord, Data: []byte(lateLine(t, step[0])), Line: 1}}, &fx)
		got := ""
		for i := range fx.Decisions {
			d := &fx.Decisions[i]
			got += fmt.Sprintf("%s %d", d.Action, d.Score)
			if d.Reasons[0].Hold {
				got += " hold"
			}
		}
		if got != step[1] {
			t.Errorf("%s: the decision is %q, want %q", step[0], got, step[1])
		}
	}
}

// TestLateOthers: what a rule has read of another key is as of arrival: neither a late
// event of that key nor a repair of its own key changes it.
func TestLateOthers(t *testing.T) {
	set, err := Compile([]source.File{{Path: "r.yaml", Text: `
features:
  of_shop: {on: pay, key: shop, value: count(), over: 1h}
rules:
  - {id: r, on: pay, key: card, when: value > 0, measures: {bare: of_shop}}
  - {id: s, on: pay, key: card, when: of_shop(other) >= 2}
`}})
	if err != nil {
		t.Fatal(err)
	}
	g := cep.NewEngine(set, cep.Options{Order: cep.EagerOrder, Lateness: 20 * time.Second})
	names := map[string]string{}
	for _, step := range []struct {
		line string
		want []string
	}{
		{`"ts":1000,"n":"a1","card":"c","shop":"m","value":1`, []string{"new r a1 bare=1"}},
		{`"ts":3000,"n":"a3","card":"c","shop":"m","value":1`, []string{"new r a3 bare=2"}},
		{`"ts":2000,"n":"a2","card":"d","shop":"m","value":0`, nil},                             // of the shop only
		{`"ts":2500,"n":"a5","card":"c","shop":"n","value":0`, nil},                             // of the card: its later events are matched again
		{`"ts":500,"n":"a0","card":"c","shop":"n","value":0,"other":"m"`, []string{"new s a0"}}, // as of now, not as of its time
		{`"ts":4000,"n":"a4","card":"c","shop":"m","value":1`, []string{"new r a4 bare=4"}},
	} {
		var fx cep.Effects
		g.Step([]cep.Record{{Kind: cep.EventsRecord, Data: []byte(`{"type":"pay",` + step.line + `}`), Line: 1}}, &fx)
		var got []string
		for i := range fx.Alerts {
			got = append(got, shownAlert(&fx.Alerts[i], names))
		}
		if !slices.Equal(got, step.want) {
			t.Errorf("%s: got %q, want %q", step.line, got, step.want)
		}
	}
}
