package cep

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"weir/nfa"
)

// The rules of these tests are on payments and logins with these fields.
const (
	fCard FieldID = iota
	fMerchant
	fKind
	fAmount
	fTo
)

const (
	tPay TypeID = iota
	tLogin
)

var testFields = []string{"card", "merchant", "kind", "amount", "to"}

func testTypes() []Type { return []Type{{Name: "pay"}, {Name: "login"}} }

// pay makes a payment at a second.
func pay(second int, card, merchant, kind string, amount float64) Event {
	return event("pay", tPay, int64(second)*int64(time.Second), card, merchant, kind, amount)
}

func event(name string, typ TypeID, ns int64, card, merchant, kind string, amount float64) Event {
	text := func(s string) Value {
		if s == "" {
			return Value{}
		}
		return TextValue(s)
	}
	e := *NewEvent(name, typ, ns, []Value{text(card), text(merchant), text(kind), NumberValue(amount), {}})
	e.Raw = fmt.Sprintf(`{"type":%q,"ts":%d,"card":%q,"merchant":%q,"kind":%q,"amount":%v}`, name, ns/1e6, card, merchant, kind, amount)
	return e
}

// is is the condition kind == k, which dispatch can look up.
func is(k string) Cond {
	return Cond{
		Equals: []Equality{{fKind, TextValue(k)}},
		Event:  func(s *Scope) bool { v := s.Event.Field(fKind); return v.Kind == Text && v.Text == k },
	}
}

// over is the condition amount > x.
func over(x float64) Cond {
	return Cond{Event: func(s *Scope) bool { v := s.Event.Field(fAmount); return v.Kind == Number && v.Number() > x }}
}

// and adds what looks at captures to a condition.
func (c Cond) and(captured func(*Scope) bool) Cond {
	c.Captured = captured
	return c
}

// makeRule compiles a rule on payments, by card. define holds the condition of each
// name, and of "unless".
func makeRule(t testing.TB, id, pattern string, o nfa.Options, define map[string]Cond) *Rule {
	t.Helper()
	p, err := nfa.Parse(pattern, nil)
	if err != nil {
		t.Fatalf("%s: %v", pattern, err)
	}
	_, o.Unless = define["unless"]
	prog, err := nfa.Compile(p, o)
	if err != nil {
		t.Fatalf("%s: %v", pattern, err)
	}
	r := &Rule{
		ID: id, Revision: 1, Severity: "high", Action: "review", Default: 75,
		Types: []TypeID{tPay}, Key: Key{Fields: []FieldID{fCard}, Names: []string{"card"}},
		Program: prog, Names: p.Names(),
	}
	for _, n := range r.Names {
		c, ok := define[n.Text]
		if !ok {
			t.Fatalf("%s: no condition for %s", pattern, n.Text)
		}
		r.Conds = append(r.Conds, c)
	}
	if o.Unless {
		r.Conds = append(r.Conds, define["unless"])
	}
	return r
}

func rulesOf(rules ...*Rule) *Ruleset {
	return &Ruleset{Types: testTypes(), Fields: testFields, Rules: rules}
}

// abc are the conditions of names that are kinds.
func abc(names ...string) map[string]Cond {
	define := map[string]Cond{}
	for _, n := range names {
		define[n] = is(n)
	}
	return define
}

// lines writes alerts shortly: kind, rule, key, time in seconds, amounts by variable.
func lines(alerts []Alert) string {
	var b strings.Builder
	for i := range alerts {
		a := &alerts[i]
		fmt.Fprintf(&b, "%s %s %s @%v", a.Kind, a.Rule.ID, strings.Join(a.Key, "/"), time.Duration(a.Time).Seconds())
		before := -1
		for _, e := range a.Events {
			if e.Var != before {
				b.WriteString(" " + a.Rule.Names[e.Var].Text + ":")
				before = e.Var
			} else {
				b.WriteString(",")
			}
			_, amount, _ := strings.Cut(e.Raw, `"amount":`)
			b.WriteString(strings.TrimSuffix(amount, "}"))
		}
		if a.Suppressed > 0 {
			fmt.Fprintf(&b, " suppressed %d", a.Suppressed)
		}
		if a.Truncated {
			b.WriteString(" truncated")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// stepped gives events to a new engine and returns what came of them.
func stepped(rs *Ruleset, o Options, events []Event, then ...Record) (*Engine, *Effects) {
	g, fx := NewEngine(rs, o), new(Effects)
	g.StepEvents(events, fx)
	g.Step(then, fx)
	return g, fx
}

func wantAlerts(t *testing.T, fx *Effects, want string) {
	t.Helper()
	if got := lines(fx.Alerts); got != want {
		t.Errorf("alerts:\n%swant:\n%s", got, want)
	}
}
