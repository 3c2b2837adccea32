package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"weir/cep"
	"weir/cep/feature"
	"weir/rules/expr"
	"weir/rules/nearest"
	"weir/rules/source"
)

// valueForms are the values of features as they are written.
var valueForms = []string{
	"count()", "sum(f)", "mean(f)", "min(f)", "max(f)", "stddev(f)", "distinct(f)", "first(f)", "last(f)",
	"quantile(f, 0.95)", "rate()", "seen(f)", "since_last()",
}

// valueWords are the values of features as they are called elsewhere, in lower case
// and without `_`.
var valueWords = map[string]string{
	"avg": "mean", "average": "mean", "total": "sum", "std": "stddev", "stdev": "stddev", "stddevpop": "stddev",
	"countdistinct": "distinct", "distinctcount": "distinct", "approxdistinct": "distinct", "nunique": "distinct", "unique": "distinct", "uniq": "distinct",
	"percentile": "quantile", "latest": "last", "earliest": "first", "minimum": "min", "maximum": "max",
	"frequency": "rate", "velocity": "count", "n": "count", "exists": "seen", "timesince": "since_last", "timesincelast": "since_last", "sincelast": "since_last",
}

// valueCall is `value` taken apart.
type valueCall struct {
	text source.Text
	args [][2]int // where each begins and ends in the text
}

func (v *valueCall) place(arg int) source.Place {
	return v.text.Part(v.args[arg][0], v.args[arg][1])
}

var callForm = regexp.MustCompile(`^\s*([A-Za-z_]\w*)\s*\(`)

// featureValue reads what a feature computes: the name of a value and, in
// parentheses, what it is computed of.
func (c *compiler) featureValue(d *featureDraft) {
	e, ok := c.need(d, "value", "it is one of "+strings.Join(valueForms, ", "))
	if !ok {
		return
	}
	t, ok := c.Text(e.Value, "`value`")
	if !ok {
		return
	}
	d.feature.Value = t
	m := callForm.FindStringSubmatchIndex(t.Value)
	if m == nil {
		c.Add(t.Place(), source.CodeValue, source.Tick(t.Value)+" is no value of a feature", valueHint(t.Value))
		return
	}
	name := t.Value[m[2]:m[3]]
	value, known := feature.ParseValue(name)
	if !known {
		c.Add(t.Part(m[2], m[3]), source.CodeValue, fmt.Sprintf("%s is no value of a feature", source.Tick(name)), valueHint(name))
		return
	}
	call := &valueCall{text: t}
	end := 0
	call.args, end = arguments(t.Value, m[1])
	switch {
	case end < m[1]:
		c.Fault(t, m[1]-1, m[1], source.CodeValue, "the parenthesis is not closed", "close it; between braces a comma ends the text, so quote one that holds a comma")
		return
	case strings.TrimSpace(t.Value[end:]) != "":
		c.Fault(t, end, len(t.Value), source.CodeValue, "a value is one of "+strings.Join(valueForms, ", ")+", and nothing else", "a rule can compute with what it reads, as in `when: spent / visits > 100`")
		return
	}
	if !c.arity(call, value, m[2], end) {
		return
	}
	d.feature.Spec.Value = value
	d.call = call
	if value == feature.Quantile {
		c.quantile(d)
	}
}

// valueHint names the value that was meant, or all there are.
func valueHint(name string) string {
	name, _, _ = strings.Cut(strings.TrimSpace(name), "(")
	if strings.EqualFold(name, "median") {
		return "did you mean `quantile(f, 0.5)`?"
	}
	other := valueWords[strings.ToLower(strings.ReplaceAll(name, "_", ""))]
	for _, form := range valueForms {
		if word, _, _ := strings.Cut(form, "("); word == name || word == other {
			return "did you mean " + source.Tick(form) + "?"
		}
	}
	var words []string
	for _, form := range valueForms {
		word, _, _ := strings.Cut(form, "(")
		words = append(words, word)
	}
	return nearest.DidYouMean(name, words, "it is one of "+strings.Join(valueForms, ", "))
}

// arguments takes apart what stands between the parenthesis before from and the one
// that closes it; end is behind that, or from-1 where there is none.
func arguments(text string, from int) (args [][2]int, end int) {
	depth, begin := 0, from
	add := func(to int) {
		part := text[begin:to]
		lead := len(part) - len(strings.TrimLeft(part, " \t\n"))
		args = append(args, [2]int{begin + lead, begin + lead + len(strings.TrimSpace(part))})
		begin = to + 1
	}
	for i := from; i < len(text); i++ {
		switch text[i] {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth == 0 {
				if len(args) > 0 || strings.TrimSpace(text[begin:i]) != "" {
					add(i)
				}
				return args, i + 1
			}
			depth--
		case ',':
			if depth == 0 {
				add(i)
			}
		case '"', '\'', '`':
			i = stringEnd(text, i) - 1
		}
	}
	return nil, from - 1
}

// arity checks how many arguments a value has.
func (c *compiler) arity(call *valueCall, value feature.Value, from, to int) bool {
	want := 1
	switch {
	case value == feature.Quantile:
		want = 2
	case !takesField(value):
		want = 0
	}
	if len(call.args) == want && !slices.ContainsFunc(call.args, func(a [2]int) bool { return a[0] == a[1] }) {
		return true
	}
	i := slices.IndexFunc(valueForms, func(form string) bool { return strings.HasPrefix(form, value.String()+"(") })
	hint := "write " + source.Tick(valueForms[i])
	if want == 0 && len(call.args) == 1 {
		of := call.text.Value[call.args[0][0]:call.args[0][1]]
		hint = "write " + source.Tick(valueForms[i])
		if isPath(of) {
			hint += "; to leave out events without it say `where: " + of + " != nil`"
		} else if strings.ContainsAny(of, "<>=!&|( ") { // no `*`, and no `1`
			hint += "; to look only at events for which this holds say `where: " + of + "`"
		}
	}
	msg := map[int]string{0: "takes nothing", 1: "takes one field, or an expression of fields", 2: "takes a field, or an expression of fields, and which quantile"}[want]
	c.Add(call.text.Part(from, to), source.CodeValue, source.Tick(value.String())+" "+msg, hint)
	return false
}

// quantile reads which quantile: a number, or a param.
func (c *compiler) quantile(d *featureDraft) {
	arg := d.call.args[1]
	text := d.call.text.Value[arg[0]:arg[1]]
	v, constant, err := expr.Constant(text, expr.Env{Params: c.params})
	switch {
	case err == nil && constant && v.Kind == cep.Number:
		d.feature.Spec.Q = v.Number()
		return
	case strings.Contains(text, "params") && c.unsure.params, constant && v.Kind == cep.Nil:
		d.unsized = true // the param has a finding
		return
	case strings.Contains(text, "params") && err != nil:
		e := shifted(err, arg[0]).(*expr.Error)
		c.Fault(d.call.text, e.Pos, e.End, source.CodeExpression, e.Msg, e.Hint)
	default:
		c.Add(d.call.place(1), source.CodeValue, source.Tick(text)+" is no quantile", "it is a number from 0 to 1, like 0.95, or a param")
	}
	d.call = nil
}

// takesField reports whether a value is computed of something.
func takesField(v feature.Value) bool {
	return v != feature.Count && v != feature.Rate && v != feature.SinceLast
}

// valueKinds are the kinds that a value is computed of; none: all.
func valueKinds(v feature.Value) []cep.Kind {
	switch v {
	case feature.Sum, feature.Mean, feature.Stddev, feature.Quantile:
		return []cep.Kind{cep.Number}
	case feature.Min, feature.Max:
		return []cep.Kind{cep.Number, cep.Time, cep.Duration}
	}
	return nil
}

// resultKind is the kind of a value; Nil: that of what it is computed of.
func resultKind(v feature.Value) cep.Kind {
	switch v {
	case feature.Min, feature.Max, feature.First, feature.Last:
		return cep.Nil
	case feature.Seen:
		return cep.Bool
	case feature.SinceLast:
		return cep.Duration
	}
	return cep.Number
}
