package conformance

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"weir/cep"
	"weir/nfa/oracle"
	"weir/rules"
	"weir/rules/source"
	"weir/rules/trace"
)

// retold rebuilds the matches of one key from the statements of a trace alone.
type retold struct {
	matches map[int]*retoldMatch
	alerts  []string
	faults  []string
}

type retoldMatch struct {
	captured []trace.Capture
	waits    map[string]bool
	ended    int
	complete bool
}

func (r *retold) fault(s *trace.Statement, what string) {
	r.faults = append(r.faults, fmt.Sprintf("event %d: %s %s of #%d: %s", s.Number, s.Do, s.Because, s.Match, what))
}

// step takes a step as its JSON says it.
func (r *retold) step(line []byte) {
	before := map[int]retoldMatch{}
	for id, m := range r.matches {
		before[id] = *m
	}
	took := map[int]bool{}
	dec := json.NewDecoder(strings.NewReader(string(line)))
	for dec.More() {
		var s trace.Statement
		if err := dec.Decode(&s); err != nil {
			r.faults = append(r.faults, err.Error())
			return
		}
		r.take(&s, before, took)
	}
	for id, m := range r.matches {
		if m.ended == 0 && len(m.waits) == 0 {
			r.faults = append(r.faults, fmt.Sprintf("#%d is open and waits for nothing", id))
		}
	}
}

func (r *retold) take(s *trace.Statement, before map[int]retoldMatch, took map[int]bool) {
	here := trace.Capture{As: s.For, Event: s.Event, Time: s.Time}
	m := r.matches[s.Match]
	switch s.Do {
	case trace.Event, trace.NotBegun, trace.OtherType, trace.Late, trace.Unseen:
		return
	case trace.Early:
		if s.Match == 0 {
			return
		}
	case trace.Began:
		if m != nil {
			r.fault(s, "the number is used twice")
		}
		r.matches[s.Match] = &retoldMatch{captured: []trace.Capture{here}, waits: map[string]bool{}}
		return
	case trace.Took:
		from, ok := before[s.From]
		switch {
		case !ok || from.ended > 0:
			r.fault(s, fmt.Sprintf("#%d was not open", s.From))
		case s.Match != s.From && m != nil || took[s.Match]:
			r.fault(s, "the number is used twice")
		}
		took[s.Match] = true
		r.matches[s.Match] = &retoldMatch{captured: append(slices.Clone(from.captured), here), waits: map[string]bool{}}
		return
	}
	if m == nil {
		r.fault(s, "it has no beginning")
		return
	}
	switch s.Do {
	case trace.Waits:
		m.waits[s.For] = true
	case trace.Ended:
		if m.ended++; m.ended > 1 || s.Because == "" {
			r.fault(s, "it ended twice, or for no reason")
		}
	case trace.Completed:
		m.complete = true
	case trace.CameOut, trace.Refused, trace.Held:
		if !m.complete {
			r.fault(s, "it was not complete")
		}
	case trace.Alerted:
		var events []string
		for _, c := range m.captured {
			events = append(events, c.As+"="+c.Event)
		}
		slices.Sort(events)
		r.alerts = append(r.alerts, fmt.Sprintf("%s %s %s", s.Kind, s.Until, strings.Join(events, " ")))
	case trace.Passed, trace.Closed, trace.Early:
		if m.ended > 0 {
			r.fault(s, "it has ended")
		}
	}
}

func (r *retold) open() int {
	n := 0
	for _, m := range r.matches {
		if m.ended == 0 {
			n++
		}
	}
	return n
}

// alertText writes an alert as retold does.
func alertText(a *cep.Alert) string {
	var events []string
	for _, e := range a.Events {
		events = append(events, a.Rule.Names[e.Var].Text+"="+e.Name)
	}
	slices.Sort(events)
	return fmt.Sprintf("%v %s %s", a.Kind, cep.FormatTime(a.Time), strings.Join(events, " "))
}

// stepAll hands records to an engine one by one.
func stepAll(set *cep.Ruleset, options cep.Options, records []cep.Record) (fx cep.Effects, low int64) {
	engine := cep.NewEngine(set, options)
	for _, r := range records {
		engine.Step([]cep.Record{r}, &fx)
	}
	_, low, _ = engine.Clock()
	return fx, low
}

// retell traces each key of the rule of a text over records, and compares what the
// statements say with the alerts of an engine that nobody traces. It returns how many
// matches the statements leave open; false: the text has errors.
func retell(t *testing.T, text string, options cep.Options, records []cep.Record) (open int, ok bool) {
	t.Helper()
	checked := rules.Check([]source.File{{Path: "vector.yaml", Text: text}})
	if checked.Ruleset == nil {
		return 0, false
	}
	var keys [][]string
	plain, low := stepAll(checked.Ruleset, options, records)
	options.Trace = &cep.Trace{Tell: func(told *cep.Told) {
		if told.Kind == cep.Offered && !slices.ContainsFunc(keys, func(k []string) bool { return slices.Equal(k, told.Key) }) {
			keys = append(keys, slices.Clone(told.Key))
		}
	}}
	if all, _ := stepAll(checked.Ruleset, options, records); jsonOf(&all) != jsonOf(&plain) {
		t.Errorf("traced:\n%s\nnot traced:\n%s\n%s", jsonOf(&all), jsonOf(&plain), text)
	}
	for _, key := range keys {
		r := &retold{matches: map[int]*retoldMatch{}}
		tr, err := trace.New(checked.Rules[0], checked.Ruleset, key, func(s *trace.Step) { r.step(s.AppendJSON(nil)) })
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		options.Trace = tr.Observer()
		traced, _ := stepAll(checked.Ruleset, options, records)
		tr.End(low)
		if jsonOf(&traced) != jsonOf(&plain) {
			t.Errorf("key %v traced:\n%s\nnot traced:\n%s\n%s", key, jsonOf(&traced), jsonOf(&plain), text)
		}
		var want []string
		for i := range plain.Alerts {
			if slices.Equal(plain.Alerts[i].Key, key) {
				want = append(want, alertText(&plain.Alerts[i]))
			}
		}
		slices.Sort(want) // at the end of the input alerts come by their times
		slices.Sort(r.alerts)
		if !slices.Equal(r.alerts, want) || len(r.faults) > 0 {
			t.Errorf("key %v: %s\nretold\n  %s\nalerts\n  %s\n%s", key, strings.Join(r.faults, "\n"), strings.Join(r.alerts, "\n  "), strings.Join(want, "\n  "), text)
		}
		open += r.open()
	}
	return open, true
}

func jsonOf(fx *cep.Effects) string {
	var b []byte
	for i := range fx.Alerts {
		b = append(cep.AppendJSON(b, &fx.Alerts[i]), '\n')
	}
	for _, l := range fx.Late {
		b = append(b, l.Raw...)
	}
	return string(b)
}

// TestTraceVectors: the statements of a trace give the matches of every vector, and
// tracing changes none.
func TestTraceVectors(t *testing.T) {
	all := vectors(t)
	for i := range all {
		v := &all[i]
		t.Run(v.ID, func(t *testing.T) {
			for _, s := range spellings {
				if v.OrderBy != nil && !s.schema {
					continue
				}
				var records []cep.Record
				for n, f := range v.stream() {
					records = append(records, cep.Record{Kind: cep.EventsRecord, Data: []byte(f.line + "\n"), Line: n + 1})
				}
				if last, ok := v.close(); ok {
					records = append(records, last)
				}
				text := v.ruleset(s)
				open, ok := retell(t, text, v.options(), records)
				if !ok {
					t.Errorf("the rule has errors:\n%s", text)
				}
				if v.Open != nil && v.Quirk == "" && open != *v.Open {
					t.Errorf("%v: %d are open, want %d\n%s", s, open, *v.Open, text)
				}
			}
		})
	}
}

// eventLines writes the events of a generated case.
func eventLines(k *keyed) string {
	var b strings.Builder
	for n, e := range k.Events {
		fmt.Fprintf(&b, `{"id":"%d","ts":%d,"kind":%q,"value":%d`, n, e.Time/1e6, oracle.Kinds[e.Kind:e.Kind+1], e.Value)
		for f, value := range k.keys[n] {
			if value != "" {
				fmt.Fprintf(&b, `,"k%d":%q`, f+1, value)
			}
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// TestTraceRandom does the same with generated rules and keys.
func TestTraceRandom(t *testing.T) {
	n := *cases
	t.Logf("seed %d, %d rules", *seed, n)
	ran := 0
	for i := range n {
		k := newKeyed(*seed<<32 + uint64(i))
		records := []cep.Record{{Kind: cep.EventsRecord, Data: []byte(eventLines(k)), Line: 1}, {Kind: cep.EndRecord}}
		if i%3 == 0 {
			records[1].Kind = cep.HaltRecord
		}
		if _, ok := retell(t, k.text(), cep.Options{}, records); ok { // a generated rule may never match
			ran++
		}
		if t.Failed() {
			t.Fatalf("case %d\n%s", i, eventLines(k))
		}
	}
	if t.Logf("%d ran", ran); ran < n/2 {
		t.Errorf("only %d of %d rules ran", ran, n)
	}
}
