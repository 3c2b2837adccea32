package conformance

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// spelling chooses between equivalent ways of writing a case.
type spelling struct {
	schema bool // declare the fields of the events; without it they are what JSON says
	short  bool // `a*` for `(a+)?`, and no link where it is the default
}

var spellings = []spelling{{schema: true}, {schema: true, short: true}, {}, {short: true}}

func (s spelling) String() string {
	return fmt.Sprintf("schema=%t,short=%t", s.schema, s.short)
}

const (
	typeName  = "event" // the type of an event that names none
	clockName = "clock" // the type of an event that moves time on and that no rule is on
	ruleID    = "vector"
	keyField  = "k" // constant field of every event where a case has no key
	seqField  = "n" // place of the event in the order of a case's order_by
)

// word makes a name of the rule language from the name of a variable.
func word(name string) string {
	out := strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, name)
	if out != "" && out[0] >= '0' && out[0] <= '9' {
		return "v" + out
	}
	return out
}

// definition is a name of the pattern with its condition.
type definition struct{ name, where string }

// scribe writes one pattern as text and collects its definitions.
type scribe struct {
	short   bool
	defines []definition
	untils  int
}

var linkText = map[string]string{
	"":                ",", // nothing comes before: unused
	"next":            ",",
	"not_next":        ",",
	"followed_by":     "->",
	"not_followed_by": "->",
	"followed_by_any": "->>",
	"strict":          ",",
	"relaxed":         "->",
	"any":             "->>",
}

// bounded writes a link with an upper bound on the time since the event
// captured before; 0 is no bound.
func bounded(link string, ms int64) string {
	text, ok := linkText[link]
	if !ok {
		panic("unknown link " + link)
	}
	if ms == 0 {
		return text
	}
	bound := fmt.Sprintf("[<%dms]", ms)
	if text == "," {
		return "," + bound
	}
	return "-" + bound + text
}

func (s *scribe) sequence(steps []step) string {
	var out strings.Builder
	for i := range steps {
		if i > 0 {
			link := bounded(steps[i].Link, cmp.Or(steps[i].GapMS, steps[i].RoundGapMS))
			if link[0] != ',' {
				out.WriteByte(' ')
			}
			out.WriteString(link)
			out.WriteByte(' ')
		}
		out.WriteString(s.element(&steps[i]))
	}
	return out.String()
}

// element writes a step without the link before it.
func (s *scribe) element(st *step) string {
	text := ""
	if st.Group != nil {
		text = "(" + s.sequence(st.Group) + ")"
	} else {
		text = word(st.Var)
		s.defines = append(s.defines, definition{text, st.Where})
	}
	if strings.HasPrefix(st.Link, "not_") {
		text = "!" + text
	}
	if st.Inner != "" && (!s.short || st.Inner != "relaxed" || st.RoundGapMS > 0) {
		text = "(" + strings.TrimSuffix(strings.TrimPrefix(text, "("), ")") + roundLink(st) + ")"
	}
	count, optional := s.quantifier(st)
	text += count
	if st.Greedy {
		text += "+"
	}
	if st.Until != "" {
		s.untils++
		name := fmt.Sprintf("stop_%d", s.untils)
		s.defines = append(s.defines, definition{name, st.Until})
		text += " until " + name
	}
	switch {
	case optional && count == "" && st.Until == "":
		text += "?"
	case optional:
		text = "(" + text + ")?"
	}
	return text
}

func roundLink(st *step) string {
	link := bounded(st.Inner, st.RoundGapMS)
	if link[0] == ',' {
		return link
	}
	return " " + link
}

// quantifier writes how often st repeats, and whether it is still to be made
// optional.
func (s *scribe) quantifier(st *step) (text string, optional bool) {
	t := st.Times
	switch {
	case t == nil:
		return "", st.Optional
	case t.Max == nil && t.Min == 1 && st.Optional && s.short:
		return "*", false
	case t.Max == nil && t.Min == 1:
		return "+", st.Optional
	case t.Max == nil:
		return fmt.Sprintf("{%d,}", t.Min), st.Optional
	case t.Min == *t.Max:
		return fmt.Sprintf("{%d}", t.Min), st.Optional
	case t.Min == 1 && st.Optional && s.short:
		return fmt.Sprintf("{,%d}", *t.Max), false
	}
	return fmt.Sprintf("{%d,%d}", t.Min, *t.Max), st.Optional
}

// capacity is how many events a variable captures by the text of its pattern.
type capacity int

const (
	none capacity = iota // it is only negated
	one
	many
)

// capacities gives the capacity of each variable.
func capacities(steps []step, repeated bool, into map[string]capacity) map[string]capacity {
	for i := range steps {
		st := &steps[i]
		again := repeated || st.Times != nil && (st.Times.Max == nil || *st.Times.Max > 1)
		switch {
		case st.Group != nil:
			capacities(st.Group, again, into)
		case strings.HasPrefix(st.Link, "not_"):
			into[word(st.Var)] = none
		case again:
			into[word(st.Var)] = many
		default:
			into[word(st.Var)] = one
		}
	}
	return into
}

// rewrites are what becomes of a variable in a condition. The vectors take every
// variable for a list; a rule takes one that captures at most one event for an
// event, and one that captures nothing has no name in conditions.
var rewrites = map[capacity][]struct{ list, rule string }{
	none: {{`\blen\(VAR\)`, `0`}},
	one: {
		{`\blen\(VAR\)`, `count(VAR)`},
		{`\bVAR\[0\]\.`, `VAR.`},
		{`\b(first|last)\(VAR\)\.`, `VAR.`},
		{`\bsum\(VAR, (\.\w+)\)`, `sum(VAR$1)`},
	},
}

// condition rewrites a condition of the vectors for the variables of a rule.
func condition(where string, of map[string]capacity) string {
	for name, capacity := range of {
		for _, r := range rewrites[capacity] {
			re := regexp.MustCompile(strings.ReplaceAll(r.list, "VAR", regexp.QuoteMeta(name)))
			where = re.ReplaceAllString(where, strings.ReplaceAll(r.rule, "VAR", name))
		}
	}
	return where
}

// quote writes a YAML scalar that is text whatever stands in it.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// patternText writes the steps of p alone.
func (p *pattern) text(short bool) (string, []definition) {
	s := scribe{short: short}
	text := s.sequence(p.Steps)
	return text, s.defines
}

// rule writes p as a rule on the events of a case.
func (p *pattern) rule(key []string, on string, timeouts, short bool) string {
	text, defines := p.text(short)
	of := capacities(p.Steps, false, map[string]capacity{})
	var out strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&out, format+"\n", args...) }
	line("rules:")
	line("  - id: %s", ruleID)
	line("    on: %s", quote(on))
	line("    key: [%s]", strings.Join(key, ", "))
	line("    pattern: %s", quote(text))
	line("    define:")
	for i, d := range defines {
		if !slices.ContainsFunc(defines[:i], func(e definition) bool { return e.name == d.name }) {
			line("      %s: %s", d.name, quote(condition(d.where, of)))
		}
	}
	if p.WithinMS != nil && p.WithinKind != "prev_cur" {
		line("    within: %dms", *p.WithinMS)
	}
	line("    skip: %s", quote(skipText(p.Skip)))
	if p.Skip != "none" {
		line("    emit: in_order")
	}
	if timeouts {
		line("    timeout: true")
	}
	return out.String()
}

// skipText turns `to_last:V` into `to_last(V)`.
func skipText(skip string) string {
	kind, target, has := strings.Cut(skip, ":")
	if !has {
		return skip
	}
	return kind + "(" + word(target) + ")"
}

// ruleset writes the whole case as a file of rules.
func (v *vector) ruleset(s spelling) string {
	key, on := []string(v.KeyBy), "*"
	if key == nil {
		key = []string{keyField}
	}
	schema := ""
	if s.schema {
		on, schema = typeName, v.schema()
	}
	return schema + v.Pattern.rule(key, on, slices.Contains(v.Asserts, "timeouts"), s.short)
}

// schema declares the fields that the events of v have.
func (v *vector) schema() string {
	kinds := map[string]string{keyField: "string", "kind": "string", "volume": "number"} // read by conditions, not always there
	for _, e := range v.Events {
		for field, raw := range e.Fields {
			kind := "number"
			if raw[0] == '"' {
				kind = "string"
			}
			if kinds[field] == "string" {
				kind = "string" // a field of both kinds takes a number's digits as text
			}
			kinds[field] = kind
		}
	}
	kinds["ts"] = "time"
	seq := ""
	if v.OrderBy != nil {
		kinds[seqField] = "number"
		seq = "    seq: " + seqField + "\n"
	}
	fields := make([]string, 0, len(kinds))
	for field, kind := range kinds {
		fields = append(fields, "      "+field+": "+kind+"\n")
	}
	slices.Sort(fields)
	return "events:\n  " + typeName + ":\n    time: ts\n    id: id\n" + seq + "    fields:\n" + strings.Join(fields, "")
}

// lines writes the events of v as JSON, one a line, in the order of arrival.
func (v *vector) lines() []string {
	rank := v.ranks()
	out := make([]string, len(v.Events))
	for i, e := range v.Events {
		fields := map[string]json.RawMessage{}
		for field, raw := range e.Fields {
			fields[field] = raw
		}
		if v.KeyBy == nil {
			fields[keyField] = json.RawMessage(`"all"`)
		}
		if rank != nil {
			fields[seqField] = json.RawMessage(strconv.Itoa(rank[i]))
		}
		data, err := json.Marshal(fields)
		if err != nil {
			panic(err)
		}
		out[i] = string(data)
	}
	return out
}

// ranks gives each event its place by order_by; nil if there is none.
func (v *vector) ranks() []int {
	if v.OrderBy == nil {
		return nil
	}
	number := func(i int, field string) float64 {
		f, err := strconv.ParseFloat(string(v.Events[i].Fields[field]), 64)
		if err != nil {
			panic(err)
		}
		return f
	}
	order := make([]int, len(v.Events))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		for _, by := range v.OrderBy {
			field, down := strings.CutPrefix(by, "-")
			c := cmp.Compare(number(a, field), number(b, field))
			if down {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
	rank := make([]int, len(order))
	for place, i := range order {
		rank[i] = place
	}
	return rank
}

func TestPatternText(t *testing.T) {
	two, three := 2, 3
	a := step{Var: "a", Where: "true"}
	from := func(change func(*step)) step { s := a; change(&s); return s }
	tests := []struct {
		steps       []step
		long, short string
	}{
		{[]step{a}, "a", "a"},
		{[]step{a, {Var: "not c", Link: "not_next"}, {Var: "1", Link: "followed_by_any"}}, "a, !not_c ->> v1", "a, !not_c ->> v1"},
		{[]step{a, {Var: "b*", Link: "not_followed_by", GapMS: 5}}, "a -[<5ms]-> !b_", "a -[<5ms]-> !b_"},
		{[]step{from(func(s *step) { s.Optional = true })}, "a?", "a?"},
		{[]step{from(func(s *step) { s.Times, s.Inner = &times{1, nil}, "relaxed" })}, "(a ->)+", "a+"},
		{[]step{from(func(s *step) { s.Times, s.Inner, s.Optional = &times{1, nil}, "relaxed", true })}, "((a ->)+)?", "a*"},
		{[]step{from(func(s *step) { s.Times, s.Inner, s.Greedy = &times{2, nil}, "strict", true })}, "(a,){2,}+", "(a,){2,}+"},
		{[]step{from(func(s *step) { s.Times, s.Inner, s.Optional = &times{1, &three}, "any", true })}, "((a ->>){1,3})?", "(a ->>){,3}"},
		{[]step{from(func(s *step) { s.Times, s.Inner, s.Until = &times{2, nil}, "relaxed", "true" })}, "(a ->){2,} until stop_1", "a{2,} until stop_1"},
		{[]step{a, {Var: "b", Link: "next", Times: &times{2, &two}, Inner: "strict", RoundGapMS: 3}}, "a,[<3ms] (b,[<3ms]){2}", "a,[<3ms] (b,[<3ms]){2}"},
		{[]step{{Group: []step{a, {Var: "b", Link: "followed_by"}}, Times: &times{2, &three}, Inner: "strict", Optional: true}}, "((a -> b,){2,3})?", "((a -> b,){2,3})?"},
	}
	for _, test := range tests {
		p := pattern{Steps: test.steps}
		if got, _ := p.text(false); got != test.long {
			t.Errorf("long: got %s, want %s", got, test.long)
		}
		if got, _ := p.text(true); got != test.short {
			t.Errorf("short: got %s, want %s", got, test.short)
		}
	}
}

func TestConditionText(t *testing.T) {
	of := map[string]capacity{"a": one, "b": many, "ba": one, "n": none}
	tests := []struct{ list, want string }{
		{`name == "b" && len(a) < 2`, `name == "b" && count(a) < 2`},
		{`a[0].price == price`, `a.price == price`},
		{`price > last(a).price`, `price > a.price`},
		{`sum(a, .price) + price <= 4`, `sum(a.price) + price <= 4`},
		{`sum(b, .price) + last(b).price + len(b) + b[0].price`, `sum(b, .price) + last(b).price + len(b) + b[0].price`},
		{`sum(ba, .price)`, `sum(ba.price)`},
		{`name == "b" && len(n) < 2`, `name == "b" && 0 < 2`},
	}
	for _, test := range tests {
		if got := condition(test.list, of); got != test.want {
			t.Errorf("%s: got %s, want %s", test.list, got, test.want)
		}
	}
}
