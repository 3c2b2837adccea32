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

func TestStepReadsLines(t *testing.T) {
	rs := rulesOf(makeRule(t, "ab", "a -> b", nfa.Options{Within: time.Minute}, abc("a", "b")))
	rs.Types[tPay].Schema = &Schema{Time: "ts", ID: "id", Fields: map[string]Kind{
		"ts": Time, "id": Text, "card": Text, "kind": Text, "amount": Number, "merchant": Text, "to": Text,
	}}
	g, fx := NewEngine(rs, Options{}), new(Effects)
	g.Step([]Record{
		{Kind: EventsRecord, Source: 2, Line: 10, Data: []byte(strings.Join([]string{
			`{"type":"pay","ts":"2026-01-02T03:04:05Z","id":"p1","card":"c1","kind":"a"}`,
			``,
			" \t\r",
			`{"type":"pay","ts":"2026-01-02T03:04:06Z","id":"p2","card":`,
			`{"type":"pay","ts":"2026-01-02T03:04:04Z","id":"p3","card":"c1","kind":"b"}` + "\r",
			`{"type":"pay","ts":"2026-01-02T03:04:07Z","id":"p4","card":"c1","kind":"b"}`,
		}, "\n"))},
		{Kind: EventsRecord, Source: 2, Line: 16, Data: []byte(`{"type":"pay","id":"p5","card":"c1","kind":"b"}` + "\n")},
	}, fx)
	if len(fx.Alerts) != 1 || fx.Alerts[0].Events[0].Name != "p1" || fx.Alerts[0].Events[1].Name != "p4" {
		t.Errorf("alerts: %+v", fx.Alerts)
	}
	if len(fx.Late) != 1 || fx.Late[0].Line != 14 || fx.Late[0].Source != 2 || fx.Late[0].Behind != int64(time.Second) || !strings.HasSuffix(fx.Late[0].Raw, "}") {
		t.Errorf("late: %+v", fx.Late)
	}
	if len(fx.Rejected) != 2 || fx.Rejected[0].Line != 13 || fx.Rejected[0].Column == 0 || fx.Rejected[1].Line != 16 ||
		!strings.Contains(fx.Rejected[1].Reason, "ts") {
		t.Errorf("rejected: %+v", fx.Rejected)
	}
	if s := g.Stats(); s.Events != 2 || s.Rejected != 2 || s.Late != 1 || !s.Fields[fKind] || s.Fields[fMerchant] {
		t.Errorf("stats: %+v", s)
	}
}

// Lines and decoded events give the same, however the lines are cut into records.
func TestRecordsChangeNothing(t *testing.T) {
	rs := zoo(t)
	rapid.Check(t, func(t *rapid.T) {
		events := rapid.Permutation(stream(t)).Draw(t, "arrival")
		o := Options{Lateness: time.Duration(rapid.IntRange(0, 30).Draw(t, "lateness")) * time.Second}
		_, want := stepped(rs, o, slices.Clone(events), end)
		g, fx := NewEngine(rs, o), new(Effects)
		for i := 0; i < len(events); {
			n := rapid.IntRange(1, len(events)-i).Draw(t, "record")
			var data []byte
			for _, e := range events[i : i+n] {
				data = append(append(data, jsonLine(&e)...), '\n')
			}
			g.Step([]Record{{Data: data, Line: i + 1}}, fx)
			i += n
		}
		if len(fx.Rejected) > 0 {
			t.Fatalf("rejected: %+v", fx.Rejected)
		}
		g.Step([]Record{end}, fx)
		same(t, "lines", text(fx), text(want))
	})
}

// jsonLine is the line of an event: fields without a value are left out of Raw
// already where it matters to a key.
func jsonLine(e *Event) string { return e.Raw }

func BenchmarkJSON(b *testing.B) {
	var rules []*Rule
	for i := range 10 {
		rules = append(rules, makeRule(b, fmt.Sprintf("r%d", i), "probe{3,}+ -> cashout", nfa.Options{Within: 30 * time.Minute},
			map[string]Cond{"probe": approved(float64(2+i), 0), "cashout": approved(1e9, 500)}))
	}
	rs := rulesOf(rules...)
	events := payments(200_000)
	var data [][]byte
	for rest := events; len(rest) > 0; {
		n := min(len(rest), 4096)
		var block []byte
		for i := range rest[:n] {
			row := rest[i].row
			block = fmt.Appendf(block, `{"type":"pay","ts":%d,"payment_id":"p%012d","card":%q,"merchant":%q,"kind":%q,"amount":%.2f,"currency":"EUR","country":"DE","channel":"pos","terminal":"t-00017","mcc":"5411","ip":"203.0.113.7","device":{"id":"d-9231","os":"android"}}`+"\n",
				rest[i].Time/1e6, i, row[fCard].Text, row[fMerchant].Text, row[fKind].Text, row[fAmount].Number())
		}
		data = append(data, block)
		rest = rest[n:]
	}
	var fx Effects
	for b.Loop() {
		g := NewEngine(rs, Options{})
		for i := range data {
			fx.Reset()
			g.Step([]Record{{Data: data[i], Line: 1}}, &fx)
		}
		if len(fx.Rejected) > 0 {
			b.Fatal(fx.Rejected[0])
		}
	}
	b.ReportMetric(float64(b.N)*float64(len(events))/b.Elapsed().Seconds(), "events/s")
}
