package ruletest

import (
	"slices"
	"strings"

	"weir/cep"
	"weir/rules"
	"weir/rules/source"
)

// Subject is the ruleset that tests run against. It is compiled once for each choice
// of params that a test makes. One goroutine may use it at a time.
type Subject struct {
	files    []source.File
	plain    *rules.Checked
	variants map[string]*rules.Checked // by the params that a test sets
	bound    map[*Test]*bound
}

// NewSubject compiles the files of a ruleset.
func NewSubject(files []source.File) *Subject { return newSubject(files, rules.Check(files)) }

func newSubject(files []source.File, plain *rules.Checked) *Subject {
	return &Subject{files: files, plain: plain, variants: map[string]*rules.Checked{}, bound: map[*Test]*bound{}}
}

// Checked gives the ruleset as it is without the params of a test.
func (s *Subject) Checked() *rules.Checked { return s.plain }

// Findings gives what is wrong or doubtful in the rules. With an error among it no
// test can run.
func (s *Subject) Findings() []source.Diagnostic { return s.plain.Findings }

// with gives the ruleset with the params of a test.
func (s *Subject) with(params []param) *rules.Checked {
	if len(params) == 0 {
		return s.plain
	}
	params = slices.SortedFunc(slices.Values(params), func(a, b param) int { return strings.Compare(a.at.Name, b.at.Name) })
	values := map[string]cep.Value{}
	var name []byte
	for i := range params {
		p := &params[i]
		values[p.at.Name] = p.value
		name = append(append(name, p.at.Name...), '=', byte(p.value.Kind))
		name = append(p.value.AppendJSON(name), '\n')
	}
	v, ok := s.variants[string(name)]
	if !ok {
		v = rules.CheckWith(s.files, values)
		s.variants[string(name)] = v
	}
	return v
}
