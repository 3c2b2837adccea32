package expr

import "testing"

// FuzzExecutors checks on any text that nothing panics, that errors have a place
// in it, and that the closures and the machine agree wherever both can run it,
// with a schema and without.
func FuzzExecutors(f *testing.F) {
	for _, rows := range [][]valueRow{nilRows, valueRows} {
		for i, r := range rows {
			if i%4 == 0 {
				f.Add(r.text)
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, world := range []scene{declared, undeclared, completed} {
			c, m := world, world
			m.machine, m.walk = true, true
			closures, err := CompileValue(text, c.env())
			machine, err2 := CompileValue(text, m.env())
			if (err == nil) != (err2 == nil) {
				t.Fatalf("%q: closures: %v; machine: %v", text, err, err2)
			}
			if err != nil {
				if e, ok := err.(*Error); !ok || e.Pos < 0 || e.End < e.Pos || e.End > len(text) || e.Msg == "" {
					t.Fatalf("%q: %#v", text, err)
				}
				continue
			}
			if a, b := closures(c.scope()), machine(m.scope()); !equal(a, b) && len(m.faults) == 0 {
				t.Fatalf("%q: closures %s, machine %s", text, show(a), show(b))
			}
		}
	})
}

// FuzzMessage checks that no template makes anything panic.
func FuzzMessage(f *testing.F) {
	for _, s := range []string{"{probes} of {card_id}", "{{}}", "{", "}", "{\"}", "{probe.amount}{missing}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, template string) {
		c := completed
		m, err := CompileMessage(template, c.env())
		if err != nil {
			if e, ok := err.(*Error); !ok || e.Pos < 0 || e.End < e.Pos || e.End > len(template) {
				t.Fatalf("%q: %#v", template, err)
			}
			return
		}
		if n := len([]rune(m(c.scope()))); n > maxMessage {
			t.Fatalf("%q: %d characters", template, n)
		}
	})
}
