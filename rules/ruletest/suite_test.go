package ruletest

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/rules/source"
)

func write(t testing.TB, root string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLoad(t *testing.T) {
	root := t.TempDir()
	t.Chdir(root)
	write(t, root, map[string]string{
		"r/a.yaml": "", "r/a_test.yaml": "", "r/b.yml": "", "r/b_test.yml": "", "r/b_test.yaml": "", "r/sub/c_test.yaml": "",
		"r/.git/x_test.yaml": "", "r/.h_test.yaml": "", "r/test.yaml": "", "r/a_test.json": "", "alone.yaml": "",
	})
	tests := []struct{ paths, rules, tests string }{
		{"r", "r", "r/a_test.yaml r/b_test.yaml r/b_test.yml r/sub/c_test.yaml"},
		{"r/a.yaml", "r/a.yaml", "r/a_test.yaml"},
		{"r/b.yml r/a.yaml", "r/b.yml r/a.yaml", "r/b_test.yaml r/b_test.yml r/a_test.yaml"},
		{"r/a.yaml r", "r/a.yaml r", "r/a_test.yaml r/b_test.yaml r/b_test.yml r/sub/c_test.yaml"},
		{"r/a_test.yaml", "", "r/a_test.yaml"},
		{"alone.yaml ./r/sub/c_test.yaml r/sub/c_test.yaml", "alone.yaml", "r/sub/c_test.yaml"},
		{"alone.yaml", "alone.yaml", ""},
	}
	for _, tt := range tests {
		s, err := Load(strings.Fields(tt.paths))
		if err != nil {
			t.Fatal(err)
		}
		var files []string
		for _, f := range s.Files {
			files = append(files, f.Path)
		}
		if rules, files := strings.Join(s.Rules, " "), strings.Join(files, " "); rules != tt.rules || files != tt.tests {
			t.Errorf("%s: rules %q tests %q, want %q and %q", tt.paths, rules, files, tt.rules, tt.tests)
		}
	}
	var unread source.Errors
	if _, err := Load([]string{"r", "none", "gone_test.yaml"}); !errors.As(err, &unread) || len(unread) != 2 || unread[0].Code != source.CodeFile {
		t.Errorf("files that are not there: %v", err)
	}
}

const upRules = `
params: {least: 2}
rules:
  - {id: up, on: tick, key: k, within: 1h, pattern: "a{$least,}+ -> b", define: {a: v == 1, b: v == 2}}
`

// manyTests makes n tests of two lists of events each.
func manyTests(n int) string {
	var b strings.Builder
	b.WriteString("tests:\n")
	for i := range n {
		fmt.Fprintf(&b, "  - name: test %d\n    events:\n", i)
		for k := range 3 {
			fmt.Fprintf(&b, "      - {type: tick, ts: %ds, k: x, v: %d}\n", k, 1+k/2)
		}
		b.WriteString("    alerts: [{rule: up, key: x, events: {a: [1, 2], b: 3}}]\n")
	}
	return b.String()
}

func TestSelect(t *testing.T) {
	s := Parse([]source.File{{Path: "a_test.yaml", Text: manyTests(12)}})
	some := s.Select(func(name string) bool { return strings.HasSuffix(name, "1") })
	results := some.Run(NewSubject([]source.File{{Path: "r.yaml", Text: upRules}}))
	if len(s.Tests) != 12 || len(results) != 2 || results[0].Test.Name != "test 1" || results[1].Test.Name != "test 11" || !results[1].Passed() {
		t.Errorf("%d tests, %d results", len(s.Tests), len(results))
	}
}

// TestSubjects: one suite runs against several rulesets, also broken ones.
func TestSubjects(t *testing.T) {
	s := Parse([]source.File{{Path: "a_test.yaml", Text: manyTests(1)}})
	for _, tt := range []struct {
		from, to string // what is changed in the rules
		want     bool
	}{
		{"", "", true},
		{"2}", "3}", false},
		{"v == 2", "", false},
		{"up", "dn", false},
		{upRules, "", false},
	} {
		text := strings.Replace(upRules, tt.from, tt.to, 1)
		results := s.Run(NewSubject([]source.File{{Path: "r.yaml", Text: text}}))
		if len(results) != 1 || results[0].Passed() != tt.want {
			t.Errorf("passed %v, want %v, with %s", results[0].Passed(), tt.want, text)
		}
	}
}

// TestVariants: params of equal values are other params, and so are those of the
// same name and another value.
func TestVariants(t *testing.T) {
	rules := strings.Replace(upRules, "{least: 2}", `{least: 2, more: 2}`, 1)
	rules = strings.Replace(rules, "v == 2", "v == params.more", 1)
	one := func(name, params, alerts string) string {
		return strings.Replace(strings.Replace(strings.TrimPrefix(manyTests(1), "tests:\n"), "test 0", name+"\n    params: "+params, 1), "[{rule: up, key: x, events: {a: [1, 2], b: 3}}]", alerts, 1)
	}
	text := "tests:\n" + one("one", "{least: 3}", "[]") + one("two", "{more: 3}", "[]") + one("three", "{least: 1, more: 2}", "[{rule: up, key: x}]") + one("four", "{more: 2, least: 2}", "[{rule: up, key: x}]")
	s := Parse([]source.File{{Path: "a_test.yaml", Text: text}})
	subject := NewSubject([]source.File{{Path: "r.yaml", Text: rules}})
	for _, r := range s.Run(subject) {
		if !r.Passed() {
			t.Errorf("%s: %v %v", r.Test.Name, r.Findings, r.Failures)
		}
	}
	if len(subject.variants) != 4 {
		t.Errorf("%d variants, want 4", len(subject.variants))
	}
}

// TestTorn: of a file that is not what it says no test passes.
func TestTorn(t *testing.T) {
	text := manyTests(2) + "  - name: !torn x\n"
	s := Parse([]source.File{{Path: "a_test.yaml", Text: text}})
	subject := NewSubject([]source.File{{Path: "r.yaml", Text: upRules}})
	if found := s.Check(subject); !slices.ContainsFunc(found, func(d source.Diagnostic) bool { return d.Code == source.CodeYAML }) {
		t.Errorf("findings: %v", found)
	}
	for _, r := range s.Run(subject) {
		if r.Passed() || len(r.Findings) == 0 {
			t.Errorf("%s passed", r.Test.Name)
		}
	}
}

// TestParseIsLinear: twice the tests take about twice as long, also in one line.
func TestParseIsLinear(t *testing.T) {
	shapes := map[string]func(int) string{
		"tests": manyTests,
		"one line": func(n int) string {
			one := `{name: x, latenes: 1s, events: [{type: tick, ts: 0s, k: x}], alerts: [{rule: up, kye: x}]}, `
			return "{tests: [" + strings.Repeat(one, n) + "]}"
		},
		"equal events": func(n int) string {
			return "tests:\n  - name: x\n    alerts: []\n    late: [1]\n    events:\n" + strings.Repeat("      - {type: tick, ts: 0s, k: x, v: 3}\n", n)
		},
		"alerts": func(n int) string {
			return "tests:\n  - name: x\n    events: [{type: tick, ts: 0s}]\n    alerts:\n" + strings.Repeat("      - {rule: upp, key: x, score: 2000, events: {a: [1]}}\n", n)
		},
	}
	for name, text := range shapes {
		took := func(n int) time.Duration {
			best := time.Hour
			for range 3 {
				files := []source.File{{Path: "a_test.yaml", Text: text(n)}}
				begin := time.Now()
				s, subject := Parse(files), NewSubject([]source.File{{Path: "r.yaml", Text: upRules}})
				s.Check(subject)
				s.Run(subject)
				best = min(best, time.Since(begin))
			}
			return best
		}
		var small, large time.Duration
		for range 3 { // a machine that is busy is not linear itself
			if small, large = took(300), took(3000); large < 40*small {
				break
			}
		}
		if large >= 40*small {
			t.Errorf("%s: 300 take %v, 3000 take %v", name, small, large)
		}
	}
}

func TestReports(t *testing.T) {
	text := manyTests(1) + "  - name: \"bad <&> \\x01 ]]>\"\n    events: []\n    alerts: [{rule: up, key: \"<\\u0007>\"}]\n"
	s := Parse([]source.File{{Path: "a_test.yaml", Text: text}})
	results := s.Run(NewSubject([]source.File{{Path: "r.yaml", Text: upRules}}))
	var b bytes.Buffer
	bad := source.Diagnostic{Severity: source.Error, File: "b.yaml", Line: 1, Column: 2, Code: source.CodeYAML, Msg: "no\x02]]>"}
	if err := WriteJUnit(&b, []source.Diagnostic{bad, {Severity: source.Warning}}, results); err != nil {
		t.Fatal(err)
	}
	var root junitRoot
	if err := xml.Unmarshal(b.Bytes(), &root); err != nil {
		t.Fatalf("%v in %s", err, &b)
	}
	if root.Tests != 3 || root.Failures != 1 || root.Errors != 1 || len(root.Suites) != 2 || len(root.Suites[1].Cases) != 2 ||
		root.Suites[1].Cases[0].Failure != nil || !strings.Contains(root.Suites[1].Cases[1].Failure.Text, "alert 1 did not come") || root.Suites[0].Cases[0].Error.Text != "b.yaml:1:2: no\ufffd]]>" {
		t.Errorf("%s", &b)
	}
	out, err := json.Marshal(results)
	if err != nil {
		t.Fatal(err)
	}
	var read []resultJSON
	if err := json.Unmarshal(out, &read); err != nil {
		t.Fatal(err)
	}
	if len(read) != 2 || !read[0].Passed || read[1].Passed || read[1].Failures[0].Kind != Missing || *read[1].Failures[0].Fields[1].Expected != "k <\a>" || read[1].Failures[0].Fields[1].Actual != nil {
		t.Errorf("%s", out)
	}
	b.Reset()
	if err := results[1].WriteText(&b); err != nil || strings.ContainsAny(b.String(), "\x01\a") {
		t.Errorf("%q", b.String())
	}
}

func FuzzSuite(f *testing.F) {
	f.Add(manyTests(1))
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, part := range strings.Split(string(text), "\n-- ") {
			if name, text, _ := strings.Cut(part, " --\n"); isTestFile(name) {
				f.Add(text)
			}
		}
	}
	rules := []source.File{{Path: "r.yaml", Text: upRules + `
  - {id: two, on: "*", key: [k, card], within: 5m, timeout: true, pattern: a -> !b, define: {a: v == 3, b: v == 4}, measures: {at: a.ts, v: a.v}}
events:
  deep: {time: {field: meta.at, unit: us}, id: id, fields: {id: string, k: string, card: string, meta: map, when: time}}
  come: {time: arrival, fields: {k: string, v: number}}
`}}
	compiled := NewSubject(rules).Checked()
	if source.ErrorsIn(compiled.Findings) != nil {
		f.Fatal(compiled.Findings)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := Parse([]source.File{{Path: "a_test.yaml", Text: text}})
		subject := newSubject(rules, compiled)
		found := s.Check(subject)
		for _, d := range found {
			if d.Line < 1 || d.Column < 1 || d.Msg == "" {
				t.Errorf("a finding without a place: %+v", d)
			}
		}
		results := s.Run(subject)
		_, _ = s.Cover(subject)
		bad := source.ErrorsIn(found) != nil
		ran := !slices.ContainsFunc(results, func(r Result) bool { return len(r.Findings) > 0 })
		if bad == ran && len(results) > 0 {
			t.Errorf("errors %v, all run %v", found, ran)
		}
		var b bytes.Buffer
		for i := range results {
			if err := results[i].WriteText(&b); err != nil {
				t.Fatal(err)
			}
		}
		if err := WriteJUnit(&b, found, results); err != nil {
			t.Fatal(err)
		}
		if _, err := json.Marshal(results); err != nil {
			t.Fatal(err)
		}
	})
}

// BenchmarkRun is one small test.
func BenchmarkRun(b *testing.B) {
	s := Parse([]source.File{{Path: "a_test.yaml", Text: manyTests(1)}})
	subject := NewSubject([]source.File{{Path: "r.yaml", Text: upRules}})
	for b.Loop() {
		s.Run(subject)
	}
}

// BenchmarkSubject is a ruleset, compiled, and one small test.
func BenchmarkSubject(b *testing.B) {
	s := Parse([]source.File{{Path: "a_test.yaml", Text: manyTests(1)}})
	for b.Loop() {
		s.Run(NewSubject([]source.File{{Path: "r.yaml", Text: upRules}}))
	}
}
