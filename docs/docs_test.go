package rules

import (
	"os"
	"strings"
	"testing"
	"weir/rules/source"
)

// TestDocs compiles the rulesets that the documentation shows.
func TestDocs(t *testing.T) {
	page, err := os.ReadFile("../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(page), "```yaml\n")[1:]
	if len(blocks) < 6 {
		t.Errorf("%d rulesets, want at least 6", len(blocks))
	}
	for _, b := range blocks {
		text, _, _ := strings.Cut(b, "```")
		if _, err := Compile([]source.File{{Path: "docs/rules.md", Text: text}}); err != nil {
			t.Errorf("%v\nin\n%s", err, text)
		}
	}
}
