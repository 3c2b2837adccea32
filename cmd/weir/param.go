package main

import (
	"os"

	"github.com/alecthomas/kong"

	"weir/cep"
	"weir/rules"
	"weir/rules/source"
)

// overrides is a flag that gives a param another value, NAME=VALUE, and may be
// repeated.
type overrides []string

// Decode reads one mention of the flag.
func (o *overrides) Decode(ctx *kong.DecodeContext) error {
	text, err := flagValue(ctx, "a param and its value, like probe_max=3")
	if err != nil {
		return err
	}
	*o = append(*o, text)
	return nil
}

// values reads the params for rules that have no error.
func (o overrides) values(checked *rules.Checked) (map[string]cep.Value, error) {
	values, err := checked.Overrides(o)
	if err != nil {
		return nil, usageError("--param: %v", err)
	}
	return values, nil
}

// check checks rules with the params of o. checked is what they are without them.
func (o overrides) check(files []source.File, checked *rules.Checked) (*rules.Checked, error) {
	if len(o) == 0 || source.ErrorsIn(checked.Findings) != nil {
		return checked, nil
	}
	params, err := o.values(checked)
	if err != nil {
		return nil, err
	}
	return rules.CheckWith(files, rules.Given{Params: params, ReadFile: os.ReadFile}), nil
}
