// Package docs has no code: its tests run what the documentation shows.
package docs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"weir/nfa"
	"weir/rules"
	"weir/rules/expr"
	"weir/rules/format"
	"weir/rules/ruletest"
	"weir/rules/source"
)

// block is a piece of YAML that a page shows.
type block struct {
	text string
	line int // of its first line in the page
}

// blocks gives the YAML of a page.
func blocks(t *testing.T, page string) []block {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var list []block
	inside := false
	for i, line := range strings.SplitAfter(string(text), "\n") {
		switch {
		case strings.HasPrefix(line, "```"):
			inside = line == "```yaml\n"
			if inside {
				list = append(list, block{line: i + 2})
			}
		case inside:
			list[len(list)-1].text += line
		}
	}
	return list
}

func (b block) begins(keys ...string) bool {
	for _, key := range keys {
		if strings.HasPrefix(b.text, key+":") {
			return true
		}
	}
	return false
}

// TestGuides runs every ruleset of the guides with the test below it. A block of
// events alone is the schema of the rules after it.
func TestGuides(t *testing.T) {
	for _, page := range []string{"guide.md", "coming-from.md"} {
		var schema, ruleset string
		tested := true
		for _, b := range blocks(t, page) {
			switch {
			case b.begins("events"):
				schema = b.text
			case b.begins("rules", "params", "features", "lists", "risk", "policy"):
				if !tested {
					t.Errorf("%s: the ruleset before line %d has no test", page, b.line)
				}
				ruleset, tested = schema+b.text, false
			case b.begins("tests"):
				tested = true
				run(t, page, ruleset, b)
			default:
				t.Errorf("%s:%d: neither rules nor tests", page, b.line)
			}
		}
		if !tested || ruleset == "" {
			t.Errorf("%s ends with rules that have no test", page)
		}
	}
}

// run checks a ruleset, which must not have so much as a warning, and runs tests.
func run(t *testing.T, page, ruleset string, tests block) {
	t.Helper()
	files := []source.File{{Path: page, Text: ruleset}}
	for _, d := range rules.Check(files).Findings {
		t.Errorf("the rules before %s:%d: %v\nin\n%s", page, tests.line, d, ruleset)
	}
	suite := ruletest.Parse([]source.File{{Path: page, Text: tests.text}})
	subject := ruletest.NewSubject(files)
	for _, d := range suite.Check(subject) {
		t.Errorf("%s, the tests in line %d: %v", page, tests.line, d)
	}
	for _, r := range suite.Run(subject) {
		if !r.Passed() {
			t.Errorf("%s:%d: %s\n%v", page, tests.line, r.Test.Name, r)
		}
	}
}

// TestReference compiles the rulesets of the reference.
func TestReference(t *testing.T) {
	list := blocks(t, "reference.md")
	if len(list) < 6 {
		t.Errorf("%d rulesets, want at least 6", len(list))
	}
	for _, b := range list {
		checked := rules.CheckWith([]source.File{{Path: "reference.md", Text: b.text}}, rules.Given{ReadFile: shown(t, "reference.md")})
		if err := source.ErrorsIn(checked.Findings); err != nil {
			t.Errorf("%v\nin\n%s", err, b.text)
		}
	}
}

// TestExamples: the rules of docs/examples have no finding, each file by itself,
// and are in canonical form.
func TestExamples(t *testing.T) {
	paths, err := filepath.Glob("examples/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatal("no examples", err)
	}
	for _, path := range paths {
		files, err := source.Read([]string{path})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range rules.Check(files).Findings {
			t.Error(d)
		}
		if text, err := format.Format(path, files[0].Text); err != nil || text != files[0].Text {
			t.Errorf("%s is not in canonical form: %v", path, err)
		}
	}
}

// TestPatterns parses the patterns in the tables of what can be written.
func TestPatterns(t *testing.T) {
	n := 0
	for _, page := range []string{"guide.md", "reference.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range strings.Split(string(text), "| written | meaning |\n")[1:] {
			table, _, _ = strings.Cut(table, "\n\n")
			for _, row := range strings.Split(table, "\n")[1:] {
				cell, _, _ := strings.Cut(row, "` | ")
				for i, pattern := range strings.Split(cell, "`") {
					if i%2 == 0 {
						continue
					}
					n++
					if _, err := nfa.Parse(strings.ReplaceAll(pattern, `\|`, "|"), nil); err != nil {
						t.Errorf("%s: %s: %v", page, pattern, err)
					}
				}
			}
		}
	}
	if n < 20 {
		t.Errorf("%d patterns, want at least 20", n)
	}
}

// TestCodes: the reference lists every code of a finding with its meaning.
func TestCodes(t *testing.T) {
	text, err := os.ReadFile("reference.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range source.Codes {
		if row := "| `" + c.Code + "` | " + c.Meaning + " |"; !strings.Contains(string(text), row) {
			t.Errorf("the reference has no row %s", row)
		}
	}
}

// TestFunctions: the reference names every function of expressions.
func TestFunctions(t *testing.T) {
	text, err := os.ReadFile("reference.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "### Functions")
	words := strings.FieldsFunc(section, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for _, name := range expr.Functions() {
		if !slices.Contains(words, name) {
			t.Errorf("the reference does not name the function %s", name)
		}
	}
}
