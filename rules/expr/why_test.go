package expr

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"weir/cep"
)

// checkWhy checks of a condition that can be compiled that its reason agrees with
// it, and that each part says what it gives by itself.
func checkWhy(t interface {
	Helper()
	Fatalf(string, ...any)
}, text string, c *scene,
) {
	t.Helper()
	holds, err := CompileBool(text, c.env())
	why, err2 := CompileWhy(text, c.env())
	if (err == nil) != (err2 == nil) {
		t.Fatalf("%q: %v; why: %v", text, err, err2)
	}
	if err != nil {
		return
	}
	cond, err := CompileCond(text, c.env())
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	s := c.scope()
	r := why(s)
	if again := why(s); fmt.Sprint(again) != fmt.Sprint(r) {
		t.Fatalf("%q: %+v, then %+v", text, r, again)
	}
	got := (cond.Event == nil || cond.Event(s)) && (cond.Captured == nil || cond.Captured(s))
	if r.Holds != got || r.Holds != holds(s) && len(c.faults) == 0 {
		t.Fatalf("%q: %v, bool %v, reason %+v", text, got, holds(s), r)
	}
	if len(r.Parts) == 0 {
		t.Fatalf("%q: no parts", text)
	}
	for _, p := range r.Parts {
		if text[p.Pos:p.End] != p.Text {
			t.Fatalf("%q: part %+v", text, p)
		}
		for i, o := range p.Operands {
			if !strings.Contains(p.Text, o.Text) || slices.Contains(p.Operands[:i], o) {
				t.Fatalf("%q: operand %+v of %+v", text, o, p)
			}
		}
		c.faults = nil
		if alone, err := CompileValue(p.Text, c.env()); err == nil && len(c.faults) == 0 {
			if got := shorten(alone(s), c.lang.null()); got != p.Value && len(c.faults) == 0 {
				t.Fatalf("%q: the part %q is %s, by itself %s", text, p.Text, p.Value, got)
			}
		}
	}
}

func TestWhy(t *testing.T) {
	for _, c := range []struct {
		text string
		want string // whether it holds, and each part with its value and operands
	}{
		// the false parts of a conjunction, all of them
		{`amount < params.limit`, `false: amount < params.limit = false (amount = 100, params.limit = 2)`},
		{`amount < 200 && status == "approved" && country == "FR"`, `false: country == "FR" = false (country = "KP")`},
		{`amount < 5 && flag && country == home && !flag`, `false: amount < 5 = false (amount = 100); country == home = false (country = "KP", home = "h1"); flag = true`},
		{`(amount < 5 && flag) && (flag && off)`, `false: amount < 5 = false (amount = 100); off = false`},
		// all branches of a disjunction
		{`amount < 5 || country == "FR"`, `false: amount < 5 = false (amount = 100); country == "FR" = false (country = "KP")`},
		{`off || (flag && amount < 5)`, `false: off = false; amount < 5 = false (amount = 100)`},
		{`flag && (off || nothing > 3)`, `false: off = false; nothing > 3 = false (nothing = nil)`},
		// what holds
		{`amount > 5 && status == "approved"`, `true: amount > 5 = true (amount = 100); status == "approved" = true (status = "approved")`},
		{`off || flag || amount > 5`, `true: flag = true; amount > 5 = true (amount = 100)`},
		{`true`, `true: true = true`},
		// not, and what is written with one
		{`not (amount > 5)`, `false: amount > 5 = true (amount = 100)`},
		{`!(off || flag)`, `false: flag = true`},
		{`!(off && flag)`, `true: off = false`},
		{`status != "approved"`, `false: status != "approved" = false (status = "approved")`},
		{`country not in ["KP", "IR"]`, `false: country not in ["KP", "IR"] = false (country = "KP")`},
		{`status not contains "x"`, `true: status not contains "x" = true (status = "approved")`},
		{`not nothing_here`, `true: nothing_here = nil`},
		{`not (nothing == nil)`, `false: nothing == nil = true (nothing = nil)`},
		{`flag ? amount < 5 : off`, `false: flag = true; amount < 5 = false (amount = 100)`},
		{`!(off ? flag : flag && off)`, `true: off = false; off = false`},
		// operands: what is worked out, and what of
		{`amount > params.limit * 50 + mean(probe.amount)`, `false: amount > params.limit * 50 + mean(probe.amount) = false (amount = 100, params.limit * 50 + mean(probe.amount) = 102.5, params.limit * 50 = 100, params.limit = 2, mean(probe.amount) = 2.5, probe.amount = [1,null,4])`},
		{`(amount + 1) * 2 == 0`, `false: (amount + 1) * 2 == 0 = false ((amount + 1) * 2 = 202, amount + 1 = 101, amount = 100)`},
		{`params.limit > 5`, `false: params.limit > 5 = false (params.limit = 2)`},
		{`params.limit * 2 > 5 * params.limit`, `false: params.limit * 2 > 5 * params.limit = false (params.limit * 2 = 4, params.limit = 2, 5 * params.limit = 10)`},
		{`ts - last(probe).ts < duration("30s")`, `false: ts - last(probe).ts < duration("30s") = false (ts - last(probe).ts = 60, ts = 2026-01-02T03:04:05.678Z, last(probe).ts = 2026-01-02T03:03:05.678Z)`},
		{`home in params.countries`, `false: home in params.countries = false (home = "h1", params.countries = ["KP","IR"])`},
		{`country in probe.country`, `false: country in probe.country = false (country = "KP", probe.country = ["FR","DE","FR"])`},
		{`country in [event.home, params.name]`, `false: country in [event.home, params.name] = false (country = "KP", [event.home, params.name] = ["FR","approved"], event.home = "FR", params.name = "approved")`},
		{`count(probe) > 5`, `false: count(probe) > 5 = false (count(probe) = 3)`},
		{`any(probe, .amount > amount && .rate > params.limit)`, `false: any(probe, .amount > amount && .rate > params.limit) = false (probe = [{"n":1},{"n":2},{"n":3}], amount = 100, params.limit = 2)`},
		{`extra != nil`, `false: extra != nil = false (extra = nil)`},
		{`cashout == nil`, `false: cashout == nil = false (cashout = {"n":4})`},
		{`hour(ts, zone) > 5`, `false: hour(ts, zone) > 5 = false (hour(ts, zone) = 4, ts = 2026-01-02T03:04:05.678Z, zone = "Europe/Paris")`},
		{`tags[0] == "b"`, `false: tags[0] == "b" = false (tags[0] = "a")`},
		{`last(cashout).amount > 50`, `false: last(cashout).amount > 50 = false (last(cashout).amount = 50)`},
		{`amount + amount + amount < amount`, `false: amount + amount + amount < amount = false (amount + amount + amount = 300, amount + amount = 200, amount = 100)`},
		{`email contains "\t"`, `false: email contains "\t" = false (email = "Ünï@x.de")`},
		{`let m = amount; m < 5`, `false: let m = amount; m < 5 = false (amount = 100)`},
		// an error while it runs: the whole is the part
		{`len(map(1..amount * 11, #)) > 1 || flag`, `false: len(map(1..amount * 11, #)) > 1 || flag = nil (*)`},
		{`flag || len(map(1..amount * 11, #)) > 1`, `true: flag = true`},
	} {
		for _, machine := range []bool{false, true} {
			w := undeclared
			w.machine = machine
			checkReason(t, c.text, c.want, w)
		}
	}
	for _, c := range []struct{ text, want string }{
		{`probe.exists(p, p.amount > amount) || off`, `false: probe.exists(p, p.amount > amount) = false (probe = [{"n":1},{"n":2},{"n":3}], amount = 100); off = false`},
		{`!(amount > 5) && !flag`, `false: amount > 5 = true (amount = 100); flag = true`},
		{`has(event.nothing) || !(country in ["KP"])`, `false: has(event.nothing) = false (event.nothing = null); country in ["KP"] = true (country = "KP")`},
		{`probe.exists(p, probe.exists(q, q.rate > p.rate + params.limit))`, `false: probe.exists(p, probe.exists(q, q.rate > p.rate + params.limit)) = false (probe = [{"n":1},{"n":2},{"n":3}], params.limit = 2)`},
	} {
		w := declared
		w.lang = LangCEL
		checkReason(t, c.text, c.want, w)
	}
}

// checkReason compares the reason of a condition with its written form; (*)
// stands for any operands.
func checkReason(t *testing.T, text, want string, w scene) {
	t.Helper()
	why, err := CompileWhy(text, w.env())
	if err != nil {
		t.Errorf("%s: %v", text, err)
		return
	}
	r := why(w.scope())
	var parts []string
	for _, p := range r.Parts {
		part := p.Text + " = " + p.Value
		var operands []string
		for _, o := range p.Operands {
			operands = append(operands, o.Text+" = "+o.Value)
		}
		if strings.HasSuffix(want, "(*)") {
			operands = []string{"*"}
		}
		if operands != nil {
			part += " (" + strings.Join(operands, ", ") + ")"
		}
		parts = append(parts, part)
	}
	if got := fmt.Sprintf("%v: %s", r.Holds, strings.Join(parts, "; ")); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if len(w.faults) > 0 {
		t.Errorf("%s: told of %v", text, w.faults)
	}
	checkWhy(t, text, &w)
}

// TestWhyBounds checks that long values are cut, and operands counted.
func TestWhyBounds(t *testing.T) {
	w := declared
	text := `concat([amount, 1], [amount, 2]) == [` + strings.Repeat("amount, ", 100) + `1]`
	for i := range 30 {
		text += fmt.Sprintf(" && amount + %d + rate == rate", i)
	}
	why, err := CompileWhy(text, w.env())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range why(w.scope()).Parts {
		if len(p.Operands) > maxOperands {
			t.Errorf("%d operands", len(p.Operands))
		}
		for _, o := range p.Operands {
			if n := len([]rune(o.Value)); n > maxShown || n > 100 && !strings.HasSuffix(o.Value, "...") {
				t.Errorf("%d characters: %s", n, o.Value)
			}
		}
	}
	if got := shorten(cep.TextValue(strings.Repeat("é", 300)), "nil"); len([]rune(got)) != maxShown {
		t.Errorf("%d characters: %s", len([]rune(got)), got)
	}
}

// TestWhyAgrees holds reasons of made-up conditions to what the conditions give,
// in both languages, over drawn scenes.
func TestWhyAgrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := 0
		var parts []phrase
		for range rapid.IntRange(1, 4).Draw(t, "parts") {
			parts = append(parts, drawPhrase(t, 2, &names))
		}
		p := parts[0]
		for _, q := range parts[1:] {
			switch rapid.IntRange(0, 3).Draw(t, "join") {
			case 0:
				p = phrase{p.expr + " && " + q.expr, p.cel + " && " + q.cel}
			case 1:
				p = phrase{"(" + p.expr + " || " + q.expr + ")", "(" + p.cel + " || " + q.cel + ")"}
			case 2:
				p = phrase{"not (" + p.expr + " && " + q.expr + ")", "!(" + p.cel + " && " + q.cel + ")"}
			default:
				p = phrase{"(" + p.expr + " ? " + q.expr + " : !(" + p.expr + "))", "(" + p.cel + " ? " + q.cel + " : !(" + p.cel + "))"}
			}
		}
		w := drawScene(t, rapid.Bool().Draw(t, "schema"))
		w.machine = rapid.Bool().Draw(t, "machine")
		checkWhy(t, p.expr, &w)
		w.lang = LangCEL
		checkWhy(t, p.cel, &w)
	})
}

// TestWhyTogether runs one reason on several goroutines, on both executors.
func TestWhyTogether(t *testing.T) {
	for _, lang := range []Lang{LangExpr, LangCEL} {
		for _, machine := range []bool{false, true} {
			w := declared
			w.lang, w.machine = lang, machine
			text := `amount > 20 * mean(probe.amount) && any(probe, .amount > amount) || distinct(probe.country) > 2 ? off : "z" in tags`
			if lang == LangCEL {
				text = `amount > 20 * mean(probe.amount) && probe.exists(p, p.amount > amount) || distinct(probe.country) > 2 ? off : "z" in tags`
			}
			why, err := CompileWhy(text, w.env())
			if err != nil {
				t.Fatal(err)
			}
			want := fmt.Sprint(why(w.scope()))
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					for range 50 {
						own := w
						if got := fmt.Sprint(why(own.scope())); got != want {
							t.Errorf("%s, want %s", got, want)
							return
						}
					}
				})
			}
			wg.Wait()
		}
	}
}
