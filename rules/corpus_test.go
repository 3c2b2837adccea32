package rules

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"weir/rules/source"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files of testdata/check anew")

const corpus = "testdata/check"

// TestCorpus checks rulesets with mistakes against their findings, and the same
// rulesets mended, in which nothing is found.
func TestCorpus(t *testing.T) {
	bad, err := filepath.Glob(filepath.Join(corpus, "*.bad.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	covered := map[string]bool{}
	several := 0
	for _, path := range bad {
		base := strings.TrimSuffix(path, ".bad.yaml")
		t.Run(filepath.Base(base), func(t *testing.T) {
			file := corpusFile(t, path)
			checked := Check([]source.File{file})
			found := append(checked.Findings, checked.Notes...)
			if len(found) == 0 {
				t.Error("nothing is found")
			}
			if len(found) > 1 {
				several++
			}
			codes := map[string]bool{}
			for _, d := range found {
				covered[d.Code], codes[d.Code] = true, true
			}
			if named, _, _ := strings.Cut(filepath.Base(base), "_"); !codes[named] {
				t.Errorf("nothing of code %s is found", named)
			}
			golden(t, base+".golden", rendered(file, found))
			for _, d := range Check([]source.File{corpusFile(t, base+".good.yaml")}).Findings {
				t.Errorf("found in the ruleset that is mended: %v", d)
			}
		})
	}
	if len(bad) < 160 || several < 25 {
		t.Errorf("%d rulesets, %d of them with several mistakes; want at least 160 and 25", len(bad), several)
	}
	for _, c := range source.Codes {
		if !covered[c.Code] && c.Code != source.CodeFile && c.Code != source.CodeMore && c.Code != source.CodeTwice { // these are of no text, or of other files
			t.Errorf("no ruleset has a finding of code %s", c.Code)
		}
	}
}

// TestValid checks sound rulesets that look odd. A folder is one ruleset.
func TestValid(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(corpus, "valid_*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) < 25 {
		t.Errorf("%d rulesets, want at least 25", len(paths))
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			files, err := source.Read([]string{path})
			if err != nil {
				t.Fatal(err)
			}
			checked := Check(files)
			for _, d := range checked.Findings {
				t.Errorf("found: %v", d)
			}
			if checked.Ruleset == nil {
				t.Error("there is no ruleset")
			}
		})
	}
}

func corpusFile(t *testing.T, path string) source.File {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return source.File{Path: filepath.Base(path), Text: string(text)}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *rewrite {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
	}
}

// rendered puts findings in text: each with its place and the line that it is
// on, marked from its first to its last character there.
func rendered(file source.File, found []source.Diagnostic) string {
	var b strings.Builder
	lines := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n", "\ufeff", "").Replace(file.Text), "\n")
	for _, d := range found {
		fmt.Fprintf(&b, "%s:%d:%d-%d:%d %s[%s] %s\n", d.File, d.Line, d.Column, d.EndLine, d.EndColumn, d.Severity, d.Code, d.Msg)
		if d.Line > 0 {
			line := []rune(lines[d.Line-1])
			end := d.EndColumn
			if d.EndLine > d.Line {
				end = len(line) + 1
			}
			pad := slices.Clone(line[:d.Column-1])
			for i, r := range pad {
				if r != '\t' {
					pad[i] = ' '
				}
			}
			fmt.Fprintf(&b, "  | %s\n  | %s%s\n", string(line), string(pad), strings.Repeat("^", max(1, end-d.Column)))
		}
		if d.Hint != "" {
			fmt.Fprintf(&b, "  = %s\n", d.Hint)
		}
	}
	return b.String()
}
