package ruletest

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"weir/rules/source"

	"github.com/rogpeppe/go-internal/txtar"
)

var rewrite = flag.Bool("rewrite", false, "write the goldens of testdata anew")

// TestGolden runs the archives of testdata: rules.yaml is the ruleset, a_test.yaml
// its tests, want what comes of it; of cover_* also what the tests reached.
func TestGolden(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal("no goldens: ", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var rules, tests []source.File
			want := -1
			for i, f := range archive.Files {
				switch {
				case f.Name == "want":
					want = i
				case isTestFile(f.Name):
					tests = append(tests, source.File{Path: f.Name, Text: string(f.Data)})
				default:
					rules = append(rules, source.File{Path: f.Name, Text: string(f.Data)})
				}
			}
			got := report(t, rules, tests)
			if strings.HasPrefix(filepath.Base(path), "cover_") {
				got += coverageText(t, rules, tests)
			}
			if *rewrite {
				if want < 0 {
					archive.Files, want = append(archive.Files, txtar.File{Name: "want"}), len(archive.Files)
				}
				archive.Files[want].Data = []byte(got)
				if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if want < 0 || got != string(archive.Files[want].Data) {
				t.Errorf("got:\n%s", got)
			}
		})
	}
}

// report lists what is found in rules and tests, and the results: twice the same.
func report(t *testing.T, rules, tests []source.File) string {
	t.Helper()
	suite, subject := Parse(tests), NewSubject(rules)
	var b bytes.Buffer
	for _, d := range subject.Findings() {
		if d.Severity == source.Error {
			fmt.Fprintln(&b, d)
		}
	}
	for _, d := range suite.Check(subject) {
		fmt.Fprintf(&b, "%s: %s\n", d.Severity, d)
	}
	report := func(on *Subject) string {
		var b bytes.Buffer
		for _, r := range suite.Run(on) {
			switch {
			case r.Passed():
				fmt.Fprintln(&b, "ok", r.Test.Name)
			case len(r.Findings) > 0:
				fmt.Fprintln(&b, "not run:", r.Test.Name)
				continue
			}
			if err := r.WriteText(&b); err != nil {
				t.Fatal(err)
			}
		}
		return b.String()
	}
	first, second := report(subject), report(NewSubject(rules))
	if first != second || first != report(subject) {
		t.Errorf("two runs differ:\n%s\n%s", first, second)
	}
	return b.String() + first
}

// coverageText lists what tests reach of rules. To be traced changes no result.
func coverageText(t *testing.T, rules, tests []source.File) string {
	t.Helper()
	suite, subject := Parse(tests), NewSubject(rules)
	results, coverage := suite.Cover(subject)
	if plain := suite.Run(subject); !reflect.DeepEqual(passed(plain), passed(results)) {
		t.Errorf("traced %v, not traced %v", passed(results), passed(plain))
	}
	var b bytes.Buffer
	for i := range coverage {
		if err := coverage[i].WriteText(&b); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func passed(results []Result) []bool {
	var list []bool
	for i := range results {
		list = append(list, results[i].Passed())
	}
	return list
}
