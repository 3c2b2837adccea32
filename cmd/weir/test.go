package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"weir/rules"
	"weir/rules/ruletest"
	"weir/rules/source"
)

// testCommand is `weir test`.
type testCommand struct {
	Rules   []string  `arg:"" name:"rules" help:"Rule files, or folders of them. Their tests stand beside them: all *_test.yaml of a folder, NAME_test.yaml of a file NAME.yaml."`
	Names   string    `name:"run" placeholder:"REGEXP" help:"Run only the tests whose name matches."`
	Params  overrides `name:"param" sep:"none" placeholder:"NAME=VALUE" help:"Give a param another value than the rules do, the ruleset's and any rule's own; what a test sets wins. May be repeated."`
	JUnit   file      `name:"junit" placeholder:"FILE" help:"Write the results as JUnit XML too; - is stdout, and the text then goes to stderr."`
	JSON    bool      `name:"json" help:"Write the results as one JSON object."`
	Cover   bool      `name:"coverage" help:"Say which parts of each rule the tests do not show at work."`
	Verbose bool      `short:"v" help:"List the tests that passed too."`

	wanted *regexp.Regexp
}

// Help is what `weir test --help` says beside the flags.
func (testCommand) Help() string {
	return `Examples:

  weir test rules/
  weir test rules/ --run 'cash-out' -v
  weir test rules/ --param factor=4
  weir test rules/ --coverage
  weir test rules/ --junit report.xml
  weir test --json rules/ | jq -r '.results[] | select(.passed | not) | .name'

Each test gives events to the ruleset as a whole and says which alerts must come
out; no other may. Failed tests and findings go to stdout, a summary goes to stderr.
--coverage lists what could be wrong unnoticed: variables, links and alternatives by
which no alert came in a test, and negations, untils, ` + "`unless` and `having`" + ` without
which every test would pass too.
Exit codes: 0 all tests passed; 1 a test failed, there is none, or the rules or
tests have errors; 2 wrong use; 3 a file cannot be read.`
}

// Validate refuses what no test could be run with.
func (c *testCommand) Validate() error {
	var err error
	if c.wanted, err = regexp.Compile(c.Names); err != nil {
		return fmt.Errorf("--run: %w", err)
	}
	if c.JSON && c.JUnit == stdoutName {
		return errors.New("--json and --junit - both go to stdout")
	}
	return validRules(c.Rules)
}

// Run runs the tests and writes what failed.
func (c *testCommand) Run(std *streams) error {
	t, err := c.load()
	if err != nil {
		return err
	}
	if err := t.writable(string(c.JUnit), std); err != nil {
		return err
	}
	if source.ErrorsIn(t.findings) == nil {
		if t.suite, err = c.selected(t.suite); err != nil {
			return err
		}
		if c.Cover {
			t.results, t.coverage = t.suite.Cover(t.subject)
		} else {
			t.results = t.suite.Run(t.subject)
		}
	}
	if c.JUnit != "" {
		if err := t.writeJUnit(string(c.JUnit), std); err != nil {
			return err
		}
	}
	if c.JSON {
		err = t.writeJSON(std)
	} else {
		out := std.out
		if c.JUnit == stdoutName {
			out = std.err
		}
		err = t.writeText(out, std.err, c.Verbose)
	}
	if err != nil {
		return err
	}
	if err := findingsError(t.findings); err != nil {
		return err
	}
	if t.failed() > 0 {
		return &exitError{code: exitFindings}
	}
	return nil
}

// testRun is one run of tests.
type testRun struct {
	files    []source.File // of the rules
	suite    *ruletest.Suite
	subject  *ruletest.Subject
	findings []source.Diagnostic // in the rules and the tests; with an error among them nothing is run
	results  []ruletest.Result
	coverage []ruletest.RuleCoverage // nil unless it was asked for
}

// load reads the rules and their tests. What is wrong with them is among the
// findings.
func (c *testCommand) load() (*testRun, error) {
	t := &testRun{}
	var unread source.Errors
	var err error
	if t.suite, err = ruletest.Load(c.Rules); errors.As(err, &unread) {
		t.suite, t.findings = ruletest.Parse(nil), unread
		return t, nil
	} else if err != nil {
		return nil, err
	}
	if len(t.suite.Rules) == 0 {
		return nil, usageError("no rules: name the rules that the tests are of, too")
	}
	if t.files, err = source.Read(t.suite.Rules); errors.As(err, &unread) {
		t.findings = unread
		return t, nil
	} else if err != nil {
		return nil, err
	}
	if len(t.suite.Files) == 0 {
		return nil, &exitError{exitFindings, fmt.Errorf("there are no tests beside %s; %s", strings.Join(c.Rules, ", "), "the tests of a file NAME.yaml are in NAME_test.yaml, those of a folder in any *_test.yaml in it")}
	}
	t.subject = ruletest.NewSubjectWith(t.files, rules.Given{ReadFile: os.ReadFile})
	if len(c.Params) > 0 && source.ErrorsIn(t.subject.Findings()) == nil {
		params, err := c.Params.values(t.subject.Checked())
		if err != nil {
			return nil, err
		}
		t.subject = ruletest.NewSubjectWith(t.files, rules.Given{Params: params, ReadFile: os.ReadFile})
	}
	for _, d := range t.subject.Findings() {
		if d.Severity == source.Error { // warnings are for `weir check`
			t.findings = append(t.findings, d)
		}
	}
	t.findings = append(t.findings, t.suite.Check(t.subject)...)
	return t, nil
}

// selected gives the tests that --run names.
func (c *testCommand) selected(s *ruletest.Suite) (*ruletest.Suite, error) {
	some := s.Select(c.wanted.MatchString)
	if len(some.Tests) == 0 {
		return nil, &exitError{exitFindings, fmt.Errorf("no test is run: of %s none has a name that matches %q", amount(len(s.Tests), "test", "tests"), c.Names)}
	}
	return some, nil
}

// writable refuses a report that would overwrite what is read.
func (t *testRun) writable(report string, std *streams) error {
	if report == "" {
		return nil
	}
	info := outputInfo(report, std)
	for _, files := range [][]source.File{t.files, t.suite.Files} {
		for _, f := range files {
			if other, err := os.Stat(f.Path); err == nil && overwritten(info, other) {
				return usageError("%s is one of the files that are read; it would be overwritten", f.Path)
			}
		}
	}
	return nil
}

func (t *testRun) failed() int {
	n := 0
	for i := range t.results {
		if !t.results[i].Passed() {
			n++
		}
	}
	return n
}

// fileCount gives the number of files whose tests were run.
func (t *testRun) fileCount() int {
	files := map[string]bool{}
	for _, test := range t.suite.Tests {
		files[test.File] = true
	}
	return len(files)
}

// writeText writes what was found and what failed, and a summary.
func (t *testRun) writeText(w, summary io.Writer, verbose bool) error {
	var out bytes.Buffer
	if err := writeFindings(&out, append(t.files[:len(t.files):len(t.files)], t.suite.Files...), t.findings); err != nil {
		return err
	}
	for i := range t.results {
		r := &t.results[i]
		if r.Passed() && verbose {
			fmt.Fprintf(&out, "ok   %s:%d: %s\n", r.Test.File, r.Test.Line, visible(r.Test.Name))
		}
		if err := r.WriteText(&out); err != nil {
			return err
		}
	}
	for i := range t.coverage {
		if err := t.coverage[i].WriteText(&out); err != nil {
			return err
		}
	}
	if _, err := w.Write(out.Bytes()); err != nil {
		return err
	}
	fmt.Fprintln(summary, t.summary())
	return nil
}

// summary says how the run ended.
func (t *testRun) summary() string {
	in := " in " + amount(t.fileCount(), "file", "files")
	switch failed := t.failed(); {
	case source.ErrorsIn(t.findings) != nil:
		return "no test is run: " + countOf(t.findings)
	case failed > 0:
		return fmt.Sprintf("FAIL %d of %s", failed, amount(len(t.results), "test", "tests")+in)
	}
	return "ok " + amount(len(t.results), "test", "tests") + in
}

// writeJUnit writes the report.
func (t *testRun) writeJUnit(name string, std *streams) error {
	out, err := openOutput(name, std)
	if err != nil {
		return err
	}
	err = ruletest.WriteJUnit(out, t.findings, t.results)
	if closed := out.close(); err == nil {
		err = closed
	}
	return err
}

// writeJSON writes the results for scripts.
func (t *testRun) writeJSON(std *streams) error {
	failed := t.failed()
	all := struct {
		Tests       int                     `json:"tests"` // that were run
		Passed      int                     `json:"passed"`
		Failed      int                     `json:"failed"`
		Results     []ruletest.Result       `json:"results"`
		Diagnostics []findingJSON           `json:"diagnostics"` // with an error among them no test is run
		Coverage    []ruletest.RuleCoverage `json:"coverage,omitempty"`
	}{len(t.results), len(t.results) - failed, failed, t.results, findingsJSON(t.findings), t.coverage}
	if all.Results == nil {
		all.Results = []ruletest.Result{}
	}
	enc := json.NewEncoder(std.out)
	enc.SetEscapeHTML(false)
	return enc.Encode(all)
}

// findingsJSON gives findings as scripts read them.
func findingsJSON(found []source.Diagnostic) []findingJSON {
	list := make([]findingJSON, len(found))
	for i, d := range found {
		list[i] = findingJSON{d.File, d.Line, d.Column, d.EndLine, d.EndColumn, d.Severity, d.Code, d.Msg, d.Hint}
	}
	return list
}
