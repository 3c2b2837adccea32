package expr

import (
	"fmt"
	"strings"
	"testing"
)

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
	f.Fuzz(func(t *testing.T, text string) { tryText(t, text, LangExpr) })
}

// FuzzCEL checks the same of any text in CEL.
func FuzzCEL(f *testing.F) {
	for _, rows := range [][]valueRow{nilRows, valueRows, celRows} {
		for i, r := range rows {
			if i%4 == 0 {
				f.Add(r.cel)
			}
		}
	}
	for _, s := range []string{`sum(probe, .amount)`, `a.?b[?c]`, `"\d" + r'\'`, `!!a`, "a.`b-c`", `Foo{a: 1}`, `1u + b"x"`, `x.exists(y, z`, `'é' // "`, `1..2`, `1,000 =! $x`, `math.f(a, "b")`, `probe.sum(p, p.a`, `has(probe.a)`, `{true: a}`, "a\u00a0≥ “b", `NOT a ? b ? 1`, `status.matches("a{9}")`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) { tryText(t, text, LangCEL) })
}

// tryText compiles and runs a text on both executors, twice, and explains it.
func tryText(t *testing.T, text string, lang Lang) {
	for _, span := range lang.Comments(text) {
		if !strings.HasPrefix(text[span[0]:span[1]], "//") {
			t.Fatalf("%q: a comment at %v", text, span)
		}
	}
	for _, world := range []scene{declared, undeclared, completed} {
		world.lang = lang
		c, m := world, world
		m.machine, m.walk = true, true
		closures, err := CompileValue(text, c.env())
		machine, err2 := CompileValue(text, m.env())
		if fmt.Sprint(err) != fmt.Sprint(err2) {
			t.Fatalf("%q: closures: %v; machine: %v", text, err, err2)
		}
		if err != nil {
			if e, ok := err.(*Error); !ok || e.Pos < 0 || e.End < e.Pos || e.End > len(text) || e.Msg == "" {
				t.Fatalf("%q: %#v", text, err)
			}
			continue
		}
		a := closures(c.scope())
		if b := machine(m.scope()); !equal(a, b) && len(m.faults) == 0 {
			t.Fatalf("%q: closures %s, machine %s", text, show(a), show(b))
		}
		if again := closures(c.scope()); show(again) != show(a) {
			t.Fatalf("%q: %s, then %s", text, show(a), show(again))
		}
		if _, err := UsesOf(text, c.env()); err != nil {
			t.Fatalf("%q: uses: %v", text, err)
		}
		checkWhy(t, text, &c)
	}
}

// FuzzMessage checks that no template makes anything panic.
func FuzzMessage(f *testing.F) {
	for _, s := range []string{"{probes} of {card_id}", "{{}}", "{", "}", "{\"}", "{probe.amount}{missing}", "{r'}\\'}{\"\"\"}\"\"\"}"} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, template string, cel bool) {
		c := completed
		if cel {
			c.lang = LangCEL
		}
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
