package rules

import (
	"encoding/json"
	"math"
	"strconv"
	"time"

	"weir/cep"
	"weir/nfa"

	"go.yaml.in/yaml/v4"
)

// params are the named values of a ruleset or rule.
type params map[string]cep.Value

// params reads a mapping of params on top of outer, which it wins over.
func (f *findings) params(n node, outer params) params {
	all := params{}
	for name, v := range outer {
		all[name] = v
	}
	entries, _ := f.entries(n, "`params`")
	for _, e := range entries {
		if !isName(e.name) {
			f.add(e.key.place(), CodeName, tick(e.name)+" is no name for a param", nameForm)
			continue
		}
		all[e.name], _ = f.param(e) // nil where it has a finding, so that nobody misses it
	}
	return all
}

// param reads a value: a number, true or false, a duration, a list, or text.
func (f *findings) param(e entry) (cep.Value, bool) {
	if e.value.n.Kind == yaml.SequenceNode && !e.value.doc.bad[e.value.n] {
		return f.listParam(e)
	}
	if e.value.empty() {
		f.add(e.key.place(), CodeMissing, "the param "+tick(e.name)+" has no value", "")
		return cep.Value{}, false
	}
	if e.value.n.Kind == yaml.ScalarNode && e.value.n.Style != 0 && e.value.n.Value == "" {
		return cep.TextValue(""), !e.value.doc.bad[e.value.n]
	}
	if e.value.is(yaml.MappingNode) {
		f.add(e.value.place(), CodeValue, sprintf("the param %s is a mapping", tick(e.name)), "a param is a number, text, true, false, a duration or a list")
		return cep.Value{}, false
	}
	t, ok := f.text(e.value, "the param "+tick(e.name))
	if !ok {
		return cep.Value{}, false
	}
	if d, err := nfa.ParseDuration(t.value); err == nil {
		return cep.DurationValue(d), true
	}
	return f.plain(t)
}

// plain reads a scalar: a plain one that is a JSON number, true or false is
// that, null is refused, and anything else is text.
func (f *findings) plain(t text) (cep.Value, bool) {
	if t.n.Style != 0 {
		return cep.TextValue(t.value), true
	}
	switch t.value {
	case "true", "false":
		return cep.BoolValue(t.value == "true"), true
	case "null", "~":
		f.add(t.place(), CodeValue, "a param cannot be null", "quote it if it is text")
		return cep.Value{}, false
	}
	if !json.Valid([]byte(t.value)) || t.value[0] != '-' && (t.value[0] < '0' || t.value[0] > '9') {
		return cep.TextValue(t.value), true
	}
	x, err := strconv.ParseFloat(t.value, 64)
	if err != nil || math.IsInf(x, 0) {
		f.add(t.place(), CodeValue, tick(t.value)+" is too large for a number", "quote it if it is text")
		return cep.Value{}, false
	}
	v := cep.NumberValue(x)
	v.Text = t.value
	return v, true
}

// listParam reads a list of numbers, texts, true and false.
func (f *findings) listParam(e entry) (cep.Value, bool) {
	out, ok := []byte{'['}, true
	for i, c := range e.value.n.Content {
		item := node{e.value.doc, c}
		v, good := cep.Value{}, false
		if c.Kind == yaml.ScalarNode && c.Style != 0 && c.Value == "" && !item.doc.bad[c] {
			v, good = cep.TextValue(""), true
		} else if t, isText := f.text(item, "an entry of the param "+tick(e.name)); isText {
			v, good = f.plain(t)
		}
		if !good {
			ok = false
			continue
		}
		if i > 0 {
			out = append(out, ',')
		}
		switch v.Kind {
		case cep.Text:
			text, err := json.Marshal(v.Text)
			if err != nil {
				panic(err) // a string always has a JSON form
			}
			out = append(out, text...)
		case cep.Bool:
			out = strconv.AppendBool(out, v.Bool())
		default:
			out = append(out, v.Text...)
		}
	}
	return cep.Value{Kind: cep.List, Text: string(append(out, ']'))}, ok
}

// inPattern gives the value of `$NAME` in a pattern.
func (p params) inPattern(name string) (nfa.Param, bool) {
	v, ok := p[name]
	switch {
	case !ok:
		return nfa.Param{}, false
	case v.Kind == cep.Duration:
		return nfa.Param{IsSpan: true, Duration: time.Duration(v.Int())}, true
	case v.Kind == cep.Number && v.Number() == math.Trunc(v.Number()) && v.Number() >= 0 && v.Number() <= math.MaxInt32:
		return nfa.Param{IsCount: true, Count: int(v.Number())}, true
	}
	return nfa.Param{}, true
}

// names gives the names of params in order.
func (p params) names() []string { return sortedKeys(p) }

// duration reads a duration, or `$NAME` of a param that is one. none is whether
// the text may be `none`, which gives 0.
func (f *findings) duration(n node, what string, p params, none bool) (d time.Duration, ok bool) {
	t, ok := f.text(n, what)
	if !ok {
		return 0, false
	}
	if none && t.value == "none" {
		return 0, true
	}
	if name := t.value[1:]; t.value[0] == '$' {
		v, ok := p[name]
		if !ok {
			f.add(t.place(), CodeName, "there is no param "+tick(name), didYouMean(name, p.names(), "declare it under `params`"))
			return 0, false
		}
		if v.Kind == cep.Nil {
			return 0, false // the param has a finding
		}
		if v.Kind != cep.Duration {
			f.add(t.place(), CodeValue, sprintf("the param %s is a %s, not a duration", tick(name), v.Kind), "a duration is a whole number and one of ms s m h d w, like 90s")
			return 0, false
		}
		return time.Duration(v.Int()), true
	}
	d, err := nfa.ParseDuration(t.value)
	if err != nil {
		f.nfaError(t, err, CodeValue)
		return 0, false
	}
	return d, true
}

// nfaError reports an error in a duration or pattern at its place in t.
func (f *findings) nfaError(t text, err error, code string) {
	if e, ok := err.(*nfa.Error); ok {
		f.fault(t, e.Pos, e.End, code, e.Msg, e.Hint)
		return
	}
	f.add(t.place(), code, err.Error(), "")
}
