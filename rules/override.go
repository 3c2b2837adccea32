package rules

import (
	"weir/cep"
	"weir/rules/source"
)

// CheckWith is like Check, with params that win over those of the same name, the
// ruleset's and every rule's. One that is declared nowhere has no effect.
func CheckWith(files []source.File, override map[string]cep.Value) *Checked {
	return checked(compileFiles(files, override))
}

// ReadParams reads a mapping of params as a ruleset has it, and gives what is
// wrong with it.
func ReadParams(n source.Node) (map[string]cep.Value, []source.Diagnostic) {
	var f findings
	values, _ := f.params(n, nil)
	return values, f.All()
}

// under gives p with the values of override for the names that it has.
func (p params) under(override params) params {
	if len(override) == 0 {
		return p
	}
	all := params{}
	for name, v := range p {
		if o, ok := override[name]; ok {
			v = o
		}
		all[name] = v
	}
	return all
}
