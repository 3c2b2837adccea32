package rules

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"weir/cep"
	"weir/rules/source"
)

const formerRules = `
params: {most: 3}
defaults: {within: 10m}
features:
  total: {on: pay, key: card, value: sum(amount), over: 1h}
lists:
  vip: {type: string}
risk:
  danger: {key: card, half_life: 1h}
rules:
  - id: probing
    title: small, then large
    on: pay
    key: card
    pattern: probe -> big
    define: {probe: amount < params.most, big: 'amount > 100 && total > 5 && !in_list("vip", card)'}
    measures: {n: probe.amount}
    score: 10
    message: "after {n}"
  - id: reader
    on: [alert.probing, pay]
    key: card
    pattern: a -> b
    define: {a: {type: alert.probing}, b: {type: pay, where: danger > 0}}
`

// revisedRules are rules that are published again and again.
type revisedRules struct {
	testing.TB
	published *Published
	rules     *cep.Rules
}

func (p *revisedRules) publish(text string, asked Asked) {
	p.Helper()
	files := []source.File{{Path: "r.yaml", Text: text}}
	next, err := Publish(files, func(string) ([]byte, error) { return nil, nil }, Settings{Order: "eager", Lateness: time.Minute}, p.published, asked)
	if err != nil {
		p.Fatal(err)
	}
	if next, err = ReadPublished(next.Bytes()); err != nil {
		p.Fatal(err)
	}
	if p.rules, err = next.Compile(); err != nil {
		p.Fatal(err)
	}
	p.published = next
}

func paid(second int, amount float64) cep.Record {
	return cep.Record{Data: fmt.Appendf(nil, `{"type":"pay","ts":%d,"card":"c1","user":"u1","amount":%v}`, second*1000, amount), Line: 1}
}

// What becomes of an open match of a rule that is edited, and why.
func TestEditedRule(t *testing.T) {
	for _, x := range []struct {
		what, old, new string
		mode           cep.Mode // that is asked
		rule           string   // another than probing
		want           string
		alerts         string // of the event that completes the match, by rule, revision and score
	}{
		{what: "nothing", want: "kept: 1 kept, 0 draining, 0 dropped", alerts: "probing 1 10"},
		{what: "a title", old: "small, then", new: "tiny, then", want: "kept: 1 kept, 0 draining, 0 dropped", alerts: "probing 1 10"},
		{what: "a param", old: "most: 3", new: "most: 0", want: "changed, carry: 1 kept, 0 draining, 0 dropped", alerts: "probing 2 10"},
		{what: "a score", old: "score: 10", new: "score: 20", mode: cep.ModeCarry, want: "changed, carry: 1 kept, 0 draining, 0 dropped", alerts: "probing 2 20"},
		{what: "a condition", old: "amount > 100", new: "amount > 1000", want: "changed, carry: 1 kept, 0 draining, 0 dropped"},
		{what: "a measure and the message", old: "measures: {n: probe.amount}", new: "measures: {n: probe.amount, m: big.amount}", want: "changed, carry: 1 kept, 0 draining, 0 dropped", alerts: "probing 2 10"},
		{what: "shadow", old: "title: small", new: "status: shadow\n    title: small", want: "changed, carry: 1 kept, 0 draining, 0 dropped", alerts: "probing 2 10"},
		{what: "disabled", old: "title: small", new: "status: disabled\n    title: small", want: "gone, reset: 0 kept, 0 draining, 1 dropped, a rule that is disabled has no open matches"},
		{what: "disabled, to drain", mode: cep.ModeDrain, old: "title: small", new: "status: disabled\n    title: small", want: "gone, reset: 0 kept, 0 draining, 1 dropped, a rule that is disabled has no open matches"},
		{what: "the pattern", old: "probe -> big", new: "probe ->> big", want: "changed, reset: 0 kept, 0 draining, 1 dropped, what its pattern is compiled to differs"},
		{what: "blanks in the pattern", old: "pattern: probe -> big", new: "pattern: '  probe  ->   big'", want: "changed, carry: 1 kept, 0 draining, 0 dropped", alerts: "probing 2 10"},
		{what: "the window", old: "within: 10m", new: "within: 20m", mode: cep.ModeCarry, want: "changed, reset: 0 kept, 0 draining, 1 dropped, what its pattern is compiled to differs"},
		{what: "the key", old: "key: card\n    pattern: probe", new: "key: user\n    pattern: probe", want: "changed, reset: 0 kept, 0 draining, 1 dropped, its key differs"},
		{what: "a feature", old: "over: 1h", new: "over: 2h", want: "changed, reset: 0 kept, 0 draining, 1 dropped, something that its revision 1 reads means something else"},
		{what: "a feature, to drain", mode: cep.ModeDrain, old: "over: 1h", new: "over: 2h", want: "changed, reset: 0 kept, 0 draining, 1 dropped, something that its revision 1 reads means something else"},
		{what: "to drop", mode: cep.ModeReset, old: "score: 10", new: "score: 20", want: "changed, reset: 0 kept, 0 draining, 1 dropped"},
		{what: "to drain", mode: cep.ModeDrain, old: "score: 10", new: "score: 20", want: "changed, drain: 0 kept, 1 draining, 0 dropped", alerts: "probing 1 10"},
		{what: "another pattern, to drain", mode: cep.ModeDrain, old: "probe -> big", new: "probe ->> big", want: "changed, drain: 0 kept, 1 draining, 0 dropped", alerts: "probing 1 10"},
		{what: "the window, to drain", mode: cep.ModeDrain, old: "within: 10m", new: "within: 20m", want: "changed, drain: 0 kept, 1 draining, 0 dropped", alerts: "probing 1 10"},
		{what: "gone", old: "id: probing", new: "id: other", want: "gone, reset: 0 kept, 0 draining, 1 dropped"},
		{what: "gone, to carry", mode: cep.ModeCarry, old: "id: probing", new: "id: other", want: "gone, reset: 0 kept, 0 draining, 1 dropped, the rule is gone: there is nothing to carry them to"},
		{what: "gone, to drain", mode: cep.ModeDrain, old: "id: probing", new: "id: other", want: "gone, drain: 0 kept, 1 draining, 0 dropped", alerts: "probing 1 10"},
		{what: "what it reads", old: "score: 10", new: "score: 20", rule: "reader", want: "changed, carry: 0 kept, 0 draining, 0 dropped", alerts: "probing 2 20"},
	} {
		t.Run(x.what, func(t *testing.T) {
			p := revisedRules{TB: t}
			old := formerRules
			if x.new == "id: other" || x.what == "the key" { // nobody can read its matches
				old = old[:strings.Index(old, "  - id: reader")]
			}
			p.publish(old, Asked{})
			g, fx := cep.NewEngine(p.rules.Ruleset, p.rules.Options), new(cep.Effects)
			g.Step([]cep.Record{paid(10, 1), paid(11, 50)}, fx)
			p.publish(strings.Replace(old, x.old, x.new, 1), Asked{Others: cep.Change{Mode: x.mode}, Needed: g.Needs})
			g, told := g.Adopt(p.rules)
			id := x.rule
			if id == "" {
				id = "probing"
			}
			got := ""
			for _, part := range told.Rules {
				if part.Name != id {
					continue
				}
				got = part.Became.String()
				if part.Became != cep.Kept {
					got += ", " + part.Mode.String()
				}
				got += fmt.Sprintf(": %d kept, %d draining, %d dropped", part.Kept, part.Draining, part.Dropped)
				if part.Why != "" {
					got += ", " + part.Why
				}
			}
			if got == x.want || strings.Count(x.want, ", ") > 2 && strings.HasPrefix(got, x.want) {
				got = x.want
			}
			if got != x.want {
				t.Errorf("it is %s, want %s", got, x.want)
			}
			g.Step([]cep.Record{paid(5, 999), paid(20, 500)}, fx) // late, then in time
			var alerts []string
			for _, a := range fx.Alerts {
				if a.Rule.ID == "probing" {
					alerts = append(alerts, fmt.Sprint(a.Rule.ID, " ", a.Rule.Revision, " ", a.Score))
				}
			}
			if got := strings.Join(alerts, ", "); got != x.alerts {
				t.Errorf("alerts are %s, want %s", got, x.alerts)
			}
		})
	}
}

// A rule that is carried sees of captured events what none read when they came.
func TestCarriedReadsMore(t *testing.T) {
	p := revisedRules{TB: t}
	p.publish(formerRules, Asked{})
	g, fx := cep.NewEngine(p.rules.Ruleset, p.rules.Options), new(cep.Effects)
	g.Step([]cep.Record{paid(10, 1), paid(90, 50)}, fx)
	p.publish(strings.Replace(formerRules, `"after {n}"`, `"after {n} of {probe.user}"`, 1), Asked{})
	g, _ = g.Adopt(p.rules)
	g.Step([]cep.Record{paid(91, 500)}, fx)
	if len(fx.Alerts) != 1 || fx.Alerts[0].Message != "after 1 of u1" || fx.Alerts[0].Rule.Revision != 2 {
		t.Errorf("alerts %+v", fx.Alerts)
	}
}

// What is not needed any more is left out of what is published, and what is kept is bounded.
func TestFormersEnd(t *testing.T) {
	p := revisedRules{TB: t}
	p.publish(formerRules, Asked{})
	g, fx := cep.NewEngine(p.rules.Ruleset, p.rules.Options), new(cep.Effects)
	edit := func(score int, mode cep.Mode, needed func(string, int) bool) {
		t.Helper()
		p.publish(strings.Replace(formerRules, "score: 10", fmt.Sprint("score: ", score), 1), Asked{Changes: map[string]cep.Change{"probing": {Mode: mode}}, Needed: needed})
		g, _ = g.Adopt(p.rules)
	}
	formers := func(want string) {
		t.Helper()
		got := ""
		for _, f := range p.published.formersOf("probing") {
			if got += fmt.Sprint(" ", f.Revision); f.Drain {
				got += "d"
			}
		}
		if strings.TrimSpace(got) != want {
			t.Errorf("what it was is%s, want %s", got, want)
		}
	}
	g.Step([]cep.Record{paid(10, 1)}, fx)
	edit(11, cep.ModeDefault, g.Needs)
	formers("1")
	edit(12, cep.ModeDrain, g.Needs) // revision 2 has the match that revision 1 began
	formers("1 2d")
	g.Step([]cep.Record{paid(80, 50)}, fx) // no event comes any more that asks for revision 1
	edit(13, cep.ModeCarry, g.Needs)
	formers("2d 3")
	g.Step([]cep.Record{paid(100, 500), paid(200, 50)}, fx) // the match is complete
	edit(14, cep.ModeCarry, g.Needs)
	formers("4")
	if len(fx.Alerts) != 2 || fx.Alerts[0].Rule.Revision != 2 || fx.Alerts[1].Rule.ID != "reader" {
		t.Errorf("alerts %+v", fx.Alerts)
	}
	for i := range 2 * mostFormers {
		edit(20+i, cep.ModeCarry, nil)
	}
	if n := len(p.published.formersOf("probing")); n != mostFormers {
		t.Errorf("%d of what it was are kept", n)
	}
}
