package rules

import (
	"weir/cep"
	"weir/cep/list"
	"weir/rules/source"
)

// Given is what a ruleset is compiled with beside its files.
type Given struct {
	// Params win over those of the same name, the ruleset's and every rule's. One
	// that is declared nowhere has no effect.
	Params map[string]cep.Value

	// Lists are entries that stand in place of those that the file of a list has.
	// Those of a list that is not declared have no effect; the others must be sound
	// (list.Spec).
	Lists map[string][]list.Entry

	// ReadFile reads the files that lists name, as os.ReadFile does; what it gives is not
	// changed afterwards. Where it is nil there are none: a list that names one is an
	// error.
	ReadFile func(path string) ([]byte, error)

	leave   map[unit]bool // is not there
	formers []Former      // what rules were
}

// CheckWith is Check with what is given.
func CheckWith(files []source.File, given Given) *Checked {
	return checked(compileFiles(files, given, true))
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
