package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestReadme runs the rule that the README shows over the sample, and its features over
// payments of which one is decided as it says.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "```yaml\n")
	rule, rest, ok := strings.Cut(after, "```")
	if !ok {
		t.Fatal("the README shows no rule")
	}
	var alerts, report bytes.Buffer
	code := execute([]string{"run", writeFile(t, "rule.yaml", rule), "--events", "../../rulesets/sample/payments.ndjson"},
		&streams{strings.NewReader(""), &alerts, &report})
	if n := bytes.Count(alerts.Bytes(), newline); code != exitDone || n != 3 {
		t.Errorf("exit code %d, %d alerts; want 3\n%s%s", code, n, &alerts, &report)
	}

	_, after, _ = strings.Cut(rest, "```yaml\n")
	ruleset, _, ok := strings.Cut(after, "```")
	if !ok {
		t.Fatal("the README shows no features")
	}
	path := writeFile(t, "features.yaml", ruleset)
	report.Reset()
	if code := execute([]string{"check", "--strict", path}, &streams{strings.NewReader(""), &report, &report}); code != exitDone {
		t.Errorf("exit code %d\n%s", code, &report)
	}
	var events, decisions bytes.Buffer
	for i, card := range []string{"c1", "c2", "c3", "c4", "c4"} {
		fmt.Fprintf(&events, `{"type":"payment","ts":"2026-01-02T10:%02d:00Z","card_id":"%s","device":"%s","amount":%d}`+"\n", i, card, []string{"d1", "d1", "d1", "d2", "d1"}[i], []int{5, 5, 5, 5, 500}[i])
	}
	code = execute([]string{"run", path, "--events", "-", "--alerts", os.DevNull, "--decisions", "-"}, &streams{&events, &decisions, &report})
	if got := decisions.String(); code != exitDone || strings.Count(got, "\n") != 1 || !strings.Contains(got, `"score":70,"action":"block"`) {
		t.Errorf("exit code %d, decisions %s; want one of 70, block", code, got)
	}
}
