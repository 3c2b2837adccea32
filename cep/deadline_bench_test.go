//go:build unix

package cep

import (
	"flag"
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"

	"weir/cep/feature"
	"weir/nfa"
)

var deadlineKeys = flag.Int("deadline.keys", 200_000, "keys of BenchmarkDeadline")

// BenchmarkDeadline steps events of many keys, each of which waits for a time that is
// not due, and of as many keys that wait for none: new/s are first events of keys, again/s
// later ones, by processor time; s/gc is that of one garbage collection. For the goal of
// ten million keys:
//
//	go test ./cep -run '^$' -bench Deadline -benchtime 1x -deadline.keys 10000000
func BenchmarkDeadline(b *testing.B) {
	const month = 30 * 24 * time.Hour
	watched := func(w feature.Window, closes bool) *Ruleset {
		r := makeRule(b, "when", "event", nfa.Options{}, map[string]Cond{"event": {Event: func(s *Scope) bool { return s.Feature(0).Number() > 1e9 }}})
		r.Reads = []ReadID{0}
		rs := rulesOf(r)
		rs.Reads = []Read{{Feature: 0}}
		rs.Features = []*Feature{{Name: "n", Types: r.Types, Key: FeatureKey{Names: r.Key.Names, Fields: r.Key.Fields}, Spec: feature.Spec{Window: w}}}
		if closes {
			rs.Rules = append(rs.Rules, &Rule{ID: "window", Severity: "high", Action: "review", Types: r.Types, Key: r.Key, WindowClose: 1, Reads: r.Reads, Outcome: r.Reads})
		}
		return rs
	}
	pattern := func(text string, within time.Duration) *Ruleset {
		return rulesOf(makeRule(b, "a", text, nfa.Options{Within: within}, abc("a", "b")))
	}
	session, months := feature.Window{Shape: feature.Session, Size: int64(month)}, feature.Window{Shape: feature.Tumbling, Size: int64(12 * month)}
	for _, c := range []struct {
		name string
		rs   *Ruleset
	}{
		{"session/none", watched(session, false)},
		{"session/window_close", watched(session, true)},
		{"tumbling/none", watched(months, false)},
		{"tumbling/window_close", watched(months, true)},
		{"pattern/none", pattern("a -> b", 0)},
		{"pattern/within", pattern("a -> b", month)},
		{"pattern/absence", pattern("a -> !b", month)},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				deadlines(b, c.rs, *deadlineKeys)
			}
		})
	}
}

func deadlines(b *testing.B, rs *Ruleset, keys int) {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	g, fx := NewEngine(rs, Options{}), new(Effects)
	const batch = 4096
	l := wideLayout(len(testFields))
	events, rows := make([]Event, batch), make([]Value, batch*len(testFields))
	at := int64(0)
	pass := func(kind string) float64 {
		var spent time.Duration
		for first := 0; first < keys; first += batch {
			n := min(batch, keys-first)
			for i := range n {
				at += int64(time.Millisecond)
				row := rows[i*len(testFields) : (i+1)*len(testFields)]
				row[fCard] = TextValue(fmt.Sprintf("card-%09d", mix(uint64(first+i), 1)%1e9))
				row[fKind] = TextValue(kind)
				events[i] = Event{Time: at, Type: tPay, Name: "pay", layout: l, row: row, Raw: "{}", ID: "x"}
			}
			begin := processorTime()
			g.StepEvents(events[:n], fx)
			spent += processorTime() - begin
		}
		return float64(keys) / spent.Seconds()
	}
	b.ReportMetric(pass("a"), "new/s")
	begin := processorTime()
	runtime.GC() // so that the events to come are not charged with it by chance
	b.ReportMetric((processorTime() - begin).Seconds(), "s/gc")
	runtime.ReadMemStats(&after)
	b.ReportMetric(pass("x"), "again/s")
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(keys), "B/key")
	runtime.KeepAlive(g)
	if len(fx.Alerts) > 0 {
		b.Fatalf("%d alerts before their time", len(fx.Alerts))
	}
}

// processorTime is what the process has used of its processors.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
