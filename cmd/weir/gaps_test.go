package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestGaps: of a record in the middle of the log one bit flips, and the server passes over it.
// The state has seen it, so the service goes on, and tells of it as all commands do.
func TestGaps(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	rules := writeFile(t, "rules.yaml", "rules:\n  - {id: up, on: tick, key: k, within: 1h, pattern: a -> b, define: {a: n == 5, b: n == 9}}\n")
	s := startServe(t, dir, []string{rules}, nil)
	for i := range 20 {
		s.post(t, fmt.Appendf(nil, `{"type":"tick","ts":%d,"k":"k","n":%d,"pad":"in record %d"}`+"\n", 1_767_000_000_000+i, i, i))
	}
	s.shut(t)
	if code, said := told("state", "check", dir); code != exitDone || !strings.Contains(said, "no finding") {
		t.Fatalf("before: exit code %d: %s", code, said)
	}
	name := filepath.Join(dir, "log", "jetstream", "$G", "streams", "WEIR", "msgs", "1.blk")
	block, err := os.ReadFile(name)
	must(t, err)
	at := bytes.Index(block, []byte("in record 7"))
	if at < 0 {
		t.Fatal("the event stands in no block of the log")
	}
	block[at] ^= 4
	must(t, os.WriteFile(name, block, 0o600))

	s = startServe(t, dir, []string{rules}, nil)
	var warnings string
	for end := time.Now().Add(patience); !strings.Contains(warnings, "the log has lost record 10,") && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
		warnings = strings.Join(s.status().Warnings, "\n")
	}
	if !strings.Contains(warnings, "the log has lost record 10,") || s.status().Missing != 1 {
		t.Errorf("%d are missing, warnings:\n%s", s.status().Missing, warnings)
	}
	s.post(t, []byte(`{"type":"tick","ts":1767000000100,"k":"k","n":5}`+"\n"))
	s.shut(t)
	if !strings.Contains(string(s.said.Bytes()), `missing="record 10"`) {
		t.Errorf("the service says\n%s", s.said.Bytes())
	}
	for _, c := range [][]string{{"state", "check", dir}, {"replay", "--data", dir}, {"replay", "--json", "--data", dir}} {
		if code, said := told(c...); code != exitFindings || !strings.Contains(said, "the log has lost record 10, which it has not dropped") {
			t.Errorf("%v: exit code %d:\n%s", c, code, said)
		}
	}
	if code, said := told("state", "inspect", dir); code != exitDone || !strings.Contains(said, "1 record lost") {
		t.Errorf("inspect: exit code %d:\n%s", code, said)
	}
}

// told is what a command says, and its exit code.
func told(args ...string) (int, string) {
	var out, report bytes.Buffer
	code := execute(args, &streams{nil, &out, &report})
	return code, out.String() + report.String()
}

func TestGapsText(t *testing.T) {
	var g gaps
	if got := g.String(); got != "none" {
		t.Error(got)
	}
	g.add(gap{7, 7})
	if got := g.String(); got != "record 7" {
		t.Error(got)
	}
	for i := range uint64(11) {
		g.add(gap{10 + 10*i, 11 + 10*i})
	}
	want := "records 7, 10 to 11, 20 to 21, 30 to 31, 40 to 41, 50 to 51, 60 to 61, 70 to 71, 80 to 81, 90 to 91 and 2 more runs, 23 records in all"
	if got := g.String(); got != want {
		t.Errorf("%s\nexpected %s", got, want)
	}
}
