package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestLateExample runs the rule that the section on late events shows over its events, in
// both orders.
func TestLateExample(t *testing.T) {
	_, shown := runningSection(t, "## Events that come late")
	ruleset, events := writeFile(t, "rule.yaml", shown("yaml")), writeFile(t, "events.ndjson", shown("json"))
	run := func(order string) (string, string) {
		var alerts, report bytes.Buffer
		args := []string{"run", ruleset, "--events", events, "--order", order, "--lateness", "10m"}
		if code := execute(args, &streams{strings.NewReader(""), &alerts, &report}); code != exitDone {
			t.Fatalf("exit code %d: %s", code, &report)
		}
		return shortAlerts(t, alerts.Bytes()), report.String()
	}
	short, report := run("eager")
	if short != shown("alerts") {
		t.Errorf("eager order writes\n%s", short)
	}
	if !strings.HasSuffix(report, shown("summary")) {
		t.Errorf("its summary is\n%s", report)
	}
	if short, _ := run("watermark"); short != "match version 1: a0 b0.5\nmatch version 1: a1 b2\n" {
		t.Errorf("watermark order writes\n%s", short)
	}
}

// shortAlerts writes of alerts what the section shows.
func shortAlerts(t *testing.T, lines []byte) string {
	t.Helper()
	var out strings.Builder
	for line := range bytes.Lines(lines) {
		var alert struct {
			Version int
			Kind    string
			Events  struct{ A, B struct{ Name string } }
			Cause   *struct{ Position int }
		}
		if err := json.Unmarshal(line, &alert); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%s version %d: %s %s", alert.Kind, alert.Version, alert.Events.A.Name, alert.Events.B.Name)
		if alert.Cause != nil {
			fmt.Fprintf(&out, ", cause %d", alert.Cause.Position)
		}
		out.WriteByte('\n')
	}
	return out.String()
}

// runningSection returns the section of docs/running.md with a heading, and what finds the
// blocks of a kind that it shows.
func runningSection(t *testing.T, heading string) (section string, shown func(kind string) string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/running.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ = strings.Cut(string(text), "\n"+heading+"\n")
	return section, func(kind string) string {
		_, after, _ := strings.Cut(section, "```"+kind+"\n")
		block, _, ok := strings.Cut(after, "```\n")
		if !ok {
			t.Fatalf("docs/running.md shows no %s", kind)
		}
		return block
	}
}
