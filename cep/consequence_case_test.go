package cep

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"weir/cep/outcome"
	"weir/nfa/oracle"
)

var cards = []string{"a1", "a2", "b1"}

// caseMaker draws cases.
type caseMaker struct {
	*oracle.Splitmix
	c *consequence
}

func (g caseMaker) percent(p int) bool { return g.Below(100) < p }

func pick[T any](g caseMaker, of ...T) T { return of[g.Below(len(of))] }

// newConsequence draws the case of a seed.
func newConsequence(seed uint64) *consequence {
	rng := oracle.Splitmix(seed)
	g := caseMaker{&rng, nil}
	for {
		g.c = &consequence{closed: g.percent(40), lateness: int64(pick(g, 0, 0, 2, 5))}
		for range g.Below(4) {
			g.c.risks = append(g.c.risks, caseRisk{pick(g, "card", "card", "card", "to", "account", "account", "merchant/card"), int64(pick(g, 1, 2, 3, 7))})
		}
		g.c.policy = outcome.Policy{Combine: outcome.Combine(g.Below(3))}
		if g.percent(60) {
			g.c.policy.Review, g.c.policy.Challenge, g.c.policy.Block = float64(pick(g, 0, 20)), 50, float64(pick(g, 0, 80))
		}
		n := 1 + g.Below(6)
		for i := range n {
			g.rule(i)
		}
		if !g.c.settle() {
			continue
		}
		g.c.sort()
		g.events()
		return g.c
	}
}

// rule draws a rule that may be on the matches of those before it.
func (g caseMaker) rule(n int) {
	r := caseRule{
		id: fmt.Sprintf("%c%d", 'a'+g.Below(26), n), def: 10 * g.Below(11), action: outcome.Action(g.Below(4)), shadow: g.percent(20),
		throttle: int64(pick(g, 0, 0, 3, 8)), hold: int64(pick(g, 0, 0, 4, 9)),
	}
	of := -1
	if n > 0 && g.percent(60) {
		of = g.Below(n)
	}
	g.keyOf(&r, of)
	var only []TypeID
	if of >= 0 {
		only = []TypeID{g.alertType(of)}
		r.types = append(g.types(), only...)
		if g.percent(25) {
			if also := g.Below(n); also != of {
				r.types = append(r.types, g.alertType(also))
			}
		}
		if r.types[0] == OtherType {
			r.types = r.types[1:]
		}
	} else if g.percent(70) {
		r.types = slices.DeleteFunc(g.types(), func(t TypeID) bool { return t == OtherType })
		if len(r.types) == 0 {
			r.types = []TypeID{tPay}
		}
	}
	g.pattern(&r)
	names := len(r.rule.Pattern.Names)
	for range names {
		r.conds = append(r.conds, g.cond(&r))
	}
	if only != nil && g.percent(70) {
		c := &r.conds[g.Below(names)]
		*c = caseCond{types: only, over: -1, risk: -1, score: pick(g, 0, 0, 40)}
	}
	if r.rule.Unless {
		r.conds = append(r.conds, g.cond(&r))
		r.conds[names].rises = false
	}
	if len(r.byName) > 0 {
		for range names - 1 {
			r.byName = append(r.byName, pick(g, r.byName[0], gCard, gTo))
		}
	}
	if g.percent(15) {
		where := g.cond(&r)
		where.rises = false
		r.where = &where
	}
	if r.rule.Having {
		r.having = &caseCond{count: g.Below(3), risk: g.riskOf(&r), risky: 20.013}
	}
	r.score = caseScore{base: float64(5 * g.Below(15)), risk: -1, count: g.percent(20)}
	if g.percent(70) {
		r.score.risk = g.riskOf(&r)
	}
	for _, f := range []FieldID{gCard, gMerchant, gAmount, gTo} {
		if g.percent(40) && !slices.Contains(r.keyNames, caseFields[f]) {
			r.measures = append(r.measures, caseMeasure{f, g.Below(names)})
		}
	}
	g.c.rules = append(g.c.rules, r)
}

// keyOf draws the key of a rule, which is on the matches of another or not (-1).
func (g caseMaker) keyOf(r *caseRule, of int) {
	fields := []FieldID{gCard, gCard, gCard, gCard, gTo, gMerchant, gBin}
	if of >= 0 {
		x := &g.c.rules[of]
		fields = []FieldID{gCard}
		for _, name := range x.keyNames {
			if f := slices.Index(caseFields, name); f >= 0 {
				fields = append(fields, FieldID(f))
			}
		}
		for _, m := range x.measures {
			if m.field != gAmount {
				fields = append(fields, m.field, m.field)
			}
		}
	}
	f := pick(g, fields...)
	switch {
	case g.percent(15):
		r.keyNames, r.byName = []string{"account"}, []FieldID{f}
	case g.percent(10) && f != gMerchant:
		r.keyNames, r.key = []string{"merchant", caseFields[f]}, []FieldID{gMerchant, f}
	default:
		r.keyNames, r.key = []string{caseFields[f]}, []FieldID{f}
	}
}

func (g caseMaker) alertType(rule int) TypeID {
	i := slices.Index(g.c.alerts, rule)
	if i < 0 {
		i = len(g.c.alerts)
		g.c.alerts = append(g.c.alerts, rule)
	}
	return TypeID(2 + i)
}

func (g caseMaker) types() []TypeID {
	return pick(g, []TypeID{tPay}, []TypeID{tPay}, []TypeID{tPay, tLogin}, []TypeID{tLogin}, []TypeID{OtherType})
}

// riskOf draws a risk that the rule may look at, -1: none.
func (g caseMaker) riskOf(r *caseRule) int {
	if len(g.c.risks) == 0 {
		return -1
	}
	id := g.Below(len(g.c.risks))
	for range len(g.c.risks) {
		if id = (id + 1) % len(g.c.risks); g.c.risks[id].key == join(r.keyNames) {
			return id
		}
	}
	return -1
}

func (g caseMaker) cond(r *caseRule) caseCond {
	c := caseCond{over: -1, risk: -1, kind: pick(g, "", "", "a", "a", "a", "b", "b", "c")}
	if g.percent(15) {
		c.over = float64(1 + g.Below(3))
	}
	if g.percent(40) {
		c.risk, c.risky = g.riskOf(r), pick(g, 0.0213, 0.513, 20.013, 60.013)
	}
	if g.percent(10) {
		c.count = 1 + g.Below(3)
	}
	c.rises = g.percent(10)
	return c
}

// pattern draws the pattern of a rule, and what goes with it.
func (g caseMaker) pattern(r *caseRule) {
	v := func(name string) *oracle.Node { return &oracle.Node{Op: oracle.Var, Name: name} }
	not := func(name string) *oracle.Node { return &oracle.Node{Op: oracle.Not, Name: name} }
	linked := func(n *oracle.Node, l oracle.Link) *oracle.Node { n.Link = l; return n }
	times := func(n *oracle.Node, least, most int) *oracle.Node {
		n.Repeats, n.Min, n.Max = true, least, most
		return n
	}
	seq := func(subs ...*oracle.Node) *oracle.Node { return &oracle.Node{Op: oracle.Seq, Subs: subs} }
	next, any := oracle.Link{Kind: oracle.Next}, oracle.Link{Kind: oracle.Any}
	r.rule.Within = second * int64(2+g.Below(8))
	r.rule.Skip = pick(g, oracle.PastLast, oracle.PastLast, oracle.None, oracle.ToNext)
	r.timeout = g.percent(20)
	r.rule.Having, r.rule.Unless = g.percent(15), g.percent(10)
	var root *oracle.Node
	switch g.Below(12) {
	case 0, 1, 2, 3:
		root, r.rule.Within, r.rule.Skip, r.rule.Unless, r.timeout = v("e"), 0, oracle.PastLast, false, false
		r.edge = g.percent(50)
	case 4, 5:
		root = seq(v("a"), v("b"))
	case 6:
		root = seq(v("a"), not("b"))
	case 7:
		root = seq(v("a"), linked(not("b"), oracle.Link{Limit: second * int64(1+g.Below(2))}))
	case 8:
		root = seq(times(v("a"), 1, oracle.Many), v("b"))
	case 9:
		root = seq(v("a"), linked(v("b"), any))
		if r.rule.Skip == oracle.PastLast {
			r.rule.Skip = oracle.None
		}
	case 10:
		root = seq(v("a"), linked(v("b"), next))
	default:
		root = seq(v("a"), not("c"), v("b"))
	}
	r.rule.Pattern = oracle.New(root)
}

// settle computes the layers; false: rules lean on each other in a circle.
func (c *consequence) settle() bool {
	for range 20 {
		changed := false
		for i := range c.rules {
			r := &c.rules[i]
			layer := 0
			for _, t := range r.types {
				if t >= 2 {
					layer = max(layer, c.rules[c.alerts[t-2]].layer+1)
				}
			}
			for _, id := range r.reads() {
				for j := range c.rules {
					if x := &c.rules[j]; !x.shadow && join(x.keyNames) == c.risks[id].key {
						layer = max(layer, x.layer)
					}
				}
			}
			changed = changed || r.layer != layer
			r.layer = layer
		}
		if !changed {
			return true
		}
	}
	return false
}

// reads are the risks that a rule looks at.
func (r *caseRule) reads() (risks []int) {
	conds := slices.Clone(r.conds)
	if r.where != nil {
		conds = append(conds, *r.where)
	}
	if r.having != nil {
		conds = append(conds, *r.having)
	}
	risks = append(risks, r.score.risk)
	for i := range conds {
		risks = append(risks, conds[i].risk)
	}
	return slices.DeleteFunc(risks, func(id int) bool { return id < 0 })
}

// sort puts the rules into the order of their ids.
func (c *consequence) sort() {
	ids := make([]string, len(c.alerts))
	for i, n := range c.alerts {
		ids[i] = c.rules[n].id
	}
	slices.SortFunc(c.rules, func(a, b caseRule) int { return cmp.Compare(a.id, b.id) })
	for i, id := range ids {
		c.alerts[i] = slices.IndexFunc(c.rules, func(r caseRule) bool { return r.id == id })
	}
}

func (g caseMaker) events() {
	now := int64(100)
	for range 2 + g.Below(16) {
		now += int64(pick(g, 0, 0, 0, 1, 1, 1, 2, 2, 5, 20))
		e := caseEvent{time: now, typ: tPay}
		if g.percent(15) {
			e.typ = tLogin
		}
		if g.percent(20) {
			e.time -= int64(g.Below(6))
		}
		e.fields = [5]string{pick(g, "a1", "a1", "a1", "a2", "b1"), pick(g, "m1", "m1", "m2"), pick(g, "a", "a", "a", "b", "b", "c", "x"), fmt.Sprint(1 + g.Below(4)), pick(g, "a1", "a1", "a2", "")}
		if g.percent(5) {
			e.fields[gCard] = ""
		}
		e.raw = fmt.Sprintf(`{"n":%d,"ts":%d,"fields":%q}`, pick(g, 0, len(g.c.events)), e.time, strings.Join(e.fields[:], " "))
		g.c.events = append(g.c.events, e)
	}
}

// String shows a case.
func (c *consequence) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "policy %+v, risks %v, lateness %d, closed %t\n", c.policy, c.risks, c.lateness, c.closed)
	for i := range c.rules {
		r := &c.rules[i]
		fmt.Fprintf(&b, "%s: layer %d, on %v (alerts of rules %v), key %v %v %v, %s within %ds skip %d, conds %+v, unless %t", r.id, r.layer, r.types, c.alerts, r.keyNames, r.key, r.byName, r.rule.Pattern, r.rule.Within/second, r.rule.Skip, r.conds, r.rule.Unless)
		if r.where != nil {
			fmt.Fprintf(&b, ", where %+v", *r.where)
		}
		if r.having != nil {
			fmt.Fprintf(&b, ", having %+v", *r.having)
		}
		fmt.Fprintf(&b, ", score %+v default %d %s, throttle %d, hold %d, edge %t, shadow %t, timeout %t, measures %v\n", r.score, r.def, r.action, r.throttle, r.hold, r.edge, r.shadow, r.timeout, r.measures)
	}
	for i := range c.events {
		fmt.Fprintf(&b, "%d @%d type %d %q\n", i+1, c.events[i].time, c.events[i].typ, c.events[i].fields)
	}
	return b.String()
}
