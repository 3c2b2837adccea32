package rules

import (
	"errors"
	"fmt"
	"strings"

	"weir/cep"
	"weir/nfa"
	"weir/rules/nearest"
	"weir/rules/source"
)

// Overrides reads params as a command line gives them, each NAME=VALUE, for
// Given.Params. A value is read as what the rules declare the param to be: text is
// taken as it stands, a list is written as in rules, like [KP, IR]. The error says
// which of them is wrong and what to write instead.
func (c *Checked) Overrides(texts []string) (map[string]cep.Value, error) {
	all := map[string]cep.Value{}
	for _, text := range texts {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("%s is not NAME=VALUE", source.Tick(text))
		}
		if _, twice := all[name]; twice {
			return nil, fmt.Errorf("the param %s is given twice", source.Tick(name))
		}
		kind, err := c.paramKind(name)
		if err != nil {
			return nil, err
		}
		v, ok := ofKind(value, kind)
		if !ok {
			return nil, fmt.Errorf("the param %s is a %s in the rules, and %s is none; write %s", source.Tick(name), kind, source.Tick(value), likeKind(kind))
		}
		all[name] = v
	}
	return all, nil
}

// paramKind gives what the rules declare a param to be.
func (c *Checked) paramKind(name string) (cep.Kind, error) {
	var first *Rule
	known := params{}
	for _, r := range c.Rules {
		for n, v := range r.Params {
			known[n] = v
		}
		v, ok := r.Params[name]
		switch {
		case !ok:
		case first == nil:
			first = r
		case first.Params[name].Kind != v.Kind:
			return 0, fmt.Errorf("the param %s is a %s in the rule %s and a %s in %s; change it there", source.Tick(name), first.Params[name].Kind, first.ID, v.Kind, r.ID)
		}
	}
	if first != nil {
		return first.Params[name].Kind, nil
	}
	if len(known) == 0 {
		return 0, errors.New("there is no param " + source.Tick(name) + "; the rules have none")
	}
	return 0, errors.New("there is no param " + source.Tick(name) + "; " + nearest.DidYouMean(name, known.names(), "there are "+strings.Join(known.names(), ", ")))
}

// ofKind reads a value of a kind that params have.
func ofKind(text string, kind cep.Kind) (v cep.Value, ok bool) {
	switch kind {
	case cep.Text:
		return cep.TextValue(text), true
	case cep.Duration:
		d, err := nfa.ParseDuration(text)
		return cep.DurationValue(d), err == nil
	}
	var f findings
	n, ok := f.Parse("", "value: "+text+"\n").Node()
	if !ok {
		return cep.Value{}, false
	}
	values, _ := f.params(n, nil)
	v = values["value"]
	return v, f.Count() == 0 && len(values) == 1 && v.Kind == kind
}

// likeKind gives an example of a value of a kind.
func likeKind(kind cep.Kind) string {
	switch kind {
	case cep.Duration:
		return "a whole number and one of ms s m h d w, like 90s"
	case cep.Bool:
		return "true or false"
	case cep.List:
		return "it as in rules, like [KP, IR]"
	}
	return "it as JSON does, like 12 or 0.5"
}
