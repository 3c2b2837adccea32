package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"weir/cep"
)

// TestNearMissesExample runs the rule that the section on near misses shows over its
// events.
func TestNearMissesExample(t *testing.T) {
	text, err := os.ReadFile("../../docs/running.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n### Near misses\n")
	shown := func(kind string) string {
		_, after, _ := strings.Cut(section, "```"+kind+"\n")
		block, _, ok := strings.Cut(after, "```\n")
		if !ok {
			t.Fatalf("docs/running.md shows no %s", kind)
		}
		return block
	}
	var out, report bytes.Buffer
	code := execute([]string{"run", writeFile(t, "rule.yaml", shown("yaml")), "--near-misses", "--events", writeFile(t, "events.ndjson", shown("json"))},
		&streams{strings.NewReader(""), &out, &report})
	_, near, ok := strings.Cut(report.String(), "near misses\n")
	if code != exitDone || !ok || "near misses\n"+near != shown("near") {
		t.Errorf("exit code %d, it writes\n%s", code, &report)
	}
	for e, name := range endings {
		if row := "| " + name + " | `" + cep.Ending(e).String() + "` |"; !strings.Contains(section, row) {
			t.Errorf("the section has no row %s", row)
		}
	}
}
