package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestNewTable checks that a table fits the ruleset that was inferred from it,
// whatever stands in it.
func TestNewTable(t *testing.T) {
	columns := rapid.SampledFrom([]string{"time", "created", "id", "user", "card_id", "amount", "ok", "tags", "a b", "ä", "count"})
	cell := rapid.OneOf(
		rapid.SampledFrom([]string{"", "0", "007", "1", "-2.50", "1e3", "1e999", "12345678901234567890", "true", "false", "True", "null", "[1]", `{"a":1}`, "[", "2026-01-02T03:04:05Z", "2026-01-02", "1767323045", "1767323045000", " 1", "a,b", `say "x"`, "two\nlines", `"quoted"`}),
		rapid.StringMatching(`[a-z0-9 .]{0,6}`),
	)
	types := rapid.SampledFrom([]string{"payment", "login", ""})
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		header := rapid.SliceOfNDistinct(columns, 1, 5, rapid.ID).Draw(t, "header")
		typed := rapid.Bool().Draw(t, "typed")
		steady := map[string]string{} // columns that keep to one cell
		for _, c := range header {
			if rapid.Bool().Draw(t, "steady") {
				steady[c] = cell.Draw(t, "cell")
			}
		}
		var text bytes.Buffer
		w := csv.NewWriter(&text)
		first := []string{"ts"} // so that no event has to be timed by another
		if typed {
			first = append(first, "type")
		}
		w.Write(append(first, header...))
		for i := range rapid.IntRange(1, 20).Draw(t, "rows") {
			row := []string{fmt.Sprintf("2026-01-02T03:04:%02dZ", i)}
			if typed {
				row = append(row, types.Draw(t, "type"))
			}
			for _, c := range header {
				v, ok := steady[c]
				if !ok {
					v = cell.Draw(t, "cell")
				}
				row = append(row, v)
			}
			w.Write(row)
		}
		w.Flush()
		fits(t, dir, "events.csv", text.String())
	})
}

type fataler interface {
	Fatalf(format string, args ...any)
}

// fits makes a ruleset of events and checks that nothing can be said against it,
// that its tests pass, and that a run takes each event.
func fits(t fataler, dir, name, text string) {
	events, rules := filepath.Join(dir, name), filepath.Join(dir, "rules")
	if err := os.WriteFile(events, []byte(text), 0o666); err != nil {
		t.Fatalf("%v", err)
	}
	weir := func(args ...string) (out, errs string) {
		var stdout, stderr bytes.Buffer
		if code := execute(args, &streams{strings.NewReader(""), &stdout, &stderr}); code != exitDone {
			ruleText, _ := os.ReadFile(filepath.Join(rules, "events.yaml"))
			t.Fatalf("weir %s: exit code %d\n%s%s\n%s\n%s", strings.Join(args, " "), code, &stdout, &stderr, text, ruleText)
		}
		return stdout.String(), stderr.String()
	}
	weir("new", rules, "--force", "--from-events", events)
	weir("check", "--strict", rules)
	weir("fmt", "--check", rules)
	weir("test", rules)
	_, errs := weir("run", rules, "--json", "--events", events)
	var sum struct {
		Rejected int `json:"rejected"`
	}
	if err := json.Unmarshal([]byte(errs), &sum); err != nil {
		t.Fatalf("%v\n%s", err, errs)
	}
	if sum.Rejected > 0 {
		ruleText, _ := os.ReadFile(filepath.Join(rules, "events.yaml"))
		t.Fatalf("%d rejected\n%s\n%s\n%s", sum.Rejected, errs, text, ruleText)
	}
}
