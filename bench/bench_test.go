package bench

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"weir/cep"
	"weir/rules"
	rulesource "weir/rules/source"
)

const seed = 42

func compile(t testing.TB, text string) *cep.Ruleset {
	t.Helper()
	set, err := rules.Compile([]rulesource.File{{Path: "bench.yaml", Text: text}})
	if err != nil {
		t.Fatalf("%v\n%.2000s", err, text)
	}
	return set
}

// result is what a stream gave.
type result struct {
	alerts     int
	completing int // events, or moments, that completed a match
	elapsed    time.Duration
}

// count adds the alerts of fx to r; last is the time of the alert before.
func (r *result) count(fx *cep.Effects, last *int64) {
	r.alerts += len(fx.Alerts)
	for i := range fx.Alerts {
		if at := fx.Alerts[i].Time; at != *last {
			r.completing++
			*last = at
		}
	}
	fx.Reset()
}

// through steps s through an engine in decoded batches and closes it. Only the
// stepping is timed.
func through(t testing.TB, set *cep.Ruleset, s Stream) result {
	t.Helper()
	engine := cep.NewEngine(set, cep.Options{Shards: 1})
	batch := NewBatch(set, 4096)
	var fx cep.Effects
	var r result
	last := int64(-1)
	for i := 0; i < s.Len(); {
		events := batch.Fill(s, i)
		i += len(events)
		began := time.Now()
		engine.StepEvents(events, &fx)
		r.elapsed += time.Since(began)
		r.count(&fx, &last)
	}
	began := time.Now()
	engine.Step([]cep.Record{{Kind: cep.EndRecord}}, &fx)
	r.elapsed += time.Since(began)
	r.count(&fx, &last)
	return r
}

// lines writes s as records of JSON, n lines each.
func lines(s Stream, n int) []cep.Record {
	var records []cep.Record
	for i := 0; i < s.Len(); {
		first := i + 1
		var data []byte
		for range min(n, s.Len()-i) {
			data = s.AppendJSON(data, i)
			i++
		}
		records = append(records, cep.Record{Kind: cep.EventsRecord, Data: data, Line: first})
	}
	return records
}

// throughJSON steps s through an engine as JSON.
func throughJSON(t testing.TB, set *cep.Ruleset, s Stream) result {
	t.Helper()
	engine := cep.NewEngine(set, cep.Options{Shards: 1})
	records := append(lines(s, 4096), cep.Record{Kind: cep.EndRecord})
	var fx cep.Effects
	var r result
	last := int64(-1)
	for i := range records {
		began := time.Now()
		engine.Step(records[i:i+1], &fx)
		r.elapsed += time.Since(began)
		for _, bad := range fx.Rejected {
			t.Fatalf("rejected %s: %s", bad.Raw, bad.Reason)
		}
		r.count(&fx, &last)
	}
	return r
}

// cases are workloads whose alerts a few lines of Go count too.
var cases = []struct {
	name   string
	rules  string
	stream func(n int) Stream
	alerts func(s Stream) int
}{
	{"a-card-testing", CardTesting("past_last"), payments, func(s Stream) int { return CardTests(s.(*Payments), true) }},
	{"a2-without-skip", CardTesting("none"), payments, func(s Stream) int { return CardTests(s.(*Payments), false) }},
	{"b-absence", UnconfirmedLogin, logins, func(s Stream) int { return Unconfirmed(s.(*Logins)) }},
	{"c-10-rules", MerchantPairs(10), payments, func(s Stream) int { return Pairs(s.(*Payments), 10) }},
	{"c-100-rules", MerchantPairs(100), payments, func(s Stream) int { return Pairs(s.(*Payments), 100) }},
	{"c-1000-rules", MerchantPairs(1000), payments, func(s Stream) int { return Pairs(s.(*Payments), 1000) }},
}

func payments(n int) Stream { return NewPayments(n, seed) }

func logins(n int) Stream { return NewLogins(n, seed) }

// TestCounts compares what the engine finds, in decoded events and in JSON, with
// what is counted without it.
func TestCounts(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := c.stream(60_000)
			set := compile(t, c.rules)
			want := c.alerts(s)
			if want < 10 {
				t.Fatalf("only %d matches are to be found: the stream is no test", want)
			}
			if got := through(t, set, s); got.alerts != want {
				t.Errorf("decoded: got %d alerts, want %d", got.alerts, want)
			}
			if got := throughJSON(t, set, s); got.alerts != want {
				t.Errorf("JSON: got %d alerts, want %d", got.alerts, want)
			}
		})
	}
}

func TestSequenceOfThree(t *testing.T) {
	s := NewSynth(9, 5_000, seed)
	completing, matches := Threes(s)
	set := compile(t, Sequence(3))
	for name, run := range map[string]func(testing.TB, *cep.Ruleset, Stream) result{"decoded": through, "JSON": throughJSON} {
		if got := run(t, set, s); got.alerts != matches || got.completing != completing {
			t.Errorf("%s: got %d matches at %d events, want %d at %d", name, got.alerts, got.completing, matches, completing)
		}
	}
}

// The stream is known: over its first million events of nine types 111,260
// complete a sequence of three, 6,766,194 times.
func TestSynthIsKnown(t *testing.T) {
	if completing, matches := Threes(NewSynth(9, 1_000_000, 42)); completing != 111_260 || matches != 6_766_194 {
		t.Errorf("got %d matches at %d events", matches, completing)
	}
}

func TestStreams(t *testing.T) {
	streams := map[string]func() Stream{
		"payments": func() Stream { return NewPayments(20_000, seed) },
		"logins":   func() Stream { return NewLogins(20_000, seed) },
		"synth":    func() Stream { return NewSynth(9, 20_000, seed) },
		"hot":      func() Stream { return hot{n: 20_000, closing: 100} },
	}
	for name, stream := range streams {
		a, b := stream(), stream()
		if a.Len() < 19_000 || a.Len() > 21_000 {
			t.Errorf("%s: %d events, want about 20,000", name, a.Len())
		}
		for i := range a.Len() {
			if i > 0 && a.Time(i) < a.Time(i-1) {
				t.Fatalf("%s: event %d is older than the one before", name, i)
			}
			if !bytes.Equal(a.AppendJSON(nil, i), b.AppendJSON(nil, i)) {
				t.Fatalf("%s: event %d differs between two streams of one seed", name, i)
			}
		}
	}
}

func TestZipf(t *testing.T) {
	z := newZipf(1000, 1.1)
	s := &source{seed}
	const draws = 200_000
	drawn := make([]int, 1000)
	for range draws {
		drawn[z.draw(s)]++
	}
	total := float64(z.upto[len(z.upto)-1])
	for _, k := range []int{0, 1, 9, 99} {
		weight := z.upto[k]
		if k > 0 {
			weight -= z.upto[k-1]
		}
		want := float64(weight) / total * draws
		if got := float64(drawn[k]); got < 0.8*want || got > 1.2*want {
			t.Errorf("rank %d: drawn %v times, want about %.0f", k, got, want)
		}
	}
}

// perSecond reports the rate at which n events went through.
func perSecond(b *testing.B, n int, elapsed time.Duration) {
	b.ReportMetric(float64(n)*float64(b.N)/elapsed.Seconds(), "events/s")
	b.ReportMetric(float64(elapsed.Nanoseconds())/float64(n)/float64(b.N), "ns/event")
}

// BenchmarkWorkload steps 2,000,000 decoded events, and checks the alerts.
func BenchmarkWorkload(b *testing.B) {
	const n = 2_000_000
	for _, c := range cases {
		b.Run(c.name, func(b *testing.B) {
			set := compile(b, c.rules)
			s := c.stream(n)
			want := c.alerts(s)
			elapsed := time.Duration(0)
			b.ResetTimer()
			for range b.N {
				r := through(b, set, s)
				if r.alerts != want {
					b.Fatalf("got %d alerts, want %d", r.alerts, want)
				}
				elapsed += r.elapsed
			}
			perSecond(b, s.Len(), elapsed)
		})
	}
}

// BenchmarkJSON steps payments of 100,000 cards as JSON through ten rules whose
// conditions are closures.
func BenchmarkJSON(b *testing.B) {
	set := compile(b, Closures())
	s := NewPayments(500_000, seed)
	elapsed := time.Duration(0)
	b.ResetTimer()
	for range b.N {
		elapsed += throughJSON(b, set, s).elapsed
	}
	perSecond(b, s.Len(), elapsed)
}

// BenchmarkHotKey steps one key with a second step at every 10,000th event: d1
// takes the next only, d2 every one.
func BenchmarkHotKey(b *testing.B) {
	const n = 100_000
	h := hot{n: n, closing: 10_000}
	for _, c := range []struct {
		name, link string
		alerts     int
	}{
		{"d1-next", "->", 10 * 9_999},
		{"d2-every", "->>", 55 * 9_999},
	} {
		b.Run(c.name, func(b *testing.B) {
			set := compile(b, HotRule(c.link, 2*n))
			elapsed := time.Duration(0)
			for range b.N {
				r := through(b, set, h)
				if r.alerts != c.alerts {
					b.Fatalf("got %d alerts, want %d", r.alerts, c.alerts)
				}
				elapsed += r.elapsed
			}
			perSecond(b, n, elapsed)
		})
	}
}

// BenchmarkIdleEvent compares what an event costs that no open match waits for:
// on a key with 100,000 open matches, with one, and with none.
func BenchmarkIdleEvent(b *testing.B) {
	const open, n = 100_000, 400_000
	set := compile(b, HotRule("->", open))
	var many, one, none time.Duration
	at := begin + int64(time.Hour)
	for range b.N {
		many += idle(b, set, open, same{n: n, key: "hot", at: at})
		one += idle(b, set, 1, same{n: n, key: "hot", at: at})
		none += idle(b, set, 0, same{n: n, key: "hot", at: at})
	}
	b.ReportMetric(float64(many.Nanoseconds())/n/float64(b.N), "many-ns/event")
	b.ReportMetric(float64(one.Nanoseconds())/n/float64(b.N), "one-ns/event")
	b.ReportMetric(float64(none.Nanoseconds())/n/float64(b.N), "none-ns/event")
	b.ReportMetric(float64(many)/float64(none), "many/none")
}

// idle opens matches on the key `hot` and then times s.
func idle(t testing.TB, set *cep.Ruleset, open int, s Stream) time.Duration {
	t.Helper()
	engine := cep.NewEngine(set, cep.Options{Shards: 1})
	batch := NewBatch(set, 4096)
	var fx cep.Effects
	opening := hot{n: open, closing: open + 1}
	for i := 0; i < open; {
		events := batch.Fill(opening, i)
		i += len(events)
		engine.StepEvents(events, &fx)
	}
	elapsed := time.Duration(0)
	for i := 0; i < s.Len(); {
		events := batch.Fill(s, i)
		i += len(events)
		began := time.Now()
		engine.StepEvents(events, &fx)
		elapsed += time.Since(began)
	}
	if len(fx.Alerts) > 0 {
		t.Fatalf("got %d alerts from events that no match waits for", len(fx.Alerts))
	}
	fx.Reset()
	// A B closes them: they were open all the time.
	closing := same{n: 1, key: "hot", at: s.Time(s.Len()-1) + 1}
	events := batch.Fill(closing, 0)
	events[0].Name, events[0].Type = "B", batch.types["B"]
	engine.StepEvents(events, &fx)
	engine.Step([]cep.Record{{Kind: cep.HaltRecord}}, &fx)
	if len(fx.Alerts) != open {
		t.Fatalf("%d matches were open, want %d", len(fx.Alerts), open)
	}
	return elapsed
}

// A key with many open matches costs no more than another for an event that none
// of them waits for; the bound is wide, as the machine may be busy.
func TestIdleEventOnHotKey(t *testing.T) {
	const open, n = 20_000, 50_000
	set := compile(t, HotRule("->", open))
	best := func(open int) time.Duration {
		least := time.Duration(1 << 62)
		for range 3 {
			least = min(least, idle(t, set, open, same{n: n, key: "hot", at: begin + int64(time.Hour)}))
		}
		return least
	}
	many, none := best(open), best(0)
	if many > 20*none+20*time.Millisecond {
		t.Errorf("%v for %d events on a key with %d open matches, %v on one with none", many, n, open, none)
	}
}

// BenchmarkSynth steps a million events of random types through sequences with
// any events between.
func BenchmarkSynth(b *testing.B) {
	const n = 1_000_000
	for _, c := range []struct {
		steps, types        int
		completing, matches int
	}{
		{3, 9, 111_260, 6_766_194},
		{9, 15, 23_787, 5_073_190},
	} {
		b.Run(fmt.Sprintf("seq%d", c.steps), func(b *testing.B) {
			set := compile(b, Sequence(c.steps))
			s := NewSynth(c.types, n, 42)
			elapsed := time.Duration(0)
			for range b.N {
				r := through(b, set, s)
				if r.alerts != c.matches || r.completing != c.completing {
					b.Fatalf("got %d matches at %d events, want %d at %d", r.alerts, r.completing, c.matches, c.completing)
				}
				elapsed += r.elapsed
			}
			perSecond(b, n, elapsed)
		})
	}
}
