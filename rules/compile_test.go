package rules

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/cep"
	"weir/rules/source"
)

// summary puts a ruleset in words, one line for each part.
func summary(set *cep.Ruleset) string {
	var b strings.Builder
	for _, t := range set.Types {
		fmt.Fprintf(&b, "type %s", t.Name)
		if s := t.Schema; s != nil {
			fmt.Fprintf(&b, " time=%s/%s arrival=%t id=%s seq=%s fields=%d", s.Time, s.TimeUnit, s.Arrival, s.ID, s.Seq, len(s.Fields))
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "fields %s\n", strings.Join(set.Fields, " "))
	typeNames := func(ids []cep.TypeID) string {
		if ids == nil {
			return "*"
		}
		var names []string
		for _, id := range ids {
			names = append(names, set.Types[id].Name)
		}
		return strings.Join(names, ",")
	}
	fields := func(ids []cep.FieldID) string {
		var names []string
		for _, id := range ids {
			names = append(names, set.Fields[id])
		}
		return strings.Join(names, ",")
	}
	for _, r := range set.Rules {
		fmt.Fprintf(&b, "rule %s r%d %s %s %g shadow=%t throttle=%s title=%q tags=%s\n", r.ID, r.Revision, r.Severity, r.Action, r.Default, r.Shadow, r.Throttle, r.Title, strings.Join(r.Tags, ","))
		fmt.Fprintf(&b, "  on %s where=%t key %s=%s%s\n", typeNames(r.Types), r.Where != nil, strings.Join(r.Key.Names, ","), fields(r.Key.Fields), fields(r.Key.ByName))
		for i, c := range r.Conds {
			name := "unless"
			if i < len(r.Names) {
				name = r.Names[i].Text
			}
			fmt.Fprintf(&b, "  %s on %s event=%t captured=%t\n", name, typeNames(c.Types), c.Event != nil, c.Captured != nil)
		}
		var measures []string
		for _, m := range r.Measures {
			measures = append(measures, m.Name)
		}
		fmt.Fprintf(&b, "  unless=%d having=%d,%t measures=%s score=%t message=%t\n", r.Program.Unless, r.Program.Having, r.Having != nil, strings.Join(measures, ","), r.Score != nil, r.Message != nil)
		first, _, _ := strings.Cut(fmt.Sprint(r.Program), "\n")
		fmt.Fprintf(&b, "  %s\n", first)
	}
	return b.String()
}

func TestCompile(t *testing.T) {
	tests := []struct {
		name  string
		files []source.File
		want  string
	}{
		{"nothing", nil, "fields \n"},
		{"empty files", []source.File{{Path: "a.yaml", Text: ""}, {Path: "b.yaml", Text: "# nothing\n"}, {Path: "c.yaml", Text: "---\n"}}, "fields \n"},
	}
	for _, tt := range goodRules {
		tests = append(tests, struct {
			name  string
			files []source.File
			want  string
		}{tt.name, []source.File{{Path: "r.yaml", Text: tt.text}}, tt.want})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set, err := Compile(tt.files)
			if err != nil {
				t.Fatal(err)
			}
			if got := summary(set); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

var goodRules = []struct{ name, text, want string }{
	{"all keys of a rule", `
params: {a: 1, b: true, c: text, d: 1h, e: [1, "x", true], f: "7", g: ''}
events:
  login: {fields: {user: string}}
  pay:
    time: {field: made, unit: s}
    id: pay_id
    seq: n
    fields: {user: string, amount: number, made: time, n: number, pay_id: string, device: {type: map}}
defaults: {within: 30d, throttle: $d}
rules:
  - id: all
    title: All keys
    description: Every key of a rule once.
    severity: critical
    tags: [x, y.z]
    status: shadow
    on: [pay, login]
    where: user != params.c
    key: [user]
    within: 2h
    gap: $g
    params: {g: 30m, n: 3}
    pattern: a{$n,}+ -[<$g]-> b
    define:
      a: {type: pay, where: amount > 1}
      b:
        type: [login]
    skip: to_last(a)
    emit: in_order
    timeout: true
    unless: type == "login" && user == "root"
    limit: {open: 100}
    having: count(a) > 2
    measures:
      total: sum(a.amount)
      twice: total * 2
    score: 20 + twice
    action: challenge
    message: "{total} by {user}"
    throttle: 90s
`, `type login time=ts/1ms arrival=false id= seq= fields=1
type pay time=made/1s arrival=false id=pay_id seq=n fields=6
fields user amount
rule all r1 critical challenge 95 shadow=true throttle=1m30s title="All keys" tags=x,y.z
  on pay,login where=true key user=user
  a on pay event=true captured=false
  b on login event=false captured=false
  unless on * event=true captured=false
  unless=2 having=3,true measures=total,twice score=true message=true
  skip to_last(a) in_order within 2h timeout unless having open 100
`},
	{"defaults of a rule, two ways to undo them", `
defaults: {within: 1h, throttle: 2h}
rules:
  - {id: b, on: "*", key: k, pattern: x, define: {x: y > 1}}
  - {id: a, on: e, key: k, pattern: x, define: {x: y > 1}, within: none, throttle: none, severity: low}
`, `type e
fields k y
rule a r1 low allow 25 shadow=false throttle=0s title="" tags=
  on e where=false key k=k
  x on * event=true captured=false
  unless=-1 having=-1,false measures= score=false message=false
  skip past_last open 10000
rule b r1 medium review 50 shadow=false throttle=2h0m0s title="" tags=
  on * where=false key k=k
  x on * event=true captured=false
  unless=-1 having=-1,false measures= score=false message=false
  skip past_last within 1h open 10000
`},
	{"scalars that are no text to YAML", `
rules:
  - id: 12
    title: true
    on: no
    key: yes
    within: 1h
    pattern: on
    define:
      on: true
    score: 70
    tags: 5
`, `type no
fields yes
rule 12 r1 medium review 50 shadow=false throttle=0s title="true" tags=5
  on no where=false key yes=yes
  on on * event=true captured=false
  unless=-1 having=-1,false measures= score=true message=false
  skip past_last within 1h open 10000
`},
	{"keys by variable", `
events:
  transfer: {fields: {from: string, to: string, amount: number}}
rules:
  - id: mule
    on: transfer
    key: {account: {credit: to, debit: from, refund: to}}
    within: 1d
    pattern: credit -> !refund -> debit
    define:
      credit: amount > 100
      debit: amount > 0.9 * credit.amount
      refund: amount < 0
    message: "{account}"
`, `type transfer time=ts/1ms arrival=false id= seq= fields=3
fields to from amount
rule mule r1 medium review 50 shadow=false throttle=0s title="" tags=
  on transfer where=false key account=to,to,from
  credit on * event=true captured=false
  refund on * event=true captured=false
  debit on * event=false captured=true
  unless=-1 having=-1,false measures= score=false message=true
  skip past_last within 1d open 10000
`},
	{"keys by path and by several fields", `
events:
  e: {time: arrival, fields: {device: map, ip: string}}
rules:
  - {id: r, on: e, key: [device.id, ip], pattern: a, define: {a: device.os == "x"}, message: "{device.id} {ip}"}
`, `type e time=/1ms arrival=true id= seq= fields=2
fields device.id ip device.os
rule r r1 medium review 50 shadow=false throttle=0s title="" tags=
  on e where=false key device.id,ip=device.id,ip
  a on * event=true captured=false
  unless=-1 having=-1,false measures= score=false message=true
  skip past_last open 10000
`},
	{"a disabled rule is left out with its types and fields", `
rules:
  - {id: off, status: disabled, on: gone, key: k, pattern: a, define: {a: x > 1}}
  - {id: on-it, on: here, key: k, pattern: a, define: {a: z > 1}}
`, `type here
fields k z
rule on-it r1 medium review 50 shadow=false throttle=0s title="" tags=
  on here where=false key k=k
  a on * event=true captured=false
  unless=-1 having=-1,false measures= score=false message=false
  skip past_last open 10000
`},
	{"definitions in every form", `
rules:
  - id: r
    on: [login, pay, x]
    key: k
    pattern: login -> pay -> a -> b -> c
    define:
      login:
      pay: {}
      a: {type: x}
      b: {type: [x, pay], where: 'n > 1'}
      c: >-
        n > 1
        && n < a.n
`, `type login
type pay
type x
fields k n
rule r r1 medium review 50 shadow=false throttle=0s title="" tags=
  on login,pay,x where=false key k=k
  login on login event=false captured=false
  pay on pay event=false captured=false
  a on x event=false captured=false
  b on x,pay event=true captured=false
  c on * event=true captured=true
  unless=-1 having=-1,false measures= score=false message=false
  skip past_last open 10000
`},
	{"types that only some rule is on are known to all types", `
events: {pay: {fields: {card: string}}}
rules:
  - {id: a, on: "*", key: card, pattern: x, define: {x: {type: other}}}
  - {id: b, on: other, key: card, pattern: x, define: {x: n > 1}}
`, `type other
type pay time=ts/1ms arrival=false id= seq= fields=1
fields card n
rule a r1 medium review 50 shadow=false throttle=0s title="" tags=
  on * where=false key card=card
  x on other event=false captured=false
  unless=-1 having=-1,false measures= score=false message=false
  skip past_last open 10000
rule b r1 medium review 50 shadow=false throttle=0s title="" tags=
  on other where=false key card=card
  x on * event=true captured=false
  unless=-1 having=-1,false measures= score=false message=false
  skip past_last open 10000
`},
	{"a field with a dot in its name, and the type as a key", `
events:
  e: {fields: {card.id: string, ts: time}}
rules:
  - {id: r, on: e, key: {kind: {a: type}}, pattern: a, define: {a: card.id == "x"}}
`, `type e time=ts/1ms arrival=false id= seq= fields=2
fields type card.id
rule r r1 medium review 50 shadow=false throttle=0s title="" tags=
  on e where=false key kind=type
  a on * event=true captured=false
  unless=-1 having=-1,false measures= score=false message=false
  skip past_last open 10000
`},
	{"comments behind plain scalars", `
rules:
  - id: r # the id
    on: pay # the type
    key: card # of the card
    pattern: a{3} # three
    define:
      a: amount > 1 # more than one
`, `type pay
fields card amount
rule r r1 medium review 50 shadow=false throttle=0s title="" tags=
  on pay where=false key card=card
  a on * event=true captured=false
  unless=-1 having=-1,false measures= score=false message=false
  skip past_last open 10000
`},
}

// TestSplit: a ruleset is the same however it is split into files, and whatever
// their order.
func TestSplit(t *testing.T) {
	parts := []source.File{
		{Path: "a.yaml", Text: "rules:\n  - {id: z, on: pay, key: card, pattern: a, define: {a: amount > params.max}}\n"},
		{Path: "b.yaml", Text: "params: {max: 5}\n"},
		{Path: "c.yaml", Text: "rules:\n  - {id: y, on: login, key: user, pattern: b, define: {b: ok}}\n"},
		{Path: "d.yaml", Text: "events: {pay: {fields: {card: string, amount: number}}}\ndefaults: {within: 1h}\n"},
	}
	whole := source.File{Path: "all.yaml", Text: parts[1].Text + parts[3].Text + parts[0].Text + strings.TrimPrefix(parts[2].Text, "rules:\n")}
	want, err := Compile([]source.File{whole})
	if err != nil {
		t.Fatal(err)
	}
	for range parts {
		parts = append(parts[1:], parts[0])
		got, err := Compile(parts)
		if err != nil {
			t.Fatal(err)
		}
		if summary(got) != summary(want) {
			t.Errorf("got\n%s\nwant\n%s", summary(got), summary(want))
		}
	}
}

// TestFaultsAcrossFiles: names are unique across files, and findings come by
// file and position.
func TestFaultsAcrossFiles(t *testing.T) {
	_, err := Compile([]source.File{
		{Path: "b.yaml", Text: "params: {x: 1}\nevents: {pay: {fields: {}}}\ndefaults: {within: 1h}\nrules:\n  - {id: r, on: a, key: k, pattern: v, define: {v: {type: a}}}\n"},
		{Path: "a.yaml", Text: "params: {x: 2}\nevents: {pay: {fields: {}}}\ndefaults: {within: 2h, throttle: 1h}\nrules:\n  - {id: r, on: a, key: k, pattern: v, define: {v: {type: b}}}\n"},
		{Path: "c.yaml", Text: "a: ]\n"},
	})
	want := "a.yaml:5:59: the rule is not on the event type `b`; add it to `on`\n" +
		"b.yaml:1:10: the param `x` is there already; the first is in a.yaml:1\n" +
		"b.yaml:2:10: the event type `pay` is there already; the first is in a.yaml:2\n" +
		"b.yaml:3:12: the default `within` is there already; the first is in a.yaml:3\n" +
		"b.yaml:5:10: the rule `r` is there already; the first is in a.yaml:5\n" +
		"c.yaml:1:1: a ruleset has no key `a`; the keys of a ruleset are params, events, features, lists, risk, policy, defaults, rules\n" +
		"c.yaml:1:4: this is no YAML: this bracket closes nothing; remove it"
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

// TestKeyIsNoField: the name of a key by variable is not read from events.
func TestKeyIsNoField(t *testing.T) {
	set, err := Compile([]source.File{{Path: "r.yaml", Text: `
rules:
  - id: r
    on: move
    key: {account: {a: to, b: from}}
    pattern: a -> b
    define: {a: account != "x", b: account == a.to}
`}})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(set.Fields, " "); got != "to from" {
		t.Errorf("fields %s", got)
	}
}

// TestElementIsNoEvent: a name behind a dot in a predicate over a field is none of
// a field of events.
func TestElementIsNoEvent(t *testing.T) {
	for _, events := range []string{"", "events: {pay: {fields: {card: string, lines: list, deep: map}}}\n"} {
		set, err := Compile([]source.File{{Path: "r.yaml", Text: events + `
rules:
  - id: r
    on: pay
    key: card
    pattern: a -> b
    define:
      a: any(lines, .amount > 5)
      b: sum(map(a.lines, .amount)) > 5 && any(deep.list, .amount > 1) && a.lines[0].amount == 1
`}})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(set.Fields, " "); got != "card lines deep.list" {
			t.Errorf("fields %s", got)
		}
	}
}

// captures are a match for tests: the events of each variable.
type captures [][]*cep.Event

func (c captures) Len(v int) int { return len(c[v]) }
func (c captures) First(v int) *cep.Event {
	if len(c[v]) == 0 {
		return nil
	}
	return c[v][0]
}

func (c captures) Last(v int) *cep.Event {
	if len(c[v]) == 0 {
		return nil
	}
	return c[v][len(c[v])-1]
}
func (c captures) Append(dst []*cep.Event, v int) []*cep.Event { return append(dst, c[v]...) }

// aggregated are captures of a rule, which says what its aggregates are of.
type aggregated struct {
	captures
	rule *cep.Rule
}

func (a aggregated) Aggregate(i int) cep.Aggregate {
	var sum cep.Aggregate
	of := a.rule.Aggregates[i]
	for _, e := range a.captures[of.Var] {
		x := e.Field(of.Field).Number()
		if sum.N == 0 {
			sum.Min, sum.Max = x, x
		}
		sum.N, sum.Sum, sum.Min, sum.Max = sum.N+1, sum.Sum+x, min(sum.Min, x), max(sum.Max, x)
	}
	return sum
}

// TestMeaning evaluates the parts of a compiled rule.
func TestMeaning(t *testing.T) {
	set, err := Load([]string{"testdata/card_testing.yaml", "testdata/device_then_payout.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	r := set.Rules[0]
	pay := func(place int, amount float64, status, merchant string) *cep.Event {
		row := make([]cep.Value, len(set.Fields))
		for name, v := range map[string]cep.Value{
			"amount": cep.NumberValue(amount), "status": cep.TextValue(status), "merchant_id": cep.TextValue(merchant), "card_id": cep.TextValue("c1"),
		} {
			row[slices.Index(set.Fields, name)] = v
		}
		return cep.NewEvent("payment", r.Types[0], int64(place)*int64(time.Second), row)
	}
	probes := []*cep.Event{pay(1, 1, "approved", "m1"), pay(2, 2, "approved", "m2"), pay(3, 0.5, "approved", "m1")}
	open := aggregated{captures{probes, nil}, r}
	holds := func(c cep.Cond, e *cep.Event) bool {
		s := &cep.Scope{Event: e, Captures: open, Key: []string{"c1"}}
		return (c.Event == nil || c.Event(s)) && (c.Captured == nil || c.Captured(s))
	}
	for _, tt := range []struct {
		name  string
		event *cep.Event
		want  [2]bool // probe, cashout
	}{
		{"small", pay(4, 1.5, "approved", "m1"), [2]bool{true, false}},
		{"small and declined", pay(4, 1.5, "declined", "m1"), [2]bool{false, false}},
		{"not 50 times the mean", pay(4, 58, "approved", "m1"), [2]bool{false, false}},
		{"more than 50 times the mean", pay(4, 59, "approved", "m1"), [2]bool{false, true}},
	} {
		if got := [2]bool{holds(r.Conds[0], tt.event), holds(r.Conds[1], tt.event)}; got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
	s := &cep.Scope{Captures: aggregated{captures{probes, {pay(4, 90, "approved", "m3")}}, r}, Key: []string{"c1"}}
	if !r.Having(s) {
		t.Error("two merchants are not distinct")
	}
	for _, m := range r.Measures {
		s.Measures = append(s.Measures, m.Eval(s))
	}
	var got []float64
	for _, v := range append(slices.Clone(s.Measures), r.Score(s)) {
		got = append(got, v.Number())
	}
	if want := []float64{3, 93.5, 70}; !reflect.DeepEqual(got, want) {
		t.Errorf("measures and score are %v, want %v", got, want)
	}
	if got, want := r.Message(s), "3 probes, then 90 on card c1"; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
}

func TestLoadTestdata(t *testing.T) {
	set, err := Load([]string{"testdata/card_testing.yaml", "testdata/device_then_payout.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Rules) != 2 || set.Rules[0].ID != "card-testing" || set.Rules[1].ID != "device-then-payout" {
		t.Errorf("rules %v", set.Rules)
	}
}
