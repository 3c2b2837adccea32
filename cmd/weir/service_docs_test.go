package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestServiceDocs checks what docs/service.md says of settings, its configuration file, and
// what it shows of a replay.
func TestServiceDocs(t *testing.T) {
	text, err := os.ReadFile("../../docs/service.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	for _, s := range allSettings {
		if row := "| `" + s.name + "` | `" + s.def + "` | `" + s.env() + "` | "; !strings.Contains(page, row) {
			t.Errorf("docs/service.md has no row %s", row)
		}
	}
	_, after, _ := strings.Cut(page, "```yaml\n")
	config, _, ok := strings.Cut(after, "```")
	if !ok {
		t.Fatal("docs/service.md shows no configuration")
	}
	s, from, err := loadSettings(writeFile(t, "weir.yaml", config), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.LogSize != 4<<30 || len(from) != len(allSettings) {
		t.Errorf("the configuration makes a log of %d bytes and %d settings", s.LogSize, len(from))
	}

	dir := filepath.Join(t.TempDir(), "data")
	sample, err := os.ReadFile("../../rulesets/sample/payments.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	v := startServe(t, dir, []string{"../../rulesets/card-testing"}, nil)
	v.post(t, sample)
	v.shut(t)
	var out, report bytes.Buffer
	if code := execute([]string{"replay", "--data", dir}, &streams{nil, &out, &report}); code != exitDone {
		t.Errorf("replay: exit code %d: %s", code, &report)
	}
	for line := range strings.Lines(report.String()) {
		if strings.HasPrefix(line, "to ") || strings.HasPrefix(line, "records ") {
			continue // how many records events come to depends on time
		}
		if !strings.Contains(page, "\n    "+line) {
			t.Errorf("docs/service.md does not show %q", line)
		}
	}
}
