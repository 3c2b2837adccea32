package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// TestReadme runs the rule that the README shows over the sample.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "```yaml\n")
	rule, _, ok := strings.Cut(after, "```")
	if !ok {
		t.Fatal("the README shows no rule")
	}
	var alerts, report bytes.Buffer
	code := execute([]string{"run", writeFile(t, "rule.yaml", rule), "--events", "../../rulesets/sample/payments.ndjson"},
		&streams{strings.NewReader(""), &alerts, &report})
	if n := bytes.Count(alerts.Bytes(), newline); code != exitDone || n != 3 {
		t.Errorf("exit code %d, %d alerts; want 3\n%s%s", code, n, &alerts, &report)
	}
}
