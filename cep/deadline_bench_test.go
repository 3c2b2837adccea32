//go:build unix

package cep

import (
	"flag"
	"fmt"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"weir/cep/feature"
	"weir/nfa"
)

var (
	deadlineKeys = flag.Int("deadline.keys", 200_000, "keys of BenchmarkDeadline")
	deadlineOnly = flag.String("deadline.only", "", "the one engine of BenchmarkDeadline that is measured, as none or absence")
)

// BenchmarkDeadline steps events of many keys through engines whose keys wait for a time
// that is not due, and through one whose keys wait for none, in turns: what else the
// machine does slows all of them. new/s are first events of keys, again/s later ones, by
// processor time, new and again the share of the rate of the one without; s/gc is one
// garbage collection. For the goal of ten million keys:
//
//	go test ./cep -run '^$' -bench Deadline/session -benchtime 1x -deadline.keys 10000000
//
// A key of a pattern takes 1 kB in each engine: of ten million, measure one engine with
// -deadline.only. Garbage collection falls on the engines by chance: for their shares use
// fewer keys and GOGC=off.
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
		name    string
		engines []awaiting
	}{
		{"session", []awaiting{{"none", watched(session, false)}, {"window_close", watched(session, true)}}},
		{"tumbling", []awaiting{{"none", watched(months, false)}, {"window_close", watched(months, true)}}},
		{"pattern", []awaiting{{"none", pattern("a -> b", 0)}, {"within", pattern("a -> b", month)}, {"absence", pattern("a -> !b", month)}}},
	} {
		engines := slices.DeleteFunc(c.engines, func(a awaiting) bool { return *deadlineOnly != "" && *deadlineOnly != a.name })
		if len(engines) == 0 {
			continue
		}
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				deadlines(b, engines, *deadlineKeys)
			}
		})
	}
}

// awaiting is the ruleset of one of the engines of BenchmarkDeadline.
type awaiting struct {
	name string
	rs   *Ruleset
}

func deadlines(b *testing.B, all []awaiting, keys int) {
	engines, fx := make([]*Engine, len(all)), new(Effects)
	for i := range all {
		engines[i] = NewEngine(all[i].rs, Options{})
	}
	const batch = 4096
	l := wideLayout(len(testFields))
	events, rows := make([]Event, batch), make([]Value, batch*len(testFields))
	at := int64(0)
	pass := func(name, kind string) {
		spent := make([]time.Duration, len(engines))
		for first := 0; first < keys; first += batch {
			n := min(batch, keys-first)
			for i := range n {
				at += int64(time.Millisecond)
				row := rows[i*len(testFields) : (i+1)*len(testFields)]
				row[fCard] = TextValue(fmt.Sprintf("card-%09d", mix(uint64(first+i), 1)%1e9))
				row[fKind] = TextValue(kind)
				events[i] = Event{Time: at, Type: tPay, Name: "pay", layout: l, row: row, Raw: "{}"}
			}
			for i := range engines {
				i = (i + first/batch) % len(engines)
				begin := processorTime()
				engines[i].StepEvents(events[:n], fx)
				spent[i] += processorTime() - begin
			}
		}
		for i, a := range all {
			b.ReportMetric(float64(keys)/spent[i].Seconds(), a.name+":"+name+"/s")
			if i > 0 {
				b.ReportMetric(spent[0].Seconds()/spent[i].Seconds(), a.name+":"+name)
			}
		}
	}
	pass("new", "a")
	begin := processorTime()
	runtime.GC() // so that the events to come are not charged with it by chance
	b.ReportMetric((processorTime() - begin).Seconds(), "s/gc")
	pass("again", "x")
	if len(fx.Alerts) > 0 {
		b.Fatalf("%d alerts before their time", len(fx.Alerts))
	}
	var before, after runtime.MemStats
	for i, a := range all {
		runtime.GC()
		runtime.ReadMemStats(&before)
		runtime.KeepAlive(engines[i])
		engines[i] = nil
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(before.HeapAlloc-after.HeapAlloc)/float64(keys), a.name+":B/key")
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
