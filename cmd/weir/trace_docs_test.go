package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// TestTraceExample runs the rule that the section on `weir trace` shows over its events.
func TestTraceExample(t *testing.T) {
	text, err := os.ReadFile("../../docs/tools.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## weir trace\n")
	shown := func(kind string) string {
		_, after, _ := strings.Cut(section, "```"+kind+"\n")
		block, _, ok := strings.Cut(after, "```\n")
		if !ok {
			t.Fatalf("docs/tools.md shows no %s", kind)
		}
		return block
	}
	var out, report bytes.Buffer
	code := execute([]string{"trace", writeFile(t, "rule.yaml", shown("yaml")), "--key", "c1", "--events", writeFile(t, "events.ndjson", shown("json"))},
		&streams{strings.NewReader(""), &out, &report})
	if code != exitDone || out.String() != shown("trace") {
		t.Errorf("exit code %d, it writes\n%s%s", code, &out, &report)
	}
}
