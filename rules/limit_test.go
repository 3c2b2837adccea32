package rules

import (
	"fmt"
	"strings"
	"testing"

	"weir/rules/source"
)

const limitHead = "rules:\n  - id: r\n    on: pay\n    key: card\n    within: 1h\n    pattern: a\n    define:\n      a: x > 1\n"

// TestLimits: what a ruleset has too many of is said once, and checked no further.
func TestLimits(t *testing.T) {
	many := func(n int, line string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, line, i)
		}
		return b.String()
	}
	tests := []struct {
		text string
		want string // "" for none
	}{
		{limitHead + "    measures:\n" + many(maxMeasures, "      m%d: count(a)\n"), ""},
		{limitHead + "    measures:\n" + many(maxMeasures+1, "      m%d: count(a)\n") + "    score: m0 + m100\n", "r.yaml:110:7: a rule has at most 100 measures, this one has 101; leave some out"},
		{"params:\n" + many(maxParams, "  p%d: 1\n"), ""},
		{"params:\n" + many(maxParams+5, "  p%d: 1\n"), "r.yaml:1002:3: there are at most 1000 params, here are 1005; what is many and changes belongs into the events"},
	}
	for _, tt := range tests {
		var got []string
		for _, d := range Check([]source.File{{Path: "r.yaml", Text: tt.text}}).Findings {
			if d.Severity == source.Error {
				got = append(got, d.String())
			}
		}
		if all := strings.Join(got, "\n"); all != tt.want {
			t.Errorf("got %q, want %q", all, tt.want)
		}
	}
}

// TestReserved: what a rule declares is not called like a word of its own language.
func TestReserved(t *testing.T) {
	for _, tt := range []struct{ lang, name, want string }{
		{"expr", "size", ""},
		{"cel", "size", "`size` is a word of the language"},
		{"expr", "uniq", "`uniq` is a word of the language"},
	} {
		text := limitHead + "    lang: " + tt.lang + "\n    measures: {" + tt.name + ": count(a)}\n"
		_, err := Compile([]source.File{{Path: "r.yaml", Text: text}})
		if got := fmt.Sprint(err); (err == nil) != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s in %s: %v, want %q", tt.name, tt.lang, err, tt.want)
		}
	}
}
