package cep

import (
	"math"
	"strings"
	"testing"
	"time"

	"weir/nfa"
)

var (
	end  = Record{Kind: EndRecord}
	halt = Record{Kind: HaltRecord}
)

func at(second int) Record {
	return Record{Kind: ClockRecord, Time: int64(second) * int64(time.Second)}
}

func TestCardTesting(t *testing.T) {
	probe := Cond{Event: func(s *Scope) bool { return s.Event.Field(fAmount).Number() < 2 }}
	r := makeRule(t, "card-testing", "probe{3,}+ -> cashout", nfa.Options{Within: 30 * time.Minute},
		map[string]Cond{"probe": probe, "cashout": over(500)})
	g, fx := stepped(rulesOf(r), Options{}, []Event{
		pay(1, "c1", "m1", "", 1),
		pay(2, "c2", "m1", "", 1),
		pay(3, "c1", "m2", "", 1.5),
		pay(3, "c1", "m2", "", 40),
		pay(4, "c1", "m3", "", 0.5),
		pay(5, "c2", "m1", "", 900),
		pay(6, "c1", "m4", "", 600),
		pay(7, "c1", "m4", "", 700),
	})
	wantAlerts(t, fx, "match card-testing c1 @6 probe:1,1.5,0.5 cashout:600\n")
	if open := g.Open()[0]; open != 1 {
		t.Errorf("%d open matches, want the probe of c2", open)
	}
	g.Step([]Record{at(2 + 30*60)}, fx)
	if n := g.Keys(); n != 0 {
		t.Errorf("%d keys are kept after the window", n)
	}
}

func TestAbsence(t *testing.T) {
	r := makeRule(t, "no-c", "a -> !c", nfa.Options{Within: 10 * time.Second}, abc("a", "c"))
	timeout := makeRule(t, "slow-b", "a -> b", nfa.Options{Within: 10 * time.Second, Timeout: true}, abc("a", "b"))
	events := []Event{
		pay(1, "c1", "", "a", 1),
		pay(2, "c2", "", "a", 2),
		pay(5, "c1", "", "c", 3),
	}
	// The limit counts, not the time that was advanced to, and all of a moment come
	// in order of time, rule and key.
	want := "timeout slow-b c1 @11 a:1\nmatch no-c c2 @12 a:2\ntimeout slow-b c2 @12 a:2\n"
	for name, last := range map[string]Record{"clock": at(60), "end": end} {
		t.Run(name, func(t *testing.T) {
			_, fx := stepped(rulesOf(r, timeout), Options{}, events, last)
			wantAlerts(t, fx, want)
		})
	}
	t.Run("halt leaves windows open", func(t *testing.T) {
		g, fx := stepped(rulesOf(r, timeout), Options{}, events, halt)
		wantAlerts(t, fx, "")
		if open := g.Open(); open[0] != 1 || open[1] != 2 {
			t.Errorf("open matches: %v", open)
		}
	})
	t.Run("an event moves time for all keys, and its moment comes first", func(t *testing.T) {
		late := pay(12, "c2", "", "c", 9) // the window of c2's a is over
		_, fx := stepped(rulesOf(r, timeout), Options{}, append(events, late))
		wantAlerts(t, fx, want)
	})
}

func TestOrder(t *testing.T) {
	r := makeRule(t, "ab", "a -> b", nfa.Options{Within: time.Minute}, abc("a", "b"))
	events := []Event{
		pay(10, "c1", "", "b", 10),
		pay(8, "c1", "", "a", 8), // comes after b, stands before it
		pay(12, "c1", "", "x", 12),
		pay(9, "c1", "", "x", 9),
		pay(8, "c1", "", "x", 8.5), // late: older than 12 − 3
		pay(9, "c1", "", "x", 9.5), // just not
	}
	t.Run("within lateness", func(t *testing.T) {
		g, fx := stepped(rulesOf(r), Options{Lateness: 3 * time.Second}, events, halt)
		wantAlerts(t, fx, "match ab c1 @10 a:8 b:10\n")
		if len(fx.Late) != 1 || fx.Late[0].Behind != int64(time.Second) || fx.Late[0].Line != 5 {
			t.Errorf("late: %+v", fx.Late)
		}
		if s := g.Stats(); s.Events != 5 || s.Late != 1 || s.Types[tPay] != 5 {
			t.Errorf("stats: %+v", s)
		}
	})
	t.Run("held until the watermark", func(t *testing.T) {
		g, fx := stepped(rulesOf(r), Options{Lateness: 3 * time.Second}, events[:3])
		wantAlerts(t, fx, "")
		g.Step([]Record{at(13)}, fx)
		wantAlerts(t, fx, "match ab c1 @10 a:8 b:10\n")
	})
	t.Run("without lateness", func(t *testing.T) {
		_, fx := stepped(rulesOf(r), Options{}, events)
		wantAlerts(t, fx, "")
		if len(fx.Late) != 4 {
			t.Errorf("late: %+v", fx.Late)
		}
	})
	t.Run("after a halt only what is older than now is late", func(t *testing.T) {
		g, fx := stepped(rulesOf(r), Options{Lateness: 3 * time.Second}, events[:3], halt)
		g.StepEvents([]Event{pay(11, "c1", "", "a", 11), pay(12, "c1", "", "a", 12)}, fx)
		if len(fx.Late) != 1 {
			t.Errorf("late: %+v", fx.Late)
		}
	})
}

func TestSeq(t *testing.T) {
	rs := rulesOf(makeRule(t, "ab", "a, b", nfa.Options{}, abc("a", "b")))
	rs.Types[tPay].Schema = &Schema{Time: "ts", Seq: "n"}
	b, a := pay(10, "c1", "", "b", 2), pay(10, "c1", "", "a", 1)
	b.Seq, a.Seq = 2, 1
	g, fx := stepped(rs, Options{}, []Event{b, a})
	wantAlerts(t, fx, "") // more of the same time may come
	g.Step([]Record{halt}, fx)
	wantAlerts(t, fx, "match ab c1 @10 a:1 b:2\n")
}

func TestThrottle(t *testing.T) {
	r := makeRule(t, "ab", "a -> b", nfa.Options{Within: 5 * time.Second, Timeout: true}, abc("a", "b"))
	r.Throttle = 10 * time.Second
	var events []Event
	for _, s := range []int{0, 3, 6, 10, 14} { // matches at 1, 4, 7, 11, 15
		events = append(events, pay(s, "c1", "", "a", float64(s)), pay(s+1, "c1", "", "b", float64(s)+1))
	}
	events = append(events, pay(16, "c1", "", "a", 16))
	g, fx := stepped(rulesOf(r), Options{}, events, at(21))
	wantAlerts(t, fx, `match ab c1 @1 a:0 b:1
match ab c1 @11 a:10 b:11 suppressed 2
timeout ab c1 @21 a:16
`)
	if s := g.Stats().Rules[0]; s.Matches != 5 || s.Alerts != 2 || s.Suppressed != 3 || s.Timeouts != 1 {
		t.Errorf("stats: %+v", s)
	}
	if g.Keys() != 1 {
		t.Error("the count of silenced matches is lost")
	}
	g.StepEvents([]Event{pay(30, "c1", "", "a", 30), pay(31, "c1", "", "b", 31)}, fx)
	if a := fx.Alerts[len(fx.Alerts)-1]; a.Suppressed != 1 {
		t.Errorf("suppressed %d", a.Suppressed)
	}
	g.Step([]Record{at(41)}, fx)
	if g.Keys() != 0 {
		t.Error("the key is kept after its throttle")
	}
}

func TestKeys(t *testing.T) {
	t.Run("none", func(t *testing.T) {
		r := makeRule(t, "a", "a", nfa.Options{}, abc("a"))
		g, fx := stepped(rulesOf(r), Options{}, []Event{pay(1, "", "m", "a", 1), pay(2, "c", "m", "a", 2)})
		wantAlerts(t, fx, "match a c @2 a:2\n")
		if n := g.Stats().Rules[0].NoKey; n != 1 {
			t.Errorf("%d events without a key", n)
		}
	})
	t.Run("of two fields", func(t *testing.T) {
		r := makeRule(t, "ab", "a -> b", nfa.Options{}, abc("a", "b"))
		r.Key = Key{Fields: []FieldID{fCard, fMerchant}, Names: []string{"card", "merchant"}}
		_, fx := stepped(rulesOf(r), Options{}, []Event{
			pay(1, "1", "23", "a", 1), pay(2, "12", "3", "b", 2), pay(3, "1", "23", "b", 3),
		})
		wantAlerts(t, fx, "match ab 1/23 @3 a:1 b:3\n")
	})
	t.Run("by variable", func(t *testing.T) {
		r := makeRule(t, "mule", "credit -> debit", nfa.Options{}, map[string]Cond{"credit": over(0), "debit": over(0)})
		r.Key = Key{ByName: []FieldID{fTo, fCard}, Names: []string{"account"}}
		transfer := func(second int, from, to string) Event {
			e := pay(second, from, "", "", float64(second))
			e.row[fTo] = TextValue(to)
			return e
		}
		_, fx := stepped(rulesOf(r), Options{}, []Event{
			transfer(1, "x", "y"),
			transfer(2, "x", "z"), // x is debited, which was not credited
			transfer(3, "y", "z"), // y passes it on
			transfer(4, "z", "z"), // z is offered once: its debit ends the match that was open
		})
		wantAlerts(t, fx, "match mule y @3 credit:1 debit:3\nmatch mule z @4 credit:2 debit:4\n")
	})
	t.Run("unless of a key by variable is tried always", func(t *testing.T) {
		r := makeRule(t, "mule", "credit -> debit", nfa.Options{}, map[string]Cond{"credit": is("t"), "debit": is("t"), "unless": is("ok")})
		r.Key = Key{ByName: []FieldID{fTo, fCard}, Names: []string{"account"}}
		transfer := func(second int, from, to, kind string) Event {
			e := pay(second, from, "", kind, float64(second))
			e.row[fTo] = TextValue(to)
			return e
		}
		_, fx := stepped(rulesOf(r), Options{}, []Event{
			transfer(1, "x", "y", "t"), transfer(2, "y", "w", "ok"), transfer(3, "y", "z", "t"),
		})
		wantAlerts(t, fx, "")
	})
}

func TestWhere(t *testing.T) {
	r := makeRule(t, "ab", "a, b", nfa.Options{}, abc("a", "b"))
	where := over(10)
	r.Where = &where
	_, fx := stepped(rulesOf(r), Options{}, []Event{
		pay(1, "c", "", "a", 11), pay(2, "c", "", "x", 1), pay(3, "c", "", "b", 13),
		pay(4, "c", "", "a", 11), pay(5, "c", "", "x", 12), pay(6, "c", "", "b", 13),
	})
	wantAlerts(t, fx, "match ab c @3 a:11 b:13\n")
}

func TestClock(t *testing.T) {
	rs := rulesOf(makeRule(t, "a", "a", nfa.Options{}, abc("a")))
	rs.Types[tLogin].Schema = &Schema{Arrival: true}
	login := event("login", tLogin, 0, "c", "", "a", 1)
	g, fx := stepped(rs, Options{MaxAhead: time.Minute}, []Event{
		login, // nothing tells its time yet
		pay(1000, "c", "", "x", 1),
		login,
		pay(1061, "c", "", "x", 2), // 61 s ahead
		pay(1060, "c", "", "x", 3),
	})
	var reasons []string
	for _, r := range fx.Rejected {
		reasons = append(reasons, r.Reason)
	}
	if len(reasons) != 2 || !strings.Contains(reasons[0], "arrival") || !strings.Contains(reasons[1], "ahead") {
		t.Errorf("rejected: %q", reasons)
	}
	if s := g.Stats(); s.Events != 3 || s.Rejected != 2 {
		t.Errorf("stats: %+v", s)
	}
}

func TestBound(t *testing.T) {
	r := makeRule(t, "ab", "a -> b", nfa.Options{MaxOpen: 2, Skip: nfa.SkipNone}, abc("a", "b"))
	g, fx := stepped(rulesOf(r), Options{}, []Event{
		pay(1, "c", "", "a", 1), pay(2, "c", "", "a", 2), pay(3, "c", "", "a", 3), pay(4, "c", "", "b", 4),
	})
	wantAlerts(t, fx, "match ab c @4 a:1 b:4 truncated\nmatch ab c @4 a:2 b:4 truncated\n")
	if n := g.Stats().Rules[0].OpenBound; n != 1 {
		t.Errorf("the bound was met %d times", n)
	}
}

func TestInOrder(t *testing.T) {
	// The match of the second a of c2 waits for the window of the first.
	r := makeRule(t, "ab", "a -> b", nfa.Options{InOrder: true, Within: 10 * time.Second, Skip: nfa.SkipToNext}, map[string]Cond{
		"a": is("a"),
		"b": is("b").and(func(s *Scope) bool {
			return s.Captures.Last(0).Field(fMerchant).Text == s.Event.Field(fMerchant).Text
		}),
	})
	_, fx := stepped(rulesOf(r), Options{}, []Event{
		pay(1, "c2", "x", "a", 1), pay(2, "c2", "y", "a", 2), pay(3, "c2", "y", "b", 3),
		pay(4, "c1", "z", "a", 4), pay(5, "c1", "z", "b", 5),
	}, at(20))
	wantAlerts(t, fx, "match ab c1 @5 a:4 b:5\nmatch ab c2 @3 a:2 b:3\n")
}

func TestHavingMeasuresScore(t *testing.T) {
	r := makeRule(t, "aa", "a{2,}+ -> b", nfa.Options{Having: true}, abc("a", "b"))
	r.Aggregates = []AggregateOf{{Var: 0, Field: fAmount}}
	r.Having = func(s *Scope) bool {
		if s.Event != nil {
			t.Error("having sees a current event")
		}
		return s.Captures.Aggregate(0).Sum >= 10
	}
	r.Measures = []Measure{
		{"n", func(s *Scope) Value { return NumberValue(float64(s.Captures.Len(0))) }},
		{"total", func(s *Scope) Value {
			return NumberValue(s.Captures.Aggregate(0).Sum + s.Captures.First(1).Field(fAmount).Number())
		}},
		{"double", func(s *Scope) Value { return NumberValue(2 * s.Measures[0].Number()) }},
	}
	r.Score = func(s *Scope) Value { return NumberValue(s.Measures[1].Number()) }
	r.Message = func(s *Scope) string { return s.Key[0] + " " + s.Captures.Last(0).Field(fMerchant).Text }
	_, fx := stepped(rulesOf(r), Options{}, []Event{
		pay(1, "c", "m1", "a", 1), pay(2, "c", "m2", "a", 2), pay(3, "c", "", "b", 3), // sum 3: no match, and it consumes nothing
		pay(4, "c", "m4", "a", 8.5), pay(5, "c", "", "b", 5),
	})
	if len(fx.Alerts) != 1 {
		t.Fatalf("alerts:\n%s", lines(fx.Alerts))
	}
	a := fx.Alerts[0]
	if a.Measures[0].Number() != 2 && a.Measures[0].Number() != 3 || a.Measures[2].Number() != 2*a.Measures[0].Number() {
		t.Errorf("measures: %v", a.Measures)
	}
	if a.Message != "c m4" {
		t.Errorf("message %q", a.Message)
	}
}

func TestScore(t *testing.T) {
	for _, c := range []struct {
		give Value
		want int
	}{
		{NumberValue(70.5), 71},
		{NumberValue(70.49), 70},
		{NumberValue(-3), 0},
		{NumberValue(1e9), 100},
		{Value{}, 42},
		{TextValue("x"), 42},
		{NumberValue(0.5), 1},
		{NumberValue(-0.5), 0},
	} {
		r := &Rule{Default: 42, Score: func(*Scope) Value { return c.give }}
		if got := score(r, &Scope{}); got != c.want {
			t.Errorf("score %v: %d, want %d", c.give, got, c.want)
		}
	}
	if got := score(&Rule{Default: 42}, &Scope{}); got != 42 {
		t.Errorf("default: %d", got)
	}
}

// Between the first and the last time that an event may have lies more than an
// int64 of nanoseconds can say.
func TestFarTimes(t *testing.T) {
	r := makeRule(t, "ab", "a -[>1d]-> b", nfa.Options{}, abc("a", "b"))
	a, b := pay(0, "c", "", "a", 1), pay(0, "c", "", "b", 2)
	a.Time, b.Time = firstTime, lastTime
	_, fx := stepped(rulesOf(r), Options{}, []Event{a, b, a})
	if len(fx.Alerts) != 1 {
		t.Errorf("%d alerts", len(fx.Alerts))
	}
	if len(fx.Late) != 1 || fx.Late[0].Behind != math.MaxInt64 {
		t.Errorf("late: %+v", fx.Late)
	}
}
