package rules

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"weir/cep"
	"weir/nfa"
	"weir/rules/nearest"
	"weir/rules/source"

	"go.yaml.in/yaml/v4"
)

// params are the named values of a ruleset or rule.
type params map[string]cep.Value

// maxParams bounds the params of a ruleset or rule: each rule has all of them, and
// what it misspells is looked for among them.
const maxParams = 1000

// params reads a mapping of params on top of outer, which it wins over. What has a
// finding is nil. It is not sure where there may be more of them.
func (f *findings) params(n source.Node, outer params) (all params, sure bool) {
	all = params{}
	for name, v := range outer {
		all[name] = v
	}
	entries, sure := f.Entries(n, "`params`")
	sure = sure && len(entries) == len(n.YAML.Content)/2
	if len(entries) > maxParams {
		f.Add(entries[maxParams].Key.Place(), source.CodeValue, fmt.Sprintf("there are at most %d params, here are %d", maxParams, len(entries)), "what is many and changes belongs into the events")
		entries, sure = entries[:maxParams], false
	}
	for _, e := range entries {
		if !isName(e.Name) {
			f.Add(e.Key.Place(), source.CodeName, source.Tick(e.Name)+" is no name for a param", nameForm)
			all[e.Name] = cep.Value{}
			continue
		}
		v, ok := f.param(e)
		if !ok {
			v = cep.Value{} // what it is is not known, and nobody misses it
		}
		all[e.Name] = v
	}
	return all, sure
}

// param reads a value: a number, true or false, a duration, a list, or text.
func (f *findings) param(e source.Entry) (cep.Value, bool) {
	if e.Value.YAML.Kind == yaml.SequenceNode && !e.Value.Bad() {
		return f.listParam(e)
	}
	if e.Value.Empty() {
		f.Add(e.Key.Place(), source.CodeMissing, "the param "+source.Tick(e.Name)+" has no value", "")
		return cep.Value{}, false
	}
	if e.Value.YAML.Kind == yaml.ScalarNode && e.Value.YAML.Style != 0 && e.Value.YAML.Value == "" {
		return cep.TextValue(""), !e.Value.Bad()
	}
	if e.Value.Is(yaml.MappingNode) {
		f.Add(e.Value.Place(), source.CodeValue, fmt.Sprintf("the param %s is a mapping", source.Tick(e.Name)), "a param is a number, text, true, false, a duration or a list")
		return cep.Value{}, false
	}
	t, ok := f.Text(e.Value, "the param "+source.Tick(e.Name))
	if !ok {
		return cep.Value{}, false
	}
	if d, err := nfa.ParseDuration(t.Value); err == nil {
		return cep.DurationValue(d), true
	}
	return f.plain(t)
}

// plain reads a scalar: a plain one that is a JSON number, true or false is
// that, null is refused, and anything else is text.
func (f *findings) plain(t source.Text) (cep.Value, bool) {
	if t.YAML.Style != 0 {
		return cep.TextValue(t.Value), true
	}
	switch t.Value {
	case "true", "false":
		return cep.BoolValue(t.Value == "true"), true
	case "null", "~":
		f.Add(t.Place(), source.CodeValue, "a param cannot be null", "quote it if it is text")
		return cep.Value{}, false
	}
	if !json.Valid([]byte(t.Value)) || t.Value[0] != '-' && (t.Value[0] < '0' || t.Value[0] > '9') {
		return cep.TextValue(t.Value), true
	}
	x, err := strconv.ParseFloat(t.Value, 64)
	if err != nil || math.IsInf(x, 0) {
		f.Add(t.Place(), source.CodeValue, source.Tick(t.Value)+" is too large for a number", "quote it if it is text")
		return cep.Value{}, false
	}
	v := cep.NumberValue(x)
	v.Text = t.Value
	return v, true
}

// listParam reads a list of numbers, texts, true and false.
func (f *findings) listParam(e source.Entry) (cep.Value, bool) {
	out, ok := []byte{'['}, true
	for i, item := range e.Value.Items() {
		c := item.YAML
		v, good := cep.Value{}, false
		if c.Kind == yaml.ScalarNode && c.Style != 0 && c.Value == "" && !item.Bad() {
			v, good = cep.TextValue(""), true
		} else if t, isText := f.Text(item, "an entry of the param "+source.Tick(e.Name)); isText {
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

// misnamed says whether a param that there is not may be one whose name has a
// finding.
func (p params) misnamed(param string) bool {
	for name := range p {
		if !isName(name) && nearest.Name(param, []string{name}) != "" {
			return true
		}
	}
	return false
}

// names gives the names of params in order.
func (p params) names() []string { return sortedKeys(p) }

// duration reads a duration, or `$NAME` of a param that is one; sure is whether p
// are all there are. none is whether the text may be `none`, which gives 0.
func (f *findings) duration(n source.Node, what string, p params, sure, none bool) (d time.Duration, ok bool) {
	t, ok := f.Text(n, what)
	if !ok {
		return 0, false
	}
	if none && t.Value == "none" {
		return 0, true
	}
	if name := t.Value[1:]; t.Value[0] == '$' {
		v, ok := f.paramOf(t, p, sure)
		if !ok {
			return 0, false
		}
		if v.Kind != cep.Duration {
			hint := "a duration is a whole number and one of ms s m h d w, like 90s"
			if e, ok := durationError(v.Text); ok {
				hint = e.Hint // `30 minutes`, or 90 without a unit
			}
			f.Add(t.Place(), source.CodeValue, fmt.Sprintf("the param %s is a %s, not a duration", source.Tick(name), v.Kind), hint)
			return 0, false
		}
		return time.Duration(v.Int()), true
	}
	d, err := nfa.ParseDuration(t.Value)
	if err != nil {
		f.nfaErrors(t, nfaFaults(err), source.CodeValue)
		return 0, false
	}
	return d, true
}

// paramOf gives the value that a text `$NAME` stands for; sure is whether p are all there
// are. Where ok is false something is said of it, or of the param.
func (f *findings) paramOf(t source.Text, p params, sure bool) (v cep.Value, ok bool) {
	name := t.Value[1:]
	v, ok = p[name]
	if !ok && sure && !p.misnamed(name) {
		f.Add(t.Place(), source.CodeName, "there is no param "+source.Tick(name), nearest.DidYouMean(name, p.names(), "declare it under `params`"))
	}
	return v, v.Kind != cep.Nil
}

// durationError says why a text is no duration.
func durationError(text string) (e *nfa.Error, wrong bool) {
	_, err := nfa.ParseDuration(text)
	e, wrong = err.(*nfa.Error)
	return e, wrong
}

// nfaErrors reports what is wrong with a duration or pattern at its places in t.
func (f *findings) nfaErrors(t source.Text, faults []*nfa.Error, code string) {
	for _, e := range faults {
		f.Fault(t, e.Pos, e.End, code, e.Msg, e.Hint)
	}
}

// nfaFaults gives all that an error of package nfa tells of.
func nfaFaults(err error) []*nfa.Error {
	e, ok := err.(*nfa.Error)
	if !ok {
		return nil // there is no error: those of the package are of this type
	}
	return append([]*nfa.Error{e}, e.More...)
}
