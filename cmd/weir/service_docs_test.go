package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var leastOf = regexp.MustCompile(`is (?:shorter|less) than (\w+)`)

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
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| `[^`]*` \\| `WEIR_").FindAllStringSubmatch(page, -1) {
		if _, err := settingOf(row[1]); err != nil {
			t.Errorf("docs/service.md: %v", err)
		}
	}
	if strings.Count(page, "` | `WEIR_") != len(allSettings) {
		t.Errorf("docs/service.md has %d rows of settings, and there are %d", strings.Count(page, "` | `WEIR_"), len(allSettings))
	}
	// What a setting is at the least stands in its row.
	for _, s := range allSettings {
		_, row, _ := strings.Cut(page, "| `"+s.name+"` | ")
		row, _, _ = strings.Cut(row, "\n")
		for _, text := range []string{"0s", "0B"} {
			err := s.set(new(settings), text)
			if m := leastOf.FindStringSubmatch(fmt.Sprint(err)); m != nil && !strings.Contains(row, "at least "+m[1]) {
				t.Errorf("docs/service.md: %s: %v, which is not said", s.name, err)
			}
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
