package ruletest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"weir/cep"
	"weir/rules"
	"weir/rules/source"
)

// Subject is the ruleset that tests run against. It is compiled once for each choice
// of params and lists that a test makes. One goroutine may use it at a time.
type Subject struct {
	files    []source.File
	given    rules.Given
	plain    *rules.Checked
	variants map[string]*rules.Checked // by the params and lists that a test sets
	bound    map[*Test]*bound
}

// NewSubject compiles the files of a ruleset.
func NewSubject(files []source.File) *Subject { return newSubject(files, rules.Check(files)) }

// NewSubjectWith is NewSubject with what is given beside the files; what tests say
// wins over that.
func NewSubjectWith(files []source.File, given rules.Given) *Subject {
	s := newSubject(files, rules.CheckWith(files, given))
	s.given = given
	return s
}

func newSubject(files []source.File, plain *rules.Checked) *Subject {
	return &Subject{files: files, plain: plain, variants: map[string]*rules.Checked{}, bound: map[*Test]*bound{}}
}

// Checked gives the ruleset as it is without the params and lists of a test.
func (s *Subject) Checked() *rules.Checked { return s.plain }

// Findings gives what is wrong or doubtful in the rules. With an error among it no
// test can run.
func (s *Subject) Findings() []source.Diagnostic { return s.plain.Findings }

// with gives the ruleset with the params and lists of a test.
func (s *Subject) with(t *Test) *rules.Checked {
	if len(t.params)+len(t.lists) == 0 {
		return s.plain
	}
	params := slices.SortedFunc(slices.Values(t.params), func(a, b param) int { return strings.Compare(a.at.Name, b.at.Name) })
	given := s.given
	given.Params, given.Lists = map[string]cep.Value{}, t.given(s.plain.Lists)
	maps.Copy(given.Params, s.given.Params)
	var name []byte
	for i := range params {
		p := &params[i]
		given.Params[p.at.Name] = p.value
		name = append(append(name, p.at.Name...), '=', byte(p.value.Kind))
		name = append(p.value.AppendJSON(name), '\n')
	}
	for _, l := range slices.Sorted(maps.Keys(given.Lists)) {
		name = fmt.Appendf(name, "%s %#v\n", l, given.Lists[l])
	}
	v, ok := s.variants[string(name)]
	if !ok {
		v = rules.CheckWith(s.files, given)
		s.variants[string(name)] = v
	}
	return v
}
