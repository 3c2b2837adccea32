package ruletest

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"weir/rules/source"

	"go.yaml.in/yaml/v4"
)

// Suite is the tests of some files.
type Suite struct {
	Rules []string      // paths of the rules that Load found the tests of, as source.Read takes them
	Files []source.File // the test files, in the order in which they were given
	Tests []*Test       // by file and line

	findings []source.Diagnostic // of the files, beside those of their tests
}

// Load reads the tests that stand beside rules. For a folder these are all
// *_test.yaml and *_test.yml in it, for a file NAME.yaml those of
// NAME_test.yaml; a test file may also be named itself. The error is of type
// source.Errors: a file cannot be read. What is wrong in the files Check says.
func Load(paths []string) (*Suite, error) {
	found, bad := find(paths)
	var files []source.File
	for _, path := range found.tests {
		text, err := os.ReadFile(path)
		if err != nil {
			bad = append(bad, unreadable(path, err))
			continue
		}
		files = append(files, source.File{Path: filepath.ToSlash(path), Text: string(text)})
	}
	if err := source.ErrorsIn(bad); err != nil {
		return nil, err
	}
	s := Parse(files)
	s.Rules = found.rules
	return s, nil
}

var (
	fileKeys = source.Keys{Of: "a test file", Known: []string{"tests"}}
	testKeys = source.Keys{
		Of:    "a test",
		Known: []string{"name", "params", "lists", "lateness", "at_end", "events", "late", "rejected", "duplicates", "alerts", "decisions"},
		Later: []string{"order"},
	}
)

// findings reads a test file and gathers what is wrong with it.
type findings struct {
	source.Findings
	joined []source.Diagnostic // found by others
}

func (f *findings) all() []source.Diagnostic { return append(f.joined, f.All()...) }

// Parse reads the texts of test files. What is wrong with them Check says.
func Parse(files []source.File) *Suite {
	s := &Suite{Files: files}
	for _, file := range files {
		s.parse(file)
	}
	return s
}

func (s *Suite) parse(file source.File) {
	var f findings
	defer func() { s.findings = append(s.findings, f.all()...) }()
	doc := f.Parse(file.Path, file.Text)
	n, ok := doc.Node()
	if !ok || n.Empty() {
		if len(f.All()) == 0 {
			f.Add(source.Place{Src: doc.Src}, source.CodeMissing, "the file has no tests", "write `tests:` and below it a list, each entry with `- name: `")
		}
		return
	}
	r, ok := f.Record(n, "a test file", fileKeys)
	e, said := r["tests"]
	switch {
	case !said:
		if ok && n.Lacks("tests", fileKeys) {
			f.Add(n.Place(), source.CodeMissing, "the file has no `tests`", "write `tests:` and below it a list, each entry with `- name: `")
		}
		return
	case e.Value.Bad():
		return
	case !e.Value.Is(yaml.SequenceNode):
		f.Add(e.Value.Place(), source.CodeValue, "`tests` is a list of tests, not "+e.Value.Kind(), "begin each test with `- name: `")
		return
	}
	if len(e.Value.YAML.Content) == 0 {
		f.Add(e.Value.Place(), source.CodeMissing, "`tests` is an empty list", "begin each test with `- name: `")
	}
	torn := f.Err() != nil    // what the file says is not what was read
	first := map[string]int{} // line of the test of a name
	for _, n := range e.Value.Items() {
		t := readTest(n)
		t.torn = torn
		if line, ok := first[t.Name]; ok && t.Name != "" {
			f.Add(t.name.Place(), source.CodeDuplicate, fmt.Sprintf("the test %s is there already", source.Tick(t.Name)), fmt.Sprintf("the first is in line %d; a name stands once in a file", line))
		} else {
			first[t.Name] = t.Line
		}
		s.Tests = append(s.Tests, t)
	}
}

// Check gives what is wrong or doubtful in the test files, by themselves and as
// tests of a ruleset, by file and position. What is wrong with the rules is not
// among it, see Subject.Findings.
func (s *Suite) Check(on *Subject) []source.Diagnostic {
	all := slices.Clone(s.findings)
	for _, t := range s.Tests {
		all = append(append(all, t.findings...), on.bind(t).findings...)
	}
	slices.SortStableFunc(all, func(a, b source.Diagnostic) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return all
}

// Run runs the tests in order, each with an engine of its own.
func (s *Suite) Run(on *Subject) []Result {
	results := make([]Result, len(s.Tests))
	for i, t := range s.Tests {
		results[i] = on.run(t, nil)
	}
	return results
}

// Cover is Run, slower, and says what of the rules the tests reached, by rule id.
func (s *Suite) Cover(on *Subject) ([]Result, []RuleCoverage) {
	c := newCoverage(on.plain.Rules)
	results := make([]Result, len(s.Tests))
	for i, t := range s.Tests {
		results[i] = on.run(t, c.trace())
		c.settle(on.bind(t), &results[i])
	}
	return results, c.rules
}

// Select gives the suite with those of its tests whose name is wanted. Findings are
// those of all.
func (s *Suite) Select(wanted func(name string) bool) *Suite {
	some := *s
	some.Tests = nil
	for _, t := range s.Tests {
		if wanted(t.Name) {
			some.Tests = append(some.Tests, t)
		}
	}
	return &some
}
