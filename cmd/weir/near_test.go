package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weir/rulesets"
)

// TestNearCases compares what `weir trace --why-not` says of the keys that the demo
// calls near with testdata/near.txt.
func TestNearCases(t *testing.T) {
	var got bytes.Buffer
	for _, f := range frauds {
		sample, err := rulesets.Samples.ReadFile("sample/" + f.sample + ".ndjson")
		if err != nil {
			t.Fatal(err)
		}
		events := filepath.Join(t.TempDir(), "events.ndjson")
		if err := os.WriteFile(events, sample, 0o600); err != nil {
			t.Fatal(err)
		}
		text, err := rulesets.Files.ReadFile(f.rules())
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(text), "\n") {
			id, ok := strings.CutPrefix(line, "  - id: ")
			if !ok {
				continue
			}
			got.WriteString("== " + id + "\n")
			for _, n := range f.near {
				var out, errs bytes.Buffer
				code := execute([]string{"trace", "../../rulesets/" + f.folder, "--rule", id, "--key", n.key, "--events", events, "--why-not"}, &streams{nil, &out, &errs})
				if code != 0 {
					t.Fatalf("%s %s: %d %s", id, n.key, code, errs.String())
				}
				if says := out.String(); !strings.Contains(says, "no event has this key") { // the key of another rule
					got.WriteString(n.why + "\n" + says + "\n")
				}
			}
		}
	}
	golden := filepath.Join("testdata", "near.txt")
	if *rewrite {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
}
