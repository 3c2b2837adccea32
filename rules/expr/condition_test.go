package expr

import (
	"slices"
	"testing"

	"weir/cep"
)

func TestCompileCond(t *testing.T) {
	for _, c := range []struct {
		text            string
		equals          []string
		event, captured bool // whether the part is there
		holds           bool
	}{
		{`amount < 2`, nil, true, false, false},
		{`status == "approved" && amount > 2`, []string{"status"}, true, false, true},
		{`"approved" == status && flag && amount == 100`, []string{"status", "flag", "amount"}, true, false, true},
		{`status == params.name and event.country == "KP"`, []string{"status", "country"}, true, false, true},
		{`amount > 20 * mean(probe.amount)`, nil, false, true, true},
		{`status == "approved" && amount > 20 * mean(probe.amount)`, []string{"status"}, true, true, true},
		{`(status == "approved" && flag) && (amount > 1 && country not in probe.country)`, []string{"status", "flag"}, true, true, true},
		{`status == "approved" || flag`, nil, true, false, true},
		{`status == "approved" && !flag`, []string{"status"}, true, false, false},
		{`!off && status != "x"`, nil, true, false, true},
		{`type == "payment" && card_id == "c1"`, nil, true, false, true},
		{`created == 5 && nothing == nil`, nil, true, false, false},
		{`any(tags, # == "a") && status == "approved"`, []string{"status"}, true, false, true},
		{`any(probe, .amount > 3) && cashout == cashout`, nil, false, true, true},
		{`flag && off && amount > 1 && amount > 2 && amount > 3`, []string{"flag", "off"}, true, false, false},
		{`flag && amount > 1 && amount > 2 && amount > 3`, []string{"flag"}, true, false, true},
	} {
		for _, machine := range []bool{false, true} {
			w := declared
			w.machine = machine
			cond, err := CompileCond(c.text, w.env())
			if err != nil {
				t.Errorf("%s: %v", c.text, err)
				continue
			}
			var equals []string
			for _, e := range cond.Equals {
				equals = append(equals, sceneFields[e.Field].path)
			}
			if !slices.Equal(equals, c.equals) {
				t.Errorf("%s: equals %v, want %v", c.text, equals, c.equals)
			}
			if (cond.Event != nil) != c.event || (cond.Captured != nil) != c.captured {
				t.Errorf("%s: event %v, captured %v", c.text, cond.Event != nil, cond.Captured != nil)
			}
			s := w.scope()
			got := (cond.Event == nil || cond.Event(s)) && (cond.Captured == nil || cond.Captured(s))
			if got != c.holds {
				t.Errorf("%s: %v, machine %v", c.text, got, machine)
			}
			if cond.Event != nil {
				// The part on the event reads no captures.
				cond.Event(&cep.Scope{Event: s.Event, Key: s.Key})
			}
			if got && !everyEqual(cond.Equals, s.Event) {
				t.Errorf("%s holds, and an equality does not", c.text)
			}
		}
	}
}

func everyEqual(es []cep.Equality, e *cep.Event) bool {
	for _, q := range es {
		if !equal(*e.Field(q.Field), q.Value) {
			return false
		}
	}
	return true
}

// TestAllocations holds the closures to not allocating.
func TestAllocations(t *testing.T) {
	for _, text := range []string{
		`amount < 200 && status == "approved" && country != event.home`, `amount > 1 || nothing > 900`, `country in ["KP", "IR"]`, `country in params.many`,
		`ts - created < duration("2d")`, `amount > params.limit * 2 + rate`, `hour(ts) < 6 && weekday(ts) == 5`, `hour(ts, "Europe/Paris") == 4`, `email contains "x" && email[0:3] == "Ünï"`,
		`amount > 20 * mean(probe.amount)`, `ts - last(probe).ts < duration("5m")`, `country not in probe.country`, `distance_km(lat, lon, 1, 2) > 5`, `speed_kmh(first(probe).lat, first(probe).lon, first(probe).ts, lat, lon, ts) > 900`,
		`edit_distance(status, "aproved") < 2`, `status matches "^app"`, `count(probe) >= 3 && cashout.amount > 1`, `distinct(probe.country) >= 2`, `median(probe.rate) == 2`, `max(amount, rate) == 100`, `min(probe.amount, 7) == 1`,
		`extra == nil`, `card_id == "c1"`, `type == "payment"`, `amount == 100 ? flag : off`, `(nothing ?? 5) == 5`,
	} {
		for _, w := range []scene{declared, undeclared} {
			cond, err := CompileCond(text, w.env())
			if err != nil {
				t.Errorf("%s: %v", text, err)
				continue
			}
			s := w.scope()
			held := true
			if n := testing.AllocsPerRun(200, func() {
				held = (cond.Event == nil || cond.Event(s)) && (cond.Captured == nil || cond.Captured(s))
			}); n != 0 {
				t.Errorf("%s allocates %v times", text, n)
			}
			if !held {
				t.Errorf("%s does not hold", text)
			}
		}
	}
}

// benchmarkCond measures the three-part condition, all three evaluated.
func benchmarkCond(b *testing.B, machine bool) {
	w := declared
	w.machine = machine
	cond, err := CompileCond(`amount < 200 && type == "payment" && country != home`, w.env())
	if err != nil {
		b.Fatal(err)
	}
	s := w.scope()
	b.ReportAllocs()
	for b.Loop() {
		if !cond.Event(s) {
			b.Fatal("it does not hold")
		}
	}
}

func BenchmarkCondClosures(b *testing.B) { benchmarkCond(b, false) }
func BenchmarkCondMachine(b *testing.B)  { benchmarkCond(b, true) }

// BenchmarkLanguages measures conditions that say the same in both languages, each
// on the executor that it gets.
func BenchmarkLanguages(b *testing.B) {
	for _, p := range []struct {
		name string
		phrase
	}{
		{"fields", phrase{`amount < 200 && type == "payment" && status != nil && country in ["KP", "IR"]`, `amount < 200 && type == "payment" && status != null && country in ["KP", "IR"]`}},
		{"captures", phrase{`amount > 20 * mean(probe.amount) && distinct(probe.country) == 2`, `amount > 20 * mean(probe.amount) && distinct(probe.country) == 2`}},
		{"texts", phrase{`status startsWith "app" && email contains "@" && len(tags) == 3`, `status.startsWith("app") && email.contains("@") && tags.size() == 3`}},
		{"predicate", phrase{`any(probe, .amount > 3 && .country == "FR")`, `probe.exists(p, p.amount > 3 && p.country == "FR")`}},
	} {
		for lang, text := range []string{p.expr, p.cel} {
			b.Run(p.name+"/"+[]string{"expr", "cel"}[lang], func(b *testing.B) {
				w := declared
				w.lang = Lang(lang)
				holds, err := CompileBool(text, w.env())
				if err != nil {
					b.Fatal(err)
				}
				s := w.scope()
				b.ReportAllocs()
				for b.Loop() {
					if !holds(s) {
						b.Fatal("it does not hold")
					}
				}
			})
		}
	}
}
