package rulesets

import (
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"weir/rules"
	"weir/rules/ruletest"
	"weir/rules/source"
)

// folders are the rulesets that come with Weir.
var folders = []string{"above-habit", "account-takeover", "brute-force", "card-testing", "impossible-travel", "structuring"}

// TestFolders: each folder is a ruleset by itself, without findings, and its tests
// pass. All folders together are one too.
func TestFolders(t *testing.T) {
	entries, err := Files.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, e := range entries {
		found = append(found, e.Name())
	}
	if !slices.Equal(found, folders) {
		t.Errorf("folders with rules are %q, want %q", found, folders)
	}
	for _, folder := range append([]string{"."}, folders...) {
		t.Run(folder, func(t *testing.T) { testFolder(t, folder) })
	}
}

func testFolder(t *testing.T, folder string) {
	suite, err := ruletest.Load([]string{folder})
	if err != nil {
		t.Fatal(err)
	}
	files, err := source.Read(suite.Rules)
	if err != nil {
		t.Fatal(err)
	}
	subject := ruletest.NewSubject(files)
	for _, d := range append(subject.Findings(), suite.Check(subject)...) {
		t.Error(d)
	}
	for _, r := range suite.Run(subject) {
		for _, d := range r.Findings {
			t.Error(d)
		}
		for _, f := range r.Failures {
			t.Errorf("%s:%d: %s: %s", r.Test.File, f.Line, r.Test.Name, f.Msg)
		}
	}
	fired := map[string]bool{}
	for _, r := range suite.Run(subject) {
		for _, a := range r.Alerts {
			fired[a.Rule.ID] = true
		}
	}
	for _, rule := range subject.Checked().Rules {
		described(t, rule)
		if !fired[rule.ID] {
			t.Errorf("no test of %s makes an alert", rule.ID)
		}
	}
	if _, err := os.Stat(path.Join(folder, "README.md")); err != nil {
		t.Error(err)
	}
}

// described checks that a rule says of itself what analysts need.
func described(t *testing.T, r *rules.Rule) {
	typology := slices.ContainsFunc(r.Tags, func(tag string) bool { return strings.HasPrefix(tag, "typology.") })
	if r.Title == "" || r.Description == "" || !typology {
		t.Errorf("%s needs a title, a description and a tag typology.NAME", r.ID)
	}
	if r.When == nil && r.Options.Within == 0 {
		t.Errorf("%s has no within", r.ID)
	}
}
