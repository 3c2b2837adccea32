package main

import (
	"bytes"
	"strings"
	"testing"

	"weir/cep"
)

// TestNearMissesExample runs the rule that the section on near misses shows over its
// events.
func TestNearMissesExample(t *testing.T) {
	section, shown := runningSection(t, "### Near misses")
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
