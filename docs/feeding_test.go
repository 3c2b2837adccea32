package docs

import (
	"os"
	"strings"
	"testing"

	"weir/rules"
	"weir/rules/source"
)

// TestFeeding compiles the rules of the page on feeding, and finds what its bridges post to.
func TestFeeding(t *testing.T) {
	text, err := os.ReadFile("feeding.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	n := 0
	for _, b := range blocks(t, "feeding.md") {
		if !b.begins("events") {
			continue // a bridge's
		}
		n++
		if err := source.ErrorsIn(rules.Check([]source.File{{Path: "feeding.md", Text: b.text}}).Findings); err != nil {
			t.Errorf("%v\nin\n%s", err, b.text)
		}
	}
	if n != 2 {
		t.Errorf("%d rulesets, want 2", n)
	}
	for _, section := range strings.Split(page, "\n## ")[2:] {
		name, _, _ := strings.Cut(section, "\n")
		if !strings.Contains(section, "http://127.0.0.1:8080/v1/events") {
			t.Errorf("%s: nothing is posted", name)
		}
		if !strings.Contains(section, "\nRun: ") && !strings.Contains(section, "\nNot run.") {
			t.Errorf("%s: it does not say whether it was run", name)
		}
	}
}
