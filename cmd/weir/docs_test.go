package main

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"
)

// command is `weir run ...` with files of the repository, as the docs and the
// demo show it.
var command = regexp.MustCompile(`(?m)(?:weir|\./cmd/weir) (run rulesets/\S+ --events rulesets/\S+)$`)

// TestDocumentedCommands runs the commands that the docs and the demo show.
func TestDocumentedCommands(t *testing.T) {
	var demo bytes.Buffer
	if code := execute([]string{"demo"}, &streams{nil, &demo, &demo}); code != exitDone {
		t.Fatalf("demo: exit code %d: %s", code, &demo)
	}
	running, err := os.ReadFile("../../docs/running.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir("../..")
	for where, text := range map[string]string{"demo": demo.String(), "docs/running.md": string(running)} {
		found := command.FindAllStringSubmatch(text, -1)
		if len(found) == 0 {
			t.Errorf("%s shows no command", where)
		}
		for _, m := range found {
			var alerts, report bytes.Buffer
			code := execute(strings.Fields(m[1]), &streams{nil, &alerts, &report})
			if n := bytes.Count(alerts.Bytes(), newline); code != exitDone || n != 3 {
				t.Errorf("%s: %s: exit code %d, %d alerts; want 3\n%s", where, m[1], code, n, &report)
			}
		}
	}
}
