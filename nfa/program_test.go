package nfa

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"
	"time"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

// TestProgramListing compares the listings of compiled patterns with
// testdata/programs.txt. Each pattern stands behind "== ", its options behind it
// in the order of the test; -rewrite writes the listings anew.
func TestProgramListing(t *testing.T) {
	const file = "testdata/programs.txt"
	old, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var fresh bytes.Buffer
	for _, part := range strings.Split(string(old), "== ")[1:] {
		text, _, _ := strings.Cut(part, "\n")
		fresh.WriteString("== " + text + "\n" + compile(t, text, listingOptions(text)).String())
	}
	if *rewrite {
		if err := os.WriteFile(file, fresh.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if fresh.String() != string(old) {
		t.Errorf("the listings differ from %s; look at them, then run with -rewrite. Got:\n%s", file, fresh.String())
	}
}

// listingOptions gives patterns with a closing negation the window they need.
func listingOptions(text string) Options {
	if strings.Contains(text, "!") {
		return Options{Within: time.Hour, Timeout: true}
	}
	return Options{}
}

func TestCompileErrors(t *testing.T) {
	tests := []struct {
		text    string
		options Options
		want    string
	}{
		{"a -> !n", Options{}, "no end to wait for"},
		{"a -[>5m]-> !n", Options{}, "no end to wait for"},
		{"a -> !m -[<1h]-> !n", Options{}, "no end to wait for"},
		{"a -[<2h]-> b", Options{Within: time.Hour}, "longer than the window"},
		{"a -[>1h]-> b", Options{Within: time.Hour}, "not inside `within`"},
		{"(a -> b) within 2h -> c", Options{Within: time.Hour}, "longer than the window"},
		{"a -> b", Options{Within: time.Hour, Gap: 2 * time.Hour}, "`gap` is longer"},
		{"a -> b", Options{Skip: SkipToFirst, SkipVar: "x"}, "does not have"},
		{"a -> !b -> c", Options{Skip: SkipToLast, SkipVar: "b"}, "captures nothing"},
		{"(a -> b){2} -> c", Options{Skip: SkipToLast, SkipVar: "b"}, "in a group"},
		{"a & b & c & d & e & f", Options{}, "more than 120"},
		{"(a|b) -> (c|d) -> (e|f) -> (g|h) -> (i|j) -> (k|l) -> (m|n)", Options{}, "more than 120"},
	}
	for _, tt := range tests {
		p, err := Parse(tt.text, nil)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		if _, err := Compile(p, tt.options); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want an error with %q", tt.text, err, tt.want)
		}
	}
	for _, text := range []string{"a & b & c & d & e", "a -> !m, !n", "a -[<1h]-> !n", "(a -> !n) within 5m"} {
		p, err := Parse(text, nil)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if _, err := Compile(p, Options{}); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}
