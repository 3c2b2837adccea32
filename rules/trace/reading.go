package trace

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"weir/cep"
	"weir/rules"
	"weir/rules/expr"
)

// Reading is what a feature, or a risk, said.
type Reading struct {
	Text  string          `json:"text"`          // as it is written, like `in_1h` or `in_48h(from)`
	Key   []string        `json:"key,omitempty"` // of a feature of another key: which; nil: the event has none
	Value json.RawMessage `json:"value"`         // a duration in seconds

	shown string // Value for people
	other bool   // of another key
}

func newReading(text string, v cep.Value) Reading {
	return Reading{Text: text, Value: v.AppendJSON(nil), shown: shown(&v)}
}

// reader reads a feature or a risk.
type reader struct {
	text  string
	risk  bool
	types []cep.TypeID // it is read on events of these alone; nil: of any
	value func(*cep.Scope) cep.Value
	key   []func(*cep.Scope) cep.Value // of a feature of another key
}

// readers are what a rule reads of features and risks, in the order of the rule.
type readers []reader

// conditionReaders gives what the conditions of a rule read.
func conditionReaders(r *rules.Rule) (list readers, err error) {
	add := func(e *rules.Expression, types []cep.TypeID) {
		if e != nil && err == nil {
			err = list.add(e.Value, e.Env, types)
		}
	}
	add(r.Where, nil)
	for i := range r.Names {
		add(r.Names[i].Where, r.Conds[i].Types)
	}
	add(r.Unless, nil)
	return list, err
}

// outcomeReaders gives what having, measures, score and message read.
func outcomeReaders(r *rules.Rule) (list readers, err error) {
	add := func(text string, env expr.Env) {
		if err == nil {
			err = list.add(text, env, nil)
		}
	}
	for _, e := range outcome(r) {
		add(e.Value, e.Env)
	}
	if m := r.Message; m != nil {
		for _, p := range m.Env.Lang.Placeholders(m.Value) {
			add(m.Value[p[0]:p[1]], m.Env)
		}
	}
	return list, err
}

// add adds what an expression reads on events of some types; nil: of any.
func (l *readers) add(text string, env expr.Env, types []cep.TypeID) error {
	uses, err := expr.UsesOf(text, env)
	if err != nil {
		return err
	}
	env.Aggregate, env.Fault = nil, nil
	for _, f := range uses.Features {
		r := reader{text: oneLine(text[f.Pos:f.End]), types: types}
		if r.value, err = expr.CompileValue(text[f.Pos:f.End], env); err != nil {
			return err
		}
		for _, a := range f.Key {
			part, err := expr.CompileValue(text[a[0]:a[1]], env)
			if err != nil {
				return err
			}
			r.key = append(r.key, part)
		}
		l.join(r)
	}
	for _, i := range uses.Risks {
		id := cep.RiskID(i)
		l.join(reader{text: env.Risks[i].Name, risk: true, types: types, value: func(s *cep.Scope) cep.Value { return s.Risk(id) }})
	}
	return nil
}

// join adds a reader, unless it is there.
func (l *readers) join(r reader) {
	i := slices.IndexFunc(*l, func(o reader) bool { return o.text == r.text })
	switch {
	case i < 0:
		*l = append(*l, r)
	case r.types == nil || (*l)[i].types == nil:
		(*l)[i].types = nil
	default:
		(*l)[i].types = slices.Concat((*l)[i].types, r.types)
	}
}

// read reads features and risks in a scope.
func (l readers) read(s *cep.Scope) (features, risks []Reading) {
	for i := range l {
		r := &l[i]
		if s.Event != nil && r.types != nil && !slices.Contains(r.types, s.Event.Type) {
			continue
		}
		reading := newReading(r.text, r.value(s))
		reading.Key, reading.other = r.of(s), r.key != nil
		if r.risk {
			risks = append(risks, reading)
		} else {
			features = append(features, reading)
		}
	}
	return features, risks
}

// of gives the other key that a feature is read of.
func (r *reader) of(s *cep.Scope) []string {
	var key []string
	for _, part := range r.key {
		v := part(s)
		text, ok := v.KeyText()
		if !ok {
			return nil
		}
		key = append(key, strings.Clone(text))
	}
	return key
}

// shown writes a value for people.
func shown(v *cep.Value) string {
	switch v.Kind {
	case cep.Nil:
		return "nil"
	case cep.Duration:
		return durationText(v.Int())
	case cep.Time:
		return Moment(v.Int())
	}
	return brief(string(v.AppendJSON(nil)))
}

// durationText writes a length of time exactly: in two units where that is enough.
func durationText(ns int64) string {
	for i, u := range units[:len(units)-1] {
		if ns >= u.ns && ns%units[i+1].ns == 0 {
			return lapse(ns)
		} else if ns >= u.ns {
			break
		}
	}
	return time.Duration(ns).String()
}

// readingsText writes what features and risks said on one line; empty: nothing was read.
func readingsText(features, risks []Reading) string {
	var parts []string
	for _, of := range []struct {
		what string
		list []Reading
	}{{"features", features}, {"risks", risks}} {
		var texts []string
		for _, r := range of.list {
			texts = append(texts, r.words())
		}
		if len(texts) > 0 {
			parts = append(parts, of.what+": "+strings.Join(texts, ", "))
		}
	}
	return strings.Join(parts, "; ")
}

// words writes a reading, like `in_48h(from) = 3 (of acc-7)`.
func (r *Reading) words() string {
	text := r.Text + " = " + r.shown
	switch {
	case r.Key != nil:
		text += " (of " + strings.Join(r.Key, ", ") + ")"
	case r.other:
		text += " (the event has no such key)"
	}
	return text
}
