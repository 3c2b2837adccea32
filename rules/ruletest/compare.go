package ruletest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"weir/cep"
	"weir/rules"
	"weir/rules/nearest"
	"weir/rules/source"

	"go.yaml.in/yaml/v4"
)

// Alert is an alert that came out of a test.
type Alert struct {
	*cep.Alert
	Numbers [][]int // of the events captured, in rising order, by Rule.Names
	Backed  []int   // of the events of Backing, likewise
}

// wanted is an expected alert as a list of what is asked of one that came.
type wanted struct {
	number int // among the alerts of the test, from 1
	line   int
	rule   string
	key    []string
	asked  []question
}

// question is one field of an expected alert.
type question struct {
	field string
	want  string // as it is shown
	have  func(*Alert) string
	holds func(*Alert) bool
}

// matches says whether all is as expected.
func (w *wanted) matches(a *Alert) bool {
	for i := range w.asked {
		if !w.asked[i].holds(a) {
			return false
		}
	}
	return true
}

// differing counts what is not as expected.
func (w *wanted) differing(a *Alert) int {
	n := 0
	for i := range w.asked {
		if !w.asked[i].holds(a) {
			n++
		}
	}
	return n
}

// same asks whether two texts are equal.
func same(field, want string, have func(*Alert) string) question {
	return question{field, want, have, func(a *Alert) bool { return have(a) == want }}
}

// timeForms says how times are shown.
type timeForms struct{ relative bool }

func (f timeForms) text(ns int64) string {
	if f.relative {
		return formatOffset(ns)
	}
	return cep.FormatTime(ns)
}

// wanted makes the questions of an expected alert of a rule.
func (w *binder) wanted(number int, x *expected, r *rules.Rule) wanted {
	key := w.key(x, r.Key.Names)
	q := []question{
		same("rule", r.ID, func(a *Alert) string { return a.Rule.ID }),
		{"key", keyText(r.Key.Names, key), func(a *Alert) string { return keyText(a.Rule.Key.Names, a.Key) }, func(a *Alert) bool { return slices.Equal(a.Key, key) }},
	}
	ask := func(field, want string, have func(*Alert) string) {
		if want != "" {
			q = append(q, same(field, want, have))
		}
	}
	if x.events != nil {
		q = append(q, w.askCaptures(x, r)...)
	}
	ask("kind", x.kind, func(a *Alert) string { return a.Kind.String() })
	if x.time != nil {
		text := w.b.times.text
		q = append(q, question{"time", text(x.time.ns), func(a *Alert) string { return text(a.Time) }, func(a *Alert) bool { return a.Time == x.time.ns }})
	}
	ask("score", said(x.score, strconv.Itoa), func(a *Alert) string { return strconv.Itoa(a.Score) })
	ask("severity", x.severity, func(a *Alert) string { return a.Rule.Severity })
	ask("action", x.action, func(a *Alert) string { return a.Rule.Action })
	for _, m := range x.measures {
		if measured, ok := w.measure(m, r); ok {
			q = append(q, measured)
		}
	}
	ask("message", x.message, func(a *Alert) string { return a.Message })
	ask("suppressed", said(x.suppressed, strconv.Itoa), func(a *Alert) string { return strconv.Itoa(a.Suppressed) })
	ask("truncated", said(x.truncated, strconv.FormatBool), func(a *Alert) string { return strconv.FormatBool(a.Truncated) })
	ask("shadow", said(x.shadow, strconv.FormatBool), func(a *Alert) string { return strconv.FormatBool(a.Rule.Shadow) })
	return wanted{number, x.line, r.ID, key, q}
}

// said gives the text of a value that a test may leave out.
func said[T any](value *T, text func(T) string) string {
	if value == nil {
		return ""
	}
	return text(*value)
}

// askCaptures makes the questions of what an expected alert captured.
func (w *binder) askCaptures(x *expected, r *rules.Rule) []question {
	var q []question
	for v, numbers := range w.captures(x, r) {
		if r.Rule.Names[v].Captures {
			q = append(q, question{
				r.Rule.Names[v].Text, numbersList(numbers),
				func(a *Alert) string { return numbersList(a.events(v)) },
				func(a *Alert) bool { return slices.Equal(a.events(v), numbers) },
			})
		}
	}
	for _, v := range x.events.vars {
		if r.Evidence != nil && v.name.Value == r.Evidence.Name {
			numbers := v.numbers.numbers
			q = append(q, question{
				v.name.Value, numbersList(numbers),
				func(a *Alert) string { return numbersList(a.Backed) },
				func(a *Alert) bool { return slices.Equal(a.Backed, numbers) },
			})
		}
	}
	return q
}

// events gives the numbers of the events that a variable captured; an alert of
// another rule may not have it.
func (a *Alert) events(v int) []int {
	if v < len(a.Numbers) {
		return a.Numbers[v]
	}
	return nil
}

// measure makes the question of a measure.
func (w *binder) measure(e source.Entry, r *rules.Rule) (question, bool) {
	var names []string
	for _, m := range r.Rule.Measures {
		names = append(names, m.Name)
	}
	i := slices.Index(names, e.Name)
	if i < 0 {
		w.Add(e.Key.Place(), source.CodeName, fmt.Sprintf("the rule %s has no measure %s", r.ID, source.Tick(e.Name)), nearest.DidYouMean(e.Name, names, "add it to the rule's `measures`"))
		return question{}, false
	}
	var none cep.Value
	of := func(a *Alert) *cep.Value {
		if i < len(a.Measures) {
			return &a.Measures[i]
		}
		return &none
	}
	return question{
		e.Name, string(appendJSON(nil, e.Value)),
		func(a *Alert) string { return string(of(a).AppendJSON(nil)) },
		func(a *Alert) bool { return equals(of(a), e.Value) },
	}, true
}

// equals says whether a value is what a test says.
func equals(v *cep.Value, n source.Node) bool {
	text := n.YAML.Value
	scalar := n.YAML.Kind == yaml.ScalarNode
	switch v.Kind {
	case cep.Nil, cep.Bool:
		return scalar && isJSON(n) && text == string(v.AppendJSON(nil))
	case cep.Text:
		return scalar && text == v.Text
	case cep.Number:
		return scalar && isJSON(n) && sameNumber(v.Number(), text)
	case cep.Duration:
		if d, ok := offset(text); scalar && ok {
			return int64(d) == v.Int()
		}
		return scalar && isJSON(n) && sameNumber(float64(v.Int())/1e9, text)
	case cep.Time:
		m, wrong := readMoment(text)
		return scalar && wrong == "" && m.ns == v.Int()
	}
	var a, b any
	return json.Unmarshal([]byte(v.Text), &a) == nil && json.Unmarshal(appendJSON(nil, n), &b) == nil && reflect.DeepEqual(a, b)
}

// sameNumber says whether x is the JSON number that a test says, to as many decimals
// as that has; without decimals, exactly.
func sameNumber(x float64, text string) bool {
	y, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return false
	}
	_, decimals, ok := strings.Cut(text, ".")
	if !ok || strings.ContainsAny(decimals, "eE") {
		return x == y
	}
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(x, 'f', len(decimals), 64), 64)
	return x == y || err == nil && rounded == y
}

// keyText shows a key.
func keyText(names, parts []string) string {
	var b strings.Builder
	for i, part := range parts {
		if i > 0 {
			b.WriteString(", ")
		}
		if i < len(names) {
			b.WriteString(names[i] + " ")
		}
		b.WriteString(part)
	}
	return b.String()
}

// numbersList shows the numbers of events, runs of them as 2..5.
func numbersList(numbers []int) string {
	if len(numbers) == 0 {
		return "-"
	}
	var b strings.Builder
	for i := 0; i < len(numbers); i++ {
		if i > 0 {
			b.WriteString(", ")
		}
		last := i
		for last+1 < len(numbers) && numbers[last+1] == numbers[last]+1 {
			last++
		}
		b.WriteString(strconv.Itoa(numbers[i]))
		if last > i+1 {
			b.WriteString(".." + strconv.Itoa(numbers[last]))
			i = last
		}
	}
	return b.String()
}

// describe lists what there is to say of an alert, as field and value.
func (a *Alert) describe(times timeForms) []Row {
	rows := []Row{
		{Field: "rule", Actual: a.Rule.ID},
		{Field: "key", Actual: keyText(a.Rule.Key.Names, a.Key)},
	}
	add := func(field, value string, said bool) {
		if said {
			rows = append(rows, Row{Field: field, Actual: value})
		}
	}
	for v, n := range a.Rule.Names {
		add(n.Text, numbersList(a.Numbers[v]), n.Captures && len(a.Numbers[v]) > 0)
	}
	add(a.Backing.Feature, numbersList(a.Backed), len(a.Backed) > 0)
	add("kind", a.Kind.String(), a.Kind != cep.MatchAlert)
	add("time", times.text(a.Time), true)
	add("score", strconv.Itoa(a.Score), true)
	add("severity", a.Rule.Severity, true)
	add("action", a.Rule.Action, true)
	for i := range a.Measures {
		add(a.Rule.Measures[i].Name, string(a.Measures[i].AppendJSON(nil)), true)
	}
	add("message", a.Message, a.Message != "")
	add("suppressed", strconv.Itoa(a.Suppressed), a.Suppressed > 0)
	add("truncated", "true", a.Truncated)
	add("shadow", "true", a.Rule.Shadow)
	return rows
}
