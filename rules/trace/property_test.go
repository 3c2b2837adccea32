package trace

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"weir/cep"
	"weir/rules"
	"weir/rules/source"
)

// zoo has rules of every form, which read features, risks, lists and each other's
// matches.
const zoo = `
lists:
  known: {type: string}
events:
  pay:
    id: id
    fields: {id: string, ts: time, card: string, to: string, kind: string, n: number}
    derive: {large: 'n > 3'}
  log: {fields: {ts: time, card: string, kind: string, n: number}}
features:
  in_20s: {on: [pay, log], key: card, value: count(), over: 20s}
  before: {on: pay, key: card, value: max(n), over: 20s, exclude_current: true}
  to_20s: {on: pay, key: to, value: sum(n), over: 20s}
  gap: {on: pay, key: card, value: since_last(), over: 30s}
  first_kind: {on: pay, key: card, value: first(kind), over: 20s}
  block_10s: {on: pay, key: card, value: sum(n), tumbling: 10s}
  visit: {on: [pay, log], key: card, value: count(), session: 4s}
risk:
  card_risk: {key: card, half_life: 20s}
  holder_risk: {key: holder, half_life: 20s}
policy: {combine: sum, review: 30, block: 80}
rules:
  - id: absence
    on: [pay, log]
    key: card
    within: 9s
    pattern: a -> !b
    define: {a: 'kind == "a" && in_20s < 5', b: kind == "b"}
    having: in_20s != 2
    measures: {seen: in_20s, seen_before: before}
    hold: 5s
  - id: blocks
    window_close: block_10s
    having: block_10s > 5
    throttle: 15s
    hold: 4s
    action: review
    measures: {came_to: block_10s}
  - id: edgy
    on: pay
    key: card
    when: in_20s > 1 && to_20s(to) > 2
    edge: true
    action: block
    hold: 8s
    measures: {since_the_last: gap, flows: in_20s}
  - id: fan
    on: pay
    key: {account: {give: card, obtain: to}}
    within: 30s
    pattern: give -> obtain
    define: {give: to_20s(to) > 1 || large, obtain: n < 4}
    throttle: 10s
  - id: mute
    status: shadow
    on: [pay, log]
    key: card
    when: kind != "x" && card_risk > 10
    measures: {risk_then: card_risk, how: first_kind}
  - id: pair
    on: [pay, log]
    key: card
    where: card_risk < 150 && n != 4
    within: 20s
    skip: none
    pattern: a{1,2} -> b
    define: {a: kind == "a", b: 'kind == "b" && card_risk >= 0 && not in_list("known", kind)'}
    timeout: true
    score: 10 + card_risk
    measures: {big: sum(a.n), risk_then: card_risk}
  - id: second
    on: [alert.pair, alert.visits, log]
    key: {holder: {m: card, l: card}}
    within: 1m
    pattern: m -> l
    define: {m: {type: [alert.pair, alert.visits], where: score > 5}, l: {type: log, where: in_20s >= 1}}
    measures: {count_then: in_20s}
    hold: 6s
  - id: third
    on: alert.second
    key: holder
    when: count_then > 1 && holder_risk >= 0
    edge: true
  - id: visits
    window_close: visit
    having: visit > 1 && card_risk < 100
    measures: {events: visit, in_block: block_10s, risk_then: card_risk}
`

// parts of the events of the zoo.
var (
	zooCards = []string{"c1", "c2"}
	zooKinds = []string{"a", "a", "b", "x"}
)

// zooLines draws events, most of them in order of time.
func zooLines(t *rapid.T) string {
	var b strings.Builder
	second := 100
	for i := range rapid.IntRange(1, 40).Draw(t, "events") {
		second += rapid.SampledFrom([]int{0, 0, 1, 1, 2, 5, -1}).Draw(t, "step")
		card, kind := rapid.SampledFrom(zooCards).Draw(t, "card"), rapid.SampledFrom(zooKinds).Draw(t, "kind")
		n := rapid.IntRange(1, 5).Draw(t, "n")
		if rapid.IntRange(0, 3).Draw(t, "type") == 0 {
			fmt.Fprintf(&b, "{\"type\":\"log\",\"ts\":%d,\"card\":%q,\"kind\":%q,\"n\":%d}\n", second*1000, card, kind, n)
			continue
		}
		fmt.Fprintf(&b, "{\"type\":\"pay\",\"id\":\"p%d\",\"ts\":%d,\"card\":%q,\"kind\":%q,\"n\":%d", i, second*1000, card, kind, n)
		if to := rapid.SampledFrom([]string{"c1", "c3", ""}).Draw(t, "to"); to != "" {
			fmt.Fprintf(&b, ",\"to\":%q", to)
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// outcomeOf is all that effects say, as bytes.
func outcomeOf(fx *cep.Effects) string {
	var b []byte
	for i := range fx.Alerts {
		b = append(cep.AppendJSON(b, &fx.Alerts[i]), '\n')
	}
	for i := range fx.Decisions {
		b = append(cep.AppendDecisionJSON(b, &fx.Decisions[i]), '\n')
	}
	for _, l := range fx.Late {
		b = fmt.Appendf(b, "late %s\n", l.Raw)
	}
	return string(b)
}

// retold is what the statements of a trace say, read back from their JSON.
type retold struct {
	alerts   []string // with what was read
	silent   int
	answers  int
	events   []string
	readings []Reading
}

// traced traces a rule under a key over lines, and reads what the statements say.
func traced(t *rapid.T, set *rules.Checked, rule *rules.Rule, key []string, lines string, end cep.RecordKind) (said retold, outcome string) {
	judge, text := NewJudge(rule, key), NewWriter(io.Discard, rule)
	tr, err := New(rule, set.Ruleset, key, func(s *Step) {
		judge.Take(s, true)
		if err := text.Write(s); err != nil {
			t.Fatal(err)
		}
		dec := json.NewDecoder(strings.NewReader(string(s.AppendJSON(nil))))
		for dec.More() {
			var st Statement
			if err := dec.Decode(&st); err != nil {
				t.Fatal(err)
			}
			said.take(t, rule, &st)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	tr.Apart = true
	g := cep.NewEngine(set.Ruleset, cep.Options{Trace: tr.Observer()})
	var fx cep.Effects
	for i, line := range strings.SplitAfter(lines, "\n") {
		g.Step([]cep.Record{{Kind: cep.EventsRecord, Data: []byte(line), Line: i + 1}}, &fx)
	}
	g.Step([]cep.Record{{Kind: end}}, &fx)
	last := End{Read: 1, Seen: tr.Seen(), Now: Forever}
	if now, low, ok := g.Clock(); ok && end == cep.HaltRecord {
		tr.End(low)
		last.Now = now
	}
	tr.Flush()
	if v := judge.Verdict(last); (v.Cause == DidAlert) != (len(said.alerts) > 0) || v.Cause == "" || len(v.Alerts) != len(said.alerts) {
		t.Fatalf("%s of %v made %d alerts, and the verdict is\n%s", rule.ID, key, len(said.alerts), v.AppendJSON(nil))
	}
	return said, outcomeOf(&fx)
}

func (r *retold) take(t *rapid.T, rule *rules.Rule, s *Statement) {
	fail := func(what string) { t.Fatalf("%s, %v: %s", rule.ID, *s, what) }
	switch s.Do {
	case Event, OtherType:
		if s.Event == "" || s.Seen == nil || slices.Contains(r.events, s.Event) {
			fail("the event is told twice, or without what it is")
		}
		r.events = append(r.events, s.Event)
		r.readings = slices.Concat(s.Features, s.Risks)
	case Began, NotBegun:
		if rule.When != nil {
			r.agree(fail, rule, s)
		}
	case Window:
		if s.Of != rule.WindowClose.Name || s.Since >= s.Until || len(s.Features) == 0 || (s.Because == "") == slices.ContainsFunc(s.Parts, func(p Part) bool { return p.Value != "true" }) {
			fail("the window is not told right")
		}
	case Alerted, Silenced, Repeated:
		if s.Do == Silenced && rule.Throttle == 0 || s.Do == Repeated && !rule.Edge {
			fail("the rule has no such thing")
		}
		if s.Do != Alerted {
			r.silent++
			break
		}
		b := fmt.Appendf(nil, "%s %d", s.Alert, s.Score)
		for i, m := range rule.Measures {
			for _, reading := range slices.Concat(s.Features, s.Risks) {
				if reading.Text == m.Value {
					b = fmt.Appendf(b, " %s=%s", rule.Rule.Measures[i].Name, reading.Value)
				}
			}
		}
		r.alerts = append(r.alerts, string(b))
	case Answered:
		if r.answers++; s.Until <= s.Time || s.Action != rule.Action {
			fail("the hold is over, or answers something else")
		}
	}
}

// agree checks that what a condition saw is what features said as of the event.
func (r *retold) agree(fail func(string), rule *rules.Rule, s *Statement) {
	for _, p := range s.Parts {
		for _, v := range p.Values {
			i := slices.IndexFunc(r.readings, func(f Reading) bool { return f.Text == v.Text })
			if i < 0 && slices.Contains(slices.Concat(names(rule.Features), risks(rule.Risks)), v.Text) {
				fail(v.Text + " is not told as of the event")
			}
			if i >= 0 && strings.ReplaceAll(v.Value, "nil", "null") != string(r.readings[i].Value) {
				fail(fmt.Sprintf("%s is %s for the condition, and %s as of the event", v.Text, v.Value, r.readings[i].Value))
			}
		}
	}
}

// told writes an alert as retold does: with those measures that are a feature or a risk as
// it is.
func told(rule *rules.Rule, a *cep.Alert) string {
	b := fmt.Appendf(nil, "%s %d", a.ID, a.Score)
	for i, m := range rule.Measures {
		for _, name := range slices.Concat(names(rule.Features), risks(rule.Risks)) {
			if m.Value == name {
				b = a.Measures[i].AppendJSON(fmt.Appendf(b, " %s=", rule.Rule.Measures[i].Name))
			}
		}
	}
	return string(b)
}

func names(features []*rules.Feature) (list []string) {
	for _, f := range features {
		list = append(list, f.Name)
	}
	return list
}

func risks(all []*rules.Risk) (list []string) {
	for _, r := range all {
		list = append(list, r.Name)
	}
	return list
}

// TestTraceChangesNothing: whatever rule and key are traced, the alerts and decisions are
// the same to the byte, also of several shards; and what the statements say of alerts,
// holds, features and risks is what the engine did.
func TestTraceChangesNothing(t *testing.T) {
	set := rules.Check([]source.File{{Path: "zoo.yaml", Text: zoo}})
	if set.Ruleset == nil {
		t.Fatal(set.Findings)
	}
	met := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		lines := zooLines(t)
		end := rapid.SampledFrom([]cep.RecordKind{cep.EndRecord, cep.HaltRecord}).Draw(t, "end")
		records := []cep.Record{{Kind: cep.EventsRecord, Data: []byte(lines), Line: 1}, {Kind: end}}
		g := cep.NewEngine(set.Ruleset, cep.Options{Shards: rapid.IntRange(1, 3).Draw(t, "shards")})
		var fx cep.Effects
		g.Step(records, &fx)
		plain, stats := outcomeOf(&fx), g.Stats()

		all := cep.NewEngine(set.Ruleset, cep.Options{Trace: &cep.Trace{Tell: func(*cep.Told) {}}})
		var told cep.Effects
		all.Step(records, &told)
		if got := outcomeOf(&told); got != plain {
			t.Fatalf("all traced:\n%s\nnot traced:\n%s\n%s", got, plain, lines)
		}
		for i, rule := range set.Rules {
			silent, answers := 0, 0
			for _, card := range append(zooCards, "c3") {
				key := []string{card}
				said, outcome := traced(t, set, rule, key, lines, end)
				if outcome != plain {
					t.Fatalf("%s of %s traced:\n%s\nnot traced:\n%s\n%s", rule.ID, card, outcome, plain, lines)
				}
				want := alertsOf(&fx, rule, key)
				slices.Sort(said.alerts)
				if !slices.Equal(said.alerts, want) {
					t.Fatalf("%s of %s: the statements say\n%s\nthe alerts are\n%s\n%s", rule.ID, card, strings.Join(said.alerts, "\n"), strings.Join(want, "\n"), lines)
				}
				silent, answers = silent+said.silent, answers+said.answers
				met[rule.ID] += len(want)
			}
			s := &stats.Rules[i]
			if quiet := int(s.Matches - s.Alerts); silent != quiet || answers != int(s.Holds) {
				t.Fatalf("%s: %d matches made no alert and %d holds answered, the statements say %d and %d\n%s", rule.ID, quiet, s.Holds, silent, answers, lines)
			}
			met[rule.ID+" silent"] += silent
			met[rule.ID+" answers"] += answers
		}
	})
	for _, what := range []string{"absence", "blocks", "edgy", "fan", "mute", "pair", "second", "third", "visits", "blocks silent", "edgy silent", "fan silent", "absence answers", "blocks answers", "edgy answers", "second answers"} {
		if met[what] == 0 {
			t.Errorf("never met: %s", what)
		}
	}
}

// alertsOf gives the alerts of a rule and key, sorted.
func alertsOf(fx *cep.Effects, rule *rules.Rule, key []string) []string {
	var list []string
	for i := range fx.Alerts {
		if a := &fx.Alerts[i]; a.Rule == rule.Rule && slices.Equal(a.Key, key) {
			list = append(list, told(rule, a))
		}
	}
	slices.Sort(list)
	return list
}
