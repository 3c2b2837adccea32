package conformance

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"weir/cep"
	"weir/rules"
	"weir/rules/source"
)

// outcome is what came of a case.
type outcome struct {
	matches, timeouts []match
	late              []string
	open              int    // open matches left; -1: not known
	fault             string // why a skip target did not exist, where that is a fault
	trail             []string
}

// horizon is the lateness of an engine whose watermark is moved by hand. It is
// longer than any stream here, so events alone never move the watermark over
// one.
const horizon = time.Hour

// feed is one part of a stream: a line, and whether it is an event of the case.
type feed struct {
	line  string
	event bool
}

// clock is an event that no rule sees: it moves event time on to ns.
func clock(ns int64) feed {
	at := time.Unix(0, ns).UTC().Format(time.RFC3339Nano)
	return feed{line: fmt.Sprintf(`{"type":%q,"ts":%q}`, clockName, at)}
}

// toWatermark moves the watermark to ms: no event with that time or an earlier
// one is accepted any more. It lies the horizon and 1 ns behind the clock.
func toWatermark(ms int64) feed {
	return clock(ms*int64(time.Millisecond) + int64(horizon) + 1)
}

// stream writes the events of v and what moves time, in the order of arrival.
func (v *vector) stream() []feed {
	var out []feed
	marks := func(after string) {
		if v.Watermarks == nil {
			return
		}
		for _, w := range *v.Watermarks {
			if w.After == nil && after == "" || w.After != nil && *w.After == after {
				out = append(out, toWatermark(w.TS))
			}
		}
	}
	marks("")
	for i, line := range v.lines() {
		out = append(out, feed{line, true})
		marks(v.Events[i].ID)
	}
	if v.AdvanceTo != nil {
		out = append(out, clock(*v.AdvanceTo*int64(time.Millisecond)))
	}
	return out
}

// close is the record after the last event; false: there is none, because
// events wait for a watermark that does not come.
func (v *vector) close() (cep.Record, bool) {
	switch {
	case v.Flush:
		return cep.Record{Kind: cep.EndRecord}, true
	case v.Watermarks == nil:
		return cep.Record{Kind: cep.HaltRecord}, true
	}
	return cep.Record{}, false
}

func (v *vector) options() cep.Options {
	if v.Watermarks == nil {
		return cep.Options{Shards: 1}
	}
	return cep.Options{Shards: 1, Lateness: horizon}
}

// manner is a way of handing a stream to an engine. All must agree.
type manner struct {
	name   string
	batch  int  // events in one record
	cut    bool // the state is written and read back after every record
	shards int
}

var manners = []manner{
	{name: "event by event", batch: 1, shards: 1},
	{name: "restored after every event", batch: 1, cut: true, shards: 1},
	{name: "in threes", batch: 3, shards: 1},
	{name: "all in one record", batch: 1 << 20, shards: 1},
	{name: "restored on two shards", batch: 2, cut: true, shards: 2},
}

// run hands the stream of v to an engine.
func (v *vector) run(t *testing.T, set *cep.Ruleset, how manner) outcome {
	t.Helper()
	options := v.options()
	options.Shards = how.shards
	engine := cep.NewEngine(set, options)
	out := outcome{open: -1}
	step := func(r cep.Record) {
		var effects cep.Effects
		engine.Step([]cep.Record{r}, &effects)
		for _, r := range effects.Rejected {
			t.Fatalf("%s: rejected %s: %s", how.name, r.Raw, r.Reason)
		}
		for i := range effects.Alerts {
			out.add(&effects.Alerts[i])
		}
		for _, late := range effects.Late {
			out.late = append(out.late, identify(late.Raw))
		}
		if !how.cut {
			return
		}
		state := engine.Append(nil)
		back, err := cep.Restore(set, options, state)
		if err != nil {
			t.Fatalf("%s: restore: %v", how.name, err)
		}
		if again := back.Append(nil); string(again) != string(state) {
			t.Fatalf("%s: a restored engine writes another state", how.name)
		}
		engine = back
	}
	stream := v.stream()
	for begin := 0; begin < len(stream); begin += how.batch {
		end := min(begin+how.batch, len(stream))
		var data strings.Builder
		for _, f := range stream[begin:end] {
			data.WriteString(f.line)
			data.WriteByte('\n')
		}
		step(cep.Record{Kind: cep.EventsRecord, Data: []byte(data.String()), Line: begin + 1})
	}
	if last, ok := v.close(); ok {
		step(last)
	}
	return out
}

func (o *outcome) add(a *cep.Alert) {
	m := match{Vars: map[string][]string{}}
	for _, e := range a.Events {
		name := a.Rule.Names[e.Var].Text
		m.Vars[name] = append(m.Vars[name], identify(e.Raw))
	}
	ms := a.Time / int64(time.Millisecond)
	m.TS = &ms
	switch a.Kind {
	case cep.MatchAlert:
		o.matches = append(o.matches, m)
	case cep.TimeoutAlert:
		o.timeouts = append(o.timeouts, m)
	}
	o.trail = append(o.trail, fmt.Sprintf("%v %v %s %d %s", a.Kind, a.Key, a.ID, a.Time, m.show(nil, true)))
}

// identify returns the id of an event in the vectors.
func identify(raw string) string {
	var e struct{ ID string }
	if err := json.Unmarshal([]byte(raw), &e); err != nil || e.ID == "" {
		panic("no event of the vectors: " + raw)
	}
	return e.ID
}

// compile compiles rule text, or fails with it.
func compile(t *testing.T, text string) *cep.Ruleset {
	t.Helper()
	set, err := rules.Compile([]source.File{{Path: "vector.yaml", Text: text}})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return set
}
