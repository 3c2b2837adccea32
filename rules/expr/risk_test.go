package expr

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"weir/cep"
)

// fixedRisks gives each risk ten times its number, and one.
type fixedRisks struct{}

func (fixedRisks) Risk(id cep.RiskID) float64 { return 10*float64(id) + 1 }

// riskEnv is the Env of a rule with the key card_id.
func riskEnv(c *scene, read *[]cep.RiskID) Env {
	env := c.env()
	env.Keys = []string{"card_id"}
	env.Risks = []Risk{{"card_risk", []string{"card_id"}}, {"pair_risk", []string{"card_id", "home"}}, {"other", nil}}
	env.ReadRisk = func(id cep.RiskID) { *read = append(*read, id) }
	return env
}

// TestRisk: a risk is a number, in both languages and on both executors, and nil where
// there are none.
func TestRisk(t *testing.T) {
	for _, current := range []bool{true, false} {
		c := scene{schema: true, current: current}
		if current {
			c.event = newEvent(1, "payment", 0, row{"amount": num(3)})
		}
		for _, lang := range []Lang{LangExpr, LangCEL} {
			for _, machine := range []bool{false, true} {
				var read []cep.RiskID
				env := riskEnv(&c, &read)
				env.Lang, env.machine = lang, machine
				f, err := CompileNumber("card_risk + 2.0 * other", env)
				if err != nil {
					t.Fatal(err)
				}
				s := c.scope()
				if v := f(s); v.Kind != cep.Nil {
					t.Errorf("without risks it is %v", show(v))
				}
				s.Risks = fixedRisks{}
				if v := f(s); v.Kind != cep.Number || v.Number() != 43 {
					t.Errorf("it is %v", show(v))
				}
				if got := fmt.Sprint(read); got != "[0 2]" {
					t.Errorf("registered: %s", got)
				}
			}
		}
	}
}

// TestRiskInCondition: a part of a condition that reads a risk and no captures is one on
// the event; the uses and reasons of a condition tell of risks.
func TestRiskInCondition(t *testing.T) {
	c := scene{schema: true, current: true, event: newEvent(1, "payment", 0, row{"amount": num(3)})}
	var read []cep.RiskID
	env := riskEnv(&c, &read)
	const text = `card_risk > 0.5 && amount < 5 && count(probe) >= 0`
	cond, err := CompileCond(text, env)
	if err != nil {
		t.Fatal(err)
	}
	s := c.scope()
	s.Risks = fixedRisks{}
	if cond.Event == nil || cond.Captured == nil || !cond.Event(s) {
		t.Error("the part with the risk is not one on the event")
	}
	s.Risks = nil
	if cond.Event(s) {
		t.Error("it does not read the risk")
	}
	u, err := UsesOf(text, env)
	if err != nil || !slices.Equal(u.Risks, []int{0}) {
		t.Errorf("uses %v, %v", u.Risks, err)
	}
	why, err := CompileWhy(text, env)
	if err != nil {
		t.Fatal(err)
	}
	s.Risks = fixedRisks{}
	if r := why(s); !r.Holds || !slices.Contains(r.Parts[0].Operands, Operand{"card_risk", "1"}) {
		t.Errorf("reason %v", r)
	}
}

func TestRiskErrors(t *testing.T) {
	c := scene{schema: true, current: true}
	var read []cep.RiskID
	tests := []struct {
		text   string
		change func(*Env)
		want   string
	}{
		{`pair_risk > 1`, nil, "the risk `pair_risk` has the key `[card_id, home]`, the rule has `card_id`; a risk lives with its key: it is read by rules of that key only"},
		{`pair_risk > 1`, func(e *Env) { e.Keys = []string{"home", "card_id"} }, "the risk `pair_risk` has the key `[card_id, home]`, the rule has `[home, card_id]`; name the parts of both in the same order"},
		{`pair_risk > 1`, func(e *Env) { e.Keys = nil }, ""},
		{`card_risk("c2") > 1`, nil, "`card_risk` is a risk, and no function; write `card_risk` for that of the rule's own key: there is no way to read another's"},
		{`card_risk > 1`, func(e *Env) { e.Before = true }, "`card_risk` is a risk; what is worked out before the rules run reads fields, lists and params, no risks"},
		{`card_risk == "high"`, nil, "`card_risk` is a number, `\"high\"` is a string: == does not compare them"},
		{`card_risk`, nil, "a condition is true or false, this is a number; compare it, as in card_risk != nil"},
		{`crad_risk > 1`, nil, "unknown name `crad_risk`; did you mean `card_risk`?"},
		{`pair_rsk > 1`, nil, "unknown name `pair_rsk`; did you mean `pair`?"},
		{`spend(card_risk) > 1`, nil, "the key of `spend` is read from the current event, and `card_risk` is a risk; name fields of the event, lists and params"},
	}
	for _, tt := range tests {
		env := riskEnv(&c, &read)
		if tt.change != nil {
			tt.change(&env)
		}
		_, err := CompileCond(tt.text, env)
		got := ""
		if e, ok := err.(*Error); ok {
			got = strings.TrimSuffix(e.Msg+"; "+e.Hint, "; ")
		}
		if got != tt.want {
			t.Errorf("%s:\n%s\nwant\n%s", tt.text, got, tt.want)
		}
	}
}
