package cep

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"weir/nfa"
)

// appended is a record with a payment, whose line a decoder reads, of an event time and an
// append time in seconds.
func appended(at, t float64, kind string) Record {
	line := fmt.Sprintf(`{"type":"pay","ts":%d,"card":"c1","merchant":"","kind":%q,"amount":%v}`, int64(t*1e3), kind, t)
	return Record{Kind: EventsRecord, Data: []byte(line + "\n"), Line: 1, Appended: int64(at * 1e9)}
}

func tick(at float64) Record { return Record{Kind: TickRecord, Appended: int64(at * 1e9)} }

func advance(at, t float64) Record {
	return Record{Kind: ClockRecord, Appended: int64(at * 1e9), Time: int64(t * 1e9)}
}

// Where time stands after records, in seconds.
func TestTicks(t *testing.T) {
	for name, c := range map[string]struct {
		records []Record
		want    float64
	}{
		"before any event":             {[]Record{tick(1000)}, 0},
		"too early":                    {[]Record{appended(1000, 990, "x"), tick(1059.9)}, 990},
		"after idle":                   {[]Record{appended(1000, 990, "x"), tick(1060)}, 1050},
		"on and on":                    {[]Record{appended(1000, 990, "x"), tick(1060), tick(1070), tick(1075)}, 1065},
		"as often as it likes":         {[]Record{appended(1000, 990, "x"), tick(1075)}, 1065},
		"the same tick again":          {[]Record{appended(1000, 990, "x"), tick(1075), tick(1075), tick(1000)}, 1065},
		"from the last event on":       {[]Record{appended(1000, 990, "x"), appended(1050, 1045, "x"), tick(1100)}, 1045},
		"from the last event again":    {[]Record{appended(1000, 990, "x"), tick(1100), appended(1110, 1109, "x"), tick(1120), tick(1170)}, 1169},
		"now is of another event":      {[]Record{appended(1000, 1000, "x"), appended(1010, 995, "x"), tick(1070)}, 1060},
		"a late event tells nothing":   {[]Record{appended(1000, 1000, "x"), appended(1050, 100, "x"), tick(1060)}, 1060},
		"an event from the future":     {[]Record{appended(1000, 1030, "x"), tick(1060)}, 1090},
		"just live":                    {[]Record{appended(1000, 700, "x"), tick(1060)}, 760},
		"a backfill":                   {[]Record{appended(1000, 699.9, "x"), tick(1060), tick(5000)}, 699.9},
		"far ahead":                    {[]Record{appended(1000, 1300.1, "x"), tick(2000)}, 1300.1},
		"a backfill that is advanced":  {[]Record{appended(1000, 100, "x"), advance(1010, 200), tick(2000)}, 200},
		"advanced, then idle":          {[]Record{appended(1000, 990, "x"), advance(1010, 1100), tick(1060), tick(1100)}, 1100},
		"advanced, then idle for long": {[]Record{appended(1000, 990, "x"), advance(1010, 1100), tick(1160)}, 1150},
		"without append times":         {[]Record{appended(0, 990, "x"), tick(2000)}, 990},
		"a tick without one":           {[]Record{appended(1000, 990, "x"), tick(0)}, 990},
		"the log's clock goes back":    {[]Record{tick(1000), appended(900, 990, "x"), tick(1030), tick(1060)}, 1050},
	} {
		g, fx := NewEngine(rulesOf(), Options{Lateness: 20 * time.Second}), new(Effects)
		g.Step(c.records, fx)
		now, _, _ := g.Clock()
		if float64(now)/1e9 != c.want {
			t.Errorf("%s: now is %v, want %v", name, float64(now)/1e9, c.want)
		}
	}
	g := NewEngine(rulesOf(), Options{Idle: 5 * time.Second})
	g.Step([]Record{appended(1000, 990, "x"), tick(1005)}, new(Effects))
	if now, _, _ := g.Clock(); now != 995e9 {
		t.Errorf("with an idle of 5 s now is %d", now)
	}
}

// A tick ends windows as an event would.
func TestTicksEndWindows(t *testing.T) {
	r := makeRule(t, "absence", "a -> !b", nfa.Options{Within: 30 * time.Second}, abc("a", "b"))
	g, fx := NewEngine(rulesOf(r), Options{Lateness: 10 * time.Second}), new(Effects)
	g.Step([]Record{appended(1000, 1000, "a"), tick(1059)}, fx)
	wantAlerts(t, fx, "")
	g.Step([]Record{tick(1060)}, fx)
	wantAlerts(t, fx, "match absence c1 @1030 a:1000\n")
}

func TestMaxAheadOfAppendTime(t *testing.T) {
	g, fx := NewEngine(rulesOf(), Options{MaxAhead: time.Minute, Lateness: time.Hour}), new(Effects)
	g.Step([]Record{
		appended(1000, 1060, "x"),
		appended(1000, 1060.001, "x"),
		appended(2000, 2060, "x"), // far ahead of the event before, not of its record
		appended(1900, 2060, "x"), // the log's clock stands still
		appended(0, 2120, "x"),    // by the highest event time
		appended(0, 2181, "x"),
	}, fx)
	if s := g.Stats(); s.Events != 4 || s.Rejected != 2 || len(fx.Rejected) != 2 {
		t.Fatalf("stats: %+v, rejected: %+v", s, fx.Rejected)
	}
	for i, want := range []string{"more than 1m ahead of 1970-01-01T00:16:40.000Z, when it was appended", "more than 1m ahead of 1970-01-01T00:35:20.000Z, the highest so far"} {
		if !strings.Contains(fx.Rejected[i].Reason, want) {
			t.Errorf("rejected: %s, want %s", fx.Rejected[i].Reason, want)
		}
	}
}

// An event whose time is its arrival has the append time, and is never late.
func TestArrivalIsAppendTime(t *testing.T) {
	rs := rulesOf(makeRule(t, "a", "a", nfa.Options{}, abc("a")))
	rs.Rules[0].Types = []TypeID{tLogin}
	rs.Types[tLogin].Schema = &Schema{Arrival: true, Fields: map[string]Kind{"card": Text, "kind": Text, "amount": Number}}
	login := func(at float64) Record {
		r := appended(at, 0, "a")
		r.Data = []byte(fmt.Sprintf(`{"type":"login","card":"c1","kind":"a","amount":%v}`+"\n", at))
		return r
	}
	g, fx := NewEngine(rs, Options{MaxAhead: time.Minute}), new(Effects)
	g.Step([]Record{
		login(0), // nothing tells its time
		login(1000),
		login(990), // the log's clock stands still
		login(0),   // as the highest event time
		appended(1010, 1050, "x"),
		login(1020), // time is ahead already
		login(2000),
	}, fx)
	wantAlerts(t, fx, "match a c1 @1000 a:1000\nmatch a c1 @1000 a:990\nmatch a c1 @1000 a:0\nmatch a c1 @1050 a:1020\nmatch a c1 @2000 a:2000\n")
	if s := g.Stats(); s.Rejected != 1 || s.Late != 0 {
		t.Errorf("stats: %+v", s)
	}
}

// logs draws a log with append times, in which all events come with a delay that varies by
// no more than lateness.
func logs(t *rapid.T, lateness time.Duration) []Record {
	at := int64(1e6 * time.Second)
	least := rapid.Int64Range(-40, 290).Draw(t, "delay") * int64(time.Second)
	var records []Record
	for range rapid.IntRange(0, 40).Draw(t, "records") {
		at += rapid.SampledFrom([]int64{0, 1, 10, 59, 60, 61, 200, 4000}).Draw(t, "step") * int64(time.Second)
		if rapid.Bool().Draw(t, "tick") {
			records = append(records, Record{Kind: TickRecord, Appended: at})
			continue
		}
		delay := least + rapid.Int64Range(0, int64(lateness)).Draw(t, "more")
		r := appended(0, float64((at-delay)/1e6)/1e3, rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "kind"))
		r.Appended = at
		records = append(records, r)
	}
	return records
}

// Ticks make no event late that comes as much behind its append time as those before it;
// and batches, shards, states and how many ticks there are change nothing.
func TestTicksProperty(t *testing.T) {
	rs := zoo(t)
	moved := false
	rapid.Check(t, func(t *rapid.T) {
		o := Options{Lateness: time.Duration(rapid.IntRange(0, 60).Draw(t, "lateness")) * time.Second, MaxAhead: time.Minute}
		records := logs(t, max(0, o.Lateness-time.Millisecond))
		g, fx := NewEngine(rs, o), new(Effects)
		highest := int64(0)
		for i := range records {
			g.Step(records[i:i+1], fx)
			now, _, ok := g.Clock()
			if records[i].Kind == TickRecord {
				moved = moved || now > highest
			}
			highest = now
			if ok && now > records[i].Appended+int64(time.Minute) {
				t.Fatalf("now is %d, ahead of the append time %d by more than any event", now, records[i].Appended)
			}
		}
		if len(fx.Late) > 0 || len(fx.Rejected) > 0 {
			t.Fatalf("late: %+v, rejected: %+v", fx.Late, fx.Rejected)
		}
		g.Step([]Record{end}, fx)

		o.Shards = rapid.IntRange(1, 3).Draw(t, "shards")
		h, parts := NewEngine(rs, o), new(Effects)
		for rest := records; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "batch")
			h.Step(rest[:n], parts)
			if rapid.Bool().Draw(t, "again") && rest[n-1].Kind == TickRecord {
				h.Step(rest[n-1:n], parts)
			}
			rest = rest[n:]
			if rapid.Bool().Draw(t, "restored") {
				var err error
				if h, err = Restore(rs, o, h.Append(nil)); err != nil {
					t.Fatal(err)
				}
			}
		}
		h.Step([]Record{end}, parts)
		same(t, "in parts", text(parts), text(fx))
	})
	if !moved {
		t.Error("no tick moved time")
	}
}

// Batches that are decoded ahead know the append times.
func TestBatchHasAppendTime(t *testing.T) {
	rs := zoo(t)
	records := []Record{appended(1000, 990, "a"), appended(1010, 1100, "a"), appended(1020, 1000, "b"), tick(1090)}
	o := Options{MaxAhead: time.Minute}
	g, fx := NewEngine(rs, o), new(Effects)
	g.Step(records, fx)
	h, ahead := NewEngine(rs, o), new(Effects)
	var b Batch
	d := NewDecoder(rs)
	for _, r := range records[:3] {
		d.Batch(&b, r)
	}
	h.StepBatch(&b, ahead)
	h.Step(records[3:], ahead)
	if len(fx.Rejected) != 1 || !slices.Equal(h.Append(nil), g.Append(nil)) || text(ahead) != text(fx) {
		t.Errorf("decoded ahead: %s\nwant: %s", text(ahead), text(fx))
	}
}

func TestRestoreRefusesLogClock(t *testing.T) {
	for name, c := range map[string]struct {
		change func(c *logClock)
		ok     bool
	}{
		"as it was":             {func(*logClock) {}, true},
		"an event to come":      {func(c *logClock) { c.last = c.now + 1 }, false},
		"before the epoch":      {func(c *logClock) { c.last = -1 }, false},
		"a time to come":        {func(c *logClock) { c.then += 2 * int64(time.Hour) }, false},
		"live without a record": {func(c *logClock) { c.last = 0 }, false},
	} {
		g := NewEngine(zoo(t), Options{})
		g.Step([]Record{appended(1000, 990, "a")}, new(Effects))
		c.change(&g.log)
		if _, err := Restore(zoo(t), Options{}, g.Append(nil)); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
